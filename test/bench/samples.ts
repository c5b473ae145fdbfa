import { decodeBase64url } from "../../src/mesh/bytes.js";
import { recordHash, type SignedRecord } from "../../src/mesh/jose.js";
import { openCheckpoint, readCheckpoint } from "../../src/mesh/log/checkpoint.js";
import { accountLeafHash, decodeLeaf, identifierHash, type LeafKind } from "../../src/mesh/log/leaf.js";
import { leafHash, verifyConsistency, verifyInclusion, type TreeHead } from "../../src/mesh/log/tree.js";
import type { Proof } from "../../src/mesh/protocol.js";
import { accountUdf } from "../../src/mesh/udf.js";

// Some of the answers are checked as a client checks them, once the clock has stopped.

/** What a proof-returning request was about. */
export interface Asked {
  readonly requestId: string;
  /** The checkpoint that the request carried. */
  readonly checkpoint: string;
  readonly udf: string;
  readonly account: string;
  /** Of what is published; undefined where it is asked for. */
  readonly hash?: string;
}

/** An answer as our portals give it to a request with a RequestID. */
interface Answered {
  readonly RequestID: string;
  readonly Checkpoint: string;
  readonly Consistency?: readonly string[];
  readonly Proofs?: readonly Proof[];
  readonly DataItems?: readonly { readonly Text: string; readonly Proof: Proof }[];
  readonly AccountProof?: Proof;
}

const ensure = (condition: boolean, what: string): void => {
  if (!condition) throw new Error(`An answer is not as it should be: ${what}`);
};

const octets = (hashes: readonly string[] = []): readonly Buffer[] => hashes.map(decodeBase64url);

interface Expected {
  readonly kind: LeafKind;
  readonly identifier: string;
  readonly recordHash: Buffer;
}

const checkProof = (proof: Proof | undefined, head: TreeHead, { kind, identifier, recordHash }: Expected): void => {
  const data = decodeBase64url(proof?.Leaf ?? "");
  const leaf = decodeLeaf(data);
  ensure(leaf.kind === kind && leaf.identifierHash.equals(identifierHash(identifier)), "whose leaf it is");
  ensure(leaf.recordHash.equals(recordHash), "the leaf's record");
  const place = { index: proof?.Index ?? NaN, hash: leafHash(data) };
  ensure(verifyInclusion(place, head, octets(proof?.Hashes)), "that the leaf is in the tree");
};

/** Checks one answer down to the portal's signature under `verifier`. Throws where anything is wrong with it. */
export const checkAnswer = (asked: Asked, body: Buffer, verifier: string): void => {
  const message = JSON.parse(body.toString()) as Record<string, Answered>;
  const [answer] = Object.values(message);
  if (!answer || answer.RequestID !== asked.requestId)
    throw new Error("An answer is not to the request that was sent.");
  const head = openCheckpoint(answer.Checkpoint, verifier);
  const before = readCheckpoint(asked.checkpoint);
  ensure(before !== undefined && verifyConsistency(before, head, octets(answer.Consistency)), "that its head follows");
  const personal = { kind: "personal", identifier: asked.udf } as const;
  if (asked.hash !== undefined) {
    checkProof(answer.Proofs?.[0], head, { ...personal, recordHash: decodeBase64url(asked.hash) });
    return;
  }
  const [item] = answer.DataItems ?? [];
  const { SignedPersonalProfile: record } = JSON.parse(item?.Text ?? "") as { SignedPersonalProfile: SignedRecord };
  checkProof(item?.Proof, head, { ...personal, recordHash: decodeBase64url(recordHash(record)) });
  const identifier = accountUdf(asked.account);
  const accountHash = accountLeafHash(identifier, asked.udf, "Open");
  checkProof(answer.AccountProof, head, { kind: "account", identifier, recordHash: accountHash });
};
