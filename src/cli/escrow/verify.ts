import { MeshError } from "../../errors.js";
import { parseUdf } from "../../mesh/udf.js";
import { msg } from "../../messages/message.js";
import type { Run } from "../context.js";
import { openEscrow, readShares } from "../master.js";
import { fields, gap, lines, stack } from "../output.js";
import { checkNamedAccount, escrowPortals, withPortals } from "./places.js";

export const run: Run = async (context, input) => {
  const targets = await escrowPortals(context, input);
  const expected = input.text("expectFingerprint");
  const udf = expected === undefined ? undefined : parseUdf(expected);
  const shares = await readShares(context, input);
  const fromFile = input.list("entryFile").length > 0;
  const opened = await withPortals(context, targets, !fromFile, async (clients) => {
    const found = await openEscrow(context, input, shares, clients);
    await checkNamedAccount(context, clients, found.escrowed.master.udf);
    return found;
  });
  const { identifier, threshold, escrowed } = opened;
  if (udf !== undefined && udf !== escrowed.master.udf) {
    throw new MeshError("fingerprint-mismatch", msg("escrow.other-profile"));
  }
  return {
    value: {
      identifier,
      threshold,
      profile: { udf: escrowed.master.udf },
      keys: escrowed.all.map(({ kid }) => kid),
    },
    text: stack(
      lines(msg("escrow.shares-work")),
      gap,
      fields([
        [msg("label.profile"), escrowed.master.udf],
        [msg("label.escrow-entry"), identifier ?? undefined],
        [msg("label.threshold"), String(threshold)],
        [msg("label.keys"), escrowed.all.map(({ kid }) => kid).join(", ")],
      ]),
    ),
  };
};
