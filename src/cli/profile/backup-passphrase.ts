import { MeshError } from "../../errors.js";
import { msg } from "../../messages/message.js";
import type { Context, Input } from "../context.js";
import { inputNeeded, readPassphrase, type SecretPlace } from "../input.js";
import { askTwice, hintWeak } from "../secrets.js";

const placeOf = (input: Input): SecretPlace => ({
  file: input.text("backupPassphraseFile"),
  fd: input.whole("backupPassphraseFd"),
});

/** Throws `input-required` where the passphrase can neither be read nor asked for, and `usage` where it is given twice. */
export const requirePassphrase = (context: Context, input: Input): void => {
  const { file, fd } = placeOf(input);
  if (file !== undefined && fd !== undefined) throw new MeshError("usage", msg("backup.passphrase-twice"));
  if (file !== undefined || fd !== undefined || context.canAsk) return;
  throw inputNeeded(msg("backup.passphrase-what"), msg("backup.passphrase-what.hint"));
};

/** The passphrase that opens a backup. Throws what `requirePassphrase` throws. */
export const backupPassphrase = async (context: Context, input: Input): Promise<Buffer> => {
  requirePassphrase(context, input);
  const given = await readPassphrase(context, placeOf(input));
  return given ?? Buffer.from(await context.ask.secret(msg("backup.passphrase-ask")), "utf8");
};

/** The passphrase for a new backup, asked for twice on a terminal. A weak one is taken, and said to be weak behind the result. */
export const newBackupPassphrase = async (context: Context, input: Input): Promise<Buffer> => {
  requirePassphrase(context, input);
  const given = await readPassphrase(context, placeOf(input));
  const passphrase = given ?? (await askTwice(context, msg("backup.passphrase-ask-new")));
  hintWeak(context, passphrase);
  return passphrase;
};
