import type { Deps } from "./deps.js";
import { VERSION } from "./version.js";

/**
 * Runs one command line and gives its exit status. All output goes through `deps`: the result to standard output, everything
 * else to standard error. Never throws.
 */
export const main = async (argv: readonly string[], deps: Deps): Promise<number> => {
  if (argv.length === 1 && argv[0] === "--version") {
    await deps.stdout.write(`${VERSION}\n`);
    return 0;
  }
  // Behind this import is everything, so that asking for the version loads nothing.
  const { runCommandLine } = await import("./cli/run.js");
  return runCommandLine(argv, deps, VERSION);
};
