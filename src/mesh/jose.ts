import { sign as signOctets, verify as verifyOctets } from "node:crypto";
import * as v from "valibot";
import { MeshError } from "../errors.js";
import { msg } from "../messages/message.js";
import { decodeBase64url, encodeBase64url, sha256, utf8 } from "./bytes.js";
import { parseStrictJsonOctets } from "./json.js";
import { privateKeyObject, publicKeyObject, type PrivateKey, type PublicKey } from "./keys.js";
import { remembered } from "./remembered.js";
import { parseWith, UdfSchema } from "./schema.js";
import { MAX_RECORD, recordHash, SignedRecordSchema, type SignedRecord } from "./signed-record.js";

export { MAX_RECORD, recordHash, SignedDataSchema, SignedRecordSchema } from "./signed-record.js";
export type { SignedData, SignedRecord } from "./signed-record.js";

/** A JWE (RFC 7516 section 7.2.2) under a key that both sides know: `alg` dir, `enc` A256GCM. */
export const EncryptedDataSchema = v.strictObject({
  protected: v.pipe(v.string(), v.maxLength(1024)),
  iv: v.pipe(v.string(), v.length(16)),
  ciphertext: v.pipe(v.string(), v.maxLength(MAX_RECORD)),
  tag: v.pipe(v.string(), v.length(22)),
});
export type EncryptedData = v.InferOutput<typeof EncryptedDataSchema>;

const ProtectedHeaderSchema = v.strictObject({ alg: v.literal("EdDSA"), kid: UdfSchema });
const DIRECT_HEADER = encodeBase64url(utf8('{"alg":"dir","enc":"A256GCM"}'));

/** A signed record whose form has been checked, and nothing else: its signature has not been looked at. */
export interface ReadRecord {
  readonly record: SignedRecord;
  readonly hash: string;
  readonly kid: string;
  /** The decoded payload octets. */
  readonly octets: Buffer;
  /** The value of the payload's one member, which is named as its type. */
  readonly payload: unknown;
}

/** The one spelling of the protected header of a record. */
const headerOf = (kid: string): string => encodeBase64url(utf8(JSON.stringify({ alg: "EdDSA", kid })));

/**
 * Signs a payload object under its type name: `{"MasterProfile": {...}}` (RFC 8037 section 3.1). Throws `too-large` where
 * nobody would read the record.
 */
export const signRecord = (identifier: string, type: string, payload: object, key: PrivateKey): SignedRecord => {
  const header = headerOf(key.kid);
  const body = encodeBase64url(utf8(JSON.stringify({ [type]: payload })));
  const signature = signOctets(null, utf8(`${header}.${body}`), privateKeyObject(key));
  const record = {
    Identifier: identifier,
    SignedData: { protected: header, payload: body, signature: encodeBase64url(signature) },
  };
  if (JSON.stringify(record).length > MAX_RECORD) {
    throw new MeshError("too-large", msg("mesh.record-large", { type, maximum: MAX_RECORD }));
  }
  return record;
};

const checkForm = (value: unknown, type: string): SignedRecord =>
  parseWith(SignedRecordSchema, value, "record-invalid", msg("mesh.what.type", { type: `Signed${type}` }));

const decode = (record: SignedRecord, hash: string, type: string): ReadRecord => {
  const header = parseWith(
    ProtectedHeaderSchema,
    parseStrictJsonOctets(decodeBase64url(record.SignedData.protected)),
    "record-invalid",
    msg("mesh.what.protected-header"),
  );
  // Its signer could spell one header in many ways, and each would be another record.
  if (record.SignedData.protected !== headerOf(header.kid)) {
    throw new MeshError("record-invalid", msg("mesh.header-spelling"));
  }
  decodeBase64url(record.SignedData.signature);
  const octets = decodeBase64url(record.SignedData.payload);
  const container = parseStrictJsonOctets(octets);
  const names = typeof container === "object" && container !== null ? Object.keys(container) : [];
  if (Array.isArray(container) || names.length !== 1 || names[0] !== type) {
    throw new MeshError("record-invalid", msg("mesh.payload-type", { type }));
  }
  return { record, hash, kid: header.kid, octets, payload: (container as Record<string, unknown>)[type] };
};

/**
 * Checks the form of a signed record and decodes it: exact members, canonical base64url, a header of exactly `alg` and
 * `kid`, a payload of exactly one member named `type`. Throws `record-invalid` or `json-invalid`. Does not verify the
 * signature, nor that the identifier inside is the one outside, which each type has under another name.
 */
export const readRecord = (value: unknown, type: string): ReadRecord => {
  const record = checkForm(value, type);
  return decode(record, recordHash(record), type);
};

/** Reads records of one type. */
export interface RecordReader<Result> {
  (value: unknown): Result;
  /** The record of that identifier and hash, where it was read lately. */
  seen(identifier: string, hash: string): Result | undefined;
  /** Makes room: nobody is likely to ask for that record any more. */
  forget(identifier: string, hash: string): void;
}

/**
 * Reads records of one type with `read`, which verifies them by nothing but what is in them, and each only once: a record seen lately
 * is known by its identifier and its hash, which covers every octet that `read` goes by. What is remembered has so many octets at
 * most, by the length of the payloads. Throws as `readRecord` and `read` do.
 */
export const readingOnce = <Result>(
  type: string,
  octets: number,
  read: (record: ReadRecord) => Result,
): RecordReader<Result> => {
  const known = remembered<string, { readonly result: Result; readonly length: number }>(
    octets,
    ({ length }) => length,
  );
  const nameOf = (identifier: string, hash: string): string => `${identifier} ${hash}`;
  const reader = (value: unknown): Result => {
    const record = checkForm(value, type);
    const hash = recordHash(record);
    const name = nameOf(record.Identifier, hash);
    const seen = known.get(name);
    if (seen) return seen.result;
    const result = read(decode(record, hash, type));
    known.set(name, { result, length: record.SignedData.payload.length });
    return result;
  };
  return Object.assign(reader, {
    seen: (identifier: string, hash: string) => known.get(nameOf(identifier, hash))?.result,
    forget: (identifier: string, hash: string) => known.delete(nameOf(identifier, hash)),
  });
};

/**
 * Signatures that held, each by the hash of its record and the octets of the key. The hash covers the signing input and the signature,
 * whose parts hold no dots, so that nothing but that very signature under that very key is found again.
 */
const valid = remembered<string, true>(16_384);

const signatureName = (hash: string, { crv, x }: PublicKey): string => `${hash} ${crv} ${x}`;

const signingInput = ({ SignedData: { protected: header, payload } }: SignedRecord): Buffer =>
  utf8(`${header}.${payload}`);

/**
 * Verifies the signature of a record beside everything else that goes on, so that `verifySignature` finds it done, where one of the
 * keys is the one that the record names. Whatever is wrong with the record is left to those who throw.
 */
export const verifyAhead = async (record: SignedRecord, allowed: readonly PublicKey[]): Promise<void> => {
  const key = allowed.find(({ udf }) => headerOf(udf) === record.SignedData.protected);
  const name = key && signatureName(recordHash(record), key);
  if (!name || valid.get(name)) return;
  const octets = Buffer.from(record.SignedData.signature, "base64url");
  const isValid = await new Promise<boolean>((resolve) => {
    verifyOctets(null, signingInput(record), publicKeyObject(key), octets, (error, holds) => resolve(!error && holds));
  });
  if (isValid) valid.set(name, true);
};

/** Verifies the signature of a record under one of the keys that are allowed to sign it. Throws `signature-invalid`. */
export const verifySignature = (read: ReadRecord, allowed: readonly PublicKey[]): PublicKey => {
  const key = allowed.find((candidate) => candidate.udf === read.kid);
  if (!key) throw new MeshError("signature-invalid", msg("mesh.signer-not-allowed", { udf: read.kid }));
  const name = signatureName(read.hash, key);
  if (valid.get(name)) return key;
  const octets = decodeBase64url(read.record.SignedData.signature);
  if (!verifyOctets(null, signingInput(read.record), publicKeyObject(key), octets)) {
    throw new MeshError("signature-invalid", msg("mesh.signature-wrong"));
  }
  valid.set(name, true);
  return key;
};

/** Signs octets with an Ed25519 key. */
export const signMessage = (message: Uint8Array, key: PrivateKey): Buffer =>
  signOctets(null, message, privateKeyObject(key));

/** True where an Ed25519 signature over octets is valid under a checked public key. */
export const verifyMessage = (message: Uint8Array, signature: Uint8Array, key: PublicKey): boolean =>
  signature.length === 64 && verifyOctets(null, message, publicKeyObject(key), signature);

/** Hash of a payload, which the next record names in `Previous`: base64url of SHA-256 over the decoded octets. */
export const payloadHash = (octets: Uint8Array): string => encodeBase64url(sha256(octets));

/** Encrypts octets under a 32-octet key known to both sides (RFC 7518 section 4.5). */
export const encryptDirect = async (plaintext: Uint8Array, key: Uint8Array): Promise<EncryptedData> => {
  const { FlattenedEncrypt } = await import("jose/jwe/flattened/encrypt");
  const jwe = await new FlattenedEncrypt(plaintext).setProtectedHeader({ alg: "dir", enc: "A256GCM" }).encrypt(key);
  return parseWith(
    EncryptedDataSchema,
    { protected: jwe.protected, iv: jwe.iv, ciphertext: jwe.ciphertext, tag: jwe.tag },
    "too-large",
    msg("mesh.what.encrypted-data"),
  );
};

/** Opens what `encryptDirect` made. Any other shape, header or spelling, and any failure, is one `decryption-failed`. */
export const decryptDirect = async (value: unknown, key: Uint8Array): Promise<Buffer> => {
  try {
    const data = v.parse(EncryptedDataSchema, value);
    for (const text of [data.iv, data.ciphertext, data.tag]) decodeBase64url(text);
    if (data.protected !== DIRECT_HEADER) throw new Error("The header is not the expected one.");
    const { flattenedDecrypt } = await import("jose/jwe/flattened/decrypt");
    const { plaintext } = await flattenedDecrypt(data, key, {
      keyManagementAlgorithms: ["dir"],
      contentEncryptionAlgorithms: ["A256GCM"],
    });
    return Buffer.from(plaintext);
  } catch {
    // One error for every failure: which step failed is nobody's business.
    throw new MeshError("decryption-failed", msg("mesh.decryption-failed"));
  }
};
