import * as v from "valibot";
import { MeshError } from "../../errors.js";
import { msg } from "../../messages/message.js";
import { payloadHash, readingOnce, verifySignature, type SignedRecord } from "../jose.js";
import { PublicKeySchema, readPublicKey, type PublicKey } from "../keys.js";
import {
  listSchema,
  NotaryTokenSchema,
  parseWith,
  SequenceSchema,
  Sha256Schema,
  TimeSchema,
  UdfSchema,
} from "../schema.js";

/** The sequence of a revocation note: the greatest number that every JSON reader keeps exact. */
export const REVOCATION_SEQUENCE = Number.MAX_SAFE_INTEGER;

const AdministratorSchema = v.looseObject({ DeviceUDF: UdfSchema, KeyUDF: UdfSchema });

/** reference-10 section 10.3.2; `Sequence`, `Previous`, `Administrators` and `Revoked` are ours. */
const MasterProfileSchema = v.looseObject({
  Identifier: UdfSchema,
  Updated: TimeSchema,
  NotaryToken: v.optional(NotaryTokenSchema),
  Sequence: SequenceSchema,
  Previous: v.optional(Sha256Schema),
  Revoked: v.optional(TimeSchema),
  MasterSignatureKey: PublicKeySchema,
  MasterEscrowKeys: v.optional(listSchema(PublicKeySchema, 8)),
  OnlineSignatureKeys: v.optional(listSchema(PublicKeySchema, 64)),
  Administrators: v.optional(listSchema(AdministratorSchema, 64)),
});
export type MasterPayload = v.InferOutput<typeof MasterProfileSchema>;

/** Which device holds an online signature key. */
export interface Administrator {
  readonly deviceUdf: string;
  readonly key: PublicKey;
}

/** A master profile whose signature and keys have been verified. */
export interface MasterProfile {
  readonly record: SignedRecord;
  readonly payload: MasterPayload;
  readonly udf: string;
  readonly sequence: number;
  readonly previous: string | undefined;
  readonly updated: string;
  readonly hash: string;
  readonly payloadHash: string;
  readonly signatureKey: PublicKey;
  readonly escrowKeys: readonly PublicKey[];
  readonly administrators: readonly Administrator[];
  /** When the owner revoked the whole profile; such a record is a revocation note and names no other keys. */
  readonly revoked: string | undefined;
}

/**
 * Verifies a SignedMasterProfile or a revocation note: it is signed by the master signature key in it, whose fingerprint is
 * its identifier, and its administrators and online signature keys belong together one to one.
 * Throws `record-invalid`, `json-invalid`, `key-invalid` or `signature-invalid`.
 */
export const readMaster = readingOnce<MasterProfile>("MasterProfile", 4 * 1024 * 1024, (read) => {
  const payload = parseWith(
    MasterProfileSchema,
    read.payload,
    "record-invalid",
    msg("mesh.what.type", { type: "MasterProfile" }),
  );
  const signatureKey = readPublicKey(payload.MasterSignatureKey, "master-signature");
  if (payload.Identifier !== signatureKey.udf || read.record.Identifier !== signatureKey.udf) {
    throw new MeshError("record-invalid", msg("mesh.master-name"));
  }
  verifySignature(read, [signatureKey]);
  const master = {
    record: read.record,
    payload,
    udf: signatureKey.udf,
    sequence: payload.Sequence,
    previous: payload.Previous,
    updated: payload.Updated,
    hash: read.hash,
    payloadHash: payloadHash(read.octets),
    signatureKey,
    escrowKeys: (payload.MasterEscrowKeys ?? []).map((key) => readPublicKey(key, "master-escrow")),
    administrators: readAdministrators(payload, signatureKey),
    revoked: payload.Revoked,
  };
  checkConsistency(master);
  return master;
});

const readAdministrators = (payload: MasterPayload, signatureKey: PublicKey): Administrator[] => {
  const keys = (payload.OnlineSignatureKeys ?? []).map((key) => readPublicKey(key, "online-signature"));
  const administrators = (payload.Administrators ?? []).map(({ DeviceUDF, KeyUDF }) => {
    const key = keys.find((candidate) => candidate.udf === KeyUDF);
    if (!key) throw new MeshError("record-invalid", msg("mesh.master-administrator-key"));
    return { deviceUdf: DeviceUDF, key };
  });
  const distinct = (texts: readonly string[]): boolean => new Set(texts).size === texts.length;
  if (
    keys.length !== administrators.length ||
    !distinct(administrators.map(({ deviceUdf }) => deviceUdf)) ||
    !distinct([signatureKey.udf, ...administrators.map(({ key }) => key.udf)])
  ) {
    throw new MeshError("record-invalid", msg("mesh.master-administrators"));
  }
  return administrators;
};

const checkConsistency = (master: MasterProfile): void => {
  const isNote = master.revoked !== undefined;
  if (isNote !== (master.sequence === REVOCATION_SEQUENCE)) {
    throw new MeshError("record-invalid", msg("mesh.revocation-sequence"));
  }
  const hasKeys = master.escrowKeys.length > 0 && master.administrators.length > 0;
  if (isNote ? master.escrowKeys.length + master.administrators.length > 0 : !hasKeys) {
    throw new MeshError("record-invalid", isNote ? msg("mesh.revocation-keys") : msg("mesh.master-incomplete"));
  }
  if (!isNote && (master.sequence === 1) !== (master.previous === undefined)) {
    throw new MeshError("record-invalid", msg("mesh.master-predecessor"));
  }
};
