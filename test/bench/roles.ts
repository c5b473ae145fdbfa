import { fork } from "node:child_process";

// The bench has several processes, all of them this one program: what is measured must not share an event loop with what
// measures. Each is given a role, which is a few methods that the first process calls.

/** What a role can do. Parameters and results are structured clones. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Methods = Readonly<Record<string, (parameters: any) => unknown>>;

interface Call {
  readonly id: number;
  readonly method: string;
  readonly parameters: unknown;
}

type Reply = { readonly id: number } & ({ readonly value: unknown } | { readonly error: string });

/** A process that has a role. */
export interface Role<Has extends Methods> {
  readonly pid: number;
  call<Name extends keyof Has & string>(
    method: Name,
    parameters: Parameters<Has[Name]>[0],
  ): Promise<Awaited<ReturnType<Has[Name]>>>;
  stop(): void;
}

/** Starts this program again in a role. It ends with the process that has started it. */
export const startRole = <Has extends Methods>(name: string): Role<Has> => {
  const child = fork(process.argv[1] ?? "", [name], { serialization: "advanced" });
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  let last = 0;
  child.on("message", (reply: Reply) => {
    const call = waiting.get(reply.id);
    waiting.delete(reply.id);
    if ("error" in reply) call?.reject(new Error(`${name}: ${reply.error}`));
    else call?.resolve(reply.value);
  });
  child.on("exit", () => {
    for (const { reject } of waiting.values()) reject(new Error(`${name}: The process has ended.`));
  });
  return {
    pid: child.pid ?? 0,
    call: (method, parameters) =>
      new Promise<never>((resolve, reject) => {
        const id = ++last;
        waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
        child.send({ id, method, parameters } satisfies Call);
      }),
    stop: () => void child.kill("SIGKILL"),
  };
};

/** Answers the calls of the process that has started this one. */
export const serveRole = (methods: Methods): void => {
  const answer = async ({ id, method, parameters }: Call): Promise<Reply> => {
    try {
      return { id, value: await methods[method]?.(parameters) };
    } catch (error) {
      return { id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    }
  };
  process.on("message", (call: Call) => void answer(call).then((reply) => process.send?.(reply)));
  process.on("disconnect", () => process.exit());
};
