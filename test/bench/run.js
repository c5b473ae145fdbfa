// How long commands take, as multiples of what Node itself needs to start: `npm run bench`.
//
// Every repetition runs each command once, one after the other, so that whatever else the machine does meets all of them
// alike; what is compared are the medians. What a command needs to begin with is made before its time is taken.
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { measureApplications } from "./applications.js";

const LAUNCHER = fileURLToPath(new URL("../../bin/meshman.js", import.meta.url));
/** No repetition is begun later than this, in milliseconds; the first ones are made however long they take. */
const TIME = 45_000;
const FEWEST = 5;
const MOST = 30;
const ACCOUNT = "alice@example.com";

const ONE_SCRYPT = 'crypto.scryptSync("passphrase", "salt", 32, { N: 2 ** 17, r: 8, p: 1, maxmem: 2 ** 28 })';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "meshman-bench-"));
const at = (...names) => path.join(folder, ...names);

/** Runs Node to the end and gives the milliseconds that it took. */
const timed = (words, home) => {
  const env = { PATH: process.env.PATH ?? "", HOME: folder, TMPDIR: folder, MESHMAN_HOME: home };
  const began = performance.now();
  const { status, stderr } = spawnSync(process.execPath, words, {
    env,
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const took = performance.now() - began;
  if (status !== 0) throw new Error(`${words.join(" ")} ended with status ${status}: ${stderr}`);
  return took;
};
const meshman = (home, words) => timed([LAUNCHER, ...words.split(" ")], home);

const copy = (from, to) => fs.cpSync(at(from), at(to), { recursive: true });

const portal = (world) => `--portal file:${at(world, "portal", "portal.sqlite")}`;
const split = (world, out) => `escrow split --shares 3 --threshold 2 --out ${at(world, out)} ${portal(world)}`;
const create = (world) => `account create ${ACCOUNT} ${portal(world)}`;

/** The states of the world from which commands begin. */
const prepare = () => {
  fs.mkdirSync(at("account", "portal"), { recursive: true });
  meshman(at("account", "laptop"), "profile create --device-name laptop --no-passphrase");
  copy("account", "profile");
  meshman(at("account", "laptop"), create("account"));
  copy("account", "shares");
  fs.writeFileSync(at("passphrase"), "five well chosen random words\n", { mode: 0o600 });
  meshman(at("guarded"), `profile create --device-name laptop --passphrase-file ${at("passphrase")}`);
  meshman(at("guarded"), `keystore unlock --for 1h --passphrase-file ${at("passphrase")}`);
  meshman(at("locked"), `profile create --device-name laptop --passphrase-file ${at("passphrase")}`);
  meshman(at("shares", "laptop"), split("shares", "recovery"));
};

/** `ready` gives the function that is measured, with all that it needs in place. */
const CASES = [
  { name: "node -e 0", often: 2, ready: () => () => timed(["-e", "0"], folder) },
  { name: "meshman --version", aim: 1.25, often: 2, ready: () => () => meshman(at("profile", "laptop"), "--version") },
  {
    name: "meshman profile show --json",
    aim: 1.6,
    often: 2,
    ready: () => () => meshman(at("profile", "laptop"), "profile show --json"),
  },
  {
    name: "meshman keystore check --json, key file",
    often: 2,
    ready: () => () => meshman(at("profile", "laptop"), "keystore check --json"),
  },
  {
    name: "meshman keystore status --json, agent",
    aim: 1.6,
    often: 2,
    ready: () => () => meshman(at("guarded"), "keystore status --json"),
  },
  {
    name: "meshman keystore check --json, agent",
    aim: 1.6,
    often: 2,
    ready: () => () => meshman(at("guarded"), "keystore check --json"),
  },
  {
    name: "meshman keystore check --json, passphrase",
    ready: () => () => meshman(at("locked"), `keystore check --json --passphrase-file ${at("passphrase")}`),
  },
  // What a passphrase costs by itself, with the start of Node.
  { name: "node -e, one scrypt", ready: () => () => timed(["-e", ONE_SCRYPT], folder) },
  {
    name: "meshman profile create --no-passphrase",
    ready: (world) => () => meshman(at(world, "home"), "profile create --device-name laptop --no-passphrase"),
  },
  {
    name: "meshman account create, embedded portal",
    from: "profile",
    ready: (world) => () => meshman(at(world, "laptop"), create(world)),
  },
  {
    name: "meshman escrow split, 2 of 3",
    from: "account",
    ready: (world) => () => meshman(at(world, "laptop"), split(world, "recovery")),
  },
  {
    name: "meshman escrow recover, 2 of 3",
    from: "shares",
    ready: (world) => {
      const shares = [1, 3]
        .map((index) => `--share-file ${at(world, "recovery", `share-${index}-of-3.txt`)}`)
        .join(" ");
      const words = `escrow recover --account ${ACCOUNT} ${portal(world)} ${shares} --device-name desktop --no-passphrase`;
      return () => meshman(at(world, "desktop"), words);
    },
  },
];

const quantile = (values, share) => {
  const sorted = [...values].sort((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const [low, high] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  return low + (high - low) * (place - Math.floor(place));
};

const measure = () => {
  const times = CASES.map(() => []);
  const began = performance.now();
  for (let n = 0; n < MOST && (n < FEWEST || performance.now() - began < TIME); n++) {
    for (const [index, { from, often = 1, ready }] of CASES.entries()) {
      const world = `world-${n}-${index}`;
      fs.mkdirSync(at(world));
      if (from !== undefined) copy(from, world);
      const run = ready(world);
      // The first time round everything is read from disk.
      for (let time = 0; time < often; time++) (n === 0 ? [] : times[index]).push(run());
      fs.rmSync(at(world), { recursive: true });
    }
  }
  return times;
};

const table = (rows) => {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (row) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column])));
  return rows.map((row) => `${line(row).join("  ")}\n`).join("");
};

try {
  prepare();
  const times = measure();
  const base = quantile(times[0], 0.5);
  const rows = CASES.map(({ name, aim }, index) => [
    name,
    (quantile(times[index], 0.5) / base).toFixed(2),
    aim === undefined ? "" : `<= ${aim.toFixed(2)}`,
    [0.25, 0.75].map((share) => (quantile(times[index], share) / base).toFixed(2)).join(" - "),
    quantile(times[index], 0.5).toFixed(0),
    String(times[index].length),
  ]);
  const headings = ["command", "times node -e 0", "aim", "middle half", "ms", "runs"];
  process.stdout.write(`Node ${process.version}, ${process.platform} ${process.arch}, ${os.cpus().length} cores\n\n`);
  process.stdout.write(table([headings, ...rows]));
  process.stdout.write(
    `\nApplications, over HTTP from a portal on this machine; the agent has the key of the keystore\n\n`,
  );
  process.stdout.write(table(await measureApplications(at("applications"))));
} finally {
  // The agent ends by itself where its home is gone.
  fs.rmSync(folder, { recursive: true, force: true });
}
