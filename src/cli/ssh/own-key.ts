import { MeshError } from "../../errors.js";
import { readProfile, updateProfile } from "../../keystore/state.js";
import { keyComment } from "../../mesh/application/ssh/authorized-keys.js";
import { generateKey, type PrivateKey } from "../../mesh/keys.js";
import { deviceName, findDevice, type PersonalProfile } from "../../mesh/records/personal.js";
import { msg } from "../../messages/message.js";
import { sshKeyOf } from "../rotations.js";
import type { Session } from "../session.js";

/** The SSH key of this device, with what is said of it in public. */
export interface OwnKey {
  readonly key: PrivateKey;
  readonly created: string;
}

/** The key, where this device has one. Throws `decryption-failed` where it was tampered with. */
export const findOwnKey = ({ context, keystore, state }: Session): OwnKey | undefined => {
  const kid = sshKeyOf(readProfile(context.home, state.udf) ?? state);
  const fact = keystore.facts.find((candidate) => candidate.kid === kid && candidate.use === "ssh-authentication");
  return fact && { key: keystore.get(fact.kid, "ssh-authentication"), created: fact.created };
};

/** The same. Throws `entry-not-found` where it has none. */
export const requireOwnKey = (session: Session): OwnKey => {
  const found = findOwnKey(session);
  if (found) return found;
  throw new MeshError("entry-not-found", msg("ssh.no-key"), { hint: msg("ssh.no-key.hint") });
};

/**
 * The SSH key of this device, made where it has none. It is in the keystore and the state speaks of it before this returns, both
 * under one lock, so that nobody takes it for a leftover.
 */
export const ensureOwnKey = async (session: Session): Promise<OwnKey & { readonly isNew: boolean }> => {
  const { context, keystore, state } = session;
  const { home, deps } = context;
  return home.withLock(async () => {
    const known = findOwnKey(session);
    if (known) return { ...known, isNew: false };
    const key = generateKey("ssh-authentication", deps.random);
    await keystore.add([{ key, use: "ssh-authentication", profile: state.udf }]);
    await updateProfile(home, state.udf, (current = state) => ({
      ...current,
      ssh: { device: state.device.udf, key: key.kid },
    }));
    return { key, created: deps.now().toISOString(), isNew: true };
  });
};

/** What this device is called in a profile. */
export const ownName = ({ state }: Session, profile: PersonalProfile): string => {
  const device = findDevice(profile, state.device.udf);
  return device ? deviceName(profile, device) : "";
};

/** What stands behind this device's key wherever it is shown. */
export const ownComment = (session: Session, profile: PersonalProfile): string =>
  keyComment(profile.udf, { device: session.state.device.udf, name: ownName(session, profile) });
