import { MeshError } from "../../errors.js";
import { systemCode } from "../../keystore/durable.js";
import { msg, verbatim } from "../../messages/message.js";
import type { Context } from "../context.js";

/** What an authorized_keys file may hold, and what else the host's own login scripts may print, in octets. */
const FILE_LIMIT = 1024 * 1024;
const OUTPUT_LIMIT = FILE_LIMIT + 64 * 1024;
const ERROR_LIMIT = 4096;

/**
 * What runs at the host, in a POSIX shell that whatever shell the user has there starts: so it is one line, without single quotes,
 * backslashes and exclamation marks. Its first line of input is a number that no host can know before, which marks what it says.
 * It shows the file, reads what is to stand there, and puts that in place by one rename where all of it has come and nobody has
 * changed the file meanwhile.
 */
const SCRIPT = [
  "set -eu",
  "umask 077",
  "IFS= read -r n",
  "cd",
  "d=.ssh; f=$d/authorized_keys; t=$d/.authorized_keys.mmm.$$",
  'trap "rm -f $t.old $t.in $t.new" 0',
  'trap "exit 1" 1 2 13 15',
  "[ -d $d ] || mkdir $d",
  'if [ -h $f ]; then echo "mmm:$n:link"; exit 0; fi',
  "rm -f $t.old $t.in $t.new",
  "set -C",
  "if [ -e $f ]; then cat $f > $t.old; else : > $t.old; fi",
  'echo "mmm:$n:begin"',
  "cat $t.old",
  "echo",
  'echo "mmm:$n:end"',
  "cat > $t.in",
  "e=$(tail -n 1 $t.in)",
  'if [ "$e" = "mmm:$n:same" ]; then echo "mmm:$n:done"; exit 0; fi',
  'if [ "$e" = "mmm:$n:write" ]; then :; else exit 1; fi',
  'sed "$ d" $t.in > $t.new',
  "c=0",
  "if [ -e $f ]; then cmp -s $f $t.old || c=1; elif [ -s $t.old ]; then c=1; fi",
  'if [ $c = 1 ]; then echo "mmm:$n:changed"; exit 0; fi',
  "mv -f $t.new $f",
  "if command -v restorecon >/dev/null 2>&1; then restorecon $d $f >/dev/null 2>&1 || :; fi",
  'echo "mmm:$n:done"',
].join("; ");

/** The host as `ssh` takes it, and options for it. */
export interface RemoteHost {
  readonly host: string;
  readonly options: readonly string[];
}

/** A host on the command line. Throws `usage` for what `ssh` would take for an option, or no host can be called. */
export const checkRemoteHost = (host: string): string => {
  if (/^[A-Za-z0-9_:[.][\x21-\x7e]{0,300}$/.test(host)) return host;
  throw new MeshError("usage", msg("ssh.host-invalid", { host: JSON.stringify(host.slice(0, 300)) }));
};

const sshFailed = (host: string, said: string, cause?: unknown): MeshError => {
  const lines = said
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const reason = lines.length === 0 ? msg("ssh.failed-silently") : verbatim(lines.slice(-5).join(" / "));
  return new MeshError("ssh-failed", msg("ssh.failed", { host, reason }), { hint: msg("ssh.failed.hint"), cause });
};

/** What `ssh` is started with. Without a person to ask it asks for nothing. */
const wordsFor = ({ globals, canAsk }: Context, { host, options }: RemoteHost): string[] => [
  ...(canAsk ? [] : ["-o", "BatchMode=yes"]),
  ...["-o", `ConnectTimeout=${Math.ceil(globals.timeout / 1000)}`],
  // The host needs nothing of this machine, and what the user's settings say else would stand in the way.
  ...["-T", "-a", "-x", "-o", "ClearAllForwardings=yes", "-o", "RemoteCommand=none", "-o", "PermitLocalCommand=no"],
  ...options,
  "--",
  host,
  `exec sh -c '${SCRIPT}'`,
];

/**
 * Changes the authorized_keys file of the user at a host, over the `ssh` that is installed here: `edit` is given what the file holds
 * (text of one octet a character; empty where there is none) and gives what it is to hold. Nothing is written where that is the same.
 * What is written is there whole or not at all. Throws `ssh-failed` with what ssh said, `conflict` where somebody else changed the
 * file at the same moment, `refused` where the file is none to be replaced, `too-large`, and what `edit` throws.
 */
export const editAuthorizedKeys = async <Edited extends { readonly text: string }>(
  context: Context,
  remote: RemoteHost,
  edit: (text: string) => Edited,
): Promise<Edited> => {
  const { deps } = context;
  const { host } = remote;
  const nonce = deps.random(16).toString("hex");
  const mark = (name: string): string => `mmm:${nonce}:${name}`;
  const program = await deps.startProgram({ command: "ssh", arguments: wordsFor(context, remote), piped: true });
  const { pipes } = program;
  if (!pipes) throw new MeshError("internal", msg("output.unexpected"));
  // Without a mark at its end the host throws away what it has been sent.
  const stop = (): void => {
    pipes.stdin.destroy();
    program.kill("SIGTERM");
  };
  deps.signal.addEventListener("abort", stop, { once: true });
  let said = "";
  let heard = "";
  let edited: Edited | undefined;
  let problem: { readonly error: unknown } | undefined;
  pipes.stderr.setEncoding("utf8").on("data", (text: string) => (said = (said + text).slice(-ERROR_LIMIT)));
  const answer = (before: string): void => {
    if (before.length > FILE_LIMIT || before.includes("\0")) throw notText(host);
    edited = edit(before);
    const isSame = edited.text === before;
    pipes.stdin.end(isSame ? `${mark("same")}\n` : `${edited.text}${mark("write")}\n`, "latin1");
  };
  const look = (): void => {
    if (edited || problem) return;
    if (heard.length > OUTPUT_LIMIT) throw notText(host);
    const [begin, end] = [`${mark("begin")}\n`, `\n${mark("end")}\n`];
    const from = heard.indexOf(begin);
    const to = heard.indexOf(end);
    if (from >= 0 && to >= 0) answer(heard.slice(from + begin.length, to));
  };
  pipes.stdout.setEncoding("latin1").on("data", (text: string) => {
    // What comes behind the file is short.
    heard = (heard + text).slice(0, OUTPUT_LIMIT + 1);
    try {
      look();
    } catch (error) {
      problem = { error };
      stop();
    }
  });
  pipes.stdin.write(`${nonce}\n`);
  try {
    const { status } = await program.ended.catch((cause: unknown) => {
      if (systemCode(cause) !== "ENOENT") throw sshFailed(host, "", cause);
      throw new MeshError("ssh-failed", msg("ssh.not-installed"), { hint: msg("ssh.not-installed.hint"), cause });
    });
    if (problem) throw problem.error;
    if (deps.signal.aborted) throw new MeshError("interrupted", msg("ssh.interrupted", { host }));
    if (heard.includes(mark("link")))
      throw new MeshError("refused", msg("ssh.file-link", { host }), { hint: msg("ssh.file-link.hint") });
    if (heard.includes(mark("changed")))
      throw new MeshError("conflict", msg("ssh.file-changed", { host }), { hint: msg("ssh.file-changed.hint") });
    if (status !== 0 || !edited || !heard.includes(mark("done"))) throw sshFailed(host, said);
    if (said !== "") await context.detail(verbatim(said.trim()));
    return edited;
  } finally {
    deps.signal.removeEventListener("abort", stop);
  }
};

const notText = (host: string): MeshError => new MeshError("refused", msg("ssh.file-strange", { host }));
