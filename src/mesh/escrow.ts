import { hkdfSync } from "node:crypto";
import * as v from "valibot";
import { MeshError } from "../errors.js";
import { msg } from "../messages/message.js";
import { utf8 } from "./bytes.js";
import { decryptDirect, encryptDirect, SignedRecordSchema } from "./jose.js";
import { parseStrictJsonOctets } from "./json.js";
import { PrivateKeySchema, privateKeyObject, type PrivateKey } from "./keys.js";
import type { MasterKeys } from "./profile.js";
import { OfflineEscrowEntrySchema, type OfflineEscrowEntry } from "./protocol.js";
import { readMaster, type MasterProfile } from "./records/master.js";
import { listSchema, parseWith, textSchema, UdfSchema } from "./schema.js";
import { CONTENT_TYPE, recordFingerprint } from "./udf.js";

/** Where the owner's accounts were when the keys were escrowed: hints, since the portals may have changed. */
export interface AccountHint {
  readonly account: string;
  readonly portal: string;
}

/** reference-10 section 10.6.4; the members beyond PrivateKeys are ours. */
const EscrowedKeySetSchema = v.strictObject({
  EscrowedKeySet: v.looseObject({
    Type: v.literal("OfflineEscrowEntry"),
    Identifier: UdfSchema,
    Owner: UdfSchema,
    PrivateKeys: listSchema(PrivateKeySchema, 9),
    SignedMasterProfile: SignedRecordSchema,
    Accounts: v.optional(
      listSchema(v.looseObject({ AccountID: textSchema(512), Portal: v.optional(textSchema(1024)) }), 64),
    ),
  }),
});

/** What an escrow entry gives back once it is open, all of it verified. */
export interface EscrowedKeys {
  readonly master: MasterProfile;
  readonly keys: MasterKeys;
  /** Every escrowed key, the two of `keys` among them. */
  readonly all: readonly PrivateKey[];
  readonly accounts: readonly AccountHint[];
}

/** The identifier of the escrow entry that an escrow key opens. */
export const escrowIdentifier = (key: Uint8Array): string => recordFingerprint(CONTENT_TYPE.escrowed, key);

const contentKey = (key: Uint8Array, identifier: string): Uint8Array =>
  new Uint8Array(hkdfSync("sha512", key, utf8(identifier), utf8("mmm/escrow/offline"), 32));

/** Encrypts the master keys under an escrow key of 16 octets. */
export const createEscrowEntry = async (
  key: Uint8Array,
  keys: readonly PrivateKey[],
  master: MasterProfile,
  accounts: readonly AccountHint[],
): Promise<OfflineEscrowEntry> => {
  const identifier = escrowIdentifier(key);
  const content = {
    EscrowedKeySet: {
      Type: "OfflineEscrowEntry",
      Identifier: identifier,
      Owner: master.udf,
      PrivateKeys: keys,
      SignedMasterProfile: master.record,
      ...(accounts.length > 0 && {
        Accounts: accounts.map(({ account, portal }) => ({ AccountID: account, Portal: portal })),
      }),
    },
  };
  const plaintext = utf8(JSON.stringify(content));
  const encrypted = await encryptDirect(plaintext, contentKey(key, identifier));
  plaintext.fill(0);
  return { Identifier: identifier, EncryptedData: encrypted };
};

/**
 * Opens an escrow entry and verifies all that is in it: type, identifier and owner are those expected, every private key
 * belongs to its `kid`, and the master signature key and an escrow key are those of the master profile.
 * Throws `record-invalid`, `decryption-failed`, `key-invalid` or what `readMaster` throws.
 */
export const openEscrowEntry = async (value: unknown, key: Uint8Array): Promise<EscrowedKeys> => {
  const entry = parseWith(
    OfflineEscrowEntrySchema,
    value,
    "record-invalid",
    msg("mesh.what.type", { type: "OfflineEscrowEntry" }),
  );
  const identifier = escrowIdentifier(key);
  if (entry.Identifier !== identifier) {
    throw new MeshError("record-invalid", msg("mesh.escrow-other"));
  }
  const plaintext = await decryptDirect(entry.EncryptedData, contentKey(key, identifier));
  const { EscrowedKeySet: set } = parseWith(
    EscrowedKeySetSchema,
    parseStrictJsonOctets(plaintext),
    "record-invalid",
    msg("mesh.what.type", { type: "EscrowedKeySet" }),
  );
  plaintext.fill(0);
  const master = readMaster(set.SignedMasterProfile);
  if (set.Identifier !== identifier || set.Owner !== master.udf) {
    throw new MeshError("record-invalid", msg("mesh.escrow-owner"));
  }
  for (const escrowed of set.PrivateKeys) privateKeyObject(escrowed);
  const signature = set.PrivateKeys.find(({ kid }) => kid === master.signatureKey.udf);
  const escrow = set.PrivateKeys.find(({ kid }) => master.escrowKeys.some(({ udf }) => udf === kid));
  if (signature?.crv !== "Ed25519" || escrow?.crv !== "X25519") {
    throw new MeshError("record-invalid", msg("mesh.escrow-incomplete"));
  }
  return {
    master,
    keys: { signature, escrow },
    all: set.PrivateKeys,
    accounts: (set.Accounts ?? []).map(({ AccountID, Portal }) => ({ account: AccountID, portal: Portal ?? "" })),
  };
};
