import { MAX_ENTRIES } from "../entry.js";
import type { Fault } from "./csv.js";

/** A file of JSON, and the line on which each of its items begins. */
export interface Outline {
  readonly value: unknown;
  readonly lines: readonly number[];
}

/** Everything but texts: these are looked through by hand, since a pattern would run out of room in a long one. */
const TOKEN = /[[\]{}:,]|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y;
const SPECIAL = /["\\\u0000-\u001f]/g;
const SPACE = /[ \t\r\n]*/y;
const MAX_DEPTH = 64;
const ITEMS = '"items"';

/** Where the text that begins at `start` ends, or undefined where it is none. */
const endOfText = (text: string, start: number): number | undefined => {
  SPECIAL.lastIndex = start + 1;
  for (let match = SPECIAL.exec(text); match; match = SPECIAL.exec(text)) {
    if (match[0] === '"') return SPECIAL.lastIndex;
    ESCAPE.lastIndex = match.index;
    if (match[0] !== "\\" || !ESCAPE.test(text)) return undefined;
    SPECIAL.lastIndex = ESCAPE.lastIndex;
  }
  return undefined;
};

/** The token at a place: a text, with its quotes, or another one. */
const tokenAt = (text: string, at: number): string | undefined => {
  if (text[at] === '"') {
    const end = endOfText(text, at);
    return end === undefined ? undefined : text.slice(at, end);
  }
  TOKEN.lastIndex = at;
  return TOKEN.exec(text)?.[0];
};

const lineOf = (text: string, offset: number): number => {
  let line = 1;
  for (let at = text.indexOf("\n"); at >= 0 && at < offset; at = text.indexOf("\n", at + 1)) line++;
  return line;
};

/** What may come next: a value, a name, what ends one of them, or what closes a list or object that has nothing in it yet. */
type Expected = "value" | "first-value" | "name" | "first-name" | "colon" | "comma" | "end";

/**
 * Parses JSON and says on which line it is wrong, which the engine does not say without quoting the text, a secret perhaps. The items of
 * the list `items` are looked up as well; more of them than an application holds are too many. Of a member that is there twice the last one counts.
 */
export const jsonOutline = (text: string): Outline | Fault => {
  const open: { readonly kind: "[" | "{"; readonly isItems: boolean }[] = [];
  const offsets: number[] = [];
  let expected: Expected = "value";
  let lastName = "";
  let at = 0;
  const fault = (): Fault => ({ line: lineOf(text, at), fault: "json" });
  for (;;) {
    SPACE.lastIndex = at;
    SPACE.test(text);
    at = SPACE.lastIndex;
    if (at >= text.length) break;
    if (offsets.length > MAX_ENTRIES) return { line: lineOf(text, offsets.at(-1) ?? at), fault: "many" };
    const token = tokenAt(text, at);
    if (token === undefined) return fault();
    const inside = open.at(-1);
    const isValue = expected === "value" || expected === "first-value";
    if (token === "[" || token === "{") {
      if (!isValue || open.length >= MAX_DEPTH) return fault();
      if (inside?.isItems === true) offsets.push(at);
      const isItems = token === "[" && open.length === 1 && inside?.kind === "{" && lastName === ITEMS;
      if (isItems) offsets.length = 0;
      open.push({ kind: token, isItems });
      expected = token === "[" ? "first-value" : "first-name";
    } else if (token === "]" || token === "}") {
      const isEmpty = expected === (token === "]" ? "first-value" : "first-name");
      if (inside?.kind !== (token === "]" ? "[" : "{") || (!isEmpty && expected !== "comma")) return fault();
      open.pop();
      expected = open.length === 0 ? "end" : "comma";
    } else if (token === ":") {
      if (expected !== "colon") return fault();
      expected = "value";
    } else if (token === ",") {
      if (expected !== "comma") return fault();
      expected = inside?.kind === "{" ? "name" : "value";
    } else if (expected === "name" || expected === "first-name") {
      if (!token.startsWith('"')) return fault();
      lastName = open.length === 1 ? token : lastName;
      expected = "colon";
    } else if (isValue) {
      if (inside?.isItems === true) offsets.push(at);
      expected = open.length === 0 ? "end" : "comma";
    } else return fault();
    at += token.length;
  }
  if (expected !== "end") return fault();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { line: 1, fault: "json" };
  }
  let [line, from] = [1, 0];
  const lines = offsets.map((offset) => {
    for (let next = text.indexOf("\n", from); next >= 0 && next < offset; next = text.indexOf("\n", from)) {
      line++;
      from = next + 1;
    }
    return line;
  });
  return { value, lines };
};
