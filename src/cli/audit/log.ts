import { isMeshError, MeshError } from "../../errors.js";
import type { PortalClient } from "../../client/client.js";
import { openCheckpoint, type Checkpoint } from "../../mesh/log/checkpoint.js";
import { TILE_WIDTH } from "../../mesh/log/tiles.js";
import { msg } from "../../messages/message.js";
import { withClient } from "../change.js";
import type { Context, Run } from "../context.js";
import { fields, gap, lines, stack } from "../output.js";
import { requireProfile } from "../select.js";
import { accountOf, openTarget, portalTarget } from "../session.js";
import { inOrder } from "./ahead.js";
import { openChains, type Chains } from "./chains.js";
import { newestHead, openLogView, type LogView } from "./log-view.js";
import { readLogState, saveLogState, type LogState } from "./log-state.js";

/** How often progress is told, and kept, in milliseconds. */
const TELL = 2_000;
const KEEP = 10_000;

const signedHead = (note: string, keys: readonly string[]): Checkpoint | undefined => {
  for (const key of keys) {
    try {
      return openCheckpoint(note, key);
    } catch (error) {
      if (!isMeshError(error, "log-signature")) throw error;
    }
  }
  return undefined;
};

/** How far the log was verified earlier, where that is the beginning of the tree as it is now. */
const resumed = async (context: Context, client: PortalClient, view: LogView): Promise<LogState | undefined> => {
  const { log, url } = client;
  const state = readLogState(context.home, url);
  if (!log || !state) return undefined;
  const known = signedHead(state.checkpoint, [log.verifier, ...log.known]);
  if (known?.origin !== state.origin) return undefined;
  // What was verified under a signed head must be there still: else the portal shows another history.
  await log.prove(known);
  const isThere = state.bundles <= view.full && view.prefixRoot(state.bundles).equals(state.root);
  return isThere ? state : undefined;
};

const disordered = async (client: PortalClient, view: LogView, places: readonly number[]): Promise<MeshError> => {
  const leaves = await Promise.all(places.map((place) => view.readLeaf(place)));
  const text = msg("audit.leaves-disordered", { url: client.url, index: places.at(-1) ?? 0 });
  return view.fail(text, { code: "log-order" }, leaves);
};

/** Verifies every leaf from the first bundle that has not been, and keeps how far it came. */
const verifyLeaves = async (
  context: Context,
  client: PortalClient,
  view: LogView,
  state: LogState | undefined,
): Promise<void> => {
  const { home, deps } = context;
  const { head, full } = view;
  const chains: Chains | undefined = state?.chains ?? openChains();
  if (!chains) throw new MeshError("internal", msg("output.unexpected"));
  const start = state?.bundles ?? 0;
  let done = start;
  let kept = start;
  let told = deps.now().getTime();
  let written = told;

  const keep = async (): Promise<void> => {
    if (done === kept) return;
    const { origin, note: checkpoint } = head;
    const next = { origin, bundles: done, root: view.prefixRoot(done), checkpoint, chains };
    await saveLogState(home, client.url, next);
    kept = done;
  };

  const tell = async (): Promise<void> => {
    const now = deps.now().getTime();
    if (now - told >= TELL) {
      told = now;
      await context.note(msg("audit.progress", { done: done * TILE_WIDTH, size: head.size }));
    }
    if (now - written >= KEEP) {
      written = now;
      await keep();
    }
  };

  // False while the chains stand within a bundle: then they are not kept.
  let whole = true;
  try {
    for await (const leaves of inOrder(start, view.bundles, (index) => view.readBundle(index, true))) {
      const isFull = done < full;
      if (!isFull) await keep();
      whole = false;
      for (const leaf of leaves) {
        const fault = chains.add(leaf);
        if (fault) throw await disordered(client, view, fault);
      }
      if (!isFull) continue;
      done++;
      whole = true;
      await tell();
    }
  } finally {
    if (whole) await keep();
  }
};

const verifyLog = async (context: Context, client: PortalClient, anew: boolean) => {
  const head = await newestHead(client);
  const view = await openLogView(client, head);
  const state = anew ? undefined : await resumed(context, client, view);
  await verifyLeaves(context, client, view, state);
  return { head, resumedAt: (state?.bundles ?? 0) * TILE_WIDTH };
};

/** The portal that is named, or that of the profile's account. */
const target = async (context: Context) => {
  const { portal } = context.globals;
  if (portal !== undefined) return portalTarget(context, portal);
  return portalTarget(context, accountOf(context, await requireProfile(context)).portal);
};

export const run: Run = async (context, input) =>
  withClient(openTarget(context, await target(context)), async (client) => {
    const { head, resumedAt } = await verifyLog(context, client, input.flag("all"));
    const value = {
      portal: client.url,
      origin: head.origin,
      size: head.size,
      root: head.root.toString("base64"),
      verified: true,
      resumedAt,
    };
    return {
      value,
      text: stack(
        lines(msg("audit.log-verified", { count: head.size })),
        gap,
        fields([
          [msg("label.portal"), client.url],
          [msg("label.log"), head.origin],
          [msg("label.log-size"), String(head.size)],
          [msg("label.log-root"), value.root],
          [msg("label.log-verified"), resumedAt > 0 ? msg("audit.verified-before", { count: resumedAt }) : undefined],
        ]),
      ),
    };
  });
