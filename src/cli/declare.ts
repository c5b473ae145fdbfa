import type { Command } from "commander";
import type { Run } from "./context.js";

/** What a verb is: its arguments, options, help and examples. The code behind it is loaded when it runs. */
export interface VerbDeclaration {
  /** As commander takes them: `<address>`, `[code]`, `<file...>`. */
  readonly arguments?: readonly (readonly [syntax: string, description: string])[];
  readonly options?: readonly OptionDeclaration[];
  readonly summary: string;
  readonly description?: string;
  readonly examples: readonly string[];
  readonly load: () => Promise<{ run: Run }>;
}

export type OptionDeclaration = readonly [flags: string, description: string, kind?: "list" | "whole"];

/** A noun with its verbs, in the order of the help. */
export interface NounDeclaration {
  readonly name: string;
  readonly summary: string;
  readonly description?: string;
  readonly verbs: Readonly<Record<string, VerbDeclaration>>;
}

/** The options that every command takes. */
export const GLOBAL_OPTIONS: readonly OptionDeclaration[] = [
  ["--json", "print one JSON document, whatever happens"],
  ["--home <dir>", "folder of keys and state (MESHMAN_HOME)"],
  ["--profile <name>", "profile to use, by name or UDF (MESHMAN_PROFILE)"],
  ["--account <address>", "account to use, where a profile has several"],
  ["--portal <url>", "portal: https://..., http://..., local or file:PATH (MESHMAN_PORTAL)"],
  ["--allow-http", "let http:// portals be other than this machine"],
  ["--accept-gap", "go on where a portal cannot show the versions in between"],
  ["--ca <file>", "certificates to trust for https, as PEM"],
  ["--passphrase-file <path>", "file that holds the passphrase (MESHMAN_PASSPHRASE_FILE)"],
  ["--passphrase-fd <n>", "file descriptor to read the passphrase from", "whole"],
  ["--no-input", "never ask; fail with exit status 2 instead"],
  ["--yes", "answer yes to plain confirmations"],
  ["--quiet", "no messages on standard error but errors"],
  ["--verbose", "say more on standard error"],
  ["--timeout <seconds>", "time limit of one request (default: 30)", "whole"],
  ["--language <tag>", "language of a portal's explanations (default: from the environment)"],
  ["--no-color", "no colour (NO_COLOR)"],
];

/** Examples and declared options of commands, for help and manual. */
const examples = new WeakMap<Command, readonly string[]>();
export const setExamples = (command: Command, lines: readonly string[]): void => void examples.set(command, lines);
export const examplesOf = (command: Command): readonly string[] => examples.get(command) ?? [];
