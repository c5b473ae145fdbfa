import type { Deps } from "../deps.js";
import { MeshError } from "../errors.js";
import type { PrivateKey } from "../mesh/keys.js";
import { EXTENSIONS, LIMITS, type Request, type Response, type Transaction, type Wrapping } from "../mesh/protocol.js";
import { signRequest } from "../mesh/request-signature.js";
import { msg } from "../messages/message.js";
import { encode } from "./dialects.js";
import { openEmbedded } from "./embedded.js";
import { exchange, type Outgoing } from "./exchange.js";
import { greet, type PinnedPortal, type PortalInfo } from "./hello.js";
import { openHttp } from "./http.js";
import { readResponse } from "./status.js";
import type { PortalTarget } from "./target.js";
import type { Transport } from "./transport.js";

export type { PinnedPortal, PortalInfo } from "./hello.js";

export interface SendOptions {
  /** The device's authentication key; used only where the portal announced signed requests. */
  readonly signer?: PrivateKey | undefined;
}

/** A portal that has been greeted. Nothing that it sends is to be trusted before it has been verified. */
export interface PortalClient {
  /** The portal as it is remembered: `target.url`. */
  readonly url: string;
  readonly info: PortalInfo;
  /** The domain of a bare account name at this portal. */
  readonly host: string;
  /**
   * Makes one transaction (reference-10 section 12). Throws the error that the portal's status means, `portal-answer` where
   * the answer makes no sense, `too-large`, and what the transport throws.
   */
  send<Name extends Transaction>(
    transaction: Name,
    request: Omit<Request<Name>, "Portal">,
    options?: SendOptions,
  ): Promise<Response<Name>>;
  close(): Promise<void>;
}

/** True for a portal that announced nothing, such as the one of 2016, and needs to be handled with care. */
export const isPlain = (client: PortalClient): boolean => client.info.extensions.size === 0;

export interface OpenOptions {
  /** Milliseconds for each request. */
  readonly timeout: number;
  /** PEM certificates to trust instead of the system's. */
  readonly ca?: Buffer | undefined;
  /** What was learnt of this portal earlier. */
  readonly pinned?: PinnedPortal | undefined;
  /** The user's languages as BCP 47 tags, most preferred first, for what the portal says in words. */
  readonly languages?: readonly string[] | undefined;
}

/**
 * Opens a portal and greets it. Throws `portal-unreachable`, `portal-timeout`, `portal-not-found` where there is no Mesh
 * portal, and `downgrade` where it lacks an extension that is pinned.
 */
export const openPortal = async (deps: Deps, target: PortalTarget, options: OpenOptions): Promise<PortalClient> => {
  const transport =
    target.kind === "http"
      ? await openHttp(target.url, { ca: options.ca, now: () => deps.now() })
      : await openEmbedded(target.url, target.path, deps);
  try {
    return await greetPortal(deps, target, transport, options);
  } catch (error) {
    await transport.close();
    throw error;
  }
};

const greetPortal = async (
  deps: Deps,
  target: PortalTarget,
  transport: Transport,
  options: OpenOptions,
): Promise<PortalClient> => {
  const { url } = target;
  const { timeout, pinned, languages } = options;
  const portal = transport.authority.replace(/:\d+$/, "");
  const ask = (outgoing: Omit<Outgoing, "timeout" | "languages">) =>
    exchange(deps, { transport, url }, { ...outgoing, timeout, languages });

  const info = await greet(url, pinned, (wrapping: Wrapping) =>
    ask({
      body: encode("Hello", { Portal: portal }, wrapping),
      repeatable: isOurs(new Set(pinned?.extensions ?? [])),
    }),
  );
  return {
    url,
    info,
    host: info.defaultDomain ?? (target.kind === "http" ? new URL(url).hostname : "localhost"),
    async send<Name extends Transaction>(
      transaction: Name,
      request: Omit<Request<Name>, "Portal">,
      { signer }: SendOptions = {},
    ): Promise<Response<Name>> {
      // TypeScript cannot see that putting back the member that was left out gives the whole.
      const whole = { Portal: portal, ...request } as Request<Name>;
      const body = encode(transaction, whole, info.wrapping);
      if (body.length > LIMITS.body) {
        throw new MeshError("too-large", msg("client.request-too-large", { transaction }));
      }
      const signed = signer !== undefined && info.extensions.has(EXTENSIONS.signedRequests);
      const sign = (path: string): Record<string, string> =>
        signed ? signFor(deps, { method: "POST", authority: transport.authority, path, body }, signer) : {};
      const repeatable = isOurs(info.extensions) && (signed || isRead(transaction, request));
      return readResponse(transaction, url, await ask({ body, sign, repeatable }));
    },
    close: () => transport.close(),
  };
};

const signFor = (deps: Deps, request: Parameters<typeof signRequest>[0], signer: PrivateKey): Record<string, string> =>
  signRequest(request, signer, Math.floor(deps.now().getTime() / 1000), (length) => deps.random(length));

/** True where a portal announced one of our extensions, and so is known to take a repeated request well. */
const isOurs = (extensions: ReadonlySet<string>): boolean =>
  Object.values(EXTENSIONS).some((name) => extensions.has(name));

const READS: ReadonlySet<Transaction> = new Set(["Hello", "ValidateAccount", "Get", "ConnectStatus", "Status"]);

const isRead = (transaction: Transaction, request: object): boolean =>
  READS.has(transaction) && !("Reserve" in request && request.Reserve === true);
