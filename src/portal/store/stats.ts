import type { EntryType } from "../../mesh/protocol.js";
import type { Sql } from "./sql.js";
import type { AccountStatus, Time } from "./store.js";

/** How much there is in a store. No names. */
export interface StoreStats {
  readonly accounts: Readonly<Record<AccountStatus, number>>;
  /** Each type with how many records there are, and how many versions of them. */
  readonly records: readonly { readonly type: EntryType; readonly count: number; readonly versions: number }[];
  /** Octets of all versions of all records, as quotas count them. */
  readonly octets: number;
  readonly pending: number;
  readonly head: { readonly size: number; readonly time: Time };
  readonly lastWrite: Time | undefined;
  /** How much room the database takes, in octets. */
  readonly databaseOctets: number;
}

const SIZE = {
  sqlite: "SELECT page_count * page_size AS value FROM pragma_page_count(), pragma_page_size()",
  postgres: "SELECT pg_database_size(current_database()) AS value",
};

/** Counts what is in the tables, in one view of them. */
export const readStats = async (sql: Sql, kind: "sqlite" | "postgres"): Promise<StoreStats> => {
  // A sum may come as text, since it may be of more digits than a number has.
  const value = async (text: string): Promise<number> => Number(((await sql.get(text)) as { value: unknown }).value);
  const accounts = (await sql.all("SELECT status, count(*) AS count FROM account GROUP BY status")) as {
    status: AccountStatus;
    count: unknown;
  }[];
  const of = (status: AccountStatus): number => Number(accounts.find((row) => row.status === status)?.count ?? "0");
  const records = (await sql.all(
    "SELECT type, sum(newest) AS count, count(*) AS versions FROM record GROUP BY type ORDER BY type",
  )) as { type: EntryType; count: unknown; versions: unknown }[];
  const head = (await sql.get("SELECT size, time FROM head")) as { size: number; time: Time };
  const last = (await sql.get("SELECT added FROM log ORDER BY tid DESC LIMIT 1")) as { added: Time } | undefined;
  return {
    accounts: { Open: of("Open"), Suspended: of("Suspended"), Closed: of("Closed") },
    records: records.map(({ type, count, versions }) => ({ type, count: Number(count), versions: Number(versions) })),
    octets: await value("SELECT coalesce(sum(bytes), 0) AS value FROM usage"),
    pending: await value("SELECT count(*) AS value FROM pending"),
    head: { size: head.size, time: head.time },
    lastWrite: last?.added,
    databaseOctets: await value(SIZE[kind]),
  };
};
