import { existsSync, readFileSync } from "node:fs";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { createConnectionRequest, createConnectionResult } from "../../src/mesh/connection.js";
import { createEscrowEntry, escrowIdentifier } from "../../src/mesh/escrow.js";
import { MAX_RECORD } from "../../src/mesh/jose.js";
import { createRevocation } from "../../src/mesh/profile.js";
import {
  DataItemSchema,
  EntrySchema,
  EXTENSIONS,
  LIMITS,
  OfflineEscrowEntrySchema,
  REQUEST_SCHEMAS,
  requestName,
  RESPONSE_SCHEMAS,
  responseName,
  TRANSACTIONS,
  type Transaction,
} from "../../src/mesh/protocol.js";
import { newDevice, newPerson, NOW, stream, TIME } from "./support.js";

const phone = newDevice("phone");
const { keys, master, admin, personal } = newPerson("alice");
const K = stream("protocol")(16);
const escrowEntry = await createEscrowEntry(K, [keys.signature, keys.escrow], master, []);
const connection = createConnectionRequest(phone.device, master.udf, phone.keys.signature);
const result = createConnectionResult(phone.device.record, master.udf, "Accepted", admin.keys.online);

const account = "alice@example.com";
/** A full request of every transaction: every member that it may have. */
const REQUESTS: { readonly [Name in Transaction]: Record<string, unknown> } = {
  Hello: {},
  ValidateAccount: { Account: account, Reserve: true, Language: ["de", "en-GB"] },
  CreateAccount: { Account: account, Profile: { SignedPersonalProfile: personal.record } },
  DeleteAccount: { Account: account },
  Get: {
    Identifier: master.udf,
    Account: account,
    KeyValues: [{ Key: "Type", Value: "PasswordProfile" }],
    SearchConstraints: { NotBefore: TIME, Before: TIME, MaxEntries: 3, MaxBytes: 0, PageKey: "x" },
    Multiple: true,
    Full: false,
    NotBefore: TIME,
    NotOnOrAfter: TIME,
  },
  Publish: { Entry: { SignedDeviceProfile: phone.device.record } },
  ConnectStart: { SignedRequest: connection.record, AccountID: account },
  ConnectPending: { AccountID: account, SearchConstraints: { PageKey: "x" } },
  ConnectStatus: { AccountID: account, DeviceID: phone.device.udf },
  ConnectComplete: { Result: result, AccountID: account },
  Status: {},
  Transfer: { SearchConstraints: {}, NotBefore: TIME, Until: TIME, After: "MMM-1", MaxEntries: 1, MaxBytes: 1 },
};
const REQUIRED: Partial<Record<Transaction, readonly string[]>> = {
  ValidateAccount: ["Account"],
  CreateAccount: ["Account", "Profile"],
  DeleteAccount: ["Account"],
  Publish: ["Entry"],
  ConnectStart: ["SignedRequest", "AccountID"],
  ConnectPending: ["AccountID"],
  ConnectStatus: ["AccountID", "DeviceID"],
  ConnectComplete: ["Result", "AccountID"],
};
const takes = (name: Transaction, value: unknown): boolean => v.is(REQUEST_SCHEMAS[name], value);
const gives = (name: Transaction, value: unknown): boolean => v.is(RESPONSE_SCHEMAS[name], value);

describe("transactions", () => {
  test("are the twelve of the specification, each with a request and a response", () => {
    expect([...TRANSACTIONS].sort()).toEqual(Object.keys(REQUESTS).sort());
    expect(Object.keys(RESPONSE_SCHEMAS).sort()).toEqual([...TRANSACTIONS].sort());
  });

  test("have messages named as the specification names them", () => {
    expect(TRANSACTIONS.map(requestName).sort()).toEqual(
      [
        "HelloRequest",
        "ValidateRequest",
        "CreateRequest",
        "DeleteRequest",
        "GetRequest",
        "PublishRequest",
        "ConnectStartRequest",
        "ConnectPendingRequest",
        "ConnectStatusRequest",
        "ConnectCompleteRequest",
        "StatusRequest",
        "TransferRequest",
      ].sort(),
    );
    for (const name of TRANSACTIONS) expect(responseName(name)).toBe(requestName(name).replace("Request", "Response"));
  });
});

describe.each(TRANSACTIONS)("a %s request", (name) => {
  const message = REQUESTS[name];

  test("may have every member of its own, and Portal", () => {
    expect(takes(name, message)).toBe(true);
    expect(takes(name, { ...message, Portal: "example.com" })).toBe(true);
  });

  test("has what it needs, and may leave out the rest", () => {
    const required = REQUIRED[name] ?? [];
    expect(takes(name, Object.fromEntries(required.map((member) => [member, message[member]])))).toBe(true);
    for (const member of Object.keys(message)) {
      const rest = Object.fromEntries(Object.entries(message).filter(([other]) => other !== member));
      expect(takes(name, rest)).toBe(!required.includes(member));
    }
  });

  test("has no other member, no nulls and no wrong kinds", () => {
    expect(takes(name, { ...message, Extra: 1 })).toBe(false);
    expect(takes(name, { ...message, [name]: {} })).toBe(false);
    expect(takes(name, { ...message, Portal: null })).toBe(false);
    expect(takes(name, { ...message, Portal: "x".repeat(513) })).toBe(false);
    expect(takes(name, null)).toBe(false);
    expect(takes(name, "x")).toBe(false);
    for (const member of Object.keys(message)) {
      for (const wrong of [null, -1, 1.5, "x".repeat(2000), [[]], [], { x: 1 }]) {
        // A list of languages may be empty: who asks for none gets the default.
        const isFine = member === "Language" && Array.isArray(wrong) && wrong.length === 0;
        expect([member, wrong, takes(name, { ...message, [member]: wrong })]).toEqual([member, wrong, isFine]);
      }
    }
  });
});

describe("search constraints", () => {
  const constrained = (value: unknown): boolean => takes("Get", { SearchConstraints: value });

  test("are an object of what the specification has, within bounds", () => {
    expect(constrained({})).toBe(true);
    expect(constrained({ MaxEntries: 0, MaxBytes: Number.MAX_SAFE_INTEGER })).toBe(true);
    for (const value of [
      [],
      { Extra: 1 },
      { MaxEntries: -1 },
      { MaxEntries: "1" },
      { MaxBytes: 2 ** 53 },
      { Before: "2026-02-30T00:00:00Z" },
      { NotBefore: "today" },
      { PageKey: "x".repeat(257) },
      { PageKey: 1 },
    ]) {
      expect(constrained(value)).toBe(false);
    }
  });
});

describe("an entry", () => {
  const is = (value: unknown): boolean => v.is(EntrySchema, value);

  test.each<[string, unknown]>([
    ["SignedPersonalProfile", personal.record],
    ["SignedMasterProfile", createRevocation(keys.signature, NOW).record],
    ["SignedDeviceProfile", phone.device.record],
    ["SignedApplicationProfile", personal.record],
    ["OfflineEscrowEntry", escrowEntry],
  ])("is a %s under the name of its type", (name, record) => {
    expect(is({ [name]: record })).toBe(true);
    expect(is({ [name]: { ...(record as object), Extra: 1 } })).toBe(false);
    expect(is({ [name]: [record] })).toBe(false);
    expect(is({ [name]: null })).toBe(false);
    expect(is({ [name]: record, Extra: 1 })).toBe(false);
  });

  test("is of one known type alone", () => {
    for (const value of [
      undefined,
      null,
      {},
      [],
      personal.record,
      { SignedConnectionRequest: connection.record },
      { signedPersonalProfile: personal.record },
      { SignedPersonalProfile: personal.record, SignedDeviceProfile: phone.device.record },
      { OfflineEscrowEntry: personal.record },
      { SignedPersonalProfile: escrowEntry },
    ]) {
      expect(is(value)).toBe(false);
    }
  });

  test("for escrow is encrypted data under a fingerprint", () => {
    expect(v.is(OfflineEscrowEntrySchema, escrowEntry)).toBe(true);
    expect(v.is(OfflineEscrowEntrySchema, { ...escrowEntry, Identifier: escrowIdentifier(K).toLowerCase() })).toBe(
      false,
    );
    expect(v.is(OfflineEscrowEntrySchema, { ...escrowEntry, EncryptedData: {} })).toBe(false);
  });
});

describe("responses", () => {
  test("may lack everything, Status included, and have more than we know", () => {
    for (const name of TRANSACTIONS) {
      expect(gives(name, {})).toBe(true);
      expect(gives(name, { Status: 201, StatusDescription: "Done", Extra: { a: [null] } })).toBe(true);
    }
  });

  test("have no status but a whole number, and no description but a text", () => {
    for (const name of TRANSACTIONS) {
      for (const Status of ["201", 201.5, null, 1e300]) expect(gives(name, { Status })).toBe(false);
      expect(gives(name, { StatusDescription: 1 })).toBe(false);
      expect(gives(name, null)).toBe(false);
    }
  });

  test("are bounded where what is in them is kept or shown", () => {
    expect(gives("Hello", { Extensions: Array(65).fill("x") })).toBe(false);
    expect(gives("Hello", { Extensions: ["x".repeat(65)] })).toBe(false);
    expect(gives("Hello", { Version: { Major: 0, Minor: 7, Encodings: [{}] } })).toBe(true);
    expect(gives("Hello", { Version: { Major: "0", Minor: 7 } })).toBe(false);
    expect(gives("Hello", { Limits: { body: "x" } })).toBe(false);
    expect(gives("ValidateAccount", { InvalidCharacters: "x".repeat(1025) })).toBe(false);
    expect(gives("Get", { Entries: [{ SomethingNew: 1 }], PageKey: "x" })).toBe(true);
    expect(gives("Get", { Entries: ["x"] })).toBe(false);
    expect(gives("Get", { PageKey: "x".repeat(257) })).toBe(false);
    expect(gives("ConnectPending", { Pending: {} })).toBe(false);
    expect(gives("Status", { LastWriteTime: "soon" })).toBe(false);
  });

  test("have data items as the logs of the reference implementation have them", () => {
    const item = { TransactionID: "MMM-1", PrimaryKey: "x", Action: "New", Added: TIME };
    expect(v.is(DataItemSchema, item)).toBe(true);
    expect(v.is(DataItemSchema, { ...item, Keys: [{ Key: "Name", Value: "x" }], Text: "{}", Extra: 1 })).toBe(true);
    for (const wrong of [{ Added: "now" }, { TransactionID: undefined }, { Keys: [{ Key: "Name" }] }, { Text: 1 }]) {
      expect(v.is(DataItemSchema, { ...item, ...wrong })).toBe(false);
      expect(gives("Transfer", { DataItems: [{ ...item, ...wrong }] })).toBe(false);
    }
  });
});

test("limits and extensions are those that others rely on", () => {
  expect(LIMITS).toEqual({
    body: 1_048_576,
    record: 262_144,
    pendingPerAccount: 64,
    pendingPerAddress: 4,
    requestLifetime: 86_400,
    name: 64,
  });
  expect(MAX_RECORD).toBe(LIMITS.record);
  expect(Object.values(EXTENSIONS)).toEqual(["signed-requests", "succession", "history", "revocation", "transparency"]);
});

const exchanges = new URL("../../../shared/reference-portal/exchanges.jsonl", import.meta.url);
test.skipIf(!existsSync(exchanges))("every response of the reference portal is understood", () => {
  const counts = new Map<string, number>();
  for (const line of readFileSync(exchanges, "utf8").split("\n").filter(Boolean)) {
    const { response } = JSON.parse(line) as { response: string };
    const body = response.slice(response.indexOf("\r\n\r\n") + 4);
    if (!response.startsWith("HTTP/1.1 200") || body === "") continue;
    // It wraps base64 with raw line feeds, which stand for nothing.
    const message = JSON.parse(body.replace(/\n/g, "")) as Record<string, unknown>;
    for (const name of TRANSACTIONS.filter((transaction) => responseName(transaction) in message)) {
      expect([name, gives(name, message[responseName(name)])]).toEqual([name, true]);
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  }
  expect([...counts.keys()].sort()).toEqual(
    expect.arrayContaining(["ConnectPending", "ConnectStatus", "CreateAccount", "Get", "Hello", "ValidateAccount"]),
  );
});
