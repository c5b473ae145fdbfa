import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import * as v from "valibot";
import { MeshError } from "../errors.js";
import { msg } from "../messages/message.js";
import { decodeBase64url, encodeBase64url } from "./bytes.js";
import type { Curve, KeyUse } from "./key-use.js";
import { CONTENT_TYPE, recordFingerprint } from "./udf.js";

// What a private key of ours needs. Public keys of others have to be checked besides, and that takes curve arithmetic.

/** A private key as a JWK (RFC 8037); `kid` is the fingerprint of the public key. */
export const PrivateKeySchema = v.strictObject({
  kty: v.literal("OKP"),
  crv: v.picklist(["Ed25519", "X25519"]),
  kid: v.pipe(v.string(), v.maxLength(64)),
  x: v.pipe(v.string(), v.length(43)),
  d: v.pipe(v.string(), v.length(43)),
});
export type PrivateKey = v.InferOutput<typeof PrivateKeySchema>;

/** DER in front of the 32 octets of a SubjectPublicKeyInfo and of a PKCS #8 private key (RFC 8410). */
const SPKI_PREFIX: Record<Curve, Buffer> = {
  Ed25519: Buffer.from("302a300506032b6570032100", "hex"),
  X25519: Buffer.from("302a300506032b656e032100", "hex"),
};
const PKCS8_PREFIX: Record<Curve, Buffer> = {
  Ed25519: Buffer.from("302e020100300506032b657004220420", "hex"),
  X25519: Buffer.from("302e020100300506032b656e04220420", "hex"),
};

/** The curve of the keys that a use has. */
export const curveOf = (use: KeyUse): Curve =>
  use === "master-escrow" || use === "device-encryption" ? "X25519" : "Ed25519";

/** The DER SubjectPublicKeyInfo of a raw public key: what its fingerprint is taken of. */
export const subjectPublicKeyInfo = (crv: Curve, x: string): Buffer =>
  Buffer.concat([SPKI_PREFIX[crv], decodeBase64url(x)]);

/** Fingerprint of a public key: content type `application/pkix-keyinfo` over its SubjectPublicKeyInfo. */
export const keyUdf = (crv: Curve, x: string): string =>
  recordFingerprint(CONTENT_TYPE.keyInfo, subjectPublicKeyInfo(crv, x));

/** Makes a key pair for a use from 32 octets of `random`, which are wiped. */
export const generateKey = (use: KeyUse, random: (length: number) => Uint8Array): PrivateKey => {
  const crv = curveOf(use);
  const seed = random(32);
  const pkcs8 = Buffer.concat([PKCS8_PREFIX[crv], seed]);
  const d = encodeBase64url(seed);
  seed.fill(0);
  try {
    const { x = "" } = createPublicKey(createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" })).export({
      format: "jwk",
    });
    return { kty: "OKP", crv, kid: keyUdf(crv, x), x, d };
  } finally {
    pkcs8.fill(0);
  }
};

/** The key as node:crypto has it. As a JWK, since OpenSSL takes much longer to find out what some DER is. */
const keyObjectOf = ({ kty, crv, x, d }: PrivateKey): KeyObject | undefined => {
  try {
    return createPrivateKey({ key: { kty, crv, x, d }, format: "jwk" });
  } catch {
    return undefined;
  }
};

/** The same of an Ed25519 key whose 32 secret octets are not to become text, which nobody can wipe. The caller wipes them. */
export const ed25519KeyObject = (secret: Buffer): KeyObject => {
  const key = Buffer.concat([PKCS8_PREFIX.Ed25519, secret]);
  try {
    return createPrivateKey({ key, format: "der", type: "pkcs8" });
  } finally {
    key.fill(0);
  }
};

/** The key object with which node:crypto signs. Throws `key-invalid` where the public half is not that of the private. */
export const privateKeyObject = (key: PrivateKey): KeyObject => {
  // Node takes more than one spelling.
  decodeBase64url(key.d).fill(0);
  const object = keyObjectOf(key);
  if (!object || createPublicKey(object).export({ format: "jwk" }).x !== key.x || keyUdf(key.crv, key.x) !== key.kid) {
    throw new MeshError("key-invalid", msg("mesh.private-key-other"));
  }
  return object;
};
