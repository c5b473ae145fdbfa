import { MeshError } from "../../../errors.js";
import { msg } from "../../../messages/message.js";
import { isField, type Field } from "./fields.js";

// References to entries, for the environment of commands and for templates: mesh://password/SITE[/USER[/FIELD]], percent-encoded.

export interface Reference {
  /** As it is written, for errors. */
  readonly text: string;
  readonly site: string;
  /** Absent where it says none: then only one entry may be for the site. */
  readonly username?: string;
  readonly field: Field;
}

const SCHEME = "mesh://";
const PREFIX = `${SCHEME}password/`;
/**
 * Text without a reference in it is only looked through. Whatever has the scheme is taken for one: a slip such as mesh://passwords/
 * must not end up as the secret.
 */
export const hasReference = (text: string): boolean => text.includes(SCHEME);

const MAX_REFERENCE = 4096;

const unresolved = (text: string): MeshError =>
  new MeshError("reference-unresolved", msg("password.reference-form", { reference: text.slice(0, 256) }), {
    hint: msg("password.reference-form.hint"),
  });

const decoded = (part: string, text: string): string => {
  try {
    return decodeURIComponent(part);
  } catch {
    throw unresolved(text);
  }
};

/** Reads a reference. Throws `reference-unresolved` where it is none: it names no field that there is, or is wrongly encoded. */
export const parseReference = (text: string): Reference => {
  const parts = text.slice(PREFIX.length).split("/");
  const [site = "", username = "", field = "password"] = parts.map((part) => decoded(part, text));
  const isWhole = text.startsWith(PREFIX) && text.length <= MAX_REFERENCE && parts.length <= 3;
  if (!isWhole || site === "" || !isField(field)) throw unresolved(text);
  return { text, site, ...(username !== "" && { username }), field };
};

/** The reference to a field of an entry. */
export const formatReference = (site: string, username?: string, field?: Field): string =>
  PREFIX +
  [site, ...(username === undefined && field === undefined ? [] : [username ?? ""]), ...(field ? [field] : [])]
    .map(encodeURIComponent)
    .join("/");

/**
 * References in a text: in double braces, or by themselves. One by itself has letters, digits, `%` and `._~@:+*-` in it, and ends at any
 * other character; a dot or colon at its very end belongs to the text around it.
 */
const REFERENCES = /\{\{\s*(mesh:\/\/[^\s{}]*)\s*\}\}|mesh:\/\/[A-Za-z0-9%._~@:+*/-]*[A-Za-z0-9%_~@+*/-]|mesh:\/\//g;

/** The references in a text, in their order. Throws `reference-unresolved` for what looks like one and is none. */
export const referencesIn = (text: string): readonly Reference[] =>
  [...text.matchAll(REFERENCES)].map(([whole, braced]) => parseReference(braced ?? whole));

/** The text with what its references stand for in their places, as `resolve` gives it. What is put in is not looked through again. */
export const replaceReferences = (text: string, resolve: (reference: Reference) => string): string =>
  text.replace(REFERENCES, (whole, braced: string | undefined) => resolve(parseReference(braced ?? whole)));
