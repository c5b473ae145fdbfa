import { createPublicKey, hash, verify, type JsonWebKey, type KeyObject } from "node:crypto";
import { decodeBase64url, encodeBase64url } from "../../bytes.js";
import type { PublicKey } from "../../keys.js";
import { keyUdf } from "../../private-keys.js";
import { parseWire, wireString, type WireReader } from "./wire.js";

// Public keys of SSH (RFC 4253 section 6.6, RFC 5656 section 3.1, RFC 8709) and the form that OpenSSH writes them in.

export const ED25519 = "ssh-ed25519";

const CURVES: Readonly<Record<string, { readonly crv: string; readonly length: number; readonly digest: string }>> = {
  nistp256: { crv: "P-256", length: 32, digest: "sha256" },
  nistp384: { crv: "P-384", length: 48, digest: "sha384" },
  nistp521: { crv: "P-521", length: 66, digest: "sha512" },
};
const ECDSA = "ecdsa-sha2-";
const RSA_DIGESTS: Readonly<Record<string, string>> = { "rsa-sha2-256": "sha256", "rsa-sha2-512": "sha512" };

/** The longest key in octets: RSA with 16,384 bits takes some 2,100. */
const KEY_LIMIT = 4096;
const BASE64_LIMIT = Math.ceil(KEY_LIMIT / 3) * 4;

/** The octets of an Ed25519 public key as SSH has them (RFC 8709 section 4). `x` is base64url of its 32 octets. */
export const ed25519Blob = (x: string): Buffer => Buffer.concat([wireString(ED25519), wireString(decodeBase64url(x))]);

/** A public key in the form of an authorized_keys file, without options and comment. */
export const keyText = (type: string, blob: Buffer): string => `${type} ${blob.toString("base64")}`;

/** The same of a key of a device. */
export const ed25519Text = ({ x }: Pick<PublicKey, "x">): string => keyText(ED25519, ed25519Blob(x));

/** The fingerprint that OpenSSH shows. */
export const sshFingerprint = (blob: Buffer): string => `SHA256:${hash("sha256", blob, "base64").replace(/=+$/, "")}`;

/** A public key that was read: its octets, as base64 too, and how node:crypto has it. */
export interface SshKey {
  readonly type: string;
  readonly blob: Buffer;
}

/** The octets that a positive number of RFC 4251 stands for, without a leading zero; undefined for any other spelling. */
const positive = (octets: Buffer): Buffer | undefined => {
  const [first = 0, second = 0] = octets;
  if (octets.length === 0 || first >= 0x80 || (first === 0 && second < 0x80)) return undefined;
  return first === 0 ? octets.subarray(1) : octets;
};

const ecdsaJwk = (curve: string, reader: WireReader): JsonWebKey | undefined => {
  const facts = Object.hasOwn(CURVES, curve) ? CURVES[curve] : undefined;
  const named = reader.text();
  const point = reader.string();
  if (!facts || named !== curve || point.length !== 1 + 2 * facts.length || point[0] !== 4) return undefined;
  const [x, y] = [point.subarray(1, 1 + facts.length), point.subarray(1 + facts.length)];
  return { kty: "EC", crv: facts.crv, x: encodeBase64url(x), y: encodeBase64url(y) };
};

const rsaJwk = (reader: WireReader): JsonWebKey | undefined => {
  const [e, n] = [positive(reader.string()), positive(reader.string())];
  return e && n && { kty: "RSA", e: encodeBase64url(e), n: encodeBase64url(n) };
};

const ed25519Jwk = (reader: WireReader): JsonWebKey | undefined => {
  const point = reader.string();
  return point.length === 32 ? { kty: "OKP", crv: "Ed25519", x: encodeBase64url(point) } : undefined;
};

const jwkOf = (blob: Buffer): JsonWebKey | undefined =>
  parseWire(blob, (reader) => {
    const type = reader.text();
    if (type === ED25519) return ed25519Jwk(reader);
    if (type === "ssh-rsa") return rsaJwk(reader);
    return type.startsWith(ECDSA) ? ecdsaJwk(type.slice(ECDSA.length), reader) : undefined;
  });

/** Types of keys in hardware, which only OpenSSH can check: they are taken where they look as such keys do. */
const HARDWARE: Readonly<Record<string, (reader: WireReader) => unknown>> = {
  "sk-ssh-ed25519@openssh.com": ed25519Jwk,
  "sk-ecdsa-sha2-nistp256@openssh.com": (reader) => ecdsaJwk("nistp256", reader),
};

const isHardware = (blob: Buffer): boolean =>
  parseWire(blob, (reader) => {
    const type = reader.text();
    const inner = Object.hasOwn(HARDWARE, type) ? HARDWARE[type]?.(reader) : undefined;
    return inner !== undefined && reader.string().length > 0;
  }) ?? false;

/** The key that some octets are, as node:crypto has it; undefined where they are none, or one of a kind that it cannot use. */
const keyObjectOf = (blob: Buffer): KeyObject | undefined => {
  const key = jwkOf(blob);
  try {
    return key && createPublicKey({ key, format: "jwk" });
  } catch {
    return undefined;
  }
};

/** The name of the key's type, where the octets are a public key of a type that is known. */
const typeOf = (blob: Buffer): string | undefined => {
  if (blob.length > KEY_LIMIT || !(jwkOf(blob) ?? isHardware(blob))) return undefined;
  return blob.toString("latin1", 4, 4 + blob.readUInt32BE());
};

/** A public key by its two words, the type and its octets in base64; undefined where they are none, or of another type. */
export const readKeyWords = (type: string | undefined, base64: string | undefined): SshKey | undefined => {
  if (type === undefined || base64 === undefined || base64.length > BASE64_LIMIT) return undefined;
  const blob = Buffer.from(base64, "base64");
  return blob.toString("base64") === base64 && typeOf(blob) === type ? { type, blob } : undefined;
};

/** A public key as OpenSSH writes it, with or without a comment; undefined where the text is none. */
export const readKeyText = (text: string): SshKey | undefined => {
  const [type, base64] = text.trim().split(/[ \t]+/, 2);
  return readKeyWords(type, base64);
};

/** The Ed25519 key of a device in the form of an authorized_keys file, without a comment; undefined where the text is anything else. */
export const readEd25519Text = (text: string): PublicKey | undefined => {
  const key = readKeyText(text);
  const jwk = key?.type === ED25519 && keyText(key.type, key.blob) === text ? jwkOf(key.blob) : undefined;
  return jwk?.x === undefined ? undefined : { udf: keyUdf("Ed25519", jwk.x), crv: "Ed25519", x: jwk.x };
};

/** A signature of ECDSA as node:crypto takes it: both numbers in full length. */
const ecdsaSignature = (octets: Buffer, length: number): Buffer | undefined =>
  parseWire(octets, (reader) => {
    const numbers = [positive(reader.string()), positive(reader.string())];
    if (!numbers.every((number) => number !== undefined && number.length <= length)) return undefined;
    return Buffer.concat(
      numbers.map((number = Buffer.alloc(0)) => Buffer.concat([Buffer.alloc(length - number.length), number])),
    );
  });

/**
 * True where a signature in the form of RFC 4253 section 6.6 is one of this key over `data`. False for keys in hardware too, whose
 * signatures say more than that.
 */
export const isSshSignature = (blob: Buffer, data: Buffer, signature: Buffer): boolean => {
  const key = keyObjectOf(blob);
  const type = typeOf(blob);
  const parsed = parseWire(signature, (reader) => ({ algorithm: reader.text(), octets: reader.string() }));
  if (!key || type === undefined || !parsed) return false;
  const { algorithm, octets } = parsed;
  try {
    if (type === ED25519) return algorithm === ED25519 && verify(null, data, key, octets);
    if (type === "ssh-rsa") {
      const digest = Object.hasOwn(RSA_DIGESTS, algorithm) ? RSA_DIGESTS[algorithm] : undefined;
      return digest !== undefined && verify(digest, data, key, octets);
    }
    const curve = CURVES[type.slice(ECDSA.length)];
    const numbers = curve && algorithm === type ? ecdsaSignature(octets, curve.length) : undefined;
    return curve !== undefined && numbers !== undefined
      ? verify(curve.digest, data, { key, dsaEncoding: "ieee-p1363" }, numbers)
      : false;
  } catch {
    return false;
  }
};
