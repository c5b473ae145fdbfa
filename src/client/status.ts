import { MeshError, type ErrorCode } from "../errors.js";
import type { Response, Transaction } from "../mesh/protocol.js";
import { decode, decodeRefusal } from "./dialects.js";
import { showText } from "./text.js";
import type { TransportAnswer } from "./transport.js";

interface Meaning {
  readonly code: ErrorCode;
  readonly says: string;
  readonly hint?: string;
}

const LATER = "Try again in a little while.";

/** What a status other than success means (reference-10 section 12.1.2: as in HTTP). */
const MEANINGS: Readonly<Record<number, Meaning>> = {
  400: { code: "refused", says: "did not accept the request" },
  401: {
    code: "refused",
    says: "did not accept the signature on the request",
    hint: "This device may no longer be connected. See `meshman status`.",
  },
  403: { code: "refused", says: "does not allow this" },
  404: { code: "record-not-found", says: "has no such record or account" },
  409: {
    code: "conflict",
    says: "has a newer or another version",
    hint: "Another device may have changed it. Try again.",
  },
  413: { code: "too-large", says: "finds the request too large" },
  429: { code: "rate-limited", says: "has had too many requests", hint: LATER },
  500: { code: "portal-failed", says: "failed", hint: `${LATER} If it lasts, tell whoever runs the portal.` },
  502: { code: "portal-busy", says: "is not reached by its own gateway", hint: LATER },
  503: { code: "portal-busy", says: "is busy", hint: LATER },
  504: { code: "portal-busy", says: "is not reached by its own gateway", hint: LATER },
};

/** Statuses that a proxy in front of the portal may send, with a body of its own. */
const FROM_A_PROXY = new Set([413, 429, 502, 503, 504]);

const meaningOf = (transaction: Transaction, status: number, headers: TransportAnswer["headers"]): Meaning => {
  if (status === 401 && headers["mmm-error"] === "clock-skew") {
    return {
      code: "clock-skew",
      says: "has a clock that differs from this machine's",
      hint: "Set the clock and try again.",
    };
  }
  if (status === 409 && transaction === "CreateAccount") {
    return { code: "account-taken", says: "has that account already", hint: "Choose another account name." };
  }
  return MEANINGS[status] ?? { code: "portal-answer", says: `answered with status ${status}` };
};

/** The error for a status. The portal's own words are shown escaped and cut, since anyone may have written them. */
export const statusError = (
  transaction: Transaction,
  url: string,
  status: number,
  headers: TransportAnswer["headers"],
  description?: string,
): MeshError => {
  const { code, says, hint } = meaningOf(transaction, status, headers);
  const words = description === undefined || description === "" ? "." : `: ${showText(description)}`;
  return new MeshError(code, `The portal ${url} ${says}${words}`, hint === undefined ? {} : { hint });
};

const accountStatuses = new WeakMap<MeshError, string>();

/** What the portal said of the account when it refused a request about it: a deleted one is `Closed`, for instance. */
export const refusedAccountStatus = (error: MeshError): string | undefined => accountStatuses.get(error);

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
  if ("AccountStatus" in response && response.AccountStatus !== undefined) {
    accountStatuses.set(error, response.AccountStatus);
  }
  throw error;
};
