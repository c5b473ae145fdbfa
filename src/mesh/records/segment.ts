import * as v from "valibot";
import { MeshError } from "../../errors.js";
import { msg } from "../../messages/message.js";
import { SEGMENT_TYPE } from "../application/kind.js";
import { EncryptedDataSchema, readRecord, type EncryptedData, type SignedRecord } from "../jose.js";
import { parseWith, TimeSchema, UdfSchema } from "../schema.js";

/** Ours: a part of an application's entries. It is never changed: what is changed comes in a segment with another identifier. */
const SegmentProfileSchema = v.looseObject({
  Identifier: UdfSchema,
  Owner: UdfSchema,
  Updated: TimeSchema,
  Sequence: v.literal(1),
  /** The identifier of the application whose entries are in it. */
  Head: UdfSchema,
  EncryptedData: EncryptedDataSchema,
});

/** A segment whose form has been checked. Whether it belongs to an application, that application's head says. */
export interface Segment {
  readonly record: SignedRecord;
  readonly identifier: string;
  readonly owner: string;
  /** The identifier of the application. */
  readonly head: string;
  readonly hash: string;
  readonly data: EncryptedData;
}

/** Reads a segment without its signature. Throws `record-invalid` or `json-invalid`. */
export const readSegment = (value: unknown): Segment => {
  const read = readRecord(value, SEGMENT_TYPE);
  const payload = parseWith(
    SegmentProfileSchema,
    read.payload,
    "record-invalid",
    msg("mesh.what.type", { type: SEGMENT_TYPE }),
  );
  if (payload.Identifier !== read.record.Identifier) {
    throw new MeshError("record-invalid", msg("mesh.application-identifier"));
  }
  return {
    record: read.record,
    identifier: payload.Identifier,
    owner: payload.Owner,
    head: payload.Head,
    hash: read.hash,
    data: payload.EncryptedData,
  };
};
