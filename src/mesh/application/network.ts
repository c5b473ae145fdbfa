import * as v from "valibot";
import { decodeBase64url } from "../bytes.js";
import { listSchema, problem, textSchema, UdfSchema } from "../schema.js";
import { ConnectionSchema, lineSchema } from "./connection.js";
import type { ApplicationKind } from "./kind.js";

/** The most octets of a certificate trust list. */
export const MAX_TRUST_LIST = 24 * 1024;

const isBinary = (text: string): boolean => {
  try {
    return decodeBase64url(text).length > 0;
  } catch {
    return false;
  }
};

/** Settings for a network (reference-00 section 5.3.21, NetworkProfilePrivate). `Name` is ours. Unknown members are kept. */
export const NetworkSchema = v.looseObject({
  Name: lineSchema(64),
  /** DNS names that the settings are for; `*.example.com` stands for www.example.com and the like. */
  Sites: v.optional(listSchema(lineSchema(255), 64)),
  /** DNS resolvers, the preferred one first. */
  DNS: v.optional(listSchema(ConnectionSchema, 16)),
  /** DNS suffixes to search; the specification calls them prefixes. */
  Prefix: v.optional(listSchema(lineSchema(253), 16)),
  /** A list of the certificate authorities to trust. */
  CTL: v.optional(
    v.pipe(textSchema(Math.ceil((MAX_TRUST_LIST * 4) / 3)), v.check(isBinary, problem("problem.binary-length"))),
  ),
  /** Fingerprints of the keys of certificate authorities to trust. */
  WebPKI: v.optional(listSchema(UdfSchema, 256)),
});
export type NetworkValue = v.InferOutput<typeof NetworkSchema>;

/** The name of a network as it is compared. */
export const foldName = (name: string): string => name.normalize("NFC").trim().toLowerCase();

/** Networks (reference-00 sections 5.3.20 and 5.3.21): each set of settings is an entry. */
export const NETWORK: ApplicationKind<NetworkValue> = {
  type: "NetworkProfile",
  name: "networks",
  schema: NetworkSchema,
  label: ({ Name }) => [foldName(Name)],
  secrets: ({ DNS = [] }) => DNS.flatMap(({ Password }) => (Password === undefined ? [] : [Password])),
};
