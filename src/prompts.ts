import confirmPrompt from "@inquirer/confirm";
import inputPrompt from "@inquirer/input";
import passwordPrompt from "@inquirer/password";
import selectPrompt from "@inquirer/select";
import type { Prompts } from "./deps.js";
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

/** Prompts on a terminal. Each asks until the answer is valid, and throws `interrupted` on ^C. */
export const terminalPrompts = (terminal: Terminal): Prompts => ({
  text: (message, { initial, validate } = {}) =>
    interruptible(
      inputPrompt(
        { message, ...(initial === undefined ? {} : { default: initial }), ...(validate ? { validate } : {}) },
        terminal,
      ),
    ),
  secret: (message, { validate } = {}) =>
    interruptible(passwordPrompt({ message, ...(validate ? { validate } : {}) }, terminal)),
  confirm: (message, initial) => interruptible(confirmPrompt({ message, default: initial }, terminal)),
  select: (message, choices) => interruptible(selectPrompt({ message, choices: [...choices] }, terminal)),
});
