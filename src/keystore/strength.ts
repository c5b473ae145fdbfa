// How hard a passphrase is to guess, estimated from its shape. It knows no dictionary: a word counts as one of a few thousand,
// whatever the word, and everything else by the characters that might have stood there. So it sees what is too simple; it
// cannot see that a good-looking passphrase is a line of a song.

/** Fewer bits than this are worth a hint. At 100,000 guesses a second, which is a great deal for scrypt, 2^45 take ten years. */
const ENOUGH_BITS = 45;

/** Of a word among the usual ones; what comes behind its eighth letter is taken for the next word. */
const WORD_BITS = 12;
const WORD_LETTERS = 8;
/** Of what everybody tries first, or of a repetition. */
const USUAL_BITS = 3;
const YEAR_BITS = 6;
const DIGIT_BITS = 3.3;
const LETTER_BITS = 4.7;
const MARK_BITS = 5;
/** Of a character of a script that writes words in one or two characters. */
const IDEOGRAPH_BITS = 7;

/** These patterns are made when they are used: to read what stands for a whole script takes longer than many a command. */
const usual = (): RegExp =>
  /password|passwor[dt]|passphrase|motdepasse|kennwort|geheim|secret|letmein|iloveyou|welcome|bonjour|hallo|hello|admin|master|dragon|monkey|football|sunshine|princess|meshman|qwert[yz]?|azerty|asdf\w*|zxcv\w*|abcdef\w*|changeme|trustno1/u;

/** Letters that stand for others: the same word for whoever guesses. */
const DISGUISES: Readonly<Record<string, string>> = {
  "@": "a",
  "4": "a",
  "3": "e",
  "1": "i",
  "0": "o",
  "5": "s",
  $: "s",
};

const isRow = (text: string): boolean => {
  const steps = new Set([...text].slice(1).map((character, index) => character.charCodeAt(0) - text.charCodeAt(index)));
  const [step = 9] = steps;
  return text.length >= 3 && steps.size === 1 && Math.abs(step) <= 1;
};

/** Five consonants in a row are no word. */
const isWord = (letters: string): boolean =>
  letters.length >= 3 && !/[bcdfghjklmnpqrstvwxz]{5}/u.test(letters.normalize("NFD").replace(/\p{M}/gu, ""));

const bitsOfLetters = (letters: string): number =>
  isRow(letters)
    ? USUAL_BITS
    : isWord(letters)
      ? WORD_BITS * Math.ceil(letters.length / WORD_LETTERS)
      : LETTER_BITS * letters.length;

const bitsOfDigits = (digits: string): number =>
  isRow(digits) ? USUAL_BITS : /^(19|20)\d\d$/.test(digits) ? YEAR_BITS : DIGIT_BITS * digits.length;

const bitsOf = (part: string): number => {
  if (/^\s+$/u.test(part)) return 0;
  if (/^\p{Nd}/u.test(part)) return bitsOfDigits(part);
  if (/^[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}]/u.test(part)) return IDEOGRAPH_BITS * [...part].length;
  if (/^\p{L}/u.test(part)) return bitsOfLetters(part.toLowerCase()) + (/^\p{Lu}?\P{Lu}*$/u.test(part) ? 0 : 1);
  return new Set(part).size * MARK_BITS;
};

/** Ideographs, words as they are cut by case and by anything else, numbers, spaces, and marks. */
const parts = (): RegExp =>
  /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}]+|\p{Lu}?[\p{Ll}\p{Lo}\p{M}]+|\p{Lu}+|\p{Nd}+|\s+|[^\p{L}\p{Nd}\s]+|./gsu;

/** Bits of the parts. A part that comes again adds nothing. */
const sum = (text: string): number =>
  [...new Set(text.match(parts()) ?? [])].reduce((bits, part) => bits + bitsOf(part), 0);

/** About how many bits a passphrase is worth to somebody who guesses cleverly. */
export const estimateBits = (passphrase: string): number => {
  const repeated = /^(.{1,32}?)\1+$/su.exec(passphrase)?.[1];
  if (repeated !== undefined) return estimateBits(repeated) + USUAL_BITS;
  const plain = passphrase.toLowerCase().replace(/[@431050$]/g, (character) => DISGUISES[character] ?? character);
  const found = usual().exec(plain);
  if (!found) return sum(passphrase);
  const rest = passphrase.slice(0, found.index) + " " + passphrase.slice(found.index + found[0].length);
  return USUAL_BITS + estimateBits(rest.trim());
};

/** True for a passphrase that is worth a hint: several random words are better. */
export const isWeak = (passphrase: Buffer): boolean => estimateBits(passphrase.toString("utf8")) < ENOUGH_BITS;
