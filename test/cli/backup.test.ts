import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openHome } from "../../src/keystore/home.js";
import { unlockKeystore } from "../../src/keystore/keystore.js";
import { readPins } from "../../src/keystore/pins.js";
import { readProfile, type ProfileState } from "../../src/keystore/state.js";
import { decryptWith, encryptTo } from "../../src/mesh/jwe.js";
import { readDevice } from "../../src/mesh/records/device.js";
import { en } from "../../src/messages/en/index.js";
import {
  asking,
  connected,
  contentOf,
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
import { faultyFiles } from "../support/faults.js";

const SECRET = "backup of the test";
const EXPORT = "profile export --private --backup-passphrase-file secret --out";
const IMPORT = "profile import --backup-passphrase-file secret";
const RESTORE = `${IMPORT} --no-passphrase --yes`;

/** A laptop with a profile at an account, a backup of it, and a phone that is connected; copied, since it takes its time. */
let template = "";
let laptopUdf = "";
let profileUdf = "";
beforeAll(async () => {
  template = fs.mkdtempSync(path.join(os.tmpdir(), "meshman-test-"));
  const portal = `file:${path.join(template, "portal.sqlite")}`;
  const laptop = await withAccount(portal, "alice@example.com", {
    home: path.join(template, "home"),
    deps: { cwd: template },
  });
  fs.writeFileSync(path.join(template, "secret"), `${SECRET}\n`, { mode: 0o600 });
  const made = await laptop.ok(EXPORT, "backup.json");
  profileUdf = made.at("profile", "udf");
  laptopUdf = made.at("device", "udf");
});
afterAll(() => fs.rmSync(template, { recursive: true, force: true }));

/** The files that the template's account lies in, in a place of their own: homes remember where their portal is. */
const inPlace = (text: string, folder: string): string => text.replaceAll(template, folder);

/** A machine of its own with the laptop's home and portal. */
const laptopOf = (options: RunOptions = {}): Machine => {
  const made = machine(options);
  fs.cpSync(template, made.folder, { recursive: true });
  const file = path.join(made.home, "profiles", `${profileUdf}.json`);
  fs.writeFileSync(file, inPlace(fs.readFileSync(file, "utf8"), made.folder), { mode: 0o600 });
  return made;
};

/** A machine with the backup and the template's portal, and no home. */
const bare = (options: RunOptions = {}): Machine => {
  const made = machine(options);
  for (const name of ["backup.json", "secret"])
    fs.copyFileSync(path.join(template, name), path.join(made.folder, name));
  return made;
};

const stateOf = (of: Machine, udf = profileUdf): ProfileState => readProfile(openHome(testDeps(), of.home), udf)!;
const count = async (of: Machine): Promise<number> =>
  ((await of.ok("keystore status")).json as { keys: unknown[] }).keys.length;

describe("profile export --private", () => {
  test("writes a private file, and says what is in it", async () => {
    const laptop = laptopOf();
    const { json } = await laptop.ok(EXPORT, "other.json");
    const keys = ["online-signature", "device-signature", "device-authentication", "device-encryption"];
    expect(json).toEqual({
      profile: { udf: profileUdf, name: "default" },
      device: { udf: laptopUdf, name: "laptop" },
      accounts: [{ account: "alice@example.com", portal: expect.stringMatching(/^file:/) }],
      keys: expect.arrayContaining(["master-signature", "master-escrow", ...keys].map((use) => ({ kid: UDF, use }))),
      created: TIME,
      file: path.join(laptop.folder, "other.json"),
    });
    expect(modesOf(laptop.folder)["other.json"]).toBe("600");
    const text = await laptop.text(EXPORT, "text.json");
    expect(text).toMatchObject({ status: 0, stderr: "" });
    expect(text.stdout).toContain(profileUdf);
  });

  test("changes nothing, and works on a home that is read-only", async () => {
    const laptop = laptopOf();
    const before = contentOf(laptop.home);
    const inner = testDeps().fs;
    const refuse = (file: string): void => {
      if (file.startsWith(laptop.home)) throw Object.assign(new Error("EROFS"), { code: "EROFS", syscall: "open" });
    };
    const readOnly = laptop.with({
      deps: {
        fs: {
          ...inner,
          mkdir: (file, mode) => {
            refuse(file);
            inner.mkdir(file, mode);
          },
          create: (file, mode) => {
            refuse(file);
            return inner.create(file, mode);
          },
        },
      },
    });
    await readOnly.ok(EXPORT, "other.json");
    expect(contentOf(laptop.home)).toEqual(before);
    await bareWith(laptop, "other.json").ok(`${RESTORE} other.json`);
  });

  test("of a locked keystore", async () => {
    const laptop = laptopOf();
    put(laptop, "pass", "keystore passphrase");
    await laptop.ok("keystore passwd --new-passphrase-file pass");
    expect(await laptop.run(EXPORT, "other.json")).toMatchObject({ status: 2, code: "input-required" });
    expect(fs.existsSync(path.join(laptop.folder, "other.json"))).toBe(false);
    await laptop.ok(`${EXPORT} other.json --passphrase-file pass`);
    // The backup does not depend on it.
    await bareWith(laptop, "other.json").ok(`${RESTORE} other.json`);
  });

  test("a file that is there is never replaced, and nothing is asked before that is known", async () => {
    const laptop = laptopOf({ tty: true, prompts: [] });
    put(laptop, "there.json", "mine");
    for (const [words, status, code] of [
      [["--private", "--out", "there.json"], 5, "file-exists"],
      [["--private", "--out", "nowhere/backup.json"], 2, "file-unreadable"],
      [["--private", "--out", ""], 2, "usage"],
      [["--private"], 2, "usage"],
      [["--private", "--out", "b.json", "--format", "pem"], 2, "usage"],
      [["--out", "b.json"], 2, "usage"],
      [["--backup-passphrase-file", "secret"], 2, "usage"],
      [["--backup-passphrase-fd", "9"], 2, "usage"],
    ] as const) {
      const outcome = await laptop.run("profile export", ...words);
      expect([words, outcome]).toMatchObject([words, { status, code, asked: [] }]);
    }
    expect(fs.readFileSync(path.join(laptop.folder, "there.json"), "utf8")).toBe("mine");
    expect(fs.existsSync(path.join(laptop.folder, "b.json"))).toBe(false);
  });

  test("its passphrase: asked for twice, long enough, or from where the options say", async () => {
    const laptop = laptopOf();
    const prompts = ["short", SECRET, "something else", SECRET];
    const asked = await laptop.with({ tty: true, prompts }).ok("profile export --private --out asked.json");
    expect(asked.asked).toHaveLength(6);
    await bareWith(laptop, "asked.json").ok(`${RESTORE} asked.json`);
    const weak = put(laptop, "weak", "seven77");
    for (const [words, status, code] of [
      [["--backup-passphrase-file", weak], 2, "passphrase-weak"],
      [["--backup-passphrase-file", "nowhere"], 2, "file-unreadable"],
      [["--backup-passphrase-file", "secret", "--backup-passphrase-fd", "9"], 2, "usage"],
      [["--backup-passphrase-fd", "987654"], 2, "file-unreadable"],
    ] as const) {
      const outcome = await laptop.run("profile export --private --out refused.json", ...words);
      expect([words, outcome]).toMatchObject([words, { status, code }]);
    }
    expect(fs.existsSync(path.join(laptop.folder, "refused.json"))).toBe(false);
  });

  test("without a terminal: the options are named", async () => {
    const laptop = laptopOf();
    for (const options of [{}, { tty: true, env: { CI: "true" } }] as RunOptions[]) {
      const outcome = await laptop.with(options).run("profile export --private --out other.json");
      expect(outcome).toMatchObject({ status: 2, code: "input-required", asked: [] });
      expect(outcome.at("error", "hint")).toMatch(/--backup-passphrase-file.*--backup-passphrase-fd/);
    }
    const none = await laptop.with({ tty: true }).run("profile export --private --out other.json --no-input");
    expect(none).toMatchObject({ status: 2, code: "input-required", asked: [] });
  });

  test("without --private it is what it was", async () => {
    const laptop = laptopOf();
    expect(Object.keys((await laptop.ok("profile export")).json as object)).toEqual([
      "SignedMasterProfile",
      "SignedPersonalProfile",
    ]);
  });
});

/** A machine without a home that is given a file of another one, and the passphrase. */
const bareWith = (of: Machine, name: string): Machine => {
  const made = machine();
  for (const file of [name, "secret"]) fs.copyFileSync(path.join(of.folder, file), path.join(made.folder, file));
  return made;
};

describe("profile import", () => {
  test("brings the device back: its keys sign, and decrypt", async () => {
    const laptop = laptopOf();
    const phone = await connected(laptop);
    await laptop.ok(EXPORT, "now.json");
    // The laptop is lost.
    fs.rmSync(laptop.home, { recursive: true });
    const { json } = await laptop.ok(`${RESTORE} now.json`);
    expect(json).toEqual({
      profile: { udf: profileUdf, name: "default" },
      device: { udf: laptopUdf, name: "laptop" },
      accounts: stateOf(laptop).accounts,
      keys: expect.arrayContaining([{ kid: profileUdf, use: "master-signature" }]),
      replaced: false,
    });
    for (const [name, mode] of Object.entries(modesOf(laptop.home))) {
      const isFolder = fs.statSync(path.join(laptop.home, name)).isDirectory();
      expect([name, mode]).toEqual([name, isFolder ? "700" : "600"]);
    }
    expect((await laptop.ok("status")).json).toMatchObject({ connected: true, admin: true, pendingWork: [] });
    await laptop.ok("profile verify");
    // The authentication key signs requests, the online signature key the profile, the master key an epoch.
    const { code } = await asking(laptop, "tablet");
    await laptop.ok("device complete", code, "--admin");
    await laptop.ok("device remove phone");
    expect(await phone.run("device status")).toMatchObject({ status: 5 });
    await laptop.ok("escrow split --shares 2 --threshold 2 --out shares");
    await laptop.ok("profile revocation --out note.json");
    const keystore = await unlockKeystore(openHome(testDeps(), laptop.home));
    const { device } = stateOf(laptop);
    const sealed = await encryptTo(Buffer.from("for the laptop"), [readDevice(device.record).encryptionKey]);
    const key = keystore.get(device.encryptionKey, "device-encryption");
    expect((await decryptWith(sealed, key)).toString()).toBe("for the laptop");
  });

  test("as text: what the file holds comes first, on standard error", async () => {
    const desktop = bare();
    const { status, stdout, stderr } = await desktop.text(`${RESTORE} backup.json`);
    expect(status).toBe(0);
    for (const text of [profileUdf, "laptop", "alice@example.com", "UTC", " 6"]) expect(stderr).toContain(text);
    expect(stdout).toContain(profileUdf);
    expect(stdout + stderr).not.toMatch(/undefined|null|\[object|[{}]/);
    expect(await bare().text(`${RESTORE} backup.json --quiet`)).toMatchObject({ status: 0, stderr: "" });
  });

  test("shows what it holds and asks before anything is written", async () => {
    const desktop = bare();
    let seen: string[] | undefined;
    const watching = desktop.with({
      tty: true,
      deps: {
        prompts: {
          ...testDeps().prompts,
          confirm: async () => {
            seen = fs.existsSync(desktop.home) ? fs.readdirSync(desktop.home) : [];
            return false;
          },
        },
      },
    });
    const refused = await watching.run(`${IMPORT} backup.json --no-passphrase --quiet`);
    expect(refused).toMatchObject({ status: 130, code: "interrupted" });
    expect(refused.stderr).toContain(profileUdf);
    expect(seen).toEqual([]);
    expect(fs.existsSync(desktop.home)).toBe(false);
    // Passphrase of the backup, yes, and a passphrase for the keystore to come.
    const prompts = [SECRET, true, "keystore passphrase", "keystore passphrase"];
    const asked = await desktop.with({ tty: true, prompts }).ok("profile import backup.json");
    expect(asked.asked).toHaveLength(4);
    expect((await desktop.ok("keystore status")).json).toMatchObject({ protection: "passphrase" });
  });

  test("without a terminal: the options are named, one after the other, and nothing is written", async () => {
    const desktop = bare();
    for (const options of [{}, { tty: true, env: { CI: "true" } }] as RunOptions[]) {
      const on = desktop.with(options);
      for (const [line, named] of [
        ["profile import backup.json --no-passphrase --yes", /--backup-passphrase-file.*--backup-passphrase-fd/],
        [`${IMPORT} backup.json --no-passphrase`, /--yes/],
        [`${IMPORT} backup.json --yes`, /--passphrase-file.*--no-passphrase/],
      ] as const) {
        const outcome = await on.run(line);
        expect([line, outcome]).toMatchObject([line, { status: 2, code: "input-required", asked: [] }]);
        expect(outcome.at("error", "hint")).toMatch(named);
        // Who has said the passphrase has been shown what the file holds.
        expect(outcome.stderr.includes(profileUdf)).toBe(line.includes("secret"));
      }
    }
    expect(fs.existsSync(desktop.home)).toBe(false);
  });

  test("a wrong passphrase, a damaged file, one of a newer version, and what is none", async () => {
    const desktop = bare();
    const text = fs.readFileSync(path.join(desktop.folder, "backup.json"), "utf8");
    put(desktop, "wrong", "another passphrase");
    put(
      desktop,
      "damaged.json",
      text.replace(/"ciphertext":"./, (start) => start.slice(0, -1) + (start.endsWith("A") ? "B" : "A")),
    );
    put(desktop, "cut.json", text.slice(0, 1000));
    put(desktop, "newer.json", text.replace('"version":1', '"version":2'));
    put(desktop, "none.json", "{}");
    put(desktop, "large.json", " ".repeat(18 * 1024 * 1024));
    for (const [words, status, code] of [
      [["backup.json", "--backup-passphrase-file", "wrong"], 4, "wrong-passphrase"],
      [["damaged.json", "--backup-passphrase-file", "secret"], 7, "backup-invalid"],
      [["cut.json", "--backup-passphrase-file", "secret"], 7, "backup-invalid"],
      [["newer.json", "--backup-passphrase-file", "secret"], 1, "keystore-version"],
      [["none.json", "--backup-passphrase-file", "secret"], 7, "backup-invalid"],
      [["large.json", "--backup-passphrase-file", "secret"], 5, "too-large"],
      [["nowhere.json", "--backup-passphrase-file", "secret"], 2, "file-unreadable"],
      [["backup.json", "--backup-passphrase-file", "secret", "--name", ""], 2, "usage"],
      [["backup.json", "--backup-passphrase-file", "secret", "--name", "a\nb"], 2, "usage"],
    ] as const) {
      const outcome = await desktop.run("profile import --no-passphrase --yes", ...words);
      expect([words, outcome]).toMatchObject([words, { status, code }]);
      expect(outcome.stdout + outcome.stderr).not.toContain("another passphrase");
    }
    const mistaken = await desktop.run("device install backup.json --no-passphrase");
    expect(mistaken).toMatchObject({ status: 7, code: "decryption-failed" });
    expect(mistaken.at("error", "hint")).toContain("meshman profile import");
    expect(fs.existsSync(desktop.home)).toBe(false);
    // A damaged file is found out before anybody is asked for a passphrase.
    expect(await desktop.with({ tty: true, prompts: [] }).run("profile import damaged.json")).toMatchObject({
      status: 7,
      asked: [],
    });
    await desktop.ok(`${RESTORE} backup.json`);
  });

  test("a profile that is here is replaced with --replace alone; it keeps its name and its place", async () => {
    const laptop = laptopOf();
    await laptop.ok("profile create --name second --no-passphrase");
    const before = contentOf(laptop.home);
    for (const words of [[], ["--name", "third"]]) {
      expect(await laptop.run(`${RESTORE} backup.json`, ...words)).toMatchObject({ status: 5, code: "profile-exists" });
    }
    expect(await laptop.run(`${RESTORE} backup.json --replace --name second`)).toMatchObject({
      status: 5,
      code: "profile-exists",
    });
    expect(contentOf(laptop.home)).toEqual(before);
    const { json, stderr } = await laptop.ok(`${RESTORE} backup.json --replace --name third`);
    expect(json).toMatchObject({ profile: { udf: profileUdf, name: "third" }, replaced: true });
    expect(stderr).toContain("third");
    expect((await laptop.ok("profile list")).json).toMatchObject({
      profiles: [
        { name: "third", default: true },
        { name: "second", default: false },
      ],
    });
    expect((await laptop.ok(`${RESTORE} backup.json --replace`)).json).toMatchObject({ profile: { name: "third" } });
    expect(await count(laptop)).toBe(12);
    await laptop.ok("profile verify");
  });

  test("a name that another profile has needs --name; the profile that is here stays the default", async () => {
    const desktop = bare();
    const own = await desktop.ok("profile create --no-passphrase");
    const before = contentOf(desktop.home);
    expect(await desktop.run(`${RESTORE} backup.json`)).toMatchObject({ status: 5, code: "profile-exists" });
    expect(await desktop.run(`${RESTORE} backup.json --replace`)).toMatchObject({ status: 5, code: "profile-exists" });
    expect(contentOf(desktop.home)).toEqual(before);
    expect((await desktop.ok(`${RESTORE} backup.json --name cafe\u0301`)).json).toMatchObject({
      profile: { name: "caf\u00e9" },
      replaced: false,
    });
    expect((await desktop.ok("profile list")).json).toMatchObject({
      profiles: [
        { udf: own.at("profile", "udf"), name: "default", default: true },
        { udf: profileUdf, name: "caf\u00e9", default: false },
      ],
    });
    expect(await count(desktop)).toBe(12);
  });

  test("in the place of another device of the profile: that one's keys go, its knowledge stays", async () => {
    const laptop = laptopOf();
    const phone = await connected(laptop);
    for (const name of ["backup.json", "secret"])
      fs.copyFileSync(path.join(template, name), path.join(phone.folder, name));
    const known = stateOf(phone);
    const { json, stderr } = await phone.ok(`${RESTORE} backup.json --replace`);
    expect(json).toMatchObject({ device: { udf: laptopUdf, name: "laptop" }, replaced: true });
    // Who it is that goes is shown.
    expect(stderr).toContain(known.device.udf);
    expect(stateOf(phone)).toMatchObject({
      name: known.name,
      device: { udf: laptopUdf },
      record: known.record,
      accounts: known.accounts,
    });
    expect(await count(phone)).toBe(6);
    // The laptop's backup was older than the phone's connection; the phone knew better.
    expect((await phone.ok("device list")).json).toMatchObject({ devices: { length: 2 } });
  });

  test("an older backup into a home that has seen more: the pin stays, and the portal is asked", async () => {
    const laptop = laptopOf();
    await connected(laptop);
    const home = openHome(testDeps(), laptop.home);
    const pin = readPins(home).profiles[profileUdf];
    expect(pin?.sequence).toBe(3);
    fs.unlinkSync(path.join(laptop.home, "profiles", `${profileUdf}.json`));
    fs.copyFileSync(path.join(template, "backup.json"), path.join(laptop.folder, "backup.json"));
    await laptop.ok(`${RESTORE} backup.json`);
    expect(readPins(home).profiles[profileUdf]).toEqual(pin);
    expect(stateOf(laptop).record).toBeUndefined();
    await laptop.ok("status");
    // Where the account is now stands in the backup, which was made with another portal file.
    const portal = `file:${path.join(laptop.folder, "portal.sqlite")}`;
    await laptop.ok("device status --portal", portal);
    expect(stateOf(laptop).record).toBeDefined();
    expect((await laptop.ok("status")).json).toMatchObject({ connected: true, admin: true });
    await laptop.ok("device remove phone --portal", portal);
  });

  test("of a device that the profile has lost since: it says so", async () => {
    const laptop = laptopOf();
    const phone = await connected(laptop);
    put(phone, "secret", SECRET);
    await phone.ok(EXPORT, "phone.json");
    await laptop.ok("device remove phone");
    await phone.run("device status");
    // Before anything is written.
    const asked = await phone.run(`${IMPORT} phone.json --no-passphrase --replace`);
    expect(asked).toMatchObject({ status: 2, code: "input-required" });
    expect(asked.stderr).toContain(en["backup.device-gone"]);
    const outcome = await phone.ok(`${RESTORE} phone.json --replace`);
    expect(outcome.stderr).toContain("meshman device connect");
    expect((await phone.ok("status")).json).toMatchObject({ connected: false });
    // Nobody knows that on a machine that has seen nothing.
    expect((await bareWith(phone, "phone.json").ok(`${RESTORE} phone.json`)).stderr).not.toContain("device connect");
  });

  test("of a device that this home has not heard of yet: it does not say that the profile has lost it", async () => {
    const phone = await connected(laptopOf());
    put(phone, "secret", SECRET);
    await phone.ok(EXPORT, "phone.json");
    const behind = laptopOf();
    fs.copyFileSync(path.join(phone.folder, "phone.json"), path.join(behind.folder, "phone.json"));
    const asked = await behind.run(`${IMPORT} phone.json --no-passphrase --replace`);
    expect(asked).toMatchObject({ status: 2, code: "input-required" });
    expect(asked.stderr).not.toContain(en["backup.device-gone"]);
  });

  test("a device that the profile has lost never takes the place of one that it lists", async () => {
    const laptop = laptopOf();
    const phone = await connected(laptop);
    put(phone, "secret", SECRET);
    await phone.ok(EXPORT, "phone.json");
    const asked = await phone.ok("device rotate");
    await laptop.ok("device complete", asked.at("code"));
    await phone.ok("device status");
    await phone.run("device pending");
    const before = contentOf(phone.home);
    for (const words of [["--yes"], []]) {
      const outcome = await phone.run(`${IMPORT} phone.json --no-passphrase --replace`, ...words);
      expect([words, outcome]).toMatchObject([words, { status: 5, code: "not-connected" }]);
      expect(outcome.at("error", "hint")).toContain("MESHMAN_HOME");
    }
    expect(contentOf(phone.home)).toEqual(before);
    // Where the present device is of no more use, nothing is lost.
    await laptop.ok("device remove phone");
    await phone.run("device status");
    await phone.ok(`${RESTORE} phone.json --replace`);
    // In another home it is its owner's business.
    await bareWith(phone, "phone.json").ok(`${RESTORE} phone.json`);
  });

  test("two at once: one of them restores", async () => {
    const desktop = bare();
    const outcomes = await Promise.all([1, 2].map(() => desktop.run(`${RESTORE} backup.json`)));
    expect(outcomes.map(({ status, code }) => [status, code]).sort()).toEqual([
      [0, undefined],
      [5, "profile-exists"],
    ]);
    expect(await count(desktop)).toBe(6);
  });

  test("into a home with a passphrase", async () => {
    const desktop = bare();
    put(desktop, "pass", "keystore passphrase");
    await desktop.ok("profile create --name other --passphrase-file pass");
    expect(await desktop.run(`${RESTORE} backup.json`)).toMatchObject({ status: 2, code: "input-required" });
    expect(await desktop.run(`${RESTORE} backup.json --passphrase-file secret`)).toMatchObject({ status: 4 });
    await desktop.ok(`${RESTORE} backup.json --passphrase-file pass`);
    expect(await count(desktop)).toBe(12);
  });
});

test("nothing secret is printed or left in clear", async () => {
  const laptop = laptopOf();
  const keystore = await unlockKeystore(openHome(testDeps(), laptop.home));
  const secrets = [SECRET, ...keystore.facts.map(({ kid, use }) => keystore.get(kid, use).d)];
  const outcomes = [
    await laptop.ok(`${EXPORT} one.json --verbose`),
    await laptop.text(`${EXPORT} two.json --verbose`),
    await bareWith(laptop, "one.json").ok(`${RESTORE} one.json --verbose`),
    await bareWith(laptop, "one.json").text(`${RESTORE} one.json --verbose`),
    await laptop.run(`${RESTORE} one.json`),
    await laptop.run("profile import one.json --yes --backup-passphrase-file one.json"),
    await laptop.run("profile import secret --yes --backup-passphrase-file secret"),
  ];
  const texts = [
    ...outcomes.flatMap(({ stdout, stderr, asked }) => [stdout, stderr, ...asked]),
    ...["one.json", "two.json"].map((name) => fs.readFileSync(path.join(laptop.folder, name), "utf8")),
  ];
  for (const secret of secrets) expect(texts.filter((text) => text.includes(secret))).toEqual([]);
});

describe("a process that dies at any change of the disk, and the same command again", () => {
  const everywhere = async (step: number, trial: (n: number) => Promise<boolean>): Promise<void> => {
    for (let n = 1; n < 500; n += step) if (!(await trial(n))) return;
    throw new Error("The command never ends.");
  };

  test("profile import", { timeout: 300_000 }, async () => {
    await everywhere(5, async (n) => {
      const desktop = bare();
      const files = faultyFiles(testDeps().fs, n, "crash");
      await desktop.with({ deps: { fs: files.fs } }).run(`${RESTORE} backup.json`);
      const again = await desktop.run(`${RESTORE} backup.json`);
      expect([n, again.status === 0 || again.code === "profile-exists", again.stdout]).toEqual([n, true, again.stdout]);
      expect([n, await count(desktop)]).toEqual([n, 6]);
      expect((await desktop.ok("status")).json).toMatchObject({ connected: true, admin: true, pendingWork: [] });
      await desktop.ok("profile revocation --out note.json");
      return files.operations().length >= n;
    });
  });

  test("profile export --private: no file, or a whole one", { timeout: 300_000 }, async () => {
    await everywhere(2, async (n) => {
      const laptop = laptopOf();
      const files = faultyFiles(testDeps().fs, n, "crash");
      await laptop.with({ deps: { fs: files.fs } }).run(EXPORT, "other.json");
      if (!fs.existsSync(path.join(laptop.folder, "other.json"))) await laptop.ok(EXPORT, "other.json");
      await bareWith(laptop, "other.json").ok(`${RESTORE} other.json`);
      return files.operations().length >= n;
    });
  });
});
