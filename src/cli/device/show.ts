import { publicKeyJwk } from "../../mesh/keys.js";
import { findDevice, resolveDevice } from "../../mesh/records/personal.js";
import { msg } from "../../messages/message.js";
import type { Run } from "../context.js";
import { currentOrKnown } from "../current.js";
import { notConnected } from "../not-connected.js";
import { fields } from "../output.js";
import { withRotated } from "../seen.js";
import { requireProfile } from "../select.js";
import { describeDevice, readableExpiry } from "./describe.js";

export const run: Run = async (context, input) => {
  const state = await requireProfile(context);
  const profile = await currentOrKnown(context, state);
  const own = withRotated(state, profile).device.udf;
  const wanted = input.argument(0);
  if (wanted === undefined && !findDevice(profile, own)) throw notConnected(state);
  const device = resolveDevice(profile, wanted ?? own);
  const keys = {
    signature: publicKeyJwk(device.signatureKey),
    authentication: publicKeyJwk(device.authenticationKey),
    encryption: publicKeyJwk(device.encryptionKey),
    onlineSignature: publicKeyJwk(device.onlineSignatureKey),
  };
  const described = describeDevice(profile, device, own);
  return {
    value: { device: { ...described, keys } },
    text: fields([
      [msg("label.name"), described.name],
      [msg("label.udf"), described.udf],
      [msg("label.description"), described.description ?? undefined],
      [msg("label.administrator"), described.admin ? msg("label.yes") : msg("label.no")],
      [
        msg("label.expires"),
        described.expires === null ? undefined : readableExpiry(profile, device.udf, context.deps.now()),
      ],
      [msg("label.signature-key"), JSON.stringify(keys.signature)],
      [msg("label.authentication-key"), JSON.stringify(keys.authentication)],
      [msg("label.encryption-key"), JSON.stringify(keys.encryption)],
      [msg("label.online-signature-key"), JSON.stringify(keys.onlineSignature)],
    ]),
  };
};
