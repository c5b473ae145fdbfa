import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { baselines, type Baselines } from "./baselines.js";
import { commands } from "./commands.js";
import { loader, type Loader, type Outcome } from "./load.js";
import { maker, type Maker } from "./people.js";
import { startRole, serveRole, type Methods, type Role } from "./roles.js";
import { seeder, type Seeder } from "./seed.js";
import { serve, stopAll, type Serving } from "./server.js";
import { checker, type Checker } from "./signatures.js";
import { megabytes, milliseconds, rate, ratio, share, table, type Row } from "./table.js";

// The portal under load: `npm run bench`. What serves is the built program, in a process of its own; what loads it is another.
// Everything runs in one go on one machine, so that the ratios mean something; nothing fails for being slow.

const CORES = os.availableParallelism();
const PEOPLE = Number(process.env["BENCH_PEOPLE"] ?? 1000);
const CONNECTIONS = 64;
/** Beside the portal and what loads it nothing should run, so each figure takes its seconds. */
const SECONDS = { check: 2, round: 1.5, publish: 6, latency: 6, warmUp: 1 };
const ROUNDS = 3;
/** Every person's second profile is taken when nothing is remembered yet; the others are for what comes after that. */
const SUCCESSORS = 26;

const AIMS = { echo: 0.5, publish: 1500, check: 0.5, growth: 1.3, memory: 400e6 };

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "meshman-bench-"));
const at = (name: string): string => path.join(folder, name);
const roles: Role<Methods>[] = [];
const role = <Has extends Methods>(name: string): Role<Has> => {
  const started = startRole<Has>(name);
  roles.push(started as unknown as Role<Methods>);
  return started;
};

const print = (text: string): void => void process.stdout.write(text);
const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** Makes people on all cores; gives the files that they are in. */
const makePeople = async (): Promise<readonly string[]> => {
  const began = performance.now();
  const files = await Promise.all(
    Array.from({ length: CORES }, async (_, core) => {
      const file = at(`people-${core}`);
      const [from, to] = [core, core + 1].map((part) => Math.floor((part * PEOPLE) / CORES)) as [number, number];
      const worker = role<Maker>("maker");
      await worker.call("make", { file, from, to, successors: SUCCESSORS });
      worker.stop();
      return file;
    }),
  );
  const took = (performance.now() - began) / 1000;
  print(`${PEOPLE} people with three devices and ${SUCCESSORS} successors each, made in ${took.toFixed(0)} s\n\n`);
  return files;
};

/** How many personal profiles a second can be verified, by cores and by what is checked. */
interface Checks {
  readonly one: { readonly all: number; readonly fresh: number };
  readonly every: { readonly all: number; readonly fresh: number };
}

const measureChecks = async (files: readonly string[]): Promise<Checks> => {
  const workers = Array.from({ length: CORES }, () => role<Checker>("checker"));
  await Promise.all(workers.map((worker) => worker.call("prepare", { files })));
  const measure = async (count: number, all: boolean): Promise<number> =>
    sum(
      await Promise.all(workers.slice(0, count).map((worker) => worker.call("check", { all, seconds: SECONDS.check }))),
    );
  const checks = {
    one: { all: await measure(1, true), fresh: await measure(1, false) },
    every: { all: await measure(CORES, true), fresh: await measure(CORES, false) },
  };
  for (const worker of workers) worker.stop();
  print(
    table([
      ["Signatures alone: personal profiles with three devices", "1 core", `${CORES} cores`],
      ["  every signature checked (5), a second", rate(checks.one.all), rate(checks.every.all)],
      ["  a successor's own signature checked (1), a second", rate(checks.one.fresh), rate(checks.every.fresh)],
    ]),
  );
  return checks;
};

interface World {
  readonly files: readonly string[];
  readonly loader: Role<Loader>;
  readonly baselines: Role<Baselines>;
  readonly checks: Checks;
}

/** Our portal and a bare server by turns. */
const compare = async (
  { loader: load, baselines: bare }: World,
  serving: Serving,
  list: string,
  verifier: string | undefined,
): Promise<{ readonly ours: Outcome; readonly echo: Outcome; readonly ratio: number }> => {
  const common = { list, connections: CONNECTIONS, warmUp: 0.3, seconds: SECONDS.round };
  const first = await load.call("run", { ...common, ports: serving.ports, servers: serving.pids(), seconds: 0.5 });
  const echoPort = await bare.call("echo", { answerSize: first.answerSize });
  const ours: Outcome[] = [];
  const echo: Outcome[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(await load.call("run", { ...common, ports: serving.ports, servers: serving.pids(), verifier }));
    echo.push(await load.call("run", { ...common, ports: [echoPort], servers: [bare.pid] }));
  }
  const middle = (outcomes: readonly Outcome[]): Outcome => {
    const wanted = median(outcomes.map(({ perSecond }) => perSecond));
    return outcomes.find(({ perSecond }) => perSecond === wanted) ?? first;
  };
  const ratios = ours.map(({ perSecond }, round) => perSecond / (echo[round]?.perSecond ?? NaN));
  return { ours: middle(ours), echo: middle(echo), ratio: median(ratios) };
};

/** What is measured over one store. */
interface Figures {
  readonly hello: number;
  readonly plain: number;
  readonly proven: number;
  readonly publish: number;
  readonly p50: number;
  readonly p99: number;
  readonly memory: number;
}

interface Phase {
  readonly title: string;
  readonly store: string;
  readonly keyFile: string;
  readonly checkpoints: readonly string[];
  readonly verifier: string | undefined;
  readonly processes?: number;
  readonly reads: boolean;
}

const measureStore = async (world: World, phase: Phase): Promise<Figures> => {
  const { files, loader: load, checks } = world;
  const { checkpoints, verifier } = phase;
  const proofs = { files, checkpoints };
  const journal = at("journal");
  let serving = await serve({ ...phase, journal });
  let memory = 0;
  const remember = (): string => {
    memory = Math.max(memory, serving.memory());
    return megabytes(serving.memory());
  };
  print(`\n${phase.title}; ${remember()} at the start\n`);
  const reads = { hello: NaN, plain: NaN, proven: NaN };
  if (phase.reads) {
    await load.call("prepare", { name: "hello", kind: "hello" });
    await load.call("prepare", { name: "plain", kind: "get", files, checkpoints: undefined });
    await load.call("prepare", { name: "proven", kind: "get", ...proofs });
    const rows: Row[] = [
      ["", "a second", "echo", "ratio", "aim", "octets in", "out", "server", "load", "memory", "checked"],
    ];
    for (const [list, name] of [
      ["hello", "Hello"],
      ["plain", "Get, by account"],
      ["proven", "Get, with proofs"],
    ] as const) {
      const { ours, echo, ratio: to } = await compare(world, serving, list, list === "proven" ? verifier : undefined);
      reads[list] = ours.perSecond;
      rows.push([
        `  ${name}`,
        rate(ours.perSecond),
        rate(echo.perSecond),
        ratio(to),
        `>= ${ratio(AIMS.echo)}`,
        String(ours.requestSize),
        String(ours.answerSize),
        share(ours.server),
        share(ours.load),
        remember(),
        String(ours.checked),
      ]);
    }
    print(table(rows));
    await serving.stop();
    serving = await serve({ ...phase, journal });
  }

  await load.call("prepare", { name: "publish", kind: "publish", ...proofs });
  const common = { list: "publish", ports: serving.ports, connections: CONNECTIONS, servers: serving.pids(), verifier };
  const first = await load.call("run", { ...common, warmUp: 0, seconds: 60, most: PEOPLE });
  const firstMemory = remember();
  const best = await load.call("run", { ...common, warmUp: SECONDS.warmUp, seconds: SECONDS.publish });
  const bestMemory = remember();
  const half = best.perSecond / 2;
  const open = await load.call("run", { ...common, warmUp: SECONDS.warmUp, seconds: SECONDS.latency, rate: half });
  const openMemory = remember();
  await serving.stop();
  const publish = (name: string, outcome: Outcome, aim: string, memoryText: string): Row => [
    `  ${name}`,
    rate(outcome.perSecond),
    aim,
    milliseconds(outcome.p50),
    milliseconds(outcome.p99),
    milliseconds(outcome.most),
    share(outcome.server),
    share(outcome.load),
    memoryText,
    String(outcome.checked),
  ];
  print(
    table([
      ["", "a second", "aim", "p50", "p99", "most", "server", "load", "memory", "checked"],
      publish("Publish, profiles not seen since the start", first, "", firstMemory),
      publish("Publish, 64 connections", best, `>= ${AIMS.publish}`, bestMemory),
      publish("Publish, at half of that by the clock", open, "", openMemory),
    ]),
  );
  const toChecks = (name: string, value: number): Row => [`  ${name}`, ratio(best.perSecond / value)];
  print(
    table([
      [`  Publish to signatures alone (aim >= ${ratio(AIMS.check)})`, ""],
      toChecks(`  every signature, ${CORES} cores`, checks.every.all),
      toChecks("  every signature, 1 core", checks.one.all),
      toChecks(`  the new signature, ${CORES} cores`, checks.every.fresh),
      toChecks("  the new signature, 1 core", checks.one.fresh),
    ]),
  );
  return { ...reads, publish: best.perSecond, p50: open.p50, p99: open.p99, memory };
};

/** What the disk does by itself, and with one commit for every request. */
const measureDisk = async ({ files, loader: load, baselines: bare }: World): Promise<void> => {
  const appends = await bare.call("appends", { file: at("appends"), seconds: SECONDS.check });
  await load.call("prepare", { name: "commits", kind: "publish", files, checkpoints: undefined });
  const port = await bare.call("commits", { answerSize: 2500, file: at("commits.sqlite") });
  const common = { list: "commits", ports: [port], connections: CONNECTIONS, warmUp: 0.5, servers: [bare.pid] };
  const commits = await load.call("run", { ...common, seconds: SECONDS.check });
  print(
    table([
      ["The disk", "a second"],
      ["  8 KiB appended and synced", rate(appends)],
      ["  one SQLite commit for every request, over HTTP", rate(commits.perSecond)],
    ]),
  );
};

const main = async (): Promise<void> => {
  const large = process.argv.includes("--large");
  print(`Node ${process.version}, ${process.platform} ${process.arch}, ${CORES} cores\n`);
  const files = await makePeople();
  const checks = await measureChecks(files);
  const world: World = { files, checks, loader: role<Loader>("loader"), baselines: role<Baselines>("baselines") };
  await measureDisk(world);

  const measured: { readonly records: number; readonly figures: Figures }[] = [];
  for (const records of large ? [PEOPLE, 1_000_000] : [PEOPLE]) {
    const file = at(`portal-${records}.sqlite`);
    const keyFile = `${file}.key`;
    const seeding = role<Seeder>("seeder");
    const seeded = await seeding.call("sqlite", { file, keyFile, files, records });
    seeding.stop();
    const title = `SQLite, ${records} records in the log, put there in ${seeded.seconds.toFixed(1)} s`;
    const figures = await measureStore(world, { title, store: `sqlite:${file}`, keyFile, reads: true, ...seeded });
    measured.push({ records, figures });
    if (records === PEOPLE) {
      const serving = await serve({ store: `sqlite:${file}`, keyFile, journal: at("journal") });
      print(`\n${commands(folder, serving.ports[0] ?? 0)}`);
      await serving.stop();
    }
    for (const name of fs.readdirSync(folder)) if (name.startsWith(`portal-${records}.`)) fs.rmSync(at(name));
  }
  const [small, big] = measured;
  if (small && big) {
    const growth = (name: string, ours: number): Row => [`  ${name}`, ratio(ours), `<= ${ratio(AIMS.growth)}`];
    print(
      `\n${table([
        [`How much slower with ${big.records} records than with ${small.records}`, "times", "aim"],
        growth("Hello", small.figures.hello / big.figures.hello),
        growth("Get, by account", small.figures.plain / big.figures.plain),
        growth("Get, with proofs", small.figures.proven / big.figures.proven),
        growth("Publish", small.figures.publish / big.figures.publish),
        growth("p50 at half", big.figures.p50 / small.figures.p50),
        growth("p99 at half", big.figures.p99 / small.figures.p99),
        ["  most memory", megabytes(big.figures.memory), `< ${megabytes(AIMS.memory)}`],
      ])}`,
    );
  }
};

const ROLES: Readonly<Record<string, Methods>> = { baselines, checker, loader, maker, seeder };
const methods = ROLES[process.argv[2] ?? ""];
if (methods) serveRole(methods);
else {
  try {
    await main();
  } finally {
    stopAll();
    for (const started of roles) started.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
