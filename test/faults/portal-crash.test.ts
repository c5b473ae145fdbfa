import * as path from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/deps.js";
import { hasPostgres, sharedServer } from "../support/postgres.js";
import { crashPortals, type PortalCrashOptions } from "../support/portal-crash.js";
import { SEED } from "../support/sample.js";
import { seeded } from "../support/seeded.js";

/** `npm run test:crash` kills five hundred. */
const USUAL = process.env["npm_lifecycle_event"] === "test:crash" ? 500 : 8;
const KILLS = Number(process.env["MESHMAN_CRASHES"] ?? USUAL);

const crash = async (name: string, options: Pick<PortalCrashOptions, "cwd" | "processes" | "store">): Promise<void> => {
  const crashes = await crashPortals({ ...options, kills: KILLS, random: seeded(SEED) });
  if (KILLS > 8) console.log(name, `seed ${SEED}`, crashes);
  expect(crashes.problems, `MESHMAN_SEED=${SEED}`).toEqual([]);
  // How many there are depends on how fast the machine is.
  expect(crashes.acknowledged).toBeGreaterThan(8);
};

const LIMIT = { timeout: 3_600_000 };

test("a portal on SQLite that is killed loses nothing that it has acknowledged", LIMIT, async () => {
  const cwd = temporaryFolder();
  await crash("SQLite", { cwd, processes: 1, store: ["--store", `sqlite:${path.join(cwd, "portal.sqlite")}`] });
});

test("so do two portals on one SQLite file", LIMIT, async () => {
  const cwd = temporaryFolder();
  await crash("SQLite, two", { cwd, processes: 2, store: ["--store", `sqlite:${path.join(cwd, "portal.sqlite")}`] });
});

describe.skipIf(!hasPostgres)("on PostgreSQL", () => {
  const server = sharedServer({ durable: true });

  test("three portals on one database, one of them killed at a time", LIMIT, async () => {
    const cwd = temporaryFolder();
    const { url } = await (await server()).createDatabase();
    const store = ["--store", url, "--log-key-file", path.join(cwd, "log.key")];
    await crash("PostgreSQL, three", { cwd, processes: 3, store });
  });
});
