import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import { connected, filePortal, machine, put, TIME, withAccount, type Machine } from "../support/cli.js";
import { readHead, type ReadHead } from "../../src/mesh/application/head.js";
import { openWire } from "../support/wire.js";
import { AUTHORITY, CERTIFICATE, OPENPGP, OPENPGP_SECRET } from "../support/mail-keys.js";

const ADDRESS = "alice@example.com";
const SECRET = "correct horse battery staple";

/** A machine with the settings of one account. */
const withMail = async (portal = filePortal()): Promise<Machine> => {
  const laptop = await withAccount(portal);
  put(laptop, "password.txt", `${SECRET}\n`);
  await laptop.ok(
    `mail set ${ADDRESS} --user alice --password-file password.txt --reply-to replies@example.com --account-name Work`,
    ...["--display-name", "Alice Example"],
    ...["--inbound-server", "imap.example.com:993", "--inbound-security", "direct", "--inbound-security", "UPGRADE"],
    ...["--inbound-prefix", "_imaps._tcp", "--inbound-timeout", "30", "--inbound-polling", "yes"],
    ...["--inbound-auth", "SCRAM-SHA-256 PLAIN", "--inbound-uri", "imaps://imap.example.com/"],
    ...["--outbound-server", "smtp.example.com", "--outbound-port", "587", "--outbound-security", "upgrade"],
    ...["--outbound-user", "alice@example.com"],
  );
  return laptop;
};

const shown = async (of: Machine, ...words: readonly string[]): Promise<Record<string, unknown>> =>
  ((await of.ok(`mail show ${ADDRESS}`, ...words)).json as { account: Record<string, unknown> }).account;

/** The settings with the names of the specification. */
const settingsOf = async (of: Machine, ...words: readonly string[]): Promise<Record<string, unknown>> => {
  const { stdout } = await of.text(`mail show ${ADDRESS} --format json`, ...words);
  return (JSON.parse(stdout) as { MailProfilePrivate: Record<string, unknown> }).MailProfilePrivate;
};

describe("mail settings", () => {
  test("are kept whole, and shown without passwords unless these are asked for", async () => {
    const laptop = await withMail();
    expect(await shown(laptop)).toEqual({
      id: expect.stringMatching(/^[A-Za-z0-9_-]{22}$/),
      address: ADDRESS,
      default: true,
      accountName: "Work",
      displayName: "Alice Example",
      replyTo: "replies@example.com",
      inbound: [
        {
          server: "imap.example.com",
          port: 993,
          prefix: "_imaps._tcp",
          security: ["direct", "upgrade"],
          userName: "alice",
          uri: "imaps://imap.example.com/",
          authentication: "SCRAM-SHA-256 PLAIN",
          timeout: 30,
          polling: true,
          hasPassword: true,
        },
      ],
      outbound: [
        { server: "smtp.example.com", port: 587, security: ["upgrade"], userName: ADDRESS, hasPassword: true },
      ],
      keys: {},
      updated: TIME,
      conflict: false,
      exposed: false,
    });
    for (const words of [[], ["--format", "json"], ["--format", "mutt"]]) {
      const { stdout } = await laptop.text(`mail show ${ADDRESS}`, ...words);
      expect(stdout).not.toContain(SECRET);
      expect(stdout).toContain("imap.example.com");
      expect((await laptop.text(`mail show ${ADDRESS} --show-passwords`, ...words)).stdout).toContain(SECRET);
    }
    expect(JSON.stringify(await shown(laptop, "--show-passwords"))).toContain(SECRET);
    expect((await laptop.text(`mail show ${ADDRESS} --password inbound`)).stdout).toBe(`${SECRET}\n`);
    expect((await laptop.ok(`mail show ALICE@EXAMPLE.COM --password outbound`)).json).toEqual({ password: SECRET });
  });

  test("change where options say so, and nothing else does", async () => {
    const laptop = await withMail();
    const before = await shown(laptop);
    const set = await laptop.ok(`mail set ${ADDRESS} --outbound-port 465 --outbound-security direct`);
    expect(set.json).toEqual({
      application: {
        identifier: expect.stringMatching(/^M[A-Z2-7-]{33}$/) as string,
        name: "mail",
        type: "MailProfile",
      },
      account: { id: before["id"], address: ADDRESS },
      changed: true,
      synced: true,
      conflict: false,
    });
    const [outbound] = before["outbound"] as object[];
    expect(await shown(laptop)).toEqual({
      ...before,
      outbound: [{ ...outbound, port: 465, security: ["direct"] }],
      updated: TIME,
    });
    expect((await laptop.ok(`mail set ${ADDRESS} --outbound-port 465`)).json).toMatchObject({ changed: false });
    put(laptop, "new.txt", "other");
    await laptop.ok(`mail set ${ADDRESS} --password-file new.txt --password-for inbound`);
    const passwords = async (): Promise<unknown[]> =>
      ["Inbound", "Outbound"].map(
        (name, at) => (both[name] as Record<string, unknown>[] | undefined)?.[0]?.["Password"] ?? at,
      );
    let both = await settingsOf(laptop, "--show-passwords");
    expect(await passwords()).toEqual(["other", SECRET]);
    await laptop.ok(`mail set ${ADDRESS} --clear passwords --clear reply-to --clear display-name --clear account-name`);
    both = await settingsOf(laptop, "--show-passwords");
    expect(await passwords()).toEqual([0, 1]);
    expect(Object.keys(both)).toEqual(["EmailAddress", "Inbound", "Outbound"]);
    await laptop.ok(`mail set ${ADDRESS} --clear outbound --user somebody`);
    expect(await shown(laptop)).toMatchObject({ inbound: [{ userName: "somebody", port: 993 }], outbound: [] });
    await laptop.ok(`mail set ${ADDRESS} --clear inbound`);
    expect(await settingsOf(laptop)).toEqual({ EmailAddress: ADDRESS });
  });

  test("go out as they come in, members that are not known included", async () => {
    const laptop = await withMail();
    const settings = {
      EmailAddress: "bob@example.com",
      Inbound: [
        { ServiceName: "one.example.com", Password: "one", New: { a: [1] } },
        { ServiceName: "two.example.com", Password: "two" },
      ],
      Future: "yes",
    };
    put(laptop, "settings.json", JSON.stringify(settings));
    await laptop.ok("mail set bob@example.com --from-file settings.json");
    const { stdout } = await laptop.text("mail show bob@example.com --format json --show-passwords");
    expect(JSON.parse(stdout)).toEqual({ MailProfilePrivate: settings });
    await laptop.with({ stdin: stdout }).ok("mail set bob@example.com --from-file - --display-name Bob");
    const again = await laptop.text("mail show bob@example.com --format json --show-passwords");
    expect(JSON.parse(again.stdout)).toEqual({ MailProfilePrivate: { ...settings, DisplayName: "Bob" } });
    // Options are about the preferred connection; the others stay.
    await laptop.ok("mail set bob@example.com --inbound-port 993");
    const { MailProfilePrivate: changed } = JSON.parse(
      (await laptop.text("mail show bob@example.com --format json --show-passwords")).stdout,
    ) as { MailProfilePrivate: { Inbound: unknown[] } };
    expect(changed.Inbound).toEqual([{ ...settings.Inbound[0], Port: 993 }, settings.Inbound[1]]);
  });

  test("are listed with the default one marked, of which there is one", async () => {
    const laptop = await withMail();
    await laptop.ok("mail set bob@example.com --inbound-server imap.example.com");
    const defaults = async (): Promise<unknown> =>
      ((await laptop.ok("mail list")).json as { accounts: { address: string; default: boolean }[] }).accounts.map(
        (account) => [account.address, account.default],
      );
    expect(await defaults()).toEqual([
      [ADDRESS, true],
      ["bob@example.com", false],
    ]);
    await laptop.ok("mail set bob@example.com --default");
    expect(await defaults()).toEqual([
      [ADDRESS, false],
      ["bob@example.com", true],
    ]);
    await laptop.ok(`mail set ${ADDRESS} --default`);
    expect(await defaults()).toEqual([
      [ADDRESS, true],
      ["bob@example.com", false],
    ]);
    const { stdout } = await laptop.text("mail list");
    expect(stdout.split("\n").filter((line) => line.startsWith("*"))).toHaveLength(1);
  });

  test("are on every device, and go from all", async () => {
    const laptop = await withMail();
    const phone = await connected(laptop);
    expect((await phone.ok(`mail show ${ADDRESS} --password inbound`)).json).toEqual({ password: SECRET });
    await phone.ok("mail set bob@example.com --inbound-server imap.example.com");
    // Not here yet: the portal is asked once.
    expect((await laptop.ok("mail show bob@example.com")).at("account", "address")).toBe("bob@example.com");
    expect((await laptop.run("mail remove bob@example.com")).code).toBe("input-required");
    const removed = await laptop.ok("mail remove bob@example.com --yes");
    expect(removed.json).toMatchObject({ account: { address: "bob@example.com" }, changed: true, synced: true });
    await phone.ok("sync");
    expect((await phone.run("mail show bob@example.com")).code).toBe("entry-not-found");
    const asked = await laptop.with({ tty: true, prompts: [false] }).run(`mail remove ${ADDRESS}`);
    expect(asked.status).toBe(130);
    expect((await laptop.ok("mail list")).json).toMatchObject({ accounts: [{ address: ADDRESS }] });
  });

  test("wait where no portal is to be asked", async () => {
    const laptop = await withMail();
    const set = await laptop.ok("mail set bob@example.com --inbound-server imap.example.com --offline");
    expect(set.json).toMatchObject({ changed: true, synced: false });
    expect((await laptop.ok("mail list --offline")).json).toMatchObject({ waiting: 1, accounts: [{}, {}] });
    expect((await laptop.ok("mail show bob@example.com --offline")).status).toBe(0);
    const missing = await laptop.run("mail show zoe@example.com --offline");
    expect([missing.code, missing.at("error", "hint")]).toEqual([
      "entry-not-found",
      expect.stringContaining("mail list"),
    ]);
  });

  test("of one address that two devices have made are told apart by the entry", async () => {
    const laptop = await withMail();
    const phone = await connected(laptop);
    await phone.ok("mail list");
    await laptop.ok("mail set bob@example.com --account-name one --offline");
    await phone.ok("mail set bob@example.com --account-name two --offline");
    await laptop.ok("sync");
    await phone.ok("sync");
    expect((await phone.run("mail show bob@example.com")).code).toBe("entry-ambiguous");
    expect((await phone.run("mail set bob@example.com --default")).code).toBe("entry-ambiguous");
    const { accounts } = (await phone.ok("mail list")).json as { accounts: { id: string; accountName?: string }[] };
    const one = accounts.find(({ accountName }) => accountName === "one")?.id ?? "";
    expect((await phone.text("mail remove --yes --", one)).status).toBe(0);
    expect((await phone.ok("mail show bob@example.com")).at("account", "accountName")).toBe("two");
  });

  test("in conflict are marked so, and both are kept", async () => {
    const laptop = await withMail();
    const phone = await connected(laptop);
    await phone.ok("mail list");
    await laptop.ok(`mail set ${ADDRESS} --account-name one --offline`);
    await phone.ok(`mail set ${ADDRESS} --account-name two --offline`);
    await laptop.ok("sync");
    await phone.run("sync");
    expect(await shown(phone)).toMatchObject({ conflict: true, accountName: "one" });
    expect((await phone.ok("app conflicts mail --show")).stdout).toContain("two");
  });
});

describe("a password", () => {
  test("is asked for where somebody can answer, and comes from a descriptor or standard input", async () => {
    const laptop = await withMail();
    const asked = laptop.with({ tty: true, prompts: ["", "typed"] });
    expect((await asked.text(`mail set ${ADDRESS} --ask-password`)).status).toBe(0);
    expect((await laptop.ok(`mail show ${ADDRESS} --password inbound`)).at("password")).toBe("typed");
    expect((await laptop.run(`mail set ${ADDRESS} --ask-password`)).code).toBe("input-required");
    await laptop.with({ stdin: "piped\n" }).ok(`mail set ${ADDRESS} --password-file -`);
    expect((await laptop.ok(`mail show ${ADDRESS} --password outbound`)).at("password")).toBe("piped");
    const fd = laptop.with({ deps: { readFd: () => Promise.resolve(Buffer.from("described\n")) } });
    await fd.ok(`mail set ${ADDRESS} --password-fd 3`);
    expect((await laptop.ok(`mail show ${ADDRESS} --password outbound`)).at("password")).toBe("described");
  });

  test("is one line, from one place, and for a connection", async () => {
    const laptop = await withMail();
    put(laptop, "two.txt", "one\ntwo\n");
    put(laptop, "empty.txt", "\n");
    put(laptop, "long.txt", "x".repeat(2000));
    put(laptop, "octets.txt", "");
    fs.writeFileSync(path.join(laptop.folder, "octets.txt"), Buffer.from([0xff, 0xfe]));
    for (const name of ["two.txt", "empty.txt", "long.txt", "octets.txt"]) {
      expect((await laptop.run(`mail set ${ADDRESS} --password-file ${name}`)).code).toBe("usage");
    }
    for (const line of [
      `mail set ${ADDRESS} --password-file password.txt --password-fd 3`,
      `mail set ${ADDRESS} --password-file password.txt --ask-password`,
      `mail set ${ADDRESS} --password-file password.txt --password-for somebody`,
      "mail set bob@example.com --password-file password.txt",
      "mail set bob@example.com --user bob",
    ]) {
      expect((await laptop.run(line)).code).toBe("usage");
    }
    await laptop.ok("mail set bob@example.com --inbound-server imap.example.com");
    expect((await laptop.run("mail show bob@example.com --password inbound")).code).toBe("entry-not-found");
    expect((await laptop.run("mail show bob@example.com --password outbound")).code).toBe("entry-not-found");
  });
});

describe("settings for mutt", () => {
  test("have a command in the place of each password, which prints it", async () => {
    const laptop = await withMail();
    const { stdout } = await laptop.text(`mail show ${ADDRESS} --format mutt`);
    expect(stdout).toContain("set folder='imaps://alice@imap.example.com:993/'\n");
    expect(stdout).toContain("set smtp_url='smtp://alice%40example.com@smtp.example.com:587/'\n");
    const [, command = ""] = /^set imap_pass="`meshman (.*)`"$/m.exec(stdout) ?? [];
    expect((await laptop.text(command)).stdout).toBe(`${SECRET}\n`);
    const home = await machine().text(`mail show ${ADDRESS} --format mutt --home ${laptop.home}`);
    expect(home.stdout).toContain(`--home ${laptop.home}`);
    const plain = await laptop.text(`mail show ${ADDRESS} --format mutt --show-passwords`);
    expect(plain.stdout).toContain(`set imap_pass='${SECRET}'\n`);
  });
});

describe("the public keys of an account", () => {
  test("are published, shown and taken back", async () => {
    const laptop = await withMail();
    put(laptop, "alice.asc", OPENPGP);
    put(laptop, "alice.pem", CERTIFICATE + AUTHORITY);
    const set = await laptop.ok(`mail keys ${ADDRESS} --openpgp alice.asc --smime alice.pem`);
    expect(set.json).toEqual({
      account: { id: expect.any(String), address: ADDRESS },
      keys: {
        openpgp: { udf: expect.any(String), publicKey: expect.any(String) },
        smime: { udf: expect.any(String), certificate: expect.any(String) },
      },
      synced: true,
    });
    expect((await laptop.ok(`mail keys ${ADDRESS}`)).json).toEqual({
      account: (set.json as { account: object }).account,
      keys: (set.json as { keys: object }).keys,
    });
    expect((await laptop.text(`mail keys ${ADDRESS}`)).stdout).toContain(set.at("keys", "openpgp", "udf"));
    expect(await shown(laptop)).toMatchObject({
      keys: { openpgp: set.at("keys", "openpgp", "udf"), smime: set.at("keys", "smime", "udf") },
    });
    // Settings come and go without them.
    await laptop.ok(`mail set ${ADDRESS} --account-name Other`);
    expect((await laptop.ok(`mail keys ${ADDRESS} --openpgp alice.asc`)).json).toMatchObject({ synced: true });
    await laptop.ok(`mail keys ${ADDRESS} --remove smime`);
    expect((await laptop.ok(`mail keys ${ADDRESS}`)).json).toMatchObject({
      keys: { openpgp: { udf: set.at("keys", "openpgp", "udf") } },
    });
    await laptop.ok(`mail keys ${ADDRESS} --remove openpgp`);
    expect((await laptop.ok(`mail keys ${ADDRESS}`)).json).toMatchObject({ keys: {} });
  });

  test("stand in the public part of the application, and nothing else does", async () => {
    const wire = await openWire({ logless: true });
    const heads: ReadHead[] = [];
    wire.intercept = ({ transaction, message, forward }) => {
      const { SignedApplicationProfile: record } = (message["Entry"] ?? {}) as Record<string, unknown>;
      if (transaction === "Publish" && record !== undefined) {
        try {
          heads.push(readHead(record));
        } catch {
          // A segment.
        }
      }
      return forward();
    };
    const laptop = await withMail(wire.url);
    put(laptop, "alice.asc", OPENPGP);
    put(laptop, "alice.pem", CERTIFICATE);
    expect(heads.at(-1)).toMatchObject({ type: "MailProfile", publicMembers: {} });
    await laptop.ok(`mail keys ${ADDRESS} --openpgp alice.asc`);
    await laptop.ok("mail set bob@example.com --account-name Bob");
    await laptop.ok("mail keys bob@example.com --smime alice.pem");
    const [pgp, smime] = [{ OpenPGP: expect.any(String) as string }, { X509Certificate: expect.any(String) as string }];
    expect(heads.at(-1)?.publicMembers).toEqual({
      EncryptionPGP: expect.objectContaining(pgp) as object,
      Accounts: [{ EmailAddress: "bob@example.com", EncryptionSMIME: expect.objectContaining(smime) as object }],
    });
    // A change of something else leaves them, another default moves them, and an account takes its own along.
    await laptop.ok(`mail set ${ADDRESS} --account-name Home`);
    expect(Object.keys(heads.at(-1)?.publicMembers ?? {})).toEqual(["EncryptionPGP", "Accounts"]);
    await laptop.ok("mail set bob@example.com --default");
    expect(heads.at(-1)?.publicMembers).toMatchObject({
      EncryptionSMIME: smime,
      Accounts: [{ EmailAddress: ADDRESS }],
    });
    expect(heads.at(-1)?.publicMembers).not.toHaveProperty("EncryptionPGP");
    await laptop.ok("mail remove bob@example.com --yes");
    expect(heads.at(-1)?.publicMembers).toEqual({ EncryptionPGP: expect.objectContaining(pgp) as object });
    await laptop.ok(`mail keys ${ADDRESS} --remove openpgp`);
    expect(heads.at(-1)?.publicMembers).toEqual({});
  });

  test("are never private ones, and are keys", async () => {
    const laptop = await withMail();
    put(laptop, "secret.asc", OPENPGP_SECRET);
    put(laptop, "alice.pem", CERTIFICATE);
    put(laptop, "none.txt", "nothing");
    for (const line of ["--openpgp secret.asc", "--smime secret.asc", "--openpgp none.txt", "--smime none.txt"]) {
      expect((await laptop.run(`mail keys ${ADDRESS} ${line}`)).code).toBe("import-invalid");
    }
    expect((await laptop.run(`mail keys ${ADDRESS} --openpgp missing.asc`)).code).toBe("file-unreadable");
    for (const line of ["--remove pgp", "--smime alice.pem --remove smime"]) {
      expect((await laptop.run(`mail keys ${ADDRESS} ${line}`)).code).toBe("usage");
    }
    expect((await laptop.run("mail keys zoe@example.com --smime alice.pem")).code).toBe("entry-not-found");
    expect((await laptop.ok(`mail keys ${ADDRESS}`)).json).toMatchObject({ keys: {} });
  });

  test("come with a word where a certificate is for somebody else", async () => {
    const laptop = await withMail();
    put(laptop, "alice.pem", CERTIFICATE);
    await laptop.ok("mail set bob@example.com --account-name Bob");
    const other = await laptop.text("mail keys bob@example.com --smime alice.pem");
    expect([other.status, other.stderr.includes("bob@example.com")]).toEqual([0, true]);
  });
});

describe("what cannot be", () => {
  test("is refused, and makes no application", async () => {
    const laptop = await withAccount(filePortal());
    put(laptop, "password.txt", SECRET);
    put(laptop, "none.json", "{");
    put(laptop, "list.json", "[]");
    put(laptop, "wrong.json", '{"MailProfilePrivate": {"Inbound": [{"Port": "many"}]}}');
    put(laptop, "other.json", '{"EmailAddress": "bob@example.com"}');
    put(laptop, "large.json", `{"Note": "${"x".repeat(300_000)}"}`);
    put(laptop, "much.json", `{"Note": "${"x".repeat(60_000)}"}`);
    for (const [line, code] of [
      ["mail set alice@example.com", "usage"],
      ["mail set alice --account-name x", "address-invalid"],
      ["mail set a@b@c --account-name x", "address-invalid"],
      ["mail set alice@example.com --reply-to nobody", "address-invalid"],
      ["mail set alice@example.com --inbound-port 0", "usage"],
      ["mail set alice@example.com --inbound-server x:99999", "usage"],
      ["mail set alice@example.com --inbound-security tls", "usage"],
      ["mail set alice@example.com --inbound-polling perhaps", "usage"],
      ["mail set alice@example.com --inbound-timeout 100000", "usage"],
      ["mail set alice@example.com --clear everything", "usage"],
      ["mail set alice@example.com --from-file missing.json", "file-unreadable"],
      ["mail set alice@example.com --from-file none.json", "import-invalid"],
      ["mail set alice@example.com --from-file list.json", "import-invalid"],
      ["mail set alice@example.com --from-file wrong.json", "import-invalid"],
      ["mail set alice@example.com --from-file other.json", "import-invalid"],
      ["mail set alice@example.com --from-file large.json", "too-large"],
      ["mail set alice@example.com --from-file much.json", "too-large"],
      ["mail show alice@example.com --format yaml", "usage"],
      ["mail show alice@example.com --password both", "usage"],
      ["mail show alice@example.com --password inbound --show-passwords", "usage"],
      ["mail show alice@example.com", "application-not-found"],
      ["mail list", "application-not-found"],
      ["mail remove alice@example.com --yes", "application-not-found"],
      ["mail keys alice@example.com", "application-not-found"],
      ["mail set alice@example.com --password-file password.txt", "application-not-found"],
    ] as const) {
      expect([line, (await laptop.run(line)).code]).toEqual([line, code]);
    }
    for (const [option, value] of [
      ["--display-name", "a\u001bb"],
      ["--account-name", ""],
      ["--inbound-server", "imap.example.com:99999"],
      ["--inbound-server", "imap.example.com 993"],
      ["--outbound-port", "0"],
    ] as const) {
      const named = await laptop.run("mail set alice@example.com", option, value);
      expect(named.code).toBe("usage");
      expect(named.at("error", "message")).toContain(option);
    }
    expect((await laptop.ok("app list")).json).toMatchObject({ applications: [] });
  });

  test("is an account of a home without a profile", async () => {
    expect((await machine().run("mail list")).code).toBe("profile-not-found");
  });
});
