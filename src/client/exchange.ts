import type { Deps } from "../deps.js";
import { MeshError } from "../errors.js";
import { PORTAL_PATH } from "../mesh/protocol.js";
import { noRetries, retryAfterAnswer, retryAfterFailure } from "./retry.js";
import { showText } from "./text.js";
import type { Transport, TransportAnswer } from "./transport.js";

const MAX_REDIRECTS = 3;
const HEADERS = { "content-type": "application/json", accept: "application/json", "cache-control": "no-store" };

/** A message on its way to a portal. */
export interface Outgoing {
  readonly body: Buffer;
  /** The headers that sign the message for a path; called anew for every path and after every answer. */
  readonly sign?: ((path: string) => Record<string, string>) | undefined;
  /** True where sending the very same octets twice does no harm. */
  readonly repeatable: boolean;
  /** Milliseconds for each attempt. */
  readonly timeout: number;
}

/** Where the portal's messages go, for messages about it. */
export interface Destination {
  readonly transport: Transport;
  /** The origin, or what the user calls an embedded portal. */
  readonly url: string;
}

/**
 * Sends one message and gives the portal's answer, whatever it says. Follows redirects within the origin (307 and 308 alone,
 * at most three) and tries again where that is safe. Throws what the transport throws, and `portal-answer` for a redirect
 * that is not followed.
 */
export const exchange = async (deps: Deps, to: Destination, message: Outgoing): Promise<TransportAnswer> => {
  const counts = noRetries();
  let path = PORTAL_PATH;
  let redirects = 0;
  let headers: Record<string, string> | undefined;
  for (;;) {
    // After a lost answer the same signature goes again, since the portal answers its nonce alike.
    headers ??= { ...HEADERS, ...message.sign?.(path) };
    let answer: TransportAnswer;
    try {
      const { body, timeout } = message;
      answer = await to.transport.send({ path, headers, body, timeout, signal: deps.signal });
    } catch (error) {
      if (await retryAfterFailure(deps, error, counts, message.repeatable)) continue;
      throw error;
    }
    headers = undefined;
    if (answer.status >= 300 && answer.status < 400) {
      if (++redirects > MAX_REDIRECTS) {
        throw new MeshError("portal-answer", `The portal ${to.url} redirects more than ${MAX_REDIRECTS} times.`);
      }
      path = redirectPath(answer, to.url, path);
      continue;
    }
    if (!(await retryAfterAnswer(deps, answer, counts))) return answer;
  }
};

/** The path to which an answer redirects. Throws `portal-answer` unless it is a 307 or 308 within the origin. */
const redirectPath = (answer: TransportAnswer, origin: string, path: string): string => {
  const refuse = (problem: string, hint?: string): never => {
    throw new MeshError(
      "portal-answer",
      `The portal ${origin} ${problem} (HTTP status ${answer.status}).`,
      hint === undefined ? {} : { hint },
    );
  };
  const location = answer.headers["location"];
  if (location === undefined || !URL.canParse(location, `${origin}${path}`)) return refuse("redirects to nowhere");
  const url = new URL(location, `${origin}${path}`);
  if (url.origin !== origin) {
    return refuse(
      `redirects to another site, ${showText(url.origin, 100)}`,
      "If the portal is there and you trust that site, name it with --portal; --portal local tries things out without one.",
    );
  }
  if (answer.status !== 307 && answer.status !== 308) return refuse("redirects in a way that loses the request");
  return url.pathname;
};
