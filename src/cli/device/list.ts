import { msg } from "../../messages/message.js";
import type { Run } from "../context.js";
import { currentOrKnown } from "../current.js";
import { table } from "../output.js";
import { withRotated } from "../seen.js";
import { requireProfile } from "../select.js";
import { describeDevice, readableExpiry } from "./describe.js";

export const run: Run = async (context) => {
  const state = await requireProfile(context);
  const profile = await currentOrKnown(context, state);
  const own = withRotated(state, profile).device.udf;
  const devices = profile.devices.map((device) => describeDevice(profile, device, own));
  // Where no device ever lapses the column would be empty.
  const hasExpiries = devices.some(({ expires }) => expires !== null);
  const now = context.deps.now();
  const rows = devices.map((device) => [
    device.current ? "*" : "",
    device.name,
    device.description ?? "",
    device.admin ? msg("label.yes") : msg("label.no"),
    ...(hasExpiries ? [readableExpiry(profile, device.udf, now)] : []),
    device.udf,
  ]);
  const headings = [
    undefined,
    msg("heading.name"),
    msg("heading.description"),
    msg("heading.admin"),
    ...(hasExpiries ? [msg("heading.lapses")] : []),
    msg("heading.udf"),
  ];
  return { value: { devices }, text: table(headings, rows, msg("device.list-empty")) };
};
