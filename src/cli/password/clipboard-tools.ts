/** A program that puts text into the clipboard and gives it back. The text comes and goes through pipes. */
export interface ClipboardTool {
  readonly copy: readonly [string, ...string[]];
  readonly paste: readonly [string, ...string[]];
  /** Without it, nothing is copied over what is there. */
  readonly clear?: readonly [string, ...string[]];
  /** Of what it takes. */
  readonly encoding: "utf8" | "utf16le";
}

const WAYLAND: ClipboardTool = {
  copy: ["wl-copy", "--type", "text/plain"],
  paste: ["wl-paste", "--no-newline"],
  clear: ["wl-copy", "--clear"],
  encoding: "utf8",
};
const XCLIP: ClipboardTool = {
  copy: ["xclip", "-selection", "clipboard", "-in"],
  paste: ["xclip", "-selection", "clipboard", "-out"],
  encoding: "utf8",
};
const XSEL: ClipboardTool = {
  copy: ["xsel", "--clipboard", "--input"],
  paste: ["xsel", "--clipboard", "--output"],
  clear: ["xsel", "--clipboard", "--clear"],
  encoding: "utf8",
};
const MACOS: ClipboardTool = { copy: ["pbcopy"], paste: ["pbpaste"], encoding: "utf8" };
const WINDOWS: ClipboardTool = {
  copy: ["clip.exe"],
  paste: [
    "powershell.exe",
    "-NoProfile",
    "-NonInteractive",
    "-Command",
    "[Console]::OutputEncoding = [Text.Encoding]::UTF8; Get-Clipboard -Raw",
  ],
  encoding: "utf16le",
};

type Environment = Readonly<Record<string, string | undefined>>;

const has = (env: Environment, name: string): boolean => (env[name] ?? "") !== "";

/** What kind of desktop this is, as far as that says how its clipboard is reached. */
export const desktopOf = (
  platform: string,
  env: Environment,
): "macos" | "windows" | "wayland" | "x11" | "wsl" | "none" => {
  if (platform === "darwin") return "macos";
  if (platform === "win32") return "windows";
  if (has(env, "WAYLAND_DISPLAY")) return "wayland";
  if (has(env, "DISPLAY")) return "x11";
  return has(env, "WSL_DISTRO_NAME") ? "wsl" : "none";
};

/** Programs that may be there for the clipboard, in the order in which they are tried. */
export const clipboardTools = (platform: string, env: Environment): readonly ClipboardTool[] => {
  switch (desktopOf(platform, env)) {
    case "macos":
      return [MACOS];
    case "windows":
      return [WINDOWS];
    case "wayland":
      return [WAYLAND, ...(has(env, "DISPLAY") ? [XCLIP, XSEL] : [])];
    case "x11":
      return [XCLIP, XSEL, ...(has(env, "WSL_DISTRO_NAME") ? [WINDOWS] : [])];
    case "wsl":
      return [WINDOWS];
    case "none":
      return [];
  }
};

/** What these programs need to know of the user's session. */
export const SESSION_VARIABLES = [
  "PATH",
  "HOME",
  "DISPLAY",
  "XAUTHORITY",
  "WAYLAND_DISPLAY",
  "XDG_RUNTIME_DIR",
  "WSL_DISTRO_NAME",
  "WSL_INTEROP",
  "SystemRoot",
  "USERPROFILE",
] as const;
