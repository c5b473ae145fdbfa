import { agentKey, agentStatus } from "../../keystore/agent/client.js";
import { checkFolder, hasProfiles, type Home } from "../../keystore/home.js";
import { readKeyFile } from "../../keystore/key-file.js";
import { opensByItself, readKeystoreFacts, type KeystoreFacts } from "../../keystore/keystore-file.js";
import { openWithKey } from "../../keystore/keystore.js";
import { mayHaveKeyring } from "../../keystore/keyring.js";
import { loadPins, readPins } from "../../keystore/pins.js";
import { msg } from "../../messages/message.js";
import { readableDuration } from "../../messages/duration.js";
import { secondsLeft } from "../keystore/standing.js";
import { failed, ok, problem, warning, type Finding } from "./finding.js";

/** What was found of the keystore. `facts` is undefined where there is none, or none that can be read. */
export interface KeystoreFindings {
  readonly findings: readonly Finding[];
  readonly facts: KeystoreFacts | undefined;
}

/** The keystore, what opens it, who has its key, and the pins that it authenticates. Opens nothing by itself. */
export const checkKeystore = async (home: Home): Promise<KeystoreFindings> => {
  let facts: KeystoreFacts | undefined;
  try {
    checkFolder(home.deps, home.path);
    facts = readKeystoreFacts(home);
  } catch (error) {
    return { findings: [failed("keystore", error), checkPins(home)], facts: undefined };
  }
  if (!facts) return { findings: [withoutKeystore(home), checkPins(home)], facts };
  const count = facts.keys.length;
  const findings = [
    ok("keystore", msg("doctor.keystore", { count, path: facts.path })),
    checkProtection(home, facts),
    ...(opensByItself(facts) ? [] : [await checkAgent(home, facts)]),
    await checkPinsWithAgent(home, facts),
  ];
  return { findings, facts };
};

/** Profiles without the keys that belong to them are of no use. */
const withoutKeystore = (home: Home): Finding =>
  hasProfiles(home)
    ? problem("keystore", msg("keystore.missing", { path: home.path }), msg("keystore.damaged.hint"))
    : ok("keystore", msg("doctor.keystore-none"));

const checkProtection = (home: Home, { protection, keyFile }: KeystoreFacts): Finding => {
  if (protection === "keyring") {
    if (mayHaveKeyring(home.deps)) return ok("protection", msg("doctor.protection-keyring"));
    return warning("protection", msg("doctor.keyring-none"), msg("doctor.keyring-none.mend"));
  }
  if (keyFile === undefined)
    return ok("protection", msg(`doctor.protection-${protection === "key" ? "key" : "passphrase"}`));
  try {
    const found = readKeyFile(home, keyFile);
    for (const key of found?.keys ?? []) key.fill(0);
    if (found && found.keys.length > 0) return ok("protection", msg("doctor.protection-key-file", { path: keyFile }));
    const text = found
      ? msg("doctor.key-file-useless", { path: keyFile })
      : msg("doctor.key-file-missing", { path: keyFile });
    return problem("protection", text, msg("doctor.key-file.mend"));
  } catch (error) {
    return failed("protection", error);
  }
};

const checkAgent = async (home: Home, facts: KeystoreFacts): Promise<Finding> => {
  let trouble: Finding | undefined;
  const agent = await agentStatus(home, facts, (found, mend = msg("doctor.agent-trouble.mend")) => {
    trouble = warning("agent", found, mend);
  });
  if (agent) return ok("agent", msg("doctor.agent", { time: readableDuration(secondsLeft(home, agent)) }));
  return trouble ?? ok("agent", msg("doctor.agent-none"));
};

const checkPins = (home: Home): Finding => {
  try {
    const { profiles, portals } = readPins(home);
    return ok(
      "pins",
      msg("doctor.pins", { profiles: Object.keys(profiles).length, portals: Object.keys(portals).length }),
    );
  } catch (error) {
    return failed("pins", error);
  }
};

/** Where an agent has the key, whether nobody else has written the pins can be seen as well. */
const checkPinsWithAgent = async (home: Home, facts: KeystoreFacts): Promise<Finding> => {
  const read = checkPins(home);
  if (read.status !== "ok" || opensByItself(facts)) return read;
  const key = await agentKey(home, facts, () => Promise.resolve());
  const keystore = key && openWithKey(home, facts.id, key);
  try {
    if (!keystore) return read;
    loadPins(home, keystore);
    return ok("pins", msg("doctor.pins-authentic"));
  } catch (error) {
    return failed("pins", error);
  } finally {
    keystore?.close();
  }
};
