import { dirname, resolve } from "node:path";
import * as v from "valibot";
import { isMeshError, MeshError } from "../../errors.js";
import { canonicalDomain } from "../../mesh/address.js";
import { parseStrictJsonOctets } from "../../mesh/json.js";
import { parseWith, problem } from "../../mesh/schema.js";
import { msg, type Message } from "../../messages/message.js";
import type { ProxyOptions } from "../../portal/client-address.js";
import { DEFAULT_QUOTA, type Quota } from "../../portal/context.js";
import { LOG_FORMATS, LOG_LEVELS, type LogFormat, type LogLevel } from "../../portal/journal.js";
import { RATE_KINDS, type Rate, type RateKind, type Rates } from "../../portal/rates.js";
import type { ListenAddress } from "../../portal/server.js";
import type { TlsPair } from "../../portal/tls.js";
import type { Context, Input } from "../context.js";
import { readNamedFile, readSecretFile } from "../input.js";
import { homeStorePlace, logKeyPathOf, readStoreFile, readStorePlace, type StorePlace } from "./store-place.js";

/** Where the certificate and its key are, to be read again. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

/** Everything that `portal serve` was told, as it goes from one process to another. */
export interface ServeSettings {
  readonly listen: ListenAddress;
  readonly metricsListen: ListenAddress | undefined;
  readonly domains: readonly string[];
  readonly authorities: readonly string[];
  readonly transferToken: string | undefined;
  readonly publicLog: boolean;
  readonly store: StorePlace;
  readonly logKeyFile: string;
  readonly logOrigin: string | undefined;
  readonly tlsFiles: TlsFiles | undefined;
  readonly rates: Partial<Rates>;
  readonly quota: Quota;
  readonly proxy: ProxyOptions | undefined;
  readonly logFormat: LogFormat;
  readonly logLevel: LogLevel;
  readonly logAddresses: boolean;
  readonly logAccounts: boolean;
  readonly workers: number;
  readonly verbose: boolean;
}

const MAX_CONFIG = 256 * 1024;
const MAX_RATE = 1_000_000_000;
const MAX_WORKERS = 64;
const QUOTA_KINDS = ["bytes", "records", "accounts"] as const;

const text = v.pipe(v.string(), v.minLength(1), v.maxLength(4096));
const texts = v.union([text, v.pipe(v.array(text), v.maxLength(1024))]);
const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
/** Port 0 is a free one. */
const port = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(65_535));
const rate = v.union([v.pipe(whole, v.maxValue(MAX_RATE)), v.literal("none")]);

/** The members have the names of the options. */
const ConfigSchema = v.strictObject({
  listen: v.optional(text),
  "metrics-listen": v.optional(v.union([text, port])),
  domain: v.optional(texts),
  authority: v.optional(texts),
  "transfer-token-file": v.optional(text),
  "public-log": v.optional(v.boolean()),
  store: v.optional(text),
  "store-file": v.optional(text),
  "log-key-file": v.optional(text),
  "log-origin": v.optional(text),
  "tls-cert": v.optional(text),
  "tls-key": v.optional(text),
  rate: v.optional(
    v.strictObject(
      Object.fromEntries(RATE_KINDS.map((kind) => [kind, v.optional(rate)])) as Record<
        RateKind,
        v.OptionalSchema<typeof rate, undefined>
      >,
    ),
  ),
  quota: v.optional(
    v.strictObject({ bytes: v.optional(whole), records: v.optional(whole), accounts: v.optional(whole) }),
  ),
  "client-address-header": v.optional(text),
  "trusted-proxy": v.optional(texts),
  "log-format": v.optional(v.picklist(LOG_FORMATS)),
  "log-level": v.optional(v.picklist(LOG_LEVELS)),
  "log-addresses": v.optional(v.boolean()),
  "log-accounts": v.optional(v.boolean()),
  workers: v.optional(v.pipe(whole, v.maxValue(MAX_WORKERS))),
});
type Config = v.InferOutput<typeof ConfigSchema>;

/** What a config file may be. For valibot an array is an object as well. */
export const FileSchema = v.pipe(
  v.unknown(),
  v.check((value) => !Array.isArray(value), problem("problem.form")),
  ConfigSchema,
);

/** The names of everything that a config file may hold. */
export const CONFIG_MEMBERS: readonly string[] = Object.keys(ConfigSchema.entries);

/** What a member may be, for whoever wrote something else. */
const formOf = (member: string): Message => {
  switch (member) {
    case "listen":
      return msg("serve.form-listen");
    case "metrics-listen":
      return msg("serve.form-metrics-listen");
    case "domain":
    case "authority":
    case "trusted-proxy":
      return msg("serve.form-texts");
    case "public-log":
    case "log-addresses":
    case "log-accounts":
      return msg("serve.form-flag");
    case "rate":
      return msg("serve.form-rate", { kinds: RATE_KINDS.join(", ") });
    case "quota":
      return msg("serve.form-quota", { kinds: QUOTA_KINDS.join(", ") });
    case "log-format":
      return msg("serve.choice-invalid.hint", { choices: LOG_FORMATS.join(", ") });
    case "log-level":
      return msg("serve.choice-invalid.hint", { choices: LOG_LEVELS.join(", ") });
    case "workers":
      return msg("serve.workers-invalid", { most: MAX_WORKERS });
    default:
      return CONFIG_MEMBERS.includes(member)
        ? msg("serve.form-text")
        : msg("serve.form-unknown", { members: CONFIG_MEMBERS.join(", ") });
  }
};

/** Reads a config file. Throws `usage` where it is none, names the member at fault, and says what it may be. */
const readConfig = (context: Context, path: string): Config => {
  const octets = readNamedFile(context, path, MAX_CONFIG);
  let value: unknown;
  try {
    value = parseStrictJsonOctets(octets);
    return parseWith(FileSchema, value, "usage", msg("serve.what-config", { path }));
  } catch (cause) {
    const member = v.safeParse(FileSchema, value, { abortEarly: true }).issues?.[0].path?.[0]?.key;
    if (isMeshError(cause, "usage") && typeof member === "string") {
      throw new MeshError("usage", cause.text, { hint: formOf(member), cause });
    }
    if (!isMeshError(cause, "json-invalid")) throw cause;
    throw new MeshError("usage", msg("serve.config-invalid", { path, fault: cause.text }), { cause });
  }
};

/** `KIND=N` as an option has it, or `KIND=none` where that is something. */
const readPairs = <Kind extends string>(
  option: string,
  given: readonly string[],
  kinds: readonly Kind[],
  mayBeNone: boolean,
): Partial<Record<Kind, Rate>> => {
  const pairs: Partial<Record<Kind, Rate>> = {};
  for (const each of given) {
    const [, name, value = ""] = /^([a-z-]+)=([0-9]{1,15}|none)$/.exec(each) ?? [];
    const kind = kinds.find((candidate) => candidate === name);
    const number = Number(value);
    if (kind === undefined || (value === "none" ? !mayBeNone : number < 1 || (mayBeNone && number > MAX_RATE))) {
      throw new MeshError("usage", msg("serve.pair-invalid", { option, text: JSON.stringify(each.slice(0, 64)) }), {
        hint: mayBeNone
          ? msg("serve.rate-invalid.hint", { kinds: kinds.join(", ") })
          : msg("serve.quota-invalid.hint", { kinds: kinds.join(", ") }),
      });
    }
    pairs[kind] = value === "none" ? "none" : number;
  }
  return pairs;
};

const choiceOf = <Choice extends string>(option: string, given: string, choices: readonly Choice[]): Choice => {
  const chosen = choices.find((choice) => choice === given);
  if (chosen !== undefined) return chosen;
  throw new MeshError("usage", msg("serve.choice-invalid", { option, text: JSON.stringify(given.slice(0, 64)) }), {
    hint: msg("serve.choice-invalid.hint", { choices: choices.join(", ") }),
  });
};

const bothOrNeither = <One, Other>(
  first: readonly [option: string, value: One | undefined],
  second: readonly [option: string, value: Other | undefined],
): readonly [One, Other] | undefined => {
  const [[one, oneValue], [other, otherValue]] = [first, second];
  if (oneValue !== undefined && otherValue !== undefined) return [oneValue, otherValue];
  if (oneValue === undefined && otherValue === undefined) return undefined;
  const [given, missing] = oneValue === undefined ? [other, one] : [one, other];
  throw new MeshError("usage", msg("serve.other-needed", { given, missing }));
};

/** The token of the peers that may ask for Transfer: one line of 16 visible characters or more. */
const readToken = async (context: Context, file: string): Promise<string> => {
  const token = (await readSecretFile(context, file)).toString("utf8");
  if (/^[!-~]{16,256}$/.test(token)) return token;
  throw new MeshError("usage", msg("serve.token-invalid", { path: file }));
};

/** Reads the certificate and its key. Throws `file-unreadable`. Whether they fit is for TLS to say. */
export const readTlsPair = async (context: Context, files: TlsFiles): Promise<TlsPair> => ({
  cert: readNamedFile(context, files.cert, MAX_CONFIG).toString("utf8"),
  key: (await readSecretFile(context, files.key)).toString("utf8"),
});

const listOf = (given: string | readonly string[] | undefined): readonly string[] | undefined =>
  typeof given === "string" ? [given] : given;

/** An address to listen at, where a port alone means this machine. */
const parseOwnListen = (given: string, parse: (text: string) => ListenAddress): ListenAddress =>
  parse(/^\d{1,5}$/.test(given) ? `127.0.0.1:${given}` : given);

/** What every command at a portal's own store is told: the store, the file with the key of its log, and the domains. */
export interface StoreSettings {
  readonly store: StorePlace;
  /** Throws `usage` where it must be named and is not. */
  readonly logKeyFile: () => string;
  readonly logOrigin: string | undefined;
  readonly domains: readonly string[];
}

/** What the options say, and the config file where there is one. */
interface Given {
  readonly config: Config;
  readonly configFile: string | undefined;
  /** The folder that paths in the config file are relative to. */
  readonly configFolder: string;
  /** A path that an option gives is relative to the working folder, one in the config file to that file. */
  readonly pathOf: (option: string, member: string | undefined) => string | undefined;
  readonly list: (option: string, member: string | readonly string[] | undefined) => readonly string[];
}

const readGiven = (context: Context, input: Input): Given => {
  const { deps } = context;
  const configPath = input.text("config") ?? (deps.env["MESHMAN_PORTAL_CONFIG"] || undefined);
  const configFile = configPath === undefined ? undefined : resolve(deps.cwd, configPath);
  const configFolder = configFile === undefined ? deps.cwd : dirname(configFile);
  return {
    config: configFile === undefined ? {} : readConfig(context, configFile),
    configFile,
    configFolder,
    pathOf: (option, member) => {
      const given = input.text(option);
      if (given !== undefined) return resolve(deps.cwd, given);
      return member === undefined ? undefined : resolve(configFolder, member);
    },
    list: (option, member) => {
      const given = input.list(option);
      return given.length > 0 ? given : (listOf(member) ?? []);
    },
  };
};

/**
 * A name under which clients reach the portal, as their Host header has it: in small letters, in ASCII, and without the port that https
 * means by itself.
 */
const canonicalAuthority = (authority: string): string => {
  try {
    if (/^[^\s/\\?#@]+$/.test(authority)) return new URL(`https://${authority}`).host;
  } catch {
    // It is none.
  }
  throw new MeshError("usage", msg("serve.authority-invalid", { authority: JSON.stringify(authority) }), {
    hint: msg("serve.authority-invalid.hint"),
  });
};

const storeSettingsOf = async (context: Context, input: Input, given: Given): Promise<StoreSettings> => {
  const { config, configFile, configFolder, pathOf, list } = given;
  const readStore = async (): Promise<StorePlace> => {
    const [store, storeFile] = [input.text("store"), input.text("storeFile")];
    bothIsUsage(store, storeFile);
    if (storeFile !== undefined) return readStoreFile(context, storeFile);
    if (store !== undefined) {
      return readStorePlace(context, { text: store, folder: context.deps.cwd, file: undefined });
    }
    bothIsUsage(config.store, config["store-file"]);
    const file = pathOf("storeFile", config["store-file"]);
    if (file !== undefined) return readStoreFile(context, file);
    if (config.store === undefined) return homeStorePlace(context);
    return readStorePlace(context, { text: config.store, folder: configFolder, file: configFile });
  };
  const domains = list("domain", config.domain).map((domain) => {
    const canonical = canonicalDomain(domain);
    if (canonical !== undefined) return canonical;
    throw new MeshError("usage", msg("serve.domain-invalid", { domain: JSON.stringify(domain) }));
  });
  const store = await readStore();
  return {
    store,
    logKeyFile: () => logKeyPathOf(context, store, pathOf("logKeyFile", config["log-key-file"])),
    logOrigin: input.text("logOrigin") ?? config["log-origin"],
    domains,
  };
};

/** What a command at a portal's store was told: by its options, and where they say nothing by the config file. Throws as `readSettings`. */
export const readStoreSettings = (context: Context, input: Input): Promise<StoreSettings> =>
  storeSettingsOf(context, input, readGiven(context, input));

/**
 * What the options say, and where they say nothing the config file of `--config` or MESHMAN_PORTAL_CONFIG. Throws `usage` for
 * what is wrong with either, and the errors of the files that they name.
 */
export const readSettings = async (
  context: Context,
  input: Input,
  parseListen: (text: string) => ListenAddress,
): Promise<ServeSettings> => {
  const { globals } = context;
  const given = readGiven(context, input);
  const { config, pathOf, list } = given;
  const listen = parseListen(input.text("listen") ?? config.listen ?? "127.0.0.1:8080");
  const metricsListen = input.text("metricsListen") ?? config["metrics-listen"]?.toString();
  const tls = bothOrNeither(
    ["--tls-cert", pathOf("tlsCert", config["tls-cert"])],
    ["--tls-key", pathOf("tlsKey", config["tls-key"])],
  );
  const trusted = list("trustedProxy", config["trusted-proxy"]);
  const proxy = bothOrNeither(
    ["--client-address-header", input.text("clientAddressHeader") ?? config["client-address-header"]],
    ["--trusted-proxy", trusted.length > 0 ? trusted : undefined],
  );
  const workers = input.whole("workers") ?? config.workers ?? 1;
  if (workers < 1 || workers > MAX_WORKERS) {
    throw new MeshError("usage", msg("serve.workers-invalid", { most: MAX_WORKERS }));
  }
  const givenFormat = input.text("logFormat") ?? config["log-format"];
  const givenLevel = input.text("logLevel") ?? config["log-level"];
  const isAsked = givenFormat !== undefined || globals.verbose;
  const level = choiceOf("--log-level", givenLevel ?? (isAsked ? "info" : "warn"), LOG_LEVELS);
  const format = globals.quiet ? "none" : choiceOf("--log-format", givenFormat ?? "text", LOG_FORMATS);
  const rates = readPairs("--rate", input.list("rate"), RATE_KINDS, true);
  const quota = readPairs("--quota", input.list("quota"), QUOTA_KINDS, false) as Partial<Quota>;
  const tokenFile = pathOf("transferTokenFile", config["transfer-token-file"]);
  const transferToken = tokenFile === undefined ? undefined : await readToken(context, tokenFile);
  const { store, logKeyFile, logOrigin, domains } = await storeSettingsOf(context, input, given);
  return {
    listen,
    metricsListen: metricsListen === undefined ? undefined : parseOwnListen(metricsListen, parseListen),
    domains,
    authorities: list("authority", config.authority).map(canonicalAuthority),
    transferToken,
    publicLog: input.flag("publicLog") || config["public-log"] === true,
    store,
    logKeyFile: logKeyFile(),
    logOrigin,
    tlsFiles: tls && { cert: tls[0], key: tls[1] },
    rates: { ...config.rate, ...rates } as Partial<Rates>,
    quota: { ...DEFAULT_QUOTA, ...config.quota, ...quota } as Quota,
    proxy: proxy && { header: proxy[0], trusted: proxy[1] },
    logFormat: format,
    logLevel: level,
    logAddresses: input.flag("logAddresses") || config["log-addresses"] === true,
    logAccounts: input.flag("logAccounts") || config["log-accounts"] === true,
    workers,
    verbose: globals.verbose,
  };
};

const bothIsUsage = (store: string | undefined, storeFile: string | undefined): void => {
  if (store === undefined || storeFile === undefined) return;
  throw new MeshError("usage", msg("usage.one-place", { first: "--store", second: "--store-file" }));
};
