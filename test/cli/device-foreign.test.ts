import * as fs from "node:fs";
import * as path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { connected, machine, withAccount, type Machine } from "../support/cli.js";
import { openReferencePortal, type ReferencePortal } from "../support/reference-portal.js";

// The portal of 2016 dies of any member that it does not know where it reads a payload, and keeps no order of versions.

let portal: ReferencePortal;
let admin: Machine;

beforeEach(async () => {
  portal = await openReferencePortal();
  admin = await withAccount(portal.url);
});

afterEach(() => expect(portal.deaths).toEqual([]));

const devicesOf = async (of: Machine): Promise<readonly { name: string; udf: string; expires: string | null }[]> =>
  ((await of.ok("device list")).json as { devices: { name: string; udf: string; expires: string | null }[] }).devices;

const namesOf = async (of: Machine): Promise<readonly string[]> => (await devicesOf(of)).map(({ name }) => name);

const keysOf = async (of: Machine): Promise<number> =>
  ((await of.ok("keystore status")).json as { keys: unknown[] }).keys.length;

describe("at a portal of 2016", () => {
  test("a device is renamed and given a time, and leaves when that is over", async () => {
    const phone = await connected(admin);
    await admin.ok("device rename phone telephone");
    await admin.ok("device renew telephone --expires 1m");
    expect(await namesOf(admin)).toEqual(["laptop", "telephone"]);
    // This portal does not show the versions in between.
    const status = "device status --accept-gap";
    expect((await phone.ok(status)).json).toEqual({ status: "accepted", expires: expect.any(String) as string });
    const late = { deps: { now: () => new Date(Date.now() + 2 * 60 * 1000) } };
    expect((await phone.with(late).run(status)).at("status")).toBe("expired");
    await admin.with(late).ok("device rename laptop portable");
    expect(await namesOf(admin)).toEqual(["portable"]);
  });

  test("a device is made for another machine", async () => {
    await admin.ok("device preconfigure --name runner --expires 90d --out runner.json --key-out runner.key");
    const runner = machine();
    for (const name of ["runner.json", "runner.key"]) {
      fs.copyFileSync(path.join(admin.folder, name), path.join(runner.folder, name));
    }
    await runner.ok("device install runner.json --key-file runner.key --no-passphrase");
    expect((await runner.ok("device status")).at("status")).toBe("accepted");
    expect(await namesOf(runner)).toEqual(["laptop", "runner"]);
  });

  test("a device gets new keys by its code", async () => {
    const phone = await connected(admin);
    const asked = await phone.ok("device rotate");
    expect((await phone.run("device status")).status).toBe(8);
    expect((await phone.ok("device rotate")).at("code")).toBe(asked.at("code"));
    expect(portal.pending.get("alice@example.com")).toHaveLength(1);
    await admin.ok("device complete", asked.at("code"));
    expect((await phone.ok("device rotate")).at("status")).toBe("accepted");
    expect(await keysOf(phone)).toBe(4);
    expect((await devicesOf(admin)).map(({ udf }) => udf)).toContain(asked.at("device", "udf"));
    expect(await namesOf(admin)).toEqual(["laptop", "phone"]);
  });

  test("a device is refused new keys, and keeps those that it has", async () => {
    const phone = await connected(admin);
    const asked = await phone.ok("device rotate");
    await admin.ok("device complete", asked.at("code"), "--refuse");
    expect((await phone.run("device rotate")).at("status")).toBe("refused");
    expect((await phone.ok("device status")).at("status")).toBe("accepted");
  });

  test("an administrator gets new keys by the master key", async () => {
    const phone = await connected(admin);
    const done = await admin.ok("device rotate");
    expect(done.at("status")).toBe("accepted");
    expect((await admin.ok("status")).json).toMatchObject({ admin: true, profile: { masterSequence: 2, sequence: 1 } });
    await phone.ok("profile verify");
    await admin.ok("device rename phone telephone");
    expect(await namesOf(phone)).toEqual(["laptop", "telephone"]);
  });
});
