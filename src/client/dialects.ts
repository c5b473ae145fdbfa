import * as v from "valibot";
import { MeshError } from "../errors.js";
import { decodeUtf8, utf8 } from "../mesh/bytes.js";
import { parseStrictJson } from "../mesh/json.js";
import {
  requestName,
  RESPONSE_SCHEMAS,
  responseName,
  type Request,
  type Response,
  type Transaction,
  type Wrapping,
} from "../mesh/protocol.js";
import { parseWith } from "../mesh/schema.js";
import { msg } from "../messages/message.js";

/**
 * The octets of a request: `{"ValidateAccount": {"ValidateRequest": {...}}}` in the reference wrapping,
 * `{"ValidateRequest": {...}}` as architecture-02 prints it. Absent members are left out.
 */
export const encode = <Name extends Transaction>(
  transaction: Name,
  request: Request<Name>,
  wrapping: Wrapping,
): Buffer => {
  const message = { [requestName(transaction)]: request };
  return utf8(JSON.stringify(wrapping === "reference" ? { [transaction]: message } : message));
};

/** A string literal, to the end of the text where it is not closed: so that the search never has to go back. */
const STRING = /"[^"\\]*(?:\\[\s\S]?[^"\\]*)*"?/g;
const ESCAPE_OR_BREAK = /\\[\s\S]|[\r\n]+/g;

/** The 2016 portal wraps base64 with line feeds that stand raw in JSON strings, where they mean nothing. */
const unwrap = (text: string): string =>
  text.replace(STRING, (literal) => literal.replace(ESCAPE_OR_BREAK, (part) => (part.startsWith("\\") ? part : "")));

/** The JSON object in the body of an answer, or undefined where there is none. Nothing in it has been checked. */
export const readObject = (body: Uint8Array): Record<string, unknown> | undefined => {
  try {
    const value = parseStrictJson(unwrap(decodeUtf8(body)));
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
};

/**
 * The response to a transaction. Both wrappings have the same responses: `{"ValidateResponse": {...}}`.
 * Throws `portal-answer` for anything that is not exactly one response to this transaction.
 */
export const decode = <Name extends Transaction>(transaction: Name, body: Uint8Array): Response<Name> => {
  const message = readObject(body);
  if (!message) throw new MeshError("portal-answer", msg("client.answer-no-object"));
  const name = responseName(transaction);
  if (Object.keys(message).length !== 1 || !Object.hasOwn(message, name)) {
    throw new MeshError("portal-answer", msg("client.answer-of-another", { name }));
  }
  return parseWith(
    RESPONSE_SCHEMAS[transaction],
    message[name],
    "portal-answer",
    msg("client.what.response", { name }),
  );
};

const RefusalSchema = v.object({
  MeshResponse: v.object({
    Status: v.pipe(v.number(), v.safeInteger()),
    StatusDescription: v.optional(v.string()),
  }),
});

/** What a portal says of a request of which it could not tell the transaction (reference-10 section 12.2.1). */
export const decodeRefusal = (body: Uint8Array): v.InferOutput<typeof RefusalSchema>["MeshResponse"] | undefined => {
  const result = v.safeParse(RefusalSchema, readObject(body));
  return result.success ? result.output.MeshResponse : undefined;
};
