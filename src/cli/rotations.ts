import type { DeviceState, ProfileState, RotationState } from "../keystore/state.js";

/** How long the keys of a rotation that came to nothing are kept, in milliseconds. */
const KEPT_AFTER_END = 24 * 60 * 60 * 1000;

/** The rotations of the device that this home is. One of a device that it was before says nothing any more. */
export const rotationsOf = ({ device, rotations = [] }: ProfileState): readonly RotationState[] =>
  rotations.filter(({ replaces }) => replaces === device.udf);

/** The rotation that has not been decided. */
export const pendingRotation = (state: ProfileState): RotationState | undefined =>
  rotationsOf(state).find(({ ended }) => ended === undefined);

/** The state with other rotations. Absent means absent. */
export const withRotations = (state: ProfileState, rotations: readonly RotationState[]): ProfileState => {
  const { rotations: _, ...rest } = state;
  return rotations.length === 0 ? rest : { ...rest, rotations: [...rotations] };
};

/** The state without the rotations whose keys nobody can need any more. */
export const withoutOldRotations = (state: ProfileState, now: Date): ProfileState =>
  withRotations(
    state,
    rotationsOf(state).filter(({ ended }) => ended === undefined || now.getTime() - Date.parse(ended) < KEPT_AFTER_END),
  );

/** The state after a rotation came to nothing: the device goes on with the keys that it has. */
export const withRotationEnded = (state: ProfileState, udf: string, time: string): ProfileState =>
  withRotations(
    state,
    rotationsOf(state).map((rotation) => (rotation.device.udf === udf ? { ...rotation, ended: time } : rotation)),
  );

const keysOf = ({ udf, authenticationKey, encryptionKey, onlineSignatureKey }: DeviceState): readonly string[] => [
  udf,
  authenticationKey,
  encryptionKey,
  onlineSignatureKey,
];

/** The fingerprint of the SSH key of the device that this home is, where it has one. */
export const sshKeyOf = ({ device, ssh }: ProfileState): string | undefined =>
  ssh?.device === device.udf ? ssh.key : undefined;

/** Fingerprints of the device keys that a profile's state speaks of: of this device, as it may become, and of those made here. */
export const deviceKeysOf = (state: ProfileState): ReadonlySet<string> =>
  new Set([
    ...keysOf(state.device),
    ...[sshKeyOf(state)].filter((kid) => kid !== undefined),
    ...rotationsOf(state).flatMap(({ device }) => keysOf(device)),
    ...state.work.flatMap((work) => (work.kind === "preconfigure" ? keysOf(work.device) : [])),
  ]);

/** True where this device came in a bundle and has had the same keys since. */
export const wantsRotation = ({ device, work }: ProfileState): boolean =>
  work.some((item) => item.kind === "rotate" && item.device === device.udf);
