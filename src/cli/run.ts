import type { Deps } from "../deps.js";
import { chooseLanguage } from "../messages/language.js";
import type { Translate } from "../messages/message.js";
import { loadTranslator } from "../messages/translate.js";
import { createContext } from "./context.js";
import { invocationOf } from "./invocation.js";
import { userLanguages } from "./language.js";
import { readLine } from "./line.js";
import { printError, printResult, type Result, type Translator } from "./output.js";
import type { Parsed } from "./program.js";

/** True where an option stands on the line in front of `--`: needed for errors in the line itself. */
const isGiven = (argv: readonly string[], option: string): boolean => {
  const end = argv.indexOf("--");
  return argv.slice(0, end < 0 ? argv.length : end).includes(option);
};

/** The value of an option as it stands on the line, since errors in the line itself are told in the user's language too. */
const givenValue = (argv: readonly string[], option: string): string | undefined => {
  const index = argv.indexOf(option);
  return index < 0 ? argv.find((word) => word.startsWith(`${option}=`))?.slice(option.length + 1) : argv[index + 1];
};

/** What a line is about: read by our own quick reader, or by commander where that one does not take it. */
const parse = async (argv: readonly string[], deps: Deps, translator: Translator): Promise<Parsed> => {
  const line = readLine(argv);
  if (line) return { kind: "run", invocation: invocationOf(deps, line) };
  const { parseCommandLine } = await import("./program.js");
  return parseCommandLine(argv, deps, translator);
};

/**
 * Parses and runs one command line, prints its outcome, and gives its exit status: the one place that turns an error into one.
 * Never throws.
 */
export const runCommandLine = async (argv: readonly string[], deps: Deps): Promise<number> => {
  const noColor = isGiven(argv, "--no-color") || (deps.env["NO_COLOR"] ?? "") !== "" || deps.env["TERM"] === "dumb";
  const output = {
    json: isGiven(argv, "--json"),
    quiet: isGiven(argv, "--quiet"),
    get color() {
      return deps.stderr.isTTY && !noColor;
    },
  };
  let { json } = output;
  let loaded: Promise<Translate> | undefined;
  const translator: Translator = () =>
    (loaded ??= loadTranslator(chooseLanguage(userLanguages(deps, givenValue(argv, "--language")))));
  const printLast = (result: Result): Promise<void> =>
    printResult(deps, result, output, translator).catch((error: unknown) => {
      // A reader that goes away early (`meshman ... | head`) is no failure: the command itself is done.
      if (!(error instanceof Error && "code" in error && error.code === "EPIPE")) throw error;
    });
  try {
    const parsed = await parse(argv, deps, translator);
    if (parsed.kind === "text") {
      await printLast(parsed);
      return 0;
    }
    const { load, input, globals } = parsed.invocation;
    const { run } = await load();
    const emit = async (result: Result): Promise<void> => {
      await printResult(deps, result, output, translator);
      // One document is all that --json prints: what fails behind it is said on standard error.
      json = false;
    };
    const context = createContext(deps, globals, emit, translator);
    try {
      const result = await run(context, input);
      if (result) await printLast(result);
      for (const note of context.later) await context.note(note);
      return result?.exit ?? 0;
    } finally {
      context.unlocked.keystore?.close();
    }
  } catch (error) {
    // Where even the error cannot be printed, the exit status is all that is left.
    const options = { ...output, json, verbose: isGiven(argv, "--verbose") };
    return printError(deps, error, options, translator).catch(() => 1);
  }
};
