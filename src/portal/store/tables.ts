import { MeshError } from "../../errors.js";
import { sha256, utf8 } from "../../mesh/bytes.js";
import type { SignedRecord } from "../../mesh/jose.js";
import { openKeyChange } from "../../mesh/log/key-change.js";
import { accountLeafHash, accountUdf, decodeLeaf, LEAF_KINDS } from "../../mesh/log/leaf.js";
import type { EntryType } from "../../mesh/protocol.js";
import { msg } from "../../messages/message.js";
import { HEAD, LEAF_BEFORE, type HeadRow, type Sequencer } from "./sequencer.js";
import type { Sql, Value } from "./sql.js";
import type {
  Account,
  Action,
  Bounds,
  Found,
  KeyValue,
  LogItem,
  NewRecord,
  PendingRequest,
  Reader,
  RecordQuery,
  Reservation,
  StoredItem,
  StoredLeaf,
  StoredRecord,
  StoredResult,
  Time,
  Transaction,
  Usage,
  UsedNonce,
} from "./store.js";

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
  readonly leaf: number;
}

type ItemRow = LogRow &
  ((Omit<RecordRow, keyof LogRow> & { readonly newest: number }) | { readonly [Name in keyof RecordRow]?: null });

interface ResultRow extends Pick<StoredResult, "account" | "device" | "hash" | "leaf"> {
  readonly text: string;
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
  leaf: row.leaf,
});

const toItem = (row: ItemRow): StoredItem => ({
  ...toLogItem(row),
  record:
    typeof row.type === "string"
      ? {
          type: row.type,
          identifier: row.identifier,
          kind: row.kind,
          owner: row.owner,
          hash: row.hash,
          leaf: row.leaf,
          newest: row.newest === 1,
        }
      : undefined,
});

const toPending = ({ record, ...row }: PendingRow): PendingRequest => ({
  ...row,
  record: JSON.parse(record) as SignedRecord,
});

const toResult = ({ text, ...row }: ResultRow): StoredResult => ({
  ...row,
  record: (JSON.parse(text) as { SignedConnectionResult: SignedRecord }).SignedConnectionResult,
});

const RECORD = `SELECT l.tid, l.primary_key, l.action, l.added, l.keys, l.text, r.type, r.identifier, r.kind, r.owner, r.hash,
    r.leaf FROM record r JOIN log l ON l.tid = r.tid`;
const ITEM = `SELECT l.tid, l.primary_key, l.action, l.added, l.keys, l.text, r.type, r.identifier, r.kind, r.owner, r.hash,
    r.leaf, r.newest FROM log l LEFT JOIN record r ON r.tid = l.tid`;
const PUBLICATION = `SELECT l.tid, l.primary_key, l.action, l.added, l.keys, l.text, r.leaf, f.data FROM record r
    JOIN log l ON l.tid = r.tid JOIN leaf f ON f.idx = r.leaf WHERE r.tid = ?`;
const ACCOUNT = "SELECT account, profile, status, created, modified, leaf FROM account";
const PENDING = "SELECT tid, account, device, address, hash, added, record FROM pending";
const RESULT = "SELECT r.account, r.device, r.hash, r.leaf, l.text FROM result r JOIN log l ON l.tid = r.tid";

/** Reads records until a bound is reached. Their sizes are looked at first, since any may be large. */
const take = async <Item>(
  sizes: readonly unknown[],
  bounds: Bounds,
  read: (tid: number) => Promise<Item>,
): Promise<Found<Item>> => {
  const tids: number[] = [];
  let sum = 0;
  for (const { tid, bytes } of sizes as readonly { tid: number; bytes: number }[]) {
    sum += bytes;
    if (tids.length >= bounds.entries || (tids.length > 0 && sum > bounds.bytes)) break;
    tids.push(tid);
  }
  const items = await Promise.all(tids.map((tid) => read(tid)));
  return { items, more: tids.length < sizes.length };
};

const search = async (sql: Sql, query: RecordQuery, bounds: Bounds): Promise<Found<StoredRecord>> => {
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
  if (query.identifier !== undefined && !query.allVersions) {
    // One of each type at most: they are read at once.
    const rows = (await sql.all(`${RECORD} WHERE ${conditions.join(" AND ")}`, ...values)) as RecordRow[];
    const records = rows.map(toRecord).sort((a, b) => b.tid - a.tid);
    const sizes = records.map(({ tid, text }) => ({ tid, bytes: Buffer.byteLength(text) }));
    const byTid = new Map(records.map((record) => [record.tid, record]));
    return take(sizes, bounds, (tid) => Promise.resolve(byTid.get(tid) as StoredRecord));
  }
  const sizes = await sql.all(
    `SELECT r.tid, octet_length(l.text) AS bytes FROM record r JOIN log l ON l.tid = r.tid
      WHERE ${conditions.join(" AND ")} ORDER BY r.tid DESC LIMIT ?`,
    ...values,
    bounds.entries + 1,
  );
  return take(sizes, bounds, async (tid) => toRecord((await sql.get(`${RECORD} WHERE r.tid = ?`, tid)) as RecordRow));
};

/** Reads the tables over one connection. */
export const createReader = (sql: Sql): Reader => {
  const profiles = async (text: string, value: string, count: number): Promise<readonly string[]> =>
    ((await sql.all(text, value, count)) as { profile: string }[]).map(({ profile }) => profile);
  return {
    account: async (account) => (await sql.get(`${ACCOUNT} WHERE account = ?`, account)) as Account | undefined,
    accountsOf: async (profile) =>
      (await sql.all(`${ACCOUNT} WHERE profile = ? ORDER BY created, account`, profile)) as Account[],
    newest: async (type, identifier) => {
      const row = await sql.get(`${RECORD} WHERE r.identifier = ? AND r.type = ? AND r.newest = 1`, identifier, type);
      return row === undefined ? undefined : toRecord(row as RecordRow);
    },
    newestVersion: async (type, identifier) =>
      (await sql.get(
        "SELECT hash, owner, leaf FROM record WHERE identifier = ? AND type = ? AND newest = 1",
        identifier,
        type,
      )) as Pick<StoredRecord, "hash" | "owner" | "leaf"> | undefined,
    versionLeaf: async (type, identifier, hash) => {
      const row = await sql.get(
        "SELECT leaf FROM record WHERE identifier = ? AND type = ? AND hash = ?",
        identifier,
        type,
        hash,
      );
      return (row as { leaf: number } | undefined)?.leaf;
    },
    typesOf: async (identifier) => {
      const rows = await sql.all(
        "SELECT type FROM record WHERE identifier = ? AND newest = 1 ORDER BY tid",
        identifier,
      );
      return (rows as { type: EntryType }[]).map(({ type }) => type);
    },
    search: (query, bounds) => search(sql, query, bounds),
    profilesWithDevice: (device, count) =>
      profiles("SELECT profile FROM device WHERE device = ? ORDER BY since LIMIT ?", device, count),
    profilesWithAuthentication: (key, count) =>
      profiles("SELECT profile FROM device WHERE authentication = ? ORDER BY since LIMIT ?", key, count),
    usage: async (owner) =>
      ((await sql.get("SELECT bytes, records FROM usage WHERE owner = ?", owner)) as Usage | undefined) ?? {
        bytes: 0,
        records: 0,
      },
    pending: async (account) =>
      ((await sql.all(`${PENDING} WHERE account = ? ORDER BY tid`, account)) as PendingRow[]).map(toPending),
    pendingRequest: async (account, device) => {
      const row = await sql.get(`${PENDING} WHERE account = ? AND device = ?`, account, device);
      return row === undefined ? undefined : toPending(row as PendingRow);
    },
    result: async (account, device) => {
      const row = await sql.get(`${RESULT} WHERE r.account = ? AND r.device = ?`, account, device);
      return row === undefined ? undefined : toResult(row as ResultRow);
    },
    nonce: async (key, nonce) => {
      const row = (await sql.get(
        "SELECT key, public, nonce, digest, expires, answer FROM nonce WHERE key = ? AND nonce = ?",
        key,
        nonce,
      )) as (Omit<UsedNonce, "answer"> & { answer: string | null }) | undefined;
      return row && { ...row, answer: row.answer ?? undefined };
    },
    reservation: async (account) =>
      (await sql.get("SELECT account, key, expires FROM reservation WHERE account = ?", account)) as
        Reservation | undefined,
    reservationsOf: async (key) =>
      ((await sql.get("SELECT count(*) AS count FROM reservation WHERE key = ?", key)) as { count: number }).count,
    publications: async (query, bounds) => {
      const sizes = await sql.all(
        `SELECT tid, octet_length(text) AS bytes FROM log
          WHERE published = 1 AND tid > ? AND added >= ? AND added < ? ORDER BY tid LIMIT ?`,
        query.after,
        query.notBefore ?? Number.MIN_SAFE_INTEGER,
        query.before ?? Number.MAX_SAFE_INTEGER,
        bounds.entries + 1,
      );
      return take(sizes, bounds, async (tid) => {
        const row = (await sql.get(PUBLICATION, tid)) as LogRow & { readonly leaf: number; readonly data: Buffer };
        const { masterSequence, sequence } = decodeLeaf(row.data);
        return { ...toLogItem(row), leaf: row.leaf, masterSequence, sequence };
      });
    },
    lastWrite: async () =>
      ((await sql.get("SELECT added FROM log ORDER BY tid DESC LIMIT 1")) as { added: Time } | undefined)?.added,
    head: async () => {
      const { size, root, checkpoint, time } = (await sql.get(HEAD)) as HeadRow;
      return { size, root, checkpoint, time };
    },
    leaves: async (from, count) =>
      (await sql.all(
        'SELECT idx AS "index", key, data FROM leaf WHERE idx >= ? ORDER BY idx LIMIT ?',
        from,
        count,
      )) as StoredLeaf[],
    tile: async (level, index) =>
      (
        (await sql.get("SELECT hashes FROM tile WHERE level = ? AND idx = ?", level, index)) as
          { hashes: Buffer } | undefined
      )?.hashes,
    logKeys: async () => {
      const rows = await sql.all("SELECT verifier, change FROM log_key ORDER BY number");
      return (rows as { verifier: string; change: string | null }[]).map(({ verifier, change }) => ({
        verifier,
        change: change ?? undefined,
      }));
    },
    leafBefore: async (key, index) => (await sql.get(LEAF_BEFORE, key, index)) as StoredLeaf | undefined,
    items: async (after, count) =>
      ((await sql.all(`${ITEM} WHERE l.tid > ? ORDER BY l.tid LIMIT ?`, after, count)) as ItemRow[]).map(toItem),
    accounts: async (after, count) =>
      (await sql.all(`${ACCOUNT} WHERE account > ? ORDER BY account LIMIT ?`, after, count)) as Account[],
    results: async (after, count) => {
      const rows = await sql.all(
        `${RESULT} WHERE r.account > ? OR (r.account = ? AND r.device > ?) ORDER BY r.account, r.device LIMIT ?`,
        after.account,
        after.account,
        after.device,
        count,
      );
      return (rows as ResultRow[]).map(toResult);
    },
    usages: async (after, count) =>
      (await sql.all(
        "SELECT owner, bytes, records FROM usage WHERE owner > ? ORDER BY owner LIMIT ?",
        after,
        count,
      )) as (Usage & { owner: string })[],
  };
};

interface NewLogItem extends Omit<LogItem, "tid" | "text"> {
  readonly text?: string;
  readonly published?: boolean;
}

const fromBase64url = (text: string): Buffer => Buffer.from(text, "base64url");

/** Reads and changes the tables over one connection, which has a transaction open that `sequencer` knows of. */
export const createTransaction = (sql: Sql, sequencer: Sequencer): Transaction => {
  const reader = createReader(sql);

  const append = (item: NewLogItem): number => {
    const tid = sequencer.nextTid();
    sql.write(
      "INSERT INTO log (tid, primary_key, action, added, keys, text, published) VALUES (?, ?, ?, ?, ?, ?, ?)",
      tid,
      item.primaryKey,
      item.action,
      item.added,
      JSON.stringify(item.keys),
      item.text ?? null,
      item.published === true ? 1 : 0,
    );
    return tid;
  };

  const appendAccount = async (account: Omit<Account, "leaf">, action: Action): Promise<number> => {
    const udf = accountUdf(account.account);
    const previous = await sequencer.newest("account", udf);
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
    const leaf = sequencer.append(
      {
        kind: "account",
        masterSequence: 0,
        sequence: (previous?.leaf.sequence ?? 0) + 1,
        recordHash: accountLeafHash(udf, account.profile, account.status),
      },
      udf,
      previous,
      account.modified,
    );
    sql.write(
      `INSERT INTO account (account, profile, status, created, modified, leaf) VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (account) DO UPDATE SET profile = excluded.profile, status = excluded.status,
          created = excluded.created, modified = excluded.modified, leaf = excluded.leaf`,
      account.account,
      account.profile,
      account.status,
      account.created,
      account.modified,
      leaf,
    );
    return leaf;
  };

  const removePending = (account: string, device: string, at: Time): void => {
    // A stranger's request outlives its answer only as this line: its content is not kept in the log.
    append({
      primaryKey: `Pending-${device}`,
      action: "Delete",
      added: at,
      keys: [{ Key: "AccountID", Value: account }],
    });
    sql.write("DELETE FROM pending WHERE account = ? AND device = ?", account, device);
  };

  /** The devices that a profile lists, by fingerprint, with their authentication keys. */
  const listedDevices = async (profile: string): Promise<Map<string, string>> => {
    const rows = await sql.all("SELECT device, authentication FROM device WHERE profile = ?", profile);
    return new Map(
      (rows as { device: string; authentication: string }[]).map((row) => [row.device, row.authentication]),
    );
  };

  /** Keeps which devices a profile lists, and since when. */
  const listDevices = (
    profile: string,
    listed: Map<string, string>,
    devices: NonNullable<NewRecord["devices"]>,
    since: number,
  ): void => {
    for (const { device, authentication } of devices) {
      if (listed.get(device) !== authentication) {
        sql.write(
          `INSERT INTO device (device, authentication, profile, since) VALUES (?, ?, ?, ?)
            ON CONFLICT (profile, device) DO UPDATE SET authentication = excluded.authentication`,
          device,
          authentication,
          profile,
          since,
        );
      }
      listed.delete(device);
    }
    for (const device of listed.keys()) {
      sql.write("DELETE FROM device WHERE profile = ? AND device = ?", profile, device);
    }
  };

  return {
    ...reader,
    appendRecord: async (record, at) => {
      const { type, identifier, kind, owner, hash, text, names = [], devices } = record;
      const leafKind = LEAF_KINDS[type];
      const [previous, listed] = await Promise.all([
        sequencer.newest(leafKind, identifier),
        devices && listedDevices(identifier),
      ]);
      const tid = append({
        primaryKey: identifier,
        action: previous ? "Update" : "New",
        added: at,
        keys: [{ Key: "Type", Value: kind }, ...names.map((name) => ({ Key: "Name", Value: name }))],
        text,
        published: type !== "OfflineEscrowEntry",
      });
      const { masterSequence, sequence } = record;
      const content = { kind: leafKind, masterSequence, sequence, recordHash: fromBase64url(hash) };
      const leaf = sequencer.append(content, identifier, previous, at);
      if (previous) {
        sql.write("UPDATE record SET newest = 0 WHERE identifier = ? AND type = ? AND newest = 1", identifier, type);
      }
      sql.write(
        `INSERT INTO record (tid, type, identifier, kind, owner, hash, added, newest, leaf)
          VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?)`,
        tid,
        type,
        identifier,
        kind,
        owner,
        hash,
        at,
        leaf,
      );
      for (const name of new Set(names)) sql.write("INSERT INTO record_name (name, tid) VALUES (?, ?)", name, tid);
      if (devices && listed) listDevices(identifier, listed, devices, tid);
      const counts = type === "SignedApplicationProfile" || type === "OfflineEscrowEntry";
      sql.write(
        `INSERT INTO usage (owner, bytes, records) VALUES (?, ?, ?) ON CONFLICT (owner)
          DO UPDATE SET bytes = usage.bytes + excluded.bytes, records = usage.records + excluded.records`,
        owner,
        Buffer.byteLength(text),
        counts && !previous ? 1 : 0,
      );
      return leaf;
    },
    createAccount: (account, profile, at) =>
      appendAccount({ account, profile, status: "Open", created: at, modified: at }, "New"),
    setAccountStatus: async (account, status, at) => {
      const known = await reader.account(account);
      if (!known) throw new MeshError("account-not-found", msg("portal.account-unknown"));
      return appendAccount({ ...known, status, modified: at }, "Update");
    },
    addPending: ({ account, device, address, hash, record }, profile, at) => {
      const keys = [
        { Key: "AccountID", Value: account },
        { Key: "UserProfileUDF", Value: profile },
      ];
      const tid = append({ primaryKey: `Pending-${device}`, action: "New", added: at, keys });
      sql.write(
        "INSERT INTO pending (tid, account, device, address, hash, added, record) VALUES (?, ?, ?, ?, ?, ?, ?)",
        tid,
        account,
        device,
        address,
        hash,
        at,
        JSON.stringify(record),
      );
      return Promise.resolve();
    },
    removePending: (account, device, at) => {
      removePending(account, device, at);
      return Promise.resolve();
    },
    putResult: async ({ account, device, hash, record }, at) => {
      const previous = await sequencer.newest("result", device);
      const tid = append({
        primaryKey: `Result-${device}`,
        action: "New",
        added: at,
        keys: [{ Key: "AccountID", Value: account }],
        text: JSON.stringify({ SignedConnectionResult: record }),
      });
      const content = { kind: "result", masterSequence: 0, sequence: 0, recordHash: fromBase64url(hash) } as const;
      const leaf = sequencer.append(content, device, previous, at);
      sql.write(
        `INSERT INTO result (account, device, hash, tid, leaf) VALUES (?, ?, ?, ?, ?) ON CONFLICT (account, device)
          DO UPDATE SET hash = excluded.hash, tid = excluded.tid, leaf = excluded.leaf`,
        account,
        device,
        hash,
        tid,
        leaf,
      );
      return leaf;
    },
    removeResult: (account, device, at) => {
      append({
        primaryKey: `Result-${device}`,
        action: "Delete",
        added: at,
        keys: [{ Key: "AccountID", Value: account }],
      });
      sql.write("DELETE FROM result WHERE account = ? AND device = ?", account, device);
      return Promise.resolve();
    },
    putNonce: ({ key, public: point, nonce, digest, expires, answer }) => {
      sql.write(
        "INSERT INTO nonce (key, public, nonce, digest, expires, answer) VALUES (?, ?, ?, ?, ?, ?)",
        key,
        point,
        nonce,
        digest,
        expires,
        answer ?? null,
      );
      return Promise.resolve();
    },
    putReservation: ({ account, key, expires }) => {
      sql.write(
        `INSERT INTO reservation (account, key, expires) VALUES (?, ?, ?)
          ON CONFLICT (account) DO UPDATE SET key = excluded.key, expires = excluded.expires`,
        account,
        key,
        expires,
      );
      return Promise.resolve();
    },
    removeReservation: (account) => {
      sql.write("DELETE FROM reservation WHERE account = ?", account);
      return Promise.resolve();
    },
    changeLogKey: async (next, change, at) => {
      const keys = await reader.logKeys();
      const { verifier, size } = openKeyChange(change, keys.at(-1)?.verifier ?? "");
      const previous = await sequencer.newest("key", next.origin);
      append({
        primaryKey: "LogKey",
        action: "Update",
        added: at,
        keys: [],
        text: JSON.stringify({ LogKeyChange: change }),
      });
      const content = { kind: "key", masterSequence: 0, sequence: 0, recordHash: sha256(utf8(change)) } as const;
      const leaf = sequencer.append(content, next.origin, previous, at);
      if (verifier !== next.verifier || size > leaf) {
        throw new MeshError("log-key-changed", msg("portal.log-key-change"));
      }
      sequencer.changeSigner(next);
      sql.write("INSERT INTO log_key (number, verifier, change) VALUES (?, ?, ?)", keys.length + 1, verifier, change);
      return leaf;
    },
    sweep: async (at, requestsBefore) => {
      sql.write("DELETE FROM nonce WHERE expires <= ?", at);
      sql.write("DELETE FROM reservation WHERE expires <= ?", at);
      const lapsed = await sql.all("SELECT account, device FROM pending WHERE added < ?", requestsBefore);
      for (const { account, device } of lapsed as StoredResult[]) removePending(account, device, at);
    },
  };
};
