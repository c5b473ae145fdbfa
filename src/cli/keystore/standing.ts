import { agentStatus } from "../../keystore/agent/client.js";
import type { Home } from "../../keystore/home.js";
import { opensByItself, type KeystoreFacts } from "../../keystore/keystore-file.js";

/** Whether the keystore opens as it is, and the agent that holds its key, if there is one. */
export interface Standing {
  readonly locked: boolean;
  readonly agent: { readonly expires: string } | null;
}

export const standingOf = async (home: Home, facts: KeystoreFacts): Promise<Standing> => {
  if (opensByItself(facts)) return { locked: false, agent: null };
  const agent = (await agentStatus(home, facts)) ?? null;
  // An agent is asked only where there are keys to try its key on.
  return { locked: !agent || facts.keys.length === 0, agent };
};

/** For how many seconds an agent has the key. */
export const secondsLeft = ({ deps }: Home, { expires }: { readonly expires: string }): number =>
  (Date.parse(expires) - deps.now().getTime()) / 1000;
