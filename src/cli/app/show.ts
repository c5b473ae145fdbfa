import { readQueue } from "../../keystore/application-store.js";
import { MeshError } from "../../errors.js";
import { deviceName, isAdministrator } from "../../mesh/records/personal.js";
import type { Device } from "../../mesh/records/device.js";
import { msg } from "../../messages/message.js";
import { applicationName, mayRead, mayWrite, resolveApplication } from "../application/grants.js";
import { knownCopy } from "../application/look.js";
import { currentOrKnown } from "../current.js";
import type { Run } from "../context.js";
import { knownProfile } from "../known.js";
import { fields, readableTime } from "../output.js";
import { requireProfile } from "../select.js";
import { openSession } from "../session.js";

export const run: Run = async (context, input) => {
  const state = await requireProfile(context);
  const session = await openSession(context, state);
  const profile = input.flag("offline") ? knownProfile(context, state) : await currentOrKnown(context, session.state);
  if (!profile) throw new MeshError("record-not-found", msg("profile.no-version"));
  const entry = resolveApplication(profile, input.argument(0) ?? "");
  const name = applicationName(entry);
  const copy = await knownCopy(session, entry.Identifier);
  const { edits } = readQueue(context.home, session.keystore, state.udf, entry.Identifier);
  const described = (device: Device) => ({ udf: device.udf, name: deviceName(profile, device) });
  const readers = profile.devices.filter(({ udf }) => mayRead(entry, udf)).map(described);
  const writers = profile.devices
    .filter(({ udf }) => mayWrite(entry, udf) || (mayRead(entry, udf) && isAdministrator(profile, udf)))
    .map(described);
  const exposures = (copy?.exposures ?? []).map(({ DeviceUDF, Name, Time }) => ({
    device: { udf: DeviceUDF, name: Name },
    since: Time,
  }));
  const names = (devices: readonly { readonly name: string }[]): string =>
    devices.map((device) => device.name).join(", ");
  return {
    value: {
      application: { identifier: entry.Identifier, name, type: entry.Type },
      readers,
      writers,
      sequence: copy?.sequence ?? null,
      updated: copy?.updated ?? null,
      entries: copy?.entries ?? null,
      conflicts: copy?.conflicts ?? null,
      segments: copy?.segments.length ?? null,
      waiting: edits.length,
      exposures,
    },
    text: fields([
      [msg("label.application"), name],
      [msg("label.type"), entry.Type],
      [msg("label.identifier"), entry.Identifier],
      [msg("app.may-read"), names(readers)],
      [msg("app.may-change"), names(writers)],
      [msg("label.version"), copy ? `${copy.sequence}, ${readableTime(copy.updated)}` : msg("app.not-here")],
      [msg("label.entries"), copy && String(copy.entries)],
      [msg("label.segments"), copy && String(copy.segments.length)],
      [msg("label.conflicts"), copy && copy.conflicts > 0 ? String(copy.conflicts) : undefined],
      [msg("label.waiting"), edits.length > 0 ? String(edits.length) : undefined],
      ...exposures.map(
        ({ device, since }) => [msg("label.exposed"), `${device.name}, ${readableTime(since)}`] as const,
      ),
    ]),
  };
};
