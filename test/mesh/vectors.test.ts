import * as fs from "node:fs";
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { parseAddress } from "../../src/mesh/address.js";
import {
  createConnectionRequest,
  createConnectionResult,
  readConnectionRequest,
  readConnectionResult,
  verificationCode,
} from "../../src/mesh/connection.js";
import { lengthPrefixed } from "../../src/mesh/bytes.js";
import { createEscrowEntry, escrowIdentifier, openEscrowEntry } from "../../src/mesh/escrow.js";
import {
  createInvite,
  encodePin,
  invitedChange,
  inviteId,
  inviteIdOf,
  inviteMacKey,
  judgeInvitation,
  openInvite,
  parsePin,
  proveInvitation,
} from "../../src/mesh/invite.js";
import { recordHash, type SignedRecord } from "../../src/mesh/jose.js";
import { decryptWith, encryptTo, type RecipientData } from "../../src/mesh/jwe.js";
import { generateKey, KEY_USES, publicKeyOf, subjectPublicKeyInfo, type PrivateKey } from "../../src/mesh/keys.js";
import {
  createDevice,
  createMaster,
  createPersonal,
  createRevocation,
  nextEpoch,
  nextPersonal,
} from "../../src/mesh/profile.js";
import type { DeviceKeys } from "../../src/mesh/profile.js";
import { readDevice, type Invitation } from "../../src/mesh/records/device.js";
import { readMaster } from "../../src/mesh/records/master.js";
import { readPersonal, type Invite } from "../../src/mesh/records/personal.js";
import { checkRotation, createRotation } from "../../src/mesh/rotation.js";
import { combineShares, parseShare, splitKey } from "../../src/mesh/shares.js";
import { accountUdf, encodeBase32 } from "../../src/mesh/udf.js";
import { errorCode } from "../support/deps.js";

// The files in test/vectors are for other programs: what they say is made here, from a fixed random source, and compared.
// After a change of format, `MESHMAN_WRITE_VECTORS=1 npx vitest run test/mesh/vectors.test.ts` writes them anew.
const FOLDER = new URL("../vectors/", import.meta.url);
const isWriting = process.env["MESHMAN_WRITE_VECTORS"] === "1";

/** SHA-512 in counter mode: enough for test keys that anyone can make again, and for nothing else. */
const fixedRandom = (seed: string): ((length: number) => Buffer) => {
  let counter = 0;
  return (length) => {
    const blocks: Buffer[] = [];
    for (let octets = 0; octets < length; octets += 64) {
      blocks.push(createHash("sha512").update(`meshman test vectors ${seed} ${counter++}`).digest());
    }
    return Buffer.concat(blocks).subarray(0, length);
  };
};

const vectors = (name: string, made: object): Record<string, never> => {
  const file = new URL(`${name}.json`, FOLDER);
  if (isWriting) fs.writeFileSync(file, `${JSON.stringify(made, null, 1)}\n`);
  return JSON.parse(fs.readFileSync(file, "utf8")) as Record<string, never>;
};

const at = (day: number): Date => new Date(Date.UTC(2026, 0, day));

const deviceKeys = (seed: string): DeviceKeys => {
  const random = fixedRandom(seed);
  return {
    signature: generateKey("device-signature", random),
    authentication: generateKey("device-authentication", random),
    encryption: generateKey("device-encryption", random),
    online: generateKey("online-signature", random),
  };
};

const world = () => {
  const random = fixedRandom("master");
  const master = { signature: generateKey("master-signature", random), escrow: generateKey("master-escrow", random) };
  const keys = { laptop: deviceKeys("laptop"), phone: deviceKeys("phone") };
  const laptop = createDevice(keys.laptop, "laptop", "Linux", at(1));
  const phone = createDevice(keys.phone, "phone", "", at(2));
  const escrowKeys = [publicKeyOf(master.escrow)];
  const first = createMaster(master.signature, { administrators: [laptop], escrowKeys }, at(1));
  const p11 = createPersonal(keys.laptop.online, first, { devices: [laptop] }, at(1));
  const names = [accountUdf("alice@example.com")];
  const p12 = nextPersonal(keys.laptop.online, p11, { names }, at(2));
  const p13 = nextPersonal(
    keys.laptop.online,
    p12,
    { devices: [laptop, phone], deviceNames: { [phone.udf]: "Alice's phone" } },
    at(3),
  );
  const p21 = nextEpoch(master.signature, keys.phone.online, p13, [phone], { devices: [phone] }, at(4));
  const note = createRevocation(master.signature, at(5));
  return { master, keys, laptop, phone, first, p11, p12, p13, p21, note };
};

const describeRecord = (name: string, type: string, record: SignedRecord) => ({
  name,
  type,
  record,
  recordHash: recordHash(record),
  payloadHash: createHash("sha256").update(Buffer.from(record.SignedData.payload, "base64url")).digest("base64url"),
  payload: JSON.parse(Buffer.from(record.SignedData.payload, "base64url").toString("utf8")) as object,
});

describe("the vectors for other programs are what this program makes", () => {
  test("keys and their fingerprints", () => {
    const random = fixedRandom("keys");
    const keys = KEY_USES.map((use) => {
      const privateKey = generateKey(use, random);
      const spki = subjectPublicKeyInfo(privateKey.crv, privateKey.x).toString("hex");
      return { use, privateKey, subjectPublicKeyInfo: spki, udf: privateKey.kid };
    });
    const about = "Key pairs: the private JWK, the DER SubjectPublicKeyInfo in hex, and its fingerprint.";
    expect(vectors("keys", { about, keys })).toEqual({ about, keys });
  });

  test("signed profiles, in the order of their making", () => {
    const { laptop, phone, first, p11, p12, p13, p21, note } = world();
    const records = [
      describeRecord("laptop", "SignedDeviceProfile", laptop.record),
      describeRecord("phone", "SignedDeviceProfile", phone.record),
      describeRecord("master 1", "SignedMasterProfile", first.record),
      describeRecord("personal 1.1", "SignedPersonalProfile", p11.record),
      describeRecord("personal 1.2, with an account", "SignedPersonalProfile", p12.record),
      describeRecord("personal 1.3, with a second device", "SignedPersonalProfile", p13.record),
      describeRecord("personal 2.1, a new epoch under the phone", "SignedPersonalProfile", p21.record),
      describeRecord("revocation note", "SignedMasterProfile", note.record),
    ];
    const about = "Valid records, with the hash of the record, the hash of its payload, and the payload for reading.";
    const read = vectors("profiles", { about, records }) as unknown as { records: typeof records };
    expect(read).toEqual({ about, records });
    for (const { type, record } of read.records) {
      if (type === "SignedPersonalProfile") readPersonal(record);
      if (type === "SignedMasterProfile") readMaster(record);
    }
  });

  test("a connection: request, code, results", () => {
    const { keys, phone, first } = world();
    const request = createConnectionRequest(phone, first.udf, keys.phone.signature);
    const result = (outcome: "Accepted" | "Refused"): SignedRecord =>
      createConnectionResult(phone.record, first.udf, outcome, keys.laptop.online);
    const made = {
      about: "A connection request, its verification code, and the answers under the laptop's online signature key.",
      device: phone.udf,
      profile: first.udf,
      code: verificationCode(phone.udf, first.udf),
      SignedConnectionRequest: request.record,
      accepted: result("Accepted"),
      refused: result("Refused"),
    };
    const read = vectors("connection", made) as unknown as typeof made;
    expect(read).toEqual(made);
    expect(readConnectionRequest(read.SignedConnectionRequest).code).toBe(made.code);
    const administrators = first.administrators.map(({ key }) => key);
    expect(readConnectionResult(read.accepted, administrators).outcome).toBe("Accepted");
    expect(readConnectionResult(read.refused, administrators).outcome).toBe("Refused");
  });

  test("shares, good and bad", async () => {
    const sets = [
      [2, 3],
      [3, 5],
      [2, 2],
    ].map(([threshold = 0, count = 0]) => {
      const random = fixedRandom(`shares ${threshold} of ${count}`);
      const key = random(16);
      const identifier = escrowIdentifier(key);
      const shares = splitKey(key, count, threshold, identifier, random);
      return { threshold, key: key.toString("hex"), identifier, shares };
    });
    const [text = ""] = sets[0]?.shares ?? [];
    const bad = [
      { share: `${text.slice(0, -1)}${text.endsWith("Y") ? "Z" : "Y"}`, error: "share-checksum" },
      { share: text.slice(0, -5), error: "share-checksum" },
      { share: `1${text.slice(1)}`, error: "share-checksum" },
      // From draft-hallambaker-mesh-udf: a share of another kind.
      { share: "SAQP-COY2-MLPI-RZLI-ZDJK-VIIQ-77KD-W", error: "share-invalid" },
    ];
    const about = "Shares of escrow keys (hex) with the identifiers that the keys give; and texts that are refused.";
    const made = { about, sets, bad };
    const read = vectors("shares", made) as unknown as typeof made;
    expect(read).toEqual(made);
    for (const { threshold, key, identifier, shares } of read.sets) {
      const combined = combineShares(shares.slice(-threshold).map(parseShare), escrowIdentifier);
      expect({ key: combined.key.toString("hex"), identifier: combined.identifier }).toEqual({ key, identifier });
    }
    for (const { share, error } of read.bad) expect(await errorCode(() => parseShare(share))).toBe(error);
  });

  test("an escrow entry, which opens", async () => {
    const { master, first } = world();
    const key = fixedRandom("escrow")(16);
    const privateKeys: PrivateKey[] = [master.signature, master.escrow];
    const accounts = [{ account: "alice@example.com", portal: "https://example.com" }];
    const about = "An escrow entry (its nonce is random), the escrow key that opens it (hex), and what is in it.";
    const fixed = {
      about,
      key: key.toString("hex"),
      identifier: escrowIdentifier(key),
      owner: first.udf,
      privateKeys,
      accounts,
    };
    const entry = isWriting ? await createEscrowEntry(key, privateKeys, first, accounts) : undefined;
    const { OfflineEscrowEntry, ...rest } = vectors("escrow", { ...fixed, OfflineEscrowEntry: entry });
    expect(rest).toEqual(fixed);
    const opened = await openEscrowEntry(OfflineEscrowEntry, key);
    expect({ owner: opened.master.udf, privateKeys: opened.all, accounts: opened.accounts }).toEqual({
      owner: fixed.owner,
      privateKeys,
      accounts,
    });
  });

  test("PINs, good and bad", async () => {
    const pins = ["one", "two", "three"].map((seed) => {
      const secret = fixedRandom(`pin ${seed}`)(16);
      const profile = generateKey("master-signature", fixedRandom(`pin profile ${seed}`)).kid;
      const macKey = inviteMacKey(secret);
      const pin = encodePin({ pin: secret, profile });
      return { pin, secret: secret.toString("hex"), profile, macKey: macKey.toString("hex"), invite: inviteId(macKey) };
    });
    const [{ pin: text } = { pin: "" }] = pins;
    const sealed = (octets: Buffer): string =>
      encodeBase32(Buffer.concat([octets, createHash("sha256").update(octets).digest().subarray(0, 4)]));
    const body = (first: number, version: number, last: number): Buffer =>
      Buffer.concat([
        Buffer.from([first, version]),
        Buffer.alloc(16),
        Buffer.of(0x60),
        Buffer.alloc(16),
        Buffer.of(last),
      ]);
    const bad = [
      `${text.slice(0, -1)}${text.endsWith("Y") ? "Z" : "Y"}`,
      text.slice(0, -5),
      `${text}-AAAA`,
      `1${text.slice(1)}`,
      // Sealed with a checksum that is right: another type, another version, bits behind the fingerprint.
      sealed(body(0x79, 1, 0)),
      sealed(body(0x78, 2, 0)),
      sealed(body(0x78, 1, 1)),
    ].map((pin) => ({ pin, error: "pin-invalid" }));
    const about =
      "PINs of invites with the secret and the MAC key (hex), the profile and the invite; and refused ones.";
    const made = { about, pins, bad };
    const read = vectors("pins", made) as unknown as typeof made;
    expect(read).toEqual(made);
    for (const { pin, secret, profile } of read.pins) {
      expect(parsePin(pin.toLowerCase())).toEqual({ pin: Buffer.from(secret, "hex"), profile });
    }
    for (const { pin, error } of read.bad) expect(await errorCode(() => parsePin(pin))).toBe(error);
  });

  test("an invite, the profile that has it, and the devices that show it", async () => {
    const { keys, p13 } = world();
    const account = "alice@example.com";
    const lasting = { uses: 2, notOnOrAfter: at(5), name: "tablet", deviceLifetime: 86_400 };
    const written = isWriting ? await createInvite(p13, lasting, fixedRandom("invite"), at(4)) : undefined;
    const secret = fixedRandom("invite")(16);
    const pin = { pin: secret, profile: p13.udf };
    const device = (seed: string, prove: (udf: string) => Invitation) => {
      const tablet = deviceKeys(seed);
      const invitation = prove(tablet.signature.kid);
      return createDevice(tablet, seed, "", at(4), { invitation });
    };
    const guests = {
      valid: device("tablet", (udf) => proveInvitation(pin, account, udf)),
      otherPin: device("tablet 2", (udf) => ({
        ...proveInvitation({ ...pin, pin: fixedRandom("another pin")(16) }, account, udf),
        Id: inviteIdOf(pin),
      })),
      otherAccount: device("tablet 3", (udf) => proveInvitation(pin, "bob@example.com", udf)),
      otherInvite: device("tablet 4", (udf) => proveInvitation({ ...pin, pin: fixedRandom("4")(16) }, account, udf)),
    };
    const fixed = {
      about:
        "An invite (its key is encrypted at random), the keys of the administrator and of a device that is none, the profile " +
        "before and after a device joined by it on 4 January 2026, and device profiles with what is to be made of them then.",
      pin: encodePin(pin),
      macKey: inviteMacKey(secret).toString("hex"),
      account,
      administrator: keys.laptop.encryption,
      other: keys.phone.encryption,
      devices: [
        { SignedDeviceProfile: guests.valid.record, verdict: "valid" },
        { SignedDeviceProfile: guests.otherPin.record, verdict: "wrong" },
        { SignedDeviceProfile: guests.otherAccount.record, verdict: "wrong" },
        { SignedDeviceProfile: guests.otherInvite.record, verdict: "unknown" },
      ],
    };
    const before = written && nextPersonal(keys.laptop.online, p13, { invites: [written.invite] }, at(4));
    const after = before && nextPersonal(keys.laptop.online, before, invitedChange(before, guests.valid, at(4)), at(4));
    const records = { before: before?.record, after: after?.record };
    const read = vectors("invites", { ...fixed, invite: written?.invite, ...records }) as unknown as typeof fixed & {
      invite: Invite;
      before: SignedRecord;
      after: SignedRecord;
    };
    const { invite, before: beforeRecord, after: afterRecord, ...rest } = read;
    expect(rest).toEqual(fixed);
    const profile = readPersonal(beforeRecord);
    expect(profile.invites).toEqual([invite]);
    expect(readPersonal(afterRecord).invites).toEqual([{ ...invite, Uses: 1, Joined: [guests.valid.udf] }]);
    expect(nextPersonal(keys.laptop.online, p13, { invites: [invite] }, at(4)).record).toEqual(beforeRecord);
    const joined = invitedChange(profile, guests.valid, at(4));
    expect(nextPersonal(keys.laptop.online, profile, joined, at(4)).record).toEqual(afterRecord);
    const macKey = await openInvite(invite, read.administrator);
    expect(macKey.toString("hex")).toBe(read.macKey);
    expect(await errorCode(() => openInvite(invite, read.other))).toBe("decryption-failed");
    for (const { SignedDeviceProfile, verdict } of read.devices) {
      const request = { device: readDevice(SignedDeviceProfile) };
      expect(judgeInvitation(profile, request, macKey, account, at(4))).toBe(verdict);
    }
  });

  test("a device that replaces another", () => {
    const { keys, phone, p13 } = world();
    const fresh = deviceKeys("new phone");
    const make = (profile: string, key = keys.phone.signature) => {
      const replaces = { ...createRotation(key, fresh.signature.kid, profile), DeviceUDF: phone.udf };
      return createDevice(fresh, "phone", "", at(4), { replaces });
    };
    const good = make(p13.udf);
    const after = nextPersonal(keys.laptop.online, p13, { replace: { old: phone.udf, device: good } }, at(4));
    const made = {
      about:
        "Device profiles that say they replace the phone of personal profile 1.3 (profiles.json), what is to be made of them, and " +
        "the profile after it; the octets that the old device signs, as hex.",
      signed: lengthPrefixed("mmm/device/rotate", phone.udf, good.udf, p13.udf).toString("hex"),
      devices: [
        { SignedDeviceProfile: good.record, verdict: "valid" },
        { SignedDeviceProfile: make(phone.udf).record, verdict: "wrong" },
        { SignedDeviceProfile: make(p13.udf, keys.laptop.signature).record, verdict: "wrong" },
        { SignedDeviceProfile: phone.record, verdict: "none" },
      ],
      after: after.record,
    };
    const read = vectors("rotation", made) as unknown as typeof made;
    expect(read).toEqual(made);
    for (const { SignedDeviceProfile, verdict } of read.devices) {
      expect(checkRotation(p13, readDevice(SignedDeviceProfile), at(4))).toBe(verdict);
    }
  });

  test("what is encrypted to one key and to several", async () => {
    const random = fixedRandom("jwe");
    const keys = ["alice", "bob", "mallory"].map((name) => ({ name, key: generateKey("device-encryption", random) }));
    const [alice, bob, mallory] = keys.map(({ key }) => key) as [PrivateKey, PrivateKey, PrivateKey];
    const plaintext = "A text of no account.";
    const fixed = {
      about:
        "A text encrypted to Alice alone, and to Alice and Bob (all of it at random); and values that Alice's program refuses.",
      plaintext,
      keys,
    };
    const octets = Buffer.from(plaintext);
    const both = [publicKeyOf(alice), publicKeyOf(bob)];
    const written = isWriting
      ? { one: await encryptTo(octets, [publicKeyOf(alice)]), several: await encryptTo(octets, both) }
      : undefined;
    const refused = (one: object, several: { recipients?: { header: object }[] }) => [
      { why: "an unprotected header", value: { ...one, unprotected: { zip: "DEF" } } },
      { why: "additional data", value: { ...one, aad: "AAAA" } },
      { why: "alg beside the protected header", value: { ...one, header: { kid: alice.kid, alg: "ECDH-ES+A256KW" } } },
      { why: "one kid twice", value: { ...several, recipients: [several.recipients?.[0], several.recipients?.[0]] } },
      { why: "one recipient in the form for several", value: { ...several, recipients: [several.recipients?.[0]] } },
      {
        why: "an ephemeral key of low order",
        value: {
          ...several,
          recipients: several.recipients?.map((recipient) => ({
            ...recipient,
            header: { ...recipient.header, epk: { kty: "OKP", crv: "X25519", x: "A".repeat(43) } },
          })),
        },
      },
    ];
    const bad = written && refused(written.one, written.several as { recipients?: { header: object }[] });
    const read = vectors("encrypted", { ...fixed, ...written, refused: bad }) as unknown as typeof fixed & {
      one: RecipientData;
      several: RecipientData;
      refused: ReturnType<typeof refused>;
    };
    const { one, several, refused: values, ...rest } = read;
    expect(rest).toEqual(fixed);
    expect(values).toEqual(refused(one, several as { recipients?: { header: object }[] }));
    expect((await decryptWith(one, alice)).toString()).toBe(plaintext);
    for (const key of [alice, bob]) expect((await decryptWith(several, key)).toString()).toBe(plaintext);
    for (const value of [one, several]) {
      expect(await errorCode(() => decryptWith(value, mallory))).toBe("decryption-failed");
    }
    for (const { value } of values) expect(await errorCode(() => decryptWith(value, alice))).toBe("decryption-failed");
  });

  test("account names, canonical and refused", async () => {
    const texts = [
      "alice@example.com",
      "Alice@Example.COM",
      "zoë@example.com",
      "zoe\u0308@example.com",
      "a.b+c@bücher.example",
    ];
    const accounts = texts.map((text) => {
      const { account } = parseAddress(text);
      return { text, account, udf: accountUdf(account) };
    });
    const refused = [
      "",
      "@example.com",
      "alice@",
      "al ice@example.com",
      ".alice@example.com",
      "a..b@example.com",
      "a@exa_mple.com",
    ];
    const about =
      "Account names as typed, their canonical form, and the fingerprint that a profile names; and refused ones.";
    const made = { about, accounts, refused };
    const read = vectors("accounts", made) as unknown as typeof made;
    expect(read).toEqual(made);
    for (const text of read.refused) expect(await errorCode(() => parseAddress(text))).toBe("address-invalid");
  });
});
