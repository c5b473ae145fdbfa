import { readConnectionRequest, readConnectionResult } from "../../mesh/connection.js";
import { recordHash } from "../../mesh/jose.js";
import { readDevice } from "../../mesh/records/device.js";
import { findDevice, type PersonalProfile } from "../../mesh/records/personal.js";
import { LIMITS, type Request } from "../../mesh/protocol.js";
import { msg } from "../../messages/message.js";
import { done, refuse, type Answer } from "../answer.js";
import { readAddress, type Context } from "../context.js";
import { writableAccount } from "../standing.js";

/** The online signature keys whose devices are in the profile: those that may sign for it (reference-10 section 3.3). */
export const administrationKeys = (profile: PersonalProfile) =>
  profile.master.administrators.filter(({ deviceUdf }) => findDevice(profile, deviceUdf)).map(({ key }) => key);

/**
 * Takes an administrator's answer to a pending request (reference-10 section 12.15), signed by an online signature key of
 * the account's current profile. An acceptance must follow the profile that lists the device. The same result again is done
 * already. Refuses with 403 a signature that does not count, with 404 where nothing waits, with 409 what does not fit.
 */
export const connectComplete = async (context: Context, message: Request<"ConnectComplete">): Promise<Answer> => {
  const { now } = context;
  const address = readAddress(context, message.AccountID);
  return context.store.transact(async (tx) => {
    await tx.sweep(now, now - LIMITS.requestLifetime * 1000);
    const { account: found, profile } = await writableAccount(tx, address);
    const { account } = found;
    const result = readConnectionResult(message.Result, administrationKeys(profile));
    if (result.profileUdf !== profile.udf) refuse(409, msg("portal.result-other-profile"));
    const device = readDevice(result.device);
    const hash = recordHash(result.record);
    const pending = await tx.pendingRequest(account, device.udf);
    if (!pending) {
      const known = await tx.result(account, device.udf);
      if (known?.hash === hash) return done({}, { leaves: [known.leaf] });
      return known ? refuse(409, msg("portal.result-given")) : refuse(404, msg("portal.request-unknown"));
    }
    const asked = recordHash(readConnectionRequest(pending.record).device.record);
    if (asked !== recordHash(device.record)) {
      refuse(409, msg("portal.result-other-device"));
    }
    const listed = findDevice(profile, device.udf);
    if (result.outcome === "Accepted" && (!listed || recordHash(listed.record) !== asked)) {
      refuse(409, msg("portal.result-early"));
    }
    if (result.outcome !== "Accepted" && listed) {
      refuse(409, msg("portal.result-late"));
    }
    await tx.removePending(account, device.udf, now);
    const leaf = await tx.putResult({ account, device: device.udf, hash, record: result.record }, now);
    return done({}, { leaves: [leaf] });
  });
};
