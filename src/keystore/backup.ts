import * as v from "valibot";
import { isMeshError, MeshError } from "../errors.js";
import { decodeUtf8, encodeBase64url, sha256, utf8 } from "../mesh/bytes.js";
import { parseStrictJson, parseStrictJsonOctets } from "../mesh/json.js";
import {
  KEY_USES,
  PrivateKeySchema,
  privateKeyObject,
  publicKeyRecord,
  readPublicKey,
  type KeyUse,
  type PrivateKey,
} from "../mesh/keys.js";
import { readDevice } from "../mesh/records/device.js";
import { readPersonal, type PersonalProfile } from "../mesh/records/personal.js";
import { parseWith, Sha256Schema, TimeSchema } from "../mesh/schema.js";
import { checkPin, compareVersions, pinOf } from "../mesh/succession.js";
import { msg, type Message } from "../messages/message.js";
import type { Home } from "./home.js";
import type { Keystore } from "./keystore.js";
import {
  comparePins,
  laterPin,
  laterLog,
  loadPins,
  PinsSchema,
  updatePins,
  type Pins,
  type PortalPin,
  type ProfilePin,
} from "./pins.js";
import { checkPassphrase, KdfSchema, passphraseKey, type Kdf } from "./protection.js";
import { seal, SealedSchema, unseal, type Binding, type Sealed } from "./seal.js";
import { profileStateSchema, readProfile, updateProfile, type ProfileState, type Work } from "./state.js";
import { kindOf, octetsSchema } from "./stored.js";

/** The longest content of a backup, and the longest file, in octets. The state of a profile alone may take 8 MiB. */
const CONTENT_LIMIT = 12 * 1024 * 1024;
export const BACKUP_LIMIT = 17 * 1024 * 1024;
const MAX_KEYS = 1024;

/** A private key in a backup. */
export interface BackupKey {
  readonly key: PrivateKey;
  readonly use: KeyUse;
  readonly created: string;
}

/** What a home keeps of one profile: what brings this very device back. `created` is when the backup was made. */
export interface Backup {
  readonly created: string;
  readonly state: ProfileState;
  readonly keys: readonly BackupKey[];
  /** Of this profile, and of the portals of its accounts. */
  readonly pins: Pins;
}

const ContentSchema = v.strictObject({
  profile: v.lazy(() => profileStateSchema()),
  keys: v.pipe(
    v.array(v.strictObject({ kid: v.string(), use: v.picklist(KEY_USES), created: TimeSchema, jwk: PrivateKeySchema })),
    v.maxLength(MAX_KEYS),
  ),
  pins: PinsSchema,
});

const FileSchema = v.strictObject({
  meshman: v.literal("profile-backup"),
  version: v.literal(1),
  created: TimeSchema,
  kdf: KdfSchema,
  sealed: v.strictObject({ ...SealedSchema.entries, ciphertext: octetsSchema(1, CONTENT_LIMIT) }),
  checksum: Sha256Schema,
});

/** A backup that has not been opened. */
export type BackupFile = v.InferOutput<typeof FileSchema>;

/** What can be told of any version. */
const VersionSchema = v.object({
  meshman: v.literal("profile-backup"),
  version: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
});

const invalid = (text: Message, cause?: unknown): MeshError =>
  new MeshError("backup-invalid", text, { hint: msg("backup.invalid.hint"), cause });

/** Everything in the file that the passphrase's owner must be able to rely on before it is opened. */
const bindingOf = (created: string, { name, N, r, p, salt }: Kdf): Binding => [
  "meshman/profile-backup",
  1,
  created,
  name,
  N,
  r,
  p,
  salt,
];

/** The one spelling of a file. The checksum, of all the rest, tells damage from a wrong passphrase; it protects nothing. */
const textOf = (created: string, { name, N, r, p, salt }: Kdf, { iv, ciphertext, tag }: Sealed): string => {
  const body = {
    meshman: "profile-backup",
    version: 1,
    created,
    kdf: { name, N, r, p, salt },
    sealed: { iv, ciphertext, tag },
  };
  const checksum = encodeBase64url(sha256(utf8(JSON.stringify(body))));
  return `${JSON.stringify({ ...body, checksum })}\n`;
};

/**
 * The text of a backup file, encrypted under a passphrase of its own. The caller wipes the passphrase.
 * Throws `passphrase-weak`, `usage` where the passphrase is not text, `too-large`.
 */
export const sealBackup = async (
  { created, state, keys, pins }: Backup,
  passphrase: Buffer,
  random: (length: number) => Buffer,
): Promise<string> => {
  checkPassphrase(passphrase);
  const content = {
    profile: state,
    keys: keys.map(({ key, use, created: made }) => ({ kid: key.kid, use, created: made, jwk: key })),
    pins,
  };
  const plaintext = utf8(JSON.stringify(content));
  try {
    if (plaintext.length > CONTENT_LIMIT) throw new MeshError("too-large", msg("backup.too-large"));
    const kdf: Kdf = { name: "scrypt", N: 2 ** 17, r: 8, p: 1, salt: encodeBase64url(random(32)) };
    const key = await passphraseKey(passphrase, kdf);
    const sealed = seal(plaintext, key, bindingOf(created, kdf), random);
    key.fill(0);
    return textOf(created, kdf, sealed);
  } finally {
    plaintext.fill(0);
  }
};

/** Line ends that a file may have gained or lost on its way. */
const withoutEnd = (text: string): string => text.replace(/\r?\n$/, "");

/**
 * Reads a backup file without opening it. `path` is for messages. Throws `backup-invalid` where it is no backup, damaged, or
 * asks for a key derivation out of bounds, and `keystore-version` where a newer program made it.
 */
export const readBackup = (octets: Buffer, path: string): BackupFile => {
  const what = msg("keystore.what.file", { path });
  try {
    const text = decodeUtf8(octets);
    const value = parseStrictJson(text);
    if (kindOf(value) === "device-bundle") {
      throw new MeshError("backup-invalid", msg("backup.is-bundle", { path }), { hint: msg("backup.is-bundle.hint") });
    }
    const { version } = parseWith(VersionSchema, value, "backup-invalid", what);
    if (version > 1) {
      throw new MeshError("keystore-version", msg("keystore.file-newer", { path, version }), {
        hint: msg("keystore.file-newer.hint"),
      });
    }
    const file = parseWith(FileSchema, value, "backup-invalid", what);
    if (withoutEnd(textOf(file.created, file.kdf, file.sealed)) !== withoutEnd(text)) {
      throw invalid(msg("backup.damaged", { path }));
    }
    return file;
  } catch (cause) {
    if (isMeshError(cause, "json-invalid")) throw invalid(msg("backup.none", { path }), cause);
    if (isMeshError(cause, "backup-invalid") && !cause.hint) throw invalid(cause.text, cause);
    throw cause;
  }
};

/**
 * Opens a backup and checks all that is in it: that each key is what it is called, that the device's keys are there, and that
 * the records verify. The caller wipes the passphrase. Throws `wrong-passphrase`, `usage`, `backup-invalid`.
 */
export const openBackup = async ({ created, kdf, sealed }: BackupFile, passphrase: Buffer): Promise<Backup> => {
  const key = await passphraseKey(passphrase, kdf);
  let plaintext: Buffer;
  try {
    plaintext = unseal(sealed, key, bindingOf(created, kdf));
  } catch (cause) {
    if (!isMeshError(cause, "decryption-failed")) throw cause;
    throw new MeshError("wrong-passphrase", msg("backup.passphrase-wrong"), { cause });
  } finally {
    key.fill(0);
  }
  try {
    const what = msg("backup.what.content");
    const content = parseWith(ContentSchema, parseStrictJsonOctets(plaintext), "backup-invalid", what);
    const keys = content.keys.map(({ kid, use, created: made, jwk }) => {
      privateKeyObject(jwk);
      readPublicKey(publicKeyRecord(jwk), use);
      if (kid !== jwk.kid) throw invalid(msg("backup.key-misnamed"));
      return { key: jwk, use, created: made };
    });
    checkContent(content.profile, keys);
    return { created, state: content.profile, keys, pins: ownPins(content.pins, content.profile) };
  } catch (cause) {
    // What is authentic and yet wrong was made so; the reason is one of the Mesh's, whatever its code.
    throw isMeshError(cause) ? invalid(cause.text, cause) : cause;
  } finally {
    plaintext.fill(0);
  }
};

/** The keys without which a device is none. */
const neededKeys = ({ device }: ProfileState): readonly string[] => [
  device.udf,
  device.authenticationKey,
  device.encryptionKey,
  device.onlineSignatureKey,
];

const checkContent = (state: ProfileState, keys: readonly BackupKey[]): void => {
  const kids = keys.map(({ key }) => key.kid);
  if (new Set(kids).size !== kids.length || !neededKeys(state).every((kid) => kids.includes(kid))) {
    throw invalid(msg("backup.keys-incomplete"));
  }
  checkRecords(state);
};

/** Verifies the records of a state, since they are kept without anything that protects them. */
const checkRecords = (state: ProfileState): void => {
  const isOwn =
    readDevice(state.device.record).udf === state.device.udf &&
    (state.record === undefined || readPersonal(state.record).udf === state.udf);
  if (!isOwn) throw new MeshError("record-invalid", msg("backup.other-records"));
};

/** The part of the pins that is about a profile. */
const ownPins = ({ profiles, portals }: Pins, { udf, accounts, connecting }: ProfileState): Pins => {
  const urls = new Set([...accounts, ...(connecting ? [connecting] : [])].map(({ portal }) => portal));
  const pin = profiles[udf];
  return {
    profiles: pin ? { [udf]: pin } : {},
    portals: Object.fromEntries(Object.entries(portals).filter(([url]) => urls.has(url))),
  };
};

/**
 * Everything that a home keeps of a profile. Read under the lock where there may be one, so that its parts belong together; a
 * home that is read-only nobody changes. Throws `profile-not-found`, `record-not-found` where a key of the device is missing,
 * `decryption-failed`, `pins-tampered`, what verifying the kept records throws, and what reading the files throws.
 */
export const collectBackup = async (home: Home, keystore: Keystore, udf: string): Promise<Backup> => {
  const collect = (): Backup => {
    const state = readProfile(home, udf);
    if (!state) throw new MeshError("profile-not-found", msg("profile.deleted-meanwhile"));
    // A backup that cannot be opened again is none.
    checkRecords(state);
    const facts = keystore.facts.filter(({ profile }) => profile === udf);
    const missing = neededKeys(state).find((kid) => !facts.some((fact) => fact.kid === kid));
    if (missing !== undefined) {
      throw new MeshError("record-not-found", msg("backup.key-missing", { kid: missing }), {
        hint: msg("backup.key-missing.hint"),
      });
    }
    const keys = facts.map(({ kid, use, created }) => ({ key: keystore.get(kid, use), use, created }));
    const pins = ownPins(loadPins(home, keystore), state);
    return { created: home.deps.now().toISOString(), state, keys, pins };
  };
  try {
    return await home.withLock(collect);
  } catch (error) {
    if (isMeshError(error, "read-only")) return collect();
    throw error;
  }
};

/** The kept record of a state, where it is one of its profile. One that was tampered with is as good as none. */
export const recordOf = ({ record, udf }: ProfileState): PersonalProfile | undefined => {
  try {
    const profile = record && readPersonal(record);
    return profile?.udf === udf ? profile : undefined;
  } catch (error) {
    if (isMeshError(error)) return undefined;
    throw error;
  }
};

const forked = (cause?: unknown): MeshError =>
  new MeshError("fork", msg("backup.fork"), { hint: msg("mesh.fork.hint"), cause });

/** Throws `fork` where a version cannot have come after the pinned one. */
const refuseFork = (profile: PersonalProfile, pin: ProfilePin): void => {
  try {
    checkPin(profile, pin);
  } catch (error) {
    throw isMeshError(error, "fork") ? forked(error) : error;
  }
};

/** Throws `fork` where two pins are of one age and differ. */
const refuseForkedPins = (here: ProfilePin, brought: ProfilePin): void => {
  if (comparePins(here, brought) === 0 && here.hash !== brought.hash) throw forked();
};

const laterPortal = (here: PortalPin | undefined, brought: PortalPin): PortalPin => {
  const log = laterLog(here?.log, brought.log);
  return {
    wrapping: here?.wrapping ?? brought.wrapping,
    extensions: [...new Set([...(here?.extensions ?? []), ...brought.extensions])].sort(),
    ...(log && { log }),
  };
};

/** Pins that are never behind those of either side. Throws `fork`. */
const mergePins = (here: Pins, brought: Pins, udf: string): Pins => {
  const [mine, theirs] = [here.profiles[udf], brought.profiles[udf]];
  if (mine && theirs) refuseForkedPins(mine, theirs);
  const pin = theirs ? laterPin(mine, theirs) : mine;
  const portals = Object.entries(brought.portals).map(
    ([url, portal]) => [url, laterPortal(here.portals[url], portal)] as const,
  );
  return {
    profiles: { ...here.profiles, ...(pin ? { [udf]: pin } : {}) },
    portals: { ...here.portals, ...Object.fromEntries(portals) },
  };
};

/** Work on the profile as it is known best, and what belongs to the devices whose keys are here. */
const mergeWork = (known: ProfileState, brought: ProfileState, here: ProfileState | undefined): Work[] => {
  const ofDevices = (state: ProfileState | undefined, kind: Work["kind"]): Work[] =>
    (state?.work ?? []).filter((work) => work.kind === kind);
  const made = [...ofDevices(brought, "preconfigure"), ...ofDevices(here, "preconfigure")];
  return [
    ...known.work.filter(({ kind }) => kind !== "rotate" && kind !== "preconfigure"),
    ...ofDevices(brought, "rotate"),
    ...new Map(made.map((work) => [work.kind === "preconfigure" ? work.id : "", work])).values(),
  ];
};

/** Rotations that are under way. One of another device says nothing, but its keys must not be lost. */
const mergeRotations = (brought: ProfileState, here: ProfileState | undefined): Pick<ProfileState, "rotations"> => {
  const all = [...(here?.rotations ?? []), ...(brought.rotations ?? [])];
  const rotations = [...new Map(all.map((rotation) => [rotation.device.udf, rotation])).values()];
  return rotations.length === 0 ? {} : { rotations };
};

/**
 * The state with the device of the backup, and with whatever is known best of the profile. A record behind the pin is left
 * out, as on a device that has not seen the profile yet: the next look at a portal brings the newest. Throws `fork`.
 */
const mergeStates = (
  brought: ProfileState,
  here: ProfileState | undefined,
  pin: ProfilePin | undefined,
): ProfileState => {
  const [mine, theirs] = [here && recordOf(here), recordOf(brought)];
  const isHereNewer = here !== undefined && mine !== undefined && (!theirs || compareVersions(mine, theirs) >= 0);
  const [newer, older] = isHereNewer ? [mine, theirs] : [theirs, mine];
  if (newer && older) refuseFork(newer, pinOf(older));
  const isBehind = newer !== undefined && pin !== undefined && comparePins(pinOf(newer), pin) < 0;
  if (newer && pin && !isBehind) refuseFork(newer, pin);
  const known = isHereNewer ? here : brought;
  const { record: _record, view: _view, revoked: _revoked, ssh: _ssh, ...rest } = brought;
  // The SSH key may have been made after the backup, and is lost where nothing speaks of it.
  const ssh = [here?.ssh, brought.ssh].find((key) => key?.device === brought.device.udf);
  const revoked = here?.revoked ?? brought.revoked;
  const recovery = known.recovery ?? here?.recovery ?? brought.recovery;
  return {
    ...rest,
    accounts: known.accounts,
    work: mergeWork(known, brought, here),
    ...mergeRotations(brought, here),
    ...(known.record && !isBehind ? { record: known.record, ...(known.view ? { view: known.view } : {}) } : {}),
    ...(recovery ? { recovery } : {}),
    ...(ssh ? { ssh } : {}),
    ...(revoked === undefined ? {} : { revoked }),
  };
};

/**
 * Writes a backup into a home: keys first, then pins, then the state, so that it can be run again wherever it was killed.
 * Pins never go back, and a newer record that is here stays. `finish` is given the state to come, and what is here of the
 * profile, if anything; it gives that state its name, and may throw to leave all as it is. Gives what was written, and whether
 * something was here. Throws `fork` where the backup and this home have seen different versions of one age, `conflict`, and
 * what `withLock` throws.
 */
export const restoreBackup = (
  home: Home,
  keystore: Keystore,
  backup: Backup,
  finish: (state: ProfileState, here: ProfileState | undefined) => ProfileState,
): Promise<{ readonly state: ProfileState; readonly replaced: boolean }> =>
  home.withLock(async () => {
    const { udf } = backup.state;
    const here = readProfile(home, udf);
    const pins = mergePins(loadPins(home, keystore), backup.pins, udf);
    const state = finish(mergeStates(backup.state, here, pins.profiles[udf]), here);
    await keystore.add(backup.keys.map(({ key, use, created }) => ({ key, use, created, profile: udf })));
    await updatePins(home, keystore, (current) => mergePins(current, backup.pins, udf));
    await updateProfile(home, udf, () => state);
    return { state, replaced: here !== undefined };
  });
