import { exitStatus, isMeshError, MeshError } from "../../errors.js";
import { inParallel } from "../../client/application.js";
import { MARKS, type ApplicationCopy, type IndexRow } from "../../keystore/application-store.js";
import { readProfile } from "../../keystore/state.js";
import { decodeBase64url } from "../../mesh/bytes.js";
import { isApplicationType } from "../../mesh/application/kind.js";
import { deviceName, type ApplicationEntry, type PersonalProfile } from "../../mesh/records/personal.js";
import { udfIn } from "../../mesh/udf-text.js";
import { msg } from "../../messages/message.js";
import { applicationName, mayRead, resolveApplication } from "../application/grants.js";
import { applicationDenied, knownCopy } from "../application/look.js";
import { lazyPortal } from "../application/open.js";
import { openSegments, readableLabel } from "../application/segments.js";
import { syncApplications } from "../application/sync.js";
import type { Input, Run } from "../context.js";
import { knownProfile } from "../known.js";
import { fields, gap, readableTime, stack, table, type Result } from "../output.js";
import { requireProfile } from "../select.js";
import { openSession, type Session } from "../session.js";

/** A device that a text means: one that is connected, or one that was. */
interface Meant {
  readonly udf: string;
  readonly name: string;
  readonly connected: boolean;
}

/** An entry that a device may know. */
interface Exposed {
  readonly application: { readonly identifier: string; readonly name: string; readonly type: string };
  readonly id: string;
  /** What the entry is about, such as site and user. */
  readonly labels: readonly string[];
  /** The same for people: a device by its name, where that is known. */
  readonly names: readonly string[];
  readonly device: string;
  /** When the device lost the right to read it; null where it has it. */
  readonly since: string | null;
}

/** An application that this device can look into. */
interface Held {
  readonly entry: ApplicationEntry;
  readonly copy: ApplicationCopy;
}

export const run: Run = async (context, input) => {
  const text = input.argument(0) ?? "";
  const state = await requireProfile(context);
  const session = await openSession(context, state);
  if (!input.flag("offline")) await synchronise(session);
  const personal = knownProfile(context, readProfile(context.home, state.udf) ?? state);
  if (!personal) throw new MeshError("record-not-found", msg("profile.no-version"));
  const held = await heldBy(session, personal, input);
  const known = knownDevices(personal, held);
  const devices = meantBy(known, text);
  const entries: Exposed[] = [];
  for (const one of held) entries.push(...(await exposedIn(session, one, devices, known)));
  return report(devices, entries);
};

/** Who has gone another device may have found, and changed what was exposed. Where no portal answers this home says what it knows. */
const synchronise = async (session: Session): Promise<void> => {
  try {
    for (const { name, error } of await syncApplications(session)) {
      if (error) await session.context.note(msg("app.exposure-kept", { name, reason: error.text }));
    }
  } catch (error) {
    if (!isMeshError(error) || exitStatus(error.code) !== 6) throw error;
    await session.context.note(msg("profile.shows-known", { reason: error.text }));
  }
};

/** The applications that are asked about. Throws `application-not-found`, and `application-denied` for one that is named. */
const heldBy = async (session: Session, personal: PersonalProfile, input: Input): Promise<readonly Held[]> => {
  const name = input.text("app");
  const named = name === undefined ? undefined : resolveApplication(personal, name);
  const own = session.state.device.udf;
  if (named && !mayRead(named, own)) throw applicationDenied(applicationName(named));
  const asked = (named ? [named] : personal.applications).filter(({ Type }) => isApplicationType(Type));
  const held: Held[] = [];
  const left: string[] = [];
  for (const entry of asked) {
    const copy = mayRead(entry, own) ? await knownCopy(session, entry.Identifier) : undefined;
    if (copy) held.push({ entry, copy });
    else left.push(applicationName(entry));
  }
  if (left.length > 0) await session.context.note(msg("app.exposure-unknown", { names: left.join(", ") }));
  return held;
};

/** The devices that are connected, and those that had an application, by fingerprint. */
const knownDevices = (personal: PersonalProfile, held: readonly Held[]): ReadonlyMap<string, Meant> => {
  const connected = personal.devices.map((device) => ({
    udf: device.udf,
    name: deviceName(personal, device),
    connected: true,
  }));
  const gone = held
    .flatMap(({ copy }) => copy.exposures)
    .map(({ DeviceUDF, Name }) => ({ udf: DeviceUDF, name: Name, connected: false }));
  // One that lost an application may be connected all the same.
  return new Map([...gone, ...connected].map((device) => [device.udf, device]));
};

/** The devices that a name or a fingerprint means: several where one had the name of another before it. Throws `device-not-found`. */
const meantBy = (known: ReadonlyMap<string, Meant>, text: string): readonly Meant[] => {
  const udf = udfIn(text);
  const name = text.normalize("NFC").trim();
  const meant = [...known.values()].filter((device) =>
    udf === undefined ? device.name.normalize("NFC") === name : device.udf === udf,
  );
  if (meant.length > 0) return meant;
  throw new MeshError("device-not-found", msg("app.exposure-nobody", { device: JSON.stringify(text.slice(0, 64)) }), {
    hint: msg("app.exposure-nobody.hint"),
  });
};

/** What devices may know of an application: everything, where they may read it, and what they could read and nobody has changed since. */
const exposedIn = async (
  session: Session,
  { entry, copy }: Held,
  devices: readonly Meant[],
  known: ReadonlyMap<string, Meant>,
): Promise<Exposed[]> => {
  const application = { identifier: copy.identifier, name: applicationName(entry), type: copy.type };
  const rows = copy.segments.flatMap((segment) => segment.rows);
  const asExposed = ([id, , , ...labels]: IndexRow, device: string, since: string | null): Exposed => ({
    application,
    id,
    labels: labels.map(readableLabel),
    // The SSH key of a device goes by its fingerprint.
    names: labels.map((label) => known.get(label)?.name ?? readableLabel(label)),
    device,
    since,
  });
  const readers = devices.filter(({ udf }) => mayRead(entry, udf));
  const others = new Map(devices.filter((device) => !readers.includes(device)).map(({ udf }) => [udf, udf]));
  const wanted = copy.exposures.flatMap((exposure, index) => (others.has(exposure.DeviceUDF) ? [index] : []));
  const exposed = wanted.length === 0 ? new Map<string, readonly number[]>() : await indexesIn(session, copy);
  return [
    ...readers.flatMap(({ udf }) => rows.map((row) => asExposed(row, udf, null))),
    ...rows.flatMap((row) =>
      (exposed.get(row[0]) ?? []).flatMap((index) => {
        const exposure = wanted.includes(index) ? copy.exposures[index] : undefined;
        return exposure ? [asExposed(row, exposure.DeviceUDF, exposure.Time)] : [];
      }),
    ),
  ];
};

/** Which exposures the entries speak of. Only segments that hold such an entry are opened. */
const indexesIn = async (session: Session, copy: ApplicationCopy): Promise<ReadonlyMap<string, readonly number[]>> => {
  const isMarked = ([, , marks]: IndexRow): boolean => (marks & MARKS.exposed) !== 0;
  const { type } = copy;
  if (!isApplicationType(type)) return new Map();
  const owner = {
    type,
    identifier: copy.identifier,
    owner: session.state.udf,
    key: decodeBase64url(copy.key),
  };
  const portal = lazyPortal(session);
  const contents = openSegments(session, owner, portal.reach);
  try {
    const marked = copy.segments.filter(({ rows }) => rows.some(isMarked));
    const stored = (await inParallel(marked, (segment) => contents.load(segment))).flat();
    return new Map(stored.map(({ Id, Exposed: indexes = [] }) => [Id, indexes]));
  } finally {
    await portal.close();
  }
};

const report = (devices: readonly Meant[], entries: readonly Exposed[]): Result => {
  const rows = entries.map(({ application, names, since }) => [
    application.name,
    names.join(", "),
    since === null ? msg("app.exposure-now") : readableTime(since),
  ]);
  const headings = [msg("heading.application"), msg("heading.entry"), msg("heading.read-until")];
  return {
    value: { devices, entries },
    text: stack(
      fields(
        devices.flatMap(({ udf, name }) => [
          [msg("label.device"), name],
          [msg("label.udf"), udf],
        ]),
      ),
      gap,
      table(headings, rows, msg("app.exposure-none")),
    ),
  };
};
