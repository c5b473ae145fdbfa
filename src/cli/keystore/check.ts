import { checkHome, type Finding, type HomeCheck } from "../../keystore/check.js";
import { msg } from "../../messages/message.js";
import type { Run } from "../context.js";
import { openKeystore } from "../open-keystore.js";
import { gap, lines, stack, table, type Cell, type Text } from "../output.js";

const row = ({ ok, reason }: Finding, what: Cell, udf: string): readonly Cell[] => [
  ok ? msg("verify.ok") : msg("verify.bad"),
  what,
  udf,
  reason ?? "",
];

export const run: Run = async (context) => {
  const keystore = await openKeystore(context);
  const found = await checkHome(context.home, keystore);
  return {
    value: found,
    text: (translate) => textOf(found)(translate),
    ...(found.ok ? {} : { exit: 7 }),
  };
};

const textOf = ({ ok, keys, pins, profiles }: HomeCheck): Text => {
  const rows = [
    ...keys.map((key) => row(key, msg("check.key", { use: key.use }), key.kid)),
    row(pins, msg("check.pins"), ""),
    ...profiles.map((profile) =>
      row(
        profile,
        profile.name === null ? msg("check.profile-unknown") : msg("check.profile", { name: profile.name }),
        profile.udf,
      ),
    ),
  ];
  const headings = [undefined, msg("heading.checked"), msg("heading.udf"), msg("heading.reason")];
  return stack(
    table(headings, rows, msg("keystore-status.no-keys")),
    gap,
    lines(ok ? msg("check.good") : msg("check.some-bad")),
  );
};
