import { X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import { MeshError } from "../errors.js";
import { msg } from "../messages/message.js";

/** A certificate with those that lead to its authority, and its private key, both in PEM form. */
export interface TlsPair {
  readonly cert: string;
  readonly key: string;
}

/** What every version of a pair is served with. HTTP/2 is not offered: nothing here speaks it. */
export const TLS_OPTIONS = { minVersion: "TLSv1.2", ALPNProtocols: ["http/1.1"] } as const;

/** Checks that a key belongs to a certificate, and says when that ends. Throws `usage`. */
export const checkTlsPair = (pair: TlsPair): { readonly notAfter: Date } => {
  try {
    createSecureContext({ ...pair, minVersion: TLS_OPTIONS.minVersion });
    return { notAfter: new Date(new X509Certificate(pair.cert).validTo) };
  } catch (cause) {
    throw new MeshError("usage", msg("serve.tls-invalid"), { hint: msg("serve.tls-invalid.hint"), cause });
  }
};
