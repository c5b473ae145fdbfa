import { describe, expect, it } from "vitest";
import { chooseLanguage } from "../../src/messages/language.js";

describe("the language for a priority list", () => {
  it("is chosen by lookup", () => {
    expect(chooseLanguage(["es", "FR-fr"])).toBe("fr");
    expect(chooseLanguage(["*", "de-Latn-CH-1996"])).toBe("de");
    expect(chooseLanguage(["en-GB", "fr"])).toBe("en");
  });

  it("is English where nothing of ours is asked for", () => {
    expect(chooseLanguage([])).toBe("en");
    expect(chooseLanguage(["deu", "de_DE", "-de", "x-de"])).toBe("en");
  });
});
