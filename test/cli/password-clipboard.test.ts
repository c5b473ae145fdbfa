import { PassThrough } from "node:stream";
import { describe, expect, test } from "vitest";
import { runClipboard } from "../../src/cli/password/clipboard-process.js";
import { clipboardTools, desktopOf } from "../../src/cli/password/clipboard-tools.js";
import type { Deps, ProgramStart, RunningProgram } from "../../src/deps.js";
import { testDeps } from "../support/deps.js";

/** A desktop with a clipboard and some programs that reach it. */
const desktop = (installed: readonly string[]) => {
  const state = { content: Buffer.from("before"), calls: [] as string[], env: {} as ProgramStart["env"] };
  const startProgram: Deps["startProgram"] = async ({ command, arguments: words, env, output }) => {
    state.calls.push([command, ...words].join(" "));
    state.env = env;
    if (!installed.includes(command)) {
      const ended = Promise.reject(Object.assign(new Error("spawn"), { code: "ENOENT" }));
      ended.catch(() => undefined);
      return { pipes: undefined, ended, kill: () => undefined };
    }
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
    const isCopying = output === "none";
    const chunks: Buffer[] = [];
    const ended = new Promise<{ status: number }>((resolve) => {
      stdin.on("data", (chunk: Buffer) => void chunks.push(chunk));
      stdin.on("end", () => {
        if (isCopying) {
          state.content = words.includes("--clear") ? Buffer.alloc(0) : Buffer.concat(chunks);
          resolve({ status: 0 });
        } else {
          stdout.on("end", () => resolve({ status: 0 }));
          stdout.end(Buffer.from(state.content));
        }
      });
    });
    const pipes: RunningProgram["pipes"] = isCopying ? undefined : { stdin, stdout, stderr };
    return { pipes, input: stdin, ended, kill: () => undefined };
  };
  return { state, startProgram };
};

const SECRET = "pässword";
const DISPLAY: Readonly<Record<string, string>> = { DISPLAY: ":0" };
const requestOf = (platform: string, env: object): Buffer =>
  Buffer.from(`${JSON.stringify({ platform, env, seconds: 9 })}\n${SECRET}`);

/** Runs the process with `meanwhile` in the place of the time that it waits. */
const play = async (
  installed: readonly string[],
  { platform = "linux", env = DISPLAY, meanwhile = (_: { content: Buffer }): void => undefined } = {},
) => {
  const { state, startProgram } = desktop(installed);
  const waited: number[] = [];
  let during = "";
  const deps = testDeps({
    startProgram,
    readStdin: async () => requestOf(platform, env),
    sleep: async (milliseconds) => {
      waited.push(milliseconds);
      during = state.content.toString();
      meanwhile(state);
    },
  });
  await runClipboard(deps);
  return { ...state, waited, during, said: deps.stdoutText() };
};

describe("the clipboard", () => {
  test("has the secret for a while", async () => {
    const { content, waited, during, said, calls, env } = await play(["xclip"]);
    expect([said, during, content.toString(), waited]).toEqual(["done\n", SECRET, "", [9000]]);
    expect(calls.join()).not.toContain(SECRET);
    expect(env).toEqual({ DISPLAY: ":0" });
  });

  test("is left alone where something else is in it by then", async () => {
    const { content } = await play(["xclip"], { meanwhile: (state) => void (state.content = Buffer.from("other")) });
    expect(content.toString()).toBe("other");
  });

  test("is cleared where a program has put a line end behind the secret", async () => {
    for (const end of ["\n", "\r\n"]) {
      const { content } = await play(["xclip"], {
        meanwhile: (state) => void (state.content = Buffer.from(SECRET + end)),
      });
      expect(content.toString()).toBe("");
    }
  });

  test("is reached by the first program that is there", async () => {
    expect((await play(["xsel"])).calls[1]).toBe("xsel --clipboard --input");
    const both = await play(["wl-copy", "wl-paste", "xclip"], { env: { WAYLAND_DISPLAY: "w", DISPLAY: ":0" } });
    expect(both.calls).toEqual(["wl-copy --type text/plain", "wl-paste --no-newline", "wl-copy --clear"]);
    expect((await play(["pbcopy", "pbpaste"], { platform: "darwin", env: {} })).content.toString()).toBe("");
  });

  test("is cleared where it cannot be looked into", async () => {
    const { content } = await play(["clip.exe"], { platform: "win32", env: {} });
    expect(content).toHaveLength(0);
  });

  test("cannot be reached without a program", async () => {
    expect((await play([])).said).toBe("failed\n");
    expect((await play(["xclip"], { env: {} })).said).toBe("failed\n");
  });

  test("is looked for where the desktop says", () => {
    const desktops = [
      ["darwin", {}, "macos", ["pbcopy"]],
      ["win32", { DISPLAY: ":0" }, "windows", ["clip.exe"]],
      ["linux", { WAYLAND_DISPLAY: "w" }, "wayland", ["wl-copy"]],
      ["linux", { WAYLAND_DISPLAY: "w", DISPLAY: ":0" }, "wayland", ["wl-copy", "xclip", "xsel"]],
      ["linux", { DISPLAY: ":0", WSL_DISTRO_NAME: "x" }, "x11", ["xclip", "xsel", "clip.exe"]],
      ["freebsd", { DISPLAY: ":0" }, "x11", ["xclip", "xsel"]],
      ["linux", { WSL_DISTRO_NAME: "x" }, "wsl", ["clip.exe"]],
      ["linux", { DISPLAY: "" }, "none", []],
    ] as const;
    for (const [platform, env, name, tools] of desktops) {
      expect(desktopOf(platform, env)).toBe(name);
      expect(clipboardTools(platform, env).map(({ copy }) => copy[0])).toEqual(tools);
    }
  });
});
