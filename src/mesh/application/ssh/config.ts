import { SSH_OPTIONS, type SshHost } from "./kind.js";

// What ssh_config(5) takes. The values of hosts are of characters that need no quotes; paths may hold any.

/** A path as ssh_config has it. `%` begins a token there, and `$` before a brace a variable. Undefined where it cannot be written. */
export const configPath = (path: string): string | undefined =>
  /[\u0000-\u001f\u007f]|\$\{/.test(path)
    ? undefined
    : `"${path.replace(/%/g, "%%").replace(/["\\]/g, (character) => `\\${character}`)}"`;

export interface ConfigPaths {
  /** The socket of the agent. */
  readonly agent: string;
  /** A file with the keys of the hosts. */
  readonly knownHosts?: string | undefined;
}

const hostLines = (host: SshHost, { agent, knownHosts }: ConfigPaths): string[] => [
  `Host ${host.Names.join(" ")}`,
  ...(host.HostName === undefined ? [] : [`  HostName ${host.HostName}`]),
  ...(host.User === undefined ? [] : [`  User ${host.User}`]),
  ...(host.Port === undefined ? [] : [`  Port ${host.Port}`]),
  ...(host.ProxyJump === undefined ? [] : [`  ProxyJump ${host.ProxyJump}`]),
  ...SSH_OPTIONS.flatMap((name) => (host.Options?.[name] === undefined ? [] : [`  ${name} ${host.Options[name]}`])),
  `  IdentityAgent ${agent}`,
  ...(knownHosts === undefined ? [] : [`  UserKnownHostsFile ~/.ssh/known_hosts ${knownHosts}`]),
];

/** The text of a file that ~/.ssh/config can include: the settings of each host. The paths are as `configPath` gives them. */
export const sshConfig = (hosts: readonly SshHost[], paths: ConfigPaths): string =>
  hosts.map((host) => `\n${hostLines(host, paths).join("\n")}\n`).join("");
