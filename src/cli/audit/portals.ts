import type { AccountState, ProfileState } from "../../keystore/state.js";
import type { Context } from "../context.js";
import { accountsOf, requireProfile } from "../select.js";
import { accountOf, portalTarget } from "../session.js";

/** A portal at which a profile has accounts. */
export interface AuditedPortal {
  readonly url: string;
  readonly state: ProfileState;
  readonly accounts: readonly AccountState[];
}

/**
 * The portals of a profile's accounts, each once, in the order of the accounts: all of them, or that of the account or portal that the
 * options name. Throws `profile-not-found` and `account-not-found`.
 */
export const auditedPortals = async (context: Context): Promise<AuditedPortal[]> => {
  const { account, portal } = context.globals;
  const state = await requireProfile(context);
  const first = accountOf(context, state);
  // --portal speaks of the first account alone.
  const named = portal === undefined ? undefined : portalTarget(context, portal).url;
  const accounts = account === undefined && named === undefined ? accountsOf(state) : [first];
  const at = (known: AccountState): string =>
    known.account === first.account && named !== undefined ? named : known.portal;
  const urls = [...new Set(accounts.map(at))];
  return urls.map((url) => ({ url, state, accounts: accounts.filter((known) => at(known) === url) }));
};
