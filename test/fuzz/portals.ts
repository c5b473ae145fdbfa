import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { decode, decodeRefusal, readObject } from "../../src/client/dialects.js";
import { readResponse } from "../../src/client/status.js";
import { utf8 } from "../../src/mesh/bytes.js";
import { createEscrowEntry } from "../../src/mesh/escrow.js";
import { PORTAL_PATH, requestName, responseName, TRANSACTIONS, type Transaction } from "../../src/mesh/protocol.js";
import { signRequest } from "../../src/mesh/request-signature.js";
import { openLogKey } from "../../src/portal/log/key-file.js";
import { createPortal, type Portal, type PortalRequest } from "../../src/portal/portal.js";
import { openSqliteStore } from "../../src/portal/store/sqlite.js";
import type { Target } from "./engine.js";
import { anyValue, mutateOctets, mutateText, mutateValue } from "./mutate.js";
import { forge, NOW, payloadTextOf, stream, type Person } from "./person.js";
import type { Random } from "./random.js";

const AUTHORITY = "portal.example";
const ACCOUNT = "alice@portal.example";
const STATUSES = [201, 400, 401, 403, 404, 405, 409, 413, 429];

interface Answer {
  readonly transaction: Transaction;
  readonly status: number;
  readonly body: Buffer;
}

const answers = (person: Person): Readonly<Record<Transaction, object>> => {
  const profile = { SignedPersonalProfile: person.records.PersonalProfile.record };
  const item = {
    TransactionID: "7",
    PrimaryKey: "a",
    Action: "New",
    Added: "2026-01-02T03:04:05Z",
    Keys: [],
    Text: "{}",
  };
  return {
    Hello: {
      Version: { Major: 1, Minor: 0, URI: ["https://portal.example/"] },
      Extensions: ["succession", "history"],
      DefaultDomain: "example.com",
      Limits: { body: 1048576 },
    },
    ValidateAccount: { Valid: false, Minimum: 1, Maximum: 64, InvalidCharacters: "@", Reason: "No." },
    CreateAccount: {},
    DeleteAccount: {},
    Get: { Entries: [profile], DataItems: [item], PageKey: "x", AccountStatus: "Open" },
    Publish: {},
    ConnectStart: {},
    ConnectPending: { Pending: [person.records.ConnectionRequest.record], PageKey: "x" },
    ConnectStatus: { Result: person.records.ConnectionResult.record },
    ConnectComplete: {},
    Status: { LastWriteTime: "2026-01-02T03:04:05Z", CheckpointValue: "x" },
    Transfer: { DataItems: [item] },
  };
};

/** What a client reads: anything that a portal may answer. */
const clientTarget = (person: Person): Target => {
  const seeds = answers(person);
  return {
    name: "answer",
    weight: 40_000,
    codes: [
      "portal-answer",
      "refused",
      "record-not-found",
      "conflict",
      "account-taken",
      "too-large",
      "rate-limited",
      "portal-busy",
      "portal-failed",
    ],
    make: (random): Answer => {
      const transaction = random.pick(TRANSACTIONS);
      const message = {
        Status: random.pick([200, 201, 400, 401, 404, 409, 500, 999]),
        StatusDescription: "x",
        ...seeds[transaction],
      };
      const whole = random.chance(0.05)
        ? anyValue(random)
        : { [random.chance(0.95) ? responseName(transaction) : "MeshResponse"]: message };
      const text = JSON.stringify(random.chance(0.7) ? mutateValue(random, whole) : whole);
      const body = random.chance(0.3) ? mutateOctets(random, Buffer.from(text)) : Buffer.from(text);
      return { transaction, status: random.pick([200, 201, 404, 409, 413, 500, 503]), body };
    },
    read: (input) => {
      const { transaction, status, body } = input as Answer;
      readObject(body);
      decodeRefusal(body);
      const response = readResponse(transaction, "https://portal.example", { status, headers: {}, body });
      if (JSON.stringify(decode(transaction, body)) !== JSON.stringify(response))
        throw new Error("Two readings differ.");
    },
  };
};

const requests = async (person: Person): Promise<Readonly<Record<Transaction, object>>> => {
  const { records, first } = person;
  const entry = await createEscrowEntry(
    stream("k")(16),
    [person.master.signature, person.master.escrow],
    first.master,
    [],
  );
  return {
    Hello: {},
    ValidateAccount: { Account: "bob@portal.example", Reserve: true, Language: ["de-CH", "en"] },
    CreateAccount: {
      Account: "more@portal.example",
      Profile: { SignedPersonalProfile: records.PersonalProfile.record },
    },
    DeleteAccount: { Account: ACCOUNT },
    Get: {
      Identifier: first.udf,
      Multiple: true,
      KeyValues: [{ Key: "Type", Value: "PersonalProfile" }],
      SearchConstraints: {
        NotBefore: "2026-01-02T03:04:05Z",
        MaxEntries: 5,
        MaxBytes: 1000,
        PageKey: `g.zz.m.P.${first.udf}....`,
      },
    },
    Publish: { Entry: { OfflineEscrowEntry: entry } },
    ConnectStart: { SignedRequest: records.ConnectionRequest.record, AccountID: ACCOUNT },
    ConnectPending: { AccountID: ACCOUNT, SearchConstraints: { MaxEntries: 5, PageKey: "p.5.." } },
    ConnectStatus: { AccountID: ACCOUNT, DeviceID: person.tablet.device.udf },
    ConnectComplete: { Result: records.ConnectionResult.record, AccountID: ACCOUNT },
    Status: {},
    Transfer: { SearchConstraints: { MaxEntries: 5, PageKey: "t.5.kf3." } },
  };
};

const LOG_FILES = ["checkpoint", "tile/0/000.p/1", "tile/entries/000.p/1", "tile/0/x001/000", "tile/1/000.p/2"];

const ENTRIES = ["SignedPersonalProfile", "SignedMasterProfile", "SignedDeviceProfile", "SignedApplicationProfile"];

/** A record inside a request, altered and signed again. */
const forgedMessage = (random: Random, person: Person): [Transaction, object] => {
  const { record, key } = random.pick(Object.values(person.records));
  const payload = JSON.stringify(mutateValue(random, JSON.parse(payloadTextOf(record))));
  const forged = forge(record.Identifier, payload, key);
  switch (random.below(3)) {
    case 0:
      return ["ConnectStart", { SignedRequest: forged, AccountID: ACCOUNT }];
    case 1:
      return ["ConnectComplete", { Result: forged, AccountID: ACCOUNT }];
    default:
      return ["Publish", { Entry: { [random.pick(ENTRIES)]: forged } }];
  }
};

const portalTarget = async (person: Person): Promise<Target> => {
  const seeds = await requests(person);
  let portal: Portal | undefined;
  /** Of the portal that was open last: with the same key all have the same one. */
  let checkpoint = "log.invalid\n1\nAAAA\n\n— log.invalid AAAA\n";
  /** What asks for proofs. */
  const asking = (random: Random): object => ({
    RequestID: random.octets(16).toString("base64url"),
    ...(random.chance(0.7) && { Checkpoint: random.chance(0.5) ? checkpoint : mutateText(random, checkpoint) }),
  });
  const request = (body: Buffer, nonce: Buffer, sign = true, address = "192.0.2.1"): PortalRequest => {
    const signable = { method: "POST", authority: AUTHORITY, path: PORTAL_PATH, body };
    const created = Math.floor(NOW.getTime() / 1000);
    const headers = sign ? signRequest(signable, person.admin.keys.authentication, created, () => nonce) : {};
    return { ...signable, headers, address };
  };
  return {
    name: "portal",
    weight: 15_000,
    codes: [],
    batch: 2_000,
    open: async () => {
      const folder = fs.mkdtempSync(path.join(os.tmpdir(), "meshman-fuzz-"));
      const random = stream("portal");
      const signer = await openLogKey(path.join(folder, "log.key"), { random });
      const store = await openSqliteStore(path.join(folder, "portal.sqlite"), { random, signer });
      const opened = createPortal({
        store,
        domains: ["portal.example"],
        authorities: [AUTHORITY],
        now: () => NOW,
        random,
        rateLimit: "none",
        transferToken: "token",
      });
      portal = opened;
      const create = { Account: ACCOUNT, Profile: { SignedPersonalProfile: person.records.PersonalProfile.record } };
      const body = utf8(JSON.stringify({ CreateAccount: { CreateRequest: create } }));
      const { status } = await opened.handle(request(body, Buffer.alloc(16)));
      if (status !== 201) throw new Error("The portal cannot be set up.");
      checkpoint = (await store.read((tx) => tx.head())).checkpoint;
      return async () => {
        await opened.close();
        fs.rmSync(folder, { recursive: true, force: true });
      };
    },
    make: (random): PortalRequest => {
      const [transaction, message] = random.chance(0.3)
        ? forgedMessage(random, person)
        : (([name]: [Transaction]) => [name, seeds[name]] as const)([random.pick(TRANSACTIONS)]);
      // Of accounts that were deleted there is little to be seen.
      const isDeletion = transaction === "DeleteAccount";
      const asked = random.chance(0.5) && transaction !== "Hello" ? { ...message, ...asking(random) } : message;
      const altered = random.chance(isDeletion ? 1 : 0.7) ? mutateValue(random, asked) : asked;
      const named = { [requestName(transaction)]: altered };
      const whole = random.chance(0.5) ? { [transaction]: named } : named;
      const value = random.chance(0.05) ? anyValue(random) : random.chance(0.1) ? mutateValue(random, whole) : whole;
      const text = JSON.stringify(value);
      const body = random.chance(0.15) ? mutateOctets(random, Buffer.from(text)) : utf8(text);
      const made = request(body, random.octets(16), random.chance(0.8), `192.0.2.${random.below(8)}`);
      if (random.chance(0.9)) return made;
      const [name, header] = random.pick([...Object.entries(made.headers), ["authorization", "Bearer token"] as const]);
      const file = PORTAL_PATH + random.pick(LOG_FILES);
      return {
        ...made,
        method: random.chance(0.5) ? "POST" : random.chance(0.8) ? "GET" : mutateText(random, "POST"),
        path: random.chance(0.5) ? PORTAL_PATH : mutateText(random, random.chance(0.5) ? file : `${PORTAL_PATH}?a`),
        authority: random.chance(0.9) ? AUTHORITY : mutateText(random, AUTHORITY),
        headers: { ...made.headers, [name]: mutateText(random, header) },
      };
    },
    read: async (input) => {
      const { status, headers, body } = await (portal as Portal).handle(input as PortalRequest);
      if (headers["content-length"] !== String(body.length)) throw new Error("Another length than it says.");
      // A file of the log.
      if (status === 200 && headers["content-type"] !== "application/json") return;
      const text = body.toString("utf8");
      const responses = Object.entries(JSON.parse(text) as Record<string, Record<string, unknown>>);
      const [name, message] = responses[0] ?? ["", {}];
      const description = message["StatusDescription"];
      if (!STATUSES.includes(status)) throw new Error(`Status ${status}: ${String(description)}`);
      if (responses.length !== 1 || !name.endsWith("Response")) throw new Error(`Not one response: ${text}`);
      if (message["Status"] !== status || typeof description !== "string" || description === "") {
        throw new Error(`Not a status: ${text}`);
      }
      if (message["Checkpoint"] !== undefined && message["RequestID"] === undefined) {
        throw new Error(`A head for no request: ${text}`);
      }
      if (message["RequestID"] !== undefined && message["Checkpoint"] === undefined && status < 429) {
        throw new Error(`A request without a head: ${text}`);
      }
      if (/[\u0000-\u001f\u202e]|\n\s+at /.test(description)) throw new Error(`Not fit to be shown: ${text}`);
    },
  };
};

export const portalTargets = async (person: Person): Promise<readonly Target[]> => [
  clientTarget(person),
  await portalTarget(person),
];
