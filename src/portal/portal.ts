import { LIMITS, PORTAL_PATH, type Transaction } from "../mesh/protocol.js";
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
import { createPortalLog, type Asked, type OnUnsigned, type SealedAnswer } from "./log/log.js";
import { askedOf, nameMessage, readMessage, type NamedMessage } from "./message.js";
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

const checkHttp = (request: PortalRequest, path: string, isAuthority: boolean, file: LogFile | undefined): void => {
  if (!isAuthority) {
    refuse(400, msg("portal.host-unknown"));
  }
  if (file) return;
  if (`${path.replace(/\/$/, "")}/` !== PORTAL_PATH) {
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

/** The octets of lasting members, with what stood around them when they were answered with last. */
const lastingOctets = new WeakMap<
  Answer["members"],
  { readonly begin: string; readonly end: string; readonly octets: Buffer }
>();
const octetsOf = (begin: string, members: Answer["members"], end: string): Buffer => {
  const known = lastingOctets.get(members);
  if (known?.begin === begin && known.end === end) return known.octets;
  const octets = Buffer.from(`${begin}${membersOf(members)}${end}`);
  lastingOctets.set(members, { begin, end, octets });
  return octets;
};

const asPiece = (piece: Buffer | string): Buffer | string =>
  typeof piece !== "string" || Buffer.byteLength(piece) === piece.length ? piece : Buffer.from(piece);

/** The HTTP response that carries an answer: its status is that of the payload (reference-10 section 12.2). */
const encodeAnswer = (responseName: string, answer: Answer, translate: Translate): PortalResponse => {
  const { status: code, description, members, lasting, own, headers } = answer;
  const begin = beginOf(responseName, code, translate(description));
  const end = `${own ? membersOf(own) : ""}}}`;
  const pieces: NonNullable<PortalResponse["pieces"]> = !lasting
    ? [asPiece(`${begin}${membersOf(members)}${end}`)]
    : own
      ? [octetsOf(begin, members, ""), asPiece(end)]
      : [octetsOf(begin, members, end)];
  const length = pieces[0].length + (pieces[1]?.length ?? 0);
  return {
    status: code,
    headers: {
      "content-type": "application/json",
      "content-length": String(length),
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      ...headers,
    },
    pieces,
    get body() {
      return Buffer.concat(
        pieces.flatMap((piece = "") => (typeof piece === "string" ? Buffer.from(piece, "latin1") : piece)),
      );
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
  const { store, rateLimit = {}, quota = DEFAULT_QUOTA, processes, onLimited } = options;
  const domains = canonicalDomains(options.domains);
  const authorities = new Set(options.authorities);
  const limits = rateLimit === "none" ? undefined : createLimits({ rates: rateLimit, processes, onLimited });
  const translator = createTranslators();
  const log = createPortalLog(store, options.onUnsigned);
  const answers = createKnownAnswers(store);
  const serveFile = createLogFiles(log);
  const common = {
    translator,
    store,
    domains,
    defaultDomain: domains[0] ?? "localhost",
    quota,
    limits,
    transferToken: options.transferToken,
    publicTransfer: options.publicTransfer === true,
    announceLog: (now: number) => log.announce(now),
  };

  const handle = async (request: PortalRequest, localAuthorities: readonly string[] = []): Promise<PortalResponse> => {
    const start = options.now().getTime();
    const began = performance.now();
    const translate = await translator(acceptedLanguage(request.headers["accept-language"]));
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
      options.log?.({ ...event, ...(sealed?.aheadOfUs && { aheadOfUs: true }) }, request);
    };
    try {
      // Parameters behind the path mean nothing here, and signatures do not cover them.
      const [path = ""] = request.path.split("?", 1);
      const { authority } = request;
      const file = logFileAt(path);
      checkHttp(request, path, authorities.has(authority) || localAuthorities.includes(authority), file);
      const counted = { limits, request: { ...request, path }, now: start };
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
      asked = askedOf(message);
      const question = asked;
      const context: Context = {
        ...common,
        ...counted,
        translate,
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
      keepRate(context, addressRate(message.transaction));
      const content = readMessage(message);
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

  const underWay = new Set<Promise<unknown>>();
  return {
    authority: options.authorities[0] ?? "",
    handle: (request, localAuthorities) => {
      const response = handle(request, localAuthorities);
      const done = (): void => void underWay.delete(response);
      underWay.add(response);
      response.then(done, done);
      return response;
    },
    spent: (address) => limits?.spent(address, options.now().getTime()) ?? 0,
    freshen: () => log.freshen(options.now().getTime()),
    close: async () => {
      await Promise.allSettled(underWay);
      await store.close();
    },
  };
};
