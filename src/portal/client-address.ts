import { BlockList, isIP, isIPv4 } from "node:net";
import { MeshError } from "../errors.js";
import { msg } from "../messages/message.js";

/** Which proxies are believed, and in which header they say whom they ask for. */
export interface ProxyOptions {
  /** A header that lists addresses, the nearest last, such as X-Forwarded-For, or holds one. */
  readonly header: string;
  /** Addresses, or networks as ADDRESS/LENGTH. */
  readonly trusted: readonly string[];
}

/** Finds out who asks: from the address at the other end of the connection, and what the headers say. */
export type ClientAddress = (peer: string, headers: Readonly<Record<string, string>>) => string;

/** A field name of HTTP (RFC 9110 section 5.1). */
const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/;
/** No chain of proxies is longer; what stands further to the left is the client's own invention. */
const MAX_HOPS = 32;

const family = (address: string): "ipv4" | "ipv6" => (isIPv4(address) ? "ipv4" : "ipv6");

/** An address without zone, as IPv4 where it is IPv4 in the form of IPv6. */
const plain = (address: string): string => address.replace(/%.*$/, "").replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, "");

/** The address in an element of the header: some proxies write brackets, and the port. Undefined where it is none. */
const addressIn = (element: string): string | undefined => {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+))(?::\d{1,5})?$/.exec(element);
  const address = plain(match?.[1] ?? match?.[2] ?? element);
  return isIP(address) === 0 ? undefined : address;
};

const networks = (texts: readonly string[]): BlockList => {
  const list = new BlockList();
  for (const text of texts) {
    const match = /^([0-9A-Fa-f:.]+)(?:\/(\d{1,3}))?$/.exec(text);
    const address = match?.[1] ?? "";
    const most = isIPv4(address) ? 32 : 128;
    const length = match?.[2] === undefined ? most : Number(match[2]);
    if (isIP(address) === 0 || length > most) {
      throw new MeshError("usage", msg("serve.proxy-invalid", { text: JSON.stringify(text.slice(0, 64)) }), {
        hint: msg("serve.proxy-invalid.hint"),
      });
    }
    list.addSubnet(address, length, family(address));
  }
  return list;
};

/**
 * Where a request comes from is the other end of its connection, unless that is a proxy among `trusted`: then it is what the
 * header says, from right to left up to the first address that is not itself among them. A header from anybody else, and
 * what is no address, count for nothing. Throws `usage` for what is no header or no network.
 */
export const createClientAddress = (options: ProxyOptions | undefined): ClientAddress => {
  if (!options) return plain;
  const name = options.header.toLowerCase();
  // RFC 7239 has a form of its own, which nothing here reads.
  if (!FIELD_NAME.test(name) || name === "forwarded") {
    throw new MeshError("usage", msg("serve.proxy-header", { text: JSON.stringify(options.header.slice(0, 64)) }), {
      hint: msg("serve.proxy-header.hint"),
    });
  }
  const trusted = networks(options.trusted);
  const isTrusted = (address: string): boolean => isIP(address) !== 0 && trusted.check(address, family(address));
  return (peer, headers) => {
    let address = plain(peer);
    const elements = (headers[name] ?? "").split(",").slice(-MAX_HOPS);
    while (isTrusted(address)) {
      const next = addressIn(elements.pop()?.trim() ?? "");
      if (next === undefined) break;
      address = next;
    }
    return address;
  };
};
