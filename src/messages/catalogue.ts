import type { en } from "./en/index.js";
import type { Value } from "./message.js";

/** The wording of a message: with names in braces for its values, and in two forms where it depends on `count`. */
export type Template = string | { readonly one: string; readonly other: string };

/** The English catalogue says which messages there are. */
type English = typeof en;
export type MessageKey = keyof English;

/** A language's wording of every message, so that a missing one does not compile. */
export type Catalogue = Readonly<Record<MessageKey, Template>>;

/** The part of a catalogue that words the same messages as a part of the English one. */
export type Wording<Part> = Readonly<Record<keyof Part, Template>>;

type Names<Text> = Text extends `${string}{${infer Name}}${infer Rest}` ? Name | Names<Rest> : never;
type NamesOf<Wanted> = Wanted extends { readonly other: infer Text } ? Names<Text> | "count" : Names<Wanted>;

/** The values that a message needs, as the arguments behind its key: none, or one object. */
export type ValuesOf<Key extends MessageKey> = [NamesOf<English[Key]>] extends [never]
  ? []
  : [values: Readonly<Record<NamesOf<English[Key]>, Value>>];
