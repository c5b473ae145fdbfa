import type { ApplicationKind } from "../kind.js";
import { PasswordSchema, type PasswordValue } from "./value.js";

/** What an entry is found by: a site, a user, a label or its title, each with a letter in front that says which. */
const mark = (kind: "s" | "u" | "l" | "t", text: string): string => `${kind}:${text}`;

export const siteLabel = (site: string): string => mark("s", site);
export const userLabel = (username: string): string => mark("u", username);
/** Titles are found however they are written. */
export const titleLabel = (title: string): string => mark("t", foldTitle(title));

/** A title as it is compared. */
export const foldTitle = (title: string): string => title.normalize("NFC").trim().toLowerCase();

/** Passwords (reference-00 sections 5.3.15 to 5.3.17). */
export const PASSWORDS: ApplicationKind<PasswordValue> = {
  type: "PasswordProfile",
  name: "passwords",
  schema: PasswordSchema,
  label: ({ Sites = [], Username, Title }) => [
    ...Sites.map(siteLabel),
    ...(Username === undefined ? [] : [userLabel(Username)]),
    ...(Title === undefined ? [] : [titleLabel(Title)]),
  ],
  secrets: ({ Password, OTP }) => [...(Password === undefined ? [] : [Password]), ...(OTP ? [OTP.Secret] : [])],
};
