import type { SignedRecord } from "../../mesh/jose.js";
import type { EntryType } from "../../mesh/protocol.js";
import type {
  Account,
  Action,
  Bounds,
  Found,
  KeyValue,
  LogItem,
  PendingRequest,
  Reader,
  RecordQuery,
  Reservation,
  StoredRecord,
  StoredResult,
  Time,
  Transaction,
  UsedNonce,
} from "./store.js";

type Value = string | number | null;

/** The same methods, answering at once. */
export type Immediate<Methods> = {
  [Name in keyof Methods]: Methods[Name] extends (...values: infer Values) => Promise<infer Result>
    ? (...values: Values) => Result
    : never;
};

/** The little that is needed of a SQLite connection. */
export interface Sql {
  get(text: string, ...values: Value[]): unknown;
  all(text: string, ...values: Value[]): unknown[];
  /** Gives the row identifier of the last row inserted. */
  run(text: string, ...values: Value[]): number;
}

/** The log, and the index over it. Times are milliseconds since 1970. */
export const SCHEMA = `
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE log (
  tid INTEGER PRIMARY KEY,
  primary_key TEXT NOT NULL,
  action TEXT NOT NULL,
  added INTEGER NOT NULL,
  keys TEXT NOT NULL,
  text TEXT,
  published INTEGER NOT NULL
) STRICT;
CREATE INDEX log_published ON log (tid) WHERE published = 1;

CREATE TABLE record (
  tid INTEGER PRIMARY KEY REFERENCES log (tid),
  type TEXT NOT NULL,
  identifier TEXT NOT NULL,
  kind TEXT NOT NULL,
  owner TEXT NOT NULL,
  hash TEXT NOT NULL,
  added INTEGER NOT NULL,
  newest INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX record_version ON record (identifier, type, hash);
CREATE UNIQUE INDEX record_newest ON record (identifier, type) WHERE newest = 1;
CREATE INDEX record_type ON record (type, tid);
CREATE INDEX record_kind ON record (kind, tid);
CREATE TABLE record_name (name TEXT NOT NULL, tid INTEGER NOT NULL REFERENCES record (tid), PRIMARY KEY (name, tid))
  STRICT, WITHOUT ROWID;

CREATE TABLE device (
  device TEXT NOT NULL,
  authentication TEXT NOT NULL,
  profile TEXT NOT NULL,
  PRIMARY KEY (profile, device)
) STRICT, WITHOUT ROWID;
CREATE INDEX device_signature ON device (device);
CREATE INDEX device_authentication ON device (authentication);

CREATE TABLE usage (owner TEXT PRIMARY KEY, bytes INTEGER NOT NULL, records INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE account (
  account TEXT PRIMARY KEY,
  profile TEXT NOT NULL,
  status TEXT NOT NULL,
  created INTEGER NOT NULL,
  modified INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX account_profile ON account (profile);

CREATE TABLE pending (
  tid INTEGER PRIMARY KEY REFERENCES log (tid),
  account TEXT NOT NULL REFERENCES account (account),
  device TEXT NOT NULL,
  address TEXT NOT NULL,
  hash TEXT NOT NULL,
  added INTEGER NOT NULL,
  record TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX pending_device ON pending (account, device);
CREATE INDEX pending_added ON pending (added);

CREATE TABLE result (
  account TEXT NOT NULL REFERENCES account (account),
  device TEXT NOT NULL,
  hash TEXT NOT NULL,
  tid INTEGER NOT NULL REFERENCES log (tid),
  PRIMARY KEY (account, device)
) STRICT, WITHOUT ROWID;

CREATE TABLE nonce (
  key TEXT NOT NULL,
  public TEXT NOT NULL,
  nonce TEXT NOT NULL,
  digest TEXT NOT NULL,
  expires INTEGER NOT NULL,
  answer TEXT,
  PRIMARY KEY (key, nonce)
) STRICT, WITHOUT ROWID;
CREATE INDEX nonce_expires ON nonce (expires);

CREATE TABLE reservation (account TEXT PRIMARY KEY, key TEXT NOT NULL, expires INTEGER NOT NULL)
  STRICT, WITHOUT ROWID;
CREATE INDEX reservation_key ON reservation (key);
`;

const ENTRY_TYPES: readonly string[] = [
  "SignedPersonalProfile",
  "SignedMasterProfile",
  "SignedDeviceProfile",
  "SignedApplicationProfile",
  "OfflineEscrowEntry",
] satisfies EntryType[];
const isEntryType = (name: string): boolean => ENTRY_TYPES.includes(name);

interface LogRow {
  readonly tid: number;
  readonly primary_key: string;
  readonly action: Action;
  readonly added: Time;
  readonly keys: string;
  readonly text: string | null;
}

interface RecordRow extends LogRow {
  readonly type: EntryType;
  readonly identifier: string;
  readonly kind: string;
  readonly owner: string;
  readonly hash: string;
}

type PendingRow = Omit<PendingRequest, "record"> & { readonly record: string };

const toLogItem = (row: LogRow): LogItem => ({
  tid: row.tid,
  primaryKey: row.primary_key,
  action: row.action,
  added: row.added,
  keys: JSON.parse(row.keys) as KeyValue[],
  text: row.text ?? undefined,
});

const toRecord = (row: RecordRow): StoredRecord => ({
  ...toLogItem(row),
  type: row.type,
  identifier: row.identifier,
  kind: row.kind,
  owner: row.owner,
  hash: row.hash,
  text: row.text ?? "",
});

const toPending = ({ record, ...row }: PendingRow): PendingRequest => ({
  ...row,
  record: JSON.parse(record) as SignedRecord,
});

const RECORD = `SELECT l.tid, l.primary_key, l.action, l.added, l.keys, l.text, r.type, r.identifier, r.kind, r.owner, r.hash
  FROM record r JOIN log l ON l.tid = r.tid`;
const LOG = "SELECT tid, primary_key, action, added, keys, text FROM log";
const PENDING = "SELECT tid, account, device, address, hash, added, record FROM pending";

/** Takes items until a bound is reached. Each is read by itself, since any may be large. */
const take = <Item extends LogItem>(tids: readonly unknown[], bounds: Bounds, read: (tid: number) => Item) => {
  const items: Item[] = [];
  let bytes = 0;
  for (const { tid } of tids as readonly { tid: number }[]) {
    if (items.length >= bounds.entries) return { items, more: true };
    const item = read(tid);
    bytes += Buffer.byteLength(item.text ?? "");
    if (items.length > 0 && bytes > bounds.bytes) return { items, more: true };
    items.push(item);
  }
  return { items, more: false };
};

const search = (sql: Sql, query: RecordQuery, bounds: Bounds): Found<StoredRecord> => {
  const conditions: string[] = [];
  const values: Value[] = [];
  const where = (condition: string, ...more: Value[]): void => {
    conditions.push(condition);
    values.push(...more);
  };
  if (query.types) where(`r.type IN (${query.types.map(() => "?").join(", ")})`, ...query.types);
  // Whoever finds an escrow entry knew its identifier before.
  if (query.identifier === undefined) where("r.type <> 'OfflineEscrowEntry'");
  else where("r.identifier = ?", query.identifier);
  if (query.kind !== undefined) where(isEntryType(query.kind) ? "r.type = ?" : "r.kind = ?", query.kind);
  if (query.name !== undefined) where("r.tid IN (SELECT tid FROM record_name WHERE name = ?)", query.name);
  if (query.notBefore !== undefined) where("r.added >= ?", query.notBefore);
  if (query.before !== undefined) where("r.added < ?", query.before);
  if (query.below !== undefined) where("r.tid < ?", query.below);
  if (!query.allVersions) where("r.newest = 1");
  const tids = sql.all(
    `SELECT r.tid FROM record r WHERE ${conditions.join(" AND ")} ORDER BY r.tid DESC LIMIT ?`,
    ...values,
    bounds.entries + 1,
  );
  return take(tids, bounds, (tid) => toRecord(sql.get(`${RECORD} WHERE r.tid = ?`, tid) as RecordRow));
};

/** Reads the tables over one connection. */
export const createReader = (sql: Sql): Immediate<Reader> => {
  const profiles = (text: string, value: string): readonly string[] =>
    (sql.all(text, value) as { profile: string }[]).map(({ profile }) => profile);
  return {
    account: (account) =>
      sql.get("SELECT account, profile, status, created, modified FROM account WHERE account = ?", account) as
        Account | undefined,
    accountsOf: (profile) =>
      sql.all(
        "SELECT account, profile, status, created, modified FROM account WHERE profile = ? ORDER BY created, account",
        profile,
      ) as Account[],
    newest: (type, identifier) => {
      const row = sql.get(`${RECORD} WHERE r.identifier = ? AND r.type = ? AND r.newest = 1`, identifier, type);
      return row === undefined ? undefined : toRecord(row as RecordRow);
    },
    hasVersion: (type, identifier, hash) =>
      sql.get("SELECT 1 FROM record WHERE identifier = ? AND type = ? AND hash = ?", identifier, type, hash) !==
      undefined,
    typesOf: (identifier) =>
      (
        sql.all("SELECT type FROM record WHERE identifier = ? AND newest = 1 ORDER BY tid", identifier) as {
          type: EntryType;
        }[]
      ).map(({ type }) => type),
    search: (query, bounds) => search(sql, query, bounds),
    profilesWithDevice: (device) => profiles("SELECT profile FROM device WHERE device = ? ORDER BY profile", device),
    profilesWithAuthentication: (key) =>
      profiles("SELECT profile FROM device WHERE authentication = ? ORDER BY profile", key),
    usage: (owner) =>
      (sql.get("SELECT bytes, records FROM usage WHERE owner = ?", owner) as
        { bytes: number; records: number } | undefined) ?? { bytes: 0, records: 0 },
    pending: (account) =>
      (sql.all(`${PENDING} WHERE account = ? ORDER BY tid`, account) as PendingRow[]).map(toPending),
    pendingRequest: (account, device) => {
      const row = sql.get(`${PENDING} WHERE account = ? AND device = ?`, account, device);
      return row === undefined ? undefined : toPending(row as PendingRow);
    },
    result: (account, device) => {
      const row = sql.get(
        "SELECT r.hash, l.text FROM result r JOIN log l ON l.tid = r.tid WHERE r.account = ? AND r.device = ?",
        account,
        device,
      ) as { hash: string; text: string } | undefined;
      if (!row) return undefined;
      const { SignedConnectionResult } = JSON.parse(row.text) as { SignedConnectionResult: SignedRecord };
      return { account, device, hash: row.hash, record: SignedConnectionResult };
    },
    nonce: (key, nonce) => {
      const row = sql.get(
        "SELECT key, public, nonce, digest, expires, answer FROM nonce WHERE key = ? AND nonce = ?",
        key,
        nonce,
      ) as (Omit<UsedNonce, "answer"> & { answer: string | null }) | undefined;
      return row && { ...row, answer: row.answer ?? undefined };
    },
    reservation: (account) =>
      sql.get("SELECT account, key, expires FROM reservation WHERE account = ?", account) as Reservation | undefined,
    reservationsOf: (key) =>
      (sql.get("SELECT count(*) AS count FROM reservation WHERE key = ?", key) as { count: number }).count,
    publications: (query, bounds) => {
      const tids = sql.all(
        "SELECT tid FROM log WHERE published = 1 AND tid > ? AND added >= ? AND added < ? ORDER BY tid LIMIT ?",
        query.after,
        query.notBefore ?? Number.MIN_SAFE_INTEGER,
        query.before ?? Number.MAX_SAFE_INTEGER,
        bounds.entries + 1,
      );
      return take(tids, bounds, (tid) => toLogItem(sql.get(`${LOG} WHERE tid = ?`, tid) as LogRow));
    },
    lastWrite: () => (sql.get("SELECT added FROM log ORDER BY tid DESC LIMIT 1") as { added: Time } | undefined)?.added,
  };
};

interface NewLogItem extends Omit<LogItem, "tid" | "text"> {
  readonly text?: string;
  readonly published?: boolean;
}

/** Reads and changes the tables over one connection, which has a transaction open. */
export const createTransaction = (sql: Sql): Immediate<Transaction> => {
  const reader = createReader(sql);

  const append = (item: NewLogItem): number =>
    sql.run(
      "INSERT INTO log (primary_key, action, added, keys, text, published) VALUES (?, ?, ?, ?, ?, ?)",
      item.primaryKey,
      item.action,
      item.added,
      JSON.stringify(item.keys),
      item.text ?? null,
      item.published === true ? 1 : 0,
    );

  const appendAccount = (account: Account, action: Action): void => {
    const time = (value: Time): string => new Date(value).toISOString();
    const content = {
      Created: time(account.created),
      Modified: time(account.modified),
      AccountID: account.account,
      UserProfileUDF: account.profile,
      Status: account.status,
    };
    append({
      primaryKey: `Account$${account.account}`,
      action,
      added: account.modified,
      keys: [{ Key: "UserProfileUDF", Value: account.profile }],
      text: JSON.stringify({ Account: content }),
    });
    sql.run(
      "INSERT OR REPLACE INTO account (account, profile, status, created, modified) VALUES (?, ?, ?, ?, ?)",
      account.account,
      account.profile,
      account.status,
      account.created,
      account.modified,
    );
  };

  const removePending = (account: string, device: string, at: Time): void => {
    // A stranger's request outlives its answer only as this line: its content is not kept in the log.
    append({
      primaryKey: `Pending-${device}`,
      action: "Delete",
      added: at,
      keys: [{ Key: "AccountID", Value: account }],
    });
    sql.run("DELETE FROM pending WHERE account = ? AND device = ?", account, device);
  };

  return {
    ...reader,
    appendRecord: (record, at) => {
      const { type, identifier, kind, owner, hash, text, names = [], devices } = record;
      const known = sql.get("SELECT 1 FROM record WHERE identifier = ? AND type = ?", identifier, type) !== undefined;
      const tid = append({
        primaryKey: identifier,
        action: known ? "Update" : "New",
        added: at,
        keys: [{ Key: "Type", Value: kind }, ...names.map((name) => ({ Key: "Name", Value: name }))],
        text,
        published: type !== "OfflineEscrowEntry",
      });
      sql.run("UPDATE record SET newest = 0 WHERE identifier = ? AND type = ? AND newest = 1", identifier, type);
      sql.run(
        "INSERT INTO record (tid, type, identifier, kind, owner, hash, added, newest) VALUES (?, ?, ?, ?, ?, ?, ?, 1)",
        tid,
        type,
        identifier,
        kind,
        owner,
        hash,
        at,
      );
      for (const name of new Set(names)) sql.run("INSERT INTO record_name (name, tid) VALUES (?, ?)", name, tid);
      if (devices) {
        sql.run("DELETE FROM device WHERE profile = ?", identifier);
        for (const { device, authentication } of devices) {
          sql.run(
            "INSERT INTO device (device, authentication, profile) VALUES (?, ?, ?)",
            device,
            authentication,
            identifier,
          );
        }
      }
      const counts = type === "SignedApplicationProfile" || type === "OfflineEscrowEntry";
      sql.run(
        `INSERT INTO usage (owner, bytes, records) VALUES (?, ?, ?)
          ON CONFLICT (owner) DO UPDATE SET bytes = bytes + excluded.bytes, records = records + excluded.records`,
        owner,
        Buffer.byteLength(text),
        counts && !known ? 1 : 0,
      );
    },
    createAccount: (account, profile, at) =>
      appendAccount({ account, profile, status: "Open", created: at, modified: at }, "New"),
    setAccountStatus: (account, status, at) => {
      const known = reader.account(account);
      if (known) appendAccount({ ...known, status, modified: at }, "Update");
    },
    addPending: ({ account, device, address, hash, record }, profile, at) => {
      const keys = [
        { Key: "AccountID", Value: account },
        { Key: "UserProfileUDF", Value: profile },
      ];
      const tid = append({ primaryKey: `Pending-${device}`, action: "New", added: at, keys });
      sql.run(
        "INSERT INTO pending (tid, account, device, address, hash, added, record) VALUES (?, ?, ?, ?, ?, ?, ?)",
        tid,
        account,
        device,
        address,
        hash,
        at,
        JSON.stringify(record),
      );
    },
    removePending: (account, device, at) => removePending(account, device, at),
    putResult: ({ account, device, hash, record }, at) => {
      const tid = append({
        primaryKey: `Result-${device}`,
        action: "New",
        added: at,
        keys: [{ Key: "AccountID", Value: account }],
        text: JSON.stringify({ SignedConnectionResult: record }),
      });
      sql.run(
        "INSERT OR REPLACE INTO result (account, device, hash, tid) VALUES (?, ?, ?, ?)",
        account,
        device,
        hash,
        tid,
      );
    },
    removeResult: (account, device, at) => {
      append({
        primaryKey: `Result-${device}`,
        action: "Delete",
        added: at,
        keys: [{ Key: "AccountID", Value: account }],
      });
      sql.run("DELETE FROM result WHERE account = ? AND device = ?", account, device);
    },
    putNonce: ({ key, public: point, nonce, digest, expires, answer }) => {
      sql.run(
        "INSERT INTO nonce (key, public, nonce, digest, expires, answer) VALUES (?, ?, ?, ?, ?, ?)",
        key,
        point,
        nonce,
        digest,
        expires,
        answer ?? null,
      );
    },
    putReservation: ({ account, key, expires }) => {
      sql.run("INSERT OR REPLACE INTO reservation (account, key, expires) VALUES (?, ?, ?)", account, key, expires);
    },
    removeReservation: (account) => {
      sql.run("DELETE FROM reservation WHERE account = ?", account);
    },
    sweep: (at, requestsBefore) => {
      sql.run("DELETE FROM nonce WHERE expires <= ?", at);
      sql.run("DELETE FROM reservation WHERE expires <= ?", at);
      const lapsed = sql.all("SELECT account, device FROM pending WHERE added < ?", requestsBefore);
      for (const { account, device } of lapsed as StoredResult[]) removePending(account, device, at);
    },
  };
};
