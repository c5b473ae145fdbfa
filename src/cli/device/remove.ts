import { isMeshError, MeshError } from "../../errors.js";
import { nextPersonal } from "../../mesh/profile.js";
import {
  administrationDevices,
  deviceName,
  findDevice,
  isAdministrator,
  resolveDevice,
  type PersonalProfile,
} from "../../mesh/records/personal.js";
import type { Device } from "../../mesh/records/device.js";
import { msg } from "../../messages/message.js";
import { canGrant, isLastReader, lastReader } from "../application/grants.js";
import { describeOutcome, type Settled } from "../application/settled.js";
import { changeProfile, refresh } from "../change.js";
import type { Run } from "../context.js";
import { knownProfile } from "../known.js";
import { makeEpoch, masterKey } from "../master.js";
import { fields, gap, lines, raw, stack } from "../output.js";
import { requireProfile } from "../select.js";
import { administrationKey, openSession, type Session } from "../session.js";

export const run: Run = async (context, input) => {
  const state = await requireProfile(context);
  const session = await openSession(context, state);
  const kept = knownProfile(context, state);
  const before = await refresh(session);
  administrationKey(session, before);
  // A name is looked up once: while the change is made again it must not come to mean another device.
  const { device, name } = await find(session, before, kept, input.argument(0) ?? "");
  if (device.udf === state.device.udf) {
    throw new MeshError("self-removal", msg("device.removes-itself"), {
      hint: msg("device.removes-itself.hint"),
    });
  }
  let applications: readonly Settled[] = [];
  const after = await changeProfile(
    session,
    async (current, notaryToken): Promise<PersonalProfile | undefined> => {
      const key = administrationKey(session, current);
      if (!findDevice(current, device.udf) && !isAdministrator(current, device.udf)) return undefined;
      // Nobody is left to encrypt it anew, and what the device has signed counts no more, for a recovery either.
      const lost = current.applications.find(
        (entry) => isLastReader(current, entry, device.udf, context.deps.now()) && !canGrant(session, current, entry),
      );
      if (lost) throw lastReader(lost, name, msg("app.last-reader.remove-hint"));
      const change = { devices: current.devices.filter(({ udf }) => udf !== device.udf), notaryToken };
      if (!isAdministrator(current, device.udf)) return nextPersonal(key, current, change, context.deps.now());
      const administrators = administrationDevices(current).filter(({ udf }) => udf !== device.udf);
      return makeEpoch(context, await masterKey(session, input, current), key, current, administrators, change);
    },
    (settled) => (applications = settled),
  );
  const rekeyed = applications.filter(({ outcome }) => outcome === "rekeyed").map((application) => application.name);
  return {
    value: {
      device: { udf: device.udf, name },
      masterSequence: after.master.sequence,
      sequence: after.sequence,
      applications: applications.map(describeOutcome),
    },
    text: stack(
      fields([
        [msg("label.removed"), name],
        [msg("label.udf"), device.udf],
        [msg("label.version"), `${after.master.sequence}.${after.sequence}`],
        [msg("app.encrypted-anew"), rekeyed.length === 0 ? undefined : rekeyed.join(", ")],
      ]),
      ...(rekeyed.length === 0
        ? []
        : [gap, lines(msg("app.see-exposure")), raw(`  meshman app exposure ${device.udf}\n`)]),
    ),
  };
};

/**
 * The device, as the current version has it. One that is missing there, but not in the version that this home has kept, went in
 * a run of this command that was cut off; what such a run has left to be published elsewhere is published in any case.
 */
const find = async (
  session: Session,
  current: PersonalProfile,
  kept: PersonalProfile | undefined,
  text: string,
): Promise<{ device: Device; name: string }> => {
  try {
    const device = resolveDevice(current, text);
    return { device, name: deviceName(current, device) };
  } catch (error) {
    if (!isMeshError(error, "device-not-found")) throw error;
    try {
      const device = resolveDevice(kept ?? current, text);
      if (kept && !findDevice(current, device.udf)) return { device, name: deviceName(kept, device) };
    } catch {
      // Neither version has it.
    }
    if (session.state.work.some(({ kind }) => kind === "publish")) await changeProfile(session, () => undefined);
    throw error;
  }
};
