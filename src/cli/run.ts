import type { Deps } from "../deps.js";
import { chooseLanguage } from "../messages/language.js";
import type { Translate } from "../messages/message.js";
import { loadTranslator } from "../messages/translate.js";
import { createContext } from "./context.js";
import { userLanguages } from "./language.js";
import { printError, printResult, type Result, type Translator } from "./output.js";
import { parseCommandLine } from "./program.js";

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

/**
 * Parses and runs one command line, prints its outcome, and gives its exit status: the one place that turns an error into one.
 * Never throws.
 */
export const runCommandLine = async (argv: readonly string[], deps: Deps, version: string): Promise<number> => {
  const noColor = isGiven(argv, "--no-color") || (deps.env["NO_COLOR"] ?? "") !== "" || deps.env["TERM"] === "dumb";
  const output = {
    json: isGiven(argv, "--json"),
    quiet: isGiven(argv, "--quiet"),
    color: deps.stderr.isTTY && !noColor,
  };
  let { json } = output;
  let loaded: Promise<Translate> | undefined;
  const translator: Translator = () =>
    (loaded ??= loadTranslator(chooseLanguage(userLanguages(deps, givenValue(argv, "--language")))));
  try {
    const parsed = await parseCommandLine(argv, deps, version, translator);
    if (parsed.kind === "text") {
      await printResult(deps, parsed, output, translator);
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
    const result = await run(context, input);
    if (!result) return 0;
    await printResult(deps, result, output, translator).catch((error: unknown) => {
      // A reader that goes away early (`meshman ... | head`) is no failure: the command itself is done.
      if (!(error instanceof Error && "code" in error && error.code === "EPIPE")) throw error;
    });
    return result.exit ?? 0;
  } catch (error) {
    // Where even the error cannot be printed, the exit status is all that is left.
    const options = { ...output, json, verbose: isGiven(argv, "--verbose") };
    return printError(deps, error, options, translator).catch(() => 1);
  }
};
