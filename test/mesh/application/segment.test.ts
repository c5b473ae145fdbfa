import { describe, expect, test } from "vitest";
import { MAX_ENTRIES, MAX_ENTRY } from "../../../src/mesh/application/entry.js";
import { newApplicationKey, newIdentifier } from "../../../src/mesh/application/head.js";
import {
  checkEntries,
  createSegment,
  MAX_SEGMENT,
  openSegment,
  readSegment,
} from "../../../src/mesh/application/segment.js";
import { utf8 } from "../../../src/mesh/bytes.js";
import { hkdfSync } from "node:crypto";
import { encryptDirect, recordHash, type SignedRecord } from "../../../src/mesh/jose.js";
import { readApplication } from "../../../src/mesh/records/application.js";
import { errorCode } from "../../support/deps.js";
import { altered, newPerson, NOW, payloadOf, refusal, stream, TIME } from "../support.js";
import { idOf, storedEntry } from "./support.js";

const random = stream("segment");
const alice = newPerson("alice");
const signer = alice.admin.keys.signature;
const key = newApplicationKey(random);
const of = { type: "PasswordProfile", identifier: newIdentifier(random), owner: alice.personal.udf } as const;
const identifier = newIdentifier(random);
const entries = [storedEntry(1), storedEntry(2)];
const segment = await createSegment(signer, of, identifier, entries, key, NOW);

const headOf = (record: SignedRecord) => ({
  ...of,
  segments: [{ identifier: record.Identifier, hash: recordHash(record) }],
});
const open = (value: SignedRecord, head: object = {}, applicationKey: Uint8Array = key) =>
  openSegment(value, { ...headOf(value), ...head }, applicationKey);
const refused = (...given: Parameters<typeof open>) => errorCode(() => open(...given));

describe("a segment", () => {
  test("is an application profile that says whose it is and whose it belongs to", () => {
    expect(segment).toMatchObject({
      identifier,
      owner: of.owner,
      head: of.identifier,
      hash: recordHash(segment.record),
    });
    expect(payloadOf(segment.record)).toEqual({
      Identifier: identifier,
      Owner: of.owner,
      Updated: TIME,
      Sequence: 1,
      Head: of.identifier,
      EncryptedData: expect.objectContaining({ iv: expect.any(String) as string }) as object,
    });
    expect(readApplication(segment.record)).toMatchObject({ type: "SegmentProfile", sequence: 1, owner: of.owner });
  });

  test("has no second version, for a portal either", () => {
    const second = altered(segment.record, "SegmentProfile", signer, (payload) => ({
      ...payload,
      Sequence: 2,
      Previous: "A".repeat(43),
    }));
    expect(refusal(() => readApplication(second))).toBe("record-invalid");
  });

  test("gives its entries back", async () => {
    expect(await open(segment.record)).toEqual(entries);
    const strange = { ...storedEntry(3), New: { member: [1] } };
    expect(await open((await createSegment(signer, of, identifier, [strange], key, NOW)).record)).toEqual([strange]);
  });

  test("is not taken where the head names another, or none", async () => {
    const { hash } = segment;
    for (const segments of [[], [{ identifier, hash: "A".repeat(43) }], [{ identifier: of.identifier, hash }]]) {
      expect(await refused(segment.record, { segments })).toBe("application-segment");
    }
    // Encrypted anew under the same identifier, by whoever may.
    const again = await createSegment(signer, of, identifier, entries, key, NOW);
    expect(await refused(again.record, headOf(segment.record))).toBe("application-segment");
  });

  test("is not taken for another application, person or type, or with another key", async () => {
    const other = newIdentifier(random);
    for (const head of [{ identifier: other }, { owner: other }, { type: "SSHProfile" }]) {
      expect(await refused(segment.record, head)).toBe("application-segment");
    }
    expect(await refused(segment.record, {}, newApplicationKey(random))).toBe("application-segment");
  });

  test("is not taken where its ciphertext was moved or its members changed", async () => {
    const moved = await createSegment(signer, of, newIdentifier(random), entries, key, NOW);
    const change = (members: object) =>
      altered(segment.record, "SegmentProfile", signer, (payload) => ({ ...payload, ...members }));
    for (const members of [
      { EncryptedData: payloadOf(moved.record)["EncryptedData"] },
      { Head: newIdentifier(random) },
      { Owner: newIdentifier(random) },
      { Sequence: 2 },
      { Updated: "today" },
      { EncryptedData: undefined },
      { Identifier: newIdentifier(random) },
    ]) {
      expect(await refused(change(members))).toBe("application-segment");
    }
    const cut = { ...segment.record, SignedData: { ...segment.record.SignedData, payload: "" } };
    for (const value of [cut, {}, null, "x"]) {
      expect(await errorCode(() => openSegment(value, headOf(segment.record), key))).toBe("application-segment");
    }
  });

  const inside = { Type: of.type, Identifier: identifier, Owner: of.owner, Head: of.identifier, Entries: entries };

  test.each<[string, unknown]>([
    ["of another type", { SegmentProfilePrivate: { ...inside, Type: "SSHProfile" } }],
    ["of another segment", { SegmentProfilePrivate: { ...inside, Identifier: of.identifier } }],
    ["of another person", { SegmentProfilePrivate: { ...inside, Owner: of.identifier } }],
    ["of another application", { SegmentProfilePrivate: { ...inside, Head: identifier } }],
    ["under another name", { PasswordProfilePrivate: inside }],
    ["with more beside it", { SegmentProfilePrivate: inside, More: 1 }],
    ["with no entries", { SegmentProfilePrivate: { ...inside, Entries: [] } }],
    ["with an entry without a value", { SegmentProfilePrivate: { ...inside, Entries: [{ ...entries[0], Value: 1 }] } }],
    [
      "with an entry without a stamp",
      { SegmentProfilePrivate: { ...inside, Entries: [{ ...entries[0], Stamp: "" }] } },
    ],
    [
      "with an identifier of another spelling",
      {
        SegmentProfilePrivate: { ...inside, Entries: [{ ...entries[0], Id: `${"A".repeat(21)}B` }] },
      },
    ],
    [
      "with an empty list of versions",
      { SegmentProfilePrivate: { ...inside, Entries: [{ ...entries[0], Others: [] }] } },
    ],
    [
      "with an entry that is too long",
      {
        SegmentProfilePrivate: { ...inside, Entries: [storedEntry(1, { Value: { text: "x".repeat(MAX_ENTRY) } })] },
      },
    ],
    ["that is none", "text"],
  ])("is not taken with content %s", async (_, content) => {
    const contentKey = hkdfSync("sha512", key, utf8(identifier), utf8("mmm/application/segment"), 32);
    const data = await encryptDirect(utf8(JSON.stringify(content)), new Uint8Array(contentKey));
    const record = altered(segment.record, "SegmentProfile", signer, (payload) => ({
      ...payload,
      EncryptedData: data,
    }));
    expect(await refused(record)).toBe("application-segment");
  });

  test("is never made larger than a record may be", async () => {
    const long = storedEntry(1, { Value: { text: "x".repeat(MAX_ENTRY) } });
    expect(await errorCode(() => createSegment(signer, of, identifier, [long], key, NOW))).toBe("too-large");
    const many = Array.from({ length: 40 }, (_, number) => storedEntry(number, { Value: { text: "x".repeat(3200) } }));
    expect(await errorCode(() => createSegment(signer, of, identifier, many, key, NOW))).toBe("too-large");
    const most = many.slice(0, Math.floor(MAX_SEGMENT / 3500));
    expect(await open((await createSegment(signer, of, identifier, most, key, NOW)).record)).toEqual(most);
  });

  test("is read without the key as far as it goes", () => {
    expect(refusal(() => readSegment(segment.record))).toBeUndefined();
    expect(refusal(() => readSegment({}))).toBe("record-invalid");
  });
});

describe("the entries of all segments", () => {
  test("are each in one segment, and as many as the head says", () => {
    const [a, b, c] = [idOf(1), idOf(2), idOf(3)];
    expect(refusal(() => checkEntries([[a], [b, c]], 3))).toBeUndefined();
    expect(refusal(() => checkEntries([], 0))).toBeUndefined();
    expect(refusal(() => checkEntries([[a]]))).toBeUndefined();
    for (const doubled of [[[a, a]], [[a], [b, a]]]) {
      expect(refusal(() => checkEntries(doubled))).toBe("application-segment");
    }
    for (const count of [0, 1, 3]) expect(refusal(() => checkEntries([[a], [b]], count))).toBe("application-segment");
    const most = Array.from({ length: MAX_ENTRIES }, (_, number) => idOf(number));
    expect(refusal(() => checkEntries([most]))).toBeUndefined();
    expect(refusal(() => checkEntries([most, [idOf(MAX_ENTRIES)]]))).toBe("application-segment");
  });
});
