import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeKey, encodeKey, linesOf, parseKey } from "../../src/keystore/key-text.js";

const key = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((octets) => Buffer.from(octets));

describe("a key as text", () => {
  test("is base64url, as Node writes it", () => {
    fc.assert(
      fc.property(key, (octets) => {
        expect(encodeKey(octets).toString("latin1")).toBe(octets.toString("base64url"));
        expect(decodeKey(encodeKey(octets))).toEqual(octets);
      }),
    );
  });

  test("is taken as the user has it: raw, hexadecimal, base64 or base64url, with a newline or without", () => {
    fc.assert(
      fc.property(key, fc.constantFrom("", "\n", "\r\n"), (octets, end) => {
        const hex = octets.toString("hex");
        const base64 = octets.toString("base64");
        const texts = [hex, hex.toUpperCase(), base64, base64.slice(0, 43), octets.toString("base64url")];
        for (const text of texts) expect(parseKey(Buffer.from(text + end))).toEqual(octets);
        expect(parseKey(Buffer.concat([octets, Buffer.from(end)]))).toEqual(octets);
      }),
    );
  });

  test("raw octets may end as a line does", () => {
    for (const end of ["\n", "\r\n"]) {
      const octets = Buffer.concat([randomBytes(32 - end.length), Buffer.from(end)]);
      expect(parseKey(octets)).toEqual(octets);
      expect(parseKey(Buffer.concat([octets, Buffer.from("\n")]))).toEqual(octets);
    }
  });

  test("is a copy, so that what it was read from can be wiped", () => {
    const octets = Buffer.from(randomBytes(32));
    const parsed = parseKey(octets);
    octets.fill(0);
    expect(parsed?.equals(octets)).toBe(false);
  });

  const text = randomBytes(32).fill(7).toString("base64url");
  test.each([
    ["nothing", ""],
    ["a newline", "\n"],
    ["two newlines", `${text}\n\n`],
    ["a space in front", ` ${text}`],
    ["one character less", text.slice(1)],
    ["one character more", `A${text}`],
    ["padding alone", `${text.slice(0, 42)}==`],
    ["padding of another kind", `${text}A`],
    ["another character", `${text.slice(0, 20)}!${text.slice(21)}`],
    ["an octet beyond ASCII", `${text.slice(0, 20)}é${text.slice(22)}`],
    ["bits that are not of the key", `${text.slice(0, 42)}d`],
    ["63 hexadecimal digits", "a".repeat(63)],
    ["64 characters, one of them no digit", `${"a".repeat(63)}g`],
    ["31 octets", "x".repeat(31)],
    ["34 octets", "x".repeat(34)],
  ])("is not %s", (_, wrong) => {
    expect(parseKey(Buffer.from(wrong))).toBeUndefined();
  });

  test("any octets give a key or nothing", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (octets) => {
        const parsed = parseKey(Buffer.from(octets));
        expect(parsed === undefined || parsed.length === 32).toBe(true);
      }),
    );
  });
});

test("lines lose their ends, and nothing else", () => {
  for (const [text, lines] of [
    ["", []],
    ["a", ["a"]],
    ["a\n", ["a"]],
    ["a\r\nb\n\nc", ["a", "b", "", "c"]],
  ] as const) {
    expect(linesOf(Buffer.from(text)).map(String)).toEqual(lines);
  }
});
