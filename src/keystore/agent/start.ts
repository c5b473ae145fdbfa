import type { Deps } from "../../deps.js";
import { MeshError } from "../../errors.js";
import { msg } from "../../messages/message.js";

/** How long an agent's process has to start, in milliseconds. */
const START_LIMIT = 10_000;

/**
 * Starts an agent as a process of its own, tells it its order, which is wiped, and waits until it is ready. Throws `interrupted`, and what
 * `unavailable` makes of anything else that keeps it from that.
 */
export const startAgentProcess = async (
  { startDetached, signal }: Pick<Deps, "startDetached" | "signal">,
  part: "agent" | "ssh-agent",
  order: Buffer,
  unavailable: (cause: unknown) => MeshError,
): Promise<void> => {
  let said: string;
  try {
    said = await startDetached({ part, input: order, timeout: START_LIMIT });
  } catch (cause) {
    if (signal.aborted) throw new MeshError("interrupted", msg("keystore.agent-interrupted"), { cause });
    throw unavailable(cause);
  } finally {
    order.fill(0);
  }
  if (said !== "ready") throw unavailable(new Error(said));
};
