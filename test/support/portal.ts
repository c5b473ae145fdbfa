import { randomBytes } from "node:crypto";
import * as path from "node:path";
import { afterEach } from "vitest";
import { createConnectionRequest, createConnectionResult, type ConnectionOutcome } from "../../src/mesh/connection.js";
import { createEscrowEntry } from "../../src/mesh/escrow.js";
import { signRecord, type SignedRecord } from "../../src/mesh/jose.js";
import type { PrivateKey } from "../../src/mesh/keys.js";
import {
  createDevice,
  createMaster,
  createPersonal,
  generateDeviceKeys,
  generateMasterKeys,
  recordTime,
  type DeviceKeys,
  type MasterKeys,
} from "../../src/mesh/profile.js";
import {
  PORTAL_PATH,
  requestName,
  type OfflineEscrowEntry,
  type Request,
  type Transaction,
} from "../../src/mesh/protocol.js";
import type { Device } from "../../src/mesh/records/device.js";
import type { PersonalProfile } from "../../src/mesh/records/personal.js";
import { signRequest } from "../../src/mesh/request-signature.js";
import { publicKeyOf } from "../../src/mesh/keys.js";
import { encodeBase64url, sha256 } from "../../src/mesh/bytes.js";
import { logKeyFileOf, openWithLogKey } from "../../src/portal/log/key-file.js";
import { createPortal, type Portal, type PortalOptions } from "../../src/portal/portal.js";
import { openSqliteStore } from "../../src/portal/store/sqlite.js";
import type { Store } from "../../src/portal/store/store.js";
import { temporaryFolder } from "./deps.js";

export const random = (length: number): Buffer => randomBytes(length);

/** A clock that stands still until it is told otherwise. */
export interface Clock {
  time: number;
  now(): Date;
  advance(milliseconds: number): void;
}

export const makeClock = (start = "2026-03-01T12:00:00.250Z"): Clock => {
  const clock = {
    time: Date.parse(start),
    now: () => new Date(clock.time),
    advance: (milliseconds: number) => {
      clock.time += milliseconds;
    },
  };
  return clock;
};

/** A device with its private keys. */
export interface TestDevice {
  readonly keys: DeviceKeys;
  readonly device: Device;
}

export const makeDevice = (name: string, now: Date): TestDevice => {
  const keys = generateDeviceKeys(random);
  return { keys, device: createDevice(keys, name, "", now) };
};

/** A person with one administration device and the first version of everything. */
export interface Person {
  readonly master: MasterKeys;
  readonly admin: TestDevice;
  readonly profile: PersonalProfile;
}

export const makePerson = (name: string, now: Date, names: readonly string[] = []): Person => {
  const master = generateMasterKeys(random);
  const admin = makeDevice(name, now);
  const content = { administrators: [admin.device], escrowKeys: [publicKeyOf(master.escrow)] };
  const masterProfile = createMaster(master.signature, content, now);
  const change = { devices: [admin.device], names };
  return { master, admin, profile: createPersonal(admin.keys.online, masterProfile, change, now) };
};

export const personalEntry = (profile: PersonalProfile): { SignedPersonalProfile: SignedRecord } => ({
  SignedPersonalProfile: profile.record,
});

/** An identifier such as applications and escrow entries have: any canonical fingerprint. */
export const makeIdentifier = (): string => generateDeviceKeys(random).signature.kid;

/** A password profile of a person, signed by any key. `previous` is the version before it. */
export const makeApplication = (
  options: {
    owner: string;
    identifier: string;
    key: PrivateKey;
    type?: string;
    sequence?: number;
    previous?: SignedRecord;
  },
  now: Date,
): SignedRecord => {
  const { owner, identifier, key, type = "PasswordProfile", sequence = 1, previous } = options;
  return signRecord(
    identifier,
    type,
    {
      Identifier: identifier,
      Owner: owner,
      Updated: recordTime(now),
      Sequence: sequence,
      ...(previous && { Previous: encodeBase64url(sha256(Buffer.from(previous.SignedData.payload, "base64url"))) }),
    },
    key,
  );
};

export const makeEscrowEntry = (person: Person): Promise<OfflineEscrowEntry> =>
  createEscrowEntry(random(16), [person.master.signature, person.master.escrow], person.profile.master, []);

export const makeRequest = (device: TestDevice, profileUdf: string): SignedRecord =>
  createConnectionRequest(device.device, profileUdf, device.keys.signature).record;

export const makeResult = (device: TestDevice, person: Person, outcome: ConnectionOutcome = "Accepted"): SignedRecord =>
  createConnectionResult(device.device.record, person.profile.udf, outcome, person.admin.keys.online);

export interface CallOptions {
  /** Signs the request with the authentication key of a device. */
  readonly signer?: TestDevice;
  readonly wrapping?: "reference" | "draft";
  readonly address?: string;
  readonly authority?: string;
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
  /** 16 octets, for using one nonce twice. */
  readonly nonce?: Buffer;
  /** What the signer takes for the time, in milliseconds. */
  readonly time?: number;
}

export interface Answer {
  readonly status: number;
  readonly http: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly name: string;
  // The tests look into answers of every form.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly message: any;
  readonly text: string;
}

export interface TestPortal {
  readonly portal: Portal;
  readonly store: Store;
  readonly clock: Clock;
  readonly authority: string;
  readonly file: string;
  /** Sends a request as it stands. */
  raw(body: string | Buffer, options?: CallOptions): Promise<Answer>;
  /** Wraps and sends a request. */
  call<Name extends Transaction>(transaction: Name, message: Request<Name>, options?: CallOptions): Promise<Answer>;
  /** Makes an account for a person, or fails. */
  createAccount(account: string, person: Person): Promise<void>;
}

export const AUTHORITY = "portal.example";

export const wrap = (
  transaction: Transaction,
  message: unknown,
  wrapping: "reference" | "draft" = "reference",
): string => {
  const inner = { [requestName(transaction)]: message };
  return JSON.stringify(wrapping === "draft" ? inner : { [transaction]: inner });
};

/** A request as the portal takes it, signed where a signer is given. */
export const makeHttpRequest = (text: string | Buffer, clock: Clock, authority: string, options: CallOptions = {}) => {
  const { signer, method = "POST", path: target = PORTAL_PATH, address = "192.0.2.1", headers = {} } = options;
  const body = typeof text === "string" ? Buffer.from(text) : text;
  const host = options.authority ?? authority;
  const created = Math.floor((options.time ?? clock.time) / 1000);
  const signature = signer
    ? signRequest(
        { method, authority: host, path: target, body },
        signer.keys.authentication,
        created,
        (length) => options.nonce ?? random(length),
      )
    : {};
  return { method, authority: host, path: target, headers: { ...signature, ...headers }, body, address };
};

/** The store in a file with the key of its log beside it, as the embedded portal has it. */
export const openTestStore = (file: string): Promise<Store> =>
  openWithLogKey(logKeyFileOf(file), { random }, (signer, create) => openSqliteStore(file, { random, signer, create }));

const portals: Portal[] = [];

// Hooks run in the reverse order of their registration, so that this one comes before the folders are removed.
afterEach(async () => {
  for (const portal of portals.splice(0)) await portal.close();
});

/** Opens a portal over a store in a temporary folder, closed after the test. */
export const openTestPortal = async (
  options: Partial<PortalOptions> = {},
  clock = makeClock(),
  file = path.join(temporaryFolder(), "portal.sqlite"),
): Promise<TestPortal> => {
  const store = options.store ?? (await openTestStore(file));
  const portal = createPortal({
    domains: [],
    authorities: [AUTHORITY],
    now: clock.now,
    random,
    ...options,
    store,
  });
  portals.push(portal);
  const raw = async (body: string | Buffer, callOptions: CallOptions = {}): Promise<Answer> => {
    const response = await portal.handle(makeHttpRequest(body, clock, portal.authority, callOptions));
    const text = response.body.toString();
    const [name = "", message] = Object.entries(JSON.parse(text))[0] ?? [];
    // eslint-disable-next-line @typescript-eslint/no-explicit-any
    const status = (message as any).Status as number;
    return { status, http: response.status, headers: response.headers, name, message, text };
  };
  const call: TestPortal["call"] = (transaction, message, callOptions = {}) =>
    raw(wrap(transaction, message, callOptions.wrapping), callOptions);
  return {
    portal,
    store,
    clock,
    authority: portal.authority,
    file,
    raw,
    call,
    createAccount: async (account, person) => {
      const answer = await call(
        "CreateAccount",
        { Account: account, Profile: personalEntry(person.profile) },
        { signer: person.admin },
      );
      if (answer.status !== 201) throw new Error(`CreateAccount: ${answer.text}`);
    },
  };
};
