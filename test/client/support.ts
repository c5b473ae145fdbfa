import { randomBytes } from "node:crypto";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach } from "vitest";
import type { OpenOptions, PortalClient } from "../../src/client/client.js";
import { openPortal } from "../../src/client/client.js";
import type { Deps } from "../../src/deps.js";
import type { PrivateKey } from "../../src/mesh/keys.js";
import { publicKeyOf } from "../../src/mesh/keys.js";
import {
  createDevice,
  createMaster,
  createPersonal,
  generateDeviceKeys,
  generateMasterKeys,
  nextEpoch,
  nextPersonal,
  type DeviceKeys,
  type MasterKeys,
} from "../../src/mesh/profile.js";
import { EXTENSIONS } from "../../src/mesh/protocol.js";
import type { Device } from "../../src/mesh/records/device.js";
import type { PersonalProfile } from "../../src/mesh/records/personal.js";
import { testDeps } from "../support/deps.js";

export const NOW = new Date("2026-05-01T12:00:00Z");
/** What the portals made up here announce: they keep no log, since all that they say would have to be in it. */
export const ALL_EXTENSIONS = Object.values(EXTENSIONS).filter((name) => name !== EXTENSIONS.transparency);

/** Deps whose sleep takes no time and says how long it would have taken. */
export const quickDeps = (overrides: Partial<Deps> = {}): Deps & { slept: number[] } => {
  const slept: number[] = [];
  const sleep = async (milliseconds: number): Promise<void> => {
    slept.push(milliseconds);
  };
  return { ...testDeps({ sleep, ...overrides }), slept };
};

export interface TestDevice {
  readonly keys: DeviceKeys;
  readonly device: Device;
}

export const newDevice = (name = "laptop"): TestDevice => {
  const keys = generateDeviceKeys(randomBytes);
  return { keys, device: createDevice(keys, name, "test", NOW) };
};

/** A person with one administration device, and the first version of the profile. */
export interface Person {
  readonly master: MasterKeys;
  readonly admin: TestDevice;
  readonly signer: PrivateKey;
  readonly first: PersonalProfile;
}

export const newPerson = (): Person => {
  const master = generateMasterKeys(randomBytes);
  const admin = newDevice();
  const profile = createMaster(
    master.signature,
    { administrators: [admin.device], escrowKeys: [publicKeyOf(master.escrow)] },
    NOW,
  );
  return {
    master,
    admin,
    signer: admin.keys.authentication,
    first: createPersonal(admin.keys.online, profile, { devices: [admin.device] }, NOW),
  };
};

/** The next version; `seconds` makes it differ from another next version. */
export const next = (person: Person, previous: PersonalProfile, seconds = 0): PersonalProfile =>
  nextPersonal(person.admin.keys.online, previous, {}, new Date(NOW.getTime() + seconds * 1000));

export const epoch = (person: Person, previous: PersonalProfile): PersonalProfile =>
  nextEpoch(person.master.signature, person.admin.keys.online, previous, [person.admin.device], {}, NOW);

/** `count` versions, the first one first. */
export const versions = (person: Person, count: number): PersonalProfile[] => {
  const all = [person.first];
  while (all.length < count) all.push(next(person, all.at(-1)!));
  return all;
};

export interface Received {
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
  /** The one member of the body and, within it, that of the reference wrapping. */
  readonly outer: string;
  readonly message: Record<string, unknown>;
}

export interface TestServer {
  readonly url: string;
  readonly requests: Received[];
  /** The outermost names of what was received, in order. */
  names(): string[];
  close(): Promise<void>;
}

export type Handler = (request: Received, response: http.ServerResponse, index: number) => void;

const servers: TestServer[] = [];
const clients: PortalClient[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  for (const server of servers.splice(0)) await server.close();
});

const readMessage = (text: string): Pick<Received, "outer" | "message"> => {
  // A file is asked for with nothing.
  if (text === "") return { outer: "", message: {} };
  const body = JSON.parse(text) as Record<string, Record<string, unknown>>;
  const outer = Object.keys(body)[0]!;
  const inner = body[outer]!;
  const wrapped = !outer.endsWith("Request");
  return { outer, message: wrapped ? (Object.values(inner)[0] as Record<string, unknown>) : inner };
};

/** A server on a free port of this machine, closed after the test. */
export const serve = async (handler: Handler): Promise<TestServer> => {
  const requests: Received[] = [];
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const text = Buffer.concat(chunks).toString("utf8");
      const received = { path: request.url ?? "", headers: request.headers, text, ...readMessage(text) };
      requests.push(received);
      handler(received, response, requests.length - 1);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const opened: TestServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    names: () => requests.map(({ outer }) => outer),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  servers.push(opened);
  return opened;
};

/** Sends JSON, or text as it is. */
export const reply = (
  response: http.ServerResponse,
  body: unknown,
  status = 200,
  headers: Record<string, string> = {},
): void => {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body));
};

export const HELLO = { HelloResponse: { Status: 201, StatusDescription: "done", Version: { Major: 0, Minor: 7 } } };
export const OUR_HELLO = {
  HelloResponse: {
    Status: 201,
    Version: { Major: 1, Minor: 0 },
    Extensions: ALL_EXTENSIONS,
    DefaultDomain: "example.com",
  },
};

/** A handler that greets, and gives everything else to another. */
export const greeting =
  (hello: unknown, handler: Handler): Handler =>
  (request, response, index) => {
    if (request.outer === "Hello") reply(response, hello);
    else handler(request, response, index);
  };

/** Opens a server as a portal; closed after the test. */
export const open = async (
  url: string,
  options: Partial<OpenOptions> = {},
  deps: Deps = quickDeps(),
): Promise<PortalClient> => {
  const client = await openPortal(deps, { kind: "http", url }, { timeout: 5000, ...options });
  clients.push(client);
  return client;
};

/** A portal that greets with `hello` and answers Get with these entries. */
export const portalWith = async (entries: unknown[], hello: unknown = HELLO): Promise<PortalClient> => {
  const server = await serve(
    greeting(hello, (_, response) => reply(response, { GetResponse: { Status: 201, Entries: entries } })),
  );
  return open(server.url);
};
