import { MeshError } from "../../errors.js";
import { nextPersonal } from "../../mesh/profile.js";
import {
  deviceName,
  findDevice,
  isAdministrator,
  resolveDevice,
  type PersonalProfile,
} from "../../mesh/records/personal.js";
import { changeProfile, refresh } from "../change.js";
import type { Run } from "../context.js";
import { makeEpoch, masterKey } from "../master.js";
import { fields } from "../output.js";
import { requireProfile } from "../select.js";
import { administrationKey, openSession } from "../session.js";

export const run: Run = async (context, input) => {
  const state = await requireProfile(context);
  const session = await openSession(context, state);
  const before = await refresh(session);
  administrationKey(session, before);
  // A name is looked up once: while the change is made again it must not come to mean another device.
  const device = resolveDevice(before, input.argument(0) ?? "");
  const name = deviceName(before, device);
  if (device.udf === state.device.udf) {
    throw new MeshError("self-removal", "A device cannot remove itself.", {
      hint: "Do it on another administration device. `meshman profile delete` removes the keys of this one.",
    });
  }
  const after = await changeProfile(session, async (current): Promise<PersonalProfile | undefined> => {
    const key = administrationKey(session, current);
    if (!findDevice(current, device.udf) && !isAdministrator(current, device.udf)) return undefined;
    const change = { devices: current.devices.filter(({ udf }) => udf !== device.udf) };
    if (!isAdministrator(current, device.udf)) return nextPersonal(key, current, change, context.deps.now());
    const administrators = current.master.administrators
      .map(({ deviceUdf }) => findDevice(current, deviceUdf))
      .filter((known) => known !== undefined)
      .filter(({ udf }) => udf !== device.udf);
    return makeEpoch(context, await masterKey(session, input, current), key, current, administrators, change);
  });
  return {
    value: {
      device: { udf: device.udf, name },
      masterSequence: after.master.sequence,
      sequence: after.sequence,
    },
    text: fields([
      ["Removed", name],
      ["UDF", device.udf],
      ["Version", `${after.master.sequence}.${after.sequence}`],
    ]),
  };
};
