import * as v from "valibot";
import { readRecord, signRecord, verifySignature, type SignedRecord } from "../../jose.js";
import type { PrivateKey, PublicKey } from "../../keys.js";
import { UdfSchema } from "../../schema.js";
import type { SshDevice } from "./kind.js";

/** The payload's type (ours). No portal takes it for a record of its own. */
const TYPE = "DeviceSSHKey";

const DeviceKeySchema = v.looseObject({ Identifier: UdfSchema, Owner: UdfSchema, KeyUDF: UdfSchema });

/** What a device says of its SSH key, signed with its signature key: whoever may change the application cannot say it in its place. */
export const signDeviceKey = (
  profile: string,
  { DeviceUDF, KeyUDF }: Pick<SshDevice, "DeviceUDF" | "KeyUDF">,
  key: PrivateKey,
): SignedRecord => signRecord(DeviceUDF, TYPE, { Identifier: DeviceUDF, Owner: profile, KeyUDF }, key);

/** True where the device itself says that it has this SSH key. `key` is the device's signature key, by the owner's personal profile. */
export const isOwnDeviceKey = (profile: string, { DeviceUDF, KeyUDF, Signed }: SshDevice, key: PublicKey): boolean => {
  try {
    const read = readRecord(Signed, TYPE);
    verifySignature(read, [key]);
    const { Identifier, Owner, KeyUDF: signed } = v.parse(DeviceKeySchema, read.payload);
    return Identifier === DeviceUDF && Owner === profile && signed === KeyUDF;
  } catch {
    return false;
  }
};
