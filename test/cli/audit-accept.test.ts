import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import type { FileSystem } from "../../src/deps.js";
import { keepCheckpoint, knownLog } from "../../src/keystore/checkpoints.js";
import { openHome } from "../../src/keystore/home.js";
import { openLogKey } from "../../src/portal/log/key-file.js";
import { connected, contentOf, machine, withAccount, type Machine, type Outcome } from "../support/cli.js";
import { temporaryFolder, testDeps } from "../support/deps.js";
import { startLyingPortal, type History, type LyingPortal } from "../support/lying-portal.js";
import { openReferencePortal } from "../support/reference-portal.js";

const storeOf = ({ folder }: History): string => path.join(folder, "portal.sqlite");
const at = (history: History): string => `--store sqlite:${storeOf(history)}`;
const keyOf = async (history: History): Promise<string> => (await machine().ok(`portal keys ${at(history)}`)).at("key");

/** What the portal has now, under a new log: made as its operator would. */
const newLog = async (portal: LyingPortal): Promise<History & { readonly key: string }> => {
  const operator = machine();
  await operator.ok(`portal backup one.backup ${at(await portal.split())}`);
  const history = { folder: temporaryFolder() };
  const restored = await operator.ok(`portal restore one.backup --new-log ${at(history)}`);
  return { ...history, key: restored.at("logKey") };
};

const accept = (of: Machine, key: string, line = "audit accept"): Promise<Outcome> => of.run(line, "--confirm", key);

const file = (of: Machine, name: string): string => path.join(of.home, name);
const logAt = (of: Machine, url: string): Record<string, unknown> =>
  (JSON.parse(fs.readFileSync(file(of, "pins.json"), "utf8")) as { portals: Record<string, { log: typeof of }> })
    .portals[url]?.log as unknown as Record<string, unknown>;
const profilesPinned = (of: Machine): unknown =>
  (JSON.parse(fs.readFileSync(file(of, "pins.json"), "utf8")) as { profiles: unknown }).profiles;
const evidenceOf = (of: Machine): string[] =>
  fs.existsSync(file(of, "evidence")) ? fs.readdirSync(file(of, "evidence")).sort() : [];

/** Everything in a home but what the portal is caught at. */
const kept = (of: Machine): Record<string, string> => ({
  ...Object.fromEntries(Object.entries(contentOf(of.home)).filter(([name]) => !name.startsWith("evidence"))),
  "checkpoints.json": fs.readFileSync(file(of, "checkpoints.json"), "utf8"),
});

const started = async (): Promise<{ portal: LyingPortal; laptop: Machine; old: History; oldKey: string }> => {
  const portal = await startLyingPortal();
  const laptop = await withAccount(portal.url);
  return { portal, laptop, old: portal.shown, oldKey: await keyOf(portal.shown) };
};

describe("a portal that has begun a new log", () => {
  test("is refused until its key is confirmed, and from then on the old log is", async () => {
    const { portal, laptop, old, oldKey } = await started();
    const phone = await connected(laptop, "phone", ["--admin"]);
    await laptop.ok("audit self");
    const { size } = ((await laptop.ok("audit status")).json as { portals: [{ size: number }] }).portals[0];
    const next = await newLog(portal);
    portal.shown = next;
    const refused = await laptop.run("device list");
    expect(refused).toMatchObject({ status: 7, code: "log-key-changed" });
    expect(refused.at("error", "hint")).toContain(`meshman audit accept --portal ${portal.url} --confirm`);
    expect(refused.at("error", "hint")).toContain("meshman audit evidence");

    const before = kept(laptop);
    const profiles = profilesPinned(laptop);
    for (const line of ["audit accept", "audit accept --yes"]) {
      const unconfirmed = await laptop.with({ tty: true }).run(line);
      expect(unconfirmed).toMatchObject({ status: 2, code: "input-required", asked: [] });
      for (const key of [oldKey, next.key]) expect(unconfirmed.stderr).toContain(key);
    }
    for (const key of ["", oldKey, next.key.slice(0, -1), next.key.split("+")[1] ?? "", next.key.toUpperCase()]) {
      expect(await accept(laptop, key)).toMatchObject({ status: 7, code: "log-key-changed" });
    }
    expect(kept(laptop)).toEqual(before);

    const files = evidenceOf(laptop).length;
    expect(await accept(laptop, next.key)).toMatchObject({
      status: 0,
      json: {
        portal: portal.url,
        origin: next.key.split("+")[0],
        key: next.key,
        previous: { key: oldKey, size },
        accepted: true,
      },
    });
    // The refusals before have kept the same.
    expect(evidenceOf(laptop).length).toBe(files);
    const evidence = file(laptop, path.join("evidence", evidenceOf(laptop).at(-1) ?? ""));
    expect((await machine().ok("audit evidence", evidence)).json).toMatchObject({
      kind: "log-key-changed",
      verdict: "unexplained",
      key: oldKey,
      heads: [{ size }],
    });
    expect(logAt(laptop, portal.url)).toMatchObject({ verifier: next.key });
    expect(profilesPinned(laptop)).toEqual(profiles);
    expect((await accept(laptop, next.key)).json).toMatchObject({ accepted: false, key: next.key });

    await laptop.ok("device list");
    await laptop.ok("device rename laptop desk");
    expect((await laptop.ok("audit status")).json).toMatchObject({ portals: [{ key: next.key, consistent: true }] });
    expect((await laptop.ok("audit self")).json).toMatchObject({ portals: [{ from: 0 }] });
    await laptop.ok("audit log");
    expect(await phone.run("device list")).toMatchObject({ code: "log-key-changed" });
    const said = await phone.text(`audit accept --portal ${portal.url} --confirm`, ` ${next.key} `);
    expect([said.status, said.stdout]).toEqual([0, expect.stringContaining(next.key)]);
    expect(said.stderr).toContain(oldKey);
    expect((await phone.ok("device list")).stdout).toContain("desk");
    await phone.ok("device rename phone pocket");
    expect((await laptop.ok("device list")).stdout).toContain("pocket");

    portal.shown = old;
    for (const of of [laptop, phone]) {
      expect(await of.run("device list")).toMatchObject({ status: 7, code: "log-key-changed" });
    }
  });

  test("is not forgiven what it has lost of a profile", async () => {
    const { portal, laptop } = await started();
    const next = await newLog(portal);
    await laptop.ok("device rename laptop desk");
    portal.shown = next;
    expect(await accept(laptop, next.key)).toMatchObject({ status: 0 });
    expect(await laptop.run("device list")).toMatchObject({ status: 7, code: "rollback" });
  });

  test("is known by the pin alone where the newest head is lost", async () => {
    const { portal, laptop, oldKey } = await started();
    const { size } = logAt(laptop, portal.url);
    const next = await newLog(portal);
    portal.shown = next;
    fs.rmSync(file(laptop, "checkpoints.json"));
    const unconfirmed = await laptop.text("audit accept");
    expect([unconfirmed.status, unconfirmed.stderr]).toEqual([2, expect.stringContaining(oldKey)]);
    expect((await accept(laptop, next.key)).json).toMatchObject({ previous: { key: oldKey, size }, accepted: true });
    await laptop.ok("device list");
  });

  test("a process that is killed on the way leaves what this command mends", async () => {
    const { portal, laptop, oldKey } = await started();
    const names = ["pins.json", "checkpoints.json"];
    const before = new Map(names.map((name) => [name, fs.readFileSync(file(laptop, name))]));
    const next = await newLog(portal);
    portal.shown = next;
    for (const name of names) {
      expect(await accept(laptop, next.key)).toMatchObject({ status: 0 });
      fs.writeFileSync(file(laptop, name), before.get(name) ?? "");
      expect(await laptop.run("device list")).toMatchObject({ status: 7 });
      expect((await accept(laptop, next.key)).json).toMatchObject({ accepted: true, previous: { key: oldKey } });
      await laptop.ok("device list");
      for (const [other, octets] of before) fs.writeFileSync(file(laptop, other), octets);
    }
  });

  test("a command that began before keeps nothing of the old log", async () => {
    const { portal, laptop } = await started();
    const home = openHome(testDeps(), laptop.home);
    const old = knownLog(home, portal.url);
    if (!old) throw new Error("Nothing is known.");
    const next = await newLog(portal);
    portal.shown = next;
    expect(await accept(laptop, next.key)).toMatchObject({ status: 0 });
    const after = knownLog(home, portal.url);
    await keepCheckpoint(home, portal.url, { verifier: old.verifier, head: old.head, from: undefined, proved: [] });
    expect(knownLog(home, portal.url)).toEqual(after);
  });

  test("at a home without keys", async () => {
    const { portal, oldKey } = await started();
    const visitor = machine();
    fs.mkdirSync(visitor.home, { mode: 0o700 });
    const ask = (): Promise<Outcome> => visitor.run(`account validate bob@example.com --portal ${portal.url}`);
    expect(await ask()).toMatchObject({ status: 0 });
    const next = await newLog(portal);
    portal.shown = next;
    expect(await ask()).toMatchObject({ code: "log-key-changed" });
    expect((await accept(visitor, next.key, `audit accept --portal ${portal.url}`)).json).toMatchObject({
      previous: { key: oldKey },
      accepted: true,
    });
    expect(await ask()).toMatchObject({ status: 0 });
  });

  test("the pins must be genuine, the keystore open, and the home writable", async () => {
    const { portal, laptop } = await started();
    const next = await newLog(portal);
    portal.shown = next;
    const before = kept(laptop);
    const refuse = (): never => {
      throw Object.assign(new Error("read-only"), { code: "EROFS", syscall: "open" });
    };
    const files: FileSystem = { ...testDeps().fs, create: refuse, mkdir: refuse, rename: refuse, unlink: refuse };
    expect(await accept(laptop.with({ deps: { fs: files } }), next.key)).toMatchObject({ code: "read-only" });
    expect(kept(laptop)).toEqual(before);

    const pins = fs.readFileSync(file(laptop, "pins.json"), "utf8");
    fs.writeFileSync(file(laptop, "pins.json"), pins.replace(/"size": ?\d+/, '"size":99'));
    expect(await accept(laptop, next.key)).toMatchObject({ status: 7, code: "pins-tampered" });
    fs.writeFileSync(file(laptop, "pins.json"), pins);
    expect(kept(laptop)).toEqual(before);

    fs.writeFileSync(path.join(laptop.folder, "secret"), "correct horse battery");
    await laptop.ok("keystore passwd --new-passphrase-file secret");
    const locked = kept(laptop);
    expect(await accept(laptop, next.key)).toMatchObject({ code: "input-required" });
    expect(kept(laptop)).toEqual(locked);
    expect(await accept(laptop, next.key, "audit accept --passphrase-file secret")).toMatchObject({ status: 0 });
  });
});

describe("nothing is to be accepted", () => {
  test("where the key is the known one, or follows from it", async () => {
    const { portal, laptop, oldKey } = await started();
    const before = kept(laptop);
    const origin = oldKey.split("+")[0];
    expect((await laptop.ok("audit accept")).json).toEqual({
      portal: portal.url,
      origin,
      key: oldKey,
      previous: { key: oldKey, size: 2 },
      accepted: false,
    });
    const rotated = await portal.split();
    const key = (await machine().ok(`portal keys --rotate ${at(rotated)}`)).at("key");
    portal.shown = rotated;
    expect((await accept(laptop, key)).json).toMatchObject({ origin, key, previous: { key: oldKey }, accepted: false });
    expect(kept(laptop)).toEqual(before);
    await laptop.ok("device list");
  });

  test("where nothing is known, or no log is kept", async () => {
    const { url } = await startLyingPortal();
    const nobody = machine();
    const { json } = await nobody.ok(`audit accept --portal ${url}`);
    expect(json).toMatchObject({ portal: url, previous: null, accepted: false });
    expect(fs.existsSync(nobody.home)).toBe(false);
    expect(await nobody.run("audit accept")).toMatchObject({ status: 3, code: "profile-not-found" });
    const plain = await openReferencePortal();
    const laptop = await withAccount(plain.url);
    expect((await laptop.ok("audit accept")).json).toEqual({
      portal: plain.url,
      origin: null,
      key: null,
      previous: null,
      accepted: false,
    });
    expect((await laptop.text("audit accept")).stdout).toContain(plain.url);
  });
});

describe("what cannot be accepted", () => {
  test("a log that has gone", async () => {
    const { portal, laptop } = await started();
    const before = kept(laptop);
    portal.lie = {
      answer: (transaction, answer) => {
        delete answer["Log"];
        if (transaction === "Hello") {
          answer["Extensions"] = (answer["Extensions"] as string[]).filter((name) => name !== "transparency");
        }
        return undefined;
      },
    };
    expect(await laptop.run("audit accept")).toMatchObject({ status: 7, code: "downgrade" });
    const visitor = machine();
    fs.mkdirSync(visitor.home, { mode: 0o700 });
    fs.copyFileSync(file(laptop, "checkpoints.json"), file(visitor, "checkpoints.json"));
    expect(await visitor.run(`audit accept --portal ${portal.url}`)).toMatchObject({ status: 7, code: "downgrade" });
    expect(kept(laptop)).toEqual(before);
  });

  test("a key that the portal does not have", async () => {
    const { portal, laptop } = await started();
    const before = kept(laptop);
    const { key } = await newLog(portal);
    portal.lie = {
      answer: (_, answer) => {
        const log = answer["Log"] as Record<string, unknown> | undefined;
        if (log) log["Key"] = key;
        return undefined;
      },
    };
    expect(await accept(laptop, key)).toMatchObject({ status: 7, code: "log-signature" });
    expect(kept(laptop)).toEqual(before);
  });

  test("another key for a log of the same name", async () => {
    const { portal, laptop, oldKey } = await started();
    const before = kept(laptop);
    const history = { folder: temporaryFolder() };
    const origin = oldKey.split("+")[0] ?? "";
    const { verifier } = await openLogKey(`${storeOf(history)}.key`, { random: randomBytes, origin });
    portal.shown = history;
    expect(await accept(laptop, verifier)).toMatchObject({ status: 7, code: "log-key-changed" });
    expect(kept(laptop)).toEqual(before);
  });

  test("a portal that is away", async () => {
    const { laptop } = await started();
    const away = await laptop.run("audit accept --portal http://127.0.0.1:1");
    expect(away).toMatchObject({ status: 6, code: "portal-unreachable" });
  });
});
