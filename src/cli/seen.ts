import type { ProfileState } from "../keystore/state.js";
import { findDevice, readPersonal, type PersonalProfile } from "../mesh/records/personal.js";
import { compareVersions } from "../mesh/succession.js";
import { viewOf } from "./view-of.js";

/** The state of a home that has seen a verified version of its profile. */
export const withSeen = (state: ProfileState, profile: PersonalProfile): ProfileState => ({
  ...withoutConnecting(state, profile),
  ...newest(state, profile),
});

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
