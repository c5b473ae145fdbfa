import type { SignedRecord } from "../../mesh/jose.js";
import type { EntryType } from "../../mesh/protocol.js";
import type { Sql } from "./sql.js";

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
  /** Index of the log's leaf that says so. */
  readonly leaf: number;
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
  /** Index of its leaf in the Merkle tree. */
  readonly leaf: number;
}

/** A log item of a published record. */
export interface Publication extends LogItem {
  /** Index of its leaf in the Merkle tree. */
  readonly leaf: number;
}

/** A record to be appended; it becomes the newest of its type and identifier. */
export interface NewRecord extends Pick<StoredRecord, "type" | "identifier" | "kind" | "owner" | "hash" | "text"> {
  /** As the leaf has them; 0 where there is none. */
  readonly masterSequence: number;
  readonly sequence: number;
  /** Fingerprints under which a search finds it. */
  readonly names?: readonly string[];
  /** Of a personal profile: its devices, by the fingerprints of their signature and authentication keys. */
  readonly devices?: readonly { readonly device: string; readonly authentication: string }[];
}

/** What a profile's records take up: the octets of all versions of them, and how many there are beside its own profiles. */
export interface Usage {
  readonly bytes: number;
  readonly records: number;
}

/** One item of the log, with what the index says where it is a published record. */
export interface StoredItem extends LogItem {
  readonly record:
    | (Pick<StoredRecord, "type" | "identifier" | "kind" | "owner" | "hash" | "leaf"> & { readonly newest: boolean })
    | undefined;
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
  readonly leaf: number;
}

/** The signed head of the Merkle tree. */
export interface Head {
  /** How many leaves there are. */
  readonly size: number;
  /** 32 octets. */
  readonly root: Buffer;
  /** The signed note. */
  readonly checkpoint: string;
  /** When it was signed. */
  readonly time: Time;
}

/** One leaf of the log. */
export interface StoredLeaf {
  readonly index: number;
  /** Its octets, as `mesh/log/leaf` encodes them. */
  readonly data: Buffer;
  /** What it is found by: the octets of its kind and identifier hash. */
  readonly key: Buffer;
}

/** A key of the log and, but for the first one, the note by which the key before it names it. */
export interface StoredLogKey {
  /** The verifier key of C2SP signed-note. */
  readonly verifier: string;
  readonly change: string | undefined;
}

/** What a store signs the heads of its tree with. The private key is nowhere in the store. */
export interface LogSigner {
  /** The log's name, which checkpoints start with. */
  readonly origin: string;
  /** The verifier key that `sign` signs under. */
  readonly verifier: string;
  /** Signs the text of a note, which ends in a line feed, and gives the whole note. */
  sign(text: string): string;
  /**
   * The signer under another key of the same log, where it is held: a store whose present key is not `verifier` signs with what this
   * gives for that key, and throws `log-key-missing` only where it gives nothing. It may read the key file anew, since another
   * process may have changed the key. Called for every head that `verifier` itself does not sign, so it is quick for a key known.
   */
  signerFor?(verifier: string): LogSigner | undefined;
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
  /** Which version that is, without what it says. */
  newestVersion(
    type: EntryType,
    identifier: string,
  ): Promise<Pick<StoredRecord, "hash" | "owner" | "leaf"> | undefined>;
  /** Index of the leaf of that very version, where it is or was stored. */
  versionLeaf(type: EntryType, identifier: string, hash: string): Promise<number | undefined>;
  /** The types under which an identifier is known. */
  typesOf(identifier: string): Promise<readonly EntryType[]>;
  /** Newest first. */
  search(query: RecordQuery, bounds: Bounds): Promise<Found<StoredRecord>>;
  /**
   * The profiles whose newest version lists a device, by its signature or its authentication key: at most `count`, those first that
   * have listed it longest. Anyone may list another's device, but nobody before its own profile has made it known.
   */
  profilesWithDevice(device: string, count: number): Promise<readonly string[]>;
  profilesWithAuthentication(key: string, count: number): Promise<readonly string[]>;
  /** What a profile's records take up, all versions of them, and how many records there are beside its own profiles. */
  usage(owner: string): Promise<Usage>;
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
  ): Promise<Found<Publication>>;
  lastWrite(): Promise<Time | undefined>;
  /** The newest signed head that is on disk. */
  head(): Promise<Head>;
  /** Leaves in order from `from` on, at most `count`. */
  leaves(from: number, count: number): Promise<readonly StoredLeaf[]>;
  /**
   * The hashes of one tile of height 8, 32 octets each, as many as there are by now; undefined where there is none. Level 0 holds the
   * hashes of leaves. What is beyond the head that was read in the same view is not to be used.
   */
  tile(level: number, index: number): Promise<Buffer | undefined>;
  /** Oldest first; the last one signs. */
  logKeys(): Promise<readonly StoredLogKey[]>;
  /** The newest leaf of a key before the one at `index`. */
  leafBefore(key: Uint8Array, index: number): Promise<StoredLeaf | undefined>;
  // Everything there is, by pages of at most `count`, for whoever checks or counts the whole store.
  /** The items of the log behind a transaction identifier, in order. */
  items(after: number, count: number): Promise<readonly StoredItem[]>;
  /** The accounts behind a name, in the order of their octets. */
  accounts(after: string, count: number): Promise<readonly Account[]>;
  /** The results behind one of them, by account and device. */
  results(
    after: { readonly account: string; readonly device: string },
    count: number,
  ): Promise<readonly StoredResult[]>;
  /** What the owners behind a fingerprint use. */
  usages(after: string, count: number): Promise<readonly (Usage & { readonly owner: string })[]>;
}

/** A transaction that may change the store. Every change appends to the log and brings the index up to it. */
export interface Transaction extends Reader {
  // What appends a leaf to the tree gives its index.
  appendRecord(record: NewRecord, at: Time): Promise<number>;
  createAccount(account: string, profile: string, at: Time): Promise<number>;
  setAccountStatus(account: string, status: AccountStatus, at: Time): Promise<number>;
  addPending(request: Omit<PendingRequest, "tid" | "added">, profile: string, at: Time): Promise<void>;
  removePending(account: string, device: string, at: Time): Promise<void>;
  putResult(result: Omit<StoredResult, "leaf">, at: Time): Promise<number>;
  removeResult(account: string, device: string, at: Time): Promise<void>;
  // Nonces and reservations are no part of the Mesh and live minutes: they are kept beside the log.
  putNonce(nonce: UsedNonce): Promise<void>;
  putReservation(reservation: Reservation): Promise<void>;
  removeReservation(account: string): Promise<void>;
  /**
   * Makes the key of `next` the key of the log: it signs the head that covers this change, and the store goes on with it. `change` is
   * the note by which the present key names it. Throws `log-key-changed` where it is no such note.
   */
  changeLogKey(next: LogSigner, change: string, at: Time): Promise<number>;
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
   * Runs `work` and resolves once what it changed is on disk, together with a signed head that covers it; where it throws, nothing of
   * it is. `work` awaits nothing but the transaction's own methods, since others may be waiting behind it for the same disk write.
   */
  transact<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /** Runs `work` on one consistent view. The same holds for what it may await. */
  read<T>(work: (tx: Reader) => Promise<T>): Promise<T>;
  /**
   * The newest signed head that is on disk: the one that a view would find, but quicker. Where it is the very object that was given
   * before, here or in a view, nothing of the log has changed since. (It may be another one where nothing has changed.)
   */
  head(): Promise<Head>;
  /** Signs the head anew, unchanged but for its time, where it was signed before `before`. */
  refreshHead(at: Time, before: Time): Promise<Head>;
  /** Runs `work` on one consistent view of the tables themselves, for backups and counts. It may take long. */
  readTables<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  /**
   * Runs `work` in one transaction on the tables themselves: all of it is on disk, or nothing. It signs no head. For restoring: nothing
   * else is asked of the store meanwhile.
   */
  writeTables<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  /** What the database itself finds wrong with the storage, in its own words. */
  checkStorage(): Promise<readonly string[]>;
  /** Finishes what is under way and closes. */
  close(): Promise<void>;
}
