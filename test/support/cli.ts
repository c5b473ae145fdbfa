import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "vitest";
import type { Deps, FileSystem, Prompts } from "../../src/deps.js";
import { exitStatus, type ErrorCode } from "../../src/errors.js";
import { main } from "../../src/main.js";
import { temporaryFolder, testDeps } from "./deps.js";

/** What one question is answered with: text, or yes and no. An answer that is found wrong is followed by the next one. */
export type Scripted = string | boolean;

export interface RunOptions {
  /** Passed as MESHMAN_HOME. */
  readonly home?: string;
  /** True for a terminal on standard input and standard error. */
  readonly tty?: boolean;
  /** Answers to the questions, in order. */
  readonly prompts?: readonly Scripted[];
  /** Text on standard input. */
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Anything else of the outside world. */
  readonly deps?: Partial<Deps>;
}

/** What a command did. */
export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The one JSON document of `--json`, else undefined. */
  readonly json: unknown;
  /** The error code in it. */
  readonly code: string | undefined;
  /** The questions that were asked, in order, and what was said against answers to them. */
  readonly asked: readonly string[];
  /** A text in the JSON document, by the path to it. */
  at(...path: readonly (string | number)[]): string;
}

const look = (value: unknown, keys: readonly (string | number)[]): unknown =>
  keys.reduce<unknown>(
    (inner, key) => (typeof inner === "object" && inner !== null ? (inner as Record<string, unknown>)[key] : undefined),
    value,
  );

/** Prompts that take their answers from a list, ask again after a wrong one, and fail where the list has ended. */
const scriptedPrompts = (answers: readonly Scripted[], asked: string[]): Prompts => {
  const rest = [...answers];
  const next = (message: string): Scripted => {
    asked.push(message);
    const answer = rest.shift();
    if (answer === undefined) throw new Error(`Nobody answers: ${message}`);
    return answer;
  };
  const nextText = (
    message: string,
    { initial, validate }: { initial?: string; validate?: (text: string) => string | true } = {},
  ): Promise<string> => {
    for (;;) {
      const given = next(message);
      const answer = given === "" && initial !== undefined ? initial : String(given);
      const verdict = validate?.(answer) ?? true;
      if (verdict === true) return Promise.resolve(answer);
      asked.push(verdict);
    }
  };
  return {
    text: nextText,
    secret: nextText,
    confirm: async (message) => next(message) === true,
    select: async (message, choices) => {
      const answer = next(message);
      if (!choices.some(({ value }) => value === answer)) throw new Error(`No such choice: ${String(answer)}`);
      return String(answer);
    },
  };
};

/** What stands behind `--` is no option. */
const wantsJson = (argv: readonly string[]): boolean => {
  const end = argv.indexOf("--");
  return argv.slice(0, end < 0 ? argv.length : end).includes("--json");
};

const TIMES = new Set(["updated", "created", "since", "requested", "expires", "revoked"]);

/** What is wrong with the members of a JSON document: their names, the times among them, a private key. Records are left out. */
const badMembers = (value: unknown): string[] =>
  typeof value !== "object" || value === null
    ? []
    : Object.entries(value).flatMap(([name, inner]) => {
        if (/^(Signed|Offline)[A-Z]/.test(name)) return [];
        const isName = Array.isArray(value) || /^[a-z][A-Za-z0-9]*$/.test(name);
        const isTime = typeof inner !== "string" || /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(inner);
        const isBad = !isName || name === "d" || (TIMES.has(name) && !isTime);
        return [...(isBad ? [name] : []), ...badMembers(inner)];
      });

/** What must hold of every outcome, whatever the command (design, sections 9 and 10). */
const check = (argv: readonly string[], outcome: Omit<Outcome, "at">): void => {
  const { status, stdout, stderr, json, code } = outcome;
  const fail = (problem: string): never => {
    throw new Error(`${problem}: meshman ${argv.join(" ")}\nstatus ${status}\n${stdout}\n${stderr}`);
  };
  if (wantsJson(argv)) {
    if (typeof json !== "object" || json === null || !/^[^\n]+\n$/.test(stdout)) fail("Not one JSON document");
    if (badMembers(json).length > 0) fail(`Members that should not be so: ${badMembers(json).join()}`);
    if ("error" in (json as object)) {
      const error = look(json, ["error"]) as Record<string, unknown>;
      const members = Object.keys(error).filter((name) => name !== "hint");
      if (members.join() !== "code,message" || typeof error["message"] !== "string") fail("Not an error object");
      if (exitStatus(code as ErrorCode) !== status) fail("Not the status of the code");
    }
  } else if (stderr.startsWith("error: ") !== /^error: /m.test(stderr) && stdout !== "") {
    fail("An error after a result");
  }
  if (/^error: /m.test(stderr) && status === 0) fail("An error with status 0");
  if (code === "internal" || stderr.includes("    at ")) fail("An unexpected failure");
};

/** The real files, without waiting for the disk: no test pulls the plug. */
const quickFiles: FileSystem = { ...testDeps().fs, fsync: () => undefined, fsyncDirectory: () => undefined };

/** Runs one command line in this process. */
export const run = async (argv: readonly string[], options: RunOptions = {}): Promise<Outcome> => {
  const { home, tty = false, prompts = [], stdin = "", env = {} } = options;
  const asked: string[] = [];
  let errors = "";
  const deps = testDeps({
    env: { ...(home === undefined ? {} : { MESHMAN_HOME: home }), ...env },
    fs: quickFiles,
    stdinIsTTY: tty,
    stderr: {
      isTTY: tty,
      write: async (text) => {
        errors += text;
      },
    },
    // Between two attempts no test waits for long.
    sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, Math.min(milliseconds, 10))),
    openStream: async function* (file) {
      yield file === "-" ? Buffer.from(stdin) : await fs.promises.readFile(file);
    },
    readStdin: async (limit) => Buffer.from(stdin).subarray(0, limit + 1),
    prompts: scriptedPrompts(prompts, asked),
    ...options.deps,
  });
  const status = await main(argv, deps);
  const stdout = deps.stdoutText();
  let json: unknown;
  if (wantsJson(argv)) {
    try {
      json = JSON.parse(stdout);
    } catch {
      // `check` says so.
    }
  }
  const code = look(json, ["error", "code"]);
  const outcome = {
    status,
    stdout,
    stderr: errors,
    json,
    code: typeof code === "string" ? code : undefined,
    asked,
  };
  check(argv, outcome);
  return {
    ...outcome,
    at: (...keys) => {
      const value = look(json, keys);
      if (typeof value !== "string") throw new Error(`No text at ${keys.join(".")}: ${stdout}`);
      return value;
    },
  };
};

/** A computer of the story: a home, a working folder, and whatever is the same for all of its commands. */
export interface Machine {
  readonly home: string;
  readonly folder: string;
  /** Runs a command with `--json`. The line is cut at its spaces; further words are taken as they are. */
  run(line: string, ...words: readonly string[]): Promise<Outcome>;
  /** The same without `--json`. */
  text(line: string, ...words: readonly string[]): Promise<Outcome>;
  /** Runs a command with `--json` that must end with status 0. */
  ok(line: string, ...words: readonly string[]): Promise<Outcome>;
  /** The same machine under other circumstances. */
  with(options: RunOptions): Machine;
}

const cut = (line: string): string[] => line.split(" ").filter((word) => word !== "");

const machineAt = (folder: string, home: string, options: RunOptions): Machine => {
  const given = { home, ...options, deps: { cwd: folder, ...options.deps } };
  const json = (line: string, ...words: readonly string[]): Promise<Outcome> =>
    run([...cut(line), ...words, "--json"], given);
  return {
    home,
    folder,
    run: json,
    text: (line, ...words) => run([...cut(line), ...words], given),
    ok: async (line, ...words) => {
      const outcome = await json(line, ...words);
      if (outcome.status !== 0) throw new Error(`meshman ${line}: ${outcome.stdout}${outcome.stderr}`);
      return outcome;
    },
    with: (more) => machineAt(folder, home, { ...options, ...more, deps: { ...options.deps, ...more.deps } }),
  };
};

/** A new machine without anything on it. Its home does not exist yet; its folder goes after the test. */
export const machine = (options: RunOptions = {}): Machine => {
  const folder = temporaryFolder();
  return machineAt(folder, path.join(folder, "home"), options);
};

/** Every file and folder below a folder with its mode, by relative path. */
export const modesOf = (folder: string): Record<string, string> =>
  Object.fromEntries(
    fs.readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => {
      const stat = fs.statSync(path.join(folder, name));
      return [name, (stat.mode & 0o777).toString(8)];
    }),
  );

/**
 * Everything that a folder holds, octet for octet, by relative path; but for the newest heads of portals' logs, which are learnt whatever
 * becomes of a command.
 */
export const contentOf = (folder: string): Record<string, string> =>
  Object.fromEntries(
    fs
      .readdirSync(folder, { recursive: true, encoding: "utf8" })
      .map((name) => path.join(folder, name))
      .filter((name) => fs.statSync(name).isFile() && path.basename(name) !== "checkpoints.json")
      .map((name) => [path.relative(folder, name), fs.readFileSync(name, "latin1")]),
  );

/** The portal over a file of its own that several machines of one test share, as `--portal` takes it. */
export const filePortal = (): string => `file:${path.join(temporaryFolder(), "portal.sqlite")}`;

/** Writes a file into a machine's folder, and gives its name. */
export const put = (machine: Machine, name: string, text: string, mode = 0o600): string => {
  fs.writeFileSync(path.join(machine.folder, name), text, { mode });
  return name;
};

/** A machine with a profile, and an account at a portal. */
export const withAccount = async (
  portal: string,
  account = "alice@example.com",
  options: RunOptions = {},
): Promise<Machine> => {
  const made = machine(options);
  await made.ok("profile create --device-name laptop --no-passphrase");
  await made.ok("account create", account, "--portal", portal);
  return made;
};

export const udfOf = async (of: Machine): Promise<string> => (await of.ok("profile show")).at("profile", "udf");

/** A further machine that asks to be connected to the profile of `admin`. Gives its code too. */
export const asking = async (
  admin: Machine,
  name = "phone",
  options: RunOptions = {},
): Promise<{ device: Machine; code: string }> => {
  const shown = await admin.ok("profile show");
  const device = machine(options);
  const asked = await device.ok(
    "device connect --no-passphrase",
    shown.at("accounts", 0, "account"),
    ...["--portal", shown.at("accounts", 0, "portal"), "--expect-fingerprint", shown.at("profile", "udf")],
    ...["--device-name", name],
  );
  return { device, code: asked.at("code") };
};

/** A further machine that is connected. */
export const connected = async (
  admin: Machine,
  name = "phone",
  more: readonly string[] = [],
  options: RunOptions = {},
): Promise<Machine> => {
  const { device, code } = await asking(admin, name, options);
  await admin.ok("device complete", code, ...more);
  await device.ok("device status");
  return device;
};

/** What a fingerprint, a verification code and a time look like in JSON. */
export const UDF = expect.stringMatching(/^M[A-D][A-Z2-7]{2}(-[A-Z2-7]{4}){6}$/) as string;
export const CODE = expect.stringMatching(/^M[A-D][A-Z2-7]{2}(-[A-Z2-7]{4}){4}$/) as string;
export const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/) as string;
