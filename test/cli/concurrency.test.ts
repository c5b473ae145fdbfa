import { describe, expect, test } from "vitest";
import { asking, connected, filePortal, machine, withAccount, type Machine } from "../support/cli.js";
import { openWire } from "../support/wire.js";

const names = async (of: Machine): Promise<string[]> =>
  ((await of.ok("device list")).json as { devices: { name: string }[] }).devices.map(({ name }) => name).sort();

const version = async (of: Machine): Promise<unknown> => {
  const { masterSequence, sequence } = (await of.ok("account status")).json as Record<string, number>;
  return [masterSequence, sequence];
};

describe("two administration devices at once", () => {
  test("the second is told 409, makes its change again, and both changes are there", async () => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    const desk = await connected(admin, "desk", ["--admin"]);
    const [one, two] = [await asking(admin, "phone"), await asking(admin, "tablet")];
    let raced = false;
    wire.intercept = async ({ transaction, forward }) => {
      if (transaction === "Publish" && !raced) {
        raced = true;
        // In the moment between reading and publishing the other one is faster.
        await desk.ok("device complete", two.code);
      }
      return forward();
    };
    await admin.ok("device complete", one.code);
    wire.intercept = undefined;
    expect(raced).toBe(true);
    expect(await names(admin)).toEqual(["desk", "laptop", "phone", "tablet"]);
    expect(await version(admin)).toEqual([2, 3]);
    for (const { device } of [one, two])
      expect((await device.ok("device status")).json).toEqual({ status: "accepted", expires: null });
    for (const each of [admin, desk]) expect((await each.ok("profile verify")).json).toMatchObject({ ok: true });
  });

  test("really at once, many times over", async () => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    const desk = await connected(admin, "desk", ["--admin"]);
    const waiting = [];
    for (const name of ["a", "b", "c", "d"]) waiting.push(await asking(admin, name));
    const outcomes = await Promise.all(
      waiting.map(({ code }, index) => (index % 2 === 0 ? admin : desk).run("device complete", code)),
    );
    expect(outcomes.map(({ status }) => status)).toEqual([0, 0, 0, 0]);
    expect(await names(admin)).toEqual(["a", "b", "c", "d", "desk", "laptop"]);
    expect(await version(admin)).toEqual([2, 5]);
  });

  test("a removal and an addition", async () => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    const desk = await connected(admin, "desk", ["--admin"]);
    await connected(admin, "phone");
    const { code } = await asking(admin, "tablet");
    let raced = false;
    wire.intercept = async ({ transaction, forward }) => {
      if (transaction === "Publish" && !raced) {
        raced = true;
        await desk.ok("device remove phone");
      }
      return forward();
    };
    await admin.ok("device complete", code);
    wire.intercept = undefined;
    expect(await names(desk)).toEqual(["desk", "laptop", "tablet"]);
  });

  test("the other removes it as well: done already", async () => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    const desk = await connected(admin, "desk", ["--admin"]);
    await connected(admin, "phone");
    let raced = false;
    wire.intercept = async ({ transaction, forward }) => {
      if (transaction === "Publish" && !raced) {
        raced = true;
        await desk.ok("device remove phone");
      }
      return forward();
    };
    expect((await admin.ok("device remove phone")).json).toMatchObject({ device: { name: "phone" } });
    wire.intercept = undefined;
    expect(await names(admin)).toEqual(["desk", "laptop"]);
    expect(await version(admin)).toEqual([2, 3]);
  });

  test("the other makes a new epoch that removes this one: it administers nothing any more", async () => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    const desk = await connected(admin, "desk", ["--admin"]);
    const { device, code } = await asking(admin, "phone");
    let raced = false;
    wire.intercept = async ({ transaction, forward }) => {
      if (transaction === "Publish" && !raced) {
        raced = true;
        await admin.ok("device remove desk");
      }
      return forward();
    };
    const outcome = await desk.run("device complete", code);
    wire.intercept = undefined;
    expect(outcome).toMatchObject({ status: 5, code: "not-connected" });
    expect(await names(admin)).toEqual(["laptop"]);
    expect((await device.run("device status")).status).toBe(8);
  });

  test("five conflicts in a row: exit 5", async () => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    const desk = await connected(admin, "desk", ["--admin"]);
    const { code } = await asking(admin, "phone");
    const others: Awaited<ReturnType<typeof asking>>[] = [];
    for (const name of ["a", "b", "c", "d", "e"]) others.push(await asking(admin, name));
    let busy = false;
    let attempts = 0;
    wire.intercept = async ({ transaction, forward }) => {
      const next = others[attempts];
      if (transaction === "Publish" && !busy && next) {
        attempts++;
        busy = true;
        await desk.ok("device complete", next.code);
        busy = false;
      }
      return forward();
    };
    expect(await admin.run("device complete", code)).toMatchObject({ status: 5, code: "conflict" });
    expect(attempts).toBe(5);
    wire.intercept = undefined;
    expect(await names(admin)).toEqual(["a", "b", "c", "d", "desk", "e", "laptop"]);
    // Again, and it works.
    await admin.ok("device complete", code);
    expect(await names(admin)).toContain("phone");
  });

  test("four conflicts in a row are overcome", async () => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    const desk = await connected(admin, "desk", ["--admin"]);
    const { code } = await asking(admin, "phone");
    const others: Awaited<ReturnType<typeof asking>>[] = [];
    for (const name of ["a", "b", "c", "d"]) others.push(await asking(admin, name));
    let busy = false;
    wire.intercept = async ({ transaction, forward }) => {
      if (transaction === "Publish" && !busy) {
        const next = others.shift();
        busy = true;
        if (next) await desk.ok("device complete", next.code);
        busy = false;
      }
      return forward();
    };
    await admin.ok("device complete", code);
    expect(await names(admin)).toEqual(["a", "b", "c", "d", "desk", "laptop", "phone"]);
  });
});

describe("two commands on one home", () => {
  test("connections that are completed at once are all there", async () => {
    const admin = await withAccount(filePortal());
    const waiting = [];
    for (const name of ["a", "b", "c"]) waiting.push(await asking(admin, name));
    const outcomes = await Promise.all(waiting.map(({ code }) => admin.run("device complete", code)));
    expect(outcomes.map(({ status }) => status)).toEqual([0, 0, 0]);
    expect(await names(admin)).toEqual(["a", "b", "c", "laptop"]);
    expect((await admin.ok("profile verify")).json).toMatchObject({ ok: true, profile: { sequence: 5 } });
  });

  test("accounts that are created at once are all there", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    await Promise.all(["b", "c"].map((name) => admin.ok("account create", `${name}@example.com`)));
    const { accounts } = (await admin.ok("account list")).json as { accounts: { account: string }[] };
    expect(accounts.map(({ account }) => account).sort()).toEqual([
      "alice@example.com",
      "b@example.com",
      "c@example.com",
    ]);
    expect((await admin.ok("profile verify")).json).toMatchObject({ accounts: { length: 3 } });
  });

  test("one asks to be connected twice at once: one request", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    const phone = machine();
    const words = ["device connect alice@example.com --no-passphrase --trust-on-first-use --portal", portal] as const;
    const outcomes = await Promise.all([phone.ok(...words), phone.ok(...words)]);
    expect(new Set(outcomes.map((outcome) => outcome.at("code"))).size).toBe(1);
    expect((await admin.ok("device pending")).json).toMatchObject({ pending: { length: 1 } });
    expect(((await phone.ok("profile list")).json as { profiles: object[] }).profiles).toHaveLength(1);
  });

  test("everything at once", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    const { code } = await asking(admin);
    const outcomes = await Promise.all([
      admin.run("device complete", code),
      admin.run("profile create --no-passphrase --name second"),
      admin.run("keystore passwd --no-passphrase"),
      admin.run("escrow split --shares 3 --threshold 2"),
      admin.run("profile use default"),
      admin.run("status"),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual([0, 0, 0, 0, 0, 0]);
    expect(await names(admin)).toEqual(["laptop", "phone"]);
    expect((await admin.ok("profile list")).json).toMatchObject({ profiles: { length: 2 } });
    await admin.ok("profile revocation --out note");
    await admin.ok("profile revocation --out other --profile second");
  });
});
