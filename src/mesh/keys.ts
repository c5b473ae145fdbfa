import { createPublicKey, X509Certificate, type KeyObject } from "node:crypto";
import * as v from "valibot";
import { MeshError } from "../errors.js";
import { msg } from "../messages/message.js";
import { decodeBase64url } from "./bytes.js";
import type { Curve, KeyUse } from "./key-use.js";
import { isSafeEd25519Point, isSafeX25519Point } from "./points.js";
import { curveOf, keyUdf, subjectPublicKeyInfo, type PrivateKey } from "./private-keys.js";
import { remembered } from "./remembered.js";

export { KEY_USES, type Curve, type KeyUse } from "./key-use.js";
export {
  generateKey,
  keyUdf,
  privateKeyObject,
  PrivateKeySchema,
  subjectPublicKeyInfo,
  type PrivateKey,
} from "./private-keys.js";

/** A public key as records carry it (reference-10 section 9.1.1). */
export const PublicKeySchema = v.object({
  UDF: v.pipe(v.string(), v.maxLength(64)),
  X509Certificate: v.optional(v.pipe(v.string(), v.maxLength(8192))),
  X509Chain: v.optional(v.pipe(v.array(v.pipe(v.string(), v.maxLength(8192))), v.minLength(1), v.maxLength(8))),
  PublicParameters: v.strictObject({
    PublicKeyECDH: v.strictObject({
      kid: v.pipe(v.string(), v.maxLength(64)),
      crv: v.picklist(["Ed25519", "X25519"]),
      Public: v.pipe(v.string(), v.length(43)),
    }),
  }),
});
export type PublicKeyRecord = v.InferOutput<typeof PublicKeySchema>;

/**
 * The certificate members of a public key, each base64url of DER. `X509Chain` holds the issuers, the nearest first, without
 * the certificate itself; it is left out where the issuer's certificate stands in the same record.
 */
export interface KeyCertificate {
  readonly X509Certificate: string;
  readonly X509Chain?: string[];
}

/** Certificates by the fingerprint of their key. */
export type KeyCertificates = ReadonlyMap<string, KeyCertificate>;

/** A public key whose fingerprint and point have been checked. `x` is base64url of its 32 octets. */
export interface PublicKey {
  readonly udf: string;
  readonly crv: Curve;
  readonly x: string;
}

/** Keys as node:crypto has them, by curve and octets: reading one takes a good part of the time of verifying a signature. */
const keyObjects = remembered<string, KeyObject>(4096);

export const publicKeyObject = ({ crv, x }: PublicKey): KeyObject => {
  const name = `${crv} ${x}`;
  const known = keyObjects.get(name);
  if (known) return known;
  const object = createPublicKey({ key: { kty: "OKP", crv, x }, format: "jwk" });
  keyObjects.set(name, object);
  return object;
};

/** The public half of a private key. */
export const publicKeyOf = (key: PrivateKey): PublicKey => ({ udf: key.kid, crv: key.crv, x: key.x });

/** A public key in the form that records carry. */
export const publicKeyRecord = (key: PublicKey | PrivateKey): PublicKeyRecord => {
  const udf = "udf" in key ? key.udf : key.kid;
  return { UDF: udf, PublicParameters: { PublicKeyECDH: { kid: udf, crv: key.crv, Public: key.x } } };
};

/** A public key as a JWK (RFC 8037). */
export const publicKeyJwk = (key: PublicKey): { kty: "OKP"; crv: Curve; kid: string; x: string } => ({
  kty: "OKP",
  crv: key.crv,
  kid: key.udf,
  x: key.x,
});

/**
 * Checks a public key from a record: `UDF` and `kid` are the fingerprint recomputed from the octets, the curve is the one
 * its use asks for, the point is canonical and safe to use, and a certificate beside it is for this key. Whether the
 * certificate is valid is not looked at: it is for other programs and proves nothing here. Throws `key-invalid`, and
 * `record-invalid` for another spelling of the octets.
 */
export const readPublicKey = (record: PublicKeyRecord, use: KeyUse): PublicKey => {
  const { kid, crv, Public: x } = record.PublicParameters.PublicKeyECDH;
  if (crv !== curveOf(use)) throw new MeshError("key-invalid", msg("mesh.key-curve", { use, curve: curveOf(use) }));
  const point = decodeBase64url(x);
  if (point.length !== 32) throw new MeshError("key-invalid", msg("mesh.key-length"));
  const udf = keyUdf(crv, x);
  if (record.UDF !== udf || kid !== udf) {
    throw new MeshError("key-invalid", msg("mesh.key-fingerprint"));
  }
  const safe = crv === "Ed25519" ? isSafeEd25519Point(point) : isSafeX25519Point(point);
  if (!safe) throw new MeshError("key-invalid", msg("mesh.key-unsafe", { use, udf }));
  checkCertificate(record, { udf, crv, x });
  return { udf, crv, x };
};

const checkCertificate = ({ X509Certificate: text, X509Chain: chain }: PublicKeyRecord, key: PublicKey): void => {
  if (text === undefined) {
    if (chain !== undefined) throw new MeshError("key-invalid", msg("mesh.chain-alone", { udf: key.udf }));
    return;
  }
  const certificate = readCertificate(text, key.udf);
  const issuers = (chain ?? []).map((issuer) => readCertificate(issuer, key.udf));
  if (!isFor(certificate, key)) {
    throw new MeshError("key-invalid", msg("mesh.certificate-other", { udf: key.udf }));
  }
  if (issuers[0] && !certificate.checkIssued(issuers[0])) {
    throw new MeshError("key-invalid", msg("mesh.chain-start", { udf: key.udf }));
  }
};

const readCertificate = (text: string, udf: string): X509Certificate => {
  try {
    const octets = decodeBase64url(text);
    const certificate = new X509Certificate(octets);
    // node:crypto also reads PEM and overlooks what follows the certificate.
    if (certificate.raw.equals(octets)) return certificate;
  } catch {
    // Answered below like every other unreadable certificate.
  }
  throw new MeshError("key-invalid", msg("mesh.certificate-form", { udf }));
};

const isFor = (certificate: X509Certificate, { crv, x }: PublicKey): boolean => {
  try {
    // Not KeyObject.equals: comparing keys of two kinds leaves an error behind in OpenSSL, which the next private key that is
    // read throws.
    const spki = certificate.publicKey.export({ format: "der", type: "spki" });
    return spki.equals(subjectPublicKeyInfo(crv, x));
  } catch {
    // A kind of key that OpenSSL does not know.
    return false;
  }
};
