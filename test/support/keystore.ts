import { randomBytes } from "node:crypto";
import { signRecord, type SignedRecord } from "../../src/mesh/jose.js";
import { generateKey, type KeyUse, type PrivateKey } from "../../src/mesh/keys.js";
import type { ProfileState } from "../../src/keystore/state.js";

/** A fresh private key; its `kid` also serves as a fresh fingerprint. */
export const newKey = (use: KeyUse = "device-signature"): PrivateKey => generateKey(use, randomBytes);

export const newRecord = (): SignedRecord => {
  const key = newKey();
  return signRecord(key.kid, "DeviceProfile", { Identifier: key.kid }, key);
};

/** State of a profile that is not connected to anything. */
export const newState = (overrides: Partial<ProfileState> = {}): ProfileState => ({
  version: 1,
  udf: newKey("master-signature").kid,
  name: "default",
  created: "2026-01-02T03:04:05.678Z",
  device: {
    udf: newKey().kid,
    record: newRecord(),
    authenticationKey: newKey().kid,
    encryptionKey: newKey().kid,
    onlineSignatureKey: newKey().kid,
  },
  accounts: [],
  work: [],
  ...overrides,
});
