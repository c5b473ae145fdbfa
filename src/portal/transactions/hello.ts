import { EXTENSIONS, LIMITS } from "../../mesh/protocol.js";
import { done, type Answer } from "../answer.js";
import type { Context } from "../context.js";
import type { Announcement } from "../log/log.js";
import { rendered } from "../rendered.js";

const VERSION = rendered(JSON.stringify({ Major: 0, Minor: 8, Encodings: [{ ID: ["application/json"] }] }));
const ALL_EXTENSIONS = rendered(JSON.stringify(Object.values(EXTENSIONS)));
const ALL_LIMITS = rendered(JSON.stringify(LIMITS));

/** What is said, by what is said of the log. */
const members = new WeakMap<Announcement, Readonly<Record<string, unknown>> & { readonly DefaultDomain: string }>();

/** Says what this portal speaks and what it can do beyond the specifications (reference-10 section 12.5). */
export const hello = async (context: Context): Promise<Answer> => {
  const { defaultDomain, announceLog, now } = context;
  const log = await announceLog(now);
  const known = members.get(log);
  if (known?.DefaultDomain === defaultDomain) return { ...done(known), lasting: true };
  const said = {
    Version: VERSION,
    Extensions: ALL_EXTENSIONS,
    DefaultDomain: defaultDomain,
    Limits: ALL_LIMITS,
    Log: log,
  };
  members.set(log, said);
  return { ...done(said), lasting: true };
};
