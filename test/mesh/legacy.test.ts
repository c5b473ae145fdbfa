import { generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isMeshError, type ErrorCode } from "../../src/errors.js";
import { sha512, utf8 } from "../../src/mesh/bytes.js";
import {
  digestLegacy,
  formOf,
  parseLegacyJson,
  readLegacyKey,
  readLegacyPayload,
  readLegacySigned,
  readRsaKey,
  verifyLegacyDigest,
  type LegacyForm,
} from "../../src/mesh/legacy.js";

const vectors = new URL("../../../shared/vectors/architecture-02-keys.json", import.meta.url);
const log2016 = new URL("../../../shared/records/mesh-2016.jlog", import.meta.url);

const refusal = (action: () => unknown): ErrorCode | undefined => {
  try {
    action();
  } catch (error) {
    if (isMeshError(error)) return error.code;
    throw error;
  }
  return undefined;
};

/** A modulus printed in draft-hallambaker-mesh-architecture-02 section 8.2, and the fingerprint printed beside it. */
const PRINTED = {
  udf: "MDL54-N2LX5-25QIS-TBUVR-B5VN7-D2AXY",
  n:
    "zTjCcO-QvcZjO7L2EF0J6sLYzDuhvOy0Yl0aX-r9-3s61xKGbvYt3rv5NwI44WddClq9KDjZCPMTTm_gYFopSfUWwvs5GyU8HiG5ZG8VJq7fJy-Fdag" +
    "KEX_9KbEVLff5EdZH_R28EU47keLItXJ3TTz2SXZwuEsMMVWnhl-T6zzscUm_vsGaBeImuS_9KOoQ7qEebEkUKlirLKv1CerV8osNaNJsR4eUqZ_SFSy" +
    "EqtgGFgn3u1O99OgNNiDCRR_qdxJHatcBepREag9Y3Tp5dz2PhjYsWUGPG0C5Le0L-2goiuwK33Mna3CFYibqU9d2zB4iKM4EjSucgY-aOoSNIQ",
};
/** A master signature key of the reference implementation's log of April 2017 (shared/records/mesh-2017.jlog). */
const LOGGED = {
  udf: "MDVH3-YH2DJ-U4CS5-PJNIW-6X5SR-XD4FP",
  n:
    "npANDSdC4YjOKqwvxyMJANBbxV5yRGb5iN9N8KnyvyvCtLhP6vGU7AgjPNTWTN0Mxve9M3H_Gz5HZVXRiV5Vod_lack5dru3qaOKTXwSq7824r4bWxx" +
    "-wNS24JH-UiyU8MumLmZyzgdrd_UA_hPpY-DgzxZ_ll-MHUlHdUBY6IikSLQISz6fqSXUWoSyEHZORqO49-ryjuuaXyGqIqQGVPu3csH2ouy-Vj_XO8q" +
    "sCIetdNp_e4F-JOteOqaFZKFXMBvxObTMVSzSO9NcpCVT1Vo6yDgB-qRaGYuhkQfZZ74hYAUewUidY93rWv192I08QwJAWuOLN5qkt7Uk5hO31Q",
};
const numbers = (udf: string, n: string, e = "AQAB") => ({
  UDF: udf,
  PublicParameters: { PublicKeyRSA: { kid: udf, n, e } },
});

describe("fingerprints of old keys", () => {
  test("of 2016 are of the SubjectPublicKeyInfo, of 2017 of the RSAPublicKey", () => {
    expect(readRsaKey(PRINTED.n, "AQAB").fingerprints["2016"]).toBe(PRINTED.udf);
    expect(readRsaKey(LOGGED.n, "AQAB").fingerprints["2017"]).toBe(LOGGED.udf);
    expect(readLegacyKey(numbers(PRINTED.udf, PRINTED.n)).udf).toBe(PRINTED.udf);
    expect(readLegacyKey(numbers(LOGGED.udf, LOGGED.n)).udf).toBe(LOGGED.udf);
  });

  test.skipIf(!existsSync(vectors))("all keys of architecture-02 have the fingerprints printed there", () => {
    const { keys } = JSON.parse(readFileSync(vectors, "utf8")) as { keys: { udf: string; n: string; e: string }[] };
    expect(keys).toHaveLength(9);
    for (const { udf, n, e } of keys) expect(readRsaKey(n, e).fingerprints["2016"]).toBe(udf);
  });

  test("a key under another name is refused, wherever the name stands", () => {
    const [a, b] = [numbers(PRINTED.udf, PRINTED.n), numbers(LOGGED.udf, PRINTED.n)];
    expect(refusal(() => readLegacyKey(b))).toBe("fingerprint-mismatch");
    expect(refusal(() => readLegacyKey({ ...a, UDF: LOGGED.udf }))).toBe("fingerprint-mismatch");
    expect(refusal(() => readLegacyKey({ ...b, UDF: PRINTED.udf }))).toBe("fingerprint-mismatch");
    expect(refusal(() => readLegacyKey({ ...a, UDF: "MDDK-7N6A-727A-JZNO-STRX-XKS7-DJAF" }))).toBe("record-invalid");
  });

  test("line feeds may wrap the numbers, and nothing else may", () => {
    const wrapped = `\n${PRINTED.n.replace(/.{64}/g, "$&\n")}`;
    expect(readLegacyKey(numbers(PRINTED.udf, wrapped, "\nAQAB")).udf).toBe(PRINTED.udf);
    for (const text of [` ${PRINTED.n}`, `${PRINTED.n}\r\n`, `${PRINTED.n}==`, PRINTED.n.replace("-", "+")]) {
      expect(refusal(() => readLegacyKey(numbers(PRINTED.udf, text)))).toBe("record-invalid");
    }
  });

  test.each([
    ["a short modulus", randomBytes(255), "AQAB"],
    ["a long modulus", Buffer.concat([Buffer.from([0xff]), randomBytes(511), Buffer.from([1])]), "AQAB"],
    ["a modulus with a leading zero", Buffer.concat([Buffer.from([0]), randomBytes(255), Buffer.from([1])]), "AQAB"],
    ["an even modulus", Buffer.concat([Buffer.from([0xff]), randomBytes(254), Buffer.from([2])]), "AQAB"],
    ["no modulus", Buffer.alloc(0), "AQAB"],
    ["the exponent one", Buffer.from(PRINTED.n, "base64url"), "AQ"],
    ["an even exponent", Buffer.from(PRINTED.n, "base64url"), "AQAA"],
    ["a long exponent", Buffer.from(PRINTED.n, "base64url"), "AQAAAAE"],
    ["an exponent with a leading zero", Buffer.from(PRINTED.n, "base64url"), "AAED"],
    ["no exponent", Buffer.from(PRINTED.n, "base64url"), ""],
  ])("%s is refused", (_, modulus, exponent) => {
    expect(refusal(() => readRsaKey(modulus.toString("base64url"), exponent))).toBe("key-invalid");
  });

  test.skipIf(!existsSync(log2016))("a key may be given by its certificate alone", () => {
    // The first certificate in the log stands in a master profile within a payload within a payload.
    const text = readFileSync(log2016, "utf8");
    const { DataItem } = JSON.parse(`{${text.split("}{")[1] ?? ""}}`) as { DataItem: { Text: string } };
    const open = (json: string) => JSON.parse(json.replaceAll("\n", ""));
    const payload = (record: { SignedData: { payload: string } }) =>
      open(Buffer.from(record.SignedData.payload, "base64url").toString());
    const personal = payload(open(DataItem.Text).SignedPersonalProfile).PersonalProfile;
    const { PublicParameters, ...certified } = payload(personal.SignedMasterProfile).MasterProfile.MasterSignatureKey;
    expect(PublicParameters.PublicKeyRSA.kid).toBe(certified.UDF);
    expect(readLegacyKey(certified).udf).toBe(certified.UDF);
    expect(refusal(() => readLegacyKey({ ...certified, UDF: LOGGED.udf }))).toBe("fingerprint-mismatch");
    expect(refusal(() => readLegacyKey({ ...certified, X509Certificate: "AAAA" }))).toBe("key-invalid");
    expect(refusal(() => readLegacyKey({ UDF: certified.UDF }))).toBe("record-invalid");
  });
});

const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const jwk = publicKey.export({ format: "jwk" });
const key = readRsaKey(jwk.n ?? "", jwk.e ?? "");
const encode = (octets: Uint8Array): string => Buffer.from(octets).toString("base64url");
const payload = utf8('{"PasswordProfile":{"Identifier":"X"}}');

const signed2016 = (header = `{\n  "alg": "RS512",\n  "kid": "${key.fingerprints["2016"]}"}`, octets = payload) => ({
  header: encode(utf8(header)),
  payload: encode(octets),
  signature: encode(sign("sha512", octets, privateKey)),
});
const signed2017 = (val = encode(sha512(payload)), header = `{"alg":"RS512","val":"${val}"}`) => ({
  unprotected: { dig: "S512" },
  payload: encode(payload),
  signatures: [
    {
      header: { kid: key.fingerprints["2017"] },
      protected: encode(utf8(header)),
      signature: encode(sign("sha512", utf8(header), privateKey)),
    },
  ],
});
const holds = (form: LegacyForm, data: unknown): boolean =>
  verifyLegacyDigest(digestLegacy(readLegacySigned(form, data)), { udf: key.fingerprints[form], spki: key.spki });

describe("the signature rules", () => {
  test("2016: over the payload alone", () => {
    expect(holds("2016", signed2016())).toBe(true);
    expect(holds("2016", { ...signed2016(), payload: encode(utf8('{"PasswordProfile":{}}')) })).toBe(false);
    expect(readLegacyPayload(readLegacySigned("2016", signed2016()))).toEqual({
      type: "PasswordProfile",
      value: { Identifier: "X" },
      wrapped: false,
    });
  });

  test("2016: the header, under no signature, is taken in two spellings only", () => {
    const kid = key.fingerprints["2016"];
    expect(holds("2016", signed2016(`{"alg":"RS512","kid":"${kid}"}`))).toBe(true);
    for (const header of [
      `{"alg": "RS512","kid":"${kid}"}`,
      `{"kid":"${kid}","alg":"RS512"}`,
      `{"alg":"RS256","kid":"${kid}"}`,
      `{"alg":"RS512","kid":"${kid}","x":1}`,
      `{"alg":"RS512","kid":"${kid.toLowerCase()}"}`,
      `{"alg":"RS512","kid":"${kid}"}\n`,
    ]) {
      expect(refusal(() => readLegacySigned("2016", signed2016(header)))).toBe("record-invalid");
    }
  });

  test("2017: over the protected header, which has the digest of the payload", () => {
    expect(holds("2017", signed2017())).toBe(true);
    expect(holds("2017", signed2017(`\\n${encode(sha512(payload)).replace(/.{64}/, "$&\\n")}`))).toBe(true);
    expect(refusal(() => holds("2017", signed2017(encode(sha512(utf8("other"))))))).toBe("signature-invalid");
    const other = { ...signed2017(), payload: encode(utf8('{"PasswordProfile":{}}')) };
    expect(refusal(() => holds("2017", other))).toBe("signature-invalid");
    expect(refusal(() => holds("2017", signed2017("", '{"alg":"RS256","val":""}')))).toBe("record-invalid");
    const { signatures } = signed2017();
    expect(refusal(() => holds("2017", { ...signed2017(), signatures: [...signatures, ...signatures] }))).toBe(
      "record-invalid",
    );
    expect(refusal(() => holds("2017", { ...signed2017(), unprotected: { dig: "S256" } }))).toBe("record-invalid");
  });

  test("one rule never takes what was signed by the other", () => {
    // The protected octets of 2017 are signed as a payload of 2016 would be.
    const [by] = signed2017().signatures;
    expect(holds("2016", { ...signed2016(), payload: by?.protected, signature: by?.signature })).toBe(true);
    expect(refusal(() => readLegacySigned("2017", signed2016()))).toBe("record-invalid");
    expect(refusal(() => readLegacySigned("2016", signed2017()))).toBe("record-invalid");
    expect(
      refusal(() => readLegacyPayload(readLegacySigned("2016", { ...signed2016(), payload: by?.protected }))),
    ).toBe("record-invalid");
  });

  test("base64 is canonical but for its line feeds", () => {
    const data = signed2016();
    expect(holds("2016", { ...data, payload: `\n${data.payload.slice(0, 8)}\n${data.payload.slice(8)}` })).toBe(true);
    // The last of the 342 letters carries four bits that are not in the octets.
    const loose = data.signature.slice(0, -1) + String.fromCharCode(data.signature.charCodeAt(341) + 1);
    for (const signature of [loose, `${data.signature}==`, ` ${data.signature}`, `${data.signature}\t`]) {
      expect(refusal(() => readLegacySigned("2016", { ...data, signature }))).toBe("record-invalid");
    }
  });

  test("the exact members decide the form", () => {
    expect(formOf({ header: 1, payload: 1, signature: 1 })).toBe("2016");
    expect(formOf({ signatures: 1, payload: 1, unprotected: 1 })).toBe("2017");
    expect(formOf({ signature: 1, payload: 1, protected: 1 })).toBe("current");
    for (const other of [
      null,
      "header payload signature",
      [],
      {},
      { header: 1, payload: 1 },
      { header: 1, payload: 1, signature: 1, protected: 1 },
      { header: 1, protected: 1, payload: 1, signatures: 1, signature: 1, unprotected: 1 },
      { "header payload": 1, signature: 1, x: 1 },
      { constructor: 1, payload: 1, signature: 1 },
    ]) {
      expect(formOf(other)).toBeUndefined();
    }
  });
});

describe("JSON with raw line feeds", () => {
  test("is read from a copy without them", () => {
    expect(parseLegacyJson('{\n"a": "b"}')).toEqual({ value: { a: "b" }, wrapped: false });
    expect(parseLegacyJson('{"a": "\nb\nc"}')).toEqual({ value: { a: "bc" }, wrapped: true });
    for (const text of ['{"a": "b\tc"}', '{"a": "\r\nb"}', '{"a": "\nb", "a": 1}', "\n", ""]) {
      expect(refusal(() => parseLegacyJson(text))).toBe("json-invalid");
    }
  });
});

describe("hostile input", () => {
  test("ends in a MeshError, whatever it is", () => {
    const text = fc.oneof(fc.string(), fc.base64String(), fc.constantFrom(PRINTED.n, PRINTED.udf, "AQAB", "S512"));
    const data = fc.oneof(
      fc.anything(),
      fc.record({ header: text, payload: text, signature: text }),
      fc.record({
        unprotected: fc.record({ dig: text }),
        payload: text,
        signatures: fc.array(fc.record({ header: fc.record({ kid: text }), protected: text, signature: text })),
      }),
      fc.record({
        UDF: text,
        X509Certificate: text,
        PublicParameters: fc.record({ PublicKeyRSA: fc.record({ kid: text, n: text, e: text }) }),
      }),
    );
    fc.assert(
      fc.property(data, text, text, (value, n, e) => {
        for (const read of [
          () => readLegacySigned("2016", value),
          () => readLegacySigned("2017", value),
          () => readLegacyKey(value),
          () => readRsaKey(n, e),
        ]) {
          refusal(read);
        }
        formOf(value);
      }),
      { numRuns: 300 },
    );
  });
});
