import { MeshError } from "../errors.js";
import { fetchEscrowEntry } from "../client/profiles.js";
import type { PortalClient } from "../client/client.js";
import { certify } from "../mesh/certificates.js";
import { escrowIdentifier, openEscrowEntry, type EscrowedKeys } from "../mesh/escrow.js";
import { rewrapInvites } from "../mesh/invite.js";
import { parseStrictJsonOctets } from "../mesh/json.js";
import type { PrivateKey, PublicKey } from "../mesh/keys.js";
import { nextEpoch, type PersonalChange } from "../mesh/profile.js";
import type { Device } from "../mesh/records/device.js";
import { isAdministrator, type PersonalProfile } from "../mesh/records/personal.js";
import { checkShares, combineShares, parseShare, type Share } from "../mesh/shares.js";
import { msg, type Message } from "../messages/message.js";
import { withClient } from "./change.js";
import type { Context, Input } from "./context.js";
import { readNamedFile } from "./input.js";
import { accountOf, openAccount, type Session } from "./session.js";

const MAX_SHARE_FILE = 4096;
const MAX_ENTRY_FILE = 512 * 1024;

/** The share in a file: its one line that is neither empty nor a comment. */
const shareLines = (text: string): string[] =>
  text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));

/**
 * Reads shares from `--share-file`, from standard input (a share a line), or from prompts, one for each. Every share is
 * checked as it comes. Throws the share errors, `file-unreadable` or `input-required`.
 */
export const readShares = async (context: Context, input: Input): Promise<Share[]> => {
  const files = input.list("shareFile");
  const shares =
    files.length > 0
      ? files.flatMap((file) =>
          shareLines(readNamedFile(context, file, MAX_SHARE_FILE).toString("utf8")).map(parseShare),
        )
      : context.deps.stdinIsTTY
        ? await askShares(context)
        : shareLines((await context.deps.readStdin(64 * 1024)).toString("utf8")).map(parseShare);
  checkShares(shares);
  return shares;
};

const askShares = async (context: Context): Promise<Share[]> => {
  if (!context.canAsk) {
    throw new MeshError("input-required", msg("share.needed"), { hint: msg("share.needed.hint") });
  }
  const shares: Share[] = [];
  do {
    const index = shares.length + 1;
    const question = shares[0]
      ? msg("share.question-of", { index, threshold: shares[0].threshold })
      : msg("share.question", { index });
    const text = await context.ask.secret(question, {
      validate: (entered) => problemOf(() => checkTogether([...shares, parseShare(entered)])),
    });
    shares.push(parseShare(text));
  } while (shares.length < (shares[0]?.threshold ?? 2));
  return shares;
};

const checkTogether = (shares: readonly Share[]): void => {
  try {
    checkShares(shares);
  } catch (error) {
    // While more are still to come, too few is no mistake.
    if (!(error instanceof MeshError) || error.code !== "share-missing") throw error;
  }
};

const problemOf = (check: () => void): Message | true => {
  try {
    check();
    return true;
  } catch (error) {
    return error instanceof MeshError ? error.text : msg("share.invalid");
  }
};

/** What shares and an entry gave back. */
export interface OpenedEscrow {
  /** Null where the keys come from this home and were never split here. */
  readonly identifier: string | null;
  readonly threshold: number | null;
  readonly escrowed: EscrowedKeys;
}

/**
 * Combines shares, finds the escrow entry in a file or at portals, and opens it. Of several entries under one identifier the
 * one that opens is taken. Throws the share errors, `record-not-found` or the last reason why no entry opened.
 */
export const openEscrow = async (
  context: Context,
  input: Input,
  shares: readonly Share[],
  clients: readonly PortalClient[],
): Promise<OpenedEscrow> => {
  const { key, identifier } = combineShares(shares, escrowIdentifier);
  let failure: { readonly reason: unknown } | undefined;
  try {
    const candidates: unknown[] = input.list("entryFile").map((file) => readEntryFile(context, file));
    for (const client of clients) candidates.push(...(await fetchEscrowEntry(client, identifier)));
    for (const candidate of candidates) {
      try {
        const escrowed = await openEscrowEntry(candidate, key);
        return { identifier, threshold: shares[0]?.threshold ?? 0, escrowed };
      } catch (error) {
        failure = { reason: error };
      }
    }
  } finally {
    key.fill(0);
  }
  if (failure) throw failure.reason;
  throw new MeshError("record-not-found", msg("escrow.no-entry", { identifier }), {
    hint: msg("escrow.no-entry.hint"),
  });
};

const readEntryFile = (context: Context, file: string): unknown => {
  const value = parseStrictJsonOctets(readNamedFile(context, file, MAX_ENTRY_FILE));
  const isTagged = typeof value === "object" && value !== null && "OfflineEscrowEntry" in value;
  return isTagged ? value.OfflineEscrowEntry : value;
};

/** The master signature key of a profile: from this home, or from shares, used in memory and forgotten. */
export const masterKey = async (session: Session, input: Input, profile: PersonalProfile): Promise<PrivateKey> => {
  const { context, keystore, state } = session;
  if (keystore.has(profile.udf)) return keystore.get(profile.udf, "master-signature");
  if (input.list("shareFile").length === 0) {
    throw new MeshError("master-key-needed", msg("master.needed"), { hint: msg("master.needed.hint") });
  }
  const shares = await readShares(context, input);
  const fromFile = input.list("entryFile").length > 0;
  const { escrowed } = fromFile
    ? await openEscrow(context, input, shares, [])
    : await withClient(openAccount(context, accountOf(context, state)), (client) =>
        openEscrow(context, input, shares, [client]),
      );
  if (escrowed.master.udf !== profile.udf) {
    throw new MeshError("fingerprint-mismatch", msg("share.other-profile"));
  }
  return escrowed.keys.signature;
};

/**
 * Makes the next epoch with fresh certificates for other programs. `encryptionKey` is that of this device: with it, a new
 * administrator can open the invites that this one can.
 */
export const makeEpoch = async (
  context: Context,
  master: PrivateKey,
  signer: PrivateKey,
  previous: PersonalProfile,
  administrators: readonly Device[],
  change: PersonalChange,
  encryptionKey?: PrivateKey,
): Promise<PersonalProfile> => {
  const now = context.deps.now();
  const isJoined = administrators.some(({ udf }) => !isAdministrator(previous, udf));
  const held = { invites: change.invites ?? previous.invites };
  const rewrapped =
    encryptionKey && isJoined ? { invites: await rewrapInvites(held, administrators, encryptionKey, now) } : {};
  const certificates = await certify(
    master,
    {
      escrow: previous.master.escrowKeys,
      online: administrators.map(({ onlineSignatureKey }): PublicKey => onlineSignatureKey),
    },
    now,
    context.deps.random,
  );
  return nextEpoch(master, signer, previous, administrators, { ...change, ...rewrapped }, now, certificates);
};
