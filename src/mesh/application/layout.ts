import { MAX_SEGMENTS } from "./head.js";

// A change uploads the head, which names every segment, and the segments that it touches. Many small segments make a large
// head, few large ones a large segment: the sum is smallest where both take up as much.

const MIN_TARGET = 2 * 1024;
const MAX_TARGET = 64 * 1024;

/** Octets of a head for every segment that it names: identifier and hash with their punctuation, in base64url. */
const NAMED = (84 * 4) / 3;
/** Octets of a record for every octet in it: base64url of the ciphertext, and of the payload around that. */
const ENCODED = (4 / 3) ** 2;
/** What a change uploads at most, without the head's own members, where segments are merged besides. */
const MERGE_BUDGET = 40 * 1024;
/** How many times the segments needed there may be before some are merged. Since new entries fill the smallest, that is rare. */
const SLACK = 1.25;

/** A segment as it is: how many octets its entries take up (`entrySize`), and which they are. */
export interface PlacedSegment {
  readonly identifier: string;
  readonly size: number;
  readonly entries: readonly string[];
}

/** How many octets of entries a segment should hold where all of them together have so many. */
export const segmentTarget = (total: number): number =>
  Math.max(MIN_TARGET, Math.min(MAX_TARGET, Math.round(Math.sqrt((NAMED / ENCODED) * total))));

const sum = (sizes: Iterable<number>): number => [...sizes].reduce((total, size) => total + size, 0);

/**
 * Which segments are to be rewritten, that is opened and dropped, where entries change: those that hold one of them; the smallest, where
 * there are new entries and it has room; and small ones besides where there are many more than needed, so that they become fewer.
 * `added` is how many octets new entries have.
 */
export const segmentsToRewrite = (
  segments: readonly PlacedSegment[],
  changed: ReadonlySet<string>,
  added = 0,
): readonly string[] => {
  const total = sum(segments.map(({ size }) => size)) + added;
  const count = sum(segments.map(({ entries }) => entries.length));
  const target = segmentTarget(total);
  // What a full segment holds: in the end there is no room for one more entry.
  const capacity = Math.max(target / 2, target - total / Math.max(count, 1) / 2);
  const touched = segments.filter(({ entries }) => entries.some((id) => changed.has(id)));
  const others = segments.filter((segment) => !touched.includes(segment)).sort((a, b) => a.size - b.size);
  const [smallest] = others;
  const rewrite = [...touched];
  if (added > 0 && smallest && sum(touched.map(({ size }) => size)) + added + smallest.size <= target) {
    rewrite.push(smallest);
    others.shift();
  }
  const size = sum(rewrite.map((segment) => segment.size)) + added;
  const isCrowded = segments.length > Math.ceil(total / capacity) * SLACK || segments.length >= MAX_SEGMENTS;
  const merged = size > 0 && isCrowded ? worthMerging(others, size, capacity, segments.length) : [];
  return [...rewrite, ...merged].map(({ identifier }) => identifier);
};

/** The smallest of other segments, as many as make fewer segments together with what is rewritten anyway and are not too much. */
const worthMerging = (
  others: readonly PlacedSegment[],
  size: number,
  capacity: number,
  count: number,
): readonly PlacedSegment[] => {
  const before = Math.ceil(size / capacity);
  let best = 0;
  let saved = 0;
  let together = size;
  for (const [at, other] of others.entries()) {
    together += other.size;
    if (together * ENCODED + count * NAMED > MERGE_BUDGET) break;
    const saves = before + at + 1 - Math.ceil(together / capacity);
    if (saves > saved) {
      saved = saves;
      best = at + 1;
    }
  }
  return others.slice(0, best);
};

/**
 * Distributes entries of rewritten segments, with the new ones, on new segments, in their order: each is filled up to the target, and
 * the last has what is left. An entry that is larger than the target has a segment of its own.
 */
export const packEntries = <Entry extends { readonly size: number }>(
  entries: readonly Entry[],
  target: number,
): readonly (readonly Entry[])[] => {
  const packed: Entry[][] = [];
  let size = 0;
  for (const entry of entries) {
    const last = packed.at(-1);
    if (last && size + entry.size <= target) {
      last.push(entry);
      size += entry.size;
    } else {
      packed.push([entry]);
      size = entry.size;
    }
  }
  return packed;
};
