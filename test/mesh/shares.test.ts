import { existsSync, readFileSync } from "node:fs";
import { inspect } from "node:util";
import fc from "fast-check";
import library from "secrets.js-grempe";
import { describe, expect, test } from "vitest";
import { exitStatus } from "../../src/errors.js";
import { sha256, utf8 } from "../../src/mesh/bytes.js";
import { escrowIdentifier } from "../../src/mesh/escrow.js";
import { checkShares, checkSplit, combineShares, parseShare, splitKey } from "../../src/mesh/shares.js";
import { decodeBase32, encodeBase32 } from "../../src/mesh/udf.js";
import { meshError } from "../support/deps.js";
import { refusal, stream } from "./support.js";

const random = stream("shares");
const K = random(16);
const identifier = escrowIdentifier(K);
const shares = splitKey(K, 5, 3, identifier, random);
const parsed = shares.map(parseShare);

const code = (text: string): string | undefined => refusal(() => parseShare(text));
const octetsOf = (text: string): Buffer => decodeBase32(text.replaceAll("-", ""), "share-invalid");
/** The text of a share with octets changed and a checksum that is right for them. */
const rewritten = (text: string, change: (octets: Buffer) => void): string => {
  const body = octetsOf(text).subarray(0, -4);
  change(body);
  return encodeBase32(Buffer.concat([body, sha256(body).subarray(0, 4)]));
};

/** Every choice of `count` of the items. */
const subsets = <Item>(items: readonly Item[], count: number): Item[][] =>
  count === 0
    ? [[]]
    : items.flatMap((item, index) => subsets(items.slice(index + 1), count - 1).map((rest) => [item, ...rest]));

/** Multiplication in GF(2^8) modulo x^8 + x^4 + x^3 + x^2 + 1, bit by bit. */
const multiply = (a: number, b: number): number => {
  let product = 0;
  for (let bit = 0; bit < 8; bit++) {
    if (b & (1 << bit)) product ^= a << bit;
  }
  for (let bit = 15; bit >= 8; bit--) {
    if (product & (1 << bit)) product ^= 0x11d << (bit - 8);
  }
  return product;
};
const inverse = (a: number): number => {
  let result = 1;
  for (let count = 0; count < 254; count++) result = multiply(result, a);
  return result;
};
/** The value at 0 of the polynomial through some points, without the library. */
const interpolate = (points: readonly (readonly [number, number])[]): number =>
  points.reduce((sum, [x, y]) => {
    const weight = points
      .filter(([other]) => other !== x)
      .reduce((product, [other]) => multiply(product, multiply(other, inverse(other ^ x))), 1);
    return sum ^ multiply(y, weight);
  }, 0);

describe("the text of a share", () => {
  test("is Base32 in groups of four that starts with S, with everything in its place", () => {
    for (const [index, text] of shares.entries()) {
      expect(text).toMatch(/^S[A-Z2-7]{3}(-[A-Z2-7]{4}){10}-[A-Z2-7]{3}$/);
      const octets = octetsOf(text);
      expect(octets.length).toBe(29);
      expect([...octets.subarray(0, 4)]).toEqual([0x90, 1, 3, index + 1]);
      expect(octets.subarray(4, 8)).toEqual(sha256(utf8(identifier)).subarray(0, 4));
      expect(octets.subarray(25)).toEqual(sha256(octets.subarray(0, 25)).subarray(0, 4));
      expect(parsed[index]).toEqual({
        threshold: 3,
        index: index + 1,
        setId: sha256(utf8(identifier)).toString("hex").slice(0, 8),
        value: octets.subarray(8, 25),
      });
    }
  });

  test("can be typed in any case and grouping", () => {
    const text = shares[0]!;
    for (const typed of [
      text.toLowerCase(),
      text.replaceAll("-", ""),
      text.replaceAll("-", " "),
      `  ${text}\n`,
      text.replaceAll("-", "").replace(/(.{5})/g, "$1-"),
    ]) {
      expect(parseShare(typed)).toEqual(parsed[0]);
    }
  });

  test("is a point of Shamir's polynomials over GF(2^8), which any program can combine", () => {
    for (const chosen of subsets(parsed, 3)) {
      const octets = parsed[0]!.value.map((_, at) =>
        interpolate(chosen.map(({ index, value }) => [index, value[at]!])),
      );
      expect(Buffer.from(octets)).toEqual(Buffer.concat([Buffer.of(1), K]));
    }
  });
});

describe("splitting and combining", () => {
  const sizes = fc
    .integer({ min: 2, max: 6 })
    .chain((count) => fc.tuple(fc.constant(count), fc.integer({ min: 2, max: count })));

  test("gives the key back from every choice of as many shares as are needed, in any order", () => {
    fc.assert(
      fc.property(
        sizes,
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
        fc.string(),
        ([count, threshold], octets, seed) => {
          const key = Buffer.from(octets);
          const texts = splitKey(key, count, threshold, escrowIdentifier(key), stream(seed));
          const read = texts.map(parseShare);
          expect(read.map(({ index }) => index)).toEqual(texts.map((_, index) => index + 1));
          for (const chosen of subsets(read, threshold)) {
            expect(combineShares(chosen, escrowIdentifier)).toEqual({ key, identifier: escrowIdentifier(key) });
            expect(combineShares(chosen.reverse(), escrowIdentifier).key).toEqual(key);
          }
          expect(combineShares(read, escrowIdentifier).key).toEqual(key);
        },
      ),
      { numRuns: 25 },
    );
  });

  test.each([
    [2, 2],
    [32, 2],
    [32, 32],
    [32, 17],
  ])("of %i shares with %i needed", (count, threshold) => {
    const read = splitKey(K, count, threshold, identifier, random).map(parseShare);
    for (const chosen of [read.slice(0, threshold), read.slice(-threshold), read]) {
      expect(combineShares(chosen, escrowIdentifier).key).toEqual(K);
    }
  });

  test("keeps keys that begin with zeros, or are nothing else", () => {
    for (const hex of [
      "0".repeat(32),
      "00".repeat(15) + "01",
      "0001".repeat(8),
      "ff".repeat(16),
      "01" + "00".repeat(15),
    ]) {
      const key = Buffer.from(hex, "hex");
      const read = splitKey(key, 3, 2, escrowIdentifier(key), random).map(parseShare);
      for (const chosen of subsets(read, 2)) expect(combineShares(chosen, escrowIdentifier).key).toEqual(key);
    }
  });

  test.each([
    [1, 1],
    [2, 1],
    [3, 0],
    [2, 3],
    [33, 2],
    [33, 33],
    [256, 2],
    [-3, -2],
    [3.5, 2],
    [3, 2.5],
    [NaN, 2],
    [3, NaN],
    [Infinity, 2],
  ])("is not into %d shares with %d needed", (count, threshold) => {
    expect(refusal(() => checkSplit(count, threshold))).toBe("usage");
    expect(refusal(() => splitKey(K, count, threshold, identifier, random))).toBe("usage");
  });

  test("takes its random octets as they come, zeros too: one for every coefficient and no more", () => {
    for (const [count, threshold] of [
      [3, 2],
      [5, 4],
    ] as const) {
      let drawn = 0;
      const zeros = splitKey(K, count, threshold, identifier, (length) => {
        drawn += length;
        return Buffer.alloc(length);
      });
      expect(drawn).toBe(17 * (threshold - 1));
      // With all coefficients zero, every point is the key itself.
      for (const text of zeros) expect(parseShare(text).value).toEqual(Buffer.concat([Buffer.of(1), K]));
    }
    // A constant line: the value at x is the key plus 0x80 times x.
    const lines = splitKey(K, 3, 2, identifier, (length) => Buffer.alloc(length, 0x80)).map(parseShare);
    for (const { index, value } of lines) expect(value[16]).toBe(K[15]! ^ multiply(0x80, index));
  });

  test("is not disturbed by what others do with the library, nor by its own source of before", () => {
    const secrets = library as unknown as { init(bits: number): void; setRNG(source: unknown): void };
    secrets.init(10);
    secrets.setRNG("testRandom");
    const again = splitKey(K, 5, 3, identifier, stream("other"));
    expect(again.map((text) => text.replaceAll("-", "").length)).toEqual(Array(5).fill(47));
    expect(again).toEqual(splitKey(K, 5, 3, identifier, stream("other")));
    expect(again).not.toEqual(shares);
    secrets.init(20);
    expect(combineShares(again.map(parseShare), escrowIdentifier).key).toEqual(K);
  });
});

describe("a mistyped share", () => {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const compact = shares[1]!.replaceAll("-", "");
  const refusesAtOnce = (text: string): void => {
    const found = code(text);
    if (found === undefined) throw new Error(`Taken: ${text}`);
    expect(found).toBe("share-checksum");
  };

  test("is refused with any one letter wrong", () => {
    for (let at = 0; at < compact.length; at++) {
      for (const letter of `${letters}0189\u017f\u0131*`) {
        if (letter !== compact[at]) refusesAtOnce(compact.slice(0, at) + letter + compact.slice(at + 1));
      }
    }
  });

  test("is refused with any two neighbours swapped", () => {
    let swaps = 0;
    for (const text of shares.map((share) => share.replaceAll("-", ""))) {
      for (let at = 0; at + 1 < text.length; at++) {
        if (text[at] === text[at + 1]) continue;
        refusesAtOnce(text.slice(0, at) + text[at + 1]! + text[at]! + text.slice(at + 2));
        swaps++;
      }
    }
    expect(swaps).toBeGreaterThan(200);
  });

  test("is refused with a letter lost, doubled or added, and with a group lost, doubled or moved", () => {
    for (let at = 0; at < compact.length; at++) {
      // A run of equal letters shortened is the same run wherever the letter was lost.
      refusesAtOnce(compact.slice(0, at) + compact.slice(at + 1));
      const doubled = compact.slice(0, at) + compact[at]! + compact.slice(at);
      expect(exitStatus(refusal(() => parseShare(doubled))!)).toBe(7);
      for (const letter of letters) {
        expect(exitStatus(refusal(() => parseShare(compact.slice(0, at) + letter + compact.slice(at)))!)).toBe(7);
      }
    }
    const groups = shares[1]!.split("-");
    for (let at = 0; at < groups.length; at++) {
      refusesAtOnce(groups.toSpliced(at, 1).join("-"));
      refusesAtOnce(groups.toSpliced(at, 0, groups[at]!).join("-"));
      if (at > 0) refusesAtOnce(groups.toSpliced(at - 1, 2, groups[at]!, groups[at - 1]!).join("-"));
    }
  });

  test("is refused whatever random text it is", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...letters), { maxLength: 60 }), (text) => {
        expect(exitStatus(refusal(() => parseShare(text.join("")))!)).toBe(7);
        expect(exitStatus(refusal(() => parseShare(`SAAQ${text.join("")}`))!)).toBe(7);
      }),
    );
    for (const text of ["", "-", "S", identifier, "entry.json", "\u0000", "\ud800"]) refusesAtOnce(text);
  });

  test("does not find its way into the error", async () => {
    const wrong = `${shares[0]!.slice(0, 20)}*${shares[0]!.slice(21)}`;
    const error = await meshError(() => parseShare(wrong));
    expect(inspect([error.text, error.hint], { depth: null })).not.toContain(shares[0]!.slice(5, 9));
  });
});

describe("a share that is none of ours", () => {
  /** Shares of the UDF draft of Mesh 3.0 (draft-hallambaker-mesh-udf, shared secrets): thresholds 2 and 3. */
  const FOREIGN = [
    "SAQP-COY2-MLPI-RZLI-ZDJK-VIIQ-77KD-W",
    "SAYB-R3C4-3B5E-Y2W3-W6JU-3IIR-AL4F-6",
    "SA2J-OGWE-ZHYM-S6LE-AFXH-O5XD-BNEH-S",
  ];
  const file = new URL("../../../shared/vectors/mesh3-shamir.json", import.meta.url);

  test.each(FOREIGN)("is told apart: %s", (text) => {
    expect(code(text)).toBe("share-invalid");
    expect(code(text.toLowerCase().replaceAll("-", ""))).toBe("share-invalid");
  });

  test.skipIf(!existsSync(file))("is told apart, for every share of the draft's examples", () => {
    const { sets } = JSON.parse(readFileSync(file, "utf8")) as { sets: { shares: string[] }[] };
    const all = sets.flatMap(({ shares: texts }) => texts);
    expect(all.length).toBeGreaterThanOrEqual(8);
    for (const text of all) expect(code(text)).toBe("share-invalid");
  });

  test("is told apart where it is of a newer version, or of another type", () => {
    expect(code(rewritten(shares[0]!, () => undefined))).toBeUndefined();
    for (const version of [0, 2, 15, 16, 255]) {
      expect(code(rewritten(shares[0]!, (octets) => octets.writeUInt8(version, 1)))).toBe("share-invalid");
    }
    for (const type of [0x00, 0x60, 0x91]) {
      expect(code(rewritten(shares[0]!, (octets) => octets.writeUInt8(type, 0)))).toBe("share-invalid");
    }
  });

  test("is refused with numbers that no share has", () => {
    for (const [at, value] of [
      [2, 0],
      [2, 1],
      [2, 33],
      [3, 0],
      [3, 33],
      [3, 255],
    ] as const) {
      expect(code(rewritten(shares[0]!, (octets) => octets.writeUInt8(value, at)))).toBe("share-checksum");
    }
  });
});

describe("shares together", () => {
  const other = splitKey(random(16), 5, 3, escrowIdentifier(random(16)), random).map(parseShare);
  const combine = (chosen: typeof parsed): string | undefined => refusal(() => combineShares(chosen, escrowIdentifier));

  test("must be as many as are needed", () => {
    expect(combine([])).toBe("share-missing");
    for (const count of [1, 2]) {
      for (const chosen of subsets(parsed, count)) {
        expect(combine(chosen)).toBe("share-missing");
        expect(refusal(() => checkShares(chosen))).toBe("share-missing");
      }
    }
    expect(refusal(() => checkShares(parsed.slice(0, 3)))).toBeUndefined();
  });

  test("must be different, also where there are enough of them", () => {
    expect(combine([parsed[0]!, parsed[0]!, parsed[1]!])).toBe("share-duplicate");
    expect(combine([...parsed, parsed[4]!])).toBe("share-duplicate");
    expect(combine([parsed[0]!, parsed[0]!])).toBe("share-duplicate");
  });

  test("must be of one set, whatever their numbers", () => {
    expect(combine([parsed[0]!, parsed[1]!, other[2]!])).toBe("share-mixed");
    expect(combine([other[0]!, parsed[0]!])).toBe("share-mixed");
    const fewer = parseShare(rewritten(shares[2]!, (octets) => octets.writeUInt8(2, 2)));
    expect(combine([parsed[0]!, parsed[1]!, fewer])).toBe("share-mixed");
  });

  test("must give a key of their set, though each looks well", () => {
    const forge = (text: string, change: (octets: Buffer) => void) => parseShare(rewritten(text, change));
    for (const at of [8, 9, 24]) {
      const forged = forge(shares[2]!, (octets) => octets.writeUInt8(octets[at]! ^ 1, at));
      expect(combine([parsed[0]!, parsed[1]!, forged])).toBe("share-invalid");
      // A forged one among more than are needed is noticed as well.
      expect(combine([parsed[0]!, parsed[1]!, forged, parsed[3]!, parsed[4]!])).toBe("share-invalid");
    }
    const renumbered = forge(shares[2]!, (octets) => octets.writeUInt8(9, 3));
    expect(combine([parsed[0]!, parsed[1]!, renumbered])).toBe("share-invalid");
    // Two splits of one key have the same set id and nothing else in common.
    const second = splitKey(K, 5, 3, identifier, random).map(parseShare);
    expect(combine([parsed[0]!, parsed[1]!, second[2]!])).toBe("share-invalid");
    // A lower threshold on all of them: too few points for the polynomial.
    const lowered = shares.slice(0, 2).map((text) => forge(text, (octets) => octets.writeUInt8(2, 2)));
    expect(combine(lowered)).toBe("share-invalid");
  });

  test("must give a key whose identifier has the set id that they carry", () => {
    const wrong = splitKey(K, 3, 2, escrowIdentifier(random(16)), random).map(parseShare);
    expect(combine(wrong)).toBe("share-invalid");
    expect(refusal(() => combineShares(parsed, () => escrowIdentifier(random(16))))).toBe("share-invalid");
  });

  test("must give the marker octet that the library puts in front of a key", () => {
    // The same octet added to all points is added to what comes out; the key behind it is still the right one.
    for (const added of [1, 2, 0x80]) {
      const marked = shares.map((text) =>
        parseShare(rewritten(text, (octets) => octets.writeUInt8(octets[8]! ^ added, 8))),
      );
      expect(combine(marked)).toBe("share-invalid");
    }
  });
});
