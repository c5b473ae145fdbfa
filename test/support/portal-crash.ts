import { spawn, type ChildProcess } from "node:child_process";
import * as http from "node:http";
import { signRequest } from "../../src/mesh/request-signature.js";
import { encodeBase64url } from "../../src/mesh/bytes.js";
import { openCheckpoint, type Checkpoint } from "../../src/mesh/log/checkpoint.js";
import { appendLeaves, decodeEntries, tilePath, tileReader, TILE_WIDTH } from "../../src/mesh/log/tiles.js";
import { leafHash, treeRoot, verifyConsistency, verifyInclusion } from "../../src/mesh/log/tree.js";
import { nextPersonal } from "../../src/mesh/profile.js";
import { PORTAL_PATH, type Proof } from "../../src/mesh/protocol.js";
import { LAUNCHER } from "./program.js";
import { makePerson, personalEntry, random as randomOctets, wrap, type Person } from "./portal.js";

// Portals that are killed again and again while people write to them.

export interface PortalCrashOptions {
  /** How many times a process is killed. */
  readonly kills: number;
  /** How many processes serve the store. */
  readonly processes: number;
  /** What follows `portal serve`, `portal fsck`. */
  readonly store: readonly string[];
  readonly cwd: string;
  /** From 0 to 1: moments and victims come from it. */
  readonly random: () => number;
}

export interface PortalCrashes {
  readonly kills: number;
  readonly acknowledged: number;
  readonly checkpoints: number;
  readonly problems: readonly string[];
}

const WRITERS = 6;
/** A portal is killed within so many milliseconds after it was found to serve, */
const LIFE = 150;
/** or, in so many of all cases, while it starts: within as many after that was begun. */
const EARLY = 0.1;
const PATIENCE = 60_000;

interface Server {
  readonly child: ChildProcess;
  /** Where it listens, as soon as it says so. */
  url: string | undefined;
  readonly ended: Promise<void>;
}

interface Acknowledged {
  readonly index: number;
  readonly leaf: Buffer;
}

const sleep = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

const environment = (cwd: string): NodeJS.ProcessEnv => ({
  PATH: process.env["PATH"],
  HOME: cwd,
  MESHMAN_HOME: `${cwd}/home`,
});

const start = ({ store, cwd }: PortalCrashOptions): Server => {
  const unlimited = ["write", "account-write", "create-account", "read"].flatMap((kind) => ["--rate", `${kind}=none`]);
  const words = [
    "portal",
    "serve",
    "--listen",
    "127.0.0.1:0",
    ...store,
    ...unlimited,
    "--log-format",
    "none",
    "--json",
  ];
  const child = spawn(process.execPath, [LAUNCHER, ...words], {
    cwd,
    env: environment(cwd),
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const server: Server = { child, url: undefined, ended };
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => {
    text += chunk.toString();
    const end = text.indexOf("\n");
    if (end > 0) server.url ??= (JSON.parse(text.slice(0, end)) as { listening: string }).listening;
  });
  return server;
};

/** Runs a command of the portal's operator, and gives what it prints. */
const operate = async ({ store, cwd }: PortalCrashOptions, verb: string): Promise<{ status: number; text: string }> => {
  const child = spawn(process.execPath, [LAUNCHER, "portal", verb, ...store, "--json"], {
    cwd,
    env: environment(cwd),
    stdio: ["ignore", "pipe", "ignore"],
  });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const status = await new Promise<number>((resolve) => child.once("close", (code) => resolve(code ?? -1)));
  return { status, text };
};

interface Reply {
  readonly status: number;
  readonly body: Buffer;
}

const send = (url: string, method: string, path: string, headers: object, body?: Buffer): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const request = http.request(
      `${url}${path}`,
      { method, headers: { ...headers }, timeout: PATIENCE },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }));
        response.on("close", () => reject(new Error("cut off")));
      },
    );
    request.on("timeout", () => request.destroy(new Error("too slow")));
    request.on("error", reject);
    request.end(body);
  });

/** What all answers have. */
interface Message {
  readonly Status: number;
  readonly RequestID?: string;
  readonly Checkpoint?: string;
  readonly Consistency?: readonly string[];
  readonly Proofs?: readonly Proof[];
  readonly Log?: { readonly Key: string };
}

const readReply = ({ body }: Reply): Message =>
  Object.values(JSON.parse(body.toString()) as Record<string, Message>)[0]!;

const octets = (text: string): Buffer => Buffer.from(text, "base64url");

/** Kills portals and restarts them while people write, and looks at last at what is left. */
export const crashPortals = async (options: PortalCrashOptions): Promise<PortalCrashes> => {
  const { kills, processes, random } = options;
  const problems: string[] = [];
  const acknowledged: Acknowledged[] = [];
  const checkpoints = new Map<string, Checkpoint>();
  const servers: Server[] = [];
  let verifier = "";
  let isOver = false;

  const problem = (text: string): void => {
    if (problems.length < 20) problems.push(text);
  };
  const pick = (): string | undefined => {
    const urls = servers.flatMap(({ url, child }) => (url !== undefined && child.exitCode === null ? [url] : []));
    return urls[Math.floor(random() * urls.length)];
  };

  const post = async (
    url: string,
    transaction: "Hello" | "CreateAccount" | "Publish",
    message: object,
    signer?: Person,
  ): Promise<Message> => {
    const body = Buffer.from(wrap(transaction, message));
    const authority = url.slice("http://".length);
    const signature = signer
      ? signRequest(
          { method: "POST", authority, path: PORTAL_PATH, body },
          signer.admin.keys.authentication,
          Math.floor(Date.now() / 1000),
          randomOctets,
        )
      : {};
    const headers = { "content-type": "application/json", "content-length": body.length, ...signature };
    return readReply(await send(url, "POST", PORTAL_PATH, headers, body));
  };

  /** Looks at an answer as a client would. Gives the head that it was given under. */
  const check = (message: Message, requestId: string, known: Checkpoint | undefined): Checkpoint => {
    if (message.RequestID !== requestId || message.Checkpoint === undefined) throw new Error("an unsealed answer");
    const head = openCheckpoint(message.Checkpoint, verifier);
    checkpoints.set(head.note, head);
    if (known && !verifyConsistency(known, head, (message.Consistency ?? []).map(octets))) {
      problem(`the head of size ${head.size} does not follow that of size ${known.size}`);
    }
    for (const { Index, Leaf, Hashes } of message.Proofs ?? []) {
      const leaf = octets(Leaf);
      if (!verifyInclusion({ index: Index, hash: leafHash(leaf) }, head, Hashes.map(octets))) {
        problem(`leaf ${Index} is not in the tree of size ${head.size}`);
      }
      if (message.Status === 201) acknowledged.push({ index: Index, leaf });
    }
    return head;
  };

  /** Sends a change until it is acknowledged. Nothing is sent after the end, so that it can be seen what is left. */
  const untilDone = async (
    transaction: "CreateAccount" | "Publish",
    change: object,
    signer: Person,
    known: Checkpoint | undefined,
  ): Promise<Checkpoint | undefined> => {
    while (!isOver) {
      const url = pick();
      if (url === undefined) {
        await sleep(5);
        continue;
      }
      const RequestID = encodeBase64url(randomOctets(16));
      const message = { ...change, RequestID, ...(known && { Checkpoint: known.note }) };
      let answer: Message;
      try {
        answer = await post(url, transaction, message, signer);
      } catch {
        // Killed: whether the change was made is seen when it is sent again.
        await sleep(5);
        continue;
      }
      if (answer.Status === 503) continue;
      const head = check(answer, RequestID, known);
      if (answer.Status === 201) {
        if ((answer.Proofs ?? []).length === 0) problem(`${transaction} was acknowledged without a proof`);
        return head;
      }
      problem(`${transaction} was answered with ${answer.Status}`);
      return undefined;
    }
    return undefined;
  };

  const write = async (number: number): Promise<void> => {
    const person = makePerson(`device ${number}`, new Date());
    let { profile } = person;
    let head = await untilDone(
      "CreateAccount",
      { Account: `writer${number}@example.com`, Profile: personalEntry(profile) },
      person,
      undefined,
    );
    for (let version = 0; head && !isOver; version++) {
      profile = nextPersonal(person.admin.keys.online, profile, { names: [] }, new Date());
      head = await untilDone("Publish", { Entry: personalEntry(profile) }, person, head);
    }
  };

  const restart = async (slot: number): Promise<void> => {
    const old = servers[slot];
    old?.child.kill("SIGKILL");
    await old?.ended;
    servers[slot] = start(options);
  };
  const awaitUrl = async (server: Server): Promise<string> => {
    for (const end = Date.now() + PATIENCE; server.url === undefined;) {
      if (Date.now() > end || server.child.exitCode !== null) throw new Error("A portal does not start.");
      await sleep(5);
    }
    return server.url;
  };

  for (let slot = 0; slot < processes; slot++) {
    servers[slot] = start(options);
    // The first one makes the store and its key.
    await awaitUrl(servers[slot]!);
  }
  verifier = (await post(await awaitUrl(servers[0]!), "Hello", {})).Log?.Key ?? "";
  const writers = Array.from({ length: WRITERS }, (_, number) => write(number));
  try {
    for (let kill = 0; kill < kills; kill++) {
      const slot = Math.floor(random() * processes);
      if (random() >= EARLY) await awaitUrl(servers[slot]!);
      await sleep(random() * (LIFE / processes));
      await restart(slot);
    }
    // What was under way is finished by whoever comes next.
    const before = acknowledged.length;
    for (const end = Date.now() + PATIENCE; acknowledged.length < before + WRITERS; await sleep(20)) {
      if (Date.now() > end) throw new Error("Nothing is acknowledged any more.");
    }
  } finally {
    isOver = true;
    await Promise.all(writers).catch((error: unknown) => problem(String(error)));
  }

  const url = await awaitUrl(servers[0]!);
  const get = async (path: string): Promise<Buffer> => {
    const { status, body } = await send(url, "GET", `${PORTAL_PATH}${path}`, {});
    if (status !== 200) throw new Error(`${path}: ${status}`);
    return body;
  };
  const last = openCheckpoint((await get("checkpoint")).toString(), verifier);
  const leaves: Buffer[] = [];
  while (leaves.length < last.size) {
    const width = Math.min(TILE_WIDTH, last.size - leaves.length);
    leaves.push(...(decodeEntries(await get(tilePath("entries", leaves.length / TILE_WIDTH, width))) ?? []));
  }
  const tiles = new Map(
    appendLeaves(0, leaves.map(leafHash), () => undefined).map(({ level, index, hashes }) => [
      `${level}/${index}`,
      hashes,
    ]),
  );
  const read = tileReader((level, index) => tiles.get(`${level}/${index}`));
  for (const { size, root } of checkpoints.values()) {
    if (size > last.size || !treeRoot(size, read).equals(root))
      problem(`the head of size ${size} is of another history`);
  }
  for (const { index, leaf } of acknowledged) {
    if (!leaves[index]?.equals(leaf)) problem(`leaf ${index} was acknowledged and is not there`);
  }
  for (const { child } of servers) child.kill("SIGTERM");
  await Promise.all(servers.map(({ ended }) => ended));
  const { status, text } = await operate(options, "fsck");
  if (status !== 0) problem(`fsck: ${text}`);
  return { kills, acknowledged: acknowledged.length, checkpoints: checkpoints.size, problems };
};
