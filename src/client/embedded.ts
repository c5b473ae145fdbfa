import type { Deps } from "../deps.js";
import { interrupted, MAX_ANSWER, timedOut, tooLong, type Transport } from "./transport.js";

/** The address by which the portal knows a request that crossed no network. */
const ADDRESS = "embedded";

/**
 * The way to a portal in this very process, over the store at `path`. The portal is loaded only here.
 * Throws what opening the store throws.
 */
export const openEmbedded = async (
  url: string,
  path: string,
  deps: Pick<Deps, "now" | "random">,
): Promise<Transport> => {
  const { openEmbeddedPortal } = await import("../portal/embedded.js");
  const portal = await openEmbeddedPortal(path, {
    now: () => deps.now(),
    random: (length: number) => deps.random(length),
  });
  return {
    authority: portal.authority,
    async send({ method, path: target, headers, body, timeout, signal }) {
      if (signal.aborted) throw interrupted();
      const answer = await within(
        portal.handle({ method, authority: portal.authority, path: target, headers, body, address: ADDRESS }),
        timeout,
        signal,
        url,
      );
      if (answer.body.length > MAX_ANSWER) throw tooLong(url);
      return answer;
    },
    close: () => portal.close(),
  };
};

const within = <Value>(work: Promise<Value>, timeout: number, signal: AbortSignal, url: string): Promise<Value> =>
  new Promise((resolve, reject) => {
    const abort = (): void => reject(interrupted());
    const timer = setTimeout(() => reject(timedOut(url, timeout)), timeout);
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
    });
  });
