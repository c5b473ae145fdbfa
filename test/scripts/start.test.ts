import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "vitest";
import { LAUNCHER, ROOT, test, type Finished, type Stage } from "../support/program.js";
import { VERSION } from "../../src/version.js";

/** Notes what a process reads, by name, and which parts of Node it has loaded. */
const HOOK = `
const fs = require("node:fs");
const read = fs.readFileSync;
const files = [];
fs.readFileSync = (file, ...rest) => (files.push(String(file)), read(file, ...rest));
process.once("exit", () => fs.writeFileSync(process.env.READ, JSON.stringify({ files, modules: process.moduleLoadList })));
`;

interface Noted {
  /** Names of files of the built program, without the hash in them. */
  readonly chunks: readonly string[];
  readonly modules: readonly string[];
}

/** Runs a command and gives what it has read. */
const note = async (stage: Stage, words: string, status = 0): Promise<Noted> => {
  fs.writeFileSync(stage.path("hook.cjs"), HOOK);
  const env = { NODE_OPTIONS: `--require=${stage.path("hook.cjs")}`, READ: stage.path("read.json") };
  expect(await stage.run("laptop", words, { env })).toMatchObject({ status });
  const { files, modules } = JSON.parse(fs.readFileSync(stage.path("read.json"), "utf8")) as {
    files: string[];
    modules: string[];
  };
  const isChunk = (file: string): boolean => /[\\/]dist[\\/]/.test(file) && !/[\\/]cache[\\/]/.test(file);
  return {
    chunks: files.filter(isChunk).map((file) => path.basename(file).replace(/(-[A-Z0-9]{8})?\.cjs$/, "")),
    modules: modules.map((name) => name.replace(/^NativeModule /, "")),
  };
};

test("what is asked often loads little", async ({ stage }) => {
  await stage.meshman("laptop", "profile create --no-passphrase");
  expect((await note(stage, "--version")).chunks).toEqual([]);
  const shown = await note(stage, "profile show --json");
  expect(shown.chunks).toEqual(["main"]);
  expect(shown.modules).not.toEqual(
    expect.arrayContaining([expect.stringMatching(/^(net|tty|child_process|dns|http|fs\/promises)$/)]),
  );
  expect((await note(stage, "keystore check --json")).chunks).toEqual(["main"]);
  expect((await note(stage, "keystore status --json")).chunks).toEqual(["main"]);
  // Words are loaded to be shown, and the parser that helps to be helped by.
  expect((await note(stage, "profile show")).chunks).toContain("en");
  expect((await note(stage, "profile show --help")).chunks).toEqual(expect.arrayContaining(["program", "en"]));
  expect((await note(stage, "profile shwo --json", 2)).chunks).toContain("program");
});

/** A copy of the installed program, and how it is started. */
const install = (stage: Stage, name: string): { dist: string; run: (words: string) => Promise<Finished> } => {
  const folder = stage.path(name);
  for (const part of ["bin", "dist", "package.json"]) {
    fs.cpSync(path.join(ROOT, part), path.join(folder, part), { recursive: true });
  }
  const launcher = path.join(folder, "bin", "meshman.js");
  return {
    dist: path.join(folder, "dist"),
    run: (words) =>
      stage.start(process.execPath, [launcher, ...words.split(" ")], { env: { MESHMAN_HOME: stage.home("laptop") } })
        .finished,
  };
};

test("compiled code is not needed, and taken only where it is what it should be", async ({ stage }) => {
  const { dist, run } = install(stage, "copy");
  const cache = path.join(dist, "cache");
  const compiled = fs.readdirSync(cache, { recursive: true, encoding: "utf8" }).map((name) => path.join(cache, name));
  const files = compiled.filter((file) => fs.statSync(file).isFile());
  expect(files.map((file) => path.basename(file))).toContain("main.cjs");
  expect(await run("profile create --no-passphrase --json")).toMatchObject({ status: 0, stderr: "" });
  const shown = await run("profile show --json");
  expect(shown).toMatchObject({ status: 0, stderr: "" });
  for (const spoil of [
    (file: string) => fs.truncateSync(file, fs.statSync(file).size / 2),
    (file: string) => fs.writeFileSync(file, "of another Node"),
    (file: string) => fs.writeFileSync(file, ""),
    () => fs.rmSync(cache, { recursive: true, force: true }),
  ]) {
    files.forEach(spoil);
    expect(await run("profile show --json")).toEqual(shown);
  }
});

test("starts by a link, as npm makes one, and from any folder", async ({ stage }) => {
  const link = stage.path("meshman");
  fs.symlinkSync(LAUNCHER, link);
  const { status, stdout } = await stage.start(process.execPath, [link, "--version"], { cwd: "/" }).finished;
  expect({ status, stdout }).toEqual({ status: 0, stdout: `${VERSION}\n` });
  const env = { MESHMAN_HOME: stage.home("laptop") };
  expect(await stage.start(link, ["status", "--json"], { cwd: "/", env }).finished).toMatchObject({ status: 0 });
});

test("--version beside other words", async ({ stage }) => {
  expect(await stage.run("laptop", "--version --json")).toMatchObject({
    status: 0,
    stdout: `${JSON.stringify({ version: VERSION })}\n`,
  });
});
