import type { PortalClient } from "../../client/client.js";
import { exitStatus, isMeshError, MeshError } from "../../errors.js";
import {
  dropSegments,
  keptSegments,
  listApplications,
  listQueues,
  readCopy,
  readQueue,
  removeApplication,
  type ApplicationCopy,
  type KnownSegment,
  type Queue,
} from "../../keystore/application-store.js";
import type { StoredEntry } from "../../mesh/application/entry.js";
import { isApplicationType } from "../../mesh/application/kind.js";
import { findApplication, type ApplicationEntry, type PersonalProfile } from "../../mesh/records/personal.js";
import { msg } from "../../messages/message.js";
import { MAX_ATTEMPTS, withClient } from "../change.js";
import { accountOf, follow, openAccount, requireConnected, type Session } from "../session.js";
import type { SyncReport } from "./application.js";
import type { Settled } from "./settled.js";
import { applicationName, mayRead } from "./grants.js";
import { canChange, headMissing, isAhead, lookAt, signerOf, type Seen } from "./look.js";
import { applicationNotFound, chosenFrom } from "./open.js";
import {
  copyOf,
  keepVersion,
  makeVersion,
  openApplicationSegments,
  publishElsewhere,
  publishVersion,
  tokenFor,
} from "./publish.js";
import { isConflict } from "./segments.js";

/** So many segments may be kept that belong to nothing any more: those of versions that came to nothing. */
const MAX_LEFT = 16;

/** One sync of the applications of a profile with the portal of its account. */
interface Round {
  readonly session: Session;
  readonly client: PortalClient;
  readonly account: string;
  personal: PersonalProfile;
  /** What became of the applications when they were brought in line with the profile, once that was done. */
  settled: readonly Settled[] | undefined;
}

/** Versions of entries, by identifier. */
const versionsOf = (segments: readonly KnownSegment[]): Map<string, string> =>
  new Map(segments.flatMap(({ rows }) => rows.map(([id, stamp, marks]) => [id, `${stamp} ${marks}`] as const)));

/** How many entries are other than they were, new, or gone. */
const differences = (before: readonly KnownSegment[], after: readonly KnownSegment[]): number => {
  const known = new Set(before.map(({ identifier }) => identifier));
  const listed = new Set(after.map(({ identifier }) => identifier));
  // What stands in a segment that stays is the same.
  const old = versionsOf(before.filter(({ identifier }) => !listed.has(identifier)));
  const fresh = versionsOf(after.filter(({ identifier }) => !known.has(identifier)));
  const changed = [...fresh].filter(([id, version]) => old.get(id) !== version).length;
  return changed + [...old.keys()].filter((id) => !fresh.has(id)).length;
};

const conflictsIn = (segments: readonly KnownSegment[]): string[] =>
  segments.flatMap(({ rows }) => rows.filter(isConflict).map(([id]) => id));

/** Stamps of edits that were in a head of which this device has not heard that it was published, and that was. */
export const landed = ({ head, line }: Seen, { sending }: Queue): Set<string> => {
  const hashes = new Set(line.map(({ hash }) => hash));
  return new Set(
    sending
      .filter(({ hash, payloadHash }) => hashes.has(hash) || head.previous === payloadHash)
      .flatMap(({ stamps }) => stamps),
  );
};

const needsMending = ({ standing, isOrphan }: Seen): boolean =>
  isOrphan || standing.state === "outdated" || standing.missing.length > 0 || standing.escrowMissing;

/** Brings the applications in line with the profile: once in a round. */
const mend = async (round: Round): Promise<void> => {
  const { settleApplications } = await import("./settle.js");
  round.settled = await settleApplications(round.session, round.personal);
};

/** Looks at an application, under the profile that its head was made under or a later one. */
const look = async (round: Round, entry: ApplicationEntry): Promise<Seen> => {
  const { session, client } = round;
  const seen = await lookAt(session, client, round.personal, entry, { orKept: true }).catch((error: unknown) => {
    // A head of a later profile may well be signed or readable by somebody of whom this home has not heard.
    if (!isMeshError(error, "application-signer", "application-recipient", "application-denied")) throw error;
    return error;
  });
  if (!isMeshError(seen) && !isAhead(seen.head, round.personal)) return seen;
  round.personal = await follow(session, client, round.account);
  const current = findApplication(round.personal, entry.Identifier);
  if (!current) throw applicationNotFound(applicationName(entry));
  return lookAt(session, client, round.personal, current, { orKept: true });
};

/**
 * Brings one application up to date: fetches what is new, applies and publishes what waits, and keeps both. Throws `conflict` when it is
 * never our turn, `application-denied` where edits wait that this device may not make any more, and what looking and publishing throw.
 */
const syncOne = async (round: Round, entry: ApplicationEntry): Promise<SyncReport> => {
  const { session, client } = round;
  const { context, keystore, state } = session;
  const { home } = context;
  for (let attempt = 1; ; attempt++) {
    const queue = readQueue(home, keystore, state.udf, entry.Identifier);
    const seen = await look(round, entry);
    if (seen.isMissing) {
      await bringBack(round, seen);
      continue;
    }
    if (needsMending(seen) && !round.settled && canChange(session, round.personal, seen.entry)) {
      await mend(round);
      continue;
    }
    const { copy } = seen;
    const done = landed(seen, queue);
    const waiting = queue.edits.filter(({ stamp }) => !done.has(stamp));
    const opened = await openApplicationSegments(session, client, seen);
    const received = copy?.hash === seen.head.hash ? 0 : differences(copy?.segments ?? [], opened.segments);
    const outcome = round.settled?.find(({ identifier }) => identifier === entry.Identifier)?.outcome ?? "current";
    const report = (now: ApplicationCopy, sent: number, conflicts: readonly string[]): SyncReport => ({
      ...(outcome !== "current" && { settled: outcome }),
      identifier: now.identifier,
      name: now.name,
      type: now.type,
      received,
      sent,
      waiting: readQueue(home, keystore, state.udf, now.identifier).edits.length,
      conflicts: [...new Set([...conflictsIn(now.segments), ...conflicts])],
      met: conflicts,
      sequence: now.sequence,
    });
    // What came is kept, whatever becomes of what is to go.
    const fetched = copyOf(session, seen.personal, seen.entry, opened, copy?.reached);
    if (!copy || !isSameCopy(copy, fetched) || done.size > 0) await keepVersion(session, fetched, done);
    if (waiting.length === 0) {
      await elsewhere(round, seen, fetched);
      return report(fetched, done.size, []);
    }
    const signer = canChange(session, round.personal, seen.entry)
      ? signerOf(session, round.personal, seen.entry)
      : undefined;
    if (!signer) {
      throw new MeshError(
        "application-denied",
        msg("app.not-writable", { name: fetched.name, count: waiting.length }),
        {
          hint: msg("app.not-writable.hint"),
        },
      );
    }
    if (seen.standing.state === "outdated" || seen.isOrphan) {
      // Nothing new is encrypted under a key that somebody has, or may have, who must not read it.
      const reason = round.settled?.find(({ identifier }) => identifier === entry.Identifier)?.error;
      if (reason) throw reason;
      throw new MeshError("application-recipient", msg("app.outdated", { name: fetched.name }), {
        hint: msg("app.outdated.hint"),
      });
    }
    const version = await makeVersion(session, opened, signer, { edits: waiting }, await tokenFor(session, client));
    if (!version) {
      await keepVersion(session, fetched, new Set(waiting.map(({ stamp }) => stamp)));
      await elsewhere(round, seen, fetched);
      return report(fetched, queue.edits.length, []);
    }
    try {
      const now = await publishVersion(session, client, seen, version, waiting);
      await elsewhere(round, seen, now);
      return report(now, queue.edits.length, version.conflicts);
    } catch (error) {
      if (!isMeshError(error, "conflict")) throw error;
      if (attempt >= MAX_ATTEMPTS) {
        throw new MeshError("conflict", msg("app.busy", { name: fetched.name }), {
          hint: msg("change.busy.hint"),
          cause: error,
        });
      }
      await context.detail(msg("change.again", { attempt, attempts: MAX_ATTEMPTS }));
    }
  }
};

/**
 * Publishes an application where the profile's account has moved to a portal that does not have it: everything that this home knows, as
 * the next version. Throws `record-not-found` where this device may not, and `application-segment` where it does not have all of it.
 */
const bringBack = async ({ session, client, personal }: Round, seen: Seen): Promise<void> => {
  const signer = canChange(session, personal, seen.entry) ? signerOf(session, personal, seen.entry) : undefined;
  if (!signer) throw headMissing(client, applicationName(seen.entry));
  const opened = await openApplicationSegments(session, client, seen);
  const { key, exposures } = seen;
  const fresh = { key, exposures, change: (entry: StoredEntry): StoredEntry => entry };
  const version = await makeVersion(session, opened, signer, { fresh }, await tokenFor(session, client));
  if (version) await publishVersion(session, client, seen, version);
};

const isSameCopy = (a: ApplicationCopy, b: ApplicationCopy): boolean =>
  a.hash === b.hash && a.name === b.name && a.canWrite === b.canWrite;

/** Further accounts are for those who may change the application: the others only read. */
const elsewhere = async (round: Round, { entry }: Seen, copy: ApplicationCopy): Promise<void> => {
  const { session, client, account, personal } = round;
  if (canChange(session, personal, entry)) await publishElsewhere(session, client, account, copy);
};

/** Forgets what this device has of applications that it may not read any more, or that are gone, and says so. */
const forget = async ({ session, personal }: Round): Promise<void> => {
  const { context, keystore, state } = session;
  const { home } = context;
  const readable = new Set(
    personal.applications.filter((entry) => mayRead(entry, state.device.udf)).map(({ Identifier }) => Identifier),
  );
  const queues = listQueues(home, state.udf);
  const gone = new Set(
    [...listApplications(home, state.udf), ...queues]
      .map(({ identifier }) => identifier)
      .filter((udf) => !readable.has(udf)),
  );
  for (const identifier of gone) {
    const copy = knownCopyOf(() => readCopy(home, keystore, state.udf, identifier));
    const count = queues.find((queue) => queue.identifier === identifier)?.edits ?? 0;
    await removeApplication(home, state.udf, identifier, copy?.segments.map((segment) => segment.identifier) ?? []);
    const name = copy?.name ?? identifier;
    await context.note(count > 0 ? msg("app.forgotten-edits", { name, count }) : msg("app.forgotten", { name }));
  }
  if (gone.size > 0) sweep(session);
};

const knownCopyOf = (read: () => ApplicationCopy | undefined): ApplicationCopy | undefined => {
  try {
    return read();
  } catch (error) {
    if (isMeshError(error, "state-corrupt", "keystore-version")) return undefined;
    throw error;
  }
};

/** Removes segments that belong to nothing any more. */
export const sweep = ({ context: { home }, keystore, state }: Session): void => {
  const copies = listApplications(home, state.udf).map(({ identifier }) =>
    knownCopyOf(() => readCopy(home, keystore, state.udf, identifier)),
  );
  const listed = new Set(copies.flatMap((copy) => copy?.segments.map(({ identifier }) => identifier) ?? []));
  dropSegments(
    home,
    state.udf,
    keptSegments(home, state.udf).filter((identifier) => !listed.has(identifier)),
  );
};

/** A report of an application that could not be synchronised. */
const failedReport = ({ session }: Round, entry: ApplicationEntry, error: MeshError): SyncReport => {
  const { context, state } = session;
  const known = listApplications(context.home, state.udf).find(({ identifier }) => identifier === entry.Identifier);
  const waiting = listQueues(context.home, state.udf).find(({ identifier }) => identifier === entry.Identifier);
  return {
    identifier: entry.Identifier,
    name: applicationName(entry),
    type: entry.Type,
    received: 0,
    sent: 0,
    waiting: waiting?.edits ?? 0,
    conflicts: [],
    met: [],
    sequence: known?.sequence ?? 0,
    error,
  };
};

export interface SyncOptions {
  /** One application alone, by its name or identifier. */
  readonly name?: string | undefined;
  /** The same by identifier. */
  readonly identifier?: string | undefined;
}

/** Follows the profile and opens its portal. */
const inRound = async <T>(session: Session, work: (round: Round) => Promise<T>): Promise<T> => {
  const { context, state } = session;
  const { account } = accountOf(context, state);
  return withClient(openAccount(context, accountOf(context, state)), async (client) => {
    const personal = await follow(session, client, account);
    requireConnected(session, personal);
    const round = { session, client, account, personal, settled: undefined };
    await forget(round);
    return work(round);
  });
};

/** An entry of the profile in the form in which one is chosen. */
export const factsOf = (entry: ApplicationEntry) => ({
  identifier: entry.Identifier,
  type: entry.Type,
  name: applicationName(entry),
  canWrite: false,
  sequence: 0,
  updated: "",
  entries: 0,
  conflicts: 0,
  parts: 0,
  entry,
});

/** The applications of a profile that this program keeps. */
export const applicationsOf = ({ applications }: PersonalProfile): readonly ApplicationEntry[] =>
  applications.filter(({ Type }) => isApplicationType(Type));

/**
 * Brings every application that this device may read up to date, or the one that is named. What goes wrong with one does not keep the
 * others from it: it stands in its report. Throws `application-not-found` for one that is named and not there, `application-denied` for
 * one that this device may not read, and what opening and following the profile throw.
 */
export const syncApplications = (session: Session, options: SyncOptions = {}): Promise<readonly SyncReport[]> =>
  inRound(session, async (round) => {
    const all = applicationsOf(round.personal);
    const { name, identifier } = options;
    const wanted = identifier ?? name;
    const named = wanted === undefined ? undefined : chosenFrom(all.map(factsOf), wanted, "")?.entry;
    if (wanted !== undefined && !named) throw applicationNotFound(wanted);
    const readable = all.filter((entry) => mayRead(entry, session.state.device.udf));
    const reports: SyncReport[] = [];
    for (const entry of named ? [named] : readable) {
      try {
        reports.push(await syncOne(round, entry));
      } catch (error) {
        if (!isMeshError(error) || error.code === "interrupted" || error.code === "internal") throw error;
        // Where nothing listens, nothing else will come either.
        if (named || exitStatus(error.code) === 6) throw error;
        reports.push(failedReport(round, entry, error));
      }
    }
    const parts = listApplications(session.context.home, session.state.udf).reduce(
      (sum, facts) => sum + facts.parts,
      0,
    );
    if (keptSegments(session.context.home, session.state.udf).length > parts + MAX_LEFT) sweep(session);
    return reports;
  });

/** The same for one application. Throws what went wrong with it. */
export const syncApplication = async (session: Session, identifier: string): Promise<SyncReport> => {
  const [report] = await syncApplications(session, { identifier });
  if (!report) throw applicationNotFound(identifier);
  return report;
};

/** The applications of a type as the portal's profile has them, for one that this home does not have. */
export const currentEntries = (session: Session, type: string): Promise<readonly ApplicationEntry[]> =>
  inRound(session, ({ personal }) => Promise.resolve(applicationsOf(personal).filter(({ Type }) => Type === type)));
