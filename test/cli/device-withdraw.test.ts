import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import { connected, filePortal, machine, put, TIME, UDF, withAccount, type Machine } from "../support/cli.js";
import { openWire } from "../support/wire.js";

interface Shown {
  readonly id: string;
  readonly state: string;
  readonly uses: number;
  readonly devices: readonly { readonly name: string }[];
}
const invitesOf = async (of: Machine): Promise<readonly Shown[]> =>
  ((await of.ok("device invites")).json as { invites: Shown[] }).invites;

/** A machine that asks with the PIN in a file of the administrator's. */
const askingWith = async (admin: Machine, portal: string, file: string, name: string): Promise<Machine> => {
  const device = machine();
  put(device, "pin", fs.readFileSync(path.join(admin.folder, file), "utf8"));
  const line = "device connect alice@example.com --no-passphrase --pin-file pin --device-name";
  await device.ok(line, name, "--portal", portal);
  return device;
};

describe("device invites", () => {
  test("shows what is public of every invite, and who has joined", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    expect(await invitesOf(admin)).toEqual([]);
    const made = await admin.ok("device invite --uses 3 --expires 1h --device-expires 90d --name runner --out pin");
    const shown = {
      id: made.at("id"),
      name: "runner",
      uses: 3,
      created: TIME,
      expires: made.at("expires"),
      admin: false,
      deviceLifetime: 90 * 24 * 60 * 60,
      applications: [],
      state: "open",
      devices: [],
    };
    expect(await invitesOf(admin)).toEqual([shown]);
    const runner = await askingWith(admin, portal, "pin", "one");
    await admin.ok("device approve");
    // Any device may look.
    expect(await invitesOf(runner)).toEqual([{ ...shown, uses: 2, devices: [{ udf: UDF, name: "runner" }] }]);
    const later = admin.with({ deps: { now: () => new Date(Date.now() + 2 * 60 * 60 * 1000) } });
    expect(await invitesOf(later)).toMatchObject([{ state: "expired" }]);
    await admin.ok("device invite --out second");
    await askingWith(admin, portal, "second", "two");
    await admin.ok("device approve");
    expect((await invitesOf(admin)).map(({ state, uses }) => [state, uses])).toEqual([
      ["open", 2],
      ["used-up", 0],
    ]);
    const text = (await admin.text("device invites")).stdout;
    expect(text).toContain(made.at("id"));
    expect(text).not.toContain(fs.readFileSync(path.join(admin.folder, "pin"), "utf8").slice(0, 9));
  });
});

describe("device withdraw", () => {
  test("ends an invite, so that nobody joins by its PIN", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    const first = await admin.ok("device invite --uses 3 --out pin");
    const second = await admin.ok("device invite --out other");
    const runner = await askingWith(admin, portal, "pin", "one");
    await admin.ok("device approve");
    const waiting = await askingWith(admin, portal, "pin", "two");
    const done = await admin.ok("device withdraw", first.at("id").toLowerCase());
    expect(done.json).toEqual({
      invite: first.at("id"),
      devices: [{ udf: UDF, name: "one" }],
      masterSequence: 1,
      sequence: 6,
    });
    expect((await invitesOf(admin)).map(({ id }) => id)).toEqual([second.at("id")]);
    // Who asked before it was withdrawn is not let in either.
    expect((await admin.ok("device approve")).json).toMatchObject({ approved: [], left: [{ reason: "unknown" }] });
    expect((await waiting.run("device status")).at("status")).toBe("pending");
    const late = machine();
    put(late, "pin", fs.readFileSync(path.join(admin.folder, "pin"), "utf8"));
    const refused = await late.run("device connect alice@example.com --no-passphrase --pin-file pin --portal", portal);
    expect([refused.code, refused.status]).toEqual(["invite-unknown", 5]);
    // Those that have joined stay, until they are removed.
    expect((await runner.ok("device status")).at("status")).toBe("accepted");
  });

  test("names the devices that have joined, with the command that removes each", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    const { id } = (await admin.ok("device invite --uses 3 --out pin")).json as { id: string };
    await askingWith(admin, portal, "pin", "one");
    await admin.ok("device approve");
    const { stdout } = await admin.text("device withdraw", id);
    const [, command = ""] = /meshman (device remove \S+) /.exec(stdout) ?? [];
    await admin.ok(command);
    expect((await admin.ok("device list")).json).toMatchObject({ devices: [{ name: "laptop" }] });
  });

  test("names a device that has changed its keys since", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    const { id } = (await admin.ok("device invite --uses 3 --out pin")).json as { id: string };
    const one = await askingWith(admin, portal, "pin", "one");
    await admin.ok("device approve");
    const rotated = (await one.ok("device rotate")).at("device", "udf");
    await admin.ok("device approve");
    expect((await admin.ok("device withdraw", id)).json).toMatchObject({ devices: [{ udf: rotated, name: "one" }] });
  });

  test("refuses what is no invite, and other devices than administrators", async () => {
    const admin = await withAccount(filePortal());
    const phone = await connected(admin);
    const { id } = (await admin.ok("device invite --out pin")).json as { id: string };
    expect((await phone.run("device withdraw", id)).code).toBe("not-administrator");
    const unknown = await admin.run("device withdraw MDDK-7N6A-727A-JZNO-STRX-XKS7-DJAF");
    expect([unknown.code, unknown.status]).toEqual(["record-not-found", 3]);
    expect((await admin.run("device withdraw nothing")).code).toBe("fingerprint-invalid");
    expect(await invitesOf(admin)).toHaveLength(1);
  });

  test("is finished by the same command where the answer was lost", async () => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    const { id } = (await admin.ok("device invite --out pin")).json as { id: string };
    wire.intercept = async ({ transaction, forward }) => {
      const reply = await forward();
      return transaction === "Publish" ? "drop" : reply;
    };
    expect((await admin.run("device withdraw", id)).status).toBe(6);
    wire.intercept = undefined;
    expect((await admin.ok("device withdraw", id)).json).toMatchObject({ invite: id, sequence: 4 });
    expect(await invitesOf(admin)).toEqual([]);
  });
});
