import { MeshError } from "../../errors.js";
import { parsePin, type Pin } from "../../mesh/invite.js";
import { msg, type Message } from "../../messages/message.js";
import type { Context, Input } from "../context.js";
import { readSecretOrStdin } from "../input.js";

/** More than any spelling of a PIN has. */
const MAX_PIN = 4096;

/** What is wrong with a text as a PIN, or true where nothing is. */
export const checkPinText = (text: string): Message | true => {
  try {
    parsePin(text).pin.fill(0);
    return true;
  } catch (error) {
    return error instanceof MeshError ? error.text : msg("mesh.pin-mistyped");
  }
};

/**
 * The PIN from where the options say it is: a file, a descriptor, or `-`, which is standard input or on a terminal a question.
 * Undefined where they say nothing. Whoever gets it wipes it. Throws `pin-invalid`, `file-unreadable` and `usage`.
 */
export const readPin = async (context: Context, input: Input): Promise<Pin | undefined> => {
  const file = input.text("pinFile");
  const fd = input.whole("pinFd");
  if (file !== undefined && fd !== undefined) throw new MeshError("usage", msg("invite.pin-twice"));
  if (file === "-" && context.canAsk) {
    return parsePin(await context.ask.secret(msg("invite.ask-pin"), { validate: checkPinText }));
  }
  const octets = await readSecretOrStdin(context, { file, fd }, MAX_PIN);
  if (!octets) return undefined;
  try {
    return parsePin(octets.toString("utf8"));
  } finally {
    octets.fill(0);
  }
};
