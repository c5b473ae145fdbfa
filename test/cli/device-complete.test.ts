import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import {
  asking,
  CODE,
  connected,
  contentOf,
  filePortal,
  machine,
  put,
  TIME,
  UDF,
  udfOf,
  withAccount,
  type Machine,
} from "../support/cli.js";
import { openWire, refusal } from "../support/wire.js";

const version = async (of: Machine): Promise<unknown> => {
  const { masterSequence, sequence } = (await of.ok("account status")).json as Record<string, number>;
  return [masterSequence, sequence];
};

/** Options that name share files of a set that a machine has split. */
const shareFiles = (of: Machine, ...indexes: number[]): string[] =>
  indexes.flatMap((index) => ["--share-file", path.join(of.folder, "shares", `share-${index}-of-3.txt`)]);

const ERASE = "escrow split --shares 3 --threshold 2 --out shares --erase-master";

describe("device pending", () => {
  test("shows each with its code, its name and its times, oldest first", async () => {
    let time = Date.parse("2026-05-01T12:00:00Z");
    const options = { deps: { now: () => new Date(time), platform: "linux" } };
    const admin = await withAccount(filePortal(), "alice@example.com", options);
    expect((await admin.ok("device pending")).json).toEqual({ pending: [] });
    const first = await asking(admin, "phone", options);
    time += 3_600_000;
    const second = await asking(admin, "tablet", options);
    expect((await admin.ok("device pending")).json).toEqual({
      pending: [
        {
          account: "alice@example.com",
          code: first.code,
          device: { udf: UDF, name: "phone", description: "Linux" },
          requested: "2026-05-01T12:00:00Z",
          expires: "2026-05-02T12:00:00Z",
          proof: null,
          rotation: null,
          replaces: null,
        },
        {
          account: "alice@example.com",
          code: second.code,
          device: { udf: UDF, name: "tablet", description: "Linux" },
          requested: "2026-05-01T13:00:00Z",
          expires: "2026-05-02T13:00:00Z",
          proof: null,
          rotation: null,
          replaces: null,
        },
      ],
    });
    const text = await admin.text("device pending");
    expect(text).toMatchObject({ status: 0 });
    for (const { code } of [first, second]) expect(text.stdout).toContain(code);
  });

  test("a request for another profile, and one whose name wants to deceive", async () => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    const bob = await withAccount(wire.url, "bob@example.com");
    await asking(bob, "phone of bob");
    expect((await admin.ok("device pending")).json).toEqual({ pending: [] });
    const { pending } = (await bob.ok("device pending")).json as { pending: object[] };
    expect(pending).toHaveLength(1);
    // A portal that shows bob's requests to alice.
    wire.intercept = ({ transaction, message, forward }) => {
      if (transaction === "ConnectPending") Object.assign(message, { AccountID: "bob@example.com" });
      return forward();
    };
    expect((await admin.ok("device pending")).json).toEqual({ pending: [] });
  });
});

describe("device complete", () => {
  test("adds the device", async () => {
    const admin = await withAccount(filePortal());
    const { device, code } = await asking(admin);
    expect((await admin.ok("device complete", code)).json).toEqual({
      result: "Accepted",
      device: { udf: UDF, name: "phone", admin: false },
      applications: [],
    });
    expect(await version(admin)).toEqual([1, 3]);
    expect((await admin.ok("device pending")).json).toEqual({ pending: [] });
    expect((await device.ok("device status")).json).toEqual({ status: "accepted", expires: null });
    expect((await device.ok("status")).json).toEqual({
      profile: { udf: await udfOf(admin), name: "default", masterSequence: 1, sequence: 3, revoked: null },
      device: { udf: UDF, name: "phone", expires: null },
      connected: true,
      admin: false,
      keystore: { protection: "key-file", locked: false, agent: null, keys: 4 },
      portal: { account: "alice@example.com", url: expect.any(String) },
      recovery: null,
      pendingWork: [],
    });
  });

  test("the code in any spelling", async () => {
    const admin = await withAccount(filePortal());
    const { code } = await asking(admin);
    await admin.ok("device complete", ` ${code.toLowerCase().replaceAll("-", " ")} `);
    expect((await admin.ok("device list")).json).toMatchObject({ devices: [{ name: "laptop" }, { name: "phone" }] });
  });

  test("a wrong code, and what is none", async () => {
    const admin = await withAccount(filePortal());
    await asking(admin);
    const before = await version(admin);
    for (const [wrong, status, code] of [
      ["MAUQ-2VXH-NR5A-TZC3-J3KD", 3, "request-not-found"],
      ["MAUQ-2VXH-NR5A-TZC3", 2, "fingerprint-invalid"],
      ["MAUQ-2VXH-NR5A-TZC3-J3K0", 2, "fingerprint-invalid"],
      ["MAUQ-2VXH-NR5A-TZC3-J3KDA", 2, "fingerprint-invalid"],
      ["XAUQ-2VXH-NR5A-TZC3-J3KD", 2, "fingerprint-invalid"],
      ["y", 2, "fingerprint-invalid"],
      ["phone", 2, "fingerprint-invalid"],
      ["", 2, "fingerprint-invalid"],
    ] as const) {
      for (const more of [[], ["--refuse"]]) {
        const outcome = await admin.run("device complete", wrong, ...more);
        expect([wrong, outcome]).toMatchObject([wrong, { status, code }]);
      }
    }
    expect(await version(admin)).toEqual(before);
    expect((await admin.ok("device pending")).json).toMatchObject({ pending: [{ code: CODE }] });
  });

  test("the first letters of a code do not do", async () => {
    const admin = await withAccount(filePortal());
    const { code } = await asking(admin);
    expect(await admin.run("device complete", code.slice(0, 19))).toMatchObject({ status: 2 });
    expect(await admin.run("device complete", `${code.slice(0, 23)}${code.endsWith("A") ? "B" : "A"}`)).toMatchObject({
      status: 3,
      code: "request-not-found",
    });
  });

  test("without a code: asked for on a terminal, an error elsewhere", async () => {
    const admin = await withAccount(filePortal());
    const { code } = await asking(admin);
    expect(await admin.run("device complete")).toMatchObject({ status: 2, code: "input-required" });
    expect(await admin.with({ tty: true, env: { CI: "true" } }).run("device complete")).toMatchObject({ status: 2 });
    expect(await admin.with({ tty: true }).run("device complete --no-input --yes")).toMatchObject({ status: 2 });
    const typed = await admin.with({ tty: true, prompts: ["y", "", code.slice(0, 9), code] }).ok("device complete");
    expect(typed.json).toMatchObject({ result: "Accepted" });
    // The code is not shown to the one who is to type it.
    for (const text of typed.asked) expect(text).not.toContain(code.slice(0, 9));
  });

  test("twice: done already", async () => {
    const admin = await withAccount(filePortal());
    const { device, code } = await asking(admin);
    const first = await admin.ok("device complete", code);
    const before = await version(admin);
    expect((await admin.ok("device complete", code)).json).toEqual(first.json);
    expect(await version(admin)).toEqual(before);
    expect((await device.ok("device status")).json).toEqual({ status: "accepted", expires: null });
  });

  test("--name: the administrator's name for it counts, and can be changed", async () => {
    const admin = await withAccount(filePortal());
    const { device, code } = await asking(admin, "localhost");
    expect((await admin.ok("device complete --name", "  Telefon  ", code)).json).toMatchObject({
      device: { name: "Telefon" },
    });
    await device.ok("device status");
    expect((await device.ok("status")).json).toMatchObject({ device: { name: "Telefon" } });
    await admin.ok("device complete --name Ku\u0308che", code);
    for (const spelling of ["K\u00fcche", "Ku\u0308che"]) {
      expect((await admin.ok("device show", spelling)).json).toMatchObject({ device: { name: "K\u00fcche" } });
    }
    expect(await admin.run("device show localhost")).toMatchObject({ status: 3, code: "device-not-found" });
    for (const name of ["", "x".repeat(65), "a\u202eb", "MDDK-7N6A-727A-JZNO-STRX-XKS7-DJAF"]) {
      expect(await admin.run("device complete", code, "--name", name)).toMatchObject({ status: 2, code: "usage" });
    }
  });

  test("two devices of one name: which one is meant must be said", async () => {
    const admin = await withAccount(filePortal());
    const [one, two] = [await connected(admin, "phone"), await connected(admin, "phone")];
    for (const line of ["device show phone", "device remove phone"]) {
      const outcome = await admin.run(line);
      expect([line, outcome.status !== 0]).toEqual([line, true]);
    }
    const udf = (await two.ok("profile show")).at("device", "udf");
    await admin.ok("device remove", udf);
    expect((await one.ok("device status")).json).toEqual({ status: "accepted", expires: null });
    expect((await two.run("device status")).status).toBe(5);
  });

  test("--refuse", async () => {
    const admin = await withAccount(filePortal());
    const { device, code } = await asking(admin);
    const before = await version(admin);
    expect((await admin.ok("device complete --refuse", code)).json).toEqual({
      result: "Refused",
      device: { udf: UDF, name: "phone", admin: false },
    });
    expect(await version(admin)).toEqual(before);
    expect((await admin.ok("device pending")).json).toEqual({ pending: [] });
    expect(await device.run("device status")).toMatchObject({ status: 5, json: { status: "refused" } });
    expect(await admin.run("device complete", code)).toMatchObject({ status: 3, code: "request-not-found" });
    expect(await admin.run("device complete --refuse --admin", code)).toMatchObject({ status: 2, code: "usage" });
    // One that is in is removed, not refused.
    const { code: other } = await asking(admin, "tablet");
    await admin.ok("device complete", other);
    expect(await admin.run("device complete --refuse", other)).toMatchObject({ status: 5, code: "conflict" });
  });

  test("as text", async () => {
    const admin = await withAccount(filePortal());
    const { code } = await asking(admin);
    const outcome = await admin.text("device complete", code);
    expect(outcome).toMatchObject({ status: 0, stderr: "" });
    expect(outcome.stdout).toContain("phone");
  });
});

describe("who may", () => {
  test("a device that is no administrator", async () => {
    const admin = await withAccount(filePortal());
    const phone = await connected(admin);
    const { code } = await asking(admin, "tablet");
    for (const line of [
      "device pending",
      `device complete ${code}`,
      `device complete ${code} --refuse`,
      "device remove laptop",
      "escrow split --shares 2 --threshold 2 --out shares",
    ]) {
      const outcome = await phone.run(line);
      expect([line, outcome.status]).toEqual([line, 5]);
      expect(outcome.code).toMatch(/^(not-administrator|master-key-needed)$/);
    }
    expect((await admin.ok("device pending")).json).toMatchObject({ pending: [{ code }] });
  });

  test("a device that still waits", async () => {
    const admin = await withAccount(filePortal());
    const { device, code } = await asking(admin);
    for (const line of ["device pending", `device complete ${code}`, "device remove laptop", "device show"]) {
      expect([line, await device.run(line)]).toMatchObject([line, { status: 5, code: "not-connected" }]);
    }
  });

  test("a device that was removed", async () => {
    const admin = await withAccount(filePortal());
    const desk = await connected(admin, "desk", ["--admin"]);
    await desk.ok("device pending");
    await admin.ok("device remove desk");
    const { code } = await asking(admin);
    for (const line of [
      "device pending",
      `device complete ${code}`,
      "device remove laptop",
      "device show",
      "account create other@example.com",
      "account delete alice@example.com --confirm alice@example.com",
    ]) {
      expect([line, await desk.run(line)]).toMatchObject([line, { status: 5, code: "not-connected" }]);
    }
    expect((await admin.ok("device pending")).json).toMatchObject({ pending: [{ code }] });
    expect(await version(admin)).toEqual([3, 1]);
  });
});

describe("--admin", () => {
  test("with the master key here: a new epoch, and the device administers", async () => {
    const admin = await withAccount(filePortal());
    const { device: desk, code } = await asking(admin, "desk");
    expect((await admin.ok("device complete --admin", code)).json).toEqual({
      result: "Accepted",
      device: { udf: UDF, name: "desk", admin: true },
      applications: [],
    });
    expect(await version(admin)).toEqual([2, 1]);
    expect((await desk.ok("device status")).json).toEqual({ status: "accepted", expires: null });
    const phone = await connected(desk, "phone");
    expect((await phone.ok("device list")).json).toMatchObject({
      devices: [
        { name: "laptop", admin: true, current: false },
        { name: "desk", admin: true, current: false },
        { name: "phone", admin: false, current: true },
      ],
    });
    // Again changes nothing.
    const before = await version(admin);
    await admin.ok("device complete --admin", code);
    expect(await version(admin)).toEqual(before);
  });

  test("a device that is connected already is made one by its code", async () => {
    const admin = await withAccount(filePortal());
    const { device: desk, code } = await asking(admin, "desk");
    await admin.ok("device complete", code);
    expect(await desk.run("device pending")).toMatchObject({ status: 5, code: "not-administrator" });
    expect((await admin.ok("device complete --admin", code)).json).toMatchObject({ device: { admin: true } });
    expect((await desk.ok("device pending")).json).toEqual({ pending: [] });
    expect((await desk.ok("status")).json).toMatchObject({ admin: true });
  });

  test("without the master key: both ways to supply it are named, and nothing is done", async () => {
    const admin = await withAccount(filePortal());
    await admin.ok(ERASE);
    const { device, code } = await asking(admin, "desk");
    const before = await version(admin);
    const outcome = await admin.run("device complete --admin", code);
    expect(outcome).toMatchObject({ status: 5, code: "master-key-needed" });
    expect(outcome.at("error", "hint")).toMatch(/--share-file.*escrow recover/);
    expect(await version(admin)).toEqual(before);
    expect((await admin.ok("device pending")).json).toMatchObject({ pending: [{ code }] });
    expect((await device.run("device status")).status).toBe(8);
    // As a plain device it may join all the same.
    await admin.ok("device complete", code);
  });

  test("with shares: the master key is used and forgotten", async () => {
    const admin = await withAccount(filePortal());
    await admin.ok(ERASE);
    const udf = await udfOf(admin);
    const { device: desk, code } = await asking(admin, "desk");
    expect((await admin.ok("device complete --admin", code, ...shareFiles(admin, 1, 3))).json).toMatchObject({
      device: { admin: true },
    });
    expect(await version(admin)).toEqual([2, 1]);
    for (const one of [admin, desk]) {
      const { keys } = (await one.ok("keystore status")).json as { keys: { udf: string; use: string }[] };
      expect(keys.filter(({ use, udf: kid }) => use.startsWith("master-") || kid === udf)).toEqual([]);
    }
  });

  test("with shares and the entry file, where the portal has lost the entry", async () => {
    const wire = await openWire({ logless: true });
    const admin = await withAccount(wire.url);
    await admin.ok(ERASE);
    const { code } = await asking(admin, "desk");
    const entry = path.join(admin.folder, "shares", "entry.json");
    const { OfflineEscrowEntry } = JSON.parse(fs.readFileSync(entry, "utf8")) as {
      OfflineEscrowEntry: { Identifier: string };
    };
    wire.intercept = ({ transaction, message, forward }) =>
      transaction === "Get" && message["Identifier"] === OfflineEscrowEntry.Identifier ? refusal(404) : forward();
    expect(await admin.run("device complete --admin", code, ...shareFiles(admin, 1, 2))).toMatchObject({
      status: 3,
      code: "record-not-found",
    });
    await admin.ok("device complete --admin", code, "--entry-file", entry, ...shareFiles(admin, 1, 2));
  });

  test("with shares that do not do", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    await admin.ok(ERASE);
    const bob = await withAccount(portal, "bob@example.com");
    await bob.ok(ERASE);
    const { code } = await asking(admin, "desk");
    const before = await version(admin);
    const [{ 0: first = "" }] = [
      fs.readFileSync(path.join(admin.folder, "shares/share-1-of-3.txt"), "utf8").split("\n"),
    ];
    expect(first).toMatch(/^#/);
    const text = fs.readFileSync(path.join(admin.folder, "shares/share-1-of-3.txt"), "utf8");
    const mistyped = text.replace(
      /([A-Z2-7])(\n?)$/,
      (_, letter: string, end: string) => `${letter === "A" ? "B" : "A"}${end}`,
    );
    put(admin, "mistyped.txt", mistyped);
    put(admin, "odd.txt", "not a share!");
    const entry = ["--entry-file", path.join(bob.folder, "shares/entry.json")];
    for (const [files, status, error] of [
      [shareFiles(admin, 1), 7, "share-missing"],
      [shareFiles(admin, 1, 1), 7, "share-duplicate"],
      [[...shareFiles(admin, 1), ...shareFiles(bob, 2)], 7, "share-mixed"],
      [[...shareFiles(admin, 2), "--share-file", "mistyped.txt"], 7, "share-checksum"],
      [[...shareFiles(admin, 2), "--share-file", "odd.txt"], 7, "share-checksum"],
      [[...shareFiles(admin, 2), "--share-file", "nowhere.txt"], 2, "file-unreadable"],
      [shareFiles(bob, 1, 2), 7, "fingerprint-mismatch"],
      [[...shareFiles(bob, 1, 2), ...entry], 7, "fingerprint-mismatch"],
      [[...shareFiles(admin, 1, 2), ...entry], 7, "record-invalid"],
    ] as const) {
      const outcome = await admin.run("device complete --admin", code, ...files);
      expect([error, outcome.status, outcome.code]).toEqual([error, status, error]);
    }
    expect(await version(admin)).toEqual(before);
    expect((await admin.ok("device pending")).json).toMatchObject({ pending: [{ code }] });
  });
});

describe("interrupted", () => {
  test.each([refusal(500), refusal(503), "drop"] as const)(
    "between Publish and ConnectComplete: again finishes",
    async (reply) => {
      const wire = await openWire();
      const admin = await withAccount(wire.url);
      const { device, code } = await asking(admin);
      wire.intercept = ({ transaction, forward }) => (transaction === "ConnectComplete" ? reply : forward());
      expect((await admin.run("device complete", code)).status).toBe(6);
      // The profile lists it: that is what counts.
      expect(await version(admin)).toEqual([1, 3]);
      expect((await device.ok("device status")).json).toEqual({ status: "accepted", expires: null });
      wire.intercept = undefined;
      expect((await admin.ok("device pending")).json).toMatchObject({ pending: [{ code }] });
      expect((await admin.ok("device complete", code)).json).toMatchObject({ result: "Accepted" });
      expect((await admin.ok("device pending")).json).toEqual({ pending: [] });
      expect(await version(admin)).toEqual([1, 3]);
    },
  );

  test.each(["Publish", "ConnectComplete"])("the answer to %s is lost: again finishes", async (lost) => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    const { device, code } = await asking(admin);
    wire.intercept = async ({ transaction, forward }) => {
      const reply = await forward();
      return transaction === lost ? "drop" : reply;
    };
    expect((await admin.run("device complete", code)).status).toBe(6);
    wire.intercept = undefined;
    expect((await admin.ok("device complete", code)).json).toMatchObject({ result: "Accepted" });
    expect(await version(admin)).toEqual([1, 3]);
    expect((await admin.ok("device pending")).json).toEqual({ pending: [] });
    expect((await device.ok("device status")).json).toEqual({ status: "accepted", expires: null });
  });

  test("the portal knew before we did: what was lost is followed, not made again", async () => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    const { code } = await asking(admin, "desk");
    wire.intercept = async ({ transaction, forward }) => {
      const reply = await forward();
      return transaction === "Publish" ? "drop" : reply;
    };
    expect((await admin.run("device complete --admin", code)).status).toBe(6);
    wire.intercept = undefined;
    expect((await admin.ok("device complete --admin", code)).json).toMatchObject({ device: { admin: true } });
    expect(await version(admin)).toEqual([2, 1]);
  });

  test("removal: the answer is lost, again is done already", async () => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    const phone = await connected(admin);
    const udf = (await phone.ok("profile show")).at("device", "udf");
    wire.intercept = async ({ transaction, forward }) => {
      const reply = await forward();
      return transaction === "Publish" ? "drop" : reply;
    };
    expect((await admin.run("device remove", udf)).status).toBe(6);
    wire.intercept = undefined;
    // There is no such device any more, which is what was wanted.
    expect((await admin.ok("device remove", udf)).json).toMatchObject({ device: { udf }, sequence: 4 });
    expect(await version(admin)).toEqual([1, 4]);
  });
});

describe("device list, show and remove", () => {
  test("list", async () => {
    const admin = await withAccount(filePortal(), "alice@example.com", { deps: { platform: "linux" } });
    const phone = await connected(admin, "phone", [], { deps: { platform: "darwin" } });
    const devices = (current: string): object => ({
      devices: [
        { udf: UDF, name: "laptop", description: "Linux", admin: true, current: current === "laptop", expires: null },
        { udf: UDF, name: "phone", description: "macOS", admin: false, current: current === "phone", expires: null },
      ],
    });
    expect((await admin.ok("device list")).json).toEqual(devices("laptop"));
    expect((await phone.ok("device list")).json).toEqual(devices("phone"));
    const text = await admin.text("device list");
    expect(text).toMatchObject({ status: 0, stderr: "" });
    expect(text.stdout).toMatch(/laptop[\s\S]*phone/);
  });

  test("list and show without the portal: what this device knows, and a warning", async () => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    await connected(admin);
    await wire.stop();
    for (const line of ["device list", "device show phone"]) {
      const outcome = await admin.run(line);
      expect([line, outcome.status, outcome.stderr !== ""]).toEqual([line, 0, true]);
    }
    // A device that has never seen the profile has nothing to show.
    expect((await admin.ok("device list")).json).toMatchObject({ devices: [{ name: "laptop" }, { name: "phone" }] });
  });

  test("show", async () => {
    const admin = await withAccount(filePortal());
    const phone = await connected(admin);
    const jwk = (crv: string): object => ({
      kty: "OKP",
      crv,
      x: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
      kid: UDF,
    });
    const udf = (await phone.ok("profile show")).at("device", "udf");
    const shown = await admin.ok("device show phone");
    expect(shown.json).toEqual({
      device: {
        udf,
        name: "phone",
        description: expect.any(String),
        admin: false,
        current: false,
        expires: null,
        keys: {
          signature: { ...jwk("Ed25519"), kid: udf },
          authentication: jwk("Ed25519"),
          encryption: jwk("X25519"),
          onlineSignature: jwk("Ed25519"),
        },
      },
    });
    expect(shown.stdout).not.toContain('"d"');
    expect((await admin.ok("device show", udf.toLowerCase())).json).toEqual(shown.json);
    expect((await phone.ok("device show")).json).toMatchObject({ device: { udf, current: true } });
    expect(await admin.run("device show toaster")).toMatchObject({ status: 3, code: "device-not-found" });
    expect(await admin.text("device show phone")).toMatchObject({ status: 0, stderr: "" });
  });

  test("remove, by name or fingerprint", async () => {
    const admin = await withAccount(filePortal());
    const [phone, tablet] = [await connected(admin), await connected(admin, "tablet")];
    const udf = (await phone.ok("profile show")).at("device", "udf");
    expect((await admin.ok("device remove phone")).json).toEqual({
      device: { udf, name: "phone" },
      masterSequence: 1,
      sequence: 5,
      applications: [],
    });
    await admin.ok("device remove", (await tablet.ok("profile show")).at("device", "udf"));
    for (const one of [phone, tablet]) {
      expect(await one.run("device status")).toMatchObject({ status: 5, json: { status: "removed" } });
    }
    expect((await admin.ok("device list")).json).toMatchObject({ devices: [{ name: "laptop" }] });
    expect(await admin.run("device remove phone")).toMatchObject({ status: 3, code: "device-not-found" });
    await connected(admin, "third");
    expect(await admin.text("device remove third")).toMatchObject({ status: 0, stderr: "" });
  });

  test("a device cannot remove itself", async () => {
    const admin = await withAccount(filePortal());
    await connected(admin, "desk", ["--admin"]);
    expect(await admin.run("device remove laptop")).toMatchObject({ status: 5, code: "self-removal" });
    expect((await admin.ok("device list")).json).toMatchObject({ devices: [{ name: "laptop" }, { name: "desk" }] });
  });

  test("an administrator: with the master key, a new epoch without it", async () => {
    const admin = await withAccount(filePortal());
    const desk = await connected(admin, "desk", ["--admin"]);
    expect((await admin.ok("device remove desk")).json).toMatchObject({ masterSequence: 3, sequence: 1 });
    expect((await admin.ok("profile show")).json).toMatchObject({ administrators: [{ name: "laptop" }] });
    expect((await desk.run("device status")).json).toMatchObject({ status: "removed" });
  });

  test("an administrator, without the master key: refused, and done with shares", async () => {
    const admin = await withAccount(filePortal());
    const desk = await connected(admin, "desk", ["--admin"]);
    await admin.ok(ERASE);
    for (const [one, other] of [
      [admin, "desk"],
      [desk, "laptop"],
    ] as const) {
      const outcome = await one.run("device remove", other);
      expect(outcome).toMatchObject({ status: 5, code: "master-key-needed" });
      expect(outcome.at("error", "hint")).toMatch(/--share-file.*escrow recover/);
    }
    expect(await version(admin)).toEqual([2, 1]);
    // From the other one, too: it never had the master key.
    expect((await desk.ok("device remove laptop", ...shareFiles(admin, 2, 3))).json).toMatchObject({
      masterSequence: 3,
      sequence: 1,
    });
    expect(await admin.run("device pending")).toMatchObject({ status: 5, code: "not-connected" });
    expect((await desk.ok("device pending")).json).toEqual({ pending: [] });
  });

  test("before there is an account", async () => {
    const admin = machine();
    await admin.ok("profile create --no-passphrase --device-name laptop");
    expect((await admin.ok("device list")).json).toMatchObject({ devices: [{ name: "laptop", current: true }] });
    expect((await admin.ok("device show")).json).toMatchObject({ device: { name: "laptop" } });
    expect(await admin.run("device pending")).toMatchObject({ status: 3, code: "account-not-found" });
    expect(await admin.run("device complete MAUQ-2VXH-NR5A-TZC3-J3KD")).toMatchObject({
      status: 3,
      code: "account-not-found",
    });
    expect(await admin.run("device remove phone")).toMatchObject({ status: 3, code: "device-not-found" });
  });

  test("looking changes nothing on the disk", async () => {
    const admin = await withAccount(filePortal());
    const phone = await connected(admin);
    const before = contentOf(phone.home);
    for (const line of [
      "device list",
      "device show",
      "device show laptop",
      "device status",
      "status",
      "profile verify",
    ]) {
      await phone.ok(line);
    }
    expect(contentOf(phone.home)).toEqual(before);
    expect((await phone.ok("profile show")).json).toMatchObject({ profile: { updated: TIME } });
  });
});
