import { inspect } from "node:util";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import {
  listSchema,
  parseWith,
  SequenceSchema,
  Sha256Schema,
  textSchema,
  TimeSchema,
  UdfSchema,
} from "../../src/mesh/schema.js";
import { verbatim } from "../../src/messages/message.js";
import { meshError } from "../support/deps.js";
import { refusal } from "./support.js";

const takes = (schema: v.GenericSchema, value: unknown): boolean =>
  refusal(() => parseWith(schema, value, "record-invalid", verbatim("It"))) === undefined;

describe("times", () => {
  test.each([
    "2026-03-04T05:06:07Z",
    "2026-03-04T05:06:07.1Z",
    "2026-03-04T05:06:07.123456789Z",
    "2024-02-29T23:59:59Z",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999Z",
  ])("takes %s", (text) => {
    expect(takes(TimeSchema, text)).toBe(true);
  });

  test.each([
    "",
    "2026-03-04",
    "2026-03-04 05:06:07Z",
    "2026-03-04T05:06:07",
    "2026-03-04t05:06:07z",
    "2026-03-04T05:06:07+00:00",
    "2026-03-04T05:06Z",
    "2026-3-4T05:06:07Z",
    "2026-03-04T05:06:07.Z",
    "2026-03-04T05:06:07,5Z",
    "2026-03-04T05:06:07.1234567890Z",
    "2026-03-04T05:06:07Z\n",
    "+02026-03-04T05:06:07Z",
    "2026-00-04T05:06:07Z",
    "2026-13-04T05:06:07Z",
    "2026-03-00T05:06:07Z",
    "2026-03-32T05:06:07Z",
    // Date.parse takes these for the first of March and for the next midnight.
    "2026-02-30T05:06:07Z",
    "2026-02-29T05:06:07Z",
    "2026-04-31T05:06:07Z",
    "2026-03-04T24:00:00Z",
    "2026-03-04T25:00:00Z",
    "2026-03-04T05:60:07Z",
    "2026-03-04T05:06:60Z",
    1_772_600_767,
    null,
  ])("refuses %j", (value) => {
    expect(takes(TimeSchema, value)).toBe(false);
  });
});

describe("sequences", () => {
  test.each([1, 2, Number.MAX_SAFE_INTEGER])("takes %d", (value) => {
    expect(takes(SequenceSchema, value)).toBe(true);
  });

  test.each([0, -1, 1.5, Number.MAX_SAFE_INTEGER + 1, 1e300, Infinity, NaN, "1", true, null, [1], 1n])(
    "refuses %s",
    (value) => {
      expect(takes(SequenceSchema, value)).toBe(false);
    },
  );
});

describe("fingerprints, digests, texts and lists", () => {
  test("a fingerprint is a canonical one of 140 bits", () => {
    expect(takes(UdfSchema, "MDDK-7N6A-727A-JZNO-STRX-XKS7-DJAF")).toBe(true);
    expect(takes(UdfSchema, "mddk-7n6a-727a-jzno-strx-xks7-djaf")).toBe(false);
    expect(takes(UdfSchema, "MDDK-7N6A-727A-JZNO-STRX")).toBe(false);
  });

  test("a digest is base64url of 32 octets", () => {
    expect(takes(Sha256Schema, "A".repeat(43))).toBe(true);
    for (const text of ["A".repeat(42), "A".repeat(44), `${"A".repeat(43)}=`, `${"A".repeat(42)}+`]) {
      expect(takes(Sha256Schema, text)).toBe(false);
    }
  });

  test("a text has at most so many code units", () => {
    expect(takes(textSchema(3), "abc")).toBe(true);
    expect(takes(textSchema(3), "abcd")).toBe(false);
    expect(takes(textSchema(3), "\u{1F600}\u{1F600}")).toBe(false);
  });

  test("a list is never empty and never too long", () => {
    const schema = listSchema(v.number(), 2);
    expect(takes(schema, [1])).toBe(true);
    expect(takes(schema, [1, 2])).toBe(true);
    for (const value of [[], [1, 2, 3], [1, null], { 0: 1, length: 1 }, null]) expect(takes(schema, value)).toBe(false);
  });
});

describe("parseWith", () => {
  const schema = v.strictObject({ a: v.object({ b: TimeSchema }), c: v.optional(v.string()) });

  test("gives the value, or an error with the code asked for that names the member", async () => {
    const value = { a: { b: "2026-03-04T05:06:07Z" } };
    expect(parseWith(schema, value, "portal-answer", verbatim("It"))).toEqual(value);
    const error = await meshError(() =>
      parseWith(schema, { a: { b: "soon" } }, "portal-answer", verbatim("The thing")),
    );
    expect(error.code).toBe("portal-answer");
    const fault = { key: "problem.time-format", values: {} };
    expect(error.text).toEqual({
      key: "schema.member-wrong",
      values: { what: verbatim("The thing"), member: "a.b", fault },
    });
  });

  test("never quotes a value, and little of a name", async () => {
    for (const value of [{ a: { b: "hunter2" } }, { a: "hunter2" }, "hunter2", { a: { b: "" }, c: ["hunter2"] }]) {
      const error = await meshError(() => parseWith(schema, value, "record-invalid", verbatim("It")));
      expect(inspect(error)).not.toContain("hunter2");
    }
    const name = "x".repeat(100_000);
    const value = { a: { b: "2026-03-04T05:06:07Z" }, [name]: 1 };
    const error = await meshError(() => parseWith(schema, value, "record-invalid", verbatim("It")));
    expect(error.message.length).toBeLessThan(300);
  });
});
