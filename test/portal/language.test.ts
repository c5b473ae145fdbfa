import { beforeEach, describe, expect, it } from "vitest";
import { portal as german } from "../../src/messages/de/portal.js";
import { portal as english } from "../../src/messages/en/portal.js";
import { portal as french } from "../../src/messages/fr/portal.js";
import { acceptedLanguage, acceptedRanges } from "../../src/portal/language.js";
import { AUTHORITY, makeHttpRequest, makePerson, openTestPortal, wrap, type TestPortal } from "../support/portal.js";

let portal: TestPortal;

beforeEach(async () => {
  portal = await openTestPortal();
});

const asking = (language: string) => ({ headers: { "accept-language": language } });

/** What the portal says of an account that it does not have. */
const refusal = async (language: string): Promise<string> => {
  const { status, message } = await portal.call("Get", { Account: "nobody" }, asking(language));
  expect(status).toBe(404);
  return String(message.StatusDescription);
};

const UNKNOWN = "portal.account-unknown";

describe("a refusal", () => {
  it.each([
    ["fr", french[UNKNOWN]],
    ["fr-CA, en;q=0.8", french[UNKNOWN]],
    ["de", german[UNKNOWN]],
    ["DE-at", german[UNKNOWN]],
    ["en, fr;q=0.3, de;q=0.7", english[UNKNOWN]],
    ["fr;q=0.3, de;q=0.7", german[UNKNOWN]],
    ["fr;q=0.3,de;q=0.2,en;q=0.1", french[UNKNOWN]],
    ["es, it;q=0.9, *;q=0.8, de;q=0.1", german[UNKNOWN]],
    ["es", english[UNKNOWN]],
    ["*", english[UNKNOWN]],
    ["", english[UNKNOWN]],
  ])("answers %j in the best language that there is", async (language, text) => {
    expect(await refusal(language)).toBe(text);
  });

  it("is in English where no language is asked for", async () => {
    const { message } = await portal.call("Get", { Account: "nobody" });
    expect(message.StatusDescription).toBe(english[UNKNOWN]);
  });

  it("has its values, and its hint, in every language", async () => {
    for (const [language, text] of [
      ["en", "This portal knows no transaction named"],
      ["fr", "Ce portail ne connaît pas de transaction nommée"],
      ["de", "Dieses Portal kennt keine Transaktion namens"],
    ] as const) {
      const { message } = await portal.raw('{"Bo\\u202egus": {}}', asking(language));
      expect(message.StatusDescription).toBe(`${text} "Bo\\u202egus".`);
      const address = await portal.call("Get", { Account: "@x" }, asking(language));
      expect(address.status).toBe(400);
      expect(address.message.StatusDescription).toContain("alice@example.com");
    }
  });

  it("comes in the same words where the same request comes again", async () => {
    const alice = makePerson("laptop", portal.clock.now());
    await portal.createAccount("alice", alice);
    const bob = makePerson("desk", portal.clock.now());
    const body = wrap("CreateAccount", { Account: "alice", Profile: { SignedPersonalProfile: bob.profile.record } });
    const request = makeHttpRequest(body, portal.clock, AUTHORITY, { signer: bob.admin, ...asking("fr") });
    const first = await portal.portal.handle(request);
    expect(first.body.toString()).toContain(french["portal.account-taken"]);
    expect(await portal.portal.handle(request)).toEqual(first);
    const headers = { ...request.headers, "accept-language": "de" };
    expect(await portal.portal.handle({ ...request, headers })).toEqual(first);
  });
});

describe("success", () => {
  it("is told in the language that the request asks for", async () => {
    for (const [language, text] of [
      ["en", english["portal.done"]],
      ["fr", french["portal.done"]],
      ["de", german["portal.done"]],
      ["de", german["portal.done"]],
    ] as const) {
      const { message } = await portal.call("Hello", {}, asking(language));
      expect(message.StatusDescription).toBe(text);
    }
  });
});

describe("the reason against an account name", () => {
  it.each([
    [["fr"], "de", french["portal.reason.empty"]],
    [["es"], "de", german["portal.reason.empty"]],
    [undefined, "de", german["portal.reason.empty"]],
    [["en"], "de", english["portal.reason.empty"]],
    [undefined, "es", english["portal.reason.empty"]],
  ])("is in the best of %j, or else of the header %j", async (Language, language, text) => {
    const answer = await portal.call(
      "ValidateAccount",
      { Account: "", ...(Language && { Language }) },
      asking(language),
    );
    expect(answer.message.Reason).toBe(text);
  });
});

describe("an Accept-Language header", () => {
  it.each([
    ["de", ["de"]],
    ["fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5", ["fr-CH", "fr", "en", "de", "*"]],
    ["en;q=0.1,de;q=0.5,fr;q=0.5", ["de", "fr", "en"]],
    [" de ; Q = 0.5 ,\tfr", ["fr", "de"]],
    ["de;q=0, fr;q=0.001", ["fr"]],
    ["de;q=2, de;q=-1, de;q=1.2.3, de;q=., de;q=NaN, de;q=, fr;q=1.000", ["fr"]],
    ["de;level=1, d e, ;q=1, fr", ["fr"]],
  ])("%j asks for %j", (header, ranges) => {
    expect(acceptedRanges(header)).toEqual(ranges);
  });

  it.each([
    `${"x,".repeat(10)}de`,
    `${"x".repeat(254)},de`,
    `de${" ".repeat(100_000)}`,
    "de;q=0.".padEnd(50_000, "1"),
    "\u0000\u202e{de}",
    "__proto__",
    "constructor, toString",
    "../../de",
  ])("says nothing where it is hostile (%#)", async (header) => {
    expect(acceptedLanguage(header)).toBe("en");
    expect(await refusal(header)).toBe(english[UNKNOWN]);
  });

  it("is read up to ten ranges and 256 characters", () => {
    expect(acceptedLanguage(`${"x,".repeat(9)}de`)).toBe("de");
    expect(acceptedLanguage(`${"x".repeat(253)},de`)).toBe("de");
  });
});
