import { MeshError } from "../errors.js";
import { msg, type Message } from "../messages/message.js";

/** An account address in canonical form: NFC, A to Z folded and nothing else, the domain in A-labels. */
export interface Address {
  readonly account: string;
  readonly user: string;
  readonly domain: string;
}

const MAX_USER = 64;
const MAX_DOMAIN = 253;

const foldAscii = (text: string): string => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());

/** ASCII characters that an atom may have (RFC 5322 section 3.2.3), and the dot between atoms. */
const ATOM = /[a-z0-9!#$%&'*+/=?^_`{|}~.-]/;
/**
 * Beyond ASCII every character is allowed (RFC 6532) but those that cannot be seen or that turn the text around. Made when it
 * is used, since to read what stands for so many characters takes time.
 */
const hidden = (): RegExp =>
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\uffff\ud800-\udfff]|\p{Cf}|\p{Zs}/u;

/** The characters of a user part that no account name may have, each once, in the order in which they stand there. */
export const invalidCharacters = (user: string): string => {
  const bad = [...foldAscii(user.normalize("NFC"))].filter((character) =>
    character <= "\u007f" ? !ATOM.test(character) : hidden().test(character),
  );
  return [...new Set(bad)].join("");
};

/** User parts that nothing is wrong with, but for their length. */
const PLAIN_USER = /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/;

/** Why a user part cannot be one, or undefined where it can. */
export const userProblem = (user: string): "empty" | "long" | "characters" | "dots" | undefined => {
  if (user === "") return "empty";
  if (user.length > MAX_USER) return "long";
  if (PLAIN_USER.test(user)) return undefined;
  if (invalidCharacters(user) !== "") return "characters";
  if (user.startsWith(".") || user.endsWith(".") || user.includes("..")) return "dots";
  return undefined;
};

/** Domains that are canonical as they stand: letters, digits and hyphens, no A-label, and an end that is no number. */
const PLAIN_DOMAIN = /^(?:(?!xn--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*(?!xn--)[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** The domain in A-labels and lower case (RFC 5891), or undefined where it is none. */
export const canonicalDomain = (domain: string): string | undefined => {
  if (domain.length <= MAX_DOMAIN && PLAIN_DOMAIN.test(domain)) return domain;
  if (domain.length > MAX_DOMAIN || !/^[\p{L}\p{M}\p{N}.-]+$/u.test(domain)) return undefined;
  let host: string;
  try {
    host = new URL(`http://${domain.normalize("NFC")}/`).hostname;
  } catch {
    return undefined;
  }
  // The URL parser rewrites numbers such as 0x7f.1 as IPv4 addresses; only what was written as one may be one.
  if (/^[\d.]+$/.test(host) && host !== domain) return undefined;
  const labels = host.split(".");
  return host.length <= MAX_DOMAIN && labels.every((label) => /^(?!-)[a-z0-9-]{1,63}(?<!-)$/.test(label))
    ? host
    : undefined;
};

/**
 * Reads `user@domain`, or a bare `user` of `defaultDomain`, and gives the canonical address. Throws `address-invalid`.
 */
export const parseAddress = (text: string, defaultDomain?: string): Address => {
  const refuse = (message: Message): never => {
    throw new MeshError("address-invalid", message, { hint: msg("mesh.address.hint") });
  };
  if (text.length > 512) refuse(msg("mesh.address-long"));
  const normal = text.normalize("NFC");
  const at = normal.lastIndexOf("@");
  // Folding can bring a letter and a mark together that have a composed form in lower case only.
  const user = foldAscii(at < 0 ? normal : normal.slice(0, at)).normalize("NFC");
  switch (userProblem(user)) {
    case "empty":
      return refuse(msg("mesh.address-nameless"));
    case "long":
      return refuse(msg("mesh.address-name-long", { maximum: MAX_USER }));
    case "characters":
      return refuse(msg("mesh.address-characters", { characters: JSON.stringify(invalidCharacters(user)) }));
    case "dots":
      return refuse(msg("mesh.address-dots"));
    case undefined:
  }
  if (at < 0 && defaultDomain === undefined) refuse(msg("mesh.address-domainless"));
  const domain = canonicalDomain(at < 0 ? (defaultDomain ?? "") : normal.slice(at + 1));
  if (domain === undefined) return refuse(msg("mesh.address-domain"));
  return { account: `${user}@${domain}`, user, domain };
};
