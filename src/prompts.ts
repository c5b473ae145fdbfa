import inputPrompt from "@inquirer/input";
import passwordPrompt from "@inquirer/password";
import selectPrompt from "@inquirer/select";
import type { ConfirmWords, Prompts } from "./deps.js";
import { MeshError } from "./errors.js";
import { msg } from "./messages/message.js";

/** Where a prompt reads from and writes to. */
export interface Terminal {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
}

const interruptible = async <T>(answer: Promise<T>): Promise<T> => {
  try {
    return await answer;
  } catch (cause) {
    throw new MeshError("interrupted", msg("interrupted"), { cause });
  }
};

/** What an answer means, or undefined where it means neither. English is understood in every language. */
const confirmed = (text: string, initial: boolean, { yes, no }: ConfirmWords): boolean | undefined => {
  const answer = text.trim().toLowerCase();
  if (answer === "") return initial;
  const means = (...words: string[]): boolean => words.some((word) => answer === word || answer === word.charAt(0));
  if (means(yes, "yes")) return true;
  return means(no, "no") ? false : undefined;
};

/** Prompts on a terminal. Each asks until the answer is valid, and throws `interrupted` on ^C. */
export const terminalPrompts = (terminal: Terminal): Prompts => ({
  text: (message, { initial, validate } = {}) =>
    interruptible(
      inputPrompt(
        { message, ...(initial === undefined ? {} : { default: initial }), ...(validate ? { validate } : {}) },
        terminal,
      ),
    ),
  secret: (message, { hidden, validate }) =>
    interruptible(
      passwordPrompt(
        { message, theme: { style: { help: () => hidden } }, ...(validate ? { validate } : {}) },
        terminal,
      ),
    ),
  // Not the library's own, which knows English answers alone, and takes any other for what nothing typed would be.
  confirm: async (message, initial, words) => {
    const [yes, no] = [words.yes.charAt(0), words.no.charAt(0)];
    const shown = initial ? `${yes.toUpperCase()}/${no}` : `${yes}/${no.toUpperCase()}`;
    const answer = await interruptible(
      inputPrompt(
        {
          message: `${message} (${shown})`,
          validate: (text) => confirmed(text, initial, words) !== undefined || words.other,
        },
        terminal,
      ),
    );
    return confirmed(answer, initial, words) ?? initial;
  },
  select: (message, choices, help) =>
    interruptible(
      selectPrompt({ message, choices: [...choices], theme: { style: { keysHelpTip: () => help } } }, terminal),
    ),
});
