import { describe, expect, test } from "vitest";
import { queryFor } from "../../../../src/mesh/application/password/find.js";
import { PASSWORDS } from "../../../../src/mesh/application/password/kind.js";
import { canonicalSite, matchingSites } from "../../../../src/mesh/application/password/site.js";
import type { PasswordValue } from "../../../../src/mesh/application/password/value.js";

describe("a site", () => {
  test.each([
    ["example.com", "example.com"],
    ["EXAMPLE.com.", "example.com"],
    [" www.Example.COM ", "www.example.com"],
    ["https://www.example.com/login?next=/a#b", "www.example.com"],
    ["http://alice:secret@example.com/", "example.com"],
    ["https://example.com:443/", "example.com"],
    ["https://example.com:8443/x", "example.com:8443"],
    ["http://example.com:80", "example.com"],
    ["https://example.com:80", "example.com:80"],
    ["ssh://git@example.com:22/repo.git", "example.com"],
    ["ssh://git@example.com:2222/repo.git", "example.com:2222"],
    ["example.com:443", "example.com"],
    ["example.com:8080", "example.com:8080"],
    ["example.com/login", "example.com"],
    ["localhost", "localhost"],
    ["Bücher.example", "xn--bcher-kva.example"],
    ["xn--bcher-kva.example", "xn--bcher-kva.example"],
    ["*.Example.com", "*.example.com"],
    ["https://*.example.com", "*.example.com"],
    ["*.example.com:8443", "*.example.com:8443"],
    ["192.0.2.1", "192.0.2.1"],
    ["192.0.2.1:8080", "192.0.2.1:8080"],
    ["https://[2001:DB8::0:1]:8443/", "[2001:db8::1]:8443"],
    ["[::1]", "[::1]"],
    ["::1", "[::1]"],
  ])("%s is %s", (text, site) => {
    expect(canonicalSite(text)).toBe(site);
    expect(canonicalSite(site)).toBe(site);
  });

  test.each([
    "",
    " ",
    "*",
    "*.com",
    "*.",
    "*.*.example.com",
    "www.*.com",
    "*.192.0.2.1",
    "Home router",
    "alice@example.com",
    "example..com",
    "-example.com",
    "https://",
    "https:///path",
    "example.com:0",
    "example.com:65536",
    "example.com:abc",
    "1234",
    "1.2.3",
    "[::1",
    "[zz]",
    "[::1]x",
    "android://hash@com.example.app/",
    "androidapp://com.example.app",
    "data:text",
    "a".repeat(3000),
  ])("%j is none", (text) => {
    expect(canonicalSite(text)).toBeUndefined();
  });

  test("is matched by itself, and by wildcards above it, the longest first", () => {
    const ranks = [...matchingSites("a.b.example.com")].sort((x, y) => y[1] - x[1]).map(([site]) => site);
    expect(ranks).toEqual(["a.b.example.com", "*.b.example.com", "*.example.com"]);
    expect([...matchingSites("example.com").keys()]).toEqual(["example.com"]);
    expect([...matchingSites("192.0.2.1").keys()]).toEqual(["192.0.2.1"]);
    expect([...matchingSites("*.example.com").keys()]).toEqual(["*.example.com"]);
    const ported = [...matchingSites("a.example.com:8443")].sort((x, y) => y[1] - x[1]).map(([site]) => site);
    expect(ported).toEqual(["a.example.com:8443", "a.example.com", "*.example.com:8443", "*.example.com"]);
  });
});

describe("looking for an entry", () => {
  const values: readonly PasswordValue[] = [
    { Sites: ["*.example.com"], Username: "alice", Password: "1" },
    { Sites: ["www.example.com"], Username: "alice", Password: "2" },
    { Sites: ["*.example.com"], Username: "bob", Password: "3" },
    { Sites: ["router.example:8443"], Password: "4" },
    { Title: "Home Router", Password: "5" },
    { Sites: ["*.www.example.com"], Username: "alice", Password: "6" },
  ];
  const find = (text: string, options: Parameters<typeof queryFor>[1] = {}): string => {
    const { mayMatch, choose } = queryFor(text, options);
    const candidates = values.filter((value) => mayMatch(PASSWORDS.label(value)));
    // By labels alone nothing is missed.
    expect(choose(candidates.map((value) => ({ value })))).toEqual(choose(values.map((value) => ({ value }))));
    return choose(candidates.map((value) => ({ value })))
      .map(({ value }) => value.Password)
      .join();
  };

  test.each([
    ["www.example.com", {}, "2"],
    ["https://www.example.com/login", {}, "2"],
    ["mail.example.com", {}, "1,3"],
    ["a.b.example.com", {}, "1,3"],
    ["a.www.example.com", {}, "6"],
    ["example.com", {}, ""],
    ["www.example.com", { username: "bob" }, "3"],
    ["mail.example.com", { username: "alice" }, "1"],
    ["mail.example.com", { username: "Alice" }, ""],
    ["router.example:8443", {}, "4"],
    ["router.example", {}, ""],
    ["router.example:9", {}, ""],
    ["home router", {}, "5"],
    ["Home Router", { sitesOnly: true }, ""],
    ["www.example.com.evil.example", {}, ""],
    ["evilexample.com", {}, ""],
  ] as const)("%s %j", (text, options, found) => {
    expect(find(text, options)).toBe(found);
  });
});
