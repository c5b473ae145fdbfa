import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { openReferencePortal, type ReferencePortal } from "./reference-portal.js";

/** 144 exchanges with the reference portal of 2016, which stand beside the repository where it is worked on. */
const RECORDING = new URL("../../../shared/reference-portal/exchanges.jsonl", import.meta.url);
const isThere = existsSync(RECORDING);

interface Exchange {
  readonly name: string;
  /** `raw` octets, or the `reference` program of the time, by whose HTTP client the interim answers were not recorded. */
  readonly client: string;
  readonly request: string;
  readonly response: string;
  readonly connectionDropped: boolean;
}

/** The port tells the two portals of the recording apart; the time and the count of a connection's requests differ anyway. */
const comparable = (answer: string, client: string): string =>
  answer
    .replace(client === "reference" ? /^HTTP\/1\.1 100 Continue\r\n\r\n/ : /^$/, "")
    .replace(/^Date: .*$/gm, "Date: ...")
    .replace(/^Keep-Alive: timeout=15,max=\d+/gm, "Keep-Alive: ...");

describe("beyond the recording", () => {
  const record = { Identifier: "MAAA", SignedData: { protected: "AAAA", payload: "AAAA", signature: "AAAA" } };
  const encrypted = { protected: "AAAA", iv: "AAAA", ciphertext: "AAAA" };
  const escrow = (data: object): object => ({
    Entry: { OfflineEscrowEntry: { Identifier: "MBBB", EncryptedData: data } },
  });

  it("takes a tag and recipients of its own time", async () => {
    const portal = await openReferencePortal();
    await portal.post("Publish", escrow({ ...encrypted, tag: "AAAA" }));
    await portal.post(
      "Publish",
      escrow({ ...encrypted, recipients: [{ Header: { kid: "MCCC" }, encrypted_key: "AAAA" }] }),
    );
    expect(portal.deaths).toEqual([]);
  });

  it.each([
    ["recipients of ours", "Publish", escrow({ ...encrypted, recipients: [{ header: { kid: "MCCC" } }] })],
    ["unauthenticated members", "Publish", escrow({ ...encrypted, Unauthenticated: "AAAA" })],
    ["a master profile", "Publish", { Entry: { SignedMasterProfile: record } }],
    ["a null", "Get", { Account: null }],
    ["a page key", "ConnectPending", { AccountID: "alice", SearchConstraints: { PageKey: "1" } }],
    ["the deletion of an account", "DeleteAccount", { Account: "alice" }],
  ])("dies of %s, and stays dead until it is started again", async (_, operation, message) => {
    const portal = await openReferencePortal();
    await portal.post("CreateAccount", { Account: "alice", Profile: { SignedPersonalProfile: record } });
    await expect(portal.post(operation, message)).rejects.toThrow("does not answer");
    await expect(portal.post("Hello", {})).rejects.toThrow("does not answer");
    await expect(fetch(portal.url)).rejects.toThrow();
    expect(portal.deaths.length).toBe(1);
    await portal.restart();
    expect(await portal.post("Get", { Account: "alice" })).toMatchObject({
      Entries: [{ SignedPersonalProfile: record }],
    });
  });
});

describe.skipIf(!isThere)(`against the recording${isThere ? "" : " (not here: ../shared/reference-portal)"}`, () => {
  it("the stand-in answers, and dies, as the portal did", async () => {
    const exchanges = readFileSync(RECORDING, "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Exchange);
    expect(exchanges.length).toBe(144);
    const portals = new Map<string, ReferencePortal>();
    const differences: string[] = [];
    let host = "";
    for (const { name, client, request, response, connectionDropped } of exchanges) {
      host = /^Host: (127\.0\.0\.1:\d+)\r$/m.exec(request)?.[1] ?? host;
      const portal = portals.get(host) ?? (await openReferencePortal());
      portals.set(host, portal);
      const deaths = portal.deaths.length;
      const answer = await portal.raw(request);
      const died = portal.deaths.length > deaths;
      if (comparable(answer, client) !== comparable(response, client) || died !== connectionDropped) {
        differences.push(`${name}: ${died ? (portal.deaths.at(-1) ?? "") : "lives"}\n${answer.slice(0, 400)}`);
      }
      await portal.restart();
    }
    expect(differences).toEqual([]);
    expect(portals.size).toBe(2);
  });
});
