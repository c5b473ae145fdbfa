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

/** What a prompt is given besides its question. */
interface Asking extends Terminal {
  readonly signal: AbortSignal;
  /** Looked at when the answer has been given: whether question and answer are taken off the screen. */
  readonly clearPromptOnDone?: boolean;
}

/**
 * Awaits an answer. ^D closes the line without a word: the library goes on waiting, nothing keeps the process alive, and it would end
 * as if all were done. What shows it is that nobody reads the input any more.
 */
const interruptible = async <T>({ input, output }: Terminal, ask: (asking: Asking) => Promise<T>): Promise<T> => {
  const closed = new AbortController();
  const close = (): void => closed.abort();
  input.once("pause", close);
  try {
    return await ask({ input, output, signal: closed.signal });
  } catch (cause) {
    throw new MeshError("interrupted", msg("interrupted"), { cause });
  } finally {
    input.off("pause", close);
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

/** Prompts on a terminal. Each asks until the answer is valid, and throws `interrupted` on ^C and ^D. */
export const terminalPrompts = (terminal: Terminal): Prompts => ({
  text: (message, { initial, validate } = {}) =>
    interruptible(terminal, (asking) =>
      inputPrompt(
        { message, ...(initial === undefined ? {} : { default: initial }), ...(validate ? { validate } : {}) },
        asking,
      ),
    ),
  // The library keeps a refused answer in the line, where nobody sees that the next one is appended to it. So it takes every
  // answer, and whatever is refused is asked for anew.
  secret: async (message, { hidden, validate }) => {
    for (;;) {
      let refusal: string | true | undefined;
      const question = {
        message,
        theme: { style: { help: () => hidden } },
        validate: (answer: string) => {
          refusal = validate?.(answer) ?? true;
          return true;
        },
      };
      const answer = await interruptible(terminal, (asking) =>
        passwordPrompt(question, {
          ...asking,
          get clearPromptOnDone() {
            return refusal !== true;
          },
        }),
      );
      if (refusal === true) return answer;
      terminal.output.write(`> ${refusal}\n`);
    }
  },
  // Not the library's own, which knows English answers alone, and takes any other for what nothing typed would be.
  confirm: async (message, initial, words) => {
    const [yes, no] = [words.yes.charAt(0), words.no.charAt(0)];
    const shown = initial ? `${yes.toUpperCase()}/${no}` : `${yes}/${no.toUpperCase()}`;
    const answer = await interruptible(terminal, (asking) =>
      inputPrompt(
        {
          message: `${message} (${shown})`,
          validate: (text) => confirmed(text, initial, words) !== undefined || words.other,
        },
        asking,
      ),
    );
    return confirmed(answer, initial, words) ?? initial;
  },
  select: (message, choices, help) =>
    interruptible(terminal, (asking) =>
      selectPrompt({ message, choices: [...choices], theme: { style: { keysHelpTip: () => help } } }, asking),
    ),
});
