/** What the commands about SSH say. */
export const ssh = {};
