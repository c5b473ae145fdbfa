import { lockAgent } from "../../keystore/agent/client.js";
import { opensByItself, readKeystoreFacts } from "../../keystore/keystore-file.js";
import { msg } from "../../messages/message.js";
import type { Run } from "../context.js";
import { lines } from "../output.js";

export const run: Run = async ({ home }) => {
  const facts = readKeystoreFacts(home);
  // An agent sees for itself that its keystore has gone.
  if (!facts) {
    return { value: { locked: true, agent: false }, text: lines(msg("lock.none", { folder: home.path })) };
  }
  // Also where none is needed: the protection may have been another when the agent was started.
  const found = await lockAgent(home, facts);
  const { stopSshAgents } = await import("../ssh/agent/client.js");
  await stopSshAgents(home, facts.id);
  const locked = !opensByItself(facts);
  return {
    value: { locked, agent: found !== "none" },
    text: lines(locked ? msg("lock.locked") : msg("lock.not-possible")),
    note: found === "silent" ? msg("lock.silent") : undefined,
  };
};
