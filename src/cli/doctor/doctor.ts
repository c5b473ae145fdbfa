import type { Home } from "../../keystore/home.js";
import { msg, type Message, type Translate } from "../../messages/message.js";
import type { Context, Input, Run } from "../context.js";
import { gap, lines, printable, stack, table, type Cell } from "../output.js";
import { failed, type Finding, type Status } from "./finding.js";
import { checkHome, checkNode } from "./home.js";
import { checkKeystore } from "./keys.js";
import { checkPortals } from "./portals.js";
import { checkProfiles } from "./profiles.js";

/** Seconds for everything that is asked of the network, unless --timeout says otherwise. */
const DEFAULT_TIMEOUT = 5;

const WORDS: Readonly<Record<Status, Message>> = {
  ok: msg("doctor.status-ok"),
  warning: msg("doctor.status-warning"),
  problem: msg("doctor.status-problem"),
};

export const run: Run = async (context, input) => {
  const findings = await look(context, input);
  const problems = findings.filter(({ status }) => status === "problem").length;
  const warnings = findings.filter(({ status }) => status === "warning").length;
  const translate = await context.translator();
  const rows = findings.flatMap(({ check, status, message, mend }): Cell[][] => [
    [WORDS[status], check, message],
    ...(mend ? [["", "", mend]] : []),
  ]);
  return {
    value: { ok: problems === 0, findings: findings.map((finding) => valueOf(finding, translate)) },
    text: stack(
      table(
        [msg("doctor.heading-status"), msg("doctor.heading-check"), msg("doctor.heading-finding")],
        rows,
        msg("label.none"),
      ),
      gap,
      lines(summaryOf(problems, warnings)),
    ),
    exit: problems === 0 ? 0 : 1,
  };
};

const look = async (context: Context, input: Input): Promise<readonly Finding[]> => {
  const node = checkNode(context.deps);
  let home: Home;
  try {
    ({ home } = context);
  } catch (error) {
    // Without a home there is nothing else to look at.
    return [node, failed("home", error)];
  }
  const keystore = await checkKeystore(home);
  const profiles = await checkProfiles(context, keystore.facts);
  const timeout = (input.whole("timeout") ?? DEFAULT_TIMEOUT) * 1000;
  const portals = input.flag("offline") ? [] : await checkPortals(context, profiles.states, timeout);
  return [node, ...checkHome(home), ...keystore.findings, ...profiles.findings, ...portals];
};

const valueOf = ({ check, status, message, mend }: Finding, translate: Translate) => ({
  check,
  status,
  message: printable(translate(message)),
  ...(mend ? { mend: printable(translate(mend)) } : {}),
});

const summaryOf = (problems: number, warnings: number): Message =>
  problems > 0
    ? msg("doctor.summary-problems", { count: problems })
    : warnings > 0
      ? msg("doctor.summary-warnings", { count: warnings })
      : msg("doctor.summary-ok");
