import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import type { PortalResponse } from "../../src/portal/context.js";
import { asking, connected, contentOf, machine, udfOf, withAccount, type Machine } from "../support/cli.js";
import { altered, answer, messageOf, openWire, refusal, type Call, type Message, type Wire } from "../support/wire.js";

const ACCOUNT = "alice@example.com";

/** A portal that says nothing of its log, so that what is tested here is not noticed by that first. */
const openQuiet = (): Promise<Wire> => openWire({ logless: true });

/** Commands of an administrator that look at the profile first. */
const ADMINISTRATING = ["device pending", "device remove phone", "account create second@example.com", "profile verify"];
const LOOKING = ["device list", "device status", "profile verify"];

/** The answer to the Get that every command begins with. */
const isProfileGet = ({ transaction, message }: Call): boolean =>
  transaction === "Get" && (message["Account"] === ACCOUNT || "Identifier" in message) && !("Multiple" in message);

const fetchBy = async (wire: Wire, of: Machine): Promise<PortalResponse> => {
  let kept: PortalResponse | undefined;
  wire.intercept = async (call) => {
    const reply = await call.forward();
    if (call.transaction === "Get" && call.message["Account"] === ACCOUNT) kept = reply;
    return reply;
  };
  await of.ok("account status", ACCOUNT);
  wire.intercept = undefined;
  return kept!;
};

/** Serves one answer in place of the profile, and no history. */
const serve = (wire: Wire, reply: PortalResponse): void => {
  wire.intercept = (call) => {
    if (call.transaction !== "Get") return call.forward();
    return isProfileGet(call) ? reply : refusal(404);
  };
};

const expectAll = async (
  of: Machine,
  lines: readonly string[],
  status: number,
  code: string | RegExp,
): Promise<void> => {
  for (const line of lines) {
    const outcome = await of.run(line);
    expect([line, outcome.status, outcome.code]).toEqual([line, status, expect.stringMatching(code)]);
  }
};

const personalOf = (message: Message): { SignedData: Record<string, string>; Identifier: string } => {
  const [entry] = message["Entries"] as { SignedPersonalProfile: { SignedData: Record<string, string> } }[];
  return entry!.SignedPersonalProfile as { SignedData: Record<string, string>; Identifier: string };
};

const flip = (text: string, index = 0): string =>
  `${text.slice(0, index)}${text[index] === "A" ? "B" : "A"}${text.slice(index + 1)}`;

describe("what a portal serves", () => {
  test("an older version: rollback, everywhere, and nothing is changed by it", async () => {
    const wire = await openQuiet();
    const admin = await withAccount(wire.url);
    const old = await fetchBy(wire, admin);
    const phone = await connected(admin);
    const before = [contentOf(admin.home), contentOf(phone.home)];
    const published = wire.seen.filter((name) => name === "Publish").length;
    serve(wire, old);
    await expectAll(admin, [...ADMINISTRATING, ...LOOKING], 7, "rollback");
    await expectAll(phone, LOOKING, 7, "rollback");
    expect([contentOf(admin.home), contentOf(phone.home)]).toEqual(before);
    expect(wire.seen.filter((name) => name === "Publish")).toHaveLength(published);
    // The command that says how a portal sees the account says that.
    wire.intercept = undefined;
    await admin.ok("profile verify");
  });

  test("an older epoch, in which a removed administrator still rules", async () => {
    const wire = await openQuiet();
    const admin = await withAccount(wire.url);
    const desk = await connected(admin, "desk", ["--admin"]);
    await desk.ok("device pending");
    const old = await fetchBy(wire, admin);
    await admin.ok("device remove desk");
    serve(wire, old);
    await expectAll(admin, ["device pending", "device list"], 7, "rollback");
    // The desk has not heard of the new epoch, and cannot know.
    expect((await desk.run("device status")).json).toEqual({ status: "accepted", expires: null });
    wire.intercept = undefined;
    expect((await desk.run("device status")).json).toEqual({ status: "removed", expires: null });
    // Now it knows.
    serve(wire, old);
    await expectAll(desk, ["device status"], 7, "rollback");
  });

  test("another person's profile under the account", async () => {
    const wire = await openQuiet();
    const admin = await withAccount(wire.url);
    await connected(admin);
    const mallory = await withAccount(wire.url, "mallory@example.com");
    let foreign: PortalResponse | undefined;
    wire.intercept = async (call) => {
      const reply = await call.forward();
      if (call.transaction === "Get") foreign = reply;
      return reply;
    };
    await mallory.ok("account status mallory@example.com");
    serve(wire, foreign!);
    await expectAll(admin, [...ADMINISTRATING, ...LOOKING], 7, "fingerprint-mismatch");
    // A device that joins is told whose it is, or sees that the profile does not claim the account.
    const connect = "device connect alice@example.com --no-passphrase --portal";
    const phone = machine();
    expect(await phone.run(connect, wire.url, "--trust-on-first-use")).toMatchObject({
      status: 7,
      code: "fingerprint-mismatch",
    });
    expect(await phone.run(connect, wire.url, "--expect-fingerprint", await udfOf(admin))).toMatchObject({
      status: 7,
      code: "fingerprint-mismatch",
    });
    expect(fs.existsSync(phone.home)).toBe(false);
  });

  test("one octet is another", async () => {
    const wire = await openQuiet();
    const admin = await withAccount(wire.url);
    const phone = machine();
    const good = await fetchBy(wire, admin);
    const changes: ((data: Record<string, string>) => void)[] = [
      (data) => (data["payload"] = flip(data["payload"]!, 40)),
      (data) => (data["signature"] = flip(data["signature"]!)),
      (data) => (data["protected"] = flip(data["protected"]!, 20)),
      (data) => (data["signature"] = `${data["signature"]!}=`),
      (data) => (data["more"] = "x"),
    ];
    for (const change of changes) {
      serve(
        wire,
        altered(good, (message) => {
          change(personalOf(message).SignedData);
          return message;
        }),
      );
      await expectAll(admin, ["device pending", "device list", "device status", "profile verify"], 7, /-invalid$/);
      const connect = "device connect alice@example.com --no-passphrase --trust-on-first-use --portal";
      expect((await phone.run(connect, wire.url)).status).toBe(7);
      expect(fs.existsSync(phone.home)).toBe(false);
    }
  });

  test("a version signed by a device that is no administrator", async () => {
    const wire = await openQuiet();
    const admin = await withAccount(wire.url);
    const phone = await connected(admin);
    // The phone signs a next version itself, by means of a home that is told that it may.
    const good = await fetchBy(wire, admin);
    const signedByPhone = await forge(phone, personalOf(messageOf(good)));
    serve(
      wire,
      altered(good, (message) => ({ ...message, Entries: [{ SignedPersonalProfile: signedByPhone }] })),
    );
    await expectAll(admin, ["device pending", "device list", "profile verify"], 7, /-invalid$/);
  });

  test("two versions of one age: a fork, to each device its own", async () => {
    const wire = await openQuiet();
    const admin = await withAccount(wire.url);
    const desk = await connected(admin, "desk", ["--admin"]);
    await desk.ok("device pending");
    const common = await fetchBy(wire, admin);
    // The portal shows both the same old version, and takes a change from each.
    serve(wire, common);
    const publishing = wire.intercept!;
    const taken: Message[] = [];
    wire.intercept = (call) => {
      if (call.transaction !== "Publish") return publishing(call);
      taken.push(call.message);
      return answer("PublishResponse", {});
    };
    const lie = (message: Message): PortalResponse =>
      altered(common, (shown) => ({ ...shown, Entries: [message["Entry"]] }));
    const first = await admin.run("account create first@example.com");
    const second = await desk.run("account create second@example.com");
    expect(taken.length).toBeGreaterThanOrEqual(2);
    expect([first.status, second.status]).not.toContain(1);
    const [one, other] = [taken[0]!, taken.at(-1)!];
    serve(wire, lie(other));
    await expectAll(admin, ["device pending", "device list", "profile verify"], 7, "fork");
    serve(wire, lie(one));
    await expectAll(desk, ["device pending", "device list", "profile verify"], 7, "fork");
    // Both at once are refused by anybody.
    serve(
      wire,
      altered(common, (shown) => ({ ...shown, Entries: [one["Entry"], other["Entry"]] })),
    );
    expect(await machine().run("account status alice@example.com --portal", wire.url)).toMatchObject({
      status: 7,
      code: "fork",
    });
  });

  test("a gap that nothing proves, and --accept-gap", async () => {
    const wire = await openQuiet();
    const admin = await withAccount(wire.url);
    const phone = await connected(admin);
    for (const name of ["a", "b", "c"]) await connected(admin, name);
    const newest = await fetchBy(wire, admin);
    // The history is gone.
    serve(wire, newest);
    await expectAll(phone, ["device list", "device status", "profile verify"], 7, "gap");
    expect((await phone.ok("device list --accept-gap")).json).toMatchObject({ devices: { length: 5 } });
    // The phone saw nothing of it: the next look is refused again.
    expect((await phone.run("profile verify")).code).toBe("gap");
    wire.intercept = undefined;
    expect((await phone.ok("profile verify")).json).toMatchObject({ gap: false });
  });

  test("a gap is remembered where the one who unlocks accepts it", async () => {
    const wire = await openQuiet();
    const admin = await withAccount(wire.url);
    const desk = await connected(admin, "desk", ["--admin"]);
    await desk.ok("device pending");
    for (const name of ["a", "b"]) await connected(admin, name);
    serve(wire, await fetchBy(wire, admin));
    const intercept = wire.intercept;
    wire.intercept = (call) => (call.transaction === "Get" ? intercept!(call) : call.forward());
    expect(await desk.run("device pending")).toMatchObject({ status: 7, code: "gap" });
    // On a terminal it is asked for.
    expect((await desk.with({ tty: true, prompts: [false] }).run("device pending")).status).not.toBe(0);
    await desk.ok("device pending --accept-gap");
    await desk.ok("device pending");
    expect((await desk.ok("profile show")).json).toMatchObject({ profile: { gap: true } });
    wire.intercept = undefined;
    expect((await desk.ok("profile verify")).json).toMatchObject({ gap: true });
  });

  test("nothing: 404 for the account", async () => {
    const wire = await openQuiet();
    const admin = await withAccount(wire.url);
    wire.intercept = (call) => (call.transaction === "Hello" ? call.forward() : refusal(404));
    await expectAll(
      admin,
      ["device pending", "device list", "device status", "profile verify", "account status"],
      3,
      "account-not-found",
    );
    expect(
      await machine().run("device connect alice@example.com --no-passphrase --trust-on-first-use --portal", wire.url),
    ).toMatchObject({ status: 3, code: "account-not-found" });
  });

  test("the profile without its account status, or with a strange one", async () => {
    const wire = await openQuiet();
    const admin = await withAccount(wire.url);
    const good = await fetchBy(wire, admin);
    for (const status of [undefined, "Whatever\u001b[0m"]) {
      serve(
        wire,
        altered(good, ({ AccountStatus: _, ...message }) => ({ ...message, ...(status && { AccountStatus: status }) })),
      );
      expect((await admin.ok("account status")).json).toMatchObject({ status: "unknown" });
    }
  });
});

/** A next version of a profile, signed with the online signature key of a device that is not entitled to it. */
const forge = async (
  device: Machine,
  record: { Identifier: string; SignedData: Record<string, string> },
): Promise<unknown> => {
  const [{ openHome }, { unlockKeystore }, { listProfiles }, { signRecord }, { testDeps }] = await Promise.all([
    import("../../src/keystore/home.js"),
    import("../../src/keystore/keystore.js"),
    import("../../src/keystore/state.js"),
    import("../../src/mesh/jose.js"),
    import("../support/deps.js"),
  ]);
  const home = openHome(testDeps(), device.home);
  const keystore = await unlockKeystore(home);
  const [state] = listProfiles(home);
  const payload = JSON.parse(Buffer.from(record.SignedData["payload"]!, "base64url").toString("utf8")) as {
    PersonalProfile: { Sequence: number };
  };
  const { PersonalProfile: personal } = payload;
  const key = keystore.get(state!.device.onlineSignatureKey, "online-signature");
  return signRecord(record.Identifier, "PersonalProfile", { ...personal, Sequence: personal.Sequence + 1 }, key);
};

describe("connection requests and results", () => {
  test("a result by a stranger changes nothing", async () => {
    const wire = await openQuiet();
    const admin = await withAccount(wire.url);
    const mallory = await withAccount(wire.url, "mallory@example.com");
    const { device, code } = await asking(admin);
    // Mallory answers somebody else's request, and the portal passes that on.
    let result: unknown;
    wire.intercept = async (call) => {
      if (call.transaction === "ConnectComplete") result = call.message["Result"];
      return call.forward();
    };
    const other = await asking(mallory, "other");
    await mallory.ok("device complete", other.code);
    expect(result).toBeDefined();
    for (const outcome of ["Accepted", "Refused"]) {
      const forged = await resultOf(mallory, device, outcome);
      wire.intercept = (call) =>
        call.transaction === "ConnectStatus" ? answer("ConnectStatusResponse", { Result: forged }) : call.forward();
      expect(await device.run("device status")).toMatchObject({ status: 8, json: { status: "pending", code } });
    }
    // One about another device, and garbage, neither.
    for (const forged of [result, {}, "x", { Identifier: "x", SignedData: {} }]) {
      wire.intercept = (call) =>
        call.transaction === "ConnectStatus" ? answer("ConnectStatusResponse", { Result: forged }) : call.forward();
      expect((await device.run("device status")).status).toBe(8);
    }
  });

  test("an acceptance by a true administrator, without the device in the profile, is none", async () => {
    const wire = await openQuiet();
    const admin = await withAccount(wire.url);
    const { device } = await asking(admin);
    const forged = await resultOf(admin, device, "Accepted");
    wire.intercept = (call) =>
      call.transaction === "ConnectStatus" ? answer("ConnectStatusResponse", { Result: forged }) : call.forward();
    const outcome = await device.run("device status");
    expect(outcome.status).not.toBe(0);
    expect((await device.ok("status")).json).toMatchObject({ connected: false });
    // Query: still pending.
    const query = await resultOf(admin, device, "Query");
    wire.intercept = (call) =>
      call.transaction === "ConnectStatus" ? answer("ConnectStatusResponse", { Result: query }) : call.forward();
    expect((await device.run("device status")).status).toBe(8);
  });

  test("a refusal of an earlier request, shown again, is none of the later one", async () => {
    const wire = await openQuiet();
    const admin = await withAccount(wire.url);
    const { device, code } = await asking(admin);
    await admin.ok("device complete --refuse", code);
    let refused: PortalResponse | undefined;
    wire.intercept = async (call) => {
      const reply = await call.forward();
      if (call.transaction === "ConnectStatus") refused = reply;
      return reply;
    };
    expect((await device.run("device status")).status).toBe(5);
    wire.intercept = undefined;
    await device.ok("device connect alice@example.com");
    wire.intercept = (call) => (call.transaction === "ConnectStatus" ? refused! : call.forward());
    expect(await device.run("device status")).toMatchObject({ status: 8, json: { status: "pending" } });
  });

  test("a request that the portal swapped shows another code", async () => {
    const wire = await openQuiet();
    const admin = await withAccount(wire.url);
    const { code } = await asking(admin, "phone");
    const mallory = machine();
    let request: unknown;
    wire.intercept = (call) => {
      if (call.transaction === "ConnectStart") request = call.message["SignedRequest"];
      return call.forward();
    };
    await mallory.ok(
      "device connect alice@example.com --no-passphrase --trust-on-first-use --device-name phone --portal",
      wire.url,
    );
    wire.intercept = (call) =>
      call.transaction === "ConnectPending" ? answer("ConnectPendingResponse", { Pending: [request] }) : call.forward();
    const { pending } = (await admin.ok("device pending")).json as { pending: { code: string }[] };
    expect(pending).toHaveLength(1);
    expect(pending[0]!.code).not.toBe(code);
    expect(await admin.run("device complete", code)).toMatchObject({ status: 3, code: "request-not-found" });
  });

  test("pending requests that are not what they should be are left out", async () => {
    const wire = await openQuiet();
    const admin = await withAccount(wire.url);
    const { code } = await asking(admin, "phone");
    wire.intercept = async (call) => {
      const reply = await call.forward();
      if (call.transaction !== "ConnectPending") return reply;
      return altered(reply, (message) => {
        const [good] = message["Pending"] as { SignedData: Record<string, string> }[];
        const bad = structuredClone(good!);
        bad.SignedData["signature"] = flip(bad.SignedData["signature"]!);
        return { ...message, Pending: [bad, {}, "x", good, good] };
      });
    };
    const { pending } = (await admin.ok("device pending")).json as { pending: { code: string }[] };
    expect(pending.map((request) => request.code)).toEqual([code]);
  });
});

/** A connection result for a device's request, signed by an administrator of whatever profile. */
const resultOf = async (administrator: Machine, device: Machine, outcome: string): Promise<unknown> => {
  const [{ openHome }, { unlockKeystore }, { listProfiles }, { createConnectionResult }, { testDeps }] =
    await Promise.all([
      import("../../src/keystore/home.js"),
      import("../../src/keystore/keystore.js"),
      import("../../src/keystore/state.js"),
      import("../../src/mesh/connection.js"),
      import("../support/deps.js"),
    ]);
  const deps = testDeps();
  const home = openHome(deps, administrator.home);
  const keystore = await unlockKeystore(home);
  const [own] = listProfiles(home);
  const [asked] = listProfiles(openHome(deps, device.home));
  const key = keystore.get(own!.device.onlineSignatureKey, "online-signature");
  return createConnectionResult(asked!.device.record, asked!.udf, outcome as "Accepted", key);
};

describe("what a portal says of itself", () => {
  const hello = (change: (message: Message) => Message) => async (call: Call) => {
    const reply = await call.forward();
    return call.transaction === "Hello" ? altered(reply, change) : reply;
  };

  test.each([
    [
      "an extension is missing",
      (message: Message) => ({
        ...message,
        Extensions: (message["Extensions"] as string[]).filter((name) => name !== "succession"),
      }),
    ],
    ["all extensions are missing", ({ Extensions: _, ...message }: Message) => message],
  ])("%s that was there: a downgrade", async (_, change) => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    wire.intercept = hello(change);
    const before = wire.seen.length;
    await expectAll(
      admin,
      [
        "device pending",
        "device list",
        "device status",
        "account status",
        "profile verify",
        "portal hello",
        "account create b@example.com",
      ],
      7,
      "downgrade",
    );
    // Nothing but Hello was sent.
    expect(wire.seen.slice(before).every((name) => name === "Hello" || name === "HelloRequest")).toBe(true);
    // Who has never been there has nothing to compare.
    expect((await machine().run("portal hello", wire.url)).status).toBe(0);
  });

  test("a new extension is no harm", async () => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    wire.intercept = hello((message) => ({
      ...message,
      Extensions: [...(message["Extensions"] as string[]), "teleport"],
    }));
    await admin.ok("device pending");
    expect((await admin.ok("portal hello")).json).toMatchObject({ extensions: expect.arrayContaining(["teleport"]) });
  });

  test.each([
    ["no JSON", { status: 200, headers: {}, body: Buffer.from("<html>") }],
    ["an empty answer", { status: 200, headers: {}, body: Buffer.alloc(0) }],
    ["an error page", { status: 404, headers: { "content-type": "text/html" }, body: Buffer.from("<html>") }],
    ["a redirect to elsewhere", { status: 307, headers: { location: "https://example.com/" }, body: Buffer.alloc(0) }],
    ["a flood", { status: 200, headers: {}, body: Buffer.alloc(5 * 1024 * 1024, 0x20) }],
    ["deep JSON", { status: 200, headers: {}, body: Buffer.from("[".repeat(100_000)) }],
    ["no answer", "drop"],
  ] as const)("%s: exit 6", async (_, reply) => {
    const wire = await openWire();
    wire.intercept = () => reply;
    const outcome = await machine().run("account validate alice@example.com --portal", wire.url);
    expect(outcome.status).toBe(6);
    expect(outcome.code).toMatch(/^portal-/);
  });

  test("busy, failing, rate limited", async () => {
    const wire = await openQuiet();
    const admin = await withAccount(wire.url);
    for (const [status, exit, code] of [
      [500, 6, "portal-failed"],
      [503, 6, "portal-busy"],
      [502, 6, "portal-busy"],
      [429, 5, "rate-limited"],
      [413, 5, "too-large"],
      [403, 5, "refused"],
      [401, 5, "refused"],
    ] as const) {
      wire.intercept = (call) => (call.transaction === "ConnectPending" ? refusal(status) : call.forward());
      expect([status, await admin.run("device pending")]).toMatchObject([status, { status: exit, code }]);
    }
  });

  test("a clock that is off: both times are named", async () => {
    const wire = await openQuiet();
    const admin = await withAccount(wire.url);
    const late = admin.with({ deps: { now: () => new Date(Date.now() + 3_600_000) } });
    const outcome = await late.run("device pending");
    expect(outcome).toMatchObject({ status: 5, code: "clock-skew" });
  });

  test("a clock that is off, where the head of a log says so", async () => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    for (const hours of [1, -1]) {
      const off = admin.with({ deps: { now: () => new Date(Date.now() + hours * 3_600_000) } });
      const outcome = await off.run("device pending");
      expect(outcome).toMatchObject({ status: 7, code: "answer-stale" });
      expect(outcome.stdout.match(/\d{4}-\d{2}-\d{2}T/g)).toHaveLength(2);
    }
    await admin.ok("device pending");
  });
});

test("whatever a portal answers, a command ends with a documented status and says why", async () => {
  const wire = await openWire();
  const admin = await withAccount(wire.url);
  await asking(admin);
  const answers: ((call: Call) => Promise<PortalResponse | "drop"> | PortalResponse | "drop")[] = [
    () => "drop",
    () => refusal(400),
    () => refusal(404),
    () => refusal(409),
    () => refusal(500),
    () => refusal(299),
    () => refusal(-1),
    () => answer("SomethingElse", {}),
    ({ transaction }) => answer(`${transaction}Response`, { Entries: 5, Pending: 5, Extensions: 5 }),
    ({ transaction }) => answer(`${transaction}Response`, { Entries: [], Pending: [] }),
    ({ transaction }) => answer(`${transaction}Response`, { Entries: [{}], Pending: [null] }),
    async (call) => {
      const reply = await call.forward();
      return { ...reply, body: reply.body.subarray(0, reply.body.length / 2) };
    },
    async (call) => altered(await call.forward(), (message) => ({ ...message, PageKey: "again" })),
  ];
  const lines = [
    "account status",
    "device list",
    "device pending",
    "profile verify",
    "account validate bob@example.com",
    "escrow split --shares 2 --threshold 2 --out shares",
  ];
  for (const [index, reply] of answers.entries()) {
    for (const spared of ["Hello", "nothing"]) {
      wire.intercept = (call) => (call.transaction === spared ? call.forward() : reply(call));
      for (const line of lines) {
        const outcome = await admin.run(line);
        // What `run` checks of every outcome is the test; what comes out is more than an unexpected failure.
        expect([index, spared, line, [0, 3, 5, 6, 7, 8].includes(outcome.status)]).toEqual([index, spared, line, true]);
        fs.rmSync(path.join(admin.folder, "shares"), { recursive: true, force: true });
      }
    }
  }
  wire.intercept = undefined;
  await admin.ok("profile verify");
});
