import { createCipheriv, createDecipheriv, hkdfSync } from "node:crypto";
import * as v from "valibot";
import { MeshError } from "../errors.js";
import { decodeBase64url, encodeBase64url, utf8 } from "../mesh/bytes.js";
import { msg } from "../messages/message.js";
import { octetsSchema } from "./stored.js";

/** At most so many octets under AES-256-GCM (NIST SP 800-38D), as files hold them. */
export const sealedSchema = (maximum: number) =>
  v.strictObject({ iv: octetsSchema(12), ciphertext: octetsSchema(1, maximum), tag: octetsSchema(16) });

/** One private key, or the key of a keystore. */
export const SealedSchema = sealedSchema(4096);
export type Sealed = v.InferOutput<typeof SealedSchema>;

/** What a ciphertext is bound to. Written as a JSON array, so that no two different lists give the same octets. */
export type Binding = readonly (string | number)[];

const CIPHER = "aes-256-gcm";
const TAG = { authTagLength: 16 };

/** Encrypts under a 32-octet key with a fresh iv, bound to `binding`. */
export const seal = (
  plaintext: Uint8Array,
  key: Uint8Array,
  binding: Binding,
  random: (length: number) => Uint8Array,
): Sealed => {
  const iv = random(12);
  const cipher = createCipheriv(CIPHER, key, iv, TAG);
  cipher.setAAD(utf8(JSON.stringify(binding)));
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return {
    iv: encodeBase64url(iv),
    ciphertext: encodeBase64url(ciphertext),
    tag: encodeBase64url(cipher.getAuthTag()),
  };
};

/** Opens what `seal` made under the same key and binding. Throws `decryption-failed`. */
export const unseal = (sealed: Sealed, key: Uint8Array, binding: Binding): Buffer => {
  try {
    const decipher = createDecipheriv(CIPHER, key, decodeBase64url(sealed.iv), TAG);
    decipher.setAAD(utf8(JSON.stringify(binding)));
    decipher.setAuthTag(decodeBase64url(sealed.tag));
    const head = decipher.update(decodeBase64url(sealed.ciphertext));
    try {
      return Buffer.concat([head, decipher.final()]);
    } finally {
      head.fill(0);
    }
  } catch {
    throw new MeshError("decryption-failed", msg("keystore.not-opened"));
  }
};

const IV_OCTETS = 12;
const TAG_OCTETS = 16;

/** The same as octets, for what is too long to be spelled in JSON: iv, tag, ciphertext. */
export const sealOctets = (
  plaintext: Uint8Array,
  key: Uint8Array,
  binding: Binding,
  random: (length: number) => Uint8Array,
): Buffer => {
  const iv = random(IV_OCTETS);
  const cipher = createCipheriv(CIPHER, key, iv, TAG);
  cipher.setAAD(utf8(JSON.stringify(binding)));
  const ciphertext = [cipher.update(plaintext), cipher.final()];
  return Buffer.concat([iv, cipher.getAuthTag(), ...ciphertext]);
};

/** Opens what `sealOctets` made under the same key and binding. Throws `decryption-failed`. */
export const openOctets = (sealed: Uint8Array, key: Uint8Array, binding: Binding): Buffer => {
  try {
    const ciphertext = sealed.subarray(IV_OCTETS + TAG_OCTETS);
    const decipher = createDecipheriv(CIPHER, key, sealed.subarray(0, IV_OCTETS), TAG);
    decipher.setAAD(utf8(JSON.stringify(binding)));
    decipher.setAuthTag(sealed.subarray(IV_OCTETS, IV_OCTETS + TAG_OCTETS));
    const plaintext = decipher.update(ciphertext);
    try {
      // Nothing is left over: GCM is a stream.
      decipher.final();
      return plaintext;
    } catch (error) {
      plaintext.fill(0);
      throw error;
    }
  } catch {
    throw new MeshError("decryption-failed", msg("keystore.not-opened"));
  }
};

/** A 32-octet key for one purpose (HKDF-SHA-512, RFC 5869). */
export const deriveKey = (secret: Uint8Array, salt: string, info: string): Buffer =>
  Buffer.from(hkdfSync("sha512", secret, utf8(salt), utf8(info), 32));
