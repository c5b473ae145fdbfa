import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { SshHost } from "../../../../src/mesh/application/ssh/kind.js";
import {
  hostKeysIn,
  knownHostsLines,
  readKnownHostName,
  readKnownHosts,
} from "../../../../src/mesh/application/ssh/known-hosts.js";
import { ed25519Text } from "../../../../src/mesh/application/ssh/public-key.js";
import { temporaryFolder } from "../../../support/deps.js";
import { hasOpenSsh, sshKey } from "./support.js";

const KEY = ed25519Text(sshKey("host"));
const OTHER = ed25519Text(sshKey("other"));
const host = (more: Partial<SshHost> = {}): SshHost => ({ Kind: "Host", Names: ["build"], HostKeys: [KEY], ...more });

describe("a known_hosts file", () => {
  test("gives the keys of hosts that are named", () => {
    const { hosts, skipped } = readKnownHosts(`# remark\n\nBuild,10.0.0.7 ${KEY} words\n[build]:2222 ${OTHER}\r\n`);
    expect(hosts.map(({ names, key }) => [names, key])).toEqual([
      [["build", "10.0.0.7"], KEY],
      [["[build]:2222"], OTHER],
    ]);
    expect(skipped).toBe(0);
  });

  test("leaves out what is not about a host by name, and what makes no sense", () => {
    const lines = [
      `@cert-authority *.example.com ${KEY}`,
      `@revoked build ${KEY}`,
      `*.example.com ${KEY}`,
      `!build ${KEY}`,
      `|2|x|y ${KEY}`,
      "build ssh-ed25519 AAAA",
      `build ${KEY.slice(0, -2)}`,
      "build",
    ];
    expect(readKnownHosts(lines.join("\n"))).toEqual({ hosts: [], skipped: lines.length });
  });

  test("has a line for each key of a host, under the names that ssh looks for", () => {
    expect(knownHostsLines(host())).toEqual([`build ${KEY}`]);
    expect(knownHostsLines(host({ HostName: "Build.example.com", Port: 2222, HostKeys: [KEY, OTHER] }))).toEqual([
      `[build]:2222,[build.example.com]:2222 ${KEY}`,
      `[build]:2222,[build.example.com]:2222 ${OTHER}`,
    ]);
    const { HostKeys: _, ...without } = host();
    expect(knownHostsLines(without)).toEqual([]);
  });

  test("names hosts and ports", () => {
    expect(readKnownHostName("build")).toEqual({ name: "build", port: undefined });
    expect(readKnownHostName("[build]:22")).toEqual({ name: "build", port: undefined });
    expect(readKnownHostName("[2001:db8::1]:2222")).toEqual({ name: "2001:db8::1", port: 2222 });
    for (const text of ["", "-x", "[build]:0", "[build]:70000", "a b", "|1|x"]) {
      expect(readKnownHostName(text), text).toBeUndefined();
    }
  });

  test("no text breaks the reader", () => {
    fc.assert(fc.property(fc.string(), (text) => void readKnownHosts(text)));
  });
});

describe("the keys of a host", () => {
  test("are those of its names, or all of a file that holds nothing else", () => {
    const text = `build ${KEY}\n[build]:2222 ${OTHER}\n`;
    expect(hostKeysIn(text, host())).toEqual([KEY]);
    expect(hostKeysIn(text, host({ Port: 2222 }))).toEqual([OTHER]);
    expect(hostKeysIn(text, host({ Names: ["other"] }))).toEqual([]);
    expect(hostKeysIn(text, host({ Names: ["other"], HostName: "build" }))).toEqual([KEY]);
    expect(hostKeysIn(`${KEY} root@build\n${OTHER}\n`, host())).toEqual([KEY, OTHER]);
    expect(hostKeysIn("", host())).toEqual([]);
  });

  test.runIf(hasOpenSsh)("are found behind the hashes of ssh-keygen", () => {
    const file = path.join(temporaryFolder(), "known_hosts");
    fs.writeFileSync(file, `build ${KEY}\n[build]:2222 ${OTHER}\n`);
    spawnSync("ssh-keygen", ["-q", "-H", "-f", file]);
    const text = fs.readFileSync(file, "utf8");
    expect(text).not.toContain("build");
    expect(hostKeysIn(text, host())).toEqual([KEY]);
    expect(hostKeysIn(text, host({ Port: 2222 }))).toEqual([OTHER]);
    expect(hostKeysIn(text, host({ Names: ["bui1d"] }))).toEqual([]);
  });

  test.runIf(hasOpenSsh)("are found by ssh-keygen in what is written", () => {
    const file = path.join(temporaryFolder(), "known_hosts");
    fs.writeFileSync(file, `${knownHostsLines(host({ Port: 2222, HostName: "10.0.0.7" })).join("\n")}\n`);
    for (const name of ["[build]:2222", "[10.0.0.7]:2222"]) {
      expect(spawnSync("ssh-keygen", ["-F", name, "-f", file], { encoding: "utf8" }).stdout).toContain(KEY);
    }
    expect(spawnSync("ssh-keygen", ["-F", "build", "-f", file]).status).not.toBe(0);
  });
});
