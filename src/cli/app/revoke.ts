import { nextPersonal } from "../../mesh/profile.js";
import { deviceName, resolveDevice, type PersonalProfile } from "../../mesh/records/personal.js";
import { msg } from "../../messages/message.js";
import {
  applicationName,
  isLastReader,
  lastReader,
  mayRead,
  mayWrite,
  resolveApplication,
  withRights,
} from "../application/grants.js";
import { describeSettled, type Settled } from "../application/settled.js";
import { changeProfile, refresh } from "../change.js";
import type { Run } from "../context.js";
import { fields, gap, lines, raw, stack } from "../output.js";
import { requireProfile } from "../select.js";
import { administrationKey, openSession } from "../session.js";
import { shellWord } from "../device/connect-command.js";

/** Takes a device's rights to an application away. What it has seen it has seen: `app exposure` lists that. */
export const run: Run = async (context, input) => {
  const session = await openSession(context, await requireProfile(context));
  const before = await refresh(session);
  administrationKey(session, before);
  const { Identifier } = resolveApplication(before, input.text("app") ?? "");
  const device = resolveDevice(before, input.argument(0) ?? "");
  const name = deviceName(before, device);
  const { udf } = device;
  let settled: readonly Settled[] = [];
  const after = await changeProfile(
    session,
    (current, notaryToken): PersonalProfile | undefined => {
      const key = administrationKey(session, current);
      const entry = resolveApplication(current, Identifier);
      if (!mayRead(entry, udf) && !mayWrite(entry, udf)) return undefined;
      if (isLastReader(current, entry, udf, context.deps.now())) {
        throw lastReader(entry, name, msg("app.last-reader.hint"));
      }
      const applications = withRights(current.applications, [Identifier], udf, { read: false, write: false });
      return nextPersonal(key, current, { applications, notaryToken }, context.deps.now());
    },
    (applications) => (settled = applications),
  );
  const entry = resolveApplication(after, Identifier);
  return {
    value: {
      application: { identifier: Identifier, name: applicationName(entry), type: entry.Type },
      device: { udf, name },
      ...describeSettled(settled, Identifier),
    },
    text: stack(
      fields([
        [msg("label.application"), applicationName(entry)],
        [msg("app.may-not-read"), name],
      ]),
      gap,
      lines(msg("app.see-exposure")),
      raw(`  meshman app exposure ${shellWord(udf)} --app ${shellWord(applicationName(entry))}\n`),
    ),
  };
};
