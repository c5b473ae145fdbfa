import type { ProfileView } from "../keystore/state.js";
import { deviceName, isAdministrator, type PersonalProfile } from "../mesh/records/personal.js";

/** The view of a verified profile. */
export const viewOf = (profile: PersonalProfile): ProfileView => ({
  hash: profile.hash,
  masterSequence: profile.master.sequence,
  sequence: profile.sequence,
  updated: profile.updated,
  devices: profile.devices.map((device) => ({
    udf: device.udf,
    name: deviceName(profile, device),
    admin: isAdministrator(profile, device.udf),
  })),
});
