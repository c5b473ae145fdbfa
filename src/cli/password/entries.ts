import { MeshError } from "../../errors.js";
import type { Entry } from "../../mesh/application/entry.js";
import { queryFor, type QueryOptions } from "../../mesh/application/password/find.js";
import { PASSWORDS } from "../../mesh/application/password/kind.js";
import { nameOf, type PasswordValue } from "../../mesh/application/password/value.js";
import { msg } from "../../messages/message.js";
import { applicationOptions } from "../application/access.js";
import { openApplication, type Application, type ApplicationOptions } from "../application/application.js";
import type { Input } from "../context.js";
import type { Session } from "../session.js";

export type PasswordEntry = Entry<PasswordValue>;

/** The options of an application, where the first one is made when there is none. One that is named has to be there: its name may be mistyped. */
export const creatingOptions = (input: Input): ApplicationOptions => {
  const options = applicationOptions(input);
  return { ...options, create: options.name === undefined };
};

/** What one entry is asked for by: a site or title and a user, or its identifier. */
export interface Wanted {
  readonly text: string;
  readonly username?: string | undefined;
  /** `--entry`: for entries that are alike. */
  readonly id?: string | undefined;
}

/** What the arguments and options of a command ask for. Throws `usage` where they ask for nothing. */
export const wantedOf = (input: Input): Wanted => {
  const [text, username, id] = [input.argument(0), input.argument(1), input.text("entry")];
  if ((text === undefined) === (id === undefined)) {
    throw new MeshError("usage", text === undefined ? msg("password.nothing-named") : msg("password.named-twice"), {
      hint: msg("password.nothing-named.hint"),
    });
  }
  return { text: text ?? "", username, id };
};

/** How an entry is told from others in a sentence. */
const inWords = ({ id, value }: PasswordEntry): string => `${value.Username ?? "-"} (${id})`;

const notFound = ({ text, username, id }: Wanted): MeshError =>
  new MeshError(
    "entry-not-found",
    id !== undefined
      ? msg("password.no-entry-id", { id })
      : username === undefined
        ? msg("password.no-entry", { site: JSON.stringify(text) })
        : msg("password.no-entry-user", { site: JSON.stringify(text), username: JSON.stringify(username) }),
    { hint: msg("password.no-entry.hint") },
  );

const ambiguous = ({ text }: Wanted, entries: readonly PasswordEntry[]): MeshError => {
  const site = JSON.stringify(text);
  const users = new Set(entries.map(({ value }) => value.Username));
  const isClear = users.size === entries.length && !users.has(undefined);
  const found = entries.slice(0, MOST_NAMED).map((entry) => (isClear ? (entry.value.Username ?? "") : inWords(entry)));
  return new MeshError("entry-ambiguous", msg("password.ambiguous", { site, users: found.join(", ") }), {
    hint: isClear ? msg("password.ambiguous.hint") : msg("password.ambiguous-id.hint"),
  });
};

/** So many entries are named where several fit. */
const MOST_NAMED = 20;

/** Those that fit, the best alone. Opens no more than it has to. */
export const entriesFor = async (
  application: Application<PasswordValue>,
  text: string,
  options: QueryOptions = {},
): Promise<readonly PasswordEntry[]> => {
  const { mayMatch, labels, choose } = queryFor(text, options);
  return choose(await application.entries(mayMatch, labels));
};

/** The one that is asked for, or undefined where there is none. Throws `entry-ambiguous`. */
const lookFor = async (application: Application<PasswordValue>, wanted: Wanted): Promise<PasswordEntry | undefined> => {
  if (wanted.id !== undefined) return application.entry(wanted.id);
  const entries = await entriesFor(application, wanted.text, { username: wanted.username });
  if (entries.length > 1) throw ambiguous(wanted, entries);
  return entries[0];
};

/** The one that is asked for. Throws `entry-not-found` or `entry-ambiguous`. */
export const entryIn = async (application: Application<PasswordValue>, wanted: Wanted): Promise<PasswordEntry> => {
  const entry = await lookFor(application, wanted);
  if (!entry) throw notFound(wanted);
  return entry;
};

/**
 * The application, fetched anew unless `isEnough` says that what is at home is: another device may have added what is looked for.
 */
export const openUntil = async (
  session: Session,
  options: ApplicationOptions,
  isEnough: (application: Application<PasswordValue>) => Promise<boolean>,
): Promise<Application<PasswordValue>> => {
  const application = await openApplication(session, PASSWORDS, options);
  if (options.offline === true || (await isEnough(application))) return application;
  const { refreshApplication } = await import("../application/refresh.js");
  await refreshApplication(session, application);
  return openApplication(session, PASSWORDS, options);
};

/** The one that is asked for, with its application; where it is not at home the portal is asked. Throws `entry-not-found` or `entry-ambiguous`. */
export const findEntry = async (
  session: Session,
  options: ApplicationOptions,
  wanted: Wanted,
): Promise<{ readonly application: Application<PasswordValue>; readonly entry: PasswordEntry }> => {
  const found = async (application: Application<PasswordValue>): Promise<boolean> =>
    (await lookFor(application, wanted)) !== undefined;
  const application = await openUntil(session, options, found);
  return { application, entry: await entryIn(application, wanted) };
};

/** How JSON results name an entry, whatever the command: nothing of it is secret. */
export const namedView = (id: string, { Title, Sites = [], Username, Labels = [] }: PasswordValue) => ({
  id,
  ...(Title !== undefined && { title: Title }),
  sites: Sites,
  ...(Username !== undefined && { username: Username }),
  labels: Labels,
});

/** An entry as scripts see it: nothing of it is secret. */
export const viewOf = ({ id, updated, others, exposed, value }: PasswordEntry) => ({
  ...namedView(id, value),
  hasPassword: value.Password !== undefined,
  hasOtp: value.OTP !== undefined,
  hasNotes: value.Notes !== undefined,
  updated,
  conflict: others.length > 0,
  exposed: exposed.length > 0,
});

export const nameFor = (value: PasswordValue): string => nameOf(value) || (value.Username ?? "-");
