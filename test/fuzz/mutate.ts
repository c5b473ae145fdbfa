import type { Random } from "./random.js";

/** Texts that parsers trip over. */
const TOKENS = [
  ..."\"'{}[],:\\/-_=+.@ \n\r\t\0%&#?;",
  "\u00a0",
  "\u0301",
  "\u202e",
  "\ufeff",
  "\ud800",
  "\udc00",
  "😀",
  "ß",
  "İ",
  "ı",
  "ſ",
  "K",
  "\\u0000",
  "\\ud800",
  '"__proto__":1,',
  '"constructor":',
  "null",
  "true",
  "-0",
  "1e999",
  "9007199254740993",
  "0x10",
  "==",
  "--",
  "../",
  "xn--",
  "[::1]",
  "%00",
];

/** Lengths at which bounds lie. */
const LENGTHS = [0, 1, 2, 3, 4, 16, 31, 63, 64, 65, 128, 255, 256, 257, 512, 1023, 1024, 1025, 4096];

const slice = (random: Random, length: number, most: number): [start: number, end: number] => {
  const start = random.below(length + 1);
  return [start, Math.min(length, start + random.below(most))];
};

/** A text that differs from the given one in one way or a few. `others` lend parts of theirs. */
export const mutateText = (random: Random, text: string, others: readonly string[] = []): string => {
  let mutated = text;
  const count = random.pick([1, 1, 1, 2, 3, 8]);
  for (let step = 0; step < count; step++) mutated = mutateOnce(random, mutated, others);
  return mutated;
};

const mutateOnce = (random: Random, text: string, others: readonly string[]): string => {
  const [start, end] = slice(random, text.length, 32);
  const [head, part, tail] = [text.slice(0, start), text.slice(start, end), text.slice(end)];
  const character = text.slice(start, start + 1);
  switch (random.below(12)) {
    case 0:
      return head + tail;
    case 1:
      return head;
    case 2:
      return text.slice(start);
    case 3:
      return head + part + part + tail;
    case 4:
      return head + random.pick(TOKENS) + text.slice(start);
    case 5:
      return head + random.pick(TOKENS) + text.slice(start + 1);
    case 6:
      // One bit of one character.
      return character === ""
        ? text
        : head + String.fromCharCode(character.charCodeAt(0) ^ (1 << random.below(7))) + text.slice(start + 1);
    case 7:
      return head + (random.chance(0.5) ? part.toLowerCase() : part.toUpperCase()) + tail;
    case 8: {
      const other = others.length > 0 ? random.pick(others) : text;
      const [from, to] = slice(random, other.length, 64);
      return head + other.slice(from, to) + tail;
    }
    case 9:
      return head + [...part].reverse().join("") + tail;
    case 10:
      return head + (part === "" ? random.pick(TOKENS) : part).repeat(random.pick(LENGTHS) % 64) + tail;
    default:
      return head + String.fromCodePoint(random.below(random.pick([0x80, 0x800, 0xd800, 0x20000]))) + tail;
  }
};

/** Octets that differ from the given ones in one way or a few. */
export const mutateOctets = (random: Random, octets: Buffer): Buffer => {
  const text = octets.toString("latin1");
  if (random.chance(0.5)) return Buffer.from(mutateText(random, octets.toString("utf8")), "utf8");
  const mutated = Buffer.from(octets);
  const count = random.pick([1, 1, 2, 8]);
  for (let step = 0; step < count && mutated.length > 0; step++) {
    mutated[random.below(mutated.length)] = random.below(256);
  }
  return random.chance(0.7) ? mutated : Buffer.from(mutateOnce(random, text, []), "latin1");
};

/** Nested so deep that recursion shows. */
const nested = (random: Random): unknown => {
  let value: unknown = 1;
  const depth = random.pick([3, 63, 64, 65, 200]);
  const asObject = random.chance(0.5);
  for (let level = 0; level < depth; level++) value = asObject ? { a: value } : [value];
  return value;
};

const extreme = (random: Random): unknown => {
  switch (random.below(8)) {
    case 0:
      return random.pick([null, true, false]);
    case 1:
      return random.pick([0, -0, 1, -1, 0.5, 1e308, 1e21, -1e-7, 2 ** 31, 2 ** 53, Number.MAX_SAFE_INTEGER]);
    case 2:
      return random.pick(TOKENS);
    case 3:
      return random.pick(["a", "A", "é", "\u0000"]).repeat(random.pick(LENGTHS));
    case 4:
      return random.pick<unknown>([[], {}, [[]], [null], { "": "" }, { toString: 1 }, { length: 3 }]);
    case 5:
      return random.chance(0.1) ? nested(random) : [];
    case 6:
      return random.octets(random.below(64)).toString("base64url");
    default:
      return random.pick(["2026-01-02T03:04:05Z", "2026-02-30T24:00:00Z", "MDDK-7N6A-727A-JZNO-STRX-XKS7-DJAF", ""]);
  }
};

type Path = readonly (string | number)[];

const paths = (value: unknown, path: Path = []): Path[] => {
  if (typeof value !== "object" || value === null) return [path];
  const inner: [string | number, unknown][] = Array.isArray(value)
    ? value.map((item, index) => [index, item])
    : Object.entries(value);
  return [path, ...inner.flatMap(([name, member]) => paths(member, [...path, name]))];
};

const at = (value: unknown, path: Path): unknown =>
  path.reduce<unknown>((inner, name) => (inner as Record<string | number, unknown>)[name], value);

const MISSING = Symbol("missing");

/** The value with what stands at a path replaced, or taken out. */
const replaced = (value: unknown, [name, ...rest]: Path, change: (inner: unknown) => unknown): unknown => {
  if (name === undefined) return change(value);
  if (Array.isArray(value)) {
    return value.flatMap((item: unknown, index) => {
      const inner = index === name ? replaced(item, rest, change) : item;
      return inner === MISSING ? [] : [inner];
    });
  }
  return Object.fromEntries(
    Object.entries(value as object).flatMap(([key, member]): [string, unknown][] => {
      const inner = key === name ? replaced(member, rest, change) : (member as unknown);
      return inner === MISSING ? [] : [[key, inner]];
    }),
  );
};

/** A JSON value that differs from the given one in one way or a few. */
export const mutateValue = (random: Random, value: unknown): unknown => {
  let mutated = value;
  const count = random.pick([1, 1, 1, 2, 4]);
  for (let step = 0; step < count; step++) mutated = mutateMember(random, mutated);
  return mutated;
};

const mutateMember = (random: Random, value: unknown): unknown => {
  const all = paths(value);
  const path = random.pick(all);
  const other = at(value, random.pick(all));
  const changed = replaced(value, path, (inner) => {
    switch (random.below(9)) {
      case 0:
        return MISSING;
      case 1:
        return extreme(random);
      case 2:
        // The part of another place.
        return other;
      case 3:
        return typeof inner === "string" ? mutateText(random, inner) : [inner];
      case 4:
        return typeof inner === "string" ? mutateText(random, inner) : { a: inner };
      case 5:
        return Array.isArray(inner) ? [...inner, ...inner] : typeof inner === "number" ? inner + 1 : [inner, inner];
      case 6:
        return typeof inner === "object" && inner !== null && !Array.isArray(inner)
          ? { ...inner, [random.pick(["x", "__proto_", "constructor", "kid", "Identifier", ""])]: extreme(random) }
          : extreme(random);
      case 7:
        return typeof inner === "object" && inner !== null && !Array.isArray(inner)
          ? Object.fromEntries(
              Object.entries(inner).map(([name, member]) => [
                random.chance(0.3) ? mutateText(random, name) : name,
                member,
              ]),
            )
          : extreme(random);
      default:
        return typeof inner === "number"
          ? random.pick([0, -1, inner + 1, 2 ** 53, 1e308, 0.5])
          : typeof inner === "string"
            ? mutateText(random, inner)
            : other;
    }
  });
  return changed === MISSING ? extreme(random) : changed;
};

/** Anything that JSON can say. */
export const anyValue = (random: Random): unknown =>
  random.chance(0.5) ? extreme(random) : mutateValue(random, { a: [extreme(random)], b: extreme(random) });

/** Text made of nothing. */
export const anyText = (random: Random): string =>
  Array.from({ length: random.pick([0, 1, 4, 32, 200]) }, () =>
    random.chance(0.3) ? random.pick(TOKENS) : String.fromCodePoint(random.below(random.pick([0x80, 0xd800]))),
  ).join("");
