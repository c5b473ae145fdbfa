import { canonicalDomain, invalidCharacters, userProblem } from "../../mesh/address.js";
import { LIMITS, type Request } from "../../mesh/protocol.js";
import { chooseLanguage } from "../../messages/language.js";
import { msg, verbatim, type Translate } from "../../messages/message.js";
import { transactSigned } from "../authenticate.js";
import { done, Refusal, type Answer } from "../answer.js";
import { keepRate, readAddress, servesDomain, type Context } from "../context.js";
import { acceptedRanges } from "../language.js";
import { findAuthenticationKey, profilesOfKey } from "../standing.js";
import type { Reader } from "../store/store.js";

/** Why an account name is not acceptable: the end of a message's key. */
type Problem = "empty" | "long" | "characters" | "dots" | "domain" | "foreign" | "taken" | "deleted" | "reserved";

const MINIMUM = 1;
/** How long a name is kept, and how many one profile may have kept at a time. */
const RESERVATION = 10 * 60 * 1000;
const MAX_RESERVATIONS = 8;

/** What is wrong with the text itself, whoever asks. */
const textProblem = (context: Context, text: string): Problem | undefined => {
  const at = text.lastIndexOf("@");
  const problem = userProblem(at < 0 ? text : text.slice(0, at));
  if (problem) return problem;
  const domain = at < 0 ? context.defaultDomain : canonicalDomain(text.slice(at + 1));
  if (domain === undefined) return "domain";
  return servesDomain(context, domain) ? undefined : "foreign";
};

/** What stands in the way at this portal, for whoever signs with the key of that fingerprint. */
const availabilityProblem = async (
  tx: Reader,
  account: string,
  now: number,
  key?: string,
): Promise<Problem | undefined> => {
  const known = await tx.account(account);
  if (known) return known.status === "Closed" ? "deleted" : "taken";
  const reservation = await tx.reservation(account);
  const isReserved = reservation && reservation.expires > now && reservation.key !== key;
  return isReserved ? "reserved" : undefined;
};

/** The words of the best language that the request itself names, or else its header. */
const chooseWords = ({ request: { headers }, translator }: Context, languages: readonly string[]): Promise<Translate> =>
  translator(chooseLanguage([...languages, ...acceptedRanges(headers["accept-language"])]));

const answer = (translate: Translate, problem: Problem | undefined, bad = ""): Answer =>
  done({
    Valid: problem === undefined,
    Minimum: MINIMUM,
    Maximum: LIMITS.name,
    ...(bad !== "" && { InvalidCharacters: bad }),
    ...(problem && { Reason: translate(msg(`portal.reason.${problem}`)) }),
  });

/**
 * Says whether an account name is acceptable here and free (reference-10 section 12.6), the reason in English, French or
 * German. `Reserve` keeps the name for ten minutes where the request is signed by a device of a profile that has an account
 * here; nobody else's wish is honoured, since names would be gone for the asking. Refuses with 429 above the rate.
 */
export const validateAccount = async (context: Context, request: Request<"ValidateAccount">): Promise<Answer> => {
  const { now, view } = context;
  keepRate(context, "validate");
  const translate = await chooseWords(context, request.Language ?? []);
  const text = request.Account.normalize("NFC");
  const problem = textProblem(context, text);
  if (problem) {
    const at = text.lastIndexOf("@");
    return answer(translate, problem, invalidCharacters(at < 0 ? text : text.slice(0, at)));
  }
  const { account } = readAddress(context, request.Account);
  const plain = (): Promise<Answer> =>
    view(async (tx) => answer(translate, await availabilityProblem(tx, account, now)));
  if (request.Reserve !== true || context.request.headers["signature-input"] === undefined) return plain();
  const unsigned = new Refusal(401, verbatim(""));
  try {
    return await transactSigned(
      context,
      { resolveKey: findAuthenticationKey, instead: unsigned },
      async (tx, key): Promise<Answer> => {
        const taken = await availabilityProblem(tx, account, now, key.udf);
        const isKnown = (await profilesOfKey(tx, key, now)).length > 0;
        if (!taken && isKnown && (await tx.reservationsOf(key.udf)) < MAX_RESERVATIONS) {
          await tx.putReservation({ account, key: key.udf, expires: now + RESERVATION });
        }
        return answer(translate, taken);
      },
    );
  } catch (error) {
    if (error === unsigned) return plain();
    throw error;
  }
};
