import * as http from "node:http";
import { answerWatcher, listen, urlOf, type ListenAddress } from "./server.js";

export interface MetricsServerOptions {
  readonly listen: ListenAddress;
  /** In the text format of Prometheus. */
  readonly metrics: () => Promise<string>;
  readonly isReady: () => Promise<boolean>;
}

export interface MetricsServer {
  readonly url: string;
  close(): Promise<void>;
}

const TIMEOUT = 10_000;
const MAX_HEADERS = 8 * 1024;
const MAX_CONNECTIONS = 64;

const answer = async (
  request: http.IncomingMessage,
  response: http.ServerResponse,
  options: MetricsServerOptions,
): Promise<void> => {
  const watched = await answerWatcher(request, options.isReady);
  if (watched) {
    response.writeHead(watched.status, { ...watched.headers });
    response.end(watched.body);
    return;
  }
  if (request.url !== "/metrics") {
    response.writeHead(404, { "content-length": "0" }).end();
  } else if (request.method !== "GET" && request.method !== "HEAD") {
    response.writeHead(405, { allow: "GET, HEAD", "content-length": "0" }).end();
  } else {
    const text = await options.metrics();
    response.writeHead(200, {
      "content-type": "text/plain; version=0.0.4; charset=utf-8",
      "cache-control": "no-store",
    });
    response.end(text);
  }
};

/**
 * Answers `/metrics`, `/healthz` and `/readyz` at an address of their own, which only those who watch over the portal should
 * reach. Throws `io-failed` where it cannot be used.
 */
export const startMetricsServer = async (options: MetricsServerOptions): Promise<MetricsServer> => {
  const server = http.createServer({ maxHeaderSize: MAX_HEADERS, requestTimeout: TIMEOUT, headersTimeout: TIMEOUT });
  server.maxConnections = MAX_CONNECTIONS;
  server.on("request", (request, response) => {
    // Nobody sends a body here, and whoever does is not listened to.
    request.resume();
    answer(request, response, options).catch(() => request.socket.destroy());
  });
  const port = await listen(server, options.listen);
  return {
    url: urlOf(options.listen.host, port),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
