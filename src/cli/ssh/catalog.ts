import { MeshError } from "../../errors.js";
import { readProfile } from "../../keystore/state.js";
import type { DeviceKey } from "../../mesh/application/ssh/authorized-keys.js";
import { isOwnDeviceKey } from "../../mesh/application/ssh/device-key.js";
import {
  isSshDevice,
  isSshHost,
  SSH,
  type SshDevice,
  type SshHost,
  type SshValue,
} from "../../mesh/application/ssh/kind.js";
import { readEd25519Text } from "../../mesh/application/ssh/public-key.js";
import { deviceName, findDevice, isLapsed, type PersonalProfile } from "../../mesh/records/personal.js";
import { msg } from "../../messages/message.js";
import { applicationOptions, changingSession } from "../application/access.js";
import {
  changeApplication,
  isUnreachable,
  openApplication,
  syncApplication,
  type Application,
  type Change,
  type Changed,
} from "../application/application.js";
import type { Context, Input } from "../context.js";
import { knownProfile } from "../known.js";
import type { Session } from "../session.js";

/** A key of a device, as the application has it. */
export interface CatalogDevice extends DeviceKey {
  readonly created: string;
  /** True for a device of the profile whose time is not over, and which says itself that this is its key. */
  readonly isCurrent: boolean;
  /** True for a device of the profile that has not said so: somebody else may have put the key there. */
  readonly isUnsigned: boolean;
  readonly isConflict: boolean;
}

export interface CatalogHost {
  readonly id: string;
  readonly host: SshHost;
  readonly isConflict: boolean;
}

/** What the SSH application of a profile holds, and which of its devices count. */
export interface Catalog {
  readonly session: Session;
  readonly profile: PersonalProfile;
  readonly application: Application<SshValue>;
  readonly devices: readonly CatalogDevice[];
  readonly hosts: readonly CatalogHost[];
}

/** The newest version of the profile that this home has. Throws `record-not-found` where it has none. */
export const newestProfile = ({ context, state }: Session): PersonalProfile => {
  const profile = knownProfile(context, readProfile(context.home, state.udf) ?? state);
  if (profile) return profile;
  throw new MeshError("record-not-found", msg("profile.no-version"), { hint: msg("profile.no-version.hint") });
};

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const describeDevice = (
  { context }: Session,
  profile: PersonalProfile,
  value: SshDevice,
  isConflict: boolean,
): CatalogDevice[] => {
  const key = readEd25519Text(value.PublicKey);
  if (!key) return [];
  const device = findDevice(profile, value.DeviceUDF);
  const isUnsigned = device !== undefined && !isOwnDeviceKey(profile.udf, value, device.signatureKey);
  const isLate = isLapsed(profile, value.DeviceUDF, context.deps.now());
  return [
    {
      device: value.DeviceUDF,
      name: device ? deviceName(profile, device) : value.Name,
      key,
      created: value.Created,
      isCurrent: device !== undefined && !isUnsigned && !isLate,
      isUnsigned,
      isConflict,
    },
  ];
};

/** What an application holds, in the order in which it is shown. */
export const readCatalog = async (session: Session, application: Application<SshValue>): Promise<Catalog> => {
  const profile = newestProfile(session);
  const entries = await application.entries();
  const devices = entries.flatMap(({ value, others }) =>
    isSshDevice(value) ? describeDevice(session, profile, value, others.length > 0) : [],
  );
  const hosts = entries.flatMap(({ id, value, others }) =>
    isSshHost(value) ? [{ id, host: value, isConflict: others.length > 0 }] : [],
  );
  return {
    session,
    profile,
    application,
    devices: devices.sort((a, b) => order(a.created, b.created) || order(a.device, b.device)),
    hosts: hosts.sort((a, b) => order(a.host.Names[0] ?? "", b.host.Names[0] ?? "") || order(a.id, b.id)),
  };
};

/** What this home has of the SSH application, without a portal. */
export const openCatalog = async (context: Context, input: Input): Promise<Catalog> => {
  const session = await changingSession(context);
  return readCatalog(session, await openApplication(session, SSH, applicationOptions(input)));
};

/**
 * The same, the profile and the application brought up to date first: whoever is to be let in somewhere must not be somebody who has
 * been removed. With `--offline` what is known counts. Throws where the portal cannot be reached.
 */
export const openFreshCatalog = async (context: Context, input: Input): Promise<Catalog> => {
  const session = await changingSession(context);
  const options = applicationOptions(input);
  let application = await openApplication(session, SSH, options);
  if (!options.offline) {
    await syncApplication(session, application.identifier);
    application = await openApplication(session, SSH, { ...options, name: application.identifier });
  }
  return readCatalog(session, application);
};

/** Changes the SSH application, which is made where there is none. What waited before is published even where nothing changes now. */
export const changeSsh = async (
  session: Session,
  input: Input,
  change: (application: Application<SshValue>) => Promise<readonly Change<SshValue>[]>,
): Promise<Changed<SshValue>> => {
  const options = { ...applicationOptions(input), create: true };
  const known = await openApplication(session, SSH, options);
  // This device may have been allowed to change it since this home looked last.
  if (!known.canWrite && !options.offline) await syncApplication(session, known.identifier);
  const changed = await changeApplication(session, SSH, { ...options, name: known.identifier }, change);
  const { application, ids } = changed;
  if (ids.length > 0 || application.queued === 0) return changed;
  if (options.offline) return { ...changed, synced: false };
  try {
    await syncApplication(session, application.identifier);
    return changed;
  } catch (error) {
    if (!isUnreachable(error)) throw error;
    return { ...changed, synced: false };
  }
};
