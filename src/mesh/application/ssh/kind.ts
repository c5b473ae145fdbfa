import * as v from "valibot";
import { encodeBase64url, lengthPrefixed, sha256 } from "../../bytes.js";
import { listSchema, problem, textSchema, TimeSchema, UdfSchema } from "../../schema.js";
import type { ApplicationKind } from "../kind.js";
import { readEd25519Text, readKeyText } from "./public-key.js";

// What the SSH catalog (reference-10 section 6.5, which leaves it empty) holds: the public key of each device, and hosts. All that
// is written into files of OpenSSH is of few characters, so that nothing in it needs quotes or could be taken for something else.

const MAX_NAMES = 16;
const MAX_KEYS = 16;

/** A host name or an address, as it stands behind `Host` and in known_hosts: no pattern, no list. */
const HOST = /^[A-Za-z0-9_:][A-Za-z0-9._:-]{0,253}$/;
/** A user name at a host. */
const USER = /^[A-Za-z0-9_.][A-Za-z0-9_.@+-]{0,63}$/;
/** One hop after the other: `user@host:port`, an IPv6 address in brackets. Nothing that a shell would make something of. */
const JUMP =
  /^([A-Za-z0-9_.][A-Za-z0-9_.+-]{0,63}@)?([A-Za-z0-9_][A-Za-z0-9._-]{0,253}|\[[0-9A-Fa-f:.]{2,45}\])(:\d{1,5})?$/;
const MAX_JUMPS = 8;

export const isHostName = (text: string): boolean => HOST.test(text);
export const isUserName = (text: string): boolean => USER.test(text);
export const isJump = (text: string): boolean => {
  const hops = text.split(",");
  return hops.length <= MAX_JUMPS && hops.every((hop) => JUMP.test(hop));
};

const HostNameSchema = v.pipe(v.string(), v.check(isHostName, problem("problem.ssh-host")));

/** The further settings of ssh_config that devices share. None of them runs a program or gives a key or a session away. */
const OptionsSchema = v.looseObject({
  AddressFamily: v.exactOptional(v.picklist(["any", "inet", "inet6"])),
  Compression: v.exactOptional(v.picklist(["yes", "no"])),
  ConnectTimeout: v.exactOptional(v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(3600))),
  RequestTTY: v.exactOptional(v.picklist(["yes", "no", "force", "auto"])),
  ServerAliveInterval: v.exactOptional(v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(86_400))),
});

/** The names of these settings, as ssh_config has them. */
export const SSH_OPTIONS = [
  "AddressFamily",
  "Compression",
  "ConnectTimeout",
  "RequestTTY",
  "ServerAliveInterval",
] as const;
export type SshOptions = v.InferOutput<typeof OptionsSchema>;

const DeviceSchema = v.pipe(
  v.looseObject({
    Kind: v.literal("Device"),
    DeviceUDF: UdfSchema,
    KeyUDF: UdfSchema,
    /** Type and base64, without a comment. */
    PublicKey: textSchema(256),
    /** What the device was called when the key was made. */
    Name: textSchema(256),
    Created: TimeSchema,
    /** Its own word for that, without which nobody lets the key in: see `isOwnDeviceKey`. */
    Signed: v.exactOptional(v.looseObject({})),
  }),
  v.check(({ KeyUDF, PublicKey }) => readEd25519Text(PublicKey)?.udf === KeyUDF, problem("problem.ssh-key")),
);

const HostSchema = v.looseObject({
  Kind: v.literal("Host"),
  Names: listSchema(HostNameSchema, MAX_NAMES),
  /** Type and base64 of each, as in known_hosts. */
  HostKeys: v.exactOptional(
    listSchema(
      v.pipe(
        v.string(),
        v.check((text) => readKeyText(text) !== undefined, problem("problem.ssh-key")),
      ),
      MAX_KEYS,
    ),
  ),
  HostName: v.exactOptional(HostNameSchema),
  User: v.exactOptional(v.pipe(v.string(), v.regex(USER, problem("problem.ssh-user")))),
  Port: v.exactOptional(v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(65_535))),
  ProxyJump: v.exactOptional(v.pipe(v.string(), v.check(isJump, problem("problem.ssh-jump")))),
  Options: v.exactOptional(OptionsSchema),
});

/** What a later version may keep here: it stays as it is. */
const OtherSchema = v.looseObject({
  Kind: v.pipe(
    v.string(),
    v.check((kind) => kind !== "Device" && kind !== "Host", problem("problem.form")),
  ),
});

const SshSchema = v.union([DeviceSchema, HostSchema, OtherSchema]);

export type SshDevice = v.InferOutput<typeof DeviceSchema>;
export type SshHost = v.InferOutput<typeof HostSchema>;
export type SshValue = v.InferOutput<typeof SshSchema>;

export const isSshDevice = (value: SshValue): value is SshDevice => value.Kind === "Device";
export const isSshHost = (value: SshValue): value is SshHost => value.Kind === "Host";

/** The value as a host, where it is a good one. */
export const hostOf = (value: unknown): SshHost | undefined => {
  const result = v.safeParse(HostSchema, value);
  return result.success ? result.output : undefined;
};

/** Settings of ssh_config, where they are good ones: numbers as such. */
export const optionsOf = (value: unknown): SshOptions | undefined => {
  const result = v.safeParse(OptionsSchema, value);
  return result.success ? result.output : undefined;
};

const idOf = (what: string, text: string): string =>
  encodeBase64url(sha256(lengthPrefixed("mmm/ssh", what, text)).subarray(0, 16));

/** The identifier of the entry of a device: it has one. */
export const deviceEntryId = (deviceUdf: string): string => idOf("device", deviceUdf);

/** The identifier of a new entry for a host, so that two devices that add the same host make one entry. */
export const hostEntryId = (name: string): string => idOf("host", name.toLowerCase());

export const SSH: ApplicationKind<SshValue> = {
  type: "SSHProfile",
  name: "ssh",
  schema: SshSchema,
  label: (value) => (isSshDevice(value) ? [value.DeviceUDF] : isSshHost(value) ? value.Names : []),
};
