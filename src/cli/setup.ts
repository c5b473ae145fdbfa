import { isMeshError, MeshError } from "../errors.js";
import { listProfiles } from "../keystore/state.js";
import { parseAddress } from "../mesh/address.js";
import { inputOf, withGlobals, type Context, type Run } from "./context.js";
import { checkName, defaultDeviceName } from "./names.js";
import type { Result } from "./output.js";

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

const nameProblem = (text: string, what: string): string | true => {
  try {
    checkName(text, what);
    return true;
  } catch (error) {
    return isMeshError(error) ? error.message : "That is not a name.";
  }
};

export const run: Run = async (context) => {
  if (!context.canAsk) {
    throw new MeshError("input-required", "Setting up asks questions, and there is no terminal to ask on.", {
      hint: "In a script use `meshman profile create`, `meshman account create` and `meshman escrow split`.",
    });
  }
  const { prompts } = context.deps;
  const results: Record<string, object> = {};
  const existing = listProfiles(context.home);
  if (existing.length > 0) {
    const names = existing.map(({ name }) => name).join(", ");
    await context.note(`There is a profile on this device already: ${names}. This makes another one.`);
  }
  const typed = await prompts.text("Name of the profile on this device", {
    initial: existing.length === 0 ? "default" : "second",
    validate: (text) => {
      const problem = nameProblem(text, "profile");
      if (problem !== true) return problem;
      const name = checkName(text, "profile");
      return existing.some((state) => state.name === name) ? "There is a profile of that name." : true;
    },
  });
  const name = checkName(typed, "profile");
  const deviceName = await prompts.text("Name of this device, which others can see", {
    initial: defaultDeviceName(context.deps),
    validate: (text) => nameProblem(text, "device"),
  });
  const { profileCreate } = await import("./online.js");
  await context.note("The passphrase protects the keys on this device.");
  await step(context, results, "profile", profileCreate.run, [], { name, deviceName, passphrase: true });

  const own = withGlobals(context, { profile: name, account: undefined });
  await makeAccount(own, results);
  // The note needs the master key, which the split may erase.
  await offerNote(own, results);
  if (results["account"]) await offerShares(own, results);
  return context.globals.json ? { value: results, text: "" } : undefined;
};

const makeAccount = async (context: Context, results: Record<string, object>): Promise<void> => {
  const { prompts } = context.deps;
  const place = await prompts.select("Where shall the profile be published?", [
    { value: "address", name: "At a portal on the net: I have an address in mind" },
    { value: "local", name: "On this machine only, to try it out" },
    { value: "later", name: "Nowhere yet" },
  ]);
  if (place === "later") return;
  const local = place === "local";
  const { accountCreate } = await import("./online.js");
  const address = await prompts.text(local ? "Name of the account" : "Address, such as alice@example.com", {
    validate: (text) => {
      try {
        parseAddress(text, local ? "localhost" : undefined);
        return true;
      } catch (error) {
        return isMeshError(error) ? error.message : "That is not an address.";
      }
    },
  });
  try {
    const at = local ? withGlobals(context, { portal: "local" }) : context;
    await step(at, results, "account", accountCreate.run, [address], {});
  } catch (error) {
    if (!isMeshError(error) || error.code === "interrupted") throw error;
    await context.note(`The account could not be made: ${error.message}`);
    await context.note("The profile is here all the same. Try again with: meshman account create ADDRESS");
  }
};

const offerShares = async (context: Context, results: Record<string, object>): Promise<void> => {
  const { prompts } = context.deps;
  if (
    !(await prompts.confirm(
      "Make recovery shares now? Any 2 of 3 bring the profile back if all devices are lost.",
      true,
    ))
  )
    return;
  const out = await prompts.text("Folder to write the shares to (a removable drive is a good place)", {
    initial: "mesh-recovery",
    validate: (text) => text !== "" || "A folder is needed.",
  });
  const erase = await prompts.confirm(
    "Erase the master key from this device afterwards? Then only the shares have it.",
    false,
  );
  const { escrowSplit } = await import("./online.js");
  try {
    await step(context, results, "escrow", escrowSplit.run, [], { shares: 3, threshold: 2, out, eraseMaster: erase });
  } catch (error) {
    if (!isMeshError(error) || error.code === "interrupted") throw error;
    await context.note(`The shares could not be made: ${error.message}`);
    await context.note("Try again with: meshman escrow split --shares 3 --threshold 2 --out FOLDER");
  }
};

const offerNote = async (context: Context, results: Record<string, object>): Promise<void> => {
  const { prompts } = context.deps;
  const question = "Write a revocation note? Whoever holds it can end the profile for good, should its keys be stolen.";
  if (!(await prompts.confirm(question, false))) return;
  const out = await prompts.text("File to write it to", { initial: "mesh-revocation.json" });
  const { profileRevocation } = await import("./online.js");
  try {
    await step(context, results, "revocation", profileRevocation.run, [], { out });
  } catch (error) {
    if (!isMeshError(error) || error.code === "interrupted") throw error;
    await context.note(`The note could not be written: ${error.message}`);
    await context.note("Try again with: meshman profile revocation --out FILE");
  }
};
