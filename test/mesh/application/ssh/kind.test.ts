import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { configPath, sshConfig } from "../../../../src/mesh/application/ssh/config.js";
import { deviceEntryId, hostEntryId, SSH } from "../../../../src/mesh/application/ssh/kind.js";
import { ed25519Text } from "../../../../src/mesh/application/ssh/public-key.js";
import { publicKeyOf } from "../../../../src/mesh/keys.js";
import { PROFILE, sshKey } from "./support.js";

const key = publicKeyOf(sshKey("laptop"));
const DEVICE = {
  Kind: "Device",
  DeviceUDF: PROFILE,
  KeyUDF: key.udf,
  PublicKey: ed25519Text(key),
  Name: "laptop",
  Created: "2026-05-01T12:00:00Z",
};
const HOST = {
  Kind: "Host",
  Names: ["build", "build.example.com", "2001:db8::1"],
  HostKeys: [ed25519Text(key)],
  HostName: "10.0.0.7",
  User: "deploy",
  Port: 2222,
  ProxyJump: "me@bastion.example.com:22,[2001:db8::2]:2200",
  Options: { Compression: "yes", ServerAliveInterval: 30, AddressFamily: "inet" },
};

const takes = (value: unknown): boolean => v.safeParse(SSH.schema, value).success;

describe("an entry", () => {
  test("of a device, of a host, or of a kind to come is taken with members to come", () => {
    for (const value of [DEVICE, HOST, { Kind: "Certificate", Anything: 1 }]) {
      expect(v.parse(SSH.schema, { ...value, Later: [1] })).toEqual({ ...value, Later: [1] });
    }
  });

  test("of a device has the key that it says", () => {
    const other = publicKeyOf(sshKey("phone"));
    for (const change of [
      { PublicKey: ed25519Text(other) },
      { PublicKey: `${DEVICE.PublicKey} laptop` },
      { KeyUDF: other.udf },
      { DeviceUDF: "laptop" },
      { Created: "yesterday" },
    ]) {
      expect(takes({ ...DEVICE, ...change }), JSON.stringify(change)).toBe(false);
    }
  });

  test.each([
    [
      "Names",
      [[], ["*"], ["a b"], ["-oProxyCommand=x"], ['a"b'], ["a\nb"], ["a,b"], ["!a"], ["%h"], Array(17).fill("a")],
    ],
    ["HostName", ["-x", "a b", "%h", "$(x)", ""]],
    ["User", ["-l", "a b", "a;b", "$x", "a\nProxyCommand x", ""]],
    ["Port", [0, 65_536, 1.5, "22"]],
    ["ProxyJump", ["none ", "a b", "-x", "a,", "a;b", "a:b", Array(9).fill("a").join(",")]],
    ["HostKeys", [[], ["ssh-ed25519 AAAA"], [ed25519Text(key).slice(0, -4)]]],
    ["Options", [{ Compression: "maybe" }, { ServerAliveInterval: -1 }, { ConnectTimeout: "x" }]],
  ] as const)("of a host has no %s that OpenSSH would take for something else", (name, values) => {
    for (const value of values) expect(takes({ ...HOST, [name]: value }), JSON.stringify(value)).toBe(false);
  });

  test("is found by the fingerprint of its device or the names of its host", () => {
    expect(SSH.label(v.parse(SSH.schema, DEVICE))).toEqual([PROFILE]);
    expect(SSH.label(v.parse(SSH.schema, HOST))).toEqual(HOST.Names);
    expect(SSH.label(v.parse(SSH.schema, { Kind: "Certificate" }))).toEqual([]);
  });

  test("has an identifier that follows from what it is about", () => {
    expect(deviceEntryId(PROFILE)).toMatch(/^[A-Za-z0-9_-]{22}$/);
    expect(deviceEntryId(PROFILE)).not.toBe(hostEntryId(PROFILE));
    expect(hostEntryId("Build")).toBe(hostEntryId("build"));
  });
});

describe("settings for ssh", () => {
  test("are those that are shared, and the agent", () => {
    const host = v.parse(SSH.schema, { ...HOST, Options: { ...HOST.Options, ProxyCommand: "rm -rf /" } });
    expect(sshConfig([host as never], { agent: '"/run/agent"', knownHosts: '"/hosts"' })).toBe(`
Host build build.example.com 2001:db8::1
  HostName 10.0.0.7
  User deploy
  Port 2222
  ProxyJump me@bastion.example.com:22,[2001:db8::2]:2200
  AddressFamily inet
  Compression yes
  ServerAliveInterval 30
  IdentityAgent "/run/agent"
  UserKnownHostsFile ~/.ssh/known_hosts "/hosts"
`);
  });

  test("name paths in a way that ssh takes for nothing else", () => {
    expect(configPath("/run/user/1000/a b.sock")).toBe('"/run/user/1000/a b.sock"');
    expect(configPath('/a%h"b\\c')).toBe('"/a%%h\\"b\\\\c"');
    for (const path of ["/a\nb", "/${HOME}/x", "/a\u0000b"]) expect(configPath(path)).toBeUndefined();
  });
});
