import { MeshError } from "../errors.js";
import { msg } from "../messages/message.js";
import type { PersonalProfile } from "./records/personal.js";
import { recordHash } from "./signed-record.js";

/** The newest version of a profile that a client has seen: what it will never go behind. */
export interface ProfilePin {
  readonly masterSequence: number;
  /** Hash of the master profile's record, and of its payload. */
  readonly masterHash: string;
  readonly masterPayloadHash: string;
  readonly sequence: number;
  readonly hash: string;
  readonly payloadHash: string;
  /** True where some versions before it were never shown, so that nothing proves an unbroken line. */
  readonly gap?: true;
}

export const pinOf = (profile: PersonalProfile, gap = false): ProfilePin => ({
  masterSequence: profile.master.sequence,
  masterHash: profile.master.hash,
  masterPayloadHash: profile.master.payloadHash,
  sequence: profile.sequence,
  hash: profile.hash,
  payloadHash: profile.payloadHash,
  ...(gap ? { gap: true as const } : {}),
});

/** Order of two versions of one profile: by epoch, then by sequence. Negative where `a` is the earlier. */
export const compareVersions = (
  a: { master: { sequence: number }; sequence: number },
  b: { master: { sequence: number }; sequence: number },
): number => a.master.sequence - b.master.sequence || a.sequence - b.sequence;

/** True where a version is later than the pinned one. */
export const isNewer = (profile: PersonalProfile, pin: ProfilePin): boolean =>
  (profile.master.sequence - pin.masterSequence || profile.sequence - pin.sequence) > 0;

/** True where every device that stays has the very profile that it had: it never changes for a given UDF. */
const keepsDevices = (current: PersonalProfile, next: PersonalProfile): boolean =>
  next.devices.every((device) => {
    const before = current.devices.find(({ udf }) => udf === device.udf);
    // A device that was read once is the same object in every version.
    return !before || before === device || recordHash(before.record) === recordHash(device.record);
  });

/** True where `next` directly follows `current`: one step on in the same epoch, or the first of the epoch after it. */
export const isSuccessor = (current: PersonalProfile, next: PersonalProfile): boolean =>
  next.udf === current.udf &&
  keepsDevices(current, next) &&
  (next.master.hash === current.master.hash
    ? next.sequence === current.sequence + 1 && next.previous === current.payloadHash
    : next.master.sequence === current.master.sequence + 1 &&
      next.master.previous === current.master.payloadHash &&
      next.sequence === 1);

export type PinCheck = "same" | "successor" | "gap";

/**
 * Holds a verified profile against the pin. `same` and `successor` need nothing more; for `gap` the versions in between must
 * be fetched and given to `provesLine`. Throws `rollback` for an older version and `fork` for a different one of the same
 * age or with another predecessor.
 */
export const checkPin = (profile: PersonalProfile, pin: ProfilePin): PinCheck => {
  const { master } = profile;
  if (
    master.sequence < pin.masterSequence ||
    (master.sequence === pin.masterSequence && profile.sequence < pin.sequence)
  ) {
    throw new MeshError(
      "rollback",
      msg("mesh.rollback", {
        shown: `${master.sequence}.${profile.sequence}`,
        seen: `${pin.masterSequence}.${pin.sequence}`,
      }),
      { hint: msg("mesh.rollback.hint") },
    );
  }
  if (master.sequence === pin.masterSequence) {
    if (master.hash !== pin.masterHash) throw forked();
    if (profile.sequence === pin.sequence) {
      if (profile.hash !== pin.hash) throw forked();
      return "same";
    }
    if (profile.sequence > pin.sequence + 1) return "gap";
    if (profile.previous !== pin.payloadHash) throw forked();
    return "successor";
  }
  if (master.sequence > pin.masterSequence + 1) return "gap";
  // The master profile alone shows a fork, whatever stands between the two personal profiles.
  if (master.previous !== pin.masterPayloadHash) throw forked();
  return profile.sequence > 1 ? "gap" : "successor";
};

const forked = (): MeshError => new MeshError("fork", msg("mesh.fork"), { hint: msg("mesh.fork.hint") });

/**
 * True where `history`, in any order, joins the pinned version to `profile` without a break: every master profile names the
 * one before it down to the pinned one, and the personal profiles of each epoch that matters name each other. Versions of the
 * pinned epoch behind the pin are proved only where the profile is of that epoch, since a new epoch supersedes them.
 * Throws `fork` where the line leads to something else.
 */
export const provesLine = (profile: PersonalProfile, pin: ProfilePin, history: readonly PersonalProfile[]): boolean => {
  const versions = [profile, ...history.filter(({ udf }) => udf === profile.udf)];
  let current = profile;
  for (;;) {
    const epoch = current.master;
    if (epoch.sequence === pin.masterSequence && epoch.hash !== pin.masterHash) throw forked();
    const floor = epoch.sequence === pin.masterSequence ? pin.sequence : 1;
    while (current.sequence > floor) {
      const { previous, sequence } = current;
      if (epoch.sequence === pin.masterSequence && sequence === pin.sequence + 1) {
        if (previous !== pin.payloadHash) throw forked();
        return true;
      }
      const before = versions.find(
        (version) =>
          version.master.hash === epoch.hash && version.sequence === sequence - 1 && version.payloadHash === previous,
      );
      if (!before) return false;
      current = before;
    }
    if (epoch.sequence === pin.masterSequence) {
      if (current.hash !== pin.hash) throw forked();
      return true;
    }
    if (epoch.sequence === pin.masterSequence + 1) {
      if (epoch.previous !== pin.masterPayloadHash) throw forked();
      return true;
    }
    // Any personal profile under the master before this one shows that master; the highest continues the walk.
    const under = versions
      .filter(({ master }) => master.sequence === epoch.sequence - 1 && master.payloadHash === epoch.previous)
      .sort((a, b) => b.sequence - a.sequence)[0];
    if (!under) return false;
    // What happened inside a superseded epoch does not matter; its master does.
    current = { ...under, sequence: 1 };
  }
};
