import { MeshError } from "../../errors.js";
import { foldTitle, PASSWORDS } from "../../mesh/application/password/kind.js";
import { canonicalSite } from "../../mesh/application/password/site.js";
import { created, MAX_TITLE, MAX_USERNAME, type PasswordValue } from "../../mesh/application/password/value.js";
import { msg } from "../../messages/message.js";
import { changingSession } from "../application/access.js";
import { changeApplication, type Application } from "../application/application.js";
import type { Context, Input, Run } from "../context.js";
import { creatingOptions } from "./entries.js";
import {
  askPassword,
  givenLabels,
  givenNotes,
  givenOtp,
  givenPassword,
  givenSites,
  givenTitle,
  givenUsername,
  hintWeak,
  lineOf,
  siteOf,
} from "./given.js";
import { changeResult } from "./result.js";

export const run: Run = async (context, input) => {
  const named = namedBy(input);
  const given = { labels: givenLabels(input), notes: await givenNotes(context, input) };
  const made = await givenPassword(context, input);
  const needsPassword = !input.denied("password");
  if (!needsPassword && made) throw new MeshError("usage", msg("password.one-password"));
  const Username = givenUsername(input) ?? (await askUsername(context, input));
  const Password = made?.password ?? (needsPassword ? await askPassword(context) : undefined);
  const OTP = await givenOtp(context, input);
  const session = await changingSession(context);
  const value = created(
    { ...named, Username, Password, OTP, Notes: given.notes, Labels: [...new Set(given.labels)] },
    context.deps.now(),
  );
  const changed = await changeApplication(session, PASSWORDS, creatingOptions(input), async (application) => {
    await refuseTwice(application, value);
    return [{ put: value }];
  });
  if (Password !== undefined && !made?.bits) await hintWeak(context, Password);
  return changeResult(changed, value, made?.bits === undefined ? {} : { bits: Math.floor(made.bits * 10) / 10 });
};

/** Where an entry is for: sites, or a title alone for what is no site. Throws `usage`. */
const namedBy = (input: Input): Pick<PasswordValue, "Sites" | "Title"> => {
  const text = (input.argument(0) ?? "").normalize("NFC").trim();
  const title = givenTitle(input);
  const sites = givenSites(input);
  const site = canonicalSite(text);
  // A word that no host has in this spelling is a name for people.
  const first = site?.startsWith("xn--") === true && !site.includes(".") && !/^xn--/i.test(text) ? undefined : site;
  if (first !== undefined)
    return { Sites: [...new Set([first, ...sites])], ...(title !== undefined && { Title: title }) };
  // What looks as if it was meant for one is better refused than kept under a name that no site has.
  if (title !== undefined || /[*/]|:\/\/|^[^\s]+\.[^\s]+$/.test(text)) siteOf(text);
  return { Title: lineOf(text, msg("password.what-title"), MAX_TITLE), ...(sites.length > 0 && { Sites: [...sites] }) };
};

/** Asks who logs in, unless options say everything: a script that names nobody means nobody. */
const askUsername = async (context: Context, input: Input): Promise<string | undefined> => {
  if (!context.canAsk || input.flag("generate") || input.flag("passwordFile") || input.flag("passwordFd")) {
    return undefined;
  }
  const answer = await context.ask.text(msg("password.ask-username"));
  return answer === "" ? undefined : lineOf(answer, msg("password.what-username"), MAX_USERNAME);
};

/** Throws `entry-exists` where there is an entry of the same user for one of the sites, or for none with the same title. */
const refuseTwice = async (application: Application<PasswordValue>, value: PasswordValue): Promise<void> => {
  const { Username: _, ...named } = value;
  const labels = new Set(PASSWORDS.label(named));
  const entries = await application.entries((known) => known.some((label) => labels.has(label)));
  const twin = entries.find(
    ({ value: { Sites = [], Username, Title } }) =>
      Username === value.Username &&
      (value.Sites
        ? value.Sites.some((site) => Sites.includes(site))
        : Sites.length === 0 && foldTitle(Title ?? "") === foldTitle(value.Title ?? "")),
  );
  if (!twin) return;
  throw new MeshError("entry-exists", msg("password.exists", { id: twin.id }), {
    hint: msg("password.exists.hint", { id: twin.id }),
  });
};
