import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { MeshError } from "../errors.js";
import { msg, type Message } from "../messages/message.js";
import type { Context, Run } from "./context.js";
import { fields, gap, lines, raw, stack, type Text } from "./output.js";

/** How long one command of the story may take, in milliseconds. */
const TIME_LIMIT = 60_000;
const DOMAIN = "example.com";
const ACCOUNT = `alice@${DOMAIN}`;

/** One machine of the story: its name, and the home folder that its commands use. */
interface Machine {
  readonly name: string;
  readonly home: string;
}

interface Finished {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The stage on which the story is played: a folder, the processes that run, and where the text goes. */
interface Stage {
  readonly context: Context;
  readonly folder: string;
  readonly children: Set<ChildProcess>;
  readonly transcript: { command: string; status: number | null }[];
}

/** An option or file name as it would be typed into a shell. */
const quote = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

/** The environment of a child: what the system needs, and the home it is to use. Options of the caller's own do not reach it. */
const childEnvironment = (context: Context, home: string): Record<string, string> => {
  const kept = ["PATH", "HOME", "SystemRoot", "TMPDIR", "TEMP", "LANG", "LC_ALL", "LC_MESSAGES", "NODE_EXTRA_CA_CERTS"];
  const entries = kept.flatMap((name) => {
    const value = context.deps.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(entries), MESHMAN_HOME: home, CI: "true" };
};

const start = (stage: Stage, machine: Machine, words: readonly string[]): ChildProcess => {
  const { deps } = stage.context;
  const [node = "", launcher = ""] = deps.execPath;
  const { language } = stage.context.globals;
  // In the language that the caller chose. The commands that are shown do not repeat it.
  const options = language === undefined ? [] : ["--language", language];
  const child = spawn(node, [launcher, ...words, ...options], {
    cwd: stage.folder,
    env: childEnvironment(stage.context, machine.home),
    stdio: ["ignore", "pipe", "pipe"],
  });
  stage.children.add(child);
  child.once("close", () => stage.children.delete(child));
  return child;
};

const finish = (stage: Stage, child: ChildProcess): Promise<Finished> =>
  new Promise((resolve, reject) => {
    let stdout = "";
    let stderr = "";
    child.stdout?.on("data", (chunk: Buffer) => (stdout += chunk.toString("utf8")));
    child.stderr?.on("data", (chunk: Buffer) => (stderr += chunk.toString("utf8")));
    const timer = setTimeout(() => child.kill("SIGKILL"), TIME_LIMIT);
    const stop = (): void => void child.kill("SIGTERM");
    stage.context.deps.signal.addEventListener("abort", stop, { once: true });
    child.once("error", reject);
    child.once("close", (status) => {
      clearTimeout(timer);
      stage.context.deps.signal.removeEventListener("abort", stop);
      resolve({ status, stdout, stderr });
    });
  });

const print = (stage: Stage, text: Text): Promise<void> =>
  stage.context.globals.json ? Promise.resolve() : stage.context.emit({ value: {}, text });

const heading = (stage: Stage, title: Message): Promise<void> =>
  print(stage, (translate) => `\n# ${translate(title)}\n`);

/** What fails once the person has interrupted it is no failure of the story. */
const refuseInterrupted = ({ context }: Stage): void => {
  if (context.deps.signal.aborted) throw new MeshError("interrupted", msg("interrupted"));
};

/** Runs a command without showing it, and gives its JSON. */
const ask = async (stage: Stage, machine: Machine, words: readonly string[]): Promise<Record<string, unknown>> => {
  const { stdout } = await finish(stage, start(stage, machine, [...words, "--json"]));
  refuseInterrupted(stage);
  return JSON.parse(stdout) as Record<string, unknown>;
};

/** What a command must end with: a status, and where that may have several reasons, what its JSON must tell. */
interface Expected {
  readonly status: number;
  readonly tells: (value: Record<string, unknown>) => boolean;
}

/**
 * Runs a command as its user would, shows both, and insists on how it ends. Its text depends on the language, so where the
 * status is not enough it is asked a second time, for its JSON: only commands that change nothing may be checked so.
 */
const show = async (
  stage: Stage,
  machine: Machine,
  words: readonly string[],
  expected: number | Expected = 0,
): Promise<void> => {
  const command = `${machine.name}$ meshman ${words.map(quote).join(" ")}`;
  await print(stage, raw(`\n${command}\n`));
  const { status, stdout, stderr } = await finish(stage, start(stage, machine, words));
  await print(stage, raw([stdout, stderr].filter((text) => text !== "").join("\n")));
  stage.transcript.push({ command, status });
  refuseInterrupted(stage);
  const wanted = typeof expected === "number" ? expected : expected.status;
  if (status !== wanted || (typeof expected === "object" && !expected.tells(await ask(stage, machine, words)))) {
    throw new MeshError(
      "internal",
      msg("quickstart.unexpected", { command: `meshman ${words.join(" ")}`, status: String(status) }),
      { hint: msg("quickstart.unexpected.hint") },
    );
  }
};

const REMOVED: Expected = { status: 5, tells: ({ status }) => status === "removed" };
const NO_ADMINISTRATOR: Expected = {
  status: 5,
  tells: ({ error }) => (error as { code?: unknown } | undefined)?.code === "not-administrator",
};

/** Starts the portal and waits for its one line. */
const startPortal = async (stage: Stage): Promise<{ url: string; process: ChildProcess }> => {
  const machine = { name: "server", home: join(stage.folder, "server") };
  const words = ["portal", "serve", "--listen", "127.0.0.1:0", "--domain", DOMAIN, "--store", "sqlite:portal.sqlite"];
  await print(stage, raw(`\nserver$ meshman ${words.join(" ")} &\n`));
  const child = start(stage, machine, [...words, "--json"]);
  let text = "";
  let errors = "";
  child.stderr?.on("data", (chunk: Buffer) => (errors += chunk.toString("utf8")));
  const url = await new Promise<string>((resolve, reject) => {
    const fail = (): void =>
      reject(new MeshError("internal", msg("quickstart.portal-failed", { reason: errors.trim() })));
    const timer = setTimeout(fail, TIME_LIMIT);
    child.once("close", fail);
    child.once("error", fail);
    child.stdout?.on("data", (chunk: Buffer) => {
      text += chunk.toString("utf8");
      if (!text.includes("\n")) return;
      clearTimeout(timer);
      child.removeListener("close", fail);
      resolve((JSON.parse(text) as { listening: string }).listening);
    });
  });
  await print(stage, fields([[msg("label.listening"), url]]));
  return { url, process: child };
};

const stopPortal = async (stage: Stage, portal: ChildProcess): Promise<void> => {
  const ended = new Promise<number | null>((resolve) => portal.once("close", resolve));
  portal.kill("SIGTERM");
  const status = await ended;
  if (status !== 0) throw new MeshError("internal", msg("quickstart.portal-status", { status: String(status) }));
  await print(stage, stack(gap, lines(msg("quickstart.portal-stopped"))));
};

export const run: Run = async (context, input) => {
  const keep = input.flag("keep");
  const folder = mkdtempSync(join(context.deps.temporaryFolder, "meshman-quickstart-"));
  const stage: Stage = { context, folder, children: new Set(), transcript: [] };
  const began = context.deps.now().getTime();
  try {
    await play(stage);
  } finally {
    for (const child of stage.children) child.kill("SIGKILL");
    if (!keep) rmSync(folder, { recursive: true, force: true });
  }
  const seconds = Math.round((context.deps.now().getTime() - began) / 100) / 10;
  return {
    value: { ok: true, seconds, commands: stage.transcript, folder: keep ? folder : null },
    text: stack(
      gap,
      keep ? lines(msg("quickstart.files", { folder })) : undefined,
      lines(msg("quickstart.shown", { seconds })),
    ),
  };
};

const play = async (stage: Stage): Promise<void> => {
  const machine = (name: string): Machine => ({ name, home: join(stage.folder, name) });
  const [laptop, phone, desktop] = [machine("laptop"), machine("phone"), machine("desktop")];
  const share = (index: number): string[] => ["--share-file", join("recovery", `share-${index}-of-3.txt`)];

  await heading(stage, msg("quickstart.portal"));
  const portal = await startPortal(stage);
  const at = ["--portal", portal.url];

  await heading(stage, msg("quickstart.profile"));
  await show(stage, laptop, ["account", "validate", ACCOUNT, ...at]);
  await show(stage, laptop, ["profile", "create", "--device-name", "laptop", "--no-passphrase"]);
  await show(stage, laptop, ["account", "create", ACCOUNT, ...at]);

  await heading(stage, msg("quickstart.split"));
  await show(stage, laptop, [
    "escrow",
    "split",
    "--shares",
    "3",
    "--threshold",
    "2",
    "--out",
    "recovery",
    "--erase-master",
  ]);

  await heading(stage, msg("quickstart.connect"));
  const { profile } = (await ask(stage, laptop, ["profile", "show"])) as { profile: { udf: string } };
  await show(stage, phone, [
    ...["device", "connect", ACCOUNT, ...at, "--expect-fingerprint", profile.udf],
    ...["--device-name", "phone", "--no-passphrase"],
  ]);
  const { code } = (await ask(stage, phone, ["device", "status"])) as { code: string };
  await show(stage, laptop, ["device", "pending"]);

  await heading(stage, msg("quickstart.complete"));
  await show(stage, laptop, ["device", "complete", code, "--admin", ...share(1), ...share(2)]);
  await show(stage, phone, ["device", "status"]);
  await show(stage, laptop, ["device", "list"]);

  await heading(stage, msg("quickstart.remove"));
  await show(stage, laptop, ["device", "remove", "phone", ...share(2), ...share(3)]);
  await show(stage, phone, ["device", "status"], REMOVED);

  await heading(stage, msg("quickstart.recover"));
  const thief: Machine = machine("thief");
  renameSync(laptop.home, thief.home);
  await show(stage, desktop, [
    ...["escrow", "recover", "--account", ACCOUNT, ...at, ...share(1), ...share(3)],
    ...["--device-name", "desktop", "--no-passphrase"],
  ]);

  await heading(stage, msg("quickstart.thief"));
  await show(stage, thief, ["device", "remove", "desktop"], NO_ADMINISTRATOR);
  await show(stage, desktop, ["device", "remove", "laptop"]);
  await show(stage, thief, ["device", "status"], REMOVED);

  await heading(stage, msg("quickstart.verify"));
  await show(stage, desktop, ["profile", "verify"]);
  await show(stage, desktop, ["status"]);
  await stopPortal(stage, portal.process);
};
