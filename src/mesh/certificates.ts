import { MeshError } from "../errors.js";
import { msg } from "../messages/message.js";
import { decodeBase64url } from "./bytes.js";
import type { KeyCertificate, PrivateKey, PublicKey, PublicKeyRecord } from "./keys.js";
import type { MasterPayload } from "./records/master.js";

/** The keys that a master profile vouches for. */
export interface CertifiedKeys {
  readonly escrow: readonly PublicKey[];
  readonly online: readonly PublicKey[];
}

/**
 * Makes the certificates of a new version of a master profile (reference-10 section 10.3.2): a self-signed one for the master
 * signature key, and one under it for every escrow and online signature key. Gives them by the fingerprint of the key, without
 * chains, since the master's certificate stands in the same record. Throws `key-invalid`.
 */
export const certify = async (
  masterKey: PrivateKey,
  keys: CertifiedKeys,
  now: Date,
  random: (length: number) => Uint8Array,
): Promise<Map<string, KeyCertificate>> => {
  if (masterKey.crv !== "Ed25519") throw new MeshError("key-invalid", msg("mesh.master-key-curve"));
  // Our own module and not the library, since a bundled CommonJS module has no named exports for import().
  const { makeCertificates } = await import("./x509.js");
  return makeCertificates(masterKey, keys, now, random);
};

const pem = (certificate: string): string => {
  const lines =
    decodeBase64url(certificate)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
};

/**
 * The certificates of a master profile as PEM, each once: the master's first, which issued the others, then those of the escrow
 * and of the online signature keys. Throws `record-not-found` where the profile has none.
 */
export const certificateChainPem = (
  master: Pick<MasterPayload, "MasterSignatureKey" | "MasterEscrowKeys" | "OnlineSignatureKeys">,
): string => {
  if (master.MasterSignatureKey.X509Certificate === undefined) {
    throw new MeshError("record-not-found", msg("mesh.certificates-none"), {
      hint: msg("mesh.certificates-none.hint"),
    });
  }
  const certificatesOf = ({ X509Certificate, X509Chain }: PublicKeyRecord): string[] =>
    X509Certificate === undefined ? [] : [X509Certificate, ...(X509Chain ?? [])];
  const records = [
    master.MasterSignatureKey,
    ...(master.MasterEscrowKeys ?? []),
    ...(master.OnlineSignatureKeys ?? []),
  ];
  return [...new Set(records.flatMap(certificatesOf))].map(pem).join("");
};
