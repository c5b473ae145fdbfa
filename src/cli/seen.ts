import type { ProfileState } from "../keystore/state.js";
import { findDevice, readPersonal, type PersonalProfile } from "../mesh/records/personal.js";
import { compareVersions } from "../mesh/succession.js";
import { rotationsOf, withRotations } from "./rotations.js";
import { viewOf } from "./view-of.js";

/** The state of a home that has seen a verified version of its profile. */
export const withSeen = (state: ProfileState, profile: PersonalProfile): ProfileState => ({
  ...withRotated(withoutConnecting(state, profile), profile),
  ...newest(state, profile),
});

/** Where the profile lists this device under the new keys that it has made, those are its keys from now on. */
export const withRotated = (state: ProfileState, profile: PersonalProfile): ProfileState => {
  const rotation = rotationsOf(state).find(({ device }) => findDevice(profile, device.udf));
  if (!rotation) return state;
  const work = state.work.filter(({ kind }) => kind !== "rotate");
  return { ...withRotations(state, []), device: rotation.device, work };
};

const newest = (state: ProfileState, profile: PersonalProfile): Pick<ProfileState, "record" | "view"> => {
  const known = state.record && readPersonal(state.record);
  const isOlder = known !== undefined && compareVersions(known, profile) > 0;
  return isOlder ? {} : { record: profile.record, view: viewOf(profile) };
};

/** A device that the profile lists is connected, whatever was being waited for. */
const withoutConnecting = (state: ProfileState, profile: PersonalProfile): ProfileState => {
  if (!state.connecting || !findDevice(profile, state.device.udf)) return state;
  const { connecting, ...connected } = state;
  const known = connected.accounts.some(({ account }) => account === connecting.account);
  return known
    ? connected
    : { ...connected, accounts: [...connected.accounts, { account: connecting.account, portal: connecting.portal }] };
};
