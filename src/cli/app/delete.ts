import { isMeshError, MeshError } from "../../errors.js";
import { listQueues, removeApplication } from "../../keystore/application-store.js";
import { nextPersonal } from "../../mesh/profile.js";
import { msg } from "../../messages/message.js";
import { applicationName, resolveApplication } from "../application/grants.js";
import { knownCopy } from "../application/look.js";
import { changeProfile, refresh } from "../change.js";
import type { Run } from "../context.js";
import { lines } from "../output.js";
import { requireProfile } from "../select.js";
import { administrationKey, openSession } from "../session.js";

/** Takes an application out of the profile and off this device. The others forget it when they synchronise. */
export const run: Run = async (context, input) => {
  const { home } = context;
  const state = await requireProfile(context);
  const session = await openSession(context, state);
  const before = await refresh(session);
  administrationKey(session, before);
  const entry = resolveApplication(before, input.argument(0) ?? "");
  const { Identifier, Type } = entry;
  const name = applicationName(entry);
  if (input.text("confirm")?.normalize("NFC") !== name) {
    throw new MeshError("input-required", msg("app.delete-unconfirmed", { name }), {
      hint: msg("app.delete-unconfirmed.hint", { name: JSON.stringify(name) }),
    });
  }
  const after = await changeProfile(session, (current, notaryToken) => {
    const applications = current.applications.filter((other) => other.Identifier !== Identifier);
    if (applications.length === current.applications.length) return undefined;
    return nextPersonal(
      administrationKey(session, current),
      current,
      { applications, notaryToken },
      context.deps.now(),
    );
  });
  const waiting = listQueues(home, state.udf).find(({ identifier }) => identifier === Identifier)?.edits ?? 0;
  const copy = await knownCopy(session, Identifier).catch((error: unknown) => {
    if (!isMeshError(error, "keystore-version")) throw error;
    return undefined;
  });
  await removeApplication(home, state.udf, Identifier, copy?.segments.map(({ identifier }) => identifier) ?? []);
  return {
    value: {
      application: { identifier: Identifier, name, type: Type },
      deleted: true,
      dropped: waiting,
      masterSequence: after.master.sequence,
      sequence: after.sequence,
    },
    text: lines(msg("app.deleted", { name })),
    note: msg("app.deleted-records"),
  };
};
