import type { Deps } from "../deps.js";
import { failureKind, interrupted, type TransportAnswer } from "./transport.js";

type Clock = Pick<Deps, "now" | "random" | "sleep" | "signal">;

const BASE_DELAY = 200;
/** The longest Retry-After that is waited for, in seconds. */
const MAX_RETRY_AFTER = 5;
/** How often a request is sent again: after nothing was sent, after an answer that asks for it, and after no answer. */
const MAX_RETRIES = { refused: 2, asked: 2, lost: 1 } as const;

export interface RetryCounts {
  refused: number;
  asked: number;
  lost: number;
}

export const noRetries = (): RetryCounts => ({ refused: 0, asked: 0, lost: 0 });

/**
 * What to do after an attempt that threw: wait and try again (true), or give up (false). `repeatable` says that sending the
 * same octets twice does no harm; without it only a request that never left this machine is sent again.
 */
export const retryAfterFailure = async (
  clock: Clock,
  error: unknown,
  counts: RetryCounts,
  repeatable: boolean,
): Promise<boolean> => {
  const kind = failureKind(error);
  if (kind === undefined) return false;
  const reason = kind === "refused" ? "refused" : "lost";
  if (reason === "lost" && !repeatable) return false;
  if (counts[reason] >= MAX_RETRIES[reason]) return false;
  await pause(clock, BASE_DELAY * 2 ** counts[reason]);
  counts[reason]++;
  return true;
};

/** The same after an answer: true only for 429 and 503 that name a time of at most five seconds. */
export const retryAfterAnswer = async (
  clock: Clock,
  answer: TransportAnswer,
  counts: RetryCounts,
): Promise<boolean> => {
  if (answer.status !== 429 && answer.status !== 503) return false;
  const seconds = retryAfter(answer.headers["retry-after"], clock.now());
  if (seconds === undefined || seconds > MAX_RETRY_AFTER || counts.asked >= MAX_RETRIES.asked) return false;
  counts.asked++;
  await pause(clock, seconds * 1000 + BASE_DELAY);
  return true;
};

/** An HTTP-date (RFC 9110 section 5.6.7) that names its time zone: much else is a time to Date.parse. */
const HTTP_DATE = /^[A-Z][a-z]{2,8}, [\w -]{9,11} \d\d:\d\d:\d\d GMT$/;

/** Seconds until the time in a Retry-After header (RFC 9110 section 10.2.3). */
export const retryAfter = (value: string | undefined, now: Date): number | undefined => {
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value);
  const time = HTTP_DATE.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time) ? undefined : Math.max(0, (time - now.getTime()) / 1000);
};

/** Waits for so many milliseconds and up to half as many again, so that many clients do not come back at once. */
const pause = async (clock: Clock, milliseconds: number): Promise<void> => {
  const jitter = clock.random(2).readUInt16BE(0) / 0x10000;
  try {
    await clock.sleep(milliseconds * (1 + jitter / 2), clock.signal);
  } catch {
    throw interrupted();
  }
};
