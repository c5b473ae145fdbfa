import { isDeepStrictEqual } from "node:util";
import { MeshError } from "../../errors.js";
import type { Entry } from "../../mesh/application/entry.js";
import type { ApplicationKind } from "../../mesh/application/kind.js";
import { msg, type Message } from "../../messages/message.js";
import { fields, type Result } from "../output.js";
import type { Session } from "../session.js";
import {
  changeApplication,
  openApplication,
  type Application,
  type ApplicationOptions,
  type Change,
  type Changed,
} from "./application.js";
import { refreshApplication } from "./refresh.js";
import { applicationView } from "./view.js";

// Kinds whose entries have one name each: mail accounts by their address, networks by their name.

/** What one entry is asked for by. */
export interface Wanted {
  /** As the user wrote it: a name, or the identifier of the entry. */
  readonly text: string;
  /** What entries of that name are found by. */
  readonly label: string;
  /** What to say where there is none, and what shows those that there are. */
  readonly missing: Message;
  readonly hint: Message;
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
    await refreshApplication(session, application);
    const refreshed = await openApplication(session, kind, options);
    const found = await lookFor(refreshed, wanted);
    if (found) return { application: refreshed, entry: found };
  }
  throw new MeshError("entry-not-found", wanted.missing, { hint: wanted.hint });
};

/** What a change of one entry gives back. */
export interface EntryChange<Value extends object> {
  readonly changed: Changed<Value>;
  /** The identifier of the entry, where it was as it is to be. */
  readonly unchanged?: string;
}

/**
 * Sets the entry of a name to what `next` makes of its value, in one change with what `beside` adds. Nothing is changed where it is that
 * already. Throws what changing the application throws.
 */
export const setEntry = async <Value extends object>(
  session: Session,
  kind: ApplicationKind<Value>,
  options: ApplicationOptions,
  wanted: Wanted,
  next: (value: Value | undefined) => Value,
  beside: (application: Application<Value>, value: Value, id?: string) => Promise<readonly Change<Value>[]> = () =>
    Promise.resolve([]),
): Promise<EntryChange<Value>> => {
  let unchanged: string | undefined;
  const changed = await changeApplication(session, kind, options, async (application) => {
    const entry = await lookFor(application, wanted);
    const value = next(entry?.value);
    unchanged = entry && isDeepStrictEqual(value, entry.value) ? entry.id : undefined;
    if (unchanged !== undefined) return [];
    return [{ put: value, ...(entry && { id: entry.id }) }, ...(await beside(application, value, entry?.id))];
  });
  return { changed, ...(unchanged !== undefined && { unchanged }) };
};

/** What is told of a change of one entry: `view` is how JSON names it by its identifier, and `line` how a person does. */
export const entryChangeResult = <Value extends object>(
  { changed, unchanged }: EntryChange<Value>,
  view: (id: string) => object,
  line: readonly [label: Message, name: string],
): Result => {
  const { application, ids, synced, conflicts } = changed;
  const id = ids[0] ?? unchanged;
  if (id === undefined) throw new MeshError("internal", msg("output.unexpected"));
  return {
    value: {
      application: applicationView(application),
      ...view(id),
      changed: ids.length > 0,
      synced,
      conflict: conflicts.includes(id),
    },
    text: fields([line, [msg("mail.label-changed"), ids.length > 0 ? msg("label.yes") : msg("label.no")]]),
  };
};

/** Who may have seen it, and whether it is in conflict: marks behind an entry. */
export const marksOf = ({ others, exposed }: Pick<Entry<object>, "others" | "exposed">): readonly Message[] => [
  ...(others.length > 0 ? [msg("mail.mark-conflict")] : []),
  ...(exposed.length > 0 ? [msg("mail.mark-exposed")] : []),
];
