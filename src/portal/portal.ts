import { LIMITS, PORTAL_PATH, type Transaction } from "../mesh/protocol.js";
import { msg, type Message, type Translate } from "../messages/message.js";
import { loadTranslator } from "../messages/translate.js";
import { answerTo, harmless, Refusal, refuse, type Answer } from "./answer.js";
import {
  canonicalDomains,
  DEFAULT_QUOTA,
  type Context,
  type PortalRequest,
  type PortalResponse,
  type Quota,
} from "./context.js";
import { acceptedLanguage, createTranslators } from "./language.js";
import { createLimiter } from "./limiter.js";
import { nameMessage, readMessage } from "./message.js";
import type { Store } from "./store/store.js";
import { connectComplete } from "./transactions/connect-complete.js";
import { connectPending } from "./transactions/connect-pending.js";
import { connectStart } from "./transactions/connect-start.js";
import { connectStatus } from "./transactions/connect-status.js";
import { createAccount } from "./transactions/create-account.js";
import { deleteAccount } from "./transactions/delete-account.js";
import { get } from "./transactions/get.js";
import { hello } from "./transactions/hello.js";
import { publish } from "./transactions/publish.js";
import { status } from "./transactions/status.js";
import { transfer } from "./transactions/transfer.js";
import { validateAccount } from "./transactions/validate-account.js";

export type { PortalRequest, PortalResponse, Quota } from "./context.js";

/** What a log line may say: neither names nor addresses. */
export interface PortalEvent {
  readonly transaction: string;
  readonly status: number;
  readonly milliseconds: number;
}

/** How many requests of a kind one address may make in a minute. */
export interface RateLimit {
  readonly validatePerMinute: number;
  readonly connectStartPerMinute: number;
  /** A stranger's profile is verified before anything can refuse it, which costs milliseconds for every device in it. */
  readonly createAccountPerMinute: number;
}

export const DEFAULT_RATE_LIMIT: RateLimit = {
  validatePerMinute: 600,
  connectStartPerMinute: 120,
  createAccountPerMinute: 60,
};

export interface PortalOptions {
  readonly store: Store;
  /** Empty: every domain is served, and the default domain is `localhost`; else it is the first. */
  readonly domains: readonly string[];
  /** What a Host header may say, in lower case. */
  readonly authorities: readonly string[];
  now(): Date;
  random(length: number): Uint8Array;
  readonly log?: (event: PortalEvent) => void;
  /** `none` where there is nobody to be protected from. */
  readonly rateLimit?: RateLimit | "none";
  readonly quota?: Quota;
  /** Whoever shows this token may read the log with Transfer; without one nobody may. */
  readonly transferToken?: string;
}

export interface Portal {
  /** The first authority: what the embedded transport signs its requests for. */
  readonly authority: string;
  /**
   * Answers one request; never throws. `localAuthorities` are what a Host header may say beyond the configured authorities,
   * because the request arrived there.
   */
  handle(request: PortalRequest, localAuthorities?: readonly string[]): Promise<PortalResponse>;
  /** Finishes what is under way and closes the store. */
  close(): Promise<void>;
}

const HANDLERS: Record<Transaction, (context: Context, request: never) => Promise<Answer>> = {
  Hello: hello,
  ValidateAccount: validateAccount,
  CreateAccount: createAccount,
  DeleteAccount: deleteAccount,
  Get: get,
  Publish: publish,
  ConnectStart: connectStart,
  ConnectPending: connectPending,
  ConnectStatus: connectStatus,
  ConnectComplete: connectComplete,
  Status: status,
  Transfer: transfer,
};

/** The name of an answer to a request that is no transaction (reference-10 section 12.2.1). */
const NO_TRANSACTION = "MeshResponse";

const checkHttp = (request: PortalRequest, path: string, isAuthority: boolean): void => {
  if (!isAuthority) {
    refuse(400, msg("portal.host-unknown"));
  }
  if (`${path.replace(/\/$/, "")}/` !== PORTAL_PATH) {
    refuse(404, msg("portal.path-unknown", { path: PORTAL_PATH }));
  }
  if (request.method !== "POST") {
    refuse(405, msg("portal.method-wrong"), { headers: { allow: "POST" } });
  }
  if (request.body.length > LIMITS.body) refuse(413, msg("portal.request-large", { octets: LIMITS.body }));
};

/** The HTTP response that carries an answer: its status is that of the payload (reference-10 section 12.2). */
const encodeAnswer = (responseName: string, answer: Answer, translate: Translate): PortalResponse => {
  const { status: code, description, members, headers } = answer;
  const body = Buffer.from(
    JSON.stringify({
      [responseName]: { Status: code, StatusDescription: harmless(translate(description)), ...members },
    }),
  );
  return {
    status: code,
    headers: {
      "content-type": "application/json",
      "content-length": String(body.length),
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      ...headers,
    },
    body,
  };
};

/** The response to a request that was refused before it could be read, in the language that its Accept-Language asks for. */
export const encodeRefusal = async (
  code: number,
  description: Message,
  acceptLanguage: string | undefined,
): Promise<PortalResponse> => {
  const translate = await loadTranslator(acceptedLanguage(acceptLanguage));
  return encodeAnswer(NO_TRANSACTION, new Refusal(code, description).answer, translate);
};

/**
 * Makes a portal over a store, which it closes when it is closed itself (reference-10 section 12). Throws `usage` where a
 * domain is none.
 */
export const createPortal = (options: PortalOptions): Portal => {
  const { store, rateLimit = DEFAULT_RATE_LIMIT, quota = DEFAULT_QUOTA } = options;
  const domains = canonicalDomains(options.domains);
  const authorities = new Set(options.authorities);
  const limiters =
    rateLimit === "none"
      ? undefined
      : {
          validate: createLimiter(rateLimit.validatePerMinute),
          connectStart: createLimiter(rateLimit.connectStartPerMinute),
          createAccount: createLimiter(rateLimit.createAccountPerMinute),
        };
  const translator = createTranslators();
  const common = {
    translator,
    store,
    domains,
    defaultDomain: domains[0] ?? "localhost",
    quota,
    limiters,
    transferToken: options.transferToken,
  };

  const handle = async (request: PortalRequest, localAuthorities: readonly string[] = []): Promise<PortalResponse> => {
    const start = options.now().getTime();
    const translate = await translator(acceptedLanguage(request.headers["accept-language"]));
    let transaction = "unknown";
    let responseName = NO_TRANSACTION;
    let answer: Answer;
    try {
      // Parameters behind the path mean nothing here, and signatures do not cover them.
      const path = request.path.replace(/\?.*$/s, "");
      const { authority } = request;
      checkHttp(request, path, authorities.has(authority) || localAuthorities.includes(authority));
      const named = nameMessage(request.body);
      ({ transaction, responseName } = named);
      const context: Context = { ...common, translate, request: { ...request, path }, now: start };
      answer = await HANDLERS[named.transaction](context, readMessage(named) as never);
    } catch (error) {
      answer = answerTo(error);
    }
    options.log?.({ transaction, status: answer.status, milliseconds: options.now().getTime() - start });
    return encodeAnswer(responseName, answer, translate);
  };

  const underWay = new Set<Promise<unknown>>();
  return {
    authority: options.authorities[0] ?? "",
    handle: (request, localAuthorities) => {
      const response = handle(request, localAuthorities);
      underWay.add(response);
      void response.finally(() => underWay.delete(response));
      return response;
    },
    close: async () => {
      await Promise.allSettled(underWay);
      await store.close();
    },
  };
};
