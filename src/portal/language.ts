/** Why an account name is not acceptable. */
export type Problem =
  "empty" | "long" | "characters" | "dots" | "domain" | "foreign" | "taken" | "deleted" | "reserved";

const LANGUAGES = ["en", "fr", "de"] as const;
export type Language = (typeof LANGUAGES)[number];

const REASONS: Record<Language, Record<Problem, string>> = {
  en: {
    empty: "The account name is empty.",
    long: "The account name has more than 64 characters.",
    characters: "The account name has characters that are not allowed.",
    dots: "The account name starts or ends with a dot, or has two dots in a row.",
    domain: "What stands behind the @ is not a domain name.",
    foreign: "This portal does not serve that domain.",
    taken: "The account name is taken.",
    deleted: "An account of that name has been deleted, and the name is not given out again.",
    reserved: "The account name is reserved for somebody else for a few minutes.",
  },
  fr: {
    empty: "Le nom du compte est vide.",
    long: "Le nom du compte a plus de 64 caractères.",
    characters: "Le nom du compte contient des caractères qui ne sont pas autorisés.",
    dots: "Le nom du compte commence ou finit par un point, ou contient deux points de suite.",
    domain: "Ce qui suit le @ n'est pas un nom de domaine.",
    foreign: "Ce portail ne dessert pas ce domaine.",
    taken: "Le nom du compte est déjà pris.",
    deleted: "Un compte de ce nom a été supprimé, et le nom n'est pas attribué de nouveau.",
    reserved: "Le nom du compte est réservé à quelqu'un d'autre pour quelques minutes.",
  },
  de: {
    empty: "Der Kontoname ist leer.",
    long: "Der Kontoname hat mehr als 64 Zeichen.",
    characters: "Der Kontoname enthält Zeichen, die nicht erlaubt sind.",
    dots: "Der Kontoname beginnt oder endet mit einem Punkt oder enthält zwei Punkte hintereinander.",
    domain: "Was hinter dem @ steht, ist kein Domainname.",
    foreign: "Dieses Portal bedient diese Domain nicht.",
    taken: "Der Kontoname ist schon vergeben.",
    deleted: "Ein Konto dieses Namens wurde gelöscht, und der Name wird nicht wieder vergeben.",
    reserved: "Der Kontoname ist für einige Minuten für jemand anderen reserviert.",
  },
};

const TAG = /^[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*$/;

/**
 * The language that suits a priority list best, by the lookup of RFC 4647 section 3.4: each range is shortened from its end
 * until a language of ours is left. Unknown, malformed and wildcard ranges are skipped; without any match it is English.
 */
export const chooseLanguage = (ranges: readonly string[]): Language => {
  for (const range of ranges) {
    if (!TAG.test(range)) continue;
    // All our languages are of one subtag, so that shortening always ends with the first.
    const primary = range.split("-")[0]?.toLowerCase();
    const language = LANGUAGES.find((candidate) => candidate === primary);
    if (language) return language;
  }
  return "en";
};

export const reason = (problem: Problem, language: Language): string => REASONS[language][problem];
