import { Pool, TypeOverrides, type PoolClient } from "pg";
import { MeshError } from "../../errors.js";
import { msg } from "../../messages/message.js";
import { beginLog } from "./migrate.js";
import { mayCreate, RESTORING, storeNotFound, storeUnfinished, type StoreOptions } from "./options.js";
import { createPooledStore, type Writer } from "./pooled-store.js";
import { createPostgresSql, NAMESPACE, POSTGRES_SCHEMA, type PostgresSql } from "./postgres-sql.js";
import { readPostgresUrl, redactPostgresUrl } from "./postgres-url.js";
import { missingOf, SCHEMA_VERSION } from "./schema.js";
import { HEAD, signerUnder, type HeadRow } from "./sequencer.js";
import type { Sql } from "./sql.js";
import type { Head, Reader, Store } from "./store.js";
import { createReader } from "./tables.js";

export { redactPostgresUrl } from "./postgres-url.js";

const ID_LENGTH = 16;
/** How long another process that writes is waited for, in milliseconds. */
const BUSY_WAIT = 10_000;
/** How long a connection may take to be made, or to be free, in milliseconds. */
const CONNECT_WAIT = 10_000;
/** How long the server may work on one statement. */
const STATEMENT_WAIT = 30_000;
/** After which time without a word from a process in the middle of a transaction the server ends it: others wait for it. */
const SILENCE = 15_000;
/** The same of everything that lasts: a backup goes out, or comes in, or the whole store is checked. */
const LONG = 600_000;
/** How long an answer is waited for, whatever the server was told. */
const ANSWER_WAIT = STATEMENT_WAIT + 10_000;
/** How long a connection that nobody reads with is kept. */
const IDLE = 60_000;
const READERS = 4;
/** Beyond 64 savepoints in one transaction the server gets slow for everybody. */
const MAX_BATCH = 60;
/** Held by whoever makes the tables. Any number will do that no other program uses: "MMMP", "stor". */
const TABLES_LOCK = "5570457370286190450";

const BIGINT = 20;

/** Numbers are safe integers, all of them. */
const numbers = new TypeOverrides();
numbers.setTypeParser(BIGINT, Number);

const codeOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "code" in error && typeof error.code === "string" ? error.code : "";

/** True for the five characters by which a server says what is wrong. */
const isState = (code: string): boolean => /^[0-9A-Z]{5}$/.test(code) && !/^E[A-Z]+$/.test(code);

/** What the driver has thrown, so that it is told from what the work within a transaction throws. */
const thrown = new WeakSet<Error>();

/** Waits for the driver, and remembers what it throws. */
const drive = async <Result>(action: () => Promise<Result>): Promise<Result> => {
  try {
    return await action();
  } catch (cause) {
    const error = cause instanceof Error ? cause : new Error("The driver failed.", { cause });
    thrown.add(error);
    throw error;
  }
};

/** True where the connection is of no more use: it broke, or the server ended it. */
const isLost = (error: Error): boolean =>
  !isState(codeOf(error)) ||
  /^(08|57P0|25P03)/.test(codeOf(error)) ||
  ("severity" in error && /^(FATAL|PANIC)$/.test(String(error.severity)));

/** Locks, deadlocks, too many connections, a statement that took too long, and a server that is just starting or stopping. */
const BUSY = /^(40001|40P01|55P03|57014|57P0[1-3]|53300|53400|25P03)$/;

/** A table, or a column, that is not there. */
const NOT_THERE = /^(42P01|42703)$/;

/** Says what went wrong with a database. `shown` is its address as it may be shown. */
const faultsOf = (shown: string) => {
  const file = JSON.stringify(shown);
  const damaged = (cause?: unknown): MeshError =>
    new MeshError("state-corrupt", msg("postgres.damaged", { database: file }), {
      hint: msg("postgres.damaged.hint"),
      ...(cause === undefined ? {} : { cause }),
    });
  return {
    damaged,
    keyMissing: () =>
      new MeshError("log-key-missing", msg("portal.log-key-missing", { file }), {
        hint: msg("portal.log-key-missing.hint"),
      }),
    /** What an error means to whoever runs the portal. What is none of the driver's is given back as it is. */
    translate: (error: unknown): Error => {
      if (!(error instanceof Error)) return new Error("The store failed.", { cause: error });
      const code = codeOf(error);
      // The version of the schema says that these are there.
      if (thrown.has(error) && NOT_THERE.test(code)) return damaged(error);
      // What else the server says of values and of statements is a mistake of the program.
      if (!thrown.has(error) || /^(2[123]|0A|42(?!501))/.test(code)) return error;
      if (BUSY.test(code) || /^timeout exceeded when trying/.test(error.message)) {
        return new MeshError("busy", msg("portal.store-locked", { file }), {
          hint: msg("portal.store-locked.hint"),
          cause: error,
        });
      }
      if (/^XX00[12]$/.test(code)) return damaged(error);
      if (code === "25006")
        return new MeshError("read-only", msg("portal.store-read-only", { file }), { cause: error });
      const what = code === "" ? JSON.stringify(error.message.slice(0, 200)) : code;
      return new MeshError("io-failed", msg("portal.store-failed", { file, code: what }), {
        hint: msg("postgres.failed.hint"),
        cause: error,
      });
    },
  };
};

type Faults = ReturnType<typeof faultsOf>;

const createPool = (url: string, max: number, limit: number): Pool => {
  // A commit is on disk when it is answered, whatever the database says by default.
  const session = `SET synchronous_commit = on; SET search_path = pg_catalog; SET client_min_messages = error;
    SET statement_timeout = ${STATEMENT_WAIT}; SET lock_timeout = ${limit};
    SET idle_in_transaction_session_timeout = ${SILENCE}`;
  const pool = new Pool({
    ...readPostgresUrl(url),
    types: numbers,
    max,
    pipeline: true,
    keepAlive: true,
    connectionTimeoutMillis: CONNECT_WAIT,
    query_timeout: ANSWER_WAIT,
    idleTimeoutMillis: IDLE,
    verify: (client, done) => {
      client.query(session).then(() => done(), done);
    },
  });
  // A connection that breaks while nobody uses it is made anew when somebody does.
  pool.on("error", () => undefined);
  pool.on("connect", (client) => {
    client.on("error", () => undefined);
  });
  return pool;
};

const LOCK = `BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL synchronous_commit = on;
  SELECT size FROM ${NAMESPACE}.head FOR UPDATE`;

/** For a transaction that may last. */
const LASTING = `SET LOCAL statement_timeout = ${LONG}; SET LOCAL idle_in_transaction_session_timeout = ${LONG}`;

/** Holds the row of the head while it writes: there is one sequencer at a time, whichever process it is in. */
const createWriter = (pool: Pool): Writer => {
  let client: PoolClient | undefined;
  let sql: PostgresSql | undefined;

  const open = (): PostgresSql => {
    if (!sql) throw new Error("There is no transaction.");
    return sql;
  };

  const release = (destroy: boolean): void => {
    client?.release(destroy);
    client = undefined;
    sql = undefined;
  };

  const begin = async (lasting: boolean): Promise<void> => {
    client = await drive(() => pool.connect());
    const connection = client;
    sql = createPostgresSql(client, drive, lasting ? LONG : undefined);
    await drive(() => connection.query(lasting ? `${LOCK}; ${LASTING}` : LOCK));
  };

  return {
    maxBatch: MAX_BATCH,
    sql: {
      get: (text, ...values) => open().get(text, ...values),
      all: (text, ...values) => open().all(text, ...values),
      run: (text, ...values) => open().run(text, ...values),
      write: (text, ...values) => open().write(text, ...values),
    },
    begin: async (lasting = false) => {
      try {
        await begin(lasting);
      } catch (error) {
        // The server may have ended the connection since it was last used. Nothing has been done yet.
        if (!client || !(error instanceof Error) || !isLost(error)) throw error;
        release(true);
        await begin(lasting);
      }
    },
    mark: () => {
      open().clear();
      open().send("SAVEPOINT job");
    },
    keep: async () => {
      open().send("RELEASE SAVEPOINT job");
      await open().sent();
      const failure = open().failure();
      if (failure) throw failure;
    },
    undo: async () => {
      await open().sent();
      open().clear();
      open().send("ROLLBACK TO SAVEPOINT job; RELEASE SAVEPOINT job");
      await open().sent();
      const failure = open().failure();
      if (failure) throw failure;
    },
    failure: () => sql?.failure(),
    isOpen: () => {
      const failure = sql?.failure();
      return sql !== undefined && (!failure || !isLost(failure));
    },
    commit: async () => {
      await open().sent();
      const failure = open().failure();
      if (failure) throw failure;
      const { command } = await drive(() => (client as PoolClient).query("COMMIT"));
      // That is how the server answers where something in the transaction has failed.
      if (command !== "COMMIT") throw new Error("The transaction was not committed.");
      release(false);
    },
    abandon: async () => {
      const connection = client;
      if (!connection) return;
      const failure = sql?.failure();
      try {
        await sql?.sent();
        if (!failure || !isLost(failure)) await connection.query("ROLLBACK");
        release(failure !== undefined && isLost(failure));
      } catch {
        release(true);
      }
    },
    close: () => drive(() => pool.end()),
  };
};

/** Gives readers views of one moment each, several at the same time. */
const createViewer = (pool: Pool) => {
  const finish = async (client: PoolClient, sql: PostgresSql): Promise<void> => {
    sql.clear();
    sql.send("COMMIT");
    await sql.sent();
    client.release(sql.failure() !== undefined);
  };
  return async <T>(task: (sql: Sql) => Promise<T>, lasting = false): Promise<T> => {
    const client = await drive(() => pool.connect());
    const sql = createPostgresSql(client, drive, lasting ? LONG : undefined);
    sql.send("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    if (lasting) sql.send(LASTING);
    let failure: Error | undefined;
    try {
      const value = await task(sql);
      await sql.sent();
      failure = sql.failure();
      if (failure) throw failure;
      return value;
    } finally {
      // Nobody waits for the end of a transaction that has changed nothing.
      if (failure && isLost(failure)) client.release(true);
      else void finish(client, sql);
    }
  };
};

/** One statement is a view of one moment by itself. */
const viewOnce = async <T>(pool: Pool, task: (sql: Sql) => Promise<T>): Promise<T> => {
  const client = await drive(() => pool.connect());
  const sql = createPostgresSql(client, drive);
  try {
    return await task(sql);
  } finally {
    client.release(sql.failure() !== undefined);
  }
};

/** Reads the tables, and knows a head again: whatever changes the log has another one signed. */
const createReaders = (): ((sql: Sql) => Reader) => {
  let last: Head | undefined;
  return (sql) => {
    const reader = createReader(sql);
    const head = async (): Promise<Head> => {
      const found = await reader.head();
      if (last?.checkpoint !== found.checkpoint || last.size !== found.size) last = found;
      return last;
    };
    return { ...reader, head };
  };
};

const META = `SELECT name, value FROM ${NAMESPACE}.meta WHERE name IN ('id', 'version', '${RESTORING}')`;
const TABLES = `SELECT c.relname AS name FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = '${NAMESPACE}' AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')`;

const rowsOf = async (client: PoolClient, text: string): Promise<Record<string, unknown>[]> =>
  (await drive(() => client.query<Record<string, unknown>>(text))).rows;

/** Uses a connection, which is not used again where anything went wrong. */
const withClient = async <T>(pool: Pool, task: (client: PoolClient) => Promise<T>): Promise<T> => {
  const client = await drive(() => pool.connect());
  let failed = true;
  try {
    const value = await task(client);
    failed = false;
    return value;
  } finally {
    client.release(failed);
  }
};

/** Makes the tables where there are none, unless another process was faster. */
const createTables = async (
  client: PoolClient,
  options: StoreOptions,
  faults: Faults,
  shown: string,
): Promise<void> => {
  const { random, signer } = options;
  await rowsOf(client, "BEGIN");
  try {
    await rowsOf(client, `SELECT pg_catalog.pg_advisory_xact_lock(${TABLES_LOCK})`);
    if ((await rowsOf(client, TABLES)).length === 0) {
      if (!mayCreate(options)) throw storeNotFound(shown);
      const [encoding] = await rowsOf(client, "SHOW server_encoding");
      if (encoding?.["server_encoding"] !== "UTF8") {
        throw new MeshError("not-supported", msg("postgres.encoding"), { hint: msg("postgres.encoding.hint") });
      }
      const id = Buffer.from(random(ID_LENGTH)).toString("hex");
      await rowsOf(client, `CREATE SCHEMA IF NOT EXISTS ${NAMESPACE}`);
      await rowsOf(client, POSTGRES_SCHEMA);
      await rowsOf(client, `INSERT INTO ${NAMESPACE}.meta VALUES ('id', '${id}'), ('version', '${SCHEMA_VERSION}')`);
      const sql = createPostgresSql(client, drive);
      if (options.restoring === true) sql.write("INSERT INTO meta (name, value) VALUES (?, '')", RESTORING);
      if (signer) beginLog(sql, signer);
      await sql.sent();
      const failure = sql.failure();
      if (failure) throw failure;
    }
    await rowsOf(client, "COMMIT");
  } catch (error) {
    await client.query("ROLLBACK").catch(() => undefined);
    throw error;
  }
};

/** Checks that the tables are ours and of our version, or makes them. Gives the store's id. */
const prepareSchema = async (
  client: PoolClient,
  options: StoreOptions,
  faults: Faults,
  shown: string,
): Promise<string> => {
  if ((await rowsOf(client, TABLES)).length === 0) await createTables(client, options, faults, shown);
  const tables = (await rowsOf(client, TABLES)).map(({ name }) => name);
  if (!tables.includes("meta") || !tables.includes("head")) throw faults.damaged();
  const meta = new Map((await rowsOf(client, META)).map(({ name, value }) => [name, value]));
  const id = meta.get("id");
  const version = Number(meta.get("version"));
  if (typeof id !== "string" || !/^[0-9a-f]{32}$/.test(id) || !Number.isSafeInteger(version)) throw faults.damaged();
  const file = JSON.stringify(shown);
  if (version > SCHEMA_VERSION) {
    throw new MeshError("not-supported", msg("portal.store-newer", { file }), { hint: msg("portal.store-newer.hint") });
  }
  if (version < SCHEMA_VERSION) {
    throw new MeshError("store-version", msg("portal.store-older", { file }), { hint: msg("portal.store-older.hint") });
  }
  if (options.restoring === true) return id;
  if (meta.has(RESTORING)) throw storeUnfinished(shown);
  const sql = createPostgresSql(client, drive);
  const head = (await sql.get(HEAD)) as HeadRow | undefined;
  if (!head) throw faults.damaged();
  if (options.signer && !signerUnder(options.signer, head.verifier)) throw faults.keyMissing();
  return id;
};

const RELATIONS = `SELECT c.relname AS name FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = '${NAMESPACE}'`;
const INVALID = `SELECT c.relname AS name FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = '${NAMESPACE}' AND NOT i.indisvalid`;

/**
 * Opens the store in a PostgreSQL database, whose tables are made in a schema of their own where there are none. Any number of processes
 * may have it open at once; each writes over one connection, and one of them writes at a time. Throws `usage` for a wrong address,
 * `state-corrupt` where another program has tables of these names, `not-supported`, `store-version` or `log-key-missing` as
 * `openSqliteStore` does, `busy`, `read-only` or `io-failed`.
 */
export const openPostgresStore = async (url: string, options: StoreOptions): Promise<Store> => {
  const shown = redactPostgresUrl(url);
  const faults = faultsOf(shown);
  const limit = options.busyWait ?? BUSY_WAIT;
  const writing = createPool(url, 1, limit);
  const reading = createPool(url, READERS, limit);
  try {
    const id = await withClient(writing, (client) => prepareSchema(client, options, faults, shown));
    const viewTables = createViewer(reading);
    const readerOf = createReaders();
    const translated = async <T>(result: Promise<T>): Promise<T> => {
      try {
        return await result;
      } catch (error) {
        throw faults.translate(error);
      }
    };
    return createPooledStore({
      id,
      writer: createWriter(writing),
      signer: options.signer,
      faults,
      translate: faults.translate,
      view: (task) => translated(viewTables((sql) => task(readerOf(sql)))),
      head: () => translated(viewOnce(reading, (sql) => readerOf(sql).head())),
      viewTables: (task) => translated(viewTables(task, true)),
      checkStorage: () =>
        translated(
          withClient(reading, async (client) => {
            const names = (await rowsOf(client, RELATIONS)).map(({ name }) => String(name));
            return [...missingOf(names), ...(await rowsOf(client, INVALID)).map(({ name }) => String(name))];
          }),
        ),
      closeReaders: () => drive(() => reading.end()),
      onCommit: options.onCommit,
    });
  } catch (error) {
    await Promise.allSettled([writing.end(), reading.end()]);
    throw faults.translate(error);
  }
};
