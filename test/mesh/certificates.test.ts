import { execFileSync, spawnSync } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isMeshError, type ErrorCode } from "../../src/errors.js";
import { decodeBase64url, encodeBase64url } from "../../src/mesh/bytes.js";
import { certificateChainPem, certify, type CertifiedKeys } from "../../src/mesh/certificates.js";
import { publicKeyOf, publicKeyRecord, readPublicKey, type KeyCertificate } from "../../src/mesh/keys.js";
import {
  createDevice,
  createMaster,
  createPersonal,
  generateDeviceKeys,
  generateMasterKeys,
  nextEpoch,
} from "../../src/mesh/profile.js";
import { readMaster } from "../../src/mesh/records/master.js";
import { readPersonal } from "../../src/mesh/records/personal.js";

const now = new Date("2026-03-04T05:06:07.890Z");
const later = new Date("2026-04-05T06:07:08Z");

/** Octets that look random and are the same in every run. */
const stream = (seed: string): ((length: number) => Buffer) => {
  let count = 0;
  return (length) => createHash("shake256", { outputLength: length }).update(`${seed} ${count++}`).digest();
};
const random = stream("certificates");

const master = generateMasterKeys(random);
const laptopKeys = generateDeviceKeys(random);
const laptop = createDevice(laptopKeys, "laptop", "Linux", now);
const tablet = createDevice(generateDeviceKeys(random), "tablet", "Linux", now);
const escrowKeys = [publicKeyOf(master.escrow)];
const keys: CertifiedKeys = { escrow: escrowKeys, online: [laptop.onlineSignatureKey, tablet.onlineSignatureKey] };

let certificates: Map<string, KeyCertificate>;
beforeAll(async () => {
  certificates = await certify(master.signature, keys, now, random);
});

const firstMaster = () =>
  createMaster(master.signature, { administrators: [laptop, tablet], escrowKeys, certificates }, now);
const certificateOf = (udf: string): string => certificates.get(udf)!.X509Certificate;
const open = (text: string): X509Certificate => new X509Certificate(decodeBase64url(text));
const refusal = (action: () => unknown): ErrorCode | undefined => {
  try {
    action();
  } catch (error) {
    if (isMeshError(error)) return error.code;
    throw error;
  }
  return undefined;
};

const folder = mkdtempSync(join(tmpdir(), "meshman-certificates-"));
afterAll(() => rmSync(folder, { recursive: true }));
const write = (name: string, content: string): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
const split = (chain: string): string[] => chain.match(/-----BEGIN[^]+?-----END CERTIFICATE-----\n/g) ?? [];
const openssl = (...args: string[]): string => execFileSync("openssl", args, { encoding: "utf8" });
const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;

describe("certify", () => {
  it("makes one certificate for every key, under its fingerprint and without a chain", () => {
    expect([...certificates.keys()]).toEqual([
      master.signature.kid,
      master.escrow.kid,
      laptop.onlineSignatureKey.udf,
      tablet.onlineSignatureKey.udf,
    ]);
    for (const certificate of certificates.values()) expect(Object.keys(certificate)).toEqual(["X509Certificate"]);
  });

  it("lets the master's certificate sign itself and every other", () => {
    const authority = open(certificateOf(master.signature.kid));
    expect(authority.ca).toBe(true);
    for (const { X509Certificate: text } of certificates.values()) {
      const certificate = open(text);
      expect(certificate.checkIssued(authority)).toBe(true);
      expect(certificate.verify(authority.publicKey)).toBe(true);
      expect(certificate.ca).toBe(certificate.fingerprint256 === authority.fingerprint256);
    }
  });

  it("gives each certificate its own positive serial number of 20 octets, whatever the random octets are", async () => {
    const serials = [...certificates.values()].map(({ X509Certificate: text }) => open(text).serialNumber);
    expect(new Set(serials).size).toBe(serials.length);
    for (const octet of [0x00, 0x80, 0xff]) {
      const made = await certify(master.signature, { escrow: [], online: [] }, now, (length) =>
        new Uint8Array(length).fill(octet),
      );
      expect(open(made.get(master.signature.kid)!.X509Certificate).serialNumber).toMatch(/^[4-7][0-9A-F]{39}$/);
    }
  });

  it("depends on nothing but its arguments", async () => {
    const once = await certify(master.signature, keys, now, stream("same"));
    const again = await certify(master.signature, keys, now, stream("same"));
    expect(again).toEqual(once);
  });

  it("refuses a master key on the wrong curve or with the wrong public half, and never shows a private key", async () => {
    const other = generateMasterKeys(random).signature;
    const wrong = [
      { key: master.escrow, code: "key-invalid" },
      { key: { ...master.signature, x: other.x }, code: "key-invalid" },
      { key: { ...master.signature, d: `${master.signature.d.slice(0, 42)}-` }, code: "record-invalid" },
    ];
    for (const { key, code } of wrong) {
      const error: unknown = await certify(key, keys, now, random).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).toMatchObject({ name: "MeshError", code });
      const shown = inspect(error, { depth: 9, showHidden: true });
      expect(shown).not.toContain(key.d);
      expect(shown).not.toContain(Buffer.from(key.d, "base64url").toString("hex"));
    }
  });
});

describe("a profile with certificates", () => {
  it("reads back as it was made", () => {
    const profile = createPersonal(laptopKeys.online, firstMaster(), { devices: [laptop, tablet] }, now);
    const read = readMaster(JSON.parse(JSON.stringify(profile.master.record)));
    expect(read.payload.MasterSignatureKey.X509Certificate).toBe(certificateOf(master.signature.kid));
    expect(read.payload.MasterEscrowKeys![0]!.X509Certificate).toBe(certificateOf(master.escrow.kid));
    expect(read.payload.OnlineSignatureKeys!.map((key) => key.X509Certificate)).toEqual([
      certificateOf(laptop.onlineSignatureKey.udf),
      certificateOf(tablet.onlineSignatureKey.udf),
    ]);
    expect(readPersonal(JSON.parse(JSON.stringify(profile.record))).master.payload).toEqual(read.payload);
  });

  it("gets new certificates with a new master version, and none for a removed administrator", async () => {
    const first = createPersonal(laptopKeys.online, firstMaster(), { devices: [laptop, tablet] }, now);
    const change = { devices: [laptop] };
    const renewed = await certify(
      master.signature,
      { escrow: escrowKeys, online: [laptop.onlineSignatureKey] },
      later,
      random,
    );
    const next = nextEpoch(master.signature, laptopKeys.online, first, [laptop], change, later, renewed);
    const before = split(certificateChainPem(first.master.payload));
    const after = split(certificateChainPem(next.master.payload));
    expect(before).toHaveLength(4);
    expect(after).toHaveLength(3);
    for (const certificate of after) expect(before).not.toContain(certificate);
    const subjects = after.map((text) => new X509Certificate(text).subject).join("\n");
    expect(subjects).not.toContain(tablet.onlineSignatureKey.udf);
  });

  it("keeps no certificate from the version before where none is given", () => {
    const first = createPersonal(laptopKeys.online, firstMaster(), { devices: [laptop, tablet] }, now);
    const next = nextEpoch(master.signature, laptopKeys.online, first, [laptop, tablet], {}, later);
    expect(JSON.stringify(next.master.payload)).not.toContain("X509Certificate");
    expect(refusal(() => certificateChainPem(next.master.payload))).toBe("record-not-found");
  });

  it("cannot be made with certificates of other keys", () => {
    const swapped = new Map([[master.escrow.kid, certificates.get(master.signature.kid)!]]);
    const content = { administrators: [laptop], escrowKeys, certificates: swapped };
    expect(refusal(() => createMaster(master.signature, content, now))).toBe("key-invalid");
  });
});

describe("readPublicKey", () => {
  const record = publicKeyRecord(laptop.onlineSignatureKey);
  const read = (members: object): ErrorCode | undefined =>
    refusal(() => readPublicKey({ ...record, ...members }, "online-signature"));
  const own = (): string => certificateOf(laptop.onlineSignatureKey.udf);
  const authority = (): string => certificateOf(master.signature.kid);

  it("takes a key with its certificate, and with a chain that starts with the issuer", () => {
    expect(read({ X509Certificate: own() })).toBeUndefined();
    expect(read({ X509Certificate: own(), X509Chain: [authority()] })).toBeUndefined();
    const authorityRecord = { ...publicKeyRecord(master.signature), X509Certificate: authority() };
    expect(readPublicKey(authorityRecord, "master-signature")).toEqual(publicKeyOf(master.signature));
  });

  it("refuses the certificate of another key", () => {
    expect(read({ X509Certificate: certificateOf(tablet.onlineSignatureKey.udf) })).toBe("key-invalid");
    expect(read({ X509Certificate: certificateOf(master.escrow.kid) })).toBe("key-invalid");
    expect(read({ X509Certificate: authority() })).toBe("key-invalid");
  });

  it("refuses what is not canonical base64url of exactly the certificate's DER", () => {
    const der = decodeBase64url(own());
    for (const octets of [
      Buffer.alloc(0),
      Buffer.from("no certificate"),
      der.subarray(0, -1),
      Buffer.concat([der, Buffer.from([0])]),
      Buffer.from(new X509Certificate(der).toString()),
    ]) {
      expect(read({ X509Certificate: encodeBase64url(octets) })).toBe("key-invalid");
    }
    expect(read({ X509Certificate: `${own()}=` })).toBe("key-invalid");
    expect(read({ X509Certificate: der.toString("base64") })).toBe("key-invalid");
    expect(read({ X509Certificate: `${own().slice(0, 9)}\n${own().slice(9)}` })).toBe("key-invalid");
  });

  it("refuses a chain without a certificate, of something else, or that starts with anyone but the issuer", () => {
    expect(read({ X509Chain: [authority()] })).toBe("key-invalid");
    expect(read({ X509Certificate: own(), X509Chain: ["AAAA"] })).toBe("key-invalid");
    expect(read({ X509Certificate: own(), X509Chain: [authority(), "AAAA"] })).toBe("key-invalid");
    expect(read({ X509Certificate: own(), X509Chain: [own()] })).toBe("key-invalid");
  });
});

describe("certificateChainPem", () => {
  it("prints the master's certificate first and each certificate once", () => {
    const { payload } = firstMaster();
    const expected = [...certificates.values()].map(({ X509Certificate: text }) => open(text).toString());
    expect(certificateChainPem(payload)).toBe(expected.join(""));
    const [escrowKey] = payload.MasterEscrowKeys!;
    const chained = { ...escrowKey!, X509Chain: [certificateOf(master.signature.kid)] };
    expect(certificateChainPem({ ...payload, MasterEscrowKeys: [chained] })).toBe(expected.join(""));
  });

  it.skipIf(!hasOpenssl)("is a chain that openssl verifies, strictly too", () => {
    const [authority, ...others] = split(certificateChainPem(firstMaster().payload));
    const authorityFile = write("master.pem", authority!);
    for (const [index, certificate] of [authority!, ...others].entries()) {
      const file = write(`${index}.pem`, certificate);
      for (const options of [[], ["-x509_strict"]]) {
        const verified = openssl(
          "verify",
          ...options,
          "-attime",
          `${later.getTime() / 1000}`,
          "-CAfile",
          authorityFile,
          file,
        );
        expect(verified).toBe(`${file}: OK\n`);
      }
    }
  });

  it.skipIf(!hasOpenssl)("does not verify under another master's certificate", async () => {
    const stranger = generateMasterKeys(random).signature;
    const made = await certify(stranger, { escrow: [], online: [] }, now, random);
    const strangerFile = write("stranger.pem", open(made.get(stranger.kid)!.X509Certificate).toString());
    const file = write("leaf.pem", open(certificateOf(laptop.onlineSignatureKey.udf)).toString());
    const { status, stderr } = spawnSync("openssl", ["verify", "-CAfile", strangerFile, file], { encoding: "utf8" });
    expect(status).not.toBe(0);
    expect(stderr).toContain("unable to get local issuer certificate");
  });

  it.skipIf(!hasOpenssl)("says in openssl's words what each certificate is for", () => {
    // Versions of openssl differ in the spaces they put and in how they introduce a key identifier.
    const text = (udf: string): string =>
      openssl("x509", "-noout", "-text", "-in", write("text.pem", open(certificateOf(udf)).toString()))
        .replace(/ *\n */g, "\n")
        .replace(/ = /g, "=")
        .replace(/\nkeyid:/g, "\n");
    const authority = text(master.signature.kid);
    const escrow = text(master.escrow.kid);
    const online = text(laptop.onlineSignatureKey.udf);

    const issuer = `Issuer: O=Mathematical Mesh, CN=${master.signature.kid}`;
    for (const shown of [authority, escrow, online]) {
      expect(shown).toContain("Version: 3 (0x2)");
      expect(shown).toContain("Signature Algorithm: ED25519");
      expect(shown).toContain(issuer);
      expect(shown).toContain("Not Before: Mar  4 04:06:07 2026 GMT");
      expect(shown).toContain("Not After : Dec 31 23:59:59 9999 GMT");
      expect(shown).toContain("X509v3 Subject Key Identifier:");
    }
    expect(authority).toContain(`Subject: O=Mathematical Mesh, CN=${master.signature.kid}`);
    expect(authority).toContain("X509v3 Basic Constraints: critical\nCA:TRUE, pathlen:0");
    expect(authority).toContain("X509v3 Key Usage: critical\nCertificate Sign\n");
    expect(escrow).toContain(`Subject: O=Mathematical Mesh, CN=${master.escrow.kid}`);
    expect(escrow).toContain("Public Key Algorithm: X25519");
    expect(escrow).toContain("X509v3 Key Usage: critical\nKey Agreement\n");
    expect(online).toContain(`Subject: O=Mathematical Mesh, CN=${laptop.onlineSignatureKey.udf}`);
    expect(online).toContain("Public Key Algorithm: ED25519");
    expect(online).toContain("X509v3 Key Usage: critical\nDigital Signature\n");
    const identifier = /Subject Key Identifier:\n(.*)\n/.exec(authority)![1]!;
    for (const shown of [escrow, online]) {
      expect(shown).toContain("X509v3 Basic Constraints: critical\nCA:FALSE");
      expect(shown).toContain(`X509v3 Authority Key Identifier:\n${identifier}`);
    }
  });
});
