import { X509Certificate } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
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
  udfOf,
  withAccount,
} from "../support/cli.js";
import { openWire } from "../support/wire.js";

describe("profile create", () => {
  test("makes keys and nothing else, and says what it made", async () => {
    const admin = machine();
    const { json } = await admin.ok("profile create --name work --device-name laptop --no-passphrase");
    expect(json).toEqual({
      profile: { udf: UDF, name: "work" },
      device: { udf: UDF, name: "laptop", admin: true },
    });
    const modes = modesOf(path.dirname(admin.home));
    for (const [name, mode] of Object.entries(modes)) {
      const stat = fs.statSync(path.join(path.dirname(admin.home), name));
      expect([name, mode]).toEqual([name, stat.isDirectory() ? "700" : "600"]);
    }
    expect((await admin.ok("status")).json).toMatchObject({
      profile: { name: "work", masterSequence: 1, sequence: 1, revoked: null },
      connected: true,
      admin: true,
      portal: null,
      recovery: null,
      pendingWork: [],
    });
  });

  test("is called default, and its device after the host, where nobody says otherwise", async () => {
    const admin = machine({ deps: { hostname: "carrot.example.com" } });
    expect((await admin.ok("profile create --no-passphrase")).json).toMatchObject({
      profile: { name: "default" },
      device: { name: "carrot" },
    });
  });

  test("a taken name", async () => {
    const admin = machine();
    await admin.ok("profile create --no-passphrase");
    const before = contentOf(admin.home);
    for (const line of ["profile create --no-passphrase", "profile create --no-passphrase --name default"]) {
      expect(await admin.run(line)).toMatchObject({ status: 5, code: "profile-exists" });
    }
    expect(contentOf(admin.home)).toEqual(before);
  });

  test.each([
    ["", "laptop"],
    ["   ", "laptop"],
    ["x".repeat(65), "laptop"],
    ["two\nlines", "laptop"],
    ["MDDK-7N6A-727A-JZNO-STRX-XKS7-DJAF", "laptop"],
    ["mddk-7n6a-727a-jzno-strx-xks7-djaf", "laptop"],
    ["work", ""],
    ["work", "x".repeat(65)],
    ["work", "a\u202eb"],
    ["work", "MDDK-7N6A-727A-JZNO-STRX-XKS7-DJAF"],
  ])("the names %j and %j are refused before anything is made", async (name, device) => {
    const admin = machine();
    const outcome = await admin.run("profile create --no-passphrase --name", name, "--device-name", device);
    expect(outcome).toMatchObject({ status: 2, code: "usage" });
    expect(fs.existsSync(admin.home)).toBe(false);
  });

  test("names are kept in one spelling", async () => {
    const admin = machine();
    const made = await admin.ok(
      "profile create --no-passphrase --name",
      " cafe\u0301 ",
      "--device-name",
      "ku\u0308che",
    );
    expect(made.json).toMatchObject({ profile: { name: "caf\u00e9" }, device: { name: "k\u00fcche" } });
    for (const spelling of ["caf\u00e9", "cafe\u0301"]) {
      expect((await admin.ok("profile show --profile", spelling)).json).toMatchObject({
        profile: { name: "caf\u00e9" },
      });
    }
  });

  test("two at once on one home: both are there", async () => {
    const admin = machine();
    const names = ["one", "two", "three", "four"];
    await Promise.all(names.map((name) => admin.ok("profile create --no-passphrase --name", name)));
    const { json } = await admin.ok("profile list");
    const { profiles } = json as { profiles: { name: string }[] };
    expect(profiles.map(({ name }) => name).sort()).toEqual([...names].sort());
    expect((await admin.ok("keystore status")).json).toMatchObject({ protection: "key-file" });
  });

  test("two of one name at once: one of them wins", async () => {
    const admin = machine();
    const outcomes = await Promise.all([1, 2, 3].map(() => admin.run("profile create --no-passphrase")));
    expect(outcomes.map(({ status }) => status).sort()).toEqual([0, 5, 5]);
    const { json } = await admin.ok("keystore status");
    expect((json as { keys: object[] }).keys).toHaveLength(6);
  });

  test("as text", async () => {
    const admin = machine();
    const outcome = await admin.text("profile create --no-passphrase --device-name laptop");
    expect(outcome).toMatchObject({ status: 0, stderr: "" });
    expect(outcome.stdout).toContain(await udfOf(admin));
  });
});

describe("profile show, list and use", () => {
  test("show", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    const udf = await udfOf(admin);
    expect((await admin.ok("profile show")).json).toEqual({
      profile: { udf, name: "default", masterSequence: 1, sequence: 2, updated: TIME, gap: false },
      device: { udf: UDF, name: "laptop", admin: true, connected: true },
      accounts: [{ account: "alice@example.com", portal }],
      administrators: [{ udf: UDF, name: "laptop" }],
      revoked: null,
    });
    const text = await admin.text("profile show");
    expect(text).toMatchObject({ status: 0 });
    // The whole command to paste on another device.
    expect(text.stdout + text.stderr).toContain(`meshman device connect alice@example.com`);
    expect(text.stdout + text.stderr).toContain(`--expect-fingerprint ${udf}`);
  });

  test("a device that waits", async () => {
    const { device } = await asking(await withAccount(filePortal()));
    expect((await device.ok("profile show")).json).toMatchObject({
      device: { name: null, admin: false, connected: false },
      accounts: [],
      administrators: [{ name: "laptop" }],
    });
  });

  test("nothing there", async () => {
    const empty = machine();
    for (const line of [
      ...["profile show", "profile verify", "profile export", "device list", "device show", "device status"],
      ...["device pending", "device complete MAUQ-2VXH-NR5A-TZC3-J3KD", "device remove phone", "account status"],
      ...["account create alice@example.com --portal local", "escrow split --shares 3 --threshold 2"],
      ...["profile use work", "profile delete", "profile delete work --confirm work", "profile revocation --out note"],
      ...["account delete alice@example.com --confirm alice@example.com", "profile show --profile work"],
    ]) {
      expect([line, await empty.run(line)]).toMatchObject([line, { status: 3, code: "profile-not-found" }]);
    }
    expect((await empty.ok("profile list")).json).toEqual({ profiles: [] });
    expect((await empty.ok("account list")).json).toEqual({ accounts: [] });
    expect((await empty.ok("status")).json).toEqual({
      profile: null,
      device: null,
      connected: false,
      admin: false,
      keystore: null,
      portal: null,
      recovery: null,
      pendingWork: [],
    });
    expect((await empty.ok("keystore status")).json).toMatchObject({ exists: false, protection: null, keys: [] });
    // Looking makes nothing.
    expect(fs.existsSync(empty.home)).toBe(false);
  });

  test("the first one is the default, until another is chosen", async () => {
    const admin = machine();
    const udfs: Record<string, string> = {};
    for (const name of ["one", "two", "three"]) {
      udfs[name] = (await admin.ok("profile create --no-passphrase --name", name)).at("profile", "udf");
    }
    const defaults = async (): Promise<unknown> => {
      const { profiles } = (await admin.ok("profile list")).json as { profiles: { name: string; default: boolean }[] };
      return profiles.map((profile) => [profile.name, profile.default]);
    };
    expect((await admin.ok("profile list")).json).toEqual({
      profiles: ["one", "two", "three"].map((name) => ({
        udf: udfs[name],
        name,
        default: name === "one",
        accounts: [],
      })),
    });
    expect((await admin.ok("profile use two")).json).toEqual({ profile: { udf: udfs["two"], name: "two" } });
    expect(await defaults()).toEqual([
      ["one", false],
      ["two", true],
      ["three", false],
    ]);
    expect((await admin.ok("profile show")).at("profile", "name")).toBe("two");
    // By fingerprint, in any spelling.
    await admin.ok("profile use", udfs["three"]!.toLowerCase().replaceAll("-", ""));
    expect((await admin.ok("profile show")).at("profile", "name")).toBe("three");
    expect((await admin.ok("profile show --profile", udfs["one"]!)).at("profile", "name")).toBe("one");
    expect(await admin.run("profile use four")).toMatchObject({ status: 3, code: "profile-not-found" });
    expect(await admin.run("profile show --profile four")).toMatchObject({ status: 3, code: "profile-not-found" });
    for (const line of ["profile list", "profile use one"]) {
      expect(await admin.text(line)).toMatchObject({ status: 0, stderr: "" });
    }
  });

  test("the profile is found by its account", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    await admin.ok("profile create --no-passphrase --name work --device-name desk");
    await admin.ok("account create bob@example.com --profile work --portal", portal);
    for (const words of [
      ["--account", "bob@example.com"],
      ["--account", "BOB@example.com"],
      ["--account", "bob"],
      ["--profile", "work"],
    ]) {
      expect((await admin.ok("device list", ...words)).json).toMatchObject({ devices: [{ name: "desk" }] });
      expect((await admin.ok("profile show", ...words)).json).toMatchObject({ profile: { name: "work" } });
      expect((await admin.ok("account status", ...words)).json).toMatchObject({ account: "bob@example.com" });
      expect((await admin.ok("device pending", ...words)).json).toEqual({ pending: [] });
    }
    expect((await admin.ok("device list")).json).toMatchObject({ devices: [{ name: "laptop" }] });
    const { json } = await admin.ok("account list");
    expect(json).toMatchObject({
      accounts: [
        { account: "alice@example.com", profile: { name: "default" }, default: true },
        { account: "bob@example.com", profile: { name: "work" }, default: true },
      ],
    });
    expect((await admin.ok("account list --profile work")).json).toMatchObject({ accounts: { length: 1 } });
    // A slip of the pen is no reason to take another profile.
    for (const line of ["profile show", "device list", "device pending", "device status", "status", "profile export"]) {
      expect([line, await admin.run(line, "--account", "bbo@example.com")]).toMatchObject([
        line,
        { status: 3, code: "account-not-found" },
      ]);
    }
    // Deleting an account finds its profile, too.
    await admin.ok("account delete bob@example.com --confirm bob@example.com");
    expect((await admin.ok("account list")).json).toMatchObject({ accounts: { length: 1 } });
  });

  test("the default that is deleted falls to the first one left", async () => {
    const admin = machine();
    for (const name of ["one", "two"]) await admin.ok("profile create --no-passphrase --name", name);
    await admin.ok("profile use two");
    await admin.ok("profile delete two --confirm two");
    expect((await admin.ok("profile show")).at("profile", "name")).toBe("one");
  });
});

describe("profile delete", () => {
  test("needs the name again, and --yes is not enough", async () => {
    const admin = machine();
    for (const name of ["one", "two"]) await admin.ok("profile create --no-passphrase --name", name);
    const before = contentOf(admin.home);
    const udf = (await admin.ok("profile show --profile two")).at("profile", "udf");
    for (const line of [
      "profile delete two",
      "profile delete two --yes",
      "profile delete two --confirm one",
      "profile delete two --confirm TWO --yes",
      `profile delete two --confirm ${udf}`,
      "profile delete --confirm two",
    ]) {
      expect([line, await admin.run(line)]).toMatchObject([line, { status: 2, code: "input-required" }]);
    }
    expect(contentOf(admin.home)).toEqual(before);
    expect((await admin.ok("profile delete two --confirm two")).json).toEqual({
      profile: { udf, name: "two" },
      deleted: true,
    });
    expect((await admin.ok("profile list")).json).toMatchObject({ profiles: [{ name: "one" }] });
  });

  test("takes exactly that profile's keys, without unlocking", async () => {
    const admin = machine();
    const passphrase = put(admin, "passphrase", "correct horse battery\n");
    for (const name of ["one", "two"]) {
      await admin.ok("profile create --name", name, "--passphrase-file", passphrase);
    }
    const kept = (await admin.ok("profile show --profile two")).at("profile", "udf");
    await admin.ok("profile delete one --confirm one");
    const { keys } = (await admin.ok("keystore status")).json as { keys: { profile: string }[] };
    expect(keys.map(({ profile }) => profile)).toEqual(Array(6).fill(kept));
    // What is left still works.
    await admin.ok("profile revocation --out note --profile two --passphrase-file", passphrase);
  });

  test("leaves the account and the other devices alone", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    const phone = await connected(admin);
    await phone.ok("profile delete --confirm default");
    expect(await phone.run("profile show")).toMatchObject({ status: 3, code: "profile-not-found" });
    expect((await admin.ok("account status")).json).toMatchObject({ status: "open" });
    expect((await admin.ok("device list")).json).toMatchObject({ devices: [{ name: "laptop" }, { name: "phone" }] });
    // And it may join again, as a new device.
    const again = await phone.ok("device connect alice@example.com --trust-on-first-use --portal", portal);
    await admin.ok("device complete", again.at("code"));
    expect((await phone.ok("device status")).json).toEqual({ status: "accepted", expires: null });
  });
});

describe("profile verify and export", () => {
  test("verify", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    const udf = await udfOf(admin);
    expect((await admin.ok("profile verify")).json).toMatchObject({
      ok: true,
      profile: { udf, name: "default", masterSequence: 1, sequence: 2 },
      signer: { device: UDF, key: UDF },
      device: { udf: UDF, connected: true, admin: true },
      accounts: [{ account: "alice@example.com", portal, masterSequence: 1, sequence: 2 }],
      gap: false,
    });
    expect(await admin.text("profile verify")).toMatchObject({ status: 0, stderr: "" });
  });

  test("verify works before there is an account, and fails where the portal is gone", async () => {
    const wire = await openWire();
    const admin = machine();
    await admin.ok("profile create --no-passphrase");
    expect((await admin.ok("profile verify")).json).toMatchObject({ ok: true, accounts: [] });
    await admin.ok("account create alice@example.com --portal", wire.url);
    await wire.stop();
    expect(await admin.run("profile verify")).toMatchObject({ status: 6, code: "portal-unreachable" });
  });

  test("the exported records are those published, and verify", async () => {
    const admin = await withAccount(filePortal());
    await connected(admin);
    const exported = await admin.text("profile export");
    expect(exported).toMatchObject({ status: 0, stderr: "" });
    expect(Object.keys(JSON.parse(exported.stdout) as object)).toEqual([
      "SignedMasterProfile",
      "SignedPersonalProfile",
    ]);
    expect((await admin.ok("profile export")).json).toEqual(JSON.parse(exported.stdout));
    expect((await admin.ok("profile export --format json")).json).toEqual(JSON.parse(exported.stdout));
    put(admin, "profile.json", exported.stdout);
    const { json } = await admin.ok("verify profile.json");
    expect(json).toMatchObject({ ok: true });
    const { records } = json as { records: object[] };
    // Both, the master inside the personal profile, and two devices.
    expect(records.length).toBeGreaterThanOrEqual(4);
    for (const record of records) {
      expect(record).toEqual({
        file: "profile.json",
        type: expect.any(String),
        identifier: UDF,
        format: expect.any(String),
        ok: true,
        signer: UDF,
      });
    }
  });

  test("a change of one letter is found", async () => {
    const admin = await withAccount(filePortal());
    const { stdout } = await admin.text("profile export");
    const records = JSON.parse(stdout) as Record<string, { SignedData: { payload: string } }>;
    const { SignedData } = records["SignedPersonalProfile"]!;
    const payload = Buffer.from(SignedData.payload, "base64url").toString("utf8");
    SignedData.payload = Buffer.from(payload.replace('"Sequence":2', '"Sequence":3'), "utf8").toString("base64url");
    put(admin, "changed.json", JSON.stringify(records));
    const outcome = await admin.run("verify changed.json");
    expect(outcome).toMatchObject({ status: 7, code: undefined, json: { ok: false } });
    const text = await admin.text("verify changed.json");
    expect(text).toMatchObject({ status: 7, stderr: "" });
    expect(text.stdout).not.toBe("");
  });

  test("the certificates form a chain, the master's first", async () => {
    const admin = await withAccount(filePortal());
    const { stdout, status } = await admin.text("profile export --format pem");
    expect(status).toBe(0);
    const [master, ...others] = stdout
      .split(/(?<=-----END CERTIFICATE-----\n)/)
      .map((pem) => new X509Certificate(pem)) as [X509Certificate, ...X509Certificate[]];
    expect(others.length).toBe(2);
    expect(master.ca).toBe(true);
    for (const certificate of [master, ...others]) {
      expect(certificate.verify(master.publicKey)).toBe(true);
      expect(certificate.checkIssued(master)).toBe(true);
    }
    expect((await admin.ok("profile export --format pem")).json).toEqual({ pem: stdout });
    expect(await admin.run("profile export --format xml")).toMatchObject({ status: 2, code: "usage" });
  });
});

describe("revocation", () => {
  const revoked = async (portal: string): Promise<{ admin: ReturnType<typeof machine>; note: string }> => {
    const admin = await withAccount(portal);
    await admin.ok("profile revocation --out note.json");
    return { admin, note: fs.readFileSync(path.join(admin.folder, "note.json"), "utf8") };
  };

  test("a note is written once, private, and changes nothing", async () => {
    const admin = await withAccount(filePortal());
    const before = contentOf(admin.home);
    const { json } = await admin.ok("profile revocation --out note.json");
    const file = path.join(admin.folder, "note.json");
    expect(json).toEqual({ profile: { udf: await udfOf(admin), name: "default" }, file });
    expect(fs.statSync(file).mode & 0o777).toBe(0o600);
    expect(contentOf(admin.home)).toEqual(before);
    expect(await admin.run("profile revocation --out note.json")).toMatchObject({ status: 5, code: "file-exists" });
    expect(await admin.run("profile revocation --out no/such/folder/note")).toMatchObject({ status: 2 });
    expect(await admin.run("profile revocation --out", "")).toMatchObject({ status: 2, code: "usage" });
    // It is a record like others.
    expect((await admin.ok("verify note.json")).json).toMatchObject({ ok: true });
  });

  test("it needs the master key", async () => {
    const admin = await withAccount(filePortal());
    const phone = await connected(admin);
    expect(await phone.run("profile revocation --out note.json")).toMatchObject({
      status: 5,
      code: "master-key-needed",
    });
    expect(fs.existsSync(path.join(phone.folder, "note.json"))).toBe(false);
  });

  test("publishing asks first", async () => {
    const { admin } = await revoked(filePortal());
    expect(await admin.run("profile revoke note.json")).toMatchObject({ status: 2, code: "input-required" });
    const declined = await admin.with({ tty: true, prompts: [false] }).run("profile revoke note.json");
    expect(declined.status).not.toBe(0);
    expect(declined.asked).toHaveLength(1);
    expect((await admin.ok("account status")).json).not.toHaveProperty("revoked");
    expect((await admin.with({ tty: true, prompts: [true] }).run("profile revoke note.json")).status).toBe(0);
  });

  test("afterwards nothing is valid any more, and everything says so", async () => {
    const portal = filePortal();
    const { admin } = await revoked(portal);
    const phone = await connected(admin);
    const { device: waiting, code } = await asking(admin, "tablet");
    await admin.ok("escrow split --shares 2 --threshold 2 --out shares");
    const udf = await udfOf(admin);
    expect((await admin.ok("profile revoke note.json --yes")).json).toEqual({
      profile: { udf },
      revoked: TIME,
      portals: [portal],
    });
    const gone = { status: 5, code: "profile-revoked" };
    for (const line of [
      "device pending",
      `device complete ${code}`,
      `device complete ${code} --refuse`,
      "device remove phone",
      "device list",
      "device show",
      "device status",
      "profile verify",
      "account create second@example.com",
      "account create alice@example.com",
      "escrow split --shares 2 --threshold 2",
      "account delete alice@example.com --confirm alice@example.com",
    ]) {
      expect([line, await admin.run(line)]).toMatchObject([line, gone]);
    }
    for (const line of ["device status", "profile verify", "device list"]) {
      expect([line, await phone.run(line)]).toMatchObject([line, gone]);
    }
    expect(await waiting.run("device status")).toMatchObject(gone);
    expect(
      await machine().run("device connect alice@example.com --trust-on-first-use --no-passphrase --portal", portal),
    ).toMatchObject(gone);
    const shares = [1, 2].flatMap((index) => [
      "--share-file",
      path.join(admin.folder, `shares/share-${index}-of-2.txt`),
    ]);
    expect(
      await machine().run("escrow recover --no-passphrase --account alice@example.com --portal", portal, ...shares),
    ).toMatchObject(gone);
    // What looks at this device alone says it too.
    expect((await admin.ok("profile show")).json).toMatchObject({ revoked: TIME });
    expect((await admin.ok("status")).json).toMatchObject({ profile: { revoked: TIME } });
    expect((await admin.ok("account status")).json).toMatchObject({ revoked: TIME });
    expect((await admin.text("status")).stdout).toMatch(/revoked/i);
    // Again: it is done already.
    expect((await admin.run("profile revoke note.json --yes")).status).toBe(0);
  });

  test("whoever holds the note may publish it, from any machine", async () => {
    const portal = filePortal();
    const { admin, note } = await revoked(portal);
    const stranger = machine();
    put(stranger, "note.json", note);
    expect(await stranger.run("profile revoke note.json --yes")).toMatchObject({
      status: 3,
      code: "account-not-found",
    });
    const done = await stranger.run("profile revoke note.json --yes --account alice@example.com --portal", portal);
    expect(done.status).toBe(0);
    expect(await admin.run("device list")).toMatchObject({ status: 5, code: "profile-revoked" });
    expect(fs.existsSync(stranger.home)).toBe(false);
  });

  test("what is no note is refused before anything is asked or sent", async () => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    const { stdout } = await admin.text("profile export");
    put(admin, "profile.json", stdout);
    put(admin, "garbage.json", "garbage");
    put(admin, "empty.json", "{}");
    const before = wire.seen.length;
    for (const file of ["profile.json", "garbage.json", "empty.json"]) {
      expect([file, (await admin.run("profile revoke --yes", file)).status]).toEqual([file, 7]);
    }
    expect(await admin.run("profile revoke --yes nowhere.json")).toMatchObject({ status: 2, code: "file-unreadable" });
    expect(wire.seen.length).toBe(before);
  });

  test("it goes to the portals of all accounts", async () => {
    const [one, two] = [await openWire(), await openWire()];
    const admin = await withAccount(one.url);
    await admin.ok("account create alice@example.org --portal", two.url);
    await admin.ok("profile revocation --out note.json");
    const { json } = await admin.ok("profile revoke note.json --yes");
    expect(json).toMatchObject({ portals: [one.url, two.url] });
    for (const account of ["alice@example.com", "alice@example.org"]) {
      expect((await admin.ok("account status", account)).json).toMatchObject({ revoked: TIME });
    }
  });

  test("one portal down: the others are told, and again brings it to the rest", async () => {
    const [one, two] = [await openWire(), await openWire()];
    const admin = await withAccount(one.url);
    await admin.ok("account create alice@example.org --portal", two.url);
    await admin.ok("profile revocation --out note.json");
    await one.stop();
    const first = await admin.run("profile revoke note.json --yes");
    expect(first.status).toBe(6);
    expect((await admin.ok("account status alice@example.org")).json).toMatchObject({ revoked: TIME });
    await one.restart();
    await admin.ok("profile revoke note.json --yes");
    expect((await admin.ok("account status alice@example.com")).json).toMatchObject({ revoked: TIME });
  });
});
