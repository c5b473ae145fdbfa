import { resolve } from "node:path";
import { MeshError } from "../../errors.js";
import { configPath, sshConfig } from "../../mesh/application/ssh/config.js";
import { msg } from "../../messages/message.js";
import type { Run } from "../context.js";
import { sshPlace } from "./agent/place.js";
import { openCatalog } from "./catalog.js";
import { checkOut, printOrWrite } from "./written.js";

export const run: Run = async (context, input) => {
  checkOut(context, input);
  const given = input.text("knownHosts");
  const knownHosts = given === undefined ? undefined : inConfig(resolve(context.deps.cwd, given));
  const { session, profile, hosts } = await openCatalog(context, input);
  const agent = inConfig(sshPlace(context.home, session.keystore.id, profile.udf).path);
  const config = sshConfig(
    hosts.map(({ host }) => host),
    { agent, knownHosts },
  );
  return {
    ...printOrWrite(context, input, config, { config }),
    note: hosts.length === 0 ? msg("ssh.no-hosts") : undefined,
  };
};

const inConfig = (path: string): string => {
  const text = configPath(path);
  if (text !== undefined) return text;
  throw new MeshError("usage", msg("ssh.path-unusable", { path: JSON.stringify(path) }));
};
