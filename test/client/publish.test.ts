import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  bringUp,
  createAccount,
  fetchEscrowEntry,
  publishEntry,
  publishEscrowEntry,
  publishProfile,
} from "../../src/client/profiles.js";
import { encryptDirect, type SignedRecord } from "../../src/mesh/jose.js";
import { createRevocation } from "../../src/mesh/profile.js";
import type { OfflineEscrowEntry } from "../../src/mesh/protocol.js";
import type { PersonalProfile } from "../../src/mesh/records/personal.js";
import { errorCode } from "../support/deps.js";
import { plainPortal } from "./plain-portal.js";
import {
  epoch,
  greeting,
  newPerson,
  next,
  NOW,
  open,
  OUR_HELLO,
  portalWith,
  reply,
  serve,
  versions,
} from "./support.js";

const alice = newPerson();
const mallory = newPerson();
const ACCOUNT = "alice@example.com";
const entry = ({ record }: { record: SignedRecord }) => ({ SignedPersonalProfile: record });
const [v1, v2, v3, v4] = versions(alice, 4) as [PersonalProfile, PersonalProfile, PersonalProfile, PersonalProfile];

/** A portal of ours that serves one profile and takes, or refuses, whatever is published. */
const ours = async (stored: PersonalProfile | undefined, status = 201) => {
  const published: string[] = [];
  let current = stored;
  const server = await serve(
    greeting(OUR_HELLO, ({ outer, message }, response) => {
      if (outer === "Get") {
        reply(response, { GetResponse: { Status: 201, ...(current && { Entries: [entry(current)] }) } });
        return;
      }
      const { SignedPersonalProfile: record } = (message["Entry"] ?? message["Profile"]) as {
        SignedPersonalProfile: SignedRecord;
      };
      published.push(record.SignedData.signature);
      if (status === 201) current = { ...v1, record };
      reply(response, { [`${outer.replace("Account", "")}Response`]: { Status: status } });
    }),
  );
  return { client: await open(server.url), published, server };
};
const signatures = (profiles: readonly PersonalProfile[]) => profiles.map(({ record }) => record.SignedData.signature);

describe("publishProfile", () => {
  it("leaves the decision to a portal that keeps succession", async () => {
    const { client, server } = await ours(v1);
    await publishProfile(client, v2, alice.signer);
    expect(server.names()).toEqual(["Hello", "Publish"]);
    expect(server.requests[1]?.headers["signature"]).toBeDefined();
    const lost = await ours(v1, 409);
    expect(await errorCode(() => publishProfile(lost.client, v2, alice.signer))).toBe("conflict");
  });

  it("looks before and after elsewhere", async () => {
    const portal = await plainPortal();
    const client = await open(portal.url);
    await publishProfile(client, v1, alice.signer);
    await publishProfile(client, v2, alice.signer);
    expect(portal.names()).toEqual(["Hello", "Get", "Publish", "Get", "Get", "Publish", "Get"]);
    await publishProfile(client, v2, alice.signer);
    expect(portal.names().length).toBe(8);
    for (const profile of [v1, v4, next(alice, v1, 5)]) {
      expect(await errorCode(() => publishProfile(client, profile, alice.signer))).toBe("conflict");
    }
    expect(portal.names().filter((name) => name === "Publish").length).toBe(2);
  });

  it("notices that another change won elsewhere", async () => {
    const portal = await plainPortal();
    const client = await open(portal.url);
    await publishProfile(client, v1, alice.signer);
    portal.afterWrite = () => void portal.records.set(alice.first.udf, entry(next(alice, v1, 5)));
    expect(await errorCode(() => publishProfile(client, v2, alice.signer))).toBe("conflict");
  });

  it("does not publish a revocation note where it is not known", async () => {
    const note = { SignedMasterProfile: createRevocation(alice.master.signature, NOW).record };
    const portal = await plainPortal();
    const client = await open(portal.url);
    expect(await errorCode(() => publishEntry(client, note, alice.signer))).toBe("not-supported");
    expect(portal.isDead()).toBe(false);
  });
});

describe("bringUp", () => {
  it("publishes what is missing in order", async () => {
    const { client, published } = await ours(v1);
    await bringUp(client, v4, [v3, v1, mallory.first, next(alice, v1, 7), v2], alice.signer);
    expect(published).toEqual(signatures([v2, v3, v4]));
    await bringUp(client, v4, [], alice.signer);
    expect(published.length).toBe(3);
  });

  it("goes over an epoch by the shortest way", async () => {
    const e1 = epoch(alice, v3);
    const e2 = next(alice, e1);
    const { client, published } = await ours(v1);
    await bringUp(client, e2, [e1, v3, v2], alice.signer);
    expect(published).toEqual(signatures([e1, e2]));
    const branched = await ours(next(alice, v1, 8));
    await bringUp(branched.client, e2, [e1, v3, v2], alice.signer);
    expect(branched.published).toEqual(signatures([e1, e2]));
    const twice = epoch(alice, e2);
    const late = await ours(v2);
    await bringUp(late.client, twice, [e2, e1, v3], alice.signer);
    expect(late.published).toEqual(signatures([e1, twice]));
  });

  it("refuses where the portal is ahead, on another branch, or the way is unknown", async () => {
    for (const [stored, history] of [
      [v4, [v1, v2]],
      [next(alice, v1, 8), [v2]],
      [v1, []],
    ] as const) {
      const { client, published } = await ours(stored);
      expect(await errorCode(() => bringUp(client, v3, history, alice.signer))).toBe("conflict");
      expect(published).toEqual([]);
    }
  });

  it("gives a portal without succession the newest, but nothing older than it has", async () => {
    const portal = await plainPortal();
    const client = await open(portal.url);
    await bringUp(client, v1, [], alice.signer);
    await bringUp(client, v4, [], alice.signer);
    expect(portal.records.get(alice.first.udf)).toEqual(entry(v4));
    expect(await errorCode(() => bringUp(client, v3, [v2], alice.signer))).toBe("conflict");
  });
});

describe("createAccount", () => {
  it("is one request where the portal keeps succession", async () => {
    const { client, server } = await ours(undefined);
    await createAccount(client, ACCOUNT, v1, alice.signer);
    expect(server.names()).toEqual(["Hello", "CreateAccount"]);
    expect(server.requests[1]?.message).toMatchObject({ Account: ACCOUNT, Profile: entry(v1) });
  });

  it("tells an account of ours from one that is taken", async () => {
    const taken = await ours(mallory.first, 409);
    expect(await errorCode(() => createAccount(taken.client, ACCOUNT, v1, alice.signer))).toBe("account-taken");
    const own = await ours(v1, 409);
    await createAccount(own.client, ACCOUNT, v1, alice.signer);
    expect(own.published.length).toBe(1);
    const stale = await serve(
      greeting(OUR_HELLO, ({ outer, message }, response) => {
        if (outer === "CreateAccount") reply(response, { CreateResponse: { Status: 409 } }, 409);
        else if ("Account" in message) reply(response, { GetResponse: { Status: 404 } }, 404);
        else reply(response, { GetResponse: { Status: 201, Entries: [entry(v3)] } });
      }),
    );
    const client = await open(stale.url);
    expect(await errorCode(() => createAccount(client, ACCOUNT, v2, alice.signer))).toBe("conflict");
    expect(await errorCode(() => createAccount(client, ACCOUNT, v4, alice.signer))).toBe("account-taken");
    const reserved = await ours(undefined, 409);
    expect(await errorCode(() => createAccount(reserved.client, ACCOUNT, v1, alice.signer))).toBe("account-taken");
  });

  it("looks before and after elsewhere", async () => {
    const portal = await plainPortal();
    const client = await open(portal.url);
    await createAccount(client, ACCOUNT, v1, alice.signer);
    expect(portal.names()).toEqual(["Hello", "Get", "CreateAccount", "Get"]);
    await createAccount(client, ACCOUNT, v1, alice.signer);
    expect(portal.names().length).toBe(5);
    await createAccount(client, ACCOUNT, v2, alice.signer);
    expect(portal.records.get(v1.udf)).toEqual(entry(v2));
    expect(await errorCode(() => createAccount(client, ACCOUNT, mallory.first, mallory.signer))).toBe("account-taken");
    portal.records.set(v1.udf, { SignedPersonalProfile: { Identifier: v1.udf } });
    expect(await errorCode(() => createAccount(client, ACCOUNT, mallory.first, mallory.signer))).toBe("account-taken");
  });

  it("notices that someone else was faster elsewhere", async () => {
    const portal = await plainPortal();
    const client = await open(portal.url);
    portal.afterWrite = () => {
      portal.accounts.set(ACCOUNT, mallory.first.udf);
      portal.records.set(mallory.first.udf, entry(mallory.first));
    };
    expect(await errorCode(() => createAccount(client, ACCOUNT, v1, alice.signer))).toBe("account-taken");
    portal.accounts.clear();
    portal.afterWrite = () => portal.accounts.clear();
    expect(await errorCode(() => createAccount(client, ACCOUNT, v1, alice.signer))).toBe("conflict");
  });
});

describe("escrow entries", () => {
  const make = async (Identifier = v1.udf): Promise<OfflineEscrowEntry> => ({
    Identifier,
    EncryptedData: await encryptDirect(Buffer.from("secret"), randomBytes(32)),
  });

  it("are published, read back and found again", async () => {
    const portal = await plainPortal();
    const client = await open(portal.url);
    const made = await make();
    expect(await fetchEscrowEntry(client, made.Identifier)).toEqual([]);
    await publishEscrowEntry(client, made, alice.signer);
    expect(await fetchEscrowEntry(client, made.Identifier)).toEqual([made]);
    await publishEscrowEntry(client, made, alice.signer);
    expect(portal.names().filter((name) => name === "Publish").length).toBe(1);
    const other = await make();
    portal.afterWrite = () => void portal.records.set(made.Identifier, { OfflineEscrowEntry: made });
    expect(await errorCode(() => publishEscrowEntry(client, other, alice.signer))).toBe("conflict");
  });

  it("of another form or name are passed over", async () => {
    const [made, elsewhere] = [await make(), await make(mallory.first.udf)];
    const client = await portalWith(
      [
        { OfflineEscrowEntry: { ...made, Extra: 1 } },
        { OfflineEscrowEntry: elsewhere },
        entry(v1),
        { OfflineEscrowEntry: null },
        { OfflineEscrowEntry: made },
      ],
      OUR_HELLO,
    );
    expect(await fetchEscrowEntry(client, made.Identifier)).toEqual([made]);
  });
});
