import { createCipheriv, createDecipheriv, createHash, diffieHellman, type KeyObject } from "node:crypto";
import { deflateRawSync } from "node:zlib";
import { ed25519 } from "@noble/curves/ed25519.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeBase64url, encodeBase64url, utf8 } from "../../src/mesh/bytes.js";
import { decryptWith, encryptTo, recipientsOf, type RecipientData } from "../../src/mesh/jwe.js";
import { generateKey, privateKeyObject, publicKeyObject, publicKeyOf, type PrivateKey } from "../../src/mesh/keys.js";
import { MAX_RECORD } from "../../src/mesh/signed-record.js";
import { errorCode } from "../support/deps.js";
import { stream, withStrayBits } from "./support.js";

const random = stream("jwe");
const newKey = (): PrivateKey => generateKey("device-encryption", random);
const [alice, bob, carol, mallory] = [newKey(), newKey(), newKey(), newKey()];
const three = [alice, bob, carol];
const plaintext = utf8("The MAC key of an invite, or whatever else.");
const ALG = "ECDH-ES+A256KW";
const SUITE = { alg: ALG, enc: "A256GCM" };

type Members = Record<string, unknown>;

/** RFC 7518 section 4.6.2, for 256 bits: one round. */
const wrappingKey = (privateKey: KeyObject, publicKey: KeyObject, alg: string, apu = "", apv = ""): Buffer => {
  const number = (value: number): Buffer => Buffer.from(value.toString(16).padStart(8, "0"), "hex");
  const text = (octets: Buffer): Buffer => Buffer.concat([number(octets.length), octets]);
  const party = (encoded: string): Buffer => text(Buffer.from(encoded, "base64url"));
  const agreed = diffieHellman({ privateKey, publicKey });
  const info = Buffer.concat([text(utf8(alg)), party(apu), party(apv), number(256)]);
  return createHash("sha256")
    .update(Buffer.concat([number(1), agreed, info]))
    .digest();
};

const WRAP = ["id-aes256-wrap", Buffer.alloc(8, 0xa6)] as const;

interface Wrapped {
  readonly header: { readonly kid: string; readonly epk: object };
  readonly encrypted_key: string;
}

const wrapTo = (contentKey: Buffer, key: PrivateKey, alg = ALG, apu = "", apv = ""): Wrapped => {
  const ephemeral = newKey();
  const wrapping = wrappingKey(privateKeyObject(ephemeral), publicKeyObject(publicKeyOf(key)), alg, apu, apv);
  const cipher = createCipheriv(WRAP[0], wrapping, WRAP[1]);
  const wrapped = Buffer.concat([cipher.update(contentKey), cipher.final()]);
  const epk = { kty: "OKP", crv: "X25519", x: ephemeral.x };
  return { header: { kid: key.kid, epk }, encrypted_key: encodeBase64url(wrapped) };
};

const seal = (contentKey: Buffer, header: string, octets: Uint8Array, aad?: string) => {
  const encoded = encodeBase64url(utf8(header));
  const iv = random(12);
  const cipher = createCipheriv("aes-256-gcm", contentKey, iv);
  cipher.setAAD(utf8(aad === undefined ? encoded : `${encoded}.${aad}`));
  const ciphertext = Buffer.concat([cipher.update(octets), cipher.final()]);
  return {
    protected: encoded,
    iv: encodeBase64url(iv),
    ciphertext: encodeBase64url(ciphertext),
    tag: encodeBase64url(cipher.getAuthTag()),
  };
};

/** What another program makes for one recipient: authentic, whatever header it has. */
const forOne = (members: Members = {}, octets: Uint8Array = plaintext, key = alice) => {
  const contentKey = random(32);
  const { apu = "", apv = "", alg = ALG } = members as Record<string, string>;
  const { header, encrypted_key } = wrapTo(contentKey, key, alg, apu, apv);
  const protectedHeader = JSON.stringify({ ...SUITE, epk: header.epk, ...members });
  return { ...seal(contentKey, protectedHeader, octets), header: { kid: key.kid } as object, encrypted_key };
};

/** The same for several. */
const forSeveral = (header = JSON.stringify(SUITE), octets: Uint8Array = plaintext, keys = three) => {
  const contentKey = random(32);
  return { ...seal(contentKey, header, octets), recipients: keys.map((key) => wrapTo(contentKey, key)) };
};

const refused = (value: unknown, key = alice): Promise<string> => errorCode(() => decryptWith(value, key));
const toThree = (octets: Uint8Array = plaintext): Promise<RecipientData> => encryptTo(octets, three.map(publicKeyOf));
const toOne = (octets: Uint8Array = plaintext): Promise<RecipientData> => encryptTo(octets, [publicKeyOf(alice)]);
const headerOf = (data: RecipientData): unknown => JSON.parse(decodeBase64url(data.protected).toString());

describe("what is encrypted to one key", () => {
  test("has exactly the members of the flattened form, with the ephemeral key in the protected header", async () => {
    const data = await toOne();
    expect(Object.keys(data).sort()).toEqual(["ciphertext", "encrypted_key", "header", "iv", "protected", "tag"]);
    expect(data).toMatchObject({ header: { kid: alice.kid } });
    expect(headerOf(data)).toEqual({ ...SUITE, epk: { kty: "OKP", crv: "X25519", x: expect.any(String) } });
    expect(recipientsOf(data)).toEqual([alice.kid]);
    expect(await decryptWith(JSON.parse(JSON.stringify(data)), alice)).toEqual(plaintext);
    expect(await refused(data, bob)).toBe("decryption-failed");
  });

  test("is as RFC 7518 section 4.6 says, both ways", async () => {
    expect(await decryptWith(forOne(), alice)).toEqual(plaintext);
    const data = (await toOne()) as ReturnType<typeof forOne>;
    const { epk } = headerOf(data as RecipientData) as { epk: { x: string } };
    const ephemeral = publicKeyObject({ udf: "", crv: "X25519", x: epk.x });
    const unwrap = createDecipheriv(WRAP[0], wrappingKey(privateKeyObject(alice), ephemeral, ALG), WRAP[1]);
    const contentKey = Buffer.concat([unwrap.update(decodeBase64url(data.encrypted_key)), unwrap.final()]);
    const decipher = createDecipheriv("aes-256-gcm", contentKey, decodeBase64url(data.iv));
    decipher.setAAD(utf8(data.protected)).setAuthTag(decodeBase64url(data.tag));
    expect(Buffer.concat([decipher.update(decodeBase64url(data.ciphertext)), decipher.final()])).toEqual(plaintext);
  });
});

describe("what is encrypted to several keys", () => {
  test("has exactly the members of the general form, and an ephemeral key for each", async () => {
    const data = await toThree();
    expect(Object.keys(data).sort()).toEqual(["ciphertext", "iv", "protected", "recipients", "tag"]);
    expect(headerOf(data)).toEqual(SUITE);
    const { recipients } = data as ReturnType<typeof forSeveral>;
    expect(recipients.map(({ header }) => header.kid)).toEqual(three.map(({ kid }) => kid));
    for (const recipient of recipients) {
      expect(Object.keys(recipient).sort()).toEqual(["encrypted_key", "header"]);
      expect(Object.keys(recipient.header).sort()).toEqual(["epk", "kid"]);
    }
    expect(new Set(recipients.map(({ header }) => JSON.stringify(header.epk))).size).toBe(3);
  });

  test("opens for each of them and for no other, whatever it is and however many they are", async () => {
    const keys = Array.from({ length: 6 }, newKey);
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 200 }),
        fc.subarray(keys, { minLength: 1 }),
        async (octets, chosen) => {
          const data = JSON.parse(JSON.stringify(await encryptTo(octets, chosen.map(publicKeyOf)))) as RecipientData;
          expect(recipientsOf(data)).toEqual(chosen.map(({ kid }) => kid));
          for (const key of keys) {
            if (chosen.includes(key)) expect(await decryptWith(data, key)).toEqual(Buffer.from(octets));
            else expect(await refused(data, key)).toBe("decryption-failed");
          }
        },
      ),
      { numRuns: 25 },
    );
  });

  test("is what another program makes", async () => {
    for (const key of three) expect(await decryptWith(forSeveral(), key)).toEqual(plaintext);
  });

  test("goes to all devices of a profile and its escrow keys at most", async () => {
    const keys = Array.from({ length: 137 }, newKey);
    const data = await encryptTo(plaintext, keys.slice(1).map(publicKeyOf));
    expect(await decryptWith(data, keys[136]!)).toEqual(plaintext);
    expect(await errorCode(() => encryptTo(plaintext, keys.map(publicKeyOf)))).toBe("too-large");
    expect(await refused(forSeveral(undefined, plaintext, [alice, ...keys]))).toBe("decryption-failed");
  });
});

describe("what is not made", () => {
  test("is anything to nobody, to one key twice, to a key for signatures, or too long", async () => {
    const [a, b] = [publicKeyOf(alice), publicKeyOf(bob)];
    const signer = publicKeyOf(generateKey("device-signature", random));
    expect(await errorCode(() => encryptTo(plaintext, []))).toBe("too-large");
    expect(await errorCode(() => encryptTo(plaintext, [a, b, a]))).toBe("key-invalid");
    expect(await errorCode(() => encryptTo(plaintext, [a, signer]))).toBe("key-invalid");
    expect(await errorCode(() => encryptTo(plaintext, [signer]))).toBe("key-invalid");
    for (const keys of [[a], [a, b]]) {
      expect(await errorCode(() => encryptTo(Buffer.alloc(MAX_RECORD), keys))).toBe("too-large");
    }
  });
});

/** The values for which X25519 gives a secret that everyone knows (https://cr.yp.to/ecdh.html). */
const LOW_ORDER = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
  "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

/** What anyone can make who sends such a value: the secret agreed upon is nought, whoever the recipient is. */
const withKnownSecret = (x: string) => {
  const number = (value: number): Buffer => Buffer.from(value.toString(16).padStart(8, "0"), "hex");
  const info = Buffer.concat([number(ALG.length), utf8(ALG), number(0), number(0), number(256)]);
  const wrapping = createHash("sha256")
    .update(Buffer.concat([number(1), Buffer.alloc(32), info]))
    .digest();
  const cipher = createCipheriv(WRAP[0], wrapping, WRAP[1]);
  const contentKey = random(32);
  const encrypted_key = encodeBase64url(Buffer.concat([cipher.update(contentKey), cipher.final()]));
  const epk = { kty: "OKP", crv: "X25519", x };
  return {
    one: {
      ...seal(contentKey, JSON.stringify({ ...SUITE, epk }), plaintext),
      header: { kid: alice.kid },
      encrypted_key,
    },
    several: {
      ...seal(contentKey, JSON.stringify(SUITE), plaintext),
      recipients: [{ header: { kid: alice.kid, epk }, encrypted_key }, wrapTo(contentKey, bob)],
    },
  };
};

describe("what is refused, though it is authentic", () => {
  test.each<[string, Members]>([
    ["alg ECDH-ES+A128KW", { alg: "ECDH-ES+A128KW" }],
    ["alg ECDH-ES+A192KW", { alg: "ECDH-ES+A192KW" }],
    ["alg ECDH-ES", { alg: "ECDH-ES" }],
    ["alg dir", { alg: "dir" }],
    ["alg A256KW", { alg: "A256KW" }],
    ["alg RSA-OAEP", { alg: "RSA-OAEP" }],
    ["alg PBES2", { alg: "PBES2-HS512+A256KW", p2c: 1_000_000, p2s: "AAAA" }],
    ["no alg", { alg: undefined }],
    ["enc A128GCM", { enc: "A128GCM" }],
    ["enc A256CBC-HS512", { enc: "A256CBC-HS512" }],
    ["zip", { zip: "DEF" }],
    ["apu", { apu: "QWxpY2U" }],
    ["apv", { apv: "Qm9i" }],
    ["both", { apu: "QWxpY2U", apv: "Qm9i" }],
    ["crit", { crit: ["exp"], exp: 1 }],
    ["an empty crit", { crit: [] }],
    ["kid in it", { kid: alice.kid }],
    ["cty", { cty: "JWT" }],
    ["no epk", { epk: undefined }],
    ["another curve", { epk: { kty: "EC", crv: "P-256", x: alice.x, y: alice.x } }],
    ["a private epk", { epk: { kty: "OKP", crv: "X25519", x: alice.x, d: alice.d } }],
    ["an epk with a kid", { epk: { kty: "OKP", crv: "X25519", x: alice.x, kid: alice.kid } }],
    ["an epk that is short", { epk: { kty: "OKP", crv: "X25519", x: alice.x.slice(1) } }],
    ["its own epk", { epk: { kty: "OKP", crv: "X25519", x: alice.x } }],
  ])("one recipient with %s", async (_, members) => {
    const octets = "zip" in members ? deflateRawSync(plaintext) : plaintext;
    expect(await refused(forOne(members, octets))).toBe("decryption-failed");
  });

  test("one recipient with a doubled member, or with more beside the header", async () => {
    const contentKey = random(32);
    const { header, encrypted_key } = wrapTo(contentKey, alice);
    const epk = JSON.stringify(header.epk);
    const make = (text: string) => ({
      ...seal(contentKey, text, plaintext),
      header: { kid: alice.kid },
      encrypted_key,
    });
    const text = `{"alg":"${ALG}","enc":"A256GCM","epk":${epk}}`;
    expect(await decryptWith(make(text), alice)).toEqual(plaintext);
    expect(await decryptWith(make(` {"epk": ${epk}, "enc":"A256GCM", "alg":"${ALG}"}`), alice)).toEqual(plaintext);
    for (const other of [
      `{"alg":"dir",${text.slice(1)}`,
      `{"epk":{},${text.slice(1)}`,
      `${text} x`,
      `[${text}]`,
      "{}",
      "",
    ]) {
      expect(await refused(make(other))).toBe("decryption-failed");
    }
  });

  test.each<[string, string]>([
    ["only enc in the protected header", '{"enc":"A256GCM"}'],
    ["zip", `{"alg":"${ALG}","enc":"A256GCM","zip":"DEF"}`],
    ["apu", `{"alg":"${ALG}","enc":"A256GCM","apu":""}`],
    ["crit", `{"alg":"${ALG}","enc":"A256GCM","crit":["exp"],"exp":1}`],
    ["a shared epk", `{"alg":"${ALG}","enc":"A256GCM","epk":{"kty":"OKP","crv":"X25519","x":"${alice.x}"}}`],
    ["enc A128GCM", `{"alg":"${ALG}","enc":"A128GCM"}`],
    ["alg twice", `{"alg":"dir","alg":"${ALG}","enc":"A256GCM"}`],
  ])("several recipients with %s", async (_, header) => {
    expect(await refused(forSeveral(header, header.includes("zip") ? deflateRawSync(plaintext) : plaintext))).toBe(
      "decryption-failed",
    );
  });

  test("several recipients with more in a header than belongs there, be it another's", async () => {
    const good = forSeveral();
    for (const at of [0, 2]) {
      for (const members of [{ alg: ALG }, { apu: "QQ" }, { zip: "DEF" }, { crit: [] }, { typ: "JOSE" }]) {
        const recipients = good.recipients.map((recipient, index) =>
          index === at ? { ...recipient, header: { ...recipient.header, ...members } } : recipient,
        );
        expect(await refused({ ...good, recipients })).toBe("decryption-failed");
      }
    }
    expect(await decryptWith(good, alice)).toEqual(plaintext);
  });

  test("several recipients with one kid", async () => {
    const good = forSeveral();
    const [first, second, third] = good.recipients;
    for (const recipients of [
      [first, first],
      [first, second, first],
      [first, { ...second!, header: { ...second!.header, kid: alice.kid } }],
      // Somebody else's kid twice is no better.
      [first, second, { ...third!, header: { ...third!.header, kid: bob.kid } }],
    ]) {
      expect(await refused({ ...good, recipients })).toBe("decryption-failed");
    }
  });

  test("a kid that is another's, and a kid that is not canonical", async () => {
    const good = forOne();
    expect(await refused({ ...good, header: { kid: mallory.kid } })).toBe("decryption-failed");
    expect(await refused({ ...good, header: { kid: mallory.kid } }, mallory)).toBe("decryption-failed");
    expect(await refused({ ...good, header: { kid: alice.kid.toLowerCase() } })).toBe("decryption-failed");
    expect(await refused({ ...good, header: { kid: alice.kid.replaceAll("-", "") } })).toBe("decryption-failed");
  });

  test.each(LOW_ORDER)("an ephemeral key of low order: %s", async (text) => {
    const { one, several } = withKnownSecret(encodeBase64url(Buffer.from(text, "hex")));
    expect(await refused(one)).toBe("decryption-failed");
    expect(await refused(several)).toBe("decryption-failed");
  });
});

describe("an ephemeral key that gives the same secret as an honest one", () => {
  const { Point } = ed25519;
  const field = Point.Fp;

  /** Authentic for Alice, with another value in the place of the ephemeral key. */
  const withValue = (change: (octets: Buffer) => Buffer) => {
    const contentKey = random(32);
    const { header, encrypted_key } = wrapTo(contentKey, alice);
    const { x } = header.epk as { x: string };
    const epk = { ...header.epk, x: encodeBase64url(change(decodeBase64url(x))) };
    return {
      one: {
        ...seal(contentKey, JSON.stringify({ ...SUITE, epk }), plaintext),
        header: { kid: alice.kid },
        encrypted_key,
      },
      several: {
        ...seal(contentKey, JSON.stringify(SUITE), plaintext),
        recipients: [{ header: { kid: alice.kid, epk }, encrypted_key }, wrapTo(contentKey, bob)],
      },
    };
  };
  const torsion = Point.fromBytes(
    Buffer.from("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", "hex"),
    true,
  );
  /** The value of the point with one of small order added: the recipient's number is a multiple of eight. */
  const withTorsion = (octets: Buffer): Buffer => {
    const u = field.fromBytes(octets);
    const y = field.div(field.sub(u, field.ONE), field.add(u, field.ONE));
    const sum = Point.fromBytes(field.toBytes(y), true).add(torsion).toAffine();
    return Buffer.from(field.toBytes(field.div(field.add(field.ONE, sum.y), field.sub(field.ONE, sum.y))));
  };
  /** RFC 7748 section 5 lets every reader pass over this bit. */
  const withHighBit = (octets: Buffer): Buffer => {
    octets[31] = octets[31]! | 0x80;
    return octets;
  };

  test("is refused where it is not that one", async () => {
    const honest = withValue((octets) => octets);
    for (const value of [honest.one, honest.several]) expect(await decryptWith(value, alice)).toEqual(plaintext);
    for (const change of [withTorsion, withHighBit]) {
      const { one, several } = withValue(change);
      expect(await refused(one)).toBe("decryption-failed");
      expect(await refused(several)).toBe("decryption-failed");
    }
  });
});

describe("what is refused in every other shape", () => {
  test("of whichever form", async () => {
    const [one, several] = [forOne(), forSeveral()];
    const { header, encrypted_key, ...rest } = one;
    const { recipients, ...shared } = several;
    const values: unknown[] = [
      undefined,
      null,
      "",
      [],
      {},
      [one],
      { ...one, recipients },
      { ...one, recipients: [] },
      { ...one, unprotected: {} },
      { ...one, aad: "AAAA" },
      { ...one, header: undefined },
      { ...one, header: {} },
      { ...one, header: { ...header, alg: ALG } },
      { ...one, encrypted_key: "" },
      { ...one, encrypted_key: undefined },
      { ...one, encrypted_key: encodeBase64url(random(40)) },
      // One recipient in the general form, several in the flattened one.
      { ...rest, recipients: [{ header, encrypted_key }] },
      { ...shared, recipients: [recipients[0]] },
      { ...shared, ...recipients[0] },
      { ...shared, recipients: [] },
      { ...shared, recipients: undefined },
      { ...shared, recipients: [recipients[0], null] },
      { ...several, unprotected: { alg: ALG } },
      { ...several, header: { kid: alice.kid } },
      { ...several, encrypted_key },
      { ...several, aad: "" },
      [one.protected, one.encrypted_key, one.iv, one.ciphertext, one.tag].join("."),
    ];
    for (const value of values) expect(await refused(value)).toBe("decryption-failed");
    expect(await decryptWith(one, alice)).toEqual(plaintext);
    expect(await decryptWith(several, alice)).toEqual(plaintext);
  });

  test("with additional authenticated data", async () => {
    const contentKey = random(32);
    const { header, encrypted_key } = wrapTo(contentKey, alice);
    const text = JSON.stringify({ ...SUITE, epk: header.epk });
    const value = { ...seal(contentKey, text, plaintext, "AAAA"), header: { kid: alice.kid }, encrypted_key };
    expect(await refused({ ...value, aad: "AAAA" })).toBe("decryption-failed");
  });

  /** Every text in a value, with a function that puts another in its place. */
  const texts = (value: unknown, put: (text: unknown) => unknown): [string, (text: string) => unknown][] => {
    if (typeof value === "string") return [[value, put]];
    if (Array.isArray(value)) {
      return value.flatMap((item, index) => texts(item, (inner) => put(value.with(index, inner))));
    }
    return Object.entries(value as object).flatMap(([name, member]) =>
      texts(member, (inner) => put({ ...(value as object), [name]: inner })),
    );
  };

  /** Those that only some recipients need have no say in whether another can open it. */
  const needed = (data: RecipientData, text: string): boolean =>
    !("recipients" in data) || !JSON.stringify(data.recipients.slice(1)).includes(text);

  test("in every other spelling, and with any bit of any member changed", async () => {
    for (const data of [await toOne(), await toThree()]) {
      for (const [text, put] of texts(data, (value) => value)) {
        const spellings = [`${text}=`, ` ${text}`, `${text}\n`, text.slice(1), "", ...stray(text)];
        for (const spelling of spellings) expect(await refused(put(spelling))).toBe("decryption-failed");
        if (!needed(data, text)) continue;
        for (const at of [0, text.length >> 1, text.length - 1]) {
          const character = text[at] === "A" ? "E" : "A";
          const changed = text.slice(0, at) + character + text.slice(at + 1);
          expect(await refused(put(changed))).toBe("decryption-failed");
        }
      }
    }
  });

  const stray = (text: string): string[] =>
    /^[A-Za-z0-9_-]{16,}$/.test(text) && text.length % 4 !== 0 && !/-.{4}-/.test(text) ? [withStrayBits(text)] : [];

  test("with any member left out or added, at any depth", async () => {
    const objects = (value: unknown, put: (object: unknown) => unknown): [object, (object: unknown) => unknown][] => {
      if (typeof value !== "object" || value === null) return [];
      if (Array.isArray(value)) {
        return value.flatMap((item, index) => objects(item, (inner) => put(value.with(index, inner))));
      }
      const inside = Object.entries(value as Members).flatMap(([name, member]) =>
        objects(member, (inner) => put({ ...value, [name]: inner })),
      );
      return [[value, put], ...inside];
    };
    for (const data of [await toOne(), await toThree()]) {
      for (const [object, put] of objects(data, (value) => value)) {
        for (const name of Object.keys(object)) {
          const rest = Object.fromEntries(Object.entries(object).filter(([other]) => other !== name));
          expect(await refused(put(rest))).toBe("decryption-failed");
        }
        for (const extra of ["x", "zip", "unprotected", "aad", "alg", "crit"]) {
          expect(await refused(put({ ...object, [extra]: "x" }))).toBe("decryption-failed");
        }
      }
    }
  });
});

test("nothing opens with a key for signatures, or with a private key that is not that of its kid", async () => {
  const data = await toOne();
  const signer = generateKey("device-signature", random);
  expect(await refused(data, { ...signer, kid: alice.kid })).toBe("decryption-failed");
  expect(await refused(data, { ...mallory, kid: alice.kid })).toBe("decryption-failed");
  expect(await refused(data, { ...alice, d: mallory.d })).toBe("decryption-failed");
});
