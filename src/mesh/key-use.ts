export type Curve = "Ed25519" | "X25519";

/** What a key is for. One key has one use (architecture-02 section 3.2). */
export const KEY_USES = [
  "master-signature",
  "master-escrow",
  "online-signature",
  "device-signature",
  "device-authentication",
  "device-encryption",
  "ssh-authentication",
] as const;
export type KeyUse = (typeof KEY_USES)[number];
