import { MeshError } from "../errors.js";
import { msg } from "../messages/message.js";
import { showText } from "./text.js";
import { transportFailure } from "./transport.js";

const UNRESOLVED = new Set(["ENOTFOUND", "ENODATA", "EAI_NODATA", "EAI_NONAME"]);
const NO_ROUTE = new Set(["EHOSTUNREACH", "ENETUNREACH", "ENETDOWN", "EHOSTDOWN", "EADDRNOTAVAIL", "ETIMEDOUT"]);
const DROPPED = new Set(["ECONNRESET", "EPIPE", "ECONNABORTED"]);

const codeOf = (error: Error): string => ("code" in error && typeof error.code === "string" ? error.code : "");

/** Several addresses that all failed come as one error without a text of its own. */
const textOf = (error: Error): string =>
  showText(error.message === "" && codeOf(error) !== "" ? codeOf(error) : error.message, 200);

/**
 * The MeshError for an error of the connection to `url`. `sent` is true where the request may have left this machine.
 * Gives `portal-unreachable`, or `portal-answer` where something answered that is not HTTP.
 */
export const connectionError = (cause: Error, url: URL, sent: boolean): MeshError => {
  const code = codeOf(cause);
  if (sent) {
    if (code.startsWith("HPE_")) {
      return new MeshError("portal-answer", msg("client.not-http", { url: url.origin }), {
        hint: msg("client.not-http.hint"),
        cause,
      });
    }
    return transportFailure(
      "dropped",
      "portal-unreachable",
      msg("client.dropped", { url: url.origin, reason: textOf(cause) }),
      { hint: msg("client.dropped.hint"), cause },
    );
  }
  if (code === "ECONNREFUSED") {
    return transportFailure("refused", "portal-unreachable", msg("client.nothing-listens", { url: url.origin }), {
      hint: msg("client.unreachable.hint"),
      cause,
    });
  }
  if (code === "EAI_AGAIN") {
    return transportFailure(
      "refused",
      "portal-unreachable",
      msg("client.lookup-failed", { host: url.hostname, code }),
      { hint: msg("client.lookup-failed.hint"), cause },
    );
  }
  if (UNRESOLVED.has(code)) {
    return new MeshError("portal-unreachable", msg("client.no-such-host", { host: url.hostname, code }), {
      hint: msg("client.no-such-host.hint"),
      cause,
    });
  }
  if (NO_ROUTE.has(code)) {
    return new MeshError("portal-unreachable", msg("client.no-route", { host: url.hostname, code }), {
      hint: msg("client.no-route.hint"),
      cause,
    });
  }
  if (url.protocol === "https:") return tlsError(cause, url);
  return new MeshError("portal-unreachable", msg("client.unreachable", { url: url.origin, reason: textOf(cause) }), {
    hint: msg("client.unreachable.hint"),
    cause,
  });
};

const tlsError = (cause: Error, url: URL): MeshError => {
  const code = codeOf(cause);
  // The text of these is what OpenSSL writes for its own makers.
  if (code === "EPROTO" || code.startsWith("ERR_SSL_")) {
    return new MeshError("portal-unreachable", msg("client.not-tls", { url: url.origin }), {
      hint: msg("client.https-port.hint"),
      cause,
    });
  }
  return new MeshError("portal-unreachable", msg("client.not-secure", { url: url.origin, reason: textOf(cause) }), {
    hint: DROPPED.has(code) ? msg("client.https-port.hint") : msg("client.own-authority.hint"),
    cause,
  });
};
