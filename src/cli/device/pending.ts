import { listPending } from "../../client/profiles.js";
import { LIMITS } from "../../mesh/protocol.js";
import { recordTime } from "../../mesh/profile.js";
import { withClient } from "../change.js";
import type { Run } from "../context.js";
import { readableTime, table } from "../output.js";
import { requireProfile } from "../select.js";
import { accountOf, administrationKey, follow, openAccount, openSession } from "../session.js";

export const run: Run = async (context) => {
  const state = await requireProfile(context);
  const account = accountOf(context, state);
  const session = await openSession(context, state);
  return withClient(openAccount(context, account), async (client) => {
    administrationKey(session, await follow(session, client, account.account));
    const requests = await listPending(client, account.account, state.udf, session.authenticationKey);
    const pending = requests.map(({ code, device }) => ({
      code,
      device: { udf: device.udf, name: device.name, description: device.description ?? null },
      requested: device.updated,
      expires: recordTime(new Date(Date.parse(device.updated) + LIMITS.requestLifetime * 1000)),
    }));
    const rows = pending.map(({ code, device, requested, expires }) => [
      code,
      device.name,
      device.description ?? "",
      readableTime(requested),
      readableTime(expires),
    ]);
    return {
      value: { pending },
      text:
        table(["CODE", "DEVICE", "DESCRIPTION", "ASKED", "LAPSES"], rows, "No device is waiting.") +
        (rows.length > 0 ? "\nCompare the code with the one on the device, then: meshman device complete CODE\n" : ""),
    };
  });
};
