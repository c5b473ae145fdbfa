import { MeshError } from "../errors.js";
import { msg } from "../messages/message.js";
import { signRecord } from "./jose.js";
import {
  generateKey,
  publicKeyOf,
  publicKeyRecord,
  type KeyCertificates,
  type PrivateKey,
  type PublicKey,
  type PublicKeyRecord,
} from "./keys.js";
import { readDevice, type Device } from "./records/device.js";
import { readMaster, REVOCATION_SEQUENCE, type MasterProfile } from "./records/master.js";
import { MAX_DEVICES, readPersonal, type PersonalPayload, type PersonalProfile } from "./records/personal.js";

type Random = (length: number) => Uint8Array;

/** The private keys of one device: made there, and never leaving it. */
export interface DeviceKeys {
  readonly signature: PrivateKey;
  readonly authentication: PrivateKey;
  readonly encryption: PrivateKey;
  readonly online: PrivateKey;
}

export const generateDeviceKeys = (random: Random): DeviceKeys => ({
  signature: generateKey("device-signature", random),
  authentication: generateKey("device-authentication", random),
  encryption: generateKey("device-encryption", random),
  online: generateKey("online-signature", random),
});

/** The private keys that stand behind a person's identity. */
export interface MasterKeys {
  readonly signature: PrivateKey;
  readonly escrow: PrivateKey;
}

export const generateMasterKeys = (random: Random): MasterKeys => ({
  signature: generateKey("master-signature", random),
  escrow: generateKey("master-escrow", random),
});

/** RFC 3339 time in UTC with whole seconds, as records carry it. */
export const recordTime = (date: Date): string => date.toISOString().replace(/\.\d+Z$/, "Z");

/** Makes and signs a device profile (reference-10 section 10.2.2). `name` and `description` become public. */
export const createDevice = (keys: DeviceKeys, name: string, description: string, now: Date): Device =>
  readDevice(
    signRecord(
      keys.signature.kid,
      "DeviceProfile",
      {
        Identifier: keys.signature.kid,
        Names: [name],
        Updated: recordTime(now),
        ...(description === "" ? {} : { Description: description }),
        DeviceSignatureKey: publicKeyRecord(keys.signature),
        DeviceAuthenticationKey: publicKeyRecord(keys.authentication),
        DeviceEncryptiontionKey: publicKeyRecord(keys.encryption),
        OnlineSignatureKey: publicKeyRecord(keys.online),
      },
      keys.signature,
    ),
  );

/** What a new version of the master profile says. */
export interface MasterContent {
  readonly administrators: readonly Device[];
  readonly escrowKeys: readonly PublicKey[];
  /** What `certify` made for exactly these keys. Each version has its own; those of the version before are not kept. */
  readonly certificates?: KeyCertificates;
}

const certifiedKeyRecord = (key: PublicKey, certificates: KeyCertificates | undefined): PublicKeyRecord => ({
  ...publicKeyRecord(key),
  ...certificates?.get(key.udf),
});

/**
 * Makes and signs a master profile: the first, or the successor of `previous`, whose unknown members are kept.
 */
export const createMaster = (
  key: PrivateKey,
  content: MasterContent,
  now: Date,
  previous?: MasterProfile,
): MasterProfile =>
  readMaster(
    signRecord(
      key.kid,
      "MasterProfile",
      {
        ...previous?.payload,
        Identifier: key.kid,
        Updated: recordTime(now),
        Sequence: (previous?.sequence ?? 0) + 1,
        ...(previous && { Previous: previous.payloadHash }),
        MasterSignatureKey: certifiedKeyRecord(publicKeyOf(key), content.certificates),
        MasterEscrowKeys: content.escrowKeys.map((escrowKey) => certifiedKeyRecord(escrowKey, content.certificates)),
        OnlineSignatureKeys: content.administrators.map(({ onlineSignatureKey }) =>
          certifiedKeyRecord(onlineSignatureKey, content.certificates),
        ),
        Administrators: content.administrators.map(({ udf, onlineSignatureKey }) => ({
          DeviceUDF: udf,
          KeyUDF: onlineSignatureKey.udf,
        })),
      },
      key,
    ),
  );

/** Makes the note that ends a profile for good (the "suicide note" of reference-10 section 3.1). */
export const createRevocation = (key: PrivateKey, now: Date): MasterProfile =>
  readMaster(
    signRecord(
      key.kid,
      "MasterProfile",
      {
        Identifier: key.kid,
        Updated: recordTime(now),
        Sequence: REVOCATION_SEQUENCE,
        Revoked: recordTime(now),
        MasterSignatureKey: publicKeyRecord(key),
      },
      key,
    ),
  );

/** What a new version of the personal profile says; what is left out stays as it was. */
export interface PersonalChange {
  readonly names?: readonly string[];
  readonly devices?: readonly Device[];
  /** Names that the administrator gives to devices, by fingerprint. */
  readonly deviceNames?: Readonly<Record<string, string>>;
}

/** Absent means absent: a list without items is no member at all. */
const list = (name: string, items: readonly unknown[]): object => (items.length === 0 ? {} : { [name]: items });

const signPersonal = (
  key: PrivateKey,
  master: MasterProfile,
  change: PersonalChange,
  now: Date,
  previous: PersonalProfile | undefined,
): PersonalProfile => {
  const devices = change.devices ?? previous?.devices ?? [];
  if (devices.length > MAX_DEVICES) {
    throw new MeshError("too-large", msg("mesh.devices-many", { maximum: MAX_DEVICES }), {
      hint: msg("mesh.devices-many.hint"),
    });
  }
  const continues = previous?.master.hash === master.hash;
  const { Names, Previous, Devices, DeviceEntries, Applications, ...kept }: Partial<PersonalPayload> =
    previous?.payload ?? {};
  const listed = new Set(devices.map(({ udf }) => udf));
  const entries = (DeviceEntries ?? []).filter(({ DeviceUDF }) => listed.has(DeviceUDF));
  for (const [udf, name] of Object.entries(change.deviceNames ?? {})) {
    const entry = entries.find(({ DeviceUDF }) => DeviceUDF === udf);
    if (entry) entries[entries.indexOf(entry)] = { ...entry, Name: name };
    else entries.push({ DeviceUDF: udf, Name: name });
  }
  // A device that left is named by no application any more.
  const applications = (Applications ?? []).map(({ AdminDeviceUDF, DecryptDeviceUDF, ...entry }) => ({
    ...entry,
    ...list(
      "AdminDeviceUDF",
      (AdminDeviceUDF ?? []).filter((udf) => listed.has(udf)),
    ),
    ...list(
      "DecryptDeviceUDF",
      (DecryptDeviceUDF ?? []).filter((udf) => listed.has(udf)),
    ),
  }));
  return readPersonal(
    signRecord(
      master.udf,
      "PersonalProfile",
      {
        ...kept,
        Identifier: master.udf,
        ...list("Names", change.names ?? Names ?? []),
        Updated: recordTime(now),
        Sequence: continues ? previous.sequence + 1 : 1,
        ...(continues ? { Previous: previous.payloadHash } : {}),
        SignedMasterProfile: master.record,
        Devices: devices.map(({ record }) => record),
        ...list("DeviceEntries", entries),
        ...list("Applications", applications),
      },
      key,
    ),
  );
};

/** Makes the first personal profile under a master profile. */
export const createPersonal = (
  key: PrivateKey,
  master: MasterProfile,
  change: PersonalChange,
  now: Date,
): PersonalProfile => signPersonal(key, master, change, now, undefined);

/** Makes the next personal profile of the same epoch. Members this program does not know are kept. */
export const nextPersonal = (
  key: PrivateKey,
  previous: PersonalProfile,
  change: PersonalChange,
  now: Date,
): PersonalProfile => signPersonal(key, previous.master, change, now, previous);

/**
 * Makes a new epoch: the next master profile, and the first personal profile under it. Needs the master signature key.
 * `certificates` are those of the new master profile.
 */
export const nextEpoch = (
  masterKey: PrivateKey,
  key: PrivateKey,
  previous: PersonalProfile,
  administrators: readonly Device[],
  change: PersonalChange,
  now: Date,
  certificates?: KeyCertificates,
): PersonalProfile => {
  const content = { administrators, escrowKeys: previous.master.escrowKeys, ...(certificates && { certificates }) };
  return signPersonal(key, createMaster(masterKey, content, now, previous.master), change, now, previous);
};
