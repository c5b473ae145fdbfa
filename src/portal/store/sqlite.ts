import * as fs from "node:fs";
import Database from "better-sqlite3";
import { MeshError } from "../../errors.js";
import { msg } from "../../messages/message.js";
import { beginLog, migrateToLog } from "./migrate.js";
import { mayCreate, RESTORING, storeNotFound, storeUnfinished, type StoreOptions } from "./options.js";
import { createPooledStore } from "./pooled-store.js";
import { missingOf, SCHEMA, SCHEMA_VERSION } from "./schema.js";
import { createSequencer, HEAD, signerUnder, type HeadRow, type SequencerFaults } from "./sequencer.js";
import type { Sql } from "./sql.js";
import {
  codeOf,
  createSqliteSql,
  createSqliteWriter,
  isBusy,
  preparer,
  SQLITE_WAIT,
  whenFree,
  type Outcome,
} from "./sqlite-sql.js";
import type { Head, Reader, Store } from "./store.js";
import { createReader } from "./tables.js";

export type { StoreOptions } from "./options.js";

/** "MMMP": marks the file as the store of a Mesh portal. */
const APPLICATION_ID = 0x4d4d4d50;
const ID_LENGTH = 16;
/** How long a lock that another process holds is waited for, in milliseconds. */
const BUSY_WAIT = 10_000;
/** How many kibibytes of pages are kept in memory: an index over many records is read everywhere. */
const CACHE_SIZE = 16 * 1024;
/**
 * So many pages are written to the log in front of the file before they are taken into it. With many records every change is to pages
 * of its own, and most of them are changed again before that.
 */
const LOGGED_PAGES = 4000;
/** Smaller files are checked through when they are opened, since that takes no time one could notice. */
const CHECKED_SIZE = 8 * 1024 * 1024;

/** What SQLite calls it where the file that it has open is no longer the one of that name. */
const MOVED = "SQLITE_READONLY_DBMOVED";

/**
 * Gives what throws once a file is no longer the one of that name. SQLite goes on writing to a file that was deleted or replaced, which
 * nobody finds again; and beside another file in its place, under the same key, it would sign a second history.
 */
const createPlaceCheck = (path: string): (() => void) => {
  const find = (): fs.BigIntStats | undefined => fs.statSync(path, { bigint: true, throwIfNoEntry: false });
  const opened = find();
  return () => {
    const found = find();
    if (found && found.ino === opened?.ino && found.dev === opened.dev) return;
    throw Object.assign(new Error("The file was moved."), { code: MOVED });
  };
};

/** True for a table, or a column, that is not there, though the version of the file says that it is. */
const isNotThere = (error: unknown): boolean =>
  codeOf(error) === "SQLITE_ERROR" && error instanceof Error && /^no such (table|column)/.test(error.message);

/** What a SQLite error means to whoever runs the portal. Other errors are given back as they are. */
const translate = (error: unknown, path: string): Error => {
  const code = codeOf(error);
  const file = JSON.stringify(path);
  if (isBusy(error)) {
    return new MeshError("busy", msg("portal.store-locked", { file }), {
      hint: msg("portal.store-locked.hint"),
      cause: error,
    });
  }
  if (/^SQLITE_(NOTADB|CORRUPT)/.test(code) || isNotThere(error)) return damaged(path, error);
  if (code === MOVED) {
    return new MeshError("io-failed", msg("portal.store-moved", { file }), {
      hint: msg("portal.store-moved.hint"),
      cause: error,
    });
  }
  if (/^(SQLITE_READONLY|EROFS)/.test(code)) {
    return new MeshError("read-only", msg("portal.store-read-only", { file }), { cause: error });
  }
  if (/^(SQLITE_|E[A-Z]+$)/.test(code) && !code.startsWith("SQLITE_CONSTRAINT")) {
    return new MeshError("io-failed", msg("portal.store-failed", { file, code }), {
      hint: msg("portal.store-failed.hint"),
      cause: error,
    });
  }
  return error instanceof Error ? error : new Error("The store failed.", { cause: error });
};

const damaged = (path: string, cause?: unknown): MeshError =>
  new MeshError("state-corrupt", msg("portal.store-damaged", { file: JSON.stringify(path) }), {
    hint: msg("portal.store-damaged.hint"),
    ...(cause === undefined ? {} : { cause }),
  });

/** What is thrown about a store, with the name of its file. */
const faultsOf = (path: string): SequencerFaults => ({
  damaged: () => damaged(path),
  keyMissing: () =>
    new MeshError("log-key-missing", msg("portal.log-key-missing", { file: JSON.stringify(path) }), {
      hint: msg("portal.log-key-missing.hint"),
    }),
});

/** Makes the file with the right mode first: SQLite gives its -wal and -shm files the mode of the database. */
const createFile = (path: string): void => {
  try {
    fs.closeSync(fs.openSync(path, "wx", 0o600));
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  }
};

const number = (db: Database.Database, pragma: string): number => Number(db.pragma(pragma, { simple: true }));

const ID = "SELECT value FROM meta WHERE name = 'id'";

const newId = (random: StoreOptions["random"]): string => Buffer.from(random(ID_LENGTH)).toString("hex");

/** Makes the tables in an empty file, unless another process was faster. */
const createTables = (db: Database.Database, path: string, options: StoreOptions): void => {
  const { random, signer } = options;
  db.exec("BEGIN IMMEDIATE");
  try {
    if (number(db, "user_version") === 0) {
      const tables = db.prepare("SELECT count(*) FROM sqlite_schema").pluck().get();
      if (tables !== 0 || number(db, "application_id") !== 0) throw damaged(path);
      if (!mayCreate(options)) throw storeNotFound(path);
      db.exec(SCHEMA);
      const setMeta = db.prepare("INSERT INTO meta (name, value) VALUES (?, ?)");
      setMeta.run("id", newId(random));
      if (options.restoring === true) setMeta.run(RESTORING, "");
      const outcome: Outcome = { failure: undefined };
      if (signer) beginLog(createSqliteSql(db, outcome), signer);
      if (outcome.failure) throw outcome.failure;
      db.pragma(`application_id = ${APPLICATION_ID}`);
      db.pragma(`user_version = ${SCHEMA_VERSION}`);
    }
    db.exec("COMMIT");
  } catch (error) {
    if (db.inTransaction) db.exec("ROLLBACK");
    throw error;
  }
};

/** Brings the tables up to the present version, in one transaction, unless another process was faster. */
const migrate = async (
  db: Database.Database,
  path: string,
  { signer, onMigrate }: StoreOptions,
  limit: number,
): Promise<void> => {
  if (!signer) throw faultsOf(path).keyMissing();
  // Tables are made anew, which those that point to them must survive. It cannot be set within a transaction.
  db.pragma("foreign_keys = OFF");
  await whenFree(() => db.exec("BEGIN IMMEDIATE"), limit);
  try {
    const from = number(db, "user_version");
    if (from === 1) {
      const outcome: Outcome = { failure: undefined };
      const sql = createSqliteSql(db, outcome);
      const sequencer = createSequencer(sql, signer, faultsOf(path));
      await migrateToLog({ sql, exec: (text) => db.exec(text) }, sequencer, signer, (cause) => damaged(path, cause));
      if (outcome.failure) throw outcome.failure;
      if (db.prepare("PRAGMA foreign_key_check").get() !== undefined) throw damaged(path);
      db.pragma(`user_version = ${SCHEMA_VERSION}`);
    }
    db.exec("COMMIT");
    if (from < SCHEMA_VERSION) onMigrate?.(from, SCHEMA_VERSION);
  } catch (error) {
    if (db.inTransaction) db.exec("ROLLBACK");
    throw codeOf(error).startsWith("SQLITE_CONSTRAINT") ? damaged(path, error) : error;
  }
  db.pragma("foreign_keys = ON");
};

/** Checks that the file is ours and of our version, or makes it so. Gives the store's id. */
const prepareSchema = async (
  db: Database.Database,
  path: string,
  options: StoreOptions,
  limit: number,
): Promise<string> => {
  const version = await whenFree(() => number(db, "user_version"), limit);
  if (version === 0) await whenFree(() => createTables(db, path, options), limit);
  if (number(db, "application_id") !== APPLICATION_ID) throw damaged(path);
  if (version > SCHEMA_VERSION) {
    throw new MeshError("not-supported", msg("portal.store-newer", { file: JSON.stringify(path) }), {
      hint: msg("portal.store-newer.hint"),
    });
  }
  const size = number(db, "page_count") * number(db, "page_size");
  if (size <= CHECKED_SIZE && db.pragma("quick_check(1)", { simple: true }) !== "ok") throw damaged(path);
  if (version !== 0 && version < SCHEMA_VERSION) {
    if (options.migrate !== true) {
      throw new MeshError("store-version", msg("portal.store-older", { file: JSON.stringify(path) }), {
        hint: msg("portal.store-older.hint"),
      });
    }
    await migrate(db, path, options, limit);
  }
  const id: unknown = db.prepare(ID).pluck().get();
  if (options.restoring === true && typeof id === "string") return id;
  if (db.prepare("SELECT 1 FROM meta WHERE name = ?").get(RESTORING) !== undefined) throw storeUnfinished(path);
  const head = db.prepare(HEAD).get() as HeadRow | undefined;
  if (typeof id !== "string" || !/^[0-9a-f]{32}$/.test(id) || !head) throw damaged(path);
  if (options.signer && !signerUnder(options.signer, head.verifier)) throw faultsOf(path).keyMissing();
  return id;
};

/** Gives one reader at a time a view of one moment. There is one connection to read with. */
const createViewer = (db: Database.Database, limit: number, checkPlace: () => void) => {
  const prepare = preparer(db);
  const outcome: Outcome = { failure: undefined };
  const sql = createSqliteSql(db, outcome);
  let reading: Promise<unknown> = Promise.resolve();
  /** The head that was read last, and what SQLite then said of the file: another number once any other connection has changed it. */
  let seen: { readonly version: unknown; readonly head: Head } | undefined;

  /** One statement is a view of one moment by itself. */
  const headNow = (): Head => {
    if (outcome.failure) throw outcome.failure;
    const version = prepare("PRAGMA data_version").pluck().get();
    if (seen && seen.version === version) return seen.head;
    const { size, root, checkpoint, time } = prepare(HEAD).get() as HeadRow;
    const head = { size, root, checkpoint, time };
    seen = { version, head };
    return head;
  };

  const reader: Reader = {
    ...createReader(sql),
    head: () =>
      new Promise((resolve) => {
        resolve(headNow());
      }),
  };

  /** Fixes the moment that is read, which waits where another process is just closing the file or putting it in order. */
  const beginView = (): void => {
    outcome.failure = undefined;
    checkPlace();
    try {
      prepare("BEGIN").run();
      prepare("SELECT tid FROM log LIMIT 1").get();
    } catch (error) {
      if (db.inTransaction) db.exec("ROLLBACK");
      throw error;
    }
  };

  const view = async <T>(task: () => Promise<T>): Promise<T> => {
    try {
      await whenFree(beginView, limit);
      return await task();
    } finally {
      if (db.inTransaction) prepare("COMMIT").run();
    }
  };

  /** Behind those who read already. */
  const inTurn = <T>(task: () => Promise<T>): Promise<T> => {
    const result = reading.then(() => view(task));
    reading = result.catch(() => undefined);
    return result;
  };

  return {
    view: <T>(task: (tx: Reader) => Promise<T>): Promise<T> => inTurn(() => task(reader)),
    // Within a view of somebody else's it would be the head of that.
    head: (): Promise<Head> => {
      if (db.inTransaction) return inTurn(() => reader.head());
      outcome.failure = undefined;
      return whenFree(headNow, limit);
    },
    viewTables: <T>(task: (sql: Sql) => Promise<T>): Promise<T> => inTurn(() => task(sql)),
  };
};

/**
 * Opens the store in a SQLite file, which is made where there is none (mode 0600; the folder must exist). Several processes
 * may have it open at once. Throws `state-corrupt` for a damaged or foreign file, `not-supported` for one of a newer version,
 * `store-version` for one of an older, `store-not-found` and `store-unfinished`, `log-key-missing` where its log is signed with
 * another key, `busy`, `read-only` or `io-failed`.
 */
export const openSqliteStore = async (path: string, options: StoreOptions): Promise<Store> => {
  const limit = options.busyWait ?? BUSY_WAIT;
  const open: Database.Database[] = [];
  const connect = (readonly: boolean): Database.Database => {
    const db = new Database(path, { timeout: SQLITE_WAIT, readonly, fileMustExist: true });
    open.push(db);
    return db;
  };
  try {
    if (mayCreate(options)) createFile(path);
    else if (!fs.existsSync(path)) throw storeNotFound(path);
    const db = connect(false);
    // Only now: on layered file systems a file may become another one by being opened to write.
    const checkPlace = createPlaceCheck(path);
    const mode = await whenFree(() => db.pragma("journal_mode = WAL", { simple: true }), limit);
    if (mode !== "wal") {
      throw new MeshError("io-failed", msg("portal.store-unshared", { file: JSON.stringify(path) }), {
        hint: msg("portal.store-unshared.hint"),
      });
    }
    db.pragma("synchronous = FULL");
    db.pragma("foreign_keys = ON");
    db.pragma("journal_size_limit = 67108864");
    db.pragma(`wal_autocheckpoint = ${LOGGED_PAGES}`);
    db.pragma(`cache_size = -${CACHE_SIZE}`);
    const id = await prepareSchema(db, path, options, limit);
    const viewer = connect(true);
    viewer.pragma(`cache_size = -${CACHE_SIZE}`);
    const { view, head, viewTables } = createViewer(viewer, limit, checkPlace);
    const translated = async <T>(result: Promise<T>): Promise<T> => {
      try {
        return await result;
      } catch (error) {
        throw translate(error, path);
      }
    };
    return createPooledStore({
      id,
      writer: createSqliteWriter(db, limit, checkPlace),
      signer: options.signer,
      faults: faultsOf(path),
      translate: (error) => translate(error, path),
      view: (task) => translated(view(task)),
      head: () => translated(head()),
      viewTables: (task) => translated(viewTables(task)),
      // Behind those who read already: it takes its time.
      checkStorage: () => translated(view(() => Promise.resolve(checkFile(viewer)))),
      closeReaders: () => {
        viewer.close();
      },
      onCommit: options.onCommit,
    });
  } catch (error) {
    for (const db of open) db.close();
    throw translate(error, path);
  }
};

/** What SQLite finds wrong with the file. */
const checkFile = (db: Database.Database): string[] => {
  const problems = db.pragma("integrity_check") as { integrity_check: string }[];
  const foreign = db.pragma("foreign_key_check") as { table: string; rowid: number | null; parent: string }[];
  const names = db.prepare("SELECT name FROM sqlite_schema").pluck().all() as string[];
  return [
    ...missingOf(names),
    ...problems.map(({ integrity_check: problem }) => problem).filter((problem) => problem !== "ok"),
    ...foreign.map(({ table, rowid, parent }) => `${table} ${rowid ?? ""}: ${parent}`),
  ];
};
