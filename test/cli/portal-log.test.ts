import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import type { FileSystem } from "../../src/deps.js";
import { readCheckpoint } from "../../src/mesh/log/checkpoint.js";
import { createConnectionRequest } from "../../src/mesh/connection.js";
import { createDevice, generateDeviceKeys, nextPersonal } from "../../src/mesh/profile.js";
import { PORTAL_PATH } from "../../src/mesh/protocol.js";
import { readPersonal } from "../../src/mesh/records/personal.js";
import { openHome } from "../../src/keystore/home.js";
import { unlockKeystore } from "../../src/keystore/keystore.js";
import { asking, connected, filePortal, machine, udfOf, withAccount, type Machine } from "../support/cli.js";
import { testDeps } from "../support/deps.js";
import { startLyingPortal, type LyingPortal } from "../support/lying-portal.js";
import { openWire, type Wire } from "../support/wire.js";

// What a home remembers of the logs of its portals, and what it does with it.

type Fields = Record<string, unknown>;

const readJson = (file: string): Fields => JSON.parse(fs.readFileSync(file, "utf8")) as Fields;
const logsFile = (of: Machine): string => path.join(of.home, "checkpoints.json");
const pinsFile = (of: Machine): string => path.join(of.home, "pins.json");

/** What `checkpoints.json` and `pins.json` say of a portal's log. */
const knownOf = (of: Machine, url: string): { size: number; unproven: number } => {
  const { checkpoint, unproven = [] } = (readJson(logsFile(of))["portals"] as Record<string, Fields>)[url]!;
  return { size: readCheckpoint(String(checkpoint))!.size, unproven: (unproven as unknown[]).length };
};
const pinOf = (of: Machine, url: string): { verifier: string; size: number } =>
  (readJson(pinsFile(of))["portals"] as Record<string, Fields>)[url]!["log"] as { verifier: string; size: number };

const payloadOf = (record: unknown): Fields =>
  Object.values(
    JSON.parse(
      Buffer.from((record as { SignedData: { payload: string } }).SignedData.payload, "base64url").toString("utf8"),
    ) as Record<string, Fields>,
  )[0]!;

/** The payloads of the newest profile, of its master profile and of its devices. */
const profileOf = async (of: Machine): Promise<{ personal: Fields; master: Fields; devices: Fields[] }> => {
  const { SignedPersonalProfile } = (await of.ok("profile export --format json")).json as Fields;
  const personal = payloadOf(SignedPersonalProfile);
  return {
    personal,
    master: payloadOf(personal["SignedMasterProfile"]),
    devices: (personal["Devices"] as unknown[]).map(payloadOf),
  };
};

const evidenceIn = (of: Machine): string[] => {
  const folder = path.join(of.home, "evidence");
  return fs.existsSync(folder) ? fs.readdirSync(folder).sort() : [];
};

/** Every change of the disk fails, as on a file system that is mounted read-only. */
const readOnlyFiles = (): FileSystem => {
  const refuse = (): never => {
    throw Object.assign(new Error("EROFS"), { code: "EROFS", syscall: "open" });
  };
  return { ...testDeps().fs, create: refuse, mkdir: refuse, rename: refuse, unlink: refuse };
};

describe("the newest head", () => {
  test("is pinned by what unlocks, and kept by what does not", async () => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    const first = pinOf(admin, wire.url);
    expect(knownOf(admin, wire.url)).toEqual({ size: first.size, unproven: 0 });
    await withAccount(wire.url, "bob@example.com");
    await admin.ok("device list");
    expect(pinOf(admin, wire.url)).toEqual(first);
    expect(knownOf(admin, wire.url).size).toBeGreaterThan(first.size);
    // What lies between the pin and what was kept without a MAC is proved before the pin goes on.
    wire.seen.length = 0;
    await admin.ok("device pending");
    expect(wire.seen).toContain("file");
    expect(pinOf(admin, wire.url).size).toBe(knownOf(admin, wire.url).size);
    wire.seen.length = 0;
    await admin.ok("device pending");
    expect(wire.seen).not.toContain("file");
  });

  test("is written only where it has moved", async () => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    await admin.ok("device list");
    const before = fs.statSync(logsFile(admin)).mtimeMs;
    await admin.ok("device list");
    await admin.ok("account status");
    expect(fs.statSync(logsFile(admin)).mtimeMs).toBe(before);
  });

  test("is not kept where there is no home", async () => {
    const wire = await openWire();
    const stranger = machine();
    await stranger.ok("portal hello", wire.url);
    await stranger.ok("account validate alice@example.com --portal", wire.url);
    expect(fs.existsSync(stranger.home)).toBe(false);
  });

  test("is not kept on a read-only home, and nothing fails for that", async () => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    const before = fs.readFileSync(logsFile(admin), "utf8");
    await withAccount(wire.url, "bob@example.com");
    await admin.with({ deps: { fs: readOnlyFiles() } }).ok("device list");
    expect(fs.readFileSync(logsFile(admin), "utf8")).toBe(before);
  });

  test("that is damaged stops the commands that need it, and says how to go on", async () => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    fs.writeFileSync(logsFile(admin), "{");
    const outcome = await admin.run("device list");
    expect(outcome).toMatchObject({ status: 1, code: "state-corrupt" });
    expect(outcome.at("error", "hint")).toContain("checkpoints.json");
    await admin.ok("profile show");
    await admin.ok("status");
    fs.rmSync(logsFile(admin));
    await admin.ok("device list");
    expect(knownOf(admin, wire.url).size).toBe(pinOf(admin, wire.url).size);
  });
});

describe("the pin is a floor", () => {
  const forked = async (): Promise<{ portal: LyingPortal; laptop: Machine }> => {
    const portal = await startLyingPortal();
    const laptop = await withAccount(portal.url);
    const other = await portal.split();
    await laptop.ok("device rename laptop desk");
    portal.shown = other;
    return { portal, laptop };
  };

  test("where the file of heads is gone", async () => {
    const { portal, laptop } = await forked();
    fs.rmSync(logsFile(laptop));
    expect(await laptop.run("device list")).toMatchObject({ status: 7, code: "log-rollback" });
    await withAccount(portal.url, "bob@example.com");
    await withAccount(portal.url, "carol@example.com");
    expect(await laptop.run("device list")).toMatchObject({ status: 7, code: "log-fork" });
    // The pins keep no note, so that there is nothing to show to others.
    expect(evidenceIn(laptop)).toEqual([]);
  });

  test("where the file of heads was put back", async () => {
    const wire = await openWire();
    const laptop = await withAccount(wire.url);
    const old = fs.readFileSync(logsFile(laptop));
    await laptop.ok("device rename laptop desk");
    fs.writeFileSync(logsFile(laptop), old, { mode: 0o600 });
    await laptop.ok("device list");
    expect(knownOf(laptop, wire.url)).toEqual({ size: pinOf(laptop, wire.url).size, unproven: 0 });
  });

  test("where the file of heads comes from another history", async () => {
    const portal = await startLyingPortal();
    const laptop = await withAccount(portal.url);
    const here = portal.shown;
    const other = await portal.split();
    const before = fs.readFileSync(logsFile(laptop));
    await laptop.ok("device rename laptop desk");
    const pins = fs.readFileSync(pinsFile(laptop));
    // Somebody who can write files, and the portal, agree on another history.
    portal.shown = other;
    await withAccount(portal.url, "bob@example.com");
    await withAccount(portal.url, "carol@example.com");
    fs.writeFileSync(logsFile(laptop), before, { mode: 0o600 });
    fs.writeFileSync(pinsFile(laptop), pins, { mode: 0o600 });
    expect(await laptop.run("device pending")).toMatchObject({ status: 7, code: "log-fork" });
    portal.shown = here;
    await laptop.ok("device pending");
  });
});

describe("evidence", () => {
  test("says where it is, is private, and only so much of it is kept", async () => {
    const portal = await startLyingPortal();
    const laptop = await withAccount(portal.url);
    const earlier = await portal.split();
    await laptop.ok("device rename laptop desk");
    portal.shown = earlier;
    const outcome = await laptop.run("device list");
    const [name = ""] = evidenceIn(laptop);
    expect(name).toMatch(/^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z-log-rollback\.json$/);
    const file = path.join(laptop.home, "evidence", name);
    expect(outcome.at("error", "hint")).toContain(`meshman audit evidence ${file}`);
    expect(fs.statSync(file).mode & 0o777).toBe(0o600);
    expect(fs.statSync(path.dirname(file)).mode & 0o777).toBe(0o700);
    for (let index = 0; index < 105; index++) {
      fs.writeFileSync(path.join(path.dirname(file), `2020-01-01T00-00-00.${index + 100}Z-log-fork.json`), "{}");
    }
    fs.writeFileSync(path.join(path.dirname(file), ".x.json.0123456789abcdef.tmp"), "{");
    expect(await laptop.run("device list")).toMatchObject({ code: "log-rollback" });
    expect(evidenceIn(laptop)).toHaveLength(100);
    expect(evidenceIn(laptop)).toContain(name);
    expect(evidenceIn(laptop).some((left) => left.endsWith(".tmp"))).toBe(false);
  });

  test("of one finding is kept once, and only a file that holds stands for it", async () => {
    const portal = await startLyingPortal();
    const laptop = await withAccount(portal.url);
    const earlier = await portal.split();
    await laptop.ok("device rename laptop desk");
    portal.shown = earlier;
    const meets = async (): Promise<string> => {
      const outcome = await laptop.run("device list");
      expect(outcome).toMatchObject({ status: 7, code: "log-rollback" });
      return outcome.at("error", "hint");
    };
    await meets();
    const [name = ""] = evidenceIn(laptop);
    const file = path.join(laptop.home, "evidence", name);
    const text = fs.readFileSync(file, "utf8");
    expect(await meets()).toContain(file);
    await Promise.all([meets(), meets()]);
    expect(evidenceIn(laptop)).toEqual([name]);
    // Under another name than its own it is somebody's copy; what others may write is nobody's proof.
    fs.renameSync(file, path.join(laptop.home, "evidence", `2020${name.slice(4)}`));
    expect(await meets()).not.toContain(`2020${name.slice(4)}`);
    const second = evidenceIn(laptop).at(-1) ?? "";
    fs.chmodSync(path.join(laptop.home, "evidence", second), 0o666);
    await meets();
    const third = evidenceIn(laptop).at(-1) ?? "";
    fs.writeFileSync(path.join(laptop.home, "evidence", third), text.replace("log-rollback", "log-fork"));
    await meets();
    const fourth = evidenceIn(laptop).at(-1) ?? "";
    fs.rmSync(path.join(laptop.home, "evidence", fourth));
    fs.symlinkSync(path.join(laptop.home, "evidence", second), path.join(laptop.home, "evidence", fourth));
    await meets();
    expect(new Set(evidenceIn(laptop)).size).toBe(5);
    expect(fs.readFileSync(path.join(laptop.home, "evidence", third), "utf8")).toContain("log-fork");
  });

  test("that cannot be kept is said not to be", async () => {
    const portal = await startLyingPortal();
    const laptop = await withAccount(portal.url);
    const earlier = await portal.split();
    await laptop.ok("device rename laptop desk");
    portal.shown = earlier;
    const outcome = await laptop.with({ deps: { fs: readOnlyFiles() } }).run("device list");
    expect(outcome).toMatchObject({ status: 7, code: "log-rollback" });
    expect(outcome.at("error", "hint")).toContain("read-only");
    expect(evidenceIn(laptop)).toEqual([]);
  });
});

describe("the checkpoint in a record", () => {
  test("is the newest one when it was made", async () => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    const phone = await connected(admin);
    await admin.ok("device rename laptop desk");
    const { personal, devices } = await profileOf(admin);
    const sizes = [personal, ...devices].map((payload) => readCheckpoint(String(payload["NotaryToken"]))?.size);
    // The first device was made before there was any account.
    expect(sizes).toEqual([expect.any(Number), undefined, expect.any(Number)]);
    expect(sizes[0]).toBeGreaterThan(sizes[2]!);
    await phone.ok("device list");
    // A new epoch has it too, and its master profile.
    await admin.ok("device remove phone");
    const desk = await connected(admin, "other", ["--admin"]);
    const { master } = await profileOf(desk);
    expect(readCheckpoint(String(master["NotaryToken"]))?.size).toBeGreaterThan(sizes[0]!);
  });

  test("is not carried on to a portal that keeps no log", async () => {
    const wire = await openWire({ logless: true });
    const admin = await withAccount(wire.url);
    await admin.ok("device rename laptop desk");
    const { personal, master } = await profileOf(admin);
    expect([personal["NotaryToken"], master["NotaryToken"]]).toEqual([undefined, undefined]);
  });

  /** A checkpoint of a device's home, with another size: the log has never signed that. */
  const forged = (of: Machine, url: string): string => {
    const { checkpoint } = (readJson(logsFile(of))["portals"] as Record<string, Fields>)[url]!;
    const [origin, size, ...rest] = String(checkpoint).split("\n");
    return [origin, Number(size) + 1000, ...rest].join("\n");
  };

  /** A device asks to be let in with a checkpoint of its own making. Gives the code. */
  const askWith = async (admin: Machine, wire: Wire, notaryToken: string): Promise<string> => {
    const udf = await udfOf(admin);
    const keys = generateDeviceKeys((length) => testDeps().random(length));
    const device = createDevice(keys, "phone", "", new Date(), { notaryToken });
    const request = createConnectionRequest(device, udf, keys.signature);
    const account = (await admin.ok("profile show")).at("accounts", 0, "account");
    const message = { SignedRequest: request.record, AccountID: account };
    expect(await post(wire, "ConnectStart", message)).toBe(201);
    return request.code;
  };

  const post = async ({ url }: Wire, transaction: string, message: object): Promise<number> => {
    const body = JSON.stringify({ [transaction]: { [`${transaction}Request`]: message } });
    return (await fetch(`${url}${PORTAL_PATH}`, { method: "POST", body })).status;
  };

  test("of a device that asks to be let in counts only where the log has signed it", async () => {
    const [wire, second] = [await openWire(), await openWire()];
    const admin = await withAccount(wire.url);
    await admin.ok("account create second@example.com --portal", second.url);
    for (const { url } of [wire, second]) {
      const code = await askWith(admin, wire, forged(admin, url));
      const outcome = await admin.ok("device complete", code);
      expect(outcome.stderr).toMatch(/M[A-Z2-7-]{32}.*signed/);
      await admin.ok("device list");
      await admin.ok("device list --account second@example.com");
      expect([knownOf(admin, wire.url).unproven, knownOf(admin, second.url).unproven]).toEqual([0, 0]);
    }
    expect(evidenceIn(admin)).toEqual([]);
  });

  test("that a stolen administrator has made up stops nobody, nor a recovery", async () => {
    const wire = await openWire();
    const laptop = await withAccount(wire.url);
    await laptop.ok("escrow split --shares 2 --threshold 2 --out shares");
    const phone = await connected(laptop, "phone", ["--admin"]);
    await phone.ok("device list");
    const keystore = await unlockKeystore(openHome(testDeps(), phone.home));
    const key = keystore.get(
      keystore.facts.find(({ use }) => use === "online-signature")?.kid ?? "",
      "online-signature",
    );
    const { SignedPersonalProfile } = (await phone.ok("profile export --format json")).json as Fields;
    const notaryToken = forged(phone, wire.url);
    const next = nextPersonal(key, readPersonal(SignedPersonalProfile), { notaryToken }, new Date());
    expect(await post(wire, "Publish", { Entry: { SignedPersonalProfile: next.record } })).toBe(201);
    expect((await laptop.ok("device list")).stderr).toMatch(/M[A-Z2-7-]{32}/);
    // Once is enough.
    expect((await laptop.ok("device list")).stderr).not.toMatch(/M[A-Z2-7-]{32}/);
    const fresh = machine();
    const shares = [1, 2].flatMap((index) => [
      "--share-file",
      path.join(laptop.folder, "shares", `share-${index}-of-2.txt`),
    ]);
    const recovered = await fresh.ok(
      "escrow recover --no-passphrase --account alice@example.com --portal",
      wire.url,
      ...shares,
    );
    expect(recovered.json).toMatchObject({ published: true, masterSequence: 3 });
    expect(evidenceIn(laptop)).toEqual([]);
  });

  test("of another portal is held against that one's log at the next contact", async () => {
    const [one, two] = [await startLyingPortal(), await openWire()];
    const laptop = await withAccount(one.url);
    await laptop.ok("account create second@example.com --portal", two.url);
    const desk = await connected(laptop, "desk", ["--admin"]);
    await desk.ok("account create second@example.com --portal", two.url);
    const here = one.shown;
    const other = await one.split();
    // Only the laptop's history has Bob.
    await withAccount(one.url, "bob@example.com");
    await laptop.ok("device rename desk table");
    await one.repeat("Publish", other);
    one.shown = other;
    // The desk hears of it at the second portal, which keeps no secret of what the first one has shown.
    await desk.ok("device list --account second@example.com");
    expect(knownOf(desk, one.url).unproven).toBe(1);
    expect(await desk.run("device list")).toMatchObject({ status: 7, code: "log-split" });
    expect(knownOf(desk, one.url).unproven).toBe(1);
    // A command that finds the two on one history after all forgets it.
    one.shown = here;
    await desk.ok("device list");
    expect(knownOf(desk, one.url).unproven).toBe(0);
  });
});

describe("several portals", () => {
  test("one that is not honest is not passed over as if it were away", async () => {
    const [first, second] = [await openWire(), await startLyingPortal()];
    const laptop = await withAccount(first.url);
    await laptop.ok("account create second@example.com --portal", second.url);
    const earlier = await second.split();
    await laptop.ok("device rename laptop desk");
    second.shown = earlier;
    expect(await laptop.run("device rename desk table")).toMatchObject({ status: 7, code: "log-rollback" });
    // The change was published where the profile's first account is, and is not lost.
    expect((await laptop.ok("status")).json).toMatchObject({ pendingWork: [{ kind: "publish" }] });
    // Away from it, one is free.
    const third = await openWire();
    await laptop.ok("account create second@example.com --portal", third.url);
    expect((await laptop.ok("status")).json).toMatchObject({ pendingWork: [] });
  });
});

test("the embedded portal keeps a log like any other", async () => {
  const portal = filePortal();
  const admin = await withAccount(portal);
  const { device, code } = await asking(admin);
  await admin.ok("device complete", code);
  await device.ok("device status");
  expect(knownOf(device, portal).size).toBe(knownOf(admin, portal).size);
});
