import { MAX_LIFETIME } from "../../mesh/records/personal.js";
import { parseDuration } from "../duration.js";

const MINUTE = 60;

/** The seconds after which a device is to lapse, as a person writes them: from a minute to ten years. Throws `usage`. */
export const parseLifetime = (text: string): number => parseDuration(text, { minimum: MINUTE, maximum: MAX_LIFETIME });
