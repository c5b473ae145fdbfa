import { exitStatus, isMeshError } from "../../errors.js";
import { msg } from "../../messages/message.js";
import { syncApplication } from "../application/application.js";
import type { Session } from "../session.js";

const UNREACHABLE = exitStatus("portal-unreachable");

/** Brings an application up to date before it is said that something is not in it. Where no portal can be asked a note says so. */
export const refreshApplication = async (session: Session, identifier: string): Promise<void> => {
  try {
    await syncApplication(session, identifier);
  } catch (error) {
    if (!isMeshError(error) || exitStatus(error.code) !== UNREACHABLE) throw error;
    await session.context.note(msg("password.not-refreshed", { reason: error.text }));
  }
};
