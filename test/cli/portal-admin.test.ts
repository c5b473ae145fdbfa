import * as fs from "node:fs";
import * as path from "node:path";
import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { main } from "../../src/main.js";
import { openLogKey } from "../../src/portal/log/key-file.js";
import { openSqliteStore } from "../../src/portal/store/sqlite.js";
import type { Store } from "../../src/portal/store/store.js";
import { checkLog } from "../contract/log-contract.js";
import { machine, put, withAccount, type Machine } from "../support/cli.js";
import { testDeps } from "../support/deps.js";
import { openTestStore, random } from "../support/portal.js";
import { hasPostgres, sharedServer } from "../support/postgres.js";
import { writePerson } from "../support/store-content.js";
import { makeVersion1 } from "../support/store-v1.js";

/** A machine with a portal's store on it, in which two people are: alice, and alan, whose account is closed. */
const operator = async (): Promise<Machine> => {
  const of = machine();
  const store = await openTestStore(path.join(of.folder, "portal.sqlite"));
  await writePerson(store, "alice");
  await writePerson(store, "alan");
  await store.close();
  return of;
};

const AT = "--store sqlite:portal.sqlite";

const opened = async <Result>(
  of: Machine,
  work: (store: Store) => Promise<Result>,
  name = "portal",
): Promise<Result> => {
  const store = await openTestStore(path.join(of.folder, `${name}.sqlite`));
  try {
    return await work(store);
  } finally {
    await store.close();
  }
};

const headOf = (of: Machine, name?: string) => opened(of, (store) => store.read((tx) => tx.head()), name);

const fileOf = (of: Machine, name: string): string => path.join(of.folder, name);

/** `portal serve` in this process, over a store in the machine's folder, while `work` runs. */
const whileServing = async (of: Machine, words: readonly string[], work: (url: string) => Promise<void>) => {
  const controller = new AbortController();
  let ready: (url: string) => void = () => undefined;
  const url = new Promise<string>((resolve) => (ready = resolve));
  const status = main(
    ["portal", "serve", "--listen", "127.0.0.1:0", "--json", ...words],
    testDeps({
      cwd: of.folder,
      env: { MESHMAN_HOME: of.home },
      signal: controller.signal,
      stdout: {
        isTTY: false,
        write: async (text) => ready((JSON.parse(text) as { listening: string }).listening),
      },
    }),
  );
  try {
    await work(await Promise.race([url, status.then((code) => Promise.reject(new Error(`serve ended with ${code}`)))]));
  } finally {
    controller.abort();
  }
  expect(await status).toBe(0);
};

const COMMANDS = ["fsck", "stats", "suspend alice@example.com", "migrate", "migrate --check", "backup out.backup"];

describe.each(COMMANDS)("portal %s", (command) => {
  test("makes no store where there is none", async () => {
    const of = machine();
    expect(await of.run(`portal ${command} ${AT}`)).toMatchObject({ status: 3, code: "store-not-found" });
    put(of, "empty.sqlite", "");
    expect(await of.run(`portal ${command} --store sqlite:empty.sqlite`)).toMatchObject({ code: "store-not-found" });
    expect(fs.readdirSync(of.folder).filter((name) => !/^(home|empty\.sqlite.*)$/.test(name))).toEqual([]);
  });

  test("refuses what is no store, one of a newer program, and addresses that are none", async () => {
    const of = await operator();
    put(of, "text.sqlite", "this is no database".repeat(100));
    expect(await of.run(`portal ${command} --store sqlite:text.sqlite`)).toMatchObject({ code: "state-corrupt" });
    const db = new Database(fileOf(of, "portal.sqlite"));
    db.pragma("user_version = 99");
    db.close();
    expect(await of.run(`portal ${command} ${AT}`)).toMatchObject({ status: 5, code: "not-supported" });
    expect(await of.run(`portal ${command} --store mysql:x`)).toMatchObject({ status: 2, code: "usage" });
    put(of, "store.txt", "sqlite:portal.sqlite\n");
    expect(await of.run(`portal ${command} ${AT} --store-file store.txt`)).toMatchObject({ status: 2, code: "usage" });
    expect(await of.run(`portal ${command} --store-file store.txt`)).toMatchObject({
      status: 5,
      code: "not-supported",
    });
    expect(await of.run(`portal ${command} --config nowhere.json`)).toMatchObject({ status: 2 });
  });

  test("refuses a store whose restoring was not finished", async () => {
    const of = machine();
    const store = await openSqliteStore(fileOf(of, "portal.sqlite"), { random, restoring: true });
    await store.close();
    expect(await of.run(`portal ${command} ${AT}`)).toMatchObject({ status: 5, code: "store-unfinished" });
    const outcome = await of.run(`portal serve --listen 127.0.0.1:0 ${AT}`);
    expect(outcome).toMatchObject({ status: 5, code: "store-unfinished" });
    expect(outcome.at("error", "hint")).toContain("portal restore");
  });
});

describe("portal stats", () => {
  const expected = {
    accounts: { open: 1, suspended: 0, closed: 1 },
    profiles: 2,
    records: [
      { type: "OfflineEscrowEntry", count: 2, versions: 2 },
      { type: "SignedApplicationProfile", count: 2, versions: 4 },
      { type: "SignedDeviceProfile", count: 2, versions: 2 },
      { type: "SignedMasterProfile", count: 1, versions: 1 },
      { type: "SignedPersonalProfile", count: 2, versions: 6 },
    ],
    octets: expect.any(Number),
    pending: 2,
    lastWrite: expect.stringMatching(/^2026-03-01T12:00:00\.\d{3}Z$/),
    databaseOctets: expect.any(Number),
  };

  test("counts, and names nobody", async () => {
    const of = await operator();
    const { json, stdout } = await of.ok(`portal stats ${AT}`);
    const { size, time } = await headOf(of);
    expect(json).toEqual({
      store: `sqlite:${fileOf(of, "portal.sqlite")}`,
      ...expected,
      log: { size, time: new Date(time).toISOString() },
    });
    expect(stdout).not.toMatch(/alice|alan/);
    const text = await of.text(`portal stats ${AT}`);
    expect(text.status).toBe(0);
    expect(text.stdout).not.toMatch(/alice|alan/);
  });

  test("of a store in a config file, while it is served", async () => {
    const of = await operator();
    fs.mkdirSync(fileOf(of, "etc"));
    put(of, "etc/portal.json", JSON.stringify({ store: "sqlite:../portal.sqlite", domain: ["example.com"] }));
    await whileServing(of, ["--config", "etc/portal.json"], async (url) => {
      await withAccount(url, "carol@example.com");
      expect((await of.ok("portal stats --config etc/portal.json")).json).toMatchObject({
        accounts: { open: 2, closed: 1 },
        profiles: 3,
      });
    });
  });

  test("of an empty store", async () => {
    const of = machine();
    await opened(of, () => Promise.resolve());
    expect((await of.ok(`portal stats ${AT}`)).json).toMatchObject({
      accounts: { open: 0, suspended: 0, closed: 0 },
      profiles: 0,
      records: [],
      octets: 0,
      lastWrite: null,
      log: { size: 0 },
    });
  });
});

describe("portal fsck", () => {
  test("of a sound store", async () => {
    const of = await operator();
    const { size } = await headOf(of);
    expect((await of.ok(`portal fsck ${AT}`)).json).toEqual({
      ok: true,
      store: `sqlite:${fileOf(of, "portal.sqlite")}`,
      items: expect.any(Number),
      leaves: size,
      records: 15,
      accounts: 2,
      count: 0,
      findings: [],
    });
    expect(await of.text(`portal fsck ${AT}`)).toMatchObject({
      status: 0,
      stdout: expect.stringContaining(String(size)),
    });
    // It asks for no key of the log.
    fs.rmSync(fileOf(of, "portal.sqlite.key"));
    await of.ok(`portal fsck ${AT}`);
  });

  test("while the portal is served and written to", async () => {
    const of = machine();
    await whileServing(of, AT.split(" "), async (url) => {
      const users = [1, 2, 3].map((n) => withAccount(url, `user${n}@example.com`));
      const checks = [1, 2, 3].map(() => of.ok(`portal fsck ${AT}`));
      await Promise.all([...users, ...checks]);
      expect((await of.ok(`portal fsck ${AT}`)).json).toMatchObject({ ok: true, accounts: 3 });
    });
  });

  test.each([
    ["an account that was opened again", "UPDATE account SET status = 'Open'"],
    ["a record with another text", "UPDATE log SET text = replace(text, 'a', 'b') WHERE tid = 1"],
    ["a record of somebody else", "UPDATE record SET owner = 'x' WHERE tid = 1"],
    ["a leaf", "UPDATE leaf SET data = zeroblob(137) WHERE idx = 2"],
    ["a tile", "UPDATE tile SET hashes = zeroblob(length(hashes))"],
    ["no tile", "DELETE FROM tile"],
    ["another head", "UPDATE head SET size = size - 1"],
    ["no result", "DELETE FROM result"],
    ["two profiles swapped", "UPDATE account SET profile = (SELECT max(profile) FROM account)"],
  ])("finds %s", async (_name, change) => {
    const of = await operator();
    const db = new Database(fileOf(of, "portal.sqlite"));
    db.exec(change);
    db.close();
    const { status, json } = await of.run(`portal fsck ${AT}`);
    expect(status).toBe(7);
    expect(json).toMatchObject({ ok: false, count: expect.any(Number) });
    const { findings } = json as { findings: { code: string; message: string }[] };
    expect(findings.length).toBeGreaterThan(0);
    for (const { code } of findings) expect(code).toMatch(/^[a-z-]+$/);
    const text = await of.text(`portal fsck ${AT}`);
    expect(text.status).toBe(7);
    expect(text.stdout.trim().split("\n").length).toBeGreaterThan(2);
  });
});

describe("portal suspend", () => {
  test("suspends an account at a portal that is served, and opens it again; the log says so", async () => {
    const of = machine();
    await whileServing(of, AT.split(" "), async (url) => {
      const user = await withAccount(url);
      const before = (await headOf(of)).size;
      const suspend = `portal suspend alice@example.com ${AT}`;
      expect((await of.ok(suspend)).json).toEqual({
        account: "alice@example.com",
        status: "suspended",
        changed: true,
      });
      expect((await headOf(of)).size).toBe(before + 1);
      expect((await user.run("account status")).json).toMatchObject({ status: "suspended" });
      expect((await of.ok(suspend)).json).toMatchObject({ status: "suspended", changed: false });
      expect((await headOf(of)).size).toBe(before + 1);
      expect((await of.ok(`${suspend} --reopen`)).json).toMatchObject({ status: "open", changed: true });
      expect((await of.ok(`${suspend} --reopen`)).json).toMatchObject({ status: "open", changed: false });
      expect((await headOf(of)).size).toBe(before + 2);
      expect((await user.ok("account status")).json).toMatchObject({ status: "open" });
    });
  });

  test("takes addresses as a portal does, with its first domain for a bare name", async () => {
    const of = await operator();
    expect((await of.ok(`portal suspend ALICE@Example.com ${AT}`)).json).toMatchObject({
      account: "alice@example.com",
    });
    put(of, "portal.json", JSON.stringify({ store: "sqlite:portal.sqlite", domain: "example.com" }));
    expect((await of.ok("portal suspend alice --config portal.json")).json).toMatchObject({ changed: false });
    expect(await of.run(`portal suspend alice ${AT}`)).toMatchObject({ status: 3, code: "account-not-found" });
    expect(await of.run(`portal suspend a..b@example.com ${AT}`)).toMatchObject({ status: 2, code: "address-invalid" });
    expect((await of.text(`portal suspend alice@example.com --reopen ${AT}`)).status).toBe(0);
  });

  test("what is not there or gone", async () => {
    const of = await operator();
    for (const more of ["", "--reopen"]) {
      expect(await of.run(`portal suspend nobody@example.com ${AT} ${more}`)).toMatchObject({
        status: 3,
        code: "account-not-found",
      });
      expect(await of.run(`portal suspend alan@example.com ${AT} ${more}`)).toMatchObject({
        status: 5,
        code: "account-closed",
      });
    }
  });

  test("needs the key of the log, and makes none", async () => {
    const of = await operator();
    fs.renameSync(fileOf(of, "portal.sqlite.key"), fileOf(of, "moved.key"));
    expect(await of.run(`portal suspend alice@example.com ${AT}`)).toMatchObject({
      status: 5,
      code: "log-key-missing",
    });
    expect(fs.existsSync(fileOf(of, "portal.sqlite.key"))).toBe(false);
    await openLogKey(fileOf(of, "other.key"), { random });
    const outcome = await of.run(`portal suspend alice@example.com ${AT} --log-key-file other.key`);
    expect(outcome).toMatchObject({ status: 5, code: "log-key-missing" });
    await of.ok(`portal suspend alice@example.com ${AT} --log-key-file moved.key`);
  });
});

describe("portal migrate", () => {
  const older = async (): Promise<Machine> => {
    const of = await operator();
    makeVersion1(fileOf(of, "portal.sqlite"), fileOf(of, "old.sqlite"));
    return of;
  };
  const OLD = "--store sqlite:old.sqlite";

  test("of a present store does nothing", async () => {
    const of = await operator();
    for (const more of ["", "--check"]) {
      expect((await of.ok(`portal migrate ${AT} ${more}`)).json).toMatchObject({ version: 2, migrated: [] });
    }
    expect((await of.text(`portal migrate ${AT}`)).status).toBe(0);
  });

  test("brings an older one up to date, once", async () => {
    const of = await older();
    const refused = { status: 5, code: "store-version" };
    for (const command of ["fsck", "stats", "suspend alice@example.com", "backup out.backup", "migrate --check"]) {
      expect([command, await of.run(`portal ${command} ${OLD}`)]).toMatchObject([command, refused]);
    }
    expect(await of.run(`portal serve --listen 127.0.0.1:0 ${OLD}`)).toMatchObject(refused);
    fs.rmSync(fileOf(of, "old.sqlite.key"), { force: true });
    expect((await of.ok(`portal migrate ${OLD}`)).json).toEqual({
      store: `sqlite:${fileOf(of, "old.sqlite")}`,
      version: 2,
      migrated: [{ from: 1, to: 2 }],
    });
    expect((await of.ok(`portal migrate ${OLD}`)).json).toMatchObject({ migrated: [] });
    await of.ok(`portal migrate --check ${OLD}`);
    const keys = await openLogKey(fileOf(of, "old.sqlite.key"), { random });
    await opened(of, (store) => checkLog(store, keys.verifier), "old");
    expect((await of.ok(`portal fsck ${OLD}`)).json).toMatchObject({ ok: true, findings: [] });
  });

  test("by two at once is done by one", async () => {
    const of = await older();
    const outcomes = await Promise.all([1, 2].map(() => of.ok(`portal migrate ${OLD}`)));
    const done = outcomes.map(({ json }) => (json as { migrated: unknown[] }).migrated.length);
    expect(done.sort()).toEqual([0, 1]);
  });

  test("of one in which something cannot be read changes nothing", async () => {
    const of = await older();
    const db = new Database(fileOf(of, "old.sqlite"));
    db.exec("UPDATE log SET text = '{' WHERE tid = 3");
    db.close();
    expect(await of.run(`portal migrate ${OLD}`)).toMatchObject({ status: 1, code: "state-corrupt" });
    expect(await of.run(`portal migrate --check ${OLD}`)).toMatchObject({ status: 5, code: "store-version" });
  });
});

describe("portal backup and portal restore", () => {
  const HEAD = {
    origin: expect.stringMatching(/^[0-9a-f]{32}\.mmm\.invalid$/),
    size: expect.any(Number),
    root: expect.stringMatching(/=$/),
    time: expect.stringMatching(/Z$/),
  };
  const COPY = "--store sqlite:copy.sqlite";

  test("bring a store back, which goes on where it was", async () => {
    const of = await operator();
    const { json } = await of.ok(`portal backup portal.backup ${AT}`);
    const store = `sqlite:${fileOf(of, "portal.sqlite")}`;
    expect(json).toEqual({ file: fileOf(of, "portal.backup"), store, log: HEAD });
    expect((fs.statSync(fileOf(of, "portal.backup")).mode & 0o777).toString(8)).toBe("600");
    const restored = await of.ok(`portal restore portal.backup --latest ${COPY}`);
    const { verifier } = await openLogKey(fileOf(of, "portal.sqlite.key"), { random });
    expect(restored.json).toEqual({
      store: `sqlite:${fileOf(of, "copy.sqlite")}`,
      log: (json as { log: unknown }).log,
      logKey: verifier,
      newLog: false,
    });
    expect((fs.statSync(fileOf(of, "copy.sqlite")).mode & 0o777).toString(8)).toBe("600");
    // Without its key it is not served, and no other key is made.
    expect(await of.run(`portal serve --listen 127.0.0.1:0 ${COPY}`)).toMatchObject({ code: "log-key-missing" });
    fs.copyFileSync(fileOf(of, "portal.sqlite.key"), fileOf(of, "copy.sqlite.key"));
    const [one, other] = await Promise.all([of.ok(`portal stats ${AT}`), of.ok(`portal stats ${COPY}`)]);
    const counts = ({ json: value }: typeof one) => ({ ...(value as object), store: 0, databaseOctets: 0 });
    expect(counts(other)).toEqual(counts(one));
    await of.ok(`portal suspend alice@example.com ${COPY}`);
    expect((await of.ok(`portal fsck ${COPY}`)).json).toMatchObject({ ok: true });
    expect((await of.text(`portal backup text.backup ${AT}`)).status).toBe(0);
    expect((await of.text(`portal restore text.backup --latest --store sqlite:text.sqlite`)).status).toBe(0);
  });

  test("while the portal is served and written to", async () => {
    const of = machine();
    await whileServing(of, AT.split(" "), async (url) => {
      const users = [1, 2, 3].map((n) => withAccount(url, `user${n}@example.com`));
      const backups = [1, 2, 3].map((n) => of.ok(`portal backup ${n}.backup ${AT}`));
      await Promise.all([...users, ...backups]);
      for (const n of [1, 2, 3]) await of.ok(`portal restore ${n}.backup --latest --store sqlite:${n}.sqlite`);
    });
  });

  test("with a new log, under which everything is there; the old key is not needed", async () => {
    const of = await operator();
    await of.ok(`portal backup portal.backup ${AT}`);
    const before = await headOf(of);
    const { json } = await of.ok(`portal restore portal.backup --new-log ${COPY}`);
    const { verifier, origin } = await openLogKey(fileOf(of, "copy.sqlite.key"), { random });
    const old = await openLogKey(fileOf(of, "portal.sqlite.key"), { random });
    expect(json).toMatchObject({ logKey: verifier, newLog: true, log: { origin, size: before.size } });
    expect(origin).not.toBe(old.origin);
    await opened(of, (store) => checkLog(store, verifier), "copy");
    expect((await of.ok(`portal fsck ${COPY}`)).json).toMatchObject({ ok: true });
    const named = `portal restore portal.backup --new-log --store sqlite:n.sqlite --log-origin`;
    expect(await of.run(named, old.origin)).toMatchObject({ status: 2, code: "usage" });
    expect((await of.ok(named, "portal.example/log")).json).toMatchObject({ log: { origin: "portal.example/log" } });
  });

  test("a restored account is used on", async () => {
    const of = machine();
    let user: Machine | undefined;
    await whileServing(of, AT.split(" "), async (url) => {
      user = await withAccount(url);
    });
    await of.ok(`portal backup portal.backup ${AT}`);
    await of.ok(`portal restore portal.backup --latest ${COPY}`);
    fs.renameSync(fileOf(of, "portal.sqlite.key"), fileOf(of, "copy.sqlite.key"));
    await whileServing(of, COPY.split(" "), async (url) => {
      expect((await user?.ok("account status alice@example.com --portal", url))?.json).toMatchObject({
        status: "open",
      });
    });
  });

  test("never write over anything", async () => {
    const of = await operator();
    put(of, "there", "x");
    expect(await of.run(`portal backup there ${AT}`)).toMatchObject({ status: 5, code: "file-exists" });
    expect(fs.readFileSync(fileOf(of, "there"), "utf8")).toBe("x");
    expect(await of.run(`portal backup nowhere/x ${AT}`)).toMatchObject({ status: 2, code: "file-unreadable" });
    await of.ok(`portal backup portal.backup ${AT}`);
    const before = await headOf(of);
    for (const choice of ["--latest", "--new-log --log-key-file new.key"]) {
      expect(await of.run(`portal restore portal.backup ${choice} ${AT}`)).toMatchObject({
        status: 5,
        code: "refused",
      });
    }
    expect(await headOf(of)).toEqual(before);
    // A key that signs another log is not taken for a new one.
    put(of, "copy.sqlite.key", fs.readFileSync(fileOf(of, "portal.sqlite.key"), "utf8"));
    const outcome = await of.run(`portal restore portal.backup --new-log ${COPY}`);
    expect(outcome).toMatchObject({ status: 5, code: "file-exists" });
    expect(fs.existsSync(fileOf(of, "copy.sqlite"))).toBe(false);
  });

  test("into a store that is there and empty", async () => {
    const of = await operator();
    await of.ok(`portal backup portal.backup ${AT}`);
    await opened(of, () => Promise.resolve(), "copy");
    fs.rmSync(fileOf(of, "copy.sqlite.key"));
    await of.ok(`portal restore portal.backup --latest ${COPY}`);
    expect((await of.ok(`portal stats ${COPY}`)).json).toMatchObject({ profiles: 2 });
  });

  test("need a choice between two logs", async () => {
    const of = await operator();
    await of.ok(`portal backup portal.backup ${AT}`);
    for (const choice of ["", "--latest --new-log"]) {
      const outcome = await of.run(`portal restore portal.backup ${choice} ${COPY}`);
      expect(outcome).toMatchObject({ status: 2, code: "usage" });
      expect(outcome.at("error", "hint")).toMatch(/--latest.*--new-log/);
    }
    expect(fs.existsSync(fileOf(of, "copy.sqlite"))).toBe(false);
  });

  test("of a damaged file leave nothing", async () => {
    const of = await operator();
    await of.ok(`portal backup portal.backup ${AT}`);
    const octets = fs.readFileSync(fileOf(of, "portal.backup"), "utf8");
    put(of, "cut.backup", octets.slice(0, -200));
    put(of, "changed.backup", octets.replace("alice", "alicf"));
    put(of, "newer.backup", octets.replace("backup/v1", "backup/v2"));
    put(of, "none.backup", "x");
    for (const name of ["cut", "changed", "none"]) {
      for (const choice of ["--latest", "--new-log"]) {
        expect(await of.run(`portal restore ${name}.backup ${choice} ${COPY}`)).toMatchObject({
          status: 7,
          code: "backup-invalid",
        });
      }
    }
    expect(await of.run(`portal restore newer.backup --latest ${COPY}`)).toMatchObject({ status: 5 });
    for (const name of ["nowhere", "."]) {
      expect(await of.run(`portal restore ${name} --latest ${COPY}`)).toMatchObject({ code: "file-unreadable" });
    }
    expect(fs.readdirSync(of.folder).filter((name) => name.startsWith("copy"))).toEqual([]);
  });

  test("of a store that does not agree with its log is refused, and stays so until a good one is restored", async () => {
    const of = await operator();
    await of.ok(`portal backup good.backup ${AT}`);
    const db = new Database(fileOf(of, "portal.sqlite"));
    db.exec("UPDATE account SET status = 'Open' WHERE account = 'alan@example.com'");
    db.close();
    await of.ok(`portal backup bad.backup ${AT}`);
    expect(await of.run(`portal restore bad.backup --latest ${COPY}`)).toMatchObject({
      status: 7,
      code: "backup-invalid",
    });
    expect(await of.run(`portal stats ${COPY}`)).toMatchObject({ code: "store-unfinished" });
    await of.ok(`portal restore good.backup --latest ${COPY}`);
    await of.ok(`portal stats ${COPY}`);
  });

  test("a full disk", async () => {
    const of = await operator();
    const real = testDeps().fs;
    for (const call of ["write", "fsync", "rename", "create"] as const) {
      const failing = {
        ...real,
        [call]: () => {
          throw Object.assign(new Error("ENOSPC"), { code: "ENOSPC", syscall: call });
        },
      };
      const outcome = await of.with({ deps: { fs: failing } }).run(`portal backup portal.backup ${AT}`);
      expect([call, outcome]).toMatchObject([call, { status: 1, code: "io-failed" }]);
      expect(fs.readdirSync(of.folder).filter((name) => name.includes("backup"))).toEqual([]);
    }
  });

  test("interrupted leave no file, and a store that nobody serves", async () => {
    const of = await operator();
    const at = (n: number): Machine => {
      const controller = new AbortController();
      let calls = 0;
      // The clock is read whenever it is time to hear signals.
      const now = (): Date => {
        if (++calls === n) controller.abort();
        return new Date();
      };
      return of.with({ deps: { now, signal: controller.signal } });
    };
    expect(await at(1).run(`portal backup portal.backup ${AT}`)).toMatchObject({ status: 130, code: "interrupted" });
    expect(fs.readdirSync(of.folder).filter((name) => name.includes("backup"))).toEqual([]);
    await of.ok(`portal backup portal.backup ${AT}`);
    const codes = new Set<string | undefined>();
    for (let n = 1; n < 20; n++) {
      const outcome = await at(n).run(`portal restore portal.backup --latest ${COPY}`);
      const after = await of.run(`portal stats ${COPY}`);
      if (outcome.status === 0) break;
      expect(outcome).toMatchObject({ status: 130, code: "interrupted" });
      codes.add(after.code);
    }
    expect([...codes]).toEqual(["store-not-found", "store-unfinished"]);
    expect((await of.run(`portal stats ${COPY}`)).status).toBe(0);
  });
});

describe.skipIf(!hasPostgres)("over PostgreSQL", () => {
  const server = sharedServer();
  const DATABASE = "--store-file database.txt --log-key-file database.key";

  /** An operator who has an empty database as well. */
  const withDatabase = async (): Promise<{ of: Machine; query: (text: string) => Promise<unknown> }> => {
    const of = await operator();
    const { url, name } = await (await server()).createDatabase();
    put(of, "database.txt", `${url}\n`);
    return { of, query: async (text) => (await server()).query(name, text) };
  };

  test("a store moves there and back by its backups, and all commands work there", async () => {
    const { of } = await withDatabase();
    await of.ok(`portal backup one.backup ${AT}`);
    const restored = await of.ok("portal restore one.backup --latest --store-file database.txt");
    expect(restored.at("store")).toMatch(/^postgres:/);
    fs.copyFileSync(fileOf(of, "portal.sqlite.key"), fileOf(of, "database.key"));
    await whileServing(of, DATABASE.split(" "), async (url) => {
      await withAccount(url, "carol@example.com");
      expect((await of.ok(`portal stats ${DATABASE}`)).json).toMatchObject({
        accounts: { open: 2, closed: 1 },
        databaseOctets: expect.any(Number),
      });
      expect((await of.ok(`portal suspend carol@example.com ${DATABASE}`)).json).toMatchObject({ changed: true });
      expect((await of.ok(`portal migrate ${DATABASE}`)).json).toMatchObject({ migrated: [] });
      expect((await of.ok(`portal fsck ${DATABASE}`)).json).toMatchObject({ ok: true, accounts: 3 });
      await of.ok(`portal backup two.backup ${DATABASE}`);
    });
    await of.ok("portal restore two.backup --new-log --store sqlite:back.sqlite");
    expect((await of.ok("portal fsck --store sqlite:back.sqlite")).json).toMatchObject({ ok: true, accounts: 3 });
    for (const choice of ["--latest", "--new-log --log-key-file other.key"]) {
      const outcome = await of.run(`portal restore two.backup ${choice} --store-file database.txt`);
      expect(outcome).toMatchObject({ status: 5, code: "refused" });
    }
  });

  test("an empty database is no store, and an unfinished one is not served", async () => {
    const { of, query } = await withDatabase();
    await of.ok(`portal backup one.backup ${AT}`);
    for (const command of COMMANDS) {
      expect([command, (await of.run(`portal ${command} ${DATABASE}`)).code]).toEqual([command, "store-not-found"]);
    }
    await of.ok(`portal restore one.backup --new-log ${DATABASE}`);
    await query("INSERT INTO meshman.meta VALUES ('restoring', '')");
    for (const command of COMMANDS) {
      expect([command, (await of.run(`portal ${command} ${DATABASE}`)).code]).toEqual([command, "store-unfinished"]);
    }
    const outcome = await of.run(`portal serve --listen 127.0.0.1:0 ${DATABASE}`);
    expect(outcome).toMatchObject({ status: 5, code: "store-unfinished" });
    await of.ok("portal restore one.backup --latest --store-file database.txt");
    await of.ok(`portal stats ${DATABASE}`);
  });

  test("a new log needs to be told where its key is to be", async () => {
    const { of } = await withDatabase();
    await of.ok(`portal backup one.backup ${AT}`);
    const restore = "portal restore one.backup --new-log --store-file database.txt";
    expect(await of.run(restore)).toMatchObject({ status: 2, code: "usage" });
    expect(await of.run("portal suspend alice@example.com --store-file database.txt")).toMatchObject({ status: 2 });
    await of.ok(`${restore} --log-key-file database.key`);
    expect(await of.run(`${restore} --log-key-file database.key`)).toMatchObject({ status: 5, code: "refused" });
  });
});
