import { decodeBase64url, encodeBase64url, lengthPrefixed } from "./bytes.js";
import { signMessage, verifyMessage } from "./jose.js";
import type { PrivateKey } from "./keys.js";
import type { Device, Replaces } from "./records/device.js";
import { findDevice, isLapsed, type PersonalProfile } from "./records/personal.js";

/** What the old device signs: which device takes its place in which profile. */
const statement = (oldUdf: string, newUdf: string, profileUdf: string): Buffer =>
  lengthPrefixed("mmm/device/rotate", oldUdf, newUdf, profileUdf);

/**
 * The member `Replaces` of a new device profile: the old device's word that the new one takes its place in a profile. `oldKey` is
 * the old device's signature key, `newUdf` the fingerprint of the new one.
 */
export const createRotation = (oldKey: PrivateKey, newUdf: string, profileUdf: string): Replaces => ({
  DeviceUDF: oldKey.kid,
  Signature: encodeBase64url(signMessage(statement(oldKey.kid, newUdf, profileUdf), oldKey)),
});

/**
 * What an administrator makes of a device that says it replaces another. `none`: it says no such thing. `unknown`: the profile
 * does not list the old device. `expired`: the old device has lapsed. `wrong`: the old device has not signed that.
 */
export type RotationVerdict = "valid" | "expired" | "wrong" | "unknown" | "none";

/** Judges whether a device may take the place of the one that it names. Only `valid` lets it. */
export const checkRotation = (profile: PersonalProfile, device: Device, now: Date): RotationVerdict => {
  const { replaces, udf } = device;
  if (!replaces) return "none";
  const old = findDevice(profile, replaces.DeviceUDF);
  if (!old || old.udf === udf) return "unknown";
  const signed = statement(old.udf, udf, profile.udf);
  if (!verifyMessage(signed, decodeBase64url(replaces.Signature), old.signatureKey)) return "wrong";
  return isLapsed(profile, old.udf, now) ? "expired" : "valid";
};
