import { timingSafeEqual } from "node:crypto";
import { join } from "node:path";
import * as v from "valibot";
import { MeshError } from "../errors.js";
import { decodeBase64url, encodeBase64url, utf8 } from "../mesh/bytes.js";
import { canonicalJson } from "../mesh/json.js";
import { SequenceSchema, Sha256Schema, textSchema, UdfSchema } from "../mesh/schema.js";
import { msg } from "../messages/message.js";
import type { Home } from "./home.js";
import type { Keystore } from "./keystore.js";
import { octetsSchema, readStored, writeStored, type Format } from "./stored.js";

/** The newest records seen of a profile. `gap` marks a succession that no portal could prove. */
export interface ProfilePin {
  masterSequence: number;
  masterHash: string;
  masterPayloadHash: string;
  sequence: number;
  hash: string;
  payloadHash: string;
  gap?: true;
}

/** Order of the versions that two pins of one profile speak of. Negative where `a` is the earlier. */
export const comparePins = (a: ProfilePin, b: ProfilePin): number =>
  a.masterSequence - b.masterSequence || a.sequence - b.sequence;

/** The later of two pins of one profile. Where they are of one age they must be the same, which the caller sees to. */
export const laterPin = (here: ProfilePin | undefined, brought: ProfilePin): ProfilePin => {
  if (!here) return brought;
  const later = comparePins(here, brought) >= 0 ? here : brought;
  // What was never proved before is not proved by what comes after it.
  return here.gap === true || brought.gap === true ? { ...later, gap: true } : later;
};

/**
 * The later of two pins of one log. Where their keys differ neither says which is the later, so the one that is here stays. Where they
 * are of one size they must be the same, which the caller sees to.
 */
export const laterLog = (here: LogPin | undefined, brought: LogPin | undefined): LogPin | undefined =>
  here && (!brought || brought.verifier !== here.verifier || brought.size <= here.size) ? here : brought;

/** What a portal has been seen to speak: its absence later is a downgrade. */
export interface PortalPin {
  wrapping: "reference" | "draft";
  extensions: string[];
  /** Of a portal that keeps a log. */
  log?: LogPin;
}

/** The key under which a portal signs the head of its log, and a head that it has signed: none that is behind it is accepted. */
export interface LogPin {
  /** The verifier key of C2SP signed-note. */
  verifier: string;
  size: number;
  /** base64url of 32 octets. */
  root: string;
}

/** By UDF, and by address of the portal. The objects have no prototype, so that any text is safe as a key. */
export interface Pins {
  profiles: Record<string, ProfilePin>;
  portals: Record<string, PortalPin>;
}

const ProfilePinSchema = v.strictObject({
  masterSequence: SequenceSchema,
  masterHash: Sha256Schema,
  masterPayloadHash: Sha256Schema,
  sequence: SequenceSchema,
  hash: Sha256Schema,
  payloadHash: Sha256Schema,
  gap: v.exactOptional(v.literal(true)),
});

const PortalPinSchema = v.strictObject({
  wrapping: v.picklist(["reference", "draft"]),
  extensions: v.pipe(v.array(textSchema(64)), v.maxLength(64)),
  log: v.exactOptional(
    v.strictObject({
      verifier: textSchema(512),
      size: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
      root: Sha256Schema,
    }),
  ),
});

/**
 * An object used as a table. valibot's own record drops names such as `constructor` without a word, and a plain object
 * answers to them with what it inherits.
 */
export const tableSchema = <Value>(name: v.GenericSchema<unknown, string>, value: v.GenericSchema<unknown, Value>) =>
  v.pipe(
    v.custom<object>((input) => typeof input === "object" && input !== null && !Array.isArray(input)),
    v.transform((input) => Object.entries(input) as unknown),
    v.array(v.tuple([name, value])),
    v.transform((entries) => table(entries)),
  );

export const table = <Value>(entries: Iterable<readonly [string, Value]>): Record<string, Value> =>
  Object.assign(Object.create(null) as Record<string, Value>, Object.fromEntries(entries));

/** The address of a portal, as the name of a row. */
export const PortalSchema = v.pipe(textSchema(4096), v.notValue("__proto__"));

/** Pins without what authenticates them here. */
export const PinsSchema = v.strictObject({
  profiles: tableSchema(UdfSchema, ProfilePinSchema),
  portals: tableSchema(PortalSchema, PortalPinSchema),
});

const FileSchema = v.strictObject({
  version: v.literal(1),
  keystore: octetsSchema(16),
  ...PinsSchema.entries,
  mac: octetsSchema(32),
});
type PinsFile = v.InferOutput<typeof FileSchema>;

const FORMAT: Format<typeof FileSchema> = {
  schema: FileSchema,
  limit: 4 * 1024 * 1024,
  code: "state-corrupt",
  hint: msg("keystore.pins-damaged.hint"),
};

const pathOf = (home: Home): string => join(home.path, "pins.json");

const readFile = (home: Home): PinsFile | undefined => readStored(home, pathOf(home), FORMAT);

const empty = (): Pins => ({ profiles: table<ProfilePin>([]), portals: table<PortalPin>([]) });

/** All but the MAC itself, in one spelling. */
const macOf = (file: Omit<PinsFile, "mac">, keystore: Keystore): Buffer =>
  keystore.mac(utf8(`meshman/pins:${canonicalJson(file)}`));

const checked = (home: Home, keystore: Keystore): Pins => {
  const file = readFile(home);
  if (!file) return empty();
  const { mac, ...rest } = file;
  const genuine = rest.keystore === keystore.id && timingSafeEqual(decodeBase64url(mac), macOf(rest, keystore));
  if (genuine) return { profiles: file.profiles, portals: file.portals };
  throw new MeshError("pins-tampered", msg("keystore.pins-tampered", { path: pathOf(home) }), {
    hint: msg("keystore.pins-tampered.hint"),
  });
};

/**
 * The pins of a home without a look at their MAC, for commands that never unlock. Empty where there is no file.
 * Throws `state-corrupt`, `keystore-version`, `keystore-permissions`, `io-failed`.
 */
export const readPins = (home: Home): Pins => {
  const file = readFile(home);
  return file ? { profiles: file.profiles, portals: file.portals } : empty();
};

/** The pins of a home, authenticated by the keystore. Throws `pins-tampered` and what `readPins` throws. */
export const loadPins = (home: Home, keystore: Keystore): Pins => checked(home, keystore);

/** Replaces the pins by what `change` makes of the current, authenticated ones, under the lock and durably. */
export const updatePins = (home: Home, keystore: Keystore, change: (pins: Pins) => Pins): Promise<Pins> =>
  home.withLock(() => {
    const before = checked(home, keystore);
    const unchanged = canonicalJson(before);
    const after = change(before);
    const pins = { profiles: table(Object.entries(after.profiles)), portals: table(Object.entries(after.portals)) };
    if (canonicalJson(pins) === unchanged) return pins;
    const body = { version: 1 as const, keystore: keystore.id, ...pins };
    const file = { ...body, mac: encodeBase64url(macOf(body, keystore)) };
    if (!v.is(FileSchema, file)) throw new MeshError("internal", msg("keystore.pins-malformed"));
    writeStored(home, pathOf(home), file, FORMAT.limit);
    return pins;
  });
