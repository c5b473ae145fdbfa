import { describe, expect, test } from "vitest";
import { newIdentifier } from "../../../src/mesh/application/head.js";
import { createInvite } from "../../../src/mesh/invite.js";
import { encryptTo } from "../../../src/mesh/jwe.js";
import { generateKey, publicKeyOf } from "../../../src/mesh/keys.js";
import { createDevice, generateDeviceKeys, nextEpoch, nextPersonal } from "../../../src/mesh/profile.js";
import { mayRead, mayWrite } from "../../../src/mesh/application/rights.js";
import {
  findApplication,
  MAX_APPLICATIONS,
  readPersonal,
  type ApplicationEntry,
} from "../../../src/mesh/records/personal.js";
import { createRotation } from "../../../src/mesh/rotation.js";
import { altered, newDevice, newPerson, NOW, payloadOf, refusal, stream } from "../support.js";

const LATER = new Date("2026-05-06T07:08:09Z");
const random = stream("rights");
const phone = newDevice("phone");
const tablet = newDevice("tablet");
const { keys, admin, personal } = newPerson("alice", [phone.device, tablet.device]);
const key = admin.keys.online;
const [passwords, ssh] = [newIdentifier(random), newIdentifier(random)];

const entryOf = (Identifier: string, readers: readonly string[], writers = readers): ApplicationEntry => ({
  Identifier,
  Type: "PasswordProfile",
  Friendly: "passwords",
  AdminDeviceUDF: [...writers],
  DecryptDeviceUDF: [...readers],
});
const all = [admin.device.udf, phone.device.udf, tablet.device.udf];
const granted = nextPersonal(key, personal, { applications: [entryOf(passwords, all)] }, NOW);

describe("the applications of a profile", () => {
  test("are the list that the change gives, and stay without one", () => {
    expect(granted.applications).toEqual([entryOf(passwords, all)]);
    expect(nextPersonal(key, granted, {}, NOW).applications).toEqual(granted.applications);
    const both = nextPersonal(key, granted, { applications: [...granted.applications, entryOf(ssh, [])] }, NOW);
    expect(both.applications.map(({ Identifier }) => Identifier)).toEqual([passwords, ssh]);
    expect(both.applications[1]).not.toHaveProperty("AdminDeviceUDF");
    const none = nextPersonal(key, both, { applications: [] }, NOW);
    expect(none.applications).toEqual([]);
    expect(payloadOf(none.record)).not.toHaveProperty("Applications");
  });

  test("name who may read and who may write", () => {
    const entry = entryOf(passwords, all.slice(0, 2), all.slice(0, 1));
    expect(all.map((udf) => mayRead(entry, udf))).toEqual([true, true, false]);
    expect(all.map((udf) => mayWrite(entry, udf))).toEqual([true, false, false]);
    const bare = { Identifier: ssh, Type: "SSHProfile" };
    expect([mayRead(bare, all[0]!), mayWrite(bare, all[0]!)]).toEqual([false, false]);
    expect(findApplication(granted, passwords)).toBe(granted.applications[0]);
    expect(findApplication(granted, ssh)).toBeUndefined();
  });

  test("lose a device that leaves with the same version, or lapses, also where the change still names it", () => {
    const devices = [admin.device, tablet.device];
    const expected = [entryOf(passwords, [admin.device.udf, tablet.device.udf])];
    const change = { devices, applications: [entryOf(passwords, all)] };
    expect(nextPersonal(key, granted, change, NOW).applications).toEqual(expected);
    expect(nextPersonal(key, granted, { devices }, NOW).applications).toEqual(expected);
    const epoch = nextEpoch(keys.signature, key, granted, [admin.device], change, NOW);
    expect(epoch.applications).toEqual(expected);
    const lapsing = nextPersonal(key, granted, { deviceExpiries: { [phone.device.udf]: "2026-04-01T00:00:00Z" } }, NOW);
    expect(nextPersonal(key, lapsing, change, LATER).applications).toEqual(expected);
  });

  test("gain a device that comes with the same version", () => {
    const watch = newDevice("watch").device;
    const change = { devices: [...granted.devices, watch], applications: [entryOf(passwords, [...all, watch.udf])] };
    expect(nextPersonal(key, granted, change, NOW).applications[0]?.DecryptDeviceUDF).toContain(watch.udf);
  });

  test("are handed on to the device that takes another's place, once", () => {
    const next = generateDeviceKeys(stream("next phone"));
    const device = createDevice(next, "phone", "", NOW, {
      replaces: createRotation(phone.keys.signature, next.signature.kid, personal.udf),
    });
    const replace = { old: phone.device.udf, device };
    const handed = nextPersonal(key, granted, { replace }, NOW);
    const expected = [admin.device.udf, device.udf, tablet.device.udf];
    expect(handed.applications).toEqual([entryOf(passwords, expected)]);
    const named = { replace, applications: [entryOf(passwords, [...all, device.udf])] };
    expect(nextPersonal(key, granted, named, NOW).applications).toEqual([entryOf(passwords, expected)]);
  });

  test("are each there once, and not without bound", () => {
    const twice = [entryOf(passwords, all), entryOf(passwords, [])];
    expect(refusal(() => nextPersonal(key, granted, { applications: twice }, NOW))).toBe("record-invalid");
    const many = Array.from({ length: MAX_APPLICATIONS + 1 }, () => ({
      Identifier: newIdentifier(random),
      Type: "PasswordProfile",
    }));
    expect(refusal(() => nextPersonal(key, granted, { applications: many }, NOW))).toBe("too-large");
    expect(nextPersonal(key, granted, { applications: many.slice(1) }, NOW).applications).toHaveLength(256);
  });

  test("may name a device that is not there, in records of another program", () => {
    const stranger = newDevice("stranger").device.udf;
    const record = altered(granted.record, "PersonalProfile", key, (payload) => ({
      ...payload,
      Applications: [entryOf(passwords, [...all, stranger])],
    }));
    const read = readPersonal(record);
    expect(mayRead(read.applications[0]!, stranger)).toBe(true);
    expect(nextPersonal(key, read, {}, NOW).applications[0]?.DecryptDeviceUDF).toEqual(all);
  });
});

describe("an invite", () => {
  const options = { uses: 1, notOnOrAfter: LATER };

  test("may grant applications to whoever joins by it", async () => {
    const { invite } = await createInvite(personal, { ...options, grant: [passwords, ssh, passwords] }, random, NOW);
    expect(invite.Grant).toEqual([passwords, ssh]);
    expect(nextPersonal(key, personal, { invites: [invite] }, NOW).invites[0]?.Grant).toEqual([passwords, ssh]);
    for (const grant of [undefined, []]) {
      expect((await createInvite(personal, { ...options, grant }, random, NOW)).invite).not.toHaveProperty("Grant");
    }
  });

  test("is for no more administrators than there can be", async () => {
    const { invite } = await createInvite(personal, options, random, NOW);
    const to = (count: number) =>
      encryptTo(
        Buffer.alloc(64),
        Array.from({ length: count }, () => publicKeyOf(generateKey("device-encryption", random))),
      );
    const invites = [{ ...invite, Key: await to(65) }];
    expect(refusal(() => nextPersonal(key, personal, { invites }, NOW))).toBe("record-invalid");
    const most = [{ ...invite, Key: await to(64) }];
    expect(refusal(() => nextPersonal(key, personal, { invites: most }, NOW))).toBeUndefined();
  });
});
