import type { MeshError } from "../../errors.js";
import { accountLeafHash, accountUdf, LEAF_KINDS } from "../../mesh/log/leaf.js";
import type { EntryType } from "../../mesh/protocol.js";
import { recordHash, type SignedRecord } from "../../mesh/signed-record.js";
import { emptyHead, type Sequencer } from "./sequencer.js";
import type { Sql } from "./sql.js";
import type { AccountStatus, LogSigner, Time } from "./store.js";
import {
  ACCOUNT_INDEXES,
  ACCOUNT_TABLE,
  DEVICE_INDEXES,
  DEVICE_TABLE,
  LOG_TABLES,
  RECORD_INDEXES,
  RECORD_TABLE,
  RESULT_TABLE,
} from "./schema.js";

/** How many items of the log are read at once. Each may have a quarter of a mebibyte. */
const PAGE = 64;

/** Registers the first key of a log and signs the head of the tree without leaves. */
export const beginLog = (sql: Sql, signer: LogSigner): void => {
  const { size, root, checkpoint, time, verifier } = emptyHead(signer);
  sql.write("INSERT INTO log_key (number, verifier, change) VALUES (1, ?, NULL)", verifier);
  sql.write(
    "INSERT INTO head (number, size, root, checkpoint, time, verifier) VALUES (1, ?, ?, ?, ?, ?)",
    size,
    root,
    checkpoint,
    time,
    verifier,
  );
};

interface Row {
  readonly tid: number;
  readonly primary_key: string;
  readonly added: Time;
  readonly text: string;
  readonly type: EntryType | null;
  readonly identifier: string;
  readonly hash: string;
}

const payloadOf = (record: SignedRecord): Record<string, unknown> => {
  const container = JSON.parse(Buffer.from(record.SignedData.payload, "base64url").toString("utf8")) as object;
  return Object.values(container)[0] as Record<string, unknown>;
};

const sequenceOf = (payload: Record<string, unknown>): number => {
  const { Sequence } = payload;
  if (!Number.isSafeInteger(Sequence)) throw new RangeError("A record has no sequence.");
  return Sequence as number;
};

/** What the index and the leaf of a record hold of its content. */
interface Content {
  readonly masterSequence: number;
  readonly sequence: number;
  /** Of a personal profile: the devices that it lists. */
  readonly devices?: readonly string[];
}

const contentOf = (type: EntryType, text: string): Content => {
  const [record] = Object.values(JSON.parse(text) as Record<string, SignedRecord>);
  if (!record) throw new RangeError("A record is empty.");
  switch (type) {
    case "SignedPersonalProfile": {
      const payload = payloadOf(record);
      const master = payloadOf(payload["SignedMasterProfile"] as SignedRecord);
      const devices = (payload["Devices"] as readonly SignedRecord[]).map(({ Identifier }) => Identifier);
      return { masterSequence: sequenceOf(master), sequence: sequenceOf(payload), devices };
    }
    case "SignedApplicationProfile":
      return { masterSequence: 0, sequence: sequenceOf(payloadOf(record)) };
    case "SignedMasterProfile":
      return { masterSequence: sequenceOf(payloadOf(record)), sequence: 0 };
    default:
      return { masterSequence: 0, sequence: 0 };
  }
};

/** Keeps since when a profile lists the devices that it lists without a break. */
const listDevices = async (sql: Sql, profile: string, devices: readonly string[], since: number): Promise<void> => {
  const rows = (await sql.all("SELECT device FROM listed WHERE profile = ?", profile)) as { device: string }[];
  for (const { device } of rows.filter((row) => !devices.includes(row.device))) {
    sql.write("DELETE FROM listed WHERE profile = ? AND device = ?", profile, device);
  }
  for (const device of devices) {
    sql.write(
      "INSERT INTO listed (profile, device, since) VALUES (?, ?, ?) ON CONFLICT (profile, device) DO NOTHING",
      profile,
      device,
      since,
    );
  }
};

/** Gives one item of the log its leaf, where it is of a kind that has one. */
const appendItem = async (sql: Sql, sequencer: Sequencer, row: Row): Promise<void> => {
  const fromText = (hash: string): Buffer => Buffer.from(hash, "base64url");
  const remember = (leaf: number): void => {
    sql.write("INSERT INTO leaf_of (tid, leaf) VALUES (?, ?)", row.tid, leaf);
  };
  if (row.type !== null) {
    const kind = LEAF_KINDS[row.type];
    const previous = await sequencer.newest(kind, row.identifier);
    const { devices, ...sequences } = contentOf(row.type, row.text);
    const content = { kind, ...sequences, recordHash: fromText(row.hash) };
    remember(sequencer.append(content, row.identifier, previous, row.added));
    if (devices) await listDevices(sql, row.identifier, devices, row.tid);
  } else if (row.primary_key.startsWith("Account$")) {
    const { Account } = JSON.parse(row.text) as { Account: Record<string, string> };
    const { AccountID = "", UserProfileUDF = "", Status = "" } = Account;
    const udf = accountUdf(AccountID);
    const previous = await sequencer.newest("account", udf);
    const content = {
      kind: "account",
      masterSequence: 0,
      sequence: (previous?.leaf.sequence ?? 0) + 1,
      recordHash: accountLeafHash(udf, UserProfileUDF, Status as AccountStatus),
    } as const;
    const leaf = sequencer.append(content, udf, previous, row.added);
    sql.write(
      "INSERT INTO leaf_of_account (account, leaf) VALUES (?, ?) ON CONFLICT (account) DO UPDATE SET leaf = excluded.leaf",
      AccountID,
      leaf,
    );
  } else if (row.primary_key.startsWith("Result-")) {
    const { SignedConnectionResult: record } = JSON.parse(row.text) as { SignedConnectionResult: SignedRecord };
    const device = row.primary_key.slice("Result-".length);
    const previous = await sequencer.newest("result", device);
    const content = {
      kind: "result",
      masterSequence: 0,
      sequence: 0,
      recordHash: fromText(recordHash(record)),
    } as const;
    remember(sequencer.append(content, device, previous, row.added));
  }
};

/** Gives a table another form: one that cannot be reached by adding columns. */
const rebuild = (table: string, definition: string, select: string): string => `
${definition.replace(`CREATE TABLE ${table} `, `CREATE TABLE ${table}_new `)}
INSERT INTO ${table}_new ${select};
DROP TABLE ${table};
ALTER TABLE ${table}_new RENAME TO ${table};
`;

/**
 * Brings the tables of version 1 up to version 2, within a transaction and without foreign keys being enforced meanwhile: everything
 * stored gets its leaf, in the order of its transaction identifiers. Throws `damaged()` where something stored cannot be read.
 */
export const migrateToLog = async (
  { sql, exec }: { readonly sql: Sql; readonly exec: (text: string) => void },
  sequencer: Sequencer,
  signer: LogSigner,
  damaged: (cause: unknown) => MeshError,
): Promise<void> => {
  exec(LOG_TABLES);
  exec(`CREATE TEMP TABLE leaf_of (tid INTEGER PRIMARY KEY, leaf INTEGER NOT NULL);
    CREATE TEMP TABLE leaf_of_account (account TEXT PRIMARY KEY, leaf INTEGER NOT NULL);
    CREATE TEMP TABLE listed (profile TEXT, device TEXT, since INTEGER NOT NULL, PRIMARY KEY (profile, device));`);
  beginLog(sql, signer);
  for (let after = 0; ;) {
    const rows = (await sql.all(
      `SELECT l.tid, l.primary_key, l.added, l.text, r.type, r.identifier, r.hash FROM log l LEFT JOIN record r ON r.tid = l.tid
        WHERE l.tid > ? AND l.text IS NOT NULL ORDER BY l.tid LIMIT ?`,
      after,
      PAGE,
    )) as Row[];
    const last = rows.at(-1);
    if (!last) break;
    await sequencer.begin();
    for (const row of rows) {
      try {
        await appendItem(sql, sequencer, row);
      } catch (error) {
        throw error instanceof TypeError || error instanceof SyntaxError || error instanceof RangeError
          ? damaged(error)
          : error;
      }
    }
    await sequencer.seal();
    after = last.tid;
  }
  exec(rebuild("record", RECORD_TABLE, "SELECT r.*, n.leaf FROM record r LEFT JOIN leaf_of n ON n.tid = r.tid"));
  exec(RECORD_INDEXES);
  exec(
    rebuild(
      "account",
      ACCOUNT_TABLE,
      "SELECT a.*, n.leaf FROM account a LEFT JOIN leaf_of_account n ON n.account = a.account",
    ),
  );
  exec(ACCOUNT_INDEXES);
  exec(rebuild("result", RESULT_TABLE, "SELECT r.*, n.leaf FROM result r LEFT JOIN leaf_of n ON n.tid = r.tid"));
  exec(
    rebuild(
      "device",
      DEVICE_TABLE,
      "SELECT d.*, n.since FROM device d LEFT JOIN listed n ON n.profile = d.profile AND n.device = d.device",
    ),
  );
  exec(DEVICE_INDEXES);
  exec("DROP TABLE leaf_of; DROP TABLE leaf_of_account; DROP TABLE listed");
};
