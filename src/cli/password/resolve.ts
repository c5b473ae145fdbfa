import { MeshError } from "../../errors.js";
import { queryFor } from "../../mesh/application/password/find.js";
import { PASSWORDS } from "../../mesh/application/password/kind.js";
import type { Reference } from "../../mesh/application/password/reference.js";
import { msg } from "../../messages/message.js";
import { openApplication, type Application, type ApplicationOptions } from "../application/application.js";
import type { PasswordValue } from "../../mesh/application/password/value.js";
import { applicationOptions, readingSession } from "../application/access.js";
import type { Context, Input } from "../context.js";
import { type PasswordEntry } from "./entries.js";
import { fieldOf } from "./field.js";

/** What references stand for, by their texts. */
export type Resolved = ReadonlyMap<string, string>;

const problem = (reference: Reference, count: number): MeshError => {
  const text = JSON.stringify(reference.text.slice(0, 256));
  return count === 0
    ? new MeshError("reference-unresolved", msg("password.reference-nothing", { reference: text }), {
        hint: msg("password.no-entry.hint"),
      })
    : new MeshError("reference-unresolved", msg("password.reference-several", { reference: text }), {
        hint: msg("password.reference-several.hint"),
      });
};

interface Attempt {
  readonly reference: Reference;
  readonly entries: readonly PasswordEntry[];
}

/** The entries that each reference means. What holds them is opened once for all. */
const lookUp = async (
  application: Application<PasswordValue>,
  references: readonly Reference[],
): Promise<readonly Attempt[]> => {
  const queries = references.map((reference) => ({
    reference,
    query: queryFor(reference.site, { username: reference.username }),
  }));
  const entries = await application.entries(
    (labels) => queries.some(({ query }) => query.mayMatch(labels)),
    queries.flatMap(({ query }) => query.labels),
  );
  return queries.map(({ reference, query }) => ({ reference, entries: query.choose(entries) }));
};

/**
 * Looks up what references stand for: all of them, or an error. Where one means nothing here the portal is asked once. Throws
 * `reference-unresolved`, and what opening the application throws.
 */
export const resolveReferences = async (
  context: Context,
  input: Input,
  references: readonly Reference[],
): Promise<Resolved> => {
  const different = [...new Map(references.map((reference) => [reference.text, reference])).values()];
  if (different.length === 0) return new Map();
  const options: ApplicationOptions = applicationOptions(input);
  const session = await readingSession(context);
  const application = await openApplication(session, PASSWORDS, options);
  let attempts = await lookUp(application, different);
  if (options.offline !== true && attempts.some(({ entries }) => entries.length === 0)) {
    const { refreshApplication } = await import("../application/refresh.js");
    await refreshApplication(session, application);
    attempts = await lookUp(await openApplication(session, PASSWORDS, options), different);
  }
  const resolved = new Map<string, string>();
  for (const { reference, entries } of attempts) {
    const [entry] = entries;
    if (!entry || entries.length > 1) throw problem(reference, entries.length);
    const text = await fieldOf(context, entry.value, reference.field);
    if (text === undefined) throw problem(reference, 0);
    resolved.set(reference.text, text);
  }
  return resolved;
};
