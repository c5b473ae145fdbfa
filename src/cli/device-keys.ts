import type { NewKey } from "../keystore/keystore.js";
import type { ProfileState } from "../keystore/state.js";
import type { DeviceKeys } from "../mesh/profile.js";
import type { Device } from "../mesh/records/device.js";

/** A device's private keys, as the keystore takes them. */
export const deviceKeyEntries = (keys: DeviceKeys, profile: string): NewKey[] => [
  { key: keys.online, use: "online-signature", profile },
  { key: keys.signature, use: "device-signature", profile },
  { key: keys.authentication, use: "device-authentication", profile },
  { key: keys.encryption, use: "device-encryption", profile },
];

/** What a home remembers of its own device. */
export const deviceState = ({
  udf,
  record,
  authenticationKey,
  encryptionKey,
  onlineSignatureKey,
}: Device): ProfileState["device"] => ({
  udf,
  record,
  authenticationKey: authenticationKey.udf,
  encryptionKey: encryptionKey.udf,
  onlineSignatureKey: onlineSignatureKey.udf,
});
