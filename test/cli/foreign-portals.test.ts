import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import { createConnectionRequest, createConnectionResult } from "../../src/mesh/connection.js";
import type { SignedRecord } from "../../src/mesh/jose.js";
import { accountUdf } from "../../src/mesh/udf.js";
import { connected, machine, udfOf, withAccount, type Machine, type Outcome } from "../support/cli.js";
import { openDraftPortal } from "../support/draft-portal.js";
import { makeDevice, makePerson, personalEntry } from "../support/portal.js";
import { DROP, openReferencePortal, type ReferencePortal } from "../support/reference-portal.js";

const ACCOUNT = "alice@example.com";
const NOW = new Date();

/** The record that the portal serves under an account, as anyone may send it again. */
const servedBy = async (portal: ReferencePortal): Promise<SignedRecord> => {
  const { Entries } = await portal.post("Get", { Account: ACCOUNT });
  return (Entries as { SignedPersonalProfile: SignedRecord }[])[0]!.SignedPersonalProfile;
};

/** The records that are pending, as anyone may read them. */
const pendingAt = async (portal: ReferencePortal): Promise<SignedRecord[]> =>
  ((await portal.post("ConnectPending", { AccountID: ACCOUNT }))["Pending"] ?? []) as SignedRecord[];

const publish = (portal: ReferencePortal, record: object): Promise<unknown> =>
  portal.post("Publish", { Entry: { SignedPersonalProfile: record } });

const countOf = (portal: ReferencePortal, operation: string): number =>
  portal.seen.filter((name) => name === operation).length;

/** Ends the portal as its own process ended when it was asked so. */
const kill = async (portal: ReferencePortal): Promise<void> => {
  await portal.raw("GET /.well-known/mmm/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
};

const namesOf = async (of: Machine): Promise<string[]> =>
  ((await of.ok("device list")).json as { devices: { name: string }[] }).devices.map(({ name }) => name).sort();

const codesOf = async (of: Machine): Promise<string[]> =>
  ((await of.ok("device pending")).json as { pending: { code: string }[] }).pending.map(({ code }) => code);

const connectLine = (portal: { readonly url: string }, name: string): string =>
  `device connect ${ACCOUNT} --trust-on-first-use --no-passphrase --portal ${portal.url} --device-name ${name}`;

/** A machine that asks to be connected, with its code. */
const asking = async (
  portal: { readonly url: string },
  name: string,
  device = machine(),
): Promise<{ readonly device: Machine; readonly code: string }> => ({
  device,
  code: (await device.ok(connectLine(portal, name))).at("code"),
});

/** Something that one waits for and another gives. */
const signal = (): { readonly given: Promise<void>; readonly give: () => void } => {
  let give = (): void => undefined;
  const given = new Promise<void>((resolve) => (give = resolve));
  return { given, give: () => give() };
};

/** Makes shares in a machine's folder, and gives the options that name them. */
const split = async (of: Machine): Promise<string> => {
  await of.ok("escrow split --shares 2 --threshold 2 --out recovery");
  return [1, 2].map((index) => `--share-file ${path.join(of.folder, `recovery/share-${index}-of-2.txt`)}`).join(" ");
};

describe("a connection that ends without an answer", () => {
  /** Runs a command of which one request is lost: it must end there, without another word to the portal. */
  const loses = async (
    portal: ReferencePortal,
    operation: string,
    when: "before" | "after",
    command: () => Promise<Outcome>,
  ): Promise<void> => {
    portal.intercept = (call) => {
      if (call.operation !== operation) return call.handle();
      portal.intercept = undefined;
      if (when === "after") call.handle();
      return DROP;
    };
    const start = portal.seen.length;
    expect(await command()).toMatchObject({ status: 6, code: "portal-unreachable" });
    expect(portal.seen.slice(start).indexOf(operation)).toBe(portal.seen.length - start - 1);
  };

  test.each(["before", "after"] as const)(
    "is not tried again by itself, and the next run does nothing twice (lost %s it was done)",
    async (when) => {
      const portal = await openReferencePortal();
      const done = when === "after" ? 1 : 2;
      const laptop = machine();
      await laptop.ok("profile create --device-name laptop --no-passphrase");
      const create = () => laptop.run(`account create ${ACCOUNT} --portal ${portal.url}`);
      for (const operation of ["Hello", "Get", "CreateAccount"]) await loses(portal, operation, when, create);
      expect(await create()).toMatchObject({ status: 0 });
      expect(countOf(portal, "CreateAccount")).toBe(done);

      const phone = machine();
      const connect = () => phone.run(connectLine(portal, "phone"));
      for (const operation of ["Get", "ConnectPending", "ConnectStart"]) await loses(portal, operation, when, connect);
      const code = (await connect()).at("code");
      expect(portal.pending.get(ACCOUNT)?.length).toBe(1);
      await loses(portal, "ConnectStatus", when, () => phone.run("device status"));

      const complete = () => laptop.run("device complete", code);
      for (const operation of ["Publish", "ConnectComplete"]) await loses(portal, operation, when, complete);
      expect(await complete()).toMatchObject({ status: 0 });
      expect(countOf(portal, "Publish")).toBe(done);
      expect(countOf(portal, "ConnectComplete")).toBe(done);
      await phone.ok("device status");

      await loses(portal, "Publish", when, () => laptop.run("escrow split --shares 2 --threshold 2 --out lost"));
      const shares = await split(laptop);
      await loses(portal, "Publish", when, () => laptop.run("device remove phone"));
      await laptop.run("device remove phone");
      expect(await namesOf(laptop)).toEqual(["laptop"]);

      const desktop = machine();
      const recover = () =>
        desktop.run(`escrow recover --no-passphrase --device-name desktop --portal ${portal.url} ${shares}`);
      await loses(portal, "Publish", when, recover);
      expect(await recover()).toMatchObject({ status: 0, json: { masterSequence: 2, published: true } });
      expect(await namesOf(desktop)).toEqual(["desktop", "laptop"]);
      expect(portal.deaths).toEqual([]);
    },
  );

  test("a portal that has died is unreachable until it is back", async () => {
    const portal = await openReferencePortal();
    const laptop = await withAccount(portal.url);
    await kill(portal);
    expect(portal.deaths.length).toBe(1);
    expect(await laptop.run("device pending")).toMatchObject({ status: 6, code: "portal-unreachable" });
    expect(await namesOf(laptop)).toEqual(["laptop"]);
    await portal.restart();
    await laptop.ok("device pending");
    expect(portal.deaths.length).toBe(1);
  });
});

describe("what is not Alice's", () => {
  test("an account of another person is noticed, whatever stands under it", async () => {
    const portal = await openReferencePortal();
    const bob = makePerson("tower", NOW, [accountUdf("bob@example.com")]);
    await portal.post("CreateAccount", { Account: "bob@example.com", Profile: personalEntry(bob.profile) });
    const { Identifier } = bob.profile.record;
    const old = { Identifier, SignedData: { header: "AAAA", payload: "AAAA", signature: "AAAA" } };
    await portal.post("CreateAccount", { Account: "carol@example.com", Profile: { SignedPersonalProfile: old } });
    const alice = machine();
    await alice.ok("profile create --no-passphrase");
    for (const account of ["bob@example.com", "carol@example.com"]) {
      const outcome = await alice.run(`account create ${account} --portal ${portal.url}`);
      expect(outcome).toMatchObject({ status: 5, code: "account-taken" });
    }
    expect(countOf(portal, "CreateAccount")).toBe(2);
  });

  test("two people who make one account at once do not both have it", async () => {
    const portal = await openReferencePortal();
    const [alice, bob] = [machine(), machine()];
    for (const of of [alice, bob]) await of.ok("profile create --no-passphrase");
    const create = `account create ${ACCOUNT} --portal ${portal.url}`;
    portal.intercept = async (call) => {
      if (call.operation !== "CreateAccount") return call.handle();
      // Bob looked when there was nothing yet, and Alice is done before his request arrives.
      portal.intercept = undefined;
      await alice.ok(create);
      return call.handle();
    };
    await bob.ok(create);
    expect(await alice.run("device pending")).toMatchObject({ status: 7, code: "fingerprint-mismatch" });

    const [carol, dave] = [machine(), machine()];
    for (const of of [carol, dave]) await of.ok("profile create --no-passphrase");
    const other = `account create carol@example.com --portal ${portal.url}`;
    portal.intercept = async (call) => {
      if (call.operation !== "CreateAccount") return call.handle();
      portal.intercept = undefined;
      const profile = personalEntry(makePerson("tower", NOW).profile);
      const answer = call.handle();
      await portal.post("CreateAccount", { Account: "carol@example.com", Profile: profile });
      return answer;
    };
    expect(await carol.run(other)).toMatchObject({ status: 5, code: "account-taken" });
    expect(await dave.run(other)).toMatchObject({ status: 5, code: "account-taken" });
    expect(portal.deaths).toEqual([]);
  });

  test("a profile that a stranger wrote over hers", async () => {
    const portal = await openReferencePortal();
    const laptop = await withAccount(portal.url);
    const first = await servedBy(portal);
    const phone = await connected(laptop);
    const current = await servedBy(portal);
    const stranger = makePerson("laptop", NOW, [accountUdf(ACCOUNT)]);
    const { Identifier, SignedData } = current;
    const forgeries: Readonly<Record<string, object>> = {
      rollback: first,
      "signature-invalid": { Identifier, SignedData: { ...SignedData, signature: first.SignedData.signature } },
      "record-invalid": { Identifier, SignedData: stranger.profile.record.SignedData },
      "json-invalid": { Identifier, SignedData: { ...SignedData, payload: "AAAA" } },
    };
    const noticed = async (code: string): Promise<void> => {
      const writes = countOf(portal, "Publish");
      const commands = ["device list", "device pending", "device remove phone", "profile verify", "account status"];
      for (const command of commands) {
        // These look at no pin.
        if (code === "rollback" && command === "account status") continue;
        if (code === "fingerprint-mismatch" && command === "account status") continue;
        expect(await laptop.run(command), `${code}: ${command}`).toMatchObject({ status: 7, code });
      }
      expect(await phone.run("device status")).toMatchObject({ status: 7, code });
      expect(countOf(portal, "Publish")).toBe(writes);
    };
    for (const [code, forged] of Object.entries(forgeries)) {
      await publish(portal, forged);
      await noticed(code);
    }
    await publish(portal, current);
    await portal.post("CreateAccount", { Account: ACCOUNT, Profile: personalEntry(stranger.profile) });
    await noticed("fingerprint-mismatch");
    const udf = await udfOf(laptop);
    const newcomer = await machine().run(
      `device connect ${ACCOUNT} --no-passphrase --portal ${portal.url} --expect-fingerprint ${udf}`,
    );
    expect(newcomer).toMatchObject({ status: 7, code: "fingerprint-mismatch" });
    await portal.post("CreateAccount", { Account: ACCOUNT, Profile: { SignedPersonalProfile: current } });
    expect(await namesOf(laptop)).toEqual(["laptop", "phone"]);
    expect(portal.deaths).toEqual([]);
  });

  test("requests that a stranger posts are another device's, or nobody's", async () => {
    const portal = await openReferencePortal();
    const laptop = await withAccount(portal.url);
    const udf = await udfOf(laptop);
    const { device: phone, code } = await asking(portal, "phone");
    const [request] = await pendingAt(portal);
    const stranger = makePerson("laptop", NOW);
    const post = (record: object): Promise<unknown> =>
      portal.post("ConnectStart", { SignedRequest: record, AccountID: ACCOUNT });
    const { Identifier, SignedData } = request!;
    const own = createConnectionRequest(stranger.admin.device, udf, stranger.admin.keys.signature);
    await post({ Identifier, SignedData: own.record.SignedData });
    await post({ Identifier, SignedData: { ...SignedData, signature: own.record.SignedData.signature } });
    await post({ Identifier: stranger.profile.udf, SignedData });
    await post(
      createConnectionRequest(stranger.admin.device, stranger.profile.udf, stranger.admin.keys.signature).record,
    );
    expect(await codesOf(laptop)).toEqual([code]);
    // A request of a device of the stranger's own is one, under a code that no device of Alice's shows.
    await post(own.record);
    expect((await codesOf(laptop)).sort()).toEqual([code, own.code].sort());
    await laptop.ok("device complete", code);
    await phone.ok("device status");
    expect(await namesOf(laptop)).toEqual(["laptop", "phone"]);
    expect(portal.deaths).toEqual([]);
  });

  test("more copies of a request than are answered at once", async () => {
    const portal = await openReferencePortal();
    const laptop = await withAccount(portal.url);
    const { device: phone, code } = await asking(portal, "phone");
    const [request] = await pendingAt(portal);
    for (let copy = 0; copy < 6; copy++) {
      await portal.post("ConnectStart", { SignedRequest: request!, AccountID: ACCOUNT });
    }
    await laptop.ok("device complete", code);
    await phone.ok("device status");
    // The device is connected: what is left of its request cannot be refused any more, only answered as before.
    expect(await codesOf(laptop)).toEqual([code]);
    expect(await laptop.run("device complete --refuse", code)).toMatchObject({ status: 5, code: "conflict" });
    await laptop.ok("device complete", code);
    expect(await codesOf(laptop)).toEqual([]);
    expect(await namesOf(laptop)).toEqual(["laptop", "phone"]);
    expect(portal.deaths).toEqual([]);
  });

  test("results that a stranger posts change nothing", async () => {
    const portal = await openReferencePortal();
    const laptop = await withAccount(portal.url);
    const udf = await udfOf(laptop);
    const { device: phone, code } = await asking(portal, "phone");
    const [request] = await pendingAt(portal);
    const payload = Buffer.from(request!.SignedData.payload, "base64url").toString("utf8");
    const { Device } = (JSON.parse(payload) as { ConnectionRequest: { Device: SignedRecord } }).ConnectionRequest;
    const stranger = makePerson("laptop", NOW);
    for (const [parent, outcome] of [
      [udf, "Accepted"],
      [udf, "Refused"],
      [stranger.profile.udf, "Refused"],
    ] as const) {
      const forged = createConnectionResult(Device, parent, outcome, stranger.admin.keys.online);
      await portal.post("ConnectComplete", { Result: forged, AccountID: ACCOUNT });
      expect(portal.results.size).toBe(1);
      expect(await phone.run("device status")).toMatchObject({ status: 8, json: { status: "pending" } });
      expect(await namesOf(laptop)).toEqual(["laptop"]);
      // The portal took the request off its list for the forger; asking again puts it back, under the same code.
      expect(await laptop.run("device complete", code)).toMatchObject({ status: 3, code: "request-not-found" });
      expect((await asking(portal, "phone", phone)).code).toBe(code);
    }
    await laptop.ok("device complete", code);
    await phone.ok("device status");

    // Nor does an honest result for another device: its octets are not those that this one sent.
    const other = makeDevice("phone", NOW);
    await portal.post("ConnectStart", {
      SignedRequest: createConnectionRequest(other.device, udf, other.keys.signature).record,
      AccountID: ACCOUNT,
    });
    expect(await namesOf(laptop)).toEqual(["laptop", "phone"]);
    expect(portal.deaths).toEqual([]);
  });

  test("an escrow entry that a stranger wrote over hers does not open, and the file beside the shares does", async () => {
    const portal = await openReferencePortal();
    const laptop = await withAccount(portal.url);
    const shares = await split(laptop);
    const file = path.join(laptop.folder, "recovery/entry.json");
    const { OfflineEscrowEntry: entry } = JSON.parse(fs.readFileSync(file, "utf8")) as {
      OfflineEscrowEntry: { Identifier: string; EncryptedData: Record<string, string> };
    };
    const forged = { ...entry, EncryptedData: { ...entry.EncryptedData, tag: "A".repeat(22) } };
    await portal.post("Publish", { Entry: { OfflineEscrowEntry: forged } });
    const verify = `escrow verify --portal ${portal.url} ${shares}`;
    expect(await machine().run(verify)).toMatchObject({ status: 7, code: "decryption-failed" });
    await machine().ok(`${verify} --entry-file ${file}`);
    expect(portal.deaths).toEqual([]);
  });
});

describe("a device that is accepted while it looks", () => {
  /** Has the laptop accept the phone between the phone's look at the profile and its look at the result. */
  const open = async (): Promise<{ readonly portal: ReferencePortal; readonly phone: Machine }> => {
    const portal = await openReferencePortal();
    const laptop = await withAccount(portal.url);
    const { device: phone, code } = await asking(portal, "phone");
    portal.intercept = async (call) => {
      if (call.operation !== "ConnectStatus") return call.handle();
      portal.intercept = undefined;
      await laptop.ok("device complete", code);
      return call.handle();
    };
    return { portal, phone };
  };

  test.each(["device status", "device connect --wait 20"])("is accepted, and not removed: %s", async (command) => {
    const { portal, phone } = await open();
    const line = command === "device status" ? command : `${connectLine(portal, "phone")} --wait 20`;
    expect(await phone.run(line)).toMatchObject({ status: 0, json: { status: "accepted" } });
    expect(await namesOf(phone)).toEqual(["laptop", "phone"]);
    expect(portal.pending.get(ACCOUNT)).toEqual([]);
    expect(countOf(portal, "ConnectStart")).toBe(1);
    expect(portal.deaths).toEqual([]);
  });

  test("while it waits", async () => {
    const portal = await openReferencePortal();
    const laptop = await withAccount(portal.url);
    const phone = machine();
    let looks = 0;
    portal.intercept = async (call) => {
      if (call.operation !== "ConnectStatus" || ++looks > 1) return call.handle();
      const [code] = await codesOf(laptop);
      await laptop.ok("device complete", code ?? "");
      return call.handle();
    };
    const outcome = await phone.run(`${connectLine(portal, "phone")} --wait 20`);
    expect(outcome).toMatchObject({ status: 0, json: { status: "accepted" } });
    expect(looks).toBe(1);
    expect(portal.deaths).toEqual([]);
  });
});

describe("two administrators at once", () => {
  interface Scene {
    readonly portal: ReferencePortal;
    readonly laptop: Machine;
    readonly tablet: Machine;
    /** Has the laptop accept the phone, and the tablet the watch. */
    readonly acceptPhone: () => Promise<Outcome>;
    readonly acceptWatch: () => Promise<Outcome>;
    readonly phone: Machine;
    readonly shares: string;
  }

  const open = async (): Promise<Scene> => {
    const portal = await openReferencePortal();
    const laptop = await withAccount(portal.url);
    const shares = await split(laptop);
    const tablet = await connected(laptop, "tablet", ["--admin"]);
    const phone = await asking(portal, "phone");
    const watch = await asking(portal, "watch");
    return {
      portal,
      laptop,
      tablet,
      acceptPhone: () => laptop.run("device complete", phone.code),
      acceptWatch: () => tablet.run("device complete", watch.code),
      phone: phone.device,
      shares,
    };
  };

  const all = ["laptop", "phone", "tablet", "watch"];

  test("a change on top of ours, before we have read ours back, is no conflict", async () => {
    const { portal, laptop, acceptPhone, acceptWatch } = await open();
    portal.intercept = async (call) => {
      if (call.operation !== "Publish") return call.handle();
      portal.intercept = undefined;
      const answer = call.handle();
      expect(await acceptWatch()).toMatchObject({ status: 0 });
      return answer;
    };
    expect(await acceptPhone()).toMatchObject({ status: 0 });
    expect(await namesOf(laptop)).toEqual(all);
    expect(countOf(portal, "Publish")).toBe(4);
    expect(portal.deaths).toEqual([]);
  });

  test("a change that another one overwrote at once is made again on top of it", async () => {
    const { portal, laptop, tablet, acceptPhone, acceptWatch } = await open();
    const tabletWrote = signal();
    const laptopWrote = signal();
    let writes = 0;
    // Both saw the same version. The laptop writes first, and reads back what the tablet has put in its place.
    portal.intercept = async (call) => {
      if (call.operation !== "Publish" || ++writes > 2) return call.handle();
      if (writes === 2) {
        const answer = call.handle();
        laptopWrote.give();
        await tabletWrote.given;
        return answer;
      }
      accepted = acceptPhone();
      await laptopWrote.given;
      const answer = call.handle();
      tabletWrote.give();
      return answer;
    };
    let accepted: Promise<Outcome> | undefined;
    expect(await acceptWatch()).toMatchObject({ status: 0 });
    expect(await accepted).toMatchObject({ status: 0 });
    expect(writes).toBe(3);
    expect(await namesOf(laptop)).toEqual(all);
    expect(await namesOf(tablet)).toEqual(all);
    expect(portal.deaths).toEqual([]);
  });

  test("a change that was overwritten after it had been read back is noticed, and a new epoch heals it", async () => {
    const { portal, laptop, tablet, acceptPhone, acceptWatch, phone, shares } = await open();
    portal.intercept = async (call) => {
      if (call.operation !== "Publish") return call.handle();
      portal.intercept = undefined;
      expect(await acceptPhone()).toMatchObject({ status: 0 });
      return call.handle();
    };
    expect(await acceptWatch()).toMatchObject({ status: 0 });
    for (const command of ["device list", "device pending", "device remove tablet"]) {
      expect(await laptop.run(command)).toMatchObject({ status: 7, code: "fork" });
    }
    expect(await phone.run("device status")).toMatchObject({ status: 5, json: { status: "removed" } });
    expect(await namesOf(tablet)).toEqual(["laptop", "tablet", "watch"]);

    const desk = await asking(portal, "desk");
    await tablet.ok(`device complete ${desk.code} --admin ${shares}`);
    expect(await namesOf(laptop)).toEqual(["desk", "laptop", "tablet", "watch"]);
    const again = await asking(portal, "phone", phone);
    await laptop.ok("device complete", again.code);
    await phone.ok("device status");
    expect(portal.deaths).toEqual([]);
  });

  test("many changes at the same time, none held back: every one is there, or its command has failed", async () => {
    const { portal, laptop, tablet, acceptPhone, acceptWatch } = await open();
    const [one, two] = await Promise.all([acceptPhone(), acceptWatch()]);
    const shown = await Promise.all([laptop.run("device list"), tablet.run("device list")]);
    const failed = [one, two, ...shown].filter(({ status }) => status !== 0);
    if (failed.length === 0) expect(await namesOf(laptop)).toEqual(all);
    for (const { code } of failed) expect(["conflict", "fork", "gap", "rollback"]).toContain(code);
    expect(portal.deaths).toEqual([]);
  });
});

describe("what would end the portal", () => {
  test("is never sent", async () => {
    const portal = await openReferencePortal();
    const laptop = await withAccount(portal.url);
    const { device: phone, code } = await asking(portal, "phone");
    await laptop.ok("profile revocation --out note.json");
    for (const user of [
      "zo\u00eb",
      "a\tb",
      'q"b\\c',
      "a\u0001b",
      "\u007f",
      "a\b\f\nb",
      "x{y}",
      "\u{1f600}",
      "<a>",
      "",
    ]) {
      const outcome = await machine().run("account validate", `${user}@example.com`, "--portal", portal.url);
      expect([0, 2, 5], user).toContain(outcome.status);
      expect(portal.deaths, JSON.stringify(user)).toEqual([]);
    }
    await machine().run("account status nobody@example.com --portal", portal.url);
    await machine().run("device connect nobody@example.com --trust-on-first-use --portal", portal.url);
    await machine().run("portal hello", portal.url);
    expect(await laptop.run("profile revoke note.json --yes")).toMatchObject({ status: 5, code: "not-supported" });
    expect(await laptop.run(`account delete ${ACCOUNT} --confirm ${ACCOUNT}`)).toMatchObject({
      status: 5,
      code: "not-supported",
    });
    expect((await laptop.ok("account list")).json).toMatchObject({ accounts: [{ account: ACCOUNT }] });

    // The account goes, as from a disk that was lost.
    portal.accounts.clear();
    for (const command of ["device pending", `device complete ${code}`, "device list", "device remove phone"]) {
      expect(await laptop.run(command)).toMatchObject({ status: 3, code: "account-not-found" });
    }
    expect(await phone.run("device status")).toMatchObject({ status: 3, code: "account-not-found" });
    expect(await phone.run(connectLine(portal, "phone"))).toMatchObject({ status: 3, code: "account-not-found" });
    await laptop.ok(`account create ${ACCOUNT} --portal ${portal.url}`);
    await laptop.ok("device complete", code);
    expect(portal.deaths).toEqual([]);
  });
});

describe("one profile at two portals", () => {
  test("is brought up at one that took its account, but whose answer was lost before the profile went on elsewhere", async () => {
    const [first, second] = [await openReferencePortal(), await openReferencePortal()];
    const laptop = machine();
    await laptop.ok("profile create --device-name laptop --no-passphrase");
    const create = `account create ${ACCOUNT} --portal ${first.url}`;
    first.intercept = (call) => {
      const answer = call.handle();
      return call.operation === "CreateAccount" ? DROP : answer;
    };
    expect(await laptop.run(create)).toMatchObject({ status: 6 });
    first.intercept = undefined;
    await laptop.ok(`account create alice@example.org --portal ${second.url}`);
    await laptop.ok(create);
    const phone = await connected(laptop);
    expect(await namesOf(phone)).toEqual(["laptop", "phone"]);
    const { accounts } = (await laptop.ok("profile verify")).json as { accounts: { sequence: number }[] };
    expect(accounts.map(({ sequence }) => sequence)).toEqual([4, 4]);
  });

  test("moves to another one and back again, to a version that the first has long missed", async () => {
    const [first, second] = [await openReferencePortal(), await openReferencePortal()];
    const laptop = await withAccount(first.url);
    await kill(first);
    await laptop.ok(`account create ${ACCOUNT} --portal ${second.url}`);
    await connected(laptop, "phone");
    await connected(laptop, "watch");
    await first.restart();
    await laptop.ok(`account create ${ACCOUNT} --portal ${first.url}`);
    expect(await namesOf(laptop)).toEqual(["laptop", "phone", "watch"]);
    expect(countOf(first, "CreateAccount")).toBe(1);
    expect([...first.deaths.slice(1), ...second.deaths]).toEqual([]);
  });

  test("is recovered where a portal has lost its accounts, or everything", async () => {
    const portal = await openReferencePortal();
    const laptop = await withAccount(portal.url);
    const shares = await split(laptop);
    const recover = `escrow recover --no-passphrase --portal ${portal.url} ${shares} --device-name`;
    portal.accounts.clear();
    const desktop = machine();
    expect((await desktop.ok(`${recover} desktop`)).json).toMatchObject({ masterSequence: 2, published: true });
    await desktop.ok("device pending");
    portal.accounts.clear();
    portal.entries.clear();
    const entry = `--entry-file ${path.join(laptop.folder, "recovery/entry.json")}`;
    const tower = machine();
    expect((await tower.ok(`${recover} tower ${entry}`)).json).toMatchObject({ masterSequence: 2, published: true });
    expect(await namesOf(tower)).toEqual(["tower"]);
    expect(portal.deaths).toEqual([]);
  });

  test("is kept at both, and brought up where one was away", async () => {
    const [first, second] = [await openReferencePortal(), await openDraftPortal()];
    const third = await openReferencePortal();
    const laptop = await withAccount(first.url);
    await laptop.ok(`account create alice@example.org --portal ${second.url}`);
    await laptop.ok(`account create alice@example.net --portal ${third.url}`);
    await connected(laptop);
    await kill(third);
    const { device: watch, code } = await asking(first, "watch");
    await laptop.ok("device complete", code);
    expect((await laptop.ok("status")).json).toMatchObject({ pendingWork: [{ kind: "publish" }] });
    await third.restart();
    await watch.ok("device status");
    await laptop.ok("device remove watch");
    expect((await laptop.ok("status")).json).toMatchObject({ pendingWork: [] });
    const places = [
      ["example.com", first],
      ["example.org", second],
      ["example.net", third],
    ] as const;
    const versions = await Promise.all(
      places.map(async ([domain, portal]) => {
        const status = await laptop.ok(`account status alice@${domain} --portal ${portal.url}`);
        return (status.json as { sequence: number }).sequence;
      }),
    );
    expect(new Set(versions).size).toBe(1);
    expect(first.deaths).toEqual([]);
    expect(third.deaths.length).toBe(1);
  });
});
