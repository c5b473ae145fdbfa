import { ED25519, isSshSignature } from "./public-key.js";
import { parseWire, wireByte, wireString, wireUint32, type WireReader } from "./wire.js";

// The messages of the SSH agent protocol (draft-ietf-sshm-ssh-agent), as far as an agent with one key that nobody may change
// needs them. Each is a length of 4 octets and as many octets, the first of which says what it is.

/** No message is longer, in octets. OpenSSH has the same bound. */
export const MESSAGE_LIMIT = 256 * 1024;

const NUMBER = {
  failure: 5,
  success: 6,
  requestIdentities: 11,
  identitiesAnswer: 12,
  signRequest: 13,
  signResponse: 14,
  extension: 27,
  extensionResponse: 29,
} as const;

const SESSION_BIND = "session-bind@openssh.com";
const QUERY = "query";

/** A connection of ours to a server that the client speaks of (OpenSSH's PROTOCOL.agent, section 1). */
export interface SessionBinding {
  readonly hostKey: Buffer;
  readonly session: Buffer;
  readonly signature: Buffer;
  readonly isForwarding: boolean;
}

/** What a client asks an agent. */
export type AgentRequest =
  | { readonly kind: "identities" }
  | { readonly kind: "sign"; readonly blob: Buffer; readonly data: Buffer }
  | { readonly kind: "bind"; readonly binding: SessionBinding }
  | { readonly kind: "query" }
  /** What this agent does not do, or is not in the right form. */
  | { readonly kind: "other" };

const readExtension = (reader: WireReader): AgentRequest | undefined => {
  const name = reader.text();
  if (name === QUERY) return { kind: "query" };
  if (name !== SESSION_BIND) return undefined;
  const [hostKey, session, signature] = [reader.string(), reader.string(), reader.string()];
  return { kind: "bind", binding: { hostKey, session, signature, isForwarding: reader.boolean() } };
};

/** What a message asks for, its length left out. */
export const readAgentRequest = (message: Buffer): AgentRequest =>
  parseWire(message, (reader): AgentRequest | undefined => {
    const number = reader.byte();
    if (number === NUMBER.requestIdentities) return { kind: "identities" };
    if (number === NUMBER.extension) return readExtension(reader);
    if (number !== NUMBER.signRequest) return undefined;
    const [blob, data] = [reader.string(), reader.string()];
    // Flags choose between the hashes of RSA, and mean nothing here.
    reader.uint32();
    return { kind: "sign", blob, data };
  }) ?? { kind: "other" };

const framed = (...parts: readonly Buffer[]): Buffer => wireString(Buffer.concat(parts));

export const AGENT_FAILURE = framed(wireByte(NUMBER.failure));
export const AGENT_SUCCESS = framed(wireByte(NUMBER.success));

/** The answer that lists keys: their octets and comments. */
export const identitiesAnswer = (keys: readonly { readonly blob: Buffer; readonly comment: string }[]): Buffer =>
  framed(
    wireByte(NUMBER.identitiesAnswer),
    wireUint32(keys.length),
    ...keys.flatMap(({ blob, comment }) => [wireString(blob), wireString(comment)]),
  );

/** The answer with an Ed25519 signature (RFC 8709 section 6). */
export const signResponse = (signature: Uint8Array): Buffer =>
  framed(wireByte(NUMBER.signResponse), wireString(Buffer.concat([wireString(ED25519), wireString(signature)])));

/** The answer that lists the extensions that there are. */
export const queryAnswer = (): Buffer =>
  framed(wireByte(NUMBER.extensionResponse), wireString(QUERY), wireString(QUERY), wireString(SESSION_BIND));

/** A client goes through so many hosts at most. */
const MAX_BINDINGS = 16;
const SESSION_LIMIT = 128;

/**
 * What one connection of a client has been bound to. `bind` gives true where the server's signature over the session holds, and the
 * connection has not been bound to a login before: that comes last.
 */
export const sessionBindings = (): { bind: (binding: SessionBinding) => boolean } => {
  const known: SessionBinding[] = [];
  return {
    bind: (binding) => {
      const { hostKey, session, signature, isForwarding } = binding;
      if (session.length === 0 || session.length > SESSION_LIMIT) return false;
      if (!isSshSignature(hostKey, session, signature)) return false;
      const same = known.find((other) => other.session.equals(session));
      if (same) return same.hostKey.equals(hostKey) && same.isForwarding === isForwarding;
      if (known.length >= MAX_BINDINGS || known.some((other) => !other.isForwarding)) return false;
      known.push({ ...binding, hostKey: Buffer.from(hostKey), session: Buffer.from(session) });
      return true;
    },
  };
};

/** Cuts what arrives into messages. Gives undefined once one is empty or too long: then nothing behind it makes sense. */
export const agentMessages = (): ((octets: Uint8Array) => readonly Buffer[] | undefined) => {
  let chunks: Buffer[] = [];
  let length = 0;
  let wanted: number | undefined;
  let isBroken = false;
  const join = (): Buffer => {
    const [only] = chunks;
    const all = only && chunks.length === 1 ? only : Buffer.concat(chunks);
    chunks = [all];
    return all;
  };
  return (octets) => {
    const found: Buffer[] = [];
    if (isBroken) return undefined;
    chunks.push(Buffer.from(octets));
    length += octets.length;
    for (;;) {
      if (wanted === undefined && length >= 4) wanted = join().readUInt32BE();
      if (wanted === undefined) return found;
      if (wanted === 0 || wanted > MESSAGE_LIMIT) {
        isBroken = true;
        chunks = [];
        return undefined;
      }
      if (length < 4 + wanted) return found;
      const all = join();
      found.push(all.subarray(4, 4 + wanted));
      chunks = [all.subarray(4 + wanted)];
      length -= 4 + wanted;
      wanted = undefined;
    }
  };
};
