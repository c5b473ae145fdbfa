import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect } from "vitest";
import { LAUNCHER, ROOT, test, type Finished, type Running, type Stage } from "../support/program.js";

const PAGE = fs.readFileSync(path.join(ROOT, "docs", "ci.md"), "utf8");
const ACCOUNT = "ci@example.com";

/** What stands under a heading of the page, up to the next one. */
const section = (heading: string): string => {
  const [, text = ""] = PAGE.split(`\n${heading}\n`);
  expect(text, `docs/ci.md has "${heading}"`).not.toBe("");
  return text.split(/^#{2,3} /m)[0] ?? "";
};

/** The first block of a language in a section. */
const block = (heading: string, language: string): string => {
  const [, code] = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "ms").exec(section(heading)) ?? [];
  expect(code, `a block of ${language} under "${heading}"`).toBeDefined();
  return code ?? "";
};

/** Lines that belong below a line of YAML, since they are indented further. */
const below = (lines: readonly string[], index: number): string[] => {
  const depth = (line: string): number => line.length - line.trimStart().length;
  const own = depth(lines[index] ?? "");
  const inner: string[] = [];
  for (const line of lines.slice(index + 1)) {
    if (line.trim() !== "" && depth(line) <= own) break;
    inner.push(line);
  }
  const least = Math.min(...inner.filter((line) => line.trim() !== "").map(depth));
  return inner.map((line) => line.slice(least));
};

/** The text of a key or a list item: what stands behind it, or the block below it. */
const textAt = (lines: readonly string[], index: number, mark: RegExp): string => {
  const rest = (lines[index] ?? "").replace(mark, "").trim();
  return rest === "|" ? `${below(lines, index).join("\n").trimEnd()}\n` : `${rest}\n`;
};

interface Step {
  readonly name: string;
  readonly run: string;
  readonly env: Readonly<Record<string, string>>;
  readonly always: boolean;
}

/** The steps of a GitHub workflow that run something. */
const stepsOf = (yaml: string): Step[] =>
  yaml
    .split(/^ {6}- /m)
    .slice(1)
    .map((text) => `        ${text}`.split("\n"))
    .flatMap((lines): Step[] => {
      const at = (key: string): number => lines.findIndex((line) => line.startsWith(`        ${key}:`));
      const run = at("run");
      if (run < 0) return [];
      const env = at("env");
      const pairs = env < 0 ? [] : below(lines, env).flatMap((line) => [/^(\w+): (.*)$/.exec(line)?.slice(1) ?? []]);
      return [
        {
          name: lines[at("name")]?.trim() ?? "",
          run: textAt(lines, run, /^ *run:/),
          env: Object.fromEntries(pairs.filter(({ length }) => length === 2) as [string, string][]),
          always: lines[at("if")]?.includes("always()") === true,
        },
      ];
    });

/** The items of a list in a GitLab job. */
const itemsOf = (yaml: string, key: string): string[] => {
  const lines = yaml.split("\n");
  const start = lines.findIndex((line) => line === `  ${key}:`);
  if (start < 0) return [];
  const inner = below(lines, start);
  return inner.flatMap((line, index) => (line.startsWith("- ") ? [textAt(inner, index, /^- /)] : []));
};

/** A stage with a portal, the CI's profile, and all that a job of it would find on its machine. */
class Ci {
  /** What every start of meshman by a script was given: its words and its environment. */
  readonly log: string;
  readonly portal: string;
  private count = 0;

  constructor(
    readonly stage: Stage,
    portal: string,
  ) {
    this.portal = portal;
    this.log = stage.path("starts.log");
    fs.mkdirSync(stage.path("bin"));
    fs.mkdirSync(stage.path("desk"), { mode: 0o700 });
    const wrapper = `#!/bin/sh\n{ printf '%s\\n' "$@"; env; } >> "${this.log}"\nexec "${process.execPath}" "${LAUNCHER}" "$@"\n`;
    fs.writeFileSync(stage.path("bin", "meshman"), wrapper, { mode: 0o755 });
  }

  get path(): string {
    return [this.stage.path("bin"), path.dirname(process.execPath), process.env["PATH"] ?? ""].join(path.delimiter);
  }

  /** Runs a script with a shell and its options, as a file, in a folder of the stage. */
  start(shell: string, script: string, env: Readonly<Record<string, string>>, cwd = this.stage.folder): Running {
    const file = this.stage.path(`script-${++this.count}`);
    fs.writeFileSync(file, script);
    const [command = "", ...options] = shell.split(" ");
    return this.stage.start(command, [...options, file], {
      cwd,
      env: { PATH: this.path, ACCOUNT, PORTAL: this.portal, RETRY_PAUSE: "0", ...env },
    });
  }

  run(...words: Parameters<Ci["start"]>): Promise<Finished> {
    return this.start(...words).finished;
  }

  /** Runs a script of the page on the administration device, which must end well. */
  async admin(heading: string): Promise<Finished> {
    const env = { MESHMAN_HOME: this.stage.home("admin") };
    const done = await this.run("sh -e", block(heading, "sh"), env, this.stage.path("desk"));
    expect(done.status, done.stdout + done.stderr).toBe(0);
    return done;
  }

  /** Takes a file away from the administration device, as the page says. */
  take(name: string): string {
    const file = this.stage.path("desk", name);
    expect(fs.statSync(file).mode & 0o777).toBe(0o600);
    const text = fs.readFileSync(file, "utf8");
    fs.rmSync(file);
    return text.trim();
  }

  /** Starts the approver by the words of the unit. */
  approver(): Running {
    const unit = block("## The approver", "ini").replaceAll("\\\n", " ");
    const [, words = ""] = /^ExecStart=\/usr\/local\/bin\/meshman (.*)$/m.exec(unit) ?? [];
    expect(words).not.toBe("");
    return this.stage.launch("admin", words.trim().split(/ +/));
  }

  /** Runs a GitHub job as its runner does: a shell for each step, which hands variables to the next by a file. */
  async github(heading: string, given: Readonly<Record<string, string>>, env: Readonly<Record<string, string>> = {}) {
    const passed: Record<string, string> = { ...env };
    const file = this.stage.path(`github-env-${++this.count}`);
    fs.writeFileSync(file, "");
    const finished: Finished[] = [];
    for (const step of stepsOf(block(heading, "yaml"))) {
      if (!step.always && finished.some(({ status }) => status !== 0)) continue;
      const own = Object.entries(step.env).map(([name, value]) => {
        const [, key = ""] = /^\$\{\{ (?:secrets|vars)\.(\w+) \}\}$/.exec(value) ?? [];
        expect(Object.keys(given), `${name}: ${value}`).toContain(key);
        return [name, given[key] ?? ""] as const;
      });
      const variables = {
        ...passed,
        ...Object.fromEntries(own),
        GITHUB_ENV: file,
        RUNNER_TEMP: this.stage.path("tmp"),
      };
      finished.push(await this.run("bash -e", step.run, variables));
      for (const line of fs.readFileSync(file, "utf8").split("\n")) {
        const [, name, value = ""] = /^(\w+)=(.*)$/.exec(line) ?? [];
        if (name !== undefined) passed[name] = value;
      }
    }
    return finished;
  }

  /** Runs a GitLab job as its runner does: one shell for the scripts before and for the job, another one after it. */
  async gitlab(heading: string, env: Readonly<Record<string, string>>, shell = "bash") {
    const yaml = block(heading, "yaml");
    const options = shell === "bash" ? "set -eo pipefail\n" : "set -e\n";
    const job = [...itemsOf(yaml, "before_script"), ...itemsOf(yaml, "script")].join("");
    const done = await this.run(shell, options + job, env);
    const after = itemsOf(yaml, "after_script").join("");
    const cleaned = await this.run(shell, options + after, env);
    expect(cleaned.status).toBe(0);
    return done;
  }

  /** A file variable as GitLab writes it: readable to others. */
  fileVariable(name: string, text: string): string {
    const file = this.stage.path(`${name}-${++this.count}`);
    fs.writeFileSync(file, text, { mode: 0o644 });
    return file;
  }

  /** What no script may have given to any program. */
  expectUnseen(...secrets: readonly string[]): void {
    const log = fs.readFileSync(this.log, "utf8");
    expect(log).toContain("MESHMAN_HOME=");
    for (const secret of secrets) expect(log.includes(secret)).toBe(false);
  }
}

const open = async (stage: Stage): Promise<{ ci: Ci; portal: Running }> => {
  const { url, running } = await stage.serve();
  const ci = new Ci(stage, url);
  await ci.admin("## The profile");
  // The shares go to other places.
  fs.rmSync(stage.path("desk", "recovery"), { recursive: true });
  return { ci, portal: running };
};

const namesOf = async (stage: Stage): Promise<string[]> =>
  (await stage.meshman("admin", "device list")).devices.map(({ name }) => name);

/** Nothing of a job stays in the folder for temporary files. */
const expectClean = (stage: Stage): void => expect(fs.readdirSync(stage.path("tmp"))).toEqual([]);

describe("a device for each job", () => {
  test("in a plain shell", async ({ stage }) => {
    const { ci, portal } = await open(stage);
    const script = block("### Plain shell, one job", "sh");
    await ci.admin("## A device for each job");
    const pin = ci.take("pin.txt");

    // The approver may come later than the job.
    const waiting = ci.start("sh", script, { MESHMAN_PIN: pin });
    const approver = ci.approver();
    const first = await waiting.finished;
    expect(first.status, first.stdout + first.stderr).toBe(0);
    const [second, third] = await Promise.all([
      ci.run("bash", script, { MESHMAN_PIN: pin }),
      ci.run("sh", script, { MESHMAN_PIN: pin }),
    ]);
    expect([second.status, third.status], second.stderr + third.stderr).toEqual([0, 0]);
    expect(await namesOf(stage)).toEqual(["ci-admin", "ci", "ci", "ci"]);
    expectClean(stage);

    // What is no PIN, or none any more, ends at once; what passes is tried again.
    expect((await ci.run("sh", script, { MESHMAN_PIN: `${pin}A` })).status).toBe(2);
    expect((await ci.run("sh", script, {})).status).not.toBe(0);
    expect((await ci.run("sh", script, { MESHMAN_PIN: pin, ACCOUNT: "nobody@example.com" })).status).toBe(3);
    expect((await approver.stop("SIGTERM")).status).toBe(0);
    await portal.stop("SIGTERM");
    expect((await ci.run("sh", script, { MESHMAN_PIN: pin })).status).toBe(6);
    expectClean(stage);
    ci.expectUnseen(pin);
  });

  test("on GitHub Actions", async ({ stage }) => {
    const { ci } = await open(stage);
    const heading = "### GitHub Actions, one job";
    await ci.admin("## A device for each job");
    const pin = ci.take("pin.txt");
    const approver = ci.approver();
    const given = { MESHMAN_PIN: pin, MESHMAN_ACCOUNT: ACCOUNT, MESHMAN_PORTAL: ci.portal };
    const finished = await ci.github(heading, given);
    expect(
      finished.map(({ status }) => status),
      finished.map(({ stderr }) => stderr).join(),
    ).toEqual([0, 0, 0]);
    expect(finished[1]?.stdout).toContain("ci");
    expect(await namesOf(stage)).toEqual(["ci-admin", "ci"]);
    expectClean(stage);
    // The work is not begun without a device, and what there is of it goes in any case.
    const wrong = await ci.github(heading, { ...given, MESHMAN_PIN: "" });
    expect(wrong.map(({ status }) => status)).toEqual([2, 0]);
    expectClean(stage);
    ci.expectUnseen(pin);
    await approver.stop("SIGTERM");
  });

  test("on GitLab CI", async ({ stage }) => {
    const { ci } = await open(stage);
    const heading = "### GitLab CI, one job";
    await ci.admin("## A device for each job");
    const pin = ci.take("pin.txt");
    const approver = ci.approver();
    const env = { MESHMAN_PIN: ci.fileVariable("MESHMAN_PIN", pin), CI_JOB_ID: "4711" };
    for (const shell of ["bash", "sh"]) {
      const done = await ci.gitlab(heading, env, shell);
      expect(done.status, done.stdout + done.stderr).toBe(0);
      expect(done.stdout).toContain("ci");
    }
    expect(await namesOf(stage)).toEqual(["ci-admin", "ci", "ci"]);
    expectClean(stage);
    const wrong = await ci.gitlab(heading, { ...env, MESHMAN_PIN: ci.fileVariable("MESHMAN_PIN", "P") });
    expect(wrong.status).toBe(2);
    ci.expectUnseen(pin);
    await approver.stop("SIGTERM");
  });

  test("has the passwords that its invite grants, and no others", async ({ stage }) => {
    const { ci } = await open(stage);
    await ci.admin("## Passwords for jobs");
    await stage.meshman("admin", "app create passwords");
    await stage.meshman("admin", "password add own.example --username me --generate");
    const pin = ci.take("jobs-pin.txt");
    const approver = ci.approver();
    const [line = ""] = /`TOKEN=.* -- .\/deploy\.sh`/.exec(section("## Passwords for jobs")) ?? [];
    const job = (reference: string) => {
      const work = line.slice(1, -1).replace("registry.example.com/ci", reference);
      const script = block("### Plain shell, one job", "sh").replace(/^meshman device show$/m, work);
      expect(script).toContain("password run");
      return ci.run("sh", script, { MESHMAN_PIN: pin });
    };
    fs.writeFileSync(stage.path("deploy.sh"), '#!/bin/sh\n[ "${#TOKEN}" -ge 20 ] && echo deployed\n', { mode: 0o755 });
    const done = await job("registry.example.com/ci");
    expect([done.status, done.stdout.endsWith("deployed\n")], done.stderr).toEqual([0, true]);
    expect((await job("own.example/me")).status).toBe(3);
    await approver.stop("SIGTERM");
    ci.expectUnseen(pin);
  });

  test("ends when the PIN has leaked", async ({ stage }) => {
    const { ci } = await open(stage);
    const script = block("### Plain shell, one job", "sh");
    await ci.admin("## A device for each job");
    const pin = ci.take("pin.txt");
    const approver = ci.approver();
    expect((await ci.run("sh", script, { MESHMAN_PIN: pin })).status).toBe(0);
    const { stdout } = await ci.admin("## When a PIN leaks");
    const next = ci.take("new-pin.txt");
    const [, udf = ""] = /meshman device remove (\S+)/.exec(stdout) ?? [];
    await stage.meshman("admin", `device remove ${udf}`);
    expect(await namesOf(stage)).toEqual(["ci-admin"]);
    expect((await ci.run("sh", script, { MESHMAN_PIN: pin })).status).toBe(5);
    expect((await ci.run("sh", script, { MESHMAN_PIN: next })).status).toBe(0);
    expect(await namesOf(stage)).toEqual(["ci-admin", "ci"]);
    ci.expectUnseen(pin, next);
    await approver.stop("SIGTERM");
  });
});

describe("a runner that stays", () => {
  /** The bundle on the runner, and its key for the secret store. */
  const preconfigure = async (ci: Ci): Promise<{ bundle: string; key: string; home: string }> => {
    await ci.admin("## A runner that stays");
    const home = ci.stage.path("runner");
    fs.mkdirSync(home, { mode: 0o700 });
    const bundle = path.join(home, "runner-1.json");
    fs.renameSync(ci.stage.path("desk", "runner-1.json"), bundle);
    return { bundle, key: ci.take("runner-1.key"), home };
  };

  const udfOf = async (stage: Stage): Promise<string> =>
    (await stage.meshman("admin", "device list")).devices.find(({ name }) => name === "runner-1")?.udf ?? "";

  test("in a plain shell", async ({ stage }) => {
    const { ci, portal } = await open(stage);
    const { bundle, key, home } = await preconfigure(ci);
    const script = block("### Plain shell, a runner", "sh");
    const udfs = [await udfOf(stage)];
    // A bundle's key that is none, or another one's, does nothing.
    const wrong = { HOME: home, BUNDLE: bundle, MESHMAN_BUNDLE_KEY: `${key}A` };
    expect((await ci.run("sh", script, wrong)).status).toBe(2);
    const approver = ci.approver();
    for (const [shell, env] of [
      ["sh", { HOME: home, BUNDLE: bundle, MESHMAN_BUNDLE_KEY: key }],
      // The key is of no use any more.
      ["bash", { HOME: home, BUNDLE: bundle }],
    ] as const) {
      const done = await ci.run(shell, script, env);
      expect(done.status, done.stdout + done.stderr).toBe(0);
      expect(fs.existsSync(bundle)).toBe(false);
      udfs.push(await udfOf(stage));
    }
    expect(new Set(udfs).size).toBe(3);
    const home2 = path.join(home, ".meshman-ci");
    const { devices } = JSON.parse(
      (await stage.run("admin", "device list --json", { env: { MESHMAN_HOME: home2 } })).stdout,
    ) as { devices: { current: boolean; udf: string; expires: string | null }[] };
    expect(devices.find(({ current }) => current)).toMatchObject({
      udf: udfs[2],
      expires: expect.any(String) as string,
    });
    expect((await approver.stop("SIGTERM")).status).toBe(0);

    // Without the portal it goes on with the keys that it has; once it is removed it does not go on.
    await portal.stop("SIGTERM");
    const away = await ci.run("sh", script, { HOME: home, BUNDLE: bundle });
    expect(away.status, away.stderr).toBe(0);
    expect(away.stdout).toContain(udfs[2]);
    ci.expectUnseen(key);
  });

  test("on GitHub Actions", async ({ stage }) => {
    const { ci } = await open(stage);
    const { bundle, key, home } = await preconfigure(ci);
    const heading = "### GitHub Actions, a runner";
    const before = await udfOf(stage);
    const approver = ci.approver();
    const given = { MESHMAN_BUNDLE_KEY: key, MESHMAN_BUNDLE: bundle };
    const first = await ci.github(heading, given, { HOME: home });
    expect(
      first.map(({ status }) => status),
      first.map(({ stderr }) => stderr).join(),
    ).toEqual([0, 0]);
    const after = await udfOf(stage);
    expect(after).not.toBe(before);
    expect(first[1]?.stdout).toContain(after);
    // A secret that has been removed is empty.
    const second = await ci.github(heading, { ...given, MESHMAN_BUNDLE_KEY: "" }, { HOME: home });
    expect(second.map(({ status }) => status)).toEqual([0, 0]);
    // Once it has been removed it is told so.
    await stage.meshman("admin", "device remove runner-1");
    expect((await ci.github(heading, given, { HOME: home })).map(({ status }) => status)).toEqual([5]);
    ci.expectUnseen(key);
    await approver.stop("SIGTERM");
  });

  test("on GitLab CI", async ({ stage }) => {
    const { ci } = await open(stage);
    const { bundle, key, home } = await preconfigure(ci);
    const heading = "### GitLab CI, a runner";
    const approver = ci.approver();
    const env = { HOME: home, BUNDLE: bundle, MESHMAN_BUNDLE_KEY: ci.fileVariable("MESHMAN_BUNDLE_KEY", `${key}\n`) };
    for (const shell of ["bash", "sh"]) {
      const before = await udfOf(stage);
      const done = await ci.gitlab(heading, env, shell);
      expect(done.status, done.stdout + done.stderr).toBe(0);
      expect(done.stdout).toContain(await udfOf(stage));
      expect(await udfOf(stage)).not.toBe(before);
    }
    ci.expectUnseen(key);
    await approver.stop("SIGTERM");
  });
});

test("every block of shell on the page is run", () => {
  const headings = [...PAGE.matchAll(/^#{2,3} .*$/gm)].map(([heading]) => heading);
  const withCode = headings.filter((heading) => /^```(sh|yaml|ini)$/m.test(section(heading)));
  const source = fs.readFileSync(path.join(ROOT, "test", "scripts", "ci.test.ts"), "utf8");
  for (const heading of withCode) {
    expect(source).toContain(`"${heading}"`);
    expect([...section(heading).matchAll(/^```(sh|yaml|ini)$/gm)], heading).toHaveLength(1);
  }
});
