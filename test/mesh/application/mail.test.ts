import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { ConnectionSchema, withoutPassword } from "../../../src/mesh/application/connection.js";
import { readCertificates, readOpenPgp } from "../../../src/mesh/application/mail-keys.js";
import {
  defaultAccount,
  foldAddress,
  MAIL,
  MailSchema,
  withoutPasswords,
  type MailValue,
} from "../../../src/mesh/application/mail.js";
import { muttSettings, muttWord, shellWord } from "../../../src/mesh/application/mutt.js";
import { foldName, NETWORK, NetworkSchema } from "../../../src/mesh/application/network.js";
import { utf8 } from "../../../src/mesh/bytes.js";
import { CERTIFICATE, OPENPGP } from "../../support/mail-keys.js";

const connection = {
  ServiceName: "imap.example.com",
  Port: 993,
  Prefix: "_imaps._tcp",
  Security: ["Direct", "Upgrade", "None"] as ("Direct" | "Upgrade" | "None")[],
  UserName: "alice",
  Password: "correct horse",
  URI: "imaps://imap.example.com/",
  Authentication: "SCRAM-SHA-256 PLAIN",
  TimeOut: 30,
  Polling: true,
};
const account: MailValue = {
  EmailAddress: "Alice@example.com",
  ReplyToAddress: "replies@example.com",
  DisplayName: "Alice Example",
  AccountName: "Work",
  Inbound: [connection, { ServiceName: "pop.example.com" }],
  Outbound: [{ ServiceName: "smtp.example.com", Port: 587, Security: ["Upgrade"], Password: "battery staple" }],
};

describe("a connection", () => {
  test("has the members of the specification, and keeps others", () => {
    expect(v.parse(ConnectionSchema, connection)).toEqual(connection);
    expect(v.parse(ConnectionSchema, { ...connection, New: [1] })).toMatchObject({ New: [1] });
    expect(v.parse(ConnectionSchema, {})).toEqual({});
    expect(withoutPassword(connection)).not.toHaveProperty("Password");
  });

  test.each([
    ["a port of zero", { Port: 0 }],
    ["a port beyond 65535", { Port: 65_536 }],
    ["a port in words", { Port: "993" }],
    ["another way to secure it", { Security: ["TLS"] }],
    ["none at all", { Security: [] }],
    ["a server without a name", { ServiceName: "" }],
    ["a password of two lines", { Password: "a\nb" }],
    ["a server with an escape", { ServiceName: "a\u001b[2Jb" }],
    ["a timeout before now", { TimeOut: -1 }],
    ["a text for yes", { Polling: "yes" }],
    ["a very long password", { Password: "x".repeat(1025) }],
  ])("does not have %s", (_, members) => {
    expect(v.is(ConnectionSchema, { ...connection, ...members })).toBe(false);
  });
});

describe("a mail account", () => {
  test("is found by its address, however it is written", () => {
    expect(v.parse(MailSchema, account)).toEqual(account);
    expect(MAIL.label(account)).toEqual([foldAddress("alice@EXAMPLE.com ")]);
    expect(v.is(MailSchema, { ...account, EmailAddress: undefined })).toBe(false);
    expect(v.is(MailSchema, { ...account, EmailAddress: "a\nb@example.com" })).toBe(false);
  });

  test("says what is secret in it, and is shown without", () => {
    expect(MAIL.secrets?.(account)).toEqual(["correct horse", "battery staple"]);
    expect(MAIL.secrets?.(withoutPasswords(account))).toEqual([]);
    expect(withoutPasswords({ EmailAddress: "a@example.com" })).toEqual({ EmailAddress: "a@example.com" });
  });

  const pgp = readOpenPgp(utf8(OPENPGP));
  const { key: smime } = readCertificates(utf8(CERTIFICATE));
  const keyed: MailValue = { ...account, Encrypt: [smime, pgp] };
  const other: MailValue = { EmailAddress: "zoe@example.com", Encrypt: [pgp] };
  const bare: MailValue = { EmailAddress: "aaron@example.com" };

  test("publishes its public keys, and nothing else", () => {
    expect(MAIL.publicMembers?.([keyed])).toEqual({
      EncryptionPGP: pgp,
      EncryptionSMIME: smime,
      Accounts: undefined,
    });
    const none = { EncryptionPGP: undefined, EncryptionSMIME: undefined, Accounts: undefined };
    expect(MAIL.publicMembers?.([account, bare])).toEqual(none);
    expect(MAIL.publicMembers?.([])).toEqual(none);
  });

  test("is the default one where it says so, or is the first", () => {
    expect(defaultAccount([other, keyed])).toBe(keyed);
    expect(defaultAccount([])).toBeUndefined();
    const chosen: MailValue = { ...other, Default: true };
    expect(defaultAccount([keyed, chosen, bare])).toBe(chosen);
    const published = {
      EncryptionPGP: pgp,
      EncryptionSMIME: undefined,
      Accounts: [{ EmailAddress: "Alice@example.com", EncryptionPGP: pgp, EncryptionSMIME: smime }],
    };
    // In whatever order they are: devices must agree.
    expect(MAIL.publicMembers?.([keyed, chosen, bare])).toEqual(published);
    expect(MAIL.publicMembers?.([bare, chosen, keyed])).toEqual(published);
  });
});

describe("network settings", () => {
  const settings = {
    Name: "Office",
    Sites: ["*.example.com"],
    DNS: [{ ServiceName: "192.0.2.53", Password: "secret" }],
    Prefix: ["example.com"],
    CTL: "AAAA",
    WebPKI: ["MDDK-7N6A-727A-JZNO-STRX-XKS7-DJAF"],
  };

  test("have the members of the specification, and a name", () => {
    expect(v.parse(NetworkSchema, { ...settings, New: 1 })).toEqual({ ...settings, New: 1 });
    expect(NETWORK.label(settings)).toEqual([foldName(" office")]);
    expect(NETWORK.secrets?.(settings)).toEqual(["secret"]);
  });

  test.each([
    ["no name", { Name: undefined }],
    ["an empty list", { Sites: [] }],
    ["a name that ends a line", { Sites: ["a\nb"] }],
    ["a list that is not base64url", { CTL: "A" }],
    ["a fingerprint that is none", { WebPKI: ["x"] }],
  ])("do not have %s", (_, members) => {
    expect(v.is(NetworkSchema, { ...settings, ...members })).toBe(false);
  });
});

describe("settings for mutt", () => {
  const command = (direction: string) => ({ command: `meshman mail show --password ${direction} x` });
  const settingsOf = (
    value: MailValue,
    given: (direction: string) => { text: string } | { command: string } | undefined,
  ) => muttSettings(value, { secret: (direction) => given(direction) }).split("\n");

  test("say who it is and where mail comes from and goes to", () => {
    expect(settingsOf(account, command)).toEqual([
      "set from='Alice@example.com'",
      "set use_from=yes",
      "set realname='Alice Example'",
      "my_hdr Reply-To: replies@example.com",
      "set folder='imaps://alice@imap.example.com:993/'",
      "set spoolfile='+INBOX'",
      "set imap_user='alice'",
      'set imap_pass="`meshman mail show --password inbound x`"',
      "set imap_authenticators='scram-sha-256:plain'",
      "set connect_timeout=30",
      "set smtp_url='smtp://smtp.example.com:587/'",
      'set smtp_pass="`meshman mail show --password outbound x`"',
      "set ssl_starttls=yes",
      "set ssl_force_tls=yes",
      "",
    ]);
    expect(settingsOf({ EmailAddress: "a@example.com" }, command)).toEqual([
      "set from='a@example.com'",
      "set use_from=yes",
      "",
    ]);
  });

  test("know what a connection leaves unsaid", () => {
    const inbound = (Inbound: MailValue["Inbound"]) =>
      settingsOf({ EmailAddress: "a@example.com", Inbound }, () => undefined);
    expect(inbound([{ ServiceName: "mail.example.com", Port: 995 }])).toContain(
      "set spoolfile='pops://mail.example.com:995/'",
    );
    expect(inbound([{ ServiceName: "mail.example.com", Prefix: "_pop3._tcp", UserName: "a b" }])).toContain(
      "set pop_host='pop://a%20b@mail.example.com'",
    );
    expect(inbound([{ URI: "imaps://mail.example.com:1993/" }])).toContain(
      "set folder='imaps://mail.example.com:1993/'",
    );
    expect(inbound([{ ServiceName: "2001:db8::1", Port: 143 }])).toContain("set folder='imap://[2001:db8::1]:143/'");
    expect(inbound([{ ServiceName: "mail.example.com", Security: ["None"] }]).slice(-3)).toEqual([
      "set ssl_starttls=no",
      "set ssl_force_tls=no",
      "",
    ]);
    expect(inbound([{ UserName: "nowhere" }]).join()).not.toContain("imap_user");
    expect(inbound([{ URI: "not a uri" }]).join()).not.toContain("folder");
    const mixed = settingsOf(
      {
        EmailAddress: "a@example.com",
        Inbound: [{ ServiceName: "x", Security: ["None"] }],
        Outbound: [{ ServiceName: "y", Port: 465 }],
      },
      () => ({ text: "p" }),
    );
    expect(mixed).toEqual(
      expect.arrayContaining([
        "set smtp_url='smtps://y:465/'",
        "set smtp_pass='p'",
        "set ssl_starttls=yes",
        "set ssl_force_tls=no",
      ]),
    );
  });

  test("take every text for what it is", () => {
    // mutt 2.2 reads each of these back as the text that it was.
    expect(muttWord("a'b\"c$HOME`id`\\d;e #f")).toBe(`'a'"'"'b"c$HOME\`id\`\\d;e #f'`);
    expect(muttWord("")).toBe("''");
    expect(shellWord("plain-word_1.2:/x@y")).toBe("plain-word_1.2:/x@y");
    expect(shellWord('a b"c$d`e\\f')).toBe('"a b\\"c\\$d\\`e\\\\f"');
    expect(shellWord("")).toBe('""');
    const value = { EmailAddress: "o'b@example.com", ReplyToAddress: "o'r`x$y#z;w@example.com" };
    expect(settingsOf(value, command)).toContain("my_hdr Reply-To: o\\'r\\`x\\$y\\#z\\;w@example.com");
  });
});
