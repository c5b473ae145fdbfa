import { isMeshError, type ErrorCode } from "../../src/errors.js";
import { anyText, mutateText } from "./mutate.js";
import { randomFor, type Random } from "./random.js";

/** Something that reads what others wrote. */
export interface Target<Input = unknown> {
  readonly name: string;
  /** How many of a million inputs it gets, about. */
  readonly weight: number;
  /** The codes of the errors that it may throw; anything else is a failure. */
  readonly codes: readonly ErrorCode[];
  /** So many inputs share what `open` makes; the n-th of them can be made again only behind those before it. */
  readonly batch?: number;
  /** Makes what the inputs are given to, and gives what takes it away again. */
  open?(): Promise<() => Promise<void>>;
  make(random: Random): Input;
  /** Reads the input. Throws an Error where what it gives back cannot be right. */
  read(input: Input): unknown;
  /** What must go on working after any input. */
  unharmed?(): unknown;
}

export interface FuzzOptions {
  readonly seed: string;
  readonly count: number;
  /** Told before each input, so that somebody else sees where the program hangs. */
  readonly onInput?: (index: number) => void;
  /** Collects garbage, where the process can. */
  readonly collect?: (() => void) | undefined;
  /** The one input to try, behind those of its batch. */
  readonly only?: number | undefined;
}

export interface FuzzReport {
  readonly accepted: number;
  readonly refused: number;
  readonly slowest: number;
}

/** How long one input may take, in milliseconds: many times what any takes on a busy machine. */
const TIME_LIMIT = 2_000;
/** By how much the memory in use may grow, in octets: what the program remembers is bounded. */
const MEMORY_LIMIT = 96 * 1024 * 1024;
const SHRINKS = 400;

const describe = (input: unknown): string => {
  if (Buffer.isBuffer(input)) return `Buffer.from(${JSON.stringify(input.toString("base64"))}, "base64")`;
  return JSON.stringify(input, (_, value: unknown) =>
    Buffer.isBuffer(value) ? { base64: value.toString("base64") } : value,
  );
};

interface Trial {
  readonly failure: string | undefined;
  readonly accepted: boolean;
  readonly milliseconds: number;
}

const tryInput = async (target: Target, input: unknown): Promise<Trial> => {
  const start = performance.now();
  let failure: string | undefined;
  let accepted = false;
  try {
    await target.read(input);
    accepted = true;
  } catch (error) {
    const isExpected = isMeshError(error) && target.codes.includes(error.code);
    if (!isExpected) failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
    if (isMeshError(error)) failure &&= `code ${error.code}: ${failure}`;
  }
  const milliseconds = performance.now() - start;
  try {
    await target.unharmed?.();
  } catch (error) {
    failure ??= `What comes after it fails: ${error instanceof Error ? error.message : String(error)}`;
  }
  if (milliseconds > TIME_LIMIT) failure ??= `It took ${Math.round(milliseconds)} ms.`;
  return { failure, accepted, milliseconds };
};

/** Smaller inputs of the same kind. */
function* smaller(input: unknown): Generator {
  if (typeof input === "string" || Buffer.isBuffer(input)) {
    for (let size = Math.ceil(input.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let start = 0; start < input.length; start += size) {
        if (typeof input === "string") yield input.slice(0, start) + input.slice(start + size);
        else yield Buffer.concat([input.subarray(0, start), input.subarray(start + size)]);
      }
    }
  } else if (Array.isArray(input)) {
    for (const index of input.keys()) yield input.filter((_, other) => other !== index);
    for (const [index, item] of input.entries()) {
      for (const less of smaller(item)) yield input.map((other: unknown, place) => (place === index ? less : other));
    }
  } else if (typeof input === "object" && input !== null) {
    for (const name of Object.keys(input)) {
      yield Object.fromEntries(Object.entries(input).filter(([other]) => other !== name));
    }
    for (const [name, member] of Object.entries(input)) {
      for (const less of smaller(member)) yield { ...input, [name]: less };
    }
  }
}

const firstLine = (text: string | undefined): string => (text ?? "").split("\n")[0] ?? "";

/** The smallest input that was found to fail in the same way. */
const shrink = async (target: Target, input: unknown, failure: string): Promise<unknown> => {
  let best = input;
  let left = SHRINKS;
  for (let progress = true; progress && left > 0;) {
    progress = false;
    for (const candidate of smaller(best)) {
      if (--left <= 0) break;
      const trial = await tryInput(target, candidate).catch(() => undefined);
      if (trial?.failure === undefined || firstLine(trial.failure) !== firstLine(failure)) continue;
      best = candidate;
      progress = true;
      break;
    }
  }
  return best;
};

const heapUsed = (collect: () => void): number => {
  collect();
  collect();
  return process.memoryUsage().heapUsed + process.memoryUsage().external;
};

/** Gives a target its inputs. Throws an Error that says how to see the failure again. */
export const fuzz = async (target: Target, options: FuzzOptions): Promise<FuzzReport> => {
  const { seed, count, onInput, collect, only } = options;
  const batch = target.batch ?? Number.MAX_SAFE_INTEGER;
  const report = { accepted: 0, refused: 0, slowest: 0 };
  const first = only === undefined ? 0 : batch === Number.MAX_SAFE_INTEGER ? only : only - (only % batch);
  const end = only === undefined ? count : only + 1;
  let close: (() => Promise<void>) | undefined;
  let before: number | undefined;
  try {
    for (let index = first; index < end; index++) {
      if (index === first || index % batch === 0) {
        await close?.();
        close = await target.open?.();
      }
      onInput?.(index);
      const input = target.make(randomFor(`${seed} ${target.name} ${index}`));
      const { failure, accepted, milliseconds } = await tryInput(target, input);
      report[accepted ? "accepted" : "refused"]++;
      report.slowest = Math.max(report.slowest, milliseconds);
      if (failure !== undefined) {
        const least = await shrink(target, input, failure);
        throw new Error(
          `${target.name}, input ${index}: ${failure}\n` +
            `Least input found: ${describe(least)}\n` +
            `Again: MESHMAN_SEED=${seed} MESHMAN_FUZZ_TARGET=${target.name} MESHMAN_FUZZ_INPUT=${index} npm run fuzz`,
        );
      }
      // What is remembered has been filled by then.
      if (collect && only === undefined && index === Math.floor(end / 4)) before = heapUsed(collect);
    }
    const growth = collect && before !== undefined ? heapUsed(collect) - before : 0;
    if (growth > MEMORY_LIMIT) {
      throw new Error(`${target.name}: ${Math.round(growth / 2 ** 20)} MiB more are in use after ${count} inputs.`);
    }
    return report;
  } finally {
    await close?.();
  }
};

/** A text to read: a valid one that was changed, or one made of nothing. */
export const textOf = (random: Random, seeds: readonly string[], mutate: (text: string) => string): string =>
  random.chance(0.1) ? anyText(random) : random.chance(0.05) ? random.pick(seeds) : mutate(random.pick(seeds));

/** A target that reads texts, which are made out of the seeds. */
export const textTarget = (
  name: string,
  weight: number,
  codes: Target["codes"],
  seeds: readonly string[],
  read: (text: string) => unknown,
): Target<string> => ({
  name,
  weight,
  codes,
  make: (random) => textOf(random, seeds, (seed) => mutateText(random, seed, seeds)),
  read,
});

/** Throws unless what a target has read is right. */
export const ensure = (holds: boolean, what: string): void => {
  if (!holds) throw new Error(what);
};
