import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "vitest";
import { run } from "../support/cli.js";
import { temporaryFolder } from "../support/deps.js";
import { openDraftPortal } from "../support/draft-portal.js";
import { test, type Printed, type Stage } from "../support/program.js";
import { openReferencePortal } from "../support/reference-portal.js";

const ACCOUNT = "alice@example.com";

/** Several machines that share nothing but a portal: of processes of their own, or played in this one. */
type Actors = Pick<Stage, "meshman" | "fails" | "home" | "path">;

const playActors = (): Actors => {
  const folder = temporaryFolder();
  const actors: Actors = {
    home: (machine) => path.join(folder, machine),
    path: (...names) => path.join(folder, ...names),
    meshman: async (machine, words, { status = 0 } = {}) => {
      const line = typeof words === "string" ? words.split(" ") : words;
      const outcome = await run([...line, "--json"], { home: actors.home(machine), deps: { cwd: folder } });
      expect(outcome.status, `${line.join(" ")}: ${outcome.stdout}${outcome.stderr}`).toBe(status);
      return outcome.json as Printed;
    },
    fails: async (machine, status, code, words) => {
      expect((await actors.meshman(machine, words, { status })).error?.code).toBe(code);
    },
  };
  return actors;
};

const shareFiles = (actors: Actors, ...indices: readonly number[]): string =>
  indices.map((index) => `--share-file ${actors.path("recovery", `share-${index}-of-3.txt`)}`).join(" ");

/** The names of the profile's devices, as a machine sees them. */
const names = async (actors: Actors, machine: string): Promise<string[]> =>
  (await actors.meshman(machine, "device list")).devices.map(({ name }) => name).sort();

/** Alice's life at a portal that knows nothing of what portals of ours can do. */
const liveThrough = async (actors: Actors, url: string): Promise<void> => {
  const { meshman, fails } = actors;
  const at = `--portal ${url}`;

  expect(await meshman("laptop", `account validate ${ACCOUNT} ${at}`)).toMatchObject({ account: ACCOUNT, valid: true });
  const { profile } = await meshman("laptop", "profile create --device-name laptop --no-passphrase");
  const create = `account create Alice@EXAMPLE.com ${at}`;
  expect(await meshman("laptop", create)).toMatchObject({ account: ACCOUNT, profile: { udf: profile.udf } });
  await meshman("laptop", create);
  await meshman("stranger", "profile create --device-name stranger --no-passphrase");
  await fails("stranger", 5, "account-taken", create);

  const split = "escrow split --shares 3 --threshold 2 --out recovery --erase-master";
  expect(await meshman("laptop", split)).toMatchObject({ threshold: 2 });
  await meshman("laptop", `escrow verify ${shareFiles(actors, 1, 3)}`);

  // Three devices ask. Two know the fingerprint, one takes what it is shown.
  const ask = `device connect ${ACCOUNT} ${at} --no-passphrase --device-name`;
  await fails("phone", 2, "input-required", `${ask} phone`);
  const wrong = "--expect-fingerprint MDDK-7N6A-727A-JZNO-STRX-XKS7-DJAF";
  await fails("phone", 7, "fingerprint-mismatch", `${ask} phone ${wrong}`);
  const phone = await meshman("phone", `${ask} phone --expect-fingerprint ${profile.udf}`);
  expect(phone).toMatchObject({ status: "pending", account: ACCOUNT, profile: { udf: profile.udf } });
  expect(await meshman("phone", `${ask} phone --expect-fingerprint ${profile.udf}`)).toMatchObject({
    code: phone.code,
  });
  const tablet = await meshman("tablet", `${ask} tablet --trust-on-first-use`);
  const waiting = meshman("tablet", `${ask} tablet --trust-on-first-use --wait 40`);
  const television = await meshman("television", `${ask} television --expect-fingerprint ${profile.udf}`);
  expect(await meshman("phone", "device status", { status: 8 })).toMatchObject({ status: "pending", code: phone.code });

  // The laptop answers: yes; yes, as an administrator; no.
  const { pending } = await meshman("laptop", "device pending");
  const codes = [phone, tablet, television].map(({ code }) => code);
  expect(pending.map(({ code }) => code).sort()).toEqual(codes.sort());
  await fails("laptop", 3, "request-not-found", "device complete MAUQ-2VXH-NR5A-TZC3-J3KD");
  expect(await meshman("laptop", `device complete ${phone.code}`)).toMatchObject({ result: "Accepted" });
  expect(await meshman("phone", "device status")).toMatchObject({ status: "accepted" });
  await fails("laptop", 5, "master-key-needed", `device complete ${tablet.code} --admin`);
  const asAdministrator = `device complete ${tablet.code} --admin --name kitchen`;
  await fails("laptop", 7, "share-missing", `${asAdministrator} ${shareFiles(actors, 2)}`);
  expect(await meshman("laptop", `${asAdministrator} ${shareFiles(actors, 1, 2)}`)).toMatchObject({
    result: "Accepted",
    device: { name: "kitchen", admin: true },
  });
  // Once more finds nothing to do.
  await meshman("laptop", `device complete ${phone.code}`);
  expect(await meshman("laptop", `device complete ${television.code} --refuse`)).toMatchObject({ result: "Refused" });
  expect(await meshman("television", "device status", { status: 5 })).toMatchObject({ status: "refused" });
  expect(await waiting).toMatchObject({ status: "accepted", code: tablet.code });
  expect((await meshman("laptop", "device pending")).pending).toEqual([]);
  for (const machine of ["laptop", "phone", "tablet"]) {
    expect(await names(actors, machine)).toEqual(["kitchen", "laptop", "phone"]);
  }

  // The tablet rules too. The phone goes, and comes back as another device.
  await fails("phone", 5, "not-administrator", "device remove kitchen");
  expect(await meshman("tablet", "device remove phone")).toMatchObject({ device: { name: "phone" } });
  expect(await meshman("phone", "device status", { status: 5 })).toMatchObject({ status: "removed" });
  await fails("phone", 5, "not-connected", "device pending");
  const again = await meshman("phone", `${ask} phone --expect-fingerprint ${profile.udf}`);
  expect(again.device.udf).not.toBe(phone.device.udf);
  await meshman("tablet", `device complete ${again.code}`);
  expect(await meshman("phone", "device status")).toMatchObject({ status: "accepted" });

  // The laptop is lost. Two shares bring the profile back on a desktop, and the tablet's rule is over.
  fs.rmSync(actors.home("laptop"), { recursive: true });
  const recover = `escrow recover --account ${ACCOUNT} ${at} ${shareFiles(actors, 2, 3)}`;
  const recovered = await meshman("desktop", `${recover} --device-name desktop --no-passphrase`);
  expect(recovered).toMatchObject({ profile: { udf: profile.udf }, device: { name: "desktop" }, published: true });
  expect(recovered.devices.map(({ name }) => name).sort()).toEqual(["kitchen", "laptop", "phone"]);
  await fails("tablet", 5, "not-administrator", "device remove phone");
  await fails("tablet", 5, "not-administrator", "device pending");
  await meshman("desktop", `device remove ${phone.device.udf}`, { status: 3 });
  await meshman("desktop", "device remove laptop");
  await meshman("desktop", "device remove kitchen");
  expect(await meshman("tablet", "device status --accept-gap", { status: 5 })).toMatchObject({ status: "removed" });
  expect(await names(actors, "desktop")).toEqual(["desktop", "phone"]);

  expect(await meshman("desktop", "profile verify")).toMatchObject({ ok: true, profile: { udf: profile.udf } });
  expect(await meshman("desktop", "status")).toMatchObject({ connected: true, admin: true, pendingWork: [] });
  expect(await meshman("anybody", `account status ${ACCOUNT} ${at}`)).toMatchObject({
    status: "unknown",
    profile: { udf: profile.udf },
  });
};

test("the whole story at the reference portal, by processes", { timeout: 180_000 }, async ({ stage }) => {
  const portal = await openReferencePortal();
  await liveThrough(stage, portal.url);
  expect(portal.deaths).toEqual([]);
  expect(portal.accounts.size).toBe(1);
  expect(await stage.meshman("anybody", `portal hello ${portal.url}`)).toMatchObject({
    version: "0.7",
    extensions: [],
  });
});

test("the whole story at a portal made after architecture-02", async () => {
  const portal = await openDraftPortal();
  await liveThrough(playActors(), portal.url);
  // What it does not know is the greeting alone, in the one wrapping and in the other.
  expect(portal.refused.filter((reason) => !/Hello(Request)? is unknown here/.test(reason))).toEqual([]);
});

test("two administrators in a race of processes: every change is there, or a command has said that it is not", async ({
  stage,
}) => {
  const { meshman } = stage;
  const portal = await openReferencePortal();
  const at = `--portal ${portal.url}`;
  await meshman("laptop", "profile create --device-name laptop --no-passphrase");
  await meshman("laptop", `account create ${ACCOUNT} ${at}`);
  const ask = async (name: string): Promise<string> =>
    (await meshman(name, `device connect ${ACCOUNT} ${at} --trust-on-first-use --no-passphrase --device-name ${name}`))
      .code;
  await meshman("laptop", `device complete ${await ask("tablet")} --admin`);
  await meshman("tablet", "device status");
  const [phone, watch] = [await ask("phone"), await ask("watch")];
  const finished = await Promise.all([
    stage.run("laptop", `device complete ${phone} --json`),
    stage.run("tablet", `device complete ${watch} --json`),
  ]);
  // Whose change was overwritten after it had been read back hears of it now.
  const later = [await stage.run("laptop", "device list --json"), await stage.run("tablet", "device list --json")];
  const failed = [...finished, ...later].filter(({ status }) => status !== 0);
  for (const { stdout } of failed) expect(stdout).toMatch(/"code":"(conflict|fork|gap|rollback)"/);
  if (failed.length === 0) expect(await names(stage, "laptop")).toEqual(["laptop", "phone", "tablet", "watch"]);
  expect(portal.deaths).toEqual([]);
});
