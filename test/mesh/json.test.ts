import fc from "fast-check";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { utf8 } from "../../src/mesh/bytes.js";
import { canonicalJson, parseStrictJson, parseStrictJsonOctets } from "../../src/mesh/json.js";
import { meshError } from "../support/deps.js";
import { character, refusal } from "./support.js";

const refused = (text: string): boolean => refusal(() => parseStrictJson(text)) === "json-invalid";
const jsonValue = fc
  .jsonValue({ stringUnit: character, maxDepth: 4 })
  .filter((value) => !JSON.stringify(value).includes("__proto__"));

describe("parseStrictJson", () => {
  test("gives what JSON.parse gives of any JSON text without oddities, however it is laid out", () => {
    fc.assert(
      fc.property(jsonValue, fc.constantFrom("", " ", "\t", "\r\n"), (value, space) => {
        const text = JSON.stringify(value, null, space);
        expect(parseStrictJson(text)).toStrictEqual(JSON.parse(text));
      }),
    );
  });

  test.each([
    "",
    " ",
    "{",
    "{}}",
    "{} {}",
    "[1,]",
    '{"a":1,}',
    "{a:1}",
    "{'a':1}",
    '{"a":01}',
    '{"a":+1}',
    '{"a":.5}',
    '{"a":NaN}',
    '{"a":undefined}',
    '{"a":1}//',
    '{"a":"\t"}',
    '{"a":"\\x41"}',
    '{"a":"\\u00"}',
    "{\u00a0}",
    "\ufeff{}",
    "{}\u0000",
  ])("refuses %j", (text) => {
    expect(refused(text)).toBe(true);
  });

  test("says nothing of the text in its error, since it may be secret", async () => {
    const error = await meshError(() => parseStrictJson('{"d": hunter2}'));
    expect(inspect(error)).not.toContain("hunter2");
  });
});

describe("a member twice", () => {
  test.each([
    '{"a":1,"a":1}',
    '{"a":1,"b":2,"a":3}',
    '{"a":1,"\\u0061":2}',
    '{"\\u00e9":1,"\u00e9":2}',
    '{"\\/":1,"/":2}',
    '{"":1,"":2}',
    '{"a\\\\":1,"a\\\\":2}',
    '{"\\"":1,"\\u0022":2}',
    '{"b":{"a":1,"a":2}}',
    '{"b":[{"a":1},{"a":1,"c":{},"a":2}]}',
    '[{"a":[],"a":{}}]',
    '{"a":{"b":1},"c":[1,2],"a":"x"}',
    '{"a":"}","a":"{"}',
    '{"constructor":1,"constructor":2}',
    '{"hasOwnProperty":1,"hasOwnProperty":2}',
  ])("refuses %s", (text) => {
    expect(refused(text)).toBe(true);
  });

  test.each([
    '{"a":1,"A":2}',
    '{"a":{"a":{"a":1}}}',
    '[{"a":1},{"a":1}]',
    '{"a":["a","a"],"b":"a"}',
    '{"a":"\\"a\\":1,","b":"{\\"c\\":1,\\"c\\":1}"}',
    '{"a":"\\\\","b":"\\\\\\"","c":1}',
    '{"a":{},"b":{}}',
    '{"\u00e9":1,"e\u0301":2}',
    '{"constructor":1,"toString":2}',
    '{"a":1e3,"b":null,"c":true}',
  ])("is not in %s", (text) => {
    expect(parseStrictJson(text)).toStrictEqual(JSON.parse(text));
  });

  test("is found wherever it stands", () => {
    const isObject = (value: unknown): value is Record<string, unknown> =>
      typeof value === "object" && value !== null && !Array.isArray(value);
    /** JSON text in which the `target`-th object, counted as they open, has its last member twice. */
    const doubled = (value: unknown, target: number): string => {
      let count = 0;
      const write = (item: unknown): string => {
        if (Array.isArray(item)) return `[${item.map(write).join(",")}]`;
        if (!isObject(item)) return JSON.stringify(item);
        const isTarget = count++ === target;
        const members = Object.entries(item).map(([name, member]) => `${JSON.stringify(name)}:${write(member)}`);
        return `{${[...members, ...(isTarget ? [members.at(-1) ?? '"a":1,"a":2'] : [])].join(",")}}`;
      };
      return write(value);
    };
    fc.assert(
      fc.property(jsonValue, jsonValue, fc.nat(8), (first, second, target) => {
        const value = { first, second };
        const text = doubled(value, target);
        const changed = text !== doubled(value, -1);
        expect(refused(text)).toBe(changed);
      }),
    );
  });
});

describe("names that mean something to the engine", () => {
  test.each(['{"__proto__":{}}', '{"a":[{"__proto__":null}]}', '{"\\u005f_proto__":1}', '{"__proto_\\u005F":1}'])(
    "refuses %s",
    (text) => {
      expect(refused(text)).toBe(true);
    },
  );

  test("as values and within other names are harmless", () => {
    expect(parseStrictJson('{"a":"__proto__","x__proto__":["__proto__"],"__Proto__":1}')).toEqual({
      a: "__proto__",
      x__proto__: ["__proto__"],
      __Proto__: 1,
    });
  });
});

describe("nesting", () => {
  const nested = (depth: number, open: string, close: string): string => open.repeat(depth) + close.repeat(depth);

  test("goes 64 levels deep and no deeper", () => {
    expect(refused(nested(64, "[", "]"))).toBe(false);
    expect(refused(nested(65, "[", "]"))).toBe(true);
    expect(refused(`${'{"a":'.repeat(64)}1${"}".repeat(64)}`)).toBe(false);
    expect(refused(`${'{"a":'.repeat(65)}1${"}".repeat(65)}`)).toBe(true);
    expect(refused(`[${nested(63, "[", "]")},${nested(63, "[", "]")}]`)).toBe(false);
    expect(refused(`[${nested(63, "[", "]")},${nested(64, "[", "]")}]`)).toBe(true);
  });

  test("of 100,000 levels is refused and overflows nothing", () => {
    expect(refused(nested(100_000, "[", "]"))).toBe(true);
    expect(refused("[".repeat(100_000))).toBe(true);
    expect(refused(`${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`)).toBe(true);
  });

  test("is not what brackets in strings make", () => {
    expect(parseStrictJson(JSON.stringify("[".repeat(100)))).toBe("[".repeat(100));
  });

  test("of many siblings and long strings of backslashes takes no more than a moment", () => {
    const started = performance.now();
    expect(refused(`[${"[],".repeat(50_000)}[]]`)).toBe(false);
    expect(refused(JSON.stringify(["\\".repeat(50_000), '"'.repeat(50_000)]))).toBe(false);
    expect(performance.now() - started).toBeLessThan(5000);
  });
});

describe("surrogates", () => {
  test.each([
    '"\\ud800"',
    '"\\uDC00"',
    '"x\\uDBFFy"',
    '"\\ud83d\\ud83d\\ude00"',
    '"\\ude00\\ud83d"',
    '"\\ud83d\\\\ude00"',
    '{"\\udfff":1}',
    '[{"a":[["\\uD83D"]]}]',
  ])("that stand alone are refused: %s", (text) => {
    expect(refused(text)).toBe(true);
  });

  test.each([
    '"\\ud83d\\ude00"',
    '"\\uD83D\\uDE00x"',
    '"\\\\ud800"',
    '{"\\ud83d\\ude00":"\u{1F600}"}',
    '"\\ud7ff\\ue000"',
  ])("in pairs are fine: %s", (text) => {
    expect(parseStrictJson(text)).toStrictEqual(JSON.parse(text));
  });
});

describe("parseStrictJsonOctets", () => {
  test("reads UTF-8", () => {
    expect(parseStrictJsonOctets(utf8('{"\u00eb":"\u{1F600}"}'))).toEqual({ "\u00eb": "\u{1F600}" });
  });

  test.each([
    ["a byte order mark", "efbbbf7b7d"],
    ["UTF-16", "7b007d00"],
    ["a stray octet", "2280ff22"],
    ["an encoded surrogate", "22eda08022"],
    ["an overlong quote", "22c0a222"],
  ])("refuses %s", (_, hex) => {
    expect(refusal(() => parseStrictJsonOctets(Buffer.from(hex, "hex")))).toBe("json-invalid");
  });
});

describe("canonicalJson", () => {
  test("sorts the members of every object and leaves undefined ones out", () => {
    expect(canonicalJson({ b: [{ z: 1, y: null }], a: undefined, A: "x" })).toBe('{"A":"x","b":[{"y":null,"z":1}]}');
  });

  test("is the same for every order of members, and means the same", () => {
    const reversed = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(reversed);
      if (typeof value !== "object" || value === null) return value;
      return Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([name, member]) => [name, reversed(member)]),
      );
    };
    fc.assert(
      fc.property(jsonValue, (value) => {
        const text = canonicalJson(value);
        expect(canonicalJson(reversed(value))).toBe(text);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});
