import { X509Certificate } from "node:crypto";
import { MeshError } from "../../errors.js";
import { msg, type Message } from "../../messages/message.js";
import { encodeBase64url } from "../bytes.js";
import { CONTENT_TYPE, recordFingerprint } from "../udf.js";
import { MAX_MAIL_KEY, type MailKey } from "./mail.js";

// Public keys of mail accounts, as other programs write them. Nothing that is private may get past here: what it gives is published.

const refuse = (text: Message, hint?: Message): MeshError => new MeshError("import-invalid", text, { hint });

const isPrivate = (): MeshError => refuse(msg("mail.key-private"), msg("mail.key-private.hint"));

/** Packets of a transferable public key (RFC 9580 section 10.1): primary key, signatures, user identifiers and subkeys. */
const PUBLIC_PACKETS: ReadonlySet<number> = new Set([2, 6, 12, 13, 14, 17, 21]);
const SECRET_PACKETS: ReadonlySet<number> = new Set([5, 7]);
const PRIMARY = 6;

const notOpenPgp = (): MeshError => refuse(msg("mail.not-openpgp"), msg("mail.not-openpgp.hint"));

/** A packet's type and where the next one begins (RFC 9580 section 4.2), or undefined where there is none. */
const packetAt = (octets: Buffer, at: number): { readonly type: number; readonly end: number } | undefined => {
  const header = octets[at] ?? 0;
  if ((header & 0x80) === 0) return undefined;
  const first = octets[at + 1] ?? 0;
  const packet = (type: number, headerLength: number, length: number) => {
    const end = at + headerLength + length;
    return end <= octets.length && at + headerLength <= octets.length ? { type, end } : undefined;
  };
  if ((header & 0x40) !== 0) {
    const type = header & 0x3f;
    if (first < 192) return packet(type, 2, first);
    if (first < 224 && at + 2 < octets.length)
      return packet(type, 3, ((first - 192) << 8) + (octets[at + 2] ?? 0) + 192);
    // Lengths in parts are for data alone.
    return first === 255 && at + 5 < octets.length ? packet(type, 6, octets.readUInt32BE(at + 2)) : undefined;
  }
  const type = (header & 0x3c) >> 2;
  switch (header & 3) {
    case 0:
      return packet(type, 2, first);
    case 1:
      return at + 2 < octets.length ? packet(type, 3, octets.readUInt16BE(at + 1)) : undefined;
    case 2:
      return at + 4 < octets.length ? packet(type, 5, octets.readUInt32BE(at + 1)) : undefined;
    default:
      return undefined;
  }
};

/** CRC-24 of ASCII armor (RFC 9580 section 6.1.1). */
const crc24 = (octets: Uint8Array): number => {
  let crc = 0xb704ce;
  for (const octet of octets) {
    crc ^= octet << 16;
    for (let bit = 0; bit < 8; bit++) {
      crc <<= 1;
      if ((crc & 0x1000000) !== 0) crc ^= 0x1864cfb;
    }
  }
  return crc & 0xffffff;
};

/** The octets in ASCII armor (RFC 9580 section 6.2), of one block and no more. */
const withoutArmor = (text: string): Buffer => {
  const lines = text.split(/\r?\n/).map((line) => line.trimEnd());
  const heads = lines.filter((line) => line.startsWith("-----BEGIN "));
  if (heads.some((line) => line.includes("PRIVATE KEY"))) throw isPrivate();
  const begin = lines.indexOf("-----BEGIN PGP PUBLIC KEY BLOCK-----");
  const end = lines.indexOf("-----END PGP PUBLIC KEY BLOCK-----");
  if (begin < 0 || end < begin || heads.length !== 1) throw notOpenPgp();
  const block = lines.slice(begin + 1, end);
  const blank = block.indexOf("");
  if (blank < 0 || !block.slice(0, blank).every((line) => /^[A-Za-z]+: /.test(line))) throw notOpenPgp();
  const body = block.slice(blank + 1).filter((line) => line !== "");
  const sum = body.at(-1)?.startsWith("=") === true ? body.pop()?.slice(1) : undefined;
  const base64 = body.join("");
  const octets = Buffer.from(base64, "base64");
  if (octets.length === 0 || octets.toString("base64").replace(/=+$/, "") !== base64.replace(/=+$/, ""))
    throw notOpenPgp();
  if (sum !== undefined && Buffer.from(sum, "base64").toString("hex") !== crc24(octets).toString(16).padStart(6, "0")) {
    throw notOpenPgp();
  }
  return octets;
};

/**
 * Reads an OpenPGP public key, armored or binary: one transferable public key and nothing else. Throws `import-invalid`, with its
 * own words where the key is a private one, and `too-large`.
 */
export const readOpenPgp = (file: Buffer): MailKey => {
  const isBinary = ((file[0] ?? 0) & 0x80) !== 0;
  const octets = isBinary ? file : withoutArmor(file.toString("latin1"));
  const types: number[] = [];
  for (let at = 0; at < octets.length;) {
    const packet = packetAt(octets, at);
    if (!packet) throw notOpenPgp();
    if (SECRET_PACKETS.has(packet.type)) throw isPrivate();
    if (!PUBLIC_PACKETS.has(packet.type)) throw notOpenPgp();
    types.push(packet.type);
    at = packet.end;
  }
  if (types[0] !== PRIMARY) throw notOpenPgp();
  if (types.filter((type) => type === PRIMARY).length !== 1) throw refuse(msg("mail.keys-several"));
  return { UDF: recordFingerprint(CONTENT_TYPE.openPgp, octets), OpenPGP: encodeBase64url(bounded(octets)) };
};

const bounded = (octets: Buffer): Buffer => {
  if (octets.length <= MAX_MAIL_KEY) return octets;
  throw new MeshError("too-large", msg("mail.key-large", { maximum: MAX_MAIL_KEY }), {
    hint: msg("mail.key-large.hint"),
  });
};

const notCertificate = (): MeshError => refuse(msg("mail.not-certificate"), msg("mail.not-certificate.hint"));

/** The DER blocks of a PEM file, or the file itself. */
const certificatesIn = (file: Buffer): readonly Buffer[] => {
  const text = file.toString("latin1");
  const labels = [...text.matchAll(/-----BEGIN ([^-\r\n]+)-----/g)].map(([, label = ""]) => label);
  if (labels.some((label) => label.includes("PRIVATE KEY"))) throw isPrivate();
  if (labels.length === 0) return [file];
  if (!labels.every((label) => label === "CERTIFICATE")) throw notCertificate();
  const blocks = [...text.matchAll(/-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]*)-----END CERTIFICATE-----/g)];
  if (blocks.length !== labels.length) throw notCertificate();
  return blocks.map(([, base64 = ""]) => Buffer.from(base64.replace(/\s/g, ""), "base64"));
};

/** A certificate, and its key. A key that OpenSSL cannot read is none. */
const certificateIn = (octets: Buffer): { readonly certificate: X509Certificate; readonly info: Buffer } => {
  try {
    const certificate = new X509Certificate(octets);
    const info = certificate.publicKey.export({ format: "der", type: "spki" });
    if (certificate.raw.equals(octets)) return { certificate, info };
  } catch {
    // Answered below.
  }
  throw notCertificate();
};

/** A certificate for S/MIME, and whether it is for an address and good at a time. */
export interface ReadCertificate {
  readonly key: MailKey;
  readonly isFor: (address: string) => boolean;
  readonly isGood: (now: Date) => boolean;
}

/**
 * Reads an X.509 certificate, as PEM or DER, with the issuers that follow it in the file, nearest first. Throws `import-invalid`,
 * with its own words where there is a private key in the file, and `too-large`.
 */
export const readCertificates = (file: Buffer): ReadCertificate => {
  const [first, ...behind] = certificatesIn(file).map(certificateIn);
  if (!first || behind.length > 8) throw notCertificate();
  const { certificate, info } = first;
  const chain = behind.map((issuer) => issuer.certificate);
  const issuers = [certificate, ...chain];
  if (chain.some((issuer, at) => !issuers[at]?.checkIssued(issuer))) throw refuse(msg("mail.chain-order"));
  return {
    key: {
      UDF: recordFingerprint(CONTENT_TYPE.keyInfo, info),
      X509Certificate: encodeBase64url(bounded(certificate.raw)),
      ...(chain.length > 0 && { X509Chain: chain.map(({ raw }) => encodeBase64url(bounded(raw))) }),
    },
    isFor: (address) => certificate.checkEmail(address) !== undefined,
    isGood: (now) =>
      Date.parse(certificate.validFrom) <= now.getTime() && now.getTime() < Date.parse(certificate.validTo),
  };
};
