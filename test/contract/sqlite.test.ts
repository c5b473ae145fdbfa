import * as path from "node:path";
import { openSqliteStore } from "../../src/portal/store/sqlite.js";
import { temporaryFolder } from "../support/deps.js";
import { random } from "../support/portal.js";
import { failingSqlite } from "../support/sqlite-faults.js";
import { faultContract } from "./fault-contract.js";
import { logContract } from "./log-contract.js";
import { storeContract, type OpenStore } from "./store-contract.js";

const prepare = (): Promise<OpenStore> => {
  const file = path.join(temporaryFolder(), "portal.sqlite");
  return Promise.resolve((signer) => openSqliteStore(file, { random, signer }));
};

storeContract("SQLite", prepare);
logContract("SQLite", prepare);
faultContract("SQLite", prepare, failingSqlite);
