import { MeshError } from "../../errors.js";
import { writeDefaultProfile } from "../../keystore/preferences.js";
import { findProfile } from "../../keystore/state.js";
import { msg } from "../../messages/message.js";
import type { Run } from "../context.js";
import { lines } from "../output.js";

export const run: Run = async (context, input) => {
  const named = input.argument(0) ?? "";
  const state = findProfile(context.home, named);
  if (!state) {
    throw new MeshError("profile-not-found", msg("profile.unknown", { name: JSON.stringify(named) }), {
      hint: msg("profile.unknown.hint"),
    });
  }
  await writeDefaultProfile(context.home, state.udf);
  return {
    value: { profile: { udf: state.udf, name: state.name } },
    text: lines(msg("profile.is-default", { name: state.name })),
  };
};
