import { downgraded } from "../../client/hello.js";
import { openPortal, type PortalClient } from "../../client/client.js";
import { isMeshError, MeshError } from "../../errors.js";
import { knownLog, updateCheckpoints } from "../../keystore/checkpoints.js";
import { readKeystoreFacts, type Keystore } from "../../keystore/keystore.js";
import { loadPins, readPins, updatePins, type PortalPin } from "../../keystore/pins.js";
import { encodeBase64url } from "../../mesh/bytes.js";
import type { Checkpoint } from "../../mesh/log/checkpoint.js";
import { followKeyChanges } from "../../mesh/log/key-change.js";
import { parseVerifierKey } from "../../mesh/log/note.js";
import { EXTENSIONS } from "../../mesh/protocol.js";
import { msg, type Message } from "../../messages/message.js";
import type { PortalTarget } from "../../client/target.js";
import { withClient } from "../change.js";
import type { Context, Input, Run } from "../context.js";
import { writeEvidence } from "../evidence.js";
import { languages } from "../language.js";
import { fields, gap, lines, readableTime, stack } from "../output.js";
import { requireProfile } from "../select.js";
import { accountOf, openKeystore, portalTarget, readCertificates } from "../session.js";
import { newestHead } from "./log-view.js";

/** A log as this home knows it. */
interface Known {
  readonly key: string;
  readonly size: number;
  /** Absent where nothing but the pin is known. */
  readonly head?: Checkpoint;
}

/** What is known of a portal's log, the pinned key first. A process that was killed in here has left two different keys. */
const knownOf = ({ home }: Context, url: string): Known[] => {
  const pin = readPins(home).portals[url]?.log;
  const kept = knownLog(home, url);
  const known = kept ? [{ key: kept.verifier, size: kept.head.size, head: kept.head }] : [];
  if (!pin || (pin.verifier === kept?.verifier && pin.size <= kept.head.size)) return known;
  return [{ key: pin.verifier, size: pin.size }, ...known];
};

/** The portal that `--portal` names, whether or not there is a profile; else that of the account. */
const targetOf = async (context: Context): Promise<PortalTarget> => {
  const named = context.globals.portal ?? accountOf(context, await requireProfile(context)).portal;
  return portalTarget(context, named);
};

/** Opens a portal as one whose log nobody has seen. What else it was seen to speak it must speak still. */
const openUnseen = (context: Context, target: PortalTarget, pin: PortalPin | undefined): Promise<PortalClient> => {
  const { log: _, ...pinned } = pin ?? {};
  return openPortal(context.deps, target, {
    timeout: context.globals.timeout,
    ca: readCertificates(context),
    pinned: "wrapping" in pinned ? pinned : undefined,
    languages: languages(context),
  });
};

const leadsTo = (key: string, changes: readonly string[], announced: string): boolean => {
  try {
    followKeyChanges(key, changes, announced);
    return true;
  } catch (error) {
    if (!isMeshError(error, "log-key-changed")) throw error;
    return false;
  }
};

const described = ({ size, head }: Known): Message =>
  head
    ? msg("audit.head", { count: size, time: readableTime(head.time.toISOString()) })
    : msg("audit.head-pinned", { count: size });

/**
 * Throws `input-required` where no key was given, and `log-key-changed` for any but the announced one: who has asked whoever runs the
 * portal is being told something else here.
 */
const checkConfirmed = (input: Input, url: string, key: string): void => {
  const confirmed = input.text("confirm");
  if (confirmed === undefined) {
    throw new MeshError("input-required", msg("audit.accept-unconfirmed", { url }), {
      hint: msg("audit.accept-unconfirmed.hint"),
    });
  }
  if (confirmed.trim() === key) return;
  throw new MeshError("log-key-changed", msg("audit.accept-other-key", { url }), { hint: msg("client.log.hint") });
};

/** Puts the new log in the place of what was known of the old one. Gives the path of the file that keeps that. */
const replace = (
  context: Context,
  { url, info }: PortalClient,
  keystore: Keystore | undefined,
  old: Known,
  { key, head }: Required<Known>,
): Promise<string | undefined> =>
  context.home.withLock(async () => {
    const { home } = context;
    // Before anything is written: whoever has changed the pins is not to be helped.
    if (keystore) loadPins(home, keystore);
    const file = await writeEvidence(home, url, {
      code: "log-key-changed",
      verifier: old.key,
      heads: old.head ? [old.head.note] : [],
      announced: key,
      keyChanges: info.log?.changes ?? [],
    });
    // The pin last: as long as the old one is there every command says what is wrong, and this one can be run again.
    await updateCheckpoints(home, (logs) => {
      const before = logs[url];
      if (before?.verifier === key) return logs;
      const replaced = [...new Set([...(before?.replaced ?? []), parseVerifierKey(old.key)?.name ?? ""])];
      return { ...logs, [url]: { origin: head.origin, verifier: key, checkpoint: head.note, replaced } };
    });
    if (!keystore) return file;
    await updatePins(home, keystore, (pins) => {
      const { [url]: pin } = pins.portals;
      if (pin?.log?.verifier === key) return pins;
      const { wrapping, extensions } = pin ?? { wrapping: info.wrapping, extensions: [...info.extensions].sort() };
      const log = { verifier: key, size: head.size, root: encodeBase64url(head.root) };
      return { ...pins, portals: { ...pins.portals, [url]: { wrapping, extensions, log } } };
    });
    return file;
  });

export const run: Run = async (context, input) => {
  const target = await targetOf(context);
  const { url } = target;
  const known = knownOf(context, url);
  const pin = readPins(context.home).portals[url];
  return withClient(openUnseen(context, target, pin), async (client) => {
    const { log } = client;
    if (!log && known.length > 0) throw downgraded(url, EXTENSIONS.transparency);
    const changes = client.info.log?.changes ?? [];
    const old = log && known.find(({ key }) => !leadsTo(key, changes, log.verifier));
    if (!old) {
      const [first] = known;
      const value = {
        portal: url,
        origin: log?.origin ?? null,
        key: log?.verifier ?? null,
        previous: first ? { key: first.key, size: first.size } : null,
        accepted: false,
      };
      return {
        value,
        text: stack(
          lines(msg("audit.nothing-to-accept", { url })),
          log ? gap : undefined,
          log &&
            fields([
              [msg("label.log"), log.origin],
              [msg("label.log-key"), log.verifier],
            ]),
        ),
      };
    }
    // That it has the key is shown by what it signs now.
    const head = await newestHead(client);
    const next = { key: log.verifier, size: head.size, head };
    await context.note(msg("audit.accept-known", { key: old.key, head: described(old) }));
    await context.note(msg("audit.accept-announced", { key: next.key, head: described(next) }));
    // Checkpoints in one's own records name a log by its name: two logs of one name would be two histories of one log for ever.
    if (parseVerifierKey(old.key)?.name === head.origin) {
      throw new MeshError("log-key-changed", msg("audit.accept-same-log", { url }), { hint: msg("client.log.hint") });
    }
    checkConfirmed(input, url, next.key);
    const keystore = readKeystoreFacts(context.home) ? await openKeystore(context) : undefined;
    const file = await replace(context, client, keystore, old, next);
    const previous = { key: old.key, size: old.size };
    return {
      value: { portal: url, origin: head.origin, key: next.key, previous, accepted: true },
      text: stack(
        lines(msg("audit.accepted", { url })),
        gap,
        fields([
          [msg("label.log"), head.origin],
          [msg("label.log-key"), next.key],
          [msg("label.earlier-key"), old.key],
          [msg("label.evidence"), file],
        ]),
      ),
      note: msg("audit.accepted.hint"),
    };
  });
};
