import * as v from "valibot";
import { decodeBase64url } from "../bytes.js";
import { listSchema, problem, textSchema, UdfSchema } from "../schema.js";
import { ConnectionSchema, lineSchema, withoutPassword, type Connection } from "./connection.js";
import type { ApplicationKind } from "./kind.js";

/** The most octets that an OpenPGP key or a certificate may have. */
export const MAX_MAIL_KEY = 16 * 1024;
/** The most octets of public keys that the accounts of one application may have together: all of them stand in its head. */
export const MAX_MAIL_KEYS = 64 * 1024;

/** Canonical base64url of at most so many octets. */
const octetsSchema = (maximum: number) =>
  v.pipe(
    textSchema(Math.ceil((maximum * 4) / 3)),
    v.minLength(1),
    v.check((text) => {
      try {
        return decodeBase64url(text).length > 0;
      } catch {
        return false;
      }
    }, problem("problem.binary-length")),
  );

/** A public key of somebody's mail (reference-00 section 5.3.29). `OpenPGP`, a transferable public key (RFC 9580), is ours. */
export const MailKeySchema = v.looseObject({
  UDF: UdfSchema,
  X509Certificate: v.optional(octetsSchema(MAX_MAIL_KEY)),
  X509Chain: v.optional(listSchema(octetsSchema(MAX_MAIL_KEY), 8)),
  OpenPGP: v.optional(octetsSchema(MAX_MAIL_KEY)),
});
export type MailKey = v.InferOutput<typeof MailKeySchema>;

/** A mail account (reference-00 section 5.3.19, MailProfilePrivate). `Default` is ours. Unknown members are kept. */
export const MailSchema = v.looseObject({
  EmailAddress: lineSchema(320),
  ReplyToAddress: v.optional(lineSchema(320)),
  /** What the account's owner is called. */
  DisplayName: v.optional(lineSchema(256)),
  /** What the account is called. */
  AccountName: v.optional(lineSchema(256)),
  /** Where mail comes from, the preferred one first. */
  Inbound: v.optional(listSchema(ConnectionSchema, 8)),
  /** Where mail goes to, the preferred one first. */
  Outbound: v.optional(listSchema(ConnectionSchema, 8)),
  Sign: v.optional(listSchema(MailKeySchema, 8)),
  Encrypt: v.optional(listSchema(MailKeySchema, 8)),
  /** True for the account whose keys stand in the public part by the names of the specification. */
  Default: v.optional(v.literal(true)),
});
export type MailValue = v.InferOutput<typeof MailSchema>;

/** A mail address as it is compared: no two accounts differ by case alone. */
export const foldAddress = (address: string): string => address.normalize("NFC").trim().toLowerCase();

/** The OpenPGP key and the certificate that others encrypt to. */
export const publishedKeys = ({
  Encrypt = [],
}: Pick<MailValue, "Encrypt">): { readonly openpgp: MailKey | undefined; readonly smime: MailKey | undefined } => ({
  openpgp: Encrypt.find(({ OpenPGP }) => OpenPGP !== undefined),
  smime: Encrypt.find(({ X509Certificate }) => X509Certificate !== undefined),
});

/** The account that is the default: the one that says so, or else the first by its address. */
export const defaultAccount = (accounts: readonly MailValue[]): MailValue | undefined => {
  const sorted = [...accounts].sort((a, b) => (foldAddress(a.EmailAddress) < foldAddress(b.EmailAddress) ? -1 : 1));
  return sorted.find(({ Default }) => Default === true) ?? sorted[0];
};

const keyMembers = (account: MailValue): Readonly<Record<string, MailKey>> => {
  const { openpgp, smime } = publishedKeys(account);
  return { ...(openpgp && { EncryptionPGP: openpgp }), ...(smime && { EncryptionSMIME: smime }) };
};

/**
 * What everybody may read of mail accounts: the keys of the default account as the specification has them (reference-00 section
 * 5.3.18), and those of the others, with their addresses, in `Accounts`, which is ours. An account without keys is not named.
 */
const publicMembers = (accounts: readonly MailValue[]): Readonly<Record<string, unknown>> => {
  const first = defaultAccount(accounts);
  const others = accounts
    .filter((account) => account !== first && Object.keys(keyMembers(account)).length > 0)
    .map((account) => ({ EmailAddress: account.EmailAddress, ...keyMembers(account) }))
    .sort((a, b) => (foldAddress(a.EmailAddress) < foldAddress(b.EmailAddress) ? -1 : 1));
  return {
    EncryptionPGP: undefined,
    EncryptionSMIME: undefined,
    ...(first && keyMembers(first)),
    Accounts: others.length === 0 ? undefined : others,
  };
};

const connectionsOf = ({ Inbound = [], Outbound = [] }: MailValue): readonly Connection[] => [...Inbound, ...Outbound];

/** The account without its passwords. */
export const withoutPasswords = (account: MailValue): MailValue => ({
  ...account,
  ...(account.Inbound && { Inbound: account.Inbound.map(withoutPassword) }),
  ...(account.Outbound && { Outbound: account.Outbound.map(withoutPassword) }),
});

/**
 * Mail accounts (reference-00 sections 5.3.18 and 5.3.19). Each is an entry of one application, so that a new one needs no
 * administrator, and nobody learns from the personal profile which accounts there are.
 */
export const MAIL: ApplicationKind<MailValue> = {
  type: "MailProfile",
  name: "mail",
  schema: MailSchema,
  label: ({ EmailAddress }) => [foldAddress(EmailAddress)],
  secrets: (account) => connectionsOf(account).flatMap(({ Password }) => (Password === undefined ? [] : [Password])),
  publicMembers,
};
