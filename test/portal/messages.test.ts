import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  LIMITS,
  PORTAL_PATH,
  requestName,
  responseName,
  TRANSACTIONS,
  type Transaction,
} from "../../src/mesh/protocol.js";
import { harmless } from "../../src/portal/answer.js";
import { addressKey, createLimiter } from "../../src/portal/limiter.js";
import type { PortalEvent } from "../../src/portal/portal.js";
import {
  makeEscrowEntry,
  makeDevice,
  makePerson,
  makeRequest,
  makeResult,
  openTestPortal,
  personalEntry,
  random,
  wrap,
  type TestPortal,
} from "../support/portal.js";

const hello = wrap("Hello", {});

describe("a request", () => {
  it.each([PORTAL_PATH, PORTAL_PATH.slice(0, -1), `${PORTAL_PATH}?x=1`, `${PORTAL_PATH.slice(0, -1)}?`])(
    "is answered at %s",
    async (path) => {
      const { raw } = await openTestPortal();
      expect((await raw(hello, { path })).status).toBe(201);
    },
  );

  it.each(["/", "", "*", "/.well-known/", "/.well-known/mmm/x", "/.well-known/mmm//", "/.WELL-KNOWN/mmm/", "//x/"])(
    "is not found at %s",
    async (path) => {
      const { raw } = await openTestPortal();
      expect(await raw(hello, { path })).toMatchObject({ status: 404, http: 404, name: "MeshResponse" });
    },
  );

  it.each(["GET", "PUT", "HEAD", "OPTIONS", "post"])("is refused with %s", async (method) => {
    const { raw } = await openTestPortal();
    const answer = await raw(hello, { method });
    expect(answer).toMatchObject({ status: 405, name: "MeshResponse" });
    expect(answer.headers).toMatchObject({ allow: "POST", "content-type": "application/json" });
    expect(answer.message.StatusDescription).toContain("POST");
  });

  it("must be for an authority of this portal, whatever a proxy says", async () => {
    const { raw, portal } = await openTestPortal({ authorities: ["a.example", "a.example:8080"] });
    for (const authority of ["a.example", "a.example:8080"]) expect((await raw(hello, { authority })).status).toBe(201);
    for (const authority of ["", "b.example", "a.example:80", "a.example.", "b.example@a.example"]) {
      const headers = { "x-forwarded-host": "a.example", forwarded: "host=a.example" };
      expect(await raw(hello, { authority, headers })).toMatchObject({ status: 400, name: "MeshResponse" });
    }
    const request = { method: "POST", path: PORTAL_PATH, headers: {}, body: Buffer.from(hello), address: "192.0.2.1" };
    expect((await portal.handle({ ...request, authority: "10.0.0.1:80" }, ["10.0.0.1:80"])).status).toBe(201);
  });

  it("has at most a mebibyte", async () => {
    const { raw } = await openTestPortal();
    const pad = " ".repeat(LIMITS.body - hello.length);
    expect((await raw(hello + pad)).status).toBe(201);
    expect(await raw(`${hello}${pad} `)).toMatchObject({ status: 413, name: "MeshResponse" });
  });

  it.each([
    ["", "empty"],
    ["hello", "not JSON"],
    ['{"Hello":{"HelloRequest":{', "cut off"],
    ["[1,2]", "an array"],
    ["null", "null"],
    ["{}", "without members"],
    ['{"Hello":{"HelloRequest":{}},"Get":{"GetRequest":{}}}', "with two members"],
    ['{"Bogus":{"BogusRequest":{}}}', "of an unknown transaction"],
    ['{"__proto__":{"HelloRequest":{}}}', "named __proto__"],
    ['{"toString":{}}', "named as something every object has"],
    ['{"Hello":{"HelloRequest":{}},"Hello":{"HelloRequest":{}}}', "with one member twice"],
    ['{"\\ud800":{}}', "with a lone surrogate"],
    [`${'{"a":'.repeat(65)}1${"}".repeat(65)}`, "nested too deep"],
    ["[".repeat(500_000), "nested absurdly deep"],
    ["\ufeff{}", "with a byte order mark"],
  ])("is refused as %j", async (body) => {
    const { raw } = await openTestPortal();
    expect(await raw(body.slice(0, 600_000))).toMatchObject({ status: 400, http: 400, name: "MeshResponse" });
  });

  it("is refused where it is not UTF-8", async () => {
    const { raw } = await openTestPortal();
    expect((await raw(Buffer.from([0x7b, 0xff, 0x7d]))).status).toBe(400);
    expect((await raw(Buffer.from(hello, "utf16le"))).status).toBe(400);
  });

  it.each([
    ['{"Hello":{}}', "HelloResponse"],
    ['{"Hello":[]}', "HelloResponse"],
    ['{"Hello":null}', "HelloResponse"],
    ['{"Hello":{"ValidateRequest":{}}}', "HelloResponse"],
    ['{"Hello":{"HelloRequest":{},"x":1}}', "HelloResponse"],
    ['{"HelloRequest":null}', "HelloResponse"],
    ['{"Publish":{"PublishRequest":{"Entry":{"FooEntry":{}}}}}', "PublishResponse"],
    ['{"ValidateRequest":{"Account":"a","__proto__":{}}}', "MeshResponse"],
    ['{"ValidateRequest":{"Account":"a","Account":"b"}}', "MeshResponse"],
    ['{"ValidateRequest":{"Account":"\\udc00"}}', "MeshResponse"],
  ])("is refused in the name of its transaction: %s", async (body, name) => {
    const { raw } = await openTestPortal();
    expect(await raw(body)).toMatchObject({ status: 400, name });
  });

  it("has records of at most 256 KiB", async () => {
    const { raw } = await openTestPortal();
    const big = { Identifier: "x", SignedData: { payload: "A".repeat(LIMITS.record) } };
    for (const [transaction, message] of [
      ["Publish", { Entry: { SignedPersonalProfile: big } }],
      ["CreateAccount", { Account: "a", Profile: { SignedPersonalProfile: big } }],
      ["ConnectStart", { AccountID: "a", SignedRequest: big }],
      ["ConnectComplete", { AccountID: "a", Result: big }],
    ] as const) {
      expect(await raw(wrap(transaction, message))).toMatchObject({ status: 413, name: responseName(transaction) });
    }
  });

  it("never has its own text come back raw or long", async () => {
    const { raw } = await openTestPortal();
    const hostile = `\u202e\u001b[31m${"x".repeat(5000)}`;
    for (const body of [
      JSON.stringify({ [hostile]: {} }),
      wrap("Hello", { [hostile]: 1 }),
      wrap("Get", { Account: `a@${hostile.slice(0, 400)}` }),
      wrap("Get", { Account: `${hostile.slice(0, 60)}@x` }),
      wrap("ConnectStatus", { AccountID: "a", DeviceID: hostile.slice(0, 100) }),
    ]) {
      const { message, status } = await raw(body);
      expect([400, 404]).toContain(status);
      expect(message.StatusDescription.length).toBeLessThan(600);
      expect(message.StatusDescription).not.toMatch(/[\u0000-\u001f\u202e]/);
    }
  });
});

/** One good message of every transaction. */
const examples = async (): Promise<Record<Transaction, Record<string, unknown>>> => {
  const now = new Date("2026-03-01T12:00:00Z");
  const alice = makePerson("laptop", now);
  const phone = makeDevice("phone", now);
  const SearchConstraints = {
    NotBefore: "2026-01-01T00:00:00Z",
    Before: "2027-01-01T00:00:00Z",
    MaxEntries: 1,
    MaxBytes: 1,
    PageKey: "t.1..",
  };
  const Portal = "example.com";
  return {
    Hello: { Portal },
    ValidateAccount: { Portal, Account: "a", Reserve: true, Language: ["en"] },
    CreateAccount: { Portal, Account: "a", Profile: personalEntry(alice.profile) },
    DeleteAccount: { Portal, Account: "a" },
    Get: {
      Portal,
      Identifier: alice.profile.udf,
      Account: "a",
      KeyValues: [{ Key: "Type", Value: "x" }],
      SearchConstraints: { ...SearchConstraints, PageKey: "g.1....." },
      Multiple: true,
      Full: true,
      NotBefore: "2026-01-01T00:00:00Z",
      NotOnOrAfter: "2026-01-01T00:00:00Z",
    },
    Publish: { Portal, Entry: { OfflineEscrowEntry: await makeEscrowEntry(alice) } },
    ConnectStart: { Portal, AccountID: "a", SignedRequest: makeRequest(phone, alice.profile.udf) },
    ConnectPending: { Portal, AccountID: "a", SearchConstraints: { ...SearchConstraints, PageKey: "p.1.." } },
    ConnectStatus: { Portal, AccountID: "a", DeviceID: phone.device.udf },
    ConnectComplete: { Portal, AccountID: "a", Result: makeResult(phone, alice) },
    Status: { Portal },
    Transfer: {
      Portal,
      SearchConstraints,
      NotBefore: "2026-01-01T00:00:00Z",
      After: "TID:1",
      MaxEntries: 1,
      MaxBytes: 1,
    },
  };
};

const REQUIRED: Partial<Record<Transaction, readonly string[]>> = {
  ValidateAccount: ["Account"],
  CreateAccount: ["Account", "Profile"],
  DeleteAccount: ["Account"],
  Publish: ["Entry"],
  ConnectStart: ["AccountID", "SignedRequest"],
  ConnectPending: ["AccountID"],
  ConnectStatus: ["AccountID", "DeviceID"],
  ConnectComplete: ["AccountID", "Result"],
};

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

/** Every variant of a value in which one member, however deep, has been replaced; `undefined` removes it. */
const variants = (value: unknown, replacements: readonly unknown[]): unknown[] => {
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([name, member]) => {
    const put = (replacement: unknown): unknown => {
      if (Array.isArray(value))
        return value.map((item: unknown, index) => (String(index) === name ? replacement : item));
      return Object.fromEntries(
        Object.entries({ ...value, [name]: replacement }).filter(([, kept]) => kept !== undefined),
      );
    };
    return [...replacements.map(put), ...variants(member, replacements).map(put)];
  });
};

describe.each(TRANSACTIONS)("the form of %s", (transaction) => {
  const open = async (): Promise<{ portal: TestPortal; example: Record<string, unknown> }> => ({
    portal: await openTestPortal({ transferToken: "t" }),
    example: (await examples())[transaction],
  });
  const headers = { authorization: "Bearer t" };

  it("is understood in both wrappings, with every member that it may have", async () => {
    const { portal, example } = await open();
    for (const wrapping of ["reference", "draft"] as const) {
      const answer = await portal.raw(wrap(transaction, example, wrapping), { headers });
      expect(answer.name).toBe(responseName(transaction));
      // Refused for what it says, if at all, not for its form.
      expect(answer.message.StatusDescription).not.toContain("of the wrong form");
    }
  });

  it("allows no member of another type, none unknown, and none null", async () => {
    const { portal, example } = await open();
    const wrong = variants(example, [null, -1.5, [[]], { "": 0 }]);
    const unknown = { ...example, Xyzzy: 1 };
    if ("SearchConstraints" in example) wrong.push({ ...example, SearchConstraints: [] });
    for (const message of [...wrong, unknown, ...[null, 1, "x", []].map((value) => value as unknown)]) {
      const answer = await portal.raw(wrap(transaction, message), { headers });
      expect([transaction, message, answer.status, answer.name]).toEqual([
        transaction,
        message,
        400,
        responseName(transaction),
      ]);
    }
  });

  it("lacks no member that it needs", async () => {
    const { portal, example } = await open();
    for (const name of REQUIRED[transaction] ?? []) {
      const { [name]: _, ...message } = example;
      const answer = await portal.raw(wrap(transaction, message), { headers });
      expect([name, answer.status]).toEqual([name, 400]);
    }
    for (const message of variants(example, [undefined])) {
      expect((await portal.raw(wrap(transaction, message), { headers })).status).toBeLessThan(500);
    }
  });
});

describe("any request", () => {
  it("is answered, whatever JSON it is, and never with 500", async () => {
    const portal = await openTestPortal({ rateLimit: "none" });
    const alice = makePerson("laptop", portal.clock.now());
    await portal.createAccount("alice", alice);
    const names = fc.constantFrom(...TRANSACTIONS, ...TRANSACTIONS.map(requestName), "GetRecords", "x");
    const leaf = fc.oneof(
      fc.constantFrom("alice", alice.profile.udf, "2026-01-01T00:00:00Z", "g.1.m.PM.....", true, 1, 0),
      fc.jsonValue({ maxDepth: 3 }),
    );
    const members = fc.constantFrom("Account", "AccountID", "Identifier", "DeviceID", "Entry", "Profile", "Result");
    const constraints = fc.dictionary(
      fc.constantFrom("PageKey", "MaxEntries", "Before", "NotBefore", "MaxBytes"),
      leaf,
    );
    const message = fc.oneof(
      fc.dictionary(members, leaf),
      fc.record({ Account: leaf, SearchConstraints: constraints }),
      fc.record({ KeyValues: fc.array(fc.record({ Key: fc.constantFrom("Name", "Type"), Value: leaf })) }),
      leaf,
    );
    const body = fc.oneof(
      fc.jsonValue(),
      fc.tuple(names, message).map(([name, inner]) => ({ [name]: inner })),
      fc
        .constantFrom(...TRANSACTIONS)
        .chain((transaction) => message.map((inner) => ({ [transaction]: { [requestName(transaction)]: inner } }))),
    );
    const property = fc.asyncProperty(body, fc.boolean(), async (value, isSigned) => {
      const answer = await portal.raw(JSON.stringify(value), isSigned ? { signer: alice.admin } : {});
      expect([201, 400, 401, 403, 404, 409, 413]).toContain(answer.status);
      expect(answer.http).toBe(answer.status);
      expect(answer.message.StatusDescription).toMatch(/\S/);
    });
    await fc.assert(property, { numRuns: 400 });
  });
});

describe("the log", () => {
  it("says what was done, for which account and how it went, and no more", async () => {
    const events: PortalEvent[] = [];
    const portal = await openTestPortal({ log: (event) => events.push(event) });
    await portal.createAccount("alice", makePerson("laptop", portal.clock.now()));
    await portal.raw("nonsense", { address: "192.0.2.77" });
    await portal.call("Get", { Account: "alice" });
    const account = "alice@localhost";
    expect(events).toEqual(
      [
        { transaction: "CreateAccount", status: 201, account },
        { transaction: "unknown", status: 400, account: undefined },
        { transaction: "Get", status: 201, account },
      ].map((event) => ({ ...event, milliseconds: expect.any(Number), error: undefined })),
    );
  });
});

describe("unexpected failures", () => {
  it("are answered with 500 and say nothing of themselves", async () => {
    const { store } = await openTestPortal();
    const broken = {
      ...store,
      read: async () => {
        throw new TypeError("/secret/path is undefined");
      },
      close: async () => undefined,
    };
    const events: PortalEvent[] = [];
    const portal = await openTestPortal({ store: broken, log: (event) => events.push(event) });
    const answer = await portal.call("Get", { Account: "alice" });
    expect(events).toMatchObject([{ status: 500, error: expect.any(TypeError) }]);
    expect(answer).toMatchObject({ status: 500, http: 500, name: "GetResponse" });
    expect(answer.text).not.toContain("secret");
  });
});

describe("small parts", () => {
  it.each([
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["::FFFF:192.0.2.1", "192.0.2.1"],
    ["::1", "0:0:0:0::/64"],
    ["2001:db8::", "2001:db8:0:0::/64"],
    ["2001:DB8:0:00:1:2:3:4", "2001:db8:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["64:ff9b:1:2:3:4:192.0.2.1", "64:ff9b:1:2::/64"],
    ["1::2:3:4:5:192.0.2.1", "1:0:2:3::/64"],
    ["embedded", "embedded"],
    ["", ""],
  ])("count %s as %s", (address, key) => {
    expect(addressKey(address)).toBe(key);
  });

  it("refill a bucket, and survive a clock that goes back", () => {
    const { take, look } = createLimiter(2);
    expect([take("a", 0), take("a", 0), take("a", 0), look("a", 0)]).toEqual([0, 0, 30, 30]);
    expect(take("a", -1_000_000)).toBe(30);
    expect(look("a", -1_000_000 + 30_000)).toBe(0);
    expect(take("a", -1_000_000 + 30_000)).toBe(0);
    for (let index = 0; index < 20_000; index++) take(`b${index}`, 0);
    expect(take("a", 0)).toBe(0);
  });

  it("show hostile text escaped", () => {
    expect(harmless("a\u0000\u202e\nb")).toBe("a\\u0000\\u202e\\u000ab");
    expect(harmless(random(2000).toString("hex")).length).toBe(503);
  });
});
