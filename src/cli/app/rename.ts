import { MeshError } from "../../errors.js";
import { readCopy, writeCopy } from "../../keystore/application-store.js";
import { nextPersonal } from "../../mesh/profile.js";
import { msg } from "../../messages/message.js";
import { applicationName, resolveApplication } from "../application/grants.js";
import { changeProfile, refresh } from "../change.js";
import type { Run } from "../context.js";
import { checkName } from "../names.js";
import { fields } from "../output.js";
import { requireProfile } from "../select.js";
import { administrationKey, openSession } from "../session.js";

export const run: Run = async (context, input) => {
  const { home } = context;
  const name = checkName(input.argument(1) ?? "", "application");
  const state = await requireProfile(context);
  const session = await openSession(context, state);
  const before = await refresh(session);
  administrationKey(session, before);
  // A name is looked up once: while the change is made again it must not come to mean another application.
  const { Identifier, Type } = resolveApplication(before, input.argument(0) ?? "");
  const after = await changeProfile(session, (current, notaryToken) => {
    const entry = resolveApplication(current, Identifier);
    if (applicationName(entry) === name) return undefined;
    if (current.applications.some((other) => other !== entry && applicationName(other) === name)) {
      throw new MeshError("application-exists", msg("app.exists", { name }), { hint: msg("app.exists.hint") });
    }
    const applications = current.applications.map((other) => (other === entry ? { ...entry, Friendly: name } : other));
    return nextPersonal(
      administrationKey(session, current),
      current,
      { applications, notaryToken },
      context.deps.now(),
    );
  });
  // What this home calls it; the next sync would say the same.
  await home.withLock(() => {
    const copy = readCopy(home, session.keystore, state.udf, Identifier);
    if (copy) writeCopy(home, session.keystore, state.udf, { ...copy, name });
  });
  return {
    value: {
      application: { identifier: Identifier, name, type: Type },
      masterSequence: after.master.sequence,
      sequence: after.sequence,
    },
    text: fields([
      [msg("label.application"), name],
      [msg("label.identifier"), Identifier],
      [msg("label.version"), `${after.master.sequence}.${after.sequence}`],
    ]),
  };
};
