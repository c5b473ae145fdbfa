import { loadPins } from "../keystore/pins.js";
import type { ProfileState } from "../keystore/state.js";
import type { Context } from "./context.js";
import { openKeystore } from "./open-keystore.js";
import type { Session } from "./session.js";

/**
 * Unlocks the keys of a profile as `openSession` does, for what this home has: nothing that a portal needs is loaded, and nothing is put in
 * order. Throws `profile-revoked` where it has been seen to be, and what `openKeystore` throws.
 */
export const openLightSession = async (context: Context, state: ProfileState): Promise<Session> => {
  if (state.revoked !== undefined) (await import("./own-profile.js")).refuseRevoked(state);
  const keystore = await openKeystore(context);
  loadPins(context.home, keystore);
  const session: Session = {
    context,
    keystore,
    state,
    get authenticationKey() {
      return keystore.get(session.state.device.authenticationKey, "device-authentication");
    },
  };
  return session;
};
