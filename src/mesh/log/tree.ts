import { hash } from "node:crypto";

// The Merkle tree of RFC 6962 section 2.1 over SHA-256. Sizes and indexes are safe integers, so nothing here counts in 32 bits.

const HASH_LENGTH = 32;

/** One-shot hashing is twice as fast as createHash, and its binary text twice as fast again as its buffer. */
const sha256 = (octets: Uint8Array): Buffer => Buffer.from(hash("sha256", octets, "binary"), "latin1");

/** What is hashed is put together here: hashing is synchronous, and two allocations a hash are what a busy log would feel. */
const nodeScratch = new Uint8Array(1 + 2 * HASH_LENGTH);
nodeScratch[0] = 1;
const leafScratch = new Uint8Array(1 + 1024);

/** The hash of a leaf: SHA-256(0x00 || data). */
export const leafHash = (data: Uint8Array): Buffer => {
  if (data.length >= leafScratch.length) return sha256(Buffer.concat([Buffer.of(0), data]));
  leafScratch.set(data, 1);
  return sha256(leafScratch.subarray(0, 1 + data.length));
};

/** The hash of an inner node: SHA-256(0x01 || left || right). Both are 32 octets. */
export const nodeHash = (left: Uint8Array, right: Uint8Array): Buffer => {
  if (left.length !== HASH_LENGTH || right.length !== HASH_LENGTH) throw new RangeError("A hash has 32 octets.");
  nodeScratch.set(left, 1);
  nodeScratch.set(right, 1 + HASH_LENGTH);
  return sha256(nodeScratch);
};

/** The root of the tree without leaves: SHA-256 of nothing. */
export const EMPTY_ROOT: Buffer = sha256(new Uint8Array(0));

/** One complete subtree: it covers the leaves from `index * 2^level` up to `(index + 1) * 2^level`. Level 0 is the leaves. */
export interface TreeNode {
  readonly level: number;
  readonly index: number;
}

/** The hash of the complete subtree at `level` and `index`, 32 octets. */
export type ReadHash = (level: number, index: number) => Buffer;

/** The leaves from `start` up to `end`, where `start` is a multiple of the least power of two that is not below their number. */
interface Range {
  readonly start: number;
  readonly end: number;
}

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;

/** The greatest power of two that is less than `count`, which is at least 2 (RFC 6962 calls it k). */
const splitOf = (count: number): number => {
  let split = 1;
  while (split * 2 < count) split *= 2;
  return split;
};

/** The complete subtrees that make up a range, the largest and leftmost first. */
const nodesOf = ({ start, end }: Range): TreeNode[] => {
  const nodes: TreeNode[] = [];
  for (let at = start; at < end;) {
    let level = 0;
    let width = 1;
    while (at + width * 2 <= end) {
      width *= 2;
      level++;
    }
    nodes.push({ level, index: at / width });
    at += width;
  }
  return nodes;
};

const hashOf = (range: Range, read: ReadHash): Buffer => {
  const hashes = nodesOf(range).map(({ level, index }) => read(level, index));
  return hashes.length === 0 ? EMPTY_ROOT : hashes.reduceRight((right, left) => nodeHash(left, right));
};

/** The ranges whose hashes are the audit path of a leaf, the nearest first (RFC 6962 section 2.1.1). */
const inclusionRanges = (leaf: number, size: number): Range[] => {
  if (!isCount(leaf) || !isCount(size) || leaf >= size) throw new RangeError("The tree has no such leaf.");
  const ranges: Range[] = [];
  let start = 0;
  let end = size;
  while (end - start > 1) {
    const middle = start + splitOf(end - start);
    if (leaf < middle) {
      ranges.push({ start: middle, end });
      end = middle;
    } else {
      ranges.push({ start, end: middle });
      start = middle;
    }
  }
  return ranges.reverse();
};

/** The ranges whose hashes are the consistency proof between two sizes (RFC 6962 section 2.1.2). */
const consistencyRanges = (from: number, to: number): Range[] => {
  if (!isCount(from) || !isCount(to) || from > to) throw new RangeError("A tree does not shrink.");
  if (from === 0 || from === to) return [];
  const ranges: Range[] = [];
  let start = 0;
  let end = to;
  while (end !== from) {
    const middle = start + splitOf(end - start);
    if (from <= middle) {
      ranges.push({ start: middle, end });
      end = middle;
    } else {
      ranges.push({ start, end: middle });
      start = middle;
    }
  }
  // The old tree itself is left out where it is a complete subtree on the left edge: who checks the proof has its root.
  if (start > 0) ranges.push({ start, end });
  return ranges.reverse();
};

/**
 * Hashes of what lies at the right end of one tree, by its first leaf. All proofs by that tree need some of the same few, which are the
 * only ones that have to be computed, so whoever makes many keeps them. They are not to be changed.
 */
export type EdgeHashes = Map<number, Buffer>;

const hashesOf = (ranges: readonly Range[], size: number, read: ReadHash, edge?: EdgeHashes): Buffer[] =>
  ranges.map((range) => {
    if (!edge || range.end !== size) return hashOf(range, read);
    const known = edge.get(range.start) ?? hashOf(range, read);
    edge.set(range.start, known);
    return known;
  });

/** The root of the tree of the first `size` leaves. */
export const treeRoot = (size: number, read: ReadHash): Buffer => {
  if (!isCount(size)) throw new RangeError("A tree has a number of leaves.");
  return hashOf({ start: 0, end: size }, read);
};

/**
 * The audit path by which leaf `index` is in the tree of the first `size` leaves, the nearest first. Throws RangeError where that tree
 * has no such leaf.
 */
export const inclusionProof = (index: number, size: number, read: ReadHash, edge?: EdgeHashes): Buffer[] =>
  hashesOf(inclusionRanges(index, size), size, read, edge);

/**
 * The proof that the tree of the first `to` leaves begins with that of the first `from`. It is empty where they are equal, or where
 * `from` is 0. Throws RangeError where `from` is the greater.
 */
export const consistencyProof = (from: number, to: number, read: ReadHash, edge?: EdgeHashes): Buffer[] =>
  hashesOf(consistencyRanges(from, to), to, read, edge);

/** The subtrees that `inclusionProof` reads, so that a caller can fetch them first. */
export const inclusionNodes = (index: number, size: number): TreeNode[] =>
  inclusionRanges(index, size).flatMap(nodesOf);

/** The subtrees that `consistencyProof` reads. */
export const consistencyNodes = (from: number, to: number): TreeNode[] => consistencyRanges(from, to).flatMap(nodesOf);

/** The subtrees that `treeRoot` reads: the right edge of the tree, the largest first. */
export const rootNodes = (size: number): TreeNode[] => nodesOf({ start: 0, end: size });

/** What a signed head says of its tree. */
export interface TreeHead {
  readonly size: number;
  readonly root: Uint8Array;
}

const equal = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
const areHashes = (hashes: readonly Uint8Array[]): boolean => hashes.every(({ length }) => length === HASH_LENGTH);
const isOdd = (value: number): boolean => value % 2 === 1;
const half = (value: number): number => Math.floor(value / 2);

/** True where `path` proves that a leaf is in the tree of that head, at that very place (RFC 9162 section 2.1.3.2). */
export const verifyInclusion = (
  leaf: { readonly index: number; readonly hash: Uint8Array },
  head: TreeHead,
  path: readonly Uint8Array[],
): boolean => {
  if (!isCount(leaf.index) || !isCount(head.size) || leaf.index >= head.size) return false;
  if (!areHashes(path) || !areHashes([leaf.hash, head.root])) return false;
  let node = leaf.index;
  let last = head.size - 1;
  let result = leaf.hash;
  for (const sibling of path) {
    if (last === 0) return false;
    if (isOdd(node) || node === last) {
      result = nodeHash(sibling, result);
      // On the right edge of an incomplete tree a node goes up unhashed until it has a left sibling.
      while (!isOdd(node) && node !== 0) {
        node = half(node);
        last = half(last);
      }
    } else {
      result = nodeHash(result, sibling);
    }
    node = half(node);
    last = half(last);
  }
  return last === 0 && equal(result, head.root);
};

/**
 * The roots of the old and of the new tree that a consistency proof leads to, where `first` is the hash of its first subtree and `rest`
 * are the others (RFC 9162 section 2.1.4.2); undefined where it has too few or too many hashes. 0 < from < to.
 */
const climb = (
  from: number,
  to: number,
  first: Uint8Array,
  rest: readonly Uint8Array[],
): { readonly before: Uint8Array; readonly after: Uint8Array } | undefined => {
  let node = from - 1;
  let last = to - 1;
  while (isOdd(node)) {
    node = half(node);
    last = half(last);
  }
  let before = first;
  let after = first;
  for (const sibling of rest) {
    if (last === 0) return undefined;
    if (isOdd(node) || node === last) {
      before = nodeHash(sibling, before);
      after = nodeHash(sibling, after);
      while (!isOdd(node) && node !== 0) {
        node = half(node);
        last = half(last);
      }
    } else {
      after = nodeHash(after, sibling);
    }
    node = half(node);
    last = half(last);
  }
  return last === 0 ? { before, after } : undefined;
};

/** True where the tree of `size` leaves is one complete subtree, whose root a consistency proof therefore leaves out. */
export const isCompleteTree = (size: number): boolean => size > 0 && rootNodes(size).length === 1;

/**
 * True where `path` proves that the tree of the head `to` begins with that of the head `from` (RFC 9162 section 2.1.4.2). Nothing has to
 * be proved, and the path must be empty, where the sizes are equal or `from` is the empty tree.
 */
export const verifyConsistency = (from: TreeHead, to: TreeHead, path: readonly Uint8Array[]): boolean => {
  if (!isCount(from.size) || !isCount(to.size) || from.size > to.size) return false;
  if (!areHashes(path) || !areHashes([from.root, to.root])) return false;
  if (from.size === to.size) return path.length === 0 && equal(from.root, to.root);
  if (from.size === 0) return path.length === 0 && equal(from.root, EMPTY_ROOT);
  const [first, ...rest] = isCompleteTree(from.size) ? [from.root, ...path] : path;
  const roots = first && climb(from.size, to.size, first, rest);
  return roots !== undefined && equal(roots.before, from.root) && equal(roots.after, to.root);
};

/** The same proof for whoever has not the old root: it is a consistency proof that never leaves out its first hash. 0 < from < to. */
export const prefixProof = (from: number, to: number, read: ReadHash): Buffer[] => {
  const path = consistencyProof(from, to, read);
  return isCompleteTree(from) && from < to ? [treeRoot(from, read), ...path] : path;
};

/**
 * The root that the first `from` leaves of the tree of that head have, as a `prefixProof` shows; undefined where it is none. Whoever
 * has signed the head has thereby committed to that root.
 */
export const prefixRoot = (from: number, head: TreeHead, path: readonly Uint8Array[]): Uint8Array | undefined => {
  if (!isCount(from) || !isCount(head.size) || from === 0 || from >= head.size) return undefined;
  const [first, ...rest] = path;
  if (!first || !areHashes(path) || !areHashes([head.root])) return undefined;
  const roots = climb(from, head.size, first, rest);
  return roots && equal(roots.after, head.root) ? roots.before : undefined;
};
