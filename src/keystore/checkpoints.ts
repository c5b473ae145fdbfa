import { join } from "node:path";
import * as v from "valibot";
import { isMeshError, MeshError } from "../errors.js";
import { canonicalJson } from "../mesh/json.js";
import { openCheckpoint, readCheckpoint, type Checkpoint, type CheckpointBody } from "../mesh/log/checkpoint.js";
import { problem, textSchema, UdfSchema } from "../mesh/schema.js";
import { msg } from "../messages/message.js";
import type { Home } from "./home.js";
import { PortalSchema, table, tableSchema } from "./pins.js";
import { readStored, writeStored, type Format } from "./stored.js";

/** A head that must be on one history with the kept one, and has not been proved to be. */
export interface UnprovenHead {
  /** The signed note. */
  checkpoint: string;
  /** Fingerprint of whose record it stood in; absent for one that this home has seen itself. */
  by?: string;
  /** Where it was seen, where that is another address of the same log. */
  at?: string;
}

/** How far a log has been looked through, and the places of the newest leaves about the profile, by kind and hash of the identifier. */
export interface AuditedLog {
  size: number;
  newest: Record<string, number>;
}

/** What a home knows of the log of one portal. It has no MAC: `pins.json` says what it must not be behind. */
export interface KnownLog {
  /** The log's name. */
  origin: string;
  /** The key under which it was signed last. */
  verifier: string;
  /** The newest head that was verified: the signed note. */
  checkpoint: string;
  unproven?: UnprovenHead[];
  /** Names of the logs that the portal had before, in whose place this one was accepted. */
  replaced?: string[];
  /** By fingerprint of a profile of this home: how far the log has been looked through for what this home did not do. */
  audited?: Record<string, AuditedLog>;
}

/** By address of the portal. The object has no prototype, so that any text is safe as a key. */
export type KnownLogs = Record<string, KnownLog>;

/** How many heads are kept for a later proof. */
const MAX_UNPROVEN = 16;
const MAX_NOTE = 4096;
/** By so many milliseconds a head of the same size must be newer to be worth a write. */
const WORTH_A_WRITE = 10 * 60 * 1000;

const CheckpointSchema = v.pipe(
  v.string(),
  v.maxLength(MAX_NOTE),
  v.check((note) => readCheckpoint(note) !== undefined, problem("problem.checkpoint")),
);

const CountSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

// Loose objects: what a later version has written stays when this one rewrites the file.
const FileSchema = v.strictObject({
  version: v.literal(1),
  portals: tableSchema(
    PortalSchema,
    v.looseObject({
      origin: textSchema(255),
      verifier: textSchema(512),
      checkpoint: CheckpointSchema,
      unproven: v.exactOptional(
        v.pipe(
          v.array(
            v.looseObject({
              checkpoint: CheckpointSchema,
              by: v.exactOptional(textSchema(64)),
              at: v.exactOptional(PortalSchema),
            }),
          ),
          v.maxLength(MAX_UNPROVEN),
        ),
      ),
      replaced: v.exactOptional(v.array(textSchema(255))),
      audited: v.exactOptional(
        tableSchema(UdfSchema, v.looseObject({ size: CountSchema, newest: tableSchema(textSchema(128), CountSchema) })),
      ),
    }),
  ),
});

const FORMAT: Format<typeof FileSchema> = {
  schema: FileSchema,
  limit: 4 * 1024 * 1024,
  code: "state-corrupt",
  hint: msg("keystore.checkpoints-damaged.hint"),
};

const pathOf = (home: Home): string => join(home.path, "checkpoints.json");

/**
 * What this home knows of the logs of portals. Writes nothing; empty where there is no file. Throws `state-corrupt`, `keystore-version`,
 * `keystore-permissions`, `io-failed`.
 */
export const readCheckpoints = (home: Home): KnownLogs =>
  readStored(home, pathOf(home), FORMAT)?.portals ?? table<KnownLog>([]);

/** The same of one portal, with the head whose signature has been verified. Throws `state-corrupt` where that is not right either. */
export const knownLog = (home: Home, url: string): (KnownLog & { readonly head: Checkpoint }) | undefined => {
  const known = readCheckpoints(home)[url];
  if (!known) return undefined;
  try {
    return { ...known, head: openCheckpoint(known.checkpoint, known.verifier) };
  } catch (cause) {
    if (!isMeshError(cause, "log-signature")) throw cause;
    throw new MeshError("state-corrupt", msg("keystore.checkpoint-unsigned", { path: pathOf(home) }), {
      hint: FORMAT.hint,
      cause,
    });
  }
};

/** Replaces what is known of portals' logs by what `change` makes of it, under the lock and durably. */
export const updateCheckpoints = (home: Home, change: (logs: KnownLogs) => KnownLogs): Promise<KnownLogs> =>
  home.withLock(() => {
    const before = readCheckpoints(home);
    const unchanged = canonicalJson(before);
    const portals = table(Object.entries(change(before)));
    if (canonicalJson(portals) === unchanged) return portals;
    const file = { version: 1 as const, portals };
    if (!v.is(FileSchema, file)) throw new MeshError("internal", msg("keystore.checkpoints-malformed"));
    writeStored(home, pathOf(home), file, FORMAT.limit);
    return portals;
  });

/** A head that is to be kept. */
export interface NewHead {
  /** The key that has signed it. */
  readonly verifier: string;
  readonly head: Checkpoint;
  /** What was kept when `head` was proved to follow it. */
  readonly from: Pick<CheckpointBody, "size" | "root"> | undefined;
  /** Notes among the unproven ones that have been proved meanwhile. */
  readonly proved: readonly string[];
}

type Head = Pick<CheckpointBody, "size" | "root">;
const isSame = (a: Head, b: Head): boolean => a.size === b.size && a.root.equals(b.root);

/** What is known after a head was seen, where `known` may have come from another process since that head was proved. */
const merged = (known: KnownLog | undefined, { verifier, head, from, proved }: NewHead): KnownLog => {
  const fresh = { origin: head.origin, verifier, checkpoint: head.note };
  const kept = known && readCheckpoint(known.checkpoint);
  if (!known || !kept) return fresh;
  // Two processes were shown two logs, or one of them began before a new log was accepted.
  if (known.origin !== head.origin) return known;
  if (kept.size === head.size && !kept.root.equals(head.root)) return known;
  const left = (known.unproven ?? []).filter(({ checkpoint }) => !proved.includes(checkpoint));
  const isProved =
    isSame(kept, head) || (from !== undefined && isSame(kept, from)) || proved.includes(known.checkpoint);
  const isOlder = kept.size < head.size || (kept.size === head.size && isMuchOlder(kept, head));
  // The one that gives way has not been held against the other yet: the next contact does it.
  const other = isProved ? [] : [{ checkpoint: isOlder ? known.checkpoint : head.note }];
  const { unproven: _, ...rest } = known;
  const unproven = [...left, ...other].slice(-MAX_UNPROVEN);
  return { ...rest, ...(isOlder ? fresh : {}), ...(unproven.length > 0 && { unproven }) };
};

const isMuchOlder = (kept: CheckpointBody, head: CheckpointBody): boolean =>
  head.time.getTime() - kept.time.getTime() > WORTH_A_WRITE;

/** True where keeping a head would change anything that matters. */
export const isWorthKeeping = (
  known: Pick<CheckpointBody, "size" | "time"> | undefined,
  head: Pick<CheckpointBody, "size" | "time">,
): boolean => !known || head.size > known.size || head.time.getTime() - known.time.getTime() > WORTH_A_WRITE;

/**
 * Keeps a head of a portal's log by compare-and-swap: it takes the place of the one that it was proved to follow. Where another process
 * has kept one meanwhile the greater of the two stays, and the other is noted to be proved. Where the same log is known under another
 * address too, what is seen there next must follow. Gives what is known then; where that is a head of the same size with another root, or
 * one of another log, nothing was changed, and the portal has shown two histories. Throws what `updateCheckpoints` throws.
 */
export const keepCheckpoint = async (home: Home, url: string, head: NewHead): Promise<KnownLog | undefined> =>
  (
    await updateCheckpoints(home, (logs) => {
      const kept = merged(logs[url], head);
      const others = Object.entries(logs).map(([other, log]): [string, KnownLog] => [
        other,
        other !== url && kept.origin === head.head.origin ? withSeenAt(log, url, head.head.note) : log,
      ]);
      return { ...Object.fromEntries(others), [url]: kept };
    })
  )[url];

const isSigned = (note: string, verifier: string): boolean => {
  try {
    openCheckpoint(note, verifier);
    return true;
  } catch (error) {
    if (!isMeshError(error, "log-signature")) throw error;
    return false;
  }
};

/** Notes a head of this very log that was seen at another address, in the place of the one before it. A name alone anybody can take. */
const withSeenAt = (log: KnownLog, at: string, checkpoint: string): KnownLog => {
  if (checkpoint === log.checkpoint || !isSigned(checkpoint, log.verifier)) return log;
  const others = (log.unproven ?? []).filter((head) => head.at !== at);
  return { ...log, unproven: [...others, { checkpoint, at }].slice(-MAX_UNPROVEN) };
};

/**
 * What a checkpoint is to this home: of a log that it knows at some portal, signed by the key that it knows of that; not signed by that;
 * of a log in whose place another was accepted; or of one that it has never seen.
 */
export const standingOf = (logs: KnownLogs, checkpoint: string): "signed" | "unsigned" | "replaced" | "unknown" => {
  const origin = readCheckpoint(checkpoint)?.origin;
  if (origin === undefined) return "unsigned";
  const all = Object.values(logs);
  const same = all.filter((log) => log.origin === origin);
  if (same.some(({ verifier }) => isSigned(checkpoint, verifier))) return "signed";
  if (same.length > 0) return "unsigned";
  return all.some(({ replaced }) => replaced?.includes(origin)) ? "replaced" : "unknown";
};

/**
 * Notes heads of logs that this home knows, which stood in records: the next contact with their portals must prove them. One that the
 * known key has not signed takes no other's place: the log may have another key by now, or anybody has made it up. Those of other logs
 * say nothing here. Throws what `updateCheckpoints` throws.
 */
export const noteHeads = async (home: Home, heads: readonly Required<Omit<UnprovenHead, "at">>[]): Promise<void> => {
  const origins = new Set(Object.values(readCheckpoints(home)).map(({ origin }) => origin));
  const known = heads.filter(({ checkpoint }) => origins.has(readCheckpoint(checkpoint)?.origin ?? ""));
  if (known.length === 0) return;
  await updateCheckpoints(home, (logs) =>
    Object.fromEntries(
      Object.entries(logs).map(([url, log]): [string, KnownLog] => {
        const noted = log.unproven ?? [];
        const news = known.filter(
          ({ checkpoint }) =>
            readCheckpoint(checkpoint)?.origin === log.origin &&
            checkpoint !== log.checkpoint &&
            !noted.some((head) => head.checkpoint === checkpoint),
        );
        if (news.length === 0) return [url, log];
        const counts = ({ checkpoint, by }: UnprovenHead): boolean =>
          by === undefined || isSigned(checkpoint, log.verifier);
        const all = [...noted, ...news];
        const unproven = [...all.filter((head) => !counts(head)), ...all.filter(counts)].slice(-MAX_UNPROVEN);
        return [url, { ...log, unproven }];
      }),
    ),
  );
};
