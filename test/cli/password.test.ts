import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import { connected, filePortal, machine, put, withAccount, type Machine } from "../support/cli.js";

interface Listed {
  readonly id: string;
  readonly title?: string;
  readonly sites: readonly string[];
  readonly username?: string;
  readonly labels: readonly string[];
  readonly hasPassword: boolean;
  readonly hasOtp: boolean;
  readonly hasNotes: boolean;
  readonly conflict: boolean;
}

const SECRET = "JBSWY3DPEHPK3PXP";

/** A machine with a profile and no passwords yet. */
const fresh = (): Promise<Machine> => withAccount(filePortal());

const entriesOf = async (of: Machine, line = ""): Promise<readonly Listed[]> =>
  ((await of.ok(`password list ${line}`)).json as { entries: Listed[] }).entries;

/** Adds an entry with a password that is known. */
const add = async (of: Machine, site: string, password: string, ...more: readonly string[]): Promise<string> => {
  put(of, "password.txt", password);
  return (await of.ok("password add", site, "--password-file", "password.txt", ...more)).at("entry", "id");
};

const printed = async (of: Machine, line: string, ...words: readonly string[]): Promise<string> => {
  const outcome = await of.text(`password get ${line}`, ...words);
  expect(outcome.stderr).toBe("");
  return outcome.stdout;
};

describe("password add and get", () => {
  test("keeps a password and prints it alone", async () => {
    const laptop = await fresh();
    put(laptop, "password.txt", "correct horse battery\n");
    put(laptop, "notes.txt", "first line\nsecond line\n");
    put(laptop, "otp.txt", `otpauth://totp/x?secret=${SECRET}&digits=8`);
    const added = await laptop.ok(
      "password add https://WWW.example.com/login --username Alice --password-file password.txt",
      ...[
        "--note-file",
        "notes.txt",
        "--otp-file",
        "otp.txt",
        "--title",
        "Example",
        "--label",
        "work",
        "--label",
        "web",
      ],
      ...["--site", "example.com"],
    );
    expect(added.json).toEqual({
      application: {
        identifier: expect.stringMatching(/^M[A-Z2-7-]{33}$/) as string,
        name: "passwords",
        type: "PasswordProfile",
      },
      entry: {
        id: expect.stringMatching(/^[\w-]{22}$/) as string,
        title: "Example",
        sites: ["www.example.com", "example.com"],
        username: "Alice",
        labels: ["work", "web"],
      },
      synced: true,
      conflict: false,
    });
    expect(await printed(laptop, "www.example.com")).toBe("correct horse battery\n");
    expect(await printed(laptop, "https://example.com/x")).toBe("correct horse battery\n");
    expect(await printed(laptop, "example --offline")).toBe("correct horse battery\n");
    expect(await printed(laptop, "example.com Alice --field username")).toBe("Alice\n");
    expect(await printed(laptop, "example.com --field notes")).toBe("first line\nsecond line\n");
    expect(await printed(laptop, "example.com --field site")).toBe("www.example.com\n");
    expect(await printed(laptop, "example.com --field title")).toBe("Example\n");
    expect(await printed(laptop, "example.com --field otp-secret")).toBe(`${SECRET}\n`);
    expect(await printed(laptop, "example.com --field otp-uri")).toContain("otpauth://totp/x?secret=");
    expect(await printed(laptop, "--entry", added.at("entry", "id"))).toBe("correct horse battery\n");
    const { application, entry } = added.json as Record<string, unknown>;
    expect((await laptop.ok("password get example.com")).json).toMatchObject({
      application,
      entry,
      id: added.at("entry", "id"),
      username: "Alice",
      password: "correct horse battery",
      hasNotes: true,
    });
    expect((await laptop.ok("password get example.com --field notes")).json).not.toHaveProperty("password");
    const all = await laptop.text("password get example.com --all");
    for (const text of ["correct horse battery", "second line", SECRET, "Alice"]) expect(all.stdout).toContain(text);
    expect((await laptop.ok("password get example.com --all")).json).toMatchObject({
      application,
      entry,
      password: "correct horse battery",
      notes: "first line\nsecond line",
      otp: { secret: SECRET, digits: 8 },
      earlier: [],
    });
  });

  test("prints the code of this moment", async () => {
    const laptop = await fresh();
    put(laptop, "otp.txt", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    await laptop.ok("password add example.com --generate --otp-file otp.txt");
    const then = laptop.with({ deps: { now: () => new Date(1_111_111_109_000) } });
    expect((await then.text("password get example.com --otp --offline")).stdout).toBe("081804\n");
    expect((await then.ok("password get example.com --field otp --offline")).at("otp")).toBe("081804");
  });

  test("gives a password octet for octet, but to no terminal", async () => {
    const laptop = await fresh();
    const password = "a\u200db\u00ad\u001b[31m";
    await add(laptop, "example.com", password);
    expect(await printed(laptop, "example.com")).toBe(`${password}\n`);
    let shown = "";
    const stdout = {
      isTTY: true,
      write: async (text: string) => {
        shown += text;
      },
    };
    await laptop.with({ deps: { stdout } }).text("password get example.com");
    expect(shown).toBe("a\\u200db\\u00ad\\u001b[31m\n");
  });

  test("asks for what no option says, the password twice", async () => {
    const laptop = (await fresh()).with({
      tty: true,
      prompts: ["alice", "", "a b c", "wrong", "a b c", "none!", SECRET],
    });
    const added = await laptop.run("password add example.com --otp");
    expect([added.status, added.asked.length]).toEqual([0, 10]);
    expect(await entriesOf(laptop)).toMatchObject([{ username: "alice", hasPassword: true, hasOtp: true }]);
  });

  test("makes a password, and says how strong it is but not what", async () => {
    const laptop = await fresh();
    const added = await laptop.ok("password add example.com --generate --symbols --bits 90");
    expect((added.json as { bits: number }).bits).toBeGreaterThanOrEqual(90);
    const password = (await printed(laptop, "example.com")).trim();
    expect(added.stdout).not.toContain(password);
    expect(password).toHaveLength(15);
    await laptop.ok("password add other.example --generate --words 4");
    expect((await printed(laptop, "other.example")).trim()).toMatch(/^[a-z]{5}(-[a-z]{5}){3}$/);
  });

  test("keeps an entry without a site, and one without a password", async () => {
    const laptop = await fresh();
    await add(laptop, "Home Router", "admin-secret-1234");
    expect(await printed(laptop, "", "home router")).toBe("admin-secret-1234\n");
    await add(laptop, "Café", "coffee");
    expect(await printed(laptop, "", "CAFÉ")).toBe("coffee\n");
    await laptop.ok("password remove Café --yes");
    await laptop.ok("password add notes.example --no-password");
    expect((await laptop.run("password get notes.example")).code).toBe("entry-not-found");
    expect(await entriesOf(laptop)).toMatchObject([{ title: "Home Router", sites: [] }, { hasPassword: false }]);
  });

  test("matches sites by wildcard, and by name first", async () => {
    const laptop = await fresh();
    await add(laptop, "*.example.com", "everywhere", "--username", "alice");
    await add(laptop, "www.example.com", "here", "--username", "alice");
    expect(await printed(laptop, "www.example.com")).toBe("here\n");
    expect(await printed(laptop, "mail.example.com")).toBe("everywhere\n");
    expect(await printed(laptop, "a.b.example.com alice")).toBe("everywhere\n");
    expect((await laptop.run("password get example.com")).code).toBe("entry-not-found");
  });

  test("says who is meant where several fit", async () => {
    const laptop = await fresh();
    await add(laptop, "example.com", "one", "--username", "alice");
    await add(laptop, "example.com", "two", "--username", "bob");
    const refused = await laptop.run("password get example.com");
    expect([refused.code, refused.status]).toEqual(["entry-ambiguous", 2]);
    expect(refused.at("error", "message")).toContain("alice, bob");
    expect(refused.stdout).not.toMatch(/\bone\b.*password|two/);
    expect(await printed(laptop, "example.com bob")).toBe("two\n");
    expect((await laptop.run("password get example.com carol")).code).toBe("entry-not-found");
  });

  test("refuses the same site and user twice, and says how to change it", async () => {
    const laptop = await fresh();
    const id = await add(laptop, "example.com", "one", "--username", "alice");
    put(laptop, "password.txt", "two");
    const words = ["example.com", "--username", "alice", "--password-file", "password.txt"];
    const refused = await laptop.run("password add", ...words);
    expect([refused.code, refused.status]).toEqual(["entry-exists", 5]);
    expect(refused.at("error", "hint")).toContain(id);
    // Another user, and another site, are other entries; a title alone too.
    await laptop.ok("password add example.com --generate");
    await laptop.ok("password add www.example.com --username alice --generate");
    await add(laptop, "Some thing", "x y z");
    expect((await laptop.run("password add", "some  thing".replace("  ", " "), "--generate")).code).toBe(
      "entry-exists",
    );
    expect(await printed(laptop, "example.com alice")).toBe("one\n");
  });

  test.each([
    ["no password, and nobody to ask", ["example.com"], "input-required"],
    ["two places for it", ["example.com", "--generate", "--password-file", "p"], "usage"],
    ["a file and a descriptor", ["example.com", "--password-file", "p", "--password-fd", "3"], "usage"],
    ["a wildcard over a top-level domain", ["*.com", "--generate"], "usage"],
    ["an address", ["alice@example.com", "--generate"], "usage"],
    ["a site that is none", ["example..com", "--generate"], "usage"],
    ["a further site that is none", ["example.com", "--generate", "--site", "not a site"], "usage"],
    ["an empty label", ["example.com", "--generate", "--label", " "], "usage"],
    ["a title of two lines", ["example.com", "--generate", "--title", "a\nb"], "usage"],
    ["a user with a control character", ["example.com", "--generate", "--username", "a\u0007"], "usage"],
    ["rules without a password that is made", ["example.com", "--length", "9", "--password-file", "p"], "usage"],
    ["no password and one", ["example.com", "--no-password", "--generate"], "usage"],
    ["a file that is not there", ["example.com", "--password-file", "missing"], "file-unreadable"],
    ["a password of two lines", ["example.com", "--password-file", "lines"], "usage"],
    ["a password that is no text", ["example.com", "--password-file", "octets"], "usage"],
    ["an empty password", ["example.com", "--password-file", "empty"], "usage"],
    ["notes that are too long", ["example.com", "--generate", "--note-file", "long"], "too-large"],
    ["an entry that is too large", ["example.com", "--generate", "--note-file", "wide"], "too-large"],
    ["notes that are no text", ["example.com", "--generate", "--note-file", "octets"], "usage"],
    ["codes of another kind", ["example.com", "--generate", "--otp-file", "lines"], "usage"],
    ["codes, and nobody to ask", ["example.com", "--generate", "--otp"], "input-required"],
    ["an application that there is not", ["example.com", "--generate", "--app", "work"], "application-not-found"],
  ] as const)("refuses %s", async (_, words, code) => {
    const laptop = await fresh();
    await laptop.ok("password add first.example --generate");
    put(laptop, "p", "password");
    put(laptop, "lines", "one\ntwo\n");
    fs.writeFileSync(path.join(laptop.folder, "octets"), Buffer.from([0xff, 0xfe, 0x41]), { mode: 0o600 });
    put(laptop, "empty", "");
    put(laptop, "long", "x".repeat(40_000));
    put(laptop, "wide", "\u20ac".repeat(30_000));
    const refused = await laptop.run("password add", ...words);
    expect(refused.code).toBe(code);
    expect(await entriesOf(laptop)).toHaveLength(1);
  });

  test.each([
    ["nothing", [], "usage"],
    ["a site and an identifier", ["example.com", "--entry", "AAAAAAAAAAAAAAAAAAAAAA"], "usage"],
    ["an identifier that there is not", ["--entry", "AAAAAAAAAAAAAAAAAAAAAA"], "entry-not-found"],
    ["a site that there is not", ["other.example"], "entry-not-found"],
    ["a field that there is not", ["example.com", "--field", "pin"], "usage"],
    ["a field that is empty", ["example.com", "--field", "notes"], "entry-not-found"],
    ["a code where there is none", ["example.com", "--otp"], "entry-not-found"],
    ["two fields", ["example.com", "--field", "notes", "--otp"], "usage"],
    ["everything into the clipboard", ["example.com", "--all", "--clip"], "usage"],
    ["a time without the clipboard", ["example.com", "--clear-after", "9s"], "usage"],
  ] as const)("get refuses %s", async (_, words, code) => {
    const laptop = await fresh();
    await laptop.ok("password add example.com --generate");
    expect((await laptop.run("password get", ...words)).code).toBe(code);
  });

  test("says what is missing before there is anything", async () => {
    expect((await machine().run("password get example.com")).code).toBe("profile-not-found");
    const laptop = await fresh();
    expect((await laptop.run("password get example.com")).code).toBe("application-not-found");
    expect((await laptop.run("password list")).code).toBe("application-not-found");
  });
});

describe("password edit and remove", () => {
  test("changes what it is told, and keeps the password from before", async () => {
    const laptop = await fresh();
    await add(laptop, "example.com", "the first one", "--username", "alice", "--label", "a");
    put(laptop, "notes.txt", "note");
    const first = ["--site", "www.example.com", "--label", "b", "--drop-label", "a", "--title", "T"];
    await laptop.ok("password edit example.com alice --username bob --note-file notes.txt", ...first);
    put(laptop, "password.txt", "the second one");
    await laptop.ok("password edit www.example.com --password-file password.txt --drop-site example.com --drop notes");
    const [entry] = await entriesOf(laptop);
    expect(entry).toMatchObject({
      sites: ["www.example.com"],
      username: "bob",
      labels: ["b"],
      title: "T",
      hasNotes: false,
    });
    const all = (await laptop.ok("password get www.example.com --all")).json as { password: string; earlier: object[] };
    expect(all.password).toBe("the second one");
    expect(all.earlier).toMatchObject([{ password: "the first one" }]);
    await laptop.ok("password edit www.example.com --drop earlier --generate");
    expect((await laptop.ok("password get www.example.com --all")).json).toMatchObject({
      earlier: [{ password: "the second one" }],
    });
    const asked = laptop.with({ tty: true, prompts: ["typed twice", "typed twice"] });
    expect((await asked.run("password edit www.example.com --ask-password")).status).toBe(0);
    expect(await printed(laptop, "www.example.com")).toBe("typed twice\n");
  });

  test("says which site or label was not there to be dropped, and does the rest", async () => {
    const laptop = await fresh();
    await add(laptop, "example.com", "x", "--label", "a", "--label", "b");
    const line = "password edit example.com --drop-label a --drop-label B --drop-site example.org";
    const { status, stderr } = await laptop.run(line);
    expect(status).toBe(0);
    expect(stderr.match(/--drop-\w+, "[^"]*"/g)).toEqual(['--drop-site, "example.org"', '--drop-label, "B"']);
    expect(await entriesOf(laptop)).toMatchObject([{ sites: ["example.com"], labels: ["b"] }]);
    expect((await laptop.run("password edit example.com --label c --drop-label c --drop-label b")).stderr).toBe("");
    expect(await entriesOf(laptop)).toMatchObject([{ labels: [] }]);
  });

  test.each([
    ["nothing to change", ["example.com"], "usage"],
    ["no entry", ["--generate"], "usage"],
    ["an entry that there is not", ["other.example", "--generate"], "entry-not-found"],
    ["a field that there is not", ["example.com", "--drop", "pin"], "usage"],
    ["to set and drop", ["example.com", "--drop", "title", "--title", "x"], "usage"],
    ["two passwords", ["example.com", "--generate", "--ask-password"], "usage"],
    ["a password that nobody types", ["example.com", "--ask-password"], "input-required"],
    ["a site that is none", ["example.com", "--drop-site", "not a site"], "usage"],
  ] as const)("refuses %s", async (_, words, code) => {
    const laptop = await fresh();
    await add(laptop, "example.com", "as it was");
    expect((await laptop.run("password edit", ...words)).code).toBe(code);
    expect(await printed(laptop, "example.com")).toBe("as it was\n");
  });

  test("removes an entry after a question", async () => {
    const laptop = await fresh();
    await add(laptop, "example.com", "x1", "--username", "alice");
    await add(laptop, "example.com", "x2", "--username", "bob");
    expect((await laptop.run("password remove example.com alice")).code).toBe("input-required");
    const asked = laptop.with({ tty: true, prompts: [false] });
    expect((await asked.run("password remove example.com alice")).code).toBe("interrupted");
    expect((await laptop.run("password remove example.com --yes")).code).toBe("entry-ambiguous");
    expect((await laptop.ok("password remove example.com alice --yes")).json).toMatchObject({ synced: true });
    expect(await entriesOf(laptop)).toMatchObject([{ username: "bob" }]);
    expect((await laptop.run("password remove example.com alice --yes")).code).toBe("entry-not-found");
  });
});

describe("password list", () => {
  test("finds by a part of what is known, and shows no secret", async () => {
    const laptop = await fresh();
    await add(laptop, "b.example", "hidden-one", "--username", "alice", "--label", "work");
    await add(laptop, "a.example", "hidden-two", "--username", "bob", "--label", "work", "--label", "web");
    await add(laptop, "The House", "hidden-three");
    const sitesOf = async (line: string): Promise<readonly (string | undefined)[]> =>
      (await entriesOf(laptop, line)).map(({ sites, title }) => title ?? sites[0]);
    expect(await sitesOf("")).toEqual(["a.example", "b.example", "The House"]);
    expect(await sitesOf("EXAMPLE")).toEqual(["a.example", "b.example"]);
    expect(await sitesOf("bob")).toEqual(["a.example"]);
    expect(await sitesOf("house")).toEqual(["The House"]);
    expect(await sitesOf("--label work --label web")).toEqual(["a.example"]);
    expect(await sitesOf("nothing")).toEqual([]);
    const [text, json] = [await laptop.text("password list"), await laptop.run("password list")];
    for (const { stdout } of [text, json]) expect(stdout).not.toContain("hidden");
    expect(text.stdout).toContain("a.example");
  });
});

describe("several devices", () => {
  test("share passwords, which a device that looks for one fetches", async () => {
    const laptop = await fresh();
    await add(laptop, "example.com", "shared", "--username", "alice");
    const phone = await connected(laptop);
    expect(await printed(phone, "example.com")).toBe("shared\n");
    await add(laptop, "other.example", "later");
    expect((await phone.run("password get other.example --offline")).code).toBe("entry-not-found");
    expect(await printed(phone, "other.example")).toBe("later\n");
    await phone.ok("password edit other.example --username carol");
    // The laptop has not heard of that, so its removal is held against it.
    expect((await laptop.ok("password remove other.example --yes")).json).toMatchObject({ conflict: true });
    await laptop.ok("password remove other.example --yes");
    expect((await laptop.run("password get other.example")).code).toBe("entry-not-found");
  });

  test("keeps both versions of what two change at once", async () => {
    const laptop = await fresh();
    await add(laptop, "example.com", "at first");
    const phone = await connected(laptop);
    expect(await printed(phone, "example.com")).toBe("at first\n");
    put(laptop, "password.txt", "by the laptop");
    await laptop.ok("password edit example.com --password-file password.txt");
    put(phone, "password.txt", "by the phone");
    const edited = await phone.ok("password edit example.com --password-file password.txt --offline");
    expect(edited.json).toMatchObject({ synced: false });
    await phone.ok("sync");
    const both = await phone.text("password get example.com");
    expect(both.stdout).toBe("by the laptop\n");
    expect(both.stderr).not.toBe("");
    expect(await entriesOf(phone)).toMatchObject([{ conflict: true }]);
    const checked = (await phone.ok("password check")).json as { counts: Record<string, number> };
    expect(checked.counts["conflict"]).toBe(1);
  });
});

describe("password generate", () => {
  test.each([
    [[], /^[a-zA-Z0-9]{22}$/],
    [["--length", "40"], /^[a-zA-Z0-9]{40}$/],
    [["--bits", "64", "--letters-only"], /^[a-zA-Z]{12}$/],
    [["--words"], /^[a-z]{5}(-[a-z]{5}){7}$/],
    [["--words", "3"], /^[a-z]{5}(-[a-z]{5}){2}$/],
    [["--words", "--bits", "60"], /^[a-z]{5}(-[a-z]{5}){3}$/],
    [["--plain", "--symbols", "--length", "99"], /^[^0OoIl1|]{99}$/],
  ] as const)("%j", async (words, form) => {
    const made = await machine().run("password generate", ...words);
    expect(made.at("password")).toMatch(form);
    expect((made.json as { bits: number }).bits).toBeGreaterThan(40);
    expect((await machine().text("password generate", ...words)).stdout.trim()).toMatch(form);
  });

  test.each([
    [["--length", "2"]],
    [["--length", "0"]],
    [["--length", "9999"]],
    [["--bits", "0"]],
    [["--bits", "5000"]],
    [["--words", "0"]],
    [["--words", "99"]],
    [["--length", "20", "--bits", "80"]],
    [["--words", "3", "--symbols"]],
    [["--words", "--length", "20"]],
  ] as const)("refuses %j", async (words) => {
    expect((await machine().run("password generate", ...words)).code).toBe("usage");
  });
});

describe("password check", () => {
  test("finds what should be changed, and names no password", async () => {
    const laptop = await fresh();
    await add(laptop, "a.example", "Tr0ub4dor&3-long-and-odd-Xq9");
    await add(laptop, "b.example", "Tr0ub4dor&3-long-and-odd-Xq9", "--username", "x");
    await add(laptop, "c.example", "password1");
    await laptop.ok("password add d.example --generate");
    const found = await laptop.ok("password check");
    expect(found.json).toMatchObject({
      checked: 4,
      counts: { exposed: 0, conflict: 0, reused: 2, weak: 1, duplicate: 0, old: 0 },
    });
    expect(found.stdout).not.toMatch(/Tr0ub|password1/);
    const later = laptop.with({ deps: { now: () => new Date(Date.now() + 400 * 86_400_000) } });
    expect((await later.ok("password check --older-than 365d")).json).toMatchObject({ counts: { old: 4 } });
    expect((await laptop.text("password check")).stdout).toContain("c.example");
    expect((await laptop.run("password check --older-than soon")).code).toBe("usage");
  });
});
