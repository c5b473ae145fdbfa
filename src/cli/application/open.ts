import { isMeshError, MeshError } from "../../errors.js";
import {
  listApplications,
  mayHaveRow,
  readCopy,
  readQueue,
  type ApplicationCopy,
  type ApplicationFacts,
  type IndexRow,
  type KnownSegment,
  type Queue,
} from "../../keystore/application-store.js";
import { readEntry, type Edit, type Entry, type StoredEntry } from "../../mesh/application/entry.js";
import type { ApplicationKind, ApplicationType } from "../../mesh/application/kind.js";
import { applyEdits } from "../../mesh/application/merge.js";
import { decodeBase64url } from "../../mesh/bytes.js";
import { msg } from "../../messages/message.js";
import type { Session } from "../session.js";
import type { Application } from "./application.js";
import { isConflict, openSegments, type Reach } from "./segments.js";

/** What this home has of an application: its copy, and the edits that wait. */
export interface Local {
  readonly copy: ApplicationCopy;
  readonly queue: Queue;
}

const canonical = (text: string): string => text.normalize("NFC").trim();

const isNamed = ({ identifier, name }: ApplicationFacts, text: string): boolean =>
  identifier === text.trim().toUpperCase() || canonical(name) === canonical(text);

/** The error for an application that is not there. */
export const applicationNotFound = (name: string | undefined): MeshError =>
  name === undefined
    ? new MeshError("application-not-found", msg("app.none"), { hint: msg("app.none.hint") })
    : new MeshError("application-not-found", msg("app.unknown", { name: JSON.stringify(name.slice(0, 64)) }), {
        hint: msg("app.unknown.hint"),
      });

/**
 * The one among applications that is meant: by name or identifier, or where neither is given the only one, or the one that is called as
 * the first of its kind is. Undefined where there is none. Throws `usage` where there are several.
 */
export const chosenFrom = <Facts extends ApplicationFacts>(
  applications: readonly Facts[],
  name: string | undefined,
  usual: string,
): Facts | undefined => {
  const candidates = name === undefined ? applications : applications.filter((facts) => isNamed(facts, name));
  if (candidates.length <= 1) return candidates[0];
  const first = name === undefined ? candidates.filter((facts) => facts.name === usual) : [];
  if (first.length === 1) return first[0];
  const names = candidates.map((facts) => (name === undefined ? facts.name : facts.identifier)).join(", ");
  throw new MeshError("usage", msg("app.which", { names }), { hint: msg("app.which.hint") });
};

/** This home's copy of an application of a type, or undefined where it has none. Throws as `chosenFrom` and `readCopy` do. */
export const findLocal = (
  { context, keystore, state }: Session,
  type: ApplicationType | undefined,
  name: string | undefined,
  usual = "",
): Local | undefined => {
  const { home } = context;
  const all = listApplications(home, state.udf).filter((facts) => type === undefined || facts.type === type);
  const chosen = chosenFrom(all, name, usual);
  if (!chosen) return undefined;
  const copy = readCopy(home, keystore, state.udf, chosen.identifier);
  return copy && { copy, queue: readQueue(home, keystore, state.udf, chosen.identifier) };
};

/** The portal of the profile's account, opened once where it is needed, and closed by `close`. */
export const lazyPortal = (session: Session): { readonly reach: Reach; readonly close: () => Promise<void> } => {
  let opening: ReturnType<Reach> | undefined;
  return {
    reach: () =>
      (opening ??= (async () => {
        const { accountOf, openAccount } = await import("../session.js");
        return openAccount(session.context, accountOf(session.context, session.state));
      })()),
    close: async () => {
      const client = await opening?.catch(() => undefined);
      opening = undefined;
      await client?.close();
    },
  };
};

/** More texts than that are not looked for one by one. */
const MAX_TEXTS = 32;

/** In which segment an entry is. */
const placeOf = ({ segments }: ApplicationCopy, entry: string): KnownSegment | undefined =>
  segments.find((segment) => mayHaveRow(segment, [entry]) && segment.rows.some(([id]) => id === entry));

/** An application as this home has it, with the edits that wait. What it lacks of it is fetched, unless `offline`. */
export const openLocal = <Value extends object>(
  session: Session,
  kind: ApplicationKind<Value>,
  { copy, queue }: Local,
  offline: boolean,
): Application<Value> => {
  const owner = {
    type: kind.type,
    identifier: copy.identifier,
    owner: session.state.udf,
    key: decodeBase64url(copy.key),
  };
  const portal = lazyPortal(session);
  const contents = openSegments(session, owner, offline ? () => Promise.resolve(undefined) : portal.reach);
  const editsOf = new Map<string, Edit[]>();
  for (const edit of queue.edits) editsOf.set(edit.id, [...(editsOf.get(edit.id) ?? []), edit]);

  /**
   * The entries of the segments in which `wanted` holds for a row, and those that are only in the queue; edits applied. It holds for
   * none without one of `texts` in it, where these are given.
   */
  const read = async (
    wanted: (row: IndexRow) => boolean,
    ids: readonly string[],
    texts?: readonly string[],
  ): Promise<StoredEntry[]> => {
    const segments = texts ? copy.segments.filter((segment) => mayHaveRow(segment, texts)) : copy.segments;
    const rows = segments.map((segment) => ({ segment, found: segment.rows.filter(wanted).map(([id]) => id) }));
    const stored = new Map<string, StoredEntry>();
    try {
      for (const { segment, found } of rows) {
        if (found.length === 0) continue;
        const here = new Set(found);
        for (const entry of await contents.load(segment)) if (here.has(entry.Id)) stored.set(entry.Id, entry);
      }
    } finally {
      await portal.close();
    }
    const touched = new Set([...stored.keys(), ...ids]);
    const edits = [...touched].flatMap((id) => editsOf.get(id) ?? []);
    return edits.length === 0 ? [...stored.values()] : [...applyEdits(stored, edits).entries.values()];
  };

  const understood = async (stored: readonly StoredEntry[]): Promise<Entry<Value>[]> => {
    const found: Entry<Value>[] = [];
    let count = 0;
    for (const one of stored) {
      const { entry } = readEntry(kind, one);
      if (entry) found.push(entry);
      else count++;
    }
    if (count > 0) await session.context.note(msg("app.entries-not-understood", { name: copy.name, count }));
    return found;
  };

  /** Identifiers of entries whose queued value is found by a text. */
  const queued = (match: (labels: readonly string[]) => boolean): string[] =>
    [...editsOf]
      .filter(([, edits]) => edits.some(({ value }) => value && match(kind.label(value as Value))))
      .map(([id]) => id);

  return {
    identifier: copy.identifier,
    name: copy.name,
    type: copy.type,
    canWrite: copy.canWrite,
    queued: queue.edits.length,
    updated: copy.updated,
    entries: async (match, labels) => {
      if (!match) return understood(await read(() => true, [...editsOf.keys()]));
      const ids = queued(match);
      const isQueued = new Set(ids);
      const texts = labels && [...labels, ...ids];
      const stored = await read(
        ([id, , , ...own]) => isQueued.has(id) || match(own),
        ids,
        texts && texts.length <= MAX_TEXTS ? texts : undefined,
      );
      return understood(stored);
    },
    entry: async (id) => {
      const segment = placeOf(copy, id);
      const stored = new Map<string, StoredEntry>();
      try {
        const found = segment && (await contents.load(segment)).find(({ Id }) => Id === id);
        if (found) stored.set(id, found);
      } finally {
        await portal.close();
      }
      const edited = applyEdits(stored, editsOf.get(id) ?? []).entries.get(id);
      return edited && (await understood([edited]))[0];
    },
    rows: () => copy.segments.flatMap(({ rows }) => rows),
    conflicts: async () => {
      const edited = [...editsOf.keys()];
      const stored = await read((row) => isConflict(row) || editsOf.has(row[0]), edited);
      return understood(stored.filter(({ Others }) => Others !== undefined));
    },
  };
};

/** True for what makes it worth fetching an application again. */
export const isDamaged = (error: unknown): boolean => isMeshError(error, "state-corrupt");
