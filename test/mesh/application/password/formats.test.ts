import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatCsv, isFault, parseCsv } from "../../../../src/mesh/application/password/csv.js";
import { leftOut, readFile, writeFile, type Format } from "../../../../src/mesh/application/password/formats.js";
import { canonicalSite } from "../../../../src/mesh/application/password/site.js";
import { compact, nameOf, type PasswordValue } from "../../../../src/mesh/application/password/value.js";

/** The entries of a file, which must be fine. */
const read = (text: string | Buffer, format?: Format): readonly (PasswordValue | undefined)[] => {
  const file = readFile(Buffer.from(text), format);
  if (isFault(file)) throw new Error(JSON.stringify(file));
  return file.imported.map(({ value }) => value);
};

const csv = (...lines: readonly string[]): string => lines.map((line) => `${line}\r\n`).join("");

describe("a table", () => {
  test.each([
    [
      "a,b\r\n1,2\r\n",
      [
        ["a", "b"],
        ["1", "2"],
      ],
    ],
    [
      "a,b\n1,2",
      [
        ["a", "b"],
        ["1", "2"],
      ],
    ],
    ['a,"b ""c"" ,\r\nd"\r\n', [["a", 'b "c" ,\r\nd']]],
    [
      "a,\r\n,b\r\n",
      [
        ["a", ""],
        ["", "b"],
      ],
    ],
    [
      "a,b\r\n\r\n1,2",
      [
        ["a", "b"],
        ["1", "2"],
      ],
    ],
    ["a,", [["a", ""]]],
    ['""', []],
    ["", []],
    [" a , b ", [[" a ", " b "]]],
  ])("%j", (text, cells) => {
    expect(parseCsv(text)).toMatchObject(cells.map((row) => ({ cells: row })));
  });

  test.each([
    ['a,b\r\n1,2"3\r\n', { line: 2, fault: "quote" }],
    ['a,b\r\n1,"2"3\r\n', { line: 2, fault: "quote-behind" }],
    ['a,b\r\n\r\n"1\r\n2\r\n', { line: 3, fault: "quote-open" }],
    ['"a\n\n",b\n1,"', { line: 4, fault: "quote-open" }],
  ])("is none: %j", (text, fault) => {
    expect(parseCsv(text)).toEqual(fault);
  });

  test("is written so that it is read as it was", () => {
    const cell = fc.oneof(fc.string({ unit: "grapheme" }), fc.stringMatching(/^[",\r\n =+@-]{0,6}$/));
    fc.assert(
      fc.property(fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { maxLength: 5 }), (rows) => {
        const parsed = parseCsv(formatCsv(rows));
        expect(isFault(parsed) ? parsed : parsed.map(({ cells }) => cells)).toEqual(rows);
      }),
    );
  });

  test("says on which line it is wrong, however long the file", () => {
    const long = (count: number): string => `name,url,username,password\n${"a,https://a.example,b,c\n".repeat(count)}`;
    expect(readFile(Buffer.from(`${long(19_000)}a,b\n`))).toEqual({ line: 19_002, fault: "columns" });
    // What is behind too many is not looked at.
    expect(readFile(Buffer.from(`${long(200_000)}a,"b\n`))).toEqual({ line: 20_002, fault: "many" });
    const items = `{"items":[\n${"{},\n".repeat(30_000)}`;
    expect(readFile(Buffer.from(items))).toEqual({ line: 20_002, fault: "many" });
    expect(readFile(Buffer.from(`name,url,username,password\n${"a,https://a.example,b,c\n".repeat(99)}a,b\n`))).toEqual(
      {
        line: 101,
        fault: "columns",
      },
    );
  });
});

describe("a file of", () => {
  test("Chrome", () => {
    const file = csv(
      "name,url,username,password,note",
      'example.com,https://example.com/,alice,"a,""b""",a note',
      "Bank,https://bank.example:8443/login,bob,=1+1,",
      "app,android://hash==@com.example.app/,carol,x,",
    );
    expect(read(file)).toEqual([
      { Sites: ["example.com"], URIs: ["https://example.com/"], Username: "alice", Password: 'a,"b"', Notes: "a note" },
      {
        Sites: ["bank.example:8443"],
        URIs: ["https://bank.example:8443/login"],
        Title: "Bank",
        Username: "bob",
        Password: "=1+1",
      },
      { URIs: ["android://hash==@com.example.app/"], Title: "app", Username: "carol", Password: "x" },
    ]);
    expect(read(file, "chrome")).toEqual(read(file));
    expect(read(writeFile("chrome", read(file) as PasswordValue[]))).toEqual(read(file));
    // Older ones have no notes.
    expect(read(csv("name,url,username,password", "x.example,https://x.example,,p"))).toEqual([
      { Sites: ["x.example"], Password: "p" },
    ]);
  });

  test("Firefox", () => {
    const file = csv(
      '"url","username","password","httpRealm","formActionOrigin","guid","timeCreated","timeLastUsed","timePasswordChanged"',
      '"https://example.com","alice","secret",,"https://example.com","{1}","1600000000000","1700000000000","1650000000000"',
      '"https://other.example","","x",,"","{2}","1600000000000","","1600000000000"',
    );
    expect(read(file)).toEqual([
      {
        Sites: ["example.com"],
        Username: "alice",
        Password: "secret",
        Created: "2020-09-13T12:26:40Z",
        Changed: "2022-04-15T05:20:00Z",
      },
      { Sites: ["other.example"], Password: "x", Created: "2020-09-13T12:26:40Z" },
    ]);
    expect(read(writeFile("firefox", read(file) as PasswordValue[]))).toEqual(read(file));
  });

  test("Safari", () => {
    const file = csv(
      "Title,URL,Username,Password,Notes,OTPAuth",
      "Example.com (alice),https://example.com/,alice,secret,note,otpauth://totp/example.com:alice?secret=JBSWY3DPEHPK3PXP&issuer=example.com",
      "Bank,https://bank.example/,bob,x,,steam://ABC",
    );
    expect(read(file)).toEqual([
      {
        Sites: ["example.com"],
        URIs: ["https://example.com/"],
        Username: "alice",
        Password: "secret",
        Notes: "note",
        OTP: { Secret: "JBSWY3DPEHPK3PXP", Issuer: "example.com", Account: "alice" },
      },
      {
        Sites: ["bank.example"],
        URIs: ["https://bank.example/"],
        Title: "Bank",
        Username: "bob",
        Password: "x",
        Notes: "steam://ABC",
      },
    ]);
    const [first] = read(file) as PasswordValue[];
    expect(read(writeFile("safari", [first!]))).toEqual([first]);
  });

  test("Bitwarden, as a table", () => {
    const file = csv(
      "folder,favorite,type,name,notes,fields,reprompt,login_uri,login_username,login_password,login_totp",
      'Work,1,login,Example,note,"pin: 1234\nq: a: b",1,"https://example.com,https://www.example.org/x",alice,secret,JBSWY3DPEHPK3PXP',
      ",,note,Secure note,text,,0,,,,",
      ",,login,--,,,0,,,only a password,steam://ABC",
    );
    const values = read(file);
    expect(values).toEqual([
      {
        Sites: ["example.com", "www.example.org"],
        URIs: ["https://example.com", "https://www.example.org/x"],
        Title: "Example",
        Username: "alice",
        Password: "secret",
        Notes: "note",
        OTP: { Secret: "JBSWY3DPEHPK3PXP" },
        Labels: ["Work"],
        Bitwarden: {
          favorite: true,
          reprompt: 1,
          fields: [
            { name: "pin", value: "1234", type: 0 },
            { name: "q: a", value: "b", type: 0 },
          ],
        },
      },
      { Title: "Secure note", Notes: "text", Bitwarden: { type: 2, secureNote: { type: 0 } } },
      { Password: "only a password", Bitwarden: { login: { totp: "steam://ABC" } } },
    ]);
    // Octet for octet, but for the mark in the place of a missing name.
    expect(writeFile("bitwarden-csv", values as PasswordValue[])).toBe(file.replace(",--,", ",,"));
  });

  test("Bitwarden, of an organization", () => {
    const file = csv(
      "collections,type,name,notes,fields,reprompt,login_uri,login_username,login_password,login_totp",
      '"Team,Other",login,a.example,,,0,a.example,u,p,',
    );
    expect(read(file)).toEqual([
      { Sites: ["a.example"], URIs: ["a.example"], Username: "u", Password: "p", Labels: ["Team"] },
    ]);
  });
});

/** As Bitwarden exports it. */
const BITWARDEN = {
  encrypted: false,
  folders: [{ id: "d1f0a2c4-0000-4000-8000-000000000001", name: "Work" }],
  items: [
    {
      passwordHistory: [{ lastUsedDate: "2023-05-01T08:00:00.000Z", password: "before" }],
      revisionDate: "2024-01-02T03:04:05.678Z",
      creationDate: "2020-01-02T03:04:05.678Z",
      deletedDate: null,
      id: "d1f0a2c4-0000-4000-8000-000000000002",
      organizationId: null,
      folderId: "d1f0a2c4-0000-4000-8000-000000000001",
      type: 1,
      reprompt: 1,
      name: "Example",
      notes: "a note",
      favorite: true,
      fields: [
        { name: "pin", value: "1234", type: 1, linkedId: null },
        { name: "remember", value: "true", type: 2, linkedId: null },
      ],
      login: {
        fido2Credentials: [{ credentialId: "x", keyValue: "y" }],
        uris: [
          { match: null, uri: "https://example.com" },
          { match: 3, uri: "https://accounts.example.com/login" },
          { match: null, uri: "androidapp://com.example" },
        ],
        username: "alice",
        password: "secret",
        totp: "JBSWY3DPEHPK3PXP",
        passwordRevisionDate: "2023-05-01T08:00:00.000Z",
      },
      collectionIds: null,
    },
    {
      passwordHistory: null,
      revisionDate: "2024-01-02T03:04:05.678Z",
      creationDate: "2020-01-02T03:04:05.678Z",
      deletedDate: null,
      id: "d1f0a2c4-0000-4000-8000-000000000003",
      organizationId: null,
      folderId: null,
      type: 3,
      reprompt: 0,
      name: "Card",
      notes: null,
      favorite: false,
      card: {
        cardholderName: "A",
        brand: "Visa",
        number: "4111111111111111",
        expMonth: "1",
        expYear: "2030",
        code: "123",
      },
      collectionIds: null,
    },
    {
      passwordHistory: null,
      revisionDate: "2024-01-02T03:04:05.678Z",
      creationDate: "2020-01-02T03:04:05.678Z",
      deletedDate: null,
      id: "d1f0a2c4-0000-4000-8000-000000000004",
      organizationId: null,
      folderId: null,
      type: 1,
      reprompt: 0,
      name: "steam.example",
      notes: null,
      favorite: false,
      login: {
        fido2Credentials: [],
        uris: [{ match: null, uri: "https://steam.example" }],
        username: null,
        password: "p",
        totp: "steam://JBSWY3DPEHPK3PXP",
      },
      collectionIds: null,
    },
  ],
};

describe("a JSON file of Bitwarden", () => {
  const text = JSON.stringify(BITWARDEN, null, 2);

  test("is read", () => {
    const [first, second, third] = read(text);
    expect(first).toMatchObject({
      Sites: ["example.com", "accounts.example.com"],
      URIs: ["https://example.com", "https://accounts.example.com/login", "androidapp://com.example"],
      Title: "Example",
      Username: "alice",
      Password: "secret",
      Notes: "a note",
      OTP: { Secret: "JBSWY3DPEHPK3PXP" },
      Labels: ["Work"],
      Earlier: [{ Password: "before", Until: "2023-05-01T08:00:00.000Z" }],
      Created: "2020-01-02T03:04:05.678Z",
      Changed: "2023-05-01T08:00:00.000Z",
    });
    expect(second).toMatchObject({ Title: "Card", Bitwarden: { type: 3, card: { number: "4111111111111111" } } });
    expect(third).toMatchObject({ Sites: ["steam.example"], Password: "p" });
    expect(third).not.toHaveProperty("OTP");
  });

  test("is written with everything that was in it", () => {
    expect(JSON.parse(writeFile("bitwarden-json", read(text) as PasswordValue[]))).toEqual(BITWARDEN);
  });

  test("leaves out what is in the bin", () => {
    const [item] = BITWARDEN.items;
    const file = JSON.stringify({ items: [{ ...item, deletedDate: "2024-01-01T00:00:00.000Z" }, item] });
    const [deleted, other] = read(file);
    expect([deleted, other?.Title]).toEqual([undefined, "Example"]);
  });

  test.each([
    ["", { line: 1, fault: "empty" }],
    ["{", { line: 1, fault: "json" }],
    ['{\n"items": [\n1,,2]}', { line: 3, fault: "json" }],
    ['{\n"items": [\n{"type": 1}\n,]}', { line: 4, fault: "json" }],
    ['{"items": ["a\nb"]}', { line: 1, fault: "json" }],
    ['{"items": "\\x"}', { line: 1, fault: "json" }],
    ['{"items": []} x', { line: 1, fault: "json" }],
    [`{"items": ${"[".repeat(100)}${"]".repeat(100)}}`, { line: 1, fault: "json" }],
    ['{"encrypted": true, "items": []}', { line: 1, fault: "encrypted" }],
    ['{"encrypted": true, "passwordProtected": true, "data": "x"}', { line: 1, fault: "encrypted" }],
    ['{"folders": []}', { line: 1, fault: "header" }],
    ['{"items": {}}', { line: 1, fault: "header" }],
    ['{"items": [\n{"type": 1},\n{"type": "1"}]}', { line: 3, fault: "value" }],
    ['{"items": [\n{"type": 1},\n\n5]}', { line: 4, fault: "value" }],
    ['{"items": [\n{"type": 1, "name": "\\ud800"}]}', { line: 2, fault: "value" }],
    ['{"items": [{"type": 1, "login": {"password": 5}}]}', { line: 1, fault: "value" }],
    [`{"items": [{"type": 2, "x": ${"[".repeat(58)}${"]".repeat(58)}}]}`, { line: 1, fault: "value" }],
    [`{"items": [\n{"type": 1, "notes": "${"x".repeat(50_000)}"}]}`, { line: 2, fault: "size" }],
  ])("is none: %#", (file, fault) => {
    expect(readFile(Buffer.from(file), "bitwarden-json")).toEqual(fault);
  });

  test("may have very long texts in it", () => {
    const file = JSON.stringify({ items: [{ type: 1, name: "x".repeat(8_000_000) }] });
    expect(readFile(Buffer.from(file))).toEqual({ line: 1, fault: "size" });
    expect(readFile(Buffer.from(file.slice(0, -20)))).toEqual({ line: 1, fault: "json" });
  });
});

describe("a file that is wrong", () => {
  const HEAD = "name,url,username,password\n";
  test.each([
    ["nothing", Buffer.alloc(0), { line: 1, fault: "empty" }],
    ["spaces", Buffer.from(" \n\n"), { line: 1, fault: "empty" }],
    ["UTF-16", Buffer.from(`\ufeff${HEAD}`, "utf16le"), { line: 1, fault: "utf-16" }],
    ["UTF-16 without a mark", Buffer.from(HEAD, "utf16le"), { line: 1, fault: "utf-16" }],
    ["NUL", Buffer.from(`${HEAD}a,b,c,d\na,b\0,c,d\n`), { line: 3, fault: "nul" }],
    [
      "another encoding",
      Buffer.concat([Buffer.from(`${HEAD}\na,b,c,`), Buffer.from([0xe9, 0x0a])]),
      { line: 3, fault: "encoding" },
    ],
    ["half a character", Buffer.concat([Buffer.from(HEAD), Buffer.from([0xc3])]), { line: 2, fault: "encoding" }],
    ["other columns", Buffer.from("a,b,c\n1,2,3\n"), { line: 1, fault: "header" }],
    ["a column twice", Buffer.from("name,url,username,password,password\n"), { line: 1, fault: "header" }],
    ["a row that is too short", Buffer.from(`${HEAD}a,b,c,d\na,b,c\n`), { line: 3, fault: "columns" }],
    ["a row that is too long", Buffer.from(`${HEAD}a,"\n",c,d\na,b,c,d,e\n`), { line: 4, fault: "columns" }],
    ["a quote that stays open", Buffer.from(`${HEAD}a,"b,c,d\n`), { line: 2, fault: "quote-open" }],
    [
      "an entry that is too large",
      Buffer.from(`${HEAD}a,b,c,d\na,b,c,${"x".repeat(9000)}\n`),
      { line: 3, fault: "size" },
    ],
    [
      "a type that there is not",
      Buffer.from("type,name,login_uri,login_username,login_password\nx,a,b,c,d\n"),
      { line: 2, fault: "value" },
    ],
  ])("%s", (_, octets, fault) => {
    expect(readFile(octets)).toEqual(fault);
  });

  test("is fine with a byte order mark", () => {
    expect(read(`\ufeff${HEAD}x.example,https://x.example,u,p\n`)).toMatchObject([{ Username: "u" }]);
  });

  test("is wrong where another format is named", () => {
    expect(readFile(Buffer.from(HEAD), "safari")).toEqual({ line: 1, fault: "header" });
    expect(readFile(Buffer.from(HEAD), "bitwarden-json")).toEqual({ line: 1, fault: "json" });
  });

  test("says which columns it leaves out", () => {
    const file = readFile(Buffer.from("name,url,username,password,colour,empty\na,https://a.example,c,d,red,\n"));
    expect(file).toMatchObject({ format: "chrome", ignored: ["colour"] });
  });
});

test("whatever a file holds, it is read or refused", () => {
  const samples = [JSON.stringify(BITWARDEN), 'name,url,username,password\n"a",https://a.example,"b""",c\r\n'];
  const broken = fc
    .tuple(fc.constantFrom(...samples), fc.nat(), fc.uint8Array({ maxLength: 4 }), fc.nat(3))
    .map(([text, place, octets, gone]) => {
      const file = Buffer.from(text);
      const at = place % file.length;
      return Buffer.concat([file.subarray(0, at), octets, file.subarray(at + gone)]);
    });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), broken), (octets) => {
      const file = readFile(octets);
      if (isFault(file)) expect(file.line).toBeGreaterThan(0);
      else
        writeFile(
          file.format,
          file.imported.flatMap(({ value: each }) => (each ? [each] : [])),
        );
    }),
    { numRuns: 1000 },
  );
});

test("a file cannot reach what all objects have in common", () => {
  const file = readFile(Buffer.from('{"items": [{"type": 1, "name": "x", "__proto__": {"polluted": 1}}]}'));
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  expect(JSON.stringify(file)).not.toContain("polluted");
});

// Entries as they come to be here: canonical, nothing empty, no title that says no more than the site.
const word = fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 }).filter((text) => !text.includes("\0"));
const time = fc
  .integer({ min: 946_684_800, max: 4_000_000_000 })
  .map((seconds) => new Date(seconds * 1000).toISOString().replace(".000Z", "Z"));
const site = fc.constantFrom(
  "example.com",
  "*.example.com",
  "a.b.example:8443",
  "[::1]",
  "192.0.2.1",
  "xn--bcher-kva.example",
  "localhost",
);
const uri = fc.constantFrom(
  "https://example.com/login?a=1,2",
  "example.com",
  "http://other.example",
  "androidapp://com.example",
  'a "b", c',
  " x",
);
const otp = fc.record(
  {
    Secret: fc.constantFrom("JBSWY3DPEHPK3PXP", "GEZDGNBVGY3TQOJQ"),
    Algorithm: fc.constantFrom("SHA256" as const, "SHA512" as const),
    Digits: fc.constantFrom(7, 8),
    Period: fc.constantFrom(15, 60),
    Issuer: fc.constantFrom("ACME Co", "a:b", "ü&?"),
    Account: fc.constantFrom("alice@example.com", "b c"),
  },
  { requiredKeys: ["Secret"] },
);
const places = fc.oneof(
  fc.uniqueArray(site, { maxLength: 3 }).map((Sites) => ({ Sites })),
  fc.uniqueArray(uri, { minLength: 1, maxLength: 3 }).map((URIs) => ({
    URIs,
    Sites: [...new Set(URIs.map(canonicalSite).filter((each) => each !== undefined))],
  })),
);
const value = fc
  .tuple(
    places,
    fc.record(
      {
        Title: word.filter((text) => text !== "--"),
        Username: word,
        Password: word,
        Notes: fc.string({ unit: "grapheme", maxLength: 40 }).filter((text) => !text.includes("\0")),
        OTP: otp,
        Labels: fc.uniqueArray(word, { maxLength: 3 }),
        Earlier: fc.array(fc.record({ Password: word, Until: time }), { maxLength: 3 }),
        Created: time,
        Changed: time,
      },
      { requiredKeys: [] },
    ),
  )
  .map(([where, more]): PasswordValue => compact({ ...where, ...more }))
  .filter(({ Title, ...rest }) => Title === undefined || Title !== nameOf(rest));

describe("what is exported and imported again is the same", () => {
  test("in Bitwarden's JSON", () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 6 }), (values) => {
        expect(read(writeFile("bitwarden-json", values))).toEqual(values);
        expect(leftOut("bitwarden-json", values)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  test("in Bitwarden's CSV, but for what it has no place for", () => {
    const oneLine = (text: string): boolean => !/[\r\n]/.test(text);
    const plain = value.filter(({ Labels = [] }) =>
      Labels.slice(1).every((label) => oneLine(label) && !label.includes(": ")),
    );
    fc.assert(
      fc.property(fc.array(plain, { minLength: 1, maxLength: 6 }), (values) => {
        const kept = values.map(({ Earlier: _, Created: __, Changed: ___, ...rest }) => rest as PasswordValue);
        expect(read(writeFile("bitwarden-csv", values), "bitwarden-csv")).toEqual(kept);
      }),
      { numRuns: 300 },
    );
  });

  test("also where a note has got a login", () => {
    const note: PasswordValue = { Title: "x", Bitwarden: { type: 2, secureNote: { type: 0 } } };
    for (const value of [
      note,
      { ...note, Username: "alice" },
      { ...note, Password: "b" },
      { ...note, Sites: ["a.example"] },
    ]) {
      expect(read(writeFile("bitwarden-json", [value]), "bitwarden-json")).toEqual([value]);
    }
  });

  test("and says what a format has no place for", () => {
    const entry: PasswordValue = { Title: "a", OTP: { Secret: "JBSWY3DPEHPK3PXP" }, Labels: ["x"] };
    expect(leftOut("chrome", [entry, {}])).toEqual(["OTP", "Labels"]);
    expect(leftOut("firefox", [entry])).toEqual(["Title", "OTP", "Labels"]);
    expect(leftOut("bitwarden-csv", [entry])).toEqual([]);
  });
});
