import { MeshError } from "../../errors.js";
import { certificateChainPem } from "../../mesh/certificates.js";
import { msg } from "../../messages/message.js";
import type { Run } from "../context.js";
import { raw } from "../output.js";
import { knownProfile } from "../known.js";
import { requireProfile } from "../select.js";

export const run: Run = async (context, input) => {
  const format = input.text("format") ?? "json";
  if (format !== "json" && format !== "pem") {
    throw new MeshError("usage", msg("profile.no-format", { format: JSON.stringify(format) }), {
      hint: msg("profile.no-format.hint"),
    });
  }
  const state = await requireProfile(context);
  const profile = knownProfile(context, state);
  if (!profile) {
    throw new MeshError("record-not-found", msg("profile.no-version"), {
      hint: msg("profile.no-version.hint"),
    });
  }
  if (format === "json") {
    const records = { SignedMasterProfile: profile.master.record, SignedPersonalProfile: profile.record };
    return { value: records, text: raw(`${JSON.stringify(records)}\n`) };
  }
  const pem = certificateChainPem(profile.master.payload);
  return { value: { pem }, text: raw(pem) };
};
