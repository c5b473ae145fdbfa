import { MeshError } from "../../errors.js";
import { msg } from "../../messages/message.js";
import { changeApplication, type Change } from "../application/application.js";
import { conflictsOf, readableLabels } from "./conflicts.js";
import type { Run } from "../context.js";
import { fields } from "../output.js";
import { requireProfile } from "../select.js";
import { openSession } from "../session.js";

/** Settles which version of an entry it is to be. The others are gone then, on every device. */
export const run: Run = async (context, input) => {
  const name = input.argument(0) ?? "";
  const text = (input.argument(1) ?? "").trim();
  const keep = input.text("keep") ?? "";
  const session = await openSession(context, await requireProfile(context));
  const found = await conflictsOf(session, name);
  const matching = found.filter(
    ({ kind, entry }) => entry.id === text || readableLabels(kind, entry.value).includes(text),
  );
  const [chosen, ...others] = matching;
  if (!chosen) {
    throw new MeshError("entry-not-found", msg("app.no-conflict", { entry: JSON.stringify(text.slice(0, 64)) }), {
      hint: msg("app.no-conflict.hint"),
    });
  }
  if (others.length > 0) {
    const entries = matching.map(({ entry }) => entry.id).join(", ");
    throw new MeshError("entry-ambiguous", msg("app.entry-ambiguous", { entries }));
  }
  const { kind, entry, application } = chosen;
  const versions = [entry, ...entry.others];
  const kept = keep === "current" ? entry : versions.find(({ stamp }) => stamp === keep);
  if (!kept) {
    const stamps = entry.others.map(({ stamp }) => stamp).join(", ");
    throw new MeshError("usage", msg("app.no-version", { stamps }));
  }
  const settles = versions.map(({ stamp }) => stamp);
  const change: Change<object> = kept.value
    ? { put: kept.value, id: entry.id, settles }
    : { remove: entry.id, settles };
  const options = { name: application.identifier, offline: input.flag("offline") };
  const { synced, conflicts } = await changeApplication(session, kind, options, () => Promise.resolve([change]));
  return {
    value: { application, entry: entry.id, kept: kept.stamp, deleted: kept.value === undefined, synced, conflicts },
    text: fields([
      [msg("label.application"), application.name],
      [msg("label.entry"), readableLabels(kind, entry.value).join(", ") || entry.id],
      [msg("label.kept"), kept.value ? kept.stamp : msg("app.version-deleted")],
    ]),
  };
};
