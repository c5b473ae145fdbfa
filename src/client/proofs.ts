import * as v from "valibot";
import { isMeshError, MeshError, type ErrorCode } from "../errors.js";
import type { Checkpoint } from "../mesh/log/checkpoint.js";
import {
  accountLeafHash,
  accountUdf,
  decodeLeaf,
  identifierHash,
  leafFault,
  type Leaf,
  type LeafKind,
  type PlacedLeaf,
} from "../mesh/log/leaf.js";
import { encodeBase64url } from "../mesh/bytes.js";
import { leafHash, verifyInclusion } from "../mesh/log/tree.js";
import type { Proof } from "../mesh/protocol.js";
import { msg, type Message } from "../messages/message.js";
import type { Finding } from "./log.js";

/** What a leaf of the log must say. */
export interface ExpectedLeaf {
  readonly kind: LeafKind;
  readonly identifier: string;
  /** Undefined where any will do. */
  readonly masterSequence?: number;
  readonly sequence?: number;
  /** 32 octets; undefined where it cannot be known. */
  readonly recordHash?: Uint8Array;
}

/** What the log must say of an account. */
export interface ExpectedAccount {
  readonly account: string;
  /** Fingerprint of the profile it belongs to. */
  readonly profile: string | undefined;
  /** What the portal says of its status. */
  readonly said: string | undefined;
}

const ACCOUNT_STATUSES = ["Open", "Suspended", "Closed"] as const;

/** The versions of one record as a portal gives them, newest first: page by page. */
export interface Chain {
  /**
   * Takes the leaves of one page. Throws `log-order` where they are in the wrong order, their sequences do not rise, or one does not
   * name the leaf before it; `log-omission` where the log has one between them.
   */
  add(page: readonly PlacedLeaf[]): Promise<void>;
  /** Throws `page-truncated` unless the oldest leaf so far is the first of all. */
  end(): Promise<void>;
}

/** Checks of what answers say against the log. All throw `proof-missing` or `proof-invalid` for a proof that is not there or does not hold. */
export interface Proofs {
  /** Verifies that a leaf is in the log under the head of an answer, and says what it should. */
  checkLeaf(answer: object, proof: Proof | undefined, expected: ExpectedLeaf): Promise<PlacedLeaf>;
  /** Throws `log-omission` where a newer leaf of the same record has been seen in this log. */
  checkNewest(found: PlacedLeaf): Promise<void>;
  /** What the leaf says that binds an account to a profile, with a status. */
  accountLeaf(account: string, profile: string, status: "Open" | "Closed"): ExpectedLeaf;
  /** Verifies that what a change was to do is in the log. */
  checkChange(answer: { readonly Proofs?: Proof[] | undefined }, expected: readonly ExpectedLeaf[]): Promise<void>;
  /**
   * Verifies what the log says of an account: that it belongs to `profile`, where that is known, and has the status that is `said`.
   * Throws `fingerprint-mismatch` where the log binds it to another profile.
   */
  checkAccount(answer: object, proof: Proof | undefined, expected: ExpectedAccount): Promise<PlacedLeaf>;
  openChain(): Chain;
  /** Throws `log-omission`: the log has a leaf for what was asked for, but it is not served. */
  refuseOmission(found: PlacedLeaf): Promise<never>;
}

type Fail = (text: Message, finding: Finding) => Promise<MeshError>;

const HashesSchema = v.pipe(v.array(v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/))), v.maxLength(64));

/** Hashes in base64url, each in its one spelling; else undefined. */
export const readHashes = (value: unknown): Buffer[] | undefined => {
  const result = v.safeParse(HashesSchema, value);
  if (!result.success) return undefined;
  const hashes = result.output.map((text) => Buffer.from(text, "base64url"));
  return hashes.every((hash, index) => encodeBase64url(hash) === result.output[index]) ? hashes : undefined;
};

const octetsOf = (text: string): Buffer | undefined => {
  const octets = Buffer.from(text, "base64url");
  return octets.toString("base64url") === text ? octets : undefined;
};

const decode = (octets: Buffer): Leaf | undefined => {
  try {
    return decodeLeaf(octets);
  } catch (error) {
    if (isMeshError(error, "proof-invalid")) return undefined;
    throw error;
  }
};

/** The leaf of a proof that holds under a head. */
const openProof = (proof: Proof, head: Checkpoint): PlacedLeaf | undefined => {
  const octets = octetsOf(proof.Leaf);
  const path = readHashes(proof.Hashes);
  const leaf = octets && decode(octets);
  if (!octets || !path || !leaf) return undefined;
  const found = { index: proof.Index, hash: leafHash(octets), leaf };
  return verifyInclusion(found, head, path) ? found : undefined;
};

const fits = (leaf: Leaf, expected: ExpectedLeaf): boolean => {
  const { kind, identifier, masterSequence, sequence, recordHash } = expected;
  return (
    leaf.kind === kind &&
    leaf.identifierHash.equals(identifierHash(identifier)) &&
    (masterSequence === undefined || leaf.masterSequence === masterSequence) &&
    (sequence === undefined || leaf.sequence === sequence) &&
    (recordHash === undefined || leaf.recordHash.equals(recordHash))
  );
};

const keyOf = ({ leaf }: PlacedLeaf): string => `${leaf.kind} ${leaf.identifierHash.toString("hex")}`;

/** The checks of one log. `headOf` gives the head under which an answer was verified. */
export const openProofs = (url: string, headOf: (answer: object) => Checkpoint | undefined, fail: Fail): Proofs => {
  /** The newest leaves that were seen, by kind and identifier. */
  const newest = new Map<string, PlacedLeaf>();

  const missing = (): MeshError =>
    new MeshError("proof-missing", msg("client.proof-missing", { url }), { hint: msg("client.log.hint") });

  /** Only a proof that does not hold shows something; one for something else may be a mistake. */
  const invalid = (failed?: { readonly proof: Proof; readonly head: Checkpoint }): Promise<MeshError> =>
    fail(msg("client.proof-invalid", { url }), {
      code: "proof-invalid",
      ...(failed && { heads: [failed.head.note], proofs: [{ head: 0, proof: failed.proof }] }),
    });

  /** How a leaf was proved, and what it is about. */
  const shownAs = new WeakMap<PlacedLeaf, { proof: Proof; head: Checkpoint; expected: ExpectedLeaf }>();

  const wrong = (code: ErrorCode, text: Message, found: readonly PlacedLeaf[]): Promise<MeshError> => {
    const shown = found.flatMap((leaf) => shownAs.get(leaf) ?? []);
    const heads = [...new Set(shown.map(({ head }) => head.note))];
    const about = shown[0]?.expected;
    return fail(text, {
      code,
      heads,
      proofs: shown.map(({ proof, head }) => ({ head: heads.indexOf(head.note) === 0 ? 0 : 1, proof })),
      about: about && { kind: about.kind, identifier: about.identifier },
    });
  };

  const checkLeaf: Proofs["checkLeaf"] = async (answer, proof, expected) => {
    const head = headOf(answer);
    if (!proof || !head) throw missing();
    const found = openProof(proof, head);
    if (!found) throw await invalid({ proof, head });
    if (!fits(found.leaf, expected)) throw await invalid();
    shownAs.set(found, { proof, head, expected });
    return found;
  };

  const omitted = (found: readonly PlacedLeaf[]): Promise<MeshError> =>
    wrong("log-omission", msg("client.log-omission", { url }), found);

  const disordered = (found: readonly PlacedLeaf[]): Promise<MeshError> =>
    wrong("log-order", msg("client.log-order", { url }), found);

  const checkNewest: Proofs["checkNewest"] = async (found) => {
    const known = newest.get(keyOf(found));
    if (known && known.index > found.index) {
      const { head } = shownAs.get(found) ?? {};
      // An answer that was under way when the newer leaf came cannot have it: its head, which is no older than the request, lacks it.
      if (!head || head.size > known.index) throw await omitted([known, found]);
      return;
    }
    newest.set(keyOf(found), found);
  };

  /** Throws unless nothing stands between two leaves of one record, and they are in order. */
  const checkPair = async (earlier: PlacedLeaf, later: PlacedLeaf): Promise<void> => {
    const { previous } = later.leaf;
    if (previous && previous.index > earlier.index) throw await omitted([later, earlier]);
    if (leafFault(earlier, later)) throw await disordered([later, earlier]);
  };

  /** Between the version of a profile that was seen last and the one that was published on top of it nothing else can have been. */
  const checkNext = async (found: PlacedLeaf): Promise<void> => {
    const known = newest.get(keyOf(found));
    // Done already: it was this that was seen, or something later.
    if (known && found.index <= known.index) return;
    // A new epoch may follow any version of the one before.
    const goesOn = found.leaf.kind === "personal" && found.leaf.sequence > 1;
    if (known && goesOn) await checkPair(known, found);
    newest.set(keyOf(found), found);
  };

  const checkChange: Proofs["checkChange"] = async (answer, expected) => {
    const head = headOf(answer);
    const proofs = answer.Proofs ?? [];
    if (!head || proofs.length === 0) throw missing();
    const opened = proofs.map((proof) => ({ proof, found: openProof(proof, head) }));
    const failed = opened.find(({ found }) => !found);
    if (failed) throw await invalid({ proof: failed.proof, head });
    for (const one of expected) {
      const match = opened.find(({ found }) => found && fits(found.leaf, one));
      if (!match?.found) throw await invalid();
      shownAs.set(match.found, { proof: match.proof, head, expected: one });
      await checkNext(match.found);
    }
  };

  const checkAccount: Proofs["checkAccount"] = async (answer, proof, { account, profile, said }) => {
    const identifier = accountUdf(account);
    const found = await checkLeaf(answer, proof, { kind: "account", identifier });
    await checkNewest(found);
    if (profile === undefined) return found;
    const status = ACCOUNT_STATUSES.find((one) =>
      found.leaf.recordHash.equals(accountLeafHash(identifier, profile, one)),
    );
    if (!status) {
      throw new MeshError("fingerprint-mismatch", msg("client.account-of-another", { url, account }), {
        hint: msg("client.another-person.hint"),
      });
    }
    // What is said in another way, or not at all, is not known.
    if (ACCOUNT_STATUSES.some((one) => one === said) && said !== status) throw await invalid();
    return found;
  };

  const openChain = (): Chain => {
    let last: PlacedLeaf | undefined;
    return {
      add: async (page) => {
        const all = last ? [last, ...page] : page;
        const pairs = all.slice(1).map((earlier, index) => ({ later: all[index] ?? earlier, earlier }));
        // First whether they stand in order at all: else everything would look as if something were missing.
        for (const { later, earlier } of pairs) {
          if (earlier.index >= later.index) throw await disordered([later, earlier]);
        }
        for (const { later, earlier } of pairs) await checkPair(earlier, later);
        last = page.at(-1) ?? last;
      },
      end: async () => {
        if (last?.leaf.previous) throw await wrong("page-truncated", msg("client.page-truncated", { url }), [last]);
      },
    };
  };

  return {
    checkLeaf,
    checkNewest,
    accountLeaf: (account, profile, status) => {
      const identifier = accountUdf(account);
      return { kind: "account", identifier, recordHash: accountLeafHash(identifier, profile, status) };
    },
    checkChange,
    checkAccount,
    openChain,
    refuseOmission: async (found) => {
      throw await omitted([found]);
    },
  };
};
