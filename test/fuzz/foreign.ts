import type { GenericSchema } from "valibot";
import { settingsFile } from "../../src/cli/mail/given.js";
import type { Context, Input } from "../../src/cli/context.js";
import { MailSchema } from "../../src/mesh/application/mail.js";
import { readCertificates, readOpenPgp } from "../../src/mesh/application/mail-keys.js";
import { NetworkSchema } from "../../src/mesh/application/network.js";
import { formatCsv, isFault, parseCsv } from "../../src/mesh/application/password/csv.js";
import { parseEnvFile } from "../../src/mesh/application/password/env-file.js";
import { queryFor } from "../../src/mesh/application/password/find.js";
import { FORMATS, leftOut, readFile, writeFile, type Format } from "../../src/mesh/application/password/formats.js";
import { formatCredential, parseCredential } from "../../src/mesh/application/password/git-credential.js";
import { planImport } from "../../src/mesh/application/password/import-plan.js";
import { otpCode, otpText, parseOtp } from "../../src/mesh/application/password/otp.js";
import {
  formatReference,
  parseReference,
  referencesIn,
  replaceReferences,
} from "../../src/mesh/application/password/reference.js";
import { canonicalSite, matchingSites } from "../../src/mesh/application/password/site.js";
import type { PasswordValue } from "../../src/mesh/application/password/value.js";
import { agentMessages, readAgentRequest, sessionBindings } from "../../src/mesh/application/ssh/agent-protocol.js";
import { installKeys, isAuthorized, refreshKeys } from "../../src/mesh/application/ssh/authorized-keys.js";
import { hostKeysIn, readKnownHostName, readKnownHosts } from "../../src/mesh/application/ssh/known-hosts.js";
import { ed25519Blob, ed25519Text, isSshSignature, readKeyText } from "../../src/mesh/application/ssh/public-key.js";
import { wireByte, wireString, wireUint32 } from "../../src/mesh/application/ssh/wire.js";
import { signMessage } from "../../src/mesh/jose.js";
import { generateKey, publicKeyOf } from "../../src/mesh/keys.js";
import { verbatim } from "../../src/messages/message.js";
import { parseWith } from "../../src/mesh/schema.js";
import { AUTHORITY, CERTIFICATE, OPENPGP, OPENPGP_SECRET } from "../support/mail-keys.js";
import { ensure, textTarget, type Target } from "./engine.js";
import { anyText, mutateOctets, mutateValue } from "./mutate.js";
import { NOW, stream } from "./person.js";

const VALUES: readonly PasswordValue[] = [
  {
    Sites: ["example.com", "*.example.org:8443"],
    Username: "alice",
    Password: 'a "secret", with\nlines',
    Title: "Title",
    Notes: "notes, in\r\ntwo lines",
    OTP: { Secret: "JBSWY3DPEHPK3PXP", Algorithm: "SHA256", Issuer: "a:b", Account: "alice" },
    Labels: ["work", "more"],
    Earlier: [{ Password: "old", Until: "2026-01-02T03:04:05Z" }],
    Created: "2026-01-01T00:00:00Z",
    Changed: "2026-01-02T03:04:05Z",
  },
  { Sites: ["example.net"], Username: "bob@example.net", Password: " x " },
  { Title: "A note", Notes: "nothing else" },
];

const FILES = FORMATS.map((format) => writeFile(format, VALUES));

const OTPS = [
  "JBSWY3DPEHPK3PXP",
  "otpauth://totp/Example:alice@example.com?secret=JBSWY3DPEHPK3PXP&issuer=Example&algorithm=SHA256&digits=8&period=60",
  "otpauth://hotp/x?secret=JBSWY3DPEHPK3PXP&counter=1",
  "steam://JBSWY3DPEHPK3PXP",
];

const REFERENCES = [
  "mesh://password/example.com",
  "mesh://password/example.com/alice/otp",
  "mesh://password/%C3%BC.example:8443//notes",
  "a {{ mesh://password/example.com/alice%40example.org }} b mesh://password/example.net. c",
];

const CREDENTIALS = [
  "protocol=https\nhost=git.example.com:8443\nusername=alice\npassword=x=y\n\n",
  "capability[]=authtype\nprotocol=http\nhost=[::1]\npath=a/b\nwwwauth[]=Basic\n",
];

const SITES = [
  "https://user@Login.Example.COM:8443/path?x#y",
  "*.example.com",
  "http://[2001:DB8::1]:80/",
  "bücher.example.",
  "192.0.2.1:22",
  "androidapp://com.example",
];

const ENV = ['# comment\nexport A=1\nB=\'two # 2\' # x\nC="a\\n\\"b\\""\nD=\n\nE = f\n'];

const KEYS = ["one", "two", "three"].map((name) => generateKey("device-signature", stream(`ssh ${name}`)));
const [ONE, TWO, GONE] = KEYS.map(publicKeyOf) as [
  ReturnType<typeof publicKeyOf>,
  ReturnType<typeof publicKeyOf>,
  ReturnType<typeof publicKeyOf>,
];
const PROFILE = "MDDK-7N6A-727A-JZNO-STRX-XKS7-DJAF";
const deviceOf = (name: string, key: typeof ONE) => ({ device: key.udf, name, key });
const CURRENT = [deviceOf("laptop", ONE), deviceOf("phone", TWO)];

const RSA =
  "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCaid3gzZ5Rbfofmez8oI3J9PcwGUv6kmV+g/PzynRFuGTjE0qdLnoN85omaNoS8BFevFlXTexY8EcZKfWKPNFJGsvdH2K8ihLokjhfoBI/OwD8WXfqINdLZYtLKI3ZJ1c9+pu6lKPuX6j2niY4TTWa7R/y+x1KtKKQM59J4xg1fl9hiCCQeRVAsMRAlNgL0BIFy10IVTro9xCxdiTwUPRNOGymOhnVe4GX1Chyj6m61ir6o8NAAGes6aLuTQ46iqsiLsfawkUIaT1ldc9cvt77bc9P6bUR0Cg0ETwcqt2g5tU/7qA7HFfNkWpm6mQ/ZkK1LDu5joSkCrEzERCBEmgZ rsa";
const ECDSA =
  "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBMCRUEv70LYF8cdS0NEeCIiVDFIFJnjyK6KPIzwaOIxOuNRZVi3SnbHhOx0t5JGOqQlXRL0F2yQGpDlTrIXdUz0= ec";
const PUBLIC_KEYS = [RSA, ECDSA, `${ed25519Text(ONE)} alice@laptop`];

const AUTHORIZED = [
  `# keys\n${RSA}\nfrom="*.example.com, \\"x\\"",no-pty ${ECDSA}\n`,
  `${installKeys("", PROFILE, [...CURRENT, deviceOf("gone", GONE)]).text}${ed25519Text(GONE)} by hand`,
];

const KNOWN_HOSTS = [
  `server,192.0.2.1 ${ed25519Text(ONE)}\n[server]:2222 ${ECDSA}\n@cert-authority *.example.com ${RSA}\n`,
  `|1|AAAAAAAAAAAAAAAAAAAAAAAAAAA=|BBBBBBBBBBBBBBBBBBBBBBBBBBA= ${ed25519Text(TWO)}\n# x\n`,
  PUBLIC_KEYS.join("\n"),
];

/** Messages of a client of an SSH agent. */
const AGENT = (() => {
  const blob = ed25519Blob(ONE.x);
  const session = stream("session")(32);
  const signature = Buffer.concat([wireString("ssh-ed25519"), wireString(signMessage(session, KEYS[0]!))]);
  const extension = (name: string, ...parts: Buffer[]): Buffer =>
    Buffer.concat([wireByte(27), wireString(name), ...parts]);
  return [
    wireByte(11),
    Buffer.concat([wireByte(13), wireString(blob), wireString("data"), wireUint32(0)]),
    extension("query"),
    extension("session-bind@openssh.com", wireString(blob), wireString(session), wireString(signature), wireByte(1)),
    Buffer.concat([wireByte(17), wireString("ssh-ed25519")]),
  ].map((message) => wireString(message));
})();

const SETTINGS = [
  {
    MailProfilePrivate: {
      EmailAddress: "alice@example.com",
      Inbound: [{ ServiceName: "imap.example.com", Port: 993, Security: ["Direct"], Password: "x" }],
      Encrypt: [{ UDF: PROFILE, OpenPGP: "mDME" }],
      Default: true,
    },
  },
  { EmailAddress: "alice@example.com", Outbound: [{ URI: "smtps://example.com", TimeOut: 5, Polling: false }] },
  {
    NetworkProfilePrivate: {
      Name: "office",
      Sites: ["*.example.com"],
      DNS: [{ ServiceName: "::1" }],
      WebPKI: [PROFILE],
    },
  },
  { Name: "office", CTL: "MIIB", Prefix: ["example.com"] },
];

/** A row of what was imported, as it is told from others. */
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Files and messages of other programs: those that hold passwords, those of OpenSSH, git, and programs for mail. */
export const foreignTargets: readonly Target[] = [
  {
    name: "import",
    weight: 40_000,
    codes: ["too-large"],
    make: (random) => {
      const file = random.pick(FILES);
      const isJson = file.startsWith("{");
      const format = random.chance(0.5) ? undefined : random.pick(FORMATS);
      if (random.chance(0.1)) return { format, octets: Buffer.from(anyText(random)) };
      const octets =
        isJson && random.chance(0.6)
          ? Buffer.from(JSON.stringify(mutateValue(random, JSON.parse(file))))
          : mutateOctets(random, Buffer.from(file));
      return { format, octets };
    },
    read: (input) => {
      const { octets, format } = input as { octets: Buffer; format: Format | undefined };
      const read = readFile(octets, format);
      if (isFault(read)) {
        const lines = octets.toString("latin1").split("\n").length;
        ensure(Number.isSafeInteger(read.line) && read.line >= 1 && read.line <= lines, `Line ${read.line}.`);
        return;
      }
      const values = read.imported.flatMap(({ value }) => (value ? [value] : []));
      const existing = VALUES.map((value, index) => ({ id: String(index), value }));
      const planned = planImport(existing, values, NOW);
      ensure(planned.length === values.length, "Something was lost.");
      for (const other of FORMATS) {
        leftOut(other, values);
        writeFile(other, values);
      }
      const again = readFile(Buffer.from(writeFile("bitwarden-json", values)), "bitwarden-json");
      ensure(!isFault(again), `What was written is not read: ${JSON.stringify(again)}`);
      const returned = isFault(again) ? [] : again.imported.flatMap(({ value }) => (value ? [value] : []));
      ensure(returned.length === values.length, "Something was lost in Bitwarden's form.");
      for (const [index, { Username, Password, Notes, Sites }] of values.entries()) {
        const now = returned[index] ?? {};
        ensure(same([Username, Password, Notes], [now.Username, now.Password, now.Notes]), "It came back otherwise.");
        ensure(same([...(Sites ?? [])].sort(), [...(now.Sites ?? [])].sort()), "Its sites came back otherwise.");
      }
    },
  },
  textTarget("csv", 40_000, [], FILES, (input) => {
    const rows = parseCsv(input);
    if (isFault(rows)) return;
    const again = parseCsv(formatCsv(rows.map(({ cells }) => cells)));
    ensure(
      !isFault(again) &&
        same(
          again.map(({ cells }) => cells),
          rows.map(({ cells }) => cells),
        ),
      "Other cells.",
    );
  }),
  textTarget("reference", 40_000, ["reference-unresolved"], REFERENCES, (given) => {
    // Files and arguments are UTF-8.
    const input = Buffer.from(given).toString();
    const found = referencesIn(input);
    ensure(replaceReferences(input, ({ text: whole }) => whole).length <= input.length, "It grew.");
    for (const each of found) {
      const { site, username, field } = parseReference(each.text);
      const again = parseReference(formatReference(site, username, field));
      ensure(same([again.site, again.username, again.field], [site, username, field]), "It does not come back.");
      queryFor(site, { username });
    }
    parseReference(input);
  }),
  textTarget("otpauth", 40_000, [], OTPS, (input) => {
    const otp = parseOtp(Buffer.from(input).toString());
    if (!otp) return;
    ensure(/^\d{6,8}$/.test(otpCode(otp, NOW).code), "Not a code.");
    ensure(same(parseOtp(otpText(otp)), otp), "It does not come back.");
  }),
  textTarget("git-credential", 30_000, [], CREDENTIALS, (input) => {
    const credential = parseCredential(input);
    const answer = credential && formatCredential(credential.username, credential.password ?? "");
    if (answer === undefined) return;
    ensure(parseCredential(answer)?.password === (credential?.password ?? ""), "git reads another password.");
  }),
  textTarget("site", 40_000, [], SITES, (input) => {
    const site = canonicalSite(input);
    if (site === undefined) return;
    ensure(canonicalSite(site) === site, `Not canonical: ${site}`);
    ensure(site.startsWith("*.") || matchingSites(site).has(site), "It does not match itself.");
  }),
  textTarget("env-file", 20_000, [], ENV, (input) => {
    const read = parseEnvFile(input);
    ensure("line" in read || read.variables.every(([, value]) => !value.includes("\0")), "An octet that ends it.");
  }),
  {
    name: "ssh-agent",
    weight: 40_000,
    codes: [],
    make: (random) => {
      const messages = Array.from({ length: 1 + random.below(4) }, () => {
        const message = random.pick(AGENT);
        if (random.chance(0.4)) return message;
        return random.chance(0.5)
          ? mutateOctets(random, message)
          : wireString(mutateOctets(random, message.subarray(4)));
      });
      return { octets: Buffer.concat(messages), piece: random.pick([1, 3, 7, 64, 4096]) };
    },
    read: (input) => {
      const { octets, piece } = input as { octets: Buffer; piece: number };
      const cut = (size: number): string => {
        const take = agentMessages();
        const all: string[] = [];
        for (let at = 0; at < octets.length; at += size) {
          const found = take(octets.subarray(at, at + size));
          if (!found) return [...all, "broken"].join();
          all.push(...found.map((message) => message.toString("hex")));
        }
        return all.join();
      };
      const whole = cut(octets.length + 1);
      const pieces = cut(piece);
      // Of what came in one piece with something broken nothing is answered.
      ensure(whole === pieces || (whole === "broken" && pieces.endsWith("broken")), "It depends on how it was cut.");
      const bindings = sessionBindings();
      for (const message of pieces.split(",").filter((each) => each !== "broken")) {
        const request = readAgentRequest(Buffer.from(message, "hex"));
        if (request.kind === "bind") bindings.bind(request.binding);
      }
    },
  },
  textTarget("public-key", 40_000, [], PUBLIC_KEYS, (input) => {
    const key = readKeyText(input);
    if (!key) return;
    ensure(readKeyText(`${key.type} ${key.blob.toString("base64")}`)?.type === key.type, "It does not come back.");
    isSshSignature(key.blob, Buffer.from("data"), Buffer.concat([wireString(key.type), wireString("x")]));
  }),
  textTarget("authorized-keys", 30_000, [], AUTHORIZED, (input) => {
    const { text: installed } = installKeys(input, PROFILE, CURRENT);
    ensure(
      CURRENT.every(({ key }) => isAuthorized(installed, key)),
      "A key was not added.",
    );
    ensure(installKeys(installed, PROFILE, CURRENT).text === installed, "It is added again and again.");
    const devices = {
      current: CURRENT,
      gone: [deviceOf("gone", GONE)],
      isCurrent: (device: string) => CURRENT.some((each) => each.device === device),
    };
    const { text: refreshed } = refreshKeys(input, PROFILE, devices);
    ensure(!isAuthorized(refreshed, GONE), "A key that has gone may still log in.");
    ensure(
      CURRENT.every(({ key }) => isAuthorized(refreshed, key)),
      "A current key may not log in.",
    );
    ensure(refreshKeys(refreshed, PROFILE, devices).text === refreshed, "It is not at its end.");
  }),
  textTarget("known-hosts", 30_000, [], KNOWN_HOSTS, (input) => {
    for (const { names, key } of readKnownHosts(input).hosts) {
      ensure(readKeyText(key) !== undefined, "It is no key.");
      for (const name of names) readKnownHostName(name);
    }
    hostKeysIn(input, { Names: ["server"], Port: 2222 });
  }),
  {
    name: "settings",
    weight: 30_000,
    codes: ["import-invalid", "too-large"],
    make: (random) => {
      const number = random.below(SETTINGS.length);
      const seed = SETTINGS[number];
      const octets = random.chance(0.7)
        ? Buffer.from(JSON.stringify(mutateValue(random, seed)))
        : mutateOctets(random, Buffer.from(JSON.stringify(seed)));
      return { isMail: number < 2, octets };
    },
    read: async (input) => {
      const { isMail, octets } = input as { isMail: boolean; octets: Buffer };
      // All that reading a file from standard input asks for.
      const context = { deps: { readStdin: () => Promise.resolve(Buffer.from(octets)) } } as unknown as Context;
      const given = { text: () => "-" } as unknown as Input;
      const name = isMail ? "MailProfilePrivate" : "NetworkProfilePrivate";
      const settings = await settingsFile(context, given, name);
      const schema: GenericSchema = isMail ? MailSchema : NetworkSchema;
      parseWith(schema, settings, "import-invalid", verbatim(name));
    },
  },
  {
    name: "mail-keys",
    weight: 20_000,
    codes: ["import-invalid", "too-large"],
    make: (random) => {
      const armored = random.pick([OPENPGP, OPENPGP_SECRET, CERTIFICATE, CERTIFICATE + AUTHORITY]);
      if (random.chance(0.5)) return mutateOctets(random, Buffer.from(armored));
      const [, body = ""] = /\n\n?([A-Za-z0-9+/=\n]+?)\n(?:=....\n)?-----END/.exec(armored) ?? [];
      return mutateOctets(random, Buffer.from(body, "base64"));
    },
    read: (input) => {
      const octets = input as Buffer;
      const isPgp = (octets[0] ?? 0) >= 0x80 || octets.includes("PGP");
      const key = isPgp ? readOpenPgp(octets) : readCertificates(octets).key;
      ensure((key.OpenPGP ?? key.X509Certificate) !== undefined, "There is no key.");
    },
  },
];
