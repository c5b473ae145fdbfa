import Database from "better-sqlite3";
import { beforeEach, describe, expect, it } from "vitest";
import { nextPersonal } from "../../src/mesh/profile.js";
import type { Request } from "../../src/mesh/protocol.js";
import { accountUdf } from "../../src/mesh/udf.js";
import type { PersonalProfile } from "../../src/mesh/records/personal.js";
import {
  makeApplication,
  makeEscrowEntry,
  makeIdentifier,
  makePerson,
  openTestPortal,
  personalEntry,
  wrap,
  type Person,
  type TestPortal,
} from "../support/portal.js";

const NAME = accountUdf("alice@example.com");

let portal: TestPortal;
let alice: Person;
let versions: PersonalProfile[];

const get = (message: Request<"Get">) => portal.call("Get", message);

/** Follows the page keys to the end and gives every page's entries. */
const pages = async (message: Request<"Get">, constraints = {}): Promise<unknown[][]> => {
  const result: unknown[][] = [];
  for (let request = message; ;) {
    const { status, message: answer } = await get(request);
    expect(status).toBe(201);
    result.push(answer.Entries ?? answer.DataItems);
    if (answer.PageKey === undefined) return result;
    expect(answer.PageKey.length).toBeLessThanOrEqual(256);
    request = { SearchConstraints: { ...constraints, PageKey: answer.PageKey } };
  }
};

/** Five versions of Alice's profile, ten seconds apart, of which the last three have a name. */
beforeEach(async () => {
  portal = await openTestPortal();
  const { clock, call } = portal;
  alice = makePerson("laptop", clock.now());
  await portal.createAccount("alice", alice);
  versions = [alice.profile];
  for (let index = 1; index < 5; index++) {
    clock.advance(10_000);
    const change = index < 2 ? {} : { names: [NAME] };
    const profile = nextPersonal(alice.admin.keys.online, versions[0]!, change, clock.now());
    expect((await call("Publish", { Entry: personalEntry(profile) })).status).toBe(201);
    versions.unshift(profile);
  }
});

describe("Get", () => {
  it.each(["reference", "draft"] as const)("finds the newest version, in the %s wrapping", async (wrapping) => {
    const newest = [personalEntry(versions[0]!)];
    const byAccount = await portal.call("Get", { Account: "ALICE", Multiple: false }, { wrapping });
    expect(byAccount).toMatchObject({ status: 201, name: "GetResponse" });
    expect(byAccount.message).toMatchObject({ Entries: newest, AccountStatus: "Open" });
    const byIdentifier = await portal.call("Get", { Identifier: alice.profile.udf }, { wrapping });
    expect(byIdentifier.message.Entries).toEqual(newest);
    expect(byIdentifier.message).not.toHaveProperty("AccountStatus");
    const KeyValues = [{ Key: "Name", Value: NAME }];
    expect((await portal.call("Get", { KeyValues }, { wrapping })).message.Entries).toEqual(newest);
  });

  it("gives out no record that is not what was accepted", async () => {
    const damage = (change: string): void => {
      const db = new Database(portal.file);
      db.exec(`UPDATE log SET text = ${change} WHERE text LIKE '%SignedPersonalProfile%'`);
      db.close();
    };
    const status = async (): Promise<number[]> => [
      (await portal.call("Get", { Account: "alice" })).status,
      (await portal.call("Get", { Account: "alice", Full: true })).status,
    ];
    expect(await status()).toEqual([201, 201]);
    damage(`replace(text, '"payload":"', '"payload":"A')`);
    expect(await status()).toEqual([500, 500]);
    damage(`'{"SignedPersonalProfile":{}}'`);
    expect(await status()).toEqual([500, 500]);
    damage("'SignedPersonalProfile'");
    expect(await status()).toEqual([500, 500]);
  });

  it("answers anew once anything has changed", async () => {
    const shown = async (): Promise<unknown[]> => {
      const [plain, full, byIdentifier] = await Promise.all([
        get({ Account: "alice" }),
        get({ Account: "alice", Full: true }),
        get({ Identifier: alice.profile.udf }),
      ]);
      const [item] = full.message.DataItems ?? [];
      return [plain.message.Entries?.[0], JSON.parse(item?.Text ?? ""), byIdentifier.message.Entries?.[0]];
    };
    for (let round = 0; round < 3; round++) {
      const entry = personalEntry(versions[0]!);
      for (let again = 0; again < 2; again++) expect(await shown()).toEqual([entry, entry, entry]);
      const next = nextPersonal(alice.admin.keys.online, versions[0]!, {}, portal.clock.now());
      expect((await portal.call("Publish", { Entry: personalEntry(next) })).status).toBe(201);
      versions.unshift(next);
    }
    expect((await portal.call("Get", { Account: "alice" })).message.AccountStatus).toBe("Open");
    await portal.store.transact((tx) => tx.setAccountStatus("alice@localhost", "Suspended", 1));
    expect((await portal.call("Get", { Account: "alice" })).message.AccountStatus).toBe("Suspended");
  });

  it("reads an identifier in any case and grouping", async () => {
    const Identifier = alice.profile.udf.toLowerCase().replaceAll("-", "");
    expect((await get({ Identifier })).message.Entries).toEqual([personalEntry(versions[0]!)]);
  });

  it("takes the account where an identifier is given as well", async () => {
    const answer = await get({ Account: "alice", Identifier: makeIdentifier() });
    expect(answer.message.Entries).toEqual([personalEntry(versions[0]!)]);
  });

  it("gives all versions, newest first, with Multiple", async () => {
    const all = versions.map(personalEntry);
    expect((await get({ Account: "alice", Multiple: true })).message.Entries).toEqual(all);
    const named = { KeyValues: [{ Key: "Name", Value: NAME }], Multiple: true };
    expect((await get(named)).message.Entries).toEqual(all.slice(0, 3));
  });

  it("answers 404 where there is nothing", async () => {
    const other = makeIdentifier();
    for (const message of [
      { Account: "nobody" },
      { Account: "alice@example.net" },
      { Identifier: other },
      { Identifier: "MAAAA-AAAAA" },
      { Identifier: "" },
      { KeyValues: [{ Key: "Name", Value: other }] },
      { KeyValues: [{ Key: "Name", Value: "alice" }] },
      { KeyValues: [{ Key: "Type", Value: "Nothing" }] },
      { KeyValues: [{ Key: "Type", Value: "no such type!" }] },
      {
        KeyValues: [
          { Key: "Name", Value: NAME },
          { Key: "Name", Value: other },
        ],
      },
      { Account: "alice", SearchConstraints: { Before: "2020-01-01T00:00:00Z" } },
    ]) {
      expect(await get(message)).toMatchObject({ status: 404, http: 404, name: "GetResponse" });
    }
  });

  it("answers 400 to what is no question", async () => {
    for (const message of [
      {},
      { Multiple: true },
      { KeyValues: [{ Key: "Account", Value: "alice" }] },
      { Account: "al ice" },
      { Account: "alice", SearchConstraints: { MaxEntries: 0 } },
    ]) {
      expect(await get(message)).toMatchObject({ status: 400, name: "GetResponse" });
    }
  });

  it("searches by type, but never finds escrow entries that way", async () => {
    const { call, clock } = portal;
    const escrow = { OfflineEscrowEntry: await makeEscrowEntry(alice) };
    expect((await call("Publish", { Entry: escrow }, { signer: alice.admin })).status).toBe(201);
    const { udf: owner } = alice.profile;
    const key = alice.admin.keys.signature;
    const application = {
      SignedApplicationProfile: makeApplication({ owner, identifier: makeIdentifier(), key }, clock.now()),
    };
    expect((await call("Publish", { Entry: application })).status).toBe(201);
    const byType = async (Value: string) => (await get({ KeyValues: [{ Key: "Type", Value }] })).message.Entries;
    expect(await byType("SignedPersonalProfile")).toEqual([personalEntry(versions[0]!)]);
    expect(await byType("PersonalProfile")).toEqual([personalEntry(versions[0]!)]);
    expect(await byType("SignedApplicationProfile")).toEqual([application]);
    expect(await byType("PasswordProfile")).toEqual([application]);
    expect(await byType("MailProfile")).toBeUndefined();
    expect(await byType("OfflineEscrowEntry")).toBeUndefined();
    const KeyValues = [{ Key: "Type", Value: "OfflineEscrowEntry" }];
    const { Identifier } = escrow.OfflineEscrowEntry;
    expect((await get({ Identifier, KeyValues })).message.Entries).toEqual([escrow]);
    expect((await get({ Identifier: owner, KeyValues })).status).toBe(404);
  });

  it.each([1, 2, 5, 100])("gives pages of at most %i entries", async (MaxEntries) => {
    const SearchConstraints = { MaxEntries };
    for (const message of [
      { Account: "alice", Multiple: true, SearchConstraints },
      { Identifier: alice.profile.udf, Multiple: true, SearchConstraints },
      { KeyValues: [{ Key: "Type", Value: "PersonalProfile" }], Multiple: true, SearchConstraints },
    ]) {
      const all = await pages(message, SearchConstraints);
      expect(all.flat()).toEqual(versions.map(personalEntry));
      for (const page of all) expect(page.length).toBeLessThanOrEqual(MaxEntries);
      expect(all).toHaveLength(Math.ceil(5 / MaxEntries));
    }
  });

  it("gives pages of at most so many octets, but never an empty one", async () => {
    const size = JSON.stringify(personalEntry(versions[0]!)).length;
    const SearchConstraints = { MaxBytes: 2 * size + 200 };
    const message = { Account: "alice", Multiple: true };
    expect((await pages({ ...message, SearchConstraints }, SearchConstraints)).map(({ length }) => length)).toEqual([
      2, 2, 1,
    ]);
    const tiny = { MaxBytes: 0 };
    expect(await pages({ ...message, SearchConstraints: tiny }, tiny)).toHaveLength(5);
  });

  it("lets a page key override everything but the bounds", async () => {
    const SearchConstraints = { MaxEntries: 2 };
    const { message } = await get({ Account: "alice", Multiple: true, Full: true, SearchConstraints });
    const answer = await get({
      Identifier: makeIdentifier(),
      KeyValues: [{ Key: "Nonsense", Value: "" }],
      SearchConstraints: { ...SearchConstraints, PageKey: message.PageKey, Before: "2020-01-01T00:00:00Z" },
    });
    expect(answer.message.DataItems).toHaveLength(2);
  });

  it("refuses page keys that it has not made", async () => {
    const { message } = await get({ Account: "alice", Multiple: true, SearchConstraints: { MaxEntries: 1 } });
    const key: string = message.PageKey;
    for (const PageKey of ["", "x", `${key}.`, key.replace("g", "t"), key.replace("m", "mm"), "g.1..E....."]) {
      expect((await get({ SearchConstraints: { PageKey } })).status).toBe(400);
    }
  });

  it("searches within times, by their old and their new names", async () => {
    const time = (index: number): string =>
      new Date(Date.parse("2026-03-01T12:00:00.250Z") + index * 10_000).toISOString();
    const between = versions.slice(1, 3).map(personalEntry);
    const query = { Account: "alice", Multiple: true };
    const SearchConstraints = { NotBefore: time(2), Before: time(4) };
    expect((await get({ ...query, SearchConstraints })).message.Entries).toEqual(between);
    expect((await get({ ...query, NotBefore: time(2), NotOnOrAfter: time(4) })).message.Entries).toEqual(between);
    const paged = await pages(
      { ...query, SearchConstraints: { ...SearchConstraints, MaxEntries: 1 } },
      { MaxEntries: 1 },
    );
    expect(paged.flat()).toEqual(between);
  });

  it("gives the log's items with Full, as GetRecords does", async () => {
    const full = await get({ Account: "alice", Full: true });
    const text = JSON.stringify(personalEntry(versions[0]!));
    const item = {
      TransactionID: "TID:6",
      PrimaryKey: alice.profile.udf,
      Action: "Update",
      Added: "2026-03-01T12:00:40.250Z",
      Keys: [
        { Key: "Type", Value: "PersonalProfile" },
        { Key: "Name", Value: NAME },
      ],
      Text: text,
    };
    expect(full.message).toMatchObject({ DataItems: [item], AccountStatus: "Open" });
    expect(full.message).not.toHaveProperty("Entries");
    for (const body of [
      { GetRecords: { GetRecordsRequest: { Account: "alice" } } },
      { GetRecordsRequest: { Account: "alice" } },
    ]) {
      const answer = await portal.raw(JSON.stringify(body));
      expect(answer).toMatchObject({ status: 201, name: "GetRecordsResponse", message: { DataItems: [item] } });
    }
    expect(await portal.raw('{"GetRecords": {"GetRequest": {}}}')).toMatchObject({
      status: 400,
      name: "GetRecordsResponse",
    });
  });

  it("keeps its own bounds where none are asked for", async () => {
    const { clock, call } = portal;
    const key = alice.admin.keys.signature;
    const records = Array.from({ length: 101 }, () =>
      makeApplication({ owner: alice.profile.udf, identifier: makeIdentifier(), key }, clock.now()),
    );
    await Promise.all(records.map((record) => call("Publish", { Entry: { SignedApplicationProfile: record } })));
    const all = await pages({ KeyValues: [{ Key: "Type", Value: "PasswordProfile" }] });
    expect(all.map(({ length }) => length)).toEqual([100, 1]);
  });
});

describe("Status", () => {
  it("says when the log was last written", async () => {
    const empty = await openTestPortal();
    expect((await empty.call("Status", {})).message).not.toHaveProperty("LastWriteTime");
    const answer = await portal.call("Status", {});
    expect(answer).toMatchObject({ status: 201, name: "StatusResponse" });
    expect(answer.message.LastWriteTime).toBe("2026-03-01T12:00:40.250Z");
  });
});

describe("Transfer", () => {
  const authorization = { authorization: "Bearer s3cret" };

  it("is for authorised peers", async () => {
    expect(await portal.call("Transfer", {})).toMatchObject({ status: 403, name: "TransferResponse" });
    expect((await portal.call("Transfer", {}, { headers: authorization })).status).toBe(403);
    const open = await openTestPortal({ transferToken: "s3cret" });
    expect((await open.call("Transfer", {})).status).toBe(401);
    expect((await open.call("Transfer", {}, { headers: { authorization: "Bearer s3creT" } })).status).toBe(401);
    expect((await open.call("Transfer", {}, { headers: { authorization: "Basic s3cret" } })).status).toBe(401);
    expect((await open.call("Transfer", {}, { headers: authorization })).message).not.toHaveProperty("DataItems");
  });

  it("gives the published records in order, without escrow entries and the portal's own affairs", async () => {
    const open = await openTestPortal({ transferToken: "s3cret" }, portal.clock, portal.file);
    const escrow = { OfflineEscrowEntry: await makeEscrowEntry(alice) };
    expect((await open.call("Publish", { Entry: escrow }, { signer: alice.admin })).status).toBe(201);
    expect((await open.call("Publish", { Entry: { SignedDeviceProfile: alice.admin.device.record } })).status).toBe(
      201,
    );
    const transfer = async (message: Request<"Transfer">) =>
      (await open.raw(wrap("Transfer", message), { headers: authorization })).message;
    const texts = (answer: { DataItems: { Text: string }[] }) => answer.DataItems.map(({ Text }) => JSON.parse(Text));
    const expected = [...versions.map(personalEntry).reverse(), { SignedDeviceProfile: alice.admin.device.record }];
    expect(texts(await transfer({}))).toEqual(expected);
    const all: unknown[] = [];
    for (let SearchConstraints = {}; ;) {
      const answer = await transfer({ SearchConstraints: { MaxEntries: 4, ...SearchConstraints } });
      all.push(...texts(answer));
      if (answer.PageKey === undefined) break;
      SearchConstraints = { PageKey: answer.PageKey };
    }
    expect(all).toEqual(expected);
    const [, second] = (await transfer({})).DataItems;
    expect(texts(await transfer({ After: second.TransactionID, MaxEntries: 2 }))).toEqual(expected.slice(2, 4));
    expect(texts(await transfer({ NotBefore: second.Added, Until: "2026-03-01T12:00:30Z" }))).toEqual(
      expected.slice(1, 3),
    );
    for (const message of [{ After: "7" }, { SearchConstraints: { PageKey: "p.1.." } }]) {
      const answer = await transfer(message);
      expect(answer.Status).toBe(400);
    }
  });
});
