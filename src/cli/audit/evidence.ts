import { decodeUtf8 } from "../../mesh/bytes.js";
import {
  EVIDENCE_LIMIT,
  parseEvidence,
  verifyEvidence,
  type Contradiction,
  type EvidenceKind,
} from "../../mesh/log/evidence.js";
import { isMeshError, MeshError } from "../../errors.js";
import { msg, type Message } from "../../messages/message.js";
import type { Run } from "../context.js";
import { readNamedFile } from "../input.js";
import { fields, gap, lines, readableTime, stack } from "../output.js";

const KINDS: Readonly<Record<EvidenceKind, Message>> = {
  "log-fork": msg("audit.kind-fork"),
  "log-rollback": msg("audit.kind-rollback"),
  "log-split": msg("audit.kind-split"),
  "log-omission": msg("audit.kind-omission"),
  "log-order": msg("audit.kind-order"),
  "log-key-changed": msg("audit.kind-key-changed"),
  "proof-invalid": msg("audit.kind-proof-invalid"),
  "page-truncated": msg("audit.kind-page-truncated"),
};

const CONTRADICTIONS: Readonly<Record<Contradiction, Message>> = {
  "two-roots": msg("audit.two-roots"),
  "other-prefix": msg("audit.other-prefix"),
  "two-leaves": msg("audit.two-leaves"),
  links: msg("audit.links"),
  sequences: msg("audit.sequences"),
  "two-keys": msg("audit.two-keys"),
};

const textOf = (octets: Uint8Array): string => {
  try {
    return decodeUtf8(octets);
  } catch (cause) {
    if (!isMeshError(cause)) throw cause;
    throw new MeshError("evidence-invalid", msg("mesh.evidence-form"), { cause });
  }
};

// Needs neither a home nor a portal: whoever is given the file can check it.
export const run: Run = (context, input) => {
  const file = input.argument(0) ?? "";
  const report = verifyEvidence(parseEvidence(textOf(readNamedFile(context, file, EVIDENCE_LIMIT))));
  const { verdict, kind, portal, origin, key, found, heads, contradiction } = report;
  const shown = heads.map(({ size, root, time }) => ({
    size,
    root: root.toString("base64"),
    time: time.toISOString(),
  }));
  return Promise.resolve({
    value: { verdict, kind, contradiction: contradiction ?? null, portal, origin, key, found, heads: shown },
    text: stack(
      lines(KINDS[kind], contradiction ? CONTRADICTIONS[contradiction] : msg("audit.unexplained")),
      gap,
      fields([
        [msg("label.portal"), portal],
        [msg("label.log"), origin],
        [msg("label.log-key"), key],
        [msg("label.found"), readableTime(found)],
        ...shown.map(
          ({ size, time }) =>
            [msg("label.head"), msg("audit.head", { count: size, time: readableTime(time) })] as const,
        ),
      ]),
      gap,
      lines(msg("audit.know-key")),
    ),
  });
};
