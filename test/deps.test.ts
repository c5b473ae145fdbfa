import { afterEach, expect, test, vi } from "vitest";
import { systemDeps } from "../src/deps.js";

const SIGNAL = "SIGUSR2";

afterEach(() => {
  vi.restoreAllMocks();
  process.removeAllListeners(SIGNAL);
});

test("a signal that comes twice at once asks once, and one that comes again ends the process", () => {
  const exit = vi.spyOn(process, "exit").mockImplementation(() => undefined as never);
  let now = 1000;
  vi.spyOn(performance, "now").mockImplementation(() => now);
  const { signal } = systemDeps({ signals: [SIGNAL] });
  process.emit(SIGNAL);
  expect(signal).toMatchObject({ aborted: true, reason: SIGNAL });
  now += 2;
  process.emit(SIGNAL);
  expect(exit).not.toHaveBeenCalled();
  now += 1000;
  process.emit(SIGNAL);
  expect(exit).toHaveBeenCalledExactlyOnceWith(130);
});
