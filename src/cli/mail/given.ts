import * as v from "valibot";
import { MeshError } from "../../errors.js";
import { withoutNewline } from "../../keystore/key-text.js";
import { ConnectionSchema, SECURITY_MODES, type Connection } from "../../mesh/application/connection.js";
import type { MailSchema } from "../../mesh/application/mail.js";
import type { NetworkSchema } from "../../mesh/application/network.js";
import { decodeUtf8 } from "../../mesh/bytes.js";
import { parseStrictJsonOctets } from "../../mesh/json.js";
import { parseWith } from "../../mesh/schema.js";
import { msg } from "../../messages/message.js";
import { inputRequired, type Context, type Input } from "../context.js";
import { optionInvalid, readNamedFile, readSecretOrStdin, warnShared } from "../input.js";

// What the options of commands about mail and networks give.

const MAX_SETTINGS = 256 * 1024;
const MAX_SECRET = 4096;

/** The members of a connection that options say. */
export type GivenConnection = { readonly [Name in keyof Connection]?: Connection[Name] };

const yesOrNo = (text: string, option: string): boolean => {
  if (text !== "yes" && text !== "no") throw new MeshError("usage", msg("mail.yes-or-no", { option }));
  return text === "yes";
};

const securityModes = (texts: readonly string[], option: string): Connection["Security"] =>
  texts.map((text) => {
    const mode = SECURITY_MODES.find((name) => name.toLowerCase() === text.toLowerCase());
    if (mode) return mode;
    throw new MeshError("usage", msg("mail.security-unknown", { option, modes: SECURITY_MODES.join(", ") }));
  });

/** A server with its port, if one stands behind it: `imap.example.com:993`, `[2001:db8::1]:53`. Throws `usage`, which names the option. */
export const serverAndPort = (
  text: string,
  option: string,
): { readonly ServiceName: string; readonly Port?: number } => {
  // Whatever a host is called here or there, it has no spaces in it: that would be words of something else.
  if (/\s/.test(text)) throw optionInvalid(option, text);
  const [, inBrackets, plain, port] = /^(?:\[([0-9A-Fa-f:.]+)\]|([^[\]:]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = inBrackets ?? plain ?? text;
  return { ServiceName: host, ...(port !== undefined && { Port: Number(port) }) };
};

/** A connection as it is kept. Throws `usage` for what none can be. */
export const checkedConnection = (connection: GivenConnection, what: string): Connection =>
  parseWith(ConnectionSchema, connection, "usage", msg("mail.what-connection", { what }));

/** Insists that settings are such with what one option, or argument, says. Throws `usage`, which names it and what it says. */
export const insistOn = (
  schema: typeof ConnectionSchema | typeof MailSchema | typeof NetworkSchema,
  settings: object,
  option: string,
  given: string | number,
): void => {
  if (!v.is(schema, settings)) throw optionInvalid(option, String(given));
};

/** What `--NAME-server` and the like say of a connection. Nothing where no such option is there. */
export const givenConnection = (input: Input, name: "inbound" | "outbound"): GivenConnection => {
  const text = (option: string): string | undefined => input.text(`${name}${option}`);
  const [server, prefix, user] = [text("Server"), text("Prefix"), text("User")];
  const [uri, authentication, polling] = [text("Uri"), text("Auth"), text("Polling")];
  const [port, timeout] = [input.whole(`${name}Port`), input.whole(`${name}Timeout`)];
  const security = input.list(`${name}Security`);
  const said: readonly (readonly [option: string, given: string | number | undefined, connection: GivenConnection])[] =
    [
      ["server", server, serverAndPort(server ?? "", `--${name}-server`)],
      ["prefix", prefix, { Prefix: prefix }],
      ["user", user, { UserName: user }],
      ["uri", uri, { URI: uri }],
      ["auth", authentication, { Authentication: authentication }],
      ["port", port, { Port: port }],
      ["timeout", timeout, { TimeOut: timeout }],
    ];
  for (const [option, given, connection] of said) {
    if (given !== undefined) insistOn(ConnectionSchema, connection, `--${name}-${option}`, given);
  }
  return {
    ...(server !== undefined && serverAndPort(server, `--${name}-server`)),
    ...(port !== undefined && { Port: port }),
    ...(prefix !== undefined && { Prefix: prefix }),
    ...(security.length > 0 && { Security: securityModes(security, `--${name}-security`) }),
    ...(user !== undefined && { UserName: user }),
    ...(uri !== undefined && { URI: uri }),
    ...(authentication !== undefined && { Authentication: authentication }),
    ...(timeout !== undefined && { TimeOut: timeout }),
    ...(polling !== undefined && { Polling: yesOrNo(polling, `--${name}-polling`) }),
  };
};

/**
 * The password that `--password-file` and the like give, or somebody types. Undefined where no option says so. Throws `usage` where
 * two do or for what is none, and `input-required`.
 */
export const givenPassword = async (context: Context, input: Input): Promise<string | undefined> => {
  const place = { file: input.text("passwordFile"), fd: input.whole("passwordFd") };
  const asks = input.flag("askPassword");
  if ([place.file !== undefined, place.fd !== undefined, asks].filter(Boolean).length > 1) {
    throw new MeshError("usage", msg("mail.one-password"));
  }
  if (asks) {
    if (!context.canAsk) throw inputRequired(msg("mail.what-password"), "--password-file");
    return context.ask.secret(msg("mail.ask-password"), {
      validate: (text) => isPassword(text) || msg("mail.password-form"),
    });
  }
  const octets = await readSecretOrStdin(context, place, MAX_SECRET);
  if (!octets) return undefined;
  const text = decoded(withoutNewline(octets));
  octets.fill(0);
  if (text === undefined || !isPassword(text)) throw new MeshError("usage", msg("mail.password-form"));
  return text;
};

const decoded = (octets: Buffer): string | undefined => {
  try {
    return decodeUtf8(octets);
  } catch {
    return undefined;
  }
};

const isPassword = (text: string): boolean => v.is(ConnectionSchema, { Password: text });

/**
 * Settings from the file that `--from-file` names, or standard input for `-`: an object, or one in a member of that `name`. Throws
 * `import-invalid`, `too-large`, `file-unreadable`.
 */
export const settingsFile = async (context: Context, input: Input, name: string): Promise<object | undefined> => {
  const path = input.text("fromFile");
  if (path === undefined) return undefined;
  const octets = path === "-" ? await context.deps.readStdin(MAX_SETTINGS) : readNamedFile(context, path, MAX_SETTINGS);
  if (octets.length > MAX_SETTINGS)
    throw new MeshError("too-large", msg("file.too-large", { path: JSON.stringify(path) }));
  if (path !== "-") await warnShared(context, path);
  const value = parsed(octets);
  octets.fill(0);
  const inner = isObject(value) && name in value ? (value as Record<string, unknown>)[name] : value;
  if (!isObject(inner))
    throw new MeshError("import-invalid", msg("mail.settings-form"), { hint: msg("mail.settings-form.hint") });
  return inner;
};

const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const parsed = (octets: Buffer): unknown => {
  try {
    return parseStrictJsonOctets(octets);
  } catch {
    return undefined;
  }
};

/** The names behind `--clear`. Throws `usage` for one that is none of those known. */
export const givenClear = (input: Input, known: readonly string[]): ReadonlySet<string> => {
  const names = input.list("clear");
  for (const name of names) {
    if (!known.includes(name)) {
      throw new MeshError("usage", msg("mail.clear-unknown", { names: known.join(", ") }));
    }
  }
  return new Set(names);
};
