import type * as v from "valibot";

/** The types of application profile that this program keeps, each with heads, segments and entries of its own. */
export const APPLICATION_TYPES = ["PasswordProfile", "SSHProfile", "MailProfile", "NetworkProfile"] as const;
export type ApplicationType = (typeof APPLICATION_TYPES)[number];

/** The payload type of the records in which an application's entries are kept (ours). */
export const SEGMENT_TYPE = "SegmentProfile";

/** True for a type of application profile that this program keeps. */
export const isApplicationType = (type: string): type is ApplicationType =>
  (APPLICATION_TYPES as readonly string[]).includes(type);

/**
 * What one kind of application keeps. All of it is pure: values in, values out.
 *
 * `publicMembers` and `secrets` are optional. Whoever publishes a head asks `publicMembers`, where a kind has it, with all
 * entries, and puts what it answers beside the head's own members; members of the head before that it does not name are kept.
 */
export interface ApplicationKind<Value extends object> {
  readonly type: ApplicationType;
  /** What the first one is called where no name is given, e.g. "passwords". */
  readonly name: string;
  /** Of one entry's value. Loose objects: unknown members are kept. */
  readonly schema: v.GenericSchema<unknown, Value>;
  /** Texts by which an entry is found without opening its segment. Kept at home only, sealed. No secrets. */
  readonly label: (value: Value) => readonly string[];
  /**
   * The texts that somebody who has seen the entry must not know any longer. A change that leaves one of them as it was does not
   * clear what is said of who may have seen the entry. Without this member every change clears it.
   */
  readonly secrets?: (value: Value) => readonly string[];
  /**
   * Members of the head that everybody can read, such as EncryptionPGP: all those that the kind has, `undefined` for one that
   * is not to be there any more.
   */
  readonly publicMembers?: (values: readonly Value[]) => Readonly<Record<string, unknown>>;
}
