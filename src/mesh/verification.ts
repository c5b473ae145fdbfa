import * as v from "valibot";
import { isMeshError, MeshError, type ErrorCode } from "../errors.js";
import { msg, type Message } from "../messages/message.js";
import { decodeBase64url, decodeUtf8 } from "./bytes.js";
import { readConnectionRequest, readConnectionResult } from "./connection.js";
import { readRecord, SignedRecordSchema, verifySignature, type SignedRecord } from "./jose.js";
import { parseStrictJsonOctets } from "./json.js";
import type { PublicKey } from "./keys.js";
import {
  digestLegacy,
  formOf,
  parseLegacyJson,
  readLegacyKey,
  readLegacyPayload,
  readLegacySigned,
  verifyLegacyDigest,
  type LegacyDigest,
  type LegacyForm,
  type LegacyKey,
  type LegacySigned,
} from "./legacy.js";
import { readApplication } from "./records/application.js";
import { readDevice } from "./records/device.js";
import { readMaster, type MasterProfile } from "./records/master.js";
import { readPersonal, type PersonalProfile } from "./records/personal.js";
import { parseWith } from "./schema.js";
import { compareVersions } from "./succession.js";

/** Which rule a record was held against; `unknown` where its form is that of none. */
export type RecordFormat = "current" | LegacyForm | "unknown";

/** Why a record is not ok. `key-unknown`: its signer's key is in none of the files. */
export type VerificationReason = ErrorCode | "key-unknown" | "signer-not-allowed";

/** What was found out about one signature. */
export interface VerifiedRecord {
  readonly file: string;
  /** Such as SignedPersonalProfile; `unknown` where it cannot be told. */
  readonly type: string;
  /** As the record says, or empty. */
  readonly identifier: string;
  readonly format: RecordFormat;
  readonly ok: boolean;
  /** Fingerprint of the key that the record says it is signed by. */
  readonly signer: string | null;
  readonly reason?: VerificationReason;
}

export interface Verification {
  /** True where every signature in every file was found valid. */
  readonly ok: boolean;
  /** One for every signature, nested ones too, file by file in the order in which they stand there. */
  readonly records: readonly VerifiedRecord[];
}

/** Takes the octets of one file, in pieces of any size. */
export interface VerifierSink {
  /** Throws `too-large` where the files hold more than is kept in memory. */
  readonly write: (chunk: Uint8Array) => void;
  /** Throws `record-invalid` where no signed record was found in the file. */
  readonly end: () => void;
}

export interface Verifier {
  /** Starts a file; `file` is the name under which its records are listed. */
  readonly add: (file: string) => VerifierSink;
  /** The verdicts, once every file has ended: keys are pooled over all of them. */
  readonly finish: () => Verification;
}

/** How many signatures one verification lists. */
const MAX_RECORDS = 500_000;
/** How much is kept for the end, in octets and by estimate: keys, and signatures whose key is not known yet. */
const MAX_RETAINED = 64 * 1024 * 1024;
/** How deep records may stand in each other's payloads and in the texts of log items. */
const MAX_NESTING = 8;
const MAX_IDENTIFIER = 128;

type Verdict = "ok" | VerificationReason;
/** A verdict, or how to reach one when all files have been read. */
type Outcome = Verdict | (() => Verdict);

interface Item {
  readonly file: string;
  type: string;
  readonly identifier: string;
  readonly format: RecordFormat;
  signer: string | null;
  verdict: Verdict;
}

interface Context {
  readonly source: { readonly file: string; found: boolean };
  /** True where the text around had line feeds inside strings, as old records alone may. */
  readonly wrapped: boolean;
  readonly depth: number;
}

/** An inspected record, and the keys by which an old one lets others be verified: none unless it is valid itself. */
interface Inspection {
  readonly item: Item;
  readonly keys: readonly LegacyKey[];
}

const UNKNOWN = "unknown";
const APPLICATION = "SignedApplicationProfile";

/** Payload names and the names of the records around them. */
const CURRENT_TYPES = new Map([
  ["MasterProfile", "SignedMasterProfile"],
  ["DeviceProfile", "SignedDeviceProfile"],
  ["PersonalProfile", "SignedPersonalProfile"],
  ["ConnectionRequest", "SignedConnectionRequest"],
  ["ConnectionResult", "SignedConnectionResult"],
]);
/** The same for old records, of which the logs of 2015 have some by other names. */
const LEGACY_TYPES = new Map([
  ...CURRENT_TYPES,
  ["PersonalMasterProfile", "SignedMasterProfile"],
  ["PersonalCurrentProfile", "SignedCurrentProfile"],
  ["AdministrationProfile", "SignedAdministrationProfile"],
]);
const RECORD_NAMES = new Set([...LEGACY_TYPES.values(), APPLICATION]);

/** The name of the record around a payload, or undefined where there is no such record. */
const recordName = (types: ReadonlyMap<string, string>, payloadName: string): string | undefined =>
  types.get(payloadName) ?? (/^[A-Z][A-Za-z0-9]{0,55}Profile$/.test(payloadName) ? APPLICATION : undefined);

const LegacyRecordSchema = v.strictObject({
  Identifier: v.optional(v.pipe(v.string(), v.maxLength(MAX_IDENTIFIER))),
  SignedData: v.unknown(),
});

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const member = (value: unknown, name: string): unknown => (isObject(value) ? value[name] : undefined);

/** The items of a list, where an absent one is empty. Throws `record-invalid` for anything else. */
const items = (value: unknown, name: string): readonly unknown[] => {
  const list = member(value, name) ?? [];
  if (!Array.isArray(list)) throw new MeshError("record-invalid", msg("mesh.records-list", { member: name }));
  return list;
};

const ensure = (condition: boolean, text: Message): void => {
  if (!condition) throw new MeshError("record-invalid", text);
};

const tooLarge = (): never => {
  throw new MeshError("too-large", msg("mesh.records-many"), { hint: msg("mesh.records-many.hint") });
};

/** What the newest personal profile of an owner says of who may sign application profiles. */
interface Owner {
  readonly master: { readonly sequence: number };
  readonly sequence: number;
  readonly online: ReadonlySet<string>;
  readonly devices: ReadonlySet<string>;
  readonly administrators: ReadonlyMap<string, ReadonlySet<string>>;
  /** About how many octets this takes. */
  readonly size: number;
}

const ownerOf = ({ master, sequence, devices, applications }: PersonalProfile): Owner => {
  const listed = new Set(devices.map(({ udf }) => udf));
  const present = master.administrators.filter(({ deviceUdf }) => listed.has(deviceUdf));
  const granted = applications.flatMap(({ AdminDeviceUDF }) => AdminDeviceUDF ?? []);
  return {
    master: { sequence: master.sequence },
    sequence,
    online: new Set(present.map(({ key }) => key.udf)),
    devices: listed,
    administrators: new Map(
      applications.map(({ Identifier, AdminDeviceUDF }) => [Identifier, new Set(AdminDeviceUDF ?? [])]),
    ),
    size: 512 + 256 * applications.length + 64 * (devices.length + present.length + granted.length),
  };
};

/** Counts what is kept until the end. Throws `too-large`. */
type Retain = (octets: number) => void;

/** What current records say of keys and of who may sign. Only what has been verified gets in. */
const createPool = (retain: Retain) => {
  const keys = new Map<string, PublicKey>();
  const masters = new Map<string, Set<string>>();
  const owners = new Map<string, Owner>();

  const addKey = (key: PublicKey): void => {
    if (keys.has(key.udf)) return;
    retain(256);
    keys.set(key.udf, key);
  };

  const addMaster = ({ udf, administrators }: MasterProfile): void => {
    const known = masters.get(udf);
    if (!known) retain(256);
    const online = known ?? new Set();
    for (const { key } of administrators) {
      addKey(key);
      online.add(key.udf);
    }
    masters.set(udf, online);
  };

  const addOwner = (profile: PersonalProfile): void => {
    const before = owners.get(profile.udf);
    if (before && compareVersions(before, profile) >= 0) return;
    const owner = ownerOf(profile);
    retain(owner.size - (before?.size ?? 0));
    owners.set(profile.udf, owner);
  };

  /** The rule of `verifyApplication`, by what was kept of the owner. */
  const mayPublish = (ownerUdf: string, identifier: string, kid: string): Verdict => {
    const owner = owners.get(ownerUdf);
    if (!owner) return "key-unknown";
    const allowed = owner.online.has(kid) || (owner.administrators.get(identifier) ?? owner.devices).has(kid);
    return allowed ? "ok" : "signer-not-allowed";
  };

  const mayAnswer = (profileUdf: string, kid: string): Verdict => {
    const online = masters.get(profileUdf);
    if (!online) return "key-unknown";
    return online.has(kid) ? "ok" : "signer-not-allowed";
  };

  return { key: (kid: string) => keys.get(kid), addKey, addMaster, addOwner, mayPublish, mayAnswer };
};

/** The same for old records. They do not say whose they are, so that any device of any valid profile may sign them. */
const createLegacyPool = (retain: Retain) => {
  const signers = new Map<string, LegacyKey>();
  const known = new Set<string>();

  const addSigner = (key: LegacyKey): void => {
    if (signers.has(key.udf)) return;
    retain(1024);
    signers.set(key.udf, key);
  };

  const addName = (udf: string): void => {
    if (known.has(udf)) return;
    retain(128);
    known.add(udf);
  };

  /** Why a record is not ok where none of the keys that may sign it is its signer's. */
  const missing = (kid: string): Verdict => (known.has(kid) ? "signer-not-allowed" : "key-unknown");

  return { signer: (kid: string) => signers.get(kid), addSigner, addName, missing };
};

/**
 * Verifies the signed records in any number of files: single records, lists of them, exports, and logs, old and new. Give it
 * every file through `add`, then ask `finish`. What is kept in memory is bounded and does not grow with the files, but for the
 * list of verdicts.
 *
 * Each record is held against the rule of its own form and no other. One whose signer's authority stands in another record,
 * such as an application profile, is judged at the end: a current one by the newest personal profile of its owner among the
 * files, a current connection result by any master profile of its owner, and an old one by the devices in any valid personal
 * profile, since old records do not say whose they are.
 */
export const createVerifier = (): Verifier => {
  const records: Item[] = [];
  const deferred: { readonly item: Item; readonly judge: () => Verdict }[] = [];
  let retained = 0;
  const retain: Retain = (octets) => {
    retained += octets;
    if (retained > MAX_RETAINED) tooLarge();
  };
  const pool = createPool(retain);
  const legacy = createLegacyPool(retain);

  const report = (context: Context, type: string, identifier: unknown, format: RecordFormat): Item => {
    if (records.length >= MAX_RECORDS) tooLarge();
    context.source.found = true;
    const item: Item = {
      file: context.source.file,
      type,
      identifier: typeof identifier === "string" && identifier.length <= MAX_IDENTIFIER ? identifier : "",
      format,
      signer: null,
      verdict: "record-invalid",
    };
    records.push(item);
    return item;
  };

  /** Lists text that cannot be read. A file of nothing else is a file without records, unless it speaks of signed ones. */
  const reportDamage = (context: Context, reason: VerificationReason, mentionsRecord: boolean): void => {
    const { found } = context.source;
    report(context, UNKNOWN, "", "unknown").verdict = reason;
    context.source.found = found || mentionsRecord;
  };

  // Each closure that waits for the end is made in a function of its own: it keeps all that any closure beside it needs.
  const publisherLater = (owner: string, identifier: string, kid: string) => () =>
    pool.mayPublish(owner, identifier, kid);
  const answererLater = (profileUdf: string, kid: string) => () => pool.mayAnswer(profileUdf, kid);

  /** Verifies the signature of an application profile, and leaves it for the end whether its signer had the right. */
  const judgeApplication = (record: SignedRecord, key: PublicKey): (() => Verdict) => {
    const { type, owner, identifier, kid } = readApplication(record);
    verifySignature(readRecord(record, type), [key]);
    return publisherLater(owner, identifier, kid);
  };

  const judgeResult = (record: SignedRecord, key: PublicKey): (() => Verdict) =>
    answererLater(readConnectionResult(record, [key]).profileUdf, key.udf);

  type Judge = typeof judgeResult;

  const judgeLater = (record: SignedRecord, kid: string, judge: Judge): (() => Verdict) => {
    retain(record.SignedData.payload.length);
    return () => {
      const key = pool.key(kid);
      return key ? judge(record, key)() : "key-unknown";
    };
  };

  /** Judges a record by a key that may yet come in a later file. */
  const judgeByPool = (record: SignedRecord, kid: string, judge: Judge): (() => Verdict) => {
    retain(512);
    const key = pool.key(kid);
    return key ? judge(record, key) : judgeLater(record, kid, judge);
  };

  const inspectCurrent = (value: unknown, name: string, item: Item, context: Context): Outcome => {
    ensure(!context.wrapped, msg("mesh.records-wrapped"));
    const record = parseWith(SignedRecordSchema, value, "record-invalid", msg("mesh.what.record"));
    const container = parseStrictJsonOctets(decodeBase64url(record.SignedData.payload));
    const payloadName = isObject(container) ? (Object.keys(container)[0] ?? "") : "";
    const type = named(item, name, recordName(CURRENT_TYPES, payloadName));
    const read = readRecord(record, payloadName);
    item.signer = read.kid;
    const inner = { ...context, depth: context.depth + 1 };
    switch (type) {
      case "SignedMasterProfile":
        pool.addMaster(readMaster(record));
        return "ok";
      case "SignedDeviceProfile":
        pool.addKey(readDevice(record).signatureKey);
        return "ok";
      case "SignedPersonalProfile":
        inspect(member(read.payload, "SignedMasterProfile"), "SignedMasterProfile", inner);
        for (const device of items(read.payload, "Devices")) inspect(device, "SignedDeviceProfile", inner);
        pool.addOwner(readPersonal(record));
        return "ok";
      case "SignedConnectionRequest":
        inspect(member(read.payload, "Device"), "SignedDeviceProfile", inner);
        readConnectionRequest(record);
        return "ok";
      case "SignedConnectionResult":
        inspect(member(read.payload, "Device"), "SignedDeviceProfile", inner);
        return judgeByPool(record, read.kid, judgeResult);
      default:
        readApplication(record);
        return judgeByPool(record, read.kid, judgeApplication);
    }
  };

  const judgeLegacyLater = (digest: LegacyDigest, kid: string) => () => {
    const key = legacy.signer(kid);
    return key ? verdictOf(digest, key) : legacy.missing(kid);
  };

  const judgeLegacy = (signed: LegacySigned): Outcome => {
    const digest = digestLegacy(signed);
    const key = legacy.signer(signed.kid);
    if (key) return verdictOf(digest, key);
    retain(1536);
    return judgeLegacyLater(digest, signed.kid);
  };

  const inspectLegacyMaster = (signed: LegacySigned, identifier: unknown, payload: unknown): LegacyKey[] => {
    const key = readLegacyKey(member(payload, "MasterSignatureKey"));
    ensure(identifier === key.udf && signed.kid === key.udf, msg("mesh.legacy-master-name"));
    checkSignature(signed, key);
    items(payload, "MasterEscrowKeys").forEach(readLegacyKey);
    const online = items(payload, "OnlineSignatureKeys").map(readLegacyKey);
    legacy.addName(key.udf);
    online.forEach(legacy.addSigner);
    return online;
  };

  const inspectLegacyDevice = (signed: LegacySigned, identifier: unknown, payload: unknown): LegacyKey[] => {
    const key = readLegacyKey(member(payload, "DeviceSignatureKey"));
    ensure(identifier === key.udf && signed.kid === key.udf, msg("mesh.legacy-device-name"));
    checkSignature(signed, key);
    for (const name of ["DeviceAuthenticationKey", "DeviceEncryptiontionKey"]) {
      const other = member(payload, name);
      if (other !== undefined) readLegacyKey(other);
    }
    legacy.addName(key.udf);
    return [key];
  };

  const inspectLegacyPersonal = (
    signed: LegacySigned,
    identifier: unknown,
    payload: unknown,
    prefix: string,
    inner: Context,
  ): Verdict => {
    const master = inspect(member(payload, "SignedMasterProfile"), "SignedMasterProfile", inner);
    const administration = member(payload, "SignedAdministrationProfile");
    if (administration !== undefined) inspect(administration, "SignedAdministrationProfile", inner);
    const devices = items(payload, "Devices").map((device) => inspect(device, "SignedDeviceProfile", inner));
    ensure(identifier === prefix + master.item.identifier, msg("mesh.legacy-personal-name"));
    const allowed = [master, ...devices].flatMap((inspection) => inspection.keys);
    const key = allowed.find(({ udf }) => udf === signed.kid);
    if (!key) return legacy.missing(signed.kid);
    checkSignature(signed, key);
    allowed.forEach(legacy.addSigner);
    return "ok";
  };

  const inspectLegacy = (
    form: LegacyForm,
    value: unknown,
    name: string,
    item: Item,
    context: Context,
  ): { outcome: Outcome; keys?: LegacyKey[] } => {
    const record = parseWith(LegacyRecordSchema, value, "record-invalid", msg("mesh.what.record"));
    const signed = readLegacySigned(form, record.SignedData);
    item.signer = signed.kid;
    const { type: payloadName, value: payload, wrapped } = readLegacyPayload(signed);
    const type = named(item, name, recordName(LEGACY_TYPES, payloadName));
    const inner = { ...context, wrapped: context.wrapped || wrapped, depth: context.depth + 1 };
    const { Identifier: identifier } = record;
    // Requests and results are named after the device in them, administration profiles not at all.
    const device = type === "SignedConnectionRequest" || type === "SignedConnectionResult";
    const source = device ? member(payload, "Device") : payload;
    ensure(member(source, "Identifier") === identifier, msg("mesh.legacy-identifiers"));
    ensure((identifier === undefined) === (type === "SignedAdministrationProfile"), msg("mesh.legacy-identifier"));
    switch (type) {
      case "SignedMasterProfile":
        return { outcome: "ok", keys: inspectLegacyMaster(signed, identifier, payload) };
      case "SignedDeviceProfile":
        return { outcome: "ok", keys: inspectLegacyDevice(signed, identifier, payload) };
      case "SignedPersonalProfile":
        return { outcome: inspectLegacyPersonal(signed, identifier, payload, "", inner) };
      case "SignedCurrentProfile":
        return { outcome: inspectLegacyPersonal(signed, identifier, payload, "Current-", inner) };
      case "SignedConnectionRequest": {
        const [key] = inspect(source, "SignedDeviceProfile", inner).keys;
        if (key?.udf !== signed.kid) return { outcome: legacy.missing(signed.kid) };
        checkSignature(signed, key);
        return { outcome: "ok" };
      }
      case "SignedConnectionResult":
        inspect(source, "SignedDeviceProfile", inner);
        return { outcome: judgeLegacy(signed) };
      default:
        return { outcome: judgeLegacy(signed) };
    }
  };

  /** Verifies one record and those in it. `name` is that of the member it stands under. */
  const inspect = (value: unknown, name: string, context: Context): Inspection => {
    const form = context.depth > MAX_NESTING ? undefined : formOf(member(value, "SignedData"));
    const type = RECORD_NAMES.has(name) ? name : UNKNOWN;
    const item = report(context, type, member(value, "Identifier"), form ?? "unknown");
    if (form === undefined) return { item, keys: [] };
    try {
      const { outcome, keys: found = [] } =
        form === "current"
          ? { outcome: inspectCurrent(value, name, item, context) }
          : inspectLegacy(form, value, name, item, context);
      if (typeof outcome === "function") deferred.push({ item, judge: outcome });
      else item.verdict = outcome;
      return { item, keys: found };
    } catch (error) {
      item.verdict = verdictOfError(error);
      return { item, keys: [] };
    }
  };

  /** Looks for records in whatever was parsed: exports, log items, accounts, requests that wait, messages. */
  const walk = (value: unknown, name: string, context: Context): void => {
    if (Array.isArray(value)) {
      for (const item of value) walk(item, name, context);
    } else if (RECORD_NAMES.has(name) || member(value, "SignedData") !== undefined) {
      inspect(value, name, context);
    } else if (isObject(value)) {
      for (const [key, inner] of Object.entries(value)) {
        const isText = key === "Text" && typeof inner === "string" && (name === "DataItem" || "PrimaryKey" in value);
        if (isText && inner.trim() !== "") walkText(inner, { ...context, depth: context.depth + 1 });
        else walk(inner, key, context);
      }
    }
  };

  const walkText = (text: string, context: Context): void => {
    let parsed;
    try {
      if (context.depth > MAX_NESTING) throw new MeshError("json-invalid", msg("mesh.records-deep"));
      parsed = parseLegacyJson(text);
    } catch (error) {
      reportDamage(context, verdictOfError(error), text.includes("Signed"));
      return;
    }
    walk(parsed.value, "", { ...context, wrapped: context.wrapped || parsed.wrapped });
  };

  const add = (file: string): VerifierSink => {
    const context: Context = { source: { file, found: false }, wrapped: false, depth: 0 };
    const damaged = (reason: VerificationReason, octets: Buffer): void =>
      reportDamage(context, reason, octets.includes("Signed"));
    const splitter = createSplitter((octets) => {
      let text;
      try {
        text = decodeUtf8(octets);
      } catch (error) {
        damaged(verdictOfError(error), octets);
        return;
      }
      walkText(text, context);
    }, damaged);
    return {
      write: splitter.write,
      end: () => {
        splitter.end();
        if (!context.source.found) {
          throw new MeshError("record-invalid", msg("mesh.records-none", { file }), {
            hint: msg("mesh.records-none.hint"),
          });
        }
      },
    };
  };

  const finish = (): Verification => {
    for (const { item, judge } of deferred.splice(0)) {
      try {
        item.verdict = judge();
      } catch (error) {
        item.verdict = verdictOfError(error);
      }
    }
    return {
      ok: records.length > 0 && records.every(({ verdict }) => verdict === "ok"),
      records: records.map(({ file, type, identifier, format, signer, verdict }) => ({
        file,
        type,
        identifier,
        format,
        ok: verdict === "ok",
        signer,
        ...(verdict === "ok" ? {} : { reason: verdict }),
      })),
    };
  };

  return { add, finish };
};

const verdictOf = (digest: LegacyDigest, key: LegacyKey): Verdict =>
  verifyLegacyDigest(digest, key) ? "ok" : "signature-invalid";

const checkSignature = (signed: LegacySigned, key: LegacyKey): void => {
  if (!verifyLegacyDigest(digestLegacy(signed), key)) {
    throw new MeshError("signature-invalid", msg("mesh.signature-wrong"));
  }
};

/** The code of what is wrong with a record. What is wrong with the verification as a whole is thrown on. */
const verdictOfError = (error: unknown): VerificationReason => {
  if (!isMeshError(error) || error.code === "too-large") throw error;
  return error.code;
};

/** The type of a record from its payload, which must agree with the name that it stands under, where that says a type. */
const named = (item: Item, name: string, type: string | undefined): string => {
  if (type === undefined || (RECORD_NAMES.has(name) && name !== type)) {
    throw new MeshError("record-invalid", msg("mesh.record-misnamed"));
  }
  item.type = type;
  return type;
};

/** The longest top-level object, and the longest string in one, that is looked at, in octets. */
const MAX_OBJECT = 4 * 1024 * 1024;
const MAX_STRING = 2 * 1024 * 1024;
const MAX_DEPTH = 64;
const PIECE = 64 * 1024;

/** First members of objects that are records or log items; other objects may be taken apart where they are too long. */
const RECORD_MEMBER =
  /^(?:Signed.*|DataItem|TransactionID|Identifier|header|unprotected|protected|payload|signatures?)$/;

type Expected = "name" | "name-or-end" | "colon" | "value" | "value-or-end" | "comma-or-end";

/** Of what numbers, true, false and null are made; the parser looks at them closely. */
const isWordOctet = (octet: number): boolean =>
  (octet >= 0x61 && octet <= 0x7a) ||
  (octet >= 0x30 && octet <= 0x39) ||
  octet === 0x2d ||
  octet === 0x2b ||
  octet === 0x2e ||
  octet === 0x45;

interface Splitter {
  readonly write: (chunk: Uint8Array) => void;
  readonly end: () => void;
}

/**
 * Finds the JSON objects in a stream of octets, whatever stands between them: white space, the brackets and commas of a list,
 * the frames of a binary log. Each is handed over as soon as its last octet is there. Strings may have raw line feeds in them.
 * What begins as an object with a named member and then breaks off is handed to `damaged`, so that a record can not be hidden
 * by breaking it. Memory is bounded by the longest object, time is linear.
 */
const createSplitter = (
  found: (octets: Buffer) => void,
  damaged: (reason: VerificationReason, octets: Buffer) => void,
): Splitter => {
  let held = Buffer.allocUnsafe(2 * PIECE);
  let end = 0;
  /** Where the object begins that is being read, and where reading stands. */
  let start = 0;
  let position = 0;
  /** Where `held` begins in the stream. */
  let offset = 0;
  let lastDamage = -1;
  let reread = 0;

  let depth = 0;
  const isList: boolean[] = [];
  let expected: Expected = "name-or-end";
  let inString = false;
  let isName = false;
  let escaped = false;
  let inWord = false;
  let stringStart = 0;
  /** The first member's name, once its colon has been read. */
  let firstName: string | undefined;
  let nameText = "";

  const open = (list: boolean): boolean => {
    if (depth >= MAX_DEPTH) return false;
    isList[depth++] = list;
    expected = list ? "value-or-end" : "name-or-end";
    return true;
  };

  const expectsValue = (): boolean => expected === "value" || expected === "value-or-end";

  /** Takes one octet outside strings. False where it cannot stand there. */
  const take = (octet: number): boolean => {
    switch (octet) {
      case 0x20:
      case 0x09:
      case 0x0a:
      case 0x0d:
        return true;
      case 0x22: // "
        isName = expected === "name" || expected === "name-or-end";
        if (!isName && !expectsValue()) return false;
        inString = true;
        stringStart = position;
        return true;
      case 0x3a: // :
        if (expected !== "colon") return false;
        firstName ??= nameText;
        expected = "value";
        return true;
      case 0x2c: // ,
        if (expected !== "comma-or-end") return false;
        expected = isList[depth - 1] ? "value" : "name";
        return true;
      case 0x7b: // {
      case 0x5b: // [
        return expectsValue() && open(octet === 0x5b);
      case 0x7d: // }
        if (isList[depth - 1] || (expected !== "name-or-end" && expected !== "comma-or-end")) return false;
        depth--;
        expected = "comma-or-end";
        return true;
      case 0x5d: // ]
        if (!isList[depth - 1] || (expected !== "value-or-end" && expected !== "comma-or-end")) return false;
        depth--;
        expected = "comma-or-end";
        return true;
      default:
        inWord = isWordOctet(octet) && expectsValue();
        if (inWord) expected = "comma-or-end";
        return inWord;
    }
  };

  /** Reads on inside a string, to its end or to the end of what is held. False where it cannot go on. */
  const readString = (): boolean => {
    for (; position < end; position++) {
      const octet = held[position] ?? 0;
      if (escaped) {
        escaped = false;
      } else if (octet === 0x5c) {
        escaped = true;
      } else if (octet === 0x22) {
        inString = false;
        expected = isName ? "colon" : "comma-or-end";
        if (isName && firstName === undefined) {
          nameText = held.toString("latin1", stringStart + 1, Math.min(position, stringStart + 65));
        }
        position++;
        return true;
      }
      if (octet < 0x20 && octet !== 0x0a) return false;
    }
    return true;
  };

  /** Gives an object up, tells of it if it was one, and starts again behind its first octet. */
  const giveUp = (problem: VerificationReason | undefined): void => {
    // What stands inside may still be whole. Octets are read again only so often, lest nesting make the time quadratic.
    const again = position - start - 1;
    const mayReread = reread + again <= 8 * (offset + end) + PIECE;
    const reason = mayReread ? problem : (problem ?? "too-large");
    if (reason !== undefined && firstName !== undefined && offset + position !== lastDamage) {
      lastDamage = offset + position;
      damaged(reason, held.subarray(start, position));
    }
    if (mayReread) {
      reread += again;
      position = start + 1;
    }
    start = position;
    depth = 0;
  };

  const begin = (): void => {
    const next = held.subarray(position, end).indexOf(0x7b);
    start = position = next < 0 ? end : position + next;
    if (next < 0) return;
    position++;
    inString = escaped = inWord = false;
    firstName = undefined;
    open(false);
  };

  const overlong = (): VerificationReason | undefined =>
    RECORD_MEMBER.test(firstName ?? "") ? "too-large" : undefined;

  const read = (): void => {
    while (position < end) {
      if (depth === 0) {
        begin();
      } else if (inString) {
        if (!readString()) giveUp("json-invalid");
        else if (position - stringStart > MAX_STRING) giveUp("too-large");
      } else {
        const octet = held[position] ?? 0;
        inWord &&= isWordOctet(octet);
        if (!inWord && !take(octet)) {
          giveUp("json-invalid");
        } else {
          position++;
          if (depth === 0) {
            found(held.subarray(start, position));
            start = position;
          }
        }
      }
      if (depth > 0 && position - start > MAX_OBJECT) giveUp(overlong());
    }
  };

  /** Makes room for a piece: moves what is held to the front, and where that is much, grows, so that moving stays rare. */
  const makeRoom = (length: number): void => {
    if (end + length <= held.length) return;
    const used = end - start;
    const target = used + length > held.length / 2 ? Buffer.allocUnsafe(2 * (used + length)) : held;
    held.copy(target, 0, start, end);
    held = target;
    offset += start;
    position -= start;
    stringStart -= start;
    end = used;
    start = 0;
  };

  const write = (chunk: Uint8Array): void => {
    for (let index = 0; index < chunk.length; index += PIECE) {
      const piece = chunk.subarray(index, index + PIECE);
      makeRoom(piece.length);
      held.set(piece, end);
      end += piece.length;
      read();
    }
  };

  return {
    write,
    end: () => {
      while (depth > 0) {
        giveUp("json-invalid");
        read();
      }
    },
  };
};
