import * as fs from "node:fs";
import * as net from "node:net";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { openHome } from "../../src/keystore/home.js";
import { readKeystoreFile } from "../../src/keystore/keystore-file.js";
import { testDeps } from "../support/deps.js";
import { after, openStage, test, type Printed, type Stage } from "../support/program.js";

// The agent as a process of its own: started by one command, used by others, ended in every way there is.

const PASSPHRASE = "the passphrase of these tests";
/** A command that needs a key, changes nothing, and asks no portal. Its file must be new. */
const COMMAND = "profile revocation --out";

/** A home under a passphrase. It is copied, since making one takes its time. */
let template: Stage;
beforeAll(async () => {
  template = openStage();
  const file = template.writeSecret("passphrase", `${PASSPHRASE}\n`);
  await template.meshman("laptop", `profile create --device-name laptop --passphrase-file ${file}`);
});
afterAll(() => template.close());

interface Unlocked extends Printed {
  readonly unlocked: boolean;
  readonly locked: boolean;
  readonly expires: string | null;
  readonly agent: boolean | { readonly expires: string } | null;
}

/** What these tests do with one machine that has a locked profile. */
interface Laptop {
  readonly stage: Stage;
  /** `--passphrase-file` and the file. */
  readonly passphrase: string;
  /** The folder of the agent's file and socket, as it is without XDG_RUNTIME_DIR. */
  readonly runtime: string;
  run(words: string): Promise<Unlocked>;
  /** A command that needs a key, and nothing to open the keystore but an agent. True where it works. */
  works(): Promise<boolean>;
}

const laptopOn = (stage: Stage, name = "laptop"): Laptop => {
  fs.cpSync(template.home("laptop"), stage.home(name), { recursive: true });
  for (const file of ["", "profiles"]) fs.chmodSync(path.join(stage.home(name), file), 0o700);
  const passphrase = `--passphrase-file ${stage.writeSecret("passphrase", `${PASSPHRASE}\n`)}`;
  let notes = 0;
  return {
    stage,
    passphrase,
    runtime: stage.path("tmp", `meshman-${process.getuid?.() ?? ""}`),
    run: async (words) => (await stage.meshman(name, words)) as Unlocked,
    works: async () => {
      const { status, stdout } = await stage.run(name, `${COMMAND} ${stage.path(`${name}-${notes++}.json`)} --json`);
      if (status !== 0) expect(stdout).toContain("input-required");
      return status === 0;
    },
  };
};

const contents = (folder: string): string[] => (fs.existsSync(folder) ? fs.readdirSync(folder).sort() : []);
const socketIn = (folder: string): string =>
  path.join(folder, contents(folder).find((name) => name.endsWith(".sock")) ?? "none");

const until = async (what: () => boolean | Promise<boolean>): Promise<void> => {
  for (const end = Date.now() + 20_000; !(await what()); await after(50)) {
    if (Date.now() > end) throw new Error("It does not happen.");
  }
};

/** The process that listens at a socket, as Linux knows it. */
const processAt = (socket: string): number => {
  const inode = fs
    .readFileSync("/proc/net/unix", "utf8")
    .split("\n")
    .find((line) => line.endsWith(` ${socket}`))
    ?.split(/\s+/)[6];
  const owner = fs.readdirSync("/proc").find((pid) => {
    try {
      const folder = `/proc/${pid}/fd`;
      return fs.readdirSync(folder).some((fd) => fs.readlinkSync(path.join(folder, fd)) === `socket:[${inode ?? ""}]`);
    } catch {
      return false;
    }
  });
  if (inode === undefined || owner === undefined) throw new Error(`Nobody listens at ${socket}.`);
  return Number(owner);
};

const isRunning = (pid: number): boolean => {
  try {
    // A process that has ended stays on the list until its parent takes note, which in a container nobody may be.
    return !/^State:\s+Z/m.test(fs.readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
};

describe.skipIf(process.platform === "win32")("an agent", () => {
  test("opens the keystore for 200 commands, and for 20 at once, with one passphrase", async ({ stage }) => {
    const laptop = laptopOn(stage);
    expect(await laptop.works()).toBe(false);
    expect(await laptop.run("keystore status")).toMatchObject({ locked: true, agent: null });
    const { expires, ...unlocked } = await laptop.run(`keystore unlock --for 1h ${laptop.passphrase}`);
    expect(unlocked).toEqual({ unlocked: true, agent: true });
    expect(Date.parse(expires ?? "") - Date.now()).toBeGreaterThan(3_500_000);
    expect(await laptop.run("keystore status")).toMatchObject({ locked: false, agent: { expires } });
    expect(await laptop.run("status")).toMatchObject({ keystore: { locked: false, agent: { expires } } });

    const all = { left: 200 };
    const worker = async (): Promise<void> => {
      while (all.left-- > 0) expect(await laptop.works()).toBe(true);
    };
    await Promise.all([worker(), worker(), worker(), worker()]);
    expect(await Promise.all(Array.from({ length: 20 }, laptop.works))).not.toContain(false);

    // Only whoever knows the passphrase can change it, or have more time.
    await stage.fails("laptop", 2, "input-required", "keystore unlock");
    await stage.fails("laptop", 2, "input-required", "keystore passwd --no-passphrase");
    const wrong = stage.writeSecret("wrong", "another passphrase\n");
    await stage.fails("laptop", 4, "wrong-passphrase", `keystore unlock --passphrase-file ${wrong}`);

    expect(await laptop.run("keystore lock")).toEqual({ locked: true, agent: true });
    expect(await laptop.run("keystore lock")).toEqual({ locked: true, agent: false });
    expect(await laptop.run("keystore status")).toMatchObject({ locked: true, agent: null });
    expect(await laptop.works()).toBe(false);
    expect(contents(laptop.runtime)).toEqual([]);
  });

  test.concurrent("ends when its time has come", async ({ stage }) => {
    const laptop = laptopOn(stage);
    const { expires } = await laptop.run(`keystore unlock --for 2s ${laptop.passphrase}`);
    expect(await laptop.works()).toBe(true);
    await until(() => contents(laptop.runtime).length === 0);
    expect(Date.now()).toBeGreaterThan(Date.parse(expires ?? "") - 100);
    expect(await laptop.works()).toBe(false);
    for (const wrong of ["25h", "0s", "15", "soon"]) {
      await stage.fails("laptop", 2, "usage", `keystore unlock --for ${wrong} ${laptop.passphrase}`);
    }
  });

  test.concurrent("begins its time anew when the keystore is unlocked again", async ({ stage }) => {
    const laptop = laptopOn(stage);
    await laptop.run(`keystore unlock --for 1h ${laptop.passphrase}`);
    const first = socketIn(laptop.runtime);
    const { expires } = await laptop.run(`keystore unlock --for 2h ${laptop.passphrase}`);
    expect(socketIn(laptop.runtime)).not.toBe(first);
    expect(contents(laptop.runtime)).toHaveLength(2);
    expect(await laptop.run("keystore status")).toMatchObject({ agent: { expires } });
    // Many at once: one of them has it, and what it says is so.
    const many = await Promise.all(
      [1, 2, 3, 4].map((h) => laptop.run(`keystore unlock --for ${h}h ${laptop.passphrase}`)),
    );
    const { agent } = await laptop.run("keystore status");
    expect(many.map((one) => ({ expires: one.expires }))).toContainEqual(agent);
    expect(await laptop.works()).toBe(true);
    await laptop.run("keystore lock");
    // The others have noticed by now, or do so soon.
    await until(() => contents(laptop.runtime).length === 0);
    expect(await laptop.works()).toBe(false);
  });

  test.concurrent("is not needed where the keystore opens by itself", async ({ stage }) => {
    await stage.meshman("runner", "profile create --device-name runner --no-passphrase");
    expect(await stage.meshman("runner", "keystore unlock")).toEqual({ unlocked: true, expires: null, agent: false });
    expect(await stage.meshman("runner", "keystore status")).toMatchObject({ locked: false, agent: null });
    expect(await stage.meshman("runner", "keystore lock")).toEqual({ locked: false, agent: false });
    await stage.fails("nobody", 3, "profile-not-found", "keystore unlock");
    expect(await stage.meshman("nobody", "keystore lock")).toEqual({ locked: true, agent: false });
    expect(contents(stage.path("tmp"))).toEqual([]);
  });

  test.concurrent("ends when another keystore takes the place of its own", async ({ stage }) => {
    const laptop = laptopOn(stage);
    await laptop.run(`keystore unlock ${laptop.passphrase}`);
    const file = path.join(stage.home("laptop"), "keystore.json");
    const other = openStage();
    await other.meshman("laptop", `profile create --device-name laptop ${laptop.passphrase}`);
    fs.renameSync(file, `${file}.old`);
    fs.copyFileSync(path.join(other.home("laptop"), "keystore.json"), file);
    await until(() => contents(laptop.runtime).length === 0);
    fs.renameSync(`${file}.old`, file);
    expect(await laptop.works()).toBe(false);
    other.audit.forgive();
    await other.close();
  });

  test.concurrent("gives its key to nobody who has the wrong token", async ({ stage }) => {
    const laptop = laptopOn(stage);
    await laptop.run(`keystore unlock ${laptop.passphrase}`);
    const file = path.join(laptop.runtime, contents(laptop.runtime).find((name) => !name.endsWith(".sock")) ?? "");
    const endpoint = JSON.parse(fs.readFileSync(file, "utf8")) as { socket: string; token: string };
    fs.writeFileSync(file, JSON.stringify({ ...endpoint, token: Buffer.alloc(32).toString("base64url") }));
    expect(await laptop.works()).toBe(false);
    // It has noticed that the file is not its own.
    await until(() => !fs.existsSync(path.join(laptop.runtime, endpoint.socket)));
  });
});

describe.skipIf(process.platform !== "linux")("the process of an agent", () => {
  test.concurrent("has nothing of the command that started it, and no secret on the disk", async ({ stage }) => {
    const laptop = laptopOn(stage);
    const descriptor = fs.openSync(stage.path("secrets", "passphrase"), "r");
    await stage.meshman("laptop", "keystore unlock --passphrase-fd 3", {
      descriptors: [descriptor],
      env: { SOME_VARIABLE: "some value", NODE_OPTIONS: "--no-warnings" },
    });
    fs.closeSync(descriptor);
    const pid = processAt(socketIn(laptop.runtime));
    expect(fs.readFileSync(`/proc/${pid}/environ`, "utf8")).toBe("");
    expect(fs.readlinkSync(`/proc/${pid}/cwd`)).toBe("/");
    expect(fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")).toHaveLength(3);
    const open = fs.readdirSync(`/proc/${pid}/fd`).map((fd) => fs.readlinkSync(`/proc/${pid}/fd/${fd}`));
    expect(open.filter((name) => name.startsWith("/") && name !== "/dev/null")).toEqual([]);
    // It leads a session of its own, so that it does not end with the terminal.
    const stat = fs
      .readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    expect(stat[3]).toBe(String(pid));

    expect(fs.statSync(laptop.runtime).mode & 0o777).toBe(0o700);
    for (const name of contents(laptop.runtime).filter((file) => !file.endsWith(".sock"))) {
      expect(fs.statSync(path.join(laptop.runtime, name)).mode & 0o777).toBe(0o600);
    }
    // The keystore key and all others, as octets and as text, in the home and beside the socket.
    expect(await stage.audit.findings()).toEqual([]);
    expect(stage.audit.count()).toBeGreaterThan(6);
    const { id } = readKeystoreFile(openHome(testDeps(), stage.home("laptop"))) ?? { id: "" };
    expect(contents(laptop.runtime).join()).not.toContain(id);
    await laptop.run("keystore lock");
    await until(() => !isRunning(pid));
  });

  test.concurrent("forgets the key on a signal", async ({ stage }) => {
    const signals = ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1"] as const;
    const laptops = signals.map((signal) => laptopOn(stage, signal));
    for (const [index, laptop] of laptops.entries()) {
      await laptop.run(`keystore unlock ${laptop.passphrase}`);
      const pid = processAt(socketIn(laptop.runtime));
      process.kill(pid, signals[index]);
      await until(() => !isRunning(pid));
      expect(contents(laptop.runtime)).toEqual([]);
      expect(await laptop.works()).toBe(false);
    }
  });

  test.concurrent("may be killed: nothing is lost, and what it left is cleared away", async ({ stage }) => {
    const laptop = laptopOn(stage);
    await laptop.run(`keystore unlock ${laptop.passphrase}`);
    const pid = processAt(socketIn(laptop.runtime));
    process.kill(pid, "SIGKILL");
    await until(() => !isRunning(pid));
    expect(contents(laptop.runtime)).toHaveLength(2);
    expect(await laptop.run("keystore status")).toMatchObject({ locked: true, agent: null });
    expect(contents(laptop.runtime)).toEqual([]);
    expect(await laptop.works()).toBe(false);
    await laptop.run(`${COMMAND} ${stage.path("note.json")} ${laptop.passphrase}`);
    await laptop.run(`keystore unlock ${laptop.passphrase}`);
    expect(await laptop.works()).toBe(true);
    await laptop.run("keystore lock");
  });

  test.concurrent("that is cut off while it starts leaves the keystore as it was", async ({ stage }) => {
    const laptop = laptopOn(stage);
    for (const moment of [20, 150, 250, 300, 350, 400, 500]) {
      const unlocking = stage.launch("laptop", `keystore unlock --for 60s ${laptop.passphrase}`);
      await after(moment);
      await unlocking.stop("SIGKILL");
      // An agent may have been left or not: with it or without, everything goes on.
      await laptop.run(`keystore check ${laptop.passphrase}`);
    }
    await laptop.run(`keystore unlock ${laptop.passphrase}`);
    expect(await laptop.works()).toBe(true);
    await laptop.run("keystore lock");
    expect(await laptop.works()).toBe(false);
    expect(contents(laptop.runtime).filter((name) => !name.endsWith(".sock"))).toEqual([]);
  });

  test.concurrent("may hang: nobody waits for long, and it ends when it runs again", async ({ stage }) => {
    const laptop = laptopOn(stage);
    await laptop.run(`keystore unlock ${laptop.passphrase}`);
    const pid = processAt(socketIn(laptop.runtime));
    process.kill(pid, "SIGSTOP");
    const started = performance.now();
    const { status, stderr } = await stage.run("laptop", `${COMMAND} ${stage.path("n.json")} ${laptop.passphrase}`);
    expect([status, performance.now() - started < 10_000]).toEqual([0, true]);
    expect(stderr).toMatch(/^warning: /);
    expect(await laptop.run("keystore lock")).toEqual({ locked: true, agent: true });
    expect(contents(laptop.runtime)).toEqual([]);
    process.kill(pid, "SIGCONT");
    await until(() => !isRunning(pid));
  });

  test.concurrent("that is none is not believed", async ({ stage }) => {
    const laptop = laptopOn(stage);
    await laptop.run(`keystore unlock ${laptop.passphrase}`);
    const socket = socketIn(laptop.runtime);
    const pid = processAt(socket);
    process.kill(pid, "SIGKILL");
    await until(() => !isRunning(pid));
    fs.rmSync(socket);
    for (const garbage of ["", "garbage\n", "x".repeat(100_000)]) {
      const server = net.createServer((connection) => {
        connection.on("error", () => undefined);
        connection.write(garbage);
      });
      await new Promise<void>((resolve) => server.listen(socket, resolve));
      expect(await laptop.works()).toBe(false);
      await new Promise((resolve) => server.close(resolve));
    }
  });
});

/** What is in the way of the agent is not used: nothing works without the passphrase, and all does with it. */
const refused = async (laptop: Laptop): Promise<void> => {
  expect(await laptop.works()).toBe(false);
  const note = laptop.stage.path("with-a-passphrase.json");
  const finished = await laptop.stage.run("laptop", `${COMMAND} ${note} ${laptop.passphrase}`);
  expect(finished.status).toBe(0);
  expect(finished.stderr).toMatch(/^warning: .*meshman-/);
  fs.rmSync(note);
};

describe.skipIf(process.platform === "win32")("a folder or socket that is not the user's alone", () => {
  test.concurrent("is not used where others may enter it", async ({ stage }) => {
    const laptop = laptopOn(stage);
    await laptop.run(`keystore unlock ${laptop.passphrase}`);
    fs.chmodSync(laptop.runtime, 0o755);
    await refused(laptop);
    await stage.fails("laptop", 5, "keystore-permissions", `keystore unlock ${laptop.passphrase}`);
  });
});

// Only the superuser can give files away.
describe.skipIf(process.getuid?.() !== 0)("a folder or socket that was given away", () => {
  test.concurrent("is not used where it is somebody else's", async ({ stage }) => {
    const laptop = laptopOn(stage);
    await laptop.run(`keystore unlock ${laptop.passphrase}`);
    const socket = socketIn(laptop.runtime);
    const file = path.join(laptop.runtime, contents(laptop.runtime)[0] ?? "");
    for (const place of [socket, file, laptop.runtime]) {
      fs.chownSync(place, 12345, 12345);
      await refused(laptop);
      fs.chownSync(place, 0, 0);
    }
    fs.chownSync(laptop.runtime, 12345, 12345);
    await stage.fails("laptop", 5, "keystore-permissions", `keystore unlock ${laptop.passphrase}`);
  });
});
