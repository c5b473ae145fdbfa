import { audit } from "./audit.js";
import { backup } from "./backup.js";
import { cliNouns } from "./cli-nouns.js";
import { cli } from "./cli.js";
import { client } from "./client.js";
import { devices } from "./devices.js";
import { doctor } from "./doctor.js";
import { help } from "./help.js";
import { invites } from "./invites.js";
import { keystore } from "./keystore.js";
import { labels } from "./labels.js";
import { mesh } from "./mesh.js";
import { portal } from "./portal.js";
import { serve } from "./serve.js";
import { storeAdmin } from "./store-admin.js";

/** Every message that a user can see, in English. The other languages word the same keys. */
export const en = {
  verbatim: "{text}",
  ...mesh,
  ...keystore,
  ...client,
  ...portal,
  ...serve,
  ...storeAdmin,
  ...labels,
  ...cli,
  ...cliNouns,
  ...audit,
  ...backup,
  ...devices,
  ...doctor,
  ...invites,
  ...help,
} as const;
