import { agentKey } from "../../keystore/agent/client.js";
import { checkFiles } from "../../keystore/application-store.js";
import type { Home } from "../../keystore/home.js";
import { opensByItself, type KeystoreFacts } from "../../keystore/keystore-file.js";
import { openWithKey, type Keystore } from "../../keystore/keystore.js";
import type { ProfileState } from "../../keystore/state.js";
import { msg } from "../../messages/message.js";
import { failed, ok, type Finding } from "./finding.js";

/** What this home keeps of applications: opened where an agent has the key, and else looked at from the outside. */
export const checkApplications = async (
  home: Home,
  states: readonly ProfileState[],
  facts: KeystoreFacts | undefined,
): Promise<Finding[]> => {
  const keystore = facts && (await openByAgent(home, facts));
  try {
    return states.flatMap(({ udf, name }): Finding[] => {
      try {
        const { good, faults } = checkFiles(home, udf, keystore);
        return [
          ...faults.map((fault) => failed("applications", fault)),
          ...(good > 0 ? [ok("applications", msg("doctor.applications", { name, count: good }))] : []),
        ];
      } catch (error) {
        return [failed("applications", error)];
      }
    });
  } finally {
    keystore?.close();
  }
};

const openByAgent = async (home: Home, facts: KeystoreFacts): Promise<Keystore | undefined> => {
  if (opensByItself(facts)) return undefined;
  try {
    const key = await agentKey(home, facts, () => Promise.resolve());
    return key && openWithKey(home, facts.id, key);
  } catch {
    // What is wrong with the agent or the keystore is told where those are looked at.
    return undefined;
  }
};
