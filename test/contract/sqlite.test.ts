import * as path from "node:path";
import { openSqliteStore } from "../../src/portal/store/sqlite.js";
import { temporaryFolder } from "../support/deps.js";
import { random } from "../support/portal.js";
import { storeContract } from "./store-contract.js";

storeContract("SQLite", () => {
  const file = path.join(temporaryFolder(), "portal.sqlite");
  return Promise.resolve(() => openSqliteStore(file, { random }));
});
