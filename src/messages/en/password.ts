/** What the commands about passwords say. */
export const password = {};
