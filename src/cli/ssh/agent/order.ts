import * as v from "valibot";
import { parseLine } from "../../../keystore/agent/protocol.js";
import { octetsSchema } from "../../../keystore/stored.js";
import { decodeBase64url, utf8 } from "../../../mesh/bytes.js";
import type { PrivateKey } from "../../../mesh/keys.js";
import { TimeSchema, UdfSchema } from "../../../mesh/schema.js";

const SECRET_OCTETS = 32;

/** What a new agent is told on its standard input, behind the secret octets of its key. Made when it is used: by agents alone. */
const orderSchema = () =>
  v.strictObject({
    /** Path of the home folder, the id of the keystore in it, and the key in that: where one of them goes, the agent ends. */
    home: v.string(),
    id: octetsSchema(16),
    kid: UdfSchema,
    /** The public half, and what is said beside it. */
    x: octetsSchema(32),
    comment: v.string(),
    /** Path of the socket to make, and where it is first, so that it takes another one's place at once. */
    socket: v.string(),
    temporary: v.string(),
    /** When the key is forgotten: by the wall clock, and by the time that passes. Whichever is first. */
    expires: v.optional(TimeSchema),
    seconds: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1))),
  });
export type SshOrder = v.InferOutput<ReturnType<typeof orderSchema>>;

export const SSH_ORDER_LIMIT = 64 * 1024;

/** An order and the secret of its key as octets, which the caller wipes. The secret stands first, since text cannot be wiped. */
export const writeSshOrder = (order: SshOrder, { d }: PrivateKey): Buffer => {
  const secret = decodeBase64url(d);
  try {
    return Buffer.concat([secret, utf8(JSON.stringify(order))]);
  } finally {
    secret.fill(0);
  }
};

/** An order and a copy of the secret; undefined where the octets are none. */
export const readSshOrder = (octets: Buffer): { order: SshOrder; secret: Buffer } | undefined => {
  if (octets.length <= SECRET_OCTETS || octets.length > SSH_ORDER_LIMIT) return undefined;
  const order = parseLine(orderSchema(), octets.toString("utf8", SECRET_OCTETS));
  return order && { order, secret: Buffer.from(octets.subarray(0, SECRET_OCTETS)) };
};
