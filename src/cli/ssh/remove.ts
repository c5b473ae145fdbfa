import { MeshError } from "../../errors.js";
import { isSshHost } from "../../mesh/application/ssh/kind.js";
import { msg } from "../../messages/message.js";
import { changingSession } from "../application/access.js";
import type { Run } from "../context.js";
import { lines } from "../output.js";
import { changeSsh } from "./catalog.js";

export const run: Run = async (context, input) => {
  const name = input.argument(0) ?? "";
  const session = await changingSession(context);
  let names: readonly string[] = [];
  const { synced } = await changeSsh(session, input, async (current) => {
    const entries = await current.entries((labels) => labels.includes(name));
    const found = entries.flatMap(({ id, value }) =>
      isSshHost(value) && value.Names.includes(name) ? [{ id, host: value }] : [],
    );
    const [first, other] = found;
    if (!first) {
      throw new MeshError("entry-not-found", msg("ssh.host-unknown", { host: JSON.stringify(name.slice(0, 300)) }), {
        hint: msg("ssh.host-unknown.hint"),
      });
    }
    if (other)
      throw new MeshError("entry-ambiguous", msg("ssh.host-ambiguous"), { hint: msg("ssh.host-ambiguous.hint") });
    names = first.host.Names;
    return [{ remove: first.id }];
  });
  return {
    value: { host: { names }, synced },
    text: lines(msg("ssh.host-removed", { host: names.join(", ") })),
  };
};
