import { randomBytes } from "node:crypto";
import { encodeBase64url, sha256, utf8 } from "../../src/mesh/bytes.js";
import { recordHash, type SignedRecord } from "../../src/mesh/jose.js";
import { readPersonal, type PersonalProfile } from "../../src/mesh/records/personal.js";
import { DEFAULT_QUOTA, type Context } from "../../src/portal/context.js";
import { openWithLogKey } from "../../src/portal/log/key-file.js";
import { openPostgresStore } from "../../src/portal/store/postgres.js";
import { openSqliteStore } from "../../src/portal/store/sqlite.js";
import { publishPersonal } from "../../src/portal/transactions/publish/personal.js";
import type { Store, Transaction } from "../../src/portal/store/store.js";
import { readPeople } from "./people.js";

// Fills a store through its own transactions, many records in each.

/** Records in one transaction. */
const BATCH = 2000;
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** Text that has the form of a fingerprint, another one for every number. */
const fingerprint = (number: number): string => {
  const letters = [...sha256(utf8(`filler ${number}`)).subarray(0, 26)].map((octet) => ALPHABET[octet % 32]).join("");
  return `MA${letters}`.replace(/(.{4})(?=.)/g, "$1-");
};

/** A record like those of applications, but small, and signed by nobody. */
const addFiller = async (tx: Transaction, number: number, at: number): Promise<void> => {
  const identifier = fingerprint(number);
  const octets = sha256(utf8(identifier));
  const record: SignedRecord = {
    Identifier: identifier,
    SignedData: {
      protected: encodeBase64url(utf8('{"alg":"EdDSA"}')),
      payload: encodeBase64url(Buffer.concat([octets, octets, octets, octets])),
      signature: encodeBase64url(Buffer.concat([octets, octets])),
    },
  };
  await tx.appendRecord(
    {
      type: "SignedApplicationProfile",
      identifier,
      kind: "PasswordProfile",
      owner: fingerprint(-1 - (number % 1000)),
      hash: recordHash(record),
      text: JSON.stringify({ SignedApplicationProfile: record }),
      masterSequence: 0,
      sequence: 1,
    },
    at,
  );
};

/** Adds somebody as CreateAccount does. */
const addPerson = async (tx: Transaction, account: string, profile: PersonalProfile, at: number): Promise<void> => {
  const context = { store: undefined, quota: DEFAULT_QUOTA, limits: undefined, now: at };
  await publishPersonal(tx, context as unknown as Context, profile, undefined);
  await tx.createAccount(account, profile.udf, at);
};

export interface Seeding {
  readonly files: readonly string[];
  /** How many records there are to be, people's among them. */
  readonly records: number;
}

/** What came of it. The checkpoints are those that were signed on the way. */
export interface Seeded {
  readonly seconds: number;
  /** The key that has signed them. */
  readonly verifier: string;
  readonly checkpoints: readonly string[];
}

/** Fills a store, with people spread evenly among records that nobody asks for. */
const fill = async (store: Store, verifier: string, { files, records }: Seeding): Promise<Seeded> => {
  const people = [...readPeople(files)];
  // What a portal verifies before it stores anything takes its time here, too.
  const profiles = people.map((person) => readPersonal(JSON.parse(person.records[0] ?? "")));
  const every = Math.max(1, Math.floor(records / people.length));
  // Enough transactions that there are some checkpoints also where there are few records.
  const batch = Math.min(BATCH, Math.ceil(records / 32));
  const began = performance.now();
  const checkpoints: string[] = [];
  let added = 0;
  for (let number = 0; number < records; number += batch) {
    const at = Date.now();
    await store.transact(async (tx) => {
      for (let next = number; next < Math.min(number + batch, records); next++) {
        const person = next % every === 0 ? people[added] : undefined;
        const profile = profiles[added];
        if (person && profile) {
          await addPerson(tx, person.account, profile, at);
          added++;
        } else await addFiller(tx, next, at);
      }
    });
    checkpoints.push((await store.read((tx) => tx.head())).checkpoint);
  }
  const seconds = (performance.now() - began) / 1000;
  await store.close();
  return { seconds, checkpoints, verifier };
};

const random = (length: number): Buffer => randomBytes(length);

/** What fills stores in a process of its own. */
export const seeder = {
  fill: async ({
    store: place,
    keyFile,
    ...seeding
  }: Seeding & { store: string; keyFile: string }): Promise<Seeded> => {
    const file = /^sqlite:(.+)$/.exec(place)?.[1];
    let verifier = "";
    const store = await openWithLogKey(keyFile, { random }, (signer) => {
      ({ verifier } = signer);
      const options = { random, signer };
      return file === undefined ? openPostgresStore(place, options) : openSqliteStore(file, options);
    });
    return fill(store, verifier, seeding);
  },
};
export type Seeder = typeof seeder;
