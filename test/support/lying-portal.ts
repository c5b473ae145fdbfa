import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import * as path from "node:path";
import { afterEach } from "vitest";
import { PORTAL_PATH } from "../../src/mesh/protocol.js";
import { createPortal, type Portal, type PortalRequest, type PortalResponse } from "../../src/portal/portal.js";
import { temporaryFolder } from "./deps.js";
import { openTestStore } from "./portal.js";

/** A message of the portal protocol, inside its wrapping. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Message = Record<string, any>;

/** Asks the portal behind the lies a question of one's own, and gives its whole answer. */
export type AskHonestly = (transaction: string, message: Message) => Promise<Message>;

/** What a portal does to what comes and goes. Without it, it is honest. */
export interface Lie {
  /** Changes a request before it is done. */
  readonly request?: (transaction: string, message: Message) => void;
  /** Changes an answer, or gives another one. */
  readonly answer?: (
    transaction: string,
    message: Message,
    request: Message,
    ask: AskHonestly,
  ) => Message | undefined | Promise<Message | undefined>;
}

/** One history of a lying portal, all under one key. */
export interface History {
  readonly folder: string;
}

/** A real portal that lies where it is told to: it has the key of its log, and can do all that whoever runs a portal can. */
export interface LyingPortal {
  readonly url: string;
  lie: Lie | undefined;
  /** Changes a file of the log, by its path below that of the service; without one left it is not there. */
  file: ((name: string, octets: Buffer) => Buffer | undefined) | undefined;
  /** The history that is shown. */
  shown: History;
  /** Makes a second history, which is the same up to now. */
  split(): Promise<History>;
  /** Sends the last request of a transaction that was seen to another history too. */
  repeat(transaction: string, history: History): Promise<void>;
}

const inner = (value: Message): [string, Message] => {
  const [entry] = Object.entries(value);
  if (!entry) throw new Error("An empty message");
  return entry as [string, Message];
};

const closers: (() => Promise<void>)[] = [];

// Hooks run in the reverse order of their registration, so that this one comes before the folders are removed.
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** Starts a lying portal on loopback; it ends with the test. */
export const startLyingPortal = async (): Promise<LyingPortal> => {
  const base = temporaryFolder();
  const portals = new Map<History, Promise<Portal>>();
  const seen = new Map<string, PortalRequest>();
  let histories = 0;
  let port = 0;

  const newHistory = (): History => ({ folder: path.join(base, String(histories++)) });
  const open = async ({ folder }: History): Promise<Portal> => {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    return createPortal({
      store: await openTestStore(path.join(folder, "portal.sqlite")),
      domains: [],
      authorities: [`127.0.0.1:${port}`],
      now: () => new Date(),
      random: randomBytes,
      rateLimit: "none",
    });
  };
  const portalOf = (history: History): Promise<Portal> => {
    const portal = portals.get(history) ?? open(history);
    portals.set(history, portal);
    return portal;
  };
  const closeAll = async (): Promise<void> => {
    for (const portal of portals.values()) await (await portal).close();
    portals.clear();
  };

  const ask: AskHonestly = async (transaction, message) => {
    const body = Buffer.from(JSON.stringify({ [transaction]: { [`${transaction}Request`]: message } }));
    const portal = await portalOf(lying.shown);
    const request = {
      method: "POST",
      authority: portal.authority,
      path: PORTAL_PATH,
      headers: {},
      body,
      address: "::1",
    };
    return inner(JSON.parse((await portal.handle(request)).body.toString()) as Message)[1];
  };

  /** A changed request is not signed any more; those that are signed are passed on as they are. */
  const passOn = async (request: PortalRequest): Promise<PortalResponse> => {
    const { lie, shown } = lying;
    const portal = await portalOf(shown);
    if (request.method !== "POST") {
      const response = await portal.handle(request);
      if (!lying.file || response.status !== 200) return response;
      const octets = lying.file(request.path.slice(PORTAL_PATH.length), Buffer.from(response.body));
      const length = { "content-length": String(octets?.length ?? 0) };
      return {
        status: octets ? 200 : 404,
        headers: { ...response.headers, ...length },
        body: octets ?? Buffer.alloc(0),
      };
    }
    const [transaction, wrapped] = inner(JSON.parse(request.body.toString()) as Message);
    const [name, message] = inner(wrapped);
    seen.set(transaction, request);
    lie?.request?.(transaction, message);
    const body = lie?.request ? Buffer.from(JSON.stringify({ [transaction]: { [name]: message } })) : request.body;
    const response = await portal.handle({ ...request, body });
    if (!lie?.answer) return response;
    const [answerName, answer] = inner(JSON.parse(response.body.toString()) as Message);
    const other = (await lie.answer(transaction, answer, message, ask)) ?? answer;
    const changed = Buffer.from(JSON.stringify({ [answerName]: other }));
    const headers = { ...response.headers, "content-length": String(changed.length) };
    return { status: Number(other["Status"]), headers, body: changed };
  };

  const serve = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { status, headers, body } = await passOn({
      method: request.method ?? "",
      authority: request.headers.host ?? "",
      path: request.url ?? "",
      headers: Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)])),
      body: Buffer.concat(chunks),
      address: "127.0.0.1",
    });
    response.writeHead(status, { ...headers });
    response.end(body);
  };
  const failures: unknown[] = [];
  const server = http.createServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      failures.push(error);
      request.socket.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ({ port } = server.address() as AddressInfo);
  closers.push(async () => {
    await new Promise((resolve) => server.close(resolve).closeAllConnections());
    await closeAll();
    // A double that breaks looks like a portal that is away, which would prove nothing.
    if (failures.length > 0) throw failures[0];
  });

  const lying: LyingPortal = {
    url: `http://127.0.0.1:${port}`,
    lie: undefined,
    file: undefined,
    shown: newHistory(),
    split: async () => {
      await closeAll();
      const copy = newHistory();
      fs.cpSync(lying.shown.folder, copy.folder, { recursive: true });
      return copy;
    },
    repeat: async (transaction, history) => {
      const request = seen.get(transaction);
      if (!request) throw new Error(`No ${transaction} was seen.`);
      const { status, body } = await (await portalOf(history)).handle(request);
      if (status !== 201) throw new Error(body.toString());
    },
  };
  return lying;
};
