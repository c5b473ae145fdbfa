import type { Edit, StoredEntry } from "../../../src/mesh/application/entry.js";
import { encodeBase64url } from "../../../src/mesh/bytes.js";
import { generateKey } from "../../../src/mesh/keys.js";
import { stream, TIME } from "../support.js";

const random = stream("application devices");

/** Fingerprints of devices that may have written something. */
export const DEVICES = Array.from({ length: 3 }, () => generateKey("device-signature", random).kid);
export const [DEVICE = "", OTHER = ""] = DEVICES;

const numbered = (length: number, number: number): string => {
  const octets = Buffer.alloc(length);
  octets.writeUInt32BE(number, length - 4);
  return encodeBase64url(octets);
};

/** The identifier of an entry, and the stamp of a version, by a number. */
export const idOf = (number: number): string => numbered(16, number);
export const stampOf = (number: number): string => numbered(8, number);

export const storedEntry = (number: number, members: Partial<StoredEntry> = {}): StoredEntry => ({
  Id: idOf(number),
  Stamp: stampOf(number),
  Updated: TIME,
  Device: DEVICE,
  Value: { text: `value ${number}` },
  ...members,
});

export const mapOf = (...entries: readonly StoredEntry[]): ReadonlyMap<string, StoredEntry> =>
  new Map(entries.map((entry) => [entry.Id, entry]));

/** An edit of an entry: its value is a text, or undefined where it is deleted. */
export const editOf = (
  entry: number,
  base: number | undefined,
  stamp: number,
  text: string | undefined,
  members: Partial<Edit> = {},
): Edit => ({
  id: idOf(entry),
  base: base === undefined ? undefined : stampOf(base),
  stamp: stampOf(stamp),
  updated: TIME,
  device: DEVICE,
  value: text === undefined ? undefined : { text },
  ...members,
});
