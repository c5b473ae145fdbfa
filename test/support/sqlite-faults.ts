import Database from "better-sqlite3";

export interface Faults {
  /** How many calls there have been. */
  calls(): number;
  happened(): boolean;
  stop(): void;
}

export interface FaultPlan {
  /** Which call fails, from 1. */
  readonly at?: number;
  /** Every call whose number is a multiple of it fails. */
  readonly every?: number;
  /** Whether it fails once the database has done it, rather than before. */
  readonly after?: boolean;
}

class DiskError extends Error {
  readonly code = "SQLITE_IOERR_WRITE";
}

/** Lets calls of the SQLite driver fail as a disk does, all over the process, until it is stopped. */
export const failingSqlite = ({ at, every, after = false }: FaultPlan): Faults => {
  let calls = 0;
  let happened = false;
  const restore: (() => void)[] = [];
  const wrap = (prototype: object, names: readonly string[]): void => {
    for (const name of names) {
      const methods = prototype as Record<string, (...values: unknown[]) => unknown>;
      const original = methods[name]!;
      methods[name] = function (this: unknown, ...values: unknown[]) {
        calls += 1;
        const fails = calls === at || (every !== undefined && calls % every === 0);
        if (fails) happened = true;
        if (fails && !after) throw new DiskError("injected");
        const result = original.apply(this, values);
        if (fails) throw new DiskError("injected");
        return result;
      };
      restore.push(() => {
        methods[name] = original;
      });
    }
  };
  const probe = new Database(":memory:");
  wrap(Object.getPrototypeOf(probe.prepare("SELECT 1")) as object, ["run", "get", "all"]);
  probe.close();
  wrap(Database.prototype, ["exec", "pragma"]);
  return {
    calls: () => calls,
    happened: () => happened,
    stop: () => {
      for (const undo of restore.splice(0)) undo();
    },
  };
};
