import { createHash } from "node:crypto";
import { createSignatureSync, verifySignature as verifyHttpSignature, type RequestDescriptor } from "http-message-sig";
import { MeshError } from "../errors.js";
import { msg, type Message } from "../messages/message.js";
import { encodeBase64url } from "./bytes.js";
import { signMessage, verifyMessage } from "./jose.js";
import type { PrivateKey, PublicKey } from "./keys.js";

/** What is signed of a request (RFC 9421): these components, no more and no fewer. */
const COMPONENTS = ["@method", "@authority", "@path", "content-digest"] as const;
const PARAMETERS = ["created", "nonce", "keyid", "tag"] as const;
const SIGNED_HEADERS = ["content-digest", "signature-input", "signature"] as const;
const TAG = "mmm";
/**
 * The longest of these headers that is looked at, in characters: theirs has some 200. The library takes a time that grows with
 * the square of the length of some, and anyone may send them.
 */
const MAX_HEADER = 1024;
const NONCE_LENGTH = 16;
/** How far the clocks of the two sides may be apart, in seconds. */
export const SIGNATURE_WINDOW = 300;
/** The last time that a date can be, in seconds (ECMA-262 section 21.4.1.1). */
const MAX_TIME = 8_640_000_000_000;
/** How long a portal remembers a nonce, in seconds: the window on both sides of its own clock. */
export const NONCE_LIFETIME = 600;

/** The headers of a request, by lower-case name. A header that came more than once is joined with `, `. */
export type Headers = Readonly<Record<string, string>>;

export interface SignableRequest {
  readonly method: string;
  /** `host` or `host:port`, as the portal is configured to be. */
  readonly authority: string;
  readonly path: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

const contentDigest = (body: Uint8Array): string => `sha-256=:${createHash("sha256").update(body).digest("base64")}:`;

const describeRequest = (request: SignableRequest): RequestDescriptor => ({
  kind: "request",
  method: request.method,
  // Only authority and path are signed; the scheme merely decides which port is the default one, on both sides alike.
  targetUri: `https://${request.authority}${request.path}`,
  // Those alone that matter: the library refuses a message where any header has characters beyond ASCII.
  fields: SIGNED_HEADERS.flatMap((name) => {
    const value = request.headers[name];
    return value === undefined ? [] : [{ name, value }];
  }),
});

/**
 * The headers that sign a request with a device authentication key: Content-Digest, Signature-Input and Signature
 * (RFC 9421, RFC 9530). `created` is in seconds; the nonce is 16 octets of `random`.
 */
export const signRequest = (
  request: Omit<SignableRequest, "headers">,
  key: PrivateKey,
  created: number,
  random: (length: number) => Uint8Array,
): Record<string, string> => {
  const headers = { "content-digest": contentDigest(request.body) };
  const fields = createSignatureSync(describeRequest({ ...request, headers }), {
    label: "mmm",
    components: COMPONENTS,
    parameters: { created, nonce: encodeBase64url(random(NONCE_LENGTH)), keyid: key.kid, tag: TAG },
    signer: { algorithm: "ed25519", sign: (data) => signMessage(data, key) },
  });
  return { ...headers, "signature-input": fields.signatureInput, signature: fields.signature };
};

export interface VerifiedRequestSignature {
  readonly key: PublicKey;
  readonly nonce: string;
  /** Seconds since 1970. */
  readonly created: number;
}

const refuse = (text: Message, cause?: unknown): never => {
  throw new MeshError("signature-invalid", text, cause === undefined ? {} : { cause });
};

/**
 * Verifies the one signature of a request: exactly our components and parameters, the digest recomputed from the body, a key
 * that `resolveKey` knows, and a time within the window. Throws `signature-invalid`, or `clock-skew` naming both times.
 */
export const verifyRequest = async (
  request: SignableRequest,
  resolveKey: (udf: string) => Promise<PublicKey | undefined>,
  now: number,
): Promise<VerifiedRequestSignature> => {
  if (SIGNED_HEADERS.some((name) => (request.headers[name]?.length ?? 0) > MAX_HEADER)) {
    refuse(msg("mesh.request-header-long"));
  }
  if (request.headers["content-digest"] !== contentDigest(request.body)) {
    refuse(msg("mesh.request-digest"));
  }
  const found: { key?: PublicKey } = {};
  let parameters: { created?: number; nonce?: string };
  try {
    const verified = await verifyHttpSignature(describeRequest(request), {
      policy: {
        algorithms: ["ed25519"],
        requiredComponents: COMPONENTS,
        requiredParameters: PARAMETERS,
        now,
        // A clock that is ahead is judged below, by the same window as one that is behind.
        clockSkew: Number.MAX_SAFE_INTEGER,
      },
      resolveVerifier: async ({ components, parameters: { keyid, tag, nonce, ...others } }) => {
        const extra = Object.keys(others).filter((name) => name !== "created" && name !== "alg");
        if (tag !== TAG || components.length !== COMPONENTS.length || extra.length > 0) {
          refuse(msg("mesh.request-foreign"));
        }
        if (nonce === undefined || Buffer.from(nonce, "base64url").length !== NONCE_LENGTH) {
          refuse(msg("mesh.request-nonce"));
        }
        const key = await resolveKey(keyid ?? "");
        if (!key) return refuse(msg("mesh.request-key-unknown"));
        found.key = key;
        return { algorithm: "ed25519", verify: (data, signature) => verifyMessage(data, signature, key) };
      },
    });
    parameters = verified.parameters;
  } catch (cause) {
    return refuse(msg("mesh.request-unsigned"), cause);
  }
  const { created, nonce } = parameters;
  if (!found.key || created === undefined || nonce === undefined) return refuse(msg("mesh.request-parameter"));
  if (Math.abs(now - created) > SIGNATURE_WINDOW) {
    const time = (seconds: number): string => new Date(seconds * 1000).toISOString();
    throw new MeshError(
      "clock-skew",
      // A signer may write a number of seconds that no date has.
      Math.abs(created) <= MAX_TIME
        ? msg("mesh.clock-skew", { signed: time(created), now: time(now) })
        : msg("mesh.clock-skew-timeless", { now: time(now) }),
    );
  }
  return { key: found.key, nonce, created };
};
