import { MeshError, type ErrorCode } from "../errors.js";
import type { Response, Transaction } from "../mesh/protocol.js";
import type { MessageKey } from "../messages/catalogue.js";
import { readableDuration } from "../messages/duration.js";
import { msg, type Message } from "../messages/message.js";
import { decode, decodeRefusal } from "./dialects.js";
import { retryAfter } from "./retry.js";
import { showText } from "./text.js";
import type { TransportAnswer } from "./transport.js";

/** A message that has a second form, with the portal's own words behind it. */
type Said<Key extends string = MessageKey> = Key extends `${infer Name}-saying` ? Name & MessageKey : never;

interface Meaning {
  readonly code: ErrorCode;
  readonly text: Said;
  readonly hint?: Message;
}

const later = msg("client.later.hint");
/** A longer wait than that is not told, in seconds: whoever asks for it means no time. */
const MAX_WAIT = 86_400;

/** When to try again, by the clock of whoever has answered. */
const laterBy = (headers: TransportAnswer["headers"]): Message => {
  const answered = new Date(headers["date"] ?? "");
  const seconds = Math.ceil(retryAfter(headers["retry-after"], answered) ?? 0);
  if (!(seconds > 0 && seconds <= MAX_WAIT)) return later;
  return msg("client.later-in.hint", { time: readableDuration(seconds) });
};

/** What a status other than success means (reference-10 section 12.1.2: as in HTTP). */
const MEANINGS: Readonly<Record<number, Meaning>> = {
  400: { code: "refused", text: "client.request-refused" },
  401: { code: "refused", text: "client.signature-refused", hint: msg("client.signature-refused.hint") },
  403: { code: "refused", text: "client.refused" },
  404: { code: "record-not-found", text: "client.not-found" },
  409: { code: "conflict", text: "client.conflict", hint: msg("client.conflict.hint") },
  413: { code: "too-large", text: "client.too-large" },
  429: { code: "rate-limited", text: "client.rate-limited", hint: later },
  500: { code: "portal-failed", text: "client.failed", hint: msg("client.failed.hint") },
  502: { code: "portal-busy", text: "client.gateway", hint: later },
  503: { code: "portal-busy", text: "client.busy", hint: later },
  504: { code: "portal-busy", text: "client.gateway", hint: later },
};

/** Statuses that a proxy in front of the portal may send, with a body of its own. */
const FROM_A_PROXY = new Set([413, 429, 502, 503, 504]);

const meaningOf = (transaction: Transaction, status: number, headers: TransportAnswer["headers"]): Meaning => {
  if (status === 401 && headers["mmm-error"] === "clock-skew") {
    return { code: "clock-skew", text: "client.clock-skew", hint: msg("client.clock-skew.hint") };
  }
  if (status === 409 && transaction === "CreateAccount") {
    return { code: "account-taken", text: "client.account-there", hint: msg("client.account-taken.hint") };
  }
  return MEANINGS[status] ?? { code: "portal-answer", text: "client.other-status" };
};

/** The error for a status. The portal's own words are shown escaped and cut, since anyone may have written them. */
export const statusError = (
  transaction: Transaction,
  url: string,
  status: number,
  headers: TransportAnswer["headers"],
  description?: string,
): MeshError => {
  const { code, text, hint } = meaningOf(transaction, status, headers);
  const message =
    description === undefined || description === ""
      ? msg(text, { url, status })
      : msg(`${text}-saying`, { url, status, words: showText(description) });
  return new MeshError(code, message, { hint: hint === later ? laterBy(headers) : hint });
};

/** What a portal said of an account when it refused a request about it: a deleted one is `Closed`, for instance. */
export type RefusedAccount = Pick<Response<"Get">, "AccountStatus" | "AccountProof">;

const refusedAccounts = new WeakMap<MeshError, RefusedAccount>();

/** What the portal said of the account in the refusal that became an error. */
export const refusedAccount = (error: MeshError): RefusedAccount => refusedAccounts.get(error) ?? {};

const isSuccess = (status: number): boolean => status >= 200 && status < 300;

/**
 * The response in an answer, where it says that the transaction was done. The status in the message counts; the HTTP status
 * where the message has none, as in the Connect responses of 2016. Throws the error that the status means, or
 * `portal-answer` for an answer that is no response to this transaction.
 */
export const readResponse = <Name extends Transaction>(
  transaction: Name,
  url: string,
  answer: TransportAnswer,
): Response<Name> => {
  let response: Response<Name>;
  try {
    response = decode(transaction, answer.body);
  } catch (error) {
    const refusal = decodeRefusal(answer.body);
    if (refusal && !isSuccess(refusal.Status)) {
      throw statusError(transaction, url, refusal.Status, answer.headers, refusal.StatusDescription);
    }
    if (FROM_A_PROXY.has(answer.status)) throw statusError(transaction, url, answer.status, answer.headers);
    throw error;
  }
  const status = response.Status ?? (isSuccess(answer.status) ? 201 : answer.status);
  if (isSuccess(status)) return response;
  const error = statusError(transaction, url, status, answer.headers, response.StatusDescription);
  if ("AccountStatus" in response) {
    const { AccountStatus, AccountProof } = response;
    refusedAccounts.set(error, { AccountStatus, AccountProof });
  }
  throw error;
};
