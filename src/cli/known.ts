import { MeshError } from "../errors.js";
import { readPins } from "../keystore/pins.js";
import type { ProfileState } from "../keystore/state.js";
import { readPersonal, type PersonalProfile } from "../mesh/records/personal.js";
import { checkPin } from "../mesh/succession.js";
import { msg } from "../messages/message.js";
import type { Context } from "./context.js";

/** The profile as this home knows it, verified and not behind the pin, without a portal. Undefined where none is kept. */
export const knownProfile = (context: Context, state: ProfileState): PersonalProfile | undefined => {
  if (!state.record) return undefined;
  const profile = readPersonal(state.record);
  if (profile.udf !== state.udf) throw new MeshError("state-corrupt", msg("profile.kept-another"));
  const pin = readPins(context.home).profiles[state.udf];
  if (pin) checkPin(profile, pin);
  return profile;
};
