import { MeshError } from "../../errors.js";
import { msg } from "../../messages/message.js";
import { sha256, utf8 } from "../bytes.js";
import { canonicalJson } from "../json.js";
import type { EntryType } from "../protocol.js";

export { accountUdf } from "../udf.js";

/** What a leaf is about. */
export type LeafKind = "personal" | "master" | "device" | "application" | "escrow" | "account" | "result" | "key";

/** In the order of their codes, from 1. */
export const KINDS: readonly LeafKind[] = [
  "personal",
  "master",
  "device",
  "application",
  "escrow",
  "account",
  "result",
  "key",
];

/** The kind of leaf that a published record becomes. A master profile that is published by itself is a revocation note. */
export const LEAF_KINDS: Record<EntryType, LeafKind> = {
  SignedPersonalProfile: "personal",
  SignedMasterProfile: "master",
  SignedDeviceProfile: "device",
  SignedApplicationProfile: "application",
  OfflineEscrowEntry: "escrow",
};

/** One accepted change, as the log commits to it. Nothing in it can be read back but numbers. */
export interface Leaf {
  readonly kind: LeafKind;
  /** SHA-256 of the UTF-8 identifier. */
  readonly identifierHash: Buffer;
  /** Of a personal profile, its master's; else 0. Of a revocation note, its own. */
  readonly masterSequence: number;
  /** Of a personal or application profile, its own; of an account, how many leaves it has had; else 0. */
  readonly sequence: number;
  /** The leaf before it of the same kind and identifier, by its index and its leaf hash. */
  readonly previous: { readonly index: number; readonly hash: Buffer } | undefined;
  /** 32 octets. */
  readonly recordHash: Buffer;
}

const DOMAIN = utf8("mmm/log/leaf/v1\n");
const HASH = 32;
const NUMBER = 8;
const KIND_AT = DOMAIN.length;
const IDENTIFIER_AT = KIND_AT + 1;
const MASTER_AT = IDENTIFIER_AT + HASH;
const SEQUENCE_AT = MASTER_AT + NUMBER;
const PREVIOUS_AT = SEQUENCE_AT + NUMBER;
const PREVIOUS_HASH_AT = PREVIOUS_AT + NUMBER;
const RECORD_AT = PREVIOUS_HASH_AT + HASH;
/** How many octets a leaf has. */
export const LEAF_LENGTH = RECORD_AT + HASH;

const HALF = 2 ** 32;

const writeNumber = (octets: Buffer, value: number, at: number): void => {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError("A leaf holds safe integers.");
  octets.writeUInt32BE(Math.floor(value / HALF), at);
  octets.writeUInt32BE(value % HALF, at + 4);
};

/** NaN where it is no safe integer. */
const readNumber = (octets: Buffer, at: number): number => {
  const value = octets.readUInt32BE(at) * HALF + octets.readUInt32BE(at + 4);
  return Number.isSafeInteger(value) ? value : NaN;
};

const copyHash = (octets: Buffer, hash: Buffer, at: number): void => {
  if (hash.length !== HASH) throw new RangeError("A hash has 32 octets.");
  octets.set(hash, at);
};

/** The octets of a leaf. Throws RangeError for what no leaf can hold. */
export const encodeLeaf = (leaf: Leaf): Buffer => {
  const octets = Buffer.alloc(LEAF_LENGTH);
  octets.set(DOMAIN);
  octets[KIND_AT] = KINDS.indexOf(leaf.kind) + 1;
  copyHash(octets, leaf.identifierHash, IDENTIFIER_AT);
  writeNumber(octets, leaf.masterSequence, MASTER_AT);
  writeNumber(octets, leaf.sequence, SEQUENCE_AT);
  if (leaf.previous) {
    writeNumber(octets, leaf.previous.index + 1, PREVIOUS_AT);
    copyHash(octets, leaf.previous.hash, PREVIOUS_HASH_AT);
  }
  copyHash(octets, leaf.recordHash, RECORD_AT);
  return octets;
};

/** Reads the octets of a leaf, which the result shares. Throws `proof-invalid` for what `encodeLeaf` does not make. */
export const decodeLeaf = (data: Uint8Array): Leaf => {
  const octets = Buffer.from(data.buffer, data.byteOffset, data.length);
  const refuse = (): never => {
    throw new MeshError("proof-invalid", msg("mesh.log-leaf"));
  };
  if (octets.length !== LEAF_LENGTH || !octets.subarray(0, KIND_AT).equals(DOMAIN)) return refuse();
  const kind = KINDS[(octets[KIND_AT] ?? 0) - 1];
  const masterSequence = readNumber(octets, MASTER_AT);
  const sequence = readNumber(octets, SEQUENCE_AT);
  const place = readNumber(octets, PREVIOUS_AT);
  const hash = octets.subarray(PREVIOUS_HASH_AT, RECORD_AT);
  if (!kind || Number.isNaN(masterSequence) || Number.isNaN(sequence) || Number.isNaN(place)) return refuse();
  if (place === 0 && hash.some((octet) => octet !== 0)) return refuse();
  return {
    kind,
    identifierHash: octets.subarray(IDENTIFIER_AT, MASTER_AT),
    masterSequence,
    sequence,
    previous: place === 0 ? undefined : { index: place - 1, hash },
    recordHash: octets.subarray(RECORD_AT),
  };
};

/** What a leaf holds in place of an identifier: SHA-256 of it. */
export const identifierHash = (identifier: string): Buffer => sha256(utf8(identifier));

/**
 * What the leaf of an account commits to: SHA-256 of the canonical JSON of its fingerprint, its profile and its status. The leaf's
 * identifier is that fingerprint, so no name is in the log.
 */
export const accountLeafHash = (
  accountUdf: string,
  profileUdf: string,
  status: "Open" | "Closed" | "Suspended",
): Buffer => sha256(utf8(canonicalJson({ AccountUDF: accountUdf, ProfileUDF: profileUdf, Status: status })));

/** A leaf at its place in a tree. */
export interface PlacedLeaf {
  readonly index: number;
  /** Its leaf hash. */
  readonly hash: Buffer;
  readonly leaf: Leaf;
}

/** True where two leaves are about the same thing. */
export const isSameSubject = (a: Leaf, b: Leaf): boolean =>
  a.kind === b.kind && a.identifierHash.equals(b.identifierHash);

/** Kinds whose versions are counted: every later leaf has higher sequences. */
const COUNTED: readonly LeafKind[] = ["personal", "application", "account"];

/**
 * How two leaves of one tree contradict each other, of which `earlier` stands before `later`: `links` where the later one does not name
 * the newest leaf before it of the same kind and identifier, `sequences` where theirs do not rise. Of leaves about different things
 * only a link between them is one.
 */
export const leafFault = (earlier: PlacedLeaf, later: PlacedLeaf): "links" | "sequences" | undefined => {
  const { previous } = later.leaf;
  const namesEarlier = previous?.index === earlier.index;
  if (!isSameSubject(earlier.leaf, later.leaf)) return namesEarlier ? "links" : undefined;
  if (!previous || previous.index < earlier.index) return "links";
  if (namesEarlier && !previous.hash.equals(earlier.hash)) return "links";
  const rises = later.leaf.masterSequence - earlier.leaf.masterSequence || later.leaf.sequence - earlier.leaf.sequence;
  return COUNTED.includes(later.leaf.kind) && rises <= 0 ? "sequences" : undefined;
};
