import type { SignedRecord } from "../../../mesh/jose.js";
import { readPersonal, type PersonalProfile } from "../../../mesh/records/personal.js";
import { isSuccessor } from "../../../mesh/succession.js";
import { msg } from "../../../messages/message.js";
import { done, type Answer } from "../../answer.js";
import type { Context } from "../../context.js";
import { currentProfile, writableProfile } from "../../standing.js";
import type { Reader, Transaction } from "../../store/store.js";
import { append, conflict } from "./append.js";

const TYPE = "SignedPersonalProfile";

/**
 * Stores a verified personal profile where the portal has none of that identity yet, or where it directly succeeds the
 * current one. The current version again changes nothing. Refuses anything else with 409.
 */
export const publishPersonal = async (tx: Transaction, context: Context, profile: PersonalProfile): Promise<void> => {
  const { udf, hash, record, names, devices } = profile;
  const stored = await tx.newest(TYPE, udf);
  if (stored?.hash === hash) return;
  const current = await currentProfile(tx, udf);
  if (stored && current && !isSuccessor(current, profile)) {
    conflict(stored, msg("portal.profile-version", { version: `${current.master.sequence}.${current.sequence}` }));
  }
  await append(
    tx,
    context,
    { SignedPersonalProfile: record },
    {
      type: TYPE,
      identifier: udf,
      kind: "PersonalProfile",
      owner: udf,
      hash,
      names,
      devices: devices.map((device) => ({ device: device.udf, authentication: device.authenticationKey.udf })),
    },
    current !== undefined && profile.master.sequence > current.master.sequence,
  );
};

/** True where that very version has been published before, be it the current one or not. */
export const isKnownVersion = (tx: Reader, { udf, hash }: PersonalProfile): Promise<boolean> =>
  tx.hasVersion(TYPE, udf, hash);

/** Publishes a personal profile that has an open account here. */
export const publishPersonalRecord = async (context: Context, record: SignedRecord): Promise<Answer> => {
  // Verifying a large profile takes its time, which no stranger may claim.
  await context.store.read((tx) => writableProfile(tx, record.Identifier));
  const profile = readPersonal(record);
  return context.store.transact(async (tx) => {
    await writableProfile(tx, profile.udf);
    if (!(await isKnownVersion(tx, profile))) await publishPersonal(tx, context, profile);
    return done();
  });
};
