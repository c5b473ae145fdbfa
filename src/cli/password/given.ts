import { MeshError } from "../../errors.js";
import { withoutNewline } from "../../keystore/key-text.js";
import { canonicalSite } from "../../mesh/application/password/site.js";
import { parseOtp, type Otp } from "../../mesh/application/password/otp.js";
import { MAX_LABEL, MAX_NOTES, MAX_PASSWORD, MAX_TITLE, MAX_USERNAME } from "../../mesh/application/password/value.js";
import { decodeUtf8 } from "../../mesh/bytes.js";
import { msg, type Message } from "../../messages/message.js";
import type { Context, Input } from "../context.js";
import { inputNeeded, readNamedFile, readSecretOrStdin, warnShared } from "../input.js";
import { CHARACTER_OPTIONS, generateBy } from "./generating.js";

// What the options of `add` and `edit` give.

const SECRET_LIMIT = 64 * 1024;

/** Text of one line: no line end, and nothing else that a terminal obeys. Throws `usage`. */
export const lineOf = (text: string, what: Message, maximum: number): string => {
  if (text === "" || text.length > maximum || /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(text)) {
    throw new MeshError("usage", msg("password.not-a-line", { what, maximum }));
  }
  return text;
};

const decoded = (octets: Buffer, what: Message): string => {
  try {
    return decodeUtf8(octets);
  } catch (cause) {
    throw new MeshError("usage", msg("password.not-text", { what }), { cause });
  } finally {
    octets.fill(0);
  }
};

/** A secret from where `--NAME-file` and `--NAME-fd` say it is. Throws `usage`, and what reading throws. */
const secretFrom = async (context: Context, input: Input, name: "password" | "otp"): Promise<string | undefined> => {
  const place = { file: input.text(`${name}File`), fd: input.whole(`${name}Fd`) };
  if (place.file !== undefined && place.fd !== undefined) {
    throw new MeshError("usage", msg("usage.one-place", { first: `--${name}-file`, second: `--${name}-fd` }));
  }
  const octets = await readSecretOrStdin(context, place, SECRET_LIMIT);
  return octets && decoded(withoutNewline(octets), msg(`password.what-${name}`));
};

const checkedPassword = (text: string): string => {
  const isPassword = text !== "" && text.length <= MAX_PASSWORD && !/[\0\r\n]/.test(text);
  if (isPassword) return text;
  throw new MeshError(
    "usage",
    msg("password.not-a-line", { what: msg("password.what-password"), maximum: MAX_PASSWORD }),
  );
};

/** A password that was given, and its strength where it was made here. */
export interface GivenPassword {
  readonly password: string;
  readonly bits?: number;
}

/**
 * The password that options give or make, or undefined where none does. Throws `usage` where more than one does, and for what is none.
 */
export const givenPassword = async (context: Context, input: Input): Promise<GivenPassword | undefined> => {
  const isRead = input.text("passwordFile") !== undefined || input.whole("passwordFd") !== undefined;
  const isMade = input.flag("generate");
  if ([isRead, isMade, input.flag("askPassword")].filter(Boolean).length > 1) {
    throw new MeshError("usage", msg("password.one-password"));
  }
  const rule = CHARACTER_OPTIONS.find((name) => input.flag(name));
  if (rule !== undefined && !isMade) throw new MeshError("usage", msg("password.rules-without-generate"));
  if (isMade) return generateBy(context, input);
  const text = await secretFrom(context, input, "password");
  return text === undefined ? undefined : { password: checkedPassword(text) };
};

/** A new password, typed twice. Throws `input-required` where nobody can. */
export const askPassword = async (context: Context): Promise<string> => {
  if (!context.canAsk) throw inputNeeded(msg("password.what-password"), msg("password.what-password.hint"));
  const first = await context.ask.secret(msg("password.ask"), {
    validate: (text) => (text === "" ? msg("password.ask-empty") : true),
  });
  await context.ask.secret(msg("password.ask-again"), {
    validate: (text) => text === first || msg("password.ask-differs"),
  });
  return checkedPassword(first);
};

/** Says behind the result that a password is easy to guess. It is taken all the same. */
export const hintWeak = async (context: Context, password: string): Promise<void> => {
  const { estimateBits } = await import("../../keystore/strength.js");
  if (estimateBits(password) < WEAK_BITS) context.later.push(msg("password.weak"));
};

/** Below that, whoever has a site's stolen database soon has the password. */
export const WEAK_BITS = 45;

const otpIn = (text: string): Otp => {
  const otp = parseOtp(text);
  if (otp) return otp;
  throw new MeshError("usage", msg("password.not-otp"), { hint: msg("password.not-otp.hint") });
};

/** What makes one-time codes: from a file, a descriptor, or typed after `--otp`. Undefined where no option says so. Throws `usage`. */
export const givenOtp = async (context: Context, input: Input): Promise<Otp | undefined> => {
  const text = await secretFrom(context, input, "otp");
  if (text !== undefined) return otpIn(text);
  if (!input.flag("otp")) return undefined;
  if (!context.canAsk) throw inputNeeded(msg("password.what-otp"), msg("password.what-otp.hint"));
  const typed = await context.ask.secret(msg("password.ask-otp"), {
    validate: (answer) => parseOtp(answer) !== undefined || msg("password.not-otp"),
  });
  return otpIn(typed);
};

/** The notes that a file holds, or undefined where no option names one. Throws `too-large`, `usage`, `file-unreadable`. */
export const givenNotes = async (context: Context, input: Input): Promise<string | undefined> => {
  const path = input.text("noteFile");
  if (path === undefined) return undefined;
  const octets =
    path === "-" ? await context.deps.readStdin(MAX_NOTES * 4) : readNamedFile(context, path, MAX_NOTES * 4);
  if (path !== "-") await warnShared(context, path);
  const text = decoded(withoutNewline(octets), msg("password.what-notes"));
  if (text.length > MAX_NOTES || text.includes("\0")) {
    throw new MeshError("too-large", msg("password.notes-long", { maximum: MAX_NOTES }));
  }
  return text;
};

/** A site that a person typed, in canonical form. Throws `usage`. */
export const siteOf = (text: string): string => {
  const site = canonicalSite(text);
  if (site !== undefined) return site;
  throw new MeshError("usage", msg("password.not-a-site", { site: JSON.stringify(text.slice(0, 256)) }), {
    hint: msg("password.not-a-site.hint"),
  });
};

export const givenSites = (input: Input, name = "site"): readonly string[] => input.list(name).map(siteOf);

export const givenLabels = (input: Input, name = "label"): readonly string[] =>
  input.list(name).map((label) => lineOf(label.normalize("NFC").trim(), msg("password.what-label"), MAX_LABEL));

export const givenTitle = (input: Input): string | undefined => {
  const title = input.text("title");
  return title === undefined ? undefined : lineOf(title.normalize("NFC").trim(), msg("password.what-title"), MAX_TITLE);
};

export const givenUsername = (input: Input): string | undefined => {
  const username = input.text("username");
  // As it is: whoever checks it may tell upper from lower case, and one spelling from another.
  return username === undefined ? undefined : lineOf(username, msg("password.what-username"), MAX_USERNAME);
};
