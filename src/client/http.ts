import type { Agent, ClientRequest, IncomingMessage, RequestOptions } from "node:http";
import { MeshError } from "../errors.js";
import { msg } from "../messages/message.js";
import { connectionError } from "./connection-error.js";
import {
  interrupted,
  MAX_ANSWER,
  timedOut,
  tooLong,
  type Transport,
  type TransportAnswer,
  type TransportRequest,
} from "./transport.js";

/** After so many milliseconds without use a connection may have been closed at the other end, so a new one is made. */
const MAX_IDLE = 2000;

export interface HttpOptions {
  /** PEM certificates to trust instead of the system's (`--ca`). */
  readonly ca?: Buffer | undefined;
  readonly now: () => Date;
}

interface HttpClient {
  readonly agent: Agent;
  request(url: URL, options: RequestOptions, onAnswer: (answer: IncomingMessage) => void): ClientRequest;
}

const openClient = async (secure: boolean, ca: Buffer | undefined): Promise<HttpClient> => {
  if (!secure) {
    const { Agent, request } = await import("node:http");
    return { agent: new Agent({ keepAlive: true }), request };
  }
  if (ca && !ca.includes("-----BEGIN CERTIFICATE-----")) {
    throw new MeshError("file-unreadable", msg("client.ca-without-certificate"));
  }
  const { Agent, request } = await import("node:https");
  // Said explicitly, so that no environment variable turns the check off.
  const agent = new Agent({ keepAlive: true, rejectUnauthorized: true, minVersion: "TLSv1.2", ...(ca && { ca }) });
  return { agent, request };
};

/**
 * The way to a portal behind an http or https origin (reference-10 section 12). Connections are kept for the next request
 * and end with `close`. Content-Length is always sent, since the 2016 portal knows no chunking.
 * Throws `file-unreadable` where `ca` holds no certificate.
 */
export const openHttp = async (origin: string, options: HttpOptions): Promise<Transport> => {
  const { protocol, host } = new URL(origin);
  const client = await openClient(protocol === "https:", options.ca);
  let lastUse = options.now().getTime();
  return {
    authority: host,
    async send(request) {
      const now = options.now().getTime();
      if (Math.abs(now - lastUse) > MAX_IDLE) dropIdle(client.agent);
      try {
        return await exchange(client, origin, request);
      } finally {
        lastUse = options.now().getTime();
      }
    },
    close() {
      client.agent.destroy();
      return Promise.resolve();
    },
  };
};

const dropIdle = (agent: Agent): void => {
  for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
};

const exchange = (client: HttpClient, origin: string, message: TransportRequest): Promise<TransportAnswer> =>
  new Promise((resolve, reject) => {
    if (message.signal.aborted) {
      reject(interrupted());
      return;
    }
    const url = new URL(message.path, origin);
    let request: ClientRequest | undefined;
    // The first reason counts; what follows from destroying the request is noise.
    const fail = (error: MeshError): void => {
      finish();
      reject(error);
      request?.destroy();
    };
    const abort = (): void => fail(interrupted());
    const timer = setTimeout(() => fail(timedOut(origin, message.timeout)), message.timeout);
    message.signal.addEventListener("abort", abort, { once: true });
    const finish = (): void => {
      clearTimeout(timer);
      message.signal.removeEventListener("abort", abort);
    };
    let sent = false;
    const broken = (error: Error): void => fail(connectionError(error, url, sent));

    const receive = (answer: IncomingMessage): void => {
      const chunks: Buffer[] = [];
      let length = 0;
      answer.on("data", (chunk: Buffer) => {
        length += chunk.length;
        if (length > MAX_ANSWER) fail(tooLong(origin));
        else chunks.push(chunk);
      });
      answer.on("error", broken);
      answer.on("end", () => {
        finish();
        resolve({ status: answer.statusCode ?? 0, headers: plainHeaders(answer), body: Buffer.concat(chunks) });
      });
    };
    const { method } = message;
    const headers = { ...message.headers, ...(method === "POST" && { "content-length": message.body.length }) };
    try {
      request = client.request(url, { method, agent: client.agent, headers }, receive);
    } catch (error) {
      // The certificates of --ca are read only here.
      broken(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    request.on("error", broken);
    request.on("socket", (socket) => {
      if (!socket.connecting) sent = true;
      else socket.once(url.protocol === "https:" ? "secureConnect" : "connect", () => (sent = true));
    });
    request.end(message.body);
  });

const plainHeaders = (answer: IncomingMessage): Record<string, string> => {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(answer.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(", ") : value;
  }
  return headers;
};
