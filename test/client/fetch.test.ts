import { describe, expect, it } from "vitest";
import { fetchAccount, fetchHistory, fetchProfile } from "../../src/client/profiles.js";
import { signRecord, type SignedRecord } from "../../src/mesh/jose.js";
import { createRevocation } from "../../src/mesh/profile.js";
import { errorCode } from "../support/deps.js";
import {
  epoch,
  greeting,
  HELLO,
  newDevice,
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
const entry = ({ record }: { record: SignedRecord }) => ({ SignedPersonalProfile: record });
const account = { account: "alice@example.com" };
const identifier = { identifier: alice.first.udf };

const tampered = (record: SignedRecord, member: "payload" | "signature" | "protected"): SignedRecord => {
  const octets = Buffer.from(record.SignedData[member], "base64url");
  octets[octets.length >> 1]! ^= 1;
  return { ...record, SignedData: { ...record.SignedData, [member]: octets.toString("base64url") } };
};

describe("fetchProfile", () => {
  it("gives the verified profile, and what the portal says of the account", async () => {
    const server = await serve(
      greeting(OUR_HELLO, (_, response) =>
        reply(response, { GetResponse: { Status: 201, Entries: [entry(alice.first)], AccountStatus: "Open" } }),
      ),
    );
    const client = await open(server.url);
    const fetched = await fetchProfile(client, account);
    expect(fetched?.profile.hash).toBe(alice.first.hash);
    expect(fetched?.revocation).toBeUndefined();
    expect(fetched?.accountStatus).toBe("Open");
    expect(server.requests[1]?.message).toEqual({ Portal: "127.0.0.1", Account: "alice@example.com" });
  });

  it("knows both ways of saying that there is none", async () => {
    for (const [response, status] of [
      [{ Status: 404 }, 404],
      [{ Status: 201 }, 200],
      [{ Status: 201, Entries: [] }, 200],
      [{ Status: 201, Entries: [{ SignedFooProfile: 1 }, { A: 1, B: 2 }, {}] }, 200],
    ] as const) {
      const server = await serve(greeting(HELLO, (_, to) => reply(to, { GetResponse: response }, status)));
      expect(await fetchProfile(await open(server.url), account)).toBeUndefined();
    }
  });

  it("takes the newest of several", async () => {
    const [first, second] = versions(alice, 2) as [typeof alice.first, typeof alice.first];
    const third = epoch(alice, first);
    const client = await portalWith([entry(first), entry(third), entry(second)]);
    expect((await fetchProfile(client, identifier))?.profile.hash).toBe(third.hash);
  });

  it("refuses two different ones of one age", async () => {
    const client = await portalWith([entry(next(alice, alice.first, 1)), entry(next(alice, alice.first, 2))]);
    expect(await errorCode(() => fetchProfile(client, identifier))).toBe("fork");
  });

  it("refuses another person's profile", async () => {
    const client = await portalWith([entry(mallory.first)]);
    expect(await errorCode(() => fetchProfile(client, identifier))).toBe("fingerprint-mismatch");
    expect(await errorCode(() => fetchProfile(client, { ...account, ...identifier }))).toBe("fingerprint-mismatch");
    expect((await fetchProfile(client, account))?.profile.udf).toBe(mallory.first.udf);
    const mixed = await portalWith([entry(alice.first), entry(mallory.first)]);
    expect(await errorCode(() => fetchProfile(mixed, account))).toBe("fingerprint-mismatch");
  });

  it("refuses a profile in which one bit has changed", async () => {
    for (const member of ["payload", "signature", "protected"] as const) {
      const client = await portalWith([entry({ record: tampered(alice.first.record, member) })]);
      expect(await errorCode(() => fetchProfile(client, identifier))).toMatch(/^(signature|record|json|key)-invalid$/);
    }
  });

  it("refuses a profile that no administrator signed", async () => {
    const { payload, udf } = alice.first;
    const stranger = newDevice();
    const devices = [...payload.Devices, stranger.device.record];
    for (const key of [
      stranger.keys.online,
      stranger.keys.signature,
      alice.admin.keys.signature,
      alice.master.signature,
    ]) {
      const record = signRecord(udf, "PersonalProfile", { ...payload, Devices: devices }, key);
      const client = await portalWith([entry({ record })]);
      expect(await errorCode(() => fetchProfile(client, identifier))).toBe("signature-invalid");
    }
  });

  it("gives the note that ends this very profile, and no other", async () => {
    const note = createRevocation(alice.master.signature, NOW);
    const other = createRevocation(mallory.master.signature, NOW);
    const noteEntry = (record: SignedRecord) => ({ SignedMasterProfile: record });
    const both = await portalWith([noteEntry(other.record), entry(alice.first), noteEntry(note.record)]);
    expect((await fetchProfile(both, account))?.revocation?.hash).toBe(note.hash);
    const foreign = await portalWith([
      entry(alice.first),
      noteEntry(other.record),
      noteEntry(alice.first.master.record),
    ]);
    expect((await fetchProfile(foreign, account))?.revocation).toBeUndefined();
    const alone = await portalWith([noteEntry(note.record)]);
    expect(await errorCode(() => fetchProfile(alone, identifier))).toBe("profile-revoked");
    expect(await fetchProfile(alone, account)).toBeUndefined();
    const broken = await portalWith([entry(alice.first), noteEntry(tampered(note.record, "signature"))]);
    expect(await errorCode(() => fetchProfile(broken, account))).toBe("signature-invalid");
  });
});

describe("fetchAccount", () => {
  it("gives the state of the account beside the profile", async () => {
    for (const [response, status, found] of [
      [{ Status: 201, AccountStatus: "Suspended", Entries: [entry(alice.first)] }, "suspended", true],
      [{ Status: 201, AccountStatus: "Frozen", Entries: [entry(alice.first)] }, undefined, true],
      [{ Status: 201, Entries: [entry(alice.first)] }, undefined, true],
      [{ Status: 404, AccountStatus: "Closed", Entries: [entry(alice.first)] }, "closed", false],
      [{ Status: 404 }, undefined, false],
    ] as const) {
      const server = await serve(greeting(HELLO, (_, to) => reply(to, { GetResponse: response }, response.Status)));
      const account = await fetchAccount(await open(server.url), "alice@example.com");
      expect(account.status).toBe(status);
      expect(account.fetched !== undefined).toBe(found);
    }
  });
});

describe("fetchHistory", () => {
  const all = versions(alice, 5).reverse();

  /** Serves two versions a page. */
  const paged = (served: readonly { record: SignedRecord }[], keyOf = (start: number) => `page ${start}`) =>
    serve(
      greeting(OUR_HELLO, ({ message }, response) => {
        const { PageKey } = (message["SearchConstraints"] ?? {}) as { PageKey?: string };
        const start = PageKey === undefined ? 0 : Number(PageKey.slice(5));
        const more = start + 2 < served.length ? { PageKey: keyOf(start + 2) } : {};
        reply(response, { GetResponse: { Status: 201, Entries: served.slice(start, start + 2).map(entry), ...more } });
      }),
    );

  it("follows the pages", async () => {
    const server = await paged(all);
    const history = await fetchHistory(await open(server.url), alice.first.udf);
    expect(history.map(({ hash }) => hash)).toEqual(all.map(({ hash }) => hash));
    expect(server.requests[1]?.message).toEqual({ Portal: "127.0.0.1", Identifier: alice.first.udf, Multiple: true });
    expect(server.requests[2]?.message["SearchConstraints"]).toEqual({ PageKey: "page 2" });
  });

  it("asks nothing where the portal keeps none", async () => {
    const client = await portalWith([entry(alice.first)]);
    expect(await fetchHistory(client, alice.first.udf)).toEqual([]);
  });

  it("does not go in circles, nor on for ever", async () => {
    const circling = await paged(all, () => "page 0");
    const client = await open(circling.url);
    expect(await errorCode(() => fetchHistory(client, alice.first.udf))).toBe("portal-answer");
    expect(circling.requests.length).toBe(3);
    const endless = await serve(
      greeting(OUR_HELLO, (_, response, index) => {
        const Entries = Array.from({ length: 100 }, () => entry(alice.first));
        reply(response, { GetResponse: { Status: 201, Entries, PageKey: String(index) } });
      }),
    );
    const other = await open(endless.url);
    // A profile may have more versions than anybody wants to see.
    expect(await fetchHistory(other, alice.first.udf)).toHaveLength(1000);
    expect(endless.requests.length).toBeLessThan(15);
  });

  it("refuses versions of another profile, or that are not valid", async () => {
    const foreign = await open((await paged([all[0]!, mallory.first])).url);
    expect(await errorCode(() => fetchHistory(foreign, alice.first.udf))).toBe("fingerprint-mismatch");
    const broken = await open((await paged([{ record: tampered(alice.first.record, "signature") }])).url);
    expect(await errorCode(() => fetchHistory(broken, alice.first.udf))).toBe("signature-invalid");
  });
});
