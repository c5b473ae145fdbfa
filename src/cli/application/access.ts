import type { Context, Input } from "../context.js";
import { openLightSession } from "../light-session.js";
import { requireProfile } from "../select.js";
import type { Session } from "../session.js";
import type { ApplicationOptions } from "./application.js";

/** The keys of the profile that the options name, for looking at what is at home. */
export const readingSession = async (context: Context): Promise<Session> =>
  openLightSession(context, await requireProfile(context));

/** The same for changing something. */
export const changingSession = async (context: Context): Promise<Session> => {
  const { openSession } = await import("../session.js");
  return openSession(context, await requireProfile(context));
};

/** Which application the options name, and whether the portal is left alone. */
export const applicationOptions = (input: Input): ApplicationOptions => ({
  name: input.text("app"),
  offline: input.flag("offline"),
});
