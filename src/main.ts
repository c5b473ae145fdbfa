import { createContext } from "./cli/context.js";
import { printError, printResult, type OutputOptions } from "./cli/output.js";
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
  const plain =
    !deps.stderr.isTTY ||
    isGiven(argv, "--no-color") ||
    (deps.env["NO_COLOR"] ?? "") !== "" ||
    deps.env["TERM"] === "dumb";
  const output: OutputOptions = { json: isGiven(argv, "--json"), color: !plain };
  try {
    if (argv.length === 1 && argv[0] === "--version") {
      await deps.stdout.write(`${VERSION}\n`);
      return 0;
    }
    const { parseCommandLine } = await import("./cli/program.js");
    const parsed = parseCommandLine(argv, deps, VERSION);
    if (parsed.kind === "text") {
      await deps.stdout.write(parsed.text);
      return 0;
    }
    const { load, input, globals } = parsed.invocation;
    const context = createContext(deps, globals, (result) => printResult(deps, result, output));
    const { run } = await load();
    const result = await run(context, input);
    if (!result) return 0;
    await printResult(deps, result, output);
    return result.exit ?? 0;
  } catch (error) {
    return printError(deps, error, { ...output, verbose: isGiven(argv, "--verbose") });
  }
};
