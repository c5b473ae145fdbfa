import { createPublicKey, diffieHellman, sign, verify } from "node:crypto";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { encodeBase64url, sha512, utf8 } from "../../src/mesh/bytes.js";
import {
  generateKey,
  KEY_USES,
  keyUdf,
  PrivateKeySchema,
  privateKeyObject,
  publicKeyJwk,
  publicKeyObject,
  publicKeyOf,
  publicKeyRecord,
  PublicKeySchema,
  readPublicKey,
  subjectPublicKeyInfo,
  type Curve,
  type KeyUse,
  type PublicKeyRecord,
} from "../../src/mesh/keys.js";
import { encodeBase32, fingerprint } from "../../src/mesh/udf.js";
import { keyRecordWith, refusal, stream, withStrayBits } from "./support.js";

const random = stream("keys");
const signature = generateKey("device-signature", random);
const encryption = generateKey("device-encryption", random);
const other = generateKey("device-signature", random);

const ENCRYPTION_USES: readonly KeyUse[] = ["master-escrow", "device-encryption"];
const curveOf = (use: KeyUse): Curve => (ENCRYPTION_USES.includes(use) ? "X25519" : "Ed25519");
const fromHex = (text: string): string => encodeBase64url(Buffer.from(text, "hex"));
const read = (record: unknown, use: KeyUse) => readPublicKey(v.parse(PublicKeySchema, record), use);

describe("generateKey", () => {
  test("makes the key pair of RFC 8410 section 10 from its octets", () => {
    const published = createPublicKey({
      key: Buffer.from("MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=", "base64"),
      format: "der",
      type: "spki",
    });
    const seed = Buffer.from("1O5y2/kTWErVttjx92n4rTr+fCjL8dT74Jeoj0R1WEI=", "base64");
    const key = generateKey("master-signature", () => seed);
    expect(publicKeyObject(publicKeyOf(key)).equals(published)).toBe(true);
  });

  test("makes Bob's key pair of RFC 7748 section 6.1 from its octets, and the secret that he shares with Alice", () => {
    const seed = Buffer.from("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb", "hex");
    const bob = generateKey("device-encryption", () => seed);
    expect(bob.x).toBe(fromHex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"));
    const secret = diffieHellman({
      privateKey: privateKeyObject(bob),
      publicKey: publicKeyObject({
        udf: "",
        crv: "X25519",
        x: fromHex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"),
      }),
    });
    expect(secret.toString("hex")).toBe("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
  });

  test.each(KEY_USES)("makes a %s key on the right curve that can be read back for that use", (use) => {
    const lengths: number[] = [];
    const key = generateKey(use, (length) => {
      lengths.push(length);
      return random(length);
    });
    expect(lengths).toEqual([32]);
    expect(key.crv).toBe(curveOf(use));
    expect(v.parse(PrivateKeySchema, key)).toEqual(key);
    expect(read(publicKeyRecord(key), use)).toEqual(publicKeyOf(key));
    expect(publicKeyRecord(publicKeyOf(key))).toEqual(publicKeyRecord(key));
    expect(publicKeyJwk(publicKeyOf(key))).toEqual({ kty: "OKP", crv: key.crv, kid: key.kid, x: key.x });
    expect(JSON.stringify(publicKeyRecord(key))).not.toContain(key.d);
  });
});

describe("fingerprints", () => {
  test("are of the SubjectPublicKeyInfo under application/pkix-keyinfo", () => {
    for (const key of [signature, encryption]) {
      const spki = publicKeyObject(publicKeyOf(key)).export({ format: "der", type: "spki" });
      expect(subjectPublicKeyInfo(key.crv, key.x)).toEqual(spki);
      const digest = sha512(utf8("application/pkix-keyinfo:"), sha512(spki));
      const text = encodeBase32(Buffer.concat([Buffer.of(0x60), digest]));
      expect(key.kid).toBe(text.slice(0, 34));
      expect(fingerprint("application/pkix-keyinfo", spki)).toBe(key.kid);
    }
  });

  test("tell the same octets on two curves apart", () => {
    expect(keyUdf("Ed25519", signature.x)).not.toBe(keyUdf("X25519", signature.x));
  });
});

describe("privateKeyObject", () => {
  test("signs what the public half verifies", () => {
    const message = Buffer.from("octets");
    const signed = sign(null, message, privateKeyObject(signature));
    expect(verify(null, message, publicKeyObject(publicKeyOf(signature)), signed)).toBe(true);
    expect(verify(null, message, publicKeyObject(publicKeyOf(other)), signed)).toBe(false);
  });

  test("refuses halves that do not belong together", () => {
    expect(refusal(() => privateKeyObject({ ...signature, d: other.d }))).toBe("key-invalid");
    expect(refusal(() => privateKeyObject({ ...signature, x: other.x }))).toBe("key-invalid");
    expect(refusal(() => privateKeyObject({ ...signature, x: other.x, kid: other.kid }))).toBe("key-invalid");
    expect(refusal(() => privateKeyObject({ ...signature, kid: other.kid }))).toBe("key-invalid");
    expect(refusal(() => privateKeyObject({ ...signature, crv: "X25519" }))).toBe("key-invalid");
    expect(refusal(() => privateKeyObject({ ...encryption, kid: signature.kid }))).toBe("key-invalid");
    expect(refusal(() => privateKeyObject({ ...signature, d: withStrayBits(signature.d) }))).toBe("record-invalid");
    expect(refusal(() => privateKeyObject({ ...signature, x: withStrayBits(signature.x) }))).toBe("key-invalid");
  });

  test("is stored with exactly five members", () => {
    const is = (value: unknown): boolean => v.is(PrivateKeySchema, value);
    expect(is({ ...signature, alg: "EdDSA" })).toBe(false);
    expect(is({ ...signature, kty: "EC" })).toBe(false);
    expect(is({ ...signature, crv: "Ed448" })).toBe(false);
    expect(is({ ...signature, d: undefined })).toBe(false);
    expect(is({ ...signature, d: `${signature.d}=` })).toBe(false);
  });
});

describe("readPublicKey", () => {
  test("takes a key for uses on its own curve alone", () => {
    for (const use of KEY_USES) {
      expect(refusal(() => read(publicKeyRecord(signature), use))).toBe(
        curveOf(use) === "Ed25519" ? undefined : "key-invalid",
      );
      expect(refusal(() => read(publicKeyRecord(encryption), use))).toBe(
        curveOf(use) === "X25519" ? undefined : "key-invalid",
      );
    }
  });

  const record = publicKeyRecord(signature);
  const legacy = "MDL54-N2LX5-25QIS-TBUVR-B5VN7-D2AXY";
  test.each<[string, object]>([
    ["another UDF", { ...record, UDF: other.kid }],
    ["another kid", keyRecordWith(signature, { kid: other.kid })],
    ["UDF and kid of another key", keyRecordWith(signature, { kid: other.kid }, { UDF: other.kid })],
    ["another point", keyRecordWith(signature, { Public: other.x })],
    ["a UDF in lower case", { ...record, UDF: record.UDF.toLowerCase() }],
    ["a kid without groups", keyRecordWith(signature, { kid: signature.kid.replaceAll("-", "") })],
    ["a shorter UDF", { ...record, UDF: record.UDF.slice(0, 24) }],
    ["a UDF as of 2016", keyRecordWith(signature, { kid: legacy }, { UDF: legacy })],
    ["the fingerprint under the other curve", keyRecordWith(signature, { kid: keyUdf("X25519", signature.x) })],
    ["a chain without a certificate", { ...record, X509Chain: ["AAAA"] }],
    ["a certificate that is none", { ...record, X509Certificate: "AAAA" }],
  ])("refuses %s", (_, value) => {
    expect(refusal(() => read(value, "device-signature"))).toBe("key-invalid");
  });

  test("refuses another spelling of the point", () => {
    const text = withStrayBits(signature.x);
    expect(refusal(() => read(keyRecordWith(signature, { Public: text }), "device-signature"))).toBe("record-invalid");
  });

  test.each<[string, object]>([
    ["no UDF", { PublicParameters: record.PublicParameters }],
    ["no parameters", { UDF: record.UDF }],
    ["RSA", { UDF: record.UDF, PublicParameters: { PublicKeyRSA: { kid: record.UDF, n: "AQAB", e: "AQAB" } } }],
    ["two kinds of parameters", { ...record, PublicParameters: { ...record.PublicParameters, PublicKeyRSA: {} } }],
    ["a private key", keyRecordWith(signature, { d: signature.d } as object)],
    ["another curve", keyRecordWith(signature, { crv: "P-256" })],
    ["fewer octets", keyRecordWith(signature, { Public: signature.x.slice(0, 42) })],
    ["padding", keyRecordWith(signature, { Public: `${signature.x}=` })],
    ["an empty chain", { ...record, X509Chain: [] }],
    ["null for absent", { ...record, X509Certificate: null }],
  ])("is not asked about %s, which is no public key of a record", (_, value) => {
    expect(v.is(PublicKeySchema, value)).toBe(false);
  });

  const named = (crv: Curve, hex: string): PublicKeyRecord => {
    const x = fromHex(hex);
    return publicKeyRecord({ udf: keyUdf(crv, x), crv, x });
  };

  test.each<[string, Curve, string]>([
    ["of order 1", "Ed25519", "0100000000000000000000000000000000000000000000000000000000000000"],
    ["of order 8", "Ed25519", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"],
    ["of mixed order", "Ed25519", "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d"],
    ["not canonical", "Ed25519", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"],
    ["on no curve", "Ed25519", "0200000000000000000000000000000000000000000000000000000000000000"],
    ["of order 1", "X25519", "0000000000000000000000000000000000000000000000000000000000000000"],
    ["of order 8", "X25519", "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"],
    ["not canonical", "X25519", "f6ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"],
  ])("refuses a point %s on %s that has its right fingerprint", (_, crv, hex) => {
    const use = crv === "Ed25519" ? "device-signature" : "device-encryption";
    expect(refusal(() => read(named(crv, hex), use))).toBe("key-invalid");
  });
});
