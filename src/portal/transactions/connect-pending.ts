import { LIMITS, type Request } from "../../mesh/protocol.js";
import { msg } from "../../messages/message.js";
import { transactSigned } from "../authenticate.js";
import { done, refuse, type Answer } from "../answer.js";
import { readAddress, type Context } from "../context.js";
import { boundsOf, decodeListPage, encodeListPage, present, timeOf, type ListPage } from "../page.js";
import { isAdministrationKey, resolveAccountKey, writableAccount } from "../standing.js";
import type { Bounds, PendingRequest } from "../store/store.js";

const firstPage = ({ SearchConstraints = {} }: Request<"ConnectPending">): ListPage => ({
  after: 0,
  ...present({ notBefore: timeOf(SearchConstraints.NotBefore), before: timeOf(SearchConstraints.Before) }),
});

const take = (requests: readonly PendingRequest[], bounds: Bounds): readonly PendingRequest[] => {
  let bytes = 0;
  return requests.filter((request, index) => {
    bytes += Buffer.byteLength(JSON.stringify(request.record));
    return index === 0 || (index < bounds.entries && bytes <= bounds.bytes);
  });
};

/**
 * Lists the requests that wait for an account, oldest first (reference-10 section 12.14). Signed by an administration device
 * of its current profile. Refuses with 404 an unknown or closed account.
 */
export const connectPending = async (context: Context, request: Request<"ConnectPending">): Promise<Answer> => {
  const address = readAddress(context, request.AccountID);
  const { PageKey } = request.SearchConstraints ?? {};
  const bounds = boundsOf(request.SearchConstraints);
  const page = PageKey === undefined ? firstPage(request) : decodeListPage("p", PageKey);
  const options = { ...(await resolveAccountKey(context.store, address)), keepAnswer: false };
  return transactSigned(context, options, async (tx, key) => {
    const { account, profile } = await writableAccount(tx, address);
    if (!isAdministrationKey(profile, key)) {
      refuse(403, msg("portal.pending-right"));
    }
    const waiting = (await tx.pending(account.account)).filter(
      ({ tid, added }) =>
        tid > page.after &&
        added >= (page.notBefore ?? context.now - LIMITS.requestLifetime * 1000) &&
        added < (page.before ?? Number.MAX_SAFE_INTEGER),
    );
    const shown = take(waiting, bounds);
    const last = shown.at(-1);
    return done({
      ...(shown.length > 0 && { Pending: shown.map(({ record }) => record) }),
      ...(last && shown.length < waiting.length && { PageKey: encodeListPage("p", { ...page, after: last.tid }) }),
    });
  });
};
