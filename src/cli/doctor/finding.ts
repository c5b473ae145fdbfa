import { isMeshError } from "../../errors.js";
import type { Message } from "../../messages/message.js";

/** What is looked at. The names are stable: scripts rely on them. */
export type Check =
  | "node"
  | "home"
  | "permissions"
  | "leftovers"
  | "keystore"
  | "protection"
  | "agent"
  | "pins"
  | "preferences"
  | "profile"
  | "keys"
  | "device"
  | "work"
  | "recovery"
  | "invites"
  | "applications"
  | "evidence"
  | "portal"
  | "log"
  | "clock"
  | "domain";

/** A `warning` is worth knowing; with a `problem` something does not work, or is not safe. */
export type Status = "ok" | "warning" | "problem";

/** What was found, and what to do about it. */
export interface Finding {
  readonly check: Check;
  readonly status: Status;
  readonly message: Message;
  readonly mend?: Message | undefined;
}

export const ok = (check: Check, message: Message): Finding => ({ check, status: "ok", message });

export const warning = (check: Check, message: Message, mend?: Message): Finding => ({
  check,
  status: "warning",
  message,
  mend,
});

export const problem = (check: Check, message: Message, mend?: Message): Finding => ({
  check,
  status: "problem",
  message,
  mend,
});

/** An error as a finding; its hint is what mends it. Other errors, and an interruption, are thrown on. */
export const failed = (check: Check, error: unknown, status: "warning" | "problem" = "problem"): Finding => {
  if (!isMeshError(error) || error.code === "interrupted" || error.code === "internal") throw error;
  return { check, status, message: error.text, mend: error.hint };
};
