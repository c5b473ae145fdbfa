import { MeshError } from "../../errors.js";
import type { Connection } from "../../mesh/application/connection.js";
import { defaultAccount, MAIL, publishedKeys, withoutPasswords, type MailValue } from "../../mesh/application/mail.js";
import { msg, type Message } from "../../messages/message.js";
import { applicationOptions, readingSession } from "../application/access.js";
import { findEntry, marksOf } from "../application/named-entry.js";
import { applicationView } from "../application/view.js";
import type { Context, Input, Run } from "../context.js";
import { fields, raw, readableTime, type Cell, type Result, type Text } from "../output.js";
import { accountView, wantedAccount, type MailEntry } from "./account.js";

const FORMATS = ["text", "json", "mutt"] as const;
type Format = (typeof FORMATS)[number];

const DIRECTIONS = ["inbound", "outbound"] as const;
type Direction = (typeof DIRECTIONS)[number];

export const run: Run = async (context, input) => {
  const format = formatOf(input);
  const direction = directionOf(input);
  const secrets = input.flag("showPasswords");
  const session = await readingSession(context);
  const wanted = wantedAccount(input.argument(0) ?? "");
  const { application, entry } = await findEntry(session, MAIL, applicationOptions(input), wanted);
  if (direction !== undefined) return passwordResult(entry, direction);
  // Where no account was made the default, the first one is.
  const first = defaultAccount((await application.entries()).map((other) => other.value));
  const isDefault = first?.EmailAddress === entry.value.EmailAddress;
  const value = {
    application: applicationView(application),
    account: { ...accountView(entry, secrets), default: isDefault },
  };
  switch (format) {
    case "json":
      return { value, text: raw(`${JSON.stringify(settingsOf(entry, secrets), undefined, 2)}\n`), exact: true };
    case "mutt":
      return { value, text: raw(await muttText(context, input, entry, secrets)), exact: true };
    case "text":
      return { value, text: textOf(entry, secrets, isDefault) };
  }
};

const formatOf = (input: Input): Format => {
  const text = input.text("format") ?? "text";
  const format = FORMATS.find((name) => name === text);
  if (!format) throw new MeshError("usage", msg("mail.format-unknown", { formats: FORMATS.join(", ") }));
  return format;
};

const directionOf = (input: Input): Direction | undefined => {
  const text = input.text("password");
  if (text === undefined) return undefined;
  if (input.text("format") !== undefined || input.flag("showPasswords")) {
    throw new MeshError("usage", msg("mail.password-alone"));
  }
  const direction = DIRECTIONS.find((name) => name === text);
  if (!direction) throw new MeshError("usage", msg("mail.password-which"));
  return direction;
};

const connectionOf = ({ Inbound, Outbound }: MailValue, direction: Direction): Connection | undefined =>
  (direction === "inbound" ? Inbound : Outbound)?.[0];

/** A password alone, as other programs ask for it. */
const passwordResult = ({ value }: MailEntry, direction: Direction): Result => {
  const password = connectionOf(value, direction)?.Password;
  if (password === undefined) {
    throw new MeshError("entry-not-found", msg("mail.no-password", { address: value.EmailAddress, direction }));
  }
  return { value: { password }, text: raw(`${password}\n`), exact: true };
};

/** The settings with the names of the specification, as `--from-file` reads them. */
const settingsOf = ({ value }: MailEntry, secrets: boolean): object => ({
  MailProfilePrivate: secrets ? value : withoutPasswords(value),
});

const muttText = async (
  context: Context,
  input: Input,
  { id, value }: MailEntry,
  secrets: boolean,
): Promise<string> => {
  const { muttSettings, shellWord } = await import("../../mesh/application/mutt.js");
  const { home, profile } = context.globals;
  const app = input.text("app");
  const options = [
    ...(home === undefined ? [] : ["--home", context.home.path]),
    ...(profile === undefined ? [] : ["--profile", profile]),
    ...(app === undefined ? [] : ["--app", app]),
  ];
  // By the identifier, which nobody else's account has, and which the shell takes as it is.
  const command = (direction: Direction): string =>
    ["meshman", "mail", "show", "--password", direction, ...options, "--no-input", "--quiet", "--", id]
      .map(shellWord)
      .join(" ");
  return muttSettings(value, {
    secret: (direction, { Password: text }) =>
      text === undefined ? undefined : secrets ? { text } : { command: command(direction) },
  });
};

const connectionRows = (
  name: Message,
  connections: readonly Connection[] = [],
  secrets: boolean,
): (readonly [Message, Cell | undefined])[] =>
  connections.flatMap((connection): (readonly [Message, Cell | undefined])[] => [
    [name, connection.ServiceName ?? connection.URI ?? "-"],
    [msg("mail.label-port"), connection.Port?.toString()],
    [msg("mail.label-prefix"), connection.Prefix],
    [msg("mail.label-security"), connection.Security?.join(", ")],
    [msg("mail.label-user"), connection.UserName],
    [msg("mail.label-uri"), connection.ServiceName === undefined ? undefined : connection.URI],
    [msg("mail.label-authentication"), connection.Authentication],
    [msg("mail.label-timeout"), connection.TimeOut?.toString()],
    [msg("mail.label-polling"), connection.Polling === undefined ? undefined : yesOrNo(connection.Polling)],
    [msg("mail.label-password"), passwordCell(connection, secrets)],
  ]);

const yesOrNo = (value: boolean): Message => (value ? msg("label.yes") : msg("label.no"));

const passwordCell = ({ Password }: Connection, secrets: boolean): Cell | undefined =>
  Password === undefined ? undefined : secrets ? Password : msg("mail.password-kept");

const textOf =
  ({ id, value, updated, others, exposed }: MailEntry, secrets: boolean, isDefault: boolean): Text =>
  (translate) => {
    const { openpgp, smime } = publishedKeys(value);
    const marks = marksOf({ others, exposed }).map(translate).join(", ");
    return fields([
      [msg("mail.label-address"), value.EmailAddress],
      [msg("mail.label-account-name"), value.AccountName],
      [msg("mail.label-display-name"), value.DisplayName],
      [msg("mail.label-reply-to"), value.ReplyToAddress],
      [msg("mail.label-default"), isDefault ? msg("label.yes") : undefined],
      ...connectionRows(msg("mail.label-inbound"), value.Inbound, secrets),
      ...connectionRows(msg("mail.label-outbound"), value.Outbound, secrets),
      [msg("mail.label-openpgp"), openpgp?.UDF],
      [msg("mail.label-smime"), smime?.UDF],
      [msg("label.entry"), id],
      [msg("mail.label-updated"), readableTime(updated)],
      [msg("mail.label-marks"), marks === "" ? undefined : marks],
    ])(translate);
  };
