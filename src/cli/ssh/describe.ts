import type { SshHost } from "../../mesh/application/ssh/kind.js";
import { SSH_OPTIONS } from "../../mesh/application/ssh/kind.js";
import { ed25519Blob, readKeyText, sshFingerprint } from "../../mesh/application/ssh/public-key.js";
import { msg } from "../../messages/message.js";
import { fields, type Text } from "../output.js";
import type { CatalogDevice, CatalogHost } from "./catalog.js";

/** The fingerprints of a host's keys, each behind its type. */
const hostKeysOf = ({ HostKeys = [] }: SshHost) =>
  HostKeys.flatMap((text) => {
    const key = readKeyText(text);
    return key ? [{ type: key.type, fingerprint: sshFingerprint(key.blob) }] : [];
  });

const camelCase = (name: string): string =>
  name.replace(/^[A-Z]+(?=[A-Z][a-z])|^[A-Z]/, (start) => start.toLowerCase());

/** A host for scripts. */
export const describeHost = ({ host, id, isConflict }: { host: SshHost } & Partial<CatalogHost>) => ({
  ...(id === undefined ? {} : { id }),
  names: host.Names,
  hostName: host.HostName ?? null,
  user: host.User ?? null,
  port: host.Port ?? null,
  proxyJump: host.ProxyJump ?? null,
  options: Object.fromEntries(
    SSH_OPTIONS.flatMap((name) => (host.Options?.[name] === undefined ? [] : [[camelCase(name), host.Options[name]]])),
  ),
  hostKeys: hostKeysOf(host),
  ...(isConflict === undefined ? {} : { conflict: isConflict }),
});

/** Where a host is, as `ssh` would be told it. */
export const addressOf = ({ Names, HostName, User, Port }: SshHost): string =>
  `${User === undefined ? "" : `${User}@`}${HostName ?? Names[0] ?? ""}${Port === undefined ? "" : ` -p ${Port}`}`;

/** A host for people. */
export const hostFields = (host: SshHost): Text =>
  fields([
    [msg("ssh.label-host"), host.Names.join(", ")],
    [msg("ssh.label-address"), addressOf(host)],
    [msg("ssh.label-jump"), host.ProxyJump],
    ...hostKeysOf(host).map(({ type, fingerprint }) => [msg("ssh.label-host-key"), `${type} ${fingerprint}`] as const),
  ]);

/** A device's key for scripts. */
export const describeDevice = ({ device, name, key, created, isCurrent, isConflict }: CatalogDevice, own: string) => ({
  udf: device,
  name,
  current: isCurrent,
  own: device === own,
  key: key.udf,
  fingerprint: fingerprintOf({ key }),
  created,
  conflict: isConflict,
});

export const fingerprintOf = ({ key }: Pick<CatalogDevice, "key">): string => sshFingerprint(ed25519Blob(key.x));
