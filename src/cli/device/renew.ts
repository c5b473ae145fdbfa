import { MeshError } from "../../errors.js";
import { nextPersonal, recordTime } from "../../mesh/profile.js";
import {
  deviceExpiry,
  deviceName,
  findDevice,
  isAdministrator,
  resolveDevice,
  type PersonalProfile,
} from "../../mesh/records/personal.js";
import { msg } from "../../messages/message.js";
import { changeProfile, refresh } from "../change.js";
import type { Input, Run } from "../context.js";
import { fields, readableTime } from "../output.js";
import { requireProfile } from "../select.js";
import { administrationKey, openSession } from "../session.js";
import { deviceGone } from "./gone.js";
import { parseLifetime } from "./lifetime.js";

export const run: Run = async (context, input) => {
  const text = input.argument(0) ?? "";
  const lifetime = lifetimeOf(input);
  const state = await requireProfile(context);
  const session = await openSession(context, state);
  const before = await refresh(session);
  administrationKey(session, before);
  const { udf } = resolveDevice(before, text);
  // Once, so that a change that is made again ends at the same time.
  const now = context.deps.now();
  const expires = lifetime === undefined ? null : recordTime(new Date(now.getTime() + lifetime * 1000));
  const after = await changeProfile(session, (current, notaryToken): PersonalProfile | undefined => {
    const key = administrationKey(session, current);
    if (!findDevice(current, udf)) throw deviceGone(text);
    if (expires !== null && isAdministrator(current, udf)) {
      throw new MeshError("usage", msg("mesh.administrator-expiry"), { hint: msg("renew.administrator.hint") });
    }
    if ((deviceExpiry(current, udf) ?? null) === expires) return undefined;
    const change = { deviceExpiries: { [udf]: expires }, notaryToken };
    return nextPersonal(key, current, change, context.deps.now());
  });
  const device = findDevice(after, udf);
  const name = device ? deviceName(after, device) : udf;
  return {
    value: { device: { udf, name, expires }, masterSequence: after.master.sequence, sequence: after.sequence },
    text: fields([
      [msg("label.device"), name],
      [msg("label.udf"), udf],
      [msg("label.expires"), expires === null ? msg("label.never") : readableTime(expires)],
      [msg("label.version"), `${after.master.sequence}.${after.sequence}`],
    ]),
  };
};

/** In seconds; undefined for ever. Throws `usage` unless exactly one option says so. */
const lifetimeOf = (input: Input): number | undefined => {
  const text = input.text("expires");
  if ((text === undefined) === !input.flag("never")) throw new MeshError("usage", msg("renew.one-of"));
  return text === undefined ? undefined : parseLifetime(text);
};
