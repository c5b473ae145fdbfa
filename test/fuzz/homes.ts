import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { ErrorCode } from "../../src/errors.js";
import { main } from "../../src/main.js";
import {
  checkFiles,
  keptSegments,
  listApplications,
  listQueues,
  readCopy,
  readQueue,
  readSegment,
} from "../../src/keystore/application-store.js";
import { knownLog, readCheckpoints } from "../../src/keystore/checkpoints.js";
import { openHome, type Home } from "../../src/keystore/home.js";
import { readKeystoreFacts, unlockKeystore, type Keystore } from "../../src/keystore/keystore.js";
import { loadPins, readPins } from "../../src/keystore/pins.js";
import { listProfiles, type ProfileState } from "../../src/keystore/state.js";
import { GLOBAL_OPTIONS } from "../../src/cli/declare.js";
import { NOUNS, PLAIN_COMMANDS } from "../../src/cli/commands.js";
import type { Target } from "./engine.js";
import { anyText, anyValue, mutateOctets, mutateText, mutateValue } from "./mutate.js";
import { memoryFiles, quietDeps, systemFiles } from "./outside.js";
import type { Random } from "./random.js";

const ACCOUNT = "alice@example.com";

/** Runs a command in a home, and gives its exit status and all that it wrote. */
const run = async (folder: string, argv: readonly string[]): Promise<{ status: number; output: string }> => {
  const env = { MESHMAN_HOME: path.join(folder, "home"), MESHMAN_PORTAL: "local" };
  const { deps, output } = quietDeps({ env, cwd: folder, fs: systemFiles });
  const status = await main(argv, deps);
  return { status, output: output() };
};

/** A folder with a home in which everything has happened once. */
const makeHome = async (): Promise<string> => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "meshman-fuzz-"));
  const lines = [
    "profile create --device-name laptop --no-passphrase",
    `account create ${ACCOUNT}`,
    `device connect ${ACCOUNT} --home phone --trust-on-first-use --no-passphrase --portal file:home/local-portal.sqlite`,
    "escrow split --shares 3 --threshold 2 --out shares",
    "profile revocation --out note.json",
    "password add example.com --username alice --generate",
    "password add example.org --username alice --generate --offline",
  ];
  for (const line of lines) {
    const { status, output } = await run(folder, line.split(" "));
    if (status !== 0) throw new Error(`${line}: ${output}`);
  }
  return folder;
};

interface StoredInput {
  readonly file: string;
  readonly octets: Buffer;
}

/** The files of a home, altered. What is read must be read again alike, and keys must be those that were kept. */
const storedTarget = async (): Promise<Target> => {
  const folder = await makeHome();
  const home = path.join(folder, "home");
  const [profile = ""] = fs.readdirSync(path.join(home, "profiles"));
  const kept = path.join("applications", path.parse(profile).name);
  const names = [
    ...["keystore.json", "keystore.key", "pins.json", "checkpoints.json", path.join("profiles", profile)],
    ...fs.readdirSync(path.join(home, kept)).map((name) => path.join(kept, name)),
  ];
  const files = new Map(names.map((name) => [`/home/${name}`, fs.readFileSync(path.join(home, name))]));
  // A device that waits has more to say of the same profile.
  const waiting = fs.readFileSync(path.join(folder, "phone", "profiles", profile));
  fs.rmSync(folder, { recursive: true, force: true });
  const paths = [...files.keys()];
  const read = async (contents: ReadonlyMap<string, Buffer>): Promise<unknown> => {
    const opened: Home = openHome(quietDeps({ fs: memoryFiles(contents) }).deps, "/home");
    const facts = readKeystoreFacts(opened);
    const profiles: ProfileState[] = listProfiles(opened);
    readPins(opened);
    const keystore = await unlockKeystore(opened);
    const keys = facts?.keys.map(({ kid, use }) => keystore.get(kid, use));
    for (const url of Object.keys(readCheckpoints(opened))) knownLog(opened, url);
    const pins = loadPins(opened, keystore);
    return { keys, profiles: profiles.map(({ udf }) => udf), pins, application: readKept(opened, keystore) };
  };
  /** What is kept of applications. Whatever becomes of a file, it is found, and its name is that of its application. */
  const readKept = (opened: Home, keystore: Keystore): readonly string[] => {
    const { name: udf } = path.parse(profile);
    checkFiles(opened, udf, keystore);
    listApplications(opened, udf);
    const [queue] = listQueues(opened, udf);
    const copy = readCopy(opened, keystore, udf, queue?.identifier ?? "");
    const segments = keptSegments(opened, udf).map((identifier) => {
      const hash = copy?.segments.find((segment) => segment.identifier === identifier)?.hash ?? "";
      // A damaged one is none: it is fetched again.
      return readSegment(opened, keystore, udf, { identifier, hash }) ?? [];
    });
    return [copy, readQueue(opened, keystore, udf, queue?.identifier ?? ""), ...segments].map((one) =>
      JSON.stringify(one),
    );
  };
  const whole = (await read(files)) as { keys: unknown; pins: unknown; application: readonly string[] };
  if (whole.application.length !== 3) throw new Error("There is more or less in the home than was put there.");
  return {
    name: "home",
    weight: 30_000,
    codes: [
      "keystore-corrupt",
      "keystore-version",
      "state-corrupt",
      "locked",
      "pins-tampered",
      "decryption-failed",
      "profile-not-found",
      // The keystore's protection may say that there is a passphrase, with parameters that are right in form.
      "wrong-passphrase",
    ],
    make: (random): StoredInput => {
      const file = random.pick(paths);
      const octets = (file.includes("profiles") && random.chance(0.5) ? waiting : files.get(file)) ?? Buffer.alloc(0);
      if (random.chance(0.4) || !file.endsWith(".json")) return { file, octets: mutateOctets(random, octets) };
      if (random.chance(0.05)) return { file, octets: Buffer.from(JSON.stringify(anyValue(random))) };
      return { file, octets: Buffer.from(JSON.stringify(mutateValue(random, JSON.parse(octets.toString())))) };
    },
    read: async (input) => {
      const { file, octets } = input as StoredInput;
      const found = (await read(new Map([...files, [file, octets]]))) as typeof whole & { keys: unknown[] };
      const known = new Set((whole.keys as unknown[]).map((key) => JSON.stringify(key)));
      if (!found.keys.every((key) => known.has(JSON.stringify(key)))) throw new Error("A key was altered.");
      // Its MAC says that the file is ours; where it is gone altogether the pins are empty.
      if (JSON.stringify(found.pins) !== JSON.stringify(whole.pins)) throw new Error("The pins were altered.");
      const isWhole = found.application.every((one, at) => one === whole.application[at] || (at === 2 && one === "[]"));
      if (!isWhole) throw new Error("An application was altered.");
    },
  };
};

/** Commands that wait for somebody, or start others. */
const EXCLUDED = /^(quickstart|serve|setup|--watch)$/;

const VALUES = [
  ACCOUNT,
  "bob@example.com",
  "alice",
  "default",
  "laptop",
  "local",
  "file:portal.sqlite",
  "http://127.0.0.1:1",
  "json",
  "pem",
  "note.json",
  "new.json",
  "shares/entry.json",
  "shares/share-1-of-3.txt",
  "shares/share-2-of-3.txt",
  "shares",
  "out",
  "-",
  "3",
  "2",
  "0",
  "-1",
  "99999999",
  "1",
  "MAUQ-2VXH-NR5A-TZC3-J3KD",
  "MDDK-7N6A-727A-JZNO-STRX-XKS7-DJAF",
  "home",
  "home/keystore.json",
  "phone",
  "",
];

const flagsOf = (declaration: readonly [string, ...unknown[]]): string[] =>
  (declaration[0].match(/--[a-z-]+/g) ?? []).slice(0, 1);

/** Words that could lead out of the folder. */
const harmless = (word: string): string =>
  VALUES.includes(word) ? word : word.replaceAll("/", "").replaceAll("\\", "").replaceAll("..", ".");

const makeLine = (random: Random): string[] => {
  const verbs = [
    ...NOUNS.flatMap(({ name, verbs: all }) =>
      Object.entries(all).map(([verb, declared]) => ({ words: [name, verb], declared })),
    ),
    ...Object.entries(PLAIN_COMMANDS).map(([name, declared]) => ({ words: [name], declared })),
  ];
  const { words, declared } = random.pick(verbs);
  const value = (): string => (random.chance(0.85) ? random.pick(VALUES) : anyText(random));
  const options = [...(declared.options ?? []), ...GLOBAL_OPTIONS].filter(() => random.chance(0.2));
  const given = options.flatMap((option) => [
    ...flagsOf(option),
    ...(/[<[]/.test(option[0]) && random.chance(0.9) ? [value()] : []),
  ]);
  const values = (declared.arguments ?? []).flatMap(() => (random.chance(0.9) ? [value()] : []));
  const line = [...words, ...values, ...given, ...(random.chance(0.1) ? [value()] : [])];
  const shuffled = random.chance(0.1)
    ? line
        .map((word) => ({ word, order: random.next() }))
        .sort((a, b) => a.order - b.order)
        .map(({ word }) => word)
    : line;
  return shuffled.map((word) => harmless(random.chance(0.03) ? mutateText(random, word) : word));
};

/** The codes of exit status 1 that a line can lead to: a folder is where a file should be, or the reverse. */
const UNUSABLE: readonly ErrorCode[] = ["io-failed", "state-corrupt", "keystore-corrupt"];

/** Command lines, run in a home that they may change. */
const lineTarget = (): Target => {
  let folder = "";
  let origin = "";
  let lines = 0;
  return {
    name: "command-line",
    weight: 4_000,
    codes: [],
    batch: 200,
    open: async () => {
      origin ||= await makeHome();
      folder = fs.mkdtempSync(path.join(os.tmpdir(), "meshman-fuzz-"));
      return () => {
        fs.rmSync(folder, { recursive: true, force: true });
        fs.rmSync(origin, { recursive: true, force: true });
        origin = "";
        lines = 0;
        return Promise.resolve();
      };
    },
    make: makeLine,
    read: async (input) => {
      const argv = input as string[];
      if (argv.some((word) => EXCLUDED.test(word))) return;
      if (lines++ % 20 === 0) {
        fs.rmSync(folder, { recursive: true, force: true });
        fs.cpSync(origin, folder, { recursive: true });
      }
      const { status, output } = await run(folder, ["--no-input", "--json", ...argv]);
      const code = /"error":\{"code":"([a-z-]+)"/.exec(output)?.[1];
      if (status === 1 && UNUSABLE.some((allowed) => allowed === code)) return;
      // What `doctor` finds wrong is a result.
      if (status === 1 && output.includes('"ok":false,"findings":')) return;
      if (![0, 2, 3, 4, 5, 6, 7, 8].includes(status)) throw new Error(`Exit status ${status}: ${output}`);
      if (output.includes("    at ") && !argv.includes("--verbose")) throw new Error(`A stack trace: ${output}`);
    },
  };
};

export const homeTargets = async (): Promise<readonly Target[]> => [await storedTarget(), lineTarget()];
