import { MeshError } from "../errors.js";
import { msg, type Message } from "../messages/message.js";
import { decodeUtf8 } from "./bytes.js";

const MAX_DEPTH = 64;

const refuse = (text: Message, cause?: unknown): never => {
  throw new MeshError("json-invalid", text, cause === undefined ? {} : { cause });
};

/** Index just behind the string literal that starts at `start`. The text is known to be valid JSON. */
const endOfString = (text: string, start: number): number => {
  let index = start + 1;
  for (;;) {
    const quote = text.indexOf('"', index);
    let backslashes = 0;
    while (text[quote - 1 - backslashes] === "\\") backslashes++;
    if (backslashes % 2 === 0) return quote + 1;
    index = quote + 1;
  }
};

/** Walks over text that is known to be valid JSON and refuses what JSON.parse lets pass. */
const checkStructure = (text: string): void => {
  // One set of member names for an open object, undefined for an open array.
  const open: (Set<string> | undefined)[] = [];
  let expectsName = false;
  for (let index = 0; index < text.length; index++) {
    switch (text[index]) {
      case "{":
      case "[":
        expectsName = text[index] === "{";
        open.push(expectsName ? new Set() : undefined);
        if (open.length > MAX_DEPTH) refuse(msg("mesh.json-deep", { levels: MAX_DEPTH }));
        break;
      case "}":
      case "]":
        open.pop();
        expectsName = false;
        break;
      case ",":
        expectsName = open.at(-1) !== undefined;
        break;
      case '"': {
        const end = endOfString(text, index);
        if (expectsName) {
          const name = JSON.parse(text.slice(index, end)) as string;
          if (name === "__proto__") refuse(msg("mesh.json-proto"));
          if (open.at(-1)?.has(name)) {
            refuse(msg("mesh.json-member-twice", { member: JSON.stringify(name.slice(0, 64)) }));
          }
          open.at(-1)?.add(name);
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
  if (/\\u[dD][89a-fA-F]/.test(text) && hasLoneSurrogate(value)) refuse(msg("mesh.json-surrogate"));
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
