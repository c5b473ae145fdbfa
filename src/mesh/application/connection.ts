import * as v from "valibot";
import { listSchema, problem } from "../schema.js";

/** How a connection is secured (reference-00 section 5.3.26): by TLS from the start, by TLS after a command, or not at all. */
export const SECURITY_MODES = ["Direct", "Upgrade", "None"] as const;
export type SecurityMode = (typeof SECURITY_MODES)[number];

/** Why a text cannot stand in a line of its own. */
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

/** Text of at most so many characters that stands in one line: no control character is in it, and it is not empty. */
export const lineSchema = (maximum: number) =>
  v.pipe(
    v.string(),
    v.minLength(1),
    v.maxLength(maximum),
    v.check((text) => !CONTROL.test(text), problem("problem.line")),
  );

/** How a program reaches a server (reference-00 section 5.3.26). Members that this program does not know are kept. */
export const ConnectionSchema = v.looseObject({
  /** DNS address of the server. */
  ServiceName: v.optional(lineSchema(253)),
  Port: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(65_535))),
  /** DNS service prefix (RFC 6335), such as `_imaps._tcp`. */
  Prefix: v.optional(lineSchema(128)),
  /** Those that may be used, the preferred one first. */
  Security: v.optional(listSchema(v.picklist(SECURITY_MODES), SECURITY_MODES.length)),
  UserName: v.optional(lineSchema(320)),
  Password: v.optional(lineSchema(1024)),
  /** The same in the form of a URI. */
  URI: v.optional(lineSchema(2048)),
  /** Authentication mechanisms that may be used, the preferred one first, as one text. */
  Authentication: v.optional(lineSchema(256)),
  /** In seconds. */
  TimeOut: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(86_400))),
  Polling: v.optional(v.boolean()),
});
export type Connection = v.InferOutput<typeof ConnectionSchema>;

/** The connection without its password. */
export const withoutPassword = ({ Password: _, ...connection }: Connection): Connection => connection;
