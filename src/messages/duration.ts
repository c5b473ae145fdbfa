/** Seconds in each unit, the largest first. */
export const UNITS = [
  ["d", 86_400],
  ["h", 3600],
  ["m", 60],
  ["s", 1],
] as const;

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
