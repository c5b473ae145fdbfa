import type Database from "better-sqlite3";
import type { Writer } from "./pooled-store.js";
import type { Sql } from "./sql.js";

/** How long SQLite itself waits for a lock. Short, since it stops the whole process; the rest is waited for in between. */
export const SQLITE_WAIT = 20;

export const codeOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "code" in error && typeof error.code === "string" ? error.code : "";

/** True for the error of a lock that another connection holds. */
export const isBusy = (error: unknown): boolean => /^SQLITE_(BUSY|LOCKED)/.test(codeOf(error));

const wait = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });

/** Does something that needs a lock, again and again while another process holds it. */
export const whenFree = async <Result>(action: () => Result, limit: number): Promise<Result> => {
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
export const preparer = (db: Database.Database) => {
  const statements = new Map<string, Database.Statement>();
  return (text: string): Database.Statement => {
    let statement = statements.get(text);
    if (!statement) {
      statement = db.prepare(text);
      statements.set(text, statement);
    }
    return statement;
  };
};

/** The first error that a statement met. */
export interface Outcome {
  failure: Error | undefined;
}

/**
 * Answers at once, since SQLite does. Once a statement has failed, none does anything more until `outcome` is cleared: the database may
 * have ended the transaction, and each would be one by itself.
 */
export const createSqliteSql = (db: Database.Database, outcome: Outcome): Sql => {
  const prepare = preparer(db);
  const attempt = <Result>(action: () => Result): Result => {
    if (outcome.failure) throw outcome.failure;
    try {
      return action();
    } catch (error) {
      outcome.failure = error instanceof Error ? error : new Error("A statement failed.", { cause: error });
      throw error;
    }
  };
  const answer = <Result>(action: () => Result): Promise<Result> =>
    new Promise((resolve) => {
      resolve(attempt(action));
    });
  return {
    get: (text, ...values) => answer(() => prepare(text).get(...values)),
    all: (text, ...values) => answer(() => prepare(text).all(...values)),
    run: (text, ...values) => answer(() => prepare(text).run(...values).changes),
    write: (text, ...values) => {
      try {
        attempt(() => prepare(text).run(...values));
      } catch {
        // It is in the outcome.
      }
    },
  };
};

/**
 * The one connection that changes a database. `limit` is how long another's lock is waited for, in milliseconds; `checkPlace` throws
 * where the file is no longer the one that was opened, and then nothing is kept.
 */
export const createSqliteWriter = (db: Database.Database, limit: number, checkPlace?: () => void): Writer => {
  const prepare = preparer(db);
  const execute = (text: string): void => {
    prepare(text).run();
  };
  const outcome: Outcome = { failure: undefined };
  return {
    sql: createSqliteSql(db, outcome),
    begin: async () => {
      if (db.inTransaction) execute("ROLLBACK");
      outcome.failure = undefined;
      await whenFree(() => execute("BEGIN IMMEDIATE"), limit);
    },
    mark: () => {
      outcome.failure = undefined;
      execute("SAVEPOINT job");
    },
    keep: () => {
      if (outcome.failure) throw outcome.failure;
      execute("RELEASE job");
    },
    undo: () => {
      outcome.failure = undefined;
      execute("ROLLBACK TO job");
      execute("RELEASE job");
    },
    failure: () => outcome.failure,
    isOpen: () => db.inTransaction,
    commit: () => {
      if (outcome.failure) throw outcome.failure;
      checkPlace?.();
      execute("COMMIT");
    },
    abandon: () => {
      for (let tries = 0; db.inTransaction && tries < 3; tries++) {
        try {
          execute("ROLLBACK");
        } catch {
          // At the latest the next transaction begins with it.
        }
      }
    },
    close: () => {
      db.close();
    },
  };
};
