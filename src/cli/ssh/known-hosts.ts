import { hostEntryId, hostOf, isSshHost, type SshHost, type SshValue } from "../../mesh/application/ssh/kind.js";
import {
  knownHostNames,
  knownHostsLines,
  readKnownHostName,
  readKnownHosts,
} from "../../mesh/application/ssh/known-hosts.js";
import { msg } from "../../messages/message.js";
import { changingSession } from "../application/access.js";
import type { Change } from "../application/application.js";
import type { Context, Input, Run } from "../context.js";
import { readNamedFile } from "../input.js";
import { fields, type Result } from "../output.js";
import { changeSsh, openCatalog } from "./catalog.js";
import { changedKeys, withKeys } from "./host-keys.js";
import { checkOut, oneOf, printOrWrite } from "./written.js";

const FILE_LIMIT = 4 * 1024 * 1024;

export const run: Run = async (context, input) => {
  if (input.text("import") !== undefined) return importHosts(context, input);
  checkOut(context, input);
  const { hosts } = await openCatalog(context, input);
  const lines = hosts.flatMap(({ host }) => knownHostsLines(host));
  return printOrWrite(context, input, lines.map((line) => `${line}\n`).join(""), { lines });
};

/** A host as a file speaks of it: names at one port, and keys. */
interface Found {
  readonly names: Set<string>;
  readonly port: number | undefined;
  readonly keys: Set<string>;
}

/** The hosts of a known_hosts file; lines that share a name are about one host. */
const hostsIn = (text: string): { found: Found[]; skipped: number } => {
  const { hosts, skipped } = readKnownHosts(text);
  const byName = new Map<string, Found>();
  let unnamed = 0;
  for (const { names, key } of hosts) {
    const read = names.flatMap((name) => readKnownHostName(name) ?? []);
    const [first] = read;
    // A hash hides the name, which no other device could use.
    if (!first) {
      unnamed++;
      continue;
    }
    const same = read.filter(({ port }) => port === first.port).map(({ name }) => name);
    const known = same.map((name) => byName.get(`${name} ${first.port ?? ""}`)).find((host) => host !== undefined);
    const host = known ?? { names: new Set(), port: first.port, keys: new Set() };
    host.keys.add(key);
    for (const name of same) {
      host.names.add(name);
      byName.set(`${name} ${first.port ?? ""}`, host);
    }
  }
  return { found: [...new Set(byName.values())], skipped: skipped + unnamed };
};

/** What becomes of the entries, and what was not done. */
interface Plan {
  readonly changes: Change<SshValue>[];
  added: number;
  updated: number;
  /** Hosts whose shared key is another one than the file's: those stay as they are. */
  readonly different: string[];
  skipped: number;
}

const planImport = (
  found: readonly Found[],
  entries: readonly { readonly id: string; readonly value: SshValue }[],
): Plan => {
  const plan: Plan = { changes: [], added: 0, updated: 0, different: [], skipped: 0 };
  const byName = new Map<string, { id: string; host: SshHost }>();
  const ids = new Set(entries.map(({ id }) => id));
  for (const { id, value } of entries) {
    if (isSshHost(value)) for (const name of knownHostNames(value)) byName.set(name, { id, host: value });
  }
  for (const { names, port, keys } of found) {
    const fresh: SshHost = { Kind: "Host", Names: [...names], ...(port === undefined ? {} : { Port: port }) };
    const known = knownHostNames(fresh)
      .map((name) => byName.get(name))
      .find((host) => host !== undefined);
    const before = known?.host ?? fresh;
    if (changedKeys(before.HostKeys, [...keys]).length > 0) {
      plan.different.push(before.Names[0] ?? "");
      continue;
    }
    const missing = [...keys].filter((key) => before.HostKeys?.includes(key) !== true);
    if (known && missing.length === 0) continue;
    const host = hostOf(withKeys(before, [...(before.HostKeys ?? []), ...missing]));
    if (!host) {
      plan.skipped++;
      continue;
    }
    const id = known?.id ?? hostEntryId(host.Names[0] ?? "");
    const isTaken = !known && ids.has(id);
    ids.add(id);
    plan.changes.push({ put: host, ...(known ? { id } : isTaken ? {} : { id, orNew: true }) });
    if (known) plan.updated++;
    else plan.added++;
  }
  return plan;
};

/** Shares the hosts of a known_hosts file. A key that is shared already is never replaced by it. */
const importHosts = async (context: Context, input: Input): Promise<Result> => {
  if (input.flag("out")) throw oneOf("--import", "--out");
  const { found, skipped } = hostsIn(readNamedFile(context, input.text("import") ?? "", FILE_LIMIT).toString("latin1"));
  const session = await changingSession(context);
  let plan: Plan | undefined;
  const { synced } = await changeSsh(session, input, async (current) => {
    plan = planImport(found, await current.entries());
    return plan.changes;
  });
  const { added = 0, updated = 0, different = [] } = plan ?? {};
  const left = skipped + (plan?.skipped ?? 0);
  return {
    value: { added, updated, different, skipped: left, synced },
    text: fields([
      [msg("ssh.label-added"), String(added)],
      [msg("ssh.label-updated"), String(updated)],
      [msg("ssh.label-different"), different.length === 0 ? undefined : different.join(", ")],
      [msg("ssh.label-skipped"), left === 0 ? undefined : String(left)],
    ]),
    note: different.length > 0 ? msg("ssh.different-note") : undefined,
  };
};
