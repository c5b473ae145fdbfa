import { describe, expect, test } from "vitest";
import { createInvite } from "../../../src/mesh/invite.js";
import { generateKey, publicKeyOf, publicKeyRecord, type PrivateKey } from "../../../src/mesh/keys.js";
import {
  createDevice,
  createMaster,
  createPersonal,
  createRevocation,
  generateDeviceKeys,
} from "../../../src/mesh/profile.js";
import {
  deviceName,
  findDevice,
  isAdministrator,
  readPersonal,
  resolveDevice,
} from "../../../src/mesh/records/personal.js";
import { accountUdf, fingerprint } from "../../../src/mesh/udf.js";
import { altered, forge, newDevice, newPerson, NOW, payloadOf, refusal, stream, TIME } from "../support.js";

const random = stream("personal test");
const phone = newDevice("phone");
const tablet = newDevice("tablet");
const { keys, master, admin, personal } = newPerson("alice", [phone.device]);
const stranger = newPerson("mallory");

const change = (members: object, key: PrivateKey = admin.keys.online) =>
  altered(personal.record, "PersonalProfile", key, (payload) => ({ ...payload, ...members }));
const code = (value: unknown): string | undefined => refusal(() => readPersonal(value));
const entry = { Identifier: generateKey("device-signature", random).kid, Type: "PasswordProfile" };

describe("a personal profile", () => {
  test("gives back what it was made of, under the specification's member names", () => {
    expect(payloadOf(personal.record)).toEqual({
      Identifier: master.udf,
      Updated: TIME,
      Sequence: 1,
      SignedMasterProfile: master.record,
      Devices: [admin.device.record, phone.device.record],
    });
    expect(readPersonal(structuredClone(personal.record))).toEqual(personal);
    expect(personal).toMatchObject({
      udf: master.udf,
      master,
      sequence: 1,
      updated: TIME,
      names: [],
      devices: [admin.device, phone.device],
      entries: [],
      applications: [],
      signer: { deviceUdf: admin.device.udf, key: publicKeyOf(admin.keys.online) },
    });
    expect(personal.previous).toBeUndefined();
  });

  test("may have names, entries, applications and members of its own", () => {
    const members = {
      Names: [accountUdf("alice@example.com")],
      DeviceEntries: [{ DeviceUDF: phone.device.udf, Name: "new phone", NotOnOrAfter: TIME }],
      Applications: [{ ...entry, Friendly: "Passwords", AdminDeviceUDF: [phone.device.udf], Colour: "red" }],
      Colour: "red",
    };
    const read = readPersonal(change(members));
    expect(read.names).toEqual(members.Names);
    expect(read.entries).toEqual(members.DeviceEntries);
    expect(read.applications).toEqual(members.Applications);
    expect(read.payload["Colour" as keyof typeof read.payload]).toBe("red");
  });

  test("may name a predecessor from its second version on, and must", () => {
    const previous = "A".repeat(43);
    expect(readPersonal(change({ Sequence: 2, Previous: previous })).previous).toBe(previous);
    expect(code(change({ Sequence: 2 }))).toBe("record-invalid");
    expect(code(change({ Previous: previous }))).toBe("record-invalid");
  });

  test.each<[string, object]>([
    ["another identifier", { Identifier: stranger.master.udf }],
    ["no master profile", { SignedMasterProfile: undefined }],
    ["its master profile in a list", { SignedMasterProfile: [master.record] }],
    ["no devices", { Devices: undefined }],
    ["an empty list of devices", { Devices: [] }],
    ["too many devices", { Devices: Array(129).fill(admin.device.record) }],
    ["a device twice", { Devices: [admin.device.record, phone.device.record, phone.device.record] }],
    ["its signer twice", { Devices: [admin.device.record, admin.device.record] }],
    ["a device entry of no device", { DeviceEntries: [{ DeviceUDF: tablet.device.udf }] }],
    ["a device entry twice", { DeviceEntries: [{ DeviceUDF: phone.device.udf }, { DeviceUDF: phone.device.udf }] }],
    ["an empty name of a device", { DeviceEntries: [{ DeviceUDF: phone.device.udf, Name: "" }] }],
    ["a long name of a device", { DeviceEntries: [{ DeviceUDF: phone.device.udf, Name: "x".repeat(65) }] }],
    ["an empty list of entries", { DeviceEntries: [] }],
    ["an empty list of names", { Names: [] }],
    ["an account in clear", { Names: ["alice@example.com"] }],
    ["an empty list of applications", { Applications: [] }],
    ["an application without a type", { Applications: [{ Identifier: entry.Identifier }] }],
    ["an empty list of application devices", { Applications: [{ ...entry, AdminDeviceUDF: [] }] }],
    ["an application device that is none", { Applications: [{ ...entry, DecryptDeviceUDF: ["phone"] }] }],
    ["the sequence 0", { Sequence: 0 }],
    ["no time", { Updated: undefined }],
    ["null for its predecessor", { Previous: null }],
  ])("with %s is refused", (_, members) => {
    expect(code(change(members))).toBe("record-invalid");
  });
});

describe("the invites in a personal profile", async () => {
  const { invite } = await createInvite(personal, { uses: 2, notOnOrAfter: new Date("2026-04-01") }, random, NOW);
  const other = (await createInvite(personal, { uses: 1, notOnOrAfter: new Date("2026-04-01") }, random, NOW)).invite;
  const withInvite = (members: object) => change({ Invites: [{ ...invite, ...members }] });

  test("are read and kept, with members that this program does not know", () => {
    const list = [
      { ...invite, Name: "x", DeviceLifetime: 60, Colour: "red" },
      { ...other, Admin: true, Uses: 0 },
    ];
    expect(readPersonal(change({ Invites: list })).invites).toEqual(list);
    expect(personal.invites).toEqual([]);
    expect(readPersonal(withInvite({ Uses: 1000, DeviceLifetime: 315_360_000 })).invites.length).toBe(1);
    expect(readPersonal(withInvite({ NotOnOrAfter: "2020-01-01T00:00:00.123456789Z" })).invites.length).toBe(1);
  });

  test.each<[string, object]>([
    ["no identifier", { Id: undefined }],
    ["an identifier that is none", { Id: "invite" }],
    ["no key", { Key: undefined }],
    ["a key that is text", { Key: "x" }],
    ["a key with more members", { Key: { ...invite.Key, aad: "AAAA" } }],
    ["a key without a tag", { Key: { ...invite.Key, tag: undefined } }],
    ["a key to one recipient in a list", { Key: { ...invite.Key, recipients: [] } }],
    ["no uses", { Uses: undefined }],
    ["fewer than no uses", { Uses: -1 }],
    ["half a use", { Uses: 0.5 }],
    ["too many uses", { Uses: 1001 }],
    ["uses in words", { Uses: "1" }],
    ["no end", { NotOnOrAfter: undefined }],
    ["an end that is no time", { NotOnOrAfter: "tomorrow" }],
    ["no beginning", { Created: undefined }],
    ["an empty name", { Name: "" }],
    ["a long name", { Name: "x".repeat(65) }],
    ["false for administrators", { Admin: false }],
    ["a life of no seconds", { DeviceLifetime: 0 }],
    ["a life of eleven years", { DeviceLifetime: 346_896_000 }],
    ["a life for administrators", { Admin: true, DeviceLifetime: 60 }],
    ["null for a name", { Name: null }],
  ])("are refused with %s", (_, members) => {
    expect(code(withInvite(members))).toBe("record-invalid");
  });

  test("are at most 64, of different identifiers, in a list that is not empty", () => {
    expect(code(change({ Invites: [] }))).toBe("record-invalid");
    expect(code(change({ Invites: [invite, { ...other, Id: invite.Id }] }))).toBe("record-invalid");
    const many = (count: number) =>
      Array.from({ length: count }, (_, index) => ({ ...invite, Id: fingerprint("test", Buffer.from([index])) }));
    expect(code(change({ Invites: many(64) }))).toBeUndefined();
    expect(code(change({ Invites: many(65) }))).toBe("record-invalid");
  });
});

describe("the time of a device", () => {
  test("is a time, and no administrator's", () => {
    const entries = (udf: string, NotOnOrAfter: unknown) =>
      code(change({ DeviceEntries: [{ DeviceUDF: udf, NotOnOrAfter }] }));
    expect(entries(phone.device.udf, TIME)).toBeUndefined();
    expect(entries(phone.device.udf, "2026-02-30T00:00:00Z")).toBe("record-invalid");
    expect(entries(phone.device.udf, null)).toBe("record-invalid");
    expect(entries(phone.device.udf, 1)).toBe("record-invalid");
    expect(entries(admin.device.udf, "9999-12-31T23:59:59Z")).toBe("record-invalid");
    expect(code(change({ DeviceEntries: [{ DeviceUDF: admin.device.udf, Name: "x" }] }))).toBeUndefined();
  });
});

describe("who signs a personal profile", () => {
  test("is an administrator, and nobody else", () => {
    for (const key of [
      keys.signature,
      admin.keys.signature,
      admin.keys.authentication,
      phone.keys.online,
      phone.keys.signature,
      stranger.admin.keys.online,
      stranger.keys.signature,
    ]) {
      expect(code(change({}, key))).toBe("signature-invalid");
    }
  });

  test("is an administrator whose device is in it (reference-10 section 3.3)", () => {
    expect(code(change({ Devices: [phone.device.record] }))).toBe("signature-invalid");
    const content = { administrators: [admin.device, tablet.device], escrowKeys: master.escrowKeys };
    const two = createMaster(keys.signature, content, NOW);
    const devices = [admin.device, phone.device];
    expect(refusal(() => createPersonal(admin.keys.online, two, { devices }, NOW))).toBeUndefined();
    expect(refusal(() => createPersonal(tablet.keys.online, two, { devices }, NOW))).toBe("signature-invalid");
  });

  test("is an administrator under its own device: another device cannot claim the key", () => {
    const claimant = generateDeviceKeys(random);
    const impostor = createDevice({ ...claimant, online: admin.keys.online }, "impostor", "", NOW);
    expect(code(change({ Devices: [impostor.record] }))).toBe("signature-invalid");
    expect(code(change({ Devices: [admin.device.record, impostor.record] }))).toBe("record-invalid");
  });

  test("is whoever the embedded master profile says, so that one must be the person's own and valid", () => {
    expect(code(change({ SignedMasterProfile: stranger.master.record }))).toBe("record-invalid");
    const forged = altered(master.record, "MasterProfile", stranger.keys.signature, (payload) => ({
      ...payload,
      OnlineSignatureKeys: [publicKeyRecord(stranger.admin.keys.online)],
      Administrators: [{ DeviceUDF: stranger.admin.device.udf, KeyUDF: stranger.admin.keys.online.kid }],
    }));
    const members = { SignedMasterProfile: forged, Devices: [stranger.admin.device.record] };
    expect(code(change(members, stranger.admin.keys.online))).toBe("signature-invalid");
  });

  test("cannot be the holder of a note alone", () => {
    const note = createRevocation(keys.signature, NOW);
    expect(code(change({ SignedMasterProfile: note.record }))).toBe("record-invalid");
    expect(code(change({ SignedMasterProfile: note.record }, keys.signature))).toBe("record-invalid");
  });
});

describe("the devices in a personal profile", () => {
  test("are each verified", () => {
    const { SignedData } = phone.device.record;
    const broken = { ...phone.device.record, SignedData: { ...SignedData, signature: "A".repeat(86) } };
    expect(code(change({ Devices: [admin.device.record, broken] }))).toBe("signature-invalid");
    const payload = JSON.stringify({ DeviceProfile: payloadOf(phone.device.record) });
    const resigned = forge(phone.device.udf, payload, admin.keys.signature);
    expect(code(change({ Devices: [admin.device.record, resigned] }))).toBe("signature-invalid");
  });

  test.each([
    ["signature", { signature: phone.keys.signature }],
    ["authentication", { authentication: phone.keys.authentication }],
    ["encryption", { encryption: phone.keys.encryption }],
    ["online signature", { online: phone.keys.online }],
    ["signature as authentication", { authentication: phone.keys.signature }],
    ["online signature as authentication", { authentication: phone.keys.online }],
  ])("never share a key: %s", (_, shared) => {
    const twin = createDevice({ ...generateDeviceKeys(random), ...shared }, "twin", "", NOW);
    expect(code(change({ Devices: [admin.device.record, phone.device.record, twin.record] }))).toBe("record-invalid");
  });

  test("never have the master signature key", () => {
    const twin = createDevice({ ...generateDeviceKeys(random), authentication: keys.signature }, "twin", "", NOW);
    expect(code(change({ Devices: [admin.device.record, twin.record] }))).toBe("record-invalid");
  });

  test("have the online signature key under which the master profile lists them", () => {
    const renewed = createDevice({ ...admin.keys, online: generateKey("online-signature", random) }, "laptop", "", NOW);
    const content = { administrators: [renewed, tablet.device], escrowKeys: master.escrowKeys };
    const two = createMaster(keys.signature, content, NOW);
    const list = (device: typeof renewed) => ({ devices: [device, tablet.device] });
    expect(refusal(() => createPersonal(tablet.keys.online, two, list(renewed), NOW))).toBeUndefined();
    expect(refusal(() => createPersonal(tablet.keys.online, two, list(admin.device), NOW))).toBe("record-invalid");
  });
});

describe("what was verified once", () => {
  test("is given again for the same octets and name alone", () => {
    expect(readPersonal(structuredClone(personal.record))).toBe(readPersonal(personal.record));
    expect(code({ ...personal.record, Identifier: stranger.master.udf })).toBe("record-invalid");
    expect(code({ ...personal.record, Extra: 1 })).toBe("record-invalid");
    const { SignedData } = personal.record;
    const other = stranger.personal.record.SignedData.signature;
    expect(code({ ...personal.record, SignedData: { ...SignedData, signature: other } })).toBe("signature-invalid");
  });
});

describe("devices by name", () => {
  const named = readPersonal(
    change({
      Devices: [admin.device.record, phone.device.record, tablet.device.record],
      DeviceEntries: [
        { DeviceUDF: phone.device.udf, Name: "tablet" },
        { DeviceUDF: admin.device.udf, Name: phone.device.udf },
      ],
    }),
  );

  test("are what an administrator called them, or else what they call themselves", () => {
    expect(deviceName(named, phone.device)).toBe("tablet");
    expect(deviceName(named, tablet.device)).toBe("tablet");
    expect(deviceName(personal, phone.device)).toBe("phone");
  });

  test("are found by the name that counts", () => {
    expect(resolveDevice(personal, "phone")).toBe(phone.device);
    expect(refusal(() => resolveDevice(named, "phone"))).toBe("device-not-found");
    expect(refusal(() => resolveDevice(personal, "Phone"))).toBe("device-not-found");
    expect(refusal(() => resolveDevice(personal, ""))).toBe("device-not-found");
  });

  test("are not found by a name that several have", () => {
    expect(refusal(() => resolveDevice(named, "tablet"))).toBe("device-ambiguous");
  });

  test("are found by fingerprint in any case and grouping, before any device that is named like one", () => {
    const { udf } = phone.device;
    for (const text of [udf, udf.toLowerCase(), udf.replaceAll("-", ""), udf.replaceAll("-", " ").toLowerCase()]) {
      expect(resolveDevice(named, text)).toBe(phone.device);
    }
    expect(refusal(() => resolveDevice(named, udf.slice(0, -5)))).toBe("device-not-found");
    expect(refusal(() => resolveDevice(named, stranger.admin.device.udf))).toBe("device-not-found");
    expect(findDevice(named, udf)).toBe(phone.device);
    expect(findDevice(named, stranger.admin.device.udf)).toBeUndefined();
  });

  test("that look like a fingerprint of no device are found too", () => {
    const odd = readPersonal(change({ DeviceEntries: [{ DeviceUDF: phone.device.udf, Name: stranger.master.udf }] }));
    expect(resolveDevice(odd, stranger.master.udf)).toBe(phone.device);
  });

  test("are administrators where the master profile says so", () => {
    expect(isAdministrator(personal, admin.device.udf)).toBe(true);
    expect(isAdministrator(personal, phone.device.udf)).toBe(false);
    expect(isAdministrator(personal, admin.keys.online.kid)).toBe(false);
  });
});
