import { done, type Answer } from "../answer.js";
import type { Context } from "../context.js";

/** When the log was last written to (reference-10 section 12.11). There are no checkpoints yet. */
export const status = async ({ store }: Context): Promise<Answer> => {
  const written = await store.read((tx) => tx.lastWrite());
  return done(written === undefined ? {} : { LastWriteTime: new Date(written).toISOString() });
};
