import * as v from "valibot";
import { rowOf } from "../../src/cli/application/segments.js";
import {
  entrySize,
  MAX_ENTRY,
  readEntries,
  StoredEntrySchema,
  type Edit,
  type StoredEntry,
} from "../../src/mesh/application/entry.js";
import { createHead, newIdentifier, openHead, readHead, verifyHead } from "../../src/mesh/application/head.js";
import { APPLICATION_TYPES, type ApplicationKind, type ApplicationType } from "../../src/mesh/application/kind.js";
import { MAIL } from "../../src/mesh/application/mail.js";
import { applyEdits } from "../../src/mesh/application/merge.js";
import { muttSettings } from "../../src/mesh/application/mutt.js";
import { NETWORK } from "../../src/mesh/application/network.js";
import { PASSWORDS } from "../../src/mesh/application/password/kind.js";
import { createSegment, openSegment, readSegment } from "../../src/mesh/application/segment.js";
import { hostOf, SSH } from "../../src/mesh/application/ssh/kind.js";
import { ed25519Text } from "../../src/mesh/application/ssh/public-key.js";
import { sshConfig } from "../../src/mesh/application/ssh/config.js";
import { knownHostsLines } from "../../src/mesh/application/ssh/known-hosts.js";
import { hkdfSync } from "node:crypto";
import { encodeBase64url, utf8 } from "../../src/mesh/bytes.js";
import { encryptDirect, recordHash, signRecord, type SignedRecord } from "../../src/mesh/jose.js";
import { parseStrictJson } from "../../src/mesh/json.js";
import { encryptTo } from "../../src/mesh/jwe.js";
import { nextPersonal } from "../../src/mesh/profile.js";
import type { Target } from "./engine.js";
import { anyValue, mutateText, mutateValue } from "./mutate.js";
import { forge, NOW, payloadTextOf, stream, type Person } from "./person.js";
import type { Random } from "./random.js";
import { RECORD_CODES, recordInput } from "./records.js";

const TIME = "2026-03-04T05:06:07Z";
const random = stream("application fuzz");
const KEY = random(32);

/** Values of every kind that have all that a value can have. */
const seedValues = (person: Person): Readonly<Record<ApplicationType, readonly object[]>> => {
  const { signatureKey } = person.phone.device;
  const connection = {
    ServiceName: "imap.example.com",
    Port: 993,
    Prefix: "_imaps._tcp",
    Security: ["Direct", "Upgrade"],
    UserName: "alice",
    Password: "it's $ecret",
    URI: "imaps://alice@imap.example.com:993/",
    Authentication: "plain login",
    TimeOut: 30,
    Polling: true,
  };
  const key = { UDF: person.first.udf, OpenPGP: "mDME", X509Certificate: "MIIB", X509Chain: ["MIIB"] };
  return {
    PasswordProfile: [
      {
        Sites: ["example.com", "*.example.org:8443"],
        Username: "alice",
        Password: "secret",
        Title: "Übung",
        Notes: "two\nlines",
        OTP: { Secret: "JBSWY3DPEHPK3PXP", Algorithm: "SHA256", Digits: 8, Period: 60, Issuer: "x", Account: "y" },
        Labels: ["work"],
        Earlier: [{ Password: "old", Until: TIME }],
        Created: TIME,
        Changed: TIME,
        URIs: ["https://example.com/login"],
        Bitwarden: { favorite: true, fields: [{ name: "a", value: "b", type: 0 }] },
      },
    ],
    SSHProfile: [
      {
        Kind: "Device",
        DeviceUDF: person.phone.device.udf,
        KeyUDF: signatureKey.udf,
        PublicKey: ed25519Text(signatureKey),
        Name: "phone",
        Created: TIME,
      },
      {
        Kind: "Host",
        Names: ["server", "192.0.2.1"],
        HostKeys: [ed25519Text(signatureKey)],
        HostName: "server.example.com",
        User: "alice",
        Port: 2222,
        ProxyJump: "jump.example.com,bob@[2001:db8::1]:22",
        Options: { Compression: "yes", ConnectTimeout: 10, ServerAliveInterval: 0 },
      },
    ],
    MailProfile: [
      {
        EmailAddress: "alice@example.com",
        ReplyToAddress: "reply@example.com",
        DisplayName: "Alice `x` \\ 'y'",
        AccountName: "home",
        Inbound: [connection],
        Outbound: [{ ...connection, ServiceName: "2001:db8::1", Prefix: "_submission._tcp", Port: 587 }],
        Sign: [key],
        Encrypt: [key],
        Default: true,
      },
    ],
    NetworkProfile: [
      {
        Name: "office",
        Sites: ["*.example.com"],
        DNS: [connection, { URI: "https://dns.example/dns-query" }],
        Prefix: ["example.com"],
        CTL: "MIIB",
        WebPKI: [person.first.udf],
      },
    ],
  };
};

const kindOf = (type: ApplicationType): ApplicationKind<object> =>
  ({ PasswordProfile: PASSWORDS, SSHProfile: SSH, MailProfile: MAIL, NetworkProfile: NETWORK })[
    type
  ] as unknown as ApplicationKind<object>;

/** Everything that is made of values once they have been read. */
const useValues = (kind: ApplicationKind<object>, values: readonly object[]): void => {
  for (const value of values) {
    kind.label(value);
    kind.secrets?.(value);
    const account = v.safeParse(MAIL.schema, value);
    if (kind.type === "MailProfile" && account.success) {
      const text = muttSettings(account.output, {
        secret: (_, { Password: text }) => (text === undefined ? undefined : { text }),
      });
      if (/[\u0000-\u0009\u000b-\u001f\u007f]/.test(text)) throw new Error("A control character in a muttrc.");
    }
    const host = kind.type === "SSHProfile" ? hostOf(value) : undefined;
    if (!host) continue;
    const lines = [sshConfig([host], { agent: '"/a"', knownHosts: '"/b"' }), ...knownHostsLines(host)].join("\n");
    if (/[^ -~\n]/.test(lines)) throw new Error("More than plain text in a file of OpenSSH.");
  }
  kind.publicMembers?.(values);
};

/** What stands in a record. */
const payloadOf = (record: SignedRecord, type: string): object =>
  (JSON.parse(payloadTextOf(record)) as Record<string, object>)[type] ?? {};

const pair = (one: number, other: number): string => encodeBase64url(Buffer.of(0, 0, 0, 0, 0, 0, one, other));
const idOf = (number: number): string => encodeBase64url(Buffer.alloc(16, number));

/** Heads, segments and entries of applications, as any portal and any device may give them. */
export const applicationTargets = async (person: Person): Promise<readonly Target[]> => {
  const { admin, phone, first, master } = person;
  const values = seedValues(person);
  const device = phone.device.udf;
  const both = [admin.device.udf, device];
  const entries = APPLICATION_TYPES.map((Type) => ({
    Identifier: newIdentifier(random),
    Type,
    Friendly: Type,
    AdminDeviceUDF: both,
    DecryptDeviceUDF: both,
  }));
  const owner = nextPersonal(admin.keys.online, first, { applications: entries }, NOW);
  const storedOf = (type: ApplicationType): StoredEntry[] =>
    values[type].map((Value, index) => ({
      Id: idOf(index),
      Stamp: pair(1, index),
      Updated: TIME,
      Device: device,
      Replaces: [pair(0, index)],
      Value: { ...Value },
      Others: [
        { Stamp: pair(2, index), Updated: TIME, Device: admin.device.udf, Value: { ...Value, More: 1 } },
        { Stamp: pair(3, index), Updated: TIME },
      ],
      Exposed: [0, 1],
    }));
  const made = await Promise.all(
    entries.map(async (entry) => {
      const of = { type: entry.Type, identifier: entry.Identifier, owner: owner.udf };
      const segment = await createSegment(
        phone.keys.signature,
        of,
        newIdentifier(random),
        storedOf(entry.Type),
        KEY,
        NOW,
      );
      const exposures = [{ DeviceUDF: device, Name: "phone", Time: TIME }];
      const content = { ...of, owner, entry, key: KEY, exposures, entries: 1, segments: [segment] };
      return { entry, of, segment, head: await createHead(phone.keys.signature, content, NOW) };
    }),
  );
  const secretOf = ({ of }: (typeof made)[number]): object => ({
    [`${of.type}Private`]: {
      Type: of.type,
      Identifier: of.identifier,
      Owner: of.owner,
      Key: encodeBase64url(KEY),
      Exposures: [{ DeviceUDF: device, Name: "phone", Time: TIME }],
      Entries: 1,
    },
  });
  const contentOf = ({ of, segment }: (typeof made)[number]): object => ({
    SegmentProfilePrivate: {
      Type: of.type,
      Identifier: segment.identifier,
      Owner: of.owner,
      Head: of.identifier,
      Entries: storedOf(of.type),
    },
  });
  const pickText = (random: Random, value: object): string =>
    random.chance(0.3) ? mutateText(random, JSON.stringify(value)) : JSON.stringify(mutateValue(random, value));

  return [
    {
      name: "head",
      weight: 20_000,
      codes: [...RECORD_CODES, "application-signer", "application-recipient", "decryption-failed"],
      make: (random) => {
        const index = random.below(made.length);
        const one = made[index]!;
        return random.chance(0.5)
          ? { index, head: recordInput(random, { record: one.head.record, key: phone.keys.signature }, []) }
          : { index, secret: pickText(random, secretOf(one)) };
      },
      read: async (input) => {
        const { index, head: altered, secret } = input as { index: number; head?: unknown; secret?: string };
        const one = made[index]!;
        const payload = payloadOf(one.head.record, one.of.type);
        const record =
          secret === undefined
            ? altered
            : forge(
                one.of.identifier,
                JSON.stringify({
                  [one.of.type]: {
                    ...payload,
                    EncryptedData: await encryptTo(utf8(secret), [
                      phone.device.encryptionKey,
                      ...owner.master.escrowKeys,
                    ]),
                  },
                }),
                phone.keys.signature,
              );
        const head = readHead(record);
        verifyHead(head, owner, one.entry, NOW);
        if (head.owner !== owner.udf || head.identifier !== one.of.identifier) throw new Error("Another application.");
        for (const key of [phone.keys.encryption, master.escrow]) {
          const opened = await openHead(head, key);
          if (opened.key.length !== 32) throw new Error("Not an application key.");
        }
      },
    },
    {
      name: "segment",
      weight: 20_000,
      codes: [...RECORD_CODES, "application-segment"],
      make: (random) => {
        const index = random.below(made.length);
        const one = made[index]!;
        return random.chance(0.4)
          ? { index, record: recordInput(random, { record: one.segment.record, key: phone.keys.signature }, []) }
          : { index, content: pickText(random, contentOf(one)) };
      },
      read: async (input) => {
        const { index, record: altered, content } = input as { index: number; record?: unknown; content?: string };
        const { of, segment } = made[index]!;
        let value = altered;
        let named = segment.hash;
        if (content !== undefined) {
          const key = new Uint8Array(
            hkdfSync("sha512", KEY, utf8(segment.identifier), utf8("mmm/application/segment"), 32),
          );
          const payload = payloadOf(segment.record, "SegmentProfile");
          const EncryptedData = await encryptDirect(utf8(content), key);
          const signed: SignedRecord = signRecord(
            segment.identifier,
            "SegmentProfile",
            { ...payload, EncryptedData },
            phone.keys.signature,
          );
          [value, named] = [signed, recordHash(signed)];
        } else if (recordHash(readSegment(value).record) !== named && altered !== undefined) {
          // Whose hash a head names, its form counts all the same.
          named = readSegment(value).hash;
        }
        const reference = { identifier: segment.identifier, hash: named };
        const entriesIn = await openSegment(value, { ...of, segments: [reference] }, KEY);
        const kind = kindOf(of.type);
        for (const entry of entriesIn) {
          if (entrySize(entry) > MAX_ENTRY) throw new Error("A larger entry than there may be.");
          JSON.stringify(rowOf(kind, entry));
        }
        const read = readEntries(kind, entriesIn);
        useValues(
          kind,
          read.entries.map((entry) => entry.value),
        );
      },
    },
    {
      name: "entries",
      weight: 20_000,
      codes: ["json-invalid"],
      make: (random) => {
        const type = random.pick(APPLICATION_TYPES);
        const stored = storedOf(type);
        // Of each entry one, as a queue has them once those that build on each other are joined.
        const edit = (number: number): unknown => {
          const isRemoval = random.chance(0.3);
          return {
            id: idOf(number),
            base: isRemoval || random.chance(0.6) ? pair(random.below(4), number) : undefined,
            stamp: pair(random.below(6), number),
            updated: TIME,
            device,
            value: isRemoval ? undefined : mutateValue(random, random.pick(values[type])),
            ...(random.chance(0.3) && { settles: [pair(random.below(4), number)] }),
          };
        };
        return {
          type,
          stored: random.chance(0.1) ? anyValue(random) : mutateValue(random, stored),
          edits: [0, 1, 2].filter(() => random.chance(0.5)).map(edit),
        };
      },
      read: (input) => {
        // Nothing gets here but by JSON that was read strictly.
        const given = parseStrictJson(JSON.stringify(input));
        const { type, stored, edits } = given as { type: ApplicationType; stored: unknown; edits: Edit[] };
        const read = v.safeParse(v.array(StoredEntrySchema), stored);
        if (!read.success) return;
        const kind = kindOf(type);
        const before = new Map(read.output.map((entry) => [entry.Id, entry]));
        const known = edits.filter(({ value }) => value === undefined || v.is(kind.schema, value));
        const merged = applyEdits(before, known);
        if (applyEdits(merged.entries, known).changed.size > 0) throw new Error("Edits that came twice changed more.");
        for (const entry of merged.entries.values()) {
          if (merged.changed.has(entry.Id) && !v.is(StoredEntrySchema, entry))
            throw new Error("Not an entry any more.");
        }
        const { entries: found } = readEntries(kind, merged.entries.values());
        useValues(
          kind,
          found.map((entry) => entry.value),
        );
      },
    },
  ];
};
