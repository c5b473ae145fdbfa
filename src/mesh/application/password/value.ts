import * as v from "valibot";
import { MeshError } from "../../../errors.js";
import { msg } from "../../../messages/message.js";
import { listSchema, problem, recordTime, textSchema, TimeSchema } from "../../schema.js";
import { MAX_VALUE, valueSize } from "../entry.js";
import { DEFAULT_DIGITS, MAX_OTP_SECRET, MAX_PERIOD } from "./otp.js";
import { canonicalSite } from "./site.js";

/** Bounds of what an entry holds, in characters or members. */
export const MAX_SITES = 64;
export const MAX_SITE_TEXT = 2048;
export const MAX_USERNAME = 1024;
export const MAX_PASSWORD = 8192;
export const MAX_TITLE = 1024;
export const MAX_NOTES = 32_768;
export const MAX_LABELS = 64;
export const MAX_LABEL = 128;
/** So many passwords from before are kept. */
export const MAX_EARLIER = 20;

const OtpSchema = v.looseObject({
  Secret: v.pipe(v.string(), v.maxLength(MAX_OTP_SECRET), v.regex(/^[A-Z2-7]+$/, problem("problem.form"))),
  Algorithm: v.exactOptional(v.picklist(["SHA1", "SHA256", "SHA512"])),
  Digits: v.exactOptional(v.pipe(v.number(), v.safeInteger(), v.minValue(DEFAULT_DIGITS), v.maxValue(8))),
  Period: v.exactOptional(v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(MAX_PERIOD))),
  Issuer: v.exactOptional(textSchema(256)),
  Account: v.exactOptional(textSchema(256)),
});

/**
 * One entry: the specification's PasswordEntry (reference-00 section 5.3.17: Sites, Username, Password) and what else people keep with a
 * password. Members that are not known here stay as they are.
 */
export const PasswordSchema = v.looseObject({
  /** Canonical: `canonicalSite`. */
  Sites: v.exactOptional(listSchema(textSchema(MAX_SITE_TEXT), MAX_SITES)),
  Username: v.exactOptional(textSchema(MAX_USERNAME)),
  Password: v.exactOptional(textSchema(MAX_PASSWORD)),
  Title: v.exactOptional(textSchema(MAX_TITLE)),
  Notes: v.exactOptional(textSchema(MAX_NOTES)),
  OTP: v.exactOptional(OtpSchema),
  Labels: v.exactOptional(listSchema(textSchema(MAX_LABEL), MAX_LABELS)),
  /** Passwords from before, the newest first, each with the time until which it held. */
  Earlier: v.exactOptional(
    listSchema(v.looseObject({ Password: textSchema(MAX_PASSWORD), Until: TimeSchema }), MAX_EARLIER),
  ),
  Created: v.exactOptional(TimeSchema),
  /** When the password was set, where that was not when the entry was made. */
  Changed: v.exactOptional(TimeSchema),
  /** The addresses of the sites as another program had them, where they say more than the sites. */
  URIs: v.exactOptional(listSchema(textSchema(MAX_SITE_TEXT), MAX_SITES)),
  /** What Bitwarden keeps with an entry and nobody else, as it was exported. */
  Bitwarden: v.exactOptional(v.looseObject({})),
});

export type PasswordValue = v.InferOutput<typeof PasswordSchema>;

/** What can be said of an entry: `undefined` takes a member away. */
export type PasswordChange = { readonly [Name in keyof PasswordValue]?: PasswordValue[Name] | undefined };

/** A value without members that are undefined, empty text or empty lists: absent means absent. */
export const compact = (value: Readonly<Record<string, unknown>>): PasswordValue =>
  Object.fromEntries(
    Object.entries(value).filter(
      ([, member]) => member !== undefined && member !== "" && !(Array.isArray(member) && member.length === 0),
    ),
  );

/** What a new password does: the one before is kept among the earlier ones, with the time until which it held. */
const withEarlier = (before: PasswordValue, change: PasswordChange, now: Date): PasswordChange => {
  if (!("Password" in change) || change.Password === before.Password) return {};
  const time = recordTime(now);
  const since = { Changed: change.Changed ?? time };
  if (before.Password === undefined) return since;
  const known = "Earlier" in change ? change.Earlier : before.Earlier;
  const earlier = [{ Password: before.Password, Until: time }, ...(known ?? [])];
  return { ...since, Earlier: earlier.slice(0, MAX_EARLIER) };
};

/** Addresses that are of sites which the entry has, or of none at all. */
const withoutForeign = (uris: readonly string[] = [], sites: readonly string[] = []): string[] =>
  uris.filter((uri) => {
    const site = canonicalSite(uri);
    return site === undefined || sites.includes(site);
  });

/**
 * The entry with some members changed. A password that it had is kept among the earlier ones, and addresses of sites that it has no more
 * go. Throws `too-large`.
 */
export const changed = (before: PasswordValue, change: PasswordChange, now: Date): PasswordValue => {
  const after = { ...before, ...change, ...withEarlier(before, change, now) };
  return checked(compact("Sites" in change ? { ...after, URIs: withoutForeign(after.URIs, change.Sites) } : after));
};

/** A new entry. Throws `too-large`. */
export const created = (members: PasswordChange, now: Date): PasswordValue =>
  checked(compact({ ...members, Created: members.Created ?? recordTime(now) }));

/** The value, where it is not too large for an entry. Throws `too-large`. Nothing of it is in the error. */
export const checked = (value: PasswordValue): PasswordValue => {
  if (valueSize(value) > MAX_VALUE || !v.is(PasswordSchema, value)) {
    throw new MeshError("too-large", msg("password.too-large"), { hint: msg("password.too-large.hint") });
  }
  return value;
};

/** When the password that an entry has was set, as far as the entry says. */
export const passwordSince = ({ Changed, Created }: PasswordValue): string | undefined => Changed ?? Created;

/** What an entry is called: its title, or the first of its sites. */
export const nameOf = ({ Title, Sites, URIs }: PasswordValue): string => Title ?? Sites?.[0] ?? URIs?.[0] ?? "";
