import type { Deps } from "./deps.js";
import { VERSION } from "./version.js";

/** True where an option stands on the line in front of `--`: needed for errors in the line itself. */
const isGiven = (argv: readonly string[], option: string): boolean => {
  const end = argv.indexOf("--");
  return argv.slice(0, end < 0 ? argv.length : end).includes(option);
};

/**
 * Runs one command line and gives its exit status. All output goes through `deps`: the result to standard output, everything
 * else to standard error. Never throws.
 */
export const main = async (argv: readonly string[], deps: Deps): Promise<number> => {
  if (argv.length === 1 && argv[0] === "--version") {
    await deps.stdout.write(`${VERSION}\n`);
    return 0;
  }
  const { printError, printResult } = await import("./cli/output.js");
  const noColor = isGiven(argv, "--no-color") || (deps.env["NO_COLOR"] ?? "") !== "" || deps.env["TERM"] === "dumb";
  const output = {
    json: isGiven(argv, "--json"),
    quiet: isGiven(argv, "--quiet"),
    color: deps.stderr.isTTY && !noColor,
  };
  try {
    const { parseCommandLine } = await import("./cli/program.js");
    const parsed = parseCommandLine(argv, deps, VERSION);
    if (parsed.kind === "text") {
      await printResult(deps, parsed, output);
      return 0;
    }
    const { load, input, globals } = parsed.invocation;
    const [{ createContext }, { run }] = await Promise.all([import("./cli/context.js"), load()]);
    const context = createContext(deps, globals, (result) => printResult(deps, result, output));
    const result = await run(context, input);
    if (!result) return 0;
    await printResult(deps, result, output).catch((error: unknown) => {
      // A reader that goes away early (`meshman ... | head`) is no failure: the command itself is done.
      if (!(error instanceof Error && "code" in error && error.code === "EPIPE")) throw error;
    });
    return result.exit ?? 0;
  } catch (error) {
    // Where even the error cannot be printed, the exit status is all that is left.
    return printError(deps, error, { ...output, verbose: isGiven(argv, "--verbose") }).catch(() => 1);
  }
};
