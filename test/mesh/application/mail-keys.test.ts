import { describe, expect, test } from "vitest";
import { decodeBase64url, utf8 } from "../../../src/mesh/bytes.js";
import { readCertificates, readOpenPgp } from "../../../src/mesh/application/mail-keys.js";
import { MAX_MAIL_KEY } from "../../../src/mesh/application/mail.js";
import { recordFingerprint } from "../../../src/mesh/udf.js";
import { meshError } from "../../support/deps.js";
import { AUTHORITY, CERTIFICATE, OPENPGP, OPENPGP_SECRET } from "../../support/mail-keys.js";
import { refusal } from "../support.js";

const bodyOf = (pem: string): Buffer =>
  Buffer.from(
    pem
      .split("\n")
      .filter((line) => /^[A-Za-z0-9+/=]+$/.test(line) && !/^=.{4}$/.test(line))
      .join(""),
    "base64",
  );
const pgp = bodyOf(OPENPGP);
const der = bodyOf(CERTIFICATE);

const messageOf = async (action: () => unknown): Promise<string> =>
  (
    await meshError(async () => {
      await Promise.resolve();
      action();
    })
  ).text.key;

describe("an OpenPGP key", () => {
  test("is read armored or binary, and is the same", () => {
    const key = readOpenPgp(utf8(OPENPGP));
    expect(decodeBase64url(key.OpenPGP ?? "")).toEqual(pgp);
    expect(key.UDF).toBe(recordFingerprint("application/pgp-keys", pgp));
    expect(readOpenPgp(pgp)).toEqual(key);
    const mailed = `Here it is:\r\n\r\n${OPENPGP.replaceAll("\n", "\r\n")}Yours`;
    expect(readOpenPgp(utf8(mailed))).toEqual(key);
    const withHeader = OPENPGP.replace("BLOCK-----\n", "BLOCK-----\nComment: a key\n");
    expect(readOpenPgp(utf8(withHeader))).toEqual(key);
    expect(readOpenPgp(utf8(OPENPGP.replace(/^=.{4}\n/m, "")))).toEqual(key);
  });

  test("is never a private one, armored or binary, alone or behind a public one", async () => {
    for (const file of [
      utf8(OPENPGP_SECRET),
      bodyOf(OPENPGP_SECRET),
      Buffer.concat([pgp, bodyOf(OPENPGP_SECRET)]),
      utf8(OPENPGP + OPENPGP_SECRET),
      // Secret keys under a name that says otherwise.
      utf8(OPENPGP_SECRET.replaceAll("PRIVATE", "PUBLIC")),
      utf8(OPENPGP_SECRET.replaceAll("PRIVATE", "PUBLIC").replace(/^=.{4}\n/m, "")),
    ]) {
      expect(refusal(() => readOpenPgp(file))).toBe("import-invalid");
      expect(await messageOf(() => readOpenPgp(file))).toBe("mail.key-private");
    }
  });

  test("is one, and whole", () => {
    for (const file of [
      Buffer.alloc(0),
      utf8("hello"),
      utf8(CERTIFICATE),
      utf8(OPENPGP.replace("=fi", "=fj")),
      utf8(OPENPGP.replace("\n\n", "\n")),
      utf8(OPENPGP.replace("mDME", "mDM*")),
      utf8(OPENPGP.replace("-----END PGP PUBLIC KEY BLOCK-----", "")),
      utf8(OPENPGP + OPENPGP),
      Buffer.concat([pgp, pgp]),
      pgp.subarray(0, -1),
      pgp.subarray(53),
      Buffer.concat([pgp, Buffer.from([0x00])]),
      // Literal data, lengths in parts and an old length without an end.
      Buffer.concat([pgp, Buffer.from([0xcb, 0x01, 0x00])]),
      Buffer.concat([pgp, Buffer.from([0xcd, 0xe1, 0x00, 0x00])]),
      Buffer.concat([pgp, Buffer.from([0xb7, 0x00])]),
      Buffer.from([0xc6]),
      Buffer.from([0xc6, 0xff, 0xff, 0xff, 0xff]),
    ]) {
      expect(refusal(() => readOpenPgp(file))).toBe("import-invalid");
    }
    for (let length = 0; length < pgp.length; length++) {
      const cut = refusal(() => readOpenPgp(pgp.subarray(0, length)));
      expect([undefined, "import-invalid"]).toContain(cut);
    }
  });

  test("has any form of length", () => {
    const packet = (header: readonly number[], length: number) =>
      Buffer.concat([pgp, Buffer.from(header), Buffer.alloc(length)]);
    for (const file of [
      packet([0xcd, 5], 5),
      packet([0xcd, 192, 8], 200),
      packet([0xcd, 255, 0, 0, 1, 0], 256),
      packet([0xb4, 5], 5),
      packet([0xb5, 1, 0], 256),
      packet([0xb6, 0, 0, 1, 0], 256),
    ]) {
      expect(decodeBase64url(readOpenPgp(file).OpenPGP ?? "")).toEqual(file);
    }
  });

  test("is not longer than the head has room for", () => {
    const header = Buffer.from([0xcd, 255, 0, 0, 0x40, 0]);
    expect(refusal(() => readOpenPgp(Buffer.concat([pgp, header, Buffer.alloc(MAX_MAIL_KEY)])))).toBe("too-large");
  });
});

describe("a certificate", () => {
  test("is read as PEM or DER, and says whose it is", () => {
    const read = readCertificates(utf8(CERTIFICATE));
    expect(decodeBase64url(read.key.X509Certificate ?? "")).toEqual(der);
    expect(read.key.UDF).toMatch(/^M/);
    expect(read.key).not.toHaveProperty("X509Chain");
    expect(readCertificates(der).key).toEqual(read.key);
    expect(read.isFor("alice@example.com")).toBe(true);
    expect(read.isFor("bob@example.com")).toBe(false);
    expect(read.isGood(new Date("2030-01-01T00:00:00Z"))).toBe(true);
    expect(read.isGood(new Date("2026-01-01T00:00:00Z"))).toBe(false);
    expect(read.isGood(new Date("2200-01-01T00:00:00Z"))).toBe(false);
  });

  test("may have its issuers behind it, and in that order", () => {
    const { key } = readCertificates(utf8(`Alice\n${CERTIFICATE}${AUTHORITY}`));
    expect(key.X509Chain?.map((text) => decodeBase64url(text))).toEqual([bodyOf(AUTHORITY)]);
    expect(refusal(() => readCertificates(utf8(AUTHORITY + CERTIFICATE)))).toBe("import-invalid");
    expect(refusal(() => readCertificates(utf8(CERTIFICATE + CERTIFICATE)))).toBe("import-invalid");
  });

  test("is never a private key", async () => {
    const key = "-----BEGIN PRIVATE KEY-----\nMC4CAQ==\n-----END PRIVATE KEY-----\n";
    for (const file of [key, CERTIFICATE + key, key.replaceAll("PRIVATE", "EC PRIVATE")]) {
      expect(await messageOf(() => readCertificates(utf8(file)))).toBe("mail.key-private");
    }
  });

  // Found by fuzzing: node:crypto takes such a certificate, and fails where its key is asked for.
  test("has a key that is one", () => {
    const altered = Buffer.from(der);
    const point = der.indexOf(Buffer.from("034200048b", "hex"));
    altered.writeUInt8(altered.readUInt8(point + 8) ^ 1, point + 8);
    expect(point).toBeGreaterThan(0);
    expect(refusal(() => readCertificates(altered))).toBe("import-invalid");
  });

  test("is one, and nothing else", () => {
    for (const file of [
      Buffer.alloc(0),
      utf8("hello"),
      utf8(OPENPGP),
      der.subarray(1),
      Buffer.concat([der, Buffer.from([0])]),
      utf8(CERTIFICATE.replace("-----END CERTIFICATE-----", "")),
      utf8(CERTIFICATE.replace("MIIB", "MIIC")),
      utf8(CERTIFICATE.replaceAll("CERTIFICATE", "CERTIFICATE REQUEST")),
    ]) {
      expect(refusal(() => readCertificates(file))).toBe("import-invalid");
    }
  });
});
