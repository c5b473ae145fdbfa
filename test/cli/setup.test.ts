import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import { MeshError } from "../../src/errors.js";
import { verbatim } from "../../src/messages/message.js";
import { connected, machine, modesOf, UDF, withAccount, filePortal, type Scripted } from "../support/cli.js";
import { openWire } from "../support/wire.js";

const PASSPHRASE = "correct horse battery";
/** The first questions: names, and the passphrase twice. */
const BEGIN: readonly Scripted[] = ["", "", PASSPHRASE, PASSPHRASE];

describe("setup", () => {
  test("everything, on this machine", async () => {
    const admin = machine({
      tty: true,
      prompts: [...BEGIN, "local", "alice", true, "note.json", true, "recovery", false],
    });
    const outcome = await admin.ok("setup");
    expect(outcome.json).toEqual({
      profile: { profile: { udf: UDF, name: "default" }, device: { udf: UDF, name: "testhost", admin: true } },
      account: { account: "alice@localhost", portal: "local", profile: { udf: UDF } },
      revocation: { profile: { udf: UDF, name: "default" }, file: path.join(admin.folder, "note.json") },
      escrow: {
        identifier: UDF,
        threshold: 2,
        shares: [1, 2, 3].map((index) => path.join(admin.folder, `recovery/share-${index}-of-3.txt`)),
      },
    });
    for (const text of [...outcome.asked, outcome.stderr]) expect(text).not.toContain(PASSPHRASE);
    expect(modesOf(path.join(admin.folder, "recovery"))).toMatchObject({ "share-1-of-3.txt": "600" });
    expect((await admin.ok("status")).json).toMatchObject({
      connected: true,
      admin: true,
      keystore: { protection: "passphrase" },
      portal: { account: "alice@localhost" },
      recovery: { threshold: 2, shares: 3 },
      pendingWork: [],
    });
    const shares = [1, 3].flatMap((index) => ["--share-file", `recovery/share-${index}-of-3.txt`]);
    await admin.ok("escrow verify", ...shares);
  });

  test("as text: the results on standard output, all else on standard error", async () => {
    const admin = machine({ tty: true, prompts: [...BEGIN, "later", false] });
    const outcome = await admin.text("setup");
    expect(outcome.status).toBe(0);
    expect(outcome.stdout).toContain((await admin.ok("profile show")).at("profile", "udf"));
    expect(outcome.stdout).not.toContain("{");
  });

  test("nowhere yet: no shares either, since there is no place for them", async () => {
    const admin = machine({ tty: true, prompts: ["work", "laptop", PASSPHRASE, PASSPHRASE, "later", false] });
    const { json } = await admin.ok("setup");
    expect(Object.keys(json as object)).toEqual(["profile"]);
    expect((await admin.ok("status")).json).toMatchObject({ profile: { name: "work" }, portal: null });
  });

  test("at an address; the master key goes after the shares have left", async () => {
    const wire = await openWire();
    const admin = machine({
      tty: true,
      prompts: [...BEGIN, "address", "not an address", "alice@example.com", false, true, "recovery", true],
    });
    const { json } = await admin.ok("setup --portal", wire.url);
    expect(json).toMatchObject({ account: { account: "alice@example.com", portal: wire.url } });
    const { keys } = (await admin.ok("keystore status")).json as { keys: { use: string }[] };
    expect(keys.filter(({ use }) => use.startsWith("master-"))).toEqual([]);
  });

  test("wrong answers are asked again", async () => {
    const admin = machine({
      tty: true,
      prompts: [
        ...["x".repeat(65), "MDDK-7N6A-727A-JZNO-STRX-XKS7-DJAF", " cafe\u0301 "],
        ...["two\nlines", "laptop"],
        ...["short", PASSPHRASE, "different", PASSPHRASE],
        ...["local", "two words", "", "alice"],
        false,
        false,
      ],
    });
    const { json } = await admin.ok("setup");
    expect(json).toMatchObject({
      profile: { profile: { name: "caf\u00e9" } },
      account: { account: "alice@localhost" },
    });
  });

  test("the account cannot be made: the profile is there all the same", async () => {
    const portal = filePortal();
    await withAccount(portal);
    const admin = machine({ tty: true, prompts: [...BEGIN, "address", "alice@example.com", false] });
    const outcome = await admin.ok("setup --portal", portal);
    expect(Object.keys(outcome.json as object)).toEqual(["profile"]);
    expect(outcome.stderr).toContain("account create");
    expect((await admin.ok("profile list")).json).toMatchObject({ profiles: [{ name: "default", accounts: [] }] });
  });

  test("where a profile is already: one more, under another name", async () => {
    const admin = await withAccount(filePortal());
    const again = admin.with({ tty: true, prompts: ["default", "", "", "later", false] });
    const outcome = await again.run("setup");
    expect(outcome).toMatchObject({ status: 0 });
    const { profiles } = (await admin.ok("profile list")).json as { profiles: { name: string; default: boolean }[] };
    expect(profiles.map((profile) => profile.default)).toEqual([true, false]);
    await connected(admin);
  });

  test("a file that is there is not replaced, and the rest goes on", async () => {
    const admin = machine({ tty: true, prompts: [...BEGIN, "local", "alice", true, "note.json", false] });
    fs.writeFileSync(path.join(admin.folder, "note.json"), "mine");
    const outcome = await admin.ok("setup");
    expect(Object.keys(outcome.json as object)).toEqual(["profile", "account"]);
    expect(fs.readFileSync(path.join(admin.folder, "note.json"), "utf8")).toBe("mine");
  });

  test.each([{}, { tty: true, env: { CI: "true" } }])(
    "without a terminal: the commands for scripts are named",
    async (options) => {
      const outcome = await machine(options).run("setup");
      expect(outcome).toMatchObject({ status: 2, code: "input-required", asked: [] });
      expect(outcome.at("error", "hint")).toMatch(/profile create.*account create.*escrow split/);
      expect(await machine({ tty: true }).run("setup --no-input")).toMatchObject({ status: 2, code: "input-required" });
    },
  );

  test("^C at a question: 130, and nothing half made", async () => {
    const interrupted = async (): Promise<never> => {
      throw new MeshError("interrupted", verbatim("Interrupted."));
    };
    const admin = machine({
      tty: true,
      deps: {
        prompts: { text: async () => "default", secret: interrupted, confirm: interrupted, select: interrupted },
      },
    });
    expect(await admin.run("setup")).toMatchObject({ status: 130, code: "interrupted" });
    expect(fs.existsSync(admin.home)).toBe(false);
  });
});
