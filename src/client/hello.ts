import { MeshError, isMeshError } from "../errors.js";
import { canonicalDomain } from "../mesh/address.js";
import type { Response, Wrapping } from "../mesh/protocol.js";
import { msg } from "../messages/message.js";
import { readObject } from "./dialects.js";
import { readResponse } from "./status.js";
import { showText } from "./text.js";
import type { TransportAnswer } from "./transport.js";

/** Under which key a portal signs the head of its log. */
export interface LogInfo {
  /** The verifier key of C2SP signed-note: unchecked. */
  readonly key: string;
  /** The notes by which each earlier key has named the next, the oldest first. */
  readonly changes: readonly string[];
}

/** What a portal says of itself. */
export interface PortalInfo {
  readonly wrapping: Wrapping;
  readonly extensions: ReadonlySet<string>;
  /** The domain of a bare account name, where the portal names one. */
  readonly defaultDomain: string | undefined;
  /** `Major.Minor`, or `unknown` where the portal knows no Hello. */
  readonly version: string;
  readonly log?: LogInfo;
  /** Shown, never followed. */
  readonly versionUri?: readonly string[];
  /** What its clock said when it answered, where it is reached by HTTP and said so (RFC 9110 section 6.6.1). */
  readonly date?: Date;
}

/** What was learnt of a portal earlier. */
export interface PinnedPortal {
  readonly wrapping: Wrapping;
  readonly extensions: readonly string[];
  /** The key of its log, and a head that it has signed. */
  readonly log?: { readonly verifier: string; readonly size: number; readonly root: string };
}

/** A HelloResponse; or a refusal; or some other JSON, as from a portal that knows no Hello; or nothing of the Mesh. */
type Greeting =
  | { readonly kind: "hello"; readonly response: Response<"Hello"> }
  | { readonly kind: "refusal"; readonly error: MeshError }
  | { readonly kind: "json" | "foreign" };

const readGreeting = (answer: TransportAnswer, url: string): Greeting => {
  try {
    return { kind: "hello", response: readResponse("Hello", url, answer) };
  } catch (error) {
    // A portal that is overloaded or behind a broken gateway says nothing about what it speaks.
    if (!isMeshError(error) || isMeshError(error, "portal-busy", "portal-failed", "rate-limited")) throw error;
    if (!isMeshError(error, "portal-answer")) return { kind: "refusal", error };
    return { kind: readObject(answer.body) ? "json" : "foreign" };
  }
};

const HTTP_DATE = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/;

const dateOf = ({ headers }: TransportAnswer): { date?: Date } => {
  const text = headers["date"] ?? "";
  const time = HTTP_DATE.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? {} : { date: new Date(time) };
};

const infoOf = (response: Response<"Hello">, wrapping: Wrapping): PortalInfo => {
  const { Version, Extensions, DefaultDomain, Log } = response;
  const uris = (Version?.URI ?? []).slice(0, 8).map((uri) => showText(uri));
  return {
    wrapping,
    extensions: new Set(Extensions ?? []),
    defaultDomain: DefaultDomain === undefined ? undefined : canonicalDomain(DefaultDomain),
    version: Version ? `${Version.Major}.${Version.Minor}` : "unknown",
    ...(Log && { log: { key: Log.Key, changes: Log.KeyChanges ?? [] } }),
    ...(uris.length > 0 && { versionUri: uris }),
  };
};

/**
 * Learns what a portal speaks. The first Hello has the reference wrapping, since the 2016 portal dies of any other; where the
 * answer shows that it is not understood, another has the draft's. A portal that answers in JSON but knows no Hello is taken
 * for one that knows only what architecture-02 prints.
 * Throws `portal-not-found` where nothing answers in JSON, the portal's own refusal where it understands both but refuses,
 * `downgrade` where an extension seen earlier is gone, and whatever `ask` throws.
 */
export const greet = async (
  url: string,
  pinned: PinnedPortal | undefined,
  ask: (wrapping: Wrapping) => Promise<TransportAnswer>,
): Promise<PortalInfo> => {
  const wrappings: Wrapping[] = pinned?.wrapping === "draft" ? ["draft"] : ["reference", "draft"];
  let last: Greeting = { kind: "foreign" };
  let clock: { date?: Date } = {};
  for (const wrapping of wrappings) {
    const answer = await ask(wrapping);
    const greeting = readGreeting(answer, url);
    clock = dateOf(answer);
    if (greeting.kind === "hello") {
      return checkPinned({ ...infoOf(greeting.response, wrapping), ...clock }, url, pinned);
    }
    if (greeting.kind !== "foreign") last = greeting;
  }
  if (last.kind === "refusal") throw last.error;
  if (last.kind === "foreign") {
    throw new MeshError("portal-not-found", msg("client.no-portal", { url }), {
      hint: msg("client.no-portal.hint"),
    });
  }
  const info = {
    wrapping: "draft",
    extensions: new Set<string>(),
    defaultDomain: undefined,
    version: "unknown",
    ...clock,
  } as const;
  return checkPinned(info, url, pinned);
};

const checkPinned = (info: PortalInfo, url: string, pinned: PinnedPortal | undefined): PortalInfo => {
  const missing = (pinned?.extensions ?? []).filter((name) => !info.extensions.has(name));
  if (missing.length === 0) return info;
  throw downgraded(url, missing.join(", "));
};

/** The error for what a portal could do and does no more. */
export const downgraded = (url: string, missing: string): MeshError =>
  new MeshError("downgrade", msg("client.downgrade", { url, missing: showText(missing) }), {
    hint: msg("client.downgrade.hint"),
  });
