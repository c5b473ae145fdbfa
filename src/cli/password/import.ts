import { resolve } from "node:path";
import { MeshError } from "../../errors.js";
import {
  FORMATS,
  isFault,
  isFormat,
  readFile,
  type Fault,
  type Format,
  type ReadFile,
} from "../../mesh/application/password/formats.js";
import { planImport, type Existing, type Planned } from "../../mesh/application/password/import-plan.js";
import { PASSWORDS } from "../../mesh/application/password/kind.js";
import type { PasswordValue } from "../../mesh/application/password/value.js";
import { msg, type Message } from "../../messages/message.js";
import { isMeshError } from "../../errors.js";
import { applicationOptions, changingSession } from "../application/access.js";
import { changeApplication, openApplication, type Application, type Change } from "../application/application.js";
import type { Context, Input, Run } from "../context.js";
import { statNamed } from "../files.js";
import { readNamedFile, warnShared } from "../input.js";
import { lines, stack, table, type Result } from "../output.js";
import type { Session } from "../session.js";
import { creatingOptions, nameFor } from "./entries.js";

/** More than anybody's passwords take up. */
const MAX_FILE = 64 * 1024 * 1024;
/** Rows of the table that shows what would be done. Scripts see all of them. */
const MOST_SHOWN = 200;

export const run: Run = async (context, input) => {
  const ways = ["replace", "skip"].filter((name) => input.flag(name));
  if (ways.length > 1) throw new MeshError("usage", msg("password.replace-or-skip"));
  const given = givenFormat(input);
  const read = await readImport(context, input.argument(0) ?? "", given);
  const session = await changingSession(context);
  const values = read.imported.flatMap(({ value }) => (value ? [value] : []));
  const options = applicationOptions(input);
  if (input.flag("dryRun")) {
    const existing = await existingIn(await openIfThere(session, options));
    return report(read, planImport(existing, values, context.deps.now()), { way: ways[0], isDry: true });
  }
  const plans: (readonly Planned[])[] = [];
  const done = await changeApplication(session, PASSWORDS, creatingOptions(input), async (application) => {
    const planned = planImport(await existingIn(application), values, context.deps.now());
    plans.splice(0, 1, planned);
    const changes = planned.filter(({ kind }) => kind === "change").length;
    if (changes > 0 && ways.length === 0) {
      throw new MeshError("entry-exists", msg("password.import-differs", { count: changes }), {
        hint: msg("password.import-differs.hint"),
      });
    }
    return planned.flatMap((each): Change<PasswordValue>[] => {
      if (each.kind === "add") return [{ put: each.value }];
      return each.kind === "change" && input.flag("replace") ? [{ put: each.value, id: each.id }] : [];
    });
  });
  return report(read, plans[0] ?? [], { way: ways[0], isDry: false, synced: done.synced });
};

const givenFormat = (input: Input): Format | undefined => {
  const format = input.text("format");
  if (format === undefined || format === "auto" || isFormat(format)) return format === "auto" ? undefined : format;
  throw new MeshError("usage", msg("password.unknown-format", { format: JSON.stringify(format) }), {
    hint: msg("password.unknown-format.hint", { formats: ["auto", ...FORMATS].join(", ") }),
  });
};

/** What is wrong with a file, in words. The file's own are none of it. */
const invalid = (path: string, { line, fault }: Fault): MeshError =>
  new MeshError(
    "import-invalid",
    msg("password.import-invalid", { path, line, fault: msg(`password.fault-${fault}`) }),
    {
      hint: msg("password.import-invalid.hint"),
    },
  );

/** The entries of a file. Throws `too-large` before reading much, `file-unreadable`, `import-invalid`. */
const readImport = async (context: Context, path: string, given: Format | undefined): Promise<ReadFile> => {
  const { deps } = context;
  const tooLarge = (): MeshError =>
    new MeshError("too-large", msg("password.import-large", { path, megabytes: MAX_FILE / 1024 / 1024 }));
  let octets: Buffer;
  if (path === "-") {
    octets = await deps.readStdin(MAX_FILE);
    if (octets.length > MAX_FILE) throw tooLarge();
  } else {
    if ((statNamed(context, resolve(deps.cwd, path))?.size ?? 0) > MAX_FILE) throw tooLarge();
    octets = readNamedFile(context, path, MAX_FILE);
    await warnShared(context, path);
  }
  try {
    const read = readFile(octets, given);
    if (isFault(read)) throw invalid(path, read);
    return read;
  } finally {
    octets.fill(0);
  }
};

/** The application, or undefined where there is none yet: an import makes it. */
const openIfThere = async (
  session: Session,
  options: { readonly name?: string | undefined; readonly offline?: boolean },
): Promise<Application<PasswordValue> | undefined> => {
  try {
    return await openApplication(session, PASSWORDS, options);
  } catch (error) {
    if (isMeshError(error, "application-not-found")) return undefined;
    throw error;
  }
};

const existingIn = async (application: Application<PasswordValue> | undefined): Promise<readonly Existing[]> =>
  (await application?.entries()) ?? [];

/** The names of members that a script sees. */
const camel = (member: string): string =>
  /^[A-Z]+$/.test(member) ? member.toLowerCase() : member.charAt(0).toLowerCase() + member.slice(1);

const ACTIONS = {
  add: "password.action-add",
  change: "password.action-change",
  same: "password.action-same",
  skip: "password.action-skip",
} as const;

interface How {
  readonly way: string | undefined;
  readonly isDry: boolean;
  readonly synced?: boolean;
}

/** What was done, or would be: added, changed and left alone, without anything secret. */
const report = ({ format, imported, ignored }: ReadFile, planned: readonly Planned[], how: How): Result => {
  const taken = imported.filter(({ value }) => value !== undefined);
  const rows = planned.map((each, index) => {
    const { value } = each;
    return {
      line: taken[index]?.line ?? 0,
      action: each.kind === "change" && how.way === "skip" ? ("skip" as const) : each.kind,
      ...(value.Title !== undefined && { title: value.Title }),
      sites: value.Sites ?? [],
      ...(value.Username !== undefined && { username: value.Username }),
      ...(each.kind === "change" && { changes: each.members.map(camel).sort() }),
      remarks: taken[index]?.remarks ?? [],
    };
  });
  const count = (action: string): number => rows.filter((row) => row.action === action).length;
  const counts = { added: count("add"), changed: count("change"), same: count("same"), skipped: count("skip") };
  const remarkable = (remark: string): number =>
    imported.filter(({ remarks }) => (remarks as readonly string[]).includes(remark)).length;
  const notes: Message[] = [
    ...(["kind", "otp", "deleted"] as const).flatMap((remark) =>
      remarkable(remark) === 0 ? [] : [msg(`password.remark-${remark}`, { count: remarkable(remark) })],
    ),
    ...(ignored.length === 0 ? [] : [msg("password.columns-ignored", { columns: ignored.join(", ") })]),
    ...(how.isDry && counts.changed > 0 && how.way === undefined ? [msg("password.import-choose")] : []),
  ];
  const shown = rows.filter(({ action }) => action !== "same").slice(0, MOST_SHOWN);
  const summary = msg(how.isDry ? "password.import-would" : "password.import-done", counts);
  return {
    value: {
      format,
      dryRun: how.isDry,
      ...counts,
      deleted: remarkable("deleted"),
      ignoredColumns: ignored,
      entries: rows,
      ...(how.synced !== undefined && { synced: how.synced }),
    },
    text: stack(
      how.isDry && shown.length > 0
        ? (translate) =>
            table(
              [
                msg("password.heading-line"),
                msg("password.heading-action"),
                msg("password.heading-name"),
                msg("password.heading-user"),
                msg("password.heading-changes"),
              ],
              shown.map(({ line, action, title, sites, username, changes }) => [
                String(line),
                msg(ACTIONS[action]),
                title ?? sites[0] ?? nameFor({}),
                username ?? "",
                (changes ?? []).join(", "),
              ]),
              msg("password.none"),
            )(translate)
        : undefined,
      lines(summary, ...notes),
    ),
  };
};
