import { createHash } from "node:crypto";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sha256, utf8 } from "../../src/mesh/bytes.js";
import { openCheckpoint } from "../../src/mesh/log/checkpoint.js";
import { accountLeafHash, accountUdf, decodeLeaf, identifierHash, type Leaf } from "../../src/mesh/log/leaf.js";
import { openNote } from "../../src/mesh/log/note.js";
import { leafHash } from "../../src/mesh/log/tree.js";
import type { LogSigner, NewRecord, Reader, Store } from "../../src/portal/store/store.js";
import { makeSigner } from "../support/log-key.js";
import type { OpenStore } from "./store-contract.js";

const hashOf = (name: string): string => sha256(utf8(name)).toString("base64url");

const record = (identifier: string, name: string, changes: Partial<NewRecord> = {}): NewRecord => ({
  type: "SignedPersonalProfile",
  identifier,
  kind: "PersonalProfile",
  owner: identifier,
  hash: hashOf(name),
  text: JSON.stringify({ name }),
  masterSequence: 1,
  sequence: 1,
  ...changes,
});

const digest = (...parts: readonly Uint8Array[]): Buffer => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** The root of RFC 6962 section 2.1, by its very definition. */
const naiveRoot = (leaves: readonly Buffer[]): Buffer => {
  const [first] = leaves;
  if (!first) return digest();
  if (leaves.length === 1) return digest(Buffer.of(0), first);
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return digest(Buffer.of(1), naiveRoot(leaves.slice(0, split)), naiveRoot(leaves.slice(split)));
};

const readLeaves = async (tx: Reader): Promise<Buffer[]> =>
  (await tx.leaves(0, Number.MAX_SAFE_INTEGER)).map(({ data }) => data);

/** Checks a store's log against its own leaves: indexes, links, tiles, root and signature. Gives the leaves. */
export const checkLog = (store: Store, verifier: string): Promise<Leaf[]> =>
  store.read(async (tx) => {
    const stored = await tx.leaves(0, Number.MAX_SAFE_INTEGER);
    const data = stored.map((leaf) => leaf.data);
    const head = await tx.head();
    expect(stored.map(({ index }) => index)).toEqual(data.map((_, index) => index));
    expect(head.size).toBe(data.length);
    expect(head.root.toString("hex")).toBe(naiveRoot(data).toString("hex"));
    const checkpoint = openCheckpoint(head.checkpoint, verifier);
    expect(checkpoint).toMatchObject({ size: head.size, root: head.root, time: new Date(head.time) });
    let level = data.map((leaf) => digest(Buffer.of(0), leaf));
    for (let height = 0; level.length > 0; height++) {
      const tiles = Array.from({ length: Math.ceil(level.length / 256) }, (_, at) =>
        level.slice(at * 256, at * 256 + 256),
      );
      for (const [index, hashes] of tiles.entries()) {
        expect((await tx.tile(height, index))?.toString("hex")).toBe(Buffer.concat(hashes).toString("hex"));
      }
      expect(await tx.tile(height, tiles.length)).toBeUndefined();
      level = tiles.filter((hashes) => hashes.length === 256).map((hashes) => fold(hashes));
    }
    const newest = new Map<string, number>();
    return stored.map(({ index, key, data: octets }) => {
      const leaf = decodeLeaf(octets);
      const name = key.toString("hex");
      expect(octets.subarray(16, 49).toString("hex")).toBe(name);
      const before = newest.get(name);
      expect(leaf.previous).toEqual(
        before === undefined ? undefined : { index: before, hash: digest(Buffer.of(0), data[before]!) },
      );
      newest.set(name, index);
      return leaf;
    });
  });

const fold = (hashes: readonly Buffer[]): Buffer => {
  if (hashes.length === 1) return hashes[0]!;
  const half = hashes.length / 2;
  return digest(Buffer.of(1), fold(hashes.slice(0, half)), fold(hashes.slice(half)));
};

/** What the log of every store must be, whatever it is made of. */
export const logContract = (name: string, prepare: () => Promise<OpenStore>): void => {
  describe(`the log of a store: ${name}`, () => {
    const signer = makeSigner();
    let open: OpenStore;
    let store: Store;
    const stores: Store[] = [];
    const another = async (key: LogSigner = signer): Promise<Store> => {
      const opened = await open(key);
      stores.push(opened);
      return opened;
    };
    const create = (from: Store, account: string, at = 1): Promise<number> =>
      from.transact((tx) => tx.createAccount(account, "A", at));
    const head = (from = store) => from.read((tx) => tx.head());

    beforeEach(async () => {
      open = await prepare();
      store = await another();
    });

    afterEach(async () => {
      for (const opened of stores.splice(0)) await opened.close();
    });

    it("has a signed head from the beginning, and one key", async () => {
      expect(await head()).toMatchObject({ size: 0, root: digest(), time: 0 });
      expect(await checkLog(store, signer.verifier)).toEqual([]);
      expect(await store.read((tx) => tx.logKeys())).toEqual([{ verifier: signer.verifier, change: undefined }]);
      expect(await store.read((tx) => tx.tile(0, 0))).toBeUndefined();
    });

    it("has a leaf for every change, which says what was stored and what was before it", async () => {
      const alice = accountUdf("alice@x");
      const result = {
        account: "alice@x",
        device: "D",
        record: { Identifier: "D", SignedData: { protected: "", payload: "", signature: "" } },
      };
      const indexes = await store.transact(async (tx) => [
        await tx.appendRecord(record("A", "1", { masterSequence: 3, sequence: 7 }), 1),
        await tx.createAccount("alice@x", "A", 2),
        await tx.appendRecord(record("A", "2", { masterSequence: 4 }), 3),
        await tx.appendRecord(record("A", "3", { type: "SignedMasterProfile", masterSequence: 9, sequence: 0 }), 4),
        await tx.appendRecord(
          record("C", "4", { type: "SignedApplicationProfile", masterSequence: 0, sequence: 5 }),
          5,
        ),
        await tx.appendRecord(record("E", "5", { type: "OfflineEscrowEntry", masterSequence: 0, sequence: 0 }), 6),
        await tx.appendRecord(record("D", "6", { type: "SignedDeviceProfile", masterSequence: 0, sequence: 0 }), 7),
        await tx.setAccountStatus("alice@x", "Suspended", 8),
        await tx.putResult({ ...result, hash: hashOf("7") }, 9),
        await tx.putResult({ ...result, hash: hashOf("8") }, 10),
      ]);
      expect(indexes).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      const leaves = await checkLog(store, signer.verifier);
      const expected: readonly (readonly [string, string, number, number, number | undefined, Buffer])[] = [
        ["personal", "A", 3, 7, undefined, sha256(utf8("1"))],
        ["account", alice, 0, 1, undefined, accountLeafHash(alice, "A", "Open")],
        ["personal", "A", 4, 1, 0, sha256(utf8("2"))],
        ["master", "A", 9, 0, undefined, sha256(utf8("3"))],
        ["application", "C", 0, 5, undefined, sha256(utf8("4"))],
        ["escrow", "E", 0, 0, undefined, sha256(utf8("5"))],
        ["device", "D", 0, 0, undefined, sha256(utf8("6"))],
        ["account", alice, 0, 2, 1, accountLeafHash(alice, "A", "Suspended")],
        ["result", "D", 0, 0, undefined, sha256(utf8("7"))],
        ["result", "D", 0, 0, 8, sha256(utf8("8"))],
      ];
      for (const [index, [kind, identifier, masterSequence, sequence, previous, recordHash]] of expected.entries()) {
        const leaf = leaves[index]!;
        expect(leaf).toMatchObject({
          kind,
          masterSequence,
          sequence,
          identifierHash: identifierHash(identifier),
          recordHash,
        });
        expect(leaf.previous?.index).toBe(previous);
      }
      await store.read(async (tx) => {
        expect(await tx.account("alice@x")).toMatchObject({ leaf: 7 });
        expect(await tx.accountsOf("A")).toMatchObject([{ leaf: 7 }]);
        expect(await tx.newest("SignedPersonalProfile", "A")).toMatchObject({ leaf: 2 });
        expect(await tx.result("alice@x", "D")).toMatchObject({ leaf: 9 });
        expect((await tx.leaves(4, 2)).map(({ index }) => index)).toEqual([4, 5]);
        expect((await tx.leaves(10, 2)).length).toBe(0);
        const key = Buffer.concat([Buffer.of(1), identifierHash("A")]);
        expect(await tx.leafBefore(key, 3)).toMatchObject({ index: 2, key });
        expect(await tx.leafBefore(key, 2)).toMatchObject({ index: 0 });
        expect(await tx.leafBefore(key, 0)).toBeUndefined();
      });
    });

    it("has none for what is no part of the Mesh", async () => {
      await create(store, "alice@x");
      const before = await head();
      const { record: content } = {
        record: { Identifier: "d", SignedData: { protected: "p", payload: "q", signature: "r" } },
      };
      await store.transact(async (tx) => {
        await tx.putNonce({ key: "K", public: "x", nonce: "N", digest: "D", expires: 10, answer: undefined });
        await tx.putReservation({ account: "n@x", key: "A", expires: 10 });
        await tx.addPending({ account: "alice@x", device: "d", address: "a", hash: "h", record: content }, "A", 2);
        await tx.removePending("alice@x", "d", 3);
        await tx.removeResult("alice@x", "d", 3);
        await tx.sweep(100, 100);
      });
      expect(await head()).toEqual(before);
    });

    it("is covered by the head as soon as anybody hears of a change", async () => {
      await Promise.all(
        Array.from({ length: 40 }, async (_, index) => {
          const leaf = await create(store, `n${index}@x`);
          expect((await head()).size).toBeGreaterThan(leaf);
        }),
      );
    });

    it("has the same root however its changes were pooled", async () => {
      const other = await (await prepare())(signer);
      stores.push(other);
      const sizes = [1, 2, 3, 250, 1, 255, 256, 1, 257];
      let at = 0;
      for (const size of sizes) {
        await store.transact(async (tx) => {
          for (let index = 0; index < size; index++) await tx.appendRecord(record(`I${at % 9}`, `v${at++}`), at);
        });
        await checkLog(store, signer.verifier);
      }
      for (let index = 0; index < at; index += 100) {
        await other.transact(async (tx) => {
          for (let one = index; one < Math.min(index + 100, at); one++)
            await tx.appendRecord(record(`I${one % 9}`, `v${one}`), 1);
        });
      }
      const [one, two] = [await head(), await head(other)];
      expect(one.size).toBe(1026);
      expect(two.root).toEqual(one.root);
    });

    it("goes on where it stood when it is opened again", async () => {
      await create(store, "a@x");
      await store.close();
      const again = await another();
      await create(again, "b@x");
      expect(await checkLog(again, signer.verifier)).toHaveLength(2);
    });

    it("keeps no leaf of a transaction that failed, in any batch", async () => {
      const property = fc.asyncProperty(
        fc.array(fc.record({ leaves: fc.nat(4), fails: fc.boolean() }), { maxLength: 40 }),
        async (jobs) => {
          const from = await (await prepare())(signer);
          stores.push(from);
          const outcomes = await Promise.allSettled(
            jobs.map(({ leaves, fails }, job) =>
              from.transact(async (tx) => {
                for (let index = 0; index < leaves; index++)
                  await tx.appendRecord(record(`I${index}`, `${job} ${index}`), job);
                if (fails) throw new RangeError("refused");
                return (await tx.leaves(0, 1000)).length;
              }),
            ),
          );
          const kept = jobs.flatMap(({ leaves, fails }, job) =>
            fails ? [] : Array.from({ length: leaves }, (_, index) => hashOf(`${job} ${index}`)),
          );
          const leaves = await checkLog(from, signer.verifier);
          expect(leaves.map(({ recordHash }) => recordHash.toString("base64url"))).toEqual(kept);
          for (const [job, { fails }] of jobs.entries())
            expect(outcomes[job]?.status).toBe(fails ? "rejected" : "fulfilled");
          const items = await from.read((tx) => tx.items(0, 1000));
          expect(items.map(({ tid }) => tid)).toEqual(items.map((_, index) => index + 1));
        },
      );
      await fc.assert(property, { numRuns: 15 });
    });

    it("never forks where two write it at once", async () => {
      const other = await another();
      const seen: { readonly size: number; readonly root: Buffer }[] = [];
      await Promise.all(
        [store, other].flatMap((from, writer) =>
          Array.from({ length: 4 }, async (_, lane) => {
            for (let index = 0; index < 15; index++) {
              await create(from, `w${writer}-${lane}-${index}@x`);
              seen.push(await head(from));
            }
          }),
        ),
      );
      expect(await checkLog(store, signer.verifier)).toHaveLength(120);
      const leaves = await store.read(readLeaves);
      for (const { size, root } of seen) expect(root).toEqual(naiveRoot(leaves.slice(0, size)));
    });

    it("gives the head without a view as a view has it, and never one from before a change", async () => {
      for (let size = 1; size <= 3; size++) {
        const before = await store.head();
        expect(await store.head()).toEqual(before);
        await create(store, `${size}@x`, size);
        const after = await store.head();
        expect(after).not.toBe(before);
        expect(after).toMatchObject({ size });
        expect(await head()).toEqual(after);
      }
    });

    it("signs a head anew that is too old, and nothing else of it changes", async () => {
      await create(store, "a@x", 1_000_000);
      const first = await head();
      expect(first.time).toBe(1_000_000);
      expect(await store.refreshHead(1_500_000, 1_000_000)).toEqual(first);
      const second = await store.refreshHead(1_500_000, 1_000_001);
      expect(second).toMatchObject({ size: 1, root: first.root, time: 1_500_000 });
      expect(await head()).toEqual(second);
      const both = await Promise.all([
        store.refreshHead(2_000_000, 1_900_000),
        store.refreshHead(2_000_001, 1_900_000),
      ]);
      expect(both[0]).toEqual(both[1]);
      await checkLog(store, signer.verifier);
    });

    it("signs no head as older than the one before, unless the clock was put right", async () => {
      await create(store, "a@x", 1_000_000);
      await create(store, "b@x", 700_000);
      expect((await head()).time).toBe(1_000_000);
      await create(store, "c@x", 100_000);
      expect((await head()).time).toBe(100_000);
      await create(store, "d@x", 9_000_000);
      expect((await store.refreshHead(200_000, 100_000)).time).toBe(200_000);
      await checkLog(store, signer.verifier);
    });

    it("goes over to another key that the present one names", async () => {
      const next = makeSigner(signer.origin);
      await create(store, "a@x");
      const note = signer.change(next, 1);
      const [leaf] = await Promise.all([store.transact((tx) => tx.changeLogKey(next, note, 5)), create(store, "b@x")]);
      expect(leaf).toBe(1);
      await create(store, "c@x");
      const leaves = await checkLog(store, next.verifier);
      expect(leaves).toHaveLength(4);
      expect(leaves[1]).toMatchObject({
        kind: "key",
        identifierHash: identifierHash(signer.origin),
        recordHash: sha256(utf8(note)),
      });
      const keys = [
        { verifier: signer.verifier, change: undefined },
        { verifier: next.verifier, change: note },
      ];
      expect(await store.read((tx) => tx.logKeys())).toEqual(keys);
      await expect(open(signer)).rejects.toMatchObject({ code: "log-key-missing" });
      const again = await another(next);
      await create(again, "d@x");
      await checkLog(again, next.verifier);
    });

    it("goes over to no key that the present one does not name", async () => {
      const next = makeSigner(signer.origin);
      await create(store, "a@x");
      const foreign = makeSigner("foreign.invalid");
      const changes = [
        [next, next.change(signer, 1)],
        [makeSigner(signer.origin), signer.change(next, 1)],
        [next, signer.change(next, 1000)],
        [next, signer.sign("text\n")],
        [foreign, foreign.change(foreign, 1)],
      ] as const;
      for (const [to, change] of changes) {
        const changed = store.transact((tx) => tx.changeLogKey(to, change, 5));
        await expect(changed).rejects.toMatchObject({ code: "log-key-changed" });
      }
      await create(store, "b@x");
      expect(await checkLog(store, signer.verifier)).toHaveLength(2);
    });

    it("goes back to its key where the change is undone", async () => {
      const next = makeSigner(signer.origin);
      const undone = store.transact(async (tx) => {
        await tx.changeLogKey(next, signer.change(next, 0), 5);
        throw new RangeError("no");
      });
      await Promise.all([expect(undone).rejects.toThrow(RangeError), create(store, "a@x")]);
      expect(await checkLog(store, signer.verifier)).toHaveLength(1);
    });

    it("goes on with a key that another has changed, where it is held", async () => {
      const next = makeSigner(signer.origin);
      const asked: string[] = [];
      const holder: LogSigner = {
        ...signer,
        signerFor: (verifier) => {
          asked.push(verifier);
          return verifier === next.verifier ? next : undefined;
        },
      };
      const other = await another(holder);
      await store.transact((tx) => tx.changeLogKey(next, signer.change(next, 0), 5));
      await create(other, "a@x");
      await create(other, "b@x");
      expect(await checkLog(other, next.verifier)).toHaveLength(3);
      expect(asked).toEqual([next.verifier]);
      const again = await another(holder);
      await create(again, "c@x");
      await checkLog(again, next.verifier);
    });

    it("takes nothing more from whoever has the key of before", async () => {
      const other = await another();
      const next = makeSigner(signer.origin);
      await store.transact((tx) => tx.changeLogKey(next, signer.change(next, 0), 5));
      await expect(create(other, "a@x")).rejects.toMatchObject({ code: "log-key-missing" });
      await expect(other.refreshHead(100, 100)).rejects.toMatchObject({ code: "log-key-missing" });
      expect((await head(other)).size).toBe(1);
      await other.transact((tx) => tx.putReservation({ account: "n@x", key: "A", expires: 10 }));
      await checkLog(store, next.verifier);
    });

    it("is not opened with another key, and only read without one", async () => {
      await create(store, "a@x");
      await expect(open(makeSigner(signer.origin))).rejects.toMatchObject({ code: "log-key-missing" });
      await expect(open(makeSigner("other.invalid"))).rejects.toMatchObject({ code: "log-key-missing" });
      const reading = await open();
      stores.push(reading);
      expect(await checkLog(reading, signer.verifier)).toHaveLength(1);
      await expect(create(reading, "b@x")).rejects.toMatchObject({ code: "log-key-missing" });
      await expect(reading.refreshHead(100, 100)).rejects.toMatchObject({ code: "log-key-missing" });
    });

    it("is made by nobody without a key", async () => {
      await expect((await prepare())()).rejects.toThrow();
    });

    it("lists everything by pages", async () => {
      await store.transact(async (tx) => {
        for (const user of ["ä", "b", "a"]) await tx.createAccount(`${user}@x`, user, 1);
        for (const [index, owner] of ["C", "B", "A"].entries())
          await tx.appendRecord(record(owner, owner, { text: "x".repeat(index + 1) }), 2);
        const content = { Identifier: "d", SignedData: { protected: "p", payload: "q", signature: "r" } };
        for (const [account, device] of [
          ["b@x", "1"],
          ["a@x", "2"],
          ["a@x", "1"],
        ] as const) {
          await tx.putResult({ account, device, hash: hashOf(device), record: content }, 3);
        }
      });
      await store.read(async (tx) => {
        expect((await tx.accounts("", 2)).map(({ account }) => account)).toEqual(["a@x", "b@x"]);
        expect((await tx.accounts("b@x", 2)).map(({ account }) => account)).toEqual(["ä@x"]);
        expect(await tx.usages("", 2)).toEqual([
          { owner: "A", bytes: 3, records: 0 },
          { owner: "B", bytes: 2, records: 0 },
        ]);
        expect((await tx.usages("B", 2)).map(({ owner }) => owner)).toEqual(["C"]);
        const results = await tx.results({ account: "", device: "" }, 2);
        expect(results.map(({ account, device }) => [account, device])).toEqual([
          ["a@x", "1"],
          ["a@x", "2"],
        ]);
        expect(await tx.results({ account: "a@x", device: "2" }, 2)).toMatchObject([{ account: "b@x", leaf: 6 }]);
        const items = await tx.items(0, 4);
        expect(items.map(({ tid }) => tid)).toEqual([1, 2, 3, 4]);
        expect(items[0]?.record).toBeUndefined();
        expect(items[3]?.record).toEqual({
          type: "SignedPersonalProfile",
          identifier: "C",
          kind: "PersonalProfile",
          owner: "C",
          hash: hashOf("C"),
          leaf: 3,
          newest: true,
        });
        expect((await tx.items(8, 4)).map(({ primaryKey }) => primaryKey)).toEqual(["Result-1"]);
      });
      expect(await store.checkStorage()).toEqual([]);
    });

    it("signs what its key opens, and what its leaf hashes say", async () => {
      await create(store, "a@x");
      const { checkpoint, root } = await head();
      expect(openNote(checkpoint, signer.verifier)).toContain(`${signer.origin}\n1\n${root.toString("base64")}\n`);
      const [leaf] = await store.read((tx) => tx.leaves(0, 1));
      expect(leafHash(leaf!.data)).toEqual(root);
    });
  });
};
