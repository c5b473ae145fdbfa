import { chooseLanguage, type Language } from "../messages/language.js";
import type { Translate } from "../messages/message.js";
import { loadTranslator } from "../messages/translate.js";
import { DONE } from "./answer.js";

/** What is read of a stranger's Accept-Language header: a longer one says nothing, and further ranges are passed over. */
const MAX_HEADER = 256;
const MAX_RANGES = 10;

const RANGE = /^\s*([a-z0-9*-]+)\s*(?:;\s*q\s*=\s*([0-9.]+)\s*)?$/i;

const DEFAULT = chooseLanguage([]);

/** The language ranges of an Accept-Language header, best first (RFC 9110 section 12.5.4), without those that make no sense. */
export const acceptedRanges = (header: string | undefined): readonly string[] => {
  if (header === undefined || header.length > MAX_HEADER) return [];
  return header
    .split(",", MAX_RANGES)
    .flatMap((text) => {
      const [, range, quality = "1"] = RANGE.exec(text) ?? [];
      const weight = Number(quality);
      return range !== undefined && weight > 0 && weight <= 1 ? [{ range, weight }] : [];
    })
    .sort((a, b) => b.weight - a.weight)
    .map(({ range }) => range);
};

/** The language that a request asks to be answered in. */
export const acceptedLanguage = (header: string | undefined): Language =>
  header === undefined ? DEFAULT : chooseLanguage(acceptedRanges(header));

/** Loads a language once, with the words of success at hand: most answers are those. */
export const createTranslators = (): ((language: Language) => Promise<Translate>) => {
  const loaded = new Map<Language, Promise<Translate>>();
  const load = async (language: Language): Promise<Translate> => {
    const translate = await loadTranslator(language);
    const done = translate(DONE);
    return (message) => (message === DONE ? done : translate(message));
  };
  return (language) => {
    const translate = loaded.get(language) ?? load(language);
    loaded.set(language, translate);
    return translate;
  };
};
