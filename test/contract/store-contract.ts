import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sha256, utf8 } from "../../src/mesh/bytes.js";
import type { LogSigner, NewRecord, Store } from "../../src/portal/store/store.js";
import { makeSigner } from "../support/log-key.js";

/** Opens a store: the same one again where it is called again within one test. */
export type OpenStore = (signer?: LogSigner) => Promise<Store>;

const RECORD = { SignedData: { protected: "p", payload: "q", signature: "r" } };
const BOUNDS = { entries: 100, bytes: 1_000_000 };

/** A hash that tests call by a short name. */
const hashOf = (name: string): string => sha256(utf8(name)).toString("base64url");

const record = (identifier: string, name: string, changes: Partial<NewRecord> = {}): NewRecord => {
  const type = changes.type ?? "SignedPersonalProfile";
  const text = JSON.stringify({ [type]: { Identifier: identifier, name } });
  const sequences = { masterSequence: 1, sequence: 1 };
  return {
    type,
    identifier,
    kind: "PersonalProfile",
    owner: identifier,
    hash: hashOf(name),
    text,
    ...sequences,
    ...changes,
  };
};

/** What is stored of a record. */
const stored = ({ masterSequence: _, sequence: __, names: ___, devices: ____, ...kept }: NewRecord) => kept;

const request = (device: string, account = "alice@x") => ({
  account,
  device,
  address: "192.0.2.1",
  hash: hashOf(device),
  record: { Identifier: device, ...RECORD },
});

/** What every store must do, whatever it is made of. */
export const storeContract = (name: string, prepare: () => Promise<OpenStore>): void => {
  describe(`the store contract: ${name}`, () => {
    const signer = makeSigner();
    let open: OpenStore;
    let store: Store;
    const stores: Store[] = [];
    const another = async (): Promise<Store> => {
      const opened = await open(signer);
      stores.push(opened);
      return opened;
    };

    beforeEach(async () => {
      open = await prepare();
      store = await another();
    });

    afterEach(async () => {
      for (const opened of stores.splice(0)) await opened.close();
    });

    it("has a random id for life", async () => {
      expect(store.id).toMatch(/^[0-9a-f]{32}$/);
      expect((await another()).id).toBe(store.id);
      const other = await (await prepare())(signer);
      expect(other.id).not.toBe(store.id);
      await other.close();
    });

    it("keeps what was written when it is closed and opened again", async () => {
      await store.transact(async (tx) => {
        await tx.createAccount("alice@x", "A", 5);
        await tx.appendRecord(record("A", "1"), 6);
      });
      await store.close();
      const again = await another();
      expect(await again.read((tx) => tx.account("alice@x"))).toEqual({
        account: "alice@x",
        profile: "A",
        status: "Open",
        created: 5,
        modified: 5,
        leaf: 0,
      });
      expect(await again.read((tx) => tx.newest("SignedPersonalProfile", "A"))).toMatchObject({
        hash: hashOf("1"),
        added: 6,
      });
    });

    it("gives back what the work gives, and throws what it throws, having done nothing", async () => {
      expect(await store.transact(() => Promise.resolve(7))).toBe(7);
      expect(await store.read(() => Promise.resolve(8))).toBe(8);
      const refused = store.transact(async (tx) => {
        await tx.createAccount("alice@x", "A", 1);
        throw new RangeError("no");
      });
      await expect(refused).rejects.toThrow(RangeError);
      await expect(store.read(() => Promise.reject(new RangeError("no")))).rejects.toThrow(RangeError);
      expect(await store.read((tx) => tx.account("alice@x"))).toBeUndefined();
      expect(await store.read((tx) => tx.lastWrite())).toBeUndefined();
    });

    it("undoes a failing transaction and nothing beside it", async () => {
      const results = await Promise.allSettled(
        Array.from({ length: 20 }, (_, index) =>
          store.transact(async (tx) => {
            await tx.createAccount(`n${index}@x`, "A", index);
            if (index % 3 === 0) throw new Error(`refused ${index}`);
            return index;
          }),
        ),
      );
      results.forEach((result, index) => expect(result.status).toBe(index % 3 === 0 ? "rejected" : "fulfilled"));
      const accounts = await store.read((tx) => tx.accountsOf("A"));
      expect(accounts.map(({ created }) => created)).toEqual(
        Array.from({ length: 20 }, (_, index) => index).filter((index) => index % 3 !== 0),
      );
    });

    it("shows a transaction its own changes, and others only after it", async () => {
      const other = await another();
      await store.transact(async (tx) => {
        await tx.createAccount("alice@x", "A", 1);
        expect(await tx.account("alice@x")).toBeDefined();
        expect(await tx.accountsOf("A")).toHaveLength(1);
      });
      expect(await other.read((tx) => tx.account("alice@x"))).toBeDefined();
    });

    it("runs transactions one after the other, also of two processes", async () => {
      const other = await another();
      const count = async (from: Store): Promise<void> => {
        await from.transact(async (tx) => {
          const known = await tx.reservation("counter");
          await tx.putReservation({ account: "counter", key: "A", expires: (known?.expires ?? 0) + 1 });
        });
      };
      await Promise.all(Array.from({ length: 60 }, (_, index) => count(index % 2 ? store : other)));
      expect((await store.read((tx) => tx.reservation("counter")))?.expires).toBe(60);
    });

    it("shows a reader one moment, whatever is written meanwhile", async () => {
      const other = await another();
      await store.transact((tx) => tx.createAccount("a@x", "A", 1));
      await other.read(async (tx) => {
        expect(await tx.accountsOf("A")).toHaveLength(1);
        await store.transact((writing) => writing.createAccount("b@x", "A", 2));
        expect(await tx.accountsOf("A")).toHaveLength(1);
      });
      expect(await other.read((tx) => tx.accountsOf("A"))).toHaveLength(2);
    });

    it("keeps accounts and their status", async () => {
      await store.transact(async (tx) => {
        await tx.createAccount("b@x", "A", 2);
        await tx.createAccount("a@x", "A", 2);
        await tx.createAccount("c@x", "B", 1);
        await tx.setAccountStatus("a@x", "Suspended", 7);
      });
      const unknown = store.transact((tx) => tx.setAccountStatus("nobody@x", "Closed", 8));
      await expect(unknown).rejects.toMatchObject({ code: "account-not-found" });
      await store.read(async (tx) => {
        expect(await tx.accountsOf("A")).toMatchObject([
          { account: "a@x", status: "Suspended", created: 2, modified: 7 },
          { account: "b@x", status: "Open", created: 2, modified: 2 },
        ]);
        expect(await tx.account("nobody@x")).toBeUndefined();
        expect(await tx.lastWrite()).toBe(7);
      });
    });

    it("keeps every version of a record, and knows the newest", async () => {
      await store.transact(async (tx) => {
        for (const [index, hash] of ["1", "2", "3"].entries()) await tx.appendRecord(record("A", hash), index);
        await tx.appendRecord(record("B", "1"), 9);
      });
      await store.read(async (tx) => {
        const newest = await tx.newest("SignedPersonalProfile", "A");
        expect(newest).toEqual({
          ...stored(record("A", "3")),
          leaf: 2,
          tid: 3,
          primaryKey: "A",
          action: "Update",
          added: 2,
          keys: [{ Key: "Type", Value: "PersonalProfile" }],
        });
        expect((await tx.newest("SignedPersonalProfile", "B"))?.action).toBe("New");
        expect(await tx.newestVersion("SignedPersonalProfile", "A")).toEqual({
          hash: hashOf("3"),
          owner: newest?.owner,
          leaf: 2,
        });
        expect(await tx.newestVersion("SignedMasterProfile", "A")).toBeUndefined();
        expect(await tx.versionLeaf("SignedPersonalProfile", "A", hashOf("1"))).toBe(0);
        expect(await tx.versionLeaf("SignedPersonalProfile", "A", hashOf("3"))).toBe(2);
        expect(await tx.versionLeaf("SignedPersonalProfile", "A", hashOf("4"))).toBeUndefined();
        expect(await tx.versionLeaf("SignedMasterProfile", "A", hashOf("1"))).toBeUndefined();
        expect(await tx.newest("SignedMasterProfile", "A")).toBeUndefined();
      });
    });

    it("keeps records of one identifier apart by type", async () => {
      await store.transact(async (tx) => {
        await tx.appendRecord(record("A", "1"), 1);
        await tx.appendRecord(record("A", "1", { type: "SignedMasterProfile", kind: "MasterProfile" }), 2);
      });
      await store.read(async (tx) => {
        expect(await tx.typesOf("A")).toEqual(["SignedPersonalProfile", "SignedMasterProfile"]);
        expect(await tx.typesOf("B")).toEqual([]);
        expect((await tx.newest("SignedPersonalProfile", "A"))?.added).toBe(1);
        expect((await tx.newest("SignedMasterProfile", "A"))?.action).toBe("New");
      });
    });

    it("searches by everything a record has", async () => {
      const application = { type: "SignedApplicationProfile", kind: "PasswordProfile", owner: "A" } as const;
      await store.transact(async (tx) => {
        await tx.appendRecord(record("A", "1", { names: ["n"] }), 1);
        await tx.appendRecord(record("A", "2", { names: ["n", "m", "n"] }), 2);
        await tx.appendRecord(record("B", "3", { names: ["n"] }), 3);
        await tx.appendRecord(record("C", "4", application), 4);
        await tx.appendRecord(record("E", "5", { type: "OfflineEscrowEntry", kind: "OfflineEscrowEntry" }), 5);
      });
      const find = (query: object, bounds = BOUNDS) =>
        store.read(async (tx) => {
          const { items, more } = await tx.search({ allVersions: false, ...query }, bounds);
          const names = ["1", "2", "3", "4", "5"];
          return [
            ...items.map(({ hash }) => names.find((one) => hashOf(one) === hash)),
            ...(more ? ["more"] : []),
          ].join("");
        });
      const all = { allVersions: true };
      expect(await find({})).toBe("432");
      expect(await find(all)).toBe("4321");
      expect(await find({ identifier: "A" })).toBe("2");
      expect(await find({ identifier: "A", ...all })).toBe("21");
      expect(await find({ name: "n" })).toBe("32");
      expect(await find({ name: "n", ...all })).toBe("321");
      expect(await find({ name: "m", identifier: "B" })).toBe("");
      expect(await find({ kind: "PasswordProfile" })).toBe("4");
      expect(await find({ kind: "SignedApplicationProfile" })).toBe("4");
      expect(await find({ kind: "PersonalProfile", ...all, below: 3 })).toBe("21");
      expect(await find({ types: ["SignedPersonalProfile", "SignedApplicationProfile"] })).toBe("432");
      expect(await find({ types: ["SignedMasterProfile"] })).toBe("");
      expect(await find({ notBefore: 2, before: 4, ...all })).toBe("32");
      expect(await find(all, { entries: 2, bytes: 1000 })).toBe("43more");
      expect(await find(all, { entries: 4, bytes: 1000 })).toBe("4321");
      expect(await find(all, { entries: 4, bytes: 1 })).toBe("4more");
      // Escrow entries are found by whoever knows their identifier, and by nobody else.
      expect(await find({ types: ["OfflineEscrowEntry"] })).toBe("");
      expect(await find({ kind: "OfflineEscrowEntry" })).toBe("");
      expect(await find({ identifier: "E" })).toBe("5");
    });

    it("knows which newest profiles list a device", async () => {
      const device = (id: string) => ({ device: `d${id}`, authentication: `a${id}` });
      await store.transact(async (tx) => {
        await tx.appendRecord(record("A", "1", { devices: [device("1"), device("2")] }), 1);
        await tx.appendRecord(record("B", "2", { devices: [device("2")] }), 2);
      });
      await store.read(async (tx) => {
        expect(await tx.profilesWithDevice("d2", 9)).toEqual(["A", "B"]);
        expect(await tx.profilesWithAuthentication("a1", 9)).toEqual(["A"]);
      });
      await store.transact((tx) => tx.appendRecord(record("A", "3", { devices: [device("3")] }), 3));
      await store.read(async (tx) => {
        expect(await tx.profilesWithDevice("d2", 9)).toEqual(["B"]);
        expect(await tx.profilesWithAuthentication("a1", 9)).toEqual([]);
        expect(await tx.profilesWithAuthentication("d3", 9)).toEqual([]);
      });
    });

    it("gives first those profiles that have listed a device longest", async () => {
      const devices = [{ device: "d", authentication: "a" }];
      const publish = (identifier: string, name: string, listed: NonNullable<NewRecord["devices"]>) =>
        store.transact((tx) => tx.appendRecord(record(identifier, name, { devices: listed }), 1));
      await publish("Z", "1", devices);
      for (const other of ["C", "B", "A"]) await publish(other, other, devices);
      await publish("Z", "2", [
        { device: "d", authentication: "a" },
        { device: "e", authentication: "f" },
      ]);
      await store.read(async (tx) => {
        expect(await tx.profilesWithDevice("d", 9)).toEqual(["Z", "C", "B", "A"]);
        expect(await tx.profilesWithAuthentication("a", 2)).toEqual(["Z", "C"]);
      });
      // Whoever comes back comes last, and another key is no other device.
      await publish("Z", "3", [{ device: "e", authentication: "f" }]);
      await publish("C", "4", [{ device: "d", authentication: "b" }]);
      await publish("Z", "5", devices);
      await store.read(async (tx) => {
        expect(await tx.profilesWithDevice("d", 9)).toEqual(["C", "B", "A", "Z"]);
        expect(await tx.profilesWithAuthentication("a", 9)).toEqual(["B", "A", "Z"]);
        expect(await tx.profilesWithAuthentication("b", 9)).toEqual(["C"]);
        expect(await tx.profilesWithDevice("e", 9)).toEqual([]);
      });
    });

    it("adds up what an owner's records take", async () => {
      const application = { type: "SignedApplicationProfile", owner: "A" } as const;
      await store.transact(async (tx) => {
        await tx.appendRecord(record("A", "1", { text: "äb" }), 1);
        await tx.appendRecord(record("C", "1", { ...application, text: "12345" }), 1);
        await tx.appendRecord(record("C", "2", { ...application, text: "12345" }), 1);
        await tx.appendRecord(record("E", "2", { type: "OfflineEscrowEntry", owner: "A", text: "" }), 1);
      });
      expect(await store.read((tx) => tx.usage("A"))).toEqual({ bytes: 13, records: 2 });
      expect(await store.read((tx) => tx.usage("B"))).toEqual({ bytes: 0, records: 0 });
    });

    it("keeps pending requests in their order, and results", async () => {
      await store.transact(async (tx) => {
        await tx.createAccount("alice@x", "A", 1);
        await tx.createAccount("bob@x", "B", 1);
        for (const device of ["d2", "d1", "d3"]) await tx.addPending(request(device), "A", 2);
        await tx.addPending(request("d1", "bob@x"), "B", 3);
        await tx.removePending("alice@x", "d1", 4);
        const result = { account: "alice@x", device: "d1", hash: hashOf("h"), record: request("d1").record };
        await tx.putResult(result, 4);
        await tx.putResult({ ...result, device: "d9" }, 5);
        await tx.removeResult("alice@x", "d9", 6);
      });
      await store.read(async (tx) => {
        const pending = await tx.pending("alice@x");
        expect(pending.map(({ device }) => device)).toEqual(["d2", "d3"]);
        expect(pending[0]).toEqual({ ...request("d2"), added: 2, tid: 3 });
        expect(await tx.pendingRequest("alice@x", "d3")).toMatchObject({ device: "d3", added: 2 });
        expect(await tx.pendingRequest("alice@x", "d1")).toBeUndefined();
        expect(await tx.pendingRequest("bob@x", "d1")).toMatchObject({ account: "bob@x" });
        expect(await tx.result("alice@x", "d1")).toEqual({
          account: "alice@x",
          device: "d1",
          hash: hashOf("h"),
          record: request("d1").record,
          leaf: 2,
        });
        expect(await tx.result("alice@x", "d9")).toBeUndefined();
        expect(await tx.result("bob@x", "d1")).toBeUndefined();
      });
    });

    it("remembers nonces and reservations until they expire, and requests as long as they live", async () => {
      const nonce = { key: "K", public: "x", nonce: "N", digest: "D", expires: 10, answer: undefined };
      await store.transact(async (tx) => {
        await tx.createAccount("alice@x", "A", 1);
        await tx.putNonce(nonce);
        await tx.putNonce({ ...nonce, nonce: "M", expires: 11, answer: "{}" });
        await tx.putReservation({ account: "n@x", key: "A", expires: 10 });
        await tx.putReservation({ account: "m@x", key: "A", expires: 11 });
        await tx.addPending(request("d1"), "A", 4);
        await tx.addPending(request("d2"), "A", 5);
      });
      await store.transact((tx) => tx.sweep(9, 4));
      await store.read(async (tx) => {
        expect(await tx.nonce("K", "N")).toEqual(nonce);
        expect(await tx.nonce("K", "M")).toMatchObject({ answer: "{}" });
        expect(await tx.nonce("L", "N")).toBeUndefined();
        expect(await tx.reservationsOf("A")).toBe(2);
        expect(await tx.pending("alice@x")).toHaveLength(2);
      });
      await store.transact((tx) => tx.sweep(10, 5));
      await store.read(async (tx) => {
        expect(await tx.nonce("K", "N")).toBeUndefined();
        expect(await tx.nonce("K", "M")).toBeDefined();
        expect(await tx.reservation("n@x")).toBeUndefined();
        expect(await tx.reservationsOf("A")).toBe(1);
        expect((await tx.pending("alice@x")).map(({ device }) => device)).toEqual(["d2"]);
      });
      await store.transact((tx) => tx.removeReservation("m@x"));
      expect(await store.read((tx) => tx.reservation("m@x"))).toBeUndefined();
    });

    it("refuses the same nonce of the same key twice", async () => {
      const nonce = { key: "K", public: "x", nonce: "N", digest: "D", expires: 10, answer: undefined };
      await store.transact((tx) => tx.putNonce(nonce));
      await expect(store.transact((tx) => tx.putNonce(nonce))).rejects.toThrow();
      await store.transact((tx) => tx.putNonce({ ...nonce, key: "L" }));
    });

    it("gives the log of publications, growing and without escrow entries", async () => {
      await store.transact((tx) => tx.createAccount("alice@x", "A", 1));
      await store.transact((tx) => tx.appendRecord(record("A", "1"), 10));
      await store.transact((tx) => tx.appendRecord(record("E", "2", { type: "OfflineEscrowEntry" }), 20));
      // A clock may go back; transaction identifiers do not.
      await store.transact((tx) =>
        tx.appendRecord(record("B", "3", { names: ["n"], masterSequence: 7, sequence: 8 }), 5),
      );
      const log = (query: object = {}, bounds = BOUNDS) =>
        store.read((tx) => tx.publications({ after: 0, ...query }, bounds));
      const { items, more } = await log();
      expect(more).toBe(false);
      expect(items.map(({ tid, primaryKey }) => [tid, primaryKey])).toEqual([
        [2, "A"],
        [4, "B"],
      ]);
      expect(items[1]).toEqual({
        text: record("B", "3").text,
        leaf: 3,
        masterSequence: 7,
        sequence: 8,
        tid: 4,
        primaryKey: "B",
        action: "New",
        added: 5,
        keys: [
          { Key: "Type", Value: "PersonalProfile" },
          { Key: "Name", Value: "n" },
        ],
      });
      expect((await log({ after: 2 })).items).toHaveLength(1);
      expect((await log({ notBefore: 6 })).items).toHaveLength(1);
      expect((await log({ before: 10 })).items).toHaveLength(1);
      expect(await log({}, { entries: 1, bytes: 1000 })).toMatchObject({ items: [{ tid: 2 }], more: true });
      expect(await store.read((tx) => tx.lastWrite())).toBe(5);
    });

    it("finishes what is under way when it is closed, and takes nothing more", async () => {
      const writes = Array.from({ length: 5 }, (_, index) =>
        store.transact((tx) => tx.createAccount(`n${index}@x`, "A", 1)),
      );
      const reading = store.read((tx) => tx.lastWrite());
      await store.close();
      await store.close();
      await Promise.all([...writes, reading]);
      await expect(store.transact((tx) => tx.sweep(0, 0))).rejects.toMatchObject({ code: "internal" });
      await expect(store.read((tx) => tx.lastWrite())).rejects.toMatchObject({ code: "internal" });
      expect(await (await another()).read((tx) => tx.accountsOf("A"))).toHaveLength(5);
    });
  });
};
