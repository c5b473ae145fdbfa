import Database from "better-sqlite3";
import { MeshError } from "../../src/errors.js";
import { msg } from "../../src/messages/message.js";
import { beginLog } from "../../src/portal/store/migrate.js";
import { mayCreate, storeNotFound, type StoreOptions } from "../../src/portal/store/options.js";
import { createPooledStore, type Writer } from "../../src/portal/store/pooled-store.js";
import { SCHEMA } from "../../src/portal/store/schema.js";
import { HEAD, signerUnder, type HeadRow } from "../../src/portal/store/sequencer.js";
import { createSqliteSql, createSqliteWriter, isBusy, type Outcome } from "../../src/portal/store/sqlite-sql.js";
import type { Sql } from "../../src/portal/store/sql.js";
import type { Store } from "../../src/portal/store/store.js";
import { createReader } from "../../src/portal/store/tables.js";

const faults = {
  damaged: () => new MeshError("state-corrupt", msg("portal.store-damaged", { file: "memory" })),
  keyMissing: () => new MeshError("log-key-missing", msg("portal.log-key-missing", { file: "memory" })),
};

const translate = (error: unknown): Error => {
  if (!(error instanceof Error)) return new Error("The store failed.", { cause: error });
  const code = "code" in error ? String(error.code) : "";
  if (error instanceof MeshError || !code.startsWith("SQLITE_") || code.startsWith("SQLITE_CONSTRAINT")) return error;
  const text = msg("portal.store-failed", { file: "memory", code });
  return new MeshError(isBusy(error) ? "busy" : "io-failed", text, { cause: error });
};

/**
 * A database in memory, and a way to open stores over it, as many as wanted: what one writes, all see. It is gone with the last reference
 * to it. For tests: nothing of it is ever on disk.
 */
export const createMemory = (): ((options: StoreOptions) => Promise<Store>) => {
  let db: Database.Database | undefined;
  /** The last committed state, once somebody has looked at it. */
  let snapshot: Database.Database | undefined;
  let turn: Promise<void> = Promise.resolve();

  const make = ({ random, signer }: StoreOptions): Database.Database => {
    const made = new Database(":memory:");
    made.pragma("foreign_keys = ON");
    made.exec("BEGIN");
    made.exec(SCHEMA);
    made.prepare("INSERT INTO meta (name, value) VALUES ('id', ?)").run(Buffer.from(random(16)).toString("hex"));
    const outcome: Outcome = { failure: undefined };
    if (signer) beginLog(createSqliteSql(made, outcome), signer);
    if (outcome.failure) throw outcome.failure;
    made.exec("COMMIT");
    return made;
  };

  /** One writer at a time, whichever store it belongs to. */
  const takeTurns = (writer: Writer): Writer => {
    let end: (() => void) | undefined;
    const finish = (): void => {
      end?.();
      end = undefined;
    };
    return {
      ...writer,
      begin: async () => {
        const before = turn;
        turn = new Promise((resolve) => {
          end = resolve;
        });
        await before;
        // Whoever reads from now on reads what was committed before.
        snapshot ??= db && new Database(db.serialize());
        await writer.begin();
      },
      commit: async () => {
        await writer.commit();
        snapshot = undefined;
        finish();
      },
      abandon: async () => {
        await writer.abandon();
        finish();
      },
      close: () => undefined,
    };
  };

  return (options) =>
    Promise.resolve().then(() => {
      try {
        if (!db && !mayCreate(options)) throw storeNotFound("memory");
        db ??= make(options);
        const memory = db;
        const { value: id } = memory.prepare("SELECT value FROM meta WHERE name = 'id'").get() as { value: string };
        const head = memory.prepare(HEAD).get() as HeadRow;
        if (options.signer && !signerUnder(options.signer, head.verifier)) throw faults.keyMissing();
        const view = async <T>(task: (sql: Sql) => Promise<T>): Promise<T> => {
          try {
            snapshot ??= new Database(memory.serialize());
            return await task(createSqliteSql(snapshot, { failure: undefined }));
          } catch (error) {
            throw translate(error);
          }
        };
        return createPooledStore({
          id,
          writer: takeTurns(createSqliteWriter(memory, 0)),
          signer: options.signer,
          faults,
          translate,
          view: (task) => view((sql) => task(createReader(sql))),
          viewTables: view,
          checkStorage: () => Promise.resolve([]),
          closeReaders: () => undefined,
          onCommit: options.onCommit,
        });
      } catch (error) {
        throw translate(error);
      }
    });
};
