import { describe, expect, test } from "vitest";
import { generateKey, publicKeyOf, publicKeyRecord, type PrivateKey } from "../../../src/mesh/keys.js";
import { createMaster, createRevocation } from "../../../src/mesh/profile.js";
import { readMaster, REVOCATION_SEQUENCE } from "../../../src/mesh/records/master.js";
import { altered, keyRecordWith, newDevice, newPerson, NOW, payloadOf, refusal, stream, TIME } from "../support.js";

const random = stream("master test");
const { keys, master, admin } = newPerson("alice");
const phone = newDevice("phone");
const stranger = newPerson("mallory");
const two = createMaster(
  keys.signature,
  { administrators: [admin.device, phone.device], escrowKeys: [publicKeyOf(keys.escrow)] },
  NOW,
);
const note = createRevocation(keys.signature, NOW);

const change = (members: object, key: PrivateKey = keys.signature, of = two) =>
  altered(of.record, "MasterProfile", key, (payload) => ({ ...payload, ...members }));
const code = (value: unknown): string | undefined => refusal(() => readMaster(value));

const adminKey = publicKeyRecord(admin.keys.online);
const phoneKey = publicKeyRecord(phone.keys.online);
const adminEntry = { DeviceUDF: admin.device.udf, KeyUDF: admin.keys.online.kid };
const phoneEntry = { DeviceUDF: phone.device.udf, KeyUDF: phone.keys.online.kid };

describe("a master profile", () => {
  test("gives back what it was made of, under the specification's member names", () => {
    expect(payloadOf(two.record)).toEqual({
      Identifier: keys.signature.kid,
      Updated: TIME,
      Sequence: 1,
      MasterSignatureKey: publicKeyRecord(keys.signature),
      MasterEscrowKeys: [publicKeyRecord(keys.escrow)],
      OnlineSignatureKeys: [adminKey, phoneKey],
      Administrators: [adminEntry, phoneEntry],
    });
    const read = readMaster(structuredClone(two.record));
    expect(read).toEqual(two);
    expect(read).toMatchObject({
      udf: keys.signature.kid,
      sequence: 1,
      updated: TIME,
      signatureKey: publicKeyOf(keys.signature),
      escrowKeys: [publicKeyOf(keys.escrow)],
      administrators: [
        { deviceUdf: admin.device.udf, key: publicKeyOf(admin.keys.online) },
        { deviceUdf: phone.device.udf, key: publicKeyOf(phone.keys.online) },
      ],
    });
    expect(read.previous).toBeUndefined();
    expect(read.revoked).toBeUndefined();
  });

  test("may list keys and administrators in different orders, and have members of its own", () => {
    const read = readMaster(change({ Administrators: [phoneEntry, { ...adminEntry, Since: TIME }], Colour: "red" }));
    expect(read.administrators.map(({ key }) => key.udf)).toEqual([phone.keys.online.kid, admin.keys.online.kid]);
    expect(read.payload["Colour" as keyof typeof read.payload]).toBe("red");
  });

  test("may name a predecessor from its second version on, and must", () => {
    const previous = "A".repeat(43);
    expect(readMaster(change({ Sequence: 2, Previous: previous })).previous).toBe(previous);
    expect(code(change({ Sequence: 2 }))).toBe("record-invalid");
    expect(code(change({ Sequence: 1, Previous: previous }))).toBe("record-invalid");
  });

  test.each<[string, object]>([
    ["another identifier", { Identifier: stranger.master.udf }],
    ["no identifier", { Identifier: undefined }],
    ["no time", { Updated: undefined }],
    ["no sequence", { Sequence: undefined }],
    ["the sequence 0", { Sequence: 0, Previous: "A".repeat(43) }],
    ["a negative sequence", { Sequence: -1, Previous: "A".repeat(43) }],
    ["a broken sequence", { Sequence: 1.5, Previous: "A".repeat(43) }],
    ["a sequence beyond exact numbers", { Sequence: 2 ** 53, Previous: "A".repeat(43), Revoked: TIME }],
    ["a sequence in text", { Sequence: "1" }],
    ["a predecessor that is no digest", { Sequence: 2, Previous: "x" }],
    ["no escrow key", { MasterEscrowKeys: undefined }],
    ["an empty list of escrow keys", { MasterEscrowKeys: [] }],
    ["no administrators", { OnlineSignatureKeys: undefined, Administrators: undefined }],
    ["empty lists of administrators", { OnlineSignatureKeys: [], Administrators: [] }],
    ["online keys of nobody", { Administrators: undefined }],
    ["administrators without keys", { OnlineSignatureKeys: undefined }],
    ["one online key too many", { Administrators: [adminEntry] }],
    ["one administrator too many", { OnlineSignatureKeys: [adminKey] }],
    [
      "an administrator with an unlisted key",
      {
        Administrators: [adminEntry, { ...phoneEntry, KeyUDF: stranger.admin.keys.online.kid }],
      },
    ],
    ["one device twice", { Administrators: [adminEntry, { ...phoneEntry, DeviceUDF: admin.device.udf }] }],
    ["one key for two devices", { Administrators: [adminEntry, { ...phoneEntry, KeyUDF: adminEntry.KeyUDF }] }],
    [
      "one key twice for two devices",
      {
        OnlineSignatureKeys: [adminKey, adminKey],
        Administrators: [adminEntry, { ...phoneEntry, KeyUDF: adminEntry.KeyUDF }],
      },
    ],
    [
      "one key twice for one device",
      {
        OnlineSignatureKeys: [adminKey, adminKey],
        Administrators: [adminEntry, adminEntry],
      },
    ],
    [
      "an administrator with an odd fingerprint",
      {
        Administrators: [adminEntry, { ...phoneEntry, DeviceUDF: phone.device.udf.toLowerCase() }],
      },
    ],
    [
      "its master signature key as an online one",
      {
        OnlineSignatureKeys: [adminKey, publicKeyRecord(keys.signature)],
        Administrators: [adminEntry, { ...phoneEntry, KeyUDF: keys.signature.kid }],
      },
    ],
    ["a Revoked time, and more to say", { Revoked: TIME }],
    ["the sequence of a revocation note", { Sequence: REVOCATION_SEQUENCE, Previous: "A".repeat(43) }],
    ["null for a list", { Administrators: null }],
  ])("with %s is refused", (_, members) => {
    expect(code(change(members))).toBe("record-invalid");
  });

  test.each<[string, object]>([
    ["an escrow key that signs", { MasterEscrowKeys: [publicKeyRecord(generateKey("online-signature", random))] }],
    [
      "an online key that encrypts",
      {
        OnlineSignatureKeys: [adminKey, publicKeyRecord(keys.escrow)],
        Administrators: [adminEntry, { ...phoneEntry, KeyUDF: keys.escrow.kid }],
      },
    ],
    ["a master key that encrypts", { MasterSignatureKey: publicKeyRecord(keys.escrow) }],
    [
      "a key with another fingerprint",
      {
        OnlineSignatureKeys: [adminKey, keyRecordWith(phone.keys.online, { kid: admin.keys.online.kid })],
      },
    ],
  ])("with %s is refused", (_, members) => {
    expect(code(change(members))).toBe("key-invalid");
  });

  test("is signed by its master signature key and nobody else", () => {
    for (const key of [admin.keys.online, phone.keys.online, stranger.keys.signature]) {
      expect(code(change({}, key))).toBe("signature-invalid");
    }
  });

  test("cannot be given another master signature key by its holder or anyone", () => {
    const swapped = { MasterSignatureKey: publicKeyRecord(stranger.keys.signature) };
    expect(code(change(swapped))).toBe("record-invalid");
    expect(code(change(swapped, stranger.keys.signature))).toBe("record-invalid");
    const other = altered(two.record, "MasterProfile", stranger.keys.signature, (payload) => ({
      ...payload,
      ...swapped,
      Identifier: stranger.master.udf,
    }));
    expect(code(other)).toBe("record-invalid");
    // Under its own name it is a good profile, of another person.
    expect(readMaster({ ...other, Identifier: stranger.master.udf }).udf).toBe(stranger.master.udf);
  });

  test("is no personal profile, and a personal profile is none", () => {
    expect(code(newPerson("alice").personal.record)).toBe("record-invalid");
  });
});

describe("a revocation note", () => {
  test("is a master profile with the greatest sequence, a time and no keys but the master's", () => {
    expect(payloadOf(note.record)).toEqual({
      Identifier: keys.signature.kid,
      Updated: TIME,
      Sequence: 9007199254740991,
      Revoked: TIME,
      MasterSignatureKey: publicKeyRecord(keys.signature),
    });
    expect(readMaster(note.record)).toMatchObject({ revoked: TIME, escrowKeys: [], administrators: [] });
  });

  test("can be made by nobody but the holder of the master signature key", () => {
    for (const key of [admin.keys.online, stranger.keys.signature]) {
      expect(code(change({}, key, note))).toBe("signature-invalid");
    }
  });

  test.each<[string, object]>([
    ["another sequence", { Sequence: 2, Previous: "A".repeat(43) }],
    ["the sequence before the greatest", { Sequence: REVOCATION_SEQUENCE - 1, Previous: "A".repeat(43) }],
    ["no time", { Revoked: undefined }],
    ["a time that is none", { Revoked: true }],
    ["escrow keys", { MasterEscrowKeys: [publicKeyRecord(keys.escrow)] }],
    ["administrators", { OnlineSignatureKeys: [adminKey], Administrators: [adminEntry] }],
    ["all that a profile has", payloadOf(two.record)],
  ])("with %s is refused", (_, members) => {
    expect(code(change(members, keys.signature, note))).toBe("record-invalid");
  });

  test("has no successor", () => {
    const content = { administrators: [admin.device], escrowKeys: [publicKeyOf(keys.escrow)] };
    expect(refusal(() => createMaster(keys.signature, content, NOW, note))).toBe("record-invalid");
    expect(refusal(() => createMaster(keys.signature, content, NOW, master))).toBeUndefined();
  });
});
