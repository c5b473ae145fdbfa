import { encodeBase64url, sha256, utf8 } from "../../src/mesh/bytes.js";
import { recordHash, type SignedRecord } from "../../src/mesh/jose.js";
import { createRevocation, nextEpoch, nextPersonal } from "../../src/mesh/profile.js";
import type { Entry, OfflineEscrowEntry } from "../../src/mesh/protocol.js";
import { readApplication } from "../../src/mesh/records/application.js";
import type { PersonalProfile } from "../../src/mesh/records/personal.js";
import type { NewRecord, Store } from "../../src/portal/store/store.js";
import {
  makeApplication,
  makeDevice,
  makeEscrowEntry,
  makeIdentifier,
  makePerson,
  makeRequest,
  makeResult,
} from "./portal.js";

const START = Date.parse("2026-03-01T12:00:00Z");

const stored = (entry: Entry, content: Omit<NewRecord, "text" | "type">): NewRecord => ({
  ...content,
  type: Object.keys(entry)[0] as NewRecord["type"],
  text: JSON.stringify(entry),
});

/** A personal profile as the portal stores it. */
export const personalRecord = (profile: PersonalProfile): NewRecord =>
  stored(
    { SignedPersonalProfile: profile.record },
    {
      identifier: profile.udf,
      kind: "PersonalProfile",
      owner: profile.udf,
      hash: profile.hash,
      masterSequence: profile.master.sequence,
      sequence: profile.sequence,
      names: profile.names,
      devices: profile.devices.map(({ udf, authenticationKey }) => ({
        device: udf,
        authentication: authenticationKey.udf,
      })),
    },
  );

const applicationRecord = (record: SignedRecord): NewRecord => {
  const { identifier, type: kind, owner, hash, sequence } = readApplication(record);
  return stored({ SignedApplicationProfile: record }, { identifier, kind, owner, hash, masterSequence: 0, sequence });
};

const escrowRecord = (entry: OfflineEscrowEntry, owner: string): NewRecord => {
  const { protected: header, iv, ciphertext, tag } = entry.EncryptedData;
  const hash = encodeBase64url(sha256(utf8([header, iv, ciphertext, tag].join("."))));
  const kind = "OfflineEscrowEntry";
  return stored(
    { OfflineEscrowEntry: entry },
    { identifier: entry.Identifier, kind, owner, hash, masterSequence: 0, sequence: 0 },
  );
};

/** Writes everything that a portal stores of one person, as a portal does: every type of record, in several versions. */
export const writePerson = async (store: Store, name: string): Promise<PersonalProfile> => {
  const now = new Date(START);
  const at = START + 250;
  const account = `${name}@example.com`;
  const person = makePerson(name, now);
  const first = person.profile;
  const device = makeDevice(`${name}'s`, now);
  const other = makeDevice("other", now);
  const { admin } = person;
  const second = nextPersonal(admin.keys.online, first, { devices: [admin.device, device.device] }, now);
  const third = nextEpoch(
    person.master.signature,
    admin.keys.online,
    second,
    [admin.device],
    { devices: [admin.device] },
    now,
  );
  const application = { owner: first.udf, identifier: makeIdentifier(), key: admin.keys.signature };
  const old = makeApplication(application, now);
  const next = makeApplication({ ...application, sequence: 2, previous: old }, now);
  const escrow = await makeEscrowEntry(person);
  const note = createRevocation(person.master.signature, now);
  const result = makeResult(device, person);
  const request = makeRequest(device, first.udf);
  await store.transact(async (tx) => {
    await tx.appendRecord(personalRecord(first), at);
    await tx.createAccount(account, first.udf, at);
  });
  await store.transact(async (tx) => {
    await tx.appendRecord(applicationRecord(old), at + 1);
    await tx.appendRecord(escrowRecord(escrow, first.udf), at + 2);
    for (const [waiting, asked] of [
      [device, request],
      [other, makeRequest(other, first.udf)],
    ] as const) {
      const pending = {
        account,
        device: waiting.device.udf,
        address: "192.0.2.1",
        hash: recordHash(asked),
        record: asked,
      };
      await tx.addPending(pending, first.udf, at + 2);
    }
  });
  await store.transact((tx) => tx.appendRecord(personalRecord(second), at + 3));
  await store.transact(async (tx) => {
    const { udf } = device.device;
    await tx.removePending(account, udf, at + 4);
    await tx.putResult({ account, device: udf, hash: recordHash(result), record: result }, at + 4);
    await tx.appendRecord(applicationRecord(next), at + 4);
    const record = device.device.record;
    await tx.appendRecord(
      stored(
        { SignedDeviceProfile: record },
        {
          identifier: udf,
          kind: "DeviceProfile",
          owner: first.udf,
          hash: recordHash(record),
          masterSequence: 0,
          sequence: 0,
        },
      ),
      at + 5,
    );
    await tx.setAccountStatus(account, "Suspended", at + 6);
    await tx.setAccountStatus(account, "Open", at + 7);
  });
  await store.transact(async (tx) => {
    await tx.appendRecord(personalRecord(third), at + 8);
    await tx.putResult({ account, device: device.device.udf, hash: recordHash(result), record: result }, at + 8);
    if (name.length % 2 === 0) {
      await tx.removeResult(account, device.device.udf, at + 9);
      await tx.setAccountStatus(account, "Closed", at + 9);
      await tx.appendRecord(
        stored(
          { SignedMasterProfile: note.record },
          {
            identifier: note.udf,
            kind: "MasterProfile",
            owner: note.udf,
            hash: note.hash,
            masterSequence: note.sequence,
            sequence: 0,
          },
        ),
        at + 10,
      );
    }
    await tx.putNonce({ key: first.udf, public: "x", nonce: "n", digest: "d", expires: at, answer: undefined });
    await tx.putReservation({ account: `other-${account}`, key: "k", expires: at });
  });
  return third;
};
