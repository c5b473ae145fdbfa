import { randomBytes } from "node:crypto";
import { encodeBase64url } from "../../src/mesh/bytes.js";
import { recordHash, type SignedRecord } from "../../src/mesh/jose.js";
import { processorSeconds } from "./machine.js";
import { readPeople, type Person } from "./people.js";
import { checkAnswer, type Asked } from "./samples.js";
import { connect, httpRequest, type Connection } from "./wire.js";

// What loads a server. All requests are made before the clock starts, and little is done about an answer.

interface Prepared {
  readonly octets: Buffer;
  readonly account?: string;
  /** Where the answer is to prove something. */
  readonly asked: Asked | undefined;
}

interface List {
  readonly requests: readonly Prepared[];
  /** Whether it is gone through again and again. */
  readonly isCyclic: boolean;
  /** So many requests lie between two of one person, where each is to follow the one before. */
  readonly people: number;
  next: number;
}

/** What is to be sent. Requests with a checkpoint ask for proofs; they take those given by turns, as people hold different ones. */
export type Preparation = { readonly name: string } & (
  | { readonly kind: "hello" }
  | { readonly kind: "get"; readonly files: readonly string[]; readonly checkpoints: readonly string[] | undefined }
  | { readonly kind: "publish"; readonly files: readonly string[]; readonly checkpoints: readonly string[] | undefined }
);

export interface Load {
  readonly list: string;
  /** Every port gets as many of the connections. */
  readonly ports: readonly number[];
  readonly connections: number;
  /** Not counted, in seconds. */
  readonly warmUp: number;
  readonly seconds: number;
  /** Requests a second that are sent by the clock, whether others have been answered or not; without it, one after the other. */
  readonly rate?: number;
  /** No more than so many requests. */
  readonly most?: number;
  /** What serves, so that its processor time can be read. */
  readonly servers: readonly number[];
  /** The key under which proofs are checked. */
  readonly verifier?: string | undefined;
}

export interface Outcome {
  readonly count: number;
  readonly perSecond: number;
  /** Milliseconds; where a rate was given, from the moment at which a request was to be sent. */
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
  /** Of one core, while it was counted: of this process, and of what serves. */
  readonly load: number;
  readonly server: number;
  /** Of what serves, for one request, in microseconds. */
  readonly cost: number;
  /** Of the answers, in octets: the middle one. */
  readonly answerSize: number;
  readonly requestSize: number;
  readonly checked: number;
}

/** Every so many answers one is kept and checked. */
const SAMPLE = 97;
const REQUEST_ID = 16;

const lists = new Map<string, List>();

const message = (transaction: string, request: object): Buffer =>
  httpRequest(JSON.stringify({ [transaction]: { [`${transaction}Request`]: request } }));

const logged = (checkpoint: string): { RequestID: string; Checkpoint: string } => ({
  RequestID: encodeBase64url(randomBytes(REQUEST_ID)),
  Checkpoint: checkpoint,
});

/** A request, with proofs where there is a checkpoint. */
const prepared = (
  transaction: string,
  request: object,
  { account, udf }: Person,
  checkpoint: string | undefined,
  hash?: string,
): Prepared => {
  if (checkpoint === undefined) return { octets: message(transaction, request), account, asked: undefined };
  const head = logged(checkpoint);
  return {
    octets: message(transaction, { ...head, ...request }),
    account,
    asked: { requestId: head.RequestID, checkpoint, account, udf, ...(hash !== undefined && { hash }) },
  };
};

const makeGets = (files: readonly string[], checkpoints: readonly string[] | undefined): Prepared[] =>
  [...readPeople(files)].map((person, index) => {
    const request = { Account: person.account, ...(checkpoints && { Full: true }) };
    return prepared("Get", request, person, checkpoints?.[index % checkpoints.length]);
  });

/** Everybody's second version first, then everybody's third: so two of one person are never under way together. */
const makePublishes = (files: readonly string[], checkpoints: readonly string[] | undefined): Prepared[] => {
  const rounds: Prepared[][] = [];
  let made = 0;
  for (const person of readPeople(files)) {
    for (const [version, text] of person.records.slice(1).entries()) {
      const record = JSON.parse(text) as SignedRecord;
      const request = { Entry: { SignedPersonalProfile: record } };
      const checkpoint = checkpoints?.[made++ % checkpoints.length];
      (rounds[version] ??= []).push(prepared("Publish", request, person, checkpoint, recordHash(record)));
    }
  }
  return rounds.flat();
};

const median = (values: readonly number[]): number =>
  quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;

const after = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });

/** What is found out while a load runs. */
const createTally = (began: number, { warmUp, seconds, servers }: Load) => {
  const from = began + warmUp * 1000;
  const to = from + seconds * 1000;
  const latencies: number[] = [];
  const sizes: number[] = [];
  let last = from;
  let own: NodeJS.CpuUsage | undefined;
  let serving = 0;
  return {
    to,
    start: () => {
      own = process.cpuUsage();
      serving = processorSeconds(servers);
    },
    add: (sent: number, size: number) => {
      const now = performance.now();
      if (now < from || now > to) return;
      last = now;
      latencies.push(now - sent);
      sizes.push(size);
    },
    usage: () => {
      const { user, system } = process.cpuUsage(own);
      return { own: (user + system) / 1e6, serving: processorSeconds(servers) - serving };
    },
    result: () => ({ latencies, sizes, elapsed: (last - from) / 1000 }),
  };
};

/** Answers that were kept. */
interface Sample {
  readonly asked: Asked;
  readonly body: Buffer;
}

const checkSamples = (samples: readonly Sample[], verifier: string | undefined): number => {
  if (verifier === undefined) return 0;
  for (const { asked, body } of samples) checkAnswer(asked, body, verifier);
  return samples.length;
};

/** Takes requests from a list, none of anybody whose last one has not been answered. */
const createTurns = (list: List, most: number) => {
  const underWay = new Set<number>();
  let taken = 0;
  return {
    isOver: (): boolean => taken >= most || list.next >= list.requests.length,
    take: (): { readonly request: Prepared; readonly number: number } | undefined => {
      const [oldest = Infinity] = underWay;
      const request = list.requests[list.next];
      if (!request || list.next - oldest >= list.people) return undefined;
      const number = list.next++;
      taken++;
      if (list.isCyclic) list.next %= list.requests.length;
      else underWay.add(number);
      return { request, number };
    },
    answered: (number: number): void => {
      underWay.delete(number);
    },
  };
};

/** Does `send` whenever something is due and a connection is free for it, until there is no more. */
const keepSending = (
  { rate }: Load,
  { from, to }: { from: number; to: number },
  connections: readonly Connection[],
  turns: ReturnType<typeof createTurns>,
  exchange: (
    connection: Connection,
    turn: { request: Prepared; number: number },
    due: number,
    then: () => void,
  ) => void,
): Promise<void> =>
  new Promise((resolve) => {
    const free = [...connections];
    let sent = 0;
    /** When the next request is to be sent. One that then finds no free connection waits, and the wait is part of its latency. */
    const nextDue = (now: number): number => (rate === undefined ? now : from + (sent * 1000) / rate);
    const isOver = (now: number): boolean => turns.isOver() || nextDue(now) >= to;
    const sendDue = (): void => {
      for (let now = performance.now(); !isOver(now) && nextDue(now) <= now; now = performance.now()) {
        const turn = free.length > 0 ? turns.take() : undefined;
        const connection = turn && free.shift();
        if (!connection) return;
        const due = nextDue(now);
        sent++;
        exchange(connection, turn, due, () => {
          turns.answered(turn.number);
          free.push(connection);
          sendDue();
        });
      }
      if (free.length === connections.length && isOver(performance.now())) {
        clearInterval(timer);
        resolve();
      }
    };
    const timer = setInterval(sendDue, 1);
  });

const runLoad = async (load: Load): Promise<Outcome> => {
  const list = lists.get(load.list);
  if (!list) throw new Error(`There is no list ${load.list}.`);
  const perPort = Math.ceil(load.connections / load.ports.length);
  const connections = await Promise.all(Array.from({ length: perPort }, () => load.ports.map(connect)).flat());
  const samples: Sample[] = [];
  const check = ({ asked }: Prepared, number: number, status: number, body: Buffer): void => {
    if (status !== 201) throw new Error(`A request was answered with ${status}: ${body.toString().slice(0, 500)}`);
    if (!asked || load.verifier === undefined) return;
    if (body.indexOf(asked.requestId) < 0 || body.indexOf(asked.hash === undefined ? '"Proof":{' : '"Proofs":[{') < 0) {
      throw new Error(`An answer proves nothing: ${body.toString().slice(0, 500)}`);
    }
    if (number % SAMPLE === 0) samples.push({ asked, body: Buffer.from(body) });
  };

  const began = performance.now();
  const tally = createTally(began, load);
  const warmed = after(load.warmUp * 1000).then(tally.start);
  const turns = createTurns(list, load.most ?? Infinity);
  await keepSending(load, { from: began, to: tally.to }, connections, turns, (connection, turn, due, then) =>
    connection.send(turn.request.octets, (status, body) => {
      tally.add(due, body.length);
      check(turn.request, turn.number, status, body);
      then();
    }),
  );
  await warmed;
  const usage = tally.usage();
  for (const connection of connections) connection.close();
  const { latencies, sizes, elapsed } = tally.result();
  const sorted = latencies.sort((a, b) => a - b);
  return {
    count: sorted.length,
    perSecond: sorted.length / elapsed,
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    most: sorted.at(-1) ?? NaN,
    load: usage.own / elapsed,
    server: usage.serving / elapsed,
    cost: (usage.serving * 1e6) / sorted.length,
    answerSize: median(sizes),
    requestSize: list.requests[0]?.octets.length ?? NaN,
    checked: checkSamples(samples, load.verifier),
  };
};

export const loader = {
  prepare: (preparation: Preparation): number => {
    const { name, kind } = preparation;
    lists.delete(name);
    const requests =
      kind === "hello"
        ? [{ octets: message("Hello", {}), asked: undefined }]
        : kind === "get"
          ? makeGets(preparation.files, preparation.checkpoints)
          : makePublishes(preparation.files, preparation.checkpoints);
    const isCyclic = kind !== "publish";
    const people = isCyclic ? Infinity : new Set(requests.map(({ account }) => account)).size;
    lists.set(name, { requests, isCyclic, people, next: 0 });
    return requests.length;
  },
  run: runLoad,
};
export type Loader = typeof loader;
