import { MeshError } from "../errors.js";
import { readDevice } from "../mesh/records/device.js";
import { readPersonal } from "../mesh/records/personal.js";
import { checkPin } from "../mesh/succession.js";
import { msg } from "../messages/message.js";
import type { Home } from "./home.js";
import { readPins } from "./pins.js";
import type { ProfileState } from "./state.js";

/**
 * Verifies the records in the state of a profile: the device is this one, and the profile the one that the state is of, not
 * behind its pin. Throws `state-corrupt`, and what `readDevice`, `readPersonal` and `checkPin` throw.
 */
export const verifyState = (home: Home, state: ProfileState): void => {
  const isOther = (): MeshError => new MeshError("state-corrupt", msg("keystore.state-other", { udf: state.udf }));
  if (readDevice(state.device.record).udf !== state.device.udf) throw isOther();
  if (!state.record) return;
  const profile = readPersonal(state.record);
  if (profile.udf !== state.udf) throw isOther();
  const pin = readPins(home).profiles[state.udf];
  if (pin) checkPin(profile, pin);
};
