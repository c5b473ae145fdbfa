import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import { msg } from "../../src/messages/message.js";
import { loadTranslator } from "../../src/messages/translate.js";
import { contentOf, machine, modesOf, put, type Machine, type RunOptions } from "../support/cli.js";
import { FAKE_BUS, fakeKeyring, type FakeKeyring } from "../support/keyring.js";

/** Anything, as JSON.parse gives it. */
type Json = ReturnType<typeof JSON.parse>;

const PASSPHRASE = "five well chosen random words";
const SECOND = "another five quite unlikely words";
const KEY_OPTIONS = /--keystore-key-file.*--keystore-key-fd.*MESHMAN_KEYSTORE_KEY_FILE/;
const PASSPHRASE_OPTIONS = /--passphrase-file.*--passphrase-fd.*MESHMAN_PASSPHRASE_FILE/;

/** A machine with a profile that opens by itself, secrets in files, and a keyring. */
const open = async (options: RunOptions = {}): Promise<{ admin: Machine; keyring: FakeKeyring; key: Buffer }> => {
  const keyring = fakeKeyring();
  const given = { ...options, env: { ...FAKE_BUS, ...options.env }, deps: { runPart: keyring.deps.runPart } };
  const admin = machine(given);
  await admin.ok("profile create --device-name laptop --no-passphrase");
  const key = randomBytes(32);
  put(admin, "key", `${key.toString("base64")}\n`);
  put(admin, "other-key", `${randomBytes(32).toString("hex")}\n`);
  put(admin, "passphrase", `${PASSPHRASE}\n`);
  put(admin, "second", `${SECOND}\n`);
  return { admin, keyring, key };
};

const fileDescriptor = (admin: Machine, name: string): string =>
  String(fs.openSync(path.join(admin.folder, name), "r"));

const protectionOf = async (admin: Machine): Promise<unknown> => {
  const { json } = await admin.ok("keystore status");
  const { protection, keyFile, unlockedBy, locked } = json as Record<string, unknown>;
  return { protection, keyFile, unlockedBy, locked };
};

describe("keystore protect", () => {
  test("round all protections, and the keys still open", async () => {
    const { admin, keyring } = await open();
    const stick = path.join(admin.folder, "stick.key");
    const home = path.join(admin.home, "keystore.key");
    for (const [line, unlock, shown] of [
      [
        "key --new-key-file key",
        "--keystore-key-file key",
        { protection: "key", keyFile: null, unlockedBy: ["key"], locked: true },
      ],
      [
        "key-file stick.key --keystore-key-file key",
        "",
        { protection: "key-file", keyFile: stick, unlockedBy: ["key-file"], locked: true },
      ],
      [
        "keyring --new-passphrase-file passphrase",
        "",
        { protection: "keyring", keyFile: null, unlockedBy: ["keyring", "passphrase"], locked: true },
      ],
      [
        "passphrase --new-passphrase-file second",
        "--passphrase-file second",
        { protection: "passphrase", keyFile: null, unlockedBy: ["passphrase"], locked: true },
      ],
      [
        "key-file --passphrase-file second",
        "",
        { protection: "key-file", keyFile: home, unlockedBy: ["key-file"], locked: false },
      ],
    ] as const) {
      const { json } = await admin.ok(`keystore protect ${line}`);
      expect(json).toEqual({ id: expect.any(String), protection: shown.protection, keyFile: shown.keyFile });
      expect(await protectionOf(admin)).toEqual(shown);
      expect((await admin.ok(`keystore check ${unlock}`)).json).toMatchObject({ ok: true });
      expect(fs.existsSync(stick)).toBe(shown.keyFile === stick);
      expect(fs.existsSync(home)).toBe(shown.keyFile === home);
      expect(keyring.entries.size).toBe(shown.protection === "keyring" ? 1 : 0);
      expect(modesOf(admin.home)["keystore.json"]).toBe("600");
      const text = await admin.text("keystore status");
      expect(text).toMatchObject({ status: 0, stderr: "" });
    }
  });

  test("as text, and by a terminal", async () => {
    const { admin } = await open();
    const prompts = ["short", PASSPHRASE, "something else", PASSPHRASE];
    const outcome = await admin.with({ tty: true, prompts }).text("keystore protect keyring");
    expect(outcome).toMatchObject({ status: 0, stderr: "" });
    expect(outcome.asked).toHaveLength(6);
    expect((await admin.ok("keystore check")).asked).toEqual([]);
    expect(await admin.text("keystore protect key-file")).toMatchObject({ status: 0, stderr: "" });
  });

  test("to a keyring: the passphrase stays where there is one", async () => {
    const { admin, keyring } = await open();
    await admin.ok("keystore protect passphrase --new-passphrase-file passphrase");
    await admin.ok("keystore protect keyring --passphrase-file passphrase");
    await admin.ok("keystore check");
    keyring.entries.clear();
    await admin.ok("keystore check --passphrase-file passphrase");
    // A new entry in place of the lost one.
    await admin.ok("keystore protect keyring --passphrase-file passphrase");
    await admin.ok("keystore check");
    await admin.ok("keystore passwd --new-passphrase-file second");
    expect(await protectionOf(admin)).toMatchObject({ protection: "keyring" });
    await admin.ok("keystore check");
    keyring.entries.clear();
    expect(await admin.run("keystore check --passphrase-file passphrase")).toMatchObject({
      status: 4,
      code: "wrong-passphrase",
    });
    await admin.ok("keystore check --passphrase-file second");
  });

  test("what is missing or out of place is said before anything is asked or changed", async () => {
    const { admin } = await open();
    fs.mkdirSync(path.join(admin.folder, "folder"));
    put(admin, "letter", "not a key\n");
    const before = contentOf(admin.home);
    for (const [line, status, code, said] of [
      ["something", 2, "usage", /passphrase, keyring, key-file, key/],
      ["key", 2, "input-required", /--new-key-file.*--new-key-fd/],
      ["passphrase", 2, "input-required", /--new-passphrase-file.*--new-passphrase-fd/],
      ["keyring", 2, "input-required", /--new-passphrase-file.*--new-passphrase-fd/],
      ["key --new-key-file letter", 2, "usage", /32/],
      ["key --new-key-file nowhere", 2, "file-unreadable", /nowhere/],
      ["key --new-key-fd 987654", 2, "file-unreadable", /987654/],
      ["key --new-key-file key --new-key-fd 3", 2, "usage", /./],
      ["key --new-passphrase-file passphrase", 2, "usage", /--new-passphrase-file/],
      ["passphrase --new-key-file key", 2, "usage", /--new-key-file/],
      ["key-file --new-key-fd 3", 2, "usage", /--new-key-fd/],
      ["passphrase somewhere", 2, "usage", /passphrase/],
      ["passphrase --new-passphrase-file letter --new-passphrase-fd 3", 2, "usage", /./],
      ["key-file nowhere/file", 2, "file-unreadable", /nowhere/],
      ["key-file folder", 5, "file-exists", /folder/],
      ["key-file letter", 5, "file-exists", /letter/],
    ] as const) {
      const outcome = await admin.run(`keystore protect ${line}`);
      expect([line, outcome]).toMatchObject([line, { status, code, asked: [] }]);
      expect(outcome.stdout).toMatch(said);
    }
    // A key is never asked for, so that nothing is said of terminals.
    const onTerminal = await admin.with({ tty: true }).run("keystore protect key");
    expect(onTerminal).toMatchObject({ status: 2, code: "input-required", asked: [] });
    expect(onTerminal.at("error", "message")).toBe((await loadTranslator("en"))(msg("protect.key-needed")));
    expect(await admin.run("keystore protect key-file", "")).toMatchObject({ status: 2, code: "usage" });
    put(admin, "short", "seven77");
    expect(await admin.run("keystore protect passphrase --new-passphrase-file short")).toMatchObject({
      status: 2,
      code: "passphrase-weak",
    });
    expect(contentOf(admin.home)).toEqual(before);
    expect(fs.readFileSync(path.join(admin.folder, "letter"), "utf8")).toBe("not a key\n");
  });

  test("to a keyring that there is not, or that does not answer: what to use instead", async () => {
    const { admin, keyring } = await open();
    const before = contentOf(admin.home);
    const line = "keystore protect keyring --new-passphrase-file passphrase";
    const outcomes = [
      await admin.with({ env: {} }).run(line),
      await ((keyring.fails = "silent"), admin.run(line)),
      await ((keyring.fails = "broken"), admin.run(line)),
      await ((keyring.fails = "full"), admin.run(line)),
    ];
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ status: 4, code: "keyring-unavailable" });
      expect(outcome.at("error", "hint")).toMatch(/keystore protect passphrase/);
    }
    // Where there is no bus nobody is asked, and no passphrase either.
    expect(keyring.operations.filter((operation) => operation === "set")).toHaveLength(3);
    expect(contentOf(admin.home)).toEqual(before);
    const asked = await admin.with({ env: {}, tty: true, prompts: [] }).run("keystore protect keyring");
    expect(asked).toMatchObject({ status: 4, code: "keyring-unavailable", asked: [] });
  });
});

describe("a keyring that does not answer", () => {
  test.each(["silent", "broken", "gone", "no bus"] as const)("%s: the passphrase, and why", async (problem) => {
    const { admin, keyring } = await open();
    await admin.ok("keystore protect keyring --new-passphrase-file passphrase");
    if (problem === "gone") keyring.entries.clear();
    else if (problem !== "no bus") keyring.fails = problem;
    const away = problem === "no bus" ? admin.with({ env: {} }) : admin;
    for (const [options, words] of [
      [{}, ""],
      [{ tty: true }, "--no-input"],
      [{ tty: true, env: { ...(problem === "no bus" ? {} : FAKE_BUS), CI: "true" } }, ""],
    ] as const) {
      const outcome = await away.with(options).run(`keystore check ${words}`);
      expect(outcome).toMatchObject({ status: 4, code: "keyring-unavailable", asked: [] });
      expect(outcome.at("error", "hint")).toMatch(PASSPHRASE_OPTIONS);
    }
    const given = await away.ok("keystore check --passphrase-file passphrase");
    expect(given.stderr).not.toBe("");
    expect((await away.ok("keystore check --quiet --passphrase-file passphrase")).stderr).toBe("");
    await away.ok("keystore check --passphrase-fd", fileDescriptor(admin, "passphrase"));
    const asked = await away.with({ tty: true, prompts: [PASSPHRASE] }).ok("keystore check");
    expect(asked.asked).toHaveLength(1);
    expect(asked.stderr).not.toBe("");
    const wrong = await away.run("keystore check --passphrase-file second");
    expect(wrong).toMatchObject({ status: 4, code: "wrong-passphrase" });
  });

  test("one that answers is asked, whatever passphrase is given", async () => {
    const { admin } = await open();
    await admin.ok("keystore protect keyring --new-passphrase-file passphrase");
    const outcome = await admin.ok("keystore check --passphrase-file second");
    expect(outcome.stderr).toBe("");
  });
});

describe("a key that is given", () => {
  test("in a file, on a descriptor, in the file that a variable names; an option goes before the variable", async () => {
    const { admin, key } = await open();
    await admin.ok("keystore protect key --new-key-fd", fileDescriptor(admin, "key"));
    put(admin, "hex", key.toString("hex"));
    fs.writeFileSync(path.join(admin.folder, "raw"), key, { mode: 0o600 });
    for (const name of ["key", "hex", "raw"]) {
      await admin.ok("keystore check --keystore-key-file", name);
      await admin.ok("keystore check --keystore-key-fd", fileDescriptor(admin, name));
      await admin.with({ env: { MESHMAN_KEYSTORE_KEY_FILE: name } }).ok("keystore check");
    }
    const named = admin.with({ env: { MESHMAN_KEYSTORE_KEY_FILE: "other-key" } });
    await named.ok("keystore check --keystore-key-file key");
    await named.ok("keystore check --keystore-key-fd", fileDescriptor(admin, "key"));
    expect(await named.run("keystore check")).toMatchObject({ status: 4, code: "locked" });
  });

  test("is never asked for: without it, every error names the options", async () => {
    const { admin } = await open();
    await admin.ok("keystore protect key --new-key-file key");
    for (const options of [
      {},
      { tty: true },
      { env: { CI: "true" } },
      { tty: true, env: { CI: "1" } },
    ] as RunOptions[]) {
      const outcome = await admin.with(options).run("keystore check");
      expect(outcome).toMatchObject({ status: 4, code: "locked", asked: [] });
      expect(outcome.at("error", "hint")).toMatch(KEY_OPTIONS);
    }
    const wrong = await admin.run("keystore check --keystore-key-file other-key");
    expect(wrong).toMatchObject({ status: 4, code: "locked" });
    expect(wrong.at("error", "hint")).toMatch(KEY_OPTIONS);
    // A passphrase is no key.
    expect(await admin.run("keystore check --passphrase-file passphrase")).toMatchObject({ status: 4, code: "locked" });
    for (const [words, status, code] of [
      [["--keystore-key-file", "nowhere"], 2, "file-unreadable"],
      [["--keystore-key-file", "passphrase"], 2, "usage"],
      [["--keystore-key-fd", "987654"], 2, "file-unreadable"],
      [["--keystore-key-fd", "none"], 2, "usage"],
      [["--keystore-key-file", ""], 2, "usage"],
    ] as const) {
      expect([words, await admin.run("keystore check", ...words)]).toMatchObject([words, { status, code }]);
    }
  });

  test("is not looked at where it is not needed", async () => {
    const { admin } = await open();
    await admin.with({ env: { MESHMAN_KEYSTORE_KEY_FILE: "nowhere" } }).ok("keystore check");
  });

  test("in a file that others can read is warned about", async () => {
    const { admin, key } = await open();
    await admin.ok("keystore protect key --new-key-file key");
    fs.chmodSync(path.join(admin.folder, "key"), 0o644);
    const outcome = await admin.ok("keystore check --keystore-key-file key");
    expect(outcome.stderr).toContain("key");
    expect(outcome.stderr).not.toContain(key.toString("base64"));
  });

  test("protects a new keystore, with --no-passphrase or without", async () => {
    for (const words of ["", "--no-passphrase"]) {
      const made = machine();
      put(made, "key", randomBytes(32).toString("base64url"));
      const outcome = await made.ok(`profile create --device-name laptop --keystore-key-file key ${words}`);
      expect(outcome.asked).toEqual([]);
      expect(await protectionOf(made)).toMatchObject({ protection: "key" });
      expect(fs.readdirSync(made.home)).not.toContain("keystore.key");
      await made.ok("keystore check --keystore-key-file key");
    }
    const named = machine({ env: { MESHMAN_KEYSTORE_KEY_FILE: "key" } });
    put(named, "key", randomBytes(32).toString("hex"));
    await named.ok("profile create --device-name laptop");
    await named.ok("profile create --device-name laptop --name second");
    expect(await protectionOf(named)).toMatchObject({ protection: "key" });
  });

  test("and a passphrase do not protect a new keystore together", async () => {
    const made = machine();
    put(made, "key", randomBytes(32).toString("base64url"));
    put(made, "passphrase", PASSPHRASE);
    for (const env of [{}, { MESHMAN_PASSPHRASE_FILE: "passphrase" }]) {
      const words = "MESHMAN_PASSPHRASE_FILE" in env ? [] : ["--passphrase-file", "passphrase"];
      const outcome = await made.with({ env }).run("profile create --keystore-key-file key", ...words);
      expect(outcome).toMatchObject({ status: 2, code: "usage" });
      expect(outcome.at("error", "hint")).toMatch(/--passphrase-file.*--keystore-key-file/);
    }
    expect(fs.existsSync(made.home)).toBe(false);
  });
});

describe("a key file on a stick", () => {
  test("opens the keystore where it is there, and others can read it is only said", async () => {
    const { admin } = await open();
    await admin.ok("keystore protect key-file stick.key");
    expect(modesOf(admin.folder)["stick.key"]).toBe("600");
    fs.chmodSync(path.join(admin.folder, "stick.key"), 0o755);
    expect((await admin.ok("keystore check")).stderr).toContain("stick.key");
    fs.renameSync(path.join(admin.folder, "stick.key"), path.join(admin.folder, "away"));
    const outcome = await admin.run("keystore check");
    expect(outcome).toMatchObject({ status: 4, code: "locked" });
    expect(outcome.at("error", "message")).toContain("stick.key");
  });

  test("in the home is the usual one", async () => {
    const { admin } = await open();
    await admin.ok("keystore protect key-file", path.join(admin.home, "keystore.key"));
    const { protection } = JSON.parse(fs.readFileSync(path.join(admin.home, "keystore.json"), "utf8"));
    expect(protection).not.toHaveProperty("path");
    expect(await protectionOf(admin)).toMatchObject({ locked: false });
  });
});

test("without a home folder every command says how to name one", async () => {
  const made = machine();
  const nowhere = { env: {}, home: "" };
  for (const line of ["keystore protect key-file", "keystore check", "keystore passwd --no-passphrase"]) {
    const outcome = await made.with(nowhere).run(line);
    expect([line, outcome]).toMatchObject([line, { status: 2, code: "no-home" }]);
    expect(outcome.at("error", "hint")).toMatch(/--home/);
  }
});

describe("a weak passphrase", () => {
  const weak = "correct horse";

  test("is taken, and said to be weak behind the result", async () => {
    const made = machine();
    put(made, "weak", weak);
    put(made, "passphrase", PASSPHRASE);
    const created = await made.text("profile create --passphrase-file weak");
    expect(created.status).toBe(0);
    expect(created.stderr.trim().split("\n")).toHaveLength(1);
    expect(created.stderr).not.toContain(weak);
    const changed = await made.ok("keystore passwd --passphrase-file weak --new-passphrase-file passphrase");
    expect(changed.stderr).toBe("");
    const back = await made.run("keystore passwd --passphrase-file passphrase --new-passphrase-file weak");
    expect(back).toMatchObject({ status: 0, json: { protection: "passphrase" } });
    expect(back.stderr.trim().split("\n")).toHaveLength(1);
    const quiet = await made.ok("keystore passwd --quiet --passphrase-file weak --new-passphrase-file weak");
    expect(quiet.stderr).toBe("");
    // Nothing is said of one that is in use already.
    expect((await made.ok("keystore check --passphrase-file weak")).stderr).toBe("");
  });
});

describe("keystore check", () => {
  const check = async (admin: Machine): Promise<Json> => {
    const { json, status } = await admin.run("keystore check");
    expect(status).toBe((json as { ok: boolean }).ok ? 0 : 7);
    return json as Json;
  };
  const edit = (file: string, change: (json: Json) => void): void => {
    const json = JSON.parse(fs.readFileSync(file, "utf8"));
    change(json);
    fs.writeFileSync(file, JSON.stringify(json));
  };

  test("of a home where all is well", async () => {
    const { admin } = await open();
    const before = contentOf(admin.home);
    const found = await check(admin);
    expect(found["keys"]).toHaveLength(6);
    expect(found).toMatchObject({ ok: true, pins: { ok: true }, profiles: [{ name: "default", ok: true }] });
    for (const key of found["keys"]) expect(Object.keys(key).sort()).toEqual(["kid", "ok", "use"]);
    expect(contentOf(admin.home)).toEqual(before);
    expect(await admin.text("keystore check")).toMatchObject({ status: 0, stderr: "" });
  });

  test.each<[string, (admin: Machine) => void, object]>([
    [
      "a key that was tampered with",
      ({ home }) =>
        edit(path.join(home, "keystore.json"), ({ keys }) => {
          const sealed = keys.find(({ use }: { use: string }) => use === "master-escrow").sealed;
          sealed.tag = `${sealed.tag.startsWith("A") ? "B" : "A"}${sealed.tag.slice(1)}`;
        }),
      {
        keys: expect.arrayContaining([expect.objectContaining({ use: "master-escrow", reason: "decryption-failed" })]),
      },
    ],
    [
      "keys under each other's names",
      ({ home }) =>
        edit(path.join(home, "keystore.json"), ({ keys }) => {
          [keys[0].kid, keys[1].kid] = [keys[1].kid, keys[0].kid];
        }),
      { keys: expect.arrayContaining([expect.objectContaining({ ok: false, reason: "decryption-failed" })]) },
    ],
    [
      "a key of the device that is missing",
      ({ home }) =>
        edit(path.join(home, "keystore.json"), (file) => {
          file.keys = file.keys.filter(({ use }: { use: string }) => use !== "device-encryption");
        }),
      { pins: { ok: true }, profiles: [{ name: "default", ok: false, reason: "record-not-found" }] },
    ],
    [
      "pins that were changed",
      ({ home }) =>
        edit(path.join(home, "pins.json"), (file) => {
          file.portals["https://example.com"] = { wrapping: "draft", extensions: [] };
        }),
      { pins: { ok: false, reason: "pins-tampered" }, profiles: [{ ok: true }] },
    ],
    [
      "a profile that is damaged",
      ({ home }) => {
        const [name = ""] = fs.readdirSync(path.join(home, "profiles"));
        fs.writeFileSync(path.join(home, "profiles", name), "{");
      },
      { profiles: [{ name: null, ok: false, reason: "state-corrupt" }] },
    ],
    [
      "a file that is no profile's",
      ({ home }) => fs.writeFileSync(path.join(home, "profiles", "alice.json"), "{}", { mode: 0o600 }),
      { profiles: expect.arrayContaining([{ udf: "alice", name: null, ok: false, reason: "state-corrupt" }]) },
    ],
    [
      "a profile whose record was changed",
      ({ home }) => {
        const [name = ""] = fs.readdirSync(path.join(home, "profiles"));
        edit(path.join(home, "profiles", name), (state) => {
          const { SignedData: signed } = state.record;
          signed.signature = `${signed.signature.startsWith("A") ? "B" : "A"}${signed.signature.slice(1)}`;
        });
      },
      { profiles: [{ name: "default", ok: false, reason: "signature-invalid" }] },
    ],
  ])("finds %s", async (_, spoil, expected) => {
    const { admin } = await open();
    spoil(admin);
    const found = await check(admin);
    expect(found["ok"]).toBe(false);
    expect(found).toMatchObject(expected);
    const text = await admin.text("keystore check");
    expect(text).toMatchObject({ status: 7, stderr: "" });
  });

  test("of a home without a keystore, or with one that is locked", async () => {
    expect(await machine().run("keystore check")).toMatchObject({ status: 3, code: "profile-not-found" });
    const { admin } = await open();
    await admin.ok("keystore protect passphrase --new-passphrase-file passphrase");
    expect(await admin.run("keystore check")).toMatchObject({ status: 2, code: "input-required" });
  });
});

test("no secret is in what any of this prints", async () => {
  const { admin, keyring, key } = await open();
  const lines = [
    "keystore protect key --new-key-file key",
    "keystore check",
    "keystore check --keystore-key-file other-key",
    "keystore check --keystore-key-file passphrase",
    "keystore protect keyring --new-passphrase-file passphrase --keystore-key-file key",
    "keystore check",
    "keystore protect key-file stick.key",
    "keystore protect key-file stick.key",
    "keystore protect passphrase --new-passphrase-file second",
    "keystore check --passphrase-file passphrase",
    "keystore check --passphrase-file second",
  ];
  const secrets = new Set([
    PASSPHRASE,
    SECOND,
    ...["base64", "base64url", "hex"].map((form) => key.toString(form as "hex")),
  ]);
  let printed = "";
  for (const line of lines) {
    for (const json of [true, false]) {
      const outcome = await (json ? admin.run(line) : admin.text(line));
      printed += outcome.stdout + outcome.stderr;
      for (const text of keyring.entries.values()) secrets.add(text);
      for (const name of ["stick.key", "other-key"]) {
        const file = path.join(admin.folder, name);
        if (fs.existsSync(file)) for (const text of fs.readFileSync(file, "utf8").trim().split("\n")) secrets.add(text);
      }
    }
  }
  expect(secrets.size).toBeGreaterThan(8);
  for (const secret of secrets) expect(printed).not.toContain(secret);
});
