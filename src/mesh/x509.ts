// The decorators of the library need this to be there first.
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Name,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { decodeBase64url, encodeBase64url, sha256 } from "./bytes.js";
import type { CertifiedKeys } from "./certificates.js";
import {
  privateKeyObject,
  publicKeyOf,
  subjectPublicKeyInfo,
  type KeyCertificate,
  type PrivateKey,
  type PublicKey,
} from "./keys.js";

const ORGANISATION = "Mathematical Mesh";
/** "No well-defined expiration date" (RFC 5280 section 4.1.2.5): profiles do not expire. */
const NEVER = new Date("9999-12-31T23:59:59Z");
/** How far a reader's clock may be behind ours without a new certificate seeming to lie in the future. */
const CLOCK_ALLOWANCE_MS = 60 * 60 * 1000;
/** The longest serial number that RFC 5280 section 4.1.2.2 allows. */
const SERIAL_LENGTH = 20;

const hex = (octets: Uint8Array): string => Buffer.from(octets).toString("hex");

/** Key identifier: the leading 160 bits of SHA-256 of the key's octets (RFC 7093 section 2, method 1). */
const keyIdentifier = (key: PublicKey): string => hex(sha256(decodeBase64url(key.x)).subarray(0, 20));

const nameOf = (key: PublicKey): Name => new Name([{ O: [ORGANISATION] }, { CN: [key.udf] }]);

const serialNumber = (random: (length: number) => Uint8Array): string => {
  const octets = Buffer.from(random(SERIAL_LENGTH));
  // Positive, never zero and always of full length.
  octets[0] = ((octets[0] ?? 0) & 0x3f) | 0x40;
  return hex(octets);
};

/** Does the work of `certify`. This module is heavy: import it dynamically. */
export const makeCertificates = async (
  masterKey: PrivateKey,
  keys: CertifiedKeys,
  now: Date,
  random: (length: number) => Uint8Array,
): Promise<Map<string, KeyCertificate>> => {
  const pkcs8 = privateKeyObject(masterKey).export({ format: "der", type: "pkcs8" });
  const signingKey = await webcrypto.subtle.importKey("pkcs8", pkcs8, { name: "Ed25519" }, false, ["sign"]);
  const master = publicKeyOf(masterKey);

  const certificateFor = async (key: PublicKey, usage: KeyUsageFlags): Promise<KeyCertificate> => {
    const isMaster = key.udf === master.udf;
    const certificate = await X509CertificateGenerator.create({
      serialNumber: serialNumber(random),
      subject: nameOf(key),
      issuer: nameOf(master),
      notBefore: new Date(now.getTime() - CLOCK_ALLOWANCE_MS),
      notAfter: NEVER,
      // As octets, since the library would ask WebCrypto for a key object and use it for nothing else.
      publicKey: subjectPublicKeyInfo(key.crv, key.x),
      signingKey,
      extensions: [
        new BasicConstraintsExtension(isMaster, isMaster ? 0 : undefined, true),
        new KeyUsagesExtension(usage, true),
        new SubjectKeyIdentifierExtension(keyIdentifier(key)),
        ...(isMaster ? [] : [new AuthorityKeyIdentifierExtension(keyIdentifier(master))]),
      ],
    });
    return { X509Certificate: encodeBase64url(new Uint8Array(certificate.rawData)) };
  };

  const certificates = new Map([[master.udf, await certificateFor(master, KeyUsageFlags.keyCertSign)]]);
  for (const key of keys.escrow) certificates.set(key.udf, await certificateFor(key, KeyUsageFlags.keyAgreement));
  for (const key of keys.online) certificates.set(key.udf, await certificateFor(key, KeyUsageFlags.digitalSignature));
  return certificates;
};
