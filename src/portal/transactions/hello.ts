import { EXTENSIONS, LIMITS } from "../../mesh/protocol.js";
import { done, type Answer } from "../answer.js";
import type { Context } from "../context.js";

const VERSION = { Major: 0, Minor: 8, Encodings: [{ ID: ["application/json"] }] };
const ALL_EXTENSIONS = Object.values(EXTENSIONS);

/** Says what this portal speaks and what it can do beyond the specifications (reference-10 section 12.5). */
export const hello = async (context: Context): Promise<Answer> =>
  done({
    Version: VERSION,
    Extensions: ALL_EXTENSIONS,
    DefaultDomain: context.defaultDomain,
    Limits: LIMITS,
    Log: await context.announceLog(context.now),
  });
