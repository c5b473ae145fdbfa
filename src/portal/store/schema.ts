/** The version of the tables below. Older ones are brought up to it by `migrate.ts`. */
export const SCHEMA_VERSION = 2;

/** Tables of the Merkle tree, which are new in version 2. */
export const LOG_TABLES = `
CREATE TABLE leaf (idx INTEGER PRIMARY KEY, key BLOB NOT NULL, data BLOB NOT NULL) STRICT;
CREATE UNIQUE INDEX leaf_key ON leaf (key, idx);
CREATE TABLE tile (level INTEGER NOT NULL, idx INTEGER NOT NULL, hashes BLOB NOT NULL, PRIMARY KEY (level, idx)) STRICT;
CREATE TABLE head (
  number INTEGER PRIMARY KEY CHECK (number = 1),
  size INTEGER NOT NULL,
  root BLOB NOT NULL,
  checkpoint TEXT NOT NULL,
  time INTEGER NOT NULL,
  verifier TEXT NOT NULL
) STRICT;
CREATE TABLE log_key (number INTEGER PRIMARY KEY, verifier TEXT NOT NULL UNIQUE, change TEXT) STRICT;
`;

/** Tables of the index that have changed since version 1. Most point to leaves now. */
export const RECORD_TABLE = `
CREATE TABLE record (
  tid INTEGER PRIMARY KEY REFERENCES log (tid),
  type TEXT NOT NULL,
  identifier TEXT NOT NULL,
  kind TEXT NOT NULL,
  owner TEXT NOT NULL,
  hash TEXT NOT NULL,
  added INTEGER NOT NULL,
  newest INTEGER NOT NULL,
  leaf INTEGER NOT NULL REFERENCES leaf (idx)
) STRICT;
`;
export const RECORD_INDEXES = `
CREATE UNIQUE INDEX record_version ON record (identifier, type, hash);
CREATE UNIQUE INDEX record_newest ON record (identifier, type) WHERE newest = 1;
CREATE INDEX record_type ON record (type, tid);
CREATE INDEX record_kind ON record (kind, tid);
`;
export const DEVICE_TABLE = `
CREATE TABLE device (
  device TEXT NOT NULL,
  authentication TEXT NOT NULL,
  profile TEXT NOT NULL,
  since INTEGER NOT NULL,
  PRIMARY KEY (profile, device)
) STRICT, WITHOUT ROWID;
`;
export const DEVICE_INDEXES = `
CREATE INDEX device_signature ON device (device, since);
CREATE INDEX device_authentication ON device (authentication, since);
`;
export const ACCOUNT_TABLE = `
CREATE TABLE account (
  account TEXT PRIMARY KEY,
  profile TEXT NOT NULL,
  status TEXT NOT NULL,
  created INTEGER NOT NULL,
  modified INTEGER NOT NULL,
  leaf INTEGER NOT NULL REFERENCES leaf (idx)
) STRICT, WITHOUT ROWID;
`;
export const ACCOUNT_INDEXES = `
CREATE INDEX account_profile ON account (profile);
`;
export const RESULT_TABLE = `
CREATE TABLE result (
  account TEXT NOT NULL REFERENCES account (account),
  device TEXT NOT NULL,
  hash TEXT NOT NULL,
  tid INTEGER NOT NULL REFERENCES log (tid),
  leaf INTEGER NOT NULL REFERENCES leaf (idx),
  PRIMARY KEY (account, device)
) STRICT, WITHOUT ROWID;
`;

/** The log, the index over it, and the Merkle tree, as SQLite spells them. Times are milliseconds since 1970. */
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
${LOG_TABLES}${RECORD_TABLE}${RECORD_INDEXES}
CREATE TABLE record_name (name TEXT NOT NULL, tid INTEGER NOT NULL REFERENCES record (tid), PRIMARY KEY (name, tid))
  STRICT, WITHOUT ROWID;
${DEVICE_TABLE}${DEVICE_INDEXES}
CREATE TABLE usage (owner TEXT PRIMARY KEY, bytes INTEGER NOT NULL, records INTEGER NOT NULL) STRICT, WITHOUT ROWID;
${ACCOUNT_TABLE}${ACCOUNT_INDEXES}
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
${RESULT_TABLE}
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

/** What of the tables and indexes is not among the names of those that there are, in words such as a database's own. */
export const missingOf = (names: readonly string[]): string[] =>
  [...SCHEMA.matchAll(/^CREATE (?:UNIQUE )?(TABLE|INDEX) ([a-z_]+)/gm)]
    .filter(([, , name = ""]) => !names.includes(name))
    .map(([, kind = "", name = ""]) => `no such ${kind.toLowerCase()}: ${name}`);
