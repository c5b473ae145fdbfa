import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as net from "node:net";
import { describe, expect } from "vitest";
import { after, LAUNCHER, printedBy, test, type Finished, type RunOptions, type Stage } from "../support/program.js";

const isLinux = process.platform === "linux";
const isInstalled = (program: string): boolean => spawnSync(program, ["--version"]).error === undefined;
const missing = ["dbus-run-session", "gnome-keyring-daemon"].filter((program) => !isInstalled(program));
const reason = isLinux ? `not installed: ${missing.join(", ")}` : "needs Linux";
if (!isLinux || missing.length > 0) console.warn(`The tests against a real keyring are skipped (${reason}).`);

/** The processes that have this stage in their environment: everything that a test of it has started, and nothing else. */
const leftOver = (stage: Stage): string[] =>
  fs.readdirSync("/proc").flatMap((id) => {
    if (!/^\d+$/.test(id) || id === String(process.pid)) return [];
    try {
      const environment = fs.readFileSync(`/proc/${id}/environ`, "latin1");
      return environment.includes(stage.folder) ? [fs.readFileSync(`/proc/${id}/cmdline`, "latin1")] : [];
    } catch {
      // It has ended, or is somebody else's.
      return [];
    }
  });

/** Programs that were told to end take a moment for it. */
const expectNothingLeft = async (stage: Stage): Promise<void> => {
  for (let attempt = 0; attempt < 100 && leftOver(stage).length > 0; attempt++) await after(100);
  expect(leftOver(stage)).toEqual([]);
};

const quoted = (words: string): string => `'${process.execPath}' '${LAUNCHER}' ${words} --json`;

/** A session of a desktop: a bus, and a keyring that the user has opened by logging in, or not. Runs commands in it, one by one. */
const session = async (stage: Stage, isOpen: boolean, ...commands: readonly string[]): Promise<Finished> => {
  const run = fs.mkdtempSync(stage.path("run-"));
  fs.chmodSync(run, 0o700);
  const login =
    "printf 'the login passphrase' | gnome-keyring-daemon --unlock --components=secrets --daemonize >/dev/null";
  const lines = [...(isOpen ? [login] : []), ...commands.map(quoted)];
  const finished = await stage.start("dbus-run-session", ["--", "sh", "-c", lines.join(" && ")], {
    env: {
      MESHMAN_HOME: stage.home("laptop"),
      XDG_RUNTIME_DIR: run,
      XDG_DATA_HOME: stage.path("data"),
      XDG_CONFIG_HOME: stage.path("config"),
      XDG_CACHE_HOME: stage.path("cache"),
    },
  }).finished;
  await stage.audit.learn();
  await expectNothingLeft(stage);
  return finished;
};

const documents = ({ stdout }: Finished): Record<string, unknown>[] =>
  stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

const makeFolders = (stage: Stage): void => {
  for (const name of ["data", "config", "cache"]) fs.mkdirSync(stage.path(name), { mode: 0o700 });
};

describe.skipIf(!isLinux || missing.length > 0)(`with a Secret Service (${reason})`, () => {
  test.concurrent(
    "the keyring opens the keystore, and the passphrase does where the keyring is locked",
    async ({ stage }) => {
      makeFolders(stage);
      const passphrase = stage.writeSecret("passphrase", "five well chosen random words\n");
      const made = await session(
        stage,
        true,
        "profile create --device-name laptop --no-passphrase",
        `keystore protect keyring --new-passphrase-file ${passphrase}`,
        "keystore check",
      );
      expect(made.status, made.stderr).toBe(0);
      expect(documents(made).at(-1)).toMatchObject({ ok: true });
      expect(fs.existsSync(stage.path("laptop", "keystore.key"))).toBe(false);

      // After the next login it is still there, and a new entry takes its place.
      const again = await session(stage, true, "keystore check", "keystore protect keyring", "keystore check");
      expect(again.status, again.stdout + again.stderr).toBe(0);

      const locked = await session(stage, false, "keystore check");
      expect([locked.status, printedBy(locked).error?.code]).toEqual([4, "keyring-unavailable"]);
      const opened = await session(stage, false, `keystore check --passphrase-file ${passphrase}`);
      expect(opened.status, opened.stdout).toBe(0);
      expect(opened.stderr).not.toBe("");

      // Without any session: as on a server that the home was copied to.
      await stage.fails("laptop", 4, "keyring-unavailable", "keystore check");
      await stage.meshman("laptop", `keystore check --passphrase-file ${passphrase}`);

      const moved = await session(stage, true, "keystore protect key-file", "keystore check");
      expect(moved.status, moved.stdout + moved.stderr).toBe(0);
      await stage.meshman("laptop", "keystore check");
    },
  );
});

/** A session bus that takes every connection and never says a word. */
const silentBus = async (
  stage: Stage,
): Promise<{ env: Record<string, string>; open: () => number; end: () => void }> => {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("data", () => undefined);
    socket.on("close", () => sockets.delete(socket));
  });
  const path = stage.path("bus");
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    env: { DBUS_SESSION_BUS_ADDRESS: `unix:path=${path}` },
    open: () => sockets.size,
    end: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
};

/** Puts a keystore under a keyring that nobody has: what remains of one after a reinstallation. */
const withLostKeyring = async (stage: Stage): Promise<string> => {
  const passphrase = stage.writeSecret("passphrase", "five well chosen random words\n");
  await stage.meshman("laptop", `profile create --device-name laptop --passphrase-file ${passphrase}`);
  const file = stage.path("laptop", "keystore.json");
  const json = JSON.parse(fs.readFileSync(file, "utf8")) as { id: string; protection: Record<string, unknown> };
  const { kdf, wrapped } = json.protection;
  const account = `${json.id}/${randomBytes(16).toString("base64url")}`;
  json.protection = { method: "keyring", account, wrapped, passphrase: { kdf, wrapped } };
  fs.writeFileSync(file, JSON.stringify(json));
  return passphrase;
};

describe.skipIf(!isLinux)("without a keyring that answers", () => {
  test.concurrent(
    "a bus that never answers is given up after two seconds, and nothing stays behind",
    async ({ stage }) => {
      const passphrase = await withLostKeyring(stage);
      const bus = await silentBus(stage);
      try {
        const options: RunOptions = { env: bus.env };
        const began = Date.now();
        await stage.fails("laptop", 4, "keyring-unavailable", "keystore check", options);
        expect(Date.now() - began).toBeGreaterThan(1_900);
        expect(Date.now() - began).toBeLessThan(15_000);
        await expectNothingLeft(stage);
        await stage.meshman("laptop", `keystore check --passphrase-file ${passphrase}`, options);
        const words = `keystore protect keyring --passphrase-file ${passphrase}`;
        await stage.fails("laptop", 4, "keyring-unavailable", words, options);
        await expectNothingLeft(stage);

        // Killed itself, it leaves nobody waiting for ever either. ^C ends it at once.
        for (const signal of ["SIGKILL", "SIGINT"] as const) {
          const running = stage.launch("laptop", "keystore check", options);
          while (bus.open() === 0 && running.child.exitCode === null) await after(10);
          await running.stop(signal);
          await expectNothingLeft(stage);
          while (bus.open() > 0) await after(10);
        }
      } finally {
        bus.end();
      }
    },
  );

  test.concurrent("without a bus nobody is asked and nothing is started", async ({ stage }) => {
    const passphrase = await withLostKeyring(stage);
    for (const env of [
      {},
      { DBUS_SESSION_BUS_ADDRESS: "autolaunch:" },
      { DBUS_SESSION_BUS_ADDRESS: "unixexec:path=touch,argv1=started" },
      { DBUS_SESSION_BUS_ADDRESS: `unix:path=${stage.path("nowhere")}` },
      { XDG_RUNTIME_DIR: stage.folder },
    ]) {
      await stage.fails("laptop", 4, "keyring-unavailable", "keystore check", { env });
      await expectNothingLeft(stage);
      await stage.meshman("laptop", `keystore check --passphrase-file ${passphrase}`, { env });
    }
    expect(fs.existsSync(stage.path("started"))).toBe(false);
  });
});
