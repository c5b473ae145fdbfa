import * as v from "valibot";
import { MeshError, type ErrorCode } from "../errors.js";
import { isUdf } from "./udf.js";

/** A canonical 140-bit fingerprint, as records carry it. */
export const UdfSchema = v.pipe(
  v.string(),
  v.check((text) => isUdf(text), "is not a canonical fingerprint"),
);

/** False for 30 February and for 24:00, which Date.parse takes for other times. */
const isTime = (text: string): boolean => {
  const time = Date.parse(text);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text.slice(0, 19));
};

/** An RFC 3339 time in UTC, with or without a fraction of seconds. */
export const TimeSchema = v.pipe(
  v.string(),
  v.regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z$/, "is not an RFC 3339 time in UTC"),
  v.check(isTime, "is not a time"),
);

/** base64url of a SHA-256 digest. */
export const Sha256Schema = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/, "is not a SHA-256 digest"));

export const SequenceSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(1));

/** Text of a bounded length that a person may have typed. */
export const textSchema = (maximum: number) => v.pipe(v.string(), v.maxLength(maximum));

/** An array that is never empty, since absent means absent. */
export const listSchema = <Item extends v.GenericSchema>(item: Item, maximum: number) =>
  v.pipe(v.array(item), v.minLength(1), v.maxLength(maximum));

/** The value as the schema describes it, or a MeshError with `code` that names the first member at fault. */
export const parseWith = <Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
  code: ErrorCode,
  what: string,
): v.InferOutput<Schema> => {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  const issue = result.issues[0];
  const path = issue.path?.map((item) => String(item.key).slice(0, 64)).join(".");
  // The issue's own message quotes the value received, which may be secret or hostile.
  const problem =
    issue.type === "regex" || issue.type === "check" ? issue.message : "is missing, unknown or of the wrong form";
  throw new MeshError(code, `${what}${path === undefined ? "" : `: the member ${path}`} ${problem}.`);
};
