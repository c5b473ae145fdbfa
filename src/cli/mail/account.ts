import type { Entry } from "../../mesh/application/entry.js";
import type { Connection } from "../../mesh/application/connection.js";
import { foldAddress, publishedKeys, type MailValue } from "../../mesh/application/mail.js";
import { parseAddress } from "../../mesh/address.js";
import { msg } from "../../messages/message.js";
import { entryChangeResult, type EntryChange, type Wanted } from "../application/named-entry.js";
import type { Result } from "../output.js";

export type MailEntry = Entry<MailValue>;

/** The account that an argument names. */
export const wantedAccount = (text: string): Wanted => ({
  text,
  label: foldAddress(text),
  missing: msg("mail.no-account", { address: JSON.stringify(text.slice(0, 320)) }),
  hint: msg("mail.no-account.hint"),
});

/** A mail address, as it was written. Throws `address-invalid`. */
export const mailAddress = (text: string): string => {
  const address = text.normalize("NFC").trim();
  parseAddress(address);
  return address;
};

/** A connection as scripts see it. The password is there where it was asked for. */
export const connectionView = (connection: Connection, secrets: boolean) => ({
  ...(connection.ServiceName !== undefined && { server: connection.ServiceName }),
  ...(connection.Port !== undefined && { port: connection.Port }),
  ...(connection.Prefix !== undefined && { prefix: connection.Prefix }),
  ...(connection.Security && { security: connection.Security.map((mode) => mode.toLowerCase()) }),
  ...(connection.UserName !== undefined && { userName: connection.UserName }),
  ...(connection.URI !== undefined && { uri: connection.URI }),
  ...(connection.Authentication !== undefined && { authentication: connection.Authentication }),
  ...(connection.TimeOut !== undefined && { timeout: connection.TimeOut }),
  ...(connection.Polling !== undefined && { polling: connection.Polling }),
  hasPassword: connection.Password !== undefined,
  ...(secrets && connection.Password !== undefined && { password: connection.Password }),
});

/** An account as scripts see it. */
export const accountView = ({ id, updated, others, exposed, value }: MailEntry, secrets = false) => {
  const { openpgp, smime } = publishedKeys(value);
  return {
    id,
    address: value.EmailAddress,
    default: value.Default === true,
    ...(value.AccountName !== undefined && { accountName: value.AccountName }),
    ...(value.DisplayName !== undefined && { displayName: value.DisplayName }),
    ...(value.ReplyToAddress !== undefined && { replyTo: value.ReplyToAddress }),
    inbound: (value.Inbound ?? []).map((connection) => connectionView(connection, secrets)),
    outbound: (value.Outbound ?? []).map((connection) => connectionView(connection, secrets)),
    keys: { ...(openpgp && { openpgp: openpgp.UDF }), ...(smime && { smime: smime.UDF }) },
    updated,
    conflict: others.length > 0,
    exposed: exposed.length > 0,
  };
};

/** A connection in a line: server, port, how it is secured. */
export const connectionLine = ({ ServiceName, Port, URI, Security = [] }: Connection): string =>
  [
    ServiceName === undefined ? (URI ?? "") : Port === undefined ? ServiceName : `${ServiceName}:${Port}`,
    ...(Security.length > 0 ? [Security.join("/")] : []),
  ]
    .filter((part) => part !== "")
    .join(" ");

/** What a change of one account gives back. */
export const changeResult = (change: EntryChange<MailValue>, address: string): Result =>
  entryChangeResult(change, (id) => ({ account: { id, address } }), [msg("mail.label-address"), address]);
