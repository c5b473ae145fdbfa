/** What a column holds. */
export type Value = string | number | Uint8Array | null;

/**
 * The little that is needed of a connection to a database. Statements are written as SQLite spells them, with table names in lower
 * case behind a keyword in upper case, and with `?` for values.
 */
export interface Sql {
  get(text: string, ...values: Value[]): Promise<unknown>;
  all(text: string, ...values: Value[]): Promise<unknown[]>;
  /** Gives how many rows it changed. */
  run(text: string, ...values: Value[]): Promise<number>;
  /** Changes something that nobody has to wait for: whether it was done shows at the latest where the transaction ends. */
  write(text: string, ...values: Value[]): void;
}
