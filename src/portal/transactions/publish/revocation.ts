import type { SignedRecord } from "../../../mesh/jose.js";
import { readMaster } from "../../../mesh/records/master.js";
import { msg } from "../../../messages/message.js";
import { done, refuse, type Answer } from "../../answer.js";
import type { Context } from "../../context.js";
import { append, conflict } from "./append.js";

const TYPE = "SignedMasterProfile";

/**
 * Publishes a revocation note of a profile known here (reference-10 section 3.1). Whoever holds the note may publish it: the
 * master signature key made it. From then on everything of the profile is refused.
 */
export const publishRevocation = async (context: Context, record: SignedRecord): Promise<Answer> => {
  const note = readMaster(record);
  if (note.revoked === undefined) {
    refuse(400, msg("portal.revocation-form"));
  }
  return context.store.transact(async (tx) => {
    if (!(await tx.newestVersion("SignedPersonalProfile", note.udf))) {
      refuse(404, msg("portal.revocation-unknown"));
    }
    const known = await tx.versionLeaf(TYPE, note.udf, note.hash);
    if (known !== undefined) return done({}, { leaves: [known] });
    const current = await tx.newest(TYPE, note.udf);
    if (current) conflict(current, msg("portal.revocation-other"));
    const leaf = await append(
      tx,
      context,
      { SignedMasterProfile: note.record },
      {
        type: TYPE,
        identifier: note.udf,
        kind: "MasterProfile",
        owner: note.udf,
        hash: note.hash,
        masterSequence: note.sequence,
        sequence: 0,
      },
      true,
    );
    return done({}, { leaves: [leaf] });
  });
};
