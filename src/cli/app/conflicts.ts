import type { Entry, EntryVersion } from "../../mesh/application/entry.js";
import { isApplicationType, type ApplicationKind } from "../../mesh/application/kind.js";
import { canonicalJson } from "../../mesh/json.js";
import { deviceName, findDevice, type PersonalProfile } from "../../mesh/records/personal.js";
import { listApplications, readCopy, readQueue } from "../../keystore/application-store.js";
import { msg } from "../../messages/message.js";
import { kindOf } from "../application/kinds.js";
import { applicationNotFound, chosenFrom, openLocal } from "../application/open.js";
import { readableLabel } from "../application/segments.js";
import type { Run } from "../context.js";
import { knownProfile } from "../known.js";
import { fields, gap, readableTime, stack, table, type Text } from "../output.js";
import { requireProfile } from "../select.js";
import { openSession, type Session } from "../session.js";

/** One version of an entry in conflict, as it is shown. */
interface ShownVersion {
  /** What `app resolve --keep` takes. */
  readonly version: string;
  readonly stamp: string;
  readonly current: boolean;
  readonly deleted: boolean;
  readonly updated: string;
  readonly device: { readonly udf: string; readonly name: string | null };
  /** Names of the members in which it is not as the current version is. */
  readonly differs: readonly string[];
  /** With --show: all that it holds. */
  readonly members?: readonly { readonly name: string; readonly value: string }[];
}

/** An entry in conflict, as it is shown. */
export interface ShownConflict {
  readonly application: { readonly identifier: string; readonly name: string; readonly type: string };
  readonly entry: string;
  readonly labels: readonly string[];
  readonly versions: readonly ShownVersion[];
}

/** What an entry is found by, without the letter in front by which its kind tells one from the other. */
export const readableLabels = (kind: ApplicationKind<object>, value: object): string[] =>
  kind.label(value).map(readableLabel);

/** The entries of this home's applications, or of the one that is named, of which there are several versions. */
export const conflictsOf = async (
  session: Session,
  name: string | undefined,
): Promise<
  {
    readonly kind: ApplicationKind<object>;
    readonly application: ShownConflict["application"];
    readonly entry: Entry<object>;
  }[]
> => {
  const { context, keystore, state } = session;
  const all = listApplications(context.home, state.udf);
  const named = name === undefined ? undefined : chosenFrom(all, name, "");
  if (name !== undefined && !named) throw applicationNotFound(name);
  const found = [];
  for (const { identifier, type } of named ? [named] : all) {
    const copy = readCopy(context.home, keystore, state.udf, identifier);
    if (!copy || !isApplicationType(type)) continue;
    const kind = await kindOf(type);
    const queue = readQueue(context.home, keystore, state.udf, identifier);
    const application = openLocal(session, kind, { copy, queue }, false);
    for (const entry of await application.conflicts()) {
      found.push({ kind, application: { identifier, name: copy.name, type }, entry });
    }
  }
  return found;
};

const textOf = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

/** What a member holds, a row for each line, with the members of what is in it by their path. */
const rowsOf = (name: string, value: unknown): (readonly [string, string])[] => {
  if (Array.isArray(value) && value.some((one) => typeof one === "object")) {
    return value.flatMap((one, index) => rowsOf(`${name}[${index}]`, one));
  }
  if (Array.isArray(value)) return [[name, value.map(textOf).join(", ")]];
  if (typeof value === "object" && value !== null) {
    return membersOf(value).flatMap(([inner, one]) => rowsOf(`${name}.${inner}`, one));
  }
  return textOf(value)
    .split("\n")
    .map((line, index) => [index === 0 ? name : "", line]);
};

const membersOf = (value: object): [string, unknown][] => Object.entries(value);

const differences = (current: object, other: object | undefined): string[] => {
  if (!other) return [];
  const before = new Map(membersOf(current));
  const after = new Map(membersOf(other));
  const names = [...new Set([...before.keys(), ...after.keys()])];
  const spelled = (value: unknown): string => (value === undefined ? "" : canonicalJson(value));
  return names.filter((name) => spelled(before.get(name)) !== spelled(after.get(name)));
};

export const run: Run = async (context, input) => {
  const show = input.flag("show");
  const state = await requireProfile(context);
  const session = await openSession(context, state);
  const profile = knownProfile(context, state);
  const found = await conflictsOf(session, input.argument(0));
  const conflicts = found.map(({ kind, application, entry }): ShownConflict => {
    const current: EntryVersion<object> = entry;
    return {
      application,
      entry: entry.id,
      labels: readableLabels(kind, entry.value),
      versions: [current, ...entry.others].map((version) => ({
        version: version === current ? "current" : version.stamp,
        stamp: version.stamp,
        current: version === current,
        deleted: version.value === undefined,
        updated: version.updated,
        device: { udf: version.device, name: nameOf(profile, version.device) },
        differs: differences(entry.value, version.value),
        ...(show && version.value
          ? { members: membersOf(version.value).map(([name, value]) => ({ name, value: textOf(value) })) }
          : {}),
      })),
    };
  });
  const rows = conflicts.flatMap(({ application, entry, labels, versions }) =>
    versions.map((version, index) => [
      index === 0 ? application.name : "",
      index === 0 ? labels.join(", ") || entry : "",
      version.version,
      version.device.name ?? version.device.udf,
      readableTime(version.updated),
      version.deleted ? msg("app.version-deleted") : version.differs.join(", "),
    ]),
  );
  const headings = [
    msg("heading.application"),
    msg("heading.entry"),
    msg("heading.version"),
    msg("heading.device"),
    msg("heading.changed"),
    msg("heading.differs"),
  ];
  const blocks = conflicts.flatMap((conflict, index) => {
    const values = found[index] ? [found[index].entry, ...found[index].entry.others] : [];
    return conflict.versions.map((version, at) => blockOf(conflict, version, values[at]?.value));
  });
  return {
    value: { conflicts },
    text:
      show && blocks.length > 0
        ? stack(...blocks.flatMap((block, index) => (index === 0 ? [block] : [gap, block])))
        : table(headings, rows, msg("app.no-conflicts")),
    ...(conflicts.length > 0 && { note: msg("app.resolve-how") }),
  };
};

/** All that a version holds, one below the other. */
const blockOf = ({ application, entry, labels }: ShownConflict, version: ShownVersion, value?: object): Text =>
  fields([
    [msg("label.application"), application.name],
    [msg("label.entry"), labels.join(", ") || entry],
    [msg("label.version"), version.version],
    [msg("label.device"), version.device.name ?? version.device.udf],
    [msg("mail.label-updated"), readableTime(version.updated)],
    [msg("label.differs"), version.deleted ? msg("app.version-deleted") : version.differs.join(", ") || undefined],
    ...(value ? membersOf(value).flatMap(([name, one]) => rowsOf(name, one)) : []),
  ]);

const nameOf = (profile: PersonalProfile | undefined, udf: string): string | null => {
  const device = profile && findDevice(profile, udf);
  return profile && device ? deviceName(profile, device) : null;
};
