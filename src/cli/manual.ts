import type { Command, Option } from "commander";
import type { Deps } from "../deps.js";
import { GLOBAL_OPTIONS, examplesOf } from "./declare.js";
import { PLAIN_COMMANDS } from "./commands.js";
import type { Translate } from "../messages/message.js";
import { describeProgram } from "./program.js";
import { VERSION } from "../version.js";

const EXIT_STATUS: readonly (readonly [number, string])[] = [
  [0, "done"],
  [1, "unexpected failure"],
  [2, "wrong usage, or input that cannot be asked for"],
  [3, "no such profile, account, device or record"],
  [4, "locked, or wrong passphrase"],
  [5, "refused by the portal or by policy"],
  [6, "portal unreachable or timed out"],
  [7, "verification failed: signature, fingerprint, rollback, fork, share"],
  [8, "still pending"],
  [130, "interrupted"],
];

const FILES: readonly (readonly [string, string])[] = [
  ["keystore.json", "private keys, each encrypted; what they are for is readable"],
  ["keystore.key", "what opens the keystore, where it is protected by a key file and by none elsewhere"],
  ["pins.json", "the newest version seen of every profile, and what each portal can do"],
  ["profiles/UDF.json", "device, accounts, the newest verified record, unfinished work"],
  ["preferences.json", "the default profile"],
  ["local-portal.sqlite", "the portal that --portal local means"],
];

const ENVIRONMENT: readonly (readonly [string, string])[] = [
  ["MESHMAN_HOME", "as --home"],
  ["MESHMAN_PROFILE", "as --profile"],
  ["MESHMAN_PORTAL", "as --portal"],
  ["MESHMAN_PORTAL_CONFIG", "as --config of meshman portal serve and of the other commands at a portal's store"],
  ["MESHMAN_PASSPHRASE_FILE", "as --passphrase-file"],
  ["MESHMAN_KEYSTORE_KEY_FILE", "as --keystore-key-file"],
  [
    "DBUS_SESSION_BUS_ADDRESS, XDG_RUNTIME_DIR",
    "where the keyring of the system is found, for a keystore that is protected by it",
  ],
  ["CI", "when set, nothing is ever asked, as with --no-input"],
  ["NO_COLOR", "as --no-color"],
  ["LC_ALL, LC_MESSAGES, LANG", "language of messages, where --language is not given"],
];

/** Text as roff takes it: no character of it can be mistaken for a command of roff's own. */
const roff = (text: string): string =>
  text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll(/^([.'])/gm, "\\&$1")
    .replaceAll(/`([^`]*)`/g, "\\fB$1\\fR");

const section = (title: string, body: string): string => (body === "" ? "" : `.SH ${title}\n${body}`);
const item = (term: string, text: string): string => `.TP\n\\fB${roff(term)}\\fR\n${roff(text)}\n`;
const items = (rows: readonly (readonly [string | number, string])[]): string =>
  rows.map(([term, text]) => item(String(term), text)).join("");
const example = (lines: readonly string[]): string =>
  lines.length === 0 ? "" : `.nf\n${lines.map((line) => `${roff(line)}\n`).join("")}.fi\n`;

const options = (command: Command): readonly Option[] =>
  command.options.filter(({ hidden, long }) => !hidden && long !== "--help" && long !== "--version");

const synopsis = (path: string, command: Command): string => {
  const words = command.registeredArguments.map((argument) => {
    const name = `${argument.name()}${argument.variadic ? "..." : ""}`;
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  return [path, ...(options(command).length > 0 ? ["[options]"] : []), ...words].join(" ");
};

const describeVerb = (path: string, command: Command): string => {
  const rows: (readonly [string, string])[] = [
    ...command.registeredArguments.map((argument) => [argument.name(), argument.description] as const),
    ...options(command).map((option) => [option.flags, option.description] as const),
  ];
  return (
    `.SS ${roff(synopsis(path, command))}\n${roff(command.description())}\n` +
    items(rows) +
    `.PP\n` +
    example(examplesOf(command))
  );
};

const page = (name: string, summary: string, body: string): string =>
  `.TH ${name.toUpperCase()} 1 "" "meshman ${VERSION}" "User Commands"\n` +
  section("NAME", `${roff(`${name} - ${summary}`)}\n`) +
  body;

/** The manual: a page for the program and one for every noun, by file name, as roff, in the words of `translate`. */
export const manualPages = (deps: Deps, translate: Translate): ReadonlyMap<string, string> => {
  const program = describeProgram(deps, translate);
  const nouns = program.commands.filter((command) => !(command.name() in PLAIN_COMMANDS));
  const plain = program.commands.filter((command) => command.name() in PLAIN_COMMANDS);
  const pages = new Map<string, string>();
  pages.set(
    "meshman.1",
    page(
      "meshman",
      "profile manager of the Mathematical Mesh",
      section("SYNOPSIS", `${roff("meshman NOUN VERB [options] [arguments]")}\n`) +
        section("DESCRIPTION", `${roff(program.description())}\n`) +
        section(
          "NOUNS",
          items(nouns.map((noun) => [`meshman ${noun.name()}`, `${noun.summary()}; see meshman-${noun.name()}(1)`])),
        ) +
        section("COMMANDS", plain.map((command) => describeVerb(`meshman ${command.name()}`, command)).join("")) +
        section(
          "OPTIONS",
          `${roff("These are taken in front of the noun or behind the verb.")}\n${items(GLOBAL_OPTIONS.map(([flags, key]) => [flags, translate({ key, values: {} })]))}`,
        ) +
        section(
          "OUTPUT",
          `${roff("Standard output carries the result alone; messages and questions go to standard error. With --json standard output is exactly one JSON document, for every outcome: the result, or an object with the member error, which has code, message and where there is one hint.")}\n`,
        ) +
        section("EXIT STATUS", items(EXIT_STATUS)) +
        section("ENVIRONMENT", items(ENVIRONMENT)) +
        section(
          "FILES",
          `${roff("In the home folder: ~/.config/meshman on Linux, ~/Library/Application Support/meshman on macOS, %APPDATA%\\meshman on Windows.")}\n${items(FILES)}`,
        ) +
        section("EXAMPLES", example(examplesOf(program))),
    ),
  );
  for (const noun of nouns) {
    const name = `meshman-${noun.name()}`;
    pages.set(
      `${name}.1`,
      page(
        name,
        noun.summary(),
        section("SYNOPSIS", `${roff(`meshman ${noun.name()} VERB [options] [arguments]`)}\n`) +
          section("DESCRIPTION", `${roff(noun.description())}\n`) +
          section(
            "VERBS",
            noun.commands.map((verb) => describeVerb(`meshman ${noun.name()} ${verb.name()}`, verb)).join(""),
          ) +
          section("SEE ALSO", `${roff("meshman(1), for the options of every command, exit status and files")}\n`),
      ),
    );
  }
  return pages;
};
