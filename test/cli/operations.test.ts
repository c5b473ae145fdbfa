import * as fs from "node:fs";
import * as path from "node:path";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { NOUNS } from "../../src/cli/commands.js";
import { readLine } from "../../src/cli/line.js";
import { CONFIG_MEMBERS, FileSchema } from "../../src/cli/portal/config.js";
import { DEFAULT_QUOTA } from "../../src/portal/context.js";
import { METRIC_NAMES } from "../../src/portal/metrics.js";
import { DEFAULT_RATES } from "../../src/portal/rates.js";

const ROOT = path.resolve(import.meta.dirname, "../..");
const GUIDE = fs.readFileSync(path.join(ROOT, "docs/operations.md"), "utf8");

/** The blocks of code of a language. */
const blocks = (language: string): string[] =>
  [...GUIDE.matchAll(new RegExp(`^ *\`\`\`${language}\\n(.*?)^ *\`\`\`$`, "gms"))].map(([, text = ""]) => text);

/** The part of the guide under a heading, up to the next one. */
const section = (heading: string): string =>
  GUIDE.split(/^##+ /m).find((part) => part.startsWith(`${heading}\n`)) ?? "";

/** The cells of the tables in a part, without the headings. */
const rows = (part: string): string[][] =>
  part
    .split("\n")
    .filter((line) => line.startsWith("| ") && !line.startsWith("| --"))
    .map((line) =>
      line
        .slice(1, -1)
        .split("|")
        .map((cell) => cell.trim()),
    );

/** What stands in backquotes in a cell. */
const quoted = (cell = ""): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, text = ""]) => text);

describe("the guide to running a portal", () => {
  const lines = [...blocks("sh"), ...blocks("console")]
    .flatMap((block) => block.replace(/\\\n/g, " ").split("\n"))
    .map((line) => line.replace(/^[ $]+/, "").replace(/ *\|.*$/, ""))
    .filter((line) => line.startsWith("meshman "));

  test("shows commands", () => {
    expect(lines.length).toBeGreaterThan(10);
  });

  test.each(lines)("shows a command that there is: %s", (line) => {
    expect(readLine(line.split(/ +/).slice(1))).toBeDefined();
  });

  test("names commands and options that there are", () => {
    const named = [...GUIDE.matchAll(/`meshman ([a-z]+) ([a-z]+)/g)].map(([, noun, verb]) => [noun, verb]);
    expect(named.length).toBeGreaterThan(10);
    for (const [noun, verb = ""] of named) {
      expect(Object.keys(NOUNS.find(({ name }) => name === noun)?.verbs ?? {}), `${noun} ${verb}`).toContain(verb);
    }
    const portal = NOUNS.find(({ name }) => name === "portal")?.verbs ?? {};
    const options = Object.values(portal).flatMap((verb) => verb.options ?? []);
    const known = new Set([
      ...options.map(([flags]) => flags.split(" ")[0]),
      "--portal",
      "--json",
      "--verbose",
      "--quiet",
    ]);
    const meant = [...GUIDE.matchAll(/`(--[a-z-]+)/g)].map(([, option]) => option);
    expect(meant.filter((option) => !known.has(option))).toEqual([]);
  });

  test("has a config file that would be taken", () => {
    const configs = blocks("json").map((text) => JSON.parse(text) as unknown);
    expect(configs.length).toBeGreaterThan(0);
    for (const config of configs) expect(v.safeParse(FileSchema, config).success).toBe(true);
  });

  test("explains every member of the config file, every rate, quota, metric and event, and no other", () => {
    const members = rows(section("The config file")).flatMap(([cell]) => quoted(cell));
    expect(members.sort()).toEqual([...CONFIG_MEMBERS].sort());
    const limits = rows(section("Limits"));
    const valueOf = (name: string): number | undefined => {
      const row = limits.find(([cell]) => quoted(cell)[0] === name);
      return row && Number(row[1]);
    };
    expect(Object.fromEntries(Object.keys(DEFAULT_RATES).map((kind) => [kind, valueOf(kind)]))).toEqual(DEFAULT_RATES);
    expect(Object.fromEntries(Object.keys(DEFAULT_QUOTA).map((kind) => [kind, valueOf(kind)]))).toEqual(DEFAULT_QUOTA);
    expect(
      rows(section("Metrics"))
        .flatMap(([cell]) => quoted(cell))
        .sort(),
    ).toEqual([...METRIC_NAMES].sort());
    const folder = path.join(ROOT, "src/cli/portal");
    const source = fs.readdirSync(folder).map((name) => fs.readFileSync(path.join(folder, name), "utf8"));
    const events = [...source.join("\n").matchAll(/journal\.note\([^,]+, "([a-z-]+)"/g)].map(([, event = ""]) => event);
    const explained = rows(section("What it says")).flatMap(([cell]) => quoted(cell));
    expect([...new Set(explained)].sort()).toEqual([...new Set(events)].sort());
  });

  test("leads to headings that there are", () => {
    const anchors = [...GUIDE.matchAll(/^##+ (.*)$/gm)].map(([, heading = ""]) =>
      heading
        .toLowerCase()
        .replace(/[^a-z0-9 -]/g, "")
        .replaceAll(" ", "-"),
    );
    const links = [...GUIDE.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor]) => anchor);
    expect(links.filter((anchor) => !anchors.includes(anchor ?? ""))).toEqual([]);
  });
});
