import { describe, expect, it } from "vitest";
import { parsePortal } from "../../src/client/target.js";
import { msg } from "../../src/messages/message.js";
import { errorCode, meshError } from "../support/deps.js";

const options = { allowHttp: false, localPath: "/home/alice/portal", cwd: "/there" };

describe("parsePortal", () => {
  it.each([
    ["https://Mesh.Example.com", "https://mesh.example.com"],
    ["https://example.com:443/", "https://example.com"],
    ["https://example.com:8443/.well-known/mmm/", "https://example.com:8443"],
    ["https://example.com/.well-known/mmm", "https://example.com"],
    ["http://localhost:8080", "http://localhost:8080"],
    ["http://127.0.0.1:8080/", "http://127.0.0.1:8080"],
    ["http://127.1.2.3", "http://127.1.2.3"],
    ["http://[::1]:80", "http://[::1]"],
  ])("takes %s", (text, url) => {
    expect(parsePortal(text, options)).toEqual({ kind: "http", url });
  });

  it("takes local and file paths, and gives back what reads the same again", () => {
    expect(parsePortal("local", options)).toEqual({ kind: "embedded", url: "local", path: "/home/alice/portal" });
    for (const text of ["file:store", "file:./store", "file:/there/store", "file:///there/store"]) {
      expect(parsePortal(text, options)).toEqual({ kind: "embedded", url: "file:/there/store", path: "/there/store" });
    }
    const odd = parsePortal("file:a b?c#d%20e", options);
    expect(odd).toEqual({ kind: "embedded", url: "file:/there/a b?c#d%20e", path: "/there/a b?c#d%20e" });
    expect(parsePortal(odd.url, { ...options, cwd: "/elsewhere" })).toEqual(odd);
  });

  it.each([
    "example.com",
    "localhost:8080",
    "",
    "https://",
    "ftp://example.com",
    "https://alice@example.com",
    "https://alice:secret@example.com",
    "https://example.com/?",
    "https://example.com/#",
    "https://example.com/?a=b",
    "https://example.com/mesh",
    "https://example.com/.well-known/mmm/x",
    "file:",
    "file://server/share",
    "file:a\0b",
    "Local",
  ])("refuses %j", async (text) => {
    expect(await errorCode(() => parsePortal(text, options))).toBe("portal-invalid");
  });

  it("refuses plain http of another machine unless it is allowed, and names the flag", async () => {
    for (const text of ["http://example.com", "http://10.0.0.1", "http://localhost.example.com", "http://128.0.0.1"]) {
      const error = await meshError(() => parsePortal(text, options));
      expect(error.code).toBe("portal-invalid");
      expect(error.hint).toEqual(msg("client.portal-http.hint"));
      expect(parsePortal(text, { ...options, allowHttp: true }).kind).toBe("http");
    }
  });

  it("never repeats a password", async () => {
    const error = await meshError(() => parsePortal("https://alice:hunter2@example.com/", options));
    expect(JSON.stringify([error.message, error.text, error.hint])).not.toContain("hunter2");
  });
});
