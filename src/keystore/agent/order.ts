import * as v from "valibot";
import { utf8 } from "../../mesh/bytes.js";
import { TimeSchema } from "../../mesh/schema.js";
import { octetsSchema } from "../stored.js";
import { KEY_OCTETS, parseLine } from "./protocol.js";

/** What a new agent is told on its standard input, behind the keystore key itself. Made when it is used: by agents alone. */
const orderSchema = () =>
  v.strictObject({
    /** Path of the home folder, and the id of the keystore in it. */
    home: v.string(),
    id: octetsSchema(16),
    place: v.strictObject({ folder: v.optional(v.string()), file: v.string(), prefix: v.string() }),
    /** Name of the socket to make. */
    socket: v.string(),
    /** When the key is forgotten: by the wall clock, and by the time that passes. Whichever is first. */
    expires: TimeSchema,
    seconds: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  });
export type Order = v.InferOutput<ReturnType<typeof orderSchema>>;

export const ORDER_LIMIT = 64 * 1024;

/** An order and its key as octets, which the caller wipes. The key stands first, since text in memory cannot be wiped. */
export const writeOrder = (order: Order, key: Buffer): Buffer => Buffer.concat([key, utf8(JSON.stringify(order))]);

/** An order and a copy of its key; undefined where the octets are none. */
export const readOrder = (octets: Buffer): { order: Order; key: Buffer } | undefined => {
  if (octets.length <= KEY_OCTETS || octets.length > ORDER_LIMIT) return undefined;
  const order = parseLine(orderSchema(), octets.toString("utf8", KEY_OCTETS));
  return order && { order, key: Buffer.from(octets.subarray(0, KEY_OCTETS)) };
};
