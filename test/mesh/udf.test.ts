import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { utf8 } from "../../src/mesh/bytes.js";
import {
  decodeBase32,
  encodeBase32,
  fingerprint,
  isUdf,
  normaliseBase32,
  parseUdf,
  recordFingerprint,
  UDF_BITS,
} from "../../src/mesh/udf.js";
import { meshError } from "../support/deps.js";
import { refusal } from "./support.js";

/** The examples of draft-hallambaker-mesh-udf. */
const UDF = "MDDK-7N6A-727A-JZNO-STRX-XKS7-DJAF";
const LONG = "MDDK-7N6A-727A-JZNO-STRX-XKS7-DJAF-XI6O-ZSLU-2VOA-TZQ6-JMHP-TSXP";
const COMPRESSED = "MGHB-JWIZ-J3LA-EEWD-GCT3-WX6H-C5W2";
const COMPRESSIBLE = utf8("UDF Compressed Document 4187123");

const file = new URL("../../../shared/vectors/udf.json", import.meta.url);
interface Vector {
  readonly data: string;
  readonly contentType: string;
  readonly algorithm: string;
  readonly bits?: number;
  readonly udf: string;
}

describe("fingerprint", () => {
  test.each([100, 120, 140, 200, 260])("of the draft's example has %i bits", (bits) => {
    const letters = bits / 5;
    const expected = LONG.slice(0, letters + letters / 4 - 1);
    expect(fingerprint("text/plain", utf8("UDF Data Value"), bits)).toBe(expected);
    expect(recordFingerprint("text/plain", utf8("UDF Data Value"), bits)).toBe(expected);
  });

  test("has 140 bits unless told otherwise", () => {
    expect(UDF_BITS).toBe(140);
    expect(fingerprint("text/plain", utf8("UDF Data Value"))).toBe(UDF);
    expect(fingerprint("text/plain", utf8("UDF Content Data"))).toBe("MB5S-R4AJ-3FBT-7NHO-T26Z-2E6Y-WFH4");
  });

  test("depends on the content type, and on where it ends", () => {
    const texts = [
      fingerprint("text/plain", utf8("x")),
      fingerprint("text/html", utf8("x")),
      fingerprint("text/plain:", utf8("x")),
      fingerprint("text/plain", utf8(":x")),
    ];
    expect(new Set(texts).size).toBe(4);
  });

  test("is compressed where the digest ends in 20 zero bits, but never in a record", () => {
    expect(fingerprint("text/plain", COMPRESSIBLE)).toBe(COMPRESSED);
    // The same leading bits behind the type code 0x60 in place of 0x61.
    expect(recordFingerprint("text/plain", COMPRESSIBLE)).toBe(COMPRESSED.replace("MG", "MC"));
    expect(isUdf(recordFingerprint("text/plain", COMPRESSIBLE))).toBe(true);
    // Found by trying: these digests end in exactly 20 and exactly 19 zero bits.
    expect(fingerprint("application/mmm-account", utf8("user1386029@example.com"))).toMatch(/^M[E-H]/);
    expect(fingerprint("text/plain", utf8("nineteen 85531"))).toMatch(/^M[A-D]/);
  });

  test.each([0, -140, 20, 80, 99, 101, 110, 150, 505, 520, 1000, 140.5, NaN, Infinity])("refuses %d bits", (bits) => {
    expect(refusal(() => fingerprint("text/plain", utf8("x"), bits))).toBe("usage");
  });

  test("of fewer bits is the beginning of the one of more bits", () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.integer({ min: 5, max: 24 }), (data, twenties) => {
        const long = fingerprint("application/octet-stream", data, 500);
        expect(long).toMatch(/^M[A-H][A-Z2-7]{2}(-[A-Z2-7]{4}){24}$/);
        const short = fingerprint("application/octet-stream", data, 20 * twenties);
        expect(short).toBe(long.slice(0, 5 * twenties - 1));
      }),
      { numRuns: 30 },
    );
  });

  test.skipIf(!existsSync(file))("gives what every SHA-2 example of the draft gives", () => {
    const { content, compressed } = JSON.parse(readFileSync(file, "utf8")) as Record<string, Vector[]>;
    const vectors = [...content!, ...compressed!].filter(({ algorithm }) => algorithm === "sha2-512");
    expect(vectors.length).toBeGreaterThanOrEqual(7);
    for (const { data, contentType, bits, udf } of vectors) {
      expect(fingerprint(contentType, utf8(data), bits)).toBe(udf);
    }
  });
});

describe("parseUdf", () => {
  test("takes any case, grouping and white space, and gives the canonical text", () => {
    for (const text of [UDF.toLowerCase(), UDF.replaceAll("-", ""), UDF.replaceAll("-", " "), `\t${UDF}\n`]) {
      expect(parseUdf(text)).toBe(UDF);
    }
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.constantFrom("", "", "", "-", " ", "--"))), (styles) => {
        const letters = [...UDF.replaceAll("-", "")];
        const typed = letters.map((letter, index) => {
          const [lower, separator] = styles[index] ?? [false, ""];
          return (lower ? letter.toLowerCase() : letter) + separator;
        });
        expect(parseUdf(typed.join(""))).toBe(UDF);
      }),
    );
    expect(parseUdf("mddk7n6a727ajznostrx", 100)).toBe("MDDK-7N6A-727A-JZNO-STRX");
  });

  test.each([
    ["nothing", ""],
    ["separators alone", "----"],
    ["too few letters", UDF.slice(0, -1)],
    ["too many letters", `${UDF}A`],
    ["100 bits", "MDDK-7N6A-727A-JZNO-STRX"],
    ["260 bits", LONG],
    ["a compressed one", COMPRESSED],
    ["one of SHA-3", "KCFI-NCQG-DRKG-47R7-OVPT-TCHZ-7UXY"],
    ["one of 2016", "MDL54-N2LX5-25QIS-TBUVR-B5VN7-D2AXY"],
    ["a share", "SAQP-COY2-MLPI-RZLI-ZDJK-VIIQ-77KD"],
    ["padding", `${UDF}=`],
    ["a long text", UDF + "-".repeat(300)],
  ])("refuses %s", (_, text) => {
    expect(refusal(() => parseUdf(text))).toBe("fingerprint-invalid");
  });

  test.each(["0", "1", "8", "9", "O\u0308", "\u041c", "\uff2d", "_", "+", "\u200b", "\u0000", "\u{1F600}", "\ud800"])(
    "names the bad character %j",
    async (bad) => {
      const error = await meshError(() => parseUdf(`${UDF.slice(0, 12)}${bad}${UDF.slice(13)}`));
      expect(error.code).toBe("fingerprint-invalid");
      expect(error.text.values).toEqual({ character: JSON.stringify([...bad].at(-1)) });
    },
  );

  // Their upper case is I, S, SS, FI and so on: letters of the alphabet.
  test.each(["\u0131", "\u017f", "\u00df", "\ufb01", "\ufb06"])(
    "does not take %j for what its upper case is",
    (bad) => {
      for (let length = 1; length <= 3; length++) {
        expect(refusal(() => parseUdf(UDF.slice(0, 15) + bad + UDF.slice(15 + length)))).toBe("fingerprint-invalid");
      }
      expect(refusal(() => normaliseBase32(`AB${bad}`, "share-invalid"))).toBe("share-invalid");
    },
  );
});

describe("isUdf", () => {
  test("is true for canonical text of 140 bits alone", () => {
    expect(isUdf(UDF)).toBe(true);
    for (const text of [
      "",
      UDF.toLowerCase(),
      UDF.replaceAll("-", ""),
      `${UDF}\n`,
      ` ${UDF}`,
      `${UDF}-AAAA`,
      UDF.slice(0, -5),
      COMPRESSED,
      "MDL54-N2LX5-25QIS-TBUVR-B5VN7-D2AXY",
      UDF.replace("7", "1"),
    ]) {
      expect(isUdf(text)).toBe(false);
    }
  });

  test("holds for what parseUdf gives, and parseUdf leaves it alone", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (data) => {
        const udf = recordFingerprint("a/b", data);
        expect(isUdf(udf)).toBe(true);
        expect(parseUdf(udf)).toBe(udf);
      }),
      { numRuns: 30 },
    );
  });
});

describe("Base32", () => {
  // RFC 4648 section 10, without the padding and in our groups.
  test.each([
    ["", ""],
    ["f", "MY"],
    ["fo", "MZXQ"],
    ["foo", "MZXW-6"],
    ["foob", "MZXW-6YQ"],
    ["fooba", "MZXW-6YTB"],
    ["foobar", "MZXW-6YTB-OI"],
  ])("of %j is %j", (text, encoded) => {
    expect(encodeBase32(utf8(text))).toBe(encoded);
    expect(decodeBase32(encoded.replaceAll("-", ""), "share-invalid").toString()).toBe(text);
  });

  // The library reads these alike: it drops the bits that make no whole octet.
  test.each(["M", "MYA", "MZ", "MZXR", "MZXW7", "MZXW6YR", "MZXW6A", "A", "AAA", "AAAAAA"])("refuses %s", (letters) => {
    expect(refusal(() => decodeBase32(letters, "share-invalid"))).toBe("share-invalid");
    expect(refusal(() => decodeBase32(letters, "fingerprint-invalid"))).toBe("fingerprint-invalid");
  });

  test("takes letters exactly where they encode back", () => {
    const letters = fc.array(fc.constantFrom(..."ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"), { maxLength: 60 });
    fc.assert(
      fc.property(letters, (array) => {
        const text = array.join("");
        const bits = text.length * 5;
        const stray = BigInt(2 ** (bits % 8)) - 1n;
        const value = [...text].reduce(
          (sum, letter) => (sum << 5n) | BigInt("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter)),
          0n,
        );
        const canonical = bits % 8 < 5 && (value & stray) === 0n;
        expect(refusal(() => decodeBase32(text, "share-invalid"))).toBe(canonical ? undefined : "share-invalid");
      }),
      { numRuns: 300 },
    );
  });
});
