import * as fs from "node:fs";

// What Linux says of processes. Elsewhere nothing is known, and the bench prints a dash.

/** Clock ticks a second of /proc; Linux shows 100 to programs whatever its own clock is. */
const TICKS = 100;

const read = (path: string): string => {
  try {
    return fs.readFileSync(path, "utf8");
  } catch {
    return "";
  }
};

/** The processes and everything that they have started. */
export const withChildren = (pids: readonly number[]): readonly number[] => {
  const children = pids.flatMap((pid) =>
    read(`/proc/${pid}/task/${pid}/children`)
      .split(" ")
      .filter((text) => text !== "")
      .map(Number),
  );
  return children.length === 0 ? pids : [...pids, ...withChildren(children)];
};

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** Seconds of processor time that processes have used, with all of their threads. */
export const processorSeconds = (pids: readonly number[]): number =>
  sum(
    pids.map((pid) => {
      // The name in brackets may hold anything.
      const fields = read(`/proc/${pid}/stat`)
        .replace(/^.*\) /s, "")
        .split(" ");
      return fields.length < 13 ? 0 : (Number(fields[11]) + Number(fields[12])) / TICKS;
    }),
  );

/** Resident memory of processes in octets; NaN where nothing is known. */
export const residentMemory = (pids: readonly number[]): number =>
  sum(pids.map((pid) => Number(/^VmRSS:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`))?.[1] ?? NaN) * 1024));
