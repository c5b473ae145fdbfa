import type { Deps } from "../deps.js";
import { isMeshError, MeshError, type ErrorCode } from "../errors.js";
import { encodeBase64url } from "../mesh/bytes.js";
import { openCheckpoint, readCheckpoint, type Checkpoint } from "../mesh/log/checkpoint.js";
import type { EvidenceFacts, EvidenceRecord } from "../mesh/log/evidence.js";
import { followKeyChanges, keysOfLog, openKeyChange } from "../mesh/log/key-change.js";
import { parseVerifierKey } from "../mesh/log/note.js";
import { tilePath, tileReader, tilesFor, TILE_WIDTH, type Tile } from "../mesh/log/tiles.js";
import {
  consistencyNodes,
  consistencyProof,
  prefixProof,
  rootNodes,
  verifyConsistency,
  type ReadHash,
  type TreeHead,
} from "../mesh/log/tree.js";
import { CHECKPOINT_INTERVAL, responseName, type Transaction } from "../mesh/protocol.js";
import { msg, type Message } from "../messages/message.js";
import { readObject } from "./dialects.js";
import type { LogInfo } from "./hello.js";
import { openProofs, readHashes, type Proofs } from "./proofs.js";
import type { TransportAnswer } from "./transport.js";

/** A head is refused that was signed longer ago, or is further ahead of this machine's clock, than that (milliseconds). */
const MAX_AGE = (2 * CHECKPOINT_INTERVAL + 300) * 1000;
const MAX_AHEAD = 300 * 1000;

/** A head that is known: the pins keep no note, and so no time. */
export interface KnownHead extends TreeHead {
  readonly root: Buffer;
  readonly note?: string | undefined;
  readonly time?: Date | undefined;
}

/** What shows what a portal has done, as far as there is any of it. The members are those of a file of evidence (`mesh/log/evidence`). */
export type Finding = Partial<Omit<EvidenceFacts, "kind" | "found" | "portal" | "verifier">> & {
  readonly code: ErrorCode;
};

/** A head that must be on one history with the newest. */
export interface Unproven {
  readonly checkpoint: string;
  /** Fingerprint of whose record it stood in; absent for one that this home has seen itself. */
  readonly by?: string | undefined;
}

/** What is known of a portal's log, from earlier and from now on. All clients of one portal in a process share it. */
export interface LogMemory {
  /** The key under which the newest head is signed; undefined at the first contact. */
  verifier: string | undefined;
  /** The newest head; every one that was known before is proved to come before it, but for those in `unproven`. */
  newest: KnownHead | undefined;
  unproven: readonly Unproven[];
  /** True once the portal was caught: what it has shown in this process may be of another history, and is not to be kept. */
  disputed: boolean;
  /** Keeps what is new. Throws `log-fork` where another process has been shown another history. */
  save(): Promise<void>;
  /** Keeps what shows that a portal is not honest. Gives what to tell the user. */
  report(finding: Finding & { readonly verifier: string }): Promise<Message | undefined>;
}

/** A memory that ends with the process. */
export const shortMemory = (known: Pick<LogMemory, "verifier" | "newest">): LogMemory => ({
  ...known,
  unproven: [],
  disputed: false,
  save: () => Promise.resolve(),
  report: () => Promise.resolve(undefined),
});

/** What every request carries but Hello. */
export interface Sealing {
  readonly RequestID: string;
  readonly Checkpoint?: string;
}

/** An answer, and the head that stood in it; undefined for an answer that comes from no portal, or says that it fails. */
export interface Exchanged {
  readonly answer: TransportAnswer;
  readonly head: Checkpoint | undefined;
}

/** The log of one portal, as this client sees it. */
export interface PortalLog extends Proofs {
  /** The log's name. */
  readonly origin: string;
  /** The key that signs now. */
  readonly verifier: string;
  /** The keys that were known before, all of which lead to it. */
  readonly known: readonly string[];
  /** The newest head that was verified, with its note; undefined before the first answer. */
  readonly newest: Checkpoint | undefined;
  /**
   * Makes one exchange and verifies what stands in the answer beside its content, refusals too: that it is the answer to this very
   * request, that the head is signed, not old, and follows the known one. Several Gets may be under way at once; all else waits for its
   * turn. Throws `downgrade`, `answer-mismatch`, `answer-stale`, `log-signature`, `log-rollback`, `log-fork`,
   * `log-split`, `log-key-changed`, `proof-missing`, and what `send` throws.
   */
  exchange(transaction: Transaction, send: (sealing: Sealing) => Promise<TransportAnswer>): Promise<Exchanged>;
  /** Under which head an answer, or the error made of one, was verified. */
  headOf(answer: object): Checkpoint | undefined;
  bind(answer: object, head: Checkpoint): void;
  /** Proves that a head that was known comes before the newest one. Throws `log-rollback`, `log-fork`, `proof-missing`. */
  prove(known: TreeHead & { readonly root: Buffer }): Promise<void>;
  /**
   * Holds a checkpoint that stood in a record of one's own against the newest head. Throws `log-split` where a key of this log has signed
   * it and it is not on the same history, and `proof-missing`.
   */
  checkToken(note: string, by: string, record: EvidenceRecord): Promise<TokenStanding>;
  /** The error for what a portal has done, once what shows it is kept. */
  fail(text: Message, finding: Finding): Promise<MeshError>;
  save(): Promise<void>;
}

/**
 * What a checkpoint in a record is: on this history; of another log; or neither on this history nor signed by a key of this log, which
 * says something about whoever has made the record, and nothing about the portal.
 */
export type TokenStanding = "held" | "elsewhere" | "unsigned";

/** What a log needs of its client. */
export interface LogAccess {
  readonly deps: Pick<Deps, "now" | "random">;
  readonly url: string;
  readonly memory: LogMemory;
  /** True where nobody can hold a head back: the portal is in this very process, and perhaps on a disk that takes no newer one. */
  readonly isEmbedded: boolean;
  /** Keys that were known of the log, from which there must be a way to the announced one. */
  readonly pinned: readonly string[];
  getStatic(path: string): Promise<Buffer | undefined>;
  /** Greets the portal again. */
  relearn(): Promise<LogInfo | undefined>;
}

/** What stands in an answer beside its content: unchecked. */
interface Seal {
  readonly name: string;
  readonly status: number;
  readonly requestId: unknown;
  readonly checkpoint: string | undefined;
  readonly consistency: unknown;
}

const NO_TRANSACTION = "MeshResponse";

/** The seal of an answer to a transaction, or undefined for what is none, such as the page of a proxy. */
const readSeal = (transaction: Transaction, answer: TransportAnswer): Seal | undefined => {
  const [[name, message] = [], ...others] = Object.entries(readObject(answer.body) ?? {});
  if ((name !== responseName(transaction) && name !== NO_TRANSACTION) || others.length > 0) return undefined;
  if (typeof message !== "object" || message === null || Array.isArray(message)) return undefined;
  const { Status, RequestID, Checkpoint, Consistency } = message as Record<string, unknown>;
  return {
    name,
    status: typeof Status === "number" ? Status : answer.status,
    requestId: RequestID,
    checkpoint: typeof Checkpoint === "string" ? Checkpoint : undefined,
    consistency: Consistency,
  };
};

/** True for an answer that needs no seal: the portal fails, or could not read who asks for what. It says nothing of the log. */
const needsNone = ({ name, status }: Seal): boolean =>
  status === 429 || status >= 500 || (name === NO_TRANSACTION && [400, 405, 413].includes(status));

const isLater = (head: Checkpoint, known: KnownHead | undefined): boolean =>
  !known ||
  head.size > known.size ||
  (head.size === known.size && head.time.getTime() > (known.time?.getTime() ?? Number.NEGATIVE_INFINITY));

const isEarlier = (head: Checkpoint, known: KnownHead | undefined): boolean =>
  known !== undefined &&
  (head.size < known.size || (known.time !== undefined && head.time.getTime() < known.time.getTime()));

/** One after the other for each log, since each proves that its head is on one line with those before. */
const turns = new WeakMap<LogMemory, Promise<unknown>>();

const inTurn = <T>(memory: LogMemory, work: () => Promise<T>): Promise<T> => {
  const before = turns.get(memory) ?? Promise.resolve();
  const turn = before.then(work, work);
  turns.set(
    memory,
    turn.catch(() => undefined),
  );
  return turn;
};

/**
 * Opens the log that a portal has announced in its Hello. Throws `portal-answer` where it has announced no key, and `log-key-changed`
 * where no change signed by the known key leads to that.
 */
export const openLog = async (access: LogAccess, announced: LogInfo | undefined): Promise<PortalLog> => {
  const { url, memory, deps } = access;

  const fail = async (text: Message, finding: Finding): Promise<MeshError> => {
    memory.disputed = true;
    const known = memory.verifier ?? verifier;
    const keyChanges = known === verifier ? undefined : changesFrom(known, changes);
    const kept = await memory.report({ verifier: known, keyChanges, ...finding });
    const hint = kept ?? msg("client.log.hint");
    return new MeshError(finding.code, text, {
      hint: finding.code === "log-key-changed" ? msg("client.log-key-changed.hint", { url, hint }) : hint,
    });
  };

  /** Takes over an announced key, where the known ones lead to it. */
  const learn = async (info: LogInfo | undefined, known: readonly string[]): Promise<string> => {
    const key = info && parseVerifierKey(info.key);
    if (!info || !key) throw new MeshError("portal-answer", msg("client.log-keyless", { url }));
    for (const pinned of known) {
      try {
        followKeyChanges(pinned, info.changes, info.key);
      } catch (error) {
        if (!isMeshError(error, "log-key-changed")) throw error;
        throw await fail(msg("client.log-key-changed", { url }), {
          code: "log-key-changed",
          heads: present(memory.newest?.note),
          announced: info.key,
          keyChanges: info.changes,
        });
      }
    }
    return info.key;
  };

  let verifier = announced?.key ?? "";
  let changes = announced?.changes ?? [];
  await learn(announced, access.pinned);
  memory.verifier ??= verifier;

  const open = (note: string): Checkpoint | undefined => openIfSigned(note, verifier);

  /** The head in a note. Where the key does not fit it may have been changed since the Hello. */
  const openNow = async (note: string): Promise<Checkpoint> => {
    const head = open(note);
    if (head) return head;
    const info = await access.relearn();
    const key = await learn(info, [verifier]);
    if (key !== verifier) {
      verifier = key;
      changes = info?.changes ?? [];
      const again = open(note);
      if (again) return again;
    }
    throw new MeshError("log-signature", msg("client.log-signature", { url }), { hint: msg("client.log.hint") });
  };

  const readTile = async ({ level, index, width }: Tile): Promise<Buffer | undefined> => {
    const octets =
      (await access.getStatic(tilePath(level, index, width))) ??
      // Nobody has to keep the part of a tile that has become whole.
      (width < TILE_WIDTH ? await access.getStatic(tilePath(level, index)) : undefined);
    return octets?.subarray(0, width * 32);
  };

  /** The hashes of the greater tree that show how it begins, out of the log's tiles. */
  const readHashesOf = async (from: number, to: number): Promise<ReadHash> => {
    const tiles = new Map<string, Buffer | undefined>();
    for (const tile of tilesFor([...rootNodes(from), ...consistencyNodes(from, to)], to)) {
      tiles.set(`${tile.level}/${tile.index}`, await readTile(tile));
    }
    return tileReader((level, index) => tiles.get(`${level}/${index}`));
  };

  /** Whether one head follows another by the log's tiles, and what shows with which tree the greater begins. Throws `proof-missing`. */
  const follows = async (
    from: TreeHead,
    to: TreeHead,
  ): Promise<{ readonly holds: boolean; readonly prefix?: Buffer[] }> => {
    if (from.size >= to.size || from.size === 0) return { holds: verifyConsistency(from, to, []) };
    const read = await readHashesOf(from.size, to.size);
    return {
      holds: verifyConsistency(from, to, consistencyProof(from.size, to.size, read)),
      prefix: prefixProof(from.size, to.size, read),
    };
  };

  const rolledBack = (known: KnownHead, shown: Checkpoint): Promise<MeshError> =>
    fail(msg("client.log-rollback", { url, shown: shown.size, known: known.size }), {
      code: "log-rollback",
      heads: present(known.note, shown.note),
    });

  const forked = async (
    known: KnownHead,
    shown: Checkpoint,
    shows: Pick<Finding, "consistency" | "prefix"> = {},
  ): Promise<MeshError> => {
    // A proof that does not hold could be a mistake; what the tree really begins with is none.
    const prefix = shows.prefix ?? (await follows(known, shown).catch(() => undefined))?.prefix;
    return fail(msg("client.log-fork", { url, shown: shown.size, known: known.size }), {
      code: "log-fork",
      heads: present(known.note, shown.note),
      consistency: shows.consistency,
      prefix,
    });
  };

  const checkTime = (head: Checkpoint): void => {
    const now = deps.now();
    const age = now.getTime() - head.time.getTime();
    if (access.isEmbedded || (age <= MAX_AGE && age >= -MAX_AHEAD)) return;
    throw new MeshError(
      "answer-stale",
      msg("client.head-old", { url, signed: head.time.toISOString(), now: now.toISOString() }),
      { hint: msg("client.head-old.hint") },
    );
  };

  /** Throws unless a head follows the known one. */
  const checkFollows = async (known: KnownHead | undefined, head: Checkpoint, consistency: unknown): Promise<void> => {
    if (!known) return;
    if (head.size < known.size) throw await rolledBack(known, head);
    if (head.size === known.size) {
      if (!head.root.equals(known.root)) throw await forked(known, head);
      return;
    }
    // The pins keep no note that could have been sent, so nothing was proved yet.
    if (known.note === undefined) {
      const shows = await follows(known, head);
      if (!shows.holds) throw await forked(known, head, shows);
      return;
    }
    if (consistency === undefined && known.size > 0) {
      // A portal that does not know the head cannot prove anything about it; its tiles may still show that it never had it.
      const shows = await follows(known, head).catch(() => undefined);
      if (shows?.holds === false) throw await forked(known, head, shows);
      throw new MeshError("proof-missing", msg("client.consistency-missing", { url }), {
        hint: msg("client.log.hint"),
      });
    }
    const path = readHashes(consistency ?? []);
    if (path && verifyConsistency(known, head, path)) return;
    throw await forked(known, head, { consistency: path?.map(encodeBase64url) });
  };

  const mismatched = (seal: Seal, known: KnownHead | undefined): MeshError => {
    const shown = seal.checkpoint === undefined ? undefined : open(seal.checkpoint);
    if (shown && (isEarlier(shown, known) || deps.now().getTime() - shown.time.getTime() > MAX_AGE)) {
      return new MeshError("answer-stale", msg("client.answer-stale", { url }), { hint: msg("client.log.hint") });
    }
    return new MeshError("answer-mismatch", msg("client.answer-mismatch", { url }), { hint: msg("client.log.hint") });
  };

  /** Holds the heads that have not been proved against the newest. One that the log has not signed is dropped. */
  const settle = async (newest: KnownHead | undefined): Promise<void> => {
    while (memory.unproven.length > 0) {
      const [{ checkpoint: note, by } = { checkpoint: "", by: undefined }, ...others] = memory.unproven;
      if (by !== undefined) await proveToken(newest, note, by);
      else await proveOwn(newest, note);
      memory.unproven = others;
    }
  };

  /** Heads that are known to be on one line with the newest. */
  const line = new Set(memory.newest ? [spelled(memory.newest)] : []);

  const prove = async (newest: KnownHead | undefined, known: KnownHead): Promise<void> => {
    if (line.has(spelled(known))) return;
    if (!newest || !isCheckpoint(newest)) throw new MeshError("internal", msg("client.log-unseen"));
    if (known.size > newest.size) throw await rolledBack(known, newest);
    const shows = await follows(known, newest);
    if (!shows.holds) throw await forked(known, newest, shows);
    line.add(spelled(known));
  };

  /** Throws where a head that follows the known one is not on one line with what another answer has shown meanwhile. */
  const checkBeside = async (known: KnownHead | undefined, head: Checkpoint): Promise<void> => {
    const { newest } = memory;
    if (!newest || newest === known || line.has(spelled(head))) return;
    const [older, later] = head.size < newest.size ? [head, newest] : [newest, head];
    if (!isCheckpoint(later)) throw new MeshError("internal", msg("client.log-unseen"));
    const shows = await follows(older, later);
    if (!shows.holds) throw await forked(older, later, shows);
  };

  const proveOwn = async (newest: KnownHead | undefined, note: string): Promise<void> => {
    const known = readCheckpoint(note);
    if (known) await prove(newest, { ...known, note });
  };

  const isSigned = (note: string): boolean =>
    [...keysOfLog([verifier, ...access.pinned], changes)].some((key) => openIfSigned(note, key) !== undefined);

  /**
   * False for one that is not on the same history, but that the log has not signed either: whoever makes a record can write anything into
   * it. Of one that is, no key that has signed earlier heads need be known here.
   */
  const proveToken = async (
    newest: KnownHead | undefined,
    note: string,
    by: string,
    record?: EvidenceRecord,
  ): Promise<boolean> => {
    if (!newest || !isCheckpoint(newest)) throw new MeshError("internal", msg("client.log-unseen"));
    const told = readCheckpoint(note);
    const shows = told ? await follows(told, newest) : { holds: false };
    if (shows.holds) return true;
    if (!isSigned(note)) return false;
    throw await fail(msg("client.log-split", { url, by }), {
      code: "log-split",
      heads: [note, newest.note],
      prefix: shows.prefix,
      record,
    });
  };

  const checkSeal = async (
    transaction: Transaction,
    sealing: Sealing,
    known: KnownHead | undefined,
    answer: TransportAnswer,
  ): Promise<Checkpoint | undefined> => {
    const seal = readSeal(transaction, answer);
    if (!seal) return undefined;
    if (seal.requestId === undefined && seal.checkpoint === undefined) {
      if (needsNone(seal)) return undefined;
      throw new MeshError("downgrade", msg("client.answer-unsealed", { url }), { hint: msg("client.downgrade.hint") });
    }
    if (seal.requestId !== sealing.RequestID) throw mismatched(seal, known);
    if (seal.checkpoint === undefined && needsNone(seal)) return undefined;
    if (seal.checkpoint === undefined) {
      throw new MeshError("proof-missing", msg("client.head-missing", { url }), { hint: msg("client.log.hint") });
    }
    const head = await openNow(seal.checkpoint);
    checkTime(head);
    await checkFollows(known, head, seal.consistency);
    await checkBeside(known, head);
    await settle(isLater(head, memory.newest) ? head : memory.newest);
    line.add(spelled(head));
    if (isLater(head, memory.newest)) {
      memory.newest = head;
      memory.verifier = verifier;
    }
    return head;
  };

  const heads = new WeakMap<object, Checkpoint>();

  return {
    get origin() {
      return parseVerifierKey(verifier)?.name ?? "";
    },
    get verifier() {
      return verifier;
    },
    known: access.pinned,
    get newest() {
      return memory.newest && isCheckpoint(memory.newest) ? memory.newest : undefined;
    },
    exchange: async (transaction, send) => {
      /** Asks, and gives what verifies the answer. */
      const ask = async (): Promise<() => Promise<Exchanged>> => {
        const known = memory.newest;
        const sealing = {
          RequestID: encodeBase64url(deps.random(16)),
          ...(known?.note !== undefined && { Checkpoint: known.note }),
        };
        const answer = await send(sealing);
        return async () => ({ answer, head: await checkSeal(transaction, sealing, known, answer) });
      };
      const isProved = memory.newest?.note !== undefined && memory.unproven.length === 0;
      // What only reads, from a head that is proved, need not wait for others that do: just their answers are held against each other.
      if (transaction === "Get" && isProved) return inTurn(memory, await ask());
      return inTurn(memory, async () => (await ask())());
    },
    headOf: (answer) => heads.get(answer),
    bind: (answer, head) => void heads.set(answer, head),
    prove: (known) => inTurn(memory, () => prove(memory.newest, known)),
    checkToken: async (note, by, record) => {
      if (readCheckpoint(note)?.origin !== parseVerifierKey(verifier)?.name) return "elsewhere";
      return (await inTurn(memory, () => proveToken(memory.newest, note, by, record))) ? "held" : "unsigned";
    },
    fail,
    save: () => memory.save(),
    ...openProofs(url, (answer) => heads.get(answer), fail),
  };
};

const openIfSigned = (note: string, verifier: string): Checkpoint | undefined => {
  try {
    return openCheckpoint(note, verifier);
  } catch (error) {
    if (isMeshError(error, "log-signature")) return undefined;
    throw error;
  }
};

const present = (...notes: readonly (string | undefined)[]): string[] => notes.filter((note) => note !== undefined);

/** The changes that lead on from a key: those before it, and any that it has not signed, say nothing. */
const changesFrom = (verifier: string, changes: readonly string[]): string[] => {
  let key = verifier;
  return changes.filter((note) => {
    try {
      key = openKeyChange(note, key).verifier;
      return true;
    } catch {
      return false;
    }
  });
};

const spelled = ({ size, root }: KnownHead): string => `${size} ${encodeBase64url(root)}`;

const isCheckpoint = (head: KnownHead): head is Checkpoint => head.note !== undefined && head.time !== undefined;
