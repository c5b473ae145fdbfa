import type { Entry } from "../../../mesh/protocol.js";
import { msg, type Message } from "../../../messages/message.js";
import { refuse } from "../../answer.js";
import type { Context } from "../../context.js";
import { checkQuota, entryOf } from "../../standing.js";
import type { NewRecord, Reader, StoredRecord, Transaction } from "../../store/store.js";

/** Refuses with 409 and shows the record that is in the way, and proves that it is there. */
export const conflict = (current: StoredRecord, description: Message): never =>
  refuse(409, description, { members: { Entry: entryOf(current) }, leaves: [current.leaf] });

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
 * finds room: it may be what ends the power of whoever filled the quota. Gives the index of the record's leaf.
 */
export const append = async (
  tx: Transaction,
  context: Context,
  entry: Entry,
  record: Omit<NewRecord, "text">,
  isMasterAuthorised = false,
): Promise<number> => {
  const added: NewRecord = { ...record, text: JSON.stringify(entry) };
  if (!isMasterAuthorised) await checkQuota(tx, context, record.owner, added);
  return tx.appendRecord(added, context.now);
};
