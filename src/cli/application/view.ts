import type { Application } from "./application.js";

/** An application as JSON results name it, whatever the command. */
export const applicationView = ({
  identifier,
  name,
  type,
}: Pick<Application<object>, "identifier" | "name" | "type">) => ({
  identifier,
  name,
  type,
});
