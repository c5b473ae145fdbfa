import { beforeEach, describe, expect, it } from "vitest";
import { createDevice, nextEpoch, nextPersonal } from "../../src/mesh/profile.js";
import { createConnectionRequest } from "../../src/mesh/connection.js";
import { LIMITS } from "../../src/mesh/protocol.js";
import type { SignedRecord } from "../../src/mesh/jose.js";
import {
  makeDevice,
  makePerson,
  makeRequest,
  makeResult,
  openTestPortal,
  personalEntry,
  type Person,
  type TestDevice,
  type TestPortal,
} from "../support/portal.js";

const DAY = 24 * 60 * 60 * 1000;
const AccountID = "alice";

let portal: TestPortal;
let alice: Person;
let phone: TestDevice;

const ask = (record: SignedRecord, address = "192.0.2.1", account = AccountID) =>
  portal.call("ConnectStart", { AccountID: account, SignedRequest: record }, { address });
const askFor = (device: TestDevice, address?: string) => ask(makeRequest(device, alice.profile.udf), address);
const pending = async (constraints = {}): Promise<SignedRecord[]> => {
  const answer = await portal.call("ConnectPending", { AccountID, ...constraints }, { signer: alice.admin });
  expect(answer.status).toBe(201);
  return answer.message.Pending ?? [];
};
const status = (device: TestDevice) => portal.call("ConnectStatus", { AccountID, DeviceID: device.device.udf });
const complete = (Result: SignedRecord) => portal.call("ConnectComplete", { AccountID, Result });
const devices = (count: number): TestDevice[] =>
  Array.from({ length: count }, (_, index) => makeDevice(`d${index}`, portal.clock.now()));

/** Publishes Alice's profile with these devices beside her own. */
const list = async (...added: TestDevice[]): Promise<void> => {
  const profile = nextPersonal(
    alice.admin.keys.online,
    alice.profile,
    { devices: [alice.admin.device, ...added.map(({ device }) => device)] },
    portal.clock.now(),
  );
  expect((await portal.call("Publish", { Entry: personalEntry(profile) })).status).toBe(201);
  alice = { ...alice, profile };
};

beforeEach(async () => {
  portal = await openTestPortal();
  alice = makePerson("laptop", portal.clock.now());
  phone = makeDevice("phone", portal.clock.now());
  await portal.createAccount("alice", alice);
});

describe("connecting a device", () => {
  it.each(["reference", "draft"] as const)(
    "goes from asking to a signed result, in the %s wrapping",
    async (wrapping) => {
      const record = makeRequest(phone, alice.profile.udf);
      const DeviceID = phone.device.udf;
      expect(await portal.call("ConnectStart", { AccountID, SignedRequest: record }, { wrapping })).toMatchObject({
        status: 201,
        name: "ConnectStartResponse",
      });
      const waiting = await portal.call("ConnectStatus", { AccountID, DeviceID }, { wrapping });
      expect(waiting).toMatchObject({ status: 201, name: "ConnectStatusResponse" });
      expect(waiting.message).not.toHaveProperty("Result");
      const listed = await portal.call("ConnectPending", { AccountID }, { wrapping, signer: alice.admin });
      expect(listed).toMatchObject({ status: 201, name: "ConnectPendingResponse", message: { Pending: [record] } });
      await list(phone);
      const Result = makeResult(phone, alice);
      expect(await portal.call("ConnectComplete", { AccountID, Result }, { wrapping })).toMatchObject({
        status: 201,
        name: "ConnectCompleteResponse",
      });
      expect((await portal.call("ConnectStatus", { AccountID, DeviceID }, { wrapping })).message.Result).toEqual(
        Result,
      );
      expect(await pending()).toEqual([]);
    },
  );
});

describe("ConnectStart", () => {
  it("takes the same request again without moving it", async () => {
    const other = makeDevice("other", portal.clock.now());
    await askFor(phone);
    portal.clock.advance(1000);
    await askFor(other);
    expect((await askFor(phone)).status).toBe(201);
    expect((await pending()).map(({ Identifier }) => Identifier)).toEqual([phone.device.udf, other.device.udf]);
    portal.clock.advance(DAY - 999);
    expect((await pending()).map(({ Identifier }) => Identifier)).toEqual([other.device.udf]);
  });

  it("takes a device's newer request instead of its older one", async () => {
    await askFor(phone);
    const renamed = { ...phone, device: createDevice(phone.keys, "renamed", "", portal.clock.now()) };
    expect((await askFor(renamed)).status).toBe(201);
    expect(await pending()).toEqual([makeRequest(renamed, alice.profile.udf)]);
  });

  it("is done already for a device that the profile lists", async () => {
    await list(phone);
    expect((await askFor(phone)).status).toBe(201);
    expect(await pending()).toEqual([]);
  });

  it("refuses unknown accounts, other profiles, and requests that do not verify", async () => {
    const bob = makePerson("desk", portal.clock.now());
    const record = makeRequest(phone, alice.profile.udf);
    expect((await ask(record, undefined, "nobody")).status).toBe(404);
    expect((await ask(record, undefined, "no body")).status).toBe(400);
    expect((await ask(makeRequest(phone, bob.profile.udf))).status).toBe(409);
    const forged = createConnectionRequest(phone.device, alice.profile.udf, phone.keys.signature).record;
    const { signature } = makeRequest(phone, bob.profile.udf).SignedData;
    expect((await ask({ ...forged, SignedData: { ...forged.SignedData, signature } })).status).toBe(403);
    expect((await ask(alice.profile.record)).status).toBe(400);
    expect(await pending()).toEqual([]);
  });

  it("keeps four requests of one address, the newest", async () => {
    const five = devices(5);
    for (const device of five) expect((await askFor(device)).status).toBe(201);
    expect((await pending()).map(({ Identifier }) => Identifier)).toEqual(five.slice(1).map((d) => d.device.udf));
    expect((await status(five[0]!)).status).toBe(404);
  });

  it("counts the addresses of one IPv6 network as one", async () => {
    const five = devices(5);
    for (const [index, device] of five.entries()) await askFor(device, `2001:db8::${index}`);
    expect(await pending()).toHaveLength(4);
  });

  it("evicts from the busiest address when the queue is full", async () => {
    const all = devices(LIMITS.pendingPerAccount + 1);
    // One request of every address but the last, which has two; neither is the oldest.
    for (const [index, device] of all.slice(0, -1).entries()) {
      await askFor(device, `10.0.0.${Math.min(index, LIMITS.pendingPerAccount - 2)}`);
    }
    const before = await pending();
    expect(before).toHaveLength(LIMITS.pendingPerAccount);
    const last = all.at(-1)!;
    expect((await askFor(last, "10.0.1.1")).status).toBe(201);
    const busiest = before[LIMITS.pendingPerAccount - 2]!;
    expect(await pending()).toEqual([
      ...before.filter(({ Identifier }) => Identifier !== busiest.Identifier),
      makeRequest(last, alice.profile.udf),
    ]);
  });

  it("is limited in its rate, but not where nobody is a stranger", async () => {
    const rateLimit = { validate: 1, "connect-start": 2, "create-account": 9 };
    const limited = await openTestPortal({ rateLimit }, portal.clock, portal.file);
    const free = await openTestPortal({ rateLimit: "none" }, portal.clock, portal.file);
    const all = devices(8);
    const send = (to: TestPortal, device: TestDevice) =>
      to.call("ConnectStart", { AccountID, SignedRequest: makeRequest(device, alice.profile.udf) });
    const statuses: number[] = [];
    for (const device of all.slice(0, 3)) statuses.push((await send(limited, device)).status);
    expect(statuses).toEqual([201, 201, 429]);
    for (const device of all) expect((await send(free, device)).status).toBe(201);
    expect(await pending()).toHaveLength(8);
  });
});

describe("ConnectPending", () => {
  it("is for administration devices", async () => {
    await list(phone);
    const bob = makePerson("desk", portal.clock.now());
    const message = { AccountID };
    expect((await portal.call("ConnectPending", message)).status).toBe(401);
    expect((await portal.call("ConnectPending", message, { signer: bob.admin })).status).toBe(401);
    expect((await portal.call("ConnectPending", message, { signer: phone })).status).toBe(403);
    const nobody = await portal.call("ConnectPending", { AccountID: "nobody" }, { signer: alice.admin });
    expect(nobody.status).toBe(404);
  });

  it("is no longer for a device that the newest profile does not list as one", async () => {
    const both = nextEpoch(
      alice.master.signature,
      alice.admin.keys.online,
      alice.profile,
      [alice.admin.device, phone.device],
      { devices: [alice.admin.device, phone.device] },
      portal.clock.now(),
    );
    expect((await portal.call("Publish", { Entry: personalEntry(both) })).status).toBe(201);
    expect((await portal.call("ConnectPending", { AccountID }, { signer: phone })).status).toBe(201);
    alice = { ...alice, profile: both };
    await list();
    expect((await portal.call("ConnectPending", { AccountID }, { signer: phone })).status).toBe(401);
  });

  it("gives pages, and searches within times", async () => {
    const four = devices(4);
    const times: string[] = [];
    for (const device of four) {
      await askFor(device);
      times.push(portal.clock.now().toISOString());
      portal.clock.advance(60_000);
    }
    const names = four.map(({ device }) => device.udf);
    const found: string[] = [];
    for (let SearchConstraints: object = { MaxEntries: 3 }; ;) {
      const answer = await portal.call("ConnectPending", { AccountID, SearchConstraints }, { signer: alice.admin });
      found.push(...answer.message.Pending.map((record: SignedRecord) => record.Identifier));
      if (answer.message.PageKey === undefined) break;
      SearchConstraints = { MaxEntries: 3, PageKey: answer.message.PageKey };
    }
    expect(found).toEqual(names);
    expect(await pending({ SearchConstraints: { MaxBytes: 1 } })).toHaveLength(1);
    const between = await pending({ SearchConstraints: { NotBefore: times[1], Before: times[3] } });
    expect(between.map(({ Identifier }) => Identifier)).toEqual(names.slice(1, 3));
    const wrong = { AccountID, SearchConstraints: { PageKey: "t.1.." } };
    expect((await portal.call("ConnectPending", wrong, { signer: alice.admin })).status).toBe(400);
  });
});

describe("ConnectStatus", () => {
  it("answers 404 to who never asked, and after a day", async () => {
    expect((await status(phone)).status).toBe(404);
    expect((await portal.call("ConnectStatus", { AccountID, DeviceID: "nonsense" })).status).toBe(404);
    expect((await portal.call("ConnectStatus", { AccountID: "nobody", DeviceID: phone.device.udf })).status).toBe(404);
    await askFor(phone);
    portal.clock.advance(DAY);
    expect((await status(phone)).status).toBe(201);
    portal.clock.advance(1);
    expect((await status(phone)).status).toBe(404);
  });
});

describe("ConnectComplete", () => {
  it("takes a refusal, and the same result again", async () => {
    await askFor(phone);
    const refusal = makeResult(phone, alice, "Refused");
    expect((await complete(refusal)).status).toBe(201);
    expect((await complete(refusal)).status).toBe(201);
    expect((await status(phone)).message.Result).toEqual(refusal);
    expect((await complete(makeResult(phone, alice, "Query"))).status).toBe(409);
  });

  it("lets a refused device ask anew", async () => {
    await askFor(phone);
    await complete(makeResult(phone, alice, "Refused"));
    expect((await askFor(phone)).status).toBe(201);
    expect((await status(phone)).message).not.toHaveProperty("Result");
    expect(await pending()).toHaveLength(1);
  });

  it("takes nothing for a device that has not asked", async () => {
    await list(phone);
    expect((await complete(makeResult(phone, alice))).status).toBe(404);
    await list();
    await askFor(phone);
    portal.clock.advance(DAY + 1);
    expect((await complete(makeResult(phone, alice, "Refused"))).status).toBe(404);
  });

  it("takes an acceptance only after the profile, and a refusal only before it", async () => {
    await askFor(phone);
    const early = await complete(makeResult(phone, alice));
    expect(early.status).toBe(409);
    expect(early.message.StatusDescription).toContain("Publish the profile");
    await list(phone);
    expect((await complete(makeResult(phone, alice, "Refused"))).status).toBe(409);
    expect((await complete(makeResult(phone, alice))).status).toBe(201);
  });

  it("takes a result about the very device profile that asked", async () => {
    const renamed = { ...phone, device: createDevice(phone.keys, "renamed", "", portal.clock.now()) };
    await askFor(phone);
    expect((await complete(makeResult(renamed, alice, "Refused"))).status).toBe(409);
    await list(renamed);
    expect((await complete(makeResult(phone, alice))).status).toBe(409);
  });

  it("needs the signature of a present administrator", async () => {
    const bob = makePerson("desk", portal.clock.now());
    const stolen = makeDevice("stolen", portal.clock.now());
    const both = nextEpoch(
      alice.master.signature,
      alice.admin.keys.online,
      alice.profile,
      [alice.admin.device, stolen.device],
      { devices: [alice.admin.device, stolen.device] },
      portal.clock.now(),
    );
    expect((await portal.call("Publish", { Entry: personalEntry(both) })).status).toBe(201);
    alice = { ...alice, profile: both };
    // The master profile still lists the stolen device; the personal profile does not any more.
    await list();
    await askFor(phone);
    const asBob = { ...bob, profile: alice.profile };
    const asStolen = { ...alice, admin: stolen };
    expect((await complete(makeResult(phone, asBob, "Refused"))).status).toBe(403);
    expect((await complete(makeResult(phone, asStolen, "Refused"))).status).toBe(403);
    expect((await complete(makeResult(phone, { ...alice, profile: bob.profile }, "Refused"))).status).toBe(409);
    expect((await complete(alice.profile.record)).status).toBe(400);
    const nobody = { AccountID: "nobody", Result: makeResult(phone, alice, "Refused") };
    expect((await portal.call("ConnectComplete", nobody)).status).toBe(404);
    expect((await complete(makeResult(phone, alice, "Refused"))).status).toBe(201);
  });
});
