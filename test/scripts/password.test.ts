import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, vi } from "vitest";
import { LAUNCHER, test, type Finished, type Stage } from "../support/program.js";

// Passwords as other programs use them: git, commands that take them from their environment, and the clipboard.

const PASSWORD = "a password for these tests";

/** A machine with a profile, an account, and one password. */
const prepare = async (stage: Stage): Promise<void> => {
  await stage.meshman("laptop", "profile create --device-name laptop --no-passphrase");
  await stage.meshman("laptop", `account create alice --portal file:${stage.path("portal.sqlite")}`);
  const file = stage.writeSecret("password", PASSWORD);
  await stage.meshman("laptop", `password add example.com --username alice --password-file ${file}`);
};

/** git, with meshman as its only credential helper. */
const git = (stage: Stage, words: readonly string[], input: string, secretOutput = false): Promise<Finished> => {
  const helper = `!'${process.execPath}' '${LAUNCHER}' password git-credential`;
  const config = ["-c", "credential.helper=", "-c", `credential.helper=${helper}`];
  const env = {
    MESHMAN_HOME: stage.home("laptop"),
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_TERMINAL_PROMPT: "0",
    GIT_ASKPASS: "",
    SSH_ASKPASS: "",
  };
  return stage.start("git", [...config, ...words], { input, env, secretOutput }).finished;
};

describe("git", () => {
  const SITE = "protocol=https\nhost=example.com\n";

  test.concurrent("fills in, approves and rejects credentials", async ({ stage }) => {
    await prepare(stage);
    const filled = await git(stage, ["credential", "fill"], `${SITE}\n`, true);
    expect(filled.stdout).toContain(`username=alice\npassword=${PASSWORD}\n`);
    expect(filled.status).toBe(0);
    const other = "protocol=https\nhost=other.example\n";
    expect((await git(stage, ["credential", "fill"], `${other}\n`)).status).not.toBe(0);
    await git(stage, ["credential", "approve"], `${other}username=bob\npassword=another one\n\n`);
    const approved = await git(stage, ["credential", "fill"], `${other}\n`);
    expect(approved.stdout).toContain("username=bob\npassword=another one\n");
    await git(stage, ["credential", "reject"], `${other}username=bob\npassword=another one\n\n`);
    expect((await git(stage, ["credential", "fill"], `${other}\n`)).status).not.toBe(0);
    await git(stage, ["credential", "approve"], `${other}username=bob\npassword=the right one\n\n`);
    expect((await git(stage, ["credential", "fill"], `${other}username=bob\n\n`)).stdout).toContain("the right one");
    const kept = await stage.run("laptop", "password get other.example --all --json");
    expect(JSON.parse(kept.stdout)).toMatchObject({
      password: "the right one",
      earlier: [{ password: "another one" }],
    });
  });

  test.concurrent("does without where the keystore is locked", async ({ stage }) => {
    const passphrase = stage.writeSecret("passphrase", "the passphrase of this test\n");
    await stage.meshman("laptop", `profile create --device-name laptop --passphrase-file ${passphrase}`);
    const refused = await git(stage, ["credential", "fill"], `${SITE}\n`);
    expect(refused.status).not.toBe(0);
    expect(refused.stderr).toContain("error: ");
  });
});

describe("password run", () => {
  const REFERENCE = { TOKEN: "mesh://password/example.com/alice" };
  const node = (script: string): readonly string[] => ["password", "run", "--", process.execPath, "-e", script];

  test.concurrent("gives a command its input, its environment and its status", async ({ stage }) => {
    await prepare(stage);
    const script = "process.stdin.pipe(process.stdout); console.error(process.env.TOKEN.length); process.exitCode = 9";
    const done = await stage.run("laptop", node(script), { env: REFERENCE, input: "to be read" });
    expect(done).toMatchObject({ status: 9, stdout: "to be read", stderr: `${PASSWORD.length}\n` });
    const killed = await stage.run("laptop", node("process.kill(process.pid, 'SIGKILL')"), { env: REFERENCE });
    expect([killed.status, killed.signal]).toEqual([137, null]);
    const json = await stage.run("laptop", [
      "password",
      "run",
      "--json",
      "--",
      process.execPath,
      "-e",
      "console.log(1)",
    ]);
    expect([json.stdout, json.stderr]).toEqual(['{"exit":0}\n', "1\n"]);
    const wrong = { ...REFERENCE, OTHER: "mesh://password/other.example" };
    const file = stage.path("started");
    const refused = await stage.run("laptop", node(`require("fs").writeFileSync(${JSON.stringify(file)}, "")`), {
      env: wrong,
    });
    expect(refused.status).toBe(3);
    expect(fs.existsSync(file)).toBe(false);
    expect((await stage.run("laptop", "password run -- /missing/command")).status).toBe(2);
  });

  test.concurrent.for(["SIGTERM", "SIGINT", "SIGHUP"] as const)("passes on %s", async (signal, { stage }) => {
    await prepare(stage);
    // Two of them, far enough apart for the program to take the second for impatience.
    const script = `
      let count = 0;
      process.on(${JSON.stringify(signal)}, () => { console.log(++count); if (count === 2) process.exit(5); });
      setInterval(() => undefined, 1000);
      console.log("ready");`;
    const running = stage.launch("laptop", node(script), { env: REFERENCE });
    expect(await running.firstLine()).toBe("ready");
    running.child.kill(signal);
    await vi.waitFor(() => expect(running.text()).toBe("ready\n1\n"), { timeout: 20_000 });
    running.child.kill(signal);
    expect(await running.finished).toMatchObject({ status: 5, signal: null, stdout: "ready\n1\n2\n" });
  });
});

describe("password get --clip", () => {
  /** Command lines of all processes, where the system shows them. */
  const commandLines = (): string =>
    fs.existsSync("/proc/self/cmdline")
      ? fs
          .readdirSync("/proc")
          .filter((name) => /^\d+$/.test(name))
          .map((name) => {
            try {
              return ["cmdline", "environ"].map((file) => fs.readFileSync(`/proc/${name}/${file}`, "utf8")).join(" ");
            } catch {
              return "";
            }
          })
          .join("\n")
      : "";

  test.concurrent("copies, and clears what it has copied", async ({ stage }) => {
    await prepare(stage);
    const clipboard = stage.path("secrets", "clipboard");
    stage.audit.passphrase(PASSWORD, clipboard);
    // In the place of a program that is not on this machine.
    const tools = stage.path("tools");
    fs.mkdirSync(tools);
    fs.writeFileSync(
      path.join(tools, "xclip"),
      `#!/bin/sh\nif [ "$3" = -in ]; then cat > "$HOME/secrets/new"; chmod 600 "$HOME/secrets/new"; mv "$HOME/secrets/new" "$HOME/secrets/clipboard"; else cat "$HOME/secrets/clipboard"; fi\n`,
      { mode: 0o755 },
    );
    const env = { DISPLAY: ":0", PATH: `${tools}:${process.env["PATH"] ?? ""}` };
    const read = (): string => fs.readFileSync(clipboard, "utf8");
    const copied = await stage.run("laptop", "password get example.com --clip --clear-after 2s", { env });
    expect(copied).toMatchObject({ status: 0, stderr: "" });
    expect(read()).toBe(PASSWORD);
    expect(commandLines()).not.toContain(PASSWORD);
    await vi.waitFor(() => expect(read()).toBe(""), { timeout: 20_000, interval: 100 });
    // What has been copied since then stays.
    await stage.run("laptop", "password get example.com --clip --clear-after 1s", { env });
    const begun = Date.now();
    fs.writeFileSync(clipboard, "something else", { mode: 0o600 });
    await vi.waitFor(() => expect(Date.now() - begun).toBeGreaterThan(2500), { timeout: 20_000, interval: 100 });
    expect(read()).toBe("something else");
    const missing = { DISPLAY: ":0", PATH: "/nowhere" };
    await stage.fails("laptop", 5, "clipboard-unavailable", "password get example.com --clip", { env: missing });
  });
});
