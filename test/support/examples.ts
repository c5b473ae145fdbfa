/** The words behind `meshman` in an example of the help, as a shell would split them: without what it redirects, and around it. */
export const exampleWords = (example: string): string[] => {
  const [, line = ""] = /\bmeshman (.*?)(?:\)"| >.*| \d?<.*)?$/.exec(example) ?? [];
  return (line.match(/(?:'[^']*'|"[^"]*"|[^ '"]+)+/g) ?? []).map((word) => word.replaceAll(/['"]/g, ""));
};
