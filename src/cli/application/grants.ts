import { MeshError } from "../../errors.js";
import type { PersonalChange } from "../../mesh/profile.js";
import { findApplication, isLapsed, type ApplicationEntry, type PersonalProfile } from "../../mesh/records/personal.js";
import { mayRead, withRights } from "../../mesh/application/rights.js";
import { udfIn } from "../../mesh/udf-text.js";
import { msg, type Message } from "../../messages/message.js";
import type { Input } from "../context.js";
import type { Session } from "../session.js";

export { mayRead, mayWrite, withRights, type Rights } from "../../mesh/application/rights.js";

/** Which applications a device is to have, as the options say it. */
export type Granting =
  /** Nobody said anything: all, or what its invite says. */
  | { readonly kind: "default" }
  | { readonly kind: "none" }
  | { readonly kind: "named"; readonly names: readonly string[] };

/** What `--grant` and `--no-grant` say. */
export const readGranting = (input: Input): Granting => {
  const names = input.list("grant");
  if (names.length > 0) return { kind: "named", names };
  return { kind: input.denied("grant") ? "none" : "default" };
};

/** What a person calls an application: its friendly name, or else its identifier. */
export const applicationName = ({ Friendly, Identifier }: ApplicationEntry): string => Friendly ?? Identifier;

/** The application that a name or an identifier means. Throws `application-not-found`, also where a name means several. */
export const resolveApplication = (
  { applications }: Pick<PersonalProfile, "applications">,
  text: string,
): ApplicationEntry => {
  const udf = udfIn(text);
  const name = text.normalize("NFC").trim();
  const byUdf = udf === undefined ? undefined : findApplication({ applications }, udf);
  const [entry, ...others] = byUdf
    ? [byUdf]
    : applications.filter((candidate) => candidate.Friendly?.normalize("NFC") === name);
  const values = { name: JSON.stringify(text.slice(0, 64)) };
  if (!entry) {
    throw new MeshError("application-not-found", msg("app.unknown", values), { hint: msg("app.unknown.hint") });
  }
  if (others.length > 0) {
    throw new MeshError("application-not-found", msg("app.ambiguous", values), { hint: msg("app.ambiguous.hint") });
  }
  return entry;
};

/** True where this device can hand an application on: it may read it, or has the escrow key to which everything is encrypted. */
export const canGrant = ({ keystore, state }: Session, profile: PersonalProfile, entry: ApplicationEntry): boolean =>
  mayRead(entry, state.device.udf) || profile.master.escrowKeys.some(({ udf }) => keystore.has(udf));

/**
 * Identifiers of the applications that a device is to have. What this device cannot read it cannot hand on: where such an
 * application is named that is `application-denied`, and else it is left out. Throws `application-not-found`.
 */
export const grantedBy = (session: Session, profile: PersonalProfile, granting: Granting): readonly string[] => {
  switch (granting.kind) {
    case "none":
      return [];
    case "default":
      return profile.applications
        .filter((entry) => canGrant(session, profile, entry))
        .map(({ Identifier }) => Identifier);
    case "named":
      return [
        ...new Set(
          granting.names.map((name) => {
            const entry = resolveApplication(profile, name);
            if (!canGrant(session, profile, entry)) throw notGrantable(entry);
            return entry.Identifier;
          }),
        ),
      ];
  }
};

/** The error of an administrator that is to hand on what it cannot read. */
export const notGrantable = (entry: ApplicationEntry): MeshError =>
  new MeshError("application-denied", msg("app.cannot-grant", { name: applicationName(entry) }), {
    hint: msg("app.cannot-grant.hint"),
  });

/** True where without a device nobody could read an application any more but whoever has the recovery shares. */
export const isLastReader = (
  profile: PersonalProfile,
  entry: ApplicationEntry,
  deviceUdf: string,
  now: Date,
): boolean =>
  mayRead(entry, deviceUdf) &&
  !profile.devices.some(({ udf }) => udf !== deviceUdf && mayRead(entry, udf) && !isLapsed(profile, udf, now));

/** The error where the last device that can read an application is to lose it. */
export const lastReader = (entry: ApplicationEntry, device: string, hint: Message): MeshError =>
  new MeshError("application-denied", msg("app.last-reader", { name: applicationName(entry), device }), { hint });

/** What the applications with some identifiers are called, as far as the profile still has them. */
export const namesOf = ({ applications }: PersonalProfile, identifiers: readonly string[] = []): readonly string[] =>
  applications.filter(({ Identifier }) => identifiers.includes(Identifier)).map(applicationName);

/** What the applications are called that a device may read. */
export const applicationsOf = ({ applications }: PersonalProfile, deviceUdf: string): readonly string[] =>
  applications.filter((entry) => mayRead(entry, deviceUdf)).map(applicationName);

/** Names the applications that a device did not get, or will not, since this administrator cannot read them. */
export const noteNotGranted = async (session: Session, profile: PersonalProfile, deviceUdf = ""): Promise<void> => {
  const left = profile.applications.filter((entry) => !mayRead(entry, deviceUdf) && !canGrant(session, profile, entry));
  if (left.length === 0) return;
  await session.context.note(msg("app.not-granted", { names: left.map(applicationName).join(", ") }));
};

/** The part of a change that gives a new device its applications; nothing where it gets none. */
export const grantChange = (
  { applications }: PersonalProfile,
  identifiers: readonly string[],
  deviceUdf: string,
): Pick<PersonalChange, "applications"> =>
  identifiers.length === 0
    ? {}
    : { applications: withRights(applications, identifiers, deviceUdf, { read: true, write: true }) };
