import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { fuzz } from "./engine.js";
import { allTargets, shareOf } from "./targets.js";

// npm run fuzz: gives a million inputs (MESHMAN_FUZZ) to everything that reads what others wrote. MESHMAN_SEED makes other
// inputs, MESHMAN_FUZZ_TARGET tries one target alone, and MESHMAN_FUZZ_INPUT one input of it.

const { env } = process;
const TOTAL = Number(env["MESHMAN_FUZZ"] ?? 1_000_000);
/** How long one input may keep the program from going on before it is said to hang, in milliseconds. */
const HANG = 60_000;

/** Where the fuzzing is, for the thread that watches it. */
interface Place {
  target: string;
  index: Int32Array;
}

const collectGarbage = (globalThis as { gc?: () => void }).gc;

const work = async (seed: string, index: Int32Array): Promise<void> => {
  const all = await allTargets();
  const name = env["MESHMAN_FUZZ_TARGET"];
  const only = env["MESHMAN_FUZZ_INPUT"];
  const targets = all.filter((target) => name === undefined || target.name === name);
  if (targets.length === 0) throw new Error(`The targets are: ${all.map((target) => target.name).join(", ")}`);
  for (const target of targets) {
    parentPort?.postMessage({ target: target.name });
    const count = name === undefined ? shareOf(target, all, TOTAL) : TOTAL;
    const began = performance.now();
    const { accepted, refused, slowest } = await fuzz(target, {
      seed,
      count,
      onInput: (at) => void Atomics.store(index, 0, at + 1),
      collect: collectGarbage,
      ...(only === undefined ? {} : { only: Number(only) }),
    });
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    const tried = String(accepted + refused).padStart(8);
    console.log(
      `${target.name.padEnd(18)}${tried} inputs, ${String(accepted).padStart(7)} accepted, ` +
        `slowest ${slowest.toFixed(0).padStart(5)} ms, ${seconds} s`,
    );
  }
};

const watch = (): void => {
  const seed = env["MESHMAN_SEED"] ?? String(Date.now() % 1_000_000_000);
  const place: Place = { target: "", index: new Int32Array(new SharedArrayBuffer(4)) };
  console.log(`MESHMAN_SEED=${seed}`);
  const worker = new Worker(new URL(import.meta.url), { workerData: { seed, index: place.index } });
  let seen = -1;
  let since = performance.now();
  const timer = setInterval(() => {
    const index = Atomics.load(place.index, 0);
    if (index !== seen) [seen, since] = [index, performance.now()];
    if (performance.now() - since < HANG) return;
    console.error(`${place.target}, input ${index - 1}: it hangs.`);
    console.error(
      `Again: MESHMAN_SEED=${seed} MESHMAN_FUZZ_TARGET=${place.target} MESHMAN_FUZZ_INPUT=${index - 1} npm run fuzz`,
    );
    process.exit(1);
  }, 1000);
  worker.on("message", ({ target }: { target: string }) => {
    place.target = target;
  });
  worker.on("error", (error) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
  worker.on("exit", () => clearInterval(timer));
};

if (isMainThread) watch();
else {
  const { seed, index } = workerData as { seed: string; index: Int32Array };
  await work(seed, index);
}
