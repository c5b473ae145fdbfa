import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MeshError } from "../../src/errors.js";
import { verbatim } from "../../src/messages/message.js";
import type { Store } from "../../src/portal/store/store.js";
import { makeWorlds, SCENARIOS, type Scenario } from "../support/scenarios.js";
import { sampleOf, SEED, upTo } from "../support/sample.js";
import { seeded } from "../support/seeded.js";
import { machineView, openWorlds, type Worlds } from "../support/worlds.js";

let worlds: Worlds;

beforeAll(async () => {
  worlds = await openWorlds({ portal: "http" });
  await makeWorlds(worlds);
});

afterAll(() => worlds.close());

/** What goes wrong at the portal: at one request or transaction, or from that one on. */
const FAULTS = [
  "one answer is lost",
  "all answers are lost",
  "all requests are lost",
  "one write fails",
  "all writes fail",
  "all writes fail once they are done",
] as const;
type PortalFault = (typeof FAULTS)[number];

const full = (): MeshError => new MeshError("io-failed", verbatim("ENOSPC, injected"));

/** A store that fails at some of its write transactions: instead of them, or after them. */
const failingStore = (inner: Store, fails: () => "before" | "after" | undefined): Store => ({
  ...inner,
  transact: async (work) => {
    const fate = fails();
    if (fate === "before") throw full();
    const result = await inner.transact(work);
    if (fate === "after") throw full();
    return result;
  },
});

/** Lets things go wrong at the n-th moment, and counts the moments. */
const inject = (fault: PortalFault, n: number): { count: () => number } => {
  let count = 0;
  const due = (): boolean => {
    count++;
    return fault.startsWith("one") ? count === n : n > 0 && count >= n;
  };
  if (fault.endsWith("lost")) {
    worlds.wiretap = () => (due() ? (fault === "all requests are lost" ? "lose" : "drop") : "answer");
  } else {
    worlds.wrapStore = (store) =>
      failingStore(store, () => (due() ? (fault.endsWith("done") ? "after" : "before") : undefined));
  }
  return { count: () => count };
};

const EXPECTED = ["portal-unreachable", "portal-busy", "portal-failed", "portal-not-found"];

const trial = async (scenario: Scenario, fault: PortalFault, n: number): Promise<unknown> => {
  await worlds.restore(scenario.from);
  inject(fault, n);
  const line = scenario.line(worlds);
  const outcome = await worlds.run(scenario.machine, line);
  if (outcome.code !== undefined) expect(EXPECTED).toContain(outcome.code);
  await worlds.mend();
  await machineView(worlds, scenario.machine);
  await scenario.check?.(worlds);
  const isDone = scenario.once === true && outcome.status === 0;
  const again = isDone ? outcome : await worlds.run(scenario.machine, line);
  if (again.code !== undefined) expect(scenario.done ?? []).toContain(again.code);
  return scenario.view(worlds, again);
};

describe.each(SCENARIOS.map((scenario) => [scenario.name, scenario] as const))("%s", (_, scenario) => {
  test("is finished by running it again, whatever failed at the portal", { timeout: 3_600_000 }, async () => {
    const random = seeded(SEED);
    await worlds.restore(scenario.from);
    const requests = inject("one answer is lost", 0);
    const whole = await worlds.run(scenario.machine, scenario.line(worlds));
    await worlds.mend();
    const expected = await scenario.view(worlds, whole);
    await worlds.restore(scenario.from);
    const writes = inject("one write fails", 0);
    await worlds.run(scenario.machine, scenario.line(worlds));
    const trials = FAULTS.flatMap((fault) =>
      upTo((fault.endsWith("lost") ? requests : writes).count()).map((n) => ({ fault, n })),
    );
    const problems: string[] = [];
    for (const { fault, n } of sampleOf(trials, random, 2, scenario.slow)) {
      try {
        expect(await trial(scenario, fault, n)).toEqual(expected);
      } catch (error) {
        problems.push(`${fault} (${n}): ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    expect(problems, `MESHMAN_SEED=${SEED}`).toEqual([]);
  });
});
