import type { ServerResponse } from "node:http";
import { recordHash, type SignedRecord } from "../../src/mesh/jose.js";
import { HELLO, reply, serve, type Received, type TestServer } from "./support.js";

type Fields = Record<string, unknown>;
type Entry = Record<string, { Identifier: string }>;

const DONE = { Status: 201, StatusDescription: "Operation completed successfully" };

/** What each transaction may hold; anything else kills the portal, as it kills that of 2016. */
const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  Hello: [],
  ValidateAccount: ["Account", "Reserve", "Language"],
  CreateAccount: ["Account", "Profile"],
  Get: ["Account", "Identifier", "Multiple", "Full", "KeyValues", "SearchConstraints"],
  Publish: ["Entry"],
  ConnectStart: ["AccountID", "SignedRequest"],
  ConnectPending: ["AccountID", "SearchConstraints"],
  ConnectStatus: ["AccountID", "DeviceID"],
  ConnectComplete: ["AccountID", "Result"],
};

/** Base64 wrapped at 64 columns behind a line feed, raw in the JSON text. */
const wrapBase64 = (text: string): string =>
  text.replace(
    /"(protected|payload|signature|iv|ciphertext|tag)":"([\w-]*)"/g,
    (_, name: string, value: string) => `"${name}": "\n${value.replace(/.{64}(?=.)/g, "$&\n")}"`,
  );

export interface PlainPortal extends TestServer {
  readonly accounts: Map<string, string>;
  /** What Get gives by identifier. */
  readonly records: Map<string, Entry>;
  readonly pending: Map<string, SignedRecord[]>;
  readonly results: Map<string, SignedRecord>;
  isDead(): boolean;
  /** Does something after the next Publish or CreateAccount was stored and before it is answered. */
  afterWrite: (() => void) | undefined;
}

/**
 * A portal that behaves as the one of 2016 was recorded to: it checks nothing, says 201 for
 * what is not there, and dies of what it does not know.
 */
export const plainPortal = async (): Promise<PlainPortal> => {
  const accounts = new Map<string, string>();
  const records = new Map<string, Entry>();
  const pending = new Map<string, SignedRecord[]>();
  const results = new Map<string, SignedRecord>();
  let dead = false;

  const die = (): never => {
    dead = true;
    throw new Error("The portal died.");
  };

  const store = (entry: Entry): string => {
    const { Identifier } = Object.values(entry)[0]!;
    records.set(Identifier, entry);
    return Identifier;
  };

  const answer = (transaction: string, fields: Fields): Fields => {
    const account = String(fields["AccountID"]);
    switch (transaction) {
      case "Hello":
        return HELLO.HelloResponse;
      case "ValidateAccount":
        return { ...DONE, Valid: true };
      case "CreateAccount":
        accounts.set(String(fields["Account"]), store(fields["Profile"] as Entry));
        portal.afterWrite?.();
        return DONE;
      case "Publish":
        store(fields["Entry"] as Entry);
        portal.afterWrite?.();
        return DONE;
      case "Get": {
        const key = "Account" in fields ? accounts.get(String(fields["Account"])) : String(fields["Identifier"]);
        const entry = records.get(key ?? "");
        return { ...DONE, ...(entry && { Entries: [entry] }) };
      }
      case "ConnectStart":
        if (!accounts.has(account)) die();
        pending.set(account, [...(pending.get(account) ?? []), fields["SignedRequest"] as SignedRecord]);
        return {};
      case "ConnectPending": {
        if (!accounts.has(account)) die();
        const list = pending.get(account);
        return list ? { Pending: list } : {};
      }
      case "ConnectStatus": {
        const result = results.get(String(fields["DeviceID"]));
        return result ? { Result: result } : {};
      }
      case "ConnectComplete": {
        const result = fields["Result"] as SignedRecord;
        const list = pending.get(account) ?? [];
        const index = list.findIndex(({ Identifier }) => Identifier === result.Identifier);
        if (index < 0) die();
        pending.set(account, list.toSpliced(index, 1));
        results.set(result.Identifier, result);
        return {};
      }
      default:
        return die();
    }
  };

  const handle = (request: Received, response: ServerResponse): void => {
    try {
      const { outer, message } = request;
      const fields = Object.fromEntries(Object.entries(message).filter(([name]) => name !== "Portal"));
      if (dead || Object.keys(fields).some((name) => !MEMBERS[outer]?.includes(name))) die();
      if (request.headers["transfer-encoding"] !== undefined) die();
      const name = `${outer.replace("Account", "")}Response`;
      reply(response, wrapBase64(JSON.stringify({ [name]: answer(outer, fields) })));
    } catch {
      response.socket?.destroy();
    }
  };

  const server = await serve(handle);
  const portal: PlainPortal = {
    ...server,
    accounts,
    records,
    pending,
    results,
    isDead: () => dead,
    afterWrite: undefined,
  };
  return portal;
};

/** Hashes of the records that are pending for an account. */
export const pendingHashes = (portal: PlainPortal, account: string): string[] =>
  (portal.pending.get(account) ?? []).map(recordHash);
