import type { PortalClient } from "../../client/client.js";
import type { Finding, PortalLog } from "../../client/log.js";
import { MeshError } from "../../errors.js";
import { encodeBase64url } from "../../mesh/bytes.js";
import type { Checkpoint } from "../../mesh/log/checkpoint.js";
import { decodeLeaf, encodeLeaf, type PlacedLeaf } from "../../mesh/log/leaf.js";
import {
  decodeEntries,
  tilePath,
  tileReader,
  tileRoot,
  tilesFor,
  tileWidth,
  TILE_WIDTH,
} from "../../mesh/log/tiles.js";
import { inclusionProof, leafHash, rootNodes, treeRoot, type ReadHash } from "../../mesh/log/tree.js";
import type { Proof } from "../../mesh/protocol.js";
import { msg, type Message } from "../../messages/message.js";
import { inOrder } from "./ahead.js";

const HASH_LENGTH = 32;
const TILE_LENGTH = TILE_WIDTH * HASH_LENGTH;
/** The hashes of a log of so many leaves take 128 MiB. A greater one is not looked through: its portal can make it up at no cost. */
const MAX_LEAVES = 2 ** 30;

/** The whole log of a portal under one head: what it gives has been verified by that. */
export interface LogView {
  readonly head: Checkpoint;
  /** How many entry bundles there are, and how many of them are full. */
  readonly bundles: number;
  readonly full: number;
  /** The root of the tree of the first so many bundles, all of them full. */
  prefixRoot(bundles: number): Buffer;
  /**
   * Fetches the leaves of a bundle; `withTile` has the tile of their hashes fetched and compared too. Throws `proof-missing` where they are
   * not served, and `proof-invalid` where they are not those of the tree, or are no leaves.
   */
  readBundle(index: number, withTile?: boolean): Promise<readonly PlacedLeaf[]>;
  /** Fetches the leaf at a place. Throws as `readBundle` does. */
  readLeaf(index: number): Promise<PlacedLeaf>;
  /** The error for leaves that show that the portal does not keep to its log, once they are kept with their proofs. */
  fail(text: Message, finding: Pick<Finding, "code" | "about">, leaves: readonly PlacedLeaf[]): Promise<MeshError>;
}

/** The portal's log. Throws `not-supported` where it keeps none. */
const logOf = ({ log, url }: PortalClient): PortalLog => {
  if (log) return log;
  throw new MeshError("not-supported", msg("audit.no-log", { url }));
};

/** Asks a portal for its newest head, which the client verifies and keeps. Throws what the log's `exchange` throws, and `not-supported`. */
export const newestHead = async (client: PortalClient): Promise<Checkpoint> => {
  const log = logOf(client);
  await client.send("Status", {});
  const head = log.newest;
  if (!head) throw new MeshError("proof-missing", msg("audit.no-log", { url: client.url }));
  return head;
};

const wrong = (url: string, file: string): MeshError =>
  new MeshError("proof-invalid", msg("audit.file-wrong", { url, file }), { hint: msg("client.log.hint") });

/**
 * Opens the log of a portal under a head that has been verified: fetches every tile but those of leaf hashes, from the root downwards, so
 * that nothing is kept that the head does not cover. Throws `too-large` for more leaves than can be looked at, `proof-missing` for a tile
 * that is not served, `proof-invalid` for one that does not fit, and what `getStatic` throws.
 */
export const openLogView = async (client: PortalClient, head: Checkpoint): Promise<LogView> => {
  const { size } = head;
  const { url } = client;
  if (size > MAX_LEAVES) throw new MeshError("too-large", msg("audit.log-too-large", { url, size }));
  const full = Math.floor(size / TILE_WIDTH);
  const bundles = Math.ceil(size / TILE_WIDTH);

  /** A file of the log. Nobody has to keep the part of one that has become full. */
  const readFile = async (level: number | "entries", index: number): Promise<Buffer> => {
    const width = tileWidth(level, index, size);
    const path = tilePath(level, index, width);
    const whole = width === TILE_WIDTH ? undefined : tilePath(level, index);
    const octets = (await client.getStatic(path)) ?? (whole === undefined ? undefined : await client.getStatic(whole));
    if (!octets) throw new MeshError("proof-missing", msg("mesh.log-tile-missing", { tile: path }));
    return octets;
  };

  const readTile = async (level: number, index: number): Promise<Buffer> => {
    const length = tileWidth(level, index, size) * HASH_LENGTH;
    const octets = await readFile(level, index);
    if (octets.length !== length && octets.length !== TILE_LENGTH) throw wrong(url, tilePath(level, index));
    return octets.subarray(0, length);
  };

  /** The last tile of each level where it is not full: the root is made of these. */
  const edge = new Map<number, Buffer>();
  for (const { level, index } of tilesFor(rootNodes(size), size)) edge.set(level, await readTile(level, index));
  const readEdge = tileReader((level) => edge.get(level));
  if (!treeRoot(size, readEdge).equals(head.root)) throw wrong(url, "tile");

  /** The hashes of every level of tiles above that of leaves. Those of one are the roots of the full tiles of the level below. */
  const upper = new Map<number, Buffer>();
  for (let level = Math.max(0, ...edge.keys()); level > 0; level--) {
    const roots = upper.get(level + 1) ?? Buffer.alloc(0);
    const tiles: Buffer[] = [];
    for await (const tile of inOrder(0, roots.length / HASH_LENGTH, (index) => readTile(level, index))) {
      const at = tiles.length * HASH_LENGTH;
      if (!tileRoot(tile).equals(roots.subarray(at, at + HASH_LENGTH))) throw wrong(url, tilePath(level, tiles.length));
      tiles.push(tile);
    }
    upper.set(level, Buffer.concat([...tiles, edge.get(level) ?? Buffer.alloc(0)]));
  }
  const rest = edge.get(0) ?? Buffer.alloc(0);

  /** Reads the tree, with the hashes of one bundle's leaves where they are given. */
  const reader = (bundle?: { readonly index: number; readonly hashes: Buffer }): ReadHash =>
    tileReader((level, index) => {
      if (level > 0) return upper.get(level)?.subarray(index * TILE_LENGTH, (index + 1) * TILE_LENGTH);
      return index === bundle?.index ? bundle.hashes : index === full ? rest : undefined;
    });
  const read = reader();

  const readBundle = async (index: number, withTile = false): Promise<readonly PlacedLeaf[]> => {
    const path = tilePath("entries", index, tileWidth("entries", index, size));
    const width = tileWidth("entries", index, size);
    const [octets, tile] = await Promise.all([
      readFile("entries", index),
      withTile && index < full ? readTile(0, index) : undefined,
    ]);
    const entries = decodeEntries(octets);
    if (!entries || entries.length < width) throw wrong(url, path);
    const leaves = entries.slice(0, width).map((data, at) => ({
      index: index * TILE_WIDTH + at,
      hash: leafHash(data),
      data,
    }));
    const hashes = Buffer.concat(leaves.map(({ hash }) => hash));
    if (!(index < full ? tileRoot(hashes).equals(read(8, index)) : hashes.equals(rest))) throw wrong(url, path);
    if (tile && !tile.equals(hashes)) throw wrong(url, tilePath(0, index));
    return leaves.map(({ index: place, hash, data }) => ({ index: place, hash, leaf: decodeLeaf(data) }));
  };

  const prove = async ({ index, leaf }: PlacedLeaf): Promise<Proof> => {
    const bundle = Math.floor(index / TILE_WIDTH);
    const hashes = Buffer.concat((await readBundle(bundle)).map(({ hash }) => hash));
    return {
      Index: index,
      Leaf: encodeBase64url(encodeLeaf(leaf)),
      Hashes: inclusionProof(index, size, reader({ index: bundle, hashes })).map(encodeBase64url),
    };
  };

  return {
    head,
    bundles,
    full,
    prefixRoot: (count) => treeRoot(count * TILE_WIDTH, read),
    readBundle,
    readLeaf: async (index) => {
      const leaf = (await readBundle(Math.floor(index / TILE_WIDTH)))[index % TILE_WIDTH];
      if (!leaf) throw wrong(url, tilePath("entries", Math.floor(index / TILE_WIDTH)));
      return leaf;
    },
    fail: async (text, finding, leaves) => {
      const proofs: { head: 0; proof: Proof }[] = [];
      for (const leaf of leaves) proofs.push({ head: 0, proof: await prove(leaf) });
      return logOf(client).fail(text, { ...finding, heads: [head.note], proofs });
    },
  };
};
