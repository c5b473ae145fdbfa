import { resolve } from "node:path";
import { isMeshError, MeshError } from "../../errors.js";
import {
  BUNDLE_LIMIT,
  encodeBundleKey,
  newBundleId,
  newBundleKey,
  openBundle,
  parseBundleKey,
  readBundle,
  sealBundle,
} from "../../keystore/bundle.js";
import { writeDurably } from "../../keystore/durable.js";
import { readProfile, updateProfile, type AccountState, type Work } from "../../keystore/state.js";
import { createDevice, generateDeviceKeys, nextPersonal, recordTime } from "../../mesh/profile.js";
import { readDevice } from "../../mesh/records/device.js";
import { findDevice, type PersonalProfile } from "../../mesh/records/personal.js";
import { hasCome } from "../../mesh/schema.js";
import { msg } from "../../messages/message.js";
import { grantChange, grantedBy, noteNotGranted, readGranting, type Granting } from "../application/grants.js";
import { changeProfile } from "../change.js";
import type { Context, Input, Run } from "../context.js";
import { deviceKeyEntries, deviceState } from "../device-keys.js";
import { newFilePath, statNamed, writeNewFile } from "../files.js";
import { readNamedFile } from "../input.js";
import { checkName } from "../names.js";
import { fields, gap, lines, raw, readableTime, stack, type Result } from "../output.js";
import { requireProfile } from "../select.js";
import { accountOf, administrationKey, openSession, removeOrphans, type Session } from "../session.js";
import { shellWord } from "./connect-command.js";
import { parseLifetime } from "./lifetime.js";
import { noteSharedName } from "./shared-name.js";

type Begun = Extract<Work, { kind: "preconfigure" }>;

/** What is to be made, and where. Paths are absolute. */
interface Plan {
  readonly name: string;
  readonly path: string;
  readonly keyPath: string | undefined;
  /** In seconds. */
  readonly lifetime: number | undefined;
  readonly granting: Granting;
}

export const run: Run = async (context, input) => {
  const plan = planOf(context, input);
  const state = await requireProfile(context);
  const account = accountOf(context, state);
  // What cannot end well fails before a passphrase is asked for.
  if (!begunBy(state.work, plan)) checkFiles(context, plan);
  const session = await openSession(context, state);
  const begun = await begin(session, plan);
  const device = readDevice(begun.device.record);

  const written = isFinished(context, plan, begun);
  if (!written && plan.keyPath !== undefined) newFilePath(context, plan.keyPath);
  const key = newBundleKey(context.deps.random);
  try {
    const after = await changeProfile(session, async (current, notaryToken) => {
      const signer = administrationKey(session, current);
      const listed = findDevice(current, device.udf);
      const next = listed
        ? current
        : nextPersonal(
            signer,
            current,
            {
              devices: [...current.devices, device],
              deviceNames: { [device.udf]: plan.name },
              notaryToken,
              ...grantChange(current, grantedBy(session, current, plan.granting), device.udf),
              ...(begun.expires === undefined ? {} : { deviceExpiries: { [device.udf]: begun.expires } }),
            },
            context.deps.now(),
          );
      // On disk before it is published: nobody else has these keys.
      if (!written) await writeBundle(session, plan, begun, next, account, key);
      return listed ? undefined : next;
    });
    if (!findDevice(after, device.udf)) throw new MeshError("conflict", msg("change.busy"));
    if (plan.granting.kind === "default") await noteNotGranted(session, after, device.udf);
    await noteSharedName(context, after, device.udf);
    return await handOver(session, plan, begun, account, written ? undefined : key);
  } finally {
    key.fill(0);
  }
};

const planOf = (context: Context, input: Input): Plan => {
  const name = checkName(input.text("name") ?? "", "device");
  const expires = input.text("expires");
  const lifetime = expires === undefined ? undefined : parseLifetime(expires);
  const absolute = (path: string): string => {
    if (path === "") throw new MeshError("usage", msg("file.path-empty"));
    return resolve(context.deps.cwd, path);
  };
  const path = absolute(input.text("out") ?? "");
  const keyOut = input.text("keyOut");
  const keyPath = keyOut === undefined ? undefined : absolute(keyOut);
  if (path === keyPath) throw new MeshError("usage", msg("preconfigure.one-file"));
  return { name, path, keyPath, lifetime, granting: readGranting(input) };
};

/** Both files are to be new. Throws `file-exists`, or `file-unreadable` where there is no folder for one. */
const checkFiles = (context: Context, { path, keyPath }: Plan): void => {
  newFilePath(context, path);
  if (keyPath !== undefined) newFilePath(context, keyPath);
};

/** What an earlier run of the same command has left unfinished. */
const begunBy = (work: readonly Work[], { name, path }: Plan): Begun | undefined =>
  work.find((item): item is Begun => item.kind === "preconfigure" && item.name === name && item.path === path);

/** Makes the device, with its keys on disk first, or takes up what an earlier run has made. */
const begin = ({ context, keystore, state }: Session, plan: Plan): Promise<Begun> => {
  const { deps, home } = context;
  return home.withLock(async () => {
    const current = readProfile(home, state.udf) ?? state;
    const begun = begunBy(current.work, plan);
    if (begun && !isStale(begun, deps.now()) && keystore.has(begun.device.udf)) return begun;
    const isOwn = begun !== undefined && isBundleOf(context, plan.path, begun);
    if (!isOwn) checkFiles(context, plan);
    const now = deps.now();
    const keys = generateDeviceKeys(deps.random);
    const made: Begun = {
      kind: "preconfigure",
      since: recordTime(now),
      // The file of an earlier run is taken for this one's, so that it is replaced.
      id: isOwn ? begun.id : newBundleId(deps.random),
      name: plan.name,
      path: plan.path,
      device: deviceState(createDevice(keys, plan.name, "", now)),
      ...(plan.lifetime === undefined ? {} : { expires: recordTime(new Date(now.getTime() + plan.lifetime * 1000)) }),
    };
    await keystore.add(deviceKeyEntries(keys, state.udf));
    await updateProfile(home, state.udf, (before = current) => ({
      ...before,
      work: [...before.work.filter((item) => item !== begunBy(before.work, plan)), made],
    }));
    return made;
  });
};

/** A device whose time is over before it was handed over is of no use. */
const isStale = ({ expires }: Begun, now: Date): boolean => expires !== undefined && hasCome(expires, now);

/** What `read` gives of a file that may be no bundle at all, or one that does not open: then undefined. */
const ofBundle = <T>(read: () => T): T | undefined => {
  try {
    return read();
  } catch (error) {
    if (isMeshError(error, "decryption-failed", "keystore-version", "too-large")) return undefined;
    throw error;
  }
};

/** True where the file at a path is the bundle that an earlier run has written. */
const isBundleOf = (context: Context, path: string, { id }: Begun): boolean =>
  statNamed(context, path) !== undefined &&
  ofBundle(() => readBundle(readNamedFile(context, path, BUNDLE_LIMIT), path).id) === id;

/** True where an earlier run has written its key into the file, so that only its own traces must be removed. */
const isFinished = (context: Context, { path, keyPath }: Plan, begun: Begun): boolean => {
  if (keyPath === undefined || !statNamed(context, keyPath) || !statNamed(context, path)) return false;
  try {
    const text = readNamedFile(context, keyPath, BUNDLE_LIMIT);
    const key = parseBundleKey(text.toString("utf8"));
    text.fill(0);
    const isOpened = opens(context, path, key, begun);
    key.fill(0);
    return isOpened;
  } catch (error) {
    if (isMeshError(error, "bundle-key-invalid", "too-large")) return false;
    throw error;
  }
};

/** True where the file at a path is the bundle of a device, and a key opens it. */
const opens = (context: Context, path: string, key: Buffer, { device }: Begun): boolean =>
  ofBundle(() => openBundle(readBundle(readNamedFile(context, path, BUNDLE_LIMIT), path), key).device.udf) ===
  device.udf;

/** Writes the bundle, in the place of the one of an earlier run, and of no other file. */
const writeBundle = async (
  { context, keystore, state }: Session,
  plan: Plan,
  begun: Begun,
  profile: PersonalProfile,
  { account, portal }: AccountState,
  key: Buffer,
): Promise<void> => {
  const { deps, home } = context;
  const { udf, authenticationKey, encryptionKey, onlineSignatureKey } = begun.device;
  const text = sealBundle(
    {
      profile,
      device: readDevice(begun.device.record),
      keys: {
        signature: keystore.get(udf, "device-signature"),
        authentication: keystore.get(authenticationKey, "device-authentication"),
        encryption: keystore.get(encryptionKey, "device-encryption"),
        online: keystore.get(onlineSignatureKey, "online-signature"),
      },
      account,
      portal,
      created: recordTime(deps.now()),
      expires: begun.expires,
    },
    begun.id,
    key,
    deps.random,
  );
  await home.withLock(() => {
    const current = readProfile(home, state.udf);
    // Another run of this command has come to its end: the bundle there is the one that it has given the key of.
    if (!current || begunBy(current.work, plan)?.id !== begun.id) throw overtaken();
    if (!isBundleOf(context, plan.path, begun)) newFilePath(context, plan.path);
    writeDurably(deps.fs, plan.path, Buffer.from(text, "utf8"), deps.random);
  });
};

const overtaken = (): MeshError =>
  new MeshError("conflict", msg("preconfigure.overtaken"), { hint: msg("preconfigure.overtaken.hint") });

/** Gives the key away, once, and removes the device's keys from here when that has been done. */
const handOver = async (
  { context, keystore, state }: Session,
  plan: Plan,
  begun: Begun,
  { account, portal }: AccountState,
  key: Buffer | undefined,
): Promise<Result | undefined> => {
  const { home } = context;
  const { path, keyPath } = plan;
  const text = key && encodeBundleKey(key);
  if (key) {
    // Proved before it is shown: what is on disk is what this key opens.
    if (!opens(context, path, key, begun)) throw overtaken();
    if (keyPath !== undefined) writeNewFile(context, keyPath, `${text}\n`);
  }
  const value = {
    device: { udf: begun.device.udf, name: begun.name },
    profile: { udf: state.udf },
    account,
    portal,
    expires: begun.expires ?? null,
    file: path,
    ...(keyPath === undefined ? { key: text } : { keyFile: keyPath }),
  };
  const install = ["meshman device install", shellWord(path), "--key-file", keyPath ? shellWord(keyPath) : "KEYFILE"];
  const result: Result = {
    value,
    text: stack(
      fields([
        [msg("label.device"), begun.name],
        [msg("label.udf"), begun.device.udf],
        [msg("label.expires"), begun.expires && readableTime(begun.expires)],
        [msg("label.bundle"), path],
        [msg("label.bundle-key"), keyPath],
      ]),
      // A message holds no secret, so the key stands behind its label.
      keyPath === undefined ? (translate) => `${translate(msg("label.bundle-key"))}  ${text ?? ""}\n` : undefined,
      keyPath === undefined ? lines(msg("preconfigure.shown-once")) : undefined,
      gap,
      lines(msg("preconfigure.next")),
      raw(`  ${install.join(" ")}\n`),
    ),
    note: msg("preconfigure.apart"),
  };
  // Only when the key has left may this home forget the device.
  if (keyPath === undefined) await context.emit(result);
  await updateProfile(home, state.udf, (current = state) => ({
    ...current,
    work: current.work.filter((item) => item !== begunBy(current.work, plan)),
  }));
  await removeOrphans(context, keystore);
  return keyPath === undefined ? undefined : result;
};
