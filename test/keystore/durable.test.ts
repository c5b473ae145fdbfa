import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { FileSystem } from "../../src/deps.js";
import { isTemporaryName, readPrivateFile, writeDurably } from "../../src/keystore/durable.js";
import { msg, verbatim } from "../../src/messages/message.js";
import { meshError, temporaryFolder, testDeps } from "../support/deps.js";
import { faultyFiles, withEveryFault } from "../support/faults.js";

const files = testDeps().fs;
const OLD = Buffer.from("old");
const NEW = Buffer.from("new content");

describe("writeDurably", () => {
  test("makes and replaces a file with mode 0600", () => {
    const path = join(temporaryFolder(), "file");
    writeDurably(files, path, OLD, randomBytes);
    writeDurably(files, path, NEW, randomBytes);
    expect(fs.readFileSync(path)).toEqual(NEW);
    expect(fs.statSync(path).mode & 0o777).toBe(0o600);
  });

  test("takes its steps in the order that survives a power cut", () => {
    const folder = temporaryFolder();
    const watched = faultyFiles(files, 1000, "EIO");
    writeDurably(watched.fs, join(folder, "file"), NEW, randomBytes);
    expect(watched.operations()).toEqual(["create", "write", "fsync", "close", "rename", "fsyncDirectory"]);
  });

  test("goes on after a short write", async () => {
    const path = join(temporaryFolder(), "file");
    await withEveryFault(files, "short", async (faulty) => {
      writeDurably(faulty.fs, path, NEW, randomBytes);
      expect(fs.readFileSync(path)).toEqual(NEW);
    });
  });

  test("does not spin where the system writes nothing", async () => {
    const folder = temporaryFolder();
    const stuck: FileSystem = { ...files, write: () => 0 };
    expect((await meshError(() => writeDurably(stuck, join(folder, "file"), NEW, randomBytes))).code).toBe("io-failed");
    expect(fs.readdirSync(folder)).toEqual([]);
  });

  test.each([
    ["EIO", "io-failed"],
    ["ENOSPC", "io-failed"],
    ["EROFS", "read-only"],
  ] as const)("leaves the old file or the new one after %s at any step, and no other", async (fault, code) => {
    const folder = temporaryFolder();
    const path = join(folder, "file");
    const steps = await withEveryFault(files, fault, async (faulty, n) => {
      writeDurably(files, path, OLD, randomBytes);
      if (n > 6) return writeDurably(faulty.fs, path, NEW, randomBytes);
      const error = await meshError(() => writeDurably(faulty.fs, path, NEW, randomBytes));
      expect(error.code).toBe(code);
      expect(error.hint).toBeDefined();
      expect(error.cause).toMatchObject({ code: fault });
      expect([OLD, NEW]).toContainEqual(fs.readFileSync(path));
      expect(fs.readdirSync(folder)).toEqual(["file"]);
    });
    expect(steps).toBe(6);
  });

  test("names the cure for a full disk", async () => {
    const faulty = faultyFiles(files, 2, "ENOSPC");
    const error = await meshError(() => writeDurably(faulty.fs, join(temporaryFolder(), "file"), NEW, randomBytes));
    expect(error.hint).toEqual(msg("keystore.disk-full.hint"));
  });

  test("names its temporary files so that they are found again", () => {
    const names: string[] = [];
    const watched: FileSystem = {
      ...files,
      create: (path, mode) => {
        names.push(path.split("/").at(-1) ?? "");
        return files.create(path, mode);
      },
    };
    writeDurably(watched, join(temporaryFolder(), "file.json"), NEW, randomBytes);
    expect(names).toHaveLength(1);
    expect(names.every(isTemporaryName)).toBe(true);
    expect(["file.json", ".file.json.tmp", "x.0123456789abcdef.tmp", ".owner"].some(isTemporaryName)).toBe(false);
  });
});

describe("readPrivateFile", () => {
  const write = (mode: number, name = "file"): string => {
    const path = join(temporaryFolder(), name);
    fs.writeFileSync(path, NEW);
    fs.chmodSync(path, mode);
    return path;
  };

  test("reads, and gives undefined where there is nothing", () => {
    expect(readPrivateFile(files, write(0o600), 100, "linux")).toEqual(NEW);
    expect(readPrivateFile(files, write(0o400), NEW.length, "linux")).toEqual(NEW);
    expect(readPrivateFile(files, join(temporaryFolder(), "absent"), 100, "linux")).toBeUndefined();
  });

  test.each([0o604, 0o640, 0o601, 0o620, 0o666])("refuses mode %o and says how to mend it", async (mode) => {
    const path = write(mode);
    const error = await meshError(() => readPrivateFile(files, path, 100, "linux"));
    expect(error).toMatchObject({ code: "keystore-permissions", hint: verbatim(`chmod 600 '${path}'`) });
    expect(readPrivateFile(files, path, 100, "win32")).toEqual(NEW);
  });

  test("quotes the path in the hint for a shell", async () => {
    const path = write(0o644, "it's");
    const error = await meshError(() => readPrivateFile(files, path, 100, "linux"));
    expect(error.hint).toEqual(verbatim(`chmod 600 '${path.replace("'", "'\\''")}'`));
  });

  test("refuses a file over the limit", async () => {
    const path = write(0o600);
    expect((await meshError(() => readPrivateFile(files, path, NEW.length - 1, "linux"))).code).toBe("state-corrupt");
  });

  test("reports what cannot be read", async () => {
    const folder = join(temporaryFolder(), "folder");
    fs.mkdirSync(folder, { mode: 0o700 });
    expect((await meshError(() => readPrivateFile(files, folder, 100, "linux"))).code).toBe("io-failed");
  });
});
