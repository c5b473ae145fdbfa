/** How many files are asked for at once. */
const AHEAD = 4;

/** What `fetch` gives for each number from `start` up to `end`, in order. A few are under way while one is looked at. */
export async function* inOrder<T>(
  start: number,
  end: number,
  fetch: (index: number) => Promise<T>,
): AsyncGenerator<T, undefined> {
  const underWay: Promise<T>[] = [];
  for (let next = start; next < end || underWay.length > 0;) {
    while (next < end && underWay.length < AHEAD) {
      const fetching = fetch(next++);
      // Whoever stops early hears of one failure alone.
      fetching.catch(() => undefined);
      underWay.push(fetching);
    }
    const first = underWay.shift();
    if (first) yield await first;
  }
}
