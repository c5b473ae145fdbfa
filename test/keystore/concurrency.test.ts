import { spawn } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { expect, test } from "vitest";
import { openHome } from "../../src/keystore/home.js";
import { createKeystore } from "../../src/keystore/keystore.js";
import { loadPins } from "../../src/keystore/pins.js";
import { readProfile, updateProfile } from "../../src/keystore/state.js";
import { temporaryFolder, testDeps } from "../support/deps.js";
import { newState } from "../support/keystore.js";

const PROCESSES = 20;

const bundle = (): string => {
  const outfile = join(temporaryFolder(), "worker.mjs");
  buildSync({
    entryPoints: [join(import.meta.dirname, "worker.ts")],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    logLevel: "warning",
    external: ["./prompts.js"],
    banner: { js: 'import{createRequire}from"node:module";const require=createRequire(import.meta.url);' },
  });
  return outfile;
};

const run = (program: string, ...argv: string[]): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...argv], { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    let errors = "";
    child.stdout.on("data", (chunk) => (output += String(chunk)));
    child.stderr.on("data", (chunk) => (errors += String(chunk)));
    child.on("close", (code) => (code === 0 ? resolve(output) : reject(new Error(errors))));
  });

test("twenty processes on one home lose no change of each other, even when one died with the lock", async () => {
  const program = bundle();
  const home = openHome(testDeps(), join(temporaryFolder(), "home"));
  const keystore = await createKeystore(home, { method: "key-file" });
  const state = newState();
  await updateProfile(home, state.udf, () => state);
  // The lock of a process that was killed a minute ago: all twenty want to take it over.
  fs.mkdirSync(join(home.path, ".lock"));
  fs.utimesSync(join(home.path, ".lock"), Date.now() / 1000 - 60, Date.now() / 1000 - 60);

  const start = String(Date.now() + 1500);
  const kids = await Promise.all(Array.from({ length: PROCESSES }, () => run(program, home.path, state.udf, start)));

  const expected = kids.sort();
  expect(new Set(expected).size).toBe(PROCESSES);
  expect(keystore.facts.map(({ kid }) => kid).sort()).toEqual(expected);
  for (const kid of expected) expect(keystore.get(kid, "device-signature").kid).toBe(kid);
  const accounts = (readProfile(home, state.udf)?.accounts ?? []).map(({ account }) => account);
  expect(accounts.filter((account) => expected.includes(account)).sort()).toEqual(expected);
  expect(Object.keys(loadPins(home, keystore).portals).sort()).toEqual(expected);
  expect(fs.readdirSync(home.path).filter((name) => name.startsWith("."))).toEqual([]);
});
