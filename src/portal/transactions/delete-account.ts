import type { Request } from "../../mesh/protocol.js";
import { msg } from "../../messages/message.js";
import { transactSigned } from "../authenticate.js";
import { done, refuse, type Answer } from "../answer.js";
import { readAddress, type Context } from "../context.js";
import { isAdministrationKey, resolveAccountKey, writableAccount } from "../standing.js";

/**
 * Closes an account for good and purges its pending requests; the profile stays (reference-10 section 12.8). Signed by an
 * administration device of the account's current profile. Refuses with 404 an unknown or closed account.
 */
export const deleteAccount = async (context: Context, request: Request<"DeleteAccount">): Promise<Answer> => {
  const address = readAddress(context, request.Account);
  return transactSigned(context, await resolveAccountKey(context.store, address), async (tx, key) => {
    const { account, profile: current } = await writableAccount(tx, address);
    if (!isAdministrationKey(current, key)) {
      refuse(403, msg("portal.account-delete-right"));
    }
    for (const { device } of await tx.pending(account.account)) {
      await tx.removePending(account.account, device, context.now);
    }
    const leaf = await tx.setAccountStatus(account.account, "Closed", context.now);
    return done({}, { leaves: [leaf] });
  });
};
