import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseWire, wireByte, wireString, wireUint32 } from "../../../../src/mesh/application/ssh/wire.js";

describe("the data types of SSH", () => {
  test("are read as they were written", () => {
    fc.assert(
      fc.property(fc.nat({ max: 255 }), fc.nat(), fc.uint8Array(), (byte, number, octets) => {
        const written = Buffer.concat([wireByte(byte), wireUint32(number), wireString(octets)]);
        const read = parseWire(written, (reader) => [reader.byte(), reader.uint32(), reader.string()]);
        expect(read).toEqual([byte, number, Buffer.from(octets)]);
      }),
    );
  });

  test("a length beyond the end, an early end and something behind it are all nothing", () => {
    const string = (octets: Buffer) => parseWire(octets, (reader) => reader.string());
    expect(string(wireString("abc"))?.toString()).toBe("abc");
    for (const octets of ["", "00", "000000", "00000004616263", "ffffffff616263", "0000000361626364"]) {
      expect(string(Buffer.from(octets, "hex")), octets).toBeUndefined();
    }
  });

  test("every cut is nothing", () => {
    const whole = Buffer.concat([wireString("one"), wireUint32(7), wireString("three"), wireByte(1)]);
    const read = (octets: Buffer) =>
      parseWire(octets, (reader) => [reader.text(), reader.uint32(), reader.text(), reader.boolean()]);
    expect(read(whole)).toEqual(["one", 7, "three", true]);
    for (let length = 0; length < whole.length; length++) expect(read(whole.subarray(0, length))).toBeUndefined();
  });

  test("what else goes wrong is not hidden", () => {
    expect(() =>
      parseWire(Buffer.alloc(0), () => {
        throw new TypeError("a mistake of ours");
      }),
    ).toThrow(TypeError);
  });
});
