import { dirname, resolve } from "node:path";
import { isMeshError, MeshError } from "../../errors.js";
import {
  BUNDLE_LIMIT,
  MAX_KEY_TEXT,
  openBundle,
  parseBundleKey,
  readBundle,
  type Bundle,
} from "../../keystore/bundle.js";
import { fileError } from "../../keystore/durable.js";
import type { Keystore } from "../../keystore/keystore.js";
import { laterPin, loadPins, updatePins } from "../../keystore/pins.js";
import { findProfile, readProfile, updateProfile, type ProfileState } from "../../keystore/state.js";
import { recordTime } from "../../mesh/profile.js";
import { deviceExpiry, deviceName } from "../../mesh/records/personal.js";
import { hasCome } from "../../mesh/schema.js";
import { checkPin, pinOf } from "../../mesh/succession.js";
import { msg, type Message } from "../../messages/message.js";
import type { Context, Input, Run } from "../context.js";
import { deviceKeyEntries, deviceState } from "../device-keys.js";
import { inputNeeded, readNamedFile, readSecretOrStdin } from "../input.js";
import { checkName } from "../names.js";
import { fields, gap, lines, readableTime, stack, type Result } from "../output.js";
import { creationTime } from "../select.js";
import { openOrCreateKeystore, removeOrphans } from "../session.js";
import { viewOf } from "../view-of.js";
import { freeName } from "./connect.js";

export const run: Run = async (context, input) => {
  const path = input.argument(0) ?? "";
  const label = input.text("name");
  const wanted = label === undefined ? undefined : checkName(label, "profile");
  const file = readBundle(readNamedFile(context, path, BUNDLE_LIMIT), path);
  const key = await bundleKey(context, input);
  const bundle = ((): Bundle => {
    try {
      return openBundle(file, key);
    } finally {
      key.fill(0);
    }
  })();
  const here = readProfile(context.home, bundle.profile.udf);
  const isInstalled = here?.device.udf === bundle.device.udf;
  if (!isInstalled) {
    refuseLapsed(context, bundle);
    chooseName(context, bundle, here, wanted);
  }
  const state = isInstalled ? here : await install(context, input, bundle, wanted);
  const left = input.flag("keep") ? undefined : removeBundle(context, path);
  return report(context, bundle, state, isInstalled, left);
};

/** The key of the bundle, from where an option says it is, or asked for. Throws `bundle-key-invalid` or `input-required`. */
const bundleKey = async (context: Context, input: Input): Promise<Buffer> => {
  const given = await givenKey(context, input);
  if (given) {
    try {
      return parseBundleKey(given.toString("utf8"));
    } finally {
      given.fill(0);
    }
  }
  if (!context.canAsk) throw inputNeeded(msg("install.what-key"), msg("install.what-key.hint"));
  const text = await context.ask.secret(msg("install.ask-key"), {
    validate: (typed) => {
      try {
        parseBundleKey(typed).fill(0);
        return true;
      } catch (error) {
        return isMeshError(error) ? error.text : msg("bundle.key-mistyped");
      }
    },
  });
  return parseBundleKey(text);
};

const givenKey = async (context: Context, input: Input): Promise<Buffer | undefined> => {
  const [file, fd] = [input.text("keyFile"), input.whole("keyFd")];
  if (file !== undefined && fd !== undefined) throw new MeshError("usage", msg("install.one-key"));
  return readSecretOrStdin(context, { file, fd }, MAX_KEY_TEXT);
};

/** Throws `device-expired`: keys that nobody takes any more are not worth having. */
const refuseLapsed = ({ deps }: Context, { profile, device, expires }: Bundle): void => {
  const now = deps.now();
  const lapsed = [deviceExpiry(profile, device.udf), expires].find((time) => time !== undefined && hasCome(time, now));
  if (lapsed === undefined) return;
  // The profile here is that of the bundle: whether a later one still lists the device, this machine cannot know.
  throw new MeshError("device-expired", msg("device.lapsed", { time: readableTime(lapsed) }), {
    hint: msg("install.lapsed.hint", { udf: device.udf }),
  });
};

/** The name that the profile gets here. Throws `profile-exists` where the profile is here, or another one has the name. */
const chooseName = (
  context: Context,
  { account }: Bundle,
  here: ProfileState | undefined,
  wanted: string | undefined,
): string => {
  if (here) {
    throw new MeshError("profile-exists", msg("install.profile-here", { name: JSON.stringify(here.name) }), {
      hint: msg("install.profile-here.hint"),
    });
  }
  const chosen = wanted ?? freeName(context, account);
  if (findProfile(context.home, chosen)) {
    throw new MeshError("profile-exists", msg("profile.exists", { name: JSON.stringify(chosen) }), {
      hint: msg("profile.exists.hint"),
    });
  }
  return chosen;
};

/** Writes the device into this home: keys first, then the pin, then the state, so that it can be run again wherever it was killed. */
const install = async (
  context: Context,
  input: Input,
  bundle: Bundle,
  wanted: string | undefined,
): Promise<ProfileState> => {
  const { home, deps } = context;
  const { profile, device, keys, account, portal } = bundle;
  const keystore = await openOrCreateKeystore(context, !input.flag("passphrase"));
  return home.withLock(async () => {
    const here = readProfile(home, profile.udf);
    // Another process may have been faster.
    if (here?.device.udf === device.udf) return here;
    const name = chooseName(context, bundle, here, wanted);
    const isBehind = isBehindPin(context, keystore, bundle);
    await removeOrphans(context, keystore);
    await keystore.add(deviceKeyEntries(keys, profile.udf));
    await updatePins(home, keystore, (pins) => ({
      ...pins,
      profiles: { ...pins.profiles, [profile.udf]: laterPin(pins.profiles[profile.udf], pinOf(profile)) },
    }));
    return updateProfile(home, profile.udf, () => ({
      version: 1,
      udf: profile.udf,
      name,
      created: creationTime(context),
      device: deviceState(device),
      accounts: [{ account, portal }],
      ...(isBehind ? {} : { record: profile.record, view: viewOf(profile) }),
      work: [{ kind: "rotate", since: recordTime(deps.now()), device: device.udf }],
    }));
  });
};

/**
 * True where this home saw a later version of the profile before it was deleted here: then the bundle's is not shown. Throws
 * `fork` where the two cannot both be true.
 */
const isBehindPin = ({ home }: Context, keystore: Keystore, { profile }: Bundle): boolean => {
  const pin = loadPins(home, keystore).profiles[profile.udf];
  if (!pin) return false;
  try {
    checkPin(profile, pin);
    return false;
  } catch (error) {
    if (isMeshError(error, "rollback")) return true;
    throw error;
  }
};

/** A bundle installs once: then it is gone. Gives what to tell the user where it cannot be removed. */
const removeBundle = ({ deps }: Context, path: string): Message | undefined => {
  const absolute = resolve(deps.cwd, path);
  try {
    if (!deps.fs.stat(absolute)) return undefined;
    deps.fs.unlink(absolute);
    deps.fs.fsyncDirectory(dirname(absolute));
    return undefined;
  } catch (cause) {
    return msg("install.bundle-left", { path, reason: fileError(cause, absolute, "write").text });
  }
};

const report = (
  context: Context,
  { profile, device, account, portal }: Bundle,
  state: ProfileState,
  isInstalled: boolean,
  left: Message | undefined,
): Result => {
  const expires = deviceExpiry(profile, device.udf) ?? null;
  const name = deviceName(profile, device);
  if (left) context.later.push(left);
  return {
    value: {
      profile: { udf: profile.udf, name: state.name },
      device: { udf: device.udf, name },
      account,
      portal,
      expires,
      installed: !isInstalled,
    },
    text: stack(
      fields([
        [msg("label.profile"), state.name],
        [msg("label.udf"), profile.udf],
        [msg("label.device"), name],
        [msg("label.account"), account],
        [msg("label.expires"), expires === null ? undefined : readableTime(expires)],
      ]),
      gap,
      lines(isInstalled ? msg("install.already") : msg("install.next")),
    ),
  };
};
