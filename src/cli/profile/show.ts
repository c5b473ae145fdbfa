import { readPins } from "../../keystore/pins.js";
import { deviceName, findDevice, isAdministrator } from "../../mesh/records/personal.js";
import type { Run } from "../context.js";
import { knownProfile } from "../known.js";
import { fields, readableTime } from "../output.js";
import { requireProfile } from "../select.js";

export const run: Run = async (context) => {
  const state = await requireProfile(context);
  const profile = knownProfile(context, state);
  const device = profile && findDevice(profile, state.device.udf);
  const revoked = state.revoked ?? null;
  const administrators = (profile?.master.administrators ?? []).map(({ deviceUdf }) => {
    const administrator = profile && findDevice(profile, deviceUdf);
    return { udf: deviceUdf, name: profile && administrator ? deviceName(profile, administrator) : null };
  });
  const gap = readPins(context.home).profiles[state.udf]?.gap === true;
  const version = profile
    ? { masterSequence: profile.master.sequence, sequence: profile.sequence, updated: profile.updated }
    : {};
  const account = state.accounts[0]?.account;
  const value = {
    profile: { udf: state.udf, name: state.name, ...version, ...(gap ? { gap } : {}) },
    device: {
      udf: state.device.udf,
      name: profile && device ? deviceName(profile, device) : null,
      admin: profile !== undefined && device !== undefined && isAdministrator(profile, state.device.udf),
      connected: device !== undefined,
    },
    accounts: state.accounts,
    administrators,
    revoked,
  };
  const text = fields([
    ["Profile", state.name],
    ["UDF", state.udf],
    [
      "Version",
      profile &&
        `${profile.master.sequence}.${profile.sequence}, ${readableTime(profile.updated)}${gap ? ", with a gap before it" : ""}`,
    ],
    ["Revoked", revoked === null ? undefined : readableTime(revoked)],
    [
      "Device",
      value.device.name === null
        ? "not connected"
        : `${value.device.name}${value.device.admin ? " (administrator)" : ""}`,
    ],
    ["Accounts", state.accounts.map((known) => `${known.account} at ${known.portal}`).join(", ") || "none"],
    ["Administrators", administrators.map(({ name, udf }) => name ?? udf).join(", ") || "none"],
  ]);
  const invitation =
    account === undefined
      ? ""
      : `\nTo connect another device, type there:\n  meshman device connect ${account} --expect-fingerprint ${state.udf}\n`;
  return { value, text: text + invitation };
};
