import { msg } from "../../messages/message.js";
import type { Run } from "../context.js";
import { currentOrKnown } from "../current.js";
import { table } from "../output.js";
import { requireProfile } from "../select.js";
import { describeDevice } from "./describe.js";

export const run: Run = async (context) => {
  const state = await requireProfile(context);
  const profile = await currentOrKnown(context, state);
  const devices = profile.devices.map((device) => describeDevice(profile, device, state.device.udf));
  const rows = devices.map((device) => [
    device.current ? "*" : "",
    device.name,
    device.description ?? "",
    device.admin ? msg("label.yes") : msg("label.no"),
    device.udf,
  ]);
  const headings = [
    undefined,
    msg("heading.name"),
    msg("heading.description"),
    msg("heading.admin"),
    msg("heading.udf"),
  ];
  return { value: { devices }, text: table(headings, rows, msg("device.list-empty")) };
};
