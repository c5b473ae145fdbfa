import { createHash } from "node:crypto";
import * as v from "valibot";
import { TimeSchema } from "../../schema.js";
import { formatCsv, isFault, parseCsv, type Fault } from "./csv.js";
import { eachOf, importedOf, sitesOf, titleOf, urisOf, type Cells, type Imported, type Remark } from "./imported.js";
import { jsonOutline } from "./json-outline.js";
import { otpText, parseOtp } from "./otp.js";
import { MAX_EARLIER, nameOf, type PasswordValue } from "./value.js";

// What Bitwarden exports: JSON with everything that it knows, and a table with the most of it. What has no place in an entry here is kept
// in its member Bitwarden, so that it is there when the entry is exported again.

/** Labels beyond the first, which is the folder, are fields of this name there. */
const LABEL_FIELD = "meshman.label";
const LOGIN = 1;
const NOTE = 2;

const Text = v.nullish(v.string());
const FieldSchema = v.looseObject({ name: Text, value: v.nullish(v.union([v.string(), v.boolean(), v.number()])) });
const UriSchema = v.looseObject({ uri: Text });
const LoginSchema = v.looseObject({
  uris: v.nullish(v.array(UriSchema)),
  username: Text,
  password: Text,
  totp: Text,
});
const ItemSchema = v.looseObject({
  type: v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(255)),
  name: Text,
  notes: Text,
  folderId: Text,
  collectionIds: v.nullish(v.array(v.string())),
  fields: v.nullish(v.array(FieldSchema)),
  passwordHistory: v.nullish(v.array(v.looseObject({ password: Text, lastUsedDate: Text }))),
  creationDate: Text,
  deletedDate: Text,
  login: v.nullish(LoginSchema),
});
type Item = v.InferOutput<typeof ItemSchema>;
const FolderSchema = v.looseObject({ id: v.string(), name: v.string() });
type Folder = v.InferOutput<typeof FolderSchema>;
const FileSchema = v.looseObject({
  encrypted: v.nullish(v.boolean()),
  folders: v.nullish(v.array(FolderSchema)),
  collections: v.nullish(v.array(FolderSchema)),
  items: v.array(v.unknown()),
});

type Members = Readonly<Record<string, unknown>>;

/** What an item has where nobody said anything. */
const USUAL_ITEM: Members = {
  passwordHistory: null,
  deletedDate: null,
  organizationId: null,
  folderId: null,
  type: LOGIN,
  reprompt: 0,
  favorite: false,
  collectionIds: null,
};
const USUAL_URI: Members = { match: null };

/** The members that are not as they are where nobody said anything. */
const unusual = (members: Members, usual: Members): Members =>
  Object.fromEntries(
    Object.entries(members).filter(
      ([name, value]) =>
        value !== undefined && (!(name in usual) || JSON.stringify(usual[name]) !== JSON.stringify(value)),
    ),
  );

const isEmpty = (members: Members): boolean => Object.keys(members).length === 0;
const membersOf = (value: unknown): Members => (typeof value === "object" && value !== null ? (value as Members) : {});
const isTime = (text: unknown): text is string => v.is(TimeSchema, text);

/** The labels among the fields of an item, and its other fields. */
const splitFields = (fields: Item["fields"]) => {
  const isLabel = ({ name, value }: v.InferOutput<typeof FieldSchema>): boolean =>
    name === LABEL_FIELD && typeof value === "string" && value !== "";
  return {
    labels: (fields ?? []).filter(isLabel).map(({ value }) => String(value)),
    others: (fields ?? []).filter((field) => !isLabel(field)),
  };
};

/** The passwords that an item had, unless something of them would be lost: then they stay as they are. */
const earlierOf = ({ passwordHistory }: Item): PasswordValue["Earlier"] | undefined => {
  const earlier = (passwordHistory ?? []).map(({ password, lastUsedDate, ...more }) =>
    typeof password === "string" && isTime(lastUsedDate) && isEmpty(more)
      ? { Password: password, Until: lastUsedDate }
      : undefined,
  );
  const known = earlier.filter((each) => each !== undefined);
  return known.length === earlier.length && known.length > 0 && known.length <= MAX_EARLIER ? known : undefined;
};

const readLogin = (item: Item) => {
  const { uris, username, password, totp, ...more } = item.login ?? {};
  const texts = (uris ?? []).flatMap(({ uri }) => (uri === undefined || uri === null || uri === "" ? [] : [uri]));
  const OTP = parseOtp(totp ?? "");
  const revised = more["passwordRevisionDate"];
  const matches = (uris ?? []).filter(({ uri, ...rest }) => !isEmpty(unusual(rest, USUAL_URI)) || (uri ?? "") === "");
  return {
    uris: texts,
    value: {
      ...sitesOf(texts),
      Username: username ?? undefined,
      Password: password ?? undefined,
      OTP,
      ...(isTime(revised) && { Changed: revised }),
    },
    rest: {
      ...(isTime(revised)
        ? Object.fromEntries(Object.entries(more).filter(([name]) => name !== "passwordRevisionDate"))
        : more),
      ...(matches.length > 0 && { uris: matches }),
      ...(totp && !OTP && { totp }),
    },
    hasOtherOtp: Boolean(totp) && !OTP,
  };
};

const readItem = (item: Item, line: number, folders: ReadonlyMap<string, Folder>): Imported | Fault => {
  if (item.deletedDate) return { line, value: undefined, remarks: ["deleted"] };
  const { name, notes, folderId, fields, passwordHistory, creationDate, login: _, ...more } = item;
  const folder = folders.get(folderId ?? item.collectionIds?.[0] ?? "");
  const { labels, others } = splitFields(fields);
  const login = readLogin(item);
  const earlier = earlierOf(item);
  const isLogin = item.type === LOGIN;
  const rest = {
    ...unusual(more, USUAL_ITEM),
    ...(folder && folderId === folder.id && folder.id !== folderIdOf(folder.name) && { folderId }),
    ...(others.length > 0 && { fields: others }),
    ...(!earlier && (passwordHistory?.length ?? 0) > 0 && { passwordHistory }),
    ...(creationDate && !isTime(creationDate) && { creationDate }),
    ...(!isEmpty(login.rest) && { login: login.rest }),
  };
  const remarks: Remark[] = [...(isLogin ? [] : (["kind"] as const)), ...(login.hasOtherOtp ? (["otp"] as const) : [])];
  const value = {
    ...login.value,
    Notes: notes ?? undefined,
    Labels: [...new Set([...(folder && folder.name !== "" ? [folder.name] : []), ...labels])],
    Earlier: earlier,
    Created: isTime(creationDate) ? creationDate : undefined,
    Bitwarden: isEmpty(rest) ? undefined : rest,
  };
  return importedOf(line, { ...value, Title: titleOf(name ?? "", sitesOf(login.uris)) }, remarks);
};

/** Reads an export in JSON. One that is encrypted is no use here. */
export const readBitwardenJson = (text: string): readonly Imported[] | Fault => {
  const outline = jsonOutline(text);
  if (isFault(outline)) return outline;
  const file = v.safeParse(FileSchema, outline.value);
  const encrypted = membersOf(outline.value)["encrypted"] === true;
  if (encrypted) return { line: 1, fault: "encrypted" };
  if (!file.success) return { line: 1, fault: "header" };
  const { folders, collections, items } = file.output;
  const known = new Map([...(collections ?? []), ...(folders ?? [])].map((folder) => [folder.id, folder]));
  const numbered = items.map((item, index) => ({ item, line: outline.lines[index] ?? 1 }));
  return eachOf(
    numbered,
    ({ item, line }) => {
      const parsed = v.safeParse(ItemSchema, item);
      return parsed.success ? readItem(parsed.output, line, known) : { line, fault: "value" };
    },
    ({ line }) => line,
  );
};

/** The identifier of a folder by its name, where Bitwarden has not given it one. */
const folderIdOf = (name: string): string => {
  const digest = createHash("sha256").update(`meshman folder ${name}`).digest();
  digest.writeUInt8((digest.readUInt8(6) & 0x0f) | 0x80, 6);
  digest.writeUInt8((digest.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = digest.toString("hex", 0, 16);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
};

const restOf = ({ Bitwarden }: PasswordValue): Members => membersOf(Bitwarden);

const textOf = (value: unknown): string =>
  typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : "";

const fieldsOf = (value: PasswordValue): readonly Members[] => {
  const { fields } = restOf(value);
  const others = Array.isArray(fields) ? (fields as Members[]) : [];
  const [, ...labels] = value.Labels ?? [];
  return [...others, ...labels.map((label) => ({ name: LABEL_FIELD, value: label, type: 0, linkedId: null }))];
};

const loginOf = (value: PasswordValue): Members => {
  const { uris, totp, ...more } = membersOf(restOf(value)["login"]);
  const kept = Array.isArray(uris) ? (uris as Members[]) : [];
  const written = urisOf(value).map((uri) => kept.find((each) => each["uri"] === uri) ?? { ...USUAL_URI, uri });
  return {
    ...more,
    uris: written,
    username: value.Username ?? null,
    password: value.Password ?? null,
    totp: value.OTP ? otpText(value.OTP) : (totp ?? null),
    ...(value.Changed !== undefined && { passwordRevisionDate: value.Changed }),
  };
};

/** True where something would be lost without a login, which notes have none of at first. */
const hasLogin = (value: PasswordValue): boolean =>
  (value.Username ?? value.Password ?? value.OTP) !== undefined || urisOf(value).length > 0;

const itemOf = (value: PasswordValue, folderId: string | null): Members => {
  const rest = restOf(value);
  const fields = fieldsOf(value);
  const earlier = value.Earlier?.map(({ Password, Until }) => ({ lastUsedDate: Until, password: Password }));
  const type = typeof rest["type"] === "number" ? rest["type"] : LOGIN;
  return {
    ...USUAL_ITEM,
    ...rest,
    ...(earlier && { passwordHistory: earlier }),
    ...(value.Created !== undefined && { creationDate: value.Created }),
    folderId,
    type,
    name: nameOf(value),
    notes: value.Notes ?? null,
    ...(fields.length > 0 && { fields }),
    ...((type === LOGIN || hasLogin(value)) && { login: loginOf(value) }),
  };
};

/** Writes everything that Bitwarden has a place for. */
export const writeBitwardenJson = (values: readonly PasswordValue[]): string => {
  const folders = new Map<string, string>();
  const items = values.map((value) => {
    const [label] = value.Labels ?? [];
    if (label === undefined) return itemOf(value, null);
    const given = restOf(value)["folderId"];
    const known = folders.get(label) ?? (typeof given === "string" ? given : folderIdOf(label));
    folders.set(label, known);
    return itemOf(value, known);
  });
  const named = [...folders].map(([name, id]) => ({ id, name }));
  return `${JSON.stringify({ encrypted: false, folders: named, items }, null, 2)}\n`;
};

export const BITWARDEN_COLUMNS = [
  "folder",
  "favorite",
  "type",
  "name",
  "notes",
  "fields",
  "reprompt",
  "login_uri",
  "login_username",
  "login_password",
  "login_totp",
] as const;

/** The addresses of a cell, which is itself a row of a table. */
const urisIn = (cell: string): readonly string[] => {
  if (cell === "") return [];
  const rows = parseCsv(cell);
  return isFault(rows) || rows.length !== 1 ? [cell] : (rows[0]?.cells ?? []).filter((uri) => uri !== "");
};

const fieldsIn = (cell: string): { name: string; value: string; type: number }[] =>
  cell === ""
    ? []
    : cell.split(/\r?\n/).map((text) => {
        const colon = text.lastIndexOf(": ");
        return { name: text.slice(0, Math.max(0, colon)), value: colon < 0 ? text : text.slice(colon + 2), type: 0 };
      });

/** Reads a row of an export as a table: of one person, or of an organization, which has collections and no folder. */
const readRow = ({ line, cells }: { readonly line: number; readonly cells: Cells }): Imported | Fault => {
  const type = cells("type").toLowerCase();
  if (type !== "" && type !== "login" && type !== "note") return { line, fault: "value" };
  const isNote = type === "note";
  const folder = cells("folder") || (urisIn(cells("collections"))[0] ?? "");
  const { labels, others } = splitFields(fieldsIn(cells("fields")));
  const sites = sitesOf(urisIn(cells("login_uri")));
  const totp = cells("login_totp");
  const OTP = parseOtp(totp);
  const rest = {
    ...(isNote && { type: NOTE, secureNote: { type: 0 } }),
    ...(cells("favorite") === "1" && { favorite: true }),
    ...(cells("reprompt") === "1" && { reprompt: 1 }),
    ...(others.length > 0 && { fields: others }),
    ...(totp !== "" && !OTP && { login: { totp } }),
  };
  const value = {
    ...sites,
    Title: titleOf(cells("name"), sites),
    Username: cells("login_username"),
    Password: cells("login_password"),
    Notes: cells("notes"),
    OTP,
    Labels: [...new Set([...(folder === "" ? [] : [folder]), ...labels])],
    Bitwarden: isEmpty(rest) ? undefined : rest,
  };
  return importedOf(line, value, [
    ...(isNote ? (["kind"] as const) : []),
    ...(totp !== "" && !OTP ? (["otp"] as const) : []),
  ]);
};

export const readBitwardenRows = (
  rows: readonly { readonly line: number; readonly cells: Cells }[],
): readonly Imported[] | Fault => eachOf(rows, readRow, ({ line }) => line);

/** A cell that is a row of a table itself, as short as it can be. */
const innerRow = (cells: readonly string[]): string => formatCsv([cells], "");

const rowOf = (value: PasswordValue): readonly string[] => {
  const rest = restOf(value);
  const totp = membersOf(rest["login"])["totp"];
  const uris = urisOf(value);
  const isLogin = rest["type"] === undefined || rest["type"] === LOGIN;
  return [
    value.Labels?.[0] ?? "",
    rest["favorite"] === true ? "1" : "",
    isLogin ? "login" : "note",
    nameOf(value),
    value.Notes ?? "",
    fieldsOf(value)
      .map(({ name, value: text }) => (name === "" ? textOf(text) : `${textOf(name)}: ${textOf(text)}`))
      .join("\n"),
    rest["reprompt"] === 1 ? "1" : "0",
    uris.length === 0 ? "" : innerRow(uris),
    value.Username ?? "",
    value.Password ?? "",
    value.OTP ? otpText(value.OTP) : typeof totp === "string" ? totp : "",
  ];
};

export const bitwardenRows = (values: readonly PasswordValue[]): readonly (readonly string[])[] => [
  BITWARDEN_COLUMNS,
  ...values.map(rowOf),
];
