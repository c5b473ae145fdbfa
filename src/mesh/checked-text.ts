import { sha256 } from "./bytes.js";
import { decodeBase32, encodeBase32, normaliseBase32 } from "./udf.js";

// Texts that a person copies by hand: Base32 in groups of four, which ends with a checksum.

/** The first octets of SHA-256 of all before them. */
export const CHECKSUM_LENGTH = 4;

const checksumOf = (octets: Uint8Array): Buffer => sha256(octets).subarray(0, CHECKSUM_LENGTH);

/** Octets with their checksum behind them, as text. */
export const encodeChecked = (body: Uint8Array): string => {
  const octets = Buffer.concat([body, checksumOf(body)]);
  const text = encodeBase32(octets);
  octets.fill(0);
  return text;
};

/** The octets in front of the checksum, where it is theirs. They share the memory. */
export const withoutChecksum = (octets: Buffer): Buffer | undefined => {
  const body = octets.subarray(0, -CHECKSUM_LENGTH);
  return checksumOf(body).equals(octets.subarray(-CHECKSUM_LENGTH)) ? body : undefined;
};

/**
 * The octets of a secret text of at most `limit` characters, in any case and grouping, or undefined where it is none. There is
 * no error to tell why: one that names a character would give it away. The caller wipes them.
 */
export const decodeSecretText = (text: string, limit: number): Buffer | undefined => {
  if (text.length > limit) return undefined;
  try {
    return decodeBase32(normaliseBase32(text, "pin-invalid"), "pin-invalid");
  } catch {
    return undefined;
  }
};
