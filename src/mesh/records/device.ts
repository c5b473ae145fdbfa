import * as v from "valibot";
import { MeshError } from "../../errors.js";
import { msg } from "../../messages/message.js";
import { decodeBase64url } from "../bytes.js";
import { readingOnce, verifySignature, type SignedRecord } from "../jose.js";
import { PublicKeySchema, readPublicKey, type PublicKey } from "../keys.js";
import { listSchema, NotaryTokenSchema, parseWith, textSchema, TimeSchema, UdfSchema } from "../schema.js";

/** The longest name of a device, a profile or an account's user part, in UTF-16 code units. */
export const MAX_NAME = 64;
export const MAX_DESCRIPTION = 256;
/** More than the longest canonical account address has. */
const MAX_ACCOUNT = 512;

/** 64 octets as base64url; whether that is its one spelling is checked when it is read. */
const OctetsSchema = v.pipe(v.string(), v.length(86));

/** Ours: proves that whoever made the device knows the PIN of an invite. Public, as all of a device profile. */
const InvitationSchema = v.looseObject({ Id: UdfSchema, Account: textSchema(MAX_ACCOUNT), Proof: OctetsSchema });
export type Invitation = v.InferOutput<typeof InvitationSchema>;

/** Ours: an older device's word that this one takes its place. */
const ReplacesSchema = v.looseObject({ DeviceUDF: UdfSchema, Signature: OctetsSchema });
export type Replaces = v.InferOutput<typeof ReplacesSchema>;

/**
 * reference-10 section 10.2.2. `DeviceEncryptiontionKey` is spelt as there; `OnlineSignatureKey`, `Invitation` and `Replaces` are
 * ours.
 */
export const DeviceProfileSchema = v.looseObject({
  Identifier: UdfSchema,
  Names: listSchema(v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_NAME)), 8),
  Updated: TimeSchema,
  NotaryToken: v.optional(NotaryTokenSchema),
  Description: v.optional(textSchema(MAX_DESCRIPTION)),
  DeviceSignatureKey: PublicKeySchema,
  DeviceAuthenticationKey: PublicKeySchema,
  DeviceEncryptiontionKey: PublicKeySchema,
  OnlineSignatureKey: PublicKeySchema,
  Invitation: v.optional(InvitationSchema),
  Replaces: v.optional(ReplacesSchema),
});

/** A device profile whose signature and keys have been verified. */
export interface Device {
  readonly record: SignedRecord;
  readonly udf: string;
  readonly name: string;
  readonly description: string | undefined;
  readonly updated: string;
  /** The newest checkpoint that it had seen when it was made: of no weight before it has been held against the log. */
  readonly notaryToken: string | undefined;
  readonly signatureKey: PublicKey;
  readonly authenticationKey: PublicKey;
  readonly encryptionKey: PublicKey;
  /** Counts as an administration key only where a master profile lists it. */
  readonly onlineSignatureKey: PublicKey;
  /** What it shows of an invite: judged by `judgeInvitation`, and of no weight before. */
  readonly invitation: Invitation | undefined;
  /** Which device it says it replaces: judged by `checkRotation`, and of no weight before. */
  readonly replaces: Replaces | undefined;
}

/**
 * Verifies a SignedDeviceProfile: it is signed by the device signature key in it, whose fingerprint is its identifier.
 * The same devices stand in every version of a profile. Throws `record-invalid`, `json-invalid`, `key-invalid` or
 * `signature-invalid`.
 */
export const readDevice = readingOnce<Device>("DeviceProfile", 8 * 1024 * 1024, (read) => {
  const payload = parseWith(
    DeviceProfileSchema,
    read.payload,
    "record-invalid",
    msg("mesh.what.type", { type: "DeviceProfile" }),
  );
  const signatureKey = readPublicKey(payload.DeviceSignatureKey, "device-signature");
  if (payload.Identifier !== signatureKey.udf || read.record.Identifier !== signatureKey.udf) {
    throw new MeshError("record-invalid", msg("mesh.device-name"));
  }
  verifySignature(read, [signatureKey]);
  const device: Device = {
    record: read.record,
    udf: signatureKey.udf,
    name: payload.Names[0] ?? "",
    description: payload.Description,
    updated: payload.Updated,
    notaryToken: payload.NotaryToken,
    signatureKey,
    authenticationKey: readPublicKey(payload.DeviceAuthenticationKey, "device-authentication"),
    encryptionKey: readPublicKey(payload.DeviceEncryptiontionKey, "device-encryption"),
    onlineSignatureKey: readPublicKey(payload.OnlineSignatureKey, "online-signature"),
    invitation: payload.Invitation,
    replaces: payload.Replaces,
  };
  for (const text of [payload.Invitation?.Proof, payload.Replaces?.Signature]) {
    if (text !== undefined) decodeBase64url(text);
  }
  const uses = new Set([device.udf, device.authenticationKey.udf, device.onlineSignatureKey.udf]);
  if (uses.size !== 3) throw new MeshError("key-invalid", msg("mesh.device-key-reused"));
  return device;
});
