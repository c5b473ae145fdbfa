import { MeshError } from "../errors.js";
import { msg } from "../messages/message.js";

/** Seconds in each unit, the largest first. */
const UNITS = [
  ["d", 86_400],
  ["h", 3600],
  ["m", 60],
  ["s", 1],
] as const;

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

/** A number of seconds as a person reads it, by its two largest units: 45s, 14m 30s, 1d 2h. */
export const readableDuration = (seconds: number): string => {
  const parts: string[] = [];
  let rest = Math.max(0, Math.round(seconds));
  for (const [name, length] of UNITS) {
    const count = Math.floor(rest / length);
    rest -= count * length;
    if (count > 0) parts.push(`${count}${name}`);
    else if (parts.length > 0) break;
  }
  return parts.length === 0 ? "0s" : parts.slice(0, 2).join(" ");
};
