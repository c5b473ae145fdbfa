import { createPrivateKey, createPublicKey, sign } from "node:crypto";
import { checkpointText } from "../../../src/mesh/log/checkpoint.js";
import { signNote, verifierKey, type NoteKey } from "../../../src/mesh/log/note.js";
import { appendLeaves, tileReader } from "../../../src/mesh/log/tiles.js";
import {
  consistencyProof,
  inclusionProof,
  leafHash,
  nodeHash,
  treeRoot,
  type ReadHash,
} from "../../../src/mesh/log/tree.js";
import { stream } from "../support.js";

/** PKCS #8 of an Ed25519 key (RFC 8410), without its 32 octets. */
const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");

/** A key for notes that is the same in every run. */
export const noteKey = (seed: string): NoteKey => {
  const key = createPrivateKey({
    key: Buffer.concat([PKCS8, stream(`note key ${seed}`)(32)]),
    format: "der",
    type: "pkcs8",
  });
  const spki = createPublicKey(key).export({ format: "der", type: "spki" });
  return { publicKey: spki.subarray(-32), sign: (message) => sign(null, message, key) };
};

/** A log in memory, which can be told to sign anything. */
export const sampleLog = (origin: string, key: NoteKey = noteKey(origin)) => {
  const leaves: Buffer[] = [];
  const tiles = new Map<string, Buffer>();
  const tile = (level: number, index: number) => tiles.get(`${level}/${index}`);
  const append = (...added: readonly Uint8Array[]): void => {
    const hashes = added.map((data) => leafHash(data));
    for (const changed of appendLeaves(leaves.length, hashes, tile)) {
      tiles.set(`${changed.level}/${changed.index}`, changed.hashes);
    }
    leaves.push(...added.map((data) => Buffer.from(data)));
  };
  const read: ReadHash = (level, index) => tileReader(tile)(level, index);
  const checkpoint = (time: Date, size = leaves.length, root = treeRoot(size, read)): string =>
    signNote(checkpointText({ origin, size, root, time }), origin, key);
  return {
    origin,
    key,
    verifier: verifierKey(origin, key.publicKey),
    leaves,
    tiles,
    tile,
    append,
    checkpoint,
    root: (size = leaves.length) => treeRoot(size, read),
    inclusion: (index: number, size = leaves.length) => inclusionProof(index, size, read),
    consistency: (from: number, to = leaves.length) => consistencyProof(from, to, read),
  };
};
export type SampleLog = ReturnType<typeof sampleLog>;

/** MTH of RFC 6962 section 2.1, word for word. */
export const plainRoot = (leaves: readonly Uint8Array[], empty: Buffer): Buffer => {
  const [only] = leaves;
  if (!only) return empty;
  if (leaves.length === 1) return leafHash(only);
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return nodeHash(plainRoot(leaves.slice(0, k), empty), plainRoot(leaves.slice(k), empty));
};

/** The octets with one bit turned over. */
export const flipped = (octets: Uint8Array, bit: number): Buffer => {
  const copy = Buffer.from(octets);
  const at = Math.floor(bit / 8) % copy.length;
  copy[at] = (copy[at] ?? 0) ^ (1 << (bit % 8));
  return copy;
};
