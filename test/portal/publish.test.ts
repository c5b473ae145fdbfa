import { beforeEach, describe, expect, it } from "vitest";
import {
  createDevice,
  createMaster,
  createPersonal,
  createRevocation,
  nextEpoch,
  nextPersonal,
} from "../../src/mesh/profile.js";
import { publicKeyOf } from "../../src/mesh/keys.js";
import type { Entry } from "../../src/mesh/protocol.js";
import { readPersonal, type PersonalProfile } from "../../src/mesh/records/personal.js";
import {
  makeApplication,
  makeDevice,
  makeEscrowEntry,
  makeIdentifier,
  makePerson,
  openTestPortal,
  personalEntry,
  type Person,
  type TestDevice,
  type TestPortal,
} from "../support/portal.js";

let portal: TestPortal;
let alice: Person;
let bob: Person;
let now: Date;

const publish = (entry: Entry, signer?: TestDevice) =>
  portal.call("Publish", { Entry: entry }, signer ? { signer } : {});
const current = async (): Promise<unknown> =>
  (await portal.call("Get", { Identifier: alice.profile.udf })).message.Entries[0];
const next = (previous: PersonalProfile, change = {}): PersonalProfile =>
  nextPersonal(alice.admin.keys.online, previous, change, now);

beforeEach(async () => {
  portal = await openTestPortal();
  now = portal.clock.now();
  alice = makePerson("laptop", now);
  bob = makePerson("desk", now);
  await portal.createAccount("alice", alice);
});

describe("Publish of a SignedPersonalProfile", () => {
  it.each(["reference", "draft"] as const)("takes the direct successor, in the %s wrapping", async (wrapping) => {
    const second = next(alice.profile);
    const answer = await portal.call("Publish", { Entry: personalEntry(second) }, { wrapping });
    expect(answer).toMatchObject({ status: 201, http: 201, name: "PublishResponse" });
    expect(await current()).toEqual(personalEntry(second));
  });

  it("takes a version again that it has or had", async () => {
    const second = next(alice.profile);
    for (const profile of [alice.profile, second, second, alice.profile]) {
      expect((await publish(personalEntry(profile))).status).toBe(201);
    }
    expect(await current()).toEqual(personalEntry(second));
    const all = await portal.call("Get", { Identifier: alice.profile.udf, Multiple: true });
    expect(all.message.Entries).toEqual([personalEntry(second), personalEntry(alice.profile)]);
  });

  it("refuses a gap, a fork and an older epoch with the current record", async () => {
    const second = next(alice.profile);
    const third = next(second);
    const fork = next(alice.profile, { names: [alice.admin.device.udf] });
    const { admin, master } = alice;
    const epoch = (previous: PersonalProfile) =>
      nextEpoch(master.signature, admin.keys.online, previous, [admin.device], {}, now);
    const refused = async (profile: PersonalProfile, expected: PersonalProfile): Promise<void> => {
      const answer = await publish(personalEntry(profile));
      expect(answer).toMatchObject({ status: 409, http: 409, name: "PublishResponse" });
      expect(answer.message.Entry).toEqual(personalEntry(expected));
    };
    await refused(third, alice.profile);
    expect((await publish(personalEntry(second))).status).toBe(201);
    await refused(fork, second);
    const secondEpoch = epoch(second);
    await refused(epoch(secondEpoch), second);
    await refused(next(secondEpoch), second);
    expect((await publish(personalEntry(secondEpoch))).status).toBe(201);
    await refused(third, secondEpoch);
    expect((await publish(personalEntry(next(secondEpoch)))).status).toBe(201);
  });

  it("lets a new epoch supersede every branch of the one before", async () => {
    const { admin, master } = alice;
    const thief = makeDevice("stolen", now);
    const both = nextEpoch(
      master.signature,
      admin.keys.online,
      alice.profile,
      [admin.device, thief.device],
      { devices: [admin.device, thief.device] },
      now,
    );
    expect((await publish(personalEntry(both))).status).toBe(201);
    // The thief is quicker, but the owner's new epoch follows the master, whatever the thief has published.
    const stolen = nextPersonal(thief.keys.online, both, { devices: [thief.device] }, now);
    expect((await publish(personalEntry(stolen))).status).toBe(201);
    const back = nextEpoch(master.signature, admin.keys.online, both, [admin.device], { devices: [admin.device] }, now);
    expect((await publish(personalEntry(back))).status).toBe(201);
    const more = nextPersonal(thief.keys.online, stolen, {}, now);
    expect((await publish(personalEntry(more))).status).toBe(409);
    expect(await current()).toEqual(personalEntry(back));
  });

  it("lets one of two successors win", async () => {
    const rivals = [next(alice.profile), next(alice.profile, { names: [alice.admin.device.udf] })];
    const answers = await Promise.all(rivals.map((profile) => publish(personalEntry(profile))));
    expect(answers.map(({ status }) => status)).toEqual([201, 409]);
    expect(answers[1]?.message.Entry).toEqual(personalEntry(rivals[0]!));
  });

  it("needs an account here, and a record that verifies", async () => {
    expect((await publish(personalEntry(bob.profile))).status).toBe(403);
    const { Identifier, SignedData } = next(alice.profile).record;
    const forge = (changes: object) => ({
      SignedPersonalProfile: { Identifier, SignedData: { ...SignedData, ...changes } },
    });
    expect((await publish(forge({ signature: bob.profile.record.SignedData.signature }))).status).toBe(403);
    expect((await publish(forge(bob.profile.record.SignedData))).status).toBe(400);
    expect((await publish(forge({ payload: `${SignedData.payload}=` }))).status).toBe(400);
    expect(await current()).toEqual(personalEntry(alice.profile));
  });
});

describe("Publish of a SignedDeviceProfile", () => {
  it("takes the profile of a listed device, and never another one", async () => {
    const entry = { SignedDeviceProfile: alice.admin.device.record };
    expect((await publish(entry)).status).toBe(201);
    expect((await publish(entry)).status).toBe(201);
    expect((await portal.call("Get", { Identifier: alice.admin.device.udf })).message.Entries).toEqual([entry]);
    const other = createDevice(alice.admin.keys, "renamed", "", now);
    const refused = await publish({ SignedDeviceProfile: other.record });
    expect(refused).toMatchObject({ status: 409, message: { Entry: entry } });
  });

  it("refuses a device that no profile lists, or lists otherwise", async () => {
    const phone = makeDevice("phone", now);
    expect((await publish({ SignedDeviceProfile: phone.device.record })).status).toBe(403);
    const other = createDevice(alice.admin.keys, "renamed", "", now);
    expect((await publish({ SignedDeviceProfile: other.record })).status).toBe(409);
  });
});

describe("Publish of a SignedApplicationProfile", () => {
  const entryOf = (record: ReturnType<typeof makeApplication>) => ({ SignedApplicationProfile: record });
  const make = (options: Partial<Parameters<typeof makeApplication>[0]> = {}) =>
    makeApplication(
      {
        owner: alice.profile.udf,
        identifier: alice.admin.keys.encryption.kid,
        key: alice.admin.keys.signature,
        ...options,
      },
      now,
    );

  it("takes a first version, and then what directly follows", async () => {
    const first = make();
    const second = make({ sequence: 2, previous: first, key: alice.admin.keys.online });
    const third = make({ sequence: 3, previous: second });
    const fork = make({ sequence: 2, previous: second });
    expect((await publish(entryOf(first))).status).toBe(201);
    expect((await publish(entryOf(first))).status).toBe(201);
    const gap = await publish(entryOf(third));
    expect(gap).toMatchObject({ status: 409, message: { Entry: entryOf(first) } });
    expect((await publish(entryOf(fork))).status).toBe(409);
    expect((await publish(entryOf(second))).status).toBe(201);
    expect((await publish(entryOf(first))).status).toBe(201);
    expect((await publish(entryOf(third))).status).toBe(201);
    const got = await portal.call("Get", { Identifier: alice.admin.keys.encryption.kid });
    expect(got.message.Entries).toEqual([entryOf(third)]);
  });

  it("belongs to its first owner and keeps its type", async () => {
    await portal.createAccount("bob", bob);
    const first = make();
    expect((await publish(entryOf(first))).status).toBe(201);
    const mine = make({ owner: bob.profile.udf, key: bob.admin.keys.signature });
    expect(await publish(entryOf(mine))).toMatchObject({ status: 409, message: { Entry: entryOf(first) } });
    expect((await publish(entryOf(make({ type: "MailProfile", sequence: 2, previous: first })))).status).toBe(409);
  });

  it("follows the owner's current profile", async () => {
    const phone = makeDevice("phone", now);
    const byPhone = make({ key: phone.keys.signature });
    expect((await publish(entryOf(byPhone))).status).toBe(403);
    const identifier = alice.admin.keys.encryption.kid;
    const devices = [alice.admin.device, phone.device];
    const second = next(alice.profile, { devices });
    expect((await publish(personalEntry(second))).status).toBe(201);
    expect((await publish(entryOf(byPhone))).status).toBe(201);
    // Once the profile says who administers the application, others may not.
    const Applications = [
      { Identifier: identifier, Type: "PasswordProfile", AdminDeviceUDF: [alice.admin.device.udf] },
    ];
    const payload = { ...second, payload: { ...second.payload, Applications } };
    expect((await publish(personalEntry(next(payload)))).status).toBe(201);
    const again = make({ sequence: 2, previous: byPhone, key: phone.keys.signature });
    expect((await publish(entryOf(again))).status).toBe(403);
    expect((await publish(entryOf(make({ sequence: 2, previous: byPhone })))).status).toBe(201);
  });

  it("refuses strangers, unknown owners, and payloads that are no application", async () => {
    expect((await publish(entryOf(make({ key: bob.admin.keys.signature })))).status).toBe(403);
    expect((await publish(entryOf(make({ owner: bob.profile.udf })))).status).toBe(403);
    expect((await publish(entryOf(make({ type: "DeviceProfile" })))).status).toBe(400);
    expect((await publish(entryOf(alice.profile.record))).status).toBe(400);
  });

  it("takes no identifier that another record has", async () => {
    const escrow = await makeEscrowEntry(alice);
    expect((await publish({ OfflineEscrowEntry: escrow }, alice.admin)).status).toBe(201);
    expect((await publish(entryOf(make({ identifier: escrow.Identifier })))).status).toBe(409);
    expect((await publish(entryOf(make({ identifier: alice.profile.udf })))).status).toBe(409);
  });
});

describe("Publish of an OfflineEscrowEntry", () => {
  it("takes it from an administration device, once", async () => {
    const entry = { OfflineEscrowEntry: await makeEscrowEntry(alice) };
    expect((await publish(entry, alice.admin)).status).toBe(201);
    expect((await publish(entry, alice.admin)).status).toBe(201);
    expect((await portal.call("Get", { Identifier: entry.OfflineEscrowEntry.Identifier })).message.Entries).toEqual([
      entry,
    ]);
    const { EncryptedData } = await makeEscrowEntry(alice);
    const other = { OfflineEscrowEntry: { ...entry.OfflineEscrowEntry, EncryptedData } };
    expect(await publish(other, alice.admin)).toMatchObject({ status: 409, message: { Entry: entry } });
  });

  it("takes it from nobody else", async () => {
    const entry = { OfflineEscrowEntry: await makeEscrowEntry(alice) };
    const phone = makeDevice("phone", now);
    const second = next(alice.profile, { devices: [alice.admin.device, phone.device] });
    expect((await publish(personalEntry(second))).status).toBe(201);
    expect((await publish(entry)).status).toBe(401);
    expect((await publish(entry, bob.admin)).status).toBe(401);
    expect((await publish(entry, phone)).status).toBe(403);
    expect((await portal.call("Get", { Identifier: entry.OfflineEscrowEntry.Identifier })).status).toBe(404);
  });

  it("is not stopped by a stranger who lists the device as their own", async () => {
    const master = createMaster(
      bob.master.signature,
      { administrators: [bob.admin.device, alice.admin.device], escrowKeys: [publicKeyOf(bob.master.escrow)] },
      now,
    );
    const devices = [bob.admin.device, alice.admin.device];
    const profile = createPersonal(bob.admin.keys.online, master, { devices }, now);
    await portal.createAccount("bob", { ...bob, profile });
    const note = createRevocation(bob.master.signature, now);
    expect((await publish({ SignedMasterProfile: note.record })).status).toBe(201);
    const entry = { OfflineEscrowEntry: await makeEscrowEntry(alice) };
    expect((await publish(entry, alice.admin)).status).toBe(201);
  });

  it("does not take the identifier of another record", async () => {
    const escrow = await makeEscrowEntry(alice);
    const taken = { OfflineEscrowEntry: { ...escrow, Identifier: alice.profile.udf } };
    expect((await publish(taken, alice.admin)).status).toBe(409);
    // One that nobody has yet cannot keep its owner from appearing later.
    const early = { OfflineEscrowEntry: { ...escrow, Identifier: bob.profile.udf } };
    expect((await publish(early, alice.admin)).status).toBe(201);
    await portal.createAccount("bob", bob);
    const got = await portal.call("Get", { Identifier: bob.profile.udf });
    expect(got.message.Entries).toEqual([personalEntry(bob.profile)]);
  });

  it("refuses what is not canonical base64url", async () => {
    const { Identifier, EncryptedData } = await makeEscrowEntry(alice);
    const tag = `${EncryptedData.tag.slice(0, 21)}+`;
    const entry = { OfflineEscrowEntry: { Identifier, EncryptedData: { ...EncryptedData, tag } } };
    expect((await publish(entry, alice.admin)).status).toBe(400);
  });
});

describe("the quota", () => {
  it("bounds escrow entries and applications, but leaves room to change the profile", async () => {
    const small = await openTestPortal({ quota: { bytes: 20_000, records: 3, accounts: 2 } });
    await small.createAccount("alice", alice);
    const statuses: number[] = [];
    for (let index = 0; index < 4; index++) {
      const key = alice.admin.keys.signature;
      const record = makeApplication({ owner: alice.profile.udf, identifier: makeIdentifier(), key }, now);
      statuses.push((await small.call("Publish", { Entry: { SignedApplicationProfile: record } })).status);
    }
    expect(statuses).toEqual([201, 201, 201, 413]);
    let profile = alice.profile;
    for (let index = 0; index < 4; index++) {
      profile = next(profile);
      expect((await small.call("Publish", { Entry: personalEntry(profile) })).status).toBe(201);
    }
    // Applications, which any device may publish, leave room for escrow entries; but that has its bound too.
    const refused = [];
    for (let index = 0; index < 8 && refused.length === 0; index++) {
      const escrow = { OfflineEscrowEntry: await makeEscrowEntry(alice) };
      const { status, message } = await small.call("Publish", { Entry: escrow }, { signer: alice.admin });
      if (index === 0) expect(status).toBe(201);
      if (status !== 201) refused.push({ status, text: String(message.StatusDescription) });
    }
    expect(refused).toMatchObject([{ status: 413 }]);
  });

  it("never stands in the way of a new epoch or of a revocation note, whoever has filled it", async () => {
    const small = await openTestPortal({ quota: { bytes: 4_000, records: 3, accounts: 2 } });
    await small.createAccount("alice", alice);
    let profile = alice.profile;
    let status = 201;
    for (let index = 0; index < 20 && status === 201; index++) {
      profile = next(profile);
      ({ status } = await small.call("Publish", { Entry: personalEntry(profile) }));
    }
    expect(status).toBe(413);
    const stored = (await small.call("Get", { Account: "alice" })).message.Entries[0].SignedPersonalProfile;
    const current = readPersonal(stored);
    const { master, admin } = alice;
    const epoch = nextEpoch(master.signature, admin.keys.online, current, [admin.device], {}, now);
    expect((await small.call("Publish", { Entry: personalEntry(epoch) })).status).toBe(201);
    const note = { SignedMasterProfile: createRevocation(master.signature, now).record };
    expect((await small.call("Publish", { Entry: note })).status).toBe(201);
  });
});
