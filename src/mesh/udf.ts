import base32 from "hi-base32";
import { MeshError } from "../errors.js";
import { msg } from "../messages/message.js";
import { sha512, utf8 } from "./bytes.js";
import { group, isUdf, UDF_BITS, type TextCode } from "./udf-text.js";

export { isUdf, normaliseBase32, parseUdf, UDF_BITS } from "./udf-text.js";

/** The content types under which the Mesh fingerprints things (design of the records: docs/protocol.md). */
export const CONTENT_TYPE = {
  keyInfo: "application/pkix-keyinfo",
  account: "application/mmm-account",
  connect: "application/mmm-connect",
  escrowed: "application/mmm-escrowed",
  invite: "application/mmm-invite",
  openPgp: "application/pgp-keys",
} as const;

/** Type code of a SHA-2-512 fingerprint: it makes the text start with M. */
const SHA2_512 = 0x60;
/** The same for a digest that ends in 20 or more zero bits and could be written compressed; never used in records. */
const SHA2_512_COMPRESSED = 0x61;
/** A digest of 64 octets behind one octet of type code. */
const MAX_BITS = 520;
/** Base32 (RFC 4648 section 6) without padding, in groups of four joined by `-`. */
export const encodeBase32 = (octets: Uint8Array): string => group(base32.encode([...octets]).replace(/=+$/, ""));

/** The octets of normalised Base32 letters. Throws `code` unless the letters are the canonical spelling of whole octets. */
export const decodeBase32 = (letters: string, code: TextCode): Buffer => {
  const octets = Buffer.from(base32.decode.asBytes(letters));
  // The decoder drops trailing bits and takes more than one spelling, so only what encodes back is accepted.
  if (base32.encode([...octets]).replace(/=+$/, "") !== letters) {
    throw new MeshError(code, msg("mesh.base32-spelling"));
  }
  return octets;
};

/**
 * The Uniform Data Fingerprint of some data under a content type (draft-hallambaker-mesh-udf): Base32 of the leading
 * `bits` bits of 0x60 || SHA-512(contentType ":" SHA-512(data)), in groups of four.
 * Throws `usage` where `bits` is no multiple of 20 from 100 to 500.
 */
export const fingerprint = (contentType: string, data: Uint8Array, bits: number = UDF_BITS): string => {
  if (!Number.isInteger(bits) || bits < 100 || bits > MAX_BITS - 20 || bits % 20 !== 0) {
    throw new MeshError("usage", msg("mesh.fingerprint-bits"));
  }
  const digest = digestOf(contentType, data);
  return textOf(trailingZeroBits(digest) >= 20 ? SHA2_512_COMPRESSED : SHA2_512, digest, bits);
};

/**
 * The fingerprint as records carry it and people compare it: always under type code 0x60. One digest in a million could be
 * written compressed; whatever has such a digest must have a name in records all the same.
 */
export const recordFingerprint = (contentType: string, data: Uint8Array, bits: number = UDF_BITS): string =>
  textOf(SHA2_512, digestOf(contentType, data), bits);

const digestOf = (contentType: string, data: Uint8Array): Buffer => sha512(utf8(`${contentType}:`), sha512(data));

const textOf = (code: number, digest: Uint8Array, bits: number): string =>
  group(base32.encode([code, ...digest]).slice(0, bits / 5));

const trailingZeroBits = (octets: Uint8Array): number => {
  let bits = 0;
  for (let index = octets.length - 1; index >= 0; index--) {
    const octet = octets[index] ?? 0;
    if (octet === 0) bits += 8;
    else return bits + (31 - Math.clz32(octet & -octet));
  }
  return bits;
};

/** 140 bits are 17 octets and a half. */
const UDF_OCTETS = Math.ceil(UDF_BITS / 8);

/** The octets of a 140-bit fingerprint: 18, whose last 4 bits are zero. Throws `fingerprint-invalid` unless it is canonical. */
export const udfOctets = (udf: string): Buffer => {
  if (!isUdf(udf)) throw new MeshError("fingerprint-invalid", msg("mesh.fingerprint-kind"));
  // As many letters as make whole octets; those added are all zero bits.
  return decodeBase32(`${udf.replaceAll("-", "")}AAAA`, "fingerprint-invalid").subarray(0, UDF_OCTETS);
};

/** The canonical text of a fingerprint from what `udfOctets` gives. Throws `fingerprint-invalid` for any other octets. */
export const udfFromOctets = (octets: Uint8Array): string => {
  const text = group(base32.encode([...octets]).slice(0, UDF_BITS / 5));
  if (!isUdf(text) || !udfOctets(text).equals(octets)) {
    throw new MeshError("fingerprint-invalid", msg("mesh.fingerprint-kind"));
  }
  return text;
};

/** The fingerprint under which a personal profile names one of its accounts. */
export const accountUdf = (account: string): string => recordFingerprint(CONTENT_TYPE.account, utf8(account));
