import type { Deps } from "../deps.js";
import { MeshError } from "../errors.js";
import { homePath, openHome, type Home } from "../keystore/home.js";
import type { Keystore } from "../keystore/keystore.js";
import { msg, type Message } from "../messages/message.js";
import { askWith, type Ask } from "./ask.js";
import { printable, say, type Result, type Translator } from "./output.js";

/** The options that every command takes, before the noun or after the verb. */
export interface Globals {
  readonly json: boolean;
  readonly home: string | undefined;
  readonly profile: string | undefined;
  readonly account: string | undefined;
  readonly portal: string | undefined;
  readonly allowHttp: boolean;
  readonly acceptGap: boolean;
  readonly ca: string | undefined;
  readonly passphraseFile: string | undefined;
  readonly passphraseFd: number | undefined;
  readonly keystoreKeyFile: string | undefined;
  readonly keystoreKeyFd: number | undefined;
  readonly input: boolean;
  readonly yes: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** Per request, in milliseconds. */
  readonly timeout: number;
  readonly language: string | undefined;
  readonly color: boolean;
}

/** What a command was given: arguments by position, options by their camel-case name. */
export interface Input {
  argument(index: number): string | undefined;
  arguments(index: number): readonly string[];
  text(name: string): string | undefined;
  list(name: string): readonly string[];
  flag(name: string): boolean;
  /** True where an option was denied, as in `--no-grant`. */
  denied(name: string): boolean;
  whole(name: string): number | undefined;
}

/** Everything a command works with. */
export interface Context {
  readonly deps: Deps;
  readonly globals: Globals;
  readonly home: Home;
  /** True where a question can be asked: a terminal on both ends, and nobody said otherwise. */
  readonly canAsk: boolean;
  /** Prints a result now: for commands that go on after it. */
  readonly emit: (result: Result) => Promise<void>;
  /** A message for a person, on standard error, unless --quiet. */
  readonly note: (message: Message) => Promise<void>;
  /** More of the same, with --verbose only. */
  readonly detail: (message: Message) => Promise<void>;
  /** Questions for a person, on standard error. Look at `canAsk` first. */
  readonly ask: Ask;
  /** The words of the user's language, loaded when there is something to say. */
  readonly translator: Translator;
  /** Notes that are to stand behind the result. */
  readonly later: Message[];
  /** What has been unlocked: a passphrase is asked for once, also where one command does the work of several. */
  readonly unlocked: { keystore?: Keystore };
}

/** The arguments and options of a command line, or of one command that is part of another. */
export const inputOf = (values: readonly unknown[], options: Readonly<Record<string, unknown>>): Input => ({
  argument: (index) => {
    const value = values[index];
    return typeof value === "string" ? value : undefined;
  },
  arguments: (index) => {
    const value = values[index];
    return Array.isArray(value) ? value.map(String) : typeof value === "string" ? [value] : [];
  },
  text: (name) => {
    const value = options[name];
    return typeof value === "string" ? value : undefined;
  },
  list: (name) => {
    const value = options[name];
    return Array.isArray(value) ? value.map(String) : [];
  },
  flag: (name) => options[name] !== undefined && options[name] !== false,
  denied: (name) => options[name] === false,
  whole: (name) => {
    const value = options[name];
    return typeof value === "number" ? value : undefined;
  },
});

/** What a verb's file exports. `undefined` means that all output was emitted on the way. */
export type Run = (context: Context, input: Input) => Promise<Result | undefined>;

const isSet = (value: string | undefined): boolean =>
  value !== undefined && value !== "" && value !== "0" && value !== "false";

export const createContext = (
  deps: Deps,
  globals: Globals,
  emit: (result: Result) => Promise<void>,
  translator: Translator,
): Context => {
  let home: Home | undefined;
  const write = async (message: Message): Promise<void> => {
    await say(deps, `${printable((await translator())(message))}\n`);
  };
  return {
    deps,
    globals,
    // Commands such as `udf` work without a home, so it is looked for when it is used.
    get home() {
      return (home ??= openHome(deps, globals.home));
    },
    get canAsk() {
      return globals.input && deps.stdinIsTTY && deps.stderr.isTTY && !isSet(deps.env["CI"]);
    },
    emit,
    ask: askWith(deps, translator),
    translator,
    later: [],
    unlocked: {},
    note: async (message) => {
      if (!globals.quiet) await write(message);
    },
    detail: async (message) => {
      if (globals.verbose && !globals.quiet) await write(message);
    },
  };
};

/** The same context under other options. (A plain copy would look for the home at once, and not when it is used.) */
export const withGlobals = (context: Context, changed: Partial<Globals>): Context =>
  Object.create(context, {
    globals: { value: { ...context.globals, ...changed }, enumerable: true },
  }) as Context;

/** The path of the portal that `--portal local` names: this home's own. */
export const localPortalPath = (context: Context): string =>
  `${homePath(context.deps, context.globals.home)}/local-portal.sqlite`;

/** An error for a question that cannot be asked: `what` is needed, and an option gives it. */
export const inputRequired = (what: Message, option: string): MeshError =>
  new MeshError("input-required", msg("input.required", { what }), { hint: msg("input.required.hint", { option }) });

/** Asks for a plain yes. `--yes` answers it; without a terminal it is an error that names `--yes`. */
export const confirmed = async (context: Context, question: Message): Promise<void> => {
  if (context.globals.yes) return;
  if (!context.canAsk) throw inputRequired(msg("input.confirmation"), "--yes");
  if (!(await context.ask.confirm(question, false))) throw new MeshError("interrupted", msg("input.nothing-changed"));
};
