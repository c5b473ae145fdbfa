import { expect, test } from "vitest";
import { asciiJson, jsonOf, membersOf, rendered, withMember } from "../../src/portal/rendered.js";

const value = { a: [1, "two", null], b: { c: "\u2014 \u{1f600}" } };
const text = JSON.stringify(value);

test("what is rendered stands for its value, alone, in lists and in the usual way", () => {
  expect(jsonOf(rendered(text))).toBe(text);
  expect(jsonOf([rendered(text), 1, rendered("[]")])).toBe(`[${text},1,[]]`);
  expect(jsonOf(value)).toBe(text);
  expect(jsonOf([])).toBe("[]");
  expect(JSON.stringify({ all: [rendered(text)] })).toBe(`{"all":[${text}]}`);
});

test("members are those that are there", () => {
  const members = { one: rendered(text), two: undefined, 'th"ree': false };
  expect(JSON.parse(`{"zero":0${membersOf(members)}}`)).toEqual({ zero: 0, one: value, 'th"ree': false });
  expect(membersOf({})).toBe("");
});

test("a member is added behind the others", () => {
  for (const object of [value, rendered(text)]) {
    expect(jsonOf(withMember(object, "d", rendered("[2]")))).toBe(JSON.stringify({ ...value, d: [2] }));
  }
});

test("JSON in ASCII is the same", () => {
  for (const some of ["", "plain", value.b.c, '\u0000\u0080\uffff\n"']) {
    expect(asciiJson(some)).toMatch(/^[\x20-\x7e]*$/);
    expect(JSON.parse(asciiJson(some))).toBe(some);
  }
});
