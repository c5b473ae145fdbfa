import { describe, expect, test } from "vitest";
import { connected, filePortal, put, TIME, withAccount, type Machine } from "../support/cli.js";
import { AUTHORITY, OPENPGP } from "../support/mail-keys.js";

const ROOT = "MDDK-7N6A-727A-JZNO-STRX-XKS7-DJAF";

/** A machine with the settings of one network. */
const withNetwork = async (): Promise<Machine> => {
  const laptop = await withAccount(filePortal());
  put(laptop, "list.bin", "trust");
  await laptop.ok(
    "network set office --site *.corp.example.com --site intranet.example.com --prefix corp.example.com --ctl list.bin",
    ...["--dns", "192.0.2.53", "--dns", "[2001:db8::53]:5353", "--dns", "https://dns.example.com/dns-query"],
    ...["--web-pki", ROOT],
  );
  return laptop;
};

const shown = async (of: Machine, name = "office"): Promise<Record<string, unknown>> =>
  ((await of.ok("network show", name)).json as { network: Record<string, unknown> }).network;

describe("network settings", () => {
  test("are kept whole, and shown with the names of the specification", async () => {
    const laptop = await withNetwork();
    expect(await shown(laptop, "Office")).toEqual({
      id: expect.stringMatching(/^[A-Za-z0-9_-]{22}$/),
      name: "office",
      sites: ["*.corp.example.com", "intranet.example.com"],
      dns: [
        { server: "192.0.2.53", hasPassword: false },
        { server: "2001:db8::53", port: 5353, hasPassword: false },
        { uri: "https://dns.example.com/dns-query", hasPassword: false },
      ],
      prefix: ["corp.example.com"],
      ctl: "dHJ1c3Q",
      webPki: [ROOT],
      updated: TIME,
      conflict: false,
      exposed: false,
    });
    const { stdout } = await laptop.text("network show office --format json");
    expect(JSON.parse(stdout)).toEqual({
      NetworkProfilePrivate: {
        Name: "office",
        Sites: ["*.corp.example.com", "intranet.example.com"],
        DNS: [
          { ServiceName: "192.0.2.53" },
          { ServiceName: "2001:db8::53", Port: 5353 },
          { URI: "https://dns.example.com/dns-query" },
        ],
        Prefix: ["corp.example.com"],
        CTL: "dHJ1c3Q",
        WebPKI: [ROOT],
      },
    });
    await laptop.with({ stdin: stdout.replace('"office"', '"home"') }).ok("network set home --from-file -");
    expect(await shown(laptop, "home")).toMatchObject({ name: "home", webPki: [ROOT] });
    expect((await laptop.text("network show office")).stdout).toContain("*.corp.example.com");
  });

  test("change where options say so", async () => {
    const laptop = await withNetwork();
    const before = await shown(laptop);
    put(laptop, "root.pem", AUTHORITY);
    const set = await laptop.ok(
      "network set office --dns 192.0.2.54:53 --web-pki-certificate root.pem --clear ctl --clear site",
    );
    expect(set.json).toEqual({
      application: {
        identifier: expect.stringMatching(/^M[A-Z2-7-]{33}$/) as string,
        name: "networks",
        type: "NetworkProfile",
      },
      network: { id: before["id"], name: "office" },
      changed: true,
      synced: true,
      conflict: false,
    });
    const { ctl: _, ...rest } = before;
    expect(await shown(laptop)).toEqual({
      ...rest,
      sites: [],
      dns: [{ server: "192.0.2.54", port: 53, hasPassword: false }],
      webPki: [expect.stringMatching(/^M/)],
      updated: TIME,
    });
    expect((await laptop.ok("network set office --dns 192.0.2.54:53")).json).toMatchObject({ changed: false });
  });

  test("keep secrets to those who ask for them", async () => {
    const laptop = await withNetwork();
    put(laptop, "vpn.json", '{"DNS": [{"ServiceName": "dns.example.com", "Password": "secret"}], "Future": [1]}');
    await laptop.ok("network set vpn --from-file vpn.json");
    expect((await laptop.text("network show vpn --format json")).stdout).not.toContain("secret");
    expect((await laptop.text("network show vpn --format json")).stdout).toContain("Future");
    expect((await laptop.text("network show vpn --format json --show-passwords")).stdout).toContain("secret");
    expect((await laptop.ok("network show vpn")).stdout).not.toContain("secret");
    expect((await laptop.ok("network show vpn --show-passwords")).stdout).toContain("secret");
  });

  test("are on every device, and go from all", async () => {
    const laptop = await withNetwork();
    const phone = await connected(laptop);
    expect((await phone.run("network set home --dns 192.0.2.1 --offline")).code).toBe("application-not-found");
    await phone.ok("sync");
    await phone.ok("network set home --dns 192.0.2.1 --offline");
    expect((await phone.ok("network list --offline")).json).toMatchObject({
      networks: [{ name: "home" }, { name: "office" }],
      waiting: 1,
    });
    await phone.ok("sync");
    expect(await shown(laptop, "home")).toMatchObject({ name: "home" });
    expect((await laptop.run("network remove home")).code).toBe("input-required");
    expect((await laptop.ok("network remove home --yes")).json).toMatchObject({ network: { name: "home" } });
    expect((await laptop.text("network list")).stdout).not.toContain("home");
    const missing = await laptop.run("network show home");
    expect([missing.code, missing.at("error", "hint")]).toEqual([
      "entry-not-found",
      expect.stringContaining("network list"),
    ]);
  });
});

test("what cannot be is refused, and makes no application", async () => {
  const laptop = await withAccount(filePortal());
  put(laptop, "none.json", "nothing");
  put(laptop, "wrong.json", '{"Sites": "all"}');
  put(laptop, "other.json", '{"Name": "home"}');
  put(laptop, "key.asc", OPENPGP);
  put(laptop, "large.bin", "x".repeat(30_000));
  for (const [line, code] of [
    ["network set office", "usage"],
    ["network set office --clear name", "usage"],
    ["network set office --dns 192.0.2.1:0", "usage"],
    ["network set office --dns 192.0.2.1:99999", "usage"],
    ["network set office --web-pki MDDK", "fingerprint-invalid"],
    ["network set office --web-pki-certificate key.asc", "import-invalid"],
    ["network set office --ctl large.bin", "too-large"],
    ["network set office --ctl missing.bin", "file-unreadable"],
    ["network set office --from-file none.json", "import-invalid"],
    ["network set office --from-file wrong.json", "import-invalid"],
    ["network set office --from-file other.json", "import-invalid"],
    ["network show office --format mutt", "usage"],
    ["network show office", "application-not-found"],
    ["network list", "application-not-found"],
    ["network remove office --yes", "application-not-found"],
  ] as const) {
    expect([line, (await laptop.run(line)).code]).toEqual([line, code]);
  }
  for (const [words, option] of [
    [["x".repeat(65), "--dns", "192.0.2.1"], "<name>"],
    [["office", "--dns", "192.0.2.1:99999"], "--dns"],
    [["office", "--dns", "192.0.2.1 192.0.2.2"], "--dns"],
    [["office", "--site", "x".repeat(300)], "--site"],
    [["office", "--prefix", "a\u001bb"], "--prefix"],
  ] as const) {
    const outcome = await laptop.run("network set", ...words);
    expect(outcome.code).toBe("usage");
    expect(outcome.at("error", "message")).toContain(option);
  }
  expect((await laptop.ok("app list")).json).toMatchObject({ applications: [] });
});
