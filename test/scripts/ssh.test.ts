import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect } from "vitest";
import { printedBy, test, type Finished, type Stage } from "../support/program.js";
import { noSshd, startSshd, type SshServer } from "../support/sshd.js";

// The whole program against OpenSSH's own client and server.

if (noSshd !== undefined) console.warn(`The tests against a real SSH server are skipped (${noSshd}).`);

/** A laptop with a profile, a server that knows none of its keys yet, and what these tests do with them. */
const scene = async (stage: Stage, server: SshServer) => {
  const { url } = await stage.serve();
  await stage.meshman("laptop", "profile create --device-name laptop --no-passphrase");
  await stage.meshman("laptop", `account create alice@example.com --portal ${url}`);
  const { profile } = await stage.meshman("laptop", "profile show");
  const connect = async (name: string): Promise<void> => {
    const words = `device connect alice@example.com --portal ${url} --expect-fingerprint ${profile.udf}`;
    const { code } = await stage.meshman(name, `${words} --device-name ${name} --no-passphrase`);
    await stage.meshman("laptop", `device complete ${code}`);
    await stage.meshman(name, "device status");
    await stage.meshman(name, "ssh add");
  };
  /** Writes what ssh needs of a machine, as its user would. */
  const configure = async (name: string): Promise<string> => {
    const [hosts, config] = [stage.path(`${name}-hosts`), stage.path(`${name}-config`)];
    await stage.meshman(name, `ssh known-hosts --out ${hosts}`);
    await stage.meshman(name, `ssh config --out ${config} --known-hosts ${hosts}`);
    return config;
  };
  /** Runs OpenSSH's client on a machine. It has nothing but the agent to log in with. */
  const ssh = (name: string, words: string, env: Record<string, string> = {}): Promise<Finished> => {
    const own = ["-F", stage.path(`${name}-config`), "-o", "IdentityFile=none", "-o", "BatchMode=yes"];
    return stage.start("ssh", [...own, ...words.split(" ")], { env }).finished;
  };
  const logsIn = async (name: string, env?: Record<string, string>): Promise<boolean> => {
    const { status, stdout, stderr } = await ssh(name, "build echo here", env);
    if (status === 0) expect(stdout).toBe("here\n");
    else expect([status, stderr]).toEqual([255, expect.stringContaining("Permission denied (publickey)")]);
    return status === 0;
  };
  await stage.meshman("laptop", "ssh add");
  const host = `build --hostname 127.0.0.1 --port ${server.port} --user ${server.user}`;
  await stage.meshman("laptop", `ssh add ${host} --host-key-file ${server.hostKey}`);
  const config = await configure("laptop");
  const install = (verb = "install", ...more: string[]): Promise<Finished> =>
    stage.run("laptop", [...`ssh ${verb} build --json -- -F ${config}`.split(" "), ...more]);
  return { connect, configure, ssh, logsIn, install };
};

const isPrivateKey = (text: string): boolean => /PRIVATE KEY/.test(text);

describe.skipIf(noSshd !== undefined)("a real SSH server", () => {
  test("lets two devices in through their agents, and not the one that was removed", async ({ stage }) => {
    const server = await startSshd(fs.mkdtempSync(stage.path("sshd-")));
    try {
      const { connect, configure, ssh, logsIn, install } = await scene(stage, server);
      await connect("phone");
      await configure("phone");

      // The way in that there is today.
      const installed = await install("install", "-i", server.firstKey);
      expect(installed.status, installed.stdout + installed.stderr).toBe(0);
      expect(printedBy(installed)).toMatchObject({ changed: true, added: [{ name: "laptop" }, { name: "phone" }] });
      expect(fs.readFileSync(server.file, "utf8").split("\n")).toHaveLength(4);
      expect(fs.statSync(server.file).mode & 0o777).toBe(0o600);

      expect([await logsIn("laptop"), await logsIn("phone")]).toEqual([false, false]);
      await stage.meshman("laptop", "ssh agent");
      await stage.meshman("phone", "ssh agent --for 1h");
      expect([await logsIn("laptop"), await logsIn("phone")]).toEqual([true, true]);
      expect((await ssh("phone", "-vvv build true")).stderr).toContain("bound agent to hostkey");

      await stage.meshman("laptop", "device remove phone");
      // Nobody has told the server yet.
      expect(await logsIn("phone")).toBe(true);
      const refreshed = await install("refresh");
      expect(refreshed.status, refreshed.stdout + refreshed.stderr).toBe(0);
      expect(printedBy(refreshed)).toMatchObject({ changed: true, added: [], removed: [{ name: "phone" }] });
      expect([await logsIn("laptop"), await logsIn("phone")]).toEqual([true, false]);
      expect(printedBy(await install("refresh"))).toMatchObject({ changed: false });
      expect(fs.readFileSync(server.file, "utf8")).toContain(fs.readFileSync(`${server.firstKey}.pub`, "utf8").trim());

      // There is no private key in any file but the server's own, and those in the keystores are sealed.
      const files = fs.readdirSync(stage.folder, { recursive: true, encoding: "utf8" }).map((name) => stage.path(name));
      const plain = files.filter((file) => fs.statSync(file).isFile() && isPrivateKey(fs.readFileSync(file, "latin1")));
      expect(plain.map((file) => path.basename(file)).sort()).toEqual(["first_key", "host_key"]);
    } finally {
      await server.close();
    }
  });

  test("is logged in to while the agent has the key, and no longer", async ({ stage }) => {
    const server = await startSshd(fs.mkdtempSync(stage.path("sshd-")));
    try {
      const { logsIn, ssh, install } = await scene(stage, server);
      await install("install", "-i", server.firstKey);
      for (const end of ["ssh agent --stop", "keystore lock"]) {
        await stage.meshman("laptop", "ssh agent");
        expect(await logsIn("laptop")).toBe(true);
        await stage.meshman("laptop", end);
        expect(await logsIn("laptop")).toBe(false);
      }
      const { socket } = (await stage.meshman("laptop", "ssh agent --for 2s")) as unknown as { socket: string };
      expect(fs.statSync(socket).mode & 0o777).toBe(0o600);
      const deadline = Date.now() + 20_000;
      while (fs.existsSync(socket) && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
      expect(await logsIn("laptop")).toBe(false);

      // An agent of one command, found by the configuration and by the environment.
      const words = ["ssh", "-F", stage.path("laptop-config"), "-o", "IdentityFile=none", "build", "exit", "7"];
      const byConfig = await stage.run("laptop", ["ssh", "agent", "--", ...words]);
      expect([byConfig.status, byConfig.stderr]).toEqual([7, ""]);
      const plain = ["-F", "none", "-o", `UserKnownHostsFile=${stage.path("laptop-hosts")}`, "-p", String(server.port)];
      const byEnvironment = await stage.run("laptop", [
        ...["ssh", "agent", "--", "ssh", ...plain, "-o", "IdentityFile=none"],
        ...[`${server.user}@127.0.0.1`, "echo", "here"],
      ]);
      expect([byEnvironment.status, byEnvironment.stdout], byEnvironment.stderr).toEqual([0, "here\n"]);
      expect(await logsIn("laptop")).toBe(false);

      // The agent goes along to the host, where it says what it has.
      await stage.meshman("laptop", "ssh agent");
      const listed = await ssh("laptop", "-A build ssh-add -L");
      expect(listed.stdout).toBe((await stage.run("laptop", "ssh export")).stdout);

      // A wrong host is not talked to.
      const file = stage.path("laptop-hosts");
      const { stdout } = await stage.start("ssh-keygen", ["-y", "-f", server.firstKey]).finished;
      fs.writeFileSync(file, fs.readFileSync(file, "utf8").replace(/ssh-ed25519 .*/, stdout.trim()));
      const refused = await install("refresh");
      expect([refused.status, printedBy(refused).error?.code]).toEqual([5, "ssh-failed"]);
    } finally {
      await server.close();
    }
  });

  test("believes what is signed through the agent", async ({ stage }) => {
    await stage.meshman("laptop", "profile create --device-name laptop --no-passphrase");
    const { url } = await stage.serve();
    await stage.meshman("laptop", `account create alice@example.com --portal ${url}`);
    await stage.meshman("laptop", "ssh add");
    const { socket } = (await stage.meshman("laptop", "ssh agent")) as unknown as { socket: string };
    const env = { SSH_AUTH_SOCK: socket };
    const { stdout: line } = await stage.run("laptop", "ssh export");
    const at = (name: string, text: string): string => {
      fs.writeFileSync(stage.path(name), text);
      return stage.path(name);
    };
    const file = at("data", "what is to be signed");
    const words = ["-Y", "sign", "-n", "file", "-f", at("key.pub", line), file];
    const signed = await stage.start("ssh-keygen", words, { env }).finished;
    expect(signed.status, signed.stderr).toBe(0);
    const signers = at("signers", `alice ${line}`);
    const verify = async (text: string): Promise<number | null> => {
      const check = ["-Y", "verify", "-n", "file", "-I", "alice", "-f", signers, "-s", `${file}.sig`];
      return (await stage.start("ssh-keygen", check, { input: text }).finished).status;
    };
    expect(await verify("what is to be signed")).toBe(0);
    expect(await verify("something else")).not.toBe(0);
    expect((await stage.start("ssh-add", ["-T", stage.path("key.pub")], { env }).finished).status).toBe(0);
    // What this agent does not do, it refuses in a way that OpenSSH understands.
    for (const words of [["-D"], ["-x"]]) {
      expect((await stage.start("ssh-add", words, { env, input: "x\nx\n" }).finished).status).not.toBe(0);
    }
    expect((await stage.start("ssh-add", ["-l"], { env }).finished).status).toBe(0);
  });
});
