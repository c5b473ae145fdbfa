import { createHmac } from "node:crypto";

// One-time passwords by the clock (RFC 6238), and the otpauth URIs in which sites give their secrets away.

export type OtpAlgorithm = "SHA1" | "SHA256" | "SHA512";

/** What makes the codes of an account. What is absent is as most sites have it: SHA1, 6 digits, 30 seconds. */
export type Otp = {
  /** Base32 without padding (RFC 4648 section 6). */
  readonly Secret: string;
  readonly Algorithm?: OtpAlgorithm;
  readonly Digits?: number;
  /** In seconds. */
  readonly Period?: number;
  /** Who asks for the codes, and of whom, as the URI says it. */
  readonly Issuer?: string;
  readonly Account?: string;
};

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const ALGORITHMS: readonly string[] = ["SHA1", "SHA256", "SHA512"];
export const MAX_OTP_SECRET = 512;
const MAX_OTP_TEXT = 4096;
const MAX_OTP_NAME = 256;
export const DEFAULT_DIGITS = 6;
export const DEFAULT_PERIOD = 30;
export const MAX_PERIOD = 3600;

/** A secret as it is kept: upper case, without spaces, hyphens and padding. Undefined where it is none. */
const canonicalSecret = (text: string): string | undefined => {
  const secret = text.replace(/[\s-]/g, "").replace(/=+$/, "").toUpperCase();
  // Lengths that no number of octets has.
  const isWhole = ![1, 3, 6].includes(secret.length % 8);
  return secret !== "" && secret.length <= MAX_OTP_SECRET && /^[A-Z2-7]+$/.test(secret) && isWhole ? secret : undefined;
};

const secretOctets = (secret: string): Buffer => {
  const octets: number[] = [];
  let [bits, value] = [0, 0];
  for (const character of secret) {
    value = ((value << 5) | ALPHABET.indexOf(character)) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      octets.push((value >> bits) & 0xff);
    }
  }
  return Buffer.from(octets);
};

/** The number that a parameter says, the usual one where it is missing, or undefined where it is out of bounds. */
const numberOf = (text: string | null, usual: number, minimum: number, maximum: number): number | undefined => {
  if (text === null) return usual;
  const value = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
  return value >= minimum && value <= maximum ? value : undefined;
};

const decoded = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
};

/**
 * Reads an `otpauth://totp/...` URI, or a secret alone as sites show it beside the picture. Undefined where it is neither; codes that are
 * counted (`hotp`) and those of makers' own kinds are none of ours.
 */
export const parseOtp = (text: string): Otp | undefined => {
  const trimmed = text.trim();
  if (trimmed.length > MAX_OTP_TEXT) return undefined;
  if (!/^otpauth:/i.test(trimmed)) {
    const secret = canonicalSecret(trimmed);
    return secret === undefined ? undefined : { Secret: secret };
  }
  const [, label = "", query = ""] = /^otpauth:\/\/totp\/?([^?#]*)\??([^#]*)$/i.exec(trimmed) ?? [];
  const parameters = new URLSearchParams(query);
  const secret = canonicalSecret(parameters.get("secret") ?? "");
  const algorithm = (parameters.get("algorithm") ?? "SHA1").toUpperCase().replace(/^(HMAC)?-?SHA-?/, "SHA");
  const digits = numberOf(parameters.get("digits"), DEFAULT_DIGITS, 6, 8);
  const period = numberOf(parameters.get("period"), DEFAULT_PERIOD, 1, MAX_PERIOD);
  const name = decoded(label);
  if (secret === undefined || digits === undefined || period === undefined || name === undefined) return undefined;
  if (!ALGORITHMS.includes(algorithm)) return undefined;
  const said = parameters.get("issuer") ?? "";
  // The label is "issuer:account", and an issuer may have a colon in its name.
  const colon = said !== "" && name.startsWith(`${said}:`) ? said.length : name.indexOf(":");
  const account = name.slice(colon + 1).trim();
  const issuer = (said !== "" ? said : name.slice(0, Math.max(0, colon))).trim();
  if (account.length > MAX_OTP_NAME || issuer.length > MAX_OTP_NAME) return undefined;
  return {
    Secret: secret,
    ...(algorithm !== "SHA1" && { Algorithm: algorithm as OtpAlgorithm }),
    ...(digits !== DEFAULT_DIGITS && { Digits: digits }),
    ...(period !== DEFAULT_PERIOD && { Period: period }),
    ...(issuer !== "" && { Issuer: issuer }),
    ...(account !== "" && { Account: account }),
  };
};

/** The otpauth URI of what makes an account's codes. `fallback` names the account where it has no name of its own. */
export const otpUri = ({ Secret, Algorithm, Digits, Period, Issuer, Account }: Otp, fallback = ""): string => {
  const account = encodeURIComponent(Account ?? fallback);
  const label = Issuer === undefined ? account : `${encodeURIComponent(Issuer)}:${account}`;
  const parameters = [
    `secret=${Secret}`,
    ...(Issuer === undefined ? [] : [`issuer=${encodeURIComponent(Issuer)}`]),
    ...(Algorithm === undefined ? [] : [`algorithm=${Algorithm}`]),
    ...(Digits === undefined ? [] : [`digits=${Digits}`]),
    ...(Period === undefined ? [] : [`period=${Period}`]),
  ];
  return `otpauth://totp/${label}?${parameters.join("&")}`;
};

/** The shortest text that says the same: the secret alone where all else is as usual. */
export const otpText = (otp: Otp): string =>
  (["Algorithm", "Digits", "Period", "Issuer", "Account"] as const).every((name) => otp[name] === undefined)
    ? otp.Secret
    : otpUri(otp);

/** A code, and for how many seconds from now it is good. */
export interface OtpCode {
  readonly code: string;
  readonly remaining: number;
}

/** The code of a time (RFC 6238 section 4.2, RFC 4226 section 5.3). */
export const otpCode = (otp: Otp, now: Date): OtpCode => {
  const period = otp.Period ?? DEFAULT_PERIOD;
  const digits = otp.Digits ?? DEFAULT_DIGITS;
  const seconds = Math.floor(now.getTime() / 1000);
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(seconds / period)));
  const key = secretOctets(otp.Secret);
  const mac = createHmac((otp.Algorithm ?? "SHA1").toLowerCase(), key)
    .update(counter)
    .digest();
  key.fill(0);
  const offset = mac.readUInt8(mac.length - 1) & 0x0f;
  const number = mac.readUInt32BE(offset) & 0x7fffffff;
  return { code: String(number % 10 ** digits).padStart(digits, "0"), remaining: period - (seconds % period) };
};
