import { createPrivateKey, createPublicKey, randomBytes, sign } from "node:crypto";
import { keyChangeText } from "../../src/mesh/log/key-change.js";
import { signNote, verifierKey } from "../../src/mesh/log/note.js";
import type { LogSigner } from "../../src/portal/store/store.js";

export interface TestSigner extends LogSigner {
  /** The note by which this key names the next one. */
  change(next: LogSigner, size: number): string;
}

/** An Ed25519 private key in PKCS #8 (RFC 8410), up to its 32 octets. */
const PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");

/** A key for a log: a new one, or that of a seed of 32 octets. */
export const makeSigner = (
  origin = "0123456789abcdef0123456789abcdef.mmm.invalid",
  seed = randomBytes(32),
): TestSigner => {
  const privateKey = createPrivateKey({ key: Buffer.concat([PREFIX, seed]), format: "der", type: "pkcs8" });
  const octets = Buffer.from(createPublicKey(privateKey).export({ format: "jwk" }).x ?? "", "base64url");
  const signText = (text: string): string =>
    signNote(text, origin, { publicKey: octets, sign: (message) => sign(null, message, privateKey) });
  return {
    origin,
    verifier: verifierKey(origin, octets),
    sign: signText,
    change: ({ verifier }, size) => signText(keyChangeText({ origin, verifier, size })),
  };
};
