import { MeshError } from "../../errors.js";
import { remembered } from "../../mesh/remembered.js";
import { TILE_WIDTH, tileWidth } from "../../mesh/log/tiles.js";
import { nodeHash, type ReadHash } from "../../mesh/log/tree.js";
import { msg } from "../../messages/message.js";

const HASH_LENGTH = 32;
const TILE_HEIGHT = 8;
/** A tile with its inner nodes takes 16 KiB, so this is 64 MiB: the tiles of a million leaves. */
const MAX_TILES = 4096;
const MAX_LEAVES = 16_384;

export interface TilePlace {
  readonly level: number;
  readonly index: number;
}

/** A tile and all nodes above its hashes that are complete. What is in it never changes; it only grows. */
interface CachedTile {
  /** How many hashes it has by now. */
  width: number;
  /** Row by row: 256 hashes, then the 128 nodes above them, and so on. */
  readonly nodes: Buffer;
}

/** Thrown where the cache lacks a tile. */
export class Lacking extends Error {}

/**
 * The tree as far as it was looked at lately, in memory: complete subtrees never change, so all that can happen to it is to lack
 * something. It must be cleared where the store turns out to hold another tree.
 */
export interface TreeCache {
  /** True where it holds all hashes that a tile has in a tree of `size` leaves. */
  has(place: TilePlace, size: number): boolean;
  /** Takes in a tile of a tree of `size` leaves. Throws `state-corrupt` where it has fewer hashes than it must. */
  put(place: TilePlace, hashes: Buffer | undefined, size: number): void;
  /** The hashes of a tile, `width` of them; undefined where it lacks them. */
  hashes(place: TilePlace, width: number): Buffer | undefined;
  /** Reads a tree of `size` leaves. What it gives is not to be changed. Throws `Lacking`. */
  reader(size: number): ReadHash;
  leaf(index: number): Buffer | undefined;
  putLeaf(index: number, data: Buffer): void;
  clear(): void;
}

const damaged = (): MeshError => new MeshError("state-corrupt", msg("portal.tree-damaged"));

/** Where in a tile the nodes of a height above its hashes begin. */
const rowOf = (height: number): number => 2 * TILE_WIDTH - 2 ** (TILE_HEIGHT + 1 - height);

const nodeAt = ({ nodes }: CachedTile, height: number, position: number): Buffer => {
  const at = (rowOf(height) + position) * HASH_LENGTH;
  return nodes.subarray(at, at + HASH_LENGTH);
};

/** Adds hashes to a tile, and the nodes that they complete. */
const grow = (tile: CachedTile, hashes: Buffer): void => {
  const before = tile.width;
  const after = hashes.length / HASH_LENGTH;
  tile.nodes.set(hashes.subarray(before * HASH_LENGTH), before * HASH_LENGTH);
  for (let height = 1; height <= TILE_HEIGHT; height++) {
    const span = 2 ** height;
    for (let position = Math.floor(before / span); position < Math.floor(after / span); position++) {
      const [left, right] = [nodeAt(tile, height - 1, 2 * position), nodeAt(tile, height - 1, 2 * position + 1)];
      tile.nodes.set(nodeHash(left, right), (rowOf(height) + position) * HASH_LENGTH);
    }
  }
  tile.width = after;
};

const keyOf = ({ level, index }: TilePlace): string => `${level}/${index}`;

/** Makes an empty one, of at most so many tiles and leaves. */
export const createTreeCache = ({ tiles: maxTiles = MAX_TILES, leaves: maxLeaves = MAX_LEAVES } = {}): TreeCache => {
  const tiles = remembered<string, CachedTile>(maxTiles);
  const leaves = remembered<number, Buffer>(maxLeaves);
  const clear = (): void => {
    tiles.clear();
    leaves.clear();
  };
  return {
    has: (place, size) => (tiles.get(keyOf(place))?.width ?? 0) >= tileWidth(place.level, place.index, size),
    put: (place, hashes, size) => {
      const width = Math.floor((hashes?.length ?? 0) / HASH_LENGTH);
      const isWhole = hashes?.length === width * HASH_LENGTH && width <= TILE_WIDTH;
      if (!hashes || !isWhole || width < tileWidth(place.level, place.index, size)) throw damaged();
      const known = tiles.get(keyOf(place));
      if (known && known.width >= width) return;
      const same =
        known &&
        hashes.subarray(0, known.width * HASH_LENGTH).equals(known.nodes.subarray(0, known.width * HASH_LENGTH));
      // Another tree than the one that was looked at before.
      if (known && !same) clear();
      // Not from the pool, nor a view of what came over a wire: either would keep more alive than this.
      const tile = same ? known : { width: 0, nodes: Buffer.allocUnsafeSlow((2 * TILE_WIDTH - 1) * HASH_LENGTH) };
      grow(tile, hashes);
      tiles.set(keyOf(place), tile);
    },
    hashes: (place, width) => {
      const tile = tiles.get(keyOf(place));
      return tile && tile.width >= width ? tile.nodes.subarray(0, width * HASH_LENGTH) : undefined;
    },
    reader: (size) => {
      // Of the nodes of a proof, eight and more in a row are in one tile.
      let last: { readonly level: number; readonly index: number; readonly tile: CachedTile } | undefined;
      const tileAt = (level: number, index: number): CachedTile => {
        if (last?.level === level && last.index === index) return last.tile;
        const tile = tiles.get(keyOf({ level, index }));
        if (!tile || tile.width < tileWidth(level, index, size)) throw new Lacking();
        last = { level, index, tile };
        return tile;
      };
      return (level, index) => {
        const tileLevel = Math.floor(level / TILE_HEIGHT);
        const height = level - tileLevel * TILE_HEIGHT;
        const perTile = TILE_WIDTH / 2 ** height;
        const tileIndex = Math.floor(index / perTile);
        const position = index - tileIndex * perTile;
        const tile = tileAt(tileLevel, tileIndex);
        if (position >= Math.floor(tile.width / 2 ** height)) throw damaged();
        return nodeAt(tile, height, position);
      };
    },
    leaf: (index) => leaves.get(index),
    // A copy, for the same reason.
    putLeaf: (index, data) => leaves.set(index, Buffer.from(data)),
    clear,
  };
};
