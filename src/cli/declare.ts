import type { Command } from "commander";
import type { MessageKey } from "../messages/catalogue.js";
import type { Run } from "./context.js";

/** What a verb is: its arguments, options, help and examples. The code behind it is loaded when it runs. */
export interface VerbDeclaration {
  /** As commander takes them: `<address>`, `[code]`, `<file...>`. */
  readonly arguments?: readonly (readonly [syntax: string, description: MessageKey])[];
  readonly options?: readonly OptionDeclaration[];
  readonly summary: MessageKey;
  readonly description?: MessageKey;
  readonly examples: readonly string[];
  readonly load: () => Promise<{ run: Run }>;
}

/** `list` for one that may be repeated, `whole` for a number, `required` for one that a verb cannot do without. */
export type OptionKind = "list" | "whole" | "required";

/** An option as commander takes it, and what the help says of it. */
export type OptionDeclaration = readonly [flags: string, description: MessageKey, ...kinds: OptionKind[]];

/** A noun with its verbs, in the order of the help. */
export interface NounDeclaration {
  readonly name: string;
  readonly summary: MessageKey;
  readonly description?: MessageKey;
  readonly verbs: Readonly<Record<string, VerbDeclaration>>;
}

/** The options that every command takes. */
export const GLOBAL_OPTIONS: readonly OptionDeclaration[] = [
  ["--json", "help.option.json"],
  ["--home <dir>", "help.option.home"],
  ["--profile <name>", "help.option.profile"],
  ["--account <address>", "help.option.account"],
  ["--portal <url>", "help.option.portal"],
  ["--allow-http", "help.option.allow-http"],
  ["--accept-gap", "help.option.accept-gap"],
  ["--ca <file>", "help.option.ca"],
  ["--passphrase-file <path>", "help.option.passphrase-file"],
  ["--passphrase-fd <n>", "help.option.passphrase-fd", "whole"],
  ["--keystore-key-file <path>", "help.option.keystore-key-file"],
  ["--keystore-key-fd <n>", "help.option.keystore-key-fd", "whole"],
  ["--no-input", "help.option.no-input"],
  ["--yes", "help.option.yes"],
  ["--quiet", "help.option.quiet"],
  ["--verbose", "help.option.verbose"],
  ["--timeout <seconds>", "help.option.timeout", "whole"],
  ["--language <tag>", "help.option.language"],
  ["--no-color", "help.option.no-color"],
];

/** Examples and declared options of commands, for help and manual. */
const examples = new WeakMap<Command, readonly string[]>();
export const setExamples = (command: Command, lines: readonly string[]): void => void examples.set(command, lines);
export const examplesOf = (command: Command): readonly string[] => examples.get(command) ?? [];
