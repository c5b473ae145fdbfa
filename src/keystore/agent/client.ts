import { isMeshError, MeshError } from "../../errors.js";
import { msg, type Message } from "../../messages/message.js";
import { systemCode } from "../durable.js";
import type { Home } from "../home.js";
import type { KeystoreFacts } from "../keystore-file.js";
import { readLines } from "./lines.js";
import { writeOrder } from "./order.js";
import {
  clearPlace,
  endpointIn,
  hasSocket,
  makePlace,
  newSocketName,
  placeOf,
  placesOf,
  readPlace,
  socketPath,
  type Endpoint,
  type Place,
} from "./place.js";
import { ask, expectAnswer, newNonce, type Answer, type Request } from "./protocol.js";
import { startAgentProcess } from "./start.js";

/** What came of asking the agent of a keystore. */
type Outcome =
  | { readonly kind: "answered"; readonly answer: Answer }
  /** There is none, or it has ended and left something behind, which has been removed. */
  | { readonly kind: "absent" }
  /** Something is there that does not answer as an agent does, or not in time. */
  | { readonly kind: "silent"; readonly problem: Message }
  /** Something is there that is not this user's. */
  | { readonly kind: "foreign"; readonly problem: Message; readonly mend: Message | undefined };

/**
 * How long an agent may take to answer. It is waited for in short pieces, so that the time in which a busy machine does not
 * run this process at all does not count as the agent's.
 */
const PIECES = 6;
const PIECE = 50;
/** While one agent takes over from another, the file may change between two looks at it. */
const ATTEMPTS = 3;

/**
 * One conversation. Undefined where the other side breaks off, takes too long, or cannot prove that it knows the token. Throws
 * the system's error where nobody listens.
 */
const talk = async (
  { deps }: Home,
  id: string,
  path: string,
  token: Buffer,
  request: Request,
): Promise<Answer | undefined> => {
  const lines = readLines(() => connection.destroy());
  const connection = deps.connectLocal(path, lines.take);
  let problem: Error | undefined;
  connection.once("error", (error) => (problem = error));
  connection.once("close", lines.end);
  let pieces = 0;
  const stop = deps.every(PIECE, () => {
    if (++pieces === PIECES) connection.destroy();
  });
  // Whatever can be made while the other side works is made then.
  const nonce = newNonce(deps.random);
  let answer: Answer | undefined;
  try {
    const greeting = await lines.next();
    if (problem) throw problem;
    const asked = greeting === undefined ? undefined : ask(greeting, request, id, token, nonce);
    if (!asked) return undefined;
    connection.write(asked.line);
    const understand = expectAnswer(asked.exchange, token);
    answer = understand(await lines.next());
    return answer;
  } finally {
    stop();
    // An agent that has answered ends the connection by itself; to do so here would take longer than the answer.
    if (!answer) connection.destroy();
  }
};

/** Asks whoever listens at an endpoint; `gone` where nobody does. Throws `keystore-permissions`. */
const tryEndpoint = async (
  home: Home,
  place: Place,
  id: string,
  { socket, token }: Endpoint,
  request: Request,
): Promise<Answer | "gone" | undefined> => {
  if (!hasSocket(home, place, socket)) return "gone";
  try {
    return await talk(home, id, socketPath(place, socket), token, request);
  } catch (error) {
    return systemCode(error) === "ECONNREFUSED" || systemCode(error) === "ENOENT" ? "gone" : undefined;
  } finally {
    token.fill(0);
  }
};

const lookFor = async (home: Home, place: Place, id: string, request: Request): Promise<Outcome> => {
  for (let attempt = 1; ; attempt++) {
    const text = readPlace(home, place);
    if (text === undefined) return { kind: "absent" };
    const endpoint = endpointIn(place, text);
    const answer = endpoint ? await tryEndpoint(home, place, id, endpoint, request) : "gone";
    if (typeof answer === "object") return { kind: "answered", answer };
    if (readPlace(home, place) !== text && attempt < ATTEMPTS) continue;
    if (answer === undefined) return { kind: "silent", problem: msg("keystore.agent-silent", { path: place.file }) };
    clearPlace(home, place, text, endpoint?.socket);
    return { kind: "absent" };
  }
};

/** Never throws: whatever is wrong with an agent, the keystore opens without it. */
const consult = async (home: Home, id: string, request: Request, place = placeOf(home, id)): Promise<Outcome> => {
  try {
    return await lookFor(home, place, id, request);
  } catch (error) {
    if (isMeshError(error, "keystore-permissions")) return { kind: "foreign", problem: error.text, mend: error.hint };
    if (isMeshError(error)) return { kind: "silent", problem: error.text };
    throw error;
  }
};

/**
 * The keystore key from the agent, or undefined where none has it. Whether it is the key of this keystore is for the caller
 * to find out, who also wipes it. `warn` is told where something is there that cannot be used. Takes 300 ms at most.
 */
export const agentKey = async (
  home: Home,
  { id }: Pick<KeystoreFacts, "id">,
  warn: (problem: Message) => Promise<void>,
): Promise<Buffer | undefined> => {
  const outcome = await consult(home, id, "key");
  if (outcome.kind === "answered") return outcome.answer.key;
  if (outcome.kind !== "absent") await warn(msg("keystore.agent-unused", { problem: outcome.problem }));
  return undefined;
};

/**
 * When the agent forgets the key, or undefined where none has it. `warn` is told where something is there that is no agent, and
 * how to mend that where locking the keystore does not.
 */
export const agentStatus = async (
  home: Home,
  { id }: Pick<KeystoreFacts, "id">,
  warn: (problem: Message, mend?: Message) => void = () => undefined,
): Promise<{ readonly expires: string } | undefined> => {
  const outcome = await consult(home, id, "status");
  if (outcome.kind === "answered") return { expires: outcome.answer.expires };
  if (outcome.kind === "foreign") warn(outcome.problem, outcome.mend);
  if (outcome.kind === "silent") warn(outcome.problem);
  return undefined;
};

type Locked = "ended" | "none" | "silent";

/**
 * Makes the agent forget the key and end, and one that was started in another environment as well. Gives `ended`; `none` where
 * none has it; `silent` where one does not answer: its files have been removed then, so that nobody finds it and it ends when it
 * notices.
 */
export const lockAgent = async (home: Home, { id }: Pick<KeystoreFacts, "id">): Promise<Locked> => {
  const found: Locked[] = [];
  for (const place of placesOf(home, id)) found.push(await lockAt(home, id, place));
  return (["silent", "ended"] as const).find((worst) => found.includes(worst)) ?? "none";
};

const lockAt = async (home: Home, id: string, place: Place): Promise<Locked> => {
  const outcome = await consult(home, id, "lock", place);
  if (outcome.kind === "answered") return "ended";
  if (outcome.kind !== "silent") return "none";
  const text = readPlace(home, place);
  if (text !== undefined) clearPlace(home, place, text, endpointIn(place, text)?.socket);
  return "silent";
};

/**
 * Starts an agent that holds a keystore key for so many seconds, in place of one that runs. Gives when it forgets the key.
 * The caller wipes its own copy. Throws `agent-unavailable`, `keystore-permissions`, `read-only`, `io-failed`.
 */
export const startAgent = async (
  home: Home,
  { id }: Pick<KeystoreFacts, "id">,
  key: Buffer,
  seconds: number,
): Promise<{ readonly expires: string }> => {
  const { deps } = home;
  const place = placeOf(home, id);
  const socket = newSocketName(home, place);
  makePlace(home, place);
  const expires = new Date(deps.now().getTime() + seconds * 1000).toISOString();
  const { folder, file, prefix } = place;
  const order = { home: home.path, id, place: { file, prefix, ...(folder === undefined ? {} : { folder }) } };
  await startAgentProcess(deps, "agent", writeOrder({ ...order, socket, expires, seconds }, key), unavailable);
  return { expires };
};

const unavailable = (cause: unknown): MeshError =>
  new MeshError("agent-unavailable", msg("keystore.agent-unavailable"), {
    hint: msg("keystore.agent-unavailable.hint"),
    cause,
  });
