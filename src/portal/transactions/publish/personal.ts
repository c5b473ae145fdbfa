import { verifyAhead, type SignedRecord } from "../../../mesh/jose.js";
import { readPersonal, type PersonalProfile } from "../../../mesh/records/personal.js";
import { isSuccessor } from "../../../mesh/succession.js";
import { msg } from "../../../messages/message.js";
import { done, type Answer } from "../../answer.js";
import type { Context } from "../../context.js";
import { writableProfile } from "../../standing.js";
import type { Reader, Transaction } from "../../store/store.js";
import { append, conflict } from "./append.js";

const TYPE = "SignedPersonalProfile";

/**
 * Stores a verified personal profile where the portal has none of that identity yet, or where it directly succeeds the
 * current one. The current version again changes nothing. Gives the index of its leaf, and refuses anything else with 409.
 */
export const publishPersonal = async (
  tx: Transaction,
  context: Context,
  profile: PersonalProfile,
  current: PersonalProfile | undefined,
): Promise<number> => {
  const { udf, hash, record, names, devices } = profile;
  if (current && !isSuccessor(current, profile)) {
    const stored = await tx.newest(TYPE, udf);
    if (stored?.hash === hash) return stored.leaf;
    if (stored) {
      conflict(stored, msg("portal.profile-version", { version: `${current.master.sequence}.${current.sequence}` }));
    }
  }
  return append(
    tx,
    context,
    { SignedPersonalProfile: record },
    {
      type: TYPE,
      identifier: udf,
      kind: "PersonalProfile",
      owner: udf,
      hash,
      masterSequence: profile.master.sequence,
      sequence: profile.sequence,
      names,
      devices: devices.map((device) => ({ device: device.udf, authentication: device.authenticationKey.udf })),
    },
    current !== undefined && profile.master.sequence > current.master.sequence,
  );
};

/** The index of the leaf of that very version, where it has been published before, be it the current one or not. */
export const leafOfVersion = (tx: Reader, { udf, hash }: PersonalProfile): Promise<number | undefined> =>
  tx.versionLeaf(TYPE, udf, hash);

/** Publishes a personal profile that has an open account here. */
export const publishPersonalRecord = async (context: Context, record: SignedRecord): Promise<Answer> => {
  // Verifying a large profile takes its time, which no stranger may claim.
  const { master } = await context.store.read((tx) => writableProfile(tx, record.Identifier));
  await verifyAhead(
    record,
    master.administrators.map(({ key }) => key),
  );
  const profile = readPersonal(record);
  let succeeded: PersonalProfile | undefined;
  const answer = await context.store.transact(async (tx) => {
    const current = await writableProfile(tx, profile.udf);
    const known = isSuccessor(current, profile) ? undefined : await leafOfVersion(tx, profile);
    if (known !== undefined) return done({}, { leaves: [known] });
    const leaf = await publishPersonal(tx, context, profile, current);
    if (current.hash !== profile.hash) succeeded = current;
    return done({}, { leaves: [leaf] });
  });
  // What comes next follows the new one.
  if (succeeded) readPersonal.forget(succeeded.udf, succeeded.hash);
  return answer;
};
