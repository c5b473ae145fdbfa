import { describe, expect, test } from "vitest";
import type { Entry } from "../../../../src/mesh/application/entry.js";
import { findProblems } from "../../../../src/mesh/application/password/check.js";
import { parseEnvFile } from "../../../../src/mesh/application/password/env-file.js";
import { formatCredential, parseCredential } from "../../../../src/mesh/application/password/git-credential.js";
import { planImport } from "../../../../src/mesh/application/password/import-plan.js";
import { PASSWORDS } from "../../../../src/mesh/application/password/kind.js";
import { changed, created, MAX_EARLIER, type PasswordValue } from "../../../../src/mesh/application/password/value.js";
import { errorCode } from "../../../support/deps.js";

const NOW = new Date("2026-01-02T03:04:05.678Z");
const TIME = "2026-01-02T03:04:05Z";

describe("a value", () => {
  const value: PasswordValue = {
    Sites: ["a.example"],
    Username: "u",
    Password: "one",
    Created: "2020-01-01T00:00:00Z",
  };

  test("keeps the password from before, and what it does not know", () => {
    const before = { ...value, Unknown: { x: 1 } };
    const after = changed(before, { Password: "two", Notes: "n" }, NOW);
    expect(after).toEqual({
      ...before,
      Password: "two",
      Notes: "n",
      Changed: TIME,
      Earlier: [{ Password: "one", Until: TIME }],
    });
    expect(changed(after, { Password: "two", Notes: "" }, NOW)).not.toHaveProperty("Notes");
    expect(changed(after, { Password: "two" }, NOW).Earlier).toHaveLength(1);
    const without = changed(after, { Password: undefined }, NOW);
    expect(without.Earlier?.map(({ Password }) => Password)).toEqual(["two", "one"]);
    expect(changed(without, { Password: "three" }, NOW).Earlier).toHaveLength(2);
  });

  test("keeps so many passwords from before, and not more", () => {
    let last = value;
    for (let count = 0; count < MAX_EARLIER + 5; count++) last = changed(last, { Password: `${count}` }, NOW);
    expect(last.Earlier).toHaveLength(MAX_EARLIER);
    expect(last.Earlier?.[0]?.Password).toBe("23");
  });

  test("forgets addresses of sites that it has no more", () => {
    const URIs = ["https://a.example/x", "https://b.example/y", "androidapp://c"];
    const before = { ...value, Sites: ["a.example", "b.example"], URIs };
    expect(changed(before, { Sites: ["b.example"] }, NOW).URIs).toEqual(URIs.slice(1));
  });

  test("has its bounds", async () => {
    expect(await errorCode(() => created({ Notes: "x".repeat(33_000) }, NOW))).toBe("too-large");
    expect(await errorCode(() => created({ Notes: "\u20ac".repeat(20_000) }, NOW))).toBe("too-large");
    expect(created({ Password: "x" }, NOW)).toEqual({ Password: "x", Created: TIME });
  });

  test("is found by what is no secret", () => {
    const labels = PASSWORDS.label({ ...value, Title: " The TITLE ", Notes: "n", OTP: { Secret: "JBSWY3DPEHPK3PXP" } });
    expect(labels).toEqual(["s:a.example", "u:u", "t:the title"]);
    expect(PASSWORDS.secrets?.({ ...value, OTP: { Secret: "ABCDEFGH" } })).toEqual(["one", "ABCDEFGH"]);
  });
});

describe("an import", () => {
  const existing = [
    { id: "1", value: { Sites: ["a.example"], Username: "u", Password: "one", Labels: ["x"] } },
    { id: "2", value: { Sites: ["a.example"], Username: "u", Password: "two" } },
    { id: "3", value: { Title: "Router", Password: "p" } },
  ];
  const kinds = (...imported: readonly PasswordValue[]) =>
    planImport(existing, imported, NOW).map((planned) => [planned.kind, "id" in planned ? planned.id : undefined]);

  test("finds the same entries, whichever comes first", () => {
    expect(
      kinds(
        { Sites: ["a.example"], Username: "u", Password: "two" },
        { Sites: ["a.example"], Username: "u", Password: "one" },
        { Title: "ROUTER", Password: "p" },
      ),
    ).toEqual([
      ["same", "2"],
      ["same", "1"],
      ["change", "3"],
    ]);
  });

  test("changes each entry once, and adds what is left", () => {
    const login = { Sites: ["a.example"], Username: "u" };
    expect(kinds(...["3", "4", "5", "5"].map((Password) => ({ ...login, Password })))).toEqual([
      ["change", "1"],
      ["change", "2"],
      ["add", undefined],
      ["same", undefined],
    ]);
    expect(kinds({ ...login, Username: "v" }, { Sites: ["b.example"], Username: "u" }, { Title: "Other" })).toEqual([
      ["add", undefined],
      ["add", undefined],
      ["add", undefined],
    ]);
  });

  test("takes nothing away from an entry", () => {
    const [planned] = planImport(
      existing,
      [
        {
          Sites: ["a.example", "b.example"],
          Username: "u",
          Password: "new",
          Labels: ["y"],
          Created: "2000-01-01T00:00:00Z",
        },
      ],
      NOW,
    );
    expect(planned).toMatchObject({
      kind: "change",
      id: "1",
      members: expect.arrayContaining(["Sites", "Labels", "Password"]) as string[],
      value: {
        Sites: ["a.example", "b.example"],
        Labels: ["x", "y"],
        Password: "new",
        Earlier: [{ Password: "one", Until: TIME }],
      },
    });
    expect(planned?.value).not.toHaveProperty("Created");
  });
});

test("problems are found, the worst first", () => {
  const entry = (id: string, value: PasswordValue, more: Partial<Entry<PasswordValue>> = {}): Entry<PasswordValue> => ({
    id,
    stamp: "s",
    updated: "2025-12-01T00:00:00Z",
    device: "d",
    value,
    others: [],
    exposed: [],
    ...more,
  });
  const other = { stamp: "o", updated: TIME, device: "d", value: undefined };
  const entries = [
    entry("fine", { Sites: ["f.example"], Password: "fine" }),
    entry("old", { Sites: ["o.example"], Password: "old", Created: "2000-01-01T00:00:00Z" }),
    entry("renewed", { Password: "renewed", Created: "2000-01-01T00:00:00Z", Changed: "2025-12-01T00:00:00Z" }),
    entry("one", { Sites: ["x.example"], Username: "u", Password: "shared" }),
    entry("two", { Sites: ["x.example", "y.example"], Username: "u", Password: "shared" }),
    entry("seen", { Password: "weak" }, { exposed: [0] }),
    entry("twice", { Password: "twice" }, { others: [other] }),
    entry("none", { Title: "note", Created: "2000-01-01T00:00:00Z" }),
  ];
  const options = { isWeak: (password: string) => password === "weak", oldBefore: new Date("2024-01-01") };
  expect(findProblems(entries, options)).toEqual([
    { id: "seen", problems: ["exposed", "weak"], sharedWith: [] },
    { id: "twice", problems: ["conflict"], sharedWith: [] },
    { id: "one", problems: ["reused", "duplicate"], sharedWith: ["two"] },
    { id: "two", problems: ["reused", "duplicate"], sharedWith: ["one"] },
    { id: "old", problems: ["old"], sharedWith: [] },
  ]);
});

describe("a file of variables", () => {
  test("is read", () => {
    const text =
      '\ufeff# comment\n\nA=1\r\n export B = two words # comment\nC=\'$x #y\'\nD="a\\n\\"b\\" # c"\nE=\nF=a#b\nG=#c\nH=mesh://password/x/y\n';
    expect(parseEnvFile(text)).toEqual({
      variables: [
        ["A", "1"],
        ["B", "two words"],
        ["C", "$x #y"],
        ["D", 'a\n"b" # c'],
        ["E", ""],
        ["F", "a#b"],
        ["G", ""],
        ["H", "mesh://password/x/y"],
      ],
    });
  });

  test.each(["A", "A=1\n=2", "A=1\n2B=3", "A=1\nB='open", 'A=1\nB="open', "A=1\nB='a' b", "A=1\nB=\0"])(
    "is none: %j",
    (text) => {
      expect(parseEnvFile(text)).toEqual({ line: text.includes("\n") ? 2 : 1 });
    },
  );
});

describe("what git says", () => {
  test("is read up to an empty line", () => {
    const text = "protocol=https\r\nhost=a.example\nusername=a=b\nwwwauth[]=x\n\npassword=late\n";
    expect(parseCredential(text)).toEqual({
      protocol: "https",
      host: "a.example",
      username: "a=b",
      password: undefined,
    });
    expect(parseCredential("")).toEqual({});
  });

  test.each(["protocol", "=x", "host=a\0b", `host=${"x".repeat(70_000)}`])("is nothing else: %#", (text) => {
    expect(parseCredential(text)).toBeUndefined();
  });

  test("is answered in lines", () => {
    expect(formatCredential("u", "p")).toBe("username=u\npassword=p\n");
    expect(formatCredential(undefined, "p")).toBe("password=p\n");
    for (const text of ["a\nb", "a\rb", "a\0b"]) {
      expect(formatCredential("u", text)).toBeUndefined();
      expect(formatCredential(text, "p")).toBeUndefined();
    }
  });
});
