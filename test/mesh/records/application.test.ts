import { describe, expect, test } from "vitest";
import { sha256, encodeBase64url, decodeBase64url } from "../../../src/mesh/bytes.js";
import { signRecord, type SignedRecord } from "../../../src/mesh/jose.js";
import { generateKey, publicKeyRecord, type PrivateKey } from "../../../src/mesh/keys.js";
import { createMaster, createPersonal, nextPersonal } from "../../../src/mesh/profile.js";
import { readApplication, verifyApplication } from "../../../src/mesh/records/application.js";
import { readPersonal, type PersonalProfile } from "../../../src/mesh/records/personal.js";
import { altered, forge, newDevice, newPerson, NOW, refusal, stream, TIME } from "../support.js";

const phone = newDevice("phone");
const tablet = newDevice("tablet");
const { keys, master, admin, personal } = newPerson("alice", [phone.device, tablet.device]);
const stranger = newPerson("mallory", [newDevice("other phone").device]);

const identifier = generateKey("device-signature", stream("application")).kid;
const content = { Identifier: identifier, Owner: master.udf, Updated: TIME, Sequence: 1, Entries: [{ a: 1 }] };
const make = (members: object = {}, key: PrivateKey = phone.keys.signature, type = "PasswordProfile"): SignedRecord =>
  signRecord(identifier, type, { ...content, ...members }, key);

const listed = (entry: object): PersonalProfile =>
  readPersonal(
    altered(personal.record, "PersonalProfile", admin.keys.online, (payload) => ({
      ...payload,
      Applications: [{ Identifier: identifier, Type: "PasswordProfile", ...entry }],
    })),
  );
const phoneAlone = listed({ AdminDeviceUDF: [phone.device.udf], DecryptDeviceUDF: [tablet.device.udf] });

const code = (value: unknown): string | undefined => refusal(() => readApplication(value));
const verify = (record: SignedRecord, owner: PersonalProfile): string | undefined =>
  refusal(() => verifyApplication(readApplication(record), owner));

describe("an application profile", () => {
  test("gives back its type, its owner and its place in the line", () => {
    const record = make();
    const read = readApplication(structuredClone(record));
    expect(read).toMatchObject({ record, type: "PasswordProfile", identifier, owner: master.udf, sequence: 1 });
    expect(read.previous).toBeUndefined();
    expect(read.kid).toBe(phone.device.udf);
    expect(read.payloadHash).toBe(encodeBase64url(sha256(decodeBase64url(record.SignedData.payload))));
    const second = readApplication(make({ Sequence: 2, Previous: read.payloadHash }));
    expect(second.previous).toBe(read.payloadHash);
    expect(second.hash).not.toBe(read.hash);
  });

  test.each(["PasswordProfile", "SSHProfile", "MailProfile", "NetworkProfile", "XProfile", `${"X".repeat(56)}Profile`])(
    "may be a %s",
    (type) => {
      expect(code(make({}, phone.keys.signature, type))).toBeUndefined();
    },
  );

  test.each([
    "MasterProfile",
    "PersonalProfile",
    "DeviceProfile",
    "Profile",
    "passwordProfile",
    "PasswordProfiles",
    "PasswordProfile ",
    "Password Profile",
    "ConnectionRequest",
    "EscrowedKeySet",
    `${"X".repeat(57)}Profile`,
    "",
  ])("is not a %j", (type) => {
    expect(code(make({}, phone.keys.signature, type))).toBe("record-invalid");
  });

  test.each<[string, object]>([
    ["another identifier", { Identifier: master.udf }],
    ["no owner", { Owner: undefined }],
    ["an owner who is none", { Owner: "alice" }],
    ["no sequence", { Sequence: undefined }],
    ["the sequence 0", { Sequence: 0 }],
    ["no time", { Updated: undefined }],
    ["a predecessor of the first", { Previous: "A".repeat(43) }],
    ["no predecessor of the second", { Sequence: 2 }],
    ["a predecessor that is none", { Sequence: 2, Previous: "x" }],
  ])("with %s is refused", (_, members) => {
    expect(code(make(members))).toBe("record-invalid");
  });

  test.each<[string, unknown]>([
    ["nothing", undefined],
    ["null", null],
    ["a record without data", { Identifier: identifier }],
    ["a payload that is null", forge(identifier, "null", phone.keys.signature)],
    ["a payload that is a list", forge(identifier, '["PasswordProfile"]', phone.keys.signature)],
    ["a payload that is text", forge(identifier, '"PasswordProfile"', phone.keys.signature)],
    ["an empty payload", forge(identifier, "{}", phone.keys.signature)],
    ["a payload with two types", forge(identifier, '{"AProfile":{},"BProfile":{}}', phone.keys.signature)],
    ["a payload that is no JSON", forge(identifier, "{", phone.keys.signature)],
    ["a payload with a member twice", forge(identifier, '{"AProfile":{},"AProfile":{}}', phone.keys.signature)],
    ["an unprotected header", { ...make(), SignedData: { ...make().SignedData, header: {} } }],
    [
      "a signature in another spelling",
      {
        ...make(),
        SignedData: { ...make().SignedData, signature: `${make().SignedData.signature.slice(0, -1)}=` },
      },
    ],
  ])("is not %s", (_, value) => {
    expect(code(value)).toBe("record-invalid");
  });
});

describe("who signs an application profile", () => {
  test("is any device of the owner while the personal profile does not know it", () => {
    expect(verify(make(), personal)).toBeUndefined();
    expect(verify(make({}, tablet.keys.signature), personal)).toBeUndefined();
    expect(verify(make({}, admin.keys.signature), personal)).toBeUndefined();
  });

  test("is a device that the entry names as its administrator, once there is one", () => {
    expect(verify(make(), phoneAlone)).toBeUndefined();
    expect(verify(make({}, tablet.keys.signature), phoneAlone)).toBe("signature-invalid");
    expect(verify(make({}, admin.keys.signature), phoneAlone)).toBe("signature-invalid");
    expect(verify(make(), listed({}))).toBe("signature-invalid");
    expect(verify(make(), listed({ DecryptDeviceUDF: [phone.device.udf] }))).toBe("signature-invalid");
  });

  test("is an administrator of the whole profile in any case", () => {
    for (const owner of [personal, phoneAlone, listed({})]) {
      expect(verify(make({}, admin.keys.online), owner)).toBeUndefined();
    }
  });

  test("is not another key of such a device", () => {
    for (const key of [phone.keys.authentication, phone.keys.online]) {
      expect(verify(make({}, key), phoneAlone)).toBe("signature-invalid");
      expect(verify(make({}, key), personal)).toBe("signature-invalid");
    }
    expect(verify(make({}, keys.signature), personal)).toBe("signature-invalid");
  });

  test("is not a device that has left, though the entry or the master profile still names it", () => {
    const left = newDevice("left");
    expect(verify(make({}, left.keys.signature), listed({ AdminDeviceUDF: [left.device.udf] }))).toBe(
      "signature-invalid",
    );
    const two = createMaster(
      keys.signature,
      { administrators: [admin.device, left.device], escrowKeys: master.escrowKeys },
      NOW,
    );
    const present = createPersonal(admin.keys.online, two, { devices: [admin.device, left.device] }, NOW);
    const gone = createPersonal(admin.keys.online, two, { devices: [admin.device] }, NOW);
    expect(verify(make({}, left.keys.online), present)).toBeUndefined();
    expect(verify(make({}, left.keys.online), gone)).toBe("signature-invalid");
    expect(verify(make({}, left.keys.signature), gone)).toBe("signature-invalid");
  });

  test("is not a device that has lapsed, where there is a clock to judge by", () => {
    const UNTIL = "2026-04-01T00:00:00Z";
    const change = { deviceExpiries: { [phone.device.udf]: UNTIL } };
    const owner = nextPersonal(admin.keys.online, personal, change, NOW);
    const verifyAt = (key: PrivateKey, now?: Date) =>
      refusal(() => verifyApplication(readApplication(make({}, key)), owner, now));
    const before = new Date(Date.parse(UNTIL) - 1);
    expect(verifyAt(phone.keys.signature)).toBeUndefined();
    expect(verifyAt(phone.keys.signature, before)).toBeUndefined();
    expect(verifyAt(phone.keys.signature, new Date(UNTIL))).toBe("signature-invalid");
    expect(verifyAt(admin.keys.signature, new Date(UNTIL))).toBeUndefined();
    expect(verifyAt(admin.keys.online, new Date(UNTIL))).toBeUndefined();
  });

  test("is nobody of another person, whatever owner the record names", () => {
    expect(verify(make(), stranger.personal)).toBe("signature-invalid");
    const theirs = stranger.admin.keys;
    expect(verify(make({}, theirs.online), personal)).toBe("signature-invalid");
    expect(verify(make({ Owner: stranger.master.udf }), personal)).toBe("signature-invalid");
    expect(verify(make({ Owner: stranger.master.udf }), stranger.personal)).toBe("signature-invalid");
    expect(verify(make({ Owner: stranger.master.udf }, theirs.signature), stranger.personal)).toBeUndefined();
  });

  test("has signed these octets", () => {
    const record = make();
    const other = make({ Sequence: 2, Previous: "A".repeat(43) });
    const swapped = { ...record, SignedData: { ...record.SignedData, payload: other.SignedData.payload } };
    expect(verify(swapped, personal)).toBe("signature-invalid");
    const named = forge(
      identifier,
      JSON.stringify({ PasswordProfile: content }),
      stranger.admin.keys.signature,
      `{"alg":"EdDSA","kid":"${phone.device.udf}"}`,
    );
    expect(verify(named, personal)).toBe("signature-invalid");
  });

  test("finds nothing to add in the record: keys in it count for nothing", () => {
    const own = { DeviceSignatureKey: publicKeyRecord(stranger.admin.keys.signature) };
    expect(verify(make(own, stranger.admin.keys.signature), personal)).toBe("signature-invalid");
  });
});
