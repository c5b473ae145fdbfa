import { readConnectionRequest, readConnectionResult } from "../../src/mesh/connection.js";
import { createEscrowEntry, escrowIdentifier, openEscrowEntry } from "../../src/mesh/escrow.js";
import { decryptDirect, encryptDirect, readRecord, type SignedRecord } from "../../src/mesh/jose.js";
import { invitedChange, judgeRequest } from "../../src/mesh/invite.js";
import { decryptWith, encryptTo } from "../../src/mesh/jwe.js";
import { publicKeyOf, publicKeyRecord, readPublicKey, type PrivateKey } from "../../src/mesh/keys.js";
import { nextPersonal } from "../../src/mesh/profile.js";
import { readApplication } from "../../src/mesh/records/application.js";
import { readDevice } from "../../src/mesh/records/device.js";
import { readMaster } from "../../src/mesh/records/master.js";
import { readPersonal } from "../../src/mesh/records/personal.js";
import { checkRotation } from "../../src/mesh/rotation.js";
import { verifyRequest, signRequest } from "../../src/mesh/request-signature.js";
import { createVerifier } from "../../src/mesh/verification.js";
import { hkdfSync } from "node:crypto";
import { utf8 } from "../../src/mesh/bytes.js";
import type { Target } from "./engine.js";
import { legacySeeds } from "./legacy-seeds.js";
import { anyText, anyValue, mutateOctets, mutateText, mutateValue } from "./mutate.js";
import { forge, NOW, payloadTextOf, stream, type Person } from "./person.js";
import type { Random } from "./random.js";

export const RECORD_CODES = ["record-invalid", "json-invalid", "key-invalid", "signature-invalid"] as const;

export interface Seed {
  readonly record: SignedRecord;
  readonly key: PrivateKey;
}

/** A payload that was changed inside, records within it with signatures that are right again where `keys` has their key. */
const alteredPayload = (random: Random, text: string, keys: readonly Seed[]): string => {
  if (random.chance(0.2)) return mutateText(random, text);
  const value = JSON.parse(text) as unknown;
  if (random.chance(0.6) || keys.length === 0) return JSON.stringify(mutateValue(random, value));
  const { record, key } = random.pick(keys);
  const inner = JSON.stringify(record);
  const forged = JSON.stringify(forgedRecord(random, { record, key }, []));
  return text.replace(inner, () => forged);
};

const forgedRecord = (random: Random, { record, key }: Seed, keys: readonly Seed[]): unknown => {
  const text = payloadTextOf(record);
  const identifier = random.chance(0.95) ? record.Identifier : mutateText(random, record.Identifier);
  const header = `{"alg":"EdDSA","kid":"${key.kid}"}`;
  if (random.chance(0.1)) return forge(identifier, text, key, mutateText(random, header));
  if (random.chance(0.1)) return forge(identifier, mutateOctets(random, Buffer.from(text)), key);
  return forge(identifier, alteredPayload(random, text, keys), key);
};

/** A record as a stranger may write it: altered outside, or altered inside and signed again. */
export const recordInput = (random: Random, seed: Seed, keys: readonly Seed[]): unknown => {
  if (random.chance(0.05)) return anyValue(random);
  return random.chance(0.3) ? mutateValue(random, seed.record) : forgedRecord(random, seed, keys);
};

/** Legacy and current records, and what can be read of requests: everything that carries a signature. */
export const recordTargets = async (person: Person): Promise<readonly Target[]> => {
  const { records, master, admin, phone, first, account, invite, inviting, invited, rotated } = person;
  const nested = [records.DeviceProfile, records.MasterProfile];
  const record = (
    name: string,
    weight: number,
    seeds: readonly Seed[],
    read: (value: unknown) => unknown,
    codes: Target["codes"] = RECORD_CODES,
  ): Target => ({
    name,
    weight,
    codes,
    make: (random) => recordInput(random, random.pick(seeds), nested),
    read,
  });

  const escrowKey = stream("escrow")(16);
  const identifier = escrowIdentifier(escrowKey);
  const contentKey = new Uint8Array(hkdfSync("sha512", escrowKey, utf8(identifier), utf8("mmm/escrow/offline"), 32));
  const entry = await createEscrowEntry(escrowKey, [master.signature, master.escrow], first.master, [
    { account: "alice@example.com", portal: "https://portal.example" },
  ]);
  const keySet = (await decryptDirect(entry.EncryptedData, contentKey)).toString("utf8");

  const secret = stream("secret")(64);
  const both = [admin.device.encryptionKey, phone.device.encryptionKey];
  const encrypted = [await encryptTo(secret, both.slice(0, 1)), await encryptTo(secret, both)];

  const authority = "portal.example";
  const request = { method: "POST", authority, path: "/.well-known/mmm/", body: Buffer.from('{"Hello":{}}') };
  const now = Math.floor(NOW.getTime() / 1000);
  const headers = signRequest(request, admin.keys.authentication, now, stream("nonce"));

  const exported = JSON.stringify({
    SignedMasterProfile: records.MasterProfile.record,
    SignedPersonalProfile: records.PersonalProfile.record,
  });
  const files = [
    exported,
    JSON.stringify(Object.values(records).map((seed) => seed.record)),
    `{"SignedPasswordProfile":${JSON.stringify(records.PasswordProfile.record)}}\n${exported}`,
    ...legacySeeds(),
  ].map((text) => Buffer.from(text));

  const { MasterSignatureKey, MasterEscrowKeys = [], OnlineSignatureKeys = [] } = first.master.payload;
  const certificates = [MasterSignatureKey, ...MasterEscrowKeys, ...OnlineSignatureKeys].map(({ X509Certificate }) =>
    Buffer.from(X509Certificate ?? "", "base64url"),
  );

  return [
    record("record", 15_000, Object.values(records), (value) => readRecord(value, "PersonalProfile")),
    record("master", 15_000, [records.MasterProfile, records.Revocation], readMaster),
    record("device", 15_000, [records.DeviceProfile, records.InvitedDevice, records.RotatedDevice], readDevice),
    record("personal", 20_000, [records.PersonalProfile, records.NextProfile, records.JoinedProfile], readPersonal),
    record("application", 15_000, [records.PasswordProfile], readApplication),
    record("request", 15_000, [records.ConnectionRequest], readConnectionRequest),
    record("result", 15_000, [records.ConnectionResult], (value) =>
      readConnectionResult(value, [publicKeyOf(admin.keys.online)]),
    ),
    {
      name: "certificate",
      weight: 20_000,
      codes: ["key-invalid", "record-invalid"],
      make: (random) => {
        const [beside, chain] = [random.pick(certificates), random.pick(certificates)];
        const altered = (octets: Buffer): string =>
          (random.chance(0.7) ? mutateOctets(random, octets) : octets).toString("base64url");
        return {
          use: random.pick(["master-signature", "master-escrow", "online-signature"] as const),
          X509Certificate: altered(beside),
          ...(random.chance(0.5) ? { X509Chain: [altered(chain)] } : {}),
        };
      },
      read: (input) => {
        const { use, ...beside } = input as { use: "master-signature" | "master-escrow" | "online-signature" };
        const keys = {
          "master-signature": master.signature,
          "master-escrow": master.escrow,
          "online-signature": admin.keys.online,
        };
        readPublicKey({ ...publicKeyRecord(keys[use]), ...beside }, use);
      },
    },
    {
      name: "escrow",
      weight: 10_000,
      codes: [...RECORD_CODES, "decryption-failed"],
      make: (random) =>
        random.chance(0.3)
          ? { entry: mutateValue(random, entry) }
          : { set: alteredPayload(random, keySet, [records.MasterProfile]) },
      read: async (input) => {
        const { entry: altered, set } = input as { entry?: unknown; set?: string };
        const value =
          set === undefined
            ? altered
            : { Identifier: identifier, EncryptedData: await encryptDirect(utf8(set), contentKey) };
        const { master: found } = await openEscrowEntry(value, escrowKey);
        if (found.udf !== first.udf) throw new Error("The entry gave another person's keys.");
      },
    },
    {
      name: "encrypted",
      weight: 10_000,
      codes: ["decryption-failed"],
      make: (random) => mutateValue(random, entry.EncryptedData),
      read: async (input) => {
        const plaintext = await decryptDirect(input, contentKey);
        if (plaintext.toString("utf8") !== keySet) throw new Error("An altered ciphertext was opened.");
      },
    },
    {
      name: "encrypted-to",
      weight: 20_000,
      codes: ["decryption-failed"],
      make: (random) => {
        const value = random.pick(encrypted);
        if (random.chance(0.7)) return mutateValue(random, value);
        const header = mutateText(random, Buffer.from(value.protected, "base64url").toString());
        return { ...value, protected: Buffer.from(header).toString("base64url") };
      },
      read: async (input) => {
        const plaintext = await decryptWith(input, admin.keys.encryption);
        if (!plaintext.equals(secret)) throw new Error("An altered ciphertext was opened.");
      },
    },
    {
      name: "invite",
      weight: 10_000,
      codes: RECORD_CODES,
      make: (random) =>
        random.chance(0.5)
          ? { invite: mutateValue(random, invite) }
          : { device: forgedRecord(random, records.InvitedDevice, []) },
      read: async (input) => {
        const altered = input as { invite?: unknown; device?: unknown };
        const profile =
          altered.invite === undefined
            ? inviting
            : readPersonal(
                forge(
                  first.udf,
                  payloadTextOf(inviting.record).replace(JSON.stringify(invite), () => JSON.stringify(altered.invite)),
                  admin.keys.online,
                ),
              );
        const device = altered.device === undefined ? invited : readDevice(altered.device);
        const verdict = await judgeRequest(profile, { device }, admin.keys.encryption, account, NOW);
        if (verdict !== "valid") return;
        const { Proof, Account } = device.invitation ?? {};
        const isSame = Proof === invited.invitation?.Proof && Account === account && device.udf === invited.udf;
        if (!isSame) throw new Error("An altered invitation was found valid.");
        nextPersonal(admin.keys.online, profile, invitedChange(profile, device, NOW), NOW);
      },
    },
    {
      name: "rotation",
      weight: 10_000,
      codes: RECORD_CODES,
      make: (random) => forgedRecord(random, records.RotatedDevice, []),
      read: (input) => {
        const device = readDevice(input);
        if (checkRotation(first, device, NOW) !== "valid") return;
        const isSame = device.replaces?.Signature === rotated.replaces?.Signature && device.udf === rotated.udf;
        if (!isSame) throw new Error("An altered replacement was found valid.");
        nextPersonal(admin.keys.online, first, { replace: { old: phone.device.udf, device } }, NOW);
      },
    },
    {
      name: "request-signature",
      weight: 20_000,
      codes: ["signature-invalid", "clock-skew"],
      make: (random) => {
        const altered = { ...headers };
        const name = random.pick(["content-digest", "signature-input", "signature"]);
        altered[name] = random.chance(0.1)
          ? anyText(random)
          : mutateText(random, headers[name] ?? "", Object.values(headers));
        return altered;
      },
      read: async (input) => {
        const verified = await verifyRequest(
          { ...request, headers: input as Record<string, string> },
          (udf) =>
            Promise.resolve(udf === admin.device.authenticationKey.udf ? admin.device.authenticationKey : undefined),
          now,
        );
        if (verified.created !== now) throw new Error("Another time than the signed one.");
      },
    },
    {
      name: "verifier",
      weight: 15_000,
      codes: ["record-invalid", "too-large"],
      make: (random) => {
        const file = random.pick(files);
        const octets = random.chance(0.5)
          ? mutateOctets(random, file)
          : Buffer.from(JSON.stringify(mutateValue(random, JSON.parse(random.pick(files.slice(0, 2)).toString()))));
        return { octets, piece: random.pick([1, 7, 64, 4096, octets.length + 1]) };
      },
      read: (input) => {
        const { octets, piece } = input as { octets: Buffer; piece: number };
        const whole = verify([octets]);
        const pieces = Array.from({ length: Math.ceil(octets.length / piece) }, (_, index) =>
          octets.subarray(index * piece, (index + 1) * piece),
        );
        if (verify(pieces) !== whole) throw new Error("The verdict depends on how the file was cut.");
        if (whole.startsWith("{")) return;
        throw new Error(`Not a verdict: ${whole}`);
      },
    },
  ];
};

const verify = (pieces: readonly Buffer[]): string => {
  const verifier = createVerifier();
  const sink = verifier.add("file");
  for (const piece of pieces) sink.write(piece);
  sink.end();
  return JSON.stringify(verifier.finish());
};
