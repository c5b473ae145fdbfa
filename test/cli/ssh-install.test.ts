import { spawn, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import type { Deps, ProgramStart, RunningProgram } from "../../src/deps.js";
import { ed25519Text } from "../../src/mesh/application/ssh/public-key.js";
import { sshKey } from "../mesh/application/ssh/support.js";
import { connected, filePortal, withAccount, type Machine } from "../support/cli.js";
import { temporaryFolder } from "../support/deps.js";

const FOREIGN = `# a remark\n${ed25519Text(sshKey("bob"))} bob@example.com\n\u00ff\u00fe no text\n`;

const running = (command: string, words: readonly string[], env: Record<string, string>): RunningProgram => {
  const child = spawn(command, words, { env, stdio: "pipe" });
  child.stdin.on("error", () => undefined);
  const ended = new Promise<{ status?: number }>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status) => resolve(status === null ? {} : { status }));
  });
  ended.catch(() => undefined);
  return { pipes: child, ended, kill: (signal) => void child.kill(signal) };
};

/** A host without a network: what `ssh` would run there runs here, in a home folder of its own, under some shell. */
const hostWith = (shell = "sh", before = "") => {
  const home = temporaryFolder();
  const starts: ProgramStart[] = [];
  const startProgram: Deps["startProgram"] = async (start) => {
    starts.push(start);
    const script = `${before}${start.arguments.at(-1) ?? ""}`;
    return running(shell, ["-c", script], { HOME: home, PATH: process.env["PATH"] ?? "" });
  };
  const folder = path.join(home, ".ssh");
  const file = path.join(folder, "authorized_keys");
  return {
    home,
    file,
    starts,
    on: (machine: Machine) => machine.with({ deps: { startProgram } }),
    read: () => fs.readFileSync(file, "latin1"),
    write: (text: string, mode = 0o644) => {
      fs.mkdirSync(folder, { recursive: true });
      fs.writeFileSync(file, text, { encoding: "latin1", mode });
    },
    names: () => (fs.existsSync(folder) ? fs.readdirSync(folder) : []),
  };
};

const withKey = async (): Promise<{ laptop: Machine; line: string; device: string }> => {
  const laptop = await withAccount(filePortal());
  const made = await laptop.ok("ssh add");
  return { laptop, line: made.at("key", "publicKey"), device: made.at("device", "udf") };
};

const isInstalled = (shell: string): boolean => spawnSync(shell, ["-c", "exit 0"]).status === 0;
const SHELLS = ["sh", "dash", "bash", "busybox", "ksh", "zsh", "fish", "tcsh"].filter(isInstalled);

describe("installing keys at a host", () => {
  test.each(SHELLS)("makes the file, adds to it, and changes nothing else, under %s", async (shell) => {
    const { laptop, line, device } = await withKey();
    const host = hostWith(shell);
    const added = { host: "alice@build", changed: true, added: [{ udf: device, name: "laptop" }], removed: [] };
    expect((await host.on(laptop).ok("ssh install alice@build")).json).toEqual(added);
    expect(host.read()).toBe(`${line}\n`);
    expect(fs.statSync(path.dirname(host.file)).mode & 0o777).toBe(0o700);
    expect(fs.statSync(host.file).mode & 0o777).toBe(0o600);
    const inode = fs.statSync(host.file).ino;
    expect((await host.on(laptop).ok("ssh install alice@build")).json).toEqual({ ...added, changed: false, added: [] });
    expect(fs.statSync(host.file).ino).toBe(inode);

    host.write(FOREIGN.trimEnd());
    await host.on(laptop).ok("ssh install alice@build");
    expect(host.read()).toBe(`${FOREIGN}${line}\n`);
    expect(host.names()).toEqual(["authorized_keys"]);
  });

  test("is not put off by what the host says before", async () => {
    const { laptop, line } = await withKey();
    const host = hostWith("sh", "echo Welcome; echo mmm:begin; echo hello >&2; ");
    await host.on(laptop).ok("ssh install build");
    expect(host.read()).toBe(`${line}\n`);
    expect((await host.on(laptop).text("ssh install build --verbose")).stderr).toContain("hello");
  });

  test("hands ssh its options, and nothing that is none", async () => {
    const { laptop } = await withKey();
    const host = hostWith();
    await host.on(laptop).text("ssh install build -- -p 2222 -i a;b");
    const [{ command, arguments: words, piped } = { command: "", arguments: [], piped: false }] = host.starts;
    expect([command, piped]).toEqual(["ssh", true]);
    expect(words.slice(0, 2)).toEqual(["-o", "BatchMode=yes"]);
    expect(words.slice(-7, -1)).toEqual(["-p", "2222", "-i", "a;b", "--", "build"]);
    const asking = laptop.with({ tty: true });
    await host.on(asking).text("ssh install build");
    expect(host.starts[1]?.arguments).not.toContain("BatchMode=yes");
    for (const bad of ["-oProxyCommand=x", "", "a b", "a\nb", "$(x)", "\u00e9"]) {
      expect((await host.on(laptop).run("ssh install", "--json", "--", bad)).status, bad).toBe(2);
    }
    expect(host.starts).toHaveLength(2);
  });

  test("leaves a link, and a file that is no text or too large, as they are", async () => {
    const { laptop } = await withKey();
    const host = hostWith();
    host.write(FOREIGN);
    fs.renameSync(host.file, `${host.file}.real`);
    fs.symlinkSync(`${host.file}.real`, host.file);
    expect((await host.on(laptop).run("ssh install build")).code).toBe("refused");
    fs.unlinkSync(host.file);
    for (const text of ["a\0b\n", "x".repeat(1024 * 1024 + 1), "x".repeat(3 * 1024 * 1024)]) {
      host.write(text);
      expect((await host.on(laptop).run("ssh install build")).code).toBe("refused");
      expect(host.read()).toBe(text);
    }
    host.write("x".repeat(1024 * 1024));
    await host.on(laptop).ok("ssh install build");
    expect(host.names().sort()).toEqual(["authorized_keys", "authorized_keys.real"]);
  });

  test("writes nothing where somebody else has changed the file meanwhile", async () => {
    const { laptop } = await withKey();
    for (const change of ["echo new >> $HOME/.ssh/authorized_keys", "rm $HOME/.ssh/authorized_keys"]) {
      // Between the reading and the writing the host compares: the change comes right before.
      const host = hostWith("sh", `cmp() { ${change}; command cmp "$@"; }; `);
      const inShell: Deps["startProgram"] = async (start) => {
        const script = /^exec sh -c '(.*)'$/s.exec(start.arguments.at(-1) ?? "")?.[1] ?? "";
        const changed = script.replace('sed "$ d"', `${change}; sed "$ d"`);
        return running("sh", ["-c", changed], { HOME: host.home, PATH: process.env["PATH"] ?? "" });
      };
      host.write(FOREIGN);
      const outcome = await laptop.with({ deps: { startProgram: inShell } }).run("ssh install build");
      expect(outcome.code, change).toBe("conflict");
      expect(host.names()).toEqual(change.startsWith("rm") ? [] : ["authorized_keys"]);
    }
  });

  test("leaves the file as it was where the connection breaks at any place", async () => {
    const { laptop } = await withKey();
    const host = hostWith();
    host.write(FOREIGN);
    for (let sent = 0; sent < 4; sent++) {
      const startProgram: Deps["startProgram"] = async (start) => {
        const program = running("sh", ["-c", start.arguments.at(-1) ?? ""], {
          HOME: host.home,
          PATH: process.env["PATH"] ?? "",
        });
        const { stdin } = program.pipes!;
        const end = stdin.end.bind(stdin);
        // What is left of what was to be sent.
        stdin.end = ((text: string) => end(text.slice(0, Math.floor((text.length * sent) / 4)), "latin1")) as never;
        return program;
      };
      expect((await laptop.with({ deps: { startProgram } }).run("ssh install build")).code).toBe("ssh-failed");
      expect(host.read()).toBe(FOREIGN);
      expect(host.names()).toEqual(["authorized_keys"]);
    }
  });

  test("says what ssh says", async () => {
    const { laptop } = await withKey();
    const failing = (command: string, words: string[]): Machine =>
      laptop.with({ deps: { startProgram: async () => running(command, words, {}) } });
    const refused = await failing("sh", ["-c", "echo Permission denied >&2; exit 255"]).run("ssh install build");
    expect([refused.code, refused.status]).toEqual(["ssh-failed", 5]);
    expect(refused.at("error", "message")).toContain("Permission denied");
    expect((await failing("sh", ["-c", "exit 0"]).run("ssh install build")).code).toBe("ssh-failed");
    expect((await failing("/nowhere/ssh", []).run("ssh install build")).code).toBe("ssh-failed");
    const flood = ["-e", "for (;;) require('fs').writeSync(1, 'x'.repeat(65536))"];
    expect((await failing(process.execPath, flood).run("ssh install build")).code).toBe("refused");
  });

  test("ends with an interrupt", async () => {
    const { laptop } = await withKey();
    const stop = new AbortController();
    const startProgram: Deps["startProgram"] = async () => {
      setTimeout(() => stop.abort("SIGINT"), 10);
      return running("sleep", ["60"], { PATH: process.env["PATH"] ?? "" });
    };
    const outcome = await laptop.with({ deps: { startProgram, signal: stop.signal } }).run("ssh install build");
    expect(outcome.code).toBe("interrupted");
  });

  test("needs a key, and the portal, unless told otherwise", async () => {
    const portal = filePortal();
    const laptop = await withAccount(portal);
    const host = hostWith();
    await laptop.ok("ssh add build");
    expect((await host.on(laptop).run("ssh install build")).code).toBe("entry-not-found");
    expect((await host.on(laptop).run("ssh refresh build")).code).toBe("entry-not-found");
    await laptop.ok("ssh add");
    const away = host.on(laptop.with({}));
    fs.renameSync(portal.slice("file:".length), `${portal.slice("file:".length)}.away`);
    expect((await away.run("ssh install build")).status).not.toBe(0);
    expect(host.starts).toEqual([]);
    expect((await away.ok("ssh install build --offline")).json).toMatchObject({ changed: true });
  });
});

describe("refreshing the keys at a host", () => {
  test("takes out the devices that have gone and puts in the new ones", async () => {
    const { laptop, line } = await withKey();
    const phone = await connected(laptop, "phone");
    await phone.ok("ssh add");
    const host = hostWith();
    host.write(FOREIGN);
    await host.on(phone).ok("ssh install build");
    expect(host.read().split("\n")).toHaveLength(6);
    const gone = (await phone.ok("profile show")).at("device", "udf");
    await laptop.ok("device remove phone");
    const tablet = await connected(laptop, "tablet");
    const added = (await tablet.ok("ssh add")).at("key", "publicKey");
    expect((await host.on(laptop).ok("ssh refresh build")).json).toMatchObject({
      changed: true,
      added: [{ name: "tablet" }],
      removed: [{ udf: gone, name: "phone" }],
    });
    expect(host.read()).toBe(`${FOREIGN}${line}\n${added}\n`);
    expect((await host.on(tablet).ok("ssh refresh build")).json).toMatchObject({ changed: false });
    expect((await host.on(laptop).text("ssh refresh build")).stdout).toContain("build");
    expect((await host.on(phone).run("ssh refresh build")).status).not.toBe(0);
    expect(host.read()).toBe(`${FOREIGN}${line}\n${added}\n`);
  });

  test("puts this device's own key in, whatever else is there", async () => {
    const { laptop, line } = await withKey();
    const host = hostWith();
    await host.on(laptop).ok("ssh refresh build");
    expect(host.read()).toBe(`${line}\n`);
  });
});
