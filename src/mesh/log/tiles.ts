import { MeshError } from "../../errors.js";
import { msg } from "../../messages/message.js";
import { nodeHash, type ReadHash, type TreeNode } from "./tree.js";

// The tree as static files: C2SP tlog-tiles, of height 8.

/** How many hashes, or entries, a full tile holds. */
export const TILE_WIDTH = 256;
const TILE_HEIGHT = 8;
const HASH_LENGTH = 32;
const MAX_LEVEL = 63;
/** Three digits each: enough for every safe integer. */
const MAX_GROUPS = 6;

export interface TilePlace {
  /** Of hashes from 0, where they are those of leaves; or the leaves themselves. */
  readonly level: number | "entries";
  readonly index: number;
}

/** A tile as it is served: of `width` hashes or entries, 256 where it is full. */
export interface Tile extends TilePlace {
  readonly width: number;
}

/** `tile/0/x001/234.p/17`: the path of a tile below that of the log. `width` is left out, or 256, for a full tile. */
export const tilePath = (level: number | "entries", index: number, width: number = TILE_WIDTH): string => {
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, "0").match(/\d{3}/g) ?? [];
  const last = groups.pop() ?? "";
  const partial = width === TILE_WIDTH ? "" : `.p/${width}`;
  return `tile/${level}/${groups.map((group) => `x${group}/`).join("")}${last}${partial}`;
};

/** What a path names, or undefined where it is not the one spelling of the path of a tile. */
export const parseTilePath = (path: string): Tile | undefined => {
  if (path.length > 64) return undefined;
  const match = /^tile\/(entries|\d{1,2})\/((?:x\d{3}\/)*\d{3})(?:\.p\/(\d{1,3}))?$/.exec(path);
  if (!match) return undefined;
  const [, kind = "", groups = "", partial] = match;
  const level = kind === "entries" ? kind : Number(kind);
  const index = Number(groups.replace(/[x/]/g, ""));
  const width = partial === undefined ? TILE_WIDTH : Number(partial);
  if (groups.length > MAX_GROUPS * 5 || !Number.isSafeInteger(index)) return undefined;
  if ((level !== "entries" && level > MAX_LEVEL) || (partial !== undefined && width >= TILE_WIDTH) || width === 0) {
    return undefined;
  }
  // Leading zeros of any part would name the same tile twice.
  return tilePath(level, index, width) === path ? { level, index, width } : undefined;
};

/** How many hashes a tile of a level has in a tree of `size` leaves; 0 where there is no such tile. */
export const tileWidth = (level: number | "entries", index: number, size: number): number => {
  const hashes = level === "entries" ? size : Math.floor(size / TILE_WIDTH ** level);
  return Math.min(Math.max(hashes - index * TILE_WIDTH, 0), TILE_WIDTH);
};

/** The tile in whose `height` lies the hash of a complete subtree, and how many of the tile's hashes it covers from `start` on. */
const placeOf = ({ level, index }: TreeNode) => {
  const tileLevel = Math.floor(level / TILE_HEIGHT);
  const height = level - tileLevel * TILE_HEIGHT;
  const perTile = TILE_WIDTH / 2 ** height;
  const tileIndex = Math.floor(index / perTile);
  return { tileLevel, tileIndex, height, start: index - tileIndex * perTile };
};

/** The tiles that hold the hashes of these subtrees in a tree of `size` leaves, each once, as wide as they are there. */
export const tilesFor = (
  nodes: readonly TreeNode[],
  size: number,
): { readonly level: number; readonly index: number; readonly width: number }[] => {
  const tiles = new Map<string, { level: number; index: number; width: number }>();
  for (const node of nodes) {
    const { tileLevel: level, tileIndex: index } = placeOf(node);
    tiles.set(`${level}/${index}`, { level, index, width: tileWidth(level, index, size) });
  }
  return [...tiles.values()];
};

/** One tile with the inner nodes that have been computed of it: `nodes[height - 1][position]`. */
interface KnownTile {
  readonly hashes: Uint8Array;
  readonly nodes: (Buffer | undefined)[][];
}

/**
 * The inner nodes of tiles that were read lately. They are kept only as long as a tile read later begins with the same hashes, so a
 * cache may outlive any change of the tree.
 */
export interface TileCache {
  /** What is known of a tile, where it still holds for `hashes`. */
  take(level: number, index: number, hashes: Uint8Array): KnownTile;
}

/** A cache of the inner nodes of at most `limit` tiles, the least lately used of which goes first. */
export const tileCache = (limit = 256): TileCache => {
  const tiles = new Map<string, KnownTile>();
  return {
    take: (level, index, hashes) => {
      const name = `${level}/${index}`;
      const known = tiles.get(name);
      const holds = known !== undefined && beginsWith(hashes, known.hashes);
      const tile = { hashes, nodes: holds ? known.nodes : [] };
      tiles.delete(name);
      tiles.set(name, tile);
      for (const oldest of tiles.keys()) {
        if (tiles.size <= limit) break;
        tiles.delete(oldest);
      }
      return tile;
    },
  };
};

const beginsWith = (hashes: Uint8Array, start: Uint8Array): boolean =>
  hashes.length >= start.length && Buffer.compare(hashes.subarray(0, start.length), start) === 0;

const lacking = (level: number, index: number): MeshError =>
  new MeshError("proof-missing", msg("mesh.log-tile-missing", { tile: tilePath(level, index) }));

const innerNode = (tile: KnownTile, height: number, position: number): Buffer | undefined => {
  if (height === 0) {
    const { buffer, byteOffset, length } = tile.hashes;
    const at = position * HASH_LENGTH;
    // A view: the hash is read at once, or kept together with its tile.
    return at + HASH_LENGTH <= length ? Buffer.from(buffer, byteOffset + at, HASH_LENGTH) : undefined;
  }
  const nodes = (tile.nodes[height - 1] ??= []);
  const known = nodes[position];
  if (known) return known;
  const left = innerNode(tile, height - 1, position * 2);
  const right = left && innerNode(tile, height - 1, position * 2 + 1);
  return right && (nodes[position] = nodeHash(left, right));
};

/**
 * Reads the hashes of subtrees out of tiles: level L of the tree lies in the tiles of level L / 8, and what lies between two levels of
 * tiles is computed. `tile` gives the hashes of a tile, 32 octets each, as many as it has; it is asked once for each. What it gives is
 * neither copied nor changed. Give a `cache` to keep computed nodes for readers to come. The reader throws `proof-missing` where a tile
 * lacks what is asked for.
 */
export const tileReader = (
  tile: (level: number, index: number) => Uint8Array | undefined,
  cache?: TileCache,
): ReadHash => {
  const known = new Map<string, KnownTile>();
  return (level, index) => {
    const { tileLevel, tileIndex, height, start } = placeOf({ level, index });
    const name = `${tileLevel}/${tileIndex}`;
    let read = known.get(name);
    if (!read) {
      const hashes = tile(tileLevel, tileIndex);
      if (!hashes) throw lacking(tileLevel, tileIndex);
      read = cache?.take(tileLevel, tileIndex, hashes) ?? { hashes, nodes: [] };
      known.set(name, read);
    }
    const node = innerNode(read, height, start);
    if (!node) throw lacking(tileLevel, tileIndex);
    return node;
  };
};

const MAX_ENTRY = 0xffff;

/** Leaves as an entry bundle: each behind its length in two octets, big-endian. */
export const encodeEntries = (leaves: readonly Uint8Array[]): Buffer => {
  const bundle = Buffer.allocUnsafe(leaves.reduce((length, leaf) => length + 2 + leaf.length, 0));
  let at = 0;
  for (const leaf of leaves) {
    if (leaf.length > MAX_ENTRY) throw new RangeError("An entry has at most 65535 octets.");
    at = bundle.writeUInt16BE(leaf.length, at);
    bundle.set(leaf, at);
    at += leaf.length;
  }
  return bundle;
};

/** The leaves of an entry bundle, or undefined where it is none. They share its memory. */
export const decodeEntries = (bundle: Uint8Array): Buffer[] | undefined => {
  const octets = Buffer.from(bundle.buffer, bundle.byteOffset, bundle.length);
  const leaves: Buffer[] = [];
  let at = 0;
  while (at < octets.length) {
    if (at + 2 > octets.length || leaves.length === TILE_WIDTH) return undefined;
    const end = at + 2 + octets.readUInt16BE(at);
    if (end > octets.length) return undefined;
    leaves.push(octets.subarray(at + 2, end));
    at = end;
  }
  return leaves;
};

/** The root of a full tile: what stands for it in the tile above. */
export const tileRoot = (hashes: Buffer): Buffer => {
  let row: Buffer[] = [];
  for (let at = 0; at < hashes.length; at += HASH_LENGTH) row.push(hashes.subarray(at, at + HASH_LENGTH));
  while (row.length > 1) {
    const above: Buffer[] = [];
    for (let at = 0; at < row.length; at += 2) above.push(nodeHash(row[at] ?? hashes, row[at + 1] ?? hashes));
    row = above;
  }
  return row[0] ?? hashes;
};

/** A tile that has changed, with the whole of its hashes. */
export interface ChangedTile {
  readonly level: number;
  readonly index: number;
  readonly hashes: Buffer;
}

/**
 * The tiles that are new or changed once the hashes of these leaves are appended to a tree of `size` leaves, each with all of its hashes.
 * `tile` gives what a tile holds before. Throws `state-corrupt` where that is not as much as a tree of this size has.
 */
export const appendLeaves = (
  size: number,
  hashes: readonly Buffer[],
  tile: (level: number, index: number) => Uint8Array | undefined,
): ChangedTile[] => {
  const changed: ChangedTile[] = [];
  let added: readonly Buffer[] = hashes;
  let before = size;
  for (let level = 0; added.length > 0; level++) {
    const above: Buffer[] = [];
    for (let at = 0; at < added.length;) {
      const index = Math.floor((before + at) / TILE_WIDTH);
      const width = before + at - index * TILE_WIDTH;
      const kept = width === 0 ? undefined : tile(level, index);
      if (width > 0 && kept?.length !== width * HASH_LENGTH) {
        throw new MeshError("state-corrupt", msg("mesh.log-tile-width", { tile: tilePath(level, index) }));
      }
      const news = added.slice(at, at + TILE_WIDTH - width);
      const content = Buffer.concat(kept ? [kept, ...news] : news);
      changed.push({ level, index, hashes: content });
      if (width + news.length === TILE_WIDTH) above.push(tileRoot(content));
      at += news.length;
    }
    added = above;
    before = Math.floor(before / TILE_WIDTH);
  }
  return changed;
};
