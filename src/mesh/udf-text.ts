import { MeshError } from "../errors.js";
import { msg } from "../messages/message.js";

// What can be said of the text of a fingerprint without a digest: much that only reads needs no more.

/** What records carry: 140 bits, seven groups of four. */
export const UDF_BITS = 140;

/** Letters in groups of four joined by `-`. */
export const group = (text: string): string => (text.match(/.{1,4}/g) ?? []).join("-");

/** What is wrong with Base32 text, by what it was meant to be. */
export type TextCode = "fingerprint-invalid" | "share-invalid" | "pin-invalid" | "bundle-key-invalid";

/**
 * Reads Base32 text in any case and grouping. Gives the upper-case letters without separators, or throws `code` and names
 * the first bad character.
 */
export const normaliseBase32 = (text: string, code: TextCode | "usage"): string => {
  const characters = text.replace(/[\s-]/g, "");
  // Before anything is folded, since some letters beyond ASCII have an upper case within it.
  const bad = /[^A-Za-z2-7]/u.exec(characters);
  if (bad) throw new MeshError(code, msg("mesh.base32-character", { character: JSON.stringify(bad[0]) }));
  return characters.toUpperCase();
};

/**
 * Reads a fingerprint as people write it, in any case and grouping, and gives its canonical text of exactly `bits` bits.
 * Fingerprints are compared as canonical text, never as octets. Throws `fingerprint-invalid`.
 */
export const parseUdf = (text: string, bits: number = UDF_BITS): string => {
  if (text.length > 256) throw new MeshError("fingerprint-invalid", msg("mesh.fingerprint-long"));
  const letters = normaliseBase32(text, "fingerprint-invalid");
  if (!letters.startsWith("M")) {
    throw new MeshError("fingerprint-invalid", msg("mesh.fingerprint-letter"));
  }
  if (letters.length !== bits / 5) {
    throw new MeshError(
      "fingerprint-invalid",
      msg("mesh.fingerprint-length", { count: letters.length, needed: bits / 5 }),
    );
  }
  // The first eight bits are the type code: M is 01100, and the next letter's three high bits must be zero.
  if (!/^M[A-D]/.test(letters)) {
    throw new MeshError("fingerprint-invalid", msg("mesh.fingerprint-kind"));
  }
  return group(letters);
};

/** The canonical text of a fingerprint as people write it, or undefined for a text that is none. */
export const udfIn = (text: string): string | undefined => {
  try {
    return parseUdf(text);
  } catch {
    return undefined;
  }
};

/** True for the canonical text of a 140-bit fingerprint, as records carry it. */
export const isUdf = (text: string): boolean => /^M[A-D][A-Z2-7]{2}(-[A-Z2-7]{4}){6}$/.test(text);
