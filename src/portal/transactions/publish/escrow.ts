import { decodeBase64url, encodeBase64url, sha256, utf8 } from "../../../mesh/bytes.js";
import type { PublicKey } from "../../../mesh/keys.js";
import type { OfflineEscrowEntry } from "../../../mesh/protocol.js";
import { msg } from "../../../messages/message.js";
import { transactSigned } from "../../authenticate.js";
import { done, Refusal, type Answer } from "../../answer.js";
import type { Context } from "../../context.js";
import { findAuthenticationKey, isAdministrationKey, MAX_PROFILES, writableProfile } from "../../standing.js";
import type { Transaction } from "../../store/store.js";
import { append, conflict, refuseForeignIdentifier } from "./append.js";

const TYPE = "OfflineEscrowEntry";

const hashOf = ({ EncryptedData }: OfflineEscrowEntry): string => {
  const { protected: header, iv, ciphertext, tag } = EncryptedData;
  const parts = [header, iv, ciphertext, tag];
  for (const part of parts) decodeBase64url(part);
  return encodeBase64url(sha256(utf8(parts.join("."))));
};

/** Stores the entry for the first profile that the key administers and that has room for it. */
const store = async (
  tx: Transaction,
  context: Context,
  entry: OfflineEscrowEntry,
  hash: string,
  key: PublicKey,
): Promise<Answer> => {
  let refusal = new Refusal(403, msg("portal.escrow-right"));
  // Anyone may list another's device, so that the first profile found need not be the right one.
  for (const owner of await tx.profilesWithAuthentication(key.udf, MAX_PROFILES)) {
    try {
      if (!isAdministrationKey(await writableProfile(tx, owner), key)) continue;
      const identifier = entry.Identifier;
      const current = await tx.newest(TYPE, identifier);
      if (current?.hash === hash) return done({}, { leaves: [current.leaf] });
      if (current) conflict(current, msg("portal.escrow-taken"));
      await refuseForeignIdentifier(tx, TYPE, identifier);
      const leaf = await append(
        tx,
        context,
        { OfflineEscrowEntry: entry },
        { type: TYPE, identifier, kind: TYPE, owner, hash, masterSequence: 0, sequence: 0 },
      );
      return done({}, { leaves: [leaf] });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      refusal = error;
    }
  }
  throw refusal;
};

/**
 * Publishes an offline escrow entry (reference-10 section 10.6.2), which nobody signs: the request itself is signed by an
 * administration device of a profile with an account here. Entries are written once.
 */
export const publishEscrowEntry = (context: Context, entry: OfflineEscrowEntry): Promise<Answer> => {
  const hash = hashOf(entry);
  return transactSigned(context, { resolveKey: findAuthenticationKey }, (tx, key) =>
    store(tx, context, entry, hash, key),
  );
};
