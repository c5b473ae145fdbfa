import * as fs from "node:fs";
import * as path from "node:path";
import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { openHome } from "../../src/keystore/home.js";
import { unlockKeystore } from "../../src/keystore/keystore.js";
import { createConnectionRequest } from "../../src/mesh/connection.js";
import { createDevice, generateDeviceKeys, nextPersonal } from "../../src/mesh/profile.js";
import { readPersonal } from "../../src/mesh/records/personal.js";
import { openEmbeddedPortal } from "../../src/portal/embedded.js";
import { asking, connected, filePortal, machine, udfOf, withAccount, type Machine } from "../support/cli.js";
import { testDeps } from "../support/deps.js";

// What an owner can still do when a device, an administration device even, or a portal is in the wrong hands.

const shareFiles = (of: Machine, ...indexes: number[]): string[] =>
  indexes.flatMap((index) => ["--share-file", path.join(of.folder, "shares", `share-${index}-of-3.txt`)]);

describe("an owner whom a stolen administrator has unlisted", () => {
  test("takes the profile back with the master key on this machine, without shares", async () => {
    const owner = await withAccount(filePortal());
    const thief = await connected(owner, "phone", ["--admin"]);
    // The thief's program keeps to no rule of ours: without the master key in the way, it simply drops the owner's device.
    const shown = await owner.ok("profile show");
    const portalFile = shown.at("accounts", 0, "portal").replace(/^file:/, "");
    const home = openHome(testDeps(), path.join(thief.folder, "home"));
    const keystore = await unlockKeystore(home);
    const kid = keystore.facts.find(({ use }) => use === "online-signature")?.kid ?? "";
    const exported = JSON.parse((await thief.ok("profile export")).stdout) as { SignedPersonalProfile: unknown };
    const current = readPersonal(exported.SignedPersonalProfile);
    const own = current.devices.filter((device) => device.onlineSignatureKey.udf === kid);
    const next = nextPersonal(keystore.get(kid, "online-signature"), current, { devices: own }, new Date());
    const deps = testDeps();
    const portal = await openEmbeddedPortal(portalFile, {
      now: () => deps.now(),
      random: (length) => deps.random(length),
    });
    const body = Buffer.from(JSON.stringify({ PublishRequest: { Entry: { SignedPersonalProfile: next.record } } }));
    const request = { method: "POST", path: "/.well-known/mmm/", headers: {}, body, address: "embedded" };
    expect((await portal.handle({ ...request, authority: portal.authority })).status).toBe(201);
    await portal.close();

    expect((await owner.run("device pending")).code).toBe("not-connected");
    const recovered = await owner.ok("escrow recover --new-epoch --device-name laptop");
    expect(recovered.json).toMatchObject({ identifier: null, threshold: null, masterSequence: 3, published: true });
    expect((await thief.run("device pending")).code).toBe("not-administrator");
    expect((await owner.ok("device list")).json).toMatchObject({
      devices: expect.arrayContaining([expect.objectContaining({ name: "phone", admin: false })]),
    });
  });
});

describe("a recovery", () => {
  test("goes on without a portal that has nothing good to show", async () => {
    const [good, bad] = [filePortal(), filePortal()];
    const owner = await withAccount(good);
    await owner.ok("account create alice@example.org --portal", bad);
    await owner.ok("escrow split --shares 3 --threshold 2 --out shares");
    await owner.ok("account delete alice@example.org --confirm alice@example.org");
    const desk = machine();
    const outcome = await desk.ok(
      "escrow recover --no-passphrase --account alice@example.com --portal",
      good,
      ...shareFiles(owner, 1, 3),
    );
    expect(outcome.json).toMatchObject({ masterSequence: 2, published: false });
    expect((await desk.ok("profile show")).json).toMatchObject({
      profile: { masterSequence: 2 },
      device: { admin: true },
    });
    expect((await owner.run("device pending")).code).toBe("not-administrator");
  });

  test("shows a device's name as text, whatever is in it", async () => {
    const portal = filePortal();
    const owner = await withAccount(portal);
    // A program of the device's own may call it anything.
    const keys = generateDeviceKeys(randomBytes);
    const hostile = createDevice(keys, "x\n  touch /tmp/pwned\u001b[31m", "", new Date());
    const asked = createConnectionRequest(hostile, await udfOf(owner), keys.signature);
    const open = await openEmbeddedPortal(portal.replace(/^file:/, ""), { now: () => new Date(), random: randomBytes });
    const body = Buffer.from(
      JSON.stringify({ ConnectStartRequest: { SignedRequest: asked.record, AccountID: "alice@example.com" } }),
    );
    const request = { method: "POST", path: "/.well-known/mmm/", headers: {}, body, address: "embedded" };
    expect((await open.handle({ ...request, authority: open.authority })).status).toBe(201);
    await open.close();
    await owner.ok("device complete", asked.code);
    await owner.ok("escrow split --shares 3 --threshold 2 --out shares");
    const desk = machine();
    const recover = "escrow recover --no-passphrase --account alice@example.com --portal";
    const { stdout } = await desk.text(`${recover} ${portal}`, ...shareFiles(owner, 1, 2));
    expect(stdout).not.toContain("\u001b");
    expect(stdout.split("\n").filter((line) => line.includes("touch") && !line.includes("device remove"))).toEqual([]);
  });
});

describe("escrow split without files", () => {
  test("gives the entry too, with which the shares are good without the portal", async () => {
    const owner = await withAccount(filePortal());
    const { json } = await owner.ok("escrow split --shares 2 --threshold 2 --erase-master");
    const { shares, entry } = json as { shares: string[]; entry: object };
    const desk = machine();
    fs.mkdirSync(desk.folder, { recursive: true });
    const files = shares.map((share, index) => {
      const file = path.join(desk.folder, `share-${index}`);
      fs.writeFileSync(file, `${share}\n`, { mode: 0o600 });
      return ["--share-file", file];
    });
    fs.writeFileSync(path.join(desk.folder, "entry.json"), JSON.stringify(entry), { mode: 0o600 });
    const file = path.join(desk.folder, "entry.json");
    const verified = await desk.ok("escrow verify --entry-file", file, ...files.flat());
    expect(verified.json).toMatchObject({ profile: { udf: await udfOf(owner) }, threshold: 2 });
  });
});

describe("a request at a further account", () => {
  test("is listed and completed without naming the account", async () => {
    const [first, second] = [filePortal(), filePortal()];
    const owner = await withAccount(first);
    await owner.ok("account create alice@example.org --portal", second);
    const device = machine();
    const { json } = await device.ok(
      "device connect alice@example.org --no-passphrase --device-name tv --portal",
      second,
      ...["--expect-fingerprint", await udfOf(owner)],
    );
    const { code } = json as { code: string };
    expect((await owner.ok("device pending")).json).toMatchObject({
      pending: [{ code, account: "alice@example.org" }],
    });
    expect((await owner.ok("device complete", code)).json).toMatchObject({ result: "Accepted" });
    expect((await device.ok("device status")).json).toMatchObject({ status: "accepted" });
    expect((await owner.ok("account status alice@example.org")).json).toMatchObject({ portal: second });
  });
});

describe("a revocation that was seen", () => {
  test("is not forgotten by device connect", async () => {
    const owner = await withAccount(filePortal());
    const { device } = await asking(owner);
    await owner.ok("profile revocation --out note.json");
    await owner.ok("profile revoke note.json --yes");
    expect((await device.run("device status")).code).toBe("profile-revoked");
    const again = await device.run("device connect alice@example.com --trust-on-first-use");
    expect(again.code).toBe("profile-revoked");
  });
});
