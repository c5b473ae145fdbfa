import { createRevocation } from "../../mesh/profile.js";
import { msg } from "../../messages/message.js";
import { MeshError } from "../../errors.js";
import type { Run } from "../context.js";
import { lines } from "../output.js";
import { writeNewFile } from "../files.js";
import { requireProfile } from "../select.js";
import { openSession } from "../session.js";

export const run: Run = async (context, input) => {
  const state = await requireProfile(context);
  const session = await openSession(context, state);
  if (!session.keystore.has(state.udf)) {
    throw new MeshError("master-key-needed", msg("profile.note-needs-master"), {
      hint: msg("profile.note-needs-master.hint"),
    });
  }
  const note = createRevocation(session.keystore.get(state.udf, "master-signature"), context.deps.now());
  const out = input.text("out") ?? "";
  const path = writeNewFile(context, out, `${JSON.stringify({ SignedMasterProfile: note.record })}\n`);
  return {
    value: { profile: { udf: state.udf, name: state.name }, file: path },
    text: lines(msg("profile.note-written", { path }), msg("profile.note-advice")),
  };
};
