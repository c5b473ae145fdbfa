/** Octets of every key that opens a keystore, and characters of it as base64url. */
export const KEY_OCTETS = 32;
const DIGITS = 43;

const ALPHABET = Buffer.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", "latin1");
const PLUS = 0x2b;
const SLASH = 0x2f;
const PADDING = 0x3d;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

// Node's own conversions go through strings, and nobody can wipe a string.

/** A key as base64url, in octets that the caller can wipe. */
export const encodeKey = (key: Uint8Array): Buffer => {
  const text = Buffer.alloc(DIGITS);
  for (let index = 0; index < DIGITS; index++) {
    const bit = index * 6;
    const pair = ((key[bit >> 3] ?? 0) << 8) | (key[(bit >> 3) + 1] ?? 0);
    text[index] = ALPHABET[(pair >> (10 - (bit & 7))) & 63] ?? 0;
  }
  return text;
};

const base64Value = (octet: number): number => (octet === PLUS ? 62 : octet === SLASH ? 63 : ALPHABET.indexOf(octet));

const hexValue = (octet: number): number => {
  const digit = octet - 0x30;
  const letter = (octet | 0x20) - 0x61;
  return digit >= 0 && digit <= 9 ? digit : letter >= 0 && letter <= 5 ? letter + 10 : -1;
};

/** Digits of so many bits each, as octets. Undefined where one is no digit, or where what is left over is not zero. */
const decodeDigits = (text: Uint8Array, bits: number, value: (octet: number) => number): Buffer | undefined => {
  const key = Buffer.alloc(KEY_OCTETS);
  let held = 0;
  let count = 0;
  let index = 0;
  for (const octet of text) {
    const digit = value(octet);
    if (digit < 0) {
      key.fill(0);
      return undefined;
    }
    held = ((held << bits) | digit) & 0xffff;
    count += bits;
    if (count < 8) continue;
    count -= 8;
    key[index++] = (held >> count) & 0xff;
  }
  return (held & ((1 << count) - 1)) === 0 ? key : undefined;
};

/** The key that 43 characters of base64 or base64url give, or 44 with padding; undefined where they are none. */
export const decodeKey = (text: Uint8Array): Buffer | undefined => {
  const padded = text.length === DIGITS + 1 && text[DIGITS] === PADDING;
  if (!padded && text.length !== DIGITS) return undefined;
  return decodeDigits(text.subarray(0, DIGITS), 6, base64Value);
};

/** Octets without the line feed, or carriage return and line feed, at their end. Shares the memory. */
export const withoutNewline = (octets: Buffer): Buffer => {
  const length = octets.at(-1) === LINE_FEED ? (octets.at(-2) === CARRIAGE_RETURN ? 2 : 1) : 0;
  return octets.subarray(0, octets.length - length);
};

/**
 * The key that a user gives: exactly 32 octets, or text of 64 hexadecimal digits or of 43 or 44 characters of base64 or
 * base64url. One newline at the end is dropped. Undefined where it is none of these.
 */
export const parseKey = (given: Buffer): Buffer | undefined => {
  if (given.length === KEY_OCTETS) return Buffer.from(given);
  // The last of the raw octets may be a carriage return itself.
  if (given.length === KEY_OCTETS + 1 && given.at(-1) === LINE_FEED) return Buffer.from(given.subarray(0, KEY_OCTETS));
  const text = withoutNewline(given);
  if (text.length === KEY_OCTETS) return Buffer.from(text);
  if (text.length === 2 * KEY_OCTETS) return decodeDigits(text, 4, hexValue);
  return decodeKey(text);
};

/** The lines of a text, without their ends. They share the memory. */
export const linesOf = (octets: Buffer): Buffer[] => {
  const lines: Buffer[] = [];
  for (let start = 0; start < octets.length;) {
    const end = octets.indexOf(LINE_FEED, start);
    const next = end < 0 ? octets.length : end + 1;
    lines.push(withoutNewline(octets.subarray(start, next)));
    start = next;
  }
  return lines;
};
