import { createHash } from "node:crypto";
import { certify } from "../../src/mesh/certificates.js";
import { encodeBase64url, utf8 } from "../../src/mesh/bytes.js";
import { createConnectionRequest, createConnectionResult } from "../../src/mesh/connection.js";
import { signMessage, signRecord, type SignedRecord } from "../../src/mesh/jose.js";
import { publicKeyOf, type PrivateKey } from "../../src/mesh/keys.js";
import {
  createDevice,
  createMaster,
  createPersonal,
  createRevocation,
  generateDeviceKeys,
  generateMasterKeys,
  nextEpoch,
  nextPersonal,
} from "../../src/mesh/profile.js";
import { createInvite, invitedChange, parsePin, proveInvitation } from "../../src/mesh/invite.js";
import { createRotation } from "../../src/mesh/rotation.js";

export const NOW = new Date("2026-03-04T05:06:07.000Z");

/** Octets that look random and are the same in every run. */
export const stream = (seed: string): ((length: number) => Buffer) => {
  let count = 0;
  return (length) => createHash("shake256", { outputLength: length }).update(`${seed} ${count++}`).digest();
};

const newDevice = (name: string) => {
  const keys = generateDeviceKeys(stream(name));
  return { keys, device: createDevice(keys, name, "Linux", NOW) };
};

/** A person, and one record of every kind that is theirs, with the key that signs it. */
export const makePerson = async (name: string) => {
  const master = generateMasterKeys(stream(`${name} master`));
  const admin = newDevice(`${name}-laptop`);
  const phone = newDevice(`${name}-phone`);
  const escrowKeys = [publicKeyOf(master.escrow)];
  const online = [admin.device.onlineSignatureKey];
  const certificates = await certify(master.signature, { escrow: escrowKeys, online }, NOW, stream(`${name} serial`));
  const profile = createMaster(master.signature, { administrators: [admin.device], escrowKeys, certificates }, NOW);
  const first = createPersonal(admin.keys.online, profile, { devices: [admin.device, phone.device] }, NOW);
  const second = nextEpoch(master.signature, admin.keys.online, first, [admin.device], {}, NOW);
  const tablet = newDevice(`${name}-tablet`);
  const account = `${name}@example.com`;
  // The phone, renewed, and a tablet that joins by an invite.
  const watch = generateDeviceKeys(stream(`${name}-watch`));
  const replaces = createRotation(phone.keys.signature, watch.signature.kid, first.udf);
  const rotated = createDevice(watch, `${name}-phone`, "Linux", NOW, { replaces });
  const options = { uses: 2, notOnOrAfter: new Date(NOW.getTime() + 900_000), name: "guest", deviceLifetime: 3600 };
  const { pin, invite } = await createInvite(first, options, stream(`${name} invite`), NOW);
  const guest = generateDeviceKeys(stream(`${name}-guest`));
  const invitation = proveInvitation(parsePin(pin), account, guest.signature.kid);
  const invited = createDevice(guest, `${name}-guest`, "Linux", NOW, { invitation });
  const inviting = nextPersonal(admin.keys.online, first, { invites: [invite] }, NOW);
  const joined = nextPersonal(admin.keys.online, inviting, invitedChange(inviting, invited, NOW), NOW);
  const application = {
    Identifier: generateMasterKeys(stream(`${name} application`)).signature.kid,
    Owner: first.udf,
    Updated: "2026-03-04T05:06:07Z",
    Sequence: 1,
    Entries: [{ Site: "example.com", Secret: "x" }],
  };
  return {
    master,
    admin,
    phone,
    tablet,
    first,
    second,
    account,
    pin,
    invite,
    inviting,
    invited,
    rotated,
    records: {
      MasterProfile: { record: profile.record, key: master.signature },
      Revocation: { record: createRevocation(master.signature, NOW).record, key: master.signature },
      DeviceProfile: { record: admin.device.record, key: admin.keys.signature },
      PersonalProfile: { record: first.record, key: admin.keys.online },
      NextProfile: { record: second.record, key: admin.keys.online },
      JoinedProfile: { record: joined.record, key: admin.keys.online },
      InvitedDevice: { record: invited.record, key: guest.signature },
      RotatedDevice: { record: rotated.record, key: watch.signature },
      PasswordProfile: {
        record: signRecord(application.Identifier, "PasswordProfile", application, admin.keys.signature),
        key: admin.keys.signature,
      },
      ConnectionRequest: {
        record: createConnectionRequest(tablet.device, first.udf, tablet.keys.signature).record,
        key: tablet.keys.signature,
      },
      ConnectionResult: {
        record: createConnectionResult(tablet.device.record, first.udf, "Accepted", admin.keys.online),
        key: admin.keys.online,
      },
    },
  };
};
export type Person = Awaited<ReturnType<typeof makePerson>>;

/** A record with any payload octets and a signature that is right for them. */
export const forge = (
  identifier: unknown,
  payload: string | Uint8Array,
  key: PrivateKey,
  header = `{"alg":"EdDSA","kid":"${key.kid}"}`,
): unknown => {
  const octets = (value: string | Uint8Array): string =>
    encodeBase64url(typeof value === "string" ? utf8(value) : value);
  const [protectedHeader, body] = [octets(header), octets(payload)];
  const signature = encodeBase64url(signMessage(utf8(`${protectedHeader}.${body}`), key));
  return { Identifier: identifier, SignedData: { protected: protectedHeader, payload: body, signature } };
};

export const payloadTextOf = (record: SignedRecord): string =>
  Buffer.from(record.SignedData.payload, "base64url").toString("utf8");
