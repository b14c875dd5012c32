/** The paths of documentation pages in the installed package, for messages. */

/** @param page its path below `docs`, with an anchor if it has one */
export const documentation = (page: string): string => `node_modules/vouch/docs/${page}`
