import type { ConnectionRequest } from "../../mesh/connection.js";
import { listPending } from "../../client/profiles.js";
import { LIMITS } from "../../mesh/protocol.js";
import { recordTime } from "../../mesh/profile.js";
import { msg } from "../../messages/message.js";
import type { Run } from "../context.js";
import { eachAccount } from "../each-account.js";
import { gap, lines, readableTime, stack, table } from "../output.js";
import { requireProfile } from "../select.js";
import { administrationKey, follow, openSession } from "../session.js";

export const run: Run = async (context) => {
  const state = await requireProfile(context);
  const session = await openSession(context, state);
  const found: { account: string; request: ConnectionRequest }[] = [];
  await eachAccount(session, async (client, { account }) => {
    administrationKey(session, await follow(session, client, account));
    const requests = await listPending(client, account, state.udf, session.authenticationKey);
    found.push(...requests.map((request) => ({ account, request })));
    return undefined;
  });
  const pending = found.map(({ account, request: { code, device } }) => ({
    code,
    account,
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
  const headings = [
    msg("heading.code"),
    msg("heading.device"),
    msg("heading.description"),
    msg("heading.asked"),
    msg("heading.lapses"),
  ];
  const waiting = table(headings, rows, msg("device.none-waiting"));
  return {
    value: { pending },
    text: rows.length === 0 ? waiting : stack(waiting, gap, lines(msg("device.compare-code"))),
  };
};
