import {
  BITWARDEN_COLUMNS,
  bitwardenRows,
  readBitwardenJson,
  readBitwardenRows,
  writeBitwardenJson,
} from "./bitwarden.js";
import { BROWSERS, browserRows } from "./browsers.js";
import { decodeFile, formatCsv, isFault, parseCsv, type Fault } from "./csv.js";
import { FORMATS, tableOf, type Format, type Imported } from "./imported.js";
import { MAX_ENTRIES } from "../entry.js";
import type { PasswordValue } from "./value.js";

export { FORMATS, type Format, type Imported, type Remark } from "./imported.js";
export { isFault, type Fault } from "./csv.js";

export const isFormat = (text: string): text is Format => (FORMATS as readonly string[]).includes(text);

/** A file of another program, read. */
export interface ReadFile {
  readonly format: Format;
  readonly imported: readonly Imported[];
  /** Columns of a table in which something stands that has no place in an entry. */
  readonly ignored: readonly string[];
}

const TABLES = {
  chrome: { columns: BROWSERS.chrome.columns, needed: BROWSERS.chrome.needed, read: BROWSERS.chrome.read },
  firefox: { columns: BROWSERS.firefox.columns, needed: BROWSERS.firefox.needed, read: BROWSERS.firefox.read },
  safari: { columns: BROWSERS.safari.columns, needed: BROWSERS.safari.needed, read: BROWSERS.safari.read },
  "bitwarden-csv": {
    columns: [...BITWARDEN_COLUMNS, "collections"],
    needed: ["name", "login_uri", "login_username", "login_password"],
    read: readBitwardenRows,
  },
} as const;

/** Which table has these columns. What tells one from another is a column that it alone has. */
const tableFor = (columns: readonly string[]): keyof typeof TABLES | undefined => {
  const has = (...names: readonly string[]): boolean => names.every((name) => columns.includes(name));
  if (has(...TABLES["bitwarden-csv"].needed)) return "bitwarden-csv";
  if (has(...TABLES.safari.needed)) return "safari";
  if (has(...TABLES.chrome.needed)) return "chrome";
  return has(...TABLES.firefox.needed) && has("httprealm") ? "firefox" : undefined;
};

/** Reads a file of another program, whose format is found out where none is given. Gives what is wrong with it, and on which line. */
export const readFile = (octets: Uint8Array, given?: Format): ReadFile | Fault => {
  const text = decodeFile(octets);
  if (isFault(text)) return text;
  if (text.trim() === "") return { line: 1, fault: "empty" };
  if (given === "bitwarden-json" || (given === undefined && /^\s*\{/.test(text))) {
    const imported = readBitwardenJson(text);
    return isFault(imported) ? imported : { format: "bitwarden-json", imported, ignored: [] };
  }
  // The headings are a row as well.
  const parsed = parseCsv(text, MAX_ENTRIES + 1);
  if (isFault(parsed)) return parsed;
  const table = tableOf(parsed);
  if (isFault(table)) return table;
  const format = given ?? tableFor(table.columns);
  const line = parsed[0]?.line ?? 1;
  if (format === undefined) return { line, fault: "header" };
  const { columns, needed, read } = TABLES[format];
  if (!needed.every((name) => table.columns.includes(name))) return { line, fault: "header" };
  const imported = read(table.rows);
  if (isFault(imported)) return imported;
  const known = columns.map((name) => name.toLowerCase());
  const ignored = table.columns.filter(
    (name) => !known.includes(name) && table.rows.some(({ cells }) => cells(name) !== ""),
  );
  return { format, imported, ignored };
};

/** Writes entries in the format of another program. */
export const writeFile = (format: Format, values: readonly PasswordValue[]): string => {
  if (format === "bitwarden-json") return writeBitwardenJson(values);
  return formatCsv(format === "bitwarden-csv" ? bitwardenRows(values) : browserRows(BROWSERS[format], values));
};

/** What a format has no place for, by the names of the members of entries. */
const NO_PLACE: Readonly<Record<Format, readonly (keyof PasswordValue)[]>> = {
  chrome: ["OTP", "Labels", "Earlier", "Created", "Changed", "Bitwarden"],
  firefox: ["Title", "Notes", "OTP", "Labels", "Earlier", "Bitwarden"],
  safari: ["Labels", "Earlier", "Created", "Changed", "Bitwarden"],
  "bitwarden-csv": ["Earlier", "Created", "Changed"],
  "bitwarden-json": [],
};

/** Names of members that some entries have and that are not in the file. */
export const leftOut = (format: Format, values: readonly PasswordValue[]): readonly (keyof PasswordValue)[] =>
  NO_PLACE[format].filter((name) => values.some((value) => value[name] !== undefined));
