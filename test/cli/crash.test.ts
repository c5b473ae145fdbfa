import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import { asking, connected, filePortal, machine, withAccount, type Machine } from "../support/cli.js";
import { testDeps } from "../support/deps.js";
import { faultyFiles } from "../support/faults.js";

/** Runs a command whose process dies at the `n`-th change of the disk. True where it came that far. */
const dies = async (on: Machine, n: number, line: string, ...words: string[]): Promise<boolean> => {
  const files = faultyFiles(testDeps().fs, n, "crash");
  await on.with({ deps: { fs: files.fs } }).run(line, ...words);
  return files.operations().length >= n;
};

/** Runs a trial for every `step`-th change of the disk, until the command ends before it comes to it. */
const everywhere = async (step: number, trial: (n: number) => Promise<boolean>): Promise<number> => {
  for (let n = 1; n < 500; n += step) if (!(await trial(n))) return n;
  throw new Error("The command never ends.");
};

/** No half-written file stays once another command has had the lock. */
const leftovers = (on: Machine): string[] =>
  fs
    .readdirSync(on.home, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.tmp$|\.owner-|\.lock$/.test(path.basename(name)));

/** How many device keys there are. A master key is never thrown away on a guess, so one of a dead process may stay. */
const keys = async (of: Machine): Promise<number> =>
  ((await of.ok("keystore status")).json as { keys: { use: string }[] }).keys.filter(
    ({ use }) => use !== "master-signature" && use !== "master-escrow",
  ).length;

const version = async (of: Machine): Promise<unknown> => {
  const { masterSequence, sequence } = (await of.ok("account status")).json as Record<string, number>;
  return [masterSequence, sequence];
};

describe("a process that dies at any change of the disk, and the same command again", () => {
  test("profile create", async () => {
    const changes = await everywhere(3, async (n) => {
      const admin = machine();
      const died = await dies(admin, n, "profile create --no-passphrase");
      const again = await admin.run("profile create --no-passphrase");
      // Either it was there already, or it is now.
      expect([n, [0, 5].includes(again.status)]).toEqual([n, true]);
      await admin.ok("profile revocation --out note");
      await admin.ok("profile use default");
      expect([n, await keys(admin), leftovers(admin)]).toEqual([n, 4, []]);
      expect((await admin.ok("profile list")).json).toMatchObject({ profiles: { length: 1 } });
      return died;
    });
    expect(changes).toBeGreaterThan(20);
  });

  test("keystore passwd", async () => {
    await everywhere(2, async (n) => {
      const admin = machine();
      await admin.ok("profile create --no-passphrase");
      const died = await dies(admin, n, "keystore passwd --no-passphrase");
      await admin.ok("profile revocation --out note");
      await admin.ok("keystore passwd --no-passphrase");
      await admin.ok("profile revocation --out other");
      expect([n, leftovers(admin)]).toEqual([n, []]);
      return died;
    });
  });

  test("profile delete", async () => {
    await everywhere(4, async (n) => {
      const admin = machine();
      await admin.ok("profile create --no-passphrase --name one");
      await admin.ok("profile create --no-passphrase --name two");
      const died = await dies(admin, n, "profile delete two --confirm two");
      const again = await admin.run("profile delete two --confirm two");
      expect([n, [0, 3].includes(again.status)]).toEqual([n, true]);
      // What a dead process left behind goes with the next profile that is made.
      await admin.ok("profile create --no-passphrase --name three");
      expect([n, await keys(admin), leftovers(admin)]).toEqual([n, 8, []]);
      return died;
    });
  });

  test("account create", async () => {
    await everywhere(9, async (n) => {
      const portal = filePortal();
      const admin = machine();
      await admin.ok("profile create --no-passphrase");
      const died = await dies(admin, n, "account create alice@example.com --portal", portal);
      await admin.ok("account create alice@example.com --portal", portal);
      expect([n, await version(admin)]).toEqual([n, [1, 2]]);
      expect((await admin.ok("status")).json).toMatchObject({ pendingWork: [], connected: true });
      expect((await admin.ok("profile verify")).json).toMatchObject({ ok: true });
      return died;
    });
  });

  test("device connect", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    await everywhere(11, async (n) => {
      const phone = machine();
      const words = ["--portal", portal, "--trust-on-first-use", "--device-name", `phone ${n}`];
      const died = await dies(phone, n, "device connect alice@example.com --no-passphrase", ...words);
      const asked = await phone.ok("device connect alice@example.com --no-passphrase", ...words);
      expect([n, await keys(phone), leftovers(phone)]).toEqual([n, 4, []]);
      await admin.ok("device complete", asked.at("code"));
      expect((await phone.ok("device status")).json).toEqual({ status: "accepted", expires: null });
      await admin.ok("device remove", `phone ${n}`);
      return died;
    });
  });

  test("device complete", async () => {
    await everywhere(11, async (n) => {
      const admin = await withAccount(filePortal());
      const { device, code } = await asking(admin);
      const died = await dies(admin, n, "device complete", code);
      expect((await admin.ok("device complete", code)).json).toMatchObject({ result: "Accepted" });
      expect([n, await version(admin)]).toEqual([n, [1, 3]]);
      expect((await admin.ok("device pending")).json).toEqual({ pending: [] });
      expect((await device.ok("device status")).json).toEqual({ status: "accepted", expires: null });
      return died;
    });
  });

  test("escrow split --erase-master: the master key is here, or the shares bring it back", async () => {
    await everywhere(11, async (n) => {
      const admin = await withAccount(filePortal());
      const died = await dies(admin, n, "escrow split --shares 2 --threshold 2 --out shares --erase-master");
      const { keys: kept } = (await admin.ok("keystore status")).json as { keys: { use: string }[] };
      const files = [1, 2].map((index) => path.join(admin.folder, "shares", `share-${index}-of-2.txt`));
      if (!kept.some(({ use }) => use === "master-signature")) {
        await admin.ok("escrow verify", ...files.flatMap((file) => ["--share-file", file]));
        await admin.ok("escrow recover", ...files.flatMap((file) => ["--share-file", file]));
      }
      await admin.ok("escrow split --shares 2 --threshold 2 --out again");
      return died;
    });
  });

  test("escrow recover", async () => {
    await everywhere(19, async (n) => {
      const portal = filePortal();
      const admin = await withAccount(portal);
      await connected(admin);
      const { shares } = (await admin.ok("escrow split --shares 2 --threshold 2")).json as { shares: string[] };
      const desktop = machine({ stdin: shares.join("\n") });
      const died = await dies(desktop, n, "escrow recover --no-passphrase --portal", portal);
      await desktop.ok("escrow recover --no-passphrase --portal", portal);
      expect((await desktop.ok("status")).json).toMatchObject({ pendingWork: [], admin: true });
      const [master] = (await version(desktop)) as [number];
      expect([n, master]).toEqual([n, 2]);
      expect((await desktop.ok("device list")).json).toMatchObject({ devices: { length: 3 } });
      await desktop.ok("device remove phone");
      return died;
    });
  });
});
