import * as v from "valibot";
import { isMeshError, MeshError } from "../../errors.js";
import { msg } from "../../messages/message.js";
import { decodeBase64url, encodeBase64url, utf8 } from "../bytes.js";
import { signRecord } from "../jose.js";
import { parseStrictJsonOctets } from "../json.js";
import { decryptWith, encryptTo, RecipientDataSchema, recipientsOf, type RecipientData } from "../jwe.js";
import type { PrivateKey, PublicKey } from "../keys.js";
import { readApplicationPayload, verifyApplication, type ApplicationProfile } from "../records/application.js";
import { isLapsed, type ApplicationEntry, type PersonalProfile } from "../records/personal.js";
import {
  listSchema,
  parseWith,
  recordTime,
  SequenceSchema,
  Sha256Schema,
  textSchema,
  TimeSchema,
  UdfSchema,
} from "../schema.js";
import { udfFromOctets } from "../udf.js";
import { MAX_ENTRIES, MAX_EXPOSURES } from "./entry.js";
import { isApplicationType, type ApplicationType } from "./kind.js";

type Random = (length: number) => Uint8Array;

/** How many segments a head names at most. */
export const MAX_SEGMENTS = 1500;
/** Octets of an application key. */
export const APPLICATION_KEY_LENGTH = 32;

/** Somebody who could read the application and has gone, or lost the right to. */
const ExposureSchema = v.looseObject({
  DeviceUDF: UdfSchema,
  /** What the device was called then. */
  Name: textSchema(256),
  Time: TimeSchema,
});
export type Exposure = v.InferOutput<typeof ExposureSchema>;

/** A segment that belongs to an application, and which one exactly. */
export interface SegmentReference {
  readonly identifier: string;
  /** The hash of its record. */
  readonly hash: string;
}

/** A head whose form has been checked; `verifyHead` checks who signed it and who can read it. */
export interface ReadHead extends ApplicationProfile {
  readonly type: ApplicationType;
  readonly updated: string;
  /** Master sequence and sequence of the personal profile under which it was made. */
  readonly profileSequence: readonly [number, number];
  readonly segments: readonly SegmentReference[];
  /** The fingerprints of the keys that it is encrypted to. */
  readonly recipients: readonly string[];
  readonly data: RecipientData;
  /** What everybody may read beyond what every head has. */
  readonly publicMembers: Readonly<Record<string, unknown>>;
}

/** The owner's personal profile, and what it says of the application. */
export type Rights = Pick<ApplicationEntry, "DecryptDeviceUDF">;

const HeadSchema = v.looseObject({
  Updated: TimeSchema,
  ProfileSequence: v.strictTuple([SequenceSchema, SequenceSchema]),
  EncryptedData: RecipientDataSchema,
  Segments: v.optional(listSchema(v.strictTuple([UdfSchema, Sha256Schema]), MAX_SEGMENTS)),
});

const OWN_MEMBERS = new Set([
  "Identifier",
  "Owner",
  "Updated",
  "NotaryToken",
  "Sequence",
  "Previous",
  "ProfileSequence",
  "EncryptedData",
  "Segments",
]);

const privateSchema = (name: string) =>
  v.strictObject({
    [name]: v.looseObject({
      Type: v.string(),
      Identifier: UdfSchema,
      Owner: UdfSchema,
      /** The application key: 32 octets. */
      Key: v.pipe(v.string(), v.length(43)),
      Exposures: v.optional(listSchema(ExposureSchema, MAX_EXPOSURES)),
      Entries: v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(MAX_ENTRIES)),
    }),
  });

const privateName = (type: ApplicationType): string => `${type}Private`;

/** An identifier for a new application or segment. */
export const newIdentifier = (random: Random): string => {
  const octets = Buffer.concat([Buffer.from([0x60]), random(17)]);
  // A fingerprint has 140 bits: half of the last octet.
  octets[17] = (octets[17] ?? 0) & 0xf0;
  return udfFromOctets(octets);
};

/** A new application key. */
export const newApplicationKey = (random: Random): Buffer => Buffer.from(random(APPLICATION_KEY_LENGTH));

/**
 * The keys that a head is encrypted to: those of the devices that the profile lets read it, without the ones that have lapsed by
 * `now`, and the master escrow keys, with which recovery brings the content back.
 */
export const recipientKeys = (
  owner: PersonalProfile,
  { DecryptDeviceUDF = [] }: Rights,
  now: Date,
): readonly PublicKey[] => [
  ...owner.devices
    .filter(({ udf }) => DecryptDeviceUDF.includes(udf) && !isLapsed(owner, udf, now))
    .map(({ encryptionKey }) => encryptionKey),
  ...owner.master.escrowKeys,
];

/** What a head says. */
export interface HeadContent {
  readonly type: ApplicationType;
  readonly identifier: string;
  /** The personal profile under which it is made, and which readers must have. */
  readonly owner: PersonalProfile;
  /** Who may read it. For a new application: what its entry is going to say. */
  readonly entry: Rights;
  /** The application key: 32 octets. */
  readonly key: Uint8Array;
  readonly exposures?: readonly Exposure[];
  /** How many entries all segments hold together. */
  readonly entries: number;
  readonly segments: readonly SegmentReference[];
  /** Members to set beyond those of the head before; `undefined` takes one away. */
  readonly publicMembers?: Readonly<Record<string, unknown>>;
  readonly notaryToken?: string | undefined;
}

/**
 * Makes and signs a head, the first or the successor of `previous`, whose public members are kept. `key` is the signature key of a
 * device in AdminDeviceUDF or the online signature key of an administrator. Throws `too-large`.
 */
export const createHead = async (
  key: PrivateKey,
  content: HeadContent,
  now: Date,
  previous?: ReadHead,
): Promise<ReadHead> => {
  const { type, identifier, owner, exposures = [] } = content;
  if (content.segments.length > MAX_SEGMENTS || exposures.length > MAX_EXPOSURES || content.entries > MAX_ENTRIES) {
    throw new MeshError("too-large", msg("mesh.application-large", { maximum: MAX_ENTRIES }));
  }
  const plaintext = utf8(
    JSON.stringify({
      [privateName(type)]: {
        Type: type,
        Identifier: identifier,
        Owner: owner.udf,
        Key: encodeBase64url(content.key),
        ...(exposures.length > 0 && { Exposures: exposures }),
        Entries: content.entries,
      },
    }),
  );
  try {
    const data = await encryptTo(plaintext, recipientKeys(owner, content.entry, now));
    const kept = { ...previous?.publicMembers, ...content.publicMembers };
    return readHead(
      signRecord(
        identifier,
        type,
        {
          ...Object.fromEntries(Object.entries(kept).filter(([name]) => !OWN_MEMBERS.has(name))),
          Identifier: identifier,
          Owner: owner.udf,
          Updated: recordTime(now),
          ...(content.notaryToken === undefined ? {} : { NotaryToken: content.notaryToken }),
          Sequence: (previous?.sequence ?? 0) + 1,
          ...(previous && { Previous: previous.payloadHash }),
          ProfileSequence: [owner.master.sequence, owner.sequence],
          EncryptedData: data,
          ...(content.segments.length > 0 && {
            Segments: content.segments.map(({ identifier: segment, hash }) => [segment, hash]),
          }),
        },
        key,
      ),
    );
  } finally {
    plaintext.fill(0);
  }
};

/**
 * Reads a head without verifying it: a type that this program keeps, every member of its form, no segment named twice. Throws
 * `record-invalid` or `json-invalid`.
 */
export const readHead = (value: unknown): ReadHead => {
  const { application, payload } = readApplicationPayload(value);
  const { type } = application;
  if (!isApplicationType(type)) throw new MeshError("record-invalid", msg("mesh.application-type"));
  const read = parseWith(HeadSchema, payload, "record-invalid", msg("mesh.what.type", { type }));
  const segments = (read.Segments ?? []).map(([identifier, hash]) => ({ identifier, hash }));
  if (new Set(segments.map(({ identifier }) => identifier)).size !== segments.length) {
    throw new MeshError("record-invalid", msg("mesh.application-segments-twice"));
  }
  return {
    ...application,
    type,
    updated: read.Updated,
    profileSequence: read.ProfileSequence,
    segments,
    recipients: recipientsOf(read.EncryptedData),
    data: read.EncryptedData,
    publicMembers: Object.fromEntries(Object.entries(payload).filter(([name]) => !OWN_MEMBERS.has(name))),
  };
};

/** How a verified head stands to the owner's personal profile. */
export interface HeadStanding {
  /** `outdated`: somebody can read it who may not any longer, so the next to write makes a fresh key. */
  readonly state: "current" | "outdated";
  /** Fingerprints of the devices that may read it and still lack the key. */
  readonly missing: readonly string[];
  /** True where a master escrow key lacks the application key, so that recovery would not bring the content back. */
  readonly escrowMissing: boolean;
}

/** Negative where the head was made under an earlier personal profile than `owner`, positive where under a later one. */
const compareToProfile = ({ profileSequence: [master, sequence] }: ReadHead, owner: PersonalProfile): number =>
  master - owner.master.sequence || sequence - owner.sequence;

/**
 * Verifies a head by the owner's current personal profile and the entry there: who signed it, and that nobody can read it but those
 * whom the profile lets. Where it was made under an older profile, or where a reader has lapsed since, it is `outdated` instead.
 * A device may sign until it lapses, by what the head says of its time.
 * Throws `application-signer`, `application-recipient`, and `record-invalid` where it is not the entry's application.
 */
export const verifyHead = (
  head: ReadHead,
  owner: PersonalProfile,
  entry: ApplicationEntry,
  now: Date,
): HeadStanding => {
  if (head.identifier !== entry.Identifier || head.type !== entry.Type) {
    throw new MeshError("record-invalid", msg("mesh.application-other"));
  }
  // Whoever has lapsed since has signed rightly: a portal takes nothing of a device's any more from then on.
  const made = new Date(Math.min(now.getTime(), Date.parse(head.updated)));
  try {
    verifyApplication(head, owner, made);
  } catch (cause) {
    if (!isMeshError(cause, "signature-invalid")) throw cause;
    throw new MeshError("application-signer", msg("mesh.application-signer"), {
      hint: msg("mesh.application-signer.hint"),
      cause,
    });
  }
  const standing = standingOf(head, owner, entry, now);
  // It knows the key, whether it names itself or not.
  const hasLapsed = owner.devices.some(
    ({ udf, signatureKey }) => signatureKey.udf === head.kid && isLapsed(owner, udf, now),
  );
  return hasLapsed ? { ...standing, state: "outdated" } : standing;
};

/**
 * The same without the signature, for a head that this home has verified before, when its signer was one: whoever removes a device
 * removes it from the profile first, and the application that it signed last is encrypted anew after that.
 */
export const standingOf = (
  head: ReadHead,
  owner: PersonalProfile,
  entry: ApplicationEntry,
  now: Date,
): HeadStanding => {
  const { DecryptDeviceUDF = [] } = entry;
  const readers = owner.devices.filter(({ udf }) => DecryptDeviceUDF.includes(udf));
  const escrow = owner.master.escrowKeys.map(({ udf }) => udf);
  const allowed = new Set([...readers.map(({ encryptionKey }) => encryptionKey.udf), ...escrow]);
  const wanted = recipientKeys(owner, entry, now).map(({ udf }) => udf);
  const isExtra = (kid: string): boolean => !allowed.has(kid);
  if (head.recipients.some(isExtra) && compareToProfile(head, owner) >= 0) {
    throw new MeshError("application-recipient", msg("mesh.application-recipient"), {
      hint: msg("mesh.application-recipient.hint"),
    });
  }
  return {
    state: head.recipients.every((kid) => wanted.includes(kid)) ? "current" : "outdated",
    missing: readers
      .filter(({ encryptionKey: { udf } }) => wanted.includes(udf) && !head.recipients.includes(udf))
      .map(({ udf }) => udf),
    escrowMissing: escrow.some((udf) => !head.recipients.includes(udf)),
  };
};

/** What only readers of an application know of its head. */
export interface OpenHead {
  /** The application key. Wipe it when it is no longer needed. */
  readonly key: Buffer;
  readonly exposures: readonly Exposure[];
  /** How many entries there are. */
  readonly entries: number;
}

/**
 * Opens a head with the encryption key of one of its readers, or a master escrow key. Throws `decryption-failed`, also where what is
 * in it was made for another application.
 */
export const openHead = async (head: ReadHead, key: PrivateKey): Promise<OpenHead> => {
  const plaintext = await decryptWith(head.data, key);
  try {
    const name = privateName(head.type);
    const content = v.parse(privateSchema(name), parseStrictJsonOctets(plaintext))[name];
    if (content?.Type !== head.type || content.Identifier !== head.identifier || content.Owner !== head.owner) {
      throw new Error("It is that of another application.");
    }
    const octets = decodeBase64url(content.Key);
    return { key: octets, exposures: content.Exposures ?? [], entries: content.Entries };
  } catch {
    throw new MeshError("decryption-failed", msg("mesh.decryption-failed"));
  } finally {
    plaintext.fill(0);
  }
};
