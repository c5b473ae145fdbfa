import { join } from "node:path";
import type { Deps } from "../deps.js";
import { MeshError } from "../errors.js";
import { utf8 } from "../mesh/bytes.js";
import { msg, verbatim, type Message } from "../messages/message.js";
import { systemCode } from "./durable.js";
import { decodeKey, encodeKey, withoutNewline } from "./key-text.js";

/** What the keyring process is asked, as one line of JSON. A key to be kept is the line behind it. */
export interface KeyringRequest {
  readonly operation: "get" | "set" | "remove";
  readonly account: string;
}

/** What the keyring process answers in its first line. Behind it stand a key, or why it failed. */
export const KEYRING_ANSWERS = ["done", "none", "failed"] as const;

/** The keyring that the operating system keeps for a user. Each throws `keyring-unavailable` where it does not answer. */
export interface Keyring {
  /** The key of an account, or undefined where there is none. The caller wipes it. */
  get(account: string): Promise<Buffer | undefined>;
  /** Keeps a key. The caller wipes it. */
  set(account: string, key: Buffer): Promise<void>;
  /** Forgets a key, if there is one. */
  remove(account: string): Promise<void>;
}

/** A keyring may wait for a person, or for nothing at all: nobody waits for it longer than this. Milliseconds. */
const TIME_LIMIT = 2_000;
const ANSWER_LIMIT = 1024;
const REASON_LIMIT = 300;

/** An error of the keyring. */
export const keyringError = (text: Message, cause?: unknown): MeshError =>
  new MeshError("keyring-unavailable", text, { hint: msg("keystore.keyring.hint"), cause });

/** A path as the D-Bus specification writes it in an address. */
const escapeBusPath = (path: string): string =>
  [...utf8(path)]
    .map((octet) => String.fromCharCode(octet))
    .map((character) =>
      /[-\w/.\\*]/.test(character) ? character : `%${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
    )
    .join("");

/**
 * Address of the session bus, or undefined where there is none. The library below would start one where it finds none, and
 * an address may itself name a program to start: neither is wanted, so only addresses of a bus that runs are taken.
 */
const busAddress = ({ env, fs }: Deps): string | undefined => {
  const address = env["DBUS_SESSION_BUS_ADDRESS"] ?? "";
  if (address !== "")
    return address.split(";").every((one) => /^(unix|tcp|nonce-tcp):/.test(one)) ? address : undefined;
  const folder = env["XDG_RUNTIME_DIR"] ?? "";
  if (!folder.startsWith("/")) return undefined;
  const path = join(folder, "bus");
  try {
    return fs.stat(path)?.isSocket === true ? `unix:path=${escapeBusPath(path)}` : undefined;
  } catch {
    return undefined;
  }
};

/** Variables without which the system's keyring is not found. Nothing else is handed on. */
const KEYRING_ENVIRONMENT: Readonly<Record<string, readonly string[]>> = {
  darwin: ["HOME", "USER"],
  win32: ["SystemRoot", "USERPROFILE", "APPDATA", "LOCALAPPDATA"],
};
const UNIX_ENVIRONMENT = ["HOME", "XDG_RUNTIME_DIR"];

/** The environment of the keyring process, or undefined where this machine has no keyring to ask. */
const keyringEnvironment = (deps: Deps): Record<string, string> | undefined => {
  const { env, platform } = deps;
  const names = KEYRING_ENVIRONMENT[platform];
  const bus = names ? undefined : busAddress(deps);
  if (!names && bus === undefined) return undefined;
  const handed = (names ?? UNIX_ENVIRONMENT).flatMap((name) => {
    const value = env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(handed), ...(bus === undefined ? {} : { DBUS_SESSION_BUS_ADDRESS: bus }) };
};

/** True where there may be a keyring. Asks nobody: whether it answers is only known by asking. */
export const mayHaveKeyring = (deps: Deps): boolean => keyringEnvironment(deps) !== undefined;

/** What the keyring process said: a word of `KEYRING_ANSWERS`, and what stands behind it. */
interface Answer {
  readonly word: string;
  readonly rest: Buffer;
}

const ask = async (deps: Deps, request: KeyringRequest, key?: Buffer): Promise<Answer> => {
  const environment = keyringEnvironment(deps);
  if (!environment) throw keyringError(msg("keystore.keyring-none"));
  const text = key && encodeKey(key);
  const input = Buffer.concat([utf8(`${JSON.stringify(request)}\n`), ...(text ? [text] : [])]);
  try {
    const output = await deps.runPart({
      part: "keyring-process",
      input,
      env: environment,
      timeout: TIME_LIMIT,
      limit: ANSWER_LIMIT,
    });
    const end = output.indexOf("\n");
    return { word: output.subarray(0, Math.max(0, end)).toString("latin1"), rest: output.subarray(end + 1) };
  } catch (cause) {
    const silent = systemCode(cause) === "ETIMEDOUT";
    throw keyringError(
      silent ? msg("keystore.keyring-silent", { seconds: TIME_LIMIT / 1000 }) : msg("keystore.keyring-broken"),
      cause,
    );
  } finally {
    text?.fill(0);
    input.fill(0);
  }
};

/** Asks, and gives what stands behind `done`; undefined for `none`. */
const answerOf = async (deps: Deps, request: KeyringRequest, key?: Buffer): Promise<Buffer | undefined> => {
  const { word, rest } = await ask(deps, request, key);
  if (word === "done") return rest;
  if (word === "none") return undefined;
  const said = rest.subarray(0, REASON_LIMIT).toString("utf8").trim();
  const reason = verbatim(said === "" || said.endsWith(".") ? said : `${said}.`);
  throw keyringError(word === "failed" ? msg("keystore.keyring-failed", { reason }) : msg("keystore.keyring-broken"));
};

/**
 * The keyring of this system: the Secret Service of the session bus, the keychain of macOS, or the credential manager of
 * Windows. Each call runs a process of its own, since a keyring that does not answer blocks for good.
 */
export const systemKeyring = (deps: Deps): Keyring => ({
  get: async (account) => {
    const text = await answerOf(deps, { operation: "get", account });
    const key = text && decodeKey(withoutNewline(text));
    text?.fill(0);
    return key;
  },
  set: async (account, key) => {
    await answerOf(deps, { operation: "set", account }, key);
  },
  remove: async (account) => {
    await answerOf(deps, { operation: "remove", account });
  },
});
