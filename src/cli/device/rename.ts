import { isMeshError } from "../../errors.js";
import { nextPersonal } from "../../mesh/profile.js";
import type { Device } from "../../mesh/records/device.js";
import { deviceName, findDevice, resolveDevice, type PersonalProfile } from "../../mesh/records/personal.js";
import { msg } from "../../messages/message.js";
import { changeProfile, refresh } from "../change.js";
import type { Run } from "../context.js";
import { knownProfile } from "../known.js";
import { checkName } from "../names.js";
import { fields } from "../output.js";
import { requireProfile } from "../select.js";
import { administrationKey, openSession, type Session } from "../session.js";
import { deviceGone } from "./gone.js";
import { noteSharedName } from "./shared-name.js";

export const run: Run = async (context, input) => {
  const text = input.argument(0) ?? "";
  const name = checkName(input.argument(1) ?? "", "device");
  const state = await requireProfile(context);
  const session = await openSession(context, state);
  const kept = knownProfile(context, state);
  const before = await refresh(session);
  administrationKey(session, before);
  const { udf } = await find(session, before, kept, text, name);
  const after = await changeProfile(session, (current, notaryToken) => {
    const device = findDevice(current, udf);
    if (!device) throw deviceGone(text);
    if (deviceName(current, device) === name) return undefined;
    return nextPersonal(
      administrationKey(session, current),
      current,
      { deviceNames: { [udf]: name }, notaryToken },
      context.deps.now(),
    );
  });
  await noteSharedName(context, after, udf);
  return {
    value: { device: { udf, name }, masterSequence: after.master.sequence, sequence: after.sequence },
    text: fields([
      [msg("label.device"), name],
      [msg("label.udf"), udf],
      [msg("label.version"), `${after.master.sequence}.${after.sequence}`],
    ]),
  };
};

/** The device. One that has the new name already, and had the old one when this home last looked, was renamed by a run that was cut off. */
const find = async (
  session: Session,
  current: PersonalProfile,
  kept: PersonalProfile | undefined,
  text: string,
  name: string,
): Promise<Device> => {
  try {
    return resolveDevice(current, text);
  } catch (error) {
    if (!isMeshError(error, "device-not-found")) throw error;
    const before = kept?.devices.find((device) => deviceName(kept, device) === text.normalize("NFC").trim());
    const device = before && findDevice(current, before.udf);
    if (device && deviceName(current, device) === name) return device;
    if (session.state.work.some(({ kind }) => kind === "publish")) await changeProfile(session, () => undefined);
    throw error;
  }
};
