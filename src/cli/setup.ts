import { isMeshError, MeshError } from "../errors.js";
import { listProfiles } from "../keystore/state.js";
import { parseAddress } from "../mesh/address.js";
import { msg, type Message } from "../messages/message.js";
import { inputOf, withGlobals, type Context, type Run } from "./context.js";
import { checkName, defaultDeviceName, type Named } from "./names.js";
import { raw, type Result } from "./output.js";

/** Runs one command as part of this one, and prints its text as it goes. */
const step = async (
  context: Context,
  results: Record<string, object>,
  name: string,
  run: Run,
  values: readonly string[],
  options: Readonly<Record<string, unknown>>,
): Promise<void> => {
  const keep = (result: Result): Promise<void> => {
    results[name] = result.value;
    // The notes of the single steps point at what comes next anyway.
    return context.globals.json ? Promise.resolve() : context.emit({ value: result.value, text: result.text });
  };
  const inner = Object.create(context, { emit: { value: keep, enumerable: true } }) as Context;
  const result = await run(inner, inputOf(values, options));
  if (result) await keep(result);
};

const nameProblem = (text: string, what: Named): Message | true => {
  try {
    checkName(text, what);
    return true;
  } catch (error) {
    return isMeshError(error) ? error.text : msg("setup.name-invalid");
  }
};

export const run: Run = async (context) => {
  if (!context.canAsk) {
    throw new MeshError("input-required", msg("setup.no-terminal"), {
      hint: msg("setup.no-terminal.hint"),
    });
  }
  const results: Record<string, object> = {};
  const existing = listProfiles(context.home);
  if (existing.length > 0) {
    const names = existing.map(({ name }) => name).join(", ");
    await context.note(msg("setup.another", { names }));
  }
  const typed = await context.ask.text(msg("setup.profile-name"), {
    initial: existing.length === 0 ? "default" : "second",
    validate: (text) => {
      const problem = nameProblem(text, "profile");
      if (problem !== true) return problem;
      const name = checkName(text, "profile");
      return existing.some((state) => state.name === name) ? msg("setup.name-taken") : true;
    },
  });
  const name = checkName(typed, "profile");
  const deviceName = await context.ask.text(msg("setup.device-name"), {
    initial: defaultDeviceName(context.deps),
    validate: (text) => nameProblem(text, "device"),
  });
  const { profileCreate } = await import("./online.js");
  await context.note(msg("setup.passphrase"));
  await step(context, results, "profile", profileCreate.run, [], { name, deviceName, passphrase: true });

  const own = withGlobals(context, { profile: name, account: undefined });
  await makeAccount(own, results);
  // The note needs the master key, which the split may erase.
  await offerNote(own, results);
  if (results["account"]) await offerShares(own, results);
  return context.globals.json ? { value: results, text: raw("") } : undefined;
};

const makeAccount = async (context: Context, results: Record<string, object>): Promise<void> => {
  const place = await context.ask.select(msg("setup.place"), [
    { value: "address", name: msg("setup.place-address") },
    { value: "local", name: msg("setup.place-local") },
    { value: "later", name: msg("setup.place-later") },
  ]);
  if (place === "later") return;
  const local = place === "local";
  const { accountCreate } = await import("./online.js");
  const address = await context.ask.text(local ? msg("setup.account-name") : msg("setup.address"), {
    validate: (text) => {
      try {
        parseAddress(text, local ? "localhost" : undefined);
        return true;
      } catch (error) {
        return isMeshError(error) ? error.text : msg("setup.address-invalid");
      }
    },
  });
  try {
    const at = local ? withGlobals(context, { portal: "local" }) : context;
    await step(at, results, "account", accountCreate.run, [address], {});
  } catch (error) {
    if (!isMeshError(error) || error.code === "interrupted") throw error;
    await context.note(msg("setup.account-failed", { reason: error.text }));
    await context.note(msg("setup.account-again"));
  }
};

const offerShares = async (context: Context, results: Record<string, object>): Promise<void> => {
  const { ask } = context;
  if (!(await ask.confirm(msg("setup.shares"), true))) return;
  const out = await ask.text(msg("setup.shares-folder"), {
    initial: "mesh-recovery",
    validate: (text) => text !== "" || msg("setup.folder-needed"),
  });
  const erase = await ask.confirm(msg("setup.erase"), false);
  const { escrowSplit } = await import("./online.js");
  try {
    await step(context, results, "escrow", escrowSplit.run, [], { shares: 3, threshold: 2, out, eraseMaster: erase });
  } catch (error) {
    if (!isMeshError(error) || error.code === "interrupted") throw error;
    await context.note(msg("setup.shares-failed", { reason: error.text }));
    await context.note(msg("setup.shares-again"));
  }
};

const offerNote = async (context: Context, results: Record<string, object>): Promise<void> => {
  const { ask } = context;
  if (!(await ask.confirm(msg("setup.note"), false))) return;
  const out = await ask.text(msg("setup.note-file"), { initial: "mesh-revocation.json" });
  const { profileRevocation } = await import("./online.js");
  try {
    await step(context, results, "revocation", profileRevocation.run, [], { out });
  } catch (error) {
    if (!isMeshError(error) || error.code === "interrupted") throw error;
    await context.note(msg("setup.note-failed", { reason: error.text }));
    await context.note(msg("setup.note-again"));
  }
};
