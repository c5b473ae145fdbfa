import { remembered } from "../mesh/remembered.js";
import type { Answer } from "./answer.js";
import { membersOf } from "./rendered.js";
import type { Head, Reader, Store } from "./store/store.js";

/** Characters of all answers that are remembered, and of one. */
const MOST = 16 * 1024 * 1024;
const LARGEST = 256 * 1024;

/** An answer, and the head that it was given by. */
export interface KnownAnswer {
  readonly head: Head;
  readonly answer: Answer;
}

/** Answers that depend on nothing but the log: each is good for as long as nothing changes. */
export interface KnownAnswers {
  /** The answer of that name, by the newest head; undefined where there is none. */
  find(name: string): Promise<KnownAnswer | undefined>;
  /** Does the work within a view and remembers what it gives. */
  keep(name: string, tx: Reader, work: (tx: Reader) => Promise<Answer>): Promise<Answer>;
}

/** Remembers answers of one store. */
export const createKnownAnswers = (store: Store): KnownAnswers => {
  const known = remembered<string, KnownAnswer & { readonly weight: number }>(MOST, ({ weight }) => weight);
  let reading: Promise<Head> | undefined;
  /** Read once for all requests that have come by then: it is as new as if each had read it for itself. */
  const newestHead = (): Promise<Head> =>
    (reading ??= new Promise<void>((resolve) => {
      setImmediate(resolve);
    }).then(() => {
      reading = undefined;
      return store.head();
    }));
  return {
    find: async (name) => {
      const found = known.get(name);
      if (!found) return undefined;
      return (await newestHead()) === found.head ? found : undefined;
    },
    keep: async (name, tx, work) => {
      const answer = { ...(await work(tx)), lasting: true } as const;
      const weight = membersOf(answer.members).length;
      if (weight <= LARGEST) known.set(name, { head: await tx.head(), answer, weight });
      return answer;
    },
  };
};
