import { createPublicKey, verify as verifyOctets, type KeyObject } from "node:crypto";
import { encodeBase64url, sha256, utf8 } from "../bytes.js";
import { isSafeEd25519Point } from "../points.js";

// Signed notes of C2SP signed-note, with Ed25519 and nothing else.

/** The longest note that is read, in UTF-16 code units, and how many signatures it may carry. */
export const MAX_NOTE = 4096;
const MAX_SIGNATURES = 16;
const MAX_NAME = 255;
const ED25519 = 0x01;
const ID_LENGTH = 4;
const KEY_LENGTH = 32;
const SIGNATURE_LENGTH = 64;

/** True for the name of a key: no white space, no plus, no control character. */
export const isNoteName = (name: string): boolean =>
  name.length <= MAX_NAME && /^[^\s+\p{Cc}\p{Cs}\p{Zs}]+$/u.test(name);

/** True for a text that can be signed: it ends in a line feed, which is its only control character. */
const isNoteText = (text: string): boolean => text.endsWith("\n") && /^[^\0-\x09\x0b-\x1f\p{Cs}]+$/u.test(text);

/** The octets of padded base64, where the text is its one spelling. */
const decodeBase64 = (text: string): Buffer | undefined => {
  const octets = Buffer.from(text, "base64");
  return octets.toString("base64") === text ? octets : undefined;
};

const keyId = (name: string, publicKey: Uint8Array): Buffer =>
  sha256(utf8(`${name}\n`), Buffer.of(ED25519), publicKey).subarray(0, ID_LENGTH);

/** `name+keyid+base64(0x01 || key)`: the text by which a key is known to those who verify with it. */
export const verifierKey = (name: string, publicKey: Uint8Array): string => {
  if (!isNoteName(name) || publicKey.length !== KEY_LENGTH)
    throw new RangeError("No verifier key can be made of this.");
  const key = Buffer.concat([Buffer.of(ED25519), publicKey]).toString("base64");
  return `${name}+${keyId(name, publicKey).toString("hex")}+${key}`;
};

/** A verifier key, read. */
export interface VerifierKey {
  readonly name: string;
  /** 4 octets. */
  readonly id: Buffer;
  /** 32 octets. */
  readonly publicKey: Buffer;
  readonly text: string;
}

/** Reads the one spelling of a verifier key whose ID is right and whose point is safe (docs/security.md); else gives undefined. */
export const parseVerifierKey = (text: string): VerifierKey | undefined => {
  const match = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44})$/.exec(text.length <= 512 ? text : "");
  const [, name = "", hex = "", base64 = ""] = match ?? [];
  // 33 octets fill their base64 to the last bit, so there is one spelling.
  const key = Buffer.from(base64, "base64");
  if (!isNoteName(name) || key.length !== 1 + KEY_LENGTH || key[0] !== ED25519) return undefined;
  const publicKey = key.subarray(1);
  const id = keyId(name, publicKey);
  if (id.toString("hex") !== hex || !isSafeEd25519Point(publicKey)) return undefined;
  return { name, id, publicKey, text };
};

/** Verifier keys in use, read: a client verifies many notes under one, and reading a key takes longer than a signature. */
const readKeys = new Map<string, VerifierKey & { readonly object: KeyObject }>();
const MAX_READ_KEYS = 64;

const readKey = (text: string): (VerifierKey & { readonly object: KeyObject }) | undefined => {
  const known = readKeys.get(text);
  if (known) return known;
  const key = parseVerifierKey(text);
  if (!key) return undefined;
  const jwk = { kty: "OKP", crv: "Ed25519", x: encodeBase64url(key.publicKey) };
  const read = { ...key, object: createPublicKey({ key: jwk, format: "jwk" }) };
  if (readKeys.size >= MAX_READ_KEYS) readKeys.clear();
  readKeys.set(text, read);
  return read;
};

/** What a note is signed with. */
export interface NoteKey {
  readonly publicKey: Uint8Array;
  /** The Ed25519 signature over a message, 64 octets. */
  sign(message: Uint8Array): Uint8Array;
}

/** Signs a text, which ends in a line feed, under a name, and gives the whole note. Throws RangeError where nobody could read it. */
export const signNote = (text: string, name: string, key: NoteKey): string => {
  if (!isNoteText(text) || !isNoteName(name)) throw new RangeError("No note can be made of this.");
  const signature = Buffer.concat([keyId(name, key.publicKey), key.sign(utf8(text))]).toString("base64");
  const note = `${text}\n— ${name} ${signature}\n`;
  if (note.length > MAX_NOTE) throw new RangeError("A note is too long.");
  return note;
};

interface NoteSignature {
  readonly name: string;
  readonly id: Buffer;
  readonly signature: Buffer;
}

/** The text of a note and its signatures, of which none has been looked at; undefined where it has not the form of one. */
const readNote = (
  note: string,
): { readonly text: string; readonly signatures: readonly NoteSignature[] } | undefined => {
  if (note.length > MAX_NOTE) return undefined;
  // The text may hold empty lines: the last one parts it from its signatures.
  const end = note.lastIndexOf("\n\n");
  const text = note.slice(0, end + 1);
  const lines = note.slice(end + 2).split("\n");
  if (end < 0 || !isNoteText(text) || lines.pop() !== "" || lines.length === 0 || lines.length > MAX_SIGNATURES) {
    return undefined;
  }
  const signatures: NoteSignature[] = [];
  for (const line of lines) {
    const [, name = "", base64 = ""] = /^— ([^ ]+) ([^ ]+)$/.exec(line) ?? [];
    const octets = decodeBase64(base64);
    if (!isNoteName(name) || octets === undefined || octets.length <= ID_LENGTH) return undefined;
    signatures.push({ name, id: octets.subarray(0, ID_LENGTH), signature: octets.subarray(ID_LENGTH) });
  }
  return { text, signatures };
};

/** The text of a note whose form is right, whoever has signed it. Nothing has been verified. */
export const noteText = (note: string): string | undefined => readNote(note)?.text;

/**
 * The text of a note where exactly this key has signed it, else undefined. Signatures of other keys beside it are passed over, as the
 * specification says; a wrong one of this key spoils the note.
 */
export const openNote = (note: string, verifier: string): string | undefined => {
  const key = readKey(verifier);
  const read = key && readNote(note);
  if (!read) return undefined;
  const own = read.signatures.filter(({ name, id }) => name === key.name && id.equals(key.id));
  const message = utf8(read.text);
  const holds = ({ signature }: NoteSignature): boolean =>
    signature.length === SIGNATURE_LENGTH && verifyOctets(null, message, key.object, signature);
  return own.length > 0 && own.every(holds) ? read.text : undefined;
};
