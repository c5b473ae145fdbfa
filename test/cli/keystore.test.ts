import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { FileSystem } from "../../src/deps.js";
import {
  asking,
  connected,
  contentOf,
  filePortal,
  machine,
  modesOf,
  put,
  TIME,
  UDF,
  withAccount,
  type Machine,
  type RunOptions,
} from "../support/cli.js";
import { testDeps } from "../support/deps.js";

const PASSPHRASE = "correct horse battery";
/** A command that unlocks, changes nothing, and needs no portal. */
const UNLOCK = "profile revocation --out";

/** A home with a profile under a passphrase. It is copied, since making one takes its time. */
let template = "";
beforeAll(async () => {
  template = fs.mkdtempSync(path.join(os.tmpdir(), "meshman-test-"));
  fs.writeFileSync(path.join(template, "secret"), `${PASSPHRASE}\n`, { mode: 0o600 });
  const made = machine({ home: path.join(template, "home"), deps: { cwd: template } });
  await made.ok("profile create --device-name laptop --passphrase-file secret");
});
afterAll(() => fs.rmSync(template, { recursive: true, force: true }));

const copyTree = (from: string, to: string): void => {
  fs.cpSync(from, to, { recursive: true });
  for (const [name, mode] of Object.entries(modesOf(from))) fs.chmodSync(path.join(to, name), Number.parseInt(mode, 8));
  fs.chmodSync(to, 0o700);
};

/** A machine with a locked profile. */
const locked = (options: RunOptions = {}): Machine => {
  const made = machine(options);
  copyTree(path.join(template, "home"), made.home);
  return made;
};

/** A machine with an open profile, which takes less time. */
const open = async (): Promise<Machine> => {
  const made = machine();
  await made.ok("profile create --device-name laptop --no-passphrase");
  return made;
};

/** Every change of the disk fails, as on a file system that is mounted read-only. */
const readOnly = (): FileSystem => {
  const refuse = (): never => {
    throw Object.assign(new Error("EROFS"), { code: "EROFS", syscall: "open" });
  };
  return {
    ...testDeps().fs,
    mkdir: refuse,
    create: refuse,
    write: refuse,
    fsync: refuse,
    fsyncDirectory: refuse,
    rename: refuse,
    unlink: refuse,
  };
};

const fileDescriptor = (text: string): string => {
  const name = path.join(template, `fd-${Math.random()}`);
  fs.writeFileSync(name, text, { mode: 0o600 });
  return String(fs.openSync(name, "r"));
};

describe("passphrases", () => {
  test("the right one from a file that ends with a carriage return and line feed", async () => {
    const admin = locked();
    await admin.ok(UNLOCK, "note", "--passphrase-file", put(admin, "secret", `${PASSPHRASE}\r\n`));
  });

  test("the right one from a file descriptor, before MESHMAN_PASSPHRASE_FILE", async () => {
    const admin = locked();
    const env = { MESHMAN_PASSPHRASE_FILE: put(admin, "wrong", "wrong") };
    await admin.with({ env }).ok(UNLOCK, "note", "--passphrase-fd", fileDescriptor(`${PASSPHRASE}\n`));
  });

  test("MESHMAN_PASSPHRASE_FILE, behind --passphrase-file", async () => {
    const admin = locked();
    put(admin, "secret", PASSPHRASE);
    put(admin, "wrong", "wrong passphrase");
    await admin.with({ env: { MESHMAN_PASSPHRASE_FILE: "secret" } }).ok(UNLOCK, "note");
    await admin.with({ env: { MESHMAN_PASSPHRASE_FILE: "wrong" } }).ok(UNLOCK, "other", "--passphrase-file", "secret");
  });

  test("a wrong one, by whatever way", async () => {
    const admin = locked();
    for (const [name, text] of [
      ["wrong", "wrong passphrase"],
      ["twice", `${PASSPHRASE}\n\n`],
      ["empty", ""],
    ] as const) {
      const outcome = await admin.run(UNLOCK, "note", "--passphrase-file", put(admin, name, text));
      expect(outcome).toMatchObject({ status: 4, code: "wrong-passphrase" });
      if (text !== "") expect(outcome.stdout + outcome.stderr).not.toContain(text.trim());
    }
    expect(await admin.with({ tty: true, prompts: ["wrong passphrase"] }).run(UNLOCK, "note")).toMatchObject({
      status: 4,
      code: "wrong-passphrase",
    });
    expect(fs.existsSync(path.join(admin.folder, "note"))).toBe(false);
  });

  test("one that cannot be read", async () => {
    const admin = locked();
    put(admin, "large", "x".repeat(100_000));
    put(admin, "octets", "");
    fs.writeFileSync(path.join(admin.folder, "octets"), Buffer.from([0xff, 0xfe, 0x00]));
    for (const [words, status, code] of [
      [["--passphrase-file", "nowhere"], 2, "file-unreadable"],
      [["--passphrase-fd", "987654"], 2, "file-unreadable"],
      [["--passphrase-file", "large"], 5, "too-large"],
      [["--passphrase-file", "octets"], 2, "usage"],
    ] as const) {
      expect([words, await admin.run(UNLOCK, "note", ...words)]).toMatchObject([words, { status, code }]);
    }
  });

  test("missing: asked for on a terminal, an error that names the options elsewhere", async () => {
    const admin = locked();
    for (const options of [
      {},
      { tty: true, env: { CI: "true" } },
      { env: { CI: "false" } },
      { tty: true, env: { CI: "1" } },
    ] as RunOptions[]) {
      const outcome = await admin.with(options).run(UNLOCK, "note");
      expect(outcome).toMatchObject({ status: 2, code: "input-required", asked: [] });
      expect(outcome.at("error", "hint")).toMatch(/--passphrase-file.*--passphrase-fd/);
    }
    expect(await admin.with({ tty: true }).run(UNLOCK, "note", "--no-input")).toMatchObject({ status: 2 });
    const asked = await admin.with({ tty: true, prompts: [PASSPHRASE] }).ok(UNLOCK, "note");
    expect(asked.asked).toHaveLength(1);
  });

  test("a file that others may read is warned about, and used", async () => {
    const admin = locked();
    put(admin, "secret", PASSPHRASE);
    fs.chmodSync(path.join(admin.folder, "secret"), 0o644);
    const outcome = await admin.ok(UNLOCK, "note", "--passphrase-file", "secret");
    expect(outcome.stderr).toContain("secret");
    expect(outcome.stderr).not.toContain(PASSPHRASE);
  });

  test("a new one: asked for twice, and long enough", async () => {
    const prompts = ["short", PASSPHRASE, "another passphrase", PASSPHRASE];
    const admin = machine({ tty: true, prompts });
    const outcome = await admin.ok("profile create");
    // Two questions, and two answers found wrong.
    expect(outcome.asked).toHaveLength(6);
    for (const text of [...outcome.asked, outcome.stdout, outcome.stderr]) expect(text).not.toContain(PASSPHRASE);
    expect((await admin.ok("keystore status")).json).toMatchObject({ protection: "passphrase", locked: true });
    expect(JSON.stringify(contentOf(admin.home))).not.toContain(PASSPHRASE);
    // What looks the same on the keyboard is the same.
    await admin.with({ tty: true, prompts: [PASSPHRASE] }).ok(UNLOCK, "note");
  });

  test("a new one from a file: too short is refused, and nothing is made", async () => {
    const admin = machine();
    const outcome = await admin.run("profile create --passphrase-file", put(admin, "secret", "seven77\n"));
    expect(outcome).toMatchObject({ status: 2, code: "passphrase-weak" });
    expect(fs.existsSync(path.join(admin.home, "keystore.json"))).toBe(false);
    expect(await admin.run("profile create")).toMatchObject({ status: 2, code: "input-required" });
    expect((await admin.run("profile create")).at("error", "hint")).toMatch(/--no-passphrase/);
  });

  test("a second profile opens the keystore that is there", async () => {
    const admin = locked();
    expect(await admin.run("profile create --no-passphrase --name second")).toMatchObject({
      status: 2,
      code: "input-required",
    });
    await admin.ok("profile create --name second --passphrase-file", put(admin, "secret", PASSPHRASE));
    expect((await admin.ok("keystore status")).json).toMatchObject({ protection: "passphrase" });
  });
});

describe("keystore passwd", () => {
  test("to another passphrase", async () => {
    const admin = locked();
    put(admin, "old", `${PASSPHRASE}\n`);
    put(admin, "new", "another passphrase\n");
    const { json } = await admin.ok("keystore passwd --passphrase-file old --new-passphrase-file new");
    expect(json).toEqual({ id: expect.any(String), protection: "passphrase", keyFile: null });
    expect(await admin.run(UNLOCK, "note", "--passphrase-file", "old")).toMatchObject({ status: 4 });
    await admin.ok(UNLOCK, "note", "--passphrase-file", "new");
    expect(modesOf(admin.home)["keystore.json"]).toBe("600");
  });

  test("to none, and back to one", async () => {
    const admin = locked();
    put(admin, "old", PASSPHRASE);
    expect((await admin.ok("keystore passwd --passphrase-file old --no-passphrase")).json).toMatchObject({
      protection: "key-file",
    });
    expect(modesOf(admin.home)["keystore.key"]).toBe("600");
    await admin.ok(UNLOCK, "note");
    const fd = fileDescriptor("a third passphrase");
    expect((await admin.ok("keystore passwd --new-passphrase-fd", fd)).json).toMatchObject({
      protection: "passphrase",
    });
    expect(fs.existsSync(path.join(admin.home, "keystore.key"))).toBe(false);
    expect(await admin.run(UNLOCK, "other")).toMatchObject({ status: 2, code: "input-required" });
    await admin.ok(UNLOCK, "other", "--passphrase-file", put(admin, "third", "a third passphrase"));
  });

  test("from none to none: another key file", async () => {
    const admin = await open();
    const before = fs.readFileSync(path.join(admin.home, "keystore.key"), "utf8");
    await admin.ok("keystore passwd --no-passphrase");
    expect(fs.readFileSync(path.join(admin.home, "keystore.key"), "utf8")).not.toBe(before);
    await admin.ok(UNLOCK, "note");
  });

  test("by prompts", async () => {
    const admin = locked();
    const prompts = [PASSPHRASE, "short", "another passphrase", "not the same", "another passphrase"];
    const outcome = await admin.with({ tty: true, prompts }).ok("keystore passwd");
    expect(outcome.asked).toHaveLength(7);
    await admin.with({ tty: true, prompts: ["another passphrase"] }).ok(UNLOCK, "note");
  });

  test("the old one wrong, the new one too short, or said twice: nothing changes", async () => {
    for (const [admin, line, status, code] of [
      [locked(), "keystore passwd --passphrase-file new --new-passphrase-file old", 4, "wrong-passphrase"],
      // The old one's options say nothing of the new one.
      [locked(), "keystore passwd --passphrase-file old", 2, "input-required"],
      [await open(), "keystore passwd --new-passphrase-file short", 2, "passphrase-weak"],
      [await open(), "keystore passwd --new-passphrase-file nowhere", 2, "file-unreadable"],
      [await open(), "keystore passwd --new-passphrase-file new --no-passphrase", 2, "usage"],
      [await open(), "keystore passwd --new-passphrase-file new --new-passphrase-fd 3", 2, "usage"],
      [await open(), "keystore passwd --passphrase-file old", 2, "input-required"],
    ] as const) {
      put(admin, "old", PASSPHRASE);
      put(admin, "short", "seven77");
      put(admin, "new", "another passphrase");
      const before = contentOf(admin.home);
      expect([line, await admin.run(line)]).toMatchObject([line, { status, code }]);
      expect(contentOf(admin.home)).toEqual(before);
    }
    expect(await machine().run("keystore passwd --no-passphrase")).not.toMatchObject({ status: 0 });
  });

  test("as text", async () => {
    const admin = await open();
    expect(await admin.text("keystore passwd --no-passphrase")).toMatchObject({ status: 0, stderr: "" });
  });
});

describe("keystore status", () => {
  test("of a keystore", async () => {
    const admin = await open();
    const udf = (await admin.ok("profile show")).at("profile", "udf");
    const uses = ["device-authentication", "device-encryption", "device-signature"];
    expect((await admin.ok("keystore status")).json).toEqual({
      path: path.join(admin.home, "keystore.json"),
      exists: true,
      id: expect.any(String),
      created: TIME,
      protection: "key-file",
      keyFile: path.join(admin.home, "keystore.key"),
      unlockedBy: ["key-file"],
      locked: false,
      agent: null,
      keys: expect.arrayContaining(
        [...uses, "master-escrow", "master-signature", "online-signature"].map((use) => ({
          udf: UDF,
          use,
          created: TIME,
          profile: udf,
        })),
      ),
    });
    expect(await admin.text("keystore status")).toMatchObject({ status: 0, stderr: "" });
    expect(await machine().text("keystore status")).toMatchObject({ status: 0, stderr: "" });
  });
});

/** Commands that look and never unlock. */
const LOOKING = [
  "profile show",
  "profile list",
  "profile export",
  "profile export --format pem",
  "account list",
  "device list",
  "device show",
  "device status",
  "keystore status",
  "status",
];

describe("looking never unlocks", () => {
  test("on a locked home", async () => {
    const admin = locked();
    const before = contentOf(admin.home);
    for (const line of [...LOOKING, "profile verify"]) {
      expect([line, await admin.run(line)]).toMatchObject([line, { status: 0, asked: [] }]);
    }
    await admin.ok("verify", put(admin, "profile.json", (await admin.text("profile export")).stdout));
    await admin.ok("udf profile.json");
    expect(contentOf(admin.home)).toEqual(before);
    expect((await admin.ok("status")).json).toMatchObject({
      connected: true,
      keystore: { protection: "passphrase", locked: true, keys: 6 },
    });
  });

  test("on a home without its key file", async () => {
    const admin = await open();
    fs.rmSync(path.join(admin.home, "keystore.key"));
    for (const line of LOOKING) expect([line, (await admin.run(line)).status]).toEqual([line, 0]);
    expect((await admin.ok("keystore status")).stderr).toContain("keystore.key");
    expect(await admin.run(UNLOCK, "note")).toMatchObject({ status: 4, code: "locked" });
  });
});

describe("a read-only home", () => {
  test("looking works; all else says that it is read-only", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    const phone = await connected(admin);
    const { device: waiting, code } = await asking(admin, "tablet");
    const before = contentOf(admin.home);
    const frozen = admin.with({ deps: { fs: readOnly() } });
    for (const line of [...LOOKING, "profile verify", "account status", "portal hello", "account validate bob"]) {
      const words = line === "account validate bob" ? ["--portal", portal] : [];
      expect([line, (await frozen.run(line, ...words)).status]).toEqual([line, 0]);
    }
    const frozenWaiting = waiting.with({ deps: { fs: readOnly() } });
    expect(await frozenWaiting.run("device status")).toMatchObject({ status: 8, json: { status: "pending", code } });
    for (const line of [
      "profile create --no-passphrase --name second",
      "account create second@example.com",
      "profile use default",
      "profile delete --confirm default",
      "keystore passwd --no-passphrase",
      "device remove phone",
      `device complete ${code}`,
      "escrow split --shares 2 --threshold 2",
    ]) {
      expect([line, await frozen.run(line)]).toMatchObject([line, { status: 5, code: "read-only" }]);
    }
    expect(contentOf(admin.home)).toEqual(before);
    // Nothing was published either.
    expect((await phone.ok("device status")).json).toEqual({ status: "accepted", expires: null });
    expect((await admin.ok("device pending")).json).toMatchObject({ pending: [{ code }] });
    // A home that cannot be made.
    const nowhere = machine({ deps: { fs: readOnly() } });
    expect(await nowhere.run("profile create --no-passphrase")).toMatchObject({ status: 5, code: "read-only" });
    // Accepted meanwhile: this can be said without being written.
    await admin.ok("device complete", code);
    expect((await frozenWaiting.ok("device status")).json).toEqual({ status: "accepted", expires: null });
  });

  test("a full disk", async () => {
    const admin = machine({
      deps: {
        fs: {
          ...testDeps().fs,
          write: () => {
            throw Object.assign(new Error("ENOSPC"), { code: "ENOSPC", syscall: "write" });
          },
        },
      },
    });
    expect(await admin.run("profile create --no-passphrase")).toMatchObject({ status: 1, code: "io-failed" });
    // Nothing is in the way of the next try.
    await admin.with({ deps: { fs: testDeps().fs } }).ok("profile create --no-passphrase");
  });
});

describe("files that are not as they were written", () => {
  const spoil = async (name: string, change: (text: string) => string): Promise<Machine> => {
    const admin = await open();
    const file = path.join(admin.home, name);
    fs.writeFileSync(file, change(fs.readFileSync(file, "utf8")), { mode: 0o600 });
    return admin;
  };
  const edit =
    (change: (value: Record<string, unknown>) => void) =>
    (text: string): string => {
      const value = JSON.parse(text) as Record<string, unknown>;
      change(value);
      return JSON.stringify(value);
    };

  test.each([
    ["truncated", (text: string) => text.slice(0, 200), "keystore-corrupt"],
    ["empty", () => "", "keystore-corrupt"],
    ["not JSON", () => "not JSON", "keystore-corrupt"],
    ["another JSON", () => "[]", "keystore-corrupt"],
    ["of a newer version", edit((value) => (value["version"] = 2)), "keystore-version"],
    ["without keys", edit((value) => delete value["keys"]), "keystore-corrupt"],
    ["with something more", edit((value) => (value["more"] = true)), "keystore-corrupt"],
    ["large", () => " ".repeat(5_000_000), "keystore-corrupt"],
  ])("a keystore that is %s", async (_, change, code) => {
    const admin = await spoil("keystore.json", change);
    const before = contentOf(admin.home);
    for (const line of [
      "keystore status",
      "status",
      "profile create --no-passphrase --name second",
      "profile revocation --out note",
    ]) {
      const outcome = await admin.run(line);
      expect([line, outcome]).toMatchObject([line, { status: 1, code }]);
      expect(outcome.at("error", "message")).toContain("keystore.json");
    }
    expect(contentOf(admin.home)).toEqual(before);
    // What needs no keys goes on.
    await admin.ok("profile list");
  });

  test.each([
    ["keystore.json", 0o644, ["keystore status", "status"]],
    ["keystore.json", 0o660, ["keystore status", "status"]],
    ["keystore.key", 0o604, ["profile revocation --out note"]],
    ["pins.json", 0o640, ["profile show", "device list"]],
    [".", 0o755, ["profile create --no-passphrase --name second", "profile use default"]],
    [".", 0o770, ["account create alice --portal local"]],
  ])("%s with mode %o", async (name, mode, commands) => {
    const admin = await open();
    fs.chmodSync(path.join(admin.home, name), mode);
    for (const line of commands) {
      const outcome = await admin.run(line);
      expect([line, outcome]).toMatchObject([line, { status: 5, code: "keystore-permissions" }]);
      expect(outcome.at("error", "hint")).toContain("chmod");
    }
    // The hint is the cure.
    const { hint } = ((await admin.run(commands[0]!)).json as { error: { hint: string } }).error;
    const [, digits, quoted] = /^chmod (\d+) '(.+)'$/.exec(hint) ?? [];
    fs.chmodSync(quoted!, Number.parseInt(digits!, 8));
    expect((await admin.run(commands[0]!)).status).toBe(0);
  });

  test("modes mean nothing on Windows", async () => {
    const admin = await open();
    fs.chmodSync(path.join(admin.home, "keystore.json"), 0o644);
    await admin.with({ deps: { platform: "win32" } }).ok("keystore status --home", admin.home);
  });

  test.each([
    ["truncated", (text: string) => text.slice(0, 100), 1, "state-corrupt"],
    ["of a newer version", edit((value) => (value["version"] = 2)), 1, "keystore-version"],
    [
      "changed",
      edit((value) => (value["portals"] = { local: { wrapping: "draft", extensions: [] } })),
      7,
      "pins-tampered",
    ],
    ["emptied", edit((value) => (value["profiles"] = {})), 7, "pins-tampered"],
  ])("pins that are %s", async (_, change, status, code) => {
    const admin = await spoil("pins.json", change);
    expect(await admin.run("profile revocation --out note")).toMatchObject({ status, code });
    expect(await admin.run("account create alice --portal local")).toMatchObject({ status, code });
  });

  test("the file of a profile", async () => {
    const admin = await open();
    const [name] = fs.readdirSync(path.join(admin.home, "profiles"));
    const file = path.join(admin.home, "profiles", name!);
    const good = fs.readFileSync(file, "utf8");
    for (const [text, code] of [
      ["{}", "state-corrupt"],
      [good.slice(0, -10), "state-corrupt"],
      [edit((value) => (value["version"] = 9))(good), "keystore-version"],
    ] as const) {
      fs.writeFileSync(file, text, { mode: 0o600 });
      for (const line of ["profile list", "profile show", "status", "account list"]) {
        expect([line, await admin.run(line)]).toMatchObject([line, { status: 1, code }]);
      }
    }
    fs.writeFileSync(file, good, { mode: 0o600 });
    await admin.ok("profile show");
    fs.writeFileSync(path.join(admin.home, "profiles", "stray.json"), "{}", { mode: 0o600 });
    expect(await admin.run("profile list")).toMatchObject({ status: 1, code: "state-corrupt" });
  });

  test("a kept record that was changed is found out", async () => {
    const admin = await open();
    const [name] = fs.readdirSync(path.join(admin.home, "profiles"));
    const file = path.join(admin.home, "profiles", name!);
    const state = JSON.parse(fs.readFileSync(file, "utf8")) as {
      record: { SignedData: { signature: string } };
      view: { devices: { name: string }[] };
    };
    state.record.SignedData.signature = state.record.SignedData.signature.replace(/^./, (letter) =>
      letter === "A" ? "B" : "A",
    );
    fs.writeFileSync(file, JSON.stringify(state), { mode: 0o600 });
    for (const line of ["profile show", "device list", "status", "profile export", "profile verify"]) {
      expect([line, await admin.run(line)]).toMatchObject([line, { status: 7, code: "signature-invalid" }]);
    }
  });

  test("a chosen default that is damaged", async () => {
    const admin = await open();
    await admin.ok("profile use default");
    fs.writeFileSync(path.join(admin.home, "preferences.json"), "not JSON", { mode: 0o600 });
    for (const line of ["profile show", "profile list", "status"]) {
      expect([line, await admin.run(line)]).toMatchObject([line, { status: 1, code: "state-corrupt" }]);
    }
    await admin.ok("profile show --profile default");
  });

  test("a home in a folder that may not be entered", async () => {
    const deny = (file: string): never => {
      throw Object.assign(new Error("EACCES"), { code: "EACCES", syscall: "stat", path: file });
    };
    const { fs: inner } = testDeps();
    const admin = machine();
    const denied = admin.with({
      deps: { fs: { ...inner, stat: (file) => (file.startsWith(admin.home) ? deny(file) : inner.stat(file)) } },
    });
    for (const line of ["profile create --no-passphrase", "profile list", "status", "keystore status"]) {
      const outcome = await denied.run(line);
      expect([line, outcome]).toMatchObject([line, { status: 1, code: "io-failed" }]);
      expect(outcome.at("error", "hint")).toContain("--home");
    }
  });

  test("a home that is a file", async () => {
    const admin = machine();
    put(admin, "home", "");
    for (const line of ["profile create --no-passphrase", "profile list", "status", "keystore status"]) {
      const outcome = await admin.run(line);
      expect([line, outcome]).toMatchObject([line, { status: 2, code: "no-home" }]);
      expect(outcome.at("error", "hint")).toContain("--home");
    }
  });
});
