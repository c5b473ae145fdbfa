import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";
import { openCheckpoint } from "../../src/mesh/log/checkpoint.js";
import { followKeyChanges, openKeyChange } from "../../src/mesh/log/key-change.js";
import { openNote, parseVerifierKey } from "../../src/mesh/log/note.js";
import { openEmbeddedPortal } from "../../src/portal/embedded.js";
import {
  logKeyFileOf,
  openLogKey,
  openWithLogKey,
  readLogKey,
  rotateLogKey,
  type LogKeys,
} from "../../src/portal/log/key-file.js";
import { openSqliteStore } from "../../src/portal/store/sqlite.js";
import type { Store } from "../../src/portal/store/store.js";
import { errorCode, temporaryFolder } from "../support/deps.js";
import { makeSigner } from "../support/log-key.js";
import { openTestStore, random } from "../support/portal.js";

const temporaryFile = (): string => path.join(temporaryFolder(), "portal.sqlite.key");
const open = (file: string, origin?: string): Promise<LogKeys> => openLogKey(file, { random, origin });
const write = (file: string, text: string | Buffer): void => fs.writeFileSync(file, text, { mode: 0o600 });
const linesOf = (file: string): string[] => fs.readFileSync(file, "utf8").split("\n").slice(0, -1);
const others = (file: string): string[] =>
  fs.readdirSync(path.dirname(file)).filter((name) => name !== path.basename(file));

describe("the key file of a log", () => {
  it("is made for its owner alone, whatever the umask, and holds the same key ever after", async () => {
    const file = temporaryFile();
    const umask = process.umask(0);
    let made: LogKeys;
    try {
      made = await open(file);
    } finally {
      process.umask(umask);
    }
    expect(fs.statSync(file).mode & 0o777).toBe(0o600);
    expect(others(file)).toEqual([]);
    expect(made.origin).toMatch(/^[0-9a-f]{32}\.mmm\.invalid$/);
    expect(parseVerifierKey(made.verifier)).toMatchObject({ name: made.origin });
    expect(made).toMatchObject({ path: file, isNew: true, verifiers: [made.verifier] });
    const again = await open(file);
    expect(again).toMatchObject({ origin: made.origin, verifier: made.verifier, isNew: false });
    expect(readLogKey(file).verifier).toBe(made.verifier);
    const note = again.sign("a text\n");
    expect(openNote(note, made.verifier)).toBe("a text\n");
    const other = await open(temporaryFile());
    expect([other.origin, other.verifier]).not.toContain(made.origin);
    expect(openNote(note, other.verifier)).toBeUndefined();
  });

  it("has the name that it was given, and never another", async () => {
    const file = temporaryFile();
    const made = await open(file, "portal.example/log");
    expect(made.origin).toBe("portal.example/log");
    expect((await open(file)).origin).toBe("portal.example/log");
    expect((await open(file, "portal.example/log")).verifier).toBe(made.verifier);
    expect(await errorCode(() => open(file, "another.example"))).toBe("usage");
  });

  it.each(["", "two words", "plus+sign", "line\nfeed", "x".repeat(256)])("has no name such as %j", async (origin) => {
    const file = temporaryFile();
    expect(await errorCode(() => open(file, origin))).toBe("usage");
    expect(fs.existsSync(file)).toBe(false);
  });

  it.each([0o640, 0o604, 0o660, 0o644, 0o610])("is refused with mode %o", async (mode) => {
    const file = temporaryFile();
    await open(file);
    fs.chmodSync(file, mode);
    expect(await errorCode(() => open(file))).toBe("keystore-permissions");
    fs.chmodSync(file, 0o400);
    expect((await open(file)).isNew).toBe(false);
  });

  it("is refused where it is something else", async () => {
    const file = temporaryFile();
    const key = JSON.parse((await open(file), linesOf(file)[0]!)) as { Origin: string; Key: Record<string, string> };
    const other = JSON.parse((await open(temporaryFile()), linesOf(file)[0]!)) as typeof key;
    const strange = { ...other, Origin: "another.example" };
    const damaged = [
      "",
      "\n",
      "not JSON at all",
      "{}",
      "null",
      JSON.stringify({ ...key, Origin: "two words" }),
      JSON.stringify({ ...key, extra: 1 }),
      JSON.stringify({ ...key, Key: { ...key.Key, crv: "X25519" } }),
      JSON.stringify({ ...key, Key: { ...key.Key, d: "A".repeat(43) } }),
      JSON.stringify({ ...key, Key: { ...key.Key, d: "?".repeat(43) } }),
      JSON.stringify(key).slice(0, -3),
      // Keys of two logs.
      `${JSON.stringify(key)}\n${JSON.stringify(strange)}\n`,
      `${JSON.stringify(key)}\n${" ".repeat(65_536)}`,
    ];
    for (const text of damaged) {
      write(file, text);
      expect({ text: text.slice(0, 200), code: await errorCode(() => open(file)) }).toMatchObject({
        code: "state-corrupt",
      });
      expect(fs.readFileSync(file, "utf8")).toBe(text);
    }
    fs.rmSync(file);
    fs.mkdirSync(file, { mode: 0o700 });
    expect(await errorCode(() => open(file))).toBe("state-corrupt");
  });

  it("is refused where it cannot be", async () => {
    const file = path.join(temporaryFolder(), "missing", "log.key");
    expect(await errorCode(() => open(file))).toBe("io-failed");
    const through = path.join(await open(temporaryFile()).then(({ path: at }) => at), "log.key");
    expect(await errorCode(() => open(through))).toBe("io-failed");
    expect(await errorCode(async () => readLogKey(temporaryFile()))).toBe("log-key-missing");
  });

  it("keeps its keys where a line of it was cut short", async () => {
    const file = temporaryFile();
    const { verifier } = await open(file);
    fs.appendFileSync(file, '{"Origin":"x","Key":{"kty":"OKP"');
    expect((await open(file)).verifiers).toEqual([verifier]);
    const store = await openSqliteStore(path.join(path.dirname(file), "portal.sqlite"), {
      random,
      signer: await open(file),
    });
    const next = await rotateLogKey(store, await open(file), { random, now: 1 });
    expect((await open(file)).verifiers).toEqual([verifier, next]);
    await store.close();
  });

  it("is one file with one key for all processes that make it at once", async () => {
    const folder = temporaryFolder();
    const root = path.resolve(import.meta.dirname, "../..");
    const program = path.join(folder, "opener.mjs");
    await build({
      stdin: {
        contents: `
          import { randomBytes } from "node:crypto";
          import { openLogKey } from "./src/portal/log/key-file.ts";
          process.stdin.once("data", async () => {
            const { verifier } = await openLogKey(process.argv[2], { random: randomBytes });
            process.stdout.write(verifier, () => process.exit(0));
          });
          process.stdout.write("ready\\n");`,
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
    const file = path.join(folder, "keys", "log.key");
    fs.mkdirSync(path.dirname(file));
    const children = Array.from({ length: 4 }, () => {
      const child = spawn(process.execPath, [program, file], { stdio: ["pipe", "pipe", "inherit"] });
      let text = "";
      let ready = (): void => undefined;
      const isReady = new Promise<void>((resolve) => {
        ready = resolve;
      });
      child.stdout.on("data", (data: Buffer) => {
        text += data.toString();
        if (text.startsWith("ready\n")) ready();
      });
      const ended = new Promise<string>((resolve) => {
        child.on("close", () => resolve(text.replace("ready\n", "")));
      });
      return { child, isReady, ended };
    });
    await Promise.all(children.map(({ isReady }) => isReady));
    for (const { child } of children) child.stdin.write("go\n");
    const verifiers = await Promise.all(children.map(({ ended }) => ended));
    expect(new Set(verifiers)).toEqual(new Set([(await open(file)).verifier]));
    expect(others(file)).toEqual([]);
  });
});

describe("keys that have signed for a store", () => {
  it("make no other one in its place", async () => {
    const database = temporaryFile().replace(/\.key$/, "");
    const first = await openTestStore(database);
    const kept = fs.readFileSync(logKeyFileOf(database), "utf8");
    await first.close();
    await (await openTestStore(database)).close();
    expect(fs.readFileSync(logKeyFileOf(database), "utf8")).toBe(kept);
    expect(readLogKey(logKeyFileOf(database)).stores).toEqual([first.id]);
    fs.rmSync(database);
    expect(await errorCode(() => openTestStore(database))).toBe("log-key-missing");
    expect(fs.existsSync(database)).toBe(false);
    // Nor do they sign for one that was put there.
    const elsewhere = temporaryFile().replace(/\.key$/, "");
    fs.writeFileSync(logKeyFileOf(elsewhere), kept.split("\n").slice(0, 1).join("\n"), { mode: 0o600 });
    await (await openTestStore(elsewhere)).close();
    fs.copyFileSync(elsewhere, database);
    expect(await errorCode(() => openTestStore(database))).toBe("log-key-missing");
  });

  it("are still there after a process that was killed before it had said for which store", async () => {
    const database = temporaryFile().replace(/\.key$/, "");
    const keys = await open(logKeyFileOf(database));
    const store = await openSqliteStore(database, { random, signer: keys });
    await store.close();
    const again = await openTestStore(database);
    expect(readLogKey(keys.path).stores).toEqual([again.id]);
    await again.close();
  });
});

describe("a change of the key", () => {
  const openStore = async (): Promise<{ store: Store; keys: LogKeys; database: string }> => {
    const database = path.join(temporaryFolder(), "portal.sqlite");
    const keys = await open(logKeyFileOf(database));
    const store = await openSqliteStore(database, { random, signer: keys });
    return { store, keys, database };
  };
  const create = (store: Store, name: string): Promise<number> =>
    store.transact((tx) => tx.createAccount(`${name}@x`, "MAAA", 1));

  it("is signed by the old one, and every head from then on by the new one", async () => {
    const { store, keys } = await openStore();
    await create(store, "a");
    const before = keys.verifier;
    const after = await rotateLogKey(store, keys, { random, now: 5 });
    expect(after).not.toBe(before);
    expect(keys.verifiers).toEqual([before, after]);
    expect((await open(keys.path)).verifier).toBe(after);
    const list = await store.read((tx) => tx.logKeys());
    expect(list).toMatchObject([{ verifier: before, change: undefined }, { verifier: after }]);
    expect(openKeyChange(list[1]!.change!, before)).toEqual({ origin: keys.origin, verifier: after, size: 1 });
    await create(store, "b");
    const { checkpoint } = await store.read((tx) => tx.head());
    expect(openCheckpoint(checkpoint, after)).toMatchObject({ size: 3 });
    const last = await rotateLogKey(store, keys, { random, now: 6 });
    const changes = (await store.read((tx) => tx.logKeys())).flatMap(({ change }) => change ?? []);
    for (const pinned of [before, after, last]) followKeyChanges(pinned, changes, last);
    await store.close();
  });

  it("that was begun and not finished is finished with the key of that time", async () => {
    const { store, keys } = await openStore();
    const broken = { ...store, transact: () => Promise.reject(new Error("gone")) };
    await expect(rotateLogKey(broken, keys, { random, now: 1 })).rejects.toThrow("gone");
    expect(linesOf(keys.path)).toHaveLength(2);
    const [first = "", begun = ""] = (await open(keys.path)).verifiers;
    // The log is signed by the old one, which is not the newest in the file.
    expect((await store.read((tx) => tx.logKeys())).map(({ verifier }) => verifier)).toEqual([first]);
    await create(store, "a");
    const reopened = await openTestStore(path.join(path.dirname(keys.path), "portal.sqlite"));
    await create(reopened, "b");
    expect(openCheckpoint((await reopened.read((tx) => tx.head())).checkpoint, first).size).toBe(2);
    expect(await rotateLogKey(reopened, await open(keys.path), { random, now: 2 })).toBe(begun);
    expect((await open(keys.path)).verifiers).toEqual([first, begun]);
    await reopened.close();
    await store.close();
  });

  it("by two at once loses no key", async () => {
    const { store, keys, database } = await openStore();
    const other = await openTestStore(database);
    const otherKeys = await open(keys.path);
    await Promise.all([
      rotateLogKey(store, keys, { random, now: 1 }),
      rotateLogKey(other, otherKeys, { random, now: 1 }),
    ]);
    const list = (await store.read((tx) => tx.logKeys())).map(({ verifier }) => verifier);
    const held = (await open(keys.path)).verifiers;
    for (const verifier of list) expect(held).toContain(verifier);
    for (const each of [store, other]) await create(each, each === store ? "a" : "b");
    const changes = (await store.read((tx) => tx.logKeys())).flatMap(({ change }) => change ?? []);
    followKeyChanges(keys.verifier, changes, list.at(-1)!);
    for (const each of [store, other]) await each.close();
  });

  it("is followed by a store that is open elsewhere, as soon as it signs again", async () => {
    const { store, keys, database } = await openStore();
    const other = await openTestStore(database);
    await create(other, "a");
    const after = await rotateLogKey(store, keys, { random, now: 1 });
    await create(other, "b");
    expect(openCheckpoint((await other.read((tx) => tx.head())).checkpoint, after).size).toBe(3);
    for (const each of [store, other]) await each.close();
  });

  it("needs the present one", async () => {
    const { store, keys } = await openStore();
    const stranger = await open(temporaryFile());
    expect(await errorCode(() => rotateLogKey(store, stranger, { random, now: 1 }))).toBe("log-key-missing");
    expect(linesOf(stranger.path)).toHaveLength(1);
    fs.rmSync(keys.path);
    expect(keys.signerFor(makeSigner().verifier)).toBeUndefined();
    expect(await errorCode(() => rotateLogKey(store, keys, { random, now: 1 }))).toBe("io-failed");
    expect(await store.read((tx) => tx.logKeys())).toHaveLength(1);
    await store.close();
  });
});

describe("a store without its key", () => {
  it("is not given a new one, which would only hide that the file is lost", async () => {
    const database = path.join(temporaryFolder(), "portal.sqlite");
    await (await openTestStore(database)).close();
    const file = logKeyFileOf(database);
    const kept = fs.readFileSync(file);
    fs.rmSync(file);
    expect(await errorCode(() => openTestStore(database))).toBe("log-key-missing");
    expect(fs.existsSync(file)).toBe(false);
    const deps = { now: () => new Date(), random };
    expect(await errorCode(() => openEmbeddedPortal(database, deps))).toBe("log-key-missing");
    expect(fs.existsSync(file)).toBe(false);
    // One that was there before is left where it is.
    const other = await open(file);
    expect(await errorCode(() => openTestStore(database))).toBe("log-key-missing");
    expect((await open(file)).verifier).toBe(other.verifier);
    write(file, kept);
    await (await openEmbeddedPortal(database, deps)).close();
  });

  it("keeps what is in its place where something else fails", async () => {
    const file = temporaryFile();
    await expect(openWithLogKey(file, { random }, () => Promise.reject(new Error("else")))).rejects.toThrow("else");
    expect(fs.existsSync(file)).toBe(true);
  });

  it("is not left beside a file that is no store", async () => {
    const file = temporaryFile();
    const store = path.join(path.dirname(file), "portal.sqlite");
    fs.writeFileSync(store, "this is no database".repeat(100));
    const opening = () => openWithLogKey(file, { random }, (signer) => openSqliteStore(store, { random, signer }));
    expect(await errorCode(opening)).toBe("state-corrupt");
    expect(fs.existsSync(file)).toBe(false);
    // One that was there stays.
    await open(file);
    expect(await errorCode(opening)).toBe("state-corrupt");
    expect(fs.existsSync(file)).toBe(true);
  });
});
