import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import type { Catalogue, Template } from "../../src/messages/catalogue.js";
import { de } from "../../src/messages/de/index.js";
import { en } from "../../src/messages/en/index.js";
import { fr } from "../../src/messages/fr/index.js";
import { NOUNS, PLAIN_COMMANDS } from "../../src/cli/commands.js";

const ENGLISH: Catalogue = en;
const OTHERS: Readonly<Record<string, Catalogue>> = { fr, de };
const SOURCES = path.resolve(import.meta.dirname, "../../src");

const forms = (template: Template): string[] =>
  typeof template === "string" ? [template] : [template.one, template.other];

/** The names of a template's values. `one` may leave out the count: there is only one it could be. */
const names = (template: Template): string[] =>
  [...new Set(forms(template).flatMap((text) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? "")))]
    .concat(typeof template === "string" ? [] : ["count"])
    .filter((name, index, all) => all.indexOf(name) === index)
    .sort();

/** Commands, options, codes and the like, which are the same in every language. */
const literals = (template: Template): string[] =>
  forms(template)
    .flatMap((text) => [...text.matchAll(/`[^`]+`|--[a-z][a-z-]+|MESHMAN_[A-Z_]+/g)].map(([word]) => word))
    .filter((word, index, all) => all.indexOf(word) === index)
    .sort();

const sourceFiles = (folder: string): string[] =>
  fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === "messages" ? [] : sourceFiles(file);
    return [file];
  });

describe.each(Object.entries(OTHERS))("the catalogue of %s", (_language, catalogue) => {
  test("words every message, and no other", () => {
    expect(Object.keys(catalogue).sort()).toEqual(Object.keys(ENGLISH).sort());
  });

  test.each(Object.keys(ENGLISH) as (keyof Catalogue)[])("%s", (key) => {
    const [english, other] = [ENGLISH[key], catalogue[key]];
    for (const form of forms(other)) expect(form.trim()).not.toBe("");
    expect(names(other)).toEqual(names(english));
    expect(literals(other)).toEqual(literals(english));
    expect(forms(other).map((form) => form.split("\n").length)).toContain(forms(english)[0]?.split("\n").length);
  });

  test("is not English", () => {
    const sentences = Object.entries(ENGLISH).filter(([, english]) =>
      /[a-z]+ [a-z]+ [a-z]+/.test(forms(english)[0] ?? ""),
    );
    const same = sentences.filter(([key, english]) => {
      const other = catalogue[key as keyof Catalogue];
      return JSON.stringify(other) === JSON.stringify(english);
    });
    expect(same.map(([key]) => key)).toEqual([]);
  });
});

test("what a user typed stands in the same quotes everywhere, which are those of JSON", () => {
  for (const catalogue of [ENGLISH, ...Object.values(OTHERS)]) {
    const texts = Object.values(catalogue).flatMap(forms);
    expect(texts.filter((text) => /[„“”«»‘’]|'\{\w+\}'/.test(text))).toEqual([]);
  }
});

test("the labels of what `network show` shows are told apart", () => {
  for (const catalogue of [ENGLISH, ...Object.values(OTHERS)]) {
    const [name, sites] = [catalogue["label.name"], catalogue["network.label-sites"]].map(String);
    expect(sites?.slice(0, 4)).not.toBe(name?.slice(0, 4));
  }
});

test("every message is used somewhere", () => {
  const text = sourceFiles(SOURCES)
    .map((file) => fs.readFileSync(file, "utf8"))
    .join("\n");
  const literal = new Set([...text.matchAll(/["'`]([\w.-]+)["'`]/g)].map(([, key]) => key));
  // Keys that are put together, such as `usage.${fault}` and `${meaning}-saying`.
  const patterns = [...text.matchAll(/`([\w.-]*\$\{[^`]*)`/g)].map(
    ([, template = ""]) =>
      new RegExp(
        `^${template
          .split(/\$\{[^}]*\}/)
          .map((part) => part.replace(/[.*+?^$()|[\]\\]/g, "\\$&"))
          .join("[\\w-]+")}$`,
      ),
  );
  const areas = new Set(Object.keys(ENGLISH).map((key) => key.split(".")[0]));
  const composed = patterns.filter(({ source }) => areas.has(source.slice(1).split("\\.")[0]));
  const isUsed = (key: string): boolean =>
    literal.has(key) ||
    composed.some((pattern) => pattern.test(key)) ||
    (key.endsWith("-saying") && isUsed(key.replace(/-saying$/, "")));
  const unused = Object.keys(ENGLISH).filter((key) => key !== "verbatim" && !isUsed(key));
  expect(unused).toEqual([]);
});

test("the help of every command, argument and option is in the catalogue", () => {
  const verbs = [...NOUNS.flatMap((noun) => Object.values(noun.verbs)), ...Object.values(PLAIN_COMMANDS)];
  const keys = verbs.flatMap((verb) => [
    verb.summary,
    ...(verb.description ? [verb.description] : []),
    ...(verb.arguments ?? []).map(([, key]) => key),
    ...(verb.options ?? []).map(([, key]) => key),
  ]);
  expect(keys.length).toBeGreaterThan(100);
  expect(keys.filter((key) => !(key in ENGLISH))).toEqual([]);
});
