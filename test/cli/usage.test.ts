import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import { NOUNS, PLAIN_COMMANDS } from "../../src/cli/commands.js";
import { main } from "../../src/main.js";
import { VERSION } from "../../src/version.js";
import { filePortal, machine, run, withAccount } from "../support/cli.js";
import { testDeps } from "../support/deps.js";
import { exampleWords } from "../support/examples.js";

const COMMANDS = [
  ...NOUNS.flatMap(({ name, verbs }) =>
    Object.entries(verbs).map(([verb, { examples }]) => [`${name} ${verb}`, examples]),
  ),
  ...Object.entries(PLAIN_COMMANDS).map(([name, { examples }]) => [name, examples]),
] as [string, readonly string[]][];

describe("wrong usage", () => {
  test.each([
    ["profle show", /\bprofile\b/],
    ["profile shwo", /\bshow\b/],
    ["profile show --jsn", /--json/],
    ["device conect alice@example.com", /\bconnect\b/],
    ["escrow split --share 3 --threshold 2", /--shares/],
    ["stauts", /\bstatus\b/],
  ])("%s: a suggestion stands in the hint", async (line, suggestion) => {
    const outcome = await machine().run(line);
    expect(outcome).toMatchObject({ status: 2, code: "usage" });
    expect(outcome.at("error", "hint")).toMatch(suggestion);
  });

  test.each([
    ["device install", "meshman device install --help"],
    ["profile show --nothing-like-it", "meshman profile show --help"],
    ["status surplus", "meshman status --help"],
    ["--profile work device rename", "meshman device rename --help"],
    ["--nothing-like-it", "meshman --help"],
  ])("%s: the hint names the help of the command", async (line, command) => {
    const outcome = await machine().run(line);
    expect(outcome).toMatchObject({ status: 2, code: "usage" });
    expect(outcome.at("error", "hint")).toContain(`\`${command}\``);
  });

  test.each(["--passphrase-file a --passphrase-fd 3", "--keystore-key-file a --keystore-key-fd 3"])(
    "%s: one secret cannot be in two places",
    async (options) => {
      expect(await machine().run(`profile create ${options}`)).toMatchObject({ status: 2, code: "usage" });
    },
  );

  test.each([
    "profile",
    "device",
    "nothing-like-it",
    "profile nothing-like-it",
    "profile show surplus",
    "profile show -x",
    "account create",
    "profile use",
    "device connect",
    "device remove",
    "verify",
    "udf",
    "escrow split",
    "escrow split --shares 3",
    "escrow split --threshold 3",
    "profile revocation",
    "profile create --name",
    "status --timeout 0",
    "status --timeout -1",
    "status --timeout 1.5",
    "status --timeout soon",
    "status --timeout 9999999",
    "status --passphrase-fd x",
    "escrow split --shares three --threshold 2",
  ])("%s", async (line) => {
    const [json, text] = [await machine().run(line), await machine().text(line)];
    expect(json).toMatchObject({ status: 2, code: "usage", stderr: "" });
    expect(text).toMatchObject({ status: 2, stdout: "" });
    expect(text.stderr).toMatch(/^error: /);
  });

  test.each(["home", "profile", "account", "portal", "ca", "passphrase-file", "language"])(
    "an empty --%s is named",
    async (option) => {
      const outcome = await machine().run("status", `--${option}`, "");
      expect(outcome).toMatchObject({ status: 2, code: "usage" });
      expect(outcome.at("error", "message")).toContain(`--${option}`);
    },
  );

  test("nothing but --json", async () => {
    expect(await machine().run("")).toMatchObject({ status: 2, code: "usage" });
  });

  test("what stands behind -- is no option", async () => {
    // The file is named --json, and there is none.
    const outcome = await machine().text("udf -- --json");
    expect(outcome).toMatchObject({ status: 2, stdout: "" });
  });

  test("an argument with control characters comes back escaped", async () => {
    const outcome = await machine().text("profile use", "\u001b[31mred\u202e");
    expect(outcome).toMatchObject({ status: 3, stdout: "" });
    expect(outcome.stderr).not.toMatch(/[\u001b\u202e]/);
  });
});

describe("help", () => {
  test.each(COMMANDS)("%s --help: names the command and shows its examples", async (command, examples) => {
    const [text, json, helped] = [
      await machine().text(`${command} --help`),
      await machine().run(`${command} --help`),
      await machine().text(`help ${command}`),
    ];
    expect(text).toMatchObject({ status: 0, stderr: "" });
    expect(text.stdout).toContain(`meshman ${command}`);
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) expect(text.stdout).toContain(example);
    expect(json.json).toEqual({ help: text.stdout });
    expect(helped.stdout).toBe(text.stdout);
  });

  test.each(COMMANDS.flatMap(([, examples]) => examples))("the example is understood: %s", async (example) => {
    // Some hand on what stands behind `--`.
    const words = exampleWords(example);
    const end = words.indexOf("--");
    const own = end < 0 ? words : words.slice(0, end);
    // `--help` stops before anything is done, but only after the options in front of it were understood.
    const outcome = await run([...own, "--help", "--json", ...words.slice(own.length)]);
    expect(outcome.status).toBe(0);
  });

  test.each([
    ["", ""],
    ["help", ""],
    ["--help", "--help"],
  ])("of the program: %s", async (line, jsonLine) => {
    const outcome = await machine().text(line);
    expect(outcome).toMatchObject({ status: 0, stderr: "" });
    for (const { name } of NOUNS) expect(outcome.stdout).toContain(name);
    if (jsonLine !== "") expect((await machine().run(jsonLine)).json).toEqual({ help: outcome.stdout });
  });

  test.each(NOUNS.map(({ name, verbs }) => [name, Object.keys(verbs)] as const))("of %s", async (noun, verbs) => {
    const { stdout } = await machine().text(`${noun} --help`);
    for (const verb of verbs) expect(stdout).toMatch(new RegExp(`^  ${verb}\\b`, "m"));
    expect((await machine().text(`help ${noun}`)).stdout).toBe(stdout);
  });

  test("of every option that all commands take", async () => {
    const { stdout } = await machine().text("--help");
    const documented = [
      ...["--json", "--home", "--profile", "--account", "--portal", "--allow-http", "--ca", "--passphrase-file"],
      ...["--passphrase-fd", "--no-input", "--yes", "--quiet", "--verbose", "--timeout", "--language", "--no-color"],
    ];
    for (const option of documented) expect(stdout).toMatch(new RegExp(`^  ${option}\\b`, "m"));
  });
});

test("--version", async () => {
  expect(await machine().text("--version")).toMatchObject({ status: 0, stdout: `${VERSION}\n`, stderr: "" });
  expect((await machine().run("--version")).json).toEqual({ version: VERSION });
});

describe("options for every command", () => {
  test("stand before the noun, behind it, and behind the verb", async () => {
    const admin = machine();
    const home = ["--home", path.join(admin.folder, "elsewhere")];
    await admin.ok("profile create --no-passphrase", ...home);
    for (const words of [
      ["--json", ...home, "profile", "show"],
      [...home, "profile", "--json", "show"],
      ["profile", ...home, "show", "--json"],
      ["profile", "show", "--json", ...home],
    ]) {
      expect((await run(words)).status).toBe(0);
    }
    // Nothing of it went to the home of the environment.
    expect(await admin.run("profile show")).toMatchObject({ status: 3, code: "profile-not-found" });
  });

  test("the one behind the verb counts, then the noun's, then the program's, then the environment", async () => {
    const admin = machine();
    for (const name of ["one", "two", "three"]) await admin.ok("profile create --no-passphrase --name", name);
    const environment = admin.with({ env: { MESHMAN_PROFILE: "two" } });
    expect((await admin.ok("profile show")).at("profile", "name")).toBe("one");
    expect((await environment.ok("profile show")).at("profile", "name")).toBe("two");
    expect((await environment.ok("--profile three profile show")).at("profile", "name")).toBe("three");
    expect((await environment.ok("--profile one profile show --profile three")).at("profile", "name")).toBe("three");
  });

  test("MESHMAN_PORTAL names the portal", async () => {
    const admin = machine({ env: { MESHMAN_PORTAL: filePortal() } });
    await admin.ok("profile create --no-passphrase");
    expect((await admin.ok("account create alice@example.com")).at("portal")).toMatch(/^file:/);
  });

  test("--home is relative to the working folder", async () => {
    const admin = machine();
    await admin.ok("profile create --no-passphrase --home kept/here");
    await admin.ok("profile show --home", path.join(admin.folder, "kept/here"));
  });

  test("without HOME, XDG_CONFIG_HOME and MESHMAN_HOME there is no home", async () => {
    const nowhere = { deps: { platform: "linux" } };
    for (const command of ["status", "profile list", "profile create --no-passphrase", "keystore status"]) {
      expect(await run([...command.split(" "), "--json"], nowhere)).toMatchObject({ status: 2, code: "no-home" });
    }
    // These need none.
    expect(await run(["udf", "-", "--json"], nowhere)).toMatchObject({ status: 0 });
    expect(await run(["verify", "-", "--json"], { ...nowhere, stdin: "[]" })).toMatchObject({ status: 7 });
  });

  test("--quiet leaves errors on standard error and nothing else; --verbose says more, and no secrets", async () => {
    const portal = filePortal();
    const admin = machine();
    await admin.ok("profile create --no-passphrase");
    const loud = await admin.text("account create alice@example.com --portal", portal);
    expect(loud.stderr).not.toBe("");
    const quiet = await admin.text("account create alice@example.com --quiet --portal", portal);
    expect(quiet).toMatchObject({ status: 0, stderr: "", stdout: loud.stdout });
    const failing = await admin.text("account create --quiet bob@example.com --portal nonsense");
    expect(failing.stderr).toMatch(/^error: /);
  });

  test("colour only on a terminal that wants it", async () => {
    const painted = async (options: Parameters<typeof machine>[0], line = "profile show"): Promise<boolean> =>
      (await machine(options).text(line)).stderr.includes("\u001b[");
    expect(await painted({})).toBe(false);
    expect(await painted({ tty: true })).toBe(true);
    expect(await painted({ tty: true, env: { NO_COLOR: "1" } })).toBe(false);
    expect(await painted({ tty: true, env: { TERM: "dumb" } })).toBe(false);
    expect(await painted({ tty: true }, "profile show --no-color")).toBe(false);
    expect(await painted({ tty: true }, "--no-color profile show")).toBe(false);
  });
});

test("aliases do what the device verbs do", async () => {
  const admin = await withAccount(filePortal());
  const shown = await admin.ok("profile show");
  const phone = machine();
  const where = ["alice@example.com", "--portal", shown.at("accounts", 0, "portal")];
  const asked = await phone.ok("connect --trust-on-first-use --no-passphrase --device-name phone", ...where);
  expect((await admin.ok("pending")).json).toEqual((await admin.ok("device pending")).json);
  await admin.ok("complete", asked.at("code"));
  expect((await phone.ok("device status")).json).toMatchObject({ status: "accepted" });
});

test("a message shows hidden characters as escapes, whatever it quotes", async () => {
  const desk = machine();
  fs.mkdirSync(path.join(desk.folder, "a\u001b[31mb\u202e"), { mode: 0o755 });
  const { stderr } = await desk.run("escrow split --shares 3 --threshold 2 --out", "a\u001b[31mb\u202e");
  expect(stderr).toContain("a\\u001b[31mb\\u202e");
  expect(stderr).not.toMatch(/[\u001b\u202e]/);
});

test.each([
  "nosuch --help",
  "help nosuch",
  "profile nosuch --help",
  "help profile nosuch",
  "help prfile",
  "constructor --help",
])("help on what there is not is wrong usage: %s", async (line) => {
  expect(await machine().run(line)).toMatchObject({ status: 2, code: "usage" });
});

describe("outputs that cannot be written", () => {
  const full = {
    isTTY: false,
    write: () => Promise.reject(Object.assign(new Error("ENOSPC"), { code: "ENOSPC", syscall: "write" })),
  };

  test("where it is standard error, what was done and the exit status stay", async () => {
    const admin = await withAccount(filePortal());
    await admin.ok("password add example.org --username alice --generate");
    const mute = admin.with({ deps: { stderr: full } });
    expect((await mute.text("nosuch")).status).toBe(2);
    expect((await mute.text("device show nosuch --verbose")).status).toBe(3);
    const offline = await mute.text("password add example.com --username alice --generate --offline");
    expect(offline).toMatchObject({ status: 0 });
    expect(offline.stdout).toContain("example.com");
  });

  test("where it is standard output, --json says so on standard error", async () => {
    const told = async (...words: string[]): Promise<[status: number, stderr: string]> => {
      const deps = { ...testDeps(), stdout: full };
      return [await main([...words, "--json"], deps), deps.stderrText()];
    };
    expect(await told("nosuch")).toEqual([2, expect.stringContaining("nosuch")]);
    expect(await told("--version")).toEqual([1, expect.stringContaining("ENOSPC")]);
  });
});
