import * as http from "node:http";
import * as https from "node:https";
import * as net from "node:net";
import * as path from "node:path";
import * as tls from "node:tls";
import Database from "better-sqlite3";
import { afterEach, describe, expect, it, vi } from "vitest";
import { MeshError } from "../../src/errors.js";
import { LIMITS, PORTAL_PATH } from "../../src/mesh/protocol.js";
import { verbatim } from "../../src/messages/message.js";
import { createMetrics } from "../../src/portal/metrics.js";
import { parseListen, startServer, type PortalServer, type ServerOptions } from "../../src/portal/server.js";
import { selfSigned } from "../client/tls.js";
import { errorCode, temporaryFolder } from "../support/deps.js";
import {
  makeClock,
  makeHttpRequest,
  makePerson,
  openTestStore,
  personalEntry,
  random,
  wrap,
} from "../support/portal.js";

const servers: PortalServer[] = [];
const clock = makeClock();

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

const start = async (options: Partial<ServerOptions> = {}): Promise<PortalServer> => {
  const store = await openTestStore(path.join(temporaryFolder(), "portal.sqlite"));
  const listen = { host: "127.0.0.1", port: 0 };
  const timeouts = { headers: 300, request: 600, keepAlive: 300, close: 1000 };
  const server = await startServer({
    store,
    domains: [],
    authorities: [],
    listen,
    timeouts,
    now: clock.now,
    random,
    ...options,
  });
  servers.push(server);
  return server;
};

interface Sent {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
}

const send = (server: PortalServer, body: string | Buffer, options: http.RequestOptions = {}): Promise<Sent> =>
  new Promise((resolve, reject) => {
    const request = http.request(
      { host: "127.0.0.1", port: server.port, path: PORTAL_PATH, method: "POST", agent: false, ...options },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString(),
          }),
        );
      },
    );
    request.on("error", reject);
    request.end(body);
  });

/** Sends octets as they are, and gives everything that comes back until the connection ends. */
const sendRaw = (server: PortalServer, text: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = net.connect(server.port, "127.0.0.1", () => socket.write(text));
    let answer = "";
    socket.on("data", (data) => (answer += data.toString()));
    socket.on("close", () => resolve(answer));
    socket.on("error", reject);
  });

/** Begins a request and waits until the server has read its head; what this gives sends the body and gives the status. */
const begun = (server: PortalServer, body: string): Promise<() => Promise<number | undefined>> =>
  new Promise((resolve, reject) => {
    const headers = { "Content-Length": Buffer.byteLength(body), Expect: "100-continue" };
    const options = { host: "127.0.0.1", port: server.port, path: PORTAL_PATH, method: "POST", agent: false, headers };
    const request = http.request(options);
    const answered = new Promise<number | undefined>((answer, fail) => {
      request.on("response", (response) => {
        response.resume().on("end", () => answer(response.statusCode));
      });
      request.on("error", (error) => {
        fail(error);
        reject(error);
      });
    });
    answered.catch(() => undefined);
    request.on("continue", () =>
      resolve(() => {
        request.end(body);
        return answered;
      }),
    );
    request.flushHeaders();
  });

const hello = wrap("Hello", {});

describe("the HTTP server", () => {
  it("carries a whole transaction, signed for the address it listens at", async () => {
    const server = await start();
    expect(server.url).toBe(`http://127.0.0.1:${server.port}`);
    const alice = makePerson("laptop", clock.now());
    const body = wrap("CreateAccount", { Account: "alice", Profile: personalEntry(alice.profile) });
    for (const authority of [`127.0.0.1:${server.port}`, `localhost:${server.port}`]) {
      const { headers } = makeHttpRequest(body, clock, authority, { signer: alice.admin });
      const answer = await send(server, body, { headers: { ...headers, host: authority } });
      expect(JSON.parse(answer.text)).toMatchObject({ CreateResponse: { Status: 201 } });
      expect(answer.status).toBe(201);
    }
  });

  it("answers to its names and to no others", async () => {
    const server = await start({ domains: ["Example.com"], authorities: ["Proxy.example:8443"] });
    const { port } = server;
    const status = async (host: string): Promise<number> =>
      (await send(server, hello, { headers: { host, "x-forwarded-host": "example.com" } })).status;
    for (const host of ["example.com", `EXAMPLE.com:${port}`, "proxy.example:8443", `127.0.0.1:${port}`]) {
      expect(await status(host)).toBe(201);
    }
    for (const host of ["127.0.0.1", "localhost", `example.com:${port + 1}`, "evil.example", "proxy.example"]) {
      expect([host, await status(host)]).toEqual([host, 400]);
    }
  });

  it("answers to the address at which a request arrived, though it listens at all", async () => {
    const server = await start({ listen: { host: "0.0.0.0", port: 0 } });
    expect((await send(server, hello, { headers: { host: `127.0.0.1:${server.port}` } })).status).toBe(201);
    expect((await send(server, hello, { headers: { host: `localhost:${server.port}` } })).status).toBe(400);
  });

  it("refuses a request without a Host, or with two", async () => {
    const server = await start();
    const rest = `Content-Length: ${hello.length}\r\nConnection: close\r\n\r\n${hello}`;
    expect(await sendRaw(server, `POST ${PORTAL_PATH} HTTP/1.1\r\n${rest}`)).toMatch(/^HTTP\/1.1 400 /);
    const host = `Host: 127.0.0.1:${server.port}\r\n`;
    expect(await sendRaw(server, `POST ${PORTAL_PATH} HTTP/1.1\r\n${host}${rest}`)).toMatch(/^HTTP\/1.1 201 /);
    const two = `POST ${PORTAL_PATH} HTTP/1.1\r\nHost: evil.example\r\n${host}${rest}`;
    expect(await sendRaw(server, two)).toMatch(/^HTTP\/1.1 400 /);
  });

  it("tells other methods and paths what to do", async () => {
    const server = await start();
    const get = await send(server, "", { method: "GET" });
    expect(get).toMatchObject({ status: 405, headers: { allow: "POST", "content-type": "application/json" } });
    expect(JSON.parse(get.text).MeshResponse.StatusDescription).toContain("POST");
    expect((await send(server, hello, { path: "/" })).status).toBe(404);
    expect((await send(server, hello, { path: "/.well-known/mmm" })).status).toBe(201);
  });

  it("keeps connections open, and takes chunked bodies", async () => {
    const server = await start();
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    for (let index = 0; index < 3; index++) {
      const headers = index === 1 ? { "transfer-encoding": "chunked" } : {};
      expect((await send(server, hello, { agent, headers })).status).toBe(201);
    }
    agent.destroy();
  });

  it("answers a request that waits to be told to go on", async () => {
    const server = await start();
    const head = `POST ${PORTAL_PATH} HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nExpect: 100-continue\r\nConnection: close\r\n`;
    const answer = await sendRaw(server, `${head}Content-Length: ${hello.length}\r\n\r\n${hello}`);
    expect(answer).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 201 /);
    const refused = await sendRaw(server, `${head}Content-Length: ${LIMITS.body + 1}\r\n\r\n`);
    expect(refused).toMatch(/^HTTP\/1.1 413 /);
  });

  it("refuses too long a body as soon as it sees that, and closes", async () => {
    const server = await start();
    const announced = await sendRaw(
      server,
      `POST ${PORTAL_PATH} HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nContent-Length: 99999999999\r\n\r\nx`,
    );
    expect(announced).toMatch(/^HTTP\/1.1 413 /);
    expect(announced).toMatch(/connection: close/i);
    const headers = { "transfer-encoding": "chunked" };
    const answer = await send(server, Buffer.alloc(LIMITS.body + 1, 0x20), { headers });
    expect(answer).toMatchObject({ status: 413, headers: { connection: "close" } });
    expect(JSON.parse(answer.text).MeshResponse.Status).toBe(413);
    const inFrench = await send(server, Buffer.alloc(LIMITS.body + 1, 0x20), {
      headers: { ...headers, "accept-language": "es, fr;q=0.5" },
    });
    expect(JSON.parse(inFrench.text).MeshResponse.StatusDescription).toMatch(/^Une requête /);
    const whole = Buffer.concat([Buffer.from(hello), Buffer.alloc(LIMITS.body - hello.length, 0x20)]);
    expect((await send(server, whole)).status).toBe(201);
  });

  it("reads no more than it may hold, and goes on when that is less again", async () => {
    const server = await start({
      maxHeld: 1000,
      timeouts: { headers: 5000, request: 5000, keepAlive: 300, close: 1000 },
    });
    const head = `POST ${PORTAL_PATH} HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nConnection: close\r\n`;
    const body = `${hello}${" ".repeat(900 - hello.length)}`;
    const slow = net.connect(server.port, "127.0.0.1");
    let answer = "";
    slow.on("data", (data) => (answer += data.toString()));
    slow.write(`${head}Content-Length: ${body.length}\r\n\r\n${body.slice(0, -1)}`);
    await vi.waitFor(async () => {
      const refused = await send(server, hello.padEnd(200));
      expect(refused).toMatchObject({ status: 503, headers: { "retry-after": "1", connection: "close" } });
    });
    const chunked = await send(server, hello.padEnd(200), { headers: { "transfer-encoding": "chunked" } });
    expect(chunked.status).toBe(503);
    // What is small enough still gets through, and a client that goes away makes room.
    expect((await send(server, hello)).status).toBe(201);
    const gone = net.connect(server.port, "127.0.0.1");
    gone.write(`${head}Content-Length: 60\r\n\r\n${" ".repeat(50)}`);
    gone.on("error", () => undefined);
    slow.write(body.slice(-1));
    await vi.waitFor(() => expect(answer).toMatch(/^HTTP\/1.1 201 /));
    gone.destroy();
    await vi.waitFor(async () => expect((await send(server, hello.padEnd(1000))).status).toBe(201));
  });

  it("drops clients that take too long", async () => {
    const server = await start();
    const head = `POST ${PORTAL_PATH} HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n`;
    const slow = [head, `${head}Content-Length: 100\r\n\r\n{"Hello":`, ""];
    const answers = await Promise.all(slow.map((text) => sendRaw(server, text)));
    for (const answer of answers) expect(answer).toMatch(/^(HTTP\/1.1 408 |$)/);
    // On a busy machine the connection may be given up before any of its octets have been read.
    await expect.poll(() => sendRaw(server, head), { timeout: 20_000 }).toMatch(/^HTTP\/1.1 408 /);
    expect((await send(server, hello)).status).toBe(201);
  });

  it("refuses what is not HTTP, and headers without end", async () => {
    const server = await start();
    expect(await sendRaw(server, "nonsense\r\n\r\n")).toMatch(/^HTTP\/1.1 400 /);
    const long = `POST ${PORTAL_PATH} HTTP/1.1\r\nHost: x\r\nX: ${"y".repeat(20_000)}\r\n\r\n`;
    expect(await sendRaw(server, long)).toMatch(/^HTTP\/1.1 431 /);
  });

  it("finishes the requests under way when it is closed", async () => {
    const server = await start({ timeouts: { headers: 5000, request: 5000, keepAlive: 5000, close: 5000 } });
    // Each has been begun: the server has read its head, and asks for its body.
    const requests = await Promise.all(Array.from({ length: 5 }, () => begun(server, hello)));
    const closed = server.close();
    const answers = await Promise.all(requests.map((finish) => finish()));
    await closed;
    expect(answers).toEqual([201, 201, 201, 201, 201]);
    await expect(send(server, hello)).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  it("does not wait for ever for a client when it is closed", async () => {
    const server = await start({ timeouts: { headers: 5000, request: 5000, keepAlive: 5000, close: 200 } });
    const pending = sendRaw(
      server,
      `POST ${PORTAL_PATH} HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nContent-Length: 9\r\n\r\n`,
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    const start_ = performance.now();
    await server.close();
    expect(performance.now() - start_).toBeLessThan(2000);
    await pending.catch(() => undefined);
  });

  it("says why it cannot listen", async () => {
    const server = await start();
    expect(await errorCode(() => start({ listen: { host: "127.0.0.1", port: server.port } }))).toBe("io-failed");
    expect(await errorCode(() => start({ domains: ["not a domain"] }))).toBe("usage");
  });

  it("answers many at once", async () => {
    const server = await start();
    const answers = await Promise.all(
      Array.from({ length: 60 }, () => send(server, wrap("Get", { Account: "nobody" }))),
    );
    expect(answers.every(({ status }) => status === 404)).toBe(true);
  });
});

describe("the HTTPS server", () => {
  const pair = selfSigned();

  const sendSecurely = (server: PortalServer, ca: string, options: https.RequestOptions = {}): Promise<Sent> =>
    new Promise((resolve, reject) => {
      const request = https.request(
        {
          host: "127.0.0.1",
          port: server.port,
          path: PORTAL_PATH,
          method: "POST",
          agent: false,
          ca,
          servername: "",
          ...options,
        },
        (response) => {
          let text = "";
          response.on("data", (chunk: Buffer) => (text += chunk.toString()));
          response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
        },
      );
      request.on("error", reject);
      request.end(hello);
    });

  it("carries a whole transaction, and says https", async () => {
    const server = await start({ tls: pair });
    expect(server.url).toBe(`https://127.0.0.1:${server.port}`);
    expect(await sendSecurely(server, pair.cert)).toMatchObject({ status: 201 });
    for (const host of ["evil.example", "127.0.0.1"]) {
      expect((await sendSecurely(server, pair.cert, { headers: { host } })).status).toBe(400);
    }
    // Plain HTTP is not answered there.
    expect(await sendRaw(server, `POST ${PORTAL_PATH} HTTP/1.1\r\nHost: x\r\n\r\n`)).not.toMatch(/^HTTP/);
  });

  it("speaks TLS 1.2 and above, and HTTP/1.1 alone", async () => {
    const server = await start({ tls: pair });
    const connect = (options: tls.ConnectionOptions): Promise<tls.TLSSocket> =>
      new Promise((resolve, reject) => {
        const socket = tls.connect({ host: "127.0.0.1", port: server.port, ca: pair.cert, ...options }, () =>
          resolve(socket),
        );
        socket.on("error", reject);
      });
    for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
      const socket = await connect({ minVersion: version, maxVersion: version, ALPNProtocols: ["h2", "http/1.1"] });
      expect([socket.getProtocol(), socket.alpnProtocol]).toEqual([version, "http/1.1"]);
      socket.destroy();
    }
    const old = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "ALL:@SECLEVEL=0" } as const;
    await expect(connect(old)).rejects.toThrow();
    await expect(connect({ ALPNProtocols: ["h2"] })).rejects.toThrow();
  });

  it("takes a new certificate while it serves, and keeps the old one where the new one is none", async () => {
    const timeouts = { headers: 5000, request: 5000, keepAlive: 5000, close: 5000 };
    const server = await start({ tls: pair, timeouts });
    const next = selfSigned();
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1, ca: pair.cert });
    expect((await sendSecurely(server, pair.cert, { agent })).status).toBe(201);
    for (const wrong of [
      { cert: pair.cert, key: next.key },
      { cert: "", key: "" },
      { cert: "nonsense", key: next.key },
      { cert: next.cert, key: "nonsense" },
    ]) {
      expect(await errorCode(() => server.replaceTls(wrong))).toBe("usage");
    }
    expect((await sendSecurely(server, pair.cert)).status).toBe(201);
    server.replaceTls(next);
    expect((await sendSecurely(server, next.cert)).status).toBe(201);
    await expect(sendSecurely(server, pair.cert)).rejects.toThrow();
    // Whoever is connected stays so.
    expect((await sendSecurely(server, pair.cert, { agent })).status).toBe(201);
    agent.destroy();
  });

  it("does not start with a certificate that is none", async () => {
    expect(await errorCode(() => start({ tls: { cert: pair.cert, key: selfSigned().key } }))).toBe("usage");
  });

  it("is closed though clients say nothing, with TLS agreed or not", async () => {
    const timeouts = { headers: 5000, request: 5000, keepAlive: 5000, close: 5000 };
    const server = await start({ tls: pair, timeouts });
    const silent = net.connect(server.port, "127.0.0.1");
    const agreed = tls.connect({ host: "127.0.0.1", port: server.port, ca: pair.cert });
    const ends = [silent, agreed].map(
      (socket) => new Promise((resolve) => socket.on("close", resolve).on("error", () => undefined)),
    );
    await Promise.all([
      new Promise((resolve) => silent.once("connect", resolve)),
      // The server sends its session tickets when it has agreed as well.
      new Promise((resolve) => agreed.once("session", resolve)),
    ]);
    const began = performance.now();
    await server.close();
    expect(performance.now() - began).toBeLessThan(2000);
    await Promise.all(ends);
  });
});

describe("who watches over the server", () => {
  const get = (server: PortalServer, target: string, options: http.RequestOptions = {}): Promise<Sent> =>
    send(server, "", { path: target, method: "GET", ...options });

  it("hears that it lives and is ready, by any name", async () => {
    const server = await start({ domains: ["example.com"] });
    for (const target of ["/healthz", "/readyz"]) {
      const answer = await get(server, target, { headers: { host: "10.0.0.1" } });
      expect(answer).toMatchObject({ status: 200, text: "ok\n", headers: { "cache-control": "no-store" } });
      expect((await get(server, target, { method: "HEAD" })).status).toBe(200);
      expect((await send(server, hello, { path: target })).status).toBe(404);
    }
    // What is measured is told elsewhere.
    expect((await get(server, "/metrics")).status).toBe(404);
  });

  it("hears that it is not ready where the store does not answer", async () => {
    const store = await openTestStore(path.join(temporaryFolder(), "portal.sqlite"));
    let fails = true;
    const server = await start({
      store: {
        ...store,
        read: (work) => (fails ? Promise.reject(new MeshError("io-failed", verbatim("broken"))) : store.read(work)),
      },
    });
    expect([(await get(server, "/healthz")).status, (await get(server, "/readyz")).status]).toEqual([200, 503]);
    fails = false;
    // What was found counts for a second.
    expect((await get(server, "/readyz")).status).toBe(503);
    await vi.waitFor(async () => expect((await get(server, "/readyz")).status).toBe(200), { timeout: 5000 });
  });

  it("hears that it is not ready where the head is old and cannot be signed anew", async () => {
    const store = await openTestStore(path.join(temporaryFolder(), "portal.sqlite"));
    const time = makeClock();
    let isFull = false;
    const unsigned: boolean[] = [];
    const server = await start({
      now: time.now,
      onUnsigned: (_, isFirst) => unsigned.push(isFirst),
      store: {
        ...store,
        refreshHead: (at, before) =>
          isFull ? Promise.reject(new MeshError("io-failed", verbatim("full"))) : store.refreshHead(at, before),
      },
    });
    const becomes = (status: number): Promise<void> =>
      vi.waitFor(
        async () => {
          // Past the pause between two attempts.
          time.advance(11_000);
          expect((await get(server, "/readyz")).status).toBe(status);
        },
        { timeout: 10_000, interval: 300 },
      );
    // Nobody has asked for it yet.
    await becomes(200);
    isFull = true;
    time.advance(14 * 60_000);
    await becomes(503);
    expect((await server.health()).head).toBeDefined();
    await vi.waitFor(
      async () => {
        time.advance(11_000);
        await get(server, "/readyz");
        expect(unsigned.length).toBeGreaterThan(1);
      },
      { timeout: 10_000, interval: 300 },
    );
    expect(unsigned.map((isFirst, index) => isFirst === (index === 0))).not.toContain(false);
    isFull = false;
    await becomes(200);
  });

  it.each(["root = zeroblob(32)", "size = 7", "checkpoint = replace(checkpoint, 'time', 'tame')"])(
    "hears that it is not ready where the head is damaged: %s",
    async (damage) => {
      const file = path.join(temporaryFolder(), "portal.sqlite");
      const server = await start({ store: await openTestStore(file) });
      const db = new Database(file);
      db.exec(`UPDATE head SET ${damage}`);
      db.close();
      expect((await get(server, "/readyz")).status).toBe(503);
    },
  );

  it("sees what was measured and what became of each request", async () => {
    const metrics = createMetrics(() => ({ startTime: 0, cpuSeconds: 0, residentBytes: 0, heapBytes: 0 }));
    const seen: { status: number; transaction: string; id: string | undefined; address: string }[] = [];
    const server = await start({
      metrics,
      log: ({ status, transaction }, { id, address }) => seen.push({ status, transaction, id, address }),
      rateLimit: { read: 2, write: 1 },
    });
    const answers = [await send(server, hello), await send(server, hello), await send(server, hello)];
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 429]);
    expect((await send(server, "nonsense")).status).toBe(429);
    // Now nothing is left, and not even the body is read.
    const unread = await sendRaw(
      server,
      `POST ${PORTAL_PATH} HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nContent-Length: 1000\r\n\r\n`,
    );
    expect(unread).toMatch(/^HTTP\/1.1 429 /);
    expect(unread).toMatch(/^retry-after: \d+\r$/im);
    expect(seen.map(({ status, transaction }) => [status, transaction])).toEqual([
      [201, "Hello"],
      [201, "Hello"],
      [429, "Hello"],
      [429, "unknown"],
      [429, "unknown"],
    ]);
    expect(answers.map(({ headers }) => headers["x-request-id"])).toEqual(seen.slice(0, 3).map(({ id }) => id));
    expect(new Set(seen.map(({ id }) => id)).size).toBe(5);
    expect(seen.every(({ address }) => address === "127.0.0.1")).toBe(true);
    await vi.waitFor(() =>
      expect(metrics.measure().values).toMatchObject({
        meshman_portal_connections: { "": 0 },
        meshman_portal_requests_in_flight: { "": 0 },
      }),
    );
    metrics.close();
  });

  it("sees whom a trusted proxy asks for, and each has a rate of their own", async () => {
    const addresses: string[] = [];
    const server = await start({
      proxy: { header: "X-Real-IP", trusted: ["127.0.0.0/8"] },
      log: (_, { address }) => addresses.push(address),
      rateLimit: { read: 1 },
    });
    const from = async (address: string): Promise<number> =>
      (await send(server, hello, { headers: { "x-real-ip": address } })).status;
    expect([await from("192.0.2.1"), await from("192.0.2.2"), await from("192.0.2.1")]).toEqual([201, 201, 429]);
    expect(addresses).toEqual(["192.0.2.1", "192.0.2.2", "192.0.2.1"]);
    expect(await errorCode(() => start({ proxy: { header: "Forwarded", trusted: ["127.0.0.1"] } }))).toBe("usage");
  });
});

describe("an address to listen at", () => {
  it.each([
    ["127.0.0.1:8080", "127.0.0.1", 8080],
    ["localhost:0", "localhost", 0],
    ["[::1]:443", "::1", 443],
    ["[fe80::1%eth0]:65535", "fe80::1%eth0", 65535],
  ])("is read from %s", (text, host, port) => {
    expect(parseListen(text)).toEqual({ host, port });
  });

  it.each([
    "",
    "8080",
    ":8080",
    "localhost",
    "localhost:",
    "::1:80",
    "[::1]",
    "a:65536",
    "a:-1",
    "a:1e3",
    "a b:80",
    "http://a:80",
  ])("is not %j", async (text) => {
    expect(await errorCode(() => parseListen(text))).toBe("usage");
  });
});
