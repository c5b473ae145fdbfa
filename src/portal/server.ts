import * as http from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { MeshError } from "../errors.js";
import { LIMITS } from "../mesh/protocol.js";
import { LANGUAGES } from "../messages/language.js";
import { msg } from "../messages/message.js";
import { loadTranslator } from "../messages/translate.js";
import { canonicalDomains } from "./context.js";
import { createPortal, encodeRefusal, type PortalOptions, type PortalResponse } from "./portal.js";

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
}

export interface PortalServer {
  /** Where it listens, as `http://HOST:PORT`. */
  readonly url: string;
  readonly port: number;
  /** Accepts nothing more, finishes the requests under way, and closes the store. */
  close(): Promise<void>;
}

const MAX_HEADERS = 16 * 1024;
const MAX_CONNECTIONS = 1024;
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

/** An authority as a Host header may spell it: with the port, and without where it is the one that HTTP means by itself. */
const spellings = (host: string, port: number): string[] => {
  const name = bracketed(host.toLowerCase());
  return [`${name}:${port}`, ...(port === 80 ? [name] : [])];
};

const configuredAuthorities = (options: ServerOptions, port: number): string[] => [
  ...spellings(options.listen.host, port),
  ...(isLoopback(options.listen.host) ? spellings("localhost", port) : []),
  ...canonicalDomains(options.domains).flatMap((domain) => [domain, `${domain}:${port}`]),
  ...(options.authorities ?? []).map((authority) => authority.toLowerCase()),
];

/** The address at which a request arrived, which needs no configuration: it names this machine and no other. */
const socketAuthorities = ({ localAddress, localPort }: Socket): string[] => {
  if (localAddress === undefined || localPort === undefined) return [];
  return spellings(localAddress.replace(/^::ffff:(?=\d+\.)/i, ""), localPort);
};

/** Reads a body up to its bound. Gives undefined where it is longer, without reading the rest. */
const readBody = (request: http.IncomingMessage): Promise<Buffer | undefined> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length > LIMITS.body) {
        request.pause();
        chunks.length = 0;
        resolve(undefined);
      } else chunks.push(chunk);
    });
    request.on("end", () => resolve(Buffer.concat(chunks)));
    request.on("error", reject);
    request.on("close", () => reject(new Error("The client went away.")));
  });

/** Headers by name; those that came more than once are joined, as RFC 9110 section 5.3 has it. */
const joinedHeaders = (request: http.IncomingMessage): Record<string, string> =>
  Object.fromEntries(
    Object.entries(request.headersDistinct).map(([name, values]) => [name, (values ?? []).join(", ")]),
  );

const send = (response: http.ServerResponse, { status, headers, body }: PortalResponse): void => {
  response.writeHead(status, { ...headers });
  response.end(body);
};

/** Answers before the body has been read, and gives the connection up. */
const sendAndClose = (request: http.IncomingMessage, response: http.ServerResponse, answer: PortalResponse): void => {
  response.setHeader("connection", "close");
  response.on("finish", () => {
    request.removeAllListeners("data");
    request.resume();
    setTimeout(() => request.socket.destroy(), LINGER).unref();
  });
  send(response, answer);
};

const tooLarge = (request: http.IncomingMessage): Promise<PortalResponse> =>
  encodeRefusal(413, msg("portal.request-large", { octets: LIMITS.body }), request.headers["accept-language"]);

const listen = (server: http.Server, { host, port }: ListenAddress): Promise<number> =>
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

/**
 * Serves a portal over HTTP. Every request's Host must be one of the configured authorities, the address listened at, a
 * domain, or the address at which it arrived; what a proxy adds to the headers is never looked at. Throws `usage` for a
 * domain that is none and `io-failed` where the address cannot be used.
 */
export const startServer = async (options: ServerOptions): Promise<PortalServer> => {
  const timeouts = options.timeouts ?? DEFAULT_TIMEOUTS;
  const server = http.createServer({
    maxHeaderSize: MAX_HEADERS,
    headersTimeout: timeouts.headers,
    requestTimeout: timeouts.request,
    keepAliveTimeout: timeouts.keepAlive,
    connectionsCheckingInterval: Math.min(1000, timeouts.headers),
    requireHostHeader: true,
    insecureHTTPParser: false,
  });
  server.maxConnections = MAX_CONNECTIONS;
  // A client that does not read its answer is dropped like one that does not send its request.
  server.timeout = timeouts.request;

  // All of them now, since the program's files may be replaced while it serves.
  await Promise.all(LANGUAGES.map(loadTranslator));
  const port = await listen(server, options.listen);
  let portal: ReturnType<typeof createPortal>;
  try {
    portal = createPortal({ ...options, authorities: configuredAuthorities(options, port) });
  } catch (error) {
    server.close();
    throw error;
  }

  let closing = false;
  const handle = async (
    request: http.IncomingMessage,
    response: http.ServerResponse,
    awaitsContinue: boolean,
  ): Promise<void> => {
    if (closing) response.setHeader("connection", "close");
    if (Number(request.headers["content-length"] ?? 0) > LIMITS.body) {
      sendAndClose(request, response, await tooLarge(request));
      return;
    }
    if (awaitsContinue) response.writeContinue();
    const body = await readBody(request);
    if (!body) {
      sendAndClose(request, response, await tooLarge(request));
      return;
    }
    const answer = await portal.handle(
      {
        method: request.method ?? "",
        authority: (request.headers.host ?? "").toLowerCase(),
        path: request.url ?? "",
        headers: joinedHeaders(request),
        body,
        address: request.socket.remoteAddress ?? "",
      },
      socketAuthorities(request.socket),
    );
    if (closing) response.setHeader("connection", "close");
    send(response, answer);
  };
  const listener =
    (awaitsContinue: boolean) =>
    (request: http.IncomingMessage, response: http.ServerResponse): void => {
      // The one thing that fails here is the connection, and then there is nobody left to tell.
      handle(request, response, awaitsContinue).catch(() => request.socket.destroy());
    };
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
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
    const timer = setTimeout(() => server.closeAllConnections(), timeouts.close);
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeIdleConnections();
      // For Node a connection is not idle before its first request.
      for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
    });
    clearTimeout(timer);
    await portal.close();
  };
  let closed: Promise<void> | undefined;
  return {
    url: `http://${bracketed(options.listen.host)}:${port}`,
    port,
    close: () => (closed ??= close()),
  };
};
