import { LIMITS, PORTAL_PATH, type Request, type Transaction } from "../mesh/protocol.js";
import { remembered } from "../mesh/remembered.js";
import { msg, type Message, type Translate } from "../messages/message.js";
import { loadTranslator } from "../messages/translate.js";
import { answerTo, harmless, Refusal, refuse, type Answer } from "./answer.js";
import {
  canonicalDomains,
  DEFAULT_QUOTA,
  keepRate,
  readAddress,
  type Context,
  type PortalRequest,
  type PortalResponse,
  type Quota,
} from "./context.js";
import { createKnownAnswers } from "./known-answers.js";
import { acceptedLanguage, createTranslators } from "./language.js";
import { createLogFiles, logFileAt, type LogFile } from "./log/files.js";
import { createPortalLog, type Announcement, type Asked, type OnUnsigned, type SealedAnswer } from "./log/log.js";
import { askedIn, askedOf, nameMessage, readMessage, type NamedMessage } from "./message.js";
import { membersOf } from "./rendered.js";
import { accountRate, addressRate, createLimits, type RateKind, type Rates } from "./rates.js";
import type { Reader, Store } from "./store/store.js";
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

/** What became of a request. */
export interface PortalEvent {
  /** The name of the transaction, or `unknown`. */
  readonly transaction: string;
  readonly status: number;
  readonly milliseconds: number;
  /** The account that the request names, in canonical form. It is in no log unless whoever runs the portal asks for that. */
  readonly account: string | undefined;
  /** What went wrong here, where the status is 500 or above. */
  readonly error: unknown;
  /** The client showed a head that this portal signed and has no more: the store may have been put back from an old backup. */
  readonly aheadOfUs?: true;
}

export interface PortalOptions {
  readonly store: Store;
  /** Empty: every domain is served, and the default domain is `localhost`; else it is the first. */
  readonly domains: readonly string[];
  /** What a Host header may say, in lower case. */
  readonly authorities: readonly string[];
  now(): Date;
  random(length: number): Uint8Array;
  readonly log?: (event: PortalEvent, request: PortalRequest) => void;
  /** `none` where there is nobody to be protected from; what is not given has its default. */
  readonly rateLimit?: Partial<Rates> | "none";
  /** How many processes share the requests, and so the rates. */
  readonly processes?: number;
  readonly onLimited?: (kind: RateKind) => void;
  readonly onUnsigned?: OnUnsigned;
  readonly quota?: Quota;
  /** Whoever shows this token may read the log with Transfer; without one nobody may. */
  readonly transferToken?: string;
  /** Anyone may read with Transfer what is published. */
  readonly publicTransfer?: boolean;
}

export interface Portal {
  /** The first authority: what the embedded transport signs its requests for. */
  readonly authority: string;
  /**
   * Answers one request; never throws. `localAuthorities` are what a Host header may say beyond the configured authorities,
   * because the request arrived there.
   */
  handle(request: PortalRequest, localAuthorities?: readonly string[]): Promise<PortalResponse>;
  /** Seconds for which nothing that comes from an address would be answered, so that it need not be read; else 0. */
  spent(address: string): number;
  /** Has the log's head signed anew where that was long ago, and where it can be. */
  freshen(): Promise<void>;
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

/** Parameters behind the path mean nothing here, and signatures do not cover them. */
const withoutQuery = (request: PortalRequest): PortalRequest => {
  const end = request.path.indexOf("?");
  return end < 0 ? request : { ...request, path: request.path.slice(0, end) };
};

const checkHttp = (request: PortalRequest, isAuthority: boolean, file: LogFile | undefined): void => {
  if (!isAuthority) {
    refuse(400, msg("portal.host-unknown"));
  }
  if (file) return;
  if (request.path !== PORTAL_PATH && `${request.path}/` !== PORTAL_PATH) {
    refuse(404, msg("portal.path-unknown", { path: PORTAL_PATH }));
  }
  if (request.method !== "POST") {
    refuse(405, msg("portal.method-wrong"), { headers: { allow: "POST" } });
  }
  if (request.body.length > LIMITS.body) refuse(413, msg("portal.request-large", { octets: LIMITS.body }));
};

/** Which transaction a request is. What is none counts for the address that it comes from as everything. */
const nameOrCount = (context: Pick<Context, "limits" | "request" | "now">): NamedMessage => {
  try {
    return nameMessage(context.request.body);
  } catch (error) {
    keepRate(context, ["read", "write"]);
    throw error;
  }
};

/** What is said without a look at the store proves nothing, and only repeats by which name the client knows its request. */
const isUnproven = ({ status: code }: Answer): boolean => code === 429 || code >= 500;

const named = (answer: Answer, { id }: Asked): Answer => ({ ...answer, members: { ...answer.members, RequestID: id } });

/** The account that a request names, in canonical form; undefined where it names none, or what is none. */
const accountIn = (context: Context, message: object): string | undefined => {
  const text = "Account" in message ? message.Account : "AccountID" in message ? message.AccountID : undefined;
  if (typeof text !== "string") return undefined;
  try {
    return readAddress(context, text).account;
  } catch {
    return undefined;
  }
};

/** How the bodies of answers begin, without the members behind. Few different ones are needed often. */
const begins = remembered<string, string>(256);
const beginOf = (responseName: string, code: number, description: string): string => {
  const key = `${responseName} ${code} ${description}`;
  const known = begins.get(key);
  if (known !== undefined) return known;
  const begin = `{"${responseName}":{"Status":${code},"StatusDescription":${JSON.stringify(harmless(description))}`;
  begins.set(key, begin);
  return begin;
};

/** A text as the characters of which each is one octet of it. */
const octetText = (text: string): string =>
  Buffer.byteLength(text) === text.length ? text : Buffer.from(text).toString("latin1");

/** How the answer to a request begins, the members of a lasting answer with it. */
interface Lasting {
  readonly responseName: string;
  readonly code: number;
  readonly description: string;
  readonly text: string;
}

/** The text of lasting members, with what stood in front of them when they were answered with last. */
const lastingTexts = new WeakMap<Answer["members"], Lasting>();
const lastingText = (responseName: string, code: number, description: string, members: Answer["members"]): string => {
  const known = lastingTexts.get(members);
  if (known?.responseName === responseName && known.code === code && known.description === description) {
    return known.text;
  }
  // Out of octets it is one flat string, which is written much quicker than one that was put together.
  const text = Buffer.from(`${beginOf(responseName, code, description)}${membersOf(members)}`).toString("latin1");
  lastingTexts.set(members, { responseName, code, description, text });
  return text;
};

/** The HTTP response that carries an answer: its status is that of the payload (reference-10 section 12.2). */
const encodeAnswer = (responseName: string, answer: Answer, translate: Translate): PortalResponse => {
  const { status: code, members, lasting, own, headers } = answer;
  const description = translate(answer.description);
  const text = lasting
    ? lastingText(responseName, code, description, members)
    : octetText(`${beginOf(responseName, code, description)}${membersOf(members)}`);
  const octets = `${text}${own ? octetText(membersOf(own)) : ""}}}`;
  const fixed = {
    "content-type": "application/json",
    "content-length": String(octets.length),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  };
  return {
    status: code,
    headers: headers ? { ...fixed, ...headers } : fixed,
    octets,
    get body() {
      return Buffer.from(octets, "latin1");
    },
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
  const { store, rateLimit = {}, quota = DEFAULT_QUOTA, processes, onLimited, transferToken } = options;
  const publicTransfer = options.publicTransfer === true;
  const domains = canonicalDomains(options.domains);
  const [defaultDomain = "localhost"] = domains;
  const authorities = new Set(options.authorities);
  const limits = rateLimit === "none" ? undefined : createLimits({ rates: rateLimit, processes, onLimited });
  const translator = createTranslators();
  const log = createPortalLog(store, options.onUnsigned);
  const answers = createKnownAnswers(store);
  const serveFile = createLogFiles(log);
  const announceLog = (now: number): Promise<Announcement> => log.announce(now);
  const handle = async (
    asRequested: PortalRequest,
    localAuthorities: readonly string[] = [],
  ): Promise<PortalResponse> => {
    const start = options.now().getTime();
    const began = performance.now();
    const translate = await translator(acceptedLanguage(asRequested.headers["accept-language"]));
    let transaction = "unknown";
    let responseName = NO_TRANSACTION;
    let answer: Answer;
    let account: string | undefined;
    let failure: unknown;
    let asked: Asked | undefined;
    let sealed: SealedAnswer | undefined;
    const fail = (error: unknown): Answer => {
      const refusal = answerTo(error);
      if (refusal.status >= 500) failure = error;
      return refusal;
    };
    const tell = (code: number): void => {
      const milliseconds = Math.round((performance.now() - began) * 10) / 10;
      const event = { transaction, status: code, milliseconds, account, error: failure };
      options.log?.(sealed?.aheadOfUs ? { ...event, aheadOfUs: true } : event, asRequested);
    };
    try {
      const request = withoutQuery(asRequested);
      const { authority, path } = request;
      const file = logFileAt(path);
      checkHttp(request, authorities.has(authority) || localAuthorities.includes(authority), file);
      const counted = { limits, request, now: start };
      if (file) {
        transaction = file === "checkpoint" ? "checkpoint" : "tile";
        keepRate(counted, "log");
        if (file === "checkpoint") await log.freshen(start);
        const response = await serveFile(file, request.method);
        tell(response.status);
        return response;
      }
      const message = nameOrCount(counted);
      ({ transaction, responseName } = message);
      let content: Request<Transaction>;
      try {
        keepRate(counted, addressRate(message.transaction));
        content = readMessage(message);
      } catch (error) {
        asked = askedOf(message);
        throw error;
      }
      const question = (asked = askedIn(content));
      // Each member by itself: to copy objects would take longer than most of what is done with them.
      const context: Context = {
        store,
        domains,
        defaultDomain,
        quota,
        limits,
        transferToken,
        publicTransfer,
        announceLog,
        translator,
        translate,
        request,
        now: start,
        view: async (work, name) => {
          const known = name === undefined ? undefined : await answers.find(name);
          if (known && !question) return known.answer;
          const keep = name === undefined || known ? work : (tx: Reader) => answers.keep(name, tx, work);
          if (!question) return store.read(keep);
          sealed = await (known
            ? log.sealAt(question, start, known.head, known.answer)
            : log.view(question, start, keep));
          return sealed.answer;
        },
      };
      account = accountIn(context, content);
      const rate = accountRate(message.transaction);
      if (rate && account !== undefined) keepRate(context, rate, account);
      if (asked || message.transaction === "Status") await log.freshen(start);
      answer = await HANDLERS[message.transaction](context, content as never);
    } catch (error) {
      answer = fail(error);
    }
    if (asked && sealed?.answer !== answer) {
      try {
        if (isUnproven(answer)) answer = named(answer, asked);
        else ({ answer } = sealed = await log.seal(asked, start, answer));
      } catch (error) {
        // What was done is done, and asking again gives its proofs.
        answer = named(fail(error), asked);
      }
    }
    tell(answer.status);
    return encodeAnswer(responseName, answer, translate);
  };

  let underWay = 0;
  const idle: (() => void)[] = [];
  const done = (): void => {
    underWay--;
    if (underWay === 0) for (const resolve of idle.splice(0)) resolve();
  };
  return {
    authority: options.authorities[0] ?? "",
    handle: (request, localAuthorities) => {
      const response = handle(request, localAuthorities);
      underWay++;
      response.then(done, done);
      return response;
    },
    spent: (address) => limits?.spent(address, options.now().getTime()) ?? 0,
    freshen: () => log.freshen(options.now().getTime()),
    close: async () => {
      if (underWay > 0) await new Promise<void>((resolve) => idle.push(resolve));
      await store.close();
    },
  };
};
