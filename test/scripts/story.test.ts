import * as fs from "node:fs";
import { expect } from "vitest";
import { test, type Stage } from "../support/program.js";

const ACCOUNT = "alice@example.com";

const shareFiles = (stage: Stage, folder: string, ...indices: readonly number[]): string =>
  indices.map((index) => `--share-file ${stage.path(folder, `share-${index}-of-3.txt`)}`).join(" ");

/** The names of the profile's devices, as a machine sees them. */
const names = async (stage: Stage, machine: string): Promise<string[]> =>
  (await stage.meshman(machine, "device list")).devices.map(({ name }) => name).sort();

/** A person's life with meshman, on three machines that share nothing but the portal `at`. */
const liveThrough = async (stage: Stage, at: string): Promise<void> => {
  const { meshman, fails } = stage;

  // A profile and an account for it.
  expect(await meshman("laptop", `account validate ${ACCOUNT} ${at}`)).toMatchObject({ account: ACCOUNT, valid: true });
  const created = await meshman("laptop", "profile create --device-name laptop --no-passphrase");
  const { udf } = created.profile;
  expect(created.device).toMatchObject({ name: "laptop", admin: true });
  await fails("laptop", 5, "profile-exists", "profile create --no-passphrase");
  expect(await meshman("laptop", `account create Alice@EXAMPLE.com ${at}`)).toMatchObject({
    account: ACCOUNT,
    profile: { udf },
  });
  // Again is no error; for somebody else the name is gone.
  await meshman("laptop", `account create ${ACCOUNT} ${at}`);
  await meshman("stranger", "profile create --device-name stranger --no-passphrase");
  await fails("stranger", 5, "account-taken", `account create ${ACCOUNT} ${at}`);
  expect(await meshman("stranger", `account validate ${ACCOUNT} ${at}`, { status: 5 })).toMatchObject({ valid: false });

  // The note that ends it all, kept for the last day; then shares, and no master key on the laptop any more.
  await meshman("laptop", "profile revocation --out note.json");
  const split = await meshman("laptop", "escrow split --shares 3 --threshold 2 --out recovery --erase-master");
  expect(split).toMatchObject({
    threshold: 2,
    shares: [1, 2, 3].map((n) => stage.path("recovery", `share-${n}-of-3.txt`)),
  });
  await fails("laptop", 5, "master-key-needed", "escrow split --shares 3 --threshold 2 --out again");
  const { keys } = await meshman("laptop", "keystore status");
  expect(keys.map(({ use }) => use)).not.toContain("master-signature");
  expect(await meshman("laptop", `escrow verify ${shareFiles(stage, "recovery", 1, 3)}`)).toMatchObject({
    identifier: split.identifier,
    profile: { udf },
  });

  // The phone connects. It must say which profile it means, and the code is what the administrator types.
  await fails("phone", 2, "input-required", `device connect ${ACCOUNT} ${at} --no-passphrase`);
  await fails(
    "phone",
    7,
    "fingerprint-mismatch",
    `device connect ${ACCOUNT} ${at} --expect-fingerprint MDDK-7N6A-727A-JZNO-STRX-XKS7-DJAF --no-passphrase`,
  );
  const connect = `device connect ${ACCOUNT} ${at} --expect-fingerprint ${udf} --device-name phone --no-passphrase`;
  const asked = await meshman("phone", connect);
  expect(asked).toMatchObject({ status: "pending", account: ACCOUNT, profile: { udf } });
  expect((await meshman("phone", connect)).code).toBe(asked.code);
  expect(await meshman("phone", "device status", { status: 8 })).toMatchObject({ status: "pending", code: asked.code });
  await fails("phone", 5, "not-connected", "device pending");
  const { pending } = await meshman("laptop", "device pending");
  expect(pending).toMatchObject([{ code: asked.code, device: { name: "phone" } }]);
  await fails("laptop", 3, "request-not-found", "device complete MAUQ-2VXH-NR5A-TZC3-J3KD");
  await fails("laptop", 5, "master-key-needed", `device complete ${asked.code} --admin`);
  await fails(
    "laptop",
    7,
    "share-missing",
    `device complete ${asked.code} --admin ${shareFiles(stage, "recovery", 1)}`,
  );
  expect(
    await meshman("laptop", `device complete ${asked.code} --admin ${shareFiles(stage, "recovery", 1, 2)}`),
  ).toMatchObject({ result: "Accepted", device: { name: "phone", admin: true } });

  // A tablet is no administrator, and is called what the administrator says. The phone rules without having looked first.
  const tablet = await meshman("tablet", connect.replace("phone", "tablet"));
  expect(await meshman("phone", `device complete ${tablet.code} --name kitchen`)).toMatchObject({
    device: { name: "kitchen", admin: false },
  });
  expect(await meshman("phone", "device status")).toMatchObject({ status: "accepted" });
  expect(await meshman("tablet", "device status")).toMatchObject({ status: "accepted" });
  expect(await names(stage, "laptop")).toEqual(["kitchen", "laptop", "phone"]);
  await fails("tablet", 5, "not-administrator", "device remove phone");
  // A television is refused.
  const television = await meshman("television", connect.replace("phone", "television"));
  expect(await meshman("laptop", `device complete ${television.code} --refuse`)).toMatchObject({ result: "Refused" });
  expect(await meshman("television", "device status", { status: 5 })).toMatchObject({ status: "refused" });

  // The tablet goes, and then the phone, which takes the master key.
  await meshman("laptop", "device remove kitchen");
  expect(await meshman("tablet", "device status", { status: 5 })).toMatchObject({ status: "removed" });
  await fails("laptop", 5, "master-key-needed", "device remove phone");
  await fails("laptop", 5, "self-removal", "device remove laptop");
  await meshman("laptop", `device remove phone ${shareFiles(stage, "recovery", 2, 3)}`);
  expect(await meshman("phone", "device status", { status: 5 })).toMatchObject({ status: "removed" });
  await fails("phone", 5, "not-connected", "device remove laptop");
  await fails("phone", 5, "not-connected", "device pending");

  // The laptop is stolen. Two shares bring the profile back on a desktop.
  fs.renameSync(stage.home("laptop"), stage.home("thief"));
  await fails(
    "desktop",
    7,
    "share-duplicate",
    `escrow recover --account ${ACCOUNT} ${at} ${shareFiles(stage, "recovery", 1, 1)} --no-passphrase`,
  );
  const recover = `escrow recover --account ${ACCOUNT} ${at} ${shareFiles(stage, "recovery", 1, 3)}`;
  const recovered = await meshman("desktop", `${recover} --device-name desktop --no-passphrase`);
  expect(recovered).toMatchObject({ profile: { udf }, device: { name: "desktop" }, published: true });
  expect(recovered.devices.map(({ name }) => name)).toEqual(["laptop"]);

  // The thief's keys administer nothing any more, and soon belong to no device of the profile.
  await fails("thief", 5, "not-administrator", "device remove desktop");
  await fails("thief", 5, "not-administrator", "device pending");
  await meshman("desktop", "device remove laptop");
  expect(await meshman("thief", "device status", { status: 5 })).toMatchObject({ status: "removed" });
  await fails("thief", 5, "not-connected", "device pending");
  expect(await names(stage, "desktop")).toEqual(["desktop"]);
  expect((await meshman("desktop", "device list")).devices[0]).toMatchObject({ admin: true, current: true });

  // All of it holds, down to the master key.
  expect(await meshman("desktop", "profile verify")).toMatchObject({ ok: true, profile: { udf } });
  expect(await meshman("desktop", "status")).toMatchObject({ connected: true, admin: true, pendingWork: [] });
  const exported = await stage.run("desktop", "profile export");
  fs.writeFileSync(stage.path("profile.json"), exported.stdout);
  expect(await meshman("anybody", `verify ${stage.path("profile.json")}`)).toMatchObject({ ok: true });

  // The end.
  await fails("desktop", 2, "input-required", `profile revoke ${stage.path("note.json")}`);
  await meshman("desktop", `profile revoke ${stage.path("note.json")} --yes`);
  expect((await meshman("desktop", "profile show")).revoked).not.toBeNull();
  await fails("desktop", 5, "profile-revoked", `${recover} --new-epoch`);
  await fails("latecomer", 5, "profile-revoked", `${connect} --no-input`);
};

test.concurrent("the whole story over HTTP", async ({ stage }) => {
  const portal = await stage.serve("--store sqlite:portal.sqlite --domain example.com");
  await liveThrough(stage, `--portal ${portal.url}`);
  expect(await portal.running.stop("SIGTERM")).toMatchObject({ status: 0, stderr: "" });
});

test.concurrent("the whole story over one embedded portal that the machines share", async ({ stage }) => {
  await liveThrough(stage, `--portal file:${stage.path("portal", "portal.sqlite")}`);
});
