import { MeshError } from "../../errors.js";
import { msg } from "../../messages/message.js";
import type { Context } from "../context.js";
import { parseDuration } from "../duration.js";
import { clipboardTools, desktopOf, SESSION_VARIABLES } from "./clipboard-tools.js";

const CLEAR_AFTER = 45;
const MAX_CLEAR_AFTER = 3600;
/** For the programs that are tried, in milliseconds. */
const TIMEOUT = 20_000;

/** How many seconds a secret stays in the clipboard. Throws `usage`. */
export const readClearAfter = (text: string | undefined): number =>
  text === undefined ? CLEAR_AFTER : parseDuration(text, { minimum: 1, maximum: MAX_CLEAR_AFTER });

const unavailable = ({ deps }: Context, cause?: unknown): MeshError => {
  const desktop = desktopOf(deps.platform, deps.env);
  return new MeshError("clipboard-unavailable", msg("password.no-clipboard"), {
    hint: msg(`password.no-clipboard-${desktop}.hint`),
    cause,
  });
};

/**
 * Puts a secret into the clipboard, from where a process that stays behind takes it after a while, unless something else is there by then.
 * It is told the secret through a pipe. Throws `clipboard-unavailable`.
 */
export const copyForAWhile = async (context: Context, text: string, seconds: number): Promise<void> => {
  const { deps } = context;
  const tools = clipboardTools(deps.platform, deps.env);
  if (tools.length === 0) throw unavailable(context);
  const env = Object.fromEntries(SESSION_VARIABLES.map((name) => [name, deps.env[name]]));
  const input = Buffer.from(`${JSON.stringify({ platform: deps.platform, env, seconds })}\n${text}`, "utf8");
  try {
    const answer = await deps.startDetached({ part: "clipboard", input, timeout: TIMEOUT });
    if (answer !== "done") throw unavailable(context);
  } catch (cause) {
    if (deps.signal.aborted || cause instanceof MeshError) throw cause;
    throw unavailable(context, cause);
  } finally {
    input.fill(0);
  }
};
