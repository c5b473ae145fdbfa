import { readObject } from "../../src/client/dialects.js";
import { parsePortal } from "../../src/client/target.js";
import { parseAddress } from "../../src/mesh/address.js";
import { parseStrictJson } from "../../src/mesh/json.js";
import { verifyRequest } from "../../src/mesh/request-signature.js";
import { parseShare } from "../../src/mesh/shares.js";
import { parseUdf } from "../../src/mesh/udf.js";
import { createVerifier } from "../../src/mesh/verification.js";
import { parseListen } from "../../src/portal/server.js";
import { printable } from "../../src/cli/output.js";
import { showText } from "../../src/client/text.js";
import type { Target } from "./engine.js";
import type { Random } from "./random.js";

interface LargeInput {
  readonly parser: string;
  readonly text: string;
}

const HEADER = 16 * 1024;
const BODY = 1024 * 1024;

const verifyFile = (text: string): void => {
  const sink = createVerifier().add("file");
  sink.write(Buffer.from(text));
  sink.end();
};

const verifyHeaders = async (text: string): Promise<void> => {
  const request = { method: "POST", authority: "a", path: "/", body: Buffer.alloc(0) };
  const digest = "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:";
  for (const name of ["signature-input", "signature"]) {
    const headers = { "content-digest": digest, "signature-input": "mmm=()", signature: "mmm=:AA==:", [name]: text };
    await verifyRequest({ ...request, headers }, () => Promise.resolve(undefined), 0).catch(() => undefined);
  }
};

/** What reads text of a stranger, and how much of it there can be. */
const PARSERS: Readonly<Record<string, readonly [limit: number, read: (text: string) => unknown]>> = {
  json: [BODY, parseStrictJson],
  answer: [4 * BODY, (text) => readObject(Buffer.from(text))],
  verifier: [2 * BODY, verifyFile],
  headers: [HEADER, verifyHeaders],
  // As long as a line of a terminal or of a file may be.
  udf: [BODY, parseUdf],
  share: [BODY / 16, parseShare],
  address: [BODY, (text) => parseAddress(text)],
  portal: [BODY, (text) => parsePortal(text, { allowHttp: false, localPath: "/a", cwd: "/" })],
  listen: [BODY, parseListen],
  shown: [BODY, (text) => [printable(text), showText(text)]],
};

/** Parts that a parser may look at again and again where there are many of them. */
const PARTS = [
  ..."[{\"'\\,:;=-.@ \n\t0M",
  '{"a":',
  '"a":1,',
  '\\"',
  "\\\\",
  '"\\',
  "\\u0000",
  "\\ud800",
  "MDDK-",
  "SAAQ-",
  "  ;",
  "mmm=(",
  '"@method" ',
  ";a=1",
  "a.",
  "é",
  "\u0301",
  "\u202e",
  '{"SignedData":',
  '{"Text":"',
  "[]",
  "{}",
  "1e9",
  "%2f",
  "[::",
];

const makeText = (random: Random, limit: number): string => {
  const unit = Array.from({ length: 1 + random.below(3) }, () => random.pick(PARTS)).join("");
  const many = unit.repeat(Math.floor(limit / Buffer.byteLength(unit)));
  switch (random.below(5)) {
    case 0:
      return `"${many.slice(0, limit - 2)}"`;
    case 1:
      return `[${many.slice(0, limit - 2)}]`;
    case 2:
      // Many members of different names.
      return `{${Array.from({ length: Math.floor(limit / 16) }, (_, index) => `"${index.toString(36)}":0`).join(",")}}`;
    default:
      return random.pick(["", "M", '{"a":"', "mmm=", "https://", "a@"]) + many.slice(0, limit - 8);
  }
};

/** Text as long as it can be: none may take more than its length explains. */
export const largeTarget: Target<LargeInput> = {
  name: "large",
  weight: 600,
  codes: [
    "json-invalid",
    "record-invalid",
    "too-large",
    "fingerprint-invalid",
    "share-checksum",
    "share-invalid",
    "address-invalid",
    "portal-invalid",
    "usage",
  ],
  make: (random) => {
    const parser = random.pick(Object.keys(PARSERS));
    const [limit = 0] = PARSERS[parser] ?? [];
    return { parser, text: makeText(random, limit) };
  },
  read: ({ parser, text }) => PARSERS[parser]?.[1](text),
};
