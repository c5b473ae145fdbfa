import { KINDS, leafFault, type Leaf, type PlacedLeaf } from "../../mesh/log/leaf.js";

// The newest leaf of every kind and identifier, for a walk over a whole log. There may be a million of them, so they are kept in rows.

const HASH = 32;
const KEY = 1 + HASH;
const INDEX_AT = KEY;
const HASH_AT = INDEX_AT + 8;
const MASTER_AT = HASH_AT + HASH;
const SEQUENCE_AT = MASTER_AT + 8;
const ROW = SEQUENCE_AT + 8;
const FIRST_ROWS = 1024;

export interface Chains {
  /** How many identifiers there are. */
  readonly count: number;
  /**
   * Takes the next leaf of the log. Gives the places of the leaves that contradict each other where it names another leaf before it than
   * the newest of its kind and identifier, or does not come after that; the last one is its own.
   */
  add(next: PlacedLeaf): readonly number[] | undefined;
  /** All that is known, to go on with later. */
  rows(): Buffer;
}

const keyOf = ({ kind, identifierHash }: Leaf): string =>
  String.fromCharCode(KINDS.indexOf(kind) + 1) + identifierHash.toString("latin1");

/** Begins with nothing, or with what `rows` gave earlier. Undefined where those are none. */
export const openChains = (known: Buffer = Buffer.alloc(0)): Chains | undefined => {
  if (known.length % ROW !== 0) return undefined;
  let rows = known.length > 0 ? known : Buffer.alloc(FIRST_ROWS * ROW);
  let count = known.length / ROW;
  const places = new Map<string, number>();
  for (let at = 0; at < known.length; at += ROW) places.set(known.toString("latin1", at, at + KEY), at);
  if (places.size !== count) return undefined;

  const read = (at: number, like: Leaf): PlacedLeaf => ({
    index: rows.readDoubleBE(at + INDEX_AT),
    hash: rows.subarray(at + HASH_AT, at + MASTER_AT),
    leaf: {
      ...like,
      masterSequence: rows.readDoubleBE(at + MASTER_AT),
      sequence: rows.readDoubleBE(at + SEQUENCE_AT),
    },
  });

  const write = (at: number, key: string, { index, hash, leaf }: PlacedLeaf): void => {
    rows.write(key, at, "latin1");
    rows.writeDoubleBE(index, at + INDEX_AT);
    rows.set(hash, at + HASH_AT);
    rows.writeDoubleBE(leaf.masterSequence, at + MASTER_AT);
    rows.writeDoubleBE(leaf.sequence, at + SEQUENCE_AT);
  };

  const append = (): number => {
    const at = count * ROW;
    if (at === rows.length) rows = Buffer.concat([rows, Buffer.alloc(rows.length)]);
    count++;
    return at;
  };

  const contradicted = (before: PlacedLeaf | undefined, { index, leaf }: PlacedLeaf): readonly number[] | undefined => {
    const named = leaf.previous?.index;
    if (named !== undefined && named >= index) return [index];
    // It names a leaf about something else.
    if (named !== undefined && (!before || named > before.index)) return [named, index];
    return before && leafFault(before, { index, leaf, hash: before.hash }) ? [before.index, index] : undefined;
  };

  return {
    get count() {
      return count;
    },
    add: (next) => {
      const key = keyOf(next.leaf);
      const at = places.get(key);
      const fault = contradicted(at === undefined ? undefined : read(at, next.leaf), next);
      if (fault) return fault;
      const place = at ?? append();
      if (at === undefined) places.set(key, place);
      write(place, key, next);
      return undefined;
    },
    rows: () => Buffer.from(rows.subarray(0, count * ROW)),
  };
};
