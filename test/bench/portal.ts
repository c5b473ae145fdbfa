import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as http from "node:http";
import * as os from "node:os";
import * as path from "node:path";
import { accountUdf } from "../../src/mesh/udf.js";
import {
  generateDeviceKeys,
  generateMasterKeys,
  createDevice,
  createMaster,
  createPersonal,
  nextPersonal,
} from "../../src/mesh/profile.js";
import type { DeviceKeys } from "../../src/mesh/profile.js";
import { publicKeyOf } from "../../src/mesh/keys.js";
import { PORTAL_PATH } from "../../src/mesh/protocol.js";
import type { PersonalProfile } from "../../src/mesh/records/personal.js";
import { signRequest } from "../../src/mesh/request-signature.js";

// The portal's transactions a second, against servers that do nothing but move the same octets: an echo, and one SQLite
// commit, synced to disk, for every request. Everything runs in this one go, so that the ratios mean something.

const PEOPLE = 16;
const VERSIONS = 40;
const CONNECTIONS = 16;
const READS = 4_000;

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "meshman-bench-"));
const children: ChildProcess[] = [];
const root = process.cwd();

interface Person {
  readonly account: string;
  readonly keys: DeviceKeys;
  readonly versions: readonly PersonalProfile[];
}

const makePerson = (index: number): Person => {
  const now = new Date();
  const account = `user${index}@example.com`;
  const master = generateMasterKeys(randomBytes);
  const keys = generateDeviceKeys(randomBytes);
  const device = createDevice(keys, "bench", "", now);
  const escrowKeys = [publicKeyOf(master.escrow)];
  const first = createMaster(master.signature, { administrators: [device], escrowKeys }, now);
  const versions = [createPersonal(keys.online, first, { devices: [device], names: [accountUdf(account)] }, now)];
  while (versions.length <= VERSIONS) {
    const last = versions.at(-1);
    if (last) versions.push(nextPersonal(keys.online, last, {}, now));
  }
  return { account, keys, versions };
};

/** Starts a child and gives the port that it prints on its first line. */
const serve = (words: readonly string[], readPort: (line: string) => number): Promise<number> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"], cwd: root });
    children.push(child);
    let text = "";
    child.once("error", reject);
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString("utf8");
      if (text.includes("\n")) resolve(readPort(text));
    });
  });

/** A server that answers every body with a body of a fixed size, behind one synced SQLite commit where asked for. */
const plainServer = (answerSize: number, sync: boolean): Promise<number> =>
  serve(
    [
      "-e",
      `const http = require("node:http");
       ${
         sync
           ? `const db = new (require(${JSON.stringify(path.join(root, "node_modules/better-sqlite3"))}))(${JSON.stringify(path.join(folder, "baseline.sqlite"))});
              db.pragma("journal_mode = WAL"); db.pragma("synchronous = FULL"); db.exec("CREATE TABLE t (body TEXT)");
              const insert = db.prepare("INSERT INTO t VALUES (?)");`
           : ""
       }
       const answer = Buffer.alloc(${answerSize}, 32);
       http.createServer((request, response) => {
         const chunks = [];
         request.on("data", (chunk) => chunks.push(chunk));
         request.on("end", () => {
           const body = Buffer.concat(chunks);
           ${sync ? "insert.run(body.toString());" : ""}
           response.writeHead(200, { "content-type": "application/json", "content-length": answer.length });
           response.end(answer);
         });
       }).listen(0, "127.0.0.1", function () { console.log(this.address().port); });`,
    ],
    Number,
  );

interface Outgoing {
  readonly body: Buffer;
  readonly headers?: Record<string, string>;
}

const agent = new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS });

const post = (port: number, { body, headers = {} }: Outgoing): Promise<{ status: number; size: number }> =>
  new Promise((resolve, reject) => {
    const request = http.request(
      {
        host: "127.0.0.1",
        port,
        path: PORTAL_PATH,
        method: "POST",
        agent,
        headers: { ...headers, "content-length": body.length },
      },
      (response) => {
        let size = 0;
        response.on("data", (chunk: Buffer) => (size += chunk.length));
        response.on("end", () => resolve({ status: response.statusCode ?? 0, size }));
      },
    );
    request.on("error", reject);
    request.end(body);
  });

/** Sends queues of requests side by side, each queue in order; gives requests a second. */
const load = async (port: number, queues: readonly (readonly Outgoing[])[], expected: number): Promise<number> => {
  const count = queues.reduce((sum, queue) => sum + queue.length, 0);
  const began = performance.now();
  await Promise.all(
    queues.map(async (queue) => {
      for (const message of queue) {
        const { status } = await post(port, message);
        if (status !== expected) throw new Error(`A request was answered with ${status}.`);
      }
    }),
  );
  return (count * 1000) / (performance.now() - began);
};

const spread = (message: Outgoing, total: number): Outgoing[][] =>
  Array.from({ length: CONNECTIONS }, () => Array.from({ length: total / CONNECTIONS }, () => message));

const message = (transaction: string, name: string, request: object): Outgoing => ({
  body: Buffer.from(JSON.stringify({ [transaction]: { [name]: request } })),
});

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/** Runs one command to its end, and gives the milliseconds that it took. */
const timed = (words: readonly string[], home: string): number => {
  const began = performance.now();
  const env = { PATH: process.env["PATH"] ?? "", HOME: folder, MESHMAN_HOME: home, CI: "true" };
  const { status, stderr } = spawnSync(process.execPath, words, { cwd: root, env, encoding: "utf8" });
  if (status !== 0) throw new Error(`${words.join(" ")}: ${stderr}`);
  return performance.now() - began;
};

/** The client's whole commands over HTTP, as multiples of what Node itself needs to start. */
const commands = (port: number): string[] => {
  const portal = ["--portal", `http://127.0.0.1:${port}`];
  const times = { node: [] as number[], create: [] as number[], connect: [] as number[] };
  for (let index = 0; index < 7; index++) {
    const [home, device, account] = [
      path.join(folder, `h${index}`),
      path.join(folder, `d${index}`),
      `cli${index}@example.com`,
    ];
    timed(["bin/meshman.js", "profile", "create", "--no-passphrase"], home);
    times.node.push(timed(["-e", "0"], home));
    times.create.push(timed(["bin/meshman.js", "account", "create", account, ...portal], home));
    const connect = ["device", "connect", account, ...portal, "--trust-on-first-use", "--no-passphrase"];
    times.connect.push(timed(["bin/meshman.js", ...connect], device));
  }
  const ratio = (values: readonly number[]): string => (median(values) / median(times.node)).toFixed(1);
  return [
    "",
    "Commands over HTTP, as multiples of node -e 0, medians of 7.",
    `account create  ${ratio(times.create)}`,
    `device connect  ${ratio(times.connect)}`,
    "",
  ];
};

const bench = async (): Promise<void> => {
  const people = Array.from({ length: PEOPLE }, (_, index) => makePerson(index));
  const port = await serve(
    [
      "bin/meshman.js",
      "portal",
      "serve",
      "--json",
      "--listen",
      "127.0.0.1:0",
      "--store",
      `sqlite:${path.join(folder, "portal.sqlite")}`,
    ],
    (line) => Number(new URL((JSON.parse(line) as { listening: string }).listening).port),
  );
  for (const { account, keys, versions } of people) {
    const create = message("CreateAccount", "CreateRequest", {
      Account: account,
      Profile: { SignedPersonalProfile: versions[0]?.record },
    });
    const headers = signRequest(
      { method: "POST", authority: `127.0.0.1:${port}`, path: PORTAL_PATH, body: create.body },
      keys.authentication,
      Math.floor(Date.now() / 1000),
      randomBytes,
    );
    const { status } = await post(port, { ...create, headers });
    if (status !== 201) throw new Error(`CreateAccount was answered with ${status}.`);
  }

  const hello = message("Hello", "HelloRequest", {});
  const get = message("Get", "GetRequest", { Account: people[0]?.account });
  const publishes = people.map(({ versions }) =>
    versions
      .slice(1)
      .map(({ record }) => message("Publish", "PublishRequest", { Entry: { SignedPersonalProfile: record } })),
  );
  const sizes = { hello: (await post(port, hello)).size, get: (await post(port, get)).size, publish: 120 };
  const echo = {
    hello: await plainServer(sizes.hello, false),
    get: await plainServer(sizes.get, false),
    publish: await plainServer(sizes.publish, false),
  };
  const synced = await plainServer(sizes.publish, true);

  const rounds = { hello: [] as number[][], get: [] as number[][], publish: [] as number[][] };
  const perRound = VERSIONS / 4;
  for (let round = 0; round < 4; round++) {
    const part = publishes.map((queue) => queue.slice(round * perRound, (round + 1) * perRound));
    rounds.hello.push([await load(port, spread(hello, READS), 201), await load(echo.hello, spread(hello, READS), 200)]);
    rounds.get.push([await load(port, spread(get, READS), 201), await load(echo.get, spread(get, READS), 200)]);
    rounds.publish.push([
      await load(port, part, 201),
      await load(echo.publish, part, 200),
      await load(synced, part, 200),
    ]);
  }

  const row = (name: string, figures: readonly number[][]): string => {
    const rate = median(figures.map(([ours = 0]) => ours));
    const ratio = (index: number): string => {
      const values = figures.flatMap((line) =>
        line[index] === undefined ? [] : [(line[0] ?? 0) / (line[index] ?? 1)],
      );
      return values.length === 0 ? "" : median(values).toFixed(2);
    };
    return `${name.padEnd(8)}  ${rate.toFixed(0).padStart(8)}  ${ratio(1).padStart(7)}  ${ratio(2).padStart(12)}`;
  };
  process.stdout.write(
    [
      "",
      "The portal over HTTP, SQLite on disk, medians of 4 rounds. Ratios: 1.00 is as fast as the baseline, less is slower.",
      `${"".padEnd(8)}  ${"a second".padStart(8)}  ${"to echo".padStart(7)}  ${"to one fsync".padStart(12)}`,
      row("Hello", rounds.hello),
      row("Get", rounds.get),
      row("Publish", rounds.publish),
      ...commands(port),
    ].join("\n"),
  );
};

try {
  await bench();
} finally {
  agent.destroy();
  for (const child of children) child.kill("SIGKILL");
  fs.rmSync(folder, { recursive: true, force: true });
}
