import type { Deps } from "../deps.js";
import { MeshError } from "../errors.js";
import { findLanguage, LANGUAGES } from "../messages/language.js";
import { msg } from "../messages/message.js";
import { inputOf, type Globals, type Input, type Run } from "./context.js";
import type { VerbDeclaration } from "./declare.js";
import { optionInvalid } from "./input.js";
import { languageTag } from "./language.js";

const DEFAULT_TIMEOUT = 30;
/** Node's timers count in 31 bits of milliseconds. */
const MAX_SECONDS = 2_000_000;

/** What a command line says: a verb, its arguments, and options by their camel-case names, those of every command among them. */
export interface Line {
  readonly verb: VerbDeclaration;
  readonly values: readonly unknown[];
  readonly options: Readonly<Record<string, unknown>>;
}

/** What a parsed command was, so that the caller can run it. */
export interface Invocation {
  readonly load: () => Promise<{ run: Run }>;
  readonly input: Input;
  readonly globals: Globals;
}

/** The number that an option was given, or undefined where its value is none. */
export const asWhole = (text: string): number | undefined => {
  const value = Number(text);
  return /^\d{1,7}$/.test(text) && value <= MAX_SECONDS ? value : undefined;
};

/** The long name in the flags of an option, as in `--name <name>`. */
export const longName = (flags: string): string => flags.split(" ", 1)[0] ?? flags;

/** The name under which the value of an option is kept: `--no-color` is about `color`. */
export const attributeOf = (long: string): string =>
  long.replace(/^--(no-)?/, "").replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());

/** How an option of this camel-case name is written. */
const optionName = (name: string): string => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

const nonEmpty = (text: unknown): string | undefined => (typeof text === "string" && text !== "" ? text : undefined);

/** The value of `--language`. Throws `usage` for a language that no messages are in, which a variable may name. */
const checkedLanguage = (text: string | undefined): string | undefined => {
  if (text === undefined || findLanguage([languageTag(text) ?? ""])) return text;
  throw optionInvalid("--language", text, msg("usage.one-of", { verbs: LANGUAGES.join(", ") }));
};

const globalsOf = (deps: Deps, options: Readonly<Record<string, unknown>>): Globals => {
  const { env } = deps;
  const text = (name: string): string | undefined => {
    const value = options[name];
    if (value === "") throw new MeshError("usage", msg("usage.empty-value", { option: optionName(name) }));
    return nonEmpty(value);
  };
  // Of two options one would be passed over without a word. A variable is what holds unless an option says otherwise.
  for (const name of ["passphrase", "keystoreKey"]) {
    const both = [`${name}File`, `${name}Fd`];
    if (both.every((each) => options[each] !== undefined)) {
      const [first = "", second = ""] = both.map(optionName);
      throw new MeshError("usage", msg("usage.one-place", { first, second }));
    }
  }
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
    keystoreKeyFile: text("keystoreKeyFile") ?? nonEmpty(env["MESHMAN_KEYSTORE_KEY_FILE"]),
    keystoreKeyFd: typeof options["keystoreKeyFd"] === "number" ? options["keystoreKeyFd"] : undefined,
    input: options["input"] !== false,
    yes: options["yes"] === true,
    quiet: options["quiet"] === true,
    verbose: options["verbose"] === true,
    timeout: timeout * 1000,
    language: checkedLanguage(text("language")),
    color: options["color"] !== false && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb",
  };
};

/** What is to be run, by what a line says. Throws `usage` where an option is missing or its value is none. */
export const invocationOf = (deps: Deps, { verb, values, options }: Line): Invocation => {
  for (const [flags, , ...kinds] of verb.options ?? []) {
    const long = longName(flags);
    if (kinds.includes("required") && options[attributeOf(long)] === undefined) {
      throw new MeshError("usage", msg("usage.option-required", { option: long }), {
        hint: msg("usage.for-example", { command: verb.examples[0] ?? "" }),
      });
    }
  }
  return { load: verb.load, input: inputOf(values, options), globals: globalsOf(deps, options) };
};
