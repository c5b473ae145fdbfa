import { bringUpHead, inParallel, publishHead, publishSegments } from "../../client/application.js";
import type { PortalClient } from "../../client/client.js";
import { isLogError } from "../../client/log-error.js";
import { isMeshError, type MeshError } from "../../errors.js";
import {
  dropSegments,
  keepSegment,
  readCopy,
  readQueue,
  updateQueue,
  writeCopy,
  writeQueue,
  type ApplicationCopy,
  type KnownSegment,
} from "../../keystore/application-store.js";
import { entrySize, readEntry, type Edit, type StoredEntry } from "../../mesh/application/entry.js";
import { createHead, newIdentifier, type Exposure, type ReadHead } from "../../mesh/application/head.js";
import { packEntries, segmentsToRewrite, segmentTarget } from "../../mesh/application/layout.js";
import { applyEdits } from "../../mesh/application/merge.js";
import { checkEntries, createSegment, type Segment } from "../../mesh/application/segment.js";
import { encodeBase64url } from "../../mesh/bytes.js";
import type { PrivateKey } from "../../mesh/keys.js";
import type { ApplicationEntry, PersonalProfile } from "../../mesh/records/personal.js";
import { msg } from "../../messages/message.js";
import { withClient } from "../change.js";
import { withGlobals } from "../context.js";
import { accountsOf } from "../select.js";
import { accountOf, newestToken, openAccount, rememberPortal, type Session } from "../session.js";
import { applicationName } from "./grants.js";
import { kindOf } from "./kinds.js";
import { canChange, type Seen } from "./look.js";
import { indexed, isConflict, openSegments, type Segments } from "./segments.js";

/** An application with the index of its entries. */
export interface Opened extends Seen {
  readonly segments: readonly KnownSegment[];
  readonly contents: Segments;
}

/**
 * Learns what is in each segment of an application that was seen: what this home has not is fetched, some at a time, and kept. Throws
 * `application-segment`, and what fetching throws.
 */
export const openApplicationSegments = async (session: Session, client: PortalClient, seen: Seen): Promise<Opened> => {
  const { head, key, copy } = seen;
  const owner = { type: head.type, identifier: head.identifier, owner: head.owner, key };
  const contents = openSegments(session, owner, () => Promise.resolve(client));
  const known = new Map(copy?.segments.map((segment) => [`${segment.identifier} ${segment.hash}`, segment]));
  const kind = await kindOf(head.type);
  const segments = await inParallel(
    head.segments,
    async (segment) =>
      known.get(`${segment.identifier} ${segment.hash}`) ?? indexed(kind, segment, await contents.load(segment)),
  );
  checkEntries(
    segments.map(({ rows }) => rows.map(([id]) => id)),
    seen.entries,
  );
  return { ...seen, segments, contents };
};

/** What is to be different in the next version of an application. */
export interface NextVersion {
  /** Changes of entries. */
  readonly edits?: readonly Edit[];
  /** A fresh key under which everything is encrypted anew, and what becomes of each entry then. */
  readonly fresh?: {
    readonly key: Buffer;
    readonly exposures: readonly Exposure[];
    readonly change: (entry: StoredEntry) => StoredEntry;
  };
  /** Makes a new head also where no entry changes: for readers who lack the key. */
  readonly rewrap?: boolean;
}

/** A version that has been made and not been published. */
export interface MadeVersion {
  readonly head: ReadHead;
  readonly records: readonly Segment[];
  readonly segments: readonly KnownSegment[];
  /** What is in the new segments. */
  readonly contents: ReadonlyMap<string, readonly StoredEntry[]>;
  readonly key: Buffer;
  readonly exposures: readonly Exposure[];
  readonly entries: number;
  /** Identifiers of entries in which an edit met a version that its maker did not know. */
  readonly conflicts: readonly string[];
}

/** The entries that edits speak of, with the others of their segments, and what the edits make of them. */
const merge = async (
  { segments, contents }: Opened,
  edits: readonly Edit[],
): Promise<ReturnType<typeof applyEdits> & { readonly before: ReadonlyMap<string, StoredEntry> }> => {
  const places = new Map(segments.flatMap((segment) => segment.rows.map(([id]) => [id, segment] as const)));
  const before = new Map<string, StoredEntry>();
  let wanted: readonly string[] = edits.map(({ id }) => id);
  for (;;) {
    const missing = new Set(wanted.flatMap((id) => (before.has(id) ? [] : (places.get(id) ?? []))));
    for (const entries of await inParallel([...missing], (segment) => contents.load(segment))) {
      for (const entry of entries) before.set(entry.Id, entry);
    }
    const merged = applyEdits(before, edits);
    // A version for which there was no room becomes an entry, which may be there already.
    wanted = [...merged.changed].filter((id) => places.has(id) && !before.has(id));
    if (wanted.length === 0) return { ...merged, before };
  }
};

/**
 * Makes the next version of an application: the segments that change, under new identifiers, and the head that names all of them.
 * Undefined where nothing changes. `signer` is the key of somebody who may change it. Throws `too-large`.
 */
export const makeVersion = async (
  session: Session,
  opened: Opened,
  signer: PrivateKey,
  next: NextVersion,
  notaryToken: string | undefined,
): Promise<MadeVersion | undefined> => {
  const { deps } = session.context;
  const { head, entry, personal, contents } = opened;
  const { fresh, edits = [] } = next;
  const random = (length: number): Buffer => deps.random(length);
  const kind = await kindOf(head.type);
  const { before, entries, changed, conflicts } = await merge(opened, edits);
  if (changed.size === 0 && !fresh && next.rewrap !== true) return undefined;

  const sizes = new Map([...changed].map((id) => [id, sizeOf(entries.get(id))]));
  const added = [...sizes].reduce((sum, [id, size]) => sum + (before.has(id) ? 0 : size), 0);
  const placed = opened.segments.map(({ identifier, size, rows }) => ({
    identifier,
    size,
    entries: rows.map(([id]) => id),
  }));
  const rewritten = new Set(
    fresh
      ? placed.map(({ identifier }) => identifier)
      : changed.size > 0
        ? segmentsToRewrite(placed, changed, added)
        : [],
  );
  const old = await inParallel(
    opened.segments.filter(({ identifier }) => rewritten.has(identifier)),
    (segment) => contents.load(segment),
  );
  const stood = old.flat();
  const pool = [
    ...stood.flatMap((one) => (changed.has(one.Id) ? (entries.get(one.Id) ?? []) : one)),
    ...[...changed].filter((id) => !before.has(id)).flatMap((id) => entries.get(id) ?? []),
  ].map((one) => (fresh ? fresh.change(one) : one));
  const kept = opened.segments.filter(({ identifier }) => !rewritten.has(identifier));
  const sized = pool.map((value) => ({ value, size: entrySize(value) }));
  const total = [...kept, ...sized].reduce((sum, { size }) => sum + size, 0);

  const key = fresh?.key ?? opened.key;
  const exposures = fresh?.exposures ?? opened.exposures;
  const now = deps.now();
  const records: Segment[] = [];
  const made: KnownSegment[] = [];
  const written = new Map<string, readonly StoredEntry[]>();
  for (const pack of packEntries(sized, segmentTarget(total))) {
    const values = pack.map(({ value }) => value);
    const record = await createSegment(signer, head, newIdentifier(random), values, key, now);
    records.push(record);
    made.push(indexed(kind, record, values));
    written.set(record.identifier, values);
  }
  const segments = [...kept, ...made];
  const count = segments.reduce((sum, { rows }) => sum + rows.length, 0);
  const publicMembers = kind.publicMembers?.(
    (await inParallel(kept, (segment) => contents.load(segment)))
      .flat()
      .concat(pool)
      .flatMap((one) => readEntry(kind, one).entry?.value ?? []),
  );
  const nextHead = await createHead(
    signer,
    {
      type: head.type,
      identifier: head.identifier,
      owner: personal,
      entry,
      key,
      exposures,
      entries: count,
      segments,
      ...(publicMembers && { publicMembers }),
      notaryToken,
    },
    now,
    head,
  );
  return { head: nextHead, records, segments, contents: written, key, exposures, entries: count, conflicts };
};

const sizeOf = (entry: StoredEntry | undefined): number => (entry ? entrySize(entry) : 0);

/** What a home keeps of a version. */
export const copyOf = (
  session: Session,
  personal: PersonalProfile,
  entry: ApplicationEntry,
  version: Pick<MadeVersion, "head" | "segments" | "key" | "exposures" | "entries">,
  reached: ApplicationCopy["reached"],
): ApplicationCopy => {
  const { head, segments, key, exposures, entries } = version;
  return {
    identifier: head.identifier,
    type: head.type,
    name: applicationName(entry),
    canWrite: canChange(session, personal, entry),
    sequence: head.sequence,
    updated: head.updated,
    entries,
    conflicts: segments.reduce((sum, { rows }) => sum + rows.filter(isConflict).length, 0),
    parts: segments.length,
    head: head.record,
    hash: head.hash,
    payloadHash: head.payloadHash,
    key: encodeBase64url(key),
    exposures,
    segments,
    portal: accountOf(session.context, session.state).portal,
    ...(reached && { reached }),
  };
};

/**
 * Keeps what is known of an application now, and that edits are published. A later version that another process has kept meanwhile
 * stays. The edits go last: those that a version holds already are known by their stamps.
 */
export const keepVersion = (session: Session, copy: ApplicationCopy, stamps: ReadonlySet<string>): Promise<void> => {
  const { context, keystore, state } = session;
  const { home } = context;
  return home.withLock(() => {
    const before = knownOrNothing(() => readCopy(home, keystore, state.udf, copy.identifier));
    if (!before || before.sequence <= copy.sequence) {
      writeCopy(home, keystore, state.udf, copy);
      const listed = new Set(copy.segments.map(({ identifier }) => identifier));
      const left = before?.segments.map(({ identifier }) => identifier).filter((udf) => !listed.has(udf)) ?? [];
      dropSegments(home, state.udf, left);
    }
    const queue = readQueue(home, keystore, state.udf, copy.identifier);
    const edits = queue.edits.filter(({ stamp }) => !stamps.has(stamp));
    const sending = queue.sending.filter(({ sequence }) => sequence > copy.sequence);
    if (edits.length < queue.edits.length || sending.length < queue.sending.length) {
      writeQueue(home, keystore, state.udf, copy.identifier, { edits, sending });
    }
  });
};

/** What is damaged is replaced. */
const knownOrNothing = <Value>(read: () => Value | undefined): Value | undefined => {
  try {
    return read();
  } catch (error) {
    if (isMeshError(error, "state-corrupt")) return undefined;
    throw error;
  }
};

/** How many heads are remembered of which nobody has heard whether they were published. */
const MAX_SENDING = 8;

/**
 * Publishes a version: its segments, and then its head, which makes it the current one. Before that this home keeps which edits are in
 * it, so that none is made twice where no answer comes. Keeps the version afterwards. Throws `conflict` where another device was
 * faster, and what publishing throws; then nothing has changed for anybody.
 */
export const publishVersion = async (
  session: Session,
  client: PortalClient,
  seen: Seen,
  version: MadeVersion,
  edits: readonly Edit[] = [],
): Promise<ApplicationCopy> => {
  const { context, keystore, state, authenticationKey } = session;
  const { home } = context;
  const { head, records } = version;
  const { hash, payloadHash, sequence, identifier } = head;
  const stamps = edits.map(({ stamp }) => stamp);
  if (stamps.length > 0) {
    await updateQueue(home, keystore, state.udf, identifier, (queue) => ({
      ...queue,
      sending: [...queue.sending.slice(1 - MAX_SENDING), { hash, payloadHash, sequence, stamps }],
    }));
  }
  await publishSegments(client, records, authenticationKey);
  await publishHead(client, head, authenticationKey);
  if (client.log) await rememberPortal(session, client);
  for (const record of records) {
    keepSegment(home, keystore, state.udf, record, version.contents.get(record.identifier) ?? []);
  }
  const copy = copyOf(session, seen.personal, seen.entry, version, seen.copy?.reached);
  await keepVersion(session, copy, new Set(stamps));
  return copy;
};

/** The newest checkpoint of the portal's log, for a head that is made now. */
export const tokenFor = (session: Session, client: PortalClient): Promise<string | undefined> =>
  newestToken(session.context, session.state, client);

/**
 * Brings the portals of the profile's further accounts up to the head that this home knows, where they are not known to have it. What
 * cannot be reached is named in a note and made up for next time. Throws only what shows that a portal does not keep to its log.
 */
export const publishElsewhere = async (
  session: Session,
  source: PortalClient,
  account: string,
  copy: ApplicationCopy,
): Promise<void> => {
  const { context, keystore, state, authenticationKey } = session;
  const { home } = context;
  const others = accountsOf(state).filter((other) => other.account !== account);
  const behind = others.filter((other) => copy.reached?.[other.account] !== copy.hash);
  if (behind.length === 0) return;
  const { readHead } = await import("../../mesh/application/head.js");
  const head = readHead(copy.head);
  const reached: Record<string, string> = {};
  let dishonest: MeshError | undefined;
  for (const other of behind) {
    try {
      await withClient(openAccount(withGlobals(context, { portal: undefined }), other), async (client) => {
        if (client.url !== source.url) await bringUpHead(client, source, head, authenticationKey);
      });
      reached[other.account] = copy.hash;
    } catch (error) {
      if (!isMeshError(error) || error.code === "interrupted") throw error;
      if (isLogError(error)) dishonest ??= error;
      await context.note(msg("app.not-everywhere", { account: other.account, name: copy.name, reason: error.text }));
    }
  }
  if (Object.keys(reached).length > 0) {
    await home.withLock(() => {
      const now = knownOrNothing(() => readCopy(home, keystore, state.udf, copy.identifier));
      if (now?.hash !== copy.hash) return;
      writeCopy(home, keystore, state.udf, { ...now, reached: { ...now.reached, ...reached } });
    });
  }
  if (dishonest) throw dishonest;
};
