import type { SignedRecord } from "../../../mesh/jose.js";
import { readApplication, verifyApplication } from "../../../mesh/records/application.js";
import { msg } from "../../../messages/message.js";
import { done, type Answer } from "../../answer.js";
import type { Context } from "../../context.js";
import { entryOf, writableProfile } from "../../standing.js";
import { append, conflict, refuseForeignIdentifier } from "./append.js";

const TYPE = "SignedApplicationProfile";

/**
 * Publishes an application profile under its owner's current personal profile (reference-10 section 3.4). The first
 * publication keeps the identifier for that owner and that type; later ones directly follow the current version.
 */
export const publishApplicationRecord = async (context: Context, record: SignedRecord): Promise<Answer> => {
  const application = readApplication(record);
  const { type: kind, identifier, owner, hash } = application;
  return context.store.transact(async (tx) => {
    verifyApplication(application, await writableProfile(tx, owner), new Date(context.now));
    const known = await tx.versionLeaf(TYPE, identifier, hash);
    if (known !== undefined) return done({}, { leaves: [known] });
    const stored = await tx.newest(TYPE, identifier);
    if (stored) {
      if (stored.owner !== owner || stored.kind !== kind) {
        conflict(stored, msg("portal.application-taken"));
      }
      const current = readApplication((entryOf(stored) as Record<string, unknown>)[TYPE]);
      if (application.sequence !== current.sequence + 1 || application.previous !== current.payloadHash) {
        conflict(stored, msg("portal.application-version", { version: current.sequence }));
      }
    }
    await refuseForeignIdentifier(tx, TYPE, identifier);
    const leaf = await append(
      tx,
      context,
      { SignedApplicationProfile: application.record },
      { type: TYPE, identifier, kind, owner, hash, masterSequence: 0, sequence: application.sequence },
    );
    return done({}, { leaves: [leaf] });
  });
};
