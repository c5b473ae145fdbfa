import { recordHash } from "../../mesh/jose.js";
import { readConnectionRequest } from "../../mesh/connection.js";
import { LIMITS, type Request } from "../../mesh/protocol.js";
import { findDevice } from "../../mesh/records/personal.js";
import { msg } from "../../messages/message.js";
import { done, refuse, type Answer } from "../answer.js";
import { keepRate, readAddress, type Context } from "../context.js";
import { addressKey } from "../limiter.js";
import { writableAccount } from "../standing.js";
import type { PendingRequest } from "../store/store.js";

/** The oldest request of the address that has most of them. The requests come oldest first. */
const oldestOfBusiest = (requests: readonly PendingRequest[]): PendingRequest | undefined => {
  const counts = new Map<string, number>();
  for (const { address } of requests) counts.set(address, (counts.get(address) ?? 0) + 1);
  const most = Math.max(...counts.values());
  return requests.find(({ address }) => counts.get(address) === most);
};

/** The request that must go before one from `address` may come, where there is any. */
const toEvict = (
  context: Context,
  requests: readonly PendingRequest[],
  address: string,
): PendingRequest | undefined => {
  const own = requests.filter((request) => request.address === address);
  if (context.limits && own.length >= LIMITS.pendingPerAddress) return own[0];
  return requests.length >= LIMITS.pendingPerAccount ? oldestOfBusiest(requests) : undefined;
};

/**
 * Takes a device's request to join the profile of an account (reference-10 section 12.12). The device signs it, and nobody
 * else: it has no rights yet. The same octets again change nothing; a request by a listed device is done already. A full
 * queue evicts the oldest request of the busiest address. Refuses with 404 an unknown account, with 409 a request for another
 * profile than the account's, with 429 above the rate.
 */
export const connectStart = async (context: Context, message: Request<"ConnectStart">): Promise<Answer> => {
  const { now } = context;
  keepRate(context, "connect-start");
  const address = readAddress(context, message.AccountID);
  const { record, device, profileUdf } = readConnectionRequest(message.SignedRequest);
  const request = {
    device: device.udf,
    address: addressKey(context.request.address),
    hash: recordHash(record),
    record,
  };
  return context.store.transact(async (tx) => {
    await tx.sweep(now, now - LIMITS.requestLifetime * 1000);
    const { account: found, profile } = await writableAccount(tx, address);
    const { account } = found;
    if (profileUdf !== profile.udf) refuse(409, msg("portal.connect-other-profile"));
    if (findDevice(profile, device.udf)) return done();
    const same = await tx.pendingRequest(account, device.udf);
    if (same?.hash === request.hash) return done();
    if (same) await tx.removePending(account, device.udf, now);
    // Asking anew puts an end to the answer of the last time.
    if (await tx.result(account, device.udf)) await tx.removeResult(account, device.udf, now);
    const evicted = toEvict(context, await tx.pending(account), request.address);
    if (evicted) await tx.removePending(account, evicted.device, now);
    await tx.addPending({ account, ...request }, profile.udf, now);
    return done();
  });
};
