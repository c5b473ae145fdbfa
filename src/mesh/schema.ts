import * as v from "valibot";
import { MeshError, type ErrorCode } from "../errors.js";
import type { MessageKey } from "../messages/catalogue.js";
import { msg, type Message } from "../messages/message.js";
import { isUdf } from "./udf-text.js";

/** The message of a failing check: valibot takes texts, so the key stands in for it. */
export const problem = <Key extends MessageKey & `problem.${string}`>(key: Key): Key => key;

/** A canonical 140-bit fingerprint, as records carry it. */
export const UdfSchema = v.pipe(
  v.string(),
  v.check((text) => isUdf(text), problem("problem.fingerprint")),
);

/** False for 30 February and for 24:00, which Date takes for other times. To write the time anew would load time zones. */
const isTime = (text: string): boolean => {
  const time = new Date(text);
  return time.getUTCDate() === Number(text.slice(8, 10)) && time.getUTCHours() === Number(text.slice(11, 13));
};

/** An RFC 3339 time in UTC, with or without a fraction of seconds. */
export const TimeSchema = v.pipe(
  v.string(),
  v.regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z$/, problem("problem.time-format")),
  v.check(isTime, problem("problem.time")),
);

/** RFC 3339 time in UTC with whole seconds, as records carry it. */
export const recordTime = (date: Date): string => date.toISOString().replace(/\.\d+Z$/, "Z");

/** True at a time and after it: what is good "not on or after" that time is over. */
export const hasCome = (time: string, now: Date): boolean => now.getTime() >= Date.parse(time);

/** base64url of a SHA-256 digest. */
export const Sha256Schema = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/, problem("problem.sha256")));

export const SequenceSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(1));

/** Text of a bounded length that a person may have typed. */
export const textSchema = (maximum: number) => v.pipe(v.string(), v.maxLength(maximum));

/**
 * What was known when a record was made (reference-00 section 5.3.8): of a record of ours the newest checkpoint of a portal's log, which
 * whoever reads the record holds against the one that the portal shows to them.
 */
export const NotaryTokenSchema = textSchema(4096);

/** An array that is never empty, since absent means absent. */
export const listSchema = <Item extends v.GenericSchema>(item: Item, maximum: number) =>
  v.pipe(v.array(item), v.minLength(1), v.maxLength(maximum));

/**
 * The value as the schema describes it, or a MeshError with `code` that names the first member at fault. `what` is what the
 * value is, as the subject of a sentence. Checks and patterns of schemas are given their message with `problem`.
 */
export const parseWith = <Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
  code: ErrorCode,
  what: Message,
): v.InferOutput<Schema> => {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  const issue = result.issues[0];
  const member = issue.path?.map((item) => String(item.key).slice(0, 64)).join(".");
  // The text of any other issue quotes the value received, which may be secret or hostile.
  const key = issue.type === "regex" || issue.type === "check" ? (issue.message as MessageKey) : "problem.form";
  const fault: Message = { key, values: {} };
  throw new MeshError(
    code,
    member === undefined
      ? msg("schema.value-wrong", { what, fault })
      : msg("schema.member-wrong", { what, member, fault }),
  );
};
