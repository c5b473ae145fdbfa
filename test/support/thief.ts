import Database from "better-sqlite3";
import { openHead, readHead } from "../../src/mesh/application/head.js";
import { APPLICATION_TYPES, SEGMENT_TYPE } from "../../src/mesh/application/kind.js";
import { openSegment, readSegment } from "../../src/mesh/application/segment.js";
import { decodeBase64url } from "../../src/mesh/bytes.js";
import type { PrivateKey } from "../../src/mesh/keys.js";
import { listApplications, readCopy } from "../../src/keystore/application-store.js";
import { withSession } from "./applications.js";
import type { Machine } from "./cli.js";

/** Every key with which whoever has a device may try to read applications. */
export interface Loot {
  readonly encryption: readonly PrivateKey[];
  readonly application: readonly Buffer[];
}

/** Takes the keys of a machine: those of the device, master escrow keys that it keeps, and the keys of its applications. */
export const lootOf = (machine: Pick<Machine, "home" | "folder">): Promise<Loot> =>
  withSession(machine, async ({ context: { home }, keystore, state }) => ({
    encryption: keystore.facts.flatMap(({ kid, use }) =>
      use === "device-encryption" || use === "master-escrow" ? [keystore.get(kid, use)] : [],
    ),
    application: listApplications(home, state.udf).flatMap(({ identifier }) => {
      const copy = readCopy(home, keystore, state.udf, identifier);
      return copy ? [decodeBase64url(copy.key)] : [];
    }),
  }));

/** A record of an application as a portal keeps it, with the place at which it came. */
export interface Published {
  readonly tid: number;
  readonly kind: string;
  readonly record: unknown;
}

/** All heads and segments that ever came to a portal, oldest first. */
export const publishedAt = (file: string): Published[] => {
  const db = new Database(file, { readonly: true });
  try {
    const rows = db
      .prepare(
        "SELECT record.tid, record.kind, log.text FROM record JOIN log ON log.tid = record.tid WHERE record.type = ? ORDER BY record.tid",
      )
      .all("SignedApplicationProfile") as { tid: number; kind: string; text: string }[];
    return rows.map(({ tid, kind, text }) => ({
      tid,
      kind,
      record: (JSON.parse(text) as { SignedApplicationProfile: unknown }).SignedApplicationProfile,
    }));
  } finally {
    db.close();
  }
};

const tries = async (work: () => Promise<unknown>): Promise<boolean> => {
  try {
    await work();
    return true;
  } catch {
    return false;
  }
};

/** Those of some records that can be decrypted with a loot, and with every key that is found on the way. */
export const readableWith = async (loot: Loot, records: readonly Published[]): Promise<Published[]> => {
  const keys = [...loot.application];
  const readable: Published[] = [];
  for (const published of records.filter(({ kind }) => kind !== SEGMENT_TYPE)) {
    const head = readHead(published.record);
    for (const key of loot.encryption) {
      const isOpened = await tries(async () => keys.push((await openHead(head, key)).key));
      if (isOpened) readable.push(published);
    }
  }
  for (const published of records.filter(({ kind }) => kind === SEGMENT_TYPE)) {
    const { identifier, hash, head, owner, record } = readSegment(published.record);
    for (const type of APPLICATION_TYPES) {
      const of = { type, identifier: head, owner, segments: [{ identifier, hash }] };
      for (const key of keys) if (await tries(() => openSegment(record, of, key))) readable.push(published);
    }
  }
  return readable.filter((published, at) => readable.indexOf(published) === at);
};
