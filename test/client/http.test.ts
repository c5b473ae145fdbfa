import * as https from "node:https";
import * as net from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { openHttp } from "../../src/client/http.js";
import { failureKind, type Transport, type TransportRequest } from "../../src/client/transport.js";
import { isMeshError } from "../../src/errors.js";
import { msg } from "../../src/messages/message.js";
import { errorCode, meshError } from "../support/deps.js";
import { reply, serve } from "./support.js";
import { selfSigned } from "./tls.js";

const opened: { readonly close: () => unknown }[] = [];
afterEach(async () => {
  for (const { close } of opened.splice(0)) await close();
});

const connect = async (url: string, ca?: string): Promise<Transport> => {
  const transport = await openHttp(url, { now: () => new Date(), ca: ca === undefined ? undefined : Buffer.from(ca) });
  opened.push({ close: () => transport.close() });
  return transport;
};

const hello = (overrides: Partial<TransportRequest> = {}): TransportRequest => ({
  method: "POST",
  path: "/.well-known/mmm/",
  headers: { "content-type": "application/json" },
  body: Buffer.from('{"Hello":{"HelloRequest":{}}}'),
  timeout: 5000,
  signal: new AbortController().signal,
  ...overrides,
});

/** A server that treats every connection as it likes. */
const rawServer = async (treat: (socket: net.Socket) => void): Promise<string> => {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    treat(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  opened.push({
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  });
  return `http://127.0.0.1:${(server.address() as net.AddressInfo).port}`;
};

const failure = async (transport: Transport, request = hello()) => {
  const error = await meshError(() => transport.send(request));
  return { code: error.code, kind: failureKind(error), message: error.message, hint: error.hint };
};

describe("the http transport", () => {
  it("posts with a length and gives back status, headers and body", async () => {
    const server = await serve((_, response) => reply(response, "answer", 418, { "Retry-After": "3" }));
    const transport = await connect(server.url);
    const answer = await transport.send(hello());
    expect(answer.status).toBe(418);
    expect(answer.headers["retry-after"]).toBe("3");
    expect(answer.body.toString()).toBe("answer");
    expect(transport.authority).toBe(new URL(server.url).host);
    const [request] = server.requests;
    expect(request?.path).toBe("/.well-known/mmm/");
    expect(request?.headers["content-length"]).toBe("29");
    expect(request?.headers["transfer-encoding"]).toBeUndefined();
  });

  it("uses one connection again, but not one that rested for long", async () => {
    let connections = 0;
    const url = await rawServer((socket) => {
      connections++;
      socket.on("data", () => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"));
    });
    let time = 0;
    const transport = await openHttp(url, { now: () => new Date(time) });
    opened.push({ close: () => transport.close() });
    await transport.send(hello());
    await transport.send(hello());
    expect(connections).toBe(1);
    time += 10_000;
    await transport.send(hello());
    expect(connections).toBe(2);
  });

  it("says that nothing listens", async () => {
    const url = await rawServer(() => undefined);
    for (const { close } of opened.splice(0)) await close();
    expect(await failure(await connect(url))).toMatchObject({ code: "portal-unreachable", kind: "refused" });
  });

  it("says that there is no such host", async () => {
    const found = await failure(await connect("http://nothing.invalid"));
    expect(found.code).toBe("portal-unreachable");
    expect(found.message).toContain("nothing.invalid");
    expect(found.hint).toBeDefined();
  });

  it("bounds the whole exchange, however slowly an answer trickles", async () => {
    const silent = await connect(await rawServer(() => undefined));
    expect(await failure(silent, hello({ timeout: 50 }))).toMatchObject({ code: "portal-timeout", kind: "timeout" });
    const url = await rawServer((socket) => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n");
      const timer = setInterval(() => socket.write("x"), 10);
      socket.on("close", () => clearInterval(timer));
    });
    expect(await failure(await connect(url), hello({ timeout: 100 }))).toMatchObject({ code: "portal-timeout" });
  });

  it("tells a dropped connection from an answer", async () => {
    const drops = [
      (socket: net.Socket) => socket.on("data", () => socket.destroy()),
      (socket: net.Socket) => socket.on("data", () => socket.resetAndDestroy()),
      (socket: net.Socket) => socket.on("data", () => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")),
    ];
    for (const drop of drops) {
      const found = await failure(await connect(await rawServer(drop)));
      expect(found).toMatchObject({ code: "portal-unreachable", kind: "dropped" });
    }
  });

  it("refuses what is not HTTP", async () => {
    const url = await rawServer((socket) => socket.write("SSH-2.0-OpenSSH_9.6\r\n"));
    expect(await failure(await connect(url))).toMatchObject({ code: "portal-answer", kind: undefined });
  });

  it("refuses an answer of ten megabytes, announced or not", async () => {
    const large = Buffer.alloc(10 * 1024 * 1024, "x");
    for (const headers of [{}, { "content-length": String(large.length) }]) {
      const server = await serve((_, response) => reply(response, large, 200, headers));
      expect(await failure(await connect(server.url))).toMatchObject({ code: "portal-answer" });
    }
  });

  it("stops when the user interrupts", async () => {
    const transport = await connect(await rawServer(() => undefined));
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 20);
    expect(await errorCode(() => transport.send(hello({ signal: controller.signal })))).toBe("interrupted");
    expect(await errorCode(() => transport.send(hello({ signal: controller.signal })))).toBe("interrupted");
  });
});

describe("the https transport", () => {
  const secure = async (address?: number[]): Promise<{ url: string; cert: string }> => {
    const { cert, key } = selfSigned(address);
    const server = https.createServer({ cert, key }, (request, response) => {
      request.resume();
      request.on("end", () => reply(response, "{}"));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    opened.push({
      close: () => {
        server.close();
        server.closeAllConnections();
      },
    });
    return { url: `https://127.0.0.1:${(server.address() as net.AddressInfo).port}`, cert };
  };

  it("trusts only certificates of an authority that it knows, and names --ca", async () => {
    const { url, cert } = await secure();
    const found = await failure(await connect(url));
    expect(found).toMatchObject({ code: "portal-unreachable", kind: undefined });
    expect(found.hint).toEqual(msg("client.own-authority.hint"));
    expect((await (await connect(url, cert)).send(hello())).status).toBe(200);
    expect((await failure(await connect(url, selfSigned().cert))).code).toBe("portal-unreachable");
  });

  it("refuses a certificate for another address", async () => {
    const { url, cert } = await secure([127, 0, 0, 2]);
    expect((await failure(await connect(url, cert))).code).toBe("portal-unreachable");
  });

  it("says so where the port does not speak https, or --ca is not a certificate", async () => {
    const server = await serve(() => undefined);
    const found = await failure(await connect(server.url.replace("http:", "https:")));
    expect(found).toMatchObject({ code: "portal-unreachable", kind: undefined });
    expect(found.hint).toEqual(msg("client.https-port.hint"));
    const { text } = await meshError(async () => (await connect(server.url.replace("http:", "https:"))).send(hello()));
    expect(text).toEqual(msg("client.not-tls", { url: server.url.replace("http:", "https:") }));
    const { url } = await secure();
    expect(await errorCode(() => connect(url, "no certificate"))).toBe("file-unreadable");
    const broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    const transport = await connect(url, broken);
    await expect(transport.send(hello())).rejects.toSatisfy((error) => isMeshError(error));
  });
});
