import { MeshError } from "../../errors.js";
import { certificateChainPem } from "../../mesh/certificates.js";
import type { Run } from "../context.js";
import { knownProfile } from "../known.js";
import { requireProfile } from "../select.js";

export const run: Run = async (context, input) => {
  const format = input.text("format") ?? "json";
  if (format !== "json" && format !== "pem") {
    throw new MeshError("usage", `There is no format ${JSON.stringify(format)}.`, {
      hint: "Use --format json or --format pem.",
    });
  }
  const state = await requireProfile(context);
  const profile = knownProfile(context, state);
  if (!profile) {
    throw new MeshError("record-not-found", "This device has no version of the profile yet.", {
      hint: "`meshman device status` fetches it once the device is connected.",
    });
  }
  if (format === "json") {
    const records = { SignedMasterProfile: profile.master.record, SignedPersonalProfile: profile.record };
    return { value: records, text: `${JSON.stringify(records)}\n` };
  }
  const pem = certificateChainPem(profile.master.payload);
  return { value: { pem }, text: pem };
};
