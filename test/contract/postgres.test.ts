import { describe } from "vitest";
import { openPostgresStore } from "../../src/portal/store/postgres.js";
import { random } from "../support/portal.js";
import { failingPostgres } from "../support/postgres-faults.js";
import { hasPostgres, sharedServer, testDatabases, type TestDatabase } from "../support/postgres.js";
import { faultContract } from "./fault-contract.js";
import { logContract } from "./log-contract.js";
import { storeContract, type OpenStore } from "./store-contract.js";

describe.skipIf(!hasPostgres)("PostgreSQL", () => {
  const server = sharedServer();
  const nextDatabase = testDatabases(server);
  const opener =
    ({ url }: TestDatabase): OpenStore =>
    (signer) =>
      openPostgresStore(url, { random, signer });
  const prepare = async (): Promise<OpenStore> => opener(await nextDatabase());

  storeContract("PostgreSQL", prepare);
  logContract("PostgreSQL", prepare);

  let one: TestDatabase | undefined;
  /** There are hundreds of these, one after the other. */
  const prepareAgain = async (): Promise<OpenStore> => {
    const { createDatabase, emptyDatabase } = await server();
    one = one ? await emptyDatabase(one) : await createDatabase();
    return opener(one);
  };
  for (const fault of ["refused", "broken"] as const) {
    faultContract(`PostgreSQL, ${fault}`, prepareAgain, (plan) => failingPostgres(fault, plan));
  }
});
