import { estimateBits } from "../../keystore/strength.js";
import { findProblems, PROBLEMS, type Problem } from "../../mesh/application/password/check.js";
import { PASSWORDS } from "../../mesh/application/password/kind.js";
import { msg } from "../../messages/message.js";
import { applicationOptions, readingSession } from "../application/access.js";
import { openApplication } from "../application/application.js";
import { applicationView } from "../application/view.js";
import type { Run } from "../context.js";
import { parseDuration } from "../duration.js";
import { lines, stack, table } from "../output.js";
import { nameFor } from "./entries.js";
import { WEAK_BITS } from "./given.js";

const DAY = 86_400;
const DEFAULT_AGE = "730d";

export const run: Run = async (context, input) => {
  const age = parseDuration(input.text("olderThan") ?? DEFAULT_AGE, { minimum: DAY, maximum: 36_500 * DAY });
  const session = await readingSession(context);
  const application = await openApplication(session, PASSWORDS, { ...applicationOptions(input), offline: true });
  const entries = await application.entries();
  const found = findProblems(entries, {
    isWeak: (password) => estimateBits(password) < WEAK_BITS,
    oldBefore: new Date(context.deps.now().getTime() - age * 1000),
  });
  const counts = Object.fromEntries(
    PROBLEMS.map((problem) => [problem, found.filter(({ problems }) => problems.includes(problem)).length]),
  ) as Record<Problem, number>;
  const byId = new Map(entries.map((entry) => [entry.id, entry]));
  return {
    value: {
      application: applicationView(application),
      checked: entries.length,
      counts,
      entries: found.map(({ id, problems, sharedWith }) => {
        const value = byId.get(id)?.value ?? {};
        const { Title, Sites = [], Username } = value;
        return {
          id,
          ...(Title !== undefined && { title: Title }),
          sites: Sites,
          ...(Username !== undefined && { username: Username }),
          problems,
          ...(sharedWith.length > 0 && { sharedWith }),
        };
      }),
    },
    text: stack(
      found.length === 0
        ? undefined
        : (translate) =>
            table(
              [msg("password.heading-name"), msg("password.heading-user"), msg("password.heading-problems")],
              found.map(({ id, problems }) => {
                const value = byId.get(id)?.value ?? {};
                const words = problems.map((problem) => translate(msg(`password.problem-${problem}`)));
                return [nameFor(value), value.Username ?? "", words.join(", ")];
              }),
              msg("password.none"),
            )(translate),
      lines(
        found.length === 0
          ? msg("password.check-fine", { count: entries.length })
          : msg("password.check-found", { count: found.length, total: entries.length }),
      ),
    ),
  };
};
