import * as v from "valibot";
import { isMeshError, MeshError } from "../errors.js";
import { decodeUtf8, utf8 } from "../mesh/bytes.js";
import { CHECKSUM_LENGTH, decodeSecretText, encodeChecked, withoutChecksum } from "../mesh/checked-text.js";
import { parseStrictJson, parseStrictJsonOctets } from "../mesh/json.js";
import { privateKeyObject, PrivateKeySchema } from "../mesh/keys.js";
import type { DeviceKeys } from "../mesh/profile.js";
import { readDevice, type Device } from "../mesh/records/device.js";
import { findDevice, isAdministrator, readPersonal, type PersonalProfile } from "../mesh/records/personal.js";
import { parseWith, textSchema, TimeSchema, UdfSchema } from "../mesh/schema.js";
import { recordHash, SignedRecordSchema } from "../mesh/signed-record.js";
import { accountUdf } from "../mesh/udf.js";
import { msg } from "../messages/message.js";
import { deriveKey, seal, sealedSchema, unseal, type Binding } from "./seal.js";
import { kindOf, octetsSchema } from "./stored.js";

/** The longest content of a bundle, and the longest file, in octets. A personal profile may take 256 KiB, and more in JSON. */
const CONTENT_LIMIT = 1024 * 1024;
export const BUNDLE_LIMIT = 1536 * 1024;

/** Octets of a bundle's key and of its identifier. */
const KEY_LENGTH = 32;
const ID_LENGTH = 16;

/** Makes the text of a bundle key start with B. */
const TYPE_CODE = 0x08;
const FORMAT_VERSION = 1;
const HEADER_LENGTH = 2;
const TEXT_OCTETS = HEADER_LENGTH + KEY_LENGTH + CHECKSUM_LENGTH;
/** The longest text of a bundle key that is read, in octets. */
export const MAX_KEY_TEXT = 1024;

/** A device that was made on another machine, with all that it needs there. */
export interface Bundle {
  /** The version of the profile that lists the device. It is what the machine pins. */
  readonly profile: PersonalProfile;
  readonly device: Device;
  readonly keys: DeviceKeys;
  /** The canonical account, and its portal. */
  readonly account: string;
  readonly portal: string;
  readonly created: string;
  /** When the device lapses, where it does. */
  readonly expires?: string | undefined;
}

const ContentSchema = v.strictObject({
  profile: UdfSchema,
  account: textSchema(1024),
  portal: textSchema(4096),
  device: SignedRecordSchema,
  keys: v.strictObject({
    signature: PrivateKeySchema,
    authentication: PrivateKeySchema,
    encryption: PrivateKeySchema,
    online: PrivateKeySchema,
  }),
  record: SignedRecordSchema,
  created: TimeSchema,
  expires: v.exactOptional(TimeSchema),
});
type Content = v.InferOutput<typeof ContentSchema>;

const FileSchema = v.strictObject({
  meshman: v.literal("device-bundle"),
  version: v.literal(1),
  id: octetsSchema(ID_LENGTH),
  sealed: sealedSchema(CONTENT_LIMIT),
});

/** A bundle that has not been opened. */
export type BundleFile = v.InferOutput<typeof FileSchema>;

/** What can be told of any version. */
const VersionSchema = v.object({
  meshman: v.literal("device-bundle"),
  version: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
});

const bindingOf = (id: string): Binding => ["meshman/device-bundle", 1, id];

const contentKey = (key: Uint8Array, id: string): Buffer => deriveKey(key, id, "meshman/device-bundle");

/** A new key for one bundle: 32 octets. The caller wipes it. */
export const newBundleKey = (random: (length: number) => Buffer): Buffer => random(KEY_LENGTH);

/** What a bundle is known by to whoever made it. It says nothing of the device. */
export const newBundleId = (random: (length: number) => Buffer): string => random(ID_LENGTH).toString("base64url");

/** The text of a bundle file, encrypted under a key of its own. The caller wipes the key. Throws `too-large`. */
export const sealBundle = (
  { profile, device, keys, account, portal, created, expires }: Bundle,
  id: string,
  key: Uint8Array,
  random: (length: number) => Buffer,
): string => {
  const content: Content = {
    profile: profile.udf,
    account,
    portal,
    device: device.record,
    keys,
    record: profile.record,
    created,
    ...(expires === undefined ? {} : { expires }),
  };
  const plaintext = utf8(JSON.stringify(content));
  const derived = contentKey(key, id);
  try {
    if (plaintext.length > CONTENT_LIMIT) throw new MeshError("too-large", msg("bundle.too-large"));
    const sealed = seal(plaintext, derived, bindingOf(id), random);
    return `${JSON.stringify({ meshman: "device-bundle", version: 1, id, sealed })}\n`;
  } finally {
    for (const secret of [plaintext, derived]) secret.fill(0);
  }
};

const notOpened = (text = msg("bundle.not-opened"), cause?: unknown): MeshError =>
  new MeshError("decryption-failed", text, { hint: msg("bundle.not-opened.hint"), cause });

/**
 * Reads a bundle file without opening it. `path` is for messages. Throws `decryption-failed` where it is no bundle, or is
 * damaged so much that this shows, and `keystore-version` where a newer program made it.
 */
export const readBundle = (octets: Buffer, path: string): BundleFile => {
  const what = msg("keystore.what.file", { path });
  try {
    const value = parseStrictJson(decodeUtf8(octets));
    if (kindOf(value) === "profile-backup") {
      throw new MeshError("decryption-failed", msg("bundle.is-backup", { path }), {
        hint: msg("bundle.is-backup.hint"),
      });
    }
    const { version } = parseWith(VersionSchema, value, "decryption-failed", what);
    if (version > 1) {
      throw new MeshError("keystore-version", msg("keystore.file-newer", { path, version }), {
        hint: msg("keystore.file-newer.hint"),
      });
    }
    return parseWith(FileSchema, value, "decryption-failed", what);
  } catch (cause) {
    if (isMeshError(cause, "json-invalid")) throw notOpened(msg("bundle.none", { path }), cause);
    if (isMeshError(cause, "decryption-failed") && !cause.hint) throw notOpened(cause.text, cause);
    throw cause;
  }
};

/**
 * Opens a bundle and checks all that is in it: that the records verify, that the profile lists the device under that account,
 * as no administrator, and that the keys are the device's. The caller wipes the key. Throws `decryption-failed`.
 */
export const openBundle = ({ id, sealed }: BundleFile, key: Uint8Array): Bundle => {
  const derived = contentKey(key, id);
  let plaintext: Buffer;
  try {
    plaintext = unseal(sealed, derived, bindingOf(id));
  } catch (cause) {
    throw isMeshError(cause, "decryption-failed") ? notOpened(undefined, cause) : cause;
  } finally {
    derived.fill(0);
  }
  try {
    const what = msg("bundle.what.content");
    return checked(parseWith(ContentSchema, parseStrictJsonOctets(plaintext), "decryption-failed", what));
  } catch (cause) {
    // What is authentic and yet wrong was made so; the reason is one of the Mesh's, whatever its code.
    throw isMeshError(cause) ? notOpened(cause.text, cause) : cause;
  } finally {
    plaintext.fill(0);
  }
};

const checked = ({ profile: udf, device: record, keys, record: version, ...rest }: Content): Bundle => {
  const device = readDevice(record);
  const profile = readPersonal(version);
  const listed = findDevice(profile, device.udf);
  const pairs = [
    [keys.signature, device.udf],
    [keys.authentication, device.authenticationKey.udf],
    [keys.encryption, device.encryptionKey.udf],
    [keys.online, device.onlineSignatureKey.udf],
  ] as const;
  for (const [key] of pairs) privateKeyObject(key);
  const isSound =
    profile.udf === udf &&
    profile.names.includes(accountUdf(rest.account)) &&
    listed !== undefined &&
    recordHash(listed.record) === recordHash(device.record) &&
    !isAdministrator(profile, device.udf) &&
    pairs.every(([key, kid]) => key.kid === kid);
  if (!isSound) throw notOpened(msg("bundle.content-wrong"));
  return { profile, device, keys, ...rest };
};

/** The text of a bundle key: 61 letters and digits in groups of four, the first a B. */
export const encodeBundleKey = (key: Uint8Array): string => {
  const body = Buffer.concat([Buffer.from([TYPE_CODE, FORMAT_VERSION]), key]);
  const text = encodeChecked(body);
  body.fill(0);
  return text;
};

const mistyped = (): MeshError =>
  new MeshError("bundle-key-invalid", msg("bundle.key-mistyped"), { hint: msg("bundle.key-mistyped.hint") });

/**
 * Reads the text of a bundle key, in any case and grouping. Gives 32 octets, which the caller wipes. Throws
 * `bundle-key-invalid` for anything but what `encodeBundleKey` makes.
 */
export const parseBundleKey = (text: string): Buffer => {
  const octets = decodeSecretText(text, MAX_KEY_TEXT);
  if (!octets) throw mistyped();
  try {
    const body = octets.length === TEXT_OCTETS ? withoutChecksum(octets) : undefined;
    if (body?.[0] !== TYPE_CODE) throw mistyped();
    if (body[1] !== FORMAT_VERSION) {
      throw new MeshError("bundle-key-invalid", msg("bundle.key-format"), { hint: msg("bundle.key-format.hint") });
    }
    return Buffer.from(body.subarray(HEADER_LENGTH));
  } finally {
    octets.fill(0);
  }
};
