import { isMeshError, MeshError } from "../errors.js";
import { readPins } from "../keystore/pins.js";
import type { ProfileState } from "../keystore/state.js";
import type { PersonalProfile } from "../mesh/records/personal.js";
import { msg } from "../messages/message.js";
import { withClient } from "./change.js";
import type { Context } from "./context.js";
import { knownProfile } from "./known.js";
import { accountsOf } from "./select.js";
import { accountOf, openAccount } from "./session.js";
import { lookAtOwn, refuseRevoked } from "./own-profile.js";

/**
 * The profile as the portal of its account (the first, or the one that --account names) shows it, verified and held against the pin, without unlocking anything; where the
 * portal cannot be reached, as this home knows it, and a message says so. Throws `record-not-found` where there is neither.
 */
export const currentOrKnown = async (context: Context, state: ProfileState): Promise<PersonalProfile> => {
  refuseRevoked(state);
  const known = knownProfile(context, state);
  if (accountsOf(state).length > 0) {
    const place = accountOf(context, state);
    try {
      return await withClient(openAccount(context, place), async (client) => {
        const pin = readPins(context.home).profiles[state.udf];
        return (await lookAtOwn(context, client, place.account, state, pin)).profile;
      });
    } catch (error) {
      const unreachable = isMeshError(error, "portal-unreachable", "portal-timeout", "portal-busy", "portal-failed");
      if (!unreachable || !known) throw error;
      await context.note(msg("profile.shows-known", { reason: error.text }));
    }
  }
  if (known) return known;
  throw new MeshError("record-not-found", msg("profile.no-version"));
};
