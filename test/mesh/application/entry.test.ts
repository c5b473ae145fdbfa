import * as v from "valibot";
import { describe, expect, test } from "vitest";
import {
  EditSchema,
  entrySize,
  MAX_OTHERS,
  newId,
  newStamp,
  readEntries,
  StoredEntrySchema,
  valueSize,
} from "../../../src/mesh/application/entry.js";
import { isApplicationType, type ApplicationKind } from "../../../src/mesh/application/kind.js";
import { encodeBase64url } from "../../../src/mesh/bytes.js";
import { stream, TIME } from "../support.js";
import { DEVICE, editOf, idOf, OTHER, stampOf, storedEntry } from "./support.js";

const schema = v.looseObject({ text: v.string() });
const kind: ApplicationKind<v.InferOutput<typeof schema>> = {
  type: "PasswordProfile",
  name: "texts",
  schema,
  label: ({ text }) => [text],
};
const random = stream("entry");

describe("an entry", () => {
  test("is what commands see of it", () => {
    const stored = storedEntry(1, {
      Others: [
        { Stamp: stampOf(2), Updated: TIME, Device: OTHER, Value: { text: "other", more: 1 } },
        { Stamp: stampOf(3), Updated: TIME },
      ],
      Exposed: [0],
    });
    expect(readEntries(kind, [stored, storedEntry(4)])).toEqual({
      entries: [
        {
          id: idOf(1),
          stamp: stampOf(1),
          updated: TIME,
          device: DEVICE,
          value: { text: "value 1" },
          others: [
            { stamp: stampOf(2), updated: TIME, device: OTHER, value: { text: "other", more: 1 } },
            { stamp: stampOf(3), updated: TIME, device: "", value: undefined },
          ],
          exposed: [0],
        },
        expect.objectContaining({ id: idOf(4), others: [], exposed: [] }) as object,
      ],
      unreadable: [],
    });
  });

  test("that its kind does not understand is reported and left out, and so is a version of it", () => {
    const strange = storedEntry(1, { Value: { text: 1 } });
    const other = { Stamp: stampOf(3), Updated: TIME, Device: OTHER, Value: { words: [] } };
    const read = readEntries(kind, [strange, storedEntry(2, { Others: [other] }), storedEntry(4)]);
    expect(read.entries.map(({ id, others }) => [id, others])).toEqual([
      [idOf(2), []],
      [idOf(4), []],
    ]);
    expect(read.unreadable).toEqual([idOf(1), idOf(2)]);
  });

  test("takes up as much as its JSON in UTF-8, with what stands between two", () => {
    const entry = storedEntry(1, { Value: { text: "é\u{1f600}" } });
    expect(entrySize(entry)).toBe(Buffer.from(JSON.stringify(entry)).length + 1);
    expect(valueSize({ text: "é" })).toBe(13);
  });

  test("has an identifier and stamps like no other", () => {
    const ids = Array.from({ length: 100 }, () => newId(random));
    const stamps = Array.from({ length: 100 }, () => newStamp(random));
    expect(new Set([...ids, ...stamps]).size).toBe(200);
    expect(v.is(StoredEntrySchema, { ...storedEntry(1), Id: ids[0], Stamp: stamps[0] })).toBe(true);
  });

  test.each([newId, newStamp])("has text that no command takes for an option", (draw) => {
    const drawn = [0xf8, 0xfb, 1];
    const text = draw((length) => Buffer.alloc(length, drawn.shift()));
    expect(encodeBase64url(Buffer.of(0xf8))).toMatch(/^-/);
    expect(drawn).toEqual([]);
    expect(text).toMatch(/^A/);
  });

  test.each([
    ["an identifier of other octets", { Id: stampOf(1) }],
    ["a stamp of other octets", { Stamp: idOf(1) }],
    ["a stamp that is not base64url", { Stamp: "***********" }],
    ["no time", { Updated: "now" }],
    ["no device", { Device: undefined }],
    ["no value", { Value: undefined }],
    ["an index that is none", { Exposed: [-1] }],
    ["an index of nothing", { Exposed: [128] }],
    [
      "too many versions",
      {
        Others: Array.from({ length: MAX_OTHERS + 1 }, () => ({ Stamp: stampOf(3), Updated: TIME })),
      },
    ],
  ])("has not %s", (_, members) => {
    expect(v.is(StoredEntrySchema, { ...storedEntry(1), ...members })).toBe(false);
  });
});

test("an edit is queued as it is", () => {
  for (const edit of [
    editOf(1, 1, 2, "text", { settles: [stampOf(3)], staysExposed: true }),
    editOf(1, undefined, 2, undefined),
  ]) {
    expect(v.parse(EditSchema, JSON.parse(JSON.stringify(edit)))).toEqual(JSON.parse(JSON.stringify(edit)));
  }
  expect(v.is(EditSchema, { ...editOf(1, 1, 2, "text"), stamp: "" })).toBe(false);
});

test("types of applications are those that this program keeps", () => {
  expect(isApplicationType("MailProfile")).toBe(true);
  for (const type of ["SegmentProfile", "PasswordProfilePrivate", ""]) expect(isApplicationType(type)).toBe(false);
});
