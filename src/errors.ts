import { debugText, type Message } from "./messages/message.js";

/** Every way in which meshman can fail, each with its documented exit status. Codes are stable: scripts rely on them. */
const EXIT_STATUS = {
  // 1: unexpected failure
  internal: 1,
  "io-failed": 1,
  "keystore-corrupt": 1,
  "keystore-version": 1,
  "state-corrupt": 1,
  busy: 1,
  // 2: wrong usage, or input that nobody can give
  usage: 2,
  "input-required": 2,
  "address-invalid": 2,
  "fingerprint-invalid": 2,
  "pin-invalid": 2,
  "bundle-key-invalid": 2,
  "portal-invalid": 2,
  "file-unreadable": 2,
  "passphrase-weak": 2,
  "no-home": 2,
  "import-invalid": 2,
  "entry-ambiguous": 2,
  "device-ambiguous": 2,
  // 3: no such thing
  "profile-not-found": 3,
  "account-not-found": 3,
  "device-not-found": 3,
  "request-not-found": 3,
  "record-not-found": 3,
  "store-not-found": 3,
  "application-not-found": 3,
  "entry-not-found": 3,
  "reference-unresolved": 3,
  // 4: locked
  locked: 4,
  "wrong-passphrase": 4,
  "keyring-unavailable": 4,
  "agent-unavailable": 4,
  // 5: refused by the portal or by policy
  refused: 5,
  conflict: 5,
  "account-taken": 5,
  "account-refused": 5,
  "account-closed": 5,
  "profile-exists": 5,
  "profile-revoked": 5,
  "master-key-needed": 5,
  "not-administrator": 5,
  "not-connected": 5,
  "self-removal": 5,
  "device-expired": 5,
  "store-version": 5,
  "store-unfinished": 5,
  "log-key-missing": 5,
  "invite-unknown": 5,
  "invite-expired": 5,
  "invite-used": 5,
  "keystore-permissions": 5,
  "read-only": 5,
  "file-exists": 5,
  "clock-skew": 5,
  "rate-limited": 5,
  "too-large": 5,
  "not-supported": 5,
  "application-exists": 5,
  "application-denied": 5,
  "entry-exists": 5,
  "clipboard-unavailable": 5,
  "ssh-failed": 5,
  // 6: the portal cannot be reached
  "portal-unreachable": 6,
  "portal-timeout": 6,
  "portal-not-found": 6,
  "portal-answer": 6,
  "portal-busy": 6,
  "portal-failed": 6,
  // 7: verification failed
  "json-invalid": 7,
  "record-invalid": 7,
  "signature-invalid": 7,
  "key-invalid": 7,
  "fingerprint-mismatch": 7,
  rollback: 7,
  fork: 7,
  gap: 7,
  downgrade: 7,
  // What a portal's log shows of a portal that does not keep to it.
  "log-fork": 7,
  "log-rollback": 7,
  "log-split": 7,
  "log-omission": 7,
  "log-order": 7,
  "log-key-changed": 7,
  "log-signature": 7,
  "proof-invalid": 7,
  "proof-missing": 7,
  "answer-stale": 7,
  "answer-mismatch": 7,
  "page-truncated": 7,
  "evidence-invalid": 7,
  // What is wrong with an application profile: who signed it, whom it is encrypted to, or a segment of it.
  "application-signer": 7,
  "application-recipient": 7,
  "application-segment": 7,
  "pins-tampered": 7,
  "decryption-failed": 7,
  "share-invalid": 7,
  "share-checksum": 7,
  "share-duplicate": 7,
  "share-mixed": 7,
  "share-missing": 7,
  "backup-invalid": 7,
  // 8: still pending
  pending: 8,
  // 130: interrupted
  interrupted: 130,
} as const;

export type ErrorCode = keyof typeof EXIT_STATUS;

/** The exit status that the documentation promises for a code. */
export const exitStatus = (code: ErrorCode): number => EXIT_STATUS[code];

export interface MeshErrorOptions {
  /** What to do next, as one sentence. */
  readonly hint?: Message | undefined;
  readonly cause?: unknown;
}

/**
 * An error that a user can cause or meet. `text` says what happened, `hint` what to do next, both in whatever language they
 * are shown in; neither holds a secret. The `message` that every Error has is for programmers.
 */
export class MeshError extends Error {
  readonly code: ErrorCode;
  readonly text: Message;
  readonly hint: Message | undefined;

  constructor(code: ErrorCode, text: Message, options: MeshErrorOptions = {}) {
    super(debugText(text), options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "MeshError";
    this.code = code;
    this.text = text;
    this.hint = options.hint;
  }
}

/** True for a MeshError, of one of the given codes where any are given. */
export const isMeshError = (error: unknown, ...codes: ErrorCode[]): error is MeshError =>
  error instanceof MeshError && (codes.length === 0 || codes.includes(error.code));
