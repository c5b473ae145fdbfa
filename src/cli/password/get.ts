import { MeshError } from "../../errors.js";
import { FIELDS, isField, type Field } from "../../mesh/application/password/fields.js";
import { msg, type Message } from "../../messages/message.js";
import { applicationOptions, readingSession } from "../application/access.js";
import { applicationView } from "../application/view.js";
import type { Context, Input, Run } from "../context.js";
import { fields, readableTime, type Cell, type Result } from "../output.js";
import { findEntry, namedView, viewOf, wantedOf } from "./entries.js";
import { fieldOf } from "./field.js";

export const run: Run = async (context, input) => {
  const wanted = wantedOf(input);
  const field = wantedField(input);
  const session = await readingSession(context);
  const found = await findEntry(session, applicationOptions(input), wanted);
  const { entry } = found;
  if (entry.others.length > 0) await context.note(msg("password.in-conflict", { id: entry.id }));
  if (entry.exposed.length > 0) await context.note(msg("password.was-exposed"));
  if (input.flag("all")) return everything(found);
  const text = await fieldOf(context, entry.value, field);
  if (text === undefined) {
    throw new MeshError("entry-not-found", msg("password.no-field", { field }), {
      hint: msg("password.no-field.hint"),
    });
  }
  return input.flag("clip") ? copied(context, input, found, field, text) : printed(found, field, text);
};

/** What is asked for: the password, unless an option says otherwise. Throws `usage`. */
const wantedField = (input: Input): Field => {
  const field = input.text("field");
  const given = [field !== undefined, input.flag("otp"), input.flag("all")].filter(Boolean).length;
  const isAlone = given <= 1 && !(input.flag("all") && input.flag("clip"));
  if (!isAlone) throw new MeshError("usage", msg("password.one-field"));
  if (input.text("clearAfter") !== undefined && !input.flag("clip")) {
    throw new MeshError("usage", msg("password.clear-without-clip"));
  }
  if (input.flag("otp")) return "otp";
  if (field === undefined || isField(field)) return field ?? "password";
  throw new MeshError("usage", msg("password.unknown-field", { field: JSON.stringify(field) }), {
    hint: msg("password.unknown-field.hint", { fields: FIELDS.join(", ") }),
  });
};

/** The name of a field as JSON has it. */
const memberOf = (field: Field): string => field.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());

/** An entry, and the application that it is of. */
type Found = Awaited<ReturnType<typeof findEntry>>;

/** What every result says: the members of the entry by themselves, too. */
const foundView = ({ application, entry }: Found) => ({
  application: applicationView(application),
  entry: namedView(entry.id, entry.value),
  ...viewOf(entry),
});

const printed = (found: Found, field: Field, text: string): Result => ({
  value: { ...foundView(found), [memberOf(field)]: text },
  text: () => `${text}\n`,
  exact: true,
});

const copied = async (context: Context, input: Input, found: Found, field: Field, text: string): Promise<Result> => {
  const { copyForAWhile, readClearAfter } = await import("./clipboard.js");
  const seconds = readClearAfter(input.text("clearAfter"));
  await copyForAWhile(context, text, seconds);
  const name = msg(`password.field-${field}`);
  return {
    value: { ...foundView(found), copied: memberOf(field), clearsAfter: seconds },
    text: (translate) => `${translate(msg("password.copied", { name, seconds }))}\n`,
  };
};

/** Everything that is known of an entry, secrets and all: somebody has asked for it. */
const everything = (found: Found): Result => {
  const { entry } = found;
  const { value } = entry;
  const { Title, Sites = [], Username, Password, Notes, OTP, Labels = [], Earlier = [], Created, Changed } = value;
  const rows: (readonly [Message, Cell | undefined])[] = [
    [msg("password.label-title"), Title],
    [msg("password.label-sites"), Sites.length === 0 ? undefined : Sites.join(", ")],
    [msg("password.label-user"), Username],
    [msg("password.label-password"), Password],
    [msg("password.label-otp"), OTP?.Secret],
    [msg("password.label-labels"), Labels.length === 0 ? undefined : Labels.join(", ")],
    [msg("password.label-created"), Created === undefined ? undefined : readableTime(Created)],
    [msg("password.label-changed"), Changed === undefined ? undefined : readableTime(Changed)],
    ...Earlier.map(
      ({ Password: earlier, Until }) =>
        [msg("password.label-earlier", { time: readableTime(Until) }), earlier] as const,
    ),
    [msg("password.label-entry"), entry.id],
  ];
  const table = fields(rows);
  return {
    value: {
      ...foundView(found),
      ...(Password !== undefined && { password: Password }),
      ...(Notes !== undefined && { notes: Notes }),
      ...(OTP && {
        otp: { secret: OTP.Secret, algorithm: OTP.Algorithm, digits: OTP.Digits, period: OTP.Period },
      }),
      ...(Created !== undefined && { created: Created }),
      ...(Changed !== undefined && { changed: Changed }),
      earlier: Earlier.map(({ Password: password, Until: until }) => ({ password, until })),
    },
    text: (translate) => table(translate) + (Notes === undefined ? "" : `\n${Notes}\n`),
  };
};
