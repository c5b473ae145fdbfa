/** What of an entry a reference, or a person, can ask for. */
export const FIELDS = ["password", "username", "notes", "site", "title", "otp", "otp-secret", "otp-uri"] as const;
export type Field = (typeof FIELDS)[number];

export const isField = (text: string): text is Field => (FIELDS as readonly string[]).includes(text);
