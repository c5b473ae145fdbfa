/** Control, formatting and bidirectional characters, line separators and lone surrogates: what could deceive a reader. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;

/** Text from outside made safe to show: at most `maximum` characters, hidden ones written as `\u{...}`. */
export const showText = (text: string, maximum = 300): string => {
  const escaped = text
    .slice(0, maximum + 1)
    .replace(HIDDEN, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
  return escaped.length > maximum ? `${escaped.slice(0, maximum - 1)}…` : escaped;
};
