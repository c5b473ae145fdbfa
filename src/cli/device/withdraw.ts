import { MeshError } from "../../errors.js";
import { findInvite } from "../../mesh/invite.js";
import { nextPersonal } from "../../mesh/profile.js";
import { parseUdf } from "../../mesh/udf.js";
import { msg } from "../../messages/message.js";
import { changeProfile, refresh } from "../change.js";
import type { Run } from "../context.js";
import { knownProfile } from "../known.js";
import { fields, gap, lines, printable, raw, stack } from "../output.js";
import { requireProfile } from "../select.js";
import { administrationKey, openSession } from "../session.js";
import { joinedBy } from "./invites.js";

export const run: Run = async (context, input) => {
  const id = parseUdf(input.argument(0) ?? "");
  const state = await requireProfile(context);
  const session = await openSession(context, state);
  const kept = knownProfile(context, state);
  const before = await refresh(session);
  administrationKey(session, before);
  // One that only the kept version has was withdrawn by a run of this command that was cut off.
  const invite = findInvite(before, id) ?? (kept && findInvite(kept, id));
  if (!invite) {
    throw new MeshError("record-not-found", msg("withdraw.unknown"), { hint: msg("withdraw.unknown.hint") });
  }
  const after = await changeProfile(session, (current, notaryToken) => {
    const key = administrationKey(session, current);
    if (!findInvite(current, id)) return undefined;
    const invites = current.invites.filter((invite) => invite.Id !== id);
    return nextPersonal(key, current, { invites, notaryToken }, context.deps.now());
  });
  const devices = joinedBy(after, invite);
  const joined =
    devices.length === 0
      ? undefined
      : stack(
          gap,
          lines(msg("withdraw.joined")),
          raw(devices.map(({ udf, name }) => `  meshman device remove ${udf}    # ${printable(name)}\n`).join("")),
        );
  return {
    value: { invite: id, devices, masterSequence: after.master.sequence, sequence: after.sequence },
    text: stack(
      fields([
        [msg("withdraw.withdrawn"), id],
        [msg("label.version"), `${after.master.sequence}.${after.sequence}`],
      ]),
      joined,
    ),
  };
};
