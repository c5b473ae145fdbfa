import { EXTENSIONS, LIMITS } from "../../mesh/protocol.js";
import { done, type Answer } from "../answer.js";
import type { Context } from "../context.js";

/** Says what this portal speaks and what it can do beyond the specifications (reference-10 section 12.5). */
export const hello = (context: Context): Promise<Answer> =>
  Promise.resolve(
    done({
      Version: { Major: 0, Minor: 8, Encodings: [{ ID: ["application/json"] }] },
      Extensions: Object.values(EXTENSIONS),
      DefaultDomain: context.defaultDomain,
      Limits: LIMITS,
    }),
  );
