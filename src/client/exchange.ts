import type { Deps } from "../deps.js";
import { MeshError } from "../errors.js";
import { PORTAL_PATH } from "../mesh/protocol.js";
import { msg, type Message } from "../messages/message.js";
import { noRetries, retryAfterAnswer, retryAfterFailure } from "./retry.js";
import { showText } from "./text.js";
import type { Transport, TransportAnswer } from "./transport.js";

const MAX_REDIRECTS = 3;
const HEADERS = { "content-type": "application/json", accept: "application/json", "cache-control": "no-store" };

/** Tells a portal in which languages a person would like its words. */
const languageHeader = (languages: readonly string[] = []): Record<string, string> =>
  languages.length === 0 ? {} : { "accept-language": languages.join(", ") };

/** A message on its way to a portal, or the name of a file that it serves. */
export interface Outgoing {
  /** Octets to post to the service; without them a file is asked for. */
  readonly body?: Buffer;
  /** Path of the file below that of the service. */
  readonly file?: string;
  /** The headers that sign the message for a path; called anew for every path and after every answer. */
  readonly sign?: ((path: string) => Record<string, string>) | undefined;
  /** True where sending the very same octets twice does no harm. */
  readonly repeatable: boolean;
  /** The user's languages as BCP 47 tags, most preferred first. */
  readonly languages?: readonly string[] | undefined;
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
  const { body, file = "", timeout } = message;
  const method = body ? "POST" : "GET";
  const own = body ? HEADERS : {};
  const counts = noRetries();
  let path = `${PORTAL_PATH}${file}`;
  let redirects = 0;
  let headers: Record<string, string> | undefined;
  for (;;) {
    // After a lost answer the same signature goes again, since the portal answers its nonce alike.
    headers ??= { ...own, ...languageHeader(message.languages), ...message.sign?.(path) };
    let answer: TransportAnswer;
    try {
      const octets = body ?? Buffer.alloc(0);
      answer = await to.transport.send({ method, path, headers, body: octets, timeout, signal: deps.signal });
    } catch (error) {
      if (await retryAfterFailure(deps, error, counts, message.repeatable)) continue;
      throw error;
    }
    headers = undefined;
    if (answer.status >= 300 && answer.status < 400) {
      if (++redirects > MAX_REDIRECTS) {
        throw new MeshError("portal-answer", msg("client.redirects-many", { url: to.url, limit: MAX_REDIRECTS }));
      }
      path = redirectPath(answer, to.url, path);
      continue;
    }
    if (!(await retryAfterAnswer(deps, answer, counts))) return answer;
  }
};

/** The path to which an answer redirects. Throws `portal-answer` unless it is a 307 or 308 within the origin. */
const redirectPath = (answer: TransportAnswer, origin: string, path: string): string => {
  const { status } = answer;
  const refuse = (text: Message, hint?: Message): never => {
    throw new MeshError("portal-answer", text, { hint });
  };
  const location = answer.headers["location"];
  if (location === undefined || !URL.canParse(location, `${origin}${path}`)) {
    return refuse(msg("client.redirect-nowhere", { url: origin, status }));
  }
  const url = new URL(location, `${origin}${path}`);
  if (url.origin !== origin) {
    return refuse(
      msg("client.redirect-away", { url: origin, site: showText(url.origin, 100), status }),
      msg("client.redirect-away.hint"),
    );
  }
  if (status !== 307 && status !== 308) return refuse(msg("client.redirect-lossy", { url: origin, status }));
  return url.pathname;
};
