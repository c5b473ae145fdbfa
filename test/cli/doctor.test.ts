import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import type { Context } from "../../src/cli/context.js";
import { checkDomain } from "../../src/cli/doctor/portals.js";
import type { FileSystem, SrvRecord } from "../../src/deps.js";
import { startAgent } from "../../src/keystore/agent/client.js";
import { runAgent } from "../../src/keystore/agent/server.js";
import { openHome, type Home } from "../../src/keystore/home.js";
import { readKeystoreFacts, removeKeys, unlockKeystore } from "../../src/keystore/keystore.js";
import { updateProfile, type ProfileState } from "../../src/keystore/state.js";
import { createInvite } from "../../src/mesh/invite.js";
import { nextPersonal } from "../../src/mesh/profile.js";
import { readPersonal, type PersonalProfile } from "../../src/mesh/records/personal.js";
import { plainPortal } from "../client/plain-portal.js";
import {
  asking,
  connected,
  contentOf,
  filePortal,
  machine,
  put,
  run,
  withAccount,
  type Machine,
  type Outcome,
  type RunOptions,
} from "../support/cli.js";
import { temporaryFolder, testDeps } from "../support/deps.js";
import { FAKE_BUS, fakeKeyring } from "../support/keyring.js";
import { startLyingPortal } from "../support/lying-portal.js";
import { answer, openWire, refusal } from "../support/wire.js";

interface Found {
  readonly check: string;
  readonly status: string;
  readonly message: string;
  readonly mend?: string;
}

const findingsOf = ({ json }: Outcome): Found[] => (json as { findings: Found[] }).findings;

/** What was found by one check. */
const of = (outcome: Outcome, check: string): Found[] => findingsOf(outcome).filter((found) => found.check === check);

/** The statuses of one check. */
const statuses = (outcome: Outcome, check: string): string[] => of(outcome, check).map(({ status }) => status);

/** Checks whose status is not ok, with that status. */
const troubles = (outcome: Outcome): string[] =>
  findingsOf(outcome)
    .filter(({ status }) => status !== "ok")
    .map(({ check, status }) => `${check}: ${status}`);

/** Runs `doctor`, and sees that its answer is of one piece. */
const examine = async (on: Machine, ...words: string[]): Promise<Outcome> => {
  const outcome = await on.run("doctor", ...words);
  const value = outcome.json as { ok: boolean; findings: Found[] };
  expect(Object.keys(value)).toEqual(["ok", "findings"]);
  expect(outcome.asked).toEqual([]);
  const hasProblem = value.findings.some(({ status }) => status === "problem");
  expect([value.ok, outcome.status]).toEqual([!hasProblem, hasProblem ? 1 : 0]);
  for (const found of value.findings) {
    expect(["ok", "warning", "problem"]).toContain(found.status);
    expect(found.message).not.toMatch(/[{}]|undefined|\[object/);
    expect(found.mend ?? "mend").not.toMatch(/[{}]|undefined|\[object/);
    expect(Object.keys(found).join()).toMatch(/^check,status,message(,mend)?$/);
    // Nobody is left alone with what is wrong.
    if (found.status === "problem") expect([found.message, found.mend]).toEqual([found.message, expect.any(String)]);
  }
  return outcome;
};

const single = async (options: RunOptions = {}): Promise<Machine> => {
  const made = machine(options);
  await made.ok("profile create --no-passphrase --device-name laptop");
  return made;
};

const homeOf = (on: Machine, deps = testDeps()): Home => openHome(deps, on.home);
const fileOf = (on: Machine): string => {
  const [name = ""] = fs.readdirSync(path.join(on.home, "profiles"));
  return path.join(on.home, "profiles", name);
};
const stateOf = (on: Machine): ProfileState => JSON.parse(fs.readFileSync(fileOf(on), "utf8")) as ProfileState;
const change = (on: Machine, how: (state: ProfileState) => ProfileState): Promise<ProfileState> =>
  updateProfile(homeOf(on), stateOf(on).udf, (state) => how(state!));
const knownTo = (on: Machine): PersonalProfile => readPersonal(stateOf(on).record);

describe("when all is well", () => {
  test("on a machine without anything: nothing is made", async () => {
    const empty = machine();
    const outcome = await examine(empty);
    expect(troubles(outcome)).toEqual([]);
    expect(findingsOf(outcome).map(({ check }) => check)).toEqual(["node", "home", "keystore", "pins", "profile"]);
    expect(fs.existsSync(empty.home)).toBe(false);
  });

  test("on a machine with everything: nothing is changed, and nothing is unlocked", async () => {
    const wire = await openWire();
    const laptop = await withAccount(wire.url);
    await laptop.ok("escrow split --shares 3 --threshold 2 --out shares");
    const before = contentOf(laptop.home);
    const outcome = await examine(laptop);
    expect(findingsOf(outcome).map(({ check, status }) => [check, status])).toEqual(
      [
        ...["node", "home", "permissions", "leftovers", "keystore", "protection", "pins"],
        ...["profile", "keys", "device", "recovery", "portal", "log", "clock"],
      ].map((check) => [check, "ok"]),
    );
    expect(contentOf(laptop.home)).toEqual(before);
    const locked = machine();
    await locked.ok("profile create --passphrase-file", put(locked, "secret", "correct horse battery"));
    expect(troubles(await examine(locked.with({ tty: true, prompts: [] })))).toEqual(["recovery: warning"]);
    expect(statuses(await examine(locked), "agent")).toEqual(["ok"]);
  });

  test("as text", async () => {
    const wire = await openWire();
    const laptop = await withAccount(wire.url);
    const { stdout, stderr, status } = await laptop.text("doctor");
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).not.toMatch(/[{}]|undefined|null|\[object|NaN|\btrue\b|\bfalse\b|T\d\d:\d\d:\d\d|[^\n\x20-\x7e]/);
    // What mends a finding stands below it.
    expect(stdout).toMatch(/^warning +recovery +.*\n +meshman escrow split /m);
    fs.chmodSync(laptop.home, 0o755);
    const wrong = await laptop.text("doctor --offline");
    expect(wrong).toMatchObject({ status: 1, stderr: "" });
    expect(wrong.stdout).toMatch(/^PROBLEM +home +.*\n +chmod 700 /m);
  });

  test("--offline asks nobody", async () => {
    const wire = await openWire();
    const laptop = await withAccount(wire.url);
    const asked = wire.seen.length;
    const resolveSrv = (): Promise<SrvRecord[]> => Promise.reject(new Error("asked"));
    const outcome = await examine(laptop.with({ deps: { resolveSrv } }), "--offline");
    expect(findingsOf(outcome).filter(({ check }) => ["portal", "clock", "domain"].includes(check))).toEqual([]);
    await wire.stop();
    expect((await examine(laptop, "--offline")).status).toBe(0);
    expect(wire.seen.length).toBe(asked);
  });
});

test.each([
  ["18.20.0", "problem"],
  ["20.18.3", "problem"],
  ["20.19.0", "ok"],
  ["22.1.0", "ok"],
])("Node %s: %s", async (nodeVersion, status) => {
  expect(statuses(await examine(machine({ deps: { nodeVersion } })), "node")).toEqual([status]);
});

describe("the home folder", () => {
  test("others may enter it: the hint is the cure", async () => {
    const laptop = await single();
    fs.chmodSync(laptop.home, 0o750);
    const [found] = of(await examine(laptop), "home");
    expect(found?.status).toBe("problem");
    const [, digits = "", quoted = ""] = /^chmod (\d+) '(.+)'$/.exec(found?.mend ?? "") ?? [];
    fs.chmodSync(quoted, Number.parseInt(digits, 8));
    expect(statuses(await examine(laptop), "home")).toEqual(["ok"]);
  });

  test("is a file, or belongs to somebody else, or there is no place for one", async () => {
    const odd = machine();
    put(odd, "home", "");
    expect(statuses(await odd.run("doctor"), "home")).toEqual(["problem"]);
    const laptop = await single();
    const stranger = laptop.with({ deps: { uid: (testDeps().uid ?? 0) + 1 } });
    expect(statuses(await examine(stranger), "home")).toEqual(["warning"]);
    const nowhere = await run(["doctor", "--json"]);
    expect([nowhere.status, troubles(nowhere)]).toEqual([1, ["home: problem"]]);
  });

  test("is read-only: a warning, and everything else is looked at", async () => {
    const laptop = await withAccount(filePortal());
    const refuse = (): never => {
      throw Object.assign(new Error("EROFS"), { code: "EROFS", syscall: "open" });
    };
    const files: FileSystem = { ...testDeps().fs, mkdir: refuse, create: refuse, rename: refuse, unlink: refuse };
    const outcome = await examine(laptop.with({ deps: { fs: files } }));
    expect(troubles(outcome)).toEqual(["home: warning", "recovery: warning"]);
    expect(statuses(outcome, "portal")).toEqual(["ok"]);
  });

  test("is on a disk that is full", async () => {
    const laptop = await single();
    const before = contentOf(laptop.home);
    const write = (): never => {
      throw Object.assign(new Error("ENOSPC"), { code: "ENOSPC", syscall: "write" });
    };
    const outcome = await examine(laptop.with({ deps: { fs: { ...testDeps().fs, write } } }));
    expect(statuses(outcome, "home")).toEqual(["problem"]);
    expect(contentOf(laptop.home)).toEqual(before);
  });

  test.each([
    ["keystore.json", 0o644, "problem"],
    ["keystore.key", 0o604, "problem"],
    ["pins.json", 0o640, "problem"],
    ["profiles", 0o755, "problem"],
    ["preferences.json", 0o644, "warning"],
    ["local-portal.sqlite", 0o644, "warning"],
  ])("%s with mode %o", async (name, mode, status) => {
    const laptop = await single();
    await laptop.ok("profile use default");
    await laptop.ok("account create alice --portal local");
    fs.chmodSync(path.join(laptop.home, name), mode);
    const found = of(await examine(laptop), "permissions");
    expect(found).toMatchObject([{ status, mend: expect.stringContaining(name) }]);
    expect(found[0]?.mend).toMatch(/^chmod [67]00 /);
  });

  test("the file of a profile with mode 604", async () => {
    const laptop = await single();
    fs.chmodSync(fileOf(laptop), 0o604);
    const outcome = await examine(laptop);
    expect(statuses(outcome, "permissions")).toEqual(["problem"]);
    expect(statuses(outcome, "profile")).toEqual(["problem"]);
  });

  test("what a killed process has left; what one at work holds is no leftover", async () => {
    for (const name of [
      ".owner-0123456789abcdef",
      ".pins.json.0123456789abcdef.tmp",
      "profiles/.x.json.0123456789abcdef.tmp",
    ]) {
      const laptop = await single();
      fs.writeFileSync(path.join(laptop.home, name), "", { mode: 0o600 });
      const outcome = await examine(laptop);
      expect(of(outcome, "leftovers")).toMatchObject([{ status: "warning", message: expect.stringContaining(name) }]);
      // And what the hint says is so.
      await laptop.ok("profile use default");
      expect(statuses(await examine(laptop), "leftovers")).toEqual(["ok"]);
      fs.writeFileSync(path.join(laptop.home, name), "", { mode: 0o600 });
      fs.mkdirSync(path.join(laptop.home, ".lock"));
      expect(statuses(await examine(laptop), "leftovers")).toEqual(["ok"]);
    }
    const laptop = await single();
    const lock = path.join(laptop.home, ".lock");
    fs.mkdirSync(lock);
    for (const hours of [-1, 1]) {
      const then = Date.now() / 1000 + hours * 3600;
      fs.utimesSync(lock, then, then);
      expect(of(await examine(laptop), "leftovers")).toMatchObject([
        { status: "warning", message: expect.stringContaining(".lock") },
      ]);
    }
  });
});

describe("the keystore", () => {
  test.each([
    ["cut off", (text: string) => text.slice(0, 100)],
    ["of a newer version", (text: string) => text.replace('"version": 1', '"version": 2')],
    ["empty", () => ""],
  ])("%s", async (_, spoil) => {
    const laptop = await single();
    const file = path.join(laptop.home, "keystore.json");
    fs.writeFileSync(file, spoil(fs.readFileSync(file, "utf8")));
    expect(troubles(await examine(laptop))).toEqual(["keystore: problem", "recovery: warning"]);
  });

  test("not there, where there is a profile", async () => {
    const laptop = await single();
    fs.rmSync(path.join(laptop.home, "keystore.json"));
    expect(statuses(await examine(laptop), "keystore")).toEqual(["problem"]);
  });

  test("its key file: not there, without a key, or for others to read", async () => {
    for (const spoil of [
      (file: string) => fs.rmSync(file),
      (file: string) => fs.writeFileSync(file, "no key\n"),
      (file: string) => fs.writeFileSync(file, ""),
      (file: string) => fs.writeFileSync(file, "x".repeat(5000)),
      (file: string) => fs.chmodSync(file, 0o644),
    ]) {
      const laptop = await single();
      expect(statuses(await examine(laptop), "protection")).toEqual(["ok"]);
      spoil(path.join(laptop.home, "keystore.key"));
      expect(statuses(await examine(laptop), "protection")).toEqual(["problem"]);
    }
  });

  test("its key file on a stick", async () => {
    const laptop = await single();
    const stick = temporaryFolder();
    await laptop.ok("keystore protect key-file", path.join(stick, "meshman.key"));
    expect(of(await examine(laptop), "protection")).toMatchObject([
      { status: "ok", message: expect.stringContaining(stick) },
    ]);
    fs.rmSync(path.join(stick, "meshman.key"));
    expect(statuses(await examine(laptop), "protection")).toEqual(["problem"]);
  });

  test("the keyring: whether there is one, without asking it", async () => {
    const keyring = fakeKeyring();
    const laptop = await single();
    put(laptop, "new", "correct horse battery");
    const at = laptop.with({ deps: { runPart: keyring.deps.runPart }, env: FAKE_BUS });
    await at.ok("keystore protect keyring --new-passphrase-file new");
    const asked = keyring.operations.length;
    expect(statuses(await examine(at), "protection")).toEqual(["ok"]);
    expect(keyring.operations.length).toBe(asked);
    expect(statuses(await examine(laptop), "protection")).toEqual(["warning"]);
  });

  test("a passphrase, and a key that is given each time", async () => {
    const laptop = await single();
    await laptop.ok("keystore protect passphrase --new-passphrase-file", put(laptop, "new", "correct horse battery"));
    expect(statuses(await examine(laptop), "protection")).toEqual(["ok"]);
    const other = await single();
    await other.ok("keystore protect key --new-key-file", put(other, "key", randomBytes(32).toString("hex")));
    expect(statuses(await examine(other), "protection")).toEqual(["ok"]);
  });
});

/** A machine under a passphrase whose keystore an agent in this process has unlocked, and the way to end that. */
const unlocked = async (): Promise<{ laptop: Machine; end: () => Promise<void> }> => {
  const runtime = temporaryFolder();
  fs.chmodSync(runtime, 0o700);
  const env = { XDG_RUNTIME_DIR: runtime };
  const laptop = machine({ env });
  const secret = put(laptop, "secret", "correct horse battery");
  await laptop.ok("profile create --passphrase-file", secret);
  const controller = new AbortController();
  let ended: Promise<unknown> = Promise.resolve();
  const home = homeOf(
    laptop,
    testDeps({
      env,
      startDetached: ({ input }) =>
        new Promise((resolve) => {
          const octets = Buffer.from(input);
          ended = runAgent(
            testDeps({
              readStdin: async () => octets,
              signal: controller.signal,
              stdout: { isTTY: false, write: async (text) => resolve(text.trimEnd()) },
            }),
          );
        }),
    }),
  );
  const keystore = await unlockKeystore(home, { passphrase: Buffer.from("correct horse battery") });
  await startAgent(home, keystore, keystore.copyKey(), 600);
  return {
    laptop,
    end: async () => {
      controller.abort();
      await ended;
    },
  };
};

describe("the agent", () => {
  test("has the key, and so it shows whether the pins are genuine", async () => {
    const { laptop, end } = await unlocked();
    try {
      const outcome = await examine(laptop);
      expect(of(outcome, "agent")).toMatchObject([{ status: "ok", message: expect.stringMatching(/\d+m|\d+s/) }]);
      expect(statuses(outcome, "pins")).toEqual(["ok"]);
      const file = path.join(laptop.home, "pins.json");
      const pins = JSON.parse(fs.readFileSync(file, "utf8")) as { profiles: object };
      fs.writeFileSync(file, JSON.stringify({ ...pins, profiles: {} }));
      expect(statuses(await examine(laptop), "pins")).toEqual(["problem"]);
      await end();
      // Without the key nobody can tell.
      const after = await examine(laptop);
      expect([statuses(after, "agent"), statuses(after, "pins")]).toEqual([["ok"], ["ok"]]);
    } finally {
      await end();
    }
  });

  test("something in its place that others may enter", async () => {
    const runtime = temporaryFolder();
    fs.chmodSync(runtime, 0o700);
    const laptop = machine({ env: { XDG_RUNTIME_DIR: runtime } });
    await laptop.ok("profile create --passphrase-file", put(laptop, "secret", "correct horse battery"));
    expect(statuses(await examine(laptop), "agent")).toEqual(["ok"]);
    fs.mkdirSync(path.join(runtime, "meshman"));
    fs.chmodSync(path.join(runtime, "meshman"), 0o755);
    // Nothing of it is this user's to lock.
    expect(of(await examine(laptop), "agent")).toMatchObject([
      { status: "warning", mend: expect.stringContaining("XDG_RUNTIME_DIR") },
    ]);
  });
});

describe("pins and preferences", () => {
  test("pins that are damaged, or of a newer version", async () => {
    for (const spoil of [
      (text: string) => text.slice(0, 50),
      (text: string) => text.replace('"version": 1', '"version": 2'),
    ]) {
      const laptop = await single();
      const file = path.join(laptop.home, "pins.json");
      fs.writeFileSync(file, spoil(fs.readFileSync(file, "utf8")));
      expect(statuses(await examine(laptop), "pins")).toEqual(["problem"]);
    }
  });

  test("preferences that are damaged, or name a profile that is not here", async () => {
    const laptop = await single();
    await laptop.ok("profile create --name second --no-passphrase");
    await laptop.ok("profile use second");
    expect(statuses(await examine(laptop), "preferences")).toEqual([]);
    const file = path.join(laptop.home, "preferences.json");
    const good = fs.readFileSync(file, "utf8");
    fs.writeFileSync(file, "not JSON", { mode: 0o600 });
    expect(statuses(await examine(laptop), "preferences")).toEqual(["problem"]);
    fs.writeFileSync(file, good, { mode: 0o600 });
    await laptop.ok("profile delete second --confirm second");
    expect(statuses(await examine(laptop), "preferences")).toEqual(["warning"]);
  });
});

describe("profiles", () => {
  test("a file that is damaged, or is none, hides no other", async () => {
    const laptop = await single();
    await laptop.ok("profile create --name second --no-passphrase");
    const folder = path.join(laptop.home, "profiles");
    const [name = ""] = fs.readdirSync(folder);
    const good = fs.readFileSync(path.join(folder, name), "utf8");
    for (const text of ["{}", good.slice(0, -10), good.replace('"version": 1', '"version": 9')]) {
      fs.writeFileSync(path.join(folder, name), text);
      expect(statuses(await examine(laptop), "profile").sort()).toEqual(["ok", "problem"]);
    }
    fs.writeFileSync(path.join(folder, name), good);
    fs.writeFileSync(path.join(folder, "stray.json"), "{}", { mode: 0o600 });
    expect(statuses(await examine(laptop), "profile").sort()).toEqual(["ok", "ok", "problem"]);
  });

  test("a record that was changed, or is behind the pin", async () => {
    const laptop = await withAccount(filePortal());
    const first = stateOf(laptop);
    await laptop.ok("account create second@example.com --portal", filePortal());
    await change(laptop, (state) => ({ ...state, record: first.record!, view: first.view! }));
    expect(statuses(await examine(laptop, "--offline"), "profile")).toEqual(["problem"]);
    const { record } = stateOf(laptop);
    const signature =
      (record!.SignedData.signature.startsWith("A") ? "B" : "A") + record!.SignedData.signature.slice(1);
    await change(laptop, (state) => ({
      ...state,
      record: { ...record!, SignedData: { ...record!.SignedData, signature } },
    }));
    expect(statuses(await examine(laptop, "--offline"), "profile")).toEqual(["problem"]);
  });

  test("keys of the device that are not there", async () => {
    const laptop = await single();
    const kids = readKeystoreFacts(homeOf(laptop))!.keys.filter(({ use }) => use === "device-encryption");
    await removeKeys(
      homeOf(laptop),
      kids.map(({ kid }) => kid),
    );
    expect(troubles(await examine(laptop))).toEqual(["keys: problem", "recovery: warning"]);
  });

  test("keys of a profile that has no file", async () => {
    const laptop = await single();
    fs.rmSync(fileOf(laptop));
    const outcome = await examine(laptop);
    expect(troubles(outcome)).toEqual(["keys: warning"]);
    expect(findingsOf(outcome).find(({ check }) => check === "keys")?.mend).toContain("meshman profile import");
  });

  test("work that is unfinished, each with the command that finishes it", async () => {
    const wire = await openWire();
    const laptop = await single();
    wire.intercept = ({ transaction, forward }) => (transaction === "CreateAccount" ? "drop" : forward());
    await laptop.run("account create alice@example.com --portal", wire.url);
    wire.intercept = undefined;
    expect(of(await examine(laptop), "work")).toMatchObject([
      { status: "warning", mend: "meshman account create alice@example.com" },
    ]);
    await laptop.ok("account create alice@example.com --portal", wire.url);
    expect(of(await examine(laptop), "work")).toEqual([]);
    const { device, code } = await asking(laptop);
    expect(of(await examine(device), "work")).toMatchObject([{ status: "warning", mend: "meshman device status" }]);
    expect(statuses(await examine(device), "device")).toEqual([]);
    // An ordinary device is not told of shares.
    expect(statuses(await examine(device), "recovery")).toEqual([]);
    await laptop.ok("device complete", code);
    await device.ok("device status");
    const after = await examine(device);
    expect([statuses(after, "work"), statuses(after, "device"), statuses(after, "recovery")]).toEqual([[], ["ok"], []]);
  });

  test("recovery shares", async () => {
    const laptop = await withAccount(filePortal());
    expect(statuses(await examine(laptop), "recovery")).toEqual(["warning"]);
    await laptop.ok("escrow split --shares 3 --threshold 2 --out shares");
    expect(statuses(await examine(laptop), "recovery")).toEqual(["ok"]);
  });

  test("a device that was removed, and a profile that was revoked", async () => {
    const laptop = await withAccount(filePortal());
    const phone = await connected(laptop);
    await laptop.ok("device remove phone");
    await phone.run("device status");
    expect(statuses(await examine(phone), "device")).toEqual(["problem"]);
    await laptop.ok("profile revocation --out note.json");
    await laptop.ok("profile revoke note.json --yes");
    expect(statuses(await examine(laptop), "profile")).toEqual(["ok", "warning"]);
  });

  test("the time of a device: none, far, near, over", async () => {
    const laptop = await withAccount(filePortal());
    const phone = await connected(laptop);
    const key = (await unlockKeystore(homeOf(laptop))).get(
      stateOf(laptop).device.onlineSignatureKey,
      "online-signature",
    );
    const now = new Date();
    const profile = knownTo(phone);
    const expiry = new Date(now.getTime() + 30 * 86_400_000).toISOString().replace(/\.\d+/, "");
    const next = nextPersonal(key, profile, { deviceExpiries: { [stateOf(phone).device.udf]: expiry } }, now);
    expect(statuses(await examine(phone, "--offline"), "device")).toEqual(["ok"]);
    const { view: _, ...rest } = stateOf(phone);
    await updateProfile(homeOf(phone), rest.udf, () => ({ ...rest, record: next.record }));
    for (const [days, status] of [
      [0, "ok"],
      [22, "ok"],
      [24, "warning"],
      [31, "problem"],
    ] as const) {
      const later = phone.with({ deps: { now: () => new Date(now.getTime() + days * 86_400_000) } });
      const [found] = of(await examine(later, "--offline"), "device");
      expect([days, found?.status]).toEqual([days, status]);
      if (status !== "ok") expect(found?.mend).toContain(`meshman device renew ${stateOf(phone).device.udf}`);
    }
  });

  test("invites: open, and lapsed", async () => {
    const laptop = await withAccount(filePortal());
    const key = (await unlockKeystore(homeOf(laptop))).get(
      stateOf(laptop).device.onlineSignatureKey,
      "online-signature",
    );
    const now = new Date();
    const profile = knownTo(laptop);
    const options = { uses: 2, notOnOrAfter: new Date(now.getTime() + 900_000) };
    const { invite } = await createInvite(profile, options, (length) => randomBytes(length), now);
    const next = nextPersonal(key, profile, { invites: [invite] }, now);
    expect(statuses(await examine(laptop, "--offline"), "invites")).toEqual([]);
    const { view: _, ...rest } = stateOf(laptop);
    await updateProfile(homeOf(laptop), rest.udf, () => ({ ...rest, record: next.record }));
    expect(statuses(await examine(laptop, "--offline"), "invites")).toEqual(["ok"]);
    const later = laptop.with({ deps: { now: () => new Date(now.getTime() + 901_000) } });
    expect(statuses(await examine(later, "--offline"), "invites")).toEqual(["warning"]);
  });
});

describe("portals", () => {
  test("one that is away, and one that is well, are told apart", async () => {
    const [wire, other] = [await openWire(), await openWire()];
    const laptop = await withAccount(wire.url);
    await laptop.ok("account create second@example.com --portal", other.url);
    await wire.stop();
    const outcome = await examine(laptop);
    expect(of(outcome, "portal")).toMatchObject([
      { status: "problem", message: expect.stringContaining(wire.url) },
      { status: "ok", message: expect.stringContaining(other.url) },
    ]);
    expect(statuses(outcome, "clock")).toEqual(["ok"]);
  });

  test("several that hang take no longer than one", async () => {
    const wires = [await openWire(), await openWire(), await openWire()];
    const laptop = await withAccount(wires[0]!.url);
    await laptop.ok("account create second@example.com --portal", wires[1]!.url);
    await laptop.ok("account create third@example.com --portal", wires[2]!.url);
    for (const wire of wires) wire.intercept = () => new Promise(() => undefined);
    const began = Date.now();
    const outcome = await examine(laptop, "--timeout", "1");
    expect(Date.now() - began).toBeLessThan(4000);
    expect(statuses(outcome, "portal")).toEqual(["problem", "problem", "problem"]);
    expect(statuses(outcome, "clock")).toEqual([]);
  });

  test("five seconds are enough for anybody", { timeout: 20_000 }, async () => {
    const wire = await openWire();
    const laptop = await withAccount(wire.url);
    wire.intercept = () => new Promise(() => undefined);
    const began = Date.now();
    expect(statuses(await examine(laptop), "portal")).toEqual(["problem"]);
    const took = Date.now() - began;
    expect([took > 4000, took < 8000]).toEqual([true, true]);
  });

  test("one that has lost an extension, that fails, or is something else", async () => {
    const wire = await openWire();
    const laptop = await withAccount(wire.url);
    for (const reply of [
      answer("HelloResponse", { Version: { Major: 0, Minor: 7 } }),
      refusal(500),
      { status: 200, headers: {}, body: Buffer.from("<html>") },
      "drop" as const,
    ]) {
      wire.intercept = () => reply;
      expect(statuses(await examine(laptop), "portal")).toEqual(["problem"]);
    }
  });

  test("one that shows another history, and what is kept against it", async () => {
    const portal = await startLyingPortal();
    const laptop = await withAccount(portal.url);
    expect(statuses(await examine(laptop), "log")).toEqual(["ok"]);
    const other = await portal.split();
    await laptop.ok("device rename laptop desk");
    portal.shown = other;
    const before = contentOf(laptop.home);
    const outcome = await examine(laptop);
    expect([statuses(outcome, "portal"), statuses(outcome, "log")]).toEqual([["ok"], ["problem"]]);
    expect(statuses(outcome, "evidence")).toEqual([]);
    expect(contentOf(laptop.home)).toEqual(before);
    expect((await laptop.run("audit status")).status).toBe(7);
    const [found] = of(await examine(laptop, "--offline"), "evidence");
    expect(found?.status).toBe("warning");
    const [, file = ""] = /meshman audit evidence (.*)$/.exec(found?.mend ?? "") ?? [];
    await laptop.ok("audit evidence", file);
  });

  test("one whose log cannot be asked for", async () => {
    const portal = await startLyingPortal();
    const laptop = await withAccount(portal.url);
    portal.lie = { answer: (transaction) => (transaction === "Hello" ? undefined : { Status: 503 }) };
    expect(statuses(await examine(laptop), "log")).toEqual(["warning"]);
    portal.lie = undefined;
  });

  test("one of 2016", async () => {
    const portal = await plainPortal();
    const laptop = await withAccount(portal.url);
    expect(statuses(await examine(laptop), "portal")).toEqual(["ok"]);
    expect(portal.isDead()).toBe(false);
  });

  test("one on this machine has no clock; one whose file is gone is not made anew", async () => {
    const portal = filePortal();
    const laptop = await withAccount(portal);
    const outcome = await examine(laptop.with({ deps: { now: () => new Date(Date.now() + 3_600_000) } }));
    expect([statuses(outcome, "portal"), statuses(outcome, "clock")]).toEqual([["ok"], []]);
    const file = portal.slice("file:".length);
    fs.rmSync(file);
    expect(statuses(await examine(laptop), "portal")).toEqual(["problem"]);
    expect(fs.existsSync(file)).toBe(false);
  });

  test.each([
    [10, "ok"],
    [-10, "ok"],
    [60, "warning"],
    [-60, "warning"],
    [400, "problem"],
    [-4000, "problem"],
  ])("a clock that is %i seconds off: %s", async (seconds, status) => {
    const wire = await openWire();
    const laptop = await withAccount(wire.url);
    const off = laptop.with({ deps: { now: () => new Date(Date.now() + seconds * 1000) } });
    const [found] = of(await examine(off), "clock");
    expect(found?.status).toBe(status);
    if (status === "ok") return;
    const said = Number(/(\d+) second/.exec(found?.message ?? "")?.[1]);
    expect(Math.abs(said - Math.abs(seconds))).toBeLessThan(5);
    expect(found?.message.includes("ahead")).toBe(seconds > 0);
  });

  test("a Date that is none counts for nothing", async () => {
    const wire = await openWire();
    const laptop = await withAccount(wire.url);
    wire.intercept = async ({ forward }) => {
      const reply = await forward();
      return { ...reply, headers: { ...reply.headers, date: "1" } };
    };
    const outcome = await examine(laptop);
    expect([statuses(outcome, "portal"), statuses(outcome, "clock")]).toEqual([["ok"], []]);
  });

  test("interrupted while a portal does not answer", async () => {
    const wire = await openWire();
    const laptop = await withAccount(wire.url);
    const controller = new AbortController();
    wire.intercept = () => {
      controller.abort();
      return new Promise(() => undefined);
    };
    const outcome = await laptop.with({ deps: { signal: controller.signal } }).run("doctor");
    expect(outcome).toMatchObject({ status: 130, code: "interrupted" });
  });
});

describe("whether an address leads to its portal", () => {
  const look = async (
    portal: string,
    resolveSrv: () => Promise<SrvRecord[]>,
    account = "alice@example.com",
  ): Promise<string[]> => {
    const context = { deps: testDeps({ resolveSrv }) } as unknown as Context;
    return (await checkDomain(context, { account, portal }, 200)).map(({ status }) => status);
  };
  const records =
    (...names: string[]) =>
    async (): Promise<SrvRecord[]> =>
      names.map((name) => ({ name, port: 443, priority: 0, weight: 0 }));
  const failing = (code: string) => (): Promise<SrvRecord[]> =>
    Promise.reject(Object.assign(new Error(code), { code }));

  test.each([
    ["a record that names it", "https://mesh.example.net", records("mesh.example.net"), ["ok"]],
    ["one of several", "https://mesh.example.net", records("other.example.net.", "mesh.example.net."), ["ok"]],
    ["a record that names another", "https://mesh.example.net", records("other.example.net"), ["warning"]],
    ["a record that says there is none", "https://example.com", records("."), ["warning"]],
    ["no record, and the domain itself", "https://example.com", failing("ENOTFOUND"), ["ok"]],
    ["no record, and another host", "https://mesh.example.net", failing("ENODATA"), ["warning"]],
    ["a name service that fails", "https://mesh.example.net", failing("ESERVFAIL"), ["warning"]],
    ["one that does not answer", "https://mesh.example.net", () => new Promise<never>(() => undefined), ["warning"]],
    ["a portal on this machine", "http://127.0.0.1:8080", failing("ESERVFAIL"), []],
    ["a portal in a file", "local", failing("ESERVFAIL"), []],
  ])("%s", async (_, portal, resolveSrv, expected) => {
    expect(await look(portal, resolveSrv)).toEqual(expected);
  });

  test("other ports count, and addresses without a name are left alone", async () => {
    const record = async (): Promise<SrvRecord[]> => [{ name: "mesh.example.net", port: 8443, priority: 0, weight: 0 }];
    expect(await look("https://mesh.example.net:8443", record)).toEqual(["ok"]);
    expect(await look("https://mesh.example.net", record)).toEqual(["warning"]);
    expect(await look("https://mesh.example.net", record, "alice@192.0.2.1")).toEqual([]);
    expect(await look("https://mesh.example.net", record, "alice@localhost")).toEqual([]);
  });
});
