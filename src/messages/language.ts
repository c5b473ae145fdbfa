export const LANGUAGES = ["en", "fr", "de"] as const;
export type Language = (typeof LANGUAGES)[number];

const TAG = /^[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*$/;

/**
 * The language that suits a priority list best, by the lookup of RFC 4647 section 3.4: each range is shortened from its end
 * until a language of ours is left. Unknown, malformed and wildcard ranges are skipped; undefined without any match.
 */
export const findLanguage = (ranges: readonly string[]): Language | undefined => {
  for (const range of ranges) {
    if (!TAG.test(range)) continue;
    // All our languages are of one subtag, so that shortening always ends with the first.
    const primary = range.split("-")[0]?.toLowerCase();
    const language = LANGUAGES.find((candidate) => candidate === primary);
    if (language) return language;
  }
  return undefined;
};

/** The same, which is English without any match. */
export const chooseLanguage = (ranges: readonly string[]): Language => findLanguage(ranges) ?? "en";
