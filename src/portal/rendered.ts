// Much of what a portal answers was made into JSON before: a stored record is text, and a proof by one head is the same for everybody.

const TEXT = Symbol("JSON text");

/** A value of which the JSON text is there already. */
export interface Rendered {
  readonly [TEXT]: string;
  /** For whoever makes it into JSON in the usual way. */
  toJSON(): unknown;
}

/** Stands for the value of a JSON text, which is not looked at. */
export const rendered = (text: string): Rendered => ({ [TEXT]: text, toJSON: () => JSON.parse(text) as unknown });

const isRendered = (value: unknown): value is Rendered => typeof value === "object" && value !== null && TEXT in value;

/** The JSON text of a value, which may be rendered, or a list of those. */
export const jsonOf = (value: unknown): string => {
  if (isRendered(value)) return value[TEXT];
  return Array.isArray(value) && value.some(isRendered) ? `[${value.map(jsonOf).join(",")}]` : JSON.stringify(value);
};

/** JSON in ASCII alone. */
export const asciiJson = (value: string): string =>
  JSON.stringify(value).replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** The text of an object's members, each with a comma in front; those that are undefined are left out. */
export const membersOf = (members: Readonly<Record<string, unknown>>): string => {
  let text = "";
  for (const [name, value] of Object.entries(members)) {
    if (value !== undefined) text += `,${JSON.stringify(name)}:${jsonOf(value)}`;
  }
  return text;
};

/** An object with one member more, behind the others. It has others. */
export const withMember = (value: unknown, name: string, member: unknown): Rendered =>
  rendered(`${jsonOf(value).slice(0, -1)},${JSON.stringify(name)}:${jsonOf(member)}}`);
