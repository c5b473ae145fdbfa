import * as fs from "node:fs";
import * as path from "node:path";
import Database from "better-sqlite3";
import { beforeAll, describe, expect, it } from "vitest";
import { decodeLeaf, encodeLeaf, type Leaf } from "../../src/mesh/log/leaf.js";
import { checkStore, type StoreReport } from "../../src/portal/fsck.js";
import { openSqliteStore } from "../../src/portal/store/sqlite.js";
import { temporaryFolder } from "../support/deps.js";
import { makeSigner } from "../support/log-key.js";
import { makeRequest, makeDevice, random } from "../support/portal.js";
import { writePerson } from "../support/store-content.js";

const signer = makeSigner();
const next = makeSigner(signer.origin);
let original: Buffer;

/** A store with four people, some hundred accounts, and two keys. */
beforeAll(async () => {
  const file = path.join(temporaryFolder(), "portal.sqlite");
  const store = await openSqliteStore(file, { random, signer });
  await writePerson(store, "alice");
  await writePerson(store, "robert");
  await store.transact(async (tx) => {
    for (let index = 0; index < 300; index++) await tx.createAccount(`n${index}@x`, "A", 1);
  });
  const { size } = await store.read((tx) => tx.head());
  await store.transact((tx) => tx.changeLogKey(next, signer.change(next, size), 5));
  await writePerson(store, "carol");
  await writePerson(store, "dora");
  await store.close();
  original = fs.readFileSync(file);
});

/** Checks a copy of the store in which something has been changed. */
const checkChanged = async (change: (db: Database.Database) => void, options = {}): Promise<StoreReport> => {
  const file = path.join(temporaryFolder(), "portal.sqlite");
  fs.writeFileSync(file, original);
  const db = new Database(file);
  db.pragma("foreign_keys = OFF");
  change(db);
  db.close();
  const store = await openSqliteStore(file, { random });
  try {
    return await checkStore(store, options);
  } finally {
    await store.close();
  }
};

const codes = ({ problems }: StoreReport): string[] => [...new Set(problems.map(({ code }) => code))].sort();

/** Gives a leaf other content, and leaves everything else as it is. */
const changeLeaf = (db: Database.Database, index: number, change: Partial<Leaf>): void => {
  const data = db.prepare("SELECT data FROM leaf WHERE idx = ?").pluck().get(index) as Buffer;
  db.prepare("UPDATE leaf SET data = ? WHERE idx = ?").run(encodeLeaf({ ...decodeLeaf(data), ...change }), index);
};

/** The first leaf of a store that names one before it. */
const linked = (db: Database.Database): number => {
  const leaves = db.prepare("SELECT data FROM leaf ORDER BY idx").pluck().all() as Buffer[];
  return leaves.findIndex((data) => decodeLeaf(data).previous !== undefined);
};

const changeText = (db: Database.Database, where: string, change: (text: string) => string): void => {
  const row = db.prepare(`SELECT tid, text FROM log WHERE ${where} LIMIT 1`).get() as { tid: number; text: string };
  db.prepare("UPDATE log SET text = ? WHERE tid = ?").run(change(row.text), row.tid);
};

const newestOf = (type: string): string => `tid = (SELECT max(tid) FROM record WHERE type = '${type}')`;
const spoilSignature = (text: string): string =>
  text.replace(/"signature":"(..)/, (_, start: string) => `"signature":"${start === "AA" ? "BB" : "AA"}`);

describe("the check of a whole store", () => {
  it("finds nothing wrong with what a portal wrote, and tells how far it is", async () => {
    const counts: number[] = [];
    const report = await checkChanged(() => undefined, { progress: (count: number) => void counts.push(count) });
    expect(report).toMatchObject({ ok: true, count: 0, problems: [] });
    expect(report.leaves).toBeGreaterThan(340);
    expect(report.items).toBeGreaterThan(report.leaves);
    expect(counts.length).toBeGreaterThan(3);
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
  });

  it("finds nothing wrong with a new store", async () => {
    const store = await openSqliteStore(path.join(temporaryFolder(), "portal.sqlite"), { random, signer });
    expect(await checkStore(store)).toEqual({ ok: true, items: 0, leaves: 0, count: 0, problems: [] });
    await store.close();
  });

  it("ends where whoever is told of its progress wants it to", async () => {
    const failing = checkChanged(() => undefined, {
      progress: () => {
        throw new RangeError("enough");
      },
    });
    await expect(failing).rejects.toThrow(RangeError);
  });

  it("counts every problem, and keeps the first of them", async () => {
    const report = await checkChanged((db) => db.exec("UPDATE account SET created = 0"), { limit: 7 });
    expect(report.problems).toHaveLength(7);
    expect(report.count).toBe(304);
    expect(codes(report)).toEqual(["account"]);
  });

  const otherKey = makeSigner(signer.origin);
  it.each<[string, readonly string[], (db: Database.Database) => void]>([
    [
      "the first key is another",
      ["head", "key"],
      (db) => {
        db.prepare("UPDATE log_key SET verifier = ? WHERE number = 1").run(otherKey.verifier);
        db.prepare("UPDATE head SET verifier = ?").run(otherKey.verifier);
      },
    ],
    [
      "a key is not named by the one before it",
      ["head", "key"],
      (db) => db.prepare("INSERT INTO log_key VALUES (3, ?, ?)").run(otherKey.verifier, otherKey.change(otherKey, 1)),
    ],
    ["a table is gone", ["storage"], (db) => db.exec("DROP TABLE reservation")],
    ["an index is gone", ["storage"], (db) => db.exec("DROP INDEX account_profile")],
    ["a key is gone", ["key"], (db) => db.exec("DELETE FROM log_key WHERE number = 1")],
    [
      "the head is an older one",
      ["head", "root"],
      (db) => {
        const root = Buffer.alloc(32);
        db.prepare("UPDATE head SET size = 3, root = ?").run(root);
      },
    ],
    ["the head has another time", ["head"], (db) => db.exec("UPDATE head SET time = time + 1")],
    [
      "the head is signed by nobody",
      ["head"],
      (db) => db.exec("UPDATE head SET checkpoint = replace(checkpoint, '\n— ', '\n— x')"),
    ],
    ["a leaf is gone", ["item-leaf", "leaf", "newest", "record"], (db) => db.exec("DELETE FROM leaf WHERE idx = 340")],
    [
      "the last leaf is gone",
      ["item-leaf", "root", "storage", "tile"],
      (db) => db.exec("DELETE FROM leaf WHERE idx = (SELECT max(idx) FROM leaf)"),
    ],
    [
      "a leaf cannot be read",
      ["item-leaf", "leaf", "leaf-link", "root", "tile"],
      (db) => db.exec("UPDATE leaf SET data = x'00' WHERE idx = 1"),
    ],
    [
      "a leaf is found under another name",
      ["leaf", "leaf-link", "newest"],
      (db) => db.exec("UPDATE leaf SET key = x'00' WHERE idx = 0"),
    ],
    [
      "a leaf names no leaf before it",
      ["leaf-link", "record", "root", "tile"],
      (db) => changeLeaf(db, linked(db), { previous: undefined }),
    ],
    [
      "a leaf names another leaf before it",
      ["leaf-link", "root", "tile"],
      (db) => changeLeaf(db, linked(db), { previous: { index: 0, hash: Buffer.alloc(32) } }),
    ],
    [
      "a leaf has a lower sequence",
      ["item-leaf", "leaf-link", "leaf-order", "root", "tile"],
      (db) => changeLeaf(db, 4, { sequence: 1 }),
    ],
    [
      "a leaf has another record",
      ["item-leaf", "leaf-link", "root", "tile"],
      (db) => changeLeaf(db, 0, { recordHash: Buffer.alloc(32) }),
    ],
    [
      "a leaf has no item",
      ["leaf", "root", "tile"],
      (db) => db.exec("INSERT INTO leaf SELECT (SELECT max(idx) + 1 FROM leaf), x'ff', data FROM leaf WHERE idx = 0"),
    ],
    [
      "a tile is another",
      ["tile"],
      (db) => db.exec("UPDATE tile SET hashes = zeroblob(8192) WHERE level = 0 AND idx = 0"),
    ],
    [
      "a tile is short",
      ["tile"],
      (db) => db.exec("UPDATE tile SET hashes = substr(hashes, 33) WHERE level = 0 AND idx = 1"),
    ],
    ["a tile is gone", ["tile"], (db) => db.exec("DELETE FROM tile WHERE level = 1")],
    ["there is a tile too many", ["tile"], (db) => db.exec("INSERT INTO tile VALUES (2, 0, zeroblob(32))")],
    [
      "an item of the log is gone",
      ["item-leaf", "newest", "record", "result"],
      (db) => db.exec("DELETE FROM log WHERE tid = 2"),
    ],
    [
      "an item cannot be read",
      ["item"],
      (db) => db.exec("UPDATE log SET text = 'x' WHERE primary_key = 'Account$n7@x'"),
    ],
    [
      "an item is of an unknown kind",
      ["item"],
      (db) => db.exec("INSERT INTO log VALUES (99999, 'x', 'New', 1, '[]', NULL, 0)"),
    ],
    [
      "an item that is no record is published",
      ["item"],
      (db) => db.exec("INSERT INTO log VALUES (99999, 'x', 'New', 1, '[]', NULL, 1)"),
    ],
    [
      "an account's item names another profile beside its text",
      ["item-leaf"],
      (db) => db.exec("UPDATE log SET keys = replace(keys, '\"A\"', '\"B\"') WHERE primary_key = 'Account$n7@x'"),
    ],
    [
      "an account's item is of another time",
      ["item-leaf"],
      (db) => db.exec("UPDATE log SET added = added - 1 WHERE primary_key = 'Account$n7@x'"),
    ],
    [
      "an account's item is of another action",
      ["item-leaf"],
      (db) => db.exec("UPDATE log SET action = 'Update' WHERE primary_key = 'Account$n7@x'"),
    ],
    [
      "a result's item names more than its account",
      ["item-leaf"],
      (db) =>
        db.exec(
          "UPDATE log SET keys = replace(keys, '}]', '},{}]') WHERE tid = (SELECT max(tid) FROM log WHERE primary_key LIKE 'Result-%' AND action = 'New')",
        ),
    ],
    [
      "a request that was answered is still in its item",
      ["item"],
      (db) => db.exec("UPDATE log SET text = '{}' WHERE primary_key LIKE 'Pending-%' AND action = 'Delete'"),
    ],
    [
      "a change of key is of another action",
      ["item-leaf"],
      (db) => db.exec("UPDATE log SET action = 'New' WHERE primary_key = 'LogKey'"),
    ],
    [
      "a change of key is another",
      ["item-leaf"],
      (db) => db.exec("UPDATE log SET text = '{}' WHERE primary_key = 'LogKey'"),
    ],
    [
      "a record is another of the same person",
      ["item-leaf", "record", "signature", "succession", "usage"],
      (db) => db.exec("UPDATE log SET text = (SELECT text FROM log WHERE tid = 1) WHERE tid = 7"),
    ],
    [
      "a record cannot be read",
      ["record", "signature", "succession", "usage"],
      (db) => changeText(db, "tid = 1", () => "{}"),
    ],
    [
      "a record says it is of another type",
      ["record", "signature", "succession", "usage"],
      (db) => changeText(db, "tid = 1", (text) => text.replace("SignedPersonalProfile", "SignedMasterProfile")),
    ],
    [
      "the signature of a personal profile is another",
      ["signature"],
      (db) => changeText(db, newestOf("SignedPersonalProfile"), spoilSignature),
    ],
    [
      "the signature of an application profile is another",
      ["item-leaf", "record", "signature"],
      (db) => changeText(db, newestOf("SignedApplicationProfile"), spoilSignature),
    ],
    [
      "the signature of a device profile is another",
      ["signature"],
      (db) => changeText(db, newestOf("SignedDeviceProfile"), spoilSignature),
    ],
    [
      "the ciphertext of an escrow entry is another",
      ["item-leaf", "record"],
      (db) => changeText(db, newestOf("OfflineEscrowEntry"), (text) => text.replace(/"iv":"../, '"iv":"AA')),
    ],
    [
      "a record has another owner in the index",
      ["record", "signature", "usage"],
      (db) => db.exec("UPDATE record SET owner = 'A' WHERE type = 'SignedApplicationProfile'"),
    ],
    [
      "a record has another hash in the index",
      ["record"],
      (db) => db.exec("UPDATE record SET hash = 'A' WHERE tid = 1"),
    ],
    [
      "a record has another kind in the index",
      ["record"],
      (db) => db.exec("UPDATE record SET kind = 'A' WHERE tid = 1"),
    ],
    [
      "a record has another leaf in the index",
      ["item-leaf"],
      (db) => db.exec("UPDATE record SET leaf = leaf + 1 WHERE tid = 1"),
    ],
    ["a record is searched for by other keys", ["record"], (db) => db.exec("UPDATE log SET keys = '[]' WHERE tid = 1")],
    ["a record is not published", ["record"], (db) => db.exec("UPDATE log SET published = 0 WHERE tid = 1")],
    [
      "an escrow entry is published",
      ["record"],
      (db) =>
        db.exec("UPDATE log SET published = 1 WHERE tid IN (SELECT tid FROM record WHERE type = 'OfflineEscrowEntry')"),
    ],
    [
      "an older version is the newest",
      ["newest"],
      (db) =>
        db.exec(`UPDATE record SET newest = 0 WHERE newest = 1 AND type = 'SignedPersonalProfile';
        UPDATE record SET newest = 1 WHERE tid IN (SELECT min(tid) FROM record WHERE type = 'SignedPersonalProfile' GROUP BY identifier)`),
    ],
    [
      "no version is the newest",
      ["device", "newest"],
      (db) => db.exec("UPDATE record SET newest = 0 WHERE type = 'SignedPersonalProfile'"),
    ],
    [
      "an account is gone",
      ["account", "signature", "storage"],
      (db) => db.exec("DELETE FROM account WHERE account = 'alice@example.com'"),
    ],
    [
      "an account is too many",
      ["account"],
      (db) => db.exec("INSERT INTO account VALUES ('z@x', 'A', 'Open', 1, 1, 0)"),
    ],
    [
      "an account is open again",
      ["account"],
      (db) => db.exec("UPDATE account SET status = 'Open' WHERE status = 'Closed'"),
    ],
    [
      "an account belongs to another",
      ["account"],
      (db) => db.exec("UPDATE account SET profile = 'B' WHERE account = 'n1@x'"),
    ],
    ["an account has another leaf", ["account"], (db) => db.exec("UPDATE account SET leaf = 0 WHERE account = 'n1@x'")],
    ["a result is gone", ["item"], (db) => db.exec("DELETE FROM result WHERE account = 'alice@example.com'")],
    ["a result has another leaf", ["result"], (db) => db.exec("UPDATE result SET leaf = 0")],
    [
      "a result is an older one",
      ["result"],
      (db) =>
        db.exec(
          "UPDATE result SET tid = (SELECT min(tid) FROM log WHERE primary_key = 'Result-' || device AND text IS NOT NULL)",
        ),
    ],
    [
      "a result is another item",
      ["result"],
      (db) => db.exec("UPDATE result SET tid = 99 WHERE account = 'alice@example.com'"),
    ],
    [
      "a result that was taken away is back",
      ["result"],
      (db) =>
        db.exec(`INSERT INTO result SELECT 'robert@example.com', substr(primary_key, 8), 'h', min(tid), 0 FROM log
        WHERE primary_key LIKE 'Result-%' AND keys LIKE '%robert@%'`),
    ],
    ["a request is gone", ["item"], (db) => db.exec("DELETE FROM pending WHERE account = 'alice@example.com'")],
    [
      "a request is another",
      ["pending"],
      (db) => {
        const request = makeRequest(makeDevice("x", new Date()), makeDevice("y", new Date()).device.udf);
        db.prepare("UPDATE pending SET record = ?").run(JSON.stringify(request));
      },
    ],
    [
      "a request that was answered is back",
      ["pending"],
      (db) =>
        db.exec(`INSERT INTO pending SELECT min(tid), 'alice@example.com', substr(primary_key, 9), 'a', 'h', 1, 'r' FROM log
        WHERE primary_key = (SELECT primary_key FROM log WHERE primary_key LIKE 'Pending-%' AND action = 'Delete' LIMIT 1)`),
    ],
    [
      "a device is gone",
      ["device"],
      (db) => db.exec("DELETE FROM device WHERE since = (SELECT max(since) FROM device)"),
    ],
    ["a device has another key", ["device"], (db) => db.exec("UPDATE device SET authentication = 'A'")],
    ["a device is listed since another time", ["device"], (db) => db.exec("UPDATE device SET since = since + 1")],
    [
      "a device is listed since a later version",
      ["device"],
      (db) =>
        db.exec(`UPDATE device SET since = (SELECT max(tid) FROM record WHERE identifier = profile)
        WHERE since = (SELECT min(since) FROM device)`),
    ],
    ["a device is of nobody", ["device"], (db) => db.exec("INSERT INTO device VALUES ('D', 'A', 'nobody', 1)")],
    ["a name is too many", ["name"], (db) => db.exec("INSERT INTO record_name VALUES ('N', 1)")],
    ["the sums are wrong", ["usage"], (db) => db.exec("UPDATE usage SET bytes = bytes + 1")],
    ["the counts are wrong", ["usage"], (db) => db.exec("UPDATE usage SET records = records - 1")],
    ["a sum is missing", ["usage"], (db) => db.exec("DELETE FROM usage WHERE owner = (SELECT min(owner) FROM usage)")],
  ])("finds it where %s", async (_, expected, change) => {
    const report = await checkChanged(change);
    expect(codes(report)).toEqual([...expected].sort());
    expect(report.ok).toBe(false);
  });
});
