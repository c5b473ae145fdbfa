import { createHmac, timingSafeEqual } from "node:crypto";
import * as v from "valibot";
import { encodeBase64url, utf8 } from "../../mesh/bytes.js";
import { TimeSchema } from "../../mesh/schema.js";
import { deriveKey, seal, SealedSchema, unseal, type Binding } from "../seal.js";
import { octetsSchema } from "../stored.js";

// What the agent and its clients say to each other. Each message is one line of JSON:
//
//   agent   {meshman: "agent", version: 1, nonce}
//   client  {nonce, request, proof}       proof = HMAC-SHA-256(token, ["meshman/agent/client", ...exchange])
//   agent   {answer, proof}               proof = HMAC-SHA-256(token, ["meshman/agent/server", ...exchange, answer])
//
// Both know the token, which only the user's own processes can read. `answer` is a text of JSON, so that it is proved octet
// for octet before it is parsed. The keystore key in it is sealed under a key that the token and both nonces give.

/** No line is longer, in octets, the line end left out. */
export const LINE_LIMIT = 4096;
export const TOKEN_OCTETS = 32;
export const KEY_OCTETS = 32;
const NONCE_OCTETS = 32;

const REQUESTS = ["key", "status", "lock"] as const;
/** What can be asked for: the keystore key; how long the agent has it; that it forgets it. */
export type Request = (typeof REQUESTS)[number];

/** What one conversation is about, as both sides know it. `id` is the keystore's. */
export interface Exchange {
  readonly id: string;
  readonly serverNonce: string;
  readonly clientNonce: string;
  readonly request: Request;
}

/** What the agent says to a request: when it forgets the key, and the key where it was asked for. */
export interface Answer {
  readonly expires: string;
  readonly key?: Buffer;
}

const NonceSchema = octetsSchema(NONCE_OCTETS);
const ProofSchema = octetsSchema(32);
const GreetingSchema = v.strictObject({ meshman: v.literal("agent"), version: v.literal(1), nonce: NonceSchema });
const RequestSchema = v.strictObject({ nonce: NonceSchema, request: v.picklist(REQUESTS), proof: ProofSchema });
const AnswerSchema = v.strictObject({ answer: v.string(), proof: ProofSchema });
const BodySchema = v.strictObject({ expires: TimeSchema, key: v.optional(SealedSchema) });

/** The value that a text of JSON holds, where it is of the form wanted. */
export const parseLine = <Schema extends v.GenericSchema>(
  schema: Schema,
  line: string,
): v.InferOutput<Schema> | undefined => {
  try {
    const result = v.safeParse(schema, JSON.parse(line));
    return result.success ? result.output : undefined;
  } catch {
    return undefined;
  }
};

const lineOf = (value: object): string => `${JSON.stringify(value)}\n`;

const prove = (token: Buffer, side: "client" | "server", exchange: Exchange, ...rest: readonly string[]): string => {
  const { id, serverNonce, clientNonce, request } = exchange;
  const said: Binding = [`meshman/agent/${side}`, id, serverNonce, clientNonce, request, ...rest];
  return createHmac("sha256", token)
    .update(utf8(JSON.stringify(said)))
    .digest("base64url");
};

/** Compares two proofs of the right form in the same time, wherever they differ. */
const isSame = (one: string, other: string): boolean =>
  timingSafeEqual(Buffer.from(one, "base64url"), Buffer.from(other, "base64url"));

const keyOf = (token: Buffer, { serverNonce, clientNonce }: Exchange): Buffer =>
  deriveKey(token, `${serverNonce}.${clientNonce}`, "meshman/agent/key");
const keyBinding = ({ id, serverNonce, clientNonce }: Exchange): Binding => [
  "meshman/agent/key",
  id,
  serverNonce,
  clientNonce,
];

type Random = (length: number) => Buffer;

/** The agent's first line, and the nonce in it. */
export const greet = (random: Random): { line: string; nonce: string } => {
  const nonce = newNonce(random);
  return { line: lineOf({ meshman: "agent", version: 1, nonce }), nonce };
};

/** A nonce for one conversation of a client. */
export const newNonce = (random: Random): string => encodeBase64url(random(NONCE_OCTETS));

/** The client's answer to a greeting, or undefined where the line is none. */
export const ask = (
  greeting: string,
  request: Request,
  id: string,
  token: Buffer,
  nonce: string,
): { line: string; exchange: Exchange } | undefined => {
  const greeted = parseLine(GreetingSchema, greeting);
  if (!greeted) return undefined;
  const exchange: Exchange = { id, serverNonce: greeted.nonce, clientNonce: nonce, request };
  return { line: lineOf({ nonce, request, proof: prove(token, "client", exchange) }), exchange };
};

/** What a client asks for, or undefined where the line is no request or was made without the token. */
export const hear = (line: string, serverNonce: string, id: string, token: Buffer): Exchange | undefined => {
  const heard = parseLine(RequestSchema, line);
  if (!heard) return undefined;
  const exchange: Exchange = { id, serverNonce, clientNonce: heard.nonce, request: heard.request };
  return isSame(heard.proof, prove(token, "client", exchange)) ? exchange : undefined;
};

/** The agent's last line. */
export const reply = (exchange: Exchange, { expires, key }: Answer, token: Buffer, random: Random): string => {
  let sealed;
  if (key) {
    const wrapping = keyOf(token, exchange);
    sealed = seal(key, wrapping, keyBinding(exchange), random);
    wrapping.fill(0);
  }
  const answer = JSON.stringify({ expires, ...(sealed ? { key: sealed } : {}) });
  return lineOf({ answer, proof: prove(token, "server", exchange, answer) });
};

/**
 * Gives what makes sense of the agent's answer to a request: undefined where there is no line, or one that is no answer to this
 * request, or was made without the token. To be called once. It has the key of what is sealed already, so that this need not be
 * made when the answer is there.
 */
export const expectAnswer = (exchange: Exchange, token: Buffer): ((line: string | undefined) => Answer | undefined) => {
  const wrapping = exchange.request === "key" ? keyOf(token, exchange) : undefined;
  return (line) => {
    try {
      return line === undefined ? undefined : understand(line, exchange, token, wrapping);
    } catch {
      return undefined;
    } finally {
      wrapping?.fill(0);
    }
  };
};

const understand = (
  line: string,
  exchange: Exchange,
  token: Buffer,
  wrapping: Buffer | undefined,
): Answer | undefined => {
  const said = parseLine(AnswerSchema, line);
  if (!said || !isSame(said.proof, prove(token, "server", exchange, said.answer))) return undefined;
  const body = parseLine(BodySchema, said.answer);
  if (!body || (body.key !== undefined) !== (wrapping !== undefined)) return undefined;
  if (!body.key || !wrapping) return { expires: body.expires };
  const key = unseal(body.key, wrapping, keyBinding(exchange));
  return key.length === KEY_OCTETS ? { expires: body.expires, key } : undefined;
};
