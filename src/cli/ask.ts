import type { Deps } from "../deps.js";
import { msg, type Message } from "../messages/message.js";
import type { Translator } from "./output.js";

/** What is wrong with an answer, or true where nothing is. */
export type Validate = (value: string) => Message | true;

/** The questions of `Prompts`, in no language yet. */
export interface Ask {
  text(question: Message, options?: { initial?: string; validate?: Validate }): Promise<string>;
  secret(question: Message, options?: { validate?: Validate }): Promise<string>;
  confirm(question: Message, initial: boolean): Promise<boolean>;
  select(question: Message, choices: readonly { value: string; name: string | Message }[]): Promise<string>;
}

/** Puts questions, and what is wrong with an answer, into words before they are asked. Each rejects with `interrupted` on ^C. */
export const askWith = ({ prompts }: Deps, translator: Translator): Ask => ({
  text: async (question, { initial, validate } = {}) => {
    const translate = await translator();
    return prompts.text(translate(question), {
      ...(initial === undefined ? {} : { initial }),
      ...(validate ? { validate: worded(validate, translate) } : {}),
    });
  },
  secret: async (question, { validate } = {}) => {
    const translate = await translator();
    return prompts.secret(translate(question), {
      hidden: translate(msg("ask.hidden")),
      ...(validate ? { validate: worded(validate, translate) } : {}),
    });
  },
  confirm: async (question, initial) => {
    const translate = await translator();
    const [yes, no] = [translate(msg("ask.yes")), translate(msg("ask.no"))];
    return prompts.confirm(translate(question), initial, { yes, no, other: translate(msg("ask.other", { yes, no })) });
  },
  select: async (question, choices) => {
    const translate = await translator();
    const named = choices.map(({ value, name }) => ({
      value,
      name: typeof name === "string" ? name : translate(name),
    }));
    return prompts.select(translate(question), named, translate(msg("ask.keys")));
  },
});

const worded =
  (validate: Validate, translate: (message: Message) => string) =>
  (value: string): string | true => {
    const problem = validate(value);
    return problem === true ? true : translate(problem);
  };
