import { Command, CommanderError, Option } from "commander";
import type { Deps } from "../deps.js";
import { MeshError } from "../errors.js";
import type { MessageKey } from "../messages/catalogue.js";
import { msg, type Message, type Translate } from "../messages/message.js";
import { NOUNS, PLAIN_COMMANDS } from "./commands.js";
import { GLOBAL_OPTIONS, setExamples, type OptionDeclaration, type VerbDeclaration } from "./declare.js";
import { asWhole, invocationOf, type Invocation } from "./invocation.js";
import { raw, type Result, type Translator } from "./output.js";
import { VERSION } from "../version.js";

const wholeNumber = (text: string, option: string): number => {
  const value = asWhole(text);
  if (value !== undefined) return value;
  throw new MeshError("usage", msg("usage.not-whole", { option, text: JSON.stringify(text) }));
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
    // What came before may be the false of its `--no-` form.
    option.argParser((text: string, before: unknown) => [...(Array.isArray(before) ? (before as string[]) : []), text]);
  return option;
};

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
    // Behind the arguments commander gives its own objects.
    const given = values.slice(0, verb.arguments?.length ?? 0);
    choose(invocationOf(deps, { verb, values: given, options: mergedOptions(command) }));
  });
};

const sentence = (summary: string): string => `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`;

/** True where a line asks for help, so that every command has to be described. */
const asksForHelp = (line: readonly string[]): boolean =>
  line.length === 0 || line.some((word) => word === "help" || word === "--help");

/**
 * Builds the tree of commands, described in words. Nothing of a command's own code is loaded for it.
 */
export const describeProgram = (deps: Deps, translate: Translate): Command =>
  buildProgram({ deps, describe: describeWith(translate), choose: () => undefined }, () => true);

/** Builds the tree; only the commands that `isNamed` get their arguments and options: the rest would cost time to start. */
const buildProgram = (building: Building, isNamed: (name: string) => boolean): Command => {
  const { describe } = building;
  const program = new Command("meshman")
    .description(describe("help.description"))
    .version(VERSION, "--version", describe("help.version"))
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
  translator: Translator,
): Promise<Parsed> => {
  let chosen: Invocation | undefined;
  let printed = "";
  let failed: Command | undefined;
  const describe = asksForHelp(argv) ? describeWith(await translator()) : SILENT;
  const isNamed = (name: string): boolean => describe !== SILENT || argv.includes(name);
  const program = buildProgram({ deps, describe, choose: (invocation) => (chosen = invocation) }, isNamed);
  const capture = (command: Command): void => {
    command
      .exitOverride((error) => {
        failed = command;
        throw error;
      })
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
    // Commander's own help command goes one level deep: `help profile create` would be about `profile`. Options say nothing
    // here, and one without its value would take the `--help` for it.
    const [first, ...rest] = argv;
    const line =
      first === "help" && rest.length > 0 ? [...rest.filter((word) => !word.startsWith("-")), "--help"] : argv;
    // Help on what there is not is an error: commander would show the help of what is around it.
    program.parse(namesCommand(line) ? line : line.filter((word) => word !== "--help"), { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === "commander.version") return { kind: "text", text: raw(printed), value: { version: VERSION } };
    const helpAsked = error.code === "commander.helpDisplayed";
    if (helpAsked || (error.code === "commander.help" && error.exitCode === 0)) return help(printed);
    throw usageError(error, failed ?? program);
  }
  if (!chosen) throw new MeshError("usage", msg("usage.no-command"), seeHelp(program));
  return { kind: "run", invocation: chosen };
};

/** What commander finds wrong with a line, by its codes; the quoted part of its text is the word at fault. */
const FAULTS: Readonly<Record<string, "unknown-option" | "unknown-command" | "missing-argument" | "missing-value">> = {
  "commander.unknownOption": "unknown-option",
  "commander.unknownCommand": "unknown-command",
  "commander.missingArgument": "missing-argument",
  "commander.optionMissingArgument": "missing-value",
};

/** The words that name a command, the program's among them. */
const fullName = (command: Command): string =>
  command.parent ? `${fullName(command.parent)} ${command.name()}` : command.name();

const seeHelp = (command: Command): { hint: Message } => ({
  hint: msg("usage.see-help", { command: `${fullName(command)} --help` }),
});

/** What commander finds wrong, said by the command that it was at. */
const usageError = (error: CommanderError, command: Command): MeshError => {
  if (error.code === "commander.help") {
    const noun = NOUNS.find(({ name }) => name === command.name());
    if (!noun) return new MeshError("usage", msg("usage.command-needed"), seeHelp(command));
    return new MeshError("usage", msg("usage.verb-needed", { noun: noun.name }), {
      hint: msg("usage.one-of", { verbs: Object.keys(noun.verbs).join(", ") }),
    });
  }
  const [message = "", suggestion = ""] = error.message.split("\n");
  const nearest = /\(Did you mean (?:one of )?(.+)\?\)/.exec(suggestion)?.[1];
  const hint = nearest === undefined ? seeHelp(command) : { hint: msg("usage.did-you-mean", { nearest }) };
  const fault = FAULTS[error.code];
  if (fault) return new MeshError("usage", msg(`usage.${fault}`, { word: /'(.*)'/s.exec(message)?.[1] ?? "" }), hint);
  if (error.code === "commander.excessArguments") return new MeshError("usage", msg("usage.too-many-words"), hint);
  return new MeshError("usage", msg("usage.wrong", { text: message.replace(/^error: /, "") }), hint);
};
