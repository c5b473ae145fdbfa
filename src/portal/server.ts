import * as http from "node:http";
import * as https from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { MeshError } from "../errors.js";
import { LIMITS } from "../mesh/protocol.js";
import { LANGUAGES } from "../messages/language.js";
import { msg } from "../messages/message.js";
import { loadTranslator } from "../messages/translate.js";
import { createClientAddress, type ProxyOptions } from "./client-address.js";
import { canonicalDomains } from "./context.js";
import { createHealth, type Health } from "./health.js";
import type { Metrics } from "./metrics.js";
import { createPortal, encodeRefusal, type PortalOptions, type PortalRequest, type PortalResponse } from "./portal.js";
import { checkTlsPair, TLS_OPTIONS, type TlsPair } from "./tls.js";

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** How long a client may take, in milliseconds. */
export interface ServerTimeouts {
  /** To send all headers. */
  readonly headers: number;
  /** To send the whole request. */
  readonly request: number;
  /** Between two requests of one connection. */
  readonly keepAlive: number;
  /** For requests under way when the server is closed. */
  readonly close: number;
}

const DEFAULT_TIMEOUTS: ServerTimeouts = { headers: 10_000, request: 30_000, keepAlive: 10_000, close: 10_000 };

export interface ServerOptions extends Omit<PortalOptions, "authorities"> {
  readonly listen: ListenAddress;
  /** What a Host header may say beyond the address listened at and the domains. */
  readonly authorities?: readonly string[];
  readonly timeouts?: ServerTimeouts;
  /** Without it plain HTTP is spoken. */
  readonly tls?: TlsPair;
  /** Without it every client is who is at the other end of the connection. */
  readonly proxy?: ProxyOptions;
  readonly metrics?: Metrics;
  /** Octets of all bodies that are held at a time: beyond that nothing more is read. */
  readonly maxHeld?: number;
}

export interface PortalServer {
  /** Where it listens, as `http://HOST:PORT` or `https://HOST:PORT`. */
  readonly url: string;
  readonly port: number;
  readonly health: Health;
  /** True from the first request that it does not take any more. */
  isClosing(): boolean;
  /** Uses another certificate from the next connection on. Throws the error of TLS where the pair is none. */
  replaceTls(pair: TlsPair): void;
  /** Accepts nothing more, finishes the requests under way, and closes the store. */
  close(): Promise<void>;
}

const NOTHING = Buffer.alloc(0);
const MAX_HEADERS = 16 * 1024;
const MAX_CONNECTIONS = 1024;
const MAX_HELD = 256 * 1024 * 1024;
/** How long the rest of a refused body is read and dropped, so that the client gets to see the answer. */
const LINGER = 1000;

/** Reads `HOST:PORT`; an IPv6 address stands in brackets. Throws `usage`. */
export const parseListen = (text: string): ListenAddress => {
  const match = /^(?:\[([0-9A-Fa-f:.]+(?:%[0-9A-Za-z]+)?)\]|([^:[\]\s/@]+)):([0-9]{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > 65_535) {
    throw new MeshError("usage", msg("portal.listen-invalid", { text: JSON.stringify(text.slice(0, 128)) }), {
      hint: msg("portal.listen-invalid.hint"),
    });
  }
  return { host, port };
};

const bracketed = (host: string): string => (host.includes(":") ? `[${host}]` : host);

const isLoopback = (host: string): boolean => host === "localhost" || host === "::1" || /^127\./.test(host);

/** An authority as a Host header may spell it: with the port, and without where it is the one that the scheme means by itself. */
const spellings = (host: string, port: number, isSecure: boolean): string[] => {
  const name = bracketed(host.toLowerCase());
  return [`${name}:${port}`, ...(port === (isSecure ? 443 : 80) ? [name] : [])];
};

const configuredAuthorities = (options: ServerOptions, port: number): string[] => {
  const isSecure = options.tls !== undefined;
  return [
    ...spellings(options.listen.host, port, isSecure),
    ...(isLoopback(options.listen.host) ? spellings("localhost", port, isSecure) : []),
    ...canonicalDomains(options.domains).flatMap((domain) => [domain, `${domain}:${port}`]),
    ...(options.authorities ?? []).map((authority) => authority.toLowerCase()),
  ];
};

/** The address at which a request arrived, which needs no configuration: it names this machine and no other. */
const socketAuthorities = ({ localAddress, localPort }: Socket, isSecure: boolean): string[] => {
  if (localAddress === undefined || localPort === undefined) return [];
  return spellings(localAddress.replace(/^::ffff:(?=\d+\.)/i, ""), localPort, isSecure);
};

/** The octets of all bodies that one server holds, and how many there may be. */
interface Held {
  octets: number;
  readonly most: number;
}

/**
 * Reads a body up to its bound. Gives a status in its place where it is longer, or where too much is held already, without
 * reading the rest. What it gives counts as held until it is let go.
 */
const readBody = (request: http.IncomingMessage, held: Held): Promise<Buffer | 413 | 503> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const letGo = (): void => {
      held.octets -= length;
      length = 0;
      chunks.length = 0;
    };
    request.on("data", (chunk: Buffer) => {
      length += chunk.length;
      held.octets += chunk.length;
      if (length > LIMITS.body || held.octets > held.most) {
        request.pause();
        resolve(length > LIMITS.body ? 413 : 503);
        letGo();
      } else chunks.push(chunk);
    });
    let isWhole = false;
    request.on("end", () => {
      isWhole = true;
      const [first] = chunks;
      resolve(first && chunks.length === 1 ? first : Buffer.concat(chunks));
    });
    request.on("error", reject);
    request.on("close", () => {
      // What was read whole is let go by whoever has it.
      if (isWhole) return;
      letGo();
      reject(new Error("The client went away."));
    });
  });

/** Headers by name; those that came more than once are joined, as RFC 9110 section 5.3 has it. */
const joinedHeaders = ({ rawHeaders }: http.IncomingMessage): Record<string, string> => {
  const headers = Object.create(null) as Record<string, string>;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? "").toLowerCase();
    const value = rawHeaders[index + 1] ?? "";
    const before = headers[name];
    headers[name] = before === undefined ? value : `${before}, ${value}`;
  }
  return headers;
};

const send = (response: http.ServerResponse, answer: PortalResponse, id?: string): void => {
  const { status, headers, octets } = answer;
  // All at once: headers that were set before would be gone through once more.
  response.writeHead(status, id === undefined ? headers : { "x-request-id": id, ...headers });
  response.end(octets ?? answer.body, "latin1");
};

/** Answers before the body has been read, and gives the connection up. */
const sendAndClose = (
  request: http.IncomingMessage,
  response: http.ServerResponse,
  answer: PortalResponse,
  id: string,
): void => {
  response.setHeader("connection", "close");
  response.on("finish", () => {
    request.removeAllListeners("data");
    request.resume();
    setTimeout(() => request.socket.destroy(), LINGER).unref();
  });
  send(response, answer, id);
};

/** Whether the portal lives, and whether it can do its work: for whoever watches over it. */
const watcherAnswer = (isGood: boolean): PortalResponse => ({
  status: isGood ? 200 : 503,
  headers: { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" },
  body: Buffer.from(isGood ? "ok\n" : "not ready\n"),
});

/** What `/healthz` and `/readyz` answer; undefined for every other request. */
export const answerWatcher = async (
  { method = "", url = "" }: http.IncomingMessage,
  isReady: () => Promise<boolean>,
): Promise<PortalResponse | undefined> => {
  if (method !== "GET" && method !== "HEAD") return undefined;
  if (url === "/healthz") return watcherAnswer(true);
  return url === "/readyz" ? watcherAnswer(await isReady()) : undefined;
};

/** Listens at an address and gives the port. Throws `io-failed`. */
export const listen = (server: http.Server, { host, port }: ListenAddress): Promise<number> =>
  new Promise((resolve, reject) => {
    const fail = (cause: Error): void => {
      reject(
        new MeshError("io-failed", msg("portal.listen-failed", { address: `${bracketed(host)}:${port}` }), {
          hint: msg("portal.listen-failed.hint"),
          cause,
        }),
      );
    };
    server.once("error", fail);
    server.listen(port, host, () => {
      server.off("error", fail);
      resolve((server.address() as AddressInfo).port);
    });
  });

/** An address as a URL has it. */
export const urlOf = (host: string, port: number, isSecure = false): string =>
  `${isSecure ? "https" : "http"}://${bracketed(host)}:${port}`;

const createHttpServer = (timeouts: ServerTimeouts, tls: TlsPair | undefined): http.Server | https.Server => {
  const options = {
    maxHeaderSize: MAX_HEADERS,
    headersTimeout: timeouts.headers,
    requestTimeout: timeouts.request,
    keepAliveTimeout: timeouts.keepAlive,
    connectionsCheckingInterval: Math.min(1000, timeouts.headers),
    requireHostHeader: true,
    insecureHTTPParser: false,
  };
  const server = tls
    ? https.createServer({ ...options, ...TLS_OPTIONS, ...tls, handshakeTimeout: timeouts.headers })
    : http.createServer(options);
  server.maxConnections = MAX_CONNECTIONS;
  // A client that does not read its answer is dropped like one that does not send its request.
  server.timeout = timeouts.request;
  return server;
};

/** Ends the connections of clients that have not asked for anything. */
const trackSilent = (server: http.Server | https.Server): (() => void) => {
  const sockets = new Set<Socket>();
  /** Sockets on which TLS is still to be agreed, by the client's address and port, which is all that names them. */
  const agreeing = new Map<string, Socket>();
  const keyOf = ({ remoteAddress = "", remotePort = 0 }: Socket): string => `${remoteAddress} ${remotePort}`;
  const track = (socket: Socket): void => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  };
  if (server instanceof https.Server) {
    server.on("connection", (socket: Socket) => {
      const key = keyOf(socket);
      agreeing.set(key, socket);
      socket.once("close", () => agreeing.delete(key));
    });
    server.on("secureConnection", (socket: TLSSocket) => {
      agreeing.delete(keyOf(socket));
      track(socket);
    });
  } else server.on("connection", track);
  return () => {
    for (const socket of agreeing.values()) socket.destroy();
    // For Node a connection is not idle before its first request.
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
  };
};

/**
 * Serves a portal over HTTP, or over HTTPS where a certificate is given. Every request's Host must be one of the configured
 * authorities, the address listened at, a domain, or the address at which it arrived; what a proxy says of it is never looked
 * at. Throws `usage` for a domain, a certificate or a proxy that is none, and `io-failed` where the address cannot be used.
 */
export const startServer = async (options: ServerOptions): Promise<PortalServer> => {
  const { timeouts = DEFAULT_TIMEOUTS, tls, metrics, listen: address } = options;
  const isSecure = tls !== undefined;
  if (tls) checkTlsPair(tls);
  const clientAddress = createClientAddress(options.proxy);
  const server = createHttpServer(timeouts, tls);
  // All of them now, since the program's files may be replaced while it serves.
  await Promise.all(LANGUAGES.map(loadTranslator));
  const port = await listen(server, address);
  let portal: ReturnType<typeof createPortal>;
  try {
    portal = createPortal({ ...options, authorities: configuredAuthorities(options, port) });
  } catch (error) {
    server.close();
    throw error;
  }

  /** Which authorities requests over a connection may name beyond those configured. */
  const arrivals = new WeakMap<Socket, readonly string[]>();
  const authoritiesOf = (socket: Socket): readonly string[] => {
    const known = arrivals.get(socket) ?? socketAuthorities(socket, isSecure);
    arrivals.set(socket, known);
    return known;
  };
  let closing = false;
  const held: Held = { octets: 0, most: options.maxHeld ?? MAX_HELD };
  const health = createHealth(options.store, {
    now: () => options.now().getTime(),
    freshen: () => portal.freshen(),
  });
  const isReady = async (): Promise<boolean> => !closing && (await health()).isReady;
  /** What names the requests of this process, before their number. */
  const prefix = Buffer.from(options.random(6)).toString("hex");
  let count = 0;

  /** The answer to a request of which the body is not read, or not to its end. */
  const refuseUnread = async (
    request: http.IncomingMessage,
    seen: PortalRequest,
    status: 413 | 429 | 503,
    wait: number,
  ): Promise<PortalResponse> => {
    const descriptions = {
      413: msg("portal.request-large", { octets: LIMITS.body }),
      429: msg("portal.rate"),
      503: msg("portal.busy"),
    };
    options.log?.({ transaction: "unknown", status, milliseconds: 0, account: undefined, error: undefined }, seen);
    const refusal = await encodeRefusal(status, descriptions[status], request.headers["accept-language"]);
    if (status === 413) return refusal;
    return { ...refusal, headers: { ...refusal.headers, "retry-after": String(Math.max(1, wait)) } };
  };

  const handle = async (
    request: http.IncomingMessage,
    response: http.ServerResponse,
    awaitsContinue: boolean,
  ): Promise<void> => {
    if (closing) response.setHeader("connection", "close");
    const watched = request.method === "POST" ? undefined : await answerWatcher(request, isReady);
    if (watched) {
      send(response, watched);
      return;
    }
    const headers = joinedHeaders(request);
    const id = `${prefix}-${(count++).toString(36)}`;
    const address = clientAddress(request.socket.remoteAddress ?? "", headers);
    const seenWith = (body: Buffer): PortalRequest => ({
      method: request.method ?? "",
      // Two of them joined are the name of nobody (RFC 9112 section 3.2).
      authority: (headers["host"] ?? "").toLowerCase(),
      path: request.url ?? "",
      headers,
      body,
      address,
      id,
    });
    const length = Number(headers["content-length"] ?? 0);
    const wait = portal.spent(address);
    const refuse = async (status: 413 | 429 | 503): Promise<void> =>
      sendAndClose(request, response, await refuseUnread(request, seenWith(NOTHING), status, wait), id);
    if (wait > 0) return refuse(429);
    if (length > LIMITS.body) return refuse(413);
    if (held.octets + length > held.most) return refuse(503);
    if (awaitsContinue) response.writeContinue();
    const body = await readBody(request, held);
    if (typeof body === "number") return refuse(body);
    try {
      const answer = await portal.handle(seenWith(body), authoritiesOf(request.socket));
      if (closing) response.setHeader("connection", "close");
      send(response, answer, id);
    } finally {
      held.octets -= body.length;
    }
  };
  const listener =
    (awaitsContinue: boolean) =>
    (request: http.IncomingMessage, response: http.ServerResponse): void => {
      metrics?.add("meshman_portal_requests_in_flight", 1);
      const done = (): void => metrics?.add("meshman_portal_requests_in_flight", -1);
      handle(request, response, awaitsContinue).then(done, () => {
        // The one thing that fails here is the connection, and then there is nobody left to tell.
        request.socket.destroy();
        done();
      });
    };
  const dropSilent = trackSilent(server);
  server.on("connection", (socket: Socket) => {
    metrics?.add("meshman_portal_connections", 1);
    socket.once("close", () => metrics?.add("meshman_portal_connections", -1));
  });
  server.on("drop", () => metrics?.count("meshman_portal_connections_dropped_total"));
  server.on("request", listener(false));
  server.on("checkContinue", listener(true));
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => {
    if (!socket.writable || error.code === "ECONNRESET") {
      socket.destroy();
      return;
    }
    const status = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 }[error.code ?? ""] ?? 400;
    socket.end(
      `HTTP/1.1 ${status} ${http.STATUS_CODES[status] ?? ""}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
    );
  });

  const close = async (): Promise<void> => {
    closing = true;
    const timer = setTimeout(() => {
      server.closeAllConnections();
      dropSilent();
    }, timeouts.close);
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeIdleConnections();
      dropSilent();
    });
    clearTimeout(timer);
    await portal.close();
  };
  let closed: Promise<void> | undefined;
  return {
    url: urlOf(address.host, port, isSecure),
    port,
    health,
    isClosing: () => closing,
    replaceTls: (pair) => {
      checkTlsPair(pair);
      if (server instanceof https.Server) server.setSecureContext({ ...TLS_OPTIONS, ...pair });
    },
    close: () => (closed ??= close()),
  };
};
