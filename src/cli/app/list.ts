import { listApplications, listQueues } from "../../keystore/application-store.js";
import {
  deviceName,
  isAdministrator,
  type ApplicationEntry,
  type PersonalProfile,
} from "../../mesh/records/personal.js";
import { msg } from "../../messages/message.js";
import { applicationName, mayRead, mayWrite } from "../application/grants.js";
import { currentOrKnown } from "../current.js";
import type { Run } from "../context.js";
import { knownProfile } from "../known.js";
import { table } from "../output.js";
import { requireProfile } from "../select.js";

/** What a device may do with an application. An administrator that may read it may change it. */
const accessOf = (profile: PersonalProfile, entry: ApplicationEntry, udf: string): "write" | "read" | "none" => {
  if (!mayRead(entry, udf)) return "none";
  return mayWrite(entry, udf) || isAdministrator(profile, udf) ? "write" : "read";
};

const ACCESS = { write: msg("app.access-write"), read: msg("app.access-read"), none: msg("label.none") } as const;

export const run: Run = async (context, input) => {
  const { home } = context;
  const state = await requireProfile(context);
  const profile = input.flag("offline") ? knownProfile(context, state) : await currentOrKnown(context, state);
  const here = listApplications(home, state.udf);
  const queues = listQueues(home, state.udf);
  const applications = (profile?.applications ?? []).map((entry) => {
    const known = here.find(({ identifier }) => identifier === entry.Identifier);
    const devices = (profile?.devices ?? []).filter(({ udf }) => mayRead(entry, udf));
    return {
      identifier: entry.Identifier,
      name: applicationName(entry),
      type: entry.Type,
      /** Of the version that this home knows. */
      entries: known?.entries ?? null,
      conflicts: known?.conflicts ?? null,
      access: profile ? accessOf(profile, entry, state.device.udf) : ("none" as const),
      waiting: queues.find(({ identifier }) => identifier === entry.Identifier)?.edits ?? 0,
      devices: devices.map((device) => (profile ? deviceName(profile, device) : "")),
    };
  });
  return {
    value: { applications },
    text: table(
      [
        msg("heading.name"),
        msg("heading.type"),
        msg("heading.entries"),
        msg("heading.access"),
        msg("heading.waiting"),
        msg("heading.devices"),
        msg("heading.identifier"),
      ],
      applications.map((application) => [
        application.name,
        application.type,
        application.entries === null ? "" : String(application.entries),
        ACCESS[application.access],
        String(application.waiting),
        application.devices.join(", "),
        application.identifier,
      ]),
      msg("app.list-empty"),
    ),
  };
};
