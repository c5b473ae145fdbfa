import type { Fault, Row } from "./csv.js";
import { isFault } from "./csv.js";
import { MAX_ENTRIES } from "../entry.js";
import { isMeshError } from "../../../errors.js";
import { parseStrictJson } from "../../json.js";
import { canonicalSite } from "./site.js";
import { checked, compact, MAX_SITES, nameOf, type PasswordValue } from "./value.js";

// What all formats of other programs have in common.

export const FORMATS = ["chrome", "firefox", "safari", "bitwarden-csv", "bitwarden-json"] as const;
export type Format = (typeof FORMATS)[number];

/** What of a file is no part of an entry as it is here: kept beside it, or left out. */
export type Remark =
  /** No login: kept as an entry with notes, and with all that the other program knows of it. */
  | "kind"
  /** What makes codes, of a kind that is not made here: kept as it is. */
  | "otp"
  /** In the other program's bin: left out. */
  | "deleted";

/** One entry of a file, and where it stands there. */
export interface Imported {
  readonly line: number;
  /** Undefined where it is left out. */
  readonly value: PasswordValue | undefined;
  readonly remarks: readonly Remark[];
}

/** The address of a site as other programs have it. */
const uriOf = (site: string): string => `https://${site}`;

/** All addresses of an entry: those that came with it, and for its other sites the usual ones. */
export const urisOf = ({ Sites = [], URIs = [] }: PasswordValue): readonly string[] => {
  const covered = new Set(URIs.map(canonicalSite));
  return [...URIs, ...Sites.filter((site) => !covered.has(site)).map(uriOf)];
};

/** The sites of some addresses, and the addresses where the sites do not say as much. */
export const sitesOf = (uris: readonly string[]): Pick<PasswordValue, "Sites" | "URIs"> => {
  const sites = [...new Set(uris.map(canonicalSite).filter((site) => site !== undefined))];
  const isUsual = sites.length === uris.length && sites.every((site, index) => uriOf(site) === uris[index]);
  return { ...(sites.length > 0 && { Sites: sites }), ...(!isUsual && { URIs: [...uris] }) };
};

/** A title, unless the entry would be called so in any case, or the program had none and put a mark in its place. */
export const titleOf = (name: string, value: PasswordValue): string | undefined =>
  name === "" || name === "--" || name === nameOf(value) ? undefined : name;

/** Levels of JSON around an entry in its record. */
const ROOM = 8;

/** The entry as it may be kept, or what is wrong with it. */
export const importedOf = (
  line: number,
  members: Readonly<Record<string, unknown>>,
  remarks: readonly Remark[] = [],
): Imported | Fault => {
  const value = compact(members);
  if ((value.Sites?.length ?? 0) > MAX_SITES) return { line, fault: "value" };
  try {
    // What cannot be read back must not be written: so deep, or with half a character in it. Only JSON has such things.
    parseStrictJson(`${"[".repeat(ROOM)}${JSON.stringify(value)}${"]".repeat(ROOM)}`);
  } catch {
    return { line, fault: "value" };
  }
  try {
    return { line, value: checked(value), remarks };
  } catch (error) {
    if (!isMeshError(error)) throw error;
    return { line, fault: "size" };
  }
};

/** Reads every row, up to the first in which something is wrong. */
export const eachOf = <Item>(
  items: readonly Item[],
  read: (item: Item) => Imported | Fault,
  lineOf: (item: Item) => number,
): readonly Imported[] | Fault => {
  const beyond = items[MAX_ENTRIES];
  if (beyond !== undefined) return { line: lineOf(beyond), fault: "many" };
  const found: Imported[] = [];
  for (const item of items) {
    const imported = read(item);
    if (isFault(imported)) return imported;
    found.push(imported);
  }
  return found;
};

/** The cells of a row by the names of their columns. */
export type Cells = (column: string) => string;

/** The rows of a table below its headings, each as long as these. */
export const tableOf = (
  rows: readonly Row[],
): { readonly columns: readonly string[]; readonly rows: readonly { line: number; cells: Cells }[] } | Fault => {
  const [head, ...rest] = rows;
  if (!head) return { line: 1, fault: "empty" };
  const columns = head.cells.map((name) => name.trim().toLowerCase());
  if (new Set(columns).size < columns.length) return { line: head.line, fault: "header" };
  const index = new Map(columns.map((name, column) => [name, column]));
  const wrong = rest.find(({ cells }) => cells.length !== columns.length);
  if (wrong) return { line: wrong.line, fault: "columns" };
  return {
    columns,
    rows: rest.map(({ line, cells }) => ({ line, cells: (name) => cells[index.get(name) ?? -1] ?? "" })),
  };
};
