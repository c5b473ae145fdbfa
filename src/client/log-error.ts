import { isMeshError } from "../errors.js";

/**
 * True for what only a portal brings about that does not keep to its log or has dropped it, or somebody in its place: not to be passed
 * over for any reason.
 */
export const isLogError = (error: unknown): boolean =>
  isMeshError(
    error,
    "log-fork",
    "log-rollback",
    "log-split",
    "log-omission",
    "log-order",
    "log-key-changed",
    "log-signature",
    "proof-invalid",
    "proof-missing",
    "answer-stale",
    "answer-mismatch",
    "page-truncated",
    "downgrade",
  );
