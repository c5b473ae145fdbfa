import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { generateKey, publicKeyOf, type PrivateKey } from "../../../../src/mesh/keys.js";
import type { DeviceKey } from "../../../../src/mesh/application/ssh/authorized-keys.js";

/** An SSH key that is the same every time. */
export const sshKey = (name: string): PrivateKey =>
  generateKey("ssh-authentication", (length) => createHash("sha256").update(name).digest().subarray(0, length));

export const PROFILE = "MDDK-7N6A-727A-JZNO-STRX-XKS7-DJAF";

export const deviceKey = (name: string, device = `M-${name.toUpperCase()}`): DeviceKey => ({
  name,
  device,
  key: publicKeyOf(sshKey(name)),
});

/** True where OpenSSH's program is on this machine. */
export const hasOpenSsh = spawnSync("ssh-keygen", ["-?"]).error === undefined;
