import { readPins } from "../../keystore/pins.js";
import { deviceName, findDevice, isAdministrator, type PersonalProfile } from "../../mesh/records/personal.js";
import { msg } from "../../messages/message.js";
import { withClient } from "../change.js";
import { withGlobals, type Run } from "../context.js";
import { knownProfile } from "../known.js";
import { fields, gap, lines, stack } from "../output.js";
import { accountsOf, isBehind, requireProfile } from "../select.js";
import { openAccount } from "../session.js";
import { isMeshError, MeshError } from "../../errors.js";
import { lookAtOwn, refuseRevoked } from "../own-profile.js";
import { withRotated } from "../seen.js";

export const run: Run = async (context) => {
  const state = await requireProfile(context);
  refuseRevoked(state);
  const pin = readPins(context.home).profiles[state.udf];
  const seen: { account: string; portal: string; masterSequence: number; sequence: number }[] = [];
  let newest: PersonalProfile | undefined = knownProfile(context, state);
  let hasGap = pin?.gap === true;
  for (const [index, account] of accountsOf(state).entries()) {
    // --portal speaks of the first account alone.
    const at = index === 0 ? context : withGlobals(context, { portal: undefined });
    await withClient(openAccount(at, account), async (client) => {
      const { profile, pin: followed } = await lookAtOwn(context, client, account.account, state, pin);
      hasGap ||= followed.gap === true;
      seen.push({ ...account, masterSequence: profile.master.sequence, sequence: profile.sequence });
      newest = profile;
    }).catch(async (error: unknown) => {
      if (!isMeshError(error, "rollback") || !isBehind(state, account.account)) throw error;
      await context.note(msg("profile.account-behind", { account: account.account }));
    });
  }
  if (!newest) throw new MeshError("record-not-found", msg("profile.no-version"));
  const { master, signer } = newest;
  const version = `${master.sequence}.${newest.sequence}`;
  const own = withRotated(state, newest).device.udf;
  const device = findDevice(newest, own);
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
        udf: own,
        connected: device !== undefined,
        admin: isAdministrator(newest, own),
      },
      accounts: seen,
      gap: hasGap,
    },
    text: stack(
      lines(msg("profile.verified")),
      gap,
      fields([
        [msg("label.udf"), newest.udf],
        [msg("label.version"), hasGap ? msg("profile.version-with-gap", { version }) : version],
        [msg("label.signed-by"), signedBy],
        [
          msg("label.devices"),
          msg("profile.devices", { devices: newest.devices.length, count: master.administrators.length }),
        ],
        [
          msg("label.seen-at"),
          [...new Set(seen.map(({ portal }) => portal))].join(", ") || msg("profile.seen-nowhere"),
        ],
      ]),
    ),
  };
};
