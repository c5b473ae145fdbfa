import { recordHash, type SignedRecord } from "../../../mesh/jose.js";
import { readDevice, type Device } from "../../../mesh/records/device.js";
import { findDevice } from "../../../mesh/records/personal.js";
import { msg } from "../../../messages/message.js";
import { done, Refusal, type Answer } from "../../answer.js";
import type { Context } from "../../context.js";
import { MAX_PROFILES, writableProfile } from "../../standing.js";
import type { Reader } from "../../store/store.js";
import { append, conflict } from "./append.js";

const TYPE = "SignedDeviceProfile";

/** The profile that lists exactly this device profile. Refuses where there is none that may be written to. */
const findOwner = async (tx: Reader, device: Device, hash: string): Promise<string> => {
  let refusal = new Refusal(403, msg("portal.device-unlisted"));
  for (const udf of await tx.profilesWithDevice(device.udf, MAX_PROFILES)) {
    try {
      const listed = findDevice(await writableProfile(tx, udf), device.udf);
      if (listed && recordHash(listed.record) === hash) return udf;
      refusal = new Refusal(409, msg("portal.device-otherwise"));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      refusal = error;
    }
  }
  throw refusal;
};

/** Publishes the device profile of a device that a current profile lists. It never changes for a given fingerprint. */
export const publishDeviceRecord = async (context: Context, record: SignedRecord): Promise<Answer> => {
  const device = readDevice(record);
  const hash = recordHash(device.record);
  return context.store.transact(async (tx) => {
    const current = await tx.newest(TYPE, device.udf);
    if (current && current.hash !== hash) conflict(current, msg("portal.device-unchanging"));
    const owner = await findOwner(tx, device, hash);
    if (current) return done({}, { leaves: [current.leaf] });
    const leaf = await append(
      tx,
      context,
      { SignedDeviceProfile: device.record },
      { type: TYPE, identifier: device.udf, kind: "DeviceProfile", owner, hash, masterSequence: 0, sequence: 0 },
    );
    return done({}, { leaves: [leaf] });
  });
};
