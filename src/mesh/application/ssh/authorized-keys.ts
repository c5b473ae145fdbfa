import { ed25519Text, readKeyWords } from "./public-key.js";
import type { PublicKey } from "../../keys.js";

/** A key that may log in: that of a device of the profile. */
export interface DeviceKey {
  readonly device: string;
  readonly name: string;
  readonly key: PublicKey;
}

/** Marks a line as one of a device of a profile, so that it is found when the device has gone. */
const markOf = (profile: string, device: string): string => `mmm:${profile}/${device}`;
const MARK = /(?:^|[ \t])mmm:([A-Z2-7-]{1,64})\/([A-Z2-7-]{1,64})[ \t]*$/;

/** A name in characters that mean nothing to anybody. */
const safeName = (name: string): string =>
  name
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .replace(/[^A-Za-z0-9._@+-]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 64) || "device";

/** What stands behind a device's key wherever it is shown: its name, and which device of which profile it is. */
export const keyComment = (profile: string, { device, name }: Pick<DeviceKey, "device" | "name">): string =>
  `${safeName(name)} ${markOf(profile, device)}`;

/** The line of a device in an authorized_keys file. */
export const authorizedKeysLine = (profile: string, device: DeviceKey): string =>
  `${ed25519Text(device.key)} ${keyComment(profile, device)}`;

/** A line of an authorized_keys file that has a key. */
interface AuthorizedLine {
  readonly base64: string;
  /** The device that it is marked as, where it is one of this program's. */
  readonly mark: { readonly profile: string; readonly device: string } | undefined;
}

/** Where the options of a line end: at the first blank that is not in quotes. */
const endOfOptions = (line: string): number => {
  let isQuoted = false;
  for (let index = 0; index < line.length; index++) {
    const character = line[index];
    if (character === "\\" && line[index + 1] === '"') index++;
    else if (character === '"') isQuoted = !isQuoted;
    else if (!isQuoted && (character === " " || character === "\t")) return index;
  }
  return line.length;
};

const readLine = (text: string): AuthorizedLine | undefined => {
  const line = text.trim();
  if (line === "" || line.startsWith("#")) return undefined;
  for (const rest of [line, line.slice(endOfOptions(line)).trim()]) {
    const [type, base64 = ""] = rest.split(/[ \t]+/, 2);
    if (!readKeyWords(type, base64)) continue;
    const [, profile, device] = MARK.exec(rest) ?? [];
    return { base64, mark: profile === undefined || device === undefined ? undefined : { profile, device } };
  }
  return undefined;
};

const base64Of = (key: PublicKey): string => ed25519Text(key).split(" ")[1] ?? "";

/** A line that is taken out: which device it was of, where that is known. */
export interface RemovedLine {
  readonly device: string | undefined;
}

export interface AuthorizedKeysChange {
  /** What the file is to hold, octet for octet where nothing of it changes. */
  readonly text: string;
  readonly added: readonly DeviceKey[];
  readonly removed: readonly RemovedLine[];
}

const linesIn = (text: string): string[] => (text === "" ? [] : text.replace(/\n$/, "").split("\n"));

/** Adds what is missing. A file that does not end with a line end gets one, or the first new line would be part of its last. */
const withMissing = (profile: string, lines: readonly string[], current: readonly DeviceKey[]) => {
  const present = new Set(lines.map((line) => readLine(line)?.base64));
  const added = current.filter(({ key }) => !present.has(base64Of(key)));
  return { lines: [...lines, ...added.map((device) => authorizedKeysLine(profile, device))], added };
};

const textOf = (before: string, lines: readonly string[], isChanged: boolean): string =>
  isChanged ? lines.map((line) => `${line}\n`).join("") : before;

/** An authorized_keys file with the keys of all current devices. Nothing else of it changes. Text of one octet a character. */
export const installKeys = (text: string, profile: string, current: readonly DeviceKey[]): AuthorizedKeysChange => {
  const { lines, added } = withMissing(profile, linesIn(text), current);
  return { text: textOf(text, lines, added.length > 0), added, removed: [] };
};

/** Whose keys may stay: those of `current`. */
export interface Devices {
  readonly current: readonly DeviceKey[];
  /** Keys of devices that are none of the profile any more, as far as they are known. */
  readonly gone: readonly Pick<DeviceKey, "device" | "key">[];
  /** True for a device of the profile, whether its key is known or not. */
  readonly isCurrent: (device: string) => boolean;
}

/**
 * An authorized_keys file with the keys of the current devices, and without those of devices of this profile that are none any
 * more: the lines that are marked as such a device's, or as a current device's with another key than it has, and those with a key
 * of `gone`, whatever is said beside it. All other lines stay as they are.
 */
export const refreshKeys = (
  text: string,
  profile: string,
  { current, gone, isCurrent }: Devices,
): AuthorizedKeysChange => {
  const keys = new Map(current.map(({ key, device }) => [base64Of(key), device]));
  const old = new Map(gone.map(({ key, device }) => [base64Of(key), device]));
  const removed: RemovedLine[] = [];
  const kept = linesIn(text).filter((line) => {
    const found = readLine(line);
    if (!found || keys.has(found.base64)) return true;
    const marked = found.mark?.profile === profile ? found.mark.device : undefined;
    const isOld = marked !== undefined && (!isCurrent(marked) || current.some(({ device }) => device === marked));
    if (!isOld && !old.has(found.base64)) return true;
    removed.push({ device: marked ?? old.get(found.base64) });
    return false;
  });
  const { lines, added } = withMissing(profile, kept, current);
  return { text: textOf(text, lines, added.length + removed.length > 0), added, removed };
};

/** True where a file lets a key in. */
export const isAuthorized = (text: string, key: PublicKey): boolean =>
  linesIn(text).some((line) => readLine(line)?.base64 === base64Of(key));
