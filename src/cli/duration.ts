import { MeshError } from "../errors.js";
import { readableDuration, UNITS } from "../messages/duration.js";
import { msg } from "../messages/message.js";

/**
 * The seconds of a duration as a person writes it: a whole number and a unit, as in 90s, 15m, 8h, 2d. Throws `usage` where it
 * is none, or is not between `minimum` and `maximum` (in seconds, both included).
 */
export const parseDuration = (text: string, { minimum, maximum }: { minimum: number; maximum: number }): number => {
  const [, count, unit] = /^(\d{1,9})([dhms])$/.exec(text) ?? [];
  const length = UNITS.find(([name]) => name === unit)?.[1];
  if (count === undefined || length === undefined) {
    throw new MeshError("usage", msg("duration.invalid", { text: JSON.stringify(text) }), {
      hint: msg("duration.invalid.hint"),
    });
  }
  const seconds = Number(count) * length;
  if (seconds >= minimum && seconds <= maximum) return seconds;
  const [least, most] = [readableDuration(minimum), readableDuration(maximum)];
  throw new MeshError("usage", msg("duration.range", { text, minimum: least, maximum: most }));
};
