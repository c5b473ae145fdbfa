import { randomBytes } from "node:crypto";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import * as path from "node:path";
import { afterEach } from "vitest";
import { createPortal, type PortalOptions } from "../../src/portal/portal.js";
import { EXTENSIONS } from "../../src/mesh/protocol.js";
import type { PortalResponse } from "../../src/portal/context.js";
import { temporaryFolder } from "./deps.js";
import { openTestStore } from "./portal.js";

export type Message = Record<string, unknown>;

/** One request on its way to a portal. */
export interface Call {
  readonly transaction: string;
  readonly message: Message;
  /** How many of this transaction came before. */
  readonly index: number;
  /** Has the honest portal answer. */
  forward(): Promise<PortalResponse>;
}

/** What goes back: an answer, or `drop` for a connection that ends without one. */
export type Reply = PortalResponse | "drop";

/** A portal over HTTP with somebody on the wire, who may answer in its place. */
export interface Wire {
  readonly url: string;
  /** The transactions that came, in order. */
  readonly seen: string[];
  /** Who stands on the wire. */
  intercept: ((call: Call) => Promise<Reply> | Reply) | undefined;
  /** Ends it now: nothing listens any more. */
  stop(): Promise<void>;
  /** Listens again, at the same place and over the same store. */
  restart(): Promise<void>;
}

/** An answer with this message, as a portal of ours writes it. */
export const answer = (name: string, message: Message, status = 200): PortalResponse => ({
  status,
  headers: { "content-type": "application/json" },
  body: Buffer.from(JSON.stringify({ [name]: { Status: 201, StatusDescription: "", ...message } })),
});

/** A refusal as a portal of ours writes it. */
export const refusal = (status: number): PortalResponse => ({
  status,
  headers: { "content-type": "application/json" },
  body: Buffer.from(JSON.stringify({ MeshResponse: { Status: status, StatusDescription: "No." } })),
});

/** The response that stands in an answer. */
export const messageOf = ({ body }: PortalResponse): Message =>
  Object.values(JSON.parse(body.toString("utf8")) as Record<string, Message>)[0]!;

/** An answer in which the response was changed. */
export const altered = (response: PortalResponse, change: (message: Message) => Message): PortalResponse => {
  const [[name, message]] = Object.entries(JSON.parse(response.body.toString("utf8")) as Record<string, Message>) as [
    [string, Message],
  ];
  return { ...response, headers: {}, body: Buffer.from(JSON.stringify({ [name]: change(message) })) };
};

const readCall = (body: Buffer): Pick<Call, "transaction" | "message"> => {
  // A file of the portal's log is asked for with nothing.
  if (body.length === 0) return { transaction: "file", message: {} };
  const [[outer, inner]] = Object.entries(JSON.parse(body.toString("utf8")) as Record<string, Message>) as [
    [string, Message],
  ];
  if (outer.endsWith("Request")) return { transaction: outer, message: inner };
  return { transaction: outer, message: Object.values(inner)[0] as Message };
};

const wires: Wire[] = [];

afterEach(async () => {
  for (const wire of wires.splice(0)) await wire.stop();
});

/** A Hello without the extension of the log. Who has never seen it takes the portal for one that keeps none. */
const withoutLog = (response: PortalResponse): PortalResponse =>
  altered(response, ({ Log: _, ...message }) => ({
    ...message,
    Extensions: (message["Extensions"] as string[]).filter((name) => name !== EXTENSIONS.transparency),
  }));

/**
 * A portal of ours on a free port of this machine, ended after the test. With `logless` it says nothing of its log, so that whoever stands
 * on the wire can lie about all else.
 */
export const openWire = async ({
  logless = false,
  ...options
}: Partial<PortalOptions> & { readonly logless?: boolean } = {}): Promise<Wire> => {
  const file = path.join(temporaryFolder(), "portal.sqlite");
  const counts = new Map<string, number>();
  let close = async (): Promise<void> => undefined;
  let port = 0;

  const start = async (): Promise<void> => {
    const store = await openTestStore(file);
    const server = http.createServer();
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    ({ port } = server.address() as AddressInfo);
    const portal = createPortal({
      domains: [],
      now: () => new Date(),
      random: randomBytes,
      rateLimit: "none",
      ...options,
      store,
      authorities: [`127.0.0.1:${port}`],
    });
    server.on("request", (request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const body = Buffer.concat(chunks);
        const { transaction, message } = readCall(body);
        const index = counts.get(transaction) ?? 0;
        counts.set(transaction, index + 1);
        wire.seen.push(transaction);
        const headers = Object.fromEntries(
          Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
        );
        const ask = (): Promise<PortalResponse> =>
          portal.handle({
            method: request.method ?? "",
            authority: request.headers.host ?? "",
            path: request.url ?? "",
            headers,
            body,
            address: "127.0.0.1",
          });
        const forward = async (): Promise<PortalResponse> =>
          logless && transaction === "Hello" ? withoutLog(await ask()) : ask();
        const send = async (): Promise<void> => {
          const reply = await (wire.intercept ? wire.intercept({ transaction, message, index, forward }) : forward());
          if (reply === "drop") {
            request.socket.destroy();
            return;
          }
          response.writeHead(reply.status, { ...reply.headers, "content-length": reply.body.length });
          response.end(reply.body);
        };
        send().catch(() => request.socket.destroy());
      });
    });
    close = async () => {
      close = async () => undefined;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
      await portal.close();
    };
  };
  const wire: Wire = {
    get url() {
      return `http://127.0.0.1:${port}`;
    },
    seen: [],
    intercept: undefined,
    stop: () => close(),
    restart: start,
  };
  await start();
  wires.push(wire);
  return wire;
};
