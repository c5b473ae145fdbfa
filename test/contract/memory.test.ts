import { createMemory } from "../support/memory-store.js";
import { random } from "../support/portal.js";
import { failingSqlite } from "../support/sqlite-faults.js";
import { faultContract } from "./fault-contract.js";
import { logContract } from "./log-contract.js";
import { storeContract, type OpenStore } from "./store-contract.js";

const prepare = (): Promise<OpenStore> => {
  const open = createMemory();
  return Promise.resolve((signer) => open({ random, signer }));
};

storeContract("memory", prepare);
logContract("memory", prepare);
faultContract("memory", prepare, failingSqlite);
