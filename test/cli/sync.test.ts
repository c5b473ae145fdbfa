import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import { publishHead } from "../../src/client/application.js";
import { syncApplications } from "../../src/cli/application/application.js";
import { withClient } from "../../src/cli/change.js";
import { knownProfile } from "../../src/cli/known.js";
import { accountOf, openAccount } from "../../src/cli/session.js";
import type { ErrorCode } from "../../src/errors.js";
import { createHead, readHead } from "../../src/mesh/application/head.js";
import { decodeBase64url, encodeBase64url } from "../../src/mesh/bytes.js";
import { listApplications, readCopy } from "../../src/keystore/application-store.js";
import { connected, contentOf, filePortal, put, withAccount, type Machine, type Outcome } from "../support/cli.js";
import { add, change, passwordOf, passwords, set, withSession } from "../support/applications.js";
import { testDeps } from "../support/deps.js";
import { faultyFiles } from "../support/faults.js";
import { breakLock, killedEverywhere, pictureOf, storeOf } from "../support/killed.js";
import { startLyingPortal } from "../support/lying-portal.js";
import { openReferencePortal, DROP } from "../support/reference-portal.js";
import { answer, messageOf, openWire, refusal, type Message, type Wire } from "../support/wire.js";

interface Published {
  readonly Identifier: string;
  readonly SignedData: { readonly protected: string; readonly payload: string; readonly signature: string };
}

const reports = (outcome: Outcome): Record<string, unknown>[] =>
  (outcome.json as { applications: Record<string, unknown>[] }).applications;

const recordOf = (message: Message): Published | undefined =>
  (message["Entry"] as Record<string, Published> | undefined)?.["SignedApplicationProfile"];

/** The records of applications that a request or an answer speaks of, by type. */
const typeOf = ({ SignedData }: Published): string =>
  Object.keys(JSON.parse(decodeBase64url(SignedData.payload).toString("utf8")) as object)[0] ?? "";

/** The files of a home that are about applications, but for segments: what is one of the newest head may be kept at any time. */
const files = (of: Machine): Record<string, string> =>
  Object.fromEntries(
    Object.entries(contentOf(of.home)).filter(([name]) => /^applications.*\.(state|queue)$/.test(name)),
  );

/** A laptop and a phone that have both seen two passwords, over a wire that has no log. */
const two = async (): Promise<{ wire: Wire; laptop: Machine; phone: Machine; published: Published[] }> => {
  const wire = await openWire({ logless: true });
  const published: Published[] = [];
  wire.intercept = ({ transaction, message, forward }) => {
    const record = transaction === "Publish" ? recordOf(message) : undefined;
    if (record) published.push(record);
    return forward();
  };
  const laptop = await withAccount(wire.url);
  const phone = await connected(laptop);
  await add(laptop, "example.com", "one");
  await add(laptop, "example.org", "two");
  await phone.ok("sync");
  return { wire, laptop, phone, published };
};

const heads = (published: readonly Published[]): Published[] =>
  published.filter((record) => typeOf(record) === "PasswordProfile");

const segments = (published: readonly Published[]): Published[] =>
  published.filter((record) => typeOf(record) === "SegmentProfile");

/** Has the portal answer a Get for one identifier with some records, each the newest of its own. */
const serving =
  (identifier: string, records: readonly Published[]): Wire["intercept"] =>
  ({ transaction, message, forward }) =>
    transaction === "Get" && message["Identifier"] === identifier
      ? answer("GetResponse", { Entries: records.map((record) => ({ SignedApplicationProfile: record })) })
      : forward();

/** A sync that meets a lie: it fails with its code, and nothing at home has changed. */
const meets = async (of: Machine, code: ErrorCode, line = "sync"): Promise<void> => {
  const before = files(of);
  const outcome = await of.run(line);
  const [report] = outcome.code === undefined ? reports(outcome) : [];
  const found = outcome.code ?? (report?.["error"] as { code: string } | undefined)?.code;
  expect({ status: outcome.status, code: found, output: outcome.stdout }).toMatchObject({ status: 7, code });
  expect(files(of)).toEqual(before);
};

describe("two devices", () => {
  test("changed different entries offline: both keep all changes", async () => {
    const portal = filePortal();
    const laptop = await withAccount(portal);
    const phone = await connected(laptop);
    await add(laptop, "example.com", "one");
    expect(reports(await phone.ok("sync"))).toMatchObject([{ received: 1, sent: 0, waiting: 0, conflicts: [] }]);
    await add(laptop, "laptop.example", "l", { offline: true });
    await set(laptop, "example.com", "two", { offline: true });
    await add(phone, "phone.example", "p", { offline: true });
    expect(await passwords(laptop)).toEqual({ "example.com": "two", "laptop.example": "l" });
    expect((await laptop.ok("status")).json).toMatchObject({
      pendingWork: [{ kind: "sync", command: "meshman sync --app passwords" }],
    });
    expect((await laptop.ok("doctor --offline")).stdout).toContain("meshman sync");
    expect((await laptop.ok("app list")).json).toMatchObject({ applications: [{ waiting: 2 }] });
    expect(reports(await laptop.ok("sync"))).toMatchObject([{ received: 0, sent: 2, waiting: 0, conflicts: [] }]);
    expect(reports(await phone.ok("sync"))).toMatchObject([{ received: 2, sent: 1, waiting: 0, conflicts: [] }]);
    expect(reports(await laptop.ok("sync"))).toMatchObject([{ received: 1, sent: 0, waiting: 0, conflicts: [] }]);
    for (const device of [laptop, phone]) {
      expect(await passwords(device)).toEqual({ "example.com": "two", "laptop.example": "l", "phone.example": "p" });
    }
    expect((await laptop.ok("status")).json).toMatchObject({ pendingWork: [] });
    const before = files(laptop);
    expect(reports(await laptop.ok("sync"))).toMatchObject([{ received: 0, sent: 0 }]);
    expect(files(laptop)).toEqual(before);
    expect((await laptop.text("sync")).stdout).toContain("passwords");
  });

  test("changed the same entry: the conflict is kept, and told", async () => {
    const laptop = await withAccount(filePortal());
    const phone = await connected(laptop);
    await add(laptop, "example.com", "one");
    await phone.ok("sync");
    await set(laptop, "example.com", "two");
    const { conflicts, synced } = await set(phone, "example.com", "three");
    expect([synced, conflicts.length]).toEqual([true, 1]);
    const again = await laptop.ok("sync");
    expect(reports(again)).toMatchObject([{ received: 1, conflicts: [expect.any(String)] }]);
    expect(again.stderr).not.toBe("");
    expect(await passwords(laptop)).toEqual({ "example.com": "two|three" });
  });

  test("change one thing at the same time: the later one is made again on top", async () => {
    const { wire, laptop, phone } = await two();
    const isHead = (message: Message): boolean => {
      const record = recordOf(message);
      return record !== undefined && typeOf(record) === "PasswordProfile";
    };
    wire.intercept = async ({ transaction, message, forward }) => {
      if (transaction !== "Publish" || !isHead(message)) return forward();
      wire.intercept = undefined;
      await add(phone, "phone.example", "p");
      return forward();
    };
    expect((await set(laptop, "example.com", "two")).synced).toBe(true);
    expect(await passwords(laptop)).toEqual({ "example.com": "two", "example.org": "two", "phone.example": "p" });
    // Never its turn.
    wire.intercept = async ({ transaction, message, forward }) =>
      transaction === "Publish" && isHead(message) ? refusal(409) : forward();
    await expect(set(laptop, "example.com", "three")).rejects.toMatchObject({ code: "conflict" });
    wire.intercept = undefined;
    expect(reports(await laptop.ok("sync"))).toMatchObject([{ sent: 1 }]);
    expect(await passwords(laptop)).toMatchObject({ "example.com": "three" });
  });

  test("work in two processes on one home without losing anything", async () => {
    const laptop = await withAccount(filePortal());
    await add(laptop, "example.com", "one");
    await Promise.all(Array.from({ length: 6 }, (_, index) => add(laptop, `${index}.example`, `${index}`)));
    await laptop.ok("sync");
    expect(Object.keys(await passwords(laptop)).sort()).toEqual([
      ...Array.from({ length: 6 }, (_, index) => `${index}.example`),
      "example.com",
    ]);
    const versions = (await laptop.ok("app history passwords")).json as { versions: object[] };
    expect(versions.versions.length).toBeLessThanOrEqual(8);
  });
});

describe("a portal that is away", () => {
  test("leaves changes waiting, which the next sync sends", async () => {
    const { wire, laptop, phone } = await two();
    await wire.stop();
    const { synced } = await set(laptop, "example.com", "three");
    expect(synced).toBe(false);
    expect(await passwords(laptop)).toEqual({ "example.com": "three", "example.org": "two" });
    expect((await laptop.run("sync")).status).toBe(6);
    expect((await laptop.ok("app conflicts")).json).toEqual({ conflicts: [] });
    expect((await laptop.ok("app list")).json).toMatchObject({ applications: [{ waiting: 1 }] });
    await wire.restart();
    expect(reports(await laptop.ok("sync"))).toMatchObject([{ sent: 1, waiting: 0 }]);
    await phone.ok("sync");
    expect(await passwords(phone)).toEqual({ "example.com": "three", "example.org": "two" });
  });

  test("answers nothing: what was published is not made a second time", async () => {
    const { wire, laptop, phone } = await two();
    let drops = 1;
    wire.intercept = async ({ transaction, message, forward }) => {
      const record = transaction === "Publish" ? recordOf(message) : undefined;
      const reply = await forward();
      return record && typeOf(record) === "PasswordProfile" && drops > 0 ? "drop" : reply;
    };
    expect((await set(laptop, "example.com", "three")).synced).toBe(false);
    drops = 0;
    await phone.ok("sync");
    // Another device goes on with it before this one has heard that it is there: it is deleted.
    await set(phone, "example.com", undefined);
    expect(reports(await laptop.ok("sync"))).toMatchObject([{ sent: 1, waiting: 0, conflicts: [] }]);
    await phone.ok("sync");
    for (const device of [laptop, phone]) expect(await passwords(device)).toEqual({ "example.org": "two" });
  });

  test.each(["SegmentProfile", "PasswordProfile"])("fails at every moment of publishing: %s", async (type) => {
    const { wire, laptop, phone } = await two();
    wire.intercept = async ({ transaction, message, forward }) => {
      const record = transaction === "Publish" ? recordOf(message) : undefined;
      return record && typeOf(record) === type ? refusal(503) : forward();
    };
    expect((await set(laptop, "example.com", "three")).synced).toBe(false);
    wire.intercept = ({ transaction, forward }) => (transaction === "Publish" ? refusal(429) : forward());
    expect((await set(laptop, "example.org", "two")).synced).toBe(false);
    wire.intercept = undefined;
    expect(reports(await laptop.ok("sync"))).toMatchObject([{ sent: 2, waiting: 0 }]);
    await phone.ok("sync");
    expect(await passwords(phone)).toEqual({ "example.com": "three", "example.org": "two" });
  });
});

describe("a change that the portal refuses", () => {
  test("waits, which is said, and goes out once the portal takes it", async () => {
    const { wire, laptop } = await two();
    put(laptop, "three.txt", "three");
    const edit = "password edit example.com --password-file three.txt";
    wire.intercept = ({ transaction, forward }) => (transaction === "Publish" ? refusal(413) : forward());
    const refused = await laptop.run(edit);
    expect([refused.status, refused.code]).toEqual([5, "too-large"]);
    expect(refused.stderr).toContain("meshman sync");
    expect((await laptop.ok("app list")).json).toMatchObject({ applications: [{ waiting: 1 }] });
    wire.intercept = undefined;
    expect(reports(await laptop.ok("sync"))).toMatchObject([{ sent: 1, waiting: 0 }]);
    // What is refused before anything waits says nothing of waiting.
    expect((await laptop.run("password edit nothing.example --drop notes")).stderr).toBe("");
  });
});

describe("what is too large", () => {
  test("never waits in the way of everything else", async () => {
    const laptop = await withAccount(filePortal());
    await add(laptop, "example.com", "one");
    const large = { ...passwordOf("example.org", "alice", "two"), Notes: "x".repeat(64 * 1024) };
    await expect(change(laptop, () => [{ put: large }])).rejects.toMatchObject({ code: "too-large" });
    const many = Array.from({ length: 20_001 }, () => ({ put: {} }));
    await expect(change(laptop, () => many)).rejects.toMatchObject({ code: "too-large" });
    expect(reports(await laptop.ok("sync"))).toMatchObject([{ sent: 0, waiting: 0 }]);
    expect(await passwords(laptop)).toEqual({ "example.com": "one" });
  });
});

describe("a device's rights", () => {
  test("a device that lost an application forgets it, and says so", async () => {
    const laptop = await withAccount(filePortal());
    const phone = await connected(laptop);
    await add(laptop, "example.com", "one");
    await phone.ok("sync");
    await add(phone, "example.org", "two", { offline: true });
    await laptop.ok("app revoke phone --app passwords");
    const synced = await phone.ok("sync");
    expect([reports(synced), synced.stderr === ""]).toEqual([[], false]);
    expect(files(phone)).toEqual({});
    await expect(passwords(phone, { offline: false })).rejects.toMatchObject({ code: "application-denied" });
    expect((await phone.run("sync --app passwords")).code).toBe("application-denied");
    expect(await passwords(laptop)).toEqual({ "example.com": "one" });
  });

  test("a device that may only read keeps its changes until it may make them", async () => {
    const laptop = await withAccount(filePortal());
    const phone = await connected(laptop);
    await add(laptop, "example.com", "one");
    await phone.ok("sync");
    await add(phone, "example.org", "two", { offline: true });
    await laptop.ok("app grant phone --app passwords --read-only");
    const refused = await phone.run("sync");
    expect([refused.status, reports(refused)]).toMatchObject([
      5,
      [{ waiting: 1, error: { code: "application-denied" } }],
    ]);
    await expect(add(phone, "example.net", "three")).rejects.toMatchObject({ code: "application-denied" });
    expect(await passwords(phone)).toEqual({ "example.com": "one", "example.org": "two" });
    await laptop.ok("app grant phone --app passwords");
    expect(reports(await phone.ok("sync"))).toMatchObject([{ sent: 1, waiting: 0 }]);
    await laptop.ok("sync");
    expect(await passwords(laptop)).toEqual({ "example.com": "one", "example.org": "two" });
  });
});

describe("a hostile portal", () => {
  test("shows an older head", async () => {
    const { wire, laptop, phone, published } = await two();
    const [, second] = heads(published);
    await add(phone, "example.net", "three", { offline: true });
    wire.intercept = serving(second?.Identifier ?? "", second ? [second] : []);
    await meets(laptop, "rollback");
    // What waits is not lost either.
    await meets(phone, "rollback");
    wire.intercept = serving(second?.Identifier ?? "", []);
    await meets(laptop, "rollback");
    wire.intercept = undefined;
    expect(reports(await phone.ok("sync"))).toMatchObject([{ sent: 1 }]);
  });

  test("shows two devices two histories", async () => {
    const { wire, laptop, phone } = await two();
    wire.intercept = ({ transaction, message, forward }) =>
      transaction === "Publish" && recordOf(message) ? answer("PublishResponse", {}) : forward();
    await set(phone, "example.com", "phone's");
    wire.intercept = undefined;
    await set(laptop, "example.com", "laptop's");
    await meets(phone, "fork");
    await set(laptop, "example.com", "laptop's too");
    await meets(phone, "fork");
  });

  test("shows two heads of one age", async () => {
    const { wire, laptop, phone, published } = await two();
    let other: Published | undefined;
    wire.intercept = ({ transaction, message, forward }) => {
      const record = transaction === "Publish" ? recordOf(message) : undefined;
      if (!record) return forward();
      if (typeOf(record) === "PasswordProfile") other = record;
      return answer("PublishResponse", {});
    };
    await set(phone, "example.com", "phone's");
    wire.intercept = ({ message, forward, transaction }) => {
      const record = transaction === "Publish" ? recordOf(message) : undefined;
      if (record) published.push(record);
      return forward();
    };
    await set(laptop, "example.com", "laptop's");
    const own = heads(published).at(-1);
    wire.intercept = serving(
      own?.Identifier ?? "",
      [own, other].flatMap((record) => record ?? []),
    );
    await meets(laptop, "fork");
  });

  test("drops a segment, or gives another in its place", async () => {
    const { wire, laptop, phone, published } = await two();
    await change(laptop, () =>
      ["a", "b", "c"].map((site) => ({ put: passwordOf(`${site}.example`, "alice", "x".repeat(4000)) })),
    );
    const made = segments(published);
    const last = made.slice(-3);
    const [first, second] = last;
    if (!first || !second) throw new Error("Too few segments");
    const place = (record: Published): Wire["intercept"] => serving(first.Identifier, [record]);
    wire.intercept = ({ transaction, message, forward }) =>
      transaction === "Get" && message["Identifier"] === first.Identifier ? refusal(404) : forward();
    await meets(phone, "application-segment");
    // Of another version, of another place, of another application, and with a bit turned.
    const old = made[0];
    if (!old) throw new Error("No segment");
    for (const record of [old, second, { ...old, Identifier: first.Identifier }]) {
      wire.intercept = place(record);
      await meets(phone, "application-segment");
    }
    const [head] = heads(published);
    wire.intercept = place(head ?? old);
    await meets(phone, "application-segment");
    const flipped = decodeBase64url(first.SignedData.payload);
    flipped.writeUInt8(flipped.readUInt8(flipped.length - 40) ^ 1, flipped.length - 40);
    wire.intercept = place({ ...first, SignedData: { ...first.SignedData, payload: encodeBase64url(flipped) } });
    await meets(phone, "application-segment");
    wire.intercept = ({ transaction, message, forward }) =>
      // Each in the place of the other.
      transaction === "Get" && message["Identifier"] === first.Identifier
        ? answer("GetResponse", { Entries: [{ SignedApplicationProfile: second }] })
        : transaction === "Get" && message["Identifier"] === second.Identifier
          ? answer("GetResponse", { Entries: [{ SignedApplicationProfile: first }] })
          : forward();
    await meets(phone, "application-segment");
    wire.intercept = undefined;
    await phone.ok("sync");
    expect(Object.keys(await passwords(phone)).length).toBe(5);
  });

  test("has an older version of a segment among the ones that it keeps", async () => {
    const { wire, laptop, phone, published } = await two();
    await add(laptop, "example.net", "three");
    const segment = segments(published).at(-1);
    const other = segments(published)[0];
    if (!segment || !other) throw new Error("No segment");
    wire.intercept = ({ transaction, message, forward }) =>
      transaction === "Get" && message["Identifier"] === segment.Identifier && message["Multiple"] !== true
        ? answer("GetResponse", {
            Entries: [{ SignedApplicationProfile: { ...other, Identifier: segment.Identifier } }],
          })
        : forward();
    await phone.ok("sync");
    expect(Object.keys(await passwords(phone)).length).toBe(3);
  });

  test("gives another application", async () => {
    const { wire, laptop, phone, published } = await two();
    await laptop.ok("app create ssh");
    const other = published.at(-1);
    const [head] = heads(published);
    if (!other || !head) throw new Error("No head");
    wire.intercept = serving(head.Identifier, [other]);
    await meets(phone, "fingerprint-mismatch", "sync --app passwords");
    wire.intercept = serving(other.Identifier, []);
    const gone = await phone.run("sync --app ssh");
    expect([gone.status, gone.code]).toEqual([3, "record-not-found"]);
  });

  test("shows a head that a removed device has signed", async () => {
    const { wire, laptop, phone } = await two();
    const tablet = await connected(laptop, "tablet");
    await tablet.ok("sync");
    let forged: Published | undefined;
    const made: Published[] = [];
    wire.intercept = ({ transaction, message, forward }) => {
      const record = transaction === "Publish" ? recordOf(message) : undefined;
      if (!record) return forward();
      made.push(record);
      if (typeOf(record) === "PasswordProfile") forged = record;
      return answer("PublishResponse", {});
    };
    await set(phone, "example.com", "phone's");
    wire.intercept = undefined;
    await laptop.ok("device remove phone");
    if (!forged) throw new Error("No head");
    wire.intercept = serving(forged.Identifier, [forged]);
    await meets(tablet, "application-signer");
    wire.intercept = undefined;
    await tablet.ok("sync");
    expect(await passwords(tablet)).toEqual({ "example.com": "one", "example.org": "two" });
  });

  test("shows a head that somebody can read who must not", async () => {
    const { laptop, phone } = await two();
    const tablet = await connected(laptop, "tablet", ["--no-grant"]);
    const before = files(phone);
    await withSession(laptop, async (session) => {
      const { context, keystore, state } = session;
      const [facts] = listApplications(context.home, state.udf);
      const copy = readCopy(context.home, keystore, state.udf, facts?.identifier ?? "");
      const personal = knownProfile(context, state);
      if (!copy || !personal) throw new Error("Nothing is known");
      const everybody = { DecryptDeviceUDF: personal.devices.map(({ udf }) => udf) };
      const head = await createHead(
        keystore.get(state.device.udf, "device-signature"),
        {
          type: "PasswordProfile",
          identifier: copy.identifier,
          owner: personal,
          entry: everybody,
          key: decodeBase64url(copy.key),
          entries: copy.entries,
          segments: copy.segments,
        },
        context.deps.now(),
        readHead(copy.head),
      );
      await withClient(openAccount(context, accountOf(context, state)), (client) =>
        publishHead(client, head, session.authenticationKey),
      );
    });
    await meets(phone, "application-recipient");
    expect(files(phone)).toEqual(before);
    expect((await tablet.run("sync --app passwords")).code).toBe("application-denied");
  });

  test("turns bits", async () => {
    const { wire, laptop, phone, published } = await two();
    await add(laptop, "example.net", "three");
    const head = heads(published).at(-1);
    if (!head) throw new Error("No head");
    const turned = (text: string, at: number): string => {
      const octets = decodeBase64url(text);
      octets.writeUInt8(octets.readUInt8(at) ^ 1, at);
      return encodeBase64url(octets);
    };
    const { SignedData } = head;
    wire.intercept = serving(head.Identifier, [
      { ...head, SignedData: { ...SignedData, signature: turned(SignedData.signature, 3) } },
    ]);
    await meets(phone, "application-signer");
    const json = decodeBase64url(SignedData.payload).toString("utf8");
    const iv = /"iv":"(.)/.exec(json);
    const at = (iv?.index ?? 0) + 6;
    wire.intercept = serving(head.Identifier, [
      { ...head, SignedData: { ...SignedData, payload: turned(SignedData.payload, at) } },
    ]);
    await meets(phone, "application-signer");
    wire.intercept = serving(head.Identifier, [
      { ...head, SignedData: { ...SignedData, payload: turned(SignedData.payload, 0) } },
    ]);
    const outcome = await phone.run("sync");
    expect(outcome.status).toBe(7);
    wire.intercept = undefined;
    await phone.ok("sync");
    expect(Object.keys(await passwords(phone)).length).toBe(3);
  });

  test("does not show what lies between", async () => {
    const { wire, laptop, phone } = await two();
    await set(laptop, "example.com", "a");
    await set(laptop, "example.com", "b");
    wire.intercept = async ({ transaction, message, forward }) => {
      const reply = await forward();
      if (transaction !== "Get" || message["Multiple"] !== true) return reply;
      const { Entries } = messageOf(reply) as { Entries: Record<string, unknown>[] };
      return answer("GetResponse", { Entries: Entries.slice(0, 1) });
    };
    await meets(phone, "gap");
    expect((await phone.run("sync --accept-gap")).status).toBe(0);
    expect(await passwords(phone)).toMatchObject({ "example.com": "b" });
  });

  test("lies about what is in its log", async () => {
    const portal = await startLyingPortal();
    const laptop = await withAccount(portal.url);
    const phone = await connected(laptop);
    await add(laptop, "example.com", "one");
    await phone.ok("sync");
    await set(laptop, "example.com", "two");
    const isAbout = (transaction: string, answered: Message): boolean =>
      transaction === "Get" &&
      String((answered["DataItems"] as Message[] | undefined)?.[0]?.["Text"]).includes("SignedApplication");
    portal.lie = {
      answer: (transaction, answered) => {
        if (isAbout(transaction, answered)) for (const item of answered["DataItems"] as Message[]) delete item["Proof"];
        return undefined;
      },
    };
    await meets(phone, "proof-missing");
    let old: Message[] | undefined;
    portal.lie = {
      answer: async (transaction, answered, request, ask) => {
        if (!isAbout(transaction, answered) || request["Multiple"] === true) return undefined;
        const all = await ask("Get", { ...request, Multiple: true });
        old = (all["DataItems"] as Message[]).slice(-1);
        return { ...all, DataItems: old, PageKey: undefined };
      },
    };
    await meets(phone, "rollback");
    expect(old?.length).toBe(1);
    portal.lie = undefined;
    await phone.ok("sync");
    expect(await passwords(phone)).toEqual({ "example.com": "two" });
  });
});

describe("what is at home", () => {
  const only = (of: Machine, end: string): string => {
    const folder = path.join(of.home, "applications");
    const [name] = fs.readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(end));
    return path.join(folder, name ?? "");
  };
  const damage = (file: string): void => {
    const octets = fs.readFileSync(file);
    octets.writeUInt8(octets.readUInt8(octets.length - 1) ^ 1, octets.length - 1);
    fs.writeFileSync(file, octets);
  };

  test("is fetched again where it is missing or damaged", async () => {
    const laptop = await withAccount(filePortal());
    await add(laptop, "example.com", "one");
    const all = { "example.com": "one" };
    fs.rmSync(only(laptop, ".segment"));
    await expect(passwords(laptop)).rejects.toMatchObject({ code: "record-not-found" });
    expect(await passwords(laptop, { offline: false })).toEqual(all);
    expect(await passwords(laptop)).toEqual(all);
    damage(only(laptop, ".segment"));
    expect(await passwords(laptop, { offline: false })).toEqual(all);
    damage(only(laptop, ".state"));
    await expect(passwords(laptop)).rejects.toMatchObject({ code: "state-corrupt" });
    expect(await passwords(laptop, { offline: false })).toEqual(all);
    damage(only(laptop, ".state"));
    expect((await laptop.ok("sync")).stderr).not.toBe("");
    expect(await passwords(laptop)).toEqual(all);
    for (const cut of [0, 10, 200]) {
      const state = only(laptop, ".state");
      fs.truncateSync(state, cut);
      await laptop.ok("sync");
      expect(await passwords(laptop)).toEqual(all);
    }
    fs.rmSync(path.join(laptop.home, "applications"), { recursive: true });
    expect(await passwords(laptop, { offline: false })).toEqual(all);
  });

  test("edits that wait are never passed over", async () => {
    const laptop = await withAccount(filePortal());
    await add(laptop, "example.com", "one");
    await add(laptop, "example.org", "two", { offline: true });
    damage(only(laptop, ".queue"));
    await expect(passwords(laptop)).rejects.toMatchObject({ code: "state-corrupt" });
    const refused = await laptop.run("sync");
    expect([refused.status, reports(refused)]).toMatchObject([1, [{ error: { code: "state-corrupt" } }]]);
    await expect(add(laptop, "example.net", "three")).rejects.toMatchObject({ code: "state-corrupt" });
    fs.rmSync(only(laptop, ".queue"));
    await laptop.ok("sync");
    expect(await passwords(laptop)).toEqual({ "example.com": "one" });
  });

  test("doctor tells of damaged files", async () => {
    const laptop = await withAccount(filePortal());
    await add(laptop, "example.com", "one");
    expect((await laptop.run("doctor --offline")).json).toMatchObject({
      findings: expect.arrayContaining([expect.objectContaining({ check: "applications", status: "ok" })]) as unknown,
    });
    fs.truncateSync(only(laptop, ".state"), 5);
    fs.chmodSync(only(laptop, ".segment"), 0o644);
    const told = await laptop.run("doctor --offline");
    expect(told.json).toMatchObject({
      findings: expect.arrayContaining([
        expect.objectContaining({ check: "applications", status: "problem" }),
        expect.objectContaining({ check: "permissions", status: "problem" }),
      ]) as unknown,
    });
  });
});

describe("a process that is killed", () => {
  /** It dies at every so many changes of files. */
  const STEP = process.env["MESHMAN_EVERY_STEP"] === undefined ? 5 : 1;

  const started = async (): Promise<{ laptop: Machine; phone: Machine; restore: () => void }> => {
    const portal = filePortal();
    const laptop = await withAccount(portal);
    const phone = await connected(laptop);
    await add(laptop, "example.com", "one");
    await phone.ok("sync");
    return { laptop, phone, restore: pictureOf(laptop.home, phone.home, storeOf(portal)) };
  };

  test("in a sync: the next one finishes it, and nothing is made twice", { timeout: 60_000 }, async () => {
    const { laptop, phone } = await started();
    const portal = (await laptop.ok("profile show")).at("accounts", 0, "portal");
    await set(phone, "example.com", "phone's");
    await add(laptop, "example.org", "two", { offline: true });
    await set(laptop, "example.com", "laptop's", { offline: true });
    const restore = pictureOf(laptop.home, phone.home, storeOf(portal));
    const check = async (): Promise<void> => {
      await laptop.ok("sync");
      await phone.ok("sync");
      for (const device of [laptop, phone]) {
        expect(await passwords(device)).toEqual({ "example.com": "phone's|laptop's", "example.org": "two" });
      }
      expect((await laptop.ok("status")).json).toMatchObject({ pendingWork: [] });
    };
    await killedEverywhere(laptop, "sync", restore, check, STEP);
  });

  test("in a change: it is there whole, or not at all", { timeout: 60_000 }, async () => {
    const { laptop, phone, restore } = await started();
    let whole = 0;
    for (let n = 1; ; n += STEP) {
      restore();
      const files = faultyFiles(testDeps().fs, n, "crash");
      const outcome = await set(laptop, "example.com", "two", { deps: { fs: files.fs } }).catch(() => undefined);
      breakLock(laptop);
      const [before] = Object.values(await passwords(laptop));
      await laptop.ok("sync");
      await phone.ok("sync");
      const [after] = Object.values(await passwords(phone));
      expect(["one", "two"]).toContain(before);
      expect(after).toBe(before);
      if (after === "two") whole++;
      if (outcome && !files.fired()) break;
    }
    expect(whole).toBeGreaterThan(1);
  });

  test(
    "while an application is made: another one is, and nothing is left of the first",
    { timeout: 60_000 },
    async () => {
      const portal = filePortal();
      const laptop = await withAccount(portal);
      const check = async (): Promise<void> => {
        await laptop.run("app create passwords");
        await add(laptop, "example.com", "one");
        expect((await laptop.ok("app list")).json).toMatchObject({ applications: [{ name: "passwords", entries: 1 }] });
        await laptop.ok("sync");
        const states = Object.keys(files(laptop)).filter((name) => name.endsWith(".state"));
        expect(states.length).toBe(1);
      };
      await killedEverywhere(laptop, "app create passwords", pictureOf(laptop.home, storeOf(portal)), check, STEP);
    },
  );

  test("while an application is made: the first entry finds its place all the same", { timeout: 60_000 }, async () => {
    const portal = filePortal();
    const laptop = await withAccount(portal);
    const check = async (): Promise<void> => {
      await add(laptop, "example.com", "one");
      expect(Object.values(await passwords(laptop))).toEqual(["one"]);
    };
    await killedEverywhere(laptop, "app create passwords", pictureOf(laptop.home, storeOf(portal)), check, STEP);
  });
});

describe("several accounts", () => {
  test("have the same, and are brought up where one was away", async () => {
    const first = await openWire();
    const second = await openWire();
    const laptop = await withAccount(first.url);
    await add(laptop, "example.com", "one");
    await laptop.ok("account create alice@example.org --portal", second.url);
    await laptop.ok("sync");
    await second.stop();
    expect((await set(laptop, "example.com", "two")).synced).toBe(true);
    await set(laptop, "example.com", "three");
    await second.restart();
    expect((await laptop.ok("sync")).stderr).toBe("");
    const history = async (account: string): Promise<unknown> =>
      ((await laptop.ok("app history passwords --account", account)).json as { versions: unknown }).versions;
    expect(await history("alice@example.org")).toEqual(((await history("alice@example.com")) as unknown[]).slice(0, 3));
    const seen = second.seen.length;
    await laptop.ok("sync");
    expect(second.seen.length).toBe(seen);
  });
});

describe("an account that moves", () => {
  test("takes its applications to the new portal", async () => {
    const laptop = await withAccount(filePortal());
    const phone = await connected(laptop);
    await add(laptop, "example.com", "one");
    await add(laptop, "example.org", "two", { offline: true });
    await phone.ok("sync");
    const portal = filePortal();
    await laptop.ok("account create alice@example.com --portal", portal);
    expect(reports(await laptop.ok("sync"))).toMatchObject([{ sent: 1, waiting: 0, sequence: 4 }]);
    const tablet = await connected(laptop, "tablet");
    await tablet.ok("sync");
    expect(await passwords(tablet)).toEqual({ "example.com": "one", "example.org": "two" });
    await phone.ok("account create alice@example.com --portal", portal);
    expect(reports(await phone.ok("sync"))).toMatchObject([{ received: 1 }]);
    expect(await passwords(phone)).toEqual({ "example.com": "one", "example.org": "two" });
  });

  test("is for a device that may change them", async () => {
    const laptop = await withAccount(filePortal());
    const phone = await connected(laptop);
    await add(laptop, "example.com", "one");
    await laptop.ok("app grant phone --app passwords --read-only");
    await phone.ok("sync");
    const portal = filePortal();
    await laptop.ok("account create alice@example.com --portal", portal);
    await phone.ok("account create alice@example.com --portal", portal);
    const outcome = await phone.run("sync");
    expect([outcome.status, reports(outcome)]).toMatchObject([3, [{ error: { code: "record-not-found" } }]]);
    expect(await passwords(phone)).toEqual({ "example.com": "one" });
    await laptop.ok("sync");
    await phone.ok("sync");
    expect(await passwords(phone)).toEqual({ "example.com": "one" });
  });
});

describe("the portal of 2016", () => {
  test("carries applications, and an overwritten head is made again", async () => {
    const portal = await openReferencePortal();
    const laptop = await withAccount(portal.url);
    const phone = await connected(laptop);
    await add(laptop, "example.com", "one");
    await phone.ok("sync");
    await add(laptop, "laptop.example", "l");
    await add(laptop, "laptop.example.org", "l");
    await add(phone, "phone.example", "p");
    await laptop.ok("sync");
    const all = { "example.com": "one", "laptop.example": "l", "laptop.example.org": "l", "phone.example": "p" };
    for (const device of [laptop, phone]) expect(await passwords(device)).toEqual(all);
    // The phone's head comes in between, as it may where nobody looks.
    const head = [...portal.entries].find(([, entry]) => JSON.stringify(entry).length > 0);
    expect(head).toBeDefined();
    let raced = false;
    portal.intercept = async ({ operation, message, handle }) => {
      const text = operation === "Publish" ? JSON.stringify(message) : "";
      if (raced || text === "") return handle();
      raced = true;
      const reply = handle();
      await set(phone, "phone.example", "q");
      return reply;
    };
    await set(laptop, "example.com", "two");
    await phone.ok("sync");
    await laptop.ok("sync");
    for (const device of [laptop, phone]) {
      expect(await passwords(device)).toEqual({ ...all, "example.com": "two", "phone.example": "q" });
    }
    // An answer that is lost.
    portal.intercept = ({ operation, handle }) => {
      const reply = handle();
      return operation === "Publish" ? DROP : reply;
    };
    expect((await set(laptop, "example.com", "three")).synced).toBe(false);
    portal.intercept = undefined;
    await laptop.ok("sync");
    await phone.ok("sync");
    for (const device of [laptop, phone]) expect(await passwords(device)).toMatchObject({ "example.com": "three" });
    expect(portal.deaths).toEqual([]);
    expect((await laptop.ok("app history passwords")).json).toMatchObject({ versions: [expect.anything()] });
  });
});

test("a sync of nothing is done at once", async () => {
  const laptop = await withAccount(filePortal());
  expect((await laptop.ok("sync")).json).toEqual({ applications: [] });
  expect(await withSession(laptop, (session) => syncApplications(session))).toEqual([]);
});
