import type { ApplicationEntry } from "../records/personal.js";

const has = (udfs: readonly string[] | undefined, udf: string): boolean => udfs?.includes(udf) === true;

/** True where a device may read an application. */
export const mayRead = ({ DecryptDeviceUDF }: ApplicationEntry, deviceUdf: string): boolean =>
  has(DecryptDeviceUDF, deviceUdf);

/** True where a device may change the entries of an application, whether it administers the profile or not. */
export const mayWrite = ({ AdminDeviceUDF }: ApplicationEntry, deviceUdf: string): boolean =>
  has(AdminDeviceUDF, deviceUdf);

/** What a device may do with an application. */
export interface Rights {
  readonly read: boolean;
  readonly write: boolean;
}

const withMember = (udfs: readonly string[] = [], udf: string, isIn: boolean): string[] =>
  isIn ? (udfs.includes(udf) ? [...udfs] : [...udfs, udf]) : udfs.filter((other) => other !== udf);

const list = (name: "AdminDeviceUDF" | "DecryptDeviceUDF", udfs: readonly string[]): Partial<ApplicationEntry> =>
  udfs.length === 0 ? {} : { [name]: udfs };

/** The entries of a profile where a device has these rights to some of the applications, and to the others what it had. */
export const withRights = (
  applications: readonly ApplicationEntry[],
  identifiers: readonly string[],
  deviceUdf: string,
  { read, write }: Rights,
): readonly ApplicationEntry[] =>
  applications.map((entry) => {
    if (!identifiers.includes(entry.Identifier)) return entry;
    const { AdminDeviceUDF, DecryptDeviceUDF, ...kept } = entry;
    return {
      ...kept,
      ...list("AdminDeviceUDF", withMember(AdminDeviceUDF, deviceUdf, write)),
      ...list("DecryptDeviceUDF", withMember(DecryptDeviceUDF, deviceUdf, read)),
    };
  });
