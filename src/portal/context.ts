import { MeshError } from "../errors.js";
import { canonicalDomain, parseAddress, type Address } from "../mesh/address.js";
import type { Language } from "../messages/language.js";
import { msg, type Translate } from "../messages/message.js";
import { refuse, type Answer } from "./answer.js";
import type { Announcement } from "./log/log.js";
import type { Limits, RateKind } from "./rates.js";
import type { Reader, Store, Time } from "./store/store.js";

/** One HTTP request, as the server or the embedded transport hands it over. */
export interface PortalRequest {
  readonly method: string;
  /** What the Host header says, in lower case. */
  readonly authority: string;
  readonly path: string;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** The remote network address; any text where the request crossed no network. */
  readonly address: string;
  /** By which the log names the request. */
  readonly id?: string;
}

export interface PortalResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** The body once more, as characters of which each is one octet: so it goes out with the headers in one piece. */
  readonly octets?: string;
}

/** What the records of one profile may take up. */
export interface Quota {
  /** Octets of all records, every version counted. */
  readonly bytes: number;
  /** Escrow entries and application profiles. */
  readonly records: number;
  readonly accounts: number;
}

export const DEFAULT_QUOTA: Quota = { bytes: 256 * 1024 * 1024, records: 65_536, accounts: 16 };

/** What a transaction works with, for one request. */
export interface Context {
  readonly store: Store;
  /** Canonical; empty where every domain is served. */
  readonly domains: readonly string[];
  readonly defaultDomain: string;
  readonly quota: Quota;
  /** Undefined where nobody is a stranger: the portal is one machine's own. */
  readonly limits: Limits | undefined;
  readonly transferToken: string | undefined;
  readonly publicTransfer: boolean;
  readonly announceLog: (now: Time) => Promise<Announcement>;
  /**
   * Answers from one consistent view of the store. Where the client asks for proofs, the answer comes back with them, bound to the
   * head of that very view; a refusal does not throw then. An answer that depends on nothing but the log may have a name: it is
   * remembered for as long as the log stays as it is.
   */
  readonly view: (work: (tx: Reader) => Promise<Answer>, name?: string) => Promise<Answer>;
  /** Loads the words of a language. Never within a transaction of the store, which may await nothing else. */
  readonly translator: (language: Language) => Promise<Translate>;
  /** Words messages for whoever sent the request. */
  readonly translate: Translate;
  readonly request: PortalRequest;
  readonly now: Time;
}

/** The domains in canonical form. Throws `usage` for what is no domain. */
export const canonicalDomains = (domains: readonly string[]): readonly string[] =>
  domains.map((domain) => {
    const canonical = canonicalDomain(domain);
    if (canonical === undefined) {
      throw new MeshError("usage", msg("portal.domain-invalid", { domain: JSON.stringify(domain.slice(0, 64)) }));
    }
    return canonical;
  });

export const servesDomain = (context: Pick<Context, "domains">, domain: string): boolean =>
  context.domains.length === 0 || context.domains.includes(domain);

/** Reads an account address of a request; a bare name means the default domain. Throws `address-invalid`. */
export const readAddress = (context: Context, text: string): Address => parseAddress(text, context.defaultDomain);

/**
 * Counts a request as one or several kinds, by its address or for the account that `key` names, and refuses it with 429 where it is
 * above the rate of any of them.
 */
export const keepRate = (
  { limits, request, now }: Pick<Context, "limits" | "request" | "now">,
  kinds: RateKind | readonly RateKind[],
  key = request.address,
): void => {
  if (!limits) return;
  const wait =
    typeof kinds === "string"
      ? limits.take(kinds, key, now)
      : Math.max(...kinds.map((kind) => limits.take(kind, key, now)));
  if (wait > 0) refuse(429, msg("portal.rate"), { headers: { "retry-after": String(wait) } });
};
