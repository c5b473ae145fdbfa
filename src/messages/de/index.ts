import type { Catalogue } from "../catalogue.js";
import { en } from "../en/index.js";
import { portal } from "./portal.js";

export const de: Catalogue = { ...en, ...portal };
