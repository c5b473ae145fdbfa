import {
  encodeBundleKey,
  newBundleId,
  openBundle,
  parseBundleKey,
  readBundle,
  sealBundle,
} from "../../src/keystore/bundle.js";
import { publicKeyOf } from "../../src/mesh/keys.js";
import {
  createDevice,
  createMaster,
  createPersonal,
  generateDeviceKeys,
  generateMasterKeys,
  recordTime,
} from "../../src/mesh/profile.js";
import { accountUdf, isUdf, parseUdf } from "../../src/mesh/udf.js";
import { decodeBase64url, encodeBase64url } from "../../src/mesh/bytes.js";
import { canonicalDomain, parseAddress } from "../../src/mesh/address.js";
import { escrowIdentifier } from "../../src/mesh/escrow.js";
import { encodePin, parsePin } from "../../src/mesh/invite.js";
import { parseStrictJson, parseStrictJsonOctets } from "../../src/mesh/json.js";
import { combineShares, parseShare, splitKey } from "../../src/mesh/shares.js";
import { findPortal } from "../../src/client/discovery.js";
import { parsePortal } from "../../src/client/target.js";
import { parseListen } from "../../src/portal/server.js";
import type { SrvRecord } from "../../src/deps.js";
import { ensure, textTarget, type Target } from "./engine.js";
import { mutateOctets, mutateText, mutateValue } from "./mutate.js";
import { NOW, stream } from "./person.js";
import { randomFor } from "./random.js";

const JSON_SEEDS = [
  '{"a":[1,-2.5e3,true,null,"x\\u00e9\\n\\\\\\""],"b":{"c":{},"d":[]}}',
  '{"Identifier":"MDDK-7N6A-727A-JZNO-STRX-XKS7-DJAF","SignedData":{"protected":"e30","payload":"","signature":"AA"}}',
  `${"[".repeat(64)}${"]".repeat(64)}`,
  '["\\ud83d\\ude00","\\u0000","\\\\","\\\\\\"",""]',
];

const UDFS = [
  "MDDK-7N6A-727A-JZNO-STRX-XKS7-DJAF",
  "mddk 7n6a 727a jzno strx xks7 djaf",
  "MB5S-R4AJ-3FBT-7NHO-T26Z-2E6Y-WFH4-XVNP-3NGI",
  "MAUQ-2VXH-NR5A-TZC3-J3KD",
];

const ADDRESSES = [
  "alice@example.com",
  "Bob.O'Neil+tag@Sub.Example.ORG",
  "jösé@bücher.example",
  "李@例え.jp",
  "a@xn--bcher-kva.example",
  "alice@127.0.0.1",
  "alice",
];

const PORTALS = [
  "https://portal.example",
  "https://portal.example:8443/.well-known/mmm/",
  "http://127.0.0.1:8080",
  "http://[::1]:80/",
  "http://localhost",
  "local",
  "file:portal.sqlite",
  "file:///var/lib/meshman/portal.sqlite",
];

const LISTENS = ["127.0.0.1:8080", "[::1]:0", "[fe80::1%eth0]:65535", "localhost:443", "0.0.0.0:1"];

const PORTAL_OPTIONS = { allowHttp: false, localPath: "/home/a/local.sqlite", cwd: "/home/a" };

const KEY = stream("escrow key")(16);
const IDENTIFIER = escrowIdentifier(KEY);
const SHARES = splitKey(KEY, 5, 3, IDENTIFIER, stream("shares"));
const OTHERS = splitKey(stream("other key")(16), 5, 3, "another identifier", stream("other shares"));

const PINS = ["one", "two", "three"].map((seed) =>
  encodePin({ pin: stream(seed)(16), profile: escrowIdentifier(KEY) }),
);

const BUNDLE_KEY = stream("bundle key")(32);
const BUNDLE_KEYS = ["bundle key", "another bundle key"].map((seed) => encodeBundleKey(stream(seed)(32)));

/** A bundle, and the fingerprint of the device in it. */
const BUNDLE = (() => {
  const device = (name: string) => {
    const keys = generateDeviceKeys(stream(name));
    return { keys, device: createDevice(keys, name, "Linux", NOW) };
  };
  const [admin, runner] = [device("bundle-admin"), device("bundle-runner")];
  const master = generateMasterKeys(stream("bundle master"));
  const content = { administrators: [admin.device], escrowKeys: [publicKeyOf(master.escrow)] };
  const account = "alice@example.com";
  const profile = createPersonal(
    admin.keys.online,
    createMaster(master.signature, content, NOW),
    { devices: [admin.device, runner.device], names: [accountUdf(account)] },
    NOW,
  );
  const bundle = { ...runner, profile, account, portal: "https://portal.example", created: recordTime(NOW) };
  const text = sealBundle(bundle, newBundleId(stream("bundle id")), BUNDLE_KEY, stream("bundle iv"));
  return { text, device: runner.device.udf };
})();

/** Text of our own formats, as people type it and others write it. */
export const textTargets: readonly Target[] = [
  textTarget("json", 120_000, ["json-invalid"], JSON_SEEDS, (input) => {
    const value = parseStrictJson(input);
    ensure(JSON.stringify(value) === JSON.stringify(JSON.parse(input)), "Another value than JSON.parse reads.");
  }),
  {
    name: "json-octets",
    weight: 40_000,
    codes: ["json-invalid"],
    make: (random) => mutateOctets(random, Buffer.from(random.pick(JSON_SEEDS))),
    read: (input) => parseStrictJsonOctets(input as Buffer),
  },
  textTarget("base64url", 100_000, ["record-invalid"], ["", "AA", "AAAA", "-_-_", "3q2-7w", "aGVsbG8"], (input) => {
    ensure(encodeBase64url(decodeBase64url(input)) === input, "It does not encode back.");
  }),
  textTarget("udf", 100_000, ["fingerprint-invalid"], UDFS, (input) => {
    const udf = parseUdf(input);
    ensure(isUdf(udf) && parseUdf(udf) === udf, "The canonical text is not canonical.");
  }),
  textTarget("share", 100_000, ["share-checksum", "share-invalid"], SHARES, (input) => {
    const { index, value } = parseShare(input);
    const known = parseShare(SHARES[index - 1] ?? "");
    ensure(known.value.equals(value), "A mistyped share was taken for another.");
  }),
  textTarget("pin", 100_000, ["pin-invalid"], PINS, (input) => {
    const read = parsePin(input);
    ensure(PINS.includes(encodePin(read)), "A mistyped PIN was taken for another.");
    ensure(isUdf(read.profile) && read.pin.length === 16, "It is no PIN.");
  }),
  textTarget("bundle-key", 60_000, ["bundle-key-invalid"], BUNDLE_KEYS, (input) => {
    ensure(BUNDLE_KEYS.includes(encodeBundleKey(parseBundleKey(input))), "A mistyped key was taken for another.");
  }),
  textTarget("bundle", 10_000, ["decryption-failed", "keystore-version"], [BUNDLE.text], (input) => {
    const { device } = openBundle(readBundle(Buffer.from(input), "bundle"), BUNDLE_KEY);
    ensure(device.udf === BUNDLE.device, "Another device came out.");
  }),
  {
    name: "shares",
    weight: 15_000,
    codes: ["share-checksum", "share-invalid", "share-duplicate", "share-mixed", "share-missing"],
    make: (random) =>
      Array.from({ length: random.below(6) }, () => {
        const share = random.pick(random.chance(0.9) ? SHARES : OTHERS);
        return random.chance(0.1) ? mutateText(random, share, SHARES) : share;
      }),
    read: (input) => {
      const { key } = combineShares((input as string[]).map(parseShare), escrowIdentifier);
      ensure(key.equals(KEY), "Another key came out.");
    },
  },
  {
    name: "shares-altered",
    weight: 10_000,
    codes: ["share-invalid", "share-duplicate", "share-mixed", "share-missing"],
    // Past the checksums, as no hand could alter them.
    make: (random) =>
      SHARES.slice(0, random.pick([3, 3, 4, 5]))
        .map(parseShare)
        .map((share) =>
          random.chance(0.5)
            ? share
            : random.chance(0.7)
              ? { ...share, value: random.octets(17) }
              : { ...share, index: 1 + random.below(32) },
        ),
    read: (input) => {
      const { key } = combineShares(input as ReturnType<typeof parseShare>[], escrowIdentifier);
      ensure(key.equals(KEY), "Another key came out.");
    },
  },
  textTarget("address", 100_000, ["address-invalid"], ADDRESSES, (input) => {
    const { account, user, domain } = parseAddress(input, "example.org");
    ensure(parseAddress(account).account === account, `Not canonical: ${account}`);
    ensure(account === `${user}@${domain}` && canonicalDomain(domain) === domain, `Not canonical: ${domain}`);
  }),
  textTarget("portal-url", 80_000, ["portal-invalid"], PORTALS, (input) => {
    const { url } = parsePortal(input, PORTAL_OPTIONS);
    ensure(parsePortal(url, PORTAL_OPTIONS).url === url, `What is remembered reads differently: ${url}`);
  }),
  textTarget("listen", 50_000, ["usage"], LISTENS, (input) => {
    const { host, port } = parseListen(input);
    ensure(host !== "" && port >= 0 && port < 65_536, "No such port.");
  }),
  {
    name: "srv",
    weight: 10_000,
    codes: ["portal-invalid", "portal-not-found"],
    make: (random) => ({
      domain: mutateText(random, "example.com"),
      records: mutateValue(random, [{ name: "portal.example.com", port: 443, priority: 1, weight: 5 }]),
    }),
    read: async (input) => {
      const { domain, records } = input as { domain: string; records: unknown };
      // The system's resolver gives lists of records, whatever the names in them.
      const isRecord = (value: unknown): value is SrvRecord =>
        typeof value === "object" &&
        value !== null &&
        typeof (value as SrvRecord).name === "string" &&
        ["port", "priority", "weight"].every((name) => Number.isInteger((value as Record<string, unknown>)[name]));
      const list = Array.isArray(records) ? records.filter(isRecord) : [];
      const canonical = canonicalDomain(domain);
      if (canonical === undefined) return;
      const random = randomFor(domain);
      await findPortal(
        { cwd: "/", random: (length) => random.octets(length), resolveSrv: () => Promise.resolve(list) },
        { address: { account: `a@${canonical}`, user: "a", domain: canonical }, allowHttp: false, localPath: "/local" },
      );
    },
  },
];
