import type { Device } from "../../mesh/records/device.js";
import {
  deviceExpiry,
  deviceName,
  isAdministrator,
  isLapsed,
  type PersonalProfile,
} from "../../mesh/records/personal.js";
import { msg } from "../../messages/message.js";
import { readableTime, type Cell } from "../output.js";

/** A device as commands show it. `current` is true for the device that this program runs on. */
export const describeDevice = (profile: PersonalProfile, device: Device, ownUdf: string) => ({
  udf: device.udf,
  name: deviceName(profile, device),
  description: device.description ?? null,
  admin: isAdministrator(profile, device.udf),
  current: device.udf === ownUdf,
  expires: deviceExpiry(profile, device.udf) ?? null,
});

/** When a device lapses, for people. Empty where it never does. */
export const readableExpiry = (profile: PersonalProfile, udf: string, now: Date): Cell => {
  const expiry = deviceExpiry(profile, udf);
  if (expiry === undefined) return "";
  const time = readableTime(expiry);
  return isLapsed(profile, udf, now) ? msg("device.lapsed-at", { time }) : time;
};
