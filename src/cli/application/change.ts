import { publishHead } from "../../client/application.js";
import { isMeshError, MeshError } from "../../errors.js";
import { readQueue, updateQueue } from "../../keystore/application-store.js";
import {
  MAX_ENTRIES,
  MAX_VALUE,
  newId,
  newStamp,
  valueSize,
  type Edit,
  type Entry,
} from "../../mesh/application/entry.js";
import { createHead, newApplicationKey, newIdentifier } from "../../mesh/application/head.js";
import type { ApplicationKind, ApplicationType } from "../../mesh/application/kind.js";
import type { PrivateKey } from "../../mesh/keys.js";
import { nextPersonal, recordTime } from "../../mesh/profile.js";
import { isLapsed, type ApplicationEntry, type PersonalProfile } from "../../mesh/records/personal.js";
import { msg } from "../../messages/message.js";
import { changeProfile, withClient, type Change as ProfileChange } from "../change.js";
import { checkName } from "../names.js";
import { accountOf, administrationKey, follow, openAccount, rememberPortal, type Session } from "../session.js";
import { isUnreachable, type Application, type Change, type Changed } from "./application.js";
import { applicationName, mayRead } from "./grants.js";
import { applicationNotFound, chosenFrom, findLocal, openLocal, type Local } from "./open.js";
import { tokenFor } from "./publish.js";
import { currentEntries, factsOf, syncApplication } from "./sync.js";

/** Fetches an application that this home does not have. Undefined where the profile has none that is meant. */
export const fetchApplication = async (
  session: Session,
  type: ApplicationType,
  usual: string,
  name: string | undefined,
): Promise<Local | undefined> => {
  const entries = await currentEntries(session, type);
  // Where nobody says which, one that this device may not read is meant only where there is no other.
  const readable = name === undefined ? entries.filter((entry) => mayRead(entry, session.state.device.udf)) : [];
  const chosen = chosenFrom((readable.length > 0 ? readable : entries).map(factsOf), name, usual);
  if (!chosen) return undefined;
  await syncApplication(session, chosen.identifier);
  return findLocal(session, type, chosen.identifier);
};

/** The application with a type and a name. */
export const namedEntry = (personal: PersonalProfile, name: string, type?: string): ApplicationEntry | undefined =>
  personal.applications.find(
    (entry) => (type === undefined || entry.Type === type) && applicationName(entry).normalize("NFC") === name,
  );

/** The key that signs a new application. To do the same on another device would not help: there it is made first. */
const creationKey = (session: Session, personal: PersonalProfile): PrivateKey => {
  try {
    return administrationKey(session, personal);
  } catch (error) {
    if (!isMeshError(error, "not-administrator")) throw error;
    throw new MeshError(error.code, error.text, { hint: msg("app.none.hint"), cause: error });
  }
};

/**
 * Makes an application: publishes its empty head, and then names it in the profile, with all devices that the profile has. Where another
 * administrator has made the same at the same time that one is taken, unless `mustBeNew`. Throws `not-administrator`,
 * `application-exists`, `usage` for a name that is none, `account-not-found`, and what publishing throws.
 */
export const createApplication = async (
  session: Session,
  type: ApplicationType,
  text: string,
  mustBeNew = false,
): Promise<Local> => {
  const { context, state } = session;
  const { deps } = context;
  const name = checkName(text, "application");
  const random = (length: number): Buffer => deps.random(length);
  const identifier = newIdentifier(random);
  const account = accountOf(context, state);
  const isTaken = (personal: PersonalProfile): boolean => namedEntry(personal, name) !== undefined;
  const exists = (): MeshError =>
    new MeshError("application-exists", msg("app.exists", { name }), { hint: msg("app.exists.hint") });

  const made = await withClient(openAccount(context, account), async (client) => {
    const personal = await follow(session, client, account.account);
    const signer = creationKey(session, personal);
    if (isTaken(personal)) return undefined;
    const devices = personal.devices.filter(({ udf }) => !isLapsed(personal, udf, deps.now())).map(({ udf }) => udf);
    const entry = {
      Identifier: identifier,
      Type: type,
      Friendly: name,
      AdminDeviceUDF: devices,
      DecryptDeviceUDF: devices,
    };
    const key = newApplicationKey(random);
    const head = await createHead(
      signer,
      {
        type,
        identifier,
        owner: personal,
        entry,
        key,
        entries: 0,
        segments: [],
        notaryToken: await tokenFor(session, client),
      },
      deps.now(),
    );
    await publishHead(client, head, session.authenticationKey);
    if (client.log) await rememberPortal(session, client);
    // Nothing is kept at home before the profile names it: a copy of what nobody knows would be written to, and then be forgotten.
    return { entry };
  });
  if (!made && mustBeNew) throw exists();

  const change: ProfileChange = (current, notaryToken) => {
    if (!made || isTaken(current)) return undefined;
    const listed = new Set(current.devices.map(({ udf }) => udf));
    const staying = (udfs: readonly string[]): string[] => udfs.filter((udf) => listed.has(udf));
    const entry = {
      ...made.entry,
      AdminDeviceUDF: staying(made.entry.AdminDeviceUDF),
      DecryptDeviceUDF: staying(made.entry.DecryptDeviceUDF),
    };
    return nextPersonal(
      administrationKey(session, current),
      current,
      { applications: [...current.applications, entry], notaryToken },
      deps.now(),
    );
  };
  // Where no answer comes it may be named all the same; then the next sync fetches it.
  const after = await changeProfile(session, change);
  if (mustBeNew && namedEntry(after, name)?.Identifier !== identifier) throw exists();
  const entry = namedEntry(after, name, type);
  if (!entry) throw exists();
  // Also brings it to the further accounts, and what another device has made of it meanwhile.
  await syncApplication(session, entry.Identifier);
  const local = findLocal(session, type, entry.Identifier);
  if (!local) throw applicationNotFound(name);
  return local;
};

/** True where a change leaves a secret as it was that somebody who has gone may have seen. */
const staysExposed = <Value extends object>(
  kind: ApplicationKind<Value>,
  before: Entry<Value>,
  after: Value,
): boolean => {
  if (before.exposed.length === 0 || !kind.secrets) return false;
  const known = new Set(kind.secrets(before.value));
  return kind.secrets(after).some((secret) => known.has(secret));
};

const entryMissing = (id: string): MeshError =>
  new MeshError("entry-not-found", msg("app.entry-unknown", { entry: JSON.stringify(id.slice(0, 64)) }), {
    hint: msg("app.entry-unknown.hint"),
  });

/** Changes as edits on top of what this device has. */
const editsOf = async <Value extends object>(
  session: Session,
  kind: ApplicationKind<Value>,
  application: Application<Value>,
  changes: readonly Change<Value>[],
): Promise<Edit[]> => {
  const { context, state } = session;
  const { deps } = context;
  const random = (length: number): Buffer => deps.random(length);
  const updated = recordTime(deps.now());
  const edits: Edit[] = [];
  /** What earlier changes of this very call have made of entries. */
  const stamps = new Map<string, string>();
  for (const change of changes) {
    const stamp = newStamp(random);
    const version = {
      stamp,
      updated,
      device: state.device.udf,
      ...(change.settles && change.settles.length > 0 && { settles: [...change.settles] }),
    };
    if (!("remove" in change) && change.id === undefined) {
      const id = newId(random);
      edits.push({ id, base: undefined, ...version, value: change.put });
      stamps.set(id, stamp);
      continue;
    }
    const known = "remove" in change ? change.remove : (change.id ?? "");
    const before = await application.entry(known);
    const base = stamps.get(known) ?? before?.stamp;
    if (base === undefined && !("orNew" in change)) throw entryMissing(known);
    const value = "put" in change ? change.put : undefined;
    const stays = value !== undefined && before !== undefined && staysExposed(kind, before, value);
    edits.push({ id: known, base, ...version, value, ...(stays && { staysExposed: true }) });
    stamps.set(known, stamp);
  }
  return edits;
};

/** Refuses what no head could hold: it would wait for ever, and keep everything behind it from being published. */
const refuseTooLarge = (application: Pick<Application<object>, "rows" | "name">, edits: readonly Edit[]): void => {
  if (edits.some(({ value }) => value !== undefined && valueSize(value) > MAX_VALUE)) {
    throw new MeshError("too-large", msg("app.entry-large", { maximum: MAX_VALUE }));
  }
  const added = edits.filter(({ base }) => base === undefined).length;
  if (added > 0 && application.rows().length + added > MAX_ENTRIES) {
    throw new MeshError("too-large", msg("app.entries-many", { name: application.name, maximum: MAX_ENTRIES }));
  }
};

/** Keeps changes durably, and synchronises unless `offline`. Throws as `changeApplication` does. */
export const applyChanges = async <Value extends object>(
  session: Session,
  kind: ApplicationKind<Value>,
  application: Application<Value>,
  changes: readonly Change<Value>[],
  offline: boolean,
): Promise<Changed<Value>> => {
  const { context, keystore, state } = session;
  const { home } = context;
  const { identifier, name } = application;
  const local = (): Local => {
    const found = findLocal(session, kind.type, identifier);
    if (!found) throw applicationNotFound(name);
    return found;
  };
  const result = (synced: boolean, edits: readonly Edit[], conflicts: readonly string[]): Changed<Value> => ({
    application: openLocal(session, kind, local(), offline),
    synced,
    ids: edits.map(({ id }) => id),
    conflicts,
  });
  if (changes.length === 0) return { application, synced: true, ids: [], conflicts: [] };
  if (!application.canWrite) {
    throw new MeshError("application-denied", msg("app.read-only", { name }), { hint: msg("app.read-only.hint") });
  }
  const edits = await editsOf(session, kind, application, changes);
  refuseTooLarge(application, edits);
  await updateQueue(home, keystore, state.udf, identifier, (queue) => ({
    ...queue,
    edits: [...queue.edits, ...edits],
  }));
  if (offline) return result(false, edits, []);
  try {
    const { met } = await syncApplication(session, identifier);
    const own = new Set(edits.map(({ id }) => id));
    return result(
      true,
      edits,
      met.filter((id) => own.has(id)),
    );
  } catch (error) {
    const { edits: waiting } = readQueue(home, keystore, state.udf, identifier);
    if (!isUnreachable(error)) {
      // Whoever is refused must know that it is not lost, and goes out once what is wrong is mended.
      if (waiting.some(({ stamp }) => edits.some((edit) => edit.stamp === stamp))) {
        await context.note(msg("app.kept", { name }));
      }
      throw error;
    }
    await context.note(msg("app.queued", { name, count: waiting.length, reason: error.text }));
    return result(false, edits, []);
  }
};
