import { MeshError } from "../../errors.js";
import { msg } from "../../messages/message.js";
import { CLOCK_TOLERANCE, createSequencer, type Sequencer, type SequencerFaults } from "./sequencer.js";
import type { Sql } from "./sql.js";
import type { Head, LogSigner, Reader, Store, Time, Transaction } from "./store.js";
import { createTransaction } from "./tables.js";

/** How many transactions share one write to disk at most. */
const MAX_BATCH = 256;
/** How long transactions wait for others to share a write with at most, in milliseconds. */
const MAX_POOLING = 5;

/** The one connection of a store that changes it. */
export interface Writer {
  /** How many jobs one transaction takes at most, where that is fewer than usual. */
  readonly maxBatch?: number;
  /** Whatever of it fails is remembered until the job is kept or undone: none of the job may be kept then. */
  readonly sql: Sql;
  /** Begins a transaction of the database that holds off every other writer, and waits for its turn. It may be told to last. */
  begin(lasting?: boolean): Promise<void>;
  /** Begins a job within the transaction. */
  mark(): void | Promise<void>;
  /** Ends a job. Throws the first error that any statement of it met. */
  keep(): void | Promise<void>;
  /** Takes back everything since `mark`. */
  undo(): void | Promise<void>;
  /** The first error that a statement of the job met. */
  failure(): Error | undefined;
  /** False where the database has ended the transaction by itself, or is out of reach. */
  isOpen(): boolean;
  /** Throws where any statement since the last job has failed, and the transaction is not on disk then. */
  commit(): void | Promise<void>;
  /** Ends the transaction without a trace where there is one. Never throws. */
  abandon(): void | Promise<void>;
  close(): void | Promise<void>;
}

export interface PooledStoreOptions {
  readonly id: string;
  readonly writer: Writer;
  readonly signer: LogSigner | undefined;
  readonly faults: SequencerFaults;
  /** What an error of the database means to whoever runs the portal. */
  readonly translate: (error: unknown) => Error;
  /** Gives one consistent view to one reader. */
  readonly view: <T>(task: (tx: Reader) => Promise<T>) => Promise<T>;
  /** The head that a view would find, where there is a quicker way to it. */
  readonly head?: () => Promise<Head>;
  /** The same of the tables themselves. */
  readonly viewTables: <T>(task: (sql: Sql) => Promise<T>) => Promise<T>;
  readonly checkStorage: () => Promise<readonly string[]>;
  readonly closeReaders: () => void | Promise<void>;
  /** Told of every commit, and how many transactions shared it. */
  readonly onCommit?: ((transactions: number) => void) | undefined;
}

interface Job {
  /** Does the work inside the open transaction. */
  run(transaction: Transaction, sequencer: Sequencer): Promise<unknown>;
  resolve(value: never): void;
  reject(error: unknown): void;
}

/** True where a head was signed too long ago, or by a clock that was far ahead of the present one. */
const isStale = (head: Head, at: Time, before: Time): boolean => head.time < before || head.time - at > CLOCK_TOLERANCE;

const nextTurn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

/** A store whose transactions, each undone by itself where it fails, share commits. */
export const createPooledStore = (options: PooledStoreOptions): Store => {
  const { id, writer, view, translate, onCommit } = options;
  const { head: readHead = () => view((tx) => tx.head()) } = options;
  const { maxBatch = MAX_BATCH } = writer;
  const sequencer = createSequencer(writer.sql, options.signer, options.faults);
  const transaction = createTransaction(writer.sql, sequencer);
  const jobs: Job[] = [];
  const views = new Set<Promise<unknown>>();
  let working: Promise<void> | undefined;
  let closing: Promise<void> | undefined;
  /** How many transactions shared the last commit, when it was over and how long it took. */
  let last = { transactions: 0, end: 0, took: 0 };
  /** Ends the waiting for transactions that share a commit. */
  let enough: (() => void) | undefined;

  const refuseClosed = (): void => {
    if (closing) throw new MeshError("internal", msg("portal.store-closed"));
  };

  /** Runs one job and gives what settles its caller's promise afterwards. */
  const runJob = async (job: Job): Promise<() => void> => {
    const mark = sequencer.mark();
    await writer.mark();
    try {
      const value = await job.run(transaction, sequencer);
      await writer.keep();
      return () => job.resolve(value as never);
    } catch (error) {
      const cause = writer.failure() ?? error;
      // Then no job of the batch was done.
      if (!writer.isOpen()) throw cause;
      await writer.undo();
      sequencer.undo(mark);
      return () => job.reject(translate(cause));
    }
  };

  /** Runs the jobs that wait and commits them together. */
  const runBatch = async (): Promise<void> => {
    const batch: Job[] = [];
    try {
      await writer.begin();
      await sequencer.begin();
      const settlements: (() => void)[] = [];
      for (let job = jobs.shift(); job; job = batch.length < maxBatch ? jobs.shift() : undefined) {
        batch.push(job);
        settlements.push(await runJob(job));
      }
      await sequencer.seal();
      const start = performance.now();
      await writer.commit();
      const end = performance.now();
      last = { transactions: batch.length, end, took: end - start };
      sequencer.committed();
      onCommit?.(batch.length);
      // Even a refusal may rest on what another job of this batch wrote, so nobody hears anything before the commit.
      for (const settle of settlements) settle();
    } catch (error) {
      await writer.abandon();
      // Where not even the beginning succeeded, whoever waits has waited as long as the first of them.
      const failed = batch.length > 0 ? batch : jobs.splice(0);
      const cause = translate(error);
      for (const job of failed) job.reject(cause);
    }
  };

  /**
   * Gives other requests the time to share a commit: one turn of the event loop, and as long again as the last commit took, so that no
   * more than half of the time goes by in waiting for the disk, unless as many as last time are here already.
   */
  const pool = async (): Promise<void> => {
    await nextTurn();
    const pause = last.end + Math.min(last.took, MAX_POOLING) - performance.now();
    if (pause <= 0 || jobs.length >= Math.min(last.transactions, maxBatch)) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, pause);
      enough = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    enough = undefined;
  };

  const work = async (): Promise<void> => {
    while (jobs.length > 0) {
      await pool();
      await runBatch();
    }
    working = undefined;
  };

  const run = <T>(task: (tx: Transaction, sequencer: Sequencer) => Promise<T>): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      refuseClosed();
      jobs.push({ run: task, resolve, reject });
      if (jobs.length >= Math.min(last.transactions, maxBatch)) enough?.();
      working ??= work();
    });

  const watch = async <T>(viewed: Promise<T>): Promise<T> => {
    views.add(viewed);
    try {
      return await viewed;
    } finally {
      views.delete(viewed);
    }
  };

  const read = async <T>(task: (tx: Reader) => Promise<T>): Promise<T> => {
    refuseClosed();
    return watch(view(task));
  };

  return {
    id,
    transact: (task) => run(task),
    read,
    head: () => {
      refuseClosed();
      return watch(readHead());
    },
    readTables: async (task) => {
      refuseClosed();
      return watch(options.viewTables(task));
    },
    writeTables: async (task) => {
      refuseClosed();
      await working;
      try {
        await writer.begin(true);
        const value = await task(writer.sql);
        await writer.commit();
        return value;
      } catch (error) {
        const cause = error instanceof MeshError ? error : (writer.failure() ?? error);
        await writer.abandon();
        throw translate(cause);
      }
    },
    refreshHead: async (at, before) => {
      const head = await readHead();
      if (!isStale(head, at, before)) return head;
      await run((_, log) => {
        if (isStale(log.head(), at, before)) log.sign(at);
        return Promise.resolve();
      });
      return read((tx) => tx.head());
    },
    checkStorage: async () => {
      refuseClosed();
      return options.checkStorage();
    },
    close: () => {
      closing ??= (async () => {
        enough?.();
        await working;
        await Promise.allSettled(views);
        await options.closeReaders();
        await writer.close();
      })();
      return closing;
    },
  };
};
