import { app } from "./app.js";
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
import { mail } from "./mail.js";
import { mesh } from "./mesh.js";
import { password } from "./password.js";
import { portal } from "./portal.js";
import { serve } from "./serve.js";
import { ssh } from "./ssh.js";
import { storeAdmin } from "./store-admin.js";

/** Every message that a user can see, in English. The other languages word the same keys. */
export const en = {
  verbatim: "{text}",
  ...mail,
  ...mesh,
  ...keystore,
  ...client,
  ...password,
  ...portal,
  ...serve,
  ...ssh,
  ...storeAdmin,
  ...labels,
  ...cli,
  ...cliNouns,
  ...app,
  ...audit,
  ...backup,
  ...devices,
  ...doctor,
  ...invites,
  ...help,
} as const;
