import { sha256, utf8 } from "../bytes.js";
import type { Entry, OfflineEscrowEntry } from "../protocol.js";
import { readApplication } from "../records/application.js";
import { readDevice } from "../records/device.js";
import { readMaster, type MasterProfile } from "../records/master.js";
import { readPersonal, type PersonalProfile } from "../records/personal.js";
import { recordHash, type SignedRecord } from "../signed-record.js";
import type { LeafKind } from "./leaf.js";

// What the leaf of a record must say in the log of the portal that keeps it.

/** A leaf but for its place in the log. */
export interface RecordLeaf {
  readonly kind: LeafKind;
  readonly identifier: string;
  readonly masterSequence: number;
  readonly sequence: number;
  /** 32 octets. */
  readonly recordHash: Buffer;
}

const octets = (hash: string): Buffer => Buffer.from(hash, "base64url");

export const personalLeaf = ({ udf, master, sequence, hash }: PersonalProfile): RecordLeaf => ({
  kind: "personal",
  identifier: udf,
  masterSequence: master.sequence,
  sequence,
  recordHash: octets(hash),
});

export const noteLeaf = ({ udf, sequence, hash }: MasterProfile): RecordLeaf => ({
  kind: "master",
  identifier: udf,
  masterSequence: sequence,
  sequence: 0,
  recordHash: octets(hash),
});

export const escrowLeaf = ({ Identifier, EncryptedData }: OfflineEscrowEntry): RecordLeaf => {
  const { protected: header, iv, ciphertext, tag } = EncryptedData;
  return {
    kind: "escrow",
    identifier: Identifier,
    masterSequence: 0,
    sequence: 0,
    recordHash: sha256(utf8([header, iv, ciphertext, tag].join("."))),
  };
};

/** Of the result of a device's request to connect. */
export const resultLeaf = (device: string, result: SignedRecord): RecordLeaf => ({
  kind: "result",
  identifier: device,
  masterSequence: 0,
  sequence: 0,
  recordHash: octets(recordHash(result)),
});

/** Of whatever is published. Throws the verification error of a record that is not valid. */
export const entryLeaf = (entry: Entry): RecordLeaf => {
  if ("SignedPersonalProfile" in entry) return personalLeaf(readPersonal(entry.SignedPersonalProfile));
  if ("SignedMasterProfile" in entry) return noteLeaf(readMaster(entry.SignedMasterProfile));
  if ("OfflineEscrowEntry" in entry) return escrowLeaf(entry.OfflineEscrowEntry);
  if ("SignedDeviceProfile" in entry) {
    const { udf, record } = readDevice(entry.SignedDeviceProfile);
    return { kind: "device", identifier: udf, masterSequence: 0, sequence: 0, recordHash: octets(recordHash(record)) };
  }
  const { identifier, sequence, hash } = readApplication(entry.SignedApplicationProfile);
  return { kind: "application", identifier, masterSequence: 0, sequence, recordHash: octets(hash) };
};
