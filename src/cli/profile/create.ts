import { MeshError } from "../../errors.js";
import type { Keystore } from "../../keystore/keystore.js";
import { updatePins } from "../../keystore/pins.js";
import { findProfile, updateProfile, type ProfileState } from "../../keystore/state.js";
import { certify } from "../../mesh/certificates.js";
import { publicKeyOf } from "../../mesh/keys.js";
import {
  createDevice,
  createMaster,
  createPersonal,
  generateDeviceKeys,
  generateMasterKeys,
} from "../../mesh/profile.js";
import { pinOf } from "../../mesh/succession.js";
import { msg } from "../../messages/message.js";
import type { Context, Run } from "../context.js";
import { deviceKeyEntries, deviceState } from "../device-keys.js";
import { checkName, defaultDeviceName, platformName } from "../names.js";
import { fields, gap, lines, stack } from "../output.js";
import { creationTime } from "../select.js";
import { viewOf } from "../view-of.js";
import { openOrCreateKeystore, removeOrphans } from "../session.js";

export const run: Run = async (context, input) => {
  const name = checkName(input.text("name") ?? "default", "profile");
  const deviceName = checkName(input.text("deviceName") ?? defaultDeviceName(context.deps), "device");
  refuseTaken(context, name);
  const keystore = await openOrCreateKeystore(context, !input.flag("passphrase"));
  const state = await createProfile(context, keystore, name, deviceName);
  return {
    value: { profile: { udf: state.udf, name }, device: { udf: state.device.udf, name: deviceName, admin: true } },
    text: stack(
      fields([
        [msg("label.profile"), name],
        [msg("label.udf"), state.udf],
        [msg("label.device"), deviceName],
      ]),
      gap,
      lines(msg("profile.next")),
    ),
  };
};

const refuseTaken = (context: Context, name: string): void => {
  if (findProfile(context.home, name)) {
    throw new MeshError("profile-exists", msg("profile.exists", { name: JSON.stringify(name) }), {
      hint: msg("profile.exists.hint"),
    });
  }
};

/** Makes master and device keys and the first version of a profile, all on disk before this returns. Nothing is published. */
export const createProfile = async (
  context: Context,
  keystore: Keystore,
  name: string,
  deviceName: string,
): Promise<ProfileState> => {
  const { deps, home } = context;
  const now = deps.now();
  const master = generateMasterKeys(deps.random);
  const keys = generateDeviceKeys(deps.random);
  const udf = master.signature.kid;
  const device = createDevice(keys, deviceName, platformName(deps), now);
  const escrowKeys = [publicKeyOf(master.escrow)];
  const online = [device.onlineSignatureKey];
  const certificates = await certify(master.signature, { escrow: escrowKeys, online }, now, deps.random);
  const masterProfile = createMaster(master.signature, { administrators: [device], escrowKeys, certificates }, now);
  const profile = createPersonal(keys.online, masterProfile, { devices: [device] }, now);
  return home.withLock(async () => {
    refuseTaken(context, name);
    await removeOrphans(context, keystore);
    await keystore.add([
      { key: master.signature, use: "master-signature", profile: udf },
      { key: master.escrow, use: "master-escrow", profile: udf },
      ...deviceKeyEntries(keys, udf),
    ]);
    const state = await updateProfile(home, udf, () => ({
      version: 1,
      udf,
      name,
      created: creationTime(context),
      device: deviceState(device),
      accounts: [],
      record: profile.record,
      view: viewOf(profile),
      work: [],
    }));
    // A pin says that the profile came to be, so it comes last.
    await updatePins(home, keystore, (pins) => ({ ...pins, profiles: { ...pins.profiles, [udf]: pinOf(profile) } }));
    return state;
  });
};
