import { isMeshError, MeshError, type ErrorCode } from "../errors.js";
import type { KeyUse } from "../mesh/key-use.js";
import { readDevice } from "../mesh/records/device.js";
import { readPersonal } from "../mesh/records/personal.js";
import { checkPin } from "../mesh/succession.js";
import { msg } from "../messages/message.js";
import type { Home } from "./home.js";
import type { Keystore } from "./keystore.js";
import { loadPins, readPins } from "./pins.js";
import { profileFiles, readProfileFile, type ProfileState } from "./state.js";

/** Whether something can be used, and if not why: the code of the error that using it would meet. */
export interface Finding {
  readonly ok: boolean;
  readonly reason?: ErrorCode;
}

export interface HomeCheck {
  readonly ok: boolean;
  readonly keys: readonly ({ readonly kid: string; readonly use: KeyUse } & Finding)[];
  readonly pins: Finding;
  readonly profiles: readonly ({ readonly udf: string; readonly name: string | null } & Finding)[];
}

const find = (look: () => unknown): Finding => {
  try {
    look();
    return { ok: true };
  } catch (error) {
    if (isMeshError(error)) return { ok: false, reason: error.code };
    throw error;
  }
};

/** Throws where a profile cannot be used: its keys are not all here, or a record of it is not what it was. */
const checkState = (home: Home, keystore: Keystore, state: ProfileState): void => {
  const { udf, record, authenticationKey, encryptionKey, onlineSignatureKey } = state.device;
  keystore.get(udf, "device-signature");
  keystore.get(authenticationKey, "device-authentication");
  keystore.get(encryptionKey, "device-encryption");
  keystore.get(onlineSignatureKey, "online-signature");
  const isOther = (): MeshError => new MeshError("state-corrupt", msg("keystore.state-other", { udf: state.udf }));
  if (readDevice(record).udf !== udf) throw isOther();
  if (!state.record) return;
  const profile = readPersonal(state.record);
  if (profile.udf !== state.udf) throw isOther();
  const pin = readPins(home).profiles[state.udf];
  if (pin) checkPin(profile, pin);
};

/**
 * Looks whether all that a home keeps can be used: every key opens and is the one that its name says, the pins are as this
 * keystore wrote them, and every profile is whole, verified, and has its keys. Writes nothing.
 */
export const checkHome = (home: Home, keystore: Keystore): HomeCheck => {
  const keys = keystore.facts.map(({ kid, use }) => ({ kid, use, ...find(() => keystore.get(kid, use)) }));
  const pins = find(() => loadPins(home, keystore));
  const profiles = profileFiles(home).map((file) => {
    let state: ProfileState | undefined;
    const finding = find(() => {
      state = readProfileFile(home, file);
      if (state) checkState(home, keystore, state);
    });
    const udf = file.slice(0, -".json".length);
    return { udf: state?.udf ?? udf, name: state?.name ?? null, ...finding };
  });
  return { ok: [...keys, pins, ...profiles].every(({ ok }) => ok), keys, pins, profiles };
};
