import { MeshError } from "../errors.js";
import { msg, type Message } from "../messages/message.js";
import { handedOn, keptInvites } from "./invite.js";
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
import { readDevice, type Device, type Invitation, type Replaces } from "./records/device.js";
import { readMaster, REVOCATION_SEQUENCE, type MasterPayload, type MasterProfile } from "./records/master.js";
import {
  administrationDevices,
  deviceName,
  findDevice,
  isAdministrator,
  MAX_APPLICATIONS,
  MAX_DEVICES,
  MAX_INVITES,
  readPersonal,
  type ApplicationEntry,
  type DeviceEntry,
  type Invite,
  type PersonalPayload,
  type PersonalProfile,
} from "./records/personal.js";
import { checkRotation } from "./rotation.js";
import { hasCome, recordTime } from "./schema.js";

export { recordTime } from "./schema.js";

type Random = (length: number) => Uint8Array;

const member = (name: string, value: string | undefined): object => (value === undefined ? {} : { [name]: value });

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

/** What a device profile says beyond its keys, where it was made for an invite or in the place of an older device. */
export interface DeviceClaims {
  readonly invitation?: Invitation | undefined;
  readonly replaces?: Replaces | undefined;
  /** The newest checkpoint that the device has seen of the portal where it asks. */
  readonly notaryToken?: string | undefined;
}

/** Makes and signs a device profile (reference-10 section 10.2.2). `name` and `description` become public, and so do `claims`. */
export const createDevice = (
  keys: DeviceKeys,
  name: string,
  description: string,
  now: Date,
  { invitation, replaces, notaryToken }: DeviceClaims = {},
): Device =>
  readDevice(
    signRecord(
      keys.signature.kid,
      "DeviceProfile",
      {
        Identifier: keys.signature.kid,
        Names: [name],
        Updated: recordTime(now),
        ...member("NotaryToken", notaryToken),
        ...(description === "" ? {} : { Description: description }),
        DeviceSignatureKey: publicKeyRecord(keys.signature),
        DeviceAuthenticationKey: publicKeyRecord(keys.authentication),
        DeviceEncryptiontionKey: publicKeyRecord(keys.encryption),
        OnlineSignatureKey: publicKeyRecord(keys.online),
        ...(invitation && { Invitation: invitation }),
        ...(replaces && { Replaces: replaces }),
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
  readonly notaryToken?: string | undefined;
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
): MasterProfile => {
  const { NotaryToken: _, ...kept }: Partial<MasterPayload> = previous?.payload ?? {};
  return readMaster(
    signRecord(
      key.kid,
      "MasterProfile",
      {
        ...kept,
        Identifier: key.kid,
        Updated: recordTime(now),
        ...member("NotaryToken", content.notaryToken),
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
};

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

/** A device that takes the place of another, with its name, its expiry, its applications and, in a new epoch, its rights. */
export interface Replacement {
  readonly old: string;
  readonly device: Device;
}

/** What a new version of the personal profile says; what is left out stays as it was. */
export interface PersonalChange {
  readonly names?: readonly string[];
  readonly devices?: readonly Device[];
  /** Names that the administrator gives to devices, by fingerprint. */
  readonly deviceNames?: Readonly<Record<string, string>>;
  /** When devices lapse, as RFC 3339 times by fingerprint; null where one never does. */
  readonly deviceExpiries?: Readonly<Record<string, string | null>>;
  readonly invites?: readonly Invite[];
  /** The whole new list. Devices that leave with the same version are taken out of it, and those replaced have it handed on. */
  readonly applications?: readonly ApplicationEntry[];
  readonly replace?: Replacement;
  /** The newest checkpoint of the portal of the profile's first account. It is never that of an earlier version. */
  readonly notaryToken?: string | undefined;
}

/** Absent means absent: a list without items is no member at all. */
const list = (name: string, items: readonly unknown[]): object => (items.length === 0 ? {} : { [name]: items });

const tooMany = (text: Message, hint: Message): MeshError => new MeshError("too-large", text, { hint });

const checkReplacement = (
  { old, device }: Replacement,
  master: MasterProfile,
  previous: PersonalProfile | undefined,
  now: Date,
): void => {
  if (!previous || device.replaces?.DeviceUDF !== old || checkRotation(previous, device, now) !== "valid") {
    throw new MeshError("signature-invalid", msg("mesh.rotation-invalid"));
  }
  if (previous.master.hash === master.hash && isAdministrator(previous, old)) {
    throw new MeshError("master-key-needed", msg("mesh.rotation-administrator"));
  }
};

/** What the next version says of devices, whether it lists them or not. */
const entriesOf = (
  change: PersonalChange,
  master: MasterProfile,
  previous: PersonalProfile | undefined,
  now: Date,
): Map<string, DeviceEntry> => {
  const { replace, deviceNames = {}, deviceExpiries = {} } = change;
  const administrators = new Set(master.administrators.map(({ deviceUdf }) => deviceUdf));
  const entries = new Map<string, DeviceEntry>();
  for (const entry of previous?.entries ?? []) {
    const udf = entry.DeviceUDF === replace?.old ? replace.device.udf : entry.DeviceUDF;
    entries.set(udf, { ...entry, DeviceUDF: udf });
  }
  const set = (udf: string, members: Partial<DeviceEntry>): void => {
    entries.set(udf, { ...(entries.get(udf) ?? { DeviceUDF: udf }), ...members });
  };
  const setLasting = (udf: string): void => {
    const { NotOnOrAfter, ...rest } = entries.get(udf) ?? { DeviceUDF: udf };
    if (NotOnOrAfter === undefined) return;
    if (Object.keys(rest).length > 1) entries.set(udf, rest);
    else entries.delete(udf);
  };
  const old = replace && previous && findDevice(previous, replace.old);
  if (old) {
    // The name that people know, not one that the new device has chosen.
    const name = deviceName(previous, old);
    if ((entries.get(replace.device.udf)?.Name ?? replace.device.name) !== name)
      set(replace.device.udf, { Name: name });
  }
  for (const [udf, name] of Object.entries(deviceNames)) set(udf, { Name: name });
  for (const [udf, expiry] of Object.entries(deviceExpiries)) {
    if (expiry === null) {
      setLasting(udf);
      continue;
    }
    if (administrators.has(udf)) throw new MeshError("usage", msg("mesh.administrator-expiry"));
    // A text that is no time is refused with the record.
    if (hasCome(expiry, now)) throw new MeshError("usage", msg("mesh.expiry-past"));
    set(udf, { NotOnOrAfter: expiry });
  }
  // A device that becomes an administrator never lapses any more.
  for (const udf of administrators) setLasting(udf);
  return entries;
};

const signPersonal = (
  key: PrivateKey,
  master: MasterProfile,
  change: PersonalChange,
  now: Date,
  previous: PersonalProfile | undefined,
): PersonalProfile => {
  const { replace } = change;
  if (replace) checkReplacement(replace, master, previous, now);
  const entries = entriesOf(change, master, previous, now);
  const wanted = (change.devices ?? previous?.devices ?? []).map((device) =>
    device.udf === replace?.old ? replace.device : device,
  );
  const lapsed = new Set(
    [...entries.values()]
      .filter(({ NotOnOrAfter }) => NotOnOrAfter !== undefined && hasCome(NotOnOrAfter, now))
      .map(({ DeviceUDF }) => DeviceUDF),
  );
  const devices = wanted.filter(({ udf }) => !lapsed.has(udf));
  if (devices.length > MAX_DEVICES) {
    throw tooMany(msg("mesh.devices-many", { maximum: MAX_DEVICES }), msg("mesh.devices-many.hint"));
  }
  const listed = new Set(devices.map(({ udf }) => udf));
  const invites = invitesOf(change, { master, devices }, previous, wanted, now);
  if (invites.length > MAX_INVITES) {
    throw tooMany(msg("mesh.invites-many", { maximum: MAX_INVITES }), msg("mesh.invites-many.hint"));
  }
  const continues = previous?.master.hash === master.hash;
  const {
    Names,
    Previous,
    Devices,
    DeviceEntries,
    Applications,
    Invites,
    NotaryToken: _,
    ...kept
  }: Partial<PersonalPayload> = previous?.payload ?? {};
  // What is said of a device that never was here is a mistake, which reading the record will tell.
  const said = new Set([...Object.keys(change.deviceNames ?? {}), ...Object.keys(change.deviceExpiries ?? {})]);
  const isSaid = ({ DeviceUDF: udf }: DeviceEntry): boolean => listed.has(udf) || (said.has(udf) && !lapsed.has(udf));
  // A device that left is named by no application any more.
  const staying = (udfs: readonly string[] = []): string[] => {
    const handedOver = udfs.map((udf) => (udf === replace?.old ? replace.device.udf : udf));
    return [...new Set(handedOver)].filter((udf) => listed.has(udf));
  };
  const applications = (change.applications ?? Applications ?? []).map(
    ({ AdminDeviceUDF, DecryptDeviceUDF, ...entry }) => ({
      ...entry,
      ...list("AdminDeviceUDF", staying(AdminDeviceUDF)),
      ...list("DecryptDeviceUDF", staying(DecryptDeviceUDF)),
    }),
  );
  if (applications.length > MAX_APPLICATIONS) {
    throw tooMany(msg("mesh.applications-many", { maximum: MAX_APPLICATIONS }), msg("mesh.applications-many.hint"));
  }
  return readPersonal(
    signRecord(
      master.udf,
      "PersonalProfile",
      {
        ...kept,
        Identifier: master.udf,
        ...list("Names", change.names ?? Names ?? []),
        Updated: recordTime(now),
        ...member("NotaryToken", change.notaryToken),
        Sequence: continues ? previous.sequence + 1 : 1,
        ...(continues ? { Previous: previous.payloadHash } : {}),
        SignedMasterProfile: master.record,
        Devices: devices.map(({ record }) => record),
        ...list("DeviceEntries", [...entries.values()].filter(isSaid)),
        ...list("Applications", applications),
        ...list("Invites", invites),
      },
      key,
    ),
  );
};

/** The invites of the next version: without those that somebody who left could use, or let others use. */
const invitesOf = (
  change: PersonalChange,
  next: Pick<PersonalProfile, "master" | "devices">,
  previous: PersonalProfile | undefined,
  wanted: readonly Device[],
  now: Date,
): readonly Invite[] => {
  const { replace } = change;
  const before = previous?.invites ?? [];
  const staying = new Set(wanted.map(({ udf }) => udf));
  const administrators = new Set(administrationDevices(next).map(({ udf }) => udf));
  // A device that only lapsed was not removed by anybody, and one that was replaced has not gone.
  const removed = (previous?.devices ?? []).filter(({ udf }) => !staying.has(udf) && udf !== replace?.old);
  const left = {
    administrator: previous ? administrationDevices(previous).some(({ udf }) => !administrators.has(udf)) : false,
    removed,
  };
  const invites = change.invites ?? before;
  const old = replace && previous && findDevice(previous, replace.old);
  return keptInvites(old ? handedOn(invites, old, replace.device.udf) : invites, before, left, now);
};

/** Makes the first personal profile under a master profile. */
export const createPersonal = (
  key: PrivateKey,
  master: MasterProfile,
  change: PersonalChange,
  now: Date,
): PersonalProfile => signPersonal(key, master, change, now, undefined);

/**
 * Makes the next personal profile of the same epoch. Members this program does not know are kept. Whoever makes it, devices that
 * have lapsed by `now` are left out, and so are the invites that must end. Throws `usage` for an expiry that has passed or is an
 * administrator's, `signature-invalid` for a replacement that the old device has not signed, `master-key-needed` where the old
 * device is an administrator, and `too-large`.
 */
export const nextPersonal = (
  key: PrivateKey,
  previous: PersonalProfile,
  change: PersonalChange,
  now: Date,
): PersonalProfile => signPersonal(key, previous.master, change, now, previous);

/**
 * Makes a new epoch: the next master profile, and the first personal profile under it. Needs the master signature key.
 * `certificates` are those of the new master profile. A replaced administrator's right goes to the new device. Throws as
 * `nextPersonal` does.
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
  const { replace } = change;
  const content = {
    administrators: administrators.map((device) => (device.udf === replace?.old ? replace.device : device)),
    escrowKeys: previous.master.escrowKeys,
    ...(certificates && { certificates }),
    notaryToken: change.notaryToken,
  };
  return signPersonal(key, createMaster(masterKey, content, now, previous.master), change, now, previous);
};
