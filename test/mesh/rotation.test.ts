import { createPublicKey, verify } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeBase64url, encodeBase64url, utf8 } from "../../src/mesh/bytes.js";
import { signMessage } from "../../src/mesh/jose.js";
import { generateKey, type PrivateKey } from "../../src/mesh/keys.js";
import {
  createDevice,
  createMaster,
  createPersonal,
  generateDeviceKeys,
  nextEpoch,
  nextPersonal,
  type PersonalChange,
} from "../../src/mesh/profile.js";
import { readDevice, type Replaces } from "../../src/mesh/records/device.js";
import {
  administrationDevices,
  deviceExpiry,
  deviceName,
  findDevice,
  isAdministrator,
  readPersonal,
  type PersonalProfile,
} from "../../src/mesh/records/personal.js";
import { checkRotation, createRotation } from "../../src/mesh/rotation.js";
import { isSuccessor } from "../../src/mesh/succession.js";
import { altered, newDevice, newPerson, NOW, payloadOf, refusal, stream, type TestDevice } from "./support.js";

const phone = newDevice("phone");
const watch = newDevice("watch");
const alice = newPerson("alice", [phone.device, watch.device]);
const { keys, admin, personal } = alice;
const stranger = newPerson("mallory");
const online = admin.keys.online;
const LATER = new Date(NOW.getTime() + 60_000);
const SOON = "2026-03-04T06:00:00Z";
const APPLICATION = generateKey("device-signature", stream("application")).kid;

let count = 0;
/** A device that shows whatever it is given as `Replaces`. */
const replacing = (make: (udf: string) => Replaces, name = "phone"): TestDevice => {
  const fresh = generateDeviceKeys(stream(`replacing ${count++}`));
  return {
    keys: fresh,
    device: createDevice(fresh, name, "Linux", LATER, { replaces: make(fresh.signature.kid) }),
  };
};
const rotated = (old: TestDevice, name?: string, profile = personal.udf): TestDevice =>
  replacing((udf) => createRotation(old.keys.signature, udf, profile), name);

const next = (change: PersonalChange, previous = personal, now = LATER): PersonalProfile =>
  nextPersonal(online, previous, change, now);
const replace = (old: TestDevice, { device }: TestDevice) => ({ replace: { old: old.device.udf, device } });

describe("the word of the old device", () => {
  test("is its signature over four texts behind their lengths", () => {
    const { device } = rotated(phone);
    const octets = ["mmm/device/rotate", phone.device.udf, device.udf, personal.udf].flatMap((text) => [
      Buffer.from(Buffer.byteLength(text).toString(16).padStart(8, "0"), "hex"),
      utf8(text),
    ]);
    const spki = Buffer.concat([
      Buffer.from("302a300506032b6570032100", "hex"),
      Buffer.from(phone.keys.signature.x, "base64url"),
    ]);
    const key = createPublicKey({ key: spki, format: "der", type: "spki" });
    const { DeviceUDF, Signature } = device.replaces!;
    expect(DeviceUDF).toBe(phone.device.udf);
    expect(verify(null, Buffer.concat(octets), key, Buffer.from(Signature, "base64url"))).toBe(true);
    expect(payloadOf(device.record)["Replaces"]).toEqual({ DeviceUDF, Signature });
    // The record itself is signed by the new key, as every device profile is.
    expect(readDevice(structuredClone(device.record))).toEqual(device);
  });

  test("is good for the device that it names, while the profile lists the old one", () => {
    const { device } = rotated(phone);
    expect(checkRotation(personal, device, LATER)).toBe("valid");
    expect(checkRotation(personal, watch.device, LATER)).toBe("none");
    const without = next({ devices: [admin.device, watch.device] });
    expect(checkRotation(without, device, LATER)).toBe("unknown");
    expect(checkRotation(stranger.personal, device, LATER)).toBe("unknown");
  });

  test("is good until the old device lapses, and not after", () => {
    const { device } = rotated(phone);
    const limited = next({ deviceExpiries: { [phone.device.udf]: SOON } });
    expect(checkRotation(limited, device, new Date(Date.parse(SOON) - 1))).toBe("valid");
    expect(checkRotation(limited, device, new Date(SOON))).toBe("expired");
  });

  test("is wrong for another device, profile or key, and with any bit changed", () => {
    const judge = (candidate: TestDevice, profile = personal) => checkRotation(profile, candidate.device, LATER);
    const good = rotated(phone).device.replaces!;
    expect(judge(replacing(() => good))).toBe("wrong");
    expect(judge(rotated(phone, "phone", stranger.personal.udf))).toBe("wrong");
    const by = (key: PrivateKey) => (udf: string) => ({
      ...createRotation(key, udf, personal.udf),
      DeviceUDF: phone.device.udf,
    });
    for (const key of [
      watch.keys.signature,
      admin.keys.signature,
      online,
      phone.keys.authentication,
      phone.keys.online,
    ]) {
      expect(judge(replacing(by(key)))).toBe("wrong");
    }
    // A signature of the same texts without their lengths, and a record's signature, are not that.
    const plain = (udf: string) => ({
      DeviceUDF: phone.device.udf,
      Signature: encodeBase64url(
        signMessage(utf8(["mmm/device/rotate", phone.device.udf, udf, personal.udf].join("")), phone.keys.signature),
      ),
    });
    expect(judge(replacing(plain))).toBe("wrong");
    const { signature } = phone.device.record.SignedData;
    expect(judge(replacing(() => ({ DeviceUDF: phone.device.udf, Signature: signature })))).toBe("wrong");
    const fresh = rotated(phone);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 511 }), (bit) => {
        const octets = decodeBase64url(fresh.device.replaces!.Signature);
        octets[bit >> 3] = octets[bit >> 3]! ^ (1 << (bit & 7));
        const replaces = { ...fresh.device.replaces!, Signature: encodeBase64url(octets) };
        expect(checkRotation(personal, { ...fresh.device, replaces }, LATER)).toBe("wrong");
      }),
    );
  });

  test("does not let a device replace itself", () => {
    const fresh = generateDeviceKeys(stream("itself"));
    const replaces = createRotation(fresh.signature, fresh.signature.kid, personal.udf);
    const device = createDevice(fresh, "phone", "Linux", LATER, { replaces });
    const listed = next({ devices: [...personal.devices, device] });
    expect(checkRotation(listed, device, LATER)).toBe("unknown");
  });
});

describe("a replacement", () => {
  test("puts the new device in the old one's place", () => {
    const fresh = rotated(phone);
    const after = next(replace(phone, fresh));
    expect(after.devices.map(({ udf }) => udf)).toEqual([admin.device.udf, fresh.device.udf, watch.device.udf]);
    expect(isSuccessor(personal, after)).toBe(true);
    expect(after.entries).toEqual([]);
    expect(readPersonal(structuredClone(after.record))).toEqual(after);
  });

  test("keeps the name that people know, whatever the new device calls itself", () => {
    const other = rotated(phone, "another name");
    expect(deviceName(next(replace(phone, other)), other.device)).toBe("phone");
    const named = next({ deviceNames: { [phone.device.udf]: "Alice's phone" } });
    const kept = next(replace(phone, other), named);
    expect(deviceName(kept, other.device)).toBe("Alice's phone");
    expect(kept.entries).toEqual([{ DeviceUDF: other.device.udf, Name: "Alice's phone" }]);
    const renamed = next({ ...replace(phone, other), deviceNames: { [other.device.udf]: "new" } }, named);
    expect(deviceName(renamed, other.device)).toBe("new");
  });

  test("keeps the expiry, and what else is said of the device", () => {
    const before = readPersonal(
      altered(personal.record, "PersonalProfile", online, (payload) => ({
        ...payload,
        DeviceEntries: [{ DeviceUDF: phone.device.udf, NotOnOrAfter: SOON, Colour: "red" }],
      })),
    );
    const fresh = rotated(phone);
    const after = next(replace(phone, fresh), before);
    expect(after.entries).toEqual([{ DeviceUDF: fresh.device.udf, NotOnOrAfter: SOON, Colour: "red" }]);
    expect(deviceExpiry(after, fresh.device.udf)).toBe(SOON);
    const renewed = next({ ...replace(phone, fresh), deviceExpiries: { [fresh.device.udf]: null } }, before);
    expect(renewed.entries).toEqual([{ DeviceUDF: fresh.device.udf, Colour: "red" }]);
  });

  test("keeps the rights in applications", () => {
    const entry = { Identifier: APPLICATION, Type: "PasswordProfile", Colour: "red" };
    const before = readPersonal(
      altered(personal.record, "PersonalProfile", online, (payload) => ({
        ...payload,
        Applications: [
          { ...entry, AdminDeviceUDF: [phone.device.udf], DecryptDeviceUDF: [watch.device.udf, phone.device.udf] },
        ],
      })),
    );
    const { device } = rotated(phone);
    expect(next({ replace: { old: phone.device.udf, device } }, before).applications).toEqual([
      { ...entry, AdminDeviceUDF: [device.udf], DecryptDeviceUDF: [watch.device.udf, device.udf] },
    ]);
  });

  test("goes with other changes of the same version", () => {
    const fresh = rotated(phone);
    const tablet = newDevice("tablet");
    const after = next({
      ...replace(phone, fresh),
      devices: [...personal.devices, tablet.device],
      names: [personal.udf],
    });
    expect(after.devices.map(({ name }) => name)).toEqual(["alice-laptop", "phone", "watch", "tablet"]);
    expect(after.devices).toContain(fresh.device);
    expect(after.names).toEqual([personal.udf]);
  });

  test("is made by no other word than the old device's", () => {
    const fresh = rotated(phone);
    const code = (change: PersonalChange, previous?: PersonalProfile, now?: Date) =>
      refusal(() => next(change, previous, now));
    expect(code(replace(watch, fresh))).toBe("signature-invalid");
    expect(code(replace(phone, newDevice("no word")))).toBe("signature-invalid");
    expect(code(replace(phone, rotated(phone, "phone", stranger.personal.udf)))).toBe("signature-invalid");
    const without = next({ devices: [admin.device] });
    expect(code(replace(phone, fresh), without)).toBe("signature-invalid");
    const limited = next({ deviceExpiries: { [phone.device.udf]: SOON } });
    expect(code(replace(phone, fresh), limited, new Date(SOON))).toBe("signature-invalid");
    const first = { devices: [admin.device], ...replace(phone, fresh) };
    expect(refusal(() => createPersonal(online, alice.master, first, LATER))).toBe("signature-invalid");
  });

  test("cannot be made a second time, or taken back", () => {
    const fresh = rotated(phone);
    const after = next(replace(phone, fresh));
    expect(checkRotation(after, fresh.device, LATER)).toBe("unknown");
    expect(checkRotation(after, rotated(phone).device, LATER)).toBe("unknown");
    const again = rotated(fresh);
    const twice = next(replace(fresh, again), after);
    expect(findDevice(twice, again.device.udf)).toBeDefined();
    expect(twice.devices.length).toBe(3);
  });

  test("of an administrator needs the master key, and gives the new device the right", () => {
    const fresh = rotated(admin);
    expect(refusal(() => next(replace(admin, fresh)))).toBe("master-key-needed");
    const change = replace(admin, fresh);
    const epoch = nextEpoch(keys.signature, fresh.keys.online, personal, [admin.device], change, LATER);
    expect(isSuccessor(personal, epoch)).toBe(true);
    expect(administrationDevices(epoch)).toEqual([fresh.device]);
    expect(epoch.devices.map(({ udf }) => udf)).toEqual([fresh.device.udf, phone.device.udf, watch.device.udf]);
    // The old key signs nothing any more.
    expect(refusal(() => nextPersonal(online, epoch, {}, LATER))).toBe("signature-invalid");
    const already = nextEpoch(keys.signature, fresh.keys.online, personal, [fresh.device], change, LATER);
    expect(already.master.administrators).toEqual(epoch.master.administrators);
  });

  test("of one administrator of two may be signed by the other", () => {
    const master = createMaster(
      keys.signature,
      { administrators: [admin.device, phone.device], escrowKeys: alice.master.escrowKeys },
      NOW,
    );
    const both = createPersonal(online, master, { devices: personal.devices }, NOW);
    const fresh = rotated(phone);
    const epoch = nextEpoch(keys.signature, online, both, [admin.device, phone.device], replace(phone, fresh), LATER);
    expect(isAdministrator(epoch, fresh.device.udf)).toBe(true);
    expect(isAdministrator(epoch, phone.device.udf)).toBe(false);
    expect(findDevice(epoch, phone.device.udf)).toBeUndefined();
  });
});
