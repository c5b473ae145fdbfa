import { exitStatus, isMeshError, type MeshError } from "../../errors.js";
import type { IndexRow } from "../../keystore/application-store.js";
import type { ApplicationKind } from "../../mesh/application/kind.js";
import type { Entry } from "../../mesh/application/entry.js";
import { msg } from "../../messages/message.js";
import type { Session } from "../session.js";
import type { Settled } from "./settled.js";
import { applicationNotFound, findLocal, isDamaged, openLocal, type Local } from "./open.js";

/** An application as this home has it, its own queued edits applied. */
export interface Application<Value extends object> {
  readonly identifier: string;
  readonly name: string;
  readonly type: string;
  /** As it stood when this home looked last. */
  readonly canWrite: boolean;
  /** Edits of this device that no portal has yet. */
  readonly queued: number;
  /** Of the head that is known. */
  readonly updated: string;
  /**
   * Entries, this device's queued edits applied. With `match` only segments that hold a match (by their labels) are opened. With
   * `labels`, of which every match has one, it is found faster.
   */
  entries(match?: (labels: readonly string[]) => boolean, labels?: readonly string[]): Promise<readonly Entry<Value>[]>;
  entry(id: string): Promise<Entry<Value> | undefined>;
  /** The index of what is known, without queued edits and without opening anything. */
  rows(): readonly IndexRow[];
  /** The entries of which there are several versions. */
  conflicts(): Promise<readonly Entry<Value>[]>;
}

export interface ApplicationOptions {
  /** `--app`: which one, where there are several of a type. */
  readonly name?: string | undefined;
  /** Makes one where there is none, which only an administration device can. */
  readonly create?: boolean;
  readonly offline?: boolean;
}

/**
 * One change. Without `id` a new entry is made, and with `orNew` also where there is none of that identifier. `settles` are
 * stamps of versions in conflict that it takes the place of.
 */
export type Change<Value extends object> =
  | { readonly put: Value; readonly id?: string; readonly orNew?: true; readonly settles?: readonly string[] }
  | { readonly remove: string; readonly settles?: readonly string[] };

export interface Changed<Value extends object> {
  /** As it is afterwards. */
  readonly application: Application<Value>;
  /** False where the change waits at home. */
  readonly synced: boolean;
  /** Of the entries that were changed, in the order of the changes. */
  readonly ids: readonly string[];
  /** Identifiers of entries in which a change met a version of which this device did not know. */
  readonly conflicts: readonly string[];
}

/** What a sync has done for one application. */
export interface SyncReport {
  readonly identifier: string;
  readonly name: string;
  readonly type: string;
  /** Entries that came, were changed or went since this home looked last. */
  readonly received: number;
  /** Edits of this device that are published. */
  readonly sent: number;
  /** Edits of this device that still wait. */
  readonly waiting: number;
  /** Identifiers of entries of which there are several versions. */
  readonly conflicts: readonly string[];
  /** Those of them in which an edit of this device has just met another version. */
  readonly met: readonly string[];
  readonly sequence: number;
  /** What was done to bring it in line with the profile, where something was. */
  readonly settled?: Settled["outcome"];
  /** What went wrong, where something did. */
  readonly error?: MeshError;
}

/** True where the portal cannot be reached, or has no time: what is queued waits for another time. */
export const isUnreachable = (error: unknown): error is MeshError =>
  isMeshError(error) && (exitStatus(error.code) === 6 || error.code === "rate-limited");

/** This home's copy of an application of a kind. A damaged one is none, where it can be fetched again. */
const localOf = async <Value extends object>(
  session: Session,
  kind: ApplicationKind<Value>,
  { name, offline = false }: ApplicationOptions,
): Promise<Local | undefined> => {
  try {
    return findLocal(session, kind.type, name, kind.name);
  } catch (error) {
    if (offline || !isDamaged(error)) throw error;
    await session.context.note(msg("app.fetched-again", { reason: (error as MeshError).text }));
    return undefined;
  }
};

/** The same; where there is none it is fetched from the portal first. Undefined where the profile has none that is meant. */
const fetchedOf = async <Value extends object>(
  session: Session,
  kind: ApplicationKind<Value>,
  options: ApplicationOptions,
): Promise<Local | undefined> => {
  const local = await localOf(session, kind, options);
  if (local || options.offline === true) return local;
  const { fetchApplication } = await import("./change.js");
  return fetchApplication(session, kind.type, kind.name, options.name);
};

/**
 * Opens this home's copy of an application; where there is none it is fetched first. Throws `application-not-found`, `application-denied`,
 * `usage` where it is not clear which one is meant, `state-corrupt`, and what fetching throws.
 */
export const openApplication = async <Value extends object>(
  session: Session,
  kind: ApplicationKind<Value>,
  options: ApplicationOptions,
): Promise<Application<Value>> => {
  const { name, create = false, offline = false } = options;
  const local = await fetchedOf(session, kind, options);
  if (local) return openLocal(session, kind, local, offline);
  if (!create || offline) throw applicationNotFound(name);
  const { createApplication } = await import("./change.js");
  return openLocal(session, kind, await createApplication(session, kind.type, name ?? kind.name), offline);
};

/**
 * Calls `change` with this home's copy (fetched first where there is none; made with `create`), keeps what it answers durably, and
 * synchronises unless `offline`. Where the portal cannot be reached the changes wait, and a note says so. Throws as `openApplication`
 * does, `entry-not-found`, `application-denied` where this device may not change it, and what publishing throws: then too the changes
 * wait.
 */
export const changeApplication = async <Value extends object>(
  session: Session,
  kind: ApplicationKind<Value>,
  options: ApplicationOptions,
  change: (application: Application<Value>) => Promise<readonly Change<Value>[]>,
): Promise<Changed<Value>> => {
  const application = await openApplication(session, kind, options);
  const changes = await change(application);
  const { applyChanges } = await import("./change.js");
  return applyChanges(session, kind, application, changes, options.offline === true);
};

/** Brings one application up to date, by its identifier. Throws what went wrong. */
export const syncApplication = async (session: Session, identifier: string): Promise<SyncReport> =>
  (await import("./sync.js")).syncApplication(session, identifier);

/** Brings every application that this device may read up to date, or the one that is named; see `sync.ts`. */
export const syncApplications = async (
  session: Session,
  options: { readonly name?: string | undefined } = {},
): Promise<readonly SyncReport[]> => (await import("./sync.js")).syncApplications(session, options);
