import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "vitest";
import { after, printedBy, seeded, test, type Printed, type Running, type Stage } from "../support/program.js";

const ACCOUNT = "alice@example.com";
/** How often each command is killed. A soak test sets more. */
const FACTOR = Number(process.env["MESHMAN_KILLS"] ?? "1");

/** One attempt: a copy of the world with the machines and the portal in it. */
interface Trial {
  readonly stage: Stage;
  /** What the machines' folders are called, in front of their names. */
  readonly world: string;
  readonly at: string;
  /** Runs a command on a machine of this world. */
  meshman(machine: string, words: string): Promise<Printed>;
  /** The same where it may fail: its exit status, and the error's code. */
  attempt(machine: string, words: string): Promise<{ status: number | null; printed: Printed; code: string }>;
  path(name: string): string;
}

interface Scenario {
  readonly name: string;
  readonly kills: number;
  /** The world to begin with, by the name of a snapshot. */
  readonly from: string;
  readonly machine: string;
  command(trial: Trial): string;
  /** Runs the command again and sees that everything is as it should be. */
  check(trial: Trial, again: () => ReturnType<Trial["attempt"]>): Promise<void>;
}

const trialIn = (stage: Stage, world: string): Trial => {
  const place = (name: string): string => path.join(world, name);
  return {
    stage,
    world,
    at: `--portal file:${stage.path(world, "portal", "portal.sqlite")}`,
    meshman: (machine, words) => stage.meshman(place(machine), words),
    attempt: async (machine, words) => {
      const finished = await stage.run(place(machine), `${words} --json`);
      const printed = printedBy(finished);
      return { status: finished.status, printed, code: printed.error?.code ?? "" };
    },
    path: (name) => stage.path(world, name),
  };
};

const shareFiles = (trial: Trial, folder: string): string =>
  [1, 3].map((n) => `--share-file ${trial.path(`${folder}/share-${n}-of-3.txt`)}`).join(" ");

const hasMaster = async (trial: Trial): Promise<boolean> =>
  (await trial.meshman("laptop", "keystore status")).keys.some(({ use }) => use === "master-signature");

const connectWords = (trial: Trial): string =>
  `device connect ${ACCOUNT} ${trial.at} --trust-on-first-use --device-name phone --no-passphrase`;

const codeOf = async (trial: Trial): Promise<string> => {
  const { pending } = await trial.meshman("laptop", `device pending ${trial.at}`);
  expect(pending).toHaveLength(1);
  return pending[0]?.code ?? "";
};

/**
 * What must hold wherever keys are kept: nothing half done, nobody's keys left over, every key of every profile there.
 * Master keys of a profile that never came to be may stay, since none is thrown away on a guess.
 */
const expectSane = async (trial: Trial, machine: string, keys: number): Promise<void> => {
  const { profile } = await trial.meshman(machine, "profile show");
  const keystore = await trial.meshman(machine, "keystore status");
  const kept = keystore.keys.filter((key) => key.profile === profile.udf || !key.use.startsWith("master-"));
  expect(kept.map((key) => key.profile)).toEqual(Array.from({ length: keys }, () => profile.udf));
  expect((await trial.meshman(machine, "status")).pendingWork).toEqual([]);
};

const SCENARIOS: readonly Scenario[] = [
  {
    name: "profile create",
    kills: 3,
    from: "nothing",
    machine: "laptop",
    command: () => "profile create --device-name laptop --no-passphrase",
    check: async (trial, again) => {
      const { status, code } = await again();
      if (status !== 0) expect(code).toBe("profile-exists");
      await expectSane(trial, "laptop", 6);
      await trial.meshman("laptop", `account create ${ACCOUNT} ${trial.at}`);
    },
  },
  {
    name: "account create",
    kills: 2,
    from: "profile",
    machine: "laptop",
    command: ({ at }) => `account create ${ACCOUNT} ${at}`,
    check: async (trial, again) => {
      expect(await again()).toMatchObject({ status: 0 });
      await expectSane(trial, "laptop", 6);
      expect(await trial.meshman("laptop", "account status")).toMatchObject({ account: ACCOUNT, status: "open" });
      expect(await trial.meshman("laptop", "profile verify")).toMatchObject({ ok: true });
    },
  },
  {
    name: "device connect",
    kills: 2,
    from: "account",
    machine: "phone",
    command: connectWords,
    check: async (trial, again) => {
      const { status, printed } = await again();
      expect(status).toBe(0);
      expect(await codeOf(trial)).toBe(printed.code);
      await trial.meshman("laptop", `device complete ${printed.code} ${trial.at}`);
      expect(await trial.meshman("phone", "device status")).toMatchObject({ status: "accepted" });
      await expectSane(trial, "phone", 4);
    },
  },
  {
    name: "device complete",
    kills: 2,
    from: "request",
    machine: "laptop",
    command: (trial) =>
      `device complete ${fs.readFileSync(trial.path("code"), "utf8")} --admin --name phone ${trial.at}`,
    check: async (trial, again) => {
      expect(await again()).toMatchObject({ status: 0, printed: { result: "Accepted", device: { admin: true } } });
      expect(await trial.meshman("phone", `device status ${trial.at}`)).toMatchObject({ status: "accepted" });
      const { devices } = await trial.meshman("laptop", `device list ${trial.at}`);
      expect(devices.map(({ name }) => name).sort()).toEqual(["laptop", "phone"]);
      expect((await trial.meshman("laptop", `device pending ${trial.at}`)).pending).toEqual([]);
      await expectSane(trial, "laptop", 6);
    },
  },
  {
    name: "escrow split",
    kills: 2,
    from: "account",
    machine: "laptop",
    command: (trial) => `escrow split --shares 3 --threshold 2 --out ${trial.path("one")} --erase-master ${trial.at}`,
    check: async (trial, again) => {
      // At every moment the master key is here, or its shares are.
      const verify = (folder: string) =>
        trial.attempt("laptop", `escrow verify ${shareFiles(trial, folder)} ${trial.at}`);
      if (!(await hasMaster(trial))) expect(await verify("one")).toMatchObject({ status: 0 });
      const { status, code } = await again();
      let folder = "one";
      if (status !== 0 && (await hasMaster(trial))) {
        // Files of the run that was killed are never written over.
        expect(code).toBe("file-exists");
        folder = "two";
        const words = `escrow split --shares 3 --threshold 2 --out ${trial.path(folder)} --erase-master ${trial.at}`;
        await trial.meshman("laptop", words);
      } else if (status !== 0) expect(["file-exists", "master-key-needed"]).toContain(code);
      expect(await verify(folder)).toMatchObject({ status: 0 });
      expect(await hasMaster(trial)).toBe(false);
      await expectSane(trial, "laptop", 4);
    },
  },
  {
    name: "escrow recover",
    kills: 2,
    from: "shares",
    machine: "desktop",
    command: (trial) =>
      `escrow recover --account ${ACCOUNT} ${trial.at} ${shareFiles(trial, "recovery")} --device-name desktop --no-passphrase`,
    check: async (trial, again) => {
      expect(await again()).toMatchObject({ status: 0, printed: { device: { name: "desktop" } } });
      expect(await trial.meshman("desktop", "status")).toMatchObject({ connected: true, admin: true });
      expect(await trial.meshman("desktop", `profile verify`)).toMatchObject({ ok: true });
      await expectSane(trial, "desktop", 6);
      await trial.meshman("desktop", "device remove laptop");
      expect((await trial.attempt("laptop", `device pending ${trial.at}`)).code).toBe("not-connected");
    },
  },
  {
    name: "keystore passwd to a passphrase",
    kills: 1,
    from: "account",
    machine: "laptop",
    command: ({ stage }) => `keystore passwd --new-passphrase-file ${stage.path("secrets", "one")}`,
    check: async (trial) => {
      const [one, two] = ["one", "two"].map((name) => trial.stage.path("secrets", name));
      // Whether the first has come into force or not, it opens the keystore, and the second follows it.
      await trial.meshman("laptop", `keystore passwd --passphrase-file ${one} --new-passphrase-file ${two}`);
      expect(fs.existsSync(trial.path("laptop/keystore.key"))).toBe(false);
      await trial.meshman("laptop", `device pending --passphrase-file ${two} ${trial.at}`);
      await expectSane(trial, "laptop", 6);
    },
  },
  {
    name: "keystore passwd --no-passphrase",
    kills: 1,
    from: "passphrase",
    machine: "laptop",
    command: ({ stage }) => `keystore passwd --no-passphrase --passphrase-file ${stage.path("secrets", "one")}`,
    check: async (trial, again) => {
      expect(await again()).toMatchObject({ status: 0 });
      expect(fs.readFileSync(trial.path("laptop/keystore.key"), "utf8").trim().split("\n")).toHaveLength(1);
      await trial.meshman("laptop", `device pending ${trial.at}`);
      await expectSane(trial, "laptop", 6);
    },
  },
];

/** Makes the worlds that the scenarios begin with, each from the one before. */
const prepare = async (stage: Stage): Promise<void> => {
  const trial = trialIn(stage, "live");
  fs.mkdirSync(stage.path("live"), { mode: 0o700 });
  const keep = (name: string): void => fs.cpSync(stage.path("live"), stage.path("worlds", name), { recursive: true });
  keep("nothing");
  await trial.meshman("laptop", "profile create --device-name laptop --no-passphrase");
  keep("profile");
  await trial.meshman("laptop", `account create ${ACCOUNT} ${trial.at}`);
  keep("account");
  const { code } = await trial.meshman("phone", connectWords(trial));
  fs.writeFileSync(trial.path("code"), code);
  keep("request");
  await trial.meshman("laptop", `escrow split --shares 3 --threshold 2 --out ${trial.path("recovery")} --erase-master`);
  keep("shares");
  const one = stage.writeSecret("one", "first passphrase of the test\n");
  stage.writeSecret("two", "second passphrase of the test\n");
  fs.cpSync(stage.path("worlds", "account"), stage.path("worlds", "passphrase"), { recursive: true });
  await trialIn(stage, "worlds/passphrase").meshman("laptop", `keystore passwd --new-passphrase-file ${one}`);
};

const isAlive = ({ child }: Running): boolean => child.exitCode === null && child.signalCode === null;

/** Kills a command: at some share of its usual time, its start-up left out, or some time after it begins to write. */
const killAt = async (
  running: Running,
  home: string,
  usual: number,
  moment: number,
  writing: boolean,
): Promise<void> => {
  const isWriting = (): boolean => fs.existsSync(path.join(home, ".lock"));
  while (writing && isAlive(running) && !isWriting()) await after(1);
  await after(usual * (writing ? 0.6 * moment : 0.35 + 0.7 * moment));
  await running.stop("SIGKILL");
};

test(
  "a command that is killed at any moment is finished by running it again",
  { timeout: 600_000 },
  async ({ stage }) => {
    await prepare(stage);
    const random = seeded(20);
    const copyOf = (scenario: Scenario, name: string): Trial => {
      const trial = trialIn(stage, `${scenario.name.replaceAll(" ", "-")}-${name}`);
      fs.cpSync(stage.path("worlds", scenario.from), stage.path(trial.world), { recursive: true });
      return trial;
    };
    const playOnce = async (scenario: Scenario, n: number, moment: number, usual: number): Promise<void> => {
      const trial = copyOf(scenario, String(n));
      const words = scenario.command(trial);
      const machine = path.join(trial.world, scenario.machine);
      const running = stage.launch(machine, words);
      await killAt(running, stage.home(machine), usual, moment, n % 2 === 0);
      try {
        await scenario.check(trial, () => trial.attempt(scenario.machine, words));
      } catch (cause) {
        throw new Error(`${scenario.name}, killed at ${moment} (${n % 2 === 0 ? "writing" : "any time"})`, { cause });
      }
    };
    const attempts: (() => Promise<void>)[] = [];
    for (const scenario of SCENARIOS) {
      const whole = copyOf(scenario, "whole");
      const began = Date.now();
      await whole.meshman(scenario.machine, scenario.command(whole));
      const usual = Date.now() - began;
      for (let n = 0; n < scenario.kills * FACTOR; n++) {
        const moment = random();
        attempts.push(() => playOnce(scenario, n, moment, usual));
      }
    }
    // Whoever was killed under the lock leaves it behind for ten seconds, so many wait side by side.
    const next = async (): Promise<void> => {
      for (let attempt = attempts.shift(); attempt; attempt = attempts.shift()) await attempt();
    };
    await Promise.all(Array.from({ length: 8 }, next));
  },
);
