import { MeshError } from "../../errors.js";
import { isOwnDeviceKey, signDeviceKey } from "../../mesh/application/ssh/device-key.js";
import {
  deviceEntryId,
  hostEntryId,
  hostOf,
  isHostName,
  isJump,
  isSshDevice,
  isSshHost,
  isUserName,
  optionsOf,
  SSH_OPTIONS,
  type SshDevice,
  type SshHost,
  type SshOptions,
} from "../../mesh/application/ssh/kind.js";
import { hostKeysIn } from "../../mesh/application/ssh/known-hosts.js";
import { ed25519Blob, ed25519Text, sshFingerprint } from "../../mesh/application/ssh/public-key.js";
import { publicKeyOf } from "../../mesh/keys.js";
import { recordTime } from "../../mesh/schema.js";
import { msg } from "../../messages/message.js";
import { changingSession } from "../application/access.js";
import { confirmed, type Context, type Input, type Run } from "../context.js";
import { optionInvalid, readNamedFile } from "../input.js";
import { fields, type Result } from "../output.js";
import { requireConnected } from "../session.js";
import { changeSsh, newestProfile } from "./catalog.js";
import { describeHost, hostFields } from "./describe.js";
import { changedKeys, withKeys } from "./host-keys.js";
import { ensureOwnKey, findOwnKey, ownComment, ownName, type OwnKey } from "./own-key.js";
import { applicationView } from "../application/view.js";

const KEY_FILE_LIMIT = 4 * 1024 * 1024;
const HOST_OPTIONS = ["hostname", "user", "port", "jump", "hostKeyFile", "option"];

export const run: Run = async (context, input) => {
  if (input.arguments(0).length > 0) return addHost(context, input);
  if (HOST_OPTIONS.some((name) => input.flag(name))) {
    throw new MeshError("usage", msg("ssh.options-of-host"), { hint: msg("ssh.options-of-host.hint") });
  }
  return addDevice(context, input);
};

/** Makes the key of this device, where it has none, and shares its public half. */
const addDevice = async (context: Context, input: Input): Promise<Result> => {
  const session = await changingSession(context);
  const { udf } = session.state.device;
  requireConnected(session, newestProfile(session));
  const made: { own?: OwnKey; isNew: boolean } = { isNew: false };
  const { application, synced } = await changeSsh(session, input, async (current) => {
    if (!current.canWrite && !findOwnKey(session)) throw readOnly(current.name);
    const own = await ensureOwnKey(session);
    made.own = own;
    made.isNew ||= own.isNew;
    const id = deviceEntryId(udf);
    const deviceKey = session.keystore.get(udf, "device-signature");
    const value: SshDevice = {
      Kind: "Device",
      DeviceUDF: udf,
      KeyUDF: own.key.kid,
      PublicKey: ed25519Text(own.key),
      Name: ownName(session, newestProfile(session)),
      Created: recordTime(new Date(own.created)),
      Signed: { ...signDeviceKey(session.state.udf, { DeviceUDF: udf, KeyUDF: own.key.kid }, deviceKey) },
    };
    const entry = await current.entry(id);
    const isThere =
      entry &&
      isSshDevice(entry.value) &&
      entry.value.KeyUDF === value.KeyUDF &&
      isOwnDeviceKey(session.state.udf, entry.value, publicKeyOf(deviceKey));
    if (isThere && entry.others.length === 0) return [];
    // What else is said of this device's key is not known to whoever said it.
    return [{ put: value, id, orNew: true, settles: entry?.others.map(({ stamp }) => stamp) ?? [] }];
  });
  const { key } = made.own ?? (await ensureOwnKey(session));
  const profile = newestProfile(session);
  const publicKey = `${ed25519Text(key)} ${ownComment(session, profile)}`;
  const fingerprint = sshFingerprint(ed25519Blob(key.x));
  const name = ownName(session, profile);
  return {
    value: {
      device: { udf, name },
      key: { udf: key.kid, fingerprint, publicKey },
      isNew: made.isNew,
      application: applicationView(application),
      synced,
    },
    text: fields([
      [msg("label.device"), name],
      [msg("ssh.label-key"), publicKey],
      [msg("ssh.label-fingerprint"), fingerprint],
    ]),
  };
};

/** Where the application may not be changed there is no use in making a key. */
const readOnly = (name: string): MeshError =>
  new MeshError("application-denied", msg("app.read-only", { name }), { hint: msg("app.read-only.hint") });

const checked = (input: Input, option: string, isGood: (text: string) => boolean): string | undefined => {
  const text = input.text(option);
  if (text !== undefined && !isGood(text)) throw optionInvalid(`--${option}`, text);
  return text;
};

/** `NAME=VALUE` of the settings that are shared, a number where the setting is one. */
const readOptions = (input: Input): SshOptions => {
  const given: Record<string, unknown> = {};
  for (const text of input.list("option")) {
    const [, name = "", value = ""] = /^([A-Za-z]+)=(.*)$/s.exec(text) ?? [];
    const known = SSH_OPTIONS.find((option) => option.toLowerCase() === name.toLowerCase());
    if (known === undefined) {
      throw new MeshError("usage", msg("ssh.option-unknown", { text: JSON.stringify(text.slice(0, 300)) }), {
        hint: msg("ssh.option-unknown.hint", { options: SSH_OPTIONS.join(", ") }),
      });
    }
    given[known] = /^\d{1,6}$/.test(value) ? Number(value) : value;
    if (!optionsOf({ [known]: given[known] })) throw optionInvalid("--option", text);
  }
  return optionsOf(given) ?? {};
};

/** What the line says of a host, the keys of its file left out. */
const readHost = (input: Input): SshHost => {
  const names = [...new Set(input.arguments(0))];
  const bad = names.find((name) => !isHostName(name));
  if (bad !== undefined)
    throw new MeshError("usage", msg("ssh.host-invalid", { host: JSON.stringify(bad.slice(0, 300)) }));
  const [hostName, user, jump] = [
    checked(input, "hostname", isHostName),
    checked(input, "user", isUserName),
    checked(input, "jump", isJump),
  ];
  const port = input.whole("port");
  const options = readOptions(input);
  const host = hostOf({
    Kind: "Host",
    Names: names,
    ...(hostName === undefined ? {} : { HostName: hostName }),
    ...(user === undefined ? {} : { User: user }),
    ...(port === undefined ? {} : { Port: port }),
    ...(jump === undefined ? {} : { ProxyJump: jump }),
    ...(Object.keys(options).length === 0 ? {} : { Options: options }),
  });
  if (!host)
    throw port === undefined
      ? new MeshError("usage", msg("ssh.too-many-names"))
      : optionInvalid("--port", String(port));
  return host;
};

/** A host with what the line says of it on top of what was known. */
const merged = (before: SshHost | undefined, given: SshHost): SshHost => {
  if (!before) return given;
  const { Options: _, ...rest } = given;
  const options = { ...before.Options, ...given.Options };
  return {
    ...before,
    ...rest,
    Names: [...new Set([...before.Names, ...given.Names])],
    ...(Object.keys(options).length === 0 ? {} : { Options: options }),
  };
};

const isSame = (a: SshHost, b: SshHost | undefined): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Shares a host, or changes what is shared of it. */
const addHost = async (context: Context, input: Input): Promise<Result> => {
  const given = readHost(input);
  const path = input.text("hostKeyFile");
  const file = path === undefined ? undefined : readNamedFile(context, path, KEY_FILE_LIMIT).toString("latin1");
  const session = await changingSession(context);
  const result: { host: SshHost; isNew: boolean } = { host: given, isNew: false };
  const { application, synced, ids } = await changeSsh(session, input, async (current) => {
    const entries = await current.entries((labels) => given.Names.some((name) => labels.includes(name)));
    const found = entries.flatMap(({ id, value }) =>
      isSshHost(value) && value.Names.some((name) => given.Names.includes(name)) ? [{ id, host: value }] : [],
    );
    const [before, other] = found;
    if (other)
      throw new MeshError("entry-ambiguous", msg("ssh.host-ambiguous"), { hint: msg("ssh.host-ambiguous.hint") });
    const without = merged(before?.host, given);
    const keys = file === undefined ? [] : hostKeysIn(file, without);
    if (file !== undefined && keys.length === 0) {
      throw new MeshError(
        "entry-not-found",
        msg("ssh.no-host-key", { host: without.Names[0] ?? "", path: path ?? "" }),
        {
          hint: msg("ssh.no-host-key.hint"),
        },
      );
    }
    if (changedKeys(without.HostKeys, keys).length > 0) {
      await confirmed(context, msg("ssh.host-key-question", { host: without.Names[0] ?? "" }));
    }
    const host = withKeys(without, keys);
    if (!hostOf(host)) throw new MeshError("usage", msg("ssh.too-many-names"));
    result.host = host;
    result.isNew = before === undefined;
    if (isSame(host, before?.host)) return [];
    return [{ put: host, ...(before ? { id: before.id } : await newId(current, host)) }];
  });
  const { host, isNew } = result;
  return {
    value: {
      host: describeHost({ host }),
      isNew,
      changed: ids.length > 0,
      application: applicationView(application),
      synced,
    },
    text: hostFields(host),
  };
};

/** The identifier that a host's name gives, unless something else has it already. */
const newId = async (
  current: { entry: (id: string) => Promise<unknown> },
  { Names: [name = ""] }: SshHost,
): Promise<{ id: string; orNew: true } | object> => {
  const id = hostEntryId(name);
  return (await current.entry(id)) === undefined ? { id, orNew: true } : {};
};
