/** Every fault at every step takes minutes: the suite tries a few, and others for another seed. */
const ALL = process.env["MESHMAN_FAULTS"] === "all";
export const SEED = Number(process.env["MESHMAN_SEED"] ?? "1");

/** The trials to make of all that there are: those, or so many of them. */
export const sampleOf = <T>(all: readonly T[], random: () => number, count: number, isSlow = false): readonly T[] => {
  if (ALL && !isSlow) return all;
  return all
    .map((item) => ({ item, order: random() }))
    .sort((a, b) => a.order - b.order)
    .slice(0, ALL ? 10 * count : count)
    .map(({ item }) => item);
};

/** The numbers from 1 to `count`. */
export const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);
