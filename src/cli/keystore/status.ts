import { join } from "node:path";
import { isMeshError } from "../../errors.js";
import { statKeyFile } from "../../keystore/key-file.js";
import type { Home } from "../../keystore/home.js";
import { opensByItself, readKeystoreFacts, type KeystoreFacts } from "../../keystore/keystore-file.js";
import { listProfiles } from "../../keystore/state.js";
import { msg, type Message } from "../../messages/message.js";
import type { Run } from "../context.js";
import { readableDuration } from "../../messages/duration.js";
import { fields, gap, lines, readableTime, stack, table, type Text } from "../output.js";
import { secondsLeft, standingOf, type Standing } from "./standing.js";

const agentText = (home: Home, agent: Standing["agent"]): Message =>
  agent
    ? msg("keystore-status.agent", { time: readableDuration(secondsLeft(home, agent)) })
    : msg("keystore-status.no-agent");

/** What is to be said of a key file without which nothing opens. */
const keyFileNote = (home: Home, { keyFile }: KeystoreFacts): Message | undefined => {
  try {
    if (keyFile === undefined || statKeyFile(home, keyFile)) return undefined;
    return msg("doctor.key-file-missing", { path: keyFile });
  } catch (error) {
    // The stick may be in a place that cannot be looked at now.
    if (isMeshError(error)) return error.text;
    throw error;
  }
};

/** The same for people, who know profiles by their names. */
const textOf = (home: Home, facts: KeystoreFacts, agent: Standing["agent"]): Text => {
  const names = new Map(listProfiles(home).map(({ udf, name }) => [udf, name]));
  return stack(
    fields([
      [msg("label.keystore"), facts.path],
      [msg("label.protection"), msg(`keystore-status.${facts.protection}`)],
      [msg("label.key-file"), facts.keyFile],
      [msg("label.agent"), opensByItself(facts) ? undefined : agentText(home, agent)],
    ]),
    gap,
    table(
      [msg("heading.use"), msg("heading.profile"), msg("heading.made"), msg("heading.udf")],
      facts.keys.map(({ kid, use, created, profile }) => [use, names.get(profile) ?? "", readableTime(created), kid]),
      msg("keystore-status.no-keys"),
    ),
  );
};

export const run: Run = async (context) => {
  const facts = readKeystoreFacts(context.home);
  if (!facts) {
    const path = join(context.home.path, "keystore.json");
    return {
      value: {
        path,
        exists: false,
        id: null,
        protection: null,
        keyFile: null,
        unlockedBy: [],
        locked: null,
        agent: null,
        keys: [],
      },
      text: lines(msg("keystore-status.none", { folder: context.home.path })),
    };
  }
  const keys = facts.keys.map(({ kid, use, created, profile }) => ({ udf: kid, use, created, profile }));
  const { locked, agent } = await standingOf(context.home, facts);
  return {
    value: {
      path: facts.path,
      exists: true,
      id: facts.id,
      created: facts.created,
      protection: facts.protection,
      keyFile: facts.keyFile ?? null,
      unlockedBy: facts.protection === "keyring" ? ["keyring", "passphrase"] : [facts.protection],
      locked,
      agent,
      keys,
    },
    text: (translate) => textOf(context.home, facts, agent)(translate),
    note: keyFileNote(context.home, facts),
  };
};
