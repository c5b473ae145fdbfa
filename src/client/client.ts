import type { Deps } from "../deps.js";
import { MeshError } from "../errors.js";
import type { PrivateKey } from "../mesh/keys.js";
import type { Checkpoint } from "../mesh/log/checkpoint.js";
import { EXTENSIONS, LIMITS, type Request, type Response, type Transaction, type Wrapping } from "../mesh/protocol.js";
import { signRequest } from "../mesh/request-signature.js";
import { msg } from "../messages/message.js";
import { encode } from "./dialects.js";
import { openEmbedded } from "./embedded.js";
import { exchange, type Outgoing } from "./exchange.js";
import { downgraded, greet, type LogInfo, type PinnedPortal, type PortalInfo } from "./hello.js";
import { openHttp } from "./http.js";
import type { KnownHead, LogAccess, LogMemory, PortalLog } from "./log.js";
import { readResponse, statusError } from "./status.js";
import type { PortalTarget } from "./target.js";
import type { Transport, TransportAnswer } from "./transport.js";

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
  /** Of a portal that keeps one: what it answers is verified against it. */
  readonly log: PortalLog | undefined;
  /**
   * Makes one transaction (reference-10 section 12). Throws the error that the portal's status means, `portal-answer` where
   * the answer makes no sense, `too-large`, what the log's `exchange` throws, and what the transport throws.
   */
  send<Name extends Transaction>(
    transaction: Name,
    request: Omit<Request<Name>, "Portal">,
    options?: SendOptions,
  ): Promise<Response<Name>>;
  /** A static file of the portal's log, by its path below that of the service; undefined where there is none. Throws as `send` does. */
  getStatic(path: string): Promise<Buffer | undefined>;
  /** Keeps what was learnt of the log, and ends the connections. */
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
  /** What is known of its log; without it that ends with the client. */
  readonly memory?: LogMemory | undefined;
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
  const hello = (): Promise<PortalInfo> =>
    greet(url, pinned, (wrapping: Wrapping) =>
      ask({
        body: encode("Hello", { Portal: portal }, wrapping),
        repeatable: isOurs(new Set(pinned?.extensions ?? [])),
      }),
    );
  const getStatic = async (path: string): Promise<Buffer | undefined> => {
    const answer = await ask({ file: path, repeatable: true });
    if (answer.status === 404) return undefined;
    if (answer.status !== 200) throw statusError("Status", url, answer.status, answer.headers);
    return answer.body;
  };

  const info = await hello();
  const relearn = async (): Promise<LogInfo | undefined> => (await hello()).log;
  const log = await openLogOf(deps, target, info, options, { getStatic, relearn });
  return {
    url,
    info,
    host: info.defaultDomain ?? (target.kind === "http" ? new URL(url).hostname : "localhost"),
    log,
    getStatic,
    async send<Name extends Transaction>(
      transaction: Name,
      request: Omit<Request<Name>, "Portal">,
      { signer }: SendOptions = {},
    ): Promise<Response<Name>> {
      const signed = signer !== undefined && info.extensions.has(EXTENSIONS.signedRequests);
      const repeatable = isOurs(info.extensions) && (signed || isRead(transaction, request));
      const post = (sealing: object): Promise<TransportAnswer> => {
        // TypeScript cannot see that putting back the members that were left out gives the whole.
        const whole = { Portal: portal, ...sealing, ...request } as Request<Name>;
        const body = encode(transaction, whole, info.wrapping);
        if (body.length > LIMITS.body) {
          throw new MeshError("too-large", msg("client.request-too-large", { transaction }));
        }
        const sign = (path: string): Record<string, string> =>
          signed ? signFor(deps, { method: "POST", authority: transport.authority, path, body }, signer) : {};
        return ask({ body, sign, repeatable });
      };
      if (!log) return readResponse(transaction, url, await post({}));
      const { answer, head } = await log.exchange(transaction, post);
      return bound(log, head, () => readResponse(transaction, url, answer));
    },
    close: async () => {
      try {
        await log?.save();
      } finally {
        await transport.close();
      }
    },
  };
};

/** The response that `read` gives, or the error that it throws, bound to the head under which it was verified. */
const bound = <Value extends object>(log: PortalLog, head: Checkpoint | undefined, read: () => Value): Value => {
  try {
    const response = read();
    if (head) log.bind(response, head);
    return response;
  } catch (error) {
    if (head && error instanceof MeshError) log.bind(error, head);
    throw error;
  }
};

/** The log of a portal that announces one. Throws `downgrade` where it was known to keep one, and what `openLog` throws. */
const openLogOf = async (
  deps: Deps,
  { url, kind }: PortalTarget,
  info: PortalInfo,
  { pinned, memory }: OpenOptions,
  asking: Pick<LogAccess, "getStatic" | "relearn">,
): Promise<PortalLog | undefined> => {
  if (!info.extensions.has(EXTENSIONS.transparency)) {
    // Commands that unlock nothing pin no extensions, but they remember the log.
    if (memory?.verifier === undefined) return undefined;
    throw downgraded(url, EXTENSIONS.transparency);
  }
  const { openLog, shortMemory } = await import("./log.js");
  const known = memory ?? shortMemory({ verifier: pinned?.log?.verifier, newest: pinnedHead(pinned) });
  const verifiers = new Set([known.verifier, pinned?.log?.verifier].filter((key) => key !== undefined));
  const isEmbedded = kind === "embedded";
  return openLog({ deps, url, isEmbedded, memory: known, pinned: [...verifiers], ...asking }, info.log);
};

/** The head that the pins hold: without its note. */
export const pinnedHead = (pinned: PinnedPortal | undefined): KnownHead | undefined =>
  pinned?.log && { size: pinned.log.size, root: Buffer.from(pinned.log.root, "base64url") };

const signFor = (deps: Deps, request: Parameters<typeof signRequest>[0], signer: PrivateKey): Record<string, string> =>
  signRequest(request, signer, Math.floor(deps.now().getTime() / 1000), (length) => deps.random(length));

/** True where a portal announced one of our extensions, and so is known to take a repeated request well. */
const isOurs = (extensions: ReadonlySet<string>): boolean =>
  Object.values(EXTENSIONS).some((name) => extensions.has(name));

const READS: ReadonlySet<Transaction> = new Set(["Hello", "ValidateAccount", "Get", "ConnectStatus", "Status"]);

const isRead = (transaction: Transaction, request: object): boolean =>
  READS.has(transaction) && !("Reserve" in request && request.Reserve === true);
