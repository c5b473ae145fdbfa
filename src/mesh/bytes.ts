import { createHash, hash as hashOnce } from "node:crypto";
import { MeshError } from "../errors.js";
import { msg } from "../messages/message.js";

/** Canonical unpadded base64url (RFC 4648 section 5) of some octets. */
export const encodeBase64url = (octets: Uint8Array): string =>
  Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString("base64url");

/**
 * The octets of an unpadded base64url text. Only the one canonical spelling is taken: no padding, no line breaks, no
 * foreign characters and no stray low bits. Throws `record-invalid`.
 */
export const decodeBase64url = (text: string): Buffer => {
  const octets = Buffer.from(text, "base64url");
  if (octets.toString("base64url") !== text) {
    throw new MeshError("record-invalid", msg("mesh.base64url"));
  }
  return octets;
};

export const utf8 = (text: string): Buffer => Buffer.from(text, "utf8");

/** Texts in UTF-8, each behind its length in octets (4, big-endian), so that no two lists of texts give the same octets. */
export const lengthPrefixed = (...texts: readonly string[]): Buffer =>
  Buffer.concat(
    texts.flatMap((text) => {
      const octets = utf8(text);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(octets.length);
      return [length, octets];
    }),
  );

/** The text of well-formed UTF-8 octets without a byte order mark. Throws `json-invalid`. */
export const decodeUtf8 = (octets: Uint8Array): string => {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(octets);
  } catch (cause) {
    throw new MeshError("json-invalid", msg("mesh.utf8"), { cause });
  }
};

export const sha256 = (...parts: readonly Uint8Array[]): Buffer => hash("sha256", parts);
export const sha512 = (...parts: readonly Uint8Array[]): Buffer => hash("sha512", parts);

/** base64url of SHA-256 over a text in UTF-8. */
export const sha256OfText = (text: string): string => hashOnce("sha256", text, "base64url");

const hash = (algorithm: string, parts: readonly Uint8Array[]): Buffer => {
  const [only] = parts;
  if (only && parts.length === 1) return hashOnce(algorithm, only, "buffer");
  const digest = createHash(algorithm);
  for (const part of parts) digest.update(part);
  return digest.digest();
};
