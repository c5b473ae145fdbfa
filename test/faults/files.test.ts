import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { testDeps } from "../support/deps.js";
import { faultyFiles, type Fault } from "../support/faults.js";
import { poweredFiles } from "../support/power.js";
import { sampleOf, SEED, upTo } from "../support/sample.js";
import { makeWorlds, SCENARIOS, type Scenario } from "../support/scenarios.js";
import { seeded } from "../support/seeded.js";
import { machineView, openWorlds, type Worlds } from "../support/worlds.js";

const FAULTS = ["EIO", "ENOSPC", "EROFS", "short", "crash", "power cut"] as const;
/** What a command may say when its files fail. */
const CODES = ["io-failed", "read-only", "busy"];

const files = testDeps().fs;
let worlds: Worlds;

beforeAll(async () => {
  worlds = await openWorlds({ portal: "file" });
  await makeWorlds(worlds);
});

afterAll(() => worlds.close());

/** What goes wrong, at which operation of the file system, and what is left on the disk after it. */
const inject = (fault: Fault | "power cut", n: number, random: () => number) => {
  if (fault !== "power cut") return { ...faultyFiles(files, n, fault), cut: () => undefined };
  const powered = poweredFiles(files, worlds.path(), worlds.path("portal"), n);
  return { ...powered, cut: () => powered.cut(random) };
};

/** Runs the command with a fault at its n-th step, then again, and gives what is so in the end. */
const trial = async (scenario: Scenario, fault: Fault | "power cut", n: number, random: () => number) => {
  await worlds.restore(scenario.from);
  const line = scenario.line(worlds);
  const faulty = inject(fault, n, random);
  const outcome = await worlds.run(scenario.machine, line, { fs: faulty.fs });
  faulty.cut();
  if (outcome.code !== undefined) expect(CODES).toContain(outcome.code);
  await machineView(worlds, scenario.machine);
  await scenario.check?.(worlds);
  const isDone = scenario.once === true && outcome.status === 0;
  const again = isDone ? outcome : await worlds.run(scenario.machine, line);
  if (again.code !== undefined) expect(scenario.done ?? []).toContain(again.code);
  return scenario.view(worlds, again);
};

describe.each(SCENARIOS.map((scenario) => [scenario.name, scenario] as const))("%s", (_, scenario) => {
  test("is finished by running it again after any fault of the files", { timeout: 3_600_000 }, async () => {
    const random = seeded(SEED);
    await worlds.restore(scenario.from);
    const counting = faultyFiles(files, 0, "EIO");
    const whole = await worlds.run(scenario.machine, scenario.line(worlds), { fs: counting.fs });
    const operations = [...counting.operations()];
    const expected = await scenario.view(worlds, whole);
    const trials = FAULTS.flatMap((fault) =>
      upTo(operations.length)
        .filter((n) => fault !== "short" || operations[n - 1] === "write")
        .map((n) => ({ fault, n })),
    );
    const problems: string[] = [];
    for (const { fault, n } of sampleOf(trials, random, 2, scenario.slow)) {
      try {
        expect(await trial(scenario, fault, n, random)).toEqual(expected);
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        problems.push(`${fault} at step ${n}, ${operations[n - 1] ?? ""}: ${message}`);
      }
    }
    expect(problems, `MESHMAN_SEED=${SEED}`).toEqual([]);
  });
});
