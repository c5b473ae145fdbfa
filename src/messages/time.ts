/** A time as a person reads it: local conventions differ, so it is always `YYYY-MM-DD HH:MM UTC`. */
export const readableTime = (time: string): string => `${time.slice(0, 10)} ${time.slice(11, 16)} UTC`;

/** The same to the second, for a time that has nearly come. */
export const exactTime = (time: string): string => `${time.slice(0, 10)} ${time.slice(11, 19)} UTC`;
