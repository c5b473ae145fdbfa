import library from "secrets.js-grempe";
import { MeshError } from "../errors.js";
import { msg } from "../messages/message.js";
import { sha256, utf8 } from "./bytes.js";
import { CHECKSUM_LENGTH, encodeChecked, withoutChecksum } from "./checked-text.js";
import { decodeBase32, normaliseBase32 } from "./udf.js";

/** What we use of the library; the types it ships do not admit a random source of one's own. */
const secrets = library as unknown as {
  init(bits: number): void;
  setRNG(source: (bits: number) => string): void;
  share(hex: string, count: number, threshold: number, padLength: number): string[];
  combine(shares: readonly string[]): string;
  extractShareComponents(share: string): { id: number; data: string };
};

/** Length of an escrow key, in octets. */
export const ESCROW_KEY_LENGTH = 16;
export const MAX_SHARES = 32;

/** Makes the text start with S. Shares of other Mesh tools have it too, followed by an octet of 0x10 or more. */
const TYPE_CODE = 0x90;
const FORMAT_VERSION = 1;
/** The library puts a marker octet 01 in front of the 16 octets of the key. */
const VALUE_LENGTH = ESCROW_KEY_LENGTH + 1;
const SET_ID_LENGTH = 4;
const HEADER_LENGTH = 4;
const SHARE_LENGTH = HEADER_LENGTH + SET_ID_LENGTH + VALUE_LENGTH + CHECKSUM_LENGTH;

/** One share as it was read: a point of the polynomials, and which set it belongs to. */
export interface Share {
  readonly threshold: number;
  readonly index: number;
  /** Hex of the first 4 octets of SHA-256 of the escrow entry's identifier. */
  readonly setId: string;
  readonly value: Buffer;
}

/** The set id of an escrow entry's identifier: tells shares of different sets apart before they are combined. */
const setIdOf = (identifier: string): Buffer => sha256(utf8(identifier)).subarray(0, SET_ID_LENGTH);

/** Gives the library our random source. It probes a new source and refuses zeros, so the probe gets a constant. */
const useRandom = (random: (length: number) => Uint8Array): void => {
  let probing = true;
  secrets.init(8);
  secrets.setRNG((bits: number) => {
    if (probing) return "1".padStart(bits, "0");
    const octets = random(Math.ceil(bits / 8));
    return [...octets]
      .map((octet) => octet.toString(2).padStart(8, "0"))
      .join("")
      .slice(0, bits);
  });
  probing = false;
};

/**
 * Splits an escrow key of 16 octets into `count` shares of which any `threshold` give it back (Shamir's scheme over GF(2^8)).
 * The key must be fresh: one key is never split twice. Gives the texts of the shares.
 * Throws `usage` unless 2 <= threshold <= count <= 32.
 */
export const splitKey = (
  key: Uint8Array,
  count: number,
  threshold: number,
  identifier: string,
  random: (length: number) => Uint8Array,
): string[] => {
  checkSplit(count, threshold);
  useRandom(random);
  const points = secrets.share(Buffer.from(key).toString("hex"), count, threshold, 8);
  return points.map((point) => {
    const { id, data } = secrets.extractShareComponents(point);
    return encodeShare({
      threshold,
      index: id,
      setId: setIdOf(identifier).toString("hex"),
      value: Buffer.from(data, "hex"),
    });
  });
};

/** Throws `usage` unless 2 <= threshold <= count <= 32. */
export const checkSplit = (count: number, threshold: number): void => {
  const whole = Number.isInteger(count) && Number.isInteger(threshold);
  if (!whole || threshold < 2 || threshold > count || count > MAX_SHARES) {
    throw new MeshError("usage", msg("mesh.split-sizes", { maximum: MAX_SHARES }), {
      hint: msg("mesh.split-sizes.hint"),
    });
  }
};

const encodeShare = ({ threshold, index, setId, value }: Share): string => {
  const body = Buffer.concat([
    Buffer.from([TYPE_CODE, FORMAT_VERSION, threshold, index]),
    Buffer.from(setId, "hex"),
    value,
  ]);
  if (body.length !== SHARE_LENGTH - CHECKSUM_LENGTH) {
    throw new MeshError("internal", msg("mesh.share-length"));
  }
  return encodeChecked(body);
};

const mistyped = (cause?: unknown): MeshError =>
  new MeshError("share-checksum", msg("mesh.share-mistyped"), {
    hint: msg("mesh.share-mistyped.hint"),
    cause,
  });

/**
 * Reads the text of a share, in any case and grouping. Throws `share-checksum` for a mistyped one, and `share-invalid` for
 * one that another program or a newer version made.
 */
export const parseShare = (text: string): Share => {
  let octets: Buffer;
  try {
    octets = decodeBase32(normaliseBase32(text, "share-invalid"), "share-invalid");
  } catch (cause) {
    throw mistyped(cause);
  }
  const foreign = octets[0] === TYPE_CODE && (octets[1] ?? 0) >= 0x10 && octets.length !== SHARE_LENGTH;
  if (foreign) throw new MeshError("share-invalid", msg("mesh.share-foreign"));
  const body = octets.length === SHARE_LENGTH ? withoutChecksum(octets) : undefined;
  if (!body) throw mistyped();
  const [type, version, threshold = 0, index = 0] = body;
  if (type !== TYPE_CODE || version !== FORMAT_VERSION) {
    throw new MeshError("share-invalid", msg("mesh.share-format"), { hint: msg("mesh.share-format.hint") });
  }
  if (threshold < 2 || threshold > MAX_SHARES || index < 1 || index > MAX_SHARES) throw mistyped();
  return {
    threshold,
    index,
    setId: body.subarray(HEADER_LENGTH, HEADER_LENGTH + SET_ID_LENGTH).toString("hex"),
    value: body.subarray(HEADER_LENGTH + SET_ID_LENGTH),
  };
};

/**
 * Checks that shares belong together and suffice. More than the threshold are welcome; the same share twice is not.
 * Throws `share-mixed`, `share-duplicate` or `share-missing`.
 */
export const checkShares = (shares: readonly Share[]): void => {
  const [first] = shares;
  if (!first) throw new MeshError("share-missing", msg("mesh.shares-none"));
  if (shares.some(({ setId, threshold }) => setId !== first.setId || threshold !== first.threshold)) {
    throw new MeshError("share-mixed", msg("mesh.shares-mixed"), { hint: msg("mesh.shares-mixed.hint") });
  }
  if (new Set(shares.map(({ index }) => index)).size !== shares.length) {
    throw new MeshError("share-duplicate", msg("mesh.shares-duplicate"));
  }
  if (shares.length < first.threshold) {
    throw new MeshError("share-missing", msg("mesh.shares-missing", { needed: first.threshold, count: shares.length }));
  }
};

/**
 * Gives the escrow key back, and the identifier that `identify` derives from it, which must be of the shares' set.
 * Throws as `checkShares` does, and `share-invalid` where the shares give no key of their set.
 */
export const combineShares = (
  shares: readonly Share[],
  identify: (key: Uint8Array) => string,
): { key: Buffer; identifier: string } => {
  checkShares(shares);
  // The library drops everything up to the first 1 bit. A constant marker octet of our own in front, which is a point of a
  // constant polynomial, keeps its marker visible, so that it can be checked.
  const points = shares.map(({ index, value }) => `8${index.toString(16).padStart(2, "0")}01${value.toString("hex")}`);
  secrets.init(8);
  const octets = Buffer.from(secrets.combine(points), "hex");
  const key = Buffer.from(octets.subarray(1));
  const identifier = identify(key);
  const setId = setIdOf(identifier).toString("hex");
  if (octets.length !== VALUE_LENGTH || octets[0] !== 1 || shares.some((share) => share.setId !== setId)) {
    throw new MeshError("share-invalid", msg("mesh.shares-wrong"));
  }
  octets.fill(0);
  return { key, identifier };
};
