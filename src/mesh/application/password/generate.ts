// New passwords. Every one that the rules allow is equally likely, so its strength is known and not guessed: the bits that are told are
// the logarithm of how many there are.

/** `length` octets that nobody can foresee. */
export type Random = (length: number) => Uint8Array;

export interface Generated {
  readonly password: string;
  /** The logarithm, to the base of 2, of the number of passwords that it is one of. */
  readonly bits: number;
}

const LOWER = "abcdefghijklmnopqrstuvwxyz";
const UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS = "0123456789";
/** Those that no form of a site, shell or file of settings is likely to take amiss. */
const SYMBOLS = "!#%+,-./:=?@^_~";
/** Characters that are taken for others when they are read aloud or copied by hand. */
const ALIKE = /[0OoIl1|]/g;

export const DEFAULT_BITS = 128;
export const MAX_LENGTH = 1024;
export const MAX_WORDS = 64;

/** What a password of characters is made of. */
export interface CharacterRules {
  readonly upper: boolean;
  readonly digits: boolean;
  readonly symbols: boolean;
  /** Without characters that are taken for others. */
  readonly plain: boolean;
}

/** A number below `bound`, each equally likely: what would favour some is drawn again. */
export const randomBelow = (bound: number, random: Random): number => {
  const limit = Math.floor(2 ** 32 / bound) * bound;
  for (;;) {
    const octets = random(4);
    const value = Buffer.from(octets.buffer, octets.byteOffset, 4).readUInt32BE();
    octets.fill(0);
    if (value < limit) return value % bound;
  }
};

const classesOf = ({ upper, digits, symbols, plain }: CharacterRules): readonly string[] =>
  [LOWER, ...(upper ? [UPPER] : []), ...(digits ? [DIGITS] : []), ...(symbols ? [SYMBOLS] : [])].map((characters) =>
    plain ? characters.replace(ALIKE, "") : characters,
  );

/** How many texts of `length` characters have at least one of each class (by inclusion and exclusion), as a logarithm. */
const bitsOf = (classes: readonly string[], length: number): number => {
  const total = BigInt(classes.join("").length);
  let count = 0n;
  for (let subset = 0; subset < 2 ** classes.length; subset++) {
    const left = classes.filter((_, index) => (subset >> index) & 1);
    const size = total - BigInt(left.join("").length);
    count += (left.length % 2 === 0 ? 1n : -1n) * size ** BigInt(length);
  }
  return count <= 0n ? 0 : logarithm(count);
};

const logarithm = (value: bigint): number => {
  const text = value.toString(2);
  return text.length - 53 + Math.log2(Number(BigInt(`0b${text.slice(0, 53).padEnd(53, "0")}`)));
};

/** The fewest characters that the rules need for so many bits. */
export const lengthFor = (bits: number, rules: CharacterRules): number => {
  const classes = classesOf(rules);
  let length = Math.max(classes.length, Math.floor(bits / Math.log2(classes.join("").length)));
  while (bitsOf(classes, length) < bits) length++;
  return length;
};

/** The fewest characters that a password with one of each class has. */
export const shortest = (rules: CharacterRules): number => classesOf(rules).length;

/**
 * A password of `length` characters, with at least one of each class, since many sites ask for that. The whole of it is drawn again
 * where one is missing: to put one in afterwards would make some passwords more likely.
 */
export const generateCharacters = (length: number, rules: CharacterRules, random: Random): Generated => {
  const classes = classesOf(rules);
  const alphabet = classes.join("");
  for (;;) {
    const password = Array.from({ length }, () => alphabet[randomBelow(alphabet.length, random)] ?? "").join("");
    if (classes.every((characters) => [...characters].some((character) => password.includes(character)))) {
      return { password, bits: bitsOf(classes, length) };
    }
  }
};

// Words that mean nothing and can be said: consonant, vowel, consonant, vowel, consonant. There are 102,400 of them.
const CONSONANTS = "bdfghjklmnprstvz";
const VOWELS = "aeiou";
const WORD = [CONSONANTS, VOWELS, CONSONANTS, VOWELS, CONSONANTS];
const WORD_BITS = WORD.reduce((bits, letters) => bits + Math.log2(letters.length), 0);

/** The fewest words for so many bits. */
export const wordsFor = (bits: number): number => Math.max(1, Math.ceil(bits / WORD_BITS));

/** A password of words that can be said, with hyphens between them. */
export const generateWords = (count: number, random: Random): Generated => {
  const word = (): string => WORD.map((letters) => letters[randomBelow(letters.length, random)] ?? "").join("");
  return { password: Array.from({ length: count }, word).join("-"), bits: WORD_BITS * count };
};
