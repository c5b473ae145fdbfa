import { describe, expect, it } from "vitest";
import { nextPersonal } from "../../src/mesh/profile.js";
import { PORTAL_PATH } from "../../src/mesh/protocol.js";
import { createClientAddress } from "../../src/portal/client-address.js";
import { createLimits, DEFAULT_RATES, type RateKind, type Rates } from "../../src/portal/rates.js";
import { errorCode } from "../support/deps.js";
import {
  makeApplication,
  makeDevice,
  makeHttpRequest,
  makeIdentifier,
  makePerson,
  makeRequest,
  openTestPortal,
  personalEntry,
  type Person,
  type TestPortal,
} from "../support/portal.js";

describe("limits", () => {
  it("count each kind by itself, by address or by account", () => {
    const limited: RateKind[] = [];
    const limits = createLimits({
      rates: { read: 2, write: 1, "account-read": 1, "account-write": "none" },
      onLimited: (kind) => limited.push(kind),
    });
    const take = (kind: RateKind, key: string): boolean => limits.take(kind, key, 0) === 0;
    expect([take("read", "192.0.2.1"), take("read", "192.0.2.1"), take("read", "192.0.2.1")]).toEqual([
      true,
      true,
      false,
    ]);
    expect(limits.take("read", "192.0.2.1", 0)).toBe(30);
    expect(take("read", "192.0.2.2")).toBe(true);
    expect([take("write", "192.0.2.1"), take("write", "192.0.2.1")]).toEqual([true, false]);
    // One customer has a whole network of IPv6 addresses.
    expect([take("write", "2001:db8::1"), take("write", "2001:db8::2")]).toEqual([true, false]);
    expect([take("account-read", "a@example.com"), take("account-read", "b@example.com")]).toEqual([true, true]);
    expect(take("account-read", "a@example.com")).toBe(false);
    for (let index = 0; index < 100; index++) expect(take("account-write", "a@example.com")).toBe(true);
    expect(limited).toEqual(["read", "read", "write", "write", "account-read"]);
  });

  it("know who has nothing left", () => {
    const limits = createLimits({ rates: { read: 1, write: 1 } });
    expect(limits.spent("192.0.2.1", 0)).toBe(0);
    limits.take("write", "192.0.2.1", 0);
    expect(limits.spent("192.0.2.1", 0)).toBe(0);
    limits.take("read", "192.0.2.1", 0);
    expect(limits.spent("192.0.2.1", 0)).toBe(60);
    expect(limits.spent("192.0.2.1", 60_000)).toBe(0);
    expect(limits.spent("192.0.2.2", 0)).toBe(0);
    const free = createLimits({ rates: { read: "none", write: 1 } });
    free.take("write", "192.0.2.1", 0);
    expect(free.spent("192.0.2.1", 0)).toBe(0);
  });

  it("are shared out among processes, and leave each something", () => {
    const limits = createLimits({ rates: { read: 5, write: 1 }, processes: 4 });
    expect([limits.take("read", "a", 0), limits.take("read", "a", 0)]).toEqual([0, 60]);
    expect([limits.take("write", "a", 0), limits.take("write", "a", 0)]).toEqual([0, 60]);
  });

  it("let nobody alone use up what belongs to an account", () => {
    expect(DEFAULT_RATES["account-read"]).toBeGreaterThan(DEFAULT_RATES.read);
    expect(DEFAULT_RATES["account-connect"]).toBeGreaterThan(DEFAULT_RATES["connect-start"]);
  });
});

const ACCOUNT = "alice@example.com";

describe("a portal with rates", () => {
  let alice: Person;
  let portal: TestPortal;

  const open = async (rateLimit: Partial<Rates>): Promise<void> => {
    const free = await openTestPortal({ rateLimit: "none" });
    alice = makePerson("laptop", free.clock.now());
    await free.createAccount(ACCOUNT, alice);
    await free.portal.close();
    portal = await openTestPortal({ rateLimit }, free.clock, free.file);
  };

  const from = (address: string) => ({ address });
  const get = (account: string, address: string) => portal.call("Get", { Account: account }, from(address));

  it("limits reads and writes of an address apart, and says when to come back", async () => {
    await open({ read: 2, write: 1 });
    expect((await get(ACCOUNT, "192.0.2.1")).status).toBe(201);
    expect((await portal.call("Hello", {}, from("192.0.2.1"))).status).toBe(201);
    const refused = await get(ACCOUNT, "192.0.2.1");
    expect(refused).toMatchObject({ status: 429, http: 429, headers: { "retry-after": "30" } });
    expect((await portal.call("Publish", { Entry: personalEntry(alice.profile) }, from("192.0.2.1"))).status).toBe(201);
    expect((await portal.call("Publish", { Entry: personalEntry(alice.profile) }, from("192.0.2.1"))).status).toBe(429);
    expect((await get(ACCOUNT, "192.0.2.2")).status).toBe(201);
    portal.clock.advance(30_000);
    expect((await get(ACCOUNT, "192.0.2.1")).status).toBe(201);
  });

  it("counts what is no transaction as everything", async () => {
    await open({ read: 2, write: 2 });
    for (const body of ["nonsense", '{"Nothing":{}}']) expect((await portal.raw(body)).status).toBe(400);
    expect((await portal.raw("nonsense")).status).toBe(429);
    expect((await portal.call("Hello", {})).status).toBe(429);
    expect((await portal.call("Publish", { Entry: personalEntry(alice.profile) })).status).toBe(429);
    expect(portal.portal.spent("192.0.2.1")).toBeGreaterThan(0);
    expect(portal.portal.spent("192.0.2.2")).toBe(0);
  });

  it("limits the files of the log", async () => {
    await open({ log: 1, read: 1 });
    const fetchFile = async (): Promise<number> => {
      const request = makeHttpRequest("", portal.clock, portal.authority, {
        method: "GET",
        path: `${PORTAL_PATH}checkpoint`,
      });
      return (await portal.portal.handle(request)).status;
    };
    expect(await fetchFile()).toBe(200);
    expect(await fetchFile()).toBe(429);
    expect((await portal.call("Hello", {})).status).toBe(201);
  });

  it("limits reads of an account from anywhere, however it is spelt", async () => {
    await open({ "account-read": 2 });
    expect((await get(ACCOUNT, "192.0.2.1")).status).toBe(201);
    const question = { AccountID: "Alice@EXAMPLE.com", DeviceID: alice.admin.device.udf };
    expect((await portal.call("ConnectStatus", question, from("192.0.2.2"))).status).toBe(404);
    expect((await get("ALICE@example.com", "192.0.2.3")).status).toBe(429);
    expect((await get("bob@example.com", "192.0.2.3")).status).toBe(404);
  });

  it("limits requests to connect to an account from anywhere", async () => {
    await open({ "account-connect": 1 });
    const start = (address: string) => {
      const device = makeDevice("phone", portal.clock.now());
      const SignedRequest = makeRequest(device, alice.profile.udf);
      return portal.call("ConnectStart", { AccountID: ACCOUNT, SignedRequest }, from(address));
    };
    expect((await start("192.0.2.1")).status).toBe(201);
    expect((await start("192.0.2.2")).status).toBe(429);
  });

  it("limits what one profile changes, and nobody else can use that up", async () => {
    await open({ "account-write": 1 });
    const now = portal.clock.now();
    const publish = (entry: object, address: string) =>
      portal.call("Publish", { Entry: entry as never }, from(address));
    // What is there already is no change, whoever sends it, and as often as they like.
    for (let index = 0; index < 5; index++) {
      expect((await publish(personalEntry(alice.profile), "198.51.100.1")).status).toBe(201);
    }
    const application = () => ({
      SignedApplicationProfile: makeApplication(
        { owner: alice.profile.udf, identifier: makeIdentifier(), key: alice.admin.keys.signature },
        now,
      ),
    });
    expect((await publish(application(), "192.0.2.1")).status).toBe(201);
    const second = application();
    expect((await publish(second, "192.0.2.2")).status).toBe(429);
    const next = nextPersonal(alice.admin.keys.online, alice.profile, {}, now);
    expect((await publish(personalEntry(next), "192.0.2.3")).status).toBe(429);
    portal.clock.advance(60_000);
    // Nothing of what was refused has been stored.
    expect((await publish(second, "192.0.2.2")).status).toBe(201);
  });

  it("tells which account a request names to whoever runs it, and to nobody else", async () => {
    const seen: unknown[] = [];
    const watched = await openTestPortal({ log: (event, { id }) => seen.push([event.account, event.status, id]) });
    await watched.call("Get", { Account: "Alice@EXAMPLE.com" });
    await watched.call("Get", { Account: "no such account@@" });
    await watched.call("Hello", {});
    expect(seen).toEqual([
      ["alice@example.com", 404, undefined],
      [undefined, 400, undefined],
      [undefined, 201, undefined],
    ]);
  });
});

describe("the address of a client", () => {
  const address = (header: string, trusted: readonly string[]) => {
    const find = createClientAddress({ header, trusted });
    return (peer: string, value?: string): string =>
      find(peer, value === undefined ? {} : { [header.toLowerCase()]: value });
  };

  it("is the other end of the connection, whatever the headers say", () => {
    const find = createClientAddress(undefined);
    expect(find("192.0.2.1", { "x-forwarded-for": "198.51.100.1" })).toBe("192.0.2.1");
    expect(find("::ffff:192.0.2.1", {})).toBe("192.0.2.1");
  });

  it("is what a trusted proxy says, and nobody else", () => {
    const find = address("X-Forwarded-For", ["127.0.0.1", "10.0.0.0/8", "2001:db8:1::/48"]);
    expect(find("127.0.0.1", "198.51.100.1")).toBe("198.51.100.1");
    expect(find("::ffff:127.0.0.1", "198.51.100.1")).toBe("198.51.100.1");
    expect(find("2001:db8:1::5", "2001:db8:2::1")).toBe("2001:db8:2::1");
    expect(find("192.0.2.1", "198.51.100.1")).toBe("192.0.2.1");
    // Whatever the client itself has put in front counts for nothing.
    expect(find("127.0.0.1", "203.0.113.9, 198.51.100.1")).toBe("198.51.100.1");
    expect(find("127.0.0.1", "203.0.113.9, 198.51.100.1, 10.1.2.3")).toBe("198.51.100.1");
    expect(find("127.0.0.1", "10.9.9.9")).toBe("10.9.9.9");
    expect(find("127.0.0.1", "198.51.100.1:4711")).toBe("198.51.100.1");
    expect(find("127.0.0.1", "[2001:db8:2::1]:4711")).toBe("2001:db8:2::1");
    for (const nonsense of [undefined, "", "unknown", "_hidden", "198.51.100.1, unknown", "1.2.3", "1.2.3.4.5", ","]) {
      expect(find("127.0.0.1", nonsense)).toBe("127.0.0.1");
    }
  });

  it("takes no longer for an endless header", () => {
    const find = address("X-Forwarded-For", ["10.0.0.0/8"]);
    expect(find("10.0.0.1", Array.from({ length: 1000 }, () => "10.0.0.2").join(","))).toBe("10.0.0.2");
  });

  it.each(["nonsense", "192.0.2.0/33", "2001:db8::/129", "192.0.2.1/", "192.0.2.1/-1", "example.com", "", "1.2.3"])(
    "comes from no network %j",
    async (network) => {
      expect(await errorCode(() => createClientAddress({ header: "X-Real-IP", trusted: [network] }))).toBe("usage");
    },
  );

  it.each(["", "X Real", "Forwarded", "X-Real-IP:", "\u00e9"])("stands in no header %j", async (header) => {
    expect(await errorCode(() => createClientAddress({ header, trusted: ["127.0.0.1"] }))).toBe("usage");
  });
});
