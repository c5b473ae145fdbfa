import { describe, expect, test } from "vitest";
import type { PrivateKey } from "../../../src/mesh/keys.js";
import { publicKeyOf, publicKeyRecord } from "../../../src/mesh/keys.js";
import { readDevice } from "../../../src/mesh/records/device.js";
import {
  altered,
  forge,
  keyRecordWith,
  newDevice,
  NOW,
  payloadOf,
  refusal,
  stream,
  TIME,
  without,
  withStrayBits,
} from "../support.js";
import { createDevice, generateDeviceKeys } from "../../../src/mesh/profile.js";

const random = stream("device test");
const { keys, device } = newDevice("laptop");
const record = device.record;
const stranger = generateDeviceKeys(random);

const change = (members: object, key: PrivateKey = keys.signature) =>
  altered(record, "DeviceProfile", key, (payload) => ({ ...payload, ...members }));
const code = (value: unknown): string | undefined => refusal(() => readDevice(value));

describe("a device profile", () => {
  test("gives back what it was made of, under the specification's member names", () => {
    expect(payloadOf(record)).toEqual({
      Identifier: keys.signature.kid,
      Names: ["laptop"],
      Updated: TIME,
      Description: "Linux",
      DeviceSignatureKey: publicKeyRecord(keys.signature),
      DeviceAuthenticationKey: publicKeyRecord(keys.authentication),
      DeviceEncryptiontionKey: publicKeyRecord(keys.encryption),
      OnlineSignatureKey: publicKeyRecord(keys.online),
    });
    expect(readDevice(structuredClone(record))).toEqual({
      record,
      udf: keys.signature.kid,
      name: "laptop",
      description: "Linux",
      updated: TIME,
      signatureKey: publicKeyOf(keys.signature),
      authenticationKey: publicKeyOf(keys.authentication),
      encryptionKey: publicKeyOf(keys.encryption),
      onlineSignatureKey: publicKeyOf(keys.online),
    });
    expect(device.invitation).toBeUndefined();
    expect(device.replaces).toBeUndefined();
    expect(record.Identifier).toBe(keys.signature.kid);
  });

  test("without a description has no such member", () => {
    const bare = createDevice(generateDeviceKeys(random), "x", "", NOW);
    expect(bare.description).toBeUndefined();
    expect(payloadOf(bare.record)).not.toHaveProperty("Description");
  });

  test("may have members of its own and more than one name, of which the first counts", () => {
    const read = readDevice(change({ Names: ["desk", "laptop"], Colour: "red" }));
    expect(read.name).toBe("desk");
    expect(payloadOf(read.record)["Colour"]).toBe("red");
  });

  test.each<[string, object]>([
    ["another identifier", { Identifier: stranger.signature.kid }],
    ["no name", { Names: undefined }],
    ["no names", { Names: [] }],
    ["an empty name", { Names: [""] }],
    ["a name that is too long", { Names: ["x".repeat(65)] }],
    ["too many names", { Names: Array(9).fill("x") }],
    ["a name that is none", { Names: [1] }],
    ["no time", { Updated: undefined }],
    ["a time that is none", { Updated: "yesterday" }],
    ["a description that is too long", { Description: "x".repeat(257) }],
    ["null for a description", { Description: null }],
    ["no signature key", { DeviceSignatureKey: undefined }],
    ["no authentication key", { DeviceAuthenticationKey: undefined }],
    ["no encryption key", { DeviceEncryptiontionKey: undefined }],
    [
      "the encryption key under a well-spelt name",
      {
        DeviceEncryptiontionKey: undefined,
        DeviceEncryptionKey: publicKeyRecord(keys.encryption),
      },
    ],
    ["no online signature key", { OnlineSignatureKey: undefined }],
  ])("with %s is refused", (_, members) => {
    expect(code(change(members))).toBe("record-invalid");
  });

  test.each<[string, object]>([
    ["one key for signature and authentication", { DeviceAuthenticationKey: publicKeyRecord(keys.signature) }],
    ["one key for signature and administration", { OnlineSignatureKey: publicKeyRecord(keys.signature) }],
    ["one key for authentication and administration", { OnlineSignatureKey: publicKeyRecord(keys.authentication) }],
    ["an encryption key on the wrong curve", { DeviceEncryptiontionKey: publicKeyRecord(stranger.online) }],
    ["an authentication key on the wrong curve", { DeviceAuthenticationKey: publicKeyRecord(keys.encryption) }],
    [
      "a key with another fingerprint",
      { OnlineSignatureKey: keyRecordWith(keys.online, { kid: stranger.online.kid }) },
    ],
    [
      "a key with another point",
      { DeviceAuthenticationKey: keyRecordWith(keys.authentication, { Public: stranger.online.x }) },
    ],
  ])("with %s is refused", (_, members) => {
    expect(code(change(members))).toBe("key-invalid");
  });
});

describe("what a device claims", () => {
  const proof = Buffer.alloc(64, 7).toString("base64url");
  const invitation = { Id: stranger.online.kid, Account: "alice@example.com", Proof: proof };
  const replaces = { DeviceUDF: stranger.signature.kid, Signature: proof };

  test("is read and kept, with members that this program does not know", () => {
    const members = { Invitation: { ...invitation, Colour: "red" }, Replaces: { ...replaces, Colour: "red" } };
    const read = readDevice(change(members));
    expect(read.invitation).toEqual(members.Invitation);
    expect(read.replaces).toEqual(members.Replaces);
    const fresh = generateDeviceKeys(random);
    const made = createDevice(fresh, "x", "", NOW, { invitation, replaces });
    expect(payloadOf(made.record)).toMatchObject({ Invitation: invitation, Replaces: replaces });
    expect(payloadOf(createDevice(fresh, "x", "", NOW, {}).record)).not.toHaveProperty("Invitation");
  });

  test.each<[string, object]>([
    ["an invitation without an identifier", { Invitation: { ...invitation, Id: undefined } }],
    ["an invitation whose identifier is none", { Invitation: { ...invitation, Id: "x" } }],
    ["an invitation without an account", { Invitation: { ...invitation, Account: undefined } }],
    ["an invitation with a long account", { Invitation: { ...invitation, Account: "x".repeat(513) } }],
    ["an invitation without a proof", { Invitation: { ...invitation, Proof: undefined } }],
    ["a proof that is short", { Invitation: { ...invitation, Proof: proof.slice(4) } }],
    ["a proof that is long", { Invitation: { ...invitation, Proof: `${proof}AAAA` } }],
    ["a proof in another spelling", { Invitation: { ...invitation, Proof: withStrayBits(proof) } }],
    ["a proof in another alphabet", { Invitation: { ...invitation, Proof: "+".repeat(86) } }],
    ["an empty list for an invitation", { Invitation: [] }],
    ["null for an invitation", { Invitation: null }],
    ["a replaced device that is none", { Replaces: { ...replaces, DeviceUDF: "phone" } }],
    ["a replacement without a signature", { Replaces: { DeviceUDF: replaces.DeviceUDF } }],
    ["a signature in another spelling", { Replaces: { ...replaces, Signature: withStrayBits(proof) } }],
    ["text for a replacement", { Replaces: replaces.DeviceUDF }],
  ])("with %s is refused", (_, members) => {
    expect(code(change(members))).toBe("record-invalid");
  });
});

describe("who signs a device profile", () => {
  test("is the device signature key and no other, not even another of the device's own", () => {
    for (const key of [keys.authentication, keys.online, stranger.signature]) {
      expect(code(change({}, key))).toBe("signature-invalid");
    }
  });

  test("is not who says so: a kid alone proves nothing", () => {
    const payload = JSON.stringify({ DeviceProfile: payloadOf(record) });
    const header = `{"alg":"EdDSA","kid":"${keys.signature.kid}"}`;
    expect(code(forge(record.Identifier, payload, stranger.signature, header))).toBe("signature-invalid");
  });

  test("names it: another identifier outside is refused, also after the record was seen under its own", () => {
    expect(code(record)).toBeUndefined();
    expect(code({ ...record, Identifier: stranger.signature.kid })).toBe("record-invalid");
    expect(code({ ...record, Identifier: keys.online.kid })).toBe("record-invalid");
  });

  test("must have signed this spelling, also after the record was seen in its own", () => {
    const { SignedData } = record;
    expect(code({ ...record, SignedData: { ...SignedData, signature: "A".repeat(86) } })).toBe("signature-invalid");
    expect(code({ ...record, Extra: 1 })).toBe("record-invalid");
    const other = createDevice(generateDeviceKeys(random), "laptop", "Linux", NOW).record.SignedData;
    expect(code({ ...record, SignedData: { ...SignedData, signature: other.signature } })).toBe("signature-invalid");
    expect(code({ ...record, SignedData: { ...SignedData, payload: other.payload } })).toBe("record-invalid");
  });
});

test("a record of another type is no device profile", () => {
  const payload = without(payloadOf(record), "Names");
  expect(code(forge(record.Identifier, JSON.stringify({ MasterProfile: payload }), keys.signature))).toBe(
    "record-invalid",
  );
});

test("what was verified once is given again, and a forged one is refused before and after", () => {
  const forged = change({}, stranger.signature);
  expect(code(forged)).toBe("signature-invalid");
  expect(readDevice(structuredClone(record))).toBe(readDevice(record));
  expect(code(forged)).toBe("signature-invalid");
});
