// What commands of an application take with few entries and with many: time, memory, and what is sent to a portal over HTTP.
import { randomBytes } from "node:crypto";
import { spawn, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";

const LAUNCHER = fileURLToPath(new URL("../../bin/meshman.js", import.meta.url));
const WATCHED = fileURLToPath(new URL("watched.js", import.meta.url));
const SIZES = [100, 10_000];
const RUNS = 7;
const MEMORY = 200_000_000;
const UPLOAD = 65_536;

/** Runs Node to the end. Gives the milliseconds that it took and what it printed. */
const node = (folder, words, env = {}) => {
  const began = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, words, {
    env: { PATH: process.env.PATH ?? "", HOME: folder, TMPDIR: folder, ...env },
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 2 ** 28,
  });
  const took = performance.now() - began;
  if (status !== 0) throw new Error(`${words.join(" ")} ended with status ${status}: ${stderr}`);
  return { took, stdout };
};

const meshman = (folder, home, line) =>
  node(folder, [LAUNCHER, ...line.split(" ")], { MESHMAN_HOME: path.join(folder, home) });

/** The same with what it needed beside time. */
const watched = (folder, home, line) => {
  const report = path.join(folder, "report.json");
  node(folder, ["--import", WATCHED, LAUNCHER, ...line.split(" ")], {
    MESHMAN_HOME: path.join(folder, home),
    BENCH_REPORT: report,
  });
  return JSON.parse(fs.readFileSync(report, "utf8"));
};

/** Serves a portal in a process of its own. */
const serve = (folder) =>
  new Promise((resolve, reject) => {
    const words = ["portal", "serve", "--listen", "127.0.0.1:0", "--store", "sqlite:portal.sqlite", "--json"];
    const env = {
      PATH: process.env.PATH ?? "",
      HOME: folder,
      TMPDIR: folder,
      MESHMAN_HOME: path.join(folder, "server"),
    };
    const child = spawn(process.execPath, [LAUNCHER, ...words], {
      env,
      cwd: folder,
      stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    child.stdout.on("data", (chunk) => {
      text += chunk;
      if (text.includes("\n")) resolve({ url: JSON.parse(text).listening, stop: () => child.kill() });
    });
    child.once("exit", (status) => reject(new Error(`The portal ended with status ${status}.`)));
  });

/** So many passwords as a browser exports them. */
const browserExport = (count) => {
  const rows = Array.from({ length: count }, (_, index) => {
    const note = index % 3 === 0 ? "A note of some words about this account." : "";
    const url = `https://login.site-${index}.example.com/signin`;
    return `Site ${index},${url},person${index}@example.org,${randomBytes(15).toString("base64url")},${note}\n`;
  });
  return `name,url,username,password,note\n${rows.join("")}`;
};

/**
 * Somebody with so many passwords, whose keys an agent has, and a second device that was never synchronised. Each device's home is in a
 * folder of that name.
 */
const prepare = (folder, url, size) => {
  const account = `size${size}@example.com`;
  const [laptop, phone] = [`laptop-${size}`, `phone-${size}`];
  const passphrase = path.join(folder, "passphrase");
  fs.writeFileSync(passphrase, "five well chosen random words\n", { mode: 0o600 });
  fs.writeFileSync(path.join(folder, "export.csv"), browserExport(size), { mode: 0o600 });
  meshman(folder, laptop, `profile create --device-name laptop --passphrase-file ${passphrase}`);
  meshman(folder, laptop, `keystore unlock --for 1h --passphrase-file ${passphrase}`);
  meshman(folder, laptop, `account create ${account} --portal ${url}`);
  const connect = `device connect ${account} --portal ${url} --trust-on-first-use --no-passphrase --json`;
  const { code } = JSON.parse(meshman(folder, phone, connect).stdout);
  meshman(folder, laptop, `device complete ${code}`);
  const imported = watched(folder, laptop, "password import export.csv");
  meshman(folder, phone, "sync");
  fs.rmSync(path.join(folder, phone, "applications"), { recursive: true });
  return { laptop, phone, imported };
};

/** What is measured; `home` says on which device, and `line` makes a command line for the n-th run. */
const CASES = [
  { name: "password get", aim: 2.5, home: "laptop", line: () => "password get login.site-77.example.com" },
  { name: "password list", home: "laptop", line: () => "password list" },
  { name: "sync, nothing new", home: "laptop", line: () => "sync" },
  {
    name: "password add",
    upload: UPLOAD,
    home: "laptop",
    line: (n) => `password add new-${n}.example.com --username alice --generate`,
  },
  { name: "first sync of a device", home: "phone", fresh: true, line: () => "sync" },
];

/** Measures it all, in a folder that it makes. Gives a table's rows, the headings first. */
export const measureApplications = async (folder) => {
  fs.mkdirSync(folder);
  const portal = await serve(folder);
  try {
    const worlds = SIZES.map((size) => ({ size, ...prepare(folder, portal.url, size) }));
    const cases = worlds.flatMap((world) => CASES.map((one) => ({ ...one, world, times: [], peak: 0, sent: 0 })));
    const base = [];
    let count = 0;
    const once = (one, measure) => {
      const home = one.fresh ? "fresh" : one.world[one.home];
      if (one.fresh) fs.cpSync(path.join(folder, one.world[one.home]), path.join(folder, home), { recursive: true });
      measure(home, one.line(count++));
      if (one.fresh) fs.rmSync(path.join(folder, home), { recursive: true });
    };
    for (let n = 0; n < RUNS; n++) {
      base.push(node(folder, ["-e", "0"]).took);
      for (const one of cases) {
        once(one, (home, line) => one.times.push(meshman(folder, home, line).took));
        if (n >= 2) continue;
        once(one, (home, line) => {
          const { peak, sent } = watched(folder, home, line);
          one.peak = Math.max(one.peak, peak);
          one.sent = Math.max(one.sent, sent);
        });
      }
    }
    return rowsOf(cases, worlds, median(base));
  } finally {
    portal.stop();
  }
};

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

const megabytes = (octets) => (octets / 1e6).toFixed(0);
const kibibytes = (octets) => (octets / 1024).toFixed(1);

const rowsOf = (cases, worlds, base) => {
  const rows = cases.map(({ name, aim, upload, world, times, peak, sent }) => [
    `${name}, ${world.size} entries`,
    (median(times) / base).toFixed(2),
    aim === undefined ? "" : `<= ${aim.toFixed(2)}`,
    median(times).toFixed(0),
    megabytes(peak),
    `< ${megabytes(MEMORY)}`,
    kibibytes(sent),
    upload === undefined ? "" : `< ${kibibytes(upload)}`,
  ]);
  const imports = worlds.map(({ size, imported }) => [
    `password import, ${size} entries`,
    "",
    "",
    "",
    megabytes(imported.peak),
    `< ${megabytes(MEMORY)}`,
    kibibytes(imported.sent),
    "",
  ]);
  const headings = ["command", "times node -e 0", "aim", "ms", "peak MB", "aim", "KiB sent", "aim"];
  return [headings, ...rows, ...imports];
};
