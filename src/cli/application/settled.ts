import type { MeshError } from "../../errors.js";

/** What became of an application when it was brought in line with the profile. */
export interface Settled {
  readonly identifier: string;
  readonly name: string;
  readonly type: string;
  /**
   * `current`: nothing was to be done. `granted`: its key was wrapped for readers who lacked it. `rekeyed`: it was encrypted anew
   * under a fresh key. `waiting`: it is not as the profile says yet, and a device that can does it when it syncs.
   */
  readonly outcome: "current" | "granted" | "rekeyed" | "waiting";
  /** Why it waits, where this device should have been able to do it. */
  readonly error?: MeshError;
}

/** What a command says with `--json` of what became of an application, among others. */
export const describeOutcome = ({ identifier, name, type, outcome, error }: Settled) => ({
  identifier,
  name,
  type,
  settled: outcome,
  ...(error && { reason: error.code }),
});

/** The same of the one application that a command is about. */
export const describeSettled = (
  settled: readonly Settled[],
  identifier: string,
): { readonly settled: Settled["outcome"]; readonly reason?: string } => {
  const found = settled.find((application) => application.identifier === identifier);
  return { settled: found?.outcome ?? "current", ...(found?.error && { reason: found.error.code }) };
};
