import * as fs from "node:fs";
import { expect } from "vitest";
import { test, type Finished, type Stage } from "../support/program.js";
import { lootOf, publishedAt, readableWith } from "../support/thief.js";

const ACCOUNT = "alice@example.com";
const DEVICES = ["laptop", "phone", "desk"] as const;

interface PrintedEntry {
  readonly id: string;
  readonly sites: readonly string[];
  readonly password?: string;
}

/** What a command prints with `--json`, for the members that `Printed` does not have. */
const documentOf = ({ status, stdout, stderr }: Finished): Record<string, unknown> => {
  expect(status, stdout + stderr).toBe(0);
  return JSON.parse(stdout) as Record<string, unknown>;
};

const run = async (stage: Stage, machine: string, line: string): Promise<Record<string, unknown>> =>
  documentOf(await stage.run(machine, [...line.split(" "), "--json"]));

/** A person's applications on some machines, told by their secrets, which only standard output may carry and only where it is asked to. */
const peopleOf = (stage: Stage) => {
  let count = 0;
  /** A file with a password that is nowhere else. */
  const secret = (text: string): string => stage.writeSecret(`password-${count++}`, `${text}\n`);
  const given = (text: string): string => `--password-file ${secret(text)}`;
  return {
    add: (machine: string, site: string, password: string, more = ""): Promise<Record<string, unknown>> =>
      run(stage, machine, `password add ${site} --username alice ${given(password)}${more}`),
    edit: (machine: string, site: string, password: string, more = ""): Promise<Record<string, unknown>> =>
      run(stage, machine, `password edit ${site} alice ${given(password)}${more}`),
    /** All passwords of a machine, by site. */
    passwords: async (machine: string, more = ""): Promise<Record<string, string>> => {
      const { entries } = await run(stage, machine, `password list${more}`);
      const found: Record<string, string> = {};
      for (const { id, sites } of entries as PrintedEntry[]) {
        const words = [...`password get --entry ${id} --json${more}`.split(" ")];
        const shown = documentOf(await stage.run(machine, words, { secretOutput: true }));
        found[sites[0] ?? ""] = String(shown["password"]);
      }
      return found;
    },
    /** The comments of the lines for `authorized_keys`, which name the devices. */
    sshDevices: async (machine: string): Promise<string[]> => {
      const { keys } = await run(stage, machine, "ssh authorized-keys");
      return (keys as { device: { name: string } }[]).map(({ device }) => device.name).sort();
    },
    mail: (machine: string, password: string): Promise<Record<string, unknown>> =>
      run(stage, machine, `mail set ${ACCOUNT} --inbound-server imap.example.com:993 --user alice ${given(password)}`),
    /** What mail programs of a machine are told. */
    mailPassword: async (machine: string): Promise<string> => {
      const words = `mail show ${ACCOUNT} --password inbound`.split(" ");
      const { status, stdout } = await stage.run(machine, words, { secretOutput: true });
      expect(status).toBe(0);
      return stdout.trim();
    },
    networkServers: async (machine: string): Promise<string> =>
      JSON.stringify((await run(stage, machine, "network show office"))["network"]),
    sshHosts: async (machine: string): Promise<string[]> => {
      const { hosts } = await run(stage, machine, "ssh list");
      return (hosts as { names: string[] }[]).map(({ names }) => names[0] ?? "").sort();
    },
  };
};

test("three devices work at once and offline; one is removed, all are lost, and recovery brings everything back", async ({
  stage,
}) => {
  const { meshman, fails } = stage;
  const { add, edit, passwords, sshDevices, sshHosts, mail, mailPassword, networkServers } = peopleOf(stage);
  const { url } = await stage.serve();
  const file = stage.path("portal.sqlite");

  await meshman("laptop", "profile create --device-name laptop --no-passphrase");
  const { udf } = (await meshman("laptop", `account create ${ACCOUNT} --portal ${url}`)).profile;
  await meshman("laptop", "escrow split --shares 3 --threshold 2 --out recovery --erase-master");
  await add("laptop", "example.com", "first-of-the-laptop");
  await run(stage, "laptop", "ssh add");
  await run(stage, "laptop", "ssh add server --hostname server.example");
  await mail("laptop", "password-of-the-mail");
  await run(stage, "laptop", "network set office --dns 192.0.2.53 --prefix corp.example.com");
  for (const machine of DEVICES.slice(1)) {
    const connect = `device connect ${ACCOUNT} --portal ${url} --expect-fingerprint ${udf} --device-name ${machine} --no-passphrase`;
    const { code } = await meshman(machine, connect);
    await meshman("laptop", `device complete ${code}`);
    await meshman(machine, "device status");
  }

  // The working life is there at once, and each device has an SSH key of its own.
  for (const machine of DEVICES.slice(1)) {
    expect(await passwords(machine)).toEqual({ "example.com": "first-of-the-laptop" });
    await run(stage, machine, "ssh add");
  }

  // All at the same time.
  await Promise.all(DEVICES.map((machine) => add(machine, `${machine}.example`, `made-on-${machine}`)));
  for (const machine of DEVICES) await run(stage, machine, "sync");
  const made = Object.fromEntries(DEVICES.map((machine) => [`${machine}.example`, `made-on-${machine}`]));
  const everything: Record<string, string> = { "example.com": "first-of-the-laptop", ...made };
  for (const machine of DEVICES) {
    expect(await passwords(machine)).toEqual(everything);
    expect(await sshHosts(machine)).toEqual(["server"]);
    expect(await sshDevices(machine)).toEqual([...DEVICES].sort());
    expect(await mailPassword(machine)).toBe("password-of-the-mail");
    expect(await networkServers(machine)).toContain("192.0.2.53");
  }

  // All offline: different entries, and the same one twice.
  await edit("laptop", "laptop.example", "offline-on-laptop", " --offline");
  await edit("desk", "desk.example", "offline-on-desk", " --offline");
  await edit("laptop", "example.com", "laptop-says", " --offline");
  await edit("desk", "example.com", "desk-says", " --offline");
  expect(await passwords("laptop", " --offline")).toMatchObject({ "laptop.example": "offline-on-laptop" });
  expect(await passwords("phone")).toEqual(everything);
  for (const machine of ["laptop", "desk", "laptop", "phone"]) await run(stage, machine, "sync");
  const { conflicts } = await run(stage, "phone", "app conflicts");
  expect(conflicts).toMatchObject([{ labels: ["example.com", "alice"], versions: [{}, {}] }]);
  await run(stage, "phone", "app resolve passwords example.com --keep current");
  for (const machine of DEVICES) await run(stage, machine, "sync");
  Object.assign(everything, {
    "laptop.example": "offline-on-laptop",
    "desk.example": "offline-on-desk",
    "example.com": "laptop-says",
  });
  for (const machine of DEVICES) expect(await passwords(machine)).toEqual(everything);
  expect(await run(stage, "laptop", "app conflicts")).toEqual({ conflicts: [] });

  // The phone is stolen, and taken out. Whoever has it has all its keys, and takes what it says last into account.
  await edit("phone", "phone.example", "last-of-the-phone");
  everything["phone.example"] = "last-of-the-phone";
  const loot = await lootOf({ home: stage.home("phone"), folder: stage.folder });
  const published = publishedAt(file);
  const seen = published.at(-1)?.tid ?? 0;
  expect((await readableWith(loot, published)).length).toBeGreaterThan(0);
  await meshman("laptop", "device remove phone");
  const exposed = async (machine: string): Promise<string[]> => {
    const { entries } = await run(stage, machine, "app exposure phone --app passwords");
    return (entries as { labels: string[]; since: string | null }[]).map(({ labels }) => labels[0] ?? "").sort();
  };
  expect(await exposed("desk")).toEqual(Object.keys(everything).sort());
  await edit("desk", "example.com", "after-the-theft");
  await add("laptop", "new.example", "added-when-it-was-gone");
  await mail("desk", "another-one-for-the-mail");
  Object.assign(everything, { "example.com": "after-the-theft", "new.example": "added-when-it-was-gone" });
  for (const machine of ["laptop", "desk"]) {
    await run(stage, machine, "sync");
    expect(await passwords(machine)).toEqual(everything);
    expect(await sshDevices(machine)).toEqual(["desk", "laptop"]);
  }
  expect(await exposed("laptop")).toEqual(["desk.example", "laptop.example", "phone.example"]);
  await fails("phone", 5, "not-connected", "sync");
  const later = publishedAt(file).filter(({ tid }) => tid > seen);
  expect(later.length).toBeGreaterThan(3);
  expect(await readableWith(loot, later)).toEqual([]);

  // Everything burns down but two shares, and what the portal keeps.
  const lost = await Promise.all(
    ["laptop", "desk"].map((machine) => lootOf({ home: stage.home(machine), folder: stage.folder })),
  );
  for (const machine of DEVICES) fs.rmSync(stage.home(machine), { recursive: true });
  const before = publishedAt(file).at(-1)?.tid ?? 0;
  const shares = [1, 3].map((n) => `--share-file ${stage.path("recovery", `share-${n}-of-3.txt`)}`).join(" ");
  await meshman(
    "desktop",
    `escrow recover --account ${ACCOUNT} --portal ${url} ${shares} --drop-devices --device-name desktop --no-passphrase`,
  );
  await run(stage, "desktop", "sync");
  expect(await passwords("desktop")).toEqual(everything);
  expect(await sshHosts("desktop")).toEqual(["server"]);
  expect(await mailPassword("desktop")).toBe("another-one-for-the-mail");
  expect(await networkServers("desktop")).toContain("192.0.2.53");
  // The keys of devices that are lost let nobody in any more.
  expect(await sshDevices("desktop")).toEqual([]);
  await run(stage, "desktop", "ssh add");
  expect(await sshDevices("desktop")).toEqual(["desktop"]);
  await edit("desktop", "new.example", "a-new-beginning");
  const fresh = publishedAt(file).filter(({ tid }) => tid > before);
  expect(fresh.length).toBeGreaterThan(2);
  for (const keys of [loot, ...lost]) expect(await readableWith(keys, fresh)).toEqual([]);
  expect((await meshman("desktop", "profile verify")).ok).toBe(true);
});
