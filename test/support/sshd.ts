import { spawn, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as net from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { after } from "./program.js";

/** The OpenSSH server of this machine, where it has one: it is looked for where distributions put it. */
const SSHD = [...(process.env["PATH"] ?? "").split(":"), "/usr/sbin", "/usr/local/sbin", "/sbin"]
  .map((folder) => path.join(folder, "sshd"))
  .find((file) => fs.existsSync(file));

const missing = [
  ...["ssh", "ssh-keygen", "ssh-add"].filter((program) => spawnSync(program, ["-?"]).error !== undefined),
  ...(SSHD === undefined ? ["sshd"] : []),
];

/** Why there is no server to test against. */
export const noSshd =
  process.platform === "win32"
    ? "needs sockets"
    : missing.length > 0
      ? `not installed: ${missing.join(", ")}`
      : undefined;

/** As root, sshd insists on this folder, which its service makes. */
const SEPARATION = "/run/sshd";

/** A server on a port of 127.0.0.1, which lets in whoever its file of keys lets in, as the user of this process. */
export interface SshServer {
  readonly port: number;
  readonly user: string;
  /** The home folder of whoever logs in, and the authorized_keys file in it. */
  readonly home: string;
  readonly file: string;
  /** The file with the public key of the server. */
  readonly hostKey: string;
  /** A private key that the file lets in from the beginning. */
  readonly firstKey: string;
  readonly log: () => string;
  readonly close: () => Promise<void>;
}

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = net.createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => resolve(port));
    });
  });

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const connection = net.connect(port, "127.0.0.1");
    connection.once("data", () => resolve(true)).once("close", () => resolve(false));
    connection.once("data", () => connection.destroy()).once("error", () => connection.destroy());
  });

const keygen = (file: string): void => {
  spawnSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", file]);
};

/** Starts a server with all its files in a folder. */
export const startSshd = async (folder: string): Promise<SshServer> => {
  const at = (name: string): string => path.join(folder, name);
  const home = at("home");
  fs.mkdirSync(path.join(home, ".ssh"), { recursive: true, mode: 0o700 });
  const file = path.join(home, ".ssh", "authorized_keys");
  keygen(at("host_key"));
  keygen(at("first_key"));
  fs.copyFileSync(at("first_key.pub"), file);
  const isOurs = process.getuid?.() === 0 && !fs.existsSync(SEPARATION);
  if (isOurs) fs.mkdirSync(SEPARATION, { mode: 0o755 });

  let log = "";
  const start = async (): Promise<{ port: number; child: ReturnType<typeof spawn> } | undefined> => {
    const port = await freePort();
    const settings = [
      `Port ${port}`,
      "ListenAddress 127.0.0.1",
      `HostKey ${at("host_key")}`,
      `AuthorizedKeysFile ${file}`,
      "PidFile none",
      "UsePAM no",
      "StrictModes no",
      "PasswordAuthentication no",
      "KbdInteractiveAuthentication no",
      "PermitRootLogin prohibit-password",
      "PermitUserRC no",
      "PrintMotd no",
      "LogLevel VERBOSE",
      // The home folder is the system's otherwise, whoever starts the server.
      `ForceCommand HOME='${home}' exec sh -c "$SSH_ORIGINAL_COMMAND"`,
    ];
    fs.writeFileSync(at("sshd_config"), `${settings.join("\n")}\n`);
    const child = spawn(SSHD ?? "sshd", ["-D", "-e", "-f", at("sshd_config")], { stdio: ["ignore", "ignore", "pipe"] });
    child.stderr.setEncoding("utf8").on("data", (text: string) => (log += text));
    for (let attempt = 0; attempt < 200 && child.exitCode === null; attempt++) {
      if (await answers(port)) return { port, child };
      await after(50);
    }
    child.kill("SIGKILL");
    return undefined;
  };
  // Somebody else may have taken the port meanwhile.
  const started = (await start()) ?? (await start());
  const close = async (): Promise<void> => {
    if (started && started.child.exitCode === null && started.child.signalCode === null) {
      const closed = new Promise((resolve) => started.child.once("close", resolve));
      started.child.kill("SIGTERM");
      await closed;
    }
    if (isOurs) fs.rmSync(SEPARATION, { recursive: true, force: true });
  };
  if (!started) {
    await close();
    throw new Error(`sshd does not start: ${log}`);
  }
  return {
    port: started.port,
    user: os.userInfo().username,
    home,
    file,
    hostKey: at("host_key.pub"),
    firstKey: at("first_key"),
    log: () => log,
    close,
  };
};
