import { Command, CommanderError, Option } from "commander";
import type { Deps } from "../deps.js";
import { MeshError } from "../errors.js";
import type { MessageKey } from "../messages/catalogue.js";
import { msg, type Translate } from "../messages/message.js";
import { NOUNS, PLAIN_COMMANDS } from "./commands.js";
import { inputOf, type Globals, type Input, type Run } from "./context.js";
import { GLOBAL_OPTIONS, setExamples, type OptionDeclaration, type VerbDeclaration } from "./declare.js";
import { raw, type Result, type Translator } from "./output.js";

const DEFAULT_TIMEOUT = 30;
/** Node's timers count in 31 bits of milliseconds. */
const MAX_SECONDS = 2_000_000;

const wholeNumber = (text: string, option: string): number => {
  const value = Number(text);
  if (!/^\d{1,7}$/.test(text) || value > MAX_SECONDS) {
    throw new MeshError("usage", msg("usage.not-whole", { option, text: JSON.stringify(text) }));
  }
  return value;
};

/** What puts the help into words. Parsing a line that asks for no help needs none. */
type Describe = (key: MessageKey) => string;
const SILENT: Describe = () => "";
const describeWith =
  (translate: Translate): Describe =>
  (key) =>
    translate({ key, values: {} });

const declareOption = ([flags, description, ...kinds]: OptionDeclaration, describe: Describe): Option => {
  const text = describe(description);
  const option = new Option(
    flags,
    text !== "" && kinds.includes("required") ? `${text} ${describe("usage.required-mark")}` : text,
  );
  if (kinds.includes("whole")) option.argParser((text: string) => wholeNumber(text, option.long ?? flags));
  if (kinds.includes("list"))
    option.argParser((text: string, before: string[] | undefined) => [...(before ?? []), text]);
  return option;
};

/** What a parsed command was, so that the caller can run it. */
export interface Invocation {
  readonly load: () => Promise<{ run: Run }>;
  readonly input: Input;
  readonly globals: Globals;
}

const addGlobals = (command: Command, hidden: boolean, describe: Describe): void => {
  for (const declaration of GLOBAL_OPTIONS) {
    const option = declareOption(declaration, describe);
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
    if (value === "") throw new MeshError("usage", msg("usage.empty-value", { option: optionName(name) }));
    return nonEmpty(value);
  };
  const timeout = typeof options["timeout"] === "number" ? options["timeout"] : DEFAULT_TIMEOUT;
  if (timeout === 0) throw new MeshError("usage", msg("usage.timeout"));
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

/** What building the tree of commands needs to know. */
interface Building {
  readonly deps: Deps;
  readonly describe: Describe;
  readonly choose: (invocation: Invocation) => void;
}

const addVerb = (parent: Command, name: string, verb: VerbDeclaration, isNamed: boolean, building: Building): void => {
  const command = parent.command(name);
  if (!isNamed) return;
  const { deps, describe, choose } = building;
  const summary = describe(verb.summary);
  command.summary(summary).description(verb.description ? describe(verb.description) : sentence(summary));
  for (const [syntax, description] of verb.arguments ?? []) command.argument(syntax, describe(description));
  for (const declaration of verb.options ?? []) command.addOption(declareOption(declaration, describe));
  addGlobals(command, true, describe);
  setExamples(command, verb.examples);
  const examples = verb.examples.map((line) => `  ${line}\n`).join("");
  command.addHelpText("after", `\n${describe("usage.examples")}\n${examples}\n${describe("usage.options-for-all")}`);
  command.action((...values: unknown[]) => {
    const options = mergedOptions(command);
    for (const [flags, , ...kinds] of verb.options ?? []) {
      const option = new Option(flags);
      if (kinds.includes("required") && options[option.attributeName()] === undefined) {
        throw new MeshError("usage", msg("usage.option-required", { option: option.long ?? flags }), {
          hint: msg("usage.for-example", { command: verb.examples[0] ?? "" }),
        });
      }
    }
    choose({ load: verb.load, input: inputOf(values, options), globals: globalsOf(deps, options) });
  });
};

const sentence = (summary: string): string => `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`;

/** True where a line asks for help, so that every command has to be described. */
const asksForHelp = (line: readonly string[]): boolean =>
  line.length === 0 || line.some((word) => word === "help" || word === "--help");

/**
 * Builds the tree of commands, described in words. Nothing of a command's own code is loaded for it.
 */
export const describeProgram = (deps: Deps, version: string, translate: Translate): Command =>
  buildProgram({ deps, describe: describeWith(translate), choose: () => undefined }, version, () => true);

/** Builds the tree; only the commands that `isNamed` get their arguments and options: the rest would cost time to start. */
const buildProgram = (building: Building, version: string, isNamed: (name: string) => boolean): Command => {
  const { describe } = building;
  const program = new Command("meshman")
    .description(describe("help.description"))
    .version(version, "--version", describe("help.version"))
    .helpOption("--help", describe("help.help-option"))
    .helpCommand("help [command]", describe("help.help-command"))
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({ writeOut: () => undefined, writeErr: () => undefined });
  addGlobals(program, false, describe);
  setExamples(program, ["meshman setup", "meshman quickstart", "meshman status --json"]);
  for (const noun of NOUNS) {
    const command = program
      .command(noun.name)
      .summary(describe(noun.summary))
      .description(noun.description ? describe(noun.description) : "");
    command.helpCommand(false);
    if (!isNamed(noun.name)) continue;
    addGlobals(command, true, describe);
    for (const [name, verb] of Object.entries(noun.verbs)) addVerb(command, name, verb, isNamed(name), building);
  }
  for (const [name, verb] of Object.entries(PLAIN_COMMANDS)) addVerb(program, name, verb, isNamed(name), building);
  return program;
};

export type Parsed = { readonly kind: "run"; readonly invocation: Invocation } | ({ readonly kind: "text" } & Result);

const help = (text: string): Parsed => ({ kind: "text", text: raw(text), value: { help: text } });

/** False where a line that begins with words names a noun, verb or command that there is not. */
const namesCommand = ([first = "", second = ""]: readonly string[]): boolean => {
  if (first === "" || first.startsWith("-") || first === "help" || Object.hasOwn(PLAIN_COMMANDS, first)) return true;
  const noun = NOUNS.find(({ name }) => name === first);
  return noun !== undefined && (second === "" || second.startsWith("-") || Object.hasOwn(noun.verbs, second));
};

const HELP_WIDTH = 100;

/** Commander's own headings of the help, by what it writes. */
const TITLES: Readonly<Record<string, MessageKey>> = {
  "Usage:": "usage.title-usage",
  "Arguments:": "usage.title-arguments",
  "Options:": "usage.title-options",
  "Commands:": "usage.title-commands",
};

/**
 * Parses a command line. Help is text, in the words of `translator`; anything wrong is a `usage` error with the nearest right
 * word as its hint.
 */
export const parseCommandLine = async (
  argv: readonly string[],
  deps: Deps,
  version: string,
  translator: Translator,
): Promise<Parsed> => {
  let chosen: Invocation | undefined;
  let printed = "";
  const describe = asksForHelp(argv) ? describeWith(await translator()) : SILENT;
  const isNamed = (name: string): boolean => describe !== SILENT || argv.includes(name);
  const program = buildProgram({ deps, describe, choose: (invocation) => (chosen = invocation) }, version, isNamed);
  const capture = (command: Command): void => {
    command
      .exitOverride()
      .configureOutput({
        writeOut: (text) => (printed += text),
        writeErr: (text) => (printed += text),
        getOutHelpWidth: () => HELP_WIDTH,
        getErrHelpWidth: () => HELP_WIDTH,
      })
      .configureHelp({ styleTitle: (title) => (TITLES[title] ? describe(TITLES[title]) : title) });
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
    if (error.code === "commander.version") return { kind: "text", text: raw(printed), value: { version } };
    const helpAsked = error.code === "commander.helpDisplayed";
    if (helpAsked || (error.code === "commander.help" && error.exitCode === 0)) return help(printed);
    throw usageError(error, argv);
  }
  if (!chosen) throw new MeshError("usage", msg("usage.no-command"), { hint: msg("usage.see-help") });
  return { kind: "run", invocation: chosen };
};

/** What commander finds wrong with a line, by its codes; the quoted part of its text is the word at fault. */
const FAULTS: Readonly<Record<string, "unknown-option" | "unknown-command" | "missing-argument" | "missing-value">> = {
  "commander.unknownOption": "unknown-option",
  "commander.unknownCommand": "unknown-command",
  "commander.missingArgument": "missing-argument",
  "commander.optionMissingArgument": "missing-value",
};

const usageError = (error: CommanderError, argv: readonly string[]): MeshError => {
  const seeHelp = { hint: msg("usage.see-help") };
  if (error.code === "commander.help") {
    const noun = NOUNS.find(({ name }) => argv.includes(name));
    if (!noun) return new MeshError("usage", msg("usage.command-needed"), seeHelp);
    return new MeshError("usage", msg("usage.verb-needed", { noun: noun.name }), {
      hint: msg("usage.one-of", { verbs: Object.keys(noun.verbs).join(", ") }),
    });
  }
  const [message = "", suggestion = ""] = error.message.split("\n");
  const nearest = /\(Did you mean (?:one of )?(.+)\?\)/.exec(suggestion)?.[1];
  const hint = nearest === undefined ? seeHelp : { hint: msg("usage.did-you-mean", { nearest }) };
  const fault = FAULTS[error.code];
  if (fault) return new MeshError("usage", msg(`usage.${fault}`, { word: /'(.*)'/s.exec(message)?.[1] ?? "" }), hint);
  if (error.code === "commander.excessArguments") return new MeshError("usage", msg("usage.too-many-words"), seeHelp);
  return new MeshError("usage", msg("usage.wrong", { text: message.replace(/^error: /, "") }), hint);
};
