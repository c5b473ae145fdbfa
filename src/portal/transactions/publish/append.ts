import type { Entry } from "../../../mesh/protocol.js";
import { msg, type Message } from "../../../messages/message.js";
import { refuse } from "../../answer.js";
import type { Context } from "../../context.js";
import { checkQuota, entryOf } from "../../standing.js";
import type { NewRecord, Reader, StoredRecord, Transaction } from "../../store/store.js";

/** Refuses with 409 and shows the record that is in the way. */
export const conflict = (current: StoredRecord, description: Message): never =>
  refuse(409, description, { members: { Entry: entryOf(current) } });

/**
 * Refuses with 409 an identifier that a record of another type has. Only for types whose identifier proves nothing, or a
 * stranger could stand in the way of a key's own record.
 */
export const refuseForeignIdentifier = async (tx: Reader, type: StoredRecord["type"], identifier: string) => {
  if ((await tx.typesOf(identifier)).some((known) => known !== type)) {
    refuse(409, msg("portal.identifier-taken"));
  }
};

/**
 * Appends a record that has been found good, within its owner's quota. What the master key itself has just authorised always
 * finds room: it may be what ends the power of whoever filled the quota.
 */
export const append = async (
  tx: Transaction,
  context: Context,
  entry: Entry,
  record: Omit<NewRecord, "text">,
  isMasterAuthorised = false,
): Promise<void> => {
  const text = JSON.stringify(entry);
  const isNew = (await tx.newest(record.type, record.identifier)) === undefined;
  if (!isMasterAuthorised) await checkQuota(tx, context, record.owner, { type: record.type, text, isNew });
  await tx.appendRecord({ ...record, text }, context.now);
};
