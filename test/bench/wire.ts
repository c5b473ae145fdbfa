import * as net from "node:net";
import { PORTAL_PATH } from "../../src/mesh/protocol.js";

// HTTP as cheap as it can be for whoever loads a server that sits on the same machine: requests are octets that were made
// beforehand, and of an answer only its status and its length are read.

/** What every request says in its Host header, on whichever port it arrives. */
export const AUTHORITY = "portal.example";

/** A request as it goes over the wire. */
export const httpRequest = (body: string): Buffer => {
  const octets = Buffer.from(body);
  const head = [
    `POST ${PORTAL_PATH} HTTP/1.1`,
    `Host: ${AUTHORITY}`,
    "Accept: application/json",
    "Content-Type: application/json",
    `Content-Length: ${octets.length}`,
  ];
  return Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), octets]);
};

/** Takes one answer. The body is good until the next one comes. */
export type OnAnswer = (status: number, body: Buffer) => void;

/** Reads answers that have a Content-Length, of which the next comes only after the next request. */
const createParser = (onAnswer: OnAnswer): ((chunk: Buffer) => void) => {
  let chunks: Buffer[] = [];
  let received = 0;
  let head = 0;
  let needed = 0;
  return (chunk) => {
    chunks.push(chunk);
    received += chunk.length;
    if (received < needed) return;
    const octets = chunks.length === 1 ? chunk : Buffer.concat(chunks);
    chunks = [octets];
    if (needed === 0) {
      const end = octets.indexOf("\r\n\r\n");
      if (end < 0) return;
      const length = /\r\ncontent-length: *(\d+)/i.exec(octets.toString("latin1", 0, end))?.[1];
      if (length === undefined) throw new Error("An answer has no Content-Length.");
      head = end + 4;
      needed = head + Number(length);
    }
    if (received < needed) return;
    const [from, to] = [head, needed];
    chunks = [];
    received = head = needed = 0;
    onAnswer(Number(octets.toString("latin1", 9, 12)), octets.subarray(from, to));
  };
};

export interface Connection {
  /** Sends one request; the next one is sent only after its answer. */
  send(request: Buffer, onAnswer: OnAnswer): void;
  close(): void;
}

/** Opens a connection that is kept. What goes wrong with it ends the bench. */
export const connect = (port: number): Promise<Connection> =>
  new Promise((resolve, reject) => {
    const socket = net.connect({ host: "127.0.0.1", port, noDelay: true });
    let waiting: OnAnswer | undefined;
    const parse = createParser((status, body) => {
      const onAnswer = waiting;
      waiting = undefined;
      onAnswer?.(status, body);
    });
    socket.on("data", parse);
    socket.once("error", reject);
    socket.once("close", () => {
      if (waiting) throw new Error("The server has closed a connection in the midst of a request.");
    });
    socket.once("connect", () =>
      resolve({
        send: (request, onAnswer) => {
          waiting = onAnswer;
          socket.write(request);
        },
        close: () => socket.destroy(),
      }),
    );
  });

/** Sends one request over a connection of its own. */
export const ask = async (port: number, body: string): Promise<{ readonly status: number; readonly body: Buffer }> => {
  const connection = await connect(port);
  try {
    return await new Promise((resolve) => {
      connection.send(httpRequest(body), (status, octets) => resolve({ status, body: Buffer.from(octets) }));
    });
  } finally {
    connection.close();
  }
};
