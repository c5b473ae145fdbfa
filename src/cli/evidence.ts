import { basename, join } from "node:path";
import { isMeshError, MeshError } from "../errors.js";
import type { Finding } from "../client/log.js";
import { discard, fileError, isTemporaryName, readPrivateFile } from "../keystore/durable.js";
import { ensureFolder, type Home } from "../keystore/home.js";
import { decodeUtf8 } from "../mesh/bytes.js";
import {
  buildEvidence,
  coversEvidence,
  EVIDENCE_KINDS,
  EVIDENCE_LIMIT,
  formatEvidence,
  parseEvidence,
  verifyEvidence,
  type Evidence,
  type EvidenceKind,
} from "../mesh/log/evidence.js";
import { msg, type Message } from "../messages/message.js";

/** The folder in a home that holds the files. */
export const FOLDER = "evidence";
/** So many files stay, the newest, of those that prove nothing. */
const MAX_FILES = 100;
/** So many of those that prove something are written of each kind. None of them is ever removed, so the oldest stay. */
const MAX_PROVEN = 100;

const isEvidenceKind = (code: string): code is EvidenceKind => EVIDENCE_KINDS.some((kind) => kind === code);

/** The file of evidence for a finding, or undefined where the finding shows nothing to others. */
const evidenceOf = (
  portal: string,
  found: Date,
  finding: Finding & { readonly verifier: string },
): Evidence | undefined => {
  const { code, heads = [], ...rest } = finding;
  if (!isEvidenceKind(code)) return undefined;
  try {
    return buildEvidence({ ...rest, kind: code, found, portal, heads });
  } catch (error) {
    // What a portal sent may be of any form, and the pins keep no note.
    if (isMeshError(error, "evidence-invalid")) return undefined;
    throw error;
  }
};

const isProof = (evidence: Evidence): boolean => verifyEvidence(evidence).verdict === "proven";

const endOfProven = (kind: EvidenceKind): string => `-${kind}-proven.json`;

/** `2026-05-01T12-00-00.000Z-log-fork.json`, or `...-log-fork-proven.json`: in the order of time, and valid on every file system. */
const nameOf = (evidence: Evidence): string => {
  const { found, kind } = evidence;
  return `${found.replaceAll(":", "-")}${isProof(evidence) ? endOfProven(kind) : `-${kind}.json`}`;
};

/** The files of evidence of a kind in the folder, in the order of time. */
const namesOf = ({ deps }: Home, folder: string, kind: EvidenceKind): string[] =>
  deps.fs
    .list(folder)
    .filter((name) => /^\d/.test(name) && (name.endsWith(`-${kind}.json`) || name.endsWith(endOfProven(kind))))
    .sort();

/** True for a file that this program has kept, that holds, and that shows already what is to be shown. */
const isKept = ({ deps }: Home, path: string, evidence: Evidence): boolean => {
  try {
    if (deps.fs.lstat(path)?.isFile !== true) return false;
    const octets = readPrivateFile(deps.fs, path, EVIDENCE_LIMIT, deps.platform);
    if (!octets) return false;
    const earlier = parseEvidence(decodeUtf8(octets));
    return coversEvidence(earlier, evidence) && nameOf(earlier) === basename(path);
  } catch (error) {
    // Whatever it is, it does not stand for what was found now.
    if (isMeshError(error)) return false;
    throw error;
  }
};

/** Writes evidence to a file, found so many milliseconds later that the file has a name of its own. Gives its path. */
const writeNew = (home: Home, folder: string, evidence: Evidence): string => {
  const path = join(folder, nameOf(evidence));
  if (home.deps.fs.lstat(path)) {
    return writeNew(home, folder, { ...evidence, found: new Date(Date.parse(evidence.found) + 1).toISOString() });
  }
  home.write(path, Buffer.from(formatEvidence(evidence), "utf8"));
  return path;
};

/**
 * Removes what is too much in the folder, the oldest first, and what a killed process has left. What proves something stays: a portal that
 * was caught must not push that out. So does the file at `path`.
 */
const tidy = ({ deps }: Home, folder: string, path: string): void => {
  const names = deps.fs.list(folder);
  for (const name of names.filter(isTemporaryName)) discard(deps.fs, join(folder, name));
  const files = names.filter((name) => /^\d.*\.json$/.test(name) && !name.endsWith("-proven.json")).sort();
  const others = files.filter((name) => name !== basename(path));
  for (const name of others.slice(0, Math.max(0, files.length - MAX_FILES))) discard(deps.fs, join(folder, name));
};

/** Writes a file, unless the same is shown already or there is proof enough. Gives its path, or that of the earlier one. */
const write = (home: Home, evidence: Evidence): Promise<string> =>
  home.withLock(() => {
    const folder = join(home.path, FOLDER);
    ensureFolder(home.deps, folder);
    try {
      const names = namesOf(home, folder, evidence.kind);
      const kept = names.find((name) => isKept(home, join(folder, name), evidence));
      const proven = isProof(evidence) ? names.filter((name) => name.endsWith(endOfProven(evidence.kind))) : [];
      const earlier = kept ?? (proven.length >= MAX_PROVEN ? proven.at(-1) : undefined);
      const path = earlier === undefined ? writeNew(home, folder, evidence) : join(folder, earlier);
      tidy(home, folder, path);
      return path;
    } catch (cause) {
      throw fileError(cause, folder, "write");
    }
  });

/**
 * Keeps a finding in a file of its own in this home, and gives its path, or that of an earlier one that shows the same, or where there is
 * proof enough of its kind; undefined where there is nothing that others could check.
 * Throws what writing to the home throws.
 */
export const writeEvidence = async (
  home: Home,
  portal: string,
  finding: Finding & { readonly verifier: string },
): Promise<string | undefined> => {
  const evidence = evidenceOf(portal, home.deps.now(), finding);
  return evidence && write(home, evidence);
};

/**
 * Keeps what shows that a portal is not honest, in a file of its own in this home. Gives a sentence that says where it is, or why it
 * could not be kept; undefined where there is nothing that others could check.
 */
export const keepEvidence = async (
  home: Home,
  portal: string,
  finding: Finding & { readonly verifier: string },
): Promise<Message | undefined> => {
  try {
    const path = await writeEvidence(home, portal, finding);
    return path === undefined ? undefined : msg("client.log-evidence.hint", { path });
  } catch (error) {
    if (!(error instanceof MeshError)) throw error;
    return msg("client.log-unkept.hint", { code: error.code });
  }
};
