import type { AccountState, ProfileState } from "../../keystore/state.js";
import { readRecord, verifySignature } from "../../mesh/jose.js";
import { accountUdf, identifierHash, type Leaf, type LeafKind } from "../../mesh/log/leaf.js";
import type { Entry } from "../../mesh/protocol.js";
import { readApplication } from "../../mesh/records/application.js";
import { readDevice, type Device } from "../../mesh/records/device.js";
import { deviceName, readPersonal, type PersonalProfile } from "../../mesh/records/personal.js";
import { compareVersions } from "../../mesh/succession.js";
import type { SignedRecord } from "../../mesh/signed-record.js";
import { isMeshError } from "../../errors.js";
import type { ServedRecords } from "./records.js";

/** What leaves of a log can be about that is a person's own. */
export interface Subject {
  readonly kind: LeafKind;
  readonly identifier: string;
  /** The address, where it is an account. */
  readonly account?: string;
}

/** What tells the leaves of one subject from others. */
export const subjectName = ({ kind, identifierHash: hash }: Pick<Leaf, "kind" | "identifierHash">): string =>
  `${kind} ${hash.toString("hex")}`;

/** A device of the person, now or earlier. */
export interface KnownDevice {
  readonly udf: string;
  readonly name: string;
}

/** What is the person's own, as all versions of the profile show it. */
export interface Own {
  readonly subjects: ReadonlyMap<string, Subject>;
  /** The device that a record was signed by; undefined where it was none of these. */
  signerOf(entry: Entry): KnownDevice | undefined;
  /** The administration device whose key signed the answer to a device. */
  answererOf(result: SignedRecord): KnownDevice | undefined;
  /** True for the device that this home is, and for those whose place it has taken. */
  isThisHome(udf: string): boolean;
}

/** The versions of the profile among what a portal serves, the oldest first. */
const versionsIn = (records: ServedRecords): PersonalProfile[] =>
  [...records.values()]
    .flatMap(({ entry }) => ("SignedPersonalProfile" in entry ? [readPersonal(entry.SignedPersonalProfile)] : []))
    .sort(compareVersions);

/** This home's device, and the ones before it whose keys were here: each new one says which it replaces. */
const ownDevices = (state: ProfileState, devices: ReadonlyMap<string, Device>): ReadonlySet<string> => {
  const own = new Set<string>();
  for (
    let device: Device | undefined = readDevice(state.device.record);
    device && !own.has(device.udf);
    device = devices.get(device.replaces?.DeviceUDF ?? "")
  ) {
    own.add(device.udf);
  }
  return own;
};

/** What is the person's own at a portal. `records` are those of the profile. */
export const ownOf = (state: ProfileState, accounts: readonly AccountState[], records: ServedRecords): Own => {
  const versions = versionsIn(records);
  const devices = new Map<string, Device>();
  const known = new Map<string, KnownDevice>();
  const keys = new Map<string, { readonly device: KnownDevice; readonly key: Device["signatureKey"] }>();
  const learn = (device: Device, name: string): void => {
    const shown = { udf: device.udf, name };
    devices.set(device.udf, device);
    known.set(device.udf, shown);
    for (const key of [device.signatureKey, device.onlineSignatureKey]) keys.set(key.udf, { device: shown, key });
  };
  const self = readDevice(state.device.record);
  learn(self, self.name);
  // The newest name counts.
  for (const version of versions) {
    for (const device of version.devices) learn(device, deviceName(version, device));
  }
  const applications = versions.flatMap((version) => version.applications.map(({ Identifier }) => Identifier));
  const all: Subject[] = [
    { kind: "personal", identifier: state.udf },
    { kind: "master", identifier: state.udf },
    ...accounts.map(({ account }): Subject => ({ kind: "account", identifier: accountUdf(account), account })),
    ...[...devices.keys()].flatMap((identifier): Subject[] => [
      { kind: "device", identifier },
      { kind: "result", identifier },
    ]),
    ...applications.map((identifier): Subject => ({ kind: "application", identifier })),
    ...(state.recovery ? [{ kind: "escrow" as const, identifier: state.recovery.identifier }] : []),
  ];
  const own = ownDevices(state, devices);

  /** The device by one of whose keys a record is signed. */
  const signed = (record: SignedRecord, type: string): KnownDevice | undefined => {
    try {
      const { udf } = verifySignature(
        readRecord(record, type),
        [...keys.values()].map(({ key }) => key),
      );
      return keys.get(udf)?.device;
    } catch (error) {
      if (!isMeshError(error)) throw error;
      return undefined;
    }
  };

  return {
    subjects: new Map(
      all.map((subject) => [
        subjectName({ kind: subject.kind, identifierHash: identifierHash(subject.identifier) }),
        subject,
      ]),
    ),
    signerOf: (entry) => {
      if ("SignedPersonalProfile" in entry) {
        return known.get(readPersonal(entry.SignedPersonalProfile).signer.deviceUdf);
      }
      if ("SignedDeviceProfile" in entry) return known.get(entry.SignedDeviceProfile.Identifier);
      if ("SignedApplicationProfile" in entry) {
        return signed(entry.SignedApplicationProfile, readApplication(entry.SignedApplicationProfile).type);
      }
      return undefined;
    },
    answererOf: (result) => signed(result, "ConnectionResult"),
    isThisHome: (udf) => own.has(udf),
  };
};
