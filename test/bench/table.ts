/** A line of figures: what is measured, and a cell for each column. */
export type Row = readonly string[];

/** Lines up cells in columns, the first to the left and the others to the right. */
export const table = (rows: readonly Row[]): string => {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  }
  const line = (row: Row): string =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  ")
      .trimEnd();
  return rows.map((row) => `${line(row)}\n`).join("");
};

const known = (value: number, text: string): string => (Number.isFinite(value) ? text : "-");

export const rate = (value: number): string => known(value, value.toFixed(value < 100 ? 1 : 0));
export const ratio = (value: number): string => known(value, value.toFixed(2));
export const milliseconds = (value: number): string => known(value, `${value.toFixed(1)} ms`);
export const microseconds = (value: number): string => known(value, `${value.toFixed(0)} us`);
export const share = (value: number): string => known(value, `${(value * 100).toFixed(0)} %`);
export const megabytes = (octets: number): string => known(octets, `${(octets / 1e6).toFixed(0)} MB`);
