import { isDeepStrictEqual } from "node:util";
import { MeshError } from "../../errors.js";
import { MAX_VALUE, valueSize } from "../../mesh/application/entry.js";
import {
  MAIL,
  MAX_MAIL_KEY,
  MAX_MAIL_KEYS,
  publishedKeys,
  type MailKey,
  type MailValue,
} from "../../mesh/application/mail.js";
import type { ReadCertificate } from "../../mesh/application/mail-keys.js";
import { msg } from "../../messages/message.js";
import { applicationOptions, changingSession, readingSession } from "../application/access.js";
import { changeApplication, type Application } from "../application/application.js";
import { findEntry } from "../application/named-entry.js";
import type { Context, Input, Run } from "../context.js";
import { readNamedFile } from "../input.js";
import { fields, type Result } from "../output.js";
import { wantedAccount, type MailEntry } from "./account.js";

const KINDS = ["openpgp", "smime"] as const;
type Kind = (typeof KINDS)[number];

/** Text around a key, and the rest of a chain, make a file longer than a key. */
const MAX_FILE = 8 * MAX_MAIL_KEY;

/** What options give. */
interface Given {
  readonly openpgp: MailKey | undefined;
  readonly smime: ReadCertificate | undefined;
}

export const run: Run = async (context, input) => {
  const wanted = wantedAccount(input.argument(0) ?? "");
  const given = await givenKeys(context, input);
  const gone = goneKeys(input);
  const options = applicationOptions(input);
  if (!given.openpgp && !given.smime && gone.size === 0) {
    const session = await readingSession(context);
    return resultOf((await findEntry(session, MAIL, options, wanted)).entry);
  }
  const session = await changingSession(context);
  const { entry } = await findEntry(session, MAIL, options, wanted);
  const value = withKeys(entry.value, given, gone);
  if (isDeepStrictEqual(value, entry.value)) return resultOf(entry, true);
  await warnOther(context, value.EmailAddress, given.smime);
  const changed = await changeApplication(session, MAIL, options, async (application) => {
    await checkSizes(application, entry.id, value);
    return [{ put: value, id: entry.id }];
  });
  return resultOf({ ...entry, value }, changed.synced);
};

const givenKeys = async (context: Context, input: Input): Promise<Given> => {
  const [openpgp, smime] = [input.text("openpgp"), input.text("smime")];
  if (openpgp === undefined && smime === undefined) return { openpgp: undefined, smime: undefined };
  const { readCertificates, readOpenPgp } = await import("../../mesh/application/mail-keys.js");
  return {
    openpgp: openpgp === undefined ? undefined : readOpenPgp(readNamedFile(context, openpgp, MAX_FILE)),
    smime: smime === undefined ? undefined : readCertificates(readNamedFile(context, smime, MAX_FILE)),
  };
};

/** The kinds of keys that are to go. Throws `usage` for one that there is not, or that is given as well. */
const goneKeys = (input: Input): ReadonlySet<Kind> => {
  const gone = new Set<Kind>();
  for (const name of input.list("remove")) {
    const kind = KINDS.find((known) => known === name);
    if (!kind || input.text(kind) !== undefined) {
      throw new MeshError("usage", msg("mail.keys-remove", { kinds: KINDS.join(", ") }));
    }
    gone.add(kind);
  }
  return gone;
};

/** The account with other keys: a new one takes the place of the first of its kind, and the rest of the list stays. */
const withKeys = (account: MailValue, { openpgp, smime }: Given, gone: ReadonlySet<Kind>): MailValue => {
  const published = publishedKeys(account);
  const replaced = [
    ...(openpgp || gone.has("openpgp") ? [published.openpgp] : []),
    ...(smime || gone.has("smime") ? [published.smime] : []),
  ];
  const keys = [
    ...(openpgp ? [openpgp] : []),
    ...(smime ? [smime.key] : []),
    ...(account.Encrypt ?? []).filter((key) => !replaced.includes(key)),
  ];
  const { Encrypt: _, ...rest } = account;
  return keys.length === 0 ? rest : { ...rest, Encrypt: keys };
};

/** Says where a certificate is for another address, or not good now. It is published all the same: who uses it decides. */
const warnOther = async (context: Context, address: string, smime: ReadCertificate | undefined): Promise<void> => {
  if (!smime) return;
  if (!smime.isFor(address)) await context.note(msg("mail.certificate-other", { address }));
  if (!smime.isGood(context.deps.now())) await context.note(msg("mail.certificate-lapsed"));
};

const sizeOfKeys = (account: MailValue): number => {
  const { openpgp, smime } = publishedKeys(account);
  return [openpgp, smime].reduce((size, key) => size + (key ? valueSize(key) : 0), 0);
};

/** Throws `too-large` where the head of the application would have no room for all public keys in it. */
const checkSizes = async (application: Application<MailValue>, id: string, value: MailValue): Promise<void> => {
  const others = (await application.entries()).filter((entry) => entry.id !== id).map((entry) => entry.value);
  const size = [value, ...others].reduce((sum, account) => sum + sizeOfKeys(account), 0);
  if (size > MAX_MAIL_KEYS || valueSize(value) > MAX_VALUE) {
    throw new MeshError("too-large", msg("mail.keys-large", { maximum: MAX_MAIL_KEYS }), {
      hint: msg("mail.key-large.hint"),
    });
  }
};

const resultOf = ({ id, value }: MailEntry, synced?: boolean): Result => {
  const { openpgp, smime } = publishedKeys(value);
  return {
    value: {
      account: { id, address: value.EmailAddress },
      keys: {
        ...(openpgp && { openpgp: { udf: openpgp.UDF, publicKey: openpgp.OpenPGP } }),
        ...(smime && { smime: { udf: smime.UDF, certificate: smime.X509Certificate } }),
      },
      ...(synced !== undefined && { synced }),
    },
    text: fields([
      [msg("mail.label-address"), value.EmailAddress],
      [msg("mail.label-openpgp"), openpgp?.UDF ?? msg("label.none")],
      [msg("mail.label-smime"), smime?.UDF ?? msg("label.none")],
    ]),
    note: synced === undefined || (!openpgp && !smime) ? undefined : msg("mail.keys-public"),
  };
};
