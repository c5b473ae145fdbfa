import { afterAll, afterEach } from "vitest";
import { startPostgres, type TestDatabase, type TestServer } from "./postgres-server.js";

export { hasPostgres } from "./postgres-server.js";
export type { TestDatabase, TestServer } from "./postgres-server.js";

/** Starts a server for the tests of one file, at the first call, which ends with them. */
export const sharedServer = ({ durable = false } = {}): (() => Promise<TestServer>) => {
  let starting: ReturnType<typeof startPostgres> | undefined;
  afterAll(async () => {
    await (await starting)?.remove();
  });
  return () => (starting ??= startPostgres(durable));
};

/** Gives empty databases of a server, each to one test, once those before it have closed what they opened. */
export const testDatabases = (server: () => Promise<TestServer>): (() => Promise<TestDatabase>) => {
  const free: TestDatabase[] = [];
  const used: TestDatabase[] = [];
  afterEach(() => {
    free.push(...used.splice(0));
  });
  return async () => {
    const { createDatabase, emptyDatabase } = await server();
    const known = free.pop();
    const database = known ? await emptyDatabase(known) : await createDatabase();
    used.push(database);
    return database;
  };
};
