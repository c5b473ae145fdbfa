import { createPublicKey, createVerify, X509Certificate, type Verify } from "node:crypto";
import base32 from "hi-base32";
import * as v from "valibot";
import { MeshError } from "../errors.js";
import { msg } from "../messages/message.js";
import { decodeBase64url, decodeUtf8, sha512, utf8 } from "./bytes.js";
import { parseStrictJson } from "./json.js";
import { parseWith, problem } from "./schema.js";

/** The two generations of old records, named after the years in which the reference implementation wrote them. */
export type LegacyForm = "2016" | "2017";

const CONTENT_TYPE = "application/x509-keyinfo";
const SHA2_512 = 0x60;

/** 150 bits in groups of five, as old records name their keys. */
const UDF_PATTERN = /^M[A-D][A-Z2-7]{3}(?:-[A-Z2-7]{5}){5}$/;
const LegacyUdfSchema = v.pipe(
  v.string(),
  v.check((text) => UDF_PATTERN.test(text), problem("problem.legacy-fingerprint")),
);

/** The fingerprint, as it was made from 2016 to 2018, of the DER of a key: 150 bits in groups of five. */
export const legacyFingerprint = (der: Uint8Array): string => {
  const digest = sha512(utf8(`${CONTENT_TYPE}:`), sha512(der));
  // 150 bits end within an octet, and the old program filled that one from the low bits of the digest's octet.
  const last = ((digest[17] ?? 0) << 2) & 0xff;
  const letters = base32.encode([SHA2_512, ...digest.subarray(0, 17), last]).slice(0, 30);
  return (letters.match(/.{5}/g) ?? []).join("-");
};

/** An RSA public key with the names that it had in old records. */
export interface RsaKey {
  readonly spki: Buffer;
  readonly fingerprints: Readonly<Record<LegacyForm, string>>;
}

/** The octets of unpadded base64url that may be wrapped with line feeds. Throws `record-invalid`. */
const decodeWrapped = (text: string): Buffer => decodeBase64url(text.replaceAll("\n", ""));

/** The same keys stand in every version of a profile, and importing one costs more than verifying with it. */
const remembered = new Map<string, RsaKey>();
const MAX_REMEMBERED = 2048;

const MIN_MODULUS = 256;
const MAX_MODULUS = 512;

/**
 * An RSA key from base64url of its modulus and public exponent, which may be wrapped with line feeds. Takes moduli from 2048
 * to 4096 bits and odd exponents of at most 32 bits. Throws `record-invalid` or `key-invalid`.
 */
export const readRsaKey = (modulus: string, exponent: string): RsaKey => {
  const name = `${modulus} ${exponent}`;
  const known = remembered.get(name);
  if (known) return known;
  const n = decodeWrapped(modulus);
  const e = decodeWrapped(exponent);
  if (n.length < MIN_MODULUS || n.length > MAX_MODULUS || (n[0] ?? 0) < 0x80 || ((n.at(-1) ?? 0) & 1) === 0) {
    throw new MeshError("key-invalid", msg("mesh.rsa-modulus"));
  }
  const value = e.length === 0 || e.length > 4 ? 0 : e.readUIntBE(0, e.length);
  if (e[0] === 0 || value < 3 || value % 2 === 0) {
    throw new MeshError("key-invalid", msg("mesh.rsa-exponent"));
  }
  const jwk = { kty: "RSA", n: n.toString("base64url"), e: e.toString("base64url") };
  const object = createPublicKey({ key: jwk, format: "jwk" });
  const spki = object.export({ format: "der", type: "spki" });
  const key = {
    spki,
    fingerprints: {
      "2016": legacyFingerprint(spki),
      "2017": legacyFingerprint(object.export({ format: "der", type: "pkcs1" })),
    },
  };
  if (remembered.size >= MAX_REMEMBERED) remembered.clear();
  remembered.set(name, key);
  return key;
};

/** A public key as old records carry it (reference-00 section 5.1): by its numbers, in a certificate, or both. */
const LegacyKeySchema = v.looseObject({
  UDF: LegacyUdfSchema,
  X509Certificate: v.optional(v.pipe(v.string(), v.maxLength(16384))),
  PublicParameters: v.optional(
    v.strictObject({
      PublicKeyRSA: v.strictObject({
        kid: LegacyUdfSchema,
        n: v.pipe(v.string(), v.maxLength(1024)),
        e: v.pipe(v.string(), v.maxLength(16)),
      }),
    }),
  ),
});

/** A public key of an old record whose name is one of its fingerprints. */
export interface LegacyKey {
  readonly udf: string;
  readonly spki: Buffer;
}

const readCertifiedKey = (certificate: string): RsaKey => {
  const octets = decodeWrapped(certificate);
  let jwk;
  try {
    jwk = new X509Certificate(octets).publicKey.export({ format: "jwk" });
  } catch (cause) {
    throw new MeshError("key-invalid", msg("mesh.certificate-unreadable"), { cause });
  }
  return readRsaKey(jwk.n ?? "", jwk.e ?? "");
};

/**
 * Reads a public key of an old record. Where its numbers are given, they are the key and the certificate beside them says
 * nothing. Throws `record-invalid`, `key-invalid`, or `fingerprint-mismatch` where its name is not its fingerprint.
 */
export const readLegacyKey = (value: unknown): LegacyKey => {
  const record = parseWith(LegacyKeySchema, value, "record-invalid", msg("mesh.what.public-key"));
  const numbers = record.PublicParameters?.PublicKeyRSA;
  if (!numbers && record.X509Certificate === undefined) {
    throw new MeshError("record-invalid", msg("mesh.key-empty"));
  }
  const key = numbers ? readRsaKey(numbers.n, numbers.e) : readCertifiedKey(record.X509Certificate ?? "");
  const names = Object.values(key.fingerprints);
  if (!names.includes(record.UDF) || (numbers && numbers.kid !== record.UDF)) {
    throw new MeshError("fingerprint-mismatch", msg("mesh.key-fingerprint"));
  }
  return { udf: record.UDF, spki: key.spki };
};

/**
 * Parses the JSON of old records, which may have raw line feeds inside strings: where it does, a copy without any is parsed,
 * and `wrapped` is true. Throws `json-invalid`.
 */
export const parseLegacyJson = (text: string): { value: unknown; wrapped: boolean } => {
  try {
    return { value: parseStrictJson(text), wrapped: false };
  } catch (error) {
    if (!text.includes("\n")) throw error;
    return { value: parseStrictJson(text.replaceAll("\n", "")), wrapped: true };
  }
};

const MEMBERS = {
  "header payload signature": "2016",
  "payload signatures unprotected": "2017",
  "payload protected signature": "current",
} as const;

/** Which rule a SignedData follows. Its exact set of members decides, so that no record can be taken for another kind. */
export const formOf = (signedData: unknown): LegacyForm | "current" | undefined => {
  if (typeof signedData !== "object" || signedData === null || Array.isArray(signedData)) return undefined;
  const names = Object.keys(signedData);
  return names.length === 3 ? MEMBERS[names.sort().join(" ") as keyof typeof MEMBERS] : undefined;
};

const text = v.string();
const shortText = v.pipe(text, v.maxLength(1024));

const SignedData2016Schema = v.strictObject({ header: shortText, payload: text, signature: shortText });
const SignedData2017Schema = v.strictObject({
  unprotected: v.strictObject({ dig: v.literal("S512") }),
  payload: text,
  signatures: v.strictTuple([
    v.strictObject({
      header: v.strictObject({ kid: LegacyUdfSchema }),
      protected: shortText,
      signature: shortText,
    }),
  ]),
});
const ProtectedSchema = v.strictObject({ alg: v.literal("RS512"), val: shortText });

/** A SignedData of old whose form has been checked, and nothing else: neither its payload nor its signature. */
export interface LegacySigned {
  readonly form: LegacyForm;
  readonly kid: string;
  /** The decoded payload octets. */
  readonly octets: Buffer;
  /** The octets under the signature: those of the payload in 2016, those of the protected header in 2017. */
  readonly signed: Buffer;
  readonly signature: Buffer;
}

/**
 * The header of 2016 is under no signature, so nothing but these two spellings of it is taken: as the reference
 * implementation wrote it, and compact.
 */
const HEADER_2016 = [
  /^\{\n {2}"alg": "RS512",\n {2}"kid": "([A-Z2-7-]{35})"\}$/,
  /^\{"alg":"RS512","kid":"([A-Z2-7-]{35})"\}$/,
];

const read2016 = (signedData: unknown) => {
  const data = parseWith(
    SignedData2016Schema,
    signedData,
    "record-invalid",
    msg("mesh.what.type", { type: "SignedData" }),
  );
  const header = decodeWrapped(data.header).toString("latin1");
  const kid = HEADER_2016.map((pattern) => pattern.exec(header)?.[1]).find((match) => match !== undefined);
  if (kid === undefined || !UDF_PATTERN.test(kid)) {
    throw new MeshError("record-invalid", msg("mesh.legacy-header"));
  }
  const octets = decodeWrapped(data.payload);
  return { kid, octets, signed: octets, signature: decodeWrapped(data.signature) };
};

const read2017 = (signedData: unknown) => {
  const data = parseWith(
    SignedData2017Schema,
    signedData,
    "record-invalid",
    msg("mesh.what.type", { type: "SignedData" }),
  );
  const [by] = data.signatures;
  return {
    kid: by.header.kid,
    octets: decodeWrapped(data.payload),
    signed: decodeWrapped(by.protected),
    signature: decodeWrapped(by.signature),
  };
};

/** Checks the form of a SignedData of 2016 or 2017 and decodes it. Throws `record-invalid`. */
export const readLegacySigned = (form: LegacyForm, signedData: unknown): LegacySigned => ({
  form,
  ...(form === "2016" ? read2016(signedData) : read2017(signedData)),
});

/** The payload of an old record: the name and the value of its one member. */
export interface LegacyPayload {
  readonly type: string;
  readonly value: unknown;
  /** True where its JSON has raw line feeds inside strings. */
  readonly wrapped: boolean;
}

/** Parses the payload of an old record. Throws `json-invalid` or `record-invalid`. */
export const readLegacyPayload = (record: LegacySigned): LegacyPayload => {
  const { value, wrapped } = parseLegacyJson(decodeUtf8(record.octets));
  const names = typeof value === "object" && value !== null && !Array.isArray(value) ? Object.keys(value) : [];
  const [type] = names;
  if (type === undefined || names.length !== 1) {
    throw new MeshError("record-invalid", msg("mesh.legacy-payload"));
  }
  return { type, value: (value as Record<string, unknown>)[type], wrapped };
};

const checkDigest = (record: LegacySigned): void => {
  const { value } = parseLegacyJson(decodeUtf8(record.signed));
  const { val } = parseWith(ProtectedSchema, value, "record-invalid", msg("mesh.what.protected-header"));
  if (!decodeWrapped(val).equals(sha512(record.octets))) {
    throw new MeshError("signature-invalid", msg("mesh.legacy-digest"));
  }
};

/** What is left to do of a verification once the octets have been digested, and need not be kept any longer. */
export interface LegacyDigest {
  readonly state: Verify;
  readonly signature: Uint8Array;
}

/**
 * Starts to verify an old record: digests what is signed, by RSASSA-PKCS1-v1_5 with SHA-512, the one algorithm of old
 * records. Throws `signature-invalid` where the digest that a record of 2017 signs is not that of its payload, and
 * `record-invalid` or `json-invalid` where its protected header has another form.
 */
export const digestLegacy = (record: LegacySigned): LegacyDigest => {
  if (record.form === "2017") checkDigest(record);
  // A copy, since a small Buffer keeps the whole pool alive that it was taken from.
  return { state: createVerify("RSA-SHA512").update(record.signed), signature: new Uint8Array(record.signature) };
};

/** True where the signature is valid under the key. A digest can be asked once. Who may sign is the caller's business. */
export const verifyLegacyDigest = ({ state, signature }: LegacyDigest, { spki }: LegacyKey): boolean =>
  state.verify({ key: spki, format: "der", type: "spki" }, signature);
