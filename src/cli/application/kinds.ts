import type { ApplicationKind, ApplicationType } from "../../mesh/application/kind.js";

type AnyKind = ApplicationKind<object>;

/** Each kind takes values of its own alone, which are what stands in the entries of its type. */
const general = (kind: unknown): AnyKind => kind as AnyKind;

const LOADERS: Readonly<Record<ApplicationType, () => Promise<AnyKind>>> = {
  PasswordProfile: async () => general((await import("../../mesh/application/password/kind.js")).PASSWORDS),
  SSHProfile: async () => general((await import("../../mesh/application/ssh/kind.js")).SSH),
  MailProfile: async () => general((await import("../../mesh/application/mail.js")).MAIL),
  NetworkProfile: async () => general((await import("../../mesh/application/network.js")).NETWORK),
};

/** What a type of application keeps. Loaded when something of it is looked into. */
export const kindOf = (type: ApplicationType): Promise<AnyKind> => LOADERS[type]();

/** The types as people write them; of two names for one the last is shown. */
export const TYPE_NAMES: Readonly<Record<string, ApplicationType>> = {
  password: "PasswordProfile",
  passwords: "PasswordProfile",
  ssh: "SSHProfile",
  mail: "MailProfile",
  network: "NetworkProfile",
};
