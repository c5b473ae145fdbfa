import { MeshError } from "../../errors.js";
import type { Connection } from "../../mesh/application/connection.js";
import { MAX_VALUE, valueSize } from "../../mesh/application/entry.js";
import { foldAddress, MAIL, MailSchema, type MailValue } from "../../mesh/application/mail.js";
import { parseWith } from "../../mesh/schema.js";
import { msg } from "../../messages/message.js";
import { applicationOptions, changingSession } from "../application/access.js";
import type { Application, Change } from "../application/application.js";
import { setEntry } from "../application/named-entry.js";
import type { Context, Input, Run } from "../context.js";
import { changeResult, mailAddress, wantedAccount } from "./account.js";
import {
  checkedConnection,
  givenClear,
  givenConnection,
  givenPassword,
  insistOn,
  settingsFile,
  type GivenConnection,
} from "./given.js";

const CLEARABLE = ["display-name", "reply-to", "account-name", "inbound", "outbound", "passwords"] as const;

type Direction = "inbound" | "outbound";

/** What the command line says of an account. */
interface Given {
  readonly address: string;
  readonly members: Partial<MailValue>;
  readonly connections: Readonly<Record<Direction, GivenConnection>>;
  /** What takes the place of all settings before the other options are looked at. */
  readonly file: MailValue | undefined;
  /** For every connection that has no other. */
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly passwordFor: ReadonlySet<Direction>;
  readonly clear: ReadonlySet<string>;
}

export const run: Run = async (context, input) => {
  const given = await givenSettings(context, input);
  const session = await changingSession(context);
  // A user name or a password alone is for an account that there is already.
  const create = (given.user ?? given.password) === undefined || saysConnection(given);
  const change = await setEntry(
    session,
    MAIL,
    { ...applicationOptions(input), create },
    wantedAccount(given.address),
    (value) => settingsAfter(value, given),
    async (application, value, id) => (value.Default === true ? await withoutDefault(application, id) : []),
  );
  return changeResult(change, given.address);
};

const givenSettings = async (context: Context, input: Input): Promise<Given> => {
  const address = mailAddress(input.argument(0) ?? "");
  const clear = givenClear(input, CLEARABLE);
  const members = givenMembers(input);
  const { DisplayName, AccountName } = members;
  if (DisplayName !== undefined)
    insistOn(MailSchema, { EmailAddress: address, DisplayName }, "--display-name", DisplayName);
  if (AccountName !== undefined)
    insistOn(MailSchema, { EmailAddress: address, AccountName }, "--account-name", AccountName);
  const connections = { inbound: givenConnection(input, "inbound"), outbound: givenConnection(input, "outbound") };
  const isFor = passwordFor(input);
  const settings = await settingsFile(context, input, "MailProfilePrivate");
  const password = await givenPassword(context, input);
  const user = input.text("user");
  const isAsked = [members, connections.inbound, connections.outbound].some((said) => Object.keys(said).length > 0);
  if (!isAsked && settings === undefined && clear.size === 0 && (user ?? password) === undefined) {
    throw new MeshError("usage", msg("mail.nothing-to-set"), { hint: msg("mail.nothing-to-set.hint") });
  }
  const file =
    settings &&
    parseWith(MailSchema, { EmailAddress: address, ...settings }, "import-invalid", msg("mail.what-settings"));
  if (file && foldAddress(file.EmailAddress) !== foldAddress(address)) {
    throw new MeshError("import-invalid", msg("mail.settings-other", { address: file.EmailAddress }));
  }
  const given = { address, members, connections, file, user, password, passwordFor: isFor, clear };
  // Before an application is made for it.
  settingsAfter(undefined, { ...given, user: undefined, password: undefined });
  return given;
};

const saysConnection = ({ connections, file }: Given): boolean =>
  [connections.inbound, connections.outbound, file?.Inbound ?? {}, file?.Outbound ?? {}].some(
    (said) => Object.keys(said).length > 0,
  );

/** What options say of an account, but for its connections. */
const givenMembers = (input: Input): Partial<MailValue> => {
  const [name, replyTo, account] = [input.text("displayName"), input.text("replyTo"), input.text("accountName")];
  return {
    ...(name !== undefined && { DisplayName: name }),
    ...(replyTo !== undefined && { ReplyToAddress: mailAddress(replyTo) }),
    ...(account !== undefined && { AccountName: account }),
    ...(input.flag("default") && { Default: true as const }),
  };
};

/** Which connections a password is for. Throws `usage`. */
const passwordFor = (input: Input): ReadonlySet<Direction> => {
  const text = input.text("passwordFor") ?? "both";
  if (text === "both") return new Set(["inbound", "outbound"]);
  if (text === "inbound" || text === "outbound") return new Set([text]);
  throw new MeshError("usage", msg("mail.password-for"));
};

/** The account as it is to be. Throws `usage` and `too-large`. */
const settingsAfter = (before: MailValue | undefined, given: Given): MailValue => {
  const { address, members, file, clear } = given;
  // Public keys come and go by a command of their own, which says that they are public.
  const { Encrypt, Sign } = before ?? {};
  const keys = { ...(Encrypt && { Encrypt }), ...(Sign && { Sign }) };
  const base: MailValue = { ...(file ?? before), ...members, EmailAddress: before?.EmailAddress ?? address };
  const { Inbound, Outbound, Encrypt: _, Sign: __, DisplayName, ReplyToAddress, AccountName, ...rest } = base;
  const [inbound, outbound] = [
    connectionsAfter("inbound", Inbound, given),
    connectionsAfter("outbound", Outbound, given),
  ];
  const { user, password } = given;
  const isKept = [...inbound, ...outbound].some(
    (connection) => password === undefined || connection.Password === password,
  );
  if ((user ?? password) !== undefined && !isKept) {
    throw new MeshError("usage", msg("mail.password-for-nothing"), { hint: msg("mail.password-for-nothing.hint") });
  }
  const value = parseWith(
    MailSchema,
    {
      ...rest,
      ...(DisplayName !== undefined && !clear.has("display-name") && { DisplayName }),
      ...(ReplyToAddress !== undefined && !clear.has("reply-to") && { ReplyToAddress }),
      ...(AccountName !== undefined && !clear.has("account-name") && { AccountName }),
      ...(inbound.length > 0 && { Inbound: inbound }),
      ...(outbound.length > 0 && { Outbound: outbound }),
      ...keys,
    },
    "usage",
    msg("mail.what-settings"),
  );
  if (valueSize(value) > MAX_VALUE)
    throw new MeshError("too-large", msg("mail.settings-large", { maximum: MAX_VALUE }));
  return value;
};

/** The preferred connection with what options say of it, made where there is none, and the others as they are. */
const connectionsAfter = (
  direction: Direction,
  before: readonly Connection[] = [],
  { connections, user, password, passwordFor: isFor, clear }: Given,
): Connection[] => {
  const kept = clear.has(direction)
    ? []
    : before.map((connection) => {
        const { Password, ...rest } = connection;
        return Password === undefined || clear.has("passwords") ? rest : connection;
      });
  const said = connections[direction];
  // A user name or a password alone makes no connection.
  const isThere = kept.length > 0 || Object.keys(said).length > 0;
  if (!isThere) return [];
  const [first, ...others] = kept;
  const secret = password !== undefined && isFor.has(direction) ? { Password: password } : {};
  return [
    checkedConnection({ ...first, ...(user !== undefined && { UserName: user }), ...said, ...secret }, direction),
    ...others,
  ];
};

/** Changes after which no account but one is the default. */
const withoutDefault = async (
  application: Application<MailValue>,
  id: string | undefined,
): Promise<readonly Change<MailValue>[]> =>
  (await application.entries())
    .filter((entry) => entry.id !== id && entry.value.Default === true)
    .map((entry) => {
      const { Default: _, ...value } = entry.value;
      return { put: value, id: entry.id };
    });
