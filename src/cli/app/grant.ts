import { MeshError } from "../../errors.js";
import { nextPersonal } from "../../mesh/profile.js";
import { deviceName, findDevice, resolveDevice, type PersonalProfile } from "../../mesh/records/personal.js";
import { msg } from "../../messages/message.js";
import {
  applicationName,
  canGrant,
  mayRead,
  mayWrite,
  notGrantable,
  resolveApplication,
  withRights,
} from "../application/grants.js";
import { describeSettled, type Settled } from "../application/settled.js";
import { changeProfile, refresh } from "../change.js";
import type { Run } from "../context.js";
import { deviceGone } from "../device/gone.js";
import { fields } from "../output.js";
import { requireProfile } from "../select.js";
import { administrationKey, openSession } from "../session.js";

/** Lets devices read an application, and change it unless `--read-only` says otherwise. */
export const run: Run = async (context, input) => {
  const wanted = input.arguments(0);
  const write = !input.flag("readOnly");
  const session = await openSession(context, await requireProfile(context));
  const before = await refresh(session);
  administrationKey(session, before);
  // Names are looked up once: while the change is made again they must not come to mean others.
  const { Identifier } = resolveApplication(before, input.text("app") ?? "");
  const devices = [...new Map(wanted.map((text) => [resolveDevice(before, text).udf, text]))];
  let settled: readonly Settled[] = [];
  const after = await changeProfile(
    session,
    (current, notaryToken): PersonalProfile | undefined => {
      const key = administrationKey(session, current);
      const entry = resolveApplication(current, Identifier);
      const changed = devices.filter(([udf, text]) => {
        if (!findDevice(current, udf)) throw deviceGone(text);
        return !mayRead(entry, udf) || mayWrite(entry, udf) !== write;
      });
      if (changed.length === 0) return undefined;
      // Whoever only writes less needs no key from here.
      if (!canGrant(session, current, entry) && changed.some(([udf]) => !mayRead(entry, udf))) {
        throw notGrantable(entry);
      }
      const applications = changed.reduce<PersonalProfile["applications"]>(
        (entries, [udf]) => withRights(entries, [Identifier], udf, { read: true, write }),
        current.applications,
      );
      return nextPersonal(key, current, { applications, notaryToken }, context.deps.now());
    },
    (applications) => (settled = applications),
  );
  const entry = resolveApplication(after, Identifier);
  const named = devices.map(([udf]) => {
    const device = findDevice(after, udf);
    if (!device) throw new MeshError("conflict", msg("change.busy"));
    return { udf, name: deviceName(after, device), write: mayWrite(entry, udf) };
  });
  return {
    value: {
      application: { identifier: Identifier, name: applicationName(entry), type: entry.Type },
      devices: named,
      ...describeSettled(settled, Identifier),
    },
    text: fields([
      [msg("label.application"), applicationName(entry)],
      [write ? msg("app.may-change") : msg("app.may-read"), named.map(({ name }) => name).join(", ")],
    ]),
  };
};
