import { isMeshError, type ErrorCode, type MeshError } from "../errors.js";
import { debugText, msg, type Message } from "../messages/message.js";

/** What a transaction answers: the payload's Status, its description, in no language yet, and its other members. */
export interface Answer {
  readonly status: number;
  readonly description: Message;
  readonly members: Readonly<Record<string, unknown>>;
  /** This very object of members is answered with again: it is made into octets once. */
  readonly lasting?: true;
  /** Members behind those, which others than this request are not answered with. */
  readonly own?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Indices of the log's leaves that `Proofs` proves: of a change those it appended, or that are there already; of a result its own. */
  readonly leaves?: readonly number[];
  /** Of the leaf that `AccountProof` proves. */
  readonly accountLeaf?: number;
  /** Of the leaves of `DataItems`, in their order. */
  readonly itemLeaves?: readonly number[];
  /** Where the whole log is read in order, the items' leaves alone say enough: whoever reads them computes the tree. */
  readonly withoutPaths?: true;
}

/** What an answer says of the log. */
type Evidence = Pick<Answer, "leaves" | "accountLeaf" | "itemLeaves" | "withoutPaths">;

interface RefusalOptions extends Evidence {
  readonly members?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Thrown where a request is refused; it becomes the answer. */
export class Refusal extends Error {
  readonly answer: Answer;

  constructor(status: number, description: Message, options: RefusalOptions = {}) {
    super(debugText(description));
    this.name = "Refusal";
    this.answer = { status, description, members: {}, ...options };
  }
}

/** Refuses a request with a status and a sentence that a person can act on. */
export const refuse = (status: number, description: Message, options: RefusalOptions = {}): never => {
  throw new Refusal(status, description, options);
};

/** What every answer of success says. */
export const DONE = msg("portal.done");

/** The one answer of success (reference-00: 201). */
export const done = (members: Readonly<Record<string, unknown>> = {}, evidence: Evidence = {}): Answer => ({
  status: 201,
  description: DONE,
  members,
  ...evidence,
});

const STATUS: Partial<Record<ErrorCode, number>> = {
  "address-invalid": 400,
  "json-invalid": 400,
  "record-invalid": 400,
  "key-invalid": 400,
  "fingerprint-invalid": 400,
  "fingerprint-mismatch": 400,
  "clock-skew": 401,
  "signature-invalid": 403,
  "too-large": 413,
  busy: 503,
  "io-failed": 503,
  "read-only": 503,
  "log-key-missing": 503,
};

const describe = ({ text, hint }: MeshError): Message =>
  hint === undefined ? text : msg("portal.with-hint", { text, hint });

/** The answer to an error. What nobody expected says nothing of itself. */
export const answerTo = (error: unknown): Answer => {
  if (error instanceof Refusal) return error.answer;
  const status = isMeshError(error) ? STATUS[error.code] : undefined;
  if (!isMeshError(error) || status === undefined) {
    const description = isMeshError(error, "state-corrupt") ? msg("portal.damaged") : msg("portal.failed");
    return { status: 500, description, members: {} };
  }
  if (status === 503) {
    // The message names a file of the portal's.
    const description = isMeshError(error, "busy") ? msg("portal.busy") : msg("portal.unwritable");
    return { status, description, members: {}, headers: { "retry-after": "1" } };
  }
  return {
    status,
    description: describe(error),
    members: {},
    ...(status === 401 && { headers: { "mmm-error": error.code } }),
  };
};

/** Control characters, and those that turn the direction of text around. */
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;
const MAX_DESCRIPTION = 500;

/** Text that may quote what a stranger sent, made harmless to show. */
export const harmless = (text: string): string => {
  const shown = text.replace(UNSEEN, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return shown.length > MAX_DESCRIPTION ? `${shown.slice(0, MAX_DESCRIPTION)}...` : shown;
};
