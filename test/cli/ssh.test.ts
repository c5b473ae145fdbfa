import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import { changeApplication } from "../../src/cli/application/application.js";
import { deviceEntryId, SSH, type SshDevice } from "../../src/mesh/application/ssh/kind.js";
import { ed25519Text, readEd25519Text } from "../../src/mesh/application/ssh/public-key.js";
import { sshKey } from "../mesh/application/ssh/support.js";
import { withSession } from "../support/applications.js";
import {
  connected,
  contentOf,
  filePortal,
  machine,
  put,
  run,
  TIME,
  UDF,
  withAccount,
  type Machine,
} from "../support/cli.js";

const KEY = ed25519Text(sshKey("host"));
const OTHER = ed25519Text(sshKey("other"));

/** The name of a home's only profile, as its file has it. */
const stateOf = ({ home }: Machine): Record<string, unknown> => {
  const folder = path.join(home, "profiles");
  const [name = ""] = fs.readdirSync(folder);
  return JSON.parse(fs.readFileSync(path.join(folder, name), "utf8")) as Record<string, unknown>;
};

const udfOf = async (of: Machine): Promise<string> => (await of.ok("profile show")).at("device", "udf");

const linesOf = async (of: Machine): Promise<string[]> =>
  (await of.text("ssh authorized-keys")).stdout.split("\n").filter((line) => line !== "");

describe("the key of a device", () => {
  test("is made once, kept in the keystore alone, and shared by its public half", async () => {
    const laptop = await withAccount(filePortal());
    const made = await laptop.ok("ssh add");
    const device = (await laptop.ok("profile show")).at("device", "udf");
    expect(made.json).toEqual({
      device: { udf: device, name: "laptop" },
      key: {
        udf: UDF,
        fingerprint: expect.stringMatching(/^SHA256:[A-Za-z0-9+/]{43}$/),
        publicKey: expect.any(String),
      },
      isNew: true,
      application: { identifier: UDF, name: "ssh", type: "SSHProfile" },
      synced: true,
    });
    const [type, base64] = made.at("key", "publicKey").split(" ");
    expect(readEd25519Text(`${type} ${base64}`)?.udf).toBe(made.at("key", "udf"));
    const again = await laptop.ok("ssh add");
    expect(again.json).toEqual({ ...(made.json as object), isNew: false });

    expect((await laptop.ok("keystore status")).json).toMatchObject({
      keys: expect.arrayContaining([
        expect.objectContaining({ udf: made.at("key", "udf"), use: "ssh-authentication" }),
      ]),
    });
    expect((await laptop.ok("keystore check")).json).toMatchObject({ ok: true });
    expect((await laptop.text("ssh export")).stdout).toBe(`${made.at("key", "publicKey")}\n`);
    expect((await laptop.ok("ssh list")).json).toEqual({
      application: { identifier: UDF, name: "ssh", type: "SSHProfile" },
      updated: TIME,
      waiting: 0,
      devices: [
        {
          udf: device,
          name: "laptop",
          current: true,
          own: true,
          key: made.at("key", "udf"),
          fingerprint: made.at("key", "fingerprint"),
          created: TIME,
          conflict: false,
        },
      ],
      hosts: [],
    });
    expect((await laptop.text("ssh list")).stdout).toContain("laptop");
  });

  test("of every current device has a line, and that of a removed one has none", async () => {
    const laptop = await withAccount(filePortal());
    await laptop.ok("ssh add");
    const phone = await connected(laptop, "téléphone de Renée");
    const own = (await phone.ok("ssh add")).at("key", "publicKey");
    const both = await linesOf(laptop);
    expect(both).toHaveLength(2);
    expect(both).toContain(own);
    expect(
      both.every((line) => /^ssh-ed25519 [A-Za-z0-9+/]{68} [A-Za-z0-9-]+ mmm:[A-Z0-9-]+\/[A-Z0-9-]+$/.test(line)),
    ).toBe(true);
    expect(await linesOf(phone)).toEqual(both);

    await laptop.ok("device remove", "téléphone de Renée");
    expect(await linesOf(laptop)).toEqual(both.filter((line) => line !== own));
    const listed = await laptop.ok("ssh list");
    // Keys of the same second are in the order of their devices' fingerprints.
    const { devices } = listed.json as { devices: { own: boolean; current: boolean }[] };
    expect(devices).toHaveLength(2);
    expect(devices.every(({ own: isOwn, current }) => current === isOwn)).toBe(true);
    expect((await phone.run("ssh authorized-keys")).status).not.toBe(0);
    for (const words of ["ssh add", "ssh agent", "ssh refresh build"]) {
      expect((await phone.run(words)).code, words).toBe("not-connected");
    }
  });

  test("is what the device itself says: whoever put another one there lets nobody in", async () => {
    const laptop = await withAccount(filePortal());
    await laptop.ok("ssh add");
    const [phone, desk] = [await connected(laptop, "phone"), await connected(laptop, "desk")];
    for (const device of [phone, desk]) await device.ok("ssh add");
    await phone.ok("sync");
    const [phoneUdf, deskUdf] = [await udfOf(phone), await udfOf(desk)];
    const planted = sshKey("planted");
    await withSession(phone, (session) =>
      changeApplication(session, SSH, {}, async (application) => {
        const [own, other] = await Promise.all(
          [phoneUdf, deskUdf].map(async (udf) => (await application.entry(deviceEntryId(udf)))?.value as SshDevice),
        );
        const key = { KeyUDF: planted.kid, PublicKey: ed25519Text(planted) };
        // What it has signed for itself is nothing that the other device has signed.
        return [
          { id: deviceEntryId(deskUdf), put: { ...other!, ...key, Signed: own!.Signed! } },
          { id: deviceEntryId(phoneUdf), put: own! },
        ];
      }),
    );
    await laptop.ok("device remove phone");
    for (const device of [laptop, desk]) {
      expect(await linesOf(device)).toHaveLength(1);
      expect((await linesOf(device)).join()).not.toContain(ed25519Text(planted));
    }
    expect((await laptop.ok("ssh list")).json).toMatchObject({
      devices: expect.arrayContaining([expect.objectContaining({ udf: deskUdf, current: false })]),
    });
    expect((await laptop.text("ssh list")).status).toBe(0);
    // It says so anew.
    expect((await desk.ok("ssh add")).json).toMatchObject({ isNew: false, synced: true });
    expect(await linesOf(laptop)).toHaveLength(2);
  });

  test("that is to be shown before there is one", async () => {
    const laptop = await withAccount(filePortal());
    expect((await laptop.run("ssh export")).code).toBe("entry-not-found");
    expect((await laptop.run("ssh agent")).code).toBe("entry-not-found");
    expect((await laptop.run("ssh list")).code).toBe("application-not-found");
    const nobody = machine();
    expect((await nobody.run("ssh add")).code).toBe("profile-not-found");
  });

  test("goes with the device that this home was: one that is connected anew makes another", async () => {
    const portal = filePortal();
    const laptop = await withAccount(portal);
    const first = await laptop.ok("ssh add");
    // Hosts may know no other key.
    expect((await laptop.run("device rotate")).code).toBe("input-required");
    expect((await laptop.ok("ssh add")).at("key", "udf")).toBe(first.at("key", "udf"));
    await laptop.ok("device rotate --yes");
    const second = await laptop.ok("ssh add");
    expect(second.at("key", "udf")).not.toBe(first.at("key", "udf"));
    const kept = (await laptop.ok("keystore status")).stdout;
    expect(kept).toContain(second.at("key", "udf"));
    expect(kept).not.toContain(first.at("key", "udf"));
    expect(await linesOf(laptop)).toEqual([second.at("key", "publicKey")]);
  });

  test("comes back with a backup, and is not lost by one that was made before it", async () => {
    const laptop = await withAccount(filePortal());
    put(laptop, "secret", "a passphrase of some length\n");
    await laptop.ok("profile export --private --out early.json --backup-passphrase-file secret");
    const key = (await laptop.ok("ssh add")).at("key", "udf");
    await laptop.ok("profile export --private --out late.json --backup-passphrase-file secret");
    await laptop.ok("profile import early.json --replace --yes --backup-passphrase-file secret");
    expect(stateOf(laptop)["ssh"]).toMatchObject({ key });
    expect((await laptop.ok("ssh add")).at("key", "udf")).toBe(key);

    const home = path.join(laptop.folder, "second");
    const restored = (words: string) => run([...words.split(" "), "--json"], { home, deps: { cwd: laptop.folder } });
    expect(
      (await restored("profile import late.json --backup-passphrase-file secret --no-passphrase --yes")).status,
    ).toBe(0);
    expect((await restored("ssh export")).status).toBe(0);
    expect((await restored("keystore check")).json).toMatchObject({ ok: true });
  });

  test("that has gone from the keystore is noticed", async () => {
    const laptop = await withAccount(filePortal());
    const key = (await laptop.ok("ssh add")).at("key", "udf");
    const file = path.join(laptop.home, "keystore.json");
    const keystore = JSON.parse(fs.readFileSync(file, "utf8")) as { keys: { kid: string }[] };
    fs.writeFileSync(file, JSON.stringify({ ...keystore, keys: keystore.keys.filter(({ kid }) => kid !== key) }));
    const checked = await laptop.run("keystore check");
    expect(checked.json).toMatchObject({ ok: false });
    expect((await laptop.run("ssh agent")).code).toBe("entry-not-found");
    // A device may always have another key.
    expect((await laptop.ok("ssh add")).at("key", "udf")).not.toBe(key);
    expect(await linesOf(laptop)).toHaveLength(1);
  });

  test("can wait for a portal", async () => {
    const laptop = await withAccount(filePortal());
    const phone = await connected(laptop);
    await laptop.ok("ssh add");
    await phone.ok("ssh list");
    expect((await phone.ok("ssh add --offline")).json).toMatchObject({ isNew: true, synced: false });
    expect((await phone.ok("ssh list")).json).toMatchObject({ waiting: 1 });
    expect(await linesOf(laptop)).toHaveLength(1);
    expect((await phone.ok("ssh add")).json).toMatchObject({ isNew: false, synced: true });
    expect(await linesOf(laptop)).toHaveLength(2);
  });

  test("is not made where the application may not be changed", async () => {
    const laptop = await withAccount(filePortal());
    await laptop.ok("ssh add");
    const phone = await connected(laptop, "phone", ["--no-grant"]);
    const before = contentOf(phone.home)["keystore.json"];
    expect((await phone.run("ssh add")).code).toBe("application-denied");
    expect(contentOf(phone.home)["keystore.json"]).toBe(before);
    await laptop.ok("app grant phone --app ssh --read-only");
    expect((await phone.run("ssh add")).code).toBe("application-denied");
    expect(contentOf(phone.home)["keystore.json"]).toBe(before);
    await phone.ok("ssh list");
    await laptop.ok("app grant phone --app ssh");
    await phone.ok("ssh add");
    expect(await linesOf(laptop)).toHaveLength(2);
  });
});

describe("hosts", () => {
  const WORDS = "ssh add build --hostname build.example.com --user deploy --port 2222 --jump bastion";

  test("are shared with their settings and keys, and changed bit by bit", async () => {
    const laptop = await withAccount(filePortal());
    put(laptop, "known_hosts", `[build.example.com]:2222 ${KEY}\nother ${OTHER}\n`);
    const host = {
      names: ["build"],
      hostName: "build.example.com",
      user: "deploy",
      port: 2222,
      proxyJump: "bastion",
      options: { compression: "yes", serverAliveInterval: 30 },
      hostKeys: [{ type: "ssh-ed25519", fingerprint: expect.stringMatching(/^SHA256:/) }],
    };
    const words = `${WORDS} --option compression=yes --option ServerAliveInterval=30 --host-key-file known_hosts`;
    expect((await laptop.ok(words)).json).toMatchObject({ host, isNew: true, changed: true, synced: true });
    expect((await laptop.ok(words)).json).toMatchObject({ host, isNew: false, changed: false });
    const phone = await connected(laptop);
    expect((await phone.ok("ssh add build ci --user runner")).json).toMatchObject({
      host: { ...host, names: ["build", "ci"], user: "runner" },
      changed: true,
    });
    expect((await laptop.text("ssh known-hosts")).stdout).toContain("[build]:2222");
    await laptop.ok("ssh authorized-keys");
    expect((await laptop.text("ssh known-hosts")).stdout).toBe(
      `[build]:2222,[ci]:2222,[build.example.com]:2222 ${KEY}\n`,
    );
    const config = (await laptop.text("ssh config")).stdout;
    expect(config).toMatch(/^\nHost build ci\n {2}HostName build\.example\.com\n {2}User runner\n/);
    expect(config).toMatch(/\n {2}IdentityAgent "\/.+\.sock"\n$/);
    expect((await laptop.ok("ssh remove ci")).json).toMatchObject({ host: { names: ["build", "ci"] }, synced: true });
    expect((await laptop.run("ssh remove ci")).code).toBe("entry-not-found");
    expect((await laptop.text("ssh known-hosts")).stdout).toBe("");
  });

  test("with another key than the shared one are asked about", async () => {
    const laptop = await withAccount(filePortal());
    put(laptop, "one", `build ${KEY}\n`);
    put(laptop, "two", `build ${OTHER}\n`);
    await laptop.ok("ssh add build --host-key-file one");
    expect((await laptop.run("ssh add build --host-key-file two")).code).toBe("input-required");
    expect((await laptop.text("ssh known-hosts")).stdout).toBe(`build ${KEY}\n`);
    const asked = await laptop.with({ tty: true, prompts: [false] }).run("ssh add build --host-key-file two");
    expect(asked.code).toBe("interrupted");
    await laptop.ok("ssh add build --host-key-file two --yes");
    expect((await laptop.text("ssh known-hosts")).stdout).toBe(`build ${OTHER}\n`);
    put(laptop, "none", `other ${KEY}\n`);
    expect((await laptop.run("ssh add build --host-key-file none")).code).toBe("entry-not-found");
    expect((await laptop.run("ssh add build --host-key-file missing")).code).toBe("file-unreadable");
  });

  test("are taken from a known_hosts file, without replacing a shared key", async () => {
    const laptop = await withAccount(filePortal());
    put(laptop, "build", `build ${KEY}\n`);
    await laptop.ok("ssh add build --host-key-file build");
    const hidden = "|1|AAAAAAAAAAAAAAAAAAAAAAAAAAA=|AAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    const lines = [
      `build ${OTHER}`,
      `web,10.0.0.7 ${KEY}`,
      `10.0.0.7 ${KEY}`,
      `[web]:2222 ${OTHER}`,
      `*.example.com ${KEY}`,
      `${hidden} ${KEY}`,
      "nonsense",
    ];
    put(laptop, "known_hosts", `${lines.join("\n")}\n`);
    const imported = await laptop.ok("ssh known-hosts --import known_hosts");
    expect(imported.json).toEqual({ added: 2, updated: 0, different: ["build"], skipped: 3, synced: true });
    expect((await laptop.text("ssh known-hosts")).stdout.split("\n").sort()).toEqual(
      ["", `[web]:2222 ${OTHER}`, `build ${KEY}`, `web,10.0.0.7 ${KEY}`].sort(),
    );
    expect((await laptop.ok("ssh known-hosts --import known_hosts")).json).toMatchObject({ added: 0, updated: 0 });
    expect((await laptop.run("ssh known-hosts --import missing")).code).toBe("file-unreadable");
    expect((await laptop.run("ssh known-hosts --import known_hosts --out x")).code).toBe("usage");
  });

  test.each([
    ["-x"],
    ["a*"],
    ["build --user -l"],
    ["build --user a;b"],
    ["build --port 0"],
    ["build --port 65536"],
    ["build --hostname $(x)"],
    ["build --jump a,,b"],
    ["build --option ProxyCommand=x"],
    ["build --option Compression"],
    ["build --option Compression=perhaps"],
    ["--user deploy"],
    ["a b c d e f g h i j k l m n o p q"],
  ])("that OpenSSH would take for something else are refused: %s", async (words) => {
    const laptop = machine();
    await laptop.ok("profile create --no-passphrase");
    const before = contentOf(laptop.home);
    expect((await laptop.run(`ssh add ${words}`)).code).toBe("usage");
    expect(contentOf(laptop.home)).toEqual(before);
  });
});

describe("files for OpenSSH", () => {
  test("are written whole and private, and replaced where these commands wrote them", async () => {
    const laptop = await withAccount(filePortal());
    await laptop.ok("ssh add");
    put(laptop, "one", `build ${KEY}\n`);
    await laptop.ok("ssh add build --host-key-file one");
    for (const verb of ["authorized-keys", "known-hosts", "config"]) {
      const file = path.join(laptop.folder, verb);
      expect((await laptop.ok(`ssh ${verb} --out ${verb}`)).at("file")).toBe(file);
      const [, ...rest] = fs.readFileSync(file, "utf8").split("\n");
      expect(rest.join("\n")).toBe((await laptop.text(`ssh ${verb}`)).stdout);
      expect(fs.statSync(file).mode & 0o777).toBe(0o600);
      await laptop.ok(`ssh ${verb} --out ${verb}`);
      put(laptop, "foreign", "Host *\n");
      expect((await laptop.run(`ssh ${verb} --out foreign`)).code).toBe("file-exists");
      expect(fs.readFileSync(path.join(laptop.folder, "foreign"), "utf8")).toBe("Host *\n");
      expect((await laptop.run(`ssh ${verb} --out missing/file`)).code).toBe("file-unreadable");
    }
    const config = await laptop.text("ssh config --known-hosts hosts");
    expect(config.stdout).toContain(`UserKnownHostsFile ~/.ssh/known_hosts "${path.join(laptop.folder, "hosts")}"`);
    expect((await laptop.run("ssh config --known-hosts", "a\nb")).code).toBe("usage");
  });
});
