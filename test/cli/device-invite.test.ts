import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import { encodePin, inviteIdOf, parsePin } from "../../src/mesh/invite.js";
import { readPersonal, type Invite } from "../../src/mesh/records/personal.js";
import {
  asking,
  CODE,
  connected,
  filePortal,
  machine,
  put,
  TIME,
  UDF,
  udfOf,
  withAccount,
  type Machine,
  type RunOptions,
} from "../support/cli.js";
import { testDeps } from "../support/deps.js";
import { openDraftPortal } from "../support/draft-portal.js";
import { faultyFiles } from "../support/faults.js";
import { openReferencePortal } from "../support/reference-portal.js";
import { openWire, refusal } from "../support/wire.js";

const MINUTE = 60_000;
const PIN = /^P[A-Z2-7]{3}(-[A-Z2-7]{4}){15}$/;

const clock = () => {
  let time = Date.parse("2026-05-01T12:00:00Z");
  const options: RunOptions = { deps: { now: () => new Date(time) } };
  return { options, advance: (milliseconds: number) => (time += milliseconds) };
};

const invites = async (of: Machine): Promise<readonly Invite[]> => {
  const { json } = await of.ok("profile export");
  return readPersonal((json as { SignedPersonalProfile: unknown }).SignedPersonalProfile).invites;
};

/** Everything that a machine's home and folder hold. */
const allOf = (of: Machine): string =>
  [of.home, of.folder]
    .flatMap((folder) =>
      fs.existsSync(folder)
        ? fs.readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => path.join(folder, name))
        : [],
    )
    .filter((name) => fs.statSync(name).isFile())
    .map((name) => fs.readFileSync(name, "latin1"))
    .join("\n");

describe("device invite", () => {
  test("makes an invite that everybody can see, and a PIN that nobody can", async () => {
    const { options } = clock();
    const portal = filePortal();
    const admin = await withAccount(portal, "alice@example.com", options);
    const outcome = await admin.ok("device invite");
    const command = `meshman device connect alice@example.com --portal ${portal} --pin-file - --wait`;
    expect(outcome.json).toEqual({
      id: UDF,
      pin: expect.stringMatching(PIN),
      account: "alice@example.com",
      uses: 1,
      expires: "2026-05-01T12:15:00Z",
      admin: false,
      name: null,
      deviceLifetime: null,
      applications: [],
      command,
    });
    expect(outcome.stderr).toBe("");
    const pin = parsePin(outcome.at("pin"));
    expect(pin.profile).toBe(await udfOf(admin));
    expect(inviteIdOf(pin)).toBe(outcome.at("id"));
    expect(await invites(admin)).toMatchObject([
      { Id: outcome.at("id"), Uses: 1, NotOnOrAfter: "2026-05-01T12:15:00Z", Created: "2026-05-01T12:00:00Z" },
    ]);
    for (const text of [outcome.at("pin"), outcome.at("pin").replaceAll("-", ""), pin.pin.toString("base64url")]) {
      expect(allOf(admin)).not.toContain(text);
    }
  });

  test("says as text what is to be typed, with the PIN on a line of its own", async () => {
    const admin = await withAccount(filePortal());
    const { stdout, status } = await admin.text(
      "device invite --uses 3 --expires 8h --name robot --device-expires 90d",
    );
    expect(status).toBe(0);
    expect(stdout.split("\n").filter((line) => PIN.test(line.trim()))).toHaveLength(1);
    expect(stdout).toMatch(/^ {2}meshman device connect alice@example\.com --portal file:\S+ --pin-file - --wait$/m);
    expect(stdout).toMatch(/^ {2}meshman device approve --watch$/m);
    for (const part of ["robot", "90d"]) expect(stdout).toContain(part);
    expect(await invites(admin)).toMatchObject([{ Uses: 3, Name: "robot", DeviceLifetime: 90 * 24 * 60 * 60 }]);
  });

  test("names the portal only where the address does not lead to it, and quotes what a shell would not take", async () => {
    const { connectCommand } = await import("../../src/cli/device/connect-command.js");
    expect(connectCommand("alice@example.com", "https://example.com", "--wait")).toBe(
      "meshman device connect alice@example.com --wait",
    );
    expect(connectCommand("o'brien@example.com", "https://example.com:8443", "--pin-file", "a file")).toBe(
      "meshman device connect 'o'\\''brien@example.com' --portal https://example.com:8443 --pin-file 'a file'",
    );
    expect(connectCommand("a@b", "http://portal.lan")).toBe(
      "meshman device connect a@b --portal http://portal.lan --allow-http",
    );
    expect(connectCommand("a@b", "http://127.0.0.1:80")).not.toContain("--allow-http");
  });

  test("--out writes the PIN to a new file that is its owner's alone, and shows it nowhere", async () => {
    const admin = await withAccount(filePortal());
    const outcome = await admin.ok("device invite --out pin.txt");
    const file = path.join(admin.folder, "pin.txt");
    expect(outcome.at("file")).toBe(file);
    expect(outcome.json).not.toHaveProperty("pin");
    expect(outcome.at("command")).toContain(` --pin-file ${file} --wait`);
    expect(fs.statSync(file).mode & 0o777).toBe(0o600);
    const text = fs.readFileSync(file, "utf8");
    expect(inviteIdOf(parsePin(text))).toBe(outcome.at("id"));
    expect(outcome.stdout + outcome.stderr).not.toContain(text.trim());
    const shown = await admin.text("device invite --out other.txt");
    expect(shown.stdout).toContain(path.join(admin.folder, "other.txt"));
    expect(shown.stdout).not.toMatch(/P[A-Z2-7]{3}(-[A-Z2-7]{4}){7}/);
    // Never over another file, nor without a folder, and nothing is published then.
    for (const [name, code] of [
      ["pin.txt", "file-exists"],
      ["nowhere/pin.txt", "file-unreadable"],
      ["", "usage"],
    ] as const) {
      expect(await admin.run("device invite --out", name)).toMatchObject({ code });
    }
    expect(fs.readFileSync(file, "utf8")).toBe(text);
    expect(await invites(admin)).toHaveLength(2);
  });

  test("refuses what no invite can have", async () => {
    const admin = await withAccount(filePortal());
    for (const words of [
      ["--uses", "0"],
      ["--uses", "1001"],
      ["--uses", "one"],
      ["--expires", "0s"],
      ["--expires", "soon"],
      ["--expires", "91d"],
      ["--expires", "15"],
      ["--name", ""],
      ["--name", "x".repeat(65)],
      ["--device-expires", "1s"],
      ["--device-expires", "3651d"],
      ["--admin", "--device-expires", "1d"],
    ]) {
      expect([words, await admin.run("device invite", ...words)]).toMatchObject([words, { status: 2, code: "usage" }]);
    }
    expect(await invites(admin)).toEqual([]);
  });

  test("is for administrators of a profile with an account", async () => {
    const nobody = machine();
    expect(await nobody.run("device invite")).toMatchObject({ status: 3, code: "profile-not-found" });
    const lonely = machine();
    await lonely.ok("profile create --no-passphrase");
    expect(await lonely.run("device invite --out pin")).toMatchObject({ status: 3, code: "account-not-found" });
    const admin = await withAccount(filePortal());
    const phone = await connected(admin);
    expect(await phone.run("device invite --out pin")).toMatchObject({ status: 5, code: "not-administrator" });
    for (const of of [lonely, phone]) expect(fs.existsSync(path.join(of.folder, "pin"))).toBe(false);
  });

  test("--admin says where the master key will have to be", async () => {
    const admin = await withAccount(filePortal());
    const here = await admin.ok("device invite --admin");
    expect(here.json).toMatchObject({ admin: true });
    expect(here.stderr).not.toBe("");
    await admin.ok("escrow split --shares 2 --threshold 2 --out recovery --erase-master");
    const elsewhere = await admin.ok("device invite --admin");
    expect(elsewhere.stderr).toContain("--share-file");
    expect(elsewhere.stderr).not.toBe(here.stderr);
    expect((await admin.ok("device invite --admin --quiet")).stderr).toBe("");
    expect(await invites(admin)).toMatchObject([{ Admin: true }, { Admin: true }, { Admin: true }]);
  });

  test("at most 64 at once; those that have long lapsed make room", async () => {
    const { options, advance } = clock();
    const admin = await withAccount(filePortal(), "alice@example.com", options);
    for (let count = 0; count < 64; count++) await admin.ok("device invite --expires 1m");
    expect(await admin.run("device invite --out pin")).toMatchObject({ status: 5, code: "too-large" });
    expect(fs.existsSync(path.join(admin.folder, "pin"))).toBe(false);
    advance(8 * 24 * 60 * MINUTE);
    await admin.ok("device invite");
    expect(await invites(admin)).toHaveLength(1);
  });

  test("made again where another change was faster, for the administrators that there are then", async () => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    const desk = await connected(admin, "desk", ["--admin"]);
    const { device: third, code } = await asking(admin, "third");
    let raced = false;
    wire.intercept = async ({ transaction, forward }) => {
      if (transaction === "Publish" && !raced) {
        raced = true;
        await desk.ok("device invite");
        await admin.ok("device complete --admin", code);
      }
      return forward();
    };
    const made = await admin.ok("device invite --out pin");
    wire.intercept = undefined;
    expect((await invites(admin)).map(({ Id }) => Id)).toEqual([expect.any(String), made.at("id")]);
    const phone = machine();
    fs.copyFileSync(path.join(admin.folder, "pin"), path.join(phone.folder, "pin"));
    await phone.ok("device connect alice@example.com --pin-file pin --no-passphrase --portal", wire.url);
    for (const each of [admin, desk, third]) {
      expect((await each.ok("device pending")).json).toMatchObject({ pending: [{ proof: "valid" }] });
    }
  });
});

describe("an invite that a portal has seen, but not taken", () => {
  test("is another one, with another PIN, where an administrator that could open it was removed", async () => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    await connected(admin, "desk", ["--admin"]);
    const seen: string[] = [];
    wire.intercept = async ({ transaction, message, forward }) => {
      if (transaction === "Publish") {
        const { Entry } = message as { Entry: { SignedPersonalProfile: unknown } };
        seen.push(...readPersonal(Entry.SignedPersonalProfile).invites.map(({ Id }) => Id));
        // What a portal can make happen: it has not shown the new epoch to this device before.
        if (seen.length === 1) {
          wire.intercept = undefined;
          await admin.ok("device remove desk");
        }
      }
      return forward();
    };
    const made = await admin.ok("device invite --uses 2 --out pin");
    expect(seen).toHaveLength(1);
    expect(seen).not.toContain(made.at("id"));
    expect((await invites(admin)).map(({ Id }) => Id)).toEqual([made.at("id")]);
    expect(inviteIdOf(parsePin(fs.readFileSync(path.join(admin.folder, "pin"), "utf8")))).toBe(made.at("id"));
  });
});

describe("a PIN in a file, when publishing fails", () => {
  test.each([403, 409, 413])("is removed where the portal refuses (%i)", async (status) => {
    const wire = await openWire({ logless: true });
    const admin = await withAccount(wire.url);
    wire.intercept = ({ transaction, forward }) => (transaction === "Publish" ? refusal(status) : forward());
    expect((await admin.run("device invite --out pin")).status).toBe(5);
    wire.intercept = undefined;
    expect(fs.existsSync(path.join(admin.folder, "pin"))).toBe(false);
    expect(await invites(admin)).toEqual([]);
    await admin.ok("device invite --out pin");
  });

  test.each(["before", "after"])("stays where the answer is lost, %s it was done", async (when) => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    wire.intercept = async ({ transaction, forward }) => {
      if (transaction !== "Publish") return forward();
      if (when === "after") await forward();
      return "drop";
    };
    const outcome = await admin.run("device invite --out pin");
    expect(outcome).toMatchObject({ status: 6, code: "portal-unreachable" });
    expect(outcome.stderr).toContain(path.join(admin.folder, "pin"));
    wire.intercept = undefined;
    const pin = parsePin(fs.readFileSync(path.join(admin.folder, "pin"), "utf8"));
    await admin.ok("account status");
    expect((await invites(admin)).map(({ Id }) => Id)).toEqual(when === "after" ? [inviteIdOf(pin)] : []);
  });

  test("is on the disk before the invite is published, whenever the process dies", async () => {
    for (let n = 1, died = true; died; n += 3) {
      const admin = await withAccount(filePortal());
      const files = faultyFiles(testDeps().fs, n, "crash");
      await admin.with({ deps: { fs: files.fs } }).run("device invite --out pin");
      died = files.operations().length >= n;
      await admin.ok("account status");
      const file = path.join(admin.folder, "pin");
      for (const { Id } of await invites(admin)) {
        expect([n, inviteIdOf(parsePin(fs.readFileSync(file, "utf8")))]).toEqual([n, Id]);
      }
      // Run again with another file, it does what it should.
      const again = await admin.ok("device invite --out again");
      expect((await invites(admin)).map(({ Id }) => Id)).toContain(again.at("id"));
    }
  });
});

describe("device connect with a PIN", () => {
  const CONNECT = "device connect alice@example.com --no-passphrase --portal";

  test("from a file, standard input and a descriptor", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    const udf = await udfOf(admin);
    const pin = (await admin.ok("device invite --uses 5")).at("pin");
    const phone = machine({ deps: { hostname: "phone" } });
    put(phone, "pin", `${pin.toLowerCase().replaceAll("-", " ")}\n`);
    expect((await phone.ok(CONNECT, portal, "--pin-file", "pin")).json).toEqual({
      status: "pending",
      code: CODE,
      account: "alice@example.com",
      device: { udf: UDF, name: "phone" },
      profile: { udf },
    });
    const tablet = machine({ stdin: `\n  ${pin}\r\n` });
    expect((await tablet.ok(CONNECT, portal, "--pin-file", "-")).json).toMatchObject({ status: "pending" });
    const robot = machine({ deps: { readFd: async () => Buffer.from(pin) } });
    expect((await robot.ok(CONNECT, portal, "--pin-fd", "7")).json).toMatchObject({ status: "pending" });
    expect((await admin.ok("device pending")).json).toMatchObject({
      pending: [{ proof: "valid" }, { proof: "valid" }, { proof: "valid" }],
    });
    // What proves the PIN is public; the PIN is nowhere.
    for (const of of [phone, tablet, robot]) {
      fs.rmSync(path.join(of.folder, "pin"), { force: true });
      for (const text of [pin, pin.replaceAll("-", ""), parsePin(pin).pin.toString("base64url")]) {
        expect(allOf(of)).not.toContain(text);
      }
    }
    expect((await phone.text(CONNECT, portal)).stdout).toContain("meshman device approve\n");
  });

  test("typed on a terminal: for `-`, and where the fingerprint is asked for", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    const pin = (await admin.ok("device invite --uses 5")).at("pin");
    const mistyped = `${pin.slice(0, -1)}${pin.endsWith("A") ? "B" : "A"}`;
    const phone = machine({ tty: true, prompts: ["", "MAAA", mistyped, pin] });
    const asked = await phone.ok(CONNECT, portal, "--pin-file", "-");
    expect(asked.asked).toHaveLength(7);
    const tablet = machine({ tty: true, prompts: ["P", mistyped, pin.toLowerCase()] });
    expect((await tablet.ok(CONNECT, portal)).asked).toHaveLength(5);
    // The fingerprint does as before, and the account's is not the PIN's without a proof.
    const other = machine({ tty: true, prompts: [(await udfOf(admin)).slice(0, 24)] });
    await other.ok(CONNECT, portal);
    expect((await admin.ok("device pending")).json).toMatchObject({
      pending: [{ proof: "valid" }, { proof: "valid" }, { proof: null }],
    });
    for (const text of asked.asked) expect(text).not.toContain(mistyped.slice(0, 9));
  });

  test("a wrong one is no PIN; that of another profile is not for this account", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    await withAccount(portal, "bob@example.com");
    const pin = (await admin.ok("device invite")).at("pin");
    const phone = machine();
    const wrong = [
      "",
      "P",
      pin.slice(0, -1),
      `${pin}A`,
      `${pin.slice(0, 20)}0${pin.slice(21)}`,
      pin.replace(/^P/, "M"),
      await udfOf(admin),
      "x".repeat(10_000),
    ];
    for (const text of wrong) {
      put(phone, "pin", text);
      const outcome = await phone.run(CONNECT, portal, "--pin-file", "pin");
      expect([text, outcome]).toMatchObject([text, { status: text.length > 4096 ? expect.any(Number) : 2 }]);
      expect(["pin-invalid", "too-large"]).toContain(outcome.code);
      if (text.length > 12) expect(outcome.stdout + outcome.stderr).not.toContain(text.slice(0, 9));
    }
    put(phone, "pin", pin);
    const bob = ["device connect bob@example.com --no-passphrase --pin-file pin --portal", portal] as const;
    expect(await phone.run(...bob)).toMatchObject({ status: 7, code: "fingerprint-mismatch" });
    const person = phone.with({ tty: true, prompts: [pin] });
    expect(await person.run("device connect bob@example.com --no-passphrase --portal", portal)).toMatchObject({
      status: 7,
      code: "fingerprint-mismatch",
    });
    const other = ["--expect-fingerprint", "MDDK-7N6A-727A-JZNO-STRX-XKS7-DJAF"];
    expect(await phone.run(CONNECT, portal, "--pin-file", "pin", ...other)).toMatchObject({ status: 7 });
    for (const [words, code] of [
      [["--pin-file", "pin", "--pin-fd", "7"], "usage"],
      [["--pin-file", "nowhere"], "file-unreadable"],
      [["--pin-fd", "77"], "file-unreadable"],
      [["--pin", pin], "usage"],
    ] as const) {
      const outcome = await phone.run(CONNECT, portal, ...words);
      expect([words, outcome]).toMatchObject([words, { status: 2, code }]);
    }
    expect(fs.existsSync(phone.home)).toBe(false);
  });

  test("an invite that is not there, has lapsed or is used up is told before any key is made", async () => {
    const { options, advance } = clock();
    const portal = filePortal();
    const admin = await withAccount(portal, "alice@example.com", options);
    const { profile } = parsePin((await admin.ok("device invite")).at("pin"));
    const phone = machine(options);
    put(phone, "unknown", encodePin({ pin: Buffer.alloc(16, 7), profile }));
    expect(await phone.run(CONNECT, portal, "--pin-file", "unknown")).toMatchObject({
      status: 5,
      code: "invite-unknown",
    });
    put(phone, "pin", (await admin.ok("device invite")).at("pin"));
    const tablet = machine(options);
    put(tablet, "pin", fs.readFileSync(path.join(phone.folder, "pin"), "utf8"));
    await tablet.ok(CONNECT, portal, "--pin-file", "pin");
    await admin.ok("device approve");
    expect(await phone.run(CONNECT, portal, "--pin-file", "pin")).toMatchObject({ status: 5, code: "invite-used" });
    // Who is connected asks for nothing any more.
    expect((await tablet.ok(CONNECT, portal, "--pin-file", "pin")).json).toMatchObject({ status: "accepted" });
    const late = (await admin.ok("device invite")).at("pin");
    put(phone, "late", late);
    advance(15 * MINUTE);
    const lapsed = await phone.run(CONNECT, portal, "--pin-file", "late");
    expect(lapsed).toMatchObject({ status: 5, code: "invite-expired" });
    expect(lapsed.at("error", "message")).not.toMatch(/T\d\d:/);
    expect(fs.existsSync(phone.home)).toBe(false);
  });

  test("again: the same keys and code; with another PIN, or after asking without one: anew", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    const phone = machine();
    const plain = await phone.ok(CONNECT, portal, "--trust-on-first-use");
    put(phone, "one", (await admin.ok("device invite")).at("pin"));
    put(phone, "two", (await admin.ok("device invite")).at("pin"));
    const first = await phone.ok(CONNECT, portal, "--pin-file", "one");
    expect(first.at("code")).not.toBe(plain.at("code"));
    expect(first.stderr).not.toBe("");
    const again = await phone.ok(CONNECT, portal, "--pin-file", "one");
    expect(again.at("code")).toBe(first.at("code"));
    expect(again.stderr).toBe("");
    // Without the PIN the request that has been made is taken up.
    expect((await phone.ok(CONNECT, portal)).at("code")).toBe(first.at("code"));
    const second = await phone.ok(CONNECT, portal, "--pin-file", "two");
    expect(second.at("code")).not.toBe(first.at("code"));
    expect((await phone.ok("keystore status")).json).toMatchObject({ keys: { length: 4 } });
    expect((await admin.ok("device approve")).json).toMatchObject({
      approved: [{ code: first.at("code") }, { code: second.at("code") }],
      left: [{ code: plain.at("code"), reason: "no-proof" }],
    });
    expect((await phone.ok("device status")).json).toMatchObject({ status: "accepted" });
  });

  test("--wait waits for the one who approves", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    const phone = machine({ stdin: (await admin.ok("device invite")).at("pin") });
    let looks = 0;
    const sleep = async (): Promise<void> => {
      if (++looks === 2) await admin.ok("device approve");
    };
    const outcome = await phone.with({ deps: { sleep } }).run(CONNECT, portal, "--pin-file", "-", "--wait");
    expect(outcome).toMatchObject({ status: 0, json: { status: "accepted" } });
    expect(outcome.stderr).toContain("meshman device approve");
  });

  test.each([
    ["of 2016", openReferencePortal],
    ["of the draft", openDraftPortal],
  ])("at the portal %s", async (_, open) => {
    const { url } = await open();
    const admin = await withAccount(url);
    const made = await admin.text("device invite --out pin");
    expect(made.stdout).toMatch(/^ {2}meshman device approve$/m);
    const phone = machine({ stdin: fs.readFileSync(path.join(admin.folder, "pin"), "utf8") });
    await phone.ok(CONNECT, url, "--pin-file", "-");
    expect(await admin.run("device approve --watch")).toMatchObject({ status: 5, code: "not-supported" });
    expect((await admin.ok("device approve")).json).toMatchObject({ approved: [{ invite: UDF }], left: [] });
    expect((await phone.ok("device status")).json).toMatchObject({ status: "accepted" });
    expect((await phone.ok(CONNECT, url, "--pin-file", "-")).json).toMatchObject({ status: "accepted" });
    const tablet = machine({ stdin: fs.readFileSync(path.join(admin.folder, "pin"), "utf8") });
    expect(await tablet.run(CONNECT, url, "--pin-file", "-")).toMatchObject({ status: 5, code: "invite-used" });
    expect((await admin.ok("device approve")).json).toEqual({ approved: [], left: [] });
    expect((await admin.ok("device invite")).json).toMatchObject({ expires: TIME });
  });
});
