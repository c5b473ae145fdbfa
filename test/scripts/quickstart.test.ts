import * as fs from "node:fs";
import { expect } from "vitest";
import { after, test, type Running } from "../support/program.js";

const isLinux = process.platform === "linux";

interface Process {
  readonly pid: number;
  readonly parent: number;
}

const processes = (): Process[] =>
  fs
    .readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = fs.readFileSync(`/proc/${name}/stat`, "utf8");
        const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
        return [{ pid: Number(name), parent }];
      } catch {
        return [];
      }
    });

/** Command line and environment of a process; undefined where it has ended. */
const lookInto = (pid: number): { argv: string[]; env: string[] } | undefined => {
  try {
    const [argv = [], env = []] = ["cmdline", "environ"].map((name) =>
      fs.readFileSync(`/proc/${pid}/${name}`, "utf8").split("\0"),
    );
    return { argv, env: env.filter((entry) => entry !== "") };
  } catch {
    return undefined;
  }
};

const isRunning = ({ child }: Running): boolean => child.exitCode === null && child.signalCode === null;

test.concurrent(
  "quickstart plays the whole story, passes nothing of its caller's on, and leaves nothing behind",
  async ({ stage }) => {
    const passphrases = stage.writeSecret("passphrase", "the caller's own passphrase\n");
    const running = stage.launch("caller", "quickstart", {
      env: { MESHMAN_PASSPHRASE_FILE: passphrases, MESHMAN_PROFILE: "nobody", TOKEN_OF_THE_CALLER: "canary" },
    });
    const seen = new Map<number, { argv: string[]; env: string[] }>();
    while (isLinux && isRunning(running)) {
      for (const { pid, parent } of processes()) {
        const found = parent === running.child.pid && !seen.has(pid) ? lookInto(pid) : undefined;
        // Between fork and exec a child still shows what its parent was started with.
        if (found?.env.some((entry) => entry.startsWith("CI="))) seen.set(pid, found);
      }
      await after(15);
    }
    const { status, stdout, stderr } = await running.finished;
    expect(status, stdout + stderr).toBe(0);
    expect(stderr).toBe("");
    expect(stdout.trimEnd().split("\n").at(-1)).toMatch(/ \d+(\.\d)? s\.$/);
    expect(fs.readdirSync(stage.path("tmp"))).toEqual([]);
    expect(fs.existsSync(stage.home("caller"))).toBe(false);
    if (!isLinux) return;
    expect(seen.size).toBeGreaterThan(10);
    for (const { argv, env } of seen.values()) {
      const names = env.map((entry) => entry.split("=")[0]);
      expect(names, argv.join(" ")).not.toContain("TOKEN_OF_THE_CALLER");
      expect(names.filter((name) => name?.startsWith("MESHMAN"))).toEqual(["MESHMAN_HOME"]);
      expect(env.find((entry) => entry.startsWith("MESHMAN_HOME="))).toContain(stage.path("tmp"));
    }
  },
);

test.concurrent("quickstart --keep leaves the files, and --json gives one document", async ({ stage }) => {
  const { folder, ok, commands } = await stage.meshman("caller", "quickstart --keep");
  expect(ok).toBe(true);
  expect(commands.length).toBeGreaterThan(10);
  expect(folder).toContain(stage.path("tmp"));
  for (const name of ["desktop", "thief", "phone", "recovery"]) {
    expect(fs.statSync(`${folder ?? ""}/${name}`).isDirectory()).toBe(true);
  }
  // What is kept can be looked into; the audit after this test does, too.
  const { profile } = await stage.meshman("caller", `profile show --home ${folder ?? ""}/desktop`);
  expect(profile.masterSequence).toBeGreaterThan(1);
});

test.concurrent("interrupted, quickstart ends its portal and removes its files", async ({ stage }) => {
  const running = stage.launch("caller", "quickstart");
  while (!/http:\/\/127\.0\.0\.1:\d+/.test(running.text()) && isRunning(running)) await after(10);
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(running.text())?.[0] ?? "";
  await after(300);
  expect((await running.stop("SIGINT")).status).toBe(130);
  expect(fs.readdirSync(stage.path("tmp"))).toEqual([]);
  await stage.fails("caller", 6, "portal-unreachable", `portal hello ${url}`);
});
