import { MeshError } from "../../errors.js";
import { msg } from "../../messages/message.js";
import { noteText, openNote, parseVerifierKey } from "./note.js";

// A change of a log's key is a note by which the old key names the new one. Whoever has pinned a key follows it from there.

const DOMAIN = "mmm/log/key/v1";

/** What the old key says. */
export interface KeyChange {
  readonly origin: string;
  /** The new verifier key. */
  readonly verifier: string;
  /** How many leaves the tree had then. */
  readonly size: number;
}

/** The text of a change of key, ready to be signed by the old one. Throws RangeError where the new key is not one of that log. */
export const keyChangeText = ({ origin, verifier, size }: KeyChange): string => {
  if (parseVerifierKey(verifier)?.name !== origin) throw new RangeError("The new key is not one of this log.");
  return `${origin}\n${DOMAIN}\n${verifier}\n${size}\n`;
};

const parseKeyChange = (text: string): KeyChange | undefined => {
  const match = /^([^\n]+)\n([^\n]+)\n([^\n]+)\n(0|[1-9]\d{0,15})\n$/.exec(text);
  const [, origin = "", domain = "", verifier = "", digits = ""] = match ?? [];
  const size = Number(digits);
  if (domain !== DOMAIN || !Number.isSafeInteger(size) || parseVerifierKey(verifier)?.name !== origin) return undefined;
  return { origin, verifier, size };
};

const refused = (): MeshError =>
  new MeshError("log-key-changed", msg("mesh.log-key-changed"), { hint: msg("mesh.log-key-changed.hint") });

const tryKeyChange = (note: string, oldVerifier: string): KeyChange | undefined => {
  const text = openNote(note, oldVerifier);
  const change = text === undefined ? undefined : parseKeyChange(text);
  return change?.origin === parseVerifierKey(oldVerifier)?.name && change?.verifier !== oldVerifier
    ? change
    : undefined;
};

/**
 * Reads a change of key that the old key has signed. Throws `log-key-changed` where it has not, or where the note names no other key of
 * the same log.
 */
export const openKeyChange = (note: string, oldVerifier: string): KeyChange => {
  const change = tryKeyChange(note, oldVerifier);
  if (!change) throw refused();
  return change;
};

/**
 * Follows the changes of a log's key, the oldest first and all that ever were, from the pinned key to the announced one. Those before the
 * pinned key are passed over; from there on each must be signed by the key before it. Throws `log-key-changed` where they do not lead there.
 */
export const followKeyChanges = (pinned: string, changes: readonly string[], announced: string): void => {
  if (pinned === announced) return;
  let current = pinned;
  let size = 0;
  let started = false;
  for (const note of changes) {
    const change = tryKeyChange(note, current);
    if (change && change.size >= size) {
      ({ verifier: current, size } = change);
      started = true;
    } else if (started || change) {
      throw refused();
    }
  }
  if (current !== announced) throw refused();
};

/**
 * The keys that changes lead to from known ones, and those that lead to them: all that are known to have signed heads of the log. The
 * changes are those that the portal itself lists.
 */
export const keysOfLog = (known: readonly string[], changes: readonly string[]): ReadonlySet<string> => {
  const named = changes.flatMap((note) => parseKeyChange(noteText(note) ?? "")?.verifier ?? []);
  const candidates = new Set([...known, ...named]);
  const steps = changes.flatMap((note) =>
    [...candidates].flatMap((by) => {
      const next = tryKeyChange(note, by)?.verifier;
      return next === undefined ? [] : [[by, next] as const];
    }),
  );
  const keys = new Set(known);
  let before: number;
  do {
    before = keys.size;
    for (const [by, next] of steps) {
      if (!keys.has(by) && !keys.has(next)) continue;
      keys.add(by);
      keys.add(next);
    }
  } while (keys.size > before);
  return keys;
};
