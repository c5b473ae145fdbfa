import type { Checkpoint } from "../../mesh/log/checkpoint.js";
import { msg, type Message } from "../../messages/message.js";
import { readableTime, type Cell } from "../output.js";

/** A head of a log, for scripts. */
export const headValue = ({ origin, size, root, time }: Checkpoint) => ({
  origin,
  size,
  root: root.toString("base64"),
  time: time.toISOString(),
});

/** The same for people. */
export const headFields = ({ origin, size, root, time }: Checkpoint): (readonly [Message, Cell])[] => [
  [msg("label.log"), origin],
  [msg("label.log-size"), String(size)],
  [msg("label.log-root"), root.toString("base64")],
  [msg("label.signed"), readableTime(time.toISOString())],
];
