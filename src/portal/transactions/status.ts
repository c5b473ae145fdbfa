import { CHECKPOINT_INTERVAL } from "../../mesh/protocol.js";
import { done, type Answer } from "../answer.js";
import type { Context } from "../context.js";

const timeText = (time: number): string => new Date(time).toISOString();

/** When the log was last written to, and its signed head (reference-10 section 12.11). */
export const status = (context: Context): Promise<Answer> =>
  context.view(async (tx) => {
    const written = await tx.lastWrite();
    const { checkpoint, time } = await tx.head();
    return done({
      ...(written !== undefined && { LastWriteTime: timeText(written) }),
      LastCheckpointTime: timeText(time),
      NextCheckpointTime: timeText(time + CHECKPOINT_INTERVAL * 1000),
      CheckpointValue: checkpoint,
    });
  });
