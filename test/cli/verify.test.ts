import { describe, expect, test } from "vitest";
import { asking, connected, filePortal, machine, put, run, UDF, withAccount } from "../support/cli.js";
import { openWire } from "../support/wire.js";

describe("udf", () => {
  const VECTORS = [
    ["UDF Data Value", "text/plain", [], "MDDK-7N6A-727A-JZNO-STRX-XKS7-DJAF"],
    ["UDF Data Value", "text/plain", ["--bits", "100"], "MDDK-7N6A-727A-JZNO-STRX"],
    ["UDF Data Value", "text/plain", ["--bits", "200"], "MDDK-7N6A-727A-JZNO-STRX-XKS7-DJAF-XI6O-ZSLU-2VOA"],
    ["UDF Content Data", "text/plain", [], "MB5S-R4AJ-3FBT-7NHO-T26Z-2E6Y-WFH4"],
  ] as const;

  test.each(VECTORS)("%s as %s with %j", async (data, type, more, udf) => {
    const admin = machine({ stdin: data });
    put(admin, "data", data);
    const words = ["--content-type", type, ...more];
    expect((await admin.ok("udf data", ...words)).json).toEqual({ udf });
    expect((await admin.ok("udf -", ...words)).json).toEqual({ udf });
    expect(await admin.text("udf data", ...words)).toMatchObject({ status: 0, stdout: `${udf}\n`, stderr: "" });
  });

  test("the content type counts, and has a default", async () => {
    const admin = machine({ stdin: "x" });
    const plain = (await admin.ok("udf -")).at("udf");
    expect((await admin.ok("udf - --content-type application/octet-stream")).at("udf")).toBe(plain);
    expect((await admin.ok("udf - --content-type text/plain")).at("udf")).not.toBe(plain);
  });

  test.each([
    [["nowhere"], 2, "file-unreadable"],
    [["."], 2, "file-unreadable"],
    [["-", "--bits", "90"], 2, "usage"],
    [["-", "--bits", "130"], 2, "usage"],
    [["-", "--bits", "1000"], 2, "usage"],
    [["-", "--bits", "many"], 2, "usage"],
    [["-", "--content-type", ""], 2, "usage"],
    [["-", "--content-type", "two words"], 2, "usage"],
  ] as const)("%j", async (words, status, code) => {
    expect(await machine().run("udf", ...words)).toMatchObject({ status, code });
  });
});

describe("verify", () => {
  test("single records, lists, exports; from files and standard input", async () => {
    const admin = await withAccount(filePortal());
    await connected(admin);
    await admin.ok("profile revocation --out note.json");
    const { stdout } = await admin.text("profile export");
    const records = JSON.parse(stdout) as Record<string, object>;
    put(admin, "export.json", stdout);
    put(admin, "single.json", JSON.stringify(records["SignedPersonalProfile"]));
    put(admin, "tagged.json", JSON.stringify({ SignedMasterProfile: records["SignedMasterProfile"] }));
    put(admin, "list.json", JSON.stringify([records["SignedPersonalProfile"], records["SignedMasterProfile"]]));
    for (const file of ["export.json", "single.json", "tagged.json", "list.json", "note.json"]) {
      const { json } = await admin.ok("verify", file);
      expect([file, json]).toMatchObject([file, { ok: true }]);
      for (const record of (json as { records: object[] }).records) {
        expect(record).toMatchObject({ file, ok: true, identifier: UDF, signer: UDF });
        expect(record).not.toHaveProperty("reason");
      }
    }
    const piped = (await admin.with({ stdin: stdout }).ok("verify -")).json as { records: { file: string }[] };
    expect(new Set(piped.records.map(({ file }) => file))).toEqual(new Set(["-"]));
    const text = await admin.text("verify export.json note.json");
    expect(text).toMatchObject({ status: 0, stderr: "" });
    expect(text.stdout).toContain("note.json");
    // It needs no home, no profile and no network.
    expect(await run(["verify", "-", "--json"], { stdin: stdout, deps: { platform: "linux" } })).toMatchObject({
      status: 0,
    });
  });

  test("keys are pooled over all files; one whose key is nowhere is said to be so", async () => {
    const wire = await openWire();
    const admin = await withAccount(wire.url);
    let result: unknown;
    wire.intercept = ({ transaction, message, forward }) => {
      if (transaction === "ConnectComplete") result = message["Result"];
      return forward();
    };
    const { code } = await asking(admin);
    await admin.ok("device complete", code);
    put(admin, "result.json", JSON.stringify({ SignedConnectionResult: result }));
    put(admin, "profile.json", (await admin.text("profile export")).stdout);
    const alone = await admin.run("verify result.json");
    expect(alone.status).toBe(7);
    expect(alone.json).toMatchObject({ ok: false });
    const { records } = alone.json as { records: { ok: boolean; reason?: string }[] };
    expect(records.filter(({ ok }) => !ok)).toMatchObject([{ reason: "key-unknown" }]);
    for (const files of [
      ["result.json", "profile.json"],
      ["profile.json", "result.json"],
    ]) {
      expect((await admin.ok("verify", ...files)).json).toMatchObject({ ok: true });
    }
  });

  test("a forged one among good ones", async () => {
    const admin = await withAccount(filePortal());
    const { stdout } = await admin.text("profile export");
    put(admin, "good.json", stdout);
    const records = JSON.parse(stdout) as Record<string, { SignedData: { signature: string } }>;
    const forged = structuredClone(records["SignedMasterProfile"]!);
    forged.SignedData.signature = forged.SignedData.signature.replace(/^./, (letter) => (letter === "A" ? "B" : "A"));
    put(admin, "forged.json", JSON.stringify({ SignedMasterProfile: forged }));
    const outcome = await admin.run("verify good.json forged.json");
    expect(outcome).toMatchObject({ status: 7, code: undefined, json: { ok: false } });
    const bad = (outcome.json as { records: { ok: boolean; file: string; reason?: string }[] }).records.filter(
      ({ ok }) => !ok,
    );
    expect(bad).toMatchObject([{ file: "forged.json", reason: expect.any(String) }]);
  });

  test.each(["", "garbage", "{}", "[]", "null", '{"a":1}'])("%j holds no record: exit 7", async (text) => {
    const admin = machine();
    put(admin, "file", text);
    expect((await admin.run("verify file")).status).toBe(7);
  });

  test("files that cannot be read", async () => {
    const admin = machine();
    for (const file of ["nowhere", ".", "", "two words"]) {
      const outcome = await admin.run("verify", file);
      expect(outcome).toMatchObject({ status: 2, code: "file-unreadable" });
      // In quotes, so that an empty path is seen and a space is no end.
      expect(outcome.at("error", "message")).toContain(JSON.stringify(file));
    }
    expect(await admin.run("verify")).toMatchObject({ status: 2, code: "usage" });
  });

  test.skipIf(process.platform === "win32")("a device never ends, and is not begun", async () => {
    const outcome = await machine().run("verify /dev/zero");
    expect(outcome).toMatchObject({ status: 2, code: "file-unreadable" });
    expect(outcome.at("error", "hint")).toContain("`-`");
  });
});
