import { LIMITS, type Request } from "../../mesh/protocol.js";
import { isMeshError } from "../../errors.js";
import { parseUdf } from "../../mesh/udf.js";
import { msg } from "../../messages/message.js";
import { done, refuse, type Answer } from "../answer.js";
import { readAddress, type Context } from "../context.js";
import { liveAccount } from "../standing.js";

const readDevice = (text: string): string => {
  try {
    return parseUdf(text);
  } catch (error) {
    if (isMeshError(error, "fingerprint-invalid")) return refuse(404, msg("portal.device-not-asking"));
    throw error;
  }
};

/**
 * Tells a device what became of its request (reference-10 section 12.13): the signed result, or nothing yet while it waits.
 * Refuses with 404 where there is neither.
 */
export const connectStatus = async (context: Context, request: Request<"ConnectStatus">): Promise<Answer> => {
  const address = readAddress(context, request.AccountID);
  return context.view(async (tx) => {
    const { account } = await liveAccount(tx, address);
    const device = readDevice(request.DeviceID);
    const pending = await tx.pendingRequest(account, device);
    if (pending && pending.added >= context.now - LIMITS.requestLifetime * 1000) return done();
    const result = await tx.result(account, device);
    if (!result) return refuse(404, msg("portal.device-not-waiting"));
    return done({ Result: result.record }, { leaves: [result.leaf] });
  });
};
