import { isMeshError } from "../errors.js";
import type { PortalClient } from "../client/client.js";
import { isLogError } from "../client/log-error.js";
import type { AccountState } from "../keystore/state.js";
import { msg } from "../messages/message.js";
import { withClient } from "./change.js";
import { withGlobals } from "./context.js";
import { accountsOf } from "./select.js";
import { accountOf, openAccount, type Session } from "./session.js";

/**
 * Works through the accounts of a profile, or the one that `--account` names, until `work` gives something. The first one must
 * answer; where a further one does not, a warning says so. `--portal` speaks of the first alone.
 */
export const eachAccount = async <T>(
  session: Session,
  work: (client: PortalClient, account: AccountState) => Promise<T | undefined>,
): Promise<T | undefined> => {
  const { context, state } = session;
  const first = accountOf(context, state);
  const others = accountsOf(state).filter((account) => account.account !== first.account);
  const result = await withClient(openAccount(context, first), (client) => work(client, first));
  if (result !== undefined || context.globals.account !== undefined) return result;
  for (const account of others) {
    try {
      const opening = openAccount(withGlobals(context, { portal: undefined }), account);
      const found = await withClient(opening, (client) => work(client, account));
      if (found !== undefined) return found;
    } catch (error) {
      if (!isMeshError(error) || error.code === "interrupted" || isLogError(error)) throw error;
      await context.note(msg("account.not-looked-at", { account: account.account, reason: error.text }));
    }
  }
  return undefined;
};
