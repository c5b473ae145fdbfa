import * as v from "valibot";
import { MeshError } from "../../errors.js";
import { msg } from "../../messages/message.js";
import { payloadHash, readingOnce, SignedRecordSchema, verifySignature, type SignedRecord } from "../jose.js";
import { RecipientDataSchema, recipientsOf } from "../jwe.js";
import {
  hasCome,
  listSchema,
  NotaryTokenSchema,
  parseWith,
  problem,
  SequenceSchema,
  Sha256Schema,
  textSchema,
  TimeSchema,
  UdfSchema,
} from "../schema.js";
import { udfIn } from "../udf-text.js";
import { MAX_NAME, readDevice, type Device } from "./device.js";
import { readMaster, type Administrator, type MasterProfile } from "./master.js";

export const MAX_DEVICES = 128;
export const MAX_INVITES = 64;
/** How many applications a profile has at most. */
export const MAX_APPLICATIONS = 256;
/** How many administrators can open an invite: a master profile names no more. */
const MAX_INVITE_RECIPIENTS = 64;
/** How many devices one invite lets in at most. */
export const MAX_USES = 1000;
/** How many devices are remembered at most that came by one invite, or took the place of one that did. */
export const MAX_JOINED = 2000;
/** The longest life that an invite gives a device, in seconds: ten years of 365 days. */
export const MAX_LIFETIME = 10 * 365 * 24 * 60 * 60;

/** reference-10 section 10.4.3. */
const ApplicationProfileEntrySchema = v.looseObject({
  Identifier: UdfSchema,
  Type: textSchema(64),
  Friendly: v.optional(textSchema(MAX_NAME)),
  AdminDeviceUDF: v.optional(listSchema(UdfSchema, MAX_DEVICES)),
  DecryptDeviceUDF: v.optional(listSchema(UdfSchema, MAX_DEVICES)),
  AccountID: v.optional(textSchema(320)),
});
export type ApplicationEntry = v.InferOutput<typeof ApplicationProfileEntrySchema>;

const NameSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_NAME));

/** What an administrator says of a device. It stands here, since a device could sign its own profile anew. */
const DeviceEntrySchema = v.looseObject({
  DeviceUDF: UdfSchema,
  Name: v.optional(NameSchema),
  /** When the device lapses. */
  NotOnOrAfter: v.optional(TimeSchema),
});
export type DeviceEntry = v.InferOutput<typeof DeviceEntrySchema>;

/** Ours: lets devices in whose makers know a PIN. All of it is public but what `Key` encrypts. */
const InviteSchema = v.looseObject({
  Id: UdfSchema,
  /** The MAC key, encrypted to the encryption keys of the administration devices. */
  Key: v.pipe(
    RecipientDataSchema,
    v.check((data) => recipientsOf(data).length <= MAX_INVITE_RECIPIENTS, problem("problem.form")),
  ),
  /** How many devices may still join by it. */
  Uses: v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(MAX_USES)),
  NotOnOrAfter: TimeSchema,
  Created: TimeSchema,
  /** What a device that joins by it is called. */
  Name: v.optional(NameSchema),
  Admin: v.optional(v.literal(true)),
  /** After how many seconds a device that joins by it lapses. */
  DeviceLifetime: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(MAX_LIFETIME))),
  /** While uses are left: which devices came by it, and which took the place of one that did. None comes a second time. */
  Joined: v.optional(listSchema(UdfSchema, MAX_JOINED)),
  /** The applications that a device that joins by it may use. Absent: none. */
  Grant: v.optional(listSchema(UdfSchema, MAX_APPLICATIONS)),
});
export type Invite = v.InferOutput<typeof InviteSchema>;

/** reference-10 section 10.4.2; `Sequence`, `Previous`, `DeviceEntries` and `Invites` are ours. */
const PersonalProfileSchema = v.looseObject({
  Identifier: UdfSchema,
  Names: v.optional(listSchema(UdfSchema, 64)),
  Updated: TimeSchema,
  NotaryToken: v.optional(NotaryTokenSchema),
  Sequence: SequenceSchema,
  Previous: v.optional(Sha256Schema),
  SignedMasterProfile: SignedRecordSchema,
  Devices: listSchema(SignedRecordSchema, MAX_DEVICES),
  DeviceEntries: v.optional(listSchema(DeviceEntrySchema, MAX_DEVICES)),
  Applications: v.optional(listSchema(ApplicationProfileEntrySchema, MAX_APPLICATIONS)),
  Invites: v.optional(listSchema(InviteSchema, MAX_INVITES)),
});
export type PersonalPayload = v.InferOutput<typeof PersonalProfileSchema>;

/** A personal profile that has been verified down to the master signature key after which it is named. */
export interface PersonalProfile {
  readonly record: SignedRecord;
  readonly payload: PersonalPayload;
  readonly udf: string;
  readonly master: MasterProfile;
  readonly sequence: number;
  readonly previous: string | undefined;
  readonly updated: string;
  readonly hash: string;
  readonly payloadHash: string;
  /** Fingerprints of the account names under which it is published. */
  readonly names: readonly string[];
  readonly devices: readonly Device[];
  readonly entries: readonly DeviceEntry[];
  readonly applications: readonly ApplicationEntry[];
  readonly invites: readonly Invite[];
  readonly signer: Administrator;
}

/**
 * Verifies a SignedPersonalProfile: its master profile by the master signature key that names it, every device profile by
 * the device's own key, and the whole by an online signature key that the master profile lists for a device in `Devices`
 * (reference-10 section 3.3). Throws `record-invalid`, `json-invalid`, `key-invalid` or `signature-invalid`.
 */
export const readPersonal = readingOnce<PersonalProfile>("PersonalProfile", 16 * 1024 * 1024, (read) => {
  const payload = parseWith(
    PersonalProfileSchema,
    read.payload,
    "record-invalid",
    msg("mesh.what.type", { type: "PersonalProfile" }),
  );
  const master = readMaster(payload.SignedMasterProfile);
  if (payload.Identifier !== master.udf || read.record.Identifier !== master.udf) {
    throw new MeshError("record-invalid", msg("mesh.personal-name"));
  }
  if (master.revoked !== undefined) {
    throw new MeshError("record-invalid", msg("mesh.personal-revoked"));
  }
  verifySignature(
    read,
    master.administrators.map(({ key }) => key),
  );
  const devices = payload.Devices.map(readDevice);
  const signer = master.administrators.find(({ key }) => key.udf === read.kid);
  if (!signer || !devices.some(({ udf }) => udf === signer.deviceUdf)) {
    throw new MeshError("signature-invalid", msg("mesh.personal-signer"));
  }
  checkDevices(devices, payload.DeviceEntries ?? [], master);
  checkInvites(payload.Invites ?? []);
  checkApplications(payload.Applications ?? []);
  if ((payload.Sequence === 1) !== (payload.Previous === undefined)) {
    throw new MeshError("record-invalid", msg("mesh.personal-predecessor"));
  }
  return {
    record: read.record,
    payload,
    udf: master.udf,
    master,
    sequence: payload.Sequence,
    previous: payload.Previous,
    updated: payload.Updated,
    hash: read.hash,
    payloadHash: payloadHash(read.octets),
    names: payload.Names ?? [],
    devices,
    entries: payload.DeviceEntries ?? [],
    applications: payload.Applications ?? [],
    invites: payload.Invites ?? [],
    signer,
  };
});

const checkDevices = (devices: readonly Device[], entries: readonly DeviceEntry[], master: MasterProfile): void => {
  const keys = devices.flatMap((device) => [
    device.udf,
    device.authenticationKey.udf,
    device.encryptionKey.udf,
    device.onlineSignatureKey.udf,
  ]);
  if (new Set([...keys, master.udf]).size !== keys.length + 1) {
    throw new MeshError("record-invalid", msg("mesh.personal-twice"));
  }
  for (const { deviceUdf, key } of master.administrators) {
    const device = devices.find(({ udf }) => udf === deviceUdf);
    if (device && device.onlineSignatureKey.udf !== key.udf) {
      throw new MeshError("record-invalid", msg("mesh.personal-administrator-key"));
    }
  }
  const named = entries.map(({ DeviceUDF }) => DeviceUDF);
  if (new Set(named).size !== named.length || !named.every((udf) => devices.some((device) => device.udf === udf))) {
    throw new MeshError("record-invalid", msg("mesh.personal-entry"));
  }
  // Else a clock that is wrong could leave a person without any administrator.
  const lapsing = entries.filter(({ NotOnOrAfter }) => NotOnOrAfter !== undefined).map(({ DeviceUDF }) => DeviceUDF);
  if (master.administrators.some(({ deviceUdf }) => lapsing.includes(deviceUdf))) {
    throw new MeshError("record-invalid", msg("mesh.personal-administrator-expiry"));
  }
};

const checkInvites = (invites: readonly Invite[]): void => {
  const doubled = new Set(invites.map(({ Id }) => Id)).size !== invites.length;
  if (doubled || invites.some(({ Admin, DeviceLifetime }) => Admin === true && DeviceLifetime !== undefined)) {
    throw new MeshError("record-invalid", msg("mesh.personal-invite"));
  }
};

/** Devices that an entry names and the profile does not list have no rights by it; older profiles may name them. */
const checkApplications = (applications: readonly ApplicationEntry[]): void => {
  if (new Set(applications.map(({ Identifier }) => Identifier)).size !== applications.length) {
    throw new MeshError("record-invalid", msg("mesh.personal-application"));
  }
};

/** The entry of an application, where the profile has it. */
export const findApplication = (
  { applications }: Pick<PersonalProfile, "applications">,
  identifier: string,
): ApplicationEntry | undefined => applications.find(({ Identifier }) => Identifier === identifier);

/** The device with a fingerprint, where the profile lists it. */
export const findDevice = (profile: PersonalProfile, udf: string): Device | undefined =>
  profile.devices.find((device) => device.udf === udf);

/** The name of a device: what an administrator called it, or else what it calls itself. */
export const deviceName = (profile: PersonalProfile, device: Device): string =>
  profile.entries.find(({ DeviceUDF }) => DeviceUDF === device.udf)?.Name ?? device.name;

/** True where the master profile lists a device as an administrator. */
export const isAdministrator = (profile: PersonalProfile, deviceUdf: string): boolean =>
  profile.master.administrators.some((administrator) => administrator.deviceUdf === deviceUdf);

/** The devices that administer a profile: those that the master profile names and the personal profile lists. */
export const administrationDevices = (profile: Pick<PersonalProfile, "master" | "devices">): readonly Device[] =>
  profile.devices.filter(({ udf }) => profile.master.administrators.some(({ deviceUdf }) => deviceUdf === udf));

/** When a device lapses, or undefined where it never does. */
export const deviceExpiry = ({ entries }: Pick<PersonalProfile, "entries">, deviceUdf: string): string | undefined =>
  entries.find(({ DeviceUDF }) => DeviceUDF === deviceUdf)?.NotOnOrAfter;

/** True where what an administrator has given a device as its time is over, by the clock of whoever asks. */
export const isLapsed = (profile: Pick<PersonalProfile, "entries">, deviceUdf: string, now: Date): boolean => {
  const expiry = deviceExpiry(profile, deviceUdf);
  return expiry !== undefined && hasCome(expiry, now);
};

/** The device that a name or a fingerprint means. Throws `device-not-found`, and `device-ambiguous` where a name means several. */
export const resolveDevice = (profile: PersonalProfile, text: string): Device => {
  const byUdf = findDevice(profile, udfIn(text) ?? text);
  if (byUdf) return byUdf;
  const name = text.normalize("NFC").trim();
  const [device, ...others] = profile.devices.filter(
    (candidate) => deviceName(profile, candidate).normalize("NFC") === name,
  );
  const shown = JSON.stringify(text.slice(0, 64));
  if (!device) {
    throw new MeshError("device-not-found", msg("mesh.device-unknown", { device: shown }), {
      hint: msg("mesh.device-unknown.hint"),
    });
  }
  if (others.length > 0) {
    throw new MeshError("device-ambiguous", msg("mesh.device-ambiguous", { device: shown }), {
      hint: msg("mesh.device-ambiguous.hint"),
    });
  }
  return device;
};
