import { openCheckpoint, type Checkpoint } from "../../src/mesh/log/checkpoint.js";
import { followKeyChanges } from "../../src/mesh/log/key-change.js";
import { decodeLeaf, type Leaf } from "../../src/mesh/log/leaf.js";
import { leafHash, verifyConsistency, verifyInclusion } from "../../src/mesh/log/tree.js";
import type { Proof, Request, Transaction } from "../../src/mesh/protocol.js";
import { random, type Answer, type CallOptions, type TestPortal } from "./portal.js";

const bytes = (text: string): Buffer => Buffer.from(text, "base64url");

/** An answer, and what it has been found to prove. */
export interface Watched extends Answer {
  readonly checkpoint: Checkpoint;
  readonly leaves: readonly Leaf[];
  readonly indices: readonly number[];
}

/** Whoever holds a portal to its log, as a client does. */
export interface Watcher {
  /** The newest head that was seen. */
  readonly head: Checkpoint | undefined;
  /** The key pinned. */
  readonly key: string;
  /** Asks with a fresh RequestID and the head held, and throws where anything that the answer says of the log does not hold. */
  ask<Name extends Transaction>(name: Name, message: Request<Name>, options?: CallOptions): Promise<Watched>;
  /** Reads the key anew, following its changes. */
  hello(): Promise<void>;
  /** Verifies one proof under a head, and gives the leaf. */
  prove(proof: Proof, head?: Checkpoint): Leaf;
}

const fail = (text: string): never => {
  throw new Error(text);
};

export const makeRequestId = (): string => random(16).toString("base64url");

export const watch = async (portal: Pick<TestPortal, "call">): Promise<Watcher> => {
  let key: string | undefined;
  let held: Checkpoint | undefined;
  const hello = async (): Promise<void> => {
    const { message } = await portal.call("Hello", {});
    followKeyChanges(key ?? message.Log.Key, message.Log.KeyChanges ?? [], message.Log.Key);
    key = message.Log.Key;
  };
  await hello();
  const prove = ({ Index, Leaf, Hashes }: Proof, head = held!): Leaf => {
    const data = bytes(Leaf);
    if (!verifyInclusion({ index: Index, hash: leafHash(data) }, head, Hashes.map(bytes))) fail(`Leaf ${Index}`);
    return decodeLeaf(data);
  };
  return {
    get head() {
      return held;
    },
    get key() {
      return key!;
    },
    hello,
    prove,
    ask: async (name, request, options) => {
      const id = makeRequestId();
      const asked = { ...request, RequestID: id, ...(held && { Checkpoint: held.note }) };
      const answer = await portal.call(name, asked, options);
      const { message } = answer;
      if (message.RequestID !== id) fail(`RequestID: ${answer.text}`);
      const checkpoint = openCheckpoint(message.Checkpoint, key!);
      const path = message.Consistency;
      if (path?.length === 0) fail("An empty proof.");
      const start = held ?? { size: 0, root: checkpoint.root };
      if (held && !verifyConsistency(start, checkpoint, (path ?? []).map(bytes))) fail("Consistency");
      held = checkpoint;
      const proofs = (message.Proofs ?? []) as Proof[];
      return {
        ...answer,
        checkpoint,
        leaves: proofs.map((proof) => prove(proof)),
        indices: proofs.map((p) => p.Index),
      };
    },
  };
};
