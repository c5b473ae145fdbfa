import { MeshError } from "../../errors.js";
import { msg } from "../../messages/message.js";
import { createApplication } from "../application/change.js";
import { kindOf, TYPE_NAMES } from "../application/kinds.js";
import type { Run } from "../context.js";
import { fields } from "../output.js";
import { requireProfile } from "../select.js";
import { openSession } from "../session.js";

export const run: Run = async (context, input) => {
  const wanted = (input.argument(0) ?? "").trim().toLowerCase();
  const type = Object.hasOwn(TYPE_NAMES, wanted) ? TYPE_NAMES[wanted] : undefined;
  if (!type) {
    const types = [...new Map(Object.entries(TYPE_NAMES).map(([name, known]) => [known, name])).values()].join(", ");
    throw new MeshError("usage", msg("app.type-unknown", { types }));
  }
  const kind = await kindOf(type);
  const session = await openSession(context, await requireProfile(context));
  const { copy } = await createApplication(session, type, input.text("name") ?? kind.name, true);
  const { identifier, name } = copy;
  return {
    value: { application: { identifier, name, type } },
    text: fields([
      [msg("label.application"), name],
      [msg("label.type"), type],
      [msg("label.identifier"), identifier],
    ]),
  };
};
