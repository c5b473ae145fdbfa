import { MeshError } from "../errors.js";
import { readDefaultProfile } from "../keystore/preferences.js";
import { findProfile, listProfiles, type AccountState, type ProfileState } from "../keystore/state.js";
import { parseAddress } from "../mesh/address.js";
import { msg } from "../messages/message.js";
import type { Context } from "./context.js";

/**
 * The accounts of a profile. A device that has asked to be connected, and has not looked since, has the one that it asked: it
 * may have been accepted meanwhile.
 */
export const accountsOf = ({ accounts, connecting }: ProfileState): readonly AccountState[] =>
  accounts.length === 0 && connecting ? [{ account: connecting.account, portal: connecting.portal }] : accounts;

/** True where an account's portal is known to be behind, since it could not be reached when the profile was changed. */
export const isBehind = ({ accounts, work }: ProfileState, account: string): boolean =>
  work.some(({ kind }) => kind === "publish") && accounts[0]?.account !== account;

/** The canonical form of an account that the user typed; a bare name belongs to the domain of the profile's first account. */
export const canonicalAccount = (text: string, state?: ProfileState): string =>
  parseAddress(text, (state && accountsOf(state)[0])?.account.split("@").at(-1)).account;

/** The default profile: the one that was chosen, or else the first. */
export const defaultProfile = async (
  context: Context,
  profiles: readonly ProfileState[],
): Promise<ProfileState | undefined> => {
  const chosen = await readDefaultProfile(context.home);
  return profiles.find(({ udf }) => udf === chosen) ?? profiles[0];
};

/**
 * When a new profile is made: later than all others of this home, whatever the clock says, since the first one is the
 * default. Call it inside the lock.
 */
export const creationTime = (context: Context): string => {
  const last = listProfiles(context.home).at(-1)?.created;
  const now = context.deps.now().getTime();
  return new Date(last === undefined ? now : Math.max(now, Date.parse(last) + 1)).toISOString();
};

/** The profile that the options name, by `--profile` or by one of its accounts, or else the default one. */
export const selectProfile = async (context: Context): Promise<ProfileState | undefined> => {
  const { profile, account } = context.globals;
  if (profile !== undefined) {
    const found = findProfile(context.home, profile);
    if (found) return found;
    throw new MeshError("profile-not-found", msg("profile.unknown", { name: JSON.stringify(profile) }), {
      hint: msg("profile.unknown.hint"),
    });
  }
  const profiles = listProfiles(context.home);
  // Before there is any profile, that is what is missing.
  if (account !== undefined && profiles.length > 0) {
    const owner = profiles.find((state) =>
      [...state.accounts, ...(state.connecting ? [state.connecting] : [])].some(
        (known) => known.account === canonicalAccount(account, state),
      ),
    );
    if (owner) return owner;
    throw new MeshError("account-not-found", msg("account.unknown", { account: JSON.stringify(account) }), {
      hint: msg("account.unknown.hint"),
    });
  }
  return defaultProfile(context, profiles);
};

/** The same, or an error that says how to make one. Throws `profile-not-found`. */
export const requireProfile = async (context: Context): Promise<ProfileState> => {
  const state = await selectProfile(context);
  if (state) return state;
  throw new MeshError("profile-not-found", msg("profile.none"), { hint: msg("profile.none.hint") });
};
