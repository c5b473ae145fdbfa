import { timingSafeEqual } from "node:crypto";
import { sha256, utf8 } from "../../mesh/bytes.js";
import type { Request } from "../../mesh/protocol.js";
import { msg } from "../../messages/message.js";
import { done, refuse, type Answer } from "../answer.js";
import type { Context } from "../context.js";
import { boundsOf, dataItem, decodeListPage, encodeListPage, present, timeOf, type ListPage } from "../page.js";

const authorise = ({ transferToken, publicTransfer, request }: Context): void => {
  if (publicTransfer) return;
  if (transferToken === undefined) refuse(403, msg("portal.log-closed"));
  const given = /^Bearer ([\x21-\x7e]+)$/i.exec(request.headers["authorization"] ?? "")?.[1] ?? "";
  // Digests have one length, so that the comparison takes the same time for every guess.
  if (!timingSafeEqual(sha256(utf8(given)), sha256(utf8(transferToken ?? "")))) {
    refuse(401, msg("portal.log-right"), { headers: { "www-authenticate": "Bearer" } });
  }
};

const firstPage = (request: Request<"Transfer">): ListPage => {
  const { SearchConstraints = {}, NotBefore, Until, After } = request;
  const after = After === undefined ? "0" : /^TID:([0-9]{1,15})$/.exec(After)?.[1];
  if (after === undefined) return refuse(400, msg("portal.log-after"));
  return {
    after: Number(after),
    ...present({
      notBefore: timeOf(SearchConstraints.NotBefore ?? NotBefore),
      before: timeOf(SearchConstraints.Before ?? Until),
    }),
  };
};

/**
 * Gives the log of published records, oldest first, to a peer that knows the portal's token, or to anyone where the portal's owner
 * allows it (reference-10 section 12.16). Each item shows the leaf that it is in the tree, which whoever reads the log holds against it.
 * Escrow entries never leave this way, and neither do accounts or connection requests, which are the portal's own affair.
 */
export const transfer = async (context: Context, request: Request<"Transfer">): Promise<Answer> => {
  authorise(context);
  const { SearchConstraints = {}, MaxEntries, MaxBytes } = request;
  const { PageKey } = SearchConstraints;
  const page = PageKey === undefined ? firstPage(request) : decodeListPage("t", PageKey);
  const bounds = boundsOf(present({ MaxEntries, MaxBytes, ...SearchConstraints }));
  return context.view(async (tx) => {
    const { items, more } = await tx.publications(page, bounds);
    const last = items.at(-1);
    return done(
      {
        ...(items.length > 0 && { DataItems: items.map(dataItem) }),
        ...(more && last && { PageKey: encodeListPage("t", { ...page, after: last.tid }) }),
      },
      { itemLeaves: items.map(({ leaf }) => leaf), withoutPaths: true },
    );
  });
};
