import { describe, expect, it } from "vitest";
import {
  completeConnection,
  connectionResult,
  createAccount,
  fetchProfile,
  followProfile,
  listPending,
  publishProfile,
  startConnection,
} from "../../src/client/profiles.js";
import { createConnectionRequest, createConnectionResult, readConnectionResult } from "../../src/mesh/connection.js";
import { nextPersonal } from "../../src/mesh/profile.js";
import { findDevice } from "../../src/mesh/records/personal.js";
import { pinOf } from "../../src/mesh/succession.js";
import { errorCode } from "../support/deps.js";
import { pendingHashes, plainPortal } from "./plain-portal.js";
import { greeting, newDevice, newPerson, NOW, open, OUR_HELLO, reply, serve } from "./support.js";

const ACCOUNT = "alice@example.com";
const alice = newPerson();
const { udf } = alice.first;
const phone = newDevice("phone");
const request = createConnectionRequest(phone.device, udf, phone.keys.signature);
const accepted = createConnectionResult(phone.device.record, udf, "Accepted", alice.admin.keys.online);

/** A portal of ours that answers one transaction alike, whatever is asked. */
const answering = async (response: unknown, status = 200) => {
  const server = await serve(greeting(OUR_HELLO, (_, to) => reply(to, response, status)));
  return { client: await open(server.url), server };
};

describe("at a portal of 2016", () => {
  it("a device is connected from beginning to end, and the portal lives", async () => {
    const portal = await plainPortal();
    const admin = await open(portal.url);
    const device = await open(portal.url);
    await createAccount(admin, ACCOUNT, alice.first, alice.signer);

    const seen = await fetchProfile(device, { account: ACCOUNT });
    expect(seen?.profile.udf).toBe(udf);
    await startConnection(device, ACCOUNT, request);
    await startConnection(device, ACCOUNT, request);
    expect(pendingHashes(portal, ACCOUNT).length).toBe(1);
    expect(await connectionResult(device, ACCOUNT, phone.device.udf)).toBeUndefined();

    const pending = await listPending(admin, ACCOUNT, udf, alice.signer);
    expect(pending.map(({ code }) => code)).toEqual([request.code]);
    const second = nextPersonal(
      alice.admin.keys.online,
      alice.first,
      { devices: [...alice.first.devices, phone.device] },
      NOW,
    );
    await publishProfile(admin, second, alice.signer);
    await completeConnection(admin, ACCOUNT, accepted, alice.signer);
    await completeConnection(admin, ACCOUNT, accepted, alice.signer);
    expect(await listPending(admin, ACCOUNT, udf, alice.signer)).toEqual([]);

    const current = await fetchProfile(device, { account: ACCOUNT, identifier: udf });
    const { profile } = await followProfile(device, current!, pinOf(alice.first), false);
    const keys = profile.master.administrators.map(({ key }) => key);
    const result = readConnectionResult(await connectionResult(device, ACCOUNT, phone.device.udf), keys);
    expect(result).toMatchObject({ outcome: "Accepted", profileUdf: udf, device: phone.device.record });
    expect(findDevice(profile, phone.device.udf)).toBeDefined();
    expect(portal.isDead()).toBe(false);
    for (const { headers } of portal.requests) expect(headers["signature"]).toBeUndefined();
  });

  it("all copies of a request are completed", async () => {
    const portal = await plainPortal();
    const client = await open(portal.url);
    await createAccount(client, ACCOUNT, alice.first, alice.signer);
    portal.pending.set(ACCOUNT, [request.record, request.record]);
    await completeConnection(client, ACCOUNT, accepted, alice.signer);
    expect(pendingHashes(portal, ACCOUNT)).toEqual([]);
    expect(portal.isDead()).toBe(false);
  });

  it("a result by a stranger changes nothing", async () => {
    const portal = await plainPortal();
    const client = await open(portal.url);
    const stranger = newPerson();
    const keys = alice.first.master.administrators.map(({ key }) => key);
    for (const key of [stranger.admin.keys.online, phone.keys.online, phone.keys.signature]) {
      const forged = createConnectionResult(phone.device.record, udf, "Accepted", key);
      portal.results.set(phone.device.udf, forged);
      const raw = await connectionResult(client, ACCOUNT, phone.device.udf);
      expect(await errorCode(() => readConnectionResult(raw, keys))).toBe("signature-invalid");
    }
  });
});

describe("at a portal of ours", () => {
  it("requests and results are sent without looking first", async () => {
    const { client, server } = await answering({ ConnectStartResponse: { Status: 201 } });
    await startConnection(client, ACCOUNT, request);
    expect(server.names()).toEqual(["Hello", "ConnectStart"]);
    const complete = await answering({ ConnectCompleteResponse: { Status: 201 } });
    await completeConnection(complete.client, ACCOUNT, accepted, alice.signer);
    expect(complete.server.names()).toEqual(["Hello", "ConnectComplete"]);
    expect(complete.server.requests[1]?.headers["signature"]).toBeDefined();
  });

  it("what anyone may have posted is left out", async () => {
    const other = newDevice("tablet");
    const elsewhere = createConnectionRequest(other.device, newPerson().first.udf, other.keys.signature);
    const forged = { ...request.record, SignedData: { ...request.record.SignedData, signature: "A".repeat(86) } };
    const Pending = [forged, elsewhere.record, request.record, null, {}, request.record];
    const { client, server } = await answering({ ConnectPendingResponse: { Status: 201, Pending } });
    const pending = await listPending(client, ACCOUNT, udf, alice.signer);
    expect(pending.map(({ device }) => device.udf)).toEqual([phone.device.udf]);
    expect(server.requests[1]?.headers["signature"]).toBeDefined();
  });

  it("pages are followed", async () => {
    const devices = [newDevice("a"), newDevice("b")];
    const records = devices.map(({ device, keys }) => createConnectionRequest(device, udf, keys.signature).record);
    const server = await serve(
      greeting(OUR_HELLO, ({ message }, response) => {
        const first = message["SearchConstraints"] === undefined;
        const page = first ? { Pending: [records[0]], PageKey: "2" } : { Pending: [records[1]] };
        reply(response, { ConnectPendingResponse: { Status: 201, ...page } });
      }),
    );
    const pending = await listPending(await open(server.url), ACCOUNT, udf, alice.signer);
    expect(pending.map(({ device }) => device.name)).toEqual(["a", "b"]);
    expect(server.requests[2]?.message["SearchConstraints"]).toEqual({ PageKey: "2" });
  });

  it("a request that is not known has no result", async () => {
    const { client } = await answering({ ConnectStatusResponse: { Status: 404 } }, 404);
    expect(await connectionResult(client, ACCOUNT, phone.device.udf)).toBeUndefined();
    const refused = await answering({ ConnectStatusResponse: { Status: 403 } }, 403);
    expect(await errorCode(() => connectionResult(refused.client, ACCOUNT, phone.device.udf))).toBe("refused");
  });
});
