import * as v from "valibot";
import { isMeshError, MeshError } from "../../errors.js";
import { msg, type Message } from "../../messages/message.js";
import { decodeBase64url, encodeBase64url } from "../bytes.js";
import { parseStrictJson } from "../json.js";
import { readRecord } from "../jose.js";
import { ProofSchema, type Proof } from "../protocol.js";
import { readDevice } from "../records/device.js";
import { readPersonal } from "../records/personal.js";
import { parseWith, Sha256Schema, textSchema, TimeSchema } from "../schema.js";
import { SignedRecordSchema } from "../signed-record.js";
import { openCheckpoint, readCheckpoint, type Checkpoint } from "./checkpoint.js";
import { followKeyChanges, openKeyChange, type KeyChange } from "./key-change.js";
import { decodeLeaf, identifierHash, isSameSubject, KINDS, leafFault, type PlacedLeaf } from "./leaf.js";
import { MAX_NOTE, parseVerifierKey } from "./note.js";
import { isCompleteTree, leafHash, prefixRoot, verifyConsistency, verifyInclusion } from "./tree.js";

// What a portal was caught at, in one JSON document that anybody can check who knows the key of its log.

/** What a file of evidence can be about: the errors that leave something to show. */
export const EVIDENCE_KINDS = [
  "log-fork",
  "log-rollback",
  "log-split",
  "log-omission",
  "log-order",
  "log-key-changed",
  "proof-invalid",
  "page-truncated",
] as const;
export type EvidenceKind = (typeof EVIDENCE_KINDS)[number];

/** The longest file, in octets: a personal profile alone may take 256 KiB. */
export const EVIDENCE_LIMIT = 1024 * 1024;
const MAX_HEADS = 2;
const MAX_PROOFS = 16;
const MAX_CHANGES = 64;
/** More than a proof in any tree that can be counted has. */
const MAX_HASHES = 64;

const NoteSchema = textSchema(MAX_NOTE);
const HashesSchema = v.pipe(v.array(Sha256Schema), v.maxLength(MAX_HASHES));

const EvidenceSchema = v.strictObject({
  meshman: v.literal("portal-evidence"),
  version: v.literal(1),
  kind: v.picklist(EVIDENCE_KINDS),
  /** When it was found, by the clock of whoever did. */
  found: TimeSchema,
  portal: textSchema(2048),
  /** The verifier key that was pinned, and the changes of key from there on. */
  verifier: textSchema(512),
  keyChanges: v.exactOptional(v.pipe(v.array(NoteSchema), v.maxLength(MAX_CHANGES))),
  /** The key that the portal announced, where that is what the file is about. */
  announced: v.exactOptional(textSchema(512)),
  /** Signed notes: what was held before, or stood in the record, and then what the portal showed. */
  heads: v.pipe(v.array(NoteSchema), v.maxLength(MAX_HEADS)),
  /** That the greater head follows the smaller one, as the portal gave it. */
  consistency: v.exactOptional(HashesSchema),
  /** A `prefixProof` under the greater head for the size of the smaller one, made from the portal's tiles. */
  prefix: v.exactOptional(HashesSchema),
  /** Proofs as the portal gave them, each with the head it leads to. */
  proofs: v.exactOptional(
    v.pipe(
      v.array(v.strictObject({ head: v.picklist([0, 1]), proof: ProofSchema })),
      v.minLength(1),
      v.maxLength(MAX_PROOFS),
    ),
  ),
  /** What the first proof is about, in clear: in the leaf it is hashed. */
  about: v.exactOptional(v.strictObject({ kind: v.picklist(KINDS), identifier: textSchema(512) })),
  /** The record of one of the person's devices whose `NotaryToken` is the first head. The portal's own signature on that is what counts. */
  record: v.exactOptional(
    v.union([
      v.strictObject({ SignedPersonalProfile: SignedRecordSchema }),
      v.strictObject({ SignedDeviceProfile: SignedRecordSchema }),
    ]),
  ),
});

/** A file of evidence whose form is right. Nothing in it has been verified. */
export type Evidence = v.InferOutput<typeof EvidenceSchema>;
export type EvidenceRecord = NonNullable<Evidence["record"]>;

/** What `buildEvidence` puts into a file. Hashes are octets, notes and proofs as they came. */
export interface EvidenceFacts {
  readonly kind: EvidenceKind;
  readonly found: Date;
  readonly portal: string;
  /** The verifier key that was pinned, by which the first head was verified. */
  readonly verifier: string;
  /** The changes from that key to the one that has signed the other head; for log-key-changed as the portal gave them. */
  readonly keyChanges?: readonly string[] | undefined;
  /** log-key-changed: the key that the portal announced. */
  readonly announced?: string | undefined;
  /**
   * Signed notes. Fork and rollback: what was held, what the portal showed. Split: what stood in the record, what the portal showed
   * or was held. Order, omission, invalid proof, cut page: the heads that the proofs lead to. Changed key: what was held, if anything.
   */
  readonly heads: readonly string[];
  readonly consistency?: readonly string[] | undefined;
  readonly prefix?: readonly Uint8Array[] | undefined;
  /** In the order in which the portal gave them; `head` is the index among `heads`, 0 where there is one. */
  readonly proofs?: readonly { readonly head: 0 | 1; readonly proof: Proof }[] | undefined;
  readonly about?: Evidence["about"] | undefined;
  readonly record?: EvidenceRecord | undefined;
}

/** What a file of evidence shows, once everything in it has been verified. */
export interface EvidenceReport {
  /** `proven`: the portal has signed two things that cannot both be true. `unexplained`: it owes an explanation. */
  readonly verdict: "proven" | "unexplained";
  readonly kind: EvidenceKind;
  /** The log's name, and the key by which all was verified: whoever checks must know that it is that portal's. */
  readonly origin: string;
  readonly key: string;
  readonly portal: string;
  readonly found: string;
  readonly heads: readonly Checkpoint[];
  /** How it contradicts itself, where that is proved. */
  readonly contradiction: Contradiction | undefined;
}

/**
 * - `two-roots`: two heads of one size
 * - `other-prefix`: the greater tree does not begin with the smaller one
 * - `two-leaves`: two leaves at one place
 * - `links`: a leaf names another one before it than there is
 * - `sequences`: sequences of one identifier that do not rise
 * - `two-keys`: one key has named two to follow it
 */
export type Contradiction = "two-roots" | "other-prefix" | "two-leaves" | "links" | "sequences" | "two-keys";

const refuse = (text: Message, cause?: unknown): never => {
  throw new MeshError("evidence-invalid", text, cause === undefined ? {} : { cause });
};

/** Runs a check whose refusal, whatever it is, makes the evidence invalid. */
const orInvalid = <T>(text: Message, check: () => T): T => {
  try {
    return check();
  } catch (cause) {
    if (!isMeshError(cause)) throw cause;
    return refuse(text, cause);
  }
};

/** A file of evidence from what was found. Throws `evidence-invalid` where that shows nothing, or could not be read again. */
export const buildEvidence = (facts: EvidenceFacts): Evidence => {
  const { found, prefix, ...rest } = facts;
  const all = {
    meshman: "portal-evidence",
    version: 1,
    ...rest,
    found: found.toISOString(),
    prefix: prefix?.map(encodeBase64url),
  };
  const evidence = checkForm(Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)));
  verifyEvidence(evidence);
  return evidence;
};

const checkForm = (value: unknown): Evidence =>
  parseWith(EvidenceSchema, value, "evidence-invalid", msg("mesh.what.evidence"));

/** The JSON text of a file of evidence. */
export const formatEvidence = (evidence: Evidence): string => `${JSON.stringify(evidence, undefined, 2)}\n`;

/** Reads the JSON text of a file of evidence, whose length the caller bounds. Throws `evidence-invalid`. */
export const parseEvidence = (text: string): Evidence =>
  checkForm(orInvalid(msg("mesh.evidence-form"), () => parseStrictJson(text)));

/** What a head is about: when it was signed proves nothing. */
const treeOf = (note: string): unknown => {
  const head = readCheckpoint(note);
  return head ? [head.origin, head.size, encodeBase64url(head.root)] : note;
};

/**
 * True where evidence that was kept earlier is about the same finding (the same kind, heads of the same trees, and the same record) and
 * has all the proofs that the other has. Verifies neither.
 */
export const coversEvidence = (earlier: Evidence, evidence: Evidence): boolean => {
  const finding = ({ kind, portal, verifier, announced, heads, about, record }: Evidence): string =>
    JSON.stringify([kind, portal, verifier, announced, heads.map(treeOf), about, record]);
  const has = (name: "keyChanges" | "consistency" | "prefix" | "proofs"): boolean =>
    evidence[name] === undefined || JSON.stringify(evidence[name]) === JSON.stringify(earlier[name]);
  return (
    finding(earlier) === finding(evidence) && has("keyChanges") && has("consistency") && has("prefix") && has("proofs")
  );
};

/** The changes of key that some known key has signed, and all keys that are known by them. */
const readKeys = (
  evidence: Evidence,
): { readonly keys: string[]; readonly changes: (KeyChange & { by: string })[] } => {
  if (!parseVerifierKey(evidence.verifier)) refuse(msg("mesh.evidence-key"));
  const keys = [evidence.verifier];
  const changes: (KeyChange & { by: string })[] = [];
  for (const note of evidence.keyChanges ?? []) {
    const opened = keys.flatMap((by) => {
      const change = attempt(() => openKeyChange(note, by));
      return change ? [{ ...change, by }] : [];
    })[0];
    if (opened) {
      changes.push(opened);
      if (!keys.includes(opened.verifier)) keys.push(opened.verifier);
    } else if (evidence.kind !== "log-key-changed") {
      refuse(msg("mesh.evidence-key"));
    }
  }
  return { keys, changes };
};

const attempt = <T>(work: () => T): T | undefined => {
  try {
    return work();
  } catch (error) {
    if (!isMeshError(error)) throw error;
    return undefined;
  }
};

const readHead = (note: string, keys: readonly string[]): Checkpoint =>
  keys.map((key) => attempt(() => openCheckpoint(note, key))).find((head) => head !== undefined) ??
  refuse(msg("mesh.evidence-head"));

/** The leaf of a proof that holds, or undefined where it does not. */
const provenLeaf = (head: Checkpoint, proof: Proof): PlacedLeaf | undefined =>
  attempt(() => {
    const data = decodeBase64url(proof.Leaf);
    const hash = leafHash(data);
    const holds = verifyInclusion({ index: proof.Index, hash }, head, proof.Hashes.map(decodeBase64url));
    return holds ? { index: proof.Index, hash, leaf: decodeLeaf(data) } : undefined;
  });

/** The `NotaryToken` of a record that is verified down to the key that names it. */
const notaryToken = (record: EvidenceRecord): unknown => {
  if ("SignedPersonalProfile" in record) return readPersonal(record.SignedPersonalProfile).payload["NotaryToken"];
  const device = readDevice(record.SignedDeviceProfile);
  return (readRecord(device.record, "DeviceProfile").payload as { NotaryToken?: unknown }).NotaryToken;
};

/** A file whose signatures, proofs and record have been verified. */
interface Checked {
  readonly evidence: Evidence;
  readonly changes: readonly (KeyChange & { by: string })[];
  readonly heads: readonly Checkpoint[];
  readonly leaves: readonly PlacedLeaf[];
  /** How many proofs do not hold. */
  readonly failed: number;
}

const check = (evidence: Evidence): Checked => {
  const { keys, changes } = readKeys(evidence);
  const heads = evidence.heads.map((note) => readHead(note, keys));
  const proofs = evidence.proofs ?? [];
  const leaves = proofs.flatMap(({ head: index, proof }) => {
    const head = heads[index] ?? refuse(msg("mesh.evidence-proof"));
    return provenLeaf(head, proof) ?? [];
  });
  const failed = proofs.length - leaves.length;
  if (failed > 0 && evidence.kind !== "proof-invalid") refuse(msg("mesh.evidence-proof"));
  const { record, about } = evidence;
  if (record) {
    const token = orInvalid(msg("mesh.evidence-record"), () => notaryToken(record));
    if (token !== evidence.heads[0]) refuse(msg("mesh.evidence-record"));
  }
  const named = about && identifierHash(about.identifier);
  const isAbout = ({ leaf }: PlacedLeaf): boolean =>
    leaf.kind === about?.kind && named !== undefined && leaf.identifierHash.equals(named);
  if (about && failed === 0 && !leaves.some(isAbout)) refuse(msg("mesh.evidence-about"));
  return { evidence, changes, heads, leaves, failed };
};

const pairs = <T>(items: readonly T[]): [T, T][] =>
  items.flatMap((first, index) => items.slice(index + 1).map((second): [T, T] => [first, second]));

/** The two heads, the smaller first. */
const ordered = (heads: readonly Checkpoint[]): [Checkpoint, Checkpoint] | undefined => {
  const [small, great] = heads.toSorted((a, b) => a.size - b.size);
  return small && great && [small, great];
};

/** The proofs in the file that show with which tree the greater one begins. */
const prefixes = ({ evidence: { consistency, prefix } }: Checked, size: number): Buffer[][] =>
  [prefix, isCompleteTree(size) ? undefined : consistency]
    .filter((path) => path !== undefined)
    .map((path) => path.map((hash) => orInvalid(msg("mesh.evidence-proof"), () => decodeBase64url(hash))));

const headsContradict = (checked: Checked): Contradiction | undefined => {
  const [small, great] = ordered(checked.heads) ?? [];
  if (!small || !great) return undefined;
  if (small.size === great.size) return small.root.equals(great.root) ? undefined : "two-roots";
  // That the smaller one was signed later proves nothing: the clock may have been put right meanwhile.
  const differs = (path: Buffer[]): boolean => {
    const root = prefixRoot(small.size, great, path);
    return root !== undefined && Buffer.compare(root, small.root) !== 0;
  };
  return prefixes(checked, small.size).some(differs) ? "other-prefix" : undefined;
};

const leavesContradict = (leaves: readonly PlacedLeaf[]): Contradiction | undefined => {
  for (const [a, b] of pairs(leaves)) {
    if (a.index === b.index && !a.hash.equals(b.hash)) return "two-leaves";
  }
  for (const { index, leaf } of leaves) {
    if (leaf.previous && leaf.previous.index >= index) return "links";
  }
  for (const [a, b] of pairs(leaves.toSorted((one, other) => one.index - other.index))) {
    // The same leaf may be there twice, once under each head.
    const fault = a.index < b.index ? leafFault(a, b) : undefined;
    if (fault) return fault;
  }
  return undefined;
};

const keysContradict = (changes: Checked["changes"]): Contradiction | undefined =>
  pairs(changes).some(([a, b]) => a.by === b.by && a.verifier !== b.verifier) ? "two-keys" : undefined;

/** True where the file at least shows what it says it is about, even if the portal could still explain it. */
const showsItsKind = (checked: Checked): boolean => {
  const { evidence, heads, leaves, failed } = checked;
  const [first, second] = heads;
  switch (evidence.kind) {
    case "log-rollback":
      return first !== undefined && second !== undefined && second.size < first.size;
    case "log-fork":
      return first !== undefined && second !== undefined && second.size > first.size && !isConsistent(checked);
    case "log-split":
      return second !== undefined && !isConsistent(checked);
    case "log-omission":
      return evidence.about !== undefined && leaves.length > 0;
    case "log-key-changed":
      return evidence.announced !== undefined && !isFollowed(evidence, evidence.announced);
    case "proof-invalid":
      return failed > 0;
    case "page-truncated":
      // The oldest leaf that was served is not the first.
      return leaves.at(-1)?.leaf.previous !== undefined;
    case "log-order":
      // Records are served newest first, and the proofs stand as they came.
      return pairs(leaves).some(([a, b]) => isSameSubject(a.leaf, b.leaf) && a.index <= b.index);
  }
};

/** True where the file proves that its two heads are of one history after all. */
const isConsistent = ({ heads, evidence }: Checked): boolean => {
  const [small, great] = ordered(heads) ?? [];
  if (!small || !great) return true;
  const path = (evidence.consistency ?? []).map((hash) => attempt(() => decodeBase64url(hash)) ?? Buffer.alloc(0));
  return verifyConsistency(small, great, path);
};

const isFollowed = ({ verifier, keyChanges }: Evidence, announced: string): boolean =>
  attempt(() => {
    followKeyChanges(verifier, keyChanges ?? [], announced);
    return true;
  }) ?? false;

/**
 * Verifies a file of evidence, offline: every signature under the pinned key, every proof, the record. Gives `proven` where the portal has
 * signed what cannot be true together: two roots or two leaves in one place, leaves that contradict each other, two keys that follow one.
 * Where it all holds, but the portal could still explain it (it may only have given no valid proof, or lost its newest leaves), that is
 * `unexplained`. Throws `evidence-invalid` where anything does not verify, or shows nothing of what it says.
 */
export const verifyEvidence = (value: unknown): EvidenceReport => {
  const evidence = checkForm(value);
  const checked = check(evidence);
  const contradiction = headsContradict(checked) ?? leavesContradict(checked.leaves) ?? keysContradict(checked.changes);
  if (!contradiction && !showsItsKind(checked)) refuse(msg("mesh.evidence-claim"));
  return {
    verdict: contradiction ? "proven" : "unexplained",
    kind: evidence.kind,
    origin: parseVerifierKey(evidence.verifier)?.name ?? "",
    key: evidence.verifier,
    portal: evidence.portal,
    found: evidence.found,
    heads: checked.heads,
    contradiction,
  };
};
