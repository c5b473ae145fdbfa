import { MeshError } from "../../errors.js";
import { systemCode } from "../../keystore/durable.js";
import { readKeystoreFacts } from "../../keystore/keystore-file.js";
import { requireConnected } from "../session.js";
import { privateKeyObject } from "../../mesh/private-keys.js";
import { msg } from "../../messages/message.js";
import { changingSession } from "../application/access.js";
import type { Context, Input, Run } from "../context.js";
import { parseDuration } from "../duration.js";
import { lines, raw, type Result } from "../output.js";
import { isAgentAt, orderFor, startSshAgent, stopSshAgents, type AgentKey } from "./agent/client.js";
import { privatePlace, sshPlace, type SocketPlace } from "./agent/place.js";
import { holdSshKey } from "./agent/server.js";
import { newestProfile } from "./catalog.js";
import { ownComment, requireOwnKey } from "./own-key.js";

/** A working day. The key stays in the agent, so an open one gives less away than an open keystore. */
const USUAL = "8h";
const BOUNDS = { minimum: 1, maximum: 86_400 };
/** What a shell answers for a command that a signal has ended. */
const SIGNALS: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGKILL: 9, SIGTERM: 15 };

export const run: Run = async (context, input) => {
  const command = input.arguments(0);
  if (input.flag("stop")) {
    if (command.length > 0 || input.flag("for") || input.flag("foreground")) {
      throw new MeshError("usage", msg("ssh.agent-stop-alone"));
    }
    return stop(context);
  }
  if (command.length > 0 && input.flag("foreground")) throw new MeshError("usage", msg("ssh.agent-one-way"));
  const seconds = secondsOf(input, command.length > 0);
  const { held, at } = await unlock(context, seconds);
  if (command.length > 0) {
    // Where none runs it is where ssh looks by its configuration too.
    const isTaken = await isAgentAt(context.home, at.path);
    return runCommand(context, held, isTaken ? privatePlace(context.home, at) : at, command);
  }
  if (input.flag("foreground")) return runForeground(context, held, at);
  const { expires } = await startSshAgent(context.home, at, held);
  return answer(at.path, expires);
};

/** How long the key is held. An agent of one command lives as long as that, unless it is told otherwise. */
const secondsOf = (input: Input, hasCommand: boolean): number | undefined => {
  const text = input.text("for") ?? (hasCommand ? undefined : USUAL);
  return text === undefined ? undefined : parseDuration(text, BOUNDS);
};

/** Takes the key of this device out of the keystore, and closes that: nothing else of it is needed. */
const unlock = async (context: Context, seconds: number | undefined): Promise<{ held: AgentKey; at: SocketPlace }> => {
  const session = await changingSession(context);
  const { keystore } = session;
  const profile = newestProfile(session);
  requireConnected(session, profile);
  const { key } = requireOwnKey(session);
  const held = { id: keystore.id, key, comment: ownComment(session, profile), seconds };
  const at = sshPlace(context.home, keystore.id, profile.udf);
  keystore.close();
  return { held, at };
};

/** A path as one word of a POSIX shell. */
const quoted = (path: string): string =>
  /^[A-Za-z0-9_./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;

const answer = (socket: string, expires: string | undefined): Result => ({
  value: { socket, expires: expires ?? null },
  text: raw(`SSH_AUTH_SOCK=${quoted(socket)}; export SSH_AUTH_SOCK;\n`),
});

const runForeground = async (context: Context, held: AgentKey, at: SocketPlace): Promise<undefined> => {
  const order = orderFor(context.home, at, held);
  await hold(context, order, held, () => context.emit(answer(at.path, order.expires)));
  return undefined;
};

const hold = async (
  { home }: Context,
  order: ReturnType<typeof orderFor>,
  { key }: AgentKey,
  ready: () => Promise<void>,
  until?: AbortSignal,
): Promise<void> => {
  try {
    await holdSshKey(home, order, privateKeyObject(key), ready, until);
  } catch (cause) {
    if (systemCode(cause) === undefined || cause instanceof MeshError) throw cause;
    throw new MeshError("agent-unavailable", msg("ssh.agent-unavailable"), {
      hint: msg("ssh.agent-unavailable.hint"),
      cause,
    });
  }
};

/** Runs a command with an agent of its own, which ends with it. Its exit status is that of the command. */
const runCommand = async (
  context: Context,
  held: AgentKey,
  at: SocketPlace,
  [command = "", ...words]: readonly string[],
): Promise<Result> => {
  const { deps, home } = context;
  const order = orderFor(home, at, held);
  const over = new AbortController();
  let end: { readonly status?: number; readonly signal?: string } = {};
  const start = async (): Promise<void> => {
    try {
      const program = await deps.startProgram({
        command,
        arguments: words,
        env: { ...deps.env, SSH_AUTH_SOCK: at.path },
        piped: false,
        // One document is all that --json prints.
        ...(context.globals.json && { output: "stderr" as const }),
        forwarding: true,
      });
      end = await program.ended;
    } catch (cause) {
      throw new MeshError("file-unreadable", msg("ssh.no-program", { command: JSON.stringify(command) }), { cause });
    } finally {
      over.abort();
    }
  };
  let running: Promise<void> | undefined;
  try {
    await hold(
      context,
      order,
      held,
      () => {
        running = start();
        running.catch(() => undefined);
        return Promise.resolve();
      },
      over.signal,
    );
  } finally {
    // The agent may have forgotten its key before the command has ended.
    await running;
  }
  const { status, signal } = end;
  const exit = status ?? 128 + (SIGNALS[signal ?? ""] ?? 0);
  return { value: { command, status: exit }, text: raw(""), exit };
};

const stop = async ({ home }: Context): Promise<Result> => {
  const facts = readKeystoreFacts(home);
  const stopped = facts ? await stopSshAgents(home, facts.id) : 0;
  return {
    value: { stopped },
    text: lines(stopped > 0 ? msg("ssh.agent-stopped") : msg("ssh.agent-none")),
  };
};
