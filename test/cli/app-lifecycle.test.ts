import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import { portalTarget, openTarget, type Session } from "../../src/cli/session.js";
import { fetchHead, publishHead } from "../../src/client/application.js";
import { readCopy } from "../../src/keystore/application-store.js";
import { createHead, readHead, type HeadContent, type ReadHead } from "../../src/mesh/application/head.js";
import { decodeBase64url } from "../../src/mesh/bytes.js";
import { EXTENSIONS } from "../../src/mesh/protocol.js";
import { readPersonal, type ApplicationEntry, type PersonalProfile } from "../../src/mesh/records/personal.js";
import { add, change, passwordOf, passwords, set, withSession } from "../support/applications.js";
import {
  connected,
  filePortal,
  machine,
  put,
  UDF,
  TIME,
  withAccount,
  type Machine,
  type RunOptions,
} from "../support/cli.js";
import { killedEverywhere, pictureOf, storeOf } from "../support/killed.js";
import { lootOf, publishedAt, readableWith, type Loot, type Published } from "../support/thief.js";
import { altered, answer, openWire } from "../support/wire.js";

const DAY = 24 * 60 * 60 * 1000;

const own = async (of: Machine): Promise<string> => (await of.ok("profile show")).at("device", "udf");

/** The head that a device makes after the one that it knows, by its own keys, with whatever it likes in it. */
const headBy = (
  { context, keystore, state }: Session,
  change: (personal: PersonalProfile, entry: ApplicationEntry) => Partial<HeadContent>,
): Promise<ReadHead> => {
  const personal = readPersonal(state.record!);
  const [entry] = personal.applications;
  const copy = readCopy(context.home, keystore, state.udf, entry!.Identifier)!;
  const before = readHead(copy.head);
  return createHead(
    keystore.get(state.device.udf, "device-signature"),
    {
      type: before.type,
      identifier: before.identifier,
      owner: personal,
      entry: entry!,
      key: decodeBase64url(copy.key),
      entries: copy.entries,
      segments: before.segments,
      ...change(personal, entry!),
    },
    new Date(),
    before,
  );
};

/** Publishes such a head. */
const publishBy = async ({ context, state, authenticationKey }: Session, head: ReadHead): Promise<void> => {
  const client = await openTarget(context, portalTarget(context, state.accounts[0]!.portal));
  await publishHead(client, head, authenticationKey);
  await client.close();
};

interface Exposed {
  readonly labels: readonly string[];
  readonly since: string | null;
}

/** What a device may have seen, by the first label of each entry; true where it can read it now. */
const exposedTo = async (admin: Machine, device: string): Promise<Record<string, boolean>> => {
  const { entries } = (await admin.ok("app exposure", device)).json as { entries: readonly Exposed[] };
  return Object.fromEntries(entries.map(({ labels, since }) => [labels[0] ?? "", since === null]));
};

/** Of what type the payload of a record is that is published. */
const kindOf = (message: Record<string, unknown>): string | undefined => {
  const [record] = Object.values(message["Entry"] as Record<string, { SignedData?: { payload: string } }>);
  const payload = Buffer.from(record?.SignedData?.payload ?? "", "base64url").toString("utf8");
  return /^\{"(\w+)"/.exec(payload)?.[1];
};

/** How many records a portal has, to be asked later what came since. */
const mark = (portal: string): number => publishedAt(storeOf(portal)).at(-1)?.tid ?? 0;
const since = (portal: string, tid: number): Published[] =>
  publishedAt(storeOf(portal)).filter((published) => published.tid > tid);

/** Whoever has the keys can read what was published by then, and nothing that came later. */
const expectShut = async (loot: Loot, portal: string, tid: number): Promise<void> => {
  const all = publishedAt(storeOf(portal));
  const before = all.filter((published) => published.tid <= tid);
  const after = since(portal, tid);
  expect((await readableWith(loot, before)).length).toBeGreaterThan(0);
  expect(after.length).toBeGreaterThan(0);
  expect((await readableWith(loot, after)).map(({ kind, tid: at }) => `${kind} ${at}`)).toEqual([]);
};

/** A laptop that administers, a phone and a desk that do not, and two passwords on all of them. */
const three = async (portal = filePortal(), options: RunOptions = {}) => {
  const laptop = await withAccount(portal, "alice@example.com", options);
  await add(laptop, "example.com", "one");
  await add(laptop, "example.org", "uno");
  const phone = await connected(laptop, "phone", [], options);
  const desk = await connected(laptop, "desk", [], options);
  for (const device of [phone, desk]) await device.ok("sync");
  return { portal, laptop, phone, desk };
};

describe("a device that is removed", () => {
  test("reads nothing that is published afterwards, not even with its keys", async () => {
    const { portal, laptop, phone, desk } = await three();
    const loot = await lootOf(phone);
    const tid = mark(portal);
    const done = await laptop.ok("device remove phone");
    expect(done.json).toMatchObject({
      device: { name: "phone" },
      applications: [{ name: "passwords", type: "PasswordProfile", settled: "rekeyed" }],
    });
    await add(laptop, "example.net", "new");
    await desk.ok("sync");
    await set(desk, "example.org", "due");
    await laptop.ok("sync");
    const wanted = { "example.com": "one", "example.net": "new", "example.org": "due" };
    expect(await passwords(laptop)).toEqual(wanted);
    expect(await passwords(desk)).toEqual(wanted);
    await expectShut(loot, portal, tid);
    expect((await phone.run("sync")).code).toBe("not-connected");
  });

  test("leaves what it may have seen, until that is changed", async () => {
    const { laptop, phone, desk } = await three();
    const udf = await own(phone);
    expect(await exposedTo(laptop, "phone")).toEqual({ "example.com": true, "example.org": true });
    await laptop.ok("device remove phone");
    await add(laptop, "example.net", "new");
    const listed = await laptop.ok("app exposure phone");
    expect(listed.json).toEqual({
      devices: [{ udf, name: "phone", connected: false }],
      entries: ["example.com", "example.org"].map((site) => ({
        application: { identifier: UDF, name: "passwords", type: "PasswordProfile" },
        id: expect.any(String),
        labels: [site, "alice"],
        names: [site, "alice"],
        device: udf,
        since: TIME,
      })),
    });
    expect(listed.stdout).not.toContain("uno");
    await set(laptop, "example.com", "two");
    expect(await exposedTo(laptop, "phone")).toEqual({ "example.org": false });
    // A note is no new password.
    await desk.ok("sync");
    await change(desk, (entries) =>
      entries
        .filter(({ value }) => value.Sites?.[0] === "example.org")
        .map(({ id, value }) => ({ id, put: { ...value, Notes: "seen" } })),
    );
    expect(await exposedTo(laptop, udf.toLowerCase())).toEqual({ "example.org": false });
    await set(desk, "example.org", undefined);
    expect(await exposedTo(laptop, udf)).toEqual({});
    expect((await laptop.text("app exposure phone")).stdout).toContain(udf);
  });

  test("is told by its name where its SSH key is listed", async () => {
    const laptop = await withAccount(filePortal());
    await laptop.ok("ssh add");
    const phone = await connected(laptop);
    await phone.ok("ssh add");
    await laptop.ok("sync");
    await laptop.ok("device remove phone");
    const { entries } = (await laptop.ok("app exposure phone --app ssh")).json as {
      entries: { labels: string[]; names: string[] }[];
    };
    const shown = new Map(entries.map(({ labels, names }) => [labels[0], names]));
    expect(shown.get(await own(laptop))).toEqual(["laptop"]);
    expect([...shown.values()]).not.toContainEqual([expect.stringMatching(/^M[A-D][A-Z2-7]{2}-/)]);
    expect((await laptop.text("app exposure phone --app ssh")).stdout).not.toContain(await own(laptop));
  });

  test("is told from another one of the same name, and from those of which nobody knows", async () => {
    const { laptop } = await three();
    await laptop.ok("device remove phone");
    await connected(laptop, "phone", ["--no-grant"]);
    const { devices, entries } = (await laptop.ok("app exposure phone --app passwords")).json as {
      devices: { connected: boolean }[];
      entries: Exposed[];
    };
    expect(devices.map(({ connected: is }) => is).sort()).toEqual([false, true]);
    expect(entries).toHaveLength(2);
    for (const [line, code] of [
      ["app exposure nobody", "device-not-found"],
      ["app exposure phone --app nothing", "application-not-found"],
      ["app exposure", "usage"],
    ] as const) {
      expect([line, (await laptop.run(line)).code]).toEqual([line, code]);
    }
  });

  test("takes nothing with it that only it has published", async () => {
    const { laptop, phone } = await three();
    await set(phone, "example.com", "from the phone");
    await add(phone, "example.net", "also");
    await laptop.ok("device remove phone");
    expect(await passwords(laptop)).toEqual({
      "example.com": "from the phone",
      "example.net": "also",
      "example.org": "uno",
    });
  });

  test("takes nothing with it that it publishes at that very moment", async () => {
    const wire = await openWire();
    const { laptop, phone, desk } = await three(wire.url);
    let personal = false;
    wire.intercept = async ({ transaction, message, forward }) => {
      if (transaction !== "Publish" || personal || kindOf(message) !== "PersonalProfile") return forward();
      personal = true;
      await set(phone, "example.com", "at the last moment");
      return forward();
    };
    await laptop.ok("device remove phone");
    expect(personal).toBe(true);
    for (const device of [laptop, desk]) {
      await device.ok("sync");
      expect(await passwords(device)).toMatchObject({ "example.com": "at the last moment" });
    }
  });

  test("is shut out also where the one who removes it is not the only one who writes", async () => {
    const wire = await openWire();
    const { laptop, desk } = await three(wire.url);
    const raced: string[] = [];
    wire.intercept = async ({ transaction, message, forward }) => {
      const kind = transaction === "Publish" ? kindOf(message) : undefined;
      if (kind === "PersonalProfile" && raced.length === 0) raced.push(kind);
      // The new segments are there, and the head that names them is on its way.
      if (kind === "PasswordProfile" && raced.length === 1) {
        raced.push(kind);
        await set(desk, "example.org", "raced");
      }
      return forward();
    };
    expect((await laptop.ok("device remove phone")).json).toMatchObject({ applications: [{ settled: "current" }] });
    expect(raced).toHaveLength(2);
    wire.intercept = undefined;
    for (const device of [laptop, desk]) await device.ok("sync");
    expect(await passwords(laptop)).toEqual({ "example.com": "one", "example.org": "raced" });
    expect(await passwords(desk)).toEqual(await passwords(laptop));
  });

  test.each(["device remove phone", "app revoke phone --app passwords"])(
    "by an administrator who cannot read what it has changed last is told of, and mended: %s",
    async (line) => {
      const { laptop, phone, desk } = await three();
      const { shares } = (await laptop.ok("escrow split --shares 2 --threshold 2")).json as { shares: string[] };
      const tablet = await connected(laptop, "tablet", ["--admin", "--no-grant"]);
      await set(phone, "example.com", "last words");
      const silent = await tablet.ok("device rename tablet slate");
      expect(silent.stderr).not.toContain("phone");
      const done = await tablet.ok(line);
      expect(done.stderr).toContain("escrow recover --new-epoch");
      expect((await desk.run("sync")).json).toMatchObject({
        applications: [{ error: { code: "application-signer" } }],
      });
      const stdin = shares.join("\n");
      const back = await tablet.with({ stdin }).ok("escrow recover --new-epoch");
      expect(back.json).toMatchObject({ applications: [{ settled: "rekeyed" }] });
      await desk.ok("sync");
      expect(await passwords(desk)).toEqual({ "example.com": "last words", "example.org": "uno" });
      expect(await exposedTo(tablet, await own(phone))).toEqual({ "example.com": false, "example.org": false });
    },
  );

  test("costs a device that is offline nothing of what it has queued", async () => {
    const { laptop, desk } = await three();
    await set(desk, "example.com", "offline", { offline: true });
    await laptop.ok("device remove phone");
    await desk.ok("sync");
    await laptop.ok("sync");
    expect(await passwords(laptop)).toMatchObject({ "example.com": "offline" });
    expect(await exposedTo(laptop, "phone")).toEqual({ "example.org": false });
  });
});

/** Publishes a version of the passwords that nobody can use. */
const spoil = (by: Machine): Promise<void> =>
  withSession(by, async ({ context, keystore, state, authenticationKey }) => {
    const personal = readPersonal(state.record!);
    const [entry] = personal.applications;
    const account = state.accounts[0]!;
    const client = await openTarget(context, portalTarget(context, account.portal));
    const before = await fetchHead(client, entry!.Identifier);
    const { type, identifier } = before!;
    const head = await createHead(
      keystore.get(state.device.udf, "device-signature"),
      {
        type,
        identifier,
        owner: personal,
        entry: entry!,
        key: Buffer.alloc(32, 7),
        entries: 1,
        segments: [{ identifier, hash: "A".repeat(43) }],
      },
      new Date(),
      before,
    );
    await publishHead(client, head, authenticationKey);
    await client.close();
  });

describe("a device that spoils what it may change", () => {
  test("is told of, and its removal brings back the newest that can be read", async () => {
    const { laptop, phone, desk } = await three();
    await set(desk, "example.com", "from the desk");
    await spoil(phone);
    for (const device of [laptop, desk]) {
      const { status, json } = await device.run("sync");
      expect([status, json]).toMatchObject([7, { applications: [{ error: { code: "application-segment" } }] }]);
      expect(await passwords(device)).toMatchObject({ "example.org": "uno" });
    }
    const done = await laptop.ok("device remove phone");
    expect(done.json).toMatchObject({ applications: [{ settled: "rekeyed" }] });
    for (const device of [laptop, desk]) {
      await device.ok("sync");
      expect(await passwords(device)).toEqual({ "example.com": "from the desk", "example.org": "uno" });
    }
    await set(desk, "example.org", "due");
    await laptop.ok("sync");
    expect(await passwords(laptop)).toEqual({ "example.com": "from the desk", "example.org": "due" });
  });

  test("costs nobody what is queued, and stays spoilt where somebody else is removed", async () => {
    const { laptop, phone, desk } = await three();
    const tablet = await connected(laptop, "tablet");
    await tablet.ok("sync");
    await spoil(phone);
    await set(desk, "example.com", "queued", { offline: true });
    const other = await laptop.ok("device remove tablet");
    expect(other.json).toMatchObject({ applications: [{ settled: "waiting", reason: "application-segment" }] });
    await laptop.ok("device remove phone");
    await desk.ok("sync");
    expect(await passwords(desk)).toEqual({ "example.com": "queued", "example.org": "uno" });
  });
});

describe("a device that hides that it can read", () => {
  /** It leaves itself out of those whom a head is encrypted to, and keeps the application key. */
  const hide = (thief: Machine): Promise<void> =>
    withSession(thief, async (session) => {
      const head = await headBy(session, (_, { DecryptDeviceUDF = [] }) => ({
        entry: { DecryptDeviceUDF: DecryptDeviceUDF.filter((udf) => udf !== session.state.device.udf) },
      }));
      await publishBy(session, head);
    });

  test.each(["device remove phone", "app revoke phone --app passwords"])(
    "is shut out all the same: %s",
    async (line) => {
      const { portal, laptop, phone } = await three();
      const loot = await lootOf(phone);
      const udf = await own(phone);
      await hide(phone);
      const tid = mark(portal);
      await laptop.ok(line);
      await add(laptop, "example.net", "new");
      await expectShut(loot, portal, tid);
      expect(await exposedTo(laptop, udf)).toEqual({ "example.com": false, "example.org": false });
    },
  );

  test("is shut out also where the removal is cut short, by the next sync", async () => {
    const wire = await openWire();
    const { laptop, phone, desk } = await three(wire.url);
    const loot = await lootOf(phone);
    const udf = await own(phone);
    await hide(phone);
    wire.intercept = ({ transaction, message, forward }) =>
      transaction === "Publish" && kindOf(message) === "PasswordProfile"
        ? answer("PublishResponse", { Status: 503 }, 503)
        : forward();
    expect((await laptop.ok("device remove phone")).json).toMatchObject({ applications: [{ settled: "waiting" }] });
    wire.intercept = undefined;
    expect((await laptop.ok("sync")).json).toMatchObject({ applications: [{ settled: "rekeyed" }] });
    for (const device of [laptop, desk]) {
      await device.ok("sync");
      const { application } = await lootOf(device);
      expect(application).toHaveLength(1);
      expect(loot.application).not.toContainEqual(application[0]);
    }
    expect(await exposedTo(laptop, udf)).toEqual({ "example.com": false, "example.org": false });
  });
});

describe("whoever has a removed device, and the portal too", () => {
  test("shows nobody a head of its own making", async () => {
    const wire = await openWire({ logless: true });
    const { laptop, phone, desk } = await three(wire.url);
    // What the thief signs is older than the removal, as it says.
    const forged = await withSession(phone, (session) =>
      headBy(session, () => ({ key: Buffer.alloc(32, 7), entries: 0, segments: [] })),
    );
    await laptop.ok("device remove phone");
    wire.intercept = async ({ transaction, message, forward }) =>
      transaction === "Get" && message["Identifier"] === forged.identifier
        ? answer("GetResponse", { Entries: [{ SignedApplicationProfile: forged.record }] })
        : forward();
    // The laptop has seen what came in its place, and the desk nothing yet.
    for (const [device, codes] of [
      [laptop, ["rollback", "fork"]],
      [desk, ["application-signer"]],
    ] as const) {
      const { status, json } = await device.run("sync");
      expect(status).toBe(7);
      const [{ error }] = (json as { applications: [{ error?: { code: string } }] }).applications;
      expect(codes).toContain(error?.code);
    }
    wire.intercept = undefined;
    await desk.ok("sync");
    expect(await passwords(desk)).toEqual({ "example.com": "one", "example.org": "uno" });
  });
});

describe("a removal that is cut short", () => {
  test("at any change of the disk: the same command finishes it, and so does a sync", async () => {
    const { portal, laptop, phone } = await three();
    const loot = await lootOf(phone);
    const restore = pictureOf(laptop.home, storeOf(portal));
    const tid = mark(portal);
    const check = async (_: unknown, n: number): Promise<void> => {
      const isGone = (await laptop.run("device show phone")).code === "device-not-found";
      if (!isGone || n % 2 === 0) {
        const again = await laptop.run("device remove phone");
        expect([n, ["device-not-found", undefined].includes(again.code)]).toEqual([n, true]);
      }
      const synced = await laptop.ok("sync");
      expect(synced.json).toMatchObject({ applications: [{ name: "passwords" }] });
      expect(await passwords(laptop)).toEqual({ "example.com": "one", "example.org": "uno" });
      await expectShut(loot, portal, tid);
      expect(await exposedTo(laptop, "phone")).toEqual({ "example.com": false, "example.org": false });
    };
    await killedEverywhere(laptop, "device remove phone", restore, check, 3);
  }, 240_000);

  test("between the profile and the application: any device that writes mends it", async () => {
    const wire = await openWire();
    const { laptop, desk } = await three(wire.url);
    let cut = false;
    wire.intercept = async ({ transaction, message, forward }) => {
      if (transaction !== "Publish") return forward();
      if (cut) return "drop";
      cut = kindOf(message) === "PersonalProfile";
      return forward();
    };
    const done = await laptop.ok("device remove phone");
    expect(done.json).toMatchObject({ applications: [{ settled: "waiting", reason: "portal-unreachable" }] });
    wire.intercept = undefined;
    expect(await exposedTo(desk, "phone")).toEqual({ "example.com": false, "example.org": false });
    await laptop.ok("sync");
    expect(await exposedTo(laptop, "phone")).toEqual({ "example.com": false, "example.org": false });
  });

  test("after a change by the removed device: the home that has seen it mends it for all", async () => {
    const wire = await openWire();
    const { laptop, phone, desk } = await three(wire.url);
    await set(phone, "example.com", "last words");
    let cut = false;
    wire.intercept = async ({ transaction, message, forward }) => {
      if (transaction !== "Publish") return forward();
      if (cut) return "drop";
      cut = kindOf(message) === "PersonalProfile";
      return forward();
    };
    await laptop.ok("device remove phone");
    wire.intercept = undefined;
    // Nothing shows this one that it was signed before the removal.
    expect((await desk.run("sync")).status).toBe(7);
    await laptop.ok("sync");
    await desk.ok("sync");
    expect(await passwords(desk)).toEqual({ "example.com": "last words", "example.org": "uno" });
  });
});

describe("new keys", () => {
  test("read everything, and the old ones nothing that comes later", async () => {
    const { portal, laptop, phone } = await three();
    const loot = await lootOf(phone);
    await phone.ok("device rotate");
    const tid = mark(portal);
    await laptop.ok("device approve");
    await phone.ok("device status");
    await set(laptop, "example.com", "two");
    await phone.ok("sync");
    expect(await passwords(phone)).toEqual({ "example.com": "two", "example.org": "uno" });
    await set(phone, "example.org", "due");
    await laptop.ok("sync");
    expect(await passwords(laptop)).toMatchObject({ "example.org": "due" });
    await expectShut(loot, portal, tid);
  });

  test("of an administrator who replaces itself", async () => {
    const { portal, laptop, desk } = await three();
    // Without the master escrow key, which opens everything.
    const { shares } = (await laptop.ok("escrow split --shares 2 --threshold 2 --erase-master")).json as {
      shares: string[];
    };
    const loot = await lootOf(laptop);
    const tid = mark(portal);
    const files = shares.map((share, index) => put(laptop, `share-${index}`, share));
    await laptop.ok("device rotate", ...files.flatMap((file) => ["--share-file", file]));
    await laptop.ok("sync");
    expect(await passwords(laptop)).toEqual({ "example.com": "one", "example.org": "uno" });
    await set(laptop, "example.com", "two");
    await desk.ok("sync");
    expect(await passwords(desk)).toMatchObject({ "example.com": "two" });
    await expectShut(loot, portal, tid);
  });

  test("of the only device there is, cut short anywhere", async () => {
    const portal = filePortal();
    const laptop = await withAccount(portal);
    await add(laptop, "example.com", "one");
    const { shares } = (await laptop.ok("escrow split --shares 2 --threshold 2 --erase-master")).json as {
      shares: string[];
    };
    const files = shares.map((share, index) => put(laptop, `share-${index}`, share));
    const line = `device rotate ${files.flatMap((file) => ["--share-file", file]).join(" ")}`;
    const loot = await lootOf(laptop);
    const restore = pictureOf(laptop.home, storeOf(portal));
    const tid = mark(portal);
    const check = async (): Promise<void> => {
      await laptop.ok("device rotate", ...files.flatMap((file) => ["--share-file", file]));
      await laptop.ok("sync");
      expect(await passwords(laptop)).toEqual({ "example.com": "one" });
      await set(laptop, "example.com", "two");
      await expectShut(loot, portal, tid);
    };
    await killedEverywhere(laptop, line, restore, check, 7);
  }, 240_000);
});

describe("a device that lapses", () => {
  test("is shut out by the next that writes, also where nobody changes the profile", async () => {
    let time = Date.now();
    const options: RunOptions = { deps: { now: () => new Date(time) } };
    const deps = options.deps ?? {};
    const portal = filePortal();
    const laptop = await withAccount(portal, "alice@example.com", options);
    await add(laptop, "example.com", "one", { deps });
    const phone = await connected(laptop, "phone", [], options);
    await phone.ok("sync");
    await laptop.ok("device renew phone --expires 1d");
    const loot = await lootOf(phone);
    const tid = mark(portal);
    time += 2 * DAY;
    await add(laptop, "example.org", "later", { deps });
    await expectShut(loot, portal, tid);
    await laptop.ok("device rename laptop portable");
    expect(await exposedTo(laptop, "phone")).toEqual({ "example.com": false });
  });

  test("leaves what it has changed last", async () => {
    let time = Date.now();
    const options: RunOptions = { deps: { now: () => new Date(time) } };
    const deps = options.deps ?? {};
    const laptop = await withAccount(filePortal(), "alice@example.com", options);
    await add(laptop, "example.com", "one", { deps });
    const phone = await connected(laptop, "phone", [], options);
    const desk = await connected(laptop, "desk", [], options);
    await desk.ok("sync");
    await laptop.ok("device renew phone --expires 1d");
    await phone.ok("sync");
    await set(phone, "example.com", "from the phone", { deps });
    time += 2 * DAY;
    await add(desk, "example.org", "later", { deps });
    expect((await laptop.ok("device remove phone")).json).toMatchObject({ applications: [{ settled: "current" }] });
    for (const device of [laptop, desk]) {
      await device.ok("sync");
      expect(await passwords(device, { deps })).toEqual({
        "example.com": "from the phone",
        "example.org": "later",
      });
    }
  });
});

describe("a device without the profile", () => {
  test("changes an application that it may change, and nothing else", async () => {
    const { laptop, phone } = await three();
    await laptop.ok("app create password --name work");
    await laptop.ok("app revoke phone --app work");
    await set(phone, "example.com", "changed", { name: "passwords" });
    expect(await passwords(phone, { name: "passwords" })).toMatchObject({ "example.com": "changed" });
    for (const line of [
      "device rename laptop mine",
      "device invite",
      "device remove laptop",
      "app grant phone --app work",
      "app rename passwords mine",
      "app delete passwords --confirm passwords",
      "app create password --name mine",
    ]) {
      const refused = await phone.run(line);
      expect([line, refused.code, refused.status]).toEqual([line, "not-administrator", 5]);
    }
    await expect(add(phone, "example.net", "x", { name: "work" })).rejects.toMatchObject({
      code: "application-denied",
    });
  });
});

describe("further accounts", () => {
  test("have what the first one has", async () => {
    const [first, second] = [filePortal(), filePortal()];
    const { laptop, phone } = await three(first);
    await laptop.ok("account create alice@other.example --portal", second);
    const loot = await lootOf(phone);
    const tid = mark(second);
    await laptop.ok("sync");
    await laptop.ok("device remove phone");
    const after = since(second, tid);
    expect(after.length).toBeGreaterThan(0);
    const heads = (at: string): Published[] =>
      publishedAt(storeOf(at)).filter(({ kind }) => kind === "PasswordProfile");
    expect(heads(second).at(-1)?.record).toEqual(heads(first).at(-1)?.record);
    expect(await readableWith(loot, [heads(second).at(-1)!])).toEqual([]);
  });
});

describe("recovery", () => {
  const split = async (of: Machine): Promise<string> => {
    const { shares } = (await of.ok("escrow split --shares 3 --threshold 2")).json as { shares: string[] };
    return shares.slice(1).join("\n");
  };

  test("brings everything back where all devices are lost", async () => {
    const { portal, laptop, phone, desk } = await three();
    await laptop.ok("app create password --name work");
    await add(laptop, "intranet.example", "work", { name: "work" });
    const stdin = await split(laptop);
    // The last that anybody has heard of is signed by a device that is no administrator, and then by one.
    await phone.ok("sync");
    await set(phone, "example.com", "from the phone");
    const loots = await Promise.all([phone, desk].map(lootOf));
    const tid = mark(portal);
    const desktop = machine({ stdin });
    const done = await desktop.ok("escrow recover --no-passphrase --drop-devices --portal", portal);
    expect(done.json).toMatchObject({
      published: true,
      applications: [
        { name: "passwords", settled: "rekeyed" },
        { name: "work", settled: "rekeyed" },
      ],
    });
    await desktop.ok("sync");
    expect(await passwords(desktop, { name: "passwords" })).toEqual({
      "example.com": "from the phone",
      "example.org": "uno",
    });
    expect(await passwords(desktop, { name: "work" })).toEqual({ "intranet.example": "work" });
    await set(desktop, "example.com", "new life", { name: "passwords" });
    for (const loot of loots) await expectShut(loot, portal, tid);
    const left = { "example.org": false, "intranet.example": false };
    expect(await exposedTo(desktop, "phone")).toEqual(left);
    expect(await exposedTo(desktop, "laptop")).toEqual(left);
  });

  test("leaves the other devices what they have", async () => {
    const { portal, laptop, phone, desk } = await three();
    const desktop = machine({ stdin: await split(laptop) });
    const done = await desktop.ok("escrow recover --no-passphrase --portal", portal);
    expect(done.json).toMatchObject({ applications: [{ settled: "granted" }] });
    expect(await passwords(desktop, { offline: false })).toEqual({ "example.com": "one", "example.org": "uno" });
    await set(desktop, "example.com", "two");
    for (const device of [phone, desk, laptop]) {
      await device.ok("sync");
      expect(await passwords(device)).toMatchObject({ "example.com": "two" });
    }
    await desktop.ok("device remove phone");
    expect(await exposedTo(desktop, "phone")).toEqual({ "example.com": false, "example.org": false });
  });

  test("of the master keys alone changes nothing", async () => {
    const { laptop, phone } = await three();
    const stdin = await split(laptop);
    const before = await laptop.ok("account status");
    const done = await phone.with({ stdin }).ok("escrow recover");
    expect(done.json).not.toHaveProperty("applications");
    expect((await laptop.ok("account status")).json).toEqual(before.json);
    await phone.ok("sync");
    expect(await passwords(phone)).toEqual({ "example.com": "one", "example.org": "uno" });
  });

  test("by a device that takes over reads also what it could not before", async () => {
    const { laptop } = await three();
    const tablet = await connected(laptop, "tablet", ["--no-grant"]);
    const stdin = await split(laptop);
    await expect(passwords(tablet, { offline: false })).rejects.toMatchObject({ code: "application-denied" });
    const done = await tablet.with({ stdin }).ok("escrow recover --new-epoch --drop-devices");
    expect(done.json).toMatchObject({ applications: [{ settled: "rekeyed" }] });
    expect(await passwords(tablet, { offline: false })).toEqual({ "example.com": "one", "example.org": "uno" });
    expect(await exposedTo(tablet, "laptop")).toEqual({ "example.com": false, "example.org": false });
  });

  /** The phone is the last to change the passwords, and its removal ends before they are encrypted anew. */
  const orphaned = async (options: Parameters<typeof openWire>[0] = {}, spoil?: (by: Machine) => Promise<void>) => {
    const wire = await openWire(options);
    const { laptop, phone } = await three(wire.url);
    await set(phone, "example.com", "last words");
    await spoil?.(phone);
    const stdin = await split(laptop);
    const loot = await lootOf(phone);
    const udf = await own(phone);
    let cut = false;
    wire.intercept = async ({ transaction, message, forward }) => {
      if (transaction !== "Publish") return forward();
      if (cut) return "drop";
      cut = kindOf(message) === "PersonalProfile";
      return forward();
    };
    await laptop.run("device remove phone");
    wire.intercept = undefined;
    const line = `escrow recover --no-passphrase --drop-devices --portal ${wire.url}`;
    return { wire, desktop: machine({ stdin }), line, loot, udf };
  };

  test("takes the last change of a device whose removal was cut short, by the version that it names", async () => {
    const { desktop, line, udf, loot } = await orphaned();
    const done = await desktop.ok(line);
    expect(done.json).toMatchObject({ published: true, applications: [{ name: "passwords", settled: "rekeyed" }] });
    expect(done.stderr).toContain("passwords");
    expect(done.stderr).toContain("phone");
    await desktop.ok("sync");
    expect(await passwords(desktop)).toEqual({ "example.com": "last words", "example.org": "uno" });
    expect(await exposedTo(desktop, udf)).toEqual({ "example.com": false, "example.org": false });
    expect(loot.application).not.toContainEqual((await lootOf(desktop)).application[0]);
  });

  test("puts back what such a device has spoilt", async () => {
    const { desktop, line } = await orphaned({}, spoil);
    expect((await desktop.ok(line)).json).toMatchObject({ applications: [{ settled: "rekeyed" }] });
    expect(await passwords(desktop, { offline: false })).toEqual({ "example.com": "last words", "example.org": "uno" });
  });

  test("says with its result and its status what did not come back, on a portal without history", async () => {
    const { wire, desktop, line } = await orphaned({ logless: true });
    wire.intercept = async ({ transaction, forward }) => {
      const response = await forward();
      if (transaction !== "Hello") return response;
      return altered(response, (hello) => ({
        ...hello,
        Extensions: (hello["Extensions"] as string[]).filter((name) => name !== EXTENSIONS.history),
      }));
    };
    const done = await desktop.run(line);
    expect([done.status, done.json]).toMatchObject([
      7,
      { published: true, applications: [{ name: "passwords", settled: "waiting", reason: "application-signer" }] },
    ]);
    const again = await desktop.text("escrow recover --new-epoch --drop-devices");
    expect(again.status).toBe(7);
    expect(again.stdout).toContain("passwords");
  });

  test("leaves to a sync what a portal that cannot be reached holds up", async () => {
    const wire = await openWire();
    const { laptop } = await three(wire.url);
    const desktop = machine({ stdin: await split(laptop) });
    wire.intercept = ({ transaction, message, forward }) =>
      transaction === "Publish" && kindOf(message) === "PasswordProfile" ? "drop" : forward();
    const line = `escrow recover --no-passphrase --drop-devices --portal ${wire.url}`;
    const done = await desktop.ok(line);
    expect(done.json).toMatchObject({ applications: [{ settled: "waiting", reason: "portal-unreachable" }] });
    wire.intercept = undefined;
    expect((await desktop.ok("sync")).json).toMatchObject({ applications: [{ settled: "rekeyed" }] });
    expect(await passwords(desktop)).toEqual({ "example.com": "one", "example.org": "uno" });
  });

  test("does not take what a device has signed that could not at the version that it names", async () => {
    const { desktop, line } = await orphaned({}, async (phone) => {
      await withSession(phone, async (session) => {
        // From before the phone was connected.
        const head = await headBy(session, (personal) => ({
          owner: { ...personal, master: { ...personal.master, sequence: 1 }, sequence: 1 },
        }));
        await publishBy(session, head);
      });
    });
    const done = await desktop.run(line);
    expect([done.status, done.json]).toMatchObject([
      7,
      { applications: [{ settled: "waiting", reason: "application-signer" }] },
    ]);
  });

  test("is finished by the same command, wherever it was cut short", async () => {
    const { portal, laptop, phone } = await three();
    await set(phone, "example.com", "last words");
    const stdin = await split(laptop);
    const loot = await lootOf(phone);
    const desktop = machine({ stdin });
    fs.mkdirSync(desktop.home, { mode: 0o700 });
    const restore = pictureOf(desktop.home, storeOf(portal));
    const tid = mark(portal);
    const line = `escrow recover --no-passphrase --drop-devices --portal ${portal}`;
    const check = async (_: unknown, n: number): Promise<void> => {
      await desktop.ok(line);
      await desktop.ok("sync");
      expect([n, await passwords(desktop, { offline: false })]).toEqual([
        n,
        { "example.com": "last words", "example.org": "uno" },
      ]);
      await expectShut(loot, portal, tid);
    };
    await killedEverywhere(desktop, line, restore, check, 8);
  }, 240_000);
});

describe("a backup", () => {
  test("brings a device back that reads what was meant for it", async () => {
    const { laptop, desk } = await three();
    put(laptop, "passphrase", "correct horse\n");
    await laptop.ok("profile export --private --out backup.json --backup-passphrase-file passphrase");
    await set(desk, "example.com", "later");
    const again = machine();
    for (const name of ["backup.json", "passphrase"]) {
      fs.copyFileSync(path.join(laptop.folder, name), path.join(again.folder, name));
    }
    const words = ["--backup-passphrase-file", "passphrase", "--no-passphrase", "--yes"];
    await again.ok("profile import backup.json", ...words);
    await again.ok("sync");
    expect(await passwords(again)).toEqual({ "example.com": "later", "example.org": "uno" });
  });
});

test("an application that a removed device has made and changed is as good as any other", async () => {
  const { laptop } = await three();
  const tablet = await connected(laptop, "tablet", ["--admin"]);
  await tablet.ok("app create password --name tablet");
  await change(tablet, () => [{ put: passwordOf("a.example", "alice", "a") }], { name: "tablet" });
  await laptop.ok("device remove tablet");
  expect(await passwords(laptop, { offline: false, name: "tablet" })).toEqual({ "a.example": "a" });
});
