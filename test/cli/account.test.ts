import { describe, expect, test } from "vitest";
import {
  connected,
  contentOf,
  filePortal,
  machine,
  TIME,
  UDF,
  udfOf,
  withAccount,
  type Machine,
} from "../support/cli.js";
import { altered, openWire, refusal, type Wire } from "../support/wire.js";

const version = async (of: Machine, account: string): Promise<unknown> => {
  const { masterSequence, sequence } = (await of.ok("account status", account)).json as Record<string, number>;
  return [masterSequence, sequence];
};

const pendingWork = async (of: Machine): Promise<unknown> =>
  ((await of.ok("status")).json as { pendingWork: unknown }).pendingWork;

describe("account validate", () => {
  test("a free name", async () => {
    const { json } = await machine().ok("account validate alice@example.com --portal", filePortal());
    expect(json).toEqual({ account: "alice@example.com", valid: true, minimum: 1, maximum: 64, invalidCharacters: "" });
  });

  test("addresses are canonical", async () => {
    const validate = async (address: string): Promise<string> =>
      (await machine().ok("account validate", address, "--portal", filePortal())).at("account");
    expect(await validate("ALICE@Example.COM")).toBe("alice@example.com");
    expect(await validate("Alice@b\u00fccher.example")).toBe("alice@xn--bcher-kva.example");
    expect(await validate("cafe\u0301@example.com")).toBe("caf\u00e9@example.com");
    // Nothing but A to Z is folded.
    expect(await validate("\u00c9MILE@example.com")).toBe("\u00c9mile@example.com");
    expect(await validate("alice")).toBe("alice@localhost");
  });

  test("a taken one, and one that cannot be, are results", async () => {
    const portal = filePortal();
    await withAccount(portal);
    const taken = await machine().run("account validate Alice@example.com --portal", portal);
    expect(taken).toMatchObject({ status: 5, code: undefined });
    expect(taken.json).toEqual({
      account: "alice@example.com",
      valid: false,
      reason: expect.any(String),
      minimum: 1,
      maximum: 64,
      invalidCharacters: "",
    });
    const bad = await machine().run("account validate", "al(ice)@example.com", "--portal", portal);
    expect(bad).toMatchObject({ status: 5, json: { valid: false, invalidCharacters: "()" } });
    const long = await machine().run("account validate", `${"a".repeat(65)}@example.com`, "--portal", portal);
    expect(long).toMatchObject({ status: 5, json: { valid: false } });
  });

  test.each(["alice@", "alice@-", "alice@exa mple.com", `alice@${"a".repeat(300)}`, "x".repeat(600)])(
    "%s is no address",
    async (address) => {
      expect(await machine().run("account validate", address, "--portal", filePortal())).toMatchObject({
        status: 2,
        code: "address-invalid",
      });
    },
  );

  test("a bare name without a portal", async () => {
    expect(await machine().run("account validate alice")).toMatchObject({ status: 2, code: "address-invalid" });
  });

  test("no portal at the domain: the hint names --portal local", async () => {
    const outcome = await machine({
      deps: { resolveSrv: async () => [{ name: "", port: 0, priority: 0, weight: 0 }] },
    }).run("account validate alice@example.com");
    expect(outcome).toMatchObject({ status: 6, code: "portal-not-found" });
    expect(outcome.at("error", "hint")).toContain("--portal local");
  });

  test("the reason comes in the user's language", async () => {
    const portal = filePortal();
    await withAccount(portal);
    const reason = async (env: Record<string, string>, ...words: string[]): Promise<string> =>
      (await machine({ env }).run("account validate alice@example.com --portal", portal, ...words)).at("reason");
    const [english, german, french] = [
      await reason({}),
      await reason({}, "--language", "de"),
      await reason({}, "--language", "fr-CA"),
    ];
    expect(new Set([english, german, french]).size).toBe(3);
    expect(await reason({ LANG: "de_DE.UTF-8" })).toBe(german);
    expect(await reason({ LC_MESSAGES: "fr_FR.UTF-8", LANG: "de_DE.UTF-8" })).toBe(french);
    expect(await reason({ LC_ALL: "de_AT", LC_MESSAGES: "fr_FR.UTF-8" })).toBe(german);
    expect(await reason({ LC_ALL: "de_DE" }, "--language", "en")).toBe(english);
    expect(await reason({ LC_ALL: "C.UTF-8" })).toBe(english);
    expect(await reason({ LANG: "" })).toBe(english);
    expect(await reason({}, "--language", "de_AT.UTF-8")).toBe(german);
    // Unknown languages are no error in the environment, where they are for other programs too.
    expect(await reason({ LC_ALL: "tlh", LANG: "de_DE" })).toBe(english);
    expect(await reason({ LANG: "not a tag at all" })).toBe(english);
    for (const text of ["tlh", "not a tag at all", "d"]) {
      expect(await machine().run("status --language", text)).toMatchObject({ code: "usage", status: 2 });
    }
  });

  test("as text", async () => {
    const outcome = await machine().text("account validate alice@example.com --portal", filePortal());
    expect(outcome).toMatchObject({ status: 0, stderr: "" });
    expect(outcome.stdout).toContain("alice@example.com");
  });
});

describe("account create", () => {
  test("the order of a first use", async () => {
    const portal = filePortal();
    const admin = machine();
    await admin.ok("account validate alice@example.com --portal", portal);
    const udf = (await admin.ok("profile create --no-passphrase")).at("profile", "udf");
    const created = await admin.ok("account create alice@example.com --portal", portal);
    expect(created.json).toEqual({ account: "alice@example.com", portal, profile: { udf } });
    await admin.ok("escrow split --shares 3 --threshold 2 --out shares");
    expect((await admin.ok("account list")).json).toEqual({
      accounts: [{ account: "alice@example.com", portal, profile: { udf, name: "default" }, default: true }],
    });
    // The portal is remembered.
    expect((await admin.ok("account status")).json).toEqual({
      account: "alice@example.com",
      portal,
      status: "open",
      profile: { udf },
      masterSequence: 1,
      sequence: 2,
    });
    for (const line of ["account list", "account status"]) {
      expect(await admin.text(line)).toMatchObject({ status: 0, stderr: "" });
    }
  });

  test("says that there are no recovery shares yet, until there are", async () => {
    const portal = filePortal();
    const admin = machine();
    await admin.ok("profile create --no-passphrase");
    const create = "account create alice@example.com --portal";
    expect((await admin.text(create, portal)).stderr).toContain("escrow split");
    expect((await admin.ok("status")).json).toMatchObject({ recovery: null });
    expect((await admin.text("status")).stdout).toContain("escrow split");
    await admin.ok("escrow split --shares 3 --threshold 2 --out shares");
    expect((await admin.text(create, portal)).stderr).not.toContain("escrow split");
    expect((await admin.ok("status")).json).toMatchObject({
      recovery: { identifier: UDF, threshold: 2, shares: 3, created: TIME },
    });
  });

  test("again for the same profile: done already", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    const before = await version(admin, "alice@example.com");
    const again = await admin.ok("account create ALICE@example.com --portal", portal);
    expect(again.json).toMatchObject({ account: "alice@example.com" });
    // Known portals need not be named again.
    await admin.ok("account create alice@example.com");
    expect(await version(admin, "alice@example.com")).toEqual(before);
    expect((await admin.ok("account list")).json).toMatchObject({ accounts: [{}] });
    expect(((await admin.ok("account list")).json as { accounts: object[] }).accounts).toHaveLength(1);
  });

  test("taken by another profile, and nothing is left of the attempt", async () => {
    const portal = filePortal();
    await withAccount(portal);
    const other = machine();
    await other.ok("profile create --no-passphrase");
    const outcome = await other.run("account create alice@example.com --portal", portal);
    expect(outcome).toMatchObject({ status: 5, code: "account-taken" });
    expect((await other.ok("account list")).json).toEqual({ accounts: [] });
    expect(await pendingWork(other)).toEqual([]);
    // Another name may be had.
    await other.ok("account create bob@example.com --portal", portal);
    expect((await other.ok("profile verify")).json).toMatchObject({ ok: true });
  });

  test("a taken name as a second account does not spoil the first", async () => {
    const portal = filePortal();
    await withAccount(portal);
    const other = await withAccount(portal, "bob@example.com");
    expect(await other.run("account create alice@example.com")).toMatchObject({ status: 5, code: "account-taken" });
    expect((await other.ok("account list")).json).toMatchObject({ accounts: [{ account: "bob@example.com" }] });
    expect((await other.ok("profile verify")).json).toMatchObject({ ok: true });
    expect(await pendingWork(other)).toEqual([]);
    await other.ok("account create carol@example.com");
  });

  test("a deleted name is not given out again", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    await admin.ok("account delete alice@example.com --confirm alice@example.com");
    for (const [who, account] of [
      [admin, "alice@example.com"],
      [machine(), "alice@example.com"],
    ] as const) {
      await who.run("profile create --no-passphrase --name other");
      expect(await who.run("account create", account, "--portal", portal)).toMatchObject({ status: 5 });
    }
  });

  test("needs an administration device", async () => {
    const admin = await withAccount(filePortal());
    const phone = await connected(admin);
    expect(await phone.run("account create second@example.com")).toMatchObject({
      status: 5,
      code: "not-administrator",
    });
  });

  test("a bare name belongs to the portal's default domain", async () => {
    const admin = machine();
    await admin.ok("profile create --no-passphrase");
    const [file, wire] = [filePortal(), await openWire({ domains: ["mesh.example", "example.org"] })];
    expect((await admin.ok("account create alice --portal", file)).at("account")).toBe("alice@localhost");
    expect((await admin.ok("account create alice --portal", wire.url)).at("account")).toBe("alice@mesh.example");
    expect((await admin.run("account create bob")).code).toBe("address-invalid");
    expect(await admin.run("account create alice@example.com --portal", wire.url)).toMatchObject({ status: 5 });
  });

  test("--portal local is a portal in the home, and works from then on", async () => {
    const admin = machine();
    await admin.ok("profile create --no-passphrase");
    expect((await admin.ok("account create alice --portal local")).json).toMatchObject({
      account: "alice@localhost",
      portal: "local",
    });
    expect((await admin.ok("account status")).json).toMatchObject({ status: "open" });
  });

  test("portals that are none", async () => {
    const admin = machine();
    await admin.ok("profile create --no-passphrase");
    for (const portal of [
      "nonsense",
      "ftp://example.com",
      "https://user:secret@example.com",
      "https://example.com/some/path",
      "https://example.com/?query",
      "http://example.com",
      "http://192.0.2.1",
      "http://127.0.0.1.example.com",
      "file:",
    ]) {
      const outcome = await admin.run("account create alice@example.com --portal", portal);
      expect([portal, outcome]).toMatchObject([portal, { status: 2, code: "portal-invalid" }]);
      expect(outcome.stdout).not.toContain("secret");
    }
  });

  test("interrupted before the portal knew: again finishes, with the octets that were kept", async () => {
    const wire = await openWire();
    const admin = machine();
    await admin.ok("profile create --no-passphrase");
    wire.intercept = ({ transaction, forward }) => (transaction === "CreateAccount" ? "drop" : forward());
    expect(await admin.run("account create alice@example.com --portal", wire.url)).toMatchObject({ status: 6 });
    expect((await admin.ok("account list")).json).toEqual({ accounts: [] });
    wire.intercept = undefined;
    await admin.ok("account create alice@example.com --portal", wire.url);
    expect(await pendingWork(admin)).toEqual([]);
    expect(await version(admin, "alice@example.com")).toEqual([1, 2]);
  });

  test("interrupted after the portal knew: again finishes without a new version", async () => {
    const wire = await openWire();
    const admin = machine();
    await admin.ok("profile create --no-passphrase");
    wire.intercept = async ({ transaction, forward }) => {
      const answer = await forward();
      return transaction === "CreateAccount" ? "drop" : answer;
    };
    expect(await admin.run("account create alice@example.com --portal", wire.url)).toMatchObject({ status: 6 });
    wire.intercept = undefined;
    const shown = await admin.ok("status");
    expect(shown.json).toMatchObject({ portal: null });
    await admin.ok("account create alice@example.com --portal", wire.url);
    expect(await version(admin, "alice@example.com")).toEqual([1, 2]);
    expect(await pendingWork(admin)).toEqual([]);
    await connected(admin);
  });

  test("interrupted at one name, then another name is taken instead", async () => {
    const wire = await openWire();
    const admin = machine();
    await admin.ok("profile create --no-passphrase");
    wire.intercept = async ({ transaction, forward }) => {
      const answer = await forward();
      return transaction === "CreateAccount" ? "drop" : answer;
    };
    expect((await admin.run("account create alice@example.com --portal", wire.url)).status).toBe(6);
    wire.intercept = undefined;
    await admin.ok("account create bob@example.com --portal", wire.url);
    expect((await admin.ok("profile verify")).json).toMatchObject({ ok: true });
    // The first attempt had come through, unknown to us: it is ours as well.
    await admin.ok("account create alice@example.com");
    expect(((await admin.ok("account list")).json as { accounts: object[] }).accounts).toHaveLength(2);
  });

  test("a portal that lies about having created it is found out by the next command", async () => {
    const wire = await openWire();
    const admin = machine();
    await admin.ok("profile create --no-passphrase");
    wire.intercept = ({ transaction, forward }) =>
      transaction === "CreateAccount"
        ? { status: 200, headers: {}, body: Buffer.from('{"CreateAccount":{"CreateResponse":{"Status":201}}}') }
        : forward();
    await admin.run("account create alice@example.com --portal", wire.url);
    expect(await admin.run("account status")).toMatchObject({ status: 3 });
  });
});

describe("several accounts", () => {
  const two = async (): Promise<{ admin: Machine; first: Wire; second: Wire }> => {
    const [first, second] = [await openWire(), await openWire()];
    const admin = await withAccount(first.url);
    await admin.ok("account create alice@example.org --portal", second.url);
    return { admin, first, second };
  };
  const [FIRST, SECOND] = ["alice@example.com", "alice@example.org"];

  test("publications go to all of them", async () => {
    const { admin, first, second } = await two();
    const udf = await udfOf(admin);
    expect((await admin.ok("account list")).json).toEqual({
      accounts: [
        { account: FIRST, portal: first.url, profile: { udf, name: "default" }, default: true },
        { account: SECOND, portal: second.url, profile: { udf, name: "default" }, default: false },
      ],
    });
    expect(await version(admin, FIRST)).toEqual([1, 3]);
    expect(await version(admin, SECOND)).toEqual([1, 3]);
    await connected(admin);
    await admin.ok("device remove phone");
    for (const account of [FIRST, SECOND]) expect(await version(admin, account)).toEqual([1, 5]);
    await admin.ok("escrow split --shares 3 --threshold 2 --out shares");
    for (const wire of [first, second]) expect(wire.seen).toContain("Publish");
    expect((await admin.ok("profile verify")).json).toMatchObject({
      accounts: [{ account: FIRST }, { account: SECOND }],
    });
    // A device may join by either.
    const phone = machine();
    const asked = await phone.ok(
      "device connect alice@example.org --no-passphrase --trust-on-first-use --portal",
      second.url,
    );
    await admin.ok("device complete --account alice@example.org", asked.at("code"));
    expect((await phone.ok("device status")).json).toEqual({ status: "accepted", expires: null });
    for (const account of [FIRST, SECOND]) expect(await version(admin, account)).toEqual([1, 6]);
    // Where two accounts are at one portal it is named once.
    await admin.ok("account create third@example.com --portal", first.url);
    const { stdout } = await admin.text("profile verify");
    for (const { url } of [first, second]) expect(stdout.split(url)).toHaveLength(2);
  });

  test("the second portal is down: a warning and pending work, made up by the next change", async () => {
    const { admin, second } = await two();
    await second.stop();
    const phone = await connected(admin);
    expect(await version(admin, FIRST)).toEqual([1, 4]);
    expect(await pendingWork(admin)).toEqual([{ kind: "publish", since: TIME, command: expect.any(String) }]);
    expect((await admin.text("status")).stdout).toContain("publish");
    const warned = await admin.text("device remove phone");
    expect(warned.status).toBe(0);
    expect(warned.stderr).toContain(SECOND);
    expect((await phone.run("device status")).status).toBe(5);
    await second.restart();
    // That it is behind is known, and no rollback.
    expect(await version(admin, SECOND)).toEqual([1, 3]);
    const verified = await admin.ok("profile verify");
    expect(verified.json).toMatchObject({ ok: true, profile: { sequence: 5 }, accounts: [{ account: FIRST }] });
    expect(verified.stderr).toContain(SECOND);
    await connected(admin, "tablet");
    expect(await version(admin, SECOND)).toEqual([1, 6]);
    expect(await pendingWork(admin)).toEqual([]);
    expect((await admin.ok("profile verify")).json).toMatchObject({ ok: true });
  });

  test("--account says whose portal is asked", async () => {
    const { admin, first, second } = await two();
    await first.stop();
    for (const line of ["device list", "device pending", "device show"]) {
      expect([line, (await admin.run(line, "--account", SECOND)).stderr]).toEqual([line, ""]);
    }
    expect(second.seen).toContain("ConnectPending");
  });

  test("--portal speaks of one of them", async () => {
    const { admin, first, second } = await two();
    const named = admin.with({ env: { MESHMAN_PORTAL: first.url } });
    expect((await named.ok("profile verify")).json).toMatchObject({
      accounts: [{ portal: first.url }, { portal: second.url }],
    });
    await connected(named);
    for (const account of [FIRST, SECOND]) expect(await version(admin, account)).toEqual([1, 4]);
    await named.ok("profile revocation --out note.json");
    expect((await named.ok("profile revoke note.json --yes")).json).toMatchObject({ portals: [first.url, second.url] });
  });

  test("the command that the pending work names makes it up", async () => {
    const { admin, second } = await two();
    await second.stop();
    await connected(admin);
    await second.restart();
    const [{ command }] = (await pendingWork(admin)) as [{ command: string }];
    await admin.ok(command.replace(/^meshman /, ""));
    expect(await pendingWork(admin)).toEqual([]);
    expect(await version(admin, SECOND)).toEqual([1, 4]);
  });

  test("the second portal is down: shares are made all the same, and it is named", async () => {
    const { admin, second } = await two();
    await second.stop();
    const outcome = await admin.ok("escrow split --shares 2 --threshold 2 --out shares");
    expect(outcome.stderr).toContain(SECOND);
    const shares = [1, 2].flatMap((index) => ["--share-file", `shares/share-${index}-of-2.txt`]);
    await admin.ok("escrow verify", ...shares);
    // It is back, but behind: that is not held against it, and said where something is wanted from it.
    await connected(admin);
    await second.restart();
    await admin.ok("escrow split --shares 2 --threshold 2 --out more");
    for (const line of [`account delete ${SECOND} --confirm ${SECOND}`, `device pending --account ${SECOND}`]) {
      const behind = await admin.run(line);
      expect([line, behind]).toMatchObject([line, { status: 5, code: "conflict" }]);
      expect(behind.at("error", "hint")).toContain(`account create ${SECOND}`);
    }
    await admin.ok("account create", SECOND);
    await admin.ok("device pending --account", SECOND);
    await admin.ok(`account delete ${SECOND} --confirm ${SECOND}`);
  });

  test("the first portal is down: changes wait, since it is authoritative", async () => {
    const { admin, first } = await two();
    await first.stop();
    expect(await admin.run("account create third@example.org")).toMatchObject({ status: 6 });
    expect(await version(admin, SECOND)).toEqual([1, 3]);
  });

  test("one is deleted, the other stays", async () => {
    const { admin, second } = await two();
    await connected(admin);
    const outcome = await admin.ok(`account delete ${SECOND} --confirm ${SECOND}`);
    expect(outcome.json).toEqual({ account: SECOND, portal: second.url, deleted: true });
    expect((await admin.ok("account list")).json).toMatchObject({ accounts: [{ account: FIRST }] });
    expect(await admin.run("account status --portal", second.url, "--account", SECOND)).toMatchObject({ status: 0 });
    expect((await admin.ok("profile verify")).json).toMatchObject({ ok: true });
    // The profile names it no longer, so nobody can be led there.
    expect(await version(admin, FIRST)).toEqual([1, 5]);
  });

  test("the first is deleted: the second becomes the default", async () => {
    const { admin } = await two();
    await admin.ok(`account delete ${FIRST} --confirm ${FIRST}`);
    expect((await admin.ok("account list")).json).toMatchObject({ accounts: [{ account: SECOND, default: true }] });
    await connected(admin);
    expect((await admin.ok("profile verify")).json).toMatchObject({ ok: true });
  });
});

describe("account status", () => {
  test("unknown account, unknown profile, another person's", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    expect(await admin.run("account status nobody@example.com")).toMatchObject({
      status: 3,
      code: "account-not-found",
    });
    const bob = await withAccount(portal, "bob@example.com");
    expect((await admin.ok("account status bob@example.com")).json).toMatchObject({
      status: "open",
      profile: { udf: await udfOf(bob) },
    });
    // A bare name is one of the own domain; another profile's default account is not asked.
    expect((await admin.ok("account status bob")).json).toMatchObject({ account: "bob@example.com" });
    expect((await admin.ok("account status --account alice@example.com")).json).toMatchObject({
      account: "alice@example.com",
    });
    expect((await machine().ok("account status alice@example.com --portal", portal)).json).toMatchObject({
      status: "open",
    });
    expect(await machine().run("account status")).toMatchObject({ status: 3, code: "profile-not-found" });
    const empty = machine();
    await empty.ok("profile create --no-passphrase");
    expect(await empty.run("account status")).toMatchObject({ status: 3, code: "account-not-found" });
  });

  test("closed", async () => {
    const portal = filePortal();
    const admin = await withAccount(portal);
    await admin.ok("account create second@example.com");
    await admin.ok("account delete second@example.com --confirm second@example.com");
    expect((await admin.ok("account status second@example.com")).json).toMatchObject({
      account: "second@example.com",
      status: "closed",
      profile: null,
    });
  });
});

describe("account delete", () => {
  test("needs the address again, and --yes is not enough", async () => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    const [before, requests] = [contentOf(admin.home), wire.seen.length];
    for (const line of [
      "account delete alice@example.com",
      "account delete alice@example.com --yes",
      "account delete alice@example.com --confirm bob@example.com --yes",
    ]) {
      expect([line, await admin.run(line)]).toMatchObject([line, { status: 2, code: "input-required" }]);
    }
    expect(await admin.run("account delete bob@example.com --confirm bob@example.com")).toMatchObject({
      status: 3,
      code: "account-not-found",
    });
    expect(contentOf(admin.home)).toEqual(before);
    expect(wire.seen.length).toBe(requests);
    // In any spelling.
    await admin.ok("account delete Alice@EXAMPLE.com --confirm ALICE@example.COM");
    expect((await admin.ok("account list")).json).toEqual({ accounts: [] });
    expect(wire.seen.filter((name) => name === "DeleteAccount")).toHaveLength(1);
  });

  test("needs an administration device", async () => {
    const admin = await withAccount(filePortal());
    const phone = await connected(admin);
    expect(await phone.run("account delete alice@example.com --confirm alice@example.com")).toMatchObject({
      status: 5,
      code: "not-administrator",
    });
  });

  test("the last one: the profile stays, and another account may be made", async () => {
    const [portal, other] = [filePortal(), filePortal()];
    const admin = await withAccount(portal);
    await connected(admin);
    await admin.ok("account delete alice@example.com --confirm alice@example.com");
    expect((await admin.ok("profile show")).json).toMatchObject({ accounts: [], device: { connected: true } });
    expect(await admin.run("device pending")).toMatchObject({ status: 3, code: "account-not-found" });
    await admin.ok("account create alice@example.org --portal", other);
    await connected(admin, "tablet");
    expect((await admin.ok("profile verify")).json).toMatchObject({ ok: true });
    // The first portal is some versions behind, which the other one has.
    await admin.ok("account create again@example.com --portal", portal);
    expect(await version(admin, "again@example.com")).toEqual(await version(admin, "alice@example.org"));
    expect((await admin.ok("profile verify")).json).toMatchObject({ ok: true });
  });

  test("interrupted after the portal did it: again finishes", async () => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    await admin.ok("account create second@example.com");
    wire.intercept = async ({ transaction, forward }) => {
      const answer = await forward();
      return transaction === "DeleteAccount" ? "drop" : answer;
    };
    const line = "account delete second@example.com --confirm second@example.com";
    expect((await admin.run(line)).status).toBe(6);
    wire.intercept = undefined;
    await admin.ok(line);
    expect((await admin.ok("account list")).json).toMatchObject({ accounts: [{ account: "alice@example.com" }] });
    expect(((await admin.ok("account list")).json as { accounts: object[] }).accounts).toHaveLength(1);
    expect((await admin.ok("profile verify")).json).toMatchObject({ ok: true });
  });

  test("deleted by another administration device: this one can forget it", async () => {
    const admin = await withAccount(filePortal());
    const desk = await connected(admin, "desk", ["--admin"]);
    const line = "account delete alice@example.com --confirm alice@example.com";
    await admin.ok(line);
    await desk.ok(line);
    expect((await desk.ok("account list")).json).toEqual({ accounts: [] });
  });
});

describe("a portal that is gone for good", () => {
  test("the account is made at another portal", async () => {
    const [old, fresh] = [await openWire(), await openWire()];
    const admin = await withAccount(old.url);
    await connected(admin);
    await old.stop();
    await admin.ok("account create alice@example.com --portal", fresh.url);
    expect((await admin.ok("account list")).json).toMatchObject({
      accounts: [{ account: "alice@example.com", portal: fresh.url }],
    });
    await connected(admin, "tablet");
    expect((await admin.ok("profile verify")).json).toMatchObject({ ok: true });
  });

  test("an account that the portal has dropped is made again", async () => {
    const wire = await openWire({ logless: true });
    const admin = await withAccount(wire.url);
    const other = await openWire();
    // The portal has lost its store.
    wire.intercept = ({ forward, transaction }) => (transaction === "Hello" ? forward() : refusal(404));
    expect(await admin.run("device pending")).toMatchObject({ status: 3, code: "account-not-found" });
    await admin.ok("account create alice@example.com --portal", other.url);
    expect((await admin.ok("device pending")).json).toEqual({ pending: [] });
  });
});

test("a portal cannot slip control characters into what is shown", async () => {
  const wire = await openWire();
  wire.intercept = async ({ transaction, forward }) =>
    transaction === "ValidateAccount"
      ? altered(await forward(), (message) => ({
          ...message,
          ValidateResponse: { Status: 201, Valid: false, Reason: "no\u001b[2J\u202e", InvalidCharacters: "\u0007" },
          Valid: false,
          Reason: "no\u001b[2J\u202e",
          InvalidCharacters: "\u0007",
        }))
      : forward();
  const outcome = await machine().text("account validate alice@example.com --portal", wire.url);
  expect(outcome.status).toBe(5);
  expect(outcome.stdout).not.toMatch(/[\u001b\u202e\u0007]/);
});
