import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import { openPortal } from "../../src/client/client.js";
import { startConnection } from "../../src/client/profiles.js";
import { parsePortal } from "../../src/client/target.js";
import type { Deps } from "../../src/deps.js";
import { createConnectionRequest, readConnectionRequest, type ConnectionRequest } from "../../src/mesh/connection.js";
import { encodePin, parsePin, proveInvitation } from "../../src/mesh/invite.js";
import { createDevice, generateDeviceKeys, type DeviceClaims, type DeviceKeys } from "../../src/mesh/profile.js";
import { signRecord } from "../../src/mesh/jose.js";
import { readDevice, type Device } from "../../src/mesh/records/device.js";
import { readPersonal, type Invite } from "../../src/mesh/records/personal.js";
import { createRotation } from "../../src/mesh/rotation.js";
import {
  asking,
  CODE,
  connected,
  filePortal,
  machine,
  put,
  UDF,
  udfOf,
  withAccount,
  type Machine,
  type Outcome,
  type RunOptions,
} from "../support/cli.js";
import { testDeps } from "../support/deps.js";
import { faultyFiles } from "../support/faults.js";
import { openReferencePortal } from "../support/reference-portal.js";
import { random } from "../support/portal.js";
import { answer, openWire, refusal } from "../support/wire.js";

const ACCOUNT = "alice@example.com";
const MINUTE = 60_000;

const clock = () => {
  let time = Date.parse("2026-05-01T12:00:00Z");
  const options: RunOptions = { deps: { now: () => new Date(time) } };
  return { options, advance: (milliseconds: number) => (time += milliseconds) };
};

const names = async (of: Machine): Promise<string[]> =>
  ((await of.ok("device list")).json as { devices: { name: string }[] }).devices.map(({ name }) => name).sort();

const invites = async (of: Machine): Promise<readonly Invite[]> => {
  await of.ok("account status");
  const { json } = await of.ok("profile export");
  return readPersonal((json as { SignedPersonalProfile: unknown }).SignedPersonalProfile).invites;
};

const version = async (of: Machine): Promise<unknown> => {
  const { masterSequence, sequence } = (await of.ok("account status")).json as Record<string, number>;
  return [masterSequence, sequence];
};

const invite = async (of: Machine, words = ""): Promise<string> => (await of.ok(`device invite ${words}`)).at("pin");

/** A new machine that asks with a PIN. */
const joining = async (
  portal: string,
  pin: string,
  name = "phone",
  options: RunOptions = {},
): Promise<{ device: Machine; code: string }> => {
  const device = machine(options);
  put(device, "pin", pin);
  const line = `device connect ${ACCOUNT} --no-passphrase --pin-file pin --device-name ${name} --portal`;
  return { device, code: (await device.ok(line, portal)).at("code") };
};

interface Told {
  readonly approved: readonly {
    readonly code: string;
    readonly account: string;
    readonly device: { readonly udf: string; readonly name: string; readonly admin: boolean };
    readonly invite: string | null;
    readonly replaces: { readonly udf: string; readonly name: string } | null;
  }[];
  readonly left: readonly { readonly code: string; readonly account: string; readonly reason: string }[];
}

const told = ({ json }: Outcome): Told => json as Told;

const approve = async (of: Machine, ...words: readonly string[]): Promise<Told> =>
  told(await of.ok("device approve", ...words));

/** Posts a request to a portal, as anybody may. */
const post = async (
  portal: string,
  account: string,
  request: ConnectionRequest,
  { deps }: RunOptions = {},
): Promise<void> => {
  const target = parsePortal(portal, { allowHttp: false, localPath: "", cwd: "/" });
  const client = await openPortal(testDeps(deps), target, { timeout: 10_000 });
  try {
    await startConnection(client, account, request);
  } finally {
    await client.close();
  }
};

interface PostOptions {
  readonly account?: string;
  readonly name?: string;
  readonly keys?: DeviceKeys;
  readonly options?: RunOptions;
}

/** Posts a request of a device that is made here, and gives its keys. */
const postDevice = async (
  portal: string,
  profile: string,
  claims: (keys: DeviceKeys) => DeviceClaims,
  { account = ACCOUNT, name = "made", keys = generateDeviceKeys(random), options }: PostOptions = {},
): Promise<{ keys: DeviceKeys; device: Device; code: string }> => {
  const device = createDevice(keys, name, "", testDeps(options?.deps).now(), claims(keys));
  const request = createConnectionRequest(device, profile, keys.signature);
  await post(portal, account, request, options);
  return { keys, device, code: request.code };
};

/** The request that a machine has made. */
const requestOf = (of: Machine): ConnectionRequest => {
  const folder = path.join(of.home, "profiles");
  const [file = ""] = fs.readdirSync(folder);
  const state = JSON.parse(fs.readFileSync(path.join(folder, file), "utf8")) as { connecting: { request: unknown } };
  return readConnectionRequest(state.connecting.request);
};

describe("device approve", () => {
  test("lets in who shows the PIN, under the name and for the time that the invite gives, and nobody else", async () => {
    const { options } = clock();
    const portal = filePortal();
    const admin = await withAccount(portal, ACCOUNT, options);
    expect((await admin.ok("device approve")).json).toEqual({ approved: [], left: [] });
    const made = await admin.ok("device invite --name robot --device-expires 90d");
    const { device, code } = await joining(portal, made.at("pin"), "phone", options);
    const other = await asking(admin, "tablet", options);
    const before = await version(admin);
    expect((await admin.ok("device approve")).json).toEqual({
      approved: [
        {
          code,
          account: ACCOUNT,
          device: { udf: UDF, name: "robot", admin: false },
          invite: made.at("id"),
          replaces: null,
        },
      ],
      left: [{ code: other.code, account: ACCOUNT, device: { udf: UDF, name: "tablet" }, reason: "no-proof" }],
    });
    expect(await version(admin)).toEqual([1, Number((before as number[])[1]) + 1]);
    expect((await device.ok("device status")).json).toMatchObject({ status: "accepted" });
    expect((await device.ok("device connect", ACCOUNT, "--portal", portal)).json).toMatchObject({
      status: "accepted",
      device: { name: "robot" },
    });
    expect((await other.device.run("device status")).status).toBe(8);
    expect(await invites(admin)).toMatchObject([{ Id: made.at("id"), Uses: 0 }]);
    const { json } = await admin.ok("profile export");
    const { entries } = readPersonal((json as { SignedPersonalProfile: unknown }).SignedPersonalProfile);
    expect(entries).toMatchObject([{ Name: "robot", NotOnOrAfter: "2026-07-30T12:00:00Z" }]);
    expect((await admin.ok("profile verify")).json).toMatchObject({ ok: true });
    // The one that was left can still be completed by hand.
    await admin.ok("device complete", other.code);
  });

  test("as text: each device and what became of it", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    expect((await admin.text("device approve")).stdout).not.toBe("");
    const { code } = await joining(portal, await invite(admin), "phone");
    const other = await asking(admin, "tablet");
    const { stdout, status } = await admin.text("device approve");
    expect(status).toBe(0);
    for (const part of [code, "phone", other.code, "tablet"]) expect(stdout).toContain(part);
  });

  test("is for administrators", async () => {
    const admin = await withAccount(filePortal());
    const phone = await connected(admin);
    expect(await phone.run("device approve")).toMatchObject({ status: 5, code: "not-administrator" });
    expect(await machine().run("device approve")).toMatchObject({ status: 3, code: "profile-not-found" });
    expect(await admin.run("device approve --for 1m")).toMatchObject({ status: 2, code: "usage" });
    expect(await admin.run("device approve --watch --for 1")).toMatchObject({ status: 2, code: "usage" });
  });

  test("three uses, five devices: the first three that asked", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    const pin = await invite(admin, "--uses 3");
    const all = [];
    for (const name of ["a", "b", "c", "d", "e"]) all.push(await joining(portal, pin, name));
    const { approved, left } = await approve(admin);
    expect(approved.map(({ device }) => device.name)).toEqual(["a", "b", "c"]);
    expect(left.map(({ code, reason }) => [code, reason])).toEqual([
      [all[3]?.code, "used-up"],
      [all[4]?.code, "used-up"],
    ]);
    expect(await names(admin)).toEqual(["a", "b", "c", "laptop"]);
    expect(await invites(admin)).toMatchObject([{ Uses: 0 }]);
    expect((await admin.ok("device pending")).json).toMatchObject({
      pending: [{ proof: "used-up" }, { proof: "used-up" }],
    });
  });

  test("one use, two devices that ask at once", async () => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    const pin = await invite(admin);
    await Promise.all([joining(wire.url, pin, "a"), joining(wire.url, pin, "b")]);
    const { approved, left } = await approve(admin);
    expect([approved.length, left.length, left[0]?.reason]).toEqual([1, 1, "used-up"]);
    expect(await names(admin)).toHaveLength(2);
  });

  test("too late, wrong, unknown, and asked at another account", async () => {
    const { options, advance } = clock();
    const portal = filePortal();
    const admin = await withAccount(portal, ACCOUNT, options);
    await admin.ok("account create alice@second.example --portal", portal);
    const profile = await udfOf(admin);
    const [pin, replayed] = [parsePin(await invite(admin)), await invite(admin)];
    const late = await joining(portal, await invite(admin, "--expires 1m"), "late", options);
    const guessed = parsePin(encodePin({ pin: Buffer.alloc(16, 1), profile }));
    const second = "alice@second.example";
    const made = (claims: (udf: string) => DeviceClaims, account = ACCOUNT) =>
      postDevice(portal, profile, ({ signature }) => claims(signature.kid), { account, options });
    // With a PIN of its own under the name of the right invite; with one that is no invite's; with the proof of another device.
    const wrong = await made((udf) => {
      const { Id } = proveInvitation(pin, ACCOUNT, udf);
      return { invitation: { ...proveInvitation(guessed, ACCOUNT, udf), Id } };
    });
    const unknown = await made((udf) => ({ invitation: proveInvitation(guessed, ACCOUNT, udf) }));
    const borrowed = await made(() => ({ invitation: proveInvitation(pin, ACCOUNT, wrong.device.udf) }));
    const elsewhere = await made((udf) => ({ invitation: proveInvitation(pin, ACCOUNT, udf) }), second);
    const other = await joining(portal, replayed, "other", options);
    await post(portal, second, requestOf(other.device), options);
    advance(MINUTE);
    const expected = [
      [late.code, ACCOUNT, "expired"],
      [wrong.code, ACCOUNT, "wrong"],
      [unknown.code, ACCOUNT, "unknown"],
      [borrowed.code, ACCOUNT, "wrong"],
      [elsewhere.code, second, "wrong"],
    ];
    const { pending } = (await admin.ok("device pending")).json as {
      pending: { code: string; account: string; proof: string }[];
    };
    expect(pending.map(({ code, account, proof }) => [code, account, proof])).toEqual([
      ...expected.slice(0, 4),
      [other.code, ACCOUNT, "valid"],
      expected[4],
      [other.code, second, "wrong"],
    ]);
    const { approved, left } = await approve(admin);
    expect(left.map(({ code, account, reason }) => [code, account, reason])).toEqual(expected);
    // Whoever is let in at one account is in, and the copy of its request is answered as well.
    expect(new Set(approved.map(({ code }) => code))).toEqual(new Set([other.code]));
    expect(await names(admin)).toEqual(["laptop", "other"]);
    expect((await invites(admin)).map(({ Uses }) => Uses)).toEqual([1, 0, 1]);
  });

  test("asked at another account alone, the request of a device lets nobody in", async () => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    await admin.ok("account create alice@second.example --portal", wire.url);
    const { device, code } = await joining(wire.url, await invite(admin));
    const request = requestOf(device);
    await admin.ok("device complete --refuse", code);
    await post(wire.url, "alice@second.example", request);
    expect(await approve(admin)).toMatchObject({ approved: [], left: [{ code, reason: "wrong" }] });
  });

  test("who was removed does not come back by the same request, nor by the same PIN", async () => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    const pin = await invite(admin, "--uses 5");
    const { device } = await joining(wire.url, pin);
    const request = requestOf(device);
    await approve(admin);
    await admin.ok("device remove phone");
    expect(await invites(admin)).toEqual([]);
    await post(wire.url, ACCOUNT, request);
    expect(await approve(admin)).toMatchObject({ approved: [], left: [{ reason: "unknown" }] });
    put(device, "again", pin);
    const outcome = await device.run(`device connect ${ACCOUNT} --pin-file again`);
    expect(outcome).toMatchObject({ status: 5, code: "invite-unknown" });
  });

  test("nor does who was given new keys before, nor the old keys of such a device", async () => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    const pin = await invite(admin, "--uses 5");
    const { device } = await joining(wire.url, pin);
    const request = requestOf(device);
    await approve(admin);
    await device.ok("device rotate");
    await approve(admin);
    await device.ok("device rotate");
    await post(wire.url, ACCOUNT, request);
    expect(await approve(admin)).toMatchObject({ approved: [], left: [{ reason: "used-up" }] });
    await admin.ok("device remove phone");
    expect(await invites(admin)).toEqual([]);
    expect(await approve(admin)).toMatchObject({ approved: [], left: [{ reason: "unknown" }] });
  });

  test("nor whose time is over; removed after that, it takes its invite along", async () => {
    const { options, advance } = clock();
    const portal = filePortal();
    const admin = await withAccount(portal, ACCOUNT, options);
    const pin = await invite(admin, "--uses 5 --expires 30d --device-expires 1h");
    const { device } = await joining(portal, pin, "phone", options);
    const request = requestOf(device);
    await approve(admin);
    advance(61 * MINUTE);
    await admin.ok("device invite");
    expect(await names(admin)).toEqual(["laptop"]);
    await post(portal, ACCOUNT, request, options);
    expect(await approve(admin)).toMatchObject({ approved: [], left: [{ reason: "used-up" }] });
    await joining(portal, pin, "tablet", options);
    await approve(admin);
    advance(61 * MINUTE);
    await admin.ok("device remove tablet");
    expect((await invites(admin)).map(({ Uses }) => Uses)).toEqual([1]);
  });

  test("with the administrator that is removed go the invites that it knows", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    const desk = await connected(admin, "desk", ["--admin"]);
    const pins = [await invite(admin, "--uses 2"), await invite(desk)];
    const phone = await joining(portal, pins[0] ?? "");
    await admin.ok("device remove desk");
    expect(await invites(admin)).toEqual([]);
    expect(await approve(admin)).toMatchObject({ approved: [], left: [{ code: phone.code, reason: "unknown" }] });
  });

  test("completed by hand, an invite has one use less all the same", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    const pin = await invite(admin, "--uses 2 --name robot --device-expires 1d");
    const one = await joining(portal, pin, "one");
    const two = await joining(portal, pin, "two");
    const three = await joining(portal, pin, "three");
    expect((await admin.ok("device complete", one.code)).json).toMatchObject({ device: { name: "robot" } });
    await admin.ok("device complete --admin --name boss", two.code);
    expect(await invites(admin)).toMatchObject([{ Uses: 0 }]);
    expect(await approve(admin)).toMatchObject({ approved: [], left: [{ reason: "used-up" }] });
    // A person's word is enough without one.
    expect((await admin.ok("device complete", three.code)).json).toMatchObject({ device: { name: "three" } });
    expect(await names(admin)).toEqual(["boss", "laptop", "robot", "three"]);
    expect((await admin.ok("profile verify")).json).toMatchObject({ ok: true });
  });

  test("a device that says so much that others would not fit is left to a person", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    const profile = await udfOf(admin);
    const pin = parsePin(await invite(admin, "--uses 2"));
    const keys = generateDeviceKeys(random);
    const invitation = proveInvitation(pin, ACCOUNT, keys.signature.kid);
    const { record } = createDevice(keys, "wordy", "", new Date(), { invitation });
    const payload = JSON.parse(Buffer.from(record.SignedData.payload, "base64url").toString("utf8")) as {
      DeviceProfile: object;
    };
    const wordy = { ...payload.DeviceProfile, Words: "x".repeat(64 * 1024) };
    const device = readDevice(signRecord(keys.signature.kid, "DeviceProfile", wordy, keys.signature));
    const request = createConnectionRequest(device, profile, keys.signature);
    await post(portal, ACCOUNT, request);
    expect(await approve(admin)).toMatchObject({ approved: [], left: [{ code: request.code, reason: "too-large" }] });
    expect((await invites(admin)).map(({ Uses }) => Uses)).toEqual([2]);
    await admin.ok("device complete", request.code);
    expect(await names(admin)).toEqual(["laptop", "wordy"]);
  });

  test("the name that a device has chosen makes no line of its own in what is said of it", async () => {
    const { options, advance } = clock();
    const portal = filePortal();
    const admin = await withAccount(portal, ACCOUNT, options);
    const pin = await invite(admin, "--device-expires 1h");
    const claims = ({ signature }: DeviceKeys): DeviceClaims => ({
      invitation: proveInvitation(parsePin(pin), ACCOUNT, signature.kid),
    });
    await postDevice(portal, await udfOf(admin), claims, { name: "x\nerror: run this", options });
    await approve(admin);
    advance(61 * MINUTE);
    const { stderr } = await admin.text("device invite");
    expect(stderr).toContain("x\\u000aerror: run this\n");
  });

  test("a device that has a key of another one is left, and the others are not kept from coming", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    const profile = await udfOf(admin);
    const pin = await invite(admin, "--uses 9");
    const proof = ({ signature }: DeviceKeys) => ({
      invitation: proveInvitation(parsePin(pin), ACCOUNT, signature.kid),
    });
    const first = await postDevice(portal, profile, proof, { name: "first" });
    const { encryption } = first.keys;
    const copy = { ...generateDeviceKeys(random), encryption };
    const twin = await postDevice(portal, profile, proof, { name: "twin", keys: copy });
    await joining(portal, pin);
    const { approved, left } = await approve(admin);
    expect(approved.map(({ device }) => device.name)).toEqual(["first", "phone"]);
    expect(left).toMatchObject([{ code: twin.code, reason: "wrong" }]);
  });
});

describe("an invite for administrators", () => {
  test("where the master key is here", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    const open = await invite(admin, "--uses 2");
    const { device } = await joining(portal, await invite(admin, "--admin"));
    expect(await approve(admin)).toMatchObject({ approved: [{ device: { name: "phone", admin: true } }], left: [] });
    expect(await version(admin)).toEqual([2, 1]);
    await device.ok("device status");
    expect((await device.ok("status")).json).toMatchObject({ admin: true });
    // The new administrator judges by the invites that were there before.
    await joining(portal, open, "tablet");
    expect(await approve(device)).toMatchObject({ approved: [{ device: { name: "tablet", admin: false } }] });
    expect((await admin.ok("profile verify")).json).toMatchObject({ ok: true });
  });

  test("where it is not: left, until shares are given", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    await admin.ok("escrow split --shares 3 --threshold 2 --out shares --erase-master");
    const { device, code } = await joining(portal, await invite(admin, "--admin"));
    const plain = await joining(portal, await invite(admin), "plain");
    expect(await approve(admin)).toMatchObject({
      approved: [{ code: plain.code }],
      left: [{ code, reason: "master-key-needed" }],
    });
    const share = (n: number) => ["--share-file", path.join(admin.folder, "shares", `share-${n}-of-3.txt`)];
    expect(await admin.run("device approve", ...share(1))).toMatchObject({ status: 7, code: "share-missing" });
    expect(await approve(admin, ...share(1), ...share(3))).toMatchObject({
      approved: [{ code, device: { admin: true } }],
      left: [],
    });
    await device.ok("device status");
    await device.ok("device pending");
  });
});

describe("a device that takes the place of another", () => {
  /** A device that was made here and let in, with its keys. */
  const member = async (portal: string, admin: Machine, words: readonly string[] = []) => {
    const made = await postDevice(portal, await udfOf(admin), () => ({}), { name: "old" });
    await admin.ok("device complete", made.code, ...words);
    return made;
  };
  const successor = (portal: string, profile: string, old: DeviceKeys, name = "new") =>
    postDevice(
      portal,
      profile,
      ({ signature }) => ({ replaces: createRotation(old.signature, signature.kid, profile) }),
      { name },
    );

  test("is approved without a PIN, in one version in which the old one is gone", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    const profile = await udfOf(admin);
    const old = await member(portal, admin, ["--name", "phone"]);
    const next = await successor(portal, profile, old.keys);
    const replaces = { udf: old.device.udf, name: "phone" };
    expect((await admin.ok("device pending")).json).toMatchObject({
      pending: [{ code: next.code, proof: null, rotation: "valid", replaces }],
    });
    const before = (await version(admin)) as number[];
    expect(await approve(admin)).toEqual({
      approved: [
        {
          code: next.code,
          account: ACCOUNT,
          device: { udf: next.device.udf, name: "phone", admin: false },
          invite: null,
          replaces,
        },
      ],
      left: [],
    });
    expect(await version(admin)).toEqual([1, Number(before[1]) + 1]);
    expect(await names(admin)).toEqual(["laptop", "phone"]);
    // Once.
    const second = await successor(portal, profile, old.keys, "another");
    expect(await approve(admin)).toMatchObject({ approved: [], left: [{ code: second.code, reason: "unknown" }] });
    expect((await admin.ok("device pending")).json).toMatchObject({
      pending: [{ rotation: "unknown", replaces: null }],
    });
    expect((await admin.text("device pending")).stdout).toContain(second.code);
  });

  test("is replaced by hand as well, and called what the administrator says", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    const old = await member(portal, admin);
    const next = await successor(portal, await udfOf(admin), old.keys);
    expect((await admin.ok("device complete --name phone", next.code)).json).toEqual({
      result: "Accepted",
      device: { udf: next.device.udf, name: "phone", admin: false },
      replaces: { udf: old.device.udf, name: "old" },
      applications: [],
    });
    expect(await names(admin)).toEqual(["laptop", "phone"]);
    // Again: done already.
    expect((await admin.ok("device complete", next.code)).json).toMatchObject({ device: { name: "phone" } });
  });

  test("an administrator: by hand, with the master key", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    const profile = await udfOf(admin);
    const old = await member(portal, admin, ["--admin"]);
    const next = await successor(portal, profile, old.keys);
    await admin.ok("escrow split --shares 2 --threshold 2 --out shares --erase-master");
    const shares = [1, 2].flatMap((n) => ["--share-file", path.join(admin.folder, "shares", `share-${n}-of-2.txt`)]);
    for (const words of [[], shares]) {
      expect(await approve(admin, ...words)).toMatchObject({ approved: [], left: [{ reason: "master-key-needed" }] });
    }
    expect(await admin.run("device complete", next.code)).toMatchObject({ status: 5, code: "master-key-needed" });
    expect(await names(admin)).toEqual(["laptop", "old"]);
    expect((await admin.ok("device complete", next.code, ...shares)).json).toMatchObject({
      device: { udf: next.device.udf, name: "old", admin: true },
      replaces: { udf: old.device.udf },
    });
    expect(await names(admin)).toEqual(["laptop", "old"]);
    expect(((await version(admin)) as number[])[0]).toBe(3);
    expect((await admin.ok("profile verify")).json).toMatchObject({ ok: true });
  });

  test("without that one's word it is not let in, not even beside it", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    const profile = await udfOf(admin);
    const old = await member(portal, admin);
    const pin = parsePin(await invite(admin));
    const { signature: thief } = generateDeviceKeys(random);
    const forged = await postDevice(portal, profile, ({ signature }) => ({
      invitation: proveInvitation(pin, ACCOUNT, signature.kid),
      replaces: { ...createRotation(thief, signature.kid, profile), DeviceUDF: old.device.udf },
    }));
    expect((await admin.ok("device pending")).json).toMatchObject({
      pending: [{ proof: "valid", rotation: "wrong", replaces: null }],
    });
    expect(await approve(admin)).toMatchObject({ approved: [], left: [{ code: forged.code, reason: "wrong" }] });
    expect(await admin.run("device complete", forged.code)).toMatchObject({ status: 7, code: "signature-invalid" });
    await admin.ok("device complete --refuse", forged.code);
    // Of a device that is gone: a person may let it in as a new one, and is told.
    await admin.ok("device remove old");
    const late = await successor(portal, profile, old.keys, "late");
    const outcome = await admin.ok("device complete", late.code);
    expect(outcome.json).not.toHaveProperty("replaces");
    expect(outcome.stderr).not.toBe("");
    expect(await names(admin)).toEqual(["laptop", "late"]);
  });
});

describe("two administrators at once", () => {
  test("one use, one device in", async () => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    const desk = await connected(admin, "desk", ["--admin"]);
    const pin = await invite(admin);
    const a = await joining(wire.url, pin, "a");
    const b = await joining(wire.url, pin, "b");
    let raced = false;
    const other: Told[] = [];
    wire.intercept = async ({ transaction, forward }) => {
      if (transaction === "Publish" && !raced) {
        raced = true;
        // In the moment between reading and publishing the other one lets the other device in: `a` is gone by then.
        await desk.ok("device complete --refuse", a.code);
        other.push(await approve(desk));
      }
      return forward();
    };
    const mine = await approve(admin);
    wire.intercept = undefined;
    expect(other).toMatchObject([{ approved: [{ code: b.code }], left: [] }]);
    expect(mine).toMatchObject({ approved: [], left: [{ code: a.code, reason: "used-up" }] });
    expect(await names(admin)).toEqual(["b", "desk", "laptop"]);
    expect(await invites(admin)).toMatchObject([{ Uses: 0 }]);
  });

  test("really at once, many times over: never more than the invite says", async () => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    const desk = await connected(admin, "desk", ["--admin"]);
    for (let round = 0; round < 3; round++) {
      const pin = await invite(admin, "--uses 2");
      for (const name of ["a", "b", "c"]) await joining(wire.url, pin, `${name}${round}`);
      const outcomes = await Promise.all([admin, desk, admin].map((of) => of.ok("device approve")));
      expect(outcomes.flatMap((outcome) => told(outcome).approved).length).toBeGreaterThanOrEqual(2);
      expect(await names(admin)).toHaveLength(2 + 2 * (round + 1));
      const { pending } = (await admin.ok("device pending")).json as { pending: { code: string }[] };
      expect(pending).toHaveLength(1);
      await admin.ok("device complete --refuse", pending[0]?.code ?? "");
    }
    expect((await admin.ok("profile verify")).json).toMatchObject({ ok: true });
  });

  test("the same device: whoever tells it first, both say that it is in or nothing", async () => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    const desk = await connected(admin, "desk", ["--admin"]);
    const { device, code } = await joining(wire.url, await invite(admin));
    let raced = false;
    const other: Told[] = [];
    wire.intercept = async ({ transaction, forward }) => {
      if (transaction === "ConnectComplete" && !raced) {
        raced = true;
        other.push(await approve(desk));
      }
      return forward();
    };
    const mine = await approve(admin);
    wire.intercept = undefined;
    expect(mine).toMatchObject({ approved: [{ code }], left: [] });
    expect(other).toMatchObject([{ approved: [{ code }], left: [] }]);
    expect((await device.ok("device status")).json).toMatchObject({ status: "accepted" });
    expect((await admin.ok("device complete", code)).json).toMatchObject({ result: "Accepted" });
  });
});

describe("interrupted", () => {
  test.each(["before", "after"])("ConnectComplete is lost %s it was done: the next run finishes it", async (when) => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    const { device, code } = await joining(wire.url, await invite(admin));
    wire.intercept = async ({ transaction, forward }) => {
      if (transaction !== "ConnectComplete") return forward();
      if (when === "after") await forward();
      return "drop";
    };
    expect(await admin.run("device approve")).toMatchObject({ status: 6, code: "portal-unreachable" });
    wire.intercept = undefined;
    const after = await version(admin);
    const { approved, left } = await approve(admin);
    expect(left).toEqual([]);
    expect(approved).toMatchObject(when === "before" ? [{ code, invite: UDF }] : []);
    expect(await version(admin)).toEqual(after);
    expect((await admin.ok("device pending")).json).toEqual({ pending: [] });
    expect((await device.ok("device status")).json).toMatchObject({ status: "accepted" });
    expect(await invites(admin)).toMatchObject([{ Uses: 0 }]);
  });

  test("at any change of the disk: run again, it is as if it had not been", async () => {
    for (let n = 1, died = true; died; n += 5) {
      const portal = filePortal();
      const admin = await withAccount(portal);
      const pin = await invite(admin, "--uses 3");
      const devices = [await joining(portal, pin, "a"), await joining(portal, pin, "b")];
      const files = faultyFiles(testDeps().fs, n, "crash");
      await admin.with({ deps: { fs: files.fs } }).run("device approve");
      died = files.operations().length >= n;
      expect(await approve(admin)).toMatchObject({ left: [] });
      expect([n, await names(admin)]).toEqual([n, ["a", "b", "laptop"]]);
      expect([n, await invites(admin)]).toMatchObject([n, [{ Uses: 1 }]]);
      expect((await admin.ok("device pending")).json).toEqual({ pending: [] });
      for (const { device } of devices) {
        expect((await device.ok("device status")).json).toMatchObject({ status: "accepted" });
      }
    }
  });

  test("by a device that is listed, but asks with another profile of itself: left alone", async () => {
    const portal = await openReferencePortal();
    const admin = await withAccount(portal.url);
    const profile = await udfOf(admin);
    const first = await postDevice(portal.url, profile, () => ({}), { name: "first" });
    await admin.ok("device complete", first.code);
    await postDevice(portal.url, profile, () => ({}), { name: "other name", keys: first.keys });
    expect(await approve(admin)).toMatchObject({ approved: [], left: [{ code: first.code, reason: "wrong" }] });
  });
});

describe("device approve --watch", () => {
  const WATCH = "device approve --watch";

  /** Lets something happen in each pause, and ends the program after the last. */
  const pauses = (...steps: readonly (() => Promise<unknown>)[]): { deps: Partial<Deps>; slept: number[] } => {
    const controller = new AbortController();
    const slept: number[] = [];
    const rest = [...steps];
    const sleep: Deps["sleep"] = async (milliseconds, signal) => {
      if (signal) return;
      slept.push(milliseconds);
      const step = rest.shift();
      if (step) {
        await step();
        return;
      }
      controller.abort();
      throw new Error("aborted");
    };
    return { deps: { sleep, signal: controller.signal }, slept };
  };

  test("lets in who comes, says so at once, and ends with the whole", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    const pin = await invite(admin, "--uses 2");
    const devices: { device: Machine; code: string }[] = [];
    const join = (name: string) => async () => devices.push(await joining(portal, pin, name));
    const { deps, slept } = pauses(
      join("a"),
      async () => undefined,
      join("b"),
      async () => devices.push(await asking(admin, "c")),
      async () => undefined,
    );
    const outcome = await admin.with({ deps }).run(WATCH);
    const codes = devices.map(({ code }) => code);
    expect(outcome).toMatchObject({
      status: 0,
      stderr: "",
      json: {
        approved: [{ code: codes[0] }, { code: codes[1] }],
        left: [{ code: codes[2], reason: "no-proof" }],
      },
    });
    expect(slept).toEqual(slept.map(() => 2000));
    expect(await names(admin)).toEqual(["a", "b", "laptop"]);
    expect((await devices[0]?.device.ok("device status"))?.json).toMatchObject({ status: "accepted" });
  });

  test("as text, each device is told as it comes, and once", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    const pin = await invite(admin);
    const plain = await asking(admin, "plain");
    let output = "";
    const seen: string[] = [];
    let code = "";
    const stderr = {
      isTTY: false,
      write: async (text: string) => {
        output += text;
      },
    };
    const { deps } = pauses(
      async () => ({ code } = await joining(portal, pin, "a")),
      async () => seen.push(output),
      async () => undefined,
    );
    const outcome = await admin.with({ deps: { ...deps, stderr } }).text(WATCH);
    expect(outcome.status).toBe(0);
    expect(seen[0]).toContain(code);
    for (const each of [code, plain.code]) {
      expect(output.split(each)).toHaveLength(2);
      expect(outcome.stdout.split(each)).toHaveLength(2);
    }
    const quiet = await admin.with({ deps: pauses().deps }).text(`${WATCH} --quiet`);
    expect(quiet).toMatchObject({ status: 0, stderr: "" });
  });

  test("--for ends it", async () => {
    const { options, advance } = clock();
    const admin = await withAccount(filePortal(), ACCOUNT, options);
    const slept: number[] = [];
    const sleep = async (milliseconds: number): Promise<void> => {
      slept.push(milliseconds);
      advance(milliseconds);
    };
    const outcome = await admin.with({ deps: { ...options.deps, sleep } }).run(`${WATCH} --for 5s`);
    expect(outcome).toMatchObject({ status: 0, json: { approved: [], left: [] } });
    expect(slept).toEqual([2000, 2000, 1000]);
  });

  test("a portal that is away for a while is waited for, and said to be away once", async () => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    const pin = await invite(admin);
    const { deps } = pauses(
      () => wire.stop(),
      async () => undefined,
      async () => undefined,
      () => wire.restart(),
      () => joining(wire.url, pin),
      async () => undefined,
      async () => {
        wire.intercept = () => refusal(503);
      },
      async () => {
        wire.intercept = () => ({ status: 502, headers: {}, body: Buffer.from("<html>Bad Gateway</html>") });
      },
      async () => {
        wire.intercept = undefined;
      },
    );
    const outcome = await admin.with({ deps }).run(WATCH);
    expect(outcome).toMatchObject({ status: 0, json: { approved: [{ code: CODE }], left: [] } });
    expect(outcome.stderr.split("\n").filter((line) => line.startsWith("warning: "))).toHaveLength(2);
    // Away from the beginning, it is an error, since the portal may be the wrong one.
    await wire.stop();
    expect(await admin.run(WATCH)).toMatchObject({ status: 6, code: "portal-unreachable" });
  });

  test("a device that was let in while the portal went away is told later, and counted once", async () => {
    const wire = await openWire({ logless: true });
    const admin = await withAccount(wire.url);
    const { code } = await joining(wire.url, await invite(admin));
    let lost = 0;
    const { deps } = pauses(
      async () => {
        wire.intercept = ({ transaction, forward }) => {
          if (transaction !== "ConnectComplete") return forward();
          lost++;
          return "drop";
        };
      },
      async () => {
        wire.intercept = undefined;
      },
      async () => undefined,
    );
    // At first the request is not shown.
    wire.intercept = ({ transaction, forward }) =>
      transaction === "ConnectPending" ? answer("ConnectPendingResponse", {}) : forward();
    const outcome = await admin.with({ deps }).run(WATCH);
    expect(lost).toBeGreaterThan(0);
    expect(outcome).toMatchObject({ status: 0, json: { approved: [{ code }], left: [] } });
    expect((await admin.ok("device pending")).json).toEqual({ pending: [] });
  });

  test("the end in the middle of it: what is begun is finished", async () => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    const pin = await invite(admin, "--uses 2");
    await joining(wire.url, pin, "a");
    await joining(wire.url, pin, "b");
    const controller = new AbortController();
    wire.intercept = async ({ transaction, forward }) => {
      if (transaction === "Publish") controller.abort();
      return forward();
    };
    const sleep = (milliseconds: number, signal?: AbortSignal): Promise<void> =>
      testDeps().sleep(milliseconds, signal ?? controller.signal);
    const outcome = await admin.with({ deps: { signal: controller.signal, sleep } }).run(WATCH);
    wire.intercept = undefined;
    expect(outcome).toMatchObject({ status: 0, json: { approved: [{ device: { name: "a" } }], left: [] } });
    expect(await names(admin)).toEqual(["a", "laptop"]);
    expect((await admin.ok("device pending")).json).toMatchObject({ pending: [{ device: { name: "b" } }] });
  });

  test("a removed administrator's watch ends", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    const desk = await connected(admin, "desk", ["--admin"]);
    const { deps } = pauses(() => admin.ok("device remove desk"));
    expect(await desk.with({ deps }).run(WATCH)).toMatchObject({ status: 5, code: "not-connected" });
  });

  test("not at a portal of 2016, where the uses of an invite could not be counted", async () => {
    const portal = await openReferencePortal();
    const admin = await withAccount(portal.url);
    await joining(portal.url, await invite(admin));
    expect(await admin.run(`${WATCH} --for 1s`)).toMatchObject({ status: 5, code: "not-supported" });
    expect(await names(admin)).toEqual(["laptop"]);
    expect(await approve(admin)).toMatchObject({ approved: [{ device: { name: "phone" } }], left: [] });
  });
});
