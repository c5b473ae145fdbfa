import { readPins } from "../../keystore/pins.js";
import { deviceName, findDevice, isAdministrator, type PersonalProfile } from "../../mesh/records/personal.js";
import { withClient } from "../change.js";
import { withGlobals, type Run } from "../context.js";
import { knownProfile } from "../known.js";
import { fields } from "../output.js";
import { accountsOf, isBehind, requireProfile } from "../select.js";
import { openAccount } from "../session.js";
import { isMeshError, MeshError } from "../../errors.js";
import { lookAtOwn, refuseRevoked } from "../own-profile.js";

export const run: Run = async (context) => {
  const state = await requireProfile(context);
  refuseRevoked(state);
  const pin = readPins(context.home).profiles[state.udf];
  const seen: { account: string; portal: string; masterSequence: number; sequence: number }[] = [];
  let newest: PersonalProfile | undefined = knownProfile(context, state);
  let gap = pin?.gap === true;
  for (const [index, account] of accountsOf(state).entries()) {
    // --portal speaks of the first account alone.
    const at = index === 0 ? context : withGlobals(context, { portal: undefined });
    await withClient(openAccount(at, account), async (client) => {
      const { profile, pin: followed } = await lookAtOwn(context, client, account.account, state, pin);
      gap ||= followed.gap === true;
      seen.push({ ...account, masterSequence: profile.master.sequence, sequence: profile.sequence });
      newest = profile;
    }).catch(async (error: unknown) => {
      if (!isMeshError(error, "rollback") || !isBehind(state, account.account)) throw error;
      await context.note(`warning: ${account.account} has not been brought up to date yet; see \`meshman status\`.`);
    });
  }
  if (!newest) throw new MeshError("record-not-found", "This device has no version of the profile yet.");
  const { master, signer } = newest;
  const device = findDevice(newest, state.device.udf);
  const signed = findDevice(newest, signer.deviceUdf);
  const signedBy = signed ? deviceName(newest, signed) : signer.deviceUdf;
  return {
    value: {
      ok: true,
      profile: {
        udf: newest.udf,
        name: state.name,
        masterSequence: master.sequence,
        sequence: newest.sequence,
        updated: newest.updated,
      },
      signer: { device: signer.deviceUdf, key: signer.key.udf },
      device: {
        udf: state.device.udf,
        connected: device !== undefined,
        admin: isAdministrator(newest, state.device.udf),
      },
      accounts: seen,
      gap,
    },
    text:
      "The profile is what its master key says it is.\n\n" +
      fields([
        ["UDF", newest.udf],
        ["Version", `${master.sequence}.${newest.sequence}${gap ? ", with a gap before it" : ""}`],
        ["Signed by", signedBy],
        ["Devices", `${newest.devices.length}, ${master.administrators.length} of them administrators`],
        ["Seen at", seen.map(({ portal }) => portal).join(", ") || "no portal: this is the version kept here"],
      ]),
  };
};
