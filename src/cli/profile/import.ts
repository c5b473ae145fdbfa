import { MeshError } from "../../errors.js";
import { BACKUP_LIMIT, openBackup, readBackup, recordOf, restoreBackup, type Backup } from "../../keystore/backup.js";
import { findProfile, readProfile, type ProfileState } from "../../keystore/state.js";
import { readDevice } from "../../mesh/records/device.js";
import { deviceName, findDevice, type PersonalProfile } from "../../mesh/records/personal.js";
import { compareVersions } from "../../mesh/succession.js";
import { msg } from "../../messages/message.js";
import { confirmed, type Context, type Run } from "../context.js";
import { readNamedFile } from "../input.js";
import { checkName } from "../names.js";
import { fields, gap, lines, printableLines, stack } from "../output.js";
import { creationTime } from "../select.js";
import { openOrCreateKeystore, removeOrphans } from "../session.js";
import { backupPassphrase } from "./backup-passphrase.js";
import { describeBackup } from "./export.js";

export const run: Run = async (context, input) => {
  const path = input.argument(0) ?? "";
  const label = input.text("name");
  const wanted = {
    name: label === undefined ? undefined : checkName(label, "profile"),
    replace: input.flag("replace"),
  };
  const file = readBackup(readNamedFile(context, path, BACKUP_LIMIT), path);
  const passphrase = await backupPassphrase(context, input);
  const backup = await openBackup(file, passphrase).finally(() => passphrase.fill(0));
  const { udf } = backup.state;
  const contents = describeBackup(backup);
  const present = readProfile(context.home, udf);
  const name = chooseName(context, backup.state, present, wanted);
  refuseUseless(backup.state, present);
  await show(context, backup, present, name);
  await confirmed(context, msg("backup.question", { name }));

  const keystore = await openOrCreateKeystore(context, !input.flag("passphrase"));
  const { state, replaced } = await context.home.withLock(async () => {
    const restored = await restoreBackup(context.home, keystore, backup, (next, here) => {
      // Another process may have been faster.
      const chosen = chooseName(context, backup.state, here, wanted);
      refuseUseless(backup.state, here);
      return { ...next, name: chosen, created: here?.created ?? creationTime(context) };
    });
    // Of the device that this machine was before, where it was one.
    await removeOrphans(context, keystore);
    return restored;
  });
  const { device, keys } = contents.value;
  const accounts = state.accounts.map(({ account, portal }) => ({ account, portal }));
  return {
    value: { profile: { udf, name: state.name }, device, accounts, keys, replaced },
    text: stack(
      fields([
        [msg("label.profile"), state.name],
        [msg("label.udf"), udf],
        [msg("label.device"), device.name],
        [msg("label.accounts"), accounts.map(({ account }) => account).join(", ") || msg("label.none")],
        [msg("label.keys"), String(keys.length)],
      ]),
      gap,
      lines(replaced ? msg("backup.replaced") : msg("backup.restored")),
    ),
    note: isGone(state) ? msg("backup.not-listed") : undefined,
  };
};

/** The newest version that is known here, or in a backup. */
const newestOf = (...states: readonly (ProfileState | undefined)[]): PersonalProfile | undefined =>
  states
    .flatMap((state) => (state && recordOf(state)) ?? [])
    .sort(compareVersions)
    .at(-1);

/** True where the newest version that is known does not list the device: it was removed, or other keys took its place. */
const isGone = (brought: ProfileState, here?: ProfileState): boolean => {
  const newest = newestOf(brought, here);
  return newest !== undefined && !brought.connecting && !findDevice(newest, brought.device.udf);
};

/**
 * The name that the profile gets here: the one asked for, the one it has here, or that of the backup. Throws `profile-exists`
 * where the profile is here and is not to be replaced, and where another one has the name.
 */
const chooseName = (
  context: Context,
  state: ProfileState,
  here: ProfileState | undefined,
  { name, replace }: { name: string | undefined; replace: boolean },
): string => {
  if (here && !replace) {
    throw new MeshError("profile-exists", msg("backup.profile-here", { name: JSON.stringify(here.name) }), {
      hint: msg("backup.profile-here.hint"),
    });
  }
  const chosen = name ?? here?.name ?? checkName(state.name, "profile");
  const taken = findProfile(context.home, chosen);
  if (taken && taken.udf !== state.udf) {
    throw new MeshError("profile-exists", msg("recover.name-taken", { name: JSON.stringify(chosen) }), {
      hint: msg("recover.name-taken.hint"),
    });
  }
  return chosen;
};

/**
 * Throws `not-connected` where a device that the profile lists no more would take the place of one that it lists: keys that
 * work would go for keys that nobody takes, and perhaps those of the only administrator.
 */
const refuseUseless = (brought: ProfileState, here: ProfileState | undefined): void => {
  const newest = newestOf(brought, here);
  if (!here || !newest || !isGone(brought, here) || !findDevice(newest, here.device.udf)) return;
  throw new MeshError("not-connected", msg("backup.useless"), { hint: msg("backup.useless.hint") });
};

/** What the newest version known here calls this device. */
const nameHere = (state: ProfileState): string => {
  const profile = recordOf(state);
  const listed = profile && findDevice(profile, state.device.udf);
  return listed ? deviceName(profile, listed) : readDevice(state.device.record).name;
};

/** Shows what is about to be written. Who is asked sees it whatever the options say. */
const show = async (
  { deps, globals, translator }: Context,
  backup: Backup,
  here: ProfileState | undefined,
  name: string,
): Promise<void> => {
  if (globals.quiet && globals.yes) return;
  const text = stack(
    lines(msg("backup.holds")),
    fields([
      ...describeBackup(backup).rows,
      [msg("label.named"), name === backup.state.name ? undefined : name],
      [msg("label.replaces"), here && `${nameHere(here)} (${here.device.udf})`],
    ]),
    here && isGone(backup.state, here) ? lines(msg("backup.device-gone")) : undefined,
  );
  await deps.stderr.write(printableLines(text(await translator())));
};
