import type { Device } from "../../mesh/records/device.js";
import { deviceName, isAdministrator, type PersonalProfile } from "../../mesh/records/personal.js";

/** A device as commands show it. `current` is true for the device that this program runs on. */
export const describeDevice = (profile: PersonalProfile, device: Device, ownUdf: string) => ({
  udf: device.udf,
  name: deviceName(profile, device),
  description: device.description ?? null,
  admin: isAdministrator(profile, device.udf),
  current: device.udf === ownUdf,
});
