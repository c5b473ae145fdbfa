/** What the commands about applications say, and what becomes of their records. */
export const app = {};
