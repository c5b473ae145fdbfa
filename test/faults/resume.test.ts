import * as fs from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeWorlds } from "../support/scenarios.js";
import { openWorlds, type Worlds } from "../support/worlds.js";

// What fault injection has found, or thinking about it: each was a way to lose something or not to get on.

const ACCOUNT = "alice@example.com";
let worlds: Worlds;

beforeAll(async () => {
  worlds = await openWorlds({ portal: "http" });
  await makeWorlds(worlds);
});

afterAll(() => worlds.close());

const shares = (): string =>
  [1, 3].map((n) => `--share-file ${worlds.path("recovery", `share-${n}-of-3.txt`)}`).join(" ");

const uses = async (machine: string): Promise<string[]> => {
  const { json } = await worlds.ok(machine, "keystore status");
  return (json as { keys: { use: string }[] }).keys.map(({ use }) => use);
};

test("a recovery without a portal is finished once the portal is there again", async () => {
  await worlds.restore("shares");
  const line = `escrow recover ${shares()} --entry-file ${worlds.path("recovery", "entry.json")} --no-passphrase`;
  worlds.wiretap = () => "lose";
  const offline = await worlds.ok("desktop", line);
  expect(offline.json).toMatchObject({ published: false });
  await worlds.ok("desktop", line);
  await worlds.mend();
  const online = await worlds.ok("desktop", line);
  expect(online.json).toMatchObject({ published: true, masterSequence: 2 });
  await worlds.ok("desktop", "profile verify");
  expect((await worlds.ok("desktop", "status")).json).toMatchObject({ connected: true, admin: true, pendingWork: [] });
});

test("a recovery that reaches one of two portals says that the other is to be brought up to date", async () => {
  await worlds.restore("phone at two portals");
  await worlds.ok("laptop", `escrow split --shares 3 --threshold 2 --out ${worlds.path("recovery")}`);
  const line = `escrow recover ${shares()} --account ${ACCOUNT} --portal ${worlds.portal} --no-passphrase`;
  fs.renameSync(worlds.path("portal", "other.sqlite"), worlds.path("portal", "away"));
  fs.mkdirSync(worlds.path("portal", "other.sqlite"));
  await worlds.ok("desktop", line);
  const { json } = await worlds.ok("desktop", "status");
  expect(json).toMatchObject({ pendingWork: [{ kind: "publish" }] });
  fs.rmdirSync(worlds.path("portal", "other.sqlite"));
  fs.renameSync(worlds.path("portal", "away"), worlds.path("portal", "other.sqlite"));
  await worlds.ok("desktop", `account create ${ACCOUNT}`);
  expect((await worlds.ok("desktop", "status")).json).toMatchObject({ pendingWork: [] });
  await worlds.ok("desktop", "profile verify");
});

test("an account that a lost answer left half made can be made after another one was", async () => {
  await worlds.restore("profile");
  worlds.wiretap = (transaction) => (transaction === "CreateAccount" ? "drop" : "answer");
  expect((await worlds.run("laptop", `account create ${ACCOUNT} --portal ${worlds.portal}`)).code).toBe(
    "portal-unreachable",
  );
  await worlds.mend();
  await worlds.ok("laptop", `account create alice@other.example --portal ${worlds.other}`);
  await worlds.ok("laptop", `account create ${ACCOUNT} --portal ${worlds.portal}`);
  await worlds.ok("laptop", "profile verify");
  expect((await worlds.ok("laptop", "status")).json).toMatchObject({ pendingWork: [] });
});

test("an account can be made at a portal that was left some versions ago", async () => {
  await worlds.restore("phone at two portals");
  await worlds.ok("laptop", "account delete alice@other.example --confirm alice@other.example");
  await worlds.ok("laptop", "device remove phone");
  await worlds.ok("laptop", `account create alice@third.example --portal ${worlds.other}`);
  await worlds.ok("laptop", "profile verify");
  expect((await worlds.ok("laptop", "account list")).json).toMatchObject({ accounts: [{}, {}] });
});

test("a removal whose answer was lost is done when it is asked for again, and nothing more after that", async () => {
  await worlds.restore("phone");
  worlds.wiretap = (transaction) => (transaction === "Publish" ? "drop" : "answer");
  expect((await worlds.run("laptop", "device remove phone")).code).toBe("portal-unreachable");
  await worlds.mend();
  expect((await worlds.ok("laptop", "device remove phone")).at("device", "name")).toBe("phone");
  expect((await worlds.run("laptop", "device remove phone")).code).toBe("device-not-found");
});

test("a profile that was published at one portal only is published at the other by the same command", async () => {
  await worlds.restore("phone at two portals");
  // The first portal has taken the new version, and nothing after that comes through.
  let published = false;
  worlds.wiretap = (transaction) => {
    const fate = published ? "lose" : "answer";
    published ||= transaction === "Publish";
    return fate;
  };
  await worlds.run("laptop", "device remove phone");
  expect((await worlds.ok("laptop", "status")).json).toMatchObject({ pendingWork: [{ kind: "publish" }] });
  await worlds.mend();
  await worlds.run("laptop", "device remove phone");
  expect((await worlds.ok("laptop", "status")).json).toMatchObject({ pendingWork: [] });
  await worlds.ok("laptop", "profile verify");
});

test("of two splits into one folder at once one gives way, and the shares of the other stay whole", async () => {
  await worlds.restore("account");
  const line = `escrow split --shares 3 --threshold 3 --out ${worlds.path("both")} --erase-master`;
  const outcomes = await Promise.all([worlds.run("laptop", line), worlds.run("laptop", line)]);
  expect(outcomes.map(({ code }) => code).sort()).toEqual(["file-exists", undefined]);
  const all = [1, 2, 3].map((n) => `--share-file ${worlds.path("both", `share-${n}-of-3.txt`)}`).join(" ");
  const verified = await worlds.ok("laptop", `escrow verify ${all}`);
  expect(verified.at("identifier")).toBe(outcomes.find(({ status }) => status === 0)?.at("identifier"));
});

test("a lock that was left behind before the clock was set back is taken over", async () => {
  await worlds.restore("account");
  const lock = worlds.path("laptop", ".lock");
  fs.mkdirSync(lock);
  const tomorrow = Date.now() / 1000 + 24 * 3600;
  fs.utimesSync(lock, tomorrow, tomorrow);
  await worlds.ok("laptop", "keystore passwd --no-passphrase");
  expect(fs.existsSync(lock)).toBe(false);
});

test("a path that no file can have is the user's mistake", async () => {
  await worlds.restore("account");
  for (const name of ["x".repeat(300), "a\0b"]) {
    expect((await worlds.run("laptop", `profile revocation --out ${name}`)).code).toBe("file-unreadable");
    expect((await worlds.run("laptop", `escrow split --shares 3 --threshold 2 --out ${name}`)).code).toBe(
      "file-unreadable",
    );
  }
});

test("the master key stays where the file of its profile is deleted, as the hint for a damaged one says", async () => {
  for (const line of [
    "profile create --name other",
    `device connect ${ACCOUNT} --portal ${worlds.portal} --trust-on-first-use`,
  ]) {
    await worlds.restore("account");
    const [name = ""] = fs.readdirSync(worlds.path("laptop", "profiles"));
    fs.writeFileSync(worlds.path("laptop", "profiles", name), "{", { mode: 0o600 });
    expect((await worlds.run("laptop", "status")).code).toBe("state-corrupt");
    fs.unlinkSync(worlds.path("laptop", "profiles", name));
    await worlds.ok("laptop", line);
    expect((await uses("laptop")).filter((use) => use === "master-signature").length).toBeGreaterThanOrEqual(
      line.startsWith("profile") ? 2 : 1,
    );
  }
});

test("a deleted profile leaves no key behind, even where deleting it was cut short", async () => {
  await worlds.restore("account");
  const { json } = await worlds.ok("laptop", "profile delete --confirm default");
  expect(json).toMatchObject({ deleted: true });
  expect(await uses("laptop")).toEqual([]);
  await worlds.ok("laptop", "profile create");
  expect(await uses("laptop")).toHaveLength(6);
});

test("a device that has heard of its acceptance knows itself to be connected", async () => {
  await worlds.restore("answered");
  expect((await worlds.ok("phone", "device status")).at("status")).toBe("accepted");
  expect((await worlds.ok("phone", "status")).json).toMatchObject({ connected: true });
});
