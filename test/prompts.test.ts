import { PassThrough } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import type { Prompts } from "../src/deps.js";
import { terminalPrompts } from "../src/prompts.js";

/** Asks on a terminal on which a person types each of the lines after a while. */
const typing = async <T>(lines: readonly string[], ask: (prompts: Prompts) => Promise<T>) => {
  const input = new PassThrough();
  // As standard error does, it outlives the question, which ends what it writes to.
  const output = Object.assign(new PassThrough(), { end: () => output });
  let shown = "";
  output.on("data", (octets: Buffer) => (shown += octets.toString("utf8")));
  const answer = ask(terminalPrompts({ input, output })).catch((error: unknown) => error);
  for (const line of lines) {
    await sleep(50);
    input.write(line);
  }
  return { answer: await answer, shown: stripVTControlCharacters(shown) };
};

const hidden = "[hidden]";

describe("a secret that is asked for", () => {
  it("is shown nowhere", async () => {
    const { answer, shown } = await typing(["zebra lantern\r"], (prompts) => prompts.secret("Passphrase", { hidden }));
    expect(answer).toBe("zebra lantern");
    expect(shown).toContain("Passphrase [hidden]");
    expect(shown).not.toContain("zebra");
  });

  it("is typed anew after one that was refused, of which nothing remains", async () => {
    const validate = (value: string): string | true => value.length >= 8 || "Too short.";
    const { answer, shown } = await typing(["short\r", "small\r", "zebra lantern\r"], (prompts) =>
      prompts.secret("New passphrase", { hidden, validate }),
    );
    expect(answer).toBe("zebra lantern");
    expect(shown.split("> Too short.\n")).toHaveLength(3);
  });

  it.each([
    ["^C", "\u0003"],
    ["^D", "\u0004"],
  ])("is not waited for after %s, on a second attempt neither", async (_, key) => {
    const { answer } = await typing(["one\r", key], (prompts) =>
      prompts.secret("Passphrase", { hidden, validate: () => "No." }),
    );
    expect(answer).toMatchObject({ code: "interrupted" });
  });
});
