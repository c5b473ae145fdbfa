import Database from "better-sqlite3";

/** The tables of the stores that were made before there was a Merkle tree. */
const SCHEMA_1 = `
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

const TABLES = [
  "meta",
  "log",
  "record",
  "record_name",
  "device",
  "usage",
  "account",
  "pending",
  "result",
  "nonce",
  "reservation",
];

/** Makes, out of a present store, the one of version 1 with the same content. */
export const makeVersion1 = (from: string, to: string): void => {
  const db = new Database(to);
  db.exec(SCHEMA_1);
  db.pragma("application_id = 0x4d4d4d50");
  db.pragma("user_version = 1");
  db.prepare("ATTACH ? AS present").run(from);
  for (const table of TABLES) {
    const columns = (db.pragma(`main.table_info(${table})`) as { name: string }[]).map(({ name }) => name).join(", ");
    db.exec(`INSERT INTO main.${table} (${columns}) SELECT ${columns} FROM present.${table}`);
  }
  db.close();
};
