import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openPortal, type PortalClient } from "../../src/client/client.js";
import {
  bringUp,
  completeConnection,
  connectionResult,
  createAccount,
  fetchAccount,
  fetchEscrowEntry,
  fetchHistory,
  fetchProfile,
  followProfile,
  listPending,
  publishEntry,
  publishEscrowEntry,
  publishProfile,
  startConnection,
} from "../../src/client/profiles.js";
import { createConnectionRequest, createConnectionResult, readConnectionResult } from "../../src/mesh/connection.js";
import { encryptDirect } from "../../src/mesh/jose.js";
import { createRevocation, nextPersonal } from "../../src/mesh/profile.js";
import { pinOf } from "../../src/mesh/succession.js";
import { errorCode, temporaryFolder } from "../support/deps.js";
import { epoch, newDevice, newPerson, next, NOW, quickDeps, versions } from "./support.js";

const ACCOUNT = "alice@localhost";

/** Opens the portal of this program, over a new store. */
const openStore = (): Promise<PortalClient> => {
  const path = join(temporaryFolder(), "store");
  return openPortal(quickDeps(), { kind: "embedded", url: `file:${path}`, path }, { timeout: 10_000 });
};

describe("at the portal of this program", () => {
  it("a profile lives from its account to its revocation", async () => {
    const alice = newPerson();
    const client = await openStore();
    expect(client.host).toBe("localhost");
    expect(await fetchProfile(client, { account: ACCOUNT })).toBeUndefined();
    await createAccount(client, ACCOUNT, alice.first, alice.signer);
    await createAccount(client, ACCOUNT, alice.first, alice.signer);
    expect(await fetchAccount(client, ACCOUNT)).toMatchObject({ status: "open", fetched: { profile: alice.first } });
    const bob = newPerson();
    expect(await errorCode(() => createAccount(client, ACCOUNT, bob.first, bob.signer))).toBe("account-taken");
    expect(await errorCode(() => fetchProfile(client, { account: ACCOUNT, identifier: bob.first.udf }))).toBe(
      "fingerprint-mismatch",
    );

    const phone = newDevice("phone");
    const request = createConnectionRequest(phone.device, alice.first.udf, phone.keys.signature);
    await startConnection(client, ACCOUNT, request);
    await startConnection(client, ACCOUNT, request);
    expect(await connectionResult(client, ACCOUNT, phone.device.udf)).toBeUndefined();
    const pending = await listPending(client, ACCOUNT, alice.first.udf, alice.signer);
    expect(pending.map(({ code }) => code)).toEqual([request.code]);
    const devices = [alice.admin.device, phone.device];
    const second = nextPersonal(alice.admin.keys.online, alice.first, { devices }, NOW);
    await publishProfile(client, second, alice.signer);
    const accepted = createConnectionResult(phone.device.record, second.udf, "Accepted", alice.admin.keys.online);
    await completeConnection(client, ACCOUNT, accepted, alice.signer);
    await completeConnection(client, ACCOUNT, accepted, alice.signer);
    const raw = await connectionResult(client, ACCOUNT, phone.device.udf);
    const keys = second.master.administrators.map(({ key }) => key);
    expect(readConnectionResult(raw, keys).outcome).toBe("Accepted");

    const fork = next(alice, alice.first, 9);
    expect(await errorCode(() => publishProfile(client, fork, alice.signer))).toBe("conflict");
    const third = next(alice, second);
    const fourth = epoch(alice, third);
    await bringUp(client, fourth, [third], alice.signer);
    const fetched = await fetchProfile(client, { identifier: second.udf });
    const followed = await followProfile(client, fetched!, pinOf(alice.first), false);
    expect(followed.pin).toEqual(pinOf(fourth));
    expect((await fetchHistory(client, second.udf)).map(({ hash }) => hash)).toEqual(
      [fourth, second, alice.first].map(({ hash }) => hash),
    );

    const entry = { Identifier: bob.first.udf, EncryptedData: await encryptDirect(randomBytes(40), randomBytes(32)) };
    await publishEscrowEntry(client, entry, alice.signer);
    expect(await fetchEscrowEntry(client, entry.Identifier)).toEqual([entry]);

    const note = createRevocation(alice.master.signature, NOW);
    await publishEntry(client, { SignedMasterProfile: note.record });
    const ended = await fetchProfile(client, { account: ACCOUNT });
    expect(await errorCode(() => followProfile(client, ended!, followed.pin, true))).toBe("profile-revoked");
    await client.close();
  });

  it("a long history is followed over many pages", async () => {
    const alice = newPerson();
    const all = versions(alice, 130);
    const client = await openStore();
    await createAccount(client, ACCOUNT, alice.first, alice.signer);
    await bringUp(client, all.at(-1)!, all, alice.signer);
    const fetched = await fetchProfile(client, { account: ACCOUNT });
    expect((await followProfile(client, fetched!, pinOf(alice.first), false)).pin).toEqual(pinOf(all.at(-1)!));
    expect((await fetchHistory(client, alice.first.udf)).length).toBe(130);
    await client.close();
  });

  it("a deleted account is told from one that never was", async () => {
    const alice = newPerson();
    const client = await openStore();
    await createAccount(client, ACCOUNT, alice.first, alice.signer);
    await client.send("DeleteAccount", { Account: ACCOUNT }, { signer: alice.signer });
    expect(await fetchAccount(client, ACCOUNT)).toEqual({ status: "closed", fetched: undefined });
    expect(await fetchAccount(client, "bob@localhost")).toEqual({ status: undefined, fetched: undefined });
    expect(await errorCode(() => createAccount(client, ACCOUNT, alice.first, alice.signer))).toBe("account-taken");
    await client.close();
  });

  it("a request signed by a stranger is refused", async () => {
    const alice = newPerson();
    const stranger = newPerson();
    const client = await openStore();
    await createAccount(client, ACCOUNT, alice.first, alice.signer);
    const { udf } = alice.first;
    expect(await errorCode(() => listPending(client, ACCOUNT, udf, stranger.signer))).toBe("refused");
    await client.close();
  });
});
