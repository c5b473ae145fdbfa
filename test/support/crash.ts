import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { makeWorlds, SCENARIOS, type Scenario } from "./scenarios.js";
import { machineView, openWorlds, type Worlds } from "./worlds.js";

/** The launcher of the program that `npm test` has built. */
const LAUNCHER = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../bin/meshman.js");

export interface CrashOptions {
  /** How many processes are to be killed. */
  readonly crashes: number;
  readonly random: () => number;
  /** How many worlds there are side by side. */
  readonly slots: number;
}

/** How often each command was killed, and what did not hold afterwards. */
export interface CrashReport {
  readonly killed: Readonly<Record<string, number>>;
  readonly problems: readonly string[];
}

const after = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });

/** When a process dies: so long after its start, or after it was first seen to hold the lock, in milliseconds. */
interface Moment {
  readonly from: "start" | "lock";
  readonly after: number;
}

/** Runs a command as a process of its own, and kills it. Gives its exit status where it was faster. */
const kill = async (
  worlds: Worlds,
  { machine }: Scenario,
  line: string,
  moment: Moment,
): Promise<"killed" | number | null> => {
  const child = spawn(process.execPath, [LAUNCHER, ...line.split(" "), "--json"], {
    cwd: worlds.path(),
    env: { PATH: process.env["PATH"] ?? "", MESHMAN_HOME: worlds.home(machine) },
    stdio: "ignore",
  });
  const ended = new Promise<"killed" | number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve(signal === "SIGKILL" ? "killed" : code));
  });
  const isAlive = (): boolean => child.exitCode === null && child.signalCode === null;
  const lock = path.join(worlds.home(machine), ".lock");
  while (moment.from === "lock" && isAlive() && !fs.existsSync(lock)) await after(1);
  await Promise.race([ended, after(moment.after)]);
  child.kill("SIGKILL");
  return ended;
};

/** A lock that a killed process has left is taken over after ten seconds, which nobody waits for here. */
const ageLock = (worlds: Worlds, machine: string): void => {
  const lock = path.join(worlds.home(machine), ".lock");
  const before = Date.now() / 1000 - 3600;
  if (fs.existsSync(lock)) fs.utimesSync(lock, before, before);
};

/** How long a command takes as a process of its own, and what is so in the end. */
interface Usual {
  readonly milliseconds: number;
  readonly view: unknown;
}

const measure = async (worlds: Worlds, scenario: Scenario): Promise<Usual> => {
  await worlds.restore(scenario.from);
  const began = performance.now();
  expect(await kill(worlds, scenario, scenario.line(worlds), { from: "start", after: 60_000 })).toBe(0);
  const milliseconds = performance.now() - began;
  await worlds.restore(scenario.from);
  const whole = await worlds.ok(scenario.machine, scenario.line(worlds));
  return { milliseconds, view: await scenario.view(worlds, whole) };
};

/** Kills a command once, and runs it again. Gives false where it could not be killed in time. */
const crash = async (worlds: Worlds, scenario: Scenario, moment: Moment, expected: unknown): Promise<boolean> => {
  await worlds.restore(scenario.from);
  const line = scenario.line(worlds);
  if ((await kill(worlds, scenario, line, moment)) !== "killed") return false;
  ageLock(worlds, scenario.machine);
  await machineView(worlds, scenario.machine);
  await scenario.check?.(worlds);
  const again = await worlds.run(scenario.machine, line);
  if (again.code !== undefined) expect(scenario.done ?? []).toContain(again.code);
  expect(await scenario.view(worlds, again)).toEqual(expected);
  return true;
};

/** Kills commands at random moments until enough have died, and sees to it that every one is finished by running it again. */
export const runCrashes = async ({ crashes, random, slots }: CrashOptions): Promise<CrashReport> => {
  const counts: Record<string, number> = {};
  const problems: string[] = [];
  let left = crashes;
  const usual = new Map<string, Usual>();
  const play = async (worlds: Worlds): Promise<void> => {
    await makeWorlds(worlds);
    while (left > 0) {
      left--;
      const scenario = SCENARIOS[Math.floor(random() * SCENARIOS.length)];
      if (!scenario) continue;
      const known = usual.get(scenario.name) ?? (await measure(worlds, scenario));
      usual.set(scenario.name, known);
      const from = random() < 0.5 ? "start" : "lock";
      const moment = { from, after: random() * known.milliseconds * (from === "lock" ? 0.6 : 1) } as const;
      const what = `${scenario.name}, killed ${Math.round(moment.after)} ms after its ${from}`;
      try {
        if (await crash(worlds, scenario, moment, known.view)) counts[scenario.name] = (counts[scenario.name] ?? 0) + 1;
        else left++;
      } catch (error) {
        problems.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  };
  const all = await Promise.all(Array.from({ length: slots }, () => openWorlds({ portal: "file" })));
  try {
    await Promise.all(all.map(play));
  } finally {
    for (const worlds of all) await worlds.close();
  }
  return { killed: counts, problems };
};
