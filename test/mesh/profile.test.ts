import { describe, expect, test } from "vitest";
import { generateKey, publicKeyOf, subjectPublicKeyInfo } from "../../src/mesh/keys.js";
import {
  createDevice,
  createMaster,
  createPersonal,
  createRevocation,
  generateDeviceKeys,
  generateMasterKeys,
  nextEpoch,
  nextPersonal,
  recordTime,
} from "../../src/mesh/profile.js";
import {
  deviceExpiry,
  findDevice,
  isLapsed,
  MAX_DEVICES,
  readPersonal,
  type PersonalProfile,
} from "../../src/mesh/records/personal.js";
import { isSuccessor } from "../../src/mesh/succession.js";
import { accountUdf, fingerprint } from "../../src/mesh/udf.js";
import { meshError } from "../support/deps.js";
import { altered, newDevice, newPerson, NOW, payloadOf, refusal, stream } from "./support.js";

const LATER = new Date("2026-05-06T07:08:09Z");
const random = stream("profile test");
const phone = newDevice("phone");
const tablet = newDevice("tablet");
const { keys, master, admin, personal } = newPerson("alice", [phone.device]);
const stranger = newPerson("mallory");
const key = admin.keys.online;

/** The profile with members that this program does not know, at every level. */
const strange = (profile: PersonalProfile, members: object): PersonalProfile =>
  readPersonal(altered(profile.record, "PersonalProfile", key, (payload) => ({ ...payload, ...members })));
const passwords = generateKey("device-signature", random).kid;
const mail = generateKey("device-signature", random).kid;

describe("keys", () => {
  test("of a device are four, of a master two, each of its own octets and fit for its use", () => {
    const device = generateDeviceKeys(random);
    const person = generateMasterKeys(random);
    const all = [...Object.values(device), ...Object.values(person)];
    expect(new Set(all.map(({ d }) => d)).size).toBe(6);
    expect(new Set(all.map(({ kid }) => kid)).size).toBe(6);
    expect(all.map(({ crv }) => crv)).toEqual(["Ed25519", "Ed25519", "X25519", "Ed25519", "Ed25519", "X25519"]);
  });

  test("whose fingerprint could be written compressed are as good as any", () => {
    // Found by trying: the digest of this key ends in 20 zero bits.
    const seed = Buffer.alloc(32);
    seed.writeUInt32BE(802312, 28);
    const rare = generateKey("device-signature", () => seed);
    const info = subjectPublicKeyInfo("Ed25519", rare.x);
    expect(fingerprint("application/pkix-keyinfo", info)).toMatch(/^M[E-H]/);
    expect(createDevice({ ...generateDeviceKeys(random), signature: rare }, "rare", "", NOW).udf).toBe(rare.kid);
  });
});

describe("recordTime", () => {
  test("has whole seconds in UTC", () => {
    expect(recordTime(new Date("2026-03-04T05:06:07.999Z"))).toBe("2026-03-04T05:06:07Z");
    expect(recordTime(new Date("2026-03-04T00:30:00+02:00"))).toBe("2026-03-03T22:30:00Z");
  });
});

describe("the next personal profile", () => {
  const next = nextPersonal(key, personal, { devices: [admin.device, phone.device, tablet.device] }, LATER);

  test("follows the one before in the same epoch", () => {
    expect(next).toMatchObject({
      udf: personal.udf,
      sequence: 2,
      previous: personal.payloadHash,
      updated: "2026-05-06T07:08:09Z",
      master,
      devices: [admin.device, phone.device, tablet.device],
    });
    expect(isSuccessor(personal, next)).toBe(true);
    const third = nextPersonal(key, next, {}, LATER);
    expect(third).toMatchObject({ sequence: 3, previous: next.payloadHash, devices: next.devices });
  });

  test("keeps the octets of its master profile and devices", () => {
    const payload = payloadOf(next.record);
    expect(payload["SignedMasterProfile"]).toEqual(master.record);
    expect(payload["Devices"]).toEqual([admin.device.record, phone.device.record, tablet.device.record]);
  });

  test("replaces names where some are given, and keeps them where none are", () => {
    const names = [accountUdf("alice@example.com")];
    const named = nextPersonal(key, personal, { names }, LATER);
    expect(named.names).toEqual(names);
    expect(nextPersonal(key, named, {}, LATER).names).toEqual(names);
    const bare = nextPersonal(key, named, { names: [] }, LATER);
    expect(bare.names).toEqual([]);
    expect(payloadOf(bare.record)).not.toHaveProperty("Names");
  });

  test("keeps the members that this program does not know", () => {
    const applications = [
      { Identifier: passwords, Type: "PasswordProfile", Colour: "red", AdminDeviceUDF: [phone.device.udf] },
    ];
    const entries = [{ DeviceUDF: phone.device.udf, NotOnOrAfter: "2027-01-01T00:00:00Z" }];
    const before = strange(personal, { Colour: { a: [1] }, Applications: applications, DeviceEntries: entries });
    const after = nextPersonal(key, before, { devices: [...before.devices, tablet.device] }, LATER);
    expect(payloadOf(after.record)).toMatchObject({
      Colour: { a: [1] },
      Applications: applications,
      DeviceEntries: entries,
    });
  });

  test("says nothing that it need not: no empty lists, no nulls", () => {
    expect(Object.keys(payloadOf(next.record)).sort()).toEqual([
      "Devices",
      "Identifier",
      "Previous",
      "Sequence",
      "SignedMasterProfile",
      "Updated",
    ]);
  });

  test("can be made by nobody but an administrator in it", () => {
    expect(refusal(() => nextPersonal(phone.keys.online, personal, {}, LATER))).toBe("signature-invalid");
    expect(refusal(() => nextPersonal(keys.signature, personal, {}, LATER))).toBe("signature-invalid");
    expect(refusal(() => nextPersonal(stranger.admin.keys.online, personal, {}, LATER))).toBe("signature-invalid");
    expect(refusal(() => nextPersonal(key, personal, { devices: [phone.device] }, LATER))).toBe("signature-invalid");
  });

  test("has no device twice, and none of another person's administration key", () => {
    const devices = [admin.device, phone.device, phone.device];
    expect(refusal(() => nextPersonal(key, personal, { devices }, LATER))).toBe("record-invalid");
  });
});

describe("names that an administrator gives", () => {
  test("stand in the personal profile, and never touch the device's own", () => {
    const named = nextPersonal(key, personal, { deviceNames: { [phone.device.udf]: "new phone" } }, LATER);
    expect(named.entries).toEqual([{ DeviceUDF: phone.device.udf, Name: "new phone" }]);
    expect(named.devices[1]!.record).toEqual(phone.device.record);
    const renamed = nextPersonal(key, named, { deviceNames: { [phone.device.udf]: "old phone" } }, LATER);
    expect(renamed.entries).toEqual([{ DeviceUDF: phone.device.udf, Name: "old phone" }]);
    expect(nextPersonal(key, renamed, {}, LATER).entries).toEqual(renamed.entries);
  });

  test("keep what else an entry says", () => {
    const until = { NotOnOrAfter: "2027-01-01T00:00:00Z" };
    const before = strange(personal, { DeviceEntries: [{ DeviceUDF: phone.device.udf, ...until }] });
    const after = nextPersonal(key, before, { deviceNames: { [phone.device.udf]: "phone 2" } }, LATER);
    expect(after.entries).toEqual([{ DeviceUDF: phone.device.udf, Name: "phone 2", ...until }]);
  });

  test("leave with the device, and do not come back with it", () => {
    const named = nextPersonal(
      key,
      personal,
      { deviceNames: { [phone.device.udf]: "x", [admin.device.udf]: "y" } },
      LATER,
    );
    const without = nextPersonal(key, named, { devices: [admin.device] }, LATER);
    expect(without.entries).toEqual([{ DeviceUDF: admin.device.udf, Name: "y" }]);
    const again = nextPersonal(key, without, { devices: [admin.device, phone.device] }, LATER);
    expect(again.entries).toEqual(without.entries);
    const bare = nextPersonal(
      key,
      nextPersonal(key, personal, { deviceNames: { [phone.device.udf]: "x" } }, LATER),
      { devices: [admin.device] },
      LATER,
    );
    expect(payloadOf(bare.record)).not.toHaveProperty("DeviceEntries");
  });

  test("are given to devices of the profile alone, and are not empty or too long", () => {
    for (const deviceNames of [
      { [tablet.device.udf]: "x" },
      { [phone.device.udf]: "" },
      { [phone.device.udf]: "x".repeat(65) },
    ]) {
      expect(refusal(() => nextPersonal(key, personal, { deviceNames }, LATER))).toBe("record-invalid");
    }
  });
});

describe("the time of a device", () => {
  const UNTIL = "2026-06-01T00:00:00Z";
  const END = new Date(UNTIL);
  const limited = nextPersonal(key, personal, { deviceExpiries: { [phone.device.udf]: UNTIL } }, LATER);
  const isListed = (profile: PersonalProfile): boolean => findDevice(profile, phone.device.udf) !== undefined;

  test("stands in the personal profile, and is over at that very moment", () => {
    expect(limited.entries).toEqual([{ DeviceUDF: phone.device.udf, NotOnOrAfter: UNTIL }]);
    expect(deviceExpiry(limited, phone.device.udf)).toBe(UNTIL);
    expect(isLapsed(limited, phone.device.udf, new Date(END.getTime() - 1))).toBe(false);
    expect(isLapsed(limited, phone.device.udf, END)).toBe(true);
    expect(isLapsed(limited, admin.device.udf, END)).toBe(false);
    expect(isLapsed(limited, tablet.device.udf, END)).toBe(false);
    expect(deviceExpiry(personal, phone.device.udf)).toBeUndefined();
    expect(isLapsed(personal, phone.device.udf, new Date("9999-12-31T23:59:59Z"))).toBe(false);
  });

  test("can be set beside a name, changed and taken away, and leaves the rest alone", () => {
    const both = { deviceNames: { [phone.device.udf]: "new phone" }, deviceExpiries: { [phone.device.udf]: UNTIL } };
    const named = nextPersonal(key, personal, both, LATER);
    expect(named.entries).toEqual([{ DeviceUDF: phone.device.udf, Name: "new phone", NotOnOrAfter: UNTIL }]);
    const later = nextPersonal(key, named, { deviceExpiries: { [phone.device.udf]: "2027-01-01T00:00:00Z" } }, LATER);
    expect(deviceExpiry(later, phone.device.udf)).toBe("2027-01-01T00:00:00Z");
    const never = nextPersonal(key, later, { deviceExpiries: { [phone.device.udf]: null } }, LATER);
    expect(never.entries).toEqual([{ DeviceUDF: phone.device.udf, Name: "new phone" }]);
    const bare = nextPersonal(key, limited, { deviceExpiries: { [phone.device.udf]: null } }, LATER);
    expect(bare.payload).not.toHaveProperty("DeviceEntries");
    expect(nextPersonal(key, personal, { deviceExpiries: { [phone.device.udf]: null } }, LATER).entries).toEqual([]);
  });

  test("ends its place in the profile with the next change, whatever that is about", () => {
    const before = strange(limited, {
      Applications: [{ Identifier: passwords, Type: "PasswordProfile", AdminDeviceUDF: [phone.device.udf] }],
    });
    expect(isListed(nextPersonal(key, before, {}, new Date(END.getTime() - 1)))).toBe(true);
    const renamed = { deviceNames: { [phone.device.udf]: "x" } };
    for (const change of [{}, { names: [master.udf] }, { devices: before.devices }, renamed]) {
      const after = nextPersonal(key, before, change, END);
      expect(after.devices).toEqual([admin.device]);
      expect(after.entries).toEqual([]);
      expect(after.applications).toEqual([{ Identifier: passwords, Type: "PasswordProfile" }]);
      expect(isSuccessor(before, after)).toBe(true);
    }
    expect(isListed(nextEpoch(keys.signature, key, before, [admin.device], {}, END))).toBe(false);
    const joined = { devices: [...before.devices, tablet.device] };
    expect(nextPersonal(key, before, joined, END).devices).toEqual([admin.device, tablet.device]);
  });

  test("can be renewed after it was over, while nothing else has changed", () => {
    const renewed = (expiry: string | null) =>
      nextPersonal(key, limited, { deviceExpiries: { [phone.device.udf]: expiry } }, END);
    expect(isListed(renewed("2027-01-01T00:00:00Z"))).toBe(true);
    expect(isListed(renewed(null))).toBe(true);
  });

  test("is never over when it is set, nor an administrator's, nor that of a device that is not there", () => {
    const code = (udf: string, expiry: string): string | undefined =>
      refusal(() => nextPersonal(key, personal, { deviceExpiries: { [udf]: expiry } }, LATER));
    expect(code(phone.device.udf, recordTime(LATER))).toBe("usage");
    expect(code(phone.device.udf, "2020-01-01T00:00:00Z")).toBe("usage");
    expect(code(phone.device.udf, "tomorrow")).toBe("record-invalid");
    expect(code(phone.device.udf, "2026-02-30T00:00:00Z")).toBe("usage");
    expect(code(phone.device.udf, "2026-12-32T00:00:00Z")).toBe("record-invalid");
    expect(code(admin.device.udf, UNTIL)).toBe("usage");
    expect(code(tablet.device.udf, UNTIL)).toBe("record-invalid");
  });

  test("does not end any more where the device becomes an administrator", () => {
    const both = [admin.device, phone.device];
    for (const now of [LATER, END]) {
      const epoch = nextEpoch(keys.signature, key, limited, both, {}, now);
      expect(epoch.devices).toEqual(both);
      expect(epoch.entries).toEqual([]);
    }
    const change = { deviceExpiries: { [phone.device.udf]: UNTIL } };
    expect(refusal(() => nextEpoch(keys.signature, key, personal, both, change, LATER))).toBe("usage");
  });

  test("makes room for others", () => {
    const devices = [...limited.devices, ...Array.from({ length: MAX_DEVICES - 1 }, () => phone.device)];
    expect(refusal(() => nextPersonal(key, limited, { devices }, LATER))).toBe("too-large");
    expect(nextPersonal(key, limited, { devices }, END).devices).toEqual([admin.device]);
  });
});

describe("a device that leaves", () => {
  const both = [admin.device.udf, phone.device.udf];
  const before = strange(personal, {
    Applications: [
      { Identifier: passwords, Type: "PasswordProfile", AdminDeviceUDF: both, DecryptDeviceUDF: [phone.device.udf] },
      { Identifier: mail, Type: "MailProfile", AdminDeviceUDF: [phone.device.udf], Friendly: "Mail" },
    ],
  });

  test("is named by no application any more, and the applications stay", () => {
    const after = nextPersonal(key, before, { devices: [admin.device] }, LATER);
    expect(after.applications).toEqual([
      { Identifier: passwords, Type: "PasswordProfile", AdminDeviceUDF: [admin.device.udf] },
      { Identifier: mail, Type: "MailProfile", Friendly: "Mail" },
    ]);
  });

  test("is the only reason why an application changes", () => {
    const after = nextPersonal(key, before, { devices: [...before.devices, tablet.device] }, LATER);
    expect(after.applications).toEqual(before.applications);
  });

  test("in a new epoch is cleaned away as well", () => {
    const after = nextEpoch(keys.signature, key, before, [admin.device], { devices: [admin.device] }, LATER);
    expect(after.applications.flatMap(({ AdminDeviceUDF }) => AdminDeviceUDF ?? [])).toEqual([admin.device.udf]);
  });
});

describe("a new epoch", () => {
  const second = nextPersonal(key, personal, { names: [accountUdf("alice@example.com")] }, LATER);
  const epoch = nextEpoch(keys.signature, key, second, [admin.device, phone.device], {}, LATER);

  test("has the next master profile and starts its own sequence anew, without a predecessor", () => {
    expect(epoch.master).toMatchObject({ sequence: 2, previous: master.payloadHash, escrowKeys: master.escrowKeys });
    expect(epoch.master.administrators.map(({ deviceUdf }) => deviceUdf)).toEqual([admin.device.udf, phone.device.udf]);
    expect(epoch.sequence).toBe(1);
    expect(epoch.previous).toBeUndefined();
    expect(isSuccessor(second, epoch)).toBe(true);
    expect(isSuccessor(personal, epoch)).toBe(true);
  });

  test("keeps what the profile said before", () => {
    expect(epoch.names).toEqual(second.names);
    expect(epoch.devices).toEqual(second.devices);
    const before = strange(second, { Previous: second.previous, Colour: "red" });
    const after = nextEpoch(keys.signature, key, before, [admin.device], {}, LATER);
    expect(payloadOf(after.record)["Colour"]).toBe("red");
  });

  test("lets the new administrator sign, and not the one who was removed", () => {
    const signed = nextPersonal(phone.keys.online, epoch, {}, LATER);
    expect(signed.signer.deviceUdf).toBe(phone.device.udf);
    const without = nextEpoch(
      keys.signature,
      phone.keys.online,
      epoch,
      [phone.device],
      { devices: [phone.device] },
      LATER,
    );
    expect(refusal(() => nextPersonal(key, without, {}, LATER))).toBe("signature-invalid");
    expect(refusal(() => nextPersonal(key, epoch, {}, LATER))).toBeUndefined();
  });

  test("may be started by an administrator of the new master profile alone", () => {
    const start = (signer: typeof key) =>
      refusal(() => nextEpoch(keys.signature, signer, second, [phone.device], {}, LATER));
    expect(start(phone.keys.online)).toBeUndefined();
    expect(start(key)).toBe("signature-invalid");
  });

  test("needs the master signature key: any other makes another person's profile", () => {
    const other = nextEpoch(stranger.keys.signature, key, second, [admin.device], {}, LATER);
    expect(other.udf).not.toBe(second.udf);
    expect(isSuccessor(second, other)).toBe(false);
  });

  test("needs an administrator", () => {
    expect(refusal(() => nextEpoch(keys.signature, key, second, [], {}, LATER))).toBe("record-invalid");
  });
});

describe("the next master profile", () => {
  const content = { administrators: [admin.device], escrowKeys: [publicKeyOf(keys.escrow)] };

  test("keeps the members that this program does not know, and replaces all that it knows", () => {
    const before = createMaster(keys.signature, content, NOW);
    const strangeMaster = readPersonal(
      altered(personal.record, "PersonalProfile", key, (payload) => ({
        ...payload,
        SignedMasterProfile: altered(before.record, "MasterProfile", keys.signature, (inner) => ({
          ...inner,
          Colour: "red",
          Sequence: 7,
          Previous: "A".repeat(43),
        })),
      })),
    ).master;
    const escrow = generateKey("master-escrow", random);
    const after = createMaster(
      keys.signature,
      { administrators: [admin.device, phone.device], escrowKeys: [publicKeyOf(escrow)] },
      LATER,
      strangeMaster,
    );
    expect(after).toMatchObject({ sequence: 8, previous: strangeMaster.payloadHash, updated: "2026-05-06T07:08:09Z" });
    expect(after.escrowKeys).toEqual([publicKeyOf(escrow)]);
    expect(after.administrators.length).toBe(2);
    expect(payloadOf(after.record)["Colour"]).toBe("red");
  });

  test("is a revocation note where the owner ends the profile, and says no more", () => {
    const note = createRevocation(keys.signature, LATER);
    expect(note.udf).toBe(master.udf);
    expect(note.revoked).toBe("2026-05-06T07:08:09Z");
    expect(payloadOf(note.record)).not.toHaveProperty("Previous");
  });
});

describe("bounds", () => {
  test("a device's name and description have theirs", () => {
    const make = (name: string, description: string) =>
      refusal(() => createDevice(generateDeviceKeys(random), name, description, NOW));
    expect(make("x".repeat(64), "y".repeat(256))).toBeUndefined();
    expect(make("x".repeat(65), "")).toBe("record-invalid");
    expect(make("", "")).toBe("record-invalid");
    expect(make("x", "y".repeat(257))).toBe("record-invalid");
  });

  test("more devices than a profile may have are too many, and the error says what to do", async () => {
    const devices = Array.from({ length: MAX_DEVICES + 1 }, () => admin.device);
    const error = await meshError(() => createPersonal(key, master, { devices }, NOW));
    expect(error.code).toBe("too-large");
    expect(error.hint).toBeDefined();
  });

  test("a profile that fits in no record is too large, whatever fills it", () => {
    const before = strange(personal, { Colour: "x".repeat(180_000) });
    expect(refusal(() => nextPersonal(key, before, {}, LATER))).toBeUndefined();
    const fuller = strange(personal, { Colour: "x".repeat(190_000) });
    const devices = [admin.device, phone.device, tablet.device, newDevice("fourth").device];
    expect(refusal(() => nextPersonal(key, fuller, { devices }, LATER))).toBe("too-large");
  });
});
