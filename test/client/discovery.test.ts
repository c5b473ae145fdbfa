import { describe, expect, it } from "vitest";
import { findPortal } from "../../src/client/discovery.js";
import type { SrvRecord } from "../../src/deps.js";
import { parseAddress } from "../../src/mesh/address.js";
import { msg } from "../../src/messages/message.js";
import { errorCode, meshError, testDeps } from "../support/deps.js";

const search = { address: parseAddress("alice@example.com"), allowHttp: false, localPath: "/portal" };
const srv = (name: string, port: number, priority = 0, weight = 0): SrvRecord => ({ name, port, priority, weight });

const find = (records: SrvRecord[] | Error, random = 0) => {
  const asked: string[] = [];
  const deps = testDeps({
    random: (length) => Buffer.alloc(length, random),
    resolveSrv: async (name) => {
      asked.push(name);
      if (records instanceof Error) throw records;
      return records;
    },
  });
  return findPortal(deps, search).then((target) => ({ url: target.url, asked }));
};
const dnsError = (code: string): Error => Object.assign(new Error(code), { code });

describe("findPortal", () => {
  it("prefers what the user says to what is remembered, and both to the DNS", async () => {
    const deps = testDeps();
    const remembered = "https://old.example.net";
    expect((await findPortal(deps, { ...search, explicit: "local", remembered })).url).toBe("local");
    expect((await findPortal(deps, { ...search, explicit: undefined, remembered })).url).toBe(remembered);
    expect(await errorCode(() => findPortal(deps, { ...search, remembered: "http://example.com" }))).toBe(
      "portal-invalid",
    );
  });

  it("asks the DNS for the service of the domain", async () => {
    expect(await find([srv("mesh.example.net", 8443)])).toEqual({
      url: "https://mesh.example.net:8443",
      asked: ["_mmm._tcp.example.com"],
    });
    expect((await find([srv("Mesh.Example.NET.", 443)])).url).toBe("https://mesh.example.net");
  });

  it("takes the lowest priority, and by weight among equals", async () => {
    const records = [
      srv("c.net", 443, 2, 100),
      srv("a.net", 443, 1, 1),
      srv("b.net", 443, 1, 3),
      srv("z.net", 443, 1, 0),
    ];
    expect((await find(records, 0x00)).url).toBe("https://z.net");
    expect((await find(records, 0x40)).url).toBe("https://a.net");
    expect((await find(records, 0x80)).url).toBe("https://b.net");
    expect((await find(records, 0xff)).url).toBe("https://b.net");
  });

  it("asks the domain itself where the DNS has no record or does not answer", async () => {
    for (const code of ["ENODATA", "ENOTFOUND", "ESERVFAIL", "ETIMEOUT", "ECONNREFUSED"]) {
      expect((await find(dnsError(code))).url).toBe("https://example.com");
    }
    expect((await find([])).url).toBe("https://example.com");
  });

  it("believes a domain that says it has no such service", async () => {
    for (const name of [".", ""]) {
      const error = await meshError(() => find([srv(name, 0)]));
      expect(error.code).toBe("portal-not-found");
      expect(error.hint).toEqual(msg("client.no-portal.hint"));
    }
  });

  it("ignores records that name no host", async () => {
    const odd = [
      srv("evil.net/path", 443),
      srv("a b", 1),
      srv("user@host", 443),
      srv("ok.net", 0),
      srv("ok.net", 70000),
    ];
    expect((await find(odd)).url).toBe("https://example.com");
    expect((await find([...odd, srv("good.net", 444, 9)])).url).toBe("https://good.net:444");
  });

  it("does not guess for localhost, and asks no DNS for numbers", async () => {
    const local = { ...search, address: parseAddress("alice@localhost") };
    const error = await meshError(() => findPortal(testDeps(), local));
    expect(error.code).toBe("portal-not-found");
    expect(error.hint).toEqual(msg("client.localhost-unknown.hint"));
    const numbers = { ...search, address: parseAddress("alice@192.0.2.1") };
    expect((await findPortal(testDeps(), numbers)).url).toBe("https://192.0.2.1");
  });
});
