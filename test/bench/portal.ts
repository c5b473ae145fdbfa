import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { hasPostgres, startPostgres } from "../support/postgres-server.js";
import { baselines, type Baselines } from "./baselines.js";
import { commands } from "./commands.js";
import { loader, type Loader, type Outcome } from "./load.js";
import { maker, type Maker } from "./people.js";
import { startRole, serveRole, type Methods, type Role } from "./roles.js";
import { seeder, type Seeded, type Seeder } from "./seed.js";
import { serve, stopAll, type ServeOptions, type Serving } from "./server.js";
import { checker, type Checker } from "./signatures.js";
import { megabytes, microseconds, milliseconds, rate, ratio, share, table, type Row } from "./table.js";

// The portal under load: `npm run bench`, or with a log of a million records as well, `npm run bench -- --large`. What serves is
// the built program, in processes of its own; what loads it is another one. Everything runs in one go on one machine, which
// all of them share, so that the ratios mean something. Nothing fails for being slow.

const CORES = os.availableParallelism();
const PEOPLE = 1000;
const LARGE = 1_000_000;
const CONNECTIONS = 64;
/** How long each figure is taken, in seconds. */
const SECONDS = { check: 2, round: 1.5, publish: 6, latency: 6, warmUp: 1 };
const ROUNDS = 3;
/** What everybody publishes one after the other: enough for the longest that one store is written to. */
const SUCCESSORS = 30;

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

/** How many personal profiles a second can be verified, by what is checked. */
interface Checks {
  readonly all: number;
  readonly fresh: number;
}

interface World {
  readonly files: readonly string[];
  readonly loader: Role<Loader>;
  readonly baselines: Role<Baselines>;
  /** On one core, and on all of them. */
  readonly checks: { readonly one: Checks; readonly every: Checks };
}

const measureChecks = async (files: readonly string[]): Promise<World["checks"]> => {
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
      ["Checking signatures and nothing else", "1 core", `${CORES} cores`],
      ["  profiles a second, every signature (5)", rate(checks.one.all), rate(checks.every.all)],
      ["  profiles a second, the new one of a successor (1)", rate(checks.one.fresh), rate(checks.every.fresh)],
    ]),
  );
  return checks;
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
      ["  one SQLite commit for every Publish, over HTTP", rate(commits.perSecond)],
    ]),
  );
};

interface Compared {
  readonly ours: Outcome;
  readonly echo: Outcome;
  /** Of their rates. */
  readonly ratio: number;
}

/** Our portal and a bare server by turns. */
const compare = async (
  { loader: load, baselines: bare }: World,
  serving: Serving,
  list: string,
  verifier: string | undefined,
): Promise<Compared> => {
  const common = { list, connections: CONNECTIONS, warmUp: 0.3, seconds: SECONDS.round };
  const run = (): Promise<Outcome> =>
    load.call("run", { ...common, ports: serving.ports, servers: serving.pids(), verifier });
  const first = await run();
  const echoPort = await bare.call("echo", { answerSize: first.answerSize });
  const rounds: { readonly ours: Outcome; readonly echo: Outcome }[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const echo = await load.call("run", { ...common, ports: [echoPort], servers: [bare.pid] });
    rounds.push({ ours: await run(), echo });
  }
  const ratioOf = ({ ours, echo }: (typeof rounds)[number]): number => ours.perSecond / echo.perSecond;
  const middle = median(rounds.map(ratioOf));
  const { ours, echo } = rounds.find((round) => ratioOf(round) === middle) ?? { ours: first, echo: first };
  return { ours, echo, ratio: middle };
};

/** A filled store, and how it is served. */
interface Filled extends Seeded {
  readonly name: string;
  readonly store: string;
  readonly keyFile: string;
}

/** How many processes serve a store. */
interface Way {
  readonly name: string;
  readonly processes?: number;
  readonly workers?: number;
}

const ONE: Way = { name: "1 process" };
const WORKERS: Way = { name: `${CORES} workers`, workers: CORES };

const serveFilled = ({ store, keyFile }: Filled, { processes = 1, workers = 1 }: Way): Promise<Serving> => {
  const options: ServeOptions = { store, keyFile, journal: at("journal"), processes };
  return serve(workers > 1 ? { ...options, words: ["--workers", String(workers)] } : options);
};

/** Rates by what is asked for. */
interface Reads {
  readonly hello: number;
  readonly plain: number;
  readonly proven: number;
  readonly memory: number;
}

const READS = [
  ["hello", "Hello"],
  ["plain", "Get by account"],
  ["proven", "Get with proofs"],
] as const;

const measureReads = async (world: World, filled: Filled, ways: readonly Way[]): Promise<Reads> => {
  const { files, loader: load } = world;
  const { checkpoints, verifier } = filled;
  await load.call("prepare", { name: "hello", kind: "hello" });
  await load.call("prepare", { name: "plain", kind: "get", files, checkpoints: undefined });
  await load.call("prepare", { name: "proven", kind: "get", files, checkpoints });
  const best = { hello: 0, plain: 0, proven: 0, memory: 0 };
  const rows: Row[] = [
    [
      filled.name,
      "a second",
      "echo",
      "ratio",
      "aim",
      "CPU each",
      "p99",
      "server",
      "load",
      "memory",
      "in",
      "out",
      "checked",
    ],
  ];
  for (const way of ways) {
    const serving = await serveFilled(filled, way);
    for (const [list, name] of READS) {
      const compared = await compare(world, serving, list, list === "proven" ? verifier : undefined);
      const { ours, echo } = compared;
      const memory = serving.memory();
      best[list] = Math.max(best[list], ours.perSecond);
      if (way === ONE) best.memory = Math.max(best.memory, memory);
      rows.push([
        `  ${name}, ${way.name}`,
        rate(ours.perSecond),
        rate(echo.perSecond),
        ratio(compared.ratio),
        `>= ${ratio(AIMS.echo)}`,
        microseconds(ours.cost),
        milliseconds(ours.p99),
        share(ours.server),
        share(ours.load),
        megabytes(memory),
        String(ours.requestSize),
        String(ours.answerSize),
        String(ours.checked),
      ]);
    }
    await serving.stop();
  }
  print(`\n${table(rows)}`);
  return best;
};

/** Of publications. */
interface Writes {
  readonly publish: number;
  readonly p50: number;
  readonly p99: number;
  readonly memory: number;
}

/** Serves a store and has people publish to it. Each store takes one such run, since nobody publishes a version twice. */
const measureWrites = async ({ files, loader: load, checks }: World, filled: Filled, way: Way): Promise<Writes> => {
  const { checkpoints, verifier } = filled;
  await load.call("prepare", { name: "publish", kind: "publish", files, checkpoints });
  const serving = await serveFilled(filled, way);
  const start = serving.memory();
  const servers = serving.pids();
  const common = { list: "publish", ports: serving.ports, connections: CONNECTIONS, servers, verifier };
  const memories: number[] = [];
  const run = async (more: { warmUp: number; seconds: number; rate?: number; most?: number }): Promise<Outcome> => {
    const outcome = await load.call("run", { ...common, ...more });
    memories.push(serving.memory());
    return outcome;
  };
  const first = await run({ warmUp: 0, seconds: 60, most: PEOPLE });
  const full = await run({ warmUp: SECONDS.warmUp, seconds: SECONDS.publish });
  const half = full.perSecond / 2;
  const open = await run({ warmUp: SECONDS.warmUp, seconds: SECONDS.latency, rate: half });
  await serving.stop();
  const row = (name: string, outcome: Outcome, aim: string, memory = NaN): Row => [
    `  ${name}`,
    rate(outcome.perSecond),
    aim,
    milliseconds(outcome.p50),
    milliseconds(outcome.p99),
    milliseconds(outcome.most),
    microseconds(outcome.cost),
    share(outcome.server),
    share(outcome.load),
    megabytes(memory),
    String(outcome.checked),
  ];
  print(
    `\n${table([
      [
        `${filled.name}, ${way.name}, ${megabytes(start)} at the start`,
        ...["a second", "aim", "p50", "p99", "most", "CPU each", "server", "load", "memory", "checked"],
      ],
      row("Publish, nothing remembered yet", first, "", memories[0]),
      row(`Publish, ${CONNECTIONS} connections`, full, `>= ${AIMS.publish}`, memories[1]),
      row("Publish, half of that by the clock", open, "", memories[2]),
    ])}`,
  );
  const against = (value: number): string => ratio(full.perSecond / value);
  print(
    table([
      [`  to signatures alone, aim >= ${ratio(AIMS.check)}`, "1 core", `${CORES} cores`],
      ["    every signature", against(checks.one.all), against(checks.every.all)],
      ["    the new one", against(checks.one.fresh), against(checks.every.fresh)],
    ]),
  );
  return { publish: full.perSecond, p50: open.p50, p99: open.p99, memory: Math.max(...memories) };
};

const fill = async (world: World, name: string, store: string, records: number): Promise<Filled> => {
  const keyFile = at(`${name.replace(/\W/g, "-")}.key`);
  const seeding = role<Seeder>("seeder");
  const seeded = await seeding.call("fill", { store, keyFile, files: world.files, records });
  seeding.stop();
  const perSecond = rate(records / seeded.seconds);
  print(`\n${name}: ${records} records stored in ${seeded.seconds.toFixed(1)} s, ${perSecond} a second\n`);
  return { ...seeded, name, store, keyFile };
};

/** A copy of a SQLite store that nobody has open. */
const copyOf = (filled: Filled, name: string): Filled => {
  const file = filled.store.replace(/^sqlite:/, "");
  fs.copyFileSync(file, at(name));
  return { ...filled, store: `sqlite:${at(name)}` };
};

const removeStore = ({ store }: Filled): void => {
  const file = store.replace(/^sqlite:/, "");
  for (const end of ["", "-wal", "-shm"]) fs.rmSync(`${file}${end}`, { force: true });
};

const measureSqlite = async (world: World, records: number): Promise<Reads & Writes> => {
  const filled = await fill(world, `SQLite, ${records} records`, `sqlite:${at("filled.sqlite")}`, records);
  const reads = await measureReads(world, filled, [ONE, WORKERS]);
  let writes: Writes | undefined;
  // Of one process: several have as many times that.
  let { memory } = reads;
  for (const way of [ONE, WORKERS]) {
    const copy = copyOf(filled, "copy.sqlite");
    const measured = await measureWrites(world, copy, way);
    if (!writes || measured.publish > writes.publish) writes = measured;
    if (way === ONE) memory = Math.max(memory, measured.memory);
    removeStore(copy);
  }
  if (records === PEOPLE) {
    const serving = await serveFilled(filled, ONE);
    print(`\n${commands(folder, serving.ports[0] ?? 0)}`);
    await serving.stop();
  }
  removeStore(filled);
  return { ...reads, ...(writes as Writes), memory };
};

const measurePostgres = async (world: World): Promise<void> => {
  if (!hasPostgres) {
    print("\nThere is no PostgreSQL on this machine.\n");
    return;
  }
  const server = await startPostgres(true);
  try {
    for (const way of [ONE, { name: "3 processes", processes: 3 }]) {
      const { url } = await server.createDatabase();
      const filled = await fill(world, `PostgreSQL, ${PEOPLE} records`, url, PEOPLE);
      await measureWrites(world, filled, way);
      fs.rmSync(filled.keyFile);
    }
  } finally {
    await server.remove();
  }
};

/** What a log of another size changes. */
const compareSizes = (small: Reads & Writes, large: Reads & Writes): string => {
  const growth = (name: string, times: number): Row => [`  ${name}`, ratio(times), `<= ${ratio(AIMS.growth)}`];
  return table([
    [`Times slower with ${LARGE} records than with ${PEOPLE}`, "", "aim"],
    ...READS.map(([list, name]) => growth(name, small[list] / large[list])),
    growth("Publish", small.publish / large.publish),
    growth("p50 at half", large.p50 / small.p50),
    growth("p99 at half", large.p99 / small.p99),
    ["  most memory, 1 process", megabytes(large.memory), `< ${megabytes(AIMS.memory)}`],
  ]);
};

const main = async (): Promise<void> => {
  print(`\nThe portal under load. Node ${process.version}, ${process.platform} ${process.arch}, ${CORES} cores\n`);
  const files = await makePeople();
  const checks = await measureChecks(files);
  const world: World = { files, checks, loader: role<Loader>("loader"), baselines: role<Baselines>("baselines") };
  await measureDisk(world);
  const small = await measureSqlite(world, PEOPLE);
  await measurePostgres(world);
  if (!process.argv.includes("--large")) return;
  print(`\n${compareSizes(small, await measureSqlite(world, LARGE))}`);
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
