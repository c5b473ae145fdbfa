import type { Catalogue } from "./catalogue.js";
import type { Language } from "./language.js";
import type { Message, Translate } from "./message.js";

const catalogues: Record<Language, () => Promise<Catalogue>> = {
  en: async () => (await import("./en/index.js")).en,
  fr: async () => (await import("./fr/index.js")).fr,
  de: async () => (await import("./de/index.js")).de,
};

/** Words messages from a catalogue. French counts nought as one, which the system's plural rules know. */
export const translatorOf = (catalogue: Catalogue, language: Language): Translate => {
  const translate = ({ key, values }: Message): string => {
    const template = catalogue[key];
    const text =
      typeof template === "string"
        ? template
        : new Intl.PluralRules(language).select(Number(values["count"])) === "one"
          ? template.one
          : template.other;
    return text.replace(/\{(\w+)\}/g, (braces, name: string) => {
      const value = values[name];
      return value === undefined ? braces : typeof value === "object" ? translate(value) : String(value);
    });
  };
  return translate;
};

/** Loads a language's catalogue: only when there is something to say, since much that runs says nothing. */
export const loadTranslator = async (language: Language): Promise<Translate> =>
  translatorOf(await catalogues[language](), language);
