import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, it } from "vitest";
import { checkStore } from "../../src/portal/fsck.js";
import { readPostgresUrl, redactPostgresUrl } from "../../src/portal/store/postgres-url.js";
import { openPostgresStore } from "../../src/portal/store/postgres.js";
import type { StoreOptions } from "../../src/portal/store/options.js";
import type { Store } from "../../src/portal/store/store.js";
import { checkLog } from "../contract/log-contract.js";
import { errorCode, meshError, temporaryFolder } from "../support/deps.js";
import { makeSigner } from "../support/log-key.js";
import { random } from "../support/portal.js";
import { hasPostgres, sharedServer, testDatabases } from "../support/postgres.js";
import { writePerson } from "../support/store-content.js";

const signer = makeSigner();
const create = (store: Store, name: string): Promise<number> =>
  store.transact((tx) => tx.createAccount(`${name}@x`, "A", 1));
const count = async (store: Store): Promise<number> => (await store.read((tx) => tx.accountsOf("A"))).length;

describe("the address of a database", () => {
  it.each([
    ["postgres://db.example/portal", { host: "db.example", database: "portal", ssl: {} }],
    ["postgresql://u:p@db.example:5433/portal", { host: "db.example", port: 5433, user: "u", password: "p" }],
    ["postgres://u%40x:p%2f%3a@localhost/a%20b", { user: "u@x", password: "p/:", database: "a b", ssl: false }],
    ["postgres:///portal", { database: "portal", ssl: false }],
    ["postgres://%2Frun%2Fpg/portal", { host: "/run/pg", ssl: false }],
    [
      "postgres:///portal?host=/run/pg&user=u&password=p&port=1",
      { host: "/run/pg", user: "u", password: "p", port: 1 },
    ],
    ["postgres://[::1]/portal", { host: "::1", ssl: false }],
    ["postgres://127.0.0.1/portal?sslmode=verify-full", { ssl: {} }],
    ["postgres://db.example/portal?sslmode=disable", { ssl: false }],
    ["postgres://db.example/portal?sslmode=require", { ssl: {} }],
    ["postgres://db.example/portal?sslmode=no-verify", { ssl: { rejectUnauthorized: false } }],
    ["postgres://db.example/portal?application_name=x", { application_name: "x" }],
    ["postgres://db.example/portal", { application_name: "meshman" }],
  ])("is read: %s", (url, expected) => {
    expect(readPostgresUrl(url)).toMatchObject(expected);
  });

  it("names the certificates to verify with", () => {
    const file = path.join(temporaryFolder(), "ca.pem");
    fs.writeFileSync(file, "certificate");
    const { ssl } = readPostgresUrl(`postgres://localhost/portal?sslrootcert=${file}&sslcert=${file}&sslkey=${file}`);
    const octets = Buffer.from("certificate");
    expect(ssl).toEqual({ ca: octets, cert: octets, key: octets });
  });

  it.each([
    "mysql://db.example/portal",
    "postgres:db.example/portal",
    "postgres://db.example",
    "postgres://db.example/",
    "postgres://db.example/a/b",
    "postgres://db.example/portal#x",
    "postgres://db.example:99999/portal",
    "postgres:///portal?port=x",
    "postgres:///portal?port=0",
    "postgres://db.example/%zz",
    "postgres://%zz/portal",
    "postgres://db.example/portal?sslmode=prefer",
    "postgres://db.example/portal?options=-c%20synchronous_commit=off",
    "postgres://db.example/portal?host=a&host=b",
    `postgres://db.example/${"a".repeat(3000)}`,
  ])("is refused: %s", async (url) => {
    expect(await errorCode(async () => readPostgresUrl(url))).toBe("usage");
  });

  it("names no certificate that cannot be read", async () => {
    const url = "postgres://localhost/portal?sslrootcert=/missing/ca.pem";
    expect(await errorCode(async () => readPostgresUrl(url))).toBe("file-unreadable");
  });

  it("is shown without what is secret", () => {
    expect(redactPostgresUrl("postgres://u:secret@db.example:1/portal?password=secret")).toBe(
      "postgres://u@db.example:1/portal",
    );
    expect(redactPostgresUrl("postgres://db.example/portal")).toBe("postgres://db.example/portal");
    expect(redactPostgresUrl("secret")).toBe("postgres://...");
  });

  it.each([
    "postgres://u:secret@127.0.0.1:1/portal",
    "postgres://u:secret@nowhere.invalid/portal?sslmode=disable",
    "postgres:///portal?host=/missing&password=secret&user=u",
  ])("is in no error where nobody answers: %s", async (url) => {
    const error = await meshError(() => openPostgresStore(url, { random, signer }));
    expect(error.code).toBe("io-failed");
    for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
      expect(JSON.stringify([cause.message, cause.stack, cause])).not.toContain("secret");
    }
  });
});

describe.skipIf(!hasPostgres)("a store in PostgreSQL", () => {
  const server = sharedServer();
  const nextDatabase = testDatabases(server);
  const open = (url: string, options: Partial<StoreOptions> = {}): Promise<Store> =>
    openPostgresStore(url, { random, signer, ...options });

  it("is made once where several open a new database at the same time", async () => {
    const { url } = await nextDatabase();
    const stores = await Promise.all(Array.from({ length: 4 }, () => open(url)));
    expect(new Set(stores.map(({ id }) => id)).size).toBe(1);
    await Promise.all(
      stores.flatMap((store, from) => Array.from({ length: 10 }, (_, n) => create(store, `${from}-${n}`))),
    );
    expect(await count(stores[0]!)).toBe(40);
    await checkLog(stores[1]!, signer.verifier);
    for (const store of stores) await store.close();
  });

  it("is made only where it may be", async () => {
    const { url } = await nextDatabase();
    expect(await errorCode(() => open(url, { signer: undefined }))).toBe("store-not-found");
    expect(await errorCode(() => open(url, { create: false }))).toBe("store-not-found");
    await (await open(url, { restoring: true, signer: undefined })).close();
    expect(await errorCode(() => open(url))).toBe("store-unfinished");
  });

  it("lives beside other programs' tables, and relies on no search path", async () => {
    const { url, name } = await (await server()).createDatabase();
    const { query } = await server();
    await query(name, "CREATE SCHEMA evil; CREATE TABLE evil.account (x int); CREATE TABLE public.head (x int)");
    await query(name, `ALTER DATABASE ${name} SET search_path = evil, public`);
    const store = await open(url);
    await writePerson(store, "alice");
    expect(await checkStore(store)).toMatchObject({ ok: true });
    expect(await query(name, "SELECT x FROM evil.account UNION ALL SELECT x FROM public.head")).toEqual([]);
    await store.close();
  });

  it("is damaged where a table is gone, or a column", async () => {
    for (const change of ["DROP TABLE meshman.tile", "ALTER TABLE meshman.account DROP COLUMN leaf"]) {
      const { url, name } = await nextDatabase();
      await (await open(url)).close();
      await (await server()).query(name, change);
      const store = await open(url);
      expect(await errorCode(() => checkStore(store))).toBe("state-corrupt");
      await store.close();
    }
  });

  it.each([
    ["another program's", "CREATE SCHEMA meshman; CREATE TABLE meshman.theirs (x int)"],
    ["another program's with a table of the same name", "CREATE SCHEMA meshman; CREATE TABLE meshman.meta (x int)"],
    ["one without its id", "DELETE FROM meshman.meta WHERE name = 'id'"],
    ["one without its version", "UPDATE meshman.meta SET value = 'x' WHERE name = 'version'"],
    ["one without its head", "DELETE FROM meshman.head"],
  ])("is refused where the schema is %s", async (_, change) => {
    const { url, name } = await nextDatabase();
    const { query } = await server();
    if (!change.startsWith("CREATE")) await (await open(url)).close();
    await query(name, change);
    const tables = "SELECT relname FROM pg_class WHERE relnamespace = 'meshman'::regnamespace ORDER BY relname";
    const before = await query(name, tables);
    expect(await errorCode(() => open(url))).toBe("state-corrupt");
    expect(await query(name, tables)).toEqual(before);
  });

  it.each([
    ["99", "not-supported"],
    ["1", "store-version"],
  ])("is refused where it is of version %s", async (version, code) => {
    const { url, name } = await nextDatabase();
    await (await open(url)).close();
    await (await server()).query(name, `UPDATE meshman.meta SET value = '${version}' WHERE name = 'version'`);
    expect(await errorCode(() => open(url))).toBe(code);
  });

  it("is refused where the database cannot keep every text", async () => {
    const { url } = await (
      await server()
    ).createDatabase("ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'");
    expect(await errorCode(() => open(url))).toBe("not-supported");
  });

  it("is refused where there is no such database, or no right to it", async () => {
    const { url, name } = await nextDatabase();
    const { query } = await server();
    expect(await errorCode(() => open(`${url}_missing`))).toBe("io-failed");
    await query(name, "DROP ROLE IF EXISTS stranger; CREATE ROLE stranger LOGIN");
    const theirs = url.replace("meshman@", "stranger@");
    expect(await errorCode(() => open(theirs))).toBe("io-failed");
    await (await open(url)).close();
    expect(await errorCode(() => open(theirs))).toBe("io-failed");
  });

  it("commits to disk whatever the database does by default", async () => {
    const { url, name } = await (await server()).createDatabase();
    const { query } = await server();
    await query(name, `ALTER DATABASE ${name} SET synchronous_commit = off`);
    await query(name, `ALTER DATABASE ${name} SET default_transaction_isolation = 'serializable'`);
    const store = await open(url);
    const shown = await store.writeTables((sql) => sql.get("SELECT current_setting('synchronous_commit') AS it"));
    expect(shown).toEqual({ it: "on" });
    await query(name, `ALTER DATABASE ${name} SET default_transaction_read_only = on`);
    await store.close();
    const again = await open(url);
    await create(again, "a");
    await checkLog(again, signer.verifier);
    await again.close();
  });

  it("waits for another's transaction, and gives up with busy", async () => {
    const { url, name } = await nextDatabase();
    const store = await open(url, { busyWait: 300 });
    const other = await open(url);
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let begun = (): void => undefined;
    const isBegun = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const holding = other.transact(async (tx) => {
      begun();
      await held;
      return tx.createAccount("holder@x", "A", 1);
    });
    await isBegun;
    const codes = await Promise.all([errorCode(() => create(store, "a")), errorCode(() => create(store, "b"))]);
    expect(codes).toEqual(["busy", "busy"]);
    expect(await count(store)).toBe(0);
    const waiting = create(store, "c");
    const isWaiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    while ((await (await server()).query(name, isWaiting)).length === 0);
    release();
    await Promise.all([holding, waiting]);
    expect(await count(store)).toBe(2);
    await checkLog(store, signer.verifier);
    await store.close();
    await other.close();
  });

  /** Writes over several stores at once while something happens to the server, and gives the names that were acknowledged. */
  const writeThrough = async (
    stores: readonly Store[],
    prefix: string,
    happen: () => Promise<void>,
  ): Promise<string[]> => {
    const acknowledged: string[] = [];
    let over = false;
    const failures: unknown[] = [];
    const writers = stores.flatMap((store, from) =>
      Array.from({ length: 3 }, async (_, lane) => {
        for (let n = 0; !over; n++) {
          const name = `${prefix}-${from}-${lane}-${n}`;
          await create(store, name).then(
            () => acknowledged.push(name),
            (error: unknown) => failures.push(error),
          );
          await store.read((tx) => tx.head()).catch((error: unknown) => failures.push(error));
        }
      }),
    );
    await happen();
    over = true;
    await Promise.all(writers);
    for (const failure of failures) {
      expect(["io-failed", "busy"]).toContain((failure as { code?: string }).code);
    }
    return acknowledged;
  };

  const expectAll = async (url: string, acknowledged: readonly string[]): Promise<void> => {
    const store = await open(url);
    const names = new Set(
      (await store.read((tx) => tx.accountsOf("A"))).map(({ account }) => account.replace("@x", "")),
    );
    for (const name of acknowledged) expect(names).toContain(name);
    await checkLog(store, signer.verifier);
    expect(await checkStore(store)).toMatchObject({ ok: true });
    await store.close();
  };

  it("loses nothing where its connections are cut, and goes on by itself", async () => {
    const { url, name } = await nextDatabase();
    const stores = [await open(url), await open(url)];
    const { query } = await server();
    const cut =
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    const acknowledged: string[] = [];
    for (let round = 0; round < 10; round++) {
      const before = acknowledged.length;
      const written = await writeThrough(stores, `${round}`, async () => {
        await query(name, cut);
      });
      acknowledged.push(...written);
      for (const store of stores) {
        await create(store, `after ${round} ${stores.indexOf(store)}`);
        expect(await count(store)).toBeGreaterThan(before);
      }
    }
    await expectAll(url, acknowledged);
    for (const store of stores) await store.close();
  });

  it("loses nothing where the server is killed and started again", async () => {
    const { url } = await nextDatabase();
    const stores = [await open(url), await open(url)];
    const { kill, start } = await server();
    const acknowledged: string[] = [];
    for (const signal of ["SIGINT", "SIGKILL"] as const) {
      acknowledged.push(
        ...(await writeThrough(stores, signal, async () => {
          await kill(signal);
          await start();
        })),
      );
      for (const store of stores) await create(store, `after ${signal} ${stores.indexOf(store)}`);
    }
    await expectAll(url, acknowledged);
    for (const store of stores) await store.close();
  });
});
