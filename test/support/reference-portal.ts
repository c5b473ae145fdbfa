import * as net from "node:net";
import { afterEach } from "vitest";
import { readObject } from "../../src/client/dialects.js";

/** A member of a stored or sent object: what the portal makes of JSON once it knows what each member holds. */
export type Value = string | number | boolean | Buffer | readonly Value[] | Item;
export interface Item {
  readonly [name: string]: Value;
}

/** What a member holds. Anything else in its place kills the portal. */
type Shape = "text" | "binary" | "flag" | "count" | { readonly list: Shape } | ObjectShape;

interface ObjectShape {
  /** In the order in which the portal writes them, whatever the order in which they came. */
  readonly members: Readonly<Record<string, Shape>>;
  /** Members without which the portal dies. */
  readonly needed?: readonly string[];
  /** True where exactly one of the members stands there, as the name of the object's type. */
  readonly tagged?: true;
}

/** `header` is what the portal's own time signed; `protected` it knows as well. */
const SIGNED_DATA: ObjectShape = {
  members: { protected: "binary", header: "binary", payload: "binary", signature: "binary" },
  needed: ["payload", "signature"],
};
const SIGNED: ObjectShape = { members: { Identifier: "text", SignedData: SIGNED_DATA }, needed: ["SignedData"] };
const RECIPIENT: ObjectShape = {
  members: { Header: { members: { kid: "text" } }, encrypted_key: "binary" },
};
const ENCRYPTED_DATA: ObjectShape = {
  members: { protected: "binary", iv: "binary", ciphertext: "binary", tag: "binary", recipients: { list: RECIPIENT } },
  needed: ["ciphertext"],
};
const ESCROW: ObjectShape = {
  members: { Identifier: "text", EncryptedData: ENCRYPTED_DATA },
  needed: ["EncryptedData"],
};
const PROFILES = { SignedPersonalProfile: SIGNED, SignedApplicationProfile: SIGNED, SignedDeviceProfile: SIGNED };
const PROFILE: ObjectShape = { members: PROFILES, tagged: true };
const ENTRY: ObjectShape = { members: { ...PROFILES, OfflineEscrowEntry: ESCROW }, tagged: true };
const CONSTRAINTS: ObjectShape = { members: { NotBefore: "text", MaxEntries: "count" } };
const KEY_VALUE: ObjectShape = { members: { Key: "text", Value: "text" } };

const request = (members: Readonly<Record<string, Shape>>, ...needed: readonly string[]): ObjectShape => ({
  members: { Portal: "text", ...members },
  needed,
});

/** The requests, with the members that were recorded to be survived and no others. */
const REQUESTS: Readonly<Record<string, { readonly name: string; readonly shape: ObjectShape }>> = {
  Hello: { name: "HelloRequest", shape: request({}) },
  ValidateAccount: {
    name: "ValidateRequest",
    shape: request({ Account: "text", Reserve: "flag", Language: { list: "text" } }, "Account"),
  },
  CreateAccount: { name: "CreateRequest", shape: request({ Account: "text", Profile: PROFILE }, "Account", "Profile") },
  Get: {
    name: "GetRequest",
    shape: request({
      Identifier: "text",
      Account: "text",
      KeyValues: { list: KEY_VALUE },
      SearchConstraints: CONSTRAINTS,
      Multiple: "flag",
      Full: "flag",
    }),
  },
  Publish: { name: "PublishRequest", shape: request({ Entry: ENTRY }, "Entry") },
  Status: { name: "StatusRequest", shape: request({}) },
  ConnectStart: {
    name: "ConnectStartRequest",
    shape: request({ SignedRequest: SIGNED, AccountID: "text" }, "SignedRequest", "AccountID"),
  },
  ConnectStatus: {
    name: "ConnectStatusRequest",
    shape: request({ AccountID: "text", DeviceID: "text" }, "AccountID", "DeviceID"),
  },
  ConnectPending: {
    name: "ConnectPendingRequest",
    shape: request({ AccountID: "text", SearchConstraints: CONSTRAINTS }, "AccountID"),
  },
  ConnectComplete: {
    name: "ConnectCompleteRequest",
    shape: request({ Result: SIGNED, AccountID: "text" }, "Result", "AccountID"),
  },
  Transfer: { name: "TransferRequest", shape: request({}) },
};

/** The payloads that the portal looks into; those of personal, device and application profiles it leaves alone. */
const CONNECTION_REQUEST: ObjectShape = {
  members: { ConnectionRequest: { members: { ParentUDF: "text", Device: SIGNED }, needed: ["Device"] } },
  tagged: true,
};
const CONNECTION_RESULT: ObjectShape = {
  members: {
    ConnectionResult: { members: { ParentUDF: "text", Device: SIGNED, Result: "text" }, needed: ["Device", "Result"] },
  },
  tagged: true,
};

/** The end of the portal's process, and what of. */
class Death extends Error {}

const die = (reason: string): never => {
  throw new Death(reason);
};

type Json = string | number | boolean | readonly Json[] | JsonObject;
interface JsonObject {
  readonly object: readonly (readonly [string, Json])[];
}

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

/**
 * Reads JSON as the portal does: raw control characters stand for themselves in strings, what follows the object is not
 * looked at, null is unknown, and an escape such as `\u0061` is misread because of the zeros in it.
 */
const readJson = (text: string): Json => {
  let at = 0;
  const skip = (): string => {
    while (/[ \t\r\n]/.test(text.charAt(at))) at++;
    return text.charAt(at);
  };
  const expect = (character: string): void => {
    if (skip() !== character) die(`${JSON.stringify(text.charAt(at))} in the place of ${character}`);
    at++;
  };
  const readEscape = (): string => {
    const character = text.charAt(at++);
    if (character !== "u") return ESCAPES[character] ?? die(`the escape \\${character}`);
    const digits = text.slice(at, (at += 4));
    return /^[1-9a-f]{4}$/i.test(digits) ? String.fromCharCode(parseInt(digits, 16)) : die(`the escape \\u${digits}`);
  };
  const readText = (): string => {
    expect('"');
    let value = "";
    for (;;) {
      const character = text.charAt(at++);
      if (character === "") die("a string without an end");
      if (character === '"') return value;
      value += character === "\\" ? readEscape() : character;
    }
  };
  const readItems = <Read>(end: string, readItem: () => Read): Read[] => {
    at++;
    const items: Read[] = [];
    if (skip() !== end) {
      items.push(readItem());
      while (skip() !== end) {
        expect(",");
        items.push(readItem());
      }
    }
    at++;
    return items;
  };
  const readMember = (): readonly [string, Json] => {
    const name = readText();
    expect(":");
    return [name, readValue()];
  };
  const readValue = (): Json => {
    const first = skip();
    if (first === "{") return { object: readItems("}", readMember) };
    if (first === "[") return readItems("]", readValue);
    if (first === '"') return readText();
    const [word = ""] =
      /^(true|false|\d+)/.exec(text.slice(at, at + 16)) ?? die(`${JSON.stringify(first)} for a value`);
    at += word.length;
    return word === "true" ? true : word === "false" ? false : Number(word);
  };
  if (skip() !== "{") die("no object");
  return readValue();
};

const isObject = (value: Json): value is JsonObject => typeof value === "object" && "object" in value;

/** Holds what was read against what stands there by the schema. */
const shaped = (value: Json, shape: Shape, name: string): Value => {
  const wrong = (): never => die(`${name} of another type`);
  if (shape === "text") return typeof value === "string" ? value : wrong();
  if (shape === "flag") return typeof value === "boolean" ? value : wrong();
  if (shape === "count") return typeof value === "number" ? value : wrong();
  if (shape === "binary") {
    const letters = typeof value === "string" ? value.replace(/\s/g, "") : wrong();
    return /^[\w-]*$/.test(letters) ? Buffer.from(letters, "base64url") : wrong();
  }
  if ("list" in shape)
    return Array.isArray(value) ? value.map((item: Json) => shaped(item, shape.list, name)) : wrong();
  return isObject(value) ? shapedObject(value, shape, name) : wrong();
};

const shapedObject = ({ object }: JsonObject, shape: ObjectShape, name: string): Item => {
  const given = new Map(object);
  if (given.size !== object.length) die(`${name} with a member twice`);
  for (const member of given.keys()) {
    if (!Object.hasOwn(shape.members, member)) die(`${name} with the unknown member ${member}`);
  }
  if (shape.tagged && given.size !== 1) die(`${name} without exactly one type`);
  for (const member of shape.needed ?? []) if (!given.has(member)) die(`${name} without ${member}`);
  return Object.fromEntries(
    Object.entries(shape.members).flatMap(([member, inner]) => {
      const value = given.get(member);
      return value === undefined ? [] : [[member, shaped(value, inner, member)]];
    }),
  );
};

/** Base64 goes out wrapped at 64 columns behind a line feed, which stands raw in the string. */
const wrap = (octets: Buffer): string => `\n${octets.toString("base64url").replace(/.{64}(?=.)/g, "$&\n")}`;

const isList = (value: Value): value is readonly Value[] => Array.isArray(value);

/** JSON as the portal sets it. */
const writeJson = (value: Value, indent = 0): string => {
  if (typeof value === "string") return `"${value.replace(/["\\]/g, "\\$&")}"`;
  if (typeof value !== "object") return String(value);
  if (Buffer.isBuffer(value)) return `"${wrap(value)}"`;
  const line = `\n${" ".repeat(indent + 2)}`;
  if (isList(value)) return `[${value.map((item) => writeJson(item, indent + 2)).join(`,${line}`)}]`;
  const members = Object.entries(value).map(([name, item]) => `${line}"${name}": ${writeJson(item, indent + 2)}`);
  return `{${members.join(",")}}`;
};

const DONE = { Status: 201, StatusDescription: "Operation completed successfully" };
const VERSION = { Major: 0, Minor: 7, Encodings: [{ ID: ["application/json"] }] };
const VALID = { Minimum: 1, InvalidCharacters: ".,:;{}()[]<>?|\\@#" };

/** What the portal keeps on its disk. */
export interface ReferenceStore {
  /** The identifier of an account's profile, under the very string that it was created with. */
  readonly accounts: Map<string, string>;
  /** Entries under their type, by identifier alone: the last one of any type is the one. */
  readonly entries: Map<string, Item>;
  readonly pending: Map<string, readonly Item[]>;
  /** By device, whatever the account. */
  readonly results: Map<string, Item>;
}

const identifierOf = (item: Value | undefined): string => {
  const identifier = (item as Item | undefined)?.["Identifier"];
  return typeof identifier === "string" ? identifier : "";
};

const textOf = (message: Item, name: string): string => {
  const value = message[name];
  return typeof value === "string" ? value : "";
};

/** Dies unless the payload of a record is of this form. */
const checkPayload = (record: Value | undefined, shape: ObjectShape): void => {
  const payload = ((record as Item)["SignedData"] as Item)["payload"] as Buffer;
  shaped(readJson(payload.toString("utf8")), shape, "the payload");
};

/** Does what a request asks for, and gives the members of the response. It checks no signature, nor who asks. */
const perform = (store: ReferenceStore, operation: string, message: Item): Item => {
  const account = textOf(message, "AccountID");
  const keep = (entry: Value | undefined): string => {
    const identifier = identifierOf(Object.values(entry as Item)[0]);
    store.entries.set(identifier, entry as Item);
    return identifier;
  };
  const needAccount = (): void => {
    if (!store.accounts.has(account)) die(`${operation} for an unknown account`);
  };
  switch (operation) {
    case "Hello":
      return { ...DONE, Version: VERSION };
    case "ValidateAccount": {
      // It compares the name with the keys of its own log, in which the account alice is Account$alice.
      const isTaken = [...store.accounts.keys()].some((name) => `Account$${name}` === message["Account"]);
      return { ...DONE, Valid: !isTaken, ...VALID, ...(isTaken && { Reason: "That name is not available" }) };
    }
    case "CreateAccount":
      store.accounts.set(textOf(message, "Account"), keep(message["Profile"]));
      return DONE;
    case "Publish":
      keep(message["Entry"]);
      return DONE;
    case "Get": {
      const byAccount = message["Account"] !== undefined;
      const identifier = byAccount
        ? store.accounts.get(textOf(message, "Account"))
        : textOf(message, "Identifier") || undefined;
      if (identifier === undefined) return DONE;
      if (byAccount && identifier === "") die("an account whose profile has no identifier");
      const entry = store.entries.get(identifier);
      if (byAccount && entry && !("SignedPersonalProfile" in entry)) die("an account without a personal profile");
      return entry ? { ...DONE, Entries: [entry] } : DONE;
    }
    case "ConnectStart":
      needAccount();
      checkPayload(message["SignedRequest"], CONNECTION_REQUEST);
      store.pending.set(account, [...(store.pending.get(account) ?? []), message["SignedRequest"] as Item]);
      return {};
    case "ConnectPending": {
      needAccount();
      const pending = store.pending.get(account);
      return pending ? { Pending: pending } : {};
    }
    case "ConnectStatus": {
      const result = store.results.get(textOf(message, "DeviceID"));
      return result ? { Result: result } : {};
    }
    case "ConnectComplete": {
      needAccount();
      const result = message["Result"] as Item;
      checkPayload(result, CONNECTION_RESULT);
      const pending = store.pending.get(account);
      if (pending) {
        const index = pending.findIndex((item) => identifierOf(item) === identifierOf(result));
        if (index < 0) die("ConnectComplete for a device that is not pending");
        store.pending.set(account, pending.toSpliced(index, 1));
      }
      store.results.set(identifierOf(result), result);
      return {};
    }
    default:
      return DONE;
  }
};

/** The operation in the body of a request, and its message. */
const readRequest = (body: Buffer): { operation: string; message: Item } => {
  const { object } = readJson(body.toString("utf8")) as JsonObject;
  const [first, ...others] = object;
  if (!first || others.length > 0) return die("no single operation");
  const [operation, wrapped] = first;
  const known = Object.hasOwn(REQUESTS, operation) ? REQUESTS[operation] : undefined;
  if (!known) return die(`the unknown operation ${operation}`);
  const inner = isObject(wrapped) ? wrapped.object : die("no message");
  const [name, message] = inner[0] ?? die("no message");
  if (inner.length !== 1 || name !== known.name || !isObject(message)) return die(`no ${known.name}`);
  return { operation, message: shapedObject(message, known.shape, name) };
};

/** One request that the portal understood. */
export interface Call {
  readonly operation: string;
  readonly message: Item;
  /** How many of this operation came before. */
  readonly index: number;
  /** Does what is asked, and gives the answer. */
  handle(): string;
}

/** In the place of an answer: the connection ends without one, as on a bad network, and the portal lives. */
export const DROP = Symbol("drop");
export type Reply = string | typeof DROP;

export interface ReferencePortal extends ReferenceStore {
  readonly url: string;
  /** The operations that came, in order, whoever sent them. */
  readonly seen: readonly string[];
  /** What it died of, each time. */
  readonly deaths: readonly string[];
  /** Who stands on the wire. */
  intercept: ((call: Call) => Promise<Reply> | Reply) | undefined;
  /** Sends an operation as anyone may, and gives the response. Fails where none comes. */
  post(operation: string, message: object): Promise<Record<string, unknown>>;
  /** Sends octets as they are, and gives what comes back until the connection ends or the answer is whole. */
  raw(octets: string | Buffer): Promise<string>;
  /** Starts its process again after it died. What it had stored is still there. */
  restart(): Promise<void>;
}

interface Head {
  readonly method: string;
  readonly path: string;
  readonly keep: boolean;
  readonly headers: ReadonlyMap<string, string>;
}

const readHead = (text: string): Head => {
  const [line = "", ...lines] = text.split("\r\n");
  const [method = "", path = "", version = ""] = line.split(" ");
  const headers = new Map(
    lines.map((header): [string, string] => {
      const colon = header.indexOf(":");
      return [header.slice(0, colon).toLowerCase(), header.slice(colon + 1).trim()];
    }),
  );
  return { method, path, headers, keep: version === "HTTP/1.1" && headers.get("connection") !== "close" };
};

const isForPortal = ({ path, headers }: Head): boolean =>
  /^\/\.well-known\/mmm([/?]|$)/.test(path) && /^127\.0\.0\.1(:\d+)?$/.test(headers.get("host") ?? "");

/** An answer under the header lines of the portal's HTTP server. */
const httpAnswer = (status: string, type: string, body: string, keep: number | undefined): string =>
  [
    `HTTP/1.1 ${status}`,
    `Content-Type: ${type}`,
    "Server: Mono-HTTPAPI/1.0",
    `Date: ${new Date().toUTCString()}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    keep === undefined ? "Connection: close" : `Keep-Alive: timeout=15,max=${keep}`,
    "",
    body,
  ].join("\r\n");

const HEAD_END = "\r\n\r\n";

/** The length of a whole HTTP answer at the start of the octets, behind interim ones, or undefined while it is not there. */
const wholeAnswer = (octets: Buffer): number | undefined => {
  const end = octets.indexOf(HEAD_END);
  if (end < 0) return undefined;
  const head = octets.subarray(0, end).toString("latin1");
  const start = end + HEAD_END.length;
  if (/^HTTP\/1\.1 1/.test(head)) {
    const rest = wholeAnswer(octets.subarray(start));
    return rest === undefined ? undefined : start + rest;
  }
  const length = start + Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? 0);
  return octets.length >= length ? length : undefined;
};

const portals: { stop(): Promise<void> }[] = [];

afterEach(async () => {
  for (const portal of portals.splice(0)) await portal.stop();
});

/**
 * A portal that answers as the reference implementation of 2016 was recorded to. It knows nothing beyond what the recording
 * shows it to survive: of anything else it dies, and then nothing listens there until it is restarted. Ended after the test.
 */
export const openReferencePortal = async (): Promise<ReferencePortal> => {
  const store: ReferenceStore = { accounts: new Map(), entries: new Map(), pending: new Map(), results: new Map() };
  const seen: string[] = [];
  const deaths: string[] = [];
  const sockets = new Set<net.Socket>();
  let server: net.Server | undefined;
  let port = 0;

  const stop = async (): Promise<void> => {
    const stopped = server;
    server = undefined;
    for (const socket of sockets) socket.destroy();
    if (stopped) await new Promise<void>((resolve) => stopped.close(() => resolve()));
  };

  const kill = (error: unknown): void => {
    deaths.push(error instanceof Error ? error.message : String(error));
    void stop();
  };

  const answer = async (head: Head, body: Buffer): Promise<Reply> => {
    if (head.method === "GET" || body.length === 0) return die("a request without a body");
    const { operation, message } = readRequest(body);
    const index = seen.filter((name) => name === operation).length;
    seen.push(operation);
    const name = (REQUESTS[operation]?.name ?? "").replace(/Request$/, "Response");
    const handle = (): string => writeJson({ [name]: perform(store, operation, message) });
    return portal.intercept ? portal.intercept({ operation, message, index, handle }) : handle();
  };

  /** Serves one connection: a request after the other, as far as they have come. */
  const connect = (socket: net.Socket): void => {
    let octets: Buffer = Buffer.alloc(0);
    let served = 0;
    let busy = false;
    let continued = false;
    const next = async (): Promise<void> => {
      const end = octets.indexOf(HEAD_END);
      if (end < 0) return;
      const head = readHead(octets.subarray(0, end).toString("latin1"));
      const start = end + HEAD_END.length;
      if (!isForPortal(head)) {
        octets = Buffer.alloc(0);
        socket.end(
          httpAnswer("400 Bad Request", "text/html; charset=utf-8", "<h1>Bad Request (Invalid host)</h1>", undefined),
        );
        return;
      }
      if (head.headers.has("transfer-encoding")) die("chunking");
      if (head.headers.get("expect") === "100-continue" && !continued) {
        socket.write("HTTP/1.1 100 Continue\r\n\r\n");
        continued = true;
      }
      const length = Number(head.headers.get("content-length") ?? 0);
      if (octets.length < start + length) return;
      const body = octets.subarray(start, start + length);
      octets = octets.subarray(start + length);
      continued = false;
      const reply = await answer(head, body);
      if (reply === DROP) {
        socket.destroy();
        return;
      }
      const text = httpAnswer("200 OK", "application/json", reply, head.keep ? 100 - served : undefined);
      served++;
      if (!head.keep) {
        socket.end(text);
        return;
      }
      socket.write(text);
      await next();
    };
    const pump = (): void => {
      if (busy) return;
      busy = true;
      next()
        .then(() => {
          busy = false;
        })
        .catch(kill);
    };
    sockets.add(socket);
    socket.on("data", (chunk) => {
      octets = Buffer.concat([octets, chunk]);
      pump();
    });
    socket.on("end", () => {
      if (busy) return;
      if (octets.length > 0) kill("a request that breaks off");
      else socket.end();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
  };

  const start = async (): Promise<void> => {
    const started = net.createServer({ allowHalfOpen: true }, connect);
    await new Promise<void>((resolve, reject) => {
      started.once("error", reject);
      started.listen(port, "127.0.0.1", resolve);
    });
    ({ port } = started.address() as net.AddressInfo);
    server = started;
  };

  const raw = (request: string | Buffer): Promise<string> =>
    new Promise((resolve) => {
      let received: Buffer = Buffer.alloc(0);
      const socket = net.connect(port, "127.0.0.1", () => socket.end(request));
      socket.on("data", (chunk) => {
        received = Buffer.concat([received, chunk]);
        const length = wholeAnswer(received);
        if (length === undefined) return;
        received = received.subarray(0, length);
        socket.destroy();
      });
      socket.on("error", () => undefined);
      socket.on("close", () => resolve(received.toString("utf8")));
    });

  const portal: ReferencePortal = {
    ...store,
    get url() {
      return `http://127.0.0.1:${port}`;
    },
    seen,
    deaths,
    intercept: undefined,
    raw,
    async post(operation, message) {
      const body = JSON.stringify({ [operation]: { [REQUESTS[operation]?.name ?? ""]: message } });
      const answered = await raw(
        `POST /.well-known/mmm/ HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
          `Connection: close\r\n\r\n${body}`,
      );
      const response = readObject(Buffer.from(answered.slice(answered.indexOf(HEAD_END) + HEAD_END.length)));
      if (!response) throw new Error(`The portal does not answer ${operation}: ${deaths.at(-1) ?? ""}`);
      return Object.values(response)[0] as Record<string, unknown>;
    },
    restart: async () => {
      if (!server) await start();
    },
  };
  await start();
  portals.push({ stop });
  return portal;
};
