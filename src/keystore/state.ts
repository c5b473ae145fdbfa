import { join } from "node:path";
import * as v from "valibot";
import { MeshError } from "../errors.js";
import { SignedRecordSchema, type SignedRecord } from "../mesh/signed-record.js";
import { parseWith, SequenceSchema, Sha256Schema, TimeSchema, textSchema, UdfSchema } from "../mesh/schema.js";
import { isUdf, udfIn } from "../mesh/udf-text.js";
import { msg } from "../messages/message.js";
import { fileError } from "./durable.js";
import { ensureFolder, PROFILES, refuseNoFolder, syncEntry, type Home } from "./home.js";
import { readStored, writeStored, type Format } from "./stored.js";

/** An account of the profile. The first of a profile is authoritative and its default. */
export interface AccountState {
  account: string;
  portal: string;
}

/** A connection request of this device that has not been answered. */
export interface ConnectingState {
  account: string;
  portal: string;
  request: SignedRecord;
  code: string;
  requested: string;
  posted: boolean;
}

/** The newest recovery shares that were made. */
export interface RecoveryState {
  identifier: string;
  threshold: number;
  /** How many there are, where they were made on this device: shares themselves do not tell. */
  shares?: number;
  created: string;
}

/** A device as a home keeps it: its record, and which keys it has. */
export interface DeviceState {
  udf: string;
  record: SignedRecord;
  authenticationKey: string;
  encryptionKey: string;
  onlineSignatureKey: string;
}

/** New keys for this device, which count once the profile lists them in the place of the present ones. */
export interface RotationState {
  /** The device whose place is to be taken. It says nothing any more where this home is another device. */
  replaces: string;
  device: DeviceState;
  since: string;
  /** The request to an administrator; absent where this device makes the change itself. */
  asked?: ConnectingState;
  /** When it came to nothing. The keys stay a while, in case that an administrator has decided otherwise at that moment. */
  ended?: string;
}

/** The SSH key of a device. It says nothing any more where this home is another device. */
export interface SshState {
  device: string;
  key: string;
}

/** What was begun and must be finished, should the process have died on the way. */
export type Work =
  | { kind: "account-create"; account: string; portal: string; record: SignedRecord; since: string }
  | { kind: "publish"; record: SignedRecord; since: string }
  /** `epoch` is the master sequence of what has been made, and perhaps published. */
  | { kind: "recover"; since: string; epoch?: number }
  /** A device that is made for another machine. `id` is that of the bundle at `path`. */
  | {
      kind: "preconfigure";
      since: string;
      id: string;
      name: string;
      path: string;
      device: DeviceState;
      expires?: string;
    }
  /** The device with that fingerprint came in a bundle, so that its keys have been on another machine. */
  | { kind: "rotate"; since: string; device: string };

/** What a person asks about most, taken from a verified record, so that showing it needs no cryptography. */
export interface ProfileView {
  /** Hash of the record that it was taken from. */
  hash: string;
  masterSequence: number;
  sequence: number;
  updated: string;
  devices: { udf: string; name: string; admin: boolean; expires?: string }[];
}

/** Everything that this home knows of one profile, except private keys and pins. */
export interface ProfileState {
  version: 1;
  udf: string;
  name: string;
  created: string;
  device: DeviceState;
  accounts: AccountState[];
  record?: SignedRecord;
  view?: ProfileView;
  connecting?: ConnectingState;
  rotations?: RotationState[];
  ssh?: SshState;
  recovery?: RecoveryState;
  /** When the profile was revoked, where that happened from here. */
  revoked?: string;
  work: Work[];
}

const makeStateSchema = () => {
  // Loose objects: what a later version has written stays when this one rewrites the file.
  const account = { account: textSchema(1024), portal: textSchema(4096) };
  const since = { since: TimeSchema };
  const CountSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(1));

  const DeviceSchema = v.looseObject({
    udf: UdfSchema,
    record: SignedRecordSchema,
    authenticationKey: UdfSchema,
    encryptionKey: UdfSchema,
    onlineSignatureKey: UdfSchema,
  });

  const ConnectingSchema = v.looseObject({
    ...account,
    request: SignedRecordSchema,
    code: textSchema(64),
    requested: TimeSchema,
    posted: v.boolean(),
  });

  const WorkSchema = v.variant("kind", [
    v.looseObject({ kind: v.literal("account-create"), ...account, record: SignedRecordSchema, ...since }),
    v.looseObject({ kind: v.literal("publish"), record: SignedRecordSchema, ...since }),
    v.looseObject({ kind: v.literal("recover"), ...since, epoch: v.exactOptional(SequenceSchema) }),
    v.looseObject({
      kind: v.literal("preconfigure"),
      ...since,
      id: textSchema(64),
      name: textSchema(256),
      path: textSchema(4096),
      device: DeviceSchema,
      expires: v.exactOptional(TimeSchema),
    }),
    v.looseObject({ kind: v.literal("rotate"), ...since, device: UdfSchema }),
  ]);

  return v.looseObject({
    version: v.literal(1),
    udf: UdfSchema,
    name: textSchema(256),
    created: TimeSchema,
    device: DeviceSchema,
    accounts: v.array(v.looseObject(account)),
    record: v.exactOptional(SignedRecordSchema),
    view: v.exactOptional(
      v.looseObject({
        hash: Sha256Schema,
        masterSequence: SequenceSchema,
        sequence: SequenceSchema,
        updated: TimeSchema,
        devices: v.array(
          v.looseObject({
            udf: UdfSchema,
            name: textSchema(256),
            admin: v.boolean(),
            expires: v.exactOptional(TimeSchema),
          }),
        ),
      }),
    ),
    connecting: v.exactOptional(ConnectingSchema),
    rotations: v.exactOptional(
      v.array(
        v.looseObject({
          replaces: UdfSchema,
          device: DeviceSchema,
          ...since,
          asked: v.exactOptional(ConnectingSchema),
          ended: v.exactOptional(TimeSchema),
        }),
      ),
    ),
    ssh: v.exactOptional(v.looseObject({ device: UdfSchema, key: UdfSchema })),
    recovery: v.exactOptional(
      v.looseObject({
        identifier: textSchema(64),
        threshold: CountSchema,
        shares: v.exactOptional(CountSchema),
        created: TimeSchema,
      }),
    ),
    revoked: v.exactOptional(TimeSchema),
    work: v.array(WorkSchema),
  });
};

let stateSchema: ReturnType<typeof makeStateSchema> | undefined;

/** What the state of a profile looks like, in its file and in a backup. Made when it is used, which it is by few commands. */
export const profileStateSchema = (): ReturnType<typeof makeStateSchema> => (stateSchema ??= makeStateSchema());

const FORMAT: Format<ReturnType<typeof makeStateSchema>> = {
  get schema() {
    return profileStateSchema();
  },
  limit: 8 * 1024 * 1024,
  code: "state-corrupt",
  hint: msg("keystore.state-damaged.hint"),
};

const folderOf = (home: Home): string => join(home.path, PROFILES);

const pathOf = (home: Home, udf: string): string => {
  // Also keeps a path out of the file name.
  if (!isUdf(udf)) throw new MeshError("fingerprint-invalid", msg("keystore.fingerprint-not-canonical"));
  return join(folderOf(home), `${udf}.json`);
};

/** The state of a profile, or undefined. Throws `fingerprint-invalid`, `state-corrupt`, `keystore-version`, `io-failed`. */
export const readProfile = (home: Home, udf: string): ProfileState | undefined => {
  const path = pathOf(home, udf);
  const state = readStored(home, path, FORMAT);
  if (state && state.udf !== udf) {
    throw new MeshError("state-corrupt", msg("keystore.state-misnamed", { path }), { hint: FORMAT.hint });
  }
  return state;
};

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Names of the files in the folder of profiles, as they come. Throws `no-home` or `io-failed`. */
export const profileFiles = (home: Home): string[] => {
  const folder = folderOf(home);
  try {
    return (home.deps.fs.stat(folder) ? home.deps.fs.list(folder) : []).filter((name) => name.endsWith(".json"));
  } catch (cause) {
    refuseNoFolder(home, cause);
    throw fileError(cause, folder, "read");
  }
};

/** The profile in a file of that folder; undefined where the file has gone. Throws `state-corrupt` and what reading throws. */
export const readProfileFile = (home: Home, name: string): ProfileState | undefined => {
  const udf = name.slice(0, -".json".length);
  if (isUdf(udf)) return readProfile(home, udf);
  throw new MeshError("state-corrupt", msg("keystore.state-foreign", { path: join(folderOf(home), name) }), {
    hint: msg("keystore.state-foreign.hint"),
  });
};

/**
 * All profiles of a home, oldest first. Writes nothing. Throws `state-corrupt` where any file of a profile is damaged,
 * `keystore-version`, `keystore-permissions`, `io-failed`.
 */
export const listProfiles = (home: Home): ProfileState[] =>
  profileFiles(home)
    // A file may have been removed since the folder was listed.
    .flatMap((name) => readProfileFile(home, name) ?? [])
    .sort((a, b) => order(a.created, b.created) || order(a.udf, b.udf));

/** The profile with a fingerprint, in any spelling, or else with a name. Throws what `listProfiles` throws. */
export const findProfile = (home: Home, nameOrUdf: string): ProfileState | undefined => {
  const profiles = listProfiles(home);
  const udf = udfIn(nameOrUdf);
  const name = nameOrUdf.normalize("NFC");
  return profiles.find((state) => state.udf === udf) ?? profiles.find((state) => state.name === name);
};

/**
 * Replaces the state of a profile by what `change` makes of the current one, under the lock and durably; gives the new
 * state. `change` is given undefined where there is no such profile, and may throw to leave all as it is.
 */
export const updateProfile = (
  home: Home,
  udf: string,
  change: (state: ProfileState | undefined) => ProfileState,
): Promise<ProfileState> =>
  home.withLock(() => {
    const path = pathOf(home, udf);
    const before = readProfile(home, udf);
    const after = parseWith(profileStateSchema(), change(before), "internal", msg("keystore.what.new-state"));
    if (after.udf !== udf) throw new MeshError("internal", msg("keystore.new-state-misnamed"));
    if (!before) {
      ensureFolder(home.deps, folderOf(home));
      // The folder may be left from a run that was cut off before this.
      syncEntry(home.deps, folderOf(home));
    }
    writeStored(home, path, after, FORMAT.limit);
    return after;
  });

/** Forgets the state of a profile, under the lock and durably. One that is not there is no error. */
export const deleteProfile = (home: Home, udf: string): Promise<void> =>
  home.withLock(() => home.remove(pathOf(home, udf)));
