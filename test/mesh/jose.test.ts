import {
  createCipheriv,
  createHmac,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  verify,
} from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeBase64url, encodeBase64url, sha256, utf8 } from "../../src/mesh/bytes.js";
import {
  decryptDirect,
  encryptDirect,
  MAX_RECORD,
  payloadHash,
  readRecord,
  recordHash,
  signMessage,
  signRecord,
  verifyMessage,
  verifySignature,
  type SignedRecord,
} from "../../src/mesh/jose.js";
import { generateKey, keyUdf, publicKeyOf, publicKeyRecord, readPublicKey } from "../../src/mesh/keys.js";
import { errorCode } from "../support/deps.js";
import { forge, refusal, stream, withStrayBits } from "./support.js";

const random = stream("jose");
const key = generateKey("device-signature", random);
const other = generateKey("device-signature", random);
const id = other.kid;
const payload = { Identifier: id, Text: "Zo\u00eb \u{1F600}", List: [1, { a: null }] };
const record = signRecord(id, "Thing", payload, key);
const data = record.SignedData;

const base64url = (text: string): string => encodeBase64url(utf8(text));
const withData = (members: object): unknown => ({ Identifier: id, SignedData: { ...data, ...members } });
const code = (value: unknown): string | undefined => refusal(() => readRecord(value, "Thing"));
const check = (value: unknown): string | undefined =>
  refusal(() => verifySignature(readRecord(value, "Thing"), [publicKeyOf(other), publicKeyOf(key)]));

describe("a signed record", () => {
  test("is a flattened JWS under the key's fingerprint, and is read back as it was", () => {
    expect(Object.keys(record)).toEqual(["Identifier", "SignedData"]);
    expect(Object.keys(data).sort()).toEqual(["payload", "protected", "signature"]);
    expect(decodeBase64url(data.protected).toString()).toBe(`{"alg":"EdDSA","kid":"${key.kid}"}`);
    const read = readRecord(record, "Thing");
    expect(read.payload).toEqual(payload);
    expect(read.kid).toBe(key.kid);
    expect(read.octets).toEqual(decodeBase64url(data.payload));
    expect(verifySignature(read, [publicKeyOf(other), publicKeyOf(key)])).toEqual(publicKeyOf(key));
  });

  test("is signed as RFC 8037 section 3.1 and RFC 7515 section 5.1 say", () => {
    const spki = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), Buffer.from(key.x, "base64url")]);
    const published = createPublicKey({ key: spki, format: "der", type: "spki" });
    const signed = Buffer.from(`${data.protected}.${data.payload}`);
    expect(verify(null, signed, published, Buffer.from(data.signature, "base64url"))).toBe(true);
  });

  test("has the hash of its three parts, and its payload that of the decoded octets", () => {
    const parts = `${data.protected}.${data.payload}.${data.signature}`;
    expect(recordHash(record)).toBe(encodeBase64url(sha256(utf8(parts))));
    expect(payloadHash(decodeBase64url(data.payload))).toBe(
      encodeBase64url(sha256(utf8(JSON.stringify({ Thing: payload })))),
    );
  });

  test("that would be longer than anyone reads is not made", () => {
    const sized = (length: number) => signRecord(id, "Thing", { Text: "x".repeat(length) }, key);
    const overhead = JSON.stringify(sized(0)).length;
    const most = Math.floor(((MAX_RECORD - overhead) * 3) / 4) - 3;
    const largest = sized(most);
    expect(JSON.stringify(largest).length).toBeGreaterThan(MAX_RECORD - 10);
    expect(check(largest)).toBeUndefined();
    expect(refusal(() => sized(most + 12))).toBe("too-large");
    const longer = forge(id, JSON.stringify({ Thing: { Text: "x".repeat((MAX_RECORD * 3) / 4) } }), key);
    expect(code(longer)).toBe("record-invalid");
  });
});

describe("the members of a record", () => {
  test.each<[string, unknown]>([
    ["nothing", undefined],
    ["null", null],
    ["text", JSON.stringify(record)],
    ["a list", [record]],
    ["no identifier", { SignedData: data }],
    ["an identifier in lower case", { ...record, Identifier: id.toLowerCase() }],
    ["an identifier with another grouping", { ...record, Identifier: id.replaceAll("-", "") }],
    ["an identifier of 2016", { ...record, Identifier: "MDL54-N2LX5-25QIS-TBUVR-B5VN7-D2AXY" }],
    ["another member", { ...record, Extra: 1 }],
    ["the name of its type around it", { SignedThing: record }],
    ["no signature", { Identifier: id, SignedData: { protected: data.protected, payload: data.payload } }],
    ["no protected header", { Identifier: id, SignedData: { payload: data.payload, signature: data.signature } }],
    ["an unprotected header", withData({ header: {} })],
    ["an unprotected kid", withData({ header: { kid: other.kid } })],
    ["an unprotected alg", withData({ header: { alg: "EdDSA" } })],
    ["the unprotected member of 2017", withData({ unprotected: { dig: "S512" } })],
    [
      "several signatures (RFC 7515 section 7.2.1)",
      { Identifier: id, SignedData: { payload: data.payload, signatures: [{ ...data }] } },
    ],
    ["signatures beside the one", withData({ signatures: [] })],
    ["a compact JWS", { Identifier: id, SignedData: `${data.protected}.${data.payload}.${data.signature}` }],
    ["the header of 2016", { Identifier: id, SignedData: { header: data.protected, payload: "", signature: "" } }],
    ["null for the payload", withData({ payload: null })],
    ["a payload that is no text", withData({ payload })],
    ["an empty header", withData({ protected: "" })],
    ["an empty signature", withData({ signature: "" })],
    ["a signature one octet short", withData({ signature: encodeBase64url(Buffer.alloc(63)) })],
    ["a signature one octet long", withData({ signature: encodeBase64url(Buffer.alloc(65)) })],
    ["a header that is too long", withData({ protected: "A".repeat(1028) })],
    ["a payload that is too long", withData({ payload: "A".repeat(MAX_RECORD + 4) })],
  ])("are refused with %s", (_, value) => {
    expect(["record-invalid", "json-invalid"]).toContain(code(value));
  });

  test.each(["protected", "payload", "signature"] as const)("are refused with a %s in another base64", (name) => {
    const text = data[name];
    const spellings = [
      text.padEnd(Math.ceil(text.length / 4) * 4, "="),
      `${text}=`,
      `${text}\n`,
      `\n${text.slice(0, 64)}\n${text.slice(64)}`,
      ` ${text}`,
      text.replaceAll("-", "+").replaceAll("_", "/"),
      text.length % 4 === 0 ? `${text}A` : withStrayBits(text),
      `${text}.`,
      `${text}\u0000`,
    ].filter((spelling) => spelling !== text);
    for (const spelling of spellings) expect(code(withData({ [name]: spelling }))).toBe("record-invalid");
    // The last bits of each text are unused, so this is no accident.
    expect(spellings.length).toBeGreaterThan(6);
  });
});

describe("the protected header", () => {
  const kid = key.kid;
  const rejected = (header: string | Uint8Array): string | undefined =>
    code(forge(id, JSON.stringify({ Thing: payload }), key, header));

  test("as it should be is taken by the forger below", () => {
    expect(rejected(`{"alg":"EdDSA","kid":"${kid}"}`)).toBeUndefined();
    expect(check(forge(id, JSON.stringify({ Thing: payload }), key))).toBeUndefined();
  });

  test.each([
    ["nothing", ""],
    ["an empty object", "{}"],
    ["null", "null"],
    ["a list", `["EdDSA","${kid}"]`],
    ["no kid", `{"alg":"EdDSA"}`],
    ["no alg", `{"kid":"${kid}"}`],
    ["alg none", `{"alg":"none","kid":"${kid}"}`],
    ["alg HS256", `{"alg":"HS256","kid":"${kid}"}`],
    ["alg RS512", `{"alg":"RS512","kid":"${kid}"}`],
    ["alg Ed25519 (RFC 9864)", `{"alg":"Ed25519","kid":"${kid}"}`],
    ["alg in another case", `{"alg":"eddsa","kid":"${kid}"}`],
    ["a list of algs", `{"alg":["EdDSA"],"kid":"${kid}"}`],
    ["crit and b64 (RFC 7797)", `{"alg":"EdDSA","kid":"${kid}","b64":false,"crit":["b64"]}`],
    ["b64 true", `{"alg":"EdDSA","kid":"${kid}","b64":true}`],
    ["an empty crit", `{"alg":"EdDSA","kid":"${kid}","crit":[]}`],
    ["a jwk", `{"alg":"EdDSA","kid":"${kid}","jwk":{"kty":"OKP","crv":"Ed25519","x":"${key.x}"}}`],
    ["a jku", `{"alg":"EdDSA","kid":"${kid}","jku":"https://example.com/"}`],
    ["an x5c", `{"alg":"EdDSA","kid":"${kid}","x5c":[]}`],
    ["a typ", `{"alg":"EdDSA","kid":"${kid}","typ":"JWT"}`],
    ["zip", `{"alg":"EdDSA","kid":"${kid}","zip":"DEF"}`],
    ["alg twice", `{"alg":"none","alg":"EdDSA","kid":"${kid}"}`],
    ["kid twice", `{"alg":"EdDSA","kid":"${id}","kid":"${kid}"}`],
    ["alg twice, once escaped", `{"\\u0061lg":"none","alg":"EdDSA","kid":"${kid}"}`],
    ["the other order", `{"kid":"${kid}","alg":"EdDSA"}`],
    ["a space within", `{"alg": "EdDSA","kid":"${kid}"}`],
    ["a space behind", `{"alg":"EdDSA","kid":"${kid}"} `],
    ["a line feed behind", `{"alg":"EdDSA","kid":"${kid}"}\n`],
    ["a space in front", ` {"alg":"EdDSA","kid":"${kid}"}`],
    ["an escape", `{"alg":"EdDS\\u0041","kid":"${kid}"}`],
    ["a kid in lower case", `{"alg":"EdDSA","kid":"${kid.toLowerCase()}"}`],
    ["a kid that is no text", `{"alg":"EdDSA","kid":1}`],
    ["a long kid", `{"alg":"EdDSA","kid":"${kid}${kid}"}`],
    ["a byte order mark", `\ufeff{"alg":"EdDSA","kid":"${kid}"}`],
    ["a member named __proto__", `{"alg":"EdDSA","kid":"${kid}","__proto__":{}}`],
    ["its alg in __proto__", `{"__proto__":{"alg":"EdDSA"},"kid":"${kid}"}`],
    ["something behind", `{"alg":"EdDSA","kid":"${kid}"}{}`],
  ])("is refused with %s, however well it is signed", (_, header) => {
    expect(["record-invalid", "json-invalid"]).toContain(rejected(header));
  });

  test("is refused where it is not UTF-8", () => {
    expect(rejected(Buffer.from(`{"alg":"EdDSA","kid":"${kid}\xff"}`, "latin1"))).toBe("json-invalid");
  });
});

describe("the payload", () => {
  const rejected = (text: string | Uint8Array): string | undefined => code(forge(id, text, key));

  test.each([
    ["nothing", ""],
    ["null", "null"],
    ["text", '"Thing"'],
    ["a number", "1"],
    ["an empty object", "{}"],
    ["a list", '[{"Thing":{}}]'],
    ["another type", '{"Other":{}}'],
    ["its type in another case", '{"thing":{}}'],
    ["two types", '{"Thing":{},"Other":{}}'],
    ["two types in the other order", '{"Other":{},"Thing":{}}'],
    ["its type twice", '{"Thing":{},"Thing":{}}'],
    ["its type twice, once escaped", '{"Thing":{},"\\u0054hing":{}}'],
    ["a member twice within", '{"Thing":{"a":{"b":1,"b":2}}}'],
    ["__proto__ beside it", '{"__proto__":{},"Thing":{}}'],
    ["__proto__ in its place", '{"__proto__":{"Thing":{}}}'],
    ["__proto__ within", '{"Thing":{"__proto__":{"Identifier":"x"}}}'],
    ["a byte order mark", '\ufeff{"Thing":{}}'],
    ["a lone surrogate", '{"Thing":{"a":"\\ud800"}}'],
    ["a lone surrogate in a name", '{"Thing":{"\\udfff":1}}'],
    ["too deep nesting", `{"Thing":${"[".repeat(64)}${"]".repeat(64)}}`],
    ["very deep nesting", `{"Thing":${"[".repeat(90_000)}${"]".repeat(90_000)}}`],
    ["something behind", '{"Thing":{}}x'],
    ["the framing of a log", '\u0000{"Thing":{}}'],
  ])("is refused with %s, however well it is signed", (_, text) => {
    expect(["record-invalid", "json-invalid"]).toContain(rejected(text));
  });

  test("is refused where it is not UTF-8", () => {
    expect(rejected(Buffer.from('{"Thing":{"a":"\xe9"}}', "latin1"))).toBe("json-invalid");
    expect(rejected(Buffer.from('{"Thing":{"a":"\xed\xa0\x80"}}', "latin1"))).toBe("json-invalid");
    expect(rejected(Buffer.from('{"Thing":{}}', "utf16le"))).toBe("json-invalid");
  });

  test("may have white space and any order of members, since its octets are what is signed", () => {
    const spaced = forge(id, ' {\n "Thing" : {"b":1, "a":2} } ', key);
    expect(check(spaced)).toBeUndefined();
    expect(readRecord(spaced, "Thing").payload).toEqual({ a: 2, b: 1 });
  });
});

describe("the signature", () => {
  test("holds for these octets alone: any change of one bit is noticed", () => {
    const parts = ["protected", "payload", "signature"] as const;
    fc.assert(
      fc.property(fc.constantFrom(...parts), fc.nat(), (part, place) => {
        const octets = decodeBase64url(data[part]);
        const at = place % (octets.length * 8);
        octets[at >> 3] = octets[at >> 3]! ^ (1 << (at & 7));
        expect(check(withData({ [part]: encodeBase64url(octets) }))).toBeDefined();
      }),
      { numRuns: 150 },
    );
    expect(check(record)).toBeUndefined();
  });

  test("is not that of another record with the same identifier and type", () => {
    const second = signRecord(id, "Thing", { Identifier: id }, key);
    expect(check(withData({ signature: second.SignedData.signature }))).toBe("signature-invalid");
    expect(check(withData({ payload: second.SignedData.payload }))).toBe("signature-invalid");
  });

  test("is looked for under its kid alone, among the keys that may sign", () => {
    const read = readRecord(record, "Thing");
    expect(refusal(() => verifySignature(read, []))).toBe("signature-invalid");
    expect(refusal(() => verifySignature(read, [publicKeyOf(other)]))).toBe("signature-invalid");
    const named = forge(id, JSON.stringify({ Thing: payload }), key, `{"alg":"EdDSA","kid":"${other.kid}"}`);
    expect(check(named)).toBe("signature-invalid");
    const impostor = { ...publicKeyOf(other), udf: key.kid };
    expect(refusal(() => verifySignature(read, [impostor]))).toBe("signature-invalid");
  });

  test("is not over the payload alone, as in 2016, nor over other octets", () => {
    for (const octets of [data.payload, `${data.protected}${data.payload}`, `.${data.payload}`]) {
      expect(check(withData({ signature: encodeBase64url(signMessage(utf8(octets), key)) }))).toBe("signature-invalid");
    }
    expect(check(withData({ signature: encodeBase64url(signMessage(decodeBase64url(data.payload), key)) }))).toBe(
      "signature-invalid",
    );
  });

  test("by another algorithm does not count, whatever the header says", () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const input = utf8(`${data.protected}.${data.payload}`);
    const ecdsa = sign("sha256", input, { key: privateKey, dsaEncoding: "ieee-p1363" });
    expect(check(withData({ signature: encodeBase64url(ecdsa) }))).toBe("signature-invalid");
    const mac = createHmac("sha512", Buffer.from(key.x, "base64url")).update(input).digest();
    expect(check(withData({ signature: encodeBase64url(mac) }))).toBe("signature-invalid");
  });

  test("has one S: adding the group order makes it invalid (RFC 8032 section 5.1.7)", () => {
    const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
    const octets = decodeBase64url(data.signature);
    const s = BigInt(`0x${Buffer.from(octets.subarray(32)).reverse().toString("hex")}`);
    for (const factor of [1n, 2n, 8n, 15n]) {
      const spelling = (s + factor * ORDER).toString(16).padStart(64, "0");
      expect(spelling.length).toBe(64);
      const forged = Buffer.concat([octets.subarray(0, 32), Buffer.from(spelling, "hex").reverse()]);
      expect(check(withData({ signature: encodeBase64url(forged) }))).toBe("signature-invalid");
    }
  });
});

/**
 * "Taming the many EdDSAs" (Chalkias, Garillot, Nikolaenko, 2020), table 5: signatures that some verifiers accept and others
 * do not. The first four hold for node:crypto, so that only the check of the public key stands in their way.
 */
const EDGE_CASES = [
  {
    about: "public key and R of small order, S = 0",
    message: "8c93255d71dcab10e8f379c26200f3c7bd5f09d9bc3068d3ef4edeb4853022b6",
    key: "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    r: "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    s: "0000000000000000000000000000000000000000000000000000000000000000",
  },
  {
    about: "public key of small order",
    message: "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
    key: "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    r: "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
    s: "a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
  },
  {
    about: "public key of mixed order, R of small order",
    message: "aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab",
    key: "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
    r: "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    s: "8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e",
  },
  {
    about: "public key and R of mixed order",
    message: "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
    key: "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
    r: "9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f",
    s: "87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009",
  },
  {
    about: "public key and R of mixed order, valid with the cofactor alone",
    message: "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
    key: "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
    r: "160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed512",
    s: "5ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09",
  },
  {
    about: "public key of mixed order, valid where 8h is reduced",
    message: "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
    key: "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
    r: "21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7",
    s: "e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d0030494ace586687405",
  },
  {
    about: "S above the group order",
    message: "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
    key: "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
    r: "e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e",
    s: "547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514",
  },
  {
    about: "S far above the group order",
    message: "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
    key: "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
    r: "8ce5b96c8f26d0ab6c47958c9e68b937104cd36e13c33566acd2fe8d38aa1942",
    s: "7e71f98a473474f2f13f06f97c20d58cc3f54b8bd0d272f42b695dd7e89a8c22",
  },
  {
    about: "R not canonical",
    message: "fdaebc429f4a735932a160da1301080c13280eea8bc280d1b392c6b9e6ba3a5a",
    key: "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
    r: "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    s: "454d370c8d9fc323a41450f8d513eafeb5b0697390c1e505a0d4ddc71f566607",
  },
  {
    about: "R not canonical, reduced before it is hashed",
    message: "84b698d39be126ff55fe45079e6c8bf64a0d7db6994560b4e96b7021eb39c1a1",
    key: "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
    r: "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    s: "084d5b99c2a9463d9c8bd5026916996984eeec87ddf1d3be329006ace1b37b09",
  },
];

describe("messages", () => {
  // RFC 8032 section 7.1, tests 1 to 3.
  test.each([
    [
      "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
      "",
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ],
    [
      "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
      "72",
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ],
    [
      "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
      "af82",
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ],
  ])("are signed as RFC 8032 does with the key %s", (seed, message, signature) => {
    const signer = generateKey("device-authentication", () => Buffer.from(seed, "hex"));
    const octets = Buffer.from(message, "hex");
    expect(signMessage(octets, signer).toString("hex")).toBe(signature);
    expect(verifyMessage(octets, Buffer.from(signature, "hex"), publicKeyOf(signer))).toBe(true);
    expect(verifyMessage(Buffer.from("00", "hex"), Buffer.from(signature, "hex"), publicKeyOf(signer))).toBe(false);
  });

  test.each(EDGE_CASES)("are not taken with $about", ({ message, key: point, r, s }) => {
    const x = encodeBase64url(Buffer.from(point, "hex"));
    const published = { udf: keyUdf("Ed25519", x), crv: "Ed25519" as const, x };
    const keyCode = refusal(() => readPublicKey(publicKeyRecord(published), "device-signature"));
    const holds = verifyMessage(Buffer.from(message, "hex"), Buffer.from(r + s, "hex"), published);
    expect(keyCode === undefined && holds).toBe(false);
  });

  test("under the first four public keys would be taken were the keys not refused", () => {
    for (const { message, key: point, r, s } of EDGE_CASES.slice(0, 4)) {
      const x = encodeBase64url(Buffer.from(point, "hex"));
      const published = { udf: "", crv: "Ed25519" as const, x };
      expect(verifyMessage(Buffer.from(message, "hex"), Buffer.from(r + s, "hex"), published)).toBe(true);
    }
  });

  test("are not taken with a signature of another length", () => {
    const signature = signMessage(utf8("x"), key);
    for (const octets of [signature.subarray(1), Buffer.concat([signature, Buffer.alloc(1)]), Buffer.alloc(0)]) {
      expect(verifyMessage(utf8("x"), octets, publicKeyOf(key))).toBe(false);
    }
  });
});

describe("encrypted data", () => {
  const secret = random(32);
  const plaintext = utf8('{"hello":"world"}');
  const HEADER = base64url('{"alg":"dir","enc":"A256GCM"}');
  const refused = (value: unknown, under: Uint8Array = secret): Promise<string> =>
    errorCode(() => decryptDirect(value, under));

  /** What a JWE library makes of a header that we do not use: authentic under our key all the same. */
  const encryptWith = (header: string, octets: Uint8Array = plaintext, aad?: string) => {
    const iv = random(12);
    const encoded = base64url(header);
    const cipher = createCipheriv("aes-256-gcm", secret, iv);
    cipher.setAAD(utf8(aad === undefined ? encoded : `${encoded}.${aad}`));
    const ciphertext = Buffer.concat([cipher.update(octets), cipher.final()]);
    return {
      protected: encoded,
      iv: encodeBase64url(iv),
      ciphertext: encodeBase64url(ciphertext),
      tag: encodeBase64url(cipher.getAuthTag()),
    };
  };

  test("comes back as it was, and has exactly four members", async () => {
    const encrypted = await encryptDirect(plaintext, secret);
    expect(Object.keys(encrypted).sort()).toEqual(["ciphertext", "iv", "protected", "tag"]);
    expect(encrypted.protected).toBe(HEADER);
    expect(await decryptDirect(encrypted, secret)).toEqual(plaintext);
    expect(await decryptDirect(await encryptDirect(Buffer.alloc(0), secret), secret)).toEqual(Buffer.alloc(0));
    expect((await encryptDirect(plaintext, secret)).iv).not.toBe(encrypted.iv);
  });

  test("is what another program makes of the same header", async () => {
    expect(await decryptDirect(encryptWith('{"alg":"dir","enc":"A256GCM"}'), secret)).toEqual(plaintext);
  });

  test.each([
    ["zip", '{"alg":"dir","enc":"A256GCM","zip":"DEF"}'],
    ["a kid", '{"alg":"dir","enc":"A256GCM","kid":"x"}'],
    ["crit", '{"alg":"dir","enc":"A256GCM","crit":[]}'],
    ["apu", '{"alg":"dir","enc":"A256GCM","apu":""}'],
    ["the other order", '{"enc":"A256GCM","alg":"dir"}'],
    ["a space", '{"alg":"dir", "enc":"A256GCM"}'],
    ["alg twice", '{"alg":"RSA1_5","alg":"dir","enc":"A256GCM"}'],
    ["alg A256GCMKW", '{"alg":"A256GCMKW","enc":"A256GCM"}'],
    ["alg A256KW", '{"alg":"A256KW","enc":"A256GCM"}'],
    ["alg ECDH-ES", '{"alg":"ECDH-ES","enc":"A256GCM"}'],
    ["alg PBES2", '{"alg":"PBES2-HS512+A256KW","enc":"A256GCM","p2c":1000000,"p2s":"AAAA"}'],
    ["enc A128GCM", '{"alg":"dir","enc":"A128GCM"}'],
    ["enc A256CBC-HS512", '{"alg":"dir","enc":"A256CBC-HS512"}'],
    ["nothing", "{}"],
  ])("is refused with a header with %s, though it is authentic", async (_, header) => {
    expect(await refused(encryptWith(header))).toBe("decryption-failed");
  });

  test("is refused in every other shape", async () => {
    const good = encryptWith('{"alg":"dir","enc":"A256GCM"}');
    const { protected: header, ...rest } = good;
    const values: unknown[] = [
      undefined,
      null,
      "",
      [good],
      {},
      { ...good, encrypted_key: "" },
      { ...good, header: {} },
      { ...good, header: { kid: "x" } },
      { ...good, unprotected: {} },
      { ...good, recipients: [] },
      { ...rest, protected: header, recipients: [{ header: { alg: "dir" } }] },
      { ...rest, recipients: [{ encrypted_key: "" }, { encrypted_key: "" }], protected: header },
      { ...rest, unprotected: { alg: "dir", enc: "A256GCM" } },
      { ...encryptWith('{"alg":"dir","enc":"A256GCM"}', plaintext, "AAAA"), aad: "AAAA" },
      { ...good, tag: good.tag.slice(0, 16) },
      { ...good, tag: "" },
      { ...good, iv: "" },
      { ...good, iv: `${good.iv}AAAA` },
      { ...good, iv: good.iv.slice(0, 11) },
      { ...good, protected: "" },
      { ...good, ciphertext: null },
      { ...good, ciphertext: good.ciphertext.slice(0, -4) },
      [header, "", good.iv, good.ciphertext, good.tag].join("."),
    ];
    for (const value of values) expect(await refused(value)).toBe("decryption-failed");
    expect(await decryptDirect(good, secret)).toEqual(plaintext);
  });

  test("is refused in every other spelling, and with any bit changed", async () => {
    const good = encryptWith('{"alg":"dir","enc":"A256GCM"}', utf8('{"hello":"world!"}x'));
    for (const name of ["protected", "iv", "ciphertext", "tag"] as const) {
      const text = good[name];
      const spellings = [
        `${text}=`,
        ` ${text}`,
        `${text}\n`,
        `\n${text}`,
        ...(text.length % 4 ? [withStrayBits(text)] : []),
      ];
      for (const spelling of spellings) expect(await refused({ ...good, [name]: spelling })).toBe("decryption-failed");
      const octets = decodeBase64url(text);
      for (const at of [0, octets.length - 1]) {
        const changed = Buffer.from(octets);
        changed[at] = changed[at]! ^ 1;
        expect(await refused({ ...good, [name]: encodeBase64url(changed) })).toBe("decryption-failed");
      }
    }
  });

  test("is refused under another key, of whatever length", async () => {
    const good = await encryptDirect(plaintext, secret);
    for (const under of [random(32), secret.subarray(1), Buffer.alloc(0), randomBytes(16), randomBytes(64)]) {
      expect(await refused(good, under)).toBe("decryption-failed");
    }
  });

  test("that would be longer than anyone reads is not made", async () => {
    expect(await errorCode(() => encryptDirect(Buffer.alloc(MAX_RECORD), secret))).toBe("too-large");
  });
});

test("a record is compared by its three parts, wherever they are cut", () => {
  const cut = (header: string, body: string, signature: string): SignedRecord => ({
    Identifier: id,
    SignedData: { protected: header, payload: body, signature },
  });
  // The hash alone cannot tell these apart; that no part may hold a dot does.
  expect(recordHash(cut("a.b", "c", "d"))).toBe(recordHash(cut("a", "b.c", "d")));
  for (const part of ["protected", "payload", "signature"] as const) {
    const text = data[part];
    expect(code(withData({ [part]: `${text.slice(0, 5)}.${text.slice(6)}` }))).toBe("record-invalid");
  }
});
