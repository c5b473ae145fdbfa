import * as fs from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { FileSystem } from "../../src/deps.js";
import { checkFolder, homePath, openHome } from "../../src/keystore/home.js";
import { readKeystoreFacts } from "../../src/keystore/keystore-file.js";
import { listProfiles } from "../../src/keystore/state.js";
import { msg, verbatim } from "../../src/messages/message.js";
import { errorCode, meshError, temporaryFolder, testDeps } from "../support/deps.js";
import { faultyFiles } from "../support/faults.js";

const files = testDeps().fs;
const DATA = Buffer.from("data");

describe("homePath", () => {
  test.each([
    ["linux", { HOME: "/h" }, "/h/.config/meshman"],
    ["linux", { HOME: "/h", XDG_CONFIG_HOME: "/x" }, "/x/meshman"],
    ["linux", { XDG_CONFIG_HOME: "/x" }, "/x/meshman"],
    ["linux", { HOME: "/h", XDG_CONFIG_HOME: "relative" }, "/h/.config/meshman"],
    ["freebsd", { HOME: "/h" }, "/h/.config/meshman"],
    ["darwin", { HOME: "/h", XDG_CONFIG_HOME: "/x" }, "/h/Library/Application Support/meshman"],
    ["win32", { APPDATA: "C:\\Users\\a\\AppData\\Roaming" }, "C:\\Users\\a\\AppData\\Roaming\\meshman"],
    ["linux", { HOME: "/h", MESHMAN_HOME: "/m" }, "/m"],
    ["linux", { HOME: "/h", MESHMAN_HOME: "m" }, "/cwd/m"],
    ["linux", { HOME: "/h", MESHMAN_HOME: "" }, "/h/.config/meshman"],
  ])("on %s with %o is %s", (platform, env, path) => {
    expect(homePath(testDeps({ platform, env, cwd: "/cwd" }))).toBe(path);
  });

  test("prefers the explicit path, relative to the working folder", () => {
    const deps = testDeps({ env: { MESHMAN_HOME: "/m" }, cwd: "/cwd", platform: "linux" });
    expect(homePath(deps, "a/../b")).toBe("/cwd/b");
    expect(homePath(deps, "/abs/")).toBe("/abs");
  });

  test.each([
    ["linux", {}],
    ["linux", { HOME: "relative" }],
    ["darwin", { HOME: "" }],
    ["win32", { HOME: "/h" }],
  ])("on %s with %o has none", async (platform, env) => {
    const error = await meshError(() => homePath(testDeps({ platform, env })));
    expect(error.code).toBe("no-home");
    expect(error.hint).toEqual(msg("keystore.no-home.hint"));
  });

  test("refuses an empty explicit path", async () => {
    expect(await errorCode(() => homePath(testDeps(), ""))).toBe("usage");
  });
});

describe("withLock", () => {
  const newHome = (overrides: Parameters<typeof testDeps>[0] = {}, path = join(temporaryFolder(), "a", "home")) =>
    openHome(testDeps(overrides), path);

  test("opening writes nothing; locking makes a private folder and leaves nothing else", async () => {
    const home = newHome();
    expect(fs.existsSync(home.path)).toBe(false);
    expect(await home.withLock(() => "result")).toBe("result");
    expect(fs.statSync(home.path).mode & 0o777).toBe(0o700);
    expect(fs.readdirSync(home.path)).toEqual([]);
  });

  test.each([0o755, 0o710, 0o707])("refuses a folder of mode %o", async (mode) => {
    const path = temporaryFolder();
    fs.chmodSync(path, mode);
    const error = await meshError(() => newHome({}, path).withLock(() => undefined));
    expect(error).toMatchObject({ code: "keystore-permissions", hint: verbatim(`chmod 700 '${path}'`) });
    // Windows has no such modes.
    expect(() => checkFolder(testDeps({ platform: "win32" }), path)).not.toThrow();
  });

  test("refuses a home that is a file", async () => {
    const path = join(temporaryFolder(), "file");
    fs.writeFileSync(path, "");
    expect(await errorCode(() => newHome({}, path).withLock(() => undefined))).toBe("no-home");
    expect(await errorCode(() => listProfiles(newHome({}, path)))).toBe("no-home");
    expect(await errorCode(() => readKeystoreFacts(newHome({}, path)))).toBe("no-home");
  });

  test("says that a home cannot be written", async () => {
    const path = join(temporaryFolder(), "home");
    const home = newHome({ fs: faultyFiles(files, 1, "EROFS").fs }, path);
    expect(await errorCode(() => home.withLock(() => undefined))).toBe("read-only");
    fs.mkdirSync(path, { mode: 0o700 });
    const again = newHome({ fs: faultyFiles(files, 1, "EROFS").fs }, path);
    expect(await errorCode(() => again.withLock(() => undefined))).toBe("read-only");
    expect(fs.readdirSync(path)).toEqual([]);
  });

  test("runs one work at a time, through whatever object it is asked for", async () => {
    const path = temporaryFolder();
    const homes = [newHome({}, path), newHome({}, path)];
    let running = 0;
    let count = 0;
    const work = async (): Promise<void> => {
      expect(++running).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, 2));
      running--;
      count++;
    };
    await Promise.all(Array.from({ length: 10 }, (_, index) => homes[index % 2]!.withLock(work)));
    expect(count).toBe(10);
  });

  test("joins the lock within one chain of calls, and only there", async () => {
    const path = temporaryFolder();
    const home = newHome({}, path);
    const other = newHome({ sleep: async () => undefined }, path);
    let outside: Promise<string> | undefined;
    await home.withLock(async () => {
      expect(await home.withLock(() => other.withLock(() => "inner"))).toBe("inner");
    });
    await home.withLock(async () => {
      outside = new Promise<void>((resolve) => setTimeout(resolve, 20)).then(() => home.withLock(() => "after"));
    });
    expect(await outside).toBe("after");
  });

  test("lets go after a failure", async () => {
    const home = newHome();
    const failure = new Error("failure");
    await expect(
      home.withLock(() => {
        throw failure;
      }),
    ).rejects.toBe(failure);
    expect(fs.readdirSync(home.path)).toEqual([]);
    expect(await home.withLock(() => 1)).toBe(1);
  });

  test("gives up as busy after 30 seconds of waiting, with random pauses", async () => {
    const path = temporaryFolder();
    fs.mkdirSync(join(path, ".lock"));
    const pauses: number[] = [];
    const home = newHome({ sleep: async (pause) => void pauses.push(pause) }, path);
    expect(await errorCode(() => home.withLock(() => undefined))).toBe("busy");
    const total = pauses.reduce((sum, pause) => sum + pause, 0);
    expect(total).toBeGreaterThanOrEqual(30_000);
    expect(total).toBeLessThan(31_000);
    expect(new Set(pauses).size).toBeGreaterThan(10);
  });

  test("stops waiting when interrupted", async () => {
    const path = temporaryFolder();
    fs.mkdirSync(join(path, ".lock"));
    const controller = new AbortController();
    const home = newHome({ signal: controller.signal }, path);
    setTimeout(() => controller.abort(), 30);
    expect(await errorCode(() => home.withLock(() => undefined))).toBe("interrupted");
  });

  test("takes over from a process that died, and clears up after it", async () => {
    const path = temporaryFolder();
    fs.mkdirSync(join(path, ".lock"));
    fs.mkdirSync(join(path, "profiles"));
    const old = new Date(Date.now() - 60_000);
    fs.utimesSync(join(path, ".lock"), old, old);
    const left = [
      ".owner-0123456789abcdef",
      ".keystore.json.0123456789abcdef.tmp",
      "profiles/.X.json.0123456789abcdef.tmp",
    ];
    const kept = ["notes.tmp", ".keystore.json.tmp"];
    for (const name of [...left, ...kept]) fs.writeFileSync(join(path, name), "");
    await newHome({}, path).withLock(() => {
      for (const name of left) expect(fs.existsSync(join(path, name))).toBe(false);
    });
    expect(fs.readdirSync(path).sort()).toEqual([...kept, "profiles"].sort());
  });

  test("refuses to write or remove outside the lock", async () => {
    const home = newHome({}, temporaryFolder());
    expect(await errorCode(() => home.write(join(home.path, "file"), DATA))).toBe("internal");
    expect(await errorCode(() => home.remove(join(home.path, "file")))).toBe("internal");
    expect(fs.readdirSync(home.path)).toEqual([]);
  });
});

describe("a lock that another process has taken over", () => {
  /** What another process does when it believes this one dead. */
  const takeOver = (path: string): void => {
    for (const name of fs.readdirSync(path)) if (/^\.owner-|\.tmp$/.test(name)) fs.unlinkSync(join(path, name));
  };

  const stages: [string, (path: string, fs: FileSystem) => Partial<FileSystem>][] = [
    [
      "before the temporary file is made",
      (path, inner) => ({ create: (...a) => (takeOverAt(a[0], path), inner.create(...a)) }),
    ],
    ["before the temporary file is complete", (path, inner) => ({ fsync: (fd) => (takeOver(path), inner.fsync(fd)) })],
    ["right before the rename", (path, inner) => ({ rename: (...a) => (takeOver(path), inner.rename(...a)) })],
  ];
  const takeOverAt = (created: string, path: string): void => {
    if (created.endsWith(".tmp")) takeOver(path);
  };

  test.each(stages)("%s stops the write", async (_, wrap) => {
    const path = temporaryFolder();
    fs.writeFileSync(join(path, "file"), "before");
    const home = openHome(testDeps({ fs: { ...files, ...wrap(path, files) } }), path);
    const work = (): void => home.write(join(path, "file"), DATA);
    expect(await errorCode(() => home.withLock(work))).toBe("busy");
    expect(fs.readFileSync(join(path, "file"), "utf8")).toBe("before");
    expect(fs.readdirSync(path)).toEqual([".lock", "file"]);
  });

  test("is left to its new owner", async () => {
    const path = temporaryFolder();
    const home = openHome(testDeps(), path);
    expect(await errorCode(() => home.withLock(() => takeOver(path)))).toBe("busy");
    expect(fs.readdirSync(path)).toEqual([".lock"]);
  });

  test("fails the work even where it writes nothing more", async () => {
    const path = temporaryFolder();
    const home = openHome(testDeps(), path);
    expect(await errorCode(() => home.withLock(() => takeOver(path)))).toBe("busy");
  });

  test("fails the work when the heartbeat notices, and crashes nothing", async () => {
    const path = temporaryFolder();
    const home = openHome(testDeps(), path);
    const code = errorCode(() =>
      home.withLock(async () => {
        fs.rmdirSync(join(path, ".lock"));
        await new Promise((resolve) => setTimeout(resolve, 2300));
        expect(await errorCode(() => home.withLock(() => undefined))).toBe("busy");
        home.write(join(path, "file"), DATA);
      }),
    );
    expect(await code).toBe("busy");
    expect(fs.readdirSync(path)).toEqual([]);
    expect(await home.withLock(() => 1)).toBe(1);
  });
});
