import { MeshError } from "../errors.js";
import { msg, type Message } from "../messages/message.js";
import { decodeUtf8 } from "./bytes.js";

const MAX_DEPTH = 64;

const refuse = (text: Message, cause?: unknown): never => {
  throw new MeshError("json-invalid", text, cause === undefined ? {} : { cause });
};

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Index just behind the string literal that starts at `start`. The text is known to be valid JSON. */
const endOfString = (text: string, start: number): number => {
  let index = start + 1;
  for (;;) {
    const quote = text.indexOf('"', index);
    let backslashes = 0;
    while (text.charCodeAt(quote - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return quote + 1;
    index = quote + 1;
  }
};

/** The member name that a string literal is. */
const nameIn = (literal: string): string =>
  literal.includes("\\") ? (JSON.parse(literal) as string) : literal.slice(1, -1);

/** Walks over text that is known to be valid JSON and refuses what JSON.parse lets pass. */
const checkStructure = (text: string): void => {
  // The member names of an open object so far, undefined for an open array.
  const open: (Set<string> | undefined)[] = [];
  let names: Set<string> | undefined;
  let expectsName = false;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    switch (code) {
      case OPEN_OBJECT:
      case OPEN_ARRAY:
        expectsName = code === OPEN_OBJECT;
        names = expectsName ? new Set() : undefined;
        if (open.push(names) > MAX_DEPTH) refuse(msg("mesh.json-deep", { levels: MAX_DEPTH }));
        break;
      case CLOSE_OBJECT:
      case CLOSE_ARRAY:
        open.pop();
        names = open.at(-1);
        expectsName = false;
        break;
      case COMMA:
        expectsName = names !== undefined;
        break;
      case QUOTE: {
        const end = endOfString(text, index);
        if (expectsName && names) {
          const name = nameIn(text.slice(index, end));
          if (name === "__proto__") refuse(msg("mesh.json-proto"));
          if (names.has(name)) {
            refuse(msg("mesh.json-member-twice", { member: JSON.stringify(name.slice(0, 64)) }));
          }
          names.add(name);
          expectsName = false;
        }
        index = end - 1;
        break;
      }
    }
  }
};

const LONE_SURROGATE = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;

const hasLoneSurrogate = (value: unknown): boolean => {
  if (typeof value === "string") return LONE_SURROGATE.test(value);
  if (Array.isArray(value)) return value.some(hasLoneSurrogate);
  if (typeof value === "object" && value !== null) {
    return Object.entries(value).some(([name, member]) => LONE_SURROGATE.test(name) || hasLoneSurrogate(member));
  }
  return false;
};

/**
 * Parses JSON as records and messages need it (RFC 8259, and RFC 7493 sections 2.1 and 2.3): no member twice, no
 * `__proto__`, no lone surrogates, no nesting deeper than 64. Throws `json-invalid`. The caller bounds the length.
 */
export const parseStrictJson = (text: string): unknown => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    // The engine's message quotes the text, which may be secret.
    refuse(msg("mesh.json-malformed"), cause instanceof SyntaxError ? undefined : cause);
  }
  checkStructure(text);
  // A surrogate reaches a string from valid UTF-8 only through an escape.
  const isLikely = text.includes("\\u") && /\\u[dD][89a-fA-F]/.test(text);
  if (isLikely && hasLoneSurrogate(value)) refuse(msg("mesh.json-surrogate"));
  return value;
};

/** The same for octets, which must be well-formed UTF-8. */
export const parseStrictJsonOctets = (octets: Uint8Array): unknown => parseStrictJson(decodeUtf8(octets));

/** JSON with the members of every object in the order of their names, for what is authenticated by its octets. */
export const canonicalJson = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`);
    return `{${members.join(",")}}`;
  }
  return JSON.stringify(value);
};
