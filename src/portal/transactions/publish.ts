import type { Request } from "../../mesh/protocol.js";
import type { Answer } from "../answer.js";
import type { Context } from "../context.js";
import { publishApplicationRecord } from "./publish/application.js";
import { publishDeviceRecord } from "./publish/device.js";
import { publishEscrowEntry } from "./publish/escrow.js";
import { publishPersonalRecord } from "./publish/personal.js";
import { publishRevocation } from "./publish/revocation.js";

/**
 * Publishes one record (reference-10 section 12.10) by the rule of its type. Octets that are or were the record's are done
 * already; where another version has come first, the answer is 409 and carries the current one in `Entry`.
 */
export const publish = (context: Context, { Entry }: Request<"Publish">): Promise<Answer> => {
  if ("SignedPersonalProfile" in Entry) return publishPersonalRecord(context, Entry.SignedPersonalProfile);
  if ("SignedMasterProfile" in Entry) return publishRevocation(context, Entry.SignedMasterProfile);
  if ("SignedDeviceProfile" in Entry) return publishDeviceRecord(context, Entry.SignedDeviceProfile);
  if ("SignedApplicationProfile" in Entry) return publishApplicationRecord(context, Entry.SignedApplicationProfile);
  return publishEscrowEntry(context, Entry.OfflineEscrowEntry);
};
