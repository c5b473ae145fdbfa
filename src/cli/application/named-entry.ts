import { exitStatus, isMeshError, MeshError } from "../../errors.js";
import type { Entry } from "../../mesh/application/entry.js";
import type { ApplicationKind } from "../../mesh/application/kind.js";
import { msg, type Message } from "../../messages/message.js";
import type { Context, Input } from "../context.js";
import { openLightSession } from "../light-session.js";
import { requireProfile } from "../select.js";
import type { Session } from "../session.js";
import { openApplication, syncApplication, type Application, type ApplicationOptions } from "./application.js";

// Kinds whose entries have one name each: mail accounts by their address, networks by their name.

/** The keys of the profile that the options name, for looking at what is at home. */
export const readingSession = async (context: Context): Promise<Session> =>
  openLightSession(context, await requireProfile(context));

/** The same for changing something. */
export const changingSession = async (context: Context): Promise<Session> => {
  const { openSession } = await import("../session.js");
  return openSession(context, await requireProfile(context));
};

/** Which application, and whether the portal is left alone. */
export const applicationOptions = (input: Input): ApplicationOptions => ({
  name: input.text("app"),
  offline: input.flag("offline"),
});

/** What one entry is asked for by. */
export interface Wanted {
  /** As the user wrote it: a name, or the identifier of the entry. */
  readonly text: string;
  /** What entries of that name are found by. */
  readonly label: string;
  /** What to say where there is none. */
  readonly missing: Message;
}

/** The entry that is asked for, or undefined where there is none. Throws `entry-ambiguous`. */
export const lookFor = async <Value extends object>(
  application: Application<Value>,
  { text, label }: Pick<Wanted, "text" | "label">,
): Promise<Entry<Value> | undefined> => {
  const [entry, ...others] = await application.entries((labels) => labels.includes(label));
  if (others.length > 0 && entry) {
    const entries = [entry, ...others].map(({ id }) => id).join(", ");
    throw new MeshError("entry-ambiguous", msg("app.entry-ambiguous", { entries }));
  }
  return entry ?? application.entry(text);
};

const refresh = async (session: Session, { identifier, name }: { identifier: string; name: string }): Promise<void> => {
  try {
    await syncApplication(session, identifier);
  } catch (error) {
    if (!isMeshError(error) || exitStatus(error.code) !== exitStatus("portal-unreachable")) throw error;
    await session.context.note(msg("app.not-synced", { name, reason: error.text }));
  }
};

/**
 * The entry that is asked for, with its application. Where it is not at home the portal is asked, unless `offline`. Throws
 * `entry-not-found`, `entry-ambiguous`, and what opening the application throws.
 */
export const findEntry = async <Value extends object>(
  session: Session,
  kind: ApplicationKind<Value>,
  options: ApplicationOptions,
  wanted: Wanted,
): Promise<{ readonly application: Application<Value>; readonly entry: Entry<Value> }> => {
  const application = await openApplication(session, kind, options);
  const entry = await lookFor(application, wanted);
  if (entry) return { application, entry };
  if (options.offline !== true) {
    await refresh(session, application);
    const refreshed = await openApplication(session, kind, options);
    const found = await lookFor(refreshed, wanted);
    if (found) return { application: refreshed, entry: found };
  }
  throw new MeshError("entry-not-found", wanted.missing);
};

/** Who may have seen it, and whether it is in conflict: marks behind an entry. */
export const marksOf = ({ others, exposed }: Pick<Entry<object>, "others" | "exposed">): readonly Message[] => [
  ...(others.length > 0 ? [msg("mail.mark-conflict")] : []),
  ...(exposed.length > 0 ? [msg("mail.mark-exposed")] : []),
];
