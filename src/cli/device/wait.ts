import type { Context } from "../context.js";
import type { ConnectionStatus } from "./connection-status.js";

/** How long `--wait` waits where it is not told, in seconds. */
export const DEFAULT_WAIT = 300;
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 5_000;

/** Looks again and again until a request has been answered, or the seconds are over. */
export const waitForAnswer = async (
  { deps }: Context,
  seconds: number,
  look: () => Promise<ConnectionStatus>,
): Promise<ConnectionStatus> => {
  const end = deps.now().getTime() + seconds * 1000;
  for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 1.5, LONGEST_PAUSE)) {
    const status = await look();
    const left = end - deps.now().getTime();
    if (status !== "pending" || left <= 0) return status;
    await deps.sleep(Math.min(pause, left));
  }
};
