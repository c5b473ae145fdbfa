import { join } from "node:path";
import { readKeystoreFacts } from "../../keystore/keystore-file.js";
import { listProfiles } from "../../keystore/state.js";
import { msg } from "../../messages/message.js";
import type { Run } from "../context.js";
import { fields, gap, lines, readableTime, stack, table } from "../output.js";

export const run: Run = async (context) => {
  const facts = readKeystoreFacts(context.home);
  if (!facts) {
    const path = join(context.home.path, "keystore.json");
    return Promise.resolve({
      value: { path, exists: false, id: null, protection: null, locked: null, keys: [] },
      text: lines(msg("keystore-status.none", { folder: context.home.path })),
    });
  }
  const names = new Map(listProfiles(context.home).map(({ udf, name }) => [udf, name]));
  const keys = facts.keys.map(({ kid, use, created, profile }) => ({ udf: kid, use, created, profile }));
  // Nothing holds the key between commands: a keystore with a passphrase is always locked when a command starts.
  const locked = facts.protection === "passphrase";
  const rows = keys.map((key) => [key.use, names.get(key.profile) ?? "", readableTime(key.created), key.udf]);
  return {
    value: {
      path: facts.path,
      exists: true,
      id: facts.id,
      created: facts.created,
      protection: facts.protection,
      locked,
      keys,
    },
    text: stack(
      fields([
        [msg("label.keystore"), facts.path],
        [msg("label.protection"), locked ? msg("keystore-status.passphrase") : msg("keystore-status.key-file")],
      ]),
      gap,
      table(
        [msg("heading.use"), msg("heading.profile"), msg("heading.made"), msg("heading.udf")],
        rows,
        msg("keystore-status.no-keys"),
      ),
    ),
  };
};
