import { createRevocation } from "../../mesh/profile.js";
import { MeshError } from "../../errors.js";
import type { Run } from "../context.js";
import { writeNewFile } from "../files.js";
import { requireProfile } from "../select.js";
import { openSession } from "../session.js";

export const run: Run = async (context, input) => {
  const state = await requireProfile(context);
  const session = await openSession(context, state);
  if (!session.keystore.has(state.udf)) {
    throw new MeshError(
      "master-key-needed",
      "The revocation note is signed with the master key, which is not on this device.",
      {
        hint: "Bring it back with `meshman escrow recover`, on this device or another.",
      },
    );
  }
  const note = createRevocation(session.keystore.get(state.udf, "master-signature"), context.deps.now());
  const out = input.text("out") ?? "";
  const path = writeNewFile(context, out, `${JSON.stringify({ SignedMasterProfile: note.record })}\n`);
  return {
    value: { profile: { udf: state.udf, name: state.name }, file: path },
    text:
      `The revocation note is in ${path}.\n` +
      "Whoever holds it can end the profile for good, so keep it away from the device and from others.\n",
  };
};
