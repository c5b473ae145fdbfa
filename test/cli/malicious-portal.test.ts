import { generateKeyPairSync, sign } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import type { ErrorCode } from "../../src/errors.js";
import { openCheckpoint, checkpointText } from "../../src/mesh/log/checkpoint.js";
import { signNote, verifierKey } from "../../src/mesh/log/note.js";
import { asking, connected, contentOf, machine, withAccount, type Machine, type Outcome } from "../support/cli.js";
import { temporaryFolder } from "../support/deps.js";
import { startLyingPortal, type LyingPortal, type Message } from "../support/lying-portal.js";

// A portal that has the key of its log and lies with it, each time in one way: every lie has its own code, changes nothing, and
// leaves evidence where there is something to show.

/** A home without what a look at a portal may add to it. */
const homeOf = (of: Machine): Record<string, string> =>
  Object.fromEntries(
    Object.entries(contentOf(of.home)).filter(([name]) => !/^(evidence\/|checkpoints\.json$)/.test(name)),
  );

const evidenceOf = (of: Machine): string[] => {
  const folder = path.join(of.home, "evidence");
  return fs.existsSync(folder) ? fs.readdirSync(folder).map((name) => path.join(folder, name)) : [];
};

/** Runs a command that meets a lie. */
const meets = async (of: Machine, line: string, code: ErrorCode): Promise<Outcome> => {
  const before = homeOf(of);
  const outcome = await of.run(line);
  expect({ status: outcome.status, code: outcome.code, output: outcome.stdout }).toMatchObject({ status: 7, code });
  expect(homeOf(of)).toEqual(before);
  return outcome;
};

/** What the only file of evidence of a home says, by the command that needs neither home nor portal. */
const verdict = async (of: Machine): Promise<Outcome> => {
  const files = evidenceOf(of);
  expect(files.length).toBe(1);
  return machine().run("audit evidence", files[0] ?? "");
};

const started = async (): Promise<{ portal: LyingPortal; laptop: Machine }> => {
  const portal = await startLyingPortal();
  return { portal, laptop: await withAccount(portal.url) };
};

/** The laptop has renamed itself twice since the phone has looked. */
const phoneBehind = async (): Promise<{ portal: LyingPortal; laptop: Machine; phone: Machine }> => {
  const { portal, laptop } = await started();
  const phone = await connected(laptop);
  await laptop.ok("device rename laptop desk");
  await laptop.ok("device rename desk table");
  await laptop.ok("device rename table bench");
  return { portal, laptop, phone };
};

const isHistory = (transaction: string, request: Message): boolean =>
  transaction === "Get" && request["Multiple"] === true;

describe("a malicious portal", () => {
  test("forks: shows a device another history than before", async () => {
    const { portal, laptop } = await started();
    const other = await portal.split();
    await laptop.ok("device rename laptop desk");
    portal.shown = other;
    await withAccount(portal.url, "bob@example.com");
    await meets(laptop, "device list", "log-fork");
    await meets(laptop, "device rename desk table", "log-fork");
    const found = await machine().run("audit evidence", evidenceOf(laptop)[0] ?? "");
    expect(found.at("kind")).toBe("log-fork");
  });

  test("forks: signs two heads of one size, which proves it", async () => {
    const { portal, laptop } = await started();
    const other = await portal.split();
    await laptop.ok("device rename laptop desk");
    await laptop.ok("device rename desk table");
    portal.shown = other;
    // Two leaves more in either history.
    await withAccount(portal.url, "bob@example.com");
    await meets(laptop, "device list", "log-fork");
    expect((await verdict(laptop)).at("verdict")).toBe("proven");
  });

  test("rolls its log back", async () => {
    const { portal, laptop } = await started();
    const earlier = await portal.split();
    await laptop.ok("device rename laptop desk");
    portal.shown = earlier;
    await meets(laptop, "device list", "log-rollback");
    const found = await verdict(laptop);
    expect(found.at("kind")).toBe("log-rollback");
  });

  test("omits a version that it has logged", async () => {
    const { portal, phone } = await phoneBehind();
    portal.lie = {
      answer: async (transaction, answer, request, ask) => {
        if (transaction !== "Get" || isHistory(transaction, request) || !answer["DataItems"]) return undefined;
        const all = await ask("Get", { ...request, Multiple: true });
        // The version in which the phone was connected, the last one that it has seen.
        const items = (all["DataItems"] as Message[]).slice(-2, -1);
        return { ...all, AccountProof: answer["AccountProof"] as unknown, DataItems: items, PageKey: undefined };
      },
    };
    // What it has seen is what it is shown: no single answer says that there is more.
    await phone.ok("device list");
    const outcome = await phone.run("audit self");
    expect({ status: outcome.status, output: outcome.stdout }).toMatchObject({ status: 7 });
    expect(outcome.stdout).toContain("log-omission");
    expect(evidenceOf(phone).length).toBeGreaterThan(0);
  });

  test("gives the versions of a profile in another order", async () => {
    const { portal, phone } = await phoneBehind();
    portal.lie = {
      answer: (transaction, answer, request) => {
        const items = answer["DataItems"] as Message[] | undefined;
        if (isHistory(transaction, request) && items) items.splice(1, 2, ...items.slice(1, 3).reverse());
        return undefined;
      },
    };
    await meets(phone, "device list", "log-order");
  });

  test("swaps two people's profiles", async () => {
    const { portal, laptop } = await started();
    await withAccount(portal.url, "bob@example.com");
    portal.lie = {
      request: (transaction, message) => {
        if (transaction === "Get" && message["Account"] !== undefined) message["Account"] = "bob@example.com";
      },
    };
    await meets(laptop, "device list", "fingerprint-mismatch");
  });

  test("gives an old answer again", async () => {
    const { portal, laptop } = await started();
    let old: Message | undefined;
    portal.lie = {
      answer: (transaction, answer) => {
        if (transaction === "Get") old ??= answer;
        return transaction === "Get" ? old : undefined;
      },
    };
    await laptop.ok("device list");
    const before = old;
    portal.lie = undefined;
    await laptop.ok("device rename laptop desk");
    portal.lie = { answer: (transaction) => (transaction === "Get" ? before : undefined) };
    await meets(laptop, "device list", "answer-stale");
  });

  test("gives the answer to another request", async () => {
    const { portal, laptop } = await started();
    portal.lie = {
      answer: (transaction, _, request, ask) =>
        transaction === "Get" ? ask("Get", { ...request, RequestID: "A".repeat(22) }) : undefined,
    };
    await meets(laptop, "device list", "answer-mismatch");
  });

  test("ends a page before its end", async () => {
    const { portal, phone } = await phoneBehind();
    portal.lie = {
      answer: (transaction, answer, request) => {
        if (isHistory(transaction, request)) (answer["DataItems"] as Message[]).splice(1);
        return undefined;
      },
    };
    await meets(phone, "device list", "page-truncated");
  });

  test("signs with another key, and says so or not", async () => {
    const { portal, laptop } = await started();
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const point = Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url");
    let announced = "";
    const resign = (note: string): string => {
      const { origin, size, root, time } = openCheckpoint(note, announced);
      const key = { publicKey: point, sign: (octets: Uint8Array) => sign(null, octets, privateKey) };
      return signNote(checkpointText({ origin, size, root, time }), origin, key);
    };
    const lies = (says: boolean): LyingPortal["lie"] => ({
      answer: (transaction, answer) => {
        const log = answer["Log"] as Message | undefined;
        if (log) {
          announced = String(log["Key"]);
          if (says) log["Key"] = verifierKey(announced.split("+")[0] ?? "", point);
        }
        if (typeof answer["Checkpoint"] === "string") answer["Checkpoint"] = resign(answer["Checkpoint"]);
        return undefined;
      },
    });
    portal.lie = lies(true);
    await meets(laptop, "device list", "log-key-changed");
    portal.lie = lies(false);
    await meets(laptop, "device list", "log-signature");
  });

  test("flips a bit in a proof", async () => {
    const { portal, laptop } = await started();
    await withAccount(portal.url, "bob@example.com");
    const flipped = (text: string, bit: number): string => {
      const octets = Buffer.from(text, "base64url");
      const at = Math.floor(bit / 8) % octets.length;
      octets.writeUInt8(octets.readUInt8(at) ^ (1 << (bit % 8)), at);
      return octets.toString("base64url");
    };
    const flip = (bit: number, member: "Leaf" | "Hashes" | "Index"): LyingPortal["lie"] => ({
      answer: (transaction, answer) => {
        const proof = (answer["DataItems"] as Message[] | undefined)?.[0]?.["Proof"] as Message | undefined;
        if (transaction !== "Get" || !proof) return undefined;
        if (member === "Index") proof["Index"] = Number(proof["Index"]) ^ (1 << (bit % 20));
        else if (member === "Leaf") proof["Leaf"] = flipped(String(proof["Leaf"]), bit);
        else {
          const hashes = proof["Hashes"] as string[];
          const which = bit % hashes.length;
          hashes[which] = flipped(String(hashes[which]), bit);
        }
        return undefined;
      },
    });
    for (const bit of [0, 77, 200, 1095]) {
      for (const member of ["Leaf", "Hashes", "Index"] as const) {
        portal.lie = flip(bit, member);
        await meets(laptop, "device list", "proof-invalid");
      }
    }
    portal.lie = {
      answer: (transaction, answer) => {
        for (const item of (answer["DataItems"] as Message[] | undefined) ?? []) delete item["Proof"];
        return undefined;
      },
    };
    await meets(laptop, "device list", "proof-missing");
  });

  test("drops its extensions", async () => {
    const { portal, laptop } = await started();
    portal.lie = {
      answer: (_, answer) => {
        if (Array.isArray(answer["Extensions"])) {
          answer["Extensions"] = (answer["Extensions"] as string[]).filter((name) => name !== "transparency");
        }
        return undefined;
      },
    };
    await meets(laptop, "device list", "downgrade");
    portal.lie = {
      answer: (transaction, { RequestID: _, Checkpoint: __, Consistency: ___, Proofs: ____, ...answer }) =>
        transaction === "Hello" ? undefined : answer,
    };
    await meets(laptop, "device list", "downgrade");
  });

  test("drops its extensions at a further account", async () => {
    const { portal, laptop } = await started();
    const other = await startLyingPortal();
    await laptop.ok("account create alice@example.org --portal", other.url);
    other.lie = {
      answer: (transaction, { RequestID: _, Checkpoint: __, Consistency: ___, Proofs: ____, ...answer }) =>
        transaction === "Hello" ? undefined : answer,
    };
    expect(await laptop.run("device rename laptop desk")).toMatchObject({ status: 7, code: "downgrade" });
    other.lie = {
      answer: (_, answer) => {
        if (answer["Extensions"]) answer["Extensions"] = [];
        return undefined;
      },
    };
    expect(await laptop.run("device rename desk table")).toMatchObject({ status: 7, code: "downgrade" });
    // The first portal has what it was given.
    portal.lie = other.lie = undefined;
    await laptop.ok("device rename table bench");
  });

  test("denies that there is an account", async () => {
    const { portal, laptop } = await started();
    const denial = ({ RequestID, Checkpoint, Consistency }: Message): Message => ({
      Status: 404,
      StatusDescription: "no such account",
      RequestID: RequestID as unknown,
      Checkpoint: Checkpoint as unknown,
      ...(Consistency !== undefined && { Consistency: Consistency as unknown }),
    });
    const denying: LyingPortal["lie"] = {
      answer: (transaction, answer, request) =>
        transaction === "Get" && request["Account"] !== undefined ? denial(answer) : undefined,
    };
    await laptop.ok("audit self");
    portal.lie = denying;
    await meets(laptop, "account delete alice@example.com --confirm alice@example.com", "proof-missing");
    await meets(laptop, "account status alice@example.com", "proof-missing");
    // Where the log was looked through before, and where it is looked through now.
    await meets(laptop, "audit self", "log-omission");
    expect(await verdict(laptop)).toMatchObject({ status: 0 });
    expect((await verdict(laptop)).at("kind")).toBe("log-omission");
    await meets(laptop, "audit self --all", "log-omission");
    portal.lie = undefined;
    await laptop.ok("account delete alice@example.com --confirm alice@example.com");
  });

  test("cannot have what proves its guilt pushed out by what proves nothing", async () => {
    const { portal, laptop } = await started();
    const other = await portal.split();
    await laptop.ok("device rename laptop desk");
    await laptop.ok("device rename desk table");
    const honest = portal.shown;
    portal.shown = other;
    await withAccount(portal.url, "bob@example.com");
    await meets(laptop, "device list", "log-fork");
    const [proof = ""] = evidenceOf(laptop);
    for (let index = 0; index < 105; index++) {
      const name = `2999-01-01T00-00-00.${index + 100}Z-proof-invalid.json`;
      fs.writeFileSync(path.join(path.dirname(proof), name), "{}");
    }
    portal.shown = honest;
    portal.lie = {
      answer: (_, answer) => {
        const shown = (answer["DataItems"] as Message[] | undefined)?.[0]?.["Proof"] as Message | undefined;
        if (shown) shown["Hashes"] = (shown["Hashes"] as string[]).slice(1);
        return undefined;
      },
    };
    await meets(laptop, "device list", "proof-invalid");
    expect(evidenceOf(laptop)).toHaveLength(101);
    expect(evidenceOf(laptop)).toContain(proof);
    // Where there is proof enough no more is written, and an earlier one is named.
    for (let index = 0; index < 99; index++) {
      const name = `2020-01-01T00-00-00.${index + 100}Z-log-fork-proven.json`;
      fs.writeFileSync(path.join(path.dirname(proof), name), "{}");
    }
    portal.shown = other;
    portal.lie = undefined;
    const outcome = await meets(laptop, "device list", "log-fork");
    expect(outcome.at("error", "hint")).toContain(proof);
    expect(evidenceOf(laptop)).toHaveLength(200);
  });

  test("keeps two devices of one person apart", async () => {
    const { portal, laptop } = await started();
    const phone = await connected(laptop);
    const laptops = portal.shown;
    const phones = await portal.split();
    // Only the laptop's history has Bob.
    await withAccount(portal.url, "bob@example.com");
    await laptop.ok("device rename laptop desk");
    // The phone gets to see what the laptop did, but not what else was logged meanwhile.
    await portal.repeat("Publish", phones);
    portal.shown = phones;
    await meets(phone, "device list", "log-split");
    const found = await verdict(phone);
    expect(found.at("kind")).toBe("log-split");
    portal.shown = laptops;
    await laptop.ok("device list");
  });

  test("shows two devices two logs", async () => {
    const { portal, laptop } = await started();
    const [first, other] = [portal.shown, { folder: path.join(temporaryFolder(), "other") }];
    await portal.repeat("CreateAccount", other);
    portal.shown = other;
    const { code } = await asking(laptop);
    await portal.repeat("ConnectStart", first);
    portal.shown = first;
    const outcome = await laptop.ok("device complete", code);
    expect(outcome.stderr).toMatch(/[0-9a-f]{32}\.mmm\.invalid/);
    expect((await laptop.ok("audit status")).at("otherLogs", 0, "origin")).toMatch(/\.mmm\.invalid$/);
    const audit = await laptop.run("audit self");
    expect(audit).toMatchObject({ status: 7 });
    expect(audit.at("code")).toBe("log-split");
  });

  test("shows two logs to two commands that nobody has shown one before", async () => {
    const { portal } = await started();
    const other = { folder: path.join(temporaryFolder(), "other") };
    await portal.repeat("CreateAccount", other);
    const fresh = machine();
    await fresh.ok("profile create --no-passphrase");
    let within: Outcome | undefined;
    portal.lie = {
      answer: async (transaction) => {
        if (transaction !== "Get") return undefined;
        portal.lie = undefined;
        const { shown } = portal;
        portal.shown = other;
        within = await fresh.run("account status alice@example.com --portal", portal.url);
        portal.shown = shown;
        return undefined;
      },
    };
    const outcome = await fresh.run("account status alice@example.com --portal", portal.url);
    expect(within?.status).toBe(0);
    expect(outcome).toMatchObject({ status: 7, code: "log-key-changed" });
    expect((await verdict(fresh)).at("kind")).toBe("log-key-changed");
  });

  test("denies what it has acknowledged", async () => {
    const { portal, laptop } = await started();
    portal.lie = {
      answer: (transaction, answer) => {
        if (transaction === "Publish") delete answer["Proofs"];
        return undefined;
      },
    };
    const outcome = await laptop.run("device rename laptop desk");
    expect(outcome).toMatchObject({ status: 7, code: "proof-missing" });
  });
});
