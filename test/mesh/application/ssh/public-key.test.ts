import { spawnSync } from "node:child_process";
import { createPrivateKey, generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  ed25519Blob,
  ed25519Text,
  isSshSignature,
  readEd25519Text,
  readKeyText,
  sshFingerprint,
} from "../../../../src/mesh/application/ssh/public-key.js";
import { wireString } from "../../../../src/mesh/application/ssh/wire.js";
import { publicKeyOf } from "../../../../src/mesh/keys.js";
import { temporaryFolder } from "../../../support/deps.js";
import { hasOpenSsh, sshKey } from "./support.js";

/** Made by `ssh-keygen -t ed25519`, and what `ssh-keygen -lf` says of it. */
const OPENSSH = {
  line: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILPw8s8XDOxi/9LLIAAOjzw0KnRL6lkAqd8vfT3LNX6K",
  fingerprint: "SHA256:vr6uzl5JQk5gmi2pR65nyfHGPkNYU8OdcRsC+KGwrNw",
};

const positive = (octets: Buffer): Buffer =>
  wireString(octets[0]! >= 0x80 ? Buffer.concat([Buffer.of(0), octets]) : octets);
const withoutZeros = (octets: Buffer): Buffer => octets.subarray(octets.findIndex((octet) => octet !== 0));

const jwk = (key: KeyObject): Record<string, Buffer> =>
  Object.fromEntries(
    Object.entries(key.export({ format: "jwk" })).map(([name, text]) => [name, Buffer.from(String(text), "base64url")]),
  );

/** A key of another type, as a host may have it, and its signatures. */
const hostKey = (type: string) => {
  const curves: Record<string, [string, number, string]> = {
    "ecdsa-sha2-nistp256": ["P-256", 32, "sha256"],
    "ecdsa-sha2-nistp384": ["P-384", 48, "sha384"],
    "ecdsa-sha2-nistp521": ["P-521", 66, "sha512"],
  };
  const curve = curves[type];
  if (!curve) {
    const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const { e, n } = jwk(publicKey);
    return {
      blob: Buffer.concat([wireString("ssh-rsa"), positive(e!), positive(n!)]),
      sign: (data: Buffer, algorithm = "rsa-sha2-512") =>
        Buffer.concat([
          wireString(algorithm),
          wireString(sign(algorithm === "rsa-sha2-256" ? "sha256" : "sha512", data, privateKey)),
        ]),
    };
  }
  const [namedCurve, length, digest] = curve;
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve });
  const { x, y } = jwk(publicKey);
  const point = Buffer.concat([Buffer.of(4), x!, y!]);
  return {
    blob: Buffer.concat([wireString(type), wireString(type.slice("ecdsa-sha2-".length)), wireString(point)]),
    sign: (data: Buffer, algorithm = type) => {
      const octets = sign(digest, data, { key: privateKey, dsaEncoding: "ieee-p1363" });
      const numbers = [octets.subarray(0, length), octets.subarray(length)].map((number) =>
        positive(withoutZeros(number)),
      );
      return Buffer.concat([wireString(algorithm), wireString(Buffer.concat(numbers))]);
    },
  };
};

const ed25519Signature = (name: string, data: Buffer): Buffer => {
  const { kty, crv, x, d } = sshKey(name);
  const key = createPrivateKey({ key: { kty, crv, x, d }, format: "jwk" });
  return Buffer.concat([wireString("ssh-ed25519"), wireString(sign(null, data, key))]);
};

describe("public keys", () => {
  test("of devices are read as they were written, and nothing else is", () => {
    const key = publicKeyOf(sshKey("laptop"));
    const text = ed25519Text(key);
    expect(text).toMatch(/^ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI[A-Za-z0-9+/]{43}$/);
    expect(readEd25519Text(text)).toEqual(key);
    for (const other of [
      "",
      `${text} laptop`,
      `${text}\n`,
      text.slice(0, -1),
      text.replace("AAAAC", "AAAAD"),
      "ssh-ed25519",
    ]) {
      expect(readEd25519Text(other), other).toBeUndefined();
    }
  });

  test("made by OpenSSH are read", () => {
    expect(readEd25519Text(OPENSSH.line)).toBeDefined();
    const key = readKeyText(`${OPENSSH.line} alice@example.com`);
    expect(key?.type).toBe("ssh-ed25519");
    expect(sshFingerprint(key!.blob)).toBe(OPENSSH.fingerprint);
  });

  test.runIf(hasOpenSsh)("have the fingerprint that ssh-keygen shows", () => {
    const file = path.join(temporaryFolder(), "key.pub");
    for (const name of ["laptop", "phone"]) {
      const key = publicKeyOf(sshKey(name));
      fs.writeFileSync(file, `${ed25519Text(key)} ${name}\n`);
      const { stdout } = spawnSync("ssh-keygen", ["-lf", file], { encoding: "utf8" });
      expect(stdout).toBe(`256 ${sshFingerprint(ed25519Blob(key.x))} ${name} (ED25519)\n`);
    }
  });

  test.runIf(hasOpenSsh).each([
    ["ed25519", []],
    ["ecdsa", ["-b", "256"]],
    ["ecdsa", ["-b", "384"]],
    ["ecdsa", ["-b", "521"]],
    ["rsa", ["-b", "2048"]],
  ] as const)("of type %s made by ssh-keygen are read with their fingerprint (%s)", (type, bits) => {
    const file = path.join(temporaryFolder(), "key");
    spawnSync("ssh-keygen", ["-q", "-t", type, ...bits, "-N", "", "-f", file]);
    const key = readKeyText(fs.readFileSync(`${file}.pub`, "utf8"));
    const { stdout } = spawnSync("ssh-keygen", ["-lf", `${file}.pub`], { encoding: "utf8" });
    expect(stdout.split(" ")[1]).toBe(sshFingerprint(key!.blob));
  });

  test("in hardware are read", () => {
    const blob = Buffer.concat([
      wireString("sk-ssh-ed25519@openssh.com"),
      wireString(Buffer.alloc(32, 7)),
      wireString("ssh:"),
    ]);
    expect(readKeyText(`sk-ssh-ed25519@openssh.com ${blob.toString("base64")}`)).toBeDefined();
    expect(readKeyText(`sk-ssh-ed25519@openssh.com ${blob.subarray(0, -8).toString("base64")}`)).toBeUndefined();
  });

  test("of another type than they say, of no known type, or too long are none", () => {
    const rsa = hostKey("ssh-rsa").blob;
    expect(readKeyText(`ssh-rsa ${rsa.toString("base64")}`)).toBeDefined();
    expect(readKeyText(`ssh-ed25519 ${rsa.toString("base64")}`)).toBeUndefined();
    const dss = Buffer.concat([wireString("ssh-dss"), wireString(Buffer.of(1))]);
    expect(readKeyText(`ssh-dss ${dss.toString("base64")}`)).toBeUndefined();
    for (const type of ["constructor", "__proto__", "ecdsa-sha2-constructor", "ecdsa-sha2-"]) {
      const blob = Buffer.concat([wireString(type), wireString("x"), wireString("y")]);
      expect(readKeyText(`${type} ${blob.toString("base64")}`), type).toBeUndefined();
    }
    const long = Buffer.concat([wireString("ssh-rsa"), positive(Buffer.of(3)), positive(Buffer.alloc(5000, 1))]);
    expect(readKeyText(`ssh-rsa ${long.toString("base64")}`)).toBeUndefined();
  });

  test("that were cut or have something behind them are none, and no text breaks the reader", () => {
    const { blob } = hostKey("ecdsa-sha2-nistp256");
    const read = (octets: Buffer) => readKeyText(`ecdsa-sha2-nistp256 ${octets.toString("base64")}`);
    expect(read(blob)).toBeDefined();
    for (let length = 0; length < blob.length; length++) expect(read(blob.subarray(0, length))).toBeUndefined();
    expect(read(Buffer.concat([blob, Buffer.of(0)]))).toBeUndefined();
    fc.assert(fc.property(fc.string(), (text) => void readKeyText(text)));
    fc.assert(fc.property(fc.uint8Array(), (octets) => void read(Buffer.from(octets))));
  });
});

describe("signatures of hosts", () => {
  const data = Buffer.from("a session");

  test("of every type hold, and for nothing else", () => {
    const types = ["ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa"];
    for (const type of types) {
      const key = hostKey(type);
      const signature = key.sign(data);
      expect(isSshSignature(key.blob, data, signature), type).toBe(true);
      expect(isSshSignature(key.blob, Buffer.from("another"), signature), type).toBe(false);
      expect(isSshSignature(hostKey(type).blob, data, signature), type).toBe(false);
      expect(isSshSignature(key.blob, data, key.sign(data, "ssh-ed25519")), type).toBe(false);
      for (let cut = 0; cut < signature.length; cut += 7) {
        expect(isSshSignature(key.blob, data, signature.subarray(0, cut)), type).toBe(false);
      }
    }
    const rsa = hostKey("ssh-rsa");
    expect(isSshSignature(rsa.blob, data, rsa.sign(data, "rsa-sha2-256"))).toBe(true);
    expect(isSshSignature(rsa.blob, data, rsa.sign(data, "constructor"))).toBe(false);
  });

  test("of Ed25519 hold", () => {
    const blob = ed25519Blob(sshKey("host").x);
    expect(isSshSignature(blob, data, ed25519Signature("host", data))).toBe(true);
    expect(isSshSignature(blob, data, ed25519Signature("other", data))).toBe(false);
  });

  test("no octets break the check", () => {
    const blob = ed25519Blob(sshKey("host").x);
    const octets = fc.uint8Array().map((array) => Buffer.from(array));
    fc.assert(fc.property(octets, octets, (a, b) => !isSshSignature(a, data, b) && !isSshSignature(blob, data, b)));
  });
});
