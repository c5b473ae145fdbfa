/** What the commands about mail and network settings say. */
export const mail = {};
