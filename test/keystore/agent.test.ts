import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as net from "node:net";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Deps } from "../../src/deps.js";
import { agentKey, agentStatus, lockAgent, startAgent } from "../../src/keystore/agent/client.js";
import { linesOf } from "../../src/keystore/agent/lines.js";
import { readOrder, writeOrder } from "../../src/keystore/agent/order.js";
import { placeOf, placesOf, placeText } from "../../src/keystore/agent/place.js";
import {
  ask,
  expectAnswer,
  greet,
  hear,
  LINE_LIMIT,
  newNonce,
  reply,
  type Exchange,
} from "../../src/keystore/agent/protocol.js";
import { runAgent } from "../../src/keystore/agent/server.js";
import { openHome, type Home } from "../../src/keystore/home.js";
import { createKeystore, openWithKey, type Keystore } from "../../src/keystore/keystore.js";
import { errorCode, temporaryFolder, testDeps } from "../support/deps.js";
import { newKey } from "../support/keystore.js";

const ID = randomBytes(16).toString("base64url");
const EXPIRES = "2026-01-02T03:04:05.678Z";

/** Both sides of one conversation up to the request, which ends in a newline. */
const begin = (
  request: "key" | "status" | "lock",
  token: Buffer,
): { exchange: Exchange; nonce: string; line: string } => {
  const { line: greeting, nonce } = greet(randomBytes);
  const asked = ask(greeting.trimEnd(), request, ID, token, newNonce(randomBytes));
  if (!asked) throw new Error("The greeting was not understood.");
  return { exchange: asked.exchange, nonce, line: asked.line.trimEnd() };
};

describe("what agent and client say to each other", () => {
  const token = randomBytes(32);
  const key = randomBytes(32);

  test.each(["key", "status", "lock"] as const)("%s", (request) => {
    const { exchange, nonce, line } = begin(request, token);
    expect(hear(line, nonce, ID, token)).toEqual(exchange);
    const answer = { expires: EXPIRES, ...(request === "key" ? { key } : {}) };
    const last = reply(exchange, answer, token, randomBytes);
    expect(last.length).toBeLessThan(LINE_LIMIT);
    expect(expectAnswer(exchange, token)(last.trimEnd())).toEqual(answer);
    for (const form of ["base64", "base64url", "hex", "latin1"] as const) {
      expect(line + last).not.toContain(key.toString(form).replace(/=+$/, ""));
      expect(line + last).not.toContain(token.toString(form).replace(/=+$/, ""));
    }
  });

  test("proves nothing without the token, for another keystore, in another conversation", () => {
    const { exchange, nonce, line } = begin("key", token);
    expect(hear(line, nonce, ID, randomBytes(32))).toBeUndefined();
    expect(hear(line, nonce, randomBytes(16).toString("base64url"), token)).toBeUndefined();
    expect(hear(line, greet(randomBytes).nonce, ID, token)).toBeUndefined();
    const last = reply(exchange, { expires: EXPIRES, key }, token, randomBytes).trimEnd();
    expect(expectAnswer(exchange, randomBytes(32))(last)).toBeUndefined();
    expect(expectAnswer(begin("key", token).exchange, token)(last)).toBeUndefined();
    expect(expectAnswer({ ...exchange, request: "status" }, token)(last)).toBeUndefined();
  });

  test("what one side has proved is no proof of the other", () => {
    const { exchange, nonce, line } = begin("status", token);
    const { proof } = JSON.parse(line) as { proof: string };
    expect(expectAnswer(exchange, token)(JSON.stringify({ answer: "", proof }))).toBeUndefined();
    const last = JSON.parse(reply(exchange, { expires: EXPIRES }, token, randomBytes)) as { proof: string };
    const request = { nonce: exchange.clientNonce, request: "status", proof: last.proof };
    expect(hear(JSON.stringify(request), nonce, ID, token)).toBeUndefined();
  });

  test("an answer with the key is none to a question for something else, and the other way round", () => {
    for (const [request, answer] of [
      ["status", { expires: EXPIRES, key }],
      ["key", { expires: EXPIRES }],
    ] as const) {
      const { exchange } = begin(request, token);
      expect(expectAnswer(exchange, token)(reply(exchange, answer, token, randomBytes).trimEnd())).toBeUndefined();
    }
  });

  test("anything else is not understood, and harms nothing", () => {
    const { exchange, nonce, line } = begin("key", token);
    const last = reply(exchange, { expires: EXPIRES, key }, token, randomBytes).trimEnd();
    const greeting = greet(randomBytes).line.trimEnd();
    const damaged = (text: string): fc.Arbitrary<string> =>
      fc
        .tuple(fc.nat(text.length - 1), fc.string({ minLength: 0, maxLength: 3 }))
        .map(([at, put]) => text.slice(0, at) + put + text.slice(at + 1))
        .filter((changed) => changed !== text);
    const odd = fc.oneof(fc.string(), fc.json());
    fc.assert(
      fc.property(fc.oneof(odd, damaged(line)), (text) => {
        // JSON has many spellings for one request; whatever else is understood was asked in earnest.
        expect([undefined, "key"]).toContain(hear(text, nonce, ID, token)?.request);
      }),
    );
    fc.assert(
      fc.property(fc.oneof(odd, damaged(last)), (text) => {
        const understood = expectAnswer(exchange, token)(text);
        if (understood) expect(understood).toEqual({ expires: EXPIRES, key });
      }),
    );
    fc.assert(
      fc.property(fc.oneof(odd, damaged(greeting)), (text) => {
        const asked = ask(text, "key", ID, token, newNonce(randomBytes));
        if (asked) expect(asked.exchange.serverNonce).toMatch(/^[\w-]{43}$/);
      }),
    );
  });
});

describe("lines", () => {
  const after = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  test("come whole, however they arrive", async () => {
    const stream = new PassThrough();
    const lines = linesOf(stream);
    const first = lines.next();
    for (const part of ["o", "n", "e\ntw", "o\n"]) {
      stream.write(part);
      await after();
    }
    expect(await first).toBe("one");
    expect(await lines.next()).toBe("two");
    stream.end("half a line");
    expect(await lines.next()).toBeUndefined();
  });

  test("are bounded", async () => {
    for (const text of ["x".repeat(LINE_LIMIT + 1), `${"x".repeat(LINE_LIMIT + 1)}\n`]) {
      const stream = new PassThrough();
      const line = linesOf(stream).next();
      stream.write(text);
      expect(await line).toBeUndefined();
      expect(stream.destroyed).toBe(true);
    }
    const stream = new PassThrough();
    const line = linesOf(stream).next();
    stream.write(`${"x".repeat(LINE_LIMIT)}\n`);
    expect(await line).toHaveLength(LINE_LIMIT);
  });

  test("end where the connection breaks", async () => {
    const stream = new PassThrough();
    const line = linesOf(stream).next();
    stream.destroy(new Error("broken"));
    expect(await line).toBeUndefined();
  });
});

test("an order is read as it was written, and nothing else is", () => {
  const key = randomBytes(32);
  const place = { folder: "/run/user/1000/meshman", file: "/run/user/1000/meshman/x", prefix: "x" };
  const order = { home: "/home/alice", id: ID, place, socket: "x-1.sock", expires: EXPIRES, seconds: 900 };
  expect(readOrder(writeOrder(order, key))).toEqual({ order, key });
  for (const octets of [Buffer.alloc(0), key, Buffer.concat([key, Buffer.from("{}")]), randomBytes(500)]) {
    expect(readOrder(octets)).toBeUndefined();
  }
});

/** How much faster time passes for agents in these tests. */
const HASTE = 10;

/** A home with a keystore, and agents that run in this process. */
interface World {
  readonly home: Home;
  readonly keystore: Keystore;
  /** The folder of sockets and tokens. */
  readonly folder: string;
  readonly warnings: string[];
  /** Resolves when the agent that was started last has ended. */
  readonly ended: () => Promise<void>;
  /** Moves the agent's clock. */
  readonly passes: (milliseconds: number) => void;
  /** What a signal does to the agent. */
  readonly signal: () => void;
  readonly key: () => Promise<Buffer | undefined>;
  readonly unlock: (seconds?: number) => Promise<{ expires: string }>;
}

const openWorld = async (overrides: Partial<Deps> = {}): Promise<World> => {
  const base = temporaryFolder();
  const runtime = join(base, "run");
  fs.mkdirSync(runtime, { mode: 0o700 });
  let ended = Promise.resolve();
  let later = 0;
  let controller = new AbortController();
  const deps = testDeps({
    env: { XDG_RUNTIME_DIR: runtime },
    startDetached: ({ input }) =>
      new Promise((resolve) => {
        controller = new AbortController();
        // A copy, since the one who starts it wipes what it gave.
        const octets = Buffer.from(input);
        ended = runAgent(
          testDeps({
            readStdin: async () => octets,
            sleep: (milliseconds, signal) => testDeps().sleep(milliseconds / HASTE, signal),
            now: () => new Date(Date.now() + later),
            signal: controller.signal,
            stdout: { isTTY: false, write: async (text) => resolve(text.trimEnd()) },
          }),
        );
      }),
    ...overrides,
  });
  const home = openHome(deps, join(base, "home"));
  const keystore = await createKeystore(home, { method: "key-file" });
  const key = newKey();
  await keystore.add([{ key, use: "device-signature", profile: key.kid }]);
  const warnings: string[] = [];
  return {
    home,
    keystore,
    folder: join(runtime, "meshman"),
    warnings,
    ended: () => ended,
    passes: (milliseconds) => (later += milliseconds),
    signal: () => controller.abort(),
    key: () =>
      agentKey(home, keystore, async ({ values: { problem } }) => {
        warnings.push(typeof problem === "object" ? problem.key : "");
      }),
    unlock: (seconds = 60) => startAgent(home, keystore, keystore.copyKey(), seconds),
  };
};

const contents = (folder: string): string[] => (fs.existsSync(folder) ? fs.readdirSync(folder) : []);

describe("an agent", () => {
  test("holds the key until it is told to forget it", async () => {
    const world = await openWorld();
    expect(await world.key()).toBeUndefined();
    const { expires } = await world.unlock();
    expect(await world.key()).toEqual(world.keystore.copyKey());
    expect(await agentStatus(world.home, world.keystore)).toEqual({ expires });
    expect(contents(world.folder)).toHaveLength(2);
    expect(await lockAgent(world.home, world.keystore)).toBe("ended");
    await world.ended();
    expect(await world.key()).toBeUndefined();
    expect(await agentStatus(world.home, world.keystore)).toBeUndefined();
    expect(await lockAgent(world.home, world.keystore)).toBe("none");
    expect([contents(world.folder), world.warnings]).toEqual([[], []]);
  });

  test("is told to forget it from another environment too", async () => {
    const world = await openWorld({ env: {}, temporaryFolder: temporaryFolder() });
    await world.unlock();
    const { deps } = world.home;
    const login = openHome({ ...deps, env: { XDG_RUNTIME_DIR: temporaryFolder() } }, world.home.path);
    expect(await agentStatus(login, world.keystore)).toBeUndefined();
    expect(await lockAgent(login, world.keystore)).toBe("ended");
    await world.ended();
    expect(await world.key()).toBeUndefined();
    expect(await lockAgent(login, world.keystore)).toBe("none");
    // And that of a login from none.
    const folder = `/run/user/${deps.uid ?? 0}`;
    const stat = (path: string) => deps.fs.stat(path === folder ? world.home.path : path);
    const none = openHome({ ...deps, platform: "linux", fs: { ...deps.fs, stat } }, world.home.path);
    const files = placesOf(none, ID).map(({ file }) => file);
    expect(files).toContain(`${folder}/meshman/${placeOf(world.home, ID).prefix}`);
  });

  test("forgets it when the time has passed, by whichever clock", async () => {
    for (const leap of [0, 3_600_000]) {
      const world = await openWorld();
      await world.unlock(leap === 0 ? 1 : 3600);
      expect(await world.key()).toBeDefined();
      world.passes(leap);
      // The clock on the wall counts at the next request, not at the next look around.
      if (leap > 0) expect(await world.key()).toBeUndefined();
      await world.ended();
      expect([contents(world.folder), world.warnings]).toEqual([[], []]);
    }
  });

  test("does not stay longer because the clock was set back", async () => {
    const world = await openWorld();
    await world.unlock(1);
    world.passes(-3_600_000);
    await world.ended();
    expect(contents(world.folder)).toEqual([]);
  });

  test("ends on a signal", async () => {
    const world = await openWorld();
    await world.unlock();
    world.signal();
    await world.ended();
    expect([await world.key(), contents(world.folder)]).toEqual([undefined, []]);
  });

  test("takes over from the one before, at any moment", async () => {
    const world = await openWorld();
    await world.unlock();
    const first = world.ended();
    let asking = true;
    const answers: boolean[] = [];
    const clients = [1, 2, 3].map(async () => {
      while (asking) answers.push((await world.key()) !== undefined);
    });
    const { expires } = await world.unlock(7200);
    await first;
    asking = false;
    await Promise.all(clients);
    expect(answers).not.toContain(false);
    expect(await agentStatus(world.home, world.keystore)).toEqual({ expires });
    expect(contents(world.folder)).toHaveLength(2);
    await lockAgent(world.home, world.keystore);
    await world.ended();
  });

  test.each<[string, (world: World) => void]>([
    ["its keystore has gone", ({ home }) => fs.rmSync(join(home.path, "keystore.json"))],
    ["its keystore is another one", ({ home }) => changeId(join(home.path, "keystore.json"))],
    ["its file has gone", ({ home, keystore }) => fs.rmSync(placeOf(home, keystore.id).file)],
    ["its file says something else", ({ home, keystore }) => fs.appendFileSync(placeOf(home, keystore.id).file, " ")],
    ["others may read its file", ({ home, keystore }) => fs.chmodSync(placeOf(home, keystore.id).file, 0o644)],
    ["others may enter its folder", ({ folder }) => fs.chmodSync(folder, 0o755)],
    ["its socket has gone", ({ folder }) => fs.rmSync(join(folder, socketIn(folder)))],
    [
      "its socket is another one",
      ({ folder }) => {
        const path = join(folder, socketIn(folder));
        fs.renameSync(path, `${path}.old`);
        fs.writeFileSync(path, "");
      },
    ],
  ])("ends where %s", async (_name, change) => {
    const world = await openWorld();
    await world.unlock();
    change(world);
    await world.ended();
    expect(await world.key()).toBeUndefined();
  });

  test("goes on where its keystore has more keys, or another protection", async () => {
    const world = await openWorld();
    await world.unlock(4);
    const key = newKey();
    await world.keystore.add([{ key, use: "device-signature", profile: key.kid }]);
    await world.keystore.changeProtection({ method: "key-file" });
    await new Promise((resolve) => setTimeout(resolve, 1500 / HASTE));
    expect(await world.key()).toEqual(world.keystore.copyKey());
    await world.ended();
  });

  test("says nothing to those who cannot prove that they know the token, or take their time", async () => {
    const world = await openWorld();
    await world.unlock();
    const path = join(world.folder, socketIn(world.folder));
    const { line } = begin("key", randomBytes(32));
    for (const said of ["", "\n", `${line}\n`, "x".repeat(LINE_LIMIT + 1), randomBytes(5000)]) {
      const socket = net.connect(path);
      const started = performance.now();
      const heard: Buffer[] = [];
      socket.on("data", (chunk: Buffer) => heard.push(chunk)).on("error", () => undefined);
      if (said.length > 0) socket.write(said);
      await new Promise((resolve) => socket.once("close", resolve));
      expect(performance.now() - started).toBeLessThan(2000);
      // The greeting, at most.
      expect(Buffer.concat(heard).toString().split("\n").length).toBeLessThanOrEqual(2);
    }
    expect(await world.key()).toBeDefined();
    await lockAgent(world.home, world.keystore);
    await world.ended();
  });
});

const socketIn = (folder: string): string => contents(folder).find((name) => name.endsWith(".sock")) ?? "";

const changeId = (file: string): void => {
  const json = JSON.parse(fs.readFileSync(file, "utf8")) as { id: string };
  fs.writeFileSync(file, JSON.stringify({ ...json, id: randomBytes(16).toString("base64url") }), { mode: 0o600 });
};

describe("a place that cannot be used", () => {
  test("a folder that others may enter, a file, a link: nobody is asked, and unlocking refuses", async () => {
    for (const [kind, make] of Object.entries({
      open: (path: string) => fs.mkdirSync(path, { mode: 0o755 }),
      file: (path: string) => fs.writeFileSync(path, "", { mode: 0o600 }),
      link: (path: string) => fs.symlinkSync(temporaryFolder(), path),
    })) {
      const world = await openWorld();
      make(world.folder);
      expect(await world.key(), kind).toBeUndefined();
      expect(world.warnings).toEqual(["keystore.agent-foreign"]);
      expect(await errorCode(() => world.unlock())).toBe("keystore-permissions");
      expect(await lockAgent(world.home, world.keystore)).toBe("none");
    }
  });

  test("a folder, file or socket of somebody else", async () => {
    for (const kind of ["folder", "file", "socket"]) {
      const world = await openWorld();
      await world.unlock();
      const of = {
        folder: world.folder,
        file: placeOf(world.home, world.keystore.id).file,
        socket: join(world.folder, socketIn(world.folder)),
      }[kind];
      // As somebody else sees it, since only the superuser can give files away.
      const lstat: Deps["fs"]["lstat"] = (path) => {
        const stat = world.home.deps.fs.lstat(path);
        return stat && path === of ? { ...stat, owner: stat.owner + 1 } : stat;
      };
      const seen = openHome({ ...world.home.deps, fs: { ...world.home.deps.fs, lstat } }, world.home.path);
      const warnings: string[] = [];
      const key = await agentKey(seen, world.keystore, async (problem) => {
        warnings.push(problem.key);
      });
      expect([kind, key, warnings]).toEqual([kind, undefined, ["keystore.agent-unused"]]);
      await lockAgent(world.home, world.keystore);
      await world.ended();
    }
  });

  test("a path that is too long for a socket", async () => {
    const long = join(temporaryFolder(), "x".repeat(100));
    fs.mkdirSync(long, { mode: 0o700 });
    const world = await openWorld({ env: { XDG_RUNTIME_DIR: long } });
    expect(await world.key()).toBeUndefined();
    expect(await errorCode(() => world.unlock())).toBe("agent-unavailable");
  });

  test("a runtime folder that there is not, or that is relative: the temporary folder serves", async () => {
    for (const folder of ["/nowhere/at/all", "run", ""]) {
      const temporary = temporaryFolder();
      const world = await openWorld({ env: { XDG_RUNTIME_DIR: folder }, temporaryFolder: temporary });
      await world.unlock();
      expect(await world.key()).toBeDefined();
      expect(contents(join(temporary, `meshman-${process.getuid?.() ?? ""}`))).toHaveLength(2);
      await lockAgent(world.home, world.keystore);
      await world.ended();
    }
  });

  test("an agent that does not start", async () => {
    for (const startDetached of [
      async () => Promise.reject(new Error("ENOENT")),
      async () => Promise.resolve("failed EACCES"),
    ]) {
      const world = await openWorld({ startDetached });
      expect(await errorCode(() => world.unlock())).toBe("agent-unavailable");
    }
  });
});

describe("something else that listens", () => {
  /** Listens where the file of the place says that an agent is. */
  const pretend = async (world: World, serve: (socket: net.Socket) => void): Promise<{ close: () => void }> => {
    const place = placeOf(world.home, world.keystore.id);
    fs.mkdirSync(world.folder, { mode: 0o700 });
    const socket = `${place.prefix}-0123abcd.sock`;
    fs.writeFileSync(place.file, placeText({ socket, token: randomBytes(32) }), { mode: 0o600 });
    const open = new Set<net.Socket>();
    const server = net.createServer((connection) => {
      open.add(connection);
      connection.on("error", () => undefined);
      serve(connection);
    });
    await new Promise<void>((resolve) => server.listen(join(world.folder, socket), resolve));
    return {
      close: () => {
        for (const connection of open) connection.destroy();
        server.close();
      },
    };
  };

  test.each<[string, (socket: net.Socket) => void]>([
    ["says nothing", () => undefined],
    ["hangs up", (socket) => socket.end()],
    ["talks without an end", (socket) => void setInterval(() => socket.write("x".repeat(100)), 5).unref()],
    ["talks nonsense", (socket) => socket.write(Buffer.concat([randomBytes(64), Buffer.from("\n{}\n[1]\n")]))],
    ["greets and says no more", (socket) => socket.write(greet(randomBytes).line)],
    [
      "greets and answers without the token",
      (socket) => {
        socket.write(greet(randomBytes).line);
        socket.on("data", () => {
          const { exchange } = begin("key", randomBytes(32));
          socket.write(reply(exchange, { expires: EXPIRES, key: randomBytes(32) }, randomBytes(32), randomBytes));
        });
      },
    ],
  ])("and %s keeps nobody for long", async (_name, serve) => {
    const world = await openWorld();
    const fake = await pretend(world, serve);
    const started = performance.now();
    expect(await world.key()).toBeUndefined();
    expect(performance.now() - started).toBeLessThan(1000);
    expect(world.warnings).toEqual(["keystore.agent-silent"]);
    // A new agent takes its place, and so does locking.
    await world.unlock();
    expect(await world.key()).toBeDefined();
    await lockAgent(world.home, world.keystore);
    await world.ended();
    fake.close();
    fs.rmSync(world.folder, { recursive: true });
    const second = await pretend(world, serve);
    expect(await lockAgent(world.home, world.keystore)).toBe("silent");
    expect(contents(world.folder)).toEqual([]);
    second.close();
  });

  test("a file that no agent wrote, or whose agent was killed, is removed", async () => {
    const world = await openWorld();
    const { file, prefix } = placeOf(world.home, world.keystore.id);
    fs.mkdirSync(world.folder, { mode: 0o700 });
    const token = randomBytes(32);
    for (const text of [
      "",
      "garbage",
      "x".repeat(10_000),
      placeText({ socket: `${prefix}-0123abcd.sock`, token }),
      placeText({ socket: "../../elsewhere", token }),
      placeText({ socket: `${"0".repeat(20)}-0123abcd.sock`, token }),
    ]) {
      fs.writeFileSync(file, text, { mode: 0o600 });
      expect(await world.key()).toBeUndefined();
      expect([contents(world.folder), world.warnings]).toEqual([[], []]);
    }
  });
});

describe("a keystore is opened with a key", () => {
  test("that is its own", async () => {
    const { home, keystore } = await openWorld();
    const opened = openWithKey(home, keystore.id, keystore.copyKey());
    expect(opened?.facts).toEqual(keystore.facts);
    expect(opened?.mac(Buffer.from("pins"))).toEqual(keystore.mac(Buffer.from("pins")));
    opened?.close();
  });

  test("and with no other: the wrong key is wiped", async () => {
    const { home, keystore } = await openWorld();
    const wrong = randomBytes(32);
    expect(openWithKey(home, keystore.id, wrong)).toBeUndefined();
    expect(wrong).toEqual(Buffer.alloc(32));
    expect(openWithKey(home, ID, keystore.copyKey())).toBeUndefined();
  });

  test("of which one is damaged", async () => {
    const { home, keystore } = await openWorld();
    const key = newKey();
    await keystore.add([{ key, use: "device-signature", profile: key.kid }]);
    const file = join(home.path, "keystore.json");
    const json = JSON.parse(fs.readFileSync(file, "utf8")) as { keys: { sealed: { tag: string } }[] };
    json.keys[0]!.sealed.tag = randomBytes(16).toString("base64url");
    fs.writeFileSync(file, JSON.stringify(json));
    expect(openWithKey(home, keystore.id, keystore.copyKey())).toBeDefined();
  });

  test("but not while it is empty, for there is nothing to try the key on", async () => {
    const { home, keystore } = await openWorld();
    await keystore.remove(keystore.facts.map(({ kid }) => kid));
    expect(openWithKey(home, keystore.id, keystore.copyKey())).toBeUndefined();
  });
});
