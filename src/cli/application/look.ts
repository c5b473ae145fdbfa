import { fetchHead, headsBetween } from "../../client/application.js";
import type { PortalClient } from "../../client/client.js";
import { isMeshError, MeshError } from "../../errors.js";
import { readCopy, type ApplicationCopy } from "../../keystore/application-store.js";
import {
  openHead,
  readHead,
  standingOf,
  verifyHead,
  type Exposure,
  type HeadStanding,
  type ReadHead,
} from "../../mesh/application/head.js";
import { decodeBase64url } from "../../mesh/bytes.js";
import { EXTENSIONS } from "../../mesh/protocol.js";
import type { PrivateKey } from "../../mesh/keys.js";
import {
  findApplication,
  findDevice,
  isAdministrator,
  isLapsed,
  type ApplicationEntry,
  type PersonalProfile,
} from "../../mesh/records/personal.js";
import { msg } from "../../messages/message.js";
import type { Session } from "../session.js";
import { applicationName, mayRead, mayWrite } from "./grants.js";

/** An application as a portal shows it: verified, not behind what this home has seen, and opened. */
export interface Seen {
  readonly entry: ApplicationEntry;
  /** The personal profile by which it was verified. */
  readonly personal: PersonalProfile;
  readonly head: ReadHead;
  readonly standing: HeadStanding;
  /** True where whoever signed it may not any more, so that nobody could take it who has not seen it before. */
  readonly isOrphan: boolean;
  /** True where the portal does not have it: it is another one than that where this home has seen it. */
  readonly isMissing: boolean;
  /** The application key. */
  readonly key: Buffer;
  readonly exposures: readonly Exposure[];
  /** How many entries there are. */
  readonly entries: number;
  /** What this home knew of it before. */
  readonly copy: ApplicationCopy | undefined;
  /** The heads since the known one, oldest first, with the one that is seen; only that where the others are not shown. */
  readonly line: readonly ReadHead[];
}

/** How to look, where it is not this device's own look at what it may read. */
export interface LookOptions {
  /** The personal profile before a change that this very command has made: who could sign then has signed rightly. */
  readonly before?: PersonalProfile | undefined;
  /** True where an application that the profile's new portal does not have is to be seen as this home knows it. */
  readonly orKept?: boolean;
  /** A master escrow key, to which every application is encrypted, in the place of the device's own. */
  readonly escrowKey?: PrivateKey | undefined;
}

/** What this home knows of an application; nothing where that is damaged, and a note says so, since it can be fetched again. */
export const knownCopy = async (session: Session, identifier: string): Promise<ApplicationCopy | undefined> => {
  const { context, keystore, state } = session;
  try {
    return readCopy(context.home, keystore, state.udf, identifier);
  } catch (error) {
    if (!isMeshError(error, "state-corrupt")) throw error;
    await context.note(msg("app.fetched-again", { reason: error.text }));
    return undefined;
  }
};

/** The error of a device that may not read an application. */
export const applicationDenied = (name: string): MeshError =>
  new MeshError("application-denied", msg("app.denied", { name }), { hint: msg("app.denied.hint") });

/** The key with which this device signs what it changes in an application, or undefined where it may not change it. */
export const signerOf = (
  { keystore, state, context }: Session,
  personal: PersonalProfile,
  entry: ApplicationEntry,
): PrivateKey | undefined => {
  const { udf, onlineSignatureKey } = state.device;
  if (!findDevice(personal, udf) || isLapsed(personal, udf, context.deps.now())) return undefined;
  if (mayWrite(entry, udf)) return keystore.get(udf, "device-signature");
  return isAdministrator(personal, udf) ? keystore.get(onlineSignatureKey, "online-signature") : undefined;
};

/** True where this device may read an application and change it. */
export const canChange = ({ state, context }: Session, personal: PersonalProfile, entry: ApplicationEntry): boolean => {
  const { udf } = state.device;
  if (!findDevice(personal, udf) || isLapsed(personal, udf, context.deps.now())) return false;
  return mayRead(entry, udf) && (mayWrite(entry, udf) || isAdministrator(personal, udf));
};

const rolledBack = ({ url }: PortalClient): MeshError =>
  new MeshError("rollback", msg("app.head-older", { url }), { hint: msg("mesh.rollback.hint") });

/** The error for an application that the profile names and a portal does not have. */
export const headMissing = ({ url }: PortalClient, name: string): MeshError =>
  new MeshError("record-not-found", msg("app.no-head", { url, name }), { hint: msg("app.no-head.hint") });

/**
 * Holds a head against the one that this home has seen. Gives those in between, with the head. Throws `rollback`, `fork`, and `gap`
 * where the portal keeps every version and does not show them.
 */
const checkLine = async (
  session: Session,
  client: PortalClient,
  name: string,
  head: ReadHead,
  copy: ApplicationCopy | undefined,
): Promise<readonly ReadHead[]> => {
  if (!copy) return [head];
  if (head.sequence < copy.sequence) throw rolledBack(client);
  if (head.sequence === copy.sequence) {
    if (head.hash === copy.hash) return [head];
    const { headFork } = await import("../../client/application.js");
    throw headFork(client.url);
  }
  const line = await headsBetween(client, copy, head);
  if (line) return line;
  // Elsewhere the versions in between are gone.
  if (client.info.extensions.has(EXTENSIONS.history) && !session.context.globals.acceptGap) {
    throw new MeshError("gap", msg("app.gap", { url: client.url, name }), { hint: msg("client.gap.hint") });
  }
  return [head];
};

/** True where a head was made under a later personal profile than the one at hand. */
export const isAhead = ({ profileSequence: [master, sequence] }: ReadHead, personal: PersonalProfile): boolean =>
  (master - personal.master.sequence || sequence - personal.sequence) > 0;

/**
 * Fetches the head of an application, verifies it by the personal profile, holds it against what this home has seen, and opens it. Keeps
 * nothing. A head that this home has verified before stays usable when its signer has gone. Throws `application-denied` where this
 * device may not read it or lacks the key, `record-not-found` where the portal has no such application, `rollback`, `fork`, `gap`,
 * `application-signer`, `application-recipient`, `decryption-failed`, and what `fetchHead` throws.
 */
export const lookAt = async (
  session: Session,
  client: PortalClient,
  personal: PersonalProfile,
  entry: ApplicationEntry,
  options: LookOptions = {},
): Promise<Seen> => {
  const { context, state } = session;
  const name = applicationName(entry);
  const { escrowKey } = options;
  if (!escrowKey && !mayRead(entry, state.device.udf)) throw applicationDenied(name);
  const copy = await knownCopy(session, entry.Identifier);
  const fetched = await fetchHead(client, entry.Identifier);
  const isMoved = copy?.portal !== undefined && copy.portal !== client.url;
  if (!fetched && copy && !isMoved) throw rolledBack(client);
  const head = fetched ?? (copy && options.orKept === true ? readHead(copy.head) : undefined);
  if (!head) throw headMissing(client, name);
  const isMissing = !fetched;
  const line = await checkLine(session, client, name, head, copy);
  const isKnown = head.hash === copy?.hash;
  const now = context.deps.now();
  const verified = verify(head, personal, entry, now, isKnown, options.before);
  if (copy && isKnown) {
    const { exposures, entries } = copy;
    return {
      entry,
      personal,
      head,
      ...verified,
      isMissing,
      copy,
      line,
      key: decodeBase64url(copy.key),
      exposures,
      entries,
    };
  }
  const opened = await openWith(session, head, verified.standing, name, escrowKey);
  return { entry, personal, head, ...verified, isMissing, copy, line, ...opened };
};

/** Who signed a head must be allowed to now, or must have been in the version before; unless the head was verified earlier. */
const verify = (
  head: ReadHead,
  personal: PersonalProfile,
  entry: ApplicationEntry,
  now: Date,
  isKnown: boolean,
  before: PersonalProfile | undefined,
): Pick<Seen, "standing" | "isOrphan"> => {
  try {
    return { standing: verifyHead(head, personal, entry, now), isOrphan: false };
  } catch (error) {
    if (!isMeshError(error, "application-signer")) throw error;
    const entryBefore = before && findApplication(before, entry.Identifier);
    if (!isKnown) {
      if (!before || !entryBefore) throw error;
      verifyHead(head, before, entryBefore, now);
    }
    return { standing: standingOf(head, personal, entry, now), isOrphan: true };
  }
};

const openWith = async (
  { keystore, state }: Session,
  head: ReadHead,
  standing: HeadStanding,
  name: string,
  escrowKey: PrivateKey | undefined,
): Promise<{ readonly key: Buffer; readonly exposures: readonly Exposure[]; readonly entries: number }> => {
  const { udf, encryptionKey } = state.device;
  if (head.recipients.includes(encryptionKey)) return openHead(head, keystore.get(encryptionKey, "device-encryption"));
  if (escrowKey && head.recipients.includes(escrowKey.kid)) return openHead(head, escrowKey);
  if (standing.missing.includes(udf)) {
    throw new MeshError("application-denied", msg("app.not-wrapped", { name }), { hint: msg("app.not-wrapped.hint") });
  }
  throw applicationDenied(name);
};
