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
  UDF,
  udfOf,
  withAccount,
  type Machine,
} from "../support/cli.js";
import type { PortalResponse } from "../../src/portal/context.js";
import { openWire, refusal } from "../support/wire.js";

const DAY = 24 * 60 * 60 * 1000;
const CONNECT = "device connect alice@example.com --no-passphrase --portal";

/** A clock that stands until it is moved, for everybody who is handed it. */
const clock = (): { now: () => Date; advance: (milliseconds: number) => void } => {
  let time = Date.parse("2026-05-01T12:00:00Z");
  return { now: () => new Date(time), advance: (milliseconds) => (time += milliseconds) };
};

const kidsOf = async (of: Machine): Promise<string[]> =>
  ((await of.ok("keystore status")).json as { keys: { udf: string }[] }).keys.map(({ udf }) => udf).sort();

describe("whose profile it is", () => {
  test("--expect-fingerprint", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    const udf = await udfOf(admin);
    const phone = machine({ deps: { hostname: "phone.example.com" } });
    expect((await phone.ok(CONNECT, portal, "--expect-fingerprint", udf)).json).toEqual({
      status: "pending",
      code: CODE,
      account: "alice@example.com",
      device: { udf: UDF, name: "phone" },
      profile: { udf },
    });
    const loose = udf.toLowerCase().replaceAll("-", " ");
    expect((await machine().ok(CONNECT, portal, "--expect-fingerprint", loose)).json).toMatchObject({
      profile: { udf },
    });
  });

  test("--expect-fingerprint with another one, and with what is none", async () => {
    const portal = filePortal();
    await withAccount(portal);
    const phone = machine();
    for (const [expected, status, code] of [
      ["MDDK-7N6A-727A-JZNO-STRX-XKS7-DJAF", 7, "fingerprint-mismatch"],
      ["MDDK-7N6A-727A-JZNO-STRX", 2, "fingerprint-invalid"],
      ["MDDK-7N6A-727A-JZNO-STRX-XKS7-DJA1", 2, "fingerprint-invalid"],
      ["SDDK-7N6A-727A-JZNO-STRX-XKS7-DJAF", 2, "fingerprint-invalid"],
      ["", 2, "fingerprint-invalid"],
    ] as const) {
      for (const more of [[], ["--trust-on-first-use"]]) {
        const outcome = await phone.run(CONNECT, portal, "--expect-fingerprint", expected, ...more);
        expect([expected, outcome]).toMatchObject([expected, { status, code }]);
      }
    }
    // No key was made.
    expect(fs.existsSync(phone.home)).toBe(false);
  });

  test("the first letters of the right one are not enough for a script", async () => {
    const portal = filePortal();
    const udf = await udfOf(await withAccount(portal));
    const outcome = await machine().run(CONNECT, portal, "--expect-fingerprint", udf.slice(0, 24));
    expect(outcome).toMatchObject({ status: 2, code: "fingerprint-invalid" });
  });

  test("a script that says nothing is told both options, and no key is made", async () => {
    const portal = filePortal();
    await withAccount(portal);
    for (const options of [{}, { tty: true, env: { CI: "true" } }, { tty: true, env: { CI: "1" } }]) {
      const phone = machine(options);
      const outcome = await phone.run(CONNECT, portal);
      expect(outcome).toMatchObject({ status: 2, code: "input-required", asked: [] });
      expect(outcome.at("error", "hint")).toMatch(/--expect-fingerprint.*--trust-on-first-use/);
      expect(fs.existsSync(phone.home)).toBe(false);
    }
    expect(await machine({ tty: true }).run(CONNECT, portal, "--no-input")).toMatchObject({
      status: 2,
      code: "input-required",
    });
    await machine().ok(CONNECT, portal, "--trust-on-first-use");
  });

  test("a person types it, without having been shown it", async () => {
    const portal = filePortal();
    const udf = await udfOf(await withAccount(portal));
    const letters = udf.replaceAll("-", "");
    const prompts = [
      "",
      "MDDK-7N6A-727A-JZNO-STRX-XKS7-DJAF",
      letters.slice(0, 19),
      `${letters.slice(0, 19)}${letters[19] === "A" ? "B" : "A"}`,
      letters.slice(1),
      "y",
      letters.slice(0, 20).toLowerCase(),
    ];
    const phone = machine({ tty: true, prompts });
    const outcome = await phone.ok(CONNECT, portal);
    // One question, seven answers, six of them found wrong.
    expect(outcome.asked).toHaveLength(13);
    for (const text of [...outcome.asked, outcome.stderr]) expect(text).not.toContain(udf.slice(0, 14));
    expect(await udfOf(phone)).toBe(udf);
    // Grouped and whole is as good.
    const whole = machine({ tty: true, prompts: [` ${udf} `] });
    expect((await whole.ok(CONNECT, portal)).asked).toHaveLength(1);
  });

  test("what is known already needs not be said again, and cannot become another", async () => {
    const [portal, other] = [filePortal(), filePortal()];
    const admin = await withAccount(portal);
    await withAccount(other);
    const { device } = await asking(admin);
    expect((await device.ok("device connect alice@example.com")).json).toMatchObject({ status: "pending" });
    expect(await device.run(CONNECT, other, "--trust-on-first-use")).toMatchObject({
      status: 7,
      code: "fingerprint-mismatch",
    });
    expect((await device.ok("profile list")).json).toMatchObject({ profiles: [{ udf: await udfOf(admin) }] });
  });

  test("nobody there", async () => {
    const portal = filePortal();
    await withAccount(portal);
    const phone = machine();
    expect(
      await phone.run("device connect bob@example.com --trust-on-first-use --no-passphrase --portal", portal),
    ).toMatchObject({ status: 3, code: "account-not-found" });
    expect(
      await phone.run("device connect alice@ --trust-on-first-use --no-passphrase --portal", portal),
    ).toMatchObject({
      status: 2,
      code: "address-invalid",
    });
    expect(await phone.run("device connect alice --trust-on-first-use --no-passphrase")).toMatchObject({
      status: 2,
      code: "address-invalid",
    });
    expect(fs.existsSync(phone.home)).toBe(false);
  });
});

describe("the request", () => {
  test("again: the same keys and the same code", async () => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    const { device, code } = await asking(admin);
    const before = await kidsOf(device);
    const again = await device.ok("device connect alice@example.com --device-name other");
    expect(again.json).toMatchObject({ status: "pending", code, device: { name: "phone" } });
    expect(await kidsOf(device)).toEqual(before);
    expect((await admin.ok("device pending")).json).toMatchObject({ pending: [{ code }] });
    expect((await device.run("device status")).json).toEqual({ status: "pending", code, expires: null });
  });

  test("connected already: done", async () => {
    const admin = await withAccount(filePortal());
    const phone = await connected(admin);
    const before = await kidsOf(phone);
    expect((await phone.ok("device connect alice@example.com")).json).toEqual({
      status: "accepted",
      code: null,
      account: "alice@example.com",
      device: { udf: UDF, name: "phone" },
      profile: { udf: await udfOf(admin) },
    });
    expect(await kidsOf(phone)).toEqual(before);
    expect((await admin.ok("device pending")).json).toEqual({ pending: [] });
  });

  test("keys are on disk before anything is sent, and it says nothing but what it must", async () => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    const phone = machine();
    let seen: unknown;
    wire.intercept = ({ transaction, message, forward }) => {
      if (transaction === "ConnectStart") {
        const { SignedRequest } = message as { SignedRequest: { SignedData: { payload: string } } };
        seen = JSON.parse(Buffer.from(SignedRequest.SignedData.payload, "base64url").toString("utf8"));
        expect(fs.existsSync(path.join(phone.home, "keystore.json"))).toBe(true);
        expect(fs.readdirSync(path.join(phone.home, "profiles"))).toHaveLength(1);
      }
      return forward();
    };
    await phone.ok(CONNECT, wire.url, "--trust-on-first-use");
    expect(seen).toEqual({ ConnectionRequest: { ParentUDF: await udfOf(admin), Device: expect.any(Object) } });
  });

  test.each(["before", "after"] as const)("interrupted %s it arrived: again sends the same", async (when) => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    const phone = machine();
    wire.intercept = async ({ transaction, forward }) => {
      if (transaction !== "ConnectStart") return forward();
      if (when === "after") await forward();
      return "drop";
    };
    expect((await phone.run(CONNECT, wire.url, "--trust-on-first-use")).status).toBe(6);
    const before = await kidsOf(phone);
    wire.intercept = undefined;
    const again = await phone.ok("device connect alice@example.com");
    expect(await kidsOf(phone)).toEqual(before);
    const { pending } = (await admin.ok("device pending")).json as { pending: { code: string }[] };
    expect(pending.map(({ code }) => code)).toEqual([again.at("code")]);
  });

  test("refused: it says so, and the next one has new keys and a new code", async () => {
    const admin = await withAccount(filePortal());
    const { device, code } = await asking(admin);
    await admin.ok("device complete --refuse", code);
    const before = await kidsOf(device);
    expect(await device.run("device status")).toMatchObject({ status: 5, json: { status: "refused" } });
    const again = await device.ok("device connect alice@example.com");
    expect(again.json).toMatchObject({ status: "pending" });
    expect(again.at("code")).not.toBe(code);
    const after = await kidsOf(device);
    expect(after).toHaveLength(before.length);
    expect(after.filter((kid) => before.includes(kid))).toEqual([]);
    await admin.ok("device complete", again.at("code"));
    expect((await device.ok("device status")).json).toEqual({ status: "accepted", expires: null });
    expect((await device.ok("profile list")).json).toMatchObject({ profiles: [{ name: "default" }] });
  });

  test("lapsed after 24 hours", async () => {
    const time = clock();
    const options = { deps: { now: time.now } };
    const admin = await withAccount(filePortal(), "alice@example.com", options);
    const { device, code } = await asking(admin, "phone", options);
    time.advance(DAY - 1000);
    expect(await device.run("device status")).toMatchObject({ status: 8, json: { status: "pending", code } });
    expect((await device.ok("device connect alice@example.com")).at("code")).toBe(code);
    time.advance(2000);
    expect(await device.run("device status")).toMatchObject({ status: 5, json: { status: "expired" } });
    expect((await admin.ok("device pending")).json).toEqual({ pending: [] });
    expect(await admin.run("device complete", code)).toMatchObject({ status: 3, code: "request-not-found" });
    const again = await device.ok("device connect alice@example.com");
    expect(again.at("code")).not.toBe(code);
    await admin.ok("device complete", again.at("code"));
    expect((await device.ok("device status")).json).toEqual({ status: "accepted", expires: null });
  });

  test("removed: it says so, and joins again as a new device", async () => {
    const admin = await withAccount(filePortal());
    const phone = await connected(admin);
    const before = await kidsOf(phone);
    await admin.ok("device remove phone");
    expect(await phone.run("device status")).toMatchObject({ status: 5, json: { status: "removed" } });
    // What this device knows of itself follows.
    expect((await phone.ok("status")).json).toMatchObject({ connected: false, admin: false });
    const again = await phone.ok("device connect alice@example.com --device-name phone");
    expect((await kidsOf(phone)).filter((kid) => before.includes(kid))).toEqual([]);
    await admin.ok("device complete", again.at("code"));
    expect((await phone.ok("device status")).json).toEqual({ status: "accepted", expires: null });
    expect((await admin.ok("device list")).json).toMatchObject({ devices: [{ name: "laptop" }, { name: "phone" }] });
  });

  test("a home with other profiles gains one more, named after the account", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    const phone = machine();
    const own = (await phone.ok("profile create --no-passphrase --name own")).at("profile", "udf");
    await phone.ok(CONNECT, portal, "--trust-on-first-use");
    expect((await phone.ok("profile list")).json).toMatchObject({
      profiles: [
        { udf: own, name: "own", default: true },
        { udf: await udfOf(admin), name: "alice@example.com", default: false },
      ],
    });
    // Neither is in the way of the other.
    expect((await phone.run("device status --profile alice@example.com")).json).toMatchObject({ status: "pending" });
    expect((await phone.run("device status --account alice@example.com")).json).toMatchObject({ status: "pending" });
    expect((await phone.ok("profile show")).at("profile", "name")).toBe("own");
  });

  test("a name that is too long, or none", async () => {
    const portal = filePortal();
    await withAccount(portal);
    for (const name of ["", "x".repeat(65), "a\nb"]) {
      expect(await machine().run(CONNECT, portal, "--trust-on-first-use", "--device-name", name)).toMatchObject({
        status: 2,
        code: "usage",
      });
    }
  });

  test("a passphrase protects the keys that are made", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    const phone = machine();
    const connect = "device connect alice@example.com --trust-on-first-use --portal";
    expect(await phone.run(connect, portal)).toMatchObject({ status: 2, code: "input-required" });
    expect(fs.existsSync(phone.home)).toBe(false);
    const asked = await phone.ok(connect, portal, "--passphrase-file", put(phone, "secret", "correct horse battery"));
    // Looking on needs none.
    expect((await phone.run("device status")).json).toEqual({
      status: "pending",
      code: asked.at("code"),
      expires: null,
    });
    await admin.ok("device complete", asked.at("code"));
    expect((await phone.ok("device status")).json).toEqual({ status: "accepted", expires: null });
    expect((await phone.ok("keystore status")).json).toMatchObject({ protection: "passphrase", locked: true });
  });

  test("as text: the code, and what to type where", async () => {
    const portal = filePortal();
    await withAccount(portal);
    const phone = machine();
    const outcome = await phone.text(CONNECT, portal, "--trust-on-first-use");
    expect(outcome.status).toBe(0);
    const code = (await phone.run("device status")).at("code");
    expect(outcome.stdout + outcome.stderr).toContain(`meshman device complete ${code}`);
    expect(outcome.stdout).toContain(code);
    const status = await phone.text("device status");
    expect(status).toMatchObject({ status: 8, stderr: "" });
    expect(status.stdout).toContain(code);
  });

  test("never asked", async () => {
    const admin = machine();
    await admin.ok("profile create --no-passphrase");
    expect((await admin.ok("device status")).json).toEqual({ status: "accepted", expires: null });
    expect(await machine().run("device status")).toMatchObject({ status: 3 });
  });
});

describe("--wait", () => {
  /** A machine on which something happens while it waits, instead of time going by. */
  const waiting = (meanwhile: (slept: number) => Promise<unknown>): Machine => {
    let time = Date.now();
    return machine({
      deps: {
        now: () => new Date(time),
        sleep: async (milliseconds) => {
          time += milliseconds;
          await meanwhile(milliseconds);
        },
      },
    });
  };
  const answer = async (admin: Machine, ...words: string[]): Promise<void> => {
    const { pending } = (await admin.ok("device pending")).json as { pending: { code: string }[] };
    for (const { code } of pending) await admin.ok("device complete", code, ...words);
  };

  test("accepted", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    const phone = waiting(() => answer(admin));
    const outcome = await phone.run(CONNECT, portal, "--trust-on-first-use --wait 60");
    expect(outcome).toMatchObject({ status: 2, code: "usage" });
    const second = await phone.run(CONNECT, portal, "--trust-on-first-use", "--wait", "60");
    expect(second).toMatchObject({ status: 0, json: { status: "accepted", code: CODE, device: { udf: UDF } } });
    // The code is shown while it waits.
    expect(second.stderr).toContain(second.at("code"));
    expect((await phone.ok("status")).json).toMatchObject({ connected: true, pendingWork: [] });
  });

  test("refused", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    const phone = waiting(() => answer(admin, "--refuse"));
    expect(await phone.run(CONNECT, portal, "--trust-on-first-use", "--wait")).toMatchObject({
      status: 5,
      code: undefined,
      json: { status: "refused" },
    });
  });

  test("still pending, after exactly that long", async () => {
    const portal = filePortal();
    await withAccount(portal);
    let slept = 0;
    const phone = waiting(async (milliseconds) => (slept += milliseconds));
    expect(await phone.run(CONNECT, portal, "--trust-on-first-use", "--wait", "60")).toMatchObject({
      status: 8,
      json: { status: "pending", code: CODE },
    });
    expect(slept).toBe(60_000);
    // In text mode the result is on standard output, and only there.
    const text = await phone.text("device connect alice@example.com --wait 1");
    expect(text.status).toBe(8);
    expect(text.stdout).not.toBe("");
    expect(text.stderr).not.toMatch(/^error/m);
  });

  test("no time at all: one look, with the status of a wait", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    const phone = machine();
    const first = await phone.run(CONNECT, portal, "--trust-on-first-use", "--wait", "0");
    expect(first).toMatchObject({ status: 8, json: { status: "pending" } });
    await admin.ok("device complete", first.at("code"));
    expect((await phone.ok("device connect alice@example.com --wait 0")).json).toMatchObject({ status: "accepted" });
  });

  test("connected already", async () => {
    const admin = await withAccount(filePortal());
    const phone = await connected(admin);
    expect((await phone.ok("device connect alice@example.com --wait 5")).json).toMatchObject({ status: "accepted" });
  });

  test("interrupted", async () => {
    const portal = filePortal();
    await withAccount(portal);
    const controller = new AbortController();
    const phone = machine({
      deps: {
        signal: controller.signal,
        sleep: async () => {
          controller.abort();
          throw new Error("aborted");
        },
      },
    });
    expect(await phone.run(CONNECT, portal, "--trust-on-first-use", "--wait")).toMatchObject({
      status: 130,
      code: "interrupted",
    });
  });
});

test("the administrator itself is connected", async () => {
  const admin = await withAccount(filePortal());
  expect((await admin.ok("device connect alice@example.com")).json).toMatchObject({
    status: "accepted",
    device: { name: "laptop" },
  });
});

test("a portal that moved: the connected device learns where it is now", async () => {
  const [old, fresh] = [await openWire(), await openWire()];
  const admin = await withAccount(old.url);
  const phone = await connected(admin);
  await admin.ok("account create alice@example.com --portal", fresh.url);
  await old.stop();
  expect((await phone.run("device status")).status).toBe(6);
  await phone.ok("device connect alice@example.com --portal", fresh.url);
  expect((await phone.ok("device status")).json).toEqual({ status: "accepted", expires: null });
});

test("a further account of the profile that a connected device is told of", async () => {
  const [one, two] = [await openWire(), await openWire()];
  const admin = await withAccount(one.url);
  const desk = await connected(admin, "desk", ["--admin"]);
  await admin.ok("account create alice@example.org --portal", two.url);
  // The second portal begins with a version whose predecessors it does not have; the desk has seen the current one.
  await desk.ok("device pending");
  await desk.ok("device connect alice@example.org --trust-on-first-use --portal", two.url);
  expect((await desk.ok("account list")).json).toMatchObject({
    accounts: [
      { account: "alice@example.com", portal: one.url },
      { account: "alice@example.org", portal: two.url },
    ],
  });
  // So what it publishes goes there as well.
  await connected(desk, "phone");
  expect((await desk.ok("account status alice@example.org")).json).toMatchObject(
    (({ masterSequence, sequence }) => ({ masterSequence, sequence }))(
      (await desk.ok("account status alice@example.com")).json as Record<string, number>,
    ),
  );
});

test("an older version of the profile, in which the device is missing, does not cost it its keys", async () => {
  const wire = await openWire({ logless: true });
  const admin = await withAccount(wire.url);
  const kept = new Map<string, PortalResponse>();
  wire.intercept = async ({ transaction, message, forward }) => {
    const reply = await forward();
    if (transaction === "Get") kept.set(JSON.stringify(message), reply);
    return reply;
  };
  const { device, code } = await asking(admin);
  wire.intercept = undefined;
  await admin.ok("device complete", code);
  await device.ok("device status");
  await device.ok("device list");
  await device.ok("device connect alice@example.com");
  const before = contentOf(device.home);
  wire.intercept = ({ transaction, message, forward }) =>
    (transaction === "Get" ? kept.get(JSON.stringify(message)) : undefined) ?? forward();
  expect(await device.run("device connect alice@example.com")).toMatchObject({ status: 7, code: "rollback" });
  expect(contentOf(device.home)).toEqual(before);
  wire.intercept = undefined;
  expect((await device.ok("device status")).json).toEqual({ status: "accepted", expires: null });
});

test("a portal that has lost the request: it is posted again", async () => {
  const wire = await openWire({ logless: true });
  const admin = await withAccount(wire.url);
  const { device, code } = await asking(admin);
  wire.intercept = ({ transaction, forward }) => (transaction === "ConnectStatus" ? refusal(404) : forward());
  // The portal says that it knows of no request: still pending, as far as anybody can tell.
  expect(await device.run("device status")).toMatchObject({ status: 8 });
  wire.intercept = undefined;
  expect((await device.ok("device connect alice@example.com")).at("code")).toBe(code);
});
