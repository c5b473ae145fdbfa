import * as fs from "node:fs";
import { expect } from "vitest";
import { inviteIdOf, parsePin } from "../../src/mesh/invite.js";
import { readPersonal } from "../../src/mesh/records/personal.js";
import type { Outcome } from "./cli.js";
import { machineView, portalView, type Worlds } from "./worlds.js";

const ACCOUNT = "alice@example.com";
const SECOND = "alice@other.example";

/** A command that may be cut short anywhere, and what must hold then. */
export interface Scenario {
  readonly name: string;
  /** The world to begin with. */
  readonly from: string;
  readonly machine: string;
  /** Does something new each time it comes to its end, so that it is run again only where it failed. */
  readonly once?: true;
  /** Takes its time, because of passphrases: is tried less often. */
  readonly slow?: true;
  line(worlds: Worlds): string;
  /** Codes by which the same command may say, after it was cut short, that there is nothing left to do. */
  readonly done?: readonly string[];
  /** What must hold right after the command was cut short, before it is run again. */
  check?(worlds: Worlds): Promise<void>;
  /** Brings everything to its end where running the command again could not, and says what is so in the end. */
  view(worlds: Worlds, again: Outcome): Promise<unknown>;
}

const shares = (worlds: Worlds, folder: string): string =>
  [1, 3].map((n) => `--share-file ${worlds.path(folder, `share-${n}-of-3.txt`)}`).join(" ");

const connect = (worlds: Worlds): string =>
  `device connect ${ACCOUNT} --portal ${worlds.portal} --trust-on-first-use --device-name phone --no-passphrase`;

const connectWithPin = (worlds: Worlds): string =>
  `device connect ${ACCOUNT} --portal ${worlds.portal} --pin-file ${worlds.path("pin")} --device-name phone --no-passphrase`;

/** The invites that a machine's profile holds now, by their identifiers. */
const invitesOf = async (worlds: Worlds, machine: string): Promise<string[]> => {
  await worlds.ok(machine, "account status");
  const { json } = await worlds.ok(machine, "profile export");
  return readPersonal((json as { SignedPersonalProfile: unknown }).SignedPersonalProfile).invites.map(({ Id }) => Id);
};

const split = (worlds: Worlds, folder: string): string =>
  `escrow split --shares 3 --threshold 2 --out ${worlds.path(folder)} --erase-master`;

const passphrase = (worlds: Worlds): string => {
  fs.writeFileSync(worlds.path("passphrase"), "correct horse\n", { mode: 0o600 });
  return worlds.path("passphrase");
};

const backUp = (worlds: Worlds, name: string): string =>
  `profile export --private --out ${worlds.path(name)} --backup-passphrase-file ${passphrase(worlds)}`;

const restore = (worlds: Worlds, name: string): string =>
  `profile import ${worlds.path(name)} --backup-passphrase-file ${passphrase(worlds)} --no-passphrase --yes`;

/** A key that is given, in a file. */
const givenKey = (worlds: Worlds): string => {
  fs.writeFileSync(worlds.path("given-key"), `${"ab".repeat(32)}\n`, { mode: 0o600 });
  return worlds.path("given-key");
};

/** A key file in a folder that is not the home: on a stick. */
const stick = (worlds: Worlds): string => {
  fs.mkdirSync(worlds.path("stick"), { recursive: true });
  return worlds.path("stick", "meshman.key");
};

const preconfigure = (worlds: Worlds, name: string): string =>
  `device preconfigure --name phone --out ${worlds.path(name)} --key-out ${worlds.path(`${name}.key`)}`;

const install = (worlds: Worlds, name: string): string =>
  `device install ${worlds.path(name)} --key-file ${worlds.path(`${name}.key`)} --no-passphrase`;

const passwordFile = (worlds: Worlds, password: string): string => {
  fs.writeFileSync(worlds.path(`password-${password}`), `${password}\n`, { mode: 0o600 });
  return worlds.path(`password-${password}`);
};

const addPassword = (worlds: Worlds, site: string, password: string): string =>
  `password add ${site} --username alice --password-file ${passwordFile(worlds, password)}`;

const editPassword = (worlds: Worlds, site: string, password: string): string =>
  `password edit ${site} alice --password-file ${passwordFile(worlds, password)}`;

const codeOf = (worlds: Worlds): string => fs.readFileSync(worlds.path("code"), "utf8");

const hasMaster = async (worlds: Worlds, machine: string): Promise<boolean> => {
  const { json } = await worlds.ok(machine, "keystore status");
  return (json as { keys: { use: string }[] }).keys.some(({ use }) => use === "master-signature");
};

/** What the portals and these machines hold. */
const viewOf = async (worlds: Worlds, ...machines: string[]): Promise<unknown> => ({
  portal: portalView(worlds.path("portal", "portal.sqlite")),
  other: portalView(worlds.path("portal", "other.sqlite")),
  machines: Object.fromEntries(
    await Promise.all(machines.map(async (machine) => [machine, await machineView(worlds, machine)])),
  ),
});

/** Makes the worlds that the scenarios begin with, each from the one before. */
export const makeWorlds = async (worlds: Worlds): Promise<void> => {
  await worlds.keep("nothing");
  await worlds.ok("laptop", "profile create --device-name laptop --no-passphrase");
  await worlds.keep("profile");
  await worlds.ok("laptop", `account create ${ACCOUNT} --portal ${worlds.portal}`);
  await worlds.keep("account");
  await worlds.ok("laptop", `device invite --uses 3 --expires 90d --out ${worlds.path("pin")}`);
  await worlds.keep("invited");
  await worlds.ok("phone", connectWithPin(worlds));
  await worlds.keep("invited request");
  await worlds.restore("account");
  await worlds.ok("laptop", preconfigure(worlds, "bundle"));
  await worlds.keep("bundle");
  await worlds.restore("account");
  await worlds.ok("laptop", backUp(worlds, "backup.json"));
  await worlds.keep("backup");
  const asked = await worlds.ok("phone", connect(worlds));
  fs.writeFileSync(worlds.path("code"), asked.at("code"));
  await worlds.keep("request");
  await worlds.ok("laptop", `account create ${SECOND} --portal ${worlds.other}`);
  await worlds.keep("request at two portals");
  await worlds.ok("laptop", `device complete ${codeOf(worlds)}`);
  await worlds.ok("phone", "device status");
  await worlds.keep("phone at two portals");
  await worlds.restore("request");
  await worlds.ok("laptop", `device complete ${codeOf(worlds)}`);
  await worlds.keep("answered");
  await worlds.ok("phone", "device status");
  await worlds.keep("phone");
  await worlds.ok("phone", "device rotate");
  await worlds.ok("laptop", "device approve");
  await worlds.keep("new keys");
  await worlds.restore("phone");
  await worlds.ok("laptop", split(worlds, "recovery"));
  await worlds.keep("shares");
  await worlds.restore("request");
  await worlds.ok("laptop", `device complete ${codeOf(worlds)} --admin`);
  await worlds.ok("phone", "device status");
  await worlds.keep("two administrators");
  await worlds.restore("request");
  await worlds.ok("laptop", addPassword(worlds, "example.com", "one"));
  await worlds.ok("laptop", addPassword(worlds, "example.org", "uno"));
  await worlds.keep("passwords and a request");
  await worlds.ok("laptop", `device complete ${codeOf(worlds)}`);
  await worlds.ok("phone", "device status");
  await worlds.ok("phone", "sync");
  await worlds.keep("passwords");
  await worlds.ok("laptop", split(worlds, "recovery"));
  await worlds.ok("phone", editPassword(worlds, "example.org", "due"));
  await worlds.keep("passwords and shares");
  await worlds.restore("passwords");
  await worlds.ok("phone", `${editPassword(worlds, "example.com", "two")} --offline`);
  await worlds.ok("laptop", editPassword(worlds, "example.org", "due"));
  await worlds.keep("passwords changed offline");
};

/** What everybody has of the passwords in the end, once all who are named have synchronised, and who may have seen what. */
const passwordsOf = async (worlds: Worlds, machines: readonly string[], gone?: string): Promise<unknown> => {
  // The second round brings to the first what the last had to tell.
  for (const machine of [...machines, ...machines]) await worlds.ok(machine, "sync");
  const found: unknown[] = [];
  for (const machine of machines) {
    const { json } = await worlds.ok(machine, "password list");
    for (const { id, sites } of (json as { entries: { id: string; sites: string[] }[] }).entries) {
      const shown = await worlds.ok(machine, `password get --entry ${id}`);
      found.push([machine, sites[0], shown.at("password")].join(" "));
    }
    const { waiting, conflicts } = (await worlds.ok(machine, "app list")).json as Record<string, unknown>;
    found.push([machine, waiting, conflicts]);
  }
  const exposed =
    gone && ((await worlds.ok(machines[0]!, `app exposure ${gone}`)).json as { entries: Named[] }).entries;
  return { found: found.map(String).sort(), exposed: exposed && exposed.map(({ labels }) => labels[0]).sort() };
};

interface Named {
  readonly labels: readonly string[];
}

export const SCENARIOS: readonly Scenario[] = [
  {
    name: "profile create",
    from: "nothing",
    machine: "laptop",
    line: () => "profile create --device-name laptop --no-passphrase",
    done: ["profile-exists"],
    view: async (worlds) => {
      await worlds.ok("laptop", `account create ${ACCOUNT} --portal ${worlds.portal}`);
      return viewOf(worlds, "laptop");
    },
  },
  {
    name: "account create",
    from: "profile",
    machine: "laptop",
    line: (worlds) => `account create ${ACCOUNT} --portal ${worlds.portal}`,
    view: (worlds) => viewOf(worlds, "laptop"),
  },
  {
    name: "account create at a second portal",
    from: "account",
    machine: "laptop",
    line: (worlds) => `account create ${SECOND} --portal ${worlds.other}`,
    view: async (worlds) => {
      await worlds.ok("laptop", "profile verify");
      return viewOf(worlds, "laptop");
    },
  },
  {
    name: "account delete",
    from: "phone at two portals",
    machine: "laptop",
    line: () => `account delete ${SECOND} --confirm ${SECOND}`,
    done: ["account-not-found"],
    view: async (worlds) => {
      await worlds.ok("laptop", "profile verify");
      return viewOf(worlds, "laptop");
    },
  },
  {
    name: "device connect",
    from: "account",
    machine: "phone",
    line: connect,
    view: async (worlds, again) => {
      const pending = await worlds.ok("laptop", "device pending");
      expect((pending.json as { pending: unknown[] }).pending).toHaveLength(1);
      expect(pending.at("pending", 0, "code")).toBe(again.at("code"));
      await worlds.ok("laptop", `device complete ${again.at("code")}`);
      expect((await worlds.ok("phone", "device status")).at("status")).toBe("accepted");
      return viewOf(worlds, "laptop", "phone");
    },
  },
  {
    name: "device invite",
    from: "account",
    machine: "laptop",
    line: (worlds) => `device invite --out ${worlds.path("new")}`,
    done: ["file-exists"],
    check: async (worlds) => {
      // No invite is there whose PIN nobody has.
      const file = worlds.path("new");
      const known = fs.existsSync(file) ? [inviteIdOf(parsePin(fs.readFileSync(file, "utf8")))] : [];
      expect(known).toEqual(expect.arrayContaining(await invitesOf(worlds, "laptop")));
    },
    view: async (worlds) => {
      await worlds.ok("laptop", `device invite --out ${worlds.path("pin")}`);
      await worlds.ok("phone", connectWithPin(worlds));
      const { json } = await worlds.ok("laptop", "device approve");
      await worlds.ok("phone", "device status");
      const { keys, connected, work } = (await machineView(worlds, "phone")) as Record<string, unknown>;
      return { keys, connected, work, left: (json as { left: unknown }).left };
    },
  },
  {
    name: "device withdraw",
    from: "invited",
    machine: "laptop",
    line: (worlds) => `device withdraw ${inviteIdOf(parsePin(fs.readFileSync(worlds.path("pin"), "utf8")))}`,
    done: ["record-not-found"],
    view: async (worlds) => {
      expect(await invitesOf(worlds, "laptop")).toEqual([]);
      return viewOf(worlds, "laptop");
    },
  },
  {
    name: "device connect with a PIN",
    from: "invited",
    machine: "phone",
    line: connectWithPin,
    view: async (worlds, again) => {
      const { json } = await worlds.ok("laptop", "device approve");
      expect(json).toMatchObject({ approved: [{ code: again.at("code") }], left: [] });
      expect((await worlds.ok("phone", "device status")).at("status")).toBe("accepted");
      return viewOf(worlds, "laptop", "phone");
    },
  },
  {
    name: "device approve",
    from: "invited request",
    machine: "laptop",
    line: () => "device approve",
    view: async (worlds) => {
      expect((await worlds.ok("phone", "device status")).at("status")).toBe("accepted");
      expect((await worlds.ok("laptop", "device pending")).json).toEqual({ pending: [] });
      expect(await invitesOf(worlds, "laptop")).toHaveLength(1);
      return viewOf(worlds, "laptop", "phone");
    },
  },
  {
    name: "device complete",
    from: "request",
    machine: "laptop",
    line: (worlds) => `device complete ${codeOf(worlds)} --name telephone`,
    view: async (worlds) => {
      await worlds.ok("phone", "device status");
      return viewOf(worlds, "laptop", "phone");
    },
  },
  {
    name: "device complete --admin",
    from: "request",
    machine: "laptop",
    line: (worlds) => `device complete ${codeOf(worlds)} --admin`,
    view: async (worlds) => {
      await worlds.ok("phone", "device pending");
      return viewOf(worlds, "laptop", "phone");
    },
  },
  {
    name: "device complete --refuse",
    from: "request",
    machine: "laptop",
    line: (worlds) => `device complete ${codeOf(worlds)} --refuse`,
    done: ["request-not-found"],
    view: async (worlds) => {
      expect((await worlds.run("phone", "device status")).at("status")).toBe("refused");
      return viewOf(worlds, "laptop", "phone");
    },
  },
  {
    name: "device complete at two portals",
    from: "request at two portals",
    machine: "laptop",
    line: (worlds) => `device complete ${codeOf(worlds)}`,
    view: async (worlds) => {
      await worlds.ok("phone", "device status");
      await worlds.ok("laptop", "profile verify");
      return viewOf(worlds, "laptop", "phone");
    },
  },
  {
    name: "device status",
    from: "answered",
    machine: "phone",
    line: () => "device status",
    view: (worlds) => viewOf(worlds, "phone"),
  },
  {
    name: "device rename",
    from: "phone",
    machine: "laptop",
    line: () => "device rename phone telephone",
    done: ["device-not-found"],
    view: async (worlds) => {
      const { json } = await worlds.ok("laptop", "device list");
      expect(json).toMatchObject({ devices: [{ name: "laptop" }, { name: "telephone" }] });
      return viewOf(worlds, "laptop");
    },
  },
  {
    name: "device renew",
    from: "phone",
    machine: "laptop",
    // Says another time each time.
    once: true,
    line: () => "device renew phone --expires 90d",
    view: async (worlds) => {
      const { json } = await worlds.ok("laptop", "device list");
      expect(json).toMatchObject({ devices: [{ expires: null }, { expires: expect.any(String) as string }] });
      const { keys, work } = (await machineView(worlds, "laptop")) as Record<string, unknown>;
      return { keys, work };
    },
  },
  {
    name: "device preconfigure",
    from: "account",
    machine: "laptop",
    line: (worlds) => preconfigure(worlds, "new"),
    done: ["file-exists"],
    view: async (worlds) => {
      await worlds.ok("phone", install(worlds, "new"));
      expect((await worlds.ok("phone", "device status")).at("status")).toBe("accepted");
      // Keys that were left over go with the next command that opens the keystore.
      await worlds.ok("laptop", "device pending");
      return viewOf(worlds, "laptop", "phone");
    },
  },
  {
    name: "device install",
    from: "bundle",
    machine: "phone",
    line: (worlds) => install(worlds, "bundle"),
    // An installed bundle is gone.
    done: ["file-unreadable"],
    view: async (worlds) => {
      expect(fs.existsSync(worlds.path("bundle"))).toBe(false);
      expect((await worlds.ok("phone", "device status")).at("status")).toBe("accepted");
      return viewOf(worlds, "laptop", "phone");
    },
  },
  {
    name: "device rotate",
    from: "phone",
    machine: "phone",
    line: () => "device rotate",
    check: async (worlds) => {
      expect(["accepted", "pending"]).toContain((await worlds.run("phone", "device status")).at("status"));
    },
    view: async (worlds, again) => {
      const { json } = await worlds.ok("laptop", "device approve");
      expect(json).toMatchObject({ approved: [{ code: again.at("code") }], left: [] });
      expect((await worlds.ok("phone", "device rotate")).at("status")).toBe("accepted");
      return viewOf(worlds, "laptop", "phone");
    },
  },
  {
    name: "device rotate, granted",
    from: "new keys",
    machine: "phone",
    // Run once more it asks for others.
    once: true,
    line: () => "device rotate",
    view: async (worlds) => {
      await worlds.ok("laptop", "device approve");
      expect((await worlds.ok("phone", "device status")).at("status")).toBe("accepted");
      expect((await worlds.run("phone", "device pending")).code).toBe("not-administrator");
      const { keys, connected, work } = (await machineView(worlds, "phone")) as Record<string, unknown>;
      return { keys, connected, work };
    },
  },
  {
    name: "device rotate of an administrator",
    from: "phone",
    machine: "laptop",
    once: true,
    line: () => "device rotate",
    view: async (worlds) => {
      await worlds.ok("laptop", "profile verify");
      await worlds.ok("phone", "profile verify");
      await worlds.ok("laptop", "device pending");
      const { keys, admin, connected, work } = (await machineView(worlds, "laptop")) as Record<string, unknown>;
      return { keys, admin, connected, work };
    },
  },
  {
    name: "device remove",
    from: "phone",
    machine: "laptop",
    line: () => "device remove phone",
    done: ["device-not-found"],
    view: async (worlds) => {
      expect((await worlds.run("phone", "device status")).at("status")).toBe("removed");
      return viewOf(worlds, "laptop");
    },
  },
  {
    name: "device remove, an administrator",
    from: "two administrators",
    machine: "laptop",
    line: () => "device remove phone",
    done: ["device-not-found"],
    view: async (worlds) => {
      expect((await worlds.run("phone", "device status")).at("status")).toBe("removed");
      return viewOf(worlds, "laptop");
    },
  },
  {
    name: "device remove at two portals",
    from: "phone at two portals",
    machine: "laptop",
    line: () => "device remove phone",
    done: ["device-not-found"],
    view: async (worlds) => {
      expect((await worlds.run("phone", "device status")).at("status")).toBe("removed");
      await worlds.ok("laptop", "profile verify");
      return viewOf(worlds, "laptop");
    },
  },
  {
    name: "escrow split",
    from: "account",
    machine: "laptop",
    line: (worlds) => split(worlds, "one"),
    done: ["file-exists", "master-key-needed"],
    check: async (worlds) => {
      // At every moment the master key is here, or its shares are.
      if (!(await hasMaster(worlds, "laptop"))) await worlds.ok("laptop", `escrow verify ${shares(worlds, "one")}`);
    },
    view: async (worlds, again) => {
      const { code } = again;
      if (code === undefined || code === "master-key-needed") {
        await worlds.ok("laptop", `escrow verify ${shares(worlds, "one")}`);
      } else if (await hasMaster(worlds, "laptop")) {
        // Files of the run that was cut short are never written over.
        await worlds.ok("laptop", split(worlds, "two"));
        await worlds.ok("laptop", `escrow verify ${shares(worlds, "two")}`);
      }
      expect(await hasMaster(worlds, "laptop")).toBe(false);
      return machineView(worlds, "laptop");
    },
  },
  {
    name: "escrow recover",
    from: "shares",
    machine: "desktop",
    line: (worlds) =>
      `escrow recover --account ${ACCOUNT} --portal ${worlds.portal} ${shares(worlds, "recovery")} --device-name desktop --no-passphrase`,
    view: async (worlds) => {
      await worlds.ok("desktop", "profile verify");
      return viewOf(worlds, "desktop");
    },
  },
  {
    name: "escrow recover of the master key alone",
    from: "shares",
    machine: "laptop",
    line: (worlds) => `escrow recover ${shares(worlds, "recovery")}`,
    view: (worlds) => viewOf(worlds, "laptop"),
  },
  {
    name: "escrow recover --new-epoch",
    from: "shares",
    machine: "phone",
    once: true,
    line: (worlds) => `escrow recover --new-epoch ${shares(worlds, "recovery")}`,
    view: async (worlds) => {
      // Every run that comes to its end makes one more epoch.
      const { json } = await worlds.ok("phone", "profile verify");
      await worlds.ok("phone", "device pending");
      const { keys, admin, work } = (await machineView(worlds, "phone")) as Record<string, unknown>;
      return { keys, admin, work, ok: (json as Record<string, unknown>)["ok"] };
    },
  },
  {
    name: "keystore passwd",
    from: "account",
    machine: "laptop",
    line: () => "keystore passwd --no-passphrase",
    view: async (worlds) => {
      expect(fs.readFileSync(worlds.path("laptop", "keystore.key"), "utf8").trim().split("\n")).toHaveLength(1);
      await worlds.ok("laptop", "device pending");
      return viewOf(worlds, "laptop");
    },
  },
  {
    name: "keystore passwd to a passphrase",
    from: "account",
    machine: "laptop",
    slow: true,
    // The passphrase is ignored where none is in force yet.
    line: (worlds) =>
      `keystore passwd --passphrase-file ${passphrase(worlds)} --new-passphrase-file ${passphrase(worlds)}`,
    view: async (worlds) => {
      expect(fs.existsSync(worlds.path("laptop", "keystore.key"))).toBe(false);
      await worlds.ok("laptop", `device pending --passphrase-file ${passphrase(worlds)}`);
      return viewOf(worlds, "laptop");
    },
  },
  {
    name: "profile export --private",
    from: "account",
    machine: "laptop",
    slow: true,
    line: (worlds) => backUp(worlds, "backup.json"),
    // Once the file has its name it is whole.
    done: ["file-exists"],
    view: async (worlds) => {
      await worlds.ok("desktop", restore(worlds, "backup.json"));
      return viewOf(worlds, "laptop", "desktop");
    },
  },
  {
    name: "profile import",
    from: "backup",
    machine: "desktop",
    slow: true,
    line: (worlds) => restore(worlds, "backup.json"),
    done: ["profile-exists"],
    view: async (worlds) => {
      await worlds.ok("desktop", "profile verify");
      await worlds.ok("desktop", "device pending");
      return viewOf(worlds, "desktop");
    },
  },
  {
    name: "profile import --replace",
    from: "phone",
    machine: "phone",
    slow: true,
    line: (worlds) => `${restore(worlds, "backup.json")} --replace`,
    view: async (worlds) => {
      // Keys of the former device that were left over go with the next profile.
      await worlds.ok("phone", "profile create --name other --no-passphrase");
      await worlds.ok("phone", "profile verify");
      await worlds.ok("phone", "device pending");
      return viewOf(worlds, "phone");
    },
  },
  {
    name: "keystore protect key-file on a stick",
    from: "account",
    machine: "laptop",
    line: (worlds) => `keystore protect key-file ${stick(worlds)}`,
    view: async (worlds) => {
      expect(fs.existsSync(worlds.path("laptop", "keystore.key"))).toBe(false);
      expect(fs.existsSync(stick(worlds))).toBe(true);
      await worlds.ok("laptop", "device pending");
      // And back, which takes the last key away from there.
      await worlds.ok("laptop", "keystore protect key-file");
      await worlds.ok("laptop", "keystore check");
      return viewOf(worlds, "laptop");
    },
  },
  {
    name: "keystore protect key",
    from: "account",
    machine: "laptop",
    line: (worlds) => `keystore protect key --new-key-file ${givenKey(worlds)} --keystore-key-file ${givenKey(worlds)}`,
    view: async (worlds) => {
      expect(fs.existsSync(worlds.path("laptop", "keystore.key"))).toBe(false);
      await worlds.ok("laptop", `keystore check --keystore-key-file ${givenKey(worlds)}`);
      return viewOf(worlds, "laptop");
    },
  },
  {
    name: "password add, the first one",
    from: "account",
    machine: "laptop",
    line: (worlds) => addPassword(worlds, "example.com", "one"),
    done: ["entry-exists"],
    view: (worlds) => passwordsOf(worlds, ["laptop"]),
  },
  {
    name: "password edit",
    from: "passwords",
    machine: "phone",
    line: (worlds) => editPassword(worlds, "example.com", "two"),
    view: (worlds) => passwordsOf(worlds, ["laptop", "phone"]),
  },
  {
    name: "password edit --offline",
    from: "passwords",
    machine: "laptop",
    line: (worlds) => `${editPassword(worlds, "example.com", "two")} --offline`,
    view: (worlds) => passwordsOf(worlds, ["laptop", "phone"]),
  },
  {
    name: "sync",
    from: "passwords changed offline",
    machine: "phone",
    line: () => "sync",
    view: (worlds) => passwordsOf(worlds, ["phone", "laptop"]),
  },
  {
    name: "device complete, with passwords",
    from: "passwords and a request",
    machine: "laptop",
    line: (worlds) => `device complete ${codeOf(worlds)}`,
    view: async (worlds) => {
      expect((await worlds.ok("phone", "device status")).at("status")).toBe("accepted");
      return passwordsOf(worlds, ["laptop", "phone"]);
    },
  },
  {
    name: "device remove, with passwords",
    from: "passwords and shares",
    machine: "laptop",
    line: () => "device remove phone",
    done: ["device-not-found"],
    view: (worlds) => passwordsOf(worlds, ["laptop"], "phone"),
  },
  {
    name: "escrow recover, with passwords",
    from: "passwords and shares",
    machine: "desktop",
    line: (worlds) =>
      `escrow recover --account ${ACCOUNT} --portal ${worlds.portal} ${shares(worlds, "recovery")} --drop-devices --device-name desktop --no-passphrase`,
    view: (worlds) => passwordsOf(worlds, ["desktop"], "phone"),
  },
  {
    name: "profile delete",
    from: "account",
    machine: "laptop",
    line: () => "profile delete --confirm default",
    done: ["profile-not-found"],
    view: async (worlds) => {
      // Keys that were left over go with the next profile.
      await worlds.ok("laptop", "profile create --device-name laptop --no-passphrase");
      return viewOf(worlds, "laptop");
    },
  },
];
