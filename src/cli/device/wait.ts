import { isMeshError } from "../../errors.js";
import { isPlain, type PortalClient } from "../../client/client.js";
import { startConnection } from "../../client/profiles.js";
import type { ConnectingState } from "../../keystore/state.js";
import { readConnectionRequest } from "../../mesh/connection.js";
import type { Context } from "../context.js";
import type { ConnectionStatus } from "./connection-status.js";

/** How long `--wait` waits where it is not told, in seconds. */
export const DEFAULT_WAIT = 300;
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 5_000;
/** Milliseconds after which a request that waits is posted again. */
const POST_AGAIN = 10_000;

/**
 * Posts the request of this device to an account, also where it was posted before: a portal keeps few requests of one address,
 * and drops the oldest of too many without a word. Throws what `startConnection` throws, but not `rate-limited` for a request
 * that has been posted.
 */
export const postRequest = async (
  client: PortalClient,
  account: string,
  { request, posted }: ConnectingState,
): Promise<void> => {
  await startConnection(client, account, readConnectionRequest(request)).catch((error: unknown) => {
    if (!posted || !isMeshError(error, "rate-limited")) throw error;
  });
};

/**
 * Looks again and again until a request that has been posted to an account is answered, or the seconds are over. In between it
 * is posted again, at portals of ours alone, since others may take it for another request.
 */
export const waitForAnswer = async (
  { deps }: Context,
  client: PortalClient,
  account: string,
  request: ConnectingState,
  seconds: number,
  look: () => Promise<ConnectionStatus>,
): Promise<ConnectionStatus> => {
  const end = deps.now().getTime() + seconds * 1000;
  let last = deps.now().getTime();
  for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 1.5, LONGEST_PAUSE)) {
    const status = await look();
    const now = deps.now().getTime();
    if (status !== "pending" || now >= end) return status;
    if (!isPlain(client) && now - last >= POST_AGAIN) {
      last = now;
      await postRequest(client, account, { ...request, posted: true }).catch((error: unknown) => {
        if (!isMeshError(error, "portal-busy")) throw error;
      });
    }
    await deps.sleep(Math.min(pause, end - now));
  }
};
