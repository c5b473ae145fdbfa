import type { createHash } from "node:crypto";
import * as fs from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test, vi } from "vitest";
import type { FileSystem } from "../../src/deps.js";
import { isMeshError } from "../../src/errors.js";
import { openHome, type Home } from "../../src/keystore/home.js";
import {
  createKeystore,
  readKeystoreFacts,
  unlockKeystore,
  type Keystore,
  type Protection,
  type Secrets,
} from "../../src/keystore/keystore.js";
import { errorCode, meshError, temporaryFolder, testDeps } from "../support/deps.js";
import { faultyFiles } from "../support/faults.js";
import { fakeKeyring, type FakeKeyring } from "../support/keyring.js";
import { newKey } from "../support/keystore.js";

/** Anything, as JSON.parse gives it. */
type Json = ReturnType<typeof JSON.parse>;

/** How often a passphrase was made a key of. */
const kdf = vi.hoisted(() => ({ count: 0 }));

// A quick stand-in, so that thousands of trials take no hour: it, too, depends on all that it is given.
vi.mock("node:crypto", async (original) => {
  const real = await original<{ createHash: typeof createHash }>();
  const scrypt = (
    passphrase: Buffer,
    salt: Buffer,
    length: number,
    options: object,
    done: (error: Error | null, key: Buffer) => void,
  ): void => {
    kdf.count++;
    const digest = real
      .createHash("sha512")
      .update(JSON.stringify([passphrase, salt, options]))
      .digest();
    setImmediate(() => done(null, digest.subarray(0, length)));
  };
  return { ...real, scrypt };
});

beforeEach(() => {
  kdf.count = 0;
});

/** The protections, a key file in another place being one of its own. */
const PLACES = ["passphrase", "key-file", "stick", "key", "keyring"] as const;
type Place = (typeof PLACES)[number];
type Generation = "old" | "new";

const PASSPHRASES = { old: "the old passphrase", new: "the new passphrase" };
const KEYS = { old: Buffer.alloc(32, 1), new: Buffer.alloc(32, 2) };
const PROFILE = newKey("master-signature").kid;
const key = newKey();
const quick: FileSystem = { ...testDeps().fs, fsync: () => undefined, fsyncDirectory: () => undefined };

/** A folder with a home and a stick in it, and a keyring. */
interface World {
  readonly folder: string;
  readonly stick: string;
  readonly keyring: FakeKeyring;
  home(system?: FileSystem): Home;
  copy(): World;
}

const worldIn = (folder: string, entries: Iterable<readonly [string, string]>): World => {
  const keyring = fakeKeyring();
  for (const [account, text] of entries) keyring.entries.set(account, text);
  return {
    folder,
    stick: join(folder, "stick", "meshman.key"),
    keyring,
    home: (system = quick) => openHome(testDeps({ ...keyring.deps, fs: system }), join(folder, "home")),
    copy: () => {
      const other = temporaryFolder();
      fs.cpSync(folder, other, { recursive: true });
      const text = fs.readFileSync(join(other, "home", "keystore.json"), "utf8");
      fs.writeFileSync(join(other, "home", "keystore.json"), text.replaceAll(folder, other));
      return worldIn(other, keyring.entries);
    },
  };
};

const secretsOf = (generation: Generation): Secrets => ({ key: KEYS[generation] });

const protectionOf = (world: World, place: Place, generation: Generation): Protection => {
  const passphrase = Buffer.from(PASSPHRASES[generation]);
  switch (place) {
    case "passphrase":
      return { method: "passphrase", passphrase };
    case "key-file":
      return { method: "key-file" };
    case "stick":
      return { method: "key-file", path: world.stick };
    case "key":
      return { method: "key", key: Buffer.from(KEYS[generation]) };
    case "keyring":
      return { method: "keyring", passphrase };
  }
};

/** Where the keystore of a world is protected at present. */
const placeOf = (world: World): Place => {
  const { protection, keyFile } = readKeystoreFacts(world.home())!;
  return keyFile === world.stick ? "stick" : protection;
};

/** Opens the keystore as the user would. A keyring is asked, not its passphrase. */
const open = (world: World, generation: Generation): Promise<Keystore> => {
  const passphrase = placeOf(world) === "passphrase" ? { passphrase: Buffer.from(PASSPHRASES[generation]) } : {};
  return unlockKeystore(world.home(), { ...secretsOf(generation), ...passphrase });
};

const expectKey = (keystore: Keystore): void => {
  expect(keystore.get(key.kid, "device-signature")).toEqual(key);
};

/** A world whose keystore is protected so, with one key in it. */
const makeWorld = async (place: Place): Promise<World> => {
  const folder = temporaryFolder();
  fs.mkdirSync(join(folder, "stick"));
  const world = worldIn(folder, []);
  const keystore = await createKeystore(world.home(), { method: "key-file" });
  await keystore.add([{ key, use: "device-signature", profile: PROFILE }]);
  if (place !== "key-file") await keystore.changeProtection(protectionOf(world, place, "old"));
  return world;
};

/** What a finished move leaves, besides what opens the keystore: nothing. */
const expectTidy = (world: World, place: Place): void => {
  expect(placeOf(world)).toBe(place);
  const files = fs.readdirSync(join(world.folder, "home")).filter((name) => !name.startsWith("profiles"));
  expect(files.sort()).toEqual(["keystore.json", ...(place === "key-file" ? ["keystore.key"] : [])]);
  expect(fs.readdirSync(join(world.folder, "stick"))).toEqual(place === "stick" ? ["meshman.key"] : []);
  expect(world.keyring.entries.size).toBe(place === "keyring" ? 1 : 0);
  for (const file of [world.stick, join(world.folder, "home", "keystore.key")]) {
    if (!fs.existsSync(file)) continue;
    expect(fs.readFileSync(file, "latin1")).toMatch(/^[A-Za-z0-9_-]{43}\n$/);
    expect(fs.statSync(file).mode & 0o777).toBe(0o600);
  }
};

const MOVES = PLACES.flatMap((from) => PLACES.map((to) => [from, to] as const));

describe.each(MOVES)("from %s to %s", (from, to) => {
  test("the keys still open, by the new way alone", async () => {
    const world = await makeWorld(from);
    const before = fs.readFileSync(join(world.folder, "home", "keystore.json"), "utf8");
    const keystore = await open(world, "old");
    expect(await keystore.changeProtection(protectionOf(world, to, "new"))).toBeUndefined();
    expectKey(keystore);
    expectKey(await open(world, "new"));
    expectTidy(world, to);
    // Only the protection is another: every key stays as it was sealed.
    const after = JSON.parse(fs.readFileSync(join(world.folder, "home", "keystore.json"), "utf8")) as object;
    expect({ ...after, protection: null }).toEqual({ ...(JSON.parse(before) as object), protection: null });
    const back = await open(world, "new");
    await back.changeProtection(protectionOf(world, from, "old"));
    expectKey(await open(world, "old"));
    expectTidy(world, from);
  });

  test("killed between any two operations, the keystore opens by the old way or the new one", async () => {
    const origin = await makeWorld(from);
    const change = async (world: World, system: FileSystem): Promise<unknown> => {
      const keystore = await unlockKeystore(world.home(system), {
        ...secretsOf("old"),
        ...(from === "passphrase" ? { passphrase: Buffer.from(PASSPHRASES.old) } : {}),
      });
      return keystore.changeProtection(protectionOf(world, to, "new"));
    };
    /** Runs the move until death, which `die` arranges, and gives false where it came to its end before. */
    const trial = async (die: (world: World) => { system: FileSystem; died: () => boolean }): Promise<boolean> => {
      const world = origin.copy();
      const { system, died } = die(world);
      await change(world, system).catch(() => undefined);
      world.keyring.before = world.keyring.after = () => undefined;
      const place = placeOf(world);
      expect([from, to]).toContain(place);
      const generations: readonly Generation[] = place === to ? (place === from ? ["old", "new"] : ["new"]) : ["old"];
      const opened = await Promise.allSettled(generations.map((generation) => open(world, generation)));
      const keystore = opened.find((outcome) => outcome.status === "fulfilled")?.value;
      expectKey(keystore!);
      // Done again it comes to its end, and the home is tidy.
      await keystore!.changeProtection(protectionOf(world, to, "new"));
      expectKey(await open(world, "new"));
      const left = fs.readdirSync(join(world.folder, "home")).filter((name) => /^\.|\.key$/.test(name));
      expect(left).toEqual(to === "key-file" ? ["keystore.key"] : []);
      return died();
    };
    let deaths = 0;
    for (let n = 1; ; n++) {
      const died = await trial((world) => {
        const files = faultyFiles(quick, n, "crash");
        world.keyring.before = () => {
          if (files.fired()) throw new Error("dead");
        };
        return { system: files.fs, died: files.fired };
      });
      if (!died) break;
      deaths++;
    }
    for (const moment of ["before", "after"] as const) {
      for (let n = 1; ; n++) {
        const died = await trial((world) => {
          let count = 0;
          let dead = false;
          world.keyring[moment] = () => {
            dead ||= ++count >= n;
            if (dead) throw new Error("dead");
          };
          const system = Object.fromEntries(
            Object.entries(quick).map(([name, run]) => [
              name,
              (...values: never[]) => {
                if (dead && !["readFile", "stat", "lstat", "list", "close"].includes(name)) throw new Error("dead");
                return (run as (...given: never[]) => unknown)(...values);
              },
            ]),
          ) as unknown as FileSystem;
          return { system, died: () => dead };
        });
        if (!died) break;
        deaths++;
      }
    }
    expect(deaths).toBeGreaterThan(8);
  });
});

describe("beside a keyring", () => {
  test("the passphrase stays where there is one, and opens what the keyring does not", async () => {
    const world = await makeWorld("passphrase");
    const keystore = await open(world, "old");
    kdf.count = 0;
    await keystore.changeProtection({ method: "keyring" });
    expect(kdf.count).toBe(0);
    expectKey(await open(world, "new"));
    for (const spoil of [
      () => world.keyring.entries.clear(),
      () => (world.keyring.fails = "silent"),
      () => (world.keyring.fails = "broken"),
    ]) {
      spoil();
      expect(await errorCode(() => unlockKeystore(world.home()))).toBe("keyring-unavailable");
      expectKey(await unlockKeystore(world.home(), { passphrase: Buffer.from(PASSPHRASES.old) }));
    }
    // A new entry, and the same passphrase.
    world.keyring.fails = undefined;
    await keystore.changeProtection({ method: "keyring" });
    expectKey(await open(world, "new"));
    expectKey(await unlockKeystore(world.home(), { passphrase: Buffer.from(PASSPHRASES.old) }));
  });

  test("there is always a passphrase", async () => {
    for (const place of ["key-file", "key"] as const) {
      const world = await makeWorld(place);
      const keystore = await open(world, "old");
      expect(await errorCode(() => keystore.changeProtection({ method: "keyring" }))).toBe("usage");
      expectTidy(world, place);
    }
  });

  test("the passphrase alone is changed", async () => {
    const world = await makeWorld("keyring");
    const [before] = [...world.keyring.entries];
    const keystore = await open(world, "old");
    expect(await keystore.changePassphrase(Buffer.from("a third passphrase"))).toBeUndefined();
    expect([...world.keyring.entries]).toEqual([before]);
    expectKey(await open(world, "new"));
    expectKey(await unlockKeystore(world.home(), { passphrase: Buffer.from("a third passphrase") }));
    const old = { passphrase: Buffer.from(PASSPHRASES.old) };
    expect(await errorCode(() => unlockKeystore(world.home(), old))).toBe("wrong-passphrase");
  });

  test("an entry with another key, or with something else, does not open it", async () => {
    const world = await makeWorld("keyring");
    const [account = ""] = world.keyring.entries.keys();
    for (const text of ["A".repeat(43), "hello", "", "A".repeat(5000)]) {
      world.keyring.entries.set(account, text);
      expect(await errorCode(() => unlockKeystore(world.home()))).toBe("keyring-unavailable");
    }
  });

  test("an entry that opens another account's keystore does not open this one", async () => {
    const world = await makeWorld("keyring");
    const file = join(world.folder, "home", "keystore.json");
    const json = JSON.parse(fs.readFileSync(file, "utf8"));
    const [[account, text] = ["", ""]] = [...world.keyring.entries];
    const other = `${account.split("/")[0]}/${"A".repeat(22)}`;
    world.keyring.entries.set(other, text);
    json.protection.account = other;
    fs.writeFileSync(file, JSON.stringify(json));
    expect(await errorCode(() => unlockKeystore(world.home()))).toBe("keyring-unavailable");
  });

  test("an entry of another keystore is left alone", async () => {
    const world = await makeWorld("keyring");
    const keystore = await open(world, "old");
    const file = join(world.folder, "home", "keystore.json");
    const json = JSON.parse(fs.readFileSync(file, "utf8"));
    const other = `${"A".repeat(22)}/${"A".repeat(22)}`;
    world.keyring.entries.set(other, "B".repeat(43));
    json.protection.account = other;
    fs.writeFileSync(file, JSON.stringify(json));
    await keystore.changeProtection(protectionOf(world, "key-file", "new"));
    expect([...world.keyring.entries.keys()]).toContain(other);
  });

  test.each(["silent", "broken", "full"] as const)("nothing changes where it is %s", async (fails) => {
    const world = await makeWorld("key-file");
    const keystore = await open(world, "old");
    world.keyring.fails = fails;
    const error = await meshError(() => keystore.changeProtection(protectionOf(world, "keyring", "new")));
    expect(error.code).toBe("keyring-unavailable");
    expectTidy(world, "key-file");
  });

  test("a keyring that forgets what it is told is not relied on", async () => {
    const world = await makeWorld("key-file");
    const keystore = await open(world, "old");
    world.keyring.after = () => world.keyring.entries.clear();
    expect(await errorCode(() => keystore.changeProtection(protectionOf(world, "keyring", "new")))).toBe(
      "keyring-unavailable",
    );
    expectTidy(world, "key-file");
  });

  test("an entry that cannot be removed is told of, and the move is made", async () => {
    const world = await makeWorld("keyring");
    const keystore = await unlockKeystore(world.home(), { passphrase: Buffer.from(PASSPHRASES.old) });
    world.keyring.fails = "silent";
    const left = await keystore.changeProtection({ method: "key-file" });
    expect(left?.key).toBe("keystore.keyring-entry-left");
    expectKey(await open(world, "new"));
  });

  test("no entry is left where the files fail", async () => {
    const world = await makeWorld("key-file");
    for (let n = 1; ; n++) {
      const files = faultyFiles(quick, n, "EIO");
      const keystore = await unlockKeystore(world.home(files.fs));
      const failed = await keystore.changeProtection(protectionOf(world, "keyring", "new")).then(
        () => false,
        (error: unknown) => isMeshError(error, "io-failed"),
      );
      if (!failed && placeOf(world) === "keyring") break;
      expectKey(await open(world, "old"));
      expect(world.keyring.entries.size).toBe(placeOf(world) === "keyring" ? 1 : 0);
      if (placeOf(world) === "keyring") await keystore.changeProtection({ method: "key-file" });
    }
    expect(world.keyring.entries.size).toBe(1);
  });

  test("no secret is in what the process is told but on its standard input", async () => {
    const world = await makeWorld("key-file");
    const runs: { env: object; rest: object; input: string }[] = [];
    const deps = testDeps({
      ...world.keyring.deps,
      fs: quick,
      env: { ...world.keyring.deps.env, HOME: "/home/alice", SECRET: "hidden", NODE_OPTIONS: "--inspect" },
      runPart: ({ env, input, ...rest }) => {
        runs.push({ env, rest, input: Buffer.from(input).toString("latin1") });
        return world.keyring.deps.runPart({ env, input, ...rest });
      },
    });
    const keystore = await unlockKeystore(openHome(deps, join(world.folder, "home")));
    await keystore.changeProtection(protectionOf(world, "keyring", "new"));
    const [text = ""] = world.keyring.entries.values();
    expect(runs.map(({ input }) => input.includes(text))).toEqual([true, false]);
    for (const { env, rest } of runs) {
      expect(JSON.stringify([env, rest])).not.toContain(text);
      expect(Object.keys(env).sort()).toEqual(["DBUS_SESSION_BUS_ADDRESS", "HOME"]);
    }
  });
});

describe("a bus that is there", () => {
  const attempt = async (env: Record<string, string>): Promise<string | undefined> => {
    const world = await makeWorld("key-file");
    let asked: string | undefined;
    const deps = testDeps({
      fs: quick,
      env,
      platform: "linux",
      runPart: (run) => {
        asked = run.env["DBUS_SESSION_BUS_ADDRESS"];
        return world.keyring.deps.runPart(run);
      },
    });
    const keystore = await unlockKeystore(openHome(deps, join(world.folder, "home")));
    const code = await keystore.changeProtection(protectionOf(world, "keyring", "new")).then(
      () => undefined,
      (error: unknown) => (isMeshError(error) ? error.code : "other"),
    );
    expect(code).toBe(asked === undefined ? "keyring-unavailable" : undefined);
    return asked;
  };

  test.each([
    ["none", {}],
    ["an empty address", { DBUS_SESSION_BUS_ADDRESS: "" }],
    ["one that would be started", { DBUS_SESSION_BUS_ADDRESS: "autolaunch:" }],
    ["one that is a program", { DBUS_SESSION_BUS_ADDRESS: "unixexec:path=/bin/false" }],
    ["one of these among others", { DBUS_SESSION_BUS_ADDRESS: "unix:path=/nowhere;autolaunch:" }],
    ["a folder without a bus", { XDG_RUNTIME_DIR: "/" }],
    ["a folder that is no path", { XDG_RUNTIME_DIR: "run" }],
    ["no home either", { HOME: "" }],
  ])("is not %s", async (_, env) => {
    expect(await attempt(env)).toBeUndefined();
  });

  test("is the one in the environment", async () => {
    expect(await attempt({ DBUS_SESSION_BUS_ADDRESS: "unix:path=/run/bus" })).toBe("unix:path=/run/bus");
  });
});

describe("a key file on a stick", () => {
  test("serves several keystores, and keeps each one's key", async () => {
    const [one, other] = [await makeWorld("stick"), await makeWorld("key-file")];
    const keystore = await open(other, "old");
    await keystore.changeProtection({ method: "key-file", path: one.stick });
    expect(fs.readFileSync(one.stick, "latin1").trim().split("\n")).toHaveLength(2);
    expectKey(await open(one, "old"));
    expectKey(await unlockKeystore(other.home()));
    // Each changes its own key, and takes its own away.
    await (await open(one, "old")).changeProtection({ method: "key-file", path: one.stick });
    expectKey(await unlockKeystore(other.home()));
    await (await unlockKeystore(other.home())).changeProtection({ method: "key-file" });
    expect(fs.readFileSync(one.stick, "latin1").trim().split("\n")).toHaveLength(1);
    expectKey(await open(one, "old"));
  });

  test("is never made in place of something else", async () => {
    const world = await makeWorld("key-file");
    const keystore = await open(world, "old");
    for (const content of ["a letter\n", `${"A".repeat(43)}\nand more\n`, "x".repeat(2000)]) {
      fs.writeFileSync(world.stick, content);
      expect(await errorCode(() => keystore.changeProtection(protectionOf(world, "stick", "new")))).toBe("file-exists");
      expect(fs.readFileSync(world.stick, "utf8")).toBe(content);
    }
    expect(placeOf(world)).toBe("key-file");
    expectKey(await open(world, "new"));
  });

  test("that is not there: locked, and the hint says that it is elsewhere", async () => {
    const world = await makeWorld("stick");
    fs.renameSync(join(world.folder, "stick"), join(world.folder, "away"));
    const error = await meshError(() => unlockKeystore(world.home()));
    expect([error.code, error.hint?.key]).toEqual(["locked", "keystore.key-file-elsewhere.hint"]);
  });

  test("that is a pipe is not waited for", async () => {
    const world = await makeWorld("stick");
    const file = join(world.folder, "home", "keystore.json");
    fs.writeFileSync(file, fs.readFileSync(file, "utf8").replace(world.stick, "/dev/tty"));
    expect(await errorCode(() => unlockKeystore(world.home()))).toBe("locked");
  });

  test("that cannot be written any more is told of, and the move is made", async () => {
    const world = await makeWorld("stick");
    const frozen: FileSystem = {
      ...quick,
      unlink: (path) => {
        if (path === world.stick) throw Object.assign(new Error("EROFS"), { code: "EROFS", syscall: "unlink" });
        quick.unlink(path);
      },
    };
    const keystore = await unlockKeystore(world.home(frozen));
    expect((await keystore.changeProtection({ method: "key-file" }))?.key).toBe("keystore.key-file-left");
    expectKey(await open(world, "new"));
    expect(placeOf(world)).toBe("key-file");
  });

  test("may have any mode, unlike one in the home", async () => {
    const world = await makeWorld("stick");
    fs.chmodSync(world.stick, 0o755);
    expectKey(await open(world, "old"));
  });

  test("what a killed process left of it goes", async () => {
    const world = await makeWorld("stick");
    const left = join(world.folder, "stick", ".meshman.key.0123456789abcdef.tmp");
    const other = join(world.folder, "stick", ".other.key.0123456789abcdef.tmp");
    for (const file of [left, other]) fs.writeFileSync(file, "x");
    await (await open(world, "old")).changeProtection(protectionOf(world, "stick", "new"));
    expect([fs.existsSync(left), fs.existsSync(other)]).toEqual([false, true]);
  });
});

describe("what is wrong is known after one KDF at most", () => {
  test.each([
    ["passphrase", { passphrase: Buffer.from("some other passphrase") }, "wrong-passphrase", 1],
    ["keyring", { passphrase: Buffer.from("some other passphrase") }, "wrong-passphrase", 1],
    ["passphrase", {}, "locked", 0],
    ["key", { key: KEYS.new }, "locked", 0],
    ["key", {}, "locked", 0],
    ["key", { passphrase: Buffer.from(PASSPHRASES.old) }, "locked", 0],
  ] as const)("%s, opened with %o", async (place, secrets, code, count) => {
    const world = await makeWorld(place);
    kdf.count = 0;
    expect(await errorCode(() => unlockKeystore(world.home(), secrets))).toBe(code);
    expect(kdf.count).toBe(count);
  });

  test("secrets that are not needed cost nothing", async () => {
    const world = await makeWorld("key");
    kdf.count = 0;
    expectKey(await unlockKeystore(world.home(), { key: KEYS.old, passphrase: Buffer.from("whatever it is") }));
    expect(kdf.count).toBe(0);
  });
});

describe("a keystore file by somebody else", () => {
  const spoilt = async (place: Place, change: (protection: Json) => void): Promise<World> => {
    const world = await makeWorld(place);
    const file = join(world.folder, "home", "keystore.json");
    const json = JSON.parse(fs.readFileSync(file, "utf8"));
    change(json.protection);
    fs.writeFileSync(file, JSON.stringify(json));
    return world;
  };

  test.each<[string, Place, (protection: Json) => void]>([
    ["a path that is not absolute", "stick", (protection) => (protection.path = "meshman.key")],
    ["a path without end", "stick", (protection) => (protection.path = `/${"a".repeat(5000)}`)],
    ["a path for a passphrase", "passphrase", (protection) => (protection.path = "/key")],
    ["an account of another kind", "keyring", (protection) => (protection.account = "login")],
    ["no passphrase beside the keyring", "keyring", (protection) => delete protection.passphrase],
    ["a cheap passphrase", "keyring", (protection) => (protection.passphrase.kdf.N = 1024)],
    ["a member that nobody knows", "key", (protection) => (protection.hint = "1234")],
  ])("with %s", async (_, place, change) => {
    const world = await spoilt(place, change);
    expect(await errorCode(() => readKeystoreFacts(world.home()))).toBe("keystore-corrupt");
  });

  test("another method with the same key does not open it", async () => {
    const world = await spoilt("key", (protection) => (protection.method = "key-file"));
    fs.writeFileSync(join(world.folder, "home", "keystore.key"), `${KEYS.old.toString("base64url")}\n`, {
      mode: 0o600,
    });
    expect(await errorCode(() => unlockKeystore(world.home()))).toBe("locked");
  });

  test("a file of a program before this one still opens", async () => {
    // Written by version 0.1.0: no path in it.
    const world = await makeWorld("key-file");
    const json = JSON.parse(fs.readFileSync(join(world.folder, "home", "keystore.json"), "utf8"));
    expect(Object.keys(json.protection)).toEqual(["method", "wrapped"]);
    expect(json.version).toBe(1);
  });
});
