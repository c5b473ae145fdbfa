import type { MeshError } from "../../errors.js";
import { checkpointText } from "../../mesh/log/checkpoint.js";
import { decodeLeaf, encodeLeaf, identifierHash, KINDS, type Leaf, type LeafKind } from "../../mesh/log/leaf.js";
import { appendLeaves, TILE_WIDTH, tileCache, tileReader } from "../../mesh/log/tiles.js";
import { EMPTY_ROOT, leafHash, treeRoot } from "../../mesh/log/tree.js";
import type { Sql } from "./sql.js";
import type { Head, LogSigner, StoredLeaf, Time } from "./store.js";

/** A head that is no further ahead of the clock than this, in milliseconds, is still accepted by clients: the next is not older than it. */
export const CLOCK_TOLERANCE = 300_000;

/** The head as it is stored. */
export interface HeadRow extends Head {
  /** The key that has signed it, which is the present key of the log. */
  readonly verifier: string;
}

export const HEAD = "SELECT size, root, checkpoint, time, verifier FROM head";
export const LEAF_BEFORE =
  'SELECT idx AS "index", key, data FROM leaf WHERE key = ? AND idx < ? ORDER BY idx DESC LIMIT 1';

/** What a leaf is found by: its kind and its identifier. */
export const leafKey = (kind: LeafKind, identifier: string): Buffer =>
  Buffer.concat([Buffer.of(KINDS.indexOf(kind) + 1), identifierHash(identifier)]);

/** The newest leaf of a kind and identifier. */
export interface Predecessor {
  readonly index: number;
  readonly hash: Buffer;
  readonly leaf: Leaf;
}

/** How far a batch had come. */
interface Mark {
  readonly tid: number;
  readonly leaves: number;
  readonly signer: LogSigner | undefined;
  readonly time: Time | undefined;
}

/**
 * Gives out transaction identifiers and places in the Merkle tree, within one transaction of the database that nobody else can write
 * beside, and at its end brings the tree's tiles and its signed head up to them.
 */
export interface Sequencer {
  /** Reads where the log stands. The database transaction must hold off every other writer by then. */
  begin(): Promise<void>;
  nextTid(): number;
  /** The newest leaf of a kind and identifier. */
  newest(kind: LeafKind, identifier: string): Promise<Predecessor | undefined>;
  /** Appends a leaf and gives its index. Throws `log-key-missing` where the log's present key is not here. */
  append(
    leaf: Omit<Leaf, "identifierHash" | "previous">,
    identifier: string,
    previous: Predecessor | undefined,
    at: Time,
  ): number;
  /** The log's present key signs no more from here on. */
  changeSigner(next: LogSigner): void;
  /** The head is to be signed even where no leaf was appended. */
  sign(at: Time): void;
  mark(): Mark;
  /** Takes back what was given out since. */
  undo(mark: Mark): void;
  /** Writes the tiles and the head. Nothing may be appended after it. */
  seal(): Promise<void>;
  /** What was sealed is on disk. */
  committed(): void;
  /** The head before this transaction. */
  head(): HeadRow;
}

/** The tiles on the right edge of a tree, by level and index. They change with the next leaf; all others never do. */
type Edge = ReadonlyMap<string, Uint8Array>;

interface Known {
  readonly size: number;
  readonly root: Buffer;
  readonly edge: Edge;
}

/** More than there are levels. */
const EDGE_TILES = 8;

const nameOf = (level: number, index: number): string => `${level}/${index}`;

/** The places of the tiles that are begun and not full in a tree of `size` leaves. */
const edgePlaces = (size: number): { readonly level: number; readonly index: number }[] => {
  const places = [];
  for (let level = 0, hashes = size; hashes > 0; level++, hashes = Math.floor(hashes / TILE_WIDTH)) {
    if (hashes % TILE_WIDTH !== 0) places.push({ level, index: Math.floor(hashes / TILE_WIDTH) });
  }
  return places;
};

/** The signer under a key of the log, where it is held. */
export const signerUnder = (signer: LogSigner, verifier: string): LogSigner | undefined =>
  signer.verifier === verifier ? signer : signer.signerFor?.(verifier);

/** What is thrown, with the name of the store in it. */
export interface SequencerFaults {
  damaged(): MeshError;
  keyMissing(): MeshError;
}

export const createSequencer = (sql: Sql, signer: LogSigner | undefined, faults: SequencerFaults): Sequencer => {
  const cache = tileCache(EDGE_TILES);
  const rootOf = (size: number, edge: Edge): Buffer =>
    treeRoot(
      size,
      tileReader((level, index) => edge.get(nameOf(level, index)), cache),
    );
  let current = signer;
  /** The right edge of the tree that was read or committed last. It holds as long as the head is still the same. */
  let known: Known | undefined;
  let sealed: { readonly known: Known; readonly signer: LogSigner } | undefined;
  let head: HeadRow | undefined;
  let tid = 0;
  let hashes: Buffer[] = [];
  let time: Time | undefined;
  let next: LogSigner | undefined;

  const begun = (): HeadRow => {
    if (!head) throw faults.damaged();
    return head;
  };

  /** What signs the next head: the present key of the log and no other. */
  const signing = (): LogSigner => {
    if (next) return next;
    const { verifier } = begun();
    // Another process may have changed the key.
    if (current?.verifier !== verifier) current = signer && signerUnder(signer, verifier);
    if (!current) throw faults.keyMissing();
    return current;
  };

  const isEdgeOf = (size: number, root: Buffer, edge: Edge): boolean => {
    try {
      return rootOf(size, edge).equals(root);
    } catch {
      return false;
    }
  };

  const readEdge = async ({ size, root }: HeadRow): Promise<Edge> => {
    if (known?.size === size && known.root.equals(root)) return known.edge;
    const edge = new Map<string, Uint8Array>();
    const read = async ({ level, index }: { level: number; index: number }): Promise<void> => {
      const row = await sql.get("SELECT hashes FROM tile WHERE level = ? AND idx = ?", level, index);
      edge.set(nameOf(level, index), (row as { hashes: Buffer } | undefined)?.hashes ?? Buffer.alloc(0));
    };
    await Promise.all(edgePlaces(size).map(read));
    // Nothing is ever signed that does not go on from what was signed before.
    if (!isEdgeOf(size, root, edge)) throw faults.damaged();
    return edge;
  };

  return {
    begin: async () => {
      const [row, last] = await Promise.all([
        sql.get(HEAD) as Promise<HeadRow | undefined>,
        sql.get("SELECT tid FROM log ORDER BY tid DESC LIMIT 1") as Promise<{ tid: number } | undefined>,
      ]);
      head = row;
      if (!row) throw faults.damaged();
      tid = last?.tid ?? 0;
      hashes = [];
      time = undefined;
      next = undefined;
      sealed = undefined;
    },
    nextTid: () => ++tid,
    newest: async (kind, identifier) => {
      const row = (await sql.get(LEAF_BEFORE, leafKey(kind, identifier), Number.MAX_SAFE_INTEGER)) as
        StoredLeaf | undefined;
      return row && { index: row.index, hash: leafHash(row.data), leaf: decodeLeaf(row.data) };
    },
    append: (content, identifier, previous, at) => {
      signing();
      const key = leafKey(content.kind, identifier);
      const data = encodeLeaf({
        ...content,
        identifierHash: key.subarray(1),
        previous: previous && { index: previous.index, hash: previous.hash },
      });
      const index = begun().size + hashes.length;
      hashes.push(leafHash(data));
      time = Math.max(time ?? at, at);
      sql.write("INSERT INTO leaf (idx, key, data) VALUES (?, ?, ?)", index, key, data);
      return index;
    },
    changeSigner: (signer) => {
      next = signer;
    },
    sign: (at) => {
      signing();
      time = Math.max(time ?? at, at);
    },
    mark: () => ({ tid, leaves: hashes.length, signer: next, time }),
    undo: (mark) => {
      tid = mark.tid;
      hashes.length = mark.leaves;
      next = mark.signer;
      time = mark.time;
    },
    seal: async () => {
      if (time === undefined) return;
      const old = begun();
      const signer = signing();
      const size = old.size + hashes.length;
      const before = await readEdge(old);
      const tiles = new Map(before);
      const changed = appendLeaves(old.size, hashes, (level, index) => before.get(nameOf(level, index)));
      for (const { level, index, hashes: content } of changed) {
        tiles.set(nameOf(level, index), content);
        sql.write(
          "INSERT INTO tile (level, idx, hashes) VALUES (?, ?, ?) ON CONFLICT (level, idx) DO UPDATE SET hashes = excluded.hashes",
          level,
          index,
          content,
        );
      }
      const edge = new Map<string, Uint8Array>();
      for (const { level, index } of edgePlaces(size)) {
        const tile = tiles.get(nameOf(level, index));
        if (tile) edge.set(nameOf(level, index), tile);
      }
      const root = rootOf(size, edge);
      // A head is not older than the one before it, unless the clock was put right and no client would take that time any more.
      const signed = time < old.time && old.time - time <= CLOCK_TOLERANCE ? old.time : time;
      const checkpoint = signer.sign(checkpointText({ origin: signer.origin, size, root, time: new Date(signed) }));
      const replaced = await sql.run(
        "UPDATE head SET size = ?, root = ?, checkpoint = ?, time = ?, verifier = ? WHERE size = ? AND root = ? AND checkpoint = ?",
        size,
        root,
        checkpoint,
        signed,
        signer.verifier,
        old.size,
        old.root,
        old.checkpoint,
      );
      // Another writer would have been held off: whoever finds this here must not commit.
      if (replaced !== 1) throw faults.damaged();
      sealed = { known: { size, root, edge }, signer };
    },
    committed: () => {
      if (sealed) {
        ({ known } = sealed);
        current = sealed.signer;
      }
      sealed = undefined;
    },
    head: begun,
  };
};

/** The head of the tree without leaves, signed by no clock. */
export const emptyHead = (signer: LogSigner): HeadRow => ({
  size: 0,
  root: EMPTY_ROOT,
  checkpoint: signer.sign(checkpointText({ origin: signer.origin, size: 0, root: EMPTY_ROOT, time: new Date(0) })),
  time: 0,
  verifier: signer.verifier,
});
