import { join } from "node:path";
import { isMeshError, MeshError } from "../errors.js";
import type { Finding } from "../client/log.js";
import { discard, fileError, isTemporaryName } from "../keystore/durable.js";
import { ensureFolder, type Home } from "../keystore/home.js";
import {
  buildEvidence,
  EVIDENCE_KINDS,
  formatEvidence,
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

/**
 * Removes what is too much in the folder, the oldest first, and what a killed process has left. What proves something stays: a portal that
 * was caught must not push that out.
 */
const tidy = ({ deps }: Home, folder: string): void => {
  const names = deps.fs.list(folder);
  for (const name of names.filter(isTemporaryName)) discard(deps.fs, join(folder, name));
  const files = names.filter((name) => /^\d.*\.json$/.test(name) && !name.endsWith("-proven.json")).sort();
  for (const name of files.slice(0, Math.max(0, files.length - MAX_FILES))) discard(deps.fs, join(folder, name));
};

const write = (home: Home, evidence: Evidence): Promise<string> =>
  home.withLock(() => {
    const folder = join(home.path, FOLDER);
    const path = join(folder, nameOf(evidence));
    ensureFolder(home.deps, folder);
    const end = endOfProven(evidence.kind);
    const proven = path.endsWith(end) ? home.deps.fs.list(folder).filter((name) => name.endsWith(end)) : [];
    // There is proof enough.
    if (proven.length >= MAX_PROVEN) return join(folder, proven.sort().at(-1) ?? "");
    home.write(path, Buffer.from(formatEvidence(evidence), "utf8"));
    try {
      tidy(home, folder);
    } catch (cause) {
      throw fileError(cause, folder, "write");
    }
    return path;
  });

/**
 * Keeps a finding in a file of its own in this home, and gives its path, or that of an earlier one where there is proof enough of its kind;
 * undefined where there is nothing that others could check.
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
