import { msg } from "../../messages/message.js";
import type { Session } from "../session.js";
import { isUnreachable, syncApplication, type Application } from "./application.js";

/** Brings an application up to date before it is said that something is not in it. Where no portal can be asked a note says so. */
export const refreshApplication = async (
  session: Session,
  { identifier }: Pick<Application<object>, "identifier">,
): Promise<void> => {
  try {
    await syncApplication(session, identifier);
  } catch (error) {
    if (!isUnreachable(error)) throw error;
    await session.context.note(msg("app.not-refreshed", { reason: error.text }));
  }
};
