import type { Catalogue } from "../catalogue.js";
import { en } from "../en/index.js";
import { portal } from "./portal.js";

export const fr: Catalogue = { ...en, ...portal };
