import { readDevice } from "../../mesh/records/device.js";
import { MeshError } from "../../errors.js";
import { collectBackup, sealBackup, type Backup } from "../../keystore/backup.js";
import { certificateChainPem } from "../../mesh/certificates.js";
import { msg, type Message } from "../../messages/message.js";
import type { Context, Input, Run } from "../context.js";
import { newFilePath, writeNewFile } from "../files.js";
import { knownProfile } from "../known.js";
import { fields, gap, lines, raw, readableTime, stack, type Cell, type Result } from "../output.js";
import { requireProfile } from "../select.js";
import { openKeystore } from "../session.js";
import { newBackupPassphrase, requirePassphrase } from "./backup-passphrase.js";

export const run: Run = async (context, input) => {
  if (input.flag("private")) return backUp(context, input);
  const withPrivate = ["out", "backupPassphraseFile", "backupPassphraseFd"].find((name) => input.flag(name));
  if (withPrivate !== undefined) throw new MeshError("usage", msg("backup.private-only"));
  return exportPublic(context, input);
};

const exportPublic = async (context: Context, input: Input): Promise<Result> => {
  const format = input.text("format") ?? "json";
  if (format !== "json" && format !== "pem") {
    throw new MeshError("usage", msg("profile.no-format", { format: JSON.stringify(format) }), {
      hint: msg("profile.no-format.hint"),
    });
  }
  const state = await requireProfile(context);
  const profile = knownProfile(context, state);
  if (!profile) {
    throw new MeshError("record-not-found", msg("profile.no-version"), {
      hint: msg("profile.no-version.hint"),
    });
  }
  if (format === "json") {
    const records = { SignedMasterProfile: profile.master.record, SignedPersonalProfile: profile.record };
    return { value: records, text: raw(`${JSON.stringify(records)}\n`) };
  }
  const pem = certificateChainPem(profile.master.payload);
  return { value: { pem }, text: raw(pem) };
};

/** Everything of the profile that this device keeps, into a file under a passphrase of its own. */
const backUp = async (context: Context, input: Input): Promise<Result> => {
  const out = input.text("out");
  if (out === undefined || input.text("format") !== undefined) {
    throw new MeshError("usage", out === undefined ? msg("backup.out-needed") : msg("backup.no-format"));
  }
  // What cannot end well fails before a passphrase is asked for.
  newFilePath(context, out);
  requirePassphrase(context, input);
  const state = await requireProfile(context);
  const keystore = await openKeystore(context);
  const passphrase = await newBackupPassphrase(context, input);
  try {
    const backup = await collectBackup(context.home, keystore, state.udf);
    const file = writeNewFile(context, out, await sealBackup(backup, passphrase, context.deps.random));
    const contents = describeBackup(backup);
    return {
      value: { ...contents.value, file },
      text: stack(fields([...contents.rows, [msg("label.file"), file]]), gap, lines(msg("backup.advice"))),
    };
  } finally {
    passphrase.fill(0);
  }
};

/** What a backup holds, for scripts and for people. Nothing in it is secret. */
export const describeBackup = ({ created, state, keys }: Backup) => {
  const udf = state.device.udf;
  const name = state.view?.devices.find((device) => device.udf === udf)?.name ?? readDevice(state.device.record).name;
  const accounts = state.accounts.map(({ account, portal }) => ({ account, portal }));
  const rows: readonly (readonly [Message, Cell])[] = [
    [msg("label.profile"), state.name],
    [msg("label.udf"), state.udf],
    [msg("label.device"), name],
    [msg("label.accounts"), accounts.map(({ account }) => account).join(", ") || msg("label.none")],
    [msg("label.keys"), String(keys.length)],
    [msg("label.master-key"), keys.some(({ key }) => key.kid === state.udf) ? msg("label.yes") : msg("label.no")],
    [msg("label.made"), readableTime(created)],
  ];
  return {
    value: {
      profile: { udf: state.udf, name: state.name },
      device: { udf, name },
      accounts,
      keys: keys.map(({ key, use }) => ({ kid: key.kid, use })),
      created,
    },
    rows,
  };
};
