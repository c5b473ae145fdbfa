import { describe, expect, it } from "vitest";
import { createRevocation, nextEpoch, nextPersonal } from "../../src/mesh/profile.js";
import { EXTENSIONS, LIMITS } from "../../src/mesh/protocol.js";
import { makeDevice, makePerson, makeRequest, openTestPortal, personalEntry, type Person } from "../support/portal.js";

const wrappings = ["reference", "draft"] as const;

describe("Hello", () => {
  it.each(wrappings)("says what the portal can do, in the %s wrapping", async (wrapping) => {
    const { call } = await openTestPortal({ domains: ["Example.COM", "example.org"] });
    const answer = await call("Hello", { Portal: "example.com" }, { wrapping });
    expect(answer).toMatchObject({ status: 201, http: 201, name: "HelloResponse" });
    expect(answer.message).toMatchObject({
      Version: { Major: 0, Minor: 8, Encodings: [{ ID: ["application/json"] }] },
      Extensions: Object.values(EXTENSIONS),
      DefaultDomain: "example.com",
      Limits: LIMITS,
    });
    expect(answer.headers).toMatchObject({ "content-type": "application/json", "cache-control": "no-store" });
  });

  it("names localhost where every domain is served", async () => {
    const { call } = await openTestPortal();
    expect((await call("Hello", {})).message.DefaultDomain).toBe("localhost");
  });
});

describe("ValidateAccount", () => {
  it.each(wrappings)("accepts a free name, in the %s wrapping", async (wrapping) => {
    const { call } = await openTestPortal();
    const answer = await call("ValidateAccount", { Account: "alice@example.com" }, { wrapping });
    expect(answer).toMatchObject({ status: 201, name: "ValidateResponse" });
    expect(answer.message).toMatchObject({ Valid: true, Minimum: 1, Maximum: 64 });
    expect(answer.message).not.toHaveProperty("Reason");
    expect(answer.message).not.toHaveProperty("InvalidCharacters");
  });

  it.each([
    ["", "empty", undefined],
    ["@example.com", "empty", undefined],
    ["a".repeat(65), "more than 64", undefined],
    ["al{i}c e:;<x>@example.com", "not allowed", " :;<>"],
    ["al\u202eice", "not allowed", "\u202e"],
    [".alice", "dot", undefined],
    ["al..ice", "dot", undefined],
    ["alice@exa mple", "not a domain name", undefined],
    ["alice@elsewhere.net", "does not serve", undefined],
  ])("refuses %j", async (Account, text, characters) => {
    const { call } = await openTestPortal({ domains: ["example.com"] });
    const { status, message } = await call("ValidateAccount", { Account });
    expect(status).toBe(201);
    expect(message.Valid).toBe(false);
    expect(message.Reason).toContain(text);
    expect(message.InvalidCharacters).toBe(characters);
  });

  it.each([
    [["de"], "vergeben"],
    [["xx-unknown", "fr-CA-x-tous"], "pris"],
    [["!!", "", "*", "de-", "DE-at"], "vergeben"],
    [["en-uk", "de"], "taken"],
    [[], "taken"],
    [undefined, "taken"],
  ])("gives the reason in the best of the languages %j", async (Language, text) => {
    const portal = await openTestPortal();
    await portal.createAccount("alice", makePerson("laptop", portal.clock.now()));
    const answer = await portal.call("ValidateAccount", { Account: "alice", ...(Language && { Language }) });
    expect(answer.message).toMatchObject({ Valid: false });
    expect(answer.message.Reason).toContain(text);
  });

  it("keeps a name for a known profile's device, for ten minutes, and for nobody else", async () => {
    const portal = await openTestPortal();
    const { call, clock } = portal;
    const [alice, bob] = [makePerson("laptop", clock.now()), makePerson("desk", clock.now())];
    await portal.createAccount("alice", alice);
    await portal.createAccount("bob", bob);
    const reserve = { Account: "team", Reserve: true };
    expect((await call("ValidateAccount", reserve, { signer: makeDevice("x", clock.now()) })).message.Valid).toBe(true);
    expect((await call("ValidateAccount", reserve, { signer: bob.admin })).message.Valid).toBe(true);
    const answer = await call("ValidateAccount", reserve, { signer: alice.admin });
    expect(answer.message).toMatchObject({ Valid: false });
    expect(answer.message.Reason).toContain("reserved");
    const create = (person: Person) =>
      call("CreateAccount", { Account: "team", Profile: personalEntry(person.profile) }, { signer: person.admin });
    expect((await create(alice)).status).toBe(409);
    expect((await call("ValidateAccount", reserve, { signer: bob.admin })).message.Valid).toBe(true);
    clock.advance(10 * 60 * 1000);
    expect((await call("ValidateAccount", { Account: "team" })).message.Valid).toBe(true);
    expect((await call("ValidateAccount", reserve, { signer: alice.admin })).message.Valid).toBe(true);
    expect((await create(alice)).status).toBe(201);
  });

  it("keeps only a few names for one profile", async () => {
    const portal = await openTestPortal();
    const alice = makePerson("laptop", portal.clock.now());
    await portal.createAccount("alice", alice);
    for (let index = 0; index < 9; index++) {
      await portal.call("ValidateAccount", { Account: `n${index}`, Reserve: true }, { signer: alice.admin });
    }
    expect((await portal.call("ValidateAccount", { Account: "n7" })).message.Valid).toBe(false);
    expect((await portal.call("ValidateAccount", { Account: "n8" })).message.Valid).toBe(true);
  });

  it("limits the rate of each address", async () => {
    const rateLimit = { validate: 2, "connect-start": 1, "create-account": 9 };
    const { call, clock } = await openTestPortal({ rateLimit });
    const validate = async (address: string) => call("ValidateAccount", { Account: "x" }, { address });
    expect((await validate("192.0.2.1")).status).toBe(201);
    expect((await validate("::ffff:192.0.2.1")).status).toBe(201);
    const refused = await validate("192.0.2.1");
    expect(refused).toMatchObject({ status: 429, http: 429, name: "ValidateResponse" });
    expect(refused.headers["retry-after"]).toBe("30");
    expect((await validate("2001:db8::1")).status).toBe(201);
    expect((await validate("2001:db8:0:0:1::1")).status).toBe(201);
    expect((await validate("2001:db8::2")).status).toBe(429);
    expect((await validate("2001:db8:0:1::2")).status).toBe(201);
    clock.advance(30_000);
    expect((await validate("192.0.2.1")).status).toBe(201);
  });
});

describe("CreateAccount", () => {
  it("limits the rate of each address, before it verifies anything", async () => {
    const rateLimit = { validate: 1, "connect-start": 1, "create-account": 1 };
    const portal = await openTestPortal({ rateLimit });
    const alice = makePerson("alice", portal.clock.now());
    const request = { Account: "alice", Profile: { SignedPersonalProfile: alice.profile.record } };
    expect((await portal.call("CreateAccount", request, { address: "192.0.2.1" })).status).toBe(401);
    expect((await portal.call("CreateAccount", request, { address: "192.0.2.1" })).status).toBe(429);
    expect((await portal.call("CreateAccount", request, { address: "192.0.2.2" })).status).toBe(401);
  });

  it.each(wrappings)("creates an account and publishes its profile, in the %s wrapping", async (wrapping) => {
    const portal = await openTestPortal();
    const alice = makePerson("laptop", portal.clock.now());
    const message = { Account: "Alice@EXAMPLE.com", Profile: personalEntry(alice.profile) };
    const answer = await portal.call("CreateAccount", message, { signer: alice.admin, wrapping });
    expect(answer).toMatchObject({ status: 201, http: 201, name: "CreateResponse" });
    const got = await portal.call("Get", { Account: "alice@example.com" });
    expect(got.message).toMatchObject({ Entries: [personalEntry(alice.profile)], AccountStatus: "Open" });
  });

  it("takes a bare name for one of the default domain", async () => {
    const portal = await openTestPortal({ domains: ["example.com"] });
    await portal.createAccount("alice", makePerson("laptop", portal.clock.now()));
    expect((await portal.call("Get", { Account: "alice@example.com" })).status).toBe(201);
  });

  it("is done already where the same profile has the account", async () => {
    const portal = await openTestPortal();
    const { call, clock } = portal;
    const alice = makePerson("laptop", clock.now());
    await portal.createAccount("alice", alice);
    await portal.createAccount("alice", alice);
    const next = nextPersonal(alice.admin.keys.online, alice.profile, { names: [alice.profile.udf] }, clock.now());
    await portal.createAccount("alice", { ...alice, profile: next });
    expect((await call("Get", { Account: "alice" })).message.Entries).toEqual([personalEntry(next)]);
    // The older version is no reason to refuse, nor to go back.
    await portal.createAccount("alice", alice);
    expect((await call("Get", { Account: "alice" })).message.Entries).toEqual([personalEntry(next)]);
  });

  it("answers 409 with the current profile to one that does not follow it", async () => {
    const portal = await openTestPortal();
    const { call, clock } = portal;
    const alice = makePerson("laptop", clock.now());
    const sign = (previous: Person["profile"], names: string[]) =>
      nextPersonal(alice.admin.keys.online, previous, { names }, clock.now());
    const second = sign(alice.profile, [alice.profile.udf]);
    const third = sign(second, [alice.admin.device.udf]);
    await portal.createAccount("alice", alice);
    for (const Account of ["alice", "alice2"]) {
      const refused = await call("CreateAccount", { Account, Profile: personalEntry(third) }, { signer: alice.admin });
      expect(refused).toMatchObject({ status: 409, name: "CreateResponse" });
      expect(refused.message.Entry).toEqual(personalEntry(alice.profile));
    }
  });

  it("gives a known profile no further account on the strength of an older version", async () => {
    const portal = await openTestPortal();
    const { clock } = portal;
    const alice = makePerson("laptop", clock.now());
    const phone = makeDevice("phone", clock.now());
    const { admin, master } = alice;
    const second = nextPersonal(
      admin.keys.online,
      alice.profile,
      { devices: [admin.device, phone.device] },
      clock.now(),
    );
    const third = nextEpoch(
      master.signature,
      admin.keys.online,
      second,
      [admin.device],
      { devices: [admin.device] },
      clock.now(),
    );
    for (const profile of [alice.profile, second, third]) {
      await portal.createAccount("alice", { ...alice, profile });
    }
    const refused = await portal.call(
      "CreateAccount",
      { Account: "mallory", Profile: personalEntry(second) },
      { signer: phone },
    );
    expect(refused.status).toBe(409);
    expect((await portal.call("Get", { Account: "mallory" })).status).toBe(404);
  });

  it("refuses a name that is taken, whoever asks first", async () => {
    const portal = await openTestPortal();
    const people = Array.from({ length: 5 }, () => makePerson("laptop", portal.clock.now()));
    const answers = await Promise.all(
      people.map(({ profile, admin }) =>
        portal.call("CreateAccount", { Account: "alice", Profile: personalEntry(profile) }, { signer: admin }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409]);
  });

  it("needs the signature of a device of that very profile", async () => {
    const portal = await openTestPortal();
    const { call, clock } = portal;
    const [alice, bob] = [makePerson("laptop", clock.now()), makePerson("desk", clock.now())];
    await portal.createAccount("bob", bob);
    const message = { Account: "alice", Profile: personalEntry(alice.profile) };
    expect((await call("CreateAccount", message)).status).toBe(401);
    expect((await call("CreateAccount", message, { signer: bob.admin })).status).toBe(401);
    expect((await call("CreateAccount", message, { signer: alice.admin })).status).toBe(201);
  });

  it("refuses a domain it does not serve, other records, and profiles that do not verify", async () => {
    const portal = await openTestPortal({ domains: ["example.com"] });
    const { call, clock } = portal;
    const alice = makePerson("laptop", clock.now());
    const signer = alice.admin;
    const Profile = personalEntry(alice.profile);
    expect((await call("CreateAccount", { Account: "alice@example.net", Profile }, { signer })).status).toBe(403);
    expect((await call("CreateAccount", { Account: "al ice", Profile }, { signer })).status).toBe(400);
    const device = { SignedDeviceProfile: alice.admin.device.record };
    expect((await call("CreateAccount", { Account: "alice", Profile: device }, { signer })).status).toBe(400);
    const { Identifier, SignedData } = alice.profile.record;
    const signature = `${SignedData.signature.startsWith("A") ? "B" : "A"}${SignedData.signature.slice(1)}`;
    const forged = { SignedPersonalProfile: { Identifier, SignedData: { ...SignedData, signature } } };
    expect((await call("CreateAccount", { Account: "alice", Profile: forged }, { signer })).status).toBe(403);
  });

  it("bounds how many accounts a profile has", async () => {
    const portal = await openTestPortal({ quota: { bytes: 1_000_000, records: 10, accounts: 2 } });
    const alice = makePerson("laptop", portal.clock.now());
    await portal.createAccount("a1", alice);
    await portal.createAccount("a2", alice);
    const message = { Account: "a3", Profile: personalEntry(alice.profile) };
    expect((await portal.call("CreateAccount", message, { signer: alice.admin })).status).toBe(403);
  });
});

describe("DeleteAccount", () => {
  it.each(wrappings)(
    "closes the account, keeps the profile, and purges requests, in the %s wrapping",
    async (wrapping) => {
      const portal = await openTestPortal();
      const { call, clock } = portal;
      const alice = makePerson("laptop", clock.now());
      await portal.createAccount("alice", alice);
      const phone = makeDevice("phone", clock.now());
      const ask = { AccountID: "alice", SignedRequest: makeRequest(phone, alice.profile.udf) };
      expect((await call("ConnectStart", ask)).status).toBe(201);
      const answer = await call("DeleteAccount", { Account: "alice" }, { signer: alice.admin, wrapping });
      expect(answer).toMatchObject({ status: 201, name: "DeleteResponse" });
      const got = await call("Get", { Account: "alice" });
      expect(got).toMatchObject({ status: 404, message: { AccountStatus: "Closed" } });
      expect((await call("Get", { Identifier: alice.profile.udf })).status).toBe(201);
      expect((await call("ConnectStart", ask)).status).toBe(404);
      expect(await portal.store.read((tx) => tx.pending("alice@localhost"))).toEqual([]);
      const again = { Account: "alice", Profile: personalEntry(alice.profile) };
      expect((await call("CreateAccount", again, { signer: alice.admin })).status).toBe(409);
      const validated = await call("ValidateAccount", { Account: "alice" });
      expect(validated.message).toMatchObject({ Valid: false });
      const next = nextPersonal(alice.admin.keys.online, alice.profile, {}, clock.now());
      expect((await call("Publish", { Entry: personalEntry(next) })).status).toBe(403);
    },
  );

  it("is for administration devices of the account only", async () => {
    const portal = await openTestPortal();
    const { call, clock } = portal;
    const alice = makePerson("laptop", clock.now());
    const bob = makePerson("desk", clock.now());
    const phone = makeDevice("phone", clock.now());
    await portal.createAccount("alice", alice);
    await portal.createAccount("bob", bob);
    const devices = [alice.admin.device, phone.device];
    const next = nextPersonal(alice.admin.keys.online, alice.profile, { devices }, clock.now());
    expect((await call("Publish", { Entry: personalEntry(next) })).status).toBe(201);
    const remove = { Account: "alice" };
    expect((await call("DeleteAccount", remove)).status).toBe(401);
    expect((await call("DeleteAccount", remove, { signer: makeDevice("x", clock.now()) })).status).toBe(401);
    expect((await call("DeleteAccount", remove, { signer: bob.admin })).status).toBe(401);
    expect((await call("DeleteAccount", remove, { signer: phone })).status).toBe(403);
    expect((await call("DeleteAccount", { Account: "nobody" }, { signer: alice.admin })).status).toBe(404);
    expect((await call("DeleteAccount", { Account: "nobody" })).status).toBe(404);
    expect((await call("DeleteAccount", { Account: "a b" }, { signer: alice.admin })).status).toBe(400);
    expect((await call("DeleteAccount", remove, { signer: alice.admin })).status).toBe(201);
    expect((await call("DeleteAccount", remove, { signer: alice.admin })).status).toBe(404);
  });
});

describe("a suspended account", () => {
  it("can be read but not written to", async () => {
    const portal = await openTestPortal();
    const { call, clock, store } = portal;
    const alice = makePerson("laptop", clock.now());
    await portal.createAccount("alice", alice);
    await store.transact((tx) => tx.setAccountStatus("alice@localhost", "Suspended", clock.time));
    expect((await call("Get", { Account: "alice" })).message).toMatchObject({
      Status: 201,
      AccountStatus: "Suspended",
    });
    const signer = alice.admin;
    const next = nextPersonal(alice.admin.keys.online, alice.profile, {}, clock.now());
    const phone = makeDevice("phone", clock.now());
    const answers = await Promise.all([
      call("Publish", { Entry: personalEntry(next) }),
      call("DeleteAccount", { Account: "alice" }, { signer }),
      call("CreateAccount", { Account: "alice", Profile: personalEntry(alice.profile) }, { signer }),
      call("CreateAccount", { Account: "alice2", Profile: personalEntry(alice.profile) }, { signer }),
      call("ConnectStart", { AccountID: "alice", SignedRequest: makeRequest(phone, alice.profile.udf) }),
      call("ConnectPending", { AccountID: "alice" }, { signer }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403, 403]);
    for (const { message } of answers) expect(message.StatusDescription).toContain("suspended");
  });
});

describe("a revoked profile", () => {
  it("is served with its note, and everything else of it is refused", async () => {
    const portal = await openTestPortal();
    const { call, clock } = portal;
    const alice = makePerson("laptop", clock.now());
    await portal.createAccount("alice", alice);
    const note = createRevocation(alice.master.signature, clock.now());
    const entry = { SignedMasterProfile: note.record };
    expect((await call("Publish", { Entry: entry })).status).toBe(201);
    expect((await call("Publish", { Entry: entry })).status).toBe(201);
    for (const query of [{ Account: "alice" }, { Identifier: alice.profile.udf }]) {
      expect((await call("Get", query)).message.Entries).toEqual([personalEntry(alice.profile), entry]);
    }
    const signer = alice.admin;
    const next = nextPersonal(alice.admin.keys.online, alice.profile, {}, clock.now());
    const phone = makeDevice("phone", clock.now());
    const answers = await Promise.all([
      call("Publish", { Entry: personalEntry(next) }),
      call("Publish", { Entry: personalEntry(alice.profile) }),
      call("Publish", { Entry: { SignedDeviceProfile: alice.admin.device.record } }),
      call("DeleteAccount", { Account: "alice" }, { signer }),
      call("CreateAccount", { Account: "alice", Profile: personalEntry(alice.profile) }, { signer }),
      call("CreateAccount", { Account: "alice2", Profile: personalEntry(alice.profile) }, { signer }),
      call("ConnectStart", { AccountID: "alice", SignedRequest: makeRequest(phone, alice.profile.udf) }),
      call("ConnectPending", { AccountID: "alice" }, { signer }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 403));
    for (const { message } of answers) expect(message.StatusDescription).toContain("revoked");
  });

  it("is revoked once, by a note of its own", async () => {
    const portal = await openTestPortal();
    const { call, clock } = portal;
    const alice = makePerson("laptop", clock.now());
    const bob = makePerson("desk", clock.now());
    await portal.createAccount("alice", alice);
    const note = createRevocation(alice.master.signature, clock.now());
    const stranger = createRevocation(bob.master.signature, clock.now());
    expect((await call("Publish", { Entry: { SignedMasterProfile: stranger.record } })).status).toBe(404);
    const plain = { SignedMasterProfile: alice.profile.master.record };
    expect((await call("Publish", { Entry: plain })).status).toBe(400);
    expect((await call("Publish", { Entry: { SignedMasterProfile: note.record } })).status).toBe(201);
    clock.advance(5000);
    const later = createRevocation(alice.master.signature, clock.now());
    const refused = await call("Publish", { Entry: { SignedMasterProfile: later.record } });
    expect(refused).toMatchObject({ status: 409, message: { Entry: { SignedMasterProfile: note.record } } });
  });
});
