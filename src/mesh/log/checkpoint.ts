import { MeshError } from "../../errors.js";
import { msg } from "../../messages/message.js";
import { noteText, openNote, parseVerifierKey } from "./note.js";

// Checkpoints of C2SP tlog-checkpoint: the signed heads of a log. Each has one extension line, its time, since by the size alone
// nobody could tell a head that is kept back from a log in which nothing happens.

/** What a checkpoint says. */
export interface CheckpointBody {
  /** The log's name. */
  readonly origin: string;
  readonly size: number;
  /** 32 octets. */
  readonly root: Buffer;
  /** When it was signed. */
  readonly time: Date;
}

/** A checkpoint whose signature holds. */
export interface Checkpoint extends CheckpointBody {
  /** The whole signed note. */
  readonly note: string;
}

/** The text of a checkpoint, ready to be signed. */
export const checkpointText = ({ origin, size, root, time }: CheckpointBody): string =>
  `${origin}\n${size}\n${root.toString("base64")}\ntime ${time.toISOString()}\n`;

const HASH_LENGTH = 32;

const parseCheckpoint = (text: string): CheckpointBody | undefined => {
  const match = /^([^\n]+)\n(0|[1-9]\d{0,15})\n([A-Za-z0-9+/]{43}=)\ntime ([0-9TZ:.-]{24})\n$/.exec(text);
  if (!match) return undefined;
  const [, origin = "", digits = "", base64 = "", timestamp = ""] = match;
  const body = {
    origin,
    size: Number(digits),
    root: Buffer.from(base64, "base64"),
    time: new Date(timestamp),
  };
  if (!Number.isSafeInteger(body.size) || body.root.length !== HASH_LENGTH || Number.isNaN(body.time.getTime())) {
    return undefined;
  }
  // Another spelling of a root or a time, such as 30 February, is none.
  return checkpointText(body) === text ? body : undefined;
};

/**
 * Reads a checkpoint and verifies that exactly this key has signed it. Throws `log-signature` where it has not, or where the note is no
 * checkpoint of that key's origin.
 */
export const openCheckpoint = (note: string, verifier: string): Checkpoint => {
  const text = openNote(note, verifier);
  const body = text === undefined ? undefined : parseCheckpoint(text);
  if (!body || body.origin !== parseVerifierKey(verifier)?.name) {
    throw new MeshError("log-signature", msg("mesh.log-signature"), { hint: msg("mesh.log-signature.hint") });
  }
  return { ...body, note };
};

/**
 * What a checkpoint says, without any look at its signature; undefined where it is none. For a portal that is shown one: it proves
 * to whoever sent it that its own head follows, and where it never signed the one sent, that proof fails.
 */
export const readCheckpoint = (note: string): CheckpointBody | undefined => {
  const text = noteText(note);
  return text === undefined ? undefined : parseCheckpoint(text);
};
