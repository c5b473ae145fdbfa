import type { PoolClient } from "pg";
import { SCHEMA } from "./schema.js";
import type { Sql, Value } from "./sql.js";

/** The schema that holds all tables, so that nothing depends on where a database looks for names. */
export const NAMESPACE = "meshman";

/** Everything that makes the tables, as PostgreSQL spells it. Text is in the order of its octets, as in SQLite. */
export const POSTGRES_SCHEMA = SCHEMA.replaceAll(/\s*STRICT(, WITHOUT ROWID)?;/g, ";")
  .replaceAll(/\b(CREATE TABLE|REFERENCES) (?=[a-z])/g, `$1 ${NAMESPACE}.`)
  .replaceAll(/\b(INDEX [a-z_]+ ON) /g, `$1 ${NAMESPACE}.`)
  .replaceAll("INTEGER", "BIGINT")
  .replaceAll("BLOB", "BYTEA")
  .replaceAll("TEXT", 'TEXT COLLATE "C"');

interface Statement {
  readonly name: string;
  readonly text: string;
}

const statements = new Map<string, Statement>();

/** A statement as PostgreSQL spells it, under a name by which a connection prepares it once. */
const translate = (text: string): Statement => {
  const known = statements.get(text);
  if (known) return known;
  let values = 0;
  const statement = {
    name: `meshman_${statements.size}`,
    text: text
      .replaceAll(/\b(FROM|JOIN|INTO|UPDATE) (?=[a-z])/g, `$1 ${NAMESPACE}.`)
      .replaceAll("?", () => `$${++values}`),
  };
  statements.set(text, statement);
  return statement;
};

/** The rows of a statement, and how many it changed. */
interface Answer {
  readonly rows: unknown[];
  readonly rowCount: number | null;
}

export interface PostgresSql extends Sql {
  /** The first error of any statement since `clear`. None does anything more after it: the server would refuse it. */
  failure(): Error | undefined;
  clear(): void;
  /** Sends statements that take no values, without waiting for them. */
  send(text: string): void;
  /** Waits for what was sent, or written, without waiting. Never throws: see `failure`. */
  sent(): Promise<void>;
}

/**
 * Sends every statement at once, so that those which do not wait for each other share a way to the server and back. `drive` is told of
 * every call of the driver. `answerWait` is how long each may take, in milliseconds, where it is not what the connection was made with.
 */
export const createPostgresSql = (
  client: PoolClient,
  drive: <Result>(action: () => Promise<Result>) => Promise<Result>,
  answerWait?: number,
): PostgresSql => {
  const patience = answerWait === undefined ? {} : { query_timeout: answerWait };

  let failure: Error | undefined;
  let waiting: Promise<unknown>[] = [];

  const observe = async <Result>(query: () => Promise<Result>): Promise<Result> => {
    if (failure) throw failure;
    try {
      return await drive(query);
    } catch (error) {
      failure ??= error instanceof Error ? error : new Error("A statement failed.", { cause: error });
      throw error;
    }
  };

  const query = (text: string, values: Value[]): Promise<Answer> =>
    observe(() => client.query({ ...translate(text), values, ...patience }));

  const leave = (answer: Promise<unknown>): void => {
    waiting.push(answer.catch(() => undefined));
  };

  return {
    get: async (text, ...values) => (await query(text, values)).rows[0],
    all: async (text, ...values) => (await query(text, values)).rows,
    run: async (text, ...values) => (await query(text, values)).rowCount ?? 0,
    write: (text, ...values) => leave(query(text, values)),
    send: (text) => leave(observe(() => client.query(text))),
    sent: async () => {
      while (waiting.length > 0) await Promise.all(waiting.splice(0));
    },
    failure: () => failure,
    clear: () => {
      failure = undefined;
      waiting = [];
    },
  };
};
