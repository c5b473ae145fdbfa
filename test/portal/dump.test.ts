import { createHash } from "node:crypto";
import * as path from "node:path";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isMeshError, type ErrorCode } from "../../src/errors.js";
import { decodeLeaf } from "../../src/mesh/log/leaf.js";
import { checkDump, clearTables, DUMPED, dumpTables, LEFT_OUT, loadTables } from "../../src/portal/store/dump.js";
import { SCHEMA } from "../../src/portal/store/schema.js";
import type { StoreOptions } from "../../src/portal/store/options.js";
import { openPostgresStore } from "../../src/portal/store/postgres.js";
import { openSqliteStore } from "../../src/portal/store/sqlite.js";
import type { LogSigner, Store } from "../../src/portal/store/store.js";
import { checkLog } from "../contract/log-contract.js";
import { temporaryFolder } from "../support/deps.js";
import { makeSigner } from "../support/log-key.js";
import { random } from "../support/portal.js";
import { hasPostgres, sharedServer } from "../support/postgres.js";
import { writePerson } from "../support/store-content.js";

const MADE = new Date("2026-04-01T00:00:00.000Z");
const signer = makeSigner();

const open = (options: Partial<StoreOptions>, file = path.join(temporaryFolder(), "store.sqlite")): Promise<Store> =>
  openSqliteStore(file, { random, ...options });

/** A store in which everything is that a portal writes, with more leaves than one tile holds and, if asked for, two keys. */
const makeStore = async (next?: LogSigner, file?: string): Promise<Store> => {
  const store = await open({ signer }, file);
  await writePerson(store, "alice");
  await store.transact(async (tx) => {
    for (let n = 0; n < 400; n++) await tx.createAccount(`n${n}@example.org`, "A", n);
  });
  if (next) {
    const { size } = await store.read((tx) => tx.head());
    await store.transact((tx) => tx.changeLogKey(next, signer.change(next, size), 1));
  }
  await writePerson(store, "alan");
  return store;
};

const dump = async (store: Store): Promise<Buffer> => {
  const pieces: Buffer[] = [];
  await store.readTables((sql) => dumpTables(sql, MADE, (octets) => pieces.push(octets)));
  return Buffer.concat(pieces);
};

/** A file as it is read: in pieces that end anywhere. */
async function* inPieces(octets: Uint8Array, length = 1000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < octets.length; at += length) yield await Promise.resolve(octets.subarray(at, at + length));
}

const load = async (store: Store, octets: Uint8Array, newSigner?: LogSigner) =>
  store.writeTables(async (sql) => {
    await clearTables(sql);
    const header = await loadTables(sql, inPieces(octets), newSigner && { newLog: { signer: newSigner, at: 5000 } });
    await sql.run("DELETE FROM meta WHERE name = 'restoring'");
    return header;
  });

/** Everything in a store, by tables. */
const contentOf = (store: Store): Promise<Record<string, string[]>> =>
  store.readTables(async (sql) => {
    const content: Record<string, string[]> = {};
    for (const name of [...new Set(DUMPED.map((column) => column.split(".")[0] ?? "")), "head", "tile", "meta"]) {
      const rows = await sql.all(`SELECT * FROM ${name}`);
      content[name] = rows.map((row) => JSON.stringify(row)).sort();
    }
    return content;
  });

const codeOf = async (work: Promise<unknown>): Promise<ErrorCode | undefined> => {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (isMeshError(error)) return error.code;
    throw error;
  }
};

const linesOf = (octets: Buffer): string[] => octets.toString("utf8").split("\n").slice(0, -1);

/** A backup with other lines and a checksum that holds. */
const withLines = (lines: readonly string[]): Buffer => {
  const octets = Buffer.from(
    lines
      .slice(0, -1)
      .map((line) => `${line}\n`)
      .join(""),
  );
  const sha256 = createHash("sha256").update(octets).digest("base64url");
  return Buffer.concat([octets, Buffer.from(`${JSON.stringify({ lines: lines.length - 1, sha256 })}\n`)]);
};

describe("a backup", () => {
  it("has every column of every table, but for those that follow from others", () => {
    const columns = [...SCHEMA.matchAll(/CREATE TABLE (\w+) \(([^;]*?)\)[^;()]*;/g)].flatMap(
      ([, table = "", list = ""]) =>
        list
          .split(/,\s*(?![^(]*\))/)
          .map((column) => column.trim().split(/\s/)[0] ?? "")
          .filter((column) => column !== "PRIMARY")
          .map((column) => `${table}.${column}`),
    );
    expect(columns.length).toBeGreaterThan(50);
    const missing = columns.filter((column) => !DUMPED.includes(column));
    expect(new Set(missing.map((column) => (LEFT_OUT.includes(column) ? column : column.split(".")[0])))).toEqual(
      new Set(LEFT_OUT),
    );
  });

  it("brings everything back, octet for octet, with the log where it was", async () => {
    const next = makeSigner(signer.origin);
    const store = await makeStore(next);
    const octets = await dump(store);
    const copy = await open({ restoring: true });
    const header = await load(copy, octets);
    expect(header).toMatchObject({ store: store.id, made: MADE.toISOString(), verifier: next.verifier });
    expect(await contentOf(copy)).toEqual(await contentOf(store));
    expect((await checkLog(copy, next.verifier)).length).toBe(header.head.size);
    expect((await dump(copy)).equals(octets)).toBe(true);
    await store.close();
    await copy.close();
  });

  it("goes on in the store that it was restored into", async () => {
    const store = await makeStore();
    const file = path.join(temporaryFolder(), "copy.sqlite");
    const copy = await open({ restoring: true }, file);
    await load(copy, await dump(store));
    await copy.close();
    const again = await open({ signer }, file);
    expect(again.id).toBe(store.id);
    await writePerson(again, "bob");
    await checkLog(again, signer.verifier);
    await again.close();
    await store.close();
  });

  it("is one moment, whatever is written meanwhile", async () => {
    const file = path.join(temporaryFolder(), "store.sqlite");
    const store = await makeStore(undefined, file);
    const before = await contentOf(store);
    const pieces: Buffer[] = [];
    let written = 0;
    const other = await open({ signer }, file);
    const write = (octets: Buffer): void => void pieces.push(octets);
    await store.readTables((sql) =>
      dumpTables(sql, MADE, write, async () => {
        await other.transact((tx) => tx.createAccount(`0${written++}@example.org`, "A", 1));
      }),
    );
    expect(written).toBeGreaterThan(1);
    const copy = await open({ restoring: true });
    await load(copy, Buffer.concat(pieces));
    expect(await contentOf(copy)).toEqual(before);
    for (const each of [store, other, copy]) await each.close();
  });

  it.each([1, 2])("begins a new log with everything in it, from one of %i keys", async (keys) => {
    const store = await makeStore(keys === 1 ? undefined : makeSigner(signer.origin));
    const fresh = makeSigner("new.example/log");
    const copy = await open({ restoring: true });
    const { head, verifier } = await load(copy, await dump(store), fresh);
    expect({ origin: head.origin, verifier, time: head.time.getTime() }).toEqual({
      origin: fresh.origin,
      verifier: fresh.verifier,
      time: 5000,
    });
    const leaves = await checkLog(copy, fresh.verifier);
    expect(leaves.some(({ kind }) => kind === "key")).toBe(false);
    await copy.read(async (tx) => {
      expect(await tx.logKeys()).toEqual([{ verifier: fresh.verifier, change: undefined }]);
      const items = await tx.items(0, 10_000);
      const records = items.flatMap(({ record }) => record ?? []);
      expect(records.length).toBeGreaterThan(10);
      for (const { leaf, hash } of records) expect(leaves[leaf]?.recordHash.toString("base64url")).toBe(hash);
      for (const { leaf } of await tx.accounts("", 1000)) expect(leaves[leaf]?.kind).toBe("account");
      for (const { leaf, hash } of await tx.results({ account: "", device: "" }, 100)) {
        expect(leaves[leaf]?.recordHash.toString("base64url")).toBe(hash);
      }
    });
    const size = await store.read(async (tx) => (await tx.head()).size);
    expect(head.size).toBe(size - (keys - 1));
    await store.close();
    await copy.close();
  });

  it("of a store without anything in it", async () => {
    const store = await open({ signer });
    const copy = await open({ restoring: true });
    expect((await load(copy, await dump(store))).head.size).toBe(0);
    expect(await contentOf(copy)).toEqual(await contentOf(store));
    await store.close();
    await copy.close();
  });
});

describe.skipIf(!hasPostgres)("between SQLite and PostgreSQL", () => {
  const server = sharedServer();

  it.each([undefined, makeSigner("new.example/log")])(
    "goes there and back, the same octet for octet",
    async (fresh) => {
      const next = makeSigner(signer.origin);
      const store = await makeStore(next);
      const { url } = await (await server()).createDatabase();
      const there = await openPostgresStore(url, { random, restoring: true });
      const head = await load(there, await dump(store), fresh);
      await there.close();
      const again = await openPostgresStore(url, { random, signer: fresh ?? next });
      expect(again.id).toBe(store.id);
      expect((await checkLog(again, head.verifier)).length).toBe(head.head.size);
      const octets = await dump(again);
      const back = await open({ restoring: true });
      expect(await load(back, octets)).toEqual(head);
      expect((await dump(back)).equals(octets)).toBe(true);
      if (!fresh) expect((await dump(store)).equals(octets)).toBe(true);
      await writePerson(again, "bob");
      await checkLog(again, head.verifier);
      for (const each of [store, again, back]) await each.close();
    },
  );

  it("a row that refers to nothing is refused by PostgreSQL as well", async () => {
    const store = await makeStore();
    const lines = linesOf(await dump(store));
    await store.close();
    const { url } = await (await server()).createDatabase();
    const there = await openPostgresStore(url, { random, restoring: true });
    const at = lines.findIndex((line) => line.startsWith('["alice@'));
    const bad = withLines(lines.with(at, (lines[at] ?? "").replace(/\d+\]$/, "99999]")));
    expect(await codeOf(load(there, bad))).toBe("backup-invalid");
    expect(await there.readTables((sql) => sql.all("SELECT tid FROM log"))).toEqual([]);
    await there.close();
  });
});

describe("a backup that is none", () => {
  const check = (octets: Uint8Array): Promise<ErrorCode | undefined> => codeOf(checkDump(inPieces(octets)));

  it("is noticed wherever it is cut off or changed", async () => {
    const store = await open({ signer });
    await writePerson(store, "alan");
    const octets = await dump(store);
    await store.close();
    expect(await check(octets)).toBeUndefined();
    for (const length of [0, 1, 100, octets.length - 100, octets.length - 1]) {
      expect([length, await check(octets.subarray(0, length))]).toEqual([length, "backup-invalid"]);
    }
    const lines = linesOf(octets);
    for (let at = 0; at < lines.length; at += 7) {
      const cut = [...lines.slice(0, at), ...lines.slice(at + 1)];
      expect([at, await check(Buffer.from(`${cut.join("\n")}\n`))]).toEqual([at, "backup-invalid"]);
    }
    for (const more of ["\n", "{}\n", "[1]\n", lines[0] ?? "", `${lines.at(-1) ?? ""}\n`]) {
      expect(await check(Buffer.concat([octets, Buffer.from(more)]))).toBe("backup-invalid");
    }
    await fc.assert(
      fc.asyncProperty(fc.nat(octets.length - 2), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const bad = Buffer.from(octets);
        bad[at] = (bad[at] ?? 0) ^ flip;
        expect(["backup-invalid", "not-supported"]).toContain(await check(bad));
      }),
      { numRuns: 200 },
    );
  });

  it.each(["", "\n", "null\n", "[]\n", "{}\n", '{"format":"other","version":1}\n', "\0\0\0", "SQLite format 3\0"])(
    "%j",
    async (text) => {
      expect(await check(Buffer.from(text))).toBe("backup-invalid");
    },
  );

  it("of a newer version is not supported", async () => {
    const line = (value: object): Buffer => Buffer.from(`${JSON.stringify(value)}\n`);
    expect(await check(line({ format: "mmm/portal/backup/v2", version: 2 }))).toBe("not-supported");
    expect(await check(line({ format: "mmm/portal/backup/v1", version: 99 }))).toBe("not-supported");
  });

  it("ends where a line never does", async () => {
    const endless = async function* (): AsyncGenerator<Uint8Array> {
      for (;;) yield await Promise.resolve(Buffer.alloc(1 << 20, 0x20));
    };
    expect(await codeOf(checkDump(endless()))).toBe("backup-invalid");
  });

  it("is refused where its checksum holds and it is wrong all the same", async () => {
    const store = await makeStore(makeSigner(signer.origin));
    const lines = linesOf(await dump(store));
    await store.close();
    const changed = (from: RegExp, to: (line: string) => string): Buffer => {
      const at = lines.findIndex((line) => from.test(line));
      expect(at).toBeGreaterThan(0);
      return withLines(lines.map((line, index) => (index === at ? to(line) : line)));
    };
    const rowOf = (table: string): number => lines.findIndex((line) => line.startsWith(`{"table":"${table}"`)) + 1;
    const without = (at: number): Buffer => withLines(lines.filter((_, index) => index !== at));
    const [header = ""] = lines;
    const swapped = lines.with(rowOf("log") - 1, lines[rowOf("record") - 1] ?? "");
    const twice = lines.flatMap((line, index) => (index === rowOf("leaf") ? [line, line] : [line]));
    const otherHead = header.replace(/"verifier":"[^"]*"/, `"verifier":"${makeSigner().verifier}"`);
    const cases: [name: string, octets: Buffer][] = [
      ["a value of another type", changed(/^\["alice@/, (line) => line.replace('"Open"', "7"))],
      ["a row too short", changed(/^\["alice@/, () => '["alice@example.com"]')],
      ["a row that refers to nothing", changed(/^\["alice@/, (line) => line.replace(/\d+\]$/, "99999]"))],
      ["a leaf left out", without(rowOf("leaf") + 3)],
      ["a leaf twice", withLines(twice)],
      ["a table left out", without(rowOf("reservation") - 1)],
      ["tables in another order", withLines(swapped)],
      ["a head of another key", withLines(lines.with(0, otherHead))],
      ["an older store", withLines(lines.with(0, header.replace('"version":2', '"version":1')))],
    ];
    for (const [name, octets] of cases) {
      for (const key of [undefined, makeSigner("new.example")]) {
        const copy = await open({ restoring: true });
        expect([name, await codeOf(load(copy, octets, key))]).toEqual([name, "backup-invalid"]);
        expect(await copy.readTables((sql) => sql.all("SELECT * FROM log"))).toEqual([]);
        await copy.close();
      }
    }
    const copy = await open({ restoring: true });
    expect(await codeOf(load(copy, without(rowOf("log_key") + 1)))).toBe("backup-invalid");
    await copy.close();
  });

  it("with another leaf at its end does not come to the signed head", async () => {
    const store = await makeStore();
    const lines = linesOf(await dump(store));
    await store.close();
    const at = lines.findIndex((line) => line.startsWith('{"table":"log"')) - 1;
    const [index, key, data] = JSON.parse(lines[at] ?? "") as [number, string, string];
    const octets = Buffer.from(data, "base64url");
    octets[octets.length - 1] = (octets.at(-1) ?? 0) ^ 1;
    expect(decodeLeaf(octets)).toBeDefined();
    const copy = await open({ restoring: true });
    const bad = withLines(lines.with(at, JSON.stringify([index, key, octets.toString("base64url")])));
    expect(await codeOf(load(copy, bad))).toBe("backup-invalid");
    await copy.close();
  });
});
