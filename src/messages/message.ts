import type { MessageKey, ValuesOf } from "./catalogue.js";

/** What stands in a message where its template has a name in braces. Foreign text is made printable where it is shown. */
export type Value = string | number | Message;

/** A sentence for a person, in no language yet: its key in the catalogue, and what to fill in. Never holds a secret. */
export interface Message {
  readonly key: MessageKey;
  readonly values: Readonly<Record<string, Value>>;
}

/** Puts a message into words. */
export type Translate = (message: Message) => string;

/** The message of a key, with a value for each name in its template. `count` chooses between one and other. */
export const msg = <Key extends MessageKey>(key: Key, ...[values]: ValuesOf<Key>): Message => ({
  key,
  values: values ?? {},
});

/** A message without words of its own: for text that comes from elsewhere, such as a portal's explanation. */
export const verbatim = (text: string): Message => msg("verbatim", { text });

/** A message as programmers see it, in stack traces and test failures: the key and the values. */
export const debugText = ({ key, values }: Message): string => {
  const parts = Object.entries(values).map(
    ([name, value]) => `${name}: ${typeof value === "object" ? debugText(value) : JSON.stringify(value)}`,
  );
  return parts.length === 0 ? key : `${key} {${parts.join(", ")}}`;
};
