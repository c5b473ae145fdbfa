import { startAgent } from "../../keystore/agent/client.js";
import { opensByItself, readKeystoreFacts } from "../../keystore/keystore-file.js";
import { msg } from "../../messages/message.js";
import type { Run } from "../context.js";
import { readableDuration } from "../../messages/duration.js";
import { parseDuration } from "../duration.js";
import { exactTime, lines, readableTime } from "../output.js";
import { unlockItself } from "../session.js";

const USUAL = "15m";
/** A day at most, so that a forgotten one does not stay for good. */
const BOUNDS = { minimum: 1, maximum: 86_400 };

export const run: Run = async (context, input) => {
  const seconds = parseDuration(input.text("for") ?? USUAL, BOUNDS);
  // Never by the agent that runs: who is to have more time must be able to open the keystore.
  const keystore = await unlockItself(context);
  const facts = readKeystoreFacts(context.home);
  if (!facts || opensByItself(facts)) {
    return { value: { unlocked: true, expires: null, agent: false }, text: lines(msg("unlock.not-needed")) };
  }
  const key = keystore.copyKey();
  try {
    const { expires } = await startAgent(context.home, keystore, key, seconds);
    // Minutes say nothing of a time that is over within a few.
    const until = seconds < 300 ? exactTime(expires) : readableTime(expires);
    return {
      value: { unlocked: true, expires, agent: true },
      text: lines(msg("unlock.until", { time: readableDuration(seconds), expires: until })),
    };
  } finally {
    key.fill(0);
    keystore.close();
  }
};
