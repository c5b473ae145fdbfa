import { systemDeps } from "../../src/deps.js";
import { isMeshError } from "../../src/errors.js";
import { openHome } from "../../src/keystore/home.js";
import { unlockKeystore } from "../../src/keystore/keystore.js";
import { loadPins, updatePins } from "../../src/keystore/pins.js";
import { readProfile, updateProfile } from "../../src/keystore/state.js";
import { generateKey } from "../../src/mesh/keys.js";

// A program of its own: adds one key, counts one up in the state of a profile and adds one pin, then prints the key's kid.

const [, , path = "", profile = "", start = "0"] = process.argv;
const deps = systemDeps();
const home = openHome(deps, path);

/** A lock that was lost to another process makes the change fail, whole, and then it is run again. */
const untilDone = async (change: () => Promise<unknown>): Promise<void> => {
  for (;;) {
    try {
      await change();
      return;
    } catch (error) {
      if (!isMeshError(error, "busy")) throw error;
      process.stderr.write("busy\n");
    }
  }
};

const keystore = await unlockKeystore(home);
// All begin in the same instant, however long each took to start.
await deps.sleep(Math.max(0, Number(start) - Date.now()));
const key = generateKey("device-signature", (length) => deps.random(length));
await untilDone(() => keystore.add([{ key, use: "device-signature", profile }]));
await untilDone(() =>
  updateProfile(home, profile, (state) => ({
    ...state!,
    accounts: [...state!.accounts, { account: key.kid, portal: "local" }],
  })),
);
await untilDone(() =>
  updatePins(home, keystore, (pins) => {
    pins.portals[key.kid] = { wrapping: "draft", extensions: [] };
    return pins;
  }),
);
loadPins(home, keystore);
readProfile(home, profile);
process.stdout.write(key.kid);
