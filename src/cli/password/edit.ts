import { MeshError } from "../../errors.js";
import { PASSWORDS } from "../../mesh/application/password/kind.js";
import { changed, type PasswordChange, type PasswordValue } from "../../mesh/application/password/value.js";
import { msg } from "../../messages/message.js";
import { applicationOptions, changingSession } from "../application/access.js";
import { changeApplication } from "../application/application.js";
import type { Context, Input, Run } from "../context.js";
import { entryIn, findEntry, wantedOf } from "./entries.js";
import {
  askPassword,
  givenLabels,
  givenNotes,
  givenOtp,
  givenPassword,
  givenSites,
  givenTitle,
  givenUsername,
  hintWeak,
} from "./given.js";
import { changeResult } from "./result.js";

/** What `--drop` takes away, and the member of the entry that it is. */
const DROPPED = {
  title: "Title",
  username: "Username",
  password: "Password",
  notes: "Notes",
  otp: "OTP",
  earlier: "Earlier",
} as const satisfies Record<string, keyof PasswordValue>;

const isDropped = (text: string): text is keyof typeof DROPPED => Object.hasOwn(DROPPED, text);

export const run: Run = async (context, input) => {
  const wanted = wantedOf(input);
  const { change, lists, lacking, bits } = await changeBy(context, input);
  const session = await changingSession(context);
  const options = applicationOptions(input);
  const {
    entry: { id },
  } = await findEntry(session, options, wanted);
  const after: PasswordValue[] = [];
  let missing: readonly Dropped[] = [];
  const done = await changeApplication(session, PASSWORDS, options, async (application) => {
    const { value } = await entryIn(application, { text: wanted.text, id });
    const put = changed(value, { ...change, ...lists(value) }, context.deps.now());
    after.splice(0, 1, put);
    missing = lacking(value);
    return [{ put, id }];
  });
  // A slip, or the same command again: what is not there does not have to go.
  for (const { option, text } of missing) {
    context.later.push(msg("password.not-there", { option, text: JSON.stringify(text) }));
  }
  if (change.Password !== undefined && bits === undefined) await hintWeak(context, change.Password);
  return changeResult(done, after[0] ?? {}, bits === undefined ? {} : { bits: Math.floor(bits * 10) / 10 });
};

/** A site or label that is to go, and the option that says so. */
interface Dropped {
  readonly option: string;
  readonly text: string;
}

interface Wish {
  readonly change: PasswordChange;
  /** Sites and labels, of which some come and some go. */
  readonly lists: (before: PasswordValue) => PasswordChange;
  /** Those that are to go and are not there. */
  readonly lacking: (before: PasswordValue) => readonly Dropped[];
  /** Of a password that was made here. */
  readonly bits?: number;
}

/** What the options ask for. Throws `usage` where they ask for nothing, or to set and drop the same. */
const changeBy = async (context: Context, input: Input): Promise<Wish> => {
  const dropped = input.list("drop").map((name) => {
    if (isDropped(name)) return DROPPED[name];
    throw new MeshError("usage", msg("password.unknown-field", { field: JSON.stringify(name) }), {
      hint: msg("password.unknown-field.hint", { fields: Object.keys(DROPPED).join(", ") }),
    });
  });
  const [title, username] = [givenTitle(input), givenUsername(input)];
  const [notes, made, otp] = [
    await givenNotes(context, input),
    await givenPassword(context, input),
    await givenOtp(context, input),
  ];
  const password = made?.password ?? (input.flag("askPassword") ? await askPassword(context) : undefined);
  const set: PasswordChange = {
    ...(title !== undefined && { Title: title }),
    ...(username !== undefined && { Username: username }),
    ...(notes !== undefined && { Notes: notes }),
    ...(password !== undefined && { Password: password }),
    ...(otp && { OTP: otp }),
  };
  const [sites, withoutSites] = [givenSites(input), givenSites(input, "dropSite")];
  const [labels, withoutLabels] = [givenLabels(input), givenLabels(input, "dropLabel")];
  const lists = [sites, withoutSites, labels, withoutLabels].flat().length;
  if (Object.keys(set).length + dropped.length + lists === 0) {
    throw new MeshError("usage", msg("password.nothing-to-change"), { hint: msg("password.nothing-to-change.hint") });
  }
  if (dropped.some((name) => name in set)) throw new MeshError("usage", msg("password.set-and-drop"));
  const without = (before: readonly string[] = [], more: readonly string[], less: readonly string[]): string[] =>
    [...new Set([...before, ...more])].filter((text) => !less.includes(text));
  const lackingOf = (option: string, has: readonly string[], less: readonly string[]): Dropped[] =>
    [...new Set(less)].filter((text) => !has.includes(text)).map((text) => ({ option, text }));
  return {
    change: { ...set, ...Object.fromEntries(dropped.map((name) => [name, undefined])) },
    lists: ({ Sites, Labels }) => ({
      ...(sites.length + withoutSites.length > 0 && { Sites: without(Sites, sites, withoutSites) }),
      ...(labels.length + withoutLabels.length > 0 && { Labels: without(Labels, labels, withoutLabels) }),
    }),
    lacking: ({ Sites = [], Labels = [] }) => [
      ...lackingOf("--drop-site", [...Sites, ...sites], withoutSites),
      ...lackingOf("--drop-label", [...Labels, ...labels], withoutLabels),
    ],
    ...(made?.bits !== undefined && { bits: made.bits }),
  };
};
