import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NOUNS, PLAIN_COMMANDS } from "../../src/cli/commands.js";
import { GLOBAL_OPTIONS, type OptionDeclaration, type VerbDeclaration } from "../../src/cli/declare.js";
import { attributeOf, invocationOf, longName, type Invocation } from "../../src/cli/invocation.js";
import { readLine } from "../../src/cli/line.js";
import { parseCommandLine } from "../../src/cli/program.js";
import type { MeshError } from "../../src/errors.js";
import { loadTranslator } from "../../src/messages/translate.js";
import { meshError, testDeps } from "../support/deps.js";
import { exampleWords } from "../support/examples.js";

interface Command {
  readonly words: readonly string[];
  readonly verb: VerbDeclaration;
}

const COMMANDS: readonly Command[] = [
  ...NOUNS.flatMap(({ name, verbs }) =>
    Object.entries(verbs).map(([verb, declaration]) => ({ words: [name, verb], verb: declaration })),
  ),
  ...Object.entries(PLAIN_COMMANDS).map(([name, verb]) => ({ words: [name], verb })),
];
const OPTIONS = [...GLOBAL_OPTIONS, ...COMMANDS.flatMap(({ verb }) => verb.options ?? [])];
const NAMES = [...new Set(OPTIONS.map(([flags]) => attributeOf(longName(flags))))];

const deps = testDeps({ env: { MESHMAN_PORTAL: "local", NO_COLOR: "1" } });
const translator = (): ReturnType<typeof loadTranslator> => loadTranslator("en");

/** All that a command can see of its line. */
const seen = ({ load, input, globals }: Invocation): object => ({
  load,
  globals,
  arguments: [0, 1, 2, 3].map((index) => [input.argument(index), input.arguments(index)]),
  options: NAMES.map((name) => [name, input.text(name), input.list(name), input.flag(name), input.whole(name)]),
});

const told = ({ code, text, hint }: MeshError): object => ({ code, text, hint });

/** What comes of a line by commander: a command, or undefined where it is an error, help or the version. */
const byCommander = async (argv: readonly string[]): Promise<Invocation | undefined> => {
  const parsed = await parseCommandLine(argv, deps, translator).catch(() => undefined);
  return parsed?.kind === "run" ? parsed.invocation : undefined;
};

/** Both readings of a line, held against each other. True where it is a command. */
const compare = async (argv: readonly string[]): Promise<boolean> => {
  const line = readLine(argv);
  const expected = await byCommander(argv);
  if (line && expected) expect(seen(invocationOf(deps, line))).toEqual(seen(expected));
  else if (line) {
    // Well-formed, but with a value that no command can use: said in the same words.
    const [ours, theirs] = [() => invocationOf(deps, line), () => parseCommandLine(argv, deps, translator)];
    expect(told(await meshError(ours))).toEqual(told(await meshError(theirs)));
  } else if (expected) {
    // What might be a negative number is left to commander.
    expect(argv).toEqual(expect.arrayContaining([expect.stringMatching(/^-[.\d]/)]));
  }
  return expected !== undefined;
};

const text = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom("alice", "1", "60", "0", "a=b", "two words", "é") },
  {
    weight: 1,
    arbitrary: fc.constantFrom("", "-", "--", "-1", "-.5e3", "-x", "-xy", "--json", "--json=1", "--name", "=", "--="),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom("help", "--help", "--version", "status", "profile", "show", "constructor", "__proto__"),
  },
  { weight: 1, arbitrary: fc.string({ maxLength: 6 }) },
);

/** An option as it may stand on a line: alone, with a value behind it or in it. */
const optionOf = (declarations: readonly OptionDeclaration[]): fc.Arbitrary<readonly string[]> =>
  fc.constantFrom(...declarations).chain(([flags]) => {
    const long = longName(flags);
    const [alone, behind, within] = [
      fc.constant([long]),
      text.map((value) => [long, value]),
      text.map((value) => [`${long}=${value}`]),
    ];
    const proper = flags.includes("<") ? [behind, within] : flags.includes("[") ? [alone, behind, within] : [alone];
    return fc.oneof(
      { weight: 12, arbitrary: fc.oneof(...proper) },
      { weight: 1, arbitrary: fc.oneof(alone, behind, within) },
    );
  });

/** Lines of a command with its options and arguments, the global ones in front of it, within it and behind it. */
const line = fc.constantFrom(...COMMANDS).chain(({ words, verb }) => {
  const globals = fc.array(optionOf(GLOBAL_OPTIONS), { maxLength: 2 });
  const needed = (verb.options ?? []).filter(([, , ...kinds]) => kinds.includes("required"));
  const own = verb.options ? fc.array(optionOf([...verb.options, ...GLOBAL_OPTIONS]), { maxLength: 4 }) : globals;
  const values = (verb.arguments ?? []).map(() => text.map((value) => [value]));
  const rest = fc
    .tuple(own, fc.tuple(...needed.map((option) => optionOf([option]))), fc.tuple(...values))
    .chain((pieces) => fc.shuffledSubarray(pieces.flat(), { minLength: Math.max(0, pieces.flat().length - 1) }));
  return fc
    .tuple(
      globals,
      fc.constant([words.slice(0, 1)]),
      globals,
      fc.constant([words.slice(1)]),
      rest,
      fc.array(
        text.map((word) => [word]),
        { maxLength: 1 },
      ),
    )
    .map((pieces) => pieces.flat(2));
});

describe("the quick reader of command lines", () => {
  test("reads a command's line as commander does, and takes nothing that commander refuses", async () => {
    let commands = 0;
    await fc.assert(
      fc.asyncProperty(line, async (argv) => {
        if (await compare(argv)) commands++;
      }),
      { numRuns: 2000 },
    );
    // Or else most of it was about wrong lines.
    expect(commands).toBeGreaterThan(400);
  });

  test("any words", async () => {
    const word = fc.oneof(
      text,
      fc.constantFrom(...COMMANDS.flatMap(({ words }) => words)),
      fc.constantFrom(...OPTIONS.map(([flags]) => longName(flags))),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 7 }), async (argv) => {
        await compare(argv);
      }),
      { numRuns: 2000 },
    );
  });

  test.each(COMMANDS.flatMap(({ verb }) => verb.examples))("takes the example: %s", async (example) => {
    const argv = exampleWords(example);
    expect(readLine(argv)).toBeDefined();
    expect(await compare(argv)).toBe(true);
  });

  test.each([
    "--json profile show",
    "profile --json show",
    "profile show --json",
    "--profile one profile show --profile two",
    "--profile=one profile show",
    "profile show --no-color --no-input",
    "device connect alice@example.com --wait",
    "device connect --wait --json 60 alice@example.com",
    "portal serve --listen -- --domain example.com --language en",
    "device connect alice@example.com --wait 60",
    "device connect alice@example.com --wait=60 --wait",
    "device complete --share-file one --share-file two",
    "udf -- --json",
    "udf --bits 140 -- --json",
    "-- profile show",
    "verify one two three",
    "keystore passwd --no-passphrase",
    "profile create --name --help",
  ])("takes: %s", async (words) => {
    const argv = words.split(" ");
    expect(readLine(argv)).toBeDefined();
    expect(await compare(argv)).toBe(true);
  });

  test.each([
    "",
    "--version",
    "profile show --version",
    "--help",
    "profile show --help",
    "help profile show",
    "profile",
    "profile shwo",
    "profile show surplus",
    "profile show --jsn",
    "profile show --json=yes",
    "profile use",
    "profile create --name",
    "status --timeout soon",
    "status -x",
  ])("leaves to commander: %s", (words) => {
    expect(readLine(words === "" ? [] : words.split(" "))).toBeUndefined();
  });
});
