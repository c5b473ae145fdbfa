import { describe, expect, test } from "vitest";
import {
  formatReference,
  parseReference,
  referencesIn,
  replaceReferences,
} from "../../../../src/mesh/application/password/reference.js";
import { errorCode } from "../../../support/deps.js";

describe("a reference", () => {
  test.each([
    ["mesh://password/example.com", { site: "example.com", field: "password" }],
    ["mesh://password/example.com/alice", { site: "example.com", username: "alice", field: "password" }],
    ["mesh://password/example.com//notes", { site: "example.com", field: "notes" }],
    ["mesh://password/example.com:8443/a%2Fb%40c/otp", { site: "example.com:8443", username: "a/b@c", field: "otp" }],
    ["mesh://password/Home%20router", { site: "Home router", field: "password" }],
    ["mesh://password/*.example.com/%C3%A9", { site: "*.example.com", username: "é", field: "password" }],
  ])("%s", (text, reference) => {
    expect(parseReference(text)).toEqual({ text, ...reference });
  });

  test.each([
    "mesh://password/",
    "mesh://password//alice",
    "mesh://password/example.com/alice/pin",
    "mesh://password/example.com/alice/",
    "mesh://password/example.com/alice/password/more",
    "mesh://password/%zz",
    "mesh://password/%ff",
    `mesh://password/${"a".repeat(5000)}`,
    "https://example.com/",
  ])("not %s", async (text) => {
    expect(await errorCode(() => parseReference(text))).toBe("reference-unresolved");
  });

  test("is written so that it is read as it was", () => {
    for (const username of ["alice", "a/b c%", "é@example.com", "{{x}}"]) {
      const text = formatReference("example.com", username, "otp");
      expect(parseReference(text)).toMatchObject({ site: "example.com", username, field: "otp" });
      expect(referencesIn(text)).toHaveLength(1);
    }
    expect(formatReference("example.com")).toBe("mesh://password/example.com");
    expect(formatReference("example.com", undefined, "notes")).toBe("mesh://password/example.com//notes");
  });
});

describe("references in a text", () => {
  const found = (text: string): readonly string[] => referencesIn(text).map(({ text: each }) => each);

  test.each([
    ["nothing", []],
    ["mesh://password/a.example", ["mesh://password/a.example"]],
    ['key = "mesh://password/a.example/alice/password"', ["mesh://password/a.example/alice/password"]],
    ["{{ mesh://password/a.example/al,ice }}", ["mesh://password/a.example/al,ice"]],
    [
      "{{mesh://password/a.example}}{{mesh://password/b.example}}",
      ["mesh://password/a.example", "mesh://password/b.example"],
    ],
    ["see mesh://password/a.example.", ["mesh://password/a.example"]],
    ["postgres://u:mesh://password/a.example/u;x", ["mesh://password/a.example/u"]],
    [
      "mesh://password/a.example\nmesh://password/b.example",
      ["mesh://password/a.example", "mesh://password/b.example"],
    ],
  ])("%j", (text, references) => {
    expect(found(text)).toEqual(references);
  });

  test("of which one names nothing are no text", async () => {
    expect(await errorCode(() => referencesIn("x mesh://password/ y"))).toBe("reference-unresolved");
    expect(await errorCode(() => referencesIn("{{ mesh://password/a/b/c }}"))).toBe("reference-unresolved");
    // A slip must not become the secret.
    expect(await errorCode(() => referencesIn("mesh://passwords/a.example"))).toBe("reference-unresolved");
    expect(await errorCode(() => referencesIn("{{ mesh://ssh/a.example }}"))).toBe("reference-unresolved");
  });

  test("are replaced once: what is put in is taken as it is", () => {
    const text = "a={{ mesh://password/a.example }} b=mesh://password/b.example";
    expect(replaceReferences(text, ({ site }) => `$& mesh://password/${site}`)).toBe(
      "a=$& mesh://password/a.example b=$& mesh://password/b.example",
    );
  });
});
