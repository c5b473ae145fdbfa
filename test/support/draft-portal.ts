import * as http from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach } from "vitest";

type Message = Readonly<Record<string, unknown>>;
type Named = { readonly Identifier: string };

/** The requests and their members as architecture-02 prints them. `Portal` is of a later draft, and passed over. */
const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  ValidateRequest: ["Account", "Language"],
  CreateRequest: ["Account", "Profile"],
  GetRequest: ["Account", "Identifier", "Multiple"],
  PublishRequest: ["Entry"],
  ConnectStartRequest: ["SignedRequest", "AccountID"],
  ConnectPendingRequest: ["AccountID"],
  ConnectStatusRequest: ["AccountID", "DeviceID"],
  ConnectCompleteRequest: ["Result", "AccountID"],
};
const LATER_MEMBERS = ["Portal"];

const DONE = { Status: 201, StatusDescription: "Operation completed successfully" };
const refusal = (status: number, description: string): Message => ({ Status: status, StatusDescription: description });

export interface DraftPortal {
  readonly url: string;
  /** The requests that it understood, in order. */
  readonly seen: readonly string[];
  /** What it answered with an HTTP error, in order. */
  readonly refused: readonly string[];
}

const servers: http.Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
});

/** A first and only member: of a message its name, of an entry its type. */
const onlyMember = (value: unknown): readonly [string, unknown] => {
  const members = typeof value === "object" && value !== null ? Object.entries(value) : [];
  if (!members[0] || members.length > 1) throw new Error("Not exactly one member.");
  return members[0];
};

/**
 * A portal made after the examples of architecture-02 and nothing else: messages stand alone in the body, there is no Hello,
 * and whatever else comes gets an HTTP error in JSON. It checks no signature and keeps one record for an identifier.
 */
export const openDraftPortal = async (): Promise<DraftPortal> => {
  const accounts = new Map<string, string>();
  const records = new Map<string, unknown>();
  const pending = new Map<string, Named[]>();
  const results = new Map<string, Named>();
  const seen: string[] = [];
  const refused: string[] = [];

  const keep = (entry: unknown): string => {
    const { Identifier } = onlyMember(entry)[1] as Named;
    records.set(Identifier, entry);
    return Identifier;
  };

  const perform = (name: string, message: Message): Message => {
    const account = String(message["Account"] ?? message["AccountID"]);
    switch (name) {
      case "ValidateRequest":
        return { ...DONE, Valid: !accounts.has(account), Minimum: 1, InvalidCharacters: ".,:;{}()[]<>?|\\@#" };
      case "CreateRequest":
        if (accounts.has(account)) return refusal(409, "That account exists.");
        accounts.set(account, keep(message["Profile"]));
        return DONE;
      case "PublishRequest":
        keep(message["Entry"]);
        return DONE;
      case "GetRequest": {
        const identifier = "Account" in message ? accounts.get(account) : String(message["Identifier"]);
        const entry = records.get(identifier ?? "");
        return entry === undefined ? refusal(404, "There is no such record.") : { ...DONE, Entries: [entry] };
      }
      case "ConnectStartRequest":
        pending.set(account, [...(pending.get(account) ?? []), message["SignedRequest"] as Named]);
        return {};
      case "ConnectPendingRequest":
        return { Pending: pending.get(account) ?? [] };
      case "ConnectStatusRequest": {
        const result = results.get(String(message["DeviceID"]));
        return result ? { Result: result } : {};
      }
      default: {
        const result = message["Result"] as Named;
        const waiting = pending.get(account) ?? [];
        if (!waiting.some(({ Identifier }) => Identifier === result.Identifier)) return refusal(404, "Nobody waits.");
        const rest = waiting.filter(({ Identifier }) => Identifier !== result.Identifier);
        pending.set(account, rest);
        results.set(result.Identifier, result);
        return {};
      }
    }
  };

  const answer = (body: string): readonly [number, object] => {
    try {
      const [name, value] = onlyMember(JSON.parse(body));
      const known = Object.hasOwn(MEMBERS, name) ? MEMBERS[name] : undefined;
      if (!known) throw new Error(`${name} is unknown here.`);
      const message = value as Message;
      const unknown = Object.keys(message).find((member) => ![...known, ...LATER_MEMBERS].includes(member));
      if (unknown !== undefined) throw new Error(`${name} has no member ${unknown}.`);
      seen.push(name);
      return [200, { [name.replace(/Request$/, "Response")]: perform(name, message) }];
    } catch (error) {
      refused.push(String(error));
      return [400, { error: String(error) }];
    }
  };

  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const [status, message] = answer(Buffer.concat(chunks).toString("utf8"));
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(message));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  servers.push(server);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen, refused };
};
