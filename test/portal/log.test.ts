import * as path from "node:path";
import Database from "better-sqlite3";
import { beforeEach, describe, expect, it } from "vitest";
import { decodeBase64url, sha256, utf8 } from "../../src/mesh/bytes.js";
import { recordHash, type SignedRecord } from "../../src/mesh/jose.js";
import { checkpointText } from "../../src/mesh/log/checkpoint.js";
import { accountLeafHash, accountUdf, identifierHash, type Leaf } from "../../src/mesh/log/leaf.js";
import { createRevocation, nextPersonal, recordTime } from "../../src/mesh/profile.js";
import { CHECKPOINT_INTERVAL, type DataItem, type Proof } from "../../src/mesh/protocol.js";
import type { PersonalProfile } from "../../src/mesh/records/personal.js";
import { logKeyFileOf, openLogKey, rotateLogKey } from "../../src/portal/log/key-file.js";
import type { PortalEvent } from "../../src/portal/portal.js";
import type { Reader, Store } from "../../src/portal/store/store.js";
import { temporaryFolder } from "../support/deps.js";
import { makeRequestId, watch, type Watcher } from "../support/log.js";
import { makeSigner } from "../support/log-key.js";
import {
  makeApplication,
  makeDevice,
  makeEscrowEntry,
  makeHttpRequest,
  makeIdentifier,
  makePerson,
  makeRequest,
  makeResult,
  openTestPortal,
  openTestStore,
  personalEntry,
  random,
  wrap,
  type Person,
  type TestPortal,
} from "../support/portal.js";

let portal: TestPortal;
let alice: Person;
let now: Date;
let events: PortalEvent[];
let watcher: Watcher;

const hashOf = (record: SignedRecord): Buffer => decodeBase64url(recordHash(record));
const next = (previous: PersonalProfile, change = {}): PersonalProfile =>
  nextPersonal(alice.admin.keys.online, previous, change, now);
const accountLeaf = (name: string, profile: string, status: "Open" | "Closed", sequence: number): object => ({
  kind: "account",
  identifierHash: identifierHash(accountUdf(`${name}@localhost`)),
  masterSequence: 0,
  sequence,
  recordHash: accountLeafHash(accountUdf(`${name}@localhost`), profile, status),
});
const personalLeaf = (profile: PersonalProfile): object => ({
  kind: "personal",
  identifierHash: identifierHash(profile.udf),
  masterSequence: profile.master.sequence,
  sequence: profile.sequence,
  recordHash: hashOf(profile.record),
});
const recordLeaf = (kind: string, record: SignedRecord, sequence = 0, masterSequence = 0): object => ({
  kind,
  identifierHash: identifierHash(record.Identifier),
  masterSequence,
  sequence,
  recordHash: hashOf(record),
});

const openPortal = (options: Parameters<typeof openTestPortal>[0] = {}): Promise<TestPortal> => {
  events = [];
  return openTestPortal({ log: (event) => events.push(event), ...options });
};

/** A store with something done to it. */
const around = (store: Store, change: (store: Store) => Partial<Store>): Store => ({ ...store, ...change(store) });

beforeEach(async () => {
  portal = await openPortal();
  now = portal.clock.now();
  alice = makePerson("laptop", now);
  watcher = await watch(portal);
});

const create = (name = "alice", person = alice, profile = person.profile) =>
  watcher.ask("CreateAccount", { Account: name, Profile: personalEntry(profile) }, { signer: person.admin });

describe("what is changed", () => {
  it("is proved to be in the tree: an account and its profile", async () => {
    const answer = await create();
    expect(answer.status).toBe(201);
    expect(answer.leaves).toMatchObject([
      personalLeaf(alice.profile),
      accountLeaf("alice", alice.profile.udf, "Open", 1),
    ]);
    expect(answer.checkpoint.size).toBe(2);
    // The same again is done already, and no leaf is added.
    const again = await create();
    expect(again).toMatchObject({ status: 201, leaves: answer.leaves, indices: answer.indices });
    expect(again.checkpoint.size).toBe(2);
    const second = next(alice.profile);
    const newer = await create("alice", alice, second);
    expect(newer.leaves).toMatchObject([{ ...personalLeaf(second), previous: { index: 0 } }, { kind: "account" }]);
    expect(newer.indices).toEqual([2, 1]);
    const other = await create("other", alice, second);
    expect(other.indices).toEqual([2, 3]);
    expect(JSON.stringify(other.message)).not.toContain("alice@");
  });

  it("is proved for every type of record, published once or again", async () => {
    await create();
    const phone = makeDevice("phone", now);
    const second = next(alice.profile, { devices: [alice.admin.device, phone.device] });
    const identifier = makeIdentifier();
    const first = makeApplication({ owner: alice.profile.udf, identifier, key: alice.admin.keys.signature }, now);
    const later = makeApplication(
      { owner: alice.profile.udf, identifier, key: alice.admin.keys.signature, sequence: 2, previous: first },
      now,
    );
    const entry = await makeEscrowEntry(alice);
    const { protected: header, iv, ciphertext, tag } = entry.EncryptedData;
    const note = createRevocation(alice.master.signature, now).record;
    const cases = [
      [personalEntry(second), personalLeaf(second)],
      [{ SignedDeviceProfile: phone.device.record }, recordLeaf("device", phone.device.record)],
      [{ SignedApplicationProfile: first }, recordLeaf("application", first, 1)],
      [{ SignedApplicationProfile: later }, recordLeaf("application", later, 2)],
      [
        { OfflineEscrowEntry: entry },
        {
          kind: "escrow",
          identifierHash: identifierHash(entry.Identifier),
          recordHash: sha256(utf8([header, iv, ciphertext, tag].join("."))),
        },
      ],
      [{ SignedMasterProfile: note }, recordLeaf("master", note, 0, Number.MAX_SAFE_INTEGER)],
    ] as const;
    for (const [Entry, expected] of cases) {
      const signer = { signer: alice.admin };
      const done = await watcher.ask("Publish", { Entry }, signer);
      expect(done).toMatchObject({ status: 201, leaves: [expected] });
      if ("SignedMasterProfile" in Entry) continue;
      expect(await watcher.ask("Publish", { Entry }, signer)).toMatchObject({ status: 201, indices: done.indices });
    }
    // What was published before the note is not taken back, and the note is done already.
    const again = await watcher.ask("Publish", { Entry: { SignedMasterProfile: note } });
    expect(again).toMatchObject({ status: 201, leaves: [{ kind: "master" }] });
  });

  it("is proved for a result, and for whoever waits for it", async () => {
    await create();
    const phone = makeDevice("phone", now);
    const account = { AccountID: "alice" };
    const asked = await watcher.ask("ConnectStart", {
      ...account,
      SignedRequest: makeRequest(phone, alice.profile.udf),
    });
    expect(asked.message).not.toHaveProperty("Proofs");
    const waiting = { ...account, DeviceID: phone.device.udf };
    expect((await watcher.ask("ConnectStatus", waiting)).message).not.toHaveProperty("Proofs");
    await watcher.ask("ConnectPending", account, { signer: alice.admin });
    const result = makeResult(phone, alice, "Refused");
    const expected = { status: 201, leaves: [recordLeaf("result", result)] };
    expect(await watcher.ask("ConnectComplete", { ...account, Result: result })).toMatchObject(expected);
    expect(await watcher.ask("ConnectComplete", { ...account, Result: result })).toMatchObject(expected);
    expect(await watcher.ask("ConnectStatus", waiting)).toMatchObject(expected);
  });

  it("is proved for a deletion, and whoever asks then hears by which leaf", async () => {
    await create();
    const done = await watcher.ask("DeleteAccount", { Account: "alice" }, { signer: alice.admin });
    const closed = accountLeaf("alice", alice.profile.udf, "Closed", 2);
    expect(done).toMatchObject({ status: 201, leaves: [closed] });
    for (const ask of [
      () => watcher.ask("Get", { Account: "alice", Full: true }),
      () => watcher.ask("DeleteAccount", { Account: "alice" }, { signer: alice.admin }),
      () => watcher.ask("ConnectStatus", { AccountID: "alice", DeviceID: alice.admin.device.udf }),
    ]) {
      const answer = await ask();
      expect(answer).toMatchObject({ status: 404, message: { AccountStatus: "Closed" } });
      expect(watcher.prove(answer.message.AccountProof)).toMatchObject(closed);
    }
    expect((await create()).status).toBe(409);
  });

  it("is proved anew to a client that asks the same again, by whatever head there is then", async () => {
    await create();
    const body = wrap("DeleteAccount", { Account: "alice", RequestID: makeRequestId() });
    const request = makeHttpRequest(body, portal.clock, portal.authority, { signer: alice.admin });
    const send = async () => {
      const { message } = {
        message: Object.values(JSON.parse((await portal.portal.handle(request)).body.toString()))[0],
      };
      return message as { Status: number; Proofs: [Proof]; Checkpoint: string; RequestID: string };
    };
    const first = await send();
    const bob = makePerson("desk", now);
    await create("bob", bob);
    const second = await send();
    expect(second).toMatchObject({ Status: 201, RequestID: first.RequestID, Proofs: [{ Index: 2 }] });
    expect(second.Checkpoint).not.toBe(first.Checkpoint);
    expect(watcher.prove(second.Proofs[0])).toMatchObject({ kind: "account", sequence: 2 });
  });
});

describe("what is found", () => {
  it("comes with the proof of each item and of the account, and the very octets that are stored", async () => {
    await create();
    const second = next(alice.profile);
    await watcher.ask("Publish", { Entry: personalEntry(second) });
    const full = { Full: true, Multiple: true };
    for (const query of [{ Account: "alice" }, { Identifier: alice.profile.udf }]) {
      const { message } = await watcher.ask("Get", { ...query, ...full });
      const items = message.DataItems as (DataItem & { Proof: Proof; Text: string })[];
      expect(items.map(({ Proof: proof }) => watcher.prove(proof))).toMatchObject(
        [second, alice.profile].map(personalLeaf),
      );
      expect(items.map(({ Text }) => Text)).toEqual(
        [second, alice.profile].map((profile) => JSON.stringify(personalEntry(profile))),
      );
      expect(message.Proofs).toBeUndefined();
      if (!("Account" in query)) expect(message.AccountProof).toBeUndefined();
      else expect(watcher.prove(message.AccountProof)).toMatchObject(accountLeaf("alice", second.udf, "Open", 1));
    }
    const entries = await watcher.ask("Get", { Account: "alice" });
    expect(entries.message).toMatchObject({ Entries: [personalEntry(second)], AccountProof: { Index: 1 } });
  });

  it("comes with its proofs on every page", async () => {
    await create();
    let profile = alice.profile;
    for (let version = 2; version <= 5; version++) {
      profile = next(profile);
      await watcher.ask("Publish", { Entry: personalEntry(profile) });
    }
    const sequences: number[] = [];
    for (let key: string | undefined, first = true; first || key !== undefined; first = false) {
      const SearchConstraints = { MaxEntries: 2, ...(key !== undefined && { PageKey: key }) };
      const request = { Identifier: profile.udf, Full: true, Multiple: true, SearchConstraints };
      const { message } = await watcher.ask("Get", request);
      const items = message.DataItems as { Proof: Proof }[];
      sequences.push(...items.map((item) => watcher.prove(item.Proof).sequence));
      key = message.PageKey;
    }
    expect(sequences).toEqual([5, 4, 3, 2, 1]);
  });

  it("is told by the head of the very view that it was read in, though another has come since", async () => {
    await create();
    const second = next(alice.profile);
    const third = next(second);
    await watcher.ask("Publish", { Entry: personalEntry(second) });
    const { store } = portal;
    let pending: PersonalProfile | undefined = third;
    // Somebody publishes while the answer is on its way out of the store.
    const slow = around(store, ({ read }) => ({
      read: async (work) => {
        const value = await read(work);
        const entry = pending;
        if (entry) {
          pending = undefined;
          await portal.call("Publish", { Entry: personalEntry(entry) });
        }
        return value;
      },
    }));
    const behind = await openTestPortal({ store: { ...slow, close: () => Promise.resolve() } }, portal.clock);
    pending = undefined;
    const reader = await watch(behind);
    await reader.ask("Status", {});
    pending = third;
    const answer = await reader.ask("Get", { Account: "alice", Full: true });
    expect(pending).toBeUndefined();
    expect(answer.checkpoint.size).toBe(3);
    expect(answer.message.DataItems).toMatchObject([{ Proof: { Index: 2 } }]);
    expect((await reader.ask("Get", { Account: "alice", Full: true })).checkpoint.size).toBe(4);
  });

  it("is bound to a head even where it is nothing", async () => {
    await create();
    const udf = makeIdentifier();
    for (const [ask, status] of [
      [() => watcher.ask("Get", { Account: "nobody", Full: true }), 404],
      [() => watcher.ask("Get", { Identifier: udf }), 404],
      [() => watcher.ask("Get", { KeyValues: [{ Key: "Colour", Value: "red" }] }), 400],
      [() => watcher.ask("ConnectStatus", { AccountID: "alice", DeviceID: udf }), 404],
      [() => watcher.ask("ValidateAccount", { Account: "alice" }), 201],
      [() => watcher.ask("DeleteAccount", { Account: "alice" }), 401],
      [() => watcher.ask("Transfer", {}), 403],
      // Not even the form of a request is right.
      [() => watcher.ask("Get", { Full: "yes" } as never), 400],
    ] as const) {
      const answer = await ask();
      expect(answer.status).toBe(status);
      expect(answer.checkpoint.size).toBe(2);
      expect(answer.message).not.toHaveProperty("Proofs");
    }
    const before = { SearchConstraints: { Before: "2000-01-01T00:00:00Z" } };
    const nothing = await watcher.ask("Get", { Account: "alice", ...before });
    expect(nothing).toMatchObject({ status: 404, message: { AccountProof: { Index: 1 } } });
  });

  it("is proved where it stands in the way", async () => {
    await create();
    const second = next(alice.profile);
    const rival = next(alice.profile, { names: [makeIdentifier()] });
    await watcher.ask("Publish", { Entry: personalEntry(second) });
    const answer = await watcher.ask("Publish", { Entry: personalEntry(rival) });
    expect(answer).toMatchObject({ status: 409, message: { Entry: personalEntry(second) } });
    expect(answer.leaves).toMatchObject([personalLeaf(second)]);
  });
});

describe("a request", () => {
  it("that does not ask is answered as ever", async () => {
    await portal.createAccount("alice", alice);
    for (const name of ["Checkpoint", "RequestID", "Proofs", "AccountProof", "Consistency"]) {
      for (const request of [{ Account: "alice", Full: true }, { Account: "nobody" }]) {
        const { message } = await portal.call("Get", request);
        expect(message).not.toHaveProperty(name);
        for (const item of message.DataItems ?? []) expect(item).not.toHaveProperty("Proof");
      }
    }
    // The head alone asks for nothing, since nothing would say which request the answer is for.
    const { message } = await portal.call("Get", { Account: "alice", Checkpoint: "anything" });
    expect(message).not.toHaveProperty("Checkpoint");
  });

  it.each([undefined, "", "short", "x".repeat(23), "=".repeat(22), 7])("cannot be named %j", async (RequestID) => {
    const answer = await portal.raw(wrap("Status", { RequestID }));
    expect(answer.status).toBe(RequestID === undefined ? 201 : 400);
    expect(answer.message).not.toHaveProperty("RequestID");
  });

  it("that is refused for its rate or fails is told no more than which one it was", async () => {
    const limited = await openPortal({ rateLimit: { validate: 1 } });
    const RequestID = makeRequestId();
    await limited.call("ValidateAccount", { Account: "x", RequestID });
    const { status, message } = await limited.call("ValidateAccount", { Account: "x", RequestID });
    expect({ status, message }).toMatchObject({ status: 429, message: { RequestID } });
    expect(message).not.toHaveProperty("Checkpoint");
    const { store } = limited;
    const broken = around(store, () => ({
      read: () => Promise.reject(new Error("gone")),
      close: async () => undefined,
    }));
    const failing = await openPortal({ store: broken });
    const failure = await failing.call("Get", { Account: "x", RequestID });
    expect(failure).toMatchObject({ status: 500, message: { RequestID } });
    expect(failure.message).not.toHaveProperty("Checkpoint");
  });

  it("whose change was made and cannot be proved is told to ask again, and hears that it is done", async () => {
    await create();
    const { store } = portal;
    const second = next(alice.profile);
    let fails = false;
    const broken = around(store, ({ read, transact }) => ({
      read: (work) => (fails ? Promise.reject(new Error("gone")) : read(work)),
      transact: async (work) => {
        const value = await transact(work);
        fails = true;
        return value;
      },
      close: async () => undefined,
    }));
    const failing = await openPortal({ store: broken });
    const RequestID = makeRequestId();
    const failed = await failing.call("Publish", { Entry: personalEntry(second), RequestID });
    expect(failed).toMatchObject({ status: 500, message: { RequestID } });
    expect(events).toMatchObject([{ status: 500, error: { message: "gone" } }]);
    const done = await watcher.ask("Publish", { Entry: personalEntry(second) });
    expect(done).toMatchObject({ status: 201, indices: [2], leaves: [personalLeaf(second)] });
  });

  it("shows the head it holds, and is shown that the new one follows", async () => {
    await create();
    const old = watcher.head!;
    let profile = alice.profile;
    for (let version = 2; version <= 9; version++) {
      profile = next(profile);
      const answer = await watcher.ask("Publish", { Entry: personalEntry(profile) });
      expect(answer.message.Consistency.length).toBeGreaterThan(0);
    }
    // `ask` has verified each. The same holds from the first head of all, and nothing is to be proved of the present one.
    const RequestID = makeRequestId();
    const { message } = await portal.call("Status", { RequestID, Checkpoint: old.note });
    expect(message.Consistency.length).toBeGreaterThan(0);
    const same = await portal.call("Status", { RequestID, Checkpoint: watcher.head!.note });
    expect(same.message).not.toHaveProperty("Consistency");
    expect(events.some(({ aheadOfUs }) => aheadOfUs)).toBe(false);
  });
});

describe("a head that was never this log's", () => {
  const tell = async (Checkpoint: string) => {
    events.length = 0;
    const answer = await portal.call("Status", { RequestID: makeRequestId(), Checkpoint });
    expect(answer.status).toBe(201);
    expect(answer.message.Checkpoint).toBeDefined();
    return { proof: answer.message.Consistency, ahead: events[0]?.aheadOfUs };
  };
  const root = sha256(utf8("another tree"));

  it("is passed over, whoever signed it", async () => {
    await create();
    const stranger = makeSigner();
    const [origin = ""] = watcher.key.split("+");
    const namesake = makeSigner(origin);
    for (const note of [
      "",
      "nonsense",
      watcher.head!.note.replace("time ", "tame "),
      `${watcher.head!.note}— x y\n`,
      stranger.sign(checkpointText({ origin: stranger.origin, size: 1, root, time: now })),
      namesake.sign(checkpointText({ origin, size: 1, root, time: now })),
      namesake.sign(checkpointText({ origin, size: 10 ** 12, root, time: now })),
    ]) {
      expect(await tell(note)).toEqual({ proof: undefined, ahead: undefined });
    }
  });

  it("is noted where this log's own key signed it: the store was put back", async () => {
    await create();
    const keys = await openLogKey(logKeyFileOf(portal.file), { random });
    const sign = (size: number): string => keys.sign(checkpointText({ origin: keys.origin, size, root, time: now }));
    expect(await tell(sign(3))).toEqual({ proof: undefined, ahead: true });
    expect(await tell(sign(2))).toEqual({ proof: undefined, ahead: true });
    // The proof is given, and does not hold.
    expect(await tell(sign(1))).toMatchObject({ proof: [expect.any(String)], ahead: true });
    expect(await tell(watcher.head!.note)).toEqual({ proof: undefined, ahead: undefined });
  });

  it("may be longer than any note, and is refused then", async () => {
    const RequestID = makeRequestId();
    const answer = await portal.call("Status", { RequestID, Checkpoint: "x".repeat(4097) });
    expect(answer).toMatchObject({ status: 400, message: { RequestID } });
    expect(answer.message.Checkpoint).toBeDefined();
  });
});

describe("the head", () => {
  const MINUTE = 60_000;

  it("is signed anew once it is old, by one of all that ask, and only for who asks for proofs", async () => {
    await create();
    const before = watcher.head!;
    let signed = 0;
    const { store } = portal;
    const counting = around(store, ({ refreshHead }) => ({
      refreshHead: (at, than) => {
        signed++;
        return refreshHead(at, than);
      },
      close: async () => undefined,
    }));
    const other = await openTestPortal({ store: counting }, portal.clock);
    const reader = await watch(other);
    await reader.ask("Get", { Account: "alice" });
    portal.clock.advance(CHECKPOINT_INTERVAL * 1000);
    expect((await reader.ask("Get", { Account: "alice" })).checkpoint.note).toBe(before.note);
    portal.clock.advance(1);
    await other.call("Get", { Account: "alice" });
    expect(signed).toBe(0);
    const ask = () => other.call("Get", { Account: "alice", RequestID: makeRequestId() });
    await Promise.all(Array.from({ length: 8 }, ask));
    expect(signed).toBe(1);
    const after = (await reader.ask("Get", { Account: "alice" })).checkpoint;
    expect(after).toMatchObject({ size: before.size, root: before.root, time: portal.clock.now() });
    expect(signed).toBe(1);
  });

  it("is signed anew after the clock was put right", async () => {
    await create();
    portal.clock.advance(-10 * MINUTE);
    expect((await watcher.ask("Status", {})).checkpoint.time).toEqual(portal.clock.now());
  });

  it("is told as it is where it cannot be signed, and is not tried again with every request", async () => {
    await create();
    const before = watcher.head!;
    let tries = 0;
    const { store } = portal;
    const full = around(store, () => ({
      refreshHead: () => {
        tries++;
        return Promise.reject(new Error("disk full"));
      },
      close: async () => undefined,
    }));
    const other = await openTestPortal({ store: full }, portal.clock);
    const reader = await watch(other);
    portal.clock.advance(20 * MINUTE);
    for (let count = 0; count < 3; count++) {
      expect((await reader.ask("Get", { Account: "alice" })).checkpoint.note).toBe(before.note);
    }
    expect(tries).toBe(1);
    portal.clock.advance(MINUTE);
    await reader.ask("Get", { Account: "alice" });
    expect(tries).toBe(2);
  });

  it("is what Status tells, with its times", async () => {
    const empty = await portal.call("Status", {});
    expect(empty.message).not.toHaveProperty("LastWriteTime");
    expect(empty.message.LastCheckpointTime).toBe(now.toISOString());
    await create();
    portal.clock.advance(MINUTE);
    const { message } = await portal.call("Status", {});
    expect(message).toEqual({
      Status: 201,
      StatusDescription: expect.any(String),
      LastWriteTime: now.toISOString(),
      LastCheckpointTime: now.toISOString(),
      NextCheckpointTime: new Date(now.getTime() + CHECKPOINT_INTERVAL * 1000).toISOString(),
      CheckpointValue: watcher.head!.note,
    });
    const asked = await watcher.ask("Status", {});
    expect(asked.message.CheckpointValue).toBe(asked.checkpoint.note);
  });
});

describe("the key of the log", () => {
  it("is announced, and a change of it is followed by whoever has pinned the old one", async () => {
    await create();
    const hello = await portal.call("Hello", {});
    expect(hello.message.Log).toEqual({ Key: watcher.key });
    expect(hello.message.Extensions).toContain("transparency");
    // Another process changes it, and this one goes on under the new one.
    const keys = await openLogKey(logKeyFileOf(portal.file), { random });
    const other = await openTestStore(portal.file);
    const verifier = await rotateLogKey(other, keys, { random, now: portal.clock.time });
    await other.close();
    const RequestID = makeRequestId();
    const told = await portal.call("Status", { RequestID, Checkpoint: watcher.head!.note });
    // What was signed by the old key is known to be this log's.
    expect(told.message.Consistency.length).toBeGreaterThan(0);
    const old = watcher.key;
    await watcher.hello();
    expect(watcher.key).toBe(verifier);
    expect(watcher.key).not.toBe(old);
    const second = next(alice.profile);
    const answer = await watcher.ask("Publish", { Entry: personalEntry(second) });
    expect(answer).toMatchObject({ status: 201, indices: [3] });
    expect((await portal.call("Hello", {})).message.Log).toEqual({ Key: verifier, KeyChanges: [expect.any(String)] });
    expect(events.some(({ aheadOfUs }) => aheadOfUs)).toBe(false);
  });
});

describe("the tree in memory", () => {
  it("is read from the store once for many answers at once", async () => {
    const people = Array.from({ length: 24 }, (_, index) => makePerson(`p${index}`, now));
    let reads = 0;
    const { store } = portal;
    const counting = around(store, ({ read }) => ({
      read: (work) => {
        reads++;
        return read(work);
      },
      close: async () => undefined,
    }));
    const other = await openTestPortal({ store: counting, rateLimit: "none" }, portal.clock);
    await Promise.all(people.map((person, index) => other.createAccount(`p${index}`, person)));
    const later = people.map(({ admin, profile }) => nextPersonal(admin.keys.online, profile, {}, now));
    await other.call("Status", { RequestID: makeRequestId() });
    reads = 0;
    const answers = await Promise.all(
      later.map((profile) => other.call("Publish", { Entry: personalEntry(profile), RequestID: makeRequestId() })),
    );
    for (const { message } of answers) expect(message.Proofs).toHaveLength(1);
    // One before each change, and few for all of the proofs.
    expect(reads).toBeLessThan(people.length + 8);
    reads = 0;
    for (let count = 0; count < 10; count++) {
      await other.call("Get", { Account: "p1", Full: true, RequestID: makeRequestId() });
    }
    // What was answered by a head is known.
    expect(reads).toBe(1);
  });

  it("is thrown away where the store turns out to hold another", async () => {
    // Two stores of one log, that have gone apart: somebody has put an old backup in place of the first.
    const file = path.join(temporaryFolder(), "portal.sqlite");
    const keys = await openLogKey(logKeyFileOf(file), { random });
    const { openSqliteStore } = await import("../../src/portal/store/sqlite.js");
    const stores = await Promise.all(
      ["a", "b"].map(async (name) => {
        const store = await openSqliteStore(`${file}.${name}`, { random, signer: keys });
        for (let index = 0; index < 300; index++) {
          await store.transact((tx) => tx.createAccount(`${index < 10 ? "" : name}${index}@localhost`, "MAAA", 1));
        }
        return store;
      }),
    );
    let current = stores[0]!;
    const switching = around(current, () => ({
      read: (work) => current.read(work),
      head: () => current.head(),
      refreshHead: (at, before) => current.refreshHead(at, before),
      close: async () => {
        for (const store of stores) await store.close();
      },
    }));
    const changing = await openPortal({ store: switching });
    const reader = await watch(changing);
    const prove = async (name: string): Promise<Leaf> => {
      const { message } = await (await watch(changing)).ask("Get", { Account: `${name}@localhost` });
      return reader.prove(message.AccountProof, (await (await watch(changing)).ask("Status", {})).checkpoint);
    };
    const held = await reader.ask("Get", { Account: "a20@localhost" });
    expect(held.status).toBe(404);
    expect(await prove("a20")).toMatchObject({ kind: "account" });
    expect(await prove("a299")).toMatchObject({ kind: "account" });
    current = stores[1]!;
    expect(await prove("b20")).toMatchObject({ kind: "account" });
    expect(await prove("b270")).toMatchObject({ kind: "account" });
    events.length = 0;
    await changing.call("Status", { RequestID: makeRequestId(), Checkpoint: held.checkpoint.note });
    expect(events).toMatchObject([{ aheadOfUs: true }]);
  });

  it("is not believed where it does not give the root that was signed", async () => {
    await create();
    const db = new Database(portal.file);
    const hashes = db.prepare("SELECT hashes FROM tile WHERE level = 0").pluck().get() as Buffer;
    hashes[0]! ^= 1;
    db.prepare("UPDATE tile SET hashes = ? WHERE level = 0").run(hashes);
    const other = await openPortal({ store: { ...portal.store, close: async () => undefined } });
    const answer = await other.call("Get", { Account: "alice", RequestID: makeRequestId() });
    expect(answer.status).toBe(500);
    expect(events).toMatchObject([{ status: 500, error: { code: "state-corrupt" } }]);
    db.prepare("UPDATE tile SET hashes = ? WHERE level = 0").run(hashes.subarray(0, 32));
    expect((await other.call("Get", { Account: "alice", RequestID: makeRequestId() })).status).toBe(500);
    // Who asks for no proofs is served.
    expect((await other.call("Get", { Account: "alice" })).status).toBe(201);
    db.close();
  });
});

describe("Transfer", () => {
  const token = "a-token-of-some-length";
  const headers = { authorization: `Bearer ${token}` };

  const fill = async (target: TestPortal): Promise<Watcher> => {
    await target.createAccount("alice", alice);
    const entry = await makeEscrowEntry(alice);
    await target.call("Publish", { Entry: { OfflineEscrowEntry: entry } }, { signer: alice.admin });
    let profile = alice.profile;
    for (let version = 2; version <= 4; version++) {
      profile = next(profile);
      await target.call("Publish", { Entry: personalEntry(profile) });
    }
    return watch(target);
  };

  /** All leaves, page by page. */
  const readAll = async (reader: Watcher, options: object): Promise<readonly Proof[]> => {
    const proofs: Proof[] = [];
    for (let key: string | undefined, first = true; first || key !== undefined; first = false) {
      const SearchConstraints = { MaxEntries: 2, ...(key !== undefined && { PageKey: key }) };
      const { message } = await reader.ask("Transfer", { SearchConstraints }, options);
      proofs.push(...(message.DataItems as { Proof: Proof }[]).map((item) => item.Proof));
      key = message.PageKey;
    }
    return proofs;
  };

  it("gives the leaf of every item in the order of the log, and nothing of escrow entries", async () => {
    const closed = await openPortal({ transferToken: token });
    const reader = await fill(closed);
    const proofs = await readAll(reader, { headers });
    expect(proofs.map(({ Index, Hashes }) => [Index, Hashes])).toEqual([0, 3, 4, 5].map((index) => [index, []]));
    expect((await reader.ask("Transfer", {})).status).toBe(401);
    const plain = await closed.call("Transfer", {}, { headers });
    for (const item of plain.message.DataItems) expect(item).not.toHaveProperty("Proof");
  });

  it("is open to anyone where its owner says so", async () => {
    const open = await openPortal({ publicTransfer: true });
    const reader = await fill(open);
    expect(await readAll(reader, {})).toHaveLength(4);
    const both = await openPortal({ publicTransfer: true, transferToken: token });
    expect((await both.call("Transfer", {})).status).toBe(201);
  });
});

describe("a device in the profiles of many strangers", () => {
  it("is found in its own, however many list it", async () => {
    const free = await openPortal({ rateLimit: "none" });
    await free.createAccount("alice", alice);
    const until = recordTime(new Date(now.getTime() + 60_000));
    for (let index = 0; index < 80; index++) {
      const mallory = makePerson("mallory", now);
      const change = {
        devices: [mallory.admin.device, alice.admin.device],
        deviceExpiries: { [alice.admin.device.udf]: until },
      };
      const listing = nextPersonal(mallory.admin.keys.online, mallory.profile, change, now);
      await free.createAccount(`mallory${index}`, { ...mallory, profile: listing });
    }
    // Her own profile has changed since, which does not put it behind theirs.
    const second = next(alice.profile);
    expect((await free.call("Publish", { Entry: personalEntry(second) })).status).toBe(201);
    free.clock.advance(120_000);
    let looked = 0;
    const counted = (reader: Reader): Reader => ({
      ...reader,
      newest: (type, identifier) => {
        looked++;
        return reader.newest(type, identifier);
      },
    });
    const { store } = free;
    const counting = around(store, ({ read, transact }) => ({
      read: (work) => read((tx) => work(counted(tx))),
      transact: (work) => transact((tx) => work({ ...tx, ...counted(tx) })),
      close: async () => undefined,
    }));
    const same = await openTestPortal({ store: counting, rateLimit: "none" }, free.clock);
    const entry = { OfflineEscrowEntry: await makeEscrowEntry(alice) };
    const signer = { signer: alice.admin };
    expect((await same.call("Publish", { Entry: entry }, signer)).status).toBe(201);
    const device = { SignedDeviceProfile: alice.admin.device.record };
    expect((await same.call("Publish", { Entry: device })).status).toBe(201);
    expect((await same.call("ValidateAccount", { Account: "x", Reserve: true }, signer)).status).toBe(201);
    expect(await store.read((tx) => tx.reservation("x@localhost"))).toBeDefined();
    expect(looked).toBeLessThan(3 * 2 * 64 + 16);
    expect(await store.read((tx) => tx.profilesWithDevice(alice.admin.device.udf, 64))).toHaveLength(64);
  });
});
