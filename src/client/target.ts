import { resolve } from "node:path";
import { MeshError } from "../errors.js";
import { PORTAL_PATH } from "../mesh/protocol.js";
import { msg, type Message } from "../messages/message.js";

/** Where a portal is: behind a URL, or in a store of this machine that this process opens by itself. */
export type PortalTarget =
  | {
      readonly kind: "http";
      /** The canonical origin, without a trailing slash. */
      readonly url: string;
    }
  | {
      readonly kind: "embedded";
      /** `local`, or `file:` and an absolute path. */
      readonly url: string;
      readonly path: string;
    };

export interface TargetOptions {
  /** True where `http://` is allowed beyond this machine. */
  readonly allowHttp: boolean;
  /** The store that `local` means. */
  readonly localPath: string;
  /** The folder from which a relative `file:` path counts. */
  readonly cwd: string;
}

const refuse = (text: Message, hint = msg("client.portal-forms.hint")): never => {
  throw new MeshError("portal-invalid", text, { hint });
};

/**
 * Reads a portal as a user, a preference or discovery names it: `https://...`, `http://...` on loopback or with `allowHttp`,
 * `local`, or `file:PATH`. Throws `portal-invalid` for anything else, and for credentials, a query, a fragment or a path
 * other than that of the service (reference-10 section 12). The message never repeats the text, which may hold a password.
 */
export const parsePortal = (text: string, options: TargetOptions): PortalTarget => {
  if (text === "local") return { kind: "embedded", url: text, path: options.localPath };
  if (text.startsWith("file:")) return parseFile(text.slice("file:".length), options.cwd);
  return { kind: "http", url: parseOrigin(text, options.allowHttp) };
};

/** The path is taken as it is written, without percent-decoding, so that what is remembered reads back the same. */
const parseFile = (written: string, cwd: string): PortalTarget => {
  const path = written.startsWith("///") ? written.slice(2) : written;
  if (path === "" || path.includes("\0")) return refuse(msg("client.portal-pathless"));
  if (path.startsWith("//")) return refuse(msg("client.portal-elsewhere"));
  const absolute = resolve(cwd, path);
  return { kind: "embedded", url: `file:${absolute}`, path: absolute };
};

const parseOrigin = (text: string, allowHttp: boolean): string => {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return refuse(msg("client.portal-no-url"));
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") return refuse(msg("client.portal-no-https-url"));
  if (url.username !== "" || url.password !== "") return refuse(msg("client.portal-credentials"));
  // The URL parser hides an empty query or fragment.
  if (/[?#]/.test(text)) return refuse(msg("client.portal-query"));
  if (!["/", PORTAL_PATH, PORTAL_PATH.slice(0, -1)].includes(url.pathname)) {
    return refuse(msg("client.portal-path"), msg("client.portal-path.hint", { origin: url.origin }));
  }
  if (url.protocol === "http:" && !allowHttp && !isLoopback(url.hostname)) {
    return refuse(msg("client.portal-http"), msg("client.portal-http.hint"));
  }
  return url.origin;
};

const isLoopback = (hostname: string): boolean =>
  hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
