import { MeshError } from "../../errors.js";
import type { Generated } from "../../mesh/application/password/generate.js";
import { msg } from "../../messages/message.js";
import type { Context, Input } from "../context.js";

/** The options, by their camel-case names, that say what a made password is like. */
export const CHARACTER_OPTIONS = ["length", "bits", "words", "symbols", "plain", "lettersOnly"] as const;

const MAX_BITS = 1024;

const bounded = (option: string, value: number | undefined, minimum: number, maximum: number): number | undefined => {
  if (value === undefined || (value >= minimum && value <= maximum)) return value;
  throw new MeshError("usage", msg("password.out-of-bounds", { option, minimum, maximum }));
};

/** Makes a password as the options say. Throws `usage` where they contradict each other. */
export const generateBy = async (context: Context, input: Input): Promise<Generated> => {
  const { DEFAULT_BITS, generateCharacters, generateWords, lengthFor, MAX_LENGTH, MAX_WORDS, shortest, wordsFor } =
    await import("../../mesh/application/password/generate.js");
  const { random } = context.deps;
  const asksForWords = input.flag("words");
  const rules = {
    upper: true,
    digits: !input.flag("lettersOnly"),
    symbols: input.flag("symbols"),
    plain: input.flag("plain"),
  };
  const hasRules = rules.symbols || rules.plain || !rules.digits;
  const length = bounded("--length", input.whole("length"), shortest(rules), MAX_LENGTH);
  const words = bounded("--words", input.whole("words"), 1, MAX_WORDS);
  const bits = bounded("--bits", input.whole("bits"), 1, MAX_BITS);
  const isSaidTwice = [length, words, bits].filter((value) => value !== undefined).length > 1;
  if (isSaidTwice || (asksForWords && (hasRules || length !== undefined))) {
    throw new MeshError("usage", msg("password.rules-contradict"), { hint: msg("password.rules-contradict.hint") });
  }
  if (asksForWords) {
    const count = words ?? Math.min(MAX_WORDS, wordsFor(bits ?? DEFAULT_BITS));
    return generateWords(count, random);
  }
  return generateCharacters(length ?? lengthFor(bits ?? DEFAULT_BITS, rules), rules, random);
};
