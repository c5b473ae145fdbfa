import { Client } from "pg";
import type { FaultPlan, Faults } from "./sqlite-faults.js";

/** What the driver keeps of a connection. */
interface Inside {
  readonly connection: { readonly stream: { destroy(): void } };
}

/** Which way a call fails: the server refuses the statement, or the connection breaks. */
export type PostgresFault = "refused" | "broken";

/**
 * Lets calls of the PostgreSQL driver fail all over the process, until it is stopped. A connection that breaks may do so once the server
 * has done what it was told.
 */
export const failingPostgres = (fault: PostgresFault, { at, every, after = false }: FaultPlan): Faults => {
  let calls = 0;
  let happened = false;
  const original = Client.prototype.query as (...values: unknown[]) => Promise<unknown>;
  const failing = async function (this: Client, ...values: unknown[]): Promise<unknown> {
    calls += 1;
    const fails = calls === at || (every !== undefined && calls % every === 0);
    if (!fails) return original.apply(this, values);
    happened = true;
    if (fault === "refused") throw Object.assign(new Error("injected"), { code: "53100" });
    if (after) await original.apply(this, values);
    (this as unknown as Inside).connection.stream.destroy();
    throw new Error("Connection terminated unexpectedly");
  };
  Client.prototype.query = failing as typeof Client.prototype.query;
  return {
    calls: () => calls,
    happened: () => happened,
    stop: () => {
      Client.prototype.query = original as typeof Client.prototype.query;
    },
  };
};
