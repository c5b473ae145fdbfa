import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeBase64url,
  decodeUtf8,
  encodeBase64url,
  lengthPrefixed,
  sha256,
  sha512,
  utf8,
} from "../../src/mesh/bytes.js";
import { refusal, withStrayBits } from "./support.js";

describe("base64url", () => {
  // RFC 4648 section 10, without the padding.
  test.each([
    ["", ""],
    ["f", "Zg"],
    ["fo", "Zm8"],
    ["foo", "Zm9v"],
    ["foob", "Zm9vYg"],
    ["fooba", "Zm9vYmE"],
    ["foobar", "Zm9vYmFy"],
  ])("of %j is %j", (text, encoded) => {
    expect(encodeBase64url(utf8(text))).toBe(encoded);
    expect(decodeBase64url(encoded).toString()).toBe(text);
  });

  test("uses the alphabet of RFC 4648 section 5", () => {
    expect(encodeBase64url(Uint8Array.of(0xfb, 0xff, 0xbf))).toBe("-_-_");
    expect(refusal(() => decodeBase64url("+/+/"))).toBe("record-invalid");
  });

  test.each(["A", "AAAAA", "Zg=", "Zg==", "Zm8=", "=", " Zg", "Zg ", "Zm9v\n", "Zm\n9v", "Zm\r\n9v", "Z", "Zg.", "Zé"])(
    "refuses %j",
    (text) => {
      expect(refusal(() => decodeBase64url(text))).toBe("record-invalid");
    },
  );

  test("takes one spelling of any octets, and no other that a lax decoder reads alike", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 64 }), fc.nat(), (octets, place) => {
        const text = encodeBase64url(octets);
        expect(decodeBase64url(text)).toEqual(Buffer.from(octets));
        const at = place % (text.length + 1);
        const others = [
          ...["\n", " ", "=", "\u0000", "%"].map((foreign) => text.slice(0, at) + foreign + text.slice(at)),
          ...(text.length % 4 === 0 ? [] : [withStrayBits(text), text.padEnd(Math.ceil(text.length / 4) * 4, "=")]),
          ...(/[-_]/.test(text) ? [text.replace(/-/g, "+").replace(/_/g, "/")] : []),
        ];
        for (const other of others) expect(refusal(() => decodeBase64url(other))).toBe("record-invalid");
      }),
    );
  });
});

describe("UTF-8", () => {
  test("comes back as it was, a byte order mark too", () => {
    for (const text of ["", "Zoë", "\u{1F600}", "\ufeffx", "\u0000"]) expect(decodeUtf8(utf8(text))).toBe(text);
  });

  test.each([
    ["a stray continuation octet", "80"],
    ["an overlong NUL", "c080"],
    ["an overlong slash", "e080af"],
    ["a surrogate", "eda080"],
    ["an encoded surrogate pair", "eda0bdedb880"],
    ["beyond U+10FFFF", "f4908080"],
    ["an octet that never occurs", "ff"],
    ["a truncated character", "41e282"],
    ["UTF-16", "fffe4100"],
  ])("refuses %s", (_, hex) => {
    expect(refusal(() => decodeUtf8(Buffer.from(hex, "hex")))).toBe("json-invalid");
  });
});

describe("texts behind their lengths", () => {
  test("are octets behind four that count them", () => {
    expect(lengthPrefixed("a", "", "\u00e9").toString("hex")).toBe("000000016100000000" + "00000002c3a9");
    expect(lengthPrefixed().length).toBe(0);
  });

  test("are different octets for different lists", () => {
    const texts = fc.array(fc.string({ maxLength: 3 }), { maxLength: 4 });
    fc.assert(
      fc.property(texts, texts, (one, two) => {
        const isSame = lengthPrefixed(...one).equals(lengthPrefixed(...two));
        expect(isSame).toBe(JSON.stringify(one) === JSON.stringify(two));
      }),
    );
  });
});

describe("digests", () => {
  // FIPS 180-4, the examples for "abc".
  const SHA256_ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  const SHA512_ABC =
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" +
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";

  test("are those of FIPS 180-4, of all parts as one", () => {
    expect(sha256(utf8("abc")).toString("hex")).toBe(SHA256_ABC);
    expect(sha256(utf8("a"), utf8(""), utf8("bc")).toString("hex")).toBe(SHA256_ABC);
    expect(sha512(utf8("ab"), utf8("c")).toString("hex")).toBe(SHA512_ABC);
  });
});
