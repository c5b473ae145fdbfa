import * as fs from "node:fs";
import * as path from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import type { Deps, ProgramStart, RunningProgram } from "../../src/deps.js";
import { connected, filePortal, put, withAccount, type Machine } from "../support/cli.js";

let laptop: Machine;
let portal: string;

/** Adds an entry with a password that is known. */
const add = async (site: string, password: string, ...more: readonly string[]): Promise<void> => {
  put(laptop, "password.txt", password);
  await laptop.ok("password add", site, "--password-file", "password.txt", ...more);
};

beforeEach(async () => {
  portal = filePortal();
  laptop = await withAccount(portal);
  await add("a.example", "secret-a", "--username", "alice");
  await add("b.example:8443", "secret b", "--username", "b/ob@x");
  await add("two.example", "one", "--username", "alice");
  await add("two.example", "two", "--username", "bob");
});

/** Takes the place of other programs. */
const programs = (end: { status?: number; signal?: string } | Error = { status: 0 }) => {
  const started: ProgramStart[] = [];
  const startProgram = async (start: ProgramStart): Promise<RunningProgram> => {
    started.push(start);
    const ended = end instanceof Error ? Promise.reject(end) : Promise.resolve(end);
    return { pipes: undefined, ended, kill: () => undefined };
  };
  return { started, startProgram };
};

const TWO = "mesh://password/two.example/bob";

describe("password run", () => {
  const running = (of: Machine, { startProgram }: { startProgram: Deps["startProgram"] }, env = {}): Machine =>
    of.with({ env, deps: { startProgram } });

  test("puts what references stand for into the environment, and nothing on the line", async () => {
    const all = programs({ status: 7 });
    put(laptop, "x.env", `# comment\nexport FILE="{{ ${TWO} }}"\nPLAIN=mesh\nA=over\n`);
    const env = {
      A: "mesh://password/a.example",
      B: "mesh://password/b.example%3A8443/b%2Fob%40x",
      URL: `postgres://u:${TWO};x`,
      USER_NAME: "mesh://password/a.example//username",
      SPACE: " as it is ",
    };
    const outcome = await running(laptop, all, env).text(
      "password run --env-file x.env -- tool --json mesh://password/a.example",
    );
    expect([outcome.status, outcome.stdout, outcome.stderr]).toEqual([7, "", ""]);
    expect(all.started).toHaveLength(1);
    const [start] = all.started;
    expect(start).toMatchObject({
      command: "tool",
      arguments: ["--json", "mesh://password/a.example"],
      piped: false,
      forwarding: true,
    });
    expect(start?.output).toBeUndefined();
    expect(start?.env).toMatchObject({
      A: "over",
      B: "secret b",
      URL: "postgres://u:two;x",
      USER_NAME: "alice",
      FILE: "two",
      PLAIN: "mesh",
      SPACE: " as it is ",
    });
  });

  test("tells a script how the command has ended", async () => {
    const all = programs({ signal: "SIGTERM" });
    const outcome = await running(laptop, all).run("password run --json -- tool");
    expect([outcome.status, outcome.json]).toEqual([143, { exit: 143 }]);
    expect(all.started[0]?.output).toBe("stderr");
  });

  test.each([
    ["no entry", "mesh://password/nothing.example"],
    ["several entries", "mesh://password/two.example"],
    ["no such user", "mesh://password/a.example/bob"],
    ["a field that is empty", "mesh://password/a.example/alice/notes"],
    ["a field that there is not", "mesh://password/a.example/alice/pin"],
    ["no site", "mesh://password/"],
    ["a broken encoding", "mesh://password/%zz"],
  ])("starts nothing where a reference means %s", async (_, reference) => {
    const all = programs();
    const refused = await running(laptop, all, { GOOD: TWO, BAD: reference }).run("password run -- tool");
    // With --json behind `--` it is the command's.
    expect(refused.status).toBe(3);
    expect(refused.stderr).toContain("mesh://password/");
    expect(refused.stderr).not.toContain("secret");
    expect(all.started).toEqual([]);
  });

  test("needs no profile where there is no reference", async () => {
    const all = programs();
    expect((await running(laptop, all).text("password run -- tool")).status).toBe(0);
  });

  test("says what it cannot do", async () => {
    const missing = programs(Object.assign(new Error("spawn"), { code: "ENOENT" }));
    expect((await running(laptop, missing).run("password run --json -- missing")).code).toBe("usage");
    const all = programs();
    put(laptop, "bad.env", "A=1\nnot a variable\n");
    fs.writeFileSync(path.join(laptop.folder, "octets.env"), Buffer.from([0x41, 0x3d, 0xff]));
    for (const file of ["bad.env", "octets.env"]) {
      expect((await running(laptop, all).run(`password run --json --env-file ${file} -- tool`)).code).toBe("usage");
    }
    const none = await running(laptop, all).run("password run --json --env-file missing.env -- tool");
    expect(none.code).toBe("file-unreadable");
    expect((await running(laptop, all).run("password run")).code).toBe("usage");
    expect(all.started).toEqual([]);
  });

  test("asks the portal for what another device has added", async () => {
    const phone = await connected(laptop);
    await phone.ok("password list");
    await add("later.example", "added later");
    const all = programs();
    const env = { LATER: "mesh://password/later.example" };
    expect((await running(phone, all, env).run("password run --offline -- tool")).status).toBe(3);
    expect((await running(phone, all, env).run("password run -- tool")).status).toBe(0);
    expect(all.started[0]?.env).toMatchObject({ LATER: "added later" });
  });
});

describe("password inject", () => {
  test("fills in a template", async () => {
    put(laptop, "t.ini", `user = "mesh://password/a.example//username"\npass={{ mesh://password/a.example }}\n`);
    const text = 'user = "alice"\npass=secret-a\n';
    expect((await laptop.text("password inject t.ini")).stdout).toBe(text);
    const done = await laptop.ok("password inject t.ini --out out.ini");
    expect(done.json).toEqual({ file: path.join(laptop.folder, "out.ini"), references: 2 });
    expect(fs.readFileSync(path.join(laptop.folder, "out.ini"), "utf8")).toBe(text);
    expect(fs.statSync(path.join(laptop.folder, "out.ini")).mode & 0o777).toBe(0o600);
    expect((await laptop.with({ stdin: `x${TWO}` }).text("password inject -")).stdout).toBe("xtwo");
  });

  test("writes nothing where something is wrong", async () => {
    put(laptop, "bad.ini", `${TWO}\nmesh://password/nothing.example\n`);
    const refused = await laptop.run("password inject bad.ini --out out.ini");
    expect([refused.code, refused.status]).toEqual(["reference-unresolved", 3]);
    expect(refused.stdout).not.toMatch(/"two"/);
    expect((await laptop.text("password inject bad.ini")).stdout).toBe("");
    put(laptop, "good.ini", TWO);
    expect((await laptop.run("password inject good.ini --out good.ini")).code).toBe("file-exists");
    expect((await laptop.run("password inject good.ini")).code).toBe("usage");
    expect((await laptop.run("password inject missing.ini --out out.ini")).code).toBe("file-unreadable");
    fs.writeFileSync(path.join(laptop.folder, "octets"), Buffer.from([0xff]));
    expect((await laptop.run("password inject octets --out out.ini")).code).toBe("usage");
    expect(fs.existsSync(path.join(laptop.folder, "out.ini"))).toBe(false);
  });
});

describe("password git-credential", () => {
  const git = async (action: string, lines: readonly string[], more = ""): Promise<string> => {
    const outcome = await laptop
      .with({ stdin: `${lines.join("\n")}\n\n` })
      .text(`password git-credential ${action} ${more}`);
    expect(outcome.status).toBe(0);
    return outcome.stdout;
  };
  const A = ["protocol=https", "host=a.example"];

  test("answers with what it knows", async () => {
    expect(await git("get", A)).toBe("username=alice\npassword=secret-a\n");
    expect(await git("get", [...A, "path=x.git", "wwwauth[]=Basic", "capability[]=authtype"])).toContain("secret-a");
    expect(await git("get", [...A, "username=alice"])).toContain("secret-a");
    expect(await git("get", [...A, "username=bob"])).toBe("");
    expect(await git("get", ["protocol=https", "host=b.example:8443"])).toContain("secret b");
    expect(await git("get", ["protocol=https", "host=b.example"])).toBe("");
    expect(await git("get", ["protocol=https", "host=two.example"])).toBe("");
    expect(await git("get", ["protocol=https", "host=two.example", "username=bob"])).toContain("two");
    expect(await git("get", ["protocol=https"])).toBe("");
    expect(await git("capability", [])).toBe("");
  });

  test("gives nothing over a line that others read", async () => {
    expect(await git("get", ["protocol=http", "host=a.example"])).toBe("");
    expect(await git("get", ["protocol=http", "host=a.example"], "--allow-http")).toContain("secret-a");
    for (const protocol of ["HTTP", "ftp"]) {
      expect(await git("get", [`protocol=${protocol}`, "host=a.example"])).toBe("");
    }
    await add("localhost:8080", "local-secret");
    expect(await git("get", ["protocol=http", "host=localhost:8080"])).toContain("local-secret");
  });

  test("keeps a login that has worked, and knows one that it has", async () => {
    const listed = async () => (await laptop.ok("password list --json")).stdout;
    const before = await listed();
    await git("store", [...A, "username=alice", "password=secret-a"]);
    expect(await listed()).toBe(before);
    await git("store", [...A, "username=alice", "password=changed"]);
    expect(await git("get", A)).toContain("password=changed");
    expect((await laptop.ok("password get a.example --all")).json).toMatchObject({
      earlier: [{ password: "secret-a" }],
    });
    await git("store", ["protocol=https", "host=new.example", "username=x", "password=y"]);
    expect(await git("get", ["protocol=https", "host=new.example"])).toBe("username=x\npassword=y\n");
    await git("store", ["protocol=https", "host=none.example", "username=x"]);
    expect(await git("get", ["protocol=https", "host=none.example"])).toBe("");
  });

  test("leaves what a wildcard says as it is, and adds the site beside it", async () => {
    await add("*.wild.example", "wild", "--username", "alice");
    const host = ["protocol=https", "host=x.wild.example"];
    await git("store", [...host, "username=alice", "password=wild"]);
    expect(((await laptop.ok("password list wild")).json as { entries: object[] }).entries).toHaveLength(1);
    await git("store", [...host, "username=alice", "password=own"]);
    expect(await git("get", host)).toContain("own");
    expect(await git("get", ["protocol=https", "host=y.wild.example"])).toContain("password=wild");
  });

  test("takes away a password that was refused, and forgets nothing", async () => {
    await git("erase", [...A, "username=alice", "password=another"]);
    expect(await git("get", A)).toContain("secret-a");
    await git("erase", [...A, "username=alice", "password=secret-a"]);
    expect(await git("get", A)).toBe("");
    expect((await laptop.ok("password get a.example --all")).json).toMatchObject({
      earlier: [{ password: "secret-a" }],
    });
    await git("store", [...A, "username=alice", "password=right"]);
    expect(await git("get", A)).toContain("password=right");
  });

  test("never asks, and refuses what git does not say", async () => {
    const outcome = await laptop.with({ stdin: "no line of its\n\n" }).run("password git-credential get");
    expect(outcome.code).toBe("usage");
    const octets = laptop.with({ deps: { readStdin: async () => Buffer.from([0xff, 0x3d, 0x0a]) } });
    expect((await octets.run("password git-credential get")).code).toBe("usage");
    const long = laptop.with({ deps: { readStdin: async (limit) => Buffer.alloc(limit + 1, "a=b\n") } });
    expect((await long.run("password git-credential get")).code).toBe("usage");
    const none = await withAccount(filePortal(), "bob@example.com");
    const silent = await none.with({ tty: true, stdin: `${A.join("\n")}\n` }).text("password git-credential get");
    expect(silent).toMatchObject({ status: 0, stdout: "", stderr: "", asked: [] });
  });

  test("does not give what is no line", async () => {
    put(
      laptop,
      "b.json",
      JSON.stringify({
        items: [
          {
            type: 1,
            name: "x",
            login: { uris: [{ uri: "https://lines.example" }], username: "u", password: "a\nhost=evil" },
          },
        ],
      }),
    );
    await laptop.ok("password import b.json");
    expect(await git("get", ["protocol=https", "host=lines.example"])).toBe("");
  });
});

describe("password get --clip", () => {
  test("hands the secret over through a pipe", async () => {
    const inputs: string[] = [];
    const startDetached: Deps["startDetached"] = async ({ part, input }) => {
      inputs.push(`${part} ${Buffer.from(input).toString("utf8")}`);
      return "done";
    };
    const desktop = laptop.with({ env: { DISPLAY: ":0", SECRET: "x" }, deps: { startDetached, platform: "linux" } });
    const done = await desktop.ok("password get a.example --clip --clear-after 20s");
    expect(done.json).toMatchObject({ copied: "password", clearsAfter: 20 });
    expect(done.stdout).not.toContain("secret-a");
    const [head, secret] = (inputs[0] ?? "").split("\n");
    expect(secret).toBe("secret-a");
    expect(head).toContain('"seconds":20');
    expect(head).not.toContain("SECRET");
    const text = await desktop.text("password get a.example --clip --field username");
    expect(text.stdout).not.toContain("alice");
    expect(inputs[1]).toContain('"seconds":45');
    expect((await desktop.run("password get a.example --clip --clear-after 2h")).code).toBe("usage");
  });

  test.each([
    ["linux", {}],
    ["linux", { DISPLAY: ":0" }],
    ["linux", { WAYLAND_DISPLAY: "wayland-0" }],
    ["linux", { WSL_DISTRO_NAME: "x" }],
    ["darwin", {}],
  ])("says what is missing on %s %j", async (platform, env) => {
    const startDetached: Deps["startDetached"] = async () => "failed";
    const refused = await laptop.with({ env, deps: { startDetached, platform } }).run("password get a.example --clip");
    expect([refused.code, refused.status]).toEqual(["clipboard-unavailable", 5]);
    expect(refused.at("error", "hint")).not.toBe("");
    expect(refused.stdout).not.toContain("secret-a");
    const broken = laptop.with({ env, deps: { platform } });
    expect((await broken.run("password get a.example --clip")).code).toBe("clipboard-unavailable");
  });
});
