import * as v from "valibot";
import { MeshError } from "../errors.js";
import { msg } from "../messages/message.js";
import { decodeBase64url } from "./bytes.js";
import { parseStrictJsonOctets } from "./json.js";
import { privateKeyObject, publicKeyObject, type PrivateKey, type PublicKey } from "./keys.js";
import { isSafeX25519Point } from "./points.js";
import { listSchema, parseWith, UdfSchema } from "./schema.js";
import { MAX_RECORD } from "./signed-record.js";

/** To how many keys one ciphertext is encrypted at most: those of all devices of a profile, and its master escrow keys. */
export const MAX_RECIPIENTS = 128 + 8;

/** The one suite (architecture-02 section 3.2). */
const SUITE = { alg: "ECDH-ES+A256KW", enc: "A256GCM" } as const;

const EpkSchema = v.strictObject({
  kty: v.literal("OKP"),
  crv: v.literal("X25519"),
  x: v.pipe(v.string(), v.length(43)),
});
const suite = { alg: v.literal(SUITE.alg), enc: v.literal(SUITE.enc) };
const SharedHeaderSchema = v.strictObject(suite);
const OwnHeaderSchema = v.strictObject({ ...suite, epk: EpkSchema });

/** A content key of 32 octets, wrapped (RFC 3394). */
const EncryptedKeySchema = v.pipe(v.string(), v.length(54));
const content = {
  protected: v.pipe(v.string(), v.maxLength(1024)),
  iv: v.pipe(v.string(), v.length(16)),
  ciphertext: v.pipe(v.string(), v.maxLength(MAX_RECORD)),
  tag: v.pipe(v.string(), v.length(22)),
};
const RecipientSchema = v.strictObject({
  header: v.strictObject({ kid: UdfSchema, epk: EpkSchema }),
  encrypted_key: EncryptedKeySchema,
});

/**
 * A JWE to public keys: `alg` ECDH-ES+A256KW, `enc` A256GCM, on X25519. To one recipient in the flattened form (RFC 7516
 * section 7.2.2) with `epk` in the protected header, to several in the general form (section 7.2.1), each with its own.
 */
export const RecipientDataSchema = v.union([
  v.strictObject({
    ...content,
    header: v.strictObject({ kid: UdfSchema }),
    encrypted_key: EncryptedKeySchema,
  }),
  v.strictObject({
    ...content,
    recipients: v.pipe(listSchema(RecipientSchema, MAX_RECIPIENTS), v.minLength(2)),
  }),
]);
export type RecipientData = v.InferOutput<typeof RecipientDataSchema>;

/** The fingerprints of the keys to which something says it is encrypted. */
export const recipientsOf = (data: RecipientData): readonly string[] =>
  "recipients" in data ? data.recipients.map(({ header }) => header.kid) : [data.header.kid];

/**
 * Encrypts octets to 1 to 136 encryption keys, each of which opens them alone. Throws `key-invalid` for a key that is not on
 * X25519 or is given twice, and `too-large` for more keys or octets.
 */
export const encryptTo = async (plaintext: Uint8Array, keys: readonly PublicKey[]): Promise<RecipientData> => {
  const [first, ...others] = keys;
  if (!first || keys.length > MAX_RECIPIENTS) {
    throw new MeshError("too-large", msg("mesh.recipients-count", { maximum: MAX_RECIPIENTS }));
  }
  if (keys.some(({ crv }) => crv !== "X25519") || new Set(keys.map(({ udf }) => udf)).size !== keys.length) {
    throw new MeshError("key-invalid", msg("mesh.recipients-keys"));
  }
  const what = msg("mesh.what.encrypted-data");
  if (others.length === 0) {
    const { FlattenedEncrypt } = await import("jose/jwe/flattened/encrypt");
    const jwe = await new FlattenedEncrypt(plaintext)
      .setProtectedHeader(SUITE)
      .setUnprotectedHeader({ kid: first.udf })
      .encrypt(publicKeyObject(first));
    return parseWith(RecipientDataSchema, jwe, "too-large", what);
  }
  const { GeneralEncrypt } = await import("jose/jwe/general/encrypt");
  const encrypt = new GeneralEncrypt(plaintext).setProtectedHeader(SUITE);
  for (const key of keys) encrypt.addRecipient(publicKeyObject(key)).setUnprotectedHeader({ kid: key.udf });
  return parseWith(RecipientDataSchema, await encrypt.encrypt(), "too-large", what);
};

/** What one recipient needs, in the form in which the library takes it. */
const flattenedFor = (data: RecipientData, kid: string) => {
  const { protected: header, iv, ciphertext, tag } = data;
  const shared = { protected: header, iv, ciphertext, tag };
  const protectedHeader = parseStrictJsonOctets(decodeBase64url(header));
  if (!("recipients" in data)) {
    const { epk } = v.parse(OwnHeaderSchema, protectedHeader);
    if (data.header.kid !== kid) throw new Error("It is not encrypted to this key.");
    return { jwe: { ...shared, header: data.header, encrypted_key: data.encrypted_key }, epk };
  }
  v.parse(SharedHeaderSchema, protectedHeader);
  const kids = recipientsOf(data);
  if (new Set(kids).size !== kids.length) throw new Error("A recipient is named twice.");
  const recipient = data.recipients.find((candidate) => candidate.header.kid === kid);
  if (!recipient) throw new Error("It is not encrypted to this key.");
  return { jwe: { ...shared, ...recipient }, epk: recipient.header.epk };
};

const binaryValues = (data: RecipientData): readonly string[] => [
  data.iv,
  data.ciphertext,
  data.tag,
  ...("recipients" in data
    ? data.recipients.flatMap(({ header, encrypted_key }) => [header.epk.x, encrypted_key])
    : [data.encrypted_key]),
];

/**
 * Opens what `encryptTo` made, with the private key of one of its recipients. Any other shape, algorithm, parameter or spelling,
 * an ephemeral key that is not safe, and any failure, is one `decryption-failed`.
 */
export const decryptWith = async (value: unknown, key: PrivateKey): Promise<Buffer> => {
  try {
    const data = v.parse(RecipientDataSchema, value);
    for (const text of binaryValues(data)) decodeBase64url(text);
    const { jwe, epk } = flattenedFor(data, key.kid);
    if (!isSafeX25519Point(decodeBase64url(epk.x))) throw new Error("The ephemeral key is not safe.");
    const { flattenedDecrypt } = await import("jose/jwe/flattened/decrypt");
    const { plaintext } = await flattenedDecrypt(jwe, privateKeyObject(key), {
      keyManagementAlgorithms: [SUITE.alg],
      contentEncryptionAlgorithms: [SUITE.enc],
    });
    return Buffer.from(plaintext);
  } catch {
    // One error for every failure: which step failed is nobody's business.
    throw new MeshError("decryption-failed", msg("mesh.decryption-failed"));
  }
};
