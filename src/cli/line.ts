import { NOUNS, PLAIN_COMMANDS } from "./commands.js";
import { GLOBAL_OPTIONS, type OptionDeclaration, type VerbDeclaration } from "./declare.js";
import { asWhole, attributeOf, longName, type Line } from "./invocation.js";

// Commander takes as long to load as many a command takes to run. So lines that are as they should be are read here, by the
// same declarations and just as commander reads them; the others are commander's, which says what is wrong with them.

/** The values that options were given, by the options' camel-case names. */
type Options = Record<string, unknown>;

/** The words of a line without the options that were understood: those in front of the first other option, and all from there on. */
interface Rest {
  readonly operands: readonly string[];
  readonly unknown: readonly string[];
}

const isOption = (word: string): boolean => word.length > 1 && word.startsWith("-");

/** Gives an option its value: text, or undefined where it has none. False where it takes no such value. */
const assign = ([flags, , ...kinds]: OptionDeclaration, text: string | undefined, options: Options): boolean => {
  const long = longName(flags);
  const name = attributeOf(long);
  if (text === undefined) options[name] = !long.startsWith("--no-");
  else if (kinds.includes("list")) {
    const before = options[name];
    options[name] = [...(Array.isArray(before) ? (before as unknown[]) : []), text];
  } else if (kinds.includes("whole")) {
    const value = asWhole(text);
    if (value === undefined) return false;
    options[name] = value;
  } else options[name] = text;
  return true;
};

/** Understands the declared options, wherever they stand. Undefined where one of them has not the value that it needs. */
const takeOptions = (
  words: readonly string[],
  declarations: readonly OptionDeclaration[],
  options: Options,
): Rest | undefined => {
  const known = new Map<string, OptionDeclaration>();
  for (const declaration of declarations) {
    const long = longName(declaration[0]);
    // What can be denied holds, unless it can be said as well.
    if (long.startsWith("--no-") && !known.has(long.replace("no-", ""))) options[attributeOf(long)] = true;
    known.set(long, declaration);
  }
  const operands: string[] = [];
  const unknown: string[] = [];
  const queue = [...words];
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    // An option that is unknown here may have a value, so what follows it is left to whoever knows it.
    const others = unknown.length > 0 ? unknown : operands;
    if (word === "--") {
      if (others === unknown) unknown.push(word);
      others.push(...queue);
      break;
    }
    const end = word.startsWith("--") ? word.indexOf("=") : -1;
    const declaration = known.get(end < 0 ? word : word.slice(0, end));
    const takes = /[<[]/.exec(declaration?.[0] ?? "")?.[0];
    // `--json=yes` is none of ours.
    if (!declaration || (end >= 0 && takes === undefined)) {
      (isOption(word) ? unknown : others).push(word);
      continue;
    }
    let text = end < 0 ? undefined : word.slice(end + 1);
    if (text === undefined && takes === "<") {
      text = queue.shift();
      if (text === undefined) return undefined;
    } else if (text === undefined && takes === "[") {
      const [next] = queue;
      // A negative number is a value for commander.
      if (next !== undefined && /^-[.\d]/.test(next)) return undefined;
      if (next !== undefined && !isOption(next)) text = queue.shift();
    }
    if (!assign(declaration, text, options)) return undefined;
  }
  return { operands, unknown };
};

/** The arguments of a verb by position, or undefined where there are too few or too many. */
const takeArguments = (
  { arguments: declared = [] }: VerbDeclaration,
  words: readonly string[],
): unknown[] | undefined => {
  const isVariadic = declared.at(-1)?.[0].includes("...") === true;
  const needed = declared.filter(([syntax]) => syntax.startsWith("<")).length;
  if (words.length < needed || (words.length > declared.length && !isVariadic)) return undefined;
  return declared.map(([syntax], index) => (syntax.includes("...") ? words.slice(index) : words[index]));
};

const verbOf = (noun: string, verb = ""): VerbDeclaration | undefined => {
  const verbs = NOUNS.find(({ name }) => name === noun)?.verbs;
  return verbs && Object.hasOwn(verbs, verb) ? verbs[verb] : undefined;
};

/** Known so that it is seen: it may stand anywhere on a line, and whatever else is there counts no more. */
const VERSION_OPTION: OptionDeclaration = ["--version", "help.version"];

/**
 * What a command line says, as commander would read it. Undefined where commander would show help or the version, or find
 * something wrong, and for a few odd spellings besides.
 */
export const readLine = (argv: readonly string[]): Line | undefined => {
  const outer: Options = {};
  // First the options of every command, on the whole line, and then the verb's own among what is left.
  const rest = takeOptions(argv, [...GLOBAL_OPTIONS, VERSION_OPTION], outer);
  if (!rest || outer["version"] !== undefined) return undefined;
  const [first = "", second] = rest.operands;
  const isPlain = Object.hasOwn(PLAIN_COMMANDS, first);
  const verb = isPlain ? PLAIN_COMMANDS[first] : verbOf(first, second);
  if (!verb) return undefined;
  const options: Options = {};
  // The `--` that ended the first look may be the value of an option, and then there are more behind it.
  const others = rest.unknown.includes("--") ? GLOBAL_OPTIONS : [];
  const inner = takeOptions(rest.unknown, [...(verb.options ?? []), ...others], options);
  if (!inner || inner.unknown.length > 0) return undefined;
  for (const [name, value] of Object.entries(outer)) {
    if (options[name] === undefined || value === false) options[name] = value;
  }
  const values = takeArguments(verb, [...rest.operands.slice(isPlain ? 1 : 2), ...inner.operands]);
  return values && { verb, values, options };
};
