import { isMeshError } from "../errors.js";
import { encodeBase64url, sha256 } from "../mesh/bytes.js";
import type { PublicKey } from "../mesh/keys.js";
import { NONCE_LIFETIME, verifyRequest, type VerifiedRequestSignature } from "../mesh/request-signature.js";
import { LIMITS } from "../mesh/protocol.js";
import { msg, verbatim, type Message, type Translate } from "../messages/message.js";
import { answerTo, refuse, type Answer, type Refusal } from "./answer.js";
import type { Context } from "./context.js";
import type { Reader, Transaction } from "./store/store.js";

/** A key that may sign a request, and whether the device that has it has lapsed. */
export interface SigningKey {
  readonly key: PublicKey;
  readonly lapsed: boolean;
}

/** Finds the public key that a request claims to be signed with. `now` is the portal's clock, in milliseconds. */
export type ResolveKey = (tx: Reader, udf: string, now: number) => Promise<SigningKey | undefined>;

export interface SignedOptions {
  readonly resolveKey: ResolveKey;
  /** What to say instead of 401 where the signature does not hold: there is no account whose key it could be. */
  readonly instead?: Refusal | undefined;
  /** False where a resend may be answered anew, because nothing is changed by it. */
  readonly keepAnswer?: boolean;
}

const NONCE = /^[A-Za-z0-9_-]{22}$/;

/** The nonce that a request claims to have, as far as it takes to look for what is remembered of it. */
const claimedNonce = (input: string | undefined): string => /;\s*nonce="([^"]*)"/.exec(input ?? "")?.[1] ?? "";

/**
 * Verifies the signature of a request under a key that `resolveKey` finds, or under the one that used its nonce before: an
 * identical resend must be recognised even where the request itself made its key invalid. Refuses with 401.
 */
const authenticate = async (
  context: Context,
  options: SignedOptions,
): Promise<VerifiedRequestSignature & Pick<SigningKey, "lapsed">> => {
  const { request, store, now } = context;
  let lapsed = false;
  const resolve = (udf: string): Promise<PublicKey | undefined> =>
    store.read(async (tx) => {
      const found = await options.resolveKey(tx, udf, now);
      if (found) {
        lapsed = found.lapsed;
        return found.key;
      }
      const used = await tx.nonce(udf, claimedNonce(request.headers["signature-input"]));
      return used && { udf, crv: "Ed25519", x: used.public };
    });
  try {
    const verified = await verifyRequest(request, resolve, Math.floor(now / 1000));
    // One nonce has one spelling, or it could be used once in each.
    if (NONCE.test(verified.nonce) && encodeBase64url(Buffer.from(verified.nonce, "base64url")) === verified.nonce) {
      return { ...verified, lapsed };
    }
  } catch (error) {
    // A store that cannot be read is no fault of the signature.
    for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
      if (isMeshError(cause, "busy", "io-failed", "read-only", "state-corrupt", "internal")) throw cause;
    }
    if (options.instead) throw options.instead;
    if (isMeshError(error, "clock-skew")) throw error;
    if (request.headers["signature-input"] === undefined) {
      return unauthorised(msg("portal.signature-needed"));
    }
  }
  return unauthorised(msg("portal.signature-wrong"));
};

const unauthorised = (description: Message): never =>
  refuse(401, description, { headers: { "www-authenticate": "Signature" } });

/** The text of an answer that is kept: in the words in which it was given, so that a resend gets the same ones. */
const keptAnswer = (answer: Answer, translate: Translate): string =>
  JSON.stringify({ ...answer, description: translate(answer.description) });

const readKept = (text: string): Answer => {
  const answer = JSON.parse(text) as Omit<Answer, "description"> & { readonly description: string };
  return { ...answer, description: verbatim(answer.description) };
};

/** Refusals that the same request may well not meet again. */
const TRANSIENT = [429, 500, 503];

/**
 * Runs a signed request in one transaction, which also remembers its nonce. `work` decides whether the key may do this, and
 * refuses before it changes anything. An identical resend, which is the same key, nonce and body, gets the answer that the
 * first one got; the same nonce with another body is refused with 401, and so is a signature that does not hold. A device that
 * has lapsed by the portal's clock is refused with 403.
 */
export const transactSigned = async (
  context: Context,
  options: SignedOptions,
  work: (tx: Transaction, key: PublicKey) => Promise<Answer>,
): Promise<Answer> => {
  const { key, nonce, lapsed } = await authenticate(context, options);
  const digest = encodeBase64url(sha256(context.request.body));
  const { now } = context;
  return context.store.transact(async (tx) => {
    await tx.sweep(now, now - LIMITS.requestLifetime * 1000);
    const used = await tx.nonce(key.udf, nonce);
    if (used && used.digest !== digest) {
      return unauthorised(msg("portal.nonce-used"));
    }
    if (used?.answer !== undefined) return readKept(used.answer);
    let answer: Answer;
    try {
      if (lapsed) refuse(403, msg("portal.device-lapsed"));
      answer = await work(tx, key);
    } catch (error) {
      answer = answerTo(error);
      if (TRANSIENT.includes(answer.status)) throw error;
    }
    if (!used) {
      await tx.putNonce({
        key: key.udf,
        public: key.x,
        nonce,
        digest,
        // One second more, since signatures are judged by whole seconds.
        expires: now + (NONCE_LIFETIME + 1) * 1000,
        answer: options.keepAnswer === false ? undefined : keptAnswer(answer, context.translate),
      });
    }
    return answer;
  });
};
