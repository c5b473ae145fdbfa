import { MeshError, type ErrorCode, type MeshErrorOptions } from "../errors.js";
import { msg, type Message } from "../messages/message.js";

/** The largest answer that is taken from a portal, in octets. */
export const MAX_ANSWER = 4 * 1024 * 1024;

/** One request: a POST of the portal protocol, or a GET of one of the static files of its log. */
export interface TransportRequest {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Empty for a GET. */
  readonly body: Buffer;
  /** Milliseconds for the whole exchange. */
  readonly timeout: number;
  readonly signal: AbortSignal;
}

/** What came back, unread and untrusted. Header names are in lower case. */
export interface TransportAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** A way to one portal. */
export interface Transport {
  /** `host` or `host:port` of the portal: what a request signature covers. */
  readonly authority: string;
  /**
   * Sends one request and gives whatever answer came. Throws `portal-unreachable`, `portal-timeout`, `portal-answer` or
   * `interrupted`; `failureKind` tells what may have happened to the request.
   */
  send(request: TransportRequest): Promise<TransportAnswer>;
  close(): Promise<void>;
}

/**
 * How an exchange failed. `refused`: nothing was sent, and another attempt may succeed; `dropped`: the connection ended
 * before the whole answer came; `timeout`: no whole answer in time. After the last two the portal may have done what was asked.
 */
export type FailureKind = "refused" | "dropped" | "timeout";

const kinds = new WeakMap<MeshError, FailureKind>();

/** A MeshError that `failureKind` can tell apart. */
export const transportFailure = (
  kind: FailureKind,
  code: ErrorCode,
  text: Message,
  options: MeshErrorOptions = {},
): MeshError => {
  const error = new MeshError(code, text, options);
  kinds.set(error, kind);
  return error;
};

/** How a transport failed, or undefined for an error that says nothing about it. */
export const failureKind = (error: unknown): FailureKind | undefined =>
  error instanceof MeshError ? kinds.get(error) : undefined;

export const timedOut = (url: string, timeout: number): MeshError =>
  transportFailure("timeout", "portal-timeout", msg("client.timeout", { url, seconds: timeout / 1000 }), {
    hint: msg("client.timeout.hint"),
  });

export const interrupted = (): MeshError => new MeshError("interrupted", msg("client.interrupted"));

export const tooLong = (url: string): MeshError =>
  new MeshError("portal-answer", msg("client.answer-too-long", { url, limit: MAX_ANSWER }));
