import { MeshError } from "../errors.js";
import { msg } from "../messages/message.js";

/** One answer to a search: what was found, and where to go on (reference-10 section 12.4.2). */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly pageKey: string | undefined;
}

/**
 * Gives the pages of a search one after the other, as they are asked for. Throws `portal-answer` where there are more than
 * `maximum` items, or more pages than that many items can need: a portal must not keep its client busy for ever.
 */
export async function* pagesOf<Item>(
  maximum: number,
  fetch: (pageKey: string | undefined) => Promise<Page<Item>>,
): AsyncGenerator<readonly Item[]> {
  const seen = new Set<string>();
  let count = 0;
  let pageKey: string | undefined;
  do {
    const page = await fetch(pageKey);
    count += page.items.length;
    pageKey = page.pageKey;
    if (count > maximum || (pageKey !== undefined && (page.items.length === 0 || seen.has(pageKey)))) {
      throw new MeshError("portal-answer", msg("client.search-endless"));
    }
    if (pageKey !== undefined) seen.add(pageKey);
    yield page.items;
  } while (pageKey !== undefined);
}
