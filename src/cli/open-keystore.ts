import { agentKey } from "../keystore/agent/client.js";
import { opensByItself } from "../keystore/keystore-file.js";
import { openWithKey, readKeystoreFacts, type Keystore } from "../keystore/keystore.js";
import type { Context } from "./context.js";
import { unlockByProtection } from "./secrets.js";

/** Opens the keystore, asking for its passphrase where it has one. Throws `locked`, `wrong-passphrase` or `input-required`. */
export const openKeystore = async (context: Context): Promise<Keystore> =>
  (context.unlocked.keystore ??= await unlock(context));

const unlock = async (context: Context): Promise<Keystore> => {
  const facts = readKeystoreFacts(context.home);
  // Where there are no keys yet, an agent's key cannot be tried on any.
  if (facts && !opensByItself(facts) && facts.keys.length > 0) {
    const key = await agentKey(context.home, facts, context.note);
    const keystore = key && openWithKey(context.home, facts.id, key);
    if (keystore) return keystore;
  }
  return await unlockByProtection(context, facts);
};

/** Opens the keystore by its own protection, also where an agent has its key: for what only its owner may do. */
export const unlockItself = async (context: Context): Promise<Keystore> =>
  (context.unlocked.keystore = await unlockByProtection(context, readKeystoreFacts(context.home)));
