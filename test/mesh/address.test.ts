import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { utf8 } from "../../src/mesh/bytes.js";
import { canonicalDomain, invalidCharacters, parseAddress, userProblem } from "../../src/mesh/address.js";
import { accountUdf, fingerprint, isUdf } from "../../src/mesh/udf.js";
import { meshError } from "../support/deps.js";
import { anyText, character, refusal } from "./support.js";

const refused = (text: string, domain?: string): boolean =>
  refusal(() => parseAddress(text, domain)) === "address-invalid";
const account = (text: string): string => parseAddress(text).account;

describe("an account address", () => {
  test("has a user and a domain", () => {
    expect(parseAddress("alice@example.com")).toEqual({
      account: "alice@example.com",
      user: "alice",
      domain: "example.com",
    });
    expect(parseAddress("alice", "localhost")).toEqual({
      account: "alice@localhost",
      user: "alice",
      domain: "localhost",
    });
    expect(parseAddress("alice@example.com", "localhost").domain).toBe("example.com");
    expect(refused("alice")).toBe(true);
    expect(refused("alice", "")).toBe(true);
    expect(refused("alice", "not a domain")).toBe(true);
  });

  test.each([
    ["Alice@Example.COM", "alice@example.com"],
    ["a.b+c@example.com", "a.b+c@example.com"],
    ["!#$%&'*+/=?^_`{|}~-@example.com", "!#$%&'*+/=?^_`{|}~-@example.com"],
    ["x@localhost", "x@localhost"],
    ["x@192.0.2.1", "x@192.0.2.1"],
    // A-Z folded and nothing else: these keep their case, and what has no other composition keeps its marks.
    ["\u00c4LICE@example.com", "\u00c4lice@example.com"],
    ["\u00e4lice@example.com", "\u00e4lice@example.com"],
    ["\u0130@example.com", "\u0130@example.com"],
    ["\u1e9e@example.com", "\u1e9e@example.com"],
    ["\u03a3@example.com", "\u03a3@example.com"],
    ["\u0441\u0430\u0448\u0430@example.com", "\u0441\u0430\u0448\u0430@example.com"],
    ["\u{1F600}@example.com", "\u{1F600}@example.com"],
    // NFC, and not NFKC.
    ["a\u0308@example.com", "\u00e4@example.com"],
    ["\ufb01@example.com", "\ufb01@example.com"],
    ["\uff21@example.com", "\uff21@example.com"],
    ["\u212alice@example.com", "klice@example.com"],
    ["\u212b@example.com", "\u00c5@example.com"],
    // A composed form that exists in lower case alone.
    ["W\u030a@example.com", "\u1e98@example.com"],
    ["w\u030a@example.com", "\u1e98@example.com"],
    ["H\u0331T\u0308Y\u030aJ\u030c@example.com", "\u1e96\u1e97\u1e99\u01f0@example.com"],
  ])("%j is %j", (text, canonical) => {
    expect(account(text)).toBe(canonical);
    expect(account(canonical)).toBe(canonical);
  });

  test("stays as it is once it is canonical, and has one form for all its spellings", () => {
    const part = fc.oneof(
      fc.constantFrom(..."aBcWTJHY.+1", "\u00e4", "\u00c4", "\u212a", "\u1e9b", "\u03c2"),
      fc.constantFrom("\u0300", "\u0308", "\u030a", "\u030c", "\u0323", "\u0331", "\u0345"),
      character,
    );
    const user = fc.array(part, { minLength: 1, maxLength: 8 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(user, (typed) => {
        if (userProblem(typed) !== undefined || refused(`${typed}@example.com`)) return;
        const canonical = account(`${typed}@example.com`);
        expect(account(canonical)).toBe(canonical);
        expect(canonical).toBe(canonical.normalize("NFC"));
        expect(canonical).not.toMatch(/[A-Z]/);
        for (const other of [typed.normalize("NFD"), typed.normalize("NFC")]) {
          expect(account(`${other}@example.com`)).toBe(canonical);
        }
        // In upper case it is the same, unless a letter and a mark compose there, to what is not folded.
        const upper = typed.normalize("NFC").replace(/[a-z]/g, (letter) => letter.toUpperCase());
        if (upper.normalize("NFC") === upper) expect(account(`${upper}@example.com`)).toBe(canonical);
      }),
      { numRuns: 200 },
    );
  });
});

describe("a user part", () => {
  test.each([
    ["", "empty"],
    ["x".repeat(65), "long"],
    ["\u{1F600}".repeat(33), "long"],
    ["a b", "characters"],
    ["a@b", "characters"],
    ['"a b"', "characters"],
    ["a\\b", "characters"],
    ["a(b)", "characters"],
    ["a,b", "characters"],
    ["a:b", "characters"],
    ["<a>", "characters"],
    ["a[b]", "characters"],
    ["a;b", "characters"],
    [".a", "dots"],
    ["a.", "dots"],
    ["a..b", "dots"],
    [".", "dots"],
    ["x".repeat(64), undefined],
    ["a.b.c", undefined],
    ["-", undefined],
  ])("%j has the problem %s", (user, problem) => {
    expect(userProblem(user)).toBe(problem);
    expect(refused(`${user}@example.com`)).toBe(problem !== undefined);
  });

  test.each([
    ["a control character", "\u0000"],
    ["an escape", "\u001b"],
    ["a line feed", "\n"],
    ["a delete", "\u007f"],
    ["a C1 control", "\u0085"],
    ["a no-break space", "\u00a0"],
    ["an ideographic space", "\u3000"],
    ["a soft hyphen", "\u00ad"],
    ["a zero-width space", "\u200b"],
    ["a zero-width joiner", "\u200d"],
    ["a right-to-left mark", "\u200f"],
    ["a right-to-left override", "\u202e"],
    ["a left-to-right isolate", "\u2066"],
    ["an Arabic letter mark", "\u061c"],
    ["a line separator", "\u2028"],
    ["a word joiner", "\u2060"],
    ["a byte order mark", "\ufeff"],
    ["an interlinear anchor", "\ufff9"],
    ["a replacement character", "\ufffd"],
    ["a noncharacter", "\uffff"],
    ["a lone high surrogate", "\ud800"],
    ["a lone low surrogate", "\udc00"],
    ["a tag character", "\u{E0041}"],
  ])("does not have %s", (_, bad) => {
    for (const user of [`a${bad}b`, `${bad}a`, `a${bad}`, bad]) {
      expect(userProblem(user)).toBe("characters");
      expect(invalidCharacters(user)).toBe(bad);
      expect(refused(`${user}@example.com`)).toBe(true);
    }
  });

  test("names each bad character once, in order, and no good ones", () => {
    expect(invalidCharacters("b a<c> d\u202ee<")).toBe(" <>\u202e");
    expect(invalidCharacters("Alice.\u00e4+1")).toBe("");
    expect(invalidCharacters("")).toBe("");
  });
});

describe("a domain", () => {
  test.each([
    ["example.com", "example.com"],
    ["EXAMPLE.Com", "example.com"],
    ["a-b.example", "a-b.example"],
    ["localhost", "localhost"],
    ["1.example", "1.example"],
    ["127.0.0.1", "127.0.0.1"],
    // IDNA: RFC 5891 and the mapping of UTS 46 without its transitional part.
    ["m\u00fcnchen.de", "xn--mnchen-3ya.de"],
    ["M\u00dcNCHEN.DE", "xn--mnchen-3ya.de"],
    ["mu\u0308nchen.de", "xn--mnchen-3ya.de"],
    ["xn--mnchen-3ya.de", "xn--mnchen-3ya.de"],
    ["XN--MNCHEN-3YA.de", "xn--mnchen-3ya.de"],
    ["stra\u00dfe.de", "xn--strae-oqa.de"],
    ["\u4f8b\u3048.\u30c6\u30b9\u30c8", "xn--r8jz45g.xn--zckzah"],
    ["\uff45xample.com", "example.com"],
  ])("%j is %s", (text, domain) => {
    expect(canonicalDomain(text)).toBe(domain);
    expect(canonicalDomain(domain)).toBe(domain);
    expect(parseAddress(`x@${text}`).domain).toBe(domain);
  });

  test.each([
    "",
    ".",
    ".example.com",
    "example.com.",
    "a..b",
    "-a.example",
    "a-.example",
    "exa mple.com",
    "example.com ",
    "example_x.com",
    "example.com:80",
    "example.com/x",
    "example.com?x",
    "example.com#x",
    "user@example.com",
    "user:password@example.com",
    "example.com\\x",
    "%65xample.com",
    "exam%00ple.com",
    "[::1]",
    "::1",
    "*.example.com",
    "exam\u00adple.com",
    "exam\u200bple.com",
    "exam\u200dple.com",
    "example\u3002com",
    "exam\u202eple.com",
    "exam\nple.com",
    "exam\u0000ple.com",
    "\ud800.com",
    // Numbers that a URL parser takes for IPv4 addresses.
    "1",
    "127.1",
    "0x7f.1",
    "0x7f000001",
    "2130706433",
    "017700000001",
    "127.0.0.01",
    "127.0.0.256",
    "1.2.3.4.5",
    "\uff11\uff12\uff17.0.0.1",
    "example.0x10",
    // A-labels that are none.
    "xn--a",
    "xn--.com",
    "xn--\u00fc.com",
    "xn--99999999",
    `${"a".repeat(64)}.com`,
    `${"a.".repeat(130)}com`,
    "\u00fc".repeat(60),
  ])("is not %j", (domain) => {
    expect(canonicalDomain(domain)).toBeUndefined();
    expect(refused(`x@${domain}`)).toBe(true);
  });

  test("has labels of at most 63 octets and 253 octets in all, counted as A-labels", () => {
    expect(canonicalDomain(`${"a".repeat(63)}.com`)).toBe(`${"a".repeat(63)}.com`);
    const labels = (count: number): string => Array(count).fill("a".repeat(49)).join(".");
    expect(labels(5).length).toBe(249);
    expect(canonicalDomain(`${labels(5)}.com`)).toBe(`${labels(5)}.com`);
    expect(canonicalDomain(`${labels(5)}.info`)).toBeUndefined();
    expect(canonicalDomain(`${labels(4)}.${"\u00fc".repeat(30)}.de`)).toBeDefined();
    expect(canonicalDomain(`${labels(4)}.${"\u00fc".repeat(48)}.de`)).toBeUndefined();
  });

  test("that is taken is lower-case ASCII, and canonical already", () => {
    fc.assert(
      fc.property(anyText(12), fc.constantFrom("", ".com", ".de"), (name, rest) => {
        const domain = canonicalDomain(name + rest);
        if (domain === undefined) return;
        expect(domain).toMatch(/^[a-z0-9-]+(\.[a-z0-9-]+)*$/);
        expect(canonicalDomain(domain)).toBe(domain);
      }),
      { numRuns: 200 },
    );
  });
});

describe("hostile addresses", () => {
  test.each([
    "",
    "@",
    "@example.com",
    "alice@",
    "alice@@example.com",
    "alice@evil@example.com",
    "alice@example.com\n",
    " alice@example.com",
    "alice@example.com\u0000",
    "alice@ex\u202eample.com",
    '"alice"@example.com',
    "alice <alice@example.com>",
    "mailto:alice@example.com",
    "alice%00@exa mple.com",
    "../../etc/passwd",
    `${"x".repeat(600)}@example.com`,
    `x@${"y".repeat(600)}`,
    "\u0000@\u0000",
  ])("are refused: %j", (text) => {
    expect(refused(text)).toBe(true);
  });

  test("show none of their control characters in the error", async () => {
    const error = await meshError(() => parseAddress("a\u001b[31m\u0007@example.com"));

    expect(error.text.values["characters"]).not.toMatch(/[\u0000-\u001f]/);
  });

  test("never make anything but a MeshError, however strange they are", () => {
    fc.assert(
      fc.property(anyText(30), anyText(30), (a, b) => {
        for (const text of [a, `${a}@${b}`, `${a}@example.com`, `x@${b}`]) {
          expect([undefined, "address-invalid"]).toContain(refusal(() => parseAddress(text, "localhost")));
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe("the fingerprint of an account", () => {
  test("is of its canonical text under application/mmm-account", () => {
    expect(accountUdf("alice@example.com")).toBe(fingerprint("application/mmm-account", utf8("alice@example.com")));
    expect(accountUdf("alice@example.com")).not.toBe(accountUdf("Alice@example.com"));
  });

  test("can stand in a record whatever the digest is", () => {
    // Found by trying: the digest of this one ends in 20 zero bits.
    const rare = "user1386029@example.com";
    expect(fingerprint("application/mmm-account", utf8(rare))).toMatch(/^M[E-H]/);
    expect(isUdf(accountUdf(rare))).toBe(true);
  });
});

test("a domain of plain letters, digits and hyphens is what the URL parser makes of it", () => {
  const label = fc.stringMatching(/^[a-z0-9-]{1,4}$/);
  const special = fc.constantFrom("xn--", "xn--a", "xn--mnchen-3ya", "0x7f", "1", "127", "a--b", "-a", "a-");
  fc.assert(
    fc.property(fc.array(fc.oneof(label, special), { minLength: 1, maxLength: 4 }), (labels) => {
      const text = labels.join(".");
      let host: string | undefined;
      try {
        host = new URL(`http://${text}/`).hostname;
      } catch {
        host = undefined;
      }
      const isDomain = host === text && labels.every((part) => !part.startsWith("-") && !part.endsWith("-"));
      expect(canonicalDomain(text)).toBe(isDomain ? text : undefined);
    }),
    { numRuns: 1000 },
  );
});
