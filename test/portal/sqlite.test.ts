import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import Database from "better-sqlite3";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";
import { openSqliteStore } from "../../src/portal/store/sqlite.js";
import type { Store } from "../../src/portal/store/store.js";
import { errorCode, meshError, temporaryFolder } from "../support/deps.js";
import { random } from "../support/portal.js";

const temporaryFile = (): string => path.join(temporaryFolder(), "portal.sqlite");
const open = (file: string, options: object = {}): Promise<Store> => openSqliteStore(file, { random, ...options });
const create = (store: Store, name: string): Promise<void> =>
  store.transact((tx) => tx.createAccount(`${name}@x`, "A", 1));
const count = async (store: Store): Promise<number> => (await store.read((tx) => tx.accountsOf("A"))).length;

describe("group commit", () => {
  it("writes many transactions to disk at once", async () => {
    const commits: number[] = [];
    const store = await open(temporaryFile(), { onCommit: (transactions: number) => commits.push(transactions) });
    await Promise.all(Array.from({ length: 500 }, (_, index) => create(store, `n${index}`)));
    expect(commits).toEqual([256, 244]);
    expect(await count(store)).toBe(500);
    await create(store, "last");
    expect(commits).toEqual([256, 244, 1]);
    await store.close();
  });

  it("tells nobody of success before the commit, nor of a refusal that rests on it", async () => {
    const heard: string[] = [];
    const store = await open(temporaryFile(), { onCommit: () => heard.push("commit") });
    await Promise.all([
      create(store, "a").then(() => heard.push("done")),
      store
        .transact(async (tx) => {
          if (await tx.account("a@x")) throw new Error("taken");
        })
        .catch(() => heard.push("refused")),
    ]);
    expect(heard).toEqual(["commit", "done", "refused"]);
    await store.close();
  });
});

describe("several processes", () => {
  it("wait for each other's lock, and give up with busy", async () => {
    const file = temporaryFile();
    const store = await open(file, { busyWait: 200 });
    const other = new Database(file);
    other.exec("BEGIN IMMEDIATE");
    const [first, second] = await Promise.all([
      errorCode(() => create(store, "a")),
      errorCode(() => create(store, "b")),
    ]);
    expect([first, second]).toEqual(["busy", "busy"]);
    const waiting = create(store, "c");
    setTimeout(() => other.exec("COMMIT"), 50);
    await waiting;
    expect(await count(store)).toBe(1);
    other.close();
    await store.close();
  });

  it("open and write one new file at the same time", async () => {
    const file = temporaryFile();
    const stores = await Promise.all(Array.from({ length: 4 }, () => open(file)));
    expect(new Set(stores.map(({ id }) => id)).size).toBe(1);
    await Promise.all(
      stores.flatMap((store, from) => Array.from({ length: 25 }, (_, n) => create(store, `${from}-${n}`))),
    );
    expect(await count(stores[0]!)).toBe(100);
    for (const store of stores) await store.close();
  });

  it("lose nothing that was acknowledged when one is killed", async () => {
    const folder = temporaryFolder();
    const root = path.resolve(import.meta.dirname, "../..");
    const program = path.join(folder, "writer.mjs");
    await build({
      stdin: {
        contents: `
          import { randomBytes } from "node:crypto";
          import { openSqliteStore } from "./src/portal/store/sqlite.ts";
          const store = await openSqliteStore(process.argv[2], { random: randomBytes });
          for (let n = 0; ; n++) {
            await Promise.all(Array.from({ length: 4 }, async (_, k) => {
              const name = n + "-" + k;
              await store.transact((tx) => tx.createAccount(name + "@x", "A", 1));
              process.stdout.write(name + "\\n");
            }));
          }`,
        resolveDir: root,
        loader: "ts",
      },
      bundle: true,
      packages: "external",
      platform: "node",
      format: "esm",
      outfile: program,
    });
    fs.symlinkSync(path.join(root, "node_modules"), path.join(folder, "node_modules"));
    const file = path.join(folder, "portal.sqlite");
    for (let round = 1; round <= 2; round++) {
      const target = `${file}${round}`;
      const child = spawn(process.execPath, [program, target], { stdio: ["ignore", "pipe", "inherit"] });
      let output = "";
      await new Promise<void>((resolve) => {
        child.stdout.on("data", (data: Buffer) => {
          output += data.toString();
          if (output.length > 600) child.kill("SIGKILL");
        });
        child.on("close", () => resolve());
      });
      // The last line may have been cut short.
      const acknowledged = output.split("\n").slice(0, -1);
      expect(acknowledged.length).toBeGreaterThan(50);
      const store = await open(target);
      const names = (await store.read((tx) => tx.accountsOf("A"))).map(({ account }) => account.replace("@x", ""));
      for (const name of acknowledged) expect(names).toContain(name);
      await create(store, "after");
      await store.close();
    }
  });
});

describe("the file", () => {
  it("is for its owner alone, whatever the umask", async () => {
    const file = temporaryFile();
    const umask = process.umask(0);
    try {
      const store = await open(file);
      await create(store, "a");
      for (const suffix of ["", "-wal", "-shm"]) expect(fs.statSync(`${file}${suffix}`).mode & 0o777).toBe(0o600);
      await store.close();
    } finally {
      process.umask(umask);
    }
  });

  it.each([
    ["text", () => Buffer.from("this is no database at all, but some text that is long enough".repeat(20))],
    ["a SQLite header alone", () => Buffer.from("SQLite format 3\u0000".padEnd(4096, "\u0007"))],
  ])("is refused where it is %s", async (_, content) => {
    const file = temporaryFile();
    fs.writeFileSync(file, content());
    const error = await meshError(() => open(file));
    expect(error.code).toBe("state-corrupt");
    expect(error.message).toContain(file);
    expect(fs.readFileSync(file)).toEqual(content());
  });

  it("is refused where it is another program's database", async () => {
    const file = temporaryFile();
    const other = new Database(file);
    other.exec("CREATE TABLE theirs (x)");
    other.close();
    expect(await errorCode(() => open(file))).toBe("state-corrupt");
    const versioned = temporaryFile();
    const theirs = new Database(versioned);
    theirs.exec("CREATE TABLE theirs (x)");
    theirs.pragma("user_version = 1");
    theirs.close();
    expect(await errorCode(() => open(versioned))).toBe("state-corrupt");
  });

  it("is refused where a part of it was overwritten or cut off", async () => {
    const file = temporaryFile();
    const store = await open(file);
    for (let index = 0; index < 50; index++) await create(store, `n${index}`);
    await store.close();
    const good = fs.readFileSync(file);
    for (const damaged of [
      Buffer.concat([good.subarray(0, 4096), Buffer.alloc(good.length - 4096, 0x5a)]),
      good.subarray(0, good.length - 20_000),
      good.subarray(0, 50),
    ]) {
      fs.writeFileSync(file, damaged);
      expect(await errorCode(() => open(file))).toBe("state-corrupt");
    }
    fs.writeFileSync(file, good);
    const again = await open(file);
    expect(await count(again)).toBe(50);
    await again.close();
  });

  it("is refused where a newer version of the program wrote it", async () => {
    const file = temporaryFile();
    await (await open(file)).close();
    const newer = new Database(file);
    newer.pragma("user_version = 99");
    newer.close();
    expect(await errorCode(() => open(file))).toBe("not-supported");
  });

  it("is refused where it cannot be", async () => {
    const folder = temporaryFolder();
    expect(await errorCode(() => open(folder))).toBe("io-failed");
    expect(await errorCode(() => open(path.join(folder, "missing", "portal.sqlite")))).toBe("io-failed");
  });

  it("fails all transactions of a commit where the database gives it up, and goes on", async () => {
    const file = temporaryFile();
    const store = await open(file);
    const other = new Database(file);
    other.exec(
      `CREATE TRIGGER gone BEFORE INSERT ON account WHEN new.account = 'bad@x'
        BEGIN SELECT RAISE(ROLLBACK, 'as on a full disk'); END`,
    );
    other.close();
    const results = await Promise.allSettled(["a", "bad", "c"].map((name) => create(store, name)));
    expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected", "fulfilled"]);
    await create(store, "d");
    const accounts = await store.read((tx) => tx.accountsOf("A"));
    expect(accounts.map(({ account }) => account)).toEqual(["c@x", "d@x"]);
    await store.close();
  });
});
