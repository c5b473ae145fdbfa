import { describe, expect, test } from "vitest";
import { openWire } from "../support/wire.js";
import { asking, connected, filePortal, machine, TIME, UDF, withAccount, type Machine } from "../support/cli.js";

const HOUR = 60 * 60 * 1000;
const DAY = 24 * HOUR;

interface Listed {
  readonly name: string;
  readonly expires: string | null;
}
const devicesOf = async (of: Machine): Promise<readonly Listed[]> =>
  ((await of.ok("device list")).json as { devices: Listed[] }).devices;

/** The same machine at another time. */
const later = (of: Machine, milliseconds: number): Machine =>
  of.with({ deps: { now: () => new Date(Date.now() + milliseconds) } });

describe("device renew", () => {
  test("says how long a device stays, and takes it back", async () => {
    const admin = await withAccount(filePortal());
    const phone = await connected(admin);
    const done = await admin.ok("device renew phone --expires 90d");
    expect(done.json).toEqual({
      device: { udf: UDF, name: "phone", expires: TIME },
      masterSequence: 1,
      sequence: 4,
    });
    const expires = done.at("device", "expires");
    expect(Math.abs(Date.parse(expires) - Date.now() - 90 * DAY)).toBeLessThan(60_000);
    expect(await devicesOf(phone)).toMatchObject([
      { name: "laptop", expires: null },
      { name: "phone", expires },
    ]);
    expect((await phone.ok("device show")).json).toMatchObject({ device: { expires } });
    expect((await phone.ok("device status")).json).toEqual({ status: "accepted", expires });
    expect((await phone.ok("status")).json).toMatchObject({ connected: true, device: { expires } });
    expect((await admin.ok("device renew phone --never")).json).toMatchObject({
      device: { expires: null },
      sequence: 5,
    });
    expect((await phone.ok("device show")).json).toMatchObject({ device: { expires: null } });
    expect((await admin.ok("device renew phone --never")).json).toMatchObject({ sequence: 5 });
  });

  test("is shown in a column of its own, where there is any", async () => {
    const admin = await withAccount(filePortal());
    await connected(admin);
    const before = (await admin.text("device list")).stdout;
    expect(before).not.toContain("LAPSES");
    await admin.ok("device renew phone --expires 90d");
    const after = (await admin.text("device list")).stdout;
    expect(after).toContain("LAPSES");
    expect((await admin.text("device show phone")).stdout).toMatch(/UTC/);
    expect((await admin.text("device show laptop")).stdout).not.toMatch(/UTC/);
    expect((await later(admin, 91 * DAY).text("device list")).stdout).not.toBe(after);
  });

  test.each([
    ["neither how long nor never", "device renew phone", "usage", 2],
    ["both", "device renew phone --expires 1h --never", "usage", 2],
    ["no duration", "device renew phone --expires soon", "usage", 2],
    ["less than a minute", "device renew phone --expires 59s", "usage", 2],
    ["more than ten years", "device renew phone --expires 3651d", "usage", 2],
    ["no such device", "device renew tablet --never", "device-not-found", 3],
    ["an administrator", "device renew laptop --expires 1h", "usage", 2],
  ])("refuses %s", async (_, line, code, status) => {
    const admin = await withAccount(filePortal());
    await connected(admin);
    const refused = await admin.run(line);
    expect([refused.code, refused.status]).toEqual([code, status]);
    expect((await devicesOf(admin)).map(({ expires }) => expires)).toEqual([null, null]);
  });

  test("lets an administrator stay for good, as ever", async () => {
    const admin = await withAccount(filePortal());
    expect((await admin.ok("device renew laptop --never")).json).toMatchObject({ device: { expires: null } });
    const phone = await connected(admin);
    expect((await phone.run("device renew phone --never")).code).toBe("not-administrator");
    expect((await machine().run("device renew phone --never")).code).toBe("profile-not-found");
  });

  test("says nothing any more of a device that becomes an administrator", async () => {
    const admin = await withAccount(filePortal());
    const { device, code } = await asking(admin);
    await admin.ok("device complete", code);
    await admin.ok("device renew phone --expires 1h");
    expect((await device.ok("device status")).json).toMatchObject({ expires: TIME });
    await admin.ok("device complete", code, "--admin");
    expect((await device.ok("device status")).json).toEqual({ status: "accepted", expires: null });
  });
});

describe("a device whose time is over", () => {
  test("is no device any more, by everybody's own clock", async () => {
    const admin = await withAccount(filePortal());
    const phone = await connected(admin);
    const expires = (await admin.ok("device renew phone --expires 1h")).at("device", "expires");
    await phone.ok("device status");

    const late = later(phone, 2 * HOUR);
    const status = await late.run("device status");
    expect([status.status, status.json]).toEqual([5, { status: "expired", expires }]);
    expect((await late.ok("status")).json).toMatchObject({ connected: false, device: { expires } });
    const refused = await late.run("account create second@example.com");
    expect([refused.code, refused.status]).toEqual(["device-expired", 5]);
    // To one whose clock is right it is connected still.
    expect((await phone.ok("device status")).json).toEqual({ status: "accepted", expires });
  });

  test("leaves the profile with the next change, whatever it is about, and that is said", async () => {
    const admin = await withAccount(filePortal());
    const phone = await connected(admin);
    await connected(admin, "tablet");
    await admin.ok("device renew phone --expires 1h");
    const late = later(admin, 2 * HOUR);
    expect((await devicesOf(late)).map(({ name }) => name)).toEqual(["laptop", "phone", "tablet"]);
    const changed = await late.ok("device rename tablet slate");
    expect(changed.stderr).toContain("phone");
    expect(changed.stderr).not.toContain("tablet");
    expect((await devicesOf(late)).map(({ name }) => name)).toEqual(["laptop", "slate"]);
    expect((await later(phone, 2 * HOUR).run("device status")).at("status")).toBe("removed");
    expect((await late.ok("device rename slate board")).stderr).toBe("");
  });

  test("can be renewed as long as it is in the profile", async () => {
    const admin = await withAccount(filePortal());
    const phone = await connected(admin);
    await admin.ok("device renew phone --expires 1h");
    const late = later(admin, 2 * HOUR);
    const renewed = await late.ok("device renew phone --expires 1h");
    expect(renewed.stderr).toBe("");
    expect((await later(phone, 2 * HOUR).ok("device status")).at("status")).toBe("accepted");
  });

  test("joins again with new keys", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    const phone = await connected(admin);
    const before = (await phone.ok("device show")).at("device", "udf");
    await admin.ok("device renew phone --expires 1h");
    const [lateAdmin, latePhone] = [later(admin, 2 * HOUR), later(phone, 2 * HOUR)];
    const asked = await latePhone.ok("device connect alice@example.com --no-passphrase --portal", portal);
    expect(asked.at("status")).toBe("pending");
    await lateAdmin.ok("device complete", asked.at("code"));
    expect((await latePhone.ok("device status")).json).toEqual({ status: "accepted", expires: null });
    expect((await latePhone.ok("device show")).at("device", "udf")).not.toBe(before);
    expect(await devicesOf(lateAdmin)).toHaveLength(2);
  });
});

test("a clock that is far from the portal's drops no device for good", async () => {
  const wire = await openWire({ logless: true });
  const admin = await withAccount(wire.url);
  await connected(admin);
  await admin.ok("device renew phone --expires 1h");
  const ahead = later(admin, 2 * HOUR);
  expect(await ahead.run("device renew laptop --never")).toMatchObject({ status: 0 });
  expect(await ahead.run("device rename laptop desk")).toMatchObject({ status: 5, code: "clock-skew" });
  expect((await devicesOf(admin)).map(({ name }) => name)).toEqual(["laptop", "phone"]);
  // A clock that is right a minute later drops what has lapsed.
  await admin.ok("device renew phone --expires 1m");
  await later(admin, 120_000).ok("device rename laptop desk");
  expect((await devicesOf(admin)).map(({ name }) => name)).toEqual(["desk"]);
});
