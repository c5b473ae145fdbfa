import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as net from "node:net";
import * as tls from "node:tls";
import { expect, vi } from "vitest";
import { PORTAL_PATH } from "../../src/mesh/protocol.js";
import { signRequest } from "../../src/mesh/request-signature.js";
import { makePerson, personalEntry, wrap } from "../support/portal.js";
import { selfSigned } from "../client/tls.js";
import { after, printedBy, seeded, test, type Running, type Stage } from "../support/program.js";

const ACCOUNT = "alice@example.com";

const shape = (body: string, host: string): string =>
  `POST ${PORTAL_PATH} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\n` +
  `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

/** A connection that sends what it is told, and gathers what comes back. */
const connect = async (url: string): Promise<{ send(text: string): void; answer: Promise<string> }> => {
  const { hostname, port } = new URL(url);
  const socket = net.connect(Number(port), hostname);
  let text = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  const answer = new Promise<string>((resolve) => {
    socket.once("close", () => resolve(text));
    socket.on("error", () => undefined);
  });
  await new Promise((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  return { send: (part) => void socket.write(part), answer };
};

/** True for an HTTP answer that has come in whole, with a JSON body. */
const isWhole = (text: string): boolean => {
  const [head = "", body = ""] = text.split("\r\n\r\n");
  const length = Number(/^content-length: (\d+)$/im.exec(head)?.[1]);
  if (!head.startsWith("HTTP/1.1 20") || Buffer.byteLength(body) !== length) return false;
  return typeof JSON.parse(body) === "object";
};

/** A signed request that creates an account, and the account's name. */
const creation = (url: string): { account: string; body: string; headers: Record<string, string> } => {
  const account = `u${randomBytes(8).toString("hex")}@example.com`;
  const person = makePerson("device", new Date());
  const body = wrap("CreateAccount", { Account: account, Profile: personalEntry(person.profile) });
  const signed = { method: "POST", authority: new URL(url).host, path: PORTAL_PATH, body: Buffer.from(body) };
  const time = Math.floor(Date.now() / 1000);
  return { account, body, headers: signRequest(signed, person.admin.keys.authentication, time, randomBytes) };
};

/** Creates accounts one after the other until the portal is gone. Gives those whose creation it has acknowledged. */
const createUntilGone = async (url: string, acknowledged: (account: string) => void): Promise<void> => {
  for (;;) {
    const { account, body, headers } = creation(url);
    try {
      const response = await fetch(new URL(PORTAL_PATH, url), { method: "POST", body, headers });
      const text = await response.text();
      if (response.status === 429) {
        // One address makes so many accounts a minute, and no more.
        await after(20);
        continue;
      }
      expect(response.status, text).toBe(201);
    } catch (error) {
      // The connection broke, or there is none any more: nothing was promised.
      if (error instanceof TypeError) return;
      throw error;
    }
    acknowledged(account);
  }
};

const isThere = async (url: string, account: string): Promise<boolean> => {
  const body = wrap("Get", { Account: account, Multiple: false });
  const response = await fetch(new URL(PORTAL_PATH, url), { method: "POST", body });
  return (await response.text()).includes("SignedPersonalProfile");
};

test.concurrent("on SIGTERM the portal answers the requests under way in full, and ends with 0", async ({ stage }) => {
  const portal = await stage.serve();
  const { host } = new URL(portal.url);
  const request = shape(wrap("Hello", {}), host);
  const half = request.length - 10;
  const connections = await Promise.all(Array.from({ length: 4 }, () => connect(portal.url)));
  const idle = await connect(portal.url);
  for (const { send } of connections) send(request.slice(0, half));
  await after(200);
  const ended = portal.running.stop("SIGTERM");
  // Who has not asked for anything is not waited for.
  expect(await idle.answer).toBe("");
  for (const { send } of connections) send(request.slice(half));
  for (const { answer } of connections) expect(isWhole(await answer)).toBe(true);
  expect(await ended).toMatchObject({ status: 0, stderr: "" });
});

for (const signal of ["SIGTERM", "SIGKILL"] as const) {
  test.concurrent(
    `everything that the portal has acknowledged is there after ${signal} in the middle of writes`,
    async ({ stage }) => {
      const random = seeded(signal === "SIGTERM" ? 11 : 12);
      const acknowledged: string[] = [];
      for (let round = 0; round < 3; round++) {
        const portal = await stage.serve();
        for (const account of acknowledged) expect(await isThere(portal.url, account), account).toBe(true);
        const before = acknowledged.length;
        const writers = Array.from({ length: 6 }, () =>
          createUntilGone(portal.url, (account) => acknowledged.push(account)),
        );
        while (acknowledged.length < before + 4) await after(5);
        await after(random() * 200);
        const { status } = await portal.running.stop(signal);
        expect(status).toBe(signal === "SIGTERM" ? 0 : null);
        await Promise.all(writers);
      }
      const portal = await stage.serve();
      for (const account of acknowledged) expect(await isThere(portal.url, account), account).toBe(true);
      expect((await portal.running.stop("SIGTERM")).status).toBe(0);
    },
  );
}

test.concurrent(
  "a portal that cannot start says why, with a code, and leaves the running one alone",
  async ({ stage }) => {
    const portal = await stage.serve();
    const { host } = new URL(portal.url);
    const fails = (status: number, code: string, words: string): Promise<void> =>
      stage.fails("server", status, code, `portal serve ${words}`);
    await fails(1, "io-failed", `--listen ${host} --store sqlite:other.sqlite`);
    for (const listen of ["nonsense", "127.0.0.1", "127.0.0.1:70000", ":8080", "http://127.0.0.1:8080", "::1:8080"]) {
      await fails(2, "usage", `--listen ${listen}`);
    }
    await fails(2, "usage", "--listen 127.0.0.1:0 --store mysql://somewhere");
    await fails(2, "usage", "--listen 127.0.0.1:0 --domain under_score..example");
    // An address of no machine here.
    await fails(1, "io-failed", "--listen 192.0.2.1:0 --store sqlite:other.sqlite");
    await fails(1, "io-failed", "--listen 127.0.0.1:0 --store sqlite:no/such/folder/portal.sqlite");
    fs.mkdirSync(stage.path("folder"));
    await fails(1, "io-failed", "--listen 127.0.0.1:0 --store sqlite:folder");
    fs.writeFileSync(stage.path("text"), "This is no database at all.\n".repeat(100));
    await fails(1, "state-corrupt", "--listen 127.0.0.1:0 --store sqlite:text");
    await stage.meshman("anybody", `portal hello ${portal.url}`);
  },
);

const STORE = "portal serve --listen 127.0.0.1:0 --store sqlite:portal.sqlite";

test.concurrent("a damaged store is refused with a code, and one that is put back serves again", async ({ stage }) => {
  const first = await stage.serve();
  await stage.meshman("laptop", "profile create --device-name laptop --no-passphrase");
  await stage.meshman("laptop", `account create ${ACCOUNT} --portal ${first.url}`);
  await first.running.stop("SIGTERM");
  const file = stage.path("portal.sqlite");
  expect(fs.statSync(file).mode & 0o777).toBe(0o600);
  const copy = fs.readFileSync(file);
  fs.writeFileSync(file, Buffer.concat([copy.subarray(0, 4096), Buffer.alloc(copy.length - 4096, 0xa5)]));
  await stage.fails("server", 1, "state-corrupt", STORE);
  fs.writeFileSync(file, copy.subarray(0, 5000));
  await stage.fails("server", 1, "state-corrupt", STORE);
  fs.writeFileSync(file, copy);
  const again = await stage.serve();
  expect(await stage.meshman("laptop", `account status --portal ${again.url}`)).toMatchObject({ status: "open" });
});

// The superuser may write every file.
test.skipIf(process.getuid?.() === 0)("a store that may not be written is refused with a code", async ({ stage }) => {
  await (await stage.serve()).running.stop("SIGTERM");
  fs.chmodSync(stage.path("portal.sqlite"), 0o400);
  await stage.fails("server", 5, "read-only", STORE);
});

test.concurrent(
  "a request that a portal had to drop is sent again by running the same command again",
  async ({ stage }) => {
    const { url } = await stage.serve();
    const { profile } = await stage.meshman("laptop", "profile create --device-name laptop --no-passphrase");
    await stage.meshman("laptop", `account create ${ACCOUNT} --portal ${url}`);
    const connectDevice = (name: string) =>
      stage.meshman(
        name,
        `device connect ${ACCOUNT} --portal ${url} --expect-fingerprint ${profile.udf} --device-name ${name} --no-passphrase`,
      );
    const first = await connectDevice("first");
    // One address has at most four requests waiting.
    for (const name of ["d2", "d3", "d4", "d5"]) await connectDevice(name);
    await stage.fails("laptop", 3, "request-not-found", `device complete ${first.code}`);
    expect((await connectDevice("first")).code).toBe(first.code);
    await stage.meshman("laptop", `device complete ${first.code}`);
    expect(await stage.meshman("first", "device status")).toMatchObject({ status: "accepted" });
  },
);

test.concurrent(
  "plain output of serve is for people, its one JSON line for scripts, and both name the port",
  async ({ stage }) => {
    const plain = stage.launch(
      "server",
      "portal serve --listen 127.0.0.1:0 --store sqlite:a.sqlite --domain Example.COM",
    );
    while (!/http:\/\/127\.0\.0\.1:\d+/.test(plain.text())) await after(10);
    expect((await plain.stop("SIGINT")).status).toBe(0);
    const json = stage.launch("server", "portal serve --listen [::1]:0 --store sqlite:b.sqlite --json");
    const line = await json.firstLine().catch(() => undefined);
    if (line === undefined) {
      // A machine without IPv6.
      expect(printedBy(await json.finished).error?.code).toBe("io-failed");
      return;
    }
    expect((JSON.parse(line) as { listening: string }).listening).toMatch(/^http:\/\/\[::1\]:\d+$/);
    const finished = await json.stop("SIGTERM");
    expect(finished.status).toBe(0);
    expect(printedBy(finished)).toMatchObject({ domains: [] });
  },
);

/** What a portal has said of itself, with `--log-format json`. */
const linesOf = ({ text }: Running): Record<string, unknown>[] =>
  text()
    .split("\n")
    .filter((line) => line.startsWith('{"time"') && line.endsWith("}"))
    .map((line) => JSON.parse(line) as Record<string, unknown>);

const said = (running: Running, event: string): Record<string, unknown>[] =>
  linesOf(running).filter((line) => line["event"] === event);

const hears = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 20_000, interval: 20 });

/** The processes of the workers that were started so far, the newest last. */
const workersOf = (running: Running): number[] => said(running, "worker-started").map(({ pid }) => Number(pid));

const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

const STORE_OPTION = "--store sqlite:portal.sqlite";
const WORKERS = `${STORE_OPTION} --workers 2 --log-format json`;

const serveWithWorkers = async (stage: Stage, words = ""): Promise<{ url: string; running: Running }> => {
  const portal = await stage.serve(`${WORKERS} ${words}`.trim());
  await hears(() => expect(workersOf(portal.running)).toHaveLength(2));
  return portal;
};

const greet = async (url: string): Promise<number> =>
  (await fetch(new URL(PORTAL_PATH, url), { method: "POST", body: wrap("Hello", {}) })).status;

test.concurrent("workers share the port, and one that dies is started again", async ({ stage }) => {
  const { url, running } = await serveWithWorkers(stage, "--metrics-listen 0");
  const { metrics = "" } = JSON.parse(await running.firstLine()) as { metrics?: string };
  const { profile } = await stage.meshman("laptop", "profile create --device-name laptop --no-passphrase");
  await stage.meshman("laptop", `account create ${ACCOUNT} --portal ${url}`);
  // Connections go to one worker after the other.
  await vi.waitFor(async () => {
    expect(await greet(url)).toBe(201);
    expect(new Set(said(running, "request").map(({ worker }) => worker))).toEqual(new Set([1, 2]));
  });
  const text = await (await fetch(metrics)).text();
  expect(text).toMatch(/^meshman_portal_workers 2$/m);
  expect(text).toMatch(/^process_resident_memory_bytes\{process="2"\} \d+$/m);
  const [first = 0, second = 0] = workersOf(running);
  process.kill(first, "SIGKILL");
  await hears(() => expect(said(running, "worker-ended")).toMatchObject([{ signal: "SIGKILL", level: "error" }]));
  await hears(() => expect(workersOf(running)).toHaveLength(3));
  // All of them at once: nothing is lost, and somebody answers again soon.
  for (const pid of [second, workersOf(running)[2] ?? 0]) process.kill(pid, "SIGKILL");
  await hears(() => expect(workersOf(running)).toHaveLength(5));
  expect(await isThere(url, ACCOUNT)).toBe(true);
  expect((await fetch(new URL("/readyz", metrics))).status).toBe(200);
  expect(await stage.meshman("laptop", "account status")).toMatchObject({ profile: { udf: profile.udf } });
  expect(await (await fetch(metrics)).text()).toMatch(/^meshman_portal_worker_restarts_total 3$/m);
  const finished = await running.stop("SIGTERM");
  expect(finished.status).toBe(0);
  expect(workersOf(running).filter(isRunning)).toEqual([]);
});

test.concurrent("with workers SIGTERM to one process or to all ends them all in good order", async ({ stage }) => {
  for (const toAll of [false, true]) {
    const { url, running } = await serveWithWorkers(stage);
    const { host } = new URL(url);
    const request = shape(wrap("Hello", {}), host);
    const connections = await Promise.all(Array.from({ length: 4 }, () => connect(url)));
    for (const { send } of connections) send(request.slice(0, -10));
    await after(300);
    const workers = workersOf(running);
    const ended = running.stop("SIGTERM");
    if (toAll) for (const pid of workers) process.kill(pid, "SIGTERM");
    await after(100);
    for (const { send } of connections) send(request.slice(-10));
    for (const { answer } of connections) expect(isWhole(await answer)).toBe(true);
    expect((await ended).status).toBe(0);
    expect(said(running, "worker-ended")).toEqual([]);
    expect(workers.filter(isRunning)).toEqual([]);
  }
});

test.concurrent("workers end with the process that started them, however that ends", async ({ stage }) => {
  const { url, running } = await serveWithWorkers(stage);
  await stage.meshman("laptop", "profile create --device-name laptop --no-passphrase");
  await stage.meshman("laptop", `account create ${ACCOUNT} --portal ${url}`);
  const workers = workersOf(running);
  await running.stop("SIGKILL");
  await hears(() => expect(workers.filter(isRunning)).toEqual([]));
  const again = await stage.serve();
  expect(await isThere(again.url, ACCOUNT)).toBe(true);
});

test.concurrent("with workers a portal that cannot start says why, with a code", async ({ stage }) => {
  const { url } = await stage.serve();
  const { host } = new URL(url);
  const fails = (status: number, code: string, words: string): Promise<void> =>
    stage.fails("server", status, code, `portal serve --workers 2 ${words}`);
  await fails(1, "io-failed", `--listen ${host} --store sqlite:other.sqlite`);
  await fails(1, "io-failed", "--listen 127.0.0.1:0 --store sqlite:no/such/folder/portal.sqlite");
  fs.writeFileSync(stage.path("text"), "This is no database at all.\n".repeat(100));
  await fails(1, "state-corrupt", "--listen 127.0.0.1:0 --store sqlite:text");
  await fails(5, "log-key-missing", `--listen 127.0.0.1:0 ${STORE_OPTION} --log-key-file other.key`);
  await fails(1, "io-failed", `--listen 127.0.0.1:0 --metrics-listen ${host} --store sqlite:third.sqlite`);
});

/** The certificate that a server shows to a new connection. */
const shownBy = (url: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const socket = tls.connect({ host: hostname, port: Number(port), rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.on("error", reject);
  });

for (const workers of [1, 2]) {
  test.concurrent(
    `https with ${workers} process(es): SIGHUP takes a new certificate, or keeps the old`,
    async ({ stage }) => {
      const [first, second] = [selfSigned(), selfSigned()];
      const write = ({ cert, key }: { cert: string; key: string }): void => {
        fs.writeFileSync(stage.path("cert.pem"), cert);
        fs.writeFileSync(stage.path("key.pem"), key, { mode: 0o600 });
      };
      write(first);
      fs.writeFileSync(stage.path("ca.pem"), first.cert);
      const { url, running } = await stage.serve(
        `${STORE_OPTION} --tls-cert cert.pem --tls-key key.pem --log-format json --workers ${workers}`,
      );
      expect(url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
      await stage.meshman("laptop", "profile create --device-name laptop --no-passphrase");
      await stage.meshman("laptop", `account create ${ACCOUNT} --portal ${url} --ca ca.pem`);
      await stage.fails("stranger", 6, "portal-unreachable", `account validate ${ACCOUNT} --portal ${url}`);
      const before = await shownBy(url);
      write({ cert: first.cert, key: second.key });
      running.child.kill("SIGHUP");
      await hears(() => expect(said(running, "reload-failed")).toMatchObject([{ level: "error", code: "usage" }]));
      for (let index = 0; index < 4; index++) expect(await shownBy(url)).toBe(before);
      write(second);
      running.child.kill("SIGHUP");
      await hears(() => expect(said(running, "reloaded")).toHaveLength(1));
      await vi.waitFor(async () => {
        const shown = new Set(await Promise.all(Array.from({ length: 4 }, () => shownBy(url))));
        expect([shown.size, shown.has(before)]).toEqual([1, false]);
      });
      expect((await running.stop("SIGTERM")).status).toBe(0);
    },
  );
}

test.concurrent("SIGHUP does a portal without a certificate no harm", async ({ stage }) => {
  const { url, running } = await stage.serve(`${STORE_OPTION} --log-format json`);
  running.child.kill("SIGHUP");
  await hears(() => expect(said(running, "reloaded")).toHaveLength(1));
  expect(await greet(url)).toBe(201);
  expect((await running.stop("SIGTERM")).status).toBe(0);
});

test.concurrent("a reader of the log that goes away does not end the portal", async ({ stage }) => {
  const { url, running } = await stage.serve(`${STORE_OPTION} --log-format json --metrics-listen 0`);
  running.child.stderr?.destroy();
  for (let index = 0; index < 20; index++) expect(await greet(url)).toBe(201);
  const { metrics = "" } = JSON.parse(await running.firstLine()) as { metrics?: string };
  await vi.waitFor(async () => {
    expect(await (await fetch(metrics)).text()).toMatch(/^meshman_portal_log_lines_dropped_total [1-9]/m);
  });
  expect((await running.stop("SIGTERM")).status).toBe(0);
});
