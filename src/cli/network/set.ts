import { MeshError } from "../../errors.js";
import { encodeBase64url } from "../../mesh/bytes.js";
import { ConnectionSchema, type Connection } from "../../mesh/application/connection.js";
import { MAX_VALUE, valueSize } from "../../mesh/application/entry.js";
import { foldName, MAX_TRUST_LIST, NETWORK, NetworkSchema, type NetworkValue } from "../../mesh/application/network.js";
import { parseWith } from "../../mesh/schema.js";
import { parseUdf } from "../../mesh/udf.js";
import { msg } from "../../messages/message.js";
import { applicationOptions, changingSession } from "../application/access.js";
import { setEntry } from "../application/named-entry.js";
import type { Context, Input, Run } from "../context.js";
import { readNamedFile } from "../input.js";
import { givenClear, insistOn, serverAndPort, settingsFile } from "../mail/given.js";
import { changeResult, wantedNetwork } from "./settings.js";

const CLEARABLE = ["site", "dns", "prefix", "ctl", "web-pki"] as const;
const MEMBER = { site: "Sites", dns: "DNS", prefix: "Prefix", ctl: "CTL", "web-pki": "WebPKI" } as const;
const MAX_CERTIFICATE = 128 * 1024;

/** What the command line says of a network. */
interface Given {
  readonly name: string;
  readonly members: Partial<NetworkValue>;
  readonly file: NetworkValue | undefined;
  readonly clear: ReadonlySet<string>;
}

export const run: Run = async (context, input) => {
  const given = await givenSettings(context, input);
  const session = await changingSession(context);
  const options = { ...applicationOptions(input), create: true };
  const change = await setEntry(session, NETWORK, options, wantedNetwork(given.name), (value) =>
    settingsAfter(value, given),
  );
  return changeResult(change, given.name);
};

const givenSettings = async (context: Context, input: Input): Promise<Given> => {
  const name = (input.argument(0) ?? "").normalize("NFC").trim();
  insistOn(NetworkSchema, { Name: name }, "<name>", name);
  const clear = givenClear(input, CLEARABLE);
  const members = await givenMembers(context, input);
  const settings = await settingsFile(context, input, "NetworkProfilePrivate");
  if (Object.keys(members).length === 0 && settings === undefined && clear.size === 0) {
    throw new MeshError("usage", msg("network.nothing-to-set"), { hint: msg("network.nothing-to-set.hint") });
  }
  const file =
    settings && parseWith(NetworkSchema, { Name: name, ...settings }, "import-invalid", msg("network.what-settings"));
  if (file && foldName(file.Name) !== foldName(name)) {
    throw new MeshError("import-invalid", msg("network.settings-other", { name: file.Name }));
  }
  const given = { name, members, file, clear };
  // Before an application is made for it.
  settingsAfter(undefined, given);
  return given;
};

/** A resolver, as its address with or without a port, or as a URI such as `https://dns.example/dns-query`. */
const resolverOf = (text: string): Connection => {
  const connection = text.includes("://") ? { URI: text } : serverAndPort(text, "--dns");
  insistOn(ConnectionSchema, connection, "--dns", text);
  return connection;
};

const trustedKeys = async (context: Context, input: Input): Promise<readonly string[]> => {
  const named = input.list("webPki").map((text) => parseUdf(text));
  const files = input.list("webPkiCertificate");
  if (files.length === 0) return named;
  const { readCertificates } = await import("../../mesh/application/mail-keys.js");
  const keys = files.map((path) => readCertificates(readNamedFile(context, path, MAX_CERTIFICATE)).key.UDF);
  return [...new Set([...named, ...keys])];
};

const givenMembers = async (context: Context, input: Input): Promise<Partial<NetworkValue>> => {
  const [sites, dns, prefix] = [input.list("site"), input.list("dns").map(resolverOf), input.list("prefix")];
  const ctl = input.text("ctl");
  const webPki = await trustedKeys(context, input);
  const Name = "settings";
  for (const site of sites) insistOn(NetworkSchema, { Name, Sites: [site] }, "--site", site);
  for (const one of prefix) insistOn(NetworkSchema, { Name, Prefix: [one] }, "--prefix", one);
  return {
    ...(sites.length > 0 && { Sites: [...sites] }),
    ...(dns.length > 0 && { DNS: dns }),
    ...(prefix.length > 0 && { Prefix: [...prefix] }),
    ...(ctl !== undefined && { CTL: encodeBase64url(readNamedFile(context, ctl, MAX_TRUST_LIST)) }),
    ...(webPki.length > 0 && { WebPKI: [...webPki] }),
  };
};

/** The settings as they are to be. Throws `usage` and `too-large`. */
const settingsAfter = (before: NetworkValue | undefined, { name, members, file, clear }: Given): NetworkValue => {
  const gone = new Set<string>(CLEARABLE.filter((option) => clear.has(option)).map((option) => MEMBER[option]));
  const base = Object.entries({ ...(file ?? before) }).filter(([member]) => !gone.has(member));
  const value = parseWith(
    NetworkSchema,
    { ...Object.fromEntries(base), ...members, Name: before?.Name ?? name },
    "usage",
    msg("network.what-settings"),
  );
  if (valueSize(value) > MAX_VALUE)
    throw new MeshError("too-large", msg("mail.settings-large", { maximum: MAX_VALUE }));
  return value;
};
