import { verify, type KeyObject } from "node:crypto";
import { decodeBase64url, utf8 } from "../../src/mesh/bytes.js";
import type { SignedRecord } from "../../src/mesh/jose.js";
import { publicKeyObject, type PublicKey } from "../../src/mesh/keys.js";
import { readPersonal } from "../../src/mesh/records/personal.js";
import { readPeople } from "./people.js";

interface Signature {
  readonly message: Buffer;
  readonly signature: Buffer;
  readonly key: KeyObject;
}

const signatureOf = ({ SignedData }: SignedRecord, key: PublicKey): Signature => ({
  message: utf8(`${SignedData.protected}.${SignedData.payload}`),
  signature: decodeBase64url(SignedData.signature),
  key: publicKeyObject(key),
});

/** The signatures of one version of a profile: its own first, then that of the master profile and those of the devices. */
const signaturesOf = (text: string): readonly Signature[] => {
  const { record, signer, master, devices } = readPersonal(JSON.parse(text));
  return [
    signatureOf(record, signer.key),
    signatureOf(master.record, master.signatureKey),
    ...devices.map((device) => signatureOf(device.record, device.signatureKey)),
  ];
};

const PROFILES = 100;

const profiles: (readonly Signature[])[] = [];

/** What checks signatures and does nothing else, in a process of its own. */
export const checker = {
  prepare: ({ files }: { files: readonly string[] }): void => {
    for (const { records } of readPeople(files)) {
      profiles.push(signaturesOf(records[1] ?? ""));
      if (profiles.length === PROFILES) break;
    }
  },
  /** Checks every signature, or the first alone, of profile after profile, and gives how many profiles a second that makes. */
  check: ({ all, seconds }: { all: boolean; seconds: number }): number => {
    const began = performance.now();
    let checked = 0;
    while (performance.now() - began < seconds * 1000) {
      const signatures = profiles[checked++ % profiles.length] ?? [];
      for (const { message, signature, key } of all ? signatures : signatures.slice(0, 1)) {
        if (!verify(null, message, key, signature)) throw new Error("A signature does not hold.");
      }
    }
    return (checked * 1000) / (performance.now() - began);
  },
};
export type Checker = typeof checker;
