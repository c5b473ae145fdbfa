/** A word as a POSIX shell takes it. */
export const shellWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

const isPlainHttp = (portal: string): boolean =>
  portal.startsWith("http://") && !/^http:\/\/(localhost|\[::1\]|127(\.\d{1,3}){3})(:|$)/.test(portal);

/**
 * The command by which another device asks to be connected to an account, with `words` behind it. The portal is named where
 * the address alone would not lead to it.
 */
export const connectCommand = (account: string, portal: string, ...words: readonly string[]): string => {
  const isFound = portal === `https://${account.split("@").at(-1) ?? ""}`;
  const where = isFound ? [] : ["--portal", portal, ...(isPlainHttp(portal) ? ["--allow-http"] : [])];
  return ["meshman", "device", "connect", account, ...where, ...words].map(shellWord).join(" ");
};
