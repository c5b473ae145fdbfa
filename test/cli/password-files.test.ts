import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import { contentOf, filePortal, machine, put, withAccount, type Machine } from "../support/cli.js";

const HEAD = "name,url,username,password,note\n";

interface Report {
  readonly format: string;
  readonly dryRun: boolean;
  readonly added: number;
  readonly changed: number;
  readonly same: number;
  readonly skipped: number;
  readonly deleted: number;
  readonly ignoredColumns: readonly string[];
  readonly entries: readonly {
    line: number;
    action: string;
    changes?: readonly string[];
    remarks: readonly string[];
  }[];
  readonly synced?: boolean;
}

const fresh = (): Promise<Machine> => withAccount(filePortal());

const importing = async (of: Machine, line: string): Promise<Report> =>
  (await of.ok(`password import ${line}`)).json as Report;

const countOf = async (of: Machine): Promise<number> =>
  ((await of.ok("password list")).json as { entries: object[] }).entries.length;

const passwordOf = async (of: Machine, ...words: readonly string[]): Promise<string> =>
  (await of.text("password get", ...words)).stdout;

describe("password import", () => {
  test("adds what is not there, and says so before it does", async () => {
    const laptop = await fresh();
    put(
      laptop,
      "p.csv",
      `${HEAD}a.example,https://a.example/,alice,hidden-one,\nb.example,https://b.example/,,hidden-two,note\n`,
    );
    const before = contentOf(laptop.home);
    const dry = await importing(laptop, "p.csv --dry-run");
    expect(dry).toMatchObject({ format: "chrome", dryRun: true, added: 2, changed: 0, same: 0 });
    expect(dry.entries).toMatchObject([
      { line: 2, action: "add", sites: ["a.example"], username: "alice" },
      { line: 3 },
    ]);
    expect(JSON.stringify(dry)).not.toContain("hidden");
    expect(contentOf(laptop.home)).toEqual(before);
    expect((await laptop.text("password import p.csv --dry-run")).stdout).toContain("a.example");
    expect(await importing(laptop, "p.csv")).toMatchObject({ dryRun: false, added: 2, synced: true });
    expect(await passwordOf(laptop, "a.example")).toBe("hidden-one\n");
    expect(await importing(laptop, "p.csv")).toMatchObject({ added: 0, same: 2 });
    expect(await countOf(laptop)).toBe(2);
  });

  test("changes what differs only where that is asked for", async () => {
    const laptop = await fresh();
    put(
      laptop,
      "p.csv",
      `${HEAD}a.example,https://a.example/,alice,old-one,\nb.example,https://b.example/,bob,same,\n`,
    );
    await laptop.ok("password import p.csv");
    put(
      laptop,
      "q.csv",
      `${HEAD}a.example,https://a.example/,alice,new-one,more\nb.example,https://b.example/,bob,same,\nc.example,https://c.example,,x,\n`,
    );
    const dry = await importing(laptop, "q.csv --dry-run");
    expect(dry).toMatchObject({ added: 1, changed: 1, same: 1 });
    expect(dry.entries[0]).toMatchObject({ action: "change", changes: ["notes", "password"] });
    const refused = await laptop.run("password import q.csv");
    expect([refused.code, refused.status]).toEqual(["entry-exists", 5]);
    expect(await countOf(laptop)).toBe(2);
    expect(await importing(laptop, "q.csv --skip")).toMatchObject({ added: 1, changed: 0, skipped: 1 });
    expect(await passwordOf(laptop, "a.example")).toBe("old-one\n");
    expect(await importing(laptop, "q.csv --replace")).toMatchObject({ added: 0, changed: 1 });
    expect((await laptop.ok("password get a.example --all")).json).toMatchObject({
      password: "new-one",
      notes: "more",
      earlier: [{ password: "old-one" }],
    });
    expect(await countOf(laptop)).toBe(3);
  });

  test("keeps both where a file has two passwords for one login", async () => {
    const laptop = await fresh();
    const row = "a.example,https://a.example,alice";
    put(laptop, "p.csv", `${HEAD}${row},one,\n${row},two,\n${row},one,\n`);
    expect(await importing(laptop, "p.csv")).toMatchObject({ added: 2, same: 1 });
    expect(await importing(laptop, "p.csv")).toMatchObject({ added: 0, same: 3 });
    expect((await laptop.run("password get a.example alice")).code).toBe("entry-ambiguous");
    const counts = (await laptop.ok("password check")).json as { counts: object };
    expect(counts.counts).toMatchObject({ duplicate: 2 });
    const listed = (await laptop.ok("password list")).json as { entries: { id: string }[] };
    const words = listed.entries.map(({ id }) => passwordOf(laptop, "--entry", id));
    expect((await Promise.all(words)).sort()).toEqual(["one\n", "two\n"]);
  });

  test("reads standard input, and takes the file of Bitwarden whole", async () => {
    const laptop = await fresh();
    const file = {
      encrypted: false,
      folders: [{ id: "1", name: "Work" }],
      items: [
        {
          type: 1,
          name: "A",
          folderId: "1",
          login: { uris: [{ uri: "https://a.example" }], username: "u", password: "p" },
        },
        { type: 2, name: "Note", notes: "text", secureNote: { type: 0 } },
        { type: 1, name: "Gone", deletedDate: "2024-01-01T00:00:00Z" },
        { type: 1, name: "Codes", login: { totp: "steam://ABC", password: "q" } },
      ],
    };
    const outcome = await laptop.with({ stdin: JSON.stringify(file) }).ok("password import -");
    expect(outcome.json).toMatchObject({ format: "bitwarden-json", added: 3, deleted: 1 });
    expect((outcome.json as Report).entries.map(({ remarks }) => remarks)).toEqual([[], ["kind"], ["otp"]]);
    expect(await passwordOf(laptop, "Note", "--field", "notes")).toBe("text\n");
    expect((await laptop.ok("password list --label Work")).json).toMatchObject({ entries: [{ title: "A" }] });
  });

  test.each([
    ["quotes", `${HEAD}a,b,"c,d,e\n`, 2],
    ["columns", `${HEAD}a,b,c,d,e\na,b\n`, 3],
    ["headings", "a,b,c\n1,2,3\n", 1],
    ["a NUL", `${HEAD}a,b,c,d\0,e\n`, 2],
    ["octets", `${HEAD}\n\n\u00ff,b,c,d,e\n`, 4],
    ["UTF-16", "\u00ff\u00fea\0,\0b\0", 1],
    ["JSON", '{\n"items": [\n{]}', 3],
    ["an encrypted file", '{"encrypted": true}', 1],
    ["nothing", "", 1],
  ])("changes nothing where %s are wrong, and names the line", async (_, text, line) => {
    const laptop = await fresh();
    await laptop.ok("password add first.example --generate");
    const before = contentOf(laptop.home);
    fs.writeFileSync(path.join(laptop.folder, "bad"), Buffer.from(text, "latin1"), { mode: 0o600 });
    const refused = await laptop.run("password import bad --replace");
    expect([refused.code, refused.status]).toEqual(["import-invalid", 2]);
    expect(refused.at("error", "message")).toContain(` ${line}:`);
    expect(contentOf(laptop.home)).toEqual(before);
  });

  test("refuses a file that is far too large without reading it", async () => {
    const laptop = await fresh();
    const file = path.join(laptop.folder, "large.csv");
    fs.writeFileSync(file, HEAD);
    fs.truncateSync(file, 100 * 1024 * 1024);
    const begun = performance.now();
    const refused = await laptop.run("password import large.csv");
    expect([refused.code, refused.status]).toEqual(["too-large", 5]);
    expect(performance.now() - begun).toBeLessThan(2000);
  });

  test("refuses options that are no use", async () => {
    const laptop = await fresh();
    put(laptop, "p.csv", `${HEAD}a,https://a.example,c,d,e\n`);
    for (const line of ["p.csv --replace --skip", "p.csv --format keepass", "p.csv --format safari"]) {
      expect((await laptop.run(`password import ${line}`)).status).toBe(2);
    }
    expect((await laptop.run("password import missing.csv")).code).toBe("file-unreadable");
    expect((await machine().run("password import", path.join(laptop.folder, "p.csv"))).code).toBe("profile-not-found");
    expect((await laptop.run("password import p.csv --app work")).code).toBe("application-not-found");
  });
});

describe("password export", () => {
  test.each(["chrome", "firefox", "safari", "bitwarden-csv", "bitwarden-json"])(
    "%s is read again as it was",
    async (format) => {
      const laptop = await fresh();
      put(laptop, "p.csv", `${HEAD}a.example,https://a.example,alice,"x,""y""",\nb.example,https://b.example,,=1+1,\n`);
      await laptop.ok("password import p.csv");
      const done = await laptop.ok(`password export --format ${format} --out out --yes`);
      expect(done.json).toMatchObject({ format, entries: 2, file: path.join(laptop.folder, "out") });
      expect(fs.statSync(path.join(laptop.folder, "out")).mode & 0o777).toBe(0o600);
      const other = await fresh();
      fs.copyFileSync(path.join(laptop.folder, "out"), path.join(other.folder, "out"));
      expect(await importing(other, "out")).toMatchObject({ format, added: 2 });
      expect(await passwordOf(other, "a.example", "alice")).toBe('x,"y"\n');
      expect(await passwordOf(other, "b.example")).toBe("=1+1\n");
      // Nothing new for where it came from.
      expect(await importing(laptop, "out")).toMatchObject({ added: 0, changed: 0, same: 2 });
    },
  );

  test("prints the file alone, some of it by label", async () => {
    const laptop = await fresh();
    put(laptop, "password.txt", "secret-one");
    await laptop.ok("password add a.example --label x --password-file password.txt");
    await laptop.ok("password add b.example --generate");
    const printed = await laptop.text("password export --format chrome --label x --yes");
    expect(printed.stdout).toBe("name,url,username,password,note\r\na.example,https://a.example,,secret-one,\r\n");
    expect(printed.stderr).toContain("labels");
  });

  test("asks first, and replaces no file", async () => {
    const laptop = await fresh();
    await laptop.ok("password add a.example --generate");
    expect((await laptop.run("password export --out out")).code).toBe("input-required");
    const asked = laptop.with({ tty: true, prompts: [false] });
    expect((await asked.run("password export --out out")).code).toBe("interrupted");
    expect(fs.existsSync(path.join(laptop.folder, "out"))).toBe(false);
    put(laptop, "out", "there");
    expect((await laptop.run("password export --out out --yes")).code).toBe("file-exists");
    expect(fs.readFileSync(path.join(laptop.folder, "out"), "utf8")).toBe("there");
    expect((await laptop.run("password export --yes")).code).toBe("usage");
    expect((await laptop.run("password export --format keepass --out new --yes")).code).toBe("usage");
    expect((await laptop.run("password export --out missing/new --yes")).code).toBe("file-unreadable");
  });
});
