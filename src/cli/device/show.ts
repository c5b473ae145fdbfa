import { publicKeyJwk } from "../../mesh/keys.js";
import { resolveDevice } from "../../mesh/records/personal.js";
import type { Run } from "../context.js";
import { currentOrKnown } from "../current.js";
import { fields } from "../output.js";
import { requireProfile } from "../select.js";
import { describeDevice } from "./describe.js";

export const run: Run = async (context, input) => {
  const state = await requireProfile(context);
  const profile = await currentOrKnown(context, state);
  const device = resolveDevice(profile, input.argument(0) ?? state.device.udf);
  const keys = {
    signature: publicKeyJwk(device.signatureKey),
    authentication: publicKeyJwk(device.authenticationKey),
    encryption: publicKeyJwk(device.encryptionKey),
    onlineSignature: publicKeyJwk(device.onlineSignatureKey),
  };
  const described = describeDevice(profile, device, state.device.udf);
  return {
    value: { device: { ...described, keys } },
    text: fields([
      ["Name", described.name],
      ["UDF", described.udf],
      ["Description", described.description ?? undefined],
      ["Administrator", described.admin ? "yes" : "no"],
      ["Signature key", JSON.stringify(keys.signature)],
      ["Authentication key", JSON.stringify(keys.authentication)],
      ["Encryption key", JSON.stringify(keys.encryption)],
      ["Online signature key", JSON.stringify(keys.onlineSignature)],
    ]),
  };
};
