import * as fs from "node:fs";
import { expect, vi } from "vitest";
import { PORTAL_PATH } from "../../src/mesh/protocol.js";
import { wrap } from "../support/portal.js";
import { hasPostgres, sharedServer } from "../support/postgres.js";
import { test, type Stage } from "../support/program.js";

const ACCOUNT = "alice@example.com";
const server = sharedServer({ durable: true });

/** Writes the address of a new database into a file, as one with a password in it has to be given. */
const writeAddress = async (stage: Stage): Promise<void> => {
  const { url } = await (await server()).createDatabase();
  const address = new URL(url);
  address.password = "hunter22";
  fs.writeFileSync(stage.path("store.txt"), `${address.href}\n`, { mode: 0o600 });
};

const OPTIONS = "--store-file store.txt --log-key-file log.key --log-format json";

const status = async (url: string, target: string): Promise<number> => (await fetch(new URL(target, url))).status;

test.skipIf(!hasPostgres)("several processes serve one PostgreSQL, and none shows its password", async ({ stage }) => {
  await writeAddress(stage);
  const first = await stage.serve(`${OPTIONS} --workers 2`);
  const second = await stage.serve(OPTIONS);
  const third = JSON.parse(await second.running.firstLine()) as { store: string; logKey: string };
  expect(third.store).toMatch(/^postgres:\/\/meshman@[^:@]+\/test_\d+$/);
  expect(JSON.parse(await first.running.firstLine())).toMatchObject({ logKey: third.logKey });
  const { profile } = await stage.meshman("laptop", "profile create --device-name laptop --no-passphrase");
  await stage.meshman("laptop", `account create ${ACCOUNT} --portal ${first.url}`);
  expect(await stage.meshman("laptop", `account status ${ACCOUNT} --portal ${second.url}`)).toMatchObject({
    status: "open",
    profile: { udf: profile.udf },
  });
  for (const { running } of [first, second]) {
    const { status: code, stdout, stderr } = await running.stop("SIGTERM");
    expect(code).toBe(0);
    expect(stdout + stderr).not.toContain("hunter22");
  }
});

test.skipIf(!hasPostgres)("a portal outlives a restart of its database", async ({ stage }) => {
  await writeAddress(stage);
  const { url, running } = await stage.serve(`${OPTIONS} --workers 2`);
  await stage.meshman("laptop", "profile create --device-name laptop --no-passphrase");
  await stage.meshman("laptop", `account create ${ACCOUNT} --portal ${url}`);
  const database = await server();
  await database.kill("SIGINT");
  const get = async (): Promise<number> => {
    const body = wrap("Get", { Account: ACCOUNT });
    return (await fetch(new URL(PORTAL_PATH, url), { method: "POST", body })).status;
  };
  await vi.waitFor(async () => expect(await status(url, "/readyz")).toBe(503), { timeout: 20_000, interval: 100 });
  expect([await status(url, "/healthz"), await get()]).toEqual([200, 503]);
  await database.start();
  await vi.waitFor(async () => expect(await status(url, "/readyz")).toBe(200), { timeout: 20_000, interval: 100 });
  expect(await get()).toBe(201);
  expect(await stage.meshman("laptop", "account status")).toMatchObject({ status: "open" });
  const { status: code, stderr } = await running.stop("SIGTERM");
  expect(code).toBe(0);
  expect(stderr).toMatch(/"event":"request".*"status":503,.*"code":"(io-failed|busy)"/);
});

test.skipIf(!hasPostgres)("a portal whose database cannot be reached says why", async ({ stage }) => {
  const fails = (code: string, exit: number, words: string): Promise<void> =>
    stage.fails("server", exit, code, `portal serve --listen 127.0.0.1:0 ${words}`);
  fs.writeFileSync(stage.path("store.txt"), "postgres://meshman:hunter22@127.0.0.1:1/nothing", { mode: 0o600 });
  await fails("io-failed", 1, OPTIONS);
  await fails("io-failed", 1, `${OPTIONS} --workers 2`);
  await fails("usage", 2, "--store postgres://meshman:hunter22@127.0.0.1:1/nothing --log-key-file log.key");
  await fails("usage", 2, "--store postgres://meshman@127.0.0.1:1/nothing");
});
