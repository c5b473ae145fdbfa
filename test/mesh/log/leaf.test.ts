import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  accountLeafHash,
  accountUdf,
  decodeLeaf,
  encodeLeaf,
  identifierHash,
  LEAF_KINDS,
  LEAF_LENGTH,
  leafFault,
  type Leaf,
  type LeafKind,
} from "../../../src/mesh/log/leaf.js";
import { leafHash } from "../../../src/mesh/log/tree.js";
import { refusal } from "../support.js";

const codes: Record<LeafKind, number> = {
  personal: 1,
  master: 2,
  device: 3,
  application: 4,
  escrow: 5,
  account: 6,
  result: 7,
  key: 8,
};

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((octets) => Buffer.from(octets));
const anyLeaf: fc.Arbitrary<Leaf> = fc.record({
  kind: fc.constantFrom(...(Object.keys(codes) as LeafKind[])),
  identifierHash: hash,
  masterSequence: fc.maxSafeNat(),
  sequence: fc.maxSafeNat(),
  previous: fc.option(fc.record({ index: fc.nat({ max: Number.MAX_SAFE_INTEGER - 1 }), hash }), { nil: undefined }),
  recordHash: hash,
});

const leaf: Leaf = {
  kind: "personal",
  identifierHash: identifierHash("MDDK-7N6A-727A-JZNO-STRX-XKS7-DJAF"),
  masterSequence: 2,
  sequence: 0x0102030405,
  previous: { index: 4, hash: Buffer.alloc(32, 0xaa) },
  recordHash: Buffer.alloc(32, 0xbb),
};
const octets = encodeLeaf(leaf);
/** The octets of the leaf with some of them replaced. */
const changed = (at: number, ...values: number[]): Buffer => {
  const copy = Buffer.from(octets);
  copy.set(values, at);
  return copy;
};

describe("the octets of a leaf", () => {
  test("are laid out as written", () => {
    const sha256 = createHash("sha256").update("MDDK-7N6A-727A-JZNO-STRX-XKS7-DJAF").digest("hex");
    expect(octets.toString("hex")).toBe(
      [
        Buffer.from("mmm/log/leaf/v1\n").toString("hex"),
        "01",
        sha256,
        "0000000000000002",
        "0000000102030405".padStart(16, "0"),
        "0000000000000005",
        "aa".repeat(32),
        "bb".repeat(32),
      ].join(""),
    );
    expect(octets.length).toBe(137);
    expect(LEAF_LENGTH).toBe(137);
  });

  test("have the code of each kind", () => {
    for (const [kind, code] of Object.entries(codes) as [LeafKind, number][]) {
      expect(encodeLeaf({ ...leaf, kind })[16]).toBe(code);
    }
    expect(Object.values(LEAF_KINDS)).toEqual(["personal", "master", "device", "application", "escrow"]);
  });

  test("are read back", () => {
    fc.assert(
      fc.property(anyLeaf, (any) => {
        expect(decodeLeaf(encodeLeaf(any))).toEqual(any);
      }),
    );
  });

  test("have one spelling: what is read encodes to the same octets", () => {
    fc.assert(
      fc.property(anyLeaf, fc.nat({ max: 137 * 8 - 1 }), (any, bit) => {
        const turned = encodeLeaf(any);
        turned[bit >> 3] = (turned[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        let read: Leaf | undefined;
        expect(refusal(() => (read = decodeLeaf(turned)))).toBe(read ? undefined : "proof-invalid");
        if (read) expect(encodeLeaf(read)).toEqual(turned);
      }),
      { numRuns: 1000 },
    );
  });

  test("are read in place", () => {
    const around = Buffer.concat([Buffer.alloc(3), octets, Buffer.alloc(3)]);
    expect(decodeLeaf(new Uint8Array(around.buffer, around.byteOffset + 3, 137))).toEqual(leaf);
  });

  test.each([
    ["nothing", Buffer.alloc(0)],
    ["too few", octets.subarray(0, -1)],
    ["too many", Buffer.concat([octets, Buffer.of(0)])],
    ["another domain", changed(0, 0x4d)],
    ["another version", changed(14, 0x32)],
    ["kind 0", changed(16, 0)],
    ["kind 9", changed(16, 9)],
    ["a master sequence beyond safe integers", changed(49, 0, 0x20)],
    ["a sequence beyond safe integers", changed(57, 0xff)],
    ["a place beyond safe integers", changed(65, 0, 0x20)],
    ["a hash of no leaf before it", changed(65, 0, 0, 0, 0, 0, 0, 0, 0)],
  ])("%s is none", (_, data) => expect(refusal(() => decodeLeaf(data))).toBe("proof-invalid"));

  test("what does not fit is not written", () => {
    for (const value of [-1, 0.5, NaN, 2 ** 53]) {
      expect(() => encodeLeaf({ ...leaf, masterSequence: value })).toThrow(RangeError);
      expect(() => encodeLeaf({ ...leaf, sequence: value })).toThrow(RangeError);
    }
    expect(() => encodeLeaf({ ...leaf, previous: { index: Number.MAX_SAFE_INTEGER, hash: leaf.recordHash } })).toThrow(
      RangeError,
    );
    expect(() => encodeLeaf({ ...leaf, recordHash: Buffer.alloc(31) })).toThrow(RangeError);
    expect(() => encodeLeaf({ ...leaf, identifierHash: Buffer.alloc(33) })).toThrow(RangeError);
  });
});

test("the leaf of an account holds its fingerprint, its profile and its status, and no name", () => {
  const udf = accountUdf("alice@example.com");
  const profile = "MDDK-7N6A-727A-JZNO-STRX-XKS7-DJAF";
  const expected = createHash("sha256")
    .update(`{"AccountUDF":"${udf}","ProfileUDF":"${profile}","Status":"Open"}`)
    .digest();
  expect(accountLeafHash(udf, profile, "Open")).toEqual(expected);
  expect(accountLeafHash(udf, profile, "Closed")).not.toEqual(expected);
  expect(accountLeafHash(udf, profile, "Suspended")).not.toEqual(accountLeafHash(udf, profile, "Closed"));
});

describe("two leaves of one tree", () => {
  const placed = (index: number, change: Partial<Leaf>) => {
    const made = { ...leaf, previous: undefined, ...change };
    return { index, leaf: made, hash: leafHash(encodeLeaf(made)) };
  };
  const first = placed(3, { masterSequence: 2, sequence: 5 });
  const named = { index: 3, hash: first.hash };
  const after = (change: Partial<Leaf>) => leafFault(first, placed(9, { previous: named, ...change }));

  test("follow each other", () => {
    expect(after({ masterSequence: 2, sequence: 6 })).toBeUndefined();
    expect(after({ masterSequence: 3, sequence: 1 })).toBeUndefined();
    // There may be others between them.
    expect(after({ masterSequence: 4, sequence: 1, previous: { index: 7, hash: Buffer.alloc(32) } })).toBeUndefined();
  });

  test.each<[string, Partial<Leaf>]>([
    ["an equal sequence", { masterSequence: 2, sequence: 5 }],
    ["a lower sequence", { masterSequence: 2, sequence: 4 }],
    ["a lower epoch", { masterSequence: 1, sequence: 9 }],
    ["a lower one further on", { masterSequence: 2, sequence: 4, previous: { index: 7, hash: Buffer.alloc(32) } }],
  ])("%s does not rise", (_, change) => expect(after(change)).toBe("sequences"));

  test.each<[string, Partial<Leaf>]>([
    ["none", { sequence: 6, previous: undefined }],
    ["an earlier one", { sequence: 6, previous: { index: 2, hash: first.hash } }],
    ["another leaf at that place", { sequence: 6, previous: { index: 3, hash: Buffer.alloc(32) } }],
    ["one about another identifier", { sequence: 6, identifierHash: identifierHash("another") }],
    ["one of another kind", { sequence: 6, kind: "application" }],
  ])("the later one names %s", (_, change) => expect(after(change)).toBe("links"));

  test("are unrelated where they are about different things", () => {
    expect(leafFault(first, placed(9, { kind: "device" }))).toBeUndefined();
    const previous = { index: 5, hash: Buffer.alloc(32) };
    expect(leafFault(first, placed(9, { identifierHash: identifierHash("another"), previous }))).toBeUndefined();
  });

  test("are not counted where there is nothing to count", () => {
    const result = placed(3, { kind: "result", masterSequence: 0, sequence: 0 });
    const next = placed(9, { ...result.leaf, previous: { index: 3, hash: result.hash } });
    expect(leafFault(result, next)).toBeUndefined();
  });
});
