import type { Run } from "../context.js";
import { generateBy } from "./generating.js";

export const run: Run = async (context, input) => {
  const { password, bits } = await generateBy(context, input);
  return { value: { password, bits: Math.floor(bits * 10) / 10 }, text: () => `${password}\n`, exact: true };
};
