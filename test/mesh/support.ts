import { createHash } from "node:crypto";
import fc from "fast-check";
import { isMeshError, type ErrorCode } from "../../src/errors.js";
import { decodeBase64url, encodeBase64url, utf8 } from "../../src/mesh/bytes.js";
import { signMessage, type SignedRecord } from "../../src/mesh/jose.js";
import { publicKeyOf, publicKeyRecord, type PrivateKey } from "../../src/mesh/keys.js";
import {
  createDevice,
  createMaster,
  createPersonal,
  generateDeviceKeys,
  generateMasterKeys,
  type DeviceKeys,
  type MasterKeys,
} from "../../src/mesh/profile.js";
import type { Device } from "../../src/mesh/records/device.js";
import type { MasterProfile } from "../../src/mesh/records/master.js";
import type { PersonalProfile } from "../../src/mesh/records/personal.js";

export const NOW = new Date("2026-03-04T05:06:07.890Z");
export const TIME = "2026-03-04T05:06:07Z";

/** Octets that look random and are the same in every run. */
export const stream = (seed: string): ((length: number) => Buffer) => {
  let count = 0;
  return (length) => createHash("shake256", { outputLength: length }).update(`${seed} ${count++}`).digest();
};

/** The code of the MeshError that a call throws, or `undefined` where it succeeds; any other error is passed on. */
export const refusal = (action: () => unknown): ErrorCode | undefined => {
  try {
    action();
  } catch (error) {
    if (isMeshError(error)) return error.code;
    throw error;
  }
  return undefined;
};

/** A record signed as ours are, but with the header and payload octets that the caller wants. */
export const forge = (
  identifier: string,
  payload: string | Uint8Array,
  key: PrivateKey,
  header: string | Uint8Array = `{"alg":"EdDSA","kid":"${key.kid}"}`,
): SignedRecord => {
  const octets = (value: string | Uint8Array): string =>
    encodeBase64url(typeof value === "string" ? utf8(value) : value);
  const input = `${octets(header)}.${octets(payload)}`;
  const [protectedHeader = "", body = ""] = input.split(".");
  return {
    Identifier: identifier,
    SignedData: {
      protected: protectedHeader,
      payload: body,
      signature: encodeBase64url(signMessage(utf8(input), key)),
    },
  };
};

type Payload = Record<string, unknown>;

/** The object in the payload of a record. */
export const payloadOf = (record: SignedRecord): Payload =>
  Object.values(JSON.parse(decodeBase64url(record.SignedData.payload).toString()) as Record<string, Payload>)[0]!;

/** The record with another payload and a signature that is right for it. */
export const altered = (
  record: SignedRecord,
  type: string,
  key: PrivateKey,
  change: (payload: Payload) => Payload,
): SignedRecord => forge(record.Identifier, JSON.stringify({ [type]: change(payloadOf(record)) }), key);

/** The object without a member. */
export const without = (value: Payload, name: string): Payload =>
  Object.fromEntries(Object.entries(value).filter(([member]) => member !== name));

export interface TestDevice {
  readonly keys: DeviceKeys;
  readonly device: Device;
}

export const newDevice = (name: string, random: (length: number) => Uint8Array = stream(name)): TestDevice => {
  const keys = generateDeviceKeys(random);
  return { keys, device: createDevice(keys, name, "Linux", NOW) };
};

/** A person with one administrator and perhaps other devices. */
export interface Person {
  readonly keys: MasterKeys;
  readonly master: MasterProfile;
  readonly admin: TestDevice;
  readonly personal: PersonalProfile;
}

export const newPerson = (seed: string, others: readonly Device[] = []): Person => {
  const keys = generateMasterKeys(stream(`${seed} master`));
  const admin = newDevice(`${seed}-laptop`);
  const escrowKeys = [publicKeyOf(keys.escrow)];
  const master = createMaster(keys.signature, { administrators: [admin.device], escrowKeys }, NOW);
  const personal = createPersonal(admin.keys.online, master, { devices: [admin.device, ...others] }, NOW);
  return { keys, master, admin, personal };
};

/** A key in the form that records carry, with parts of it replaced. */
export const keyRecordWith = (
  key: PrivateKey,
  parameters: Partial<{ kid: string; crv: string; Public: string }>,
  members: object = {},
): object => ({
  ...publicKeyRecord(key),
  PublicParameters: { PublicKeyECDH: { kid: key.kid, crv: key.crv, Public: key.x, ...parameters } },
  ...members,
});

/** The canonical base64url text with the bits changed that its last character does not use; octets decode alike. */
export const withStrayBits = (text: string): string => {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  if (text.length % 4 === 0) throw new Error("This text uses every bit.");
  return text.slice(0, -1) + alphabet[alphabet.indexOf(text.at(-1)!) + 1]!;
};

/** Any character of the first two planes but surrogates. The unit "binary" of fast-check takes seconds to be made. */
export const character = fc
  .oneof(fc.integer({ min: 0, max: 0x7f }), fc.integer({ min: 0, max: 0x1ffff }))
  .map((point) => String.fromCodePoint(point))
  .filter((text) => !/^[\ud800-\udfff]$/.test(text));
export const anyText = (maxLength: number): fc.Arbitrary<string> => fc.string({ unit: character, maxLength });
