import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import {
  connected,
  contentOf,
  filePortal,
  machine,
  modesOf,
  put,
  TIME,
  UDF,
  udfOf,
  withAccount,
  type Machine,
} from "../support/cli.js";
import { main } from "../../src/main.js";
import { testDeps } from "../support/deps.js";
import { openWire, refusal } from "../support/wire.js";

const SHARE = expect.stringMatching(/^S[A-Z2-7]{3}(-[A-Z2-7]{1,4})+$/) as string;
const RECOVER = "escrow recover --no-passphrase --device-name desktop";

const version = async (of: Machine, account = "alice@example.com"): Promise<unknown> => {
  const { masterSequence, sequence } = (await of.ok("account status", account)).json as Record<string, number>;
  return [masterSequence, sequence];
};

const sharesOf = async (of: Machine, shares = 3, threshold = 2, ...more: string[]): Promise<string[]> => {
  const outcome = await of.ok(`escrow split --shares ${shares} --threshold ${threshold}`, ...more);
  return (outcome.json as { shares: string[] }).shares;
};

const masterKeys = async (of: Machine): Promise<string[]> =>
  ((await of.ok("keystore status")).json as { keys: { udf: string; use: string }[] }).keys
    .filter(({ use }) => use.startsWith("master-"))
    .map(({ use }) => use)
    .sort();

const lines = (shares: readonly string[]): string => `${shares.join("\n")}\n`;

const shareFile = (of: Machine, index: number, count = 3): string =>
  path.join(of.folder, "shares", `share-${index}-of-${count}.txt`);
const shareFiles = (of: Machine, ...indexes: number[]): string[] =>
  indexes.flatMap((index) => ["--share-file", shareFile(of, index)]);
const entryFile = (of: Machine): string[] => ["--entry-file", path.join(of.folder, "shares", "entry.json")];

describe("escrow split", () => {
  test("prints the shares, and keeps the master key", async () => {
    const admin = await withAccount(filePortal());
    const { json } = await admin.ok("escrow split --shares 5 --threshold 3");
    expect(json).toEqual({
      identifier: UDF,
      threshold: 3,
      shares: [SHARE, SHARE, SHARE, SHARE, SHARE],
      entry: { OfflineEscrowEntry: expect.any(Object) },
    });
    expect(new Set((json as { shares: string[] }).shares).size).toBe(5);
    expect(await masterKeys(admin)).toEqual(["master-escrow", "master-signature"]);
    expect((await admin.ok("status")).json).toMatchObject({
      recovery: { identifier: (json as { identifier: string }).identifier, threshold: 3, shares: 5, created: TIME },
    });
    // No share is kept.
    const kept = JSON.stringify(contentOf(admin.home));
    for (const share of (json as { shares: string[] }).shares) expect(kept).not.toContain(share);
  });

  test("as text: standard output has the shares", async () => {
    const admin = await withAccount(filePortal());
    const outcome = await admin.text("escrow split --shares 3 --threshold 2");
    expect(outcome.status).toBe(0);
    expect(outcome.stdout.match(/\bS[A-Z2-7]{3}(-[A-Z2-7]{1,4}){6,}/g)).toHaveLength(3);
    expect(outcome.stderr).not.toMatch(/\bS[A-Z2-7]{3}(-[A-Z2-7]{1,4}){6,}/);
  });

  test("--out: private files, and no share on standard output", async () => {
    const admin = await withAccount(filePortal());
    const outcome = await admin.ok("escrow split --shares 3 --threshold 2 --out shares");
    const folder = path.join(admin.folder, "shares");
    expect(outcome.json).toEqual({
      identifier: UDF,
      threshold: 2,
      shares: [1, 2, 3].map((index) => path.join(folder, `share-${index}-of-3.txt`)),
    });
    expect(modesOf(folder)).toEqual({
      "entry.json": "600",
      "share-1-of-3.txt": "600",
      "share-2-of-3.txt": "600",
      "share-3-of-3.txt": "600",
    });
    expect(fs.statSync(folder).mode & 0o777).toBe(0o700);
    expect(outcome.stdout + outcome.stderr).not.toMatch(/\bS[A-Z2-7]{3}(-[A-Z2-7]{1,4}){6,}/);
    await admin.ok("escrow verify", ...shareFiles(admin, 1, 3));
    // Files that are there are never replaced, and nothing is published for a split that cannot be kept.
    const before = contentOf(admin.folder);
    expect(await admin.run("escrow split --shares 3 --threshold 2 --out shares")).toMatchObject({
      status: 5,
      code: "file-exists",
    });
    expect(contentOf(admin.folder)).toEqual(before);
    // Into another folder, and into one that is there but empty.
    fs.mkdirSync(path.join(admin.folder, "empty"), { mode: 0o700 });
    await admin.ok("escrow split --shares 3 --threshold 2 --out empty");
    put(admin, "file", "");
    expect(await admin.run("escrow split --shares 3 --threshold 2 --out file")).toMatchObject({ status: 5 });
    expect(await admin.run("escrow split --shares 3 --threshold 2 --out", "")).toMatchObject({ status: 2 });
  });

  test("--erase-master", async () => {
    const admin = await withAccount(filePortal());
    await admin.ok("escrow split --shares 3 --threshold 2 --out shares --erase-master");
    expect(await masterKeys(admin)).toEqual([]);
    const again = await admin.run("escrow split --shares 3 --threshold 2 --out again");
    expect(again).toMatchObject({ status: 5, code: "master-key-needed" });
    expect(fs.existsSync(path.join(admin.folder, "again"))).toBe(false);
    // All else goes on.
    await connected(admin);
    await admin.ok("escrow verify", ...shareFiles(admin, 1, 2));
  });

  test("--erase-master erases nothing where the shares cannot leave", async () => {
    const admin = await withAccount(filePortal());
    const deaf = admin.with({
      deps: {
        stdout: {
          isTTY: false,
          write: async () => {
            throw Object.assign(new Error("EPIPE"), { code: "EPIPE", syscall: "write" });
          },
        },
      },
    });
    expect((await deaf.text("escrow split --shares 3 --threshold 2 --erase-master")).status).toBe(1);
    expect(await masterKeys(admin)).toEqual(["master-escrow", "master-signature"]);
  });

  test("what fails behind the printed shares is said on standard error: standard output has one document", async () => {
    const admin = await withAccount(filePortal());
    const deps = testDeps();
    let printed = "";
    const status = await main(
      ["escrow", "split", "--shares", "3", "--threshold", "2", "--erase-master", "--json", "--home", admin.home],
      {
        ...deps,
        stdout: { isTTY: false, write: async (text) => void (printed += text) },
        fs: {
          ...deps.fs,
          create: (name, mode) => {
            if (printed !== "") throw Object.assign(new Error("ENOSPC"), { code: "ENOSPC", syscall: "open" });
            return deps.fs.create(name, mode);
          },
        },
      },
    );
    expect(status).toBe(1);
    expect(JSON.parse(printed)).toMatchObject({ threshold: 2, shares: [SHARE, SHARE, SHARE] });
    expect(deps.stderrText()).toMatch(/^error: /m);
    expect(await masterKeys(admin)).toEqual(["master-escrow", "master-signature"]);
  });

  test("numbers that make no sense", async () => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    const before = wire.seen.length;
    for (const [shares, threshold] of [
      [1, 1],
      [3, 1],
      [3, 0],
      [2, 3],
      [33, 2],
      [0, 0],
    ] as const) {
      const outcome = await admin.run(`escrow split --shares ${shares} --threshold ${threshold} --out shares`);
      expect([shares, threshold, outcome]).toMatchObject([shares, threshold, { status: 2, code: "usage" }]);
    }
    expect(wire.seen.length).toBe(before);
    expect(fs.existsSync(path.join(admin.folder, "shares"))).toBe(false);
  });

  test("2 of 2, and 32 of 32", async () => {
    const admin = await withAccount(filePortal());
    for (const [count, threshold] of [
      [2, 2],
      [32, 32],
    ] as const) {
      const shares = await sharesOf(admin, count, threshold);
      expect(shares).toHaveLength(count);
      expect((await admin.with({ stdin: lines(shares) }).ok("escrow verify")).json).toMatchObject({ threshold });
    }
  });

  test("needs an account and an administration device", async () => {
    const alone = machine();
    await alone.ok("profile create --no-passphrase");
    expect(await alone.run("escrow split --shares 3 --threshold 2")).toMatchObject({
      status: 3,
      code: "account-not-found",
    });
    expect(await machine().run("escrow split --shares 3 --threshold 2")).toMatchObject({ status: 3 });
  });

  test("the entry is proved to be at the portal", async () => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    wire.intercept = async ({ transaction, message, forward }) => {
      const isEntry = transaction === "Publish" && "OfflineEscrowEntry" in (message["Entry"] as object);
      if (!isEntry) return forward();
      // It says that it has it, and has it not.
      return {
        status: 200,
        headers: {},
        body: Buffer.from('{"Publish":{"PublishResponse":{"Status":201}}}'),
      };
    };
    const outcome = await admin.run("escrow split --shares 3 --threshold 2 --out shares --erase-master");
    expect(outcome.status).not.toBe(0);
    expect(await masterKeys(admin)).toEqual(["master-escrow", "master-signature"]);
    expect(fs.existsSync(path.join(admin.folder, "shares", "share-1-of-3.txt"))).toBe(false);
    expect((await admin.ok("status")).json).toMatchObject({ recovery: null });
  });

  test("two splits: each set works, and they do not mix", async () => {
    const admin = await withAccount(filePortal());
    const [one, two] = [await sharesOf(admin), await sharesOf(admin)];
    for (const shares of [one, two]) {
      await admin.with({ stdin: lines(shares.slice(1)) }).ok("escrow verify");
    }
    expect(await admin.with({ stdin: lines([one[0]!, two[1]!]) }).run("escrow verify")).toMatchObject({
      status: 7,
      code: "share-mixed",
    });
  });
});

describe("escrow verify", () => {
  test("by files, standard input and prompts", async () => {
    const admin = await withAccount(filePortal());
    await admin.ok("escrow split --shares 3 --threshold 2 --out shares");
    const shares = [1, 2, 3].map((index) =>
      fs.readFileSync(shareFile(admin, index), "utf8").trimEnd().split("\n").at(-1)!,
    );
    const expected = {
      identifier: UDF,
      threshold: 2,
      profile: { udf: await udfOf(admin) },
      keys: [UDF, UDF],
    };
    const before = contentOf(admin.home);
    expect((await admin.ok("escrow verify", ...shareFiles(admin, 3, 1))).json).toEqual(expected);
    const piped = admin.with({ stdin: `# from the safe\r\n\r\n${shares[1]!}\r\n  ${shares[2]!.toLowerCase()}  ` });
    expect((await piped.ok("escrow verify")).json).toEqual(expected);
    // Case, dashes and spaces do not matter; a wrong one is refused at once, and the same one again too.
    const loose = shares[1]!.toLowerCase().replaceAll("-", " ");
    const typing = admin.with({ tty: true, prompts: ["nonsense", shares[0]!, shares[0]!, `${loose}a`, loose] });
    const typed = await typing.ok("escrow verify");
    expect(typed.json).toEqual(expected);
    expect(typed.asked).toHaveLength(8);
    for (const text of [...typed.asked, typed.stderr, typed.stdout])
      expect(text).not.toContain(shares[0]!.slice(10, 24));
    // More than enough are welcome.
    expect((await admin.ok("escrow verify", ...shareFiles(admin, 1, 2, 3))).json).toEqual(expected);
    // Without the portal.
    expect((await admin.ok("escrow verify", ...shareFiles(admin, 1, 2), ...entryFile(admin))).json).toEqual(expected);
    expect(contentOf(admin.home)).toEqual(before);
    expect(await admin.text("escrow verify", ...shareFiles(admin, 1, 2))).toMatchObject({ status: 0, stderr: "" });
  });

  test("--expect-fingerprint", async () => {
    const admin = await withAccount(filePortal());
    const [one, two] = await sharesOf(admin);
    const given = admin.with({ stdin: lines([one!, two!]) });
    await given.ok("escrow verify --expect-fingerprint", await udfOf(admin));
    expect(await given.run("escrow verify --expect-fingerprint MDDK-7N6A-727A-JZNO-STRX-XKS7-DJAF")).toMatchObject({
      status: 7,
      code: "fingerprint-mismatch",
    });
    expect(await given.run("escrow verify --expect-fingerprint x")).toMatchObject({ status: 2 });
  });

  test("wrong, doubled, mixed, too few", async () => {
    const admin = await withAccount(filePortal());
    const [one, two, three] = (await sharesOf(admin, 3, 3)) as [string, string, string];
    const [other] = (await sharesOf(admin, 3, 3)) as [string];
    const [small] = (await sharesOf(admin, 3, 2)) as [string];
    const spoiled = one.replace(/[A-Z2-7]$/, (letter) => (letter === "Q" ? "A" : "Q"));
    const swapped = `${one.slice(0, 10)}${one[11]!}${one[10]!}${one.slice(12)}`;
    for (const [given, code] of [
      [[], "share-missing"],
      [[one], "share-missing"],
      [[one, two], "share-missing"],
      [[one, two, two], "share-duplicate"],
      [[one, one, one], "share-duplicate"],
      [[one, two, other], "share-mixed"],
      [[one, two, small], "share-mixed"],
      [[spoiled, two, three], "share-checksum"],
      ...(swapped === one ? [] : [[[swapped, two, three], "share-checksum"]]),
      [[one.slice(0, -4), two, three], "share-checksum"],
      [[`${one}AAAA`, two, three], "share-checksum"],
      [["", one, "hello world", two, three], "share-checksum"],
    ] as [string[], string][]) {
      const outcome = await admin.with({ stdin: lines(given) }).run("escrow verify");
      expect([given.length, outcome.status, outcome.code]).toEqual([given.length, 7, code]);
      // What was given never comes back.
      for (const share of given.filter((text) => text.length > 20)) {
        expect(outcome.stdout + outcome.stderr).not.toContain(share.slice(15, 30));
      }
    }
    await admin.with({ stdin: lines([three, one, two]) }).ok("escrow verify");
  });

  test("files that are none", async () => {
    const admin = await withAccount(filePortal());
    await admin.ok("escrow split --shares 3 --threshold 2 --out shares");
    put(admin, "empty", "");
    put(admin, "large", "A".repeat(5000));
    put(admin, "garbage.json", "{");
    for (const [words, status, code] of [
      [["--share-file", "nowhere"], 2, "file-unreadable"],
      [["--share-file", admin.folder], 2, "file-unreadable"],
      [["--share-file", "empty"], 7, "share-missing"],
      [["--share-file", "large"], 5, "too-large"],
      [[...shareFiles(admin, 1, 2), "--entry-file", "nowhere"], 2, "file-unreadable"],
      [[...shareFiles(admin, 1, 2), "--entry-file", "garbage.json"], 7, "json-invalid"],
    ] as const) {
      expect([words, await admin.run("escrow verify", ...words)]).toMatchObject([words, { status, code }]);
    }
  });

  test("an entry that was changed", async () => {
    const admin = await withAccount(filePortal());
    await admin.ok("escrow split --shares 3 --threshold 2 --out shares");
    const text = fs.readFileSync(path.join(admin.folder, "shares", "entry.json"), "utf8");
    const entry = JSON.parse(text) as { OfflineEscrowEntry: { EncryptedData: { ciphertext: string } } };
    const { EncryptedData } = entry.OfflineEscrowEntry;
    EncryptedData.ciphertext = `${EncryptedData.ciphertext.startsWith("A") ? "B" : "A"}${EncryptedData.ciphertext.slice(1)}`;
    put(admin, "changed.json", JSON.stringify(entry));
    expect(await admin.run("escrow verify --entry-file changed.json", ...shareFiles(admin, 1, 2))).toMatchObject({
      status: 7,
      code: "decryption-failed",
    });
  });

  test("no place to look is said before a share is read", async () => {
    for (const command of ["escrow verify", "escrow recover --no-passphrase"]) {
      let read = 0;
      const nowhere = machine({
        deps: {
          readStdin: async () => {
            read++;
            return Buffer.alloc(0);
          },
        },
      });
      const outcome = await nowhere.run(command);
      expect(outcome).toMatchObject({ status: 2, code: "input-required" });
      expect(outcome.at("error", "hint")).toMatch(/--account.*--portal.*--entry-file/);
      expect(await nowhere.with({ tty: true, prompts: [] }).run(command)).toMatchObject({ status: 2, asked: [] });
      expect(await nowhere.run(command, "--share-file", "nowhere")).toMatchObject({
        status: 2,
        code: "input-required",
      });
      expect(read).toBe(0);
      expect(fs.existsSync(nowhere.home)).toBe(false);
    }
  });

  test("no terminal is said in a script that pipes nothing", async () => {
    const admin = await withAccount(filePortal());
    expect(await admin.with({ tty: true, env: { CI: "true" } }).run("escrow verify")).toMatchObject({
      status: 2,
      code: "input-required",
      asked: [],
    });
    expect(await admin.run("escrow verify")).toMatchObject({ status: 7, code: "share-missing" });
  });
});

describe("escrow recover in a new home", () => {
  test("a new epoch with this machine as its only administrator", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    const udf = await udfOf(admin);
    const phone = await connected(admin);
    const [one, , three] = await sharesOf(admin, 3, 2, "--erase-master");
    const laptopUdf = (await admin.ok("profile show")).at("device", "udf");
    const phoneUdf = (await phone.ok("profile show")).at("device", "udf");

    const desktop = machine({ stdin: lines([three!, one!]) });
    const outcome = await desktop.ok(RECOVER, "--account", "alice@example.com", "--portal", portal);
    expect(outcome.json).toEqual({
      identifier: UDF,
      threshold: 2,
      profile: { udf },
      keys: [UDF, UDF],
      device: { udf: UDF, name: "desktop" },
      devices: [
        { udf: laptopUdf, name: "laptop" },
        { udf: phoneUdf, name: "phone" },
      ],
      masterSequence: 2,
      published: true,
      applications: [],
    });
    expect(await version(desktop)).toEqual([2, 1]);
    expect((await desktop.ok("status")).json).toMatchObject({
      profile: { udf, name: "default" },
      connected: true,
      admin: true,
      portal: { account: "alice@example.com" },
      recovery: { threshold: 2 },
      pendingWork: [],
    });
    expect(await masterKeys(desktop)).toEqual(["master-escrow", "master-signature"]);
    // The others stay connected, but rule no more.
    expect((await phone.ok("device status")).json).toEqual({ status: "accepted", expires: null });
    expect((await admin.ok("device status")).json).toEqual({ status: "accepted", expires: null });
    for (const line of ["device pending", "device remove phone", "account create other@example.com"]) {
      expect([line, await admin.run(line)]).toMatchObject([line, { status: 5, code: "not-administrator" }]);
    }
    // The new one can do everything.
    await connected(desktop, "tablet");
    await desktop.ok("device remove", laptopUdf);
    expect((await admin.run("device status")).json).toEqual({ status: "removed", expires: null });
    expect((await desktop.ok("profile verify")).json).toMatchObject({ ok: true });
    await desktop.ok("escrow split --shares 2 --threshold 2");
  });

  test("the text lists the other devices, each with the command that removes it", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    const udf = (await admin.ok("profile show")).at("device", "udf");
    const shares = await sharesOf(admin);
    const outcome = await machine({ stdin: lines(shares) }).text(RECOVER, "--portal", portal);
    expect(outcome.status).toBe(0);
    expect(outcome.stdout + outcome.stderr).toContain(`meshman device remove ${udf}`);
  });

  test("--drop-devices", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    const phone = await connected(admin);
    const desktop = machine({ stdin: lines(await sharesOf(admin)) });
    expect(
      (await desktop.ok(RECOVER, "--drop-devices --portal".split(" ")[0]!, "--portal", portal)).json,
    ).toMatchObject({
      devices: [],
    });
    expect((await desktop.ok("device list")).json).toMatchObject({ devices: [{ name: "desktop" }] });
    for (const one of [admin, phone]) {
      expect(await one.run("device status")).toMatchObject({ status: 5, json: { status: "removed" } });
    }
  });

  test("with the entry file alone, where no portal can be reached: later with the portal", async () => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    await admin.ok("escrow split --shares 3 --threshold 2 --out shares");
    const udf = await udfOf(admin);
    await wire.stop();
    const desktop = machine();
    const words = [...entryFile(admin), ...shareFiles(admin, 1, 2)];
    const offline = await desktop.ok(RECOVER, ...words);
    expect(offline.json).toMatchObject({ profile: { udf }, published: false });
    expect((await desktop.ok("status")).json).toMatchObject({
      pendingWork: [{ kind: "recover", since: TIME, command: expect.any(String) }],
    });
    await wire.restart();
    // Until it is finished, it administers nothing.
    const early = await desktop.run("device pending");
    expect(early.status).toBe(5);
    const again = await desktop.ok(RECOVER, ...words);
    expect(again.json).toMatchObject({
      device: { udf: offline.at("device", "udf") },
      published: true,
      devices: [{ name: "laptop" }],
    });
    expect((await desktop.ok("status")).json).toMatchObject({ pendingWork: [], admin: true });
    expect(await version(desktop)).toEqual([2, 1]);
    await connected(desktop);
  });

  test("above everything that any portal has", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    const old = await sharesOf(admin);
    await connected(admin, "desk", ["--admin"]);
    await admin.ok("device remove desk");
    expect(await version(admin)).toEqual([3, 1]);
    // The shares are from before: the entry still says 1.
    const desktop = machine({ stdin: lines(old) });
    expect((await desktop.ok(RECOVER, "--portal", portal)).json).toMatchObject({ masterSequence: 4 });
    expect(await version(desktop)).toEqual([4, 1]);
    expect(await admin.run("device pending")).toMatchObject({ status: 5, code: "not-administrator" });
  });

  test("twice, on two machines: the later one rules", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    const shares = await sharesOf(admin);
    const [first, second] = [machine({ stdin: lines(shares) }), machine({ stdin: lines(shares) })];
    await first.ok(RECOVER, "--portal", portal);
    expect((await second.ok(RECOVER, "--portal", portal)).json).toMatchObject({ masterSequence: 3 });
    expect(await first.run("device pending")).toMatchObject({ status: 5, code: "not-administrator" });
    expect((await second.ok("device pending")).json).toEqual({ pending: [] });
  });

  test("again on the same machine: the master keys alone, and nothing is published", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    const desktop = machine({ stdin: lines(await sharesOf(admin)) });
    const first = await desktop.ok(RECOVER, "--portal", portal);
    const again = await desktop.ok(RECOVER, "--portal", portal);
    expect(again.at("device", "udf")).toBe(first.at("device", "udf"));
    expect(await version(desktop)).toEqual([2, 1]);
  });

  test("names", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    const shares = lines(await sharesOf(admin));
    const home = machine({ stdin: shares });
    await home.ok("profile create --no-passphrase");
    const before = contentOf(home.home);
    expect(await home.run(RECOVER, "--portal", portal, "--name", "default")).toMatchObject({
      status: 5,
      code: "profile-exists",
    });
    expect(contentOf(home.home)).toEqual(before);
    for (const name of ["", "x".repeat(65)]) {
      expect(await home.run(RECOVER, "--portal", portal, "--name", name)).toMatchObject({ status: 2, code: "usage" });
    }
    await home.ok(RECOVER, "--portal", portal, "--name", "found");
    expect((await home.ok("profile list")).json).toMatchObject({
      profiles: [
        { name: "default", default: true },
        { name: "found", default: false },
      ],
    });
    expect((await home.ok("device list --profile found")).json).toMatchObject({ devices: [{}, { name: "desktop" }] });
    // Without a name there is one all the same.
    const other = machine({ stdin: shares });
    await other.ok("profile create --no-passphrase");
    await other.ok(RECOVER, "--portal", portal);
    expect(((await other.ok("profile list")).json as { profiles: object[] }).profiles).toHaveLength(2);
  });

  test("with a passphrase", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    const desktop = machine({ stdin: lines(await sharesOf(admin)) });
    expect(await desktop.run("escrow recover --portal", portal)).toMatchObject({ status: 2, code: "input-required" });
    expect(fs.existsSync(desktop.home)).toBe(false);
    expect(await version(admin)).toEqual([1, 2]);
    const secret = put(desktop, "secret", "correct horse battery");
    await desktop.ok("escrow recover --portal", portal, "--passphrase-file", secret);
    expect((await desktop.ok("keystore status")).json).toMatchObject({ protection: "passphrase" });
  });

  test("shares of another profile than the expected one: nothing is made", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    const desktop = machine({ stdin: lines(await sharesOf(admin)) });
    const expected = ["--expect-fingerprint", "MDDK-7N6A-727A-JZNO-STRX-XKS7-DJAF"];
    expect(await desktop.run(RECOVER, "--portal", portal, ...expected)).toMatchObject({
      status: 7,
      code: "fingerprint-mismatch",
    });
    expect(fs.existsSync(desktop.home)).toBe(false);
  });

  test("shares of bob under the account of alice", async () => {
    const portal = filePortal();
    const alice = await withAccount(portal);
    const bob = await withAccount(portal, "bob@example.com");
    const desktop = machine({ stdin: lines(await sharesOf(bob)) });
    const outcome = await desktop.run(RECOVER, "--account", "alice@example.com", "--portal", portal);
    expect(outcome).toMatchObject({ status: 7, code: "fingerprint-mismatch" });
    expect(fs.existsSync(desktop.home)).toBe(false);
    expect(await version(alice)).toEqual([1, 2]);
    expect(await version(bob, "bob@example.com")).toEqual([1, 2]);
  });

  test("a portal that does not have the entry", async () => {
    const admin = await withAccount(filePortal());
    const desktop = machine({ stdin: lines(await sharesOf(admin)) });
    const outcome = await desktop.run(RECOVER, "--portal", filePortal());
    expect(outcome).toMatchObject({ status: 3, code: "record-not-found" });
    expect(outcome.at("error", "hint")).toContain("--entry-file");
    expect(fs.existsSync(desktop.home)).toBe(false);
  });

  test("both accounts at two portals get the new epoch", async () => {
    const [one, two] = [await openWire(), await openWire()];
    const admin = await withAccount(one.url);
    await admin.ok("account create alice@example.org --portal", two.url);
    await admin.ok("escrow split --shares 3 --threshold 2 --out shares");
    const desktop = machine();
    await desktop.ok(RECOVER, ...entryFile(admin), ...shareFiles(admin, 1, 2));
    for (const account of ["alice@example.com", "alice@example.org"]) {
      expect(await version(desktop, account)).toEqual([2, 1]);
    }
    expect((await desktop.ok("account list")).json).toMatchObject({
      accounts: [
        { account: "alice@example.com", portal: one.url },
        { account: "alice@example.org", portal: two.url },
      ],
    });
  });

  test.each(["Publish", "before Publish"])("interrupted at %s: again finishes with the same keys", async (when) => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    await admin.ok("escrow split --shares 3 --threshold 2 --out shares --erase-master");
    const desktop = machine();
    const words = ["--account", "alice@example.com", "--portal", wire.url, ...shareFiles(admin, 1, 2)];
    wire.intercept = async ({ transaction, forward }) => {
      if (transaction !== "Publish") return forward();
      if (when === "Publish") await forward();
      return "drop";
    };
    expect((await desktop.run(RECOVER, ...words)).status).toBe(6);
    const kids = (await desktop.ok("keystore status")).json as { keys: { udf: string }[] };
    expect(kids.keys).toHaveLength(6);
    expect((await desktop.ok("status")).json).toMatchObject({ pendingWork: [{ kind: "recover" }] });
    wire.intercept = undefined;
    expect((await desktop.ok(RECOVER, ...words)).json).toMatchObject({ masterSequence: 2, published: true });
    expect(await version(desktop)).toEqual([2, 1]);
    expect((await desktop.ok("keystore status")).json).toMatchObject({ keys: kids.keys.map(({ udf }) => ({ udf })) });
    expect((await desktop.ok("status")).json).toMatchObject({ pendingWork: [], admin: true, connected: true });
    await connected(desktop);
  });

  test("another device changes the profile meanwhile: the epoch is made on top of it", async () => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    const phone = await connected(admin);
    const desktop = machine({ stdin: lines(await sharesOf(admin)) });
    let done = false;
    wire.intercept = async ({ transaction, forward }) => {
      if (transaction === "Publish" && !done) {
        done = true;
        await admin.ok("device remove phone");
      }
      return forward();
    };
    const outcome = await desktop.ok(RECOVER, "--portal", wire.url);
    wire.intercept = undefined;
    expect(done).toBe(true);
    expect(outcome.json).toMatchObject({ masterSequence: 2, published: true });
    // A recovery supersedes every branch of the epoch before; but what was removed stays removed, or is listed.
    expect(await admin.run("device pending")).toMatchObject({ status: 5, code: "not-administrator" });
    const listed = (await phone.run("device status")).json as { status: string };
    const { devices } = outcome.json as { devices: { name: string }[] };
    expect(devices.some(({ name }) => name === "phone")).toBe(listed.status === "accepted");
  });

  test("the portal lost the account: it is made again", async () => {
    const [lost, fresh] = [await openWire(), await openWire()];
    const admin = await withAccount(lost.url);
    await admin.ok("escrow split --shares 3 --threshold 2 --out shares");
    await lost.stop();
    const desktop = machine();
    const words = [...entryFile(admin), ...shareFiles(admin, 1, 2), "--portal", fresh.url];
    expect((await desktop.ok(RECOVER, ...words)).json).toMatchObject({ published: true });
    expect((await desktop.ok("account list")).json).toMatchObject({
      accounts: [{ account: "alice@example.com", portal: fresh.url }],
    });
    expect(await version(desktop)).toEqual([2, 1]);
    await connected(desktop);
  });
});

describe("escrow recover in a home that has the profile", () => {
  test("restores the master keys and nothing else", async () => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    await admin.ok("escrow split --shares 3 --threshold 2 --out shares --erase-master");
    const before = await version(admin);
    const published = wire.seen.filter((name) => name === "Publish").length;
    const outcome = await admin.ok(RECOVER, ...shareFiles(admin, 1, 2));
    expect(outcome.json).toMatchObject({ threshold: 2, keys: [UDF, UDF], device: { name: "laptop" } });
    expect(await masterKeys(admin)).toEqual(["master-escrow", "master-signature"]);
    expect(await version(admin)).toEqual(before);
    expect(wire.seen.filter((name) => name === "Publish")).toHaveLength(published);
    // Now an administrator can be made again.
    await connected(admin, "desk", ["--admin"]);
  });

  test("from the entry file, without the portal", async () => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    await admin.ok("escrow split --shares 3 --threshold 2 --out shares --erase-master");
    await wire.stop();
    await admin.ok(RECOVER, ...entryFile(admin), ...shareFiles(admin, 1, 2));
    expect(await masterKeys(admin)).toEqual(["master-escrow", "master-signature"]);
  });

  test("--new-epoch: this device becomes the only administrator", async () => {
    const admin = await withAccount(filePortal());
    const phone = await connected(admin);
    const desk = await connected(admin, "desk", ["--admin"]);
    await desk.ok("device pending");
    await admin.ok("escrow split --shares 3 --threshold 2 --out shares --erase-master");
    const udf = (await phone.ok("profile show")).at("device", "udf");
    await phone.ok("device list");
    const outcome = await phone.ok(`${RECOVER} --new-epoch`, ...shareFiles(admin, 1, 2));
    expect(outcome.json).toMatchObject({ masterSequence: 3, published: true });
    for (const one of [admin, desk]) {
      expect(await one.run("device pending")).toMatchObject({ status: 5, code: "not-administrator" });
    }
    expect((await phone.ok("device pending")).json).toEqual({ pending: [] });
    // It was connected, so it stays the device that it was.
    expect(outcome.at("device", "udf")).toBe(udf);
    expect((await phone.ok("device list")).json).toMatchObject({
      devices: [
        { name: "laptop", admin: false },
        { name: "desk", admin: false },
        { name: "phone", admin: true, current: true },
      ],
    });
  });

  test("--new-epoch --drop-devices on the administrator itself", async () => {
    const admin = await withAccount(filePortal());
    const phone = await connected(admin);
    await admin.ok("escrow split --shares 3 --threshold 2 --out shares --erase-master");
    await admin.ok(`${RECOVER} --new-epoch --drop-devices`, ...shareFiles(admin, 1, 2));
    expect(await version(admin)).toEqual([2, 1]);
    expect((await admin.ok("device list")).json).toMatchObject({ devices: [{ name: "laptop", admin: true }] });
    expect((await phone.run("device status")).json).toEqual({ status: "removed", expires: null });
  });

  test("a removed device recovers its own profile", async () => {
    const admin = await withAccount(filePortal());
    const desk = await connected(admin, "desk", ["--admin"]);
    await desk.ok("device pending");
    await admin.ok("escrow split --shares 3 --threshold 2 --out shares");
    await admin.ok("device remove desk");
    await desk.run("device status");
    const outcome = await desk.ok(`${RECOVER} --new-epoch`, ...shareFiles(admin, 1, 2));
    expect(outcome.json).toMatchObject({ published: true });
    expect((await desk.ok("device pending")).json).toEqual({ pending: [] });
    expect(await admin.run("device pending")).toMatchObject({ status: 5, code: "not-administrator" });
  });
});

test("a portal that refuses the entry for good: nothing is lost", async () => {
  const wire = await openWire({ logless: true });
  const admin = await withAccount(wire.url);
  wire.intercept = ({ transaction, forward }) => (transaction === "Publish" ? refusal(403) : forward());
  expect(await admin.run("escrow split --shares 3 --threshold 2 --out shares --erase-master")).toMatchObject({
    status: 5,
    code: "refused",
  });
  expect(await masterKeys(admin)).toEqual(["master-escrow", "master-signature"]);
  expect(fs.existsSync(path.join(admin.folder, "shares"))).toBe(false);
});
