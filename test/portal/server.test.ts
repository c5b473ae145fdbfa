import * as http from "node:http";
import * as net from "node:net";
import * as path from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { LIMITS, PORTAL_PATH } from "../../src/mesh/protocol.js";
import { parseListen, startServer, type PortalServer, type ServerOptions } from "../../src/portal/server.js";
import { openSqliteStore } from "../../src/portal/store/sqlite.js";
import { errorCode, temporaryFolder } from "../support/deps.js";
import { makeClock, makeHttpRequest, makePerson, personalEntry, random, wrap } from "../support/portal.js";

const servers: PortalServer[] = [];
const clock = makeClock();

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

const start = async (options: Partial<ServerOptions> = {}): Promise<PortalServer> => {
  const store = await openSqliteStore(path.join(temporaryFolder(), "portal.sqlite"), { random });
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

  it("drops clients that take too long", async () => {
    const server = await start();
    const head = `POST ${PORTAL_PATH} HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n`;
    const answers = await Promise.all([
      sendRaw(server, head),
      sendRaw(server, `${head}Content-Length: 100\r\n\r\n{"Hello":`),
      sendRaw(server, ""),
    ]);
    expect(answers[0]).toMatch(/^HTTP\/1.1 408 /);
    expect(answers[1]).toMatch(/^(HTTP\/1.1 408 |$)/);
    expect(answers[2]).toMatch(/^(HTTP\/1.1 408 |$)/);
    expect((await send(server, hello)).status).toBe(201);
  });

  it("refuses what is not HTTP, and headers without end", async () => {
    const server = await start();
    expect(await sendRaw(server, "nonsense\r\n\r\n")).toMatch(/^HTTP\/1.1 400 /);
    const long = `POST ${PORTAL_PATH} HTTP/1.1\r\nHost: x\r\nX: ${"y".repeat(20_000)}\r\n\r\n`;
    expect(await sendRaw(server, long)).toMatch(/^HTTP\/1.1 431 /);
  });

  it("finishes the requests under way when it is closed", async () => {
    const server = await start();
    const requests = Array.from({ length: 5 }, () => send(server, hello));
    await new Promise((resolve) => setTimeout(resolve, 30));
    const answers = await Promise.all([...requests, server.close().then(() => undefined)]);
    expect(answers.slice(0, 5).every((answer) => answer?.status === 201)).toBe(true);
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
