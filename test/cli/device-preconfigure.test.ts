import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import type { FileSystem } from "../../src/deps.js";
import { openBundle, parseBundleKey, readBundle } from "../../src/keystore/bundle.js";
import { openHome } from "../../src/keystore/home.js";
import { readPins } from "../../src/keystore/pins.js";
import { readProfile, type ProfileState } from "../../src/keystore/state.js";
import { en } from "../../src/messages/en/index.js";
import {
  connected,
  contentOf,
  filePortal,
  machine,
  modesOf,
  put,
  run,
  TIME,
  UDF,
  udfOf,
  withAccount,
  type Machine,
  type RunOptions,
} from "../support/cli.js";
import { testDeps } from "../support/deps.js";
import { killedEverywhere, pictureOf, storeOf } from "../support/killed.js";

const KEY_TEXT = /\bB[A-Z2-7]{3}(-[A-Z2-7]{4}){14}-[A-Z2-7]\b/;
const KEY = expect.stringMatching(KEY_TEXT) as string;
const DAY = 24 * 60 * 60 * 1000;

const stateOf = (of: Machine, udf: string): ProfileState => readProfile(openHome(testDeps(), of.home), udf)!;

interface Listed {
  readonly udf: string;
  readonly name: string;
  readonly admin: boolean;
  readonly current: boolean;
  readonly expires: string | null;
}
const devicesOf = async (of: Machine): Promise<readonly Listed[]> =>
  ((await of.ok("device list")).json as { devices: Listed[] }).devices;

const usesOf = async (of: Machine): Promise<readonly string[]> =>
  ((await of.ok("keystore status")).json as { keys: { use: string }[] }).keys.map(({ use }) => use).sort();

const workOf = async (of: Machine): Promise<readonly string[]> =>
  ((await of.ok("status")).json as { pendingWork: { kind: string }[] }).pendingWork.map(({ kind }) => kind);

/** Carries files from one machine to another. */
const carry = (from: Machine, to: Machine, ...names: readonly string[]): void => {
  for (const name of names) fs.copyFileSync(path.join(from.folder, name), path.join(to.folder, name));
};

const at = (time: Date): RunOptions => ({ deps: { now: () => time } });

let portal: string;
let admin: Machine;

const prepare = async (): Promise<void> => {
  portal = filePortal();
  admin = await withAccount(portal);
};

const PRECONFIGURE = "device preconfigure --name runner --out runner.json";
const INSTALL = "device install runner.json --key-file runner.key --no-passphrase";

/** A bundle and its key, in files of the administrator's folder. */
const preconfigured = async (...more: readonly string[]): Promise<void> => {
  await admin.ok(`${PRECONFIGURE} --key-out runner.key`, ...more);
};

describe("device preconfigure", () => {
  test("adds a device to the profile, and gives all it needs in a bundle, whose key it shows once", async () => {
    await prepare();
    const before = await usesOf(admin);
    const made = await admin.ok(PRECONFIGURE);
    expect(made.json).toEqual({
      device: { udf: UDF, name: "runner" },
      profile: { udf: await udfOf(admin) },
      account: "alice@example.com",
      portal,
      expires: null,
      file: path.join(admin.folder, "runner.json"),
      key: KEY,
    });
    expect(modesOf(admin.folder)["runner.json"]).toBe("600");
    expect(await devicesOf(admin)).toContainEqual(
      expect.objectContaining({ udf: made.at("device", "udf"), name: "runner", admin: false, expires: null }),
    );
    // Its private keys are nowhere but in the bundle.
    expect(await usesOf(admin)).toEqual(before);
    expect(await workOf(admin)).toEqual([]);
    const file = fs.readFileSync(path.join(admin.folder, "runner.json"));
    const { device, profile } = openBundle(readBundle(file, "runner.json"), parseBundleKey(made.at("key")));
    expect(device.udf).toBe(made.at("device", "udf"));
    expect(profile.record).toEqual(stateOf(admin, profile.udf).record);
    for (const secret of [made.at("key"), made.at("device", "udf"), "alice"]) {
      expect(file.toString("utf8")).not.toContain(secret);
    }
  });

  test("shows the key in a text for people, and to nobody else", async () => {
    await prepare();
    const { stdout, stderr } = await admin.text(PRECONFIGURE);
    expect(stdout).toMatch(KEY_TEXT);
    expect(stdout).toContain(en["preconfigure.shown-once"]);
    expect(stderr).not.toMatch(KEY_TEXT);
  });

  test("calls no key shown that it writes into a file", async () => {
    await prepare();
    const { stdout, stderr } = await admin.text(`${PRECONFIGURE} --key-out runner.key`);
    expect(stdout + stderr).not.toContain(en["preconfigure.shown-once"]);
  });

  test("writes the key into a file where it is told to", async () => {
    await prepare();
    const made = await admin.ok(`${PRECONFIGURE} --key-out runner.key --expires 90d`);
    expect(made.json).toMatchObject({ keyFile: path.join(admin.folder, "runner.key"), expires: TIME });
    expect(made.stdout).not.toMatch(KEY_TEXT);
    expect(modesOf(admin.folder)["runner.key"]).toBe("600");
    expect(fs.readFileSync(path.join(admin.folder, "runner.key"), "utf8")).toMatch(KEY_TEXT);
    const [device] = (await devicesOf(admin)).filter(({ name }) => name === "runner");
    expect(Date.parse(device!.expires!) - Date.now()).toBeGreaterThan(89 * DAY);
  });

  test.each([
    ["no name", "device preconfigure --out runner.json", "usage"],
    ["no file", "device preconfigure --name runner", "usage"],
    ["one file for both", `${PRECONFIGURE} --key-out runner.json`, "usage"],
    ["no duration", `${PRECONFIGURE} --expires soon`, "usage"],
    ["a duration that is too short", `${PRECONFIGURE} --expires 59s`, "usage"],
    ["a file that is there", "device preconfigure --name runner --out taken", "file-exists"],
    ["a key file that is there", `${PRECONFIGURE} --key-out taken`, "file-exists"],
    ["a folder that is not there", "device preconfigure --name runner --out no/runner.json", "file-unreadable"],
    ["an administrator", `${PRECONFIGURE} --admin`, "usage"],
  ])("refuses %s, and does nothing", async (_, line, code) => {
    await prepare();
    put(admin, "taken", "mine");
    const before = contentOf(admin.folder);
    expect((await admin.run(line)).code).toBe(code);
    expect(contentOf(admin.folder)).toEqual(before);
  });

  test("is for administration devices, and for profiles with an account", async () => {
    await prepare();
    const phone = await connected(admin);
    expect((await phone.run(PRECONFIGURE)).code).toBe("not-administrator");
    const alone = machine();
    expect((await alone.run(PRECONFIGURE)).code).toBe("profile-not-found");
    await alone.ok("profile create --no-passphrase");
    expect((await alone.run(PRECONFIGURE)).code).toBe("account-not-found");
  });
});

describe("device preconfigure that was cut off", () => {
  test("is taken up by the same command, wherever it was killed", async () => {
    await prepare();
    const restore = pictureOf(admin.folder, storeOf(portal));
    const line = `${PRECONFIGURE} --key-out runner.key`;
    await killedEverywhere(admin, line, restore, async (_, n) => {
      const again = await admin.run(line);
      // What was done already is done; then the files are there.
      if (again.status !== 0) expect(again.code, `at ${n}`).toBe("file-exists");
      expect((await devicesOf(admin)).filter(({ name }) => name === "runner")).toHaveLength(1);
      expect(await workOf(admin)).toEqual([]);
      const runner = machine();
      carry(admin, runner, "runner.json", "runner.key");
      await runner.ok(INSTALL);
      expect((await runner.ok("device status")).at("status")).toBe("accepted");
      // Keys that were left over go with the next command that opens the keystore.
      await admin.ok("device pending");
      expect(await usesOf(admin)).toHaveLength(6);
    });
  });

  test("gives a fresh key where nobody can have seen the one before", async () => {
    await prepare();
    const closed = {
      isTTY: false,
      write: () => Promise.reject(Object.assign(new Error("EPIPE"), { code: "EPIPE", syscall: "write" })),
    };
    const first = run([...PRECONFIGURE.split(" ")], { home: admin.home, deps: { cwd: admin.folder, stdout: closed } });
    expect((await first).status).toBe(1);
    expect(await workOf(admin)).toEqual(["preconfigure"]);
    expect((await admin.ok("status")).at("pendingWork", 0, "command")).toBe(
      `meshman device preconfigure --name runner --out ${path.join(admin.folder, "runner.json")}`,
    );
    expect(await usesOf(admin)).toHaveLength(10);
    const before = fs.readFileSync(path.join(admin.folder, "runner.json"), "utf8");
    const again = await admin.ok(PRECONFIGURE);
    const after = fs.readFileSync(path.join(admin.folder, "runner.json"));
    expect(after.toString("utf8")).not.toBe(before);
    expect(openBundle(readBundle(after, ""), parseBundleKey(again.at("key"))).device.udf).toBe(
      again.at("device", "udf"),
    );
    expect((await devicesOf(admin)).filter(({ name }) => name === "runner")).toHaveLength(1);
    expect(await workOf(admin)).toEqual([]);
    expect(await usesOf(admin)).toHaveLength(6);
  });

  test("writes over no file but its own bundle", async () => {
    await prepare();
    const stdout = { isTTY: false, write: () => Promise.reject(new Error("gone")) };
    expect((await run(PRECONFIGURE.split(" "), { home: admin.home, deps: { cwd: admin.folder, stdout } })).status).toBe(
      1,
    );
    put(admin, "runner.json", "another file");
    expect((await admin.run(PRECONFIGURE)).code).toBe("file-exists");
    expect(fs.readFileSync(path.join(admin.folder, "runner.json"), "utf8")).toBe("another file");
    fs.rmSync(path.join(admin.folder, "runner.json"));
    await admin.ok(PRECONFIGURE);
    expect((await devicesOf(admin)).filter(({ name }) => name === "runner")).toHaveLength(1);
  });

  test("makes another device where the time of the first was over before anybody had it", async () => {
    await prepare();
    const stdout = { isTTY: false, write: () => Promise.reject(new Error("gone")) };
    const line = `${PRECONFIGURE} --expires 1h`;
    await run(line.split(" "), { home: admin.home, deps: { cwd: admin.folder, stdout } });
    const [first] = (await devicesOf(admin)).filter(({ name }) => name === "runner");
    const later = admin.with(at(new Date(Date.now() + DAY)));
    const again = await later.ok(line);
    expect(again.at("device", "udf")).not.toBe(first!.udf);
    expect((await devicesOf(later)).map(({ name }) => name)).toEqual(["laptop", "runner"]);
    expect(await usesOf(admin)).toHaveLength(6);
  });
});

describe("device install", () => {
  test("makes a machine the device, without asking anybody, and removes the bundle", async () => {
    await prepare();
    await preconfigured("--expires", "90d");
    const runner = machine();
    carry(admin, runner, "runner.json", "runner.key");
    const store = storeOf(portal);
    fs.renameSync(store, `${store}.away`);
    const mistaken = await runner.run("profile import runner.json --no-passphrase --yes");
    expect(mistaken).toMatchObject({ status: 7, code: "backup-invalid" });
    expect(mistaken.at("error", "hint")).toContain("meshman device install");
    const done = await runner.ok(INSTALL);
    const udf = done.at("profile", "udf");
    expect(done.json).toEqual({
      profile: { udf, name: "default" },
      device: { udf: UDF, name: "runner" },
      account: "alice@example.com",
      portal,
      expires: TIME,
      installed: true,
    });
    expect(fs.existsSync(path.join(runner.folder, "runner.json"))).toBe(false);
    const status = await runner.ok("status");
    expect(status.json).toMatchObject({ connected: true, admin: false, device: { name: "runner", expires: TIME } });
    expect(await workOf(runner)).toEqual(["rotate"]);
    const pin = readPins(openHome(testDeps(), runner.home)).profiles[udf]!;
    expect(pin.sequence).toBe(stateOf(admin, udf).view!.sequence);
    fs.renameSync(`${store}.away`, store);
    expect(udf).toBe(await udfOf(admin));
    expect((await runner.ok("device status")).json).toEqual({ status: "accepted", expires: TIME });
    expect(await usesOf(runner)).toEqual([
      "device-authentication",
      "device-encryption",
      "device-signature",
      "online-signature",
    ]);
    expect(modesOf(runner.home)["keystore.json"]).toBe("600");
  });

  test("takes the key from a prompt, from standard input, and in any spelling", async () => {
    await prepare();
    const { key } = (await admin.ok(PRECONFIGURE)).json as { key: string };
    const typed = machine({ tty: true, prompts: [key.replace("B", "C"), key.toLowerCase().replaceAll("-", " ")] });
    carry(admin, typed, "runner.json");
    const asked = await typed.ok("device install runner.json --no-passphrase");
    expect(asked.asked).toHaveLength(2 + 1);
    const piped = machine({ stdin: `${key}\n` });
    carry(admin, piped, "runner.json");
    await piped.ok("device install runner.json --key-file - --no-passphrase");
    const silent = machine();
    carry(admin, silent, "runner.json");
    expect((await silent.run("device install runner.json --no-passphrase")).code).toBe("input-required");
    expect(fs.existsSync(silent.home)).toBe(false);
  });

  test("leaves the bundle with --keep, and installs it once all the same", async () => {
    await prepare();
    await preconfigured();
    const runner = machine();
    carry(admin, runner, "runner.json", "runner.key");
    await runner.ok(`${INSTALL} --keep`);
    const before = contentOf(runner.home);
    const again = await runner.ok(`${INSTALL} --keep`);
    expect(again.json).toMatchObject({ installed: false });
    expect(contentOf(runner.home)).toEqual(before);
    expect(fs.existsSync(path.join(runner.folder, "runner.json"))).toBe(true);
    // Without it, what an earlier run had no time for is made up for.
    await runner.ok(INSTALL);
    expect(contentOf(runner.home)).toEqual(before);
    expect(fs.existsSync(path.join(runner.folder, "runner.json"))).toBe(false);
    expect((await runner.run(INSTALL)).code).toBe("file-unreadable");
  });

  test("says so where the bundle cannot be removed", async () => {
    await prepare();
    await preconfigured();
    const real = testDeps().fs;
    const stuck: FileSystem = {
      ...real,
      unlink: (name) => {
        if (name.endsWith("runner.json")) throw Object.assign(new Error("EROFS"), { code: "EROFS" });
        real.unlink(name);
      },
    };
    const runner = machine({ deps: { fs: stuck } });
    carry(admin, runner, "runner.json", "runner.key");
    const done = await runner.ok(INSTALL);
    expect(done.stderr).toContain("runner.json");
    expect((await runner.ok("device status")).at("status")).toBe("accepted");
  });

  test("is finished by running it again, wherever it was killed", async () => {
    await prepare();
    await preconfigured();
    const runner = machine();
    carry(admin, runner, "runner.json", "runner.key");
    await killedEverywhere(runner, INSTALL, pictureOf(runner.folder), async (_, n) => {
      const again = await runner.run(INSTALL);
      if (again.status !== 0) expect(again.code, `at ${n}`).toBe("file-unreadable");
      expect((await runner.ok("device status")).at("status")).toBe("accepted");
      expect(await usesOf(runner)).toHaveLength(4);
      expect(await workOf(runner)).toEqual(["rotate"]);
    });
  });

  const altered = (change: (text: string) => string) => (of: Machine) => {
    const file = path.join(of.folder, "runner.json");
    fs.writeFileSync(file, change(fs.readFileSync(file, "utf8")));
  };
  const flipped = (text: string): string => {
    const [, head = "", letter = "", tail = ""] = /^(.*"ciphertext":".{40})(.)(.*)$/s.exec(text) ?? [];
    return `${head}${letter === "A" ? "B" : "A"}${tail}`;
  };

  test.each([
    ["a bundle with a letter changed", altered(flipped), "decryption-failed", 7],
    ["half a bundle", altered((text) => text.slice(0, text.length / 2)), "decryption-failed", 7],
    ["another file", altered(() => "{}"), "decryption-failed", 7],
    [
      "another id",
      altered((text) => text.replace(/(?<="id":")./, (first) => (first === "_" ? "A" : "_"))),
      "decryption-failed",
      7,
    ],
    [
      "a bundle of a later version",
      altered((text) => text.replace('"version":1', '"version":2')),
      "keystore-version",
      1,
    ],
    ["a mistyped key", (of: Machine) => put(of, "runner.key", "BAAA-AAAA\n"), "bundle-key-invalid", 2],
    ["no key", (of: Machine) => put(of, "runner.key", ""), "bundle-key-invalid", 2],
    ["no bundle", (of: Machine) => fs.rmSync(path.join(of.folder, "runner.json")), "file-unreadable", 2],
  ] as const)("refuses %s, and does nothing", async (_, spoil, code, status) => {
    await prepare();
    await preconfigured();
    const runner = machine();
    carry(admin, runner, "runner.json", "runner.key");
    spoil(runner);
    const before = contentOf(runner.folder);
    const refused = await runner.run(INSTALL);
    expect([refused.code, refused.status]).toEqual([code, status]);
    expect(contentOf(runner.folder)).toEqual(before);
  });

  test("refuses the key of another bundle", async () => {
    await prepare();
    await preconfigured();
    await admin.ok("device preconfigure --name other --out other.json --key-out other.key");
    const runner = machine();
    carry(admin, runner, "runner.json", "other.key");
    const refused = await runner.run("device install runner.json --key-file other.key --no-passphrase");
    expect([refused.code, refused.status]).toEqual(["decryption-failed", 7]);
    expect(fs.existsSync(runner.home)).toBe(false);
    expect((await runner.run("device install runner.json --key-file other.key --key-fd 3")).code).toBe("usage");
  });

  test("refuses a device that has lapsed, by the clock of the machine", async () => {
    await prepare();
    await preconfigured("--expires", "1h");
    const late = machine(at(new Date(Date.now() + DAY)));
    carry(admin, late, "runner.json", "runner.key");
    const refused = await late.run(INSTALL);
    expect([refused.code, refused.status]).toEqual(["device-expired", 5]);
    // The profile may have dropped it already.
    expect(refused.at("error", "hint")).toMatch(/meshman device renew .*meshman device preconfigure/);
    expect(fs.existsSync(late.home)).toBe(false);
    expect(fs.existsSync(path.join(late.folder, "runner.json"))).toBe(true);
  });

  test("refuses a home that has the profile as another device", async () => {
    await prepare();
    await preconfigured();
    const phone = await connected(admin);
    carry(admin, phone, "runner.json", "runner.key");
    const before = contentOf(phone.home);
    const refused = await phone.run(INSTALL);
    expect([refused.code, refused.status]).toEqual(["profile-exists", 5]);
    expect((await phone.run(`${INSTALL} --name other`)).code).toBe("profile-exists");
    expect(contentOf(phone.home)).toEqual(before);
  });

  test("puts the profile beside others, under a name of its own", async () => {
    await prepare();
    await preconfigured();
    const other = machine();
    await other.ok("profile create --no-passphrase");
    carry(admin, other, "runner.json", "runner.key");
    expect((await other.run(`${INSTALL} --name default`)).code).toBe("profile-exists");
    expect((await other.ok(`${INSTALL} --keep`)).at("profile", "name")).toBe("alice@example.com");
    const { json } = await other.ok("profile list");
    expect((json as { profiles: object[] }).profiles).toHaveLength(2);
    const third = machine();
    carry(other, third, "runner.json", "runner.key");
    expect((await third.ok(`${INSTALL} --name work`)).at("profile", "name")).toBe("work");
  });

  test("never goes behind what the home has seen before", async () => {
    await prepare();
    await preconfigured();
    const runner = machine();
    carry(admin, runner, "runner.json", "runner.key");
    await runner.ok(`${INSTALL} --keep`);
    await admin.ok("device rename runner builder");
    await runner.ok("profile verify");
    await runner.ok("account list");
    const udf = await udfOf(admin);
    await runner.ok("device rotate");
    const pin = readPins(openHome(testDeps(), runner.home)).profiles[udf]!;
    await runner.ok("profile delete --confirm default");
    await runner.ok(INSTALL);
    expect(readPins(openHome(testDeps(), runner.home)).profiles[udf]).toEqual(pin);
    expect(stateOf(runner, udf).record).toBeUndefined();
    expect((await runner.ok("device status")).at("status")).toBe("accepted");
    expect((await runner.ok("status")).at("device", "name")).toBe("builder");
  });
});
