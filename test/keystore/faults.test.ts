import * as fs from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { FileSystem } from "../../src/deps.js";
import { openHome, type Home } from "../../src/keystore/home.js";
import { createKeystore, readKeystoreFacts, unlockKeystore, type Protection } from "../../src/keystore/keystore.js";
import { readPins, updatePins } from "../../src/keystore/pins.js";
import { listProfiles, updateProfile } from "../../src/keystore/state.js";
import { isMeshError } from "../../src/errors.js";
import { temporaryFolder, testDeps } from "../support/deps.js";
import { withEveryFault, type Fault } from "../support/faults.js";
import { newKey, newState } from "../support/keystore.js";

const FAULTS = ["EIO", "ENOSPC", "EROFS", "short", "crash"] as const satisfies Fault[];
const KEY_FILE: Protection = { method: "key-file" };
const files = testDeps().fs;
const state = newState();
const key = newKey();
const HASH = "A".repeat(43);

const openWith = (path: string, system: FileSystem): Home => openHome(testDeps({ fs: system }), path);

/** The changes under test: what each does, and what can be seen of it afterwards. */
const changes: Record<string, { run: (home: Home) => Promise<unknown>; seen: (home: Home) => unknown }> = {
  add: {
    run: async (home) => (await unlockKeystore(home)).add([{ key, use: "device-signature", profile: state.udf }]),
    seen: (home) => readKeystoreFacts(home)?.keys.map(({ kid }) => kid),
  },
  changeProtection: {
    run: async (home) => (await unlockKeystore(home)).changeProtection(KEY_FILE),
    seen: () => "usable",
  },
  updateProfile: {
    run: (home) => updateProfile(home, state.udf, () => state),
    seen: (home) => listProfiles(home),
  },
  updatePins: {
    run: async (home) =>
      updatePins(home, await unlockKeystore(home), (pins) => {
        pins.portals["https://example.com"] = { wrapping: "draft", extensions: [HASH] };
        return pins;
      }),
    seen: (home) => Object.keys(readPins(home).portals),
  },
};

describe.each(Object.entries(changes))("%s", (_, { run, seen }) => {
  test.each(FAULTS)(
    "leaves the state before or the state after %s at any step, and can be run again",
    async (fault) => {
      const origin = join(temporaryFolder(), "origin");
      await createKeystore(openHome(testDeps(), origin), KEY_FILE);
      const before = seen(openHome(testDeps(), origin));
      const reference = temporaryFolder();
      fs.cpSync(origin, reference, { recursive: true });
      await run(openHome(testDeps(), reference));
      const after = seen(openHome(testDeps(), reference));

      const steps = await withEveryFault(files, fault, async (faulty) => {
        const path = join(temporaryFolder(), "home");
        fs.cpSync(origin, path, { recursive: true });
        const error = await run(openWith(path, faulty.fs)).then(
          () => undefined,
          (cause: unknown) => cause,
        );
        const home = openHome(testDeps(), path);
        expect([before, after]).toContainEqual(seen(home));
        await unlockKeystore(home);
        if (error === undefined) expect(seen(home)).toEqual(after);
        else expect(isMeshError(error, "io-failed", "read-only")).toBe(true);

        await run(home);
        expect(seen(home)).toEqual(after);
        await unlockKeystore(home);
        const left = [path, join(path, "profiles")].filter((folder) => fs.existsSync(folder));
        expect(left.flatMap((folder) => fs.readdirSync(folder)).filter((name) => name.startsWith("."))).toEqual([]);
      });
      expect(steps).toBeGreaterThan(8);
    },
  );
});

test.each(FAULTS)("createKeystore leaves none or a whole one after %s, and can be run again", async (fault) => {
  await withEveryFault(files, fault, async (faulty) => {
    const path = join(temporaryFolder(), "a", "home");
    await createKeystore(openWith(path, faulty.fs), KEY_FILE).catch(() => undefined);
    const home = openHome(testDeps(), path);
    if (!readKeystoreFacts(home)) await createKeystore(home, KEY_FILE);
    await unlockKeystore(home);
  });
});

// One scrypt a step, so only the fault that subsumes the others.
test("a crash between a key file and a passphrase leaves one of the two in force", async () => {
  const passphrase: Protection = { method: "passphrase", passphrase: Buffer.from("correct horse") };
  const origin = join(temporaryFolder(), "origin");
  await createKeystore(openHome(testDeps(), origin), KEY_FILE);
  const methods: string[] = [];
  await withEveryFault(files, "crash", async (faulty) => {
    const path = join(temporaryFolder(), "home");
    fs.cpSync(origin, path, { recursive: true });
    await (await unlockKeystore(openWith(path, faulty.fs))).changeProtection(passphrase).catch(() => undefined);
    const home = openHome(testDeps(), path);
    const method = readKeystoreFacts(home)?.protection ?? "none";
    methods.push(method);
    // The key file goes last: as long as the keystore refers to it, it is there.
    if (method === "key-file") await unlockKeystore(home);
  });
  expect(new Set(methods)).toEqual(new Set(["key-file", "passphrase"]));

  const locked = join(temporaryFolder(), "locked");
  const keystore = await createKeystore(openHome(testDeps(), locked), passphrase);
  const text = fs.readFileSync(join(locked, "keystore.json"), "utf8");
  const back: string[] = [];
  let faulty: FileSystem = files;
  // The handle stays open over all the crashes, since unlocking it each time would cost a scrypt.
  const current = (): Record<string, (...values: unknown[]) => unknown> => ({ ...faulty }) as never;
  const delegating = Object.fromEntries(
    Object.keys(files).map((name) => [name, (...values: unknown[]) => current()[name]!(...values)]),
  ) as unknown as FileSystem;
  const patient = openWith(locked, delegating);
  const handle = await unlockKeystore(patient, { passphrase: Buffer.from("correct horse") });
  expect(handle.id).toBe(keystore.id);
  await withEveryFault(files, "crash", async (crashing) => {
    fs.writeFileSync(join(locked, "keystore.json"), text);
    faulty = crashing.fs;
    await handle.changeProtection(KEY_FILE).catch(() => undefined);
    faulty = files;
    const home = openHome(testDeps(), locked);
    back.push(readKeystoreFacts(home)?.protection ?? "none");
    if (back.at(-1) === "key-file") await unlockKeystore(home);
    else expect(fs.readFileSync(join(locked, "keystore.json"), "utf8")).toBe(text);
  });
  expect(new Set(back)).toEqual(new Set(["key-file", "passphrase"]));
});
