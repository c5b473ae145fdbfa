import * as v from "valibot";
import { MeshError } from "../../errors.js";
import { msg } from "../../messages/message.js";
import { SEGMENT_TYPE } from "../application/kind.js";
import { payloadHash, readRecord, verifySignature, type SignedRecord } from "../jose.js";
import type { PublicKey } from "../keys.js";
import { NotaryTokenSchema, parseWith, SequenceSchema, Sha256Schema, TimeSchema, UdfSchema } from "../schema.js";
import { decodeBase64url } from "../bytes.js";
import { parseStrictJsonOctets } from "../json.js";
import { findApplication, isLapsed, type PersonalProfile } from "./personal.js";

/** reference-10 section 10.5.2; `Owner`, `Sequence` and `Previous` are ours. What is in it is the application's business. */
const ApplicationProfileSchema = v.looseObject({
  Identifier: UdfSchema,
  Owner: UdfSchema,
  Updated: TimeSchema,
  NotaryToken: v.optional(NotaryTokenSchema),
  Sequence: SequenceSchema,
  Previous: v.optional(Sha256Schema),
});

/** An application profile whose form has been checked; `verifyApplication` checks who signed it. */
export interface ApplicationProfile {
  readonly record: SignedRecord;
  /** The payload's type, such as PasswordProfile. */
  readonly type: string;
  readonly identifier: string;
  /** Fingerprint of the master profile of the person it belongs to. */
  readonly owner: string;
  readonly sequence: number;
  readonly previous: string | undefined;
  readonly hash: string;
  readonly payloadHash: string;
  readonly kid: string;
}

const typeOf = (value: unknown): string => {
  const { SignedData } = v.parse(v.object({ SignedData: v.object({ payload: v.string() }) }), value);
  const names = Object.keys(parseStrictJsonOctets(decodeBase64url(SignedData.payload)) as object);
  return names[0] ?? "";
};

/** Reads a SignedApplicationProfile without its signature. Throws `record-invalid` or `json-invalid`. */
export const readApplication = (value: unknown): ApplicationProfile => readApplicationPayload(value).application;

/** The same, with all members of its payload. */
export const readApplicationPayload = (
  value: unknown,
): { readonly application: ApplicationProfile; readonly payload: Readonly<Record<string, unknown>> } => {
  let type: string;
  try {
    type = typeOf(value);
  } catch (cause) {
    throw new MeshError("record-invalid", msg("mesh.application-payload"), { cause });
  }
  if (!/^[A-Z][A-Za-z0-9]{0,55}Profile$/.test(type) || /^(Master|Personal|Device)Profile$/.test(type)) {
    throw new MeshError("record-invalid", msg("mesh.application-type"));
  }
  const read = readRecord(value, type);
  const payload = parseWith(ApplicationProfileSchema, read.payload, "record-invalid", msg("mesh.what.type", { type }));
  if (payload.Identifier !== read.record.Identifier) {
    throw new MeshError("record-invalid", msg("mesh.application-identifier"));
  }
  // Segments are never changed: else a device without rights could put another version in front of one that is needed.
  const changes = type === SEGMENT_TYPE && payload.Sequence !== 1;
  if (changes || (payload.Sequence === 1) !== (payload.Previous === undefined)) {
    throw new MeshError("record-invalid", msg("mesh.application-predecessor"));
  }
  const application = {
    record: read.record,
    type,
    identifier: payload.Identifier,
    owner: payload.Owner,
    sequence: payload.Sequence,
    previous: payload.Previous,
    hash: read.hash,
    payloadHash: payloadHash(read.octets),
    kid: read.kid,
  };
  return { application, payload };
};

/**
 * Verifies who signed an application profile: an online signature key of the owner, or a device that the owner's current
 * personal profile names in the entry's `AdminDeviceUDF`. Where the owner has no entry for it yet, any of the owner's
 * devices may make it known. With `now`, devices that have lapsed by then may not. Throws `signature-invalid`.
 */
export const verifyApplication = (application: ApplicationProfile, owner: PersonalProfile, now?: Date): void => {
  if (application.owner !== owner.udf) {
    throw new MeshError("signature-invalid", msg("mesh.application-owner"));
  }
  const entry = findApplication(owner, application.identifier);
  const devices = owner.devices
    .filter(({ udf }) => !entry || entry.AdminDeviceUDF?.includes(udf))
    .filter(({ udf }) => !now || !isLapsed(owner, udf, now));
  const online = owner.master.administrators
    .filter(({ deviceUdf }) => owner.devices.some(({ udf }) => udf === deviceUdf))
    .map(({ key }) => key);
  const allowed: PublicKey[] = [...online, ...devices.map(({ signatureKey }) => signatureKey)];
  verifySignature(readRecord(application.record, application.type), allowed);
};
