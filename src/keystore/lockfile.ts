/** proper-lockfile behind an import of its own: it is loaded by commands that write, and a bundle of CommonJS has no names. */
export { lock, unlock } from "proper-lockfile";
