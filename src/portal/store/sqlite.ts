import * as fs from "node:fs";
import Database from "better-sqlite3";
import { MeshError } from "../../errors.js";
import { msg } from "../../messages/message.js";
import type { Reader, Store, Transaction } from "./store.js";
import { createReader, createTransaction, SCHEMA, type Immediate, type Sql } from "./tables.js";

/** "MMMP": marks the file as the store of a Mesh portal. */
const APPLICATION_ID = 0x4d4d4d50;
const SCHEMA_VERSION = 1;
const ID_LENGTH = 16;
/** How long SQLite itself waits for a lock. Short, since it stops the whole process; the rest is waited for in between. */
const SQLITE_WAIT = 20;
/** How long a lock that another process holds is waited for, in milliseconds. */
const BUSY_WAIT = 10_000;
/** How many transactions share one write to disk at most. */
const MAX_BATCH = 256;
/** Smaller files are checked through when they are opened, since that takes no time one could notice. */
const CHECKED_SIZE = 8 * 1024 * 1024;

export interface SqliteOptions {
  readonly random: (length: number) => Uint8Array;
  /** Told of every commit, and how many transactions shared it. */
  readonly onCommit?: (transactions: number) => void;
  /** How long another process's lock is waited for, in milliseconds. */
  readonly busyWait?: number;
}

const codeOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "code" in error && typeof error.code === "string" ? error.code : "";

const isBusy = (error: unknown): boolean => /^SQLITE_(BUSY|LOCKED)/.test(codeOf(error));

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
  if (/^SQLITE_(NOTADB|CORRUPT)/.test(code)) return damaged(path, error);
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

const wait = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });

/** Does something that needs a lock, again and again while another process holds it. */
const whenFree = async <Result>(action: () => Result, limit: number): Promise<Result> => {
  for (let waited = 0, pause = 1; ; pause = Math.min(pause * 2, 50)) {
    try {
      return action();
    } catch (error) {
      if (!isBusy(error) || waited >= limit) throw error;
    }
    await wait(pause);
    waited += pause + SQLITE_WAIT;
  }
};

/** Prepares every statement once. */
const createSql = (db: Database.Database): Sql => {
  const statements = new Map<string, Database.Statement>();
  const prepare = (text: string): Database.Statement => {
    let statement = statements.get(text);
    if (!statement) {
      statement = db.prepare(text);
      statements.set(text, statement);
    }
    return statement;
  };
  return {
    get: (text, ...values) => prepare(text).get(...values),
    all: (text, ...values) => prepare(text).all(...values),
    run: (text, ...values) => Number(prepare(text).run(...values).lastInsertRowid),
  };
};

/** SQLite answers at once; a store answers with promises. */
const promising = <Methods extends object>(methods: Immediate<Methods>): Methods =>
  Object.fromEntries(
    Object.entries<(...values: unknown[]) => unknown>(methods as Record<string, never>).map(([name, method]) => [
      name,
      (...values: unknown[]) =>
        new Promise((resolve) => {
          resolve(method(...values));
        }),
    ]),
  ) as Methods;

/** Makes the file with the right mode first: SQLite gives its -wal and -shm files the mode of the database. */
const createFile = (path: string): void => {
  try {
    fs.closeSync(fs.openSync(path, "wx", 0o600));
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  }
};

const number = (db: Database.Database, pragma: string): number => Number(db.pragma(pragma, { simple: true }));

/** Checks that the file is ours and of our version, and makes the tables in an empty one. Gives the store's id. */
const prepareSchema = (db: Database.Database, path: string, random: (length: number) => Uint8Array): string => {
  const version = number(db, "user_version");
  if (version === 0) {
    db.exec("BEGIN IMMEDIATE");
    try {
      // Another process may have been faster.
      if (number(db, "user_version") === 0) {
        const tables = db.prepare("SELECT count(*) FROM sqlite_schema").pluck().get();
        if (tables !== 0 || number(db, "application_id") !== 0) throw damaged(path);
        db.exec(SCHEMA);
        const id = Buffer.from(random(ID_LENGTH)).toString("hex");
        db.prepare("INSERT INTO meta (name, value) VALUES ('id', ?)").run(id);
        db.pragma(`application_id = ${APPLICATION_ID}`);
        db.pragma(`user_version = ${SCHEMA_VERSION}`);
      }
      db.exec("COMMIT");
    } catch (error) {
      if (db.inTransaction) db.exec("ROLLBACK");
      throw error;
    }
  }
  if (number(db, "application_id") !== APPLICATION_ID) throw damaged(path);
  if (number(db, "user_version") > SCHEMA_VERSION) {
    throw new MeshError("not-supported", msg("portal.store-newer", { file: JSON.stringify(path) }), {
      hint: msg("portal.store-newer.hint"),
    });
  }
  const size = number(db, "page_count") * number(db, "page_size");
  if (size <= CHECKED_SIZE && db.pragma("quick_check(1)", { simple: true }) !== "ok") throw damaged(path);
  const id: unknown = db.prepare("SELECT value FROM meta WHERE name = 'id'").pluck().get();
  if (typeof id !== "string" || !/^[0-9a-f]{32}$/.test(id)) throw damaged(path);
  return id;
};

interface Job {
  /** Does the work inside the open transaction and gives what settles the caller's promise afterwards. */
  run(): Promise<() => void>;
  reject(error: unknown): void;
}

/**
 * Opens the store in a SQLite file, which is made where there is none (mode 0600; the folder must exist). Several processes
 * may have it open at once. Throws `state-corrupt` for a damaged or foreign file, `not-supported` for one of a newer version,
 * `busy`, `read-only` or `io-failed`.
 */
export const openSqliteStore = async (path: string, options: SqliteOptions): Promise<Store> => {
  const limit = options.busyWait ?? BUSY_WAIT;
  const open: Database.Database[] = [];
  const connect = (readonly: boolean): Database.Database => {
    const db = new Database(path, { timeout: SQLITE_WAIT, readonly });
    open.push(db);
    return db;
  };
  try {
    createFile(path);
    const writer = connect(false);
    const mode = await whenFree(() => writer.pragma("journal_mode = WAL", { simple: true }), limit);
    if (mode !== "wal") {
      throw new MeshError("io-failed", msg("portal.store-unshared", { file: JSON.stringify(path) }), {
        hint: msg("portal.store-unshared.hint"),
      });
    }
    writer.pragma("synchronous = FULL");
    writer.pragma("foreign_keys = ON");
    writer.pragma("journal_size_limit = 67108864");
    const id = await whenFree(() => prepareSchema(writer, path, options.random), limit);
    return createStore(id, path, writer, connect(true), limit, options.onCommit);
  } catch (error) {
    for (const db of open) db.close();
    throw translate(error, path);
  }
};

const createStore = (
  id: string,
  path: string,
  writer: Database.Database,
  viewer: Database.Database,
  limit: number,
  onCommit: SqliteOptions["onCommit"],
): Store => {
  const transaction = promising<Transaction>(createTransaction(createSql(writer)));
  const reader = promising<Reader>(createReader(createSql(viewer)));
  const jobs: Job[] = [];
  let working: Promise<void> | undefined;
  let reading: Promise<unknown> = Promise.resolve();
  let closed = false;

  const refuseClosed = (): void => {
    if (closed) throw new MeshError("internal", msg("portal.store-closed"));
  };

  /** Runs the jobs that wait, each in a savepoint of its own, and commits them together. */
  const runBatch = async (): Promise<void> => {
    const batch: Job[] = [];
    try {
      await whenFree(() => writer.exec("BEGIN IMMEDIATE"), limit);
      const settlements: (() => void)[] = [];
      for (let job = jobs.shift(); job; job = batch.length < MAX_BATCH ? jobs.shift() : undefined) {
        batch.push(job);
        writer.exec("SAVEPOINT job");
        settlements.push(await job.run());
      }
      writer.exec("COMMIT");
      onCommit?.(batch.length);
      // Even a refusal may rest on what another job of this batch wrote, so nobody hears anything before the commit.
      for (const settle of settlements) settle();
    } catch (error) {
      if (writer.inTransaction) writer.exec("ROLLBACK");
      // Where not even BEGIN succeeded, whoever waits has waited as long as the first of them.
      const failed = batch.length > 0 ? batch : jobs.splice(0);
      for (const job of failed) job.reject(translate(error, path));
    }
  };

  const work = async (): Promise<void> => {
    while (jobs.length > 0) {
      // One turn of the event loop, so that requests that have arrived by now share the commit.
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      await runBatch();
    }
    working = undefined;
  };

  const transact = <T>(task: (tx: Transaction) => Promise<T>): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      refuseClosed();
      jobs.push({
        reject,
        run: async () => {
          try {
            const value = await task(transaction);
            writer.exec("RELEASE job");
            return () => resolve(value);
          } catch (error) {
            // On some failures SQLite ends the whole transaction by itself: then no job of the batch was done.
            if (!writer.inTransaction) throw error;
            writer.exec("ROLLBACK TO job; RELEASE job");
            return () => reject(translate(error, path));
          }
        },
      });
      working ??= work();
    });

  /** Fixes the moment that is read, which waits where another process is just closing the file or putting it in order. */
  const beginView = (): void => {
    try {
      viewer.exec("BEGIN; SELECT tid FROM log LIMIT 1");
    } catch (error) {
      if (viewer.inTransaction) viewer.exec("ROLLBACK");
      throw error;
    }
  };

  const view = async <T>(task: (tx: Reader) => Promise<T>): Promise<T> => {
    try {
      await whenFree(beginView, limit);
      return await task(reader);
    } catch (error) {
      throw translate(error, path);
    } finally {
      if (viewer.inTransaction) viewer.exec("COMMIT");
    }
  };

  return {
    id,
    transact,
    // There is one connection to read with, and a view belongs to one reader at a time.
    read: async <T>(task: (tx: Reader) => Promise<T>): Promise<T> => {
      refuseClosed();
      const result = reading.then(() => view(task));
      reading = result.catch(() => undefined);
      return result;
    },
    close: async () => {
      if (closed) return;
      closed = true;
      await working;
      await reading;
      viewer.close();
      writer.close();
    },
  };
};
