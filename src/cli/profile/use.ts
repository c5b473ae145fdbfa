import { MeshError } from "../../errors.js";
import { writeDefaultProfile } from "../../keystore/preferences.js";
import { findProfile } from "../../keystore/state.js";
import type { Run } from "../context.js";

export const run: Run = async (context, input) => {
  const named = input.argument(0) ?? "";
  const state = findProfile(context.home, named);
  if (!state) {
    throw new MeshError("profile-not-found", `There is no profile ${JSON.stringify(named)} here.`, {
      hint: "`meshman profile list` shows them.",
    });
  }
  await writeDefaultProfile(context.home, state.udf);
  return {
    value: { profile: { udf: state.udf, name: state.name } },
    text: `${state.name} is the default profile now.\n`,
  };
};
