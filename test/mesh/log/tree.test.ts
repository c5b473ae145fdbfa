import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  consistencyNodes,
  consistencyProof,
  EMPTY_ROOT,
  inclusionNodes,
  inclusionProof,
  isCompleteTree,
  leafHash,
  nodeHash,
  prefixProof,
  prefixRoot,
  rootNodes,
  treeRoot,
  verifyConsistency,
  verifyInclusion,
  type EdgeHashes,
  type ReadHash,
  type TreeNode,
} from "../../../src/mesh/log/tree.js";
// The eight-leaf example set that implementations of Certificate Transparency use, recomputed independently.
import vectors from "./rfc6962.json" with { type: "json" };
import { flipped, plainRoot } from "./support.js";

const hex = (text: string): Buffer => Buffer.from(text, "hex");
const texts = (hashes: readonly Uint8Array[]): string[] => hashes.map((hash) => Buffer.from(hash).toString("hex"));
const plain = (...parts: readonly Uint8Array[]): Buffer => createHash("sha256").update(Buffer.concat(parts)).digest();

/** Reads the subtrees of a list of leaves. */
const reader =
  (leaves: readonly Uint8Array[]): ReadHash =>
  (level, index) => {
    const covered = leaves.slice(index * 2 ** level, (index + 1) * 2 ** level);
    if (covered.length !== 2 ** level) throw new Error(`There is no complete subtree ${level}/${index}.`);
    return plainRoot(covered, EMPTY_ROOT);
  };

const vectorLeaves = vectors.leaves.map(hex);
const readVector = reader(vectorLeaves);
const vectorRoot = (size: number): Buffer => hex(vectors.roots[String(size) as "0"]);

const leavesOf = (count: number): Buffer[] => Array.from({ length: count }, (_, index) => Buffer.from(`leaf ${index}`));

describe("hashes", () => {
  test("leaves and nodes are hashed under their prefixes", () => {
    for (const length of [0, 1, 137, 1024, 1025, 5000]) {
      const data = Buffer.alloc(length, 7);
      expect(leafHash(data)).toEqual(plain(Buffer.of(0), data));
    }
    const [left, right] = [plain(Buffer.of(1)), plain(Buffer.of(2))];
    expect(nodeHash(left, right)).toEqual(plain(Buffer.of(1), left, right));
    expect(() => nodeHash(left.subarray(1), right)).toThrow(RangeError);
  });

  test("a hash stays what it is when others are computed", () => {
    const first = leafHash(Buffer.from("a"));
    const copy = Buffer.from(first);
    for (let count = 0; count < 1000; count++) nodeHash(first, leafHash(Buffer.from(String(count))));
    expect(first).toEqual(copy);
  });
});

describe("the vectors", () => {
  test("roots", () => {
    expect(EMPTY_ROOT).toEqual(vectorRoot(0));
    for (let size = 0; size <= 8; size++) expect(treeRoot(size, readVector)).toEqual(vectorRoot(size));
  });

  test.each(vectors.inclusion)("inclusion of $index in $size", ({ index, size, path }) => {
    expect(texts(inclusionProof(index, size, readVector))).toEqual(path);
    const leaf = { index, hash: leafHash(vectorLeaves[index]!) };
    expect(verifyInclusion(leaf, { size, root: vectorRoot(size) }, path.map(hex))).toBe(true);
  });

  test.each(vectors.consistency)("consistency of $from and $to", ({ from, to, path }) => {
    expect(texts(consistencyProof(from, to, readVector))).toEqual(path);
    const heads = [from, to].map((size) => ({ size, root: vectorRoot(size) }));
    expect(verifyConsistency(heads[0]!, heads[1]!, path.map(hex))).toBe(true);
  });
});

/** A tree with a leaf in it. */
const place = fc
  .integer({ min: 1, max: 200 })
  .chain((size) => fc.record({ size: fc.constant(size), index: fc.integer({ min: 0, max: size - 1 }) }));
/** Two sizes of a tree, neither of them empty and the second the greater. */
const growth = fc
  .integer({ min: 2, max: 200 })
  .chain((to) => fc.record({ to: fc.constant(to), from: fc.integer({ min: 1, max: to - 1 }) }));
const bit = fc.nat({ max: 10_000 });

const inclusionOf = ({ size, index }: { size: number; index: number }) => {
  const leaves = leavesOf(size);
  return {
    leaf: { index, hash: leafHash(leaves[index]!) },
    head: { size, root: plainRoot(leaves, EMPTY_ROOT) },
    path: inclusionProof(index, size, reader(leaves)),
  };
};

const consistencyOf = ({ from, to }: { from: number; to: number }) => {
  const leaves = leavesOf(to);
  return {
    from: { size: from, root: plainRoot(leaves.slice(0, from), EMPTY_ROOT) },
    to: { size: to, root: plainRoot(leaves, EMPTY_ROOT) },
    path: consistencyProof(from, to, reader(leaves)),
  };
};

describe("inclusion", () => {
  test("every leaf of every small tree is proved, at its own place alone", () => {
    for (let size = 1; size <= 20; size++) {
      for (let index = 0; index < size; index++) {
        const { leaf, head, path } = inclusionOf({ size, index });
        expect(verifyInclusion(leaf, head, path)).toBe(true);
        for (let other = 0; other < size + 2; other++) {
          expect(verifyInclusion({ ...leaf, index: other }, head, path)).toBe(other === index);
        }
      }
    }
  });

  test("a proof holds, and no longer once anything of it is changed", () => {
    fc.assert(
      fc.property(place, bit, fc.nat(), (at, turned, pick) => {
        const { leaf, head, path } = inclusionOf(at);
        expect(verifyInclusion(leaf, head, path)).toBe(true);
        expect(verifyInclusion({ ...leaf, hash: flipped(leaf.hash, turned) }, head, path)).toBe(false);
        expect(verifyInclusion(leaf, { ...head, root: flipped(head.root, turned) }, path)).toBe(false);
        expect(verifyInclusion(leaf, head, [...path, leaf.hash])).toBe(false);
        if (path.length === 0) return;
        const chosen = pick % path.length;
        const with_ = (hash: Buffer) => path.map((other, index) => (index === chosen ? hash : other));
        expect(verifyInclusion(leaf, head, with_(flipped(path[chosen]!, turned)))).toBe(false);
        expect(verifyInclusion(leaf, head, with_(path[chosen]!.subarray(1)))).toBe(false);
        expect(verifyInclusion(leaf, head, path.toSpliced(chosen, 1))).toBe(false);
      }),
    );
  });

  test("a proof for one size is none for a size whose tree has another shape there", () => {
    const { leaf, head, path } = inclusionOf({ size: 7, index: 6 });
    for (const size of [0, 1, 2, 3, 4, 5, 6, 8, 9, 16]) {
      expect(verifyInclusion(leaf, { ...head, size }, path)).toBe(false);
    }
  });

  test("numbers that are no sizes prove nothing", () => {
    const { leaf, head, path } = inclusionOf({ size: 4, index: 2 });
    for (const value of [-1, 0.5, NaN, Infinity, 2 ** 53, -0.5]) {
      expect(verifyInclusion({ ...leaf, index: value }, head, path)).toBe(false);
      expect(verifyInclusion(leaf, { ...head, size: value }, path)).toBe(false);
    }
  });

  test("there is no proof for a leaf that the tree has not", () => {
    const read = reader(leavesOf(3));
    for (const index of [-1, 3, 0.5, NaN]) expect(() => inclusionProof(index, 3, read)).toThrow(RangeError);
  });

  test("trees larger than 32 bits count", () => {
    // Every subtree has the same hash at one level: all leaves are alike.
    const levels = [leafHash(Buffer.alloc(1))];
    for (let level = 1; level < 53; level++) levels.push(nodeHash(levels[level - 1]!, levels[level - 1]!));
    const read: ReadHash = (level) => levels[level]!;
    for (const size of [2 ** 33, 2 ** 33 + 5, 2 ** 45 - 3, Number.MAX_SAFE_INTEGER]) {
      const root = treeRoot(size, read);
      for (const index of [0, 2 ** 32, size - 1]) {
        const path = inclusionProof(index, size, read);
        expect(verifyInclusion({ index, hash: levels[0]! }, { size, root }, path)).toBe(true);
      }
      const from = { size: size - 4, root: treeRoot(size - 4, read) };
      expect(verifyConsistency(from, { size, root }, consistencyProof(from.size, size, read))).toBe(true);
    }
  });
});

describe("consistency", () => {
  test("a proof holds, and no longer once anything of it is changed", () => {
    fc.assert(
      fc.property(growth, bit, fc.nat(), (sizes, turned, pick) => {
        const { from, to, path } = consistencyOf(sizes);
        expect(verifyConsistency(from, to, path)).toBe(true);
        expect(verifyConsistency({ ...from, root: flipped(from.root, turned) }, to, path)).toBe(false);
        expect(verifyConsistency(from, { ...to, root: flipped(to.root, turned) }, path)).toBe(false);
        expect(verifyConsistency(to, from, path)).toBe(false);
        expect(verifyConsistency(from, to, [...path, to.root])).toBe(false);
        const chosen = pick % path.length;
        const with_ = (hash: Buffer) => path.map((other, index) => (index === chosen ? hash : other));
        expect(verifyConsistency(from, to, with_(flipped(path[chosen]!, turned)))).toBe(false);
        expect(verifyConsistency(from, to, with_(path[chosen]!.subarray(1)))).toBe(false);
        expect(verifyConsistency(from, to, path.toSpliced(chosen, 1))).toBe(false);
      }),
    );
  });

  test("another history of the same length is not consistent", () => {
    for (let from = 1; from < 20; from++) {
      const { from: before, path } = consistencyOf({ from, to: 20 });
      const other = leavesOf(20).map((leaf, index) => (index === from - 1 ? Buffer.from("other") : leaf));
      const to = { size: 20, root: plainRoot(other, EMPTY_ROOT) };
      expect(verifyConsistency(before, to, path)).toBe(false);
      expect(verifyConsistency(before, to, consistencyProof(from, 20, reader(other)))).toBe(false);
    }
  });

  test("nothing is proved between equal sizes, and only the empty tree comes before all", () => {
    const root = plainRoot(leavesOf(5), EMPTY_ROOT);
    const head = { size: 5, root };
    expect(consistencyProof(5, 5, reader(leavesOf(5)))).toEqual([]);
    expect(consistencyProof(0, 5, reader(leavesOf(5)))).toEqual([]);
    expect(verifyConsistency(head, head, [])).toBe(true);
    expect(verifyConsistency(head, { ...head, root: flipped(root, 3) }, [])).toBe(false);
    expect(verifyConsistency(head, head, [root])).toBe(false);
    expect(verifyConsistency({ size: 0, root: EMPTY_ROOT }, head, [])).toBe(true);
    expect(verifyConsistency({ size: 0, root }, head, [])).toBe(false);
    expect(verifyConsistency({ size: 0, root: EMPTY_ROOT }, head, [root])).toBe(false);
    expect(verifyConsistency(head, { size: 6, root }, [])).toBe(false);
  });

  test("a tree does not shrink, and numbers that are no sizes prove nothing", () => {
    expect(() => consistencyProof(5, 4, reader(leavesOf(5)))).toThrow(RangeError);
    const { from, to, path } = consistencyOf({ from: 3, to: 7 });
    for (const value of [-1, 0.5, NaN, Infinity, 2 ** 53]) {
      expect(verifyConsistency({ ...from, size: value }, to, path)).toBe(false);
      expect(verifyConsistency(from, { ...to, size: value }, path)).toBe(false);
    }
  });
});

describe("with which tree a head begins", () => {
  test("is shown without its root, and by nothing that is changed", () => {
    fc.assert(
      fc.property(growth, bit, fc.nat(), ({ from, to }, turned, pick) => {
        const leaves = leavesOf(to);
        const head = { size: to, root: plainRoot(leaves, EMPTY_ROOT) };
        const path = prefixProof(from, to, reader(leaves));
        expect(prefixRoot(from, head, path)).toEqual(plainRoot(leaves.slice(0, from), EMPTY_ROOT));
        expect(path.length).toBe(consistencyProof(from, to, reader(leaves)).length + (isCompleteTree(from) ? 1 : 0));
        expect(prefixRoot(from, { ...head, root: flipped(head.root, turned) }, path)).toBeUndefined();
        expect(prefixRoot(from, head, [...path, head.root])).toBeUndefined();
        const chosen = pick % path.length;
        const changed = path.map((hash, index) => (index === chosen ? flipped(hash, turned) : hash));
        expect(prefixRoot(from, head, changed)).toBeUndefined();
        expect(prefixRoot(from, head, path.toSpliced(chosen, 1))).toBeUndefined();
      }),
    );
  });

  test("shows the history that was signed, not the one that is claimed", () => {
    const other = leavesOf(20).map((leaf, index) => (index === 3 ? Buffer.from("other") : leaf));
    const head = { size: 20, root: plainRoot(other, EMPTY_ROOT) };
    for (let from = 4; from < 20; from++) {
      const shown = prefixRoot(from, head, prefixProof(from, 20, reader(other)));
      expect(shown).toEqual(plainRoot(other.slice(0, from), EMPTY_ROOT));
      expect(shown).not.toEqual(plainRoot(leavesOf(from), EMPTY_ROOT));
    }
  });

  test("is asked of a greater tree, and not of the empty one", () => {
    const leaves = leavesOf(4);
    const head = { size: 4, root: plainRoot(leaves, EMPTY_ROOT) };
    for (const from of [0, 4, 5, -1, 0.5, NaN]) expect(prefixRoot(from, head, [head.root])).toBeUndefined();
    expect(prefixRoot(2, head, [])).toBeUndefined();
  });

  test("a tree is complete where its size is a power of two", () => {
    expect([0, 1, 2, 3, 4, 6, 8, 2 ** 40, 2 ** 40 + 1].map(isCompleteTree)).toEqual([
      false,
      true,
      true,
      false,
      true,
      false,
      true,
      true,
      false,
    ]);
  });
});

test("the lists of nodes are what the proofs read", () => {
  const asked = (work: (read: ReadHash) => unknown): TreeNode[] => {
    const nodes: TreeNode[] = [];
    work((level, index) => {
      nodes.push({ level, index });
      return EMPTY_ROOT;
    });
    return nodes;
  };
  fc.assert(
    fc.property(place, growth, ({ size, index }, { from, to }) => {
      expect(inclusionNodes(index, size)).toEqual(asked((read) => inclusionProof(index, size, read)));
      expect(consistencyNodes(from, to)).toEqual(asked((read) => consistencyProof(from, to, read)));
      expect(rootNodes(size)).toEqual(asked((read) => treeRoot(size, read)));
    }),
  );
  expect(rootNodes(0)).toEqual([]);
});

test("proofs by one tree are the same where its right edge is kept", () => {
  const size = 23;
  const read = reader(Array.from({ length: size }, (_, index) => Buffer.of(index)));
  for (let to = 1; to <= size; to++) {
    const edge: EdgeHashes = new Map();
    for (let index = 0; index < to; index++) {
      expect(texts(inclusionProof(index, to, read, edge))).toEqual(texts(inclusionProof(index, to, read)));
      expect(texts(consistencyProof(index, to, read, edge))).toEqual(texts(consistencyProof(index, to, read)));
    }
  }
});
