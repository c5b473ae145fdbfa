import * as v from "valibot";
import { sha256OfText } from "./bytes.js";
import { UdfSchema } from "./schema.js";

/** The largest record that is read or written, in octets of its JSON text. */
export const MAX_RECORD = 256 * 1024;

/** A flattened JWS (RFC 7515 section 7.2.2) with exactly these members, each canonical base64url. */
export const SignedDataSchema = v.strictObject({
  protected: v.pipe(v.string(), v.maxLength(1024)),
  payload: v.pipe(v.string(), v.maxLength(MAX_RECORD)),
  signature: v.pipe(v.string(), v.length(86)),
});
export type SignedData = v.InferOutput<typeof SignedDataSchema>;

/** What every signed record looks like, without the name of its type (reference-00 section 5.3.2). */
export const SignedRecordSchema = v.strictObject({ Identifier: UdfSchema, SignedData: SignedDataSchema });
export type SignedRecord = v.InferOutput<typeof SignedRecordSchema>;

/** Hash of a record: base64url of SHA-256 over `protected.payload.signature`. */
export const recordHash = (record: SignedRecord): string => {
  const { protected: header, payload, signature } = record.SignedData;
  return sha256OfText(`${header}.${payload}.${signature}`);
};
