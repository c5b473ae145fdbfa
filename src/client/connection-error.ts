import { MeshError } from "../errors.js";
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
      return new MeshError("portal-answer", `What answers at ${url.origin} does not speak HTTP.`, {
        hint: "Check the host and the port, and whether it should be https.",
        cause,
      });
    }
    return transportFailure(
      "dropped",
      "portal-unreachable",
      `The portal ${url.origin} ended the connection without a whole answer (${textOf(cause)}).`,
      { hint: "It may or may not have done what was asked. Look with `meshman status` before you try again.", cause },
    );
  }
  if (code === "ECONNREFUSED") {
    return transportFailure("refused", "portal-unreachable", `Nothing listens at ${url.origin} (connection refused).`, {
      hint: "Check that the portal is running, and its host and port.",
      cause,
    });
  }
  if (code === "EAI_AGAIN") {
    return transportFailure(
      "refused",
      "portal-unreachable",
      `The name ${url.hostname} cannot be looked up now (${code}).`,
      { hint: "Check the network connection and try again.", cause },
    );
  }
  if (UNRESOLVED.has(code)) {
    return new MeshError("portal-unreachable", `There is no host named ${url.hostname} (${code}).`, {
      hint: "Check the name, or say where the portal is with --portal URL.",
      cause,
    });
  }
  if (NO_ROUTE.has(code)) {
    return new MeshError("portal-unreachable", `The host ${url.hostname} cannot be reached (${code}).`, {
      hint: "Check the network connection and the address of the portal.",
      cause,
    });
  }
  if (url.protocol === "https:") return tlsError(cause, url);
  return new MeshError("portal-unreachable", `The portal ${url.origin} cannot be reached (${textOf(cause)}).`, {
    hint: "Check that the portal is running, and its host and port.",
    cause,
  });
};

const tlsError = (cause: Error, url: URL): MeshError =>
  new MeshError("portal-unreachable", `No secure connection to ${url.origin} (${textOf(cause)}).`, {
    hint:
      DROPPED.has(codeOf(cause)) || codeOf(cause) === "EPROTO"
        ? "Check the port, and whether the portal speaks https there."
        : "If its certificate comes from an authority of your own, name that with --ca FILE.",
    cause,
  });
