import type { Deps } from "../deps.js";
import { createContext } from "./context.js";
import { printError, printResult } from "./output.js";
import { parseCommandLine } from "./program.js";

/** True where an option stands on the line in front of `--`: needed for errors in the line itself. */
const isGiven = (argv: readonly string[], option: string): boolean => {
  const end = argv.indexOf("--");
  return argv.slice(0, end < 0 ? argv.length : end).includes(option);
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
  try {
    const parsed = parseCommandLine(argv, deps, version);
    if (parsed.kind === "text") {
      await printResult(deps, parsed, output);
      return 0;
    }
    const { load, input, globals } = parsed.invocation;
    const { run } = await load();
    const context = createContext(deps, globals, async (result) => {
      await printResult(deps, result, output);
      // One document is all that --json prints: what fails behind it is said on standard error.
      json = false;
    });
    const result = await run(context, input);
    if (!result) return 0;
    await printResult(deps, result, output).catch((error: unknown) => {
      // A reader that goes away early (`meshman ... | head`) is no failure: the command itself is done.
      if (!(error instanceof Error && "code" in error && error.code === "EPIPE")) throw error;
    });
    return result.exit ?? 0;
  } catch (error) {
    // Where even the error cannot be printed, the exit status is all that is left.
    return printError(deps, error, { ...output, json, verbose: isGiven(argv, "--verbose") }).catch(() => 1);
  }
};
