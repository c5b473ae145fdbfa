import type { SignedRecord } from "../../mesh/jose.js";
import type { EntryType } from "../../mesh/protocol.js";

/** Times in a store are milliseconds since 1970, as the portal's clock showed them. */
export type Time = number;

export type AccountStatus = "Open" | "Closed" | "Suspended";

/** reference-00 section 7.3.2. */
export interface Account {
  /** The canonical address. */
  readonly account: string;
  /** Fingerprint of the profile it belongs to. */
  readonly profile: string;
  readonly status: AccountStatus;
  readonly created: Time;
  readonly modified: Time;
}

export type Action = "New" | "Update" | "Delete";

export interface KeyValue {
  readonly Key: string;
  readonly Value: string;
}

/** One item of the log, as the reference logs of 2016 have it. `tid` only ever grows. */
export interface LogItem {
  readonly tid: number;
  readonly primaryKey: string;
  readonly action: Action;
  readonly added: Time;
  readonly keys: readonly KeyValue[];
  /** JSON text of what was stored, where anything was. */
  readonly text: string | undefined;
}

/** One version of a published record. Its log item's text is `{"<type>": record}`. */
export interface StoredRecord extends LogItem {
  readonly type: EntryType;
  readonly identifier: string;
  /** Type of the payload, such as PasswordProfile; the same as `type` where the payload cannot be read. */
  readonly kind: string;
  /** Fingerprint of the profile that it belongs to. */
  readonly owner: string;
  readonly hash: string;
  readonly text: string;
}

/** A record to be appended; it becomes the newest of its type and identifier. */
export interface NewRecord extends Pick<StoredRecord, "type" | "identifier" | "kind" | "owner" | "hash" | "text"> {
  /** Fingerprints under which a search finds it. */
  readonly names?: readonly string[];
  /** Of a personal profile: its devices, by the fingerprints of their signature and authentication keys. */
  readonly devices?: readonly { readonly device: string; readonly authentication: string }[];
}

export interface PendingRequest {
  /** Transaction identifier of the log item that took it in. */
  readonly tid: number;
  readonly account: string;
  readonly device: string;
  /** The network address it came from, or the part of it that counts as one. */
  readonly address: string;
  readonly hash: string;
  readonly added: Time;
  readonly record: SignedRecord;
}

export interface StoredResult {
  readonly account: string;
  readonly device: string;
  readonly hash: string;
  readonly record: SignedRecord;
}

/** A nonce that was used, and what was answered. */
export interface UsedNonce {
  /** Fingerprint of the key that signed, and the key itself: base64url of its octets. */
  readonly key: string;
  readonly public: string;
  readonly nonce: string;
  /** Digest of the request's body. */
  readonly digest: string;
  readonly expires: Time;
  /** JSON text of the answer, where a resend is to get the same one. */
  readonly answer: string | undefined;
}

/** A name that is kept for a while for whoever asked. */
export interface Reservation {
  readonly account: string;
  /** Fingerprint of the authentication key that signed for it; anyone may list another's device in a profile. */
  readonly key: string;
  readonly expires: Time;
}

/** What a search asks for. Everything given must hold; escrow entries are found only where `identifier` is given. */
export interface RecordQuery {
  readonly types?: readonly EntryType[];
  readonly identifier?: string;
  /** `type` or `kind` of the record. */
  readonly kind?: string;
  readonly name?: string;
  readonly notBefore?: Time;
  readonly before?: Time;
  /** False: only the newest version of each record. */
  readonly allVersions: boolean;
  /** Only records with a smaller transaction identifier. */
  readonly below?: number;
}

/** How much an answer may hold. One item is always given where there is one, or nobody could ever get past it. */
export interface Bounds {
  readonly entries: number;
  readonly bytes: number;
}

export interface Found<Item> {
  readonly items: readonly Item[];
  /** True where the bounds left something out. */
  readonly more: boolean;
}

/** A consistent view of the store. */
export interface Reader {
  account(account: string): Promise<Account | undefined>;
  accountsOf(profile: string): Promise<readonly Account[]>;
  /** The newest version of a record. */
  newest(type: EntryType, identifier: string): Promise<StoredRecord | undefined>;
  /** True where that very version is or was stored. */
  hasVersion(type: EntryType, identifier: string, hash: string): Promise<boolean>;
  /** The types under which an identifier is known. */
  typesOf(identifier: string): Promise<readonly EntryType[]>;
  /** Newest first. */
  search(query: RecordQuery, bounds: Bounds): Promise<Found<StoredRecord>>;
  /** The profiles whose newest version lists a device, by its signature or its authentication key. */
  profilesWithDevice(device: string): Promise<readonly string[]>;
  profilesWithAuthentication(key: string): Promise<readonly string[]>;
  /** What a profile's records take up, all versions of them, and how many records there are beside its own profiles. */
  usage(owner: string): Promise<{ readonly bytes: number; readonly records: number }>;
  /** Oldest first. */
  pending(account: string): Promise<readonly PendingRequest[]>;
  pendingRequest(account: string, device: string): Promise<PendingRequest | undefined>;
  result(account: string, device: string): Promise<StoredResult | undefined>;
  nonce(key: string, nonce: string): Promise<UsedNonce | undefined>;
  reservation(account: string): Promise<Reservation | undefined>;
  reservationsOf(key: string): Promise<number>;
  /** Log items of published records but escrow entries, oldest first, behind the transaction identifier `after`. */
  publications(
    query: { readonly after: number; readonly notBefore?: Time; readonly before?: Time },
    bounds: Bounds,
  ): Promise<Found<LogItem>>;
  lastWrite(): Promise<Time | undefined>;
}

/** A transaction that may change the store. Every change appends to the log and brings the index up to it. */
export interface Transaction extends Reader {
  appendRecord(record: NewRecord, at: Time): Promise<void>;
  createAccount(account: string, profile: string, at: Time): Promise<void>;
  setAccountStatus(account: string, status: AccountStatus, at: Time): Promise<void>;
  addPending(request: Omit<PendingRequest, "tid" | "added">, profile: string, at: Time): Promise<void>;
  removePending(account: string, device: string, at: Time): Promise<void>;
  putResult(result: StoredResult, at: Time): Promise<void>;
  removeResult(account: string, device: string, at: Time): Promise<void>;
  // Nonces and reservations are no part of the Mesh and live minutes: they are kept beside the log.
  putNonce(nonce: UsedNonce): Promise<void>;
  putReservation(reservation: Reservation): Promise<void>;
  removeReservation(account: string): Promise<void>;
  /** Forgets nonces and reservations that expired by `at`, and requests that came before `requestsBefore`. */
  sweep(at: Time, requestsBefore: Time): Promise<void>;
}

/**
 * Where a portal keeps everything. Every method throws a MeshError: `busy` where other processes keep it locked,
 * `state-corrupt` where it is damaged, `io-failed` or `read-only` where it cannot be written.
 */
export interface Store {
  /** Random, made with the store: 32 hexadecimal digits. */
  readonly id: string;
  /**
   * Runs `work` and resolves once what it changed is on disk; where it throws, nothing of it is. `work` awaits nothing but
   * the transaction's own methods, since others may be waiting behind it for the same disk write.
   */
  transact<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /** Runs `work` on one consistent view. The same holds for what it may await. */
  read<T>(work: (tx: Reader) => Promise<T>): Promise<T>;
  /** Finishes what is under way and closes. */
  close(): Promise<void>;
}
