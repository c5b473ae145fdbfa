// The data types of the SSH protocols (RFC 4251 section 5), as public keys, signatures and the agent protocol are made of them.

/** Reads what stands in some octets, from the front. Every member throws a RangeError where they end before. */
export interface WireReader {
  byte(): number;
  uint32(): number;
  /** The octets behind their length. They are a view, not a copy. */
  string(): Buffer;
  /** The same, as text of one octet a character. */
  text(): string;
  /** True for any octet but 0. */
  boolean(): boolean;
  /** True while something is left. */
  readonly hasMore: boolean;
  /** All that is left. */
  rest(): Buffer;
}

const readerOf = (octets: Buffer): WireReader => {
  let offset = 0;
  const take = (length: number): Buffer => {
    if (length > octets.length - offset) throw new RangeError("The octets end early.");
    offset += length;
    return octets.subarray(offset - length, offset);
  };
  const reader: WireReader = {
    byte: () => take(1).readUInt8(),
    uint32: () => take(4).readUInt32BE(),
    string: () => take(reader.uint32()),
    text: () => reader.string().toString("latin1"),
    boolean: () => reader.byte() !== 0,
    get hasMore() {
      return offset < octets.length;
    },
    rest: () => take(octets.length - offset),
  };
  return reader;
};

/** What `read` makes of some octets; undefined where they end early, hold more than it reads, or it finds nothing. */
export const parseWire = <T>(octets: Buffer, read: (reader: WireReader) => T | undefined): T | undefined => {
  const reader = readerOf(octets);
  try {
    const value = read(reader);
    return reader.hasMore ? undefined : value;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
};

export const wireByte = (value: number): Buffer => Buffer.of(value);

export const wireUint32 = (value: number): Buffer => {
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE(value);
  return octets;
};

/** Octets, or text in UTF-8, behind their length. */
export const wireString = (value: Uint8Array | string): Buffer => {
  const octets = typeof value === "string" ? Buffer.from(value, "utf8") : value;
  return Buffer.concat([wireUint32(octets.length), octets]);
};
