import { isMeshError, MeshError } from "../../errors.js";
import { formatCredential, parseCredential, type Credential } from "../../mesh/application/password/git-credential.js";
import { PASSWORDS } from "../../mesh/application/password/kind.js";
import { canonicalSite } from "../../mesh/application/password/site.js";
import { changed, created, type PasswordValue } from "../../mesh/application/password/value.js";
import { decodeUtf8 } from "../../mesh/bytes.js";
import { msg } from "../../messages/message.js";
import { applicationOptions, changingSession, readingSession } from "../application/access.js";
import {
  changeApplication,
  openApplication,
  type Application,
  type ApplicationOptions,
  type Change,
} from "../application/application.js";
import { withGlobals, type Context, type Run } from "../context.js";
import { raw, type Result } from "../output.js";
import { entriesFor, openUntil, type PasswordEntry } from "./entries.js";

const MAX_INPUT = 256 * 1024;
const ACTIONS = ["get", "store", "erase"] as const;

/** git takes what is on standard output for the answer. */
const answer = (text: string, value: object): Result => ({ value, text: raw(text), exact: true });
const NOTHING = (value: object = {}): Result => answer("", value);

export const run: Run = async (given, input) => {
  const action = ACTIONS.find((name) => name === input.argument(0));
  // As other helpers do: what git may ask one day is no error.
  if (!action) return NOTHING();
  // git has a question of its own where nothing is found.
  const context = withGlobals(given, { input: false });
  const credential = await readCredential(context);
  const site = siteOf(context, credential);
  if (site === undefined) return NOTHING();
  const options = applicationOptions(input);
  switch (action) {
    case "get":
      return get(context, options, site, credential);
    case "store":
      return change(context, options, (application) => store(context, application, site, credential));
    case "erase":
      return change(context, options, (application) => erase(context, application, site, credential));
  }
};

const readCredential = async (context: Context): Promise<Credential> => {
  const octets = await context.deps.readStdin(MAX_INPUT);
  try {
    const credential = octets.length > MAX_INPUT ? undefined : parseCredential(decodeUtf8(octets));
    if (credential) return credential;
  } catch (error) {
    if (!isMeshError(error, "json-invalid")) throw error;
  } finally {
    octets.fill(0);
  }
  throw new MeshError("usage", msg("password.git-input"));
};

const OPEN = /^(?:http|ftp)$/i;
const LOOPBACK = /^(?:localhost|127\.[\d.]+|\[::1\])(?::\d+)?$/;

/** The site that git is about, or undefined where it is none, or where the password would travel in the open. */
const siteOf = ({ globals }: Context, { protocol, host }: Credential): string | undefined => {
  if (protocol === undefined || host === undefined || host === "") return undefined;
  const site = canonicalSite(`${protocol}://${host}`);
  // git says it as it stands in the URL.
  const isOpen = OPEN.test(protocol) && site !== undefined && !LOOPBACK.test(site) && !globals.allowHttp;
  return isOpen || site?.startsWith("*.") === true ? undefined : site;
};

/** The application, or undefined where there are no passwords yet: that is nothing to trouble a person who works with git. */
const ifThere = async (
  opening: Promise<Application<PasswordValue>>,
): Promise<Application<PasswordValue> | undefined> => {
  try {
    return await opening;
  } catch (error) {
    if (isMeshError(error, "application-not-found")) return undefined;
    throw error;
  }
};

const get = async (
  context: Context,
  options: ApplicationOptions,
  site: string,
  { username }: Credential,
): Promise<Result> => {
  const session = await readingSession(context);
  const look = async (application: Application<PasswordValue>): Promise<readonly PasswordEntry[]> =>
    (await entriesFor(application, site, { username, sitesOnly: true })).filter(
      ({ value }) => value.Password !== undefined,
    );
  const application = await ifThere(openUntil(session, options, async (known) => (await look(known)).length > 0));
  const entries = application ? await look(application) : [];
  const [entry] = entries;
  if (entries.length > 1) await context.note(msg("password.git-several", { site }));
  if (entry?.value.Password === undefined || entries.length > 1) return NOTHING();
  const text = formatCredential(entry.value.Username, entry.value.Password);
  if (text === undefined) {
    await context.note(msg("password.git-unsayable", { site }));
    return NOTHING();
  }
  return answer(text, { username: entry.value.Username, password: entry.value.Password });
};

/** Changes what has to be changed. git stores after every login, so most often that is nothing. */
const change = async (
  context: Context,
  options: ApplicationOptions,
  decide: (application: Application<PasswordValue>) => Promise<readonly Change<PasswordValue>[]>,
): Promise<Result> => {
  const reading = await readingSession(context);
  const known = await ifThere(openApplication(reading, PASSWORDS, options));
  if (known && (await decide(known)).length === 0) return NOTHING({ changed: 0 });
  const session = await changingSession(context);
  const done = await changeApplication(session, PASSWORDS, { ...options, create: options.name === undefined }, decide);
  return NOTHING({ changed: done.ids.length });
};

/** A login that has worked. An entry for the site itself gets the password; what a wildcard says of it stays as it is. */
const store = async (
  context: Context,
  application: Application<PasswordValue>,
  site: string,
  { username, password }: Credential,
): Promise<readonly Change<PasswordValue>[]> => {
  if (username === undefined || password === undefined || password === "") return [];
  const now = context.deps.now();
  const entries = await entriesFor(application, site, { username, sitesOnly: true });
  if (entries.some(({ value }) => value.Password === password)) return [];
  const own = entries.find(({ value }) => value.Sites?.includes(site) === true);
  if (own) return [{ put: changed(own.value, { Password: password }, now), id: own.id }];
  return [{ put: created({ Sites: [site], Username: username, Password: password }, now) }];
};

/**
 * A login that was refused. The password goes, so that git asks for another one, but it stays among the earlier ones: the site may have been
 * wrong, and nobody has asked to forget the entry.
 */
const erase = async (
  context: Context,
  application: Application<PasswordValue>,
  site: string,
  { username, password }: Credential,
): Promise<readonly Change<PasswordValue>[]> => {
  const entries = await entriesFor(application, site, { username, sitesOnly: true });
  return entries
    .filter(({ value }) => value.Password !== undefined && (password === undefined || value.Password === password))
    .map(({ id, value }) => ({ put: changed(value, { Password: undefined }, context.deps.now()), id }));
};
