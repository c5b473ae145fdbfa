import { createPublicKey, verify } from "node:crypto";
import { once } from "node:events";
import * as fs from "node:fs";
import * as net from "node:net";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import { sshPlace } from "../../src/cli/ssh/agent/place.js";
import { runSshAgent } from "../../src/cli/ssh/agent/server.js";
import type { Deps, ProgramStart } from "../../src/deps.js";
import type { Home } from "../../src/keystore/home.js";
import { MESSAGE_LIMIT } from "../../src/mesh/application/ssh/agent-protocol.js";
import { parseWire, wireByte, wireString, wireUint32 } from "../../src/mesh/application/ssh/wire.js";
import { readKeyText } from "../../src/mesh/application/ssh/public-key.js";
import { filePortal, machine, withAccount, type Machine, type RunOptions } from "../support/cli.js";
import { errorCode, temporaryFolder, testDeps } from "../support/deps.js";

/** Agents that run in this process instead of their own, and the folder of their sockets. */
interface Agents {
  readonly options: RunOptions;
  readonly folder: string;
  /** Resolves when all that were started have ended. */
  readonly ended: () => Promise<unknown>;
  readonly names: () => string[];
}

const agents = (): Agents => {
  const runtime = temporaryFolder();
  const folder = path.join(runtime, "meshman");
  const running: Promise<void>[] = [];
  const startDetached: Deps["startDetached"] = ({ part, input }) =>
    new Promise((resolve, reject) => {
      expect(part).toBe("ssh-agent");
      const given = Buffer.from(input);
      const stdout = { isTTY: false, write: async (text: string) => resolve(text.trim()) };
      const run = runSshAgent(testDeps({ readStdin: async () => given, stdout }));
      run.catch(reject);
      running.push(run);
    });
  return {
    folder,
    options: { env: { XDG_RUNTIME_DIR: runtime }, deps: { startDetached } },
    ended: () => Promise.all(running),
    names: () => (fs.existsSync(folder) ? fs.readdirSync(folder) : []),
  };
};

const withKey = async (): Promise<Agents & { readonly laptop: Machine }> => {
  const started = agents();
  const laptop = await withAccount(filePortal(), "alice@example.com", started.options);
  await laptop.ok("ssh add");
  return { ...started, laptop };
};

/** A client of an agent. `ask` gives the answer without its length, or undefined where the agent ends the connection instead. */
const client = async (socket: string) => {
  const connection = net.connect(socket);
  await once(connection, "connect");
  connection.on("error", () => undefined);
  let arrived = Buffer.alloc(0);
  const send = (octets: Uint8Array): Promise<Buffer | undefined> =>
    new Promise((resolve) => {
      const look = (): void => {
        const length = arrived.length >= 4 ? arrived.readUInt32BE() : Infinity;
        if (arrived.length < 4 + length && !connection.destroyed) return;
        connection.removeListener("data", take).removeListener("close", look);
        resolve(arrived.length < 4 + length ? undefined : arrived.subarray(4, 4 + length));
        arrived = arrived.subarray(Math.min(arrived.length, 4 + length));
      };
      const take = (chunk: Buffer): void => {
        arrived = Buffer.concat([arrived, chunk]);
        look();
      };
      connection.on("data", take).once("close", look);
      connection.write(octets);
      if (connection.destroyed) look();
    });
  return { send, ask: (message: Uint8Array) => send(wireString(message)), end: () => connection.destroy() };
};

const IDENTITIES = wireByte(11);
const FAILURE = wireByte(5);
const signRequest = (blob: Buffer, data: string): Buffer =>
  Buffer.concat([wireByte(13), wireString(blob), wireString(data), wireUint32(0)]);

const isOpen = async (socket: string): Promise<boolean> => {
  const connection = net.connect(socket);
  const opened = new Promise<boolean>((resolve) =>
    connection.once("connect", () => resolve(true)).once("error", () => resolve(false)),
  );
  const result = await opened;
  connection.destroy();
  return result;
};

/** The octets of a machine's public key. */
const ownBlob = async (laptop: Machine): Promise<Buffer> =>
  readKeyText((await laptop.ok("ssh export")).at("publicKey"))!.blob;

describe("the SSH agent", () => {
  test("shows one key and signs with it, at a socket that nobody else can reach", async () => {
    const { laptop, folder, ended } = await withKey();
    const started = await laptop.ok("ssh agent");
    const socket = started.at("socket");
    expect(Date.parse(started.at("expires"))).toBeGreaterThan(Date.now() + 7 * 3600 * 1000);
    expect(path.dirname(socket)).toBe(folder);
    expect(fs.statSync(folder).mode & 0o777).toBe(0o700);
    expect(fs.statSync(socket).mode & 0o777).toBe(0o600);
    const blob = await ownBlob(laptop);

    const { ask, end } = await client(socket);
    const comment = (await laptop.ok("ssh export")).at("publicKey").split(" ").slice(2).join(" ");
    expect(await ask(IDENTITIES)).toEqual(
      Buffer.concat([wireByte(12), wireUint32(1), wireString(blob), wireString(comment)]),
    );
    const signed = parseWire(
      (await ask(signRequest(blob, "data")))!,
      (reader) => [reader.byte(), reader.string()] as const,
    );
    const signature = parseWire(signed![1], (reader) => ({ type: reader.text(), octets: reader.string() }));
    expect([signed![0], signature!.type]).toEqual([14, "ssh-ed25519"]);
    const key = createPublicKey({
      key: { kty: "OKP", crv: "Ed25519", x: blob.subarray(-32).toString("base64url") },
      format: "jwk",
    });
    expect(verify(null, Buffer.from("data"), key, signature!.octets)).toBe(true);

    const refused = [
      signRequest(Buffer.concat([blob.subarray(0, -1), Buffer.of(blob.at(-1)! ^ 1)]), "data"),
      signRequest(blob, "data").subarray(0, -1),
      ...[1, 17, 18, 19, 22, 23, 25, 255].map((number) => Buffer.concat([wireByte(number), wireString("secret")])),
      Buffer.concat([wireByte(27), wireString("unknown@example.com")]),
    ];
    for (const message of refused) expect(await ask(message), message.toString("hex")).toEqual(FAILURE);
    end();
    await laptop.ok("ssh agent --stop");
    await ended();
  });

  test("ends a connection on which a message is empty or too long, and goes on", async () => {
    const { laptop, ended } = await withKey();
    const socket = (await laptop.ok("ssh agent")).at("socket");
    for (const length of [0, MESSAGE_LIMIT + 1, 0xffffffff]) {
      const { send } = await client(socket);
      expect(await send(wireUint32(length))).toBeUndefined();
    }
    const { send, ask, end } = await client(socket);
    const whole = wireString(IDENTITIES);
    const [, answer] = await Promise.all([send(whole.subarray(0, 2)), send(whole.subarray(2))]);
    expect(answer?.[0]).toBe(12);
    expect((await ask(IDENTITIES))?.[0]).toBe(12);
    end();
    await laptop.ok("ssh agent --stop");
    await ended();
  });

  test("is found by a shell", async () => {
    const { laptop, ended } = await withKey();
    const { stdout } = await laptop.text("ssh agent --for 15m");
    expect(stdout).toMatch(/^SSH_AUTH_SOCK=[A-Za-z0-9_./-]+; export SSH_AUTH_SOCK;\n$/);
    await laptop.ok("ssh agent --stop");
    const spaced = temporaryFolder();
    const folder = path.join(spaced, "it's here");
    fs.mkdirSync(folder, { mode: 0o700 });
    const there = laptop.with({ env: { XDG_RUNTIME_DIR: folder } });
    const quoted = (await there.text("ssh agent")).stdout;
    const socket = /^SSH_AUTH_SOCK='(.*)'; export SSH_AUTH_SOCK;\n$/.exec(quoted)?.[1]?.replaceAll("'\\''", "'");
    expect(await isOpen(socket!)).toBe(true);
    await there.ok("ssh agent --stop");
    await ended();
  });

  test("takes the place of one that runs, and of a socket that was left", async () => {
    const { laptop, ended, names } = await withKey();
    const socket = (await laptop.ok("ssh agent")).at("socket");
    const before = await client(socket);
    expect((await before.ask(IDENTITIES))?.[0]).toBe(12);
    expect((await laptop.ok("ssh agent")).at("socket")).toBe(socket);
    // The first one knows that its place is taken.
    expect(await before.ask(IDENTITIES)).toBeUndefined();
    expect((await (await client(socket)).ask(IDENTITIES))?.[0]).toBe(12);
    expect((await laptop.ok("ssh agent --stop")).json).toEqual({ stopped: 1 });
    await ended();
    expect(names()).toEqual([]);

    const left = net.createServer().listen(`${socket}.left`);
    await once(left, "listening");
    fs.renameSync(`${socket}.left`, socket);
    left.close();
    await once(left, "close");
    expect(await isOpen(socket)).toBe(false);
    await laptop.ok("ssh agent");
    expect(await isOpen(socket)).toBe(true);
    await laptop.ok("ssh agent --stop");
    await ended();
    expect(names()).toEqual([]);
  });

  test("is ended by --stop and by locking the keystore, at once for those who are connected", async () => {
    const { laptop, ended } = await withKey();
    for (const command of ["ssh agent --stop", "keystore lock"]) {
      const socket = (await laptop.ok("ssh agent")).at("socket");
      const { ask } = await client(socket);
      expect((await ask(IDENTITIES))?.[0]).toBe(12);
      await laptop.ok(command);
      expect(await isOpen(socket)).toBe(false);
      expect(await ask(IDENTITIES)).toBeUndefined();
      await ended();
    }
    expect((await laptop.ok("ssh agent --stop")).json).toEqual({ stopped: 0 });
    expect((await machine().ok("ssh agent --stop")).json).toEqual({ stopped: 0 });
  });

  test("forgets the key at its time", async () => {
    const { laptop, ended } = await withKey();
    const socket = (await laptop.ok("ssh agent --for 1s")).at("socket");
    const { ask } = await client(socket);
    expect((await ask(IDENTITIES))?.[0]).toBe(12);
    await ended();
    expect(await ask(IDENTITIES)).toBeUndefined();
    expect(await isOpen(socket)).toBe(false);
  });

  test("forgets the key when its socket or the home has gone, or the keystore has the key no more", async () => {
    const { laptop, ended } = await withKey();
    const gone = [
      (socket: string) => fs.promises.unlink(socket),
      () => laptop.ok("device rotate --yes"),
      () => fs.promises.rm(laptop.home, { recursive: true }),
    ];
    for (const end of gone) {
      await laptop.ok("ssh add");
      const { ask } = await client((await laptop.ok("ssh agent")).at("socket"));
      expect((await ask(IDENTITIES))?.[0]).toBe(12);
      await end((await laptop.ok("ssh agent")).at("socket"));
      await ended();
      expect(await ask(IDENTITIES)).toBeUndefined();
    }
  });

  test("uses no folder and no socket that is somebody else's", async () => {
    const { laptop, folder } = await withKey();
    fs.mkdirSync(folder, { mode: 0o755 });
    fs.chmodSync(folder, 0o755);
    expect((await laptop.run("ssh agent")).code).toBe("keystore-permissions");
    fs.chmodSync(folder, 0o700);
    const config = (await laptop.run("ssh config")).at("config");
    expect(config).toBe("");
    await laptop.ok("ssh add build");
    const socket = /IdentityAgent "(.*)"/.exec((await laptop.ok("ssh config")).at("config"))?.[1] ?? "";
    fs.writeFileSync(socket, "no socket");
    expect((await laptop.run("ssh agent")).code).toBe("keystore-permissions");
    expect(fs.readFileSync(socket, "utf8")).toBe("no socket");
  });

  test("says where it cannot be started", async () => {
    const { laptop } = await withKey();
    const broken = laptop.with({ deps: { startDetached: async () => "failed EACCES" } });
    expect((await broken.run("ssh agent")).code).toBe("agent-unavailable");
    const stopped = laptop.with({ deps: { startDetached: () => Promise.reject(new Error("no")) } });
    expect((await stopped.run("ssh agent")).code).toBe("agent-unavailable");
    const long = path.join(temporaryFolder(), "x".repeat(100));
    fs.mkdirSync(long, { mode: 0o700 });
    expect((await laptop.with({ env: { XDG_RUNTIME_DIR: long } }).run("ssh agent")).code).toBe("agent-unavailable");
    const windows = { path: "C:\\home", deps: testDeps({ platform: "win32" }) } as unknown as Home;
    expect(await errorCode(() => sshPlace(windows, "id", "profile"))).toBe("not-supported");
    for (const words of [
      "--for 0s",
      "--for 25h",
      "--for x",
      "--stop --foreground",
      "--stop --for 1m",
      "--stop -- ls",
      "--foreground -- ls",
    ]) {
      expect((await laptop.run(`ssh agent --json ${words}`)).code, words).toBe("usage");
    }
  });

  test("holds nothing but the key: what starts it is told in one piece, which is no order otherwise", async () => {
    const stdout: string[] = [];
    for (const given of ["", "x".repeat(31), "x".repeat(40), `${"x".repeat(32)}{"home":"/"}`, "x".repeat(70_000)]) {
      await runSshAgent(
        testDeps({
          readStdin: async () => Buffer.from(given),
          stdout: { isTTY: false, write: async (text) => void stdout.push(text) },
        }),
      );
    }
    expect(stdout).toEqual([]);
  });
});

describe("an agent of one command", () => {
  /** A program that asks the agent which it finds in its environment. */
  const program = (seen: ProgramStart[], status: object, during: () => Promise<unknown> = async () => undefined) =>
    (async (start: ProgramStart) => {
      seen.push(start);
      const work = async (): Promise<object> => {
        const { ask, end } = await client(start.env?.["SSH_AUTH_SOCK"] ?? "");
        expect((await ask(IDENTITIES))?.[0]).toBe(12);
        await during();
        end();
        return status;
      };
      return { pipes: undefined, ended: work(), kill: () => undefined };
    }) as Deps["startProgram"];

  test("serves it and ends with it, whose status is that of the command", async () => {
    const { laptop, names } = await withKey();
    const seen: ProgramStart[] = [];
    const run = (status: object) =>
      laptop
        .with({ env: { HOME: "/somewhere" }, deps: { startProgram: program(seen, status) } })
        .text("ssh agent -- git push --force");
    expect((await run({ status: 3 })).status).toBe(3);
    expect((await run({ signal: "SIGTERM" })).status).toBe(143);
    expect(await run({ status: 0 })).toMatchObject({ status: 0, stdout: "" });
    expect(seen[0]).toMatchObject({ command: "git", arguments: ["push", "--force"], piped: false });
    expect(seen[0]?.env?.["HOME"]).toBe("/somewhere");
    expect(names()).toEqual([]);
  });

  test("leaves the one that runs alone, and forgets the key before the command has ended where it is told so", async () => {
    const { laptop, ended, names } = await withKey();
    const socket = (await laptop.ok("ssh agent")).at("socket");
    const seen: ProgramStart[] = [];
    const during = async (): Promise<void> => {
      expect(names()).toHaveLength(2);
      while (names().length > 1) await new Promise((resolve) => setTimeout(resolve, 20));
    };
    const deps = { startProgram: program(seen, { status: 0 }, during), sleep: testDeps().sleep };
    expect((await laptop.with({ deps }).text("ssh agent --for 1s -- sleep 2")).status).toBe(0);
    expect(seen[0]?.env?.["SSH_AUTH_SOCK"]).not.toBe(socket);
    expect(await isOpen(socket)).toBe(true);
    await laptop.ok("ssh agent --stop");
    await ended();
  });

  test("says that the command cannot be started", async () => {
    const { laptop, names } = await withKey();
    const startProgram: Deps["startProgram"] = async () => {
      throw Object.assign(new Error("spawn"), { code: "ENOENT" });
    };
    expect((await laptop.with({ deps: { startProgram } }).run("ssh agent --json -- nothing")).code).toBe(
      "file-unreadable",
    );
    expect(names()).toEqual([]);
  });
});

test("an agent in the foreground says where it is, and ends with an interrupt", async () => {
  const { laptop, names } = await withKey();
  const stop = new AbortController();
  let printed = "";
  const stdout = {
    isTTY: false,
    write: async (text: string) => {
      printed += text;
      const { ask, end } = await client((JSON.parse(printed) as { socket: string }).socket);
      expect((await ask(IDENTITIES))?.[0]).toBe(12);
      end();
      stop.abort("SIGINT");
    },
  };
  const deps = { stdout, signal: stop.signal };
  await laptop
    .with({ deps })
    .text("ssh agent --foreground --json --for 1m")
    .catch(() => undefined);
  expect(JSON.parse(printed)).toMatchObject({ socket: expect.stringMatching(/\.sock$/), expires: expect.any(String) });
  expect(names()).toEqual([]);
});
