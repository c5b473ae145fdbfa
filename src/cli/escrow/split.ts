import { join, resolve } from "node:path";
import { exitStatus, isMeshError, MeshError } from "../../errors.js";
import { fetchEscrowEntry, publishEscrowEntry } from "../../client/profiles.js";
import { discard, writeDurably } from "../../keystore/durable.js";
import { makeFolder, syncEntry } from "../../keystore/home.js";
import { updateProfile } from "../../keystore/state.js";
import { createEscrowEntry, escrowIdentifier, openEscrowEntry } from "../../mesh/escrow.js";
import { recordTime } from "../../mesh/profile.js";
import type { OfflineEscrowEntry } from "../../mesh/protocol.js";
import { checkSplit, combineShares, ESCROW_KEY_LENGTH, parseShare, splitKey } from "../../mesh/shares.js";
import { msg, type Translate } from "../../messages/message.js";
import { withClient } from "../change.js";
import { withGlobals, type Context, type Run } from "../context.js";
import { statNamed } from "../files.js";
import { fields, gap, lines, raw, stack } from "../output.js";
import { accountsOf, isBehind, requireProfile } from "../select.js";
import { accountOf, administrationKey, follow, openAccount, openSession, type Session } from "../session.js";

/** Beyond so many combinations, that many random ones are tried. */
const MAX_PROOFS = 1_000;

export const run: Run = async (context, input) => {
  const count = input.whole("shares") ?? 0;
  const threshold = input.whole("threshold") ?? 0;
  checkSplit(count, threshold);
  const out = input.text("out");
  const files = out === undefined ? undefined : plannedFiles(context, out, count);
  if (files?.isShared === true) await context.note(msg("split.folder-shared", { folder: files.folder }));
  const state = await requireProfile(context);
  accountOf(context, state);
  const session = await openSession(context, state);
  const { keystore } = session;
  if (!keystore.has(state.udf)) {
    throw new MeshError("master-key-needed", msg("split.no-master"), { hint: msg("split.no-master.hint") });
  }
  const master = keystore.get(state.udf, "master-signature");
  const escrowKids = keystore.facts.filter(({ profile, use }) => profile === state.udf && use === "master-escrow");
  const keys = [master, ...escrowKids.map(({ kid }) => keystore.get(kid, "master-escrow"))];

  const key = context.deps.random(ESCROW_KEY_LENGTH);
  const identifier = escrowIdentifier(key);
  const entry = await publishEverywhere(
    session,
    async (profile) => createEscrowEntry(key, keys, profile.master, accountsOf(state)),
    key,
  );
  const shares = splitKey(key, count, threshold, identifier, context.deps.random);
  prove(shares, threshold, key, context.deps.random);

  const text = fields([
    [msg("label.escrow-entry"), identifier],
    [msg("label.threshold"), msg("split.threshold", { threshold, shares: count })],
    [msg("label.files"), files?.folder],
  ]);
  // Without files the entry is printed too: the shares are worth nothing if the portal, which nobody trusts, loses its copy.
  const value = {
    identifier,
    threshold,
    shares: files ? files.shares : shares,
    ...(files ? {} : { entry: { OfflineEscrowEntry: entry } }),
  };
  if (out !== undefined && files) {
    const translate = await context.translator();
    // Another run may have come to this folder first: then its shares, of which it may hold the only ones, must stay whole.
    await context.home.withLock(() => {
      plannedFiles(context, out, count);
      writeFiles(context, files, shares, threshold, state.udf, entry, translate);
    });
  } else
    await context.emit({
      value,
      text: stack(
        text,
        gap,
        // A message holds no secret, so the share stands behind its label.
        (translate) =>
          shares.map((share, index) => `${translate(msg("split.share", { index: index + 1 }))} ${share}\n`).join(""),
        gap,
        lines(msg("split.entry")),
        raw(`${JSON.stringify({ OfflineEscrowEntry: entry })}\n`),
      ),
    });
  key.fill(0);

  // The shares have left: printed and flushed, or on disk. Only now may the original go.
  const recovery = { identifier, threshold, shares: count, created: recordTime(context.deps.now()) };
  await updateProfile(context.home, state.udf, (current = state) => ({ ...current, recovery }));
  if (input.flag("eraseMaster")) await keystore.remove(keys.map(({ kid }) => kid));
  const note = input.flag("eraseMaster") ? msg("split.master-erased") : msg("split.master-kept");
  if (files) return { value, text, note };
  await context.note(note);
  return undefined;
};

/** Publishes the entry at every account, fetches it back, and opens what came back. */
const publishEverywhere = async (
  session: Session,
  make: (profile: Awaited<ReturnType<typeof follow>>) => Promise<OfflineEscrowEntry>,
  key: Uint8Array,
): Promise<OfflineEscrowEntry> => {
  const { context, state } = session;
  let entry: OfflineEscrowEntry | undefined;
  const first = accountOf(context, state);
  for (const account of [first, ...accountsOf(state).filter((known) => known.account !== first.account)]) {
    const place = account === first ? context : withGlobals(context, { portal: undefined });
    const publishing = withClient(openAccount(place, account), async (client) => {
      const profile = await follow(session, client, account.account);
      administrationKey(session, profile);
      entry ??= await make(profile);
      await publishEscrowEntry(client, entry, session.authenticationKey);
      const [served] = await fetchEscrowEntry(client, entry.Identifier);
      const { master } = await openEscrowEntry(served, key);
      if (master.udf !== state.udf) throw new MeshError("record-invalid", msg("split.other-entry"));
    });
    await publishing.catch(async (error: unknown) => {
      // Recovery needs one copy: a further portal that is away, or was, must not keep the shares from being made.
      const isAway = isMeshError(error) && (exitStatus(error.code) === 6 || isBehind(state, account.account));
      if (account === first || !isAway) throw error;
      await context.note(msg("split.no-copy", { account: account.account, reason: error.text }));
    });
  }
  if (!entry) throw new MeshError("account-not-found", msg("split.no-account"));
  return entry;
};

/** Proves that the shares work before they are shown: every k of them give the key back, or a thousand random choices do. */
const prove = (texts: readonly string[], threshold: number, key: Buffer, random: (length: number) => Buffer): void => {
  const shares = texts.map(parseShare);
  for (const chosen of subsets(shares, threshold, random)) {
    if (!combineShares(chosen, escrowIdentifier).key.equals(key)) {
      throw new MeshError("internal", msg("split.not-proven"));
    }
  }
};

function* subsets<T>(items: readonly T[], size: number, random: (length: number) => Buffer): Generator<readonly T[]> {
  if (combinations(items.length, size) <= MAX_PROOFS) {
    yield* everySubset(items, size);
    return;
  }
  for (let proof = 0; proof < MAX_PROOFS; proof++) {
    const rest = [...items];
    yield Array.from({ length: size }, () => rest.splice(random(4).readUInt32BE() % rest.length, 1)).flat();
  }
}

function* everySubset<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  if (size === 0) yield [];
  else if (items.length >= size) {
    for (const [index, item] of items.entries()) {
      for (const rest of everySubset(items.slice(index + 1), size - 1)) yield [item, ...rest];
    }
  }
}

const combinations = (count: number, size: number): number => {
  let result = 1;
  for (let index = 1; index <= size; index++) result = (result * (count - size + index)) / index;
  return result;
};

interface PlannedFiles {
  readonly folder: string;
  /** True where the folder is there already and other users may read it. */
  readonly isShared: boolean;
  readonly shares: readonly string[];
  readonly entry: string;
}

const plannedFiles = (context: Context, out: string, count: number): PlannedFiles => {
  const { deps } = context;
  if (out === "") throw new MeshError("usage", msg("split.folder-empty"));
  const folder = resolve(deps.cwd, out);
  const shares = Array.from({ length: count }, (_, index) => join(folder, `share-${index + 1}-of-${count}.txt`));
  const entry = join(folder, "entry.json");
  const stat = statNamed(context, folder);
  if (stat && !stat.isDirectory) throw new MeshError("file-exists", msg("split.no-folder", { path: out }));
  const taken = [...shares, entry].find((path) => statNamed(context, path));
  if (taken !== undefined) {
    throw new MeshError("file-exists", msg("split.file-exists", { path: taken }), {
      hint: msg("split.file-exists.hint"),
    });
  }
  const isShared = deps.platform !== "win32" && stat !== undefined && (stat.mode & 0o077) !== 0;
  return { folder, isShared, shares, entry };
};

const writeFiles = (
  context: Context,
  files: PlannedFiles,
  shares: readonly string[],
  threshold: number,
  udf: string,
  entry: OfflineEscrowEntry,
  translate: Translate,
): void => {
  const { fs, random } = context.deps;
  makeFolder(context.deps, files.folder);
  // Also where it was there: a run that was cut off may have left it. Shares in a folder without a name are lost shares.
  syncEntry(context.deps, files.folder);
  const write = (path: string, text: string): void => writeDurably(fs, path, Buffer.from(text, "utf8"), random);
  try {
    write(files.entry, `${JSON.stringify({ OfflineEscrowEntry: entry })}\n`);
    for (const [index, share] of shares.entries()) {
      const title = translate(msg("split.file-title", { index: index + 1, shares: shares.length, threshold }));
      const command = translate(msg("split.file-command"));
      write(files.shares[index] ?? "", `# ${title}\n# ${udf}\n# ${command}\n${share}\n`);
    }
  } catch (error) {
    // Part of a set is of no use, and would be in the way of the next run.
    for (const path of [files.entry, ...files.shares]) discard(fs, path);
    throw error;
  }
};
