// Commands that look at the keystore or open it, and ask no portal. They are loaded together and without those that do, since
// a program that starts pays for all that it reads.
export * as keystoreStatus from "./keystore/status.js";
export * as keystoreCheck from "./keystore/check.js";
export * as keystoreLock from "./keystore/lock.js";
export * as status from "./status.js";
