import { recordTime } from "../../schema.js";
import type { Fault } from "./csv.js";
import { eachOf, importedOf, sitesOf, titleOf, urisOf, type Cells, type Imported } from "./imported.js";
import { otpUri, parseOtp } from "./otp.js";
import { foldTitle } from "./kind.js";
import { nameOf, passwordSince, type PasswordValue } from "./value.js";

// The tables in which browsers hand over what they know: a row for each address.

type Table = readonly { readonly line: number; readonly cells: Cells }[];
type Read = (rows: Table) => readonly Imported[] | Fault;

/** A browser's table: its columns, and what stands in them. `needed` are those without which it is none. */
export interface Browser {
  readonly columns: readonly string[];
  readonly needed: readonly string[];
  readonly read: Read;
  /** The cells of one address of an entry. */
  readonly write: (value: PasswordValue, uri: string) => readonly string[];
}

const lineOf = ({ line }: { readonly line: number }): number => line;

/** What all of them have. `name` is what the browser calls the entry. */
const basics = (name: string, url: string, cells: Cells): PasswordValue => {
  const sites = sitesOf(url === "" ? [] : [url]);
  const Title = titleOf(name.trim(), sites);
  return { ...sites, ...(Title !== undefined && { Title }), Username: cells("username"), Password: cells("password") };
};

const chrome: Browser = {
  columns: ["name", "url", "username", "password", "note"],
  needed: ["name", "url", "username", "password"],
  read: (rows) =>
    eachOf(
      rows,
      ({ line, cells }) => importedOf(line, { ...basics(cells("name"), cells("url"), cells), Notes: cells("note") }),
      lineOf,
    ),
  write: (value, uri) => [nameOf(value), uri, value.Username ?? "", value.Password ?? "", value.Notes ?? ""],
};

/** A time in milliseconds since 1970, as Firefox writes it. */
const timeOf = (text: string): string | undefined =>
  /^\d{1,14}$/.test(text) && Number(text) > 0 && Number(text) < 253_402_300_800_000
    ? recordTime(new Date(Number(text)))
    : undefined;

const millisecondsOf = (time: string | undefined): string => (time === undefined ? "" : String(Date.parse(time)));

const firefox: Browser = {
  columns: [
    "url",
    "username",
    "password",
    "httpRealm",
    "formActionOrigin",
    "guid",
    "timeCreated",
    "timeLastUsed",
    "timePasswordChanged",
  ],
  needed: ["url", "username", "password"],
  read: (rows) =>
    eachOf(
      rows,
      ({ line, cells }) => {
        const created = timeOf(cells("timecreated"));
        const changed = timeOf(cells("timepasswordchanged"));
        return importedOf(line, {
          ...basics("", cells("url"), cells),
          Created: created,
          Changed: changed === created ? undefined : changed,
        });
      },
      lineOf,
    ),
  write: (value, uri) => [
    uri,
    value.Username ?? "",
    value.Password ?? "",
    "",
    uri,
    "",
    millisecondsOf(value.Created),
    millisecondsOf(passwordSince(value)),
    millisecondsOf(passwordSince(value)),
  ],
};

/** Safari puts the user behind the site in a title of its own making. */
const withoutUser = (title: string, username: string): string =>
  username !== "" && title.endsWith(` (${username})`) ? title.slice(0, -username.length - 3) : title;

const safari: Browser = {
  columns: ["Title", "URL", "Username", "Password", "Notes", "OTPAuth"],
  needed: ["title", "url", "username", "password"],
  read: (rows) =>
    eachOf(
      rows,
      ({ line, cells }) => {
        const otp = cells("otpauth");
        const OTP = otp === "" ? undefined : parseOtp(otp);
        const title = withoutUser(cells("title"), cells("username"));
        const value = basics(title, cells("url"), cells);
        // It writes a site's name as people do.
        const isSite = value.Sites?.[0] !== undefined && foldTitle(title) === value.Sites[0];
        const isOther = otp !== "" && !OTP;
        const notes = [cells("notes"), ...(isOther ? [otp] : [])].filter((text) => text !== "").join("\n");
        return importedOf(
          line,
          { ...value, ...(isSite && { Title: undefined }), Notes: notes, OTP },
          isOther ? ["otp"] : [],
        );
      },
      lineOf,
    ),
  write: (value, uri) => [
    nameOf(value),
    uri,
    value.Username ?? "",
    value.Password ?? "",
    value.Notes ?? "",
    value.OTP ? otpUri(value.OTP, value.Username) : "",
  ],
};

export const BROWSERS = { chrome, firefox, safari } as const;

/** The rows of a browser's table, its headings first: one for each address of an entry. */
export const browserRows = (browser: Browser, values: readonly PasswordValue[]): readonly (readonly string[])[] => [
  browser.columns,
  ...values.flatMap((value) => {
    const uris = urisOf(value);
    return (uris.length === 0 ? [""] : uris).map((uri) => browser.write(value, uri));
  }),
];
