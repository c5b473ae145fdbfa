import { MeshError } from "../../errors.js";
import type { ProfileState } from "../../keystore/state.js";
import { deviceExpiry, findDevice, isLapsed } from "../../mesh/records/personal.js";
import { msg } from "../../messages/message.js";
import { withClient } from "../change.js";
import type { Context, Run } from "../context.js";
import { knownProfile } from "../known.js";
import { fields, gap, lines, readableTime, stack, type Result } from "../output.js";
import { withRotated } from "../seen.js";
import { requireProfile } from "../select.js";
import { openAccount } from "../session.js";
import {
  connectionStatus,
  currentProfile,
  EXIT_OF_STATUS,
  STATUS_WORDS,
  type ConnectionStatus,
} from "./connection-status.js";
import { askedRotation, endRotation, rotationStatus } from "./rotation-status.js";

export const run: Run = async (context) => {
  const state = await requireProfile(context);
  const rotation = askedRotation(state);
  const place = state.connecting ?? rotation?.asked ?? state.accounts[0];
  if (!place) return withoutPortal(context, state);
  const shown = await withClient(openAccount(context, place), async (client) => {
    const profile = await currentProfile(context, state, client, place.account);
    const own = withRotated(state, profile);
    const expires = deviceExpiry(profile, own.device.udf) ?? null;
    const status = rotation
      ? await rotationStatus(context, state, rotation, client)
      : await connectionStatus(context, own, client, profile);
    const lapsed = isLapsed(profile, own.device.udf, context.deps.now());
    return { status, code: (rotation?.asked ?? state.connecting)?.code, expires, lapsed };
  });
  // Said once: after that it is as if nothing had been asked.
  if (rotation && shown.status !== "pending" && shown.status !== "accepted") {
    await endRotation(context, state, rotation);
  }
  return report(shown, rotation !== undefined);
};

/** Of a profile that has never been published, this home knows everything. */
const withoutPortal = (context: Context, state: ProfileState): Result => {
  const known = knownProfile(context, state);
  if (!known || !findDevice(known, state.device.udf)) {
    throw new MeshError("request-not-found", msg("device.never-asked"), {
      hint: msg("device.never-asked.hint"),
    });
  }
  const lapsed = isLapsed(known, state.device.udf, context.deps.now());
  const status = lapsed ? "expired" : "accepted";
  return report({ status, code: undefined, expires: deviceExpiry(known, state.device.udf) ?? null, lapsed }, false);
};

/** What there is to say. `lapsed` is of the device itself, whatever became of a request for new keys. */
interface Shown {
  readonly status: ConnectionStatus;
  readonly code: string | undefined;
  readonly expires: string | null;
  readonly lapsed: boolean;
}

const report = ({ status, code: asked, expires, lapsed }: Shown, isRotation: boolean): Result => {
  const code = status === "pending" ? asked : undefined;
  const about = isRotation
    ? status === "pending"
      ? msg("rotate.until-then")
      : status === "accepted"
        ? msg("rotate.done")
        : status === "removed" || lapsed
          ? undefined
          : msg("rotate.as-before")
    : undefined;
  return {
    value: {
      status,
      ...(code === undefined ? {} : { code }),
      expires,
      ...(isRotation ? { rotation: true } : {}),
    },
    text: stack(
      fields([
        [msg("label.status"), STATUS_WORDS[status]],
        [msg("label.code"), code],
        [msg("label.expires"), expires === null ? undefined : readableTime(expires)],
      ]),
      ...(about ? [gap, lines(about)] : []),
    ),
    exit: EXIT_OF_STATUS[status],
  };
};
