import * as v from "valibot";
import { EncryptedDataSchema, SignedRecordSchema } from "./jose.js";
import { listSchema, problem, Sha256Schema, textSchema, TimeSchema, UdfSchema } from "./schema.js";

/** The path of the Mesh Portal Service (reference-10 section 12). */
export const PORTAL_PATH = "/.well-known/mmm/";
export const DNS_SERVICE = "_mmm._tcp";

/** Bounds that every portal of ours keeps and announces, in octets, items, seconds or UTF-16 code units. */
export const LIMITS = {
  body: 1024 * 1024,
  record: 256 * 1024,
  pendingPerAccount: 64,
  pendingPerAddress: 4,
  requestLifetime: 24 * 60 * 60,
  name: 64,
} as const;

/** What a portal of ours can do beyond the specifications; each is announced in Hello and used only where announced. */
export const EXTENSIONS = {
  /** Requests are signed with HTTP Message Signatures; an identical resend gets the identical answer. */
  signedRequests: "signed-requests",
  /** Order, predecessor and signature of every record are checked; a lost race is answered with 409. */
  succession: "succession",
  /** Get with Multiple gives all versions, newest first. */
  history: "history",
  /** A revocation note is stored, and served beside the profile that it ends. */
  revocation: "revocation",
  /**
   * Every accepted change is a leaf of a Merkle tree whose head the portal signs: answers carry the head, that it follows the one
   * the client holds, and that what they say is in it.
   */
  transparency: "transparency",
} as const;

/** A portal of ours signs its head anew at least this often, in seconds, so that a client can tell a head that is kept back. */
export const CHECKPOINT_INTERVAL = 600;

/** `reference` wraps a message in the name of its transaction, as the 2016 program does; `draft` as architecture-02 prints it. */
export type Wrapping = "reference" | "draft";

const record = SignedRecordSchema;

export const OfflineEscrowEntrySchema = v.strictObject({ Identifier: UdfSchema, EncryptedData: EncryptedDataSchema });
export type OfflineEscrowEntry = v.InferOutput<typeof OfflineEscrowEntrySchema>;

/** One record under the name of its type, as Publish takes it and Get gives it. */
export const EntrySchema = v.union([
  v.strictObject({ SignedPersonalProfile: record }),
  v.strictObject({ SignedMasterProfile: record }),
  v.strictObject({ SignedDeviceProfile: record }),
  v.strictObject({ SignedApplicationProfile: record }),
  v.strictObject({ OfflineEscrowEntry: OfflineEscrowEntrySchema }),
]);
export type Entry = v.InferOutput<typeof EntrySchema>;
export type EntryType =
  | "SignedPersonalProfile"
  | "SignedMasterProfile"
  | "SignedDeviceProfile"
  | "SignedApplicationProfile"
  | "OfflineEscrowEntry";

const account = textSchema(512);
const identifier = textSchema(128);
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const pageKey = textSchema(256);

/** reference-10 section 12.4.2. */
const SearchConstraintsSchema = v.pipe(
  // To valibot a list is an object like any other.
  v.custom<object>((value) => !Array.isArray(value)),
  v.strictObject({
    NotBefore: v.optional(TimeSchema),
    Before: v.optional(TimeSchema),
    MaxEntries: v.optional(count),
    MaxBytes: v.optional(count),
    PageKey: v.optional(pageKey),
  }),
);
export type SearchConstraints = v.InferOutput<typeof SearchConstraintsSchema>;

/** A signed note (C2SP signed-note) whose text is a checkpoint or a change of the log's key. */
const noteText = textSchema(4096);
const hashes = v.pipe(v.array(Sha256Schema), v.maxLength(64));

/** Ours: that a leaf is in the tree whose head is the answer's `Checkpoint` (RFC 6962 section 2.1.1). Binary is base64url. */
export const ProofSchema = v.strictObject({
  /** Of the leaf, from 0. */
  Index: count,
  /** The leaf's octets. */
  Leaf: v.pipe(v.string(), v.maxLength(512), v.regex(/^[A-Za-z0-9_-]+$/, problem("problem.form"))),
  /** The audit path, the nearest first. */
  Hashes: hashes,
});
export type Proof = v.InferOutput<typeof ProofSchema>;

/** One item of a log (reference logs of 2016). */
export const DataItemSchema = v.looseObject({
  TransactionID: textSchema(64),
  PrimaryKey: textSchema(1024),
  Action: textSchema(32),
  Added: TimeSchema,
  Keys: v.optional(v.array(v.strictObject({ Key: textSchema(64), Value: textSchema(1024) }))),
  Text: v.optional(v.string()),
  // Ours, where transparency is announced.
  Proof: v.optional(ProofSchema),
});
export type DataItem = v.InferOutput<typeof DataItemSchema>;

const portal = { Portal: v.optional(textSchema(512)) };

/** What every request but Hello may carry where transparency was announced. */
const logged = {
  ...portal,
  /** Ours: 16 fresh random octets, which the answer repeats. */
  RequestID: v.optional(v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{22}$/, problem("problem.form")))),
  /** Ours: the newest checkpoint of this portal that the client has verified. The answer proves that its own follows it. */
  Checkpoint: v.optional(noteText),
};

/** Requests as a portal of ours understands them; unknown members are refused. */
export const REQUEST_SCHEMAS = {
  Hello: v.strictObject(portal),
  ValidateAccount: v.strictObject({
    ...logged,
    Account: account,
    Reserve: v.optional(v.boolean()),
    // Tags that make no sense are skipped, so they may be of any length.
    Language: v.optional(v.array(v.string())),
  }),
  CreateAccount: v.strictObject({ ...logged, Account: account, Profile: EntrySchema }),
  DeleteAccount: v.strictObject({ ...logged, Account: account }),
  Get: v.strictObject({
    ...logged,
    Identifier: v.optional(identifier),
    Account: v.optional(account),
    KeyValues: v.optional(listSchema(v.strictObject({ Key: textSchema(64), Value: textSchema(1024) }), 16)),
    SearchConstraints: v.optional(SearchConstraintsSchema),
    Multiple: v.optional(v.boolean()),
    Full: v.optional(v.boolean()),
    // Older names (reference-00 section 6.2.11): understood, never sent.
    NotBefore: v.optional(TimeSchema),
    NotOnOrAfter: v.optional(TimeSchema),
  }),
  Publish: v.strictObject({ ...logged, Entry: EntrySchema }),
  ConnectStart: v.strictObject({ ...logged, SignedRequest: record, AccountID: account }),
  ConnectPending: v.strictObject({
    ...logged,
    AccountID: account,
    SearchConstraints: v.optional(SearchConstraintsSchema),
  }),
  ConnectStatus: v.strictObject({ ...logged, AccountID: account, DeviceID: identifier }),
  ConnectComplete: v.strictObject({ ...logged, Result: record, AccountID: account }),
  Status: v.strictObject(logged),
  Transfer: v.strictObject({
    ...logged,
    SearchConstraints: v.optional(SearchConstraintsSchema),
    // Older names (reference-00 section 6.2.14): understood, never sent.
    NotBefore: v.optional(TimeSchema),
    Until: v.optional(TimeSchema),
    After: v.optional(textSchema(64)),
    MaxEntries: v.optional(count),
    MaxBytes: v.optional(count),
  }),
} as const;

export type Transaction = keyof typeof REQUEST_SCHEMAS;
export type Request<Name extends Transaction> = v.InferOutput<(typeof REQUEST_SCHEMAS)[Name]>;

const status = {
  Status: v.optional(v.pipe(v.number(), v.safeInteger())),
  StatusDescription: v.optional(v.string()),
  // Ours, where transparency is announced and the request has a RequestID; refusals carry them too.
  RequestID: v.optional(textSchema(64)),
  /** The portal's signed head. */
  Checkpoint: v.optional(noteText),
  /** That it follows the request's checkpoint (RFC 6962 section 2.1.2); absent where they have one size, or the request none. */
  Consistency: v.optional(hashes),
  /** That what was asked for is in the log: of a change its leaves, of a result the one that holds it. */
  Proofs: v.optional(v.pipe(v.array(ProofSchema), v.maxLength(16))),
};

/** Responses as a client of ours understands them; unknown members are passed over. */
export const RESPONSE_SCHEMAS = {
  Hello: v.object({
    ...status,
    Version: v.optional(v.object({ Major: v.number(), Minor: v.number(), URI: v.optional(v.array(v.string())) })),
    // Ours: what the portal can do, the domain of a bare account name, and its bounds.
    Extensions: v.optional(v.pipe(v.array(textSchema(64)), v.maxLength(64))),
    DefaultDomain: v.optional(textSchema(255)),
    Limits: v.optional(v.record(textSchema(64), v.number())),
    // Ours: under which key the portal signs the head of its log.
    Log: v.optional(
      v.object({
        /** The verifier key of C2SP signed-note. Its name is the log's origin. */
        Key: textSchema(512),
        /** Changes of the key, each a note signed by the key before, the oldest first. */
        KeyChanges: v.optional(v.pipe(v.array(noteText), v.maxLength(64))),
      }),
    ),
  }),
  ValidateAccount: v.object({
    ...status,
    Valid: v.optional(v.boolean()),
    Minimum: v.optional(v.number()),
    Maximum: v.optional(v.number()),
    InvalidCharacters: v.optional(textSchema(1024)),
    Reason: v.optional(textSchema(1024)),
  }),
  CreateAccount: v.object(status),
  DeleteAccount: v.object(status),
  Get: v.object({
    ...status,
    // A foreign portal may hold records of types that this program does not know, so each is checked when it is used.
    Entries: v.optional(v.array(v.record(v.string(), v.unknown()))),
    DataItems: v.optional(v.array(DataItemSchema)),
    PageKey: v.optional(pageKey),
    /** Ours: `Open`, `Closed` or `Suspended` where an account was asked for (reference-00 section 7.3.2). */
    AccountStatus: v.optional(textSchema(32)),
    /** Ours: the leaf that binds the account asked for to its profile, or says that it was deleted. */
    AccountProof: v.optional(ProofSchema),
  }),
  Publish: v.object(status),
  ConnectStart: v.object(status),
  ConnectPending: v.object({ ...status, Pending: v.optional(v.array(v.unknown())), PageKey: v.optional(pageKey) }),
  ConnectStatus: v.object({ ...status, Result: v.optional(v.unknown()) }),
  ConnectComplete: v.object(status),
  Status: v.object({
    ...status,
    LastWriteTime: v.optional(TimeSchema),
    LastCheckpointTime: v.optional(TimeSchema),
    NextCheckpointTime: v.optional(TimeSchema),
    CheckpointValue: v.optional(v.string()),
  }),
  Transfer: v.object({ ...status, DataItems: v.optional(v.array(DataItemSchema)), PageKey: v.optional(pageKey) }),
} as const;
export type Response<Name extends Transaction> = v.InferOutput<(typeof RESPONSE_SCHEMAS)[Name]>;

/** The names of a transaction's two messages: CreateAccount has CreateRequest and CreateResponse. */
const MESSAGE_STEMS: Partial<Record<Transaction, string>> = {
  ValidateAccount: "Validate",
  CreateAccount: "Create",
  DeleteAccount: "Delete",
};
export const requestName = (transaction: Transaction): string => `${MESSAGE_STEMS[transaction] ?? transaction}Request`;
export const responseName = (transaction: Transaction): string =>
  `${MESSAGE_STEMS[transaction] ?? transaction}Response`;

export const TRANSACTIONS = Object.keys(REQUEST_SCHEMAS) as Transaction[];
