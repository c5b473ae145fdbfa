import { Command, CommanderError, Option } from "commander";
import type { Deps } from "../deps.js";
import { MeshError } from "../errors.js";
import { NOUNS, PLAIN_COMMANDS } from "./commands.js";
import { inputOf, type Globals, type Input, type Run } from "./context.js";
import { GLOBAL_OPTIONS, setExamples, type OptionDeclaration, type VerbDeclaration } from "./declare.js";

const DEFAULT_TIMEOUT = 30;
/** Node's timers count in 31 bits of milliseconds. */
const MAX_SECONDS = 2_000_000;

const wholeNumber = (text: string, option: string): number => {
  const value = Number(text);
  if (!/^\d{1,7}$/.test(text) || value > MAX_SECONDS) {
    throw new MeshError("usage", `The value of ${option}, ${JSON.stringify(text)}, is not a whole number in range.`);
  }
  return value;
};

const declareOption = ([flags, description, kind]: OptionDeclaration): Option => {
  const option = new Option(flags, description);
  if (kind === "whole") option.argParser((text: string) => wholeNumber(text, option.long ?? flags));
  if (kind === "list") option.argParser((text: string, before: string[] | undefined) => [...(before ?? []), text]);
  return option;
};

/** What a parsed command was, so that the caller can run it. */
export interface Invocation {
  readonly load: () => Promise<{ run: Run }>;
  readonly input: Input;
  readonly globals: Globals;
}

const addGlobals = (command: Command, hidden: boolean): void => {
  for (const declaration of GLOBAL_OPTIONS) {
    const option = declareOption(declaration);
    if (hidden) option.hideHelp();
    command.addOption(option);
  }
};

/** The options as they were given anywhere on the line: behind the verb, the noun or the program's name, in this order. */
const mergedOptions = (command: Command): Record<string, unknown> => {
  const merged: Record<string, unknown> = {};
  for (let level: Command | null = command; level; level = level.parent) {
    for (const [name, value] of Object.entries(level.opts())) {
      // A `--no-` option is true by default on every level; false on any of them counts.
      if (merged[name] === undefined || value === false) merged[name] = value;
    }
  }
  return merged;
};

/** How an option of this camel-case name is written. */
const optionName = (name: string): string => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

const nonEmpty = (text: unknown): string | undefined => (typeof text === "string" && text !== "" ? text : undefined);

const globalsOf = (deps: Deps, options: Readonly<Record<string, unknown>>): Globals => {
  const { env } = deps;
  const text = (name: string): string | undefined => {
    const value = options[name];
    if (value === "") throw new MeshError("usage", `The value of ${optionName(name)} is empty.`);
    return nonEmpty(value);
  };
  const timeout = typeof options["timeout"] === "number" ? options["timeout"] : DEFAULT_TIMEOUT;
  if (timeout === 0) throw new MeshError("usage", "The time limit must be one second at least.");
  return {
    json: options["json"] === true,
    home: text("home"),
    profile: text("profile") ?? nonEmpty(env["MESHMAN_PROFILE"]),
    account: text("account"),
    portal: text("portal") ?? nonEmpty(env["MESHMAN_PORTAL"]),
    allowHttp: options["allowHttp"] === true,
    acceptGap: options["acceptGap"] === true,
    ca: text("ca"),
    passphraseFile: text("passphraseFile") ?? nonEmpty(env["MESHMAN_PASSPHRASE_FILE"]),
    passphraseFd: typeof options["passphraseFd"] === "number" ? options["passphraseFd"] : undefined,
    input: options["input"] !== false,
    yes: options["yes"] === true,
    quiet: options["quiet"] === true,
    verbose: options["verbose"] === true,
    timeout: timeout * 1000,
    language: text("language"),
    color: options["color"] !== false && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb",
  };
};

/** Options that a verb needs, though an option is by its nature optional. */
const REQUIRED = /\(required\)$/;

const addVerb = (
  parent: Command,
  name: string,
  verb: VerbDeclaration,
  isNamed: boolean,
  deps: Deps,
  choose: (invocation: Invocation) => void,
): void => {
  const command = parent.command(name);
  if (!isNamed) return;
  command.summary(verb.summary).description(verb.description ?? sentence(verb.summary));
  for (const [syntax, description] of verb.arguments ?? []) command.argument(syntax, description);
  for (const declaration of verb.options ?? []) command.addOption(declareOption(declaration));
  addGlobals(command, true);
  setExamples(command, verb.examples);
  command.addHelpText(
    "after",
    `\nExamples:\n${verb.examples.map((line) => `  ${line}\n`).join("")}\nOptions for every command: meshman --help`,
  );
  command.action((...values: unknown[]) => {
    const options = mergedOptions(command);
    for (const [flags, description] of verb.options ?? []) {
      const option = new Option(flags);
      if (REQUIRED.test(description) && options[option.attributeName()] === undefined) {
        throw new MeshError("usage", `The option ${option.long ?? flags} is required.`, {
          hint: verb.examples[0] ?? "",
        });
      }
    }
    choose({ load: verb.load, input: inputOf(values, options), globals: globalsOf(deps, options) });
  });
};

const sentence = (summary: string): string => `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`;

/**
 * Builds the tree of commands. Nothing of a command's own code is loaded for it. Given a command line, only the commands that
 * it names get their arguments and options, unless it asks for help: the rest would cost a tenth of the time to start.
 */
export const buildProgram = (
  deps: Deps,
  version: string,
  choose: (invocation: Invocation) => void,
  line?: readonly string[],
): Command => {
  const isWhole = line === undefined || line.length === 0 || line.some((word) => word === "help" || word === "--help");
  const isNamed = (name: string): boolean => isWhole || line.includes(name);
  const program = new Command("meshman")
    .description(
      "Manages a profile of the Mathematical Mesh: an identity with a key of its own for every device, which survives the loss " +
        "of all of them.",
    )
    .version(version, "--version", "print the version")
    .helpOption("--help", "show help")
    .helpCommand("help [command]", "show help for a command")
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({ writeOut: () => undefined, writeErr: () => undefined });
  addGlobals(program, false);
  setExamples(program, ["meshman setup", "meshman quickstart", "meshman status --json"]);
  for (const noun of NOUNS) {
    const command = program
      .command(noun.name)
      .summary(noun.summary)
      .description(noun.description ?? "");
    command.helpCommand(false);
    if (!isNamed(noun.name)) continue;
    addGlobals(command, true);
    for (const [name, verb] of Object.entries(noun.verbs)) addVerb(command, name, verb, isNamed(name), deps, choose);
  }
  for (const [name, verb] of Object.entries(PLAIN_COMMANDS)) addVerb(program, name, verb, isNamed(name), deps, choose);
  return program;
};

export type Parsed =
  | { readonly kind: "run"; readonly invocation: Invocation }
  | { readonly kind: "text"; readonly text: string; readonly value: object };

const help = (text: string): Parsed => ({ kind: "text", text, value: { help: text } });

/** False where a line that begins with words names a noun, verb or command that there is not. */
const namesCommand = ([first = "", second = ""]: readonly string[]): boolean => {
  if (first === "" || first.startsWith("-") || first === "help" || Object.hasOwn(PLAIN_COMMANDS, first)) return true;
  const noun = NOUNS.find(({ name }) => name === first);
  return noun !== undefined && (second === "" || second.startsWith("-") || Object.hasOwn(noun.verbs, second));
};

/** Parses a command line. Help is text; anything wrong is a `usage` error with the nearest right word as its hint. */
export const parseCommandLine = (argv: readonly string[], deps: Deps, version: string): Parsed => {
  let chosen: Invocation | undefined;
  let printed = "";
  const program = buildProgram(deps, version, (invocation) => (chosen = invocation), argv);
  const capture = (command: Command): void => {
    command.exitOverride().configureOutput({
      writeOut: (text) => (printed += text),
      writeErr: (text) => (printed += text),
      getOutHelpWidth: () => 100,
      getErrHelpWidth: () => 100,
    });
    command.commands.forEach(capture);
  };
  capture(program);
  try {
    if (argv.length === 0) return help(program.helpInformation());
    // Commander's own help command goes one level deep: `help profile create` would be about `profile`.
    const [first, ...rest] = argv;
    const line = first === "help" && rest.length > 0 ? [...rest, "--help"] : argv;
    // Help on what there is not is an error: commander would show the help of what is around it.
    program.parse(namesCommand(line) ? line : line.filter((word) => word !== "--help"), { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === "commander.version") return { kind: "text", text: printed, value: { version } };
    const helpAsked = error.code === "commander.helpDisplayed";
    if (helpAsked || (error.code === "commander.help" && error.exitCode === 0)) return help(printed);
    throw usageError(error, argv);
  }
  if (!chosen) throw new MeshError("usage", "There is no such command.", { hint: "See `meshman --help`." });
  return { kind: "run", invocation: chosen };
};

const usageError = (error: CommanderError, argv: readonly string[]): MeshError => {
  if (error.code === "commander.help") {
    const noun = NOUNS.find(({ name }) => argv.includes(name));
    return new MeshError("usage", noun ? `\`meshman ${noun.name}\` needs a verb.` : "A command is needed.", {
      hint: noun ? `One of: ${Object.keys(noun.verbs).join(", ")}.` : "See `meshman --help`.",
    });
  }
  const [message = "", suggestion] = error.message.replace(/^error: /, "").split("\n");
  const text = message.charAt(0).toUpperCase() + message.slice(1);
  return new MeshError("usage", text.endsWith(".") ? text : `${text}.`, {
    hint: suggestion === undefined ? "See `meshman --help`." : suggestion.replace(/^\(|\)$/g, ""),
  });
};
