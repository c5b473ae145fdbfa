import { createDecipheriv, hkdfSync } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { decodeBase64url, sha512, utf8 } from "../../src/mesh/bytes.js";
import { createEscrowEntry, escrowIdentifier, openEscrowEntry } from "../../src/mesh/escrow.js";
import { encryptDirect } from "../../src/mesh/jose.js";
import { generateKey } from "../../src/mesh/keys.js";
import { createRevocation, nextEpoch } from "../../src/mesh/profile.js";
import type { OfflineEscrowEntry } from "../../src/mesh/protocol.js";
import { encodeBase32, fingerprint, isUdf } from "../../src/mesh/udf.js";
import { errorCode } from "../support/deps.js";
import { altered, newPerson, NOW, stream, withStrayBits } from "./support.js";

const random = stream("escrow");
const { keys, master, admin, personal } = newPerson("alice");
const stranger = newPerson("mallory");
const K = random(16);
const ACCOUNTS = [
  { account: "alice@example.com", portal: "https://example.com" },
  { account: "alice@localhost", portal: "local" },
];

let entry: OfflineEscrowEntry;
beforeAll(async () => {
  entry = await createEscrowEntry(K, [keys.signature, keys.escrow], master, ACCOUNTS);
});

/** The key of the content: HKDF-SHA-512 of the escrow key, the identifier as salt. */
const contentKey = (key: Uint8Array): Buffer =>
  Buffer.from(hkdfSync("sha512", key, utf8(escrowIdentifier(key)), utf8("mmm/escrow/offline"), 32));

/** Opens an entry without the code under test. */
const decrypt = ({ EncryptedData: data }: OfflineEscrowEntry): Record<string, unknown> => {
  const octets = (text: string): Buffer => Buffer.from(text, "base64url");
  const decipher = createDecipheriv("aes-256-gcm", contentKey(K), octets(data.iv));
  decipher.setAAD(utf8(data.protected)).setAuthTag(octets(data.tag));
  const text = Buffer.concat([decipher.update(octets(data.ciphertext)), decipher.final()]).toString();
  return JSON.parse(text) as Record<string, unknown>;
};

type Set = Record<string, unknown>;

/** An entry that holds something else, sealed as well as a good one. */
const sealed = async (text: string, key: Uint8Array = K): Promise<OfflineEscrowEntry> => ({
  Identifier: escrowIdentifier(key),
  EncryptedData: await encryptDirect(utf8(text), contentKey(key)),
});
const holding = (change: (set: Set) => Set): Promise<OfflineEscrowEntry> => {
  const { EscrowedKeySet: set } = decrypt(entry) as { EscrowedKeySet: Set };
  return sealed(JSON.stringify({ EscrowedKeySet: change(set) }));
};
const code = (value: unknown, key: Uint8Array = K): Promise<string> => errorCode(() => openEscrowEntry(value, key));

describe("the identifier", () => {
  test("is the fingerprint of the key under application/mmm-escrowed", () => {
    const digest = sha512(utf8("application/mmm-escrowed:"), sha512(K));
    expect(escrowIdentifier(K)).toBe(encodeBase32(Buffer.concat([Buffer.of(0x60), digest])).slice(0, 34));
    expect(entry.Identifier).toBe(escrowIdentifier(K));
  });

  test("can stand in a record whatever the digest is", async () => {
    // Found by trying: the digest for this key ends in 20 zero bits.
    const rare = Buffer.alloc(16);
    rare.writeUInt32BE(2213344, 12);
    expect(fingerprint("application/mmm-escrowed", rare)).toMatch(/^M[E-H]/);
    expect(isUdf(escrowIdentifier(rare))).toBe(true);
    const rareEntry = await createEscrowEntry(rare, [keys.signature, keys.escrow], master, []);
    expect((await openEscrowEntry(rareEntry, rare)).master.udf).toBe(master.udf);
  });
});

describe("an escrow entry", () => {
  test("gives everything back", async () => {
    expect(await openEscrowEntry(structuredClone(entry), K)).toEqual({
      master,
      keys: { signature: keys.signature, escrow: keys.escrow },
      all: [keys.signature, keys.escrow],
      accounts: ACCOUNTS,
    });
  });

  test("has exactly this content and this encryption", () => {
    expect(Object.keys(entry).sort()).toEqual(["EncryptedData", "Identifier"]);
    expect(decodeBase64url(entry.EncryptedData.protected).toString()).toBe('{"alg":"dir","enc":"A256GCM"}');
    expect(decrypt(entry)).toEqual({
      EscrowedKeySet: {
        Type: "OfflineEscrowEntry",
        Identifier: entry.Identifier,
        Owner: master.udf,
        PrivateKeys: [keys.signature, keys.escrow],
        SignedMasterProfile: master.record,
        Accounts: [
          { AccountID: "alice@example.com", Portal: "https://example.com" },
          { AccountID: "alice@localhost", Portal: "local" },
        ],
      },
    });
  });

  test("says nothing to who has no key", () => {
    const text = JSON.stringify(entry);
    for (const secret of [keys.signature.d, keys.escrow.d, master.udf, "alice"]) expect(text).not.toContain(secret);
  });

  test("without accounts has no list of them", async () => {
    const bare = await createEscrowEntry(K, [keys.signature, keys.escrow], master, []);
    expect(decrypt(bare)["EscrowedKeySet"]).not.toHaveProperty("Accounts");
    expect((await openEscrowEntry(bare, K)).accounts).toEqual([]);
  });

  test("may hold the escrow keys of before as well, in any order", async () => {
    const old = generateKey("master-escrow", random);
    const full = await createEscrowEntry(K, [old, keys.escrow, keys.signature], master, []);
    const opened = await openEscrowEntry(full, K);
    expect(opened.keys).toEqual(keys);
    expect(opened.all).toEqual([old, keys.escrow, keys.signature]);
  });

  test("may have members of its own, and accounts without a portal", async () => {
    const opened = await openEscrowEntry(
      await holding((set) => ({ ...set, Colour: "red", Accounts: [{ AccountID: "alice@example.com", Colour: 1 }] })),
      K,
    );
    expect(opened.accounts).toEqual([{ account: "alice@example.com", portal: "" }]);
  });

  test("is encrypted anew each time, under the same identifier", async () => {
    const again = await createEscrowEntry(K, [keys.signature, keys.escrow], master, ACCOUNTS);
    expect(again.Identifier).toBe(entry.Identifier);
    expect(again.EncryptedData.iv).not.toBe(entry.EncryptedData.iv);
    expect(again.EncryptedData.ciphertext).not.toBe(entry.EncryptedData.ciphertext);
  });
});

describe("an entry is refused", () => {
  test("with another key, whatever it is called", async () => {
    const other = random(16);
    expect(await code(entry, other)).toBe("record-invalid");
    expect(await code({ ...entry, Identifier: escrowIdentifier(other) }, other)).toBe("decryption-failed");
    expect(await code({ ...entry, Identifier: escrowIdentifier(other) })).toBe("record-invalid");
  });

  test("in another form", async () => {
    for (const value of [
      undefined,
      null,
      [entry],
      { ...entry, Extra: 1 },
      { EncryptedData: entry.EncryptedData },
      { OfflineEscrowEntry: entry },
      { ...entry, EncryptedData: { ...entry.EncryptedData, header: {} } },
      { ...entry, EncryptedData: { ...entry.EncryptedData, recipients: [] } },
    ]) {
      expect(await code(value)).toBe("record-invalid");
    }
  });

  test("where its content was changed or moved", async () => {
    const { EncryptedData: data } = entry;
    const other = (await createEscrowEntry(K, [keys.signature, keys.escrow], master, [])).EncryptedData;
    for (const changed of [
      { ...data, ciphertext: other.ciphertext },
      { ...data, iv: other.iv },
      { ...data, tag: other.tag },
      { ...data, tag: withStrayBits(data.tag) },
      { ...data, ciphertext: data.ciphertext.slice(0, -4) },
    ]) {
      expect(await code({ ...entry, EncryptedData: changed })).toBe("decryption-failed");
    }
    const key = random(16);
    const moved = {
      ...(await createEscrowEntry(key, [keys.signature, keys.escrow], master, [])),
      Identifier: entry.Identifier,
    };
    expect(await code(moved)).toBe("decryption-failed");
  });

  test("where it holds the keys of another entry or person, though the key opens it", async () => {
    const other = escrowIdentifier(random(16));
    expect(await code(await holding((set) => ({ ...set, Identifier: other })))).toBe("record-invalid");
    expect(await code(await holding((set) => ({ ...set, Owner: stranger.master.udf })))).toBe("record-invalid");
    const swapped = await holding((set) => ({ ...set, SignedMasterProfile: stranger.master.record }));
    expect(await code(swapped)).toBe("record-invalid");
    const theirs = await holding((set) => ({
      ...set,
      SignedMasterProfile: stranger.master.record,
      Owner: stranger.master.udf,
    }));
    expect(await code(theirs)).toBe("record-invalid");
  });

  test.each<[string, (set: Set) => Set]>([
    ["another type", (set) => ({ ...set, Type: "OnlineEscrowEntry" })],
    ["no type", (set) => ({ ...set, Type: undefined })],
    ["no keys", (set) => ({ ...set, PrivateKeys: undefined })],
    ["an empty list of keys", (set) => ({ ...set, PrivateKeys: [] })],
    ["too many keys", (set) => ({ ...set, PrivateKeys: Array(10).fill(keys.escrow) })],
    ["the escrow key alone", (set) => ({ ...set, PrivateKeys: [keys.escrow] })],
    ["the signature key alone", (set) => ({ ...set, PrivateKeys: [keys.signature] })],
    [
      "an escrow key that is not the profile's",
      (set) => ({
        ...set,
        PrivateKeys: [keys.signature, stranger.keys.escrow],
      }),
    ],
    [
      "a signature key that is not the profile's",
      (set) => ({
        ...set,
        PrivateKeys: [admin.keys.online, keys.escrow],
      }),
    ],
    ["a key with another member", (set) => ({ ...set, PrivateKeys: [{ ...keys.signature, use: "sig" }, keys.escrow] })],
    ["a key of another kind", (set) => ({ ...set, PrivateKeys: [{ ...keys.signature, kty: "EC" }, keys.escrow] })],
    ["no master profile", (set) => ({ ...set, SignedMasterProfile: undefined })],
    ["a personal profile in its place", (set) => ({ ...set, SignedMasterProfile: personal.record })],
    [
      "a revocation note in its place",
      (set) => ({
        ...set,
        SignedMasterProfile: createRevocation(keys.signature, NOW).record,
      }),
    ],
    ["an empty list of accounts", (set) => ({ ...set, Accounts: [] })],
    [
      "a key in another spelling",
      (set) => ({
        ...set,
        PrivateKeys: [{ ...keys.signature, d: withStrayBits(keys.signature.d) }, keys.escrow],
      }),
    ],
  ])("with %s", async (_, change) => {
    expect(await code(await holding(change))).toBe("record-invalid");
  });

  test.each<[string, (set: Set) => Set]>([
    [
      "another d",
      (set) => ({ ...set, PrivateKeys: [{ ...keys.signature, d: stranger.keys.signature.d }, keys.escrow] }),
    ],
    [
      "another x",
      (set) => ({ ...set, PrivateKeys: [{ ...keys.signature, x: stranger.keys.signature.x }, keys.escrow] }),
    ],
    ["another kid", (set) => ({ ...set, PrivateKeys: [{ ...stranger.keys.signature, kid: master.udf }, keys.escrow] })],
    [
      "another escrow key's d",
      (set) => ({ ...set, PrivateKeys: [keys.signature, { ...keys.escrow, d: stranger.keys.escrow.d }] }),
    ],
    [
      "a third key that is broken",
      (set) => ({ ...set, PrivateKeys: [keys.signature, keys.escrow, { ...stranger.keys.escrow, kid: master.udf }] }),
    ],
  ])("with a key that is not what it says: %s", async (_, change) => {
    expect(await code(await holding(change))).toBe("key-invalid");
  });

  test("with a master profile that nobody signed", async () => {
    const forged = altered(master.record, "MasterProfile", stranger.keys.signature, (payload) => ({ ...payload }));
    expect(await code(await holding((set) => ({ ...set, SignedMasterProfile: forged })))).toBe("signature-invalid");
  });

  test("with content that is no JSON of one object", async () => {
    for (const text of ["", "{", '{"EscrowedKeySet":{},"EscrowedKeySet":{}}', '\ufeff{"EscrowedKeySet":{}}']) {
      expect(await code(await sealed(text))).toBe("json-invalid");
    }
    for (const text of ["null", "[]", "{}", '{"EscrowedKeySet":null}', '{"EscrowedKeySet":{},"Other":{}}']) {
      expect(await code(await sealed(text))).toBe("record-invalid");
    }
  });
});

test("the keys of an entry made before a new epoch are found again, and are still the person's", async () => {
  const epoch = nextEpoch(keys.signature, admin.keys.online, personal, [admin.device], {}, NOW);
  const opened = await openEscrowEntry(entry, K);
  expect(opened.master.sequence).toBe(epoch.master.sequence - 1);
  expect(opened.keys.signature.kid).toBe(epoch.udf);
});
