import type { ProfileView } from "../keystore/state.js";
import { deviceExpiry, deviceName, isAdministrator, type PersonalProfile } from "../mesh/records/personal.js";

/** The view of a verified profile. */
export const viewOf = (profile: PersonalProfile): ProfileView => ({
  hash: profile.hash,
  masterSequence: profile.master.sequence,
  sequence: profile.sequence,
  updated: profile.updated,
  devices: profile.devices.map((device) => {
    const expires = deviceExpiry(profile, device.udf);
    return {
      udf: device.udf,
      name: deviceName(profile, device),
      admin: isAdministrator(profile, device.udf),
      ...(expires === undefined ? {} : { expires }),
    };
  }),
});
