import type { Connection, SecurityMode } from "./connection.js";
import type { MailValue } from "./mail.js";

// Settings as mutt and neomutt read them (muttrc(5)).

/** Text as one word of a muttrc in which nothing has a meaning: only an apostrophe cannot stand between apostrophes. */
export const muttWord = (text: string): string =>
  text
    .split("'")
    .map((part) => `'${part}'`)
    .join(`"'"`);

/** Text behind `my_hdr`, where quotes stand for themselves, and a word that begins with an escape stays what it is. */
const muttHeader = (text: string): string => text.replace(/[\\`$;#'"]/g, "\\$&");

/** A word of a shell command between backquotes of a muttrc: both take a backslash as the escape. */
export const shellWord = (text: string): string =>
  /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `"${text.replace(/["\\$`]/g, "\\$&")}"`;

type Direction = "inbound" | "outbound";

/** What stands for a password: the secret itself, a command that prints it, or nothing. */
export type Secret = { readonly text: string } | { readonly command: string };

export interface MuttOptions {
  readonly secret: (direction: Direction, connection: Connection) => Secret | undefined;
}

/** How a program of its time would secure a connection that says nothing of it: by the port and the prefix that it has. */
const securityOf = ({ Security, Port, Prefix, URI }: Connection): SecurityMode => {
  if (Security?.[0] !== undefined) return Security[0];
  const scheme = URI === undefined ? undefined : /^([a-z0-9]+):/i.exec(URI)?.[1]?.toLowerCase();
  const isDirect =
    [993, 995, 465].includes(Port ?? 0) || /^_(imaps|pop3s|submissions)\./.test(Prefix ?? "") || scheme?.endsWith("s");
  return isDirect === true ? "Direct" : "Upgrade";
};

const isPop = ({ Prefix, URI, Port }: Connection): boolean =>
  /^_pop3/.test(Prefix ?? "") || /^pops?:/i.test(URI ?? "") || [110, 995].includes(Port ?? 0);

/** The parts of a server's address: those that are said, or else those of the URI. */
const placeOf = (connection: Connection): { readonly host: string; readonly port: number | undefined } | undefined => {
  const { ServiceName: host, Port: port, URI: uri } = connection;
  if (host !== undefined) return { host: host.includes(":") && !host.startsWith("[") ? `[${host}]` : host, port };
  if (uri === undefined || !URL.canParse(uri)) return undefined;
  // A scheme that is special has a host that is checked; these are not.
  const { hostname, port: named } = new URL(uri.replace(/^[^:]*:/, "https:"));
  return hostname === "" ? undefined : { host: hostname, port: port ?? (named === "" ? undefined : Number(named)) };
};

const urlOf = (scheme: string, connection: Connection): string | undefined => {
  const place = placeOf(connection);
  if (!place) return undefined;
  const user = connection.UserName === undefined ? "" : `${encodeURIComponent(connection.UserName)}@`;
  return `${scheme}://${user}${place.host}${place.port === undefined ? "" : `:${place.port}`}`;
};

const set = (name: string, value: string): string => `set ${name}=${muttWord(value)}`;

const secretLine = (name: string, secret: Secret | undefined): readonly string[] => {
  if (!secret) return [];
  return ["text" in secret ? set(name, secret.text) : `set ${name}="\`${secret.command}\`"`];
};

/** Whether the connection is never made without TLS. */
const tlsLines = (modes: readonly SecurityMode[]): readonly string[] =>
  modes.length === 0
    ? []
    : modes.every((mode) => mode === "None")
      ? ["set ssl_starttls=no", "set ssl_force_tls=no"]
      : ["set ssl_starttls=yes", `set ssl_force_tls=${modes.includes("None") ? "no" : "yes"}`];

/** Mechanisms are said in many ways; mutt divides them by colons. */
const mechanisms = (text: string): string =>
  text
    .split(/[\s,:;]+/)
    .filter(Boolean)
    .join(":")
    .toLowerCase();

const inboundLines = (connection: Connection, { secret }: MuttOptions): readonly string[] => {
  const kind = isPop(connection) ? "pop" : "imap";
  const url = urlOf(`${kind}${securityOf(connection) === "Direct" ? "s" : ""}`, connection);
  if (url === undefined) return [];
  const { UserName, Authentication, TimeOut } = connection;
  return [
    ...(kind === "imap"
      ? [set("folder", `${url}/`), "set spoolfile='+INBOX'"]
      : [set("spoolfile", `${url}/`), set("pop_host", url)]),
    ...(UserName === undefined ? [] : [set(`${kind}_user`, UserName)]),
    ...secretLine(`${kind}_pass`, secret("inbound", connection)),
    ...(Authentication === undefined ? [] : [set(`${kind}_authenticators`, mechanisms(Authentication))]),
    ...(TimeOut === undefined ? [] : [`set connect_timeout=${TimeOut}`]),
  ];
};

const outboundLines = (connection: Connection, { secret }: MuttOptions): readonly string[] => {
  const url = urlOf(securityOf(connection) === "Direct" ? "smtps" : "smtp", connection);
  if (url === undefined) return [];
  return [
    set("smtp_url", `${url}/`),
    ...secretLine("smtp_pass", secret("outbound", connection)),
    ...(connection.Authentication === undefined
      ? []
      : [set("smtp_authenticators", mechanisms(connection.Authentication))]),
  ];
};

/** A muttrc for a mail account: its preferred connections, and who it is. Ends with a line end. */
export const muttSettings = (account: MailValue, options: MuttOptions): string => {
  const [inbound] = account.Inbound ?? [];
  const [outbound] = account.Outbound ?? [];
  const connections = [inbound, outbound].filter((connection) => connection !== undefined);
  return [
    set("from", account.EmailAddress),
    "set use_from=yes",
    ...(account.DisplayName === undefined ? [] : [set("realname", account.DisplayName)]),
    ...(account.ReplyToAddress === undefined ? [] : [`my_hdr Reply-To: ${muttHeader(account.ReplyToAddress)}`]),
    ...(inbound ? inboundLines(inbound, options) : []),
    ...(outbound ? outboundLines(outbound, options) : []),
    ...tlsLines(connections.map(securityOf)),
    "",
  ].join("\n");
};
