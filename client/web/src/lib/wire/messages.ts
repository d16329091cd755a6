/** All messages of `sitwith.v1` as types. */

export * from "./slices.ts";
export * from "./commands.ts";
export * from "./frames.ts";
