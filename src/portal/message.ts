import * as v from "valibot";
import { parseStrictJsonOctets } from "../mesh/json.js";
import {
  LIMITS,
  REQUEST_SCHEMAS,
  requestName,
  responseName,
  TRANSACTIONS,
  type Request,
  type Transaction,
} from "../mesh/protocol.js";
import { remembered } from "../mesh/remembered.js";
import { parseWith } from "../mesh/schema.js";
import { msg } from "../messages/message.js";
import { refuse } from "./answer.js";
import type { Asked } from "./log/log.js";

/** Which transaction a request is, and what stands inside its wrapping. */
export interface NamedMessage {
  readonly transaction: Transaction;
  readonly requestName: string;
  readonly responseName: string;
  readonly content: unknown;
  /** How many octets the whole request has. */
  readonly octets: number;
  /** It is remembered, and so is what stands in it. */
  readonly recurs?: true;
}

/** GetRecords is Get with the log's own data (reference-00 sections 6.1.6 and 6.2.13). */
const GET_RECORDS = "GetRecords";

type Form = Pick<NamedMessage, "transaction" | "requestName" | "responseName">;

/** By both names that a request may begin with: that of the transaction, and that of the message alone. */
const FORMS = new Map<string, Form>(
  [
    ...TRANSACTIONS.map((name): [string, Form] => [
      name,
      { transaction: name, requestName: requestName(name), responseName: responseName(name) },
    ]),
    [
      GET_RECORDS,
      { transaction: "Get", requestName: `${GET_RECORDS}Request`, responseName: `${GET_RECORDS}Response` },
    ] as [string, Form],
  ].flatMap(([name, form]) => [
    [name, form],
    [form.requestName, form],
  ]),
);

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Requests no longer than this, in octets, come again and again in the very same words, unless each has an identifier of its own. */
const SHORT = 512;
const MAX_KNOWN = 2048;
const known = remembered<string, NamedMessage>(MAX_KNOWN);
/** What stands in those that are known. */
const contents = new WeakMap<NamedMessage, Request<Transaction>>();

/**
 * Reads the octets of a request and finds out which transaction it is. Both wrappings are understood: the name of the
 * transaction around the name of the message, and the name of the message alone. Throws `json-invalid` or a Refusal.
 */
export const nameMessage = (body: Buffer): NamedMessage => {
  if (body.length > SHORT) return readName(body);
  const octets = body.toString("latin1");
  const before = known.get(octets);
  if (before) return before;
  const named = readName(body);
  if (octets.includes("RequestID")) return named;
  const recurring = { ...named, recurs: true } as const;
  known.set(octets, recurring);
  return recurring;
};

const readName = (body: Buffer): NamedMessage => {
  const value = parseStrictJsonOctets(body);
  const names = isObject(value) ? Object.keys(value) : [];
  const [name] = names;
  if (!isObject(value) || name === undefined || names.length !== 1) {
    return refuse(400, msg("portal.request-form", { example: '{"Hello": {"HelloRequest": {}}}' }));
  }
  const form = FORMS.get(name);
  if (!form) {
    return refuse(400, msg("portal.transaction-unknown", { name: JSON.stringify(name.slice(0, 64)) }));
  }
  const content = value[name];
  return {
    transaction: form.transaction,
    requestName: form.requestName,
    responseName: form.responseName,
    content: name === form.requestName ? { [name]: content } : content,
    octets: body.length,
  };
};

const AskedSchema = v.object({ RequestID: v.nonOptional(REQUEST_SCHEMAS.Status.entries.RequestID) });
const CheckpointSchema = v.object({ Checkpoint: v.nonOptional(REQUEST_SCHEMAS.Status.entries.Checkpoint) });

/** What a request asks to be told about the log. */
export const askedIn = (request: Request<Transaction>): Asked | undefined => {
  if (!("RequestID" in request) || request.RequestID === undefined) return undefined;
  return { id: request.RequestID, checkpoint: request.Checkpoint };
};

/** What a request that cannot be read, or is not, asks to be told about the log, where that much can be read: its refusal says so. */
export const askedOf = ({ content, requestName: expected, transaction }: NamedMessage): Asked | undefined => {
  const message = isObject(content) && transaction !== "Hello" ? content[expected] : undefined;
  // Said by itself, since most that ask for nothing would be told at length what they lack.
  if (!isObject(message) || message["RequestID"] === undefined) return undefined;
  const asked = v.safeParse(AskedSchema, message);
  if (!asked.success) return undefined;
  const shown = v.safeParse(CheckpointSchema, message);
  return { id: asked.output.RequestID, checkpoint: shown.success ? shown.output.Checkpoint : undefined };
};

/** The records in a request, each without the name of its type. */
const recordsIn = (message: Record<string, unknown>): unknown[] => [
  message["SignedRequest"],
  message["Result"],
  ...[message["Entry"], message["Profile"]].flatMap((entry) => (isObject(entry) ? Object.values(entry) : [])),
];

/** Reads the request inside its wrapping as its schema describes it. Throws `json-invalid` or a Refusal. */
export const readMessage = (named: NamedMessage): Request<Transaction> => {
  if (!named.recurs) return readContent(named);
  const before = contents.get(named);
  if (before) return before;
  const content = readContent(named);
  contents.set(named, content);
  return content;
};

const readContent = (named: NamedMessage): Request<Transaction> => {
  const { content, requestName: expected, transaction, octets } = named;
  if (!isObject(content) || Object.keys(content).length !== 1 || !(expected in content)) {
    return refuse(400, msg("portal.transaction-form", { transaction, member: expected }));
  }
  const message = content[expected];
  if (!isObject(message)) return refuse(400, msg("portal.message-form", { name: expected }));
  // Before the schemas look at it, since they know no difference between too long and wrong.
  for (const record of octets > LIMITS.record ? recordsIn(message) : []) {
    if (record !== undefined && Buffer.byteLength(JSON.stringify(record)) > LIMITS.record) {
      refuse(413, msg("portal.record-large", { octets: LIMITS.record }));
    }
  }
  const request = parseWith(
    REQUEST_SCHEMAS[transaction],
    message,
    "json-invalid",
    msg("portal.what-message", { name: expected }),
  );
  return expected.startsWith(GET_RECORDS) ? { ...request, Full: true } : request;
};
