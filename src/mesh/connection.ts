import * as v from "valibot";
import { MeshError } from "../errors.js";
import { msg } from "../messages/message.js";
import { utf8 } from "./bytes.js";
import { readRecord, SignedRecordSchema, signRecord, verifySignature, type SignedRecord } from "./jose.js";
import type { PrivateKey, PublicKey } from "./keys.js";
import { readDevice, type Device } from "./records/device.js";
import { parseWith, textSchema, UdfSchema } from "./schema.js";
import { CONTENT_TYPE, recordFingerprint, parseUdf } from "./udf.js";

const CODE_BITS = 100;

/** reference-10 section 11.1.1. The 2016 portal parses this payload, so it has no other members than the old BlockToken, which is never sent. */
const ConnectionRequestSchema = v.strictObject({
  ParentUDF: UdfSchema,
  Device: SignedRecordSchema,
  BlockToken: v.optional(textSchema(1024)),
});

/** reference-10 section 11.1.3. The same holds here. */
const ConnectionResultSchema = v.strictObject({
  ParentUDF: UdfSchema,
  Device: SignedRecordSchema,
  Result: v.picklist(["Accepted", "Refused", "Query"]),
  BlockToken: v.optional(textSchema(1024)),
});

export type ConnectionOutcome = "Accepted" | "Refused" | "Query";

/** A connection request whose device and signature have been verified. */
export interface ConnectionRequest {
  readonly record: SignedRecord;
  readonly device: Device;
  /** The profile that the device wants to join. */
  readonly profileUdf: string;
  readonly code: string;
}

/** A connection result whose signature has been verified under keys that may give one. */
export interface ConnectionResult {
  readonly record: SignedRecord;
  readonly device: SignedRecord;
  readonly profileUdf: string;
  readonly outcome: ConnectionOutcome;
}

/**
 * The verification code of a device that wants to join a profile: 100 bits, five groups of four. No nonce is exchanged, so a
 * shorter code could be ground out offline.
 */
export const verificationCode = (deviceUdf: string, profileUdf: string): string =>
  recordFingerprint(CONTENT_TYPE.connect, utf8(`${deviceUdf}:${profileUdf}`), CODE_BITS);

/** The canonical form of a code as a person types it. Throws `fingerprint-invalid`. */
export const parseVerificationCode = (text: string): string => {
  try {
    return parseUdf(text, CODE_BITS);
  } catch (cause) {
    throw new MeshError("fingerprint-invalid", msg("mesh.verification-code"), {
      hint: msg("mesh.verification-code.hint"),
      cause,
    });
  }
};

export const createConnectionRequest = (device: Device, profileUdf: string, key: PrivateKey): ConnectionRequest =>
  readConnectionRequest(
    signRecord(device.udf, "ConnectionRequest", { ParentUDF: profileUdf, Device: device.record }, key),
  );

/** Verifies a SignedConnectionRequest: it is signed by the device that it presents. Throws as `readDevice` does. */
export const readConnectionRequest = (value: unknown): ConnectionRequest => {
  const read = readRecord(value, "ConnectionRequest");
  const payload = parseWith(
    ConnectionRequestSchema,
    read.payload,
    "record-invalid",
    msg("mesh.what.type", { type: "ConnectionRequest" }),
  );
  const device = readDevice(payload.Device);
  if (read.record.Identifier !== device.udf) {
    throw new MeshError("record-invalid", msg("mesh.connection-request-name"));
  }
  verifySignature(read, [device.signatureKey]);
  return {
    record: read.record,
    device,
    profileUdf: payload.ParentUDF,
    code: verificationCode(device.udf, payload.ParentUDF),
  };
};

/** Answers a request, under an online signature key. The device's own octets come back in the result. */
export const createConnectionResult = (
  device: SignedRecord,
  profileUdf: string,
  outcome: ConnectionOutcome,
  key: PrivateKey,
): SignedRecord =>
  signRecord(device.Identifier, "ConnectionResult", { ParentUDF: profileUdf, Device: device, Result: outcome }, key);

/**
 * Verifies a SignedConnectionResult under the online signature keys of the newest verified master profile.
 * Throws `record-invalid`, `json-invalid` or `signature-invalid`.
 */
export const readConnectionResult = (value: unknown, administrators: readonly PublicKey[]): ConnectionResult => {
  const read = readRecord(value, "ConnectionResult");
  const payload = parseWith(
    ConnectionResultSchema,
    read.payload,
    "record-invalid",
    msg("mesh.what.type", { type: "ConnectionResult" }),
  );
  if (payload.Device.Identifier !== read.record.Identifier) {
    throw new MeshError("record-invalid", msg("mesh.connection-result-name"));
  }
  verifySignature(read, administrators);
  return { record: read.record, device: payload.Device, profileUdf: payload.ParentUDF, outcome: payload.Result };
};
