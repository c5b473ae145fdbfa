import { spawnSync } from "node:child_process";
import { LAUNCHER, type Finished, type Stage } from "./program.js";

/** Runs a command with a terminal of its own, and passes on what is typed and shown. */
type Wrapper = (words: readonly string[]) => [command: string, words: readonly string[]];

const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

const SCRIPT: Wrapper = (words) => ["script", ["-qec", words.map(quote).join(" "), "/dev/null"]];
const PYTHON_PTY = "import os,pty,sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
const PYTHON: Wrapper = (words) => ["python3", ["-c", PYTHON_PTY, ...words]];

const findWrapper = (): Wrapper | undefined => {
  if (spawnSync("script", ["--version"], { encoding: "utf8" }).stdout.includes("util-linux")) return SCRIPT;
  return spawnSync("python3", ["-c", "import pty; import os; os.waitstatus_to_exitcode"]).status === 0
    ? PYTHON
    : undefined;
};

const wrapper = process.platform === "win32" ? undefined : findWrapper();

/** False where this machine has neither util-linux' `script` nor Python to make a terminal with. */
export const hasTerminal = wrapper !== undefined;

/** A person at a terminal. */
export interface Terminal {
  readonly finished: Promise<Finished>;
  /** Waits until the screen shows something that it did not show at the last call. */
  shows(pattern: RegExp): Promise<void>;
  /** Presses keys. */
  press(keys: string): void;
  /** Waits for a question, then types the answer and presses Return. */
  answers(question: RegExp, answer: string): Promise<void>;
  /** Everything that has been on the screen. */
  screen(): string;
}

export const CONTROL_C = "\u0003";
export const CONTROL_D = "\u0004";
export const RETURN = "\r";
export const DOWN = "\u001b[B";

/** Starts meshman on a machine, at a terminal. */
export const openTerminal = (
  stage: Stage,
  machine: string,
  words: string,
  env: Readonly<Record<string, string>> = {},
): Terminal => {
  if (!wrapper) throw new Error("There is no terminal here.");
  const [command, rest] = wrapper([process.execPath, LAUNCHER, ...words.split(" ")]);
  const running = stage.start(command, rest, {
    interactive: true,
    env: { MESHMAN_HOME: stage.home(machine), TERM: "xterm", SHELL: "/bin/sh", ...env },
  });
  let seen = 0;
  const shows = async (pattern: RegExp): Promise<void> => {
    for (;;) {
      const found = pattern.exec(running.text().slice(seen));
      if (found) {
        seen += found.index + found[0].length;
        return;
      }
      if (running.child.exitCode !== null || running.child.signalCode !== null) {
        throw new Error(`The screen never showed ${String(pattern)}: ${running.text()}`);
      }
      await new Promise((resolve) => {
        setTimeout(resolve, 10);
      });
    }
  };
  const press = (keys: string): void => void running.child.stdin?.write(keys);
  return {
    finished: running.finished,
    shows,
    press,
    answers: async (question, answer) => {
      await shows(question);
      press(`${answer}${RETURN}`);
    },
    screen: running.text,
  };
};
