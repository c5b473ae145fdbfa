import type { Device } from "../../mesh/records/device.js";
import { deviceName, findDevice, type PersonalProfile } from "../../mesh/records/personal.js";
import { msg } from "../../messages/message.js";
import type { Context } from "../context.js";

/** Says that a name means several devices from now on, so that only their fingerprints tell them apart. It may be so. */
export const noteSharedName = async (context: Context, profile: PersonalProfile, udf: string): Promise<void> => {
  const nameOf = (device: Device): string => deviceName(profile, device).normalize("NFC");
  const named = findDevice(profile, udf);
  const isShared = named && profile.devices.some((other) => other !== named && nameOf(other) === nameOf(named));
  if (isShared) await context.note(msg("device.name-shared", { name: JSON.stringify(nameOf(named)) }));
};
